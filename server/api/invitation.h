/* SPDX-License-Identifier: MIT
 *
 * Invitations by mail, for the handlers that make users.
 */
#ifndef DROVER_SERVER_API_INVITATION_H
#define DROVER_SERVER_API_INVITATION_H

#include <stdbool.h>

struct api;
struct arena;
struct err;

/* A mail with an invitation. Borrowed. */
struct invitation_mail {
    const char *user, *email, *secret, *hash;
};

/* Notes in the database how the mail with an invitation went (mailer_config.done, with the api as context). */
void api_invitation_sent(void *context, const char *hash, const char *problem, bool for_good);
/* The link of an invitation's secret, in the arena; NULL on out of memory. */
char *api_invitation_link(const struct api *a, struct arena *arena, const char *secret);
/* Sends it by mail; a failure is noted with it. */
void api_invitation_mail(struct api *a, struct arena *arena, const struct invitation_mail *m);
/* Whether the server can send mail. 0, or -1 with `e`. */
int api_invitation_can_mail(const struct api *a, struct err *e);

#endif
