# SPDX-License-Identifier: MIT
"""New binaries under running jobs: in the old ones' place, or elsewhere with the old ones gone. Whoever ran before is
found again, with the exact end and log; what starts afterwards is started by the new programs."""
import os
import shutil
import unittest

import checker
import droverlib
import jobcase
from droverlib import wait_until

PROGRAMS = ("droverd", "drover-spawner", "drover-shim", "drover-keeper", "drover-unpack", "drover-warden", "drover-holder")
CODES = (0, 7, 255)
LINES = 20000


def install(folder, mark):
    """The programs into the folder, each a new file that differs in its last bytes: nothing that a program reads."""
    os.makedirs(folder, exist_ok=True)
    for name in PROGRAMS:
        path = os.path.join(folder, name)
        shutil.copy(droverlib.binary(name), path + ".new")
        with open(path + ".new", "ab") as f:
            f.write(mark)
        os.rename(path + ".new", path)


def program_of(pid):
    """(device, inode) of what a process runs."""
    st = os.stat("/proc/%d/exe" % pid)
    return st.st_dev, st.st_ino


class UpgradeTest(jobcase.JobCase):
    CONFIG = {"cpus": 32}

    def setUp(self):
        self.programs = droverlib.scratch_folder("drover-programs-")
        self.addCleanup(shutil.rmtree, self.programs)
        self.old = os.path.join(self.programs, "old")
        install(self.old, b"old")
        self.PROGRAM = os.path.join(self.old, "droverd")
        super().setUp()

    def start_jobs(self, when):
        names = {code: self.submit_gated("%s-%d" % (when, code), ["seq 1 %d" % LINES, "exit %d" % code], gate=when)
                 for code in CODES}
        self.wait_all(names.values(), ("RUNNING",))
        return names

    def ended_well(self, names):
        self.wait_all(names.values())
        for code, full in names.items():
            status = self.client.job(full)["jobStatus"]
            self.assertEqual((status["state"], status["appExitCode"]), ("FAILED" if code else "SUCCEEDED", code))
            out = self.client.log(full, kind="stdout")
            self.assertRegex(out[:20], rb"^started \d+\n")
            self.assertEqual(out.partition(b"\n")[2], b"".join(b"%d\n" % i for i in range(1, LINES + 1)))
            self.assertEqual(len(self.attempts_of(full)), 1)

    def upgraded(self, replace, stop):
        """Jobs end before, while nothing runs, and after; `stop` ends the daemon, `replace` brings the new programs and
        gives their folder."""
        before, between, after = (self.start_jobs(when) for when in ("before", "between", "after"))
        self.open_gate("before")
        self.ended_well(before)
        stop()
        new = replace()
        self.open_gate("between")
        for full in between.values():
            self.gone(self.attempts_of(full)[0])
        self.server.program = os.path.join(new, "droverd")
        self.server.start()
        self.assertEqual({self.client.state(full) for full in after.values()}, {"RUNNING"})
        self.ended_well(between)
        self.checked()
        later = self.submit_gated("later", ["exit 3"])
        self.client.wait(later, ("RUNNING",))
        attempt = self.attempt_id(later)
        st = os.stat(os.path.join(new, "drover-spawner"))
        self.assertEqual(program_of(self.server.spawner_pid()), (st.st_dev, st.st_ino), "the old spawner goes on")
        st = os.stat(os.path.join(new, "drover-shim"))
        shims = [pid for pid in self.server.shims() if program_of(pid) == (st.st_dev, st.st_ino)]
        self.assertEqual(len(shims), 1, "what starts now is started by the new shim")
        self.assertEqual(len(self.server.shims()), 1 + len(after))
        self.open_gate("after")
        self.ended_well(after)
        self.open_gate("later")
        self.assertEqual(self.client.wait(later)["jobStatus"]["appExitCode"], 3)
        self.assertTrue(checker.has_ended(self.server.data, attempt))
        self.checked()

    def in_place(self):
        install(self.old, b"new")
        return self.old

    def elsewhere(self):
        new = os.path.join(self.programs, "new")
        install(new, b"new")
        shutil.rmtree(self.old)
        return new

    def orderly(self):
        self.assertEqual(self.server.stop(), 0, self.server.log_tail())

    def everything_dies(self):
        spawner = self.server.spawner_pid()
        self.server.kill()
        droverlib.kill_and_wait(spawner)

    def test_in_place(self):
        self.upgraded(self.in_place, self.orderly)

    def test_in_place_and_the_spawner_dies_too(self):
        self.upgraded(self.in_place, self.everything_dies)

    def test_elsewhere(self):
        self.upgraded(self.elsewhere, self.orderly)

    def test_elsewhere_after_a_kill(self):
        self.upgraded(self.elsewhere, self.server.kill)


if __name__ == "__main__":
    unittest.main()
