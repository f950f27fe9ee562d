#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rate limits over real HTTP: 429 with Retry-After for who asks too much, and nothing for the others."""
import time
import unittest

import droverlib


class Limits(unittest.TestCase):
    def test_user(self):
        with droverlib.Server({"userRate": 1, "userBurst": 30}) as server:
            admin = droverlib.Client(server).login()
            begin = time.monotonic()
            statuses = [admin.request("GET", "/api/v2/tokens/check").status for _ in range(60)]
            refilled = int(time.monotonic() - begin) + 2  # one a second, and none of a busy machine's making
            self.assertEqual(statuses[:30], [200] * 30)
            self.assertIn(429, statuses)
            self.assertGreaterEqual(statuses.count(429), 30 - refilled)
            last = admin.request("PUT", "/api/v2/jobs/admin~x/tag", {"value": "x"})
            if last.status != 404:  # the one call that a second brings may have come in between
                self.assertEqual(last.status, 429)
                self.assertGreaterEqual(int(last.headers["retry-after"]), 1)
            # Who logs in, and who only looks whether it lives, is not the user's flood.
            self.assertEqual(droverlib.Client(server).request("GET", "/healthz").status, 200)

    def test_address(self):
        with droverlib.Server({"addressRate": 1, "addressBurst": 40}) as server:
            anonymous = droverlib.Client(server)
            begin = time.monotonic()
            statuses = [anonymous.request("GET", "/api/v2/jobs").status for _ in range(80)]
            refilled = int(time.monotonic() - begin) + 2
            self.assertIn(401, statuses[:20])
            self.assertIn(429, statuses)
            self.assertGreaterEqual(statuses.count(429), 40 - refilled)

    def test_bad_configuration(self):
        for key in ("userRate", "addressBurst"):
            with self.assertRaisesRegex(RuntimeError, key):
                with droverlib.Server({key: -1}):
                    pass


if __name__ == "__main__":
    unittest.main()
