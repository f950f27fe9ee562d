#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debug reservations over REST and by the client; test_sandbox.py looks into the sandboxes themselves."""
import json
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
