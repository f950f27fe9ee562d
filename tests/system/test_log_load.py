# SPDX-License-Identifier: MIT
"""Output in amounts: much of it, a line without end, a million lines a second. Neither the server nor the shim grows by
it, whoever reads along; what is beyond the cap is left out behind its mark. Everyday runs take a sample; ./dev nightly
10 GB, 1 GB in one line and 134 million lines."""
import http.client
import os
import re
import sys
import threading
import time
import unittest

import droverlib
import jobcase
from droverlib import wait_until

NIGHTLY = bool(os.environ.get("DROVER_NIGHTLY"))
LOG = "/api/v2/jobs/%s/attempts/0/taskRoles/main/taskIndex/0/attempts/0/logs/%s"
CAP = (64 if NIGHTLY else 2) << 20
KEPT = 128 << 10
FLAT_MB = 20 * droverlib.TIME_SCALE
LONG = 1800 if NIGHTLY else 60
LINE = b"a line of forty bytes that says nothing\n"


def peak_mb(pid):
    """The most memory that the process has held since forget_peak."""
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return int(next(line for line in f if line.startswith("VmHWM")).split()[1]) / 1024


def forget_peak(pid):
    with open("/proc/%d/clear_refs" % pid, "w", encoding="ascii") as f:
        f.write("5")
    return peak_mb(pid)


class Follower:
    """Follows the job's stdout, and counts bytes."""

    def __init__(self, case, full):
        self.bytes = 0
        self.connection = http.client.HTTPConnection(*case.server.address, timeout=LONG * droverlib.TIME_SCALE)
        self.connection.request("GET", LOG % (full, "stdout") + "?follow=true",
                                headers={"Authorization": "Bearer " + case.client.token})
        self.thread = threading.Thread(target=self._run, args=(self.connection.getresponse(),))
        self.thread.start()

    def _run(self, reply):
        while True:
            block = reply.read(1 << 16)
            if not block:
                return
            self.bytes += len(block)

    def end(self):
        self.thread.join(LONG * droverlib.TIME_SCALE)
        self.connection.close()
        return self.bytes


class LoadTest(jobcase.JobCase):
    CONFIG = {"logMaxMB": CAP >> 20, "logPackSeconds": 1}

    def print_with(self, name, command):
        """Runs a job that prints with `command`, while somebody follows and searches its log; reads it when it is
        packed. (stdout, MB by which droverd grew, MB by which the shim did)."""
        gate = "while [ ! -e %s ]; do sleep 0.05; done"
        before = forget_peak(self.server.pid)
        full = self.submit(name, [gate % self.path("print-" + name), command, "touch %s" % self.path("printed-" + name),
                                  gate % self.path("go-" + name)])
        folder = os.path.join(self.server.data, "run", self.attempt_id(full))
        shim = wait_until(self.server.shims, "its shim lives")[0]
        shim_before = forget_peak(shim)
        follower = Follower(self, full)
        begin = time.monotonic()
        self.open_path("print-" + name)
        search = "/api/v2/jobs/%s/logs/search?log=stdout&q=no%%20such%%20line" % full
        self.assertEqual(self.client.json("GET", search)["hits"], [])
        wait_until(lambda: os.path.exists(self.path("printed-" + name)), "all is printed", LONG)
        seconds = time.monotonic() - begin
        shim_grown = peak_mb(shim) - shim_before
        self.open_path("go-" + name)
        self.client.wait(full, ("SUCCEEDED",), timeout=60)
        wait_until(lambda: os.path.exists(os.path.join(folder, "all.zst")) and
                   not os.path.exists(os.path.join(folder, "all")), "its logs are packed", 60)
        out = self.client.log(full, kind="stdout")
        self.assertEqual(follower.end(), len(out))
        self.assertEqual(self.client.json("GET", search)["hits"], [])
        grown = peak_mb(self.server.pid) - before
        sys.stderr.write("%s: printed within %.2f s; droverd grew by %.1f MB, the shim by %.1f MB\n"
                         % (name, seconds, grown, shim_grown))
        return out, grown, shim_grown

    def open_path(self, name):
        with open(self.path(name), "w", encoding="ascii"):
            pass

    def check(self, name, command, text, size):
        """`text(offset, n)`: what the command prints there, of `size` bytes in all."""
        out, grown, shim_grown = self.print_with(name, command)
        marks = list(re.finditer(rb"\n\[drover: [^\n]*\]\n", out))
        self.assertEqual(len(marks), 2, marks)
        self.assertEqual((marks[0].start(), out[:CAP] == text(0, CAP)), (CAP, True))
        self.assertIn(b"limit of %d MB" % (CAP >> 20), marks[0].group())
        self.assertEqual(marks[1].start(), marks[0].end())
        self.assertIn(b" %d bytes are left out" % (size - CAP - KEPT), marks[1].group())
        self.assertTrue(out[marks[1].end():] == text(size - KEPT, KEPT), "the end is there")
        self.assertLess(grown, FLAT_MB)
        self.assertLess(shim_grown, FLAT_MB)

    def test_memory_stays_flat_and_the_mark_is_in_place(self):
        # What a first job and a first reader cost, they cost once.
        self.print_with("first", "yes 'the first of all, and packed like them' | head -c 100000")
        size = 10 << 30 if NIGHTLY else 48 << 20
        self.check("much", "yes '%s' | head -c %d" % (LINE[:-1].decode(), size),
                   lambda at, n: (LINE * (n // len(LINE) + 2))[at % len(LINE):][:n], size)
        size = 1 << 30 if NIGHTLY else 24 << 20
        self.check("one-line", "head -c %d /dev/zero | tr '\\0' x" % size, lambda at, n: b"x" * n, size)
        size = 1 << 30 if NIGHTLY else 32 << 20
        self.check("lines", "yes 1234567 | head -c %d" % size, lambda at, n: (b"1234567\n" * (n // 8 + 2))[at % 8:][:n], size)
        self.checked()


if __name__ == "__main__":
    unittest.main()
