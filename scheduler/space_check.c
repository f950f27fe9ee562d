/* SPDX-License-Identifier: MIT
 *
 * The recount of everything that space.c keeps incrementally (I4, I6), for tests.
 */
#include <string.h>

#include "scheduler/space.h"

static bool check_uses(const struct space *s, const struct space_cell *x, int gpus, const uint8_t *use)
{
    int idle = 0, oppo = 0;
    for (int g = x->first; g < x->first + gpus; g++) {
        idle += use[g] == SPACE_IDLE;
        oppo += use[g] == SPACE_OPPO;
    }
    (void)s;
    return idle == x->idle && oppo == x->oppo;
}

static bool check_covered(const struct space *s, int cell, int gpus)
{
    const struct space_cell *x = &s->cells[cell];
    int covered = x->lot >= 0 ? gpus : 0;
    int fanout = x->child < 0 ? 0 : s->topology->chains[x->chain].level[x->level].fanout;
    for (int i = 0; i < fanout && x->lot < 0; i++)
        covered += s->cells[x->child + i].covered;
    return covered == x->covered;
}

static bool check_lists(const struct space *s, int cell)
{
    const struct space_cell *x = &s->cells[cell];
    const struct space_cell *p = x->parent >= 0 ? &s->cells[x->parent] : NULL;
    bool open = x->covered == 0 && (!p || p->lot < 0);
    return x->counted == (open && (!p || p->covered > 0)) &&
           x->listed == (open && x->bad == 0 && (!p || p->covered > 0 || p->bad > 0));
}

static bool check_lengths(const struct space *s, size_t chain)
{
    for (int l = 0; l < s->topology->chains[chain].levels; l++) {
        int listed = 0, counted = 0, linked = 0;
        for (int c = 0; c < s->cell_count; c++) {
            bool here = s->cells[c].chain == (int)chain && s->cells[c].level == l;
            listed += here && s->cells[c].listed;
            counted += here && s->cells[c].counted;
        }
        for (int c = s->levels[chain][l].head; c >= 0; c = s->cells[c].next)
            linked++;
        if (listed != linked || listed != s->levels[chain][l].healthy || counted != s->levels[chain][l].all)
            return false;
    }
    return true;
}

bool space_check(const struct space *s, const uint8_t *use)
{
    for (int c = 0; c < s->cell_count; c++) {
        int gpus = space_gpus(s, c);
        if (!check_uses(s, &s->cells[c], gpus, use) || !check_covered(s, c, gpus) || !check_lists(s, c))
            return false;
    }
    for (size_t i = 0; i < s->topology->chain_count; i++)
        if (!check_lengths(s, i))
            return false;
    return true;
}
