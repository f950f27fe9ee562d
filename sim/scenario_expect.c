/* SPDX-License-Identifier: MIT
 *
 * One function for each expectation, in a table.
 */
#include "sim/scenario_expect.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PLACES_MAX = 4096, VICTIMS_MAX = 256 };

void scenario_fail(struct scenario *s, const char *fmt, ...)
{
    va_list ap;
    if (s->failed)
        return;
    s->failed = true;
    int n = snprintf(s->why, sizeof s->why, "step %d: ", s->step);
    va_start(ap, fmt);
    vsnprintf(s->why + n, sizeof s->why - (size_t)n, fmt, ap);
    va_end(ap);
}

struct scenario_job *scenario_job(struct scenario *s, const char *name)
{
    for (size_t i = 0; name && i < s->job_count; i++)
        if (!strcmp(s->jobs[i].name, name))
            return &s->jobs[i];
    return NULL;
}

int scenario_level(const struct scenario *s, int chain, const char *type)
{
    const struct topology_chain *c = &s->topology.chains[chain];
    for (int l = 0; type && l < c->levels; l++)
        if (!strcmp(c->level[l].name, type))
            return l;
    return -1;
}

const char *scenario_node_name(const struct topology *t, int node)
{
    for (size_t r = 0; r < t->root_count; r++) {
        if ((size_t)node < t->roots[r].node_count)
            return t->roots[r].nodes[node];
        node -= (int)t->roots[r].node_count;
    }
    return "";
}

/* What a job holds. */
struct held {
    struct grid_place at[PLACES_MAX];
    size_t count;
};

static void read_held(const struct scenario *s, const struct scenario_job *j, struct held *h)
{
    h->count = j && j->gang >= 0 ? grid_places(s->grid, j->gang, h->at, PLACES_MAX) : 0;
    if (h->count > PLACES_MAX)
        h->count = PLACES_MAX;
}

static bool on_node(const struct held *h, int node)
{
    for (size_t i = 0; i < h->count; i++)
        if (h->at[i].node == node)
            return true;
    return false;
}

static const char *outcome_of(const struct scenario *s, const struct scenario_job *j)
{
    static const char *const names[] = {
        [GRID_WAITING] = "waiting", [GRID_PREEMPTING] = "preempting", [GRID_ALLOCATED] = "allocated"};
    return j->gang < 0 ? "rejected" : names[grid_state_of(s->grid, j->gang)];
}

static bool is_outcome(struct scenario *s, const struct scenario_job *j, const cJSON *v)
{
    if (cJSON_IsString(v) && !strcmp(v->valuestring, outcome_of(s, j)))
        return true;
    scenario_fail(s, "%s is %s", j->name, outcome_of(s, j));
    return false;
}

static bool is_state(struct scenario *s, const struct scenario_job *j, const cJSON *v)
{
    const char *state = "gone";
    if (j->gang >= 0 && grid_state_of(s->grid, j->gang) == GRID_ALLOCATED)
        state = grid_is_oppo(s->grid, j->gang) ? "running-opportunistic" : "running";
    else if (j->gang >= 0)
        state = "waiting";
    if (cJSON_IsString(v) && !strcmp(v->valuestring, state))
        return true;
    scenario_fail(s, "%s is %s", j->name, state);
    return false;
}

static bool are_victims(struct scenario *s, const struct scenario_job *j, const cJSON *v)
{
    int gangs[VICTIMS_MAX];
    size_t n = j->gang < 0 ? 0 : grid_victims(s->grid, j->gang, gangs, VICTIMS_MAX), found = 0;
    const cJSON *name;
    cJSON_ArrayForEach(name, v)
    {
        const struct scenario_job *other = scenario_job(s, cJSON_IsString(name) ? name->valuestring : NULL);
        for (size_t i = 0; other && i < n; i++)
            found += gangs[i] == other->gang;
    }
    return found == n && n == (size_t)cJSON_GetArraySize(v);
}

static bool are_nodes(struct scenario *s, const struct scenario_job *j, const cJSON *v)
{
    struct held h;
    const cJSON *name;
    size_t covered = 0;
    read_held(s, j, &h);
    cJSON_ArrayForEach(name, v)
    {
        int node = cJSON_IsString(name) ? grid_node(s->grid, name->valuestring) : -1;
        if (node < 0 || !on_node(&h, node))
            return false;
        for (size_t i = 0; i < h.count; i++)
            covered += h.at[i].node == node;
    }
    return covered == h.count;
}

