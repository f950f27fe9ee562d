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
import failpoints
import jobcase
import others
from droverlib import wait_until

NIGHTLY = bool(os.environ.get("DROVER_NIGHTLY"))


class LockTest(jobcase.JobCase):
    def told(self, what, crowd):
        """The others' ratio to a quiet time now, when it is over and the rows are the same."""
        return others.tell(what, others.quiet(self.server, self.client.token, 5.0 if NIGHTLY else 1.0), crowd)

    def test_a_foreign_writer_makes_it_say_busy_and_nothing_more(self):
        name = self.submit("before", ["exit 0"])
        self.client.wait(name)
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
        self.assertEqual(crowd.bad, [])
        wait_until(lambda: self.server.probe("/readyz") == 200, "it is ready again", 10)
        self.told("the database locked", crowd)
        self.assertEqual(set(self.states()), {name})
        self.assertEqual(self.client.wait(self.submit("after", ["exit 0"]))["jobStatus"]["state"], "SUCCEEDED")
        self.checked()

    def test_a_long_reader_costs_writes_at_worst_and_only_as_long_as_it_lasts(self):
        if not NIGHTLY:  # there the real bound has time to be reached
            self.server.stop()
            points = failpoints.Folder(self.server.folder)
            points.put("wal-mb", "10")
            self.server.env.update(points.env)
            self.server.start()
        running = self.submit_gated("through", ["exit 7"])
        attempt = self.attempt_id(running)
        db = sqlite3.connect("file:%s?mode=ro" % os.path.join(self.server.data, "drover.db"), uri=True,
                             isolation_level=None)
        db.execute("PRAGMA wal_autocheckpoint=0")
        db.execute("BEGIN")
        before = db.execute("SELECT count(*) FROM job").fetchone()[0]
        wal = os.path.join(self.server.data, "drover.db-wal")
        refused, largest, begin, end = [], 0, time.monotonic(), time.monotonic() + (600 if NIGHTLY else 0)
        with others.Others(self.server, self.client.token) as crowd:
            while len(refused) < 5 or time.monotonic() < end:
                name = "w-%d" % (len(self.acked) + len(refused))
                # Waits for ever: a row a submission, and a large one.
                yaml = droverlib.job_yaml(name, "exit 0", cpu=64, extra="description: %s\n" % ("x" * 100000))
                r = self.client.request("POST", "/api/v2/jobs", yaml, "text/yaml")
                self.assertIn(r.status, (202, 503), r.body)
                if r.status == 202:
                    self.acknowledged("admin~" + name, yaml)
                else:
                    refused.append(r)
                largest = max(largest, os.path.getsize(wal))
                self.assertLess(largest, 256 << 20, "the log of the database has outgrown its bound")
                if not refused:
                    continue
                if len(refused) == 1:
                    self.open_gate("through")
                    self.gone(attempt)  # what runs is not held up, and its end is not lost
                time.sleep(0.2 if not NIGHTLY else 2)
        took = time.monotonic() - begin
        for r in refused:
            self.assertIn(b"another process has been reading the database", r.body)
            self.assertIn("retry-after", r.headers)
        self.assertEqual(crowd.bad, [])
        self.assertEqual(db.execute("SELECT count(*) FROM job").fetchone()[0], before, "its snapshot stands")
        db.execute("ROLLBACK")
        db.close()
        begin = time.monotonic()
        wait_until(lambda: self.server.probe("/readyz") == 200, "it is ready again", 10)
        sys.stderr.write("%d submissions, %d refused, a log of %.1f MB; ready %.1f s after the reader's end\n" % (
            len(self.acked), len(refused), largest / 1e6, time.monotonic() - begin))
        self.assertEqual(set(self.states()), {full for full, _ in self.acked})
        ended = self.client.wait(running)
        self.assertEqual((ended["jobStatus"]["state"], ended["jobStatus"]["appExitCode"]), ("FAILED", 7))
        self.submit("after", ["exit 0"], cpu=64)
        ratio = self.told("a reader of %.0f s" % took, crowd)
        if NIGHTLY:  # where it runs alone
            self.assertLess(ratio, 2)
        self.assertLess(os.path.getsize(wal), largest)
        self.checked()


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
