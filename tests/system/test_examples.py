# SPDX-License-Identifier: MIT
"""The example programs, run directly: what they promise must hold before a server runs them."""
import glob
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TRAIN = os.path.join(ROOT, "examples", "train", "train.py")
DIST = os.path.join(ROOT, "examples", "distributed", "dist.py")
SMALL = ["--points", "120", "--hidden", "6", "--batch", "8", "--log-every", "10", "--checkpoint-every", "20"]
QUICK = ["--points", "300", "--hidden", "16", "--rate", "0.02", "--log-every", "50", "--checkpoint-every", "100"]


def crc32c_bitwise(data):
    """CRC-32C by its definition, apart from the table in the program."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 & -(crc & 1))
    return crc ^ 0xFFFFFFFF


def masked(data):
    crc = crc32c_bitwise(data)
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """The (number, value) pairs of a protobuf message."""
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = read_varint(data, at)
        elif kind == 1:
            value, at = struct.unpack_from("<d", data, at)[0], at + 8
        elif kind == 5:
            value, at = struct.unpack_from("<f", data, at)[0], at + 4
        else:
            size, at = read_varint(data, at)
            value, at = data[at:at + size], at + size
        yield key >> 3, value


def read_events(path):
    """[(step, {tag: value})] of an event file; raises AssertionError on a wrong checksum."""
    events = []
    with open(path, "rb") as f:
        data = f.read()
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from("<Q", data, at)
        assert struct.unpack_from("<I", data, at + 8)[0] == masked(data[at:at + 8])
        record = data[at + 12:at + 12 + size]
        assert struct.unpack_from("<I", data, at + 12 + size)[0] == masked(record)
        at += 16 + size
        event = list(fields(record))
        scalars = {}
        for _, summary in (e for e in event if e[0] == 5):
            for _, value in fields(summary):
                entry = dict(fields(value))
                scalars[entry[1].decode()] = entry[2]
        events.append((dict(event).get(2, 0), scalars, dict(event).get(3)))
    return events


class TrainTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="drover-train-")
        self.addCleanup(self.folder.cleanup)
        self.env = dict(os.environ, PAI_WORK_DIR=self.folder.name,
                        DROVER_CHECKPOINT_DIR=os.path.join(self.folder.name, "ckpt"))

    def train(self, *args, code=0):
        run = subprocess.run([sys.executable, TRAIN, *args], env=self.env, cwd=self.folder.name,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        self.assertEqual(run.returncode, code, run.stdout)
        return run.stdout

    def checkpoints(self):
        return sorted(glob.glob(os.path.join(self.folder.name, "ckpt", "step-*.ckpt")))

    def start_and_stop(self, args, number):
        """Start a training that would run for ever, end it after its first log line; its output and exit code."""
        with subprocess.Popen([sys.executable, "-u", TRAIN, "--steps", "100000000", *args], env=self.env,
                              stdout=subprocess.PIPE, text=True) as p:
            lines = []
            for line in p.stdout:
                lines.append(line)
                if line.startswith("step ") and self.checkpoints():
                    p.send_signal(number)
                    break
            lines += p.stdout.read().splitlines()
            return "".join(lines), p.wait(timeout=60)

    def test_it_learns_and_is_deterministic(self):
        out = self.train("--steps", "600", *QUICK)
        losses = [float(x) for x in re.findall(r"loss ([\d.]+)", out)]
        self.assertLess(losses[-1], 0.5 * losses[0], out)
        accuracy = float(re.search(r"test accuracy ([\d.]+)", out).group(1))
        self.assertGreater(accuracy, 0.8, out)
        self.assertEqual(self.checkpoints(), [], "a finished training leaves no checkpoint")
        self.assertEqual(out, self.train("--steps", "600", *QUICK))

    def test_sigterm_checkpoints_and_the_next_run_goes_on_to_the_same_weights(self):
        out, code = self.start_and_stop(SMALL, signal.SIGTERM)
        self.assertEqual(code, 143, out)
        stopped = int(re.search(r"stopped after step (\d+)", out).group(1))
        self.assertIn("step-%08d.ckpt" % stopped, self.checkpoints()[-1])
        total = str(stopped + 30)
        resumed = self.train("--steps", total, *SMALL)
        self.assertIn("resuming after step %d\n" % stopped, resumed)
        whole = self.train("--steps", total, *SMALL)
        self.assertIn("starting at step 0\n", whole)
        self.assertEqual(resumed.splitlines()[-1], whole.splitlines()[-1])

    def test_a_kill_costs_only_the_steps_since_the_checkpoint(self):
        out, code = self.start_and_stop(SMALL, signal.SIGKILL)
        self.assertEqual(code, -signal.SIGKILL, out)
        newest = int(re.search(r"step-0*(\d+)", self.checkpoints()[-1]).group(1))
        self.assertEqual(newest % 20, 0)
        self.assertIn("resuming after step %d\n" % newest, self.train("--steps", str(newest + 5), *SMALL))

    def test_a_damaged_newest_checkpoint_is_skipped(self):
        self.start_and_stop(SMALL, signal.SIGTERM)
        self.start_and_stop(SMALL, signal.SIGTERM)
        older, newest = self.checkpoints()[-2:]
        with open(newest, "r+b") as f:
            f.seek(os.path.getsize(newest) // 2)
            f.write(b"\0\0")
        step = int(re.search(r"step-0*(\d+)", older).group(1))
        out = self.train("--steps", str(step + 1), *SMALL)
        self.assertIn("skipping checkpoint %s: its checksum does not match" % os.path.basename(newest), out)
        self.assertIn("resuming after step %d\n" % step, out)

    def test_a_checkpoint_of_another_recipe_is_not_used(self):
        self.start_and_stop(SMALL, signal.SIGTERM)
        out = self.train("--steps", "5", "--seed", "2", *SMALL)
        self.assertIn("it belongs to another recipe", out)
        self.assertIn("starting at step 0\n", out)

    def test_event_files_parse_back(self):
        self.train("--steps", "60", *SMALL)
        (path,) = glob.glob(os.path.join(self.folder.name, "tensorboard", "events.out.tfevents.*"))
        first, *rest = read_events(path)
        self.assertEqual(first[2], b"brain.Event:2")
        self.assertEqual([e[0] for e in rest], [10, 20, 30, 40, 50, 60])
        for _, scalars, _ in rest:
            self.assertEqual(sorted(scalars), ["accuracy", "loss"])
            self.assertGreater(scalars["loss"], 0.0)
            self.assertTrue(0.0 <= scalars["accuracy"] <= 1.0)


class DistributedTest(unittest.TestCase):
    def environments(self):
        """The PAI_* variables of a chief and two workers, on free ports of loopback."""
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
        common = {"PAI_JOB_NAME": "tester~dist", "PAI_TASK_ROLE_TASK_COUNT_worker": "2"}
        tasks = [("chief", 0), ("worker", 0), ("worker", 1)]
        for (role, index), s in zip(tasks, sockets):
            common["PAI_HOST_IP_%s_%d" % (role, index)] = "127.0.0.1"
            common["PAI_PORT_LIST_%s_%d_ring" % (role, index)] = str(s.getsockname()[1])
            s.close()
        return [dict(os.environ, **common, PAI_CURRENT_TASK_ROLE_NAME=role,
                     PAI_CURRENT_TASK_ROLE_CURRENT_TASK_INDEX=str(index)) for role, index in tasks]

    def run_tasks(self, environments, *args):
        tasks = [subprocess.Popen([sys.executable, DIST, *args], env=env, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, text=True) for env in environments]
        outputs = [t.communicate(timeout=60)[0] for t in tasks]
        return [(t.returncode, out) for t, out in zip(tasks, outputs)]

    def test_the_ring_equals_the_single_process_run(self):
        results = self.run_tasks(self.environments(), "--steps", "40", "--log-every", "20")
        for code, out in results:
            self.assertEqual(code, 0, out)
        losses = {re.search(r"final loss (\S+)", out).group(1) for _, out in results}
        self.assertEqual(len(losses), 1, "every task ends with the same loss")
        chief = results[0][1]
        self.assertIn("single-process loss %s\n" % losses.pop(), chief)
        self.assertIn("equal to the single-process run, bit for bit", chief)
        first, last = re.findall(r"step +\d+/40  loss (\S+)", chief)
        self.assertLess(float(last), float(first))

    def test_a_missing_worker_fails_the_others_in_bounded_time(self):
        results = self.run_tasks(self.environments()[:2], "--start-timeout", "0.5")
        for code, out in results:
            self.assertNotEqual(code, 0, out)


class EmbedTest(unittest.TestCase):
    def test_the_yaml_files_hold_the_programs_as_they_are(self):
        tool = os.path.join(ROOT, "examples", "embed.py")
        run = subprocess.run([sys.executable, tool, "--check"], stdout=subprocess.PIPE, text=True, timeout=60)
        self.assertEqual(run.returncode, 0, run.stdout)


if __name__ == "__main__":
    unittest.main()
