/* SPDX-License-Identifier: MIT */
/* A figure is a function in a table: it gives its values one after the other to `measure`, which compares. */
#include "server/alerts/alert_look.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "jobs/state.h"
#include "metrics/idle_store.h"
#include "metrics/remote_writer.h"
#include "scheduler/cluster.h"
#include "server/alerts/alert_book.h"
#include "server/gpu_watch.h"
#include "server/http/tls.h"
#include "server/loop.h"
#include "server/snapshot.h"
#include "store/store.h"

enum { FAILED_MS = 5 * 60 * 1000, JOBS_OF_A_RULE = 200, MIB_SHIFT = 20, DAY_S = 24 * 3600 };

/* A rule under way. */
struct looking {
    const struct alert_look *look;
    const struct alert_rule *rule;
    int index;
    struct err *e;
};

/* A value of something. */
struct measured {
    int64_t value;
    const struct alert_pair *labels;
    int label_count;
    const char *summary, *user; /* of NULL, nothing is told: memory is short */
    bool graver;                /* by one than the rule says */
};

static bool holds(const struct alert_rule *r, int64_t value)
{
    return r->compare == ALERT_BELOW ? value < r->threshold : value > r->threshold;
}

static void measure(const struct looking *k, const struct measured *m)
{
    const struct alert_rule *r = k->rule;
    if (!holds(r, m->value) || !m->summary)
        return;
    const enum alert_severity more = m->graver && r->severity < ALERT_FATAL ? r->severity + 1U : r->severity;
    const struct alert_seen seen = {.rule = k->index,
                                    .name = r->name,
                                    .severity = more,
                                    .for_s = r->for_s,
                                    .labels = m->labels,
                                    .label_count = m->label_count,
                                    .summary = m->summary,
                                    .description = r->text,
                                    .user = m->user};
    book_see(k->look->book, &seen);
}

/* ---- nodes and GPUs ---- */

static void measure_node(const struct looking *k, const struct cluster_node *n, int64_t value, const char *summary)
{
    const struct alert_pair labels[] = {{"node_name", n->info.name}};
    measure(k, &(struct measured){.value = value, .labels = labels, .label_count = 1, .summary = summary});
}

static void measure_gpu(const struct looking *k, const struct cluster_node *n, const struct gpu *g, int64_t value,
                        const char *what)
{
    struct arena *a = k->look->arena;
    const char *index = arena_printf(a, "%d", g->index);
    const struct alert_pair labels[] = {{"node_name", n->info.name}, {"gpu", index ? index : "?"}};
    if (holds(k->rule, value))
        measure(k,
                &(struct measured){.value = value,
                                   .labels = labels,
                                   .label_count = 2,
                                   .summary = arena_printf(a, "GPU %d of node %s: %s", g->index, n->info.name, what)});
}

static void node_up(const struct looking *k, const struct cluster_node *n)
{
    measure_node(k, n, n->info.up, arena_printf(k->look->arena, "Node %s is not reached.", n->info.name));
}

static void node_quarantined(const struct looking *k, const struct cluster_node *n)
{
    int64_t count = 0;
    for (int i = 0; i < n->info.gpu_count; i++)
        count += n->info.gpus[i].quarantined;
    if (count)
        measure_node(k, n, count,
                     arena_printf(k->look->arena,
                                  "%d GPUs of node %s are not given out: the processes that had them could not be "
                                  "proven gone.",
                                  (int)count, n->info.name));
}

static void gpu_cause(const struct looking *k, const struct cluster_node *n)
{
    char text[128];
    for (int i = 0; i < n->info.gpu_count; i++) {
        const struct gpu *g = &n->info.gpus[i];
        if (g->health.cause != k->rule->cause)
            continue;
        gpu_mark_text(&g->health, text, sizeof text);
        measure_gpu(k, n, g, 1, text);
    }
}

