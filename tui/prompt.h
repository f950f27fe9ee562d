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
    char mark;      /* '/', ':', PROMPT_ANSWER or 0 */
    char label[64]; /* in place of the mark: "Hours: " */
    char text[256];
    size_t len;
    prompt_words words; /* for Tab, or NULL */
};

#define PROMPT_ANSWER '=' /* a view asked for a text */

/* Opens it with a text to begin with. */
void prompt_open(struct prompt *p, char mark, const char *text, prompt_words words);
/* Opens it for an answer, behind a label. */
void prompt_ask(struct prompt *p, const char *label, const char *text);
/* Takes a key. On PROMPT_DONE the text is in `text`; the caller closes it by setting `mark` to 0. */
enum prompt_end prompt_key(struct prompt *p, int key);
/* Draws it on a row, with a cursor block. */
void prompt_draw(const struct prompt *p, struct canvas *c, int row);

#endif
