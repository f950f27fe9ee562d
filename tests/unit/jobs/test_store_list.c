/* SPDX-License-Identifier: MIT
 *
 * The list of jobs: random filters, orders and pages against a plain loop over the same jobs; and that the common
 * filters are answered from an index.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "jobs/jobs_store_list.h"
#include "jobs/jobs_write.h"
#include "store/store_internal.h" /* to ask SQLite for its plans */
#include "tests/unit/jobs/store_fixture.h"

#define JOBS 300
#define ROUNDS 1500
#define TAGS 3

struct sample {
    char id[ID_SIZE], name[32];
    struct job_row row;
    unsigned tags; /* bits of tag_names */
};

static const char *const user_names[] = {"alice", "bob", "car_l", "100%"};
static const char *const vc_names[] = {"default", "vc1", "Research"};
static const char *const classes[] = {"oppo", "test", "prod", NULL};
static const int class_values[] = {-1, 10, 100, 10};
static const char *const tag_names[TAGS] = {"red", "green", "blue"};
static const enum run_state states[] = {STATE_WAITING,  STATE_STARTING,  STATE_RUNNING, STATE_COMPLETING,
                                        STATE_STOPPING, STATE_SUCCEEDED, STATE_FAILED,  STATE_STOPPED};

static struct store_fixture db;
static struct sample samples[JOBS];
static uint64_t seed = 4242;

