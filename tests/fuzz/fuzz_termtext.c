/* SPDX-License-Identifier: MIT
 *
 * Foreign text on its way to a terminal (foreign.h, canvas.h) and the client's other parsers of foreign bytes. The
 * first byte chooses how the text is cut into pieces; whatever the pieces, the result is the same, and holds nothing
 * that a terminal obeys.
 */
// link: drover_tui
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"
#include "tui/canvas.h"
#include "tui/foreign.h"
#include "tui/sse.h"
#include "tui/transfer.h"

static void check(int ok)
{
    if (!ok)
        abort();
}

static void check_harmless(const char *s, size_t len)
{
    check(utf8_valid(s, len));
    for (size_t i = 0; i < len;) {
        uint32_t cp = 0;
        size_t n = utf8_decode(s + i, len - i, &cp);

        check(n > 0);
        check(cp >= 0x20 || cp == '\n' || cp == '\t');
        check(cp < 0x7f || cp > 0x9f);
        check(!(cp >= 0x202a && cp <= 0x202e) && !(cp >= 0x2066 && cp <= 0x2069));
        i += n;
    }
}

static void in_pieces(const char *s, size_t len, size_t step, struct buf *out)
{
    struct foreign f = {.tail_len = 0};

    for (size_t at = 0; at < len; at += step)
        (void)foreign_add(&f, s + at, len - at < step ? len - at : step, out);
    (void)foreign_end(&f, out);
}

static void ignore_event(void *ctx, const char *type, const char *data)
{
    (void)ctx;
    check(strlen(type) < 64 && strlen(data) <= SSE_LINE_MAX);
}

static void on_canvas(const char *text)
{
    struct canvas c = {.rows = 0};
    struct canvas_pen pen;

    check(canvas_resize(&c, 2, 40) == 0);
    pen = canvas_row(&c, 0, 0);
    canvas_put(&c, &pen, text);
    check(pen.col <= 40);
    pen = (struct canvas_pen){.row = 1, .col = 3, .end = 40};
    canvas_fit(&c, &pen, text, 17, true);
    check(pen.col == 20);
    for (int i = 0; i < 80; i++)
        check_harmless(c.cells[i].text, strlen(c.cells[i].text));
    canvas_fini(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data + 1;
    struct err e = {0};
    struct buf whole;
    struct buf pieces;
    struct sse sse;
    char *line;

    if (size < 1)
        return 0;
    buf_init(&whole, 0);
    buf_init(&pieces, 0);
    in_pieces(text, size - 1, size, &whole);
    in_pieces(text, size - 1, (size_t)data[0] % 9 + 1, &pieces);
    check(whole.len == pieces.len && !memcmp(buf_str(&whole), buf_str(&pieces), whole.len));
    check_harmless(buf_str(&whole), whole.len);
    line = calloc(1, size);
    check(line != NULL);
    memcpy(line, text, size - 1);
    on_canvas(line);
    free(line);
    sse_init(&sse, ignore_event, NULL);
    sse_feed(&sse, text, size - 1);
    sse_fini(&sse);
    (void)transfer_error(400, text, size - 1, &e);
    buf_fini(&whole);
    buf_fini(&pieces);
    return 0;
}
