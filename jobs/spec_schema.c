/* SPDX-License-Identifier: MIT
 *
 * The schema engine: walks a document beside its tables and names the first place that does not fit.
 */
#include "jobs/spec_schema.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/doc.h"
#include "base/err.h"
#include "jobs/spec_place.h"

/* Keys longer than this get no "did you mean". */
#define HINT_MAX 40
#define LABEL_SIZE 160
#define EXACT_MAX 9e15
/* As Kubernetes has it for the names of OpenPAI's task roles. */
#define IDENTIFIER_MAX 63

/* A value on its way through the checks. */
struct visit {
    const struct spec_field *field;
    const struct doc *value;
    const struct spec_place *place;
    struct err *e;
};

typedef int kind_fn(const struct visit *v);

static int check_value(const struct spec_field *field, const struct doc *value, const struct spec_place *place,
                       struct err *e);

/* ---- messages ---- */

/* `instances`, or for a list's entry `entry 2 of "commands"`, as the subject of a sentence. */
static const char *label(const struct visit *v, char out[LABEL_SIZE])
{
    const struct spec_place *p = v->place;

    if (p && p->key)
        snprintf(out, LABEL_SIZE, "\"%.100s\"", p->key);
    else if (p && p->up && p->up->key)
        snprintf(out, LABEL_SIZE, "entry %zu of \"%.100s\"", p->index + 1, p->up->key);
    else
        snprintf(out, LABEL_SIZE, "%s", v->field->key);
    return out;
}

/* Where an object stands: `in task role "main"`, `at the top level`. */
static const char *object_label(const struct spec_object *o, const struct spec_place *p, char out[LABEL_SIZE])
{
    if (!p)
        snprintf(out, LABEL_SIZE, "at the top level");
    else if (!p->key)
        snprintf(out, LABEL_SIZE, "in %s %zu", o->what, p->index + 1);
    else if (strcmp(p->key, o->what) != 0)
        snprintf(out, LABEL_SIZE, "in %s \"%.100s\"", o->what, p->key);
    else
        snprintf(out, LABEL_SIZE, "in \"%s\"", o->what);
    return out;
}

static const char *article(const char *noun)
{
    return strchr("aeiou", noun[0]) ? "an" : "a";
}

/* What to do about a scalar of the wrong type, where that is clear. */
static const char *advice(const struct visit *v)
{
    const struct doc *d = v->value;

    if (v->field->kind == SPEC_STRING && d->type != DOC_LIST && d->type != DOC_MAP && d->type != DOC_NULL)
        return "; put it in quotes";
    if (v->field->kind == SPEC_INT && d->quoted && d->text_len > 0 && strspn(d->text, "0123456789") == d->text_len)
        return "; take the quotes away";
    return "";
}

static int wrong_type(const struct visit *v, const char *wanted)
{
    char name[LABEL_SIZE];
    const char *is = doc_type_name(v->value->type);
    const char *an = v->value->type == DOC_NULL ? "" : article(is);

    return spec_place_fail(v->place, v->value, v->e, "%s must be %s, not %s%s%s%s", label(v, name), wanted, an,
                           an[0] ? " " : "", is, advice(v));
}

/* What is counted, for one and for more; empty for a plain value. */
struct unit {
    const char *one, *more;
};

static const struct unit no_unit = {"", ""}, characters = {" character", " characters"},
                         entries = {" entry", " entries"};

static int check_range(const struct visit *v, int64_t have, const struct unit *unit)
{
    const struct spec_field *f = v->field;
    bool below = have < f->min;
    int64_t bound = below ? f->min : f->max;
    char name[LABEL_SIZE];

    if (!below && (!f->max || have <= f->max))
        return 0;
    return spec_place_fail(v->place, v->value, v->e, "%s must %s %s%s %lld%s, not %lld", label(v, name),
                           unit->one[0] ? "have" : "be", f->minus_one ? "-1 or " : "", below ? "at least" : "at most",
                           (long long)bound, bound == 1 ? unit->one : unit->more, (long long)have);
}

/* ---- "did you mean" ---- */

/* Edits (insert, drop, change, each 1) that make `a` of `b`, letters without case; HINT_MAX + 1 when too long. */
static size_t distance(const char *a, const char *b)
{
    size_t row[HINT_MAX + 1];
    size_t la = strlen(a), lb = strlen(b);

    if (la > HINT_MAX || lb > HINT_MAX)
        return HINT_MAX + 1;
    for (size_t j = 0; j <= lb; j++)
        row[j] = j;
    for (size_t i = 1; i <= la; i++) {
        size_t corner = row[0]; /* of the row above, left */

        row[0] = i;
        for (size_t j = 1; j <= lb; j++) {
            size_t change = corner + (strncasecmp(&a[i - 1], &b[j - 1], 1) != 0);
            size_t drop = row[j] + 1, insert = row[j - 1] + 1;

            corner = row[j];
            row[j] = change < drop ? change : drop;
            row[j] = row[j] < insert ? row[j] : insert;
        }
    }
    return row[lb];
}

