/* SPDX-License-Identifier: MIT
 *
 * What each user keeps on the node: a sum of what the janitor's looks found, kept up to date by differences, so that it
 * costs no walk of its own. An attempt that has ended is measured once; what came of it stays in its folder (`usage`).
 *
 * The looks are one thread's; what is said to be for any thread may be called beside them.
 */
#ifndef DROVER_ENGINES_LOCAL_QUOTA_H
#define DROVER_ENGINES_LOCAL_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"

struct quota;

#define QUOTA_USER_SIZE 65
#define QUOTA_WHY_SIZE 160

/* Whose an attempt is, and how much that user may keep where it runs. */
struct quota_owner {
    char user[QUOTA_USER_SIZE]; /* "" = nobody's: counted for no one */
    int64_t limit;              /* bytes; 0 = any number */
    bool dropped;               /* its user has deleted the job: what it left may go */
};

/* Where that is asked, by the looks' thread. */
struct quota_source {
    /* 0, or -1: not known now, to be asked again. */
    int (*owner)(void *ctx, const char *attempt, struct quota_owner *out);
    /* At the begin of each look: may tell what else users keep. NULL ok. */
    void (*others)(void *ctx, struct quota *q);
    void *ctx;
};

/* NULL on out of memory. */
struct quota *quota_create(const struct quota_source *source);
/* NULL ok. */
void quota_destroy(struct quota *q);

/* A look begins. */
void quota_begin(struct quota *q);
/* Whether nothing is to be done about an attempt that this look came by: it has ended and was measured since its folder
 * last changed (`changed`, ns). */
bool quota_same(struct quota *q, const char *attempt, int64_t changed);
/* What to do about any other. `ended`: it has. */
enum quota_todo { QUOTA_NOTHING, QUOTA_MEASURE, QUOTA_DROP };
enum quota_todo quota_seen(struct quota *q, const char *attempt, int64_t changed, bool ended);
/* Bytes of the attempt that quota_seen wanted measured: where it works (or worked), and beside that (its logs). */
void quota_put(struct quota *q, const char *attempt, int64_t work, int64_t logs);
/* The look is over: what it did not come by is gone. For each user who keeps too much, `stop` is called with the task
 * that has taken the most since the user last kept little enough, if one has taken a megabyte, and why. */
typedef void quota_stop_fn(void *ctx, const char *attempt, const char *why);
void quota_end(struct quota *q, quota_stop_fn *stop, void *ctx);

/* What else users keep: begins anew with nothing; adds bytes. For quota_source.others. */
void quota_other_clear(struct quota *q);
void quota_other_add(struct quota *q, const char *user, int64_t bytes);
/* What the user keeps as of the last looks, in bytes. Any thread. */
int64_t quota_used(struct quota *q, const char *user);
/* The user has deleted a job: the next look asks about all of the user's attempts. Any thread. */
void quota_ask(struct quota *q, const char *user);

#endif
