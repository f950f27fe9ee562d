/* SPDX-License-Identifier: MIT
 *
 * The page: what it is made of, that it asks for nothing from elsewhere and runs nothing, whatever people call their
 * jobs; lists, and the texts of figures.
 */
#include "metrics/report_page.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/html.h"
#include "metrics/report.h"
#include "metrics/report_figures.h"
#include "metrics/report_store.h"
#include "tests/unit/store/fixture.h"

#define HOUR INT64_C(3600000)
#define BEGIN (INT64_C(20000) * REPORT_DAY_MS)

static const struct store_sql put_job = {"INSERT INTO job(id, user, name, vc, state, submitted_ms, created_ms, "
                                         "completed_ms) VALUES(?1, ?2, ?3, ?4, 32, ?5, ?5,"
                                         " ?6)"};
static const struct store_sql put_attempt = {
    "INSERT INTO job_attempt(job_id, attempt, state, created_ms, launched_ms, completed_ms, exit_code)"
    " VALUES(?1, 0, 32, ?5, ?5, ?6, length(?2 || ?3 || ?4) * 0)"};
static const struct store_sql put_task = {
    "INSERT INTO task_attempt(id, job_id, job_attempt, role, task_index, attempt, state, node, gpus, created_ms,"
    " completed_ms, exit_code) VALUES('t' || ?1, ?1, 0, 'main', 0, 0, 32, substr(?2 || ?3 || ?4, 1, 60), '[0,1]', ?5, "
    "?6,"
    " 0)"};

static void put(struct fixture *f, const char *const names[4], int64_t begin, int64_t end)
{
    const struct store_sql *const all[] = {&put_job, &put_attempt, &put_task};

    for (int i = 0; i < 3; i++) {
        struct stmt *st = store_stmt(f->writer, all[i], &f->e);

        for (int k = 0; k < 4; k++)
            stmt_text(st, k + 1, names[k]);
        stmt_int(st, 5, begin);
        stmt_int(st, 6, end);
        if (stmt_exec(st, &f->e))
            fail_msg("%s", f->e.text);
    }
}

/* The page of what is in the database, or its text. */
static char *page_of(struct fixture *f, bool html, size_t rows_max)
{
    const struct report_range range = {.from_ms = BEGIN,
                                       .to_ms = BEGIN + 7 * REPORT_DAY_MS,
                                       .now_ms = BEGIN + 7 * REPORT_DAY_MS,
                                       .by = 1u << REPORT_VC | 1u << REPORT_NODE};
    const struct report_whose whose = {0};
    const struct report_page_asked asked = {
        .range = &range, .whose = &whose, .whose_text = "everybody's", .rows_max = rows_max};
    struct report_page *p = report_page_read(f->writer, &asked, &f->e);
    struct buf out;

    if (!p)
        fail_msg("%s", f->e.text);
    buf_init(&out, 0);
    assert_int_equal(html ? report_page_html(p, &out) : report_page_text(p, &out), 0);
    report_page_destroy(p);
    return buf_take(&out, NULL);
}

static int times(const char *text, const char *what)
{
    int n = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        n++;
    return n;
}

static void fill(struct fixture *f)
{
    assert_int_equal(store_begin(f->writer, &f->e), 0);
    put(f, (const char *[]){"1", "ana", "train", "vision"}, BEGIN + HOUR, BEGIN + 5 * HOUR);
    put(f, (const char *[]){"2", "bo", "tune", "speech"}, BEGIN + 47 * HOUR, BEGIN + 50 * HOUR);
    assert_int_equal(store_commit(f->writer, &f->e), 0);
}

