/* SPDX-License-Identifier: MIT
 *
 * Matching and weighing:
 *
 *   every match of the catalogue ─► the last line it fits, of each log ─► weight of the place ─► the best of each entry
 *                                                                                           ─► in order, the first wins
 */
#include "jobs/diagnosis.h"

#include <stdlib.h>
#include <string.h>

#include "base/pattern.h"

/* Weights, in percent. */
#define WEIGHT_LATE 100     /* in the last LATE lines, or in the last traceback */
#define WEIGHT_MIDDLE 92    /* in the last MIDDLE */
#define WEIGHT_EARLY 85     /* before */
#define WEIGHT_OVERTAKEN 55 /* before the last traceback: that is what ended it */
#define WEIGHT_WENT_ON 40   /* the program went on as before */
#define WEIGHT_TRACE_ON 60  /* the same after a traceback: another process may have */
#define WEIGHT_STDOUT 97    /* where both logs tell something, stderr is the more serious */
#define LATE 30
#define MIDDLE 300
#define WENT_ON_LINES 4  /* as many lines of a kind seen before, after the match */
#define TRACE_TAIL 12    /* lines of a message behind a traceback's last */
#define MATCHES_MAX 2000 /* of one expression in one log */
#define NEAR 5           /* lines between those that belong together */
#define FRAME UINT32_MAX
#define SHAPES (1u << 14) /* bits of the set of shapes */

/* A log and what was found out about it once. */
struct weighed_log {
    const struct log_text *text;
    enum exit_stream stream;
    size_t trace_first, trace_last; /* lines of the last traceback with those it came of; first > last: none */
    bool echo;                      /* that one only tells of another process */
    bool fatal;                     /* it stands at the end of the log: it ended the program */
    uint32_t *shapes;               /* of each line, below SHAPES; FRAME: a traceback's source line */
};

/* Lines that an expression fits. */
struct lines {
    size_t first, last;
};

struct work {
    const struct exit_catalogue *catalogue;
    struct pattern_scratch *scratch;
    struct weighed_log logs[2];
    struct diagnosis_guess *found; /* one an entry that matched */
    size_t count;
};

/* ---- the last traceback ---- */

static const char *line_text(const struct log_text *t, size_t i)
{
    return t->text + t->lines[i].at;
}

static bool line_has(const struct log_text *t, size_t i, const char *words)
{
    return memmem(line_text(t, i), t->lines[i].len, words, strlen(words)) != NULL;
}

/* Where "Traceback" stands in line i; -1 = nowhere. What stands before it (a time, a rank) does so in the next lines.
 */
static int trace_column(const struct log_text *t, size_t i)
{
    static const char words[] = "Traceback (most recent call last)";
    const char *at = memmem(line_text(t, i), t->lines[i].len, words, sizeof words - 1);
    return at ? (int)(at - line_text(t, i)) : -1;
}

/* The line behind the frames: the first that is not indented. */
static size_t trace_end(const struct log_text *t, size_t i, int column)
{
    for (i++; i < t->count; i++) {
        const char *text = line_text(t, i);
        size_t skip = (size_t)column < t->lines[i].len ? (size_t)column : 0;

        if (text[skip] != ' ' && text[skip] != '\t')
            return i;
    }
    return t->count - 1;
}

/* Whether the expression fits line i alone, whatever stands in the next one. */
static bool fits_line(struct work *k, const struct pattern *p, const struct log_text *t, size_t i)
{
    struct pattern_span span;
    return pattern_find(p, k->scratch, &(struct pattern_text){line_text(t, i), t->lines[i].len, 0}, &span) > 0;
}

/* Whether line i begins a traceback of Python's that ended something: those of destructors and the like are ignored, as
 * the line above says. */
static int trace_begins(const struct log_text *t, size_t i)
{
    return i > 0 && line_has(t, i - 1, "Exception ignored in") ? -1 : trace_column(t, i);
}

