/* SPDX-License-Identifier: MIT
 *
 * Are the reasons true? On random worlds every waiting job is explained, and the answer is held against the oracle, and
 * against what happens: the same world is played again, what the answer says would help is done to it, and the job must
 * start in the next pass; where nothing is done, it must not.
 *
 * usage: reasons [SEED [COUNT]]: one seed, told at length, or so many from it on. Without SEED seeds are drawn until
 * ANSWERS jobs were explained and each reason was seen SEEN_MIN times, or NIGHTLY of them when DROVER_NIGHTLY is set. A
 * lie is printed with its seed and replays alone. With DROVER_PLANTED the first seed with one is the last.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/explain.h"
#include "core/internal.h" /* when somebody has waited for long */
#include "tests/sim/reasons/oracle.h"

enum {
    ANSWERS = 500,
    SEEN_MIN = 10,
    SEEDS_MAX = 2000,
    NIGHTLY = 1500,
    HELPED_PERCENT = 90,
    LIES_MAX = 10,
    REASONS = EXPLAIN_REASONS
};

/* What an answer may name as a help. */
enum help {
    HELP_TURN, /* it is released, and its next try due */
    HELP_NODES,
    HELP_ENDS,
    HELP_QUOTA,
    HELP_MORE,
    HELP_BORROW,
    HELP_CAP,
    HELP_SMALLER,
    HELP_CPUS,
    HELP_ANY_NODE,
    HELP_SKU,
    HELP_VC,
    HELP_OPPO,
    HELP_SHORTER,
    HELPS,
};

static const char *const help_names[HELPS] = {"turn",     "nodes",   "ends",    "quota",  "moreNodes",
                                              "borrow",   "cap",     "smaller", "cpus",   "anyNode",
                                              "otherSku", "otherVc", "oppo",    "shorter"};

struct counts {
    int answers[REASONS], helped[REASONS], helps[HELPS], together;
};

struct question {
    const struct script *script;
    uint64_t seed;
    int job;
    struct explanation answer;
    int due_s;                       /* until its next try */
    bool quiet;                      /* and nothing else comes before that by itself */
    struct act acts[WORLD_JOBS * 2]; /* blockers end */
    int ends;
};

static bool is_named(const struct question *q, enum help h);

static bool lie(const struct question *q, const char *what, const char *detail)
{
    printf("lie: seed %llu, job %d (%s, then %s): %s %s; named:", (unsigned long long)q->seed, q->job,
           explain_name(q->answer.reason), explain_name(q->answer.then), what, detail);
    for (enum help h = 0; h < HELPS; h++)
        if (is_named(q, h))
            printf(" %s", help_names[h]);
    printf("\n");
    return false;
}

/* ---- what would have happened ---- */

/* It is considered: released, and its next try due. The acts; how many. */
static int let_in(const struct question *q, struct act acts[2])
{
    acts[0] = (struct act){.kind = ACT_WAIT, .much = q->due_s};
    acts[1] = (struct act){.kind = ACT_HOLD, .which = q->job};
    return 2;
}

/* Whether the job (or, of a changed request, the last one submitted) starts when this is done. */
static bool starts_after(const struct question *q, const struct act *acts, int count, bool resubmitted)
{
    struct world *w = malloc(sizeof *w);
    world_begin(w, q->script);
    bool reserved = !world_waits(w, q->job);
    world_act(w, acts, count);
    int job = resubmitted ? w->job_count - 1 : q->job;
    const struct job *j = world_job(w, job);
    bool starts = j && (reserved ? j->state != STATE_WAITING : !world_waits(w, job));
    world_end(w);
    free(w);
    return starts;
}

/* The job withdrawn, and submitted as something else. */
static bool starts_as(const struct question *q, const struct wish *wish)
{
    const struct act acts[] = {{.kind = ACT_STOP, .which = q->job}, {.kind = ACT_SUBMIT, .wish = *wish}};
    return starts_after(q, acts, 2, true);
}

static int find_name(const char *const *names, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(names[i], name))
            return i;
    return -1;
}

static bool is_named(const struct question *q, enum help h)
{
    const struct explain_help *x = &q->answer.help;
    bool kept = q->answer.reason == EXPLAIN_HELD || q->answer.reason == EXPLAIN_BACKOFF;
    const bool named[HELPS] = {[HELP_TURN] = kept && q->answer.then == EXPLAIN_STARTS,
                               [HELP_ENDS] = x->blockers_in_all > 0,
                               [HELP_NODES] = x->nodes_in_all > 0,
                               [HELP_QUOTA] = x->quota_more > 0,
                               [HELP_BORROW] = x->borrow_more > 0,
                               [HELP_MORE] = x->nodes_more > 0,
                               [HELP_CAP] = x->cap_more > 0,
                               [HELP_SMALLER] = x->fewer_pods || x->fewer_gpus,
                               [HELP_CPUS] = x->fewer_cpus > 0,
                               [HELP_ANY_NODE] = x->any_node,
                               [HELP_SKU] = x->sku[0] != 0,
                               [HELP_VC] = x->vc[0] != 0,
                               [HELP_OPPO] = x->opportunistic,
                               [HELP_SHORTER] = x->shorter_ms > 0};
    return named[h];
}

