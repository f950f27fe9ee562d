# SPDX-License-Identifier: MIT
"""What Drover adds to OpenPAI's jobs: archiving, idempotent submission, cursors, conditional reads."""
import json
import threading
import unittest

import droverlib

JOB = """protocolVersion: 2
name: %s
type: job
prerequisites: [{type: dockerimage, name: image, uri: none}]
taskRoles: {main: {dockerImage: image, commands: ["%s"], resourcePerInstance: {cpu: 1, memoryMB: 64, gpu: 0}}}
"""


class JobsApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = droverlib.Server()
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.admin = droverlib.Client(cls.server)
        cls.admin.login()

    def call(self, method, path, body=None, status=200, headers=None, content_type="application/json"):
        reply = self.admin.request(method, "/api/v2" + path, body, content_type, headers)
        self.assertEqual(reply.status, status, reply.body)
        return reply

    def submit(self, name, command="true", status=202, key=None):
        headers = {"Idempotency-Key": key} if key else None
        reply = self.call("POST", "/jobs", JOB % (name, command), status, headers, "text/yaml")
        return json.loads(reply.body)

    def wait_end(self, name):
        def ended():
            job = json.loads(self.call("GET", "/jobs/admin~" + name).body)
            return job if job["jobStatus"]["state"] in droverlib.FINAL else None
        return droverlib.wait_until(ended, name + " ends", 20)

    def test_an_archived_job_frees_its_name(self):
        first = self.submit("away")["jobId"]
        self.wait_end("away")
        self.submit("away", status=409)
        self.call("DELETE", "/jobs/admin~away")
        self.call("GET", "/jobs/admin~away", status=404)
        listed = json.loads(self.call("GET", "/jobs?limit=50").body)
        self.assertNotIn(first, [j["jobId"] for j in listed])
        archived = json.loads(self.call("GET", "/jobs?archived=true").body)
        self.assertIn(first, [j["jobId"] for j in archived])
        second = self.submit("away")["jobId"]
        self.assertNotEqual(first, second)
        old = json.loads(self.call("GET", "/jobs/" + first).body)
        self.assertEqual((old["jobId"], old["archived"]), (first, True))
        self.call("GET", "/jobs/%s/config" % first)
        self.assertEqual(json.loads(self.call("GET", "/jobs/admin~away").body)["jobId"], second)

    def test_a_dry_run_tells_and_keeps_nothing(self):
        def audited():
            return len(json.loads(self.call("GET", "/audit?limit=1000").body)["data"])

        def dry(text, status=200):
            return json.loads(self.call("POST", "/jobs?dryRun=true", text, status, content_type="text/yaml").body)

        before = audited()
        told = dry(JOB % ("dry", "true"))
        self.assertEqual((told["dryRun"], told["name"]), (True, "admin~dry"))
        droverlib.wait_until(lambda: dry(JOB % ("dry", "true"))["would"]["reason"] == "starts", "it would start")
        told = dry(JOB.replace("cpu: 1,", "cpu: 10000,") % ("dry", "true"))
        self.assertEqual(told["would"]["reason"], "never")
        self.assertIn("10000 CPUs", told["warning"])
        refused = dry(JOB.replace("cpu: 1,", "cpu: none,") % ("dry", "true"), 400)
        self.assertEqual((refused["code"], refused["errors"][0]["line"]), ("InvalidProtocolError", 5))
        code = "a" * 64
        text = JOB % ("dry", "true") + "extras: {drover: {code: %s}}\n" % code
        self.assertIn("which you have not sent", dry(text, 400)["message"])
        self.assertEqual(audited(), before)
        self.call("GET", "/jobs/admin~dry", status=404)
        self.submit("dry")
        self.assertEqual(dry(JOB % ("dry", "true"), 409)["code"], "ConflictJobError")
        self.wait_end("dry")

    def test_a_job_that_has_not_ended_stays(self):
        self.submit("busy", "sleep 100")
        self.assertEqual(json.loads(self.call("DELETE", "/jobs/admin~busy", status=409).body)["code"],
                         "ConflictJobError")
        self.call("PUT", "/jobs/admin~busy/executionType", {"value": "STOP"}, 202)
        self.wait_end("busy")
        self.call("DELETE", "/jobs/admin~busy")

    def test_a_held_job_waits_until_it_is_released(self):
        job = JOB.replace("cpu: 1,", "cpu: 10000,") % ("kept", "true")  # it waits anyway
        self.call("POST", "/jobs", job, 202, content_type="text/yaml")
        name = "admin~kept"
        self.call("PUT", "/jobs/%s/hold" % name)
        told = json.loads(self.call("GET", "/jobs/%s/explain" % name).body)
        self.assertEqual((told["reason"], told["then"]), ("hold", "never"))
        self.assertIn("Held by admin", told["message"])
        self.assertEqual(json.loads(self.call("GET", "/jobs?keyword=kept").body)[0]["heldBy"], "admin")
        self.call("DELETE", "/jobs/%s/hold" % name)
        told = json.loads(self.call("GET", "/jobs/%s/explain" % name).body)
        self.assertEqual(told["reason"], "never")
        self.call("PUT", "/jobs/%s/executionType" % name, {"value": "STOP"}, 202)
        self.assertEqual(json.loads(self.call("PUT", "/jobs/%s/hold" % name, status=409).body)["code"],
                         "ConflictJobError")

    def test_the_same_key_submits_once(self):
        first = self.submit("once", key="a-key")
        self.assertEqual(self.submit("once", key="a-key"), first)
        self.wait_end("once")
        self.call("DELETE", "/jobs/admin~once")
        self.assertEqual(self.submit("once", key="a-key"), first)
        self.assertEqual(self.submit("other", key="a-key", status=422)["code"], "IdempotencyKeyReusedError")
        self.submit("once", key="a b", status=400)

    def test_the_same_key_submits_once_at_the_same_time_and_after_a_restart(self):
        answers = []

        def one():
            client = droverlib.Client(self.server, self.admin.token)
            reply = client.request("POST", "/api/v2/jobs", JOB % ("race", "true"), "text/yaml",
                                   {"Idempotency-Key": "race"})
            answers.append((reply.status, json.loads(reply.body).get("jobId")))
        threads = [threading.Thread(target=one) for _ in range(8)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(len(set(answers)), 1, answers)
        self.assertEqual(answers[0][0], 202)
        self.server.kill()
        self.server.start()
        self.assertEqual(self.submit("race", key="race")["jobId"], answers[0][1])

    def test_a_cursor_walks_the_list_while_jobs_come(self):
        names = ["page-%02d" % i for i in range(7)]
        for name in names:
            self.submit(name)
        path = "/jobs?keyword=page-&order=submissionTime,DESC&limit=3"
        seen, cursor = [], None
        while True:
            reply = self.call("GET", path + ("&cursor=" + cursor if cursor else ""))
            seen += [j["name"] for j in json.loads(reply.body)]
            cursor = reply.headers.get("x-next-cursor")
            if not cursor:
                break
            self.submit("page-new-%d" % len(seen))  # an offset would now show one twice
        self.assertEqual([s.split("~")[-1] for s in seen], names[::-1])
        with_count = json.loads(self.call("GET", path + "&withTotalCount=true").body)
        self.assertTrue(with_count["nextCursor"])
        self.call("GET", path + "&cursor=1&offset=1", status=400)
        self.call("GET", "/jobs?order=state,ASC&cursor=1", status=400)
        self.call("GET", "/jobs?cursor=x", status=400)

    def test_what_has_not_changed_is_not_sent_again(self):
        self.submit("still")
        self.wait_end("still")
        for path in ("/jobs/admin~still", "/jobs/admin~still/config", "/jobs?keyword=still"):
            reply = self.call("GET", path)
            tag = reply.headers["etag"]
            again = self.call("GET", path, status=304, headers={"If-None-Match": '"other", ' + tag})
            self.assertEqual((again.body, again.headers["etag"]), (b"", tag))
        before = self.call("GET", "/jobs?keyword=still").headers["etag"]
        self.call("PUT", "/jobs/admin~still/tag", {"value": "t"})
        self.call("GET", "/jobs?keyword=still", headers={"If-None-Match": before})


if __name__ == "__main__":
    unittest.main()
