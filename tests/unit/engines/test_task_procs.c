/* SPDX-License-Identifier: MIT
 *
 * Trees of processes as they are in /proc: this program is the shim of an attempt, its children are the task.
 */
#include "engines/local/task_procs.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "engines/local/procs.h"
#include "engines/local/record.h"
#include "engines/local/task_net.h"

#define ATTEMPT "a102cbda-c25a-82c2-901b-8060b876bdf7"
#define OTHER "b102cbda-c25a-82c2-901b-8060b876bdf7"

/* The folder of a server in which this process is the attempt's shim. */
static void make_data(char data[64])
{
    char path[256];
    struct record r = {.attempt = ATTEMPT, .nonce = "00000000000000000000000000000000", .pid = getpid()};
    struct err e = {0};
    struct buf text;

    (void)snprintf(data, 64, "/tmp/drover-procs-XXXXXX");
    assert_non_null(mkdtemp(data));
    (void)snprintf(path, sizeof path, "%s/run", data);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/run/" ATTEMPT, data);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(procs_boot_id(r.boot, &e), 0);
    r.ticks = procs_start_ticks(getpid(), NULL);
    r.started_ms = 1;
    buf_init(&text, RECORD_MAX);
    assert_int_equal(record_format(&text, &r), 0);
    (void)snprintf(path, sizeof path, "%s/run/" ATTEMPT "/shim", data);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.data, 1, text.len, f), text.len);
    assert_int_equal(fclose(f), 0);
    buf_fini(&text);
}

static void remove_data(const char *data)
{
    static const char shim[] = "/run/" ATTEMPT "/shim", folder[] = "/run/" ATTEMPT;
    const char *const names[] = {shim, folder, "/run", ""};
    char path[256];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s%s", data, names[i]);
        assert_int_equal(remove(path), 0);
    }
}

/* CPU time of this process's children, in ms. */
static int64_t children_ms(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_CHILDREN, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static void burn(int64_t ms)
{
    struct rusage u;

    do
        (void)getrusage(RUSAGE_SELF, &u);
    while (u.ru_utime.tv_sec * 1000 + u.ru_utime.tv_usec / 1000 + u.ru_stime.tv_sec * 1000 + u.ru_stime.tv_usec / 1000 <
           ms);
}

/* A child that has computed, with a child of its own, and tells so by `ready`. */
static pid_t start_tree(int ready)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    if (fork()) {
        burn(100);
    } else {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        burn(100);
        (void)!write(ready, "1", 1);
    }
    for (;;)
        (void)pause();
}

