#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mail to the owners of jobs, taken by a real SMTP server: what a job asks for and nothing else, in order, once, also
over a mail server that is away and a droverd that dies; and what becomes of a debug reservation."""
import json
import sqlite3
import unittest

import droverlib
import jobcase
from droverlib import job_yaml, wait_until
from mailserver import MailServer

PHRASE = "a-good-phrase-7"


def notify(**words):
    return "extras:\n  jobStatusChangeNotification: {%s}\n" % ", ".join("%s: %s" % (k, str(v).lower()) for k, v in words.items())


class JobMail(jobcase.JobCase):
    def setUp(self):
        self.mail = MailServer(refuse={"nobody@example.org"})
        self.addCleanup(lambda: self.mail.stop())  # pylint: disable=unnecessary-lambda
        self.CONFIG = {"smtpUrl": "smtp://127.0.0.1:%d" % self.mail.port, "smtpFrom": "drover@example.org",
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
            return row and json.loads(row[0])["after"] >= newest
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
