/* SPDX-License-Identifier: MIT
 *
 * Three writers of the same figures.
 */
#include "sim/report.h"

#include <string.h>

#include "sim/policy.h"
#include "sim/setup.h"

/* What is written of a policy. */
struct sheet {
    const struct replay_plan *plan;
    const struct replay_result *result;
    const struct figures *figures;
};

/* ---- table ---- */

/* A line: what, how many jobs, and their spread. */
static void table_spread(struct buf *b, const char *what, const struct figures_spread *s, int decimals)
{
    const double v[] = {s->mean, s->p50, s->p95, s->p99, s->worst};
    buf_addf(b, "  %-15s %8zu", what, s->count);
    for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
        if (s->count)
            buf_addf(b, " %9.*f", decimals, v[i]);
        else
            buf_addf(b, " %9s", "-");
    }
    buf_addc(b, '\n');
}

static void table_head(struct buf *b, const struct report_head *h)
{
    const struct trace *t = h->trace;
    buf_addf(b, "%s: %zu jobs of %zu virtual clusters on %d GPUs\n", h->trace_path, t->job_count, t->vc_count,
             h->setup->gpus);
    if (t->without_gpus)
        buf_addf(b, "%zu rows without GPUs are left out\n", t->without_gpus);
    if (t->fractions)
        buf_addf(b, "%zu jobs that ask for a part of a GPU get whole ones\n", t->fractions);
    if (h->setup->by_rule)
        buf_adds(b, "quota rule: whole machines by share of GPU-hours, largest remainder, at least one\n");
    if (h->class_percent) {
        buf_adds(b, "classes drawn:");
        for (int c = TRACE_CLASSES - 1; c >= 0; c--)
            buf_addf(b, " %s %d %%", trace_classes[c].name, h->class_percent[c]);
        buf_addf(b, " (seed %llu)\n", (unsigned long long)h->seed);
    }
    if (h->checkpoint_ms)
        buf_addf(b, "checkpoints every %lld s\n", (long long)(h->checkpoint_ms / 1000));
}

static void table_vcs(struct buf *b, const struct sheet *s)
{
    buf_adds(b,
             "  by virtual cluster: mean wait, s; sharing cost, which is a guaranteed job's wait here minus its wait\n"
             "  alone, s; jobs that the grace does not explain (beyond), and the worst of them; GPU time served, %\n");
    buf_addf(b, "  %-12s %5s %9s %7s %9s %9s %9s %9s %9s %7s %9s %7s\n", "vc", "gpus", "wait", "jobs", "mean", "p50",
             "p95", "p99", "worst", "beyond", "by s", "served");
    for (size_t v = 0; v < s->plan->trace->vc_count; v++) {
        const struct figures_vc *vc = &s->figures->vcs[v];
        const struct figures_spread *c = &vc->cost_s;
        buf_addf(b, "  %-12.12s %5d %9.0f %7zu %9.0f %9.0f %9.0f %9.0f %9.0f %7zu %9.0f %7.1f\n",
                 s->plan->trace->vcs[v].name, s->plan->setup->vc_gpus[v], vc->wait_s.mean, c->count, c->mean, c->p50,
                 c->p95, c->p99, c->worst, vc->beyond, vc->beyond_worst_s, vc->served_percent);
    }
}

static void table_policy(struct buf *b, const struct sheet *s)
{
    const struct figures *f = s->figures;
    const struct replay_result *r = s->result;
    buf_addf(b, "\npolicy %s: %zu ran, %zu above their quota, %zu never started; %.2f s of CPU\n",
             s->plan->policy->name, r->ran, r->skipped, r->unstarted, r->cpu_s);
    buf_addf(b, "  %-15s %8s %9s %9s %9s %9s %9s\n", "", "jobs", "mean", "p50", "p95", "p99", "worst");
    table_spread(b, "wait s", &f->wait_s, 0);
    for (int c = TRACE_CLASSES - 1; c >= 0; c--) {
        char what[32];
        snprintf(what, sizeof what, "wait s, %s", trace_classes[c].name);
        if (f->class_wait_s[c].count)
            table_spread(b, what, &f->class_wait_s[c], 0);
    }
    table_spread(b, "slowdown", &f->slowdown, 2);
    buf_addf(b, "  use %.1f %%, fragmented %.1f %% of what is idle, %zu preemptions, %.1f GPU-hours of work lost\n",
             f->use_percent, f->fragment_percent, r->preemptions, f->lost_gpu_h);
    buf_addf(b, "  fairness %.3f of virtual clusters", f->fair_vc);
    if (f->fair_user > 0)
        buf_addf(b, ", %.3f of users", f->fair_user);
    buf_addc(b, '\n');
    table_vcs(b, s);
}

