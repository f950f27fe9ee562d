/* SPDX-License-Identifier: MIT
 *
 * Counts of jobs: by virtual cluster, each wait in its bucket, no more rows than there is room for.
 */
#include "metrics/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void each_goes_where_it_belongs(void **state)
{
    struct tally_row rows[3];
    struct tally *t = tally_create();

    (void)state;
    assert_int_equal(tally_read(t, NULL, 0), 0);
    tally_ended(t, "a", TALLY_FAILED);
    tally_ended(t, "b", TALLY_SUCCEEDED);
    tally_ended(t, "a", TALLY_FAILED);
    tally_started(t, "b", 1000);
    tally_started(t, "b", 1001);
    tally_started(t, "b", -5); /* the clock was set back */
    tally_started(t, "b", INT64_C(1) << 40);
    assert_int_equal(tally_read(t, rows, 3), 2);
    assert_string_equal(rows[0].vc, "a");
    assert_int_equal(rows[0].ended[TALLY_FAILED], 2);
    assert_int_equal(rows[0].ended[TALLY_SUCCEEDED], 0);
    assert_int_equal(rows[1].ended[TALLY_SUCCEEDED], 1);
    assert_int_equal(rows[1].waits[0], 2);
    assert_int_equal(rows[1].waits[1], 1);
    assert_int_equal(rows[1].waits[TALLY_BOUNDS], 1);
    assert_true(rows[1].wait_sum > 1e6);
    assert_int_equal(tally_read(t, rows, 1), 1);
    tally_destroy(t);
}

static void the_texts_are_the_numbers(void **state)
{
    struct tally *t = tally_create();
    struct tally_row row;

    (void)state;
    for (int i = 0; i < TALLY_BOUNDS; i++)
        tally_started(t, "a", (int64_t)(strtod(tally_bounds[i], NULL) * 1000));
    assert_int_equal(tally_read(t, &row, 1), 1);
    for (int i = 0; i < TALLY_BOUNDS; i++)
        assert_int_equal(row.waits[i], 1);
    tally_destroy(t);
}

static void what_nobody_told_is_not_known(void **state)
{
    struct tally *t = tally_create();
    uint64_t received, sent;

    (void)state;
    assert_false(tally_network_read(t, &received, &sent));
    tally_network(t, 0, 0);
    assert_true(tally_network_read(t, &received, &sent));
    tally_network(t, 5, 7);
    assert_true(tally_network_read(t, &received, &sent));
    assert_int_equal(received, 5);
    assert_int_equal(sent, 7);
    tally_destroy(t);
}

static void there_is_an_end_to_it(void **state)
{
    struct tally *t = tally_create();
    char vc[VC_NAME_MAX];

    (void)state;
    for (int i = 0; i < TALLY_VCS_MAX + 5; i++) {
        (void)snprintf(vc, sizeof vc, "vc%d", i);
        tally_ended(t, vc, TALLY_STOPPED);
    }
    assert_int_equal(tally_read(t, NULL, 0), TALLY_VCS_MAX);
    tally_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_goes_where_it_belongs),
        cmocka_unit_test(the_texts_are_the_numbers),
        cmocka_unit_test(what_nobody_told_is_not_known),
        cmocka_unit_test(there_is_an_end_to_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
