/* SPDX-License-Identifier: MIT
 *
 * drover-sim: the scheduler without a cluster.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sim/scenario.h"
#include "sim/trace.h"

static int usage(FILE *out, int status)
{
    fputs("usage: drover-sim --scenarios FILE       run black-box scenarios; the last line says how many passed\n"
          "       drover-sim --trace FILE --gpus N  replay a CSV trace under each policy: waits, sharing cost\n",
          out);
    return status;
}

static int run_scenarios(const char *path, struct err *e)
{
    int failed = scenario_run_file(path, stdout, e);
    if (failed < 0)
        fprintf(stderr, "drover-sim: %s\n", e->text);
    return failed ? 1 : 0;
}

static int run_trace(const char *path, const char *gpus, struct err *e)
{
    char *end;
    long n = strtol(gpus, &end, 10);
    if (*end || n < 1 || n > 1000000)
        return usage(stderr, 2);
    if (trace_run(path, (int)n, stdout, e)) {
        fprintf(stderr, "drover-sim: %s\n", e->text);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct err e = {0};
    if (argc == 2 && !strcmp(argv[1], "--help"))
        return usage(stdout, 0);
    if (argc == 3 && !strcmp(argv[1], "--scenarios"))
        return run_scenarios(argv[2], &e);
    if (argc == 5 && !strcmp(argv[1], "--trace") && !strcmp(argv[3], "--gpus"))
        return run_trace(argv[2], argv[4], &e);
    return usage(stderr, 2);
}
