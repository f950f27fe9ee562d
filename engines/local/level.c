/* SPDX-License-Identifier: MIT
 *
 * The tables of isolation levels.
 */
#include "engines/local/level.h"

#include <stdio.h>
#include <string.h>

#define LEVEL_CGROUPS (LEVEL_CGROUP1 | LEVEL_CGROUP2)
#define LEVEL_IMAGES (LEVEL_BWRAP | LEVEL_RUNC)

static const struct {
    const char *name;
    unsigned allows; /* as the site's ceiling */
    unsigned any;    /* as a requirement: at least one of these */
    unsigned all;    /* and every one of these */
} levels[] = {
    {"rlimits", LEVEL_USERS, 0, 0},
    {"cgroups", LEVEL_USERS | LEVEL_CGROUPS | LEVEL_DEVICES, LEVEL_CGROUPS, 0},
    {"namespaces", LEVEL_USERS | LEVEL_NAMESPACES | LEVEL_USERNS | LEVEL_IMAGES, 0, LEVEL_NAMESPACES},
    {"full", LEVEL_ALL, LEVEL_CGROUPS, LEVEL_NAMESPACES},
};

/* What is shown, in this order; the rest is how, not what. */
static const struct {
    unsigned guard;
    const char *word;
} words[] = {
    {LEVEL_CGROUP1, "cgroup1"},
    {LEVEL_CGROUP2, "cgroup2"},
    {LEVEL_NAMESPACES, "namespaces"},
    {LEVEL_USERS, "users"},
};

static int level_find(const char *name)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++)
        if (strcmp(levels[i].name, name) == 0)
            return (int)i;
    return -1;
}

int level_allowed(const char *name, unsigned *guards)
{
    int i = level_find(name ? name : "full");

    if (i < 0)
        return -1;
    *guards = levels[i].allows;
    return 0;
}

bool level_meets(unsigned guards, const char *required)
{
    int i = required ? level_find(required) : 0;

    return i >= 0 && (levels[i].any == 0 || (guards & levels[i].any)) && (guards & levels[i].all) == levels[i].all;
}

void level_text(unsigned guards, char out[LEVEL_TEXT_MAX])
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (guards & words[i].guard)
            len += (size_t)snprintf(out + len, LEVEL_TEXT_MAX - len, len > 0 ? "+%s" : "%s", words[i].word);
    if (!(guards & (LEVEL_CGROUPS | LEVEL_NAMESPACES)))
        (void)snprintf(out, LEVEL_TEXT_MAX, guards & LEVEL_USERS ? "rlimits+users" : "rlimits");
}

unsigned level_of_task(unsigned guards, bool image)
{
    if (!image)
        return guards & ~(unsigned)LEVEL_IMAGES;
    /* runc where we are root: it limits the devices of the image, too. */
    return guards & (guards & LEVEL_RUNC ? ~(unsigned)LEVEL_BWRAP : LEVEL_ALL);
}
