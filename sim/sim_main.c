/* SPDX-License-Identifier: MIT
 *
 * drover-sim: the scheduler without a cluster.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sim/scenario.h"

static int usage(FILE *out, int status)
{
    fputs("usage: drover-sim --scenarios FILE    run black-box scenarios; the last line says how many passed\n", out);
    return status;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    if (argc == 2 && !strcmp(argv[1], "--help"))
        return usage(stdout, 0);
    if (argc != 3 || strcmp(argv[1], "--scenarios") != 0)
        return usage(stderr, 2);
    int failed = scenario_run_file(argv[2], stdout, &e);
    if (failed < 0)
        fprintf(stderr, "drover-sim: %s\n", e.text);
    return failed ? 1 : 0;
}
