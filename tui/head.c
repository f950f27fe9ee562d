/* SPDX-License-Identifier: MIT
 *
 * The header line. Unknown is shown as unknown, never as 0. The clock has no seconds, so that an idle screen is not
 * drawn again every second.
 */
#include "tui/head.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "tui/canvas.h"
#include "tui/format.h"
#include "tui/model.h"

static const struct {
    const char *wire;
    enum word_state word;
} head_states[HEAD_COUNTS] = {{"RUNNING", WORD_RUNNING}, {"WAITING", WORD_WAITING}, {"FAILED", WORD_FAILED}};

void head_init(struct head *h, const char *context, const char *user)
{
    *h = (struct head){.counts = {-1, -1, -1}, .gpus = -1, .gpus_used = -1};
    snprintf(h->context, sizeof h->context, "%s", context ? context : "");
    snprintf(h->user, sizeof h->user, "%s", user ? user : "");
}

static void head_ask(struct source *s, const char *path, uint64_t *id)
{
    struct source_request r = {.method = "GET", .path = path};

    if (!*id)
        *id = source_ask(s, &r);
}

void head_fetch(struct head *h, struct source *s)
{
    for (size_t i = 0; i < HEAD_COUNTS; i++) {
        char path[96];

        snprintf(path, sizeof path, "/api/v2/jobs?limit=0&withTotalCount=true&state=%s", head_states[i].wire);
        head_ask(s, path, &h->count_ids[i]);
    }
    head_ask(s, "/api/v2/nodes", &h->nodes_id);
    if (!h->user[0] || h->counts[0] < 0)
        head_ask(s, "/api/v2/session", &h->session_id);
}

static void head_set(int64_t *value, int64_t to, bool *changed)
{
    *changed = *changed || *value != to;
    *value = to;
}

static void head_take_nodes(struct head *h, const cJSON *reply, bool *changed)
{
    struct arena *a = arena_create(64u << 20);
    struct model_nodes nodes;
    int64_t gpus = 0;
    int64_t used = 0;
    bool simulated = false;

    if (a && !model_read_nodes(a, reply, &nodes, NULL)) {
        for (size_t i = 0; i < nodes.count; i++) {
            gpus += nodes.items[i].gpus;
            used += nodes.items[i].gpus_used;
            simulated = simulated || nodes.items[i].simulated;
        }
        head_set(&h->gpus, gpus, changed);
        head_set(&h->gpus_used, used, changed);
        h->simulated = simulated;
    }
    arena_destroy(a);
}

static void head_take_session(struct head *h, const cJSON *reply, bool *changed)
{
    const char *user = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reply, "user"));

    if (user)
        snprintf(h->user, sizeof h->user, "%s", user);
    h->admin = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "admin"));
    h->known = true;
    *changed = true;
}

static void head_take_count(struct head *h, size_t i, const cJSON *reply, bool *changed)
{
    const cJSON *total = cJSON_GetObjectItemCaseSensitive(reply, "totalCount");

    if (cJSON_IsNumber(total))
        head_set(&h->counts[i], (int64_t)total->valuedouble, changed);
}

bool head_result(struct head *h, const struct source_result *r, bool *changed)
{
    uint64_t *slots[] = {&h->count_ids[0], &h->count_ids[1], &h->count_ids[2], &h->nodes_id, &h->session_id};
    size_t which = 0;
    cJSON *reply;

    while (which < 5 && *slots[which] != r->id)
        which++;
    if (which == 5)
        return false;
    *slots[which] = 0;
    reply = r->failed ? NULL : json_parse(r->data ? r->data : "", r->len, 16u << 20, NULL);
    if (reply && which < HEAD_COUNTS)
        head_take_count(h, which, reply, changed);
    else if (reply && which == HEAD_COUNTS)
        head_take_nodes(h, reply, changed);
    else if (reply)
        head_take_session(h, reply, changed);
    cJSON_Delete(reply);
    return true;
}

void head_draw(const struct head *h, struct canvas *c, int64_t wall)
{
    struct canvas_pen pen = canvas_row(c, 0, CANVAS_BOLD);
    char number[FORMAT_SIZE];
    char other[FORMAT_SIZE];
    char gpus[3 * FORMAT_SIZE];
    int clock = c->cols - 6;
    bool fits = true;

    pen.end = clock - 1;
    canvas_put(c, &pen, " drover");
    pen.style = 0;
    canvas_putf(c, &pen, "  %s  %s%s   ", h->context, h->user, h->admin ? " (admin)" : "");
    /* What does not fit whole is left out: half a number is a wrong one. */
    for (size_t i = 0; i < HEAD_COUNTS && fits; i++) {
        const struct word *w = words_get(head_states[i].word);
        const char *count = h->counts[i] < 0 ? "?" : format_count(h->counts[i], number);

        fits = pen.col + 2 + (int)strlen(count) <= pen.end;
        if (!fits)
            break;
        pen.style = (unsigned)w->colour;
        canvas_put(c, &pen, canvas_glyph(c, w->glyph, w->ascii));
        pen.style = 0;
        canvas_putf(c, &pen, " %s  ", count);
    }
    snprintf(gpus, sizeof gpus, " GPUs %s/%s", format_count(h->gpus_used, number), format_count(h->gpus, other));
    if (h->gpus >= 0 && fits && pen.col + (int)strlen(gpus) <= pen.end) {
        canvas_put(c, &pen, gpus);
        canvas_put(c, &pen, h->simulated ? " (simulated)" : "");
    }
    pen = (struct canvas_pen){.row = 0, .col = clock, .end = c->cols};
    canvas_put(c, &pen, format_clock(wall, number));
}
