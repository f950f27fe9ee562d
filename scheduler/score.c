/* SPDX-License-Identifier: MIT
 *
 * The terms, one measure each. What a term costs is paid only where it weighs something; once a place is chosen, all
 * are taken down.
 */
#include "scheduler/score.h"

#include <string.h>

#include "scheduler/score_internal.h"

const struct score_weights score_defaults = {.of = {[SCORE_VICTIMS] = 1000000, [SCORE_LEFT] = 1000, [SCORE_APART] = 1}};

/* ---- measures ---- */

static int victims(const struct score_case *c)
{
    return c->victims;
}

static int left(const struct score_case *c)
{
    return c->left;
}

static int apart(const struct score_case *c)
{
    return c->near < 0 ? 0 : space_distance(c->grid->space, c->near, c->cell);
}

static int spread(const struct score_case *c)
{
    return c->near < 0 ? 0 : TOPOLOGY_LEVELS - apart(c);
}

static int links(const struct score_case *c)
{
    const struct space *s = c->grid->space;
    const struct topology_chain *chain = &s->topology->chains[s->cells[c->cell].chain];
    int least = 0, level = 0;
    while (chain->level[least].gpus < c->want && least < chain->node_level)
        least++;
    for (int i = 1; i < c->want; i++) {
        int far = space_distance(s, s->leaf_cell[c->gpus[0]], s->leaf_cell[c->gpus[i]]);
        level = far > level ? far : level;
    }
    return level > least ? level - least : 0;
}

static const struct space_cell *machine(const struct score_case *c)
{
    const struct space *s = c->grid->space;
    return &s->cells[s->node_cell[s->cells[c->cell].node]];
}

static int fresh(const struct score_case *c)
{
    const struct space *s = c->grid->space;
    return machine(c)->idle == space_gpus(s, s->node_cell[s->cells[c->cell].node]);
}

/* Of `idle` GPUs of a machine, those that pods of a typical size cannot use, by how many pods in a hundred ask for
 * more: 40 for one GPU, 20 each for two, four and eight. */
static int fragments(int idle)
{
    static const struct {
        int size, percent;
    } typical[] = {{1, 40}, {2, 20}, {4, 20}, {8, 20}};
    int lost = 0;
    for (size_t i = 0; i < sizeof typical / sizeof typical[0]; i++)
        lost += idle < typical[i].size ? idle * typical[i].percent : 0;
    return lost;
}

/* FGD: by how much the fragments of the machine grow. They shrink by what is taken at most. */
static int fragment(const struct score_case *c)
{
    int idle = machine(c)->idle, rest = idle > c->want ? idle - c->want : 0;
    return fragments(rest) - fragments(idle) + 100 * c->want;
}

typedef int measure_fn(const struct score_case *c);

static const struct {
    const char *name;
    measure_fn *measure;
} terms[SCORE_TERMS] = {
    [SCORE_VICTIMS] = {"victims", victims},      [SCORE_LEFT] = {"left", left},    [SCORE_APART] = {"apart", apart},
    [SCORE_SPREAD] = {"spread", spread},         [SCORE_LINKS] = {"links", links}, [SCORE_FRESH] = {"fresh", fresh},
    [SCORE_FRAGMENTS] = {"fragments", fragment},
};

int64_t score_weigh(const struct score_case *c)
{
    const int *w = c->grid->weights.of;
    int64_t sum = 0;
    for (int t = 0; t < SCORE_TERMS; t++)
        if (w[t])
            sum += (int64_t)w[t] * terms[t].measure(c);
    return sum;
}

void score_note(const struct score_case *c, int sums[SCORE_TERMS])
{
    for (int t = 0; t < SCORE_TERMS; t++)
        sums[t] += terms[t].measure(c);
}

/* ---- weights ---- */

const char *score_name(enum score_term t)
{
    return terms[t].name;
}

enum score_term score_find(const char *name)
{
    int t = 0;
    while (t < SCORE_TERMS && strcmp(terms[t].name, name) != 0)
        t++;
    return (enum score_term)t;
}

int64_t score_sum(const struct score_weights *w, const int values[SCORE_TERMS])
{
    int64_t sum = 0;
    for (int t = 0; t < SCORE_TERMS; t++)
        sum += (int64_t)w->of[t] * values[t];
    return sum;
}

void score_use(struct grid *g, const struct score_weights *w)
{
    g->weights = *w;
}

void score_of(const struct grid *g, int gang, int values[SCORE_TERMS])
{
    memcpy(values, g->gangs[gang].terms, sizeof g->gangs[gang].terms);
}
