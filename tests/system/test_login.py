#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Logins against guessing: a known and an unknown user take the same time and get the same answer, and the owner of an
account is never locked out by strangers. DROVER_LOGIN_TRIES=200 makes the whole measurement (some 100 s), on a quiet
machine: medians of seconds. A few tries on a busy one say how much the server worked for each."""
import http.client
import json
import os
import sqlite3
import statistics
import time
import unittest

import droverlib
from droverlib import TIME_SCALE

TRIES = int(os.environ.get("DROVER_LOGIN_TRIES", "20"))
WHOLE = TRIES >= 200
#: Medians of seconds may differ by so much; what the server worked, by more: who is known has rows to be read.
TOLERANCE = 0.05 if WHOLE else 0.25


class Login(unittest.TestCase):
    def setUp(self):
        self.server = droverlib.Server()
        self.addCleanup(self.server.clean_up)
        self.server.init()
        # Accounts with real hashes, without hashing each: the admin's own.
        db = sqlite3.connect(os.path.join(self.server.data, "drover.db"))
        with db:
            for i in range(TRIES):
                db.execute("INSERT INTO user(name, password_hash, created_ms) SELECT ?, password_hash, 1 FROM user"
                           " WHERE name = ?", ("known%04d" % i, droverlib.ADMIN))
        db.close()
        self.server.start()
        self.calls = 0

    def guess(self, user, source=None, password="wrong-guess-1"):
        """(status, body, seconds) of a login; from a fresh address every ten calls, for addresses are throttled."""
        self.calls += 1
        source = source or "127.0.%d.%d" % (1 + self.calls // 10 // 250, 1 + self.calls // 10 % 250)
        connection = http.client.HTTPConnection(*self.server.address, timeout=30 * TIME_SCALE,
                                                source_address=(source, 0))
        body = json.dumps({"username": user, "password": password})
        connection.connect()
        begin = time.monotonic()
        connection.request("POST", "/api/v2/authn/basic/login", body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        text = json.loads(reply.read())
        seconds = time.monotonic() - begin
        connection.close()
        text.pop("instance", None)
        return reply.status, text, seconds

    def worked(self):
        """Nanoseconds on a processor, of all the server's threads."""
        spent = 0
        for thread in os.listdir("/proc/%d/task" % self.server.pid):
            try:
                with open("/proc/%d/task/%s/schedstat" % (self.server.pid, thread), encoding="ascii") as f:
                    spent += int(f.read().split()[0])
            except OSError:
                pass  # it has just ended
        return spent

    def test_known_and_unknown_users_look_alike(self):
        times, work, answers = {"known": [], "unknown": []}, {"known": 0, "unknown": 0}, set()
        for i in range(TRIES):
            for kind in ("known", "unknown") if i % 2 else ("unknown", "known"):
                before = self.worked()
                status, body, seconds = self.guess("%s%04d" % (kind, i))
                times[kind].append(seconds)
                work[kind] += self.worked() - before
                answers.add((status, json.dumps(body, sort_keys=True)))
        self.assertEqual(len(answers), 1, answers)
        self.assertEqual(next(iter(answers))[0], 400)
        known, unknown = statistics.median(times["known"]), statistics.median(times["unknown"])
        print("%d tries each: known %.1f ms, unknown %.1f ms, they differ by %.1f %%; the server worked %.1f and %.1f ms"
              % (TRIES, known * 1000, unknown * 1000, abs(known - unknown) / known * 100,
                 work["known"] / TRIES / 1e6, work["unknown"] / TRIES / 1e6))
        if not WHOLE:
            known, unknown = work["known"], work["unknown"]
        self.assertLess(abs(known - unknown) / known, TOLERANCE)

    def test_strangers_do_not_lock_the_owner_out(self):
        home = "127.0.0.1"
        self.assertEqual(self.guess(droverlib.ADMIN, home, droverlib.PASSWORD)[0], 200)
        statuses = [self.guess(droverlib.ADMIN)[0] for _ in range(30)]
        self.assertIn(429, statuses)  # the strangers are slowed down ...
        self.assertLess(statuses.count(400), 20)  # 5 at once, then after 1, 2, 4 ... s
        self.assertEqual(self.guess(droverlib.ADMIN, home, droverlib.PASSWORD)[0], 200)  # ... the owner is not


if __name__ == "__main__":
    unittest.main()
