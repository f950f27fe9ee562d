# SPDX-License-Identifier: MIT
"""Nodes: what is there and what runs there; cordon, drain, uncordon and labels, which outlive the server."""
import json
import time
import unittest

import droverlib

JOB = """protocolVersion: 2
name: %s
type: job
prerequisites: [{type: dockerimage, name: image, uri: none}]
taskRoles: {main: {dockerImage: image, commands: [sleep 300], resourcePerInstance: {cpu: 1, memoryMB: 64, gpu: 1}}}
"""


class Nodes(unittest.TestCase):
    def setUp(self):
        self.server = droverlib.Server()
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.admin = droverlib.Client(self.server).login()
        self.node = self.admin.json("GET", "/api/v2/nodes")[0]["name"]

    def call(self, method, path, body=None, status=200):
        reply = self.admin.request(method, "/api/v2/nodes/" + path, body)
        self.assertEqual(reply.status, status, reply.body)
        return json.loads(reply.body)

    def state(self):
        return self.call("GET", self.node)["state"]

    def mark(self, value, shown):
        self.call("PUT", self.node + "/state", {"value": value})
        droverlib.wait_until(lambda: self.state() == shown, "the node is " + shown)

    def test_a_node_shows_its_devices_and_tasks(self):
        name = self.admin.submit(JOB % "one")
        self.admin.wait(name, ("RUNNING",))
        tasks = self.call("GET", self.node + "/tasks")
        self.assertEqual([(t["username"], t["name"], t["taskRoleName"], t["taskIndex"]) for t in tasks],
                         [("admin", "one", "main", 0)])
        self.assertEqual(len(tasks[0]["gpus"]), 1)
        detail = droverlib.wait_until(
            lambda: next((d for d in [self.call("GET", self.node)] if d["gpus"]["used"] == 1), None), "a GPU is used")
        self.assertEqual(len(detail["devices"]), 4)
        self.assertEqual(detail["state"], "up")
        self.assertLess(detail["ports"]["free"], detail["ports"]["last"] - detail["ports"]["first"] + 1)
        self.check_map(tasks[0]["gpus"][0])
        self.admin.stop(name)
        self.admin.wait(name)
        self.assertEqual(self.call("GET", self.node + "/tasks"), [])

    def check_map(self, held):
        """The map names the job for who may read it; who may not still sees that the GPU is held."""
        self.admin.json("PUT", "/api/v2/virtual-clusters/default", {"read": "own"}, (201,))
        self.admin.json("POST", "/api/v2/users", {"username": "bo", "password": "a-good-phrase-7"}, (201,))
        bo = droverlib.Client(self.server).login("bo", "a-good-phrase-7")
        jobs = [{"username": "admin", "name": "one", "virtualCluster": "default"}]
        for client, named, place in ((self.admin, jobs, 0), (bo, [], -1)):
            seen = client.json("GET", "/api/v2/gpus")
            self.assertEqual(seen["jobs"], named)
            node, = seen["nodes"]
            self.assertEqual((node["name"], node["state"], node["wrong"]), (self.node, "up", [None] * 4))
            self.assertEqual(node["job"], [place if i == held else None for i in range(4)])

    def test_a_cordoned_node_takes_nothing_new(self):
        runs = self.admin.submit(JOB % "runs")
        self.admin.wait(runs, ("RUNNING",))
        self.mark("cordon", "cordoned")
        waits = self.admin.submit(JOB % "waits")
        self.mark("drain", "draining")
        self.server.kill()
        self.server.start()
        droverlib.wait_until(lambda: self.state() == "draining", "the mark outlives the server")
        self.assertEqual(self.admin.state(runs), "RUNNING")
        self.assertEqual(self.admin.state(waits), "WAITING")
        self.mark("uncordon", "up")
        self.admin.wait(waits, ("RUNNING",))

    def window(self, start, length, status=201, **more):
        now = int(time.time() * 1000)
        body = dict({"nodes": [self.node], "start": now + start, "end": now + start + length, "reason": "new disks"}, **more)
        reply = self.admin.request("POST", "/api/v2/maintenance", body)
        self.assertEqual(reply.status, status, reply.body)
        return json.loads(reply.body)

    def kinds(self):
        return [(e["kind"], e["username"], e["reason"]) for e in self.call("GET", self.node + "/events")]

    def test_nothing_that_would_overrun_maintenance_starts(self):
        hour = 3600 * 1000
        planned = self.window(hour, hour)["id"]
        limited = JOB.replace("taskRoles", "extras: {drover: {timeLimit: %d}}\ntaskRoles")
        self.admin.wait(self.admin.submit(limited % ("short", 600)), ("RUNNING",))
        waits = self.admin.submit(limited % ("long", 7200))
        why = droverlib.wait_until(lambda: next((w for w in [self.admin.json("GET", "/api/v2/jobs/%s/explain" % waits)]
                                                 if w["reason"] == "maintenance"), None), "it waits for the window")
        self.assertEqual(why["maintenance"]["nodes"], 1)
        self.assertGreater(next(h["amount"] for h in why["help"] if h["kind"] == "shorterTimeLimit"), 3000)
        shown = self.call("GET", self.node)["maintenance"]
        self.assertEqual(shown["end"] - shown["start"], hour)
        self.server.kill()
        self.server.start()
        self.assertEqual([w["state"] for w in self.admin.json("GET", "/api/v2/maintenance")], ["planned"])
        self.window(0, hour)
        droverlib.wait_until(lambda: self.state() == "maintenance", "it has begun")
        for w in self.admin.json("GET", "/api/v2/maintenance"):
            self.assertEqual(self.admin.request("DELETE", "/api/v2/maintenance/%d" % w["id"]).status, 200)
        self.admin.wait(waits, ("RUNNING",))
        self.assertEqual(self.admin.request("DELETE", "/api/v2/maintenance/%d" % planned).status, 404)
        self.assertEqual(self.kinds()[:2], [("maintenanceOver", "admin", "new disks"), ("maintenanceBegun", None, "new disks")])
        states = {w["state"] for w in self.admin.json("GET", "/api/v2/maintenance?state=all")}
        self.assertEqual(states, {"removed"})
        self.call("PUT", self.node + "/state", {"value": "cordon", "reason": "a fan"})
        self.assertEqual(self.kinds()[0], ("cordoned", "admin", "a fan"))
        for bad in ({"nodes": []}, {"all": True}, {"onStart": "run"}, {"end": 5}, {"more": 1}, {"reason": "x" * 201}):
            self.window(hour, hour, 400, **bad)
        self.window(hour, hour, 404, nodes=["nowhere"])

    def test_labels_are_set_as_a_whole(self):
        for labels in ({"rack": "r1", "example.org/net": ""}, {"rack": "r2"}, {}):
            self.call("PUT", self.node + "/labels", {"labels": labels})
            droverlib.wait_until(lambda want=labels: self.call("GET", self.node)["labels"] == want, "labels are set")
        for bad in ({"a b": "x"}, {"a": 1}, {"": "x"}, {"a": "x" * 64}, {"k%02d" % i: "x" * 63 for i in range(20)}, []):
            self.call("PUT", self.node + "/labels", {"labels": bad}, 400)
        self.call("PUT", self.node + "/labels", {}, 400)

    def test_what_is_refused(self):
        self.assertEqual(self.call("GET", "nowhere", status=404)["code"], "NoNodeError")
        self.call("GET", "nowhere/tasks", status=404)
        self.call("PUT", "nowhere/state", {"value": "cordon"}, 404)
        self.call("PUT", self.node + "/state", {"value": "down"}, 400)
        self.call("PUT", self.node + "/state", {"value": "cordon", "more": 1}, 400)
        self.admin.json("POST", "/api/v2/users", {"username": "bob", "password": "a long password"}, (201,))
        bob = droverlib.Client(self.server).login("bob", "a long password")
        self.assertEqual(bob.request("GET", "/api/v2/nodes/" + self.node).status, 200)
        for method, body in (("POST", {"all": True, "start": 1, "end": 2}), ("GET", None)):
            self.assertEqual(bob.request(method, "/api/v2/maintenance", body).status, 200 if method == "GET" else 403)
        for path, body in (("/state", {"value": "cordon"}), ("/labels", {"labels": {}})):
            self.assertEqual(bob.request("PUT", "/api/v2/nodes/" + self.node + path, body).status, 403)


if __name__ == "__main__":
    unittest.main()
