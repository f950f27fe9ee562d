/* SPDX-License-Identifier: MIT */
/* Labels tell alerts apart; a hash by their fingerprint finds them. Whether an alert is silenced is found out anew when
 * it is new, or when the set of active silences has changed. */
#include "server/alerts/alert_book.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "base/pattern.h"
#include "server/alerts/alert_silence.h"

struct alert_book {
    const struct alert_settings *settings;
    struct hash *by_print;
    struct alert *alerts;
    int count, foreign;
    struct alert_silence *silences;
    int silence_count;
    uint64_t silence_print;
    struct pattern_scratch *scratch;
    struct alert_record *first, **end;
    int64_t now_ms, settle_ms;
    bool held[ALERT_RULES_MAX];
};

const char *alert_state_word(enum alert_state s)
{
    static const char *const words[] = {
        [ALERT_PENDING] = "pending", [ALERT_FIRING] = "firing", [ALERT_RESOLVED] = "resolved"};
    return words[s];
}

/* ---- records ---- */

void alert_record_destroy(struct alert_record *r)
{
    if (!r)
        return;
    alert_text_put(r->text);
    free(r);
}

struct alert_record *book_records(struct alert_book *b)
{
    struct alert_record *all = b->first;
    b->first = NULL;
    b->end = &b->first;
    return all;
}

/* What is lost for want of memory is put by the next change of the alert. */
static void record(struct alert_book *b, const struct alert *a, bool gone, bool tell)
{
    struct alert_record *r = calloc(1, sizeof *r);
    if (!r)
        return;
    *r = (struct alert_record){.text = alert_text_get(a->text),
                               .gone = gone,
                               .tell = tell,
                               .state = a->state,
                               .foreign = a->rule < 0,
                               .told = a->told,
                               .silenced = a->silenced_by[0] || !a->told,
                               .time_ms = b->now_ms,
                               .since_ms = a->since_ms,
                               .starts_ms = a->starts_ms,
                               .ends_ms = a->state == ALERT_RESOLVED ? a->ends_ms : 0};
    snprintf(r->rule, sizeof r->rule, "%s", alert_text_label(a->text, "alertname"));
    snprintf(r->severity, sizeof r->severity, "%s", a->severity);
    snprintf(r->user, sizeof r->user, "%s", a->user);
    *b->end = r;
    b->end = &r->next;
}

/* ---- life ---- */

struct alert_book *book_create(const struct alert_settings *settings)
{
    struct alert_book *b = calloc(1, sizeof *b);
    if (!b)
        return NULL;
    b->settings = settings;
    b->end = &b->first;
    b->settle_ms = INT64_MAX;
    b->by_print = hash_create();
    b->scratch = pattern_scratch_create();
    if (b->by_print && b->scratch)
        return b;
    book_destroy(b);
    return NULL;
}

static void free_alert(struct alert *a)
{
    alert_text_put(a->text);
    free(a);
}

void book_destroy(struct alert_book *b)
{
    if (!b)
        return;
    for (struct alert *a = b->alerts, *next; a; a = next) {
        next = a->next;
        free_alert(a);
    }
    for (struct alert_silence *s = b->silences, *next; s; s = next) {
        next = s->next;
        silence_destroy(s);
    }
    for (struct alert_record *r = b->first, *next; r; r = next) {
        next = r->next;
        alert_record_destroy(r);
    }
    hash_destroy(b->by_print);
    pattern_scratch_destroy(b->scratch);
    free(b);
}

/* A new one; takes a hold of the text. NULL: no room. */
static struct alert *add(struct alert_book *b, struct alert_text *t, int rule)
{
    struct alert *a = b->count < ALERTS_MAX ? calloc(1, sizeof *a) : NULL;
    if (!a)
        return NULL;
    a->text = alert_text_get(t);
    memcpy(a->print, t->print, sizeof a->print);
    a->rule = rule;
    if (hash_put(b->by_print, a->print, a)) {
        free_alert(a);
        return NULL;
    }
    a->next = b->alerts;
    b->alerts = a;
    b->count++;
    b->foreign += rule < 0;
    return a;
}

static void drop(struct alert_book *b, struct alert **at)
{
    struct alert *a = *at;
    *at = a->next;
    hash_remove(b->by_print, a->print);
    b->count--;
    b->foreign -= a->rule < 0;
    free_alert(a);
}

void book_settle(struct alert_book *b, int64_t at_ms)
{
    b->settle_ms = at_ms;
}

