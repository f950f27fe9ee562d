/* SPDX-License-Identifier: MIT
 *
 * GET /metrics: the state of the cluster and of the server for Prometheus (docs/METRICS.md). Nothing that the lists of
 * nodes, GPUs and virtual clusters do not tell every user, so that a scraper needs no rights of an admin: its token is
 * one of a user who may submit nowhere. From the published snapshot, the last samples, and the rows of placed tasks.
 */
#include <sys/resource.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "core/core.h"
#include "metrics/exposition.h"
#include "metrics/remote_writer.h"
#include "metrics/tally.h"
#include "scheduler/cluster.h"
#include "server/api/api.h"
#include "server/api/gpu_figures.h"
#include "server/api/vc_figures.h"
#include "server/loop.h"
#include "server/self.h"
#include "server/snapshot.h"

enum { METRICS_MAX = 64 << 20, MIB = 1 << 20 };

/* ---- nodes ---- */

static double node_up(const struct cluster_node *n)
{
    return n->info.up;
}

static double node_schedulable(const struct cluster_node *n)
{
    return cluster_usable(&n->info) && !n->info.draining;
}

static double node_cpus(const struct cluster_node *n)
{
    return (double)n->total.cpus;
}

static double node_cpus_used(const struct cluster_node *n)
{
    return (double)n->used.cpus;
}

static double node_memory(const struct cluster_node *n)
{
    return (double)n->total.memory_mb * MIB;
}

static double node_memory_used(const struct cluster_node *n)
{
    return (double)n->used.memory_mb * MIB;
}

static double node_gpus(const struct cluster_node *n)
{
    return n->info.gpu_count;
}

static double node_gpus_used(const struct cluster_node *n)
{
    return (double)n->used.gpus;
}

static double node_gpus_quarantined(const struct cluster_node *n)
{
    return n->info.gpu_count - (double)n->total.gpus;
}

static const struct {
    struct exposition_family family;
    double (*of)(const struct cluster_node *n);
    bool gpus; /* of machines with GPUs; with their model */
} node_metrics[] = {
    {{"drover_node_up", EXPOSITION_GAUGE, NULL, "Whether the node is up."}, node_up, false},
    {{"drover_node_schedulable", EXPOSITION_GAUGE, NULL, "Whether new tasks may start on the node."},
     node_schedulable,
     false},
    {{"drover_node_cpus", EXPOSITION_GAUGE, NULL, "CPUs that the node offers."}, node_cpus, false},
    {{"drover_node_cpus_used", EXPOSITION_GAUGE, NULL, "CPUs given to tasks."}, node_cpus_used, false},
    {{"drover_node_memory_bytes", EXPOSITION_GAUGE, "bytes", "Memory that the node offers."}, node_memory, false},
    {{"drover_node_memory_used_bytes", EXPOSITION_GAUGE, "bytes", "Memory given to tasks."}, node_memory_used, false},
    {{"drover_node_gpus", EXPOSITION_GAUGE, NULL, "GPUs of the node."}, node_gpus, true},
    {{"drover_node_gpus_used", EXPOSITION_GAUGE, NULL, "GPUs given to tasks."}, node_gpus_used, true},
    {{"drover_node_gpus_quarantined", EXPOSITION_GAUGE, NULL,
      "GPUs kept from tasks: something holds them, or they are not well."},
     node_gpus_quarantined,
     true},
};

static void write_nodes(struct exposition *x, const struct cluster *c)
{
    for (size_t m = 0; m < sizeof node_metrics / sizeof *node_metrics; m++) {
        exposition_begin(x, &node_metrics[m].family);
        for (size_t i = 0; i < cluster_count(c); i++) {
            const struct cluster_node *n = cluster_at(c, (int)i);
            const bool gpus = node_metrics[m].gpus;
            const char *labels[] = {"node", n->info.name, gpus ? "model" : NULL, n->info.gpus[0].model, NULL};
            if (!gpus || n->info.gpu_count)
                exposition_sample(x, labels, node_metrics[m].of(n));
        }
    }
}

/* ---- virtual clusters ---- */

static double vc_guaranteed(const struct vc_gpus *g, const struct core_view_vc *vc)
{
    (void)vc;
    return (double)g->guaranteed;
}

