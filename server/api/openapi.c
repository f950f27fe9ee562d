/* SPDX-License-Identifier: MIT
 *
 * The route table as OpenAPI. An operation's path, method, parameters, body and successes come from its row; every
 * operation may also answer a Problem. A schema's contentMediaType is the media type of what it describes.
 */
#include "server/api/openapi.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "server/api/api.h"

enum { DOCUMENT_MAX = 4 << 20, REF_SIZE = 96 };

struct openapi {
    struct buf text;
};

/* What writing needs. */
struct writer {
    struct json_out j;
    const struct route *rows;
    size_t count;
    cJSON *schemas; /* all files, by name */
};

/* ---- the schemas ---- */

/* Moves the members of one file into `all`. 0 or -1. */
static int merge_file(cJSON *all, const struct static_file *f, struct err *e)
{
    cJSON *o = json_parse((const char *)f->data, f->len, 0, e);
    if (!o)
        return err_wrap(e, "server/api/schema%s", f->path);
    while (o->child) {
        cJSON *item = cJSON_DetachItemViaPointer(o, o->child);
        if (cJSON_GetObjectItemCaseSensitive(all, item->string) || !cJSON_AddItemToObject(all, item->string, item)) {
            err_set(e, ERR_INTERNAL, "server/api/schema%s describes %s, which another file does, too.", f->path,
                    item->string);
            cJSON_Delete(item);
            cJSON_Delete(o);
            return -1;
        }
    }
    cJSON_Delete(o);
    return 0;
}

static cJSON *load_schemas(struct err *e)
{
    size_t count;
    const struct static_file *files = schema_files(&count);
    cJSON *all = cJSON_CreateObject();
    for (size_t i = 0; all && i < count; i++)
        if (merge_file(all, &files[i], e)) {
            cJSON_Delete(all);
            return NULL;
        }
    if (!all)
        err_set(e, ERR_INTERNAL, "Out of memory.");
    return all;
}

static const cJSON *find_schema(const struct writer *w, const struct route *row, const char *name, struct err *e)
{
    const cJSON *s = cJSON_GetObjectItemCaseSensitive(w->schemas, name);
    if (!s)
        err_set(e, ERR_INTERNAL, "Route %s %s names the schema %s: describe it in a file of server/api/schema/.",
                route_method_name(row->method), row->path, name);
    return s;
}

static void write_json(struct writer *w, const cJSON *value)
{
    char *text = cJSON_PrintUnformatted(value);
    if (text)
        json_out_raw(&w->j, text);
    else
        w->j.out->bad = true;
    cJSON_free(text);
}

/* ---- one operation ---- */

bool openapi_next_reply(const char **at, struct openapi_reply *out)
{
    const char *s = *at;
    char *end;
    while (*s == ' ')
        s++;
    if (!isdigit((unsigned char)*s))
        return false;
    *out = (struct openapi_reply){.status = (int)strtol(s, &end, 10)};
    while (*end == ' ')
        end++;
    size_t n = isupper((unsigned char)*end) ? strcspn(end, " ") : 0;
    if (out->status < 101 || out->status > 599 || n >= sizeof out->schema)
        return false;
    memcpy(out->schema, end, n);
    *at = end + n;
    return true;
}

/* "content": {MEDIA: {"schema": {"$ref": ...}}} */
static void write_content(struct writer *w, const char *name, const char *media)
{
    char ref[REF_SIZE + 32];
    snprintf(ref, sizeof ref, "#/components/schemas/%s", name);
    json_out_key(&w->j, media);
    json_out_object(&w->j);
    json_out_key(&w->j, "schema");
    json_out_object(&w->j);
    json_out_kstring(&w->j, "$ref", ref);
    json_out_object_end(&w->j);
    json_out_object_end(&w->j);
}

static const char *schema_media(const cJSON *schema)
{
    const cJSON *media = cJSON_GetObjectItemCaseSensitive(schema, "contentMediaType");
    return cJSON_IsString(media) ? media->valuestring : "application/json";
}

