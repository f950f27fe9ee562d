# SPDX-License-Identifier: MIT
"""Failures that explain themselves: the diagnosis of an end, its proof's place in the log, what it does to retries, a
site's own catalogue read again while the server runs; and the corpus of tests/diagnosis, of which everyday runs take a
sample and nightly ones all."""
import io
import json
import os
import random
import shutil
import tarfile
import unittest

import droverlib
import jobcase
from droverlib import wait_until

CORPUS = os.path.join(droverlib.ROOT, "tests", "diagnosis")
PROGRAMS = os.path.join(CORPUS, "programs")
LOGS = "/api/v2/jobs/%s/attempts/0/taskRoles/main/taskIndex/0/attempts/0/logs/%s"
ENTRY = "  - {code: %d, phrase: %s, category: %s, type: USER_FAILURE, reaction: NEVER_RETRY, reason: %s%s}\n"
OWN = "version: 1\nentries:\n" + "".join(
    ENTRY % (code, "Own%d" % n, "user", "of the site", "") for n, code in enumerate((0, 1, 256, -8000)))


class DiagnosisTest(jobcase.JobCase):
    def failed(self, name, commands, **more):
        full = self.submit(name, commands, **more)
        return full, self.client.wait(full, ("FAILED",))

    def found(self, job):
        task = job["taskRoles"]["main"]["taskStatuses"][0]
        self.assertEqual(job["jobStatus"]["appExitSpec"], task["containerExitSpec"])
        self.assertEqual(job["jobStatus"]["appExitDiagnosis"], task["containerExitDiagnosis"])
        return task["containerExitSpec"]["phrase"], task["containerExitDiagnosis"]

    def test_the_proof_is_where_it_says(self):
        full, job = self.failed("module", ["echo one >&2", "echo two >&2",
                                           "python3 -c 'import no_such_module'"], retry=2)
        phrase, d = self.found(job)
        self.assertEqual((phrase, d["category"]), ("ContainerImportError", "user"))
        self.assertEqual(job["jobStatus"]["attemptId"], 0, "a missing module is not tried again")
        proof = d["proof"]
        log = self.client.log(full, kind="stderr")
        self.assertEqual(proof["stream"], "stderr")
        self.assertIn("no_such_module", proof["text"])
        line = log[proof["offset"]:].split(b"\n")[0]
        self.assertEqual(line.decode(), proof["text"])
        self.assertEqual(log.split(b"\n")[proof["line"] - 1], line)
        # As the list and the client have it, and as it was after a restart.
        listed = [j for j in self.client.json("GET", "/api/v2/jobs") if j["name"] == "module"]
        self.assertEqual(listed[0]["exitPhrase"], "ContainerImportError")
        self.server.kill()
        self.server.start()
        self.assertEqual(self.found(self.client.job(full)), (phrase, d))

    def test_a_commands_own_status_is_its_own(self):
        _, job = self.failed("status", ["exit 226"])
        self.assertEqual(self.found(job)[0], "UserCommandFailed")
        self.assertEqual(job["jobStatus"]["appExitCode"], 226)


class SearchTest(jobcase.JobCase):
    def search(self, full, query, status=200):
        r = self.client.request("GET", "/api/v2/jobs/%s/logs/search?%s" % (full, query))
        self.assertEqual(r.status, status, r.body)
        return json.loads(r.body)

    def test_lines_are_found_in_the_logs_of_all_attempts(self):
        full = self.submit("twice", ["echo one", "echo loss=nan >&2", "echo end of loss", "exit 3"], retry=1)
        self.client.wait(full, ("FAILED",))
        found = self.search(full, "q=loss%3D(nan%7Cinf)")
        self.assertEqual([(h["jobAttempt"], h["text"]) for h in found["hits"]], [(0, "loss=nan"), (1, "loss=nan")])
        self.assertIsNone(found["cursor"])
        # One at a time, each call going on where the one before stopped.
        texts, cursor = [], ""
        while cursor is not None:
            found = self.search(full, "q=loss&log=stdout&limit=1" + (cursor and "&cursor=" + cursor))
            texts += [(h["jobAttempt"], h["line"], h["text"]) for h in found["hits"]]
            cursor = found["cursor"]
        self.assertEqual(texts, [(0, 2, "end of loss"), (1, 2, "end of loss")])
        for bad in ("", "q=(", "q=a&log=exit", "q=a&cursor=1.2.3", "q=" + "a" * 1001):
            self.search(full, bad, 400)


