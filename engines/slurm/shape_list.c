/* SPDX-License-Identifier: MIT
 *
 * The list of jobs, byte by byte. Only brackets and strings are looked at here; the JSON gate judges each object.
 */
#include <stdlib.h>
#include <string.h>

#include "engines/slurm/shape_v38.h"

enum { DEPTH_MAX = 64, DEPTH_TOP = 1, DEPTH_JOBS = 2, DEPTH_JOB = 3 };

int shape_list_init(struct shape_list *l, shape_job_fn *each, void *ctx)
{
    *l = (struct shape_list){.each = each, .ctx = ctx};
    l->object = malloc(SHAPE_V38_OBJECT_MAX);
    return l->object ? 0 : -1;
}

void shape_list_fini(struct shape_list *l)
{
    free(l->object);
    l->object = NULL;
}

/* Inside of a string. Its text is kept where it may be the key that we look for. */
static void read_string(struct shape_list *l, char c)
{
    if (l->escaped)
        l->escaped = false;
    else if (c == '\\')
        l->escaped = true;
    else if (c == '"') {
        l->in_string = false;
        return;
    }
    if (l->key_len < sizeof l->key)
        l->key[l->key_len++] = c;
}

static void end_object(struct shape_list *l)
{
    struct shape_job j;
    if (shape_v38_job_object(l->object, l->len, &j))
        l->unread++;
    else {
        l->read++;
        l->each(l->ctx, &j);
    }
    l->len = 0;
}

static void open_bracket(struct shape_list *l, char c)
{
    l->depth++;
    if (l->depth > DEPTH_MAX || (l->depth == DEPTH_TOP && c != '{') ||
        (l->in_jobs && l->depth == DEPTH_JOB && c != '{'))
        l->bad = true;
    if (!l->done && c == '[' && l->depth == DEPTH_JOBS && l->key_len == 4 && !memcmp(l->key, "jobs", 4))
        l->in_jobs = true;
}

static void close_bracket(struct shape_list *l)
{
    if (l->in_jobs && l->depth == DEPTH_JOB)
        end_object(l);
    if (l->in_jobs && l->depth == DEPTH_JOBS) {
        l->in_jobs = false;
        l->done = true;
    }
    l->depth--;
    l->bad |= l->depth < 0;
}

static void read_byte(struct shape_list *l, char c)
{
    if (l->in_string) {
        read_string(l, c);
    } else if (c == '"') {
        l->in_string = true;
        l->key_len = 0;
        l->bad |= l->depth == 0;
    } else if (c == '{' || c == '[') {
        open_bracket(l, c);
    } else if (c == ',') {
        l->key_len = 0; /* a string before a comma was a value */
    }
}

bool shape_list_piece(struct shape_list *l, const char *data, size_t len)
{
    for (size_t i = 0; i < len && !l->bad; i++) {
        read_byte(l, data[i]);
        if (l->in_jobs && l->depth >= DEPTH_JOB) {
            if (l->len == SHAPE_V38_OBJECT_MAX)
                l->bad = true;
            else
                l->object[l->len++] = data[i];
        }
        if (!l->in_string && (data[i] == '}' || data[i] == ']'))
            close_bracket(l);
    }
    return !l->bad;
}

bool shape_list_whole(const struct shape_list *l)
{
    return l->done && !l->bad && l->depth == 0 && !l->in_string;
}
