/* SPDX-License-Identifier: MIT
 *
 * The pipeline of a submission: YAML gate, schema, references, extras, roles with their commands. And what is kept of
 * it: the text with masked secrets, and the secrets alone.
 *
 * JSON goes through the YAML gate, too, after spec_json.c.
 */
#include "jobs/spec.h"

#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "jobs/spec_apps.h"
#include "jobs/spec_build.h"
#include "jobs/spec_extras.h"
#include "jobs/spec_json.h"
#include "jobs/spec_place.h"
#include "jobs/spec_refs.h"
#include "jobs/spec_roles.h"
#include "jobs/spec_tables.h"

#define MASK "******"
/* What the YAML writer makes of a document may be longer than the document: quotes, indentation, expanded aliases. */
#define WRITTEN_BYTES ((size_t)4 * 1024 * 1024)

/* ---- masked values ---- */

static bool is_leaf(const struct doc *d)
{
    return d->type != DOC_LIST && d->type != DOC_MAP;
}

/* A value that is only a reference to a secret is no secret itself. */
static bool is_reference(const struct doc *d)
{
    const char *s = d->text;
    size_t len = d->text_len;

    return d->type == DOC_STRING && len > 4 && !strncmp(s, "<%", 2) && strstr(s, "%>") == s + len - 2 &&
           strstr(s, "$secrets.");
}

static void mask(struct doc *d)
{
    d->type = DOC_STRING;
    d->text = MASK;
    d->text_len = strlen(MASK);
    d->quoted = true;
}

/* Whether anything was masked. */
static bool mask_all(struct doc *d)
{
    bool any = is_leaf(d) && d->type != DOC_NULL;

    if (any)
        mask(d);
    for (struct doc *c = d->first; c; c = c->next)
        any = mask_all(c) || any;
    return any;
}

static struct doc *child(struct doc *map, const char *key)
{
    struct doc *c = map && map->type == DOC_MAP ? map->first : NULL;

    while (c && strcmp(c->key, key) != 0)
        c = c->next;
    return c;
}

/* Whether anything was masked. */
static bool mask_document(struct doc *root)
{
    struct doc *secrets = child(root, "secrets");
    struct doc *list = child(root, "prerequisites");

    bool any = secrets && mask_all(secrets);

    for (struct doc *c = list ? list->first : NULL; c; c = c->next) {
        struct doc *password = child(child(c, "auth"), "password");

        if (password && is_leaf(password) && !is_reference(password)) {
            mask(password);
            any = true;
        }
    }
    return any;
}

/* A masked value in a submission: it came from a job's shown config, and the job would run with asterisks. */
static int refuse_masked(const struct doc *d, const struct spec_place *place, struct err *e)
{
    size_t i = 0;

    if (d->type == DOC_STRING && !strcmp(d->text, MASK))
        return spec_place_fail(place, d, e, "a value here is masked (\"%s\"); give the real one again", MASK);
    for (const struct doc *c = d->first; c; c = c->next, i++) {
        struct spec_place here = spec_place_step(place, c, i);

        if (refuse_masked(c, &here, e))
            return -1;
    }
    return 0;
}

static int check_masked(struct spec_build *b)
{
    const struct doc *secrets = spec_schema_get(b->root, "secrets");
    const struct doc *list = spec_schema_get(b->root, "prerequisites");
    struct spec_place in_secrets = {.key = "secrets"}, in_list = {.key = "prerequisites"};
    size_t i = 0;

    if (b->stored)
        return 0;
    if (secrets && refuse_masked(secrets, &in_secrets, b->e))
        return -1;
    for (const struct doc *c = list ? list->first : NULL; c; c = c->next, i++) {
        const struct doc *auth = spec_schema_get(c, "auth");
        struct spec_place here = spec_place_step(&in_list, c, i), in_auth = {.up = &here, .key = "auth"};

        if (auth && refuse_masked(auth, &in_auth, b->e))
            return -1;
    }
    return 0;
}

/* ---- parsing ---- */

static const struct doc *read_document(struct arena *a, const char *text, size_t len, bool stored, struct err *e)
{
    static const struct doc_limits written = {.bytes = WRITTEN_BYTES};
    const struct doc *root;

    text = spec_json_join(a, text, &len);
    if (!text) {
        (void)err_set(e, ERR_INTERNAL, "out of memory while reading a job");
        return NULL;
    }
    root = doc_parse_yaml(a, text, len, stored ? &written : NULL, e);
    if (root && root->type != DOC_MAP) {
        (void)spec_place_fail(NULL, root, e, "a job is a map of keys such as \"name\" and \"taskRoles\", not %s %s",
                              root->type == DOC_INT ? "an" : "a", doc_type_name(root->type));
        return NULL;
    }
    return root;
}

static void read_head(struct spec_build *b)
{
    const struct doc *defaults = spec_schema_get(b->root, "defaults");
    struct spec *s = b->spec;

    s->name = spec_schema_string(b->root, "name", NULL);
    s->description = spec_schema_string(b->root, "description", NULL);
    s->vc = spec_schema_string(defaults, "virtualCluster", "default");
    s->job_retry_count = (int)spec_schema_int(b->root, "jobRetryCount", 0);
    s->secrets = spec_schema_get(b->root, "secrets");
    spec_template_add(&b->names, "$parameters", spec_schema_get(b->root, "parameters"));
}