static void the_page_tells_it_all(void **ctx)
{
    static const char *const once[] = {"<!doctype html>",
                                       "<title>GPU report, ",
                                       "<svg class=\"days\"",
                                       "<svg class=\"bar\"",
                                       "<footer>",
                                       "@media print",
                                       "</html>",
                                       "In detail",
                                       "Drover, 2024-10-04 00:00 to 2024-10-11 00:00 UTC, everybody&#39;s",
                                       "<dt>GPU hours</dt><dd>14.0</dd>",
                                       "<dt>Success rate</dt><dd>100.0 %</dd>",
                                       "2024-10-04: 8.0 GPU hours",
                                       "2024-10-05: 2.0 GPU hours",
                                       "2024-10-06: 4.0 GPU hours",
                                       "2024-10-07: 0.0 GPU hours"};
    struct fixture *f = *ctx;

    fill(f);
    char *page = page_of(f, true, 100);
    for (size_t i = 0; i < sizeof(once) / sizeof(*once); i++)
        if (times(page, once[i]) != 1)
            fail_msg("%d times: %s", times(page, once[i]), once[i]);
    assert_int_equal(times(page, "<table>"), 3);
    assert_int_equal(times(page, "<table>"), times(page, "</table>"));
    assert_int_equal(times(page, "<tr>"), times(page, "</tr>"));
    assert_int_equal(times(page, "<svg"), times(page, "</svg>"));
    for (int i = 0; i < REPORT_FIGURES; i++)
        assert_non_null(strstr(page, report_figure_info((enum report_figure)i)->formula));
    free(page);
    page = page_of(f, true, 1);
    assert_non_null(strstr(page, "The 1 with the most GPU hours, of 4."));
    free(page);
}

/* Nothing in it that would run, or ask for anything; no markup but its own. */
static void hostile_names_are_only_text(void **ctx)
{
    static const char *const bad[] = {"<script>alert(1)</script>",
                                      "\"><img src=x onerror=alert(1)>",
                                      "' onload='x",
                                      "</style><b>",
                                      "\xe2\x80\xae"
                                      "gnp.exe",
                                      "a\x1b]0;x\x07"
                                      "b",
                                      "=HYPERLINK(1)",
                                      "&lt;b&gt;",
                                      "\xff\xfe"};
    struct fixture *f = *ctx;
    const size_t count = sizeof(bad) / sizeof(*bad);
    char id[16];

    char *plain = page_of(f, true, 100);
    const int marks = times(plain, "<");
    free(plain);
    assert_int_equal(store_begin(f->writer, &f->e), 0);
    for (size_t i = 0; i + 1 < count; i++) { /* the last is no text for a database, and html_put's below */
        (void)snprintf(id, sizeof(id), "%zu", i);
        put(f, (const char *[]){id, bad[i], bad[(i + 1) % (count - 1)], bad[(i + 2) % (count - 1)]},
            BEGIN + (int64_t)i * HOUR, BEGIN + (int64_t)(i + 3) * HOUR);
    }
    assert_int_equal(store_commit(f->writer, &f->e), 0);
    char *page = page_of(f, true, 100), *text = page_of(f, false, 100);
    assert_true(times(page, "<") > marks);
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "<img"));
    assert_null(strstr(page, "<b>"));
    assert_null(strstr(page, "href"));
    assert_null(strstr(page, " style="));
    assert_null(strstr(page, "url("));
    assert_null(strstr(page, "onload='"));
    assert_null(strstr(page, "\xe2\x80\xae"));
    assert_null(strchr(page, '\x1b'));
    assert_null(strchr(page, '\x07'));
    assert_int_equal(times(page, "<style>"), 1);
    assert_int_equal(times(page, "</style>"), 1);
    assert_non_null(strstr(page, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    assert_non_null(strstr(page, "&amp;lt;b&amp;gt;"));
    assert_non_null(strstr(page, "&lt;U+202E&gt;gnp.exe"));
    assert_null(strchr(text, '\x1b'));
    assert_null(strstr(text, "\xe2\x80\xae"));
    free(page);
    free(text);
    struct buf out;
    buf_init(&out, 0);
    html_put(&out, bad[count - 1]);
    html_put(&out, NULL);
    assert_null(strchr(buf_str(&out), '\xff'));
    buf_fini(&out);
}

/* The policy names the one style sheet, by its hash; the page says the same of itself where it was saved. */
static void the_policy_allows_the_style_and_nothing_else(void **ctx)
{
    struct fixture *f = *ctx;
    char policy[REPORT_PAGE_POLICY_SIZE], source[128];
    char *page = page_of(f, true, 1);

    report_page_policy(policy);
    assert_non_null(strstr(policy, "default-src 'none'; style-src 'sha256-"));
    assert_non_null(strstr(policy, "frame-ancestors 'none'"));
    assert_null(strstr(policy, "unsafe"));
    assert_null(strstr(policy, "script-src"));
    const char *begin = strstr(policy, "style-src");
    (void)snprintf(source, sizeof(source), "%.*s", (int)strcspn(begin, ";"), begin);
    assert_non_null(strstr(page, source));
    free(page);
}

static void the_text_tells_the_same_in_short(void **ctx)
{
    struct fixture *f = *ctx;

    fill(f);
    char *text = page_of(f, false, 100);
    assert_non_null(strstr(text, "GPU report, 2024-10-04 00:00 to 2024-10-11 00:00 UTC"));
    assert_non_null(strstr(text, "       8.0         -  ana~train\n"));
    assert_non_null(strstr(text, "       6.0         -  bo\n"));
    assert_true(strstr(text, "ana~train") < strstr(text, "bo~tune"));
    free(text);
}

static void figures_have_texts(void **ctx)
{
    static const struct {
        enum report_figure f;
        double value;
        const char *text;
    } cases[] = {{REPORT_FIGURE_ALL, 12.345, "12.3"},
                 {REPORT_FIGURE_UTILIZATION, 71.26, "71.3 %"},
                 {REPORT_FIGURE_JOBS, 7, "7"},
                 {REPORT_FIGURE_WAIT_P50, 59.4, "59 s"},
                 {REPORT_FIGURE_WAIT_P50, 61, "1 min"},
                 {REPORT_FIGURE_WAIT_P95, 7260, "2 h 1 min"},
                 {REPORT_FIGURE_MEMORY, 1.25, "1.2 GiB"},
                 {REPORT_FIGURE_ENERGY, 3, "3.0 kWh"},
                 {REPORT_FIGURE_GOODPUT, (double)NAN, "-"}};
    char text[32];

    (void)ctx;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        report_figure_text(cases[i].f, cases[i].value, text);
        assert_string_equal(text, cases[i].text);
    }
    for (int i = 0; i < REPORT_FIGURES; i++)
        assert_int_equal(report_figure_parse(report_figure_info((enum report_figure)i)->name), i);
    assert_int_equal(report_figure_parse("hours"), REPORT_FIGURES);
}

