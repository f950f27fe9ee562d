# SPDX-License-Identifier: MIT
"""The examples on a real server, through the command line client: from a file to a finished job."""
import os
import re
import subprocess
import unittest

import droverlib
from droverlib import ROOT, wait_until

HELLO = os.path.join(ROOT, "examples", "hello.yaml")
TRAIN = os.path.join(ROOT, "examples", "train", "train.yaml")
DISTRIBUTED = os.path.join(ROOT, "examples", "distributed.yaml")


class FirstJobTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = droverlib.Server()
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.clean_up)
        cls.client = droverlib.Client(cls.server).login()
        cls.env = dict(os.environ, HOME=cls.server.folder, XDG_CONFIG_HOME=os.path.join(cls.server.folder, "config"))
        cls.drover("login", "http://%s:%d" % cls.server.address, "-u", droverlib.ADMIN,
                   "--password-file", os.path.join(cls.server.folder, "password"))

    @classmethod
    def drover(cls, *args, code=0, timeout=90):
        """Run the client; its standard output as bytes."""
        run = subprocess.run([droverlib.binary("drover"), *args], env=cls.env, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout * droverlib.TIME_SCALE)
        if run.returncode != code:
            raise AssertionError("drover %s: exit %d, wanted %d\n%s%s" % (
                " ".join(args), run.returncode, code, run.stdout[-2000:].decode(), run.stderr[-2000:].decode()))
        return run.stdout

    def tearDown(self):
        """Nothing of one test holds CPUs that the next one needs."""
        for job in self.client.json("GET", "/api/v2/jobs"):
            if job["state"] not in droverlib.FINAL:
                self.client.stop("%s~%s" % (job["username"], job["name"]))
                self.client.wait("%s~%s" % (job["username"], job["name"]))

    def write(self, name, yaml):
        path = os.path.join(self.server.folder, name + ".yaml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(yaml)
        return path

    def submitted(self, *args, code=0):
        """Submit by the client; the full name of the job, which it tells."""
        out = self.drover("submit", *args, "-o", "name", code=code).decode()
        return re.search(r"\badmin~[\w-]+", out).group(0)

    def test_hello(self):
        name = self.submitted(HELLO, "--wait")
        self.assertEqual(self.client.state(name), "SUCCEEDED")
        log = self.client.log(name).decode()
        self.assertIn("Hello from %s, task main-0 on " % name, log)
        self.assertIn("PAI_TASK_INDEX=0\n", log)
        self.assertEqual(self.drover("logs", name).decode(), log)

    def test_every_byte_of_the_log_is_printed(self):
        yaml = droverlib.job_yaml("bytes", "seq 1 30000; printf 'no newline at the end'")
        name = self.submitted(self.write("bytes", yaml), "--wait")
        want = "".join("%d\n" % i for i in range(1, 30001)) + "no newline at the end"
        self.assertEqual(self.drover("logs", name).decode(), want)

    def test_a_failing_command(self):
        name = self.submitted(self.write("fails", droverlib.job_yaml("fails", "echo why >&2; exit 42")), "--wait", code=8)
        status = self.client.job(name)["jobStatus"]
        self.assertEqual((status["state"], status["appExitCode"]), ("FAILED", 42))
        self.assertTrue(status["appExitSpec"]["reason"] or status["appExitSpec"]["phrase"], status)

    def test_the_training_learns(self):
        name = self.submitted(TRAIN, "--wait")
        log = self.drover("logs", name).decode()
        losses = [float(x) for x in re.findall(r"loss ([\d.]+)", log)]
        self.assertLess(losses[-1], 0.5 * losses[0])
        self.assertRegex(log, r"done: 2500 steps, test accuracy 0\.9")

    def test_a_stopped_and_resubmitted_training_goes_on(self):
        with open(TRAIN, encoding="utf-8") as f:
            text = f.read()
        # A checkpoint folder of its own, and long enough to be stopped in time.
        text = text.replace("name: train-spiral", "name: resumed").replace("steps: 2500", "steps: 1000000")
        first = self.client.submit(text.replace("name: train\n", "name: first\n"))
        wait_until(lambda: b"step   200/" in self.client.log(first, "trainer") if self.client.state(first) == "RUNNING" else None,
                   "the training is under way", 60, 0.1)
        self.client.stop(first)
        self.assertEqual(self.client.wait(first)["jobStatus"]["state"], "STOPPED")
        stopped = int(re.search(rb"stopped after step (\d+)", self.client.log(first, "trainer")).group(1))
        second = self.client.submit(text.replace("name: train\n", "name: second\n"))
        wait_until(lambda: b"resuming after step %d\n" % stopped in self.client.log(second, "trainer")
                   if self.client.state(second) == "RUNNING" else None, "it goes on", 30, 0.1)
        self.client.stop(second)
        self.client.wait(second)

    def test_distributed(self):
        name = self.submitted(DISTRIBUTED, "--wait")
        self.assertEqual(self.client.state(name), "SUCCEEDED")
        log = self.client.log(name, role="chief").decode()
        self.assertIn("equal to the single-process run, bit for bit", log)


if __name__ == "__main__":
    unittest.main()
