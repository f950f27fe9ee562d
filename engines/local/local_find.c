/* SPDX-License-Identifier: MIT
 *
 * What became of an attempt, read from DATA/run/<attempt>:
 *
 *   no folder            never started; the folder is made here, so that no late spawner can start it
 *   exit                 ended; the file is complete once it is there
 *   exit, held           so has the command; its sandbox stays as long as the lock is held
 *   lock held, ctl       its shim lives: connect
 *   lock held, shim      so it does, and is asked to listen there: look again
 *   lock held, neither   it is just starting or just ending: look again
 *   lock free            no shim, and never one: what carries the attempt's mark is killed
 *
 * The lock (flock on the folder) is held by the spawner from the making of the folder to the start of the shim, which
 * inherits it. Whoever gets it while no shim lives writes `lost` before letting go; the spawner looks for that file
 * after it got the lock. So exactly one of "started" and "lost" comes true, whatever is killed when.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "engines/local/level.h"
#include "engines/local/local_gpu.h"
#include "engines/local/local_impl.h"
#include "engines/local/local_stuck.h"
#include "engines/local/proto.h"
#include "engines/local/shim_call.h"

#define FIND_FIRST_MS 5
#define FIND_LATER_MS 100
#define FIND_LOOKS_QUICK 40

static void local_find_later(struct local *l, struct local_attempt *a)
{
    a->looks++;
    a->look_at = clock_read().mono + (a->looks < FIND_LOOKS_QUICK ? FIND_FIRST_MS : FIND_LATER_MS);
    local_attempt_timed(l, a);
}

/* The file `lost` in the attempt's folder: nobody will start it, and its logs are closed. 0 or -1. */
static int local_find_mark(int dir)
{
    int fd = openat(dir, "lost", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0)
        return -1;
    (void)close(fd);
    (void)unlinkat(dir, "script", 0);
    return 0;
}

static void local_find_lost(struct local *l, struct local_attempt *a, bool never_started, const char *why)
{
    a->end = (struct local_end){.kind = ENGINE_LOST, .never_started = never_started};
    (void)snprintf(a->end.message, sizeof(a->end.message), "%s", why);
    local_event_end(l, a);
}

/* No folder: taking the latch proves that it will never start. With a launch at hand it is started (again). */
static void local_find_nothing(struct local *l, struct local_attempt *a)
{
    if (a->order && !a->stop) {
        local_spawner_start(l, a);
        return;
    }
    if (mkdirat(l->run_dir, a->id, 0700)) {
        if (errno != EEXIST)
            log_error("latch_failed", "cannot make the folder of %s: %s", a->id, strerrordesc_np(errno));
        local_find_later(l, a);
        return;
    }
    local_find_lost(l, a, !l->rebooted, "it was not started");
}

/* Its shim lives, or is just coming or going. */
static void local_find_alive(struct local *l, struct local_attempt *a, int dir)
{
    struct record r, end;
    pid_t pid = 0;
    bool begun = shim_record(dir, "shim", a->id, &r) == 0;
    int fd;

    if (begun) {
        a->shim = (pid_t)r.pid;
        a->shim_ticks = r.ticks;
        a->record = r;
        /* In use from now on, whether its shim answers or not; but for those that its sandbox gave back. */
        local_gpu_release(l, a);
        if (shim_record(dir, "exit", a->id, &end) || end.held != ENGINE_HOLD_SANDBOX)
            local_gpu_reserve(l, a, r.gpus, r.gpu_count);
    }
    fd = begun ? shim_call(dir, &r) : -1;
    if (fd >= 0 && proto_peer_ok(fd, geteuid(), &pid) && pid == a->shim &&
        procs_start_ticks(pid, NULL) == a->shim_ticks) {
        (void)procs_signal(pid, a->shim_ticks, SIGCONT); /* its task may have stopped it */
        local_attempt_watch(l, a, fd);                   /* it tells its state at once */
        return;
    }
    if (fd >= 0)
        (void)close(fd);
    if (a->stop && a->kill_shim_at == 0)
        a->kill_shim_at = clock_read().mono + a->grace_ms + 15000;
    local_find_later(l, a);
}

