/* SPDX-License-Identifier: MIT
 *
 * The format of packed logs. The index is checked as a whole when a file is opened: its hash, and that the frames lie
 * behind each other from the begin of the file to the index. The file may still be changed afterwards by who owns it,
 * so each entry is looked at again when it is used.
 */
#include "engines/local/log_segment.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>
#include <zstd.h>

#include "base/err.h"
#include "base/fs.h"

#define SEGMENT_MAGIC "DRVRLOG1"
#define SEGMENT_SKIP 0x184D2A5Du
#define SEGMENT_HEADER 8u /* of the frame to skip */
#define SEGMENT_SIGNED 24u
#define SEGMENT_HASH 32u
#define SEGMENT_FOOTER (SEGMENT_SIGNED + SEGMENT_HASH)
#define SEGMENT_ENTRY 8u
#define SEGMENT_CHUNK 4096u /* bytes of the table read at once */
#define SEGMENT_LEVEL 3     /* zstd's own default: 300 MB/s, and logs shrink to a tenth */

/* A frame is packed, and checked, within this. */
#define SEGMENT_PACKED ZSTD_COMPRESSBOUND(LOG_SEGMENT_FRAME)

struct log_decoder {
    ZSTD_DCtx *zstd;
    char *packed; /* SEGMENT_PACKED bytes */
    char *text;   /* LOG_SEGMENT_FRAME bytes */
};

struct log_encoder {
    const atomic_bool *quit;
    ZSTD_CCtx *zstd;
    char *text, *packed;
    unsigned char *index; /* header, table and footer */
};

static uint64_t get_number(const unsigned char *p, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = bytes; i > 0; i--)
        v = v << 8 | p[i - 1];
    return v;
}

static void put_number(unsigned char *p, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++, v >>= 8)
        p[i] = (unsigned char)(v & 0xff);
}

static int damaged(const char *what, struct err *e)
{
    return err_set(e, ERR_DAMAGED_LOG, "The packed log is damaged: %s.", what);
}

/* All `len` bytes at `at`. 0, or -1 with errno (ENODATA: the file ends before). */
static int read_at(int fd, void *out, size_t len, int64_t at)
{
    for (char *p = out; len > 0;) {
        ssize_t n = pread(fd, p, len, at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n < 0 ? errno : ENODATA;
            return -1;
        }
        p += n;
        at += n;
        len -= (size_t)n;
    }
    return 0;
}

static int failed_to_read(struct err *e)
{
    return errno == ENODATA ? damaged("it is cut off", e) : err_errno(e, errno, "cannot read the packed log");
}

size_t log_segment_frame_bytes(const struct log_segment *s, uint32_t n)
{
    return n + 1 < s->frames ? LOG_SEGMENT_FRAME : (size_t)(s->size - (int64_t)n * (int64_t)LOG_SEGMENT_FRAME);
}

/* Whether a frame may lie there. */
static bool fits(const struct log_segment *s, uint64_t start, uint64_t end)
{
    return start < end && end <= (uint64_t)s->table && end - start <= SEGMENT_PACKED;
}

/* What the footer says, held against the length of the file. */
static int read_footer(struct log_segment *s, int fd, unsigned char footer[SEGMENT_FOOTER], struct err *e)
{
    unsigned char header[SEGMENT_HEADER];
    struct stat st;

    if (fstat(fd, &st))
        return err_errno(e, errno, "cannot stat the packed log");
    if (st.st_size < (off_t)(SEGMENT_HEADER + SEGMENT_ENTRY + SEGMENT_FOOTER))
        return damaged("it is too short", e);
    if (read_at(fd, footer, SEGMENT_FOOTER, st.st_size - SEGMENT_FOOTER))
        return failed_to_read(e);
    if (memcmp(footer, SEGMENT_MAGIC, 8) != 0 || get_number(footer + 16, 4) != LOG_SEGMENT_FRAME)
        return damaged("it has no index at its end", e);
    uint64_t size = get_number(footer + 8, 8), frames = get_number(footer + 20, 4);
    if (frames == 0 || frames > LOG_SEGMENT_FRAMES || size <= (frames - 1) * LOG_SEGMENT_FRAME ||
        size > frames * LOG_SEGMENT_FRAME)
        return damaged("its index has a wrong number of frames", e);
    s->size = (int64_t)size;
    s->frames = (uint32_t)frames;
    s->table = st.st_size - (int64_t)(SEGMENT_HEADER + frames * SEGMENT_ENTRY + SEGMENT_FOOTER);
    if (s->table <= 0)
        return damaged("its index is longer than the file", e);
    if (read_at(fd, header, sizeof(header), s->table))
        return failed_to_read(e);
    if (get_number(header, 4) != SEGMENT_SKIP || get_number(header + 4, 4) != frames * SEGMENT_ENTRY + SEGMENT_FOOTER)
        return damaged("its index does not begin where it should", e);
    return 0;
}

