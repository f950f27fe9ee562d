/* SPDX-License-Identifier: MIT
 *
 * What follows where GPUs are held and not used: events, tags, stops and releases, in a dry run nothing; who may snooze
 * for how long.
 */
#include "tests/unit/core/harness.h"

#include <stdlib.h>

#include "inventory/vc.h"
#include "jobs/exits.h"

enum { HOUR = 3600 * 1000 };

static const struct spec_debug with_gpus = {.on = SPEC_DEBUG_USER_FAILURE, .hold = SPEC_HOLD_GPUS, .minutes = 60};

/* What a batch has to say about it. */
struct seen {
    struct harness h;
    char events[1024], tag[64];
    int saves, exit_code;
    int64_t left_ms;
};

static void watch(void *ctx, const struct effect *f)
{
    struct seen *s = ctx;
    const size_t n = strlen(s->events);
    if (f->kind == EFFECT_EVENT_ROW && !strncmp(f->event->reason, "Idle", 4))
        snprintf(s->events + n, sizeof s->events - n, "%s %s;", f->event->reason, f->event->type);
    if (f->kind == EFFECT_TAG_ROW)
        snprintf(s->tag, sizeof s->tag, "%s", f->tag->tag);
    if (f->kind == EFFECT_JOB_UPDATE)
        s->exit_code = f->job.job->exit_code;
    s->saves += f->kind == EFFECT_WRITE;
}

static int setup(void **state)
{
    struct seen *s = calloc(1, sizeof *s);
    setup_core(&s->h);
    add_node(&s->h, "n1", 64, 4);
    s->h.watch = watch;
    s->h.watch_ctx = s;
    s->left_ms = -2;
    *state = s;
    return 0;
}

static int teardown(void **state)
{
    struct seen *s = *state;
    teardown_core(&s->h);
    free(s);
    return 0;
}

static int save(struct store *store, void *what, struct clock_now now, struct err *e)
{
    (void)store, (void)what, (void)now, (void)e;
    return 0;
}

/* Tells the core about the job (or its reservation). */
static void found(struct seen *s, const struct job *j, struct command_idle what)
{
    what.job_id = j->id;
    what.job_attempt += j->attempt;
    what.text = "Its GPU was not used.";
    what.left_ms = &s->left_ms;
    what.save = (struct command_write){save, NULL};
    s->events[0] = '\0';
    s->saves = 0;
    step(&s->h, &(struct command){.kind = COMMAND_IDLE, .idle = what});
}

static const struct job *running(struct seen *s, const struct ask *a)
{
    size_t n = s->h.launches;
    assert_int_equal(submit(&s->h, a), ERR_NONE);
    run(&s->h, n);
    const struct job *j = core_find(s->h.core, "ana~x");
    assert_non_null(j);
    return j;
}

static void a_warning_is_an_event_and_is_saved_with_it(void **state)
{
    struct seen *s = *state;
    const struct job *j = running(s, &(struct ask){.name = "x", .gpus = 1});
    found(s, j, (struct command_idle){.op = COMMAND_IDLE_WARN, .action = IDLE_STOP});
    assert_string_equal(s->events, "IdleWarned job.running;");
    assert_int_equal(s->saves, 1);
    found(s, j, (struct command_idle){.op = COMMAND_IDLE_WARN, .action = IDLE_NONE});
    assert_string_equal(s->events, "IdleNoted job.running;");
    found(s, j, (struct command_idle){.op = COMMAND_IDLE_USED});
    assert_string_equal(s->events, "IdleOver job.running;");
    assert_int_equal(s->h.stops, 0);
}

static void what_is_stopped_says_why(void **state)
{
    struct seen *s = *state;
    const struct job *j = running(s, &(struct ask){.name = "x", .gpus = 1, .time_limit_ms = 3 * HOUR});
    tick(&s->h, HOUR);
    found(s, j, (struct command_idle){.op = COMMAND_IDLE_ACT, .action = IDLE_STOP});
    assert_string_equal(s->events, "IdleActed job.running;");
    assert_int_equal(s->left_ms, 2 * HOUR);
    assert_int_equal(s->h.stops, 1);
    assert_string_equal(j->trigger.message, "Stopped. Its GPU was not used.");
    engine(&s->h, 0, ENGINE_EXITED, 143);
    assert_int_equal(state_of(&s->h, "ana~x"), 0);
    assert_int_equal(s->exit_code, EXIT_CODE_IDLE);
    assert_non_null(strstr(s->h.trace, "job.stopped ana~x"));
}

static void a_dry_run_acts_on_nothing(void **state)
{
    struct seen *s = *state;
    const struct job *j = running(s, &(struct ask){.name = "x", .gpus = 1});
    for (int a = 0; a < IDLE_ACTIONS; a++) {
        found(s, j,
              (struct command_idle){
                  .op = COMMAND_IDLE_ACT, .action = (enum idle_action)a, .dry_run = true, .tag = "idle"});
        assert_string_equal(s->events, "IdleDryRun job.running;");
    }
    assert_int_equal(s->left_ms, -1); /* no limit */
    assert_int_equal(s->h.stops, 0);
    assert_string_equal(s->tag, "");
    assert_int_equal(state_of(&s->h, "ana~x"), STATE_RUNNING);
}

