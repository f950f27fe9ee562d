/* SPDX-License-Identifier: MIT
 *
 * A real HTTP server with a few routes, and a raw-socket client: what the HTTP tests share.
 *
 * Routes: POST, PUT, PATCH, DELETE, GET /api/v2/echo (at most 1,000 bytes); GET evil (counts its calls), show/{name}
 * (users), root (admins), number/{n} (from 5), fail, silent, ticks (a stream), hang (a stream without end), large and
 * long (WORLD_LARGE bytes, the latter as a stream), overfull (more than its buffer takes); PUT show/{name}; POST form,
 * park. "Bearer alice" is a user, "Bearer root" an admin, cookie drover=alice a session, any other credential is bad.
 */
#ifndef DROVER_TESTS_WORLD_H
#define DROVER_TESTS_WORLD_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct http_config;
struct http_server;
struct request;

/* What the handlers leave for the tests. */
struct world {
    struct http_server *server;
    atomic_int evil; /* times that GET /api/v2/evil ran */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct request *waiting; /* parked by POST /api/v2/park */
    int pauses;              /* of the slow stream */
};

/* Starts a server; `changes` (NULL ok) may set its limits. */
struct world *world_start(const struct http_config *changes);
void world_stop(struct world *w);
/* A connection; sending; everything until the server closes (the caller frees; the socket is closed). */
int world_dial(const struct world *w);
/* A connection of which the kernel keeps about so many bytes that nobody reads. */
int world_dial_narrow(const struct world *w, int bytes);
void world_say(int fd, const char *text, size_t len);
char *world_hear(int fd);
/* Sends a request on a connection of its own and hears the reply; the caller frees. */
char *world_ask_n(const struct world *w, const char *text, size_t len);
char *world_ask(const struct world *w, const char *text);
/* The status of the first reply; how often `what` is in a text. */
int world_status_of(const char *reply);
unsigned world_count_of(const char *text, const char *what);
/* Asks, and fails unless status, a part of the reply (NULL ok) and the standing headers are there. */
void world_expect(const struct world *w, const char *request, int status, const char *part);

#define H "Host: x\r\nConnection: close\r\n"
#define WORLD_LARGE (8u * 1024 * 1024)
#define EVIL "GET /api/v2/evil HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

#endif
