#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_report.py: a year's report of GPU hours over 1,000 GPUs (GET /reports/gpu), by virtual cluster, by user and
day, and by job, against the floor of one SQL scan of the same rows that adds up everything and tells nothing apart.
Product and floor in turns on one machine, medians; the database is warm for both."""
import os
import random
import sqlite3
import statistics
import sys
import time
import uuid

import benchlib
import droverlib

ATTEMPTS = int(os.environ.get("DROVER_BENCH_ATTEMPTS", "300000"))  # of 8 GPUs for 4 hours: a year of 1,000 GPUs, busy
DAY, HOUR = 24 * 3600 * 1000, 3600 * 1000
BEGIN = 1700000000000 // DAY * DAY
END = BEGIN + 365 * DAY
FLOOR = ("SELECT sum(json_array_length(gpus) * (min(completed_ms, ?) - max(created_ms, ?))) FROM task_attempt"
         " WHERE created_ms < ? AND (completed_ms IS NULL OR completed_ms > ?) AND node IS NOT NULL")


def ordered(r, at):
    """An id that begins with its time, as the server's do."""
    return str(uuid.UUID(int=at << 80 | r.getrandbits(80)))


def fill(path):
    """Jobs of one attempt of one task each."""
    r = random.Random(1)
    db = sqlite3.connect(path)
    times = sorted(BEGIN + r.randrange(365 * DAY) for _ in range(ATTEMPTS))
    for number, at in enumerate(times):
        job = ordered(r, at)
        gpus, end = r.choice((1, 4, 8, 8, 16)), at + r.randrange(1, 8 * HOUR)
        state, code = r.choice(((32, 0), (32, 0), (64, 1), (128, -210)))
        db.execute("INSERT INTO job(id, user, name, vc, state, submitted_ms, created_ms, completed_ms)"
                   " VALUES(?, ?, ?, ?, ?, ?, ?, ?)", (job, "user%d" % r.randrange(100), "j%d" % number,
                                                      "vc%d" % r.randrange(15), state, at - r.randrange(HOUR), at, end))
        db.execute("INSERT INTO job_attempt(job_id, attempt, state, created_ms, launched_ms, completed_ms, exit_code)"
                   " VALUES(?, 0, ?, ?, ?, ?, ?)", (job, state, at, at, end, code))
        db.execute("INSERT INTO task_attempt(id, job_id, job_attempt, role, task_index, attempt, state, node, gpus,"
                   " created_ms, completed_ms, exit_code) VALUES(?, ?, 0, 'main', 0, 0, ?, ?, ?, ?, ?, ?)",
                   (ordered(r, at), job, state, "node%d" % r.randrange(125),
                    str(list(range(gpus))), at, end, code))
    db.commit()
    db.close()


def timed(call):
    begin = time.monotonic()
    result = call()
    return time.monotonic() - begin, result


def main():
    with droverlib.Server() as server:
        server.stop()
        fill(os.path.join(server.data, "drover.db"))
        server.start(timeout=120)
        client = droverlib.Client(server).login()
        client.described = False  # a reply of thousands of rows is not held against its description here
        db = sqlite3.connect("file:%s?mode=ro" % os.path.join(server.data, "drover.db"), uri=True)

        def floor():
            return db.execute(FLOOR, (END, BEGIN, END, BEGIN)).fetchone()[0]
        floor()
        print("# %s; %d attempts of a year, %d runs each; seconds" % (benchlib.machine(), ATTEMPTS, benchlib.REPEATS))
        print("%-10s %8s %8s %6s %8s" % ("by", "product", "floor", "times", "rows"))
        for by in ("vc", "user,day", "job"):
            ours, base = [], []
            if by == "job":  # of a month: a report has at most 50,000 rows
                window = (END - 30 * DAY, END)
            else:
                window = (BEGIN, END)
            for _ in range(benchlib.REPEATS):
                client.close()
                seconds, told = timed(lambda: client.json("GET", "/api/v2/reports/gpu?from=%d&to=%d&by=%s" % (*window, by)))
                ours.append(seconds)
                seconds, total = timed(floor)
                base.append(seconds)
            if by == "vc" and abs(told["total"]["gpuHours"]["all"] - total / HOUR) > 1:
                print("the totals differ: %f and %f" % (told["total"]["gpuHours"]["all"], total / HOUR))
                return 1
            ours, base = statistics.median(ours), statistics.median(base)
            print("%-10s %8.2f %8.2f %6.1f %8d" % (by, ours, base, ours / base, len(told["rows"])))
    return 0


if __name__ == "__main__":
    sys.exit(main())
