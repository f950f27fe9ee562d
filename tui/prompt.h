/* SPDX-License-Identifier: MIT
 *
 * The line at the bottom where a filter or a command is typed.
 */
#ifndef DROVER_TUI_PROMPT_H
#define DROVER_TUI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

struct canvas;

/* What a key did. */
enum prompt_end { PROMPT_GOES_ON, PROMPT_DONE, PROMPT_CANCELLED };

/* Words to complete from: NULL-terminated. Borrowed. */
typedef const char *const *prompt_words;

/* The line. Embedded; `mark` 0 = closed. */
struct prompt {
    char mark; /* '/', ':' or 0 */
    char text[256];
    size_t len;
    prompt_words words; /* for Tab, or NULL */
};

/* Opens it with a text to begin with. */
void prompt_open(struct prompt *p, char mark, const char *text, prompt_words words);
/* Takes a key. On PROMPT_DONE the text is in `text`; the caller closes it by setting `mark` to 0. */
enum prompt_end prompt_key(struct prompt *p, int key);
/* Draws it on a row, with a cursor block. */
void prompt_draw(const struct prompt *p, struct canvas *c, int row);

#endif
