/* SPDX-License-Identifier: MIT
 *
 * As make does: one plain command with an absolute path is started directly, which saves the start of a shell (2 ms)
 * and a file for it. Anything that a shell could read otherwise than as words goes to the shell.
 */
#include "engines/local/local_plain.h"

#include <string.h>

#include "engines/local/taskspec.h"

bool local_plain(const char *script)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:,+- ";
    size_t n = strspn(script, plain);

    return script[0] == '/' && n < TASKSPEC_PLAIN_MAX - 2 && (!script[n] || (script[n] == '\n' && !script[n + 1]));
}
