/* SPDX-License-Identifier: MIT */
/* A window that slides over the file, and grows where one record needs more. Read, never mapped: the file is a job's,
 * which may cut it at any moment. */
#include "metrics/event_follow.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define WINDOW ((size_t)256 << 10)

/* Fills the window from `at` on. Bytes, fewer than its size only at the file's end; -1 with errno. */
static ssize_t fill(int fd, unsigned char *window, size_t size, int64_t at)
{
    size_t have = 0;

    while (have < size) {
        const ssize_t n = pread(fd, window + have, size - have, (off_t)at + (off_t)have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        have += (size_t)n;
    }
    return (ssize_t)have;
}

int event_follow(struct event_file *f, int fd, pthread_mutex_t *lock, int64_t *work, bool *complete)
{
    unsigned char *window = NULL;
    size_t size = 0;
    bool end = false;
    int rc = 0;

    *complete = false;
    while (!rc && !end && *work > 0) {
        const size_t wanted = (size_t)f->want > WINDOW ? (size_t)f->want : WINDOW;

        if (wanted > size) {
            free(window);
            window = malloc(wanted);
            size = wanted;
        }
        const ssize_t n = window ? fill(fd, window, size, f->offset) : -1;

        if (n < 0) {
            free(window);
            return -1;
        }
        end = (size_t)n < size;
        (void)pthread_mutex_lock(lock);
        rc = event_file_read(f, &(struct event_bytes){.data = window, .len = (size_t)n, .end = end}, work);
        end = end || f->given_up;
        (void)pthread_mutex_unlock(lock);
    }
    free(window);
    *complete = !rc && (end && (*work > 0 || f->given_up));
    if (rc)
        errno = ENOMEM;
    return rc;
}
