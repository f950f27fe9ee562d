# SPDX-License-Identifier: MIT
"""A test case with a server, jobs that wait for their test, and the checker."""
import hashlib
import os
import subprocess
import unittest

import checker
import droverlib
import machine
from droverlib import wait_until


class JobCase(unittest.TestCase):
    #: The server's configuration beside droverlib's, its wrapper, its environment, its user, its program.
    CONFIG, WRAPPER, ENV, UID, PROGRAM = {}, (), {}, None, "droverd"

    def setUp(self):
        if self.UID is not None:
            machine.need(self, "root")
            machine.open_to_all(self)
        self.server = droverlib.Server(self.CONFIG, wrapper=self.WRAPPER, env=self.ENV, uid=self.UID,
                                       program=self.PROGRAM)
        self.server.__enter__()
        self.addCleanup(self.server.clean_up)
        self.client = droverlib.Client(self.server).login()
        self.witness = os.path.join(self.server.folder, "witness")
        self.acked = []

    def path(self, name):
        return os.path.join(self.server.folder, name)

    def submit(self, name, commands, **more):
        """A job that first writes its witness line; its full name."""
        yaml = droverlib.job_yaml(name, [droverlib.witness_command(self.witness)] + commands, **more)
        full = self.client.submit(yaml)
        self.acknowledged(full, yaml)
        return full

    def acknowledged(self, full, yaml):
        """The server has accepted this text: the checker holds it to that."""
        self.acked.append((full, hashlib.sha256(yaml.encode()).hexdigest()))

    def submit_gated(self, name, commands, gate=None, **more):
        """A job that runs `commands` once the file `go-GATE` exists (GATE is the job's name unless given). It ends by
        itself after some minutes."""
        loop = ("i=0; while [ ! -e %s ]; do sleep 0.05; i=$((i+1)); [ $i -lt 6000 ] || exit 99; done"
                % self.path("go-" + (gate or name)))
        return self.submit(name, ["echo started $$", loop] + commands, **more)

    def submit_open(self):
        """A job "open" that runs until its gate is opened: `full` and `attempt` name it."""
        self.full = self.submit_gated("open", ["echo end"])
        self.attempt = self.attempt_id(self.full)
        self.client.wait(self.full, ("RUNNING",))

    def open_gate(self, name):
        with open(self.path("go-" + name), "w", encoding="ascii"):
            pass

    def attempts_of(self, full):
        """The attempt ids of a job's starts, as the witness file has them."""
        return [w.attempt for w in checker.read_witness(self.witness) if w.job == full]

    def attempt_id(self, full):
        """The id of the newest attempt of the only task; waits for its start."""
        return wait_until(lambda: self.attempts_of(full), "%s starts" % full, 20)[-1]

    def gone(self, attempt):
        """Wait until the attempt's exit is recorded by its shim."""
        wait_until(lambda: checker.has_ended(self.server.data, attempt), "attempt %s ends" % attempt, 20)

    def states(self):
        """{user~name: state} of all jobs."""
        jobs = self.client.json("GET", "/api/v2/jobs?limit=5000")
        return {"%s~%s" % (j["username"], j["name"]): j["state"] for j in jobs}

    def wait_all(self, names, states=droverlib.FINAL, timeout=60):
        """Wait until every job is in one of the states; {name: state}."""
        def probe():
            now = self.states()
            return now if all(now[n] in states for n in names) else None
        return wait_until(probe, "%d jobs are %s" % (len(names), "/".join(states)), timeout, 0.05)

    def checked(self):
        self.assertEqual(checker.check_live(self.server, self.witness, self.acked), [])

    def drover(self, *args, status=0):
        """Runs the client in the folder `here`, logged in as the admin; it must end with `status`."""
        env = {"PATH": os.environ["PATH"], "HOME": self.server.folder, "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        if not os.path.exists(self.path(".config/drover")):
            subprocess.run([droverlib.binary("drover"), "login", "http://%s:%d" % self.server.address, "-u", "admin",
                            "--password-file", self.path("password")], env=env, check=True, capture_output=True)
        os.makedirs(self.path("here"), exist_ok=True)
        r = subprocess.run([droverlib.binary("drover"), *args], env=env, cwd=self.path("here"), capture_output=True,
                           check=False, timeout=60)
        self.assertEqual(r.returncode, status, (args, r.stdout[-500:], r.stderr))
        return r
