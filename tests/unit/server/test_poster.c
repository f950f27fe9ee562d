/* SPDX-License-Identifier: MIT
 *
 * Whom there is room for: receivers that never answer hold up their owner's others, and nobody else's. Nothing is sent.
 */
#include "server/notice/poster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "server/notice/address.h"

static struct poster *poster;
static int begun;

/* Whether a request to one more webhook of that owner can begin; then it is under way. */
static bool begin(const char *owner)
{
    char id[ID_SIZE];
    struct err e = {0};
    (void)snprintf(id, sizeof id, "hook-%d", begun);
    if (!poster_can(poster, id, owner))
        return false;
    const struct poster_request r = {.webhook = id,
                                     .owner = owner,
                                     .url = "http://192.0.2.1/",
                                     .id = "n",
                                     .signature = "s",
                                     .body = "{}",
                                     .seconds = 1};
    assert_int_equal(poster_begin(poster, &r, &e), 0);
    assert_false(poster_can(poster, id, owner)); /* one at a time to each */
    begun++;
    return true;
}

static int set_up(void **state)
{
    static struct address_policy policy;
    struct err e = {0};
    (void)state;
    address_policy_defaults(&policy);
    begun = 0;
    poster = poster_create(&policy, &e);
    return poster ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    poster_destroy(poster);
    return 0;
}

static void a_user_has_two_and_users_leave_room_for_the_site(void **state)
{
    (void)state;
    assert_true(begin("ana") && begin("ana"));
    assert_false(begin("ana"));
    assert_true(begin("bo") && begin("bo") && begin("cy") && begin("cy"));
    assert_false(begin("dee"));
    assert_true(begin(NULL) && begin(NULL));
    assert_false(begin(NULL));
    assert_int_equal(begun, POSTER_MAX);
}

static void the_site_leaves_room_for_users(void **state)
{
    (void)state;
    while (begin(NULL))
        continue;
    assert_int_equal(begun, POSTER_KIND_MAX);
    assert_true(begin("ana"));
    assert_true(begin("bo"));
    assert_false(begin("ana"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_user_has_two_and_users_leave_room_for_the_site, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_site_leaves_room_for_users, set_up, tear_down)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
