# SPDX-License-Identifier: MIT
"""The checker itself: a sound history has no violation, and each planted one is found."""
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import unittest
import uuid
from unittest import mock

import checker
import droverlib
from checker import Amounts, Attempt, Event, Job, Lease, Node, Witness

RULE_NAMES = {rule.__name__.split("_")[0].upper() for rule in checker.RULES}


class RulesTest(unittest.TestCase):
    """The rules over hand-made evidence: two jobs, one ended, one running in this very process' tree."""

    def setUp(self):
        self.data = tempfile.TemporaryDirectory(prefix="drover-checker-")
        self.addCleanup(self.data.cleanup)
        self.ended, self.running = str(uuid.uuid4()), str(uuid.uuid4())
        task = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE,
                                env=dict(os.environ, DROVER_TASK_ATTEMPT=self.running))
        self.addCleanup(lambda: (task.communicate(b"\n"), None))
        # Popen returns in the middle of the exec, when the process has no environment to be seen.
        checker.droverlib.wait_until(lambda: self.running in checker.droverlib.task_processes(), "the task is seen")
        ev = self.ev = checker.Evidence.__new__(checker.Evidence)
        ev.data = self.data.name
        ev.jobs = {"j1": Job("j1", "u~one", "SUCCEEDED", "aa", 10, 50), "j2": Job("j2", "u~two", "RUNNING", "bb", 20, 0)}
        ev.attempts = [
            Attempt(self.ended, "j1", 0, "main", 0, 0, "SUCCEEDED", "n", Amounts(1, 100, 1), [0], [15000], 20, 30, 40, 0),
            Attempt(self.running, "j2", 0, "main", 0, 0, "RUNNING", "n", Amounts(1, 100, 2), [0, 1], [15000], 30, 40, 0, None)]
        ev.leases = {}
        ev.nodes = {"n": Node("n", 2, 400, 3)}
        states = [("j1", ["WAITING", "STARTING", "RUNNING", "COMPLETING", "SUCCEEDED"]),
                  ("j2", ["WAITING", "STARTING", "RUNNING"])]
        ev.events = [Event(i, job, None, 10 + i, state, "JobMoved")
                     for i, (job, state) in enumerate((job, s) for job, many in states for s in many)]
        ev.witness = [Witness("u~one", self.ended, "7", "x"), Witness("u~two", self.running, "8", "y")]
        ev.acked = [("u~one", "aa"), ("u~two", "bb")]
        ev.db = sqlite3.connect(":memory:")
        ev.db.executescript("CREATE TABLE job(id); CREATE TABLE audit(id INTEGER PRIMARY KEY, route, status);"
                            "INSERT INTO job VALUES('j1'), ('j2');"
                            "INSERT INTO audit VALUES(1, '/api/v2/jobs', 202), (2, '/api/v2/jobs', 202)")
        self.addCleanup(ev.db.close)
        self.look()

    def look(self):
        self.ev.processes = checker.droverlib.processes()

    def change(self, at, **fields):
        self.ev.attempts[at] = self.ev.attempts[at]._replace(**fields)

    def change_job(self, name, **fields):
        self.ev.jobs[name] = self.ev.jobs[name]._replace(**fields)

    def found(self, rule, words):
        violations = checker.check(self.ev)
        self.assertTrue([v for v in violations if v.startswith(rule + " ") and words in v], violations)

    def test_a_sound_history(self):
        self.assertEqual(checker.check(self.ev), [])
        self.assertEqual(RULE_NAMES, {"I1", "I2", "I3", "I4", "I5", "I6", "I7"})

    def test_i1(self):
        self.ev.acked.append(("u~three", "cc"))
        self.found("I1", "u~three was acknowledged and is not there")

    def test_i1_other_text(self):
        self.ev.acked[0] = ("u~one", "ab")
        self.found("I1", "with another text")

    def lease(self, attempt, *amounts, gpus=()):
        self.ev.leases[attempt] = Lease(attempt, "n", "HELD", Amounts(*amounts), list(gpus))

    def test_i3_what_a_lease_keeps_may_live(self):
        self.change(1, state="FAILED", completed=50, exit=1)
        self.found("I3", "is FAILED, and process")
        self.lease(self.running, 0, 0, 0)
        self.assertEqual([v for v in checker.check(self.ev) if v.startswith("I3")], [])

    def test_i4_a_lease_holds(self):
        self.lease(self.ended, 1, 100, 1, gpus=[1])
        self.found("I4", "GPU 1 of n is held by %s and the lease of %s" % (self.running, self.ended))
        self.lease(self.ended, 1, 100, 2, gpus=[2])
        self.found("I4", "4 GPUs of n are given out, it has 3")

    def test_i2_twice(self):
        self.ev.witness.append(Witness("u~one", self.ended, "9", "z"))
        self.found("I2", "was started twice: pids 7 and 9")

    def test_i2_without_a_row(self):
        self.ev.witness.append(Witness("u~one", str(uuid.uuid4()), "9", "z"))
        self.found("I2", "was started without a row")

    def test_i2_same_attempt_under_two_ids(self):
        again = str(uuid.uuid4())
        self.ev.attempts.append(self.ev.attempts[0]._replace(id=again))
        self.ev.witness.append(Witness("u~one", again, "9", "z"))
        self.found("I2", "under two ids")

    def test_i3_a_process_of_the_dead(self):
        self.change(1, state="FAILED", exit=1, completed=60)
        self.found("I3", "is FAILED, and process")

    def test_i3_nothing_runs(self):
        self.change(1, id=str(uuid.uuid4()))
        self.found("I3", "is RUNNING, and nothing runs")

    def test_what_may_lag_is_looked_at_again_however_long_a_look_takes(self):
        processes = self.ev.processes
        for looks, found in (([{}, processes], 0), ([{}, {}], 1)):
            evidence = iter(looks)

            def look(*_, evidence=evidence):
                self.ev.processes = next(evidence)
                return self.ev
            with mock.patch.object(checker.Evidence, "from_server", look):
                self.assertEqual(len(checker.check_live(None, patience=0)), found)

    def test_i3_an_exit_that_waits_for_the_server_is_no_violation(self):
        other = str(uuid.uuid4())
        self.change(1, id=other)
        self.ev.witness.pop()
        os.makedirs(os.path.join(self.data.name, "run", other))
        with open(os.path.join(self.data.name, "run", other, "exit"), "w", encoding="ascii"):
            pass
        self.assertEqual(checker.check(self.ev), [])

    def test_i4_a_gpu_held_twice(self):
        other = self.ev.attempts[1]._replace(id=str(uuid.uuid4()), gpus=[1], state="STARTING", ports=[])
        self.ev.attempts.append(other)
        self.found("I4", "GPU 1 of n is held by")

    def test_i4_a_port_held_twice(self):
        other = self.ev.attempts[1]._replace(id=str(uuid.uuid4()), gpus=[], state="STARTING")
        self.ev.attempts.append(other)
        self.found("I4", "port 15000 of n is held by")

    def test_i4_more_than_the_node_has(self):
        self.change(1, wants=Amounts(3, 100, 2))
        self.found("I4", "3 CPUs of n are given out, it has 2")
        self.change(1, wants=Amounts(1, 401, 2))
        self.found("I4", "401 MB of n are given out, it has 400")

    def test_i4_a_gpu_without_its_index_counts(self):
        self.change(1, wants=Amounts(1, 100, 4), gpus=[])
        self.found("I4", "4 GPUs of n are given out, it has 3")

    def test_amounts_of_a_text(self):
        text = checker.droverlib.job_yaml("x", "exit 0", cpu=2, memory=70, gpu=3, ports={"a": 1})
        self.assertEqual(checker.role_amounts(text), {"main": Amounts(2, 70, 3)})

    def test_i5_a_forbidden_edge(self):
        self.ev.events.append(Event(99, "j1", None, 99, "RUNNING", "JobMoved"))
        self.found("I5", "moved SUCCEEDED -> RUNNING")

    def test_i5_a_forbidden_edge_of_a_task(self):
        for i, state in enumerate(("STARTING", "SUCCEEDED", "STOPPED")):
            self.ev.events.append(Event(90 + i, "j2", (0, "main", 0, 0), 90, state, "TaskMoved"))
        self.found("I5", "moved SUCCEEDED -> STOPPED")

    def test_i5_time_goes_back(self):
        self.ev.events.append(Event(99, "j2", None, 1, "COMPLETING", "JobMoved"))
        self.found("I5", "is earlier than the one before")

    def test_i5_a_note_moves_nobody(self):
        first, waits = self.ev.events[0], "JobWaits"
        self.ev.events.insert(1, first._replace(id=98, reason=waits))
        self.assertEqual(checker.check(self.ev), [])
        self.ev.events[1] = first._replace(id=98, state="RUNNING", reason=waits)
        self.found("I5", "moved WAITING -> RUNNING")

    def test_i5_row_and_events_differ(self):
        self.change_job("j1", state="FAILED")
        self.found("I5", "is FAILED, its events say SUCCEEDED")

    def test_i5_no_exit_code(self):
        self.change(0, exit=None)
        self.found("I5", "without an exit code")

    def test_i5_wrong_exit_code(self):
        self.change(0, exit=3)
        self.found("I5", "is SUCCEEDED with exit code 3")

    def test_i5_an_ended_job_with_a_live_attempt(self):
        self.change(0, state="RUNNING", completed=0, exit=None)
        self.found("I5", "is SUCCEEDED, and attempt %s is not" % self.ended)

    def test_i5_times_of_an_attempt(self):
        self.change(0, launched=10)
        self.found("I5", "out of order")

    def test_i6_a_dangling_reference(self):
        self.ev.db.executescript("CREATE TABLE p (id PRIMARY KEY); CREATE TABLE c (p REFERENCES p(id));"
                                 "INSERT INTO c VALUES (5);")
        self.found("I6", "foreign_key_check: table c")

    def test_i7_a_job_without_record(self):
        self.ev.db.execute("DELETE FROM audit WHERE id = 2")
        self.found("I7", "2 jobs, 1 records")

    def test_i7_a_gap(self):
        self.ev.db.execute("UPDATE audit SET id = 3 WHERE id = 2")
        self.found("I7", "has gaps")


