#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Philly trace on 448 GPUs: every policy runs all jobs that fit their quota (the CPU time of each is printed; the
goal is 3 s), and with quotas of whole nodes no guaranteed job waits longer than on machines of its virtual cluster's
own, while quotas by quantity do make some wait. With priority classes, so that jobs are preempted, no wait is longer
than the preemption grace explains. With a fifth of the jobs opportunistic all run, too, and no guaranteed job waits
longer because of them than until they have left, in another draw of the classes neither. Exit status 77, a skip, where
the trace is not."""
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PLACES = (os.environ.get("DROVER_TRACES", ""), os.path.join(os.path.dirname(ROOT), "shared", "traces"))
JOBS = 82247


def replay(trace, classes, *more):
    """{policy: its figures}"""
    out = subprocess.run([os.path.join(os.environ["DROVER_BIN"], "drover-sim"), "--trace", trace, "--gpus", "448",
                          "--classes", classes, "--format", "json", *more],
                         check=True, capture_output=True, text=True, timeout=300).stdout
    return {p["policy"]: p for p in json.loads(out)["policies"]}


def worst(policy, figure):
    return max(vc[figure] if figure.startswith("worst") else vc[figure]["worst"] for vc in policy["virtualClusters"])


def check_all(runs):
    """What holds of every replay: all jobs ran."""
    failed = []
    for name, p in runs.items():
        if p["ran"] + p["aboveQuota"] != JOBS or p["ran"] < JOBS - 100 or p["neverStarted"]:
            failed.append("%s ran %d and skipped %d of %d jobs" % (name, p["ran"], p["aboveQuota"], JOBS))
        print("%-8s %.2f s" % (name, p["cpuSeconds"]))
    return failed


def check_plain(runs):
    failed = []
    if list(runs) != ["fifo", "priority", "count", "shape"]:
        failed.append("the policies are %s" % list(runs))
    failed += check_all(runs)
    if worst(runs["shape"], "sharingCostSeconds") > 0:
        failed.append("the shape guarantee costs up to %.0f s" % worst(runs["shape"], "sharingCostSeconds"))
    if worst(runs["count"], "sharingCostSeconds") <= 0:
        failed.append("quotas by quantity show no anomaly")
    return failed


def check_classes(shape):
    failed = []
    if shape["preemptions"] < 1000:
        failed.append("only %d preemptions" % shape["preemptions"])
    if worst(shape, "worstBeyondGraceSeconds") > 0:
        failed.append("with classes, waits go beyond the grace by %.0f s" % worst(shape, "worstBeyondGraceSeconds"))
    return failed


def beyond(policy):
    return sum(vc["jobsBeyondGrace"] for vc in policy["virtualClusters"])


def check_lent(shape):
    failed = []
    if shape["preemptions"] < 1000:
        failed.append("only %d preemptions with borrowers" % shape["preemptions"])
    if beyond(shape):
        failed.append("with borrowers, %d jobs wait longer than the grace explains" % beyond(shape))
    return failed


def main():
    traces = [os.path.join(p, "philly.csv") for p in PLACES if p and os.path.exists(os.path.join(p, "philly.csv"))]
    if not traces:
        print("no philly.csv: set DROVER_TRACES")
        return 77
    failed = check_plain(replay(traces[0], "test=100"))
    failed += check_classes(replay(traces[0], "test=70,prod=25,crit=5", "--policy", "shape")["shape"])
    lent = replay(traces[0], "oppo=20,test=50,prod=25,crit=5")
    failed += check_all(lent) + check_lent(lent["shape"])
    failed += check_lent(replay(traces[0], "oppo=20,test=50,prod=25,crit=5", "--policy", "shape", "--seed", "4")["shape"])
    print("\n".join(failed) or "ok")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
