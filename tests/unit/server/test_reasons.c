/* SPDX-License-Identifier: MIT
 *
 * Changes of the reason for which a job waits: found by a round over rows and the published state, told as events, and
 * not told too often.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"
#include "core/core.h"
#include "jobs/spec.h"
#include "server/api/api.h"
#include "server/mailbox.h"
#include "server/persist.h"
#include "server/readers.h"
#include "server/reasons.h"
#include "server/snapshot.h"
#include "store/store.h"
#include "tests/unit/base/temp_dir.h"

static const char yaml[] = "protocolVersion: 2\n"
                           "name: %s\n"
                           "type: job\n"
                           "prerequisites: [{type: dockerimage, name: image, uri: none}]\n"
                           "taskRoles:\n"
                           "  main:\n"
                           "    dockerImage: image\n"
                           "    resourcePerInstance: {cpu: 1, memoryMB: 10, gpu: %d}\n"
                           "    commands: [\"true\"]\n";

struct fixture {
    char dir[TEMP_PATH], db[TEMP_PATH + 16];
    struct store *store;
    struct core *core;
    struct effects fx;
    struct clock_now now;
    int64_t epoch;
    struct api api;
    int jobs, told; /* events "JobWaits" */
    char text[512]; /* of the last of them */
};

/* One batch with one command: rows, and what is told of reasons. */
static void batch(struct fixture *x, const struct command *cmd)
{
    struct err e = {0};
    core_step(x->core, cmd, x->now, &x->fx);
    core_schedule(x->core, x->now, &x->fx);
    assert_false(x->fx.failed);
    assert_int_equal(persist_needed(&x->fx) ? persist_commit(x->store, &x->fx, NULL, x->epoch, &e) : 0, 0);
    for (size_t i = 0; i < x->fx.count; i++) {
        const struct effect *f = &x->fx.list[i];
        if (f->kind != EFFECT_EVENT_ROW || strcmp(f->event->reason, "JobWaits") != 0)
            continue;
        x->told++;
        snprintf(x->text, sizeof x->text, "%s", f->event->message);
    }
    core_batch_end(x->core, &x->fx);
    effects_reset(&x->fx);
}

static void node_is(struct fixture *x, bool up)
{
    struct engine_event ev = {.kind = ENGINE_NODE};
    ev.node = (struct node){
        .name = "n1", .cpus = 8, .memory_mb = 1000, .port_first = 20000, .port_last = 20099, .gpu_count = 2, .up = up};
    batch(x, &(struct command){.kind = COMMAND_ENGINE, .engine = &ev});
}

static void submit(struct fixture *x, const char *name, int gpus)
{
    char text[1024], id[ID_SIZE];
    struct err e = {0};
    int n = snprintf(text, sizeof text, yaml, name, gpus);
    struct arena *arena = arena_create(0);
    struct spec *spec = spec_parse(arena, text, (size_t)n, &e);
    assert_non_null(spec);
    snprintf(id, sizeof id, "00000000-0000-7000-8000-%012d", ++x->jobs);
    struct command cmd = {.kind = COMMAND_SUBMIT,
                          .actor = {.user = "ana"},
                          .submit = {.job = job_create(spec, "ana", id), .config = text, .config_len = (size_t)n}};
    arena_destroy(arena);
    batch(x, &cmd);
}

/* Time passes, the state is published, and a round goes over it. How many reasons were posted; they are taken in. */
static int look(struct fixture *x, int64_t seconds)
{
    int64_t after = 0;
    struct mail *m, *next;
    x->now.wall += seconds * 1000;
    x->now.mono += seconds * 1000;
    snapshots_publish(x->api.snapshots, core_view_create(x->core, x->now.mono), x->now.wall);
    int posted = reasons_round(&x->api, &after);
    assert_int_equal(after, 0); /* all were seen */
    for (m = mailbox_take(x->api.mailbox, 16, 0); m; m = next) {
        next = m->next;
        assert_int_equal(m->cmd.kind, COMMAND_REASON);
        batch(x, &m->cmd);
        m->done(m, NULL);
    }
    return posted;
}

static int setup(void **state)
{
    static struct fixture x;
    static const unsigned char seed[32];
    struct err e = {0};
    x = (struct fixture){.now = {.wall = 1000000, .mono = 5000}};
    assert_int_equal(temp_create(x.dir), 0);
    snprintf(x.db, sizeof x.db, "%s/drover.db", x.dir);
    x.store = store_open(x.db, STORE_WRITER, &e);
    assert_non_null(x.store);
    x.epoch = persist_new_epoch(x.store, &e);
    x.core = persist_load_core(x.store, x.epoch, seed, x.now, &e);
    assert_non_null(x.core);
    assert_int_equal(effects_init(&x.fx), 0);
    x.api = (struct api){
        .readers = readers_create(x.db, 1), .mailbox = mailbox_create(16), .snapshots = snapshots_create()};
    node_is(&x, true);
    submit(&x, "first", 2);
    submit(&x, "second", 2);
    *state = &x;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *x = *state;
    effects_fini(&x->fx);
    core_destroy(x->core);
    snapshots_destroy(x->api.snapshots);
    mailbox_destroy(x->api.mailbox);
    readers_destroy(x->api.readers);
    store_close(x->store);
    temp_remove(x->dir);
    return 0;
}

static void a_reason_is_told_once(void **state)
{
    struct fixture *x = *state;
    assert_int_equal(look(x, 1), 1);
    assert_int_equal(x->told, 1);
    assert_non_null(strstr(x->text, "needs 2 GPUs"));
    assert_int_equal(look(x, 3600), 0);
    assert_int_equal(x->told, 1);
}

static void a_change_is_told_but_not_at_once(void **state)
{
    struct fixture *x = *state;
    look(x, 1);
    node_is(x, false);
    assert_int_equal(look(x, 10), 1); /* posted ... */
    assert_int_equal(x->told, 1);     /* ... too soon */
    assert_int_equal(look(x, 20), 1);
    assert_int_equal(x->told, 2);
    assert_non_null(strstr(x->text, "down"));
}

static void what_is_told_outlives_a_restart(void **state)
{
    struct fixture *x = *state;
    static const unsigned char seed[32];
    struct err e = {0};
    look(x, 1);
    core_destroy(x->core);
    x->core = persist_load_core(x->store, x->epoch, seed, x->now, &e);
    assert_non_null(x->core);
    node_is(x, true);
    assert_int_equal(look(x, 3600), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_reason_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_change_is_told_but_not_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_told_outlives_a_restart, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
