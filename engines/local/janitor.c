/* SPDX-License-Identifier: MIT
 *
 * The janitor. An attempt has ended when its folder has `exit` or `lost`; its age is that file's. The folder itself is
 * the latch that says "started once", so it goes last, with the logs, when no order for the attempt can come any more.
 *
 * The working folder was the task's: removal goes down by open folders and follows no link.
 *
 * Disks that count for each user themselves (project quotas) are rare under a job server, so what a running task takes
 * is measured by walking its folders, now and then: it may be over its limit for a few seconds. The walks take at most
 * a twentieth of the time.
 */
#include "engines/local/janitor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/fs.h"
#include "base/id.h"
#include "base/log.h"
#include "engines/local/logs.h"
#include "engines/local/proto.h"
#include "engines/local/quota.h"
#include "engines/local/record.h"
#include "engines/local/shim_call.h"
#include "engines/local/task.h"
#include "engines/local/usage.h"

#define JANITOR_EVERY_S 3600
#define JANITOR_FIRST_S 60   /* after the start: everything that ended meanwhile has been taken in by then */
#define JANITOR_DISK_MS 5000 /* between two looks at the disk, and at least ... */
#define JANITOR_DISK_REST 20 /* ... so many times as long as the last took */
#define JANITOR_GRACE_MS 5000
#define JANITOR_CALLS 100 /* to a shim that is to listen; what does not by then is called at the next look */
#define JANITOR_CALL_MS 10
#define JANITOR_LEAST_MS (INT64_C(24) * 3600 * 1000) /* an end may wait so long for a server that takes it in */

struct janitor {
    const char *data;
    struct janitor_policy policy;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool quit;
};

/* What tasks of other users made only the spawner can remove: it is asked to. 0 or -1. */
static int janitor_ask(int run, const char *attempt)
{
    struct proto_msg m = {.type = PROTO_CLEAN};
    int data = openat(run, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int sock = data < 0 ? -1 : proto_connect(data, "spawner.sock");
    int rc = -1;

    (void)snprintf(m.attempt, sizeof(m.attempt), "%s", attempt);
    if (sock >= 0) {
        rc = proto_send(sock, &m, NULL, 0);
        (void)close(sock);
    }
    if (data >= 0)
        (void)close(data);
    return rc;
}

/* Removes the folders where it worked. 1 when there was one, 0 when not, -1. */
static int janitor_files(int dir)
{
    static const char *const folders[] = {"work", "tmp"};
    int found = 0;

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        if (faccessat(dir, folders[i], F_OK, AT_SYMLINK_NOFOLLOW))
            continue;
        if (fs_remove_tree(dir, folders[i]))
            return -1;
        found = 1;
    }
    return found;
}

static bool janitor_due(int64_t keep_ms, int64_t age_ms)
{
    return keep_ms > 0 && age_ms >= keep_ms && age_ms >= JANITOR_LEAST_MS;
}

/* Whether everything of an attempt that ended so long ago is to go. */
static bool janitor_over_age(const struct janitor_policy *p, const char *name, int64_t age_ms)
{
    if (!p->logs_of)
        return janitor_due(p->logs_ms, age_ms);
    return age_ms >= JANITOR_LEAST_MS && janitor_due(p->logs_of(p->ctx, name), age_ms);
}

static void janitor_attempt(int run, const char *name, const struct janitor_policy *p, int64_t now_ms,
                            struct janitor_result *out)
{
    int dir = fs_open_beneath(run, name, O_RDONLY | O_DIRECTORY);
    int64_t end = dir < 0 || logs_kept(dir) ? 0 : logs_ended(dir);
    const bool all = end && janitor_over_age(p, name, now_ms - end);
    int rc = 0;

    if (all || (end && janitor_due(p->files_ms, now_ms - end)))
        rc = janitor_files(dir);
    if (rc < 0)
        out->failed += janitor_ask(run, name) != 0; /* the next look sees whether it was of use */
    else if (!all)
        out->files += rc > 0;
    else if (fs_remove_tree(run, name) == 0) /* with `exit`, which tells its age: after what may not go at once */
        out->logs++;
    else
        out->failed++;
    if (dir >= 0)
        (void)close(dir);
}

int janitor_look(const char *data, const struct janitor_policy *policy, int64_t now_ms, struct janitor_result *out,
                 struct err *e)
{
    int run;
    DIR *d = logs_list(data, &run);
    const struct dirent *entry;

    *out = (struct janitor_result){0};
    if (!d)
        return errno == ENOENT ? 0 : err_errno(e, errno, "cannot list %s/run", data);
    while ((entry = readdir(d)))
        if (id_valid(entry->d_name))
            janitor_attempt(run, entry->d_name, policy, now_ms, out);
    (void)closedir(d);
    return 0;
}

