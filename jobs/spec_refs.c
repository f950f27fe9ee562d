/* SPDX-License-Identifier: MIT
 *
 * References within a job's document.
 *
 * A name in a `prerequisites` or `require` list stands for every prerequisite of that name, whatever its type: only
 * (type, name) is unique. The edges are resolved once, so that the order of each role is one walk over them.
 */
#include "jobs/spec_refs.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/doc.h"
#include "base/err.h"
#include "jobs/spec_build.h"
#include "jobs/spec_place.h"
#include "jobs/spec_tables.h"

enum mark { MARK_NEW, MARK_OPEN, MARK_DONE };

/* One prerequisite. */
struct prerequisite {
    const struct doc *doc;
    const char *type, *name;
    size_t *requires; /* indices of nodes */
    size_t require_count;
    enum mark mark;
};

struct spec_refs {
    struct prerequisite *nodes;
    size_t count;
};

static int no_memory(struct spec_build *b)
{
    return err_set(b->e, ERR_INTERNAL, "out of memory while reading a job");
}

/* ---- prerequisites ---- */

const struct doc *spec_refs_find(const struct spec_refs *refs, const char *type, const char *name)
{
    for (size_t i = 0; name && i < refs->count; i++)
        if (!strcmp(refs->nodes[i].type, type) && !strcmp(refs->nodes[i].name, name))
            return refs->nodes[i].doc;
    return NULL;
}

static int read_prerequisite(struct spec_build *b, const struct doc *d, const struct spec_place *place)
{
    struct spec_refs *refs = b->refs;
    const char *type = spec_schema_string(d, "type", "");
    const char *name = spec_schema_string(d, "name", "");
    struct prerequisite *n = &refs->nodes[refs->count];

    if (spec_schema_check(spec_tables_prerequisite(type), d, place, b->e))
        return -1;
    if (spec_refs_find(refs, type, name))
        return spec_place_fail(place, doc_get(d, "name"), b->e,
                               "there is already a prerequisite of type %s with the name \"%.100s\"", type, name);
    *n = (struct prerequisite){.doc = d, .type = type, .name = name};
    refs->count++;
    return 0;
}

/* Appends the nodes with this name to `out` (room for refs->count); the number of them. */
static size_t nodes_named(const struct spec_refs *refs, const char *name, size_t *out)
{
    size_t n = 0;

    for (size_t i = 0; i < refs->count; i++)
        if (!strcmp(refs->nodes[i].name, name))
            out[n++] = i;
    return n;
}

/* Resolves the names of `list` into node indices in the arena. */
static int resolve(struct spec_build *b, const struct doc *list, const struct spec_place *place, size_t **out,
                   size_t *count)
{
    const struct spec_refs *refs = b->refs;
    size_t room = list ? list->count * 4 : 0; /* a name may stand for one prerequisite of each type */
    size_t i = 0;

    *count = 0;
    *out = arena_calloc(b->arena, room + 1, sizeof(**out));
    if (!*out)
        return no_memory(b);
    for (const struct doc *c = list ? list->first : NULL; c; c = c->next, i++) {
        struct spec_place here = spec_place_step(place, c, i);
        size_t n = nodes_named(refs, c->text, *out + *count);

        if (n == 0)
            return spec_place_fail(&here, c, b->e, "there is no prerequisite with the name \"%.100s\"", c->text);
        *count += n;
    }
    return 0;
}

static int resolve_requires(struct spec_build *b, const struct spec_place *list)
{
    for (size_t i = 0; i < b->refs->count; i++) {
        struct prerequisite *n = &b->refs->nodes[i];
        const struct doc *require = strcmp(n->type, "dockerimage") ? spec_schema_get(n->doc, "require") : NULL;
        struct spec_place here = spec_place_step(list, n->doc, i);
        struct spec_place names = {.up = &here, .key = "require"};

        if (resolve(b, require, &names, &n->requires, &n->require_count))
            return -1;
    }
    return 0;
}

/* Visits a node after all it requires; appends to `order` when that is not NULL. -1 for a circle. As deep as the
 * longest chain of requires, which SPEC_MAX_PREREQUISITES bounds. */
static int visit(struct spec_refs *refs, size_t index, const struct doc **order, size_t *count)
{
    struct prerequisite *n = &refs->nodes[index];

    if (n->mark != MARK_NEW)
        return n->mark == MARK_OPEN ? -1 : 0;
    n->mark = MARK_OPEN;
    for (size_t i = 0; i < n->require_count; i++)
        if (visit(refs, n->requires[i], order, count))
            return -1;
    n->mark = MARK_DONE;
    if (order)
        order[(*count)++] = n->doc;
    return 0;
}

static void clear_marks(struct spec_refs *refs)
{
    for (size_t i = 0; i < refs->count; i++)
        refs->nodes[i].mark = MARK_NEW;
}

static int check_circles(struct spec_build *b, const struct spec_place *list)
{
    clear_marks(b->refs);
    for (size_t i = 0; i < b->refs->count; i++) {
        struct prerequisite *n = &b->refs->nodes[i];
        struct spec_place here = spec_place_step(list, n->doc, i);

        if (visit(b->refs, i, NULL, NULL))
            return spec_place_fail_key(&here, spec_schema_get(n->doc, "require"), b->e,
                                       "prerequisite \"%.100s\" requires itself, directly or through others", n->name);
    }
    return 0;
}

