# SPDX-License-Identifier: MIT
"""Clients that misbehave (R12, R14, R15, R20, R21 of the failure model): the others are served meanwhile, and all is
well afterwards without a restart. ./dev nightly makes them many and long."""
import os
import resource
import select
import signal
import socket
import sys
import threading
import time
import unittest

import droverlib
import jobcase
import others
from droverlib import wait_until

NIGHTLY = bool(os.environ.get("DROVER_NIGHTLY"))
#: Beyond that somebody waits behind others, whatever else this machine does. What is usual is printed as a ratio.
SERVED_S = 8.0 * droverlib.TIME_SCALE
#: Of the connections, so many one address may have (server/http/http.h).
PER_ADDRESS = 512
ELSEWHERE = "127.0.0.2"


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid, encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return int(next(line for line in f if line.startswith("VmRSS")).split()[1]) / 1024


def connect(server):
    s = socket.create_connection(server.address, timeout=10)
    s.setblocking(False)
    return s


def held(server):
    """The ports of the clients whose connections the server has open: who does not read does not see their end."""
    port = ":%04X" % server.address[1]
    with open("/proc/net/tcp", encoding="ascii") as f:
        rows = [line.split() for line in list(f)[1:]]
    return {int(r[2].rpartition(":")[2], 16) for r in rows if r[1].endswith(port) and r[3] == "01"}


def closed_by_peer(s):
    """Whether the server has ended the connection; what it said before is thrown away."""
    try:
        while s.recv(65536):
            pass
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


def at_rest(pid):
    """Whether the process does nothing, or next to nothing."""
    before = cpu_seconds(pid)
    time.sleep(0.3)
    return cpu_seconds(pid) - before < 0.025


class ClientsCase(jobcase.JobCase):
    def setUp(self):
        super().setUp()
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))

    def served(self, what, crowd):
        """The others were, meanwhile; how long they waited against a quiet time now, when it is over. The ratio."""
        quiet = others.quiet(self.server, self.client.token, 10.0 if NIGHTLY else 1.0)
        self.assertEqual(crowd.bad, [])
        self.assertLess(crowd.p99, SERVED_S)
        return others.tell(what, quiet, crowd)

    def works(self, name):
        self.client.close()  # the server has ended its idle connection by now
        self.assertEqual(self.client.wait(self.submit(name, ["exit 0"]))["jobStatus"]["state"], "SUCCEEDED")
        self.checked()


