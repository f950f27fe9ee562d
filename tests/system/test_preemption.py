#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Preemption on the real local engine (simulated GPUs): stop, requeue and never behave as chosen, a training that is
sent back goes on from its checkpoint, and the events tell the story."""
import json
import unittest

import droverlib

JOB = """protocolVersion: 2
name: %(name)s
type: job
prerequisites:
  - {name: image, type: dockerimage, uri: none}
taskRoles:
  main:
    instances: %(instances)d
    dockerImage: image
    resourcePerInstance: {cpu: 1, memoryMB: 64, gpu: %(gpus)d}
    commands:
      - |
%(command)s
defaults: {virtualCluster: %(vc)s}
extras:
  hivedScheduler: {jobPriorityClass: %(priority)s}
  drover: %(drover)s
"""

# Counts to 12, one step each 0.1 s, and writes down how far it is; goes on from there when it starts again.
TRAINING = """cd "$DROVER_CHECKPOINT_DIR"
step=$(cat step 2>/dev/null || echo 0)
echo "begins at $step"
while [ "$step" -lt 12 ]; do
  sleep 0.1
  step=$((step + 1))
  echo $step > step.new && mv step.new step
  if [ "$step" -eq 6 ] && [ ! -e waited ]; then touch waited; echo waits; sleep 600; fi
done
echo "ends at $step"
"""


class Preemption(unittest.TestCase):
    def setUp(self):
        self.server = droverlib.Server({"gpus": 4, "cpus": 64})
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.client = droverlib.Client(self.server).login()

    def submit(self, name, gpus=4, priority="test", vc="default", command="sleep 600", instances=1, **drover):
        lines = "\n".join("        " + line for line in command.splitlines())
        return self.client.submit(JOB % {"name": name, "gpus": gpus, "priority": priority, "vc": vc,
                                         "command": lines, "instances": instances,
                                         "drover": json.dumps(drover or {"stopGrace": 2})})

    def running(self, name):
        return self.client.wait(name, ("RUNNING",))

    def events(self, name):
        reply = self.client.json("GET", "/api/v2/jobs/%s/events" % name)
        return [e["reason"] for e in reply["data"]]

    def test_requeue_goes_on_waiting_and_then_from_its_checkpoint(self):
        low = self.submit("training", command=TRAINING, checkpoint={"name": "t", "grace": 1})
        self.running(low)
        droverlib.wait_until(lambda: b"waits" in self.client.log(low), "the training is half done")
        high = self.submit("urgent", priority="prod", command="sleep 0.3")
        self.assertEqual(self.client.wait(high)["jobStatus"]["state"], "SUCCEEDED")
        detail = self.client.wait(low)
        self.assertEqual(detail["jobStatus"]["state"], "SUCCEEDED", detail)
        self.assertEqual((detail["jobStatus"]["retries"], detail["jobStatus"]["attemptId"]), (0, 1))
        log = self.client.log(low)
        self.assertIn(b"ends at 12", log)
        self.assertIn(b"begins at 6", log)
        self.assertIn("JobRequeued", self.events(low))
        told = self.client.json("GET", "/api/v2/jobs/%s/explain" % low)["decisions"]
        self.assertEqual([d["kind"] for d in told], ["placed", "preempted", "placed"])
        self.assertEqual((told[1]["record"]["by"], told[1]["record"]["then"]), (high, "waits again"))
        self.assertEqual([p["gpus"] for p in told[0]["record"]["places"]], [4])
        self.assertIn("JobPreempting", self.events(high))

    def test_a_named_signal_is_sent_and_the_grace_is_kept(self):
        command = ("trap 'echo told; touch \"$DROVER_CHECKPOINT_DIR/saved\"; exit 0' USR1\n"
                   "trap 'echo terminated' TERM\n"
                   "if [ -e \"$DROVER_CHECKPOINT_DIR/saved\" ]; then echo resumed; exit 0; fi\n"
                   "echo ready\nwhile :; do sleep 0.05; done")
        low = self.submit("low", command=command, checkpoint={"name": "s", "grace": 120, "signal": "USR1"})
        self.running(low)
        droverlib.wait_until(lambda: b"ready" in self.client.log(low), "its handler stands")
        high = self.submit("high", priority="prod", command="true")
        self.assertEqual(self.client.wait(high)["jobStatus"]["state"], "SUCCEEDED")
        self.assertEqual(self.client.wait(low)["jobStatus"]["state"], "SUCCEEDED")
        self.assertIn(b"resumed", self.client.log(low))
        self.assertIn("CheckpointSignalled", self.events(low))

    def test_a_signal_comes_before_the_time_limit(self):
        job = self.submit("timed", command="sleep 600", timeLimit=2,
                          checkpoint={"name": "s", "grace": 120, "signal": "USR2"})
        detail = self.client.wait(job)
        self.assertEqual(detail["jobStatus"]["state"], "FAILED", detail)
        self.assertEqual(detail["jobStatus"]["appExitCode"], -1004, detail)
        self.assertIn("CheckpointSignalled", self.events(job))

    def test_stop_ends_the_whole_gang(self):
        low = self.submit("low", gpus=2, instances=2, preemption="stop", stopGrace=1)
        self.running(low)
        high = self.submit("high", gpus=1, priority="prod")
        detail = self.client.wait(low)
        self.assertEqual(detail["jobStatus"]["state"], "STOPPED")
        self.assertIn("Preempted by admin~high", json.dumps(detail))
        self.running(high)
        told = self.client.json("GET", "/api/v2/reports/gpu?by=job")
        spent = next(row["gpuHours"] for row in told["rows"] if row["job"] == low)
        self.assertGreater(spent["preempted"], 0)
        self.assertEqual(spent["stopped"], 0, "no person stopped it")

    def test_never_waits_but_only_within_the_guarantee(self):
        self.client.json("PUT", "/api/v2/virtual-clusters/a",
                         {"guarantee": [{"sku": "simulated", "gpus": 2}], "borrow": 2}, expect=(201,))
        own = self.submit("own", gpus=2, vc="a", preemption="never", stopGrace=1)
        lent = self.submit("lent", gpus=2, vc="a", preemption="never", stopGrace=1)
        self.running(own)
        self.running(lent)
        high = self.submit("high", gpus=2, vc="a", priority="prod")
        owner = self.submit("owner", gpus=2)
        self.assertEqual(self.client.wait(lent)["jobStatus"]["state"], "STOPPED")
        self.running(owner)
        self.assertEqual(self.client.state(own), "RUNNING")
        self.assertEqual(self.client.state(high), "WAITING")

    def test_a_restart_in_between_forgets_nobody(self):
        low = self.submit("low", command="trap '' TERM\nsleep 600", checkpoint={"name": "x", "grace": 4})
        self.running(low)
        high = self.submit("high", priority="prod")
        droverlib.wait_until(lambda: "JobPreempted" in self.events(low), "the victim is told")
        self.server.kill()
        self.server.start()
        self.running(high)
        self.assertEqual(self.client.state(low), "WAITING")
        self.assertEqual(self.client.job(low)["jobStatus"]["retries"], 0)


if __name__ == "__main__":
    unittest.main()
