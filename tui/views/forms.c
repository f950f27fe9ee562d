/* SPDX-License-Identifier: MIT
 *
 * The kinds of forms, and how fields become members of a body and back.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cells.h"
#include "tui/views/form.h"

enum { SILENCE_HOURS, SILENCE_REASON };
enum { HOUR_MS = 3600 * 1000, HOURS_MAX = 24 * 365 };

/* The alert's labels, "alertname=GpuLost node_name=gpu-07", as matchers; and from now for so many hours. */
static int forms_silence(const struct form_state *s, cJSON *body, struct err *e)
{
    cJSON *matchers = cJSON_AddArrayToObject(body, "matchers");
    char from[CLOCK_ISO_SIZE], to[CLOCK_ISO_SIZE], *end = NULL;
    long hours = strtol(s->now[SILENCE_HOURS], &end, 10);

    if (hours < 1 || hours > HOURS_MAX || *end)
        return err_set(e, ERR_INVALID_PARAMETERS, "Hours: a number from 1 to %d.", HOURS_MAX);
    if (!*s->now[SILENCE_REASON])
        return err_set(e, ERR_INVALID_PARAMETERS, "Reason: say why nobody is to be told.");
    for (const char *at = s->about; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
        size_t len = strcspn(at, " "), name = strcspn(at, "= ");
        cJSON *m = len > name ? cJSON_CreateObject() : NULL;
        char text[256];

        if (!m)
            continue;
        snprintf(text, sizeof text, "%.*s", (int)name, at);
        (void)cJSON_AddStringToObject(m, "name", text);
        snprintf(text, sizeof text, "%.*s", (int)(len - name - 1), at + name + 1);
        (void)cJSON_AddStringToObject(m, "value", text);
        (void)cJSON_AddFalseToObject(m, "isRegex");
        (void)cJSON_AddTrueToObject(m, "isEqual");
        (void)cJSON_AddItemToArray(matchers, m);
    }
    clock_iso(s->wall, from);
    clock_iso(s->wall + hours * HOUR_MS, to);
    (void)cJSON_AddStringToObject(body, "startsAt", from);
    (void)cJSON_AddStringToObject(body, "endsAt", to);
    (void)cJSON_AddStringToObject(body, "comment", s->now[SILENCE_REASON]);
    return 0;
}

static const struct form_kind kinds[] = {
    {.word = "user",
     .path = "/api/v2/users/%s",
     .method = "PUT",
     .target = "/api/v2/users",
     .name_at = "data.username",
     .patch_at = "patch",
     .verb = "Change user",
     .done = "is changed.",
     .fields = {{"Email", "email", "data.email", FORM_STRING, NULL, "Where invitations and notices go."},
                {"Groups", "grouplist", "data.grouplist", FORM_LIST, NULL, "Names with commas; \"default\" is needed."},
                {"Admin", "admin", "data.admin", FORM_YES_NO, NULL, "May do everything here."},
                {"Disabled", "disabled", "data.disabled", FORM_YES_NO, NULL, "Cannot log in; sessions and tokens end."},
                {"Expires", "expires", "data.expires", FORM_DATE, NULL,
                 "The day, like 2027-03-31, from which the user cannot log in; empty: never."}},
     .count = 5},
    {.word = "group",
     .path = "/api/v2/groups/%s",
     .method = "PUT",
     .target = "/api/v2/groups",
     .name_at = "data.groupname",
     .patch_at = "patch",
     .verb = "Change group",
     .done = "is changed.",
     .fields = {{"Description", "description", "data.description", FORM_STRING, NULL, "What the group is for."},
                {"VCs", "extension.acls.virtualClusters", "data.extension.acls.virtualClusters", FORM_LIST, NULL,
                 "Virtual clusters that its members may use."},
                {"Manages", "extension.acls.managedVirtualClusters", "data.extension.acls.managedVirtualClusters",
                 FORM_LIST, NULL, "Virtual clusters whose jobs its members may stop."},
                {"Storages", "extension.acls.storageConfigs", "data.extension.acls.storageConfigs", FORM_LIST, NULL,
                 "Storages that its members may mount."},
                {"Admin", "extension.acls.admin", "data.extension.acls.admin", FORM_YES_NO, NULL,
                 "Its members may do everything here."}},
     .count = 5},
    {.word = "silence",
     .method = "POST",
     .target = "/api/v2/silences",
     .verb = "Silence",
     .done = "is silenced.",
     .fields = {[SILENCE_HOURS] = {"Hours", NULL, NULL, FORM_NUMBER, "1", "From now on."},
                [SILENCE_REASON] = {"Reason", NULL, NULL, FORM_STRING, NULL, "Why nobody is to be told."}},
     .count = 2,
     .more = forms_silence},
};

