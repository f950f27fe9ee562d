/* SPDX-License-Identifier: MIT
 *
 * Certificates are kept in a list, newest first, until the end: a handshake may still hold an older one. There is one
 * more for each renewal, which is a handful a year.
 */
#include "server/http/tls.h"

#include <pthread.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"

enum { FILE_MAX = 256 * 1024, CHAIN_MAX = 8, HASH_SIZE = 32 };

struct generation {
    gnutls_pcert_st chain[CHAIN_MAX];
    unsigned count;
    gnutls_privkey_t key;
    int64_t expires;
    unsigned char hash[HASH_SIZE]; /* of both files */
    struct generation *older;
};

struct tls {
    const char *certificate, *key;
    pthread_mutex_t lock;
    struct generation *newest;
};

static void generation_destroy(struct generation *g)
{
    if (!g)
        return;
    for (unsigned i = 0; i < g->count; i++)
        gnutls_pcert_deinit(&g->chain[i]);
    if (g->key)
        gnutls_privkey_deinit(g->key);
    free(g);
}

static int bad(struct err *e, const char *path, int rc)
{
    return err_set(e, ERR_INVALID_PARAMETERS, "%s: %s", path, gnutls_strerror(rc));
}

static gnutls_datum_t datum(const struct buf *b)
{
    return (gnutls_datum_t){.data = (unsigned char *)b->data, .size = (unsigned)b->len};
}

/* The own certificate: its end, and whether the key is its key. 0 or -1. */
static int check_pair(const struct tls *t, struct generation *g, struct err *e)
{
    gnutls_x509_crt_t own = NULL;
    unsigned char of_cert[64], of_key[64];
    size_t cert_len = sizeof of_cert, key_len = sizeof of_key;
    int rc = gnutls_pcert_export_x509(&g->chain[0], &own);
    if (rc)
        return bad(e, t->certificate, rc);
    g->expires = (int64_t)gnutls_x509_crt_get_expiration_time(own);
    gnutls_x509_crt_deinit(own);
    gnutls_pubkey_t pub = NULL;
    rc = gnutls_pubkey_init(&pub);
    if (!rc)
        rc = gnutls_pubkey_import_privkey(pub, g->key, 0, 0);
    if (!rc)
        rc = gnutls_pubkey_get_key_id(pub, GNUTLS_KEYID_USE_SHA256, of_key, &key_len);
    if (!rc)
        rc = gnutls_pubkey_get_key_id(g->chain[0].pubkey, GNUTLS_KEYID_USE_SHA256, of_cert, &cert_len);
    gnutls_pubkey_deinit(pub);
    if (rc)
        return bad(e, t->key, rc);
    if (cert_len != key_len || memcmp(of_cert, of_key, key_len) != 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "%s is not the key of %s.", t->key, t->certificate);
    if (g->expires < (int64_t)time(NULL))
        return err_set(e, ERR_INVALID_PARAMETERS, "%s has expired.", t->certificate);
    return 0;
}

static int parse(const struct tls *t, struct generation *g, const struct buf *cert, const struct buf *key,
                 struct err *e)
{
    gnutls_datum_t c = datum(cert), k = datum(key);
    unsigned count = CHAIN_MAX;
    int rc = gnutls_pcert_list_import_x509_raw(g->chain, &count, &c, GNUTLS_X509_FMT_PEM,
                                               GNUTLS_X509_CRT_LIST_FAIL_IF_UNSORTED);
    if (rc)
        return bad(e, t->certificate, rc);
    g->count = count;
    rc = gnutls_privkey_init(&g->key);
    if (!rc)
        rc = gnutls_privkey_import_x509_raw(g->key, &k, GNUTLS_X509_FMT_PEM, NULL, 0);
    return rc ? bad(e, t->key, rc) : check_pair(t, g, e);
}

static int check_mode(const char *path, struct err *e)
{
    struct stat st;
    if (!stat(path, &st) && (st.st_mode & 077))
        return err_set(e, ERR_INVALID_PARAMETERS, "%s must be readable by its owner only (mode 0600).", path);
    return 0; /* what is not there is told by reading it */
}

int tls_reload(struct tls *t, struct err *e)
{
    struct buf cert, key;
    struct generation *g = NULL;
    crypto_generichash_state h;
    unsigned char hash[HASH_SIZE];
    int rc = -1;
    buf_init(&cert, FILE_MAX);
    buf_init(&key, FILE_MAX);
    if (check_mode(t->key, e) || fs_read(t->certificate, FILE_MAX, &cert, e) || fs_read(t->key, FILE_MAX, &key, e))
        goto out;
    crypto_generichash_init(&h, NULL, 0, sizeof hash);
    crypto_generichash_update(&h, (const unsigned char *)buf_str(&cert), cert.len);
    crypto_generichash_update(&h, (const unsigned char *)buf_str(&key), key.len);
    crypto_generichash_final(&h, hash, sizeof hash);
    if (t->newest && !memcmp(hash, t->newest->hash, sizeof hash)) {
        rc = 0;
        goto out;
    }
    g = calloc(1, sizeof *g);
    if (!g) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        goto out;
    }
    memcpy(g->hash, hash, sizeof hash);
    if (parse(t, g, &cert, &key, e)) {
        generation_destroy(g);
        goto out;
    }
    pthread_mutex_lock(&t->lock);
    g->older = t->newest;
    t->newest = g;
    pthread_mutex_unlock(&t->lock);
    rc = 1;
out:
    if (key.data)
        sodium_memzero(key.data, key.len);
    buf_fini(&cert);
    buf_fini(&key);
    return rc;
}

struct tls *tls_create(const char *certificate, const char *key, struct err *e)
{
    struct tls *t = calloc(1, sizeof *t);
    if (!t) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    t->certificate = certificate;
    t->key = key;
    pthread_mutex_init(&t->lock, NULL);
    if (tls_reload(t, e) < 0) {
        tls_destroy(t);
        return NULL;
    }
    return t;
}

void tls_destroy(struct tls *t)
{
    if (!t)
        return;
    for (struct generation *g = t->newest, *older; g; g = older) {
        older = g->older;
        generation_destroy(g);
    }
    pthread_mutex_destroy(&t->lock);
    free(t);
}

int64_t tls_expires(struct tls *t)
{
    pthread_mutex_lock(&t->lock);
    int64_t at = t->newest->expires;
    pthread_mutex_unlock(&t->lock);
    return at;
}

void tls_retrieve(struct tls *t, gnutls_pcert_st **certs, unsigned *count, gnutls_privkey_t *key)
{
    pthread_mutex_lock(&t->lock);
    *certs = t->newest->chain;
    *count = t->newest->count;
    *key = t->newest->key;
    pthread_mutex_unlock(&t->lock);
}
