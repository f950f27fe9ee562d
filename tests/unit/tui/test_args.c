/* SPDX-License-Identifier: MIT
 *
 * The option parser, the command table, and the exit statuses of errors.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "tui/args.h"
#include "tui/cli.h"

static const struct command_option options[] = {
    {'n', "limit", "N", NULL, "How many."},
    {'f', "follow", NULL, NULL, "Follow."},
    {0, "kind", "KIND", "one two", "Kind."},
    {0, NULL, NULL, NULL, NULL},
};

static int parse(struct args *a, struct err *e, int argc, ...)
{
    static char *argv[16];
    va_list ap;

    va_start(ap, argc);
    argv[0] = "verb";
    for (int i = 1; i <= argc; i++)
        argv[i] = va_arg(ap, char *);
    argv[argc + 1] = NULL;
    va_end(ap);
    *a = (struct args){.count = 0};
    *e = (struct err){0};
    return args_parse(a, options, argv, false, e);
}

static void reads_options_wherever_they_stand(void **state)
{
    struct args a;
    struct err e;
    int64_t n = 7;

    (void)state;
    assert_int_equal(parse(&a, &e, 6, "x", "-n", "5", "y", "--kind=two", "-f"), 0);
    assert_int_equal(a.rest_count, 2);
    assert_string_equal(a.rest[0], "x");
    assert_string_equal(a.rest[1], "y");
    assert_string_equal(args_get(&a, "kind"), "two");
    assert_true(args_has(&a, "follow"));
    assert_false(args_has(&a, "help"));
    assert_null(args_get(&a, "output"));
    assert_int_equal(args_int(&a, "limit", (int64_t[2]){1, 10}, &n, &e), 0);
    assert_int_equal(n, 5);
}

static void keeps_what_follows_two_dashes(void **state)
{
    struct args a;
    struct err e;

    (void)state;
    assert_int_equal(parse(&a, &e, 3, "--", "-n", "--kind"), 0);
    assert_int_equal(a.rest_count, 2);
    assert_string_equal(a.rest[0], "-n");
}

static void repeats_and_the_last_wins(void **state)
{
    struct args a;
    struct err e;
    size_t pos = 0;

    (void)state;
    assert_int_equal(parse(&a, &e, 4, "-n1", "--limit=2", "--lim", "3"), 0);
    assert_string_equal(args_get(&a, "limit"), "3");
    assert_string_equal(args_each(&a, "limit", &pos), "1");
    assert_string_equal(args_each(&a, "limit", &pos), "2");
    assert_string_equal(args_each(&a, "limit", &pos), "3");
    assert_null(args_each(&a, "limit", &pos));
}

static void says_what_is_wrong(void **state)
{
    struct args a;
    struct err e;
    int64_t n;

    (void)state;
    assert_int_equal(parse(&a, &e, 1, "--nope"), -1);
    assert_non_null(strstr(e.text, "--nope"));
    assert_int_equal(parse(&a, &e, 1, "-z"), -1);
    assert_non_null(strstr(e.text, "-z"));
    assert_int_equal(parse(&a, &e, 1, "--limit"), -1);
    assert_non_null(strstr(e.text, "--limit needs a value: N"));
    assert_int_equal(parse(&a, &e, 1, "--follow=1"), -1);
    assert_non_null(strstr(e.text, "takes no value"));
    assert_int_equal(parse(&a, &e, 2, "--kind", "three"), -1);
    assert_non_null(strstr(e.text, "one two"));
    assert_int_equal(parse(&a, &e, 2, "--kind", "on"), -1);
    for (const char *const *bad = (const char *const[]){"x", "5x", "", "0", "11", "99999999999999999999", NULL}; *bad;
         bad++) {
        assert_int_equal(parse(&a, &e, 2, "-n", *bad), 0);
        assert_int_equal(args_int(&a, "limit", (int64_t[2]){1, 10}, &n, &e), -1);
    }
}

static void takes_no_more_options_than_it_holds(void **state)
{
    static char *argv[ARGS_MAX + 3];
    struct args a = {.count = 0};
    struct err e = {0};

    (void)state;
    argv[0] = "verb";
    for (int i = 1; i <= ARGS_MAX + 1; i++)
        argv[i] = "-f";
    assert_int_equal(args_parse(&a, options, argv, false, &e), -1);
}

static void the_table_is_whole(void **state)
{
    const struct command *c;
    size_t i = 0;

    (void)state;
    for (; (c = commands_at(i)); i++) {
        char words[64];
        char *argv[2] = {words, NULL};
        char *space;
        int used = 0;

        assert_non_null(c->run);
        assert_true(strlen(c->help) > 3);
        for (size_t k = 0; k < 3; k++) {
            assert_non_null(c->examples[k]);
            assert_int_equal(strncmp(c->examples[k], c->name, strlen(c->name)), 0);
        }
        for (const struct command_option *o = c->options; o && o->name; o++) {
            for (const struct command_option *g = commands_global(); g->name && !c->foreign; g++) {
                assert_string_not_equal(o->name, g->name);
                assert_false(o->letter && o->letter == g->letter);
            }
        }
        snprintf(words, sizeof words, "%s", c->name);
        space = strchr(words, ' ');
        if (space) {
            *space = '\0';
            argv[1] = space + 1;
        }
        assert_ptr_equal(commands_find(space ? 2 : 1, argv, &used), c);
        assert_int_equal(used, space ? 2 : 1);
    }
    assert_true(i > 100);
}

static void every_error_has_its_exit_status(void **state)
{
    (void)state;
    assert_int_equal(cli_exit_of(&(struct err){.code = ERR_UNAUTHORIZED}), CLI_AUTH);
    assert_int_equal(cli_exit_of(&(struct err){.code = ERR_INCORRECT_PASSWORD}), CLI_AUTH);
    assert_int_equal(cli_exit_of(&(struct err){.code = ERR_NO_JOB}), CLI_NOT_FOUND);
    assert_int_equal(cli_exit_of(&(struct err){.code = ERR_CONFLICT_JOB}), CLI_CONFLICT);
    assert_int_equal(cli_exit_of(&(struct err){.code = ERR_BUSY}), CLI_UNREACHABLE);
    assert_int_equal(cli_exit_of(&(struct err){.code = ERR_TIMEOUT}), CLI_TIMEOUT);
    for (int code = 0; code < ERR_COUNT; code++)
        assert_in_range(cli_exit_of(&(struct err){.code = (enum err_code)code}), 1, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_options_wherever_they_stand),   cmocka_unit_test(keeps_what_follows_two_dashes),
        cmocka_unit_test(repeats_and_the_last_wins),           cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(takes_no_more_options_than_it_holds), cmocka_unit_test(the_table_is_whole),
        cmocka_unit_test(every_error_has_its_exit_status),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
