# SPDX-License-Identifier: MIT
"""R24: mixed load and a fault now and then, without a restart of the server: memory, descriptors and threads do not
grow, and the invariants hold. Half a minute here, less under a sanitizer; an hour with a fault every five minutes in
./dev nightly, or DROVER_SOAK=SECONDS."""
import os
import random
import sys
import time
import unittest

import chaos
import droverlib
import failpoints
import growth

NIGHTLY = bool(os.environ.get("DROVER_NIGHTLY"))
SECONDS = float(os.environ.get("DROVER_SOAK", 3600 if NIGHTLY else 30 if droverlib.TIME_SCALE == 1 else 10))
FAULT_EVERY = 300.0 if NIGHTLY else SECONDS / 4
SAMPLES = 40
CLIENTS = 6


class SoakTest(unittest.TestCase):
    def test_nothing_grows(self):
        rng = random.Random(1)
        server = droverlib.Server()
        points = failpoints.Folder(server.folder)
        server.env.update(points.env)
        # What was freed is kept for a while; the 256 MB of it that are usual would take longer to fill than we have.
        server.env["ASAN_OPTIONS"] = ":".join(filter(None, (server.env.get("ASAN_OPTIONS"), "quarantine_size_mb=4")))
        with server:
            token = droverlib.Client(server).login().token
            pid = server.pid
            load = chaos.Load(server, token, CLIENTS, 1)
            rounds = chaos.Rounds(server, points, load, rng)
            samples, faults, violations = [], 0, []
            begin = time.monotonic()
            fault_at = begin + FAULT_EVERY
            try:
                while time.monotonic() - begin < SECONDS:
                    time.sleep(SECONDS / SAMPLES)
                    samples.append(growth.look(pid))
                    if time.monotonic() >= fault_at:
                        rounds.kill(rng.choice(("spawner", "shim")))
                        violations += load.check()
                        faults += 1
                        fault_at = time.monotonic() + FAULT_EVERY
            finally:
                load.end()
            violations += load.violations + chaos.drain(server, token, 60) + load.check()
            droverlib.wait_until(lambda: growth.look(pid).descriptors <= samples[0].descriptors + CLIENTS,
                                 "descriptors are given back", 20)
            self.assertEqual(server.pid, pid, "it was started again")
        self.assertEqual(violations, [])
        self.assertGreater(faults, 0)
        told, grown = growth.judge(samples, droverlib.TIME_SCALE)
        self.assertEqual(grown, [])
        sys.stderr.write("soak of %.0f s: %d faults, %d jobs; %s\n" % (SECONDS, faults, len(load.acked), told))


if __name__ == "__main__":
    unittest.main()
