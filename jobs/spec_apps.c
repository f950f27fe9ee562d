/* SPDX-License-Identifier: MIT
 *
 * An app is a name, and a port of a task by its label. An app's name becomes part of a host's name and of a path.
 */
#include "jobs/spec_apps.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "jobs/spec_build.h"
#include "jobs/spec_place.h"
#include "jobs/spec_schema.h"
#include "jobs/tensorboard_door.h"

#define APP_NAME_MAX 20 /* with "--" and a job's UUID a label of DNS */
#define PORT_HTTP "http"

/* ---- tables ---- */

static const char *rule_app(const char *text)
{
    size_t n = strlen(text);

    if (n && text[0] != '-' && text[n - 1] != '-' && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == n &&
        !strstr(text, "--"))
        return NULL;
    return "must be of a-z, 0-9 and single \"-\" between them";
}

static const char *const words_path[] = {"strip", "keep", NULL};

static const struct spec_object app = {
    .what = "app",
    .fields = (const struct spec_field[]){
        {.key = "name", .kind = SPEC_STRING, .required = true, .min = 1, .max = APP_NAME_MAX, .rule = rule_app},
        {.key = "taskRole", .kind = SPEC_STRING, .min = 1, .max = 255},
        {.key = "taskIndex", .kind = SPEC_INT, .min = 0, .max = 1000000},
        {.key = "port", .kind = SPEC_STRING, .min = 1, .max = 255},
        {.key = "path", .kind = SPEC_STRING, .words = words_path},
        {.key = NULL}}};
const struct spec_field spec_apps_entry = {.key = "app", .kind = SPEC_OBJECT, .object = &app};

/* ---- reading ---- */

static const struct spec_role *find_role(const struct spec *s, const char *name)
{
    if (!name)
        return s->roles;
    for (size_t i = 0; i < s->role_count; i++)
        if (!strcmp(s->roles[i].name, name))
            return &s->roles[i];
    return NULL;
}

static bool has_port(const struct spec_role *role, const char *label)
{
    for (size_t i = 0; i < role->port_kinds; i++)
        if (!strcmp(role->ports[i].label, label))
            return true;
    return false;
}

/* The plugin's entry, or NULL. */
static const struct doc *find_plugin(const struct spec_build *b)
{
    for (const struct doc *c = b->plugins ? b->plugins->first : NULL; c; c = c->next)
        if (!strcmp(spec_schema_string(c, "plugin", ""), SPEC_APP_TENSORBOARD))
            return c;
    return NULL;
}

/* Where TensorBoard listens: on a port of its own where the role asks for one by that name. */
static const char *tensorboard_port(const struct spec_role *role)
{
    return has_port(role, SPEC_APP_TENSORBOARD) ? SPEC_APP_TENSORBOARD : PORT_HTTP;
}

static int read_app(struct spec_build *b, const struct doc *d, const struct spec_place *place, struct spec_app *out)
{
    const char *name = spec_schema_string(d, "taskRole", NULL);
    const struct spec_role *role = find_role(b->spec, name);

    if (!role)
        return spec_place_fail(place, d, b->e, "there is no task role \"%.100s\"", name);
    *out = (struct spec_app){.name = spec_schema_string(d, "name", ""),
                             .role = (int)(role - b->spec->roles),
                             .task = (int)spec_schema_int(d, "taskIndex", 0),
                             .port = spec_schema_string(d, "port", PORT_HTTP),
                             .keep_path = !strcmp(spec_schema_string(d, "path", words_path[0]), words_path[1])};
    if (out->task >= role->instances)
        return spec_place_fail(place, d, b->e, "task role \"%.100s\" has no task %d", role->name, out->task);
    if (!has_port(role, out->port))
        return spec_place_fail(place, d, b->e, "task role \"%.100s\" asks for no port \"%.100s\"", role->name,
                               out->port);
    for (const struct spec_app *other = b->spec->apps; other < out; other++)
        if (!strcmp(other->name, out->name))
            return spec_place_fail(place, d, b->e, "two apps are named \"%s\"", out->name);
    return 0;
}

