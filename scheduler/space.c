/* SPDX-License-Identifier: MIT
 *
 * The cells. A free cell is maximal when its parent is not free (S1): the buddy lists hold exactly the maximal free
 * cells. "Blocked" is what makes children maximal:
 *
 *   counted: covered == 0, and no parent, or a parent with covered > 0 that is no lot itself
 *   listed:  the same with "covered or bad" in place of covered
 *
 * Safety (space_safe) is HiveD's argument: going down from the top, cells that nobody of this level needs are split and
 * given to the level below; as long as no level runs short, every owed lot can be cut out of what is free.
 */
#include "scheduler/space.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

/* ---- making ---- */

static int root_cells(const struct topology_chain *c)
{
    int cells = 0, width = 1;
    for (int l = c->levels - 1; l >= 0; l--) {
        cells += width;
        width *= c->level[l].fanout;
    }
    return cells;
}

/* Fills cell `at` of `level` and everything beneath it. */
static void grow(struct space *s, int at, int parent, int chain, int level)
{
    const struct topology_chain *c = &s->topology->chains[chain];
    struct space_cell *x = &s->cells[at];
    *x = (struct space_cell){.parent = parent,
                             .child = -1,
                             .first = s->gpu_count,
                             .node = -1,
                             .chain = chain,
                             .level = level,
                             .idle = c->level[level].gpus,
                             .lot = -1,
                             .next = -1,
                             .prev = -1,
                             .link = {{.rack = -1}, {.rack = -1}}};
    if (level == c->node_level) {
        x->node = s->node_count;
        s->node_cell[s->node_count++] = at;
    } else if (level < c->node_level) {
        x->node = s->cells[parent].node;
    }
    if (level == 0) {
        s->leaf_cell[s->gpu_count++] = at;
        return;
    }
    int child = s->cell_count;
    s->cell_count += c->level[level].fanout;
    x->child = child;
    for (int i = 0; i < c->level[level].fanout; i++)
        grow(s, child + i, at, chain, level - 1);
}

static int name_nodes(struct space *s)
{
    int node = 0;
    for (size_t r = 0; r < s->topology->root_count; r++) {
        const struct topology_root *root = &s->topology->roots[r];
        for (size_t i = 0; i < root->node_count; i++, node++) {
            if (hash_get(s->node_names, root->nodes[i]) ||
                hash_put(s->node_names, root->nodes[i], (void *)(uintptr_t)(node + 1)))
                return -1;
        }
    }
    return node == s->node_count ? 0 : -1;
}

static int allocate(struct space *s)
{
    size_t cells = 1, gpus = 1, nodes = 1;
    for (size_t r = 0; r < s->topology->root_count; r++) {
        const struct topology_root *root = &s->topology->roots[r];
        const struct topology_chain *c = &s->topology->chains[root->chain];
        cells += (size_t)root_cells(c);
        gpus += (size_t)c->level[c->levels - 1].gpus;
        nodes += root->node_count;
        if (c->level[c->levels - 1].gpus / c->level[c->node_level].gpus != (int)root->node_count)
            return -1;
    }
    size_t chains = s->topology->chain_count;
    s->cells = calloc(cells, sizeof *s->cells);
    s->leaf_cell = calloc(gpus, sizeof *s->leaf_cell);
    s->node_cell = calloc(nodes, sizeof *s->node_cell);
    s->levels = calloc(chains + 1, sizeof *s->levels);
    s->node_names = hash_create();
    return s->cells && s->leaf_cell && s->node_cell && s->levels && s->node_names ? 0 : -1;
}

static void refresh(struct space *s, int cell);

