/* SPDX-License-Identifier: MIT
 *
 * What users keep: sums follow the looks, the one who took the most is blamed, and what is known is not asked again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engines/local/quota.h"

#define MB (INT64_C(1) << 20)

/* An attempt's name is its user's and one letter more; those of "nobody" are nobody's. */
struct world {
    struct quota *q;
    int64_t limit;
    int asked, stopped;
    int64_t code;
    bool busy, dropped;
    char last[ID_SIZE], why[QUOTA_WHY_SIZE];
};

static int owner(void *ctx, const char *attempt, struct quota_owner *out)
{
    struct world *w = ctx;

    w->asked++;
    if (w->busy)
        return -1;
    if (strncmp(attempt, "nobody", 6) != 0)
        (void)snprintf(out->user, sizeof(out->user), "%.*s", (int)strlen(attempt) - 1, attempt);
    out->limit = w->limit;
    out->dropped = w->dropped;
    return 0;
}

static void others(void *ctx, struct quota *q)
{
    const struct world *w = ctx;

    quota_other_clear(q);
    quota_other_add(q, "ana", w->code);
    quota_other_add(q, "ana", w->code);
}

static void stop(void *ctx, const char *attempt, const char *why)
{
    struct world *w = ctx;

    w->stopped++;
    (void)snprintf(w->last, sizeof(w->last), "%s", attempt);
    (void)snprintf(w->why, sizeof(w->why), "%s", why);
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    *state = w;
    if (!w)
        return -1;
    w->q = quota_create(&(struct quota_source){.owner = owner, .others = others, .ctx = w});
    return w->q ? 0 : -1;
}

static int teardown(void **state)
{
    struct world *w = *state;

    quota_destroy(w->q);
    quota_destroy(NULL);
    free(w);
    return 0;
}

/* A look comes by it, as the janitor's would; MB. Its folder changed at `changed`. */
static void see(const struct world *w, const char *attempt, int64_t work, int64_t changed, bool ended)
{
    if (!quota_same(w->q, attempt, changed) && quota_seen(w->q, attempt, changed, ended) == QUOTA_MEASURE)
        quota_put(w->q, attempt, work * MB, 0);
}

static int64_t used(const struct world *w, const char *user)
{
    return quota_used(w->q, user) / MB;
}

static void sums_follow_what_is_there(void **state)
{
    struct world *w = *state;

    quota_begin(w->q);
    see(w, "ana1", 10, 1, true);
    see(w, "ana2", 5, 1, false);
    see(w, "bob1", 7, 1, false);
    see(w, "nobody1", 100, 1, true);
    quota_end(w->q, stop, w);
    assert_int_equal(used(w, "ana"), 15);
    assert_int_equal(used(w, "bob"), 7);
    assert_int_equal(used(w, "eve"), 0);
    w->code = 3 * MB;
    quota_begin(w->q);
    see(w, "ana2", 6, 2, true); /* grown, ended; ana1 and bob1 are gone */
    quota_end(w->q, stop, w);
    assert_int_equal(used(w, "ana"), 12);
    assert_int_equal(used(w, "bob"), 0);
    assert_int_equal(w->stopped, 0);
}

static void what_has_ended_is_measured_once(void **state)
{
    struct world *w = *state;

    for (int look = 0; look < 3; look++) {
        quota_begin(w->q);
        see(w, "ana1", 10 + look, 1, true);
        see(w, "nobody1", 10, 1, true);
        quota_end(w->q, stop, w);
    }
    assert_int_equal(w->asked, 2);
    assert_int_equal(used(w, "ana"), 10);
    quota_begin(w->q);
    see(w, "ana1", 4, 2, true); /* something in it was removed */
    see(w, "nobody1", 10, 1, true);
    quota_end(w->q, stop, w);
    assert_int_equal(used(w, "ana"), 4);
}

static void what_is_not_known_now_is_asked_again(void **state)
{
    struct world *w = *state;

    w->busy = true;
    quota_begin(w->q);
    see(w, "ana1", 10, 1, true);
    quota_end(w->q, stop, w);
    assert_int_equal(used(w, "ana"), 0);
    w->busy = false;
    quota_begin(w->q);
    see(w, "ana1", 10, 1, true);
    quota_end(w->q, stop, w);
    assert_int_equal(used(w, "ana"), 10);
}

