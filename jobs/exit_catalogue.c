/* SPDX-License-Identifier: MIT
 *
 * From YAML to a catalogue: the YAML gate, then the tables below for what each key may be, then what tables cannot say:
 * that codes and phrases are unique and expressions compile.
 */
#include "jobs/exit_catalogue.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/doc.h"
#include "base/err.h"
#include "base/pattern.h"
#include "jobs/spec_place.h"
#include "jobs/spec_schema.h"

#define CODE_MIN (-8000)
#define CODE_MAX 256
#define TEXT_MAX 400 /* of a reason or a solution, so that a diagnosis stays small */

/* ---- the tables ---- */

static const char *const issuers[] = {"USER_CONTAINER", "PAI_OS", "PAI_RUNTIME",       "PAI_DOCKER",
                                      "PAI_K8S",        "PAI_FC", "PAI_DB_CONTROLLER", NULL};
static const char *const causers[] = {"USER_SUBMISSION",
                                      "USER_CONTAINER",
                                      "USER_STOP",
                                      "USER_SCALEDOWN",
                                      "USER_RETRY",
                                      "USER_UPGRADE",
                                      "USER_UNKNOWN",
                                      "RESOURCE_ALLOCATION_TIMEOUT",
                                      "PAI_OS",
                                      "PAI_DOCKER",
                                      "PAI_RUNTIME",
                                      "PAI_K8S",
                                      "PAI_FC",
                                      "PAI_HW",
                                      "PAI_UNKNOWN",
                                      "UNKNOWN",
                                      NULL};
static const char *const stages[] = {"SUBMITTING", "ALLOCATING", "LAUNCHING", "RUNNING", "COMPLETING", "UNKNOWN", NULL};
static const char *const behaviors[] = {"TRANSIENT", "TRANSIENT_CONFLICT", "PERMANENT", "UNKNOWN", NULL};
static const char *const streams[] = {
    [EXIT_STREAM_ANY] = "any", [EXIT_STREAM_STDOUT] = "stdout", [EXIT_STREAM_STDERR] = "stderr", NULL};

static const char *a_type(const char *text)
{
    return exits_word(exits_type_words(), text) < 0 ? "must be one of OpenPAI's types, such as USER_FAILURE" : NULL;
}

static const char *a_reaction(const char *text)
{
    return exits_word(exits_reaction_words(), text) < 0
               ? "must be NEVER_RETRY, ALWAYS_RETRY, ALWAYS_BACKOFF_RETRY or RETRY_TO_MAX"
               : NULL;
}

static const char *a_category(const char *text)
{
    return exits_word(exits_category_words(), text) < 0 ? "must be none, user, platform, resource, policy or unknown"
                                                        : NULL;
}

static const struct spec_field a_status = {.key = "status", .kind = SPEC_INT, .min = 1, .max = 255};
static const struct spec_field a_solution = {.key = "solution", .kind = SPEC_STRING, .min = 1, .max = TEXT_MAX};

#define LOG_FIELD                                                                                                      \
    {                                                                                                                  \
        .key = "log", .kind = SPEC_STRING, .min = 3, .max = PATTERN_MAX                                                \
    }

static const struct spec_object match_object = {
    .what = "match",
    .fields =
        (const struct spec_field[]){LOG_FIELD,
                                    {.key = "exit", .kind = SPEC_LIST, .min = 1, .max = EXIT_STATUSES, .of = &a_status},
                                    {.key = "in", .kind = SPEC_STRING, .words = streams},
                                    {.key = "confidence", .kind = SPEC_INT, .required = true, .min = 1, .max = 100},
                                    {.key = NULL}}};
static const struct spec_field a_match = {.key = "match", .kind = SPEC_OBJECT, .object = &match_object};

static const struct spec_object entry_object = {
    .what = "entry",
    .fields = (const struct spec_field[]){
        {.key = "code", .kind = SPEC_INT, .required = true, .min = CODE_MIN, .max = CODE_MAX},
        {.key = "phrase",
         .kind = SPEC_STRING,
         .required = true,
         .min = 1,
         .max = EXIT_PHRASE_MAX,
         .rule = spec_schema_identifier},
        {.key = "category", .kind = SPEC_STRING, .required = true, .rule = a_category},
        {.key = "type", .kind = SPEC_STRING, .required = true, .rule = a_type},
        {.key = "issuer", .kind = SPEC_STRING, .words = issuers},
        {.key = "causer", .kind = SPEC_STRING, .words = causers},
        {.key = "stage", .kind = SPEC_STRING, .words = stages},
        {.key = "behavior", .kind = SPEC_STRING, .words = behaviors},
        {.key = "reaction", .kind = SPEC_STRING, .required = true, .rule = a_reaction},
        {.key = "echo", .kind = SPEC_BOOL},
        {.key = "reason", .kind = SPEC_STRING, .required = true, .min = 1, .max = TEXT_MAX},
        {.key = "solution", .kind = SPEC_LIST, .min = 1, .max = EXIT_SOLUTIONS, .of = &a_solution},
        {.key = "match", .kind = SPEC_LIST, .min = 1, .max = EXIT_MATCHES, .of = &a_match},
        {.key = NULL}}};
