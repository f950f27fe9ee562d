/* SPDX-License-Identifier: MIT
 *
 * The words of the exit catalogue, one table an enum.
 */
#include <string.h>

#include "jobs/exits.h"

static const char *const type_words[] = {
    [EXIT_TYPE_SUCCESS] = "USER_SUCCESS",
    [EXIT_TYPE_STOP] = "USER_STOP",
    [EXIT_TYPE_USER] = "USER_FAILURE",
    [EXIT_TYPE_PLATFORM] = "PLATFORM_FAILURE",
    [EXIT_TYPE_RESOURCE] = "RESOURCE_ALLOCATION_TIMEOUT",
    [EXIT_TYPE_UNKNOWN] = "UNKNOWN_FAILURE",
    NULL,
};

static const char *const reaction_words[] = {
    [EXIT_NEVER_RETRY] = "NEVER_RETRY",
    [EXIT_ALWAYS_RETRY] = "ALWAYS_RETRY",
    [EXIT_BACKOFF_RETRY] = "ALWAYS_BACKOFF_RETRY",
    [EXIT_RETRY_TO_MAX] = "RETRY_TO_MAX",
    NULL,
};

static const char *const category_words[] = {
    [EXIT_CATEGORY_NONE] = "none",
    [EXIT_CATEGORY_USER] = "user",
    [EXIT_CATEGORY_PLATFORM] = "platform",
    [EXIT_CATEGORY_RESOURCE] = "resource",
    [EXIT_CATEGORY_POLICY] = "policy",
    [EXIT_CATEGORY_UNKNOWN] = "unknown",
    NULL,
};

const char *const *exits_type_words(void)
{
    return type_words;
}

const char *const *exits_reaction_words(void)
{
    return reaction_words;
}

const char *const *exits_category_words(void)
{
    return category_words;
}

const char *exits_type_wire(enum exit_type type)
{
    return type_words[type];
}

const char *exits_reaction_wire(enum exit_reaction reaction)
{
    return reaction_words[reaction];
}

const char *exits_category_name(enum exit_category category)
{
    return category_words[category];
}

int exits_word(const char *const *words, const char *word)
{
    for (int i = 0; words[i]; i++)
        if (!strcmp(words[i], word))
            return i;
    return -1;
}
