# SPDX-License-Identifier: MIT
"""A COMMIT that fails: 507 or 503, state as before, recovery by itself. A failed fsync ends the process with a line
that says so, nothing of that batch is confirmed, and what comes after the restart is sound.

Faults are injected by strace, attached to droverd alone: the spawner and the shims are not touched.
"""
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

import checker
import droverlib
from droverlib import wait_until


class Fault:
    """strace attached to droverd, making the named system calls fail. `with` takes it off again."""

    def __init__(self, server, calls, error):
        self.server = server
        self.args = ["strace", "-f", "-qq", "-p", str(server.pid), "-o", os.path.join(server.folder, "strace.out"),
                     "-e", "trace=" + calls, "-e", "inject=%s:error=%s" % (calls, error)]
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self.args, stdin=subprocess.DEVNULL)
        task = "/proc/%d/task" % self.server.pid

        def attached():
            if self.process.poll() is not None:
                raise RuntimeError("strace could not attach")
            for tid in os.listdir(task):
                with open("%s/%s/status" % (task, tid), encoding="ascii") as f:
                    if "\nTracerPid:\t%d\n" % self.process.pid not in f.read():
                        return False
            return True
        wait_until(attached, "strace traces every thread of droverd")
        return self

    def __exit__(self, *exc):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=30)


class DiskCase(unittest.TestCase):
    def start(self, folder=None):
        self.server = droverlib.Server(folder=folder)
        self.server.__enter__()
        self.addCleanup(self.server.clean_up)
        self.client = droverlib.Client(self.server).login()
        self.witness = os.path.join(self.server.folder, "witness")
        self.acked = []

    def submit(self, name, expect, gpu=0, padding=0):
        """Submit once; the status. Acknowledged jobs are remembered for the checker."""
        yaml = droverlib.job_yaml(name, [droverlib.witness_command(self.witness)], gpu=gpu,
                                  extra="description: %s\n" % ("x" * padding) if padding else "")
        r = self.client.request("POST", "/api/v2/jobs", yaml, "text/yaml")
        self.assertIn(r.status, expect, r.body)
        if r.status == 202:
            self.acked.append(("admin~" + name, hashlib.sha256(yaml.encode()).hexdigest()))
        else:
            self.assertIn(b'"message"', r.body)
        return r.status

    def names(self):
        return {j["name"] for j in self.client.json("GET", "/api/v2/jobs")}

    def checked(self):
        for name, _ in self.acked:
            self.client.wait(name)
        self.assertEqual(checker.check_live(self.server, self.witness, self.acked), [])

    def refuses_and_recovers(self, fault, refusal, at_once=True):
        """While `fault` holds submissions get `refusal`, reads work and running jobs live on; then all is well again.
        With at_once=False a few commits may still fit: only what was confirmed may be there."""
        self.submit("before", (202,))
        self.client.wait("admin~before")
        # It holds every GPU, so that what is accepted now waits, and starts nothing.
        gate = os.path.join(self.server.folder, "go")
        through = self.client.submit(droverlib.job_yaml("through", "while [ ! -e %s ]; do sleep 0.02; done" % gate, gpu=4))
        self.client.wait(through, ("RUNNING",))
        with fault:
            for i in range(200):
                status = self.submit("during-%d" % i, (refusal,) if at_once else (202, refusal), gpu=1, padding=30000)
                if status != 202 and (at_once is False or i >= 2):
                    break
            self.assertNotEqual(status, 202, "the disk never became full")
            self.assertEqual(self.names(), {n.split("~")[1] for n, _ in self.acked} | {"through"})
            self.assertEqual(self.client.state(through), "RUNNING")
        wait_until(lambda: self.submit("after", (202, 503, refusal)) == 202, "it accepts jobs again", 15)
        self.assertEqual(self.names(), {n.split("~")[1] for n, _ in self.acked} | {"through"})
        with open(gate, "w", encoding="ascii"):
            pass
        self.assertEqual(self.client.wait(through)["jobStatus"]["state"], "SUCCEEDED")
        self.checked()