static uint32_t roll(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

static int make_sample(struct sample *s, int i)
{
    uint32_t class = roll(4);
    struct err e = {0};

    (void)snprintf(s->id, sizeof(s->id), "01890000-0000-7000-8000-%012u", roll(1000000000));
    (void)snprintf(s->name, sizeof(s->name), "%s%d", roll(2) ? "Train_" : "eval-", i);
    s->tags = roll(8);
    s->row = (struct job_row){.seq = i + 1,
                              .id = s->id,
                              .user = user_names[roll(4)],
                              .name = s->name,
                              .vc = vc_names[roll(3)],
                              .priority = class_values[class],
                              .priority_class = classes[class],
                              .state = states[roll(8)],
                              .submitted_ms = 1000 + i / 3, /* several in one millisecond */
                              .created_ms = 1,
                              .retries_user = (int)roll(3),
                              .retries_platform = (int)roll(3),
                              .total_gpus = roll(9),
                              .total_tasks = (int)roll(5)};
    if ((unsigned)s->row.state & STATE_FINAL)
        s->row.completed_ms = 2000 + roll(50);
    if (jobs_store_insert_job(db.writer, &s->row, &e))
        return -1;
    s->row.archived = ((unsigned)s->row.state & STATE_FINAL) && roll(3) == 0;
    if (s->row.archived) {
        struct jobs_archive put_away = {.job = s->id, .by = s->row.user};

        if (jobs_write_archive(db.writer, &put_away, (struct clock_now){.wall = 1}, &e))
            return -1;
    }
    for (int t = 0; t < TAGS; t++)
        if ((s->tags >> t & 1) && jobs_store_tag(db.writer, s->id, tag_names[t], false, &e))
            return -1;
    return 0;
}

static int set_up(void **state)
{
    struct err e = {0};

    (void)state;
    if (store_fixture_open(&db) || store_begin(db.writer, &e))
        return -1;
    for (int i = 0; i < JOBS; i++)
        if (make_sample(&samples[i], i))
            return -1;
    return store_commit(db.writer, &e);
}

static int tear_down(void **state)
{
    (void)state;
    store_fixture_close(&db);
    return 0;
}

/* ---- the same in plain C ---- */

static bool among(const char *value, const struct job_values *v)
{
    for (size_t i = 0; i < v->count; i++)
        if (value && !strcmp(value, v->list[i]))
            return true;
    return false;
}

static bool has_tag(const struct sample *s, const struct job_values *v)
{
    for (int t = 0; t < TAGS; t++)
        if ((s->tags >> t & 1) && among(tag_names[t], v))
            return true;
    return false;
}

static bool contains(const char *text, const char *word)
{
    return strcasestr(text, word) != NULL;
}

static bool matches_values(const struct sample *s, const struct job_filter *f)
{
    const struct job_row *r = &s->row;

    if (f->users.count && !among(r->user, &f->users))
        return false;
    if (f->vcs.count && !among(r->vc, &f->vcs))
        return false;
    if (f->states && !(f->states & (unsigned)r->state))
        return false;
    return (!f->tags_any.count || has_tag(s, &f->tags_any)) && !has_tag(s, &f->tags_none);
}

static bool matches(const struct sample *s, const struct job_filter *f)
{
    const struct job_row *r = &s->row;
    bool any_class = f->priorities.count || f->priority_default;

    if (r->archived != f->archived)
        return false;
    if (any_class && !among(r->priority_class, &f->priorities) && !(f->priority_default && !r->priority_class))
        return false;
    if (f->keyword && !contains(r->name, f->keyword) && !contains(r->user, f->keyword) && !contains(r->vc, f->keyword))
        return false;
    return matches_values(s, f);
}

static int64_t number(const struct job_row *r, enum job_order order)
{
    switch (order) {
    case JOB_ORDER_SUBMITTED:
        return r->submitted_ms;
    case JOB_ORDER_RETRIES:
        return r->retries_user + r->retries_platform + r->retries_resource;
    case JOB_ORDER_TASKS:
        return r->total_tasks;
    case JOB_ORDER_GPUS:
        return r->total_gpus;
    case JOB_ORDER_STATE:
        return r->state;
    case JOB_ORDER_COMPLETED:
        return r->completed_ms ? r->completed_ms : INT64_MAX;
    default:
        return r->priority_class ? r->priority : INT64_MAX;
    }
}

static const char *text_key(const struct job_row *r, enum job_order order)
{
    return order == JOB_ORDER_NAME ? r->name : order == JOB_ORDER_USER ? r->user : order == JOB_ORDER_VC ? r->vc : NULL;
}

/* Below 0 when a stands before b, ascending. */
static int64_t before(const struct job_row *a, const struct job_row *b, enum job_order order)
{
    const char *ta = text_key(a, order), *tb = text_key(b, order);
    int64_t na, nb;

    if (ta) {
        int rc = strcmp(ta, tb);

        return rc ? rc : a->seq - b->seq;
    }
    na = number(a, order);
    nb = number(b, order);
    return na < nb ? -1 : na > nb ? 1 : a->seq - b->seq;
}

/* The seqs that the page must have; the number of them. */
static size_t expected(const struct job_filter *f, int64_t out[JOBS], int64_t *total)
{
    const struct job_row *rows[JOBS];
    size_t n = 0, count = 0;

    for (int i = 0; i < JOBS; i++)
        if (matches(&samples[i], f)) {
            size_t k = n++;

            for (; k > 0; k--) {
                int64_t order = before(&samples[i].row, rows[k - 1], f->order);

                if (f->descending ? order < 0 : order > 0)
                    break;
                rows[k] = rows[k - 1];
            }
            rows[k] = &samples[i].row;
        }
    *total = (int64_t)n;
    for (size_t i = (size_t)f->offset; i < n && count < (size_t)f->limit; i++)
        out[count++] = rows[i]->seq;
    return count;
}

/* ---- comparing ---- */

struct page {
    int64_t seqs[JOBS];
    size_t count;
};

static int note(void *ctx, const struct job_row *row)
{
    struct page *p = ctx;
    const struct sample *s = &samples[row->seq - 1];

    assert_true(p->count < JOBS);
    assert_string_equal(row->id, s->id);
    assert_string_equal(row->name, s->name);
    assert_int_equal(row->total_gpus, s->row.total_gpus);
    assert_int_equal(row->archived, s->row.archived);
    assert_null(row->config);
    assert_null(row->detail);
    p->seqs[p->count++] = row->seq;
    return 0;
}

static struct job_values some(const char *const *from, uint32_t room, const char **list)
{
    struct job_values v = {.list = list};
    uint32_t n = roll(3);

    for (uint32_t i = 0; i < n; i++) {
        const char *pick = from[roll(room)];

        list[v.count] = pick ? pick : "nothing";
        v.count++;
    }
    return v;
}

static void random_filters(void **state)
{
    static const char *const keywords[] = {"train", "TRAIN_", "1", "_", "%", "default", "car_l", "\\", "'", "zzz"};

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        const char *lists[5][4];
        int64_t want[JOBS], total = -1, want_total = 0;
        struct job_filter f = {.order = (enum job_order)roll(JOB_ORDER_COUNT),
                               .descending = roll(2),
                               .offset = roll(2) ? roll(40) : 0,
                               .limit = roll(60),
                               .total = &total};
        struct page page = {.count = 0};
        struct err e = {0};
        size_t count;

        if (roll(3) == 0)
            f.users = some(user_names, 4, lists[0]);
        if (roll(3) == 0)
            f.vcs = some(vc_names, 3, lists[1]);
        if (roll(3) == 0)
            f.priorities = some(classes, 4, lists[2]);
        if (roll(3) == 0)
            f.tags_any = some(tag_names, TAGS, lists[3]);
        if (roll(3) == 0)
            f.tags_none = some(tag_names, TAGS, lists[4]);
        f.priority_default = roll(5) == 0;
        f.archived = roll(4) == 0;
        f.states = roll(2) ? roll(256) : 0;
        f.keyword = roll(4) ? NULL : keywords[roll(sizeof(keywords) / sizeof(keywords[0]))];
        count = expected(&f, want, &want_total);
        if (jobs_store_list(db.reader, &f, note, &page, &e))
            fail_msg("%s", e.text);
        assert_int_equal(total, want_total);
        assert_int_equal(page.count, count);
        for (size_t i = 0; i < count; i++)
            if (page.seqs[i] != want[i])
                fail_msg("round %d, order %d%s: row %zu is %lld, not %lld", round, f.order, f.descending ? " desc" : "",
                         i, (long long)page.seqs[i], (long long)want[i]);
    }
}

