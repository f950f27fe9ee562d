/* SPDX-License-Identifier: MIT
 *
 * Puts a role's script together, for one POSIX shell:
 *
 *     callbacks of taskStarts, in order (what is required first)
 *     preCommands of the runtime plugin cmd
 *     TensorBoard in the background, where the runtime plugin tensorboard asks for it
 *     (                                                 ┐ the brackets only where something comes behind, so that an
 *     preCommands of the deployment                     │ `exit` or `exec` in the commands does not skip it
 *     commands                                          │
 *     postCommands of the deployment                    │
 *     )                                                 ┘
 *     postCommands of the runtime plugin cmd, however the commands ended
 *     callbacks of taskSucceeds, in reverse order, only if the commands succeeded
 *
 * A failing step with failurePolicy `fail` (the default) ends the script with its exit status; with `ignore` it does
 * not. The script's exit status is the commands' own otherwise.
 */
#include "jobs/spec_command.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "jobs/spec_apps.h"
#include "jobs/spec_build.h"
#include "jobs/spec_place.h"
#include "jobs/spec_refs.h"
#include "jobs/spec_schema.h"

/* Of all scripts of a job together, after templates. */
#define COMMAND_BYTES ((size_t)4 * 1024 * 1024)
/* Look-ups of templates (spec_template.h), of all scripts of a job together. */
#define TEMPLATE_STEPS ((size_t)2 * 1000 * 1000)
/* Look-ups of secrets in one script. They are filled in anew at each start of a task, on the thread that owns all. */
#define SECRET_STEPS ((size_t)200 * 1000)

/* One script in the making. */
struct script {
    struct spec_build *b;
    const struct doc *role;
    const struct doc **order; /* prerequisites */
    size_t order_count;
    struct spec_template *names;
    struct buf *out;
};

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Appends the commands of a list, each filled and trimmed, one a line. */
static void add_commands(struct script *s, const struct doc *list)
{
    struct buf *out = s->out;

    for (const struct doc *c = list ? list->first : NULL; c; c = c->next) {
        const char *text = c->text;
        size_t start = out->len;

        while (is_space(*text))
            text++;
        if (spec_template_fill(s->names, text, out))
            return;
        while (out->len > start && is_space(out->data[out->len - 1]))
            out->len--;
        buf_addc(out, '\n');
    }
}

/* Appends a step: commands as a group that obeys its failure policy. */
static void add_step(struct script *s, const struct doc *list, const char *policy, const char *on_failure)
{
    if (!list || list->count == 0)
        return;
    buf_adds(s->out, "{ :\n");
    add_commands(s, list);
    buf_addf(s->out, "} || %s\n", strcmp(policy, "ignore") ? on_failure : "true");
}

static void add_callbacks(struct script *s, const struct doc *prerequisite, const char *event)
{
    const struct doc *list = spec_schema_get(prerequisite, "callbacks");

    if (!strcmp(spec_schema_string(prerequisite, "type", ""), "dockerimage"))
        return;
    for (const struct doc *c = list ? list->first : NULL; c; c = c->next)
        if (!strcmp(spec_schema_string(c, "event", ""), event))
            add_step(s, spec_schema_get(c, "commands"), spec_schema_string(prerequisite, "failurePolicy", "fail"),
                     "exit $?");
}

/* Appends the cmd plugins' lists under `key`. */
static void add_plugins(struct script *s, const char *key, const char *on_failure)
{
    for (const struct doc *c = s->b->plugins ? s->b->plugins->first : NULL; c; c = c->next)
        if (!strcmp(spec_schema_string(c, "plugin", ""), "cmd"))
            add_step(s, spec_schema_get(spec_schema_get(c, "parameters"), key),
                     spec_schema_string(c, "failurePolicy", "fail"), on_failure);
}

static void add_own_commands(struct script *s)
{
    const struct doc *deployment = doc_get(s->b->deployment, s->role->key);

    add_commands(s, spec_schema_get(deployment, "preCommands"));
    add_commands(s, doc_get(s->role, "commands"));
    add_commands(s, spec_schema_get(deployment, "postCommands"));
}

