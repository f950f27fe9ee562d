/* SPDX-License-Identifier: MIT
 *
 * Rendering of tables and values. Every cell goes through utf8_safe once, when it is measured; what is printed is what
 * was measured, so columns align whatever a name holds.
 */
#include "tui/output.h"

#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "base/json.h"
#include "base/utf8.h"
#include "tui/foreign.h"
#include "tui/term.h"

struct output_value {
    const char *text;
    enum word_colour colour;
};

struct output {
    struct arena *arena;
    const struct table_column *columns;
    size_t count;
    size_t rows;
    struct output_value *cells;       /* rows x count */
    size_t chosen[TABLE_MAX_COLUMNS]; /* indices into columns */
    size_t chosen_count;              /* 0 = no choice was made */
};

static const char *const output_words[] = {
    [OUTPUT_TABLE] = "table", [OUTPUT_WIDE] = "wide", [OUTPUT_JSON] = "json",
    [OUTPUT_YAML] = "yaml",   [OUTPUT_NAME] = "name", [OUTPUT_CSV] = "csv",
};

int output_format_parse(const char *word, enum output_format *out)
{
    for (size_t i = 0; i < sizeof output_words / sizeof *output_words; i++) {
        if (!strcmp(word, output_words[i])) {
            *out = (enum output_format)i;
            return 0;
        }
    }
    return -1;
}

struct output *output_create(struct arena *a, const struct table_column *columns, size_t count, size_t rows)
{
    struct output *o = arena_alloc(a, sizeof *o);

    if (!o || count > TABLE_MAX_COLUMNS)
        return NULL;
    *o = (struct output){.arena = a, .columns = columns, .count = count, .rows = rows};
    o->cells = arena_calloc(a, rows * count + 1, sizeof *o->cells);
    return o->cells ? o : NULL;
}

void output_cell(struct output *o, size_t row, size_t column, const char *text, enum word_colour colour)
{
    if (row < o->rows && column < o->count)
        o->cells[row * o->count + column] = (struct output_value){text, colour};
}

static int output_choose_one(struct output *o, const char *key, size_t len, struct err *e)
{
    for (size_t i = 0; i < o->count; i++) {
        if (strlen(o->columns[i].key) == len && !strncasecmp(o->columns[i].key, key, len)) {
            if (o->chosen_count == TABLE_MAX_COLUMNS)
                return err_set(e, ERR_INVALID_PARAMETERS, "Too many columns in --columns.");
            o->chosen[o->chosen_count++] = i;
            return 0;
        }
    }
    return err_set(e, ERR_INVALID_PARAMETERS, "There is no column \"%.*s\" here.", (int)len, key);
}

int output_choose(struct output *o, const char *keys, struct err *e)
{
    while (*keys) {
        size_t len = strcspn(keys, ",");

        if (len && output_choose_one(o, keys, len, e))
            return -1;
        keys += len + (keys[len] == ',');
    }
    return 0;
}

/* The columns of this rendering, as indices. */
static size_t output_columns(const struct output *o, bool all, size_t *index)
{
    size_t n = 0;

    if (o->chosen_count) {
        memcpy(index, o->chosen, o->chosen_count * sizeof *index);
        return o->chosen_count;
    }
    for (size_t i = 0; i < o->count; i++) {
        if (all || o->columns[i].rank < 10)
            index[n++] = i;
    }
    return n;
}

static const struct output_value *output_at(const struct output *o, size_t row, size_t column)
{
    return &o->cells[row * o->count + column];
}

static const char *output_safe(const struct output *o, const char *text)
{
    struct buf b;
    char *copy;

    if (!text || !*text)
        return "-";
    buf_init(&b, 1 << 16);
    (void)utf8_safe(&b, text, strlen(text), false, false);
    copy = arena_strdup(o->arena, buf_str(&b));
    buf_fini(&b);
    return copy ? copy : "-";
}

static void output_pad(struct buf *out, int n)
{
    while (n-- > 0)
        (void)buf_addc(out, ' ');
}

