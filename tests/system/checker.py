#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The invariant checker: I1-I7 of docs/DESIGN.md 5, over a data folder and what clients and tasks saw.

    checker.py --data DIR [--witness FILE] [--acked FILE]

Run it on the folder of a stopped server; it works on a copy of the database and changes nothing. FILE of --witness
has a line `user~job attempt-id pid nonce` for each start of a task, appended by the task before anything else; FILE
of --acked has a line `user~job sha256-of-the-submitted-text` for each submission that was answered with 202.
Exits with 1 and one line per violation on stdout.

The rules here are written from the design, not from the server's code: its tables of states are on purpose not used.
"""
import argparse
import collections
import hashlib
import json
import os
import re
import shutil
import sqlite3
import sys
import tempfile
import time

import droverlib

Witness = collections.namedtuple("Witness", "job attempt pid nonce")
Job = collections.namedtuple("Job", "id name state config_sha submitted completed")
Attempt = collections.namedtuple(
    "Attempt", "id job_id job_attempt role index number state node wants gpus ports created launched completed exit")
Amounts = collections.namedtuple("Amounts", "cpus memory_mb gpus")
#: A debug reservation: what is left of an attempt that failed, with what it holds of the node.
Lease = collections.namedtuple("Lease", "id node state holds gpus")
Event = collections.namedtuple("Event", "id job subject time state reason")
Node = collections.namedtuple("Node", "name cpus memory_mb gpus")

FINAL = {"SUCCEEDED", "FAILED", "STOPPED"}
PLACED = {"STARTING", "RUNNING", "COMPLETING", "STOPPING"}

#: DESIGN 5, I5: what may follow what. A job passes COMPLETING (its outcome is decided, other tasks are stopped) or
#: STOPPING before it ends; only what never started may be stopped at once. STARTING goes back to WAITING when its
#: claim was refused or lost; COMPLETING goes back to WAITING for a retry.
JOB_EDGES = {
    "WAITING": {"STARTING", "STOPPING", "STOPPED"},
    "STARTING": {"WAITING", "RUNNING", "COMPLETING", "STOPPING"},
    "RUNNING": {"COMPLETING", "STOPPING"},
    "COMPLETING": {"SUCCEEDED", "FAILED", "WAITING", "STOPPING"},
    "STOPPING": {"STOPPED"},
}
TASK_EDGES = {
    "WAITING": {"STARTING", "STOPPING", "STOPPED"},
    "STARTING": {"WAITING", "RUNNING", "STOPPING"} | FINAL,
    "RUNNING": {"WAITING", "STOPPING"} | FINAL,
    "STOPPING": {"WAITING"} | FINAL,
}

#: Reasons of events that tell what happens to who stays in its state.
NOTES = {"JobWaits", "JobHeld", "JobReleased", "JobPreempting", "JobReserved", "JobOvertaken", "ClaimExpired", "EngineNote",
         "LeaseRefused"}


# --- evidence --------------------------------------------------------------------------------

def read_witness(path):
    """The lines of a witness file; a torn last line is kept as a violation would be: with an empty attempt."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            lines = f.read().splitlines()
    except FileNotFoundError:
        return []
    return [Witness(*((line.split(" ") + ["", "", ""])[:4])) for line in lines]


class Evidence:
    """All that the rules look at. Taken in an order that makes a live server no source of false alarms: first what
    was promised and witnessed, then the rows (later than both), then the processes (later than the rows)."""

    def __init__(self, database, data, witness, acked):
        self.data = data
        self.acked = list(acked)
        self.witness = read_witness(witness) if witness else []
        self.db = database()
        self.processes = droverlib.processes()
        self.jobs = {j.id: j for j in load_jobs(self.db)}
        self.nodes = {n.name: n for n in load_nodes(self.db)}
        self.attempts = list(load_attempts(self.db))
        self.leases = {lease.id: lease for lease in load_leases(self.db)}
        self.events = list(load_events(self.db))

    @classmethod
    def from_folder(cls, data, witness=None, acked=()):
        """Of a stopped server: its database files are copied, and the copy is opened."""
        def database():
            with tempfile.TemporaryDirectory(prefix="drover-check-") as folder:
                for suffix in ("", "-wal"):
                    if os.path.exists(os.path.join(data, "drover.db" + suffix)):
                        shutil.copy(os.path.join(data, "drover.db" + suffix), folder)
                source = sqlite3.connect(os.path.join(folder, "drover.db"))
                copy = sqlite3.connect(":memory:")
                source.backup(copy)
                source.close()
                return copy
        return cls(database, data, witness, acked)

    @classmethod
    def from_server(cls, server, witness=None, acked=()):
        """Of a running server: a copy by the backup API."""
        return cls(server.database, server.data, witness, acked)


