#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debug reservations on the local engine: what is left of a failed task stays, and its owner gets in; its GPUs are held
or given back; whatever is killed, nothing of it outlives the lease, and no lease what it was made for."""
import json
import os
import signal
import subprocess
import unittest

import droverlib
import jobcase
import machine
import rootfs
from droverlib import PATIENCE, alive, kill_and_wait, processes, task_processes, wait_until

PHRASE = "a-good-phrase-7"
WISH = "extras:\n  drover:\n    debugReservation: {on: %s, hold: %s, maxMinutes: %d}\n"
#: A training that leaves something in each place where one looks, and fails.
TRAINING = ["echo weights > model.bin", "echo scratch > /tmp/scratch", "sleep 600 &", "echo it failed", "exit 3"]


class SandboxCase(jobcase.JobCase):
    CONFIG = {"gpus": 2}

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": self.server.folder, "LC_ALL": "C.UTF-8"}

    def execute(self, job, command, status=0):
        """What `drover exec` of a line prints; with `status` None it may end as it likes."""
        self.drover("whoami")
        p = subprocess.run([droverlib.binary("drover"), "exec", job, command], env=self.environment(), check=False,
                           stdin=subprocess.DEVNULL, capture_output=True, timeout=60 * PATIENCE)
        if status is not None:
            self.assertEqual(p.returncode, status, (command, p.stdout[-500:], p.stderr))
        return p.stdout.decode()

    def hold(self, name, commands, hold="gpus", on="userFailure", minutes=30, **more):
        """A job that fails and whose sandbox is kept; its full name. `self.attempt` is the task's."""
        full = self.client.submit(droverlib.job_yaml(name, commands, extra=WISH % (on, hold, minutes), memory=256, **more))
        detail = self.client.wait(full, timeout=60)
        self.assertEqual(detail["jobStatus"]["state"], "FAILED")
        self.attempt = detail["taskRoles"]["main"]["taskStatuses"][0]["containerId"]
        self.assertEqual([r["state"] for r in detail["debugReservations"]], ["HELD"], self.events(full))
        return full

    def lease(self, full):
        (one,) = self.client.job(full)["debugReservations"]
        return one

    def events(self, full):
        return [e["reason"] for e in self.client.json("GET", "/api/v2/jobs/%s/events" % full)["data"]]

    def over(self, full, by, timeout=30):
        """The lease is over, and nothing of its sandbox is left."""
        wait_until(lambda: self.lease(full)["state"] == "ENDED", "the lease of %s is over" % full, timeout)
        self.assertEqual(self.lease(full)["endedBy"], by)
        wait_until(lambda: not task_processes().get(self.attempt), "no process of %s is left" % full)
        wait_until(lambda: not self.server.shims(self.attempt), "nor its shim")
        self.used(0)

    def used(self, count):
        """So many GPUs of the node are in use; what is published may be a moment old."""
        wait_until(lambda: self.client.json("GET", "/api/v2/nodes")[0]["gpus"]["used"] == count, "%d GPUs are used" % count)

    def programs(self):
        """{name: pid} of what runs of the attempt."""
        snapshot = processes()
        return {snapshot[p][0]: p for p in task_processes(snapshot).get(self.attempt, [])}

    def release(self, full):
        self.client.json("DELETE", "/api/v2/jobs/%s/reservation" % full)
        self.over(full, "admin")


