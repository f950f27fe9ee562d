/* SPDX-License-Identifier: MIT
 *
 * A spec without the document it was read from. The document of a waiting job would keep five times the memory of the
 * job itself.
 */
#include <string.h>

#include "base/arena.h"
#include "jobs/spec.h"

struct copier {
    struct arena *arena;
    bool failed;
};

static const char *copy_text(struct copier *c, const char *s)
{
    char *copy = arena_strdup(c->arena, s);

    if (s && !copy)
        c->failed = true;
    return copy;
}

/* A NULL-terminated list; NULL stays NULL. */
static const char *const *copy_list(struct copier *c, const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    const char **copy = list ? arena_calloc(c->arena, n + 1, sizeof(char *)) : NULL;
    if (list && !copy)
        c->failed = true;
    for (size_t i = 0; copy && i < n; i++)
        copy[i] = copy_text(c, list[i]);
    return copy;
}

static const struct spec_port *copy_ports(struct copier *c, const struct spec_role *role)
{
    struct spec_port *ports = arena_calloc(c->arena, role->port_kinds, sizeof(*ports));

    for (size_t i = 0; ports && i < role->port_kinds; i++) {
        ports[i] = role->ports[i];
        ports[i].label = copy_text(c, role->ports[i].label);
    }
    if (!ports)
        c->failed = true;
    return ports;
}

static void copy_role(struct copier *c, const struct spec_role *from, struct spec_role *to)
{
    *to = *from;
    to->name = copy_text(c, from->name);
    to->wire_name = copy_text(c, from->wire_name);
    to->image_uri = copy_text(c, from->image_uri);
    to->command = copy_text(c, from->command);
    to->ports = copy_ports(c, from);
}

static const struct spec_storage *copy_storages(struct copier *c, const struct spec *from)
{
    struct spec_storage *list = from->storage_count ? arena_calloc(c->arena, from->storage_count, sizeof(*list)) : NULL;

    for (size_t i = 0; list && i < from->storage_count; i++) {
        list[i].name = copy_text(c, from->storages[i].name);
        list[i].mount_path = copy_text(c, from->storages[i].mount_path);
    }
    if (from->storage_count && !list)
        c->failed = true;
    return list;
}

struct spec *spec_copy(struct arena *a, const struct spec *from)
{
    struct copier c = {.arena = a};
    struct spec *to = arena_alloc(a, sizeof(*to));
    struct spec_role *roles = arena_calloc(a, from->role_count, sizeof(*roles));

    if (!to || !roles)
        return NULL;
    *to = *from;
    to->name = copy_text(&c, from->name);
    to->description = copy_text(&c, from->description);
    to->vc = copy_text(&c, from->vc);
    to->priority_class = copy_text(&c, from->priority_class);
    to->isolation = copy_text(&c, from->isolation);
    to->checkpoint_name = copy_text(&c, from->checkpoint_name);
    to->code = copy_text(&c, from->code);
    to->storages = copy_storages(&c, from);
    to->skus = copy_list(&c, from->skus);
    to->nodes = copy_list(&c, from->nodes);
    to->not_nodes = copy_list(&c, from->not_nodes);
    to->pin = copy_text(&c, from->pin);
    to->ssh_keys = copy_text(&c, from->ssh_keys);
    to->apps = NULL; /* for requests, which read the text anew */
    to->app_count = 0;
    to->secrets = NULL;
    to->tags = NULL;
    to->roles = roles;
    for (size_t i = 0; i < from->role_count && !c.failed; i++)
        copy_role(&c, &from->roles[i], &roles[i]);
    return c.failed ? NULL : to;
}
