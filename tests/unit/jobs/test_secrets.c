/* SPDX-License-Identifier: MIT
 *
 * Secrets: masked in what is kept, taken out for sealing, filled in at the start, and never part of the spec's
 * commands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "jobs/spec.h"

static const char text[] =
    "protocolVersion: 2 # a comment\n"
    "name: j\n"
    "type: job\n"
    "prerequisites:\n"
    "  - {name: i, type: dockerimage, uri: u, auth: {username: me, password: hunter1}}\n"
    "  - {name: k, type: dockerimage, uri: u, auth: {username: me, password: '<% $secrets.pw %>'}}\n"
    "secrets: {pw: hunter2, n: 42, deep: {a: [hunter3, ~]}, \"multi\": \"l1\\nl2: \\\"x\\\"\"}\n"
    "taskRoles: {r: {dockerImage: i, resourcePerInstance: {cpu: 1, memoryMB: 2, gpu: 0},\n"
    "  commands: ['login <% $secrets.pw %>', '<% $secrets.deep.a[0] %> <% $secrets.n %> <% $secrets.no %>']}}\n";

static void masked(void **state)
{
    struct err e = {0};
    struct buf out;

    (void)state;
    buf_init(&out, 0);
    assert_int_equal(spec_masked_config(text, strlen(text), &out, &e), 0);
    assert_null(strstr(buf_str(&out), "hunter"));
    assert_null(strstr(buf_str(&out), "42"));
    assert_null(strstr(buf_str(&out), "l2"));
    assert_non_null(strstr(buf_str(&out), "password: \"<% $secrets.pw %>\""));
    assert_non_null(strstr(buf_str(&out), "username: me"));
    assert_non_null(strstr(buf_str(&out), "pw: \"******\""));
    assert_non_null(strstr(buf_str(&out), "- login <% $secrets.pw %>"));
    buf_fini(&out);
}

/* What was kept means the same job. */
static void a_masked_config_loads(void **state)
{
    struct arena *a = arena_create(0), *b = arena_create(0);
    struct err e = {0};
    struct buf out;
    const struct spec *first = spec_parse(a, text, strlen(text), &e), *second;

    (void)state;
    assert_non_null(first);
    buf_init(&out, 0);
    assert_int_equal(spec_masked_config(text, strlen(text), &out, &e), 0);
    second = spec_load(b, buf_str(&out), out.len, &e);
    if (second) {
        assert_string_equal(first->roles[0].command, second->roles[0].command);
        assert_string_equal(first->name, second->name);
    } else {
        fail_msg("%s", e.text);
    }
    /* but submitted again it is refused: the job would run with asterisks */
    assert_null(spec_parse(b, buf_str(&out), out.len, &e));
    assert_int_equal(e.code, ERR_INVALID_PROTOCOL);
    assert_string_equal(e.pointer, "/secrets/pw");
    buf_fini(&out);
    arena_destroy(a);
    arena_destroy(b);
}

/* The YAML writer's text may be longer than what the gate takes from a client. */
static void a_config_that_grew_loads(void **state)
{
    static const char head[] = "{protocolVersion: 2, name: j, type: job, "
                               "prerequisites: [{name: i, type: dockerimage, uri: u}], "
                               "taskRoles: {r: {dockerImage: i, resourcePerInstance: {cpu: 1, memoryMB: 2, gpu: 0}, "
                               "commands: [x]}}, extras: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: {a: [";
    struct arena *a = arena_create(64u << 20);
    struct err e = {0};
    struct buf in, out;
    int open = 0;

    (void)state;
    buf_init(&in, 0);
    buf_init(&out, 0);
    buf_adds(&in, head);
    for (int i = 0; i < 9000; i++)
        buf_adds(&in, i ? ", 123456789" : "1");
    buf_addc(&in, ']');
    for (const char *c = head; *c; c++)
        open += (*c == '{') - (*c == '}');
    while (open-- > 0)
        buf_addc(&in, '}');
    if (!spec_parse(a, buf_str(&in), in.len, &e))
        fail_msg("%s", e.text);
    assert_int_equal(spec_masked_config(buf_str(&in), in.len, &out, &e), 0);
    assert_true(out.len > 256 * 1024);
    if (!spec_load(a, buf_str(&out), out.len, &e))
        fail_msg("%s", e.text);
    buf_fini(&in);
    buf_fini(&out);
    arena_destroy(a);
}

/* Aliases are written out; the caller's cap bounds that. */
static void a_config_that_grew_too_much(void **state)
{
    static const char small[] = "a: &a xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\nb: [*a, *a, *a, *a]\n";
    struct err e = {0};
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(spec_masked_config(small, strlen(small), &out, &e), -1);
    assert_int_equal(e.code, ERR_INVALID_PROTOCOL);
    buf_fini(&out);
}

static void a_broken_stored_text_is_our_fault(void **state)
{
    struct arena *a = arena_create(0);
    struct err e = {0};

    (void)state;
    assert_null(spec_load(a, "name: [", 7, &e));
    assert_int_equal(e.code, ERR_INTERNAL);
    arena_destroy(a);
}

