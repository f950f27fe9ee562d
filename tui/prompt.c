/* SPDX-License-Identifier: MIT
 *
 * A minimal line editor: typing, Backspace, Ctrl-U, Tab for the longest common completion.
 */
#include "tui/prompt.h"

#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "tui/canvas.h"
#include "tui/keys.h"

void prompt_open(struct prompt *p, char mark, const char *text, prompt_words words)
{
    *p = (struct prompt){.mark = mark, .words = words};
    snprintf(p->text, sizeof p->text, "%s", text);
    p->len = strlen(p->text);
}

void prompt_ask(struct prompt *p, const char *label, const char *text)
{
    prompt_open(p, PROMPT_ANSWER, text, NULL);
    snprintf(p->label, sizeof p->label, "%s", label);
}

static void prompt_back(struct prompt *p)
{
    while (p->len > 0 && ((unsigned char)p->text[p->len - 1] & 0xc0) == 0x80)
        p->len--;
    if (p->len > 0)
        p->len--;
    p->text[p->len] = '\0';
}

/* Completes the text as a whole: to the only fitting word, or as far as all fitting ones agree. */
static void prompt_complete(struct prompt *p)
{
    const char *first = NULL;
    size_t agreed = 0;
    size_t fitting = 0;

    for (prompt_words w = p->words; w && *w; w++) {
        size_t n = 0;

        if (strncmp(*w, p->text, p->len))
            continue;
        if (!fitting++) {
            first = *w;
            agreed = strlen(first);
        }
        while (n < agreed && (*w)[n] == first[n])
            n++;
        agreed = n;
    }
    if (!first || agreed < p->len || agreed + 2 > sizeof p->text)
        return;
    memcpy(p->text, first, agreed);
    p->text[agreed] = '\0';
    p->len = agreed;
    if (fitting == 1 && p->len && p->text[p->len - 1] != ' ' && agreed + 2 <= sizeof p->text) {
        p->text[p->len++] = ' ';
        p->text[p->len] = '\0';
    }
}

enum prompt_end prompt_key(struct prompt *p, int key)
{
    char bytes[4];
    size_t n;

    if (key == KEYS_ENTER)
        return PROMPT_DONE;
    if (key == KEYS_ESC || key == KEYS_CTRL_C || (key == KEYS_BACKSPACE && p->len == 0 && p->mark != PROMPT_ANSWER))
        return PROMPT_CANCELLED;
    if (key == KEYS_BACKSPACE)
        prompt_back(p);
    else if (key == KEYS_CTRL_U)
        p->text[p->len = 0] = '\0';
    else if (key == KEYS_TAB)
        prompt_complete(p);
    else if (key >= ' ' && key < KEYS_UP && (n = utf8_encode((uint32_t)key, bytes)) && p->len + n < sizeof p->text) {
        memcpy(p->text + p->len, bytes, n);
        p->text[p->len += n] = '\0';
    }
    return PROMPT_GOES_ON;
}

void prompt_draw(const struct prompt *p, struct canvas *c, int row)
{
    struct canvas_pen pen = canvas_row(c, row, CANVAS_BOLD);
    char mark[2] = {p->mark, '\0'};
    int width = canvas_width(p->text);
    const char *text = p->text;

    canvas_fill(c, &pen, " ");
    pen = canvas_row(c, row, CANVAS_BOLD);
    canvas_put(c, &pen, *p->label ? p->label : mark);
    pen.style = 0;
    /* A long text shows its end, where the cursor is. */
    while (width > c->cols - 2 - pen.col && *text) {
        int used;
        size_t n = utf8_fit(text, strlen(text), 2, &used);

        text += n ? n : 1;
        width -= n ? used : 1;
    }
    canvas_put(c, &pen, text);
    pen.style = CANVAS_REVERSE;
    canvas_put(c, &pen, " ");
}