/* Each frame of the table begins where the one before ends, and the last ends at the index. */
static int check_table(const struct log_segment *s, int fd, crypto_generichash_state *hash, struct err *e)
{
    unsigned char chunk[SEGMENT_CHUNK];
    uint64_t start = 0, end;

    for (uint32_t n = 0; n < s->frames;) {
        uint32_t some = s->frames - n < SEGMENT_CHUNK / SEGMENT_ENTRY ? s->frames - n : SEGMENT_CHUNK / SEGMENT_ENTRY;

        if (read_at(fd, chunk, some * SEGMENT_ENTRY, s->table + SEGMENT_HEADER + (int64_t)n * SEGMENT_ENTRY))
            return failed_to_read(e);
        for (uint32_t i = 0; i < some; i++, start = end) {
            end = get_number(chunk + i * SEGMENT_ENTRY, SEGMENT_ENTRY);
            if (!fits(s, start, end))
                return damaged("its index has a frame that cannot be", e);
        }
        crypto_generichash_update(hash, chunk, some * SEGMENT_ENTRY);
        n += some;
    }
    return start == (uint64_t)s->table ? 0 : damaged("its frames do not reach its index", e);
}

int log_segment_open(struct log_segment *s, int fd, struct err *e)
{
    unsigned char footer[SEGMENT_FOOTER], sum[SEGMENT_HASH];
    crypto_generichash_state hash;

    crypto_generichash_init(&hash, NULL, 0, SEGMENT_HASH);
    if (read_footer(s, fd, footer, e) || check_table(s, fd, &hash, e))
        return -1;
    crypto_generichash_update(&hash, footer, SEGMENT_SIGNED);
    crypto_generichash_final(&hash, sum, SEGMENT_HASH);
    return memcmp(sum, footer + SEGMENT_SIGNED, SEGMENT_HASH) == 0 ? 0 : damaged("its index has another checksum", e);
}

/* ---- unpacking ---- */

struct log_decoder *log_decoder_create(void)
{
    struct log_decoder *d = calloc(1, sizeof(*d));

    if (!d)
        return NULL;
    d->zstd = ZSTD_createDCtx();
    d->packed = malloc(SEGMENT_PACKED);
    d->text = malloc(LOG_SEGMENT_FRAME);
    if (d->zstd && d->packed && d->text)
        return d;
    log_decoder_destroy(d);
    return NULL;
}

void log_decoder_destroy(struct log_decoder *d)
{
    if (!d)
        return;
    (void)ZSTD_freeDCtx(d->zstd);
    free(d->packed);
    free(d->text);
    free(d);
}

const char *log_decoder_frame(struct log_decoder *d, const struct log_segment *s, int fd, uint32_t n, struct err *e)
{
    const int64_t entry = s->table + SEGMENT_HEADER + ((int64_t)n - 1) * SEGMENT_ENTRY;
    const size_t bytes = log_segment_frame_bytes(s, n);
    unsigned char ends[2 * SEGMENT_ENTRY] = {0};
    bool first = n == 0;

    if (read_at(fd, ends + (first ? SEGMENT_ENTRY : 0), first ? SEGMENT_ENTRY : sizeof(ends),
                first ? entry + SEGMENT_ENTRY : entry)) {
        (void)failed_to_read(e);
        return NULL;
    }
    uint64_t start = get_number(ends, SEGMENT_ENTRY), end = get_number(ends + SEGMENT_ENTRY, SEGMENT_ENTRY);
    if (!fits(s, start, end)) {
        (void)damaged("its index has changed", e);
        return NULL;
    }
    if (read_at(fd, d->packed, (size_t)(end - start), (int64_t)start)) {
        (void)failed_to_read(e);
        return NULL;
    }
    /* Checks zstd's own checksum of the frame, too. */
    if (ZSTD_getFrameContentSize(d->packed, (size_t)(end - start)) != bytes ||
        ZSTD_decompressDCtx(d->zstd, d->text, LOG_SEGMENT_FRAME, d->packed, (size_t)(end - start)) != bytes) {
        (void)err_set(e, ERR_DAMAGED_LOG, "The packed log is damaged: frame %u of %u cannot be unpacked.", n + 1,
                      s->frames);
        return NULL;
    }
    return d->text;
}

