/* SPDX-License-Identifier: MIT
 *
 * A rig for tests of the local engine: a data folder, a real spawner and real shims, and a sink that collects events
 * for the test to wait on.
 */
#ifndef DROVER_TESTS_ENGINES_RIG_H
#define DROVER_TESTS_ENGINES_RIG_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/id.h"
#include "engines/engine.h"
#include "engines/local/local.h"

#define RIG_EVENTS 4096

/* An event without its node, which is large. */
struct rig_event {
    enum engine_event_kind kind;
    char id[ID_SIZE];
    int64_t epoch, seq, wall_ms;
    int code, signal, gpu_count, gpus[8], busy_port;
    bool never_started, on_host;
    char message[256];
};

struct rig {
    char data[64];
    char boot[40]; /* "" = the kernel's */
    int gpus;
    int stuck_ms;          /* as in the engine's configuration */
    const char *isolation; /* at most; NULL = DROVER_TEST_ISOLATION, or the best */
    struct engine *engine;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct rig_event *events;
    size_t count;
    struct node node;
};

/* Makes the engine (again) on the rig's folder and starts it. */
void rig_engine(struct rig *r);

/* Starts it. */
void rig_start(struct rig *r);

/* Stops and destroys it; its tasks go on. */
void rig_stop(struct rig *r);

/* A rig with a started engine, as a cmocka fixture. */
int rig_setup(void **state);

/* The spawner's pid, from its file; 0 when there is none. */
pid_t rig_spawner(const struct rig *r);

/* Whether a process carries the attempt's mark, for all that can be seen; nothing is done to it. */
bool rig_lives(const char *id);

/* Ends the engine and its spawner and removes the folder. */
int rig_teardown(void **state);

/* Waits for the n-th (from 0) event of those kinds. */
struct rig_event rig_wait_mask(struct rig *r, unsigned kinds, const char *id, int n);

/* Waits for the n-th (from 0) event of that kind about `id` (NULL = any). */
struct rig_event rig_wait_nth(struct rig *r, enum engine_event_kind kind, const char *id, int n);

/* Waits for its end, whichever. */
struct rig_event rig_wait_end(struct rig *r, const char *id);

/* Waits for the first event of that kind about `id`. */
struct rig_event rig_wait(struct rig *r, enum engine_event_kind kind, const char *id);

/* How many such events there were so far. */
size_t rig_count(struct rig *r, enum engine_event_kind kind, const char *id);

/* An order; a launch runs `script` on the host. */
struct engine_order *rig_order(enum engine_order_kind kind, const char *id, const char *script);

/* Hands the order over. */
void rig_give(struct rig *r, struct engine_order *o);

/* Launches a new attempt; its id goes to `id`. */
void rig_launch(struct rig *r, char id[ID_SIZE], const char *script);

/* Orders the stop of an attempt, by TERM or another signal. */
void rig_order_stop(struct rig *r, const char *id, int grace_ms);
void rig_order_stop_by(struct rig *r, const char *id, int grace_ms, int signal);

/* Content of a file in the attempt's folder; the caller frees it. */
char *rig_file(const struct rig *r, const char *id, const char *name, size_t *len);

/* Fails unless the file in the attempt's folder has that text. */
void rig_expect_file(const struct rig *r, const char *id, const char *name, const char *text);

/* Waits until a file in the attempt's folder has at least `len` bytes. */
void rig_wait_file(const struct rig *r, const char *id, const char *name, off_t len);

#endif
