#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Backup under load, restore, the drill, and what `droverd doctor` finds."""
import os
import sqlite3
import subprocess
import tempfile
import threading
import unittest

import droverlib


def droverd(*arguments):
    return subprocess.run([droverlib.binary("droverd")] + list(arguments), capture_output=True, text=True,
                          timeout=60 * droverlib.TIME_SCALE)


class Backup(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="drover-backup-")
        self.addCleanup(folder.cleanup)
        self.file = os.path.join(folder.name, "copy.db")
        self.data = os.path.join(folder.name, "restored")
        self.server = droverlib.Server()
        self.addCleanup(self.server.clean_up)
        self.server.init()
        self.server.start()
        self.client = droverlib.Client(self.server).login()

    def names(self, client):
        return {j["username"] + "~" + j["name"] for j in client.json("GET", "/api/v2/jobs")}

    def test_taken_while_jobs_come_in(self):
        before = {self.client.submit(droverlib.job_yaml("before-%d" % i, "exit 0")) for i in range(20)}
        stop, during = threading.Event(), []

        def submit():
            client = droverlib.Client(self.server).login()
            while not stop.is_set():
                during.append(client.submit(droverlib.job_yaml("during-%d" % len(during), "exit 0")))
        thread = threading.Thread(target=submit)
        thread.start()
        droverlib.wait_until(lambda: len(during) > 5, "jobs come in")
        made = droverd("backup", "--data", self.server.data, "--to", self.file, "--with-keys")
        stop.set()
        thread.join()
        self.assertEqual(made.returncode, 0, made.stderr)
        self.assertEqual(os.stat(self.file).st_mode & 0o777, 0o600)
        self.assertEqual(os.stat(self.file + ".key").st_mode & 0o777, 0o600)
        # The drill: timed, with everything checked, and nothing left behind.
        left = sorted(os.listdir(os.path.dirname(self.file)))
        drill = droverd("restore", "--from", self.file, "--check")
        self.assertEqual(drill.returncode, 0, drill.stderr)
        self.assertRegex(drill.stdout, r"^The backup restores in \d+ ms: \d+ jobs, 1 users, \d+ audit records$")
        self.assertLess(int(drill.stdout.split()[4]), 60000 * droverlib.TIME_SCALE)
        self.assertEqual(sorted(os.listdir(os.path.dirname(self.file))), left)
        # In earnest, and served.
        restored = droverd("restore", "--from", self.file, "--data", self.data)
        self.assertEqual(restored.returncode, 0, restored.stderr)
        server = droverlib.Server(folder=self.data)
        self.addCleanup(server.clean_up)
        with open(os.path.join(server.folder, "config.yaml"), "w", encoding="utf-8") as f:
            f.write("unknownImage: host\ngpus: 1\n")
        server.start()
        found = self.names(droverlib.Client(server).login())
        self.assertLessEqual(before, found)
        self.assertLessEqual(found, before | set(during))
        # Again into the same folder, and over the same file: refused.
        self.assertIn("holds a database already", droverd("restore", "--from", self.file, "--data", self.data).stderr)
        self.assertIn("overwrites nothing", droverd("backup", "--data", self.server.data, "--to", self.file).stderr)

    def test_without_keys(self):
        self.assertEqual(droverd("backup", "--data", self.server.data, "--to", self.file).returncode, 0)
        self.assertFalse(os.path.exists(self.file + ".key"))
        self.assertIn("without keys", droverd("restore", "--from", self.file, "--check").stdout)
        refused = droverd("restore", "--from", self.file, "--data", self.data)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("no key", refused.stderr)
        self.assertFalse(os.path.exists(os.path.join(self.data, "drover.db")))

    def test_a_damaged_backup(self):
        droverd("backup", "--data", self.server.data, "--to", self.file, "--with-keys")
        with open(self.file, "r+b") as f:
            f.seek(4096 * 3)
            f.write(os.urandom(8192))
        drill = droverd("restore", "--from", self.file, "--check")
        self.assertEqual(drill.returncode, 1)
        self.assertTrue(drill.stderr)
        with open(self.file, "wb") as f:
            f.write(b"no database")
        self.assertEqual(droverd("restore", "--from", self.file, "--check").returncode, 1)

    def test_a_newer_schema(self):
        droverd("backup", "--data", self.server.data, "--to", self.file, "--with-keys")
        db = sqlite3.connect(self.file)
        db.execute("PRAGMA user_version = 999")
        db.close()
        self.assertIn("newer", droverd("restore", "--from", self.file, "--check").stderr)


class Doctor(unittest.TestCase):
    def setUp(self):
        self.server = droverlib.Server()
        self.addCleanup(self.server.clean_up)
        self.server.init()

    def look(self, *more):
        run = droverd("doctor", "--data", self.server.data, *more)
        return run.returncode, {line[6:19].strip(): line[:4].strip() for line in run.stdout.splitlines()}, run.stdout

    def test_all_is_well(self):
        self.server.start()
        droverlib.Client(self.server).login().submit(droverlib.job_yaml("one", "exit 0"))
        code, found, text = self.look("--config", os.path.join(self.server.folder, "config.yaml"))
        self.assertEqual(code, 0, text)
        self.assertEqual(len(found), 10)
        self.assertNotIn("FAIL", found.values())

    def failing(self, check, *more):
        code, found, text = self.look(*more)
        self.assertEqual(code, 1, text)
        self.assertEqual(found[check], "FAIL", text)

    def test_each_finding(self):
        config = os.path.join(self.server.folder, "bad.yaml")
        with open(config, "w", encoding="ascii") as f:
            f.write("nonsense: 1\n")
        self.failing("configuration", "--config", config)
        with open(config, "w", encoding="ascii") as f:
            f.write("listen: 0.0.0.0:80\n")
        self.failing("certificate", "--config", config)
        os.chmod(self.server.data, 0o755)
        self.failing("data folder")
        os.chmod(self.server.data, 0o700)
        path = os.path.join(self.server.data, "drover.db")
        db = sqlite3.connect(path)
        db.execute("INSERT INTO event(id, type, time_ms) VALUES (1, 'x', 99999999999999)")
        db.commit()
        self.failing("clock")
        db.execute("DELETE FROM event")
        db.execute("PRAGMA foreign_keys = 0")
        db.execute("INSERT INTO job_tag VALUES ('nowhere', 'x')")
        db.commit()
        self.failing("database")
        db.execute("DELETE FROM job_tag")
        db.execute("PRAGMA user_version = 999")
        db.commit()
        db.close()
        self.failing("schema")
        os.chmod(os.path.join(self.server.data, "secret.key"), 0o644)
        self.failing("keys")


if __name__ == "__main__":
    unittest.main()
