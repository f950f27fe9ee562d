/* SPDX-License-Identifier: MIT
 *
 * The runner. It drives the grid directly, not the core: what a scenario expects are cells and GPUs, which only the
 * scheduler decides on; the core knows nodes and counts. After each step the grid recounts itself.
 */
#include "sim/scenario.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "scheduler/grid.h"
#include "sim/described.h"
#include "sim/scenario_expect.h"

enum { JOBS_MAX = 256 };

static const cJSON *member(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

static const char *text(const cJSON *o, const char *key)
{
    const cJSON *v = member(o, key);
    return cJSON_IsString(v) ? v->valuestring : NULL;
}

static int number(const cJSON *o, const char *key, int fallback)
{
    const cJSON *v = member(o, key);
    return cJSON_IsNumber(v) ? v->valueint : fallback;
}

/* ---- configuration ---- */

/* A described object, or the one it names in a table of the file. */
static const cJSON *named(const struct scenario *s, const char *table, const cJSON *o)
{
    return cJSON_IsString(o) ? member(member(s->file, table), o->valuestring) : o;
}

static void take_down(struct scenario *s)
{
    grid_destroy(s->grid);
    described_vcs_free(s->vcs, s->vc_count);
    topology_fini(&s->topology);
    s->grid = NULL;
    s->vcs = NULL;
}

static int bring_up(struct scenario *s, struct err *e)
{
    const cJSON *cluster = named(s, "clusters", s->cluster), *vcs = named(s, "vcsets", s->vcset);
    if (!cJSON_IsObject(cluster) || !cJSON_IsObject(vcs))
        return err_set(e, ERR_INVALID_PARAMETERS, "no such cluster or vcs");
    if (described_cluster(cluster, &s->topology, e))
        return -1;
    s->vcs = described_vcs(vcs, &s->topology, &s->vc_count, e);
    s->grid = s->vcs ? grid_create(&s->topology, s->vcs, s->vc_count, e) : NULL;
    return s->grid ? 0 : -1;
}

/* ---- steps ---- */

static struct scenario_job *job_of(struct scenario *s, const cJSON *step)
{
    struct scenario_job *j = scenario_job(s, text(step, "job"));
    if (!j)
        scenario_fail(s, "the step names an unknown job");
    return j;
}

static void read_request(const struct scenario_job *j, struct grid_pods *pods, struct grid_request *r)
{
    const cJSON *pod, *lazy = member(j->ask, "lazily_preemptable");
    *r = (struct grid_request){.vc = text(j->ask, "vc"),
                               .model = text(j->ask, "gpu_type"),
                               .pin = text(j->ask, "pin"),
                               .pods = pods,
                               .priority = number(j->ask, "priority", 0),
                               .lazy = cJSON_IsTrue(lazy),
                               .seq = j->seq};
    cJSON_ArrayForEach(pod, member(j->ask, "pods"))
    {
        if (r->pod_kinds == GRID_PODS_MAX)
            return;
        pods[r->pod_kinds++] = (struct grid_pods){number(pod, "count", 1), number(pod, "gpus", 0)};
    }
}

static int set_only(struct scenario *s, const struct scenario_job *j, const cJSON *list)
{
    const char *names[1024];
    size_t n = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (n < 1024 && cJSON_IsString(item))
            names[n++] = item->valuestring;
    }
    return grid_only(s->grid, j->gang, names, n);
}

static void step_submit(struct scenario *s, const cJSON *step)
{
    struct grid_pods pods[GRID_PODS_MAX];
    struct grid_request r;
    struct err e = {0};
    if (s->job_count == JOBS_MAX || !text(step, "job") || !text(step, "vc")) {
        scenario_fail(s, s->job_count == JOBS_MAX ? "too many jobs" : "a submission names its job and vc");
        return;
    }
    struct scenario_job *j = &s->jobs[s->job_count++];
    *j = (struct scenario_job){.name = text(step, "job"), .ask = step, .seq = s->next_seq++};
    read_request(j, pods, &r);
    j->gang = grid_submit(s->grid, &r, &e);
    if (j->gang >= 0 && member(step, "only_nodes"))
        set_only(s, j, member(step, "only_nodes"));
    if (j->gang >= 0)
        grid_try(s->grid, j->gang);
    scenario_expect(s, j, member(step, "expect"));
}

