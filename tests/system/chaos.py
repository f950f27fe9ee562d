#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""kill -9 of server, spawner and shims, and every failpoint, under load; after each the invariants I1-I8 must hold.

    chaos.py --kills 1000 --failpoints abort,error,delay --clients 50 --seed 1

Clients submit, stop and list short jobs all the time. A round lets them work for a moment, kills (or arms a failpoint
and waits until somebody has passed it), waits until the server is ready (or the spawner is back) and runs the checker.
At the end all jobs must end, and the checker runs once more on the stopped server's files. Exits with 1 on any
violation.
"""
import argparse
import hashlib
import json
import os
import random
import signal
import sys
import threading
import time

import checker
import droverlib
import failpoints

#: Whom a kill hits, and how often of a hundred times.
VICTIMS = {"server": 50, "spawner": 20, "shim": 20, "both": 10}
#: What the issue promises none of, and the invariant that tells it.
TOLD = {"lost": "I1", "started twice": "I2", "orphans": "I3", "GPUs leaked": "I4"}
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
        self.padding = 0        # bytes by which each submission is longer: to fill the database's log
        self.over = threading.Event()
        self.go = threading.Event()  # cleared while the checker looks: history grows no faster than the rounds
        self.go.set()
        self.pause = 0.006 * clients + 0.01  # on average half of it: about 150 calls a second, however many clients
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
            time.sleep(rng.uniform(0.0, self.pause))

    def _submit(self, client, name, rng):
        """A job of one to three tasks that end, fail, are retried, or ignore a polite stop."""
        body = rng.choice(["exit 0", "exit 0", "sleep 0.05", "sleep 0.3", "exit %d" % rng.randrange(1, 100),
                           "(sleep 0.2 &) ; exit 0", "trap '' TERM; sleep 0.2", "head -c 100000 /dev/zero"])
        yaml = droverlib.job_yaml(name, [droverlib.witness_command(self.witness), body], gpu=rng.choice([0, 0, 1, 2]),
                                  instances=rng.choice([1, 1, 1, 2]), retry=rng.choice([0, 0, 1]),
                                  ports=rng.choice([None, {"a": 1}, {"a": 2, "b": 1}]),
                                  extra="description: %s\n" % ("x" * self.padding) if self.padding else "")
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


class Rounds:
    """What is done to a server under load."""

    def __init__(self, server, points, load, rng):
        self.server = server
        self.points = points
        self.load = load
        self.rng = rng
        self.slowest = 0.0  # seconds from a start to ready

    def restart(self):
        begin = time.monotonic()
        self.server.start()
        self.slowest = max(self.slowest, time.monotonic() - begin)

    def kill(self, victim):
        time.sleep(self.rng.uniform(0.02, 0.3))
        if victim == "shim":
            self._kill_shim()
        elif victim == "spawner":
            self.server.kill_spawner()
        else:
            spawner = self.server.spawner_pid()
            self.server.kill()
            if victim == "both":
                droverlib.kill_and_wait(spawner)
            self.restart()

    def _kill_shim(self):
        """One of the shims that are there; they come and go, so it may take more than one look. The clients rest for a
        look: with fifty threads at work beside it, it would take longer than most jobs. Between two looks they work."""
        def one():
            self.load.go.clear()
            try:
                os.kill(self.rng.choice(sorted(self.server.shims())), signal.SIGKILL)
            except (IndexError, ProcessLookupError):
                return False
            finally:
                self.load.go.set()
            return True
        droverlib.wait_until(one, "there is a shim to kill", 20, 0.2)

    def failpoint(self, point, action):
        """Arms the point and waits until somebody has passed it and is back."""
        self.load.padding = 100000 if "checkpoint" in point.name else 0
        if point.name in failpoints.AT_START:
            self.server.kill()
            self.points.arm(point.name, action)
            self._start_that_may_fail(action)
            return
        spawner = self.server.spawner_pid()
        self.points.arm(point.name, action)
        droverlib.wait_until(lambda: not self.points.armed(point.name) or self.server.process.poll() is not None,
                             "%s is passed" % point.name, 30, 0.005)
        if point.who == "droverd" and action == "abort":
            self.server.process.wait(30)
            self.restart()
        elif point.who == "spawner" and action == "abort":
            self.server.renewed_spawner(spawner)
        self.load.padding = 0

    def _start_that_may_fail(self, action):
        try:
            self.restart()
        except RuntimeError:
            if action == "delay":
                raise
            self.restart()


def plan(options, rng):
    """The rounds in random order: ("kill", victim) and ("failpoint", point, action)."""
    victims = [v for v, share in VICTIMS.items() for _ in range(share)]
    rounds = [("kill", victims[(i * 37) % len(victims)]) for i in range(options.kills)]
    actions = [a for a in options.failpoints.split(",") if a]
    if actions == ["one"]:  # each point once, whichever action
        by_point = {}
        for point, action in failpoints.cases():
            by_point.setdefault(point, []).append(action)
        rounds += [("failpoint", p, rng.choice(a)) for p, a in by_point.items() if p.name not in failpoints.BESIDE_JOBS]
    else:
        rounds += [("failpoint", p, a) for p, a in failpoints.cases(actions) if p.name not in failpoints.BESIDE_JOBS]
    rng.shuffle(rounds)
    return rounds


def play(rounds, plan_of_rounds, options):
    """Every round, and the checker after each; the violations."""
    violations = []
    for number, (kind, *what) in enumerate(plan_of_rounds):
        title = "%s of %s" % (kind, " ".join(w if isinstance(w, str) else w.name for w in what))
        try:
            getattr(rounds, kind)(*what)
            found = rounds.load.check()
        except TimeoutError as e:
            found = ["I8 %s" % e]
        violations += ["round %d (%s): %s" % (number, title, v) for v in found]
        if options.verbose:
            print("round %d: %s, %d acknowledged, %d violations" %
                  (number, title, len(rounds.load.promised()), len(violations)), flush=True)
        if len(violations) > 20:
            break
    return violations


def run(options):
    """All rounds; the summary as a dictionary with the list of violations."""
    rng = random.Random(options.seed)
    rounds = plan(options, rng)
    begin = time.monotonic()
    server = droverlib.Server()
    points = failpoints.Folder(server.folder)
    server.env.update(points.env)
    with server:
        token = droverlib.Client(server).login().token
        load = Load(server, token, options.clients, options.seed)
        player = Rounds(server, points, load, rng)
        try:
            violations = play(player, rounds, options)
        finally:
            load.end()
        violations += load.violations
        drained = drain(server, token, options.drain) or whole_machine(server, token, options.drain)
        violations += ["after the load: %s" % v for v in drained]
        server.stop()
        violations += ["at the end: %s" % v for v in
                       checker.check(checker.Evidence.from_folder(server.data, load.witness, load.promised()))]
        starts = len(checker.read_witness(load.witness))
        fired = points.fired()
        if violations and options.keep:
            os.rename(server.folder, options.keep)
    return {"kills": options.kills, "fired": fired, "clients": options.clients,
            "acks": len(load.acked), "lost answers": load.counts.get("lost answers", 0), "task starts": starts,
            "slowest restart s": round(player.slowest, 2), "seconds": round(time.monotonic() - begin, 1),
            **{what: sum(" %s " % rule in v for v in violations) for what, rule in TOLD.items()},
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


def whole_machine(server, token, seconds):
    """A job of all GPUs must run: neither the server nor the engine holds one for somebody who is gone."""
    client = droverlib.Client(server, token)
    client.submit(droverlib.job_yaml("whole", ["exit 0"], gpu=server.config["gpus"]))
    try:
        state = client.wait("admin~whole", timeout=seconds)["jobStatus"]["state"]
    except TimeoutError as e:
        state = str(e).split(";")[0]
    return [] if state == "SUCCEEDED" else ["I4 a job of all GPUs does not run: %s" % state]


def parser():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--kills", type=int, default=20, help="of server, spawner, shims, and of server and spawner")
    p.add_argument("--failpoints", default="", help="actions, of each point: abort,error,delay; or: one")
    p.add_argument("--clients", type=int, default=4)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--drain", type=float, default=60.0, help="seconds in which all jobs must end after the load")
    p.add_argument("--keep", help="move the data folder here when there are violations")
    p.add_argument("--verbose", action="store_true")
    return p


def main():
    result = run(parser().parse_args())
    for name, value in result.items():
        if name not in ("violations", "fired"):
            print("%s: %s" % (name, value))
    print("violations: %d" % len(result["violations"]))
    for v in result["violations"][:50]:
        print("  " + v)
    return 1 if result["violations"] else 0


if __name__ == "__main__":
    sys.exit(main())
