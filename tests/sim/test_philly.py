#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Philly trace on 448 GPUs: every policy runs all jobs that fit their quota, each replay takes less than 3 s of CPU,
and with quotas of whole nodes nobody waits longer than on machines of their own, while quotas by quantity do make
some wait. Exit status 77, a skip, where the trace is not."""
import os
import re
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLACES = (os.environ.get("DROVER_TRACES", ""), os.path.join(os.path.dirname(ROOT), "shared", "traces"))
JOBS, LIMIT_S = 82247, 3.0 * int(os.environ.get("DROVER_TIME_SCALE", "1"))


def read(out):
    """{policy: (ran, skipped, cpu seconds)} and {policy: worst sharing cost of each virtual cluster}."""
    runs, costs, policy = {}, {}, None
    for line in out.splitlines():
        run = re.match(r"(fifo|count|shape) +(\d+) +(\d+) .* ([\d.]+)$", line)
        cost = re.match(r"sharing cost under (\w+):", line)
        if run:
            runs[run.group(1)] = (int(run.group(2)), int(run.group(3)), float(run.group(4)))
        elif cost:
            policy = cost.group(1)
            costs[policy] = []
        elif policy and re.match(r"\w+ +\d+ +\d+ .* -?\d+$", line):
            costs[policy].append(int(line.split()[-1]))
    return runs, costs


def main():
    traces = [os.path.join(p, "philly.csv") for p in PLACES if p and os.path.exists(os.path.join(p, "philly.csv"))]
    if not traces:
        print("no philly.csv: set DROVER_TRACES")
        return 77
    out = subprocess.run([os.path.join(os.environ["DROVER_BIN"], "drover-sim"), "--trace", traces[0], "--gpus", "448"],
                         check=True, capture_output=True, text=True, timeout=100).stdout
    print(out)
    runs, costs = read(out)
    failed = []
    for policy in ("fifo", "count", "shape"):
        ran, skipped, cpu = runs[policy]
        if ran + skipped != JOBS or ran < JOBS - 100:
            failed.append("%s ran %d and skipped %d of %d jobs" % (policy, ran, skipped, JOBS))
        if cpu > LIMIT_S:
            failed.append("%s took %.2f s" % (policy, cpu))
    if len(costs["shape"]) != 15 or max(costs["shape"]) > 0:
        failed.append("the shape guarantee costs up to %s s" % max(costs["shape"] or [-1]))
    if max(costs["count"]) <= 0:
        failed.append("quotas by quantity show no anomaly")
    print("\n".join(failed) or "ok")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
