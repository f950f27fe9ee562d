#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Remote write into Debian's Prometheus: it has the values that our API tells, an hour of 100 series of them; what
droverd sends by itself is what it exposes, ends when it ends, and has no gap after the receiver was away; each query of
the dashboards has an answer. And a receiver of ours, which refuses and puts off as the protocol allows."""
import base64
import glob
import http.server
import json
import os
import re
import shutil
import subprocess
import threading
import time
import unittest
import urllib.parse

import droverlib
import gpus
import prometheus

GPUS, PERIOD_MS, HOUR_MS = 10, 5000, 3600000
SCENARIO = ["count %d" % GPUS] + [line % (i, *rest) for i in range(GPUS) for line, rest in (
    ("gpu %d memory 81920 %d", (1024 + i,)), ("gpu %d util %d 12", (10 + i,)), ("gpu %d power %d", (250000 + i,)),
    ("gpu %d temperature 61", ()), ("gpu %d clock 1410 1593", ()), ("gpu %d energy %d", (123456 + i,)),
    ("gpu %d ecc 3 0", ()))]
#: Figures of the API's history that the feed has: the series in Prometheus, and how many of ours are one of its units.
FIGURES = {"utilization": ("drover_gpu_utilization_ratio", 100), "memoryUtilization": ("drover_gpu_memory_utilization_ratio", 100),
           "memoryUsed": ("drover_gpu_memory_used_bytes", 1), "powerMilliwatts": ("drover_gpu_power_watts", 1e3),
           "temperature": ("drover_gpu_temperature_celsius", 1), "clockMHz": ("drover_gpu_clock_hertz", 1e-6),
           "memoryClockMHz": ("drover_gpu_memory_clock_hertz", 1e-6), "energyMillijoules": ("drover_gpu_energy_joules_total", 1e3),
           "eccCorrected": ("drover_gpu_ecc_corrected_errors_total", 1),
           "eccUncorrected": ("drover_gpu_ecc_uncorrected_errors_total", 1)}
PUSHED = "pushed"
#: Of droverd's own process: never twice the same.
MOVING = ("process_", "drover_database_", "drover_commit", "drover_commands", "drover_remote_write_")


def feed(data, node, end_ms, url):
    """What the feed says that became of its samples."""
    program = os.path.join(os.path.dirname(droverlib.BIN), "tests", "remote_feed")
    done = subprocess.run([program, data, node, str(end_ms), url], check=True, capture_output=True,
                          timeout=120 * droverlib.PATIENCE)
    return json.loads(done.stdout)


class RemoteWriteTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        prometheus.needed()
        cls.prometheus = prometheus.Prometheus()
        cls.addClassCleanup(cls.prometheus.close)
        url = "http://127.0.0.1:%d/api/v1/write" % cls.prometheus.port
        cls.server = gpus.Server(SCENARIO, {"remoteWrite": {
            "url": url, "intervalSeconds": 1, "user": droverlib.ADMIN, "labels": {"job": PUSHED}}, "node": "here"})
        cls.addClassCleanup(cls.server.clean_up)
        cls.server.init()
        cls.end_ms = int(time.time()) * 1000 // PERIOD_MS * PERIOD_MS
        cls.fed = feed(cls.server.data, "here", cls.end_ms, url)
        cls.server.start()
        cls.admin = droverlib.Client(cls.server).login()
        cls.held = cls.admin.submit(droverlib.job_yaml("held", ["sleep 3600"], gpu=2))
        token = cls.admin.json("POST", "/api/v2/tokens/application", {"readOnly": True})["token"]
        cls.exporter = prometheus.Exporter()
        cls.addClassCleanup(cls.exporter.close)
        cls.prometheus.scrape(cls.server, token, cls.exporter.port)
        cls.admin.wait(cls.held, ("RUNNING",))

    def own(self, name):
        """A figure of /metrics about sending."""
        told = prometheus.samples(self.admin.request("GET", "/metrics").body.decode())
        return told["drover_remote_write_" + name, frozenset()]

    def test_an_hour_of_100_series_has_no_difference(self):
        """0 of 72,000 values."""
        begin = self.end_ms - HOUR_MS
        self.assertEqual(self.fed, {"taken": GPUS * 11 * 720, "refused": 0, "dropped": 0, "retries": 0, "waiting": 0})
        series = values = differences = 0
        for figure, (name, unit) in FIGURES.items():
            found = {dict(labels)["gpu"]: points for labels, points in self.prometheus.range(
                '%s{job="drover"}' % name, begin / 1000, (self.end_ms - PERIOD_MS) / 1000, PERIOD_MS // 1000).items()}
            for gpu in range(GPUS):
                told = self.history(gpu, begin, self.end_ms, PERIOD_MS // 1000)
                want = {at: value / unit for at, value in zip(told["time"], told["series"][figure]["mean"])}
                series += 1
                values += len(want)
                got = found.get(str(gpu), {})
                differences += sum(1 for at in want.keys() | got.keys() if want.get(at) != got.get(at))
        self.assertEqual((series, values, differences), (100, 72000, 0))

    def history(self, gpu, begin, end, step):
        key = (gpu, begin, end, step)
        if key not in self.told:
            self.told[key] = self.admin.json("GET", "/api/v2/nodes/here/gpus/%d/history?from=%d&to=%d&step=%d" % key)
        return self.told[key]

    told = {}

    def series(self, job):
        """{name and labels but those of the scrape: value} of what was sampled last, in Prometheus."""
        return {(m.pop("__name__"), frozenset((k, v) for k, v in m.items() if k not in ("job", "instance"))): value
                for m, value in self.prometheus.query('{job="%s", __name__=~"drover_.*|process_.*"}' % job)}

    def test_what_is_sent_is_what_is_exposed(self):
        """Every series of /metrics, and their values where they stand still."""
        def differing():
            told = prometheus.samples(self.admin.request("GET", "/metrics").body.decode())
            exposed = {(name, frozenset(label for label in labels if label[1])): value
                       for (name, labels), value in told.items()}
            sent = self.series(PUSHED)
            return {k: (exposed.get(k), sent.get(k)) for k in exposed.keys() | sent.keys()
                    if exposed.get(k) != sent.get(k) and (k not in exposed or k not in sent or not k[0].startswith(MOVING))}
        droverlib.wait_until(lambda: self.series(PUSHED) and not differing(), "the same series and values", 60)
        self.assertGreater(len(self.series(PUSHED)), 200)

    def points(self, seconds):
        """{ms: value} of one figure of GPU 3 in Prometheus, as it was sent, sample by sample."""
        found = self.prometheus.ask("/api/v1/query?query=" + urllib.parse.quote(
            'drover_gpu_memory_used_bytes{job="%s",gpu="3"}[%ds]' % (PUSHED, seconds)))["result"]
        return {round(at * 1000): float(v) for at, v in found[0]["values"]} if found else {}

    def sampled(self, seconds):
        """The same as our API tells it."""
        told = self.admin.json("GET", "/api/v2/nodes/here/gpus?seconds=%d" % seconds)[3]["history"]
        return dict(zip(told["time"], map(float, told["memoryUsed"])))

    def test_nothing_is_missing_after_an_outage(self):
        droverlib.wait_until(lambda: len(self.points(600)) > 1, "samples were sent")
        self.prometheus.stop()
        gone = max(self.sampled(600))
        droverlib.wait_until(lambda: self.own("retries_total") > 1 and self.own("lag_seconds") > 2, "samples wait", 60)
        self.assertGreater(self.own("samples_pending"), 0)
        self.prometheus.start()
        droverlib.wait_until(lambda: self.points(600) and max(self.points(600)) > gone + 3000 and
                             self.own("lag_seconds") < 2, "they were sent", 60)
        got = self.points(600)
        want = {at: value for at, value in self.sampled(600).items() if at <= max(got)}
        self.assertEqual(got, want)
        self.assertEqual([self.own("samples_failed_total"), self.own("samples_dropped_total")], [0, 0])

    def test_what_ends_is_told_at_once(self):
        ends = self.admin.submit(droverlib.job_yaml("ends", ["sleep 3600"], gpu=1))
        query = 'drover_gpu_held{job="%s",job_name="%s"}' % (PUSHED, ends)
        droverlib.wait_until(lambda: self.prometheus.query(query), "it holds its GPU", 60)
        self.admin.stop(ends)
        droverlib.wait_until(lambda: not self.prometheus.query(query), "it holds none", 60)

    def empty_panels(self, job):
        """Those whose queries give no series with these values of the variables: [(dashboard, panel, query)]."""
        values = {"job": job, "vc": "default", "node": "here", "job_name": self.held, "__rate_interval": "30s"}
        empty = []
        for path in sorted(glob.glob(os.path.join(droverlib.ROOT, "dashboards", "*.json"))):
            with open(path, encoding="utf-8") as f:
                board = json.load(f)
            for panel in board["panels"]:
                for target in panel["targets"]:
                    query = re.sub(r"\$(\w+)", lambda m: values[m.group(1)], target["expr"])
                    found = self.prometheus.query(query)
                    if not found or (board["uid"] == "drover-vc" and not all(labels.get("vc") == "default" for labels, _ in found)):
                        empty.append((board["uid"], panel["title"], query, found))
                    self.asked += 1
        return empty

    asked = 0

    def test_each_panel_has_a_series(self):
        """Of each of the four dashboards, those of virtual clusters with the label vc: from a scrape, and as written."""
        self.admin.wait(self.admin.submit(droverlib.job_yaml("short", ["exit 0"])))  # a wait and an end
        for job in ("drover", PUSHED):
            try:
                droverlib.wait_until(lambda: not self.empty_panels(job), "no panel is empty", 30, 0.5)  # pylint: disable=cell-var-from-loop
            except TimeoutError:
                self.fail("empty as %s: %s" % (job, self.empty_panels(job)))
        self.assertGreater(self.asked, 2 * 80)

    def test_figures_are_asked_of_a_prometheus_that_scrapes_dcgm(self):
        """As DCGM's exporter names them; the shipped configuration scrapes it. Two other machines have GPUs, too."""
        def page(gpu0, gpu1):
            lines = ['DCGM_FI_DEV_%s{gpu="%d",UUID="GPU-%s-%d",device="nvidia%d",modelName="NVIDIA A100",Hostname="%s"} %s'
                     % (name, gpu, host, gpu, gpu, host, value) for host in ("there", "here", "elsewhere")
                     for gpu, figures in enumerate((gpu0, gpu1)) for name, value in figures.items()]
            self.exporter.text = "node_load1 0.5\n" + "".join(line + "\n" for line in lines)
        idle = {"GPU_UTIL": 0, "FB_USED": 512, "FB_FREE": 40448, "XID_ERRORS": 0, "POWER_USAGE": 51.5}
        page(dict(idle, GPU_UTIL=93, MEM_COPY_UTIL=41, GPU_TEMP=61, SM_CLOCK=1410), idle)
        self.addCleanup(setattr, self.exporter, "text", self.exporter.text)
        droverlib.wait_until(lambda: len(self.prometheus.query('DCGM_FI_DEV_GPU_UTIL{job="dcgm"}')) == 6, "it is scraped", 60)
        url = "http://127.0.0.1:%d" % self.prometheus.port
        with gpus.Server(["count 0"], {"gpuPrometheus": {"url": url, "node": "there", "labels": {"job": "dcgm"}}}) as server:
            admin = droverlib.Client(server).login()
            node, = admin.json("GET", "/api/v2/nodes")
            path = "/api/v2/nodes/%s/gpus?seconds=600" % node["name"]

            def figures(*names):
                return [tuple(one["sample"] and one["sample"][name] for name in names) for one in admin.json("GET", path)]
            told = droverlib.wait_until(lambda: all(one["sample"] for one in admin.json("GET", path)) and admin.json("GET", path), "it is sampled", 30)
            self.assertEqual([(one["uuid"], one["model"]) for one in told], [("GPU-there-%d" % i, "NVIDIA A100") for i in (0, 1)])
            self.assertEqual(figures("utilization", "memoryUtilization", "memoryUsed", "memoryTotal", "temperature", "clockMHz"),
                             [(93, 41, 512 << 20, 40960 << 20, 61, 1410), (0, None, 512 << 20, 40960 << 20, None, None)])
            page(dict(idle, GPU_UTIL=17), dict(idle, XID_ERRORS=79))
            droverlib.wait_until(lambda: figures("utilization")[0] == (17,), "what changes is told", 30)
            droverlib.wait_until(lambda: admin.json("GET", path)[1]["health"]["state"] != "ok", "an Xid is an error", 30)
            page(idle, {})  # its series end: a gap and not a 0
            droverlib.wait_until(lambda: figures("utilization")[1] in [(None,)], "one is not told any more", 30)
            self.assertEqual(figures("utilization")[0], (0,))

    def test_a_stop_sends_the_rest(self):
        with gpus.Server(SCENARIO, {"remoteWrite": {
                "url": self.server.config["remoteWrite"]["url"], "intervalSeconds": 3600, "labels": {"job": "once"}}}) as server:
            droverlib.wait_until(lambda: self.prometheus.query('drover_ready{job="once"}'), "the first look is sent", 60)
            admin = droverlib.Client(server).login()
            node = admin.json("GET", "/api/v2/nodes")[0]["name"]
            path = "/api/v2/nodes/%s/gpus?seconds=600" % node
            droverlib.wait_until(lambda: len(admin.json("GET", path)[0]["history"]["time"]) > 2, "it has samples")
            last = max(admin.json("GET", path)[0]["history"]["time"])
            self.assertEqual(server.stop(), 0)
        found = self.prometheus.query('max(timestamp(drover_gpu_lost{job="once"}))')
        self.assertGreaterEqual(round(found[0][1] * 1000), last)