static void what_lives_and_what_has_ended_counts(void **state)
{
    char data[64], byte;
    int ready[2];
    struct err e = {0};
    const char ids[2][ID_SIZE] = {ATTEMPT, OTHER};
    struct task_procs_look looks[2];

    (void)state;
    make_data(data);
    struct task_procs *t = task_procs_create(data, &e);
    assert_non_null(t);
    assert_int_equal(pipe(ready), 0);
    pid_t ended = fork();
    if (!ended) {
        burn(150);
        _exit(0);
    }
    assert_int_equal(waitpid(ended, NULL, 0), ended);
    const pid_t tree = start_tree(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(task_procs_look(t, ids, 2, looks, &e), 0);
    assert_true(looks[0].found);
    assert_false(looks[1].found);
    assert_int_equal(looks[0].processes, 2);
    assert_true(looks[0].memory > 0);
    assert_true(looks[0].read_bytes >= 0);
    assert_true(looks[0].cpu_ms >= children_ms() + 90); /* ticks are of 10 ms; the grandchild's 100 at least */
    assert_true(children_ms() >= 150);
    /* The grandchild ends with its parent; by whomever it is waited for, it is this task's no more. */
    assert_int_equal(kill(tree, SIGKILL), 0);
    assert_int_equal(waitpid(tree, NULL, 0), tree);
    assert_int_equal(task_procs_look(t, ids, 1, looks, &e), 0);
    assert_true(looks[0].found);
    assert_int_equal(looks[0].processes, 0);
    assert_int_equal(task_procs_look(t, ids, 0, looks, &e), 0);
    task_procs_destroy(t);
    remove_data(data);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

/* ---- traffic ---- */

enum { PART = 1 << 20 };

/* A connection of this process with itself. */
static int connect_pair(int ends[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int on = socket(AF_INET, SOCK_STREAM, 0);

    ends[0] = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(on, (struct sockaddr *)&at, len) || listen(on, 1) || getsockname(on, (struct sockaddr *)&at, &len) ||
        connect(ends[0], (struct sockaddr *)&at, len))
        return -1;
    ends[1] = accept(on, NULL, NULL);
    return close(on) || ends[1] < 0 ? -1 : 0;
}

static int move(const int ends[2], size_t bytes)
{
    static char text[16384];
    size_t got = 0;

    for (size_t sent = 0; sent < bytes; sent += sizeof text) {
        if (write(ends[0], text, sizeof text) != (ssize_t)sizeof text)
            return -1;
        for (ssize_t n; got < sent + sizeof text; got += (size_t)n)
            if ((n = read(ends[1], text, sizeof text)) <= 0)
                return -1;
    }
    return 0;
}

/* A child that moves a part at each order 'm', begins another connection at 'n', closes at 'c', leaves its network at
 * 'u', and says how that went; a grandchild holds the first connection, too. */
static pid_t start_mover(int orders, int answers)
{
    int ends[2] = {-1, -1};
    char order;
    const pid_t pid = fork();

    if (pid)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int rc = connect_pair(ends);
    if (!fork()) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            (void)pause();
    }
    while (read(orders, &order, 1) == 1) {
        if (order == 'm')
            rc = rc || move(ends, PART);
        else if (order == 'n')
            rc = rc || connect_pair(ends);
        else if (order == 'c')
            rc = rc || close(ends[0]) || close(ends[1]);
        else
            rc = unshare(CLONE_NEWUSER | CLONE_NEWNET);
        (void)!write(answers, rc ? "-" : "+", 1);
    }
    _exit(0);
}

static char do_order(const int fds[2], char order)
{
    char answer = '?';

    assert_int_equal(write(fds[1], &order, 1), 1);
    assert_int_equal(read(fds[0], &answer, 1), 1);
    return answer;
}

/* A look, in which so much more was moved each way than in the look before. */
static void moves(struct task_procs *t, int64_t *received, int64_t *sent, int64_t bytes)
{
    const char ids[1][ID_SIZE] = {ATTEMPT};
    struct task_procs_look look;
    struct err e = {0};

    assert_int_equal(task_procs_look(t, ids, 1, &look, &e), 0);
    assert_int_equal(look.processes, 2);
    assert_int_equal(look.received_bytes - *received, bytes);
    for (int i = 0; i < 1000 && look.sent_bytes - *sent < bytes; i++) { /* the last acknowledgement may be put off */
        (void)usleep(10000);
        assert_int_equal(task_procs_look(t, ids, 1, &look, &e), 0);
    }
    /* what is acknowledged has the beginning of each connection, too */
    assert_in_range(look.sent_bytes - *sent, bytes, bytes + 4);
    *received = look.received_bytes;
    *sent = look.sent_bytes;
}

static void what_connections_move_is_counted_once(void **state)
{
    char data[64];
    int orders[2], answers[2];
    int64_t received = 0, sent = 0;
    struct err e = {0};

    (void)state;
    make_data(data);
    struct task_procs *t = task_procs_create(data, &e);
    assert_non_null(t);
    assert_int_equal(pipe(orders), 0);
    assert_int_equal(pipe(answers), 0);
    const pid_t pid = start_mover(orders[0], answers[1]);
    const int fds[2] = {answers[0], orders[1]};
    assert_int_equal(do_order(fds, 'm'), '+');
    moves(t, &received, &sent, PART);
    moves(t, &received, &sent, 0);
    assert_int_equal(do_order(fds, 'm'), '+');
    assert_int_equal(do_order(fds, 'm'), '+');
    moves(t, &received, &sent, 2 * (int64_t)PART);
    assert_int_equal(do_order(fds, 'n'), '+'); /* the grandchild still has the first */
    assert_int_equal(do_order(fds, 'm'), '+');
    moves(t, &received, &sent, PART);
    assert_int_equal(do_order(fds, 'c'), '+');
    moves(t, &received, &sent, 0);
    assert_int_equal(do_order(fds, 'n'), '+');
    assert_int_equal(do_order(fds, 'm'), '+');
    assert_int_equal(do_order(fds, 'c'), '+'); /* nobody looked */
    moves(t, &received, &sent, 0);
    if (do_order(fds, 'u') == '+') { /* what goes on in a network of its own is not known, and not 0 */
        const char ids[1][ID_SIZE] = {ATTEMPT};
        struct task_procs_look look;

        assert_int_equal(task_procs_look(t, ids, 1, &look, &e), 0);
        assert_int_equal(look.received_bytes, -1);
        assert_int_equal(look.sent_bytes, -1);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    task_procs_destroy(t);
    remove_data(data);
    for (int i = 0; i < 2; i++) {
        (void)close(orders[i]);
        (void)close(answers[i]);
    }
}

/* A child that holds more descriptors than a look takes of one process, where it may ('+'). */
static pid_t start_hoarder(int ready)
{
    struct rlimit most;
    const pid_t pid = fork();

    if (pid)
        return pid;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    int count = 0;
    if (!getrlimit(RLIMIT_NOFILE, &most)) {
        most.rlim_cur = most.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &most);
    }
    while (count <= TASK_NET_PROCESS_FDS_MAX && dup(ready) >= 0)
        count++;
    (void)!write(ready, count > TASK_NET_PROCESS_FDS_MAX ? "+" : "-", 1);
    for (;;)
        (void)pause();
}

static void only_who_holds_too_many_is_not_known(void **state)
{
    struct task_net_sum many = {0}, few = {0};
    struct task_net *n = task_net_create();
    int ready[2];
    char answer;

    (void)state;
    assert_int_equal(pipe(ready), 0);
    const pid_t pid = start_hoarder(ready[1]);
    assert_int_equal(read(ready[0], &answer, 1), 1);
    if (n && answer == '+') {
        task_net_begin(n);
        task_net_add(n, pid, &many);
        task_net_add(n, getpid(), &few);
        assert_true(many.odd);
        assert_true(few.known);
        assert_false(few.odd);
    }
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    (void)close(ready[0]);
    (void)close(ready[1]);
    task_net_destroy(n);
    if (!n || answer != '+')
        skip();
}

static char out[PATH_MAX];

static int group(const char *text, const char *attempt, bool v2, const char *above, const char *root)
{
    struct task_procs_tree tree = {.v2 = v2};

    (void)snprintf(tree.above, sizeof tree.above, "%s", above);
    (void)snprintf(tree.root, sizeof tree.root, "%s", root);
    return task_procs_group(text, attempt, &tree, out);
}

static void groups_are_found_by_their_attempt(void **state)
{
    static const char v1[] = "5:devices:/drover.1/" ATTEMPT "\n4:memory:/box/1/drover.1/" ATTEMPT "\n0::/\n";
    static const char v2[] = "0::/system.slice/drover.service/drover.1/" ATTEMPT "/task\n";
    (void)state;
    assert_int_equal(group(v1, ATTEMPT, false, "", "/cg/memory"), 0);
    assert_string_equal(out, "/cg/memory/box/1/drover.1/" ATTEMPT);
    assert_int_equal(group(v1, ATTEMPT, false, "/box/1", "/cg/memory"), 0);
    assert_string_equal(out, "/cg/memory/drover.1/" ATTEMPT);
    assert_int_equal(group(v1, ATTEMPT, false, "/other", "/cg/memory"), -1);
    assert_int_equal(group(v1, OTHER, false, "", "/cg/memory"), -1);
    assert_int_equal(group(v1, ATTEMPT, true, "", "/cg"), -1);
    assert_int_equal(group(v2, ATTEMPT, true, "", "/cg"), 0);
    assert_string_equal(out, "/cg/system.slice/drover.service/drover.1/" ATTEMPT);
    assert_int_equal(group(v2, ATTEMPT, false, "", "/cg"), -1);
    assert_int_equal(group("4:memory:/x" ATTEMPT "\n", ATTEMPT, false, "", "/cg"), -1);
    assert_int_equal(group("4:memory:/" ATTEMPT "x\n", ATTEMPT, false, "", "/cg"), -1);
    assert_int_equal(group("4:cpu,memory:/" ATTEMPT, ATTEMPT, false, "", "/cg"), 0);
    assert_int_equal(group("4:memorylike:/" ATTEMPT, ATTEMPT, false, "", "/cg"), -1);
    assert_int_equal(group("", ATTEMPT, true, "", "/cg"), -1);
    assert_int_equal(group("nonsense", ATTEMPT, true, "", "/cg"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_lives_and_what_has_ended_counts), cmocka_unit_test(what_connections_move_is_counted_once),
        cmocka_unit_test(only_who_holds_too_many_is_not_known), cmocka_unit_test(groups_are_found_by_their_attempt)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
