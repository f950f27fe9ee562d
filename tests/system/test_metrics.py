#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""/metrics: who may read it, that it says what the API says and what docs/METRICS.md lists, and that Debian's
Prometheus is content with it: promtool by its rules, a server that scrapes it with a token of its own."""
import json
import os
import re
import unittest

import droverlib
import prometheus
from prometheus import samples

OPEN = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"


class MetricsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        prometheus.needed()
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
        self.assertEqual(prometheus.promtool(text), (0, ""))
        # And it would not be with anything.
        self.assertNotEqual(prometheus.promtool("# TYPE x counter\nx 1\n")[0], 0)

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

    def test_ends_and_waits_are_counted(self):
        self.admin.json("PUT", "/api/v2/virtual-clusters/counted", {"cpus": 1}, (201,))
        before = samples(self.scrape()[1])
        self.assertNotIn(("drover_job_wait_seconds_count", frozenset([("vc", "counted")])), before)

        def run(name, command):
            return self.admin.submit(droverlib.job_yaml(name, [command], extra="defaults: {virtualCluster: counted}\n"))

        self.admin.wait(run("well", "echo fine"))
        self.admin.wait(run("badly", "exit 3"))
        stopped, waits = run("stopped", "sleep 3600"), run("waits", "echo fine")
        self.admin.wait(stopped, ("RUNNING",))
        self.admin.stop(waits)  # which never started
        self.admin.stop(stopped)
        self.admin.wait(stopped)
        self.admin.wait(waits)
        told = samples(self.scrape()[1])
        for state, count in (("succeeded", 1), ("failed", 1), ("stopped", 2)):
            self.assertEqual(told["drover_jobs_ended_total", frozenset([("vc", "counted"), ("state", state)])], count)
        for name, more in (("count", ()), ("bucket", (("le", "+Inf"),)), ("bucket", (("le", "259200.0"),))):
            self.assertEqual(told["drover_job_wait_seconds_" + name, frozenset([("vc", "counted"), *more])], 3)
        self.assertGreater(told["drover_job_wait_seconds_sum", frozenset([("vc", "counted")])], 0)

    # ---- Prometheus ----

    def test_prometheus_scrapes_it(self):
        exporter, scraper = prometheus.Exporter(), prometheus.Prometheus()
        self.addCleanup(exporter.close)
        self.addCleanup(scraper.close)
        status, said = scraper.scrape(self.server, self.token, exporter.port)
        self.assertEqual(status, 0, said)
        droverlib.wait_until(lambda: (scraper.target() or {}).get("health") == "up", "the target is up", 60)
        self.assertEqual(scraper.target()["lastError"], "")

        def differing():
            wrong = {}
            for (name, labels), value in self.told_by_the_api().items():
                found = scraper.query("%s{%s}" % (name, ",".join('%s="%s"' % pair for pair in sorted(labels))))
                if len(found) != 1 or found[0][1] != value:
                    wrong[name, labels] = (found, value)
            return wrong

        droverlib.wait_until(lambda: not differing(), "Prometheus has the API's figures", 60)
        self.assertEqual(scraper.ask("/api/v1/metadata?metric=drover_node_memory_bytes")["drover_node_memory_bytes"],
                         [{"type": "gauge", "help": "Memory that the node offers.", "unit": "bytes"}])
        # What runs on the nodes it finds by our telling, and its series have our label of the node.
        node = self.admin.json("GET", "/api/v2/nodes")[0]["name"]
        for job in ("node", "dcgm"):
            droverlib.wait_until(lambda: scraper.query('up{job="%s"}' % job), job + " is scraped", 60)  # pylint: disable=cell-var-from-loop
            self.assertEqual(scraper.query('node_load1{job="%s"}' % job)[0][0]["node"], node)

    def test_discovery(self):
        self.assertEqual(droverlib.Client(self.server).request("GET", "/api/v2/discovery/nodes").status, 401)
        name = self.admin.json("GET", "/api/v2/nodes")[0]["name"]
        self.admin.json("PUT", "/api/v2/nodes/%s/labels" % name, {"labels": {"rack": "r1", "a.b": "1", "a-b": "2"}})
        droverlib.wait_until(lambda: self.admin.json("GET", "/api/v2/nodes")[0]["labels"], "it has labels")
        reply = self.scraper.request("GET", "/api/v2/discovery/nodes?port=9400")
        self.assertIn(reply.headers["content-type"], ("application/json", "application/json; charset=utf-8"))
        self.assertEqual(json.loads(reply.body), [{"targets": ["127.0.0.1:9400"], "labels": {
            "node": name, "__meta_drover_node_state": "up", "__meta_drover_node_gpu_model": "simulated",
            "__meta_drover_node_gpus": "4", "__meta_drover_node_label_rack": "r1", "__meta_drover_node_label_a_b": "1"}}])
        self.assertEqual(self.scraper.json("GET", "/api/v2/discovery/nodes")[0]["targets"], ["127.0.0.1:9100"])
        for port in ("0", "65536", "x", "-1"):
            self.assertEqual(self.scraper.request("GET", "/api/v2/discovery/nodes?port=" + port).status, 400, port)


if __name__ == "__main__":
    unittest.main()
