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


if __name__ == "__main__":
    unittest.main()
