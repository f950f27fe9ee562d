/* SPDX-License-Identifier: MIT
 *
 * Passwords: rules, argon2id, and the gate that keeps hashing from eating the machine.
 */
#include "auth/password.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/utf8.h"

#ifdef DROVER_FAILPOINTS
/* Builds for tests, never a release: a third of what the system tests computed were hashes of their users' passwords.
 * A release that meets such a hash makes its own of it at the next login. */
#define OPS 1
#define MEM ((size_t)1 << 20)
#else
#define OPS crypto_pwhash_argon2id_OPSLIMIT_INTERACTIVE
#define MEM crypto_pwhash_argon2id_MEMLIMIT_INTERACTIVE
#endif

_Static_assert(PASSWORD_HASH_SIZE >= crypto_pwhash_STRBYTES, "room for the hash");

/* What people choose when only the length is checked, without digits and marks at the end: those are cut before the
 * look-up, so "Password123!" is found as "password". Compared without case. */
static const char *const common[] = {
    "password",
    "passwort",
    "passw0rd",
    "p@ssword",
    "p@ssw0rd",
    "motdepasse",
    "contrasena",
    "qwerty",
    "qwertyuiop",
    "qwertz",
    "azerty",
    "asdfgh",
    "asdfghjkl",
    "zxcvbn",
    "zxcvbnm",
    "letmein",
    "welcome",
    "iloveyou",
    "admin",
    "administrator",
    "root",
    "changeme",
    "secret",
    "default",
    "dragon",
    "monkey",
    "football",
    "baseball",
    "basketball",
    "superman",
    "batman",
    "princess",
    "sunshine",
    "shadow",
    "master",
    "michael",
    "jennifer",
    "computer",
    "internet",
    "whatever",
    "trustno",
    "starwars",
    "abc",
    "abcd",
    "abcdef",
    "abcdefgh",
    "test",
    "testtest",
    "guest",
    "user",
    "login",
    "drover",
    "openpai",
    "cluster",
    "slurm",
    "kubernetes",
    "gpu",
    "nvidia",
    "qazwsx",
    "qazwsxedc",
    "q1w2e3r4t5",
    "1q2w3e4r",
    "1q2w3e4r5t",
    "1qaz2wsx",
    "zaq12wsx",
    "a1b2c3d4",
    "access",
    "hello",
    "helloworld",
    "summer",
    "winter",
    "spring",
    "autumn",
    "january",
    "monday",
    "passpass",
    "temp",
    "temporary",
    "initial",
    "newpass",
    "mypassword",
    "thepassword",
    "correcthorsebatterystaple",
};

/* Length without the digits and marks at the end. */
static size_t stem_length(const char *s)
{
    size_t n = strlen(s);

    while (n > 0 && strchr("0123456789!?.,;:#*+-_=$%&@", s[n - 1]))
        n--;
    return n;
}

static bool is_common(const char *password)
{
    size_t all = strlen(password);
    size_t stem = stem_length(password);

    if (stem == 0)
        return true; /* digits and marks only */
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
        size_t n = strlen(common[i]);

        if ((n == stem || n == all) && !strncasecmp(common[i], password, n))
            return true;
    }
    return strspn(password, (char[]){password[0], '\0'}) == all; /* one character all over */
}

static bool is_user_name(const char *password, const char *user)
{
    size_t n = user ? strlen(user) : 0;

    return n > 0 && !strncasecmp(password, user, n) && stem_length(password) <= n;
}

static size_t count_characters(const char *s, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        n += ((unsigned char)s[i] & 0xc0) != 0x80;
    return n;
}

