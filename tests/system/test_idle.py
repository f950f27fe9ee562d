#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""GPUs that are held and not used, played by the stand-in for NVIDIA's library: who is warned, what follows and in which
order, that a dry run does nothing, that exemptions and snoozes hold, and that a restart changes nothing. The exact times
are those of tests/unit/metrics/test_idle.c; here a second is a sample."""
import json
import os
import subprocess
import unittest

import droverlib
import gpus
from mailserver import MailServer

GPUS = 8
STOP = {"rule": "zeroFromStart", "warn": [2, 4], "after": 6, "action": "stop"}
LEASE = "extras:\n  drover:\n    debugReservation: {on: always, hold: gpus, maxMinutes: 30}\n"


def scenario(busy=()):
    lines = ["count %d" % GPUS]
    for i in range(GPUS):
        lines += ["gpu %d memory 81920 1024" % i, "gpu %d util %d 0" % (i, 90 if i in busy else 0)]
    return lines


class IdleTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.mail = MailServer()
        cls.addClassCleanup(cls.mail.stop)
        cls.server = gpus.Server(scenario(), {"smtpUrl": "smtp://127.0.0.1:%d" % cls.mail.port, "smtpFrom": "drover@lab.example",
                                              "cpus": 16, "idle": {"rules": [], "snoozeMinutes": 60}})
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.admin = droverlib.Client(cls.server).login()
        cls.admin.json("PUT", "/api/v2/users/me", {"patch": True, "data": {"username": "admin", "email": "admin@lab.example"}},
                       (201,))
        droverlib.wait_until(lambda: all(g["sample"] for g in cls.found()), "all are sampled", 30)

    @classmethod
    def found(cls):
        node = cls.admin.json("GET", "/api/v2/nodes")[0]["name"]
        return cls.admin.json("GET", "/api/v2/nodes/%s/gpus" % node)

    def policy(self, vc, *rules, **more):
        body = {"idle": dict({"rules": list(rules)}, **more), "debugTotal": 8, "debugPerUser": 8}
        if vc != "default":
            body["guarantee"] = [{"sku": list(self.admin.json("GET", "/api/v2/cluster/sku-types"))[0], "gpus": 1}]
        self.admin.json("PUT", "/api/v2/virtual-clusters/" + vc, body, (201,))

    def runs(self, name, vc="default", extra="", gpu=1, commands=("sleep 3600",)):
        job = self.admin.submit(droverlib.job_yaml(name, list(commands), gpu=gpu, extra="defaults:\n  virtualCluster: %s\n%s" % (vc, extra)))
        return job

    def told(self, job):
        """The events about idleness, the oldest first."""
        events = self.admin.json("GET", "/api/v2/jobs/%s/events" % job)["data"]
        return [(e["reason"], e["message"]) for e in reversed(events) if e["reason"].startswith(("Idle", "LeaseReleased"))]

    def until(self, job, reasons):
        def look():
            return [r for r, _ in self.told(job)][:len(reasons)] == reasons
        droverlib.wait_until(look, "%s: %s, not %s" % (job, reasons, self.told(job)), 40)
        return [m for _, m in self.told(job)]

    def drover(self, *args):
        """The client, logged in as the admin."""
        env = {"PATH": os.environ["PATH"], "HOME": self.server.folder, "LC_ALL": "C.UTF-8"}
        run = [["login", "http://%s:%d" % self.server.address, "-u", "admin", "--password-file",
                os.path.join(self.server.folder, "password")], list(args)]
        for command in run:
            subprocess.run([droverlib.binary("drover"), *command], env=env, check=True, capture_output=True, timeout=60)

    def alerts(self):
        return {a["labels"]["job_name"]: a["labels"]["rule"] for a in self.admin.json("GET", "/api/v2/alerts")
                if "job_name" in a["labels"]}

    def subjects(self):
        return [m["Subject"] for _, m in self.mail.mails]

    def test_all(self):
        self.policy("default", STOP, dict(STOP, rule="zeroWindow", of="reservations", action="release"),
                    exempt={"names": ["nb-*"], "tags": ["keep"]})
        self.policy("dry", STOP, dryRun=True)
        self.policy("tags", {"rule": "lowMean", "utilization": 50, "window": 3, "warn": [0, 2], "after": 4, "action": "tag",
                             "tag": "slow"})
        self.policy("calm")  # its rules come when the job in it is snoozed: this machine may be slow
        stops = self.runs("stops", extra="extras:\n  drover:\n    timeLimit: 3600\n")
        self.admin.wait(stops, ("RUNNING",))
        exempt, dry, tagged = self.runs("nb-1"), self.runs("dry", "dry"), self.runs("tagged", "tags")
        snoozed = self.runs("snoozed", "calm")
        leased = self.runs("leased", extra=LEASE, commands=("exit 3",))
        for job in (exempt, dry, tagged, snoozed):
            self.admin.wait(job, ("RUNNING",))
        # A snooze has a reason and an end, and is the owner's.
        for body, words in (({"minutes": 5}, "reason"), ({"minutes": 0, "reason": "x"}, "minutes"),
                            ({"minutes": 5, "reason": "a\nb"}, "one line")):
            self.assertIn(words, self.admin.json("PUT", "/api/v2/jobs/%s/snooze" % snoozed, body, (400,))["message"])
        self.drover("snooze", snoozed, "--hours", "1", "--reason", "waits for data")
        self.policy("calm", STOP)
        # Warned, warned, stopped, with the reason everywhere.
        says = self.until(stops, ["IdleWarned", "IdleWarned", "IdleActed"])
        self.assertEqual(says, ["Its GPU was not used for 2 s, from the start on (rule zeroFromStart of virtual cluster default)."
                                " In 4 s the job is stopped, unless it is used or snoozed.",
                                "Its GPU was not used for 4 s, from the start on (rule zeroFromStart of virtual cluster default)."
                                " In 2 s the job is stopped, unless it is used or snoozed.",
                                "Its GPU was not used for 6 s, from the start on (rule zeroFromStart of virtual cluster default)."
                                " The job is stopped."])
        status = self.admin.wait(stops)["jobStatus"]
        self.assertEqual((status["state"], status["appExitCode"]), ("STOPPED", -1007))
        self.assertIn("Stopped. Its GPU was not used for 6 s", json.dumps(self.admin.job(stops)))
        self.assertIn("StoppedAsIdle", json.dumps(self.admin.job(stops)))
        # The reservation that nobody looks at is released.
        self.until(leased, ["IdleWarned", "IdleWarned", "LeaseReleased"])
        # A dry run says so, and does nothing.
        says = self.until(dry, ["IdleDryRun"] * 3)
        self.assertTrue(all(m.startswith("Dry run, nothing follows: Its GPU") for m in says), says)
        self.until(tagged, ["IdleWarned", "IdleWarned", "IdleActed"])
        self.assertEqual(self.admin.job(tagged)["tags"], ["slow"])
        for job in (dry, tagged, exempt, snoozed):
            self.assertEqual(self.admin.job(job)["jobStatus"]["state"], "RUNNING")
        self.assertEqual(self.admin.job(dry)["tags"], [])
        self.assertEqual(self.told(exempt), [])
        self.assertEqual([r for r, _ in self.told(snoozed)], ["IdleSnoozed"])
        droverlib.wait_until(lambda: self.alerts() == {dry: "jobs.zeroFromStart", tagged: "jobs.lowMean"}, "the alerts", 30)
        # What was saved: the time limit of one, the end of the other's reservation; nothing of the dry run.
        freed = self.admin.json("GET", "/api/v2/reports/gpu")["total"]["freed"]
        self.assertEqual((freed["times"], freed["withoutLimit"]), (2, 0))
        self.assertAlmostEqual(freed["left"], 1 + 0.5, delta=0.03)
        self.assertAlmostEqual(freed["idle"], 12 / 3600, delta=4 / 3600)
        droverlib.wait_until(lambda: "The GPUs of stops were not used" in self.subjects(), "the mails", 30)
        subjects = self.subjects()
        self.assertEqual(subjects.count("The GPUs of stops are not used"), 2)
        self.assertEqual(subjects.count("The GPUs of stops were not used"), 1)
        self.assertEqual([s for s in subjects if "dry" in s or "nb-1" in s or "snoozed" in s], [])
        self.restart_and_use(dry, tagged)

    def restart_and_use(self, dry, tagged):
        """In the middle: what was counted and told goes on; then they are used."""
        self.policy("dry", dict(STOP, rule="zeroWindow", warn=[3], after=8))
        self.until(dry, ["IdleDryRun"] * 3 + ["IdleOver", "IdleWarned"])
        self.server.stop()
        self.server.start()
        type(self).admin = droverlib.Client(self.server).login()
        self.until(dry, ["IdleDryRun"] * 3 + ["IdleOver", "IdleWarned", "IdleActed"])
        self.assertEqual(self.admin.wait(dry)["jobStatus"]["appExitCode"], -1007)
        self.server.play(*scenario(range(GPUS)))
        says = self.until(tagged, ["IdleWarned", "IdleWarned", "IdleActed", "IdleOver"])
        self.assertEqual(says[-1], "Its GPU is used again.")


if __name__ == "__main__":
    unittest.main()
