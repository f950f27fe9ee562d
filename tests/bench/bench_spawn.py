#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_spawn.py: `/bin/true` jobs finished a second, durable, against bare shims with a log and a durable exit file
(floor/spawn_floor.c). The jobs are submitted while one job holds every CPU of the node; that one is stopped, and the
clock runs from its end to the end of the last job, by the server's own times. Product and floor in turns, equally
many tasks under way. Target: half of each floor.

Like is held against like: a server that keeps tasks apart by nothing but limits and a subreaper (`isolation: rlimits`)
against the bare shim; the server as it comes, with control groups and namespaces, against a shim that makes these and
nothing in them. What isolation costs is printed beside: no product can be half of the bare shim where the kernel alone
takes the guarded one below that.

A job's command is run by the shell, as its protocol says; the floor starts /bin/true directly. The column `shell` is
the floor with the same shell, for information.

Nothing is removed before the end: ext4 without a journal goes through what was deleted in the last minutes for each
file that it makes, and that would be a measure of what ran before.
"""
import os
import statistics
import subprocess
import sys
import tempfile
import time

import benchlib
import droverlib

JOBS = int(os.environ.get("DROVER_BENCH_JOBS", "500"))
AT_ONCE = 32
TARGET = 0.5
JOB = """protocolVersion: 2
name: %s
type: job
jobRetryCount: 0
prerequisites:
  - name: i
    type: dockerimage
    uri: bench
taskRoles:
  main:
    instances: 1
    dockerImage: i
    resourcePerInstance: {cpu: %d, memoryMB: 64, gpu: 0}
    commands: ["%s"]
"""


def floor(folder, script=None):
    """{name: rate} of one run of the floor, in a new folder below `folder`."""
    command = [os.path.join(benchlib.FLOOR, "spawn_floor"), tempfile.mkdtemp(dir=folder), str(JOBS), str(AT_ONCE)]
    out = subprocess.run(command + ([script] if script else []), check=True, capture_output=True, text=True)
    return {name: float(rate) for name, rate in map(str.split, out.stdout.splitlines())}


def finished(client, run):
    reply = client.json("GET", "/api/v2/jobs?keyword=r%d-&state=SUCCEEDED&limit=1&withTotalCount=true" % run)
    return reply["totalCount"]


def product(client, run):
    """Jobs a second of one run of the product."""
    blocker = client.submit(JOB % ("blocker-%d" % run, AT_ONCE, "sleep 3600"))
    client.wait(blocker, ("RUNNING",))
    names = [client.submit(JOB % ("r%d-%d" % (run, i), 1, "/bin/true")) for i in range(JOBS)]
    client.stop(blocker)
    begin = client.wait(blocker)["jobStatus"]["completedTime"]
    droverlib.wait_until(lambda: finished(client, run) == len(names), "all jobs end", 120, 0.5)
    end = max(client.job(name)["jobStatus"]["completedTime"] for name in names)
    return 1000.0 * len(names) / (end - begin)


#: The levels of isolation, with the floors that do the same.
LEVELS = {"rlimits": ("shim", "shim_shell"), "full": ("guarded", "guarded_shell")}


def row(name, ours, base, ratio, shell):
    print("%-20s %8s %8s %6s %8s" % (name, ours, base, ratio, shell))


def measure(level, folder):
    """Medians of one level: {name: rate}, the product's as `product`."""
    script = os.path.join(folder, "script")
    with open(script, "w", encoding="ascii") as f:
        f.write("/bin/true\n")
    samples = {}
    config = {"cpus": AT_ONCE, "memoryMB": 1 << 20, "isolation": level}
    with droverlib.Server(config) as server:
        client = droverlib.Client(server).login()
        for run in range(benchlib.REPEATS):
            rates = {"product": product(client, run), **floor(folder), **floor(folder, script)}
            for name, rate in rates.items():
                samples.setdefault(name, []).append(rate)
            time.sleep(0.2)
    return {name: statistics.median(values) for name, values in samples.items()}


def main():
    failed = False
    print("# %s; %d jobs a run, %d at once, %d runs each; rates per second"
          % (benchlib.machine(), JOBS, AT_ONCE, benchlib.REPEATS))
    row("isolation, floor", "product", "floor", "ratio", "shell")
    with benchlib.scratch() as folder:
        measured = {level: measure(level, tempfile.mkdtemp(dir=folder)) for level in LEVELS}
    for level, (name, shell) in LEVELS.items():
        rates = measured[level]
        if name not in rates:
            print("# %s: not possible here" % name)
            continue
        ratio = rates["product"] / rates[name]
        failed = failed or ratio < TARGET
        row("%s, %s" % (level, name), "%.0f" % rates["product"], "%.0f" % rates[name], "%.2f" % ratio,
            "%.0f" % rates[shell])
    if "guarded" in rates:
        print("# what isolation costs: against the bare shim the server as it comes %.2f, the kernel's part alone %.2f"
              % (rates["product"] / rates["shim"], rates["guarded"] / rates["shim"]))
    print("# posix_spawn and wait alone: %.0f; load afterwards: %s" % (rates["posix_spawn"], benchlib.machine()))
    if failed:
        print("below the target of %.2f" % TARGET)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