/* What is done to the world; the job stays as it is. 0: nothing of the kind. */
static int list_acts(const struct question *q, enum help h, const struct wish *wish, struct act *acts)
{
    const struct explain_help *x = &q->answer.help;
    int n = 0;
    if (h == HELP_TURN) /* is let in anyway */
        acts[n++] = (struct act){.kind = ACT_WAIT};
    if (h == HELP_ENDS)
        memcpy(acts, q->acts, (size_t)(n = q->ends) * sizeof *acts);
    for (size_t i = 0; h == HELP_NODES && i < x->node_count; i++) {
        int node = x->nodes[i][1] - '0'; /* "n3" */
        acts[n++] = (struct act){.kind = ACT_UP, .which = node, .much = 1};
        acts[n++] = (struct act){.kind = ACT_CORDON, .which = node, .much = 0};
        acts[n++] = (struct act){.kind = ACT_OPEN, .which = node};
    }
    if (h == HELP_QUOTA)
        acts[n++] = (struct act){.kind = ACT_QUOTA,
                                 .which = wish->vc,
                                 .much = x->quota_more,
                                 .sku = find_name(world_sku_names, WORLD_SKUS, x->quota_sku)};
    if (h == HELP_MORE)
        acts[n++] = (struct act){
            .kind = ACT_NODES, .much = x->nodes_more, .sku = find_name(world_sku_names, WORLD_SKUS, x->nodes_sku)};
    if (h == HELP_BORROW)
        acts[n++] = (struct act){.kind = ACT_BORROW, .which = wish->vc, .much = x->borrow_more};
    if (h == HELP_CAP)
        acts[n++] = (struct act){.kind = ACT_CAP, .which = wish->vc, .much = x->cap_more};
    return n;
}

/* What the request becomes. */
static void change_wish(const struct explain_help *x, enum help h, struct wish *wish)
{
    if (h == HELP_SMALLER && x->fewer_pods)
        wish->pods = x->fewer_pods;
    if (h == HELP_SMALLER && x->fewer_gpus)
        wish->gpus = x->fewer_gpus;
    if (h == HELP_CPUS)
        wish->cpus = x->fewer_cpus;
    if (h == HELP_ANY_NODE)
        wish->node = -1;
    if (h == HELP_SKU)
        wish->sku = find_name(world_sku_names, WORLD_SKUS, x->sku);
    if (h == HELP_VC)
        wish->vc = find_name(world_vc_names, WORLD_VCS, x->vc);
    if (h == HELP_OPPO)
        wish->priority = -1;
    if (h == HELP_SHORTER)
        wish->limit = (int)(x->shorter_ms / 1000);
}

/* Fewer tasks and fewer GPUs are each enough, where they are not said to be needed both. */
static bool is_true_smaller(const struct question *q, const struct wish *wish)
{
    const struct explain_help *x = &q->answer.help;
    struct wish pods = *wish, gpus = *wish;
    pods.pods = x->fewer_pods;
    gpus.gpus = x->fewer_gpus;
    return (!x->fewer_pods || starts_as(q, &pods)) && (!x->fewer_gpus || starts_as(q, &gpus));
}

/* Whether the answer has room for all that it counts: only then it can be done. */
static bool names_all(const struct question *q, enum help h)
{
    const struct explain_help *x = &q->answer.help;
    return (h != HELP_ENDS || x->blockers_in_all == x->blocker_count) &&
           (h != HELP_NODES || x->nodes_in_all == x->node_count);
}

static bool is_true(const struct question *q, enum help h, const struct wish *wish)
{
    struct act acts[WORLD_JOBS * 2 + 2];
    struct wish other = *wish;
    int first = let_in(q, acts), n = list_acts(q, h, wish, acts + first);
    if (!names_all(q, h))
        return true;
    if (n)
        return !q->quiet || starts_after(q, acts, n + first, false);
    if (h == HELP_SMALLER && !q->answer.help.fewer_both)
        return is_true_smaller(q, wish);
    change_wish(&q->answer.help, h, &other);
    return starts_as(q, &other);
}

