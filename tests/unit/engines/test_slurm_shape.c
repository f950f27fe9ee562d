/* SPDX-License-Identifier: MIT
 *
 * The JSON of slurmrestd and ours; Slurm's words for states.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/json.h"
#include "engines/slurm/shape_v38.h"
#include "engines/slurm/states.h"
#include "jobs/exits.h"

#define JOB(id, name, state)                                                                                           \
    "{\"job_id\":" #id ",\"name\":\"" name "\",\"job_state\":\"" state                                                 \
    "\",\"state_reason\":\"None\",\"nodes\":\"n2\","                                                                   \
    "\"node_count\":1,\"exit_code\":768,\"restart_cnt\":0,\"user_name\":\"nobody\",\"required_nodes\":\"n2\","         \
    "\"gres_detail\":[\"gpu:2(IDX:0,3)\"],\"time_limit\":null,\"comment\":\"}]{[\\\"\"}"

static void gpus_are_counted_in_every_form(void **state)
{
    static const struct {
        const char *text;
        int count;
        const char *model;
    } forms[] = {{"", 0, ""},
                 {"gpu:4", 4, ""},
                 {"gpu:a100:8(S:0-1)", 8, "a100"},
                 {"shard:8,gpu:h100:2", 2, "h100"},
                 {"craynetwork:4", 0, ""},
                 {"gpu", 1, ""},
                 {"gpu:a100", 1, ""},
                 {"gpu:9999", NODE_GPU_MAX, ""},
                 {"gpux:3", 0, ""}};
    char model[16];
    (void)state;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        assert_int_equal(shape_v38_gres(forms[i].text, model, sizeof model), forms[i].count);
        assert_string_equal(model, forms[i].model);
    }
}

static void indices_are_read_and_damaged_ones_refused(void **state)
{
    int gpus[NODE_GPU_MAX];
    (void)state;
    assert_int_equal(shape_v38_indices("gpu:a100:4(IDX:0-1,5,7)", gpus), 4);
    assert_int_equal(gpus[1], 1);
    assert_int_equal(gpus[3], 7);
    assert_int_equal(shape_v38_indices("gpu:2", gpus), -1);
    assert_int_equal(shape_v38_indices("gpu:2(IDX:0-", gpus), -1);
    assert_int_equal(shape_v38_indices("gpu:2(IDX:3-1)", gpus), -1);
    assert_int_equal(shape_v38_indices("gpu:2(IDX:0-99999999999)", gpus), -1);
    assert_int_equal(shape_v38_indices("gpu:2(IDX:0-63,0-63)", gpus), -1);
    assert_int_equal(shape_v38_indices("gpu:0(IDX:)", gpus), 0);
}

static void a_reply_is_what_its_numbers_say(void **state)
{
    static const char refused[] =
        "{\"meta\":{},\"errors\":[{\"error_code\":2014,\"error\":\"Requested node configuration"
        " is not available\"}]}";
    static const char held[] = "{\"errors\":[{\"error_code\":2042,\"error\":\"Job is in held state\"}],\"job_id\":19}";
    static const char key[] = "{\"errors\":[{\"description\":\"Unknown key \\\"x\\\"\",\"source\":\"hsearch_r\"},"
                              "{\"error_code\":9001,\"error\":\"Failure during parsing\"}]}";
    struct shape_reply r;
    (void)state;
    shape_v38_reply(refused, strlen(refused), &r);
    assert_true(r.valid);
    assert_int_equal(r.job_id, 0);
    assert_int_equal(r.error, 2014);
    shape_v38_reply(held, strlen(held), &r);
    assert_int_equal(r.job_id, 19);
    shape_v38_reply(key, strlen(key), &r);
    assert_int_equal(r.error, 9001);
    shape_v38_reply("<html>busy</html>", 17, &r);
    assert_false(r.valid);
    shape_v38_reply("{\"errors\":[],\"job_id\":\"7\"}", 25, &r);
    assert_false(r.valid);
}

static void only_the_cluster_s_own_faults_are_faults_of_the_cluster(void **state)
{
    static const char unknown[] =
        "{\"errors\":[{\"error_number\":2017,\"error\":\"Invalid job id specified\"}],\"jobs\":[]}";
    static const char contact[] =
        "{\"errors\":[{\"error_number\":1800,\"error\":\"Unable to contact slurm controller\"}]}";
    static const char token[] = "{\"errors\":[{\"error_number\":-1,\"error\":\"Unspecified error\"}]}";
    (void)state;
    assert_false(shape_v38_down(500, unknown, strlen(unknown)));
    assert_true(shape_v38_down(500, contact, strlen(contact)));
    assert_true(shape_v38_down(500, token, strlen(token)));
    assert_true(shape_v38_down(401, "Authentication failure", 22));
    assert_true(shape_v38_down(502, "<html>", 6));
}

static void a_job_is_read_whole_or_not(void **state)
{
    static const char good[] = "{\"errors\":[],\"jobs\":[" JOB(5, "drover-x", "RUNNING") "]}";
    static const char none[] = "{\"errors\":[],\"jobs\":[]}";
    static const char wrong[] =
        "{\"errors\":[],\"jobs\":[{\"job_id\":\"5\",\"name\":\"x\",\"job_state\":\"RUNNING\"}]}";
    struct shape_job j;
    (void)state;
    assert_int_equal(shape_v38_job(good, strlen(good), &j), 0);
    assert_int_equal(j.id, 5);
    assert_string_equal(j.node, "n2");
    assert_int_equal(j.exit_status, 768);
    assert_int_equal(j.gpu_count, 2);
    assert_int_equal(j.gpus[1], 3);
    assert_int_equal(shape_v38_job(none, strlen(none), &j), -1);
    assert_int_equal(shape_v38_job(wrong, strlen(wrong), &j), -1);
}

static void count_job(void *ctx, const struct shape_job *j)
{
    int64_t *sum = ctx;
    *sum += j->id;
}

/* In pieces of every size. */
static void a_list_is_read_as_it_comes(void **state)
{
    static const char text[] = "{\"meta\":{\"jobs\":[1,2]},\"x\":\"jobs\",\"jobs\":[" JOB(
        5, "drover-x", "RUNNING") ",\n" JOB(7, "other", "PENDING") ",{\"job_id\":\"bad\"}],\"errors\":[]}";
    struct shape_list l;
    (void)state;
    for (size_t piece = 1; piece <= sizeof text - 1; piece++) {
        int64_t sum = 0;
        assert_int_equal(shape_list_init(&l, count_job, &sum), 0);
        for (size_t at = 0; at < sizeof text - 1; at += piece) {
            const size_t left = sizeof text - 1 - at;
            assert_true(shape_list_piece(&l, text + at, left < piece ? left : piece));
        }
        assert_true(shape_list_whole(&l));
        assert_int_equal(sum, 12);
        assert_int_equal(l.read, 2);
        assert_int_equal(l.unread, 1);
        shape_list_fini(&l);
    }
}

