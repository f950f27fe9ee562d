/* SPDX-License-Identifier: MIT
 *
 * Templates (ours; OpenPAI's marketplace is a service of its own). A config is checked as a submission is, and its
 * secrets are masked before it is kept: sharing a template never shares a secret.
 */
#include <sodium.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "jobs/spec.h"
#include "jobs/template_store.h"
#include "server/api/api.h"
#include "server/mailbox.h"

enum { CONFIG_MAX = 512 << 10 };

static struct template_reader reader(const struct request *r)
{
    const struct identity *who = request_identity(r);
    return (struct template_reader){.user = who->user, .admin = who->admin};
}

/* ---- reading ---- */

static int write_template(void *ctx, const struct template *t)
{
    struct json_out *j = ctx;
    json_out_object(j);
    json_out_kstring(j, "name", t->name);
    json_out_kstring(j, "owner", t->owner);
    json_out_kstring(j, "visibility", t->visibility);
    json_out_kstring(j, "group", t->group);
    json_out_kstring(j, "title", t->title);
    json_out_kstring(j, "description", t->description);
    json_out_ktime(j, "createdTime", t->created_ms);
    json_out_ktime(j, "updatedTime", t->updated_ms);
    if (t->config)
        json_out_kstring(j, "config", t->config);
    json_out_object_end(j);
    return 0;
}

static int write_list(struct api_reading *x, struct err *e)
{
    struct template_reader who = reader(x->request);
    json_out_array(x->out);
    int rc = template_store_list(x->store, &who, &(struct template_sink){write_template, x->out}, e);
    json_out_array_end(x->out);
    return rc;
}

int api_templates(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_list, NULL, e);
}

static int write_one(struct api_reading *x, struct err *e)
{
    struct template_reader who = reader(x->request);
    const char *name = request_param(x->request, "template");
    return template_store_get(x->store, &who, name, &(struct template_sink){write_template, x->out}, e);
}

int api_template(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_one, NULL, e);
}

/* ---- writing ---- */

/* The config of the body, parsed as a job, masked. 0 or -1 with line and column within it. */
static int take_config(struct request *r, const cJSON *o, const char **out, struct err *e)
{
    const char *text = NULL;
    if (json_get_string(o, "config", &text, e) || !text)
        return e->code ? -1 : 0;
    struct arena *arena = arena_create(0);
    struct buf masked, secrets;
    buf_init(&masked, CONFIG_MAX);
    buf_init(&secrets, CONFIG_MAX);
    const struct spec_kept keep = {.masked = &masked, .secrets = &secrets};
    int rc = arena && spec_submit(arena, text, strlen(text), &keep, e) ? 0 : -1;
    if (!rc)
        *out = arena_strndup(request_arena(r), buf_str(&masked), masked.len);
    if (!arena || (!rc && !*out))
        rc = err_set(e, ERR_INTERNAL, "Out of memory.");
    if (secrets.data)
        sodium_memzero(secrets.data, secrets.len);
    buf_fini(&secrets);
    buf_fini(&masked);
    arena_destroy(arena);
    return rc;
}

static int check_sharing(const struct template *t, struct err *e)
{
    if (t->visibility && !template_visibility_ok(t->visibility))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"visibility\" must be private, group or public.");
    bool shared = t->visibility && !strcmp(t->visibility, "group");
    if (shared != (t->group != NULL))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"group\" is given with \"visibility\" group, and only then.");
    return 0;
}

/* The members that are strings, with their limits. */
static int take_strings(struct request *r, const cJSON *o, struct template *t, struct err *e)
{
    const struct {
        const char *key;
        size_t max;
        const char **out;
    } wanted[] = {{"name", TEMPLATE_NAME_MAX, &t->name},
                  {"title", TEMPLATE_TITLE_MAX, &t->title},
                  {"description", TEMPLATE_DESCRIPTION_MAX, &t->description},
                  {"visibility", TEMPLATE_NAME_MAX, &t->visibility},
                  {"group", TEMPLATE_NAME_MAX, &t->group}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const char *text = NULL;
        if (json_get_string(o, wanted[i].key, &text, e))
            return -1;
        if (!text)
            continue;
        if (strlen(text) > wanted[i].max)
            return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" has at most %zu bytes.", wanted[i].key, wanted[i].max);
        *wanted[i].out = arena_strdup(request_arena(r), text);
        if (!*wanted[i].out)
            return err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    return 0;
}

/* What a body says of a template. 0 or -1. */
static int read_body(struct request *r, const cJSON *o, struct template *t, struct err *e)
{
    static const char *const only[] = {"name", "title", "description", "visibility", "group", "config", NULL};
    if (json_only_keys(o, only, e) || take_strings(r, o, t, e) || check_sharing(t, e))
        return -1;
    return take_config(r, o, &t->config, e);
}

/* A mail with an empty write. NULL on out of memory. */
static struct mail *begin(struct request *r, command_write_fn *run, int status, const char *message)
{
    struct template_write *w = arena_alloc(request_arena(r), sizeof *w);
    struct mail *m = w ? api_mail_write(r, run, w, api_done_message) : NULL;
    if (!m || api_message(m, r, status, message))
        return NULL;
    *w = (struct template_write){.by = reader(r), .row = {.name = request_param(r, "template")}};
    return m;
}

int api_template_add(struct request *r, void *context, struct err *e)
{
    struct mail *m = begin(r, template_store_add, 201, "Template is created successfully.");
    if (!m)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    struct template *t = &((struct template_write *)m->cmd.write.what)->row;
    cJSON *o = api_body_object(r, e);
    int rc = o ? read_body(r, o, t, e) : -1;
    cJSON_Delete(o);
    if (rc)
        return -1;
    if (!t->name || !template_name_ok(t->name))
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "\"name\" has 1 to %d letters, digits, '_', '-' and '.', and no dot first.", TEMPLATE_NAME_MAX);
    if (!t->config)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"config\" is missing.");
    t->title = t->title ? t->title : t->name;
    t->description = t->description ? t->description : "";
    t->visibility = t->visibility ? t->visibility : "private";
    return api_post(context, r, m, e);
}

int api_template_put(struct request *r, void *context, struct err *e)
{
    struct mail *m = begin(r, template_store_change, 201, "Template is updated successfully.");
    if (!m)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    struct template *t = &((struct template_write *)m->cmd.write.what)->row;
    const char *name = t->name;
    cJSON *o = api_body_object(r, e);
    int rc = o ? read_body(r, o, t, e) : -1;
    cJSON_Delete(o);
    if (rc)
        return -1;
    if (strcmp(t->name, name) != 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "A template keeps its name; make another.");
    return api_post(context, r, m, e);
}

int api_template_remove(struct request *r, void *context, struct err *e)
{
    struct mail *m = begin(r, template_store_remove, 200, "Template is removed successfully.");
    return m ? api_post(context, r, m, e) : err_set(e, ERR_INTERNAL, "Out of memory.");
}
