/* SPDX-License-Identifier: MIT
 *
 * Passes: order, gangs, blocked groups, explanations; and random clusters and queues against a brute-force oracle.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "scheduler/pass.h"

enum { JOBS_MAX = 16, ROLES_MAX = 3, TASKS_MAX = 64, PORTS_MAX = 4 };

/* A made-up job. */
struct job {
    struct sched_role roles[ROLES_MAX];
    struct sched_request request;
    struct sched_entry entry;
    int nodes[TASKS_MAX]; /* where its tasks went, role by role */
    int ports[TASKS_MAX][PORTS_MAX];
    size_t tasks;
    bool placed;
};

struct world {
    struct cluster *cluster;
    struct sched_queue *queue;
    struct job jobs[JOBS_MAX];
    size_t jobs_count;
    struct job *order[JOBS_MAX]; /* in the order of their claims */
    size_t claims;
};

static void setup(struct world *w)
{
    memset(w, 0, sizeof *w);
    w->cluster = cluster_create();
    w->queue = queue_create();
    assert_true(w->cluster && w->queue);
}

static void teardown(struct world *w)
{
    queue_destroy(w->queue);
    cluster_destroy(w->cluster);
}

static int put_node(struct world *w, int cpus, int gpus, int ports)
{
    struct node n = {.cpus = cpus,
                     .memory_mb = 1000,
                     .gpu_count = gpus,
                     .port_first = 100,
                     .port_last = 100 + ports - 1,
                     .up = true};
    snprintf(n.name, sizeof n.name, "n%zu", cluster_count(w->cluster));
    return cluster_put_node(w->cluster, &n);
}

static struct job *add(struct world *w, int priority, size_t roles, const struct sched_role *r)
{
    struct job *j = &w->jobs[w->jobs_count++];
    memcpy(j->roles, r, roles * sizeof *r); /* cppcheck-suppress uninitvar ; callers set them by initialisers */
    j->request = (struct sched_request){.roles = j->roles, .role_count = roles, .priority = priority};
    j->entry = (struct sched_entry){.request = &j->request, .seq = (int64_t)w->jobs_count, .owner = j};
    assert_int_equal(queue_add(w->queue, &j->entry), 0);
    return j;
}

static struct job *add_one(struct world *w, int priority, int instances, int cpus, int gpus)
{
    return add(w, priority, 1,
               &(struct sched_role){.instances = instances, .ports = 1, .per_task = {.cpus = cpus, .gpus = gpus}});
}

static void on_claim(void *ctx, const struct sched_claim *claim)
{
    struct world *w = ctx;
    struct job *j = claim->entry->owner;
    size_t k = 0;
    assert_false(j->placed);
    assert_null(j->entry.group);
    j->placed = true;
    j->tasks = claim->spot_count;
    w->order[w->claims++] = j;
    for (size_t i = 0; i < j->request.role_count; i++)
        for (int n = 0; n < j->roles[i].instances; n++, k++) {
            j->nodes[k] = claim->spots[k].node;
            memcpy(j->ports[k], claim->spots[k].ports, (size_t)j->roles[i].ports * sizeof(int));
        }
    assert_int_equal(k, claim->spot_count);
}

static int pass(struct world *w)
{
    int n = pass_run(w->cluster, w->queue, on_claim, w);
    assert_true(cluster_check(w->cluster));
    return n;
}

static void end(struct world *w, struct job *j)
{
    size_t k = 0;
    for (size_t i = 0; i < j->request.role_count; i++)
        for (int n = 0; n < j->roles[i].instances; n++, k++)
            cluster_give(w->cluster, j->nodes[k], &j->roles[i].per_task, j->ports[k], j->roles[i].ports);
    j->placed = false;
}

/* ---- order ---- */

static void priority_then_submission(void **state)
{
    struct world w;
    (void)state;
    setup(&w);
    put_node(&w, 100, 0, 100);
    struct job *low = add_one(&w, 1, 1, 1, 0), *a = add_one(&w, 5, 1, 2, 0), *b = add_one(&w, 5, 1, 1, 0);
    struct job *c = add_one(&w, 5, 1, 2, 0), *high = add_one(&w, 9, 1, 1, 0);
    assert_int_equal(pass(&w), 5);
    struct job *const want[] = {high, a, b, c, low}; /* a and c are of one shape, b comes between */
    for (size_t i = 0; i < 5; i++)
        assert_ptr_equal(w.order[i], want[i]);
    assert_int_equal(queue_count(w.queue), 0);
    assert_int_equal(pass(&w), 0);
    teardown(&w);
}

