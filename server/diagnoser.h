/* SPDX-License-Identifier: MIT
 *
 * The thread that finds out why task attempts failed, between the engine and the core: an end that needs it waits here
 * while its logs are read, and goes on with its diagnosis. A crash meanwhile loses nothing: the engine tells an end
 * again until it is told to forget it.
 *
 * The catalogue is the built-in one, or a site's file, which is read again when it has changed; one that cannot be read
 * is complained of, and the one before goes on being used.
 */
#ifndef DROVER_SERVER_DIAGNOSER_H
#define DROVER_SERVER_DIAGNOSER_H

#include <stdbool.h>

#include "engines/engine.h"

struct diagnoser;
struct err;
struct exit_diagnosis;
struct log_shelf;

/* Takes an event on; `why` is NULL where nothing was to be found out. Both are borrowed. Never blocks for long. */
typedef void diagnoser_sink_fn(void *ctx, const struct engine_event *ev, const struct exit_diagnosis *why);

struct diagnoser_config {
    struct log_shelf *shelf; /* where the logs are; borrowed */
    const char *catalogue;   /* file of the site's own; "" = the built-in one. Borrowed */
};

/* Reads the catalogue, which must be right at the start. NULL on error. */
struct diagnoser *diagnoser_create(const struct diagnoser_config *config, struct err *e);
/* Starts the thread, which gives events on to the sink. 0 or -1. */
int diagnoser_start(struct diagnoser *d, diagnoser_sink_fn *sink, void *ctx, struct err *e);
/* Gives an event on: at once, or after its diagnosis. Events of one attempt stay in order, and ENGINE_READY comes
 * behind all before it. The engine's thread. */
void diagnoser_put(struct diagnoser *d, const struct engine_event *ev);
/* Ends the thread; what waits is dropped, and the sink is not called again. Once. NULL ok. */
void diagnoser_stop(struct diagnoser *d);
/* As diagnoser_stop, if that was not called; then frees. NULL ok. */
void diagnoser_destroy(struct diagnoser *d);

#endif
