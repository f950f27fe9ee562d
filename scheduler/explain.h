/* SPDX-License-Identifier: MIT
 *
 * Why a gang waits, and what would let it start: a pure function over a grid that is not changed. Whatever is named as
 * a help was tried on a copy, where the gang then started, in its place in the line; so the answer is true of the state
 * that it was given.
 *
 * The dominant reason is the first that holds:
 *   NEW         it waits since after the state that is asked: said by whoever knows the times, not here
 *   HELD        somebody holds it
 *   BACKOFF     it is tried again after a failure, and that is not due yet
 *   VICTIMS     it has reserved, and those it preempts have not left yet
 *   AGED        it has reserved because it has waited for long, and somebody who is not to stop has not ended yet
 *   STARTS      the grid would place it, or reserve for it, now
 *   AVOIDS      it would start now, or reserve, on nodes that it keeps away from after a fault of the platform
 *   USER_CAP    its user holds so much of the virtual cluster that the gang would exceed the cap
 *   NEVER       with nobody else there and all machines up, none in maintenance, it would not start
 *   MAINTENANCE it would start now if no machine were in maintenance, or about to be before it ends; or, with nobody
 *               else there, only then
 *   UNHEALTHY   it would start now if all machines were up; or, with nobody else there, only then
 *   RESERVED    it would start if what others have reserved, without using it yet, were free
 *   QUOTA       of what its virtual cluster owns too much is held by gangs that it may not preempt, and what may be
 *               borrowed is not enough
 *   PRIORITY    the same, and gangs of a higher priority alone hold too much of it
 *   FRAGMENTED  enough GPUs are there for it in total (of its virtual cluster's, or idle ones that it may use), but not
 *               where its pods need them with their CPUs, memory and ports
 *   BUSY        else: what it needs is in use
 */
#ifndef DROVER_SCHEDULER_EXPLAIN_H
#define DROVER_SCHEDULER_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>

#include "inventory/node.h"
#include "inventory/sku.h"
#include "scheduler/grid.h"
#include "scheduler/line.h"

enum { EXPLAIN_BLOCKERS_MAX = 16, EXPLAIN_NODES_MAX = 8 };

enum explain_reason {
    EXPLAIN_STARTS,
    EXPLAIN_NEW,
    EXPLAIN_HELD,
    EXPLAIN_BACKOFF,
    EXPLAIN_VICTIMS,
    EXPLAIN_AGED,
    EXPLAIN_AVOIDS,
    EXPLAIN_USER_CAP,
    EXPLAIN_NEVER,
    EXPLAIN_MAINTENANCE,
    EXPLAIN_UNHEALTHY,
    EXPLAIN_RESERVED,
    EXPLAIN_QUOTA,
    EXPLAIN_PRIORITY,
    EXPLAIN_FRAGMENTED,
    EXPLAIN_BUSY,
    EXPLAIN_REASONS,
};

/* What else might be: limits of a virtual cluster, or machines more of a kind. */
struct explain_change {
    const char *vc;
    int borrow_more, cap_more, quota_more;
    int nodes_more;
    const char *sku; /* of what is promised, or of the machines */
};
/* The grid as it would be with a change, gangs under their numbers, as grid_replan. NULL where the change would be
 * refused, or on out of memory. */
typedef struct grid *explain_replan_fn(const void *context, const struct grid *g, const struct explain_change *change);

/* One that waits before or after it and goes by names of nodes that machines more, or machines up again, change: what
 * it keeps away from. Of `avoids` nodes it goes back on the oldest where it could start nowhere else. */
struct explain_chooser {
    int gang, avoids;
};
/* The nodes of an account that chooser number `n` goes by when it has gone back on so many: writes their names
 * (borrowed from the account, room for all) and returns how many. */
typedef size_t explain_choice_fn(const void *context, size_t n, int gone_back, const struct cluster *c,
                                 const char **out);

