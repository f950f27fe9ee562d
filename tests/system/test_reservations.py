#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debug reservations over REST and by the client; test_sandbox.py looks into the sandboxes themselves."""
import json
import os
import unittest

import droverlib
import jobcase
from droverlib import wait_until

PHRASE = "a-good-phrase-7"
WISH = "extras:\n  drover:\n    debugReservation: {on: always, hold: gpus, maxMinutes: 30}\n"


class Reservations(jobcase.JobCase):
    def setUp(self):
        super().setUp()
        self.vc("lab", read="own", cpus=4)

    def vc(self, name, **members):
        return self.client.json("PUT", "/api/v2/virtual-clusters/" + name, members, (201,))

    def listed(self, client=None, query="?state=all"):
        return (client or self.client).json("GET", "/api/v2/reservations" + query)

    def refusal(self, method, path, body=None):
        reply = self.client.request(method, path, body)
        return reply.status, json.loads(reply.body).get("code")

    def failed_with_a_lease(self):
        """A failed job whose lease has been released."""
        name = self.client.submit(droverlib.job_yaml("broken", "exit 3",
                                                     extra=WISH + "defaults:\n  virtualCluster: lab\n"))
        detail = self.client.wait(name)
        self.assertEqual(detail["jobStatus"]["state"], "FAILED")
        self.assertEqual([r["state"] for r in detail["debugReservations"]], ["HELD"])
        self.assertEqual(self.client.request("DELETE", "/api/v2/jobs/" + name).status, 409, "it has a live reservation")
        self.client.json("DELETE", "/api/v2/jobs/%s/reservation" % name)
        wait_until(lambda: not self.listed(query=""), "the lease is over")
        return name

    def test_a_reservation_is_told(self):
        self.client.json("POST", "/api/v2/users", {"username": "bo", "password": PHRASE}, (201,))
        name = self.failed_with_a_lease()
        (one,) = self.listed()
        self.assertEqual((one["state"], one["endedBy"]), ("ENDED", "admin"))
        self.assertEqual((one["jobName"], one["username"], one["virtualCluster"], one["hold"], one["gpus"]),
                         ("broken", "admin", "lab", "gpus", 0))
        self.assertTrue(one["reclaimable"])
        self.assertEqual(one["collected"]["exitCode"], 3)
        self.assertGreaterEqual(one["endedTime"], one["createdTime"])
        self.assertEqual(self.client.job(name)["debugReservations"], [one])
        events = self.client.json("GET", "/api/v2/jobs/%s/events" % name)["data"]
        self.assertIn(("lease.ended", "LeaseEnded"), [(e["event"], e["reason"]) for e in events])
        # What is published may be a moment old.
        wait_until(lambda: self.client.json("GET", "/api/v2/virtual-clusters/lab")["liveReservations"] == 0,
                   "the virtual cluster has none any more")
        # Nobody else reads of jobs of that virtual cluster.
        self.assertEqual(self.listed(droverlib.Client(self.server).login("bo", PHRASE)), [])
        out = self.drover("reservations", "--state", "all").stdout.decode()
        self.assertIn("broken", out)
        self.assertIn(one["state"], out)
        self.assertEqual(self.refusal("PUT", "/api/v2/jobs/%s/reservation" % name, {"minutes": 5}),
                         (409, "ConflictReservationError"))
        self.assertEqual(self.refusal("DELETE", "/api/v2/jobs/%s/reservation" % name), (409, "ConflictReservationError"))
        # What is over is in nobody's way.
        self.client.json("DELETE", "/api/v2/jobs/" + name)
        self.checked()

    def collected(self, job, client=None):
        return (client or self.client).json("GET", "/api/v2/jobs/%s/reservation" % job)["collected"]

    def test_what_was_collected_is_told_without_secrets(self):
        """Of a task that fails with something still running: what the command was given, what runs, a core dump, and
        the end of the log. No value of a secret is anywhere in it, whether it stands alone, within a word, or in a line
        of its own; killing droverd changes nothing, and the end of the lease neither."""
        self.client.json("POST", "/api/v2/users", {"username": "bo", "password": PHRASE}, (201,))
        self.client.json("PUT", "/api/v2/virtual-clusters/lab", {"borrow": 1}, (201,))
        secret, lines = "hush-4711", ["first-half-of-a-key", "other-half-of-a-key"]
        commands = ["bash -c 'sleep 601; echo --token=x<% $secrets.word %>y' &",
                    # A busy machine is slow to start what the task leaves behind.
                    "until grep -qsx sleep /proc/$(tr -d ' ' </proc/$!/task/$!/children)/comm; do sleep 0.01; done",
                    "for i in $(seq 1 80); do echo line $i; done",
                    "ulimit -c unlimited",
                    "if bash -c 'kill -SEGV $BASHPID'; then exit 9; fi 2>/dev/null",  # no word between the last lines
                    "echo the word is <% $secrets.word %>, https://me:pass-word-9@host/x",
                    "echo \"key <% $secrets.key %>\"",
                    "exit 3"]
        extra = (WISH + "secrets: {word: %s, key: \"%s\"}\n" % (secret, "\\n".join(lines))
                 + "defaults:\n  virtualCluster: lab\n")
        # The sandbox alone: what runs in it is gone by the time that somebody asks.
        name = self.client.submit(droverlib.job_yaml("broken", commands, gpu=1,
                                                     extra=extra.replace("hold: gpus", "hold: sandbox")))
        self.assertEqual(self.client.wait(name)["jobStatus"]["state"], "FAILED")
        found = self.collected(name)
        self.assertEqual((found["exitCode"], found["secrets"]), (3, ["word", "key"]))
        self.assertGreater(found["time"], 0)
        given = {v["name"]: v["value"] for v in found["environment"]}
        self.assertEqual((given["PAI_JOB_NAME"], given["PAI_TASK_INDEX"]), (name, "0"))
        self.assertEqual(found["environmentLeftOut"], 0)
        self.assertIn("CUDA_VISIBLE_DEVICES", given)
        self.assertIsNone(given["DROVER_NONCE"])
        (left,) = [p for p in found["processes"] if p["command"].startswith("bash -c")]
        self.assertEqual(left["command"], "bash -c sleep 601; echo --token=x******y")
        self.assertEqual([p["ppid"] for p in found["processes"] if p["command"] == "sleep 601"], [left["pid"]])
        self.assertIn(left["state"], "RS")
        self.assertGreater(left["rssBytes"], 0)
        self.assertLessEqual(abs(left["startTime"] - found["time"]), 60000)
        self.assertEqual(len(found["log"]["lines"]), 50)
        self.assertTrue(found["log"]["cut"])
        self.assertEqual(found["log"]["lines"][-2:], ["the word is ******, https://me:******@host/x", "key ******"])
        self.assertEqual([(g["index"], g["simulated"]) for g in found["gpus"]], [(0, True)])
        with open("/proc/sys/kernel/core_pattern", encoding="utf-8") as f:
            pattern = f.read().strip()
        self.assertEqual(found["core"]["pattern"], pattern)
        if pattern == "core":
            (core,) = found["core"]["files"]
            task = "/api/v2/jobs/%s/attempts/0/taskRoles/main/taskIndex/0/attempts/0" % name
            head = self.client.request("GET", "%s/files/content?path=%s&limit=4" % (task, core["name"]))
            self.assertEqual((head.status, head.body), (200, b"\x7fELF"))
        whole = json.dumps(self.client.json("GET", "/api/v2/jobs/%s/reservation" % name))
        for word in [secret, "pass-word-9"] + lines:
            self.assertNotIn(word, whole)
        # Nobody else reads of jobs of that virtual cluster.
        other = droverlib.Client(self.server).login("bo", PHRASE)
        self.assertEqual(other.request("GET", "/api/v2/jobs/%s/reservation" % name).status, 403)
        self.server.kill()
        self.server.start()
        self.client = droverlib.Client(self.server).login()
        self.assertEqual(self.collected(name), found)
        out = self.drover("reservation", "show", "broken").stdout.decode()
        self.assertIn("bash -c sleep 601", out)
        self.assertNotIn(secret, out)
        self.client.json("DELETE", "/api/v2/jobs/%s/reservation" % name)
        wait_until(lambda: not self.listed(query=""), "the lease is over")
        self.assertEqual(self.collected(name), found)
        # What is there is not believed.
        attempt = self.client.job(name)["taskRoles"]["main"]["taskStatuses"][0]["containerId"]
        path = os.path.join(self.server.data, "run", attempt, "collected")
        with open(path, "w", encoding="ascii") as f:
            f.write('{"time": "soon"}')
        self.assertEqual((self.collected(name)["time"], self.collected(name)["processes"]), (None, []))
        os.unlink(path)
        os.symlink("/etc/passwd", path)
        self.assertEqual((self.collected(name)["time"], self.collected(name)["log"]), (None, found["log"]))
        self.checked()

    def test_a_job_without_one_says_so(self):
        name = self.client.submit(droverlib.job_yaml("well", "sleep 0"))
        self.client.wait(name)
        self.assertEqual(self.refusal("GET", "/api/v2/jobs/%s/reservation" % name), (404, "NoReservationError"))
        self.assertEqual(self.refusal("GET", "/api/v2/jobs/admin~none/reservation"), (404, "NoJobError"))

    def test_what_is_wrong_is_refused(self):
        for body in ({}, {"minutes": 0}, {"minutes": 10081}, {"minutes": "5"}, {"hours": 1}, []):
            self.assertEqual(self.refusal("PUT", "/api/v2/jobs/admin~none/reservation", body)[0], 400, body)
        self.assertEqual(self.refusal("PUT", "/api/v2/jobs/admin~none/reservation", {"minutes": 5}), (404, "NoJobError"))
        self.assertEqual(self.refusal("DELETE", "/api/v2/jobs/admin~none/reservation"), (404, "NoJobError"))
        self.assertEqual(self.refusal("GET", "/api/v2/reservations?state=dead")[0], 400)
        self.assertEqual(self.listed(query=""), [])

    def test_a_virtual_cluster_has_a_switch_and_caps(self):
        self.drover("vc", "set", "lab", "--debug", "off", "--debug-minutes", "30", "--debug-per-user", "2",
                    "--debug-total", "3", "--debug-reclaim", "no")
        shown = self.client.json("GET", "/api/v2/virtual-clusters/lab")
        self.assertEqual([shown[k] for k in ("debugReservations", "debugMaxMinutes", "debugPerUser", "debugTotal",
                                             "debugReclaim")], ["off", 30, 2, 3, "no"])
        text = droverlib.job_yaml("asks", "sleep 0", extra=WISH + "defaults:\n  virtualCluster: lab\n")
        told = self.client.request("POST", "/api/v2/jobs", text, "text/yaml")
        self.assertEqual(told.status, 202)
        self.assertIn("gives no debug reservations", json.loads(told.body)["warning"])
        for members in ({"debugReservations": "on"}, {"debugMaxMinutes": -1}, {"debugReclaim": True}):
            self.assertEqual(self.refusal("PUT", "/api/v2/virtual-clusters/lab", members)[0], 400, members)


if __name__ == "__main__":
    unittest.main()