int spec_apps_read(struct spec_build *b)
{
    const struct doc *list = spec_schema_get(spec_schema_get(b->extras, "drover"), "apps");
    const struct doc *plugin = find_plugin(b);
    struct spec_place in_extras = {.key = "extras"}, in_drover = {.up = &in_extras, .key = "drover"};
    struct spec_place in_apps = {.up = &in_drover, .key = "apps"};
    struct spec *s = b->spec;
    struct spec_app *apps = arena_calloc(b->arena, (list ? list->count : 0) + 1, sizeof(*apps));
    size_t i = 0;

    if (!apps)
        return err_set(b->e, ERR_INTERNAL, "Out of memory.");
    s->apps = apps;
    if (plugin)
        apps[s->app_count++] =
            (struct spec_app){.name = SPEC_APP_TENSORBOARD, .port = tensorboard_port(s->roles), .keep_path = true};
    for (const struct doc *c = list ? list->first : NULL; c; c = c->next, i++) {
        struct spec_place here = spec_place_step(&in_apps, c, i);

        if (read_app(b, c, &here, &apps[s->app_count]))
            return -1;
        s->app_count++;
    }
    return 0;
}

/* ---- TensorBoard ---- */

/* For a shell, as it is. */
static void add_quoted(struct buf *out, const char *text)
{
    buf_addc(out, '\'');
    for (; *text; text++)
        buf_adds(out, *text == '\'' ? "'\\''" : (const char[]){*text, '\0'});
    buf_addc(out, '\'');
}

/* Its folders as one argument; where it works, when none is named. */
static void add_folders(struct buf *out, const struct doc *folders)
{
    if (!folders || !folders->count) {
        buf_adds(out, " --logdir .");
        return;
    }
    buf_adds(out, " --logdir_spec ");
    for (const struct doc *c = folders->first; c; c = c->next) {
        add_quoted(out, c->key);
        buf_addc(out, ':');
        add_quoted(out, spec_schema_string(folders, c->key, "."));
        if (c->next)
            buf_addc(out, ',');
    }
}

/* The call, but for its port. */
static void add_call(struct buf *out, const struct doc *plugin)
{
    buf_adds(out, "tensorboard");
    add_folders(out, spec_schema_get(spec_schema_get(plugin, "parameters"), "logdir"));
    buf_adds(out, " --host 127.0.0.1 --path_prefix \"/jobs/$PAI_JOB_NAME/apps/" SPEC_APP_TENSORBOARD "\"");
}

static void add_place(struct buf *out)
{
    buf_adds(out, " < /dev/null > tensorboard.log 2>&1 &\n");
}

void spec_apps_start(const struct spec_build *b, const struct doc *role, struct buf *out)
{
    const struct doc *plugin = find_plugin(b), *roles = doc_get(b->root, "taskRoles");
    const char *port = tensorboard_port(b->spec->roles);
    const int64_t idle_s =
        spec_schema_int(spec_schema_get(b->extras, "drover"), "tensorboardIdleSeconds", SPEC_TENSORBOARD_IDLE_S);

    if (!plugin || !roles || role != roles->first)
        return;
    buf_adds(out, "if [ \"$PAI_CURRENT_TASK_ROLE_CURRENT_TASK_INDEX\" = 0 ]; then\n"
                  "if ! command -v tensorboard > /dev/null; then\n"
                  "echo 'drover: tensorboard is not installed here; the plugin starts nothing' >&2\n");
    if (idle_s) {
        buf_adds(out, "elif command -v python3 > /dev/null; then\npython3 -I -c ");
        add_quoted(out, tensorboard_door);
        buf_addf(out, " \"${PAI_CONTAINER_HOST_%s_PORT_LIST%%%%,*}\" %d ", port, (int)idle_s);
        add_call(out, plugin);
        add_place(out);
    }
    buf_adds(out, "else\n");
    add_call(out, plugin);
    buf_addf(out, " --port \"${PAI_CONTAINER_HOST_%s_PORT_LIST%%%%,*}\"", port);
    add_place(out);
    buf_adds(out, "fi\nfi\n");
}
