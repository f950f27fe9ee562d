/* SPDX-License-Identifier: MIT
 *
 * Storages to mounts. A default storage that cannot be mounted is left out, one that was named is an error.
 */
#include "server/mounts.h"

#include <string.h>

#include "auth/auth_store.h"
#include "auth/member_store.h"
#include "base/arena.h"
#include "base/err.h"
#include "inventory/storage_store.h"
#include "jobs/spec.h"

/* One look-up. */
struct finding {
    struct arena *arena;
    struct mounts *out;
    const char *user, *target;
    struct err *e;
};

static int add_mount(void *ctx, const struct storage *st)
{
    struct finding *f = ctx;
    if (!st->host_path[0])
        return err_set(f->e, ERR_INVALID_PARAMETERS, "Storage %s is not mounted on the nodes.", st->name);
    if (f->out->count == ENGINE_MOUNTS_MAX)
        return err_set(f->e, ERR_INVALID_PARAMETERS, "There are too many storages to mount.");
    const char *source =
        st->share ? arena_strdup(f->arena, st->host_path) : arena_printf(f->arena, "%s/%s", st->host_path, f->user);
    const char *target = f->target ? arena_strdup(f->arena, f->target) : arena_printf(f->arena, "/mnt/%s", st->name);
    if (!source || !target)
        return err_set(f->e, ERR_INTERNAL, "Out of memory.");
    f->out->list[f->out->count++] =
        (struct engine_mount){.source = source, .target = target, .read_only = st->read_only};
    return 0;
}

static int may_use(struct store *s, const char *user, const char *storage, struct err *e)
{
    bool admin = false;
    int has = member_store_has(s, MEMBER_HAS_STORAGE, user, storage, e);
    if (has)
        return has < 0 ? -1 : 0;
    if (auth_store_user_known(s, user, &admin, e) < 0)
        return -1;
    return admin ? 0 : err_set(e, ERR_FORBIDDEN, "User %s is not allowed to use storage %s.", user, storage);
}

/* The names first: a statement is not to be stepped while others run on what it names. */
struct names {
    struct arena *arena;
    const char *list[ENGINE_MOUNTS_MAX];
    size_t count;
};

static int take_name(void *ctx, const char *user, const char *value)
{
    struct names *n = ctx;
    (void)user;
    if (n->count == ENGINE_MOUNTS_MAX)
        return 1;
    n->list[n->count] = arena_strdup(n->arena, value);
    return n->list[n->count++] ? 0 : 1;
}

static int add_defaults(struct store *s, struct finding *f, struct err *e)
{
    struct names names = {.arena = f->arena};
    struct member_sink sink = {.row = take_name, .ctx = &names};
    if (member_store_list(s, MEMBER_HAS_DEFAULT_STORAGE, f->user, &sink, e))
        return -1;
    for (size_t i = 0; i < names.count; i++) {
        struct err why = {0};
        if (!names.list[i])
            return err_set(e, ERR_INTERNAL, "Out of memory.");
        f->e = &why;
        int rc = storage_store_get(s, names.list[i], add_mount, f, &why);
        f->e = e;
        if (rc && why.code != ERR_NO_STORAGE && why.code != ERR_INVALID_PARAMETERS) {
            *e = why;
            return -1;
        }
    }
    return 0;
}

int mounts_of(struct store *s, const struct spec *spec, const char *user, struct mounts *out, struct err *e)
{
    struct finding f = {.arena = out->arena, .out = out, .user = user, .e = e};
    if (!spec->storage_count && !spec->default_storages)
        return 0;
    out->list = arena_calloc(out->arena, ENGINE_MOUNTS_MAX, sizeof *out->list);
    if (!out->list)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    for (size_t i = 0; i < spec->storage_count; i++) {
        const char *name = spec->storages[i].name;
        struct err why = {0};
        f.e = &why;
        f.target = spec->storages[i].mount_path;
        int rc = storage_store_get(s, name, add_mount, &f, &why);
        bool unmounted = rc && why.code == ERR_INVALID_PARAMETERS; /* told only to who may use it */
        if ((!rc || unmounted) && may_use(s, user, name, e))
            return -1;
        if (rc) {
            *e = why;
            return -1;
        }
    }
    f.target = NULL;
    return spec->default_storages ? add_defaults(s, &f, e) : 0;
}
