/* SPDX-License-Identifier: MIT
 *
 * A thousand random histories of jobs, from raw samples: what reports say, and what is kept with each job, equals a
 * recount that adds up the samples themselves. A new seed each time; DROVER_TEST_SEED repeats one.
 */
#include "metrics/report.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "base/buf.h"
#include "inventory/node_store.h"
#include "metrics/gpu_use_store.h"
#include "metrics/report_figures.h"
#include "metrics/report_store.h"
#include "metrics/series_store.h"
#include "metrics/source.h"
#include "tests/unit/store/fixture.h"

#define BEGIN INT64_C(1700000000000)
#define HOUR INT64_C(3600000)
#define MIB (INT64_C(1) << 20)

enum { JOBS = 1000, USERS = 7, SAMPLES_MAX = 80, NAME = 48 };

static uint64_t state;

static int64_t draw(int64_t below)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((state >> 33) % (uint64_t)below);
}

static uint64_t seed(void)
{
    const char *given = getenv("DROVER_TEST_SEED");
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return given ? strtoull(given, NULL, 10) : (uint64_t)now.tv_sec * 1000003u + (uint64_t)now.tv_nsec;
}

/* A raw sample: it stands for so long; -1 = that is not known. */
struct raw {
    int64_t ms, busy, memory, power;
};

/* What a recount comes to. */
struct recount {
    double sampled, idle, busy, kept_sampled, kept_busy, memory_ms, memory, energy, held, succeeded, lost;
};

static void add_raw(struct recount *c, const struct raw *s, bool kept)
{
    if (s->busy >= 0) {
        c->sampled += (double)s->ms;
        c->idle += s->busy == 0 ? (double)s->ms : 0;
        c->busy += (double)(s->ms * s->busy) / 100;
        c->kept_sampled += kept ? (double)s->ms : 0;
        c->kept_busy += kept ? (double)(s->ms * s->busy) / 100 : 0;
    }
    if (s->memory >= 0) {
        c->memory_ms += (double)s->ms;
        c->memory += (double)(s->memory * s->ms);
    }
    if (s->power >= 0)
        c->energy += (double)(s->power * s->ms) / 1e6;
}

/* The least value such that so many percent of the time are at or below it, the plain way. */
static int quantile(const struct raw *s, int count, int percent)
{
    int64_t all = 0;

    for (int i = 0; i < count; i++)
        all += s[i].busy >= 0 ? s[i].ms : 0;
    for (int value = 0; value <= 100; value++) {
        int64_t below = 0;

        for (int i = 0; i < count; i++)
            below += s[i].busy >= 0 && s[i].busy <= value ? s[i].ms : 0;
        if (below * 100 >= all * percent)
            return value;
    }
    return 100;
}

/* Texts first, NULL-terminated, then `m` numbers. */
static void run(struct store *s, const struct store_sql *sql, const char *const *texts, const int64_t *numbers, int m)
{
    struct err e = {0};
    struct stmt *st = store_stmt(s, sql, &e);
    int pos = 0;

    while (*texts)
        stmt_text(st, ++pos, *texts++);
    for (int i = 0; i < m; i++)
        stmt_int(st, ++pos, numbers[i]);
    if (stmt_exec(st, &e))
        fail_msg("%s", e.text);
}

/* A history: a job of one attempt, and its tasks. */
static const struct store_sql put_job = {"INSERT INTO job(id, user, name, vc, state, submitted_ms, created_ms, "
                                         "completed_ms) VALUES(?1, ?2, ?3, 'vision', ?4, ?5,"
                                         " ?5, ?6)"};
static const struct store_sql put_attempt = {"INSERT INTO job_attempt(job_id, attempt, state, created_ms, "
                                             "completed_ms, exit_code) VALUES(?1, 0, ?2, ?3, ?4, ?5)"};
static const struct store_sql put_task = {
    "INSERT INTO task_attempt(id, job_id, job_attempt, role, task_index, attempt, state, node, gpus, created_ms,"
    " completed_ms, exit_code) VALUES(?1, ?2, 0, 'main', ?4, 0, ?5, 'n1', ?3, ?6, ?7, ?8)"};

struct task {
    const char *job;
    char id[NAME];
    int64_t begin, end, gpus;
    bool well;
};

