/* SPDX-License-Identifier: MIT
 *
 * A virtual cluster's JSON goes in and out; SKUs have names that can be typed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/json.h"
#include "inventory/vc.h"

static int parse(const char *text, struct vc *vc, struct err *e)
{
    cJSON *o = json_parse(text, strlen(text), 0, e);
    assert_non_null(o);
    int rc = vc_parse(o, vc, e);
    cJSON_Delete(o);
    return rc;
}

static void what_is_written_is_read_again(void **state)
{
    struct vc vc = {.name = "a"}, again = {.name = "a"};
    struct err e = {0};
    struct buf text;
    struct json_out j;
    (void)state;
    assert_int_equal(
        parse("{\"guarantee\": [{\"sku\": \"h100\", \"gpus\": 8}, {\"sku\": \"h100\", \"nodes\": 2, \"racks\": 1}],"
              "\"pins\": [\"n1\"], \"borrow\": 4, \"userCap\": 3, \"cpus\": 2, \"parent\": \"up\","
              "\"maxTime\": 60, \"maxGpus\": 5, \"maxJobs\": 7, \"keepLogsDays\": 9, \"userDiskMB\": 2000000,"
              "\"debugReservations\": \"userFailure\", \"debugMaxMinutes\": 30, \"debugPerUser\": 2,"
              "\"debugTotal\": 3, \"debugReclaim\": \"no\","
              "\"read\": \"own\", \"preemption\": \"lazy\", \"description\": \"d\","
              "\"externalName\": \"e\"}",
              &vc, &e),
        0);
    assert_int_equal(vc.guarantee_count, 1);
    assert_int_equal(vc.guarantee[0].gpus, 8);
    assert_int_equal(vc.guarantee[0].nodes, 2);
    assert_int_equal(vc.guarantee[0].racks, 1);
    assert_int_equal(vc.keep_logs_days, 9);
    assert_int_equal(vc.user_disk_mb, 2000000);
    assert_true(vc.own && vc.lazy);
    assert_int_equal(vc.debug.allow, VC_DEBUG_USER_FAILURE);
    assert_int_equal(vc_debug_minutes(&vc.debug), 30);
    assert_int_equal(vc_debug_per_user(&vc.debug), 2);
    assert_int_equal(vc_debug_total(&vc.debug), 3);
    assert_true(vc.debug.kept);
    buf_init(&text, 0);
    json_out_init(&j, &text);
    json_out_object(&j);
    vc_write(&j, &vc);
    json_out_object_end(&j);
    assert_int_equal(parse(buf_str(&text), &again, &e), 0);
    assert_memory_equal(&vc, &again, sizeof vc);
    buf_fini(&text);
}

static void absent_members_keep_what_there_is(void **state)
{
    struct vc vc = {.borrow = 7, .own = true};
    struct err e = {0};
    (void)state;
    assert_int_equal(parse("{\"userCap\": 1}", &vc, &e), 0);
    assert_int_equal(vc.borrow, 7);
    assert_true(vc.own);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"{\"gpu\": 1}", "gpu"},
        {"{\"borrow\": -1}", "borrow"},
        {"{\"borrow\": \"all\"}", "borrow"},
        {"{\"read\": \"none\"}", "\"open\" or \"own\""},
        {"{\"preemption\": \"no\"}", "\"stop\" or \"lazy\""},
        {"{\"debugReservations\": \"on\"}", "\"asked\", \"off\" or \"userFailure\""},
        {"{\"debugReclaim\": true}", "debugReclaim"},
        {"{\"debugReclaim\": \"maybe\"}", "\"yes\" or \"no\""},
        {"{\"debugMaxMinutes\": 10081}", "between 0 and 10080"},
        {"{\"debugPerUser\": -1}", "between 0 and 1000"},
        {"{\"debugTotal\": 1001}", "between 0 and 1000"},
        {"{\"guarantee\": {}}", "list"},
        {"{\"guarantee\": [1]}", "sku"},
        {"{\"guarantee\": [{\"sku\": \"x\"}]}", "\"racks\" or \"pods\""},
        {"{\"guarantee\": [{\"gpus\": 1}]}", "sku"},
        {"{\"guarantee\": [{\"sku\": \"x\", \"gpus\": 1, \"cells\": 1}]}", "cells"},
        {"{\"pins\": [1]}", "node names"},
        {"{\"pins\": \"n1\"}", "list"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct vc vc = {.name = ""};
        struct err e = {0};
        assert_int_equal(parse(cases[i].text, &vc, &e), -1);
        assert_non_null(strstr(e.text, cases[i].says));
    }
}

static void names_are_short_and_plain(void **state)
{
    char longer[VC_NAME_MAX + 1];
    (void)state;
    memset(longer, 'a', sizeof longer - 1);
    longer[VC_NAME_MAX] = '\0';
    assert_true(vc_name_ok("vision_2-a"));
    assert_false(vc_name_ok(""));
    assert_false(vc_name_ok("-a"));
    assert_false(vc_name_ok("a b"));
    assert_false(vc_name_ok(longer));
}

static void a_sku_is_a_model_that_can_be_typed(void **state)
{
    static struct node n = {.cpus = 16, .memory_mb = 1000};
    char sku[SKU_NAME_MAX];
    struct resources unit;
    (void)state;
    sku_of_model("NVIDIA H100 80GB HBM3", sku);
    assert_string_equal(sku, "nvidia-h100-80gb-hbm3");
    sku_of_model(" (?) ", sku);
    assert_string_equal(sku, "gpu");
    sku_of_node(&n, sku);
    assert_string_equal(sku, "cpu");
    unit = sku_unit(&n);
    assert_int_equal(unit.cpus, 1);
    assert_int_equal(unit.gpus, 0);
    n.gpu_count = 4;
    memcpy(n.gpus[0].model, "simulated", sizeof "simulated");
    sku_of_node(&n, sku);
    assert_string_equal(sku, "simulated");
    unit = sku_unit(&n);
    assert_int_equal(unit.cpus, 4);
    assert_int_equal(unit.memory_mb, 250);
    assert_int_equal(unit.gpus, 1);
    n.gpu_count = n.cpus = 0;
    assert_int_equal(sku_unit(&n).memory_mb, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_again),
        cmocka_unit_test(absent_members_keep_what_there_is),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(names_are_short_and_plain),
        cmocka_unit_test(a_sku_is_a_model_that_can_be_typed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