static void step_retry(struct scenario *s, const cJSON *step)
{
    struct scenario_job *j = job_of(s, step);
    if (!j || j->gang < 0)
        return;
    if (member(step, "only_nodes"))
        set_only(s, j, member(step, "only_nodes"));
    grid_try(s->grid, j->gang);
    scenario_expect(s, j, member(step, "expect"));
}

static void step_remove(struct scenario *s, const cJSON *step)
{
    struct scenario_job *j = job_of(s, step);
    if (!j || j->gang < 0)
        return;
    grid_remove(s->grid, j->gang);
    j->gang = -1;
}

static void step_check(struct scenario *s, const cJSON *step)
{
    struct scenario_job *j = job_of(s, step);
    if (j)
        scenario_expect(s, j, member(step, "expect"));
}

static void set_health(struct scenario *s, const cJSON *step, bool up)
{
    const char *name = text(step, "node");
    int node = name ? grid_node(s->grid, name) : -1;
    if (node < 0)
        scenario_fail(s, "the step names an unknown node");
    else
        grid_health(s->grid, node, up);
}

static void step_down(struct scenario *s, const cJSON *step)
{
    set_health(s, step, false);
}

static void step_up(struct scenario *s, const cJSON *step)
{
    set_health(s, step, true);
}

/* The other machines of the cell of `type` around the job's first. */
static void step_down_buddy(struct scenario *s, const cJSON *step)
{
    struct scenario_job *j = job_of(s, step);
    struct grid_place at;
    if (!j || j->gang < 0 || !grid_places(s->grid, j->gang, &at, 1))
        return;
    int level = scenario_level(s, grid_chain(s->grid, at.node), text(step, "type"));
    size_t nodes = 0;
    for (size_t r = 0; r < s->topology.root_count; r++)
        nodes += s->topology.roots[r].node_count;
    for (int n = 0; n < (int)nodes; n++) {
        struct grid_place other = {.node = n};
        if (n != at.node && level >= 0 && grid_chain(s->grid, n) == grid_chain(s->grid, at.node) &&
            grid_cell(s->grid, &other, level) == grid_cell(s->grid, &at, level))
            grid_health(s->grid, n, false);
    }
}

/* What one job holds, by machine name: that is what survives a restart. */
struct kept {
    struct grid_place *at;
    size_t count;
    bool oppo;
};

static int keep(const struct scenario *s, const struct scenario_job *j, struct kept *k)
{
    *k = (struct kept){0};
    if (j->gang < 0 || grid_state_of(s->grid, j->gang) != GRID_ALLOCATED)
        return 0;
    k->count = grid_places(s->grid, j->gang, NULL, 0);
    k->at = calloc(k->count + 1, sizeof *k->at);
    if (!k->at)
        return -1;
    grid_places(s->grid, j->gang, k->at, k->count);
    k->oppo = grid_is_oppo(s->grid, j->gang);
    return 0;
}

static void replay(struct scenario *s, struct scenario_job *j, struct kept *k)
{
    struct grid_pods pods[GRID_PODS_MAX];
    struct grid_request r;
    struct err e = {0};
    struct grid_past past = {.at = k->at, .count = k->count, .oppo = k->oppo};
    if (j->gang < 0)
        return;
    read_request(j, pods, &r);
    j->gang = k->at ? grid_adopt(s->grid, &r, &past, &e) : grid_submit(s->grid, &r, &e);
    if (j->gang < 0)
        scenario_fail(s, "%s was lost at restart: %s", j->name, e.text);
}

