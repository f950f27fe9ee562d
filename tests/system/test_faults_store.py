# SPDX-License-Identifier: MIT
"""The database under others' hands (R9, R10): locked, read for long, damaged, older or newer. An answer in bounded
time, and never an empty or half-read database taken for a sound one."""
import os
import pathlib
import random
import shutil
import sqlite3
import sys
import time
import unittest

import droverlib
import jobcase
import others
from droverlib import wait_until

NIGHTLY = bool(os.environ.get("DROVER_NIGHTLY"))


class LockTest(jobcase.JobCase):
    def test_a_foreign_writer_makes_it_say_busy_and_nothing_more(self):
        name = self.submit("before", ["exit 0"])
        self.client.wait(name)
        quiet = others.quiet(self.server, self.client.token)
        db = sqlite3.connect(os.path.join(self.server.data, "drover.db"), isolation_level=None)
        db.execute("BEGIN IMMEDIATE")
        with others.Others(self.server, self.client.token) as crowd:
            begin = time.monotonic()
            r = self.client.request("POST", "/api/v2/jobs", droverlib.job_yaml("during", "exit 0"), "text/yaml")
            took = time.monotonic() - begin
            if NIGHTLY:
                time.sleep(10)
        db.execute("ROLLBACK")
        db.close()
        self.assertEqual(r.status, 503, r.body)
        self.assertIn("retry-after", r.headers)
        self.assertLess(took, 20.0 * droverlib.TIME_SCALE)  # a client gives up after 30 s
        others.tell("the database locked", quiet, crowd)
        self.assertEqual(crowd.bad, [])
        wait_until(lambda: self.server.probe("/readyz") == 200, "it is ready again", 10)
        self.assertEqual(set(self.states()), {name})
        self.assertEqual(self.client.wait(self.submit("after", ["exit 0"]))["jobStatus"]["state"], "SUCCEEDED")
        self.checked()

    def test_a_long_reader_keeps_nobody_from_writing(self):
        db = sqlite3.connect("file:%s?mode=ro" % os.path.join(self.server.data, "drover.db"), uri=True,
                             isolation_level=None)
        db.execute("PRAGMA wal_autocheckpoint=0")
        db.execute("BEGIN")
        db.execute("SELECT count(*) FROM job").fetchone()
        wal = os.path.join(self.server.data, "drover.db-wal")
        end = time.monotonic() + (600 if NIGHTLY else 3)
        count = 0
        while time.monotonic() < end:
            # Waits for ever: a row a submission, and a large one.
            status = self.client.request("POST", "/api/v2/jobs", droverlib.job_yaml(
                "w-%d" % count, "exit 0", cpu=64, extra="description: %s\n" % ("x" * 20000)), "text/yaml").status
            self.assertEqual(status, 202)
            count += 1
            if count % 50 == 0:
                time.sleep(0.05 if not NIGHTLY else 1)
        size = os.path.getsize(wal)
        sys.stderr.write("a reader of a while: %d submissions, a log of %.1f MB\n" % (count, size / 1e6))
        self.assertEqual(db.execute("SELECT count(*) FROM job").fetchone()[0], 0, "its snapshot stands")
        db.execute("ROLLBACK")
        db.close()
        # The next checkpoint takes the log in, and it is begun anew.
        for i in range(60):
            self.client.submit(droverlib.job_yaml("z-%d" % i, "exit 0", cpu=64,
                                                  extra="description: %s\n" % ("x" * 200000)))
        self.server.stop()
        self.assertLess(os.path.getsize(wal) if os.path.exists(wal) else 0, 256 << 20)


