#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_spawn.py: `/bin/true` jobs finished a second, durable, against bare shims with a log and a durable exit file
(floor/spawn_floor.c). The jobs are submitted while one job holds every CPU of the node; that one is stopped, and the
clock runs from its end to the end of the last job, by the server's own times. Product and floor in turns, equally
many tasks under way. Target: half of the floor.

A job's command is run by the shell, as its protocol says; the floor starts /bin/true directly. The column `shell` is
the floor with the same shell, for information.
"""
import os
import statistics
import subprocess
import sys
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


def floor(script=None):
    """{name: rate} of one run of the floor."""
    with benchlib.scratch() as folder:
        command = [os.path.join(benchlib.FLOOR, "spawn_floor"), folder, str(JOBS), str(AT_ONCE)]
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


def main():
    with benchlib.scratch() as folder, droverlib.Server({"cpus": AT_ONCE, "memoryMB": 1 << 20}) as server:
        client = droverlib.Client(server).login()
        script = os.path.join(folder, "script")
        with open(script, "w", encoding="ascii") as f:
            f.write("/bin/true\n")
        print("# %s; %d jobs a run, %d at once, %d runs each; rates per second"
              % (benchlib.machine(), JOBS, AT_ONCE, benchlib.REPEATS))
        rows = {"product": [], "floor": [], "shell": [], "posix_spawn": []}
        for run in range(benchlib.REPEATS):
            rows["product"].append(product(client, run))
            base = floor()
            rows["floor"].append(base["shim"])
            rows["posix_spawn"].append(base["posix_spawn"])
            rows["shell"].append(floor(script)["shim_shell"])
            time.sleep(0.2)
    medians = {name: statistics.median(values) for name, values in rows.items()}
    ratio = medians["product"] / medians["floor"]
    print("%-8s %10s %10s %7s %10s %12s" % ("spawn", "product", "floor", "ratio", "shell", "posix_spawn"))
    print("%-8s %10.0f %10.0f %7.2f %10.0f %12.0f" % ("", medians["product"], medians["floor"], ratio,
                                                    medians["shell"], medians["posix_spawn"]))
    print("# load afterwards: %s" % benchlib.machine())
    if ratio < TARGET:
        print("below the target of %.2f" % TARGET)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
