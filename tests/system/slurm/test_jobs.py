#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The same jobs as on one machine, on a real Slurm of four nodes with eight GPUs each."""
import os
import re
import unittest

import slurmcase
from droverlib import ROOT, wait_until

HELLO = os.path.join(ROOT, "examples", "hello.yaml")
TRAIN = os.path.join(ROOT, "examples", "train", "train.yaml")
DISTRIBUTED = os.path.join(ROOT, "examples", "distributed.yaml")
LOG = "/api/v2/jobs/%s/attempts/%d/taskRoles/main/taskIndex/0/attempts/0/logs/%s"
EXTRAS = "extras:\n  drover:\n    %s\n"


def text_of(path, **change):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for old, new in change.values():
        if old not in text:
            raise AssertionError("%s has no %r" % (path, old))
        text = text.replace(old, new)
    return text


class Jobs(slurmcase.SlurmCase):
    def test_hello(self):
        full = self.client.submit(text_of(HELLO).replace("      - env |", "      - id -un\n      - env |"))
        detail = self.ends(full)
        log = self.client.log(full).decode()
        self.assertIn("Hello from %s, task main-0 on " % full, log)
        self.assertIn("PAI_TASK_INDEX=0\n", log)
        self.assertIn("\n%s\n" % self.cluster.job_user, log, "the mapped Unix user runs it")
        task = self.tasks(detail)[0]
        self.assertIn(task["containerNodeName"], self.cluster.nodes)
        # Slurm has one job of it, on the node that Drover chose.
        jobs = [j for js in self.ours().values() for j in js if "job=" + detail["jobId"] in j["comment"]]
        self.assertEqual([(j["nodes"], j["user_name"]) for j in jobs],
                         [(task["containerNodeName"], self.cluster.job_user)])

    def test_the_training_learns(self):
        full = self.client.submit(text_of(TRAIN, steps=("steps: 2500", "steps: 300")))
        self.ends(full, timeout=120)
        log = self.client.log(full, "trainer").decode()
        losses = [float(x) for x in re.findall(r"loss ([\d.]+)", log)]
        self.assertLess(losses[-1], losses[0])
        self.assertIn("done: 300 steps", log)

    def test_two_roles_over_two_nodes(self):
        """Each wants more than half a node, so that they cannot share one."""
        full = self.client.submit(text_of(DISTRIBUTED, steps=("steps: 200", "steps: 20"), cpu=("cpu: 1", "cpu: 17")))
        detail = self.ends(full, timeout=120)
        self.assertIn("equal to the single-process run, bit for bit", self.client.log(full, "chief").decode())
        self.assertEqual(len({t["containerNodeName"] for t in self.tasks(detail)}), 2)

    def test_twenty_instances(self):
        full = self.submit("twenty", "echo $PAI_TASK_INDEX of $PAI_TASK_ROLE_TASK_COUNT_main", instances=20)
        self.ends(full, timeout=120)
        for index in (0, 7, 19):
            self.assertEqual(self.client.log(full, index=index), b"%d of 20\n" % index)

    def test_tasks_see_exactly_their_gpus(self):
        full = self.submit("gpus", "echo see $CUDA_VISIBLE_DEVICES; while [ ! -e %s ]; do sleep 0.1; done"
                           % self.note("go-gpus"), gpu=3, instances=2)
        self.runs(full)
        detail = wait_until(lambda: (lambda d: d if all(len(t["containerGpus"] or []) == 3 for t in self.tasks(d)) else None)(
            self.client.job(full)), "Slurm has named the GPUs", 20)
        with open(self.note("go-gpus"), "w", encoding="ascii"):
            pass
        self.ends(full)
        used = set()
        for task in self.tasks(detail):
            log = self.client.log(full, index=task["taskIndex"]).decode()
            seen = [int(i) for i in re.fullmatch(r"see ([\d,]+)\n", log).group(1).split(",")]
            self.assertEqual(sorted(seen), sorted(task["containerGpus"]))
            used.update((task["containerNodeName"], i) for i in seen)
        self.assertEqual(len(used), 6, "no GPU is given twice")

    def test_stop_ends_all_of_it(self):
        full = self.submit("stopped", "trap '' TERM; sleep 600 & echo up; sleep 600; sleep 600")
        self.runs(full)
        wait_until(lambda: self.client.log(full) == b"up\n", "its log is there", 20)
        self.client.stop(full)
        self.ends(full, "STOPPED")
        left = [j["job_state"] for js in self.ours().values() for j in js
                if j["job_state"] in ("RUNNING", "COMPLETING", "PENDING", "SUSPENDED")]
        self.assertEqual(left, [])

    def test_what_waits_is_stopped_too(self):
        """The nodes are full, so Drover holds it back; nothing of it ever comes to Slurm."""
        full = [self.submit("full-%d" % i, "sleep 600", cpu=32) for i in range(self.NODES)]
        for f in full:
            self.runs(f)
        waits = self.submit("waits", "echo never", cpu=32)
        self.assertEqual(self.client.state(waits), "WAITING")
        self.client.stop(waits)
        self.ends(waits, "STOPPED")

    def test_time_limit(self):
        full = self.submit("late", "sleep 600", extra=EXTRAS % "timeLimit: 1")
        self.assertEqual(self.ends(full, "FAILED")["jobStatus"]["appExitCode"], -1004)

    def test_failures_explain_themselves(self):
        full = self.submit("module", "echo first >&2; python3 -c 'import no_such_module'")
        status = self.ends(full, "FAILED")["jobStatus"]
        self.assertEqual((status["appExitCode"], status["appExitSpec"]["phrase"]), (1, "ContainerImportError"))
        self.assertIn("no_such_module", status["appExitDiagnosis"]["proof"]["text"])
        for command, code in (("exit 42", 42), ("kill -9 $$", 137), ("kill -SEGV $$", 139)):
            full = self.submit("code-%d" % code, command)
            self.assertEqual(self.ends(full, "FAILED")["jobStatus"]["appExitCode"], code, command)

    def test_a_retry_is_another_job_of_slurm(self):
        full = self.submit("again", "echo try >> %s; [ $(wc -l < %s) = 2 ]" % (self.note("tries"), self.note("tries")),
                           retry=2)
        self.assertEqual(self.ends(full)["jobStatus"]["attemptId"], 1)
        with open(self.note("tries"), encoding="ascii") as f:
            self.assertEqual(f.read(), "try\ntry\n")

    def test_logs_are_followed_live(self):
        full = self.submit("live", "echo one; echo two >&2; while [ ! -e %s ]; do sleep 0.1; done; echo three"
                           % self.note("go-live"))
        self.runs(full)
        wait_until(lambda: self.client.log(full, kind="stdout") == b"one\n", "the first line is there", 20)
        wait_until(lambda: self.client.log(full, kind="stderr") == b"two\n", "so is the other log's", 20)
        self.assertEqual(self.client.state(full), "RUNNING")
        with open(self.note("go-live"), "w", encoding="ascii"):
            pass
        self.ends(full)
        self.assertEqual(self.client.log(full, kind="stdout"), b"one\nthree\n")

    def test_what_is_cancelled_at_slurm_is_tried_again_and_told(self):
        """It is not Drover's user who ended it (code -101), so that it costs none of the user's retries."""
        full = self.submit("foreign", "sleep 600")
        self.runs(full)
        number = wait_until(lambda: [j["job_id"] for js in self.ours().values() for j in js if j["job_state"] == "RUNNING"],
                            "Slurm runs it", 20)[0]
        self.cluster.tool("scancel", str(number))
        wait_until(lambda: self.client.job(full)["jobStatus"]["attemptId"] == 1, "it is tried again", 30)
        status = self.client.job(full)["jobStatus"]
        self.assertEqual((status["retryDetails"]["user"], status["retryDetails"]["platform"]), (0, 1))
        self.assertIn("cancelled at Slurm", self.client.event_lines(full))

    def test_a_drained_node_gets_nothing(self):
        self.cluster.tool("scontrol", "update", "NodeName=n1", "State=DRAIN", "Reason=test")
        self.addCleanup(self.cluster.tool, "scontrol", "update", "NodeName=n1", "State=UNDRAIN")
        wait_until(lambda: self.nodes_up() == self.NODES - 1, "droverd knows that it is drained", 20)
        full = self.submit("elsewhere", "echo", cpu=17, instances=3)
        self.assertNotIn("n1", [t["containerNodeName"] for t in self.tasks(self.ends(full))])

    def test_what_others_hold_is_left_to_them(self):
        """A native job has all GPUs of n2, so that four whole nodes are not to be had until it is gone."""
        native = self.cluster.tool("sbatch", "--parsable", "-p", "native", "-w", "n2", "--gpus-per-node=8", "-o", "/dev/null",
                                   "--wrap", "sleep 600").strip()
        self.addCleanup(self.cluster.tool, "scancel", native)
        wait_until(lambda: self.gpus_free("n2") == 0, "droverd knows of it", 30)
        full = self.submit("whole", "echo", gpu=8, instances=4)
        three = self.submit("three", "echo", gpu=8, instances=3)
        self.assertNotIn("n2", [t["containerNodeName"] for t in self.tasks(self.ends(three))])
        self.assertEqual(self.client.state(full), "WAITING")
        self.cluster.tool("scancel", native)
        self.ends(full)

    def gpus_free(self, node):
        """How many GPUs Drover could give there."""
        gpus = self.client.json("GET", "/api/v2/nodes/%s" % node)["gpus"]
        return gpus["total"] - gpus["used"]


if __name__ == "__main__":
    unittest.main()