static void one_that_does_not_fit_lets_others_pass(void **state)
{
    struct world w;
    (void)state;
    setup(&w);
    put_node(&w, 4, 0, 100);
    struct job *big = add_one(&w, 9, 1, 5, 0), *small = add_one(&w, 1, 1, 4, 0);
    assert_int_equal(pass(&w), 1);
    assert_true(small->placed && !big->placed);
    teardown(&w);
}

/* ---- gangs ---- */

static void a_gang_that_does_not_fit_leaves_nothing_taken(void **state)
{
    struct world w;
    (void)state;
    setup(&w);
    put_node(&w, 4, 0, 100);
    put_node(&w, 4, 0, 100);
    struct job *g = add_one(&w, 1, 3, 3, 0); /* 9 CPUs of 8: not even in total */
    struct job *h = add_one(&w, 1, 2, 3, 0), *k = add_one(&w, 1, 4, 2, 0);
    assert_int_equal(pass(&w), 1); /* h takes 3 of each; k finds none */
    assert_true(h->placed && !g->placed && !k->placed);
    assert_int_not_equal(h->nodes[0], h->nodes[1]);
    assert_int_equal(cluster_free(w.cluster).cpus, 2);
    end(&w, h);
    assert_int_equal(pass(&w), 1);
    assert_true(k->placed);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(cluster_at(w.cluster, i)->used.cpus, 4);
        assert_int_equal(cluster_at(w.cluster, i)->port_free, 98);
    }
    end(&w, k);
    assert_int_equal(cluster_free(w.cluster).cpus, 8);
    assert_int_equal(cluster_at(w.cluster, 0)->port_free, 100);
    teardown(&w);
}

/* Enough in total, but in pieces: what the first tasks took must come back, ports too. */
static void a_gang_is_rolled_back_when_a_later_task_finds_no_place(void **state)
{
    struct world w;
    (void)state;
    setup(&w);
    put_node(&w, 3, 0, 10);
    put_node(&w, 3, 0, 10);
    struct job *g = add_one(&w, 1, 3, 2, 0);
    uint64_t version = cluster_release_version(w.cluster);
    assert_int_equal(pass(&w), 0);
    assert_false(g->placed);
    assert_int_equal(cluster_free(w.cluster).cpus, 6);
    assert_int_equal(cluster_at(w.cluster, 0)->port_free + cluster_at(w.cluster, 1)->port_free, 20);
    assert_int_equal(queue_group(w.queue, 0)->blocked_at, cluster_release_version(w.cluster));
    (void)version;
    teardown(&w);
}

/* The roles as written would put the small task on the large node, for ever. */
static void large_tasks_of_a_gang_are_placed_first(void **state)
{
    struct world w;
    (void)state;
    setup(&w);
    int small = put_node(&w, 2, 0, 10), large = put_node(&w, 4, 0, 10); /* the large one is looked at first */
    struct job *g = add(&w, 1, 2,
                        (struct sched_role[]){{.instances = 1, .ports = 1, .per_task = {.cpus = 2}},
                                              {.instances = 1, .ports = 2, .per_task = {.cpus = 4}}});
    assert_int_equal(pass(&w), 1);
    assert_int_equal(g->nodes[0], small); /* spots in the order of the roles all the same */
    assert_int_equal(g->nodes[1], large);
    assert_in_range(g->ports[0][0], 100, 109);
    assert_int_not_equal(g->ports[1][0], g->ports[1][1]);
    end(&w, g);
    assert_int_equal(cluster_free(w.cluster).cpus, 6);
    assert_true(cluster_check(w.cluster));
    teardown(&w);
}

static void ports_run_out(void **state)
{
    struct world w;
    (void)state;
    setup(&w);
    put_node(&w, 8, 0, 3);
    struct job *a = add_one(&w, 1, 2, 1, 0), *b = add_one(&w, 1, 3, 1, 0), *c = add_one(&w, 1, 1, 1, 0);
    assert_int_equal(pass(&w), 2);
    assert_true(a->placed && c->placed && !b->placed);
    teardown(&w);
}

/* ---- blocked groups ---- */

