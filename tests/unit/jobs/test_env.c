/* SPDX-License-Identifier: MIT
 *
 * The environment of a task, compared whole with what OpenPAI documents.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "jobs/env.h"
#include "tests/unit/jobs/fixture.h"

static const char text[] =
    FIXTURE_HEAD "defaults: {virtualCluster: vc1}\n"
                 "taskRoles:\n"
                 "  ps: {dockerImage: i, resourcePerInstance: {cpu: 2, memoryMB: 300, gpu: 0}, commands: [a],"
                 " extraContainerOptions: {shmMB: 64}}\n"
                 "  Work_er: {instances: 2, completion: {minFailedInstances: -1, minSucceededInstances: 1},"
                 " dockerImage: i, resourcePerInstance: {cpu: 1, memoryMB: 100, gpu: 4, ports: {ring: 2}},"
                 " commands: [b]}\n";

static const char *address(void *ctx, const char *node)
{
    (void)ctx;
    return !strcmp(node, "n1") ? "10.0.0.1" : "10.0.0.2";
}

static void place(struct task *t, const char *node, int first_port)
{
    t->node = node;
    for (int i = 0; i < t->role->port_total; i++)
        t->ports[i] = first_port + i;
}

static struct job *placed(void)
{
    struct job *j = fixture_job(text);

    place(&j->tasks[0], "n1", 20000);
    place(&j->tasks[1], "n1", 20100);
    place(&j->tasks[2], "n2", 20200);
    return j;
}

static void assert_env(const struct task *t, const char *const *want)
{
    struct arena *a = arena_create(0);
    size_t count = 0;
    const char *const *have = env_build(a, t, address, NULL, &count);

    assert_non_null(have);
    for (size_t i = 0; want[i] || i < count; i++) {
        if (i >= count || !want[i])
            fail_msg("%zu: have %s, want %s", i, i < count ? have[i] : "(end)", want[i] ? want[i] : "(end)");
        assert_string_equal(have[i], want[i]);
    }
    assert_null(have[count]);
    arena_destroy(a);
}

#define JOB_AND_ROLES                                                                                                  \
    "PAI_JOB_NAME=alice~j", "PAI_FRAMEWORK_NAME=alice~j", "PAI_USER_NAME=alice", "PAI_USERNAME=alice",                 \
        "PAI_VIRTUAL_CLUSTER=vc1", "PAI_DEFAULT_FS_URI=", "PAI_JOB_TASK_COUNT=3", "PAI_TASKS_NUM=3",                   \
        "PAI_JOB_TASK_ROLE_COUNT=2", "PAI_TASK_ROLES_NUM=2", "PAI_TASK_ROLE_COUNT=2", "PAI_TASK_ROLE_LIST=ps,Work_er", \
        "PAI_JOB_TASK_ROLE_LIST=ps,Work_er", "PAI_TASK_ROLE_INSTANCES=ps:0,Work_er:0,Work_er:1",                       \
        "PAI_TASK_ROLE_TASK_COUNT_ps=1", "PAI_RESOURCE_ps=0,2,300,64", "PAI_MIN_FAILED_TASK_COUNT_ps=1",               \
        "PAI_MIN_SUCCEEDED_TASK_COUNT_ps=1", "PAI_TASK_ROLE_ps_HOST_LIST=10.0.0.1:20001",                              \
        "PAI_TASK_ROLE_TASK_COUNT_Work_er=2", "PAI_RESOURCE_Work_er=4,1,100,512",                                      \
        "PAI_MIN_FAILED_TASK_COUNT_Work_er=-1", "PAI_MIN_SUCCEEDED_TASK_COUNT_Work_er=1"

static void a_task_of_three(void **state)
{
    static const char *const want[] = {JOB_AND_ROLES,
                                       "PAI_TASK_ROLE_Work_er_HOST_LIST=10.0.0.1:20101,10.0.0.2:20201",
                                       "PAI_HOST_IP_ps_0=10.0.0.1",
                                       "PAI_PORT_LIST_ps_0_ssh=20000",
                                       "PAI_ps_0_ssh_PORT=20000",
                                       "PAI_PORT_LIST_ps_0_http=20001",
                                       "PAI_ps_0_http_PORT=20001",
                                       "PAI_HOST_IP_Work_er_0=10.0.0.1",
                                       "PAI_PORT_LIST_Work_er_0_ssh=20100",
                                       "PAI_Work_er_0_ssh_PORT=20100",
                                       "PAI_PORT_LIST_Work_er_0_http=20101",
                                       "PAI_Work_er_0_http_PORT=20101",
                                       "PAI_PORT_LIST_Work_er_0_ring=20102,20103",
                                       "PAI_Work_er_0_ring_PORT=20102,20103",
                                       "PAI_HOST_IP_Work_er_1=10.0.0.2",
                                       "PAI_PORT_LIST_Work_er_1_ssh=20200",
                                       "PAI_Work_er_1_ssh_PORT=20200",
                                       "PAI_PORT_LIST_Work_er_1_http=20201",
                                       "PAI_Work_er_1_http_PORT=20201",
                                       "PAI_PORT_LIST_Work_er_1_ring=20202,20203",
                                       "PAI_Work_er_1_ring_PORT=20202,20203",
                                       "PAI_CURRENT_TASK_ROLE_NAME=Work_er",
                                       "PAI_CURRENT_TASK_ROLE_CURRENT_TASK_INDEX=1",
                                       "PAI_TASK_INDEX=1",
                                       "PAI_CURRENT_CONTAINER_IP=10.0.0.2",
                                       "PAI_CURRENT_CONTAINER_PORT=20201",
                                       "PAI_CONTAINER_HOST_IP=10.0.0.2",
                                       "PAI_CONTAINER_HOST_PORT=20201",
                                       "PAI_CONTAINER_SSH_PORT=20200",
                                       "PAI_CONTAINER_HOST_PORT_LIST=ssh:20200,http:20201,ring:20202,ring:20203",
                                       "PAI_CONTAINER_HOST_ssh_PORT_LIST=20200",
                                       "PAI_CONTAINER_HOST_http_PORT_LIST=20201",
                                       "PAI_CONTAINER_HOST_ring_PORT_LIST=20202,20203",
                                       NULL};
    struct job *j = placed();

    (void)state;
    assert_env(&j->tasks[2], want);
    job_destroy(j);
}

/* Without gang, peers may have no place yet; and a task without GPUs sees none. */
static void unplaced_peers_are_left_out(void **state)
{
    static const char *const want[] = {JOB_AND_ROLES,
                                       "PAI_TASK_ROLE_Work_er_HOST_LIST=",
                                       "PAI_HOST_IP_ps_0=10.0.0.1",
                                       "PAI_PORT_LIST_ps_0_ssh=20000",
                                       "PAI_ps_0_ssh_PORT=20000",
                                       "PAI_PORT_LIST_ps_0_http=20001",
                                       "PAI_ps_0_http_PORT=20001",
                                       "PAI_CURRENT_TASK_ROLE_NAME=ps",
                                       "PAI_CURRENT_TASK_ROLE_CURRENT_TASK_INDEX=0",
                                       "PAI_TASK_INDEX=0",
                                       "NVIDIA_VISIBLE_DEVICES=none",
                                       "PAI_CURRENT_CONTAINER_IP=10.0.0.1",
                                       "PAI_CURRENT_CONTAINER_PORT=20001",
                                       "PAI_CONTAINER_HOST_IP=10.0.0.1",
                                       "PAI_CONTAINER_HOST_PORT=20001",
                                       "PAI_CONTAINER_SSH_PORT=20000",
                                       "PAI_CONTAINER_HOST_PORT_LIST=ssh:20000,http:20001",
                                       "PAI_CONTAINER_HOST_ssh_PORT_LIST=20000",
                                       "PAI_CONTAINER_HOST_http_PORT_LIST=20001",
                                       NULL};
    struct job *j = fixture_job(text);

    (void)state;
    place(&j->tasks[0], "n1", 20000);
    assert_env(&j->tasks[0], want);
    job_destroy(j);
}

