/* SPDX-License-Identifier: MIT
 *
 * What was used, what is wrong, who did what, and which debug reservations there are.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "tui/app.h"
#include "tui/cells.h"
#include "tui/format.h"
#include "tui/views/list.h"
#include "tui/views/views.h"

enum {
    RECORDS_PERIOD = LIST_OWN,
    RECORDS_BY,
    RECORDS_SILENCE,
    RECORDS_EXTEND,
    RECORDS_RELEASE,
    RECORDS_JOB,
    RECORDS_ENDED
};

static const char *record_text(const cJSON *item, const char *place)
{
    const char *text = cJSON_GetStringValue(cells_member(item, place));

    return text ? text : "";
}

static double record_number(const cJSON *item, const char *place)
{
    const cJSON *m = cells_member(item, place);

    return cJSON_IsNumber(m) ? m->valuedouble : 0;
}

/* The word behind the one that a question is set to, round and round. */
static unsigned record_turn(struct list *l, const char *option, const char *const *words)
{
    char now[64];
    size_t i = 0;

    list_answer(l, option, now, sizeof now);
    while (words[i] && strcmp(words[i], now) != 0)
        i++;
    return list_question(l, option, words[i] && words[i + 1] ? words[i + 1] : words[0]);
}

/* ---- reports ---- */

static void reports_line(const struct view *v, const cJSON *item, int line, char *out, size_t size)
{
    static const char *const keys[] = {"vc", "user", "job", "node", "model", "day"};
    size_t at = 0;

    (void)v;
    if (line == 1) {
        snprintf(out, size,
                 "Wasted %.2f of them: failed %.2f, platform %.2f, preempted %.2f; the GPUs were busy %.2f h.",
                 record_number(item, "gpuHours.wasted"), record_number(item, "gpuHours.failed"),
                 record_number(item, "gpuHours.platform"), record_number(item, "gpuHours.preempted"),
                 record_number(item, "sampled.busy"));
        return;
    }
    for (size_t i = 0; i < sizeof keys / sizeof *keys && at + 1 < size; i++)
        if (*record_text(item, keys[i]))
            at += (size_t)snprintf(out + at, size - at, "%s%.60s", at ? ", " : "", record_text(item, keys[i]));
    if (at + 1 < size)
        snprintf(out + at, size - at, "%s%.2f GPU hours", at ? ": " : "", record_number(item, "gpuHours.all"));
}

static unsigned reports_act(struct view *v, int action)
{
    static const char *const periods[] = {"7", "30", "90", "365", NULL};
    static const char *const keys[] = {"vc", "user", "model", "job", "node", "day", NULL};

    if (action == RECORDS_PERIOD)
        return record_turn(list_of(v), "days", periods);
    if (action == RECORDS_BY)
        return record_turn(list_of(v), "by", keys);
    return list_act(v, action);
}

static const struct list_kind reports_kind = {.verb = "report gpu",
                                              .empty = "No GPU was held in this time; p chooses another.",
                                              .begin = "by:vc days:30",
                                              .line = reports_line};

static struct view *reports_create(struct app *app, const char *arg)
{
    (void)arg;
    return list_create(app, &reports_kind, reports_view(), NULL);
}

const struct view_ops *reports_view(void)
{
    static const struct keys_row keys[] = {
        LIST_KEYS_OPEN,
        {'p', 0, "p", "period", "The last 7, 30, 90 or 365 days; or /from:2026-11-01 to:2026-12-01", RECORDS_PERIOD,
         false},
        {'v', 0, "v", "by", "By virtual cluster, user, model, job, node or day", RECORDS_BY, false},
        LIST_KEYS,
    };
    static const struct view_ops ops = {.name = "reports",
                                        .keys = {keys, sizeof keys / sizeof *keys},
                                        .create = reports_create,
                                        .act = reports_act,
                                        LIST_OPS};

    return &ops;
}

/* ---- alerts ---- */

static enum word_colour alerts_colour(const cJSON *item)
{
    const char *severity = record_text(item, "labels.severity");

    return !strcmp(severity, "info") ? COLOUR_SKY : !strcmp(severity, "warning") ? COLOUR_ORANGE : COLOUR_VERMILLION;
}

static void alerts_line(const struct view *v, const cJSON *item, int line, char *out, size_t size)
{
    (void)v;
    if (line == 0)
        snprintf(out, size, "%.400s", record_text(item, "annotations.summary"));
    else
        snprintf(out, size, "%.400s", record_text(item, "annotations.description"));
}