int password_check_rules(const char *password, const char *user, struct err *e)
{
    size_t len = strlen(password);
    size_t characters = count_characters(password, len);

    if (characters < PASSWORD_MIN || len > PASSWORD_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "A password must have %d to %d characters.", PASSWORD_MIN,
                       PASSWORD_MAX);
    if (!utf8_valid(password, len))
        return err_set(e, ERR_INVALID_PARAMETERS, "A password must be valid UTF-8.");
    for (const char *s = password; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return err_set(e, ERR_INVALID_PARAMETERS, "A password must not have control characters.");
    if (is_common(password))
        return err_set(e, ERR_INVALID_PARAMETERS, "This password is one of the first that anyone would try.");
    if (is_user_name(password, user))
        return err_set(e, ERR_INVALID_PARAMETERS, "A password must not be the user name.");
    return 0;
}

int password_hash(const char *password, char out[PASSWORD_HASH_SIZE], struct err *e)
{
    if (sodium_init() < 0 ||
        crypto_pwhash_str_alg(out, password, strlen(password), OPS, MEM, crypto_pwhash_ALG_ARGON2ID13))
        return err_set(e, ERR_BUSY, "There is not enough memory to hash a password now.");
    return 0;
}

/* The work of a verification with our settings, for users who do not exist: the time must not tell (S7). */
static void verify_dummy(const char *password)
{
    unsigned char out[32];
    static const unsigned char salt[crypto_pwhash_SALTBYTES] = {1};

    if (crypto_pwhash(out, sizeof(out), password, strlen(password), salt, OPS, MEM, crypto_pwhash_ALG_ARGON2ID13))
        return; /* out of memory looks the same as a wrong password, as below */
    sodium_memzero(out, sizeof(out));
}

bool password_verify(const char *hash, const char *password, bool *rehash)
{
    bool ok;

    if (rehash)
        *rehash = false;
    if (sodium_init() < 0 || strlen(password) > PASSWORD_MAX)
        return false;
    if (!hash) {
        verify_dummy(password);
        return false;
    }
    ok = crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
    if (ok && rehash)
        *rehash = crypto_pwhash_str_needs_rehash(hash, OPS, MEM) != 0;
    return ok;
}

/* ---- the gate ---- */

struct call {
    void (*fn)(void *ctx);
    void *ctx;
};

struct password_gate {
    pthread_mutex_t lock;
    pthread_cond_t work;
    struct call *queue; /* a ring */
    unsigned cap, first, count;
    pthread_t *threads;
    unsigned thread_count;
    bool stop;
};

static void *gate_thread(void *arg)
{
    struct password_gate *g = arg;

    pthread_mutex_lock(&g->lock);
    while (g->count > 0 || !g->stop) {
        struct call c;

        if (g->count == 0) {
            pthread_cond_wait(&g->work, &g->lock);
            continue;
        }
        c = g->queue[g->first];
        g->first = (g->first + 1) % g->cap;
        g->count--;
        pthread_mutex_unlock(&g->lock);
        c.fn(c.ctx);
        pthread_mutex_lock(&g->lock);
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

struct password_gate *password_gate_create(unsigned threads, unsigned waiting, struct err *e)
{
    struct password_gate *g = calloc(1, sizeof(*g));

    if (!g)
        goto out_of_memory;
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->work, NULL);
    g->cap = waiting ? waiting : 1;
    g->queue = calloc(g->cap, sizeof(*g->queue));
    g->threads = calloc(threads ? threads : 1, sizeof(*g->threads));
    if (!g->queue || !g->threads)
        goto out_of_memory;
    while (g->thread_count < (threads ? threads : 1)) {
        int rc = pthread_create(&g->threads[g->thread_count], NULL, gate_thread, g);

        if (rc) {
            err_errno(e, rc, "password thread");
            password_gate_destroy(g);
            return NULL;
        }
        g->thread_count++;
    }
    return g;
out_of_memory:
    err_set(e, ERR_INTERNAL, "out of memory");
    password_gate_destroy(g);
    return NULL;
}

void password_gate_close(struct password_gate *g)
{
    if (!g)
        return;
    pthread_mutex_lock(&g->lock);
    g->stop = true;
    pthread_cond_broadcast(&g->work);
    pthread_mutex_unlock(&g->lock);
    while (g->thread_count)
        pthread_join(g->threads[--g->thread_count], NULL);
}

void password_gate_destroy(struct password_gate *g)
{
    if (!g)
        return;
    password_gate_close(g);
    pthread_cond_destroy(&g->work);
    pthread_mutex_destroy(&g->lock);
    free(g->queue);
    free(g->threads);
    free(g);
}

int password_gate_run(struct password_gate *g, void (*fn)(void *ctx), void *ctx, struct err *e)
{
    int rc = 0;

    pthread_mutex_lock(&g->lock);
    if (g->stop || g->count == g->cap) {
        rc = err_set(e, ERR_TOO_MANY, "Too many logins are in progress. Try again in a moment.");
    } else {
        g->queue[(g->first + g->count) % g->cap] = (struct call){fn, ctx};
        g->count++;
        pthread_cond_signal(&g->work);
    }
    pthread_mutex_unlock(&g->lock);
    return rc;
}