/* One cell of exactly `width` columns, cut with an ellipsis where it is too long; `last` leaves no trailing blanks. */
static void output_fit(const struct term *t, const struct output_value *v, int width, int align, struct buf *out)
{
    int used = 0;
    size_t len = strlen(v->text);
    bool cut = utf8_width(v->text, len) > width;
    size_t n = utf8_fit(v->text, len, cut ? width - 1 : width, &used);
    const char *sgr = words_sgr(v->colour, t->many);

    used += cut;
    if (align > 0)
        output_pad(out, width - used);
    if (t->colour && *sgr)
        (void)buf_addf(out, "\033[%sm", sgr);
    (void)buf_add(out, v->text, n);
    if (cut)
        (void)buf_adds(out, t->utf8 ? "…" : "~");
    if (t->colour && *sgr)
        (void)buf_adds(out, "\033[0m");
    if (align == 0)
        output_pad(out, width - used);
}

/* The columns of one rendering and their widths. */
struct output_shape {
    struct table_column columns[TABLE_MAX_COLUMNS];
    int width[TABLE_MAX_COLUMNS];
    size_t count;
};

static void output_line(const struct term *t, const struct output_value *row, const struct output_shape *shape,
                        struct buf *out)
{
    size_t last = 0;
    bool first = true;

    for (size_t i = 0; i < shape->count; i++) {
        if (shape->width[i])
            last = i;
    }
    for (size_t i = 0; i < shape->count; i++) {
        if (!shape->width[i])
            continue;
        if (!first)
            output_pad(out, TABLE_GAP);
        first = false;
        output_fit(t, &row[i], shape->width[i], shape->columns[i].right ? 1 : i == last ? -1 : 0, out);
    }
    (void)buf_addc(out, '\n');
}

static int output_table(const struct output *o, bool wide, const struct term *t, struct buf *out)
{
    size_t index[TABLE_MAX_COLUMNS];
    size_t n = output_columns(o, wide, index);
    struct output_shape shape = {.count = n};
    int want[TABLE_MAX_COLUMNS];
    struct output_value *safe = arena_calloc(o->arena, (o->rows + 1) * n + 1, sizeof *safe);

    if (!safe)
        return -1;
    for (size_t i = 0; i < n; i++) {
        shape.columns[i] = o->columns[index[i]];
        safe[i] = (struct output_value){shape.columns[i].title, COLOUR_GREY};
        want[i] = utf8_width(safe[i].text, strlen(safe[i].text));
        for (size_t r = 0; r < o->rows; r++) {
            const struct output_value *v = output_at(o, r, index[i]);
            const char *text = output_safe(o, v->text);
            int w = utf8_width(text, strlen(text));

            safe[(r + 1) * n + i] = (struct output_value){text, v->colour};
            want[i] = w > want[i] ? w : want[i];
        }
    }
    table_layout(shape.columns, n, want, wide || o->chosen_count ? 0 : t->width, shape.width);
    for (size_t r = 0; r <= o->rows; r++)
        output_line(t, &safe[r * n], &shape, out);
    return out->bad ? -1 : 0;
}

/* A cell that a spreadsheet would take for a formula gets an apostrophe (S17); a plain number does not. */
static bool output_is_formula(const char *text)
{
    const char *digits = text + (*text == '-');

    if (!strchr("=+-@\t\r", *text))
        return false;
    return !*digits || strspn(digits, "0123456789.") != strlen(digits);
}

static void output_csv_cell(const char *text, struct buf *out)
{
    bool quote;

    if (!text || !*text)
        return;
    quote = strpbrk(text, ",\"\r\n") || *text == ' ' || output_is_formula(text);
    if (quote)
        (void)buf_addc(out, '"');
    if (output_is_formula(text))
        (void)buf_addc(out, '\'');
    for (; *text; text++) {
        if (*text == '"')
            (void)buf_addc(out, '"');
        (void)buf_addc(out, *text);
    }
    if (quote)
        (void)buf_addc(out, '"');
}

