/* SPDX-License-Identifier: MIT
 *
 * Answers of a Prometheus about GPUs: units, what is not valid, what is passed over, what is refused.
 */
#include "metrics/prometheus_reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"

static struct prometheus_gpu gpus[NODE_GPU_MAX];

static int read_list(const char *list)
{
    struct buf text;
    struct err e = {0};

    buf_init(&text, 0);
    (void)buf_addf(&text, "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[%s]}}", list);
    const int rc = prometheus_reply_read(buf_str(&text), text.len, "gpu", gpus, &e);
    buf_fini(&text);
    return rc;
}

#define SERIES(name, gpu, more, value)                                                                                 \
    "{\"metric\":{\"__name__\":\"DCGM_FI_DEV_" name "\",\"gpu\":\"" gpu "\"" more "},\"value\":[1.5,\"" value "\"]}"
#define ONE ",\"UUID\":\"GPU-1\",\"modelName\":\"A\\u00e9\""

static void figures_have_our_units(void **state)
{
    (void)state;
    assert_int_equal(
        read_list(SERIES("GPU_UTIL", "1", ONE, "93") "," SERIES("FB_USED", "1", ONE, "1024") "," SERIES(
            "FB_FREE", "1", ONE,
            "80000") "," SERIES("FB_RESERVED", "1", ONE,
                                "896") "," SERIES("POWER_USAGE", "1", ONE,
                                                  "250.1234") "," SERIES("TOTAL_ENERGY_CONSUMPTION", "1", ONE,
                                                                         "12345678901") "," SERIES("XID_ERRORS", "1",
                                                                                                   ONE,
                                                                                                   "79") "," SERIES("ME"
                                                                                                                    "M_"
                                                                                                                    "CO"
                                                                                                                    "PY"
                                                                                                                    "_U"
                                                                                                                    "TI"
                                                                                                                    "L",
                                                                                                                    "1",
                                                                                                                    ONE,
                                                                                                                    "0")),
        1);
    const struct source_sample *s = &gpus[1].sample;
    assert_false(gpus[0].there);
    assert_string_equal(gpus[1].gpu.uuid, "GPU-1");
    assert_string_equal(gpus[1].gpu.model, "A??");
    assert_int_equal(gpus[1].gpu.index, 1);
    assert_int_equal(gpus[1].gpu.memory_mb, 81920);
    assert_int_equal(s->value[SOURCE_BUSY], 93);
    assert_int_equal(s->value[SOURCE_MEMORY_USED], INT64_C(1) << 30);
    assert_int_equal(s->value[SOURCE_MEMORY_TOTAL], INT64_C(81920) << 20);
    assert_int_equal(s->value[SOURCE_POWER], 250123);
    assert_int_equal(s->value[SOURCE_ENERGY], INT64_C(12345678901));
    assert_int_equal(s->value[SOURCE_XID], 79);
    assert_true(source_has(s, SOURCE_MEMORY_BUSY)); /* an idle one is a 0 */
    assert_false(source_has(s, SOURCE_TEMPERATURE));
    assert_false(source_has(s, SOURCE_PROCESSES));
}

static void what_cannot_be_is_not_valid(void **state)
{
    static const char *const lists[] = {SERIES("GPU_UTIL", "0", ONE, "101"),
                                        SERIES("GPU_UTIL", "0", ONE, "-1"),
                                        SERIES("GPU_UTIL", "0", ONE, "NaN"),
                                        SERIES("GPU_UTIL", "0", ONE, "+Inf"),
                                        SERIES("GPU_UTIL", "0", ONE, "5x"),
                                        SERIES("GPU_UTIL", "0", ONE, ""),
                                        SERIES("GPU_UTIL", "0", ONE, "9223372036854775792")};

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        assert_int_equal(read_list(lists[i]), 1);
        assert_int_equal(gpus[0].sample.valid, 0);
    }
}

static void others_are_passed_over(void **state)
{
    (void)state;
    assert_int_equal(
        read_list(SERIES("GPU_UTIL", "64", ONE, "5") "," SERIES("GPU_UTIL", "-1", ONE, "5") "," SERIES(
            "GPU_UTIL", "1x", ONE,
            "5") "," SERIES("GPU_UTILITY", "1", ONE,
                            "5") "," SERIES("GPU_UTIL", "1", ONE ",\"GPU_I_ID\":\"3\"",
                                            "5") ",7,null,{},"
                                                 "{\"metric\":{\"__name__\":\"up\",\"gpu\":\"1\"},\"value\":[1,\"1\"]},"
                                                 "{\"metric\":{\"__name__\":\"DCGM_FI_DEV_GPU_UTIL\",\"gpu\":1},"
                                                 "\"value\":[1,\"1\"]},"
                                                 "{\"metric\":{\"__name__\":\"DCGM_FI_DEV_GPU_UTIL\",\"gpu\":\"1\"},"
                                                 "\"value\":[1,1]}"),
        0);
    assert_int_equal(read_list(""), 0);
    /* of two for one the larger counts, in either order */
    assert_int_equal(read_list(SERIES("GPU_UTIL", "0", ONE, "7") "," SERIES("GPU_UTIL", "0", ONE, "5")), 1);
    assert_int_equal(gpus[0].sample.value[SOURCE_BUSY], 7);
    assert_int_equal(read_list(SERIES("GPU_UTIL", "0", ONE, "5") "," SERIES("GPU_UTIL", "0", ONE, "7")), 1);
    assert_int_equal(gpus[0].sample.value[SOURCE_BUSY], 7);
}

static void what_is_no_answer_is_refused(void **state)
{
    static const char *const texts[] = {"",
                                        "x",
                                        "[]",
                                        "{}",
                                        "{\"status\":\"error\",\"errorType\":\"bad_data\"}",
                                        "{\"status\":\"success\"}",
                                        "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}",
                                        "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":{}}}"};
    struct err e = {0};

    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(prometheus_reply_read(texts[i], strlen(texts[i]), "gpu", gpus, &e), -1);
    /* two machines under one name */
    assert_int_equal(
        read_list(SERIES("GPU_UTIL", "0", ONE, "5") "," SERIES("GPU_TEMP", "0", ",\"UUID\":\"GPU-2\"", "5")), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_have_our_units), cmocka_unit_test(what_cannot_be_is_not_valid),
        cmocka_unit_test(others_are_passed_over), cmocka_unit_test(what_is_no_answer_is_refused)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