class SlowTest(ClientsCase):
    """R14: header by header, body by body, reading nothing, or saying nothing at all."""

    COUNT = 200 if NIGHTLY else 60
    ASKS = {"header": b"GET /api/v2/jobs HTTP/1.1\r\nHost: x\r\n",
            "silent": b"",
            "reader": b"GET /api/v2/jobs/admin~large/config HTTP/1.1\r\nHost: x\r\n"
                      b"Authorization: Bearer %(token)b\r\n\r\n" * 20,
            "body": b"POST /api/v2/jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %(token)b\r\n"
                    b"Content-Type: text/yaml\r\nContent-Length: 1000000\r\n\r\nname: "}

    def slow(self, kind):
        s = socket.socket()
        if kind == "reader":
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        s.connect(self.server.address)
        s.setblocking(False)
        s.send(self.ASKS[kind] % {b"token": self.client.token.encode()})
        return s

    def drip(self, s, kind):
        """Who speaks at all does so a byte at a time, and who reads at all: no timeout of silence ends them."""
        try:
            if kind == "reader":
                s.recv(1)
            elif kind != "silent":
                s.send(b"a")
        except OSError:
            pass

    def test_slow_clients_harm_nobody_and_are_put_out(self):
        rows = [self.submit("row-%d" % i, ["exit 0"]) for i in range(20)]
        rows.append(self.submit("large", ["exit 0"], extra="description: %s\n" % ("x" * 200000)))
        self.wait_all(rows)
        peers = {s.getsockname()[1]: (s, kind) for kind in self.ASKS for s in
                 (self.slow(kind) for _ in range(self.COUNT // len(self.ASKS)))}
        self.addCleanup(lambda: [s.close() for s, _ in peers.values()])
        begin = time.monotonic()
        left = set(peers)
        # What the readers ask for at once is a load as any other; what is told here is what their slowness does.
        wait_until(lambda: at_rest(self.server.pid), "what is asked for is in their buffers", step=0)
        with others.Others(self.server, self.client.token) as crowd:
            while left and time.monotonic() - begin < 60 * droverlib.TIME_SCALE:
                for port in left:
                    self.drip(*peers[port])
                time.sleep(0.5)
                left &= held(self.server)
        took = time.monotonic() - begin
        sys.stderr.write("slow clients: the last slot was free after %.1f s\n" % took)
        self.assertEqual([peers[port][1] for port in left], [], "slow clients hold their slots")
        ratio = self.served("%d slow clients" % len(peers), crowd)
        if NIGHTLY:  # where it runs alone
            self.assertLess(took, 15 * droverlib.TIME_SCALE)
            self.assertLess(ratio, 2)
        self.works("after")


class CrowdTest(ClientsCase):
    """R15: very many idle connections."""

    COUNT = 9000 if NIGHTLY else 1500

    def test_idle_connections_are_refused_beyond_the_limit_and_cost_little(self):
        before = resident_mb(self.server.pid)
        idle = []
        self.addCleanup(lambda: [s.close() for s in idle])
        # The crowd takes what its own address may have of the slots: whoever comes from another has the rest.
        with others.Others(self.server, self.client.token, source=ELSEWHERE) as crowd:
            for _ in range(self.COUNT):
                idle.append(connect(self.server))
            wait_until(lambda: sum(map(closed_by_peer, idle)) >= self.COUNT - PER_ADDRESS,
                       "what is too many of one address is put out")
            wait_until(lambda: len(crowd.seconds) >= 100, "the others ask", 60)
        grown = resident_mb(self.server.pid) - before
        sys.stderr.write("%d idle connections: %+.1f MB\n" % (len(idle), grown))
        self.assertLess(grown, 128 * droverlib.TIME_SCALE)
        for s in idle:
            s.close()
        wait_until(lambda: self.server.probe("/healthz") == 200, "it serves again", 15)
        self.served("%d idle connections" % len(idle), crowd)
        self.works("after")


class DescriptorTest(ClientsCase):
    """R12: no descriptors left."""

    def test_without_descriptors_it_waits_quietly_and_goes_on(self):
        pid = self.server.pid
        # With no connection at all: a thread of the library that has one waits for its end before it accepts again.
        self.client.close()
        wait_until(lambda: not held(self.server), "no connection is left")
        used = len(os.listdir("/proc/%d/fd" % pid))
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used - 4, limits[1]))
        crowd = [connect(self.server) for _ in range(200)]
        try:
            time.sleep(0.5)
            begin, cpu = time.monotonic(), cpu_seconds(pid)
            time.sleep(3)
            share = (cpu_seconds(pid) - cpu) / (time.monotonic() - begin)
            sys.stderr.write("200 clients without descriptors: %.0f %% CPU\n" % (share * 100))
            self.assertLess(share, 0.2, "it spins on accept")
        finally:
            for s in crowd:
                s.close()
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
        wait_until(lambda: self.server.probe("/readyz") == 200, "it serves again", 15)
        self.works("after")

    def test_a_start_without_descriptors_waits(self):
        pid = self.server.pid
        limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        name = self.submit("first", ["exit 0"])
        self.client.wait(name)
        used = len(os.listdir("/proc/%d/fd" % pid))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, limits[1]))
        later = self.submit("later", ["exit 0"])
        time.sleep(0.5)
        self.assertIn(self.states_of(later, limits), ("WAITING", "STARTING", "RUNNING", "SUCCEEDED"))
        self.assertEqual(self.client.wait(later)["jobStatus"]["state"], "SUCCEEDED")
        self.checked()

    def states_of(self, name, limits):
        resource.prlimit(self.server.pid, resource.RLIMIT_NOFILE, limits)
        return self.client.state(name)