static const char *description(const cJSON *schema, const char *fallback)
{
    const cJSON *text = cJSON_GetObjectItemCaseSensitive(schema, "description");
    return cJSON_IsString(text) ? text->valuestring : fallback;
}

static void write_not_modified(struct writer *w)
{
    json_out_key(&w->j, "304");
    json_out_object(&w->j);
    json_out_kstring(&w->j, "description", "not changed since the ETag that If-None-Match names");
    json_out_object_end(&w->j);
}

/* Whether it answers 200 with JSON: api_json_send tags what it sends. */
static bool is_tagged(const struct writer *w, const struct route *row)
{
    const char *at = row->reply;
    struct openapi_reply reply;
    while (openapi_next_reply(&at, &reply))
        if (reply.status == 200 && reply.schema[0] &&
            !strcmp(schema_media(cJSON_GetObjectItemCaseSensitive(w->schemas, reply.schema)), "application/json"))
            return true;
    return false;
}

/* One status; the media types of those that follow with the same status belong to it. */
static int write_reply(struct writer *w, const struct route *row, const struct openapi_reply *first, const char **at,
                       struct err *e)
{
    const cJSON *schema = first->schema[0] ? find_schema(w, row, first->schema, e) : NULL;
    struct openapi_reply next;
    char status[16];
    if (first->schema[0] && !schema)
        return -1;
    snprintf(status, sizeof status, "%d", first->status);
    json_out_key(&w->j, status);
    json_out_object(&w->j);
    json_out_kstring(&w->j, "description", description(schema, first->status < 400 ? "success" : "as things are"));
    if (schema) {
        json_out_key(&w->j, "content");
        json_out_object(&w->j);
        write_content(w, first->schema, schema_media(schema));
        for (const char *p = *at; openapi_next_reply(&p, &next) && next.status == first->status; *at = p) {
            schema = find_schema(w, row, next.schema, e);
            if (!schema)
                return -1;
            write_content(w, next.schema, schema_media(schema));
        }
        json_out_object_end(&w->j);
    }
    json_out_object_end(&w->j);
    return 0;
}

static int write_replies(struct writer *w, const struct route *row, struct err *e)
{
    const char *at = row->reply ? row->reply : "";
    struct openapi_reply reply;
    int n = 0;
    json_out_key(&w->j, "responses");
    json_out_object(&w->j);
    for (; openapi_next_reply(&at, &reply); n++)
        if (write_reply(w, row, &reply, &at, e))
            return -1;
    if (!n || *at)
        return err_set(e, ERR_INTERNAL,
                       "Route %s %s has no .reply that says what it answers: give it status and schema, as in "
                       "\"200 JobList\", and describe the schema in a file of server/api/schema/.",
                       route_method_name(row->method), row->path);
    if (row->method == HTTP_GET && is_tagged(w, row))
        write_not_modified(w);
    json_out_key(&w->j, "default");
    json_out_object(&w->j);
    json_out_kstring(&w->j, "$ref", "#/components/responses/Problem");
    json_out_object_end(&w->j);
    json_out_object_end(&w->j);
    return 0;
}

static void write_parameter(struct writer *w, const char *in, const char *name, const cJSON *schema)
{
    json_out_object(&w->j);
    json_out_kstring(&w->j, "name", name);
    json_out_kstring(&w->j, "in", in);
    if (!strcmp(in, "path"))
        json_out_kbool(&w->j, "required", true);
    json_out_key(&w->j, "schema");
    if (schema)
        write_json(w, schema);
    else
        json_out_raw(&w->j, "{\"type\":\"string\"}");
    json_out_object_end(&w->j);
}