/* Random samples of one of its GPUs, through the product and into the recount. */
static void use_gpu(struct fixture *f, const struct task *t, int gpu, struct recount *of_user)
{
    struct raw raw[SAMPLES_MAX];
    struct gpu_use use = {.gpu = gpu, .uuid = "GPU-x"};
    int64_t at = t->begin;
    struct buf none;
    int count = 0;

    (void)snprintf(use.attempt_id, sizeof(use.attempt_id), "%s", t->id);
    while (count < SAMPLES_MAX) {
        const int64_t ms = 1000 + draw(600000);
        struct raw *r = &raw[count];
        struct source_sample s = {0};

        at += ms + (draw(20) ? 0 : draw(HOUR)); /* now and then nobody looked */
        if (at >= t->end)
            break;
        *r = (struct raw){ms, draw(10) ? (draw(3) ? draw(101) : 0) : -1, draw(10) ? draw(80000) : -1,
                          draw(10) ? draw(700000) : -1};
        s.wall_ms = at;
        if (r->busy >= 0)
            source_set(&s, SOURCE_BUSY, r->busy);
        if (r->memory >= 0)
            source_set(&s, SOURCE_MEMORY_USED, r->memory * MIB);
        if (r->power >= 0)
            source_set(&s, SOURCE_POWER, r->power);
        gpu_use_add(&use, &s, ms);
        add_raw(of_user, r, t->well);
        count++;
    }
    buf_init(&none, 0);
    if (gpu_use_store_put(f->writer, &use, &none, true, &f->e))
        fail_msg("%s", f->e.text);
    buf_fini(&none);
}

/* ---- each job's record ---- */

struct record {
    struct recount total;
    int rows, p50, p95, max;
    double mean;
};

static int take_record(void *ctx, const struct gpu_use_row *row)
{
    struct record *r = ctx;

    r->rows++;
    r->total.sampled += (double)row->sum.sampled_ms;
    r->total.idle += (double)row->sum.idle_ms;
    r->total.busy += (double)row->sum.sampled_ms * row->sum.mean / 100;
    r->total.energy += (double)row->sum.energy_uj / 1e6;
    r->p50 = row->sum.p50;
    r->p95 = row->sum.p95;
    r->max = row->sum.max;
    return 0;
}

static void held_to(double told, double counted, const char *what, uint64_t from)
{
    if (fabs(told - counted) > 1e-6 * (1 + fabs(counted)))
        fail_msg("%s: told %f, counted %f; seed %llu", what, told, counted, (unsigned long long)from);
}