class FaultTest(DiskCase):
    def test_eio_on_write(self):
        self.start()
        self.refuses_and_recovers(Fault(self.server, "pwrite64", "EIO"), 503)

    def test_enospc_on_write(self):
        self.start()
        self.refuses_and_recovers(Fault(self.server, "pwrite64", "ENOSPC"), 507)

    def test_failed_fsync_ends_the_process_and_confirms_nothing(self):
        self.start()
        self.submit("before", (202,))
        self.client.wait("admin~before")
        statuses = []

        def one(i):
            yaml = droverlib.job_yaml("lost-%d" % i, [droverlib.witness_command(self.witness)])
            try:
                r = droverlib.Client(self.server, self.client.token).request("POST", "/api/v2/jobs", yaml, "text/yaml")
                statuses.append(r.status)
            except OSError:
                statuses.append(0)

        with Fault(self.server, "fsync,fdatasync", "EIO"):
            clients = [threading.Thread(target=one, args=(i,)) for i in range(8)]
            for c in clients:
                c.start()
            for c in clients:
                c.join(30)
            status = self.server.process.wait(timeout=30)
        self.assertEqual(len(statuses), 8)
        self.assertNotIn(202, statuses, "a job was confirmed that is not known to be on disk")
        self.assertNotEqual(status, 0)
        self.assertIn("fsync", self.server.log_tail(), "the last words name the cause")
        self.server.start()
        self.submit("after", (202,))
        self.client.wait("admin~after")
        self.checked()


class FullDiskTest(DiskCase):
    """The same with a disk that is really full: a small tmpfs."""

    def test_full_disk(self):
        mount = tempfile.mkdtemp(prefix="drover-small-")
        self.addCleanup(shutil.rmtree, mount, True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "drover-test", mount], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", mount], check=True)
        self.start(folder=os.path.join(mount, "data"))
        self.refuses_and_recovers(FullDisk(mount), 507, at_once=False)


class FullRunFolderTest(DiskCase):
    """R7 with logs on a second disk: only that one is full."""

    def test_tasks_wait_for_space_and_lose_nothing(self):
        lines = 100000
        mount = tempfile.mkdtemp(prefix="drover-small-")
        self.addCleanup(shutil.rmtree, mount, True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m,mode=700", "drover-test", mount], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", mount], check=True)
        self.server = droverlib.Server()
        self.addCleanup(self.server.clean_up)
        self.server.init()
        os.makedirs(os.path.join(self.server.data, "run"), 0o700, exist_ok=True)
        subprocess.run(["mount", "--bind", mount, os.path.join(self.server.data, "run")], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", os.path.join(self.server.data, "run")], check=True)
        self.server.start()
        self.client = droverlib.Client(self.server).login()
        self.witness = os.path.join(self.server.folder, "witness")
        self.acked = []
        gate = os.path.join(self.server.folder, "go")
        prints = self.client.submit(droverlib.job_yaml(
            "prints", ["while [ ! -e %s ]; do sleep 0.02; done" % gate, "seq 1 %d" % lines, "exit 7"]))
        self.client.wait(prints, ("RUNNING",))
        with FullDisk(mount):
            with open(gate, "w", encoding="ascii"):
                pass
            # The database's disk has space: jobs are accepted, and wait for theirs.
            self.submit("during", (202,))
            wait_until(lambda: self.client.job("admin~during")["jobStatus"]["state"] in ("RUNNING", "WAITING"), "it waits")
            self.assertEqual(self.client.state(prints), "RUNNING")
            self.assertLess(len(self.client.log(prints, kind="stdout")), 6 * lines // 2)
        status = self.client.wait(prints, timeout=60)["jobStatus"]
        self.assertEqual((status["state"], status["appExitCode"]), ("FAILED", 7))
        self.assertEqual(self.client.log(prints, kind="stdout"), b"".join(b"%d\n" % i for i in range(1, lines + 1)))
        self.assertEqual(self.client.wait("admin~during", timeout=60)["jobStatus"]["state"], "SUCCEEDED")
        self.checked()


class FullDisk:
    """A file that takes every free byte, as long as `with` lasts."""

    def __init__(self, mount):
        self.path = os.path.join(mount, "ballast")

    def __enter__(self):
        with open(self.path, "wb", buffering=0) as f:
            for size in (1 << 20, 1 << 12, 1):
                try:
                    while True:
                        f.write(b"\0" * size)
                except OSError:
                    pass
        return self

    def __exit__(self, *exc):
        os.unlink(self.path)


if __name__ == "__main__":
    if os.geteuid() != 0:
        # Mounting, and tracing a server that hides its memory, need root: be it in a name space of our own.
        os.execvp("unshare", ["unshare", "-Urm", sys.executable, "-B"] + sys.argv)
    unittest.main()
