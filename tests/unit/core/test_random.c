/* SPDX-License-Identifier: MIT
 *
 * Random histories: submissions, ends, failures, losses, refusals, stops, node loss and return, clock jumps. After each
 * event the core's account is recounted (I4, I5), no port is held twice on a node, and in the end everything drains and
 * the events alone tell the states, attempts and times that are stored (fold.h).
 * DROVER_SEEDS=N runs N seeds (a failing one is printed and runs alone with DROVER_SEED=S).
 */
#include <stdlib.h>

#include "tests/unit/core/harness.h"

#include "jobs/exits.h"
#include "tests/unit/core/fold.h"

#define NODES 4
#define EVENTS 400

struct rng {
    uint64_t s;
};

static uint64_t next(struct rng *r) /* splitmix64 (Steele, Lea, Flood 2014) */
{
    uint64_t z = (r->s += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static int below(struct rng *r, int n)
{
    return (int)(next(r) % (uint64_t)n);
}

static void do_submit(struct harness *h, struct rng *r)
{
    static const int priorities[] = {-1, 10, 100, 120};
    char name[32];
    snprintf(name, sizeof name, "j%d", below(r, 1000000));
    struct ask a = {.name = name,
                    .instances = 1 + below(r, 3),
                    .cpus = 1 + below(r, 3),
                    .gpus = below(r, 3),
                    .priority = priorities[below(r, 4)],
                    .retries = below(r, 3),
                    .role2_instances = below(r, 4) == 0 ? 1 + below(r, 2) : 0,
                    .task_retries = below(r, 2),
                    .min_failed = below(r, 3) == 0 ? -1 : 1,
                    .min_succeeded = below(r, 3) == 0 ? -1 : 0,
                    .no_gang = below(r, 3) == 0,
                    .vc = below(r, 3) == 0 ? "small" : NULL,
                    .preemption = (enum spec_preemption)below(r, 3),
                    .debug = {.on = (enum spec_debug_on)below(r, 3),
                              .hold = (enum spec_hold)(SPEC_HOLD_GPUS + below(r, 2)),
                              .minutes = below(r, 3)},
                    .time_limit_ms = below(r, 5) == 0 ? 5000 : 0};
    submit(h, &a);
}

static void do_engine(struct harness *h, struct rng *r)
{
    static const enum engine_event_kind kinds[] = {ENGINE_CONFIRMED, ENGINE_STARTED, ENGINE_STARTED, ENGINE_EXITED,
                                                   ENGINE_EXITED,    ENGINE_REFUSED, ENGINE_LOST};
    static const int codes[] = {0, 0, 1, 137, 253, 254, 7};
    if (!h->launches)
        return;
    size_t back = h->launches < 12 ? h->launches : 12; /* mostly the newest, some long gone */
    size_t n = below(r, 5) ? h->launches - 1 - (size_t)below(r, (int)back) : (size_t)below(r, (int)h->launches);
    enum engine_event_kind kind = kinds[below(r, 7)];
    int code = codes[below(r, 7)];
    if (kind == ENGINE_EXITED && code && below(r, 2))
        hold_failed(h, n, code);
    else
        engine(h, n, kind, code);
}

/* One of the newest runs, and fails by itself: of random events alone too few do. */
static void do_failure(struct harness *h, struct rng *r)
{
    if (!h->launches)
        return;
    size_t back = h->launches < 12 ? h->launches : 12, n = h->launches - 1 - (size_t)below(r, (int)back);
    run(h, n);
    hold_failed(h, n, 1);
}

/* Of the newest, whatever has become of it. */
static void do_lease(struct harness *h, struct rng *r)
{
    struct command_target target = {.exists = true, .user = "ana", .vc = VC_DEFAULT};
    memcpy(target.id, h->lease.job_id, ID_SIZE);
    struct command cmd = {.kind = COMMAND_LEASE,
                          .actor = {.user = "ana", .admin = below(r, 2) != 0},
                          .lease = {.full_name = "ana~one-that-has-ended",
                                    .release = below(r, 2) != 0,
                                    .minutes = 1 + below(r, 300),
                                    .target = target}};
    if (h->lease_rows)
        step(h, &cmd);
}

static void do_stop(struct harness *h, struct rng *r)
{
    char name[32];
    snprintf(name, sizeof name, "ana~j%d", below(r, 1000000));
    stop(h, name, "ana", false);
}

static void do_node(struct harness *h, struct rng *r)
{
    char name[16];
    snprintf(name, sizeof name, "n%d", below(r, NODES));
    struct engine_event ev = {.kind = ENGINE_NODE};
    struct command cmd = {.kind = COMMAND_ENGINE, .engine = &ev};
    struct node *n = &ev.node;
    snprintf(n->name, sizeof n->name, "%s", name);
    n->cpus = 4;
    n->memory_mb = 4096;
    n->gpu_count = 2 + below(r, 3);
    n->port_first = 20000;
    n->port_last = 20063;
    n->up = below(r, 4) != 0;
    step(h, &cmd);
}

/* A virtual cluster whose promise comes and goes, beside default. */
static void put_vc(struct harness *h, const struct vc *vc)
{
    step(h, &(struct command){.kind = COMMAND_VC, .vc = {.op = COMMAND_VC_PUT, .name = vc->name, .vc = vc}});
}

static void do_vc(struct harness *h, struct rng *r)
{
    static const struct vc generous = {.name = VC_DEFAULT, .debug = {.per_user = 6}};
    put_vc(h, &generous);
    struct vc vc = {.name = "small", .borrow = below(r, 3), .user_cap = below(r, 4), .lazy = below(r, 2)};
    vc.debug = (struct vc_debug){.allow = (enum vc_debug_switch)below(r, 3), .per_user = 5, .kept = below(r, 2)};
    vc.guarantee[0] = (struct vc_guarantee){.sku = "gpu", .gpus = below(r, 4), .nodes = below(r, 2)};
    vc.guarantee_count = 1;
    put_vc(h, &vc);
}

/* Everything that was launched ends; with all nodes back, all that can run does, and nothing is left taken. */
static void drain(struct harness *h)
{
    for (int i = 0; i < NODES; i++) {
        char name[16];
        snprintf(name, sizeof name, "n%d", i);
        add_node(h, name, 64, 16);
    }
    static const struct vc enough = {.name = "small", .guarantee = {{.sku = "gpu", .gpus = 32}}, .guarantee_count = 1};
    put_vc(h, &enough);
    for (int round = 0; round < 40; round++) {
        for (size_t i = 0; i < h->launches; i++) /* an end may launch more */
            engine(h, i, ENGINE_EXITED, 0);
        tick(h, 1000000);
    }
    assert_int_equal(core_live_jobs(h->core), 0);
    assert_int_equal(core_live_leases(h->core), 0);
    for (int i = 0; i < NODES; i++) {
        const struct cluster_node *n = cluster_at(core_cluster(h->core), i);
        assert_int_equal(n->used.cpus, 0);
        assert_int_equal(n->used.gpus, 0);
    }
}

/* How many jobs there were; adds the rows of leases. */
static size_t one_seed(uint64_t seed, size_t *leases)
{
    struct harness *h = calloc(1, sizeof *h);
    struct rng r = {seed};
    struct fold *fold = fold_create();
    setup_core(h);
    h->watch = fold_take;
    h->watch_ctx = fold;
    do_vc(h, &r);
    for (int i = 0; i < NODES; i++)
        do_node(h, &r);
    for (int i = 0; i < EVENTS && h->launches < MAX_ORDERS - 200; i++) {
        int what = below(&r, 20);
        if (h->stops > MAX_ORDERS / 2)
            h->stops = 0;
        h->trace[0] = '\0';
        if (what < 5)
            do_submit(h, &r);
        else if (what < 15)
            do_engine(h, &r);
        else if (what < 16)
            do_failure(h, &r);
        else if (what < 17)
            below(&r, 2) ? do_stop(h, &r) : do_lease(h, &r);
        else if (what < 18)
            below(&r, 3) ? do_node(h, &r) : do_vc(h, &r);
        else
            tick(h, below(&r, 20000));
        h->stops = 0;
    }
    h->trace[0] = '\0';
    drain(h);
    size_t jobs = fold_compare(fold);
    *leases += h->lease_rows;
    fold_destroy(fold);
    teardown_core(h);
    free(h);
    return jobs;
}

static void random_histories(void **state)
{
    (void)state;
    const char *one = getenv("DROVER_SEED"), *many = getenv("DROVER_SEEDS");
    uint64_t first = one ? strtoull(one, NULL, 10) : 1, count = one    ? 1
                                                                : many ? strtoull(many, NULL, 10)
                                                                       : 50 / TEST_TIME_SCALE;
    size_t jobs = 0, leases = 0;
    for (uint64_t seed = first; seed < first + count; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        jobs += one_seed(seed, &leases);
    }
    print_message("the events of %zu jobs and %zu changes of leases were folded\n", jobs, leases);
    if (!one && !many)
        assert_true(jobs >= 1000 / TEST_TIME_SCALE && leases >= 100 / TEST_TIME_SCALE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_histories)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
