#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The health of GPUs, played by the stand-in for NVIDIA's library: each thing that goes wrong gives its state, alert and
action within two samples, jobs on the GPU hear of it, and the GPU returns after its check. Counted in samples and not in
seconds: a slow machine takes fewer."""
import datetime
import http.server
import json
import os
import re
import subprocess
import threading
import time
import unittest

import alertmanager
import droverlib
import gpus
import prometheus

CHECK = 3
TWO = ["count 2", "gpu 0 memory 81920 1024", "gpu 1 memory 81920 0", "gpu 0 util 93 41", "gpu 1 util 0 0",
       "gpu 0 energy 5000", "gpu 1 energy 5000", "gpu 0 ecc 4 1", "gpu 1 ecc 0 0", "gpu 0 rows 0 0", "gpu 1 rows 0 0"]
FINE = {"state": "ok", "cause": None, "reason": None, "action": None}


class Base(unittest.TestCase):
    config = {}
    site = {}

    def setUp(self):
        self.server = gpus.Server(TWO, dict({"gpuHealth": dict({"check": CHECK}, **self.config)}, **self.site))
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.admin = droverlib.Client(self.server).login()
        self.node = self.admin.json("GET", "/api/v2/nodes")[0]["name"]
        self.until("both are sampled", lambda found: all(g["sample"] for g in found))

    def gpus(self):
        return self.admin.json("GET", "/api/v2/nodes/%s/gpus?seconds=3600" % self.node)

    def until(self, what, probe):
        def look():
            found = self.gpus()
            return found if probe(found) else None
        return droverlib.wait_until(look, what, 30)

    def free(self):
        node = self.admin.json("GET", "/api/v2/nodes/" + self.node)
        return node["gpus"]["total"], node["state"], node["cordonReason"]

    def alerts(self):
        return {(a["labels"]["alertname"], a["labels"].get("gpu"), a["labels"]["severity"])
                for a in self.admin.json("GET", "/api/v2/alerts")}

    def samples(self):
        """When the samples of GPU 0 were taken."""
        return self.gpus()[0]["history"]["time"]

    def told_at(self):
        """When the server last logged the health of a GPU, in milliseconds."""
        lines = [line for line in self.server.log_tail(1 << 20).splitlines() if " event=gpu_health " in line]
        at = re.match("time=([^ ]+)Z ", lines[-1]).group(1)
        return datetime.datetime.fromisoformat(at + "+00:00").timestamp() * 1000

    def played(self, *lines, cause, gpu=0):
        """Plays the lines; GPU `gpu` then has the cause. What the server found, and after how many samples that can
        have seen them: the one under way at the start may not have. By the server's times, as we may look late."""
        begin = time.time() * 1000
        self.server.play(*lines)
        found = self.until("it is found: %s" % cause, lambda found: found[gpu]["health"]["cause"] == cause)
        told = self.told_at()
        return found[gpu]["health"], sum(begin < at <= told for at in found[0]["history"]["time"])

    def well_again(self, gpu=0):
        """Plays that all is well; how many samples were taken until it was told so."""
        before = len(self.samples())
        self.server.play(*TWO)
        found = self.until("it is well", lambda found: found[gpu]["health"] == FINE)
        return len(found[0]["history"]["time"]) - before

    def runs(self):
        """A job that has both GPUs."""
        name = self.admin.submit(droverlib.job_yaml("both", ["sleep 3600"], gpu=2))
        self.admin.wait(name, ("RUNNING",))
        self.until("they are held", lambda found: all(g["task"] for g in found))
        return name

    def told(self, name, words):
        def look():
            return [e for e in self.admin.json("GET", "/api/v2/jobs/%s/events" % name)["data"] if words in e["message"]]
        return droverlib.wait_until(look, "%s is told: %s" % (name, words), 30)


