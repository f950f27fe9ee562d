/* SPDX-License-Identifier: MIT
 *
 * Finding GPUs, against a stand-in library (nvml/fake_nvml.c). The library's path must be known when the program
 * starts, so it starts itself again with it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/err.h"
#include "engines/local/nvml.h"
#include "inventory/node.h"

static void test_gpus_are_described(void **state)
{
    struct node n = {0};
    struct err e = {0};

    (void)state;
    assert_int_equal(nvml_find(&n, &e), 0);
    assert_int_equal(n.gpu_count, 3);
    assert_string_equal(n.gpus[1].model, "NVIDIA Fake 1");
    assert_string_equal(n.gpus[1].uuid, "GPU-00000000-0000-0000-0000-000000000001");
    assert_int_equal(n.gpus[1].memory_mb, 2 * 80 * 1024);
    assert_int_equal(n.gpus[1].index, 1);
    assert_false(n.gpus[1].simulated);
    assert_false(n.gpus[1].quarantined);
    assert_true(n.gpus[2].quarantined); /* there, but not to be given out */
}

static void test_no_driver_is_no_gpu(void **state)
{
    struct node n = {.gpu_count = 7};
    struct err e = {0};

    (void)state;
    assert_int_equal(setenv("FAKE_NVML_INIT", "9", 1), 0);
    assert_int_equal(nvml_find(&n, &e), 0);
    assert_int_equal(n.gpu_count, 0);
    assert_int_equal(setenv("FAKE_NVML_INIT", "999", 1), 0);
    assert_int_equal(nvml_find(&n, &e), -1);
    assert_non_null(strstr(e.text, "999"));
    assert_int_equal(unsetenv("FAKE_NVML_INIT"), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gpus_are_described),
        cmocka_unit_test(test_no_driver_is_no_gpu),
    };

    if (argc == 1) {
        char *again[] = {argv[0], (char *)(uintptr_t) "again", NULL};

        if (setenv("LD_LIBRARY_PATH", FAKE_NVML, 1) == 0)
            (void)execv("/proc/self/exe", again);
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