int local_find_left(struct local *l, const char *id, bool cleared)
{
    int left = procs_kill_marked(id, NULL);

    if (left != 0 || !(l->spawner.service || (l->spawner.guards & LEVEL_USERS)) || cleared)
        return left;
    local_spawner_clear(l, id);
    return 1;
}

/* Whether nothing of an attempt without a shim is left; else looks again later, or gives up. `left` is what is known.
 */
static bool local_find_gone(struct local *l, struct local_attempt *a, int left)
{
    if (left == 0)
        left = local_find_left(l, a->id, a->cleared);
    if (left == 0)
        return true;
    if (a->give_up_at == 0)
        a->give_up_at = clock_read().mono + l->stuck_ms;
    if (left > 0 && clock_read().mono >= a->give_up_at) {
        log_error("tree_not_gone", "%d processes of %s cannot be killed: its GPUs are quarantined", left, a->id);
        local_stuck_add(l, a);
        local_find_lost(l, a, false, "its shim is gone and its processes cannot be killed");
    } else {
        local_find_later(l, a);
    }
    return false;
}

/* We hold the lock: there is no shim. */
static void local_find_dead(struct local *l, struct local_attempt *a, int dir)
{
    struct record r;
    bool begun = shim_record(dir, "shim", a->id, &r) == 0;
    int left;

    left = local_find_mark(dir);
    if (l->rebooted || (begun && strcmp(r.boot, l->boot) != 0)) {
        local_find_lost(l, a, false, "the machine was restarted");
        return;
    }
    if (begun)
        local_gpu_reserve(l, a, r.gpus, r.gpu_count);
    if (local_find_gone(l, a, left))
        local_find_lost(l, a, !begun, begun ? "its shim is gone" : "it was not started");
}

/* Nor is there one of a command that has ended: what stayed of its sandbox ends. */
static void local_find_ended(struct local *l, struct local_attempt *a, struct record *r)
{
    if (r->held == ENGINE_HOLD_GPUS)
        local_gpu_reserve(l, a, r->gpus, r->gpu_count);
    if (r->held && strcmp(r->boot, l->boot) == 0 && !local_find_gone(l, a, 0))
        return;
    r->held = 0;
    local_attempt_ended(l, a, r);
}

/* A shim that says it is of another boot cannot be adopted. Only a test sees a living one: it is put down, and the next
 * look finds the lock free. */
static bool local_find_foreign_boot(struct local *l, struct local_attempt *a, int dir)
{
    struct record r;

    if (shim_record(dir, "shim", a->id, &r) || strcmp(r.boot, l->boot) == 0)
        return false;
    (void)procs_signal((pid_t)r.pid, r.ticks, SIGKILL);
    local_find_later(l, a);
    return true;
}

/* With the folder open; a lock that is taken here goes when it is closed. */
static void local_find_in(struct local *l, struct local_attempt *a, int dir)
{
    struct record r;

    if (shim_record(dir, "exit", a->id, &r) == 0 && r.ended && !r.held) {
        local_attempt_ended(l, a, &r);
        return;
    }
    if (flock(dir, LOCK_EX | LOCK_NB)) {
        if (!local_find_foreign_boot(l, a, dir))
            local_find_alive(l, a, dir);
    } else if (shim_record(dir, "exit", a->id, &r) == 0 && r.ended) {
        local_find_ended(l, a, &r); /* between the two looks, or as it was held */
    } else {
        local_find_dead(l, a, dir);
    }
}

void local_find_look(struct local *l, struct local_attempt *a)
{
    int dir = openat(l->run_dir, a->id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

    if (dir < 0 && errno == ENOENT) {
        local_find_nothing(l, a);
        return;
    }
    if (dir < 0) {
        log_error("folder_failed", "cannot open the folder of %s: %s", a->id, strerrordesc_np(errno));
        local_find_later(l, a);
        return;
    }
    local_find_in(l, a, dir);
    (void)close(dir);
}
