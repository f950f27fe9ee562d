/* SPDX-License-Identifier: MIT
 *
 * Packed logs: the index and the frames of a file that a task may have written. The first byte says whether the
 * index's checksum is made right first: without that, hardly anything gets past it. Whatever is read has the length
 * that the index says, and reading it again gives the same.
 */
// link: drover_engines
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <sodium.h>

#include "base/err.h"
#include "engines/local/log_segment.h"

#define FOOTER 56u
#define SIGNED 24u
#define MOST (1u << 20)
#define FRAMES_READ 64u

/* Signs the index that the footer describes, if there is one. */
static void sign(uint8_t *file, size_t size)
{
    uint8_t *footer = file + size - FOOTER;
    size_t table = 0;

    for (unsigned i = 4; i > 0; i--)
        table = table << 8 | footer[20 + i - 1];
    table *= 8;
    if (table <= size - FOOTER)
        crypto_generichash(footer + SIGNED, 32, footer - table, table + SIGNED, NULL, 0);
}

static uint64_t sum_of(const char *text, size_t len)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum = sum * 31 + (unsigned char)text[i];
    return sum;
}

static void read_all(const struct log_segment *s, int fd)
{
    struct log_decoder *d = log_decoder_create();

    for (uint32_t n = 0; d && n < s->frames && n < FRAMES_READ; n++) {
        struct err e = {0};
        size_t bytes = log_segment_frame_bytes(s, n);
        const char *text;

        assert(bytes > 0 && bytes <= LOG_SEGMENT_FRAME);
        text = log_decoder_frame(d, s, fd, n, &e);
        if (!text) {
            assert(e.code == ERR_DAMAGED_LOG && e.text[0]);
            continue;
        }
        uint64_t sum = sum_of(text, bytes);
        text = log_decoder_frame(d, s, fd, n, &e);
        assert(text && sum_of(text, bytes) == sum);
    }
    log_decoder_destroy(d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct log_segment s;
    struct err e = {0};

    if (size < 1 || size > MOST)
        return 0;
    uint8_t *file = malloc(size);
    int fd = memfd_create("segment", MFD_CLOEXEC);
    if (file && fd >= 0) {
        memcpy(file, data + 1, size - 1);
        if (data[0] % 2 && size - 1 >= FOOTER)
            sign(file, size - 1);
        if (write(fd, file, size - 1) == (ssize_t)(size - 1)) {
            if (log_segment_open(&s, fd, &e))
                assert(e.code == ERR_DAMAGED_LOG && e.text[0]);
            else
                read_all(&s, fd);
        }
    }
    if (fd >= 0)
        (void)close(fd);
    free(file);
    return 0;
}
