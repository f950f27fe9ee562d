/* SPDX-License-Identifier: MIT
 *
 * The local engine runs tasks: exit codes, signals, environment, output, GPUs, ports, images, many at once.
 */
#include "rig.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>

#define PORT_TRIES 20

static void test_node_is_told_first(void **state)
{
    struct rig *r = *state;
    struct rig_event first;
    struct node node;

    (void)rig_wait(r, ENGINE_READY, NULL);
    (void)pthread_mutex_lock(&r->lock); /* the guard's report may still replace the node */
    first = r->events[0];
    node = r->node;
    (void)pthread_mutex_unlock(&r->lock);
    assert_int_equal(first.kind, ENGINE_NODE);
    assert_string_equal(node.name, "test");
    assert_true(node.cpus >= 1);
    assert_true(node.memory_mb > 100);
    assert_int_equal(node.gpu_count, 4);
    assert_true(node.gpus[3].simulated);
    assert_true(node.up);
    assert_true(id_valid(node.boot_id));
}

static void test_runs_and_ends(void **state)
{
    struct rig *r = *state;
    struct rig_event confirmed, started, exited;
    char id[ID_SIZE];

    rig_launch(r, id, "echo \"$GREETING $PAI_USER_NAME $DROVER_JOB\"; echo oops >&2; exit 7");
    exited = rig_wait(r, ENGINE_EXITED, id);
    confirmed = rig_wait(r, ENGINE_CONFIRMED, id);
    started = rig_wait(r, ENGINE_STARTED, id);
    assert_int_equal(exited.code, 7);
    assert_int_equal(exited.signal, 0);
    assert_true(confirmed.on_host);
    assert_int_equal(confirmed.gpu_count, 0);
    assert_true(confirmed.seq < started.seq && started.seq < exited.seq);
    assert_true(started.wall_ms > 0 && exited.wall_ms >= started.wall_ms);
    rig_expect_file(r, id, "stdout", "hello eve eve~job\n");
    rig_expect_file(r, id, "stderr", "oops\n");
    rig_expect_file(r, id, "all", "hello eve eve~job\noops\n");
}

static void test_shows_how_it_ended(void **state)
{
    static const struct {
        const char *script;
        int code, signal;
    } cases[] = {
        {"exit 0", 0, 0},
        {"exit 255", 255, 0},
        {"kill -KILL $$", 137, SIGKILL},
        {"kill -SEGV $$", 139, SIGSEGV},
        {"no-such-command-here", 127, 0},
        {"", 0, 0},
    };
    struct rig *r = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct rig_event ev;
        char id[ID_SIZE];

        rig_launch(r, id, cases[i].script);
        ev = rig_wait(r, ENGINE_EXITED, id);
        assert_int_equal(ev.code, cases[i].code);
        assert_int_equal(ev.signal, cases[i].signal);
    }
}

/* One plain command is started without a shell, whatever a shell could read otherwise with one: no difference to see.
 */
static void test_plain_commands_need_no_shell(void **state)
{
    static const struct {
        const char *script, *output;
        int code;
    } rows[] = {
        {"/bin/echo  one two/3 --a=b,c:d", NULL, 0}, /* '=' goes to the shell, which also folds the spaces */
        {"/bin/echo  one two/3\n", "one two/3\n", 0},
        {"/bin/echo $((1 + 1))", "2\n", 0},
        {"/bin/echo a; /bin/echo b", "a\nb\n", 0},
        {"/bin/echo a\n/bin/echo b", "a\nb\n", 0},
        {"/bin/false", "", 1},
        {"/nonexistent/program", "", 127},
    };
    struct rig *r = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char id[ID_SIZE];

        rig_launch(r, id, rows[i].script);
        assert_int_equal(rig_wait_end(r, id).code, rows[i].code);
        if (rows[i].output)
            rig_expect_file(r, id, "stdout", rows[i].output);
    }
}