static void gpu_temperature(const struct looking *k, const struct cluster_node *n)
{
    struct source_sample s;
    char text[64];
    for (int i = 0; i < n->info.gpu_count; i++) {
        const struct gpu *g = &n->info.gpus[i];
        if (!gpu_watch_last(k->look->sources->watch, g->uuid, &s) || !source_has(&s, SOURCE_TEMPERATURE))
            continue;
        snprintf(text, sizeof text, "it has %d degrees Celsius.", (int)s.value[SOURCE_TEMPERATURE]);
        measure_gpu(k, n, g, s.value[SOURCE_TEMPERATURE], text);
    }
}

static void gpu_memory_left(const struct looking *k, const struct cluster_node *n)
{
    struct source_sample s;
    char text[96];
    for (int i = 0; i < n->info.gpu_count; i++) {
        const struct gpu *g = &n->info.gpus[i];
        if (!gpu_watch_last(k->look->sources->watch, g->uuid, &s) || !source_has(&s, SOURCE_PROCESSES) ||
            !source_has(&s, SOURCE_MEMORY_USED) || s.value[SOURCE_PROCESSES])
            continue;
        const int64_t mib = s.value[SOURCE_MEMORY_USED] >> MIB_SHIFT;
        snprintf(text, sizeof text, "%lld MiB are in use, and no process computes on it.", (long long)mib);
        measure_gpu(k, n, g, mib, text);
    }
}

/* ---- the server ---- */

void alert_machine_read(struct alert_machine *m, const struct alert_sources *s, int64_t now_ms)
{
    struct loop_stats stats;
    struct remote_stats remote = {0};
    loop_stats(s->loop, &stats);
    if (stats.commit_failures > m->failures)
        m->failed_ms = now_ms;
    m->value[ALERT_COMMIT_FAILURES] = m->failed_ms && now_ms - m->failed_ms < FAILED_MS;
    m->failures = stats.commit_failures;
    if (s->remote)
        remote_writer_stats(s->remote, &remote);
    const int64_t most = self_descriptors_max();
    const struct {
        enum alert_figure figure;
        int64_t value;
        bool known;
    } read[] = {
        {ALERT_SERVER_READY, stats.ready, true},
        {ALERT_DISK_FREE, self_disk_free(s->data_dir), true},
        {ALERT_MEMORY_USED, self_memory_used(), true},
        {ALERT_CPU_USED, self_cpu_used(&m->cpu), true},
        {ALERT_COMMIT_FAILURES, m->value[ALERT_COMMIT_FAILURES], true},
        {ALERT_WAL, self_file_bytes(s->data_dir, "drover.db-wal") >> MIB_SHIFT, true},
        {ALERT_RESIDENT, self_resident_bytes() >> MIB_SHIFT, true},
        {ALERT_DESCRIPTORS, most ? self_descriptors() * INT64_C(100) / most : -1, true},
        {ALERT_CERTIFICATE, s->tls ? (tls_expires(s->tls) - now_ms / 1000) / DAY_S : 0, s->tls != NULL},
        {ALERT_REMOTE_LAG, remote.lag_ms / 1000, s->remote != NULL},
    };
    for (size_t i = 0; i < sizeof read / sizeof *read; i++) {
        m->known[read[i].figure] = read[i].known && (read[i].value >= 0 || read[i].figure == ALERT_CERTIFICATE);
        m->value[read[i].figure] = read[i].value;
    }
}

static void of_machine(const struct looking *k)
{
    static const struct {
        const char *before, *behind; /* its value; behind NULL: that says nothing */
    } texts[ALERT_FIGURES] = {
        [ALERT_SERVER_READY] = {"droverd is not ready.", NULL},
        [ALERT_DISK_FREE] = {"", " % of the data folder's file system are free."},
        [ALERT_MEMORY_USED] = {"", " % of the memory are in use."},
        [ALERT_CPU_USED] = {"", " % of the CPU time are used."},
        [ALERT_COMMIT_FAILURES] = {"Transactions failed in the last minutes.", NULL},
        [ALERT_WAL] = {"The database's write-ahead log has ", " MiB."},
        [ALERT_RESIDENT] = {"droverd uses ", " MiB."},
        [ALERT_DESCRIPTORS] = {"", " % of the descriptors are open."},
        [ALERT_CERTIFICATE] = {"The server's certificate expires in ", " days."},
        [ALERT_REMOTE_LAG] = {"Samples wait for ", " s."},
    };
    const struct alert_machine *m = k->look->machine;
    const enum alert_figure f = k->rule->figure;
    const char *summary = texts[f].before;
    if (!m->known[f]) {
        if (m->value[f] < 0) /* not to be read now; else there is no such thing here */
            book_hold(k->look->book, k->index);
        return;
    }
    if (texts[f].behind)
        summary = arena_printf(k->look->arena, "%s%lld%s", summary, (long long)m->value[f], texts[f].behind);
    measure(k, &(struct measured){.value = m->value[f], .summary = summary});
}

