# SPDX-License-Identifier: MIT
"""Running tasks outlive the server and the spawner; what ends meanwhile keeps its exit code and its whole log."""
import threading
import unittest

import checker
import droverlib
import jobcase
from droverlib import wait_until


class SurvivalTest(jobcase.JobCase):
    def running_limit(self):
        nodes = self.client.json("GET", "/api/v2/nodes")
        return max(1, min(4, sum(n["cpus"]["total"] for n in nodes)))

    def test_jobs_that_end_while_the_server_is_down(self):
        codes = [0, 3, 77, 255][:self.running_limit()]
        size = 300000
        names = {}
        for code in codes:
            text = "head -c %d /dev/zero | tr '\\0' 'x'; echo; echo last line >&2" % size
            names[code] = self.submit_gated("down-%d" % code, [text, "exit %d" % code])
            self.client.wait(names[code], ("RUNNING",))
        attempts = [self.attempt_id(n) for n in names.values()]
        self.server.kill()
        for code in codes:
            self.open_gate("down-%d" % code)
        for attempt in attempts:
            self.gone(attempt)
        self.server.start()
        for code, name in names.items():
            detail = self.client.wait(name)
            self.assertEqual(detail["jobStatus"]["state"], "FAILED" if code else "SUCCEEDED")
            self.assertEqual(detail["jobStatus"]["appExitCode"], code)
            out, err = self.client.log(name, kind="stdout"), self.client.log(name, kind="stderr")
            self.assertRegex(out[:40], rb"^started \d+\nx")
            self.assertEqual(out.partition(b"\n")[2], b"x" * size + b"\n")
            self.assertEqual(err, b"last line\n")
            self.assertEqual(len(self.client.log(name, kind="all")), len(out) + len(err))
        self.checked()

    def same_process_goes_on(self, name, disturb):
        """The job's process is the same before and after `disturb`, and it ends well."""
        full = self.submit_gated(name, ["echo finished"])
        self.client.wait(full, ("RUNNING",))
        attempt = self.attempt_id(full)
        before = wait_until(lambda: droverlib.task_processes().get(attempt), "the task's processes")
        disturb()
        self.assertEqual(self.client.wait(full, ("RUNNING",))["jobStatus"]["state"], "RUNNING")
        self.assertIn(min(before), droverlib.task_processes().get(attempt, []))
        self.checked()
        self.open_gate(name)
        self.assertEqual(self.client.wait(full)["jobStatus"]["state"], "SUCCEEDED")
        self.assertIn(b"finished\n", self.client.log(full))
        starts = [w for w in checker.read_witness(self.witness) if w.job == full]
        self.assertEqual(len(starts), 1, starts)

    def restart(self):
        self.server.kill()
        self.server.start()

    def test_a_running_job_is_found_again_after_kill_of_the_server(self):
        self.same_process_goes_on("server", self.restart)

    def test_a_running_job_is_found_again_after_an_orderly_restart(self):
        def again():
            self.assertEqual(self.server.stop(), 0, self.server.log_tail())
            self.server.start()
        self.same_process_goes_on("orderly", again)

    def test_a_running_job_outlives_the_spawner(self):
        self.same_process_goes_on("spawner", self.server.kill_spawner)
        full = self.submit("after", ["echo new spawner works"])
        self.assertEqual(self.client.wait(full)["jobStatus"]["state"], "SUCCEEDED")

    def test_a_running_job_outlives_both(self):
        def both():
            spawner = self.server.spawner_pid()
            self.server.kill()
            droverlib.kill_and_wait(spawner)
            self.server.start()
        self.same_process_goes_on("both", both)

    def test_a_job_found_again_can_be_stopped_with_its_whole_tree(self):
        full = self.submit_gated("tree", ["exit 0"])
        self.client.wait(full, ("RUNNING",))
        attempt = self.attempt_id(full)
        self.restart()
        self.client.stop(full)
        self.assertEqual(self.client.wait(full)["jobStatus"]["state"], "STOPPED")
        self.assertEqual(droverlib.task_processes().get(attempt, []), [])
        self.checked()

    def test_waiting_jobs_start_after_a_kill(self):
        names = [self.submit("queue-%d" % i, ["exit %d" % (i % 2)]) for i in range(12)]
        self.restart()
        states = [self.client.wait(n, timeout=40)["jobStatus"]["state"] for n in names]
        self.assertEqual(states, ["SUCCEEDED", "FAILED"] * 6)
        self.checked()

    def test_a_log_that_is_followed_is_whole(self):
        full = self.submit_gated("follow", ["seq 1 2000"])
        self.client.wait(full, ("RUNNING",))
        path = ("/api/v2/jobs/%s/attempts/0/taskRoles/main/taskIndex/0/attempts/0/logs/stdout?follow=true" % full)
        got = []
        reader = threading.Thread(target=lambda: got.append(
            droverlib.Client(self.server, self.client.token).request("GET", path).body))
        reader.start()
        self.open_gate("follow")
        reader.join(30)
        self.assertFalse(reader.is_alive(), "the stream ends with the attempt")
        self.assertEqual(got[0].split(b"\n")[1:], [b"%d" % i for i in range(1, 2001)] + [b""])


if __name__ == "__main__":
    unittest.main()
