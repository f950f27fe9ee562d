/* SPDX-License-Identifier: MIT */
/* An array: virtual clusters are few, and a job's start and end are rare beside a look through them. */
#include "metrics/tally.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The texts that a scrape shows, and the same as numbers. */
const char *const tally_bounds[TALLY_BOUNDS] = {"1.0",    "5.0",     "15.0",    "60.0",    "300.0",   "900.0",
                                                "3600.0", "14400.0", "43200.0", "86400.0", "259200.0"};
static const int64_t bounds_s[TALLY_BOUNDS] = {1, 5, 15, 60, 300, 900, 3600, 14400, 43200, 86400, 259200};

struct tally {
    pthread_mutex_t lock;
    struct tally_row *rows;
    size_t count, room;
    bool network; /* what is sent and received is known */
    uint64_t received, sent;
};

struct tally *tally_create(void)
{
    struct tally *t = calloc(1, sizeof *t);

    if (t)
        pthread_mutex_init(&t->lock, NULL);
    return t;
}

void tally_destroy(struct tally *t)
{
    if (!t)
        return;
    pthread_mutex_destroy(&t->lock);
    free(t->rows);
    free(t);
}

/* The row, made where there is none; NULL when there are too many, or memory is short. Under the lock. */
static struct tally_row *row_of(struct tally *t, const char *vc)
{
    for (size_t i = 0; i < t->count; i++)
        if (!strcmp(t->rows[i].vc, vc))
            return &t->rows[i];
    if (t->count == TALLY_VCS_MAX)
        return NULL;
    if (t->count == t->room) {
        size_t room = t->room ? 2 * t->room : 16;
        struct tally_row *more = reallocarray(t->rows, room, sizeof *more);

        if (!more)
            return NULL;
        t->rows = more;
        t->room = room;
    }
    t->rows[t->count] = (struct tally_row){0};
    (void)snprintf(t->rows[t->count].vc, sizeof t->rows->vc, "%s", vc);
    return &t->rows[t->count++];
}

void tally_ended(struct tally *t, const char *vc, enum tally_end how)
{
    pthread_mutex_lock(&t->lock);
    struct tally_row *row = row_of(t, vc);
    if (row)
        row->ended[how]++;
    pthread_mutex_unlock(&t->lock);
}

void tally_started(struct tally *t, const char *vc, int64_t waited_ms)
{
    int bucket = 0;

    if (waited_ms < 0)
        waited_ms = 0;
    while (bucket < TALLY_BOUNDS && waited_ms > bounds_s[bucket] * 1000)
        bucket++;
    pthread_mutex_lock(&t->lock);
    struct tally_row *row = row_of(t, vc);
    if (row) {
        row->waits[bucket]++;
        row->wait_sum += (double)waited_ms / 1000;
    }
    pthread_mutex_unlock(&t->lock);
}

size_t tally_read(struct tally *t, struct tally_row *out, size_t max)
{
    pthread_mutex_lock(&t->lock);
    size_t n = !out || t->count < max ? t->count : max;
    if (out && n)
        memcpy(out, t->rows, n * sizeof *out);
    pthread_mutex_unlock(&t->lock);
    return n;
}

void tally_network(struct tally *t, uint64_t received, uint64_t sent)
{
    pthread_mutex_lock(&t->lock);
    t->network = true;
    t->received += received;
    t->sent += sent;
    pthread_mutex_unlock(&t->lock);
}

bool tally_network_read(struct tally *t, uint64_t *received, uint64_t *sent)
{
    pthread_mutex_lock(&t->lock);
    *received = t->received;
    *sent = t->sent;
    const bool known = t->network;
    pthread_mutex_unlock(&t->lock);
    return known;
}