class OwnCatalogueTest(jobcase.JobCase):
    def setUp(self):
        folder = droverlib.scratch_folder("drover-exits-")
        self.addCleanup(shutil.rmtree, folder)
        self.file = os.path.join(folder, "exits.yaml")
        self.write(OWN)
        self.CONFIG = {"exitCatalogue": self.file}
        super().setUp()

    def write(self, text):
        with open(self.file + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(self.file + ".new", self.file)

    def phrase(self, name):
        full = self.submit(name, ["echo the teapot is empty", "exit 3"])
        return self.client.wait(full, ("FAILED",))["jobStatus"]["appExitSpec"]["phrase"]

    def test_it_is_read_again_when_it_has_changed(self):
        self.assertEqual(self.phrase("before"), "Own1")
        teapot = ENTRY % (-3000, "EmptyTeapot", "user", "There is no tea.",
                          ", match: [{log: 'teapot is empty', confidence: 90}]")
        self.write(OWN + teapot)
        self.assertEqual(self.phrase("after"), "EmptyTeapot")
        self.write(OWN + "  - {code: 5}\n")
        self.assertEqual(self.phrase("bad"), "EmptyTeapot", "the one before stays in use")
        wait_until(lambda: "line 7" in self.server.log_tail(), "the server complains of the file's line 7")

    def test_a_bad_one_is_refused_at_the_start(self):
        self.server.stop()
        self.write("version: 1\nentries:\n  - {code: x}\n")
        with self.assertRaisesRegex(RuntimeError, "line 3"):
            self.server.start()


def corpus():
    """The programs to run: all nightly, else a sample that is drawn anew for each commit's tests."""
    names = sorted(os.listdir(PROGRAMS)) if os.path.isdir(PROGRAMS) else []
    if os.environ.get("DROVER_NIGHTLY"):
        return names
    return sorted(random.Random(6).sample(names, min(8, len(names))))


def score(case, wanted, job):
    """(category right, entry and proof right) of one program; for a decoy both mean that it was not fooled."""
    status = job["jobStatus"]
    if case.get("category") is None:
        return (status["state"] == "SUCCEEDED",) * 2
    spec, d = status["appExitSpec"], status["appExitDiagnosis"]
    proof = (d["proof"] or {}).get("text", "")
    category = d["category"] == case["category"]
    entry = spec["phrase"] in wanted
    return category, entry and (case.get("proof") is None or case["proof"][:200] in proof)


class CorpusTest(jobcase.JobCase):
    CONFIG = {"cpus": 6}

    def send(self, name):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            tar.add(os.path.join(PROGRAMS, name), arcname=".", filter=lambda i: i if i.name != "./expect.json" else None)
        r = self.client.request("POST", "/api/v2/code", out.getvalue(), "application/x-tar")
        self.assertIn(r.status, (200, 201), r.body)
        return json.loads(r.body)["id"]

    def start(self, name, case):
        ask = dict({"memoryMB": 512, "cpu": 1}, **case.get("job", {}))
        extra = "extras:\n  drover:\n    code: \"%s\"\n" % self.send(name)
        if "timeLimit" in ask:
            extra += "    timeLimit: %d\n    stopGrace: 1\n" % ask["timeLimit"]
        return self.client.submit(droverlib.job_yaml("p" + name, ["exec ./run"], cpu=ask["cpu"], memory=ask["memoryMB"],
                                                     extra=extra))

    def test_programs_that_fail_and_decoys(self):
        names = corpus()
        with open(os.path.join(CORPUS, "entries.json"), encoding="utf-8") as f:
            entries = json.load(f)
        cases, jobs = {}, {}
        for name in names:
            with open(os.path.join(PROGRAMS, name, "expect.json"), encoding="utf-8") as f:
                cases[name] = json.load(f)
            jobs[name] = self.start(name, cases[name])
        counts = {"programs": 0, "categories": 0, "entries": 0, "decoys": 0, "fooled": 0}
        lines = []
        for name in names:
            job = self.client.wait(jobs[name], timeout=120)
            category, entry = score(cases[name], entries.get(name, []), job)
            if cases[name]["kind"] == "decoy":
                counts["decoys"] += 1
                counts["fooled"] += not (category and (entry or not entries.get(name)))
            else:
                counts["programs"] += 1
                counts["categories"] += category
                counts["entries"] += entry
            if not (category and entry):
                d, spec = job["jobStatus"]["appExitDiagnosis"] or {}, job["jobStatus"]["appExitSpec"] or {}
                lines.append("%s: %s (%s) %s %s" % (name, spec.get("phrase"), d.get("category"), d.get("confidence"),
                                                    (d.get("proof") or {}).get("text")))
        print("\n".join([""] + lines + [json.dumps(counts)]))
        if names:
            self.assertGreaterEqual(counts["categories"], counts["programs"] * 54 // 60)
            self.assertGreaterEqual(counts["entries"], counts["programs"] * 48 // 60)
            self.assertLessEqual(counts["fooled"], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
