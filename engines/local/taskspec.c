/* SPDX-License-Identifier: MIT
 *
 * Task specs: fields as in proto.h, each string with its NUL inside, so that decoding copies nothing.
 */
#include "engines/local/taskspec.h"

#include <errno.h>
#include <fcntl.h>
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

enum taskspec_tag { TAG_ATTEMPT = 1, TAG_NONCE, TAG_BOOT, TAG_ON_HOST, TAG_GPU, TAG_SHELL, TAG_SCRIPT, TAG_ENV };

static void taskspec_put_string(struct buf *b, uint8_t tag, const char *s)
{
    (void)proto_put(b, tag, s, strlen(s) + 1);
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
    taskspec_put_string(b, TAG_SCRIPT, t->script);
    for (size_t i = 0; i < t->env_count; i++)
        taskspec_put_string(b, TAG_ENV, t->env[i]);
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
    case TAG_SCRIPT:
        t->script = (const char *)data;
        t->script_len = len - 1;
        return 0;
    case TAG_ENV:
        if (t->env_count >= TASKSPEC_ENV_MAX)
            return -1;
        t->env[t->env_count++] = (const char *)data;
        return 0;
    default:
        return -1;
    }
}

static int taskspec_field(struct taskspec *t, uint8_t tag, const uint8_t *data, size_t len)
{
    if (tag == TAG_ON_HOST) {
        t->on_host = true;
        return 0;
    }
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
