/* SPDX-License-Identifier: MIT
 *
 * What keeps the WAL small (R9). It is begun anew only once a checkpoint has taken all of it in and no reader needs
 * what stands in it:
 *
 *   our own readers      are short, or are interrupted; where they overlap for ever, a checkpoint that waits for those
 *                        of before (who comes later reads the database alone) ends the row, from half of the bound on
 *   another process's    cannot be ended. At the bound the writer begins no transaction until a checkpoint has emptied
 *                        the WAL; all that the batch of one transaction adds to it then still fits into 256 MB.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "store/store_internal.h"

#define STORE_WAL_MAX_MB 128
#define STORE_FRAME_BYTES (4096 + 24)
#define STORE_WAL_FRAMES 2000
/* How long the writer waits for readers to be done when the WAL is large. The core waits with it. At the bound it waits
 * as for any lock, before it refuses for the first time. */
#define STORE_WAL_PATIENCE_MS 100
#define STORE_WAL_TRY_MS 25
/* Instructions of SQLite between two looks at the clock: about a millisecond. */
#define STORE_LOOK_STEPS 20000

static int bounds_too_old(void *arg)
{
    const struct store *s = arg;

    return s->read_since && clock_read().mono - s->read_since > s->read_max_ms;
}

void store_bound_reads(struct store *s, int64_t ms)
{
    s->read_max_ms = ms;
    sqlite3_progress_handler(s->db, ms ? STORE_LOOK_STEPS : 0, bounds_too_old, s);
}

void bounds_read(struct store *s)
{
    if (s->read_max_ms && sqlite3_txn_state(s->db, NULL) == SQLITE_TXN_NONE)
        s->read_since = clock_read().mono;
}

bool store_end_reads(struct store *s)
{
    sqlite3_stmt *raw = NULL;

    if (sqlite3_txn_state(s->db, NULL) == SQLITE_TXN_NONE)
        return false;
    while ((raw = sqlite3_next_stmt(s->db, raw)))
        (void)sqlite3_reset(raw);
    store_rollback(s);
    return true;
}

void bounds_wal_begin(struct store *s)
{
    int64_t mb = FAILPOINT_VALUE("wal-mb");

    s->wal_max = (int)((mb > 0 ? mb : STORE_WAL_MAX_MB) * 1024 * 1024 / STORE_FRAME_BYTES);
    s->checkpoint_at = STORE_WAL_FRAMES;
}

void bounds_wal_frames(struct store *s, int frames)
{
    /* Fewer than before: the WAL was started anew. */
    if (frames < s->wal_frames)
        s->checkpoint_at = STORE_WAL_FRAMES;
    s->wal_frames = frames;
}

/* Tries for so long to empty the WAL. Not in one go: a checkpoint waits for a place in the list of readers, and where
 * readers overlap, a later one takes that very place and its successors keep it. The next try sees that it may stay. */
static int bounds_empty(struct store *s, int patience_ms)
{
    int64_t end = clock_read().mono + patience_ms;
    int rc;

    (void)sqlite3_busy_timeout(s->db, STORE_WAL_TRY_MS);
    do {
        rc = store_checkpoint(s, STORE_CHECKPOINT_TRUNCATE, NULL);
    } while (rc && s->failure == STORE_FAIL_BUSY && clock_read().mono < end);
    (void)sqlite3_busy_timeout(s->db, STORE_BUSY_MS);
    return rc;
}

void bounds_wal_after_commit(struct store *s)
{
    if (s->wal_frames < s->checkpoint_at)
        return;
    /* The next one after as many frames again, not at each commit, while a reader keeps the WAL from its start. */
    s->checkpoint_at = s->wal_frames + STORE_WAL_FRAMES;
    /* A failure is kept in the store: after a failed fsync the next store_begin refuses. */
    if (s->wal_frames < s->wal_max / 2)
        (void)store_checkpoint(s, STORE_CHECKPOINT_PASSIVE, NULL);
    else
        (void)bounds_empty(s, STORE_WAL_PATIENCE_MS);
}

int bounds_wal_room(struct store *s, struct err *e)
{
    if (s->wal_frames < s->wal_max || !bounds_empty(s, s->wal_refused ? STORE_WAL_PATIENCE_MS : STORE_BUSY_MS)) {
        s->wal_refused = false;
        return 0;
    }
    if (s->fsync_failed)
        return err_set(e, ERR_BUSY, "the database could not be flushed to disk; a restart is needed");
    s->wal_refused = true;
    return err_set(e, ERR_BUSY,
                   "nothing is written for now: another process has been reading the database for long and keeps its "
                   "log of %d MB from being emptied; this ends with that process",
                   (int)((int64_t)s->wal_frames * STORE_FRAME_BYTES / (1024 * 1024)));
}