/* Page by page behind the last job of the page before: all of them, once, in order. */
static void cursors_walk_each_fixed_order(void **state)
{
    int fixed = 0;

    (void)state;
    for (int i = 0; i < 2 * JOB_ORDER_COUNT; i++) {
        struct job_filter all = {.order = (enum job_order)(i / 2), .descending = i % 2, .limit = JOBS};
        struct job_filter f = all;
        int64_t want[JOBS], total;
        struct page page = {.count = 0};
        struct err e = {0};
        size_t before = 1;

        if (!jobs_store_order_is_fixed(all.order))
            continue;
        fixed++;
        size_t count = expected(&all, want, &total);
        f.limit = 7;
        while (page.count != before) {
            before = page.count;
            assert_int_equal(jobs_store_list(db.reader, &f, note, &page, &e), 0);
            if (page.count)
                f.after = page.seqs[page.count - 1];
        }
        assert_int_equal(page.count, count);
        assert_memory_equal(page.seqs, want, count * sizeof(want[0]));
    }
    assert_int_equal(fixed, 2 * (JOB_ORDER_COUNT - 3));
}

/* A job may move in these while the list is read. */
static void orders_that_change_take_no_cursor(void **state)
{
    static const enum job_order moving[] = {JOB_ORDER_RETRIES, JOB_ORDER_STATE, JOB_ORDER_COMPLETED};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct job_filter f = {.order = moving[i], .limit = 10, .after = 3};
        struct page page = {.count = 0};
        struct err e = {0};

        assert_false(jobs_store_order_is_fixed(moving[i]));
        assert_int_equal(jobs_store_list(db.reader, &f, note, &page, &e), -1);
    }
}

static int stop_at_once(void *ctx, const struct job_row *row)
{
    (void)row;
    ++*(int *)ctx;
    return 9;
}

