/* SPDX-License-Identifier: MIT
 *
 * Packets of the engine, the spawner and the shims. SOCK_SEQPACKET keeps message borders, so framing is the kernel's
 * business and a damaged packet cannot shift the next one.
 */
#include "engines/local/proto.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"

#define PROTO_HEADER 8u
#define PROTO_FIELD 5u /* tag and length */

static const uint8_t proto_magic[4] = {'D', 'R', 'V', 'R'};

enum proto_tag { TAG_ATTEMPT = 1, TAG_STEP, TAG_PID, TAG_TICKS, TAG_NUMBER, TAG_TEXT, TAG_END };

static void proto_le32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static uint32_t proto_rd32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

int proto_put(struct buf *out, uint8_t tag, const void *data, size_t len)
{
    uint8_t head[PROTO_FIELD] = {tag};

    if (len > UINT32_MAX)
        return -1;
    proto_le32(head + 1, (uint32_t)len);
    if (buf_add(out, head, sizeof(head)))
        return -1;
    return len > 0 ? buf_add(out, data, len) : 0;
}

int proto_next(const uint8_t **p, size_t *left, uint8_t *tag, const uint8_t **data, size_t *len)
{
    if (*left == 0)
        return 0;
    if (*left < PROTO_FIELD)
        return -1;
    *tag = (*p)[0];
    *len = proto_rd32(*p + 1);
    if (*len > *left - PROTO_FIELD)
        return -1;
    *data = *p + PROTO_FIELD;
    *p = *data + *len;
    *left -= PROTO_FIELD + *len;
    return 1;
}

/* Where a tag's value lives in struct proto_msg. */
static const struct {
    enum { FIELD_STRING, FIELD_NUMBER, FIELD_TEXT } kind;
    size_t offset;
    size_t size;
} proto_fields[TAG_END] = {
    [TAG_ATTEMPT] = {FIELD_STRING, offsetof(struct proto_msg, attempt), ID_SIZE},
    [TAG_STEP] = {FIELD_STRING, offsetof(struct proto_msg, step), 32},
    [TAG_PID] = {FIELD_NUMBER, offsetof(struct proto_msg, pid), 8},
    [TAG_TICKS] = {FIELD_NUMBER, offsetof(struct proto_msg, ticks), 8},
    [TAG_NUMBER] = {FIELD_NUMBER, offsetof(struct proto_msg, number), 8},
    [TAG_TEXT] = {FIELD_TEXT, offsetof(struct proto_msg, text), PROTO_TEXT},
};

static int proto_encode_field(struct buf *b, const struct proto_msg *m, uint8_t tag)
{
    const char *at = (const char *)m + proto_fields[tag].offset;
    uint8_t number[8];
    int64_t v;

    switch (proto_fields[tag].kind) {
    case FIELD_STRING:
        return *at ? proto_put(b, tag, at, strnlen(at, proto_fields[tag].size - 1)) : 0;
    case FIELD_NUMBER:
        memcpy(&v, at, sizeof(v));
        if (v == 0)
            return 0;
        proto_le32(number, (uint32_t)(uint64_t)v);
        proto_le32(number + 4, (uint32_t)((uint64_t)v >> 32));
        return proto_put(b, tag, number, sizeof(number));
    case FIELD_TEXT:
        return m->text_len > 0 ? proto_put(b, tag, at, m->text_len < PROTO_TEXT ? m->text_len : PROTO_TEXT - 1) : 0;
    }
    return -1;
}

size_t proto_encode(const struct proto_msg *m, uint8_t out[PROTO_MAX])
{
    uint8_t head[PROTO_HEADER] = {0};
    struct buf b;
    size_t len = 0;

    buf_init(&b, PROTO_MAX);
    memcpy(head, proto_magic, sizeof(proto_magic));
    head[4] = PROTO_VERSION;
    head[5] = (uint8_t)m->type;
    (void)buf_add(&b, head, sizeof(head));
    for (unsigned tag = 1; tag < TAG_END; tag++)
        (void)proto_encode_field(&b, m, (uint8_t)tag);
    if (!b.bad && b.len <= PROTO_MAX) {
        len = b.len;
        memcpy(out, b.data, len);
    }
    buf_fini(&b);
    return len;
}

/* Stores one field's value. Strings hold no NUL and fit; a field comes at most once. */
static int proto_decode_field(struct proto_msg *m, uint8_t tag, const uint8_t *data, size_t len)
{
    char *at = (char *)m + proto_fields[tag].offset;
    uint64_t v;

    if (proto_fields[tag].kind == FIELD_NUMBER) {
        if (len != 8)
            return -1;
        v = (uint64_t)proto_rd32(data) | (uint64_t)proto_rd32(data + 4) << 32;
        memcpy(at, &v, sizeof(v));
        return 0;
    }
    if (len >= proto_fields[tag].size || memchr(data, '\0', len))
        return -1;
    memcpy(at, data, len);
    at[len] = '\0';
    if (proto_fields[tag].kind == FIELD_TEXT)
        m->text_len = len;
    return 0;
}

