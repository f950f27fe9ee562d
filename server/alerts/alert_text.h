/* SPDX-License-Identifier: MIT
 *
 * What an alert says: its labels, by which it is known, and its annotations. Immutable, and counted by who holds it.
 */
#ifndef DROVER_SERVER_ALERTS_ALERT_TEXT_H
#define DROVER_SERVER_ALERTS_ALERT_TEXT_H

#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <stddef.h>

struct err;

enum { ALERT_LABELS_MAX = 32, ALERT_TEXT_BYTES = 16 << 10, ALERT_PRINT_SIZE = 17 };

struct alert_pair {
    const char *name, *value;
};

struct alert_text {
    atomic_int refs;
    char print[ALERT_PRINT_SIZE]; /* the fingerprint of its labels: 16 hexadecimal digits */
    int label_count, note_count;
    struct alert_pair labels[ALERT_LABELS_MAX]; /* by name, none empty */
    struct alert_pair notes[ALERT_LABELS_MAX];
    char *labels_json, *notes_json; /* objects */
};

/* Copies. NULL on out of memory, or more than ALERT_LABELS_MAX of either; held once. */
struct alert_text *alert_text_create(const struct alert_pair *labels, int label_count, const struct alert_pair *notes,
                                     int note_count);
/* The same from two objects of strings (`notes` NULL: none), as others or we ourselves wrote them: names are those of
 * Prometheus, there is an alertname, and all is within bounds. NULL with ERR_INVALID_PARAMETERS. */
struct alert_text *alert_text_read(const cJSON *labels, const cJSON *notes, struct err *e);
/* Holds it once more. Any thread, as the next. */
struct alert_text *alert_text_get(struct alert_text *t);
/* NULL ok. */
void alert_text_put(struct alert_text *t);
/* The value of a label; "" where there is none. */
const char *alert_text_label(const struct alert_text *t, const char *name);
/* The same of its annotations. */
const char *alert_text_note(const struct alert_text *t, const char *name);

#endif