struct space *space_create(const struct topology *t)
{
    struct space *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->topology = t;
    if (allocate(s))
        goto fail;
    for (size_t c = 0; c < t->chain_count; c++) {
        for (int l = 0; l < TOPOLOGY_LEVELS; l++)
            s->levels[c][l].head = -1;
        if (space_rack_add(s) < 0 || space_rack_add(s) < 0)
            goto fail;
    }
    for (size_t r = 0; r < t->root_count; r++) {
        int chain = t->roots[r].chain, root = s->cell_count++;
        grow(s, root, -1, chain, t->chains[chain].levels - 1);
        refresh(s, root);
    }
    if (name_nodes(s))
        goto fail;
    for (int n = 0; n < s->node_count; n++)
        space_hang(s, s->node_cell[n], SPACE_SLOT_NODE, s->cells[s->node_cell[n]].chain * 2);
    return s;
fail:
    space_destroy(s);
    return NULL;
}

void space_destroy(struct space *s)
{
    if (!s)
        return;
    hash_destroy(s->node_names);
    free(s->cells);
    free(s->leaf_cell);
    free(s->node_cell);
    free(s->levels);
    free(s->racks);
    free(s);
}

/* ---- looking ---- */

int space_find_node(const struct space *s, const char *name)
{
    return (int)(uintptr_t)hash_get(s->node_names, name) - 1;
}

int space_gpus(const struct space *s, int cell)
{
    const struct space_cell *x = &s->cells[cell];
    return s->topology->chains[x->chain].level[x->level].gpus;
}

int space_ancestor(const struct space *s, int cell, int level)
{
    while (cell >= 0 && s->cells[cell].level < level)
        cell = s->cells[cell].parent;
    return cell;
}

int space_lot_over(const struct space *s, int gpu)
{
    for (int c = s->leaf_cell[gpu]; c >= 0; c = s->cells[c].parent)
        if (s->cells[c].lot >= 0)
            return s->cells[c].lot;
    return -1;
}

int space_distance(const struct space *s, int a, int b)
{
    while (a >= 0 && b >= 0 && a != b) {
        if (s->cells[a].level <= s->cells[b].level)
            a = s->cells[a].parent;
        else
            b = s->cells[b].parent;
    }
    return a >= 0 && a == b ? s->cells[a].level : TOPOLOGY_LEVELS;
}

/* ---- racks of buckets ---- */

int space_rack_add(struct space *s)
{
    struct space_rack *grown = realloc(s->racks, ((size_t)s->rack_count + 1) * sizeof *grown);
    if (!grown)
        return -1;
    s->racks = grown;
    grown[s->rack_count].mask = 0;
    for (int b = 0; b < SPACE_BUCKETS; b++)
        grown[s->rack_count].head[b] = -1;
    return s->rack_count++;
}

static void unhang(struct space *s, int cell, int slot)
{
    struct space_link *l = &s->cells[cell].link[slot];
    if (l->rack < 0)
        return;
    struct space_rack *r = &s->racks[l->rack];
    if (l->prev >= 0)
        s->cells[l->prev].link[slot].next = l->next;
    else
        r->head[l->bucket] = l->next;
    if (l->next >= 0)
        s->cells[l->next].link[slot].prev = l->prev;
    if (r->head[l->bucket] < 0)
        r->mask &= ~(UINT64_C(1) << l->bucket);
    l->rack = -1;
}

static int bucket_of(const struct space_cell *x, int slot)
{
    int gives = x->idle + (slot == SPACE_SLOT_ROOM ? x->oppo : 0);
    return gives < SPACE_BUCKETS ? gives : SPACE_BUCKETS - 1;
}

void space_hang(struct space *s, int cell, int slot, int rack)
{
    unhang(s, cell, slot);
    struct space_cell *x = &s->cells[cell];
    if (rack < 0 || x->bad)
        return;
    struct space_link *l = &x->link[slot];
    struct space_rack *r = &s->racks[rack];
    l->rack = rack;
    l->bucket = bucket_of(x, slot);
    l->prev = -1;
    l->next = r->head[l->bucket];
    if (l->next >= 0)
        s->cells[l->next].link[slot].prev = cell;
    r->head[l->bucket] = cell;
    r->mask |= UINT64_C(1) << l->bucket;
}

