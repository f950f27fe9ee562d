/* SPDX-License-Identifier: MIT
 *
 * A GPU is judged: what each thing seen means and leads to, how long it holds, what a reset, an admin and a restart of
 * the server change.
 */
#include "metrics/health.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics/source.h"

static struct health_rules rules;

static struct source_reading good(void)
{
    struct source_reading r = {0};

    source_set(&r.sample, SOURCE_BUSY, 50);
    source_set(&r.sample, SOURCE_ENERGY, 1000);
    source_set(&r.sample, SOURCE_ECC_UNCORRECTED, 3);
    source_set(&r.sample, SOURCE_THROTTLE, 4); /* a cap on power, as wanted */
    source_set(&r.sample, SOURCE_ROWS_PENDING, 0);
    source_set(&r.sample, SOURCE_ROWS_FAILED, 0);
    return r;
}

static void look(struct health *h, const struct source_reading *r)
{
    health_look(h, &rules, &(struct health_seen){.reading = r});
}

static void xid(struct source_reading *r, int code)
{
    r->xids[r->xid_count++ % SOURCE_XIDS_MAX] = code;
}

static enum gpu_cause cause(const struct health *h)
{
    return health_mark(h, &rules).cause;
}

static enum gpu_action action(const struct health *h)
{
    return health_mark(h, &rules).action;
}

/* One look at one thing that is wrong, after a good one. */
static void check(const struct health_seen *seen, enum gpu_cause want, enum gpu_health_state state, enum gpu_action act)
{
    struct health h = {0};
    const struct source_reading first = good();

    look(&h, &first);
    assert_int_equal(cause(&h), GPU_FINE);
    health_look(&h, &rules, seen);
    assert_int_equal(cause(&h), want);
    assert_int_equal(gpu_cause_info(want)->state, state);
    assert_int_equal(action(&h), act);
}

static void each_cause_is_found(void **state)
{
    struct source_reading r = good();

    (void)state;
    check(&(struct health_seen){.answer = HEALTH_HANGS}, GPU_DRIVER_HANGS, GPU_STATE_HUNG, GPU_ACTION_QUARANTINE);
    check(&(struct health_seen){.answer = HEALTH_FAILS}, GPU_DRIVER_FAILS, GPU_STATE_FAILED, GPU_ACTION_QUARANTINE);
    check(&(struct health_seen){.reading = &r}, GPU_FINE, GPU_STATE_OK, GPU_ACTION_TELL);
    check(&(struct health_seen){.reading = &r, .foreign = 1}, GPU_FOREIGN, GPU_STATE_DEGRADED, GPU_ACTION_QUARANTINE);
    check(&(struct health_seen){.reading = &r, .zombies = 2}, GPU_ZOMBIE, GPU_STATE_DEGRADED, GPU_ACTION_QUARANTINE);
    source_set(&r.sample, SOURCE_ECC_UNCORRECTED, 4);
    check(&(struct health_seen){.reading = &r}, GPU_ECC, GPU_STATE_FAILED, GPU_ACTION_QUARANTINE);
    r = good();
    source_set(&r.sample, SOURCE_ROWS_PENDING, 1);
    check(&(struct health_seen){.reading = &r}, GPU_ROWS_PENDING, GPU_STATE_DEGRADED, GPU_ACTION_TELL);
    source_set(&r.sample, SOURCE_ROWS_FAILED, 1);
    check(&(struct health_seen){.reading = &r}, GPU_ROWS_FAILED, GPU_STATE_FAILED, GPU_ACTION_QUARANTINE);
    r = (struct source_reading){.sample = {.lost = true}};
    check(&(struct health_seen){.reading = &r}, GPU_LOST, GPU_STATE_LOST, GPU_ACTION_QUARANTINE);
    xid(&r, 79); /* it is on no bus: shown as lost, and the machine has to be started anew */
    check(&(struct health_seen){.reading = &r}, GPU_LOST, GPU_STATE_LOST, GPU_ACTION_CORDON);
}

