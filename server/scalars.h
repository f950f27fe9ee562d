/* SPDX-License-Identifier: MIT
 *
 * The scalars of task attempts, out of the TensorBoard event files where they work: found, read on from where they were
 * left when last asked for, and kept in bounded memory. What is in these folders is the tasks', and no link is followed
 * (engines/local/outputs.h). Any thread; nobody waits for another's reading.
 *
 *   scalars_find, once for each task attempt ──► scalars_follow ──► scalars_write ──► scalars_release
 */
#ifndef DROVER_SERVER_SCALARS_H
#define DROVER_SERVER_SCALARS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrics/event_run.h"

struct arena;
struct err;
struct scalars;
struct scalars_file;

/* A folder with event files, of one task attempt. */
struct scalars_folder {
    struct scalars_folder *next;
    const void *place; /* as given to scalars_find */
    const char *path;  /* relative to where the task works */
    struct scalars_file **files;
    int file_count;
    bool complete; /* all of them were read to the end that they had */
};

/* One question. Begin with arena, tag and points, the rest zero. */
struct scalars_reading {
    struct arena *arena; /* for what is found */
    const char *tag;     /* NULL: all */
    int points;          /* of a tag, at most; 0: none. scalars_follow makes it less where there are too many tags */
    struct scalars_folder *first, **last;
    int file_count, folders_seen, tags_told;
    int left_out;  /* folders and files beyond the bounds */
    bool complete; /* after scalars_follow: all was found and read */
};

/* NULL on out of memory. `data_dir` is borrowed. */
struct scalars *scalars_create(const char *data_dir);
/* NULL ok. */
void scalars_destroy(struct scalars *s);

/* Adds the folders of a task attempt that have event files; none where the attempt left nothing. 0 or -1. */
int scalars_find(struct scalars *s, struct scalars_reading *r, const char *attempt, const void *place, struct err *e);
/* Reads on in all that was found, for a fraction of a second at most; what others are just reading is left to them. */
void scalars_follow(struct scalars *s, struct scalars_reading *r);

/* What is known of a folder: sums over its files, then each tag that has values, by name. */
struct scalars_sums {
    int64_t bytes, records, damaged, left_out;
};
struct scalars_writer {
    void (*folder)(void *ctx, const struct scalars_folder *f, const struct scalars_sums *sums);
    void (*tag)(void *ctx, const struct event_run *run);
    void *ctx;
};
/* Tells one folder of the reading. 0, or -1 on out of memory. */
int scalars_write(struct scalars *s, struct scalars_reading *r, const struct scalars_folder *f,
                  const struct scalars_writer *w);
/* Lets go of the files; always, also after an error. */
void scalars_release(struct scalars *s, struct scalars_reading *r);

#endif
