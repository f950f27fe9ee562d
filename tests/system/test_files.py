# SPDX-License-Identifier: MIT
"""What tasks leave behind: listed and read through the API, and no way out of the task's own folder."""
import json
import os
import stat
import urllib.parse
import unittest

import droverlib
import jobcase


class OutputsTest(jobcase.JobCase):
    def setUp(self):
        super().setUp()
        self.secret = self.path("secret")
        with open(self.secret, "w", encoding="ascii") as f:
            f.write("of the server\n")

    def url(self, full, what="files", path=None, **more):
        query = dict(more, **({} if path is None else {"path": path}))
        return "/api/v2/jobs/%s/attempts/0/taskRoles/main/taskIndex/0/attempts/0/%s%s" % (
            full, what, "?" + urllib.parse.urlencode(query) if query else "")

    def listing(self, full, path=None):
        reply = self.client.json("GET", self.url(full, path=path))
        return {f["name"]: (f["type"], f["size"]) for f in reply["files"]}, reply

    def read(self, full, path, **more):
        return self.client.request("GET", self.url(full, "files/content", path, **more))

    def run_job(self, name, commands):
        full = self.submit(name, commands)
        self.assertEqual(self.client.wait(full)["jobStatus"]["state"], "SUCCEEDED", self.client.log(full))
        return full

    def test_folders_and_bytes(self):
        full = self.run_job("makes", ["mkdir -p out/deep", "printf 0123456789 > out/a.bin", "printf x > out/deep/b",
                                      "printf y > \"c d%\""])
        self.assertEqual(self.listing(full)[0], {"c d%": ("file", 1), "out": ("folder", 0)})
        self.assertEqual(self.listing(full, "out")[0], {"a.bin": ("file", 10), "deep": ("folder", 0)})
        self.assertEqual(self.listing(full, "out/deep")[0], {"b": ("file", 1)})
        reply = self.read(full, "out/a.bin")
        self.assertEqual((reply.status, reply.body), (200, b"0123456789"))
        self.assertEqual(reply.headers["content-type"], "application/octet-stream")
        self.assertEqual(reply.headers["content-disposition"], "attachment")
        self.assertEqual(self.read(full, "out/a.bin", offset=3, limit=4).body, b"3456")
        self.assertEqual(self.read(full, "c d%").body, b"y")

    def test_while_it_runs(self):
        full = self.submit_gated("runs", ["printf late > late"])
        self.client.wait(full, ("RUNNING",))
        self.attempt_id(full)
        self.assertEqual(self.listing(full)[0], {})
        self.open_gate("runs")
        self.client.wait(full)
        self.assertEqual(self.read(full, "late").body, b"late")

    def test_there_is_no_way_out(self):
        full = self.run_job("tricks", [
            "ln -s %s link" % self.secret, "ln -s / root", "ln -s .. up", "ln %s hard" % self.secret, "mkfifo fifo",
            "mkdir d", "ln -s ../../exit d/exit", "printf ok > d/ok",
            "python3 -c 'import os; os.mkdir(bytes([98, 255])); open(bytes([10, 97]), bytes([119]).decode())'"])
        found, reply = self.listing(full)
        found.pop("hard", None)  # where the task sees the server's folder at all
        self.assertEqual(found, {"link": ("other", 0), "root": ("other", 0), "up": ("other", 0),
                                 "fifo": ("other", 0), "d": ("folder", 0)})
        self.assertEqual(reply["hidden"], 2)
        outside = ["link", "root/etc/passwd", "up/exit", "hard", "fifo", "d/exit", "..", "../exit", "d/../../exit",
                   "d/./ok", ".", "/etc/passwd", self.secret, "d//ok", "d/", "d", "missing", "x" * 5000, "d/ok/x"]
        for path in outside:
            reply = self.read(full, path)
            self.assertEqual(reply.status, 404, path)
            self.assertEqual(json.loads(reply.body)["code"], "NoFileError", path)
        for path in ("root", "up", "link", "..", "d/..", "/", "fifo", "d/ok"):
            self.assertEqual(self.client.request("GET", self.url(full, path=path)).status, 404, path)
        self.assertEqual(self.read(full, "d/ok").body, b"ok")
        self.assertEqual(self.read(full, "").status, 400)
        self.checked()

    def test_only_what_a_job_has(self):
        full = self.run_job("there", ["exit 0"])
        for path in ("/api/v2/jobs/admin~none/attempts/0/taskRoles/main/taskIndex/0/attempts/0/files",
                     "/api/v2/jobs/%s/attempts/0/taskRoles/main/taskIndex/7/attempts/0/files" % full,
                     "/api/v2/jobs/%s/attempts/0/taskRoles/main/taskIndex/0/attempts/9/files/content?path=a" % full):
            self.assertEqual(self.client.request("GET", path).status, 404, path)
        self.assertEqual(droverlib.Client(self.server).request("GET", self.url(full)).status, 401)

    def test_very_many_are_cut_and_said_to_be(self):
        full = self.run_job("many", ["python3 -c 'import os; [os.mkdir(str(i)) for i in range(10005)]'"])
        reply = self.client.json("GET", self.url(full))
        self.assertEqual(len(reply["files"]), 10000)
        self.assertTrue(reply["truncated"])

    # --- drover files, drover cp ---

    def test_drover_lists_and_copies(self):
        full = self.run_job("left", ["mkdir -p out/deep", "printf 0123456789 > out/a.bin", "printf x > out/deep/b",
                                     "ln -s /etc/passwd out/link", "printf y > top"])
        self.assertEqual(self.drover("files", full, "-o", "name").stdout, b"out/\ntop\n")
        self.assertEqual(self.drover("files", "left", "out", "-o", "name").stdout, b"a.bin\ndeep/\nlink\n")
        self.assertEqual(json.loads(self.drover("files", "left", "-o", "json").stdout)["hidden"], 0)
        self.assertEqual(self.drover("cp", "left:out/a.bin", "-").stdout, b"0123456789")
        self.drover("cp", "left:top")
        self.drover("cp", "left:top", "other")
        r = self.drover("cp", "left:out/")
        self.assertIn(b"out/link is no plain file", r.stderr)
        self.drover("cp", "left:", "all")
        found = {}
        for folder, _, names in os.walk(self.path("here")):
            for name in names:
                path = os.path.join(folder, name)
                self.assertTrue(stat.S_ISREG(os.lstat(path).st_mode))
                with open(path, encoding="ascii") as f:
                    found[os.path.relpath(path, self.path("here"))] = f.read()
        self.assertEqual(found, {
            "top": "y", "other": "y", "out/a.bin": "0123456789", "out/deep/b": "x",
            "all/top": "y", "all/out/a.bin": "0123456789", "all/out/deep/b": "x"})
        self.drover("cp", "left:missing", status=3)
        self.assertFalse(os.path.exists(self.path("here/missing")), "half a file was left")
        self.drover("cp", "left", status=2)
        self.drover("files", "left", "nowhere", status=3)
        self.drover("files", "left", "--index", "4", status=3)


