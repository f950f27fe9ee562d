/* SPDX-License-Identifier: MIT
 *
 * What the files of gpu_idle share: who is watched, and an order to the core about one of them.
 */
#ifndef DROVER_SERVER_GPU_IDLE_IMPL_H
#define DROVER_SERVER_GPU_IDLE_IMPL_H

#include <stdatomic.h>

#include "inventory/node.h"
#include "metrics/idle_store.h"
#include "server/mailbox.h"

/* A GPU and who holds it. */
struct idle_watched {
    char attempt_id[ID_SIZE]; /* "" = nobody */
    struct {
        uint64_t print; /* of the rule that this was counted by */
        struct idle_gpu gpu;
    } of[IDLE_KINDS];
};

/* A job attempt, or its debug reservation, with its GPUs here. Strings are the look's. */
struct idle_subject {
    char job_id[ID_SIZE]; /* "" = free */
    int job_attempt;
    enum idle_of of;
    struct idle_told told[IDLE_KINDS];
    struct idle_order *order; /* on its way to the core; NULL: none is */
    bool seen;                /* in this look */
    const char *user, *name, *vc;
    int gpus[NODE_GPU_MAX], count;
};

/* What the core is told of a subject, and what is stored with it. */
struct idle_order {
    struct mail mail;   /* the first member: known as one */
    atomic_int outcome; /* 0: not known yet; 1: it was taken in; -1: it was not */
    enum idle_kind kind;
    struct idle_told_row told;
    struct idle_act_row act;
    bool acts;
    char text[IDLE_STORE_TEXT], node[NODE_NAME_MAX];
    struct idle_rule rule;
    int count;
    struct idle_gpu_row rows[]; /* of its GPUs, as they were then */
};

/* What is said of a subject. */
struct idle_say {
    const struct idle_subject *subject;
    const struct idle_rule *rule;
    struct idle_told told;   /* with what is said now */
    bool acts, own, dry_run; /* own: the rule is the virtual cluster's, not the site's */
};
/* A sentence or two: what was seen, by which rule, and what follows. */
void idle_say(const struct idle_say *s, char out[IDLE_STORE_TEXT]);

#endif