static void test_environment_is_clean(void **state)
{
    struct rig *r = *state;
    char id[ID_SIZE];
    char *out;

    assert_int_equal(setenv("SERVER_SECRET", "hidden", 1), 0);
    rig_launch(
        r, id,
        "env | cut -d= -f1 | sort | tr '\\n' ' '; echo; pwd; echo \"$PAI_WORK_DIR\"; ls /proc/self/fd | wc -l;"
        "umask; cat /proc/self/status | grep -E '^Sig(Blk|Ign)'; read line; echo eof=$?; echo $DROVER_TASK_ATTEMPT");
    assert_int_equal(rig_wait(r, ENGINE_EXITED, id).code, 0);
    out = rig_file(r, id, "stdout", NULL);
    assert_null(strstr(out, "SERVER_SECRET"));
    assert_non_null(strstr(out, "CUDA_VISIBLE_DEVICES"));
    assert_non_null(strstr(out, "HOME"));
    assert_non_null(strstr(out, "LANG"));
    assert_non_null(strstr(out, "PATH"));
    assert_non_null(strstr(out, "TMPDIR"));
    assert_non_null(strstr(out, "\n4\n")); /* 0, 1, 2 and the folder that ls reads */
    assert_non_null(strstr(out, "\n0077\n"));
    assert_non_null(strstr(out, "SigBlk:\t0000000000000000\n"));
    assert_non_null(strstr(out, "SigIgn:\t"));
    /* 32 and 33 belong to the C library, which keeps them as they came. */
    assert_int_equal(strtoull(strstr(out, "SigIgn:\t") + 8, NULL, 16) & ~(3ull << 31), 0);
    assert_non_null(strstr(out, "eof=1\n"));
    assert_non_null(strstr(out, id));
    free(out);
}

static void test_output_is_exact(void **state)
{
    struct rig *r = *state;
    size_t out_len, err_len, all_len;
    char *out, *err, *all;
    size_t at[2] = {0, 0};
    char id[ID_SIZE];

    /* 1 MiB of every byte value on each stream, from two writers at once. */
    rig_launch(r, id,
               "gen() { i=0; while [ $i -lt 256 ]; do printf \"\\\\x$(printf %x $i)\"; i=$((i+1)); done; };"
               "gen > block; cat block block block block block block block block > b8;"
               "for i in 1 2 3 4 5 6 7 8; do cat b8; done > b64; for i in 1 2 3 4 5 6 7 8; do cat b64; done > b512;"
               "for i in 1 2 3 4 5 6 7 8; do cat b512; done & for i in 1 2 3 4 5 6 7 8; do cat b512; done >&2; wait");
    assert_int_equal(rig_wait(r, ENGINE_EXITED, id).code, 0);
    out = rig_file(r, id, "stdout", &out_len);
    err = rig_file(r, id, "stderr", &err_len);
    all = rig_file(r, id, "all", &all_len);
    assert_int_equal(out_len, 1u << 20);
    assert_int_equal(err_len, 1u << 20);
    assert_int_equal(all_len, 2u << 20);
    assert_memory_equal(out, err, out_len);
    for (size_t i = 0; i < out_len; i++)
        assert_int_equal((unsigned char)out[i], i & 255u);
    /* `all` is a merge of both: each byte continues one of the two (all bytes of a block differ, so greedy is exact
     * but where both are at the same place, and there either will do). */
    for (size_t i = 0; i < all_len; i++) {
        int from = (unsigned char)all[i] == (at[0] & 255u) ? 0 : 1;

        assert_int_equal((unsigned char)all[i], at[from] & 255u);
        at[from]++;
    }
    free(out);
    free(err);
    free(all);
}

static void test_repeated_launch_starts_once(void **state)
{
    struct rig *r = *state;
    char id[ID_SIZE];

    id_make(clock_read().wall, id);
    for (int i = 0; i < 20; i++)
        rig_give(r, rig_order(ENGINE_LAUNCH, id, "echo $$ >> witness; sleep 0.05"));
    (void)rig_wait(r, ENGINE_EXITED, id);
    for (int i = 0; i < 20; i++)
        rig_give(r, rig_order(ENGINE_LAUNCH, id, "echo $$ >> witness"));
    (void)rig_wait_nth(r, ENGINE_EXITED, id, 20); /* told again each time */
    /* And by an engine that knows nothing of it. */
    rig_stop(r);
    rig_engine(r);
    rig_start(r);
    rig_give(r, rig_order(ENGINE_LAUNCH, id, "echo $$ >> witness"));
    assert_int_equal(rig_wait(r, ENGINE_EXITED, id).code, 0);
    {
        char *w = rig_file(r, id, "work/witness", NULL);

        assert_non_null(strchr(w, '\n'));
        assert_null(strchr(strchr(w, '\n') + 1, '\n'));
        free(w);
    }
}