static void nothing_in_the_spec(void **state)
{
    struct arena *a = arena_create(0);
    struct err e = {0};
    const struct spec *s = spec_parse(a, text, strlen(text), &e);

    (void)state;
    assert_null(strstr(s->roles[0].command, "hunter"));
    assert_string_equal(s->roles[0].command,
                        "login <% $secrets.pw %>\n<% $secrets.deep.a[0] %> <% $secrets.n %> <% $secrets.no %>");
    assert_non_null(doc_get(s->secrets, "pw"));
    arena_destroy(a);
}

static void taken_out_and_filled_in(void **state)
{
    struct err e = {0};
    struct buf secrets, script;

    (void)state;
    buf_init(&secrets, 0);
    buf_init(&script, 0);
    assert_int_equal(spec_secrets(text, strlen(text), &secrets, &e), 0);
    assert_null(strstr(buf_str(&secrets), "taskRoles"));
    assert_int_equal(spec_fill_secrets("a <% $secrets.pw %> <% $secrets.deep.a[0] %> <% $secrets.n %>"
                                       "<% $secrets.deep.a[1] %> <% $secrets.no %> <% $parameters.x %>\n"
                                       "<% $secrets.multi %>",
                                       buf_str(&secrets), secrets.len, &script, &e),
                     0);
    assert_string_equal(buf_str(&script), "a hunter2 hunter3 42 <% $secrets.no %> <% $parameters.x %>\nl1\nl2: \"x\"");
    buf_fini(&secrets);
    buf_fini(&script);
}

/* A submission is read once; what is kept is as if it were read for each. */
static void kept_of_a_submission(void **state)
{
    struct arena *a = arena_create(0);
    struct err e = {0};
    struct buf secrets, masked, secrets_alone, masked_alone;
    const struct spec_kept keep = {.masked = &masked, .secrets = &secrets};
    const struct spec *s, *alone;

    (void)state;
    buf_init(&secrets, 0);
    buf_init(&masked, 0);
    buf_init(&secrets_alone, 0);
    buf_init(&masked_alone, 0);
    s = spec_submit(a, text, strlen(text), &keep, &e);
    alone = spec_parse(a, text, strlen(text), &e);
    assert_non_null(s);
    assert_null(s->secrets);
    assert_string_equal(s->roles[0].command, alone->roles[0].command);
    assert_int_equal(spec_secrets(text, strlen(text), &secrets_alone, &e), 0);
    assert_int_equal(spec_masked_config(text, strlen(text), &masked_alone, &e), 0);
    assert_string_equal(buf_str(&secrets), buf_str(&secrets_alone));
    assert_string_equal(buf_str(&masked), buf_str(&masked_alone));
    assert_null(strstr(buf_str(&masked), "hunter"));
    buf_fini(&secrets);
    buf_fini(&masked);
    buf_fini(&secrets_alone);
    buf_fini(&masked_alone);
    arena_destroy(a);
}

/* What hides nothing is kept to the letter, comments and all. */
static void kept_as_it_came(void **state)
{
    static const char plain[] = "# my first job\nprotocolVersion: 2\nname: j\ntype: job\nprerequisites:\n"
                                "  - {type: dockerimage, name: i, uri: u} # the image\ntaskRoles:\n  r:\n"
                                "    dockerImage: i\n    resourcePerInstance: {cpu: 1, memoryMB: 1, gpu: 0}\n"
                                "    commands: [\"true\"]\n";
    struct arena *a = arena_create(0);
    struct err e = {0};
    struct buf secrets, masked;
    const struct spec_kept keep = {.masked = &masked, .secrets = &secrets};

    (void)state;
    buf_init(&secrets, 0);
    buf_init(&masked, 0);
    assert_non_null(spec_submit(a, plain, strlen(plain), &keep, &e));
    assert_string_equal(buf_str(&masked), plain);
    assert_int_equal(secrets.len, 0);
    assert_non_null(spec_load(a, buf_str(&masked), masked.len, &e));
    buf_fini(&secrets);
    buf_fini(&masked);
    arena_destroy(a);
}

static void no_secrets(void **state)
{
    static const char *const texts[] = {"name: j\n", "name: j\nsecrets:\n", "name: j\nsecrets: {}\n"};
    struct err e = {0};
    struct buf out;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        buf_init(&out, 0);
        assert_int_equal(spec_secrets(texts[i], strlen(texts[i]), &out, &e), 0);
        assert_int_equal(out.len, 0);
        buf_fini(&out);
    }
    buf_init(&out, 0);
    assert_int_equal(spec_fill_secrets("x <% $secrets.pw %>", NULL, 0, &out, &e), 0);
    assert_string_equal(buf_str(&out), "x <% $secrets.pw %>");
    buf_fini(&out);
    buf_init(&out, 0);
    assert_int_equal(spec_secrets("a: [", 4, &out, &e), -1);
    assert_int_equal(spec_masked_config("a: [", 4, &out, &e), -1);
    buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masked),
        cmocka_unit_test(a_masked_config_loads),
        cmocka_unit_test(a_config_that_grew_loads),
        cmocka_unit_test(a_config_that_grew_too_much),
        cmocka_unit_test(a_broken_stored_text_is_our_fault),
        cmocka_unit_test(nothing_in_the_spec),
        cmocka_unit_test(taken_out_and_filled_in),
        cmocka_unit_test(kept_of_a_submission),
        cmocka_unit_test(kept_as_it_came),
        cmocka_unit_test(no_secrets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
