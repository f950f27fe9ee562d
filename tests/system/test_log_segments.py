# SPDX-License-Identifier: MIT
"""Logs of what has ended. Packed, every way of reading them gives the bytes there were before, also after the server was
killed, and a damaged one is an error, not other bytes. And they are kept as they are, whatever becomes of their node,
until the retention of their virtual cluster ends."""
import hashlib
import json
import os
import shutil
import subprocess
import threading
import unittest

import droverlib
import jobcase
from droverlib import kill_and_wait, wait_until
from test_faults_node import DAY_MS, PointsCase

LINES = 20000
LOG = "/api/v2/jobs/%s/attempts/0/taskRoles/main/taskIndex/0/attempts/0/logs/%s"
#: Two thirds of a MB to stdout, a line to stderr.
PRINT = "seq -f 'step %%.0f of a log that has its own words' %d; echo oops >&2" % LINES


def printed():
    return b"".join(b"step %d of a log that has its own words\n" % n for n in range(1, LINES + 1))


def size(path):
    """0 where there is no file, which may be packed at any moment."""
    try:
        return os.path.getsize(path)
    except (FileNotFoundError, NotADirectoryError):
        return 0


class PackedLogsTest(jobcase.JobCase):
    CONFIG = {"logPackSeconds": 1}

    def get(self, full, kind, query="", status=200):
        r = self.client.request("GET", LOG % (full, kind) + query)
        self.assertEqual(r.status, status, r.body[:500])
        return r

    def follow(self, full):
        """Follows stdout on a thread of its own; the call that gives the bytes."""
        got = []
        client = droverlib.Client(self.server, self.client.token)
        thread = threading.Thread(target=lambda: got.append(client.request("GET", LOG % (full, "stdout") +
                                                                           "?follow=true").body))
        thread.start()

        def result():
            thread.join(60 * droverlib.TIME_SCALE)
            client.close()
            return got[0]
        return result

    def packed(self, full, *kinds):
        """Waits until these logs are packed, and these alone; their folder."""
        folder = os.path.join(self.server.data, "run", self.attempt_id(full))
        wait_until(lambda: not any(os.path.exists(os.path.join(folder, k)) for k in kinds), "the logs are packed", 30)
        names = set(os.listdir(folder))
        self.assertTrue({k + ".zst" for k in kinds} <= names, names)
        self.assertFalse([n for n in names if n.endswith(".tmp")])
        return folder

    def check(self, full, log):
        whole = self.get(full, "stdout")
        self.assertEqual(whole.body, log)
        self.assertEqual((whole.headers["x-drover-log-size"], whole.headers["x-drover-log-complete"]),
                         (str(len(log)), "true"))
        # Ranges within frames, across their ends, and at the end; the tail; the follower who comes late.
        for offset, limit in ((0, 1), (262143, 2), (262144, 262144), (300000, 100), (len(log) - 5, 100)):
            r = self.get(full, "stdout", "?offset=%d&limit=%d" % (offset, limit))
            self.assertEqual(r.body, log[offset:offset + limit])
        self.assertEqual(self.get(full, "stdout", "?tail-mode=true").body, log[-16384:])
        self.assertEqual(self.get(full, "stdout", "?follow=true&offset=500000").body, log[500000:])
        self.assertEqual(self.get(full, "stdout", "?offset=%d" % len(log)).body, b"")
        self.assertEqual(self.get(full, "stderr").body, b"oops\n")
        self.assertEqual(sorted(self.get(full, "all").body.splitlines()), sorted(log.splitlines() + [b"oops"]))
        found = json.loads(self.client.request("GET", "/api/v2/jobs/%s/logs/search?log=stdout&q=step%%20(17%%7C19999)%%20"
                                               % full).body)
        places = [log.index(b"step %d of" % n) for n in (17, 19999)]
        self.assertEqual([(h["offset"], h["line"]) for h in found["hits"]],
                         [(at, 1 + log.count(b"\n", 0, at)) for at in places])
        self.assertIsNone(found["cursor"])

    def test_packed_logs_read_as_before(self):
        full = self.submit_gated("words", [PRINT, "echo last"])
        self.attempt_id(full)
        follower = self.follow(full)
        self.open_gate("words")
        self.client.wait(full, ("SUCCEEDED",))
        log = self.get(full, "stdout").body
        self.assertTrue(log.endswith(printed() + b"last\n"), log[-200:])
        folder = self.packed(full, "stdout", "all")
        self.assertEqual(hashlib.sha256(follower()).hexdigest(), hashlib.sha256(log).hexdigest())
        self.assertEqual(os.stat(os.path.join(folder, "stderr")).st_size, 5, "small logs stay as they are")
        self.check(full, log)
        out = self.drover("logs", full.split("~")[1], "--stream", "stdout").stdout
        self.assertEqual(out, log)
        if shutil.which("zstd"): # anybody can read them without Drover
            zstd = subprocess.run(["zstd", "-dqc", os.path.join(folder, "stdout.zst")], stdout=subprocess.PIPE,
                                  check=True)
            self.assertEqual(zstd.stdout, log)
        self.server.kill()
        self.server.start()
        self.check(full, log)
        # Damage says so; it is no other log, and no empty one.
        with open(os.path.join(folder, "stdout.zst"), "r+b") as f:
            f.truncate(5000)
        r = self.get(full, "stdout", status=500)
        self.assertIn("The packed log is damaged", json.loads(r.body)["message"])
        r = self.client.request("GET", "/api/v2/jobs/%s/logs/search?log=stdout&q=step" % full)
        self.assertEqual(r.status, 500, r.body)
        self.assertIn("The packed log is damaged", json.loads(r.body)["message"])
        self.assertEqual(self.get(full, "stderr").body, b"oops\n")


