/* SPDX-License-Identifier: MIT */
/* One block of memory: the struct, then the strings, then both as JSON. */
#include "server/alerts/alert_text.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct alert_pair *)a)->name, ((const struct alert_pair *)b)->name);
}

/* FNV-1a over names and values, as Prometheus tells alerts apart. */
static void fingerprint(struct alert_text *t)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (int i = 0; i < t->label_count; i++) {
        const char *parts[] = {t->labels[i].name, t->labels[i].value};
        for (int k = 0; k < 2; k++) {
            for (const char *c = parts[k]; *c; c++)
                h = (h ^ (unsigned char)*c) * UINT64_C(1099511628211);
            h = (h ^ 0xff) * UINT64_C(1099511628211);
        }
    }
    snprintf(t->print, sizeof t->print, "%016" PRIx64, h);
}

static char *write_json(const struct alert_pair *pairs, int count)
{
    struct buf b;
    struct json_out j;
    buf_init(&b, ALERT_TEXT_BYTES * 8);
    json_out_init(&j, &b);
    json_out_object(&j);
    for (int i = 0; i < count; i++)
        json_out_kstring(&j, pairs[i].name, pairs[i].value);
    json_out_object_end(&j);
    return buf_take(&b, NULL);
}

static size_t bytes_of(const struct alert_pair *pairs, int count)
{
    size_t n = 0;
    for (int i = 0; i < count; i++)
        n += strlen(pairs[i].name) + strlen(pairs[i].value) + 2;
    return n;
}

/* Those with a value, sorted; strings from `at` on. */
static char *copy(struct alert_pair *to, int *to_count, const struct alert_pair *from, int count, char *at)
{
    for (int i = 0; i < count; i++) {
        if (!from[i].value[0])
            continue;
        const char *parts[] = {from[i].name, from[i].value};
        char *made[2];
        for (int k = 0; k < 2; k++) {
            made[k] = at;
            memcpy(at, parts[k], strlen(parts[k]) + 1);
            at += strlen(parts[k]) + 1;
        }
        to[(*to_count)++] = (struct alert_pair){made[0], made[1]};
    }
    qsort(to, (size_t)*to_count, sizeof *to, by_name);
    return at;
}

struct alert_text *alert_text_create(const struct alert_pair *labels, int label_count, const struct alert_pair *notes,
                                     int note_count)
{
    if (label_count > ALERT_LABELS_MAX || note_count > ALERT_LABELS_MAX)
        return NULL;
    struct alert_text *t = calloc(1, sizeof *t + bytes_of(labels, label_count) + bytes_of(notes, note_count));
    if (!t)
        return NULL;
    atomic_store(&t->refs, 1);
    char *at = copy(t->labels, &t->label_count, labels, label_count, (char *)(t + 1));
    (void)copy(t->notes, &t->note_count, notes, note_count, at);
    fingerprint(t);
    t->labels_json = write_json(t->labels, t->label_count);
    t->notes_json = write_json(t->notes, t->note_count);
    if (t->labels_json && t->notes_json)
        return t;
    alert_text_put(t);
    return NULL;
}

/* ---- of others ---- */

/* As Prometheus has it. */
static bool is_name(const char *s)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    return s[0] && strchr(first, s[0]) &&
           !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")];
}

static int take(const cJSON *o, const char *what, struct alert_pair *out, int *count, struct err *e)
{
    const cJSON *item;
    size_t bytes = 0;
    if (o && !cJSON_IsObject(o))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" must be an object of strings.", what);
    cJSON_ArrayForEach(item, o)
    {
        if (*count == ALERT_LABELS_MAX)
            return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" has more than %d members.", what, ALERT_LABELS_MAX);
        if (!cJSON_IsString(item) || !is_name(item->string))
            return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\": \"%.60s\" is no label with a string.", what,
                           item->string);
        bytes += strlen(item->string) + strlen(item->valuestring) + 2;
        if (bytes > ALERT_TEXT_BYTES)
            return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" has more than %d bytes.", what, ALERT_TEXT_BYTES);
        out[(*count)++] = (struct alert_pair){item->string, item->valuestring};
    }
    return 0;
}

struct alert_text *alert_text_read(const cJSON *labels, const cJSON *notes, struct err *e)
{
    struct alert_pair own[ALERT_LABELS_MAX], more[ALERT_LABELS_MAX];
    int own_count = 0, more_count = 0;
    if (take(labels, "labels", own, &own_count, e) || take(notes, "annotations", more, &more_count, e))
        return NULL;
    struct alert_text *t = alert_text_create(own, own_count, more, more_count);
    if (!t) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    if (alert_text_label(t, "alertname")[0])
        return t;
    alert_text_put(t);
    err_set(e, ERR_INVALID_PARAMETERS, "\"labels\" has no alertname.");
    return NULL;
}

/* ---- holding and asking ---- */

struct alert_text *alert_text_get(struct alert_text *t)
{
    atomic_fetch_add(&t->refs, 1);
    return t;
}

void alert_text_put(struct alert_text *t)
{
    if (!t || atomic_fetch_sub(&t->refs, 1) > 1)
        return;
    free(t->labels_json);
    free(t->notes_json);
    free(t);
}

static const char *find(const struct alert_pair *pairs, int count, const char *name)
{
    for (int i = 0; i < count; i++)
        if (!strcmp(pairs[i].name, name))
            return pairs[i].value;
    return "";
}

const char *alert_text_label(const struct alert_text *t, const char *name)
{
    return find(t->labels, t->label_count, name);
}

const char *alert_text_note(const struct alert_text *t, const char *name)
{
    return find(t->notes, t->note_count, name);
}
