#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Slurm, its daemons, droverd and the network fail in turn; each job runs once, and no state is made up (R16, R17)."""
import collections
import os
import time
import unittest

import slurmcase
import droverlib
from droverlib import wait_until

NIGHTLY = bool(os.environ.get("DROVER_NIGHTLY"))
#: Jobs of a volley; the whole number of the issue in nightly runs.
MANY = 500 if NIGHTLY else 60
#: Faults that change nothing of what is known, with how many requests they last (None: until it is healed).
PASSING = {"reset": 6, "cut": 6, "html": 6, "garbage": 6, "error": 6, "busy": 2, "redirect": 4, "wrong types": 12,
           "missing": 4, "backwards": 8, "huge": 2}
SAMPLE = ("cut", "html", "wrong types", "missing", "backwards", "huge")


class Faults(slurmcase.SlurmCase):
    PROXIED = True

    def volley(self, name, count, command="echo"):
        """Submits so many jobs that witness their start; their full names. All are accepted when this returns."""
        return [self.submit("%s-%d" % (name, i), [droverlib.witness_command(self.witness), command]) for i in range(count)]

    def all_end(self, names, timeout=240):
        """Waits until all have ended, well, with exactly one start each."""
        def probe():
            jobs = {"%s~%s" % (j["username"], j["name"]): j["state"]
                    for j in self.client.json("GET", "/api/v2/jobs?limit=5000")}
            return {n: jobs[n] for n in names} if all(jobs[n] in droverlib.FINAL for n in names) else None
        states = wait_until(probe, "%d jobs end" % len(names), timeout, 0.1)
        self.assertEqual({n: s for n, s in states.items() if s != "SUCCEEDED"}, {})
        starts = self.starts()
        self.assertEqual({n: starts[n] for n in names if starts[n] != 1}, {}, "jobs that did not start just once")

    def gated(self, name, count=1, **more):
        """Jobs that run until open_gate(); their full names."""
        loop = "while [ ! -e %s ]; do sleep 0.1; done" % self.note("go-" + name)
        full = [self.submit("%s-%d" % (name, i), [droverlib.witness_command(self.witness), loop], **more)
                for i in range(count)]
        for f in full:
            self.runs(f, 60)
        return full

    def open_gate(self, name):
        with open(self.note("go-" + name), "w", encoding="ascii"):
            pass

    def asked(self, what, least=1, timeout=60):
        """Waits until so many more requests met that fault."""
        before = self.proxy.count(what)
        wait_until(lambda: self.proxy.count(what) >= before + least, "requests meet %s" % what, timeout)

    def setUp(self):
        self.proxy.heal()

    def tearDown(self):
        """Also where the test failed half-way, the next one finds everything up."""
        self.proxy.heal()
        for name in ["slurmctld", "slurmrestd", *self.cluster.nodes]:
            if name not in self.cluster.running:
                self.cluster.restart(name)
        wait_until(self.cluster.serves, "slurmctld serves", 30)
        # A slurmctld that gave an id out again drains the node where the first job of that id runs ("Duplicate jobid").
        self.cluster.undrain()
        super().tearDown()
        wait_until(lambda: self.nodes_up() == self.NODES, "all nodes are back", 60)

    def test_slurmctld_forgets_what_it_accepted(self):
        names = self.volley("forgotten", MANY)
        time.sleep(0.1)  # so long after the last 202, by the words
        self.cluster.kill("slurmctld")
        self.cluster.restart("slurmctld")
        self.all_end(names)

    def test_answers_to_submissions_are_lost(self):
        """Each arrives at Slurm, and droverd does not hear of it."""
        self.proxy.fault("lost", "POST", "/job/submit", times=MANY)
        names = self.volley("unheard", MANY)
        self.all_end(names)
        self.assertGreaterEqual(self.proxy.count("lost"), MANY * 9 // 10)
        # As many jobs at Slurm as attempts at Drover: none was submitted twice.
        twice = {a: len(js) for a, js in self.ours().items() if len(js) > 1}
        self.assertEqual(twice, {})

    def test_faults_that_pass_change_nothing(self):
        full = self.gated("steady", 2)
        for fault in PASSING if NIGHTLY else SAMPLE:
            times = PASSING[fault]
            with self.subTest(fault):
                new = self.submit("during-" + fault.replace(" ", "-"), [droverlib.witness_command(self.witness), "echo"])
                self.proxy.fault(fault, times=times)
                self.asked(fault)
                self.assertEqual({self.client.state(f) for f in full}, {"RUNNING"}, fault)
                self.proxy.heal()
                self.all_end([new], 120)
                self.assertEqual({self.client.state(f) for f in full}, {"RUNNING"}, fault)
        self.assertLess(self.proxy.swallowed, 256 << 20)
        self.open_gate("steady")
        self.all_end(full)

    def test_nobody_answers_for_a_while(self):
        """Refused, then hung. What runs keeps its state, and what ends meanwhile ends with its own exit."""
        full = self.gated("kept", 2)
        with self.proxy.refusing():
            new = self.submit("later", [droverlib.witness_command(self.witness), "echo"])
            self.open_gate("kept")
            time.sleep(2 * droverlib.TIME_SCALE)
            self.assertNotIn("FAILED", {self.client.state(f) for f in full + [new]})
        self.all_end(full + [new], 120)
        self.proxy.fault("hang")
        new = self.submit("hung", [droverlib.witness_command(self.witness), "echo"])
        self.asked("hang")
        self.assertIn(self.client.state(new), ("WAITING", "STARTING"))
        self.proxy.heal()
        self.all_end([new], 120)

    def test_droverd_is_killed_with_jobs_in_all_stages(self):
        full = self.gated("survive", 3)
        names = self.volley("stage", 20, "sleep 1")
        self.server.kill()
        self.open_gate("survive")
        self.server.start()
        self.all_end(full + names)

    def test_slurmrestd_and_a_slurmd_are_killed(self):
        full = self.gated("daemons", 4, cpu=20)
        nodes = collections.Counter(t["containerNodeName"] for f in full for t in self.tasks(self.client.job(f)))
        node = min(nodes)
        self.cluster.kill("slurmrestd")
        self.cluster.kill(node)
        names = self.volley("meanwhile", 10)
        self.open_gate("daemons")
        self.cluster.restart("slurmrestd")
        self.cluster.restart(node)
        self.all_end(full + names)


if __name__ == "__main__":
    unittest.main()
