/* SPDX-License-Identifier: MIT
 *
 * Requests to slurmrestd: one libcurl multi handle, driven by the engine's thread. Every answer has limits; when
 * several in a row fail the breaker opens, requests wait, and a probe after a growing, jittered while tells whether the
 * cluster answers again.
 *
 *   closed ── REST_FAILURES failed in a row ──► open ── the wait is over ──► probe ── answered ──► closed
 *                                                 ▲                           │
 *                                                 └────── failed: twice as long
 */
#ifndef DROVER_ENGINES_SLURM_REST_H
#define DROVER_ENGINES_SLURM_REST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct rest;

#define REST_ANSWER_MAX ((size_t)16 << 20) /* of an answer that is kept */
#define REST_STREAM_MAX ((size_t)1 << 30)  /* of one that is read as it comes */
#define REST_FAILURES 3

/* What came of a request. */
struct rest_answer {
    int status;       /* HTTP; 0 = no whole answer came, and it may have been acted upon all the same */
    bool down;        /* the cluster cannot answer now: no HTTP answer, or one that says so */
    const char *text; /* NUL-terminated; "" for streams. Borrowed for the call */
    size_t len;
    char why[160]; /* no status: what went wrong */
};

/* Called once for each request, from rest_run. */
typedef void rest_done_fn(void *ctx, const struct rest_answer *a);
/* Takes a piece of a streamed answer; false ends the request. */
typedef bool rest_piece_fn(void *ctx, const char *data, size_t len);

/* A request. Copied. */
struct rest_call {
    const char *method; /* "GET", "POST", "DELETE" */
    const char *path;   /* from the "/" on */
    const char *body;   /* JSON, or NULL */
    const char *user;   /* as whom; NULL = the token's owner */
    rest_done_fn *done;
    rest_piece_fn *piece; /* NULL = the answer is collected, up to REST_ANSWER_MAX */
    void *ctx;
};

struct rest_config {
    const char *url;
    const char *user;
    const char *probe; /* path that is asked while the breaker is open */
    /* Writes the token that is to be used now into `out` (TOKEN_MAX + 1 bytes). 0 or -1. */
    int (*token)(void *ctx, char *out, struct err *e);
    /* Whether an answer of status 4xx or 5xx says that the cluster, not the request, is at fault. */
    bool (*down)(int status, const char *text, size_t len);
    void *ctx;
};

/* Strings are copied. NULL with the error. */
struct rest *rest_create(const struct rest_config *c, struct err *e);
/* Ends what is under way without calling anybody. NULL ok. */
void rest_destroy(struct rest *r);
/* Queues a request. 0 or -1 on out of memory. */
int rest_send(struct rest *r, const struct rest_call *c);
/* Works for at most `ms`, or until something happened: starts what may start, calls those whose requests are done. */
void rest_run(struct rest *r, int ms);
/* Ends the wait of rest_run. Any thread. */
void rest_wake(struct rest *r);
/* When the breaker opened for good, ms since 1970; 0 = the cluster answers. */
int64_t rest_down_since(const struct rest *r);
/* How many requests wait or are under way. */
size_t rest_load(const struct rest *r);

/* The wait before the n-th probe (from 1), ms, without jitter. */
int rest_wait_ms(int n);

#endif
