/* SPDX-License-Identifier: MIT
 *
 * A dialog of a few fields. It stays open until what it asks for was done: a refusal stands in it in the server's
 * words, and what was typed is not lost.
 */
#ifndef DROVER_TUI_INPUTS_H
#define DROVER_TUI_INPUTS_H

#include <stdbool.h>
#include <stddef.h>

struct canvas;

#define INPUTS_FIELDS 6

/* What a key did. */
enum inputs_end { INPUTS_GOES_ON, INPUTS_SUBMITTED, INPUTS_CANCELLED };

struct inputs_field {
    const char *label; /* constant */
    const char *hint;  /* constant; a line below the field while it has the focus */
    char text[256];
};

/* The dialog. Embedded; closed while `open` is false. */
struct inputs {
    bool open;
    bool waiting; /* for the server's answer */
    char title[128];
    char verb[16];
    char said[512]; /* why it was refused, "" = nothing */
    struct inputs_field fields[INPUTS_FIELDS];
    size_t count;
    size_t focus; /* a field; `count` = the verb, `count` + 1 = Cancel */
};

/* Begins an empty one; the caller adds fields, then opens it by `open`. */
void inputs_begin(struct inputs *f, const char *title, const char *verb);
/* Adds a field with the text that it begins with; its place. */
size_t inputs_add(struct inputs *f, const char *label, const char *hint, const char *text);
/* Takes a key. On INPUTS_SUBMITTED it waits: inputs_refuse or inputs_close ends that. Cancelled it is closed. */
enum inputs_end inputs_key(struct inputs *f, int key);
/* It was refused; it may be changed and sent again. */
void inputs_refuse(struct inputs *f, const char *why);
/* It was done. */
void inputs_close(struct inputs *f);
/* Draws it in the middle. */
void inputs_draw(const struct inputs *f, struct canvas *c);

#endif
