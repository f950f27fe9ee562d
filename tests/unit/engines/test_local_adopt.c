/* SPDX-License-Identifier: MIT
 *
 * Tasks outlive the engine and the spawner, and are found again.
 */
#include "rig.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <sys/wait.h>

#include "engines/local/procs.h"
#include "engines/local/record.h"

static void give_adopt(struct rig *r, const char *id)
{
    struct engine_order *o = rig_order(ENGINE_ADOPT, id, "echo must not run");

    o->epoch = 2;
    rig_give(r, o);
}

/* A new engine that adopts these. */
static void again(struct rig *r, const char (*ids)[ID_SIZE], size_t count)
{
    rig_stop(r);
    rig_engine(r);
    for (size_t i = 0; i < count; i++)
        give_adopt(r, ids[i]);
    rig_start(r);
    (void)rig_wait(r, ENGINE_READY, NULL);
}

static void touch(const struct rig *r, const char *id, const char *name)
{
    char path[200];

    (void)snprintf(path, sizeof(path), "%s/run/%s/work/%s", r->data, id, name);
    assert_int_equal(fs_write_atomic(path, "", 0, 0600, NULL), 0);
}

static const char wait_for_go[] = "echo ready; while [ ! -e go ]; do sleep 0.01; done; echo done; exit 9";

static void read_shim(const struct rig *r, const char *id, struct record *rec)
{
    size_t len;
    char *text = rig_file(r, id, "shim", &len);

    assert_int_equal(record_parse(text, len, rec), 0);
    free(text);
}

static void test_running_task_is_adopted(void **state)
{
    struct rig *r = *state;
    char ids[1][ID_SIZE];
    struct engine_order *o;
    struct rig_event ev;

    id_make(clock_read().wall, ids[0]);
    o = rig_order(ENGINE_LAUNCH, ids[0], wait_for_go);
    o->launch->gpu_count = 2;
    rig_give(r, o);
    (void)rig_wait(r, ENGINE_STARTED, ids[0]);
    again(r, (const char(*)[ID_SIZE])ids, 1);
    ev = rig_wait(r, ENGINE_CONFIRMED, ids[0]);
    assert_int_equal(ev.epoch, 2);
    assert_int_equal(ev.gpu_count, 2);
    assert_int_equal(ev.gpus[1], 1);
    assert_true(ev.on_host);
    (void)rig_wait(r, ENGINE_STARTED, ids[0]);
    /* Ready comes after the answers. */
    assert_true(rig_wait(r, ENGINE_READY, NULL).seq > rig_wait(r, ENGINE_CONFIRMED, ids[0]).seq);
    /* Its GPUs are taken. */
    {
        char other[ID_SIZE];

        id_make(clock_read().wall, other);
        o = rig_order(ENGINE_LAUNCH, other, "exit 0");
        o->launch->gpu_count = 2;
        rig_give(r, o);
        assert_int_equal(rig_wait(r, ENGINE_CONFIRMED, other).gpus[0], 2);
        (void)rig_wait(r, ENGINE_EXITED, other);
    }
    touch(r, ids[0], "go");
    assert_int_equal(rig_wait(r, ENGINE_EXITED, ids[0]).code, 9);
    rig_expect_file(r, ids[0], "all", "ready\ndone\n");
}

/* Launches something that wants so many GPUs and runs until "go". */
static struct rig_event launch_with(struct rig *r, char id[ID_SIZE], int gpus)
{
    id_make(clock_read().wall, id);
    struct engine_order *o = rig_order(ENGINE_LAUNCH, id, wait_for_go);
    o->launch->gpu_count = gpus;
    rig_give(r, o);
    return rig_wait(r, ENGINE_CONFIRMED, id);
}

/* The core may hear of an end later than of what began after it: until one is to be forgotten, the GPUs of others are
 * given first, also where it ended while nobody was there. Then they are free. */
static void test_gpus_of_the_ended_come_last(void **state)
{
    struct rig *r = *state;
    char ids[1][ID_SIZE], second[ID_SIZE], third[ID_SIZE], fourth[ID_SIZE];

    assert_int_equal(launch_with(r, ids[0], 1).gpus[0], 0);
    (void)rig_wait(r, ENGINE_STARTED, ids[0]);
    rig_stop(r);
    touch(r, ids[0], "go");
    rig_wait_file(r, ids[0], "exit", 1);
    again(r, (const char(*)[ID_SIZE])ids, 1);
    (void)rig_wait(r, ENGINE_EXITED, ids[0]);
    assert_int_equal(launch_with(r, second, 1).gpus[0], 1);
    touch(r, second, "go");
    (void)rig_wait(r, ENGINE_EXITED, second);
    assert_int_equal(launch_with(r, third, 2).gpus[0], 2);
    rig_give(r, rig_order(ENGINE_FORGET, second, NULL));
    /* Nothing else is left but that of the first, too. */
    struct rig_event ev = launch_with(r, fourth, 2);
    assert_int_equal(ev.gpus[0], 1);
    assert_int_equal(ev.gpus[1], 0);
    touch(r, third, "go");
    touch(r, fourth, "go");
    (void)rig_wait(r, ENGINE_EXITED, third);
    (void)rig_wait(r, ENGINE_EXITED, fourth);
}