const struct form_kind *forms_find(const char *word)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (!strcmp(kinds[i].word, word))
            return &kinds[i];
    return NULL;
}

static void read_list(const cJSON *list, char *out, size_t size)
{
    const cJSON *item;
    size_t at = 0;

    cJSON_ArrayForEach(item, list)
    {
        if (cJSON_IsString(item) && at < size)
            at += (size_t)snprintf(out + at, size - at, "%s%s", at ? ", " : "", item->valuestring);
    }
}

void forms_read(const struct form_field *f, const cJSON *reply, char *out, size_t size)
{
    const cJSON *m = f->place ? cells_member(reply, f->place) : NULL;
    char iso[CLOCK_ISO_SIZE];

    snprintf(out, size, "%s", f->begin ? f->begin : "");
    if (f->kind == FORM_YES_NO)
        snprintf(out, size, "%s", cJSON_IsTrue(m) ? "yes" : "no");
    else if (m && cJSON_IsString(m))
        snprintf(out, size, "%s", m->valuestring);
    else if (f->kind == FORM_DATE && m && cJSON_IsNumber(m) && m->valuedouble > 0) {
        clock_iso((int64_t)m->valuedouble, iso);
        snprintf(out, size, "%.10s", iso);
    } else if (f->kind == FORM_NUMBER && m && cJSON_IsNumber(m))
        snprintf(out, size, "%.0f", m->valuedouble);
    else if (f->kind == FORM_LIST)
        read_list(m, out, size);
}

static cJSON *make_list(const char *text)
{
    cJSON *list = cJSON_CreateArray();
    char word[FORM_TEXT];

    for (text += strspn(text, ", "); *text; text += strspn(text, ", ")) {
        size_t len = strcspn(text, ",");
        size_t end = len;

        while (end > 0 && text[end - 1] == ' ')
            end--;
        snprintf(word, sizeof word, "%.*s", (int)end, text);
        (void)cJSON_AddItemToArray(list, cJSON_CreateString(word));
        text += len;
    }
    return list;
}

static cJSON *make_date(const struct form_field *f, const char *text, struct err *e)
{
    int64_t at;

    if (!*text)
        return cJSON_CreateNull();
    if (!cells_date(text, &at))
        return cJSON_CreateNumber((double)at);
    (void)err_set(e, ERR_INVALID_PARAMETERS, "%s: \"%.40s\" is no date like 2027-03-31.", f->label, text);
    return NULL;
}

static cJSON *make_value(const struct form_field *f, const char *text, struct err *e)
{
    char *end = NULL;

    switch (f->kind) {
    case FORM_LIST:
        return make_list(text);
    case FORM_YES_NO:
        return cJSON_CreateBool(!strcmp(text, "yes"));
    case FORM_DATE:
        return make_date(f, text, e);
    case FORM_NUMBER: {
        double n = (double)strtoll(text, &end, 10);

        if (end != text && !*end)
            return cJSON_CreateNumber(n);
        (void)err_set(e, ERR_INVALID_PARAMETERS, "%s: \"%.40s\" is no number.", f->label, text);
        return NULL;
    }
    default:
        return cJSON_CreateString(text);
    }
}

cJSON *forms_body(const struct form_state *s, struct err *e)
{
    const struct form_kind *k = s->kind;
    cJSON *body = cJSON_CreateObject();
    int rc = body ? 0 : -1;

    if (k->name_at)
        rc |= cells_put(body, k->name_at, cJSON_CreateString(s->about));
    if (k->patch_at)
        rc |= cells_put(body, k->patch_at, cJSON_CreateTrue());
    for (size_t i = 0; !rc && i < k->count; i++) {
        const struct form_field *f = &k->fields[i];

        if (!f->sent || (k->patch_at && !strcmp(s->old[i], s->now[i])))
            continue;
        rc = cells_put(body, f->sent, make_value(f, s->now[i], e));
    }
    if (!rc && k->more)
        rc = k->more(s, body, e);
    if (!rc)
        return body;
    if (!e->code)
        (void)err_set(e, ERR_INTERNAL, "Out of memory.");
    cJSON_Delete(body);
    return NULL;
}