/* Segments in braces, and the properties of the query's schema. */
static int write_parameters(struct writer *w, const struct route *row, struct err *e)
{
    const cJSON *query = row->query ? find_schema(w, row, row->query, e) : NULL;
    const cJSON *fields = query ? cJSON_GetObjectItemCaseSensitive(query, "properties") : NULL;
    if (row->query && !query)
        return -1;
    if (!fields && !strchr(row->path, '{'))
        return 0;
    json_out_key(&w->j, "parameters");
    json_out_array(&w->j);
    for (const char *s = strchr(row->path, '{'); s; s = strchr(s + 1, '{')) {
        char name[REF_SIZE];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(s + 1, "}"), s + 1);
        write_parameter(w, "path", name, NULL);
    }
    for (const cJSON *f = fields ? fields->child : NULL; f; f = f->next)
        write_parameter(w, "query", f->string, f);
    json_out_array_end(&w->j);
    return 0;
}

static int write_body(struct writer *w, const struct route *row, struct err *e)
{
    static const struct {
        enum http_media media;
        const char *name;
    } types[] = {{HTTP_MEDIA_JSON, "application/json"}, {HTTP_MEDIA_YAML, "text/yaml"},
                 {HTTP_MEDIA_TEXT, "text/plain"},       {HTTP_MEDIA_CSV, "text/csv"},
                 {HTTP_MEDIA_TAR, "application/x-tar"}, {HTTP_MEDIA_FORM, "application/x-www-form-urlencoded"}};
    unsigned media = row->media ? row->media : HTTP_MEDIA_JSON;
    if (!row->takes)
        return 0;
    if (!find_schema(w, row, row->takes, e))
        return -1;
    json_out_key(&w->j, "requestBody");
    json_out_object(&w->j);
    json_out_key(&w->j, "content");
    json_out_object(&w->j);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (media & types[i].media)
            write_content(w, row->takes, types[i].name);
    json_out_object_end(&w->j);
    json_out_object_end(&w->j);
    return 0;
}

/* "get_jobs_job_attempts_attempt": unique, since method and path are. */
static void write_id(struct writer *w, const struct route *row)
{
    char id[256];
    int n = snprintf(id, sizeof id, "%s%s", route_method_name(row->method),
                     strncmp(row->path, ROUTE_PREFIX, strlen(ROUTE_PREFIX)) != 0 ? row->path
                                                                                 : row->path + strlen(ROUTE_PREFIX));
    char *out = id;
    for (int i = 0; i < n && id[i]; i++)
        if (isalnum((unsigned char)id[i]))
            *out++ = (char)tolower((unsigned char)id[i]);
        else if (id[i] != '{' && id[i] != '}')
            *out++ = '_';
    *out = '\0';
    json_out_kstring(&w->j, "operationId", id);
}

/* The noun: the first segment below the prefix. */
static void write_tag(struct writer *w, const struct route *row)
{
    const char *s =
        row->path +
        (strncmp(row->path, ROUTE_PREFIX "/", strlen(ROUTE_PREFIX) + 1) != 0 ? 1 : strlen(ROUTE_PREFIX) + 1);
    size_t n = strcspn(s, "/.");
    json_out_key(&w->j, "tags");
    json_out_array(&w->j);
    json_out_string_n(&w->j, n ? s : "info", n ? n : strlen("info"));
    json_out_array_end(&w->j);
}

static int write_operation(struct writer *w, const struct route *row, struct err *e)
{
    char method[16];
    size_t n = strlen(route_method_name(row->method));
    for (size_t i = 0; i <= n; i++)
        method[i] = (char)tolower((unsigned char)route_method_name(row->method)[i]);
    json_out_key(&w->j, method);
    json_out_object(&w->j);
    write_id(w, row);
    json_out_kstring(&w->j, "summary", row->help);
    write_tag(w, row);
    json_out_kstring(&w->j, "x-access", access_name(row->access));
    if (row->access == ACCESS_ANON) {
        json_out_key(&w->j, "security");
        json_out_array(&w->j);
        json_out_array_end(&w->j);
    }
    if (write_parameters(w, row, e) || write_body(w, row, e) || write_replies(w, row, e))
        return -1;
    json_out_object_end(&w->j);
    return 0;
}

