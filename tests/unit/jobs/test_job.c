/* SPDX-License-Identifier: MIT
 *
 * Live jobs: created whole, put back whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/jobs/fixture.h"

#define TWO_ROLES                                                                                                      \
    FIXTURE_HEAD "taskRoles:\n"                                                                                        \
                 "  ps: {instances: 2, dockerImage: i, resourcePerInstance: {cpu: 1, memoryMB: 1, gpu: 0},"            \
                 " commands: [a]}\n"                                                                                   \
                 "  worker: {instances: 3, dockerImage: i, resourcePerInstance: {cpu: 1, memoryMB: 1, gpu: 2,"         \
                 " ports: {x: 2}}, commands: [b]}\n"

static void assert_fresh(const struct task *t)
{
    assert_int_equal(t->state, STATE_WAITING);
    assert_int_equal(t->claim, CLAIM_NONE);
    assert_int_equal(t->attempt, 0);
    assert_int_equal(t->retries, 0);
    assert_string_equal(t->id, "");
    assert_null(t->node);
    assert_false(t->exit.known);
    for (int g = 0; g < t->role->per_task.gpus; g++)
        assert_int_equal(t->gpus[g], -1);
    for (int p = 0; p < t->role->port_total; p++)
        assert_int_equal(t->ports[p], 0);
}

static void created_whole(void **state)
{
    struct job *j = fixture_job(TWO_ROLES);

    (void)state;
    assert_string_equal(j->full_name, "alice~j");
    assert_string_equal(j->user, "alice");
    assert_int_equal(j->state, STATE_WAITING);
    assert_int_equal(j->spec->total_tasks, 5);
    assert_int_equal(j->spec->total_gpus, 6);
    for (int i = 0; i < 5; i++) {
        const struct task *t = &j->tasks[i];

        assert_fresh(t);
        assert_ptr_equal(t->job, j);
        assert_int_equal(t->role_index, i < 2 ? 0 : 1);
        assert_int_equal(t->index, i < 2 ? i : i - 2);
        assert_ptr_equal(t->role, &j->spec->roles[t->role_index]);
        for (int k = 0; k < i; k++)
            assert_ptr_not_equal(j->tasks[k].ports, t->ports);
    }
    job_destroy(j);
    job_destroy(NULL);
}

static void reset_puts_all_back(void **state)
{
    struct job *j = fixture_job(TWO_ROLES);
    struct task *t = &j->tasks[3];

    (void)state;
    t->state = STATE_FAILED;
    t->claim = CLAIM_CONFIRMED;
    t->attempt = 2;
    t->retries = 2;
    t->node = "n1";
    t->gpus[1] = 5;
    t->ports[3] = 15000;
    t->exit.known = true;
    t->stop_sent = true;
    t->completed_ms = 9;
    snprintf(t->id, sizeof(t->id), "x");
    j->tasks_live = 3;
    job_reset_tasks(j);
    for (int i = 0; i < 5; i++)
        assert_fresh(&j->tasks[i]);
    assert_false(t->stop_sent);
    assert_int_equal(t->completed_ms, 0);
    assert_int_equal(t->index, 1);
    assert_int_equal(j->tasks_live, 0);
    job_destroy(j);
}

static void a_too_long_user_is_refused(void **state)
{
    struct arena *a = arena_create(0);
    struct err e = {0};
    struct spec *s = spec_parse(a, TWO_ROLES, strlen(TWO_ROLES), &e);
    char user[JOB_USER_MAX + 2];

    (void)state;
    memset(user, 'u', sizeof(user));
    user[JOB_USER_MAX + 1] = '\0';
    assert_null(job_create(s, user, "01890000-0000-7000-8000-000000000001"));
    arena_destroy(a);
}

/* 10,000 tasks with all they may have fit an arena of the default size. */
static void the_largest_job_fits(void **state)
{
    static const char text[] =
        FIXTURE_HEAD "taskRoles: {r: {instances: 10000, dockerImage: i, resourcePerInstance: {cpu: 1, memoryMB: 1,"
                     " gpu: 64, ports: {x: 126}}, commands: [c]}}\n";
    struct job *j = fixture_job(text);

    (void)state;
    assert_int_equal(j->tasks[9999].ports[127], 0);
    assert_int_equal(j->tasks[9999].gpus[63], -1);
    job_destroy(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(created_whole),
        cmocka_unit_test(reset_puts_all_back),
        cmocka_unit_test(a_too_long_user_is_refused),
        cmocka_unit_test(the_largest_job_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