class Receiver:
    """Takes requests and answers the statuses it is given, one after the other, then 204."""

    def __init__(self, statuses):
        requests, left = [], list(statuses)

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers = left.pop(0) if left else (204, {})
                requests.append((time.monotonic(), dict(self.headers), body, status))
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass
        self.requests = requests
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d/write" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class ProtocolTest(unittest.TestCase):
    def test_secrets_are_read_anew_and_told_to_nobody(self):
        receiver = Receiver([])
        self.addCleanup(receiver.close)
        folder = droverlib.scratch_folder("drover-secret-")
        self.addCleanup(shutil.rmtree, folder)
        path = os.path.join(folder, "secret")

        def write(text):
            with open(path + ".new", "w", encoding="ascii") as f:
                f.write(text + "\n")
            os.rename(path + ".new", path)

        def sent():
            return {headers.get("Authorization") for _, headers, _, _ in receiver.requests}
        basic = {"url": receiver.url, "intervalSeconds": 1, "username": "drover", "passwordFile": path}
        write("first-secret")
        with droverlib.Server({"remoteWrite": {"url": receiver.url, "intervalSeconds": 1, "bearerTokenFile": path}}) as server:
            droverlib.wait_until(lambda: "Bearer first-secret" in sent(), "it is sent", 30)
            write("other-secret")
            droverlib.wait_until(lambda: "Bearer other-secret" in sent(), "the new one is sent", 30)
            self.assertNotIn("-secret", server.log_tail(1 << 20))
            self.assertEqual(server.stop(), 0)
            server.config["remoteWrite"] = basic
            server.write_config()
            server.start()
            want = "Basic " + base64.b64encode(b"drover:other-secret").decode()
            droverlib.wait_until(lambda: want in sent(), "user and password are sent", 30)
        self.assertEqual(sent(), {"Bearer first-secret", "Bearer other-secret", want})

    def test_what_is_sent_again_and_what_is_not(self):
        receiver = Receiver([(503, {}), (429, {"Retry-After": "2"}), (204, {}), (400, {}), (302, {"Location": "/x"})])
        self.addCleanup(receiver.close)
        became = feed("-", "here", int(time.time()) * 1000, receiver.url)
        bodies = [body for _, _, body, _ in receiver.requests]
        times = [at for at, _, _, _ in receiver.requests]
        self.assertEqual([status for _, _, _, status in receiver.requests][:5], [503, 429, 204, 400, 302])
        self.assertEqual(len(set(bodies[:3])), 1)  # the same, until it was taken
        self.assertEqual(len(set(bodies)), len(bodies) - 2)
        self.assertGreaterEqual(times[1] - times[0], 0.45)
        self.assertGreaterEqual(times[2] - times[1], 1.95)
        self.assertEqual((became["retries"], became["refused"], became["dropped"]), (2, 4000, 0))
        self.assertEqual(became["taken"] + became["refused"], GPUS * 11 * 720)
        headers = {name.lower(): value for name, value in receiver.requests[0][1].items()}
        self.assertEqual({name: headers.get(name) for name in (
            "content-encoding", "content-type", "x-prometheus-remote-write-version", "user-agent", "authorization")}, {
                "content-encoding": "snappy", "content-type": "application/x-protobuf",
                "x-prometheus-remote-write-version": "0.1.0", "user-agent": "droverd", "authorization": None})


if __name__ == "__main__":
    unittest.main()
