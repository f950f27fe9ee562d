/* SPDX-License-Identifier: MIT
 *
 * Silences: alerts that match all matchers of one are shown and stored, and nobody is told of them. Alertmanager's
 * semantics: a label that is not there is "", expressions hold for the whole value, and a silence needs a matcher that
 * "" does not match.
 */
#ifndef DROVER_SERVER_ALERTS_ALERT_SILENCE_H
#define DROVER_SERVER_ALERTS_ALERT_SILENCE_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"

struct alert_text;
struct err;
struct json_out;
struct pattern;
struct pattern_scratch;

enum { SILENCE_MATCHERS_MAX = 16, SILENCE_NAME_MAX = 128, SILENCE_VALUE_MAX = 512, SILENCE_COMMENT_MAX = 512 };

struct alert_matcher {
    char name[SILENCE_NAME_MAX], value[SILENCE_VALUE_MAX];
    bool regex, equal;
    struct pattern *pattern; /* of a regex */
};

struct alert_silence {
    struct alert_silence *next; /* the book's */
    char id[ID_SIZE];
    int64_t starts_ms, ends_ms, updated_ms;
    char by[128], comment[SILENCE_COMMENT_MAX];
    int matcher_count;
    struct alert_matcher matchers[SILENCE_MATCHERS_MAX];
};

enum silence_state { SILENCE_PENDING, SILENCE_ACTIVE, SILENCE_EXPIRED };

/* One that has no matcher yet. NULL on out of memory. */
struct alert_silence *silence_create(void);
/* NULL ok. */
void silence_destroy(struct alert_silence *s);

/* Adds a matcher, a copy. 0, or -1 with ERR_INVALID_PARAMETERS. */
struct silence_matcher {
    const char *name, *value;
    bool regex, equal;
};
int silence_add(struct alert_silence *s, const struct silence_matcher *m, struct err *e);
/* Adds those of a JSON array [{name, value, isRegex, isEqual}]. 0 or -1. */
int silence_add_json(struct alert_silence *s, const cJSON *list, struct err *e);
/* Adds one as it is written, `name="value"` with = != =~ or !~, quotes or none. 0 or -1. */
int silence_add_text(struct alert_silence *s, const char *text, struct err *e);
/* Whether it may be one: it has matchers, not all of which match "". 0, or -1 with ERR_INVALID_PARAMETERS. */
int silence_check(const struct alert_silence *s, struct pattern_scratch *scratch, struct err *e);
/* Whether both have the same matchers in the same order. */
bool silence_same(const struct alert_silence *a, const struct alert_silence *b);
/* The matchers as an array of that shape. */
void silence_write_matchers(struct json_out *j, const struct alert_silence *s);

/* Whether all its matchers hold, whatever its times are. An expression that takes too long does not. */
bool silence_matches(const struct alert_silence *s, struct pattern_scratch *scratch, const struct alert_text *t);
enum silence_state silence_state(const struct alert_silence *s, int64_t now_ms);
/* "pending", "active", "expired". */
const char *silence_word(enum silence_state s);

#endif
