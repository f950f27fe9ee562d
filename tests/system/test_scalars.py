# SPDX-License-Identifier: MIT
"""Scalars of TensorBoard event files through the API: while a job writes them, after its end, and not past its folder."""
import glob
import json
import os
import shutil
import sys
import unittest
import urllib.parse

import droverlib
import jobcase

sys.path.insert(0, os.path.join(droverlib.ROOT, "tests", "events"))
import eventgen as gen  # noqa: E402

NAME = "events.out.tfevents.1700000000.node.1"
TRAIN = os.path.join(droverlib.ROOT, "examples", "train", "train.py")


class ScalarsTest(jobcase.JobCase):
    def scalars(self, full, client=None, **query):
        path = "/api/v2/jobs/%s/scalars?%s" % (full, urllib.parse.urlencode(query))
        reply = (client or self.client).request("GET", path)
        self.assertEqual(reply.status, 200, reply.body)
        return json.loads(reply.body)

    def folder_of(self, full):
        """Where the only task of the job works."""
        return os.path.join(self.server.data, "run", self.attempt_id(full), "work")

    def write(self, full, path, data, mode="wb"):
        path = os.path.join(self.folder_of(full), path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, mode) as f:
            f.write(data)
        return path

    def ended(self, name, commands=("echo end",)):
        full = self.submit(name, list(commands))
        self.client.wait(full)
        return full

    def test_growing_file_and_after_the_end(self):
        full = self.submit_gated("grows", ["echo end"])
        self.client.wait(full, ("RUNNING",))
        self.assertEqual(self.scalars(full)["runs"], [])
        self.write(full, "logs/" + NAME, gen.file_of() + gen.scalars(1, {"loss": 0.1}))
        run, = self.scalars(full)["runs"]
        self.assertEqual((run["folder"], run["files"], run["records"], run["taskRoleName"]), ("logs", 1, 2, "main"))
        self.assertNotIn("points", run["tags"][0])
        last = gen.scalars(2, {"loss": float("nan")})
        self.write(full, "logs/" + NAME, last[:-3], "ab")
        reply = self.scalars(full)
        self.assertEqual((reply["runs"][0]["records"], reply["complete"]), (2, True), "half a record waits")
        self.write(full, "logs/" + NAME, last[-3:] + gen.scalars(5, {"loss": 0.3}), "ab")
        self.open_gate("grows")
        self.client.wait(full)
        reply = self.scalars(full, points=100)
        tag, = reply["runs"][0]["tags"]
        self.assertEqual(tag["points"], {"step": [1, 2, 5], "value": [0.1, "NaN", 0.3],
                                         "time": [1700000001000, 1700000002000, 1700000005000]})
        self.assertEqual([tag[k] for k in ("count", "notFinite", "step", "value", "min", "minStep", "max", "maxStep")],
                         [3, 1, 5, 0.3, 0.1, 1, 0.3, 5])
        self.assertEqual((reply["points"], reply["complete"], reply["runsLeftOut"]), (100, True, 0))
        self.assertEqual(self.drover("scalars", "grows", "--points", "10", "-o", "csv").stdout.decode().split()[1:],
                         ["loss,1,0.1,2023-11-14T22:13:21.000Z,main-0,logs", "loss,2,NaN,2023-11-14T22:13:22.000Z,main-0,logs",
                          "loss,5,0.3,2023-11-14T22:13:25.000Z,main-0,logs"])
        table = self.drover("scalars", "grows", "--columns", "tag,last,step,minStep,values", "-o", "csv").stdout
        self.assertEqual(table.decode().split(), ["tag,last,step,minStep,values", "loss,0.3,5,1,3"])
        self.assertEqual(json.loads(self.drover("scalars", "grows", "-o", "json").stdout)["runs"][0]["records"], 4)
        path = "/api/v2/jobs/%s/scalars?points=100" % full
        etag = self.client.request("GET", path).headers["etag"]
        self.assertEqual(self.client.request("GET", path, headers={"If-None-Match": etag}).status, 304)

    def test_restart_rewrite_and_choice(self):
        full = self.ended("restarts")
        self.write(full, NAME, gen.file_of() + b"".join(gen.scalars(s, {"x": s, "y": 1}, s) for s in range(1, 9)))
        self.write(full, NAME.replace("00.", "01."), gen.file_of() +
                   b"".join(gen.scalars(s, {"x": -s}, 100 + s) for s in range(5, 7)))
        run, = self.scalars(full, points=100, tag="x")["runs"]
        self.assertEqual((run["files"], [t["tag"] for t in run["tags"]]), (2, ["x"]))
        self.assertEqual(run["tags"][0]["points"]["value"], [1, 2, 3, 4, -5, -6], "what was written twice counts once")
        self.assertEqual(self.scalars(full, points=3, tag="x")["runs"][0]["tags"][0]["points"]["step"], [1, 3, 6])
        self.assertEqual(self.scalars(full, attempt=1)["runs"], [])
        self.assertEqual(self.scalars(full, role="other")["runs"], [])
        self.assertEqual(self.scalars(full, index=1)["runs"], [])
        self.write(full, NAME, gen.file_of() + gen.scalars(1, {"z": 9}))
        self.assertEqual([t["tag"] for t in self.scalars(full)["runs"][0]["tags"]], ["x", "z"], "written anew")
        for bad in ("points=1001", "points=-1", "attempt=x", "tag=a&tag=b"):
            self.assertEqual(self.client.request("GET", "/api/v2/jobs/%s/scalars?%s" % (full, bad)).status, 400, bad)

    def test_no_way_out_and_no_rights(self):
        secret = self.path(NAME)
        with open(secret, "wb") as f:
            f.write(gen.file_of() + gen.scalars(1, {"secret": 1}))
        full = self.ended("tricks", [
            "ln -s %s %s" % (secret, NAME), "mkdir a && ln %s a/%s || true" % (secret, NAME), "ln -s %s b" %
            os.path.dirname(secret), "ln -s . loop", "mkdir c && mkfifo c/%s" % NAME, "mkdir %s" % NAME.replace("1.n", "2.n")])
        self.assertEqual(self.scalars(full)["runs"], [])
        self.write(full, "deep/" * 8 + NAME, gen.file_of() + gen.scalars(1, {"x": 1}))
        self.write(full, "deep/" * 9 + NAME, gen.file_of() + gen.scalars(1, {"x": 1}))
        reply = self.scalars(full)
        self.assertEqual(([r["folder"] for r in reply["runs"]], reply["runsLeftOut"], reply["complete"]),
                         ([("deep/" * 8)[:-1]], 1, False))
        self.client.json("POST", "/api/v2/users", {"username": "other", "password": "other-password-1",
                                                   "email": "other@example.org"}, expect=(201,))
        self.client.json("PUT", "/api/v2/virtual-clusters/default", {"read": "own"}, expect=(201,))
        other = droverlib.Client(self.server)
        self.addCleanup(other.close)
        other.login("other", "other-password-1")
        self.assertEqual(other.request("GET", "/api/v2/jobs/%s/scalars" % full).status, 403)
        self.assertEqual(self.client.request("GET", "/api/v2/jobs/admin~none/scalars").status, 404)
        self.assertEqual(droverlib.Client(self.server).request("GET", "/api/v2/jobs/%s/scalars" % full).status, 401)

    def test_the_example_is_read_to_its_last_record_while_it_writes(self):
        """The example training, in a job that ends when we say so: what is on disk is what is told, at each look."""
        program = self.path("train.py")  # a task has a /tmp of its own, where this clone may stand
        shutil.copyfile(TRAIN, program)
        full = self.submit_gated("train", [
            "python3 -u %s --points 120 --hidden 6 --batch 8 --log-every 1 --steps 120 --checkpoint-every 60" % program])
        self.client.wait(full, ("RUNNING",))
        self.open_gate("train")
        seen = []

        def look():
            ended = self.client.state(full) not in ("WAITING", "RUNNING")
            runs = self.scalars(full)["runs"]
            if runs and runs[0]["records"] not in seen:
                seen.append(runs[0]["records"])
            return ended
        droverlib.wait_until(look, "the end of the training", 60)
        self.assertEqual(self.client.state(full), "SUCCEEDED", self.client.log(full))
        reply = self.scalars(full, points=1000)
        run, = reply["runs"]
        path, = glob.glob(os.path.join(self.folder_of(full), "tensorboard", "events*"))
        self.assertEqual(run["bytes"], os.path.getsize(path))
        self.assertEqual((run["records"], run["damaged"], reply["complete"]), (121, 0, True))
        self.assertEqual([t["tag"] for t in run["tags"]], ["accuracy", "loss"])
        self.assertEqual(run["tags"][1]["points"]["step"], list(range(1, 121)))
        self.assertEqual(seen, sorted(seen))
        print("the training's file was seen at %d lengths while it grew, the last of %d records" % (len(seen), seen[-1]))


if __name__ == "__main__":
    unittest.main(verbosity=1)
