/* SPDX-License-Identifier: MIT
 *
 * A table, looked through: some thousand hashes are compared in microseconds.
 */
#include "server/app_grants.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    char hash[IDENTITY_HASH_SIZE]; /* "" = free */
    bool ticket;
    int64_t made; /* rises by one a secret: which is the oldest */
    int64_t ends_ms;
    struct app_grant grant;
};

struct app_grants {
    pthread_mutex_t lock;
    int64_t made;
    struct entry entries[APP_GRANTS_MAX];
};

struct app_grants *app_grants_create(void)
{
    struct app_grants *g = calloc(1, sizeof(*g));

    if (g)
        pthread_mutex_init(&g->lock, NULL);
    return g;
}

void app_grants_destroy(struct app_grants *g)
{
    if (!g)
        return;
    pthread_mutex_destroy(&g->lock);
    free(g);
}

/* Under the lock, as all below. A place for one more of this user's. */
static struct entry *make_room(struct app_grants *g, const char *user, int64_t now_ms)
{
    struct entry *oldest = &g->entries[0], *oldest_own = NULL, *unused = NULL;
    int own = 0;

    for (int i = 0; i < APP_GRANTS_MAX; i++) {
        struct entry *n = &g->entries[i];

        if (n->hash[0] && n->ends_ms <= now_ms)
            n->hash[0] = '\0';
        if (!n->hash[0]) {
            unused = n;
            continue;
        }
        if (n->made < oldest->made)
            oldest = n;
        if (strcmp(n->grant.who.user, user) != 0)
            continue;
        own++;
        if (!oldest_own || n->made < oldest_own->made)
            oldest_own = n;
    }
    if (own >= APP_GRANTS_PER_USER)
        return oldest_own;
    return unused ? unused : oldest;
}

static void add(struct app_grants *g, const struct app_grant *grant, int64_t now_ms, bool ticket,
                char out[SESSION_ID_SIZE])
{
    struct entry *n = make_room(g, grant->who.user, now_ms);

    session_make_id(out);
    *n = (struct entry){.ticket = ticket,
                        .made = ++g->made,
                        .ends_ms = now_ms + (ticket ? APP_TICKET_MS : APP_GRANT_MS),
                        .grant = *grant};
    session_hash(out, strlen(out), n->hash);
}

static struct entry *find(struct app_grants *g, const char *secret, bool ticket, int64_t now_ms)
{
    char hash[IDENTITY_HASH_SIZE];

    session_hash(secret, strlen(secret), hash);
    for (int i = 0; i < APP_GRANTS_MAX; i++) {
        struct entry *n = &g->entries[i];

        if (n->hash[0] && n->ticket == ticket && n->ends_ms > now_ms && !strcmp(n->hash, hash))
            return n;
    }
    return NULL;
}

void app_grants_ticket(struct app_grants *g, const struct app_grant *grant, int64_t now_ms, char out[SESSION_ID_SIZE])
{
    pthread_mutex_lock(&g->lock);
    add(g, grant, now_ms, true, out);
    pthread_mutex_unlock(&g->lock);
}

bool app_grants_redeem(struct app_grants *g, const char *ticket, int64_t now_ms, char cookie[SESSION_ID_SIZE],
                       struct app_grant *out)
{
    pthread_mutex_lock(&g->lock);
    struct entry *n = find(g, ticket, true, now_ms);
    bool ok = n && !strcmp(n->grant.prefix, out->prefix);

    if (ok) {
        *out = n->grant;
        n->hash[0] = '\0';
        add(g, out, now_ms, false, cookie);
    }
    pthread_mutex_unlock(&g->lock);
    return ok;
}

bool app_grants_find(struct app_grants *g, const char *cookie, int64_t now_ms, struct app_grant *out)
{
    pthread_mutex_lock(&g->lock);
    const struct entry *n = find(g, cookie, false, now_ms);

    if (n)
        *out = n->grant;
    pthread_mutex_unlock(&g->lock);
    return n != NULL;
}

void app_grants_update(struct app_grants *g, const char *cookie, const struct app_grant *grant)
{
    pthread_mutex_lock(&g->lock);
    struct entry *n = find(g, cookie, false, INT64_MIN);

    if (n)
        n->grant = *grant;
    pthread_mutex_unlock(&g->lock);
}

void app_grants_drop(struct app_grants *g, const char *cookie)
{
    pthread_mutex_lock(&g->lock);
    struct entry *n = find(g, cookie, false, INT64_MIN);

    if (n)
        n->hash[0] = '\0';
    pthread_mutex_unlock(&g->lock);
}
