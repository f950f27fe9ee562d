/* SPDX-License-Identifier: MIT
 *
 * A virtual cluster's JSON, member by member out of one table each for numbers and texts.
 */
#include "inventory/vc.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json_bounds.h"

enum { AMOUNT_MAX = 1000000, DEBUG_MINUTES = 240, DEBUG_PER_USER = 1, DEBUG_TOTAL = 8, DEBUG_MOST = 1000 };

static const char *const read_words[] = {"open", "own", NULL};
static const char *const preemption_words[] = {"stop", "lazy", NULL};
static const char *const debug_words[] = {"asked", "off", "userFailure", NULL}; /* as enum vc_debug_switch */
static const char *const reclaim_words[] = {"yes", "no", NULL};

bool vc_name_ok(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");
    return n && n < VC_NAME_MAX && !name[n] && name[0] != '-';
}

static int get_amount(const cJSON *o, const char *key, int *out, struct err *e)
{
    return json_get_up_to(o, key, AMOUNT_MAX, out, e);
}

static int get_text(const cJSON *o, const char *key, char *out, size_t size, struct err *e)
{
    const char *s = NULL;
    if (json_get_string(o, key, &s, e))
        return -1;
    if (s && strlen(s) >= size)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" may have at most %zu bytes.", key, size - 1);
    if (s)
        snprintf(out, size, "%s", s);
    return 0;
}

/* One of two words; *second says whether it is the second. */
static int get_word(const cJSON *o, const char *key, const char *const *words, bool *second, struct err *e)
{
    int choice = *second;
    int rc = json_get_choice(o, key, words, &choice, e);
    *second = choice == 1;
    return rc;
}

/* The list under a key, or NULL when it is absent; `max` members at most. */
static int get_list(const cJSON *o, const char *key, size_t max, const cJSON **out, struct err *e)
{
    *out = cJSON_GetObjectItemCaseSensitive(o, key);
    if (*out && (!cJSON_IsArray(*out) || (size_t)cJSON_GetArraySize(*out) > max))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" must be a list of at most %zu.", key, max);
    return 0;
}

/* What may be promised of a SKU. */
static const struct {
    const char *key;
    size_t at;
} amounts[] = {{"gpus", offsetof(struct vc_guarantee, gpus)},
               {"sockets", offsetof(struct vc_guarantee, sockets)},
               {"nodes", offsetof(struct vc_guarantee, nodes)},
               {"racks", offsetof(struct vc_guarantee, racks)},
               {"pods", offsetof(struct vc_guarantee, pods)}};
enum { AMOUNTS = sizeof amounts / sizeof amounts[0] };

static int *amount_of(struct vc_guarantee *g, size_t i)
{
    return (int *)((char *)g + amounts[i].at);
}

static int parse_amounts(const cJSON *item, struct vc_guarantee *g, struct err *e)
{
    bool some = false;
    for (size_t i = 0; i < AMOUNTS; i++) {
        if (get_amount(item, amounts[i].key, amount_of(g, i), e))
            return -1;
        some = some || *amount_of(g, i);
    }
    if (!g->sku[0] || !some)
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "A guarantee names its \"sku\" and \"gpus\", \"sockets\", \"nodes\", \"racks\" or \"pods\".");
    return 0;
}

static int parse_guarantee(const cJSON *item, struct vc *vc, struct err *e)
{
    static const char *const keys[] = {"sku", "gpus", "sockets", "nodes", "racks", "pods", NULL};
    struct vc_guarantee g = {.sku = ""};
    if (!cJSON_IsObject(item))
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "\"guarantee\" must be a list of {sku, gpus, sockets, nodes, racks, pods}.");
    if (json_only_keys(item, keys, e) || get_text(item, "sku", g.sku, sizeof g.sku, e) || parse_amounts(item, &g, e))
        return -1;
    for (size_t i = 0; i < vc->guarantee_count; i++)
        if (!strcmp(vc->guarantee[i].sku, g.sku)) { /* the amounts of one SKU may stand apart */
            for (size_t k = 0; k < AMOUNTS; k++)
                *amount_of(&vc->guarantee[i], k) += *amount_of(&g, k);
            return 0;
        }
    vc->guarantee[vc->guarantee_count++] = g;
    return 0;
}

static int parse_guarantees(const cJSON *o, struct vc *vc, struct err *e)
{
    const cJSON *list, *item;
    if (get_list(o, "guarantee", VC_GUARANTEES_MAX, &list, e))
        return -1;
    if (list)
        vc->guarantee_count = 0;
    cJSON_ArrayForEach(item, list) if (parse_guarantee(item, vc, e)) return -1;
    return 0;
}

static int parse_pins(const cJSON *o, struct vc *vc, struct err *e)
{
    const cJSON *list, *item;
    if (get_list(o, "pins", VC_PINS_MAX, &list, e))
        return -1;
    if (list)
        vc->pin_count = 0;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsString(item) || strlen(item->valuestring) >= NODE_NAME_MAX)
            return err_set(e, ERR_INVALID_PARAMETERS, "\"pins\" must be a list of node names.");
        snprintf(vc->pins[vc->pin_count++], NODE_NAME_MAX, "%s", item->valuestring);
    }
    return 0;
}

static int parse_maxima(const cJSON *o, struct vc *vc, struct err *e)
{
    return get_amount(o, "maxTime", &vc->max_time, e) || get_amount(o, "maxGpus", &vc->max_gpus, e) ||
                   get_amount(o, "maxJobs", &vc->max_jobs, e) ||
                   get_amount(o, "keepLogsDays", &vc->keep_logs_days, e) ||
                   json_get_up_to(o, "userDiskMB", INT32_MAX, &vc->user_disk_mb, e)
               ? -1
               : 0;
}

