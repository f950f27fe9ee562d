/* SPDX-License-Identifier: MIT */
/* Moves a pointer along a buffer and frees it there. */
#include <stdio.h>
#include <stdlib.h>

int main(void)
{
    char *at = malloc(4096);
    for (int frame = 0; at && frame < 40; frame++) {
        printf("decoded frame %d\n", frame);
        at += 24;
    }
    fflush(stdout);
    free(at);
    return 0;
}
