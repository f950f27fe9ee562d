/* SPDX-License-Identifier: MIT
 *
 * Connections are known by the kernel's cookie, which is never used again, and found by their inode, which is what a
 * descriptor's link tells. What was counted of each is carried from look to look, so that one that several processes
 * hold counts once. Where a look does not know a task's traffic, what moved since the look before and until the next
 * one counts for nothing (metrics/task_use.c).
 */
#include "engines/local/task_net.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/log.h"

enum { REPLY_MAX = 65536, WAIT_S = 2 };

/* States of linux/tcp.h in which bytes may flow: of the kernel's numbers 1, 4, 5, 8, 9, 11. */
enum { STATES = 1 << 1 | 1 << 4 | 1 << 5 | 1 << 8 | 1 << 9 | 1 << 11 };

struct connection {
    uint64_t cookie;
    uint32_t inode;
    int64_t received, sent;
    int64_t counted_received, counted_sent; /* of these for a task */
};

struct connections {
    struct connection *rows; /* by inode in the look that is under way; by cookie in the last whole one before */
    int count;
};

struct task_net {
    int fd;
    uint32_t sequence;
    bool whole, told; /* this look has all connections; somebody was told of one that had not */
    int fds;          /* descriptors that may still be looked at */
    struct stat own;  /* the network of this process */
    struct connections now, before;
    char reply[REPLY_MAX];
};

/* ---- asking the kernel ---- */

static int by_inode(const void *a, const void *b)
{
    const struct connection *x = a, *y = b;

    return (x->inode > y->inode) - (x->inode < y->inode);
}

static int by_cookie(const void *a, const void *b)
{
    const struct connection *x = a, *y = b;

    return (x->cookie > y->cookie) - (x->cookie < y->cookie);
}

static int ask(struct task_net *n, unsigned char family)
{
    struct {
        struct nlmsghdr head;
        struct inet_diag_req_v2 what;
    } request = {.head = {.nlmsg_len = sizeof request,
                          .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                          .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
                          .nlmsg_seq = ++n->sequence},
                 .what = {.sdiag_family = family,
                          .sdiag_protocol = IPPROTO_TCP,
                          .idiag_ext = 1 << (INET_DIAG_INFO - 1),
                          .idiag_states = STATES}};

    return send(n->fd, &request, sizeof request, 0) == (ssize_t)sizeof request ? 0 : -1;
}

/* One connection; a kernel before 4.2 does not count bytes. */
static void take(struct task_net *n, const char *data, size_t len)
{
    struct inet_diag_msg m;
    struct tcp_info info;
    struct rtattr a;

    if (len < sizeof m)
        return;
    memcpy(&m, data, sizeof m);
    if (!m.idiag_inode) /* nobody's any more */
        return;
    for (size_t at = NLMSG_ALIGN(sizeof m); at + sizeof a <= len; at += RTA_ALIGN(a.rta_len)) {
        memcpy(&a, data + at, sizeof a);
        if (a.rta_len < sizeof a || at + a.rta_len > len)
            return;
        if (a.rta_type != INET_DIAG_INFO)
            continue;
        if (a.rta_len < sizeof a + offsetof(struct tcp_info, tcpi_bytes_received) + sizeof info.tcpi_bytes_received)
            return;
        if (n->now.count == TASK_NET_SOCKETS_MAX) {
            n->whole = false;
            return;
        }
        memset(&info, 0, sizeof info);
        memcpy(&info, data + at + sizeof a, a.rta_len - sizeof a < sizeof info ? a.rta_len - sizeof a : sizeof info);
        n->now.rows[n->now.count++] =
            (struct connection){.cookie = (uint64_t)m.id.idiag_cookie[1] << 32 | m.id.idiag_cookie[0],
                                .inode = m.idiag_inode,
                                .received = (int64_t)info.tcpi_bytes_received,
                                .sent = (int64_t)info.tcpi_bytes_acked};
        return;
    }
}

/* The messages of one reply. 1: there are more, 0: that was the last, -1. */
static int take_reply(struct task_net *n, size_t len)
{
    struct nlmsghdr h;

    for (size_t at = 0; at + sizeof h <= len; at += NLMSG_ALIGN(h.nlmsg_len)) {
        memcpy(&h, n->reply + at, sizeof h);
        if (h.nlmsg_len < sizeof h || at + h.nlmsg_len > len || h.nlmsg_type == NLMSG_ERROR)
            return -1;
        if (h.nlmsg_seq != n->sequence) /* of a question that was given up */
            continue;
        if (h.nlmsg_type == NLMSG_DONE)
            return 0;
        if (h.nlmsg_type == SOCK_DIAG_BY_FAMILY)
            take(n, n->reply + at + sizeof h, h.nlmsg_len - sizeof h);
    }
    return 1;
}

static int dump(struct task_net *n, unsigned char family)
{
    int rc = ask(n, family) ? -1 : 1;

    while (rc == 1) {
        const ssize_t len = recv(n->fd, n->reply, sizeof n->reply, 0);

        rc = len > 0 ? take_reply(n, (size_t)len) : -1;
    }
    return rc;
}

