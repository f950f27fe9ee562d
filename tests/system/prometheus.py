# SPDX-License-Identifier: MIT
"""Debian's Prometheus for tests: what a scrape says, what promtool thinks of it, a server that scrapes and is written to."""
import http.server
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

import droverlib

#: Where ./dev unpacks it; else on PATH.
UNPACKED = os.path.join(droverlib.ROOT, "build", "debian", "prometheus", "usr", "bin")
PATH = UNPACKED + ":" + os.environ["PATH"]
#: The configuration that is shipped, with the site's facts and in a hurry.
SHIPPED = os.path.join(droverlib.ROOT, "packaging", "prometheus", "prometheus.yml")
HURRY = {"scrape_interval: 15s": "scrape_interval: 1s", "scrape_timeout: 10s": "scrape_timeout: 1s",
         "refresh_interval: 1m": "refresh_interval: 1s"}


def needed():
    """Fails loudly where there is none."""
    if not shutil.which("prometheus", path=PATH):
        raise AssertionError("no prometheus: ./dev test fetches it")


def samples(text):
    """{(name, frozenset of labels): value} of a text without escapes."""
    found = {}
    for name, labels, value in re.findall(r'^(\w+)(?:\{(.*)\})? (\S+)$', text, re.M):
        found[name, frozenset(re.findall(r'(\w+)="([^"]*)"', labels))] = float(value)
    return found


def _promtool(*words, text=None):
    r = subprocess.run(["promtool", "check", *words], input=text, capture_output=True, text=True, check=False,
                       env=dict(os.environ, PATH=PATH), timeout=60 * droverlib.PATIENCE)
    return r.returncode, r.stdout + r.stderr


def promtool(text):
    """(exit status, what it says) of `promtool check metrics`."""
    return _promtool("metrics", text=text)


def promtool_config(path):
    """The same of `promtool check config`."""
    return _promtool("config", path)


class Exporter:
    """Something to be discovered: answers `text`, on a port of loopback that the kernel gave it."""

    def __init__(self):
        self.text = "node_load1 0.5\n"
        exporter = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):  # pylint: disable=invalid-name
                self.send_response(200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.end_headers()
                self.wfile.write(exporter.text.encode())

            def log_message(self, *args):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Prometheus:
    """One on a port that the kernel chose, which takes remote write, until close(). It does nothing before it is told
    whom to scrape."""

    def __init__(self):
        self.folder = droverlib.scratch_folder("drover-prometheus-")
        self.config = os.path.join(self.folder, "prometheus.yml")
        self.port, self.process = 0, None
        with open(self.config, "w", encoding="utf-8") as f:
            f.write("global: {scrape_interval: 1s, scrape_timeout: 1s}\n")
        self.start()

    def start(self):
        """Port and data are those it had, if it ran before."""
        with open(os.path.join(self.folder, "log"), "ab") as log:
            self.process = subprocess.Popen(
                ["prometheus", "--config.file", self.config, "--storage.tsdb.path", os.path.join(self.folder, "data"),
                 "--web.listen-address", "127.0.0.1:%d" % self.port, "--web.enable-remote-write-receiver",
                 "--log.level", "warn"],
                env=dict(os.environ, PATH=PATH), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.port = droverlib.wait_until(self._listens_at, "Prometheus listens", 60)
        droverlib.wait_until(self._is_ready, "Prometheus is ready", 60)

    def scrape(self, server, token_text, exporter_port):
        """From now on, by the shipped configuration. What promtool says of it."""
        token = os.path.join(self.folder, "token")
        with open(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(token_text)
        with open(SHIPPED, encoding="utf-8") as f:
            text = f.read()
        for old, new in dict(HURRY, **{"/etc/prometheus/drover.token": token, "127.0.0.1:7780": "%s:%d" % server.address,
                                       "=9100": "=%d" % exporter_port, "=9400": "=%d" % exporter_port}).items():
            if old not in text:
                raise AssertionError("the shipped configuration has no %s" % old)
            text = text.replace(old, new)
        with open(self.config, "w", encoding="utf-8") as f:
            f.write(text)
        said = promtool_config(self.config)
        self.process.send_signal(signal.SIGHUP)
        return said

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60 * droverlib.PATIENCE)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder)

    def _listens_at(self):
        """The port that the kernel gave it on loopback."""
        pid, inodes = self.process.pid, set()
        for fd in os.listdir("/proc/%d/fd" % pid):
            try:
                inodes.update(re.findall(r"^socket:\[(\d+)\]$", os.readlink("/proc/%d/fd/%s" % (pid, fd))))
            except OSError:
                pass
        with open("/proc/%d/net/tcp" % pid, encoding="ascii") as f:
            for row in list(f)[1:]:
                word = row.split()
                if word[3] == "0A" and word[9] in inodes:
                    return int(word[1].split(":")[1], 16)
        return None

    def _is_ready(self):
        try:
            with urllib.request.urlopen("http://127.0.0.1:%d/-/ready" % self.port, timeout=30) as r:
                return r.status == 200
        except urllib.error.HTTPError:  # 503 while it reads what it kept
            return False

    def ask(self, path):
        """What its API answers."""
        with urllib.request.urlopen("http://127.0.0.1:%d%s" % (self.port, path), timeout=30) as r:
            return json.load(r)["data"]

    def query(self, expression):
        """[({label: value}, number)] of an instant query."""
        found = self.ask("/api/v1/query?" + urllib.parse.urlencode({"query": expression}))["result"]
        return [(row["metric"], float(row["value"][1])) for row in found]

    def range(self, expression, begin_s, end_s, step_s):
        """{frozenset of labels: {ms: number}} of a range query."""
        found = self.ask("/api/v1/query_range?" + urllib.parse.urlencode(
            {"query": expression, "start": begin_s, "end": end_s, "step": step_s}))["result"]
        return {frozenset(row["metric"].items()): {round(at * 1000): float(v) for at, v in row["values"]} for row in found}

    def targets(self, job):
        """Its targets of a job, by now."""
        return [t for t in self.ask("/api/v1/targets")["activeTargets"] if t["labels"]["job"] == job]

    def target(self):
        """droverd, once it was tried."""
        return (self.targets("drover") or [None])[0]
