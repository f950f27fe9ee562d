/* SPDX-License-Identifier: MIT
 *
 * Questions about the whole cluster: which version slurmrestd speaks and, only where an attempt is in doubt, which of
 * all jobs are ours. The last is dear to slurmrestd (3 s and 1 GB for 10,000 jobs), so one look
 * serves all who are in doubt, and there are seconds between two.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "engines/slurm/slurm_impl.h"
#include "engines/slurm/states.h"

enum { LATER_MS = 2000, LOOK_AGAIN_MS = 500, LOOK_REST = 4 };

/* ---- the version ---- */

static void on_version(void *ctx, const struct rest_answer *answer)
{
    struct slurm *s = ctx;
    s->version_busy = false;
    s->version_due = clock_read().mono + LATER_MS;
    if (answer->status != 200)
        return;
    s->version = shape_v38_offered(answer->text, answer->len);
    if (s->version)
        log_info("slurm_version", "slurmrestd offers " SHAPE_V38_PATH);
    else if (!s->version_told)
        log_error("slurm_version", "slurmrestd does not offer " SHAPE_V38_PATH ", the version that Drover speaks");
    s->version_told = true;
}

void slurm_version_step(struct slurm *s, int64_t now)
{
    const struct rest_call call = {.method = "GET", .path = "/openapi/v3", .done = on_version, .ctx = s};
    if (!s->version && !s->version_busy && now >= s->version_due)
        s->version_busy = !rest_send(s->rest, &call);
}

/* ---- all jobs ---- */

/* One that Slurm has twice: the one that runs, else the older, is kept. */
static bool better(const struct slurm_attempt *a, const struct shape_job *j)
{
    const enum states_phase was = states_find(a->job.state)->phase, is = states_find(j->state)->phase;
    if (!a->found_id || (was == STATES_ENDED) != (is == STATES_ENDED))
        return !a->found_id || was == STATES_ENDED;
    return is == STATES_RUNS && was != STATES_RUNS;
}

/* Whatever comes of it: the latch is what counts. */
static void on_cancelled(void *ctx, const struct rest_answer *answer)
{
    (void)ctx;
    (void)answer;
}

static void cancel_extra(struct slurm *s, int64_t id)
{
    char path[64];
    snprintf(path, sizeof path, SHAPE_V38_PATH "/job/%lld", (long long)id);
    const struct rest_call call = {.method = "DELETE", .path = path, .done = on_cancelled};
    log_warn("slurm_twice", "job %lld of Slurm is one too many for its attempt; the latch keeps it from doing anything",
             (long long)id);
    (void)rest_send(s->rest, &call);
}

static void on_job(void *ctx, const struct shape_job *j)
{
    struct slurm *s = ctx;
    if (strncmp(j->name, SLURM_NAME, sizeof SLURM_NAME - 1) != 0)
        return;
    struct slurm_attempt *a = hash_get(s->attempts, j->name + sizeof SLURM_NAME - 1);
    if (!a || !slurm_attempt_doubtful(a))
        return;
    if (a->found_id)
        cancel_extra(s, better(a, j) ? a->found_id : j->id);
    if (!better(a, j))
        return;
    a->found_id = j->id;
    a->job = *j;
}

static bool on_piece(void *ctx, const char *data, size_t len)
{
    struct slurm *s = ctx;
    return shape_list_piece(&s->list, data, len);
}

static void on_listed(void *ctx, const struct rest_answer *answer)
{
    struct slurm *s = ctx;
    const int64_t now = clock_read().mono;
    const bool whole = answer->status == 200 && shape_list_whole(&s->list) && !s->list.unread;
    struct slurm_attempt *a;
    size_t pos = 0;
    s->looking = false;
    s->look_due = now + LOOK_AGAIN_MS + LOOK_REST * (now - s->look_began);
    if (!whole)
        log_warn("slurm_look_failed", "the list of all jobs did not come: %s",
                 answer->why[0] ? answer->why : "it cannot be read");
    while ((a = hash_next(s->attempts, &pos))) {
        if (!slurm_attempt_doubtful(a) || a->doubt_at > s->look_began)
            continue;
        if (a->found_id)
            slurm_attempt_found(a, now);
        else if (whole)
            slurm_end_absent(a, now);
    }
    shape_list_fini(&s->list);
}

void slurm_look_step(struct slurm *s, int64_t now)
{
    const struct rest_call call = {
        .method = "GET", .path = SHAPE_V38_PATH "/jobs", .done = on_listed, .piece = on_piece, .ctx = s};
    struct slurm_attempt *a;
    size_t pos = 0;
    bool any = false;
    if (!s->version || s->looking || now < s->look_due || rest_down_since(s->rest))
        return;
    while ((a = hash_next(s->attempts, &pos))) {
        any |= slurm_attempt_doubtful(a) && a->doubt_at <= now;
        a->found_id = 0;
    }
    if (!any || shape_list_init(&s->list, on_job, s))
        return;
    s->looking = !rest_send(s->rest, &call);
    s->look_began = now;
    if (!s->looking)
        shape_list_fini(&s->list);
}
