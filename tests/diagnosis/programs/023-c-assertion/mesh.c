/* SPDX-License-Identifier: MIT */
/* Checks its input by an assertion. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static double volume(long cells)
{
    assert(cells > 0);
    return 1.0 / (double)cells;
}

int main(int argc, char **argv)
{
    long cells = argc > 1 ? strtol(argv[1], NULL, 10) : 64;
    printf("mesh of %ld cells\n", cells);
    fflush(stdout);
    printf("cell volume %g\n", volume(cells));
    return 0;
}
