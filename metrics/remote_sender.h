/* SPDX-License-Identifier: MIT
 *
 * One connection to a receiver of remote write, or of alerts: sends one request at a time and says what became of it.
 * Its owner's thread waits here for both, the answer and what else it waits for. TLS certificates are checked,
 * redirects are not followed, proxies of the environment not used.
 */
#ifndef DROVER_METRICS_REMOTE_SENDER_H
#define DROVER_METRICS_REMOTE_SENDER_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct remote_sender;
struct remote_settings;

/* What became of a request. */
enum remote_outcome {
    REMOTE_NONE,    /* none has ended */
    REMOTE_TAKEN,   /* 2xx */
    REMOTE_LATER,   /* 5xx, 429, or no answer: it is to be sent again */
    REMOTE_REFUSED, /* any other: it is not */
};

struct remote_answer {
    enum remote_outcome outcome;
    int64_t after_ms; /* LATER: the receiver asks to wait for so long; 0 where it does not */
    char why[256];    /* not TAKEN: in words, of which some may be the receiver's */
};

/* The headers of remote write, up to a NULL. */
extern const char *const remote_sender_headers[];

/* Sends with these headers (up to a NULL; they say what a body is). The settings are borrowed. NULL with the error. */
struct remote_sender *remote_sender_create(const struct remote_settings *c, const char *const *headers, struct err *e);
/* From now on answers are added to the buffer, borrowed, whose bound is theirs; otherwise nobody reads them. */
void remote_sender_keep(struct remote_sender *s, struct buf *out);
/* Gives up what is under way. NULL ok. */
void remote_sender_destroy(struct remote_sender *s);

/* Begins to send a request of `len` bytes, borrowed until its end; none may be under way. 0, or -1: it is to be tried
 * again later. */
int remote_sender_begin(struct remote_sender *s, const void *body, size_t len, struct err *e);
/* Goes on with what is under way and waits for at most so long for it, or for a call of remote_sender_wake. */
void remote_sender_wait(struct remote_sender *s, int64_t ms, struct remote_answer *out);
/* Ends a wait, this one or the next. Any thread. */
void remote_sender_wake(struct remote_sender *s);

#endif
