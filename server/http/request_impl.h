/* SPDX-License-Identifier: MIT
 *
 * The inside of a request, shared by the files of server/http/ that move it along. Handlers see request.h only.
 */
#ifndef DROVER_SERVER_HTTP_REQUEST_IMPL_H
#define DROVER_SERVER_HTTP_REQUEST_IMPL_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "server/http/deadline.h"
#include "server/http/guard.h"
#include "server/http/http.h"
#include "server/http/reply.h"
#include "server/http/request.h"

enum request_phase {
    REQUEST_NEW,     /* the request line was read */
    REQUEST_BODY,    /* headers judged, body coming */
    REQUEST_HANDLED, /* the handler ran: a reply is set, or it is parked */
    REQUEST_QUEUED,  /* the reply is libmicrohttpd's */
};

struct request_field {
    char *name;
    char *value;
};

struct request_fields {
    struct request_field *items;
    size_t count;
};

struct request_header {
    const char *name;
    const char *value;
    struct request_header *next;
};

/* A connection, libmicrohttpd's socket context. */
struct peer {
    struct http_server *server;
    struct deadline_entry *deadline; /* NULL: it could not be made */
};

/* A stream's source. Owned by the MHD response; closed by whichever of request and response ends first. */
struct request_stream {
    struct request *request; /* NULL when that has ended */
    struct reply_source source;
    bool sized; /* has an end */
};

struct request {
    struct http_server *server;
    struct MHD_Connection *connection;
    struct arena *arena;
    struct deadline_entry *deadline; /* of the connection; may be NULL */
    enum request_phase phase;
    char id[ID_SIZE];
    char ip[INET6_ADDRSTRLEN];
    struct clock_now now;
    char *raw_path;  /* as sent, without query; NULL on out of memory */
    char *path;      /* decoded; NULL when it could not be */
    char *raw_query; /* NULL when there is none */
    struct request_fields query, form;
    enum http_method method;
    struct route_match match;
    const struct static_file *file; /* the answer, when no row matched */
    bool foreign;                   /* http_config.foreign answers it */
    bool bare;                      /* the reply has no standing headers: reply_bare */
    struct identity who;
    struct guard_body framing;
    enum http_media media;
    struct buf body;
    int spool;             /* the body's file; -1 = it is in `body` */
    uint64_t received;     /* body bytes, dropped ones too */
    int64_t body_mono;     /* when it began */
    struct err refusal;    /* decided before the handler; sent when the body was read */
    bool close;            /* end the connection after the reply */
    bool replied;          /* a reply_* function was called */
    bool recorded;         /* the audit log holds the call */
    enum err_code refused; /* what reply_error answered */
    int status;
    uint64_t sent; /* bytes of the reply's body */
    uint64_t held; /* of them in memory, counted in server->held */
    struct MHD_Response *response;
    struct request_header *headers;
    struct request_stream *stream;
    struct reply_protocol protocol; /* `begin` NULL: none */
    bool upgraded;                  /* it has begun */
    bool parked;                    /* under server->lock */
    struct request *next_parked, *prev_parked;
};

struct http_server {
    struct http_config config;
    struct router *router;
    struct deadline *deadline;
    struct arena_pool *arenas; /* of requests */
    struct MHD_Daemon *daemon;
    int listen_fd;
    uint16_t port;
    atomic_bool draining; /* new requests get 503 */
    atomic_bool stopping; /* streams end */
    atomic_uint connections;
    atomic_ullong requests;
    atomic_ullong held;   /* bytes of large replies that are being taken */
    pthread_mutex_t lock; /* the list of parked requests, and `active` */
    pthread_cond_t idle;
    unsigned active; /* requests between request line and completion */
    struct request *parked;
};

/* request.c: a request for a raw target, and its end. NULL on out of memory. */
struct request *request_impl_create(struct http_server *s, struct MHD_Connection *c, const char *target);
void request_impl_destroy(struct request *r);
/* Cuts "a=1&b=2" into decoded fields, in place. 0, or -1 with ERR_BAD_REQUEST. */
int request_impl_parse_fields(struct request *r, char *text, struct request_fields *out, struct err *e);
/* Takes the request out of the list of the parked and wakes its connection; nothing when it is not in it. */
void request_impl_wake(struct request *r);
void request_impl_wake_all(struct http_server *s);
void request_impl_park(struct request *r);

/* reply.c: constant bytes that live for ever, as a reply. */
void request_impl_constant(struct request *r, const char *type, const void *data, size_t len);
/* Adds the standing headers and gives the reply to libmicrohttpd. */
enum MHD_Result request_impl_send(struct request *r);
/* Ends the stream for the request's part. */
void request_impl_close_stream(struct request *r);
/* Tells a protocol that never began. */
void request_impl_close_protocol(struct request *r);

/* dispatch.c: the three steps of the access handler. */
enum MHD_Result dispatch_begin(struct request *r, const char *method, const char *version);
enum MHD_Result dispatch_body(struct request *r, const char *data, size_t len);
enum MHD_Result dispatch_finish(struct request *r);

#endif