class DiskLimitTest(jobcase.JobCase):
    """What a task may take of the disk where it works."""
    CONFIG = {"diskMaxMB": 20}

    def test_who_takes_too_much_is_stopped_and_told_why(self):
        greedy = self.submit("greedy", ["trap '' TERM", "mkdir deep", "head -c 30000000 /dev/zero > deep/big",
                                        "head -c 30000000 /dev/zero > other", "while sleep 1; do echo on; done"])
        modest = self.submit_gated("modest", ["ln -s /usr usr", "truncate -s 1G sparse", "head -c 9000000 /dev/zero > f",
                                              "ln f g", "ln f h"])
        status = self.client.wait(greedy, timeout=60)["jobStatus"]
        self.assertEqual((status["state"], status["appExitCode"]), ("FAILED", -1230))
        task = self.client.job(greedy)["taskRoles"]["main"]["taskStatuses"][0]
        self.assertIn("MB of disk, its limit is 20 MB", json.dumps(task) + json.dumps(self.client.job(greedy)))
        self.open_gate("modest")
        self.assertEqual(self.client.wait(modest)["jobStatus"]["state"], "SUCCEEDED")
        self.checked()


class UserDiskTest(jobcase.JobCase):
    """What a user may keep, of all jobs."""
    CONFIG = {"userDiskMB": 40}

    def used(self):
        return self.client.json("GET", "/api/v2/session")["disk"]["usedMB"]

    def allow(self, megabytes):
        """Gives the user a limit of its own."""
        self.client.json("PUT", "/api/v2/users", {"patch": True, "data": {
            "username": "admin", "userDiskMB": megabytes}}, (201,))

    def try_to_submit(self, name):
        yaml = droverlib.job_yaml(name, [droverlib.witness_command(self.witness)])
        return self.client.request("POST", "/api/v2/jobs", yaml, "text/yaml")

    def test_who_keeps_too_much_is_refused_and_frees_it(self):
        kept = self.submit("kept", ["head -c 12000000 /dev/zero > model"])
        self.assertEqual(self.client.wait(kept)["jobStatus"]["state"], "SUCCEEDED")
        droverlib.wait_until(lambda: self.used() >= 11, "the files of the job are counted", 60)
        modest = self.submit_gated("modest", ["echo on"])
        greedy = self.submit("greedy", ["head -c 40000000 /dev/zero > big", "while sleep 1; do echo on; done"])
        status = self.client.wait(greedy, timeout=90)["jobStatus"]
        self.assertEqual((status["state"], status["appExitCode"]), ("FAILED", -1230))
        self.assertRegex(json.dumps(self.client.job(greedy)),
                         "admin keeps [0-9]+ MB on this node, the limit is 40 MB, and this task took 38 MB more")
        droverlib.wait_until(lambda: self.used() >= 49, "both are counted", 60)
        refused = self.try_to_submit("more")
        self.assertEqual(refused.status, 429)
        self.assertRegex(refused.body.decode(), "You keep (49|5[0-9]) MB .* limit is 40 MB.*drover archive JOB")
        self.assertIn(b" of 40 MB", self.drover("whoami").stdout)
        # A limit of the virtual cluster's own counts for its jobs.
        self.client.json("PUT", "/api/v2/virtual-clusters/default", {"userDiskMB": 500}, (201,))
        droverlib.wait_until(lambda: self.try_to_submit("roomy").status != 429, "the new limit counts", 20, 0.2)
        self.client.json("PUT", "/api/v2/virtual-clusters/default", {"userDiskMB": 0}, (201,))
        droverlib.wait_until(lambda: self.try_to_submit("roomy").status == 429, "the site's counts again", 20, 0.2)
        # One of the user's own goes before both, be it less or more.
        self.allow(30)
        self.assertRegex(self.try_to_submit("more").body.decode(), "limit is 30 MB")
        self.client.json("PUT", "/api/v2/virtual-clusters/default", {"userDiskMB": 500}, (201,))
        self.allow(600)
        self.assertIn(b" of 600 MB", self.drover("whoami").stdout)
        self.assertEqual(self.try_to_submit("own").status, 202)
        self.allow(45)
        self.assertEqual(self.try_to_submit("more").status, 429)
        self.client.json("PUT", "/api/v2/virtual-clusters/default", {"userDiskMB": 0}, (201,))
        self.drover("user", "set", "admin", "--user-disk", "0")
        self.assertEqual(self.client.json("GET", "/api/v2/users/admin")["userDiskMB"], 0)
        self.open_gate("modest")
        self.assertEqual(self.client.wait(modest)["jobStatus"]["state"], "SUCCEEDED")
        for name in ("roomy", "own"):
            self.client.wait("admin~" + name)
        self.checked()
        # After a restart nothing is measured again, and what is deleted makes room.
        left = os.path.join(self.server.data, "run")
        of_greedy, of_kept = self.attempts_of(greedy), self.attempts_of(kept)
        with open(os.path.join(left, of_kept[0], "usage"), "w", encoding="ascii") as f:
            f.write("%d 0\n" % (14 << 20))
        self.server.stop()
        self.server.start()
        droverlib.wait_until(lambda: self.used() >= 52, "what was measured is known", 60)
        self.client.json("DELETE", "/api/v2/jobs/" + greedy)
        droverlib.wait_until(lambda: self.used() <= 16, "its files are gone", 60)
        self.assertEqual([os.path.exists(os.path.join(left, a)) for a in of_greedy + of_kept], [False, True])
        self.assertEqual(self.try_to_submit("fits").status, 202)
        self.client.wait("admin~fits")


if __name__ == "__main__":
    unittest.main()
