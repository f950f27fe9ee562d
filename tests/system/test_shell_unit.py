# SPDX-License-Identifier: MIT
"""Shells under the rights that the shipped unit gives the spawner, and no others: as the users of the map, in the same
place as the task. It has no right to look at processes of others (CAP_SYS_PTRACE)."""
import os
import re
import subprocess
import unittest

import droverlib
import hostile_jobs
import machine
from droverlib import PATIENCE, wait_until
from test_hostile import ANN, Rig
from test_shell import check_place

UNIT = os.path.join(droverlib.ROOT, "packaging", "systemd", "drover-spawner.service")


def rights():
    """The command that starts a program with the rights of the unit."""
    with open(UNIT, encoding="utf-8") as f:
        unit = dict(line.rstrip("\n").split("=", 1) for line in f if re.match("[A-Z][A-Za-z]+=", line))
    names = [name[len("CAP_"):].lower() for name in unit["CapabilityBoundingSet"].split()]
    if unit["NoNewPrivileges"] != "yes" or unit["AmbientCapabilities"] or "sys_ptrace" in names:
        raise AssertionError("the unit gives more than this test thinks")
    return ["setpriv", "--no-new-privs", "--bounding-set", ",".join(["-all"] + ["+" + name for name in names])]


class UnitTest(unittest.TestCase):
    LEVEL = "namespaces"

    def setUp(self):
        machine.need(self, "root", "namespaces", *(["cgroups"] if self.LEVEL == "full" else []))
        machine.open_to_all(self)
        rig = Rig(hostile_jobs.Guard(True, self.LEVEL), {}, rights())
        self.rig = rig.__enter__()
        self.addCleanup(rig.end)
        self.ann = rig.client("ann")
        self.name = self.ann.submit(droverlib.job_yaml(
            "open", "echo mine > left; export TOKEN=here; echo ready; sleep 86400; exit 0", memory=64))
        wait_until(lambda: self.ann.state(self.name) == "RUNNING" and b"ready" in self.ann.log(self.name), "it runs", 60)
        self.attempt = rig.attempt(self.ann, self.name)

    def execute(self, user, line, status=0):
        """What `drover exec` of a line prints, as that user."""
        home = droverlib.scratch_folder("home-")
        self.addCleanup(subprocess.run, ["rm", "-rf", home], check=True)
        password = os.path.join(home, "password")
        with open(os.open(password, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write("a long password\n")
        env = {"PATH": os.environ["PATH"], "HOME": home, "LC_ALL": "C.UTF-8"}
        drover = droverlib.binary("drover")
        subprocess.run([drover, "login", "http://%s:%d" % self.rig.server.address, "-u", user, "--password-file", password],
                       env=env, check=True, capture_output=True)
        r = subprocess.run([drover, "exec", self.name, line], env=env, capture_output=True, check=False,
                           timeout=60 * PATIENCE)
        self.assertEqual(r.returncode, status, (line, r.stdout, r.stderr, self.rig.server.log_tail()))
        return r.stdout

    def test_a_shell_is_where_its_task_is(self):
        status = check_place(self, self.attempt, lambda line: self.execute("ann", line))
        self.assertIn("Uid:\t%d\t%d\t%d\t%d" % ((ANN,) * 4), status)
        self.assertEqual(self.execute("ann", "cat left"), b"mine\n")
        self.execute("ann", "exit 77", status=77)
        self.assertEqual(self.ann.state(self.name), "RUNNING")

    def test_nobody_else_comes_in(self):
        self.assertEqual(self.execute("bob", "echo in", status=4), b"")

    def test_the_spawner_has_the_rights_of_the_unit(self):
        with open("/proc/%d/status" % self.rig.spawner.pid, encoding="ascii") as f:
            status = f.read()
        effective = int(re.search("^CapEff:\t([0-9a-f]+)$", status, re.M).group(1), 16)
        self.assertFalse(effective >> 19 & 1, "CAP_SYS_PTRACE")
        self.assertTrue(effective >> 21 & 1, "CAP_SYS_ADMIN")
        self.assertIn("NoNewPrivs:\t1", status)


class FullTest(UnitTest):
    LEVEL = "full"


if __name__ == "__main__":
    unittest.main()