int book_restore(struct alert_book *b, const struct alert_record *r, int64_t now_ms)
{
    int rule = -1;
    for (int i = 0; !r->foreign && i < b->settings->rule_count; i++)
        if (!strcmp(b->settings->rules[i].name, r->rule))
            rule = i;
    struct alert *a = hash_get(b->by_print, r->text->print) ? NULL : add(b, r->text, rule);
    if (!a)
        return -1;
    a->state = r->state;
    a->since_ms = r->since_ms;
    a->starts_ms = r->starts_ms;
    a->updated_ms = r->since_ms;
    a->ends_ms = r->foreign ? now_ms + ALERT_RESOLVED_KEPT_MS : 0; /* of a rule that is no more: at once */
    a->restored = true;
    a->written = r->state == ALERT_FIRING;
    a->told = r->told;
    snprintf(a->severity, sizeof a->severity, "%s", r->severity);
    snprintf(a->user, sizeof a->user, "%s", r->user);
    return 0;
}

/* ---- silences ---- */

/* Differs when other silences are active. */
static uint64_t print_silences(const struct alert_book *b)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (const struct alert_silence *s = b->silences; s; s = s->next) {
        if (silence_state(s, b->now_ms) != SILENCE_ACTIVE)
            continue;
        for (const char *c = s->id; *c; c++)
            h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
        h = (h ^ (uint64_t)s->updated_ms) * UINT64_C(1099511628211);
    }
    return h ? h : 1;
}

static void silence(struct alert_book *b, struct alert *a)
{
    if (a->silences == b->silence_print)
        return;
    a->silences = b->silence_print;
    a->silenced_by[0] = '\0';
    for (const struct alert_silence *s = b->silences; s; s = s->next)
        if (silence_state(s, b->now_ms) == SILENCE_ACTIVE && silence_matches(s, b->scratch, a->text)) {
            memcpy(a->silenced_by, s->id, sizeof a->silenced_by);
            return;
        }
}

void book_silence_put(struct alert_book *b, struct alert_silence *s)
{
    for (struct alert_silence **at = &b->silences; *at; at = &(*at)->next)
        if (!strcmp((*at)->id, s->id)) {
            struct alert_silence *old = *at;
            *at = old->next;
            b->silence_count--;
            silence_destroy(old);
            break;
        }
    s->next = b->silences;
    b->silences = s;
    b->silence_count++;
}

struct alert_silence *book_silence(const struct alert_book *b, const char *id)
{
    struct alert_silence *s = b->silences;
    while (s && strcmp(s->id, id) != 0)
        s = s->next;
    return s;
}

struct alert_silence *book_silences(const struct alert_book *b)
{
    return b->silences;
}

int book_silence_count(const struct alert_book *b, int64_t now_ms)
{
    int count = 0;
    for (const struct alert_silence *s = b->silences; s; s = s->next)
        count += silence_state(s, now_ms) != SILENCE_EXPIRED;
    return count;
}

static void forget_silences(struct alert_book *b)
{
    for (struct alert_silence **at = &b->silences; *at;) {
        struct alert_silence *s = *at;
        if (b->now_ms < s->ends_ms + (b->silence_count > SILENCES_KEPT_MAX ? 0 : SILENCE_KEPT_MS)) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        b->silence_count--;
        silence_destroy(s);
    }
}

/* ---- a look ---- */

void book_begin(struct alert_book *b, int64_t now_ms)
{
    b->now_ms = now_ms;
    memset(b->held, 0, sizeof b->held);
    for (struct alert *a = b->alerts; a; a = a->next)
        a->seen = false;
}

void book_hold(struct alert_book *b, int rule)
{
    b->held[rule] = true;
}

static struct alert_text *text_of(const struct alert_seen *s)
{
    struct alert_pair labels[ALERT_LABELS_MAX] = {{"alertname", s->name},
                                                  {"severity", alert_severity_word(s->severity)}};
    const struct alert_pair notes[] = {{"summary", s->summary}, {"description", s->description}};
    int n = 2;
    for (int i = 0; i < s->label_count && n < ALERT_LABELS_MAX; i++)
        labels[n++] = s->labels[i];
    return alert_text_create(labels, n, notes, 2);
}

/* It begins, or begins again. */
static struct alert *begin(struct alert_book *b, struct alert *a, struct alert_text *t, int rule)
{
    if (!a)
        a = add(b, t, rule);
    if (!a)
        return NULL;
    b->foreign += (rule < 0) - (a->rule < 0);
    a->rule = rule;
    a->state = ALERT_PENDING;
    a->since_ms = b->now_ms;
    a->starts_ms = a->ends_ms = 0;
    a->written = a->told = false;
    return a;
}

