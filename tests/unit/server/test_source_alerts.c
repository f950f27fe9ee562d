/* SPDX-License-Identifier: MIT
 *
 * What is told of alerts: their changes in order, but for silenced ones, old ones, and what was there before.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/alerts/alert_store.h"
#include "server/notice/notice.h"
#include "server/notice/source_alerts.h"

#define NOW INT64_C(1795000000000)

static const struct alert_change changes[] = {
    {.id = 1, .time_ms = NOW - 1, .state = "firing", .rule = "Before"},
    {.id = 3, .time_ms = NOW, .state = "firing", .rule = "Quiet", .silenced = true},
    {.id = 4,
     .time_ms = NOW + 1,
     .state = "firing",
     .rule = "JobGpusNotUsed",
     .severity = "warn",
     .user = "ana",
     .labels = "{\"job_name\":\"train\"}",
     .annotations = "{\"summary\":\"2 GPUs idle\",\"description\":\"For an hour.\"}"},
    {.id = 5,
     .time_ms = NOW + 2,
     .state = "resolved",
     .rule = "NodeNotReady",
     .severity = "error",
     .labels = "{}",
     .annotations = "{}"},
};

static int next_change(struct store *reader, int64_t after_id, struct arena *a, struct alert_change *out, struct err *e)
{
    (void)reader;
    (void)a;
    (void)e;
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        if (changes[i].id > after_id) {
            *out = changes[i];
            return 1;
        }
    }
    return 0;
}

static void changes_are_told_once(void **unused)
{
    struct source s = source_alerts_create(next_change);
    struct arena *a = arena_create(0);
    struct source_asking q = {.arena = a, .now_ms = NOW};
    struct notice n;
    struct err e = {0};
    (void)unused;
    assert_non_null(s.self);
    assert_int_equal(s.ops->load(s.self, &q, NULL, &e), 0);
    q.now_ms = NOW + 10;
    assert_int_equal(s.ops->next(s.self, &q, &n, &e), 1);
    assert_string_equal(n.id, "alert-4");
    assert_string_equal(n.title, "JobGpusNotUsed fires: 2 GPUs idle");
    assert_string_equal(n.text, "For an hour.");
    assert_string_equal(n.user, "ana");
    assert_string_equal(n.severity, "warn");
    assert_int_equal(n.kind, NOTICE_ALERT);
    assert_int_equal(s.ops->next(s.self, &q, &n, &e), 1); /* until it is passed */
    assert_int_equal(n.source_id, 4);
    s.ops->pass(s.self, &n);
    /* A restart goes on from what was noted. */
    cJSON *state = cJSON_CreateObject();
    cJSON_AddNumberToObject(state, "alerts", 4);
    assert_int_equal(s.ops->load(s.self, &q, state, &e), 0);
    cJSON_Delete(state);
    assert_int_equal(s.ops->next(s.self, &q, &n, &e), 1);
    assert_string_equal(n.title, "NodeNotReady is resolved");
    assert_null(n.user);
    s.ops->pass(s.self, &n);
    assert_int_equal(s.ops->next(s.self, &q, &n, &e), 0);
    s.ops->destroy(s.self);
    arena_destroy(a);
}

static void old_ones_are_news_to_nobody(void **unused)
{
    struct source s = source_alerts_create(next_change);
    const struct source_asking q = {.now_ms = NOW + SOURCE_OLD_MS + 10};
    struct notice n;
    struct err e = {0};
    cJSON *state = cJSON_CreateObject();
    (void)unused;
    cJSON_AddNumberToObject(state, "alerts", 0);
    assert_int_equal(s.ops->load(s.self, &q, state, &e), 0);
    cJSON_Delete(state);
    assert_int_equal(s.ops->next(s.self, &q, &n, &e), 0);
    s.ops->destroy(s.self);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_told_once),
        cmocka_unit_test(old_ones_are_news_to_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
