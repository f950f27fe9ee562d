/* SPDX-License-Identifier: MIT
 *
 * Task specs: fields as in proto.h, each string with its NUL inside, so that decoding copies nothing.
 */
#include "engines/local/taskspec.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "engines/local/proto.h"

#define TASKSPEC_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

enum taskspec_tag {
    TAG_ATTEMPT = 1,
    TAG_NONCE,
    TAG_BOOT,
    TAG_ON_HOST,
    TAG_GPU,
    TAG_SHELL,
    TAG_SCRIPT,
    TAG_ENV,
    TAG_USER,
    TAG_GUARDS,
    TAG_MEMORY,
    TAG_CPUS,
    TAG_PIDS,
    TAG_SHM,
    TAG_NO_NETWORK,
    TAG_ROOTFS,
    TAG_DEVICE,
    TAG_MOUNT,           /* source, target, each with its NUL */
    TAG_MOUNT_READ_ONLY, /* the same */
    TAG_CHECKPOINT,
    TAG_CODE,
    TAG_LOG,
    TAG_PLAIN, /* in place of TAG_SCRIPT */
    TAG_HOLD,
};

/* Numbers that are not negative. */
static const struct {
    uint8_t tag;
    size_t offset;
} taskspec_numbers[] = {
    {TAG_GUARDS, offsetof(struct taskspec, guards)}, {TAG_MEMORY, offsetof(struct taskspec, memory_mb)},
    {TAG_CPUS, offsetof(struct taskspec, cpus)},     {TAG_PIDS, offsetof(struct taskspec, pids)},
    {TAG_SHM, offsetof(struct taskspec, shm_mb)},    {TAG_LOG, offsetof(struct taskspec, log_mb)},
    {TAG_HOLD, offsetof(struct taskspec, hold)},
};

#define TASKSPEC_NUMBERS (sizeof(taskspec_numbers) / sizeof(taskspec_numbers[0]))

static void taskspec_put_string(struct buf *b, uint8_t tag, const char *s)
{
    if (s)
        (void)proto_put(b, tag, s, strlen(s) + 1);
}

static void taskspec_put_number(struct buf *b, uint8_t tag, int64_t v)
{
    uint8_t bytes[8];

    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)((uint64_t)v >> (8 * i));
    if (v != 0)
        (void)proto_put(b, tag, bytes, sizeof(bytes));
}

static void taskspec_put_mount(struct buf *b, const struct taskspec_mount *m)
{
    char both[2 * PATH_MAX];
    int n = snprintf(both, sizeof(both), "%s%c%s", m->source, '\0', m->target);

    if (n < 0 || (size_t)n >= sizeof(both))
        b->bad = true;
    else
        (void)proto_put(b, m->read_only ? TAG_MOUNT_READ_ONLY : TAG_MOUNT, both, (size_t)n + 1);
}

/* How the task is kept apart. */
static void taskspec_encode_guards(const struct taskspec *t, struct buf *b)
{
    taskspec_put_string(b, TAG_USER, t->user);
    for (size_t i = 0; i < TASKSPEC_NUMBERS; i++) {
        int64_t v;

        memcpy(&v, (const char *)t + taskspec_numbers[i].offset, sizeof(v));
        taskspec_put_number(b, taskspec_numbers[i].tag, v);
    }
    if (t->no_network)
        (void)proto_put(b, TAG_NO_NETWORK, NULL, 0);
    taskspec_put_string(b, TAG_ROOTFS, t->rootfs);
    taskspec_put_string(b, TAG_CHECKPOINT, t->checkpoint);
    taskspec_put_string(b, TAG_CODE, t->code);
    for (size_t i = 0; i < t->device_count; i++)
        taskspec_put_string(b, TAG_DEVICE, t->devices[i]);
    for (size_t i = 0; i < t->mount_count; i++)
        taskspec_put_mount(b, &t->mounts[i]);
}

