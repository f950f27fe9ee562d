/* SPDX-License-Identifier: MIT
 *
 * The core's thread with a real database and an engine played by the test: commit before act, act before answer, what
 * happens when the commit fails, and what a restart finds.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/keys.h"
#include "base/arena.h"
#include "base/err.h"
#include "core/effect.h"
#include "engines/engine.h"
#include "jobs/jobs_store.h"
#include "scheduler/cluster.h"
#include "server/loop.h"
#include "server/mailbox.h"
#include "server/snapshot.h"
#include "store/store.h"

enum { WAIT_S = 120, ORDERS_MAX = 64 };

static const char yaml[] = "protocolVersion: 2\nname: %s\ntype: job\n"
                           "prerequisites: [{type: dockerimage, name: image, uri: none}]\n"
                           "taskRoles: {main: {instances: 2, dockerImage: image, commands: [\"true\"],\n"
                           "  resourcePerInstance: {cpu: 1, memoryMB: 10, gpu: 1}}}\n";

/* The engine that the test plays: it only takes notes. */
struct fake {
    struct engine engine; /* the first member */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    engine_sink_fn *sink;
    void *ctx;
    const char *db;
    struct engine_order *orders[ORDERS_MAX];
    size_t count;
    bool row_was_there; /* at each LAUNCH, the attempt's row was on disk */
};

struct fixture {
    char dir[64], db[96];
    struct fake fake;
    struct store *store;
    struct mailbox *mailbox;
    struct snapshots *snapshots;
    struct keys keys;
    struct loop *loop;
};

static struct timespec deadline(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += WAIT_S;
    return t;
}

static int64_t count_rows(const char *db, const struct store_sql *sql, const char *arg)
{
    struct err e = {0};
    struct store *s = store_open(db, STORE_READER, &e);
    assert_non_null(s);
    struct stmt *st = store_stmt(s, sql, &e);
    stmt_text(st, 1, arg);
    assert_int_equal(stmt_step(st, &e), STMT_ROW);
    int64_t n = stmt_col_int(st, 0);
    stmt_reset(st);
    store_close(s);
    return n;
}

static int64_t attempt_rows(const char *db, const char *id)
{
    static const struct store_sql sql = {"SELECT count(*) FROM task_attempt WHERE id = ?"};
    return count_rows(db, &sql, id);
}

static int64_t job_rows(const char *db, const char *name)
{
    static const struct store_sql sql = {"SELECT count(*) FROM job WHERE name = ?"};
    return count_rows(db, &sql, name);
}

static int fake_start(struct engine *en, engine_sink_fn *sink, void *ctx, struct err *e)
{
    struct fake *f = (struct fake *)en;
    (void)e;
    f->sink = sink;
    f->ctx = ctx;
    struct engine_event node = {.kind = ENGINE_NODE};
    node.node = (struct node){.name = "n1",
                              .cpus = 4,
                              .memory_mb = 1000,
                              .port_first = 20000,
                              .port_last = 20099,
                              .gpu_count = 4,
                              .up = true};
    sink(ctx, &node);
    sink(ctx, &(struct engine_event){.kind = ENGINE_READY});
    return 0;
}

