# SPDX-License-Identifier: MIT
"""What stands between a task and its machine, level by level, and tasks in images."""
import os
import signal
import subprocess
import unittest

import droverlib
import jobcase
import machine
import rootfs

TRY_OPEN = "python3 -c 'import os; os.close(os.open(\"%s\", os.O_RDWR))' && echo opened-%s || true"


class IsolationCase(jobcase.JobCase):
    NEEDS = ()

    def prepare(self):
        machine.need(self, *self.NEEDS)
        if self.UID is not None:
            machine.open_to_all(self)

    def setUp(self):
        self.prepare()
        super().setUp()

    def run_job(self, name, commands, **more):
        """The job's detail after its end, and its output."""
        full = self.client.submit(droverlib.job_yaml(name, commands, **more))
        detail = self.client.wait(full, timeout=60)
        started = detail["taskRoles"]["main"]["taskStatuses"][0]["containerExitCode"] != -1210
        return detail, self.client.log(full).decode("utf-8", "replace") if started else ""

    def level(self):
        return self.client.json("GET", "/api/v2/nodes")[0]["isolation"]

    def task(self, detail):
        return detail["taskRoles"]["main"]["taskStatuses"][0]


class FullTest(IsolationCase):
    NEEDS = ("cgroups", "namespaces")

    def test_memory_over_the_limit_ends_as_oom(self):
        detail, _ = self.run_job("hungry", "python3 -c 'x = bytearray(300 << 20)'", memory=64)
        self.assertEqual(detail["jobStatus"]["state"], "FAILED")
        self.assertEqual(self.task(detail)["containerExitCode"], -1200)
        self.assertIn("memory limit of 64 MiB", str(detail))

    def test_a_task_sees_its_own(self):
        detail, out = self.run_job("own", [
            "ls -A %s | grep -v '^run$' || true" % self.server.data, "ls %s/run" % self.server.data,
            "ls -A /tmp /var/tmp | grep drover-sys || true", "df -m /dev/shm | tail -1", "ls /proc | grep -c '^[0-9]'"],
            memory=256)
        self.assertEqual(detail["jobStatus"]["state"], "SUCCEEDED", out)
        lines = out.splitlines()
        self.assertRegex(lines[0], "^[0-9a-f-]{36}$", "only its own folder is in the server's: %s" % out)
        self.assertIn(" 512 ", out, "shared memory as OpenPAI has it")
        self.assertLess(int(lines[-1]), 10, "its own processes only")

    def test_requirement_is_kept_or_refused(self):
        extra = "extras:\n  drover:\n    requires:\n      isolation: %s\n"
        droverlib.wait_until(lambda: "namespaces" in self.level(), "the spawner has told what it can do")
        detail, _ = self.run_job("strict", "exit 0", extra=extra % "full")
        self.assertEqual(detail["jobStatus"]["state"], "SUCCEEDED")
        self.assertIn("namespaces", self.task(detail)["isolation"])


    def test_no_group_outlives_the_last_task(self):
        name = self.submit_gated("last", ["exit 0"])
        self.client.wait(name, ("RUNNING",))
        attempt = self.attempt_id(name)
        self.server.stop()
        droverlib.kill_and_wait(self.server.spawner_pid(), signal.SIGTERM)
        self.assertTrue([g for g in droverlib.groups(self.server.data) if attempt in g], "its task runs on")
        self.open_gate("last")
        self.gone(attempt)
        droverlib.wait_until(lambda: not droverlib.groups(self.server.data), "its groups are gone")


class LowerTest(IsolationCase):
    NEEDS = ("cgroups",)
    CONFIG = {"isolation": "cgroups"}

    def test_requirement_is_refused(self):
        self.assertNotIn("namespaces", self.level())
        detail, _ = self.run_job("strict", "exit 0", extra="extras: {drover: {requires: {isolation: full}}}\n")
        self.assertEqual(detail["jobStatus"]["state"], "FAILED")
        self.assertEqual(self.task(detail)["containerExitCode"], -1210)

    def test_memory_is_limited_still(self):
        detail, _ = self.run_job("hungry", "python3 -c 'x = bytearray(300 << 20)'", memory=64)
        self.assertEqual(self.task(detail)["containerExitCode"], -1200)


