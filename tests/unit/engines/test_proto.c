/* SPDX-License-Identifier: MIT
 *
 * Packets, task specs and records: what goes in comes out, and nothing else is let in.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "engines/local/procs.h"
#include "engines/local/proto.h"
#include "engines/local/record.h"
#include "engines/local/taskspec.h"

#define ATTEMPT "01a20088-41c3-7f81-af99-25cbc40d5f19"

static void test_packet_round_trip(void **state)
{
    struct proto_msg m = {.type = PROTO_ENDED, .attempt = ATTEMPT, .pid = 7, .ticks = INT64_MAX, .number = -1};
    struct proto_msg back;
    uint8_t packet[PROTO_MAX];
    size_t len;

    (void)state;
    (void)snprintf(m.step, sizeof(m.step), "latch");
    memset(m.text, 'x', PROTO_TEXT - 1);
    m.text_len = PROTO_TEXT - 1;
    len = proto_encode(&m, packet);
    assert_true(len > PROTO_TEXT);
    assert_int_equal(proto_decode(packet, len, &back), 0);
    m.version = PROTO_VERSION;
    assert_memory_equal(&m, &back, sizeof(m));
    /* Cut anywhere, it is refused or has fewer fields; never more. */
    for (size_t cut = 0; cut < len; cut++)
        if (proto_decode(packet, cut, &back) == 0)
            assert_int_equal(back.text_len, 0);
}

static void test_other_version_is_only_greeted(void **state)
{
    struct proto_msg hello = {.type = PROTO_HELLO, .pid = 5}, start = {.type = PROTO_START, .attempt = ATTEMPT}, back;
    uint8_t packet[PROTO_MAX];
    size_t len;

    (void)state;
    len = proto_encode(&hello, packet);
    packet[4] = PROTO_VERSION + 1;
    assert_int_equal(proto_decode(packet, len, &back), 0);
    assert_int_equal(back.version, PROTO_VERSION + 1);
    assert_int_equal(back.pid, 0); /* its fields mean nothing to us */
    len = proto_encode(&start, packet);
    packet[4] = PROTO_VERSION + 1;
    assert_int_equal(proto_decode(packet, len, &back), -1);
}

static void test_descriptors_travel(void **state)
{
    struct proto_msg m = {.type = PROTO_START, .attempt = ATTEMPT}, back;
    int pair[2], fds[PROTO_FDS], pipes[2];
    char c = 0;

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
    assert_int_equal(proto_recv(pair[1], &back, fds), -1); /* nothing there: does not block */
    assert_int_equal(proto_send(pair[0], &m, pipes, 2), 0);
    assert_int_equal(proto_recv(pair[1], &back, fds), 1);
    assert_int_equal(fcntl(fds[0], F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(write(fds[1], "x", 1), 1);
    assert_int_equal(read(pipes[0], &c, 1), 1);
    assert_int_equal(c, 'x');
    /* Rubbish is told from the end, and its descriptors do not leak. */
    assert_int_equal(send(pair[0], "rubbish", 7, 0), 7);
    assert_int_equal(proto_recv(pair[1], &back, fds + 0), -1);
    (void)close(pair[0]);
    assert_int_equal(proto_recv(pair[1], &back, fds), 0);
    (void)close(pair[1]);
    (void)close(pipes[0]);
    (void)close(pipes[1]);
}

static void test_taskspec_round_trip(void **state)
{
    const char *env[] = {"A=1", "B=two words", NULL};
    struct taskspec t = {.attempt = ATTEMPT,
                         .nonce = "n",
                         .boot = "b",
                         .on_host = true,
                         .gpu_count = 2,
                         .gpus = {3, 63},
                         .shell = "/bin/sh",
                         .script = "echo '\n'",
                         .env = env,
                         .env_count = 2,
                         .user = "eve",
                         .guards = 9,
                         .memory_mb = 512,
                         .shm_mb = 64,
                         .rootfs = "/images/a",
                         .device_count = 1,
                         .devices = {"/dev/gpu3"},
                         .mount_count = 2,
                         .mounts = {{"/srv/a", "/mnt/a", false}, {"/srv/b", "/mnt/b", true}}};
    struct taskspec back;
    struct err e = {0};
    int fd = taskspec_to_fd(&t, &e);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "x", 1), -1); /* sealed */
    assert_int_equal(taskspec_from_fd(fd, &back, &e), 0);
    assert_string_equal(back.attempt, ATTEMPT);
    assert_string_equal(back.script, t.script);
    assert_int_equal(back.script_len, strlen(t.script));
    assert_string_equal(back.env[1], env[1]);
    assert_null(back.env[2]);
    assert_int_equal(back.gpus[1], 63);
    assert_true(back.on_host);
    assert_string_equal(back.user, "eve");
    assert_true(back.guards == 9 && back.memory_mb == 512 && back.shm_mb == 64 && back.pids == 0);
    assert_string_equal(back.rootfs, "/images/a");
    assert_string_equal(back.devices[0], "/dev/gpu3");
    assert_string_equal(back.mounts[1].source, "/srv/b");
    assert_string_equal(back.mounts[1].target, "/mnt/b");
    assert_true(back.mounts[1].read_only && !back.mounts[0].read_only);
    free(back.env);
    (void)close(fd);
    /* Not sealed: whoever made it could change it under us. */
    fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(taskspec_from_fd(fd, &back, &e), -1);
    (void)close(fd);
}