static void fake_order(struct engine *en, struct engine_order *o)
{
    struct fake *f = (struct fake *)en;
    bool there = o->kind != ENGINE_LAUNCH || attempt_rows(f->db, o->attempt_id) == 1;
    pthread_mutex_lock(&f->lock);
    f->row_was_there = f->row_was_there && there;
    assert_true(f->count < ORDERS_MAX);
    f->orders[f->count++] = o;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

static void fake_stop(struct engine *en)
{
    (void)en;
}

static const struct engine_ops fake_ops = {
    .name = "fake", .start = fake_start, .order = fake_order, .stop = fake_stop, .destroy = fake_stop};

/* Waits until there are `n` orders. */
static void wait_orders(struct fixture *x, size_t n)
{
    struct timespec until = deadline();
    pthread_mutex_lock(&x->fake.lock);
    while (x->fake.count < n)
        assert_int_equal(pthread_cond_timedwait(&x->fake.changed, &x->fake.lock, &until), 0);
    pthread_mutex_unlock(&x->fake.lock);
}

static void say(struct fixture *x, size_t order, enum engine_event_kind kind, int code)
{
    struct engine_event ev = {.kind = kind, .exit_code = code, .gpu_count = 1, .gpus = {(int)order}};
    memcpy(ev.attempt_id, x->fake.orders[order]->attempt_id, ID_SIZE);
    memcpy(ev.nonce, x->fake.orders[order]->nonce, sizeof ev.nonce);
    x->fake.sink(x->fake.ctx, &ev);
}

static void no_return(void *ctx, const struct err *e)
{
    (void)ctx;
    fprintf(stderr, "fsync failed: %s\n", e->text);
    abort();
}

static void start_loop(struct fixture *x)
{
    struct err e = {0};
    x->store = store_open(x->db, STORE_WRITER, &e);
    assert_non_null(x->store);
    x->mailbox = mailbox_create(100);
    x->snapshots = snapshots_create();
    struct loop_config c = {.store = x->store,
                            .engine = &x->fake.engine,
                            .mailbox = x->mailbox,
                            .snapshots = x->snapshots,
                            .keys = &x->keys,
                            .image_on_host = true,
                            .fsync_failed = no_return};
    x->loop = loop_create(&c, &e);
    if (!x->loop)
        fail_msg("%s", e.text);
}

static void stop_loop(struct fixture *x)
{
    loop_destroy(x->loop);
    mailbox_destroy(x->mailbox);
    snapshots_destroy(x->snapshots);
    store_close(x->store);
}

static void forget_orders(struct fixture *x)
{
    for (size_t i = 0; i < x->fake.count; i++)
        engine_order_destroy(x->fake.orders[i]);
    x->fake.count = 0;
}

static int setup(void **state)
{
    struct fixture *x = calloc(1, sizeof *x);
    snprintf(x->dir, sizeof x->dir, "/tmp/drover-loop-XXXXXX");
    if (!mkdtemp(x->dir))
        return -1;
    snprintf(x->db, sizeof x->db, "%s/drover.db", x->dir);
    x->fake.engine.ops = &fake_ops;
    x->fake.db = x->db;
    x->fake.row_was_there = true;
    pthread_mutex_init(&x->fake.lock, NULL);
    pthread_cond_init(&x->fake.changed, NULL);
    start_loop(x);
    *state = x;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *x = *state;
    char path[128];
    static const char *const files[] = {"drover.db", "drover.db-wal", "drover.db-shm"};
    stop_loop(x);
    forget_orders(x);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", x->dir, files[i]);
        unlink(path);
    }
    rmdir(x->dir);
    free(x);
    return 0;
}

/* ---- commands that wait for their answer ---- */

struct asked {
    struct mail mail; /* the first member */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool answered;
    bool row_was_there; /* when the answer came */
    struct err err;
    const char *db, *name;
};

static void answered(struct mail *m, const struct effect_reply *reply)
{
    struct asked *a = (struct asked *)m;
    bool there = a->name && job_rows(a->db, a->name) == 1;
    pthread_mutex_lock(&a->lock);
    a->err = reply->err;
    a->row_was_there = there;
    a->answered = true;
    pthread_cond_signal(&a->changed);
    pthread_mutex_unlock(&a->lock);
}

static void ask(struct fixture *x, struct asked *a)
{
    struct err e = {0};
    struct timespec until = deadline();
    a->mail.done = answered;
    a->mail.cmd.reply_to = &a->mail;
    a->db = x->db;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->changed, NULL);
    assert_int_equal(mailbox_post(x->mailbox, &a->mail, &e), 0);
    pthread_mutex_lock(&a->lock);
    while (!a->answered)
        assert_int_equal(pthread_cond_timedwait(&a->changed, &a->lock, &until), 0);
    pthread_mutex_unlock(&a->lock);
    pthread_cond_destroy(&a->changed);
    pthread_mutex_destroy(&a->lock);
}

static struct asked submit(struct fixture *x, const char *name)
{
    char text[1024], id[ID_SIZE];
    struct err e = {0};
    struct arena *arena = arena_create(0);
    size_t n = (size_t)snprintf(text, sizeof text, yaml, name);
    struct spec *spec = spec_parse(arena, text, n, &e);
    if (!spec)
        fail_msg("%s", e.text);
    id_make(1, id);
    struct asked a = {.name = name, .mail.cmd = {.kind = COMMAND_SUBMIT, .actor.user = "ana"}};
    a.mail.cmd.submit.job = job_create(spec, "ana", id);
    arena_destroy(arena);
    a.mail.cmd.submit.config = text;
    a.mail.cmd.submit.config_len = n;
    ask(x, &a);
    job_destroy(a.mail.cmd.submit.job);
    return a;
}

/* ---- the tests ---- */