static void a_tag_is_put(void **state)
{
    struct seen *s = *state;
    const struct job *j = running(s, &(struct ask){.name = "x", .gpus = 1});
    found(s, j, (struct command_idle){.op = COMMAND_IDLE_ACT, .action = IDLE_TAG, .tag = "idle"});
    assert_string_equal(s->tag, "idle");
    assert_int_equal(s->h.stops, 0);
}

static void what_is_over_is_passed_over(void **state)
{
    struct seen *s = *state;
    const struct job *j = running(s, &(struct ask){.name = "x", .gpus = 1});
    found(s, j, (struct command_idle){.op = COMMAND_IDLE_ACT, .action = IDLE_STOP, .job_attempt = 1});
    assert_string_equal(s->events, "");
    assert_int_equal(s->saves, 0);
    stop(&s->h, "ana~x", "ana", false);
    const size_t stops = s->h.stops;
    found(s, j, (struct command_idle){.op = COMMAND_IDLE_ACT, .action = IDLE_STOP});
    assert_string_equal(s->events, "");
    assert_int_equal(s->h.stops, stops);
    engine(&s->h, 0, ENGINE_EXITED, 143);
    assert_int_equal(s->exit_code, EXIT_CODE_STOPPED); /* its user did it */
}

static void a_reservation_is_released(void **state)
{
    struct seen *s = *state;
    char id[ID_SIZE];
    const struct job *j = running(s, &(struct ask){.name = "x", .gpus = 2, .debug = with_gpus});
    memcpy(id, j->id, sizeof id);
    hold_failed(&s->h, 0, 1);
    assert_int_equal(core_live_leases(s->h.core), 1);
    struct job gone = {.attempt = 0};
    memcpy(gone.id, id, sizeof id);
    tick(&s->h, HOUR / 4);
    found(s, &gone, (struct command_idle){.op = COMMAND_IDLE_WARN, .reservation = true, .action = IDLE_RELEASE});
    assert_string_equal(s->events, "IdleWarned lease.held;");
    found(s, &gone, (struct command_idle){.op = COMMAND_IDLE_ACT, .reservation = true, .action = IDLE_RELEASE});
    assert_int_equal(s->left_ms, 3 * HOUR / 4);
    assert_int_equal(s->h.lease.state, LEASE_ENDING);
    assert_string_equal(s->h.lease.ended_by, "idle");
    assert_int_equal(s->h.stops, 1);
}

/* ---- snoozing ---- */

static enum err_code snooze(struct seen *s, const char *name, const struct command_actor *who, int minutes)
{
    int cookie = 0;
    s->h.reply = (struct err){0};
    s->events[0] = '\0';
    s->saves = 0;
    step(&s->h, &(struct command){.kind = COMMAND_IDLE,
                                  .actor = *who,
                                  .reply_to = &cookie,
                                  .idle = {.op = COMMAND_IDLE_SNOOZE,
                                           .full_name = name,
                                           .reason = "copies data",
                                           .minutes = minutes,
                                           .site_most = 60,
                                           .save = {save, NULL}}});
    return s->h.reply.code;
}

static void who_may_snooze_for_how_long(void **state)
{
    static const struct command_actor ana = {.user = "ana"}, bob = {.user = "bob"},
                                      root = {.user = "root", .admin = true};
    struct seen *s = *state;
    struct vc vc = {.name = VC_DEFAULT, .idle = {.set = true, .snooze_minutes = 5}};
    (void)running(s, &(struct ask){.name = "x", .gpus = 1});
    assert_int_equal(snooze(s, "ana~x", &ana, 60), ERR_NONE);
    assert_string_equal(s->events, "IdleSnoozed job.running;");
    assert_int_equal(s->saves, 1);
    assert_int_equal(snooze(s, "ana~x", &ana, 61), ERR_FORBIDDEN);
    assert_int_equal(s->saves, 0);
    assert_int_equal(snooze(s, "ana~x", &root, 6000), ERR_NONE);
    assert_int_equal(snooze(s, "ana~x", &bob, 1), ERR_FORBIDDEN);
    assert_int_equal(snooze(s, "ana~y", &ana, 1), ERR_NO_JOB);
    step(&s->h, &(struct command){.kind = COMMAND_VC, .vc = {.op = COMMAND_VC_PUT, .name = vc.name, .vc = &vc}});
    assert_int_equal(snooze(s, "ana~x", &ana, 6), ERR_FORBIDDEN);
    assert_int_equal(snooze(s, "ana~x", &ana, 5), ERR_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_warning_is_an_event_and_is_saved_with_it, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_stopped_says_why, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dry_run_acts_on_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(a_tag_is_put, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_over_is_passed_over, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reservation_is_released, setup, teardown),
        cmocka_unit_test_setup_teardown(who_may_snooze_for_how_long, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