static void a_blocked_group_is_tried_after_a_release_only(void **state)
{
    struct world w;
    (void)state;
    setup(&w);
    put_node(&w, 4, 0, 100);
    struct job *a = add_one(&w, 1, 1, 3, 0);
    assert_int_equal(pass(&w), 1);
    struct job *b = add_one(&w, 1, 1, 2, 0);
    assert_int_equal(pass(&w), 0);
    uint64_t blocked = queue_group(w.queue, 0)->blocked_at;
    assert_int_equal(blocked, cluster_release_version(w.cluster));
    struct job *d = add_one(&w, 9, 1, 1, 0); /* another shape fits; the first stays blocked */
    assert_int_equal(pass(&w), 1);
    assert_true(d->placed);
    assert_int_equal(queue_group(w.queue, 0)->blocked_at, blocked);
    end(&w, a);
    assert_int_not_equal(cluster_release_version(w.cluster), blocked);
    assert_int_equal(pass(&w), 1);
    assert_true(b->placed);
    teardown(&w);
}

/* ---- explanations ---- */

static enum sched_reason explain(struct world *w, const struct sched_role *r, const char *part)
{
    struct buf out;
    const struct sched_request q = {.roles = r, .role_count = 1};
    buf_init(&out, 4096);
    enum sched_reason reason = pass_explain(w->cluster, &q, &out);
    if (!strstr(buf_str(&out), part))
        fail_msg("\"%s\" does not say \"%s\"", buf_str(&out), part);
    buf_fini(&out);
    assert_true(cluster_check(w->cluster));
    return reason;
}

static void each_reason_is_explained(void **state)
{
    struct world w;
    (void)state;
    setup(&w);
    struct sched_role r = {.instances = 1, .per_task = {.cpus = 2, .gpus = 1}};
    assert_int_equal(explain(&w, &r, "No node is up"), SCHED_REASON_NO_NODE);
    put_node(&w, 3, 2, 10);
    put_node(&w, 3, 2, 10);
    assert_int_equal(explain(&w, &r, "next pass"), SCHED_REASON_FITS);
    r.per_task.gpus = 3;
    assert_int_equal(explain(&w, &r, "3 GPUs, 2 CPUs and 0 MiB"), SCHED_REASON_NEVER_NODE);
    r = (struct sched_role){.instances = 9, .per_task = {.cpus = 1}};
    assert_int_equal(explain(&w, &r, "9 CPUs and 0 MiB of memory, of 6 CPUs"), SCHED_REASON_NEVER_TOTAL);
    r = (struct sched_role){.instances = 3, .per_task = {.cpus = 2}};
    assert_int_equal(explain(&w, &r, "not together"), SCHED_REASON_FRAGMENTED);
    add_one(&w, 1, 1, 3, 0);
    assert_int_equal(pass(&w), 1);
    r = (struct sched_role){.instances = 2, .per_task = {.cpus = 2, .gpus = 1}};
    assert_int_equal(explain(&w, &r, "needs 2 GPUs, 4 CPUs"), SCHED_REASON_BUSY);
    assert_int_equal(cluster_free(w.cluster).cpus, 3); /* trying took nothing */
    teardown(&w);
}

/* ---- at random ---- */

