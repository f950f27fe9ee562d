#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mail to the owners of jobs, taken by a real SMTP server, and webhooks: what is asked for and nothing else, in order,
once, signed, also over receivers that fail and a droverd that dies; and what becomes of a debug reservation."""
import base64
import hashlib
import hmac
import http.server
import json
import sqlite3
import threading
import unittest

import droverlib
import jobcase
from droverlib import job_yaml, wait_until
from mailserver import MailServer

PHRASE = "a-good-phrase-7"


def notify(**words):
    return "extras:\n  jobStatusChangeNotification: {%s}\n" % ", ".join("%s: %s" % (k, str(v).lower()) for k, v in words.items())


class Receiver(http.server.ThreadingHTTPServer):
    """Takes webhooks by path; `fails`: answers 503 and takes nothing."""

    def __init__(self):
        self.taken, self.tries, self.fails, self.lock = {}, 0, False, threading.Lock()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def kinds(self, path):
        with self.lock:
            return [json.loads(body)["type"] for _, body in self.taken.get(path, ())]


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):  # pylint: disable=invalid-name
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            fails = self.server.fails
            self.server.tries += 1
            if not fails:
                self.server.taken.setdefault(self.path, []).append((dict(self.headers), body))
        self.send_response(503 if fails else 204)
        self.end_headers()

    def log_message(self, *args):  # pylint: disable=arguments-differ
        pass


class JobMail(jobcase.JobCase):
    def setUp(self):
        self.mail = MailServer(refuse={"nobody@example.org"})
        self.addCleanup(lambda: self.mail.stop())  # pylint: disable=unnecessary-lambda
        self.hooks = Receiver()
        self.addCleanup(lambda: (self.hooks.shutdown(), self.hooks.server_close()))
        self.CONFIG = {"webhooks": {"http": True, "ports": [self.hooks.server_port], "allow": ["127.0.0.0/8"]},
                       "smtpUrl": "smtp://127.0.0.1:%d" % self.mail.port, "smtpFrom": "drover@example.org",
                       "publicUrl": "https://lab.example"}
        super().setUp()
        self.client.json("PUT", "/api/v2/users/me", {"patch": True, "data": {"username": "admin", "email": "ada@example.org"}},
                         (201,))

    def subjects(self):
        return [m["Subject"] for _, m in self.mail.mails]

    def told(self, *subjects):
        """Waits for these mails, and holds all that came to be these."""
        wait_until(lambda: len(self.mail.mails) >= len(subjects), "there are %d mails" % len(subjects), 60)
        self.assertEqual(self.subjects(), list(subjects))

    def run_job(self, name, command="exit 0", client=None, **words):
        full = (client or self.client).submit(job_yaml(name, command, extra=notify(**words) if words else ""))
        self.client.wait(full)
        return full

    def marker(self, name, *before):
        """A job whose one mail comes behind all that was to come before it."""
        self.run_job(name, succeeded=True)
        self.told(*before, name + " has succeeded")

    def noted(self):
        """How far the server has noted to have come, in its database."""
        db = self.server.database()
        try:
            row = db.execute("SELECT value FROM setting WHERE key = 'mail'").fetchone()
            newest = db.execute("SELECT max(id) FROM event WHERE reason = 'JobFailed'").fetchone()[0]
            left = db.execute("SELECT count(*) FROM notice_out").fetchone()[0]
            return row and json.loads(row[0])["after"] >= newest and not left
        finally:
            db.close()

    def test_only_what_is_asked_for_in_order(self):
        self.run_job("both", running=True, succeeded=True, failed=True)
        self.run_job("quiet", "exit 3")
        self.run_job("off", "exit 3", running=False, failed=False, succeeded=True)
        full = self.run_job("broken", "exit 3", running=False, failed=True)
        self.marker("last", "both runs", "both has succeeded", "broken has failed")
        to, mail = self.mail.mails[2]
        self.assertEqual(to, ["ada@example.org"])
        self.assertIn("job %s has failed." % full, mail.get_content())
        self.assertIn("https://lab.example/#/jobs/" + full, mail.get_content())
        self.assertEqual(len({m["Message-ID"] for _, m in self.mail.mails}), 4)

    def test_not_lost_and_not_twice_over_restarts(self):
        port = self.mail.port
        self.mail.stop()
        self.run_job("first", "exit 3", failed=True)
        self.run_job("second", "exit 3", failed=True)
        self.server.kill()
        self.mail = MailServer(port=port)
        self.server.start()
        self.client = droverlib.Client(self.server).login()
        self.told("first has failed", "second has failed")
        wait_until(self.noted, "the server has noted it")
        self.server.kill()
        self.server.start()
        self.client = droverlib.Client(self.server).login()
        self.marker("last", "first has failed", "second has failed")

    def webhook(self, path, **members):
        return self.client.json("PUT", "/api/v2%s/webhooks/%s" % path, {
            "url": "http://127.0.0.1:%d/%s" % (self.hooks.server_port, path[1]), **members}, (200, 201))["secret"]

    def check_signature(self, secret, headers, body):
        key = base64.b64decode(secret.removeprefix("whsec_"))
        signed = ("%s.%s." % (headers["webhook-id"], headers["webhook-timestamp"])).encode() + body
        self.assertEqual(headers["webhook-signature"],
                         "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode())

    def test_webhooks_and_settings(self):
        """A receiver that fails for a while, and a server that dies meanwhile."""
        own = "/users/me"
        self.client.json("PUT", "/api/v2/users/me/notifications", {"mail": ["succeeded"]})
        secret = self.webhook((own, "bot"), kinds=["succeeded", "failed"])
        self.assertIsNone(self.webhook((own, "bot"), kinds=["succeeded", "failed"]))
        self.webhook((own, "off"), kinds=["succeeded", "failed"], enabled=False)
        self.webhook(("", "site"), kinds=["failed"], shape="slack")
        for url in ("http://10.0.0.7:%d/" % self.hooks.server_port, "http://127.0.0.1:22/", "file:///etc/passwd"):
            self.client.json("PUT", "/api/v2/users/me/webhooks/bad", {"url": url, "kinds": []}, (400,))
        self.hooks.fails = True
        self.run_job("one")
        self.run_job("two", "exit 3")
        self.run_job("three", "exit 3", failed=False)  # for mail; a webhook hears what it listens to
        self.told("one has succeeded")
        wait_until(lambda: self.hooks.tries >= 3, "the receiver was asked", 60)
        self.server.kill()
        self.server.start()
        self.client = droverlib.Client(self.server).login()
        self.hooks.fails = False
        wait_until(lambda: len(self.hooks.taken.get("/bot", ())) >= 3 and len(self.hooks.taken.get("/site", ())) >= 2,
                   "the webhooks were taken", 60)
        self.client.json("POST", "/api/v2/users/me/webhooks/bot/test", None, (202,))
        wait_until(lambda: "test" in self.hooks.kinds("/bot"), "the test was taken", 60)
        self.assertEqual(self.hooks.kinds("/bot"), ["succeeded", "failed", "failed", "test"])
        self.assertEqual([json.loads(b)["text"].split("*")[1] for _, b in self.hooks.taken["/site"]],
                         ["two has failed", "three has failed"])
        self.assertEqual(set(self.hooks.taken), {"/bot", "/site"})
        self.assertEqual(len({h["webhook-id"] for h, _ in self.hooks.taken["/bot"]}), 4)
        for headers, body in self.hooks.taken["/bot"]:
            self.check_signature(secret, headers, body)

        def log():
            return self.client.json("GET", "/api/v2/users/me/webhooks/bot/deliveries")
        wait_until(lambda: all(d["state"] == "sent" for d in log()), "the log says so")
        self.assertEqual([d["kind"] for d in log()], ["test", "failed", "failed", "succeeded"])
        self.assertGreater(log()[-1]["tries"], 1)
        self.assertNotIn("secret", json.dumps(self.client.json("GET", "/api/v2/users/me/webhooks")))
        with open(self.server.data + "/drover.db", "rb") as f:
            self.assertNotIn(base64.b64decode(secret.removeprefix("whsec_")), f.read())
        self.told("one has succeeded")

    def test_whoever_cannot_be_told_holds_up_nobody(self):
        self.client.json("POST", "/api/v2/users", {"username": "bo", "password": PHRASE, "email": "nobody@example.org",
                                                   "virtualCluster": ["default"]}, (201,))
        self.client.json("POST", "/api/v2/users", {"username": "cy", "password": PHRASE}, (201,))
        for user in ("bo", "cy"):
            self.run_job("broken", "exit 3", droverlib.Client(self.server).login(user, PHRASE), failed=True)
        self.marker("last")

    def test_a_reservation(self):
        """One put into the database, as if an engine had kept its sandbox: the server, which finds nothing of it, has it
        end. Its owner hears of both."""
        full = self.run_job("held", "exit 3")
        detail = self.client.job(full)
        task = detail["taskRoles"]["main"]["taskStatuses"][0]
        self.server.stop()
        db = sqlite3.connect(self.server.data + "/drover.db")
        now, nonce = db.execute("SELECT completed_ms, nonce FROM task_attempt WHERE id = ?",
                                (task["containerId"],)).fetchone()
        db.execute("INSERT INTO lease(id, job_id, job_attempt, role, task_index, task_attempt, owner, vc, node, gpus, hold,"
                   " cpus, memory_mb, gpu_count, priority, nonce, state, created_ms, expires_ms, ended_by, collected)"
                   " VALUES(?, ?, 0, 'main', 0, 0, 'admin', 'default', ?, '[]', 'gpus', 1, 1, 0, -1, ?, 'HELD', ?, ?, '', '{}')",
                   (task["containerId"], detail["jobId"], task["node"], nonce, now, now + 10 ** 9))
        db.execute("INSERT INTO event(id, job_id, type, severity, reason, message, time_ms) SELECT max(id) + 1, ?,"
                   " 'lease.held', 'Normal', 'LeaseHeld', 'Its sandbox stays.', ? FROM event", (detail["jobId"], now))
        db.commit()
        db.close()
        self.server.start()
        self.client = droverlib.Client(self.server).login()
        self.told("held is kept to look at", "The reservation of held is lost")
        self.assertIn("drover reservation release held", self.mail.mails[0][1].get_content())


if __name__ == "__main__":
    unittest.main()