class DamageTest(unittest.TestCase):
    """A copy of one sound database, damaged in a different way each time."""

    @classmethod
    def setUpClass(cls):
        cls.server = droverlib.Server()
        cls.addClassCleanup(cls.server.clean_up)
        with_jobs = cls.server
        with_jobs.init()
        with_jobs.start()
        client = droverlib.Client(with_jobs).login()
        names = [client.submit(droverlib.job_yaml("job-%d" % i, "exit %d" % (i % 2))) for i in range(20)]
        for name in names:
            client.wait(name)
        with_jobs.stop()
        cls.names = set(names)
        cls.good = os.path.join(with_jobs.folder, "good.db")
        shutil.copyfile(os.path.join(with_jobs.data, "drover.db"), cls.good)

    def setUp(self):
        self.database = os.path.join(self.server.data, "drover.db")
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(self.database + suffix):
                os.unlink(self.database + suffix)
        shutil.copyfile(self.good, self.database)

    def begin(self):
        """Starts it on what is there: the list of jobs, or None when it has refused, having said why."""
        try:
            self.server.start(timeout=20)
        except (RuntimeError, TimeoutError):
            status = self.server.process.poll()
            if status is None:
                self.server.kill()
                self.fail("it neither serves nor ends:\n" + self.server.log_tail())
            self.assertGreater(status, 0, "killed by a signal:\n" + self.server.log_tail())
            self.assertRegex(self.server.log_tail(600), r"droverd: .*[a-z]")
            return None
        try:
            client = droverlib.Client(self.server)
            client.described = False  # what stands in a damaged row is told as it is
            r = client.request("POST", "/api/v2/authn/basic/login",
                               {"username": droverlib.ADMIN, "password": droverlib.PASSWORD})
            if r.status != 200:
                self.assertIn(r.status, (400, 500, 503))
                return None
            client.login()
            r = client.request("GET", "/api/v2/jobs?limit=1000")
            self.assertIn(r.status, (200, 500, 503))
            return r.body if r.status == 200 else None
        finally:
            self.assertIsNone(self.server.process.poll(), self.server.log_tail())
            self.server.kill()

    def test_flipped_bytes(self):
        rng = random.Random(1)
        size = os.path.getsize(self.good)
        refused = 0
        for _ in range(200 if NIGHTLY else 25):
            self.setUp()
            with open(self.database, "r+b") as f:
                for _ in range(rng.choice((1, 8, 64))):
                    f.seek(rng.randrange(size))
                    f.write(bytes([rng.randrange(256)]))
            refused += self.begin() is None
        sys.stderr.write("flipped bytes: %d starts or lists refused\n" % refused)

    def test_truncated(self):
        for part in (0, 1, 100, 4096, 3 * 4096 + 7, os.path.getsize(self.good) // 2):
            with self.subTest(part):
                self.setUp()
                os.truncate(self.database, part)
                self.assertIsNone(self.begin(), "a cut database was taken for a whole one")

    def test_no_database_at_all(self):
        os.unlink(self.database)
        self.assertIsNone(self.begin())
        self.assertIn("droverd init", self.server.log_tail())
        self.assertFalse(os.path.exists(self.database), "it made an empty one")

    def test_a_newer_schema_is_refused_and_left_alone(self):
        db = sqlite3.connect(self.database)
        db.execute("PRAGMA user_version = 999")
        db.close()
        before = pathlib.Path(self.database).read_bytes()
        self.assertIsNone(self.begin())
        self.assertIn("newer", self.server.log_tail())
        self.assertEqual(pathlib.Path(self.database).read_bytes(), before)

    def test_some_other_file(self):
        with open(self.database, "wb") as f:
            f.write(b"SQLite format 3 is not what this is\n" * 500)
        self.assertIsNone(self.begin())

    def test_a_database_of_another_program(self):
        os.unlink(self.database)
        db = sqlite3.connect(self.database)
        db.execute("CREATE TABLE job (id)")
        db.commit()
        db.close()
        self.assertIsNone(self.begin())

    def test_without_the_log_of_the_last_moments(self):
        """A deleted -wal: what had reached the file is there, sound; or it is refused."""
        self.server.start()
        client = droverlib.Client(self.server).login()
        client.wait(client.submit(droverlib.job_yaml("late", "exit 0")))
        self.server.kill()
        os.unlink(self.database + "-wal")
        found = self.begin()
        if found is not None:
            for name in self.names:
                self.assertIn(name.partition("~")[2].encode(), found)


if __name__ == "__main__":
    unittest.main()