static double vc_used(const struct vc_gpus *g, const struct core_view_vc *vc)
{
    (void)vc;
    return (double)g->used;
}

static double vc_borrowed(const struct vc_gpus *g, const struct core_view_vc *vc)
{
    (void)vc;
    return (double)g->borrowed;
}

static double vc_opportunistic(const struct vc_gpus *g, const struct core_view_vc *vc)
{
    (void)vc;
    return (double)g->opportunistic;
}

static double vc_borrow_limit(const struct vc_gpus *g, const struct core_view_vc *vc)
{
    (void)g;
    return vc->spec.borrow;
}

static double vc_cpus_used(const struct vc_gpus *g, const struct core_view_vc *vc)
{
    (void)g;
    return (double)vc->used.cpus;
}

static double vc_jobs(const struct vc_gpus *g, const struct core_view_vc *vc)
{
    (void)g;
    return (double)vc->live_jobs;
}

static const struct {
    struct exposition_family family;
    double (*of)(const struct vc_gpus *g, const struct core_view_vc *vc);
} vc_metrics[] = {
    {{"drover_vc_gpus_guaranteed", EXPOSITION_GAUGE, NULL, "GPUs that the virtual cluster is guaranteed."},
     vc_guaranteed},
    {{"drover_vc_gpus_used", EXPOSITION_GAUGE, NULL, "Guaranteed GPUs that its jobs hold."}, vc_used},
    {{"drover_vc_gpus_borrowed", EXPOSITION_GAUGE, NULL, "GPUs that its jobs hold beyond the guarantee."}, vc_borrowed},
    {{"drover_vc_gpus_borrow_limit", EXPOSITION_GAUGE, NULL, "GPUs that it may borrow."}, vc_borrow_limit},
    {{"drover_vc_gpus_opportunistic", EXPOSITION_GAUGE, NULL, "GPUs that its jobs hold without guarantee."},
     vc_opportunistic},
    {{"drover_vc_cpus_used", EXPOSITION_GAUGE, NULL, "CPUs that its tasks hold."}, vc_cpus_used},
    {{"drover_vc_jobs", EXPOSITION_GAUGE, NULL, "Jobs of the virtual cluster that have not ended."}, vc_jobs},
};

/* `gpus`: the figures of each, which take a look at all nodes. */
static void write_vcs(struct exposition *x, const struct core_view *v, const struct vc_gpus *gpus)
{
    for (size_t m = 0; m < sizeof vc_metrics / sizeof *vc_metrics; m++) {
        exposition_begin(x, &vc_metrics[m].family);
        for (size_t i = 0; i < v->vc_count; i++) {
            const char *labels[] = {"vc", v->vcs[i].spec.name, NULL};
            exposition_sample(x, labels, vc_metrics[m].of(&gpus[i], &v->vcs[i]));
        }
    }
}

/* ---- jobs that started and ended ---- */

static const struct exposition_family ended_family = {"drover_jobs_ended", EXPOSITION_COUNTER, NULL,
                                                      "Jobs that have ended since droverd was started."};
static const struct exposition_family wait_family = {
    "drover_job_wait_seconds", EXPOSITION_HISTOGRAM, "seconds",
    "Waits from submission to start of the jobs that have started since droverd was started."};

/* What tasks of this machine moved, where that is known. */
static void write_network(struct exposition *x, struct tally *t)
{
    static const struct exposition_family families[] = {
        {"drover_task_network_received_bytes", EXPOSITION_COUNTER, "bytes",
         "Bytes that TCP connections of this machine's tasks have received since droverd was started, as far as seen."},
        {"drover_task_network_sent_bytes", EXPOSITION_COUNTER, "bytes",
         "Bytes that TCP connections of this machine's tasks have sent since droverd was started, as far as seen."}};
    uint64_t moved[2];

    if (!tally_network_read(t, &moved[0], &moved[1]))
        return;
    for (int i = 0; i < 2; i++) {
        exposition_begin(x, &families[i]);
        exposition_sample(x, NULL, (double)moved[i]);
    }
}

