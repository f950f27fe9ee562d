/* SPDX-License-Identifier: MIT
 *
 * The query builder.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/query.h"
#include "tests/unit/store/fixture.h"

/* Steps a query over meta and joins the keys it finds. */
static void check_keys(struct fixture *f, struct query *q, const char *want)
{
    char got[256] = "";
    struct stmt *st = query_stmt(q, f->writer, &f->e);
    size_t n = 0;
    int rc;

    assert_non_null(st);
    while ((rc = stmt_step(st, &f->e)) == STMT_ROW)
        n += (size_t)snprintf(got + n, sizeof(got) - n, "%s ", stmt_col_text(st, 0));
    assert_int_equal(rc, STMT_DONE);
    assert_string_equal(got, want);
    query_fini(q);
}

static void fill(struct fixture *f)
{
    assert_int_equal(fixture_insert(f->writer, "a", "100%", &f->e), 0);
    assert_int_equal(fixture_insert(f->writer, "b", "100 percent", &f->e), 0);
    assert_int_equal(fixture_insert(f->writer, "c", "under_score", &f->e), 0);
    assert_int_equal(fixture_insert(f->writer, "d", "underXscore", &f->e), 0);
    assert_int_equal(fixture_insert(f->writer, "e", "back\\slash", &f->e), 0);
}

static void filters_and_order(void **state)
{
    static const char *const orders[] = {" ORDER BY key", " ORDER BY key DESC"};
    static const char *const keys[] = {"a", "c", "'; DROP TABLE meta"};
    struct fixture *f = *state;
    struct query q;

    fill(f);
    query_init(&q, "SELECT key FROM meta");
    query_pick(&q, orders, 1);
    check_keys(f, &q, "e d c b a ");
    query_init(&q, "SELECT key FROM meta");
    query_where(&q, "key IN ");
    query_in_text(&q, keys, 3);
    query_where(&q, "key <> ?");
    query_text(&q, "a");
    query_pick(&q, orders, 0);
    query_sql(&q, " LIMIT ? OFFSET ?");
    query_int(&q, 10);
    query_int(&q, 0);
    check_keys(f, &q, "c ");
    query_init(&q, "SELECT key FROM meta");
    query_where(&q, "key IN ");
    query_in_text(&q, NULL, 0);
    check_keys(f, &q, "");
    query_init(&q, "SELECT key FROM meta");
    query_where(&q, "length(key) IN ");
    query_in_int(&q, (const int64_t[]){1, 5}, 2);
    query_where(&q, "key = ?");
    query_text(&q, NULL);
    check_keys(f, &q, "");
}

static void keywords_are_literal(void **state)
{
    static const struct {
        const char *keyword;
        const char *want;
    } rows[] = {{"100", "a b "}, {"0%", "a "}, {"r_s", "c "}, {"k\\s", "e "}, {"", "a b c d e "}, {"zzz", ""}};
    struct fixture *f = *state;
    size_t i;

    fill(f);
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct query q;

        query_init(&q, "SELECT key FROM meta");
        query_where(&q, "value LIKE ? ESCAPE '\\'");
        query_contains(&q, rows[i].keyword);
        check_keys(f, &q, rows[i].want);
    }
}

static void failures_are_kept(void **state)
{
    static const char *const orders[] = {" ORDER BY key", NULL};
    static const char *many[QUERY_MAX_VALUES + 1];
    struct fixture *f = *state;
    struct query q;
    size_t i;

    query_init(&q, "SELECT key FROM meta");
    query_pick(&q, orders, 2);
    assert_null(query_stmt(&q, f->writer, &f->e));
    query_fini(&q);
    query_init(&q, "SELECT key FROM meta");
    query_pick(&q, orders, 1);
    assert_null(query_stmt(&q, f->writer, &f->e));
    query_fini(&q);
    for (i = 0; i <= QUERY_MAX_VALUES; i++)
        many[i] = "x";
    query_init(&q, "SELECT key FROM meta");
    query_where(&q, "key IN ");
    query_in_text(&q, many, QUERY_MAX_VALUES + 1);
    assert_null(query_stmt(&q, f->writer, &f->e));
    assert_int_equal(f->e.code, ERR_INVALID_PARAMETERS);
    query_fini(&q);
    query_init(&q, "SELECT nothing FROM meta");
    assert_null(query_stmt(&q, f->writer, &f->e));
    assert_int_equal(f->e.code, ERR_INTERNAL);
    query_fini(&q);
}

static void statements_are_shared_by_text(void **state)
{
    static const char *const limits[] = {" LIMIT 1", " LIMIT 2", " LIMIT 3"};
    struct fixture *f = *state;
    struct query a, b, c;
    struct stmt *st;
    int i;

    fill(f);
    query_init(&a, "SELECT key FROM meta ORDER BY key");
    st = query_stmt(&a, f->writer, &f->e);
    assert_int_equal(stmt_step(st, &f->e), STMT_ROW);
    /* The same text while the first is under way gets a statement of its own. */
    query_init(&b, "SELECT key FROM meta ORDER BY key");
    check_keys(f, &b, "a b c d e ");
    assert_int_equal(stmt_step(st, &f->e), STMT_ROW);
    assert_string_equal(stmt_col_text(st, 0), "b");
    query_fini(&a);
    query_init(&c, "SELECT key FROM meta ORDER BY key");
    assert_ptr_equal(query_stmt(&c, f->writer, &f->e), st);
    query_fini(&c);
    /* More texts than the cache holds all work. */
    for (i = 0; i < 200; i++) {
        struct query q;
        int k;

        query_init(&q, "SELECT key FROM meta");
        for (k = 0; k < i % 90; k++) {
            query_where(&q, "?");
            query_int(&q, 1);
        }
        query_pick(&q, limits, i / 90);
        assert_non_null(query_stmt(&q, f->writer, &f->e));
        query_fini(&q);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(filters_and_order),
        TEST(keywords_are_literal),
        TEST(failures_are_kept),
        TEST(statements_are_shared_by_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