/* ---- JSON ---- */

static void json_number(struct json_out *j, const char *key, double v)
{
    json_out_key(j, key);
    json_out_double(j, v);
}

static void json_spread(struct json_out *j, const char *key, const struct figures_spread *s)
{
    json_out_key(j, key);
    json_out_object(j);
    json_out_kint(j, "jobs", (int64_t)s->count);
    json_number(j, "mean", s->mean);
    json_number(j, "p50", s->p50);
    json_number(j, "p95", s->p95);
    json_number(j, "p99", s->p99);
    json_number(j, "worst", s->worst);
    json_out_object_end(j);
}

static void json_head(struct json_out *j, const struct report_head *h)
{
    json_out_object(j);
    json_out_kstring(j, "trace", h->trace_path);
    json_out_kint(j, "jobs", (int64_t)h->trace->job_count);
    json_out_kint(j, "withoutGpus", (int64_t)h->trace->without_gpus);
    json_out_kint(j, "fractions", (int64_t)h->trace->fractions);
    json_out_kint(j, "gpus", h->setup->gpus);
    json_out_kbool(j, "quotaRule", h->setup->by_rule);
    json_out_kint(j, "checkpointSeconds", h->checkpoint_ms / 1000);
    if (h->class_percent) {
        json_out_key(j, "classesDrawn");
        json_out_object(j);
        for (int c = 0; c < TRACE_CLASSES; c++)
            json_out_kint(j, trace_classes[c].name, h->class_percent[c]);
        json_out_kint(j, "seed", (int64_t)h->seed);
        json_out_object_end(j);
    }
    json_out_key(j, "policies");
    json_out_array(j);
}

static void json_vcs(struct json_out *j, const struct sheet *s)
{
    json_out_key(j, "virtualClusters");
    json_out_array(j);
    for (size_t v = 0; v < s->plan->trace->vc_count; v++) {
        const struct figures_vc *vc = &s->figures->vcs[v];
        json_out_object(j);
        json_out_kstring(j, "name", s->plan->trace->vcs[v].name);
        json_out_kint(j, "gpus", s->plan->setup->vc_gpus[v]);
        json_spread(j, "waitSeconds", &vc->wait_s);
        json_spread(j, "sharingCostSeconds", &vc->cost_s);
        json_out_kint(j, "jobsBeyondGrace", (int64_t)vc->beyond);
        json_number(j, "worstBeyondGraceSeconds", vc->beyond_worst_s);
        json_number(j, "servedPercent", vc->served_percent);
        json_out_object_end(j);
    }
    json_out_array_end(j);
}

static void json_policy(struct json_out *j, const struct sheet *s)
{
    const struct figures *f = s->figures;
    json_out_object(j);
    json_out_kstring(j, "policy", s->plan->policy->name);
    json_out_kint(j, "ran", (int64_t)s->result->ran);
    json_out_kint(j, "aboveQuota", (int64_t)s->result->skipped);
    json_out_kint(j, "neverStarted", (int64_t)s->result->unstarted);
    json_spread(j, "waitSeconds", &f->wait_s);
    json_out_key(j, "waitSecondsByClass");
    json_out_object(j);
    for (int c = 0; c < TRACE_CLASSES; c++)
        json_spread(j, trace_classes[c].name, &f->class_wait_s[c]);
    json_out_object_end(j);
    json_spread(j, "slowdown", &f->slowdown);
    json_number(j, "usePercent", f->use_percent);
    json_number(j, "fragmentedPercent", f->fragment_percent);
    json_out_kint(j, "preemptions", (int64_t)s->result->preemptions);
    json_number(j, "lostGpuHours", f->lost_gpu_h);
    json_number(j, "fairnessOfVirtualClusters", f->fair_vc);
    json_number(j, "fairnessOfUsers", f->fair_user);
    json_vcs(j, s);
    json_number(j, "cpuSeconds", s->result->cpu_s);
    json_out_object_end(j);
}

