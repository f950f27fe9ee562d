/* SPDX-License-Identifier: MIT
 *
 * What else counts as a use of a login.
 */
#ifndef DROVER_SERVER_API_AUTHENTICATE_H
#define DROVER_SERVER_API_AUTHENTICATE_H

struct api;
struct identity;

/* Records that a session was used, so that it does not idle out; nobody waits for it. Any thread. */
void api_touch(struct api *a, const struct identity *who);

#endif
