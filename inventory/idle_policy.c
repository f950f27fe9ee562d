/* SPDX-License-Identifier: MIT
 *
 * Each word has its table, so that what is read is what is written.
 */
#include "inventory/idle_policy.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/json_bounds.h"

static const char *const kind_words[] = {
    [IDLE_ZERO_FROM_START] = "zeroFromStart", [IDLE_ZERO_WINDOW] = "zeroWindow", [IDLE_LOW_MEAN] = "lowMean", NULL};
static const char *const of_words[] = {[IDLE_OF_JOBS] = "jobs", [IDLE_OF_RESERVATIONS] = "reservations", NULL};
static const char *const action_words[] = {[IDLE_NONE] = "none", [IDLE_MAIL] = "mail",       [IDLE_TAG] = "tag",
                                           [IDLE_STOP] = "stop", [IDLE_RELEASE] = "release", NULL};
static const char *const gpus_words[] = {"all", "any", NULL};
static const char *const processes_words[] = {"any", "none", NULL};
static const char *const exempt_words[] = {[IDLE_EXEMPT_USER] = "users",
                                           [IDLE_EXEMPT_GROUP] = "groups",
                                           [IDLE_EXEMPT_TAG] = "tags",
                                           [IDLE_EXEMPT_NAME] = "names",
                                           NULL};

const char *idle_kind_name(enum idle_kind kind)
{
    return kind_words[kind];
}

const char *idle_of_name(enum idle_of of)
{
    return of_words[of];
}

const char *idle_action_name(enum idle_action action)
{
    return action_words[action];
}

void idle_rule_name(const struct idle_rule *r, char out[40])
{
    snprintf(out, 40, "%s.%s", of_words[r->of], kind_words[r->kind]);
}

const struct idle_rule *idle_policy_find(const struct idle_policy *p, const char *name)
{
    char own[40];

    for (int i = 0; i < p->rule_count; i++) {
        idle_rule_name(&p->rules[i], own);
        if (!strcmp(own, name))
            return &p->rules[i];
    }
    return NULL;
}

/* ---- reading ---- */

static int get_text(const cJSON *o, const char *what, char out[IDLE_TEXT_MAX], struct err *e)
{
    if (!cJSON_IsString(o) || !o->valuestring[0] || strlen(o->valuestring) >= IDLE_TEXT_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" must have 1 to %d bytes.", what, IDLE_TEXT_MAX - 1);
    snprintf(out, IDLE_TEXT_MAX, "%s", o->valuestring);
    return 0;
}

static int get_warnings(const cJSON *o, struct idle_rule *r, struct err *e)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "warn"), *item;
    int last = -1;

    if (list && (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > IDLE_WARNS_MAX))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"warn\" must be a list of at most %d.", IDLE_WARNS_MAX);
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsNumber(item) || item->valuedouble <= last || item->valuedouble >= r->after_s ||
            item->valuedouble != (double)(int)item->valuedouble)
            return err_set(e, ERR_INVALID_PARAMETERS,
                           "\"warn\" must have whole seconds that grow and are below \"after\".");
        r->warn_s[r->warn_count++] = last = item->valueint;
    }
    return 0;
}

static int check_action(const cJSON *o, struct idle_rule *r, struct err *e)
{
    const cJSON *tag = cJSON_GetObjectItemCaseSensitive(o, "tag");

    if ((r->action == IDLE_STOP && r->of != IDLE_OF_JOBS) || (r->action == IDLE_RELEASE && r->of == IDLE_OF_JOBS))
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "\"stop\" is for rules of jobs, \"release\" for those of reservations.");
    if ((r->action == IDLE_TAG) != (tag != NULL))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"tag\" names the tag of action \"tag\".");
    if (tag && get_text(tag, "tag", r->tag, e))
        return -1;
    return strchr(r->tag, ',') ? err_set(e, ERR_INVALID_PARAMETERS, "\"tag\" has a comma.") : 0;
}

static int check_rule(const struct idle_rule *r, struct err *e)
{
    const bool mean = r->kind == IDLE_LOW_MEAN;

    if (r->after_s < 1)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"after\" must be between 1 and %d seconds.", IDLE_SECONDS_MAX);
    if (mean != (r->window_s > 0))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"window\" is given in seconds for rule \"lowMean\" alone.");
    if (mean && r->utilization < 1)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"utilization\" of rule \"lowMean\" must be between 1 and 100.");
    if (!mean && r->utilization > 99)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"utilization\" must be below 100.");
    return 0;
}

static int read_numbers(const cJSON *o, struct idle_rule *r, struct err *e)
{
    return json_get_up_to(o, "utilization", 100, &r->utilization, e) ||
                   json_get_up_to(o, "memory", 100, &r->memory, e) ||
                   json_get_up_to(o, "window", IDLE_SECONDS_MAX, &r->window_s, e) ||
                   json_get_up_to(o, "after", IDLE_SECONDS_MAX, &r->after_s, e)
               ? -1
               : 0;
}

static int read_rule(const cJSON *o, struct idle_rule *r, struct err *e)
{
    static const char *const keys[] = {"rule",   "of",   "gpus",  "processes", "utilization", "memory",
                                       "window", "warn", "after", "action",    "tag",         NULL};
    int kind = IDLE_KINDS, of = IDLE_OF_JOBS, action = IDLE_MAIL, any = 0, none = 0;

    *r = (struct idle_rule){0};
    if (!cJSON_IsObject(o))
        return err_set(e, ERR_INVALID_PARAMETERS, "A rule must be an object.");
    if (json_only_keys(o, keys, e) || json_get_choice(o, "rule", kind_words, &kind, e) ||
        json_get_choice(o, "of", of_words, &of, e) || json_get_choice(o, "action", action_words, &action, e) ||
        json_get_choice(o, "gpus", gpus_words, &any, e) || json_get_choice(o, "processes", processes_words, &none, e) ||
        read_numbers(o, r, e))
        return -1;
    if (kind == IDLE_KINDS)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"rule\" must be given.");
    r->kind = (enum idle_kind)kind;
    r->of = (enum idle_of)of;
    r->action = (enum idle_action)action;
    r->any = any;
    r->no_processes = none;
    return check_rule(r, e) || get_warnings(o, r, e) || check_action(o, r, e) ? -1 : 0;
}