static void always(const struct looking *k)
{
    measure(k, &(struct measured){.value = 1, .summary = "This alert fires always."});
}

/* ---- jobs ---- */

static void measure_job(const struct looking *k, struct stmt *st, int64_t value, const char *what)
{
    struct arena *a = k->look->arena;
    const char *user = stmt_col_string(st, 0);
    const char *name = arena_printf(a, "%s~%s", user, stmt_col_string(st, 1));
    if (!name)
        return;
    const struct alert_pair labels[] = {
        {"job_name", name}, {"username", user}, {"virtual_cluster", stmt_col_string(st, 2)}};
    measure(k, &(struct measured){.value = value,
                                  .labels = labels,
                                  .label_count = 3,
                                  .summary = arena_printf(a, "%s %s", name, what),
                                  .user = user});
}

/* Rows of user, name, virtual cluster and value. */
static void each_job(const struct looking *k, struct stmt *st, const char *what)
{
    int rc;
    while ((rc = stmt_step(st, k->e)) == STMT_ROW)
        measure_job(k, st, stmt_col_int(st, 3), what);
    if (rc < 0)
        book_hold(k->look->book, k->index);
}

static void job_waits(const struct looking *k)
{
    static const struct store_sql sql = {
        "SELECT user, name, vc, (? - due_ms) / 1000 FROM job WHERE completed_ms IS NULL AND state = ? "
        "AND held_by IS NULL AND due_ms < ? ORDER BY due_ms, seq LIMIT ?"};
    struct stmt *st = store_stmt(k->look->store, &sql, k->e);
    stmt_int(st, 1, k->look->now_ms);
    stmt_int(st, 2, STATE_WAITING);
    stmt_int(st, 3, k->look->now_ms - k->rule->threshold * 1000);
    stmt_int(st, 4, JOBS_OF_A_RULE);
    each_job(k, st, "waits for its place.");
}

static void job_starts(const struct looking *k)
{
    static const struct store_sql sql = {
        "SELECT j.user, j.name, j.vc, count(*) FROM task_attempt t JOIN job j ON j.id = t.job_id "
        "WHERE t.completed_ms IS NULL AND t.state = ? GROUP BY j.seq ORDER BY j.seq LIMIT ?"};
    struct stmt *st = store_stmt(k->look->store, &sql, k->e);
    stmt_int(st, 1, STATE_STARTING);
    stmt_int(st, 2, JOBS_OF_A_RULE);
    each_job(k, st, "has tasks that have a place and were not seen running.");
}

static void job_stops(const struct looking *k)
{
    static const struct store_sql sql = {"SELECT user, name, vc, 1 FROM job WHERE completed_ms IS NULL "
                                         "AND execution_type = 'STOP' ORDER BY seq LIMIT ?"};
    struct stmt *st = store_stmt(k->look->store, &sql, k->e);
    stmt_int(st, 1, JOBS_OF_A_RULE);
    each_job(k, st, "was stopped and has not ended.");
}

static int idle_told(void *ctx, const struct idle_told_row *row)
{
    const struct looking *k = ctx;
    struct arena *a = k->look->arena;
    const char *name = arena_printf(a, "%s~%s", row->user, row->name);
    if (!name)
        return 0;
    const struct alert_pair labels[] = {
        {"job_name", name}, {"username", row->user}, {"virtual_cluster", row->vc}, {"rule", row->rule}};
    measure(k, &(struct measured){.value = 1,
                                  .labels = labels,
                                  .label_count = 4,
                                  .summary = arena_printf(a, "%s: %s", name, row->text),
                                  .user = row->dry_run ? NULL : row->user,
                                  .graver = row->told.acted});
    return 0;
}

