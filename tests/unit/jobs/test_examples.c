/* SPDX-License-Identifier: MIT
 *
 * Every job in examples/ is a job.
 */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "jobs/spec.h"

#define MAX_BYTES ((size_t)256 * 1024)

static void assert_parses(const char *path)
{
    struct arena *a = arena_create(0);
    struct err e = {0};
    struct buf text, masked;
    const struct spec *s;

    buf_init(&text, 0);
    buf_init(&masked, 0);
    assert_int_equal(fs_read(path, MAX_BYTES, &text, &e), 0);
    s = spec_parse(a, buf_str(&text), text.len, &e);
    if (!s)
        fail_msg("%s:%d:%d: %s", path, e.line, e.column, e.text);
    for (size_t i = 0; s && i < s->role_count; i++)
        if (strstr(s->roles[i].command, "<% $"))
            fail_msg("%s: a template of role %s was not filled", path, s->roles[i].name);
    assert_int_equal(spec_masked_config(buf_str(&text), text.len, &masked, &e), 0);
    if (!spec_load(a, buf_str(&masked), masked.len, &e))
        fail_msg("%s: as it would be stored: %s", path, e.text);
    buf_fini(&text);
    buf_fini(&masked);
    arena_destroy(a);
}

static void all_examples_parse(void **state)
{
    static const char *const patterns[] = {DROVER_SOURCE "/examples/*.yaml", DROVER_SOURCE "/examples/*/*.yaml"};
    size_t found = 0;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        glob_t g;

        if (glob(patterns[i], 0, NULL, &g))
            continue;
        for (size_t k = 0; k < g.gl_pathc; k++, found++)
            assert_parses(g.gl_pathv[k]);
        globfree(&g);
    }
    assert_true(found >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_examples_parse)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