/* Tells the task's shim to stop it, and why. */
static bool janitor_stop(int dir, const char *attempt, const char *why)
{
    struct proto_msg m = {.type = PROTO_STOP, .number = JANITOR_GRACE_MS, .step = SHIM_STEP_DISK};
    struct record r;
    int ctl = -1;
    bool told;

    if (shim_record(dir, "shim", attempt, &r))
        return false;
    for (int i = 0; i < JANITOR_CALLS && (ctl = shim_call(dir, &r)) < 0 && errno == EAGAIN; i++)
        (void)poll(NULL, 0, JANITOR_CALL_MS);

    (void)snprintf(m.attempt, sizeof(m.attempt), "%s", attempt);
    m.text_len = (size_t)snprintf(m.text, sizeof(m.text), "%s", why);
    told = ctl >= 0 && proto_send(ctl, &m, NULL, 0) == 0;
    if (ctl >= 0)
        (void)close(ctl);
    return told;
}

/* One look at the disk. */
struct janitor_disk {
    const struct janitor_policy *policy;
    int run;
    int stopped;
};

/* What lies in the folders where it works. 0; -1: more than can be measured (and then it is what was found). */
static int janitor_work(int dir, int64_t *bytes)
{
    static const char *const folders[] = {"work", "tmp"};
    int rc = 0;

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        if (usage_add(dir, folders[i], bytes) && errno == E2BIG)
            rc = -1;
    return rc;
}

/* Stops a task that takes more than `disk_bytes` (0: any number), or more than can be measured. */
static void janitor_over(struct janitor_disk *x, int dir, const char *name, bool count)
{
    const int64_t max = x->policy->disk_bytes;
    int64_t work = 0, logs = 0;
    char why[160] = "";

    if (janitor_work(dir, &work))
        (void)snprintf(why, sizeof(why), "the task has too many files, or too deep folders, to measure its disk space");
    else if (max && work > max)
        (void)snprintf(why, sizeof(why), "the task takes %lld MB of disk, its limit is %lld MB",
                       (long long)(work >> 20), (long long)(max >> 20));
    if (count) {
        usage_add_files(dir, &logs);
        quota_put(x->policy->quota, name, work, logs);
    }
    if (!why[0] || !janitor_stop(dir, name, why))
        return;
    log_info("disk_limit", "attempt %s takes more of the disk than it may and is stopped", name);
    x->stopped++;
}

/* Counts what an attempt that has ended left: as measured before, unless the folder has changed since. */
static void janitor_left(const struct janitor_disk *x, int dir, const char *name, int64_t changed)
{
    struct usage_note note = {0};

    if (usage_note_read(dir, changed, &note)) {
        (void)janitor_work(dir, &note.work);
        usage_add_files(dir, &note.logs);
        usage_note_write(dir, &note);
    }
    quota_put(x->policy->quota, name, note.work, note.logs);
}

/* Its user has deleted the job. The folder is not needed as a latch any more: the end of the attempt is in its row. */
static void janitor_drop(int run, int dir, const char *name)
{
    if (janitor_files(dir) < 0)
        (void)janitor_ask(run, name);
    else
        (void)fs_remove_tree(run, name); /* where it fails, the next look tries again */
}

static void janitor_disk_one(struct janitor_disk *x, const char *name)
{
    struct quota *q = x->policy->quota;
    enum quota_todo todo = QUOTA_NOTHING;
    struct stat st;
    int64_t changed;
    int dir;

    if (fstatat(x->run, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode))
        return;
    changed = usage_when(&st);
    if (q && quota_same(q, name, changed))
        return;
    dir = fs_open_beneath(x->run, name, O_RDONLY | O_DIRECTORY);
    if (dir < 0)
        return;
    const bool ended = logs_ended(dir) != 0 && !logs_kept(dir);
    if (q)
        todo = quota_seen(q, name, changed, ended);
    if (!ended && (todo != QUOTA_NOTHING || faccessat(dir, "shim", F_OK, AT_SYMLINK_NOFOLLOW) == 0))
        janitor_over(x, dir, name, todo != QUOTA_NOTHING);
    else if (ended && todo == QUOTA_MEASURE)
        janitor_left(x, dir, name, changed);
    else if (ended && todo == QUOTA_DROP)
        janitor_drop(x->run, dir, name);
    (void)close(dir);
}

