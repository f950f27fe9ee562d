/* SPDX-License-Identifier: MIT
 *
 * The server: socket, daemon, callbacks and shutdown. libmicrohttpd runs a pool of epoll threads; a connection stays
 * with one of them for its life, so everything about a request happens on one thread, but for parked ones.
 */
#include "server/http/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/log.h"
#include "server/http/request_impl.h"
#include "server/http/tls.h"

#define CONNECTION_MEMORY (32u * 1024)
#define INACTIVITY_S 60u /* of a client that does not read its stream; everything else has absolute deadlines */
#define BACKLOG 1024
#define REQUEST_MEMORY (4u * 1024 * 1024) /* of one request's arena */
#define ARENAS_READY 128                  /* requests under way at once, ordinarily */
#define HELD_MAX (128u * 1024 * 1024)
#define STOP_ROUNDS 10
#define STOP_WAIT_MS 100
#define SHORT_MS 50 /* between two tries to accept without descriptors */

static void set_defaults(struct http_config *c)
{
    if (!c->address)
        c->address = "127.0.0.1";
    if (!c->threads)
        c->threads = 2;
    if (!c->connections)
        c->connections = 1024;
    if (!c->per_ip)
        c->per_ip = 512;
    if (!c->header_ms)
        c->header_ms = 10000;
    if (!c->body_ms)
        c->body_ms = 12000;
    if (!c->body_ms_per_64k)
        c->body_ms_per_64k = 1000;
    if (!c->held_max)
        c->held_max = HELD_MAX;
    if (!c->idle_ms)
        c->idle_ms = 30000;
    if (!c->clock)
        c->clock = clock_read;
}

/* ---- callbacks of libmicrohttpd ---- */

static void on_log(void *cls, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
static void on_log(void *cls, const char *fmt, va_list ap)
{
    char line[256];
    size_t n;

    (void)cls;
    vsnprintf(line, sizeof(line), fmt, ap);
    n = strlen(line);
    if (n && line[n - 1] == '\n')
        line[n - 1] = '\0';
    log_debug("http_library", "%s", line);
    /* Without descriptors a thread of the library that has no connection accepts again at once, for ever, and this is
     * the one place where it can be made to wait (R12). */
    if (strstr(line, "resource limit"))
        (void)poll(NULL, 0, SHORT_MS);
}

/* Nobody new while we drain. Not by MHD_quiesce_daemon: it and the library's thread both take the socket out of the
 * thread's epoll set, and whoever is second ends the process. */
static enum MHD_Result on_accept(void *cls, const struct sockaddr *address, socklen_t len)
{
    const struct http_server *s = cls;

    (void)address;
    (void)len;
    return atomic_load(&s->draining) ? MHD_NO : MHD_YES;
}

static void on_connection(void *cls, struct MHD_Connection *c, void **context, enum MHD_ConnectionNotificationCode what)
{
    struct http_server *s = cls;
    const union MHD_ConnectionInfo *info;

    struct peer *peer = *context;

    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (peer)
            deadline_remove(s->deadline, peer->deadline);
        free(peer);
        *context = NULL;
        atomic_fetch_sub(&s->connections, 1);
        return;
    }
    atomic_fetch_add(&s->connections, 1);
    info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    peer = info ? calloc(1, sizeof(*peer)) : NULL;
    if (peer)
        *peer =
            (struct peer){.server = s, .deadline = deadline_add(s->deadline, info->connect_fd, s->config.header_ms)};
    *context = peer;
}

/* The certificate for a handshake; it stays ours. libmicrohttpd keeps its connection as the session's pointer. The form
 * is gnutls_certificate_retrieve_function2. */
static int on_certificate(gnutls_session_t session, const gnutls_datum_t *ca, int ca_count,
                          const gnutls_pk_algorithm_t *algorithms, int algorithm_count, gnutls_pcert_st **certs,
                          unsigned *count, gnutls_privkey_t *key)
{
    struct MHD_Connection *c = gnutls_session_get_ptr(session);
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    const struct peer *peer = info ? info->socket_context : NULL;

    (void)ca;
    (void)ca_count;
    (void)algorithms;
    (void)algorithm_count;
    if (!peer)
        return -1; /* out of memory: no handshake */
    tls_retrieve(peer->server->config.tls, certs, count, key);
    return 0;
}

