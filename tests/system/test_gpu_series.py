#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Series of GPUs beyond what is in memory: whole after kill -9 up to the last sealing, whole after a stop, told with what
is not stored yet behind it, in the resolution that is asked for."""
import os
import sqlite3
import time
import unittest

import droverlib
import gpus

SEAL_MS = 3000
SCENARIO = ["count 2", "gpu 0 memory 81920 1024", "gpu 0 util 93 41", "gpu 1 util 0 0", "gpu 0 power 250000"]


# Moves 80 MiB over a connection within the machine, for four seconds.
TALK = ("""python3 -c 'import socket, time; a = socket.create_server(("127.0.0.1", 0)); """
        """b = socket.create_connection(a.getsockname()); c, _ = a.accept(); part = bytes(1 << 16); """
        """[(b.sendall(part), c.recv(1 << 16, socket.MSG_WAITALL), time.sleep(i % 16 == 0 and 0.05)) for i in range(1280)]'""")


class GpuSeriesTest(unittest.TestCase):
    def setUp(self):
        self.server = gpus.Server(SCENARIO, {"gpuSealSeconds": SEAL_MS // 1000})
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.login()
        self.begin = int(time.time()) * 1000 - 60000
        self.node = self.admin.json("GET", "/api/v2/nodes")[0]["name"]

    def login(self):
        self.admin = droverlib.Client(self.server).login()

    def path(self, query="", gpu=0):
        return "/api/v2/nodes/%s/gpus/%s/history%s" % (self.node, gpu, query)

    def history(self, query=None, gpu=0):
        return self.admin.json("GET", self.path("?step=1&from=%d" % self.begin if query is None else query, gpu))

    def stored(self):
        """The time of the last sample of GPU 0 that is in the database; 0: none."""
        db = sqlite3.connect("file:%s?mode=ro" % os.path.join(self.server.data, "drover.db"), uri=True)
        try:
            return db.execute("SELECT max(end_ms) - 1 FROM gpu_series WHERE width_ms = 0").fetchone()[0] or 0
        finally:
            db.close()

    def sealed(self, after=0):
        return droverlib.wait_until(lambda: self.stored() > after and self.stored(), "samples are sealed", 60)

    def test_a_kill_costs_what_was_not_sealed(self):
        first = self.sealed()
        last = self.sealed(first)
        before = self.history()
        self.server.kill()
        last = max(last, self.stored())
        self.server.start()
        self.login()
        after = self.history()
        kept = [at for at in before["time"] if at + 1000 <= last]
        self.assertGreater(len(kept), 2)
        self.assertEqual(after["time"][:len(kept)], kept)
        self.assertEqual(after["series"]["utilization"]["max"][:len(kept)], [93] * len(kept))

    def test_what_a_task_uses_beside_gpus_is_kept_with_it(self):
        burn = """python3 -c 'while __import__("time").process_time()<%d:pass'"""
        commands = ["dd if=/dev/zero of=written bs=1M count=64 conv=fsync status=none", TALK, burn % 2, "sleep 3"]
        self.admin.submit(droverlib.job_yaml("burn", commands, cpu=2, memory=512))
        self.assertEqual(self.admin.wait("admin~burn", timeout=60)["jobStatus"]["state"], "SUCCEEDED")

        def use():
            tasks = self.admin.json("GET", "/api/v2/jobs/admin~burn/metrics?points=100")["tasks"]
            return tasks[0] if tasks else None
        told = droverlib.wait_until(use, "what the task used is stored")
        self.assertEqual((told["cores"], told["memoryLimit"], told["taskRoleName"]), (2, 512 << 20, "main"))
        # What it computed before the first look is not counted.
        self.assertGreater(told["cpuSeconds"], 0.5)
        self.assertLess(told["cpuSeconds"], 4)
        self.assertLess(told["coresUsed"], 2)
        self.assertGreater(told["memoryMax"], 1 << 20)
        self.assertGreaterEqual(told["diskWrittenBytes"], 64 << 20)  # as the server's user, as tasks here are
        self.assertEqual(len(told["curve"]["cpu"]), len(told["curve"]["time"]))
        self.assertGreater(max(told["curve"]["cpu"]), 0)
        # What it moved before the first look, and in it, is not counted.
        for way in ("received", "sent"):
            moved = told["network%sBytes" % way.capitalize()]
            self.assertGreater(moved, 1 << 20)
            self.assertLess(moved, 81 << 20)
            self.assertGreater(max(rate or 0 for rate in told["curve"][way]), 0)
        self.assertEqual(len(told["curve"]["sent"]), len(told["curve"]["time"]))
        counted = {line.split()[0]: float(line.split()[1]) for line in self.admin.request("GET", "/metrics").body.decode().splitlines()
                   if line.startswith("drover_task_network_")}
        self.assertEqual(counted["drover_task_network_received_bytes_total"], told["networkReceivedBytes"])
        self.server.kill()
        self.server.start()
        self.login()
        self.assertEqual(use(), told)

    def test_a_stop_costs_nothing(self):
        self.sealed()
        before = self.history()
        self.assertEqual(self.server.stop(), 0)
        self.assertGreaterEqual(self.stored() + 1000, before["time"][-1])
        self.server.start()
        self.login()
        after = self.history()
        self.assertEqual(after["time"][:len(before["time"])], before["time"])

    def test_what_is_new_and_what_is_stored_are_one_series(self):
        self.server.play(*[line.replace("util 93", "util 17") for line in SCENARIO])
        droverlib.wait_until(lambda: 17 in self.history()["series"]["utilization"]["max"], "it is less busy", 60)
        self.sealed(self.history()["time"][-1])
        told = self.history()
        self.assertEqual(told["time"], sorted(set(told["time"])))
        self.assertEqual((told["stepMs"], told["resolutionMs"]), (1000, 0))
        self.assertEqual(told["series"]["memoryUsed"]["mean"][0], 1 << 30)
        self.assertEqual(set(told["series"]["powerMilliwatts"]["min"]), {250000})
        idle = self.history(gpu=1)["series"]
        self.assertEqual(set(idle["utilization"]["max"]), {0})  # an idle GPU is 0
        self.assertEqual(set(idle["powerMilliwatts"]["mean"]), {None})  # and what it does not tell is not
        # All of it as one point: rollups hold what the samples say.
        wide = self.history("?step=3600")
        self.assertEqual(wide["resolutionMs"], 3600000)
        least, most = (min(wide["series"]["utilization"]["min"]), max(wide["series"]["utilization"]["max"]))
        self.assertEqual((least, most), (17, 93))

    def test_simulated_gpus_have_none(self):
        with droverlib.Server() as server:
            client = droverlib.Client(server).login()
            node = client.json("GET", "/api/v2/nodes")[0]["name"]
            told = client.json("GET", "/api/v2/nodes/%s/gpus/0/history" % node)
            self.assertEqual((told["uuid"], told["time"], told["series"]["utilization"]["max"]), ("", [], []))

    def test_bad_questions_are_refused(self):
        for query in ("?from=5&to=5", "?from=x", "?step=0", "?from=0&step=1", "?to=-1"):
            self.assertEqual(self.admin.request("GET", self.path(query)).status, 400, query)
        for gpu in (2, 64):
            self.assertEqual(self.admin.request("GET", self.path(gpu=gpu)).status, 404)
        self.assertLessEqual(len(self.history("?from=0")["time"]), 1000)


if __name__ == "__main__":
    unittest.main()