static void a_callback_ends_the_walk(void **state)
{
    struct job_filter f = {.limit = 10};
    struct err e = {0};
    int rows = 0;

    (void)state;
    assert_int_equal(jobs_store_list(db.reader, &f, stop_at_once, &rows, &e), 9);
    assert_int_equal(rows, 1);
}

static void too_many_values(void **state)
{
    const char *list[600];
    struct job_filter f = {.users = {list, 600}, .limit = 10};
    struct page page = {.count = 0};
    struct err e = {0};

    (void)state;
    for (int i = 0; i < 600; i++)
        list[i] = "u";
    assert_int_equal(jobs_store_list(db.reader, &f, note, &page, &e), -1);
    assert_int_equal(e.code, ERR_INVALID_PARAMETERS);
    f.users.count = JOBS_STORE_LIST_MAX_VALUES;
    assert_int_equal(jobs_store_list(db.reader, &f, note, &page, &e), 0);
}

/* ---- plans ---- */

/* The plan of the list's only cached query, one line a step. */
static void read_plan(struct store *s, struct buf *out)
{
    sqlite3_stmt *st = NULL;
    char *sql;

    assert_non_null(s->query_chain);
    sql = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sqlite3_sql(s->query_chain->raw));
    assert_int_equal(sqlite3_prepare_v2(s->db, sql, -1, &st, NULL), SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW)
        buf_addf(out, "%s\n", (const char *)sqlite3_column_text(st, 3));
    sqlite3_finalize(st);
    sqlite3_free(sql);
}

static void assert_plan(const struct job_filter *f, const char *index)
{
    struct err e = {0};
    struct store *s = store_open(db.path, STORE_READER, &e);
    struct page page = {.count = 0};
    struct buf plan;

    buf_init(&plan, 0);
    assert_non_null(s);
    assert_int_equal(jobs_store_list(s, f, note, &page, &e), 0);
    read_plan(s, &plan);
    if (!strstr(buf_str(&plan), index))
        fail_msg("no %s in\n%s", index, buf_str(&plan));
    /* never all rows into a sorter: only ties of one key are sorted */
    if (strstr(buf_str(&plan), "SCAN j\n"))
        fail_msg("all rows are read:\n%s", buf_str(&plan));
    buf_fini(&plan);
    store_close(s);
}

static void common_filters_use_an_index(void **state)
{
    const char *one[] = {"alice"}, *two[] = {"alice", "bob"}, *vc[] = {"vc1"}, *tag[] = {"red"};
    struct job_filter newest = {.descending = true, .limit = 50}, f;

    (void)state;
    assert_plan(&newest, "job_by_time");
    f = newest;
    f.users = (struct job_values){one, 1};
    assert_plan(&f, "job_by_user");
    f.states = STATE_FAILED;
    assert_plan(&f, "job_by_user");
    f = newest;
    f.users = (struct job_values){two, 2};
    assert_plan(&f, "job_by_user");
    f = newest;
    f.vcs = (struct job_values){vc, 1};
    assert_plan(&f, "job_by_vc");
    f = newest;
    f.states = STATE_FAILED;
    assert_plan(&f, "job_by_state");
    f.states = STATE_WAITING | STATE_STARTING;
    assert_plan(&f, "job_by_state");
    f = newest;
    f.keyword = "x";
    assert_plan(&f, "COVERING INDEX job_by_time");
    f = newest;
    f.tags_any = (struct job_values){tag, 1};
    assert_plan(&f, "job_tag_by_tag");
    f = newest;
    f.descending = false;
    assert_plan(&f, "job_by_time");
    f = newest;
    f.after = 100;
    assert_plan(&f, "job_by_time (submitted_ms<?)");
    f = newest;
    f.archived = true;
    assert_plan(&f, "job_archived");
    f.keyword = "x";
    assert_plan(&f, "COVERING INDEX job_archived");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_filters),
        cmocka_unit_test(cursors_walk_each_fixed_order),
        cmocka_unit_test(orders_that_change_take_no_cursor),
        cmocka_unit_test(a_callback_ends_the_walk),
        cmocka_unit_test(too_many_values),
        cmocka_unit_test(common_filters_use_an_index),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
