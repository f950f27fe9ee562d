/* SPDX-License-Identifier: MIT
 *
 * The mailbox: order, lanes, the bound of the client lane, closing, and many senders at once.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "server/mailbox.h"

enum { SENDERS = 4, EACH = 5000 };

static void engine_mail_comes_first_and_each_lane_in_order(void **state)
{
    struct mailbox *b = mailbox_create(10);
    struct mail m[6] = {{.ctx = NULL}};
    (void)state;
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(mailbox_post(b, &m[i], NULL), 0);
    for (size_t i = 3; i < 6; i++)
        mailbox_post_engine(b, &m[i]);
    struct mail *list = mailbox_take(b, 4, INT64_MAX);
    static const size_t want[] = {3, 4, 5, 0};
    for (size_t i = 0; i < 4; i++, list = list->next)
        assert_ptr_equal(list, &m[want[i]]);
    assert_null(list); /* no more than was asked for */
    list = mailbox_take(b, 4, INT64_MAX);
    assert_ptr_equal(list, &m[1]);
    assert_ptr_equal(list->next, &m[2]);
    assert_null(list->next->next);
    mailbox_destroy(b);
    mailbox_destroy(NULL);
}

static void a_full_client_lane_says_busy_and_the_engine_lane_is_never_full(void **state)
{
    struct mailbox *b = mailbox_create(2);
    struct mail m[8] = {{.ctx = NULL}};
    struct err e = {0};
    (void)state;
    assert_int_equal(mailbox_post(b, &m[0], &e), 0);
    assert_int_equal(mailbox_post(b, &m[1], &e), 0);
    assert_int_equal(mailbox_post(b, &m[2], &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    for (size_t i = 3; i < 8; i++)
        mailbox_post_engine(b, &m[i]);
    struct mail *list = mailbox_take(b, 100, 0);
    size_t n = 0;
    for (; list; list = list->next)
        n++;
    assert_int_equal(n, 7);
    assert_int_equal(mailbox_post(b, &m[2], &e), 0); /* room again */
    assert_ptr_equal(mailbox_take(b, 1, 0), &m[2]);
    mailbox_destroy(b);
}

static void taking_waits_until_the_deadline_only(void **state)
{
    struct mailbox *b = mailbox_create(2);
    (void)state;
    int64_t begin = clock_read().mono;
    assert_null(mailbox_take(b, 1, begin - 1));
    assert_null(mailbox_take(b, 1, INT64_MIN));    /* long overdue, as a time limit may be after a restart */
    assert_null(mailbox_take(b, 1, begin + 1030)); /* more than a second: the carry of the time */
    assert_true(clock_read().mono >= begin + 1030);
    mailbox_destroy(b);
}

static void closing_wakes_the_taker_and_refuses_clients(void **state)
{
    struct mailbox *b = mailbox_create(2);
    struct mail m[3] = {{.ctx = NULL}};
    struct err e = {0};
    (void)state;
    assert_int_equal(mailbox_post(b, &m[0], &e), 0);
    assert_false(mailbox_closed(b));
    mailbox_close(b);
    assert_true(mailbox_closed(b));
    assert_int_equal(mailbox_post(b, &m[1], &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    mailbox_post_engine(b, &m[2]); /* the engine speaks until it is stopped */
    struct mail *list = mailbox_take(b, 10, INT64_MAX);
    assert_ptr_equal(list, &m[2]);
    assert_ptr_equal(list->next, &m[0]); /* what waited is still answered */
    assert_null(mailbox_take(b, 10, INT64_MAX));
    mailbox_destroy(b);
}

/* After a crowd another is waited for, but not long: nobody, some, or the engine may come instead. */
static void a_crowd_is_not_waited_for_without_end(void **state)
{
    struct mailbox *b = mailbox_create(10);
    struct mail m[11] = {{.ctx = NULL}};
    (void)state;
    for (int what = 0; what < 3; what++) {
        for (size_t i = 0; i < 10; i++)
            assert_int_equal(mailbox_post(b, &m[i], NULL), 0);
        assert_ptr_equal(mailbox_take(b, 10, INT64_MAX), &m[0]);
        if (what == 1)
            assert_int_equal(mailbox_post(b, &m[7], NULL), 0);
        else if (what == 2)
            mailbox_post_engine(b, &m[10]);
        struct mail *next = mailbox_take(b, 10, what ? INT64_MAX : 0);
        assert_ptr_equal(next, what == 0 ? NULL : what == 1 ? &m[7] : &m[10]);
        assert_true(!next || !next->next);
    }
    mailbox_destroy(b);
}

/* ---- many senders ---- */

struct sender {
    pthread_t thread;
    struct mailbox *box;
    struct mail *mails;
    bool engine;
};

static void *send_all(void *ctx)
{
    struct sender *s = ctx;
    for (size_t i = 0; i < EACH; i++) {
        s->mails[i].ctx = s;
        if (s->engine)
            mailbox_post_engine(s->box, &s->mails[i]);
        else
            while (mailbox_post(s->box, &s->mails[i], NULL)) /* full: the taker is at it */
                sched_yield();
    }
    return NULL;
}

static void nothing_is_lost_or_doubled_between_threads(void **state)
{
    struct mailbox *b = mailbox_create(100);
    struct sender s[SENDERS];
    size_t seen[SENDERS] = {0}, total = 0;
    (void)state;
    for (size_t i = 0; i < SENDERS; i++) {
        s[i] = (struct sender){.box = b, .mails = calloc(EACH, sizeof(struct mail)), .engine = i % 2};
        assert_int_equal(pthread_create(&s[i].thread, NULL, send_all, &s[i]), 0);
    }
    while (total < (size_t)SENDERS * EACH)
        for (struct mail *m = mailbox_take(b, 64, INT64_MAX); m; m = m->next, total++) {
            size_t from = (size_t)((struct sender *)m->ctx - s);
            assert_ptr_equal(m, &s[from].mails[seen[from]++]); /* each sender's in order */
        }
    assert_null(mailbox_take(b, 1, 0));
    for (size_t i = 0; i < SENDERS; i++) {
        pthread_join(s[i].thread, NULL);
        free(s[i].mails);
    }
    mailbox_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(engine_mail_comes_first_and_each_lane_in_order),
        cmocka_unit_test(a_full_client_lane_says_busy_and_the_engine_lane_is_never_full),
        cmocka_unit_test(taking_waits_until_the_deadline_only),
        cmocka_unit_test(closing_wakes_the_taker_and_refuses_clients),
        cmocka_unit_test(a_crowd_is_not_waited_for_without_end),
        cmocka_unit_test(nothing_is_lost_or_doubled_between_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