/* What is asked. Borrowed for the call. */
struct explain_ask {
    const struct grid_request *request;
    const char *const *nodes; /* as for grid_only; NULL: all */
    size_t node_count;
    bool avoids;                /* `nodes` leaves out some that the job itself allows: */
    const char *const *allowed; /* with these, as `nodes` */
    size_t allowed_count;
    int self;                       /* its number on the grid; -1: it is not there */
    int not ;                       /* a gang that is withdrawn for this; -1: none */
    bool held, backs_off;           /* it is not in the line */
    int64_t now_ms;                 /* wall clock, as grid_time; 0: as the grid has it. The same for all questions */
    int user;                       /* number of the submitter in virtual clusters with a cap; 0: has none there */
    const struct line_place *ahead; /* those that wait before it, in the order of the line */
    size_t ahead_count, line_count; /* and those after it, as far as the line is known */
    int64_t aged_since_ms;          /* who has waited since then has waited for long */
    const int64_t *reserving_since; /* by gang: since when those who have reserved have waited; NULL: nobody for long */
    const char *const *vcs;         /* NULL-terminated: other virtual clusters that would take it; NULL: none */
    const struct explain_chooser *choosers;
    size_t chooser_count;
    explain_choice_fn *choice; /* NULL: there are none */
    explain_replan_fn *replan;
    const void *context;
};

/* What would let it start now (one that is not considered yet: as soon as it is); each is enough by itself, and 0 or ""
 * where it is not. */
struct explain_help {
    bool together;                      /* nothing is: all that is named is needed at once */
    int blockers[EXPLAIN_BLOCKERS_MAX]; /* gangs: were these gone (of one that has reserved: those it waits for) */
    size_t blocker_count, blockers_in_all;
    char nodes[EXPLAIN_NODES_MAX][NODE_NAME_MAX]; /* were these up and not cordoned */
    size_t node_count, nodes_in_all;
    int quota_more;               /* GPUs more that its virtual cluster is guaranteed ... */
    char quota_sku[SKU_NAME_MAX]; /* ... of this SKU */
    int nodes_more;               /* machines more like those that there are ... */
    char nodes_sku[SKU_NAME_MAX]; /* ... of this SKU */
    int borrow_more;              /* GPUs more that its virtual cluster may borrow */
    int cap_more;                 /* GPUs more that its user may hold */
    int fewer_pods;               /* with so many pods of its first kind */
    int fewer_gpus;             /* with so many GPUs in each pod of its first kind; with fewer pods, too, where that */
    bool fewer_both;            /* is needed */
    int fewer_cpus;             /* with so many CPUs for each pod of its first kind */
    bool any_node;              /* without its wishes for nodes */
    int64_t shorter_ms;         /* with this time limit: it would end before machines go into maintenance */
    char sku[SKU_NAME_MAX];     /* with this SKU */
    char vc[TOPOLOGY_NAME_MAX]; /* in another virtual cluster */
    bool opportunistic;         /* without guarantee */
};

struct explanation {
    enum explain_reason reason;
    enum explain_reason then; /* of who is not considered: what the reason would be if it were; else as `reason` */
    int asked;                /* GPUs */
    struct grid_use use;      /* of its virtual cluster */
    int borrow, user_cap, user_held; /* limits, and what its user holds */
    int idle;                        /* GPUs on machines that it may use, of models that it may have */
    int missing;                     /* GPUs that its virtual cluster owns too few, as things are */
    int closed;                      /* machines that it may use, but for their maintenance */
    bool closed_others;              /* none of these: others in maintenance, and what is left is promised to others */
    int64_t closes_ms, opens_ms; /* when the first of these that are not in it yet will be; when the first is over */
    bool over_cpus;              /* the quota of CPUs for pods without GPUs is what is used up */
    struct explain_help help;
};

struct explain;

/* A word for a reason, as the API tells it; never NULL. */
const char *explain_name(enum explain_reason r);
/* For questions to one grid, which stays as it is until explain_end. One thread. NULL on out of memory. */
struct explain *explain_begin(const struct grid *g);
/* NULL ok. */
void explain_end(struct explain *x);
/* Reason and numbers, `help` but for nothing. Costs up to seven copies of the grid at the first question, and a few
 * tries at each. 0, or -1 on out of memory. */
int explain_brief(struct explain *x, const struct explain_ask *ask, struct explanation *out);
/* Whether it would start with nobody else there, machines as they are, or all up. Costs a copy of the grid at the first
 * question. */
bool explain_could(struct explain *x, const struct explain_ask *ask, bool all_up);
/* The whole answer. Costs some more copies. 0, or -1 on out of memory. */
int explain_whole(struct explain *x, const struct explain_ask *ask, struct explanation *out);

#endif