/* A cell's counters changed: into its new bucket, and a node into its new rack. Rooms keep their order while only
 * borrowers come and go, so that a share's places do not depend on who is lent in. */
static void rehang(struct space *s, int cell)
{
    const struct space_cell *x = &s->cells[cell];
    const struct space_link *room = &x->link[SPACE_SLOT_ROOM];
    if (room->rack >= 0 && room->bucket != bucket_of(x, SPACE_SLOT_ROOM))
        space_hang(s, cell, SPACE_SLOT_ROOM, room->rack);
    if (x->link[SPACE_SLOT_NODE].rack >= 0)
        space_hang(s, cell, SPACE_SLOT_NODE, x->chain * 2 + (x->idle + x->oppo < space_gpus(s, cell)));
}

void space_change(struct space *s, int gpu, enum space_use from, enum space_use to)
{
    int idle = (to == SPACE_IDLE) - (from == SPACE_IDLE);
    int oppo = (to == SPACE_OPPO) - (from == SPACE_OPPO);
    for (int c = s->leaf_cell[gpu]; c >= 0; c = s->cells[c].parent) {
        s->cells[c].idle += idle;
        s->cells[c].oppo += oppo;
        rehang(s, c);
    }
}

/* ---- buddy lists ---- */

static void set_listed(struct space *s, int cell, bool listed)
{
    struct space_cell *x = &s->cells[cell];
    struct space_level *l = &s->levels[x->chain][x->level];
    if (x->listed == listed)
        return;
    x->listed = listed;
    l->healthy += listed ? 1 : -1;
    if (listed) {
        x->prev = -1;
        x->next = l->head;
        if (l->head >= 0)
            s->cells[l->head].prev = cell;
        l->head = cell;
        return;
    }
    if (x->prev >= 0)
        s->cells[x->prev].next = x->next;
    else
        l->head = x->next;
    if (x->next >= 0)
        s->cells[x->next].prev = x->prev;
}

/* Puts a cell's membership right after it or its parent changed. */
static void refresh(struct space *s, int cell)
{
    struct space_cell *x = &s->cells[cell];
    const struct space_cell *p = x->parent >= 0 ? &s->cells[x->parent] : NULL;
    bool open = !x->covered && !(p && p->lot >= 0);
    bool counted = open && (!p || p->covered);
    set_listed(s, cell, open && !x->bad && (!p || p->covered || p->bad));
    if (x->counted != counted)
        s->levels[x->chain][x->level].all += counted ? 1 : -1;
    x->counted = counted;
}

static void refresh_children(struct space *s, int cell)
{
    const struct space_cell *x = &s->cells[cell];
    int fanout = x->child < 0 ? 0 : s->topology->chains[x->chain].level[x->level].fanout;
    for (int i = 0; i < fanout; i++)
        refresh(s, x->child + i);
}

static void change_cover(struct space *s, int cell, int gpus, int lot)
{
    s->cells[cell].lot = lot;
    for (int c = cell; c >= 0; c = s->cells[c].parent) {
        bool before = s->cells[c].covered > 0;
        s->cells[c].covered += gpus;
        if (c == cell || before != (s->cells[c].covered > 0))
            refresh_children(s, c);
    }
    for (int c = cell; c >= 0; c = s->cells[c].parent)
        refresh(s, c);
}

void space_cover(struct space *s, int cell, int lot)
{
    change_cover(s, cell, space_gpus(s, cell), lot);
}

void space_uncover(struct space *s, int cell)
{
    change_cover(s, cell, -space_gpus(s, cell), -1);
}

static void set_bad_below(struct space *s, int cell, int sign)
{
    struct space_cell *x = &s->cells[cell];
    int fanout = x->child < 0 ? 0 : s->topology->chains[x->chain].level[x->level].fanout;
    x->bad += sign;
    if (x->bad)
        unhang(s, cell, SPACE_SLOT_ROOM);
    for (int i = 0; i < fanout; i++)
        set_bad_below(s, x->child + i, sign);
    refresh_children(s, cell);
}