static const struct spec_field an_entry = {.key = "entry", .kind = SPEC_OBJECT, .object = &entry_object};

static const struct spec_object doubt_object = {
    .what = "doubt",
    .fields = (const struct spec_field[]){LOG_FIELD,
                                          {.key = "factor", .kind = SPEC_INT, .required = true, .min = 1, .max = 100},
                                          {.key = "around", .kind = SPEC_INT, .required = true, .min = 0, .max = 10},
                                          {.key = NULL}}};
static const struct spec_field a_doubt = {.key = "doubt", .kind = SPEC_OBJECT, .object = &doubt_object};

static const struct spec_object catalogue_object = {
    .what = "exit catalogue",
    .fields = (const struct spec_field[]){{.key = "version", .kind = SPEC_INT, .required = true, .min = 1, .max = 1},
                                          {.key = "doubts", .kind = SPEC_LIST, .max = 100, .of = &a_doubt},
                                          {.key = "entries",
                                           .kind = SPEC_LIST,
                                           .required = true,
                                           .min = 1,
                                           .max = EXIT_CATALOGUE_ENTRIES,
                                           .of = &an_entry},
                                          {.key = NULL}}};

/* ---- what they let pass, into structs ---- */

struct whole {
    struct exit_catalogue public; /* the first member */
    struct arena *arena;
};

/* One document on its way. */
struct reading {
    struct whole *into;
    struct err *e;
};

static int refuse(const struct reading *r, const struct doc *at, const char *why)
{
    (void)err_set(r->e, ERR_INVALID_PROTOCOL, "%s", why);
    return err_at(r->e, at->line, at->column);
}

static const char *text_of(const struct reading *r, const struct doc *map, const char *key, const char *fallback)
{
    return arena_strdup(r->into->arena, spec_schema_string(map, key, fallback));
}

/* The expression under "log", if there is one. 0 or -1. */
static int read_log(const struct reading *r, const struct doc *map, struct pattern **out)
{
    const struct doc *d = spec_schema_get(map, "log");

    if (!d)
        return 0;
    *out = pattern_create(d->text, d->text_len, r->e);
    return *out ? 0 : err_at(r->e, d->line, d->column);
}

static int read_match(const struct reading *r, const struct doc *d, const struct exit_entry *entry, bool echo)
{
    struct exit_catalogue *c = &r->into->public;
    struct exit_match *m = &c->matches[c->match_count];
    const struct doc *exit = spec_schema_get(d, "exit");
    const char *in = spec_schema_string(d, "in", streams[EXIT_STREAM_ANY]);

    *m = (struct exit_match){.entry = entry, .echo = echo, .line = d->line};
    for (const struct doc *s = exit ? exit->first : NULL; s; s = s->next)
        m->statuses[m->status_count++] = (int)s->integer;
    m->confidence = (int)spec_schema_int(d, "confidence", 1);
    m->stream = (enum exit_stream)exits_word(streams, in);
    if (read_log(r, d, &m->log))
        return -1;
    c->match_count++; /* only now: what is counted is freed */
    return m->log || exit ? 0 : refuse(r, d, "a match needs exit, log or both");
}

/* Each code and each phrase once. */
static int check_unique(const struct reading *r, const struct exit_entry *x, const struct doc *d)
{
    const struct exit_catalogue *c = &r->into->public;

    for (size_t i = 0; i < c->entry_count; i++) {
        if (c->entries[i].code == x->code)
            return refuse(r, doc_get(d, "code"), "another entry has this code");
        if (!strcmp(c->entries[i].phrase, x->phrase))
            return refuse(r, doc_get(d, "phrase"), "another entry has this phrase");
    }
    return 0;
}

static int read_entry(const struct reading *r, const struct doc *d)
{
    struct exit_catalogue *c = &r->into->public;
    struct exit_entry *x = &c->entries[c->entry_count];
    const struct doc *solution = spec_schema_get(d, "solution"), *match = spec_schema_get(d, "match");
    size_t n = 0;

    *x = (struct exit_entry){
        .code = (int)spec_schema_int(d, "code", 0),
        .phrase = text_of(r, d, "phrase", ""),
        .type = (enum exit_type)exits_word(exits_type_words(), spec_schema_string(d, "type", "")),
        .category = (enum exit_category)exits_word(exits_category_words(), spec_schema_string(d, "category", "")),
        .reaction = (enum exit_reaction)exits_word(exits_reaction_words(), spec_schema_string(d, "reaction", "")),
        .issuer = text_of(r, d, "issuer", "USER_CONTAINER"),
        .causer = text_of(r, d, "causer", "USER_CONTAINER"),
        .stage = text_of(r, d, "stage", "RUNNING"),
        .behavior = text_of(r, d, "behavior", "PERMANENT"),
        .reason = text_of(r, d, "reason", "")};
    for (const struct doc *s = solution ? solution->first : NULL; s; s = s->next)
        x->solution[n++] = arena_strdup(r->into->arena, s->text);
    if (!x->phrase || !x->reason || !x->behavior || (n && !x->solution[n - 1]))
        return err_set(r->e, ERR_INTERNAL, "out of memory");
    if (check_unique(r, x, d))
        return -1;
    c->entry_count++;
    for (const struct doc *m = match ? match->first : NULL; m; m = m->next)
        if (read_match(r, m, x, spec_schema_bool(d, "echo", false)))
            return -1;
    return 0;
}