class HealthTest(Base):
    def check(self, lines, cause, state, alert, severity, left):
        """One thing that goes wrong with GPU 0, and is over."""
        health, samples = self.played(*lines, cause=cause)
        self.assertEqual((health["state"], health["cause"]), (state, cause))
        self.assertLessEqual(samples, 3, "one that was under way, and two")
        self.assertIn((alert, "0", severity), self.alerts())
        self.assertEqual(self.free()[:2], (left, "up"))
        if left == 1:  # the other one is given out
            name = self.admin.submit(droverlib.job_yaml("other", ["sleep 3600"], gpu=1))
            self.admin.wait(name, ("RUNNING",))
            found = self.until("it is held", lambda found: any(g["task"] for g in found))
            self.assertEqual([g["task"] is not None for g in found], [False, True])
            self.admin.stop(name)
            self.admin.wait(name)
        self.assertGreaterEqual(self.well_again(), CHECK)
        self.assertEqual(self.alerts(), set())
        self.assertEqual(self.free(), (2, "up", None))

    def test_what_passes(self):
        self.check([*TWO, "gpu 0 throttle 64"], "throttled", "degraded", "GpuThrottled", "warn", 2)
        self.check(["gpu 0 rows 1 0", *TWO], "rowsPending", "degraded", "GpuMemoryToReplace", "warn", 2)
        self.check([*TWO, "gpu 0 lost"], "lost", "lost", "GpuLost", "error", 1)
        self.check(["hang"], "driverHangs", "hung", "GpuDriverHangs", "error", 0)

    def test_what_needs_a_reset(self):
        name = self.runs()
        health, samples = self.played(*TWO, "xid 1 0 95", cause="xidReset")
        self.assertLessEqual(samples, 3)
        self.assertEqual(health, {"state": "failed", "cause": "xidReset", "action": "quarantine",
                                  "reason": "It has to be reset. (Xid 95)"})
        self.assertEqual(self.alerts(), {("GpuNeedsReset", "0", "error")})
        self.told(name, "GPU 0: It has to be reset. (Xid 95)")
        self.assertEqual(self.free(), (1, "up", None))
        health, samples = self.played(*[line.replace("ecc 0 0", "ecc 0 1") for line in TWO], cause="ecc", gpu=1)
        self.assertEqual((health["state"], health["action"]), ("failed", "quarantine"))
        self.assertLessEqual(samples, 3)
        self.told(name, "GPU 1: Memory errors could not be corrected.")
        # That they read well proves nothing, nor does a restart of the server.
        begin = len(self.samples())
        self.until("more samples than the check", lambda found: len(found[0]["history"]["time"]) > begin + CHECK + 1)
        self.assertEqual([g["health"]["cause"] for g in self.gpus()], ["xidReset", "ecc"])
        self.server.stop()
        self.server.start()
        self.admin = droverlib.Client(self.server).login()
        self.assertEqual([g["health"]["cause"] for g in self.gpus()], ["xidReset", "ecc"])
        self.until("more samples", lambda found: len(found[0]["history"]["time"]) > CHECK + 1)
        self.assertEqual([g["health"]["cause"] for g in self.gpus()], ["xidReset", "ecc"])
        # A reset does, after the check; and an admin's word.
        self.server.play(*[line.replace("gpu 0 energy 5000", "gpu 0 energy 1").replace("ecc 0 0", "ecc 0 1") for line in TWO])
        self.until("one is well", lambda found: [g["health"]["cause"] for g in found] == [None, "ecc"])
        self.admin.json("PUT", "/api/v2/nodes/%s/state" % self.node, {"value": "uncordon"})
        self.until("both are", lambda found: [g["health"]["cause"] for g in found] == [None, None])
        self.told(name, "Nothing is wrong with its GPU any more.")
        self.assertEqual(self.free(), (2, "up", None))

    def test_xid_79_closes_the_node(self):
        health, samples = self.played(*TWO, "gpu 1 lost", "xid 1 1 79", cause="lost", gpu=1)
        self.assertLessEqual(samples, 3)
        self.assertEqual((health["state"], health["action"]), ("lost", "cordon"))
        self.assertEqual(self.alerts(), {("GpuLost", "1", "error")})
        self.assertEqual(self.free(), (1, "cordoned", "GPU 1: It has fallen off the bus."))
        told = prometheus.samples(self.admin.request("GET", "/metrics").body.decode())
        states = {dict(labels)["state"]: value for (name, labels), value in told.items()
                  if name == "drover_gpu_health" and dict(labels)["gpu"] == "1"}
        self.assertEqual(states, {"ok": 0, "degraded": 0, "failed": 0, "lost": 1, "hung": 0})
        self.server.play(*TWO, "xid 1 1 79")  # back on the bus
        self.until("it is well", lambda found: found[1]["health"] == FINE)
        self.assertEqual(self.free(), (2, "up", None))
        # An admin's own mark is his to take away.
        self.admin.json("PUT", "/api/v2/nodes/%s/state" % self.node, {"value": "drain"})
        self.played(*TWO, "xid 1 1 79", "xid 2 1 79", cause="xidRestart", gpu=1)
        self.assertEqual(self.free(), (1, "draining", None))

    def test_a_jobs_own_fault_is_told_and_no_more(self):
        name = self.runs()
        health, samples = self.played(*TWO, "xid 1 0 31", cause="xidApp")
        self.assertLessEqual(samples, 3)
        self.assertEqual((health["state"], health["action"]), ("ok", "tell"))
        self.told(name, "GPU 0: A program on it made an error. (Xid 31)")
        self.assertEqual((self.alerts(), self.free()), (set(), (2, "up", None)))

    def test_who_fails_on_a_failed_gpu_is_tried_again(self):
        go = os.path.join(self.server.folder, "go")
        name = self.admin.submit(droverlib.job_yaml("again", ["test -e %s && exit 0" % go, "while ! test -e %s.fail; do sleep 0.1; done" % go,
                                                              "exit 1"], gpu=1))
        self.admin.wait(name, ("RUNNING",))
        held = self.until("it is held", lambda found: any(g["task"] for g in found))
        index = next(g["index"] for g in held if g["task"])
        self.played(*TWO, "xid 1 %d 62" % index, cause="xidReset", gpu=index)
        self.told(name, "It has to be reset. (Xid 62)")
        for path in (go, go + ".fail"):
            with open(path, "w", encoding="utf-8"):
                pass
        self.assertEqual(self.admin.wait(name)["jobStatus"]["state"], "SUCCEEDED")
        self.assertEqual(self.admin.job(name)["jobStatus"]["retries"], 1)

    def process(self, **env):
        """A process that is no task's, or that of the attempt in its environment."""
        p = subprocess.Popen(["sleep", "3600"], env=dict(os.environ, **env))
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        return p.pid

    def test_processes_without_a_right(self):
        mark = os.path.join(self.server.folder, "mark")
        name = self.admin.submit(droverlib.job_yaml("one", ["echo $DROVER_TASK_ATTEMPT > %s.new" % mark,
                                                            "mv %s.new %s" % (mark, mark), "sleep 3600"], gpu=1))
        droverlib.wait_until(lambda: os.path.exists(mark), "it has begun", 30)
        with open(mark, encoding="ascii") as f:
            attempt = f.read().strip()
        held = self.until("it is held", lambda found: any(g["task"] for g in found))
        index = next(g["index"] for g in held if g["task"])
        other = 1 - index
        own, foreign = self.process(DROVER_TASK_ATTEMPT=attempt), self.process()
        health, samples = self.played(*TWO, "gpu %d process %d 512" % (index, own), "gpu %d process %d 5" % (other, foreign),
                                      cause="foreign", gpu=other)
        self.assertLessEqual(samples, 3)
        self.assertEqual((health["state"], health["action"]), ("degraded", "quarantine"))
        self.assertEqual(self.gpus()[index]["health"], FINE)
        self.assertEqual(self.alerts(), {("GpuForeignProcess", str(other), "warn")})
        waits = self.admin.submit(droverlib.job_yaml("waits", ["echo fine"], gpu=1))
        self.admin.stop(name)
        self.admin.wait(name)
        # What the task left is a zombie now, and the second job still has to wait.
        found = self.until("it is found", lambda found: found[index]["health"]["cause"] == "zombie")
        self.assertEqual((found[index]["health"]["state"], found[index]["health"]["action"]), ("degraded", "quarantine"))
        self.well_again(index)
        self.assertEqual(self.admin.wait(waits)["jobStatus"]["state"], "SUCCEEDED")


    def test_what_is_kept_for_its_user_is_no_zombie(self):
        mark = os.path.join(self.server.folder, "mark")
        name = self.admin.submit(droverlib.job_yaml(
            "kept", ["echo $DROVER_TASK_ATTEMPT > %s" % mark, "exit 3"], gpu=1,
            extra="extras:\n  drover:\n    debugReservation: {on: always, hold: gpus, maxMinutes: 30}\n"))
        self.assertEqual(self.admin.wait(name)["jobStatus"]["state"], "FAILED")
        with open(mark, encoding="ascii") as f:
            own = self.process(DROVER_TASK_ATTEMPT=f.read().strip())
        # The foreign one shows that processes are judged.
        self.played(*TWO, "gpu 0 process %d 512" % own, "gpu 1 process %d 5" % self.process(), cause="foreign", gpu=1)
        begin = len(self.samples())
        self.until("two more samples", lambda found: len(found[0]["history"]["time"]) > begin + 2)
        self.assertEqual(self.gpus()[0]["health"], FINE)
        self.admin.json("DELETE", "/api/v2/jobs/%s/reservation" % name)
        self.until("it is a zombie now", lambda found: found[0]["health"]["cause"] == "zombie")


