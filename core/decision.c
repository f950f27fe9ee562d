/* SPDX-License-Identifier: MIT
 *
 * One record for each decision about a job: where it was placed and by what right, whom it preempts, who preempted it.
 * At most RECORD_MAX bytes each: of a long list the first are written, and how many more there are.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "core/internal.h"

enum { RECORD_MAX = 2048, LIST_UNTIL = RECORD_MAX - 512 /* room for one more entry and the end */ };

/* A record under way. */
struct record {
    struct buf text;
    struct json_out j;
};

static struct json_out *begin(struct record *r)
{
    buf_init(&r->text, RECORD_MAX + 1);
    json_out_init(&r->j, &r->text);
    json_out_object(&r->j);
    return &r->j;
}

static void end(struct step *s, struct record *r, const struct job *j, const char *kind)
{
    struct effect_decision *d = arena_alloc(s->fx->arena, sizeof *d);
    json_out_object_end(&r->j);
    const char *text = d && !r->text.bad ? arena_strdup(s->fx->arena, buf_str(&r->text)) : NULL;
    buf_fini(&r->text);
    if (!text) {
        s->fx->failed = true;
        return;
    }
    *d = (struct effect_decision){.id = s->core->next_event_id++,
                                  .time_ms = s->now.wall,
                                  .job_attempt = j->attempt,
                                  .kind = kind,
                                  .record = text};
    memcpy(d->job_id, j->id, ID_SIZE);
    effects_add(s->fx, &(struct effect){.kind = EFFECT_DECISION_ROW, .decision = d});
}

/* Tasks that stand together on a node, from `first` on; how many. */
static int run_on_node(const struct job *j, int first)
{
    int n = 1;
    while (first + n < j->spec->total_tasks && !strcmp(j->tasks[first + n].node, j->tasks[first].node) &&
           j->tasks[first + n].role == j->tasks[first].role)
        n++;
    return n;
}

static void write_nodes(struct json_out *out, const struct buf *text, const struct job *j)
{
    int i = 0;
    json_out_key(out, "places");
    json_out_array(out);
    while (i < j->spec->total_tasks && text->len < LIST_UNTIL) {
        int n = run_on_node(j, i);
        json_out_object(out);
        json_out_kstring(out, "node", j->tasks[i].node);
        json_out_kstring(out, "role", j->tasks[i].role->name);
        json_out_kint(out, "tasks", n);
        json_out_kint(out, "gpus", n * j->tasks[i].role->per_task.gpus);
        json_out_object_end(out);
        i += n;
    }
    json_out_array_end(out);
    json_out_kint(out, "tasksNotListed", j->spec->total_tasks - i);
}

/* The score of its place, term by term, and what it comes to. */
static void write_score(struct json_out *out, const struct core *c, int gang)
{
    int values[SCORE_TERMS];
    score_of(c->grid, gang, values);
    json_out_key(out, "score");
    json_out_object(out);
    for (int t = 0; t < SCORE_TERMS; t++)
        json_out_kint(out, score_name((enum score_term)t), values[t]);
    json_out_kint(out, "sum", score_sum(&c->weights, values));
    json_out_object_end(out);
}

void core_decision_placed(struct step *s, const struct job *j)
{
    static const char *const rights[] = {
        [GRID_GUARANTEED] = "guarantee", [GRID_BORROWED] = "borrowed", [GRID_OPPORTUNISTIC] = "opportunistic"};
    struct record r;
    struct json_out *out = begin(&r);
    const struct core_gang *g = core_gang_of(j);
    json_out_kstring(out, "virtualCluster", g->ask.vc);
    json_out_kint(out, "priority", j->spec->priority);
    json_out_kstring(out, "right", rights[grid_right_of(s->core->grid, g->gang)]);
    json_out_kint(out, "waitedMs", s->now.mono - g->line.since_ms);
    if (j->spec->total_gpus)
        write_score(out, s->core, g->gang);
    write_nodes(out, &r.text, j);
    end(s, &r, j, "placed");
}

void core_decision_preempts(struct step *s, const struct job *j, const int *victims, size_t count)
{
    struct record r;
    struct json_out *out = begin(&r);
    size_t i = 0;
    json_out_kint(out, "priority", j->spec->priority);
    json_out_key(out, "victims");
    json_out_array(out);
    for (; i < count && r.text.len < LIST_UNTIL; i++) {
        const struct job *v = grid_owner(s->core->grid, victims[i]);
        json_out_string(out, v->full_name);
    }
    json_out_array_end(out);
    json_out_kint(out, "victimsNotListed", (int64_t)(count - i));
    end(s, &r, j, count ? "preempts" : "reserves");
}

void core_decision_preempted(struct step *s, const struct job *victim, const struct job *by, bool requeue)
{
    struct record r;
    struct json_out *out = begin(&r);
    json_out_kstring(out, "by", by->full_name);
    json_out_kint(out, "priority", victim->spec->priority);
    json_out_kint(out, "priorityOfOther", by->spec->priority);
    json_out_kstring(out, "then", requeue ? "waits again" : "stops");
    end(s, &r, victim, "preempted");
}
