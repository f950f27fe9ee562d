/* SPDX-License-Identifier: MIT
 *
 * What a config says of web apps: extras.drover.apps, and the runtime plugin tensorboard.
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
#include "jobs/tensorboard_door.h"
#include "tests/unit/jobs/extras.h"

static void an_app_names_a_port_of_a_task(void **state)
{
    struct err e = {0};
    struct spec *s = extras_parse("{drover: {apps: [{name: web}, {name: lab, taskRole: main, taskIndex: 1, port: lab,\n"
                                  "  path: keep}, {name: o-1, taskRole: other}]}}",
                                  &e);
    (void)state;
    assert_non_null(s);
    assert_int_equal(s->app_count, 3);
    assert_string_equal(s->apps[0].port, "http");
    assert_false(s->apps[0].keep_path);
    assert_int_equal(s->apps[1].task, 1);
    assert_string_equal(s->apps[1].port, "lab");
    assert_true(s->apps[1].keep_path);
    assert_int_equal(s->apps[2].role, 1);
    assert_int_equal(spec_copy(extras_arena, s)->app_count, 0);
}

static void what_is_not_there_is_refused(void **state)
{
    static const char *const bad[][2] = {
        {"{name: web, taskRole: none}", "there is no task role \"none\""},
        {"{name: web, taskIndex: 2}", "has no task 2"},
        {"{name: web, taskRole: other, port: lab}", "asks for no port \"lab\""},
        {"{name: web}, {name: web}", "two apps are named \"web\""},
        {"{name: Web}", "must be of a-z, 0-9"},
        {"{name: -web}", "must be of a-z, 0-9"},
        {"{name: a--b}", "must be of a-z, 0-9"},
        {"{name: abcdefghijklmnopqrstu}", "name"},
        {"{port: lab}", "name"},
    };
    char extras[256];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        snprintf(extras, sizeof extras, "{drover: {apps: [%s]}}", bad[i][0]);
        assert_null(extras_parse(extras, &e));
        assert_int_equal(e.code, ERR_INVALID_PROTOCOL);
        assert_non_null(strstr(e.text, bad[i][1]));
    }
}

static void the_plugin_starts_tensorboard_in_the_first_task(void **state)
{
    struct err e = {0};
    struct spec *s = extras_parse("{com.microsoft.pai.runtimeplugin: [{plugin: tensorboard,\n"
                                  "  parameters: {port: 80, logdir: {a: /x, b: \"it's\"}}}]}",
                                  &e);
    (void)state;
    assert_non_null(s);
    assert_int_equal(s->app_count, 1);
    assert_string_equal(s->apps[0].name, "tensorboard");
    assert_true(s->apps[0].keep_path);
#define CALL                                                                                                           \
    "tensorboard --logdir_spec 'a':'/x','b':'it'\\''s' --host 127.0.0.1 --path_prefix "                                \
    "\"/jobs/$PAI_JOB_NAME/apps/tensorboard\" "
    assert_non_null(strstr(s->roles[0].command, "\"${PAI_CONTAINER_HOST_http_PORT_LIST%%,*}\" 1800 " CALL "<"));
    assert_non_null(strstr(s->roles[0].command, CALL "--port \"${PAI_CONTAINER_HOST_http_PORT_LIST%%,*}\" <"));
    assert_null(strchr(tensorboard_door, '\''));
    assert_non_null(strstr(s->roles[0].command, tensorboard_door));
    assert_string_equal(s->roles[1].command, "y");
    s = extras_parse("{com.microsoft.pai.runtimeplugin: [{plugin: tensorboard}], drover: {tensorboardIdleSeconds: 0}}",
                     &e);
    assert_non_null(s);
    assert_null(strstr(s->roles[0].command, "python3"));
    assert_non_null(strstr(s->roles[0].command, "--port \"${PAI_CONTAINER_HOST_http_PORT_LIST%%,*}\" <"));
    assert_null(extras_parse("{drover: {tensorboardIdleSeconds: 604801}}", &e));
    assert_null(extras_parse("{drover: {apps: [{name: tensorboard}]},\n"
                             "  com.microsoft.pai.runtimeplugin: [{plugin: tensorboard}]}",
                             &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_app_names_a_port_of_a_task),
        cmocka_unit_test(what_is_not_there_is_refused),
        cmocka_unit_test(the_plugin_starts_tensorboard_in_the_first_task),
    };
    return cmocka_run_group_tests(tests, extras_set_up, extras_tear_down);
}