static int read_prerequisites(struct spec_build *b)
{
    const struct doc *list = spec_schema_get(b->root, "prerequisites");
    struct spec_place place = {.key = "prerequisites"};
    size_t i = 0;

    b->refs = arena_alloc(b->arena, sizeof(*b->refs));
    if (!b->refs)
        return no_memory(b);
    b->refs->nodes = arena_calloc(b->arena, (list ? list->count : 0) + 1, sizeof(*b->refs->nodes));
    if (!b->refs->nodes)
        return no_memory(b);
    for (const struct doc *c = list ? list->first : NULL; c; c = c->next, i++) {
        struct spec_place here = spec_place_step(&place, c, i);

        if (read_prerequisite(b, c, &here))
            return -1;
    }
    if (resolve_requires(b, &place))
        return -1;
    return check_circles(b, &place);
}

int spec_refs_order(struct spec_build *b, const struct doc *role, const struct doc ***list, size_t *count)
{
    struct spec_place place = {.key = "prerequisites"};
    size_t *wanted = NULL, n = 0;

    *count = 0;
    *list = arena_calloc(b->arena, b->refs->count + 1, sizeof(**list));
    if (!*list)
        return no_memory(b);
    if (resolve(b, spec_schema_get(role, "prerequisites"), &place, &wanted, &n))
        return -1;
    clear_marks(b->refs);
    for (size_t i = 0; i < n; i++)
        (void)visit(b->refs, wanted[i], *list, count); /* circles were refused */
    return 0;
}

/* ---- roles ---- */

/* Keys of a role that name a prerequisite, and its type. */
static const struct {
    const char *key, *type;
} role_refs[] = {
    {"dockerImage", "dockerimage"},
    {"data", "data"},
    {"output", "output"},
    {"script", "script"},
};

static int check_role(struct spec_build *b, const struct doc *role, const struct spec_place *place)
{
    const struct doc *list = spec_schema_get(role, "prerequisites");
    struct spec_place names = {.up = place, .key = "prerequisites"};
    size_t *nodes = NULL, n = 0;

    for (size_t i = 0; i < sizeof(role_refs) / sizeof(role_refs[0]); i++) {
        const struct doc *named = spec_schema_get(role, role_refs[i].key);
        struct spec_place here = {.up = place, .key = role_refs[i].key};

        if (named && !spec_refs_find(b->refs, role_refs[i].type, named->text))
            return spec_place_fail(&here, named, b->e,
                                   "\"%s\" names \"%.100s\", but there is no prerequisite of type %s with this name",
                                   role_refs[i].key, named->text, role_refs[i].type);
    }
    return resolve(b, list, &names, &nodes, &n);
}

static int check_roles(struct spec_build *b)
{
    struct spec_place place = {.key = "taskRoles"};

    for (const struct doc *c = doc_get(b->root, "taskRoles")->first; c; c = c->next) {
        struct spec_place here = spec_place_step(&place, c, 0);

        if (check_role(b, c, &here))
            return -1;
    }
    return 0;
}

/* ---- deployments ---- */

static const struct doc *find_deployment(const struct doc *list, const char *name, const struct doc *until)
{
    for (const struct doc *c = list ? list->first : NULL; c && c != until; c = c->next)
        if (!strcmp(spec_schema_string(c, "name", ""), name))
            return c;
    return NULL;
}

static int check_deployment(struct spec_build *b, const struct doc *list, const struct doc *d,
                            const struct spec_place *place)
{
    const struct doc *roles = doc_get(b->root, "taskRoles");
    struct spec_place name = {.up = place, .key = "name"}, in_roles = {.up = place, .key = "taskRoles"};

    if (find_deployment(list, spec_schema_string(d, "name", ""), d))
        return spec_place_fail(&name, doc_get(d, "name"), b->e, "there is already a deployment \"%.100s\"",
                               spec_schema_string(d, "name", ""));
    for (const struct doc *c = doc_get(d, "taskRoles")->first; c; c = c->next) {
        struct spec_place here = spec_place_step(&in_roles, c, 0);

        if (!doc_get(roles, c->key))
            return spec_place_fail_key(&here, c, b->e, "there is no task role \"%.100s\"", c->key);
    }
    return 0;
}

static int check_deployments(struct spec_build *b)
{
    const struct doc *list = spec_schema_get(b->root, "deployments");
    const struct doc *chosen = spec_schema_get(spec_schema_get(b->root, "defaults"), "deployment");
    struct spec_place place = {.key = "deployments"}, defaults = {.key = "defaults"};
    struct spec_place in_defaults = {.up = &defaults, .key = "deployment"};
    const struct doc *d;
    size_t i = 0;

    for (const struct doc *c = list ? list->first : NULL; c; c = c->next, i++) {
        struct spec_place here = spec_place_step(&place, c, i);

        if (check_deployment(b, list, c, &here))
            return -1;
    }
    if (!chosen)
        return 0;
    d = find_deployment(list, chosen->text, NULL);
    if (!d)
        return spec_place_fail(&in_defaults, chosen, b->e, "there is no deployment \"%.100s\"", chosen->text);
    b->deployment = doc_get(d, "taskRoles");
    return 0;
}

int spec_refs_check(struct spec_build *b)
{
    if (read_prerequisites(b) || check_roles(b))
        return -1;
    return check_deployments(b);
}