static bool is_node_count(struct scenario *s, const struct scenario_job *j, const cJSON *v)
{
    struct held h;
    int nodes = 0;
    read_held(s, j, &h);
    for (size_t i = 0; i < h.count; i++) {
        struct held before = {.count = 0};
        before.count = i;
        memcpy(before.at, h.at, i * sizeof h.at[0]);
        nodes += !on_node(&before, h.at[i].node);
    }
    return nodes == v->valueint;
}

/* How many of the job's GPUs are on machines of the other. */
static size_t shared(struct scenario *s, const struct scenario_job *j, const cJSON *v, size_t *all)
{
    struct held mine, others;
    size_t n = 0;
    read_held(s, j, &mine);
    read_held(s, scenario_job(s, cJSON_IsString(v) ? v->valuestring : NULL), &others);
    for (size_t i = 0; i < mine.count; i++)
        n += on_node(&others, mine.at[i].node);
    *all = mine.count;
    return n;
}

static bool is_same_node(struct scenario *s, const struct scenario_job *j, const cJSON *v)
{
    size_t all, n = shared(s, j, v, &all);
    return all > 0 && n == all;
}

static bool is_not_same_node(struct scenario *s, const struct scenario_job *j, const cJSON *v)
{
    size_t all;
    return shared(s, j, v, &all) == 0 && all > 0;
}

/* The one cell of a type around all GPUs, or -1. */
static int one_cell(struct scenario *s, const struct held *h, const char *type)
{
    int cell = -1;
    for (size_t i = 0; i < h->count; i++) {
        int level = scenario_level(s, grid_chain(s->grid, h->at[i].node), type);
        int here = level < 0 ? -1 : grid_cell(s->grid, &h->at[i], level);
        if (here < 0 || (cell >= 0 && here != cell))
            return -1;
        cell = here;
    }
    return cell;
}

static bool is_within(struct scenario *s, const struct scenario_job *j, const cJSON *v)
{
    struct held h;
    read_held(s, j, &h);
    return cJSON_IsString(v) && one_cell(s, &h, v->valuestring) >= 0;
}

static bool cells_equal(struct scenario *s, const struct scenario_job *j, const cJSON *v)
{
    struct held mine, others;
    const cJSON *type = cJSON_GetObjectItemCaseSensitive(v, "type"), *as = cJSON_GetObjectItemCaseSensitive(v, "as");
    if (!cJSON_IsString(type) || !cJSON_IsString(as))
        return false;
    read_held(s, j, &mine);
    read_held(s, scenario_job(s, as->valuestring), &others);
    int cell = one_cell(s, &mine, type->valuestring);
    return cell >= 0 && cell == one_cell(s, &others, type->valuestring);
}

static bool is_same_cell(struct scenario *s, const struct scenario_job *j, const cJSON *v)
{
    return cells_equal(s, j, v);
}

static bool is_not_same_cell(struct scenario *s, const struct scenario_job *j, const cJSON *v)
{
    return !cells_equal(s, j, v);
}

static bool is_not_on(struct scenario *s, const struct scenario_job *j, const cJSON *v)
{
    struct held h;
    const cJSON *name;
    read_held(s, j, &h);
    cJSON_ArrayForEach(name, v)
    {
        if (cJSON_IsString(name) && on_node(&h, grid_node(s->grid, name->valuestring)))
            return false;
    }
    return true;
}

static bool is_model(struct scenario *s, const struct scenario_job *j, const cJSON *v)
{
    struct held h;
    read_held(s, j, &h);
    for (size_t i = 0; i < h.count; i++)
        if (!cJSON_IsString(v) ||
            strcmp(s->topology.chains[grid_chain(s->grid, h.at[i].node)].level[0].name, v->valuestring) != 0)
            return false;
    return h.count > 0;
}

typedef bool expect_fn(struct scenario *s, const struct scenario_job *j, const cJSON *v);

static const struct {
    const char *key;
    expect_fn *holds;
} expectations[] = {
    {"outcome", is_outcome},
    {"state", is_state},
    {"victims", are_victims},
    {"nodes", are_nodes},
    {"nodes_used", is_node_count},
    {"same_node_as", is_same_node},
    {"not_same_node_as", is_not_same_node},
    {"within_cell", is_within},
    {"same_cell", is_same_cell},
    {"not_same_cell", is_not_same_cell},
    {"not_on", is_not_on},
    {"gpu_type", is_model},
};

void scenario_expect(struct scenario *s, const struct scenario_job *j, const cJSON *expect)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, expect)
    {
        size_t i = 0, n = sizeof expectations / sizeof expectations[0];
        while (i < n && strcmp(expectations[i].key, v->string) != 0)
            i++;
        if (i == n)
            scenario_fail(s, "unknown expectation %s", v->string);
        else if (!expectations[i].holds(s, j, v))
            scenario_fail(s, "%s: %s is not as expected", j->name, v->string);
    }
}