static void step_restart(struct scenario *s, const cJSON *step)
{
    struct kept kept[JOBS_MAX] = {{0}};
    struct topology old;
    struct err e = {0};
    for (size_t i = 0; i < s->job_count; i++)
        if (keep(s, &s->jobs[i], &kept[i]))
            scenario_fail(s, "out of memory");
    old = s->topology;
    s->topology = (struct topology){0};
    take_down(s);
    if (member(step, "cluster"))
        s->cluster = member(step, "cluster");
    if (member(step, "vcs"))
        s->vcset = member(step, "vcs");
    if (bring_up(s, &e))
        scenario_fail(s, "restart: %s", e.text);
    for (size_t i = 0; i < s->job_count; i++) {
        for (size_t n = 0; s->grid && n < kept[i].count; n++)
            kept[i].at[n].node = grid_node(s->grid, scenario_node_name(&old, kept[i].at[n].node));
        if (s->grid)
            replay(s, &s->jobs[i], &kept[i]);
        free(kept[i].at);
    }
    topology_fini(&old);
}

typedef void step_fn(struct scenario *s, const cJSON *step);

static const struct {
    const char *op;
    step_fn *run;
} steps[] = {
    {"submit", step_submit}, {"retry", step_retry},     {"finish", step_remove},
    {"cancel", step_remove}, {"check", step_check},     {"node_down", step_down},
    {"node_up", step_up},    {"restart", step_restart}, {"node_down_buddy_of", step_down_buddy},
};

static void run_step(struct scenario *s, const cJSON *step)
{
    const char *op = text(step, "op");
    for (size_t i = 0; op && i < sizeof steps / sizeof steps[0]; i++) {
        if (strcmp(steps[i].op, op) != 0)
            continue;
        steps[i].run(s, step);
        if (s->grid && !grid_check(s->grid))
            scenario_fail(s, "the recount differs");
        return;
    }
    scenario_fail(s, "unknown step");
}

static void run_steps(struct scenario *s, const cJSON *list)
{
    const cJSON *step = cJSON_GetArrayItem(list, 0);
    struct err e = {0};
    bool start = step && text(step, "op") && !strcmp(text(step, "op"), "start"), up = !bring_up(s, &e);
    if (start) {
        const char *outcome = text(member(step, "expect"), "outcome");
        bool refused = outcome && !strcmp(outcome, "rejected");
        if (refused == up)
            scenario_fail(s, "start was %s", up ? "accepted" : e.text);
        step = step->next;
    } else if (!up) {
        scenario_fail(s, "start: %s", e.text);
    }
    for (s->step = start ? 2 : 1; up && step && !s->failed; step = step->next, s->step++)
        run_step(s, step);
}

/* One scenario, and its line. Whether it passed. */
static bool run_one(const cJSON *file, const cJSON *o, FILE *out)
{
    struct scenario_job *jobs = calloc(JOBS_MAX, sizeof *jobs);
    struct scenario s = {
        .file = file, .cluster = member(o, "cluster"), .vcset = member(o, "vcs"), .jobs = jobs, .step = 1};
    if (jobs)
        run_steps(&s, member(o, "steps"));
    else
        scenario_fail(&s, "out of memory");
    take_down(&s);
    free(jobs);
    const char *id = text(o, "id");
    fprintf(out, "%s %s%s%s\n", s.failed ? "FAIL" : "ok  ", id ? id : "(no id)", s.failed ? ": " : "", s.why);
    return !s.failed;
}

int scenario_run_file(const char *path, FILE *out, struct err *e)
{
    struct buf data;
    int passed = 0, failed = 0;
    buf_init(&data, JSON_MAX_BYTES);
    cJSON *file = fs_read(path, JSON_MAX_BYTES, &data, e) ? NULL : json_parse(buf_str(&data), data.len, 0, e);
    const cJSON *list = file ? member(file, "scenarios") : NULL, *o;
    buf_fini(&data);
    if (!cJSON_IsArray(list)) {
        cJSON_Delete(file);
        return file ? err_set(e, ERR_INVALID_PARAMETERS, "%s has no list of scenarios", path) : -1;
    }
    cJSON_ArrayForEach(o, list)
    {
        if (run_one(file, o, out))
            passed++;
        else
            failed++;
    }
    fprintf(out, "%d passed, %d failed\n", passed, failed);
    cJSON_Delete(file);
    return failed;
}