static void taskspec_encode(const struct taskspec *t, struct buf *b)
{
    taskspec_put_string(b, TAG_ATTEMPT, t->attempt);
    taskspec_put_string(b, TAG_NONCE, t->nonce);
    taskspec_put_string(b, TAG_BOOT, t->boot);
    if (t->on_host)
        (void)proto_put(b, TAG_ON_HOST, NULL, 0);
    for (int i = 0; i < t->gpu_count; i++) {
        uint8_t index = (uint8_t)t->gpus[i];

        (void)proto_put(b, TAG_GPU, &index, 1);
    }
    taskspec_put_string(b, TAG_SHELL, t->shell);
    taskspec_put_string(b, t->plain ? TAG_PLAIN : TAG_SCRIPT, t->script);
    for (size_t i = 0; i < t->env_count; i++)
        taskspec_put_string(b, TAG_ENV, t->env[i]);
    taskspec_encode_guards(t, b);
}

int taskspec_to_fd(const struct taskspec *t, struct err *e)
{
    struct buf b;
    int fd = -1;

    buf_init(&b, TASKSPEC_MAX);
    taskspec_encode(t, &b);
    if (b.bad) {
        err_set(e, ERR_TOO_LARGE, "the task's environment and script are too large");
        goto out;
    }
    fd = memfd_create("drover-task", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || fs_write_all(fd, b.data, b.len) || fcntl(fd, F_ADD_SEALS, TASKSPEC_SEALS)) {
        err_errno(e, errno, "cannot make the task spec");
        if (fd >= 0)
            (void)close(fd);
        fd = -1;
    }
out:
    if (b.data)
        explicit_bzero(b.data, b.len);
    buf_fini(&b);
    return fd;
}

int taskspec_from_fd(int fd, struct taskspec *t, struct err *e)
{
    struct stat st;
    int seals = fcntl(fd, F_GET_SEALS);
    void *map;

    if (seals < 0 || (seals & TASKSPEC_SEALS) != TASKSPEC_SEALS)
        return err_set(e, ERR_INTERNAL, "the task spec is not sealed");
    if (fstat(fd, &st))
        return err_errno(e, errno, "cannot stat the task spec");
    if (st.st_size <= 0 || st.st_size > (off_t)TASKSPEC_MAX)
        return err_set(e, ERR_INTERNAL, "the task spec has %lld bytes", (long long)st.st_size);
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        return err_errno(e, errno, "cannot map the task spec");
    return taskspec_decode(map, (size_t)st.st_size, t, e);
}

static int taskspec_copy(char *out, size_t size, const uint8_t *data, size_t len)
{
    if (len > size)
        return -1;
    memcpy(out, data, len);
    return 0;
}

/* An absolute path without "..": what it names does not depend on where we are. */
static int taskspec_path(const char **out, const uint8_t *data, size_t len)
{
    const char *path = (const char *)data;

    if (path[0] != '/' || len > PATH_MAX || strstr(path, "/../") || (len > 3 && !strcmp(path + len - 4, "/..")))
        return -1;
    *out = path;
    return 0;
}

/* 1: the tag is no number's. */
static int taskspec_number(struct taskspec *t, uint8_t tag, const uint8_t *data, size_t len)
{
    uint64_t v = 0;
    size_t n = 0;

    while (n < TASKSPEC_NUMBERS && taskspec_numbers[n].tag != tag)
        n++;
    if (n == TASKSPEC_NUMBERS)
        return 1;
    for (size_t i = 0; i < 8 && len == 8; i++)
        v |= (uint64_t)data[i] << (8 * i);
    if (len != 8 || v > INT64_MAX)
        return -1;
    memcpy((char *)t + taskspec_numbers[n].offset, &v, sizeof(v));
    return 0;
}

