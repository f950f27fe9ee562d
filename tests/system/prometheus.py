# SPDX-License-Identifier: MIT
"""Debian's Prometheus for tests: what a scrape says, what promtool thinks of it, a server that scrapes."""
import json
import os
import re
import shutil
import signal
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import droverlib

#: Where ./dev unpacks it; else on PATH.
UNPACKED = os.path.join(droverlib.ROOT, "build", "debian", "prometheus", "usr", "bin")
PATH = UNPACKED + ":" + os.environ["PATH"]
CONFIG = """global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: drover
    authorization: {credentials_file: %s}
    static_configs: [{targets: ['%s:%d']}]
"""


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


def promtool(text):
    """(exit status, what it says) of `promtool check metrics`."""
    r = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False,
                       env=dict(os.environ, PATH=PATH), timeout=60 * droverlib.PATIENCE)
    return r.returncode, r.stdout + r.stderr


class Prometheus:
    """One that scrapes a server every second, until close()."""

    def __init__(self, server, token_text):
        self.folder = droverlib.scratch_folder("drover-prometheus-")
        token, config = os.path.join(self.folder, "token"), os.path.join(self.folder, "prometheus.yml")
        with open(os.open(token, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
            f.write(token_text)
        with open(config, "w", encoding="utf-8") as f:
            f.write(CONFIG % (token, *server.address))
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen(
                ["prometheus", "--config.file", config, "--storage.tsdb.path", os.path.join(self.folder, "data"),
                 "--web.listen-address", "127.0.0.1:0", "--log.level", "warn"],
                env=dict(os.environ, PATH=PATH), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.port = droverlib.wait_until(self._listens_at, "Prometheus listens", 60)
        droverlib.wait_until(self._is_ready, "Prometheus is ready", 60)

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=60 * droverlib.PATIENCE)
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

    def target(self):
        """Its one target, once it was tried."""
        return (self.ask("/api/v1/targets")["activeTargets"] or [None])[0]
