/* SPDX-License-Identifier: MIT
 *
 * NVIDIA's GPUs by a stand-in for their library, of today and of old: what is found and read, what is not supported,
 * lost or nonsense, and a driver that hangs.
 */
#include "metrics/nvml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "metrics/nvml_library.h"
#include "metrics/source.h"
#include "metrics/source_thread.h"
#include "scenario.h"

enum { LONG_MS = 60000 * TEST_TIME_SCALE, SHORT_MS = 50 };

/* As the interface is documented, on the machines that we build for. */
_Static_assert(sizeof(struct nvml_memory) == 24 && sizeof(struct nvml_memory_2) == 40, "");
_Static_assert(sizeof(struct nvml_process_1) == 16 && sizeof(struct nvml_process_2) == 24, "");
_Static_assert(sizeof(struct nvml_event) == 32 && offsetof(struct nvml_event, data) == 16, "");
_Static_assert(SOURCE_FIELDS <= 32, "a bit for each");

static const char full[] = "count 2\n"
                           "gpu 0 memory 81920 1024\n"
                           "gpu 0 util 93 41\n"
                           "gpu 0 power 250000\n"
                           "gpu 0 limit 400000\n"
                           "gpu 0 temperature 61\n"
                           "gpu 0 clock 1410 1215\n"
                           "gpu 0 energy 123456789\n"
                           "gpu 0 ecc 4 1\n"
                           "gpu 0 throttle 4\n"
                           "gpu 0 mig 1\n"
                           "gpu 0 rows 1 0\n"
                           "gpu 0 retired 1\n"
                           "gpu 0 process 1234 512\n"
                           "gpu 0 process 77\n"
                           "gpu 1 util 0 0\n";

static struct source_thread *begin(const char *text, struct gpu gpus[NODE_GPU_MAX], int count)
{
    struct err e = {0};

    scenario_set(text);
    struct source_thread *t = source_thread_create(nvml_create(&e), &e);
    assert_non_null(t);
    assert_int_equal(source_thread_find(t, gpus, LONG_MS, &e), count);
    return t;
}

static void read_now(struct source_thread *t, struct source_reading *out, int count)
{
    struct err e = {0};

    assert_int_equal(source_thread_read(t, out, count, LONG_MS, &e), 0);
}

static void gpus_are_described(void **state)
{
    struct gpu gpus[NODE_GPU_MAX];
    struct source_thread *t = begin("count 3\n"
                                    "gpu 0 name NVIDIA A100\x1b[31m\xff\n"
                                    "gpu 1 memory 81920 0\n"
                                    "gpu 2 lost\n",
                                    gpus, 3);

    (void)state;
    assert_string_equal(gpus[0].model, "NVIDIA A100?[31m?");
    assert_string_equal(gpus[1].model, "NVIDIA Fake 1");
    assert_string_equal(gpus[1].uuid, "GPU-00000000-0000-0000-0000-000000000001");
    assert_int_equal(gpus[1].memory_mb, 80 * 1024);
    assert_int_equal(gpus[1].index, 1);
    assert_false(gpus[1].simulated);
    assert_false(gpus[1].quarantined);
    assert_true(gpus[2].quarantined); /* there, but not to be given out */
    source_thread_destroy(t, LONG_MS);
}

static void no_more_than_a_node_may_have(void **state)
{
    struct gpu gpus[NODE_GPU_MAX];
    struct source_thread *t =
        begin("count 79\n"
              "gpu 0 name A name without an end, as long as the library's room for it: "
              "................................................................................\n",
              gpus, NODE_GPU_MAX);

    (void)state;
    assert_int_equal(strlen(gpus[0].model), sizeof gpus[0].model - 1);
    source_thread_destroy(t, LONG_MS);
}

static void no_driver_is_no_gpu(void **state)
{
    struct gpu gpus[NODE_GPU_MAX];
    struct err e = {0};

    (void)state;
    source_thread_destroy(begin("init 9\n", gpus, 0), LONG_MS);
    source_thread_destroy(begin("count 0\n", gpus, 0), LONG_MS);
    scenario_set("init 999\ncount 2\n");
    struct source_thread *t = source_thread_create(nvml_create(&e), &e);
    assert_int_equal(source_thread_find(t, gpus, LONG_MS, &e), -1);
    assert_non_null(strstr(e.text, "999"));
    source_thread_destroy(t, LONG_MS);
}

static void figures_are_read(void **state)
{
    static const struct {
        enum source_field field;
        int64_t value;
        bool young; /* what the old library cannot tell */
    } rows[] = {{SOURCE_BUSY, 93, false},
                {SOURCE_MEMORY_BUSY, 41, false},
                {SOURCE_MEMORY_TOTAL, INT64_C(80) << 30, false},
                {SOURCE_MEMORY_USED, INT64_C(1) << 30, false},
                {SOURCE_POWER, 250000, false},
                {SOURCE_POWER_LIMIT, 400000, false},
                {SOURCE_TEMPERATURE, 61, false},
                {SOURCE_CLOCK, 1410, false},
                {SOURCE_CLOCK_MEMORY, 1215, false},
                {SOURCE_ENERGY, 123456789, true},
                {SOURCE_ECC_CORRECTED, 4, false},
                {SOURCE_ECC_UNCORRECTED, 1, false},
                {SOURCE_THROTTLE, 4, true},
                {SOURCE_XID, 0, false},
                {SOURCE_MIG, 1, true},
                {SOURCE_ROWS_PENDING, 1, false},
                {SOURCE_ROWS_FAILED, 0, true},
                {SOURCE_PROCESSES, 2, false}};
    struct gpu gpus[NODE_GPU_MAX];
    static struct source_reading r[2];
    struct source_thread *t = begin(full, gpus, 2);

    (void)state;
    read_now(t, r, 2);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const bool has = !(rows[i].young && scenario_is_old());
        if (source_has(&r[0].sample, rows[i].field) != has)
            fail_msg("field %d", (int)rows[i].field);
        if (has)
            assert_int_equal(r[0].sample.value[rows[i].field], rows[i].value);
    }
    assert_int_equal(r[0].process_count, 2);
    assert_int_equal(r[0].processes[0].pid, 1234);
    assert_int_equal(r[0].processes[0].memory_used, INT64_C(512) << 20);
    assert_int_equal(r[0].processes[1].pid, 77);
    assert_int_equal(r[0].processes[1].memory_used, -1);
    /* An idle GPU is a 0; what it does not support is not. */
    assert_true(source_has(&r[1].sample, SOURCE_BUSY));
    assert_int_equal(r[1].sample.value[SOURCE_BUSY], 0);
    assert_false(source_has(&r[1].sample, SOURCE_POWER));
    source_thread_destroy(t, LONG_MS);
}

