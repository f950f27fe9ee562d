/* SPDX-License-Identifier: MIT
 *
 * The API's description against the route table, both ways: each row is an operation with all that the row says, each
 * operation is a row, each name that is used is described, and what is described is used.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/json.h"
#include "server/api/api.h"
#include "server/api/openapi.h"

struct world {
    const struct route *rows;
    size_t count;
    struct openapi *openapi;
    cJSON *doc;
};

static cJSON *member(const cJSON *o, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(o, name);
}

static int setup(void **state)
{
    static struct world w;
    struct err e = {0};
    size_t len;
    w.rows = api_routes(&w.count);
    w.openapi = openapi_create(w.rows, w.count, &e);
    if (!w.openapi) {
        fprintf(stderr, "%s\n", e.text); /* says what to add, and where */
        return -1;
    }
    const char *text = openapi_text(w.openapi, &len);
    w.doc = json_parse(text, len, len, &e);
    *state = &w;
    return w.doc ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *w = *state;
    cJSON_Delete(w->doc);
    openapi_destroy(w->openapi);
    return 0;
}

static const cJSON *operation(const struct world *w, const struct route *row)
{
    char method[16] = "";
    const char *name = route_method_name(row->method);
    for (size_t i = 0; name[i] && i < sizeof method - 1; i++)
        method[i] = (char)(name[i] | 0x20);
    return member(member(member(w->doc, "paths"), row->path), method);
}

static void every_row_is_an_operation(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < w->count; i++) {
        const struct route *row = &w->rows[i];
        const cJSON *op = operation(w, row);
        if (!op)
            fail_msg("%s %s is not in the description", route_method_name(row->method), row->path);
        assert_string_equal(member(op, "summary")->valuestring, row->help);
        assert_string_equal(member(op, "x-access")->valuestring, access_name(row->access));
        assert_int_equal(member(op, "security") != NULL, row->access == ACCESS_ANON);
        assert_int_equal(member(op, "requestBody") != NULL, row->takes != NULL);
        assert_non_null(member(member(op, "responses"), "default"));
    }
}

/* Of `rows` the one for an operation of the description. */
static const struct route *row_of(const struct world *w, const char *path, const char *method)
{
    for (size_t i = 0; i < w->count; i++)
        if (!strcmp(w->rows[i].path, path) && !strcasecmp(route_method_name(w->rows[i].method), method))
            return &w->rows[i];
    return NULL;
}

static void every_operation_is_a_row(void **state)
{
    struct world *w = *state;
    size_t operations = 0;
    for (const cJSON *path = member(w->doc, "paths")->child; path; path = path->next)
        for (const cJSON *op = path->child; op; op = op->next, operations++)
            if (!row_of(w, path->string, op->string))
                fail_msg("%s %s is described and no route", op->string, path->string);
    assert_int_equal(operations, w->count);
}

/* A row that takes a body says which; a method that never has one does not. */
static void bodies_are_where_they_belong(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < w->count; i++) {
        const struct route *row = &w->rows[i];
        if (row->takes && row->method == HTTP_GET)
            fail_msg("GET %s takes a body", row->path);
        if ((row->media || row->body_limit) && !row->takes)
            fail_msg("%s %s accepts a body, but .takes names no schema for it: describe it in a file of "
                     "server/api/schema/",
                     route_method_name(row->method), row->path);
    }
}

static void operation_ids_are_unique(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < w->count; i++)
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(member(operation(w, &w->rows[i]), "operationId")->valuestring,
                                    member(operation(w, &w->rows[k]), "operationId")->valuestring);
}

static void path_parameters_are_required(void **state)
{
    struct world *w = *state;
    for (size_t i = 0; i < w->count; i++) {
        size_t braces = 0, found = 0;
        for (const char *s = w->rows[i].path; *s; s++)
            braces += *s == '{';
        const cJSON *list = member(operation(w, &w->rows[i]), "parameters");
        for (const cJSON *p = list ? list->child : NULL; p; p = p->next)
            if (!strcmp(member(p, "in")->valuestring, "path")) {
                assert_true(cJSON_IsTrue(member(p, "required")));
                found++;
            }
        assert_int_equal(found, braces);
    }
}

