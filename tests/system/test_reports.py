#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reports: a thousand random histories, told by who wrote them and by the server; who sees what; the verb, the page
and the weekly mail."""
import base64
import collections
import csv
import hashlib
import io
import json
import os
import random
import re
import sqlite3
import subprocess
import time
import unittest
import uuid

import droverlib
from mailserver import MailServer

HOUR, DAY = 3600 * 1000, 24 * 3600 * 1000
#: States (jobs/state.h) and exit codes (jobs/exits.yaml) by what became of the work.
SUCCEEDED, FAILED, STOPPED = 32, 64, 128
ENDS = {"succeeded": (SUCCEEDED, 0), "failed": (FAILED, 1), "platform": (FAILED, -1001), "stopped": (STOPPED, -210),
        "preempted": (FAILED, -1003)}
KEYS = ("vc", "user", "job", "node", "model", "day")
SAMPLED = ("gpuHours", "idle", "busy", "keptHours", "keptBusy", "memoryHours", "memory", "energy")
SHOWN = SAMPLED[:3]  # as they are; the others are in what is made of them
NODES = {"node%d" % i: "nvidia-h100-80gb" if i % 2 else "nvidia-a100" for i in range(4)}  # node4 is gone
SEED = int(os.environ.get("DROVER_TEST_SEED") or random.SystemRandom().randrange(1 << 32))
KINDS = ("succeeded", "failed", "platform", "stopped", "preempted", "running", "reserved")


def history(r, db, number, begin):
    """One job with its attempts, written as the server writes them. Its uses (keys, GPUs, begin,
    end, kind, what was sampled of them all: time known, idle, busy), and itself."""
    job = str(uuid.UUID(int=r.getrandbits(128)))
    keys = {"vc": r.choice(["default", "vision", "speech"]), "user": "user%d" % r.randrange(12), "job": None}
    name = "h%d" % number
    keys["job"] = keys["user"] + "~" + name
    submitted = at = begin + r.randrange(20 * DAY)
    uses, started, preempted = [], None, []
    for attempt in range(r.randint(1, 3)):
        at += r.randrange(2 * HOUR)
        kind = r.choice(list(ENDS))
        state, code = ENDS[kind]
        if kind == "preempted" and r.random() < 0.5:  # for good: it ends as one that a person stopped
            state, code = ENDS["stopped"]
            db.execute("INSERT INTO decision(job_id, job_attempt, kind, time_ms) VALUES(?, ?, 'preempted', ?)",
                       (job, attempt, at))
        end = at + r.randrange(1, 40 * HOUR)
        preempted.append(end if kind == "preempted" else None)
        launched = r.choice([None, at + 5])
        started = started or launched
        db.execute("INSERT INTO job_attempt(job_id, attempt, state, created_ms, launched_ms, completed_ms, exit_code)"
                   " VALUES(?, ?, ?, ?, ?, ?, ?)", (job, attempt, state, at, launched, end, code))
        for index in range(r.randint(1, 3)):
            gpus, node, again = r.randrange(9), "node%d" % r.randrange(5), r.random() < 0.2
            cut = r.randrange(at, end)
            # A task that failed and was tried again, in an attempt that may have gone on well.
            for retry, (a, b, s, c) in enumerate([(at, cut, FAILED, 1), (cut, end, state, code)] if again else
                                                 [(at, end, state, code)]):
                task = str(uuid.UUID(int=r.getrandbits(128)))
                db.execute("INSERT INTO task_attempt(id, job_id, job_attempt, role, task_index, attempt, state, node, gpus,"
                           " created_ms, completed_ms, exit_code) VALUES(?, ?, ?, 'main', ?, ?, ?, ?, ?, ?, ?, ?)",
                           (task, job, attempt, index, retry, s, node,
                            str(list(range(gpus))), a, b, c))
                samples = [0.0] * len(SAMPLED)
                told = "failed" if again and retry == 0 and kind == "succeeded" else kind
                for gpu in range(gpus) if r.random() < 0.5 else []:  # those of half of the task attempts were sampled
                    sampled = r.randrange(b - a + 1)
                    idle, mean = r.randrange(sampled + 1), r.random() * 100
                    known, mib, joules = r.randrange(sampled + 1), r.randrange(80000), r.randrange(10 ** 6)
                    db.execute("INSERT INTO gpu_use VALUES(?, ?, 'GPU-x', ?, ?, NULL, ?, ?, ?, ?, ?, 100, 50, 95, 0, 0, ?)",
                               (task, gpu, a, b, known, known * mib, sampled, idle, mean, joules * 10 ** 6))
                    kept = told == "succeeded"
                    for i, value in enumerate((sampled, idle, sampled * mean / 100, kept * sampled,
                                               kept * sampled * mean / 100, known, known * mib / 1024, joules)):
                        samples[i] += value
                uses.append((dict(keys, node=node, model=NODES.get(node)), gpus, a, b, told, samples))
        at = end
    if state == FAILED and r.random() < 0.3:  # of the attempt that was the last
        ended = at + r.randrange(1, 10 * HOUR)
        hold = r.choice(["gpus", "sandbox"])
        db.execute("INSERT INTO lease(id, job_id, job_attempt, role, task_index, task_attempt, owner, vc, node, gpus,"
                   " hold, cpus, memory_mb, gpu_count, priority, nonce, state, created_ms, expires_ms, ended_ms,"
                   " ended_by, collected) VALUES(?, ?, ?, 'main', 0, 0, ?, ?, ?, '[]', ?, 1, 1, ?, -1, '', 'ENDED', ?, ?,"
                   " ?, 'expiry', '{}')", (str(uuid.UUID(int=r.getrandbits(128))), job, attempt, keys["user"], keys["vc"],
                                           node, hold, gpus, at, ended, ended))
        if hold == "gpus":
            uses.append((dict(keys, node=node, model=NODES.get(node)), gpus, at, ended, "reserved", [0.0] * len(SAMPLED)))
    db.execute("INSERT INTO job(id, user, name, vc, state, submitted_ms, created_ms, completed_ms, attempt)"
               " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)",
               (job, keys["user"], name, keys["vc"], state, submitted, submitted, at, attempt))
    return uses, (keys, submitted, started, at, state == SUCCEEDED, preempted)


def day_of(ms):
    return time.strftime("%Y-%m-%d", time.gmtime(ms / 1000))


def recount(uses, jobs, begin, end, by):
    """{key: {what: value}}, the plain way: every use against every window."""
    windows = [(begin, end)]
    if "day" in by:
        edges = [begin] + list(range((begin // DAY + 1) * DAY, end, DAY)) + [end]
        windows = list(zip(edges, edges[1:]))
    rows = collections.defaultdict(lambda: collections.defaultdict(float))
    waits = collections.defaultdict(list)

    def key(keys, window):
        return tuple(day_of(window[0]) if k == "day" else keys.get(k) for k in KEYS if k in by)
    for window in windows:
        for keys, gpus, a, b, kind, samples in uses:
            overlap = min(b, window[1]) - max(a, window[0])
            if overlap > 0:
                rows[key(keys, window)][kind] += gpus * overlap / HOUR
                for name, value in zip(SAMPLED, samples):
                    rows[key(keys, window)][name] += value * overlap / (b - a) / HOUR
                rows[key(keys, window)]["tasks"] += overlap / HOUR if kind != "reserved" else 0
        for keys, submitted, started, ended, well, preempted in jobs:
            if window[0] <= ended < window[1]:
                rows[key(keys, window)]["ended"] += 1
                rows[key(keys, window)]["well"] += well
            for moment in preempted:
                if moment is not None and window[0] <= moment < window[1]:
                    rows[key(keys, window)]["preemptions"] += 1
            if started and window[0] <= started < window[1]:
                waits[key(keys, window)].append(started - submitted)
    for at, list_of in waits.items():
        list_of.sort()
        for p in (50, 95):  # the smallest wait that at least p in a hundred did not exceed
            rows[at]["p%d" % p] = next(w for i, w in enumerate(list_of) if (i + 1) * 100 >= p * len(list_of))
    return rows


def shown(row):
    out = {kind: row["gpuHours"][kind] for kind in KINDS}
    out.update({name: row["sampled"][name] for name in SHOWN})
    out.update(tasks=row["taskHours"], ended=row["jobs"]["ended"], well=row["jobs"]["succeeded"],
               preemptions=row["jobs"]["preempted"], p50=row["waitMs"]["p50"] or 0, p95=row["waitMs"]["p95"] or 0)
    return out


def told_figures(row):
    return {"utilization": row["sampled"]["utilization"], "memoryGiB": row["sampled"]["memoryGiB"],
            "energyKWh": row["sampled"]["energyKWh"], "wasted": row["gpuHours"]["wasted"],
            "unused": row["gpuHours"]["unused"], "success": row["jobs"]["success"], "goodput": row["goodput"]}


def ratio(part, whole):
    return 100 * part / whole if whole else None


def derived(row):
    """What is made of a recount's row: as docs/REPORTS.md has it."""
    decided = sum(row[kind] for kind in KINDS if kind != "running")
    kept, use = ratio(row["succeeded"], decided), ratio(row["keptBusy"], row["keptHours"])
    return {"utilization": ratio(row["busy"], row["gpuHours"]),
            "memoryGiB": row["memory"] / row["memoryHours"] if row["memoryHours"] else None,
            "energyKWh": row["energy"] * HOUR / 3.6e6,
            "wasted": row["failed"] + row["platform"] + row["preempted"], "unused": 0,
            "success": ratio(row["well"], row["ended"]),
            "goodput": None if kept is None or use is None else kept * use / 100}