/* Whether `key` is the beginning of a field's name, without case. */
static bool is_start(const char *key, const char *field)
{
    return strlen(key) >= 4 && strncasecmp(key, field, strlen(key)) == 0;
}

/* The field that a mistyped key may mean, or NULL. */
static const char *hint(const struct spec_object *o, const char *key)
{
    const char *best = NULL;
    size_t best_distance = strlen(key) < 5 ? 2 : 3; /* exclusive */

    for (const struct spec_field *f = o->fields; f->key; f++) {
        size_t d = is_start(key, f->key) ? 1 : distance(key, f->key);

        if (d < best_distance) {
            best = f->key;
            best_distance = d;
        }
    }
    return best;
}

static int unknown_key(const struct spec_object *o, const struct doc *child, const struct spec_place *place,
                       struct err *e)
{
    struct spec_place here = spec_place_step(place, child, 0);
    const char *meant = hint(o, child->key);
    char where[LABEL_SIZE];

    (void)object_label(o, place, where);
    if (meant)
        return spec_place_fail_key(&here, child, e, "unknown key \"%.100s\" %s; did you mean \"%s\"?", child->key,
                                   where, meant);
    return spec_place_fail_key(&here, child, e, "unknown key \"%.100s\" %s", child->key, where);
}

/* ---- kinds ---- */

static int check_words(const struct visit *v)
{
    const char *const *words = v->field->words;
    char name[LABEL_SIZE], list[LABEL_SIZE];
    size_t at = 0;

    if (!words)
        return 0;
    for (size_t i = 0; words[i]; i++)
        if (!strcmp(words[i], v->value->text))
            return 0;
    list[0] = '\0';
    for (size_t i = 0; words[i] && at < sizeof(list); i++)
        at += (size_t)snprintf(list + at, sizeof(list) - at, "%s\"%s\"", i ? ", " : "", words[i]);
    return spec_place_fail(v->place, v->value, v->e, "%s must be %s%s, not \"%.100s\"", label(v, name),
                           words[1] ? "one of " : "", list, v->value->text);
}

static int check_string(const struct visit *v)
{
    const struct spec_field *f = v->field;
    const char *why;
    char name[LABEL_SIZE];

    if (v->value->type != DOC_STRING)
        return wrong_type(v, "a string");
    if (f->min == 1 && v->value->text_len == 0)
        return spec_place_fail(v->place, v->value, v->e, "%s must not be empty", label(v, name));
    if (check_range(v, (int64_t)v->value->text_len, &characters))
        return -1;
    why = f->rule ? f->rule(v->value->text) : NULL;
    if (why)
        return spec_place_fail(v->place, v->value, v->e, "%s %s, not \"%.100s\"", label(v, name), why, v->value->text);
    return check_words(v);
}

static int check_text(const struct visit *v)
{
    if (v->value->type != DOC_STRING && v->value->type != DOC_INT && v->value->type != DOC_FLOAT)
        return wrong_type(v, "a string");
    return check_words(v);
}

/* The integer that a scalar stands for, written as 2 or as 2.0. */
static bool as_integer(const struct doc *d, int64_t *out)
{
    if (d->type == DOC_INT) {
        *out = d->integer;
        return true;
    }
    /* within what a double counts exactly; the comparisons refuse infinities and NaN, too */
    if (d->type != DOC_FLOAT || !(d->number > -EXACT_MAX && d->number < EXACT_MAX))
        return false;
    *out = (int64_t)d->number;
    if ((double)*out < d->number || (double)*out > d->number)
        return false;
    return true;
}

static int check_int(const struct visit *v)
{
    int64_t have = 0;

    if (!as_integer(v->value, &have))
        return wrong_type(v, "an integer");
    if (v->field->minus_one && have == -1)
        return 0;
    return check_range(v, have, &no_unit);
}

static int check_bool(const struct visit *v)
{
    return v->value->type == DOC_BOOL ? 0 : wrong_type(v, "true or false");
}

static int check_list(const struct visit *v)
{
    size_t i = 0;

    if (v->value->type != DOC_LIST)
        return wrong_type(v, "a list");
    if (check_range(v, (int64_t)v->value->count, &entries))
        return -1;
    for (const struct doc *c = v->value->first; c; c = c->next, i++) {
        struct spec_place here = spec_place_step(v->place, c, i);

        if (check_value(v->field->of, c, &here, v->e))
            return -1;
    }
    return 0;
}