/* Fills b->spec and b->root. 0 or -1. */
static int parse(struct spec_build *b, const char *text, size_t len)
{
    b->spec = arena_alloc(b->arena, sizeof(*b->spec));
    if (!b->spec)
        return err_set(b->e, ERR_INTERNAL, "out of memory while reading a job");
    b->root = read_document(b->arena, text, len, b->stored, b->e);
    if (!b->root || spec_schema_check(&spec_tables_job, b->root, NULL, b->e))
        return -1;
    read_head(b);
    return spec_refs_check(b) || check_masked(b) || spec_extras_read(b) || spec_roles_read(b) || spec_apps_read(b) ? -1
                                                                                                                   : 0;
}

struct spec *spec_parse(struct arena *a, const char *text, size_t len, struct err *e)
{
    struct spec_build b = {.arena = a, .e = e};

    return parse(&b, text, len) ? NULL : b.spec;
}

struct spec *spec_load(struct arena *a, const char *text, size_t len, struct err *e)
{
    struct err why = {.code = ERR_NONE};
    struct spec_build b = {.arena = a, .stored = true, .e = &why};
    struct spec *s = parse(&b, text, len) ? NULL : b.spec;

    if (!s)
        (void)err_set(e, ERR_INTERNAL, "the stored text of a job is not valid: %s", why.text);
    return s;
}

/* ---- what is kept ---- */

static int write_masked(struct doc *root, struct buf *out, struct err *e)
{
    (void)mask_document(root);
    if (!doc_write_yaml(out, root))
        return 0;
    return err_set(e, ERR_INVALID_PROTOCOL, "the document is too long once its aliases are written out");
}

static int write_secrets(const struct doc *secrets, struct buf *out, struct err *e)
{
    struct doc alone;

    if (!secrets || secrets->type != DOC_MAP || secrets->count == 0)
        return 0;
    alone = *secrets;
    alone.key = NULL;
    alone.next = NULL;
    return doc_write_yaml(out, &alone) ? err_set(e, ERR_INTERNAL, "out of memory while reading secrets") : 0;
}

struct spec *spec_submit(struct arena *a, const char *text, size_t len, const struct spec_kept *keep, struct err *e)
{
    struct spec_build b = {.arena = a, .e = e};

    if (parse(&b, text, len) || write_secrets(b.spec->secrets, keep->secrets, e))
        return NULL;
    b.spec->secrets = NULL; /* not to be met in memory by way of the spec */
    /* The document is ours; the spec holds texts of it, and masking gives nodes other texts. */
    if (mask_document((struct doc *)(uintptr_t)b.root))
        return write_masked((struct doc *)(uintptr_t)b.root, keep->masked, e) ? NULL : b.spec;
    /* Nothing to hide: the author's own text, with its comments, is kept as it came. */
    if (buf_add(keep->masked, text, len)) {
        (void)err_set(e, ERR_INVALID_PROTOCOL, "the document is too long");
        return NULL;
    }
    return b.spec;
}

int spec_masked_config(const char *text, size_t len, struct buf *out, struct err *e)
{
    struct arena *a = arena_create(0);
    struct doc *root = NULL;
    int rc = -1;

    if (a)
        text = spec_json_join(a, text, &len);
    if (!a || !text) {
        (void)err_set(e, ERR_INTERNAL, "out of memory while masking secrets");
        goto out;
    }
    root = doc_parse_yaml(a, text, len, NULL, e);
    rc = root ? write_masked(root, out, e) : -1;
out:
    arena_destroy(a);
    return rc;
}

int spec_secrets(const char *text, size_t len, struct buf *out, struct err *e)
{
    struct arena *a = arena_create(0);
    const struct doc *root;
    int rc;

    if (!a)
        return err_set(e, ERR_INTERNAL, "out of memory while reading secrets");
    root = read_document(a, text, len, false, e);
    rc = root ? write_secrets(spec_schema_get(root, "secrets"), out, e) : -1;
    arena_destroy(a);
    return rc;
}

int spec_fill_secrets(const char *command, const char *secrets_yaml, size_t len, struct buf *out, struct err *e)
{
    static const struct doc_limits limits = {.bytes = WRITTEN_BYTES};
    struct spec_template names = {.count = 0};
    struct arena *a;
    int rc = -1;

    if (len == 0)
        return buf_adds(out, command) ? err_set(e, ERR_INTERNAL, "out of memory while filling secrets") : 0;
    a = arena_create(0);
    if (!a)
        return err_set(e, ERR_INTERNAL, "out of memory while filling secrets");
    spec_template_add(&names, "$secrets", doc_parse_yaml(a, secrets_yaml, len, &limits, e));
    if (names.count == 0)
        goto out;
    rc = spec_template_fill(&names, command, out);
    if (rc)
        (void)err_set(e, ERR_INTERNAL, "a script is too long with its secrets filled in");
out:
    arena_destroy(a);
    return rc;
}