class Reports(unittest.TestCase):
    def setUp(self):
        self.server = droverlib.Server({"gpus": 4})
        self.server.__enter__()
        self.addCleanup(self.server.clean_up)
        self.client = droverlib.Client(self.server).login()

    def fill(self, count, begin, seed):
        """`count` histories in the stopped server's database."""
        r = random.Random(seed)
        self.server.stop()
        db = sqlite3.connect(self.server.data + "/drover.db")
        for node, model in NODES.items():
            db.execute("INSERT INTO node(name, spec, updated_ms) VALUES(?, ?, 0)", (node, json.dumps(
                {"gpus": [{"index": 0, "uuid": "", "model": model.replace("-", " ").upper(), "memoryMB": 1, "simulated": True}]})))
        done = [history(r, db, number, begin) for number in range(count)]
        db.commit()
        db.close()
        self.server.start()
        self.client.login()
        return [u for uses, _ in done for u in uses], [job for _, job in done]

    def report(self, client, begin, end, by):
        return client.json("GET", "/api/v2/reports/gpu?from=%d&to=%d&by=%s" % (begin, end, ",".join(by)))

    def held_to(self, told, uses, jobs, begin, end, by):
        expected = recount(uses, jobs, begin, end, by)
        got = {tuple(row[k] for k in KEYS if k in by): shown(row) for row in told["rows"]}
        self.assertEqual(sorted(got, key=str), sorted(expected, key=str), "seed %d" % SEED)
        for key, row in got.items():
            for what, value in row.items():
                self.assertAlmostEqual(value, expected[key][what], places=6, msg="%s %s, seed %d" % (key, what, SEED))
        for row in told["rows"]:
            key = tuple(row[k] for k in KEYS if k in by)
            for what, value in derived(expected[key]).items():
                shown_one = told_figures(row)[what]
                self.assertEqual(value is None, shown_one is None, "%s %s, seed %d" % (key, what, SEED))
                if value is not None:
                    self.assertAlmostEqual(value, shown_one, places=5, msg="%s %s, seed %d" % (key, what, SEED))
        for row in told["rows"] + [told["total"]]:
            self.assertAlmostEqual(row["gpuHours"]["all"], sum(row["gpuHours"][kind] for kind in KINDS), places=6)
        for name in SHOWN:
            self.assertAlmostEqual(told["total"]["sampled"][name], sum(row[name] for row in got.values()), places=5)
        for kind in KINDS:
            self.assertAlmostEqual(told["total"]["gpuHours"][kind], sum(row[kind] for row in got.values()), places=5)

    def test_a_thousand_histories_are_recounted(self):
        print("seed %d (DROVER_TEST_SEED)" % SEED)
        begin = 1700000000000
        uses, jobs = self.fill(1000, begin, SEED)
        for begin, end, by in ((begin, begin + 40 * DAY, ("vc",)),
                               (begin + 3 * DAY + 12345, begin + 9 * DAY - 77, ("vc", "user")),
                               (begin + 5 * DAY, begin + 8 * DAY, ("user", "node", "day")),
                               (begin + 2 * DAY, begin + 3 * DAY, ("job",)),
                               (begin + 4 * DAY, begin + 30 * DAY, ("model", "vc")),
                               (begin, begin + 40 * DAY, ())):
            with self.subTest(by=by):
                self.held_to(self.report(self.client, begin, end, by), uses, jobs, begin, end, by)
        everything = self.report(self.client, begin, begin + 40 * DAY, ())["total"]
        self.assertTrue(all(everything["gpuHours"][kind] > 0 for kind in KINDS if kind != "running"))
        self.assertGreater(everything["sampled"]["busy"], 0)

    def test_each_sees_what_is_theirs(self):
        self.client.json("POST", "/api/v2/users", {"username": "user3", "password": "wild goose chase 7"}, (201,))
        begin = 1700000000000
        uses, jobs = self.fill(60, begin, 8)
        them = droverlib.Client(self.server).login("user3", "wild goose chase 7")
        ours = [u for u in uses if u[0]["user"] == "user3"], [j for j in jobs if j[0]["user"] == "user3"]
        self.assertTrue(ours[0] and len(ours[0]) < len(uses))
        self.held_to(self.report(them, begin, begin + 40 * DAY, ("vc", "user")), *ours, begin, begin + 40 * DAY,
                     ("vc", "user"))

    def test_what_runs_is_counted_up_to_now(self):
        name = self.client.submit(droverlib.job_yaml("runs", "sleep 600", gpu=2))
        self.client.wait(name, ("RUNNING",))
        before = self.client.json("GET", "/api/v2/reports/gpu?by=job,node")
        droverlib.wait_until(lambda: self.client.json("GET", "/api/v2/reports/gpu")["total"]["gpuHours"]["running"] >
                             before["total"]["gpuHours"]["running"], "its time goes on", 30)
        self.assertEqual([row["job"] for row in before["rows"] if row["node"]], [name])
        self.client.stop(name)
        self.client.wait(name)
        total = self.client.json("GET", "/api/v2/reports/gpu")["total"]
        self.assertEqual(total["gpuHours"]["running"], 0)
        self.assertGreater(total["gpuHours"]["stopped"], 0)
        self.assertAlmostEqual(total["gpuHours"]["all"], 2 * total["taskHours"], places=9)

    def test_bad_questions_are_refused(self):
        for query in ("by=models", "by=vc,,user,x", "format=pdf", "sort=hours", "top=0", "from=5&to=5", "from=9&to=5", "from=x", "to=99999999999999999999",
                      "from=0&to=%d" % (5000 * DAY)):
            with self.subTest(query):
                self.assertEqual(self.client.request("GET", "/api/v2/reports/gpu?" + query).status, 400)

    def test_the_verb_prints_them(self):
        begin = 1700000000000
        uses, jobs = self.fill(40, begin, 9)
        first, last = day_of(begin + 2 * DAY), day_of(begin + 12 * DAY)
        home = self.server.folder
        env = {"XDG_CONFIG_HOME": home, "HOME": home, "LANG": "C.UTF-8", "TZ": "Asia/Tokyo"}

        def drover(*args):
            return subprocess.run([droverlib.binary("drover"), *args], capture_output=True, check=True, env=env, cwd=home,
                                  timeout=60 * droverlib.TIME_SCALE).stdout.decode()
        drover("login", "http://%s:%d" % self.server.address, "-u", droverlib.ADMIN, "--password-file",
               os.path.join(home, "password"))
        out = drover("report", "gpu", "--by", "user", "--from", first, "--to", last, "-o", "csv")
        low, high = (begin // DAY + 2) * DAY, (begin // DAY + 12) * DAY
        expected = recount(uses, jobs, low, high, ("user",))
        rows = list(csv.DictReader(io.StringIO(out)))
        self.assertEqual(sorted(row["user"] for row in rows), sorted(k[0] for k in expected))
        for row in rows:
            want = expected[(row["user"],)]
            self.assertAlmostEqual(float(row["gpuHours"]), sum(want[kind] for kind in KINDS), delta=0.0051)
            self.assertEqual(int(row["jobs"]), want["ended"])
        self.served(drover("report", "gpu", "--by", "user", "--from", first, "--to", last, "--html"), low, high, expected)

    def served(self, printed, low, high, expected):
        """The page and the table of the server, for the same time."""
        path = "/api/v2/reports/gpu?from=%d&to=%d&by=user&" % (low, high)
        page = self.client.request("GET", path + "format=html")
        self.assertEqual(page.headers["content-type"], "text/html; charset=utf-8")
        policy = page.headers["content-security-policy"]
        style = re.search("<style>(.*?)</style>", page.body.decode(), re.DOTALL).group(1)
        self.assertIn("style-src 'sha256-%s';" % base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(), policy)
        self.assertTrue(policy.startswith("default-src 'none'; style-src"))
        made = re.compile("Made [0-9: -]* UTC")  # each says when
        self.assertEqual(made.sub("", printed), made.sub("", page.body.decode()))
        table = self.client.request("GET", path + "format=csv&sort=wastedGpuHours&top=3")
        self.assertEqual(table.headers["content-type"], "text/csv; charset=utf-8")
        rows = list(csv.DictReader(io.StringIO(table.body.decode(), newline="")))
        most = sorted(expected, key=lambda key: -derived(expected[key])["wasted"])[:3]
        self.assertEqual([row["user"] for row in rows], [key[0] for key in most])
        for row in rows:
            self.assertAlmostEqual(float(row["wastedGpuHours"]), derived(expected[(row["user"],)])["wasted"], delta=0.00051)

    def weekly(self, user, sent):
        """In the stopped server's database: what `user` asks for has been sent up to then."""
        db = sqlite3.connect(self.server.data + "/drover.db")
        row = json.loads(db.execute("SELECT value FROM setting WHERE key = ?", ("reportMail:" + user,)).fetchone()[0])
        db.execute("UPDATE setting SET value = ? WHERE key = ?", (json.dumps(dict(row, sentTime=sent)), "reportMail:" + user))
        db.commit()
        db.close()

    def noted(self, user):
        db = self.server.database()
        try:
            return json.loads(db.execute("SELECT value FROM setting WHERE key = ?",
                                         ("reportMail:" + user,)).fetchone()[0])["sentTime"]
        finally:
            db.close()

    def test_the_weekly_mail_comes_once(self):
        mail = MailServer()
        self.addCleanup(mail.stop)
        self.client.json("PUT", "/api/v2/users/me", {"patch": True, "data": {"username": "admin", "email": "ada@example.org"}},
                         (201,))
        self.client.json("POST", "/api/v2/users", {"username": "user3", "password": "wild goose chase 7",
                                                   "email": "u3@example.org"}, (201,))
        them = droverlib.Client(self.server).login("user3", "wild goose chase 7")
        self.assertFalse(them.json("GET", "/api/v2/reports/mail")["on"])
        for client in (self.client, them):
            client.json("PUT", "/api/v2/reports/mail", {"weekday": "friday", "hour": 6}, (200,))
        told = them.json("GET", "/api/v2/reports/mail")
        self.assertEqual((told["on"], told["weekday"], told["hour"]), (True, "friday", 6))
        self.assertEqual(time.strftime("%a %H:%M", time.gmtime(told["nextTime"] / 1000)), "Fri 06:00")
        for bad in ({"weekday": "freitag"}, {"hour": 24}, {"hour": "6"}, {"day": 1}):
            self.assertEqual(them.request("PUT", "/api/v2/reports/mail", bad).status, 400)
        self.server.stop()
        self.server.config.update({"smtpUrl": "smtp://127.0.0.1:%d" % mail.port, "smtpFrom": "drover@example.org"})
        self.server.write_config()
        self.weekly("admin", 0)
        self.server.start()
        droverlib.wait_until(lambda: self.noted("admin") > 0, "the report is noted as sent", 60)
        self.server.kill()
        self.weekly("user3", 0)
        self.server.start()
        droverlib.wait_until(lambda: self.noted("user3") > 0, "the other one, too", 60)
        self.assertEqual([to for to, _ in mail.mails], [["ada@example.org"], ["u3@example.org"]])
        one = mail.mails[0][1]
        self.assertEqual(one.get_content_type(), "multipart/alternative")
        text, html = (part.get_content() for part in one.iter_parts())
        self.assertIn("everybody's", text)
        self.assertIn("<svg", html)
        self.assertIn("as far as user3 may see it", next(mail.mails[1][1].iter_parts()).get_content())
        self.assertNotEqual(one["Message-ID"], mail.mails[1][1]["Message-ID"])


if __name__ == "__main__":
    unittest.main()
