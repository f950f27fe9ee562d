#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_sched.py: decisions of the scheduler per CPU-second, against a bare buddy placer (floor/buddy_floor.c) that
places the same mix without virtual clusters, priorities or safety. Targets: 50,000 at 256 nodes, 25,000 at 2,000."""
import json
import os
import statistics
import subprocess
import sys

import benchlib

SIZES = ((256, 50000), (2000, 25000))
DECISIONS = os.environ.get("DROVER_BENCH_DECISIONS", "200000")


def run(name, nodes):
    program = os.path.join(benchlib.FLOOR, name)
    if not os.access(program, os.X_OK):
        raise SystemExit("no %s: build release first, or set DROVER_FLOOR" % program)
    out = subprocess.run([program, str(nodes), DECISIONS], check=True, capture_output=True, text=True, timeout=300)
    return json.loads(out.stdout)


def main():
    failed = 0
    print("# %s; %s decisions a run, %d runs each; rates per CPU-second" % (benchlib.machine(), DECISIONS,
                                                                            benchlib.REPEATS))
    for nodes, target in SIZES:
        runs = [(run("sched", nodes), run("buddy_floor", nodes)) for _ in range(benchlib.REPEATS)]
        ours, theirs = ([r[i]["decisions_per_cpu_s"] for r in runs] for i in (0, 1))
        rate, base = statistics.median(ours), statistics.median(theirs)
        last = runs[-1][0]
        print("%5d nodes: %8.0f decisions/s, %9.0f GPUs/s; floor %9.0f; ratio %.3f" % (
            nodes, rate, last["gpus_per_cpu_s"], base, rate / base))
        for kind in ("placed", "wait", "preempt"):
            print("    %-8s %8d  p50 %8.2f us  p99 %8.2f us  worst %8.1f us" % (
                kind, last[kind]["count"], last[kind]["p50_us"], last[kind]["p99_us"], last[kind]["worst_us"]))
        print("    CPU time: start with %d running jobs %.2f ms; pass after an end with 10,000 waiting, worst of 100: %.3f ms"
              % (min(10000, nodes * 8), last["start_ms"], last["pass_worst_ms"]), flush=True)
        if rate < target:
            print("below the target of %d" % target)
            failed = 1
    print("# load afterwards: %s" % benchlib.machine())
    return failed


if __name__ == "__main__":
    sys.exit(main())
