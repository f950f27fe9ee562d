/* SPDX-License-Identifier: MIT
 *
 * The states table. Colours follow Okabe and Ito, moved to the nearest of the 256 that is readable on black and on
 * white.
 */
#include "tui/words.h"

#include <strings.h>

static const struct word words[WORD_COUNT] = {
    [WORD_UNKNOWN] = {"?", "?", "Unknown", COLOUR_GREY, false},
    [WORD_WAITING] = {"◔", "w", "Waiting", COLOUR_ORANGE, false},
    [WORD_STARTING] = {"◐", "~", "Starting", COLOUR_SKY, false},
    [WORD_RUNNING] = {"●", "R", "Running", COLOUR_BLUE, false},
    [WORD_STOPPING] = {"◐", "~", "Stopping", COLOUR_SKY, false},
    [WORD_SUCCEEDED] = {"✔", "+", "Succeeded", COLOUR_GREEN, true},
    [WORD_FAILED] = {"✖", "x", "Failed", COLOUR_VERMILLION, true},
    [WORD_STOPPED] = {"■", "s", "Stopped", COLOUR_GREY, true},
    [WORD_DEBUG] = {"⚑", "D", "Debug", COLOUR_PURPLE, true},
};

static const struct {
    const char *state;
    enum word_state word;
} wire[] = {
    {"WAITING", WORD_WAITING},     {"RUNNING", WORD_RUNNING}, {"STOPPING", WORD_STOPPING},
    {"SUCCEEDED", WORD_SUCCEEDED}, {"FAILED", WORD_FAILED},   {"STOPPED", WORD_STOPPED},
};

static const struct {
    const char *sgr16;
    const char *sgr256;
    int index16;
    int index256;
} colours[COLOUR_COUNT] = {
    [COLOUR_DEFAULT] = {"", "", -1, -1},
    [COLOUR_ORANGE] = {"33", "38;5;172", 3, 172},
    [COLOUR_SKY] = {"36", "38;5;74", 6, 74},
    [COLOUR_BLUE] = {"34", "38;5;32", 4, 32},
    [COLOUR_GREEN] = {"32", "38;5;36", 2, 36},
    [COLOUR_VERMILLION] = {"31", "38;5;166", 1, 166},
    [COLOUR_PURPLE] = {"35", "38;5;175", 5, 175},
    /* In 16 colours the grey is not there on every terminal; the default is. */
    [COLOUR_GREY] = {"", "38;5;245", -1, 245},
};

const struct word *words_get(enum word_state state)
{
    return &words[(unsigned)state < WORD_COUNT ? state : WORD_UNKNOWN];
}

enum word_state words_from_wire(const char *state, const char *sub, const char *execution)
{
    enum word_state found = WORD_UNKNOWN;

    for (size_t i = 0; state && i < sizeof wire / sizeof *wire; i++) {
        if (!strcasecmp(state, wire[i].state))
            found = wire[i].word;
    }
    if (found == WORD_UNKNOWN || words[found].final)
        return found;
    if (execution && !strcasecmp(execution, "STOP"))
        return WORD_STOPPING;
    if (found == WORD_WAITING && sub && !strcasecmp(sub, "AttemptPreparing"))
        return WORD_STARTING;
    return found;
}

const char *words_to_wire(const char *typed)
{
    for (size_t i = 0; i < sizeof wire / sizeof *wire; i++) {
        if (!strcasecmp(typed, wire[i].state))
            return wire[i].state;
    }
    return NULL;
}

const char *words_sgr(enum word_colour colour, bool many)
{
    size_t i = (unsigned)colour < COLOUR_COUNT ? (size_t)colour : 0;

    return many ? colours[i].sgr256 : colours[i].sgr16;
}

int words_palette(enum word_colour colour, bool many)
{
    size_t i = (unsigned)colour < COLOUR_COUNT ? (size_t)colour : 0;

    return many ? colours[i].index256 : colours[i].index16;
}