/* ---- the document ---- */

static bool is_first_of_path(const struct writer *w, size_t row)
{
    for (size_t i = 0; i < row; i++)
        if (!strcmp(w->rows[i].path, w->rows[row].path))
            return false;
    return true;
}

static int write_paths(struct writer *w, struct err *e)
{
    json_out_key(&w->j, "paths");
    json_out_object(&w->j);
    for (size_t i = 0; i < w->count; i++) {
        if (!is_first_of_path(w, i))
            continue;
        json_out_key(&w->j, w->rows[i].path);
        json_out_object(&w->j);
        for (size_t k = i; k < w->count; k++)
            if (!strcmp(w->rows[k].path, w->rows[i].path) && write_operation(w, &w->rows[k], e))
                return -1;
        json_out_object_end(&w->j);
    }
    json_out_object_end(&w->j);
    return 0;
}

static void write_head(struct writer *w)
{
    json_out_kstring(&w->j, "openapi", "3.1.0");
    json_out_key(&w->j, "info");
    json_out_raw(&w->j, "{\"title\":\"Drover REST API\",\"version\":\"2\",\"description\":\"OpenPAI's REST API v2 and "
                        "what it lacked. /rest-server/api/v2 is the same as /api/v2.\"}");
    json_out_key(&w->j, "servers");
    json_out_raw(&w->j, "[{\"url\":\"/\"}]");
    json_out_key(&w->j, "security");
    json_out_raw(&w->j, "[{\"bearer\":[]},{\"application\":[]},{\"session\":[]}]");
}

static void write_components(struct writer *w)
{
    json_out_key(&w->j, "components");
    json_out_object(&w->j);
    json_out_key(&w->j, "securitySchemes");
    json_out_raw(&w->j, "{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
                        "\"application\":{\"type\":\"http\",\"scheme\":\"basic\",\"description\":"
                        "\"user and application token\"},"
                        "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"__Host-drover\",\"description\":"
                        "\"the portal's; changes also need X-Drover-Csrf: 1\"}}");
    json_out_key(&w->j, "responses");
    json_out_raw(&w->j, "{\"Problem\":{\"description\":\"an error\",\"content\":{\"application/problem+json\":"
                        "{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}}}");
    json_out_key(&w->j, "schemas");
    write_json(w, w->schemas);
    json_out_object_end(&w->j);
}

static int write_document(struct writer *w, struct err *e)
{
    json_out_object(&w->j);
    write_head(w);
    if (write_paths(w, e))
        return -1;
    write_components(w);
    json_out_object_end(&w->j);
    return w->j.out->bad ? err_set(e, ERR_INTERNAL, "Out of memory.") : 0;
}

struct openapi *openapi_create(const struct route *rows, size_t count, struct err *e)
{
    struct openapi *o = calloc(1, sizeof *o);
    struct writer w = {.rows = rows, .count = count, .schemas = o ? load_schemas(e) : NULL};
    if (!o) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    buf_init(&o->text, DOCUMENT_MAX);
    json_out_init(&w.j, &o->text);
    if (!w.schemas || write_document(&w, e)) {
        openapi_destroy(o);
        o = NULL;
    }
    cJSON_Delete(w.schemas);
    return o;
}

void openapi_destroy(struct openapi *o)
{
    if (!o)
        return;
    buf_fini(&o->text);
    free(o);
}

const char *openapi_text(const struct openapi *o, size_t *len)
{
    *len = o->text.len;
    return buf_str(&o->text);
}

int api_openapi(struct request *r, void *context, struct err *e)
{
    const struct openapi *o = ((struct api *)context)->openapi;
    (void)e;
    if (!api_unchanged(r, o->text.data, o->text.len))
        reply_bytes(r, 200, "application/json", o->text.data, o->text.len);
    return 0;
}