/* The header. 1 when fields of our version follow, 0 when nothing more is to be read, -1 when it is none of ours. */
static int proto_decode_header(const uint8_t *p, size_t len, struct proto_msg *m)
{
    if (len < PROTO_HEADER || len > PROTO_MAX || memcmp(p, proto_magic, sizeof(proto_magic)) != 0)
        return -1;
    m->version = p[4];
    if (p[5] == 0 || p[5] >= PROTO_TYPE_END || p[6] || p[7])
        return -1;
    m->type = (enum proto_type)p[5];
    if (m->version == PROTO_VERSION)
        return 1;
    /* The header of these two never changes, so that two versions can tell each other apart; their fields may. */
    return m->type == PROTO_HELLO || m->type == PROTO_QUIT ? 0 : -1;
}

int proto_decode(const void *data, size_t len, struct proto_msg *m)
{
    const uint8_t *p = data, *field;
    uint32_t seen = 0;
    size_t field_len;
    uint8_t tag;
    int rc;

    memset(m, 0, sizeof(*m));
    rc = proto_decode_header(p, len, m);
    if (rc <= 0)
        return rc;
    p += PROTO_HEADER;
    len -= PROTO_HEADER;
    while ((rc = proto_next(&p, &len, &tag, &field, &field_len)) > 0) {
        if (tag == 0 || tag >= TAG_END || (seen & 1u << tag) || proto_decode_field(m, tag, field, field_len))
            return -1;
        seen |= 1u << tag;
    }
    if (rc < 0 || (m->attempt[0] && !id_valid(m->attempt)))
        return -1;
    return 0;
}

int proto_send(int sock, const struct proto_msg *m, const int *fds, size_t nfds)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(PROTO_FDS * sizeof(int))];
    } control = {0};
    uint8_t packet[PROTO_MAX];
    struct iovec iov = {.iov_base = packet, .iov_len = proto_encode(m, packet)};
    struct msghdr mh = {.msg_iov = &iov, .msg_iovlen = 1};
    ssize_t n;

    if (iov.iov_len == 0 || nfds > PROTO_FDS) {
        errno = EMSGSIZE;
        return -1;
    }
    if (nfds > 0) {
        struct cmsghdr *c;

        mh.msg_control = control.bytes;
        mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
        c = CMSG_FIRSTHDR(&mh);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(nfds * sizeof(int));
        memcpy(CMSG_DATA(c), fds, nfds * sizeof(int));
    }
    do
        n = sendmsg(sock, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    return n < 0 ? -1 : 0;
}

/* Takes the descriptors out of a received message; more than we have room for are closed. */
static void proto_take_fds(struct msghdr *mh, int fds[PROTO_FDS])
{
    size_t have = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
        size_t n = c->cmsg_len - CMSG_LEN(0);

        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t i = 0; i + sizeof(int) <= n; i += sizeof(int)) {
            int fd;

            memcpy(&fd, CMSG_DATA(c) + i, sizeof(fd));
            if (have < PROTO_FDS)
                fds[have++] = fd;
            else
                (void)close(fd);
        }
    }
}

int proto_recv(int sock, struct proto_msg *m, int fds[PROTO_FDS])
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(PROTO_FDS * sizeof(int))];
    } control;
    uint8_t packet[PROTO_MAX];
    struct iovec iov = {.iov_base = packet, .iov_len = sizeof(packet)};
    struct msghdr mh = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes)};
    ssize_t n;

    for (size_t i = 0; i < PROTO_FDS; i++)
        fds[i] = -1;
    do
        n = recvmsg(sock, &mh, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return errno == ECONNRESET ? 0 : -1;
    if (n == 0)
        return 0;
    proto_take_fds(&mh, fds);
    if (!(mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && proto_decode(packet, (size_t)n, m) == 0)
        return 1;
    for (size_t i = 0; i < PROTO_FDS; i++) {
        if (fds[i] >= 0)
            (void)close(fds[i]);
        fds[i] = -1;
    }
    errno = EBADMSG;
    return -1;
}

bool proto_peer_ok(int sock, uid_t uid, pid_t *pid)
{
    struct ucred c = {0};
    socklen_t len = sizeof(c);

    if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &c, &len))
        return false;
    *pid = c.pid;
    return c.uid == uid || c.uid == 0;
}

/* A socket and the address of `name` in `dirfd`: sun_path holds 108 bytes, a data folder's path may be longer. */
static int proto_socket(int dirfd, const char *name, struct sockaddr_un *a)
{
    int n;

    memset(a, 0, sizeof(*a));
    a->sun_family = AF_UNIX;
    n = snprintf(a->sun_path, sizeof(a->sun_path), "/proc/self/fd/%d/%s", dirfd, name);
    if (n < 0 || (size_t)n >= sizeof(a->sun_path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

int proto_connect(int dirfd, const char *name)
{
    struct sockaddr_un a;
    int fd = proto_socket(dirfd, name, &a);

    if (fd < 0)
        return -1;
    if (connect(fd, (struct sockaddr *)&a, sizeof(a))) {
        int saved = errno;

        (void)close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

int proto_listen(int dirfd, const char *name)
{
    struct sockaddr_un a;
    int fd = proto_socket(dirfd, name, &a);
    int rc;

    if (fd < 0)
        return -1;
    rc = bind(fd, (struct sockaddr *)&a, sizeof(a));
    if (rc && errno == EADDRINUSE) {
        (void)unlinkat(dirfd, name, 0);
        rc = bind(fd, (struct sockaddr *)&a, sizeof(a));
    }
    if (rc || listen(fd, 64)) {
        int saved = errno;

        (void)close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}
