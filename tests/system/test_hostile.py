# SPDX-License-Identifier: MIT
"""Jobs that attack, as two real Unix users (S20, hostile_jobs.py): none gets through; with its family's guard switched off,
at least one of each family does, which proves that the entries bite."""
import os
import signal
import socket
import struct
import subprocess
import unittest

import droverlib
import failpoints
import hostile_jobs
import machine

SERVER_UID, ANN, BOB = 30001, 30011, 30012
CLEAN = 12  # PROTO_CLEAN of engines/local/proto.h
LEAK = 77  # a descriptor that whoever starts server and spawner has left open


class Rig:
    """droverd as a user of its own; with `guard.users`, a spawner as root beside it, which has a map of users.
    `wrapper`: the command that starts it."""

    def __init__(self, guard, config, wrapper=()):
        config = dict(config, isolation=guard.isolation)
        if guard.users:
            config["spawner"] = "service"
        self.guard = guard
        self.spawner = None
        self.wrapper = list(wrapper)
        self.server = droverlib.Server(config, uid=SERVER_UID, env={"CANARY": "not for tasks"})
        self.points = failpoints.Folder(self.server.folder)
        self.server.env.update(self.points.env)

    def __enter__(self):
        try:
            self.begin()
        except BaseException:
            self.end()
            raise
        return self

    def begin(self):
        s = self.server
        s.init()
        if self.guard.off:
            self.points.put("no-" + self.guard.off, "")
        with open(os.path.join(s.folder, "leaked"), "w+", encoding="ascii") as f:
            f.write("leaked")
            os.dup2(f.fileno(), LEAK, inheritable=True)
        try:
            if self.guard.users:
                with open(s.folder + ".map", "w", encoding="ascii") as f:
                    f.write("ann: %d:%d\nbob: %d:%d\n" % (ANN, ANN, BOB, BOB))
                self.spawner = subprocess.Popen(
                    self.wrapper + [droverlib.binary("drover-spawner"), "--data", s.data, "--shim", droverlib.binary("drover-shim"),
                     "--users", s.folder + ".map"], env=s.env, pass_fds=[LEAK])
            s.start()
        finally:
            os.close(LEAK)
        self.admin = droverlib.Client(s).login()
        for name in ("ann", "bob"):
            self.admin.json("POST", "/api/v2/users", {"username": name, "password": "a long password"}, (201,))

    def __exit__(self, *exc):
        if exc[0]:
            print(self.server.log_tail())
        self.end()

    def end(self):
        self.server.clean_up()
        if self.spawner:
            self.spawner.send_signal(signal.SIGTERM)
            self.spawner.wait(20)
            os.unlink(self.server.folder + ".map")

    def client(self, user):
        return droverlib.Client(self.server).login(user, "a long password")

    def attempt(self, client, name):
        return client.job(name)["taskRoles"]["main"]["taskStatuses"][0]["containerId"]

    def victim(self):
        """A job of ann's that has something to lose; its name, attempt and process."""
        ann = self.client("ann")
        name = ann.submit(droverlib.job_yaml(
            "victim", "echo mine > secret; echo ready; SECRET=1 exec sleep 86400", memory=64))
        droverlib.wait_until(lambda: ann.state(name) == "RUNNING" and b"ready" in ann.log(name), "a victim", 30)
        attempt = self.attempt(ann, name)
        pid = droverlib.wait_until(
            lambda: next((p for p in droverlib.task_processes().get(attempt, [])
                          if droverlib.processes().get(p, ("",))[0] == "sleep"), 0), "its process")
        return name, attempt, pid