static void nonsense_is_not_valid(void **state)
{
    struct gpu gpus[NODE_GPU_MAX];
    static struct source_reading r[1];
    struct source_thread *t = begin("count 1\n"
                                    "gpu 0 util 101 4000000000\n"
                                    "gpu 0 memory 10 11\n"
                                    "gpu 0 temperature 4294967295\n"
                                    "gpu 0 ecc 18446744073709551615 0\n"
                                    "gpu 0 mig 2\n"
                                    "gpu 0 processes 4000000000\n",
                                    gpus, 1);

    (void)state;
    read_now(t, r, 1);
    assert_int_equal(r[0].sample.valid, UINT32_C(1) << SOURCE_ECC_UNCORRECTED | UINT32_C(1) << SOURCE_XID);
    assert_int_equal(r[0].process_count, 0);
    scenario_set("count 1\ngpu 0 processes 500\n"); /* more than there is room for */
    read_now(t, r, 1);
    assert_int_equal(r[0].sample.value[SOURCE_PROCESSES], 500);
    assert_int_equal(r[0].process_count, 0);
    source_thread_destroy(t, LONG_MS);
}

static void errors_and_losses_are_told(void **state)
{
    struct gpu gpus[NODE_GPU_MAX];
    static struct source_reading r[2];
    struct source_thread *t = begin("count 2\ngpu 0 util 5 5\nxid 1 1 31\n", gpus, 2);

    (void)state;
    read_now(t, r, 2);
    assert_int_equal(r[0].sample.value[SOURCE_XID], 0);
    assert_int_equal(r[1].sample.value[SOURCE_XID], 31);
    scenario_set("count 2\ngpu 0 lost\ngpu 1 util 7 7\nxid 1 1 31\nxid 2 1 13\nxid 3 1 43\n");
    read_now(t, r, 2);
    assert_true(r[0].sample.lost);
    assert_int_equal(r[0].sample.valid, 0);
    assert_false(r[1].sample.lost);
    assert_int_equal(r[1].sample.value[SOURCE_BUSY], 7);
    assert_int_equal(r[1].sample.value[SOURCE_XID], 43); /* the last */
    assert_int_equal(r[1].xid_count, 3);
    assert_int_equal(r[1].xids[1], 13);
    assert_int_equal(r[1].xids[2], 43);
    scenario_set("count 2\ngpu 0 util 9 9\nxid 3 1 43\nxid 4 0 79\n");
    read_now(t, r, 2); /* is back; its error came before it was listened for again */
    read_now(t, r, 2);
    assert_false(r[0].sample.lost);
    assert_int_equal(r[0].sample.value[SOURCE_BUSY], 9);
    source_thread_destroy(t, LONG_MS);
}

static void who_asks_does_not_hang(void **state)
{
    struct gpu gpus[NODE_GPU_MAX];
    static struct source_reading r[1];
    struct err e = {0};
    struct source_thread *t = begin("count 1\ngpu 0 util 5 5\n", gpus, 1);

    (void)state;
    scenario_set("hang\ncount 1\n");
    assert_int_equal(source_thread_read(t, r, 1, SHORT_MS, &e), SOURCE_HANGS);
    assert_int_equal(source_thread_read(t, r, 1, SHORT_MS, &e), SOURCE_HANGS);
    scenario_set("count 1\ngpu 0 util 6 6\n");
    read_now(t, r, 1); /* of now, not the answer that came late */
    assert_int_equal(r[0].sample.value[SOURCE_BUSY], 6);
    /* A server that stops, or starts, while it hangs. */
    scenario_set("hang\n");
    assert_int_equal(source_thread_read(t, r, 1, SHORT_MS, &e), SOURCE_HANGS);
    source_thread_destroy(t, SHORT_MS);
    t = source_thread_create(nvml_create(&e), &e);
    assert_int_equal(source_thread_find(t, gpus, SHORT_MS, &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    scenario_set("count 0\n");
    source_thread_destroy(t, LONG_MS);
}

static int run(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpus_are_described),     cmocka_unit_test(no_more_than_a_node_may_have),
        cmocka_unit_test(no_driver_is_no_gpu),    cmocka_unit_test(figures_are_read),
        cmocka_unit_test(nonsense_is_not_valid),  cmocka_unit_test(errors_and_losses_are_told),
        cmocka_unit_test(who_asks_does_not_hang),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
    return scenario_main(argc, argv, run);
}