void space_set_bad(struct space *s, int node, bool bad)
{
    int cell = s->node_cell[node];
    if ((s->cells[cell].bad > 0) == bad)
        return;
    set_bad_below(s, cell, bad ? 1 : -1);
    for (int c = s->cells[cell].parent; c >= 0; c = s->cells[c].parent) {
        s->cells[c].bad += bad ? 1 : -1;
        refresh_children(s, c);
    }
    for (int c = cell; c >= 0; c = s->cells[c].parent)
        refresh(s, c);
    const struct space_cell *x = &s->cells[cell];
    space_hang(s, cell, SPACE_SLOT_NODE, x->chain * 2 + (x->idle + x->oppo < space_gpus(s, cell)));
}

/* ---- safety ---- */

bool space_is_free(const struct space *s, int cell)
{
    if (s->cells[cell].covered)
        return false;
    for (int c = s->cells[cell].parent; c >= 0; c = s->cells[c].parent)
        if (s->cells[c].lot >= 0)
            return false;
    return true;
}

/* Free cells by level, and what would be left of them. */
struct balance {
    int free[TOPOLOGY_LEVELS], need[TOPOLOGY_LEVELS];
};

/* Goes down from the top. Writes what each level is short of; false when one is. */
static bool settle(const struct topology_chain *c, const struct balance *b, int *missing)
{
    int carry = 0;
    bool fits = true;
    for (int l = c->levels - 1; l >= 0; l--) {
        int left = b->free[l] + carry - b->need[l];
        missing[l] = left < 0 ? -left : 0;
        fits = fits && left >= 0;
        carry = left < 0 ? 0 : left * c->level[l].fanout;
    }
    return fits;
}

/* Takes a cell of `level` out of a maximal free cell of level `from`. */
static void split(const struct topology_chain *c, struct balance *b, int from, int level)
{
    b->free[from]--;
    for (int l = from - 1; l >= level; l--)
        b->free[l] += c->level[l + 1].fanout - 1;
    b->need[level]--;
}

static void read_balance(const struct space *s, int chain, bool healthy, struct balance *b)
{
    *b = (struct balance){{0}, {0}};
    for (int l = 0; l < s->topology->chains[chain].levels; l++) {
        b->free[l] = healthy ? s->levels[chain][l].healthy : s->levels[chain][l].all;
        b->need[l] = s->levels[chain][l].need;
    }
}

/* Level of the maximal free cell over a free cell. */
static int maximal(const struct space *s, int cell, bool healthy)
{
    while (!(healthy ? s->cells[cell].listed : s->cells[cell].counted))
        cell = s->cells[cell].parent;
    return s->cells[cell].level;
}

bool space_safe(const struct space *s, int cell, bool ignore_health)
{
    const struct space_cell *x = &s->cells[cell];
    const struct topology_chain *c = &s->topology->chains[x->chain];
    struct balance b;
    int missing[TOPOLOGY_LEVELS];
    read_balance(s, x->chain, false, &b);
    split(c, &b, maximal(s, cell, false), x->level);
    if (!settle(c, &b, missing))
        return false;
    if (ignore_health)
        return true;
    /* What is short already is nobody's any more: only the rest must still fit. */
    read_balance(s, x->chain, true, &b);
    settle(c, &b, missing);
    for (int l = 0; l < c->levels; l++)
        b.need[l] -= missing[l];
    split(c, &b, maximal(s, cell, true), x->level);
    return settle(c, &b, missing);
}

int space_short(const struct space *s, int chain, int level)
{
    struct balance b;
    int missing[TOPOLOGY_LEVELS];
    read_balance(s, chain, true, &b);
    settle(&s->topology->chains[chain], &b, missing);
    return missing[level];
}

bool space_feasible(const struct space *s, int chain)
{
    struct balance b;
    int missing[TOPOLOGY_LEVELS];
    read_balance(s, chain, false, &b);
    return settle(&s->topology->chains[chain], &b, missing);
}
