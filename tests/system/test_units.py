# SPDX-License-Identifier: MIT
"""The systemd units: how much they leave open, by systemd's own count."""
import os
import re
import subprocess
import unittest

import droverlib

UNITS = os.path.join(droverlib.ROOT, "packaging", "systemd")


class Units(unittest.TestCase):
    def exposure(self, unit):
        out = subprocess.run(["systemd-analyze", "security", "--no-pager", "--offline=true", os.path.join(UNITS, unit)],
                             capture_output=True, text=True, timeout=60).stdout
        return float(re.search(r"Overall exposure level for \S+: ([0-9.]+)", out).group(1))

    def test_server(self):
        self.assertLessEqual(self.exposure("droverd.service"), 2.0)

    def test_spawner(self):
        self.assertLessEqual(self.exposure("drover-spawner.service"), 4.0)

    def test_tasks_have_the_group_of_a_unit_without_a_process(self):
        """Below its own, systemd 252 could not start the spawner again while a task runs (vm_systemd.sh)."""
        with open(os.path.join(UNITS, "drover-spawner.service"), encoding="utf-8") as f:
            spawner = f.read()
        self.assertIn(" --cgroup /system.slice/drover-tasks.service\n", spawner)
        self.assertRegex(spawner, r"(?m)^Wants=.*drover-tasks.service$")
        self.assertRegex(spawner, r"(?m)^After=.*drover-tasks.service$")
        with open(os.path.join(UNITS, "drover-tasks.service"), encoding="utf-8") as f:
            tasks = f.read()
        for line in ("Delegate=yes", "RemainAfterExit=yes", "RefuseManualStop=yes"):
            self.assertIn("\n%s\n" % line, tasks)


if __name__ == "__main__":
    unittest.main()