/* The look that has ended is the one before. */
static void keep(struct task_net *n)
{
    const struct connections spare = n->before;

    n->before = n->now;
    n->now = spare;
    if (n->before.count)
        qsort(n->before.rows, (size_t)n->before.count, sizeof *n->before.rows, by_cookie);
}

/* The kernel may tell a socket twice, where others come and go meanwhile. Of the two only one would be counted, and the
 * next look might take the other for what was there before. */
static void drop_twins(struct connections *c)
{
    int kept = 0;

    for (int i = 0; i < c->count; i++)
        if (!kept || c->rows[kept - 1].inode != c->rows[i].inode)
            c->rows[kept++] = c->rows[i];
    c->count = kept;
}

/* What was counted of connections that were there before. */
static void carry(struct task_net *n)
{
    for (int i = 0; n->before.count && i < n->now.count; i++) {
        struct connection *c = &n->now.rows[i];
        const struct connection *was = bsearch(c, n->before.rows, (size_t)n->before.count, sizeof *c, by_cookie);

        if (was) {
            c->counted_received = was->counted_received;
            c->counted_sent = was->counted_sent;
        }
    }
    if (n->now.count)
        qsort(n->now.rows, (size_t)n->now.count, sizeof *n->now.rows, by_inode);
    drop_twins(&n->now);
}

void task_net_begin(struct task_net *n)
{
    if (!n)
        return;
    if (n->whole)
        keep(n);
    n->now.count = 0;
    n->fds = TASK_NET_FDS_MAX;
    n->whole = true;
    if (dump(n, AF_INET) || dump(n, AF_INET6))
        n->whole = false;
    carry(n);
    if (!n->whole && !n->told)
        log_warn("task_traffic_unknown",
                 "what tasks send and receive is not known: the kernel does not tell the "
                 "connections, or there are more than %d",
                 TASK_NET_SOCKETS_MAX);
    n->told = !n->whole;
}

/* ---- whose they are ---- */

static void add_connection(struct task_net *n, uint32_t inode, struct task_net_sum *sum)
{
    const struct connection key = {.inode = inode};
    struct connection *c = n->now.count ? bsearch(&key, n->now.rows, (size_t)n->now.count, sizeof key, by_inode) : NULL;

    if (!c)
        return;
    sum->received += c->received - c->counted_received;
    sum->sent += c->sent - c->counted_sent;
    c->counted_received = c->received;
    c->counted_sent = c->sent;
}

static void add_descriptors(struct task_net *n, DIR *d, struct task_net_sum *sum)
{
    static const char word[] = "socket:[";
    const struct dirent *entry;
    char link[64];

    for (int left = TASK_NET_PROCESS_FDS_MAX; (entry = readdir(d));) {
        if (entry->d_name[0] == '.')
            continue;
        if (!left || !n->fds) {
            sum->odd = true;
            return;
        }
        left--;
        n->fds--;
        const ssize_t len = readlinkat(dirfd(d), entry->d_name, link, sizeof link - 1);
        if (len < (ssize_t)sizeof word || memcmp(link, word, sizeof word - 1) != 0)
            continue;
        link[len] = '\0';
        add_connection(n, (uint32_t)strtoul(link + sizeof word - 1, NULL, 10), sum);
    }
}

void task_net_add(struct task_net *n, pid_t pid, struct task_net_sum *sum)
{
    char path[40];
    struct stat st;

    if (!n || !n->whole)
        return;
    (void)snprintf(path, sizeof path, "/proc/%d/ns/net", (int)pid);
    if (stat(path, &st))
        return; /* it has gone, or is another user's */
    if (st.st_ino != n->own.st_ino || st.st_dev != n->own.st_dev) {
        sum->odd = true; /* its connections are not among these */
        return;
    }
    (void)snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *d = opendir(path);
    if (!d)
        return;
    sum->known = true;
    add_descriptors(n, d, sum);
    (void)closedir(d);
}

/* ---- life ---- */

struct task_net *task_net_create(void)
{
    struct task_net *n = calloc(1, sizeof *n);
    const struct timeval wait = {.tv_sec = WAIT_S};

    if (!n)
        return NULL;
    n->fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    n->now.rows = calloc(TASK_NET_SOCKETS_MAX, sizeof *n->now.rows);
    n->before.rows = calloc(TASK_NET_SOCKETS_MAX, sizeof *n->before.rows);
    if (n->fd >= 0 && n->now.rows && n->before.rows && !stat("/proc/self/ns/net", &n->own) &&
        !setsockopt(n->fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait))
        return n;
    log_info("task_traffic_unknown", "what tasks send and receive is not known: %s", strerrordesc_np(errno));
    task_net_destroy(n);
    return NULL;
}

void task_net_destroy(struct task_net *n)
{
    if (!n)
        return;
    if (n->fd >= 0)
        (void)close(n->fd);
    free(n->now.rows);
    free(n->before.rows);
    free(n);
}
