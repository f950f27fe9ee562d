/* SPDX-License-Identifier: MIT
 *
 * Code that is sent with jobs: archives in DATA/code.
 *
 *   uploads/<id>-<user>   what a user has sent; the id is the SHA-256 of its bytes
 *   jobs/<job id>         a second name of the same file, made before the job is: so a job that exists has its code
 *
 * Nothing counts references: an upload without a second name goes after a day, a job's name when the job is archived or
 * never came to be. One thread checks uploads, one after the other, and clears away.
 */
#ifndef DROVER_SERVER_CODE_H
#define DROVER_SERVER_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/digest.h"
#include "base/err.h"
#include "base/tarball.h"

struct arena;
struct code;
struct readers;

#define CODE_ID_SIZE DIGEST_SIZE
#define CODE_UNPACKED 4 /* an archive may unpack to so many times its own limit */

/* A piece of work for the store's thread, which reads one archive after the other. The caller's until `done`. */
struct code_work {
    void (*done)(struct code_work *w); /* on the store's thread, once: err.code 0 when it went well */
    void *ctx;
    struct err err;
    void (*run)(const struct code *c, struct code_work *w); /* the store's */
    struct code_work *next;                                 /* the queue's */
};

/* An upload; done when it is on disk. `fd` is an unnamed file on DATA's file system. */
struct code_upload {
    struct code_work work;
    int fd;
    const char *user;
    char id[CODE_ID_SIZE];
    int64_t bytes; /* of the archive */
    struct tarball found;
};

/* A look into a job's archive, up to CODE_LIST_MAX entries. */
#define CODE_LIST_MAX 1000
struct code_listing {
    struct code_work work;
    const char *job_id;
    struct arena *arena; /* of the paths */
    struct tarball_entry entries[CODE_LIST_MAX];
    size_t count;
    bool truncated; /* it has more than these */
    int64_t bytes;  /* of the archive */
};

/* Makes the folders and starts the thread. Archives have at most `max` bytes. `data` and `readers` are borrowed. NULL
 * on error. */
struct code *code_create(const char *data, int64_t max, struct readers *readers, struct err *e);
/* Answers what waits (ERR_BUSY) and takes no more. Any thread; twice is fine; NULL ok. */
void code_close(struct code *c);
/* After code_close and when nobody can call any more. NULL ok. */
void code_destroy(struct code *c);

/* Queues an upload. 0, or -1 with ERR_BUSY when too many wait; then `done` is not called. Any thread. */
int code_store(struct code *c, struct code_upload *u, struct err *e);
/* Queues a look, as code_store. ERR_NO_FILE in the work's err: the job has no code. Any thread. */
int code_list(struct code *c, struct code_listing *l, struct err *e);
/* Gives the job its user's upload `id`. On disk when it returns. 0, or -1: ERR_INVALID_PROTOCOL when there is none. Any
 * thread. */
int code_attach(const struct code *c, const char *user, const char *id, const char *job_id, struct err *e);
/* Whether code_attach would find it. 0 or -1, as there. Any thread. */
int code_check(const struct code *c, const char *user, const char *id, struct err *e);
/* Takes it away again from a job that was refused. */
void code_detach(const struct code *c, const char *job_id);
/* Opens the job's archive for reading; -1 with ERR_NO_FILE when it has none. Any thread. */
int code_open(const struct code *c, const char *job_id, struct err *e);
/* A number that is another one after an upload came or went; 0 = not known. Any thread. */
int64_t code_state(const struct code *c);
/* Tells of each upload whose it is and its bytes. 0 or -1. Any thread. */
typedef void code_upload_fn(void *ctx, const char *user, int64_t bytes);
int code_uploads(const struct code *c, code_upload_fn *fn, void *ctx);
/* Clears away as of `now_ms`, as the thread does once an hour; for tests. 0 or -1. */
int code_sweep(const struct code *c, int64_t now_ms, struct err *e);

#endif