/* ---- CSV ---- */

/* A row is a figure's spread, of all jobs or of some: policy, what, of whom, the spread. */
static void csv_spread(struct buf *b, const struct sheet *s, const char *what, const char *who,
                       const struct figures_spread *v)
{
    buf_addf(b, "%s,%s,%s,%zu,%.3f,%.3f,%.3f,%.3f,%.3f,\n", s->plan->policy->name, what, who, v->count, v->mean, v->p50,
             v->p95, v->p99, v->worst);
}

/* Or a single value. */
static void csv_value(struct buf *b, const struct sheet *s, const char *what, const char *who, double v)
{
    buf_addf(b, "%s,%s,%s,,,,,,,%.3f\n", s->plan->policy->name, what, who, v);
}

static void csv_vcs(struct buf *b, const struct sheet *s)
{
    for (size_t v = 0; v < s->plan->trace->vc_count; v++) {
        const struct figures_vc *vc = &s->figures->vcs[v];
        const char *who = s->plan->trace->vcs[v].name;
        csv_spread(b, s, "vc_wait_s", who, &vc->wait_s);
        csv_spread(b, s, "vc_sharing_cost_s", who, &vc->cost_s);
        buf_addf(b, "%s,vc_beyond_grace_s,%s,%zu,,,,,%.3f,\n", s->plan->policy->name, who, vc->beyond,
                 vc->beyond_worst_s);
        csv_value(b, s, "vc_served_percent", who, vc->served_percent);
    }
}

static void csv_policy(struct buf *b, const struct sheet *s)
{
    const struct figures *f = s->figures;
    const struct {
        const char *what;
        double value;
    } single[] = {{"ran", (double)s->result->ran},
                  {"above_quota", (double)s->result->skipped},
                  {"never_started", (double)s->result->unstarted},
                  {"use_percent", f->use_percent},
                  {"fragmented_percent", f->fragment_percent},
                  {"preemptions", (double)s->result->preemptions},
                  {"lost_gpu_hours", f->lost_gpu_h},
                  {"fairness_vc", f->fair_vc},
                  {"fairness_user", f->fair_user}};
    csv_spread(b, s, "wait_s", "", &f->wait_s);
    csv_spread(b, s, "slowdown", "", &f->slowdown);
    for (int c = 0; c < TRACE_CLASSES; c++)
        csv_spread(b, s, "wait_s", trace_classes[c].name, &f->class_wait_s[c]);
    csv_vcs(b, s);
    for (size_t i = 0; i < sizeof single / sizeof single[0]; i++)
        csv_value(b, s, single[i].what, "", single[i].value);
}

/* ---- all ---- */

static const char *const format_words[] = {[REPORT_TABLE] = "table", [REPORT_JSON] = "json", [REPORT_CSV] = "csv"};

int report_format(const char *word)
{
    for (int f = 0; f <= REPORT_CSV; f++)
        if (!strcmp(word, format_words[f]))
            return f;
    return -1;
}

void report_begin(struct report *r, enum report_format format, FILE *out, const struct report_head *head)
{
    *r = (struct report){.format = format, .out = out};
    buf_init(&r->text, 0);
    json_out_init(&r->json, &r->text);
    if (format == REPORT_TABLE)
        table_head(&r->text, head);
    else if (format == REPORT_JSON)
        json_head(&r->json, head);
    else
        buf_adds(&r->text, "policy,figure,of,jobs,mean,p50,p95,p99,worst,value\n");
}

void report_policy(struct report *r, const struct replay_plan *p, const struct replay_result *result,
                   const struct figures *f)
{
    const struct sheet s = {.plan = p, .result = result, .figures = f};
    if (r->format == REPORT_TABLE)
        table_policy(&r->text, &s);
    else if (r->format == REPORT_JSON)
        json_policy(&r->json, &s);
    else
        csv_policy(&r->text, &s);
}

int report_end(struct report *r, bool write)
{
    if (r->format == REPORT_JSON) {
        json_out_array_end(&r->json);
        json_out_object_end(&r->json);
        buf_addc(&r->text, '\n');
    }
    bool ok =
        !write || (!r->text.bad && fwrite(r->text.data, 1, r->text.len, r->out) == r->text.len && !fflush(r->out));
    buf_fini(&r->text);
    return ok ? 0 : -1;
}
