/* SPDX-License-Identifier: MIT
 *
 * What a task attempt left in the folder where it worked (DATA/run/<attempt>/work): listing and reading, also while it
 * runs. The folder is the task's, so nothing in it is believed: no link is followed, and only a regular file with one
 * name is opened. Any thread.
 */
#ifndef DROVER_ENGINES_LOCAL_OUTPUTS_H
#define DROVER_ENGINES_LOCAL_OUTPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

#define OUTPUTS_MAX 10000u     /* entries of one listing */
#define OUTPUTS_PATH_MAX 2048u /* bytes of a path */

enum outputs_type { OUTPUTS_FILE, OUTPUTS_FOLDER, OUTPUTS_OTHER };

struct outputs_entry {
    const char *name; /* one step; valid UTF-8 without control characters */
    enum outputs_type type;
    int64_t size; /* bytes; 0 for what is no file */
    int64_t modified_ms;
};

/* A listing, in the order of the names. */
struct outputs_list {
    struct arena *arena; /* given: where everything goes */
    struct outputs_entry *entries;
    size_t count;
    size_t hidden;  /* entries whose names are no text */
    bool truncated; /* there are more */
};

/* Lists the folder `path` ("": the working folder) of an attempt below the data folder.
 * ERR_NO_FILE when it is not there or no folder. 0 or -1. */
int outputs_read_folder(const char *data, const char *attempt, const char *path, struct outputs_list *out,
                        struct err *e);
/* Opens the file `path` for reading. A descriptor, or -1: ERR_NO_FILE when it is not there or no plain file. */
int outputs_open(const char *data, const char *attempt, const char *path, struct err *e);

#endif