static void the_task_that_took_the_most_is_stopped(void **state)
{
    struct world *w = *state;

    w->limit = 100 * MB;
    quota_begin(w->q);
    see(w, "ana1", 60, 1, false); /* was there before: what it has is not held against it */
    see(w, "ana2", 30, 1, true);
    quota_end(w->q, stop, w);
    quota_begin(w->q);
    see(w, "ana1", 61, 1, false);
    see(w, "ana2", 30, 1, true);
    see(w, "ana3", 5, 1, false);
    see(w, "ana4", 9, 1, false);
    see(w, "bob1", 99, 1, false);
    quota_end(w->q, stop, w);
    assert_int_equal(w->stopped, 1);
    assert_string_equal(w->last, "ana4");
    assert_non_null(strstr(w->why, "ana keeps 105 MB on this node, the limit is 100 MB, and this task took 9 MB"));
}

/* A server that starts again while a user keeps too much does not know who took it, and stops who takes more. */
static void what_is_there_at_the_start_is_nobodys_fault(void **state)
{
    struct world *w = *state;

    w->limit = 100 * MB;
    for (int look = 0; look < 3; look++) {
        quota_begin(w->q);
        see(w, "ana1", 150, 1, false);
        see(w, "ana2", 20 + look / 2, 1, false);
        quota_end(w->q, stop, w);
        assert_int_equal(w->stopped, look / 2);
    }
    assert_string_equal(w->last, "ana2");
}

/* Whose user keeps too much need not die for it: only who has taken a megabyte since. A limit that is lowered stops
 * nobody. */
static void who_only_writes_a_log_goes_on(void **state)
{
    struct world *w = *state;

    w->limit = 100 * MB;
    quota_begin(w->q);
    quota_end(w->q, stop, w);
    quota_begin(w->q);
    see(w, "ana1", 50, 1, false);
    see(w, "ana2", 40, 1, false);
    quota_end(w->q, stop, w);
    w->limit = 80 * MB;
    quota_begin(w->q);
    see(w, "ana1", 50, 1, false);
    if (quota_seen(w->q, "ana2", 1, false) == QUOTA_MEASURE)
        quota_put(w->q, "ana2", 40 * MB + MB / 2, 50 * MB);
    quota_end(w->q, stop, w);
    assert_int_equal(w->stopped, 0);
    quota_begin(w->q);
    see(w, "ana1", 50, 1, false);
    see(w, "ana2", 41, 1, false); /* bit by bit counts, too */
    quota_end(w->q, stop, w);
    assert_int_equal(w->stopped, 1);
    assert_string_equal(w->last, "ana2");
    w->limit = 0;
    quota_begin(w->q);
    see(w, "ana1", 5000, 1, false);
    quota_end(w->q, stop, w);
    assert_int_equal(w->stopped, 1);
}

static void what_its_user_deleted_may_go(void **state)
{
    struct world *w = *state;

    quota_begin(w->q);
    see(w, "ana1", 10, 1, true);
    see(w, "ana2", 1, 1, false);
    see(w, "bob1", 10, 1, true);
    quota_end(w->q, stop, w);
    w->dropped = true;
    quota_begin(w->q);
    assert_true(quota_same(w->q, "ana1", 1)); /* nobody has said so */
    assert_true(quota_same(w->q, "bob1", 1));
    assert_int_equal(quota_seen(w->q, "ana2", 1, false), QUOTA_MEASURE); /* it runs */
    quota_end(w->q, stop, w);
    quota_ask(w->q, "ana");
    for (int look = 0; look < 2; look++) { /* the first removal fails */
        quota_begin(w->q);
        assert_false(quota_same(w->q, "ana1", 1));
        assert_int_equal(quota_seen(w->q, "ana1", 1, true), QUOTA_DROP);
        assert_true(quota_same(w->q, "bob1", 1));
        quota_end(w->q, stop, w);
        assert_int_equal(used(w, "ana"), 10);
    }
    quota_begin(w->q);
    quota_end(w->q, stop, w);
    assert_int_equal(used(w, "ana"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sums_follow_what_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_ended_is_measured_once, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_known_now_is_asked_again, setup, teardown),
        cmocka_unit_test_setup_teardown(the_task_that_took_the_most_is_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_there_at_the_start_is_nobodys_fault, setup, teardown),
        cmocka_unit_test_setup_teardown(who_only_writes_a_log_goes_on, setup, teardown),
        cmocka_unit_test_setup_teardown(what_its_user_deleted_may_go, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