static int write_tally(struct exposition *x, struct tally *t, struct arena *arena)
{
    static const char *const ends[TALLY_ENDS] = {
        [TALLY_SUCCEEDED] = "succeeded", [TALLY_FAILED] = "failed", [TALLY_STOPPED] = "stopped"};
    size_t count = tally_read(t, NULL, 0);
    struct tally_row *rows = arena_calloc(arena, count + 1, sizeof *rows);
    if (!rows)
        return -1;
    count = tally_read(t, rows, count);
    exposition_begin(x, &ended_family);
    for (size_t i = 0; i < count; i++)
        for (int k = 0; k < TALLY_ENDS; k++) {
            const char *labels[] = {"vc", rows[i].vc, "state", ends[k], NULL};
            exposition_sample(x, labels, (double)rows[i].ended[k]);
        }
    exposition_begin(x, &wait_family);
    for (size_t i = 0; i < count; i++) {
        const char *labels[] = {"vc", rows[i].vc, NULL};
        const struct exposition_buckets b = {tally_bounds, rows[i].waits, TALLY_BOUNDS, rows[i].wait_sum};
        exposition_histogram(x, labels, &b);
    }
    return 0;
}

/* ---- the server ---- */

struct scrape {
    const struct api *api;
    const struct core_view *view;
    struct loop_stats loop;
    struct rusage usage;
};

static double jobs_unfinished(const struct scrape *s)
{
    return (double)s->view->live_jobs;
}

static double jobs_waiting(const struct scrape *s)
{
    return (double)s->view->waiting_jobs;
}

static double ready(const struct scrape *s)
{
    return s->loop.ready;
}

static double commands(const struct scrape *s)
{
    return (double)s->loop.commands;
}

static double commits(const struct scrape *s)
{
    return (double)s->loop.commits;
}

static double commit_failures(const struct scrape *s)
{
    return (double)s->loop.commit_failures;
}

static double database(const struct scrape *s)
{
    return (double)self_file_bytes(s->api->data_dir, "drover.db");
}

static double database_wal(const struct scrape *s)
{
    return (double)self_file_bytes(s->api->data_dir, "drover.db-wal");
}

static double cpu(const struct scrape *s)
{
    const struct timeval *u = &s->usage.ru_utime, *k = &s->usage.ru_stime;
    return (double)(u->tv_sec + k->tv_sec) + (double)(u->tv_usec + k->tv_usec) / 1e6;
}

static double resident(const struct scrape *s)
{
    (void)s;
    return (double)self_resident_bytes();
}

static double descriptors(const struct scrape *s)
{
    (void)s;
    return self_descriptors();
}

static double descriptors_max(const struct scrape *s)
{
    (void)s;
    return (double)self_descriptors_max();
}

static const struct {
    struct exposition_family family;
    double (*of)(const struct scrape *s);
} server_metrics[] = {
    {{"drover_jobs", EXPOSITION_GAUGE, NULL, "Jobs that have not ended."}, jobs_unfinished},
    {{"drover_jobs_waiting", EXPOSITION_GAUGE, NULL, "Jobs that wait for their place."}, jobs_waiting},
    {{"drover_ready", EXPOSITION_GAUGE, NULL, "Whether running tasks were found again and the last commit worked."},
     ready},
    {{"drover_commands", EXPOSITION_COUNTER, NULL, "Commands and events that the core has taken."}, commands},
    {{"drover_commits", EXPOSITION_COUNTER, NULL, "Transactions of the core that are durable."}, commits},
    {{"drover_commit_failures", EXPOSITION_COUNTER, NULL, "Transactions of the core that failed."}, commit_failures},
    {{"drover_database_bytes", EXPOSITION_GAUGE, "bytes", "Size of the database."}, database},
    {{"drover_database_wal_bytes", EXPOSITION_GAUGE, "bytes", "Size of its write-ahead log."}, database_wal},
    {{"process_cpu_seconds", EXPOSITION_COUNTER, "seconds", "CPU time of droverd, user and system."}, cpu},
    {{"process_resident_memory_bytes", EXPOSITION_GAUGE, "bytes", "Resident memory of droverd."}, resident},
    {{"process_open_fds", EXPOSITION_GAUGE, NULL, "Open descriptors of droverd."}, descriptors},
    {{"process_max_fds", EXPOSITION_GAUGE, NULL, "Descriptors that droverd may open."}, descriptors_max},
};