static int read_rules(const cJSON *o, struct idle_policy *p, struct err *e)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(o, "rules"), *item;
    char name[40];

    if (!cJSON_IsArray(list) || cJSON_GetArraySize(list) > IDLE_RULES_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"rules\" must be a list of at most %d.", IDLE_RULES_MAX);
    cJSON_ArrayForEach(item, list)
    {
        struct idle_rule *r = &p->rules[p->rule_count];

        if (read_rule(item, r, e))
            return err_wrap(e, "rule %d", p->rule_count + 1);
        idle_rule_name(r, name);
        if (idle_policy_find(p, name))
            return err_set(e, ERR_INVALID_PARAMETERS, "\"rules\" has two rules %s.", name);
        p->rule_count++;
    }
    return 0;
}

static int read_exemptions(const cJSON *o, struct idle_policy *p, struct err *e)
{
    const cJSON *of = cJSON_GetObjectItemCaseSensitive(o, "exempt"), *item;

    if (!of)
        return 0;
    if (!cJSON_IsObject(of))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"exempt\" must be an object.");
    if (json_only_keys(of, exempt_words, e))
        return -1;
    for (int k = 0; k < IDLE_EXEMPTS; k++) {
        const cJSON *list = cJSON_GetObjectItemCaseSensitive(of, exempt_words[k]);

        if (list && !cJSON_IsArray(list))
            return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" must be a list.", exempt_words[k]);
        cJSON_ArrayForEach(item, list)
        {
            if (p->exempt_count == IDLE_EXEMPTIONS_MAX)
                return err_set(e, ERR_INVALID_PARAMETERS, "\"exempt\" has more than %d.", IDLE_EXEMPTIONS_MAX);
            p->exempt[p->exempt_count].kind = (enum idle_exempt)k;
            if (get_text(item, exempt_words[k], p->exempt[p->exempt_count++].text, e))
                return -1;
        }
    }
    return 0;
}

static int read_policy(const cJSON *o, struct idle_policy *p, struct err *e)
{
    static const char *const keys[] = {"rules", "dryRun", "snoozeMinutes", "exempt", NULL};

    *p = (struct idle_policy){.set = true, .snooze_minutes = IDLE_SNOOZE_MINUTES};
    return json_only_keys(o, keys, e) || read_rules(o, p, e) || json_get_bool(o, "dryRun", &p->dry_run, e) ||
                   json_get_up_to(o, "snoozeMinutes", IDLE_SECONDS_MAX / 60, &p->snooze_minutes, e) ||
                   read_exemptions(o, p, e)
               ? -1
               : 0;
}

int idle_policy_parse(const struct cJSON *o, struct idle_policy *p, struct err *e)
{
    struct idle_policy read;

    memset(p, 0, sizeof *p); /* compared by its bytes */
    if (cJSON_IsNull(o))
        return 0;
    if (!cJSON_IsObject(o))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"idle\" must be an object or null.");
    if (read_policy(o, &read, e))
        return err_wrap(e, "idle");
    memcpy(p, &read, sizeof *p);
    return 0;
}

/* ---- writing ---- */

static void write_rule(struct json_out *j, const struct idle_rule *r)
{
    json_out_object(j);
    json_out_kstring(j, "rule", kind_words[r->kind]);
    json_out_kstring(j, "of", of_words[r->of]);
    json_out_kstring(j, "gpus", gpus_words[r->any]);
    json_out_kstring(j, "processes", processes_words[r->no_processes]);
    json_out_kint(j, "utilization", r->utilization);
    json_out_kint(j, "memory", r->memory);
    if (r->window_s)
        json_out_kint(j, "window", r->window_s);
    json_out_key(j, "warn");
    json_out_array(j);
    for (int i = 0; i < r->warn_count; i++)
        json_out_int(j, r->warn_s[i]);
    json_out_array_end(j);
    json_out_kint(j, "after", r->after_s);
    json_out_kstring(j, "action", action_words[r->action]);
    if (r->action == IDLE_TAG)
        json_out_kstring(j, "tag", r->tag);
    json_out_object_end(j);
}

void idle_policy_write(struct json_out *j, const struct idle_policy *p)
{
    if (!p->set) {
        json_out_null(j);
        return;
    }
    json_out_object(j);
    json_out_key(j, "rules");
    json_out_array(j);
    for (int i = 0; i < p->rule_count; i++)
        write_rule(j, &p->rules[i]);
    json_out_array_end(j);
    json_out_kbool(j, "dryRun", p->dry_run);
    json_out_kint(j, "snoozeMinutes", p->snooze_minutes);
    json_out_key(j, "exempt");
    json_out_object(j);
    for (int k = 0; k < IDLE_EXEMPTS; k++) {
        json_out_key(j, exempt_words[k]);
        json_out_array(j);
        for (int i = 0; i < p->exempt_count; i++)
            if (p->exempt[i].kind == (enum idle_exempt)k)
                json_out_string(j, p->exempt[i].text);
        json_out_array_end(j);
    }
    json_out_object_end(j);
    json_out_object_end(j);
}
