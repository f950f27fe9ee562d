/* SPDX-License-Identifier: MIT
 *
 * The configuration's `alerts`, over the rules as they are shipped:
 *
 *   alerts:
 *     seconds: 5
 *     keepDays: 90
 *     rules:
 *       NodeMemoryUsage: {threshold: 90, forSeconds: 600, severity: error, enabled: true}
 */
#include <stdio.h>
#include <string.h>

#include "base/doc.h"
#include "base/err.h"
#include "server/alerts/alert_rule.h"

static const char *const severities[ALERT_SEVERITIES] = {
    [ALERT_INFO] = "info", [ALERT_WARN] = "warn", [ALERT_ERROR] = "error", [ALERT_FATAL] = "fatal"};

static const char *const figures[ALERT_FIGURES] = {
    [ALERT_ALWAYS] = "always 1",
    [ALERT_NODE_UP] = "node is up",
    [ALERT_NODE_QUARANTINED] = "GPUs in quarantine",
    [ALERT_GPU_CAUSE] = "cause",
    [ALERT_GPU_TEMPERATURE] = "°C",
    [ALERT_GPU_MEMORY_LEFT] = "MiB without an owner",
    [ALERT_JOB_IDLE] = "was told",
    [ALERT_DISK_FREE] = "% of the disk free",
    [ALERT_MEMORY_USED] = "% of the memory",
    [ALERT_CPU_USED] = "% of the CPUs",
    [ALERT_SERVER_READY] = "server is ready",
    [ALERT_COMMIT_FAILURES] = "failed in 5 min",
    [ALERT_WAL] = "MiB",
    [ALERT_RESIDENT] = "MiB of droverd",
    [ALERT_DESCRIPTORS] = "% of the descriptors",
    [ALERT_CERTIFICATE] = "days left",
    [ALERT_REMOTE_LAG] = "s behind",
    [ALERT_JOB_WAITS] = "s of waiting",
    [ALERT_JOB_STARTS] = "tasks not seen running",
    [ALERT_JOB_STOPS] = "was stopped",
};

const char *alert_severity_word(enum alert_severity s)
{
    return severities[(unsigned)s < ALERT_SEVERITIES ? s : ALERT_WARN];
}

const char *alert_figure_word(enum alert_figure f)
{
    return figures[(unsigned)f < ALERT_FIGURES ? f : ALERT_ALWAYS];
}

void alert_settings_defaults(struct alert_settings *s)
{
    int count;
    const struct alert_rule *shipped = alert_rules(&count);
    *s = (struct alert_settings){.look_s = 5, .keep_days = 90, .rule_count = count};
    memcpy(s->rules, shipped, (size_t)count * sizeof *shipped);
}

/* ---- reading ---- */

static int bad(const struct doc *d, struct err *e, const char *want)
{
    err_set(e, ERR_INVALID_PARAMETERS, "alerts: %.60s must be %s.", d->key, want);
    return err_at(e, d->line, d->column);
}

static int unknown(const struct doc *d, struct err *e, const char *what)
{
    err_set(e, ERR_INVALID_PARAMETERS, "alerts has no %s \"%.60s\".", what, d->key);
    return err_at(e, d->key_line, d->key_column);
}

static int set_int(int64_t *out, const struct doc *d, int64_t min, int64_t max, struct err *e)
{
    char want[80];
    if (d->type == DOC_INT && d->integer >= min && d->integer <= max) {
        *out = d->integer;
        return 0;
    }
    snprintf(want, sizeof want, "a whole number from %lld to %lld", (long long)min, (long long)max);
    return bad(d, e, want);
}

static int set_severity(struct alert_rule *r, const struct doc *d, struct err *e)
{
    for (int i = 0; d->text && i < ALERT_SEVERITIES; i++)
        if (!strcmp(d->text, severities[i])) {
            r->severity = (enum alert_severity)i;
            return 0;
        }
    return bad(d, e, "info, warn, error or fatal");
}

static int set_enabled(struct alert_rule *r, const struct doc *d, struct err *e)
{
    if (!d->text || (strcmp(d->text, "true") != 0 && strcmp(d->text, "false") != 0))
        return bad(d, e, "true or false");
    r->off = d->text[0] == 'f';
    return 0;
}

static int set_member(struct alert_rule *r, const struct doc *d, struct err *e)
{
    int64_t n = 0;
    if (!strcmp(d->key, "threshold"))
        return set_int(&r->threshold, d, -1000000000, 1000000000, e);
    if (!strcmp(d->key, "severity"))
        return set_severity(r, d, e);
    if (!strcmp(d->key, "enabled"))
        return set_enabled(r, d, e);
    if (strcmp(d->key, "forSeconds") != 0)
        return unknown(d, e, "member of a rule");
    if (set_int(&n, d, 0, ALERT_FOR_MAX_S, e))
        return -1;
    r->for_s = (int)n;
    return 0;
}

static int set_rule(struct alert_settings *s, const struct doc *d, struct err *e)
{
    for (int i = 0; i < s->rule_count; i++) {
        if (strcmp(s->rules[i].name, d->key) != 0)
            continue;
        if (d->type != DOC_MAP)
            return bad(d, e, "a map such as {threshold: 90, forSeconds: 600, severity: warn, enabled: true}");
        for (const struct doc *m = d->first; m; m = m->next)
            if (set_member(&s->rules[i], m, e))
                return -1;
        return 0;
    }
    return unknown(d, e, "rule");
}

static int set_small(int *out, const struct doc *d, struct err *e)
{
    int64_t n = 0;
    if (set_int(&n, d, 1, 3600, e))
        return -1;
    *out = (int)n;
    return 0;
}

static int set_one(struct alert_settings *s, const struct doc *d, struct err *e)
{
    if (!strcmp(d->key, "seconds"))
        return set_small(&s->look_s, d, e);
    if (!strcmp(d->key, "keepDays"))
        return set_small(&s->keep_days, d, e);
    if (strcmp(d->key, "rules") != 0)
        return unknown(d, e, "key");
    if (d->type != DOC_MAP)
        return bad(d, e, "a map of rules");
    for (const struct doc *m = d->first; m; m = m->next)
        if (set_rule(s, m, e))
            return -1;
    return 0;
}

int alert_settings_read(struct alert_settings *s, const struct doc *d, struct err *e)
{
    if (d->type != DOC_MAP)
        return bad(d, e, "a map");
    for (const struct doc *m = d->first; m; m = m->next)
        if (set_one(s, m, e))
            return -1;
    return 0;
}