class DevicesTest(IsolationCase):
    NEEDS = ("cgroups", "namespaces", "devices")

    def setUp(self):
        self.prepare()
        self.devices = machine.stand_in_devices(self)
        self.CONFIG = {"gpus": 2, "gpuDevice": os.path.join(self.devices, "gpu%")}
        super().setUp()

    def commands(self):
        paths = ["/dev/gpu%d" % i for i in range(2)] + [os.path.join(self.devices, "gpu%d" % i) for i in range(2)]
        return [TRY_OPEN % (p, p.rsplit("/", 2)[1] + "-" + p[-1]) for p in paths]

    def test_only_the_allocated_devices_open(self):
        detail, out = self.run_job("one", self.commands() + ["echo $CUDA_VISIBLE_DEVICES"], gpu=1, memory=256)
        self.assertEqual(detail["jobStatus"]["state"], "SUCCEEDED", out)
        self.assertIn("opened-dev-0", out)
        self.assertNotIn("-1\n", [line for line in out.splitlines() if line.startswith("opened")])
        self.assertEqual(out.count("opened"), 2, "its device by both paths and no other: %s" % out)

    def test_no_gpu_no_device(self):
        _, out = self.run_job("none", self.commands(), memory=256)
        self.assertEqual(out.count("opened"), 0, out)


class ImageTest(DevicesTest):
    """By runc, where the spawner is root."""
    NEEDS = DevicesTest.NEEDS + ("runc",)

    def setUp(self):
        self.prepare()
        if os.environ.get("DROVER_NIGHTLY"):
            rootfs.debian()  # takes a minute the first time, in which a connection would end
        super().setUp()
        source = os.path.join(self.server.folder, "root")
        if os.environ.get("DROVER_NIGHTLY"):
            source += ".tar"
            subprocess.run(["tar", "-C", rootfs.debian(), "-cf", source, "."], check=True)
            os.chmod(source, 0o644)
        else:
            rootfs.busybox(source)
        self.client.json("POST", "/api/v2/images", {"uri": "debian:12-slim", "source": source}, (202,))
        droverlib.wait_until(lambda: self.client.json("GET", "/api/v2/images/debian=12-slim")["state"] == "ready",
                             "the image is imported", 120)

    def test_runs_in_the_image(self):
        detail, out = self.run_job("inside", ["cat /etc/image", "pwd", "exit 7"], memory=256)
        self.assertIn(out.split()[0], ("busybox", "debian"))
        self.assertEqual(out.split()[1].rsplit("/", 1)[1], "work")
        self.assertEqual(self.task(detail)["containerExitCode"], 7)
        self.assertFalse(self.task(detail)["onHost"])

    def commands(self):
        return ["for d in /dev/gpu0 /dev/gpu1 %s/gpu0 %s/gpu1; do (exec 3<>$d) 2>/dev/null && echo opened-$d; done; true"
                % (self.devices, self.devices)]

    def test_only_the_allocated_devices_open(self):
        _, out = self.run_job("one", self.commands(), gpu=1, memory=256)
        self.assertEqual(out.split(), ["opened-/dev/gpu0"], out)

    def test_memory_over_the_limit_ends_as_oom(self):
        detail, _ = self.run_job("hungry", "head -c 300m /dev/zero | tail", memory=64)
        self.assertEqual(self.task(detail)["containerExitCode"], -1200)

    def test_a_stop_gives_the_grace(self):
        full = self.client.submit(droverlib.job_yaml(
            "polite", "trap 'echo saved; exit 3' TERM; echo ready; while true; do sleep 0.1; done", memory=256))
        droverlib.wait_until(lambda: self.client.state(full) == "RUNNING" and b"ready" in self.client.log(full), "runs", 30)
        self.client.stop(full)
        self.client.wait(full)
        self.assertIn(b"saved", self.client.log(full))


class UnprivilegedImageTest(ImageTest):
    """By bubblewrap, by a server that is nobody in particular: no groups, and user namespaces."""
    NEEDS = ("root", "namespaces", "devices", "bwrap")
    UID = 30001

    def test_memory_over_the_limit_ends_as_oom(self):
        detail, out = self.run_job("hungry", "head -c 300m /dev/zero | tail", memory=64)
        self.assertNotIn("cgroup", self.level())
        self.assertEqual(detail["jobStatus"]["state"], "FAILED", "limited per process, at least: %s" % out)


if __name__ == "__main__":
    unittest.main()
