/* SPDX-License-Identifier: MIT
 *
 * Templates: the cases one by one, then properties over random texts from a fixed seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "jobs/spec_template.h"

#define VALUES                                                                                                         \
    "s: text\nempty: ''\nnothing:\nint: 007\nfloat: 1.50\nyes: true\nlist: [a, 2, 3.0]\nnone: []\n"                    \
    "deep: [[1], {k: v}]\nmap: {k: {l: m}, k-2_x: n}\nloop: '<% $parameters.s %>'\n"

static struct arena *arena;
static struct spec_template names;

static int set_up(void **state)
{
    struct err e = {0};

    (void)state;
    arena = arena_create(0);
    memset(&names, 0, sizeof(names));
    spec_template_add(&names, "$parameters", doc_parse_yaml(arena, VALUES, strlen(VALUES), NULL, &e));
    spec_template_add(&names, "$nothing", NULL);
    return names.count == 1 ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    arena_destroy(arena);
    return 0;
}

static void assert_fills(const char *text, const char *want)
{
    struct buf out;

    buf_init(&out, 0);
    assert_int_equal(spec_template_fill(&names, text, &out), 0);
    assert_string_equal(buf_str(&out), want);
    buf_fini(&out);
}

static void known_names(void **state)
{
    (void)state;
    assert_fills("<% $parameters.s %>", "text");
    assert_fills("<%$parameters.s%>", "text");
    assert_fills("<%  \t$parameters.s\t %>", "text");
    assert_fills("a<% $parameters.s %>b<% $parameters.s %>c", "atextbtextc");
    assert_fills("[<% $parameters.empty %><% $parameters.nothing %>]", "[]");
    assert_fills("<% $parameters.int %> <% $parameters.float %> <% $parameters.yes %>", "007 1.50 true");
    assert_fills("<% $parameters.list %> [<% $parameters.none %>]", "a,2,3.0 []");
    assert_fills("<% $parameters.list[0] %><% $parameters.list[2] %><% $parameters.list.1 %>", "a3.02");
    assert_fills("<% $parameters.deep[0][0] %><% $parameters.deep[1].k %>", "1v");
    assert_fills("<% $parameters.map.k.l %><% $parameters.map.k-2_x %>", "mn");
}

/* What stays as it is. */
static void unknown_or_no_template(void **state)
{
    static const char *const texts[] = {
        "",
        "plain",
        "<%",
        "%>",
        "<% %>",
        "<% $ %>",
        "<% $parameters %>", /* a map */
        "<% $parameters.map %>",
        "<% $parameters.deep %>",
        "<% $parameters.unknown %>",
        "<% $parameters.s.t %>",
        "<% $parameters.s[0] %>",
        "<% $parameters.list[3] %>",
        "<% $parameters.list[99999999] %>",
        "<% $parameters.list[x] %>",
        "<% $parameters.list[] %>",
        "<% $parameters.list[0 %>",
        "<% $parameters..s %>",
        "<% $parameters.s. %>",
        "<% $parameters.s",
        "<% $parameters.s %",
        "<% $parameters.s }>",
        "<% parameters.s %>",
        "<% $secrets.s %>",
        "<% $parametersX.s %>",
        "<% $param.s %>",
        "<% $nothing.s %>",
        "<% $parameters.s + 1 %>",
        "{{ $parameters.s }}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        assert_fills(texts[i], texts[i]);
}

static void near_misses_do_not_hide_the_next(void **state)
{
    (void)state;
    assert_fills("<% <% $parameters.s %>", "<% text");
    assert_fills("<%<%$parameters.s%>%>", "<%text%>");
    assert_fills("<% $parameters.q %><% $parameters.s %>", "<% $parameters.q %>text");
    assert_fills("1 <% 2 %> <% $parameters.s %>", "1 <% 2 %> text");
}

static void values_are_no_templates(void **state)
{
    (void)state;
    assert_fills("<% $parameters.loop %>", "<% $parameters.s %>");
}

static void a_full_buffer_is_an_error(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 3);
    assert_int_equal(spec_template_fill(&names, "<% $parameters.s %>", &out), -1);
    buf_fini(&out);
}

/* ---- properties ---- */

static uint64_t seed = 20261121;

static uint32_t roll(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

static const struct {
    const char *text, *filled;
} pieces[] = {
    {"a", "a"},
    {"<", "<"},
    {"%", "%"},
    {" ", " "},
    {"\n", "\n"},
    {"%>", "%>"},
    {"<% x %>", "<% x %>"},
    {"<% $parameters.s %>", "text"},
    {"<%$parameters.list%>", "a,2,3.0"},
    {"<% $parameters.map.k.l %>", "m"},
    {"<% $parameters.deep[1].k %>", "v"},
    {"<% $parameters.unknown %>", "<% $parameters.unknown %>"},
    {"<% $secrets.s %>", "<% $secrets.s %>"},
    {"\xc3\xa9", "\xc3\xa9"},
    {"$parameters.s", "$parameters.s"},
};

/* A text of whole pieces is filled piece by piece, whatever stands next to what. */
static void pieces_do_not_disturb_each_other(void **state)
{
    (void)state;
    for (int round = 0; round < 3000; round++) {
        struct buf text, want;
        uint32_t count = roll(30);
        bool open = false;

        buf_init(&text, 0);
        buf_init(&want, 0);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t k = roll(sizeof(pieces) / sizeof(pieces[0]));

            /* "<" and "%" side by side would be a new opening */
            if (open && pieces[k].text[0] == '%')
                k = 0;
            open = pieces[k].text[0] == '<' && pieces[k].text[1] == '\0';
            buf_adds(&text, pieces[k].text);
            buf_adds(&want, pieces[k].filled);
        }
        assert_fills(buf_str(&text), buf_str(&want));
        buf_fini(&text);
        buf_fini(&want);
    }
}

/* Any bytes without "$" come out as they went in; filling what was filled changes nothing more, unless a value is a
 * template. */
static void noise(void **state)
{
    static const char bytes[] = "<%> .[]0a$parameters\n\"";

    (void)state;
    for (int round = 0; round < 3000; round++) {
        char text[200];
        struct buf once;
        size_t len = roll(sizeof(text));

        for (size_t i = 0; i < len; i++)
            text[i] = bytes[roll(sizeof(bytes) - 1)];
        text[len ? len - 1 : 0] = '\0';
        buf_init(&once, 0);
        assert_int_equal(spec_template_fill(&names, text, &once), 0);
        assert_fills(buf_str(&once), buf_str(&once));
        if (!strchr(text, '$'))
            assert_string_equal(buf_str(&once), text);
        buf_fini(&once);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(known_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(unknown_or_no_template, set_up, tear_down),
        cmocka_unit_test_setup_teardown(near_misses_do_not_hide_the_next, set_up, tear_down),
        cmocka_unit_test_setup_teardown(values_are_no_templates, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_buffer_is_an_error, set_up, tear_down),
        cmocka_unit_test_setup_teardown(pieces_do_not_disturb_each_other, set_up, tear_down),
        cmocka_unit_test_setup_teardown(noise, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
