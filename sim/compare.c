/* SPDX-License-Identifier: MIT
 *
 * The comparison. Two references tell what sharing costs a virtual cluster: alone, and alone but with each start as
 * late as stopping others made it (at most the grace). What a job waits longer than in the second is owed to sharing
 * itself: the guarantee did not hold.
 */
#include "sim/compare.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sim/policy.h"
#include "sim/setup.h"

struct comparison {
    const struct compare *ask;
    struct trace trace;
    struct setup setup;
    struct policies policies;
    int64_t *alone, *paced; /* waits by job, ms; -1 = it did not run */
    struct policy alone_under;
    struct report report;
};

/* Each virtual cluster for itself, under the order of a policy; of those without classes, under that of `shape`. */
static int run_alone(struct comparison *c, const struct policy *p, const struct replay_delays *paced, int64_t *waits,
                     struct err *e)
{
    struct replay_plan plan = {
        .trace = &c->trace, .setup = &c->setup, .policy = p, .checkpoint_ms = c->ask->checkpoint_ms, .paced = paced};
    memset(waits, 0xff, c->trace.job_count * sizeof *waits);
    for (plan.only = 0; plan.only < (int)c->trace.vc_count; plan.only++) {
        struct replay_result r = {0};
        int rc = replay_run(&plan, &r, e);
        for (size_t i = 0; !rc && i < c->trace.job_count; i++)
            if (r.jobs[i].fate == REPLAY_ENDED)
                waits[i] = r.jobs[i].start_ms - c->trace.jobs[i].submit_ms;
        replay_result_fini(&r);
        if (rc)
            return -1;
    }
    return 0;
}

/* What a virtual cluster alone obeys. */
static struct policy private_policy(const struct policy *p)
{
    struct policies built_in;
    policy_defaults(&built_in);
    return p->classes ? *p : built_in.list[built_in.count - 1];
}

static bool same_order(const struct policy *a, const struct policy *b)
{
    return a->age_ms == b->age_ms && a->grace_ms == b->grace_ms;
}

static int run_policy(struct comparison *c, const struct policy *p, struct err *e)
{
    struct replay_plan plan = {
        .trace = &c->trace, .setup = &c->setup, .policy = p, .checkpoint_ms = c->ask->checkpoint_ms, .only = -1};
    struct replay_result r = {0};
    struct figures f = {0};
    struct policy alone = private_policy(p);
    int rc = replay_run(&plan, &r, e);
    if (!rc && (!c->alone_under.classes || !same_order(&c->alone_under, &alone))) {
        rc = run_alone(c, &alone, NULL, c->alone, e);
        c->alone_under = alone;
    }
    if (!rc)
        rc = run_alone(c, &alone, &r.delays, c->paced, e);
    const struct figures_reference ref = {.alone = c->alone, .paced = c->paced};
    if (!rc && figures_make(&f, &plan, &r, &ref))
        rc = err_set(e, ERR_INTERNAL, "out of memory");
    if (!rc)
        report_policy(&c->report, &plan, &r, &f);
    figures_fini(&f);
    replay_result_fini(&r);
    return rc;
}

static int prepare(struct comparison *c, struct err *e)
{
    const struct compare *ask = c->ask;
    policy_defaults(&c->policies);
    if (trace_read_file(ask->trace, &c->trace, e))
        return -1;
    if (!c->trace.job_count)
        return err_set(e, ERR_INVALID_PARAMETERS, "%s has no jobs", ask->trace);
    if (ask->cluster ? setup_described(&c->setup, &c->trace, ask->cluster, &c->policies, e)
                     : setup_by_rule(&c->setup, &c->trace, ask->gpus, e))
        return -1;
    if (ask->policies && policy_choose(&c->policies, ask->policies, e))
        return -1;
    for (size_t i = 0; i < c->policies.count; i++) {
        struct policy *p = &c->policies.list[i];
        if (ask->age_ms >= 0 && p->passing)
            p->age_ms = ask->age_ms;
        if (ask->grace_ms >= 0)
            p->grace_ms = ask->grace_ms;
    }
    c->alone = calloc(c->trace.job_count, sizeof *c->alone);
    c->paced = calloc(c->trace.job_count, sizeof *c->paced);
    return c->alone && c->paced ? 0 : err_set(e, ERR_INTERNAL, "out of memory");
}

static bool all_have_classes(const struct trace *t)
{
    for (size_t i = 0; i < t->job_count; i++)
        if (t->jobs[i].job_class < 0)
            return false;
    return true;
}

int compare_run(const struct compare *ask, FILE *out, struct err *e)
{
    struct comparison c = {.ask = ask};
    int rc = prepare(&c, e);
    if (!rc) {
        bool drawn = !all_have_classes(&c.trace);
        const struct report_head head = {.trace_path = ask->trace,
                                         .trace = &c.trace,
                                         .setup = &c.setup,
                                         .class_percent = drawn ? ask->class_percent : NULL,
                                         .seed = ask->seed,
                                         .checkpoint_ms = ask->checkpoint_ms};
        trace_read_classes(&c.trace, ask->class_percent, ask->seed);
        report_begin(&c.report, ask->format, out, &head);
        for (size_t i = 0; !rc && i < c.policies.count; i++)
            rc = run_policy(&c, &c.policies.list[i], e);
        if (report_end(&c.report, !rc) && !rc)
            rc = err_set(e, ERR_INTERNAL, "the report could not be written");
    }
    free(c.alone);
    free(c.paced);
    setup_fini(&c.setup);
    trace_read_fini(&c.trace);
    return rc;
}
