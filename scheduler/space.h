/* SPDX-License-Identifier: MIT
 *
 * The physical cells: a forest of GPUs, pairs, sockets, nodes and racks, with counters kept up every branch so that no
 * decision scans. Knows what is covered by lots (cells bound to a virtual cluster's share), which free cells are
 * maximal (buddy lists) and whether a cell may be bound without breaking anybody's guarantee. Pure, one owner.
 */
#ifndef DROVER_SCHEDULER_SPACE_H
#define DROVER_SCHEDULER_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "inventory/topology.h"

struct hash;

enum { SPACE_BUCKETS = 64, SPACE_SLOT_NODE = 0, SPACE_SLOT_ROOM = 1, SPACE_SLOTS = 2 };

/* What a GPU is to the shares. */
enum space_use { SPACE_IDLE, SPACE_OPPO, SPACE_HELD };

/* Links of a cell in a rack of buckets. */
struct space_link {
    int rack; /* -1: hangs nowhere */
    int bucket, next, prev;
};

/* One cell. Read-only outside space.c. */
struct space_cell {
    int parent, child; /* -1 = none; children stand side by side */
    int first;         /* number of its first GPU; its GPUs stand side by side */
    int node;          /* number of the machine it is, or lies in; -1 above */
    int chain, level;
    int idle, oppo; /* GPUs beneath by use; the others are held by guaranteed gangs */
    int covered;    /* GPUs beneath that belong to bound lots */
    int bad;        /* bad machines beneath (1 for what lies in a bad machine) */
    int lot;        /* lot bound here, or -1 */
    int next, prev; /* list of maximal free healthy cells of its chain and level */
    bool listed;    /* in that list */
    bool counted;   /* counted as maximal free cell, healthy or not */
    struct space_link link[SPACE_SLOTS];
};

/* Cells by the GPUs that they have to give, 0..63 and more, with a bit for each bucket that is not empty: idle ones of
 * machines (SPACE_SLOT_NODE); of rooms those that nobody holds within a guarantee, lent or idle. Within a bucket, who
 * was put there last comes first. */
struct space_rack {
    uint64_t mask;
    int head[SPACE_BUCKETS];
};

/* Free cells of one level of one chain. */
struct space_level {
    int head;    /* of the list */
    int healthy; /* its length */
    int all;     /* maximal free cells, bad ones too */
    int need;    /* lots of this level that shares own and have not bound */
};

struct space {
    const struct topology *topology; /* borrowed */
    struct space_cell *cells;
    int cell_count;
    int *leaf_cell; /* cell of each GPU */
    int gpu_count;
    int *node_cell; /* cell of each machine */
    int node_count;
    struct hash *node_names;                       /* number + 1 as pointer */
    struct space_level (*levels)[TOPOLOGY_LEVELS]; /* by chain */
    struct space_rack *racks; /* 2 for each chain (no held GPU, some), then what space_rack_add made */
    int rack_count;
};

/* Builds all cells, healthy and free. `t` is borrowed until space_destroy. NULL on out of memory or a node named
 * twice. */
struct space *space_create(const struct topology *t);
/* NULL ok. */
void space_destroy(struct space *s);

/* Number of a machine by name, or -1. */
int space_find_node(const struct space *s, const char *name);
/* GPUs in a cell. */
int space_gpus(const struct space *s, int cell);
/* The cell of `level` that holds `cell` (which is at or below it). */
int space_ancestor(const struct space *s, int cell, int level);
/* The lot that covers a GPU, or -1. */
int space_lot_over(const struct space *s, int gpu);
/* Level of the lowest cell that holds both; TOPOLOGY_LEVELS when none does. */
int space_distance(const struct space *s, int a, int b);

/* Makes one more rack of buckets. Its number, or -1 on out of memory. */
int space_rack_add(struct space *s);
/* Hangs a cell into a rack by what it has to give, or takes it out (rack -1). Bad cells stay out of every rack until
 * they are healthy and hung again. */
void space_hang(struct space *s, int cell, int slot, int rack);

/* A GPU's use changes. O(levels). */
void space_change(struct space *s, int gpu, enum space_use from, enum space_use to);
/* A lot is bound to a cell (which must be free), or leaves it. O(levels, and children of what splits). */
void space_cover(struct space *s, int cell, int lot);
void space_uncover(struct space *s, int cell);
/* A machine goes bad or comes back. Its cells leave the racks; rooms are hung again by whoever owns them. */
void space_set_bad(struct space *s, int node, bool bad);

/* Whether the cell is free of lots, above and below. */
bool space_is_free(const struct space *s, int cell);
/* Whether every guarantee could still be met if a lot of the cell's level, which `level.need` counts, were bound to the
 * free cell. Bad machines count as if they were well when `ignore_health`. O(levels). */
bool space_safe(const struct space *s, int cell, bool ignore_health);
/* Lots of a level that can not be bound to healthy cells, of all that are owed. */
int space_short(const struct space *s, int chain, int level);
/* Whether what is owed fits what is free, counting bad machines as well. */
bool space_feasible(const struct space *s, int chain);

/* Whether every counter and list equals a recount (for tests). `use` is each GPU's use. */
bool space_check(const struct space *s, const uint8_t *use);

#endif