static void rows_come_before_orders_and_answers(void **state)
{
    struct fixture *x = *state;
    struct asked a = submit(x, "one");
    assert_int_equal(a.err.code, ERR_NONE);
    assert_true(a.row_was_there);
    wait_orders(x, 2);
    assert_true(x->fake.row_was_there);
    assert_int_equal(x->fake.orders[0]->kind, ENGINE_LAUNCH);
    assert_string_equal(x->fake.orders[0]->launch->full_name, "ana~one");
    assert_int_equal(x->fake.orders[0]->launch->gpu_count, 1);
    assert_true(x->fake.orders[0]->launch->image_on_host);
}

static void the_same_name_is_refused_also_after_the_job_ended(void **state)
{
    struct fixture *x = *state;
    submit(x, "one");
    assert_int_equal(submit(x, "one").err.code, ERR_CONFLICT_JOB);
    wait_orders(x, 2);
    for (size_t i = 0; i < 2; i++)
        say(x, i, ENGINE_EXITED, 0);
    wait_orders(x, 4); /* two FORGETs: the end is on disk */
    assert_int_equal(x->fake.orders[3]->kind, ENGINE_FORGET);
    assert_int_equal(submit(x, "one").err.code, ERR_CONFLICT_JOB);
}

static void a_restart_adopts_what_was_placed(void **state)
{
    struct fixture *x = *state;
    char ids[2][ID_SIZE];
    int port;
    submit(x, "one");
    wait_orders(x, 2);
    for (size_t i = 0; i < 2; i++) {
        memcpy(ids[i], x->fake.orders[i]->attempt_id, ID_SIZE);
        say(x, i, ENGINE_CONFIRMED, 0);
        say(x, i, ENGINE_STARTED, 0);
    }
    port = x->fake.orders[1]->launch->ports[0];
    stop_loop(x);
    forget_orders(x);
    start_loop(x);
    wait_orders(x, 2);
    assert_int_equal(x->fake.orders[0]->kind, ENGINE_ADOPT);
    assert_string_equal(x->fake.orders[0]->attempt_id, ids[0]);
    assert_string_equal(x->fake.orders[1]->attempt_id, ids[1]);
    assert_int_equal(x->fake.orders[1]->launch->ports[0], port);
    assert_int_equal(x->fake.orders[1]->launch->gpus[0], 1);
    for (size_t i = 0; i < 2; i++)
        say(x, i, ENGINE_EXITED, 0);
    wait_orders(x, 4);
    static const struct store_sql sql = {"SELECT state FROM job WHERE name = ?"};
    assert_int_equal(count_rows(x->db, &sql, "one"), STATE_SUCCEEDED);
}

/* Another connection holds the write lock: the commit fails, nothing was done, and afterwards all is as before. */
static void a_failed_commit_changes_nothing_and_heals(void **state)
{
    struct fixture *x = *state;
    struct err e = {0};
    struct loop_stats stats;
    submit(x, "before");
    wait_orders(x, 2);
    struct store *other = store_open(x->db, STORE_WRITER, &e);
    assert_non_null(other);
    assert_int_equal(store_begin(other, &e), 0);
    struct asked a = submit(x, "during");
    assert_int_equal(a.err.code, ERR_BUSY);
    store_rollback(other);
    store_close(other);
    loop_stats(x->loop, &stats);
    assert_true(stats.commit_failures >= 1);
    assert_int_equal(job_rows(x->db, "during"), 0);
    wait_orders(x, 4); /* both placed tasks are asked for again */
    assert_int_equal(x->fake.orders[2]->kind, ENGINE_ADOPT);
    assert_int_equal(x->fake.orders[3]->kind, ENGINE_ADOPT);
    assert_int_equal(submit(x, "after").err.code, ERR_NONE);
    loop_stats(x->loop, &stats);
    assert_true(stats.ready);
}

/* ---- while the disk takes no writes ---- */