static uint64_t next(uint64_t *s) /* splitmix64 (Steele, Lea, Flood 2014) */
{
    uint64_t z = (*s += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static int below(uint64_t *s, int n)
{
    return (int)(next(s) % (uint64_t)n);
}

/* What the oracle knows of a node. */
struct room {
    int64_t cpus, gpus;
    int ports;
};

static size_t rooms_of(const struct world *w, struct room *out)
{
    size_t n = cluster_count(w->cluster);
    for (size_t i = 0; i < n; i++) {
        const struct cluster_node *c = cluster_at(w->cluster, (int)i);
        out[i] = (struct room){
            .cpus = c->total.cpus - c->used.cpus, .gpus = c->total.gpus - c->used.gpus, .ports = c->port_free};
    }
    return n;
}

/* Whether tasks `k`.. of the gang fit, by trying every node for each. */
static bool oracle(struct room *rooms, size_t nodes, const struct sched_role *const *tasks, size_t k)
{
    if (!tasks[k])
        return true;
    for (size_t i = 0; i < nodes; i++) {
        struct room *m = &rooms[i], before = *m;
        m->cpus -= tasks[k]->per_task.cpus;
        m->gpus -= tasks[k]->per_task.gpus;
        m->ports -= tasks[k]->ports;
        bool fits = m->cpus >= 0 && m->gpus >= 0 && m->ports >= 0 && oracle(rooms, nodes, tasks, k + 1);
        *m = before;
        if (fits)
            return true;
    }
    return false;
}

static bool oracle_fits(const struct world *w, const struct job *j)
{
    const struct sched_role *tasks[TASKS_MAX] = {NULL};
    struct room rooms[8];
    size_t k = 0;
    for (size_t i = 0; i < j->request.role_count; i++)
        for (int n = 0; n < j->roles[i].instances; n++)
            tasks[k++] = &j->roles[i];
    return oracle(rooms, rooms_of(w, rooms), tasks, 0);
}

/* No node holds more than it has, and no port of a node is held twice: counted from the claims alone. */
static void recount(const struct world *w)
{
    struct room held[8] = {{0}};
    bool port[8][16] = {{false}};
    for (size_t i = 0; i < w->jobs_count; i++) {
        const struct job *j = &w->jobs[i];
        size_t k = 0;
        for (size_t r = 0; j->placed && r < j->request.role_count; r++)
            for (int n = 0; n < j->roles[r].instances; n++, k++) {
                int at = j->nodes[k];
                held[at].cpus += j->roles[r].per_task.cpus;
                held[at].gpus += j->roles[r].per_task.gpus;
                for (int p = 0; p < j->roles[r].ports; p++) {
                    assert_in_range(j->ports[k][p], 100, 115);
                    assert_false(port[at][j->ports[k][p] - 100]);
                    port[at][j->ports[k][p] - 100] = true;
                }
            }
    }
    for (size_t i = 0; i < cluster_count(w->cluster); i++) {
        const struct cluster_node *n = cluster_at(w->cluster, (int)i);
        assert_true(held[i].cpus <= n->total.cpus && held[i].gpus <= n->total.gpus);
        assert_int_equal(held[i].cpus, n->used.cpus);
        assert_int_equal(held[i].gpus, n->used.gpus);
    }
}

static void random_job(struct world *w, uint64_t *s)
{
    struct sched_role r[ROLES_MAX];
    size_t roles = below(s, 3) ? 1 : 2;
    for (size_t i = 0; i < roles; i++)
        r[i] = (struct sched_role){.instances = 1 + below(s, 3),
                                   .ports = below(s, 3),
                                   .per_task = {.cpus = 1 + below(s, 3), .gpus = below(s, 3)}};
    add(w, below(s, 3), roles, r);
}

static void one_seed(uint64_t seed)
{
    struct world w;
    uint64_t s = seed;
    setup(&w);
    for (int n = 1 + below(&s, 3); n > 0; n--)
        put_node(&w, 1 + below(&s, 5), below(&s, 4), 2 + below(&s, 10));
    for (int round = 0; round < 6; round++) {
        while (w.jobs_count < JOBS_MAX && below(&s, 3))
            random_job(&w, &s);
        w.claims = 0;
        pass(&w);
        recount(&w);
        /* What still waits does not fit. With tasks of one size the pass is exact; gangs of several sizes may be missed
         * (bin packing), never over-committed. */
        for (size_t i = 0; i < w.jobs_count; i++)
            if (w.jobs[i].entry.group && w.jobs[i].request.role_count == 1)
                assert_false(oracle_fits(&w, &w.jobs[i]));
        for (size_t i = 0; i < w.jobs_count; i++)
            if (w.jobs[i].placed && below(&s, 2))
                end(&w, &w.jobs[i]);
        assert_true(cluster_check(w.cluster));
    }
    teardown(&w);
}

static void random_passes_never_over_commit_and_miss_nothing(void **state)
{
    const char *one = getenv("DROVER_SEED");
    uint64_t first = one ? strtoull(one, NULL, 10) : 1, count = one ? 1 : 3000;
    (void)state;
    for (uint64_t seed = first; seed < first + count; seed++) {
        if (one)
            print_message("seed %llu\n", (unsigned long long)seed);
        one_seed(seed * 7919);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(priority_then_submission),
        cmocka_unit_test(one_that_does_not_fit_lets_others_pass),
        cmocka_unit_test(a_gang_that_does_not_fit_leaves_nothing_taken),
        cmocka_unit_test(a_gang_is_rolled_back_when_a_later_task_finds_no_place),
        cmocka_unit_test(large_tasks_of_a_gang_are_placed_first),
        cmocka_unit_test(ports_run_out),
        cmocka_unit_test(a_blocked_group_is_tried_after_a_release_only),
        cmocka_unit_test(each_reason_is_explained),
        cmocka_unit_test(random_passes_never_over_commit_and_miss_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