/* The labels that say which alert it is, "alertname=GpuLost node_name=gpu-07", for the form. */
static unsigned alerts_silence(struct list *l)
{
    const cJSON *item = list_item(l), *label;
    char arg[LIST_NAME] = "silence";
    size_t at = strlen(arg);

    cJSON_ArrayForEach(label, cells_member(item, "labels"))
    {
        const char *value = cJSON_GetStringValue(label);

        if (!strcmp(label->string, "severity"))
            continue;
        /* Left out, the silence would match more than what was looked at. */
        if (!value || strpbrk(value, " =") || strpbrk(label->string, " =")) {
            app_say(l->view.app, COLOUR_ORANGE, "Its label %.60s cannot be written here: nothing is silenced.",
                    label->string);
            return VIEW_HANDLED | VIEW_DRAW;
        }
        at += (size_t)snprintf(arg + at, sizeof arg - at, " %s=%s", label->string, value);
        /* Cut, it would silence more than what was looked at. */
        if (at >= sizeof arg) {
            app_say(l->view.app, COLOUR_ORANGE, "The alert has too many labels to be silenced here.");
            return VIEW_HANDLED | VIEW_DRAW;
        }
    }
    if (item)
        app_push(l->view.app, form_view(), arg);
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned alerts_act(struct view *v, int action)
{
    return action == RECORDS_SILENCE ? alerts_silence(list_of(v)) : list_act(v, action);
}

static const struct list_kind alerts_kind = {
    .verb = "alerts", .empty = "Nothing is wrong.", .colour = alerts_colour, .line = alerts_line};

static struct view *alerts_create(struct app *app, const char *arg)
{
    (void)arg;
    return list_create(app, &alerts_kind, alerts_view(), NULL);
}

const struct view_ops *alerts_view(void)
{
    static const struct keys_row keys[] = {
        LIST_KEYS_OPEN,
        {'s', 0, "s", "silence", "Tell nobody of the alert for some hours", RECORDS_SILENCE, true},
        LIST_KEYS,
    };
    static const struct view_ops ops = {.name = "alerts",
                                        .keys = {keys, sizeof keys / sizeof *keys},
                                        .create = alerts_create,
                                        .act = alerts_act,
                                        LIST_OPS};

    return &ops;
}

/* ---- audit ---- */

static enum word_colour audit_colour(const cJSON *item)
{
    return record_number(item, "status") >= 400 ? COLOUR_VERMILLION : COLOUR_DEFAULT;
}

static void audit_line(const struct view *v, const cJSON *item, int line, char *out, size_t size)
{
    char at[FORMAT_SIZE];

    (void)v;
    if (line == 0)
        snprintf(out, size, "%s  %.60s  %.10s %.200s", format_local((int64_t)record_number(item, "time"), at),
                 record_text(item, "actor"), record_text(item, "method"), record_text(item, "object"));
    else
        snprintf(out, size, "%.0f %.60s  from %.60s  %.150s", record_number(item, "status"), record_text(item, "code"),
                 record_text(item, "ip"), record_text(item, "route"));
}

static const struct list_kind audit_kind = {
    .verb = "audit", .empty = "Nothing was done yet.", .colour = audit_colour, .line = audit_line};

static struct view *audit_create(struct app *app, const char *arg)
{
    (void)arg;
    return list_create(app, &audit_kind, audit_view(), NULL);
}

const struct view_ops *audit_view(void)
{
    static const struct keys_row keys[] = {
        LIST_KEYS_OPEN,
        {'n', 0, "n", "older", "The records before these", LIST_OLDER, false},
        {'N', 0, "N", NULL, "The newest records", LIST_NEWEST, false},
        LIST_KEYS,
    };
    static const struct view_ops ops = {
        .name = "audit", .keys = {keys, sizeof keys / sizeof *keys}, .create = audit_create, .act = list_act, LIST_OPS};

    return &ops;
}

/* ---- reservations ---- */

static void reservations_name(const cJSON *item, char *out, size_t size)
{
    snprintf(out, size, "%.100s~%.150s", record_text(item, "username"), record_text(item, "jobName"));
}

static enum word_colour reservations_colour(const cJSON *item)
{
    return !strcmp(record_text(item, "state"), "ended") ? COLOUR_GREY : COLOUR_PURPLE;
}

static void reservations_line(const struct view *v, const cJSON *item, int line, char *out, size_t size)
{
    const char *dot = canvas_glyph(&v->app->canvas, " · ", " - ");
    char until[FORMAT_SIZE];

    if (line == 0)
        snprintf(out, size, "%.60s~%.100s%s%.60s-%.0f on %.60s%s%.0f GPUs held", record_text(item, "username"),
                 record_text(item, "jobName"), dot, record_text(item, "taskRoleName"), record_number(item, "taskIndex"),
                 record_text(item, "node"), dot, record_number(item, "gpus"));
    else
        snprintf(out, size, "until %s%s%.300s", format_local((int64_t)record_number(item, "expiresTime"), until),
                 *record_text(item, "collected.reason") ? dot : "", record_text(item, "collected.reason"));
}

static void reservations_body(struct json_out *j, const char *name, const char *arg)
{
    (void)name;
    json_out_kint(j, "minutes", strtoll(arg, NULL, 10)); /* reservations_answered has looked at it */
}

static const struct calls_kind reservations_extend = {.verb = "Extend",
                                                      .many = "debug reservations",
                                                      .one = "the debug reservation of ",
                                                      .said = {"reservation is extended", "reservations are extended"},
                                                      .not_done = "Nothing was extended.",
                                                      .method = "PUT",
                                                      .path = "/api/v2/jobs/%s/reservation",
                                                      .owners = true,
                                                      .body = reservations_body};
static const struct calls_kind reservations_release = {.verb = "Release",
                                                       .many = "debug reservations",
                                                       .one = "the debug reservation of ",
                                                       .said = {"reservation is released", "reservations are released"},
                                                       .not_done = "Nothing was released.",
                                                       .warning = "What is left of the sandbox ends.",
                                                       .method = "DELETE",
                                                       .path = "/api/v2/jobs/%s/reservation",
                                                       .owners = true};

static unsigned reservations_answered(struct view *v, const char *text)
{
    if (!*text || strspn(text, "0123456789") != strlen(text) || strlen(text) > 6) {
        app_say(v->app, COLOUR_ORANGE, "\"%.40s\" is no number of minutes.", text);
        return VIEW_DRAW;
    }
    return list_call(list_of(v), &reservations_extend, text);
}

static unsigned reservations_act(struct view *v, int action)
{
    static const char *const states[] = {"live", "all", NULL};
    char name[LIST_NAME];

    list_name(list_of(v), name);
    switch (action) {
    case RECORDS_EXTEND:
        if (*name)
            app_ask(v->app, " Minutes more: ", "60");
        return VIEW_HANDLED | VIEW_DRAW;
    case RECORDS_RELEASE:
        return list_call(list_of(v), &reservations_release, NULL);
    case RECORDS_JOB:
        if (*name)
            app_push(v->app, detail_view(), name);
        return VIEW_HANDLED | VIEW_DRAW;
    case RECORDS_ENDED:
        return record_turn(list_of(v), "state", states);
    default:
        return list_act(v, action);
    }
}

static const struct list_kind reservations_kind = {.verb = "reservations",
                                                   .empty = "Nothing is kept for debugging.",
                                                   .begin = "state:live",
                                                   .name = reservations_name,
                                                   .colour = reservations_colour,
                                                   .line = reservations_line};

static struct view *reservations_create(struct app *app, const char *arg)
{
    (void)arg;
    return list_create(app, &reservations_kind, reservations_view(), NULL);
}

const struct view_ops *reservations_view(void)
{
    static const struct keys_row keys[] = {
        {KEYS_ENTER, 0, "Enter", "job", "The job: why it failed, its tasks", RECORDS_JOB, false},
        {'d', 0, "d", NULL, "All that is known of the reservation", LIST_OPEN, false},
        {'e', 0, "e", "extend", "Extend the marked reservations, or the one under the cursor", RECORDS_EXTEND, true},
        {'x', 0, "x", "release", "Release the marked reservations, or the one under the cursor", RECORDS_RELEASE, true},
        LIST_KEYS_MARK,
        {'a', 0, "a", "ended too", "Those that hold now, or those that have ended too", RECORDS_ENDED, false},
        LIST_KEYS,
    };
    static const struct view_ops ops = {.name = "reservations",
                                        .keys = {keys, sizeof keys / sizeof *keys},
                                        .create = reservations_create,
                                        .act = reservations_act,
                                        .answered = reservations_answered,
                                        LIST_OPS};

    return &ops;
}
