#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 of the server, of the spawner and of both under load; after each restart the invariants I1-I6 must hold.

    chaos.py --server-kills 100 --spawner-kills 20 --seed 1

Clients submit, stop and list short jobs all the time. A round lets them work for 20..400 ms, kills, waits until the
server is ready (or the spawner is back) and runs the checker. At the end all jobs must end, and the checker runs once
more on the stopped server's files. Exits with 1 on any violation.
"""
import argparse
import hashlib
import json
import os
import random
import sys
import threading
import time

import checker
import droverlib

BACKLOG = 40  # jobs submitted and not yet ended, at most: the queue must drain at the end


class Load:
    """Client threads, and what they were told."""

    def __init__(self, server, token, clients, seed):
        self.server = server
        self.witness = os.path.join(server.folder, "witness")
        self.lock = threading.Lock()
        self.acked = []         # (user~name, sha256 of the text)
        self.doubtful = []      # answers that were lost: may or may not exist
        self.live = set()       # acknowledged and not seen to end
        self.violations = []
        self.counts = {}
        self.over = threading.Event()
        self.go = threading.Event()  # cleared while the checker looks: history grows no faster than the rounds
        self.go.set()
        self.threads = [threading.Thread(target=self._client, args=(token, i, seed), daemon=True)
                        for i in range(clients)]
        for t in self.threads:
            t.start()

    def _count(self, what):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + 1

    def _client(self, token, number, seed):
        rng = random.Random("client:%d:%d" % (seed, number))
        client = droverlib.Client(self.server, token)
        serial = 0
        while not self.over.is_set():
            self.go.wait()
            serial += 1
            pick = rng.random()
            try:
                if pick < 0.6 and len(self.live) < BACKLOG:
                    self._submit(client, "c%d-%d" % (number, serial), rng)
                elif pick < 0.7:
                    self._stop(client, rng)
                else:
                    self._list(client)
            except OSError:
                self._count("lost answers")
                time.sleep(0.02)
            time.sleep(rng.uniform(0.0, 0.02))

    def _submit(self, client, name, rng):
        """A job of one to three tasks that end, fail, are retried, or ignore a polite stop."""
        body = rng.choice(["exit 0", "exit 0", "sleep 0.05", "sleep 0.3", "exit %d" % rng.randrange(1, 100),
                           "(sleep 0.2 &) ; exit 0", "trap '' TERM; sleep 0.2", "head -c 100000 /dev/zero"])
        yaml = droverlib.job_yaml(name, [droverlib.witness_command(self.witness), body], gpu=rng.choice([0, 0, 1, 2]),
                                  instances=rng.choice([1, 1, 1, 2]), retry=rng.choice([0, 0, 1]),
                                  ports=rng.choice([None, {"a": 1}, {"a": 2, "b": 1}]))
        full = "admin~" + name
        record = (full, hashlib.sha256(yaml.encode()).hexdigest())
        try:
            r = client.request("POST", "/api/v2/jobs", yaml, "text/yaml")
        except OSError:
            with self.lock:
                self.doubtful.append(record)
            raise
        self._status("submit", r, (202, 503))
        if r.status == 202:
            with self.lock:
                self.acked.append(record)
                self.live.add(full)

    def _stop(self, client, rng):
        with self.lock:
            if not self.live:
                return
            name = rng.choice(sorted(self.live))
        r = client.request("PUT", "/api/v2/jobs/%s/executionType" % name, {"value": "STOP"})
        self._status("stop", r, (202, 503))

    def _list(self, client):
        r = client.request("GET", "/api/v2/jobs?limit=200")
        self._status("list", r, (200, 503))
        if r.status == 200:
            ended = {"%s~%s" % (j["username"], j["name"]) for j in json.loads(r.body) if j["state"] in droverlib.FINAL}
            with self.lock:
                self.live -= ended

    def _status(self, what, reply, good):
        self._count("%s %d" % (what, reply.status))
        if reply.status not in good:
            with self.lock:
                self.violations.append("I0 %s was answered with %d: %s" % (what, reply.status, reply.body[:300]))

    def promised(self):
        with self.lock:
            return list(self.acked)

    def check(self):
        """The violations now."""
        self.go.clear()
        try:
            return checker.check_live(self.server, self.witness, self.promised())
        finally:
            self.go.set()

    def end(self):
        self.over.set()
        self.go.set()
        for t in self.threads:
            t.join(30)


def run(options):
    """All rounds; the summary as a dictionary with the list of violations."""
    rng = random.Random(options.seed)
    rounds = (["server"] * options.server_kills + ["spawner"] * options.spawner_kills + ["both"] * options.both_kills)
    rng.shuffle(rounds)
    violations = []
    begin = time.monotonic()
    slowest = 0.0
    with droverlib.Server() as server:
        token = droverlib.Client(server).login().token
        load = Load(server, token, options.clients, options.seed)
        try:
            for number, victim in enumerate(rounds):
                time.sleep(rng.uniform(0.02, 0.4))
                if victim != "spawner":
                    spawner = server.spawner_pid()
                    server.kill()
                    if victim == "both":
                        droverlib.kill_and_wait(spawner)
                    restart = time.monotonic()
                    server.start()
                    slowest = max(slowest, time.monotonic() - restart)
                else:
                    server.kill_spawner()
                found = load.check()
                violations += ["round %d (%s): %s" % (number, victim, v) for v in found]
                if options.verbose:
                    print("round %d: %s killed, %d acknowledged, %d violations" %
                          (number, victim, len(load.promised()), len(violations)), flush=True)
                if len(violations) > 20:
                    break
        finally:
            load.end()
        violations += load.violations
        drained = drain(server, token, options.drain)
        violations += ["after the load: %s" % v for v in drained]
        server.stop()
        violations += ["at the end: %s" % v for v in
                       checker.check(checker.Evidence.from_folder(server.data, load.witness, load.promised()))]
        starts = len(checker.read_witness(load.witness))
        if violations and options.keep:
            os.rename(server.folder, options.keep)
    return {"rounds": len(rounds), "server kills": options.server_kills, "spawner kills": options.spawner_kills,
            "kills of both": options.both_kills,
            "acks": len(load.acked), "lost answers": load.counts.get("lost answers", 0), "task starts": starts,
            "slowest restart s": round(slowest, 2), "seconds": round(time.monotonic() - begin, 1),
            "answers": load.counts, "violations": violations}


def drain(server, token, seconds):
    """Every job must come to an end by itself; what does not is told."""
    client = droverlib.Client(server, token)

    def left():
        jobs = client.json("GET", "/api/v2/jobs?limit=50000")
        return ["%s~%s is %s (%s)" % (j["username"], j["name"], j["state"], j.get("waitReason"))
                for j in jobs if j["state"] not in droverlib.FINAL]
    try:
        droverlib.wait_until(lambda: not left(), "all jobs end", seconds, 0.1)
        return []
    except TimeoutError:
        return ["does not end: " + name for name in left()[:10]]


def parser():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--server-kills", type=int, default=10)
    p.add_argument("--spawner-kills", type=int, default=4)
    p.add_argument("--both-kills", type=int, default=2, help="rounds that kill the server and its spawner")
    p.add_argument("--clients", type=int, default=4)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--drain", type=float, default=60.0, help="seconds in which all jobs must end after the load")
    p.add_argument("--keep", help="move the data folder here when there are violations")
    p.add_argument("--verbose", action="store_true")
    return p


def main():
    result = run(parser().parse_args())
    for name, value in result.items():
        if name != "violations":
            print("%s: %s" % (name, value))
    print("violations: %d" % len(result["violations"]))
    for v in result["violations"][:50]:
        print("  " + v)
    return 1 if result["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
