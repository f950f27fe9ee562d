/* SPDX-License-Identifier: MIT
 *
 * The account. Attempts and users are in a hash each; a user's sum follows each change of an attempt's.
 *
 * Who keeps too much is not told by the sum alone which task is to blame: one that only writes its log must not die for
 * files that another left. So each running task has a base, its size at the last look that found its user within the
 * limit, and is blamed for what it has taken since. At the first look after a start nobody has taken anything.
 */
#include "engines/local/quota.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

#define QUOTA_BLAME (INT64_C(1) << 20) /* less than this is no reason to stop a task */

struct quota_user {
    char name[QUOTA_USER_SIZE];
    int64_t bytes; /* of attempts */
    int64_t other;
    bool ask, asking; /* asked for; by this look */
    const struct quota_kept *worst;
    struct quota_user *next_over; /* of those with a worst */
};

struct quota_kept {
    char attempt[ID_SIZE];
    struct quota_user *user; /* NULL: nobody's */
    int64_t work, logs, base;
    int64_t limit;
    int64_t changed; /* its folder, before it was measured; ns */
    unsigned look;   /* the last that came by it */
    bool ended, measured;
    bool before; /* there at the first look: what it has taken already is nobody's fault */
};

struct quota {
    struct quota_source source;
    pthread_mutex_t lock; /* users and their sums; attempts are the looks' thread's */
    struct hash *kept, *users;
    unsigned look;
};

struct quota *quota_create(const struct quota_source *source)
{
    struct quota *q = calloc(1, sizeof(*q));

    if (!q)
        return NULL;
    q->source = *source;
    pthread_mutex_init(&q->lock, NULL);
    q->kept = hash_create();
    q->users = hash_create();
    if (q->kept && q->users)
        return q;
    quota_destroy(q);
    return NULL;
}

static void quota_free_all(struct hash *h)
{
    size_t pos = 0;
    void *value;

    while (h && (value = hash_next(h, &pos)))
        free(value);
    hash_destroy(h);
}

