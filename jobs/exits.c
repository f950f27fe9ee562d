/* SPDX-License-Identifier: MIT
 *
 * Look-ups in the exit catalogue (exits_table.c), with its two catch-all entries.
 */
#include "jobs/exits.h"

#include "jobs/exits_table.h"

#define CATCH_ALL_POSITIVE 1
#define CATCH_ALL_BEYOND 256 /* no exit status is above 255: the platform's own end was abnormal */
#define CATCH_ALL_NEGATIVE (-8000)

static const char *const type_words[] = {
    [EXIT_TYPE_SUCCESS] = "USER_SUCCESS",
    [EXIT_TYPE_STOP] = "USER_STOP",
    [EXIT_TYPE_USER] = "USER_FAILURE",
    [EXIT_TYPE_PLATFORM] = "PLATFORM_FAILURE",
    [EXIT_TYPE_RESOURCE] = "RESOURCE_ALLOCATION_TIMEOUT",
    [EXIT_TYPE_UNKNOWN] = "UNKNOWN_FAILURE",
};

static const char *const reaction_words[] = {
    [EXIT_NEVER_RETRY] = "NEVER_RETRY",
    [EXIT_ALWAYS_RETRY] = "ALWAYS_RETRY",
    [EXIT_BACKOFF_RETRY] = "ALWAYS_BACKOFF_RETRY",
    [EXIT_RETRY_TO_MAX] = "RETRY_TO_MAX",
};

static const struct exit_entry *find_exact(int code)
{
    for (size_t i = 0; i < exits_table_count; i++)
        if (exits_table[i].code == code)
            return &exits_table[i];
    return NULL;
}

const struct exit_entry *exits_find(int code)
{
    const struct exit_entry *entry = find_exact(code);

    if (!entry)
        entry = find_exact(code < 0 ? CATCH_ALL_NEGATIVE : code > 255 ? CATCH_ALL_BEYOND : CATCH_ALL_POSITIVE);
    return entry;
}

const struct exit_entry *exits_all(size_t *count)
{
    *count = exits_table_count;
    return exits_table;
}

const char *exits_type_wire(enum exit_type type)
{
    return type_words[type];
}

const char *exits_reaction_wire(enum exit_reaction reaction)
{
    return reaction_words[reaction];
}