static void count_active(struct http_server *s, int by)
{
    pthread_mutex_lock(&s->lock);
    s->active = (unsigned)((int)s->active + by);
    if (s->active == 0)
        pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
}

/* Called with the raw target as soon as the request line was read. What it returns is the access handler's *state. */
static void *on_target(void *cls, const char *target, struct MHD_Connection *c)
{
    struct http_server *s = cls;
    struct request *r = request_impl_create(s, c, target);

    if (!r)
        return NULL;
    deadline_set(s->deadline, r->deadline, s->config.header_ms);
    count_active(s, 1);
    return r;
}

static enum MHD_Result on_access(void *cls, struct MHD_Connection *c, const char *url, const char *method,
                                 const char *version, const char *data, size_t *len, void **state)
{
    struct request *r = *state;

    (void)cls;
    (void)c;
    (void)url; /* decoded by libmicrohttpd; ours comes from the raw target */
    if (!r)
        return MHD_NO;
    if (r->phase == REQUEST_NEW)
        return dispatch_begin(r, method, version);
    if (*len) {
        size_t n = *len;

        *len = 0;
        return dispatch_body(r, data, n);
    }
    return dispatch_finish(r);
}

static void on_completed(void *cls, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
    struct http_server *s = cls;
    struct request *r = *state;

    (void)c;
    (void)why;
    if (!r)
        return;
    *state = NULL;
    atomic_fetch_add(&s->requests, 1);
    deadline_set(s->deadline, r->deadline, s->config.idle_ms);
    if (s->config.observe && r->replied)
        s->config.observe(
            s->config.context, r,
            &(struct http_reply){.status = r->status, .bytes = r->sent, .ms = s->config.clock().mono - r->now.mono});
    request_impl_destroy(r);
    count_active(s, -1);
}

/* Paths and queries are decoded by us (guard_decode_*), from the raw target. */
static size_t on_unescape(void *cls, struct MHD_Connection *c, char *text)
{
    (void)cls;
    (void)c;
    return strlen(text);
}

/* ---- making ---- */

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static socklen_t parse_address(const struct http_config *c, union address *a)
{
    memset(a, 0, sizeof(*a));
    if (inet_pton(AF_INET, c->address, &a->v4.sin_addr) == 1) {
        a->v4.sin_family = AF_INET;
        a->v4.sin_port = htons(c->port);
        return sizeof(a->v4);
    }
    if (inet_pton(AF_INET6, c->address, &a->v6.sin6_addr) == 1) {
        a->v6.sin6_family = AF_INET6;
        a->v6.sin6_port = htons(c->port);
        return sizeof(a->v6);
    }
    return 0;
}

static int bind_socket(struct http_server *s, struct err *e)
{
    union address a;
    socklen_t len = parse_address(&s->config, &a);
    int one = 1;

    if (!len)
        return err_set(e, ERR_INVALID_PARAMETERS, "listen address \"%s\" is not an IP address", s->config.address);
    s->listen_fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listen_fd < 0)
        return err_errno(e, errno, "socket");
    setsockopt(s->listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(s->listen_fd, &a.any, len) || listen(s->listen_fd, BACKLOG) || getsockname(s->listen_fd, &a.any, &len))
        return err_errno(e, errno, "listen on %s port %u", s->config.address, (unsigned)s->config.port);
    s->port = ntohs(a.any.sa_family == AF_INET ? a.v4.sin_port : a.v6.sin6_port);
    return 0;
}

struct http_server *http_server_create(const struct http_config *c, struct err *e)
{
    struct http_server *s = calloc(1, sizeof(*s));