void quota_destroy(struct quota *q)
{
    if (!q)
        return;
    quota_free_all(q->kept);
    quota_free_all(q->users);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

/* Found or made, under the lock; NULL on out of memory. */
static struct quota_user *quota_user(struct quota *q, const char *name)
{
    struct quota_user *u = hash_get(q->users, name);

    if (u)
        return u;
    u = calloc(1, sizeof(*u));
    if (!u)
        return NULL;
    (void)snprintf(u->name, sizeof(u->name), "%s", name);
    if (!hash_put(q->users, u->name, u))
        return u;
    free(u);
    return NULL;
}

void quota_begin(struct quota *q)
{
    struct quota_user *u;

    q->look++;
    pthread_mutex_lock(&q->lock);
    for (size_t pos = 0; (u = hash_next(q->users, &pos));) {
        u->asking = u->ask;
        u->ask = false;
        u->worst = NULL;
    }
    pthread_mutex_unlock(&q->lock);
    if (q->source.others)
        q->source.others(q->source.ctx, q);
}

static struct quota_kept *quota_kept(struct quota *q, const char *attempt)
{
    struct quota_kept *k = hash_get(q->kept, attempt);

    if (k)
        return k;
    k = calloc(1, sizeof(*k));
    if (!k)
        return NULL;
    (void)snprintf(k->attempt, sizeof(k->attempt), "%s", attempt);
    k->before = q->look == 1;
    if (!hash_put(q->kept, k->attempt, k))
        return k;
    free(k);
    return NULL;
}

/* Asks whose it is. 0 or -1. */
static int quota_own(struct quota *q, struct quota_kept *k, bool *dropped)
{
    struct quota_owner owner = {0};

    if (q->source.owner(q->source.ctx, k->attempt, &owner))
        return -1;
    pthread_mutex_lock(&q->lock);
    if (!k->user && owner.user[0])
        k->user = quota_user(q, owner.user);
    pthread_mutex_unlock(&q->lock);
    k->limit = owner.limit;
    *dropped = owner.dropped;
    return owner.user[0] && !k->user ? -1 : 0;
}

bool quota_same(struct quota *q, const char *attempt, int64_t changed)
{
    struct quota_kept *k = hash_get(q->kept, attempt);

    if (!k || !k->ended || !k->measured || k->changed != changed || (k->user && k->user->asking))
        return false;
    k->look = q->look;
    return true;
}

enum quota_todo quota_seen(struct quota *q, const char *attempt, int64_t changed, bool ended)
{
    struct quota_kept *k = quota_kept(q, attempt);
    bool dropped = false;

    if (!k)
        return QUOTA_NOTHING;
    k->look = q->look;
    if (quota_own(q, k, &dropped))
        return QUOTA_NOTHING;
    k->ended = ended;
    k->changed = changed;
    if (!ended || !dropped)
        return QUOTA_MEASURE;
    k->measured = false; /* where it cannot be removed, the next look tries again */
    return QUOTA_DROP;
}

void quota_put(struct quota *q, const char *attempt, int64_t work, int64_t logs)
{
    struct quota_kept *k = hash_get(q->kept, attempt);

    if (!k)
        return;
    if (!k->measured && k->before)
        k->base = work;
    if (k->user) {
        pthread_mutex_lock(&q->lock);
        k->user->bytes += work + logs - k->work - k->logs;
        pthread_mutex_unlock(&q->lock);
    }
    k->work = work;
    k->logs = logs;
    k->measured = true;
}

static void quota_forget(struct quota *q, struct quota_kept *k)
{
    if (k->user) {
        pthread_mutex_lock(&q->lock);
        k->user->bytes -= k->work + k->logs;
        pthread_mutex_unlock(&q->lock);
    }
    (void)hash_remove(q->kept, k->attempt);
    free(k);
}

static int64_t quota_taken(const struct quota_kept *k)
{
    return k->work - k->base;
}

/* Under the lock. Users who get their first culprit are put before `over`; the new first. */
static struct quota_user *quota_judge(struct quota_kept *k, struct quota_user *over)
{
    struct quota_user *u = k->user;

    if (k->ended || !u || !k->measured)
        return over;
    if (!k->limit || u->bytes + u->other <= k->limit) {
        k->base = k->work;
        return over;
    }
    if (quota_taken(k) < QUOTA_BLAME || (u->worst && quota_taken(k) <= quota_taken(u->worst)))
        return over;
    if (!u->worst) {
        u->next_over = over;
        over = u;
    }
    u->worst = k;
    return over;
}

void quota_end(struct quota *q, quota_stop_fn *stop, void *ctx)
{
    struct quota_user *over = NULL;
    struct quota_kept *k;

    for (size_t pos = 0; (k = hash_next(q->kept, &pos));)
        if (k->look != q->look)
            quota_forget(q, k);
    pthread_mutex_lock(&q->lock);
    for (size_t pos = 0; (k = hash_next(q->kept, &pos));)
        over = quota_judge(k, over);
    pthread_mutex_unlock(&q->lock);
    for (const struct quota_user *u = over; u; u = u->next_over) { /* the sums are this thread's to change */
        char why[QUOTA_WHY_SIZE];

        (void)snprintf(
            why, sizeof(why),
            "%.40s keeps %lld MB on this node, the limit is %lld MB, and this task took %lld MB more; delete "
            "jobs to free space",
            u->name, (long long)((u->bytes + u->other) >> 20), (long long)(u->worst->limit >> 20),
            (long long)(quota_taken(u->worst) >> 20));
        stop(ctx, u->worst->attempt, why);
    }
}

void quota_other_clear(struct quota *q)
{
    struct quota_user *u;

    pthread_mutex_lock(&q->lock);
    for (size_t pos = 0; (u = hash_next(q->users, &pos));)
        u->other = 0;
    pthread_mutex_unlock(&q->lock);
}

void quota_other_add(struct quota *q, const char *user, int64_t bytes)
{
    struct quota_user *u;

    pthread_mutex_lock(&q->lock);
    u = quota_user(q, user);
    if (u)
        u->other += bytes;
    pthread_mutex_unlock(&q->lock);
}

int64_t quota_used(struct quota *q, const char *user)
{
    const struct quota_user *u;
    int64_t bytes;

    pthread_mutex_lock(&q->lock);
    u = hash_get(q->users, user);
    bytes = u ? u->bytes + u->other : 0;
    pthread_mutex_unlock(&q->lock);
    return bytes;
}

void quota_ask(struct quota *q, const char *user)
{
    struct quota_user *u;

    pthread_mutex_lock(&q->lock);
    u = quota_user(q, user);
    if (u)
        u->ask = true;
    pthread_mutex_unlock(&q->lock);
}
