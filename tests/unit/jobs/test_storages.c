/* SPDX-License-Identifier: MIT
 *
 * What a config says of storages: names, mount paths, the user's defaults.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"
#include "jobs/spec.h"
#include "tests/unit/jobs/extras.h"

static void a_storage_has_a_path_of_its_own_or_the_usual_one(void **state)
{
    struct err e = {0};
    struct spec *s = extras_parse("{storages: [{name: a}, {name: b, mountPath: /data/b}]}", &e);
    (void)state;
    assert_non_null(s);
    assert_int_equal(s->storage_count, 2);
    assert_string_equal(s->storages[0].mount_path, "/mnt/a");
    assert_string_equal(s->storages[1].mount_path, "/data/b");
    assert_false(s->default_storages);
    const struct spec *copy = spec_copy(extras_arena, s);
    assert_string_equal(copy->storages[1].name, "b");
    assert_ptr_not_equal(copy->storages[1].name, s->storages[1].name);
}

static void an_empty_list_asks_for_the_defaults_and_none_for_nothing(void **state)
{
    struct err e = {0};
    (void)state;
    assert_true(extras_parse("{storages: []}", &e)->default_storages);
    assert_false(extras_parse("{}", &e)->default_storages);
    assert_int_equal(extras_parse("{storages: []}", &e)->storage_count, 0);
}

static void the_old_plugin_names_storages(void **state)
{
    struct err e = {0};
    struct spec *s = extras_parse("{com.microsoft.pai.runtimeplugin: [{plugin: teamwise_storage,\n"
                                  "  parameters: {storageConfigNames: [a, b]}}]}",
                                  &e);
    (void)state;
    assert_non_null(s);
    assert_int_equal(s->storage_count, 2);
    assert_string_equal(s->storages[1].mount_path, "/mnt/b");
}

static void paths_that_lead_elsewhere_are_refused(void **state)
{
    static const char *const bad[] = {"x",     "/",        "/..",     "/mnt/../etc", "/a/./b", "/a//b",
                                      "/a/",   "/etc/x",   "/proc/1", "/usr",        "/tmp",   "/mnt",
                                      "/home", "/lib64/x", "/dev",    "/sys/fs"};
    static const char *const good[] = {"/mnt/a", "/a", "/srv/x/data", "/tmp/x", "/usrx", "/a/..b", "/var/data"};
    char extras[128];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        snprintf(extras, sizeof extras, "{storages: [{name: a, mountPath: %s}]}", bad[i]);
        assert_null(extras_parse(extras, &e));
        assert_int_equal(e.code, ERR_INVALID_PROTOCOL);
        assert_true(e.line > 0);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct err e = {0};
        snprintf(extras, sizeof extras, "{storages: [{name: a, mountPath: %s}]}", good[i]);
        if (!extras_parse(extras, &e))
            fail_msg("%s: %s", good[i], e.text);
    }
}

static void two_at_one_path_and_too_many_are_refused(void **state)
{
    char extras[2048] = "{storages: [";
    struct err e = {0};
    (void)state;
    assert_null(extras_parse("{storages: [{name: a, mountPath: /x}, {name: b, mountPath: /x}]}", &e));
    for (int i = 0; i <= SPEC_STORAGES_MAX; i++) {
        size_t n = strlen(extras);
        snprintf(extras + n, sizeof extras - n, "{name: s%d}%s", i, i < SPEC_STORAGES_MAX ? "," : "]}");
    }
    assert_null(extras_parse(extras, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_storage_has_a_path_of_its_own_or_the_usual_one, extras_set_up,
                                        extras_tear_down),
        cmocka_unit_test_setup_teardown(an_empty_list_asks_for_the_defaults_and_none_for_nothing, extras_set_up,
                                        extras_tear_down),
        cmocka_unit_test_setup_teardown(the_old_plugin_names_storages, extras_set_up, extras_tear_down),
        cmocka_unit_test_setup_teardown(paths_that_lead_elsewhere_are_refused, extras_set_up, extras_tear_down),
        cmocka_unit_test_setup_teardown(two_at_one_path_and_too_many_are_refused, extras_set_up, extras_tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