/* ---- one job ---- */

/* Who is in the way, as acts that make them go. */
static bool note_blockers(struct question *q, const struct world *w, const struct core_view *v)
{
    q->ends = 0;
    for (size_t i = 0; i < q->answer.help.blocker_count; i++) {
        const char *name = core_explain_job(v, q->answer.help.blockers[i]);
        int job = world_find(w, name);
        if (job < 0 || !world_job(w, job))
            return lie(q, "a blocker is no job:", name);
        /* Stopped, so that it does not wait again. */
        q->acts[q->ends++] = (struct act){.kind = ACT_STOP, .which = job};
        q->acts[q->ends++] = (struct act){.kind = ACT_END, .which = job};
    }
    return true;
}

/* Until the next try of the job: whether no other's is due before, and nobody has waited for long then. */
static void look_ahead(struct question *q, const struct world *w, const struct job *j)
{
    int64_t left = j->due_ms - w->now.wall;
    q->due_s = left > 0 ? (int)((left + 999) / 1000) : 0;
    q->quiet = !q->due_s || w->core->age_at_mono > w->now.mono + 1000 * (int64_t)q->due_s;
    for (int i = 0; i < w->window_count && q->due_s; i++)
        q->quiet = q->quiet && w->windows[i].end <= w->now.wall;
    for (int other = 0; other < w->job_count && q->due_s; other++) {
        const struct job *x = world_job(w, other);
        if (x && x != j && x->due_ms > w->now.wall && x->due_ms <= j->due_ms)
            q->quiet = false;
    }
}

static bool ask(struct question *q, struct world *w)
{
    const struct job *j = world_job(w, q->job);
    look_ahead(q, w, j);
    const struct core_question what = {.avoid = j->avoid ? *j->avoid : (struct avoid){.count = 0},
                                       .spec = j->spec,
                                       .user = j->user,
                                       .full_name = j->full_name,
                                       .now_ms = w->now.wall,
                                       .held_by = j->held_by[0] ? j->held_by : NULL,
                                       .backoff_ms = 1000 * (int64_t)q->due_s};
    w->now.mono += 1000; /* the plan is shown anew */
    struct core_view *v = core_view_create(w->core, w->now.mono);
    struct core_explainer *x = v ? core_explainer_create(v) : NULL;
    struct explanation brief;
    bool ok = x && core_explain_whole(x, &what, &q->answer) == 0 && note_blockers(q, w, v);
    if (ok && (core_explain_brief(x, &what, &brief) || brief.reason != q->answer.reason))
        ok = lie(q, "the brief answer says", explain_name(brief.reason));
    core_explainer_destroy(x);
    core_view_destroy(v);
    return ok;
}

/* All that is named at once. */
static bool is_true_together(const struct question *q, const struct wish *wish)
{
    const struct explain_help *x = &q->answer.help;
    struct act acts[WORLD_JOBS * 2 + 4];
    struct wish other = *wish;
    bool changed = false; /* the request, not the world */
    for (enum help h = HELP_SMALLER; h < HELPS; h++)
        changed = changed || is_named(q, h);
    int n = changed ? 0 : let_in(q, acts); /* submitted anew it has nothing to wait for */
    for (enum help h = 0; h < HELPS; h++)
        if (is_named(q, h)) {
            n += list_acts(q, h, wish, acts + n);
            change_wish(x, h, &other);
        }
    if (!names_all(q, HELP_ENDS) || !names_all(q, HELP_NODES))
        return true;
    if (!changed)
        return !q->quiet || starts_after(q, acts, n, false);
    acts[n++] = (struct act){.kind = ACT_STOP, .which = q->job};
    acts[n++] = (struct act){.kind = ACT_SUBMIT, .wish = other};
    return starts_after(q, acts, n, true);
}

static bool check_helps(const struct question *q, const struct wish *wish, struct counts *c)
{
    bool ok = true;
    for (enum help h = 0; h < HELPS; h++) {
        if (!is_named(q, h))
            continue;
        c->helps[h]++;
        if (!q->answer.help.together && !is_true(q, h, wish))
            ok = lie(q, "does not help:", help_names[h]);
    }
    if (q->answer.help.together && !is_true_together(q, wish))
        ok = lie(q, "does not help:", "all together");
    return ok;
}

static bool helps(const struct question *q)
{
    bool some = false;
    for (enum help h = 0; h < HELPS; h++)
        some = some || is_named(q, h);
    return some;
}

