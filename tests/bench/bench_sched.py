#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_sched.py: decisions of the scheduler, and its start, next to floors that do as much with bare arrays.

Decisions (sched.c against floor/buddy_floor.c, which places the same mix without virtual clusters, priorities or
safety): at 256 and 2,000 nodes, with the cluster held at a fill. At 90 % hardly anybody is in the way, so the same mix
is measured at 100 %, too, where a guaranteed gang has to take back what opportunistic ones were lent; and at 97 % with
40 % of the gangs opportunistic. Where the floor has no such answer (it preempts nobody) its column is that of a gang
placed. Rates are per CPU-second; a decision's time is on the wall clock, that of a pass in CPU time.

Start (sched_start.c against floor/start_floor.c, which reads the same rows): 2,000 nodes and 10,000 jobs that run.

Product and floor in turns; medians over the runs, but for `worst`, which is the worst of all. Targets: 50,000
decisions per CPU-second at 256 nodes and 25,000 at 2,000, both at 90 %; a pass within 5 ms; a start within 1 s."""
import json
import os
import statistics
import subprocess
import sys

import benchlib

TARGETS = {256: 50000, 2000: 25000}
MIXES = ((90, 20), (97, 40), (100, 20))
DECISIONS = os.environ.get("DROVER_BENCH_DECISIONS", "200000")
PASS_MS = 5.0
START_MS = 1000.0
ANSWERS = (("placed", "placed"), ("wait", "must wait"), ("preempt", "preempting"))


def run(name, *arguments):
    program = os.path.join(benchlib.FLOOR, name)
    if not os.access(program, os.X_OK):
        raise SystemExit("no %s: build release first, or set DROVER_FLOOR" % program)
    out = subprocess.run([program, *map(str, arguments)], check=True, capture_output=True, text=True, timeout=300)
    return json.loads(out.stdout) if out.stdout else None


def middle(runs, *path):
    """The median over runs of what lies at a path of keys."""
    values = []
    for one in runs:
        for key in path:
            one = one[key]
        values.append(one)
    return statistics.median(values)


def times(runs, key):
    return "p50 %8.2f  p99 %8.2f  worst %8.1f" % (
        middle(runs, key, "p50"), middle(runs, key, "p99"), max(r[key]["worst"] for r in runs))


def decisions(nodes, full, oppo):
    """One mix; prints its lines. Whether a target was missed."""
    arguments = (nodes, DECISIONS, full, oppo)
    runs = [(run("sched", *arguments), run("buddy_floor", *arguments)) for _ in range(benchlib.REPEATS)]
    ours, base = zip(*runs)
    rate, bare = (middle(side, "decisions_per_cpu_s") for side in (ours, base))
    print("%d nodes of 8, %d %% full, %d %% opportunistic: %.0f decisions per CPU-second (%.0f GPUs placed);"
          " floor %.0f (%.0f); ratio %.3f" % (nodes, full, oppo, rate, middle(ours, "gpus_per_cpu_s"), bare,
                                              middle(base, "gpus_per_cpu_s"), rate / bare))
    for key, name in ANSWERS:
        count = middle(ours, key, "count")
        like = key if key in base[0] and base[0][key]["count"] else "placed"
        print("    %-10s %7d  us: %s   floor, %-6s  %s" % (
            name, count, times(ours, key) if count else "none".ljust(42), like + ":", times(base, like)))
    print("    a job ends with 10,000 waiting (200 shapes), the pass, us of CPU: %s   floor: %s" % (
        times(ours, "pass"), times(base, "pass")), flush=True)
    worst = max(r["pass"]["worst"] for r in ours) * 0.001
    missed = full == 90 and rate < TARGETS[nodes]
    if missed or worst > PASS_MS:
        print("beyond the target of %d decisions, or %g ms for a pass" % (TARGETS[nodes], PASS_MS))
    return missed or worst > PASS_MS


def start():
    """The start over rows; prints its lines. Whether the target was missed."""
    with benchlib.scratch() as folder:
        rows = os.path.join(folder, "start.db")
        run("sched_start", "make", rows)
        runs = [(run("sched_start", "load", rows), run("start_floor", rows)) for _ in range(benchlib.REPEATS)]
    ours, base = zip(*runs)
    whole, bare = (middle(side, "all", "cpu_ms") for side in (ours, base))
    print("start with 2,000 nodes and 10,000 running jobs: %.0f ms of CPU, %.0f ms on the clock; floor %.0f, %.0f;"
          " ratio %.2f" % (whole, middle(ours, "all", "wall_ms"), bare, middle(base, "all", "wall_ms"), bare / whole))
    print("    of that, ms of CPU: %s" % ", ".join("%s %.1f" % (name, middle(ours, key, "cpu_ms")) for key, name in (
        ("rows", "rows to jobs"), ("adopt", "orders to adopt"), ("plan", "plan"), ("nodes", "nodes that report"))),
          flush=True)
    if whole > START_MS:
        print("beyond the target of %g ms" % START_MS)
    return whole > START_MS


def main():
    failed = 0
    print("# %s; medians of %d runs in turns, worst of all; %s decisions a run" % (
        benchlib.machine(), benchlib.REPEATS, DECISIONS))
    for full, oppo in MIXES:
        for nodes in sorted(TARGETS):
            failed |= decisions(nodes, full, oppo)
    failed |= start()
    print("# load afterwards: %s" % benchlib.machine())
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
