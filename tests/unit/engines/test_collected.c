/* SPDX-License-Identifier: MIT
 *
 * Reading what a shim wrote down: its form is held to, its bounds too, and what is not known is skipped.
 */
#include "engines/local/collected.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define PROCESS                                                                                                        \
    "{\"pid\":3,\"ppid\":1,\"state\":\"S\",\"uid\":7,\"cpuMs\":5,\"rss\":9,\"start\":11,\"command\":\"a b\","
#define REST ",\"environmentLeftOut\":2,\"processesLeftOut\":1,\"corePattern\":\"core\""

static int parse(struct arena *a, const char *text, struct collected *out)
{
    struct err e = {0};

    return collected_parse(a, text, strlen(text), out, &e);
}

static void a_document_is_read(void **state)
{
    struct arena *a = arena_create(0);
    struct collected c;

    (void)state;
    assert_int_equal(parse(a,
                           "{\"time\":17,\"new\":[1],\"processes\":[" PROCESS "\"cut\":true}],\"environment\":["
                           "{\"name\":\"A\",\"value\":\"b\",\"cut\":false},{\"name\":\"S\"}],\"cores\":["
                           "{\"name\":\"core.3\",\"size\":4,\"time\":5}]" REST "}",
                           &c),
                     0);
    assert_int_equal(c.time_ms, 17);
    assert_int_equal(c.process_count, 1);
    assert_int_equal(c.processes[0].pid, 3);
    assert_int_equal(c.processes[0].parent, 1);
    assert_int_equal(c.processes[0].rss_bytes, 9);
    assert_string_equal(c.processes[0].command, "a b");
    assert_true(c.processes[0].cut);
    assert_int_equal(c.variable_count, 2);
    assert_string_equal(c.variables[0].value, "b");
    assert_null(c.variables[1].value);
    assert_int_equal(c.variables_left, 2);
    assert_int_equal(c.processes_left, 1);
    assert_int_equal(c.core_count, 1);
    assert_string_equal(c.cores[0].name, "core.3");
    arena_destroy(a);
}

static void what_has_another_form_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "[]",
        "{}",
        "{\"time\":\"soon\"}",
        "{\"environment\":{},\"processes\":[],\"cores\":[]" REST "}",
        "{\"environment\":[1],\"processes\":[],\"cores\":[]" REST "}",
        "{\"environment\":[{\"value\":\"x\"}],\"processes\":[],\"cores\":[]" REST "}",
        "{\"environment\":[],\"processes\":[{\"pid\":1}],\"cores\":[]" REST "}",
        "{\"environment\":[],\"processes\":[" PROCESS "\"cut\":1}],\"cores\":[]" REST "}",
        "{\"environment\":[],\"processes\":[],\"cores\":[{\"name\":7}]" REST "}",
        "{\"environment\":[],\"processes\":[],\"cores\":[]}",
    };
    struct arena *a = arena_create(0);
    struct collected c;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(parse(a, bad[i], &c), -1);
    assert_int_equal(parse(a, "{\"environment\":[],\"processes\":[],\"cores\":[]" REST "}", &c), 0);
    arena_destroy(a);
}

static void lists_are_bounded(void **state)
{
    struct arena *a = arena_create(0);
    struct collected c;
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    buf_adds(&b, "{\"environment\":[],\"cores\":[],\"processes\":[");
    for (unsigned i = 0; i < COLLECTED_PROCESSES + 10; i++)
        buf_addf(&b, "%s" PROCESS "\"cut\":false}", i ? "," : "");
    buf_adds(&b, "]" REST "}");
    assert_int_equal(parse(a, buf_str(&b), &c), 0);
    assert_int_equal(c.process_count, COLLECTED_PROCESSES);
    buf_fini(&b);
    arena_destroy(a);
}

static void names_say_what_is_secret(void **state)
{
    static const char *const secret[] = {"DROVER_NONCE",  "MY_TOKEN",      "db_password", "AWS_SECRET_ACCESS_KEY",
                                         "WANDB_API_KEY", "X_CREDENTIALS", "PRIVATE_KEY"};
    static const char *const open[] = {"PATH", "HOME", "PAI_JOB_NAME", "PAI_HOST_IP_tokenizer_0", "KEYBOARD", "LANG"};

    (void)state;
    for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
        assert_true(collected_hides(secret[i]));
    for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
        assert_false(collected_hides(open[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_is_read),
        cmocka_unit_test(what_has_another_form_is_refused),
        cmocka_unit_test(lists_are_bounded),
        cmocka_unit_test(names_say_what_is_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
