/* SPDX-License-Identifier: MIT
 *
 * TensorBoard event files of any bytes: as they are, at once and as they grow, which give the same where nothing is
 * damaged; and the same bytes as the data of a sound record, which no fuzzer would find the checksums for.
 */
// link: drover_metrics
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "metrics/event_file.h"
#include "metrics/event_run.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WORK (INT64_C(16) << 20)

static void read_on(struct event_file *f, const uint8_t *data, size_t len)
{
    int64_t work = WORK;
    const int64_t before = f->offset;
    const struct event_bytes bytes = {.data = data + f->offset, .len = len - (size_t)f->offset, .end = true};

    if (event_file_read(f, &bytes, &work))
        abort();
    assert(f->offset >= before && (size_t)f->offset <= len);
    assert(work <= 0 || f->given_up || f->want > (int64_t)len - f->offset);
}

static void check(const struct event_file *f)
{
    struct event_run run;

    assert(f->series_count <= EVENT_TAGS_MAX);
    for (int i = 0; i < f->series_count; i++) {
        const struct event_series *s = f->series[i];

        assert(s->kept <= EVENT_POINTS_MAX && strlen(s->tag) <= EVENT_TAG_BYTES_MAX);
        assert(s->count == s->not_finite || (isfinite(s->min.value) && s->min.value <= s->max.value));
        if (event_run_join(&run, (const struct event_series *const *)f->series, f->series_count, 10))
            abort();
        assert(run.point_count <= 10);
        for (int k = 1; k < run.point_count; k++)
            assert(run.points[k].step >= run.points[k - 1].step);
        free(run.points);
    }
}

static void as_record(const struct crc32c *crc, const uint8_t *data, size_t size)
{
    uint8_t *file = malloc(size + EVENT_FRAME);
    const uint64_t length = size;
    struct event_file f;
    uint32_t sum;

    if (!file || event_file_init(&f, crc))
        abort();
    memcpy(file, &length, 8);
    sum = crc32c_of(crc, file, 8);
    sum = (sum >> 15 | sum << 17) + 0xa282ead8u;
    memcpy(file + 8, &sum, 4);
    memcpy(file + 12, data, size);
    sum = crc32c_of(crc, data, size);
    sum = (sum >> 15 | sum << 17) + 0xa282ead8u;
    memcpy(file + 12 + size, &sum, 4);
    read_on(&f, file, size + EVENT_FRAME);
    assert(f.records == 1 && (size_t)f.offset == size + EVENT_FRAME);
    check(&f);
    event_file_fini(&f);
    free(file);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct crc32c crc;
    struct event_file whole, grown;

    crc32c_init(&crc);
    if (event_file_init(&whole, &crc) || event_file_init(&grown, &crc))
        abort();
    read_on(&whole, data, size);
    for (size_t len = 0; len < size; len += 1 + data[len] % 64u)
        read_on(&grown, data, len);
    read_on(&grown, data, size);
    assert(grown.damaged || (grown.records == whole.records && grown.offset == whole.offset));
    check(&whole);
    check(&grown);
    event_file_fini(&whole);
    event_file_fini(&grown);
    as_record(&crc, data, size);
    return 0;
}
