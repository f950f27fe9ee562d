/* SPDX-License-Identifier: MIT
 *
 * The one language of states: glyph, ASCII letter, colour and word of each, as in portal and documents. Never a colour
 * alone.
 */
#ifndef DROVER_TUI_WORDS_H
#define DROVER_TUI_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* What a person is told; several wire states fold into one. */
enum word_state {
    WORD_UNKNOWN,
    WORD_WAITING,
    WORD_STARTING,
    WORD_RUNNING,
    WORD_STOPPING,
    WORD_SUCCEEDED,
    WORD_FAILED,
    WORD_STOPPED,
    WORD_DEBUG,
    WORD_COUNT
};

/* Roles of colour; a theme or an escape sequence gives each its value. */
enum word_colour {
    COLOUR_DEFAULT,
    COLOUR_ORANGE,
    COLOUR_SKY,
    COLOUR_BLUE,
    COLOUR_GREEN,
    COLOUR_VERMILLION,
    COLOUR_PURPLE,
    COLOUR_GREY,
    COLOUR_COUNT
};

/* One row of the table. Constant. */
struct word {
    const char *glyph; /* UTF-8, one column */
    const char *ascii; /* one byte */
    const char *text;  /* "Waiting" */
    enum word_colour colour;
    bool final; /* nothing follows by itself */
};

/* The row of a state; of WORD_UNKNOWN when out of range. Never NULL. Any thread. */
const struct word *words_get(enum word_state state);
/* From the API's words: `state` ("RUNNING"), `sub` (subState, may be NULL) and `execution` (executionType, may be
 * NULL). A job asked to stop that has not ended is stopping. Any thread. */
enum word_state words_from_wire(const char *state, const char *sub, const char *execution);
/* The API's word for a filter typed by a person ("waiting", "Failed", "RUNNING"); NULL when it is none. */
const char *words_to_wire(const char *typed);
/* Parameters of the SGR escape sequence of a colour ("38;5;214"), with 16 colours or 256; "" for the default. */
const char *words_sgr(enum word_colour colour, bool many);
/* Index of the colour in a terminal's palette, with 16 colours or 256; -1 for the default. */
int words_palette(enum word_colour colour, bool many);

#endif