static void a_list_that_is_cut_or_none_is_not_whole(void **state)
{
    static const char cut[] = "{\"jobs\":[" JOB(5, "drover-x", "RUNNING") ",";
    static const char *const others[] = {"<html></html>", "[1]", "\"jobs\"", "{\"jobs\":[[1]]}", "{\"errors\":[]}"};
    struct shape_list l;
    int64_t sum = 0;
    (void)state;
    assert_int_equal(shape_list_init(&l, count_job, &sum), 0);
    assert_true(shape_list_piece(&l, cut, strlen(cut)));
    assert_false(shape_list_whole(&l));
    shape_list_fini(&l);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_int_equal(shape_list_init(&l, count_job, &sum), 0);
        assert_false(shape_list_piece(&l, others[i], strlen(others[i])) && shape_list_whole(&l));
        shape_list_fini(&l);
    }
}

static void a_submission_names_what_was_asked(void **state)
{
    static const char *const env[] = {"PATH=/bin", "A=b=\"c\"", "broken", NULL};
    const struct shape_submit s = {.name = "drover-x",
                                   .comment = "c",
                                   .script = "#!/bin/sh\n",
                                   .partition = "drover",
                                   .node = "n2",
                                   .folder = "/",
                                   .env = env,
                                   .cpus = 3,
                                   .memory_mb = 500,
                                   .gpus = 2};
    struct buf out;
    (void)state;
    buf_init(&out, 0);
    assert_int_equal(shape_v38_submit(&out, &s), 0);
    cJSON *o = json_parse(out.data, out.len, 0, NULL);
    assert_non_null(o);
    const cJSON *job = cJSON_GetObjectItem(o, "job");
    assert_string_equal(cJSON_GetObjectItem(job, "node_list")->valuestring, "n2");
    assert_string_equal(cJSON_GetObjectItem(job, "gres")->valuestring, "gpu:2");
    assert_int_equal(cJSON_GetObjectItem(job, "nodes")->valueint, 1);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(job, "no_requeue")));
    assert_null(cJSON_GetObjectItem(job, "requeue"));
    assert_string_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(job, "environment"), "A")->valuestring, "b=\"c\"");
    cJSON_Delete(o);
    buf_fini(&out);
}

