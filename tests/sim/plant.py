#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""plant.py PROGRAM N OUT: writes the source that bug N of a program's table lies in, with the bug, to OUT. The build links
it in place of the real one into a program of its own, sim_PROGRAM_N, which must find it (events.c, cpus.c, ...). A text
that is not there exactly once is an error: whoever changes the source moves the bug. `plant.py --list` prints
"PROGRAM N FILE" lines."""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# (file, text, the same with a bug)
SCHEDULER_BUGS = (
    # an equal is preempted
    ("scheduler/fit.c", "h->ask.priority < me->ask.priority", "h->ask.priority <= me->ask.priority"),
    # "never stop me" is forgotten
    ("scheduler/fit.c", "!(h->ask.no_stop && h->state == GRID_ALLOCATED)", "true"),
    # a virtual cluster may borrow from others without being asked
    ("scheduler/share.c", "    s->bound[level]++;\n    l->need--;", "    l->need--;"),
    # the cap of a user is off by some
    ("scheduler/grid.c", "+ me->total > cap", "+ me->total > cap + 8"),
    # a lot is given back, but stays bound in the books
    ("scheduler/share.c", "    s->bound[level]--;\n", ""),
    # a preemptor starts before its victims have left
    ("scheduler/grid.c", "        if (g->gpus[me->gpus[i]].user >= 0)\n            return false;\n", ""),
    # one that lost its reservation keeps the GPUs that are reserved for it
    ("scheduler/grid.c", "        if (st->reserver == gang)\n            share_set(g, me->gpus[i], st->user, -1);\n", ""),
    # what did not fit is not given back
    ("scheduler/place.c", "        share_set(g, u->gpu, g->gpus[u->gpu].user, u->reserver);\n", ""),
    # nobody is told to stop
    ("scheduler/grid_view.c", "    if (k == all->count && all->count < all->max)\n", "    if (k == all->count && k < all->max && k)\n"),
    # a machine that is given back is owed to nobody
    ("scheduler/share.c", "    g->space->levels[s->chain][level].need++;\n", ""),
)

CPU_BUGS = (
    # what is reserved of CPUs and memory is there for all
    ("scheduler/stops.c", "        s->cases = s->list[i].reserves * 2;\n", ""),
    # who waits for others to end tells them to stop
    ("scheduler/grid_view.c", "        if (!spares || g->gangs[me->stops[i]].oppo)\n            name(all", "            name(all"),
    # whoever was to stop is waited for, even if needed no more
    ("scheduler/grid.c", "    stops_look(g, gang);\n", ""),
    # whoever is gone stays on the list of those to stop
    ("scheduler/grid.c", "    stops_forget(g, gang);\n", ""),
    # a higher one takes CPUs over, and the lower one keeps them
    ("scheduler/grid.c", "            bump(g, loser);\n", "            break;\n"),
    # memory does not count
    ("scheduler/stops.c", "            m[MEMORY] -= p->held.memory_mb;\n", ""),
    # who holds CPUs alone is never stopped
    ("scheduler/stops.c", "p->may = may && !p->goes;", "p->may = may && !p->goes && h->total;"),
)

CORE_BUGS = (
    # who asked to be stopped for others is sent to wait
    ("core/schedule.c", "victim->spec->preemption == SPEC_PREEMPTION_REQUEUE;", "true;"),
    # who was overtaken is forgotten
    ("core/schedule.c", "            if (line_add(c->line, &g->line, &g->ask))\n                s->fx->failed = true;\n", ""),
    # "never" is not told to the grid
    ("core/waiting.c", "spec->preemption == SPEC_PREEMPTION_NEVER", "false"),
    # being preempted counts as a retry
    ("core/attempt.c", "    if (requeued)\n        delay_ms = 0;\n    else if (kind", "    if (kind"),
    # what has ended is taken for running when the plan is made anew
    ("core/plan.c", "bool placed = (t->state & STATE_PLACED) != 0;", "bool placed = t->node != NULL;"),
    # a start that was lost is told as a node that was
    ("core/engine_event.c", "ev->never_started ? EXIT_CODE_LAUNCH_LOST : EXIT_CODE_NODE_LOST", "EXIT_CODE_NODE_LOST"),
    # a claim from before a restart never expires
    ("core/core.c", "    if (t->claim == CLAIM_PROPOSED) {", "    if (false) {"),
    # the time limit of one attempt ends another
    ("core/tick.c", "if (!j || j->attempt != t->number || j->outcome", "if (!j || j->outcome"),
    # a refused claim is tried again on the same node
    ("core/attempt.c", "undecided && t->claim == CLAIM_CONFIRMED", "undecided"),
    # what a job avoids is not told to the grid
    ("core/waiting.c", " && !avoid_has(from, name)", ""),
    # that a job goes back on what it avoids is not stored
    ("core/avoid.c", "    effects_job(s->fx, j);\n", ""),
    # an attempt that is tried again leaves a lease
    ("core/lease.c", " && policy_job_retry(j, &exit->verdict, &delay_ms) == POLICY_NO_RETRY", ""),
    # the cap of a user's leases is off by one
    ("core/lease.c", "if (mine >= vc_debug_per_user", "if (mine > vc_debug_per_user"),
    # whoever has a lease extends it as they like
    ("core/lease.c", "if (until > most && who->user && !who->admin)", "if (until > most && !who->user)"),
    # what a lease holds is free for others
    ("core/lease.c", "    cluster_retake(c->cluster, cluster_find(c->cluster, t->node), &t->role->per_task, NULL, 0);\n", ""),
    # a lease never ends by itself
    ("core/lease.c", " || arm(c, stand->lease, now) ? NULL : stand", " ? NULL : stand"),
    # what is promised to children is not taken off
    ("core/vc.c", "            (up ? up : rest)->guaranteed -= promised(c, &v->spec);\n", "            ;\n"),
    # nobody looks at how long what starts before maintenance may run
    ("scheduler/pods.c", "return g->closing && cluster_closes(", "return g->closing && !me && cluster_closes("),
    # who has reserved starts there however late it has become
    ("scheduler/grid.c", "    if (is_late(g, me))\n        drop_reservation(g, gang);\n    else if (", "    if ("),
    # a node does not return when its maintenance is over
    ("core/maintenance.c", "    flip(s, gone.m, by);\n", ""),
)
# answers that are not true, or a scheduler that does not do what they say
LIES = (
    # a full virtual cluster is said to be full of more important jobs
    ("scheduler/explain.c", "a->above += h->ask.priority > me->ask.priority;", "a->above++;"),
    # who waits for machines is told that others are in the way
    ("scheduler/explain.c", "return EXPLAIN_UNHEALTHY;", "return EXPLAIN_BUSY;"),
    # GPUs of machines that are down count as idle
    ("scheduler/explain.c", "if (!x->bad && me->chains", "if (me->chains"),
    # those who wait before it are forgotten
    ("scheduler/explain_pass.c", "    try_turns(g, t->list, t->before, me);\n", ""),
    # of several blockers one is named
    ("scheduler/explain_help.c", "        put_back(x, ask, all, i, 1);\n", "        all->list[i].gone = i == first;\n"),
    # more is said to be needed to borrow than is asked for
    ("scheduler/explain_help.c", "    if (more > 0 && starts_after(x, ask, (struct explain_change){.borrow_more = more}))\n"
     "        return more;", "    if (more > 0 && starts_after(x, ask, (struct explain_change){.borrow_more = more}))\n"
     "        return more - 1;"),
    # what the job itself asks for does not count against the cap
    ("scheduler/explain.c", "out->user_held + out->asked > out->user_cap", "out->user_held > out->user_cap"),
    # CPUs and memory that are reserved are there for all
    ("scheduler/stops.c", "        s->cases = s->list[i].reserves * 2;\n", ""),
    # who holds CPUs alone is never stopped
    ("scheduler/stops.c", "p->may = may && !p->goes;", "p->may = may && !p->goes && h->total;"),
    # what a window closes is another place that a job could go to
    ("scheduler/grid_clone.c", "    grid_time(to, from->now_ms); /* and so", "    /* and so"),
    # a shorter time limit is said to help that is not short enough
    ("scheduler/explain_window.c", "found = explain_starts_anew(x, ask, &r) ? limits[i] : 0;", "found = limits[i];"),
    # who waits for a window's end is told that others are in the way
    ("scheduler/explain.c", "        return EXPLAIN_MAINTENANCE;", "        return EXPLAIN_BUSY;"),
)
BUGS = {"events": SCHEDULER_BUGS, "cpus": CPU_BUGS, "core_events": CORE_BUGS, "reasons": LIES}


def main():
    if sys.argv[1] == "--list":
        for program, bugs in BUGS.items():
            for n, (name, _, _) in enumerate(bugs, 1):
                print(program, n, name)
        return 0
    program, number, out = sys.argv[1:]
    name, text, bug = BUGS[program][int(number) - 1]
    with open(os.path.join(ROOT, name), encoding="utf-8") as f:
        source = f.read()
    if source.count(text) != 1:
        print("%s has %d places for bug %s of %s" % (name, source.count(text), number, program), file=sys.stderr)
        return 1
    with open(out, "w", encoding="utf-8") as f:
        f.write(source.replace(text, bug))
    return 0


if __name__ == "__main__":
    sys.exit(main())
