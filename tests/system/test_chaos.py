# SPDX-License-Identifier: MIT
"""150 random kills of server, spawner and shims under load (chaos.py); ./dev nightly makes 1,000 with 50 clients.

DROVER_CHAOS="KILLS CLIENTS SEED" asks for any other amount."""
import os
import sys
import unittest

import chaos
import droverlib

#: Kills of one server: the checker reads all of its history after each, so a long one would cost ever more.
EPISODE = 50


class ChaosTest(unittest.TestCase):
    def test_invariants_hold_after_every_kill(self):
        # Sanitized builds take longer for each: the sample is smaller there.
        amount = "1000 50 1" if os.environ.get("DROVER_NIGHTLY") else "%d 6 1" % (150 / droverlib.TIME_SCALE ** 2)
        kills, clients, seed = map(int, os.environ.get("DROVER_CHAOS", amount).split())
        while kills > 0:
            with self.subTest(seed=seed):
                self.episode(min(kills, EPISODE), clients, seed)
            kills -= EPISODE
            seed += 1

    def episode(self, kills, clients, seed):
        result = chaos.run(chaos.parser().parse_args(
            ["--kills", str(kills), "--clients", str(clients), "--seed", str(seed)]))
        violations = result.pop("violations")
        sys.stderr.write("chaos: %s\n" % result)
        self.assertEqual(violations, [])
        self.assertGreater(result["acks"], kills // 10, "the clients got too little done to prove anything")
        self.assertGreater(result["task starts"], kills // 10)


if __name__ == "__main__":
    unittest.main()
