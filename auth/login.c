/* SPDX-License-Identifier: MIT
 *
 * The login throttle. An account remembers the address of its last good login: there its owner is let in by a bucket of
 * its own, so that a stranger who guesses from elsewhere cannot lock the owner out, nor a neighbour behind the same
 * address.
 *
 *   trusted address:  bucket `mine`
 *   elsewhere:        bucket `others` of the account, and the bucket of the address
 */
#include "auth/login.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"

#define WINDOW_MS (15 * 60 * 1000)
#define WINDOW_FAILS 20
#define DELAY_AFTER 5
#define DELAY_MAX_MS 60000
#define KEY_SIZE 129

struct bucket {
    int64_t start; /* of the window */
    int64_t last;  /* failure */
    int fails;
};

struct entry {
    char key[KEY_SIZE];
    char good_ip[64];            /* accounts: of the last good login */
    struct bucket mine;          /* accounts: from good_ip */
    struct bucket others;        /* accounts: from elsewhere; addresses: all */
    struct entry *newer, *older; /* by use */
};

struct table {
    struct hash *index;
    struct entry *entries; /* `cap` of them, handed out in order, then the oldest again */
    size_t cap, used;
    struct entry *newest, *oldest;
};

struct login_throttle {
    struct table accounts;
    struct table addresses;
};

static int init_table(struct table *t, size_t cap)
{
    t->cap = cap;
    t->index = hash_create();
    t->entries = calloc(cap, sizeof(*t->entries));
    return t->index && t->entries ? 0 : -1;
}

static void fini_table(struct table *t)
{
    hash_destroy(t->index);
    free(t->entries);
}

struct login_throttle *login_throttle_create(size_t cap)
{
    struct login_throttle *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    if (init_table(&t->accounts, cap ? cap : 4096) || init_table(&t->addresses, cap ? cap : 4096)) {
        login_throttle_destroy(t);
        return NULL;
    }
    return t;
}

void login_throttle_destroy(struct login_throttle *t)
{
    if (!t)
        return;
    fini_table(&t->accounts);
    fini_table(&t->addresses);
    free(t);
}

static void unlink_entry(struct table *t, struct entry *en)
{
    if (en->newer)
        en->newer->older = en->older;
    else
        t->newest = en->older;
    if (en->older)
        en->older->newer = en->newer;
    else
        t->oldest = en->newer;
}

static void link_newest(struct table *t, struct entry *en)
{
    en->newer = NULL;
    en->older = t->newest;
    if (t->newest)
        t->newest->newer = en;
    else
        t->oldest = en;
    t->newest = en;
}

static void make_key(const char *s, char key[KEY_SIZE])
{
    size_t n = strnlen(s, KEY_SIZE - 1);

    memcpy(key, s, n);
    key[n] = '\0';
}

static struct entry *find(const struct table *t, const char *name)
{
    char key[KEY_SIZE];

    make_key(name, key);
    return hash_get(t->index, key);
}

/* Finds or makes; the entry used longest ago makes room. NULL on out of memory. */
static struct entry *touch(struct table *t, const char *name)
{
    struct entry *en = find(t, name);

    if (en) {
        unlink_entry(t, en);
    } else {
        if (t->used < t->cap) {
            en = &t->entries[t->used++];
        } else {
            en = t->oldest;
            hash_remove(t->index, en->key);
            unlink_entry(t, en);
        }
        memset(en, 0, sizeof(*en));
        make_key(name, en->key);
        if (hash_put(t->index, en->key, en)) {
            en->key[0] = '\0';
            link_newest(t, en);
            return NULL;
        }
    }
    link_newest(t, en);
    return en;
}

/* Milliseconds that a bucket makes one wait; 0 = go on. */
static int64_t wait_of(const struct bucket *b, bool delay, int64_t now)
{
    int64_t wait = 0;

    if (b->fails == 0 || now - b->start >= WINDOW_MS)
        return 0;
    if (b->fails >= WINDOW_FAILS)
        return b->start + WINDOW_MS - now;
    if (delay && b->fails >= DELAY_AFTER) {
        int doublings = b->fails - DELAY_AFTER;
        int64_t pause = doublings > 6 ? DELAY_MAX_MS : 1000LL << doublings;

        wait = b->last + (pause > DELAY_MAX_MS ? DELAY_MAX_MS : pause) - now;
    }
    return wait > 0 ? wait : 0;
}

static bool is_trusted(const struct entry *account, const char *ip)
{
    return account && account->good_ip[0] && !strcmp(account->good_ip, ip);
}

int login_throttle_check(struct login_throttle *t, const char *user, const char *ip, int64_t now_ms, struct err *e)
{
    const struct entry *account = find(&t->accounts, user);
    const struct entry *address = find(&t->addresses, ip);
    int64_t wait = 0;

    if (is_trusted(account, ip)) {
        wait = wait_of(&account->mine, true, now_ms);
    } else {
        int64_t other = address ? wait_of(&address->others, false, now_ms) : 0;

        wait = account ? wait_of(&account->others, true, now_ms) : 0;
        wait = other > wait ? other : wait;
    }
    if (wait == 0)
        return 0;
    wait = (wait + 999) / 1000;
    err_set(e, ERR_TOO_MANY, "Too many failed logins. Try again in %lld s.", (long long)wait);
    return (int)wait; /* at most a window */
}

static void count_fail(struct bucket *b, int64_t now)
{
    if (b->fails == 0 || now - b->start >= WINDOW_MS) {
        b->start = now;
        b->fails = 0;
    }
    b->fails++;
    b->last = now;
}

void login_throttle_fail(struct login_throttle *t, const char *user, const char *ip, int64_t now_ms)
{
    struct entry *account = touch(&t->accounts, user);
    struct entry *address = touch(&t->addresses, ip);

    if (account)
        count_fail(is_trusted(account, ip) ? &account->mine : &account->others, now_ms);
    if (address)
        count_fail(&address->others, now_ms);
}

void login_throttle_succeed(struct login_throttle *t, const char *user, const char *ip, int64_t now_ms)
{
    struct entry *account = touch(&t->accounts, user);
    struct entry *address = find(&t->addresses, ip);
    size_t n = strnlen(ip, sizeof(account->good_ip) - 1);

    (void)now_ms;
    if (address && address->others.fails > 0)
        address->others.fails--;
    if (!account)
        return;
    memset(&account->mine, 0, sizeof(account->mine));
    memset(&account->others, 0, sizeof(account->others));
    memcpy(account->good_ip, ip, n);
    account->good_ip[n] = '\0';
}
