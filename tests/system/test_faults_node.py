# SPDX-License-Identifier: MIT
"""A machine that fails its server (R6, R11, R13, R18, R23): the clock is set, memory or processes run out, a job floods
its log or will not end. A clear answer, nothing lost, the others served, no restart needed where none is said."""
import json
import os
import re
import resource
import signal
import sys
import threading
import time
import unittest

import droverlib
import failpoints
import jobcase
import others
from droverlib import wait_until
from test_faults_clients import resident_mb

NIGHTLY = bool(os.environ.get("DROVER_NIGHTLY"))
DAY_MS = 86400 * 1000


class PointsCase(jobcase.JobCase):
    """With failpoints at hand, and a clock that can be set."""

    def setUp(self):
        self.points = None
        real = droverlib.Server

        def with_points(*args, **more):
            server = real(*args, **more)
            self.points = failpoints.Folder(server.folder)
            server.env.update(self.points.env)
            return server
        droverlib.Server = with_points
        try:
            super().setUp()
        finally:
            droverlib.Server = real

    def set_clock(self, milliseconds):
        self.points.put("clock", str(milliseconds))


class ClockTest(PointsCase):
    CONFIG = {"cpus": 8}

    def test_a_clock_that_is_set_ends_no_job_and_turns_no_order(self):
        first = self.submit_gated("first", ["exit 0"], gate="all", extra="extras:\n  drover:\n    timeLimit: 3600\n")
        through = self.submit_gated("through", ["exit 0"])
        self.wait_all([first, through], ("RUNNING",))
        for number, days in enumerate((1, -1, 0, -1, 1)):
            self.set_clock(days * DAY_MS)
            self.client.login()  # a token of yesterday has expired, one of tomorrow is not believed
            name = self.submit("then-%d" % number, ["exit 0"])
            self.assertEqual(self.client.wait(name)["jobStatus"]["state"], "SUCCEEDED")
            self.assertEqual(self.client.state(first), "RUNNING", "its time limit is an hour")
            self.checked()
        jobs = self.client.json("GET", "/api/v2/jobs?order=submissionTime,DESC")
        self.assertEqual([j["name"] for j in jobs], ["then-%d" % i for i in reversed(range(5))] + ["through", "first"])
        self.open_gate("all")
        self.assertEqual(self.client.wait(first)["jobStatus"]["state"], "SUCCEEDED")
        # A start on a clock that was set back goes on from what was recorded.
        self.set_clock(-DAY_MS)
        self.server.kill()
        self.server.start()
        self.client.login()
        self.open_gate("through")
        self.assertEqual(self.client.wait(through)["jobStatus"]["state"], "SUCCEEDED")
        last = self.submit("last", ["exit 0"])
        self.client.wait(last)
        self.assertEqual(self.client.json("GET", "/api/v2/jobs?order=submissionTime,DESC")[0]["name"], "last")
        self.checked()

    def test_the_time_limit_is_kept_whatever_the_clock_says(self):
        full = self.submit_gated("limited", ["exit 0"], extra="extras:\n  drover:\n    timeLimit: 1\n    stopGrace: 1\n")
        self.client.wait(full, ("RUNNING",))
        self.set_clock(-DAY_MS)
        detail = self.client.login().wait(full)
        self.assertEqual(detail["jobStatus"]["state"], "FAILED")
        self.assertEqual(detail["jobStatus"]["appExitCode"], -1004)
        self.checked()


