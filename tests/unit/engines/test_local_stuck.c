/* SPDX-License-Identifier: MIT
 *
 * Processes that do not die keep their GPUs out of use, until they are gone; over a restart of the engine, too. That a
 * kill does nothing is feigned (base/failpoint.h): what hangs in the kernel cannot be had everywhere.
 */
#include "rig.h"

#include <fcntl.h>
#include <signal.h>

#include "engines/local/record.h"

#ifdef DROVER_FAILPOINTS

static char folder[] = "/tmp/drover-points-XXXXXX";
static char guard[sizeof(folder) + 16];

static int setup(void **state)
{
    struct rig *r;

    if (rig_setup(state))
        return -1;
    /* Only a level without namespaces lets a process outlive its keeper. */
    r = *state;
    rig_stop(r);
    r->isolation = "rlimits";
    r->stuck_ms = 100;
    rig_engine(r);
    rig_start(r);
    return 0;
}

static int teardown(void **state)
{
    (void)unlink(guard);
    return rig_teardown(state);
}

/* Until the engine says so of that many GPUs. */
static void wait_for_quarantined(struct rig *r, int count)
{
    struct timespec till;
    int now;

    (void)clock_gettime(CLOCK_MONOTONIC, &till);
    till.tv_sec += 60;
    (void)pthread_mutex_lock(&r->lock);
    do {
        now = 0;
        for (int i = 0; i < r->node.gpu_count; i++)
            now += r->node.gpus[i].quarantined;
    } while ((now != count || r->node.gpu_count == 0) && pthread_cond_timedwait(&r->changed, &r->lock, &till) == 0);
    (void)pthread_mutex_unlock(&r->lock);
    assert_int_equal(now, count);
}

/* One with GPUs, told of how it fares. */
static void launch(struct rig *r, char id[ID_SIZE], int gpus, const char *script)
{
    struct engine_order *o;

    id_make(clock_read().wall, id);
    o = rig_order(ENGINE_LAUNCH, id, script);
    o->launch->gpu_count = gpus;
    rig_give(r, o);
}

static void test_quarantine_begins_and_ends(void **state)
{
    struct rig *r = *state;
    char id[ID_SIZE], other[ID_SIZE], *text;
    struct record rec;
    size_t len;

    launch(r, id, 2, "(setsid sleep 1000 &); echo ready; sleep 1000; :");
    rig_wait_file(r, id, "stdout", 6);
    (void)rig_wait(r, ENGINE_STARTED, id);
    text = rig_file(r, id, "shim", &len);
    assert_int_equal(record_parse(text, len, &rec), 0);
    free(text);
    (void)close(open(guard, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    /* With the shim its keeper and its command end; what the command started in a session of its own does not. */
    assert_int_equal(kill((pid_t)rec.pid, SIGKILL), 0);
    assert_non_null(strstr(rig_wait(r, ENGINE_LOST, id).message, "cannot be killed"));
    wait_for_quarantined(r, 2);
    launch(r, other, 3, "exit 0");
    assert_int_equal(rig_wait_end(r, other).kind, ENGINE_REFUSED);
    /* A new engine knows of it before it is asked for anything. */
    rig_stop(r);
    memset(&r->node, 0, sizeof(r->node));
    rig_engine(r);
    rig_start(r);
    wait_for_quarantined(r, 2);
    /* Now it dies. */
    (void)unlink(guard);
    wait_for_quarantined(r, 0);
    launch(r, other, 4, "exit 7");
    assert_int_equal(rig_wait(r, ENGINE_EXITED, other).code, 7);
    /* And that is remembered as well. */
    rig_stop(r);
    memset(&r->node, 0, sizeof(r->node));
    (void)close(open(guard, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    rig_engine(r);
    rig_start(r);
    wait_for_quarantined(r, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_quarantine_begins_and_ends, setup, teardown)};
    int rc;

    if (!mkdtemp(folder) || setenv("DROVER_FAILPOINTS", folder, 1))
        return 1;
    (void)snprintf(guard, sizeof(guard), "%s/no-kill", folder);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    (void)rmdir(folder);
    return rc;
}

#else

int main(void)
{
    return 0;
}

#endif
