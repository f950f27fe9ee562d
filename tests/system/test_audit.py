#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The audit log over real HTTP (I7): one record for each call that changes something, accepted or refused."""
import json
import os
import shutil
import sqlite3
import subprocess
import unittest

import droverlib

JOB = droverlib.job_yaml("one", "exit 0")


def verify(server, *more):
    return subprocess.run([droverlib.binary("droverd"), "audit", "verify", "--data", server.data, *more],
                          capture_output=True, text=True, timeout=60 * droverlib.TIME_SCALE)


class Audit(unittest.TestCase):
    def setUp(self):
        self.server = droverlib.Server()
        self.server.__enter__()
        self.addCleanup(self.server.clean_up)
        self.admin = droverlib.Client(self.server).login()

    def records(self, **filters):
        query = "&".join("%s=%s" % item for item in filters.items())
        return self.admin.json("GET", "/api/v2/audit?" + query)["data"]

    def record_of(self, reply):
        """The one record of an answered call; refused ones are written within a second or so."""
        def find():
            return [r for r in self.records(limit=1000) if r["requestId"] == reply.headers["x-request-id"]]
        found = droverlib.wait_until(find, "the call has a record")
        self.assertEqual(len(found), 1)
        return found[0]

    def test_each_call_has_its_record(self):
        user = {"username": "bob", "password": "wild goose chase 7"}
        calls = [  # (method, path, body, type, status, code)
            ("POST", "/api/v2/jobs", JOB, "text/yaml", 202, ""),
            ("POST", "/api/v2/jobs", JOB, "text/yaml", 409, "ConflictJobError"),
            ("POST", "/api/v2/jobs", "name: [", "text/yaml", 400, None),
            ("PUT", "/api/v2/jobs/admin~one/tag", {"value": "x"}, "application/json", 200, ""),
            ("PUT", "/api/v2/jobs/admin~none/tag", {"value": "x"}, "application/json", 404, "NoJobError"),
            ("POST", "/api/v2/users", user, "application/json", 201, ""),
            ("POST", "/api/v2/users", user, "application/json", 409, "ConflictUserError"),
            ("PUT", "/api/v2/jobs", None, "application/json", 405, "MethodNotAllowedError"),
            ("POST", "/api/v2/nowhere", None, "application/json", 404, "NoApiError"),
            ("POST", "/api/v2/jobs", "x", "image/png", 415, "UnsupportedMediaTypeError"),
        ]
        for method, path, body, kind, status, code in calls:
            with self.subTest(method=method, path=path, status=status):
                reply = self.admin.request(method, path, body, kind)
                self.assertEqual(reply.status, status, reply.body)
                record = self.record_of(reply)
                self.assertEqual((record["method"], record["object"], record["status"], record["actor"]),
                                 (method, path, status, "admin"))
                if code is not None:
                    self.assertEqual(record["code"], code)
        bob = droverlib.Client(self.server).login("bob", user["password"])
        self.assertEqual(self.record_of(bob.request("POST", "/api/v2/users", user))["status"], 403)
        self.assertEqual(bob.request("GET", "/api/v2/audit").status, 403)
        self.assertIn("is whole", verify(self.server).stdout)
        chain = self.admin.json("GET", "/api/v2/audit/chain")
        self.assertEqual((chain["whole"], chain["message"]), (True, None))
        self.assertEqual(chain["head"].split(":")[0], str(chain["records"]))
        self.assertGreaterEqual(chain["records"], len(self.records(limit=1000)))

    def test_reads_leave_none(self):
        before = len(self.records(limit=1000))
        for path in ("/api/v2/jobs", "/api/v2/users", "/api/v2/nothing"):
            self.admin.request("GET", path)
        self.admin.request("PUT", "/api/v2/jobs/admin~none/tag", {"value": "x"})  # comes behind what they would leave
        after = droverlib.wait_until(lambda: self.records(limit=1000)[:-before], "the last call has a record")
        self.assertEqual([r["method"] for r in after], ["PUT"])

    def test_a_flood_without_login_stays_small(self):
        anonymous = droverlib.Client(self.server)
        for _ in range(300):
            self.assertEqual(anonymous.request("DELETE", "/api/v2/jobs/admin~one").status, 401)
        self.server.stop()
        db = sqlite3.connect(os.path.join(self.server.data, "drover.db"))
        rows, calls = db.execute("SELECT count(*), sum(count) FROM audit WHERE status = 401").fetchone()
        db.close()
        self.assertEqual(calls, 300)
        self.assertLessEqual(rows, 6)  # at most three minutes of first and sum

    def test_no_secret_in_the_log(self):
        token = self.admin.json("POST", "/api/v2/tokens/application")["token"]
        self.assertEqual(self.admin.request("DELETE", "/api/v2/tokens/" + token).status, 200)
        # where no route wants one
        kept = self.admin.json("POST", "/api/v2/tokens/application")["token"]
        for method, path in (("PUT", "/api/v2/tokens/"), ("DELETE", "/api/v2/tokenz/"), ("POST", "/"),
                             ("DELETE", "/rest-server/api/v2/jobs/")):
            self.assertGreaterEqual(self.admin.request(method, path + kept).status, 400)
        self.admin.json("POST", "/api/v2/users", {"username": "ana", "password": "swordfish-tango-3"}, (201,))
        self.admin.request("PUT", "/api/v2/users/ana/password", {"newPassword": "swordfish-tango-4"})
        ana = droverlib.Client(self.server).login("ana", "swordfish-tango-4")
        ana.request("PUT", "/api/v2/users/me", {"patch": True, "data": {
            "username": "ana", "oldPassword": "swordfish-tango-5", "newPassword": "swordfish-tango-6"}})
        invited = json.loads(self.admin.request("POST", "/api/v2/users/import?invite=sheet", "username\nbo\n",
                                                "text/csv").body)["users"][0]["invitation"].rsplit("/", 1)[1]
        ana.request("POST", "/api/v2/invitation", {"invitation": invited, "password": "short"})
        self.assertEqual(ana.request("POST", "/api/v2/invitation/" + invited, {}).status, 404)
        wrong = droverlib.Client(self.server)
        wrong.request("POST", "/api/v2/authn/basic/login", {"username": "hunter2pass", "password": "hunter2word"})
        self.server.stop()
        files = [self.server.log_path]
        for name in os.listdir(self.server.data):
            path = os.path.join(self.server.data, name)
            if name.startswith("drover.db"):
                files.append(path)
        for path in files:
            with open(path, "rb") as f:
                content = f.read()
            for secret in (token, kept, invited, "hunter2word", "hunter2pass", "swordfish-tango"):
                self.assertFalse(secret.encode() in content, "%s in %s" % (secret, path))

    def test_pages_and_filters(self):
        for i in range(25):
            self.admin.submit(droverlib.job_yaml("page-%d" % i, "exit 0"))
        seen, cursor = [], ""
        while cursor is not None:
            page = self.admin.json("GET", "/api/v2/audit?limit=10&route=/api/v2/jobs" + cursor)
            seen += [r["id"] for r in page["data"]]
            cursor = None if page["next"] is None else "&cursor=%d" % page["next"]
        self.assertEqual(len(seen), 25)
        self.assertEqual(seen, sorted(set(seen), reverse=True))
        middle = self.records(limit=1000)[10]
        newer = self.records(limit=1000, since=middle["time"])
        older = self.records(limit=1000, until=middle["time"])
        self.assertFalse({r["id"] for r in newer} & {r["id"] for r in older})
        self.assertEqual(len(newer) + len(older), len(self.records(limit=1000)))
        self.assertEqual(self.records(actor="nobody"), [])
        self.assertEqual(self.admin.request("GET", "/api/v2/audit?limit=0").status, 400)

    def test_tampering_is_found(self):
        for i in range(4):
            self.admin.submit(droverlib.job_yaml("t-%d" % i, "exit 0"))
        whole = verify(self.server)  # while it runs
        self.assertEqual(whole.returncode, 0, whole.stderr)
        head = whole.stdout.split()[-1]
        self.server.stop()
        self.assertEqual(verify(self.server, "--head", head).returncode, 0)
        path = os.path.join(self.server.data, "drover.db")
        shutil.copy(path, path + ".kept")
        db = sqlite3.connect(path)
        with self.assertRaisesRegex(sqlite3.Error, "only grows"):
            db.execute("UPDATE audit SET actor = 'eve' WHERE id = 2")
        with self.assertRaisesRegex(sqlite3.Error, "only grows"):
            db.execute("DELETE FROM audit")
        db.close()
        # One byte of the file: the name of who submitted the second job.
        with open(path, "r+b") as f:
            content = f.read()
            at = content.rindex(b"admin127.0.0.1POST/api/v2/jobs/api/v2/jobs")
            f.seek(at)
            f.write(b"X")
        broken = verify(self.server)
        self.assertEqual(broken.returncode, 1)
        self.assertRegex(broken.stderr, r"broken at record \d+")


if __name__ == "__main__":
    unittest.main()
