/* SPDX-License-Identifier: MIT
 *
 * What is done about GPUs that are not used: read, refused with the place, written as it was read.
 */
#include "inventory/idle_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/json.h"

static int parse(const char *text, struct idle_policy *p, struct err *e)
{
    cJSON *o = json_parse(text, strlen(text), 0, e);
    assert_non_null(o);
    int rc = idle_policy_parse(o, p, e);
    cJSON_Delete(o);
    return rc;
}

static void a_policy_is_written_as_it_was_read(void **state)
{
    static const char text[] =
        "{\"rules\":[{\"rule\":\"zeroFromStart\",\"of\":\"jobs\",\"gpus\":\"all\",\"processes\":\"none\","
        "\"utilization\":1,\"memory\":60,\"warn\":[3600,6300],\"after\":7200,\"action\":\"stop\"},"
        "{\"rule\":\"lowMean\",\"of\":\"jobs\",\"gpus\":\"any\",\"processes\":\"any\",\"utilization\":20,\"memory\":0,"
        "\"window\":600,\"warn\":[0],\"after\":60,\"action\":\"tag\",\"tag\":\"idle\"},"
        "{\"rule\":\"zeroWindow\",\"of\":\"reservations\",\"gpus\":\"all\",\"processes\":\"any\",\"utilization\":0,"
        "\"memory\":0,\"warn\":[],\"after\":1800,\"action\":\"release\"}],\"dryRun\":true,\"snoozeMinutes\":90,"
        "\"exempt\":{\"users\":[\"ana\"],\"groups\":[\"teachers\"],\"tags\":[\"demo\",\"slow\"],\"names\":[\"nb-*\"]}}";
    struct idle_policy p;
    struct err e = {0};
    struct buf b;
    struct json_out j;
    (void)state;
    assert_int_equal(parse(text, &p, &e), 0);
    assert_true(p.set && p.dry_run);
    assert_int_equal(p.rule_count, 3);
    assert_ptr_equal(idle_policy_find(&p, "reservations.zeroWindow"), &p.rules[2]);
    assert_null(idle_policy_find(&p, "jobs.zeroWindow"));
    buf_init(&b, 0);
    json_out_init(&j, &b);
    idle_policy_write(&j, &p);
    assert_string_equal(buf_str(&b), text);
    buf_fini(&b);
}

static void null_is_none_of_ones_own(void **state)
{
    struct idle_policy p = {.set = true};
    struct err e = {0};
    (void)state;
    assert_int_equal(parse("null", &p, &e), 0);
    assert_false(p.set);
    assert_int_equal(parse("{\"rules\": []}", &p, &e), 0);
    assert_true(p.set);
    assert_int_equal(p.snooze_minutes, IDLE_SNOOZE_MINUTES);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *text, *want;
    } bad[] = {
        {"[]", "\"idle\" must be an object or null."},
        {"{}", "\"rules\" must be a list of at most 6."},
        {"{\"rules\": [], \"dry\": true}", "dry"},
        {"{\"rules\": [5]}", "rule 1: A rule must be an object."},
        {"{\"rules\": [{\"after\": 5}]}", "\"rule\" must be given."},
        {"{\"rules\": [{\"rule\": \"idle\", \"after\": 5}]}",
         "\"rule\" must be \"zeroFromStart\", \"zeroWindow\" or \"lowMean\"."},
        {"{\"rules\": [{\"rule\": \"zeroWindow\"}]}", "\"after\" must be between 1 and 2592000 seconds."},
        {"{\"rules\": [{\"rule\": \"zeroWindow\", \"after\": 99999999}]}", "\"after\" must be between"},
        {"{\"rules\": [{\"rule\": \"zeroWindow\", \"after\": 60, \"warn\": [30, 20]}]}", "\"warn\" must have"},
        {"{\"rules\": [{\"rule\": \"zeroWindow\", \"after\": 60, \"warn\": [60]}]}", "\"warn\" must have"},
        {"{\"rules\": [{\"rule\": \"zeroWindow\", \"after\": 60, \"warn\": [1.5]}]}", "\"warn\" must have"},
        {"{\"rules\": [{\"rule\": \"zeroWindow\", \"after\": 60, \"warn\": [1,2,3,4,5]}]}", "\"warn\" must be a list"},
        {"{\"rules\": [{\"rule\": \"zeroWindow\", \"after\": 60, \"window\": 5}]}", "\"window\""},
        {"{\"rules\": [{\"rule\": \"lowMean\", \"utilization\": 5, \"after\": 60}]}", "\"window\""},
        {"{\"rules\": [{\"rule\": \"lowMean\", \"window\": 5, \"after\": 60}]}", "\"utilization\""},
        {"{\"rules\": [{\"rule\": \"zeroWindow\", \"utilization\": 100, \"after\": 60}]}", "\"utilization\""},
        {"{\"rules\": [{\"rule\": \"zeroWindow\", \"after\": 60, \"action\": \"kill\"}]}",
         "\"action\" must be \"none\", \"mail\", \"tag\", \"stop\" or \"release\"."},
        {"{\"rules\": [{\"rule\": \"zeroWindow\", \"after\": 60, \"action\": \"release\"}]}", "\"release\" for those"},
        {"{\"rules\": [{\"rule\": \"zeroWindow\", \"of\": \"reservations\", \"after\": 60, \"action\": \"stop\"}]}",
         "\"stop\" is for rules of jobs"},
        {"{\"rules\": [{\"rule\": \"zeroWindow\", \"after\": 60, \"action\": \"tag\"}]}", "\"tag\" names"},
        {"{\"rules\": [{\"rule\": \"zeroWindow\", \"after\": 60, \"action\": \"tag\", \"tag\": \"a,b\"}]}", "comma"},
        {"{\"rules\": [{\"rule\": \"zeroWindow\", \"after\": 60}, {\"rule\": \"zeroWindow\", \"after\": 70}]}",
         "two rules jobs.zeroWindow"},
        {"{\"rules\": [], \"snoozeMinutes\": -1}", "\"snoozeMinutes\""},
        {"{\"rules\": [], \"exempt\": {\"people\": []}}", "people"},
        {"{\"rules\": [], \"exempt\": {\"users\": \"ana\"}}", "\"users\" must be a list."},
        {"{\"rules\": [], \"exempt\": {\"users\": [\"\"]}}", "\"users\" must have 1 to 63 bytes."},
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct idle_policy p;
        struct err e = {0};
        assert_int_equal(parse(bad[i].text, &p, &e), -1);
        assert_int_equal(e.code, ERR_INVALID_PARAMETERS);
        if (!strstr(e.text, bad[i].want))
            fail_msg("%s: %s", bad[i].text, e.text);
        assert_false(p.set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_policy_is_written_as_it_was_read),
        cmocka_unit_test(null_is_none_of_ones_own),
        cmocka_unit_test(what_is_wrong_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
