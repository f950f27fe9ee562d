# SPDX-License-Identifier: MIT
"""Many at once: 20 jobs that end while the server is down, 100 that run on, and those of another boot."""
import os
import subprocess
import sys
import tempfile
import time
import unittest

import checker
import droverlib
import jobcase
from droverlib import wait_until

MEGABYTE = 1 << 20


class ManyTest(jobcase.JobCase):
    CONFIG = {"cpus": 200, "memoryMB": 100000}

    def test_twenty_jobs_end_with_a_megabyte_each_while_the_server_is_down(self):
        names = {}
        for code in range(20):
            body = "head -c %d /dev/zero | tr '\\0' '%c'; echo last >&2" % (MEGABYTE, 97 + code)
            names[code] = self.submit_gated("down-%d" % code, [body, "exit %d" % code], gate="all")
        self.wait_all(names.values(), ("RUNNING",))
        attempts = [self.attempt_id(n) for n in names.values()]
        self.server.kill()
        self.open_gate("all")
        for attempt in attempts:
            self.gone(attempt)
        self.server.start()
        self.wait_all(names.values())
        for code, name in names.items():
            status = self.client.job(name)["jobStatus"]
            self.assertEqual((status["state"], status["appExitCode"]), ("FAILED" if code else "SUCCEEDED", code))
            out = self.client.log(name, kind="stdout")
            self.assertRegex(out[:20], rb"^started \d+\n")
            self.assertEqual(out.partition(b"\n")[2], bytes([97 + code]) * MEGABYTE)
            self.assertEqual(self.client.log(name, kind="stderr"), b"last\n")
        self.checked()

    def test_a_hundred_running_jobs_are_found_again(self):
        names = [self.submit_gated("run-%d" % i, ["exit 0"], gate="all") for i in range(100)]
        self.wait_all(names, ("RUNNING",), 120)
        wait_until(lambda: len(checker.read_witness(self.witness)) == 100, "all have begun")
        processes = {w.attempt: w.pid for w in checker.read_witness(self.witness)}
        self.server.kill()
        begin = time.monotonic()
        self.server.start()
        ready = time.monotonic() - begin
        self.assertEqual(set(self.states().values()), {"RUNNING"}, "ready means that all are found")
        sys.stderr.write("100 running jobs: %.3f s from start to ready\n" % ready)
        live = droverlib.task_processes()
        for attempt, pid in processes.items():
            found = [droverlib.inner_pid(p) for p in live.get(attempt, [])]
            self.assertIn(int(pid), found, "another process than before")
        self.checked()
        self.open_gate("all")
        self.assertEqual(set(self.wait_all(names).values()), {"SUCCEEDED"})
        self.assertEqual(len(checker.read_witness(self.witness)), 100, "none was started again")
        self.checked()


class RebootTest(jobcase.JobCase):
    """Another boot id, mounted over the kernel's: what the server believes of its machine's life."""
    CONFIG = {"cpus": 8}

    def setUp(self):
        handle, self.boot = tempfile.mkstemp(prefix="drover-boot-")
        os.close(handle)
        self.addCleanup(os.unlink, self.boot)
        self.reboot(1)
        # /proc alone is made private: the root of a chroot is no mount whose propagation could be changed.
        self.WRAPPER = ["unshare", "-m", "--propagation", "unchanged", "sh", "-c",
                        'mount --make-private /proc && mount --bind "$0" /proc/sys/kernel/random/boot_id && exec "$@"',
                        self.boot]
        super().setUp()

    def reboot(self, number):
        with open(self.boot, "w", encoding="ascii") as f:
            f.write("00000000-0000-4000-8000-%012d\n" % number)

    def test_after_a_reboot_no_task_stays_running(self):
        once = [self.submit_gated("once-%d" % i, ["exit 0"]) for i in range(2)]
        again = self.submit_gated("again", ["exit 0"], retry=2)
        for name in once + [again]:
            self.client.wait(name, ("RUNNING",))
        old = {n: self.attempt_id(n) for n in once + [again]}
        spawner = self.server.spawner_pid()
        self.server.kill()
        droverlib.kill_and_wait(spawner)
        self.reboot(2)
        self.server.start()
        for attempt in old.values():
            wait_until(lambda a=attempt: a not in droverlib.task_processes(), "nothing of the old boot runs")
        db = self.server.database()
        states = dict(db.execute("SELECT id, state FROM task_attempt"))
        db.close()
        for name, attempt in old.items():
            self.assertNotIn(states[attempt], (2, 4, 16), "%s is believed to live" % name)
        # A lost machine is the platform's fault: each is started again, whatever it has of retries of its own.
        for name in once + [again]:
            self.open_gate(name.partition("~")[2])
        self.assertEqual(set(self.wait_all(old).values()), {"SUCCEEDED"})
        for name in old:
            self.assertEqual(len(self.attempts_of(name)), 2)
        self.checked()


if __name__ == "__main__":
    if os.geteuid() != 0:
        os.execvp("unshare", ["unshare", "-Urm", sys.executable, "-B"] + sys.argv)
    unittest.main()