static int parse_debug(const cJSON *o, struct vc_debug *d, struct err *e)
{
    int allow = (int)d->allow;
    if (json_get_choice(o, "debugReservations", debug_words, &allow, e) ||
        json_get_up_to(o, "debugMaxMinutes", VC_DEBUG_MINUTES_MAX, &d->max_minutes, e) ||
        json_get_up_to(o, "debugPerUser", DEBUG_MOST, &d->per_user, e) ||
        json_get_up_to(o, "debugTotal", DEBUG_MOST, &d->total, e) ||
        get_word(o, "debugReclaim", reclaim_words, &d->kept, e))
        return -1;
    d->allow = (enum vc_debug_switch)allow;
    return 0;
}

/* null takes it away. */
static int parse_idle(const cJSON *o, struct idle_policy *p, struct err *e)
{
    const cJSON *idle = cJSON_GetObjectItemCaseSensitive(o, "idle");
    return idle ? idle_policy_parse(idle, p, e) : 0;
}

int vc_debug_minutes(const struct vc_debug *d)
{
    return d->max_minutes ? d->max_minutes : DEBUG_MINUTES;
}

int vc_debug_per_user(const struct vc_debug *d)
{
    return d->per_user ? d->per_user : DEBUG_PER_USER;
}

int vc_debug_total(const struct vc_debug *d)
{
    return d->total ? d->total : DEBUG_TOTAL;
}

int vc_parse(const struct cJSON *o, struct vc *vc, struct err *e)
{
    static const char *const keys[] = {"debugReservations",
                                       "debugMaxMinutes",
                                       "debugPerUser",
                                       "debugTotal",
                                       "debugReclaim",
                                       "idle",
                                       "guarantee",
                                       "pins",
                                       "borrow",
                                       "userCap",
                                       "cpus",
                                       "parent",
                                       "read",
                                       "maxTime",
                                       "maxGpus",
                                       "maxJobs",
                                       "keepLogsDays",
                                       "userDiskMB",
                                       "preemption",
                                       "description",
                                       "externalName",
                                       NULL};
    if (json_only_keys(o, keys, e) || parse_guarantees(o, vc, e) || parse_pins(o, vc, e) ||
        get_amount(o, "borrow", &vc->borrow, e) || get_amount(o, "userCap", &vc->user_cap, e) ||
        get_amount(o, "cpus", &vc->cpus, e) || parse_maxima(o, vc, e) || parse_debug(o, &vc->debug, e) ||
        parse_idle(o, &vc->idle, e) || get_text(o, "parent", vc->parent, sizeof vc->parent, e) ||
        get_word(o, "read", read_words, &vc->own, e) || get_word(o, "preemption", preemption_words, &vc->lazy, e) ||
        get_text(o, "description", vc->description, sizeof vc->description, e))
        return -1;
    return get_text(o, "externalName", vc->external_name, sizeof vc->external_name, e);
}

static void write_guarantees(struct json_out *j, const struct vc *vc)
{
    json_out_key(j, "guarantee");
    json_out_array(j);
    for (size_t i = 0; i < vc->guarantee_count; i++) {
        json_out_object(j);
        json_out_kstring(j, "sku", vc->guarantee[i].sku);
        json_out_kint(j, "gpus", vc->guarantee[i].gpus);
        json_out_kint(j, "nodes", vc->guarantee[i].nodes);
        if (vc->guarantee[i].sockets)
            json_out_kint(j, "sockets", vc->guarantee[i].sockets);
        if (vc->guarantee[i].racks)
            json_out_kint(j, "racks", vc->guarantee[i].racks);
        if (vc->guarantee[i].pods)
            json_out_kint(j, "pods", vc->guarantee[i].pods);
        json_out_object_end(j);
    }
    json_out_array_end(j);
}

void vc_write(struct json_out *j, const struct vc *vc)
{
    write_guarantees(j, vc);
    json_out_key(j, "pins");
    json_out_array(j);
    for (size_t i = 0; i < vc->pin_count; i++)
        json_out_string(j, vc->pins[i]);
    json_out_array_end(j);
    json_out_kint(j, "borrow", vc->borrow);
    json_out_kint(j, "userCap", vc->user_cap);
    json_out_kint(j, "cpus", vc->cpus);
    json_out_kint(j, "maxTime", vc->max_time);
    json_out_kint(j, "maxGpus", vc->max_gpus);
    json_out_kint(j, "maxJobs", vc->max_jobs);
    json_out_kint(j, "keepLogsDays", vc->keep_logs_days);
    json_out_kint(j, "userDiskMB", vc->user_disk_mb);
    json_out_kstring(j, "debugReservations", debug_words[vc->debug.allow]);
    json_out_kint(j, "debugMaxMinutes", vc->debug.max_minutes);
    json_out_kint(j, "debugPerUser", vc->debug.per_user);
    json_out_kint(j, "debugTotal", vc->debug.total);
    json_out_kstring(j, "debugReclaim", reclaim_words[vc->debug.kept]);
    json_out_key(j, "idle");
    idle_policy_write(j, &vc->idle);
    json_out_kstring(j, "parent", vc->parent);
    json_out_kstring(j, "read", read_words[vc->own]);
    json_out_kstring(j, "preemption", preemption_words[vc->lazy]);
    json_out_kstring(j, "description", vc->description);
    json_out_kstring(j, "externalName", vc->external_name);
}

int64_t vc_time_limit_ms(const struct vc *vc, int64_t asked_ms)
{
    int64_t most = vc ? (int64_t)vc->max_time * 1000 : 0;

    return most && (!asked_ms || asked_ms > most) ? most : asked_ms;
}
