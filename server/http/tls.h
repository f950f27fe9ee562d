/* SPDX-License-Identifier: MIT
 *
 * The server's certificate, for libmicrohttpd's GnuTLS: read from two PEM files, and again when they have changed,
 * while connections go on. TLS 1.2 and 1.3 only, forward secrecy only.
 */
#ifndef DROVER_SERVER_HTTP_TLS_H
#define DROVER_SERVER_HTTP_TLS_H

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <stdint.h>

struct err;
struct tls;

/* GnuTLS's priority string. */
#define TLS_PRIORITY                                                                                                   \
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-RSA:-DHE-RSA:-CIPHER-ALL:+AES-256-GCM:+AES-128-GCM:"               \
    "+CHACHA20-POLY1305:-MAC-ALL:+AEAD:%SERVER_PRECEDENCE"

/* Reads certificate (the chain, own one first) and key. The key's file must be readable by its owner only. NULL with
 * what is wrong: a file, the two do not belong together, expired. */
struct tls *tls_create(const char *certificate, const char *key, struct err *e);
/* No connection may be left. NULL ok. */
void tls_destroy(struct tls *t);
/* Reads the files again: 1 when new connections get another certificate from now on, 0 when nothing has changed, -1
 * when the files are bad: then the old one stays. One thread at a time. */
int tls_reload(struct tls *t, struct err *e);
/* When the certificate expires, seconds since 1970. Any thread. */
int64_t tls_expires(struct tls *t);
/* The certificate for a handshake, as gnutls_certificate_retrieve_function2 wants it. Any thread. */
void tls_retrieve(struct tls *t, gnutls_pcert_st **certs, unsigned *count, gnutls_privkey_t *key);

#endif
