/* SPDX-License-Identifier: MIT
 *
 * Debug reservations in the core (jobs/lease.h says what one is). On grid and account a lease is stood for by a job of
 * one task that is no job: it is in no index of jobs, has `lease` set, and holds what the lease holds by the means by
 * which jobs do. So whoever looks for victims, counts or makes the plan anew meets it like any other.
 *
 *   EXITED, held ─► core_lease_due ─► yes: the task has failed, core_lease_hold ─► (timer, command, victim) ─► STOP
 *                                └──► no: STOP, and the task fails by the EXITED that follows    ─► EXITED: ended
 */
#ifndef DROVER_CORE_LEASE_H
#define DROVER_CORE_LEASE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/clock.h"
#include "jobs/lease.h"

struct core;
struct effects;
struct engine_event;
struct maintenance;
struct step;
struct timer;

/* What stands for the live ones, in the order in which they were made. */
struct leases {
    struct job **list;
    size_t count, cap;
};

/* What the job's tasks are started with: its own wish, or what its virtual cluster wants; nothing where that gives
 * none. */
struct spec_debug core_lease_wish(const struct core *c, const struct job *j);
/* Whether this end, with its sandbox held, makes a lease: it fails the job for good, is not the platform's, and no cap
 * is in the way. Tells the job where it does not, though it was asked for. */
bool core_lease_due(struct step *s, struct task *t, const struct exit_info *exit);
/* Makes the lease of a task that has ended so; what it held is given back already, and nobody else had it since. */
void core_lease_hold(struct step *s, const struct task *t);
/* What the engine tells of a sandbox. */
void core_lease_told(struct step *s, struct job *stand, const struct engine_event *ev);
/* Its timer. */
void core_lease_expired(struct step *s, const struct timer *t);
/* Guaranteed work needs what it holds. */
void core_lease_reclaim(struct step *s, struct job *stand, const struct job *by);
/* What it holds was not used for as long as its virtual cluster allows: a sentence. */
void core_lease_idle(struct step *s, struct job *stand, const char *text);
/* Maintenance of its node is planned, or has begun: it is told, or ends. */
void core_lease_maintenance(struct step *s, struct job *stand, const struct maintenance *m);
/* What stands for the live lease of a job; NULL: it has none. */
struct job *core_lease_of(const struct core *c, const char *job_id);
/* The job has ended: events about its leases tell so from now on. */
void core_lease_follow(struct core *c, const struct job *j);
/* Puts it on the grid, where it holds something: now, or with a new plan. 0, or -1 on out of memory. */
int core_lease_seat(struct core *c, struct job *stand);
/* After loading: orders to find the sandboxes. */
void core_lease_adopt(const struct core *c, struct effects *fx);
void core_lease_fini(struct core *c);

/* event.c. An event about a lease: its type names the lease's state. */
void core_event_lease(struct step *s, const struct job *stand, const char *reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
