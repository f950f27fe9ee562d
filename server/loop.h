/* SPDX-License-Identifier: MIT
 *
 * The core's thread: mailbox -> step -> one transaction a batch -> engine orders -> replies -> live events.
 */
#ifndef DROVER_SERVER_LOOP_H
#define DROVER_SERVER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

struct audit;
struct diagnoser;
struct engine;
struct err;
struct hub;
struct identity_cache;
struct keys;
struct loop;
struct mailbox;
struct score_weights;
struct snapshots;
struct store;
struct tally;

struct loop_config {
    struct store *store;   /* the writer; the loop's thread uses it alone */
    struct engine *engine; /* created, not started */
    struct mailbox *mailbox;
    struct snapshots *snapshots;
    struct hub *hub;                   /* NULL in tests */
    struct tally *tally;               /* NULL in tests */
    struct identity_cache *identities; /* made stale by every batch with a COMMAND_WRITE; NULL in tests */
    struct audit *audit;               /* NULL in tests: no log is kept */
    struct diagnoser *diagnoser;       /* not started; NULL in tests: ends are known by their codes */
    const struct keys *keys;
    unsigned char seed[32];
    bool image_on_host;
    const struct score_weights *placement; /* as long as the loop; NULL in tests: the defaults */
    /* Told once when every placed task was adopted: the server is ready. On the loop's thread. NULL ok. */
    void (*ready)(void *ctx);
    /* A failed fsync: must not return (DESIGN 1.2). On the loop's thread. */
    void (*fsync_failed)(void *ctx, const struct err *e);
    void *ctx;
};

/* Loads the core from the rows, starts the engine and the thread. NULL on error. */
struct loop *loop_create(const struct loop_config *config, struct err *e);
/* Closes the mailbox, lets the thread finish what waits, joins it, stops the engine (tasks go on running). Requests
 * still under way may ask loop_stats until loop_destroy. Once. NULL ok. */
void loop_stop(struct loop *l);
/* As loop_stop, if that was not called; then frees. NULL ok. */
void loop_destroy(struct loop *l);

/* Counters, for /readyz and metrics. Any thread. */
struct loop_stats {
    uint64_t batches, commits, commands, commit_failures, snapshots;
    bool ready;        /* adoption is complete and the last commit did not fail */
    int64_t beat_mono; /* when the thread last came round */
};
void loop_stats(struct loop *l, struct loop_stats *out);

#endif