static bool check(struct question *q, struct world *w, struct counts *c)
{
    bool ok = ask(q, w);
    if (!ok)
        return false;
    struct act acts[2];
    enum explain_reason truth = oracle_reason(w, q->job);
    if (q->answer.reason != truth)
        ok = lie(q, "the oracle says", explain_name(truth));
    truth = oracle_then(w, q->job);
    if (q->answer.then != truth)
        ok = lie(q, "then the oracle says", explain_name(truth));
    if (starts_after(q, &(struct act){.kind = ACT_WAIT}, 1, false))
        ok = lie(q, "it starts", "by itself");
    if (q->quiet && q->answer.then != EXPLAIN_STARTS && starts_after(q, acts, let_in(q, acts), false))
        ok = lie(q, "it starts", "when it is let in");
    ok = check_helps(q, &w->jobs[q->job].wish, c) && ok;
    c->answers[q->answer.reason]++;
    c->helped[q->answer.reason] += helps(q);
    c->together += q->answer.help.together;
    return ok;
}

static int run_seed(uint64_t seed, bool loud, struct counts *c)
{
    struct script *s = malloc(sizeof *s);
    struct world *w = malloc(sizeof *w);
    int lies = 0;
    world_draw(s, seed);
    world_begin(w, s);
    if (loud)
        world_print(w);
    for (int job = 0; job < w->job_count; job++) {
        struct question q = {.script = s, .seed = seed, .job = job};
        const struct job *j = world_job(w, job);
        if (j && j->state == STATE_WAITING && !check(&q, w, c))
            lies++;
    }
    world_end(w);
    free(w);
    free(s);
    return lies;
}

/* ---- the table ---- */

static bool is_enough(const struct counts *c)
{
    int answers = 0;
    bool each = true;
    for (int r = 0; r < REASONS; r++) {
        answers += c->answers[r];
        const bool apart = r == EXPLAIN_STARTS || r == EXPLAIN_NEW;
        each = each && (apart || c->answers[r] >= SEEN_MIN);
    }
    return each && answers >= ANSWERS;
}

static bool print(const struct counts *c)
{
    int answers = 0, helped = 0;
    printf("%-16s %8s %8s\n", "reason", "answers", "helped");
    for (int r = 0; r < REASONS; r++) {
        printf("%-16s %8d %8d\n", explain_name((enum explain_reason)r), c->answers[r], c->helped[r]);
        answers += c->answers[r];
        helped += c->helped[r];
    }
    for (int h = 0; h < HELPS; h++)
        printf("%-16s %8d\n", help_names[h], c->helps[h]);
    printf("%d answers, %d name something that helps, %d of them only things together\n", answers, helped, c->together);
    return helped * 100 >= answers * HELPED_PERCENT;
}

/* Seeds that once had a lie. */
static const uint64_t once[] = {
    283,  623,            /* a reservation changed where others may go, and they were not tried again */
    393,  682, 934,       /* a cap that is raised was taken to be lifted, and the plan to stay */
    518,                  /* more are in the way than are named */
    568,  769, 967, 1332, /* the best place was not its to have, and no other was looked for */
    1200,                 /* one who had waited for long stood behind one who had not */
    700,  944,            /* who held CPUs alone was never stopped for them */
    242,                  /* what it avoids was held against it while nothing was up */
    144,                  /* who came before it went back on what it avoids when a machine came up */
    970,                  /* the tightest machine had CPUs for some of its pods, and the rest then no place */
    2434,                 /* a pod took what is nobody's beside a victim's, and the next found none left */
    2647,                 /* who had reserved, and has waited for long, reserves again when the plan is made anew */
    4069,                 /* who lost a reservation to it reserved elsewhere, and it lost its own */
    1293, /* it was to run where there is no maintenance, and other machines in maintenance kept it away */
    61,   /* a copy of the grid knew no time: a place that a window closes was another place */
};

static int run_seeds(uint64_t first, uint64_t count, bool until_enough, struct counts *c)
{
    int lies = 0, most = getenv("DROVER_PLANTED") ? 1 : LIES_MAX;
    for (uint64_t seed = first; seed < first + count && lies < most; seed++) {
        if (until_enough && is_enough(c))
            break;
        lies += run_seed(seed, count == 1, c);
    }
    return lies;
}

int main(int argc, char **argv)
{
    struct counts c = {.together = 0};
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, count = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    bool all = argc < 2, nightly = getenv("DROVER_NIGHTLY") != NULL;
    if (all)
        count = nightly ? NIGHTLY : SEEDS_MAX;
    int lies = run_seeds(first, count, all && !nightly, &c);
    for (size_t i = 0; all && !lies && i < sizeof once / sizeof *once; i++)
        lies += run_seed(once[i], false, &c);
    bool enough = print(&c);
    printf("%d lies\n", lies);
    return lies || (all && (!enough || !is_enough(&c)));
}