static int output_csv(const struct output *o, struct buf *out)
{
    size_t index[TABLE_MAX_COLUMNS];
    size_t n = output_columns(o, true, index);

    for (size_t i = 0; i < n; i++) {
        (void)buf_adds(out, i ? "," : "");
        output_csv_cell(o->columns[index[i]].key, out);
    }
    (void)buf_adds(out, "\r\n");
    for (size_t r = 0; r < o->rows; r++) {
        for (size_t i = 0; i < n; i++) {
            (void)buf_adds(out, i ? "," : "");
            output_csv_cell(output_at(o, r, index[i])->text, out);
        }
        (void)buf_adds(out, "\r\n");
    }
    return out->bad ? -1 : 0;
}

int output_render(const struct output *o, enum output_format format, const struct term *t, struct buf *out)
{
    if (format == OUTPUT_CSV)
        return output_csv(o, out);
    if (format != OUTPUT_NAME)
        return output_table(o, format == OUTPUT_WIDE, t, out);
    for (size_t r = 0; r < o->rows; r++)
        (void)buf_addf(out, "%s\n", output_safe(o, output_at(o, r, 0)->text));
    return out->bad ? -1 : 0;
}

/* Type and text of a scalar. */
static void output_scalar(struct arena *a, const cJSON *value, struct doc *d)
{
    double n = value->valuedouble;

    if (cJSON_IsString(value)) {
        d->type = DOC_STRING;
        d->text = value->valuestring;
    } else if (cJSON_IsBool(value)) {
        d->type = DOC_BOOL;
        d->integer = cJSON_IsTrue(value);
        d->text = d->integer ? "true" : "false";
    } else if (cJSON_IsNumber(value) && n > -9e15 && n < 9e15 && (double)(int64_t)n == n) {
        d->type = DOC_INT;
        d->integer = (int64_t)n;
        d->number = n;
        d->text = arena_printf(a, "%lld", (long long)d->integer);
    } else if (cJSON_IsNumber(value)) {
        d->type = DOC_FLOAT;
        d->number = n;
        d->text = arena_printf(a, "%.15g", n);
    } else {
        d->type = DOC_NULL;
        d->text = "null";
    }
    d->text_len = d->text ? strlen(d->text) : 0;
}

/* The value as a tree; NULL when out of memory. Its depth is bounded by the JSON gate. */
static struct doc *output_doc(struct arena *a, const cJSON *value)
{
    struct doc *d = arena_alloc(a, sizeof *d);
    struct doc **next;

    if (!d)
        return NULL;
    if (cJSON_IsArray(value) || cJSON_IsObject(value))
        d->type = cJSON_IsArray(value) ? DOC_LIST : DOC_MAP;
    else
        output_scalar(a, value, d);
    d->key = value->string;
    next = &d->first;
    for (const cJSON *child = value->child; child; child = child->next) {
        *next = output_doc(a, child);
        if (!*next)
            return NULL;
        next = &(*next)->next;
        d->count++;
    }
    return d;
}

int output_yaml(const cJSON *value, struct buf *out)
{
    struct arena *a = arena_create(256u << 20);
    struct doc *d = a ? output_doc(a, value) : NULL;
    int rc = d ? doc_write_yaml(out, d) : -1;

    arena_destroy(a);
    return rc;
}

void output_coloured(const struct term *t, enum word_colour colour, const char *text, struct buf *out)
{
    const char *sgr = words_sgr(colour, t->many);
    bool on = t->colour && *sgr;

    if (on)
        (void)buf_addf(out, "\033[%sm", sgr);
    (void)utf8_safe(out, text, strlen(text), false, false);
    if (on)
        (void)buf_adds(out, "\033[0m");
}

int output_foreign(const struct term *t, const char *bytes, size_t len, FILE *f)
{
    struct foreign state = {.tail_len = 0};
    struct buf b;
    int rc;

    if (!t->tty)
        return fwrite(bytes, 1, len, f) == len ? 0 : -1;
    buf_init(&b, 256u << 20);
    rc = foreign_add(&state, bytes, len, &b) || foreign_end(&state, &b) ? -1 : 0;
    if (!rc)
        rc = fwrite(buf_str(&b), 1, b.len, f) == b.len ? 0 : -1;
    buf_fini(&b);
    return rc;
}