static void one_history(struct fixture *f, int number, struct recount *of_user, const char *user, uint64_t from)
{
    static const int64_t ends[][2] = {{32, 0}, {64, 1}, {128, -210}};
    const int64_t *how = ends[draw(3)];
    const int64_t begin = BEGIN + draw(90 * 24) * HOUR + draw(HOUR), end = begin + 60000 + draw(30 * HOUR);
    char job[NAME], name[NAME];
    struct recount before = *of_user, mine;
    struct record kept = {0};

    (void)snprintf(job, sizeof(job), "job-%d", number);
    (void)snprintf(name, sizeof(name), "h%d", number);
    run(f->writer, &put_job, (const char *[]){job, user, name, NULL}, (int64_t[]){how[0], begin, end}, 3);
    run(f->writer, &put_attempt, (const char *[]){job, NULL}, (int64_t[]){how[0], begin, end, how[1]}, 4);
    for (int i = 0, tasks = 1 + (int)draw(3); i < tasks; i++) {
        struct task t = {.job = job, .begin = begin + draw(30000), .end = end, .gpus = draw(4), .well = how[0] == 32};
        char list[64] = "[";

        (void)snprintf(t.id, sizeof(t.id), "task-%d-%d", number, i);
        for (int g = 0; g < t.gpus; g++)
            (void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%d", g ? "," : "", g);
        (void)snprintf(list + strlen(list), sizeof(list) - strlen(list), "]");
        run(f->writer, &put_task, (const char *[]){t.id, job, list, NULL},
            (int64_t[]){i, how[0], t.begin, t.end, how[1]}, 5);
        of_user->held += (double)(t.gpus * (t.end - t.begin));
        of_user->succeeded += t.well ? (double)(t.gpus * (t.end - t.begin)) : 0;
        of_user->lost += how[0] == 64 ? (double)(t.gpus * (t.end - t.begin)) : 0;
        for (int g = 0; g < t.gpus; g++)
            use_gpu(f, &t, g, of_user);
    }
    mine = *of_user;
    assert_int_equal(gpu_use_store_of_job(f->writer, job, take_record, &kept, &f->e), 0);
    held_to(kept.total.sampled, mine.sampled - before.sampled, "a job's sampled time", from);
    held_to(kept.total.idle, mine.idle - before.idle, "a job's idle time", from);
    held_to(kept.total.busy, mine.busy - before.busy, "a job's busy time", from);
    held_to(kept.total.energy, mine.energy - before.energy, "a job's energy", from);
}

static const struct report_row *row_of(struct report *r, const char *user)
{
    size_t count;
    const struct report_row *const *rows = report_rows(r, &count);

    for (size_t i = 0; i < count; i++)
        if (!strcmp(rows[i]->key[REPORT_USER], user))
            return rows[i];
    return NULL;
}

static void user_held_to(const struct report_row *row, const struct recount *c, uint64_t from)
{
    held_to(report_figure(row, REPORT_FIGURE_ALL), c->held / 3.6e6, "GPU hours", from);
    held_to(report_figure(row, REPORT_FIGURE_WASTED), c->lost / 3.6e6, "wasted", from);
    held_to(row->sampled_ms, c->sampled, "sampled", from);
    held_to(row->idle_ms, c->idle, "idle", from);
    held_to(row->busy_ms, c->busy, "busy", from);
    held_to(report_figure(row, REPORT_FIGURE_UTILIZATION), 100 * c->busy / c->sampled, "utilisation", from);
    held_to(report_figure(row, REPORT_FIGURE_MEMORY), c->memory / c->memory_ms / 1024, "memory", from);
    held_to(report_figure(row, REPORT_FIGURE_ENERGY), c->energy / 3.6e6, "energy", from);
    held_to(report_figure(row, REPORT_FIGURE_GOODPUT), 100 * c->succeeded / c->held * c->kept_busy / c->kept_sampled,
            "goodput", from);
}

static void a_thousand_histories_are_recounted(void **ctx)
{
    struct fixture *f = *ctx;
    const struct report_range range = {
        .from_ms = BEGIN, .to_ms = BEGIN + 100 * 24 * HOUR, .now_ms = BEGIN + 100 * 24 * HOUR, .by = 1u << REPORT_USER};
    const struct report_whose whose = {0};
    const uint64_t from = seed();
    struct recount users[USERS] = {0};
    char name[NAME];

    state = from;
    print_message("seed %llu\n", (unsigned long long)from);
    assert_int_equal(store_begin(f->writer, &f->e), 0);
    for (int i = 0; i < JOBS; i++) {
        const int user = (int)draw(USERS);

        (void)snprintf(name, sizeof(name), "user%d", user);
        one_history(f, i, &users[user], name, from);
    }
    assert_int_equal(store_commit(f->writer, &f->e), 0);
    struct report *r = report_create(&range, &f->e);
    assert_non_null(r);
    if (report_store_read(f->writer, &range, &whose, r, &f->e))
        fail_msg("%s", f->e.text);
    for (int user = 0; user < USERS; user++) {
        (void)snprintf(name, sizeof(name), "user%d", user);
        assert_non_null(row_of(r, name));
        user_held_to(row_of(r, name), &users[user], from);
    }
    report_destroy(r);
}

static void quantiles_are_recounted(void **ctx)
{
    const uint64_t from = seed();

    (void)ctx;
    state = from;
    for (int n = 0; n < JOBS; n++) {
        struct raw raw[SAMPLES_MAX];
        struct gpu_use use = {0};
        const int count = 1 + (int)draw(SAMPLES_MAX - 1);
        int max = 0;

        for (int i = 0; i < count; i++) {
            struct source_sample s = {.wall_ms = BEGIN + i};

            raw[i] = (struct raw){1 + draw(100000), draw(101), -1, -1};
            max = raw[i].busy > max ? (int)raw[i].busy : max;
            source_set(&s, SOURCE_BUSY, raw[i].busy);
            gpu_use_add(&use, &s, raw[i].ms);
        }
        const struct gpu_use_sum sum = gpu_use_sum(&use);
        if (sum.p50 != quantile(raw, count, 50) || sum.p95 != quantile(raw, count, 95) || sum.max != max)
            fail_msg("p50 %d, p95 %d, max %d; seed %llu", sum.p50, sum.p95, sum.max, (unsigned long long)from);
    }
}

/* ---- reservations ---- */

static const struct store_sql put_lease = {
    "INSERT INTO lease(id, job_id, job_attempt, role, task_index, task_attempt, owner, vc, node, gpus, hold, cpus,"
    " memory_mb, gpu_count, priority, nonce, state, created_ms, expires_ms, ended_ms, ended_by, collected)"
    " VALUES('l', 'j', 0, 'main', 0, 0, 'ana', 'vision', 'n1', '[0,1]', 'gpus', 1, 1, 2, -1, '', 'ENDED', ?1, ?2, ?2,"
    " 'expiry', '{}')"};

/* A GPU's samples, one each 20 s: busy in the first half hour and idle then. */
static void put_series(struct fixture *f, const char *uuid, int64_t begin, int64_t end)
{
    for (int64_t at = begin; at < end; at += 30 * 60000) {
        struct source_sample samples[90] = {0};
        struct series_batch b;

        for (int i = 0; i < 90; i++) {
            samples[i].wall_ms = at + i * 20000;
            source_set(&samples[i], SOURCE_BUSY, at == begin ? 50 : 0);
        }
        assert_int_equal(series_batch_init(&b, uuid, samples, 90), 0);
        assert_int_equal(series_store_add(f->writer, &b, &f->e), 0);
        series_batch_fini(&b);
    }
}

static void what_is_reserved_and_not_used_is_wasted(void **ctx)
{
    struct fixture *f = *ctx;
    const int64_t begin = BEGIN / HOUR * HOUR, end = begin + 2 * HOUR;
    const struct report_range range = {
        .from_ms = begin, .to_ms = end - 10 * 60000, .now_ms = end, .by = 1u << REPORT_MODEL};
    const struct report_whose whose = {0};
    struct node *n = calloc(1, sizeof *n);
    size_t count;

    assert_non_null(n);
    (void)snprintf(n->name, sizeof(n->name), "n1");
    n->gpu_count = 2;
    for (int i = 0; i < 2; i++) {
        (void)snprintf(n->gpus[i].uuid, sizeof(n->gpus[i].uuid), "GPU-%d", i);
        (void)snprintf(n->gpus[i].model, sizeof(n->gpus[i].model), "NVIDIA H100");
    }
    assert_int_equal(store_begin(f->writer, &f->e), 0);
    assert_int_equal(node_store_put(f->writer, n, BEGIN, &f->e), 0);
    free(n);
    run(f->writer, &put_job, (const char *[]){"j", "ana", "j", NULL}, (int64_t[]){64, begin - HOUR, begin}, 3);
    run(f->writer, &put_lease, (const char *[]){NULL}, (int64_t[]){begin, end}, 2);
    put_series(f, "GPU-0", begin, end); /* of the other nothing is known */
    assert_int_equal(store_commit(f->writer, &f->e), 0);
    struct report *r = report_create(&range, &f->e);
    assert_non_null(r);
    if (report_store_read(f->writer, &range, &whose, r, &f->e))
        fail_msg("%s", f->e.text);
    const struct report_row *const *rows = report_rows(r, &count);
    assert_string_equal(rows[count - 1]->key[REPORT_MODEL], "nvidia-h100");
    assert_int_equal(rows[count - 1]->gpu_ms[REPORT_RESERVED], 2 * 110 * 60000);
    assert_int_equal(rows[count - 1]->unused_ms, 80 * 60000); /* without the busy half hour, up to the range's end */
    held_to(report_figure(report_total(r), REPORT_FIGURE_WASTED), 80.0 / 60, "wasted", 0);
    report_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_thousand_histories_are_recounted, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(quantiles_are_recounted, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(what_is_reserved_and_not_used_is_wasted, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests_name("report_recount", tests, NULL, NULL);
}
