/* SPDX-License-Identifier: MIT
 *
 * How fresh the data are: the server's event stream, with polling where it is not to be had. Says when to ask again.
 */
#ifndef DROVER_TUI_LIVE_H
#define DROVER_TUI_LIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/source.h"
#include "tui/sse.h"

/* The state. Embedded; must not move. */
struct live {
    struct source *source;
    struct sse sse;
    uint64_t stream;   /* number of the stream's question, 0 = none */
    int64_t heard;     /* mono ms of the stream's last bytes, 0 = it is down */
    int64_t retry_at;  /* when to open it again */
    int64_t retry_ms;  /* back-off */
    int64_t asked;     /* mono ms of the last refresh */
    int64_t changed;   /* mono ms of the first change not yet fetched, 0 = none */
    int64_t good;      /* mono ms of the last good answer, 0 = never */
    bool failing;      /* the last answer was an error of the connection */
    char problem[160]; /* its words */
    bool recorded;     /* answers are a recording: always fresh */
};

/* Opens the stream. */
void live_init(struct live *l, struct source *s, bool recorded, int64_t mono);
/* Frees it. */
void live_fini(struct live *l);
/* Whether the result was the stream's; takes it in. */
bool live_result(struct live *l, const struct source_result *r, int64_t mono);
/* Notes how another question went. */
void live_note(struct live *l, const struct source_result *r, int64_t mono);
/* Whether it is time to ask for the data again; call often. */
bool live_due(struct live *l, int64_t mono);
/* Age of the data in ms once it deserves to be shown (more than 5 s, and no fresh stream), else 0. */
int64_t live_age(const struct live *l, int64_t mono);
/* Milliseconds until live_due may turn true or the age changes. */
int live_wait(const struct live *l, int64_t mono);

#endif