static void test_gpus_are_not_shared(void **state)
{
    struct rig *r = *state;
    char a[ID_SIZE], b[ID_SIZE], c[ID_SIZE];
    struct engine_order *o;
    const char *script = "echo $CUDA_VISIBLE_DEVICES; while [ ! -e stop ]; do sleep 0.01; done";
    char stop[128];

    id_make(clock_read().wall, a);
    id_make(clock_read().wall, b);
    id_make(clock_read().wall, c);
    o = rig_order(ENGINE_LAUNCH, a, script);
    o->launch->gpu_count = 1;
    rig_give(r, o);
    assert_int_equal(rig_wait(r, ENGINE_CONFIRMED, a).gpus[0], 0);
    o = rig_order(ENGINE_LAUNCH, b, script);
    o->launch->gpu_count = 3;
    rig_give(r, o);
    assert_int_equal(rig_wait(r, ENGINE_CONFIRMED, b).gpu_count, 3);
    assert_int_equal(rig_wait(r, ENGINE_CONFIRMED, b).gpus[0], 1);
    assert_int_equal(rig_wait(r, ENGINE_CONFIRMED, b).gpus[2], 3);
    o = rig_order(ENGINE_LAUNCH, c, script);
    o->launch->gpu_count = 1;
    rig_give(r, o);
    assert_int_equal(rig_wait(r, ENGINE_REFUSED, c).code, -120);
    (void)snprintf(stop, sizeof(stop), "%s/run/%s/work/stop", r->data, a);
    assert_int_equal(fs_write_atomic(stop, "", 0, 0600, NULL), 0);
    assert_int_equal(rig_wait(r, ENGINE_EXITED, a).code, 0);
    id_make(clock_read().wall, c);
    o = rig_order(ENGINE_LAUNCH, c, "echo $CUDA_VISIBLE_DEVICES,$NVIDIA_VISIBLE_DEVICES");
    o->launch->gpu_count = 1;
    rig_give(r, o);
    (void)rig_wait(r, ENGINE_EXITED, c);
    rig_expect_file(r, c, "stdout", "0,0\n");
    rig_expect_file(r, b, "stdout", "1,2,3\n");
    rig_order_stop(r, b, 1000);
    (void)rig_wait(r, ENGINE_EXITED, b);
}

/* What is free of the wishes, then the lowest. */
static void test_wished_gpus_are_given(void **state)
{
    static const int pair[] = {2, 3}, others[] = {3, 1};
    struct rig *r = *state;
    char a[ID_SIZE], b[ID_SIZE];
    struct rig_event ev;

    id_make(clock_read().wall, a);
    id_make(clock_read().wall, b);
    struct engine_order *o = rig_order(ENGINE_LAUNCH, a, "sleep 1000; :");
    o->launch->gpu_count = 2;
    o->launch->gpus = pair;
    rig_give(r, o);
    ev = rig_wait(r, ENGINE_CONFIRMED, a);
    assert_int_equal(ev.gpus[0], 2);
    assert_int_equal(ev.gpus[1], 3);
    o = rig_order(ENGINE_LAUNCH, b, "sleep 1000; :");
    o->launch->gpu_count = 2;
    o->launch->gpus = others;
    rig_give(r, o);
    ev = rig_wait(r, ENGINE_CONFIRMED, b);
    assert_int_equal(ev.gpus[0], 1);
    assert_int_equal(ev.gpus[1], 0);
    rig_order_stop(r, a, 0);
    rig_order_stop(r, b, 0);
    (void)rig_wait(r, ENGINE_EXITED, a);
    (void)rig_wait(r, ENGINE_EXITED, b);
}

/* Runs something that wants the port; how that ended. */
static struct rig_event run_with_port(struct rig *r, const int *port)
{
    struct engine_order *o;
    char id[ID_SIZE];

    id_make(clock_read().wall, id);
    o = rig_order(ENGINE_LAUNCH, id, "exit 0");
    o->launch->ports = port;
    o->launch->port_count = 1;
    rig_give(r, o);
    return rig_wait_end(r, id);
}

/* A listener on a port that the kernel chose. */
static int listen_anywhere(int *port)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *port = ntohs(a.sin_port);
    return fd;
}

/* A port that was let go may be somebody else's the next moment, on a machine where others work: then another one. */
static void test_port_in_use_is_refused(void **state)
{
    struct rig *r = *state;
    struct rig_event ev = {0};
    int port;

    for (int i = 0; i < PORT_TRIES && ev.kind != ENGINE_EXITED; i++) {
        int fd = listen_anywhere(&port);

        ev = run_with_port(r, &port);
        assert_int_equal(ev.kind, ENGINE_REFUSED);
        assert_int_equal(ev.code, 253);
        assert_int_equal(ev.busy_port, port);
        (void)close(fd);
        ev = run_with_port(r, &port);
    }
    assert_int_equal(ev.kind, ENGINE_EXITED);
}

