/* SPDX-License-Identifier: MIT
 *
 * The group is asked first: everybody may read it, and a process cannot leave it. Without groups there is the mark in
 * the environment that a program was started with, which only its own user and root may read.
 */
#include "engines/local/owner.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "engines/local/procs.h"

enum { GROUP_MAX = 64 * 1024, ENVIRONMENT_MAX = 4 * 1024 * 1024 };

/* An id that stands between slashes or at an end. */
static bool take_id(const char *from, size_t len, char attempt[ID_SIZE])
{
    if (len != ID_SIZE - 1)
        return false;
    memcpy(attempt, from, len);
    attempt[len] = '\0';
    return id_valid(attempt);
}

/* The innermost: a server may itself run in a task. */
bool owner_in_group(const char *text, char attempt[ID_SIZE])
{
    int depth = 0, deepest = -1;
    size_t n;

    for (; *text; text += n + (text[n] != '\0')) {
        char id[ID_SIZE];

        n = strcspn(text, "/\n");
        if (depth > deepest && take_id(text, n, id)) {
            memcpy(attempt, id, sizeof(id));
            deepest = depth;
        }
        depth = text[n] == '/' ? depth + 1 : 0;
    }
    return deepest >= 0;
}

bool owner_in_environment(const char *text, size_t len, char attempt[ID_SIZE])
{
    static const char mark[] = PROCS_MARK "=";
    const size_t head = sizeof(mark) - 1;

    for (size_t at = 0, n; at < len; at += n + 1) {
        n = strnlen(text + at, len - at);
        if (n > head && memcmp(text + at, mark, head) == 0 && take_id(text + at + head, n - head, attempt))
            return true;
    }
    return false;
}

/* 0 or -1; what is longer is not read. */
static int owner_read(pid_t pid, const char *file, size_t max, struct buf *out)
{
    char path[64];

    buf_init(out, max + 1);
    (void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
    return fs_read(path, max, out, NULL) || buf_addc(out, '\0') ? -1 : 0;
}

enum owner owner_of(pid_t pid, char attempt[ID_SIZE])
{
    struct buf b;
    enum owner found = OWNER_UNKNOWN;

    attempt[0] = '\0';
    if (owner_read(pid, "cgroup", GROUP_MAX, &b) == 0 && owner_in_group(b.data, attempt))
        found = OWNER_TASK;
    buf_fini(&b);
    if (found == OWNER_TASK)
        return found;
    if (owner_read(pid, "environ", ENVIRONMENT_MAX, &b) == 0)
        found = owner_in_environment(b.data, b.len - 1, attempt) ? OWNER_TASK : OWNER_NOBODY;
    buf_fini(&b);
    return found;
}