/* Every code of the catalogue that is named, one that is not, and those at the edges. */
static void codes_have_their_classes(void **state)
{
    static const struct {
        int code;
        enum gpu_cause cause;
    } rows[] = {{0, GPU_FINE},          {-1, GPU_FINE},        {8, GPU_XID_APP},     {13, GPU_XID_APP},
                {14, GPU_FINE},         {31, GPU_XID_APP},     {43, GPU_FINE},       {45, GPU_FINE},
                {46, GPU_XID_RESET},    {48, GPU_XID_RESET},   {54, GPU_XID_POWER},  {62, GPU_XID_RESET},
                {63, GPU_ROWS_PENDING}, {64, GPU_ROWS_FAILED}, {74, GPU_XID_LINK},   {78, GPU_FINE},
                {79, GPU_XID_RESTART},  {81, GPU_FINE},        {92, GPU_FINE},       {94, GPU_XID_APP},
                {95, GPU_XID_RESET},    {119, GPU_XID_RESET},  {143, GPU_XID_RESET}, {144, GPU_XID_LINK},
                {150, GPU_XID_LINK},    {151, GPU_FINE},       {154, GPU_FINE},      {158, GPU_XID_RESET},
                {161, GPU_FINE},        {INT32_MAX, GPU_FINE}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (health_xid(rows[i].code) != rows[i].cause)
            fail_msg("Xid %d", rows[i].code);
}

static void throttling_takes_two_samples(void **state)
{
    struct health h = {0};
    struct source_reading r = good();

    (void)state;
    for (int i = 0; i < 4; i++) {
        source_set(&r.sample, SOURCE_THROTTLE, i % 2 ? 0 : 0x40);
        look(&h, &r);
        assert_int_equal(cause(&h), GPU_FINE);
    }
    source_set(&r.sample, SOURCE_THROTTLE, 0x80);
    look(&h, &r);
    look(&h, &r);
    assert_int_equal(cause(&h), GPU_THROTTLED);
}

static void it_returns_after_good_samples(void **state)
{
    struct health h = {0};
    const struct source_reading r = good();

    (void)state;
    health_look(&h, &rules, &(struct health_seen){.answer = HEALTH_HANGS});
    for (int i = 1; i < rules.check; i++)
        look(&h, &r);
    health_look(&h, &rules, &(struct health_seen){.answer = HEALTH_HANGS}); /* once more: it is counted anew */
    for (int i = 0; i < rules.check; i++) {
        assert_int_equal(action(&h), GPU_ACTION_QUARANTINE);
        look(&h, &r);
    }
    assert_int_equal(cause(&h), GPU_FINE);
    assert_int_equal(action(&h), GPU_ACTION_TELL);
    /* The sample that shows it is no good one, whatever else it has. */
    health_look(&h, &rules, &(struct health_seen){.reading = &r, .foreign = 1});
    for (int i = 0; i < rules.check; i++) {
        assert_int_equal(cause(&h), GPU_FOREIGN);
        look(&h, &r);
    }
    assert_int_equal(cause(&h), GPU_FINE);
}

static void what_stays_needs_a_reset(void **state)
{
    struct health h = {0};
    struct source_reading r = good();

    (void)state;
    look(&h, &r);
    xid(&r, 31);
    xid(&r, 95);
    for (int i = 0; i < 5 * rules.check; i++)
        look(&h, &r);
    assert_int_equal(cause(&h), GPU_XID_RESET);
    assert_int_equal(health_mark(&h, &rules).xid, 95);
    source_set(&r.sample, SOURCE_ENERGY, 1); /* begins anew */
    for (int i = 0; i < rules.check; i++) {
        assert_int_equal(cause(&h), GPU_XID_RESET);
        look(&h, &r);
    }
    assert_int_equal(cause(&h), GPU_FINE);
    assert_int_equal(health_mark(&h, &rules).xid, 0);
    /* Back on the bus is a reset, too. */
    xid(&r, 79);
    look(&h, &r);
    r.sample = (struct source_sample){.lost = true};
    look(&h, &r);
    const int count = r.xid_count;
    r = good();
    r.xid_count = count;
    for (int i = 0; i < rules.check; i++) {
        assert_int_equal(action(&h), GPU_ACTION_CORDON);
        look(&h, &r);
    }
    assert_int_equal(action(&h), GPU_ACTION_TELL);
}

static void an_admin_may_say_that_it_is_well(void **state)
{
    struct health h = {0};
    struct source_reading r = good();

    (void)state;
    xid(&r, 62);
    look(&h, &r);
    health_forgive(&h);
    assert_int_equal(cause(&h), GPU_FINE);
    look(&h, &r);
    assert_int_equal(cause(&h), GPU_FINE);
    source_set(&r.sample, SOURCE_ROWS_FAILED, 1); /* what holds on shows again */
    look(&h, &r);
    health_forgive(&h);
    look(&h, &r);
    assert_int_equal(cause(&h), GPU_ROWS_FAILED);
}

static void a_restart_forgets_nothing(void **state)
{
    const struct gpu_mark dead = {.cause = GPU_XID_RESET, .xid = 48};
    struct health h = {0};
    const struct source_reading r = good();

    (void)state;
    health_resume(&h, &rules, &dead, false);
    for (int i = 0; i < 3 * rules.check; i++)
        look(&h, &r);
    assert_int_equal(cause(&h), GPU_XID_RESET);
    assert_int_equal(health_mark(&h, &rules).xid, 48);
    h = (struct health){0};
    health_resume(&h, &rules, &(struct gpu_mark){0}, false);
    assert_int_equal(cause(&h), GPU_FINE);
    health_resume(&h, &rules, &dead, true);
    for (int i = 0; i < rules.check; i++) {
        assert_int_equal(cause(&h), GPU_XID_RESET);
        look(&h, &r);
    }
    assert_int_equal(cause(&h), GPU_FINE);
}

static void a_flood_keeps_the_newest(void **state)
{
    struct health h = {0};
    struct source_reading r = good();

    (void)state;
    for (int i = 0; i < 100; i++)
        xid(&r, 13);
    xid(&r, 79);
    look(&h, &r);
    assert_int_equal(cause(&h), GPU_XID_RESTART);
}

static void the_policy_decides(void **state)
{
    struct health_rules r = rules;
    struct health h = {0};
    const struct source_reading reading = good();

    (void)state;
    r.of[GPU_FOREIGN] = GPU_ACTION_TELL;
    health_look(&h, &r, &(struct health_seen){.reading = &reading, .foreign = 1});
    assert_int_equal(cause(&h), GPU_FOREIGN);
    assert_int_equal(health_mark(&h, &r).action, GPU_ACTION_TELL);
}

static void words_are_found_again(void **state)
{
    char text[96];

    (void)state;
    for (int c = 0; c < GPU_CAUSES; c++)
        assert_int_equal(gpu_cause_find(gpu_cause_info((enum gpu_cause)c)->word), c);
    assert_int_equal(gpu_cause_find("nothing"), GPU_CAUSES);
    for (int a = 0; a < GPU_ACTIONS; a++)
        assert_int_equal(gpu_action_find(gpu_action_word((enum gpu_action)a)), a);
    assert_int_equal(gpu_action_find(""), GPU_ACTIONS);
    assert_ptr_equal(gpu_cause_info(GPU_CAUSES), gpu_cause_info(GPU_FINE));
    gpu_mark_text(&(struct gpu_mark){.cause = GPU_XID_RESET, .xid = 95}, text, sizeof text);
    assert_string_equal(text, "It has to be reset. (Xid 95)");
    gpu_mark_text(&(struct gpu_mark){.cause = GPU_LOST}, text, sizeof text);
    assert_string_equal(text, "It has fallen off the bus.");
    assert_string_equal(gpu_health_word(GPU_STATE_HUNG), "hung");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_cause_is_found),          cmocka_unit_test(codes_have_their_classes),
        cmocka_unit_test(throttling_takes_two_samples), cmocka_unit_test(it_returns_after_good_samples),
        cmocka_unit_test(what_stays_needs_a_reset),     cmocka_unit_test(an_admin_may_say_that_it_is_well),
        cmocka_unit_test(a_restart_forgets_nothing),    cmocka_unit_test(a_flood_keeps_the_newest),
        cmocka_unit_test(the_policy_decides),           cmocka_unit_test(words_are_found_again),
    };

    health_rules_default(&rules);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
