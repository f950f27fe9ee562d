/* SPDX-License-Identifier: MIT */
/* An expression is compiled alone first, so that none can close the group that binds it to the whole value. */
#include "server/alerts/alert_silence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/json.h"
#include "base/pattern.h"
#include "server/alerts/alert_text.h"

struct alert_silence *silence_create(void)
{
    return calloc(1, sizeof(struct alert_silence));
}

void silence_destroy(struct alert_silence *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->matcher_count; i++)
        pattern_destroy(s->matchers[i].pattern);
    free(s);
}

/* ---- matchers ---- */

static struct pattern *compile(const char *value, struct err *e)
{
    char whole[SILENCE_VALUE_MAX + 16];
    struct pattern *alone = pattern_create(value, strlen(value), e);
    if (!alone)
        return NULL;
    pattern_destroy(alone);
    const int n = snprintf(whole, sizeof whole, "\\A(?:%s)\\z", value);
    return pattern_create(whole, (size_t)n, e);
}

int silence_add(struct alert_silence *s, const struct silence_matcher *wanted, struct err *e)
{
    if (s->matcher_count == SILENCE_MATCHERS_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "More than %d matchers.", SILENCE_MATCHERS_MAX);
    if (!wanted->name[0] || strlen(wanted->name) >= SILENCE_NAME_MAX || strlen(wanted->value) >= SILENCE_VALUE_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "A matcher has a name of 1 to %d bytes and a value of at most %d.",
                       SILENCE_NAME_MAX - 1, SILENCE_VALUE_MAX - 1);
    struct alert_matcher *m = &s->matchers[s->matcher_count];
    *m = (struct alert_matcher){.regex = wanted->regex, .equal = wanted->equal};
    snprintf(m->name, sizeof m->name, "%s", wanted->name);
    snprintf(m->value, sizeof m->value, "%s", wanted->value);
    if (m->regex && !(m->pattern = compile(m->value, e)))
        return -1;
    s->matcher_count++;
    return 0;
}

static int add_one(struct alert_silence *s, const cJSON *o, struct err *e)
{
    static const char *const keys[] = {"name", "value", "isRegex", "isEqual", NULL};
    struct silence_matcher m = {.equal = true};
    if (!cJSON_IsObject(o))
        return err_set(e, ERR_INVALID_PARAMETERS, "A matcher is an object.");
    if (json_only_keys(o, keys, e) || json_get_string(o, "name", &m.name, e) ||
        json_get_string(o, "value", &m.value, e) || json_get_bool(o, "isRegex", &m.regex, e) ||
        json_get_bool(o, "isEqual", &m.equal, e))
        return -1;
    if (!m.name || !m.value)
        return err_set(e, ERR_INVALID_PARAMETERS, "A matcher needs \"name\" and \"value\".");
    return silence_add(s, &m, e);
}

int silence_add_json(struct alert_silence *s, const cJSON *list, struct err *e)
{
    const cJSON *m;
    if (!cJSON_IsArray(list))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"matchers\" must be an array.");
    cJSON_ArrayForEach(m, list) if (add_one(s, m, e)) return -1;
    return 0;
}

/* ---- as text ---- */

static const struct {
    char text[3];
    bool regex, equal;
} operators[] = {{"!=", false, false}, {"!~", true, false}, {"=~", true, true}, {"=", false, true}};

/* What stands between quotes, or all of it, without the marks before quotes and backslashes. 0, or -1: too long. */
static int unquote(const char *from, char out[SILENCE_VALUE_MAX])
{
    size_t len = strlen(from), at = 0;
    if (len >= 2 && from[0] == '"' && from[len - 1] == '"') {
        from++;
        len -= 2;
    }
    if (len >= SILENCE_VALUE_MAX)
        return -1;
    for (size_t i = 0; i < len; i++) {
        if (from[i] == '\\' && i + 1 < len && (from[i + 1] == '"' || from[i + 1] == '\\'))
            i++;
        out[at++] = from[i];
    }
    out[at] = '\0';
    return 0;
}

int silence_add_text(struct alert_silence *s, const char *text, struct err *e)
{
    char name[SILENCE_NAME_MAX], value[SILENCE_VALUE_MAX];
    const size_t n = strcspn(text, "=!");
    size_t k = 0;
    while (k < sizeof operators / sizeof *operators &&
           strncmp(text + n, operators[k].text, strlen(operators[k].text)) != 0)
        k++;
    if (k == sizeof operators / sizeof *operators || !strncmp(text + n, "==", 2))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%.60s\" is no matcher such as name=\"value\".", text);
    if (n >= sizeof name || unquote(text + n + strlen(operators[k].text), value))
        return err_set(e, ERR_INVALID_PARAMETERS, "A matcher is too long.");
    snprintf(name, sizeof name, "%.*s", (int)n, text);
    const struct silence_matcher m = {name, value, operators[k].regex, operators[k].equal};
    return silence_add(s, &m, e);
}

static bool holds(const struct alert_matcher *m, struct pattern_scratch *scratch, const char *value)
{
    struct pattern_span span;
    const struct pattern_text text = {.text = value, .len = strlen(value)};
    if (!m->regex)
        return !strcmp(m->value, value) == m->equal;
    const int found = pattern_find(m->pattern, scratch, &text, &span);
    return found >= 0 && (found == 1) == m->equal;
}

int silence_check(const struct alert_silence *s, struct pattern_scratch *scratch, struct err *e)
{
    bool all = true;
    for (int i = 0; i < s->matcher_count; i++)
        all = all && holds(&s->matchers[i], scratch, "");
    return all ? err_set(e, ERR_INVALID_PARAMETERS,
                         "A silence needs a matcher that an empty value does not match: this one would match all.")
               : 0;
}

bool silence_same(const struct alert_silence *a, const struct alert_silence *b)
{
    bool same = a->matcher_count == b->matcher_count;
    for (int i = 0; same && i < a->matcher_count; i++) {
        const struct alert_matcher *x = &a->matchers[i], *y = &b->matchers[i];
        same = !strcmp(x->name, y->name) && !strcmp(x->value, y->value) && x->regex == y->regex && x->equal == y->equal;
    }
    return same;
}

void silence_write_matchers(struct json_out *j, const struct alert_silence *s)
{
    json_out_array(j);
    for (int i = 0; i < s->matcher_count; i++) {
        const struct alert_matcher *m = &s->matchers[i];
        json_out_object(j);
        json_out_kstring(j, "name", m->name);
        json_out_kstring(j, "value", m->value);
        json_out_kbool(j, "isRegex", m->regex);
        json_out_kbool(j, "isEqual", m->equal);
        json_out_object_end(j);
    }
    json_out_array_end(j);
}

/* ---- asking ---- */

bool silence_matches(const struct alert_silence *s, struct pattern_scratch *scratch, const struct alert_text *t)
{
    for (int i = 0; i < s->matcher_count; i++)
        if (!holds(&s->matchers[i], scratch, alert_text_label(t, s->matchers[i].name)))
            return false;
    return true;
}

enum silence_state silence_state(const struct alert_silence *s, int64_t now_ms)
{
    return now_ms >= s->ends_ms ? SILENCE_EXPIRED : now_ms < s->starts_ms ? SILENCE_PENDING : SILENCE_ACTIVE;
}

const char *silence_word(enum silence_state s)
{
    static const char *const words[] = {
        [SILENCE_PENDING] = "pending", [SILENCE_ACTIVE] = "active", [SILENCE_EXPIRED] = "expired"};
    return words[s];
}
