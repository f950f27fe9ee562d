/* SPDX-License-Identifier: MIT
 *
 * What a webhook is sent: a notice in the shape that its receiver reads, and the signature over it, as Standard
 * Webhooks have it.
 */
#ifndef DROVER_SERVER_NOTICE_BODY_H
#define DROVER_SERVER_NOTICE_BODY_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct notice;

enum body_shape { BODY_JSON, BODY_SLACK, BODY_TEAMS, BODY_SHAPES };

#define BODY_SECRET_SIZE 32      /* bytes */
#define BODY_SECRET_TEXT_SIZE 64 /* "whsec_" and their base64, with its NUL */
#define BODY_SIGNATURE_SIZE 64   /* "v1," and base64, with its NUL */

/* "json", "slack", "teams"; BODY_SHAPES for another word. */
const char *body_shape_name(enum body_shape s);
enum body_shape body_shape_find(const char *name);

/* A notice as one JSON object, which is what is stored and what the shape json sends. `url` leads to its job; "" = not
 * known. In the arena; NULL on out of memory. */
const char *body_data(struct arena *a, const struct notice *n, const char *url);
/* Such an object in a shape. In the arena; NULL with the error. */
const char *body_write(struct arena *a, enum body_shape shape, const char *data, struct err *e);

/* The secret as it is shown, once. */
void body_secret_text(const unsigned char secret[BODY_SECRET_SIZE], char out[BODY_SECRET_TEXT_SIZE]);
/* The value of webhook-signature: HMAC-SHA256 over "ID.SECONDS.BODY". */
struct body_message {
    const char *id, *body;
    int64_t seconds; /* since 1970: the value of webhook-timestamp */
};
void body_sign(const struct body_message *m, const unsigned char secret[BODY_SECRET_SIZE],
               char out[BODY_SIGNATURE_SIZE]);

#endif
