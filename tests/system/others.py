# SPDX-License-Identifier: MIT
"""The other clients: how long they wait for an answer while somebody suffers or misbehaves. A ratio holds like against
like: the quiet time is measured with the same rows in the database, since a list takes as long as what it tells."""
import sys
import threading
import time

import droverlib


def p99(values):
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))] if values else float("inf")


class Others:
    """Two clients that list jobs every few milliseconds, as long as `with` lasts; from an address of their own where
    `source` names one."""

    def __init__(self, server, token, path="/api/v2/jobs?limit=20", good=(200,), source=None):
        self.server, self.token, self.path, self.good, self.source = server, token, path, good, source
        self.seconds = []
        self.bad = []
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(2)]

    def _run(self):
        client = droverlib.Client(self.server, self.token, self.source)
        while not self.over.is_set():
            begin = time.monotonic()
            try:
                status = client.request("GET", self.path).status
            except OSError as e:
                status = repr(e)
            self.seconds.append(time.monotonic() - begin)
            if status not in self.good:
                self.bad.append(status)
            self.over.wait(0.005)

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *exc):
        self.over.set()
        for t in self.threads:
            t.join(60)

    @property
    def p99(self):
        return p99(self.seconds)


def quiet(server, token, seconds=1.0):
    """The p99 of the others while nothing happens."""
    with Others(server, token) as others:
        time.sleep(seconds)
    return others.p99


def tell(what, quiet_p99, others):
    """Prints the ratio; the longest p99 that still counts as served."""
    ratio = others.p99 / quiet_p99
    sys.stderr.write("%s: others' p99 %.1f ms, quiet %.1f ms, ratio %.1f, %d answers, %d bad\n" % (
        what, others.p99 * 1000, quiet_p99 * 1000, ratio, len(others.seconds), len(others.bad)))
    return ratio
