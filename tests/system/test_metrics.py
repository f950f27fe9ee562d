#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""/metrics: who may read it, that it says what the API says and what docs/METRICS.md lists, and that Debian's
Prometheus is content with it: promtool by its rules, a server that scrapes it with a token of its own."""
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import unittest
import urllib.parse
import urllib.request

import droverlib

#: Where ./dev unpacks it; else on PATH.
UNPACKED = os.path.join(droverlib.ROOT, "build", "debian", "prometheus", "usr", "bin")
PATH = UNPACKED + ":" + os.environ["PATH"]
OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
CONFIG = """global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: drover
    authorization: {credentials_file: %s}
    static_configs: [{targets: ['%s:%d']}]
"""


def samples(text):
    """{(name, frozenset of labels): value} of a text without escapes."""
    found = {}
    for name, labels, value in re.findall(r'^(\w+)(?:\{(.*)\})? (\S+)$', text, re.M):
        found[name, frozenset(re.findall(r'(\w+)="([^"]*)"', labels))] = float(value)
    return found


class MetricsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("prometheus", path=PATH):
            raise AssertionError("no prometheus: ./dev test fetches it")
        cls.server = droverlib.Server({"gpus": 4})
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.admin = droverlib.Client(cls.server).login()
        cls.admin.json("PUT", "/api/v2/virtual-clusters/vision", {"guarantee": [{"sku": "simulated", "gpus": 1}]}, (201,))
        cls.admin.json("POST", "/api/v2/users", {"username": "prometheus", "password": "not the admin's one"}, (201,))
        cls.scraper = droverlib.Client(cls.server).login("prometheus", "not the admin's one")
        cls.token = cls.scraper.json("POST", "/api/v2/tokens/application", {"readOnly": True})["token"]
        cls.name = cls.admin.submit(droverlib.job_yaml("held", ["sleep 3600"], gpu=2))
        cls.admin.wait(cls.name, ("RUNNING",))

    def scrape(self, accept=None):
        r = self.scraper.request("GET", "/metrics", headers={"Accept": accept} if accept else {})
        self.assertEqual(r.status, 200, r.body)
        return r.headers["content-type"], r.body.decode()

    def test_nobody_before_login(self):
        self.assertEqual(droverlib.Client(self.server).request("GET", "/metrics").status, 401)

    def test_formats(self):
        kind, text = self.scrape()
        self.assertEqual(kind, TEXT)
        self.assertNotIn("# EOF", text)
        kind, text = self.scrape(OPEN)
        self.assertEqual(kind, OPEN)
        self.assertTrue(text.endswith("\n# EOF\n"))

    def test_promtool_is_content(self):
        _, text = self.scrape()
        self.assertGreater(len(samples(text)), 20)
        r = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False,
                           env=dict(os.environ, PATH=PATH), timeout=60 * droverlib.PATIENCE)
        self.assertEqual((r.returncode, r.stdout + r.stderr), (0, ""))
        # And it would not be with anything.
        r = subprocess.run(["promtool", "check", "metrics"], input="# TYPE x counter\nx 1\n", capture_output=True,
                           text=True, check=False, env=dict(os.environ, PATH=PATH), timeout=60 * droverlib.PATIENCE)
        self.assertNotEqual(r.returncode, 0)

    def test_the_page_lists_them(self):
        _, text = self.scrape()
        told = dict(re.findall(r"^# TYPE (\S+) (\w+)$", text, re.M))
        helps = dict(re.findall(r"^# HELP (\S+) (.*)$", text, re.M))
        with open(os.path.join(droverlib.ROOT, "docs", "METRICS.md"), encoding="utf-8") as f:
            rows = re.findall(r"^\| `(\w+)`[^|]*\| (\w+) \| ([^|]*) \|$", f.read(), re.M)
        self.assertEqual({name: (kind, words) for name, kind, words in rows},
                         {name: (kind, helps[name]) for name, kind in told.items()})

    def told_by_the_api(self):
        """The same figures as the API's other routes tell them."""
        want = {}
        for node in self.admin.json("GET", "/api/v2/nodes"):
            host = ("node", node["name"])
            for name, value in (("up", node["state"] != "down"), ("schedulable", node["state"] == "up"),
                                ("cpus", node["cpus"]["total"]), ("cpus_used", node["cpus"]["used"]),
                                ("memory_bytes", node["memoryMB"]["total"] << 20),
                                ("memory_used_bytes", node["memoryMB"]["used"] << 20)):
                want["drover_node_" + name, frozenset([host])] = float(value)
            gpus = node["gpus"]
            for name, value in (("gpus", 4), ("gpus_used", gpus["used"]), ("gpus_quarantined", gpus["quarantined"])):
                want["drover_node_" + name, frozenset([host, ("model", gpus["model"])])] = float(value)
        vcs = self.admin.json("GET", "/api/v2/virtual-clusters")
        for name, vc in vcs.items():
            for figure in ("guaranteed", "used", "borrowed", "opportunistic"):
                want["drover_vc_gpus_" + figure, frozenset([("vc", name)])] = float(vc["gpus"][figure])
            want["drover_vc_jobs", frozenset([("vc", name)])] = float(vc["unfinishedJobs"])
            want["drover_vc_cpus_used", frozenset([("vc", name)])] = float(vc["resourcesUsed"]["cpu"])
        want["drover_jobs", frozenset()] = float(sum(vc["unfinishedJobs"] for vc in vcs.values()))
        return want

    def test_it_says_what_the_api_says(self):
        def differing():
            told = samples(self.scrape()[1])
            return {k: (told.get(k), v) for k, v in self.told_by_the_api().items() if told.get(k) != v}

        def settled():
            told = samples(self.scrape()[1])
            return (told.get(("drover_vc_gpus_guaranteed", frozenset([("vc", "vision")]))) == 1.0 and
                    sum(v for (name, _), v in told.items() if name == "drover_node_gpus_used") == 2.0 and
                    not differing())

        # What is published may be a moment old.
        droverlib.wait_until(settled, "the figures are those of the job and agree with the API's", 30)
        told = samples(self.scrape()[1])
        self.assertGreater(told["drover_commits_total", frozenset()], 0)
        self.assertGreater(told["drover_database_bytes", frozenset()], 0)
        self.assertGreater(told["process_resident_memory_bytes", frozenset()], 1 << 20)
        self.assertGreater(told["process_open_fds", frozenset()], 5)

    # ---- Prometheus ----

    def ask(self, port, path):
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (port, path), timeout=30) as r:
            return json.load(r)["data"]

    def listens_at(self, process):
        """The port that the kernel gave the process on loopback."""
        inodes = set()
        for fd in os.listdir("/proc/%d/fd" % process.pid):
            try:
                inodes.update(re.findall(r"^socket:\[(\d+)\]$", os.readlink("/proc/%d/fd/%s" % (process.pid, fd))))
            except OSError:
                pass
        with open("/proc/%d/net/tcp" % process.pid, encoding="ascii") as f:
            for row in list(f)[1:]:
                word = row.split()
                if word[3] == "0A" and word[9] in inodes:
                    return int(word[1].split(":")[1], 16)
        return None

    def prometheus(self):
        """Debian's, scraping the server every second; its port."""
        folder = tempfile.mkdtemp(prefix="drover-prometheus-", dir=droverlib.SCRATCH)
        self.addCleanup(shutil.rmtree, folder)
        token, config = os.path.join(folder, "token"), os.path.join(folder, "prometheus.yml")
        with open(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(self.token)
        with open(config, "w", encoding="utf-8") as f:
            f.write(CONFIG % (token, *self.server.address))
        with open(os.path.join(folder, "log"), "wb") as log:
            process = subprocess.Popen(
                ["prometheus", "--config.file", config, "--storage.tsdb.path", os.path.join(folder, "data"),
                 "--web.listen-address", "127.0.0.1:0", "--log.level", "warn"],
                env=dict(os.environ, PATH=PATH), cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def end():
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60 * droverlib.PATIENCE)

        self.addCleanup(end)
        droverlib.wait_until(lambda: self.listens_at(process), "Prometheus listens", 60)
        return self.listens_at(process)

    def test_prometheus_scrapes_it(self):
        port = self.prometheus()

        def target():
            return self.ask(port, "/api/v1/targets")["activeTargets"]

        droverlib.wait_until(lambda: target() and target()[0]["health"] == "up", "the target is up", 60)
        self.assertEqual(target()[0]["lastError"], "")

        def differing():
            wrong = {}
            for (name, labels), value in self.told_by_the_api().items():
                found = self.ask(port, "/api/v1/query?" + urllib.parse.urlencode(
                    {"query": "%s{%s}" % (name, ",".join('%s="%s"' % pair for pair in sorted(labels)))}))["result"]
                if len(found) != 1 or float(found[0]["value"][1]) != value:
                    wrong[name, labels] = (found, value)
            return wrong

        droverlib.wait_until(lambda: not differing(), "Prometheus has the API's figures", 60)
        self.assertEqual(self.ask(port, "/api/v1/metadata?metric=drover_node_memory_bytes")["drover_node_memory_bytes"],
                         [{"type": "gauge", "help": "Memory that the node offers.", "unit": "bytes"}])


if __name__ == "__main__":
    unittest.main()