/* A list that gets too long is cut off; the reports that it is chained to are whole. */
static void a_list_may_end(void **ctx)
{
    struct report_range range = {.to_ms = HOUR, .now_ms = HOUR};
    struct report_use u = {.key = {"v", NULL, "j", "n", NULL, NULL}, .gpus = 1, .end_ms = 10};
    struct err e = {0};
    char name[32];
    size_t count;

    (void)ctx;
    struct report *all = report_create(&range, &e);
    range.by = 1u << REPORT_USER;
    struct report *list = report_create(&range, &e);
    report_set_list(list);
    report_chain(all, list);
    assert_true(report_wants(all, REPORT_USER));
    assert_false(report_wants(all, REPORT_NODE));
    u.key[REPORT_USER] = name;
    for (int i = 0; i < REPORT_ROWS_MAX + 5; i++) {
        (void)snprintf(name, sizeof(name), "u%d", i);
        assert_int_equal(report_add_use(all, &u, &e), 0);
    }
    assert_true(report_overflowed(list));
    assert_false(report_overflowed(all));
    (void)report_rows(list, &count);
    assert_int_equal(count, REPORT_ROWS_MAX);
    assert_int_equal(report_total(all)->task_ms, 10 * (REPORT_ROWS_MAX + 5));
    report_destroy(list);
    report_destroy(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_page_tells_it_all, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(hostile_names_are_only_text, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(the_policy_allows_the_style_and_nothing_else, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(the_text_tells_the_same_in_short, fixture_setup, fixture_teardown),
        cmocka_unit_test(figures_have_texts),
        cmocka_unit_test(a_list_may_end),
    };

    return cmocka_run_group_tests_name("report_page", tests, NULL, NULL);
}
