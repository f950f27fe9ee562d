/* SPDX-License-Identifier: MIT */
/* Splits a data set over workers; without a number of workers there are none. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    long samples = argc > 1 ? strtol(argv[1], NULL, 10) : 0;
    long workers = argc > 2 ? strtol(argv[2], NULL, 10) : 0;
    printf("%ld samples over %ld workers\n", samples, workers);
    fflush(stdout);
    printf("%ld each\n", samples / workers);
    return 0;
}