class ProgramTest(unittest.TestCase):
    """checker.py as a program, over the folder of a real server with planted rows."""

    PLANTED = [
        ("I1", "UPDATE job SET config = config || '# changed' WHERE name = 'one'"),
        ("I1", "UPDATE job SET name = 'other' WHERE name = 'two'"),
        ("I3", "UPDATE task_attempt SET state = 4, completed_ms = NULL, exit_code = NULL, id = 'x'"
               " WHERE role = 'main' AND job_id = (SELECT id FROM job WHERE name = 'one')"),
        ("I4", "UPDATE task_attempt SET state = 2, completed_ms = NULL, gpus = '[3]'"),
        ("I5", "UPDATE event SET type = 'job.failed' WHERE type = 'job.running'"),
        ("I5", "UPDATE task_attempt SET exit_code = NULL"),
        ("I6", "DELETE FROM job WHERE name = 'one'"),
        ("I7", "DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE id = (SELECT min(id) FROM audit)"),
    ]

    def run_checker(self, *args):
        run = subprocess.run([sys.executable, "-B", checker.__file__, *args], stdout=subprocess.PIPE, text=True, timeout=60)
        return run.returncode, run.stdout

    def test_planted_rows_are_found(self):
        with droverlib.Server() as server, tempfile.TemporaryDirectory(prefix="drover-checker-") as folder:
            witness, acked = os.path.join(folder, "witness"), os.path.join(folder, "acked")
            client = droverlib.Client(server).login()
            with open(acked, "w", encoding="ascii") as f:
                for name in ("one", "two"):
                    text = droverlib.job_yaml(name, [droverlib.witness_command(witness), "exit 0"], gpu=1)
                    f.write("%s %s\n" % (client.submit(text), hashlib.sha256(text.encode()).hexdigest()))
                    client.wait("admin~" + name)
            server.stop()
            args = ("--witness", witness, "--acked", acked)
            self.assertEqual(self.run_checker("--data", server.data, *args), (0, ""))
            for i, (rule, sql) in enumerate(self.PLANTED):
                copy = os.path.join(folder, str(i))
                os.mkdir(copy)
                for name in os.listdir(server.data):
                    if name.startswith("drover.db"):
                        shutil.copy(os.path.join(server.data, name), copy)
                db = sqlite3.connect(os.path.join(copy, "drover.db"))
                db.executescript(sql)
                db.commit()
                db.close()
                code, out = self.run_checker("--data", copy, *args)
                with self.subTest(sql=sql):
                    self.assertEqual(code, 1)
                    self.assertRegex(out, "(?m)^%s " % rule)


if __name__ == "__main__":
    unittest.main()