/* The last traceback that ends before line `end`, with those it came of. False when there is none. */
static bool find_trace(struct weighed_log *w, size_t end)
{
    const struct log_text *t = w->text;
    bool found = false;

    for (size_t i = end; i-- > 0;) {
        int column = trace_begins(t, i);

        if (column < 0)
            continue;
        if (!found) {
            w->trace_last = trace_end(t, i, column);
            w->trace_last += w->trace_last + TRACE_TAIL < end ? TRACE_TAIL : end - 1 - w->trace_last;
        }
        found = true;
        w->trace_first = i;
        /* The one before belongs to it where a line between the two says so. */
        if (i == 0 ||
            (!line_has(t, i - 1, "exception was the direct cause") && !line_has(t, i - 1, "During handling of")))
            break;
    }
    return found;
}

/* Whether the traceback only tells that another process has failed. */
static bool is_echo(struct work *k, const struct weighed_log *w)
{
    for (size_t i = 0; i < k->catalogue->match_count; i++) {
        const struct exit_match *m = &k->catalogue->matches[i];

        for (size_t n = w->trace_first; m->echo && m->log && n <= w->trace_last; n++)
            if (fits_line(k, m->log, w->text, n))
                return true;
    }
    return false;
}

/* The traceback that ended the program: the last that is no echo, or the last. */
static void find_end(struct work *k, struct weighed_log *w)
{
    struct weighed_log first;

    w->trace_first = 1;
    w->trace_last = 0;
    if (!find_trace(w, w->text->count))
        return;
    first = *w;
    while (is_echo(k, w))
        if (!find_trace(w, w->trace_first)) {
            *w = first;
            w->echo = true;
            break;
        }
    w->fatal = !w->echo && w->text->count - 1 - w->trace_last < LATE;
}

/* ---- shapes of lines ---- */

/* A line with its numbers left out, as a number: the lines of one loop have one shape. */
static uint32_t shape_of(const char *text, size_t len)
{
    uint32_t h = 2166136261u;
    bool digit = false;

    for (size_t i = 0; i < len && i < 200; i++) {
        bool now = (text[i] >= '0' && text[i] <= '9') || (digit && (text[i] == '.' || text[i] == '-'));

        if (!now || !digit)
            h = (h ^ (unsigned char)(now ? '0' : text[i])) * 16777619u;
        digit = now;
    }
    return (h ^ (h >> 16)) % SHAPES;
}

static int weigh_log(struct work *k, struct weighed_log *w, const struct log_text *t, enum exit_stream stream)
{
    *w = (struct weighed_log){.text = t, .stream = stream};
    find_end(k, w);
    w->shapes = calloc(t->count ? t->count : 1, sizeof *w->shapes);
    for (size_t i = 0, end = 0; w->shapes && i < t->count; i++) {
        int column = trace_column(t, i);

        if (column >= 0)
            end = trace_end(t, i, column);
        w->shapes[i] = i < end ? FRAME : shape_of(line_text(t, i), t->lines[i].len);
    }
    return w->shapes ? 0 : -1;
}

/* Whether after line i there are lines as there were before it. */
static bool went_on(const struct weighed_log *w, size_t i)
{
    uint64_t seen[SHAPES / 64] = {0};
    int again = 0;

    for (size_t k = 0; k < i; k++)
        if (w->shapes[k] != w->shapes[i] && w->shapes[k] != FRAME)
            seen[w->shapes[k] / 64] |= UINT64_C(1) << (w->shapes[k] % 64);
    for (size_t k = i + 1; k < w->text->count && again < WENT_ON_LINES; k++)
        again += w->shapes[k] != FRAME && (seen[w->shapes[k] / 64] >> (w->shapes[k] % 64)) & 1 ? 1 : 0;
    return again >= WENT_ON_LINES;
}

/* ---- weights ---- */

static bool in_trace(const struct weighed_log *w, size_t i)
{
    return i >= w->trace_first && i <= w->trace_last;
}

static int place_weight(const struct work *k, const struct weighed_log *w, size_t i)
{
    const struct weighed_log *other = &k->logs[w == &k->logs[0] ? 1 : 0];
    size_t after = w->text->count - 1 - i;

    if (w->trace_first <= w->trace_last && i < w->trace_first && !w->echo)
        return WEIGHT_OVERTAKEN;
    if (other->fatal && !in_trace(w, i))
        return WEIGHT_OVERTAKEN;
    if (after < LATE || in_trace(w, i))
        return WEIGHT_LATE;
    return after < MIDDLE ? WEIGHT_MIDDLE : WEIGHT_EARLY;
}