def has_ended(data, attempt):
    """Whether the shim of the attempt has written its exit record."""
    return os.path.exists(os.path.join(data, "run", attempt, "exit"))


def shim_lives(data, attempt):
    """Whether the process that the attempt's shim record names is that very process: pid and start time."""
    try:
        with open(os.path.join(data, "run", attempt, "shim"), encoding="utf-8") as f:
            record = dict(line.split("=", 1) for line in f.read().splitlines() if "=" in line)
        with open("/proc/%s/stat" % record["pid"], encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[19] == record["ticks"]
    except (OSError, KeyError, IndexError):
        return False


# --- rows ------------------------------------------------------------------------------------

#: The numbers in the state columns (jobs/state.h).
STATES = {1: "WAITING", 2: "STARTING", 4: "RUNNING", 8: "COMPLETING", 16: "STOPPING",
          32: "SUCCEEDED", 64: "FAILED", 128: "STOPPED"}


def numbers(value):
    """Every integer in a JSON value, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return [n for v in value for n in numbers(v)]
    return [value] if isinstance(value, int) else []


def load_jobs(db):
    for i, user, name, state, config, submitted, completed in db.execute(
            "SELECT id, user, name, state, config, submitted_ms, completed_ms FROM job"):
        sha = hashlib.sha256(config.encode() if isinstance(config, str) else config).hexdigest()
        yield Job(i, "%s~%s" % (user, name), STATES[state], sha, submitted, completed)


def load_nodes(db):
    for name, spec in db.execute("SELECT name, spec FROM node"):
        s = json.loads(spec)
        yield Node(name, s["cpus"], s["memoryMB"], len(s["gpus"]) if isinstance(s["gpus"], list) else s["gpus"])


def role_amounts(config):
    """{role: Amounts} of a job's text in block style, as the server keeps it."""
    found = {}
    path = []
    for line in config.splitlines():
        match = re.match(r"( *)([\w-]+):(?: +(\d+))?$", line)
        if not match:
            continue
        path = path[:len(match.group(1)) // 2] + [match.group(2)]
        if len(path) == 4 and path[0] == "taskRoles" and path[2] == "resourcePerInstance" and match.group(3):
            found.setdefault(path[1], {})[path[3]] = int(match.group(3))
    return {role: Amounts(v["cpu"], v["memoryMB"], v["gpu"]) for role, v in found.items()}


def load_attempts(db):
    wants = {i: role_amounts(config) for i, config in db.execute("SELECT id, config FROM job")}
    for row in db.execute("SELECT id, job_id, job_attempt, role, task_index, attempt, state, node, gpus, ports,"
                          " created_ms, launched_ms, completed_ms, exit_code FROM task_attempt"):
        yield Attempt(*row[:6], STATES[row[6]], row[7], wants.get(row[1], {}).get(row[3]),
                      numbers(json.loads(row[8])), numbers(json.loads(row[9])), *row[10:])


def load_leases(db):
    for i, node, state, hold, cpus, memory, count, gpus in db.execute(
            "SELECT id, node, state, hold, cpus, memory_mb, gpu_count, gpus FROM lease WHERE ended_ms IS NULL"):
        yield Lease(i, node, state, Amounts(cpus, memory, count) if hold == "gpus" else Amounts(0, 0, 0),
                    json.loads(gpus) if hold == "gpus" else [])


def load_events(db):
    for i, job, attempt, role, index, task_attempt, kind, when, reason in db.execute(
            "SELECT id, job_id, job_attempt, role, task_index, task_attempt, type, time_ms, reason FROM event"
            " WHERE job_id IS NOT NULL ORDER BY id"):
        state = kind.partition(".")[2].upper()
        subject = None if role is None else (attempt, role, index, task_attempt)
        yield Event(i, job, subject, when, state if state in STATES.values() else None, reason)


# --- the rules: each yields one line per violation ---------------------------------------------

def owner(ev, attempt):
    """The name of the attempt's job."""
    job = ev.jobs.get(attempt.job_id)
    return job.name if job else "no job (%s)" % attempt.job_id


def i1_acknowledged_jobs_exist(ev):
    by_name = {j.name: j for j in ev.jobs.values()}
    for name, sha in ev.acked:
        job = by_name.get(name)
        if job is None:
            yield "I1 %s was acknowledged and is not there" % name
        elif job.config_sha != sha:
            yield "I1 %s is there with another text: %s, submitted was %s" % (name, job.config_sha, sha)


def i2_started_at_most_once(ev):
    seen = {}
    started = {}
    known = {a.id: a for a in ev.attempts}
    for w in ev.witness:
        if w.attempt in seen:
            yield "I2 attempt %s of %s was started twice: pids %s and %s" % (w.attempt, w.job, seen[w.attempt], w.pid)
        seen[w.attempt] = w.pid
        a = known.get(w.attempt)
        if a is None:
            yield "I2 attempt %s of %s was started without a row" % (w.attempt or "(none)", w.job)
            continue
        if owner(ev, a) != w.job:
            yield "I2 attempt %s was started for %s, its row is of %s" % (a.id, w.job, owner(ev, a))
        key = (a.job_id, a.job_attempt, a.role, a.index, a.number)
        if started.setdefault(key, a.id) != a.id:
            yield "I2 task attempt %s was started under two ids: %s and %s" % (key, started[key], a.id)


def i3_no_process_of_the_dead(ev):
    live = droverlib.task_processes(ev.processes)
    for a in ev.attempts:
        if a.state in FINAL and a.id in live and a.id not in ev.leases:
            yield "I3 attempt %s of %s is %s, and process %s lives" % (
                a.id, owner(ev, a), a.state, min(live[a.id]))


def i3_the_running_have_processes(ev):
    """May be broken for a moment on a live server (check_live looks again), never for long."""
    for a in ev.attempts:
        if a.state == "RUNNING" and not process_or_exit(ev, a.id):
            yield "I3 attempt %s of %s is RUNNING, and nothing runs" % (a.id, owner(ev, a))


def process_or_exit(ev, attempt):
    """Whether a task process or the shim of the attempt lived, or it has ended and its exit is kept for the server."""
    marker = b"DROVER_TASK_ATTEMPT=" + attempt.encode()
    return (any(marker in environ.split(b"\0") for _, _, environ in ev.processes.values())
            or shim_lives(ev.data, attempt) or has_ended(ev.data, attempt))


def i4_nothing_is_held_twice(ev):
    used = collections.defaultdict(lambda: [0, 0, 0])
    holders = {}
    for a in ev.attempts:
        if a.state not in PLACED:
            continue
        total = used[a.node]
        if a.wants is None:
            yield "I4 attempt %s is placed, and no job says what it needs" % a.id
        for i, amount in enumerate(a.wants or ()):
            total[i] += amount
        for kind, numbers in (("GPU", a.gpus), ("port", a.ports)):
            for n in numbers:
                other = holders.setdefault((a.node, kind, n), a.id)
                if n >= 0 and other != a.id:
                    yield "I4 %s %d of %s is held by %s and %s" % (kind, n, a.node, other, a.id)
        if len(set(a.gpus)) != len(a.gpus) and min(a.gpus) >= 0:
            yield "I4 attempt %s holds a GPU twice: %s" % (a.id, a.gpus)
    for lease in ev.leases.values():
        for i, amount in enumerate(lease.holds):
            used[lease.node][i] += amount
        for n in lease.gpus:
            other = holders.setdefault((lease.node, "GPU", n), lease.id)
            if other != lease.id:
                yield "I4 GPU %d of %s is held by %s and the lease of %s" % (n, lease.node, other, lease.id)
    for name, (cpus, memory, gpus) in used.items():
        node = ev.nodes.get(name)
        if node is None:
            yield "I4 attempts are placed on %s, which is no node" % name
            continue
        for what, have, limit in (("CPUs", cpus, node.cpus), ("MB", memory, node.memory_mb), ("GPUs", gpus, node.gpus)):
            if have > limit:
                yield "I4 %d %s of %s are given out, it has %d" % (have, what, name, limit)


def i5_states_move_along_edges(ev):
    states = {}
    times = {}
    for e in ev.events:
        if e.time < times.get(e.job, 0):
            yield "I5 event %d of job %s is earlier than the one before" % (e.id, e.job)
        times[e.job] = max(e.time, times.get(e.job, 0))
        if e.state is None:
            continue
        edges = TASK_EDGES if e.subject else JOB_EDGES
        key = (e.job, e.subject)
        old = states.get(key)
        if e.reason in NOTES and e.state == (old or "WAITING"):
            continue
        # The first event tells of the creation; a missing one means WAITING.
        if not (old is None and e.state == "WAITING") and e.state not in edges.get(old or "WAITING", ()):
            yield "I5 event %d: %s %s moved %s -> %s" % (e.id, e.job, e.subject or "", old or "WAITING", e.state)
        states[key] = e.state
    for j in ev.jobs.values():
        told = states.get((j.id, None), "WAITING")
        if told != j.state:
            yield "I5 %s is %s, its events say %s" % (j.name, j.state, told)


def i5_ends_are_recorded(ev):
    for a in ev.attempts:
        name = "attempt %s of %s" % (a.id, owner(ev, a))
        moments = [t for t in (a.created, a.launched, a.completed) if t]
        if moments != sorted(moments):
            yield "I5 %s: created, launched, completed are out of order: %s" % (name, moments)
        if a.state not in FINAL:
            continue
        if not a.completed:
            yield "I5 %s is %s without a time of its end" % (name, a.state)
        if a.state != "STOPPED" and a.exit is None:
            yield "I5 %s is %s without an exit code" % (name, a.state)
        elif (a.state == "SUCCEEDED" and a.exit != 0) or (a.state == "FAILED" and a.exit == 0):
            yield "I5 %s is %s with exit code %s" % (name, a.state, a.exit)
    live = {a.job_id: a.id for a in ev.attempts if a.state in PLACED}
    for j in ev.jobs.values():
        if j.state in FINAL and j.id in live:
            yield "I5 %s is %s, and attempt %s is not" % (j.name, j.state, live[j.id])
        if j.state in FINAL and not (j.completed and j.completed >= j.submitted):
            yield "I5 %s is %s, completed at %s, submitted at %s" % (j.name, j.state, j.completed, j.submitted)


def i6_database_is_sound(ev):
    for (line,) in ev.db.execute("PRAGMA integrity_check"):
        if line != "ok":
            yield "I6 integrity_check: %s" % line
    for row in ev.db.execute("PRAGMA foreign_key_check"):
        yield "I6 foreign_key_check: table %s row %s, parent %s" % row[:3]


def i7_accepted_submissions_are_recorded(ev):
    """Each job came with the record of its submission, in one transaction; `droverd audit verify` checks the chain."""
    jobs, = ev.db.execute("SELECT count(*) FROM job").fetchone()
    records, = ev.db.execute("SELECT count(*) FROM audit WHERE route = '/api/v2/jobs' AND status = 202").fetchone()
    if records < jobs:
        yield "I7 %d jobs, %d records of accepted submissions" % (jobs, records)
    first, last, rows = ev.db.execute("SELECT min(id), max(id), count(*) FROM audit").fetchone()
    if rows and (first != 1 or last != rows):
        yield "I7 the audit log has gaps: %d records from %d to %d" % (rows, first, last)


RULES = [i1_acknowledged_jobs_exist, i2_started_at_most_once, i3_no_process_of_the_dead, i4_nothing_is_held_twice,
         i5_states_move_along_edges, i5_ends_are_recorded, i6_database_is_sound,
         i7_accepted_submissions_are_recorded]


def check(evidence):
    """All violations, for a stopped server."""
    return [v for rule in RULES + [i3_the_running_have_processes] for v in rule(evidence)]


def check_live(server, witness=None, acked=(), patience=10.0):
    """All violations on a running server. What may lag (a RUNNING attempt that has just lost its process) counts
    only when each look of `patience` seconds finds it so. A look may take longer than that: it takes a second one."""
    lagging, begin = None, 0.0
    while True:
        evidence = Evidence.from_server(server, witness, acked)
        hard = [v for rule in RULES for v in rule(evidence)]
        now, at = set(i3_the_running_have_processes(evidence)), time.monotonic()
        if lagging is None:
            lagging, begin = now, at
        else:
            lagging &= now
        if hard or not lagging or at - begin > patience * droverlib.TIME_SCALE:
            return hard + sorted(lagging)
        time.sleep(0.05)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--data", required=True)
    p.add_argument("--witness")
    p.add_argument("--acked")
    options = p.parse_args()
    acked = []
    if options.acked:
        with open(options.acked, encoding="utf-8") as f:
            acked = [tuple(line.split()) for line in f if line.strip()]
    violations = check(Evidence.from_folder(options.data, options.witness, acked))
    for v in violations:
        print(v)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