class ProcessTest(PointsCase):
    """R13: no process can be made."""

    def test_a_start_that_is_refused_for_want_of_processes_says_so(self):
        # A shim that cannot be made is the platform's fault: tried again, whatever the job has of retries of its own.
        self.points.arm("spawner.before-fork", "error 11")
        full = self.submit("no-shim", ["exit 0"])
        self.assertEqual(self.client.wait(full)["jobStatus"]["state"], "SUCCEEDED")
        self.assertIn("Resource temporarily unavailable", self.told(full))
        self.checked()

    @unittest.skipIf("tsan" in droverlib.BIN.split(os.sep), "tsan makes a fork of vfork, whose child then tells nothing")
    def test_a_task_that_cannot_be_started_now_is_started_later(self):
        self.points.arm("shim.before-exec", "error 11")
        full = self.submit("no-task", ["exit 0"])
        self.assertEqual(self.client.wait(full)["jobStatus"]["state"], "SUCCEEDED")
        self.assertIn("Resource temporarily unavailable", self.told(full))
        self.checked()

    @unittest.skipIf("tsan" in droverlib.BIN.split(os.sep), "tsan makes a fork of vfork, whose child then tells nothing")
    def test_a_task_that_cannot_be_started_says_so(self):
        self.points.arm("shim.before-exec", "error 13")
        full = self.submit("no-task", ["exit 0"])
        status = self.client.wait(full)["jobStatus"]
        self.assertEqual((status["state"], status["appExitCode"]), ("FAILED", -1204))
        self.assertIn("Permission denied", self.told(full))
        self.checked()

    def told(self, full):
        """All that is told of a job."""
        return json.dumps([self.client.job(full), self.client.json("GET", "/api/v2/jobs/%s/events" % full)])


@unittest.skipIf(droverlib.TIME_SCALE > 1, "a sanitizer ends the process where it gets no address space of its own")
class MemoryTest(jobcase.JobCase):
    """R11: the server may take no more memory. Sanitizers take address space by the terabyte and end the process when
    they get none, so their builds are left out (at the end of this file)."""

    def test_without_memory_it_refuses_or_ends_and_loses_nothing(self):
        running = self.submit_gated("through", ["exit 0"])
        self.client.wait(running, ("RUNNING",))
        limits = resource.prlimit(self.server.pid, resource.RLIMIT_AS)
        with open("/proc/%d/status" % self.server.pid, encoding="ascii") as f:
            size = int(next(line for line in f if line.startswith("VmSize")).split()[1]) * 1024
        resource.prlimit(self.server.pid, resource.RLIMIT_AS, (size - (8 << 20), limits[1]))
        statuses = []

        def submit(number):
            client = droverlib.Client(self.server, self.client.token)
            for i in range(20):
                yaml = droverlib.job_yaml("big-%d-%d" % (number, i), "exit 0", cpu=64,
                                          extra="description: %s\n" % ("x" * 200000))
                try:
                    statuses.append(client.request("POST", "/api/v2/jobs", yaml, "text/yaml").status)
                except OSError:
                    statuses.append(0)

        threads = [threading.Thread(target=submit, args=(n,)) for n in range(24)]
        for t in threads:
            t.start()
        for t in threads:
            t.join(120)
        sys.stderr.write("without memory: %s\n" % {s: statuses.count(s) for s in sorted(set(statuses))})
        if self.server.process.poll() is None:
            resource.prlimit(self.server.pid, resource.RLIMIT_AS, limits)
            wait_until(lambda: self.server.probe("/readyz") == 200, "it serves again", 15)
        else:
            self.server.start()
        self.assertLessEqual(set(statuses), {0, 202, 413, 500, 503, 507})
        self.client.close()
        found = self.states()
        self.assertGreaterEqual(len(found), 1 + statuses.count(202))
        self.open_gate("through")
        self.assertEqual(self.client.wait(running)["jobStatus"]["state"], "SUCCEEDED")
        self.assertEqual(self.client.wait(self.submit("after", ["exit 0"]))["jobStatus"]["state"], "SUCCEEDED")
        self.checked()


class FloodTest(jobcase.JobCase):
    """R18: a log without end, and without a line's end."""

    def test_a_flood_of_output_harms_nobody(self):
        megabytes = 2000 if NIGHTLY else 50
        before = resident_mb(self.server.pid)
        full = self.submit("flood", ["head -c %d /dev/zero" % (megabytes << 20)])
        with others.Others(self.server, self.client.token) as crowd:
            self.assertEqual(self.client.wait(full, timeout=300)["jobStatus"]["state"], "SUCCEEDED")
        others.tell("a log of %d MB" % megabytes, others.quiet(self.server, self.client.token), crowd)
        self.assertEqual(crowd.bad, [])
        self.assertLess(crowd.p99, 8.0 * droverlib.TIME_SCALE)  # behind the log nobody waits
        self.assertLess(resident_mb(self.server.pid) - before, 20 * droverlib.TIME_SCALE)
        self.checked()