/* What it says now is what it says, whatever it said. */
static void say(const struct alert_book *b, struct alert *a, struct alert_text *t)
{
    struct alert_text *old = a->text;
    a->updated_ms = b->now_ms;
    a->restored = false;
    a->text = alert_text_get(t);
    alert_text_put(old);
}

void book_see(struct alert_book *b, const struct alert_seen *s)
{
    struct alert_text *t = text_of(s);
    struct alert *a = t ? hash_get(b->by_print, t->print) : NULL;
    const bool fresh = !a || a->state == ALERT_RESOLVED;
    if (!t)
        return;
    if (fresh)
        a = begin(b, a, t, s->rule);
    if (a) {
        say(b, a, t);
        snprintf(a->severity, sizeof a->severity, "%s", alert_severity_word(s->severity));
        snprintf(a->user, sizeof a->user, "%s", s->user ? s->user : "");
        a->seen = true;
        a->since_ms = a->since_ms > b->now_ms ? b->now_ms : a->since_ms; /* the clock was set back */
        if (a->state == ALERT_PENDING && b->now_ms - a->since_ms >= (int64_t)s->for_s * 1000) {
            a->state = ALERT_FIRING;
            a->starts_ms = b->now_ms;
        } else if (fresh) {
            record(b, a, false, false);
        }
    }
    alert_text_put(t);
}

/* Whether it goes on although it was not seen. */
static bool goes_on(const struct alert_book *b, const struct alert *a)
{
    if (a->state == ALERT_RESOLVED)
        return true;
    if (a->rule < 0)
        return a->ends_ms > b->now_ms;
    return a->seen || b->held[a->rule] || (a->restored && b->now_ms < b->settle_ms);
}

/* Records what is new of it. */
static void tell(struct alert_book *b, struct alert *a)
{
    silence(b, a);
    const bool may = !a->silenced_by[0];
    if (a->written && (a->told || !may))
        return;
    a->told = may;
    a->written = true;
    record(b, a, false, true);
}

static void end(struct alert_book *b, struct alert *a)
{
    a->state = ALERT_RESOLVED;
    if (a->rule >= 0 || !a->ends_ms || a->ends_ms > b->now_ms)
        a->ends_ms = b->now_ms;
    a->updated_ms = b->now_ms;
    record(b, a, true, a->written);
}

void book_end(struct alert_book *b)
{
    forget_silences(b);
    b->silence_print = print_silences(b);
    for (struct alert **at = &b->alerts; *at;) {
        struct alert *a = *at;
        bool over = a->state == ALERT_RESOLVED && b->now_ms >= a->ends_ms + ALERT_RESOLVED_KEPT_MS;
        if (!goes_on(b, a)) {
            over = a->state == ALERT_PENDING;
            if (over)
                record(b, a, true, false);
            else
                end(b, a);
        } else if (a->state == ALERT_FIRING) {
            tell(b, a);
        }
        if (over)
            drop(b, at);
        else
            at = &a->next;
    }
}

/* ---- of others ---- */

int book_take(struct alert_book *b, const struct alert_posted *p, int64_t now_ms, struct err *e)
{
    struct alert_text *t = p->text;
    struct alert *a = hash_get(b->by_print, t->print);
    const bool over = p->ends_ms <= now_ms;
    b->now_ms = now_ms;
    if (a && a->rule >= 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "These are the labels of an alert of this server.");
    if (over && (!a || a->state == ALERT_RESOLVED))
        return 0; /* an end of what is not known */
    if (!a && b->foreign >= ALERTS_FOREIGN_MAX)
        return err_set(e, ERR_TOO_MANY, "There are %d alerts of others; more are not kept.", ALERTS_FOREIGN_MAX);
    if (!a || a->state == ALERT_RESOLVED) {
        a = begin(b, a, t, -1);
        if (!a)
            return err_set(e, ERR_TOO_MANY, "There is no room for more alerts.");
        a->state = ALERT_FIRING;
        a->starts_ms = p->starts_ms && p->starts_ms < now_ms ? p->starts_ms : now_ms;
        a->since_ms = a->starts_ms;
        snprintf(a->severity, sizeof a->severity, "%s", alert_text_label(t, "severity"));
        if (!a->severity[0])
            snprintf(a->severity, sizeof a->severity, "%s", alert_severity_word(ALERT_WARN));
        if (alert_text_label(t, "job_name")[0])
            snprintf(a->user, sizeof a->user, "%s", alert_text_label(t, "username"));
    }
    say(b, a, t);
    a->ends_ms = p->ends_ms;
    return 0;
}

const struct alert *book_alerts(const struct alert_book *b)
{
    return b->alerts;
}