static void test_adopted_task_is_stopped(void **state)
{
    struct rig *r = *state;
    char ids[1][ID_SIZE];

    rig_launch(r, ids[0], "trap '' TERM; sleep 1000 & sleep 1000");
    (void)rig_wait(r, ENGINE_STARTED, ids[0]);
    again(r, (const char(*)[ID_SIZE])ids, 1);
    rig_order_stop(r, ids[0], 50);
    (void)rig_wait(r, ENGINE_EXITED, ids[0]);
}

static void test_ends_while_away_are_found(void **state)
{
    enum { MANY = 20 };
    struct rig *r = *state;
    static char ids[MANY][ID_SIZE];
    char script[200];

    for (int i = 0; i < MANY; i++) {
        (void)snprintf(script, sizeof(script),
                       "while [ ! -e go ]; do sleep 0.01; done; head -c 1048576 /dev/zero; exit %d", i);
        rig_launch(r, ids[i], script);
    }
    for (int i = 0; i < MANY; i++)
        (void)rig_wait(r, ENGINE_STARTED, ids[i]);
    rig_stop(r);
    for (int i = 0; i < MANY; i++)
        touch(r, ids[i], "go");
    for (int i = 0; i < MANY; i++)
        rig_wait_file(r, ids[i], "exit", 1);
    again(r, (const char(*)[ID_SIZE])ids, MANY);
    for (int i = 0; i < MANY; i++) {
        size_t len;

        assert_int_equal(rig_wait(r, ENGINE_EXITED, ids[i]).code, i);
        free(rig_file(r, ids[i], "stdout", &len));
        assert_int_equal(len, 1u << 20);
    }
}

static void test_ends_just_while_adopting(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 20; i++) {
        char ids[1][ID_SIZE], script[64];

        (void)snprintf(script, sizeof(script), "sleep 0.%03d; exit 4", i);
        rig_launch(r, ids[0], script);
        again(r, (const char(*)[ID_SIZE])ids, 1);
        /* Started by then or not: what is told is the truth. */
        if (rig_wait_end(r, ids[0]).kind == ENGINE_EXITED)
            assert_int_equal(rig_wait(r, ENGINE_EXITED, ids[0]).code, 4);
        else
            assert_true(rig_wait(r, ENGINE_LOST, ids[0]).never_started);
    }
}

static void test_spawner_is_killed(void **state)
{
    enum { MANY = 40 };
    struct rig *r = *state;
    static char ids[MANY][ID_SIZE];
    char kept[ID_SIZE];
    pid_t first;

    rig_launch(r, kept, wait_for_go);
    (void)rig_wait(r, ENGINE_STARTED, kept);
    first = rig_spawner(r);
    assert_true(first > 0);
    for (int i = 0; i < MANY; i++) {
        rig_launch(r, ids[i], "echo $$ >> witness; exit 1");
        if (i % 10 == 5)
            (void)kill(rig_spawner(r), SIGKILL);
    }
    for (int i = 0; i < MANY; i++) {
        struct rig_event ev;
        char *w;

        /* Killed with its request half done: lost, and proven so; or run, once. */
        ev = rig_wait_end(r, ids[i]);
        if (ev.kind == ENGINE_LOST) {
            assert_true(ev.never_started);
            continue;
        }
        assert_int_equal(ev.code, 1);
        w = rig_file(r, ids[i], "work/witness", NULL);
        assert_null(strchr(strchr(w, '\n') + 1, '\n'));
        free(w);
    }
    assert_true(rig_spawner(r) != first);
    touch(r, kept, "go");
    assert_int_equal(rig_wait(r, ENGINE_EXITED, kept).code, 9);
}

static void test_spawner_is_used_again(void **state)
{
    struct rig *r = *state;
    char id[ID_SIZE];
    pid_t first;

    rig_launch(r, id, "exit 0");
    (void)rig_wait(r, ENGINE_EXITED, id);
    first = rig_spawner(r);
    again(r, NULL, 0);
    rig_launch(r, id, "exit 0");
    (void)rig_wait(r, ENGINE_EXITED, id);
    assert_int_equal(rig_spawner(r), first);
    assert_int_equal(kill(first, 0), 0);
}