class Hostile(unittest.TestCase):
    def setUp(self):
        machine.need(self, "root", "cgroups", "namespaces", "devices")
        machine.open_to_all(self)
        self.devices = machine.stand_in_devices(self)
        self.stand_ins = machine.stand_ins()

    def breaches(self, guard, families):
        """{family: [commands that got through]}"""
        found = {}
        with Rig(guard, {"gpus": 2, "gpuDevice": os.path.join(self.devices, "gpu%")}) as rig:
            victim, attempt, pid = rig.victim()
            major, minor = self.stand_ins[1]
            things = {"victim": os.path.join(rig.server.data, "run", attempt), "pid": pid, "data": rig.server.data,
                      "server": rig.server.pid, "gpu": os.path.join(self.devices, "gpu1"), "major": major,
                      "minor": minor, "leak": "leaked", "fd": LEAK, "bomb": hostile_jobs.BOMB}
            bob = rig.client("bob")
            tries = []
            for family in families:
                for entry in hostile_jobs.FAMILIES[family] + hostile_jobs.ALWAYS:
                    tries.append((family, entry, bob.submit(self.yaml(len(tries), hostile_jobs.text(entry, things)))))
            for family, entry, name in tries:
                bob.wait(name, timeout=120)
                if self.through(rig, bob, name, entry):
                    found.setdefault("always" if entry in hostile_jobs.ALWAYS else family, []).append(entry.commands)
            self.assertEqual(rig.client("ann").state(victim), "RUNNING")
        return found

    def through(self, rig, bob, name, entry):
        if entry.probe:
            return entry.probe(rig, name, rig.attempt(bob, name))
        try:
            return b"BREACH" in bob.log(name)
        except AssertionError:
            return True  # its log is no file any more

    def yaml(self, number, text):
        plain = droverlib.job_yaml("try-%d" % number, "COMMAND", memory=512, gpu=0)
        return plain.replace("- COMMAND", "- |-\n          " + text)

    def test_nothing_gets_through(self):
        self.assertEqual(self.breaches(hostile_jobs.ALL, hostile_jobs.FAMILIES), {})

    def test_without_its_guard_each_family_has_a_way_in(self):
        for guard in dict.fromkeys(hostile_jobs.OFF.values()):
            families = {f for f, g in hostile_jobs.OFF.items() if g == guard}
            if "a fork bomb" in families and not hostile_jobs.bomb_goes_off():
                print("SKIPPED a fork bomb: the machine itself allows no %d threads" % hostile_jobs.BOMB)
                continue
            with self.subTest(guard):
                self.assertEqual(set(self.breaches(guard, families)), families, "a family that cannot bite")

    def test_users_of_their_own_need_namespaces(self):
        with Rig(hostile_jobs.Guard(True, "cgroups"), {}) as rig:
            bob = rig.client("bob")
            task = bob.wait(bob.submit(self.yaml(0, "exit 0")))["taskRoles"]["main"]["taskStatuses"][0]
            self.assertEqual(task["containerExitCode"], -1210)
            self.assertIn("needs namespaces", str(task))


class Left(unittest.TestCase):
    """What a task of another user leaves behind is not the server's to remove: the spawner does it, when asked to."""

    def setUp(self):
        machine.need(self, "root", "namespaces")
        machine.open_to_all(self)

    def clean(self, rig, attempt):
        packet = b"DRVR" + bytes([1, CLEAN, 0, 0]) + b"\1" + struct.pack("<I", len(attempt)) + attempt.encode()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.connect(os.path.join(rig.server.data, "spawner.sock"))
            s.send(packet)

    def test_is_removed_when_it_has_ended(self):
        with Rig(hostile_jobs.Guard(True, "namespaces"), {}) as rig:
            bob = rig.client("bob")
            runs = bob.submit(droverlib.job_yaml("runs", "mkdir -p deep/er && echo ready && sleep 86400", memory=64))
            droverlib.wait_until(lambda: bob.state(runs) == "RUNNING" and b"ready" in bob.log(runs), "it runs", 30)
            ended = bob.submit(droverlib.job_yaml("ended", "mkdir -p deep/er && chmod 500 deep && exit 0", memory=64))
            bob.wait(ended)
            folders = [os.path.join(rig.server.data, "run", rig.attempt(bob, n)) for n in (runs, ended)]
            self.assertEqual(os.stat(os.path.join(folders[1], "work", "deep")).st_uid, BOB)
            for folder in folders:
                self.clean(rig, os.path.basename(folder))
            droverlib.wait_until(lambda: not os.path.exists(os.path.join(folders[1], "work")), "its files are gone")
            self.assertTrue(os.path.exists(os.path.join(folders[1], "exit")), "its end stays")
            self.assertTrue(os.path.isdir(os.path.join(folders[0], "work", "deep", "er")), "who runs keeps all")


if __name__ == "__main__":
    unittest.main()