static int taskspec_mount(struct taskspec *t, bool read_only, const uint8_t *data, size_t len)
{
    const uint8_t *end = memchr(data, '\0', len);
    struct taskspec_mount *m = &t->mounts[t->mount_count];
    size_t first = end ? (size_t)(end - data) + 1 : 0;

    if (t->mount_count >= TASKSPEC_MOUNTS_MAX || !end || first == len || data[len - 1] != '\0' ||
        memchr(data + first, '\0', len - first) != data + len - 1)
        return -1;
    m->read_only = read_only;
    t->mount_count++;
    return taskspec_path(&m->source, data, first) || taskspec_path(&m->target, data + first, len - first) ? -1 : 0;
}

/* One string field that was checked to end in its only NUL. */
static int taskspec_string(struct taskspec *t, uint8_t tag, const uint8_t *data, size_t len)
{
    switch (tag) {
    case TAG_ATTEMPT:
        return taskspec_copy(t->attempt, sizeof(t->attempt), data, len);
    case TAG_NONCE:
        return taskspec_copy(t->nonce, sizeof(t->nonce), data, len);
    case TAG_BOOT:
        return taskspec_copy(t->boot, sizeof(t->boot), data, len);
    case TAG_SHELL:
        t->shell = (const char *)data;
        return 0;
    case TAG_PLAIN:
    case TAG_SCRIPT:
        t->plain = tag == TAG_PLAIN;
        t->script = (const char *)data;
        t->script_len = len - 1;
        return 0;
    case TAG_ENV:
        if (t->env_count >= TASKSPEC_ENV_MAX)
            return -1;
        t->env[t->env_count++] = (const char *)data;
        return 0;
    case TAG_USER:
        t->user = (const char *)data;
        return 0;
    case TAG_CHECKPOINT:
        t->checkpoint = (const char *)data;
        return 0;
    case TAG_CODE:
        t->code = (const char *)data;
        return 0;
    case TAG_ROOTFS:
        return taskspec_path(&t->rootfs, data, len);
    case TAG_DEVICE:
        if (t->device_count >= TASKSPEC_DEVICES_MAX)
            return -1;
        return taskspec_path(&t->devices[t->device_count++], data, len);
    default:
        return -1;
    }
}

static int taskspec_field(struct taskspec *t, uint8_t tag, const uint8_t *data, size_t len)
{
    int rc = taskspec_number(t, tag, data, len);

    if (rc <= 0)
        return rc;
    if (tag == TAG_ON_HOST || tag == TAG_NO_NETWORK) {
        *(tag == TAG_ON_HOST ? &t->on_host : &t->no_network) = true;
        return 0;
    }
    if (tag == TAG_MOUNT || tag == TAG_MOUNT_READ_ONLY)
        return taskspec_mount(t, tag == TAG_MOUNT_READ_ONLY, data, len);
    if (tag == TAG_GPU) {
        if (len != 1 || t->gpu_count >= NODE_GPU_MAX || data[0] >= NODE_GPU_MAX)
            return -1;
        t->gpus[t->gpu_count++] = data[0];
        return 0;
    }
    if (len == 0 || memchr(data, '\0', len) != data + len - 1)
        return -1;
    return taskspec_string(t, tag, data, len);
}

int taskspec_decode(const uint8_t *data, size_t len, struct taskspec *t, struct err *e)
{
    const uint8_t *p = data, *field;
    size_t field_len;
    uint8_t tag;
    int rc;

    memset(t, 0, sizeof(*t));
    t->env = calloc(TASKSPEC_ENV_MAX + 1, sizeof(*t->env));
    if (!t->env)
        return err_set(e, ERR_INTERNAL, "out of memory");
    while ((rc = proto_next(&p, &len, &tag, &field, &field_len)) > 0)
        if (taskspec_field(t, tag, field, field_len))
            break;
    if (rc != 0 || !id_valid(t->attempt) || !t->shell || t->shell[0] != '/' || !t->script) {
        free(t->env);
        t->env = NULL;
        return err_set(e, ERR_INTERNAL, "the task spec is damaged");
    }
    return 0;
}
