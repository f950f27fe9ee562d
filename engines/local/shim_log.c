/* SPDX-License-Identifier: MIT
 *
 * One log file with a cap. Up to the cap bytes are appended as they come. Beyond it the newest SHIM_LOG_TAIL bytes are
 * kept in memory, in a ring, and appended at the end of the task: how it failed stands in its last lines, whatever it
 * printed before. Marks in the file say where it was cut, and how much is left out.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "engines/local/shim.h"

/* Makes the file. Whatever a task of our own user has put in its place goes. 0, or -1 with errno. */
static int shim_log_open(struct shim_log *g)
{
    for (int i = 0; i < 2 && g->fd < 0; i++) {
        g->fd = openat(g->dir, g->name, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (g->fd < 0 && (errno != EEXIST || unlinkat(g->dir, g->name, 0)))
            return -1;
    }
    return g->fd < 0 ? -1 : 0;
}

/* Appends all of it. 0, or -1 with errno; what was written by then is counted. */
static int shim_log_append(struct shim_log *g, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(g->fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        g->bytes += n;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static void shim_log_mark(struct shim_log *g)
{
    char text[192];
    int n =
        snprintf(text, sizeof(text),
                 "\n[drover: this log has reached its limit of %lld MB; the last %u KB of what comes now follow when "
                 "the task has ended]\n",
                 (long long)(g->cap >> 20), SHIM_LOG_TAIL >> 10);

    (void)shim_log_append(g, text, (size_t)n);
}

/* Into the ring; without memory for one, all of it is left out. */
static void shim_log_keep(struct shim_log *g, const char *data, size_t len)
{
    if (!g->tail)
        g->tail = malloc(SHIM_LOG_TAIL);
    g->beyond += (int64_t)len;
    if (!g->tail)
        return;
    if (len > SHIM_LOG_TAIL) {
        data += len - SHIM_LOG_TAIL;
        len = SHIM_LOG_TAIL;
    }
    size_t first = SHIM_LOG_TAIL - g->at < len ? SHIM_LOG_TAIL - g->at : len;
    memcpy(g->tail + g->at, data, first);
    memcpy(g->tail, data + first, len - first);
    g->at = (g->at + len) % SHIM_LOG_TAIL;
    g->kept = g->kept + len < SHIM_LOG_TAIL ? g->kept + len : SHIM_LOG_TAIL;
}

size_t shim_log_put(struct shim_log *g, const char *data, size_t len)
{
    size_t room = len;
    ssize_t n;

    if (g->cap > 0 && g->bytes + (int64_t)len > g->cap)
        room = g->bytes < g->cap ? (size_t)(g->cap - g->bytes) : 0;
    if (g->fd < 0 && shim_log_open(g))
        return 0;
    if (room == 0) {
        if (g->beyond == 0)
            shim_log_mark(g);
        shim_log_keep(g, data, len);
        return len;
    }
    do
        n = write(g->fd, data, room);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return 0;
    g->bytes += n;
    return (size_t)n;
}

int64_t shim_log_end(struct shim_log *g)
{
    int64_t out = g->beyond - (int64_t)g->kept;
    size_t from = g->kept < SHIM_LOG_TAIL ? 0 : g->at;
    char text[96];

    if (out > 0) {
        int n = snprintf(text, sizeof(text), "\n[drover: %lld bytes are left out here]\n", (long long)out);

        (void)shim_log_append(g, text, (size_t)n);
    }
    /* On a full disk the rest is lost; nobody waits for it here. */
    if (g->kept > 0 && (shim_log_append(g, g->tail + from, g->kept - from) || shim_log_append(g, g->tail, from)))
        out += (int64_t)g->kept;
    free(g->tail);
    g->tail = NULL;
    g->kept = 0;
    return out;
}