static void write_server(struct exposition *x, const struct scrape *s)
{
    for (size_t m = 0; m < sizeof server_metrics / sizeof *server_metrics; m++) {
        exposition_begin(x, &server_metrics[m].family);
        exposition_sample(x, NULL, server_metrics[m].of(s));
    }
}

/* ---- what is sent to another store ---- */

static double remote_taken(const struct remote_stats *s)
{
    return (double)s->taken;
}

static double remote_refused(const struct remote_stats *s)
{
    return (double)s->refused;
}

static double remote_dropped(const struct remote_stats *s)
{
    return (double)s->dropped;
}

static double remote_retries(const struct remote_stats *s)
{
    return (double)s->retries;
}

static double remote_waiting(const struct remote_stats *s)
{
    return (double)s->waiting;
}

static double remote_lag(const struct remote_stats *s)
{
    return (double)s->lag_ms / 1e3;
}

static const struct {
    struct exposition_family family;
    double (*of)(const struct remote_stats *s);
} remote_metrics[] = {
    {{"drover_remote_write_samples", EXPOSITION_COUNTER, NULL, "Samples that the remote write receiver has taken."},
     remote_taken},
    {{"drover_remote_write_samples_failed", EXPOSITION_COUNTER, NULL, "Samples that it refused for good."},
     remote_refused},
    {{"drover_remote_write_samples_dropped", EXPOSITION_COUNTER, NULL,
      "Samples that waited for too long, or had no room to wait."},
     remote_dropped},
    {{"drover_remote_write_retries", EXPOSITION_COUNTER, NULL, "Requests that failed and are sent again."},
     remote_retries},
    {{"drover_remote_write_samples_pending", EXPOSITION_GAUGE, NULL, "Samples that wait to be sent."}, remote_waiting},
    {{"drover_remote_write_lag_seconds", EXPOSITION_GAUGE, "seconds", "Age of the oldest sample that waits."},
     remote_lag},
};

/* No samples where nothing is sent. */
static void write_remote(struct exposition *x, struct remote_writer *w)
{
    struct remote_stats s;
    if (w)
        remote_writer_stats(w, &s);
    for (size_t m = 0; m < sizeof remote_metrics / sizeof *remote_metrics; m++) {
        exposition_begin(x, &remote_metrics[m].family);
        if (w)
            exposition_sample(x, NULL, remote_metrics[m].of(&s));
    }
}

int metrics_expose(struct exposition *x, struct api *a, const struct metrics_look *look, struct err *e)
{
    struct snapshot *snap = api_snapshot(a, e);
    if (!snap)
        return -1;
    struct scrape s = {.api = a, .view = snap->view};
    loop_stats(a->loop, &s.loop);
    getrusage(RUSAGE_SELF, &s.usage);
    struct vc_gpus *gpus = arena_calloc(look->arena, snap->view->vc_count + 1, sizeof *gpus);
    for (size_t i = 0; gpus && i < snap->view->vc_count; i++)
        gpus[i] = vc_gpus_of(snap->view, &snap->view->vcs[i]);
    write_nodes(x, snap->cluster);
    if (gpus)
        write_vcs(x, snap->view, gpus);
    int rc = gpu_figures_expose(x, a, look, snap->view, e);
    bool short_of = !gpus || write_tally(x, a->tally, look->arena);
    write_network(x, a->tally);
    write_server(x, &s);
    write_remote(x, a->remote);
    snapshots_put(a->snapshots, snap);
    if (!rc && (exposition_end(x) || short_of))
        rc = err_set(e, ERR_INTERNAL, "Out of memory.");
    return rc;
}

int api_metrics(struct request *r, void *context, struct err *e)
{
    const struct identity *who = request_identity(r);
    const struct metrics_look look = {.arena = request_arena(r), .reader = who->admin ? NULL : who->user};
    struct buf text;
    buf_init(&text, METRICS_MAX);
    struct exposition x = {.out = &text, .open = exposition_wants_open(request_header(r, "Accept"))};
    int rc = metrics_expose(&x, context, &look, e);
    if (!rc)
        reply_bytes(r, 200, x.open ? EXPOSITION_OPEN : EXPOSITION_TEXT, text.data, text.len);
    buf_fini(&text);
    return rc;
}
