/* SPDX-License-Identifier: MIT
 *
 * How often a change of the reason is told for which a job waits.
 */
#include "tests/unit/core/harness.h"

static int setup(void **state)
{
    static struct harness harness;
    setup_core(&harness);
    submit(&harness, &(struct ask){.name = "x"}); /* there is no node */
    *state = &harness;
    return 0;
}

static int teardown(void **state)
{
    teardown_core(*state);
    return 0;
}

/* Tells a reason; whether that became an event. */
static bool tell(struct harness *h, const char *reason, int attempt)
{
    struct command cmd = {
        .kind = COMMAND_REASON,
        .reason = {.full_name = "ana~x", .attempt = attempt, .reason = reason, .text = "It waits for 100 % of it."}};
    h->trace[0] = '\0';
    step(h, &cmd);
    return strstr(h->trace, "job.waiting ana~x") != NULL;
}

static void the_same_is_told_once(void **state)
{
    struct harness *h = *state;
    assert_true(tell(h, "never", 0));
    tick(h, 3600 * 1000);
    assert_false(tell(h, "never", 0));
    assert_true(tell(h, "busy", 0));
}

static void another_is_not_told_at_once(void **state)
{
    struct harness *h = *state;
    assert_true(tell(h, "never", 0));
    tick(h, 29999);
    assert_false(tell(h, "busy", 0));
    tick(h, 1);
    assert_true(tell(h, "busy", 0));
}

/* Two reasons in turn, looked at twice a minute for a week. */
static void a_long_wait_has_few_events(void **state)
{
    struct harness *h = *state;
    int told = 0;
    for (int i = 0; i < 7 * 24 * 120; i++) {
        tick(h, 30 * 1000);
        told += tell(h, i % 2 ? "busy" : "quota", 0);
    }
    assert_in_range(told, 10, 50);
}

static void what_came_too_late_is_not_told(void **state)
{
    struct harness *h = *state;
    assert_false(tell(h, "busy", 1)); /* of another attempt */
    add_node(h, "n1", 8, 0);
    assert_int_equal(state_of(h, "ana~x"), STATE_STARTING);
    assert_false(tell(h, "busy", 0));
    assert_string_equal(core_find(h->core, "ana~x")->wait_reason, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_same_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(another_is_not_told_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_wait_has_few_events, setup, teardown),
        cmocka_unit_test_setup_teardown(what_came_too_late_is_not_told, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
