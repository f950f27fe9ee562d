#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_portal.py [--minutes N] [--parts A,B] [--pages A,B]: every page of the portal in Chromium, of a server with 100,000 jobs and 2,000 nodes of 8
GPUs (portal.mjs). Largest contentful paint (goal 1 s) and list interaction (100 ms) beside a bare page of the same
server; the heap after N minutes of live updates on the job list, a job and the map of GPUs, a tenth of that on the
others (no growth; 10 by default, `./dev bench` sets DROVER_BENCH_MINUTES); requests while nothing happens (one stream,
two a minute); ten tabs at once. The jobs are those of bench_list.py; the nodes are copies of this machine's, and down:
what a page draws and reads of them is the same."""
import argparse
import os
import sqlite3
import subprocess
import sys

import bench_list
import benchlib
import droverlib
from bench_submit import JOB

NODES, GPUS = 2000, 8
HERE = os.path.dirname(os.path.abspath(__file__))


def fill_nodes(path):
    """Copies the one node there is."""
    db = sqlite3.connect(path)
    columns = [row[1] for row in db.execute("PRAGMA table_info(node)")]
    with db:
        db.execute("WITH RECURSIVE copy(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n + 1 < ?)"
                   " INSERT INTO node (%s) SELECT %s FROM copy, node t" % (
                       ",".join(columns), ",".join("printf('node-%04d', n)" if c == "name" else "t." + c
                                                   for c in columns)), (NODES,))
    db.execute("ANALYZE")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=float(os.environ.get("DROVER_BENCH_MINUTES", "10")))
    parser.add_argument("--parts", default=os.environ.get("DROVER_BENCH_PARTS", ""),
                        help="of lcp, interaction, tabs, heap, idle")
    parser.add_argument("--pages", default=os.environ.get("DROVER_BENCH_PAGES", ""), help="as the figures name them")
    args = parser.parse_args()
    with droverlib.Server({"gpus": GPUS}) as server:
        admin = droverlib.Client(server).login()
        job = admin.wait(admin.submit(JOB % ("template", "echo done")))
        node = admin.json("GET", "/api/v2/nodes")[0]["name"]
        server.stop()
        database = os.path.join(server.data, "drover.db")
        bench_list.fill(database)
        fill_nodes(database)
        server.start()
        admin.login()
        # Whatever is asked for next waits: the updates are of jobs that cannot start.
        admin.wait(admin.submit(HOLD), ("RUNNING",))
        for path in ("/api/v2/jobs?limit=50&withTotalCount=true", "/api/v2/nodes", "/api/v2/gpus"):
            print("# %s: %d bytes" % (path, len(admin.request("GET", path).body)))
        print("# %s" % benchlib.machine(), flush=True)
        url = "http://%s:%d/" % server.address
        done = subprocess.run(["node", os.path.join(HERE, "portal.mjs"), url, droverlib.ADMIN,
                               os.path.join(server.folder, "password"), "%s~template" % droverlib.ADMIN, node,
                               str(args.minutes), args.parts, args.pages], check=False)
        print("# %s" % benchlib.machine())
        return done.returncode


HOLD = """protocolVersion: 2
name: holds
type: job
prerequisites: [{type: dockerimage, name: image, uri: none}]
taskRoles: {main: {dockerImage: image, commands: [exec sleep 100000], resourcePerInstance: {cpu: 1, memoryMB: 64, gpu: 8}}}
"""

if __name__ == "__main__":
    sys.exit(main())
