/* SPDX-License-Identifier: MIT
 *
 * Reads each line of its input, "PIECE FILE", and prints what the reader of event files found in it, a JSON object a
 * line: for test_events.py. With PIECE 0 the whole file as it is; else the file as it would be seen while it grows by
 * 1 to PIECE bytes at a time, seeded by PIECE.
 */
// link: drover_metrics
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "metrics/event_file.h"
#include "metrics/event_run.h"

static uint64_t next(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

/* Reads the first `len` bytes of the file to their end. */
static void read_to(struct event_file *f, const struct buf *file, size_t len)
{
    int64_t work = INT64_MAX;
    const struct event_bytes bytes = {.data = file->data + f->offset, .len = len - (size_t)f->offset, .end = true};

    if (event_file_read(f, &bytes, &work))
        abort();
}

static void write_series(struct json_out *j, const struct event_series *s)
{
    struct event_run run;

    if (event_run_join(&run, &s, 1, EVENT_POINTS_MAX + 1))
        abort();
    json_out_key(j, s->tag);
    json_out_object(j);
    json_out_kint(j, "count", s->count);
    json_out_kint(j, "notFinite", s->not_finite);
    json_out_key(j, "min");
    json_out_double(j, s->min.value);
    json_out_key(j, "max");
    json_out_double(j, s->max.value);
    json_out_key(j, "points");
    json_out_array(j);
    for (int i = 0; i < run.point_count; i++) {
        json_out_array(j);
        json_out_int(j, run.points[i].step);
        json_out_int(j, run.points[i].time_ms);
        json_out_double(j, run.points[i].value);
        json_out_array_end(j);
    }
    json_out_array_end(j);
    json_out_object_end(j);
    free(run.points);
}

static void dump(const struct crc32c *crc, const char *path, uint64_t piece)
{
    struct event_file f;
    struct buf file, out;
    struct json_out j;
    struct err e = {0};

    buf_init(&file, (size_t)1 << 30);
    buf_init(&out, 0);
    if (fs_read(path, (size_t)1 << 30, &file, &e) || event_file_init(&f, crc))
        abort();
    for (size_t len = 0; piece && len < file.len; len += 1 + next(&(uint64_t){piece + len}) % piece)
        read_to(&f, &file, len);
    read_to(&f, &file, file.len);
    json_out_init(&j, &out);
    json_out_object(&j);
    json_out_kint(&j, "offset", f.offset);
    json_out_kint(&j, "records", f.records);
    json_out_kint(&j, "damaged", f.damaged);
    json_out_kint(&j, "leftOut", f.left_out);
    json_out_kint(&j, "memory", (int64_t)f.memory);
    json_out_kbool(&j, "givenUp", f.given_up);
    json_out_key(&j, "tags");
    json_out_object(&j);
    for (int i = 0; i < f.series_count; i++)
        if (f.series[i]->count)
            write_series(&j, f.series[i]);
    json_out_object_end(&j);
    json_out_object_end(&j);
    (void)puts(buf_str(&out));
    event_file_fini(&f);
    buf_fini(&file);
    buf_fini(&out);
}

int main(void)
{
    struct crc32c crc;
    char line[5000];

    crc32c_init(&crc);
    while (fgets(line, sizeof(line), stdin)) {
        char *path = NULL;
        const uint64_t piece = strtoull(line, &path, 10);

        line[strcspn(line, "\n")] = '\0';
        dump(&crc, path + 1, piece);
    }
    return 0;
}
