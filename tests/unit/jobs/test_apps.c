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

static struct arena *arena;

/* A job with these extras; NULL when it is refused, with the error. */
static struct spec *parse(const char *extras, struct err *e)
{
    static char text[4096];
    int n = snprintf(text, sizeof text,
                     "protocolVersion: 2\nname: x\ntype: job\n"
                     "prerequisites: [{type: dockerimage, name: image, uri: none}]\n"
                     "taskRoles:\n"
                     "  main: {dockerImage: image, commands: [x], instances: 2,\n"
                     "    resourcePerInstance: {cpu: 1, memoryMB: 1, gpu: 0, ports: {lab: 1}}}\n"
                     "  other: {dockerImage: image, commands: [y],\n"
                     "    resourcePerInstance: {cpu: 1, memoryMB: 1, gpu: 0}}\nextras: %s\n",
                     extras);
    return spec_parse(arena, text, (size_t)n, e);
}

static int setup(void **state)
{
    (void)state;
    arena = arena_create(0);
    return arena ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    arena_destroy(arena);
    return 0;
}

static void an_app_names_a_port_of_a_task(void **state)
{
    struct err e = {0};
    struct spec *s = parse("{drover: {apps: [{name: web}, {name: lab, taskRole: main, taskIndex: 1, port: lab,\n"
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
    assert_int_equal(spec_copy(arena, s)->app_count, 0);
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
        assert_null(parse(extras, &e));
        assert_int_equal(e.code, ERR_INVALID_PROTOCOL);
        assert_non_null(strstr(e.text, bad[i][1]));
    }
}

static void the_plugin_starts_tensorboard_in_the_first_task(void **state)
{
    struct err e = {0};
    struct spec *s = parse("{com.microsoft.pai.runtimeplugin: [{plugin: tensorboard,\n"
                           "  parameters: {port: 80, logdir: {a: /x, b: \"it's\"}}}]}",
                           &e);
    (void)state;
    assert_non_null(s);
    assert_int_equal(s->app_count, 1);
    assert_string_equal(s->apps[0].name, "tensorboard");
    assert_true(s->apps[0].keep_path);
    assert_non_null(strstr(s->roles[0].command, "tensorboard --logdir_spec 'a':'/x','b':'it'\\''s' --host 127.0.0.1 "
                                                "--port \"$PAI_CONTAINER_HOST_http_PORT_LIST\""));
    assert_non_null(strstr(s->roles[0].command, "--path_prefix \"/jobs/$PAI_JOB_NAME/apps/tensorboard\""));
    assert_string_equal(s->roles[1].command, "y");
    assert_null(parse("{drover: {apps: [{name: tensorboard}]},\n"
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
    return cmocka_run_group_tests(tests, setup, teardown);
}