static int check_dict(const struct visit *v)
{
    size_t i = 0;

    if (v->value->type != DOC_MAP)
        return wrong_type(v, "a map");
    if (check_range(v, (int64_t)v->value->count, &entries))
        return -1;
    for (const struct doc *c = v->value->first; c; c = c->next, i++) {
        struct spec_place here = spec_place_step(v->place, c, i);
        const char *why = v->field->rule ? v->field->rule(c->key) : NULL;

        if (why)
            return spec_place_fail_key(&here, c, v->e, "the name of %s %s %s, not \"%.100s\"",
                                       article(v->field->of->key), v->field->of->key, why, c->key);
        if (check_value(v->field->of, c, &here, v->e))
            return -1;
    }
    return 0;
}

static int check_object(const struct visit *v)
{
    if (v->value->type != DOC_MAP)
        return wrong_type(v, "a map");
    return spec_schema_check(v->field->object, v->value, v->place, v->e);
}

static int check_map(const struct visit *v)
{
    return v->value->type == DOC_MAP ? 0 : wrong_type(v, "a map");
}

static kind_fn *const kinds[SPEC_KIND_COUNT] = {
    [SPEC_STRING] = check_string, [SPEC_TEXT] = check_text, [SPEC_INT] = check_int, [SPEC_BOOL] = check_bool,
    [SPEC_LIST] = check_list,     [SPEC_DICT] = check_dict, [SPEC_MAP] = check_map, [SPEC_OBJECT] = check_object,
};

static int check_value(const struct spec_field *field, const struct doc *value, const struct spec_place *place,
                       struct err *e)
{
    struct visit v = {.field = field, .value = value, .place = place, .e = e};

    return kinds[field->kind](&v);
}

/* ---- objects ---- */

static const struct spec_field *find_field(const struct spec_object *o, const char *key)
{
    for (const struct spec_field *f = o->fields; f->key; f++)
        if (f->key[0] == key[0] && !strcmp(f->key, key))
            return f;
    return NULL;
}

static int check_required(const struct spec_object *o, const struct doc *map, const struct spec_place *place,
                          struct err *e)
{
    char where[LABEL_SIZE];

    for (const struct spec_field *f = o->fields; f->key; f++) {
        const struct doc *given = doc_get(map, f->key);

        if (!f->required || (given && given->type != DOC_NULL))
            continue;
        if (given) {
            struct spec_place here = spec_place_step(place, given, 0);

            return spec_place_fail(&here, given, e, "\"%s\" is empty %s", f->key, object_label(o, place, where));
        }
        return spec_place_fail_key(place, map, e, "\"%s\" is missing %s", f->key, object_label(o, place, where));
    }
    return 0;
}

int spec_schema_check(const struct spec_object *object, const struct doc *map, const struct spec_place *place,
                      struct err *e)
{
    for (const struct doc *c = map->first; c; c = c->next) {
        struct spec_place here = spec_place_step(place, c, 0);
        const struct spec_field *f = find_field(object, c->key);

        if (!f && !object->open)
            return unknown_key(object, c, place, e);
        if (f && c->type != DOC_NULL && check_value(f, c, &here, e))
            return -1;
    }
    return check_required(object, map, place, e);
}

/* ---- reading what was checked ---- */

const struct doc *spec_schema_get(const struct doc *map, const char *key)
{
    const struct doc *d = doc_get(map, key);

    return d && d->type != DOC_NULL ? d : NULL;
}

const char *spec_schema_string(const struct doc *map, const char *key, const char *fallback)
{
    const struct doc *d = spec_schema_get(map, key);

    return d ? d->text : fallback;
}

int64_t spec_schema_int(const struct doc *map, const char *key, int64_t fallback)
{
    const struct doc *d = spec_schema_get(map, key);
    int64_t out = fallback;

    if (d)
        (void)as_integer(d, &out);
    return out;
}

bool spec_schema_bool(const struct doc *map, const char *key, bool fallback)
{
    const struct doc *d = spec_schema_get(map, key);

    return d ? d->integer != 0 : fallback;
}

/* ---- rules ---- */

static bool only(const char *text, const char *others)
{
    for (const char *c = text; *c; c++) {
        bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9');

        if (!letter && !strchr(others, *c))
            return false;
    }
    return text[0] != '\0';
}

const char *spec_schema_name(const char *text)
{
    return only(text, "-_") ? NULL : "must be of letters, digits, \"-\" and \"_\" only";
}

const char *spec_schema_identifier(const char *text)
{
    if (strlen(text) > IDENTIFIER_MAX)
        return "must be of at most 63 characters";
    if (only(text, "_") && !(text[0] >= '0' && text[0] <= '9'))
        return NULL;
    return "must be of letters, digits and \"_\" only and must not begin with a digit";
}
