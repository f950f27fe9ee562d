/* SPDX-License-Identifier: MIT
 *
 * Strangers with the pids of a dead task's processes: nothing that stops the task reaches them. In a pid namespace of
 * its own, where one may choose the pid of a process.
 */
#include "rig.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "engines/local/procs.h"
#include "engines/local/record.h"

#define STRANGERS 8

struct strangers {
    size_t count;
    pid_t pids[STRANGERS];
};

/* A process with that number; it would die of any signal that has reached it. */
static void stranger(struct strangers *s, pid_t pid)
{
    struct clone_args a = {.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&pid, .set_tid_size = 1};
    long made;

    assert_true(s->count < STRANGERS);
    /* The last of whoever had it before goes when its parent has seen its end. */
    while ((made = syscall(SYS_clone3, &a, sizeof(a))) < 0 && errno == EEXIST)
        (void)nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    if (made == 0) {
        struct sigaction die = {.sa_handler = _exit};

        (void)close_range(3, ~0u, 0); /* no lock lives on in it */
        for (int sig = 1; sig < NSIG; sig++)
            (void)sigaction(sig, &die, NULL);
        for (;;)
            (void)pause();
    }
    assert_int_equal(made, pid);
    s->pids[s->count++] = pid;
}

static void expect_alive(const struct strangers *s)
{
    for (size_t i = 0; i < s->count; i++)
        assert_int_equal(waitpid(s->pids[i], NULL, WNOHANG), 0);
}

static void end_strangers(struct strangers *s)
{
    while (s->count > 0) {
        pid_t pid = s->pids[--s->count];

        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
    }
}

/* Starts a task that writes the pids of its own processes; all pids of it, the shim's first. */
static size_t begin(struct rig *r, char id[ID_SIZE], struct record *shim, pid_t pids[STRANGERS])
{
    size_t len, count = 0;
    char *text, *p, *end;

    rig_launch(r, id, "sleep 1000 & echo $$ $! >> pids; mv pids all; wait");
    (void)rig_wait(r, ENGINE_STARTED, id);
    rig_wait_file(r, id, "work/all", 2);
    text = rig_file(r, id, "shim", &len);
    assert_int_equal(record_parse(text, len, shim), 0);
    free(text);
    pids[count++] = (pid_t)shim->pid;
    text = rig_file(r, id, "work/all", NULL);
    for (p = text; count < STRANGERS; p = end) {
        long pid = strtol(p, &end, 10);

        if (end == p)
            break;
        pids[count++] = (pid_t)pid;
    }
    free(text);
    assert_int_equal(count, 3);
    return count;
}

static void adopt_and_stop(struct rig *r, const char *id)
{
    rig_engine(r);
    rig_give(r, rig_order(ENGINE_ADOPT, id, "echo must not run"));
    rig_start(r);
    rig_order_stop(r, id, 0);
}

/* A process is told from another by the tick of its start: on a fast machine all of this fits into one. */
static void next_tick(const struct record *shim)
{
    const int64_t hz = sysconf(_SC_CLK_TCK);
    struct timespec now;

    do
        (void)clock_gettime(CLOCK_BOOTTIME, &now);
    while (now.tv_sec * hz + now.tv_nsec * hz / 1000000000 <= shim->ticks);
}

/* The machine's numbers come round while nobody watches; then the task is stopped. */
static void test_strangers_survive_the_stop(void **state)
{
    struct rig *r = *state;
    struct strangers s = {0};
    pid_t pids[STRANGERS];
    struct record shim;
    char id[ID_SIZE];
    size_t count = begin(r, id, &shim, pids);

    rig_stop(r);
    assert_int_equal(kill((pid_t)shim.pid, SIGKILL), 0);
    while (procs_kill_marked(id, NULL) > 0)
        ;
    next_tick(&shim);
    for (size_t i = 0; i < count; i++)
        stranger(&s, pids[i]);
    for (size_t i = 0; i < count; i++)
        assert_false(procs_signal(pids[i], shim.ticks, SIGKILL));
    adopt_and_stop(r, id);
    (void)rig_wait(r, ENGINE_LOST, id);
    expect_alive(&s);
    end_strangers(&s);
}

/* As above, but somebody still holds the lock that says "its shim lives", and the record is of another boot: what it
 * names would be killed, if it were that. */
static void test_a_stranger_is_not_taken_for_the_shim(void **state)
{
    struct rig *r = *state;
    struct strangers s = {0};
    pid_t pids[STRANGERS];
    struct record shim;
    char id[ID_SIZE], path[200];
    int lock;

    (void)begin(r, id, &shim, pids);
    rig_stop(r);
    (void)snprintf(path, sizeof(path), "%s/run/%s", r->data, id);
    lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(lock >= 0);
    assert_int_equal(kill((pid_t)shim.pid, SIGKILL), 0);
    assert_int_equal(flock(lock, LOCK_EX), 0);
    while (procs_kill_marked(id, NULL) > 0)
        ;
    next_tick(&shim);
    stranger(&s, (pid_t)shim.pid);
    (void)snprintf(r->boot, sizeof(r->boot), "00000000-0000-4000-8000-000000000001");
    adopt_and_stop(r, id);
    /* It has looked, and more than once: another order has gone all its way since. */
    for (int i = 0; i < 20; i++) {
        char other[ID_SIZE];

        rig_launch(r, other, "exit 0");
        (void)rig_wait(r, ENGINE_EXITED, other);
    }
    expect_alive(&s);
    (void)close(lock);
    (void)rig_wait(r, ENGINE_LOST, id);
    expect_alive(&s);
    end_strangers(&s);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_strangers_survive_the_stop, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_a_stranger_is_not_taken_for_the_shim, rig_setup, rig_teardown),
    };

    /* Without another namespace below ours, in which the task's pids would be nobody's here. */
    return setenv("DROVER_TEST_ISOLATION", "rlimits", 1) ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

/* Pid 1 of the namespace: reaps, and ends with the tests. */
static int first(void)
{
    pid_t tests, pid;
    int status = -1;

    /* /proc alone is made private: the root of a chroot is no mount whose propagation could be changed. */
    if (mount(NULL, "/proc", NULL, MS_PRIVATE, NULL) || mount("proc", "/proc", "proc", 0, NULL))
        return 1;
    tests = fork();
    if (tests == 0)
        _exit(run());
    while ((pid = wait(&status)) > 0 && pid != tests)
        ;
    return pid == tests && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

int main(void)
{
    int status, flags = CLONE_NEWPID | CLONE_NEWNS | (geteuid() == 0 ? 0 : CLONE_NEWUSER);
    pid_t pid;

    if (unshare(flags)) {
        (void)fprintf(stderr, "no pid namespace can be had: %s\n", strerror(errno));
        return 77;
    }
    pid = fork();
    if (pid == 0)
        _exit(prctl(PR_SET_PDEATHSIG, SIGKILL) ? 1 : first());
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return 1;
    /* A leak checker would want a thread of us, which has nowhere to go: what we start belongs to the namespace, which
     * has ended. */
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
}
