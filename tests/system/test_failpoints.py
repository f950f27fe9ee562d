# SPDX-License-Identifier: MIT
"""Every failpoint of base/failpoint.h under load: the invariants hold after it, and somebody has passed it.

Each point with each action; a sanitized build, which is slower, takes one action of each point. ./dev nightly does it
with 50 clients."""
import os
import subprocess
import sys
import tempfile
import unittest

import chaos
import droverlib
import failpoints


class FailpointTest(unittest.TestCase):
    def test_invariants_hold_after_every_failpoint(self):
        actions = "abort,error,delay" if droverlib.TIME_SCALE == 1 else "one"
        clients = "50" if os.environ.get("DROVER_NIGHTLY") else "6"
        result = chaos.run(chaos.parser().parse_args(
            ["--kills", "0", "--failpoints", actions, "--clients", clients, "--seed", "1"]))
        violations = result.pop("violations")
        fired = set(result.pop("fired"))
        sys.stderr.write("failpoints: %s\n" % result)
        self.assertEqual(violations, [])
        self.assertEqual(sorted(fired), sorted(p.name for p in failpoints.table()
                                               if p.name not in failpoints.BESIDE_JOBS))

    def test_a_migration_that_breaks_off_is_done_again(self):
        for action in ("abort", "error", "delay"):
            with self.subTest(action), tempfile.TemporaryDirectory(prefix="drover-sys-") as folder:
                points = failpoints.Folder(folder)
                password = os.path.join(folder, "password")
                with open(os.open(password, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
                    f.write(droverlib.PASSWORD + "\n")
                init = [droverlib.binary("droverd"), "init", "--data", os.path.join(folder, "data"), "--admin",
                        "admin", "--password-file", password]
                points.arm("store.migration", action)
                first = subprocess.run(init, env=dict(os.environ, **points.env), capture_output=True, check=False)
                self.assertEqual(points.fired(), ["store.migration"])
                self.assertEqual(first.returncode == 0, action == "delay", first.stderr)
                if action == "error":
                    self.assertIn(b"migration to schema version", first.stderr)
                if action != "delay":
                    subprocess.run(init, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    unittest.main()
