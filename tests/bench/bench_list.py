#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_list.py: a filtered page of 50 of 100,000 jobs, against a bare program that reads the same rows and sends as
many bytes (floor/list_floor.c). The rows are made from one that the product wrote. No target but what it shows: p50 and
p99."""
import os
import sqlite3
import sys

import benchlib
import droverlib
from bench_submit import JOB

JOBS, USERS = 100000, 100
STATES = (32, 64, 128)  # jobs/state.h: SUCCEEDED, FAILED, STOPPED
SCRIPT = """local n = 0
local head = {["Authorization"] = "Bearer %s"}
function request()
  n = n + 1
  return wrk.format("GET", "/api/v2/jobs?username=u" .. (n %% %d) .. "&state=SUCCEEDED&limit=50", head)
end
"""


def fill(path):
    """Copies the one job there is to JOBS ended jobs of USERS users."""
    db = sqlite3.connect(path)
    db.row_factory = sqlite3.Row
    row = dict(db.execute("SELECT * FROM job LIMIT 1").fetchone())
    names = list(row)
    statement = "INSERT INTO job (%s) VALUES (%s)" % (",".join(names), ",".join("?" * len(names)))

    def rows():
        for i in range(JOBS):
            at = row["submitted_ms"] - (JOBS - i) * 1000
            yield [dict(row, seq=1000 + i, id="01a20099-7f1a-7636-89ee-%012x" % i, user="u%d" % (i % USERS),
                        name="job-%06d" % i, state=STATES[i // USERS % 3], submitted_ms=at, created_ms=at,
                        launched_ms=at + 500, completed_ms=at + 900, exit_code=0)[n] for n in names]
    with db:
        db.executemany(statement, rows())
    db.execute("ANALYZE")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def main():
    with benchlib.scratch() as folder, droverlib.Server({"gpus": 1}) as server:
        admin = droverlib.Client(server).login()
        admin.wait(admin.submit(JOB % ("template", "echo done")))
        server.stop()
        fill(os.path.join(server.data, "drover.db"))
        server.start()
        admin.login()
        script = os.path.join(folder, "get.lua")
        with open(script, "w", encoding="ascii") as f:
            f.write(SCRIPT % (admin.token, USERS))
        page = admin.request("GET", "/api/v2/jobs?username=u7&state=SUCCEEDED&limit=50")
        print("# a page has %d bytes" % len(page.body))
        with benchlib.floor("list_floor", os.path.join(server.data, "drover.db"), str(len(page.body))) as base:
            benchlib.check_floor(base, folder)
            return benchlib.compare("list", lambda c: benchlib.wrk(server.address, c, script),
                                    lambda c: benchlib.wrk(base, c, script), {})


if __name__ == "__main__":
    sys.exit(main())