static void test_taskspec_paths_are_absolute(void **state)
{
    static const char *const bad[] = {"relative", "/a/../b", "/a/.."};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const char *env[] = {NULL};
        struct taskspec t = {.attempt = ATTEMPT, .shell = "/bin/sh", .script = "", .env = env, .rootfs = bad[i]}, back;
        struct err e = {0};
        int fd = taskspec_to_fd(&t, &e);

        assert_true(fd >= 0);
        assert_int_equal(taskspec_from_fd(fd, &back, &e), -1);
        (void)close(fd);
    }
}

static void test_record_round_trip(void **state)
{
    struct record r = {.attempt = ATTEMPT,
                       .nonce = "0123",
                       .boot = "boot",
                       .pid = 12,
                       .ticks = 34,
                       .started_ms = 56,
                       .on_host = true,
                       .gpu_count = 2,
                       .gpus = {0, 9},
                       .ended = true,
                       .code = -111,
                       .signal = 9,
                       .ended_ms = 78,
                       .bytes = {1, 2, 3},
                       .lost_bytes = 4,
                       .message = "two\nlines"};
    struct record back;
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    assert_int_equal(record_format(&b, &r), 0);
    assert_int_equal(record_parse(b.data, b.len, &back), 0);
    assert_string_equal(back.message, "two lines");
    memcpy(back.message, r.message, sizeof(r.message));
    assert_memory_equal(&r, &back, sizeof(r));
    /* A file cut short (never by us: it is renamed into place) is not taken for a whole one. */
    for (size_t cut = 0; cut < b.len; cut++)
        if (record_parse(b.data, cut, &back) == 0)
            assert_true(!back.ended || (back.code == r.code && back.ended_ms == r.ended_ms));
    buf_fini(&b);
}

static void test_process_identity(void **state)
{
    pid_t parent = 0;
    int64_t ticks = procs_start_ticks(getpid(), &parent);

    (void)state;
    assert_true(ticks > 0);
    assert_int_equal(parent, getppid());
    assert_false(procs_signal(getpid(), ticks + 1, 0));
    assert_true(procs_signal(getpid(), ticks, 0));
    assert_int_equal(procs_start_ticks(0x3fffffff, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packet_round_trip),
        cmocka_unit_test(test_other_version_is_only_greeted),
        cmocka_unit_test(test_descriptors_travel),
        cmocka_unit_test(test_taskspec_round_trip),
        cmocka_unit_test(test_taskspec_paths_are_absolute),
        cmocka_unit_test(test_record_round_trip),
        cmocka_unit_test(test_process_identity),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
