#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The test cluster and the proxy by themselves, without droverd: other tests build on what is shown here."""
import http.client
import json
import os
import time
import unittest
import urllib.error
import urllib.request

import cluster
import proxy
from droverlib import wait_until

SCRIPT = "#!/bin/sh\necho gpus $CUDA_VISIBLE_DEVICES\n"


class Rig(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cluster.needed(cls)
        cls.cluster = cluster.Cluster(nodes=2, gpus=4)
        cls.addClassCleanup(cls.ends)
        cls.cluster.start()
        cls.proxy = proxy.Proxy(cls.cluster.url)
        cls.addClassCleanup(cls.proxy.close)

    @classmethod
    def ends(cls):
        """With a job that ignores signals and has left its session, nothing stays."""
        cls.cluster.stop()
        if cls.cluster.own_processes() or os.path.exists(cls.cluster.folder):
            raise AssertionError("something is left of the cluster: %s" % cls.cluster.own_processes())

    def submit(self, name, script=SCRIPT, **more):
        """By hand, as the jobs' user; Slurm's id."""
        job = dict({"name": name, "environment": {"PATH": "/usr/bin:/bin"}, "current_working_directory": "/tmp",
                    "standard_output": self.cluster.path("run", name)}, **more)
        status, reply = self.cluster.call("POST", "/job/submit", {"script": script, "job": job}, self.cluster.job_user)
        self.assertEqual(status, 200, reply)
        return reply["job_id"]

    def in_state(self, number, *states):
        def probe():
            job = self.cluster.jobs().get(number, {})
            return job if job.get("job_state") in states else None
        return wait_until(probe, "job %d is %s" % (number, "/".join(states)), 30)

    def ask(self, path="/ping", method="GET", body=None):
        """What the proxy lets through: (status, JSON), or the exception."""
        with open(self.cluster.key_file, "rb") as f:
            word = cluster.token(f.read(), self.cluster.user)
        request = urllib.request.Request(self.proxy.url + cluster.API + path, body, method=method, headers={
            "X-SLURM-USER-NAME": self.cluster.user, "X-SLURM-USER-TOKEN": word, "Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=2) as r:
                return r.status, json.loads(r.read(1 << 20))
        except urllib.error.HTTPError as e:
            with e:
                return e.code, e.read()
        except (OSError, ValueError, http.client.HTTPException) as e:
            return 0, e

    def test_a_job_sees_its_gpus_and_survives_restarts(self):
        job = self.submit("gpus", SCRIPT + "sleep 2\n", gpus_per_node="3", nodes=1)
        running = self.in_state(job, "RUNNING")
        self.cluster.kill("slurmrestd")
        self.cluster.kill(running["nodes"])
        self.cluster.restart("slurmrestd")
        self.cluster.restart(running["nodes"])
        wait_until(self.cluster.ready, "the cluster is back", 30)
        self.assertEqual(self.in_state(job, "COMPLETED", "FAILED", "NODE_FAIL")["job_state"], "COMPLETED")
        with open(self.cluster.path("run", "gpus"), encoding="ascii") as f:
            self.assertEqual(f.read(), "gpus 0,1,2\n")
        # What has left its session and ignores SIGTERM is what stop() has to find; its environment is empty, too.
        stubborn = self.submit("stubborn", "#!/bin/sh\ntrap '' TERM\nenv -i setsid sleep 600 &\nsleep 600\n")
        self.in_state(stubborn, "RUNNING")

    def test_the_controller_forgets_what_it_had_just_accepted(self):
        """The fact that droverd's engine must live with (if Slurm mends it, this may go)."""
        names = ["lost-%d" % i for i in range(20)]
        numbers = [self.submit(n, hold=True) for n in names]
        self.cluster.kill("slurmctld")
        self.cluster.restart("slurmctld")
        wait_until(self.cluster.serves, "slurmctld serves", 30)
        left = [n for n in numbers if self.cluster.jobs().get(n, {}).get("name") in names]
        self.assertLess(len(left), len(numbers))

    def test_each_fault_is_what_it_says(self):
        p = self.proxy
        self.addCleanup(p.heal)
        self.assertEqual(self.ask()[0], 200)
        for name, kind in (("reset", OSError), ("cut", (OSError, http.client.HTTPException)), ("html", ValueError),
                           ("garbage", ValueError), ("huge", ValueError)):
            p.fault(name, "GET", "/ping", times=1)
            status, error = self.ask()
            self.assertEqual((name, status, isinstance(error, kind)), (name, 0, True), error)
        self.assertGreater(p.swallowed, 1 << 20)
        for name, code in (("busy", 429), ("error", 500)):
            p.fault(name, times=1)
            self.assertEqual(self.ask()[0], code)
        p.fault("wrong types", times=1)
        self.assertIsInstance(self.ask()[1]["pings"], dict)
        p.fault("hang")
        before = time.monotonic()
        self.assertEqual(self.ask()[0], 0)
        self.assertGreater(time.monotonic() - before, 1.5)
        p.heal()
        with p.refusing():
            self.assertIsInstance(self.ask()[1].reason, ConnectionRefusedError)
        self.assertEqual(self.ask()[0], 200)

    def test_lost_answers_and_states_that_go_backwards(self):
        p = self.proxy
        self.addCleanup(p.heal)
        p.fault("lost", "POST", "/job/submit", times=2)
        body = json.dumps({"script": SCRIPT, "job": {"name": "unheard", "environment": {"A": "b"},
                                                    "current_working_directory": "/tmp", "standard_output": "/dev/null"}})
        for _ in range(2):
            self.assertEqual(self.ask("/job/submit", "POST", body.encode())[0], 0)
        arrived = [n for n, j in self.cluster.jobs().items() if j["name"] == "unheard"]
        self.assertEqual((len(arrived), p.count("lost")), (2, 2))
        self.in_state(arrived[0], "COMPLETED", "COMPLETING")
        p.fault("backwards")
        self.assertEqual(self.ask("/job/%d" % arrived[0])[1]["jobs"][0]["job_state"], "PENDING")
        p.heal()
        p.fault("missing")
        self.assertEqual((self.ask("/job/%d" % arrived[0])[0], self.ask("/jobs")[1]["jobs"]), (500, []))


if __name__ == "__main__":
    unittest.main()