    if (!s) {
        err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    s->config = *c;
    s->listen_fd = -1;
    set_defaults(&s->config);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->idle, NULL);
    s->router = route_compile(s->config.routes, s->config.route_count, e);
    if (!s->router || bind_socket(s, e))
        goto out;
    s->deadline = deadline_create(NULL, e);
    if (!s->deadline)
        goto out;
    s->arenas = arena_pool_create(REQUEST_MEMORY, ARENAS_READY);
    if (!s->arenas) {
        err_set(e, ERR_INTERNAL, "out of memory");
        goto out;
    }
    return s;
out:
    http_server_destroy(s, 0);
    return NULL;
}

int http_server_start(struct http_server *s, struct err *e)
{
    bool v6 = strchr(s->config.address, ':') != NULL;
    unsigned flags =
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ITC | MHD_USE_ERROR_LOG;

    struct MHD_OptionItem plain[] = {{MHD_OPTION_END, 0, NULL}};
    struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_CERT_CALLBACK, 0, (void *)(uintptr_t)on_certificate},
                                   {MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITY},
                                   {MHD_OPTION_END, 0, NULL}};

    if (s->config.tls)
        flags |= MHD_USE_TLS;
    /* clang-format off: one option a line */
    s->daemon = MHD_start_daemon(flags | (v6 ? MHD_USE_IPv6 : 0), 0, on_accept, s, on_access, s,
                                 MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL, MHD_OPTION_LISTEN_SOCKET, s->listen_fd,
                                 MHD_OPTION_THREAD_POOL_SIZE, s->config.threads > 1 ? s->config.threads : 0u,
                                 MHD_OPTION_CONNECTION_LIMIT, s->config.connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT,
                                 s->config.per_ip, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY,
                                 MHD_OPTION_CONNECTION_TIMEOUT, INACTIVITY_S, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                                 MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_UNESCAPE_CALLBACK, on_unescape,
                                 s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION,
                                 on_connection, s, MHD_OPTION_ARRAY, s->config.tls ? tls : plain, MHD_OPTION_END);
    /* clang-format on */
    if (!s->daemon)
        return err_set(e, ERR_INTERNAL, "the HTTP library did not start");
    s->listen_fd = -1; /* the library's to close now */
    return 0;
}

uint16_t http_server_port(const struct http_server *s)
{
    return s->port;
}

bool http_server_secure(const struct http_server *s)
{
    return s->config.secure;
}

void http_server_counts(const struct http_server *s, unsigned *open, uint64_t *requests)
{
    if (open)
        *open = atomic_load(&s->connections);
    if (requests)
        *requests = atomic_load(&s->requests);
}

/* ---- the end ---- */

void http_server_quiesce(struct http_server *s)
{
    atomic_store(&s->draining, true);
}

/* Waits until no request is in progress, at most so long. */
static void wait_idle(struct http_server *s, int64_t wait_ms)
{
    struct timespec until;

    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (wait_ms % 1000) * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&s->lock);
    while (s->active > 0 && pthread_cond_timedwait(&s->idle, &s->lock, &until) == 0)
        ;
    pthread_mutex_unlock(&s->lock);
}

static bool is_active(struct http_server *s)
{
    bool active;

    pthread_mutex_lock(&s->lock);
    active = s->active > 0;
    pthread_mutex_unlock(&s->lock);
    return active;
}

void http_server_destroy(struct http_server *s, int64_t wait_ms)
{
    if (!s)
        return;
    if (s->daemon) {
        http_server_quiesce(s);
        wait_idle(s, wait_ms);
        atomic_store(&s->stopping, true);
        /* Suspended requests answer 503, streams end. More than once: a handler may be suspending right now. */
        for (int i = 0; i < STOP_ROUNDS && is_active(s); i++) {
            request_impl_wake_all(s);
            wait_idle(s, STOP_WAIT_MS);
        }
        MHD_stop_daemon(s->daemon);
    }
    if (s->listen_fd >= 0)
        close(s->listen_fd);
    deadline_destroy(s->deadline);
    arena_pool_destroy(s->arenas);
    route_destroy(s->router);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    free(s);
}