static void nap(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static bool ready(struct fixture *x)
{
    struct loop_stats stats;
    loop_stats(x->loop, &stats);
    return stats.ready;
}

/* CPUs of node n1 as readers see them; 0 when there is no snapshot. */
static int64_t shown_cpus(struct fixture *x, int64_t *used)
{
    struct snapshot *s = snapshots_get(x->snapshots);
    int64_t cpus = s ? cluster_at(s->cluster, 0)->total.cpus : 0;
    *used = s ? cluster_at(s->cluster, 0)->used.cpus : 0;
    snapshots_put(x->snapshots, s);
    return cpus;
}

/* Each command used to try its own commit and to load all jobs anew; a timer that was due made the thread spin. And
 * the server stayed "not ready" until somebody sent a command. */
static void a_disk_that_stays_full_is_not_hammered(void **state)
{
    struct fixture *x = *state;
    struct err e = {0};
    struct loop_stats stats;
    int64_t used;
    submit(x, "before");
    wait_orders(x, 2);
    struct store *other = store_open(x->db, STORE_WRITER, &e);
    assert_int_equal(store_begin(other, &e), 0);
    for (int i = 0; i < 5; i++) {
        struct asked a = submit(x, "during");
        assert_int_equal(a.err.code, ERR_BUSY);
        assert_non_null(strstr(a.err.text, "locked"));
    }
    /* Told while there is no core: not lost. */
    struct engine_event node = {.kind = ENGINE_NODE};
    node.node = (struct node){.name = "n1", .cpus = 9, .memory_mb = 1000, .gpu_count = 4, .up = true};
    x->fake.sink(x->fake.ctx, &node);
    struct asked last = submit(x, "during");
    assert_int_equal(last.err.code, ERR_BUSY);
    loop_stats(x->loop, &stats);
    assert_int_equal(stats.commit_failures, 1);
    assert_false(stats.ready);
    store_rollback(other);
    store_close(other);
    while (!ready(x)) /* without a command */
        nap();
    wait_orders(x, 4);
    assert_int_equal(x->fake.orders[2]->kind, ENGINE_ADOPT);
    while (shown_cpus(x, &used) != 9)
        nap();
    assert_int_equal(submit(x, "during").err.code, ERR_NONE);
}

/* Nobody looked for a while: who looks then sees the state of now. */
static void the_first_look_after_a_change_is_not_an_old_one(void **state)
{
    struct fixture *x = *state;
    struct loop_stats stats;
    int64_t used = 0;
    submit(x, "one");
    wait_orders(x, 2);
    while (shown_cpus(x, &used) != 4 || used != 2)
        nap();
    for (size_t i = 0; i < 2; i++)
        say(x, i, ENGINE_EXITED, 0);
    wait_orders(x, 4);
    while (snapshots_wanted(x->snapshots)) /* until the last look above got its answer */
        nap();
    submit(x, "two");
    wait_orders(x, 6);
    loop_stats(x->loop, &stats);
    uint64_t before = stats.snapshots;
    say(x, 4, ENGINE_CONFIRMED, 0); /* one more change: the next snapshot has both */
    for (; stats.snapshots == before; loop_stats(x->loop, &stats))
        nap();
    shown_cpus(x, &used);
    assert_int_equal(used, 2);
}

/* ---- what a restart makes of odd rows ---- */

static void change_rows(struct fixture *x, const struct store_sql *sql)
{
    struct err e = {0};
    struct store *s = store_open(x->db, STORE_WRITER, &e);
    assert_int_equal(store_begin(s, &e), 0);
    assert_int_equal(stmt_exec(store_stmt(s, sql, &e), &e), 0);
    assert_int_equal(store_commit(s, &e), 0);
    store_close(s);
}

/* A config that is no longer accepted must not keep the server from starting: that job fails, its processes are ended,
 * the others go on. */
static void a_job_that_cannot_be_read_fails_and_the_server_starts(void **state)
{
    static const struct store_sql spoil = {"UPDATE job SET config = 'protocolVersion: 3' WHERE name = 'bad'"};
    static const struct store_sql job = {"SELECT state FROM job WHERE name = ?"};
    static const struct store_sql tasks = {"SELECT count(*) FROM task_attempt t JOIN job j ON j.id = t.job_id WHERE "
                                           "j.name = ? AND t.completed_ms IS NULL"};
    static const struct store_sql why = {
        "SELECT count(*) FROM job WHERE name = ? AND exit_code = -1100 AND detail LIKE '%cannot be read any more%'"};
    static const struct store_sql events = {"SELECT count(*) FROM event e JOIN job j ON j.id = e.job_id WHERE j.name = "
                                            "? AND e.type = 'job.failed'"};
    struct fixture *x = *state;
    char bad[2][ID_SIZE];
    submit(x, "bad");
    wait_orders(x, 2);
    for (size_t i = 0; i < 2; i++)
        memcpy(bad[i], x->fake.orders[i]->attempt_id, ID_SIZE);
    submit(x, "good");
    wait_orders(x, 4);
    stop_loop(x);
    forget_orders(x);
    change_rows(x, &spoil);
    start_loop(x);
    wait_orders(x, 4);
    size_t adopted = 0, stopped = 0;
    for (size_t i = 0; i < 4; i++) {
        const struct engine_order *o = x->fake.orders[i];
        bool is_bad = !strcmp(o->attempt_id, bad[0]) || !strcmp(o->attempt_id, bad[1]);
        adopted += o->kind == ENGINE_ADOPT && !is_bad;
        stopped += o->kind == ENGINE_STOP && is_bad;
    }
    assert_int_equal(adopted, 2);
    assert_int_equal(stopped, 2);
    assert_int_equal(count_rows(x->db, &job, "bad"), STATE_FAILED);
    assert_int_equal(count_rows(x->db, &job, "good"), STATE_STARTING);
    assert_int_equal(count_rows(x->db, &tasks, "bad"), 0);
    assert_int_equal(count_rows(x->db, &why, "bad"), 1);
    assert_int_equal(count_rows(x->db, &events, "bad"), 1);
    assert_int_equal(submit(x, "next").err.code, ERR_NONE); /* event ids went on */
}

/* The config lost a role that runs: as above. */
static void a_job_whose_rows_do_not_fit_its_config_fails(void **state)
{
    static const struct store_sql spoil = {"UPDATE task_attempt SET role = 'other' WHERE task_index = 1"};
    static const struct store_sql job = {"SELECT state FROM job WHERE name = ?"};
    struct fixture *x = *state;
    submit(x, "bad");
    wait_orders(x, 2);
    stop_loop(x);
    forget_orders(x);
    change_rows(x, &spoil);
    start_loop(x);
    wait_orders(x, 2);
    assert_int_equal(x->fake.orders[0]->kind, ENGINE_STOP);
    assert_int_equal(count_rows(x->db, &job, "bad"), STATE_FAILED);
}

/* The key was lost: what runs is adopted all the same, not given up while its processes live. */
static void a_task_is_adopted_though_its_secrets_cannot_be_opened(void **state)
{
    static const struct store_sql spoil = {"UPDATE job SET secrets = x'00112233' WHERE name = 'one'"};
    static const struct store_sql job = {"SELECT state FROM job WHERE name = ?"};
    struct fixture *x = *state;
    submit(x, "one");
    wait_orders(x, 2);
    stop_loop(x);
    forget_orders(x);
    change_rows(x, &spoil);
    start_loop(x);
    wait_orders(x, 2);
    assert_int_equal(x->fake.orders[0]->kind, ENGINE_ADOPT);
    assert_int_equal(x->fake.orders[1]->kind, ENGINE_ADOPT);
    assert_int_equal(submit(x, "another").err.code, ERR_NONE);
    assert_int_equal(count_rows(x->db, &job, "one"), STATE_STARTING);
}

/* Requests that come to their handlers during the shutdown ask a loop that has stopped; it used to be freed by then. */
static void a_stopped_loop_refuses_and_is_not_ready(void **state)
{
    struct fixture *x = *state;
    struct loop_stats stats;
    struct err e = {0};
    struct mail m = {.ctx = NULL};
    submit(x, "one");
    loop_stop(x->loop);
    loop_stats(x->loop, &stats);
    assert_false(stats.ready);
    assert_true(stats.commits > 0);
    assert_int_equal(mailbox_post(x->mailbox, &m, &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
}

/* A server that was replaced must not write (DESIGN 1.11). */
static void an_older_epoch_cannot_write(void **state)
{
    static const struct store_sql raise = {"UPDATE meta SET value = value + 1 WHERE key = 'epoch'"};
    struct fixture *x = *state;
    struct err e = {0};
    struct store *other = store_open(x->db, STORE_WRITER, &e);
    assert_int_equal(store_begin(other, &e), 0);
    assert_int_equal(stmt_exec(store_stmt(other, &raise, &e), &e), 0);
    assert_int_equal(store_commit(other, &e), 0);
    store_close(other);
    struct asked a = submit(x, "late");
    assert_int_equal(a.err.code, ERR_BUSY);
    assert_non_null(strstr(a.err.text, "taken over"));
    assert_int_equal(job_rows(x->db, "late"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_come_before_orders_and_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(the_same_name_is_refused_also_after_the_job_ended, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restart_adopts_what_was_placed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_commit_changes_nothing_and_heals, setup, teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_stays_full_is_not_hammered, setup, teardown),
        cmocka_unit_test_setup_teardown(the_first_look_after_a_change_is_not_an_old_one, setup, teardown),
        cmocka_unit_test_setup_teardown(a_job_that_cannot_be_read_fails_and_the_server_starts, setup, teardown),
        cmocka_unit_test_setup_teardown(a_job_whose_rows_do_not_fit_its_config_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(a_task_is_adopted_though_its_secrets_cannot_be_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stopped_loop_refuses_and_is_not_ready, setup, teardown),
        cmocka_unit_test_setup_teardown(an_older_epoch_cannot_write, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
