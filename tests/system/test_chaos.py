# SPDX-License-Identifier: MIT
"""A small, seeded sample of chaos.py; the whole (100 and 20 rounds) is for ./dev nightly, which sets DROVER_NIGHTLY.

DROVER_CHAOS="SERVER_KILLS SPAWNER_KILLS SEED" asks for any other amount."""
import os
import sys
import unittest

import chaos


class ChaosTest(unittest.TestCase):
    def test_invariants_hold_after_every_kill(self):
        amount = "100 20 1" if os.environ.get("DROVER_NIGHTLY") else "10 4 1"
        server, spawner, seed = map(int, os.environ.get("DROVER_CHAOS", amount).split())
        options = chaos.parser().parse_args(
            ["--server-kills", str(server), "--spawner-kills", str(spawner), "--seed", str(seed)])
        result = chaos.run(options)
        violations = result.pop("violations")
        sys.stderr.write("chaos: %s\n" % result)
        self.assertEqual(violations, [])
        self.assertGreater(result["acks"], server + spawner, "the clients got too little done to prove anything")
        self.assertGreater(result["task starts"], 0)


if __name__ == "__main__":
    unittest.main()