class KeptTest(SandboxCase):
    def test_a_failing_training_is_found_as_it_was(self):
        full = self.hold("training", TRAINING, gpu=2)
        self.assertEqual(self.client.log(full), b"it failed\n")
        self.assertEqual(self.execute("training", "cat model.bin /tmp/scratch").split(), ["weights", "scratch"])
        self.assertEqual(self.execute("training", "echo $PAI_JOB_NAME $CUDA_VISIBLE_DEVICES").split(),
                         ["admin~training", "0,1"])
        sleeper = int(self.execute("training", "pgrep -x sleep"))
        self.assertIn("sleep\x00600", self.execute("training", "cat /proc/%d/cmdline" % sleeper))
        self.assertEqual(self.execute("training", "readlink /proc/self/ns/pid"),
                         self.execute("training", "readlink /proc/%d/ns/pid" % sleeper))
        self.used(2)
        self.execute("training", "echo seen > seen; exit 4", status=4)
        self.assertEqual(self.execute("training", "cat seen"), "seen\n")
        # A shell that somebody has open ends with the lease.
        p = subprocess.Popen([droverlib.binary("drover"), "exec", "training", "echo in; exec sleep 600"],
                             env=self.environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.addCleanup(p.kill)
        self.assertEqual(p.stdout.readline(), b"in\n")
        self.release(full)
        p.wait(30 * PATIENCE)
        p.stdout.close()
        self.assertEqual(self.client.job(full)["jobStatus"]["appExitCode"], 3)
        refused = subprocess.run([droverlib.binary("drover"), "exec", "training", "id"], env=self.environment(), check=False,
                                 stdin=subprocess.DEVNULL, capture_output=True, timeout=60 * PATIENCE)
        self.assertIn(b"no debug reservation", refused.stderr)

    def test_the_gpus_are_given_back(self):
        full = self.hold("frugal", TRAINING, hold="sandbox", gpu=2)
        self.used(0)
        self.assertEqual(self.execute("frugal", "cat model.bin; echo \"<$CUDA_VISIBLE_DEVICES>\"").split(), ["weights", "<>"])
        self.execute("frugal", "pgrep -x sleep", status=1)
        other = self.client.submit(droverlib.job_yaml("other", "exit 0", gpu=2))
        self.assertEqual(self.client.wait(other)["jobStatus"]["state"], "SUCCEEDED")
        self.assertEqual(self.lease(full)["state"], "HELD")
        self.release(full)

    def test_guaranteed_work_takes_the_gpus_back(self):
        full = self.hold("lazy", TRAINING, gpu=2)
        other = self.client.submit(droverlib.job_yaml("urgent", "exit 0", gpu=1))
        self.assertEqual(self.client.wait(other, timeout=60)["jobStatus"]["state"], "SUCCEEDED")
        self.over(full, "need")
        self.assertIn("LeaseReclaimed", self.events(full))

    @unittest.skipIf(droverlib.TIME_SCALE > 1, "a minute for real is enough once")
    def test_it_expires(self):
        full = self.hold("short", TRAINING, gpu=1, minutes=1)
        self.assertTrue(task_processes().get(self.attempt))
        self.over(full, "expiry", 90)

    def test_beyond_the_cap_only_an_admin_extends(self):
        self.client.json("PUT", "/api/v2/virtual-clusters/lab", {"cpus": 4, "debugMaxMinutes": 30}, (201,))
        self.client.json("POST", "/api/v2/users", {"username": "bo", "password": PHRASE, "virtualCluster": ["lab"]}, (201,))
        bo = droverlib.Client(self.server).login("bo", PHRASE)
        full = bo.submit(droverlib.job_yaml("longer", TRAINING, extra=WISH % ("always", "gpus", 10) +
                                            "defaults:\n  virtualCluster: lab\n"))
        self.attempt = bo.wait(full)["taskRoles"]["main"]["taskStatuses"][0]["containerId"]
        path = "/api/v2/jobs/%s/reservation" % full
        before = self.lease(full)["expiresTime"]
        bo.json("PUT", path, {"minutes": 20})
        self.assertEqual(self.lease(full)["expiresTime"] - before, 20 * 60000)
        refused = bo.request("PUT", path, {"minutes": 1})
        self.assertEqual((refused.status, json.loads(refused.body)["code"]), (403, "ForbiddenUserError"))
        self.client.json("PUT", path, {"minutes": 60})
        self.assertEqual(self.lease(full)["expiresTime"] - before, 80 * 60000)
        self.release(full)

    def test_what_makes_no_reservation(self):
        wish = WISH % ("always", "gpus", 30)
        # Without a wish nothing stands between.
        self.submit_open()
        self.assertNotIn("drover-holder", self.programs())
        self.open_gate("open")
        for name, commands, state in (("well", "exit 0", "SUCCEEDED"), ("stopped", "sleep 600", "STOPPED")):
            full = self.client.submit(droverlib.job_yaml(name, commands, extra=wish))
            if state == "STOPPED":
                self.client.wait(full, ("RUNNING",))
                self.client.stop(full)
            self.assertEqual(self.client.wait(full)["jobStatus"]["state"], state)
            self.assertEqual(self.client.job(full)["debugReservations"], [])
        # A stop is the command's, with its grace, through the holder.
        full = self.client.submit(droverlib.job_yaml(
            "polite", "trap 'echo saved; exit 7' TERM; echo ready; while sleep 0.1; do echo >/dev/null; done", extra=wish))
        wait_until(lambda: self.client.state(full) == "RUNNING" and b"ready" in self.client.log(full), "it runs", 20)
        self.client.stop(full)
        self.client.wait(full)
        self.assertIn(b"saved", self.client.log(full))
        # A failure of the platform: its shim is killed.
        full = self.submit_gated("lost", ["exit 0"], extra=wish)
        self.client.wait(full, ("RUNNING",))
        attempt = self.attempt_id(full)
        (shim,) = self.server.shims(attempt)
        self.client.json("PUT", "/api/v2/nodes/%s/state" % self.client.json("GET", "/api/v2/nodes")[0]["name"],
                         {"value": "cordon"})
        kill_and_wait(shim)
        wait_until(lambda: not task_processes().get(attempt), "its tree is gone")
        wait_until(lambda: self.client.state(full) != "RUNNING", "it is told", 20)
        self.assertEqual(self.client.job(full)["debugReservations"], [])
        self.client.stop(full)

    def test_an_end_by_a_signal_stays_one(self):
        full = self.hold("crash", ["kill -SEGV $$"])
        self.assertEqual(self.client.job(full)["jobStatus"]["appExitCode"], 139)
        # Somebody inside ends what keeps the sandbox: that is the end of the lease.
        holder = self.programs()["drover-holder"]
        self.execute("crash", "kill -9 %d" % droverlib.inner_pid(holder), status=None)
        self.over(full, "sandbox")


class KilledTest(SandboxCase):
    """kill -9 in the middle: of whom the sandbox does not need, it does not know; of the shim, it ends."""

    def test_server_and_spawner(self):
        for hold, used in (("gpus", 2), ("sandbox", 0)):
            full = self.hold("survivor-" + hold, TRAINING, hold=hold, gpu=2)
            lease = self.lease(full)
            for who in ("server", "spawner", "both"):
                if who != "server":
                    kill_and_wait(self.server.spawner_pid())
                if who != "spawner":
                    self.server.kill()
                    self.server.start()
                    self.client = droverlib.Client(self.server).login()
                self.assertEqual(self.lease(full), lease)
                wait_until(lambda: self.server.probe("/readyz") == 200 and alive(self.server.spawner_pid()), "all is back")
                self.used(used)
                wait_until(lambda: self.entered("survivor-" + hold), "the sandbox can be entered")
            self.release(full)
            self.assertEqual(self.client.state(full), "FAILED")

    def entered(self, job):
        self.drover("login", "http://%s:%d" % self.server.address, "-u", "admin", "--password-file", self.path("password"))
        p = subprocess.run([droverlib.binary("drover"), "exec", job, "cat model.bin"], env=self.environment(), check=False,
                           stdin=subprocess.DEVNULL, capture_output=True, timeout=60 * PATIENCE)
        return p.stdout == b"weights\n"

    def test_while_it_is_released(self):
        full = self.hold("released", TRAINING, gpu=2)
        os.kill(self.server.shims(self.attempt)[0], signal.SIGSTOP)
        self.client.json("DELETE", "/api/v2/jobs/%s/reservation" % full)
        self.server.kill()
        self.server.start()
        self.client = droverlib.Client(self.server).login()
        self.over(full, "admin", 60)

    def test_shim(self):
        for hold in ("gpus", "sandbox"):
            full = self.hold("orphan-" + hold, TRAINING, hold=hold, gpu=2)
            kill_and_wait(self.server.shims(self.attempt)[0])
            self.over(full, "sandbox")
            self.assertEqual(self.client.job(full)["jobStatus"]["appExitCode"], 3)

    def test_shim_and_server(self):
        full = self.hold("alone", TRAINING, gpu=2)
        self.server.kill()
        kill_and_wait(self.server.shims(self.attempt)[0])
        self.server.start()
        self.client = droverlib.Client(self.server).login()
        self.over(full, "sandbox")


class LevelsTest(SandboxCase):
    def kept(self):
        full = self.hold("plain", TRAINING, gpu=1)
        self.assertEqual(self.execute("plain", "cat model.bin").strip(), "weights")
        self.release(full)
        full = self.hold("given", TRAINING, hold="sandbox", gpu=1)
        self.assertEqual(self.execute("given", "cat model.bin; echo \"<$CUDA_VISIBLE_DEVICES>\"").split(), ["weights", "<>"])
        self.assertNotIn("sleep", self.programs())
        self.release(full)


class RlimitsTest(LevelsTest):
    CONFIG = {"gpus": 2, "isolation": "rlimits"}

    def test_kept(self):
        self.kept()


class CgroupsTest(LevelsTest):
    CONFIG = {"gpus": 2, "isolation": "cgroups"}

    def test_kept(self):
        machine.need(self, "cgroups")
        self.kept()


class NamespacesTest(LevelsTest):
    CONFIG = {"gpus": 2, "isolation": "namespaces"}

    def test_kept(self):
        machine.need(self, "namespaces")
        self.kept()


class DevicesTest(SandboxCase):
    """With devices that stand in for GPUs."""
    NEEDS = ("cgroups", "namespaces", "devices")
    OPEN = "for d in /dev/gpu0 /dev/gpu1; do (exec 3<>$d) 2>/dev/null && echo opened-$d; done; true"

    def setUp(self):
        machine.need(self, *self.NEEDS)
        if self.UID is not None:
            machine.open_to_all(self)
        self.devices = machine.stand_in_devices(self)
        self.CONFIG = {"gpus": 2, "gpuDevice": os.path.join(self.devices, "gpu%")}
        super().setUp()

    def opened(self, job):
        return self.execute(job, self.OPEN).split()

    def test_devices_stay_or_go(self):
        full = self.hold("keeps", TRAINING, gpu=1)
        self.assertEqual(self.opened("keeps"), ["opened-/dev/gpu0"])
        self.release(full)
        full = self.hold("gives", TRAINING, hold="sandbox", gpu=1)
        self.assertEqual(self.opened("gives"), [])
        self.server.kill()
        self.server.start()
        self.client = droverlib.Client(self.server).login()
        self.drover("login", "http://%s:%d" % self.server.address, "-u", "admin", "--password-file", self.path("password"))
        self.assertEqual(self.opened("gives"), [])
        self.assertEqual(self.lease(full)["state"], "HELD")
        self.release(full)


class ImageTest(DevicesTest):
    """By runc, where the spawner is root."""
    NEEDS = DevicesTest.NEEDS + ("runc",)

    def setUp(self):
        super().setUp()
        source = os.path.join(self.server.folder, "root")
        rootfs.busybox(source)
        self.client.json("POST", "/api/v2/images", {"uri": "debian:12-slim", "source": source}, (202,))
        wait_until(lambda: self.client.json("GET", "/api/v2/images/debian=12-slim")["state"] == "ready",
                   "the image is imported", 120)

    def test_what_is_in_no_folder_stays_too(self):
        full = self.hold("inside", ["echo here > /etc/written", "exit 5"])
        self.assertEqual(self.execute("inside", "cat /etc/written"), "here\n")
        self.assertEqual(self.client.job(full)["jobStatus"]["appExitCode"], 5)
        self.release(full)


class UnprivilegedImageTest(ImageTest):
    """By bubblewrap, by a server that is nobody in particular: without groups nobody could take the devices away."""
    NEEDS = ("root", "namespaces", "devices", "bwrap")
    UID = 30001

    def test_devices_stay_or_go(self):
        full = self.hold("keeps", TRAINING, gpu=1)
        self.assertEqual(self.opened("keeps"), ["opened-/dev/gpu0"])
        self.release(full)
        full = self.client.submit(droverlib.job_yaml("gives", "exit 3", gpu=1, memory=256,
                                                     extra=WISH % ("always", "sandbox", 5)))
        detail = self.client.wait(full, timeout=60)
        self.assertEqual((detail["jobStatus"]["state"], detail["debugReservations"]), ("FAILED", []))
        self.assertIn("LeaseRefused", self.events(full))


if __name__ == "__main__":
    unittest.main()