/* What comes behind the commands; appends nothing when there is nothing. */
static void add_behind(struct script *s)
{
    struct buf *out = s->out;
    struct buf succeeds;

    add_plugins(s, "postCommands", "[ $drover_status -ne 0 ] || drover_status=1");
    buf_init(&succeeds, COMMAND_BYTES);
    s->out = &succeeds;
    for (size_t i = s->order_count; i > 0; i--)
        add_callbacks(s, s->order[i - 1], "taskSucceeds");
    s->out = out;
    if (succeeds.len > 0) {
        buf_adds(out, "if [ $drover_status -eq 0 ]; then\n");
        buf_add(out, succeeds.data, succeeds.len);
        buf_adds(out, "fi\n");
    }
    out->bad = out->bad || succeeds.bad;
    buf_fini(&succeeds);
}

static void add_all(struct script *s)
{
    struct buf *out = s->out;
    struct buf behind;

    for (size_t i = 0; i < s->order_count; i++)
        add_callbacks(s, s->order[i], "taskStarts");
    add_plugins(s, "preCommands", "exit $?");
    spec_apps_start(s->b, s->role, out);
    buf_init(&behind, COMMAND_BYTES);
    s->out = &behind;
    add_behind(s);
    s->out = out;
    if (behind.len > 0)
        buf_adds(out, "(\n");
    add_own_commands(s);
    if (behind.len > 0) {
        buf_adds(out, ")\ndrover_status=$?\n");
        buf_add(out, behind.data, behind.len);
        buf_adds(out, "exit $drover_status\n");
    }
    out->bad = out->bad || behind.bad;
    buf_fini(&behind);
}

/* Whether templates, with those of secrets that are filled in later, took more look-ups than they may. */
static bool costs_too_much(const struct spec_build *b, struct spec_template *names, const char *script)
{
    struct spec_template secrets = {.max_steps = SECRET_STEPS};

    spec_template_add(&secrets, "$secrets", b->spec->secrets);
    spec_template_count(&secrets, script);
    names->steps += secrets.steps;
    return secrets.steps >= SECRET_STEPS || names->steps >= TEMPLATE_STEPS;
}

const char *spec_command_build(struct spec_build *b, const struct doc *role, const struct spec_place *place)
{
    const struct doc *commands = doc_get(role, "commands");
    struct spec_place here = {.up = place, .key = "commands"};
    struct spec_template names = b->names;
    struct script s = {.b = b, .role = role, .names = &names};
    struct buf out;
    const char *text = NULL;
    bool costly;

    names.max_steps = TEMPLATE_STEPS;
    spec_template_add(&names, "$script", spec_refs_find(b->refs, "script", spec_schema_string(role, "script", NULL)));
    spec_template_add(&names, "$output", spec_refs_find(b->refs, "output", spec_schema_string(role, "output", NULL)));
    spec_template_add(&names, "$data", spec_refs_find(b->refs, "data", spec_schema_string(role, "data", NULL)));
    if (spec_refs_order(b, role, &s.order, &s.order_count))
        return NULL;
    buf_init(&out, COMMAND_BYTES - b->command_bytes);
    s.out = &out;
    add_all(&s);
    costly = costs_too_much(b, &names, buf_str(&out));
    b->names.steps = names.steps;
    if (out.bad || costly) {
        (void)spec_place_fail(&here, commands, b->e,
                              out.bad ? "the commands of the job are too long once templates are filled"
                                      : "the commands of the job use too many templates of too many names");
        goto out;
    }
    while (out.len > 0 && out.data[out.len - 1] == '\n')
        out.len--;
    b->command_bytes += out.len;
    text = arena_strndup(b->arena, out.len ? out.data : "", out.len);
    if (!text)
        (void)err_set(b->e, ERR_INTERNAL, "out of memory while reading a job");
out:
    buf_fini(&out);
    return text;
}
