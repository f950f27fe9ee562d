/* SPDX-License-Identifier: MIT
 *
 * What the HTTP floors share: a bare libmicrohttpd on a port of the kernel's choice, as a program that prints the port
 * and serves until its standard input ends. Included once by each floor, so everything is static.
 */
#ifndef DROVER_BENCH_FLOOR_HTTP_H
#define DROVER_BENCH_FLOOR_HTTP_H

#include <arpa/inet.h>
#include <microhttpd.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FLOOR_THREADS 2u /* as the product's default */

static inline void floor_die(const char *what, const char *why)
{
    (void)fprintf(stderr, "floor: %s: %s\n", what, why);
    exit(1);
}

static inline void floor_sql(sqlite3 *db, const char *sql)
{
    char *why = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        floor_die(sql, why ? why : "?");
}

static inline sqlite3_stmt *floor_prepare(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st = NULL;

    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK)
        floor_die(sql, sqlite3_errmsg(db));
    return st;
}

static inline sqlite3 *floor_open(const char *path, int flags)
{
    sqlite3 *db = NULL;

    if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        floor_die(path, db ? sqlite3_errmsg(db) : "?");
    return db;
}

/* GET /bare: 200 bytes without any work, to be compared with other floors of this machine. */
static inline enum MHD_Result floor_bare(struct MHD_Connection *c)
{
    static char body[200];
    struct MHD_Response *r = MHD_create_response_from_buffer(sizeof(body), body, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result rc;

    MHD_add_response_header(r, "Content-Type", "application/json");
    rc = MHD_queue_response(c, 200, r);
    MHD_destroy_response(r);
    return rc;
}

/* Serves with `handler` until standard input ends. */
static inline void floor_serve(MHD_AccessHandlerCallback handler, MHD_RequestCompletedCallback completed)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct MHD_Daemon *d;
    char byte;

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) || listen(fd, 1024) ||
        getsockname(fd, (struct sockaddr *)&a, &len))
        floor_die("socket", "cannot listen");
    d = MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ITC, 0, NULL, NULL, handler,
                         NULL, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_THREAD_POOL_SIZE, FLOOR_THREADS,
                         MHD_OPTION_CONNECTION_LIMIT, 1024u, MHD_OPTION_NOTIFY_COMPLETED, completed, NULL,
                         MHD_OPTION_END);
    if (!d)
        floor_die("daemon", "does not start");
    (void)printf("listening on http://127.0.0.1:%u\n", (unsigned)ntohs(a.sin_port));
    (void)fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0)
        ;
    exit(0); /* connections may still wait; this program has nothing to lose */
}

#endif