/* For quota_end. */
static void janitor_full(void *ctx, const char *attempt, const char *why)
{
    struct janitor_disk *x = ctx;
    int dir = fs_open_beneath(x->run, attempt, O_RDONLY | O_DIRECTORY);

    if (dir < 0)
        return;
    if (janitor_stop(dir, attempt, why)) {
        log_info("disk_quota", "attempt %s is stopped: %s", attempt, why);
        x->stopped++;
    }
    (void)close(dir);
}

int janitor_look_at_disk(const char *data, const struct janitor_policy *policy, struct err *e)
{
    struct janitor_disk x = {.policy = policy};
    const struct dirent *entry;
    DIR *d = logs_list(data, &x.run);

    if (!d)
        return errno == ENOENT ? 0 : err_errno(e, errno, "cannot list %s/run", data);
    if (policy->quota)
        quota_begin(policy->quota);
    while ((entry = readdir(d)))
        if (id_valid(entry->d_name))
            janitor_disk_one(&x, entry->d_name);
    if (policy->quota)
        quota_end(policy->quota, janitor_full, &x);
    (void)closedir(d);
    return x.stopped;
}

static void janitor_round(const struct janitor *j)
{
    struct janitor_result r;
    struct err e = {0};

    if (janitor_look(j->data, &j->policy, clock_read().wall, &r, &e))
        log_warn("janitor_failed", "%s", e.text);
    else if (r.failed)
        log_warn("janitor_failed", "%zu attempts have files that cannot be removed", r.failed);
    else if (r.files || r.logs)
        log_info("janitor", "removed the files of %zu ended attempts, everything of %zu", r.files, r.logs);
}

/* Sleeps until the moment (clock_read's mono), or an hour at most, or the end. False: the end. The two clocks differ:
 * a condition's stands still while the machine sleeps. */
static bool janitor_sleep(struct janitor *j, int64_t until_ms)
{
    const int64_t now_ms = clock_read().mono;
    struct timespec until;
    bool quit;

    clock_gettime(CLOCK_MONOTONIC, &until);
    if (until_ms > now_ms)
        until.tv_sec +=
            until_ms - now_ms < JANITOR_EVERY_S * INT64_C(1000) ? (until_ms - now_ms + 999) / 1000 : JANITOR_EVERY_S;
    pthread_mutex_lock(&j->lock);
    while (!j->quit && pthread_cond_timedwait(&j->wake, &j->lock, &until) != ETIMEDOUT)
        ;
    quit = j->quit;
    pthread_mutex_unlock(&j->lock);
    return !quit;
}

static void *janitor_main(void *ctx)
{
    struct janitor *j = ctx;
    const bool sweeps = j->policy.files_ms || j->policy.logs_ms || j->policy.logs_of;
    int64_t now = clock_read().mono;
    int64_t sweep_at = sweeps ? now + JANITOR_FIRST_S * 1000 - FAILPOINT_VALUE("janitor") : INT64_MAX;
    int64_t disk_at = j->policy.disk_bytes || j->policy.quota ? now + JANITOR_DISK_MS : INT64_MAX;

    while (janitor_sleep(j, sweep_at < disk_at ? sweep_at : disk_at)) {
        struct err e = {0};
        int64_t began = clock_read().mono;

        if (began >= disk_at) {
            if (janitor_look_at_disk(j->data, &j->policy, &e) < 0)
                log_warn("janitor_failed", "%s", e.text);
            now = clock_read().mono;
            disk_at = now + JANITOR_DISK_MS + (now - began) * JANITOR_DISK_REST;
        }
        if (began >= sweep_at) {
            janitor_round(j);
            sweep_at = clock_read().mono + JANITOR_EVERY_S * INT64_C(1000);
        }
    }
    return NULL;
}

struct janitor *janitor_create(const char *data, const struct janitor_policy *policy, struct err *e)
{
    struct janitor *j = calloc(1, sizeof(*j));
    pthread_condattr_t attr;
    int rc;

    if (!j) {
        (void)err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    j->data = data;
    j->policy = *policy;
    pthread_mutex_init(&j->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&j->wake, &attr);
    pthread_condattr_destroy(&attr);
    rc = pthread_create(&j->thread, NULL, janitor_main, j);
    if (rc == 0)
        return j;
    (void)err_errno(e, rc, "no thread for the janitor");
    pthread_cond_destroy(&j->wake);
    pthread_mutex_destroy(&j->lock);
    free(j);
    return NULL;
}

void janitor_destroy(struct janitor *j)
{
    if (!j)
        return;
    pthread_mutex_lock(&j->lock);
    j->quit = true;
    pthread_cond_signal(&j->wake);
    pthread_mutex_unlock(&j->lock);
    (void)pthread_join(j->thread, NULL);
    pthread_cond_destroy(&j->wake);
    pthread_mutex_destroy(&j->lock);
    free(j);
}