static void test_killed_shim_is_lost_with_its_tree(void **state)
{
    struct rig *r = *state;
    struct record rec;
    struct rig_event ev;
    char id[ID_SIZE];

    rig_launch(r, id,
               "trap '' TERM HUP; (setsid bash -c 'trap \"\" TERM; sleep 1000; :' &); echo ready; sleep 1000; :");
    rig_wait_file(r, id, "stdout", 6);
    (void)rig_wait(r, ENGINE_STARTED, id);
    read_shim(r, id, &rec);
    assert_true(rig_lives(id));
    assert_int_equal(kill((pid_t)rec.pid, SIGKILL), 0);
    ev = rig_wait(r, ENGINE_LOST, id);
    assert_false(ev.never_started);
    assert_false(rig_lives(id));
    /* The same with nobody watching. */
    rig_launch(r, id, "sleep 1000; :");
    (void)rig_wait(r, ENGINE_STARTED, id);
    read_shim(r, id, &rec);
    rig_stop(r);
    assert_int_equal(kill((pid_t)rec.pid, SIGKILL), 0);
    again(r, (const char(*)[ID_SIZE])id, 1);
    assert_false(rig_wait(r, ENGINE_LOST, id).never_started);
    assert_false(rig_lives(id));
}

static void test_reboot_is_found(void **state)
{
    struct rig *r = *state;
    char ids[2][ID_SIZE];

    rig_launch(r, ids[0], "sleep 1000");
    (void)rig_wait(r, ENGINE_STARTED, ids[0]);
    id_make(clock_read().wall, ids[1]); /* its folder never reached the disk */
    (void)snprintf(r->boot, sizeof(r->boot), "00000000-0000-4000-8000-000000000001");
    again(r, (const char(*)[ID_SIZE])ids, 2);
    assert_false(rig_wait(r, ENGINE_LOST, ids[0]).never_started);
    assert_false(rig_wait(r, ENGINE_LOST, ids[1]).never_started);
    assert_int_equal(rig_count(r, ENGINE_STARTED, ids[0]), 0);
    /* The next start is no reboot. */
    id_make(clock_read().wall, ids[0]);
    again(r, (const char(*)[ID_SIZE])ids, 1);
    assert_true(rig_wait(r, ENGINE_LOST, ids[0]).never_started);
}

/* Somebody else who got the pid: the same number, but another start time than that. */
static pid_t start_stranger(int64_t ticks)
{
    for (;;) {
        pid_t stranger = fork();
        assert_true(stranger >= 0);
        if (stranger == 0)
            for (;;)
                (void)pause();
        if (procs_start_ticks(stranger, NULL) != ticks)
            return stranger;
        assert_int_equal(kill(stranger, SIGKILL), 0); /* within one tick of the clock, which is long */
        assert_int_equal(waitpid(stranger, NULL, 0), stranger);
    }
}

static void test_pid_of_a_stranger_is_not_believed(void **state)
{
    struct rig *r = *state;
    char ids[1][ID_SIZE], path[200];
    struct record rec;
    struct buf b;
    pid_t stranger;

    rig_launch(r, ids[0], "sleep 1000");
    (void)rig_wait(r, ENGINE_STARTED, ids[0]);
    read_shim(r, ids[0], &rec);
    rig_stop(r);
    assert_int_equal(kill((pid_t)rec.pid, SIGKILL), 0);
    rec.pid = stranger = start_stranger(rec.ticks);
    buf_init(&b, 0);
    assert_int_equal(record_format(&b, &rec), 0);
    (void)snprintf(path, sizeof(path), "%s/run/%s/shim", r->data, ids[0]);
    assert_int_equal(fs_write_atomic(path, b.data, b.len, 0600, NULL), 0);
    buf_fini(&b);
    rig_engine(r);
    give_adopt(r, ids[0]);
    rig_start(r);
    rig_order_stop(r, ids[0], 0);
    (void)rig_wait(r, ENGINE_LOST, ids[0]);
    assert_int_equal(waitpid(stranger, NULL, WNOHANG), 0); /* lives */
    assert_int_equal(kill(stranger, SIGKILL), 0);
    assert_int_equal(waitpid(stranger, NULL, 0), stranger);
}

static void test_latch_without_shim_is_lost(void **state)
{
    struct rig *r = *state;
    char ids[2][ID_SIZE], path[200];

    /* A spawner died after the folder, or with the lock on it, which went with it; another after a file was there. */
    for (int i = 0; i < 2; i++) {
        id_make(clock_read().wall, ids[i]);
        (void)snprintf(path, sizeof(path), "%s/run/%s", r->data, ids[i]);
        assert_int_equal(fs_mkdir(path, 0700, NULL), 0);
    }
    (void)snprintf(path, sizeof(path), "%s/run/%s/.shim", r->data, ids[1]);
    assert_int_equal(fs_write_atomic(path, "", 0, 0600, NULL), 0);
    again(r, (const char(*)[ID_SIZE])ids, 2);
    assert_true(rig_wait(r, ENGINE_LOST, ids[0]).never_started);
    assert_true(rig_wait(r, ENGINE_LOST, ids[1]).never_started);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_running_task_is_adopted, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_gpus_of_the_ended_come_last, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_adopted_task_is_stopped, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_ends_while_away_are_found, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_ends_just_while_adopting, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_spawner_is_killed, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_spawner_is_used_again, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_killed_shim_is_lost_with_its_tree, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_reboot_is_found, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_pid_of_a_stranger_is_not_believed, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_latch_without_shim_is_lost, rig_setup, rig_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