/* The kernel takes neither millions of variables nor one of more than 128 KiB. */
static void a_large_job_stays_startable(void **state)
{
    struct job *j = fixture_job(FIXTURE_HEAD "taskRoles: {w: {instances: 10000, dockerImage: i,"
                                             " resourcePerInstance: {cpu: 1, memoryMB: 1, gpu: 0}, commands: [c]}}\n");
    struct arena *a = arena_create(0);
    size_t count = 0, bytes = 0, own = 0;
    const char *const *env;

    (void)state;
    for (int i = 0; i < 10000; i++)
        place(&j->tasks[i], "n2", 15000);
    env = env_build(a, &j->tasks[7777], address, NULL, &count);
    assert_non_null(env);
    for (size_t i = 0; i < count; i++) {
        assert_true(strlen(env[i]) < 128 * 1024 - 1);
        bytes += strlen(env[i]) + 1;
        own += !strcmp(env[i], "PAI_HOST_IP_w_7777=10.0.0.2");
        assert_null(strstr(env[i], "_w_7776"));
    }
    assert_int_equal(own, 1);
    assert_true(count < 4000 && bytes < 1024 * 1024);
    arena_destroy(a);
    job_destroy(j);
}

static void out_of_memory(void **state)
{
    struct job *j = placed();
    struct arena *a = arena_create(512);
    size_t count = 0;

    (void)state;
    assert_null(env_build(a, &j->tasks[0], address, NULL, &count));
    arena_destroy(a);
    job_destroy(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_task_of_three),
        cmocka_unit_test(unplaced_peers_are_left_out),
        cmocka_unit_test(a_large_job_stays_startable),
        cmocka_unit_test(out_of_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