class KeptLogsTest(PointsCase):
    CONFIG = {"logPackSeconds": 1, "node": "the-old-one", "keepLogsDays": 30}
    #: What becomes of an attempt: tried again, ended well, lost with its shim.
    JOBS = {"tried": [PRINT, "exit 3"], "well": [PRINT], "lost": [PRINT, "sleep 600"]}

    def logs(self, full):
        """{(attempt, log): (status, SHA-256)} of all that a job wrote."""
        found = {}
        for attempt in range(2):
            for kind in ("stdout", "stderr", "all"):
                r = self.client.request("GET", "/api/v2/jobs/%s/attempts/%d/taskRoles/main/taskIndex/0/attempts/0/logs/%s"
                                        % (full, attempt, kind))
                found[attempt, kind] = r.status, hashlib.sha256(r.body).hexdigest() if r.status == 200 else ""
        return found

    def submit_in(self, vc):
        """The jobs, in that virtual cluster, ended; their full names."""
        names = {n: self.submit("%s-%s" % (n, vc), c, retry=1, extra="defaults:\n  virtualCluster: %s\n" % vc)
                 for n, c in self.JOBS.items()}
        lost = names["lost"]
        folder = os.path.join(self.server.data, "run", self.attempt_id(lost))
        stderr = os.path.join(folder, "stderr")
        wait_until(lambda: size(stderr) == 5, "it has printed", 30)
        with open(os.path.join(folder, "shim"), encoding="ascii") as f:
            shim = dict(line.rstrip("\n").split("=", 1) for line in f)
        kill_and_wait(int(shim["pid"]))
        wait_until(lambda: len(self.attempts_of(lost)) == 2, "it is tried again", 30)
        self.client.stop(lost)
        self.wait_all(list(names.values()))
        self.assertEqual(len(self.attempts_of(names["tried"])), 2)
        return list(names.values())

    def plain(self):
        """The logs that are still to be packed."""
        run = os.path.join(self.server.data, "run")
        return [(a, n) for a in os.listdir(run) for n in ("stdout", "all") if size(os.path.join(run, a, n)) > 4096]

    def test_they_are_kept_until_their_retention_ends(self):
        self.client.json("PUT", "/api/v2/virtual-clusters/short", {"keepLogsDays": 2, "cpus": 8}, (201,))
        jobs = {vc: self.submit_in(vc) for vc in ("default", "short")}
        before = {full: self.logs(full) for names in jobs.values() for full in names}
        self.assertEqual(sum(status == 200 for found in before.values() for status, _ in found.values()), 2 * 5 * 3)
        wait_until(lambda: not self.plain(), "all are packed", 30)
        self.assertEqual({full: self.logs(full) for full in before}, before)
        # Its node goes, and the server with it.
        self.server.kill()
        self.server.config["node"] = "the-new-one"
        self.server.write_config()
        self.server.start()
        self.assertEqual([n["name"] for n in self.client.json("GET", "/api/v2/nodes") if n["state"] == "up"],
                         ["the-new-one"])
        self.assertEqual({full: self.logs(full) for full in before}, before)
        # Three days later the janitor has come, a minute after a start: here sooner.
        self.set_clock(3 * DAY_MS)
        self.points.put("janitor", "59000")
        self.server.stop()
        self.server.start()
        self.client.login()
        short = jobs["short"]
        wait_until(lambda: not any(status == 200 for full in short for status, _ in self.logs(full).values()),
                   "the janitor removes what virtual cluster short kept for two days", 120, 0.5)
        self.assertEqual({full: self.logs(full) for full in jobs["default"]},
                         {full: before[full] for full in jobs["default"]})


if __name__ == "__main__":
    unittest.main()
