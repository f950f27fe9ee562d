#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Virtual clusters over REST: made, changed, stopped and removed live; quotas that hold under a storm of submissions."""
import json
import threading
import unittest

import droverlib

GPU_JOB = """protocolVersion: 2
name: %s
type: job
prerequisites:
  - {name: image, type: dockerimage, uri: none}
taskRoles:
  main:
    instances: %d
    dockerImage: image
    resourcePerInstance: {cpu: 1, memoryMB: 64, gpu: %d}
    commands: ["%s"]
defaults: {virtualCluster: %s}
extras:
  hivedScheduler: {jobPriorityClass: %s}
"""


def job(name, vc="default", gpus=1, instances=1, command="sleep 600", priority="test"):
    return GPU_JOB % (name, instances, gpus, command, vc, priority)


class VirtualClusters(unittest.TestCase):
    def setUp(self):
        self.server = droverlib.Server({"gpus": 16, "cpus": 64})
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.admin = droverlib.Client(self.server).login()

    def call(self, method, path, body=None, client=None):
        """(status, JSON) of a call."""
        reply = (client or self.admin).request(method, "/api/v2" + path, body)
        return reply.status, json.loads(reply.body)

    def put(self, name, **spec):
        return self.call("PUT", "/virtual-clusters/" + name, spec)

    def vc(self, name):
        return self.call("GET", "/virtual-clusters/" + name)[1]

    def gpus(self, name):
        return self.vc(name)["gpus"]

    def quota_reason(self, name):
        """Why the job waits, once it is for the quota."""
        why = self.call("GET", "/jobs/%s/explain" % name)[1]
        return why if why["reason"] == "quota" else None

    def quota(self, gpus):
        return [{"sku": "simulated", "gpus": gpus}]

    def test_life_of_a_virtual_cluster(self):
        self.assertEqual(self.gpus("default")["guaranteed"], 16)
        self.assertEqual(self.put("vision", guarantee=self.quota(10), description="images")[0], 201)
        self.assertEqual(self.gpus("default")["guaranteed"], 6)
        self.assertEqual(self.vc("vision")["resourcesGuaranteed"]["gpu"], 10)
        self.assertEqual(self.put("speech", guarantee=self.quota(7))[0], 400)
        self.assertEqual(self.put("half", vcCapacity=25, vcMaxCapacity=50),
                         (201, {"status": 201, "message": "create vc: half to capacity: 25 successfully"}))
        self.assertEqual((self.vc("half")["guarantee"][0]["gpus"], self.vc("half")["borrow"]), (4, 4))
        self.assertEqual(self.call("PUT", "/virtual-clusters/vision/status", {"vcStatus": "stopped"})[0], 201)
        self.assertEqual(self.admin.request("POST", "/api/v2/jobs", job("no", "vision"), "text/yaml").status, 400)
        self.assertEqual(self.call("PUT", "/virtual-clusters/vision/status", {"vcStatus": "running"})[0], 201)
        self.admin.submit(job("a", "vision"))
        self.assertEqual(self.call("DELETE", "/virtual-clusters/vision")[1]["code"], "ConflictVcError")
        self.admin.stop("admin~a")
        self.admin.wait("admin~a")
        self.server.kill()
        self.server.start()
        self.assertEqual(self.vc("vision")["description"], "images")
        self.assertEqual(self.call("DELETE", "/virtual-clusters/vision")[0], 201)
        self.assertEqual(self.call("GET", "/virtual-clusters/vision")[0], 404)

    def test_bad_specs_are_named(self):
        for name, body, words in (("a", {"gpus": 3}, "gpus"), ("a b", {}, "name"), ("a", {"vcCapacity": 101}, "100"),
                                  ("a", {"vcCapacity": 5, "vcMaxCapacity": 4}, "at least"),
                                  ("a", {"vcCapacity": 5, "guarantee": []}, "vcCapacity"),
                                  ("a", {"guarantee": [{"sku": "h100", "gpus": 1}]}, "h100"),
                                  ("a", {"pins": ["nowhere"]}, "nowhere"), ("a", {"parent": "nobody"}, "nobody")):
            status, reply = self.put(name.replace(" ", "%20"), **body)
            self.assertEqual(status, 400, body)
            self.assertIn(words, reply["message"])
        self.assertEqual(self.call("PUT", "/virtual-clusters/default/status", {"vcStatus": "stopped"})[0], 403)
        self.assertEqual(self.call("PUT", "/virtual-clusters/a/status", {"vcStatus": "away"})[0], 400)
        self.assertEqual(self.call("DELETE", "/virtual-clusters/a")[0], 404)
        self.assertEqual(self.call("GET", "/cluster/sku-types?vc=nobody")[0], 404)
        self.assertEqual(list(self.call("GET", "/cluster/sku-types?vc=default")[1]), ["simulated"])

    def test_maxima_are_kept_and_named(self):
        self.assertEqual(self.put("small", guarantee=[{"sku": "simulated", "gpus": 4}], maxGpus=2, maxTime=1,
                                  maxJobs=2)[0], 201)
        self.assertEqual(self.put("small", keepLogsDays=3)[0], 201)
        shown = self.call("GET", "/virtual-clusters/small")[1]
        self.assertEqual((shown["maxGpus"], shown["maxTime"], shown["maxJobs"], shown["keepLogsDays"]), (2, 1, 2, 3))

        def submit(name, gpus, extra=""):
            reply = self.admin.request("POST", "/api/v2/jobs", job(name, "small", gpus) + extra, "text/yaml")
            return reply.status, json.loads(reply.body)["message"]
        self.assertEqual(submit("wide", 3)[0], 400)
        status, message = submit("long", 1, "  drover: {timeLimit: 2}\n")
        self.assertEqual((status, message), (400, "The job's time limit is 2 s; virtual cluster small allows 1 s."))
        for name in ("one", "two"):
            self.assertEqual(submit(name, 1)[0], 202)
        self.assertEqual(submit("three", 1)[0], 429)
        # Neither said how long: the virtual cluster's limit ends them.
        for name in ("one", "two"):
            status = self.admin.wait("admin~" + name)["jobStatus"]
            self.assertEqual((status["state"], status["appExitCode"]), ("FAILED", -1004))
        self.assertEqual(submit("three", 1)[0], 202)

    def test_200_submissions_at_a_quota_of_10(self):
        self.assertEqual(self.put("ten", guarantee=self.quota(10))[0], 201)
        seen, statuses, done = [], [], threading.Event()

        def watch():
            client = droverlib.Client(self.server, self.admin.token)
            while not done.is_set():
                seen.append(self.call("GET", "/virtual-clusters/ten", client=client)[1]["resourcesUsed"]["gpu"])

        def submit(first):
            client = droverlib.Client(self.server, self.admin.token)
            for i in range(first, first + 25):
                statuses.append(client.request("POST", "/api/v2/jobs", job("j%d" % i, "ten"), "text/yaml").status)

        threads = [threading.Thread(target=submit, args=(i * 25,)) for i in range(8)]
        watcher = threading.Thread(target=watch)
        watcher.start()
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        try:
            droverlib.wait_until(lambda: self.vc("ten")["unfinishedJobs"] == 200, "the newest state is shown")
        finally:
            done.set()
            watcher.join()
        self.assertEqual(statuses, [202] * 200)
        self.assertLessEqual(max(seen), 10)
        self.assertEqual(self.vc("ten")["resourcesUsed"]["gpu"], 10)

    def test_a_raised_quota_starts_the_job_that_waits(self):
        self.put("one", guarantee=self.quota(1))
        self.admin.submit(job("first", "one"))
        self.admin.submit(job("second", "one"))
        self.admin.wait("admin~first", ("RUNNING",))
        self.assertEqual(self.admin.state("admin~second"), "WAITING")
        why = droverlib.wait_until(lambda: self.quota_reason("admin~second"), "the newest plan is shown")
        self.assertEqual((why["blockedBy"], why["gpus"]["guaranteed"], why["gpus"]["held"]), (["admin~first"], 1, 1))
        self.assertIn({"kind": "moreQuota", "name": "simulated", "amount": 1}, why["help"])
        self.assertIn("virtual cluster one holds 1 of the 1", why["message"])
        self.assertEqual(self.call("GET", "/jobs/admin~first/explain")[1]["reason"], None)
        self.assertEqual(self.put("one", guarantee=self.quota(2))[0], 201)
        self.admin.wait("admin~second", ("RUNNING",))


if __name__ == "__main__":
    unittest.main()