class BurstTest(ClientsCase):
    """R20: a thousand submissions at once, and one job of very many tasks."""

    def test_a_thousand_submissions_at_once(self):
        count = 1000 if droverlib.TIME_SCALE == 1 else 200
        statuses = []

        def submit(first):
            client = droverlib.Client(self.server, self.client.token)
            for i in range(first, count, 20):
                yaml = droverlib.job_yaml("burst-%d" % i, "exit 0", cpu=64)
                statuses.append(client.request("POST", "/api/v2/jobs", yaml, "text/yaml").status)

        before = resident_mb(self.server.pid)
        threads = [threading.Thread(target=submit, args=(i,)) for i in range(20)]
        with others.Others(self.server, self.client.token) as crowd:
            for t in threads:
                t.start()
            for t in threads:
                t.join(120)
        self.served("%d submissions at once" % count, crowd)
        self.assertLessEqual(set(statuses), {202, 429, 503})
        states = self.states()
        self.assertEqual(len(states), statuses.count(202), "what was confirmed is there, and nothing else")
        sys.stderr.write("%d accepted, %+.1f MB\n" % (len(states), resident_mb(self.server.pid) - before))
        for name in list(states)[:20]:
            self.client.stop(name)
        self.checked()

    def test_a_job_of_a_thousand_tasks(self):
        count = 1000 if droverlib.TIME_SCALE == 1 else 100
        full = self.client.submit(droverlib.job_yaml("wide", "exit 0", cpu=1, memory=1, instances=count))
        with others.Others(self.server, self.client.token) as crowd:
            detail = self.client.job(full)
            self.assertEqual(len(detail["taskRoles"]["main"]["taskStatuses"]), count)
            self.client.stop(full)
            self.assertEqual(self.client.wait(full)["jobStatus"]["state"], "STOPPED")
        self.served("%d tasks" % count, crowd)


class SignalTest(ClientsCase):
    """R21: storms of signals; an orderly end in five seconds whoever is connected."""

    def test_a_storm_of_hangups_changes_nothing(self):
        seconds = 30 if NIGHTLY else 2
        full = self.submit_gated("through", ["exit 0"])
        self.client.wait(full, ("RUNNING",))
        with others.Others(self.server, self.client.token) as crowd:
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                os.kill(self.server.pid, signal.SIGHUP)
                time.sleep(0.01)
        self.served("100 SIGHUP a second", crowd)
        self.open_gate("through")
        self.assertEqual(self.client.wait(full)["jobStatus"]["state"], "SUCCEEDED")
        self.checked()

    def test_a_storm_of_terminations_ends_it_in_time_with_open_streams(self):
        full = self.submit_gated("through", ["exit 0"])
        self.client.wait(full, ("RUNNING",))
        streams = [connect(self.server) for _ in range(20)]
        self.addCleanup(lambda: [s.close() for s in streams])
        for s in streams:
            s.send(("GET /api/v2/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n" %
                    self.client.token).encode())
        for s in streams:
            self.assertTrue(select.select([s], [], [], 10 * droverlib.TIME_SCALE)[0], "no stream opened")
        begin = time.monotonic()
        while self.server.process.poll() is None and time.monotonic() - begin < 30:
            os.kill(self.server.process.pid, signal.SIGTERM if len(streams) % 2 else signal.SIGINT)
            time.sleep(0.01)
        took = time.monotonic() - begin
        self.assertEqual(self.server.process.returncode, 0, self.server.log_tail())
        sys.stderr.write("orderly end with %d streams: %.2f s\n" % (len(streams), took))
        self.server.start()
        self.assertEqual(self.client.state(full), "RUNNING")
        self.open_gate("through")
        self.assertEqual(self.client.wait(full)["jobStatus"]["state"], "SUCCEEDED")
        self.checked()


if __name__ == "__main__":
    unittest.main()