/* What all doubts about line i leave, in percent. */
static int doubt_weight(struct work *k, const struct weighed_log *w, size_t i)
{
    const struct log_text *t = w->text;
    int left = 100;

    for (size_t d = 0; d < k->catalogue->doubt_count; d++) {
        const struct exit_doubt *x = &k->catalogue->doubts[d];
        size_t around = (size_t)x->around, first = i > around ? i - around : 0;
        size_t last = i + around < t->count ? i + around : t->count - 1;

        for (size_t n = first; n <= last; n++)
            if (fits_line(k, x->log, t, n)) {
                left = left * x->factor / 100;
                break;
            }
    }
    return left;
}

/* ---- matching ---- */

/* Whether lines `a` and `b` belong to one message: they are near, and no traceback lies between. */
static bool one_message(const struct weighed_log *w, size_t a, size_t b)
{
    for (size_t i = a + 1; i < b; i++)
        if (w->shapes[i] == FRAME)
            return false;
    return b <= a + NEAR;
}

/* The last line that the expression fits, and the first of its message that it fits, which tells more; false when there
 * is none. A program's source, as tracebacks quote it, is no message. */
static bool last_line(struct work *k, const struct pattern *p, const struct weighed_log *w, struct lines *out)
{
    const struct log_text *t = w->text;
    struct pattern_span span;
    size_t from = t->count ? t->lines[0].at : 0;
    bool found = false;

    for (int n = 0; t->count && n < MATCHES_MAX && from < t->len; n++) {
        if (pattern_find(p, k->scratch, &(struct pattern_text){t->text, t->len, from}, &span) <= 0)
            break;
        size_t i = log_text_line(t, span.start);
        const struct log_line *line = &t->lines[i];

        if (w->shapes[i] != FRAME && (span.end <= line->at + line->len || fits_line(k, p, t, i))) {
            if (!found || !one_message(w, out->last, i))
                out->first = i;
            out->last = i;
            found = true;
        }
        from = line->at + line->len + 1;
    }
    return found;
}

/* The line as text that JSON and a terminal can show; where it is long, its begin. */
static void copy_line(char out[DIAGNOSIS_PROOF], const char *text, size_t len)
{
    size_t n = 0;

    while (len && (*text == ' ' || *text == '\t')) {
        text++;
        len--;
    }
    for (size_t i = 0; i < len && n + 1 < DIAGNOSIS_PROOF; i++)
        out[n++] = (unsigned char)text[i] < ' ' || text[i] == 127 ? ' ' : text[i];
    out[n] = '\0';
}

/* Keeps the better of what is known of the entry and this. */
static void take(struct work *k, const struct exit_entry *entry, int confidence, const struct diagnosis_proof *proof)
{
    size_t i = 0;

    while (i < k->count && k->found[i].entry != entry)
        i++;
    if (i < k->count && k->found[i].confidence >= confidence)
        return;
    k->found[i] = (struct diagnosis_guess){.entry = entry, .confidence = confidence, .proof = *proof};
    k->count += i == k->count;
}

static void match_log(struct work *k, const struct exit_match *m, const struct weighed_log *w)
{
    const struct log_text *t = w->text;
    struct diagnosis_proof proof = {.stream = w->stream};
    struct lines fit = {0, 0};

    if ((m->stream != EXIT_STREAM_ANY && m->stream != w->stream) || !last_line(k, m->log, w, &fit))
        return;
    size_t i = fit.last;
    int confidence = m->confidence * place_weight(k, w, i) / 100;
    if (!in_trace(w, i)) /* whoever ends so has not got over it */
        confidence = confidence * doubt_weight(k, w, i) / 100;
    if (went_on(w, i))
        confidence = confidence * (in_trace(w, i) ? WEIGHT_TRACE_ON : WEIGHT_WENT_ON) / 100;
    if (w->stream == EXIT_STREAM_STDOUT)
        confidence = confidence * WEIGHT_STDOUT / 100;
    if (!in_trace(w, i) || in_trace(w, fit.first))
        i = fit.first;
    proof.offset = t->lines[i].offset;
    copy_line(proof.text, line_text(t, i), t->lines[i].len);
    take(k, m->entry, confidence < 1 ? 1 : confidence, &proof);
}

