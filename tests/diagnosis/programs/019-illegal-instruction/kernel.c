/* SPDX-License-Identifier: MIT */
/* Executes what no processor knows, as a build for another processor does. */
#include <stdio.h>

int main(void)
{
    puts("kernel: dispatching to avx10 path");
    fflush(stdout);
    __asm__ volatile("ud2");
    return 0;
}
