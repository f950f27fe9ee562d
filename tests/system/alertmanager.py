# SPDX-License-Identifier: MIT
"""Debian's Alertmanager for tests, and its amtool. It wants its templates in /usr/share, where its package would put
them: it sees them there in a mount namespace of its own."""
import json
import os
import re
import shutil
import subprocess
import urllib.request

import droverlib

#: Where ./dev unpacks it.
UNPACKED = os.path.join(droverlib.ROOT, "build", "debian", "prometheus-alertmanager")
CONFIG = "route: {receiver: none, group_wait: 0s}\nreceivers: [{name: none}]\n"


def needed():
    """Fails loudly where there is none."""
    if not os.path.isdir(UNPACKED):
        raise AssertionError("no prometheus-alertmanager: ./dev test fetches it")


def amtool(url, *words, config=None):
    """What it says, as JSON where it says that; it must be content."""
    done = subprocess.run([os.path.join(UNPACKED, "usr", "bin", "amtool"), "--alertmanager.url=" + url, "--output=json",
                           *(["--http.config.file=" + config] if config else []), *words], capture_output=True, text=True,
                          check=False, timeout=60 * droverlib.PATIENCE)
    if done.returncode:
        raise AssertionError("amtool %s: %s" % (words, done.stderr))
    try:
        return json.loads(done.stdout)
    except ValueError:
        return done.stdout.strip()


class Alertmanager:
    """One on a port of loopback that the kernel chose, alone, which tells nobody, until close()."""

    def __init__(self):
        needed()
        self.folder = droverlib.scratch_folder("drover-alertmanager-")
        config = os.path.join(self.folder, "alertmanager.yml")
        with open(config, "w", encoding="ascii") as f:
            f.write(CONFIG)
        with open(os.path.join(self.folder, "log"), "wb") as log:
            self.process = subprocess.Popen(
                ["bwrap", "--die-with-parent", "--dev-bind", "/", "/", "--ro-bind",
                 os.path.join(UNPACKED, "usr", "share"), "/usr/share", "--",
                 os.path.join(UNPACKED, "usr", "bin", "prometheus-alertmanager"), "--config.file", config,
                 "--storage.path", os.path.join(self.folder, "data"), "--web.listen-address", "127.0.0.1:0",
                 "--cluster.listen-address="], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.url = "http://" + droverlib.wait_until(self._listens_at, "Alertmanager listens", 60)

    def _listens_at(self):
        with open(os.path.join(self.folder, "log"), encoding="utf-8") as f:
            found = re.search(r'msg="Listening on" address=(127\.0\.0\.1:[1-9]\d*)', f.read())
        return found and found.group(1)

    def alert(self, name):
        """The alert as its API has it, silenced or not; None where there is none that fires."""
        with urllib.request.urlopen(self.url + "/api/v2/alerts", timeout=30) as r:
            found = [a for a in json.load(r) if a["labels"]["alertname"] == name]
        return found[0] if found else None

    def close(self):
        self.process.kill()  # and with it what it runs
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
