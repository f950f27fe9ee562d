# SPDX-License-Identifier: MIT
"""Code that is sent with a job: checked, kept with the job, unpacked where each task works, gone with the job."""
import gzip
import hashlib
import io
import json
import os
import subprocess
import tarfile
import unittest

import droverlib
import jobcase


def archive(*entries, mode="w"):
    """A tar of (name, content) and of tarfile.TarInfo."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as tar:
        for e in entries:
            if isinstance(e, tarfile.TarInfo):
                tar.addfile(e)
                continue
            info = tarfile.TarInfo(e[0])
            info.size, info.mode = len(e[1]), 0o755
            tar.addfile(info, io.BytesIO(e[1]))
    return out.getvalue()


def special(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def naming(code):
    return "extras:\n  drover:\n    code: \"%s\"\n" % code


class CodeTest(jobcase.JobCase):
    CONFIG = {"codeMaxMB": 1}

    def send(self, data, client=None, status=201):
        r = (client or self.client).request("POST", "/api/v2/code", data, "application/x-tar")
        self.assertEqual(r.status, status, r.body)
        return json.loads(r.body)

    def stored(self, what):
        return sorted(os.listdir(self.path("data/code/" + what)))

    def finished(self, full, state="SUCCEEDED"):
        job = self.client.wait(full)
        if job["jobStatus"]["state"] != state:
            self.fail("%s is %s: %s" % (full, job["jobStatus"]["state"], self.client.log(full)))
        return job

    def test_what_came_with_a_job_is_told(self):
        links = [special("l%03d" % i, tarfile.SYMTYPE, "a") for i in range(1000)]
        few = archive(special("lib", tarfile.DIRTYPE), ("lib/a.py", b"x" * 3000), ("./b", b""), special("c", tarfile.SYMTYPE, "b"))
        for name, data in (("few", few), ("many", archive(("a", b""), *links))):
            self.client.submit(droverlib.job_yaml(name, "exit 0", extra=naming(self.send(data)["id"])))
        told = self.client.json("GET", "/api/v2/jobs/admin~few/code/files")
        self.assertEqual(told, {"size": len(few), "truncated": False, "files": [
            {"path": "lib", "type": "folder", "size": 0}, {"path": "lib/a.py", "type": "file", "size": 3000},
            {"path": "b", "type": "file", "size": 0}, {"path": "c", "type": "other", "size": 0}]})
        told = self.client.json("GET", "/api/v2/jobs/admin~many/code/files")
        self.assertEqual((len(told["files"]), told["truncated"]), (1000, True))
        self.client.submit(droverlib.job_yaml("none", "exit 0"))
        self.assertEqual(self.client.request("GET", "/api/v2/jobs/admin~none/code/files").status, 404)
        # What the job page shows beside it.
        job = self.client.job("admin~few")
        self.assertEqual((len(job["code"]), self.client.job("admin~none")["code"]), (64, None))
        self.assertEqual(job["limits"], {"timeSeconds": None, "processes": 4096, "diskMB": None})
        self.assertEqual(job["taskRoles"]["main"]["resources"], {"cpu": 1, "memoryMB": 64, "gpu": 0, "shmMB": 512})
        self.client.json("PUT", "/api/v2/virtual-clusters/default", {"maxTime": 7200}, (201,))
        droverlib.wait_until(lambda: self.client.job("admin~none")["limits"]["timeSeconds"] == 7200, "the newest plan is shown")

    def test_a_task_begins_in_it(self):
        data = archive(("train.sh", b"echo \"hello $1\"; cat data/in\n"), ("data/in", b"from the archive\n"),
                       special("data/link", tarfile.SYMTYPE, "../train.sh"), mode="w:gz")
        code = self.send(data)
        self.assertEqual(code["id"], hashlib.sha256(data).hexdigest())
        self.assertEqual((code["size"], code["entries"]), (len(data), 3))
        full = self.submit("uses", ["ls -1", "sh train.sh you", "sh data/link again"], extra=naming(code["id"]),
                           instances=2)
        self.finished(full)
        for index in range(2):
            log = self.client.log(full, index=index)
            self.assertIn(b"data\ntrain.sh\nhello you\nfrom the archive\nhello again\n", log)
        r = self.client.request("GET", "/api/v2/jobs/%s/code" % full)
        self.assertEqual((r.status, r.body), (200, data))
        without = self.submit("without", ["ls -1"])
        self.finished(without)
        self.assertEqual(self.client.request("GET", "/api/v2/jobs/%s/code" % without).status, 404)

    def test_each_attempt_has_it_anew(self):
        code = self.send(archive(("f", b"")))["id"]
        full = self.submit("again", ["wc -c < f", "echo more >> f", "exit 3"], retry=1, extra=naming(code))
        self.finished(full, "FAILED")
        self.assertEqual(len(self.attempts_of(full)), 2)
        for attempt in range(2):
            r = self.client.request("GET", "/api/v2/jobs/%s/attempts/%d/taskRoles/main/taskIndex/0/attempts/0/logs/all"
                                    % (full, attempt))
            self.assertIn(b"\n0\n", b"\n" + r.body)
        self.checked()

    def test_bad_archives_are_refused_by_name(self):
        bad = {
            b"": "empty",
            b"no archive": "cannot be read",
            archive(("../x", b"x")): "\"../x\" has a path with",
            archive(("/x", b"x")): "absolute",
            archive(special("l", tarfile.SYMTYPE, "/etc/passwd")): "\"l\" is a link to an absolute path",
            archive(special("a/l", tarfile.SYMTYPE, "../../x")): "link out of",
            archive(special("d", tarfile.CHRTYPE)): "device",
            archive(special("p", tarfile.FIFOTYPE)): "FIFO",
            gzip.compress(gzip.compress(archive(("x", b"x")))): "more than once",
            archive(("x", b"x" * 5000))[:3000]: "cannot be read",
        }
        for data, words in bad.items():
            reply = self.send(data, status=400)
            self.assertIn(words, reply["message"])
        self.assertIn("unpacks to more than 4 MB", self.send(gzip.compress(archive(("x", bytes(5 << 20)))),
                                                              status=413)["message"])
        self.assertIn("at most 1048576 bytes", self.send(bytes(2 << 20), status=413)["message"])
        r = self.client.request("POST", "/api/v2/code", b"x", "text/plain")
        self.assertEqual(r.status, 415)
        self.assertEqual(self.stored("uploads"), [])
        self.assertEqual(droverlib.Client(self.server).request("POST", "/api/v2/code", b"x", "application/x-tar").status,
                         401)

    def test_job_and_code_come_together_or_not_at_all(self):
        code = self.send(archive(("f", b"x")))["id"]
        for bad in ("0" * 64, "../" + code, code.upper(), code[:-1]):
            r = self.client.request("POST", "/api/v2/jobs", droverlib.job_yaml("none", "sleep 0", extra=naming(bad)),
                                    "text/yaml")
            self.assertEqual(r.status, 400, bad)
            self.assertIn("code", json.loads(r.body)["message"])
        yaml = droverlib.job_yaml("one", "sleep 0", extra=naming(code))
        key = {"Idempotency-Key": "k-1"}
        replies = [json.loads(self.client.request("POST", "/api/v2/jobs", yaml, "text/yaml", headers=key).body)
                   for _ in range(3)]
        self.assertEqual(len({r["jobId"] for r in replies}), 1)
        self.assertEqual(self.client.request("POST", "/api/v2/jobs", yaml, "text/yaml").status, 409)
        self.assertEqual(self.stored("jobs"), [replies[0]["jobId"]])
        self.assertEqual(self.stored("uploads"), [code + "-admin"])

    def test_code_is_its_users(self):
        self.client.json("POST", "/api/v2/users", {"username": "bob", "password": "correct horse battery", "email": "b@x",
                                                   "admin": False, "virtualCluster": ["default"]}, (201,))
        bob = droverlib.Client(self.server).login("bob", "correct horse battery")
        code = self.send(archive(("f", b"x")))["id"]
        yaml = droverlib.job_yaml("bobs", "cat f", extra=naming(code))
        r = bob.request("POST", "/api/v2/jobs", yaml, "text/yaml")
        self.assertEqual(r.status, 400)
        self.assertIn("you have not sent", json.loads(r.body)["message"])
        self.send(archive(("f", b"x")), client=bob)
        self.assertEqual(bob.request("POST", "/api/v2/jobs", yaml, "text/yaml").status, 202)

    def test_it_stays_as_long_as_its_job(self):
        code = self.send(archive(("f", b"kept\n")))["id"]
        kept, gone = (self.submit(name, ["cat f"], extra=naming(code)) for name in ("kept", "gone"))
        for full in (kept, gone):
            self.finished(full)
        self.client.json("DELETE", "/api/v2/jobs/%s" % gone)
        self.server.stop()
        self.server.start()
        self.client.login()
        droverlib.wait_until(lambda: len(self.stored("jobs")) == 1, "the archived job's code is removed")
        self.assertEqual(self.client.request("GET", "/api/v2/jobs/%s/code" % kept).status, 200)
        clone = self.submit("clone", ["cat f"], extra=naming(code))
        self.finished(clone)
        self.assertIn(b"kept\n", self.client.log(clone))

    def test_damaged_code_fails_the_job_and_says_so(self):
        code = self.send(archive(("f", b"x")))["id"]
        node = self.client.json("GET", "/api/v2/nodes")[0]["name"]
        for name, damage in (("cut", lambda path: os.truncate(path, 100)), ("lost", os.unlink)):
            self.client.json("PUT", "/api/v2/nodes/%s/state" % node, {"value": "cordon"})
            before = set(self.stored("jobs"))
            full = self.submit(name, ["echo never"], extra=naming(code))
            path = self.path("data/code/jobs/" + (set(self.stored("jobs")) - before).pop())
            os.chmod(path, 0o600)
            damage(path)
            self.client.json("PUT", "/api/v2/nodes/%s/state" % node, {"value": "uncordon"})
            job = self.finished(full, "FAILED")
            self.assertEqual(job["jobStatus"]["appExitCode"], -1220)
            self.assertEqual(self.attempts_of(full), [])
            if name == "cut":
                self.assertIn(b"cannot be unpacked", self.client.log(full, kind="stderr"))
            code = self.send(archive(("f", name.encode())))["id"]

    def test_drover_sends_a_folder(self):
        os.makedirs(self.path("here/src/lib"))
        files = {"src/train.py": "print('hi')\n", "src/lib/util.py": "", "src/big.bin": "x", "src/.droverignore": "*.bin\n",
                 "job.yaml": droverlib.job_yaml("folder", ["find . -type f | sort", "python3 train.py"])}
        for name, text in files.items():
            with open(self.path("here/" + name), "w", encoding="utf-8") as f:
                f.write(text)
        r = self.drover("submit", "job.yaml", "--code", "src", "--wait")
        self.assertIn(b"folder submitted", r.stdout)
        self.assertIn(b"./.droverignore\n./lib/util.py\n./train.py\nhi\n", self.client.log("admin~folder"))
        self.assertEqual(self.drover("code", "folder", "-o", "name").stdout, b".droverignore\nlib\nlib/util.py\ntrain.py\n")
        self.drover("code", "folder", "back.tar")
        self.assertEqual(subprocess.run(["tar", "--zstd", "-tf", self.path("here/back.tar")], check=True,
                                        capture_output=True).stdout, b".droverignore\nlib/\nlib/util.py\ntrain.py\n")
        shown = self.drover("job", "folder").stdout
        self.assertIn(b"Limits of main: no time limit - 1 CPU - 64", shown.replace(" \u00b7 ".encode(), b" - "))
        self.assertIn(b"Code came with it: drover code admin~folder", shown)
        self.drover("submit", "job.yaml", "--code", "src", "--name", "second", "--wait")
        self.assertEqual(len(self.stored("uploads")), 1, "the same folder is another archive")
        with open(self.path("here/own.tar"), "wb") as f:
            f.write(archive(("train.py", b"print('own')\n")))
        self.drover("submit", "job.yaml", "--code", "own.tar", "--name", "third", "--wait")
        self.assertIn(b"own\n", self.client.log("admin~third"))
        os.mkfifo(self.path("here/src/pipe"))
        r = self.drover("submit", "job.yaml", "--code", "src", "--name", "fourth", status=1)
        self.assertIn(b"\"pipe\" is no file", r.stderr)
        self.drover("submit", "job.yaml", "--code", "nowhere", "--name", "fourth", status=1)
        self.assertNotIn("admin~fourth", self.states())


if __name__ == "__main__":
    unittest.main()