class CappedLogTest(jobcase.JobCase):
    """R18: a log has a cap; how the task began and how it ended is there all the same."""
    CONFIG = {"logMaxMB": 1}

    def test_beginning_and_end_are_kept(self):
        full = self.submit("capped", ["echo first", "seq 1 1000000", "echo the last line", "echo on stderr >&2"])
        self.assertEqual(self.client.wait(full)["jobStatus"]["state"], "SUCCEEDED")
        whole = b"first\n" + b"".join(b"%d\n" % i for i in range(1, 1000001)) + b"the last line\n"
        out = self.client.log(full, kind="stdout")
        self.assertLess(len(out), (1 << 20) + (128 << 10) + 512)
        self.assertEqual(out[:1 << 20], whole[:1 << 20])
        marks = re.findall(rb"\n\[drover: [^\n]*\]\n", out)
        self.assertEqual(len(marks), 2, marks)
        self.assertIn(b"limit of 1 MB", marks[0])
        tail = out.rpartition(marks[1])[2]
        self.assertEqual(tail, whole[-128 << 10:])
        left_out = int(re.search(rb"(\d+) bytes are left out", marks[1]).group(1))
        self.assertEqual(left_out, len(whole) - (1 << 20) - len(tail))
        self.assertEqual(self.client.log(full, kind="stderr"), b"on stderr\n")
        self.assertTrue(self.client.log(full, kind="all").rstrip().endswith((b"on stderr", b"the last line")))
        self.checked()

    def test_a_little_more_is_kept_whole(self):
        full = self.submit("little", ["head -c %d /dev/zero | tr '\\0' x" % ((1 << 20) + 1000)])
        self.assertEqual(self.client.wait(full)["jobStatus"]["state"], "SUCCEEDED")
        out = self.client.log(full, kind="stdout")
        self.assertEqual(out.count(b"x"), (1 << 20) + 1000)
        self.assertNotIn(b"left out", out)


class StubbornTest(jobcase.JobCase):
    """R23: what will not end."""

    CONFIG = {"cpus": 16}
    KINDS = {
        "deaf": "trap '' TERM INT HUP; while :; do sleep 0.1; done",
        "forks": "(setsid sh -c \"trap '' TERM; sleep 600 & sleep 600\" &) ; trap '' TERM; sleep 600",
        "sessions": "setsid setsid sleep 600 & setsid -f sleep 600; sleep 600",
        "stopped": "kill -STOP $$; sleep 600",
        "breeds": "trap '' TERM; while :; do (sleep 0.3 &) ; sleep 0.02; done",
    }

    def test_a_stop_ends_every_kind_in_time(self):
        grace = 1
        names = {kind: self.submit(kind, [body], gpu=0, extra="extras:\n  drover:\n    stopGrace: %d\n" % grace)
                 for kind, body in self.KINDS.items()}
        attempts = {kind: self.attempt_id(full) for kind, full in names.items()}
        self.wait_all(names.values(), ("RUNNING",))
        begin = time.monotonic()
        for full in names.values():
            self.client.stop(full)
        self.wait_all(names.values(), ("STOPPED",), (grace + 5) * 2)
        took = time.monotonic() - begin
        sys.stderr.write("%d stubborn jobs: gone after %.1f s, grace %d s\n" % (len(names), took, grace))
        live = droverlib.task_processes()
        self.assertEqual({k: live[a] for k, a in attempts.items() if a in live}, {})
        self.checked()


if droverlib.TIME_SCALE != 1:
    del MemoryTest


class StartTest(PointsCase):
    CONFIG = {"cpus": 4}

    def test_a_start_that_hangs_holds_up_no_other(self):
        self.points.arm("spawner.before-exec", "delay 3600000")
        hung = self.submit("hung", ["exit 0"])
        wait_until(lambda: self.points.fired(), "a starter hangs", 60)
        for number in range(3):
            self.assertEqual(self.client.wait(self.submit("other-%d" % number, ["exit 0"]))["jobStatus"]["state"],
                             "SUCCEEDED")
        self.assertEqual(self.client.json("GET", "/api/v2/jobs/%s" % hung)["jobStatus"]["retries"], 0)
        # Its end, from outside, is an attempt that was not started: it gets another.
        os.kill(self.points.pids()[0], signal.SIGKILL)
        self.assertEqual(self.client.wait(hung)["jobStatus"]["state"], "SUCCEEDED")
        self.checked()


if __name__ == "__main__":
    unittest.main()
