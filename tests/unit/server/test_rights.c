/* SPDX-License-Identifier: MIT
 *
 * docs/RIGHTS.md is what the tables say, and a row that forgot who may is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "server/api/api.h"
#include "server/api/rights.h"

static void the_page_is_current(void **state)
{
    struct err e = {0};
    struct buf made, kept;

    (void)state;
    buf_init(&made, 0);
    buf_init(&kept, 0);
    assert_int_equal(rights_page(&made, &e), 0);
    assert_int_equal(fs_read(DROVER_SOURCE "/docs/RIGHTS.md", 1 << 20, &kept, &e), 0);
    if (strcmp(buf_str(&made), buf_str(&kept)) != 0)
        fail_msg("docs/RIGHTS.md is old: make it anew with build/dev/bin/droverd rights > docs/RIGHTS.md");
    buf_fini(&made);
    buf_fini(&kept);
}

static int nothing(struct request *r, void *context, struct err *e)
{
    (void)r;
    (void)context;
    (void)e;
    return 0;
}

static void a_row_must_say_who_may(void **state)
{
    static const struct route forgot[] = {{HTTP_GET, "/api/v2/x", nothing, .help = "x"}};
    static const struct route wrong[] = {{HTTP_GET, "/api/v2/x", nothing, ACCESS_COUNT, .help = "x"}};
    struct err e = {0};

    (void)state;
    assert_null(route_compile(forgot, 1, &e));
    assert_non_null(strstr(e.text, "who may"));
    assert_null(route_compile(wrong, 1, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_is_current),
        cmocka_unit_test(a_row_must_say_who_may),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
