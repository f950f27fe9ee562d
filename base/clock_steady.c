/* SPDX-License-Identifier: MIT */
/* Apart from clock.c, so that the programs that run as root do without it. */
#include "base/clock_steady.h"

#include <stdbool.h>

struct clock_now clock_steady_next(struct clock_steady *c, struct clock_now read)
{
    int64_t elapsed = c->mono ? read.mono - c->mono : 0;
    int64_t least = c->wall + elapsed / 2;
    bool ahead = read.wall < least;

    if (ahead)
        read.wall = least;
    c->wall = read.wall;
    c->mono = read.mono - (ahead ? elapsed % 2 : 0); /* halves of a millisecond add up */
    return read;
}