struct seen {
    int nodes, mine, up;
    int64_t held_gpus, held_cpus;
};

static void count_node(void *ctx, const struct shape_node *n)
{
    struct seen *s = ctx;
    s->nodes++;
    s->mine += n->mine;
    s->up += n->node.up;
    s->held_gpus += n->held.gpus;
    s->held_cpus += n->held.cpus;
}

static void nodes_are_up_when_slurm_starts_jobs_there(void **state)
{
    static const char text[] =
        "{\"nodes\":[{\"name\":\"n1\",\"address\":\"10.0.0.1\",\"cpus\":32,\"real_memory\":64000,\"gres\":\"gpu:8\","
        "\"state\":\"idle\",\"state_flags\":[],\"partitions\":[\"drover\"],"
        "\"alloc_cpus\":6,\"alloc_memory\":100,\"gres_used\":\"gpu:3\"},"
        "{\"name\":\"n2\",\"cpus\":32,\"real_memory\":64000,\"gres\":\"\",\"state\":\"mixed\",\"state_flags\":["
        "\"DRAIN\"],"
        "\"partitions\":[\"drover\"]},"
        "{\"name\":\"n3\",\"cpus\":32,\"real_memory\":64000,\"state\":\"down\",\"partitions\":[\"other\"]},"
        "{\"name\":\"n4\",\"cpus\":\"many\",\"state\":\"idle\"}],\"errors\":[]}";
    struct seen s = {0};
    (void)state;
    assert_int_equal(shape_v38_nodes(text, strlen(text), "drover", count_node, &s), 1);
    assert_int_equal(s.nodes, 3);
    assert_int_equal(s.mine, 2);
    assert_int_equal(s.up, 1);
    assert_int_equal(s.held_gpus, 3);
    assert_int_equal(s.held_cpus, 6);
    assert_int_equal(shape_v38_nodes("{}", 2, "", count_node, &s), -1);
}

static void every_state_of_slurm_has_a_meaning(void **state)
{
    (void)state;
    for (const struct states_job *s = states_all(); s->word; s++) {
        assert_int_not_equal(s->phase, STATES_UNKNOWN);
        assert_ptr_equal(states_find(s->word), s);
        if (states_exit_code(s->end))
            assert_int_equal(exits_find(states_exit_code(s->end))->code, states_exit_code(s->end));
    }
    assert_int_equal(states_find("BREWING")->phase, STATES_UNKNOWN);
    assert_int_equal(states_find("OUT_OF_MEMORY")->end, STATES_END_OOM);
    assert_int_equal(states_exit_code(STATES_END_TIMEOUT), EXIT_CODE_TIME_LIMIT);
    assert_non_null(states_reason("Resources"));
    assert_null(states_reason("Whim"));
}

static void the_version_is_found_in_a_description(void **state)
{
    static const char escaped[] = "{\"paths\":{\"\\/slurm\\/v0.0.38\\/job\\/submit\":{}}}";
    static const char plain[] = "{\"paths\":{\"/slurm/v0.0.38/job/submit\":{}}}";
    static const char newer[] = "{\"paths\":{\"/slurm/v0.0.39/job/submit\":{}}}";
    (void)state;
    assert_true(shape_v38_offered(escaped, strlen(escaped)));
    assert_true(shape_v38_offered(plain, strlen(plain)));
    assert_false(shape_v38_offered(newer, strlen(newer)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpus_are_counted_in_every_form),
        cmocka_unit_test(indices_are_read_and_damaged_ones_refused),
        cmocka_unit_test(a_reply_is_what_its_numbers_say),
        cmocka_unit_test(only_the_cluster_s_own_faults_are_faults_of_the_cluster),
        cmocka_unit_test(a_job_is_read_whole_or_not),
        cmocka_unit_test(a_list_is_read_as_it_comes),
        cmocka_unit_test(a_list_that_is_cut_or_none_is_not_whole),
        cmocka_unit_test(a_submission_names_what_was_asked),
        cmocka_unit_test(nodes_are_up_when_slurm_starts_jobs_there),
        cmocka_unit_test(every_state_of_slurm_has_a_meaning),
        cmocka_unit_test(the_version_is_found_in_a_description),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