/* ---- packing ---- */

struct log_encoder *log_encoder_create(const atomic_bool *quit)
{
    struct log_encoder *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->quit = quit;
    c->zstd = ZSTD_createCCtx();
    c->text = malloc(LOG_SEGMENT_FRAME);
    c->packed = malloc(SEGMENT_PACKED);
    c->index = malloc(SEGMENT_HEADER + (size_t)LOG_SEGMENT_FRAMES * SEGMENT_ENTRY + SEGMENT_FOOTER);
    if (c->zstd && c->text && c->packed && c->index &&
        !ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_compressionLevel, SEGMENT_LEVEL)) &&
        !ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd, ZSTD_c_checksumFlag, 1)))
        return c;
    log_encoder_destroy(c);
    return NULL;
}

void log_encoder_destroy(struct log_encoder *c)
{
    if (!c)
        return;
    (void)ZSTD_freeCCtx(c->zstd);
    free(c->text);
    free(c->packed);
    free(c->index);
    free(c);
}

/* Packs one frame. Its length in the file, or -1. */
static int64_t pack_frame(struct log_encoder *c, int from, int64_t at, size_t bytes, struct err *e)
{
    if (read_at(from, c->text, bytes, at))
        return errno == ENODATA ? err_set(e, ERR_INTERNAL, "The log has become shorter.")
                                : err_errno(e, errno, "cannot read the log");
    size_t n = ZSTD_compress2(c->zstd, c->packed, SEGMENT_PACKED, c->text, bytes);
    if (ZSTD_isError(n))
        return err_set(e, ERR_INTERNAL, "Cannot pack the log: %s.", ZSTD_getErrorName(n));
    return (int64_t)n;
}

static int write_index(struct log_encoder *c, uint32_t frames, int64_t size, int to, struct err *e)
{
    const size_t table = (size_t)frames * SEGMENT_ENTRY;
    unsigned char *footer = c->index + SEGMENT_HEADER + table;

    put_number(c->index, SEGMENT_SKIP, 4);
    put_number(c->index + 4, table + SEGMENT_FOOTER, 4);
    memcpy(footer, SEGMENT_MAGIC, 8);
    put_number(footer + 8, (uint64_t)size, 8);
    put_number(footer + 16, LOG_SEGMENT_FRAME, 4);
    put_number(footer + 20, frames, 4);
    crypto_generichash(footer + SEGMENT_SIGNED, SEGMENT_HASH, c->index + SEGMENT_HEADER, table + SEGMENT_SIGNED, NULL,
                       0);
    if (fs_write_all(to, c->index, SEGMENT_HEADER + table + SEGMENT_FOOTER))
        return err_errno(e, errno, "cannot write the packed log");
    return 0;
}

int64_t log_encoder_pack(struct log_encoder *c, int from, int64_t size, int to, struct err *e)
{
    int64_t at = 0, written = 0;
    uint32_t n = 0;

    if (size <= 0 || size > LOG_SEGMENT_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "A log of this size is not packed.");
    for (; at < size; n++) {
        size_t bytes = size - at < (int64_t)LOG_SEGMENT_FRAME ? (size_t)(size - at) : LOG_SEGMENT_FRAME;

        if (c->quit && atomic_load(c->quit))
            return err_set(e, ERR_BUSY, "The server is shutting down.");
        int64_t packed = pack_frame(c, from, at, bytes, e);
        if (packed < 0)
            return -1;
        if (fs_write_all(to, c->packed, (size_t)packed))
            return err_errno(e, errno, "cannot write the packed log");
        at += (int64_t)bytes;
        written += packed;
        put_number(c->index + SEGMENT_HEADER + (size_t)n * SEGMENT_ENTRY, (uint64_t)written, SEGMENT_ENTRY);
    }
    if (write_index(c, n, size, to, e))
        return -1;
    return written + (int64_t)(SEGMENT_HEADER + (size_t)n * SEGMENT_ENTRY + SEGMENT_FOOTER);
}
