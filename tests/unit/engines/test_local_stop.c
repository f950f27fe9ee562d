/* SPDX-License-Identifier: MIT
 *
 * Stop, and what a task leaves behind: nothing survives, whatever it does.
 */
#include "rig.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <dirent.h>

/* Whether any process carries the mark of the attempt. */
static bool alive(const char *id)
{
    char mark[80], path[300];
    bool found = false;
    struct dirent *d;
    DIR *proc = opendir("/proc");

    (void)snprintf(mark, sizeof(mark), "DROVER_TASK_ATTEMPT=%s", id);
    assert_non_null(proc);
    while (!found && (d = readdir(proc))) {
        static char text[65536];
        ssize_t n;
        int fd;

        if (d->d_name[0] < '0' || d->d_name[0] > '9')
            continue;
        (void)snprintf(path, sizeof(path), "/proc/%s/environ", d->d_name);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            continue;
        n = read(fd, text, sizeof(text));
        (void)close(fd);
        found = n > 0 && memmem(text, (size_t)n, mark, strlen(mark));
    }
    (void)closedir(proc);
    return found;
}

/* Runs `script`, waits until it has written "ready\n", stops it. */
static struct rig_event stop(struct rig *r, char id[ID_SIZE], const char *script, int grace_ms)
{
    rig_launch(r, id, script);
    (void)rig_wait(r, ENGINE_STARTED, id);
    rig_wait_file(r, id, "stdout", 6);
    assert_true(alive(id));
    rig_order_stop(r, id, grace_ms);
    return rig_wait(r, ENGINE_EXITED, id);
}

static void test_polite_task_gets_its_grace(void **state)
{
    struct rig *r = *state;
    struct rig_event ev;
    char id[ID_SIZE];

    ev = stop(r, id, "trap 'sleep 0.2; echo saved; exit 3' TERM; echo ready; while :; do sleep 0.05; done", 20000);
    assert_int_equal(ev.code, 3);
    rig_expect_file(r, id, "stdout", "ready\nsaved\n");
    assert_false(alive(id));
}

static void test_child_gets_the_signal_and_the_grace(void **state)
{
    struct rig *r = *state;
    struct rig_event ev;
    char id[ID_SIZE];

    /* The shell dies at once of its SIGTERM; the program below it still has time to save. */
    ev = stop(
        r, id,
        "bash -c 'trap \"sleep 0.3; echo saved; exit 0\" TERM; echo ready; while :; do sleep 0.05; done'; :", 20000);
    assert_int_equal(ev.code, 143);
    assert_int_equal(ev.signal, SIGTERM);
    rig_expect_file(r, id, "stdout", "ready\nsaved\n");
    assert_false(alive(id));
}

static void test_stop_by_another_signal(void **state)
{
    struct rig *r = *state;
    struct rig_event ev;
    char id[ID_SIZE];

    rig_launch(r, id,
               "trap 'echo term' TERM; trap 'echo saved; exit 4' USR1; echo ready; while :; do sleep 0.05; done");
    (void)rig_wait(r, ENGINE_STARTED, id);
    rig_wait_file(r, id, "stdout", 6);
    rig_order_stop_by(r, id, 20000, SIGUSR1);
    ev = rig_wait(r, ENGINE_EXITED, id);
    assert_int_equal(ev.code, 4);
    rig_expect_file(r, id, "stdout", "ready\nsaved\n");
    assert_false(alive(id));
}

static void test_deaf_task_is_killed(void **state)
{
    struct rig *r = *state;
    int64_t from = clock_read().mono;
    struct rig_event ev;
    char id[ID_SIZE];

    ev = stop(r, id, "trap '' TERM; echo ready; while :; do sleep 1000; done", 200);
    assert_int_equal(ev.code, 137);
    assert_int_equal(ev.signal, SIGKILL);
    assert_true(clock_read().mono - from >= 200);
    assert_false(alive(id));
}

static void test_hidden_children_are_killed(void **state)
{
    static const char *const scripts[] = {
        /* double fork and a session of its own, deaf */
        "(setsid bash -c 'trap \"\" TERM HUP; (setsid sleep 1000 &) ; sleep 1000' &) ; sleep 0.2; echo ready; sleep "
        "1000",
        /* stopped */
        "sleep 1000 & kill -STOP $!; (setsid bash -c 'kill -STOP $$' &); sleep 0.1; echo ready; wait",
        /* stops itself */
        "echo ready; kill -STOP $$; sleep 1000",
        /* its own subreaper's shadow: a chain of 80 shells */
        "f() { [ $1 -gt 0 ] && bash -c \"$(declare -f f); f $(($1-1))\" || { trap '' TERM; echo ready; sleep 1000; }; "
        ":; };"
        "f 80; :",
        /* forks all the time */
        "trap '' TERM; echo ready; while :; do (sleep 1000 &); sleep 0.005; done",
    };
    struct rig *r = *state;

    for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++) {
        char id[ID_SIZE];

        (void)stop(r, id, scripts[i], 100);
        assert_false(alive(id));
    }
}

static void test_leftovers_of_an_ended_task_are_killed(void **state)
{
    struct rig *r = *state;
    char id[ID_SIZE];

    /* The main process ends by itself; one that is left writes on, and one listens to SIGTERM. */
    rig_launch(r, id,
               "(trap 'echo bye; exit' TERM; while :; do sleep 0.02; done) & (setsid sleep 1000 &); sleep 0.1; exit 5");
    assert_int_equal(rig_wait(r, ENGINE_EXITED, id).code, 5);
    assert_false(alive(id));
    rig_expect_file(r, id, "stdout", "bye\n");
}

static void test_stop_right_after_launch(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 20; i++) {
        char id[ID_SIZE];

        rig_launch(r, id, "sleep 1000");
        rig_order_stop(r, id, 50);
        if (rig_wait_end(r, id).kind == ENGINE_LOST) {
            assert_true(rig_wait(r, ENGINE_LOST, id).never_started);
            assert_int_equal(rig_count(r, ENGINE_STARTED, id), 0);
        }
        assert_false(alive(id));
    }
}

static void test_stop_of_the_unknown_is_answered(void **state)
{
    struct rig *r = *state;
    char id[ID_SIZE];

    id_make(clock_read().wall, id);
    rig_order_stop(r, id, 50);
    assert_true(rig_wait(r, ENGINE_LOST, id).never_started);
    /* From now on nobody can start it: the latch is taken. */
    rig_stop(r);
    rig_engine(r);
    rig_start(r);
    rig_give(r, rig_order(ENGINE_LAUNCH, id, "echo started"));
    assert_true(rig_wait(r, ENGINE_LOST, id).never_started);
}

static void test_frozen_shim_is_thawed_or_killed(void **state)
{
    struct rig *r = *state;
    char id[ID_SIZE];

    /* A task may stop its own shim as long as both have one user. */
    rig_launch(r, id, "sleep 0.1; kill -STOP $PPID; sleep 1000");
    (void)rig_wait(r, ENGINE_STARTED, id);
    (void)nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL); /* either way it must work */
    rig_order_stop(r, id, 100);
    (void)rig_wait(r, ENGINE_EXITED, id);
    assert_false(alive(id));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_polite_task_gets_its_grace, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_child_gets_the_signal_and_the_grace, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_stop_by_another_signal, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_deaf_task_is_killed, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_hidden_children_are_killed, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_leftovers_of_an_ended_task_are_killed, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_stop_right_after_launch, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_stop_of_the_unknown_is_answered, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_frozen_shim_is_thawed_or_killed, rig_setup, rig_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
