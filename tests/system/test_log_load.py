# SPDX-License-Identifier: MIT
"""Output in amounts: much of it, a line without end, a million lines a second. Neither the server nor the shim grows by
it, whoever reads along; what is beyond the cap is left out behind its mark, and without a cap all of it is kept, packed
and read again. Everyday runs take a sample; ./dev nightly 10 GB, 1 GB in one line and 134 million lines."""
import http.client
import os
import re
import sys
import threading
import time
import unittest
import zlib

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


class Reader:
    """Reads the job's stdout on a thread of its own: how many bytes, and their checksum."""

    def __init__(self, case, full, query=""):
        self.bytes = self.sum = 0
        self.connection = http.client.HTTPConnection(*case.server.address, timeout=LONG * droverlib.TIME_SCALE)
        self.connection.request("GET", LOG % (full, "stdout") + query,
                                headers={"Authorization": "Bearer " + case.client.token})
        self.thread = threading.Thread(target=self._run, args=(self.connection.getresponse(),))
        self.thread.start()

    def _run(self, reply):
        while True:
            block = reply.read(1 << 16)
            if not block:
                return
            self.bytes += len(block)
            self.sum = zlib.crc32(block, self.sum)

    def end(self):
        self.thread.join(LONG * droverlib.TIME_SCALE)
        self.connection.close()
        return self.bytes, self.sum


class LoadCase(jobcase.JobCase):
    def print_with(self, name, command):
        """Runs a job that prints with `command`, while somebody follows and searches its log, until that is packed.
        (its full name, what the follower read)."""
        gate = "while [ ! -e %s ]; do sleep 0.05; done"
        forget_peak(self.server.pid)
        full = self.submit(name, [gate % self.path("print-" + name), command, "touch %s" % self.path("printed-" + name),
                                  gate % self.path("go-" + name)])
        attempt = self.attempt_id(full)
        folder = os.path.join(self.server.data, "run", attempt)
        shim = wait_until(lambda: self.server.shims(attempt), "its shim lives")[0]
        shim_before = forget_peak(shim)
        follower = Reader(self, full, "?follow=true")
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
                   not os.path.exists(os.path.join(folder, "all")), "its logs are packed", LONG)
        self.assertEqual(self.client.json("GET", search)["hits"], [])
        sys.stderr.write("%s: printed within %.2f s; the shim grew by %.1f MB\n" % (name, seconds, shim_grown))
        self.assertLess(shim_grown, FLAT_MB)
        return full, follower.end()

    def first(self):
        """What a first job and a first reader cost, they cost once: they come before any measurement."""
        full, _ = self.print_with("first", "seq 1 30000")
        self.client.log(full, kind="stdout")
        self.before = peak_mb(self.server.pid)

    def flat(self):
        """The server has not grown since its first job."""
        grown = peak_mb(self.server.pid) - self.before
        sys.stderr.write("    droverd grew by %.1f MB\n" % grown)
        self.assertLess(grown, FLAT_MB)

    def open_path(self, name):
        with open(self.path(name), "w", encoding="ascii"):
            pass


class CappedTest(LoadCase):
    CONFIG = {"logMaxMB": CAP >> 20, "logPackSeconds": 1}

    def check(self, name, command, text, size):
        """`text(offset, n)`: what the command prints there, of `size` bytes in all."""
        full, followed = self.print_with(name, command)
        out = self.client.log(full, kind="stdout")
        self.flat()
        self.assertEqual(followed, (len(out), zlib.crc32(out)))
        marks = list(re.finditer(rb"\n\[drover: [^\n]*\]\n", out))
        self.assertEqual(len(marks), 2, marks)
        self.assertEqual((marks[0].start(), out[:CAP] == text(0, CAP)), (CAP, True))
        self.assertIn(b"limit of %d MB" % (CAP >> 20), marks[0].group())
        self.assertEqual(marks[1].start(), marks[0].end())
        self.assertIn(b" %d bytes are left out" % (size - CAP - KEPT), marks[1].group())
        self.assertTrue(out[marks[1].end():] == text(size - KEPT, KEPT), "the end is there")

    def test_memory_stays_flat_and_the_mark_is_in_place(self):
        self.first()
        size = 10 << 30 if NIGHTLY else 48 << 20
        self.check("much", "yes '%s' | head -c %d" % (LINE[:-1].decode(), size),
                   lambda at, n: (LINE * (n // len(LINE) + 2))[at % len(LINE):][:n], size)
        size = 1 << 30 if NIGHTLY else 24 << 20
        self.check("one-line", "head -c %d /dev/zero | tr '\\0' x" % size, lambda at, n: b"x" * n, size)
        size = 1 << 30 if NIGHTLY else 32 << 20
        self.check("lines", "yes 1234567 | head -c %d" % size, lambda at, n: (b"1234567\n" * (n // 8 + 2))[at % 8:][:n], size)
        self.checked()


class UncappedTest(LoadCase):
    CONFIG = {"logMaxMB": 0, "logPackSeconds": 1}

    def test_all_of_it_is_kept_and_packed(self):
        self.first()
        size = 10 << 30 if NIGHTLY else 40 << 20
        full, followed = self.print_with("all", "seq 1000000000 9000000000 | head -c %d" % size)
        self.assertEqual(followed[0], size)
        self.assertEqual(Reader(self, full).end(), followed)
        tail = self.client.request("GET", LOG % (full, "all") + "?offset=%d" % (size - 11)).body
        self.assertEqual(tail, (b"%d\n%d\n" % (10 ** 9 + size // 11 - 1, 10 ** 9 + size // 11))[size % 11:][:11])
        self.flat()
        self.checked()


if __name__ == "__main__":
    unittest.main()