static bool status_fits(const struct exit_match *m, int code)
{
    for (int i = 0; i < m->status_count; i++)
        if (m->statuses[i] == code)
            return true;
    return m->status_count == 0;
}

static void match_all(struct work *k, int code)
{
    static const struct diagnosis_proof none = {.stream = EXIT_STREAM_ANY};

    for (size_t i = 0; i < k->catalogue->match_count; i++) {
        const struct exit_match *m = &k->catalogue->matches[i];

        if (!status_fits(m, code))
            continue;
        if (!m->log)
            take(k, m->entry, m->confidence, &none);
        for (size_t n = 0; m->log && n < sizeof k->logs / sizeof *k->logs; n++)
            match_log(k, m, &k->logs[n]);
    }
}

/* ---- the answer ---- */

/* The surer first; of two that are as sure, the one that stands later. */
static int by_confidence(const void *a, const void *b)
{
    const struct diagnosis_guess *x = a, *y = b;

    if (x->confidence != y->confidence)
        return x->confidence > y->confidence ? -1 : 1;
    if (x->proof.offset != y->proof.offset)
        return x->proof.offset > y->proof.offset ? -1 : 1;
    return x->entry->code < y->entry->code ? -1 : 1;
}

static void answer(struct work *k, int code, struct diagnosis *out)
{
    const struct diagnosis_guess own = {.entry = exit_catalogue_fallback(k->catalogue, code), .confidence = 10};
    size_t from = 0;

    qsort(k->found, k->count, sizeof *k->found, by_confidence);
    out->best = own;
    if (k->count && (k->found[0].confidence >= DIAGNOSIS_SURE || k->found[0].proof.stream == EXIT_STREAM_ANY)) {
        out->best = k->found[0];
        from = 1;
    }
    for (size_t i = from; i < k->count && out->next_count < DIAGNOSIS_NEXT; i++)
        out->next[out->next_count++] = k->found[i];
}

int diagnosis_make(const struct exit_catalogue *c, struct pattern_scratch *s, const struct diagnosis_end *end,
                   struct diagnosis *out)
{
    static const enum exit_stream streams[] = {EXIT_STREAM_STDERR, EXIT_STREAM_STDOUT};
    struct work k = {.catalogue = c, .scratch = s};
    int rc = -1;

    *out = (struct diagnosis){0};
    if (end->platform || end->code <= 0) {
        out->best = (struct diagnosis_guess){.entry = exit_catalogue_fallback(c, end->code), .confidence = 100};
        return 0;
    }
    k.found = calloc(c->entry_count, sizeof *k.found);
    if (!k.found)
        return -1;
    for (size_t i = 0; i < sizeof streams / sizeof *streams; i++)
        if (weigh_log(&k, &k.logs[i], &end->logs[streams[i]], streams[i]))
            goto out;
    match_all(&k, end->code);
    answer(&k, end->code, out);
    rc = 0;
out:
    for (size_t i = 0; i < sizeof k.logs / sizeof *k.logs; i++)
        free(k.logs[i].shapes);
    free(k.found);
    return rc;
}

void diagnosis_verdict(const struct exit_catalogue *c, int code, const struct diagnosis *d, struct exit_verdict *out)
{
    const struct diagnosis_guess *g = &d->best;

    exits_verdict(code, g->entry, out);
    out->from_log = g->proof.stream != EXIT_STREAM_ANY;
    /* What is likely only is told, but an attempt that may help is not taken from anybody for it. */
    if (out->from_log && g->confidence < DIAGNOSIS_RETRY_SURE)
        out->reaction = exit_catalogue_fallback(c, code)->reaction;
}