static void job_idle(const struct looking *k)
{
    struct looking own = *k;
    if (idle_store_each_told(k->look->store, idle_told, &own, k->e))
        book_hold(k->look->book, k->index);
}

/* ---- all of them ---- */

/* Of each node, or alone; `rows`: needs a reader; `early`: known before the core has said anything. */
static const struct figure {
    void (*of_node)(const struct looking *k, const struct cluster_node *n);
    void (*alone)(const struct looking *k);
    enum alert_depth depth;
    bool rows, early;
} figures[ALERT_FIGURES] = {
    [ALERT_ALWAYS] = {.alone = always, .early = true},
    [ALERT_NODE_UP] = {.of_node = node_up},
    [ALERT_NODE_QUARANTINED] = {.of_node = node_quarantined},
    [ALERT_GPU_CAUSE] = {.of_node = gpu_cause},
    [ALERT_GPU_TEMPERATURE] = {.of_node = gpu_temperature},
    [ALERT_GPU_MEMORY_LEFT] = {.of_node = gpu_memory_left},
    [ALERT_JOB_IDLE] = {.alone = job_idle, .rows = true},
    [ALERT_DISK_FREE] = {.alone = of_machine, .depth = ALERT_LOOK_MACHINE, .early = true},
    [ALERT_MEMORY_USED] = {.alone = of_machine, .depth = ALERT_LOOK_MACHINE, .early = true},
    [ALERT_CPU_USED] = {.alone = of_machine, .depth = ALERT_LOOK_MACHINE, .early = true},
    [ALERT_SERVER_READY] = {.alone = of_machine, .depth = ALERT_LOOK_MACHINE, .early = true},
    [ALERT_COMMIT_FAILURES] = {.alone = of_machine, .depth = ALERT_LOOK_MACHINE, .early = true},
    [ALERT_WAL] = {.alone = of_machine, .depth = ALERT_LOOK_MACHINE, .early = true},
    [ALERT_RESIDENT] = {.alone = of_machine, .depth = ALERT_LOOK_MACHINE, .early = true},
    [ALERT_DESCRIPTORS] = {.alone = of_machine, .depth = ALERT_LOOK_MACHINE, .early = true},
    [ALERT_CERTIFICATE] = {.alone = of_machine, .depth = ALERT_LOOK_MACHINE, .early = true},
    [ALERT_REMOTE_LAG] = {.alone = of_machine, .depth = ALERT_LOOK_MACHINE, .early = true},
    [ALERT_JOB_WAITS] = {.alone = job_waits, .depth = ALERT_LOOK_JOBS, .rows = true},
    [ALERT_JOB_STARTS] = {.alone = job_starts, .depth = ALERT_LOOK_JOBS, .rows = true},
    [ALERT_JOB_STOPS] = {.alone = job_stops, .depth = ALERT_LOOK_JOBS, .rows = true},
};

static void apply(const struct looking *k)
{
    const struct alert_look *l = k->look;
    const struct figure *f = &figures[k->rule->figure];
    if (f->depth > l->depth || (!f->early && !l->snap) || (f->rows && !l->store)) {
        book_hold(l->book, k->index);
        return;
    }
    if (f->alone)
        f->alone(k);
    for (size_t i = 0; f->of_node && i < cluster_count(l->snap->cluster); i++)
        f->of_node(k, cluster_at(l->snap->cluster, (int)i));
}

void alert_look(const struct alert_look *l)
{
    struct err e = {0};
    book_begin(l->book, l->now_ms);
    for (int i = 0; i < l->settings->rule_count; i++) {
        const struct looking k = {.look = l, .rule = &l->settings->rules[i], .index = i, .e = &e};
        if (!k.rule->off)
            apply(&k);
    }
    if (e.code)
        log_warn("alerts_unknown", "some alerts are not known now: %s", e.text);
    book_end(l->book);
}