static int read_doubt(const struct reading *r, const struct doc *d)
{
    struct exit_catalogue *c = &r->into->public;
    struct exit_doubt *x = &c->doubts[c->doubt_count];

    *x = (struct exit_doubt){.factor = (int)spec_schema_int(d, "factor", 100),
                             .around = (int)spec_schema_int(d, "around", 0)};
    if (read_log(r, d, &x->log))
        return -1;
    c->doubt_count++;
    return x->log ? 0 : refuse(r, d, "a doubt needs log");
}

static size_t count_matches(const struct doc *entries)
{
    size_t n = 0;

    for (const struct doc *d = entries->first; d; d = d->next) {
        const struct doc *match = spec_schema_get(d, "match");
        n += match ? match->count : 0;
    }
    return n;
}

/* The entries that catch what no other does must be there. */
static int check_catch_alls(const struct reading *r, const struct doc *at)
{
    static const int codes[] = {0, EXIT_CATCH_STATUS, EXIT_CATCH_BEYOND, EXIT_CATCH_NEGATIVE};

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (!exit_catalogue_find(&r->into->public, codes[i]))
            return refuse(r, at, "the codes 0, 1, 256 and -8000 must be there: they stand for all that have no entry");
    return 0;
}

static int read_document(const struct reading *r, const struct doc *top)
{
    struct exit_catalogue *c = &r->into->public;
    const struct doc *entries = doc_get(top, "entries"), *doubts = spec_schema_get(top, "doubts");
    size_t matches = count_matches(entries), n = doubts ? doubts->count : 0;

    c->entries = arena_calloc(r->into->arena, entries->count, sizeof *c->entries);
    c->matches = arena_calloc(r->into->arena, matches ? matches : 1, sizeof *c->matches);
    c->doubts = arena_calloc(r->into->arena, n ? n : 1, sizeof *c->doubts);
    if (!c->entries || !c->matches || !c->doubts)
        return err_set(r->e, ERR_INTERNAL, "out of memory");
    for (const struct doc *d = entries->first; d; d = d->next)
        if (read_entry(r, d))
            return -1;
    for (const struct doc *d = doubts ? doubts->first : NULL; d; d = d->next)
        if (read_doubt(r, d))
            return -1;
    return check_catch_alls(r, entries);
}

/* ---- life ---- */

struct exit_catalogue *exit_catalogue_parse(const char *text, size_t len, struct err *e)
{
    const struct doc_limits limits = {.bytes = EXIT_CATALOGUE_BYTES, .depth = 8, .nodes = 40000, .aliases = 1};
    struct arena *scratch = arena_create(0);
    struct whole *w = calloc(1, sizeof *w);
    struct reading r = {.into = w, .e = e};
    const struct doc *top = NULL;
    int rc = -1;

    if (w)
        w->arena = arena_create(0);
    if (!scratch || !w || !w->arena) {
        err_set(e, ERR_INTERNAL, "out of memory");
        goto out;
    }
    top = doc_parse_yaml(scratch, text, len, &limits, e);
    if (top && top->type != DOC_MAP) {
        (void)refuse(&r, top, "an exit catalogue is a map of version, doubts and entries");
        goto out;
    }
    rc = top && !spec_schema_check(&catalogue_object, top, NULL, e) ? read_document(&r, top) : -1;
out:
    arena_destroy(scratch);
    if (!rc)
        return &w->public;
    if (w && w->arena)
        exit_catalogue_destroy(&w->public);
    else
        free(w);
    return NULL;
}

void exit_catalogue_destroy(struct exit_catalogue *c)
{
    struct whole *w = (struct whole *)c;

    if (!c)
        return;
    for (size_t i = 0; i < c->match_count; i++)
        pattern_destroy(c->matches[i].log);
    for (size_t i = 0; i < c->doubt_count; i++)
        pattern_destroy(c->doubts[i].log);
    arena_destroy(w->arena);
    free(w);
}

const struct exit_entry *exit_catalogue_find(const struct exit_catalogue *c, int code)
{
    for (size_t i = 0; i < c->entry_count; i++)
        if (c->entries[i].code == code)
            return &c->entries[i];
    return NULL;
}

const struct exit_entry *exit_catalogue_fallback(const struct exit_catalogue *c, int code)
{
    const struct exit_entry *x = NULL;

    if (code > 0 && code < EXIT_CATCH_BEYOND)
        return exit_catalogue_find(c, EXIT_CATCH_STATUS);
    x = exit_catalogue_find(c, code);
    return x ? x : exit_catalogue_find(c, code < 0 ? EXIT_CATCH_NEGATIVE : EXIT_CATCH_BEYOND);
}
