#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_restart.py: from the start of the server to ready, and its resident memory, over 100,000 and 1,000,000 jobs of
history (each with its attempts and events as the product writes them) and 20 jobs that wait; against the start over an
empty database. DROVER_BENCH_HISTORY="N N" asks for other sizes.

Targets: ready within 2 s over 100,000 jobs and 5 s over 1,000,000, at most 256 MB resident."""
import os
import sqlite3
import statistics
import sys
import time

import benchlib
import droverlib
from bench_submit import JOB

SIZES = tuple(map(int, os.environ.get("DROVER_BENCH_HISTORY", "100000 1000000").split()))
READY_S = {100000: 2.0, 1000000: 5.0}
RESIDENT_MB = 256
WAITING = 20
#: What differs from copy to copy, by column; n is the copy's number.
CHANGES = {
    "job": {"seq": "1000000 + n", "id": "printf('01a20099-7f1a-7636-89ee-%012x', n)", "name": "printf('job-%07d', n)",
            "user": "'u' || (n % 100)"},
    "job_attempt": {"job_id": "printf('01a20099-7f1a-7636-89ee-%012x', n)"},
    "task_attempt": {"id": "printf('01a20099-7f1a-8636-89ee-%012x', n)",
                     "job_id": "printf('01a20099-7f1a-7636-89ee-%012x', n)"},
    "event": {"id": "1000000 + n * 10 + id", "job_id": "printf('01a20099-7f1a-7636-89ee-%012x', n)"},
}


def fill(path, first, count):
    """Copies the one job that has ended, with all that belongs to it."""
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous=OFF")
    ended = db.execute("SELECT id FROM job WHERE name = 'template'").fetchone()[0]
    for table, change in CHANGES.items():
        columns = [r[1] for r in db.execute("PRAGMA table_info(%s)" % table)]
        key = "id" if table == "job" else "job_id"
        with db:
            db.execute("WITH RECURSIVE copy(n) AS (SELECT ? UNION ALL SELECT n + 1 FROM copy WHERE n + 1 < ?)"
                       " INSERT INTO %s (%s) SELECT %s FROM copy, %s t WHERE t.%s = ?" % (
                           table, ",".join(columns), ",".join(change.get(c, "t." + c) for c in columns), table, key),
                       (first, count, ended))
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def resident_mb(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return int(next(line for line in f if line.startswith("VmRSS")).split()[1]) / 1024


def measure(server):
    """(seconds to listening, to ready, MB resident): medians over the starts. The server is stopped before and after."""
    runs = []
    for _ in range(benchlib.REPEATS):
        begin = time.monotonic()
        server.start(ready=False, timeout=60)
        healthy = time.monotonic() - begin
        droverlib.wait_until(lambda: server.probe("/readyz") == 200, "droverd is ready", 60, 0.002)
        ready = time.monotonic() - begin
        client = droverlib.Client(server).login()
        assert len(client.json("GET", "/api/v2/jobs?limit=50")) >= WAITING
        runs.append((healthy, ready, resident_mb(server.pid)))
        server.stop()
    return [statistics.median(column) for column in zip(*runs)]


def main():
    failed = 0
    print("# %s; medians of %d starts" % (benchlib.machine(), benchlib.REPEATS))
    print("%9s %10s %10s %12s %10s" % ("jobs", "healthy s", "ready s", "resident MB", "file MB"))
    with droverlib.Server({"gpus": 1, "cpus": 1}) as server:
        admin = droverlib.Client(server).login()
        admin.wait(admin.submit(JOB % ("template", "echo done")))
        for i in range(WAITING):
            admin.submit(droverlib.job_yaml("waiting-%d" % i, "exit 0", cpu=2))
        server.stop()
        database = os.path.join(server.data, "drover.db")
        have = 0
        for size in (0,) + SIZES:
            if size > have:
                fill(database, have, size)
                have = size
            healthy, ready, memory = measure(server)
            print("%9d %10.3f %10.3f %12.1f %10.0f" % (size, healthy, ready, memory, os.path.getsize(database) / 1e6),
                  flush=True)
            if ready > READY_S.get(size, 60.0) or memory > RESIDENT_MB:
                print("beyond the target of %g s and %d MB" % (READY_S.get(size, 60.0), RESIDENT_MB))
                failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main())
