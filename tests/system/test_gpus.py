#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""GPUs that a driver tells of, played by the stand-in for NVIDIA's library: the engine gives out what was found, samples
reach the API, the client and Prometheus with who holds each GPU, and a driver that loses a GPU, or hangs, holds up
nothing else."""
import os
import subprocess
import unittest

import droverlib
import gpus
import prometheus

TWO = ["count 2", "gpu 0 name NVIDIA A100-SXM4-80GB", "gpu 1 name NVIDIA A100-SXM4-80GB", "gpu 0 memory 81920 1024",
       "gpu 1 memory 81920 0", "gpu 0 util 93 41", "gpu 1 util 0 0", "gpu 0 power 250000", "gpu 0 limit 400000", "gpu 0 temperature 61",
       "gpu 0 clock 1410 1215", "gpu 0 energy 5500", "gpu 0 ecc 4 1", "gpu 0 process 1234 512"]
UUID = "GPU-00000000-0000-0000-0000-00000000000%d"
#: What the API tells of GPU 0 then, and as which series with which value.
TOLD = {"utilization": (93, "utilization_ratio", 0.93), "memoryUtilization": (41, "memory_utilization_ratio", 0.41),
        "memoryTotal": (80 << 30, "memory_bytes", 80 << 30), "memoryUsed": (1 << 30, "memory_used_bytes", 1 << 30),
        "powerMilliwatts": (250000, "power_watts", 250),
        "powerLimitMilliwatts": (400000, "power_limit_watts", 400), "temperature": (61, "temperature_celsius", 61),
        "clockMHz": (1410, "clock_hertz", 1410e6), "memoryClockMHz": (1215, "memory_clock_hertz", 1215e6),
        "energyMillijoules": (5500, "energy_joules_total", 5.5), "eccCorrected": (4, "ecc_corrected_errors_total", 4),
        "eccUncorrected": (1, "ecc_uncorrected_errors_total", 1), "xid": (0, "last_xid", 0), "processes": (1, "processes", 1)}


class GpusTest(unittest.TestCase):
    def setUp(self):
        self.server = gpus.Server(TWO)
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.admin = droverlib.Client(self.server).login()
        self.node = self.admin.json("GET", "/api/v2/nodes")[0]["name"]

    def gpus(self, client=None, query=""):
        return (client or self.admin).json("GET", "/api/v2/nodes/%s/gpus%s" % (self.node, query))

    def until(self, what, probe, client=None):
        """The list of GPUs once `probe` is content with it."""
        def look():
            found = self.gpus(client)
            return found if probe(found) else None
        return droverlib.wait_until(look, what, 30)

    def sampled(self):
        return self.until("both are sampled", lambda found: all(g["sample"] for g in found))

    def series(self, client=None):
        return prometheus.samples((client or self.admin).request("GET", "/metrics").body.decode())

    def labels(self, index, **more):
        return frozenset(dict({"node": self.node, "gpu": str(index), "UUID": UUID % index}, **more).items())

    def test_the_engine_gives_out_what_was_found(self):
        devices = self.admin.json("GET", "/api/v2/nodes/" + self.node)["devices"]
        self.assertEqual([(d["uuid"], d["model"], d["memoryMB"], d["simulated"]) for d in devices],
                         [(UUID % i, "NVIDIA A100-SXM4-80GB", 81920, False) for i in range(2)])
        name = self.admin.submit(droverlib.job_yaml("one", ["echo has $CUDA_VISIBLE_DEVICES", "sleep 3600"], gpu=1))
        self.admin.wait(name, ("RUNNING",))
        held = self.until("one is held", lambda found: sum(g["task"] is not None for g in found) == 1)
        index = next(g["index"] for g in held if g["task"])
        self.assertEqual((held[index]["task"]["username"], held[index]["task"]["name"], held[index]["task"]["taskRoleName"]),
                         ("admin", "one", "main"))
        self.assertEqual(self.admin.json("GET", "/api/v2/nodes/%s/tasks" % self.node)[0]["gpus"], [index])

    def test_samples_are_told(self):
        found = self.sampled()
        self.assertEqual({key: found[0]["sample"][key] for key in TOLD}, {key: value for key, (value, _, _) in TOLD.items()})
        # An idle GPU is 0; what it does not tell is not.
        self.assertEqual((found[1]["state"], found[1]["sample"]["utilization"], found[1]["sample"]["powerMilliwatts"]),
                         ("ok", 0, None))
        told = self.series()
        model = "NVIDIA A100-SXM4-80GB"
        for _, series, value in TOLD.values():
            self.assertEqual(told["drover_gpu_" + series, self.labels(0, model=model)], value, series)
        self.assertEqual(told["drover_gpu_utilization_ratio", self.labels(1, model=model)], 0)
        self.assertNotIn(("drover_gpu_power_watts", self.labels(1, model=model)), told)
        self.server.play(*TWO, "gpu 0 lost")
        found = self.until("it is lost", lambda found: found[0]["state"] == "lost")
        self.assertIsNone(found[0]["sample"]["utilization"])
        told = self.series()
        self.assertEqual(told["drover_gpu_lost", self.labels(0, model=model)], 1)
        self.assertNotIn(("drover_gpu_utilization_ratio", self.labels(0, model=model)), told)
        self.server.play(*[line.replace("util 93", "util 17") for line in TWO], "xid 1 0 94")
        self.until("it is back", lambda found: found[0]["sample"] and found[0]["sample"]["utilization"] == 17)

    def test_the_last_hour_is_kept(self):
        self.sampled()
        self.server.play(*[line.replace("util 93", "util 17") for line in TWO])
        self.until("it is less busy", lambda found: found[0]["sample"]["utilization"] == 17)
        history = self.gpus(query="?seconds=3600")[0]["history"]
        self.assertEqual((history["utilization"][0], history["utilization"][-1]), (93, 17))
        self.assertEqual(history["time"], sorted(history["time"]))
        self.assertEqual({len(series) for series in history.values()}, {len(history["time"])})
        self.assertNotIn("history", self.gpus()[0])
        for seconds in (-1, 3601, "x"):
            self.assertEqual(self.admin.request("GET", "/api/v2/nodes/%s/gpus?seconds=%s" % (self.node, seconds)).status, 400)
        self.assertEqual(self.admin.request("GET", "/api/v2/nodes/nowhere/gpus").status, 404)

    def test_who_holds_them_is_told_to_who_may_know(self):
        self.admin.json("PUT", "/api/v2/virtual-clusters/secret",
                        {"read": "own", "guarantee": [{"sku": "nvidia-a100-sxm4-80gb", "gpus": 1}]}, (201,))
        self.admin.json("POST", "/api/v2/users", {"username": "carl", "password": "some password of carl's"}, (201,))
        carl = droverlib.Client(self.server).login("carl", "some password of carl's")
        name = self.admin.submit(droverlib.job_yaml("hidden", ["sleep 3600"], gpu=1,
                                                    extra="defaults: {virtualCluster: secret}\n"))
        self.admin.wait(name, ("RUNNING",))
        found = self.until("one is held", lambda found: any(g["task"] for g in found))
        index = next(g["index"] for g in found if g["task"])
        held = "drover_gpu_held", self.labels(index, job_name=name, vc="secret", user="admin")
        self.assertEqual(self.series()[held], 1)
        self.assertEqual([g["task"] for g in self.gpus(carl)], [None, None])
        self.assertEqual([series for series in self.series(carl) if series[0] == "drover_gpu_held"], [])

    def test_a_driver_that_hangs_holds_up_nothing(self):
        self.sampled()
        self.server.play("hang")
        found = self.until("it is told", lambda found: found[0]["state"] == "driverHangs")
        self.assertIsNone(found[0]["sample"])
        told = self.series()
        self.assertEqual(told["drover_gpu_driver_up", frozenset([("node", self.node)])], 0)
        self.assertNotIn("drover_gpu_utilization_ratio", {name for name, _ in told})
        name = self.admin.submit(droverlib.job_yaml("runs", ["echo fine"]))
        self.assertEqual(self.admin.wait(name)["jobStatus"]["state"], "SUCCEEDED")
        waits = self.admin.submit(droverlib.job_yaml("waits", ["echo fine"], gpu=1))
        self.server.play(*TWO)
        self.sampled()
        self.assertEqual(self.admin.wait(waits)["jobStatus"]["state"], "SUCCEEDED")  # after the check of its GPU
        self.assertEqual(self.series()["drover_gpu_driver_up", frozenset([("node", self.node)])], 1)
        self.server.play("hang")
        self.assertEqual(self.server.stop(), 0)

    def use(self, name, probe):
        """What a job made of its GPUs, once that is content with it."""
        def look():
            found = self.admin.json("GET", "/api/v2/jobs/%s/metrics" % name)
            return found if probe(found) else None
        return droverlib.wait_until(look, "the use of %s is told" % name, 30)

    def run_sampled(self, name, gpu, samples=3):
        """A job that has run for so many samples at least, and ended."""
        full = self.admin.submit(droverlib.job_yaml(name, ["sleep 3600"], gpu=gpu))
        self.admin.wait(full, ("RUNNING",))
        begin = self.gpus()[0]["sample"]["time"]
        self.until("samples are taken", lambda found: found[0]["sample"] and
                   found[0]["sample"]["time"] > begin + samples * 1000)
        self.admin.stop(full)
        self.admin.wait(full)
        return full

    def test_a_jobs_use_is_kept_with_it(self):
        self.sampled()
        none = self.admin.submit(droverlib.job_yaml("none", ["echo fine"]))
        self.admin.wait(none)
        self.assertEqual(self.use(none, lambda found: True)["lastAttempt"]["gpus"], 0)
        name = self.run_sampled("both", 2)
        found = self.use(name, lambda found: len(found["gpus"]) == 2)
        first, second = found["gpus"]
        self.assertEqual([(g["gpu"], g["uuid"], g["taskRoleName"], g["jobAttempt"]) for g in found["gpus"]],
                         [(i, UUID % i, "main", 0) for i in range(2)])
        self.assertEqual((first["utilization"], first["utilizationMax"], first["utilizationP50"], first["utilizationP95"]),
                         (93, 93, 93, 93))
        self.assertEqual((first["memoryMean"], first["memoryMax"], first["memoryTotal"]), (1 << 30, 1 << 30, 80 << 30))
        self.assertAlmostEqual(first["energyJoules"], 250 * first["sampledMs"] / 1000, delta=1e-6)
        self.assertGreaterEqual(first["sampledMs"], 2000)
        self.assertEqual((first["idleMs"], second["idleMs"], second["utilization"]), (0, second["sampledMs"], 0))
        last = found["lastAttempt"]
        self.assertEqual((last["gpus"], last["sampledMs"]), (2, first["sampledMs"] + second["sampledMs"]))
        self.assertAlmostEqual(last["utilization"], 93 * first["sampledMs"] / last["sampledMs"], places=6)
        self.curve_is_kept(name, first)
        # The next one begins anew.
        self.server.play(*[line.replace("util 93", "util 17") for line in TWO])
        self.until("it is less busy", lambda found: found[0]["sample"] and found[0]["sample"]["utilization"] == 17)
        again = self.run_sampled("again", 2)
        self.assertEqual(self.use(again, lambda found: len(found["gpus"]) == 2)["gpus"][0]["utilization"], 17)
        self.assertEqual(self.use(name, lambda found: True)["gpus"], found["gpus"])
        self.assertIn("93 % at most; idle 50 % of the time; memory up to 1.0 GiB of 80.0 GiB", self.drover("job", name))

    def curve_is_kept(self, name, use):
        def curve(points):
            return self.admin.json("GET", "/api/v2/jobs/%s/metrics?points=%d" % (name, points))["gpus"][0]["curve"]
        whole = curve(1000)
        self.assertEqual((set(whole["utilization"]), set(whole["utilizationMax"]), set(whole["memoryMax"])),
                         ({93}, {93}, {1 << 30}))
        self.assertGreater(len(whole["time"]), 1)
        self.assertLessEqual(whole["time"][0], use["firstSampleTime"])
        self.assertTrue(0 <= use["lastSampleTime"] - whole["time"][-1] < whole["stepMs"])
        self.assertEqual((len(curve(1)["time"]), curve(1)["utilization"]), (1, [93]))
        self.assertNotIn("curve", use)
        for points in (0, 1001, "x"):
            self.assertEqual(self.admin.request("GET", "/api/v2/jobs/%s/metrics?points=%s" % (name, points)).status, 400)

    def test_a_jobs_profile_tells_how_far_it_is(self):
        self.sampled()
        name = self.admin.submit(droverlib.job_yaml(
            "learns", ["for i in 1 2 30; do echo step $i/100 loss 0.5; done", "sleep 3600"], gpu=1))
        self.admin.wait(name, ("RUNNING",))

        def look():
            found = self.admin.json("GET", "/api/v2/jobs/%s/profile" % name)
            return found if found["gpus"] and found["progress"] else None
        told = droverlib.wait_until(look, "it is profiled", 30)
        self.assertEqual((told["gpus"], told["kind"], told["stepMs"]), (1, "unknown", 5000))  # of too few samples
        progress = told["progress"]
        self.assertEqual([progress[k] for k in ("step", "steps", "loss", "done", "stalled")], [30, 100, 0.5, 0.3, False])
        self.assertIn("Done: 30 %", self.drover("job", name))
        self.assertRegex(self.drover("profile", name), r"Progress: +step 30 of 100 · loss 0.5 .*30 % done")
        self.admin.stop(name)
        self.admin.wait(name)
        self.assertIsNone(self.admin.json("GET", "/api/v2/jobs/%s/profile" % name)["progress"]["leftMs"])

    def test_a_restart_goes_on_with_it(self):
        self.sampled()
        name = self.admin.submit(droverlib.job_yaml("long", ["sleep 3600"], gpu=2))
        other = self.admin.submit(droverlib.job_yaml("waits", ["echo fine"], gpu=2))
        self.admin.wait(name, ("RUNNING",))
        self.until("it is sampled", lambda found: found[0]["sample"] and found[0]["sample"]["time"] > self.begin_of(name) + 3000)
        self.server.stop()
        self.server.start()
        self.admin = droverlib.Client(self.server).login()
        before = self.use(name, lambda found: len(found["gpus"]) == 2)["gpus"][0]
        self.assertEqual(before["utilization"], 93)
        self.server.play(*[line.replace("util 93", "util 17") for line in TWO])
        begin = self.until("it is less busy", lambda found: found[0]["sample"] and
                           found[0]["sample"]["utilization"] == 17)[0]["sample"]["time"]
        self.until("more samples", lambda found: found[0]["sample"] and found[0]["sample"]["time"] > begin + 3000)
        self.admin.stop(name)
        self.admin.wait(other)
        after = self.use(name, lambda found: found["gpus"][0]["sampledMs"] > before["sampledMs"])["gpus"][0]
        self.assertEqual((after["firstSampleTime"], after["utilizationMax"]), (before["firstSampleTime"], 93))
        self.assertTrue(17 < after["utilization"] < 93, after)
        curve = self.admin.json("GET", "/api/v2/jobs/%s/metrics?points=1000" % name)["gpus"][0]["curve"]
        self.assertEqual((curve["utilizationMax"][0], curve["utilizationMax"][-1]), (93, 17))
        self.assertLessEqual(curve["time"][0], before["firstSampleTime"])

    def begin_of(self, name):
        return self.admin.job(name)["jobStatus"]["appLaunchedTime"]

    def drover(self, *args):
        """The standard output of the client, who is logged in."""
        home = self.server.folder

        def run(*args):
            return subprocess.run([droverlib.binary("drover"), *args], capture_output=True, check=True, cwd=home,
                                  env={"XDG_CONFIG_HOME": home, "HOME": home, "LANG": "C.UTF-8"},
                                  timeout=60 * droverlib.TIME_SCALE).stdout.decode()
        run("login", "http://%s:%d" % self.server.address, "-u", droverlib.ADMIN, "--password-file",
            os.path.join(home, "password"))
        return run(*args)

    def test_the_verb_lists_them(self):
        self.sampled()
        head, first, second = self.drover("node", "gpus", self.node).splitlines()
        self.assertEqual(head.split()[:4], ["GPU", "STATE", "BUSY", "%"])
        self.assertEqual(first.split()[:9], ["0", "ok", "93", "1.0", "GiB", "80.0", "GiB", "250", "61"])
        self.assertEqual(second.split()[:3], ["1", "ok", "0"])

    def test_prometheus_joins_figures_and_holders(self):
        prometheus.needed()
        token = self.admin.json("POST", "/api/v2/tokens/application", {"readOnly": True})["token"]
        name = self.admin.submit(droverlib.job_yaml("both", ["sleep 3600"], gpu=2))
        self.admin.wait(name, ("RUNNING",))
        self.sampled()
        self.assertEqual(prometheus.promtool(self.admin.request("GET", "/metrics").body.decode()), (0, ""))
        exporter, scraper = prometheus.Exporter(), prometheus.Prometheus()
        self.addCleanup(exporter.close)
        self.addCleanup(scraper.close)
        scraper.scrape(self.server, token, exporter.port)
        joined = ("drover_gpu_utilization_ratio * on (node, gpu) group_left (job_name, vc, user) drover_gpu_held")
        found = droverlib.wait_until(lambda: len(scraper.query(joined)) == 2 and scraper.query(joined), "they join", 60)
        self.assertEqual({(labels["gpu"], labels["job_name"], labels["vc"], labels["user"]): value for labels, value in found},
                         {("0", name, "default", "admin"): 0.93, ("1", name, "default", "admin"): 0})
        for _, series, value in TOLD.values():
            told = scraper.query('drover_gpu_%s{gpu="0"}' % series)
            self.assertEqual([v for _, v in told], [value], series)


if __name__ == "__main__":
    unittest.main()
