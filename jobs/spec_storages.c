/* SPDX-License-Identifier: MIT
 *
 * Mount paths are checked here, on the text, so that no later stage meets one that leads elsewhere.
 */
#include "jobs/spec_storages.h"

#include <string.h>

#include "base/arena.h"
#include "base/doc.h"
#include "base/err.h"
#include "jobs/spec_build.h"
#include "jobs/spec_place.h"
#include "jobs/spec_schema.h"

enum { PATH_MAX_BYTES = 1023 };

static const struct spec_place in_extras = {.key = "extras"};

/* Absolute, without empty parts, "." and "..", and not the root. */
static bool path_ok(const char *path)
{
    if (path[0] != '/' || strlen(path) > PATH_MAX_BYTES)
        return false;
    for (const char *s = path; *s;) {
        size_t n = strcspn(s + 1, "/");

        if (!n || (n == 1 && s[1] == '.') || (n == 2 && s[1] == '.' && s[2] == '.'))
            return false;
        s += 1 + n;
    }
    return true;
}

/* Folders of the system: a storage at or below one of the first would take it away, at one of the others it would hide
 * everybody's files. */
static const char *const below[] = {"/bin",  "/boot", "/dev",  "/etc", "/lib", "/lib64",
                                    "/proc", "/run",  "/sbin", "/sys", "/usr"};
static const char *const itself[] = {"/home", "/mnt", "/opt", "/root", "/srv", "/tmp", "/var"};

static bool path_free(const char *path)
{
    size_t n = strcspn(path + 1, "/") + 1;

    for (size_t i = 0; i < sizeof below / sizeof *below; i++)
        if (strlen(below[i]) == n && !strncmp(below[i], path, n))
            return false;
    for (size_t i = 0; i < sizeof itself / sizeof *itself; i++)
        if (!strcmp(itself[i], path))
            return false;
    return true;
}

/* Takes one more into `list`, which has room for all. 0 or -1. */
static int add(struct spec_build *b, struct spec_storage *list, const struct spec_storage *one,
               const struct spec_place *here, const struct doc *at)
{
    struct spec *s = b->spec;

    if (!path_ok(one->mount_path) || !path_free(one->mount_path))
        return spec_place_fail(
            here, at, b->e,
            "\"%.200s\" cannot be a mountPath: it must be an absolute path without \".\" and \"..\", "
            "outside of the system's folders",
            one->mount_path);
    for (size_t i = 0; i < s->storage_count; i++)
        if (!strcmp(list[i].mount_path, one->mount_path))
            return spec_place_fail(here, at, b->e, "two storages cannot be mounted at \"%.200s\"", one->mount_path);
    if (s->storage_count == SPEC_STORAGES_MAX)
        return spec_place_fail(here, at, b->e, "a job mounts at most %d storages", SPEC_STORAGES_MAX);
    list[s->storage_count++] = *one;
    return 0;
}

static const char *usual_path(struct spec_build *b, const char *name)
{
    return arena_printf(b->arena, "/mnt/%s", name);
}

static int read_list(struct spec_build *b, const struct doc *list, struct spec_storage *room)
{
    struct spec_place in_list = {.up = &in_extras, .key = "storages"};
    size_t i = 0;

    for (const struct doc *c = list->first; c; c = c->next, i++) {
        struct spec_place here = spec_place_step(&in_list, c, i);
        struct spec_storage one = {.name = spec_schema_string(c, "name", "")};

        one.mount_path = spec_schema_string(c, "mountPath", NULL);
        if (!one.mount_path)
            one.mount_path = usual_path(b, one.name);
        if (!one.mount_path)
            return err_set(b->e, ERR_INTERNAL, "Out of memory.");
        if (add(b, room, &one, &here, c))
            return -1;
    }
    b->spec->default_storages = i == 0;
    return 0;
}

/* plugin teamwise_storage: names only. */
static int read_plugin(struct spec_build *b, struct spec_storage *room)
{
    struct spec_place in_plugins = {.up = &in_extras, .key = "com.microsoft.pai.runtimeplugin"};
    size_t i = 0;

    for (const struct doc *p = b->plugins ? b->plugins->first : NULL; p; p = p->next, i++) {
        struct spec_place here = spec_place_step(&in_plugins, p, i);
        const struct doc *names = spec_schema_get(spec_schema_get(p, "parameters"), "storageConfigNames");

        if (strcmp(spec_schema_string(p, "plugin", ""), "teamwise_storage") != 0)
            continue;
        for (const struct doc *n = names ? names->first : NULL; n; n = n->next) {
            struct spec_storage one = {.name = n->text, .mount_path = usual_path(b, n->text)};

            if (!one.mount_path)
                return err_set(b->e, ERR_INTERNAL, "Out of memory.");
            if (add(b, room, &one, &here, n))
                return -1;
        }
    }
    return 0;
}

int spec_storages_read(struct spec_build *b)
{
    const struct doc *list = spec_schema_get(b->extras, "storages");
    struct spec_storage *room = arena_calloc(b->arena, SPEC_STORAGES_MAX, sizeof(*room));

    if (!room)
        return err_set(b->e, ERR_INTERNAL, "Out of memory.");
    b->spec->storages = room;
    return list ? read_list(b, list, room) : read_plugin(b, room);
}