/* Each "$ref" below `node` names something that is there; counts into `used` the schemas named. */
static void walk_refs(const struct world *w, const cJSON *node, cJSON *used)
{
    static const char prefix[] = "#/components/schemas/";
    if (node->string && !strcmp(node->string, "$ref") && cJSON_IsString(node)) {
        const char *ref = node->valuestring;
        if (!strcmp(ref, "#/components/responses/Problem"))
            return;
        assert_true(!strncmp(ref, prefix, sizeof prefix - 1));
        const char *name = ref + sizeof prefix - 1;
        if (!member(member(member(w->doc, "components"), "schemas"), name))
            fail_msg("$ref to %s, which no file of server/api/schema/ describes", name);
        if (!member(used, name))
            cJSON_AddTrueToObject(used, name);
    }
    for (const cJSON *c = node->child; c; c = c->next)
        walk_refs(w, c, used);
}

static void schemas_are_there_and_used(void **state)
{
    struct world *w = *state;
    cJSON *used = cJSON_CreateObject();
    walk_refs(w, w->doc, used);
    for (size_t i = 0; i < w->count; i++)
        if (w->rows[i].query && !member(used, w->rows[i].query))
            cJSON_AddTrueToObject(used, w->rows[i].query); /* its properties became parameters */
    for (const cJSON *s = member(member(w->doc, "components"), "schemas")->child; s; s = s->next)
        if (!member(used, s->string))
            fail_msg("the schema %s is described, and no route names it", s->string);
    cJSON_Delete(used);
}

/* An object lists its properties, or says what else it may hold: else it would describe nothing. */
static void check_object(const cJSON *node, const char *where)
{
    const cJSON *type = member(node, "type");
    if (cJSON_IsString(type) && !strcmp(type->valuestring, "object") && !member(node, "properties") &&
        !member(node, "additionalProperties"))
        fail_msg("in schema %s, an object has neither properties nor additionalProperties", where);
    const cJSON *required = member(node, "required");
    for (const cJSON *name = cJSON_IsArray(required) ? required->child : NULL; name; name = name->next)
        if (!member(member(node, "properties"), name->valuestring))
            fail_msg("in schema %s, the required %s is no property", where, name->valuestring);
    for (const cJSON *c = node->child; c; c = c->next)
        if (cJSON_IsObject(c) || cJSON_IsArray(c))
            check_object(c, where);
}

static void schemas_say_something(void **state)
{
    struct world *w = *state;
    for (const cJSON *s = member(member(w->doc, "components"), "schemas")->child; s; s = s->next)
        check_object(s, s->string);
}

static int no_handler(struct request *r, void *context, struct err *e)
{
    (void)r;
    (void)context;
    (void)e;
    return 0;
}

static void incomplete_rows_are_named(void **state)
{
    static const struct route rows[] = {
        {HTTP_GET, "/api/v2/a", no_handler, ACCESS_USER, .help = "x"},
        {HTTP_GET, "/api/v2/b", no_handler, ACCESS_USER, .help = "x", .reply = "200 Nothing"},
        {HTTP_GET, "/api/v2/c", no_handler, ACCESS_USER, .help = "x", .reply = "JobList"},
        {HTTP_GET, "/api/v2/d", no_handler, ACCESS_USER, .help = "x", .reply = "200", .query = "NoQuery"},
        {HTTP_PUT, "/api/v2/e", no_handler, ACCESS_USER, .help = "x", .reply = "200", .takes = "NoBody"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = {0};
        assert_null(openapi_create(&rows[i], 1, &e));
        assert_non_null(strstr(e.text, rows[i].path));
        assert_non_null(strstr(e.text, "server/api/schema/"));
    }
}

static void replies_are_read(void **state)
{
    struct openapi_reply r;
    const char *at = "200 Log 206 Log 304";
    (void)state;
    assert_true(openapi_next_reply(&at, &r));
    assert_int_equal(r.status, 200);
    assert_string_equal(r.schema, "Log");
    assert_true(openapi_next_reply(&at, &r));
    assert_int_equal(r.status, 206);
    assert_true(openapi_next_reply(&at, &r));
    assert_int_equal(r.status, 304);
    assert_string_equal(r.schema, "");
    assert_false(openapi_next_reply(&at, &r));
    assert_string_equal(at, "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_an_operation),
        cmocka_unit_test(every_operation_is_a_row),
        cmocka_unit_test(bodies_are_where_they_belong),
        cmocka_unit_test(operation_ids_are_unique),
        cmocka_unit_test(path_parameters_are_required),
        cmocka_unit_test(schemas_are_there_and_used),
        cmocka_unit_test(schemas_say_something),
        cmocka_unit_test(incomplete_rows_are_named),
        cmocka_unit_test(replies_are_read),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