class Manager(http.server.ThreadingHTTPServer):
    """Stands in for an Alertmanager: keeps what is posted to it."""

    def __init__(self):
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                self.server.posts.append((self.path, self.headers["Authorization"], json.loads(body)))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.posts = []
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def posted(self, name):
        """The newest of what was posted of an alert."""
        found = [a for _, _, alerts in list(self.posts) for a in alerts if a["labels"]["alertname"] == name]
        return found[-1] if found else None


class AlertsTest(Base):
    def setUp(self):
        self.manager = Manager()
        self.addCleanup(self.manager.server_close)
        self.addCleanup(self.manager.shutdown)
        folder = droverlib.scratch_folder("alerts-")
        token = os.path.join(folder, "token")
        with open(token, "w", encoding="ascii") as f:
            f.write("secret\n")
        self.site = {"alerts": {"seconds": 1, "rules": {"NodeCPUUsage": {"enabled": False}}},
                     "alertmanager": {"url": "http://127.0.0.1:%d/" % self.manager.server_port, "bearerTokenFile": token}}
        super().setUp()

    def lost(self):
        """GpuLost of GPU 0, whatever its state is; None where it is not."""
        found = [a for a in self.admin.json("GET", "/api/v2/alerts?all=true") if a["labels"]["alertname"] == "GpuLost"]
        return found[0] if found else None

    def history(self, count):
        def look():
            data = self.admin.json("GET", "/api/v2/alerts/history?rule=GpuLost")["data"]
            return [(c["state"], c["silenced"]) for c in data] if len(data) >= count else None
        return droverlib.wait_until(look, "%d changes" % count, 30)

    def silence(self, seconds, **more):
        now = datetime.datetime.now(datetime.timezone.utc)
        body = dict({"matchers": [{"name": "alertname", "value": "Gpu.*", "isRegex": True}], "startsAt": now.isoformat(),
                     "endsAt": (now + datetime.timedelta(seconds=seconds)).isoformat(), "comment": "known"}, **more)
        return self.admin.request("POST", "/api/v2/silences", body)

    def test_an_alerts_life(self):
        self.played(*TWO, "gpu 0 lost", cause="lost")
        alert = self.lost()
        self.assertEqual((alert["status"], alert["foreign"]), ("active", False))
        droverlib.wait_until(lambda: self.manager.posted("GpuLost"), "it is posted", 30)
        path, secret, _ = self.manager.posts[-1]
        self.assertEqual((path, secret), ("/api/v2/alerts", "Bearer secret"))
        self.assertEqual(self.manager.posted("GpuLost")["startsAt"], alert["startsAt"])
        # A restart repeats and loses nothing.
        self.assertEqual(self.history(1), [("firing", False)])
        self.server.stop()
        self.server.start()
        self.admin = droverlib.Client(self.server).login()
        self.assertEqual(self.lost()["startsAt"], alert["startsAt"])
        self.until("it is seen again", lambda found: found[0]["health"]["cause"] == "lost")
        self.assertEqual(self.lost()["startsAt"], alert["startsAt"])
        # Silenced, it is not listed, and its end is told to nobody.
        r = self.silence(3600)
        self.assertEqual(r.status, 200, r.body)
        silence = json.loads(r.body)["silenceID"]
        self.assertEqual((self.lost()["status"], self.lost()["silencedBy"], self.alerts()), ("suppressed", silence, set()))
        self.admin.json("DELETE", "/api/v2/silences/" + silence)
        self.assertEqual(self.lost()["status"], "active")
        self.assertEqual(self.admin.json("GET", "/api/v2/silences")[0]["status"], {"state": "expired"})
        self.assertEqual(self.admin.request("DELETE", "/api/v2/silences/" + silence).status, 400)
        self.well_again()
        self.assertIsNone(self.lost())
        self.assertEqual(self.history(2), [("resolved", False), ("firing", False)])
        ends = droverlib.wait_until(lambda: self.manager.posted("GpuLost")["endsAt"] < time.strftime(
            "%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 60)) and self.manager.posted("GpuLost")["endsAt"], "its end is", 30)
        self.assertGreater(ends, alert["startsAt"])

    def test_what_is_refused(self):
        for what, status in (({"matchers": []}, 400), ({"matchers": [{"name": "a", "value": ".*", "isRegex": True}]}, 400),
                             ({"matchers": [{"name": "a", "value": "(", "isRegex": True}]}, 400), ({"comment": ""}, 400),
                             ({"endsAt": "2001-01-01T00:00:00Z"}, 400), ({"startsAt": "today"}, 400), ({"more": 1}, 400),
                             ({"id": "01890000-0000-7000-8000-000000000001"}, 404)):
            self.assertEqual(self.silence(60, **what).status, status, what)
        self.assertEqual(self.admin.json("GET", "/api/v2/silences"), [])
        self.admin.json("POST", "/api/v2/users", {"username": "ana", "password": "ana-password-1", "email": "",
                                                  "virtualCluster": ["default"], "admin": False}, expect=(201,))
        ana = droverlib.Client(self.server).login("ana", "ana-password-1")
        manager = "/api/v2/alertmanager/api/v2"
        posted = [{"labels": {"alertname": "Foreign", "job_name": "ana~x", "username": "ana"}}, {"labels": {"alertname": "Other"}}]
        self.assertEqual([ana.request("GET", "/api/v2/silences").status, ana.request("POST", manager + "/alerts", posted).status],
                         [403, 403])
        self.assertEqual(self.admin.request("POST", manager + "/alerts", posted).status, 200)
        self.assertEqual([a["labels"]["alertname"] for a in ana.json("GET", "/api/v2/alerts")], ["Foreign"])
        self.assertEqual({a["labels"]["alertname"] for a in self.admin.json("GET", manager + "/alerts?filter=alertname%3D~%22F.*%22")},
                         {"Foreign"})
        for bad in ({}, [1], [{"labels": {}}], [{"labels": {"alertname": 1}}], [{"labels": {"a b": "x", "alertname": "A"}}],
                    [{"labels": {"alertname": "A"}, "endsAt": "x"}]):
            self.assertEqual(self.admin.request("POST", manager + "/alerts", bad).status, 400, bad)


class AlertmanagerTest(Base):
    """Debian's own, and its amtool against both."""

    def setUp(self):
        self.manager = alertmanager.Alertmanager()
        self.addCleanup(self.manager.close)
        self.site = {"alerts": {"seconds": 1}, "alertmanager": {"url": self.manager.url}}
        super().setUp()

    def own(self, path=""):
        return self.admin.json("GET", "/api/v2/alertmanager/api/v2" + path)

    def test_a_real_one_is_told_and_amtool_is_content(self):
        self.played(*TWO, "gpu 0 lost", cause="lost")
        theirs = droverlib.wait_until(lambda: self.manager.alert("GpuLost"), "it has the alert", 30)
        ours, = self.own("/alerts?filter=alertname%3DGpuLost")
        self.assertEqual({key: theirs[key] for key in ("labels", "fingerprint", "annotations")},
                         {key: ours[key] for key in ("labels", "fingerprint", "annotations")})
        times = [datetime.datetime.fromisoformat(a["startsAt"].replace("Z", "+00:00")) for a in (theirs, ours)]
        self.assertEqual(*times)
        self.assertEqual(theirs["status"]["state"], "active")
        # What amtool silences there is silenced there, and here what it silences here.
        config = os.path.join(self.manager.folder, "http.yml")
        with open(os.open(config, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write("authorization: {type: Bearer, credentials: %s}\n" % self.admin.token)
        here = "http://%s:%d/api/v2/alertmanager" % self.server.address
        for url, secret, look in ((self.manager.url, None, lambda: self.manager.alert("GpuLost")),
                                  (here, config, lambda: self.own("/alerts?filter=alertname%3DGpuLost")[0])):
            made = alertmanager.amtool(url, "silence", "add", "alertname=GpuLost", 'gpu=~"[0-3]"', "--comment=new fans",
                                       "--author=ana", config=secret)
            listed, = alertmanager.amtool(url, "silence", "query", config=secret)
            self.assertEqual((listed["id"], listed["comment"], listed["status"]["state"]), (made, "new fans", "active"))
            self.assertEqual([(m["name"], m["value"], m["isRegex"]) for m in listed["matchers"]],
                             [("alertname", "GpuLost", False), ("gpu", "[0-3]", True)])
            droverlib.wait_until(lambda: look()["status"]["silencedBy"] == [made], "it is silenced", 30)  # pylint: disable=cell-var-from-loop
            self.assertEqual([a["labels"]["alertname"] for a in alertmanager.amtool(url, "alert", "query", "-s", "alertname=GpuLost", config=secret)],
                             ["GpuLost"])
            alertmanager.amtool(url, "silence", "expire", made, config=secret)
            droverlib.wait_until(lambda: look()["status"]["state"] == "active", "it is not any more", 30)  # pylint: disable=cell-var-from-loop
            self.assertEqual(alertmanager.amtool(url, "silence", "query", config=secret), [])
        self.well_again()
        droverlib.wait_until(lambda: not self.manager.alert("GpuLost"), "its end is told", 30)


class PolicyTest(Base):
    config = {"foreign": "tell", "ecc": "cordon"}

    def test_the_site_decides(self):
        foreign = subprocess.Popen(["sleep", "3600"])
        self.addCleanup(foreign.wait)
        self.addCleanup(foreign.kill)
        health, _ = self.played(*TWO, "gpu 0 process %d 512" % foreign.pid, cause="foreign")
        self.assertEqual((health["action"], self.free()), ("tell", (2, "up", None)))
        health, _ = self.played(*[line.replace("ecc 4 1", "ecc 4 2") for line in TWO], cause="ecc")
        self.assertEqual(health["action"], "cordon")
        self.assertEqual(self.free(), (1, "cordoned", "GPU 0: Memory errors could not be corrected."))
        self.admin.json("PUT", "/api/v2/nodes/%s/state" % self.node, {"value": "uncordon"})
        self.until("both are well", lambda found: [g["health"] for g in found] == [FINE, FINE])
        self.assertEqual(self.free(), (2, "up", None))


if __name__ == "__main__":
    unittest.main()