/* A port that was used a moment ago: its last connection is in TIME_WAIT, which keeps no server from listening. */
static int port_used_before(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET};
    socklen_t len = sizeof(a);
    int on = 1, peer, client, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char c;

    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(client, (struct sockaddr *)&a, sizeof(a)), 0);
    peer = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    (void)close(peer); /* the server's side ends first */
    assert_int_equal(read(client, &c, 1), 0);
    (void)close(client);
    (void)close(fd);
    return ntohs(a.sin_port);
}

static void test_port_used_before_is_free(void **state)
{
    struct rig *r = *state;
    struct rig_event ev = {0};
    int port;

    for (int i = 0; i < PORT_TRIES && ev.kind != ENGINE_EXITED; i++) {
        port = port_used_before();
        ev = run_with_port(r, &port);
    }
    assert_int_equal(ev.kind, ENGINE_EXITED);
}

static void test_image_is_refused(void **state)
{
    struct rig *r = *state;
    struct engine_order *o;
    char id[ID_SIZE];

    id_make(clock_read().wall, id);
    o = rig_order(ENGINE_LAUNCH, id, "exit 0");
    o->launch->image_on_host = false;
    rig_give(r, o);
    assert_int_equal(rig_wait(r, ENGINE_REFUSED, id).code, 254);
    assert_non_null(strstr(rig_wait(r, ENGINE_REFUSED, id).message, "example/image"));
}

static void test_checkpoints_have_a_folder(void **state)
{
    struct rig *r = *state;
    char expect[200], id[ID_SIZE];
    struct engine_order *o;

    id_make(clock_read().wall, id);
    o = rig_order(ENGINE_LAUNCH, id, "touch \"$DROVER_CHECKPOINT_DIR/step\" && echo \"$DROVER_CHECKPOINT_DIR\"");
    o->launch->checkpoint_name = "train";
    rig_give(r, o);
    assert_int_equal(rig_wait(r, ENGINE_EXITED, id).code, 0);
    (void)snprintf(expect, sizeof(expect), "%s/checkpoints/eve/train\n", r->data);
    rig_expect_file(r, id, "stdout", expect);
    id_make(clock_read().wall, id);
    o = rig_order(ENGINE_LAUNCH, id, "exit 0");
    o->launch->checkpoint_name = "../../etc";
    rig_give(r, o);
    assert_int_equal(rig_wait(r, ENGINE_REFUSED, id).code, -120);
}

static void test_secrets_do_not_stay(void **state)
{
    struct rig *r = *state;
    char path[200], id[ID_SIZE];
    struct stat st;

    rig_launch(r, id, "stat -c %a ../script; : canary");
    (void)rig_wait(r, ENGINE_EXITED, id);
    rig_expect_file(r, id, "stdout", "600\n");
    (void)snprintf(path, sizeof(path), "%s/run/%s/script", r->data, id);
    assert_int_equal(stat(path, &st), -1);
}

static void test_many_quick_tasks(void **state)
{
    enum { MANY = 200 };
    struct rig *r = *state;
    static char ids[MANY][ID_SIZE];

    for (int i = 0; i < MANY; i++)
        rig_launch(r, ids[i], "exec /bin/true");
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(rig_wait(r, ENGINE_EXITED, ids[i]).code, 0);
        rig_give(r, rig_order(ENGINE_FORGET, ids[i], NULL));
    }
    for (int i = 0; i < MANY; i++)
        assert_int_equal(rig_count(r, ENGINE_EXITED, ids[i]), 1);
}

static void test_short_of_descriptors(void **state)
{
    enum { MANY = 30 };
    struct rig *r = *state;
    static char ids[MANY][ID_SIZE];
    struct rlimit limit, low;
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);

    /* One descriptor a running task: room for about six. */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    low = limit;
    low.rlim_cur = (rlim_t)next + 10;
    (void)close(next);
    (void)rig_wait(r, ENGINE_READY, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    for (int i = 0; i < MANY; i++)
        rig_launch(r, ids[i], "sleep 0.1; exit 6");
    for (int i = 0; i < MANY; i++)
        assert_int_equal(rig_wait_end(r, ids[i]).code, 6);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_node_is_told_first, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_runs_and_ends, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_shows_how_it_ended, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_plain_commands_need_no_shell, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_environment_is_clean, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_output_is_exact, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_repeated_launch_starts_once, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_gpus_are_not_shared, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_wished_gpus_are_given, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_port_in_use_is_refused, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_port_used_before_is_free, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_image_is_refused, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_checkpoints_have_a_folder, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_secrets_do_not_stay, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_many_quick_tasks, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_short_of_descriptors, rig_setup, rig_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
