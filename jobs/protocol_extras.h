/* SPDX-License-Identifier: MIT
 *
 * `extras.drover`: what the protocol of OpenPAI lacks. This file and its .c are the only owner of that key; additions
 * go here, one field each in the table and in struct spec.
 */
#ifndef DROVER_JOBS_PROTOCOL_EXTRAS_H
#define DROVER_JOBS_PROTOCOL_EXTRAS_H

struct arena;
struct err;
struct doc;
struct spec;
struct spec_place;

/* Checks `drover` (NULL: not given) and fills what it says of the job, or the defaults; lists are made in `a`.
 * `place` is the map's own. 0, or -1 with the place. */
int protocol_extras_read(struct arena *a, struct spec *spec, const struct doc *drover, const struct spec_place *place,
                         struct err *e);
/* The word for a number that struct spec has as checkpoint_signal. Never NULL. */
const char *protocol_extras_signal(int number);

#endif
