# SPDX-License-Identifier: MIT
"""The CLI against a scripted server: outputs, exit statuses, bad servers."""
import csv
import io
import json
import os
import pty
import re
import select
import shutil
import socket
import stat
import subprocess
import tempfile
import time
import unittest

from fake_server import TOKEN, FakeServer

DROVER = os.path.join(os.environ["DROVER_BIN"], "drover")
JOB = "protocolVersion: 2\nname: hello # kept\ntype: job\nparameters:\n  epochs: 3\n"


class Cli(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.home)
        self.server = FakeServer().__enter__()
        self.addCleanup(self.server.__exit__)
        self.env = {"PATH": os.environ["PATH"], "HOME": self.home, "XDG_CONFIG_HOME": self.home + "/config",
                    "LC_ALL": "C.UTF-8", "TZ": "UTC", "http_proxy": "http://127.0.0.1:1"}

    def drover(self, *args, stdin=None, **env):
        return subprocess.run([DROVER, *args], env={**self.env, **env}, capture_output=True, text=True, timeout=60,
                              input=stdin, cwd=self.home)

    def file(self, name, text, mode=0o600):
        path = os.path.join(self.home, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def login(self):
        r = self.drover("login", self.server.url, "-u", "ana", "--password-file",
                        self.file("pw", "correct horse\n"), "--context", "lab")
        self.assertEqual(r.returncode, 0, r.stderr)

    def check(self, status, *args, **kw):
        r = self.drover(*args, **kw)
        self.assertEqual(r.returncode, status, (args, r.stdout[-2000:], r.stderr))
        self.assertNotIn("\x1b", r.stdout + r.stderr)
        return r


class Access(Cli):
    def test_login_keeps_a_context_and_a_private_token(self):
        self.login()
        config = self.home + "/config/drover/config.yaml"
        token = self.home + "/config/drover/tokens/lab"
        for path in (config, token):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600, path)
        with open(token, encoding="utf-8") as f:
            self.assertEqual(f.read(), TOKEN)
        with open(config, encoding="utf-8") as f:
            self.assertNotIn(TOKEN, f.read())
        r = self.check(0, "whoami")
        self.assertEqual(r.stdout, "ana (admin) at %s\n" % self.server.url)
        self.assertEqual(self.check(0, "context", "list", "-o", "name").stdout, "lab\n")

    def test_password_from_standard_input(self):
        self.check(0, "login", self.server.url + "/", "-u", "ana", "--password-file", "-", stdin="correct horse\n")
        self.assertEqual(self.check(0, "context", "list", "-o", "name").stdout, self.server.url[7:] + "\n")

    def test_wrong_password_is_4_and_keeps_nothing(self):
        r = self.check(4, "login", self.server.url, "-u", "ana", "--password-file", self.file("pw", "wrong"))
        self.assertIn("The user name or the password is wrong.", r.stderr)
        self.assertFalse(os.path.exists(self.home + "/config/drover/config.yaml"))

    def test_no_terminal_to_ask_is_an_error(self):
        r = subprocess.run([DROVER, "login", self.server.url, "-u", "ana"], env=self.env, capture_output=True,
                           text=True, timeout=60, stdin=subprocess.DEVNULL, start_new_session=True)
        self.assertEqual(r.returncode, 1)
        self.assertIn("--password-file", r.stderr)

    def test_password_asked_on_a_terminal_is_not_echoed(self):
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(DROVER, ["drover", "login", self.server.url, "-u", "ana"], self.env)
        seen = b""
        sent = False
        while select.select([fd], [], [], 20)[0]:
            try:
                piece = os.read(fd, 4096)
            except OSError:
                break
            if not piece:
                break
            seen += piece
            if not sent and b"Password of ana: " in seen:
                # The prompt comes before the echo is off; the flush of tcsetattr may eat what comes too early.
                time.sleep(0.2)
                os.write(fd, b"correct horse\n")
                sent = True
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0, seen)
        self.assertNotIn(b"correct", seen)

    def test_addresses_that_are_none(self):
        for url in ("ftp://x", "127.0.0.1:80", "http://u:p@h", "http://h/path", "http://", "file:///etc/passwd"):
            self.check(2, "login", url, "-u", "ana", "--password-file", "/dev/null")

    def test_logout_revokes_and_forgets(self):
        self.login()
        self.check(0, "logout")
        self.assertFalse(os.path.exists(self.home + "/config/drover/tokens/lab"))
        self.assertIn(("DELETE", "/api/v2/authn/basic/logout"), [x[:2] for x in self.server.log])
        self.assertIn("drover login", self.check(4, "jobs").stderr)

    def test_contexts(self):
        self.login()
        self.check(0, "login", self.server.url, "-u", "ana", "--password-file", self.home + "/pw", "--context", "b")
        rows = list(csv.DictReader(io.StringIO(self.check(0, "context", "list", "-o", "csv").stdout)))
        self.assertEqual([(r["name"], r["current"]) for r in rows], [("lab", ""), ("b", "*")])
        self.check(0, "context", "use", "lab")
        self.check(3, "context", "use", "nowhere")
        self.check(0, "whoami", DROVER_CONTEXT="b")
        self.check(1, "whoami", DROVER_CONTEXT="nowhere")
        self.check(1, "whoami", "--context", "../../x")

    def test_environment_alone_suffices(self):
        self.check(0, "jobs", DROVER_URL=self.server.url, DROVER_TOKEN=TOKEN)
        self.assertIn("username=ana", self.server.log[-1][1])
        self.check(4, "jobs", "-a", DROVER_URL=self.server.url, DROVER_TOKEN="wrong")
        self.check(1, "jobs", "-a", DROVER_URL=self.server.url, DROVER_TOKEN="a\r\nX-Evil: 1")
        self.check(1, "jobs", "-a", DROVER_URL="gopher://x", DROVER_TOKEN=TOKEN)

    def test_a_token_that_others_may_read_is_refused(self):
        self.login()
        os.chmod(self.home + "/config/drover/tokens/lab", 0o644)
        self.assertIn("chmod 600", self.check(4, "jobs").stderr)

    def test_not_logged_in(self):
        self.assertIn("drover login URL", self.check(4, "jobs").stderr)

    def test_broken_config_names_the_place(self):
        os.makedirs(self.home + "/config/drover")
        self.file("config/drover/config.yaml", "contexts:\n  a: {url: x\n")
        self.assertIn("config.yaml", self.check(1, "jobs").stderr)


class Verbs(Cli):
    def setUp(self):
        super().setUp()
        self.login()

    def test_jobs_in_every_format(self):
        r = self.check(0, "jobs", "--all")
        self.assertRegex(r.stdout.splitlines()[0], r"^JOB +STATE +USER")
        self.assertIn("ana~train-vit-14", r.stdout)
        value = json.loads(self.check(0, "jobs", "--all", "-o", "json").stdout)
        self.assertEqual(value["totalCount"], 40)
        rows = list(csv.DictReader(io.StringIO(self.check(0, "jobs", "--all", "-o", "csv").stdout)))
        self.assertEqual(len(rows), 40)
        self.assertEqual(rows[0]["job"], "ana~train-vit-14")
        self.assertRegex(rows[0]["submitted"], r"^2026-11-21T\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(len(self.check(0, "jobs", "--all", "-o", "name").stdout.splitlines()), 40)
        self.assertIn("totalCount: 40\n", self.check(0, "jobs", "--all", "-o", "yaml").stdout)
        wide = self.check(0, "jobs", "--all", "-o", "wide").stdout
        self.assertIn("RETRIES", wide)
        self.assertEqual(self.check(0, "jobs", "-a", "--columns", "vc,job").stdout.splitlines()[0].split(),
                         ["VC", "JOB"])

    def test_columns_align(self):
        lines = self.check(0, "jobs", "--all").stdout.splitlines()
        at = lines[0].index("STATE")
        for line in lines[1:]:
            self.assertNotEqual(line[at], " ", line)
            self.assertEqual(line[at - 2:at], "  ", line)

    def test_filters_are_asked_of_the_server(self):
        self.check(0, "jobs", "--vc", "vision,nlp", "--state", "running,Failed", "-k", "a b&c", "-n", "7", "--sort",
                   "name")
        path = self.server.log[-1][1]
        for part in ("username=ana", "vc=vision%2Cnlp", "state=RUNNING%2CFAILED", "keyword=a%20b%26c", "limit=7",
                     "order=jobName,ASC"):
            self.assertIn(part, path)

    def test_usage_errors_are_2(self):
        for args in (["jobs", "--state", "resting"], ["jobs", "-n", "0"], ["jobs", "-n", "x"], ["jobs", "extra"],
                     ["jobs", "--columns", "nope"], ["jobs", "--nope"], ["jobs", "-o", "xml"], ["nope"], ["job"], [],
                     ["context"], ["logs", "x", "--index", "-1"], ["submit"], ["-q"], ["completion", "tcsh"],
                     ["login", "http://127.0.0.1:1"], ["help", "nope"]):
            self.check(2, *args)

    def test_job(self):
        r = self.check(0, "job", "train-vit-14")
        self.assertRegex(r.stdout.splitlines()[0], r"^ana~train-vit-14  Running · for ")
        self.assertIn("main-0", r.stdout)
        self.assertEqual(json.loads(self.check(0, "job", "train-vit-14", "-o", "json").stdout)["name"],
                         "ana~train-vit-14")
        self.assertIn("Job ana~none is not found.", self.check(3, "job", "none").stderr)
        self.check(3, "job", "../../x")
        self.assertIn("/api/v2/jobs/ana~..%2F..%2Fx", self.server.log[-1][1])

    def test_explain_says_why(self):
        waiting = [j for j in self.server.data["jobs"] if j["state"] == "WAITING"][0]
        r = self.check(0, "explain", "%s~%s" % (waiting["username"], waiting["name"]))
        self.assertEqual(r.stdout.splitlines()[0], waiting["waitReason"])
        failed = [j for j in self.server.data["jobs"] if j["state"] == "FAILED"][0]
        r = self.check(0, "explain", "%s~%s" % (failed["username"], failed["name"]))
        self.assertIn("Try: ", r.stdout)

    def test_a_job_tells_which_nodes_it_avoids(self):
        detail = json.loads(json.dumps(self.server.data["details"]["ana~train-vit-14"]))
        detail["jobStatus"]["avoidedNodes"] = ["a100-01", "a100-03"]
        self.server.data["details"]["ana~careful"] = detail
        self.assertIn("It keeps away from a100-01, a100-03 after a fault of the platform there.\n",
                      self.check(0, "job", "careful").stdout)

    def test_a_job_tells_what_is_kept_of_it(self):
        detail = json.loads(json.dumps(self.server.data["details"]["ana~train-vit-14"]))
        detail["debugReservations"] = [{"state": "HELD", "node": "a100-01", "expiresTime": 1700000000000}]
        self.server.data["details"]["ana~kept"] = detail
        out = self.check(0, "job", "kept", "--absolute").stdout
        self.assertRegex(out, r"What is left of it is kept on a100-01, until 2023-11-1[45] .*\.\n")
        detail["debugReservations"][0]["state"] = "ENDED"
        self.assertNotIn("What is left", self.check(0, "job", "kept").stdout)

    def profile(self, **over):
        """What the server tells of train-vit-14, and what `drover profile` makes of it."""
        figures = {"busy": 97.25, "intensity": 21, "cpu": None, "stillSeconds": 0}
        self.server.profiles["ana~train-vit-14"] = {
            "kind": "training", "kindConfidence": 91, "periodSeconds": 12.5, "bottleneck": "small-kernels",
            "confidence": 74, "proofs": [{"figure": "intensity", "value": 21, "below": 35}], "figures": figures,
            "sentence": "The GPUs are busy with very small pieces of work.", "advice": ["Try a larger batch."],
            "progress": {"step": 120, "steps": 1000, "epoch": 2, "epochs": None, "loss": 0.5, "done": 0.12,
                         "stepsPerSecond": 4, "leftMs": 3720000, "silentMs": 1000, "stalled": False}, **over}
        return self.check(0, "profile", "train-vit-14").stdout

    def test_a_profile_tells_the_bottleneck_and_what_proves_it(self):
        lines = self.profile().splitlines()
        self.assertEqual(lines[:6], [
            "Kind:       training (91 % sure), repeats each 12.5 s", "Bottleneck: small-kernels (74 % sure)",
            "Progress:   step 120 of 1000 · epoch 2 · loss 0.5 · 4 steps/s · 12 % done · about 1h02m left",
            "The GPUs are busy with very small pieces of work.", "Try: Try a larger batch.", ""])
        self.assertEqual([line.split("  ")[0] for line in lines[6:]], ["FIGURE", "intensity", "busy", "stillSeconds"])
        self.assertRegex(lines[7], r"^intensity +21\.0 % +below 35 % +of the power that such use would need is drawn$")
        rows = list(csv.DictReader(io.StringIO(self.check(0, "profile", "train-vit-14", "-o", "csv").stdout)))
        self.assertEqual([(r["figure"], r["value"], r["limit"]) for r in rows],
                         [("intensity", "21.0 %", "below 35 %"), ("busy", "97.2 %", ""), ("stillSeconds", "0.0 s", "")])
        self.assertEqual(json.loads(self.check(0, "profile", "train-vit-14", "-o", "json").stdout)["confidence"], 74)

    def test_a_profile_tells_no_more_than_is_known(self):
        nothing = {"kind": "unknown", "bottleneck": "none", "proofs": [], "figures": {}, "sentence": "", "advice": []}
        self.assertEqual(self.profile(**nothing, progress=None), "Kind:       unknown: its GPUs have too few samples\n")
        stalled = dict.fromkeys(("step", "steps", "epoch", "epochs", "loss", "done", "stepsPerSecond", "leftMs"))
        self.assertIn("Its log has been silent for 10m00s,", self.profile(
            **nothing, progress={**stalled, "silentMs": 600000, "stalled": True}))
        idle = {**nothing, "kind": "idle", "sentence": "Its GPUs are not used.", "periodSeconds": None}
        self.assertEqual(self.profile(**idle, progress=None),
                         "Kind:       idle (91 % sure)\nIts GPUs are not used.\n")
        self.assertIn("is not found", self.check(3, "profile", "none").stderr)

    def test_no_escape_of_the_server_gets_out(self):
        evil = "x\x1b[31m\x9b5n\u202ey"
        detail = json.loads(json.dumps(self.server.data["details"]["ana~train-vit-14"]))
        detail["name"] = "ana~" + evil
        for key in ("virtualCluster", "waitReason", "appExitTriggerMessage", "appExitDiagnostics"):
            detail["jobStatus"][key] = evil
        for task in detail["taskRoles"]["main"]["taskStatuses"]:
            task["node"] = task["isolation"] = evil
        for state in ("WAITING", "RUNNING", "FAILED", "STOPPED"):
            detail["jobStatus"]["state"] = state
            self.server.data["details"]["ana~train-vit-14"] = detail
            for args in (["job"], ["job", "-o", "wide"], ["job", "-o", "name"], ["explain"], ["stop"]):
                r = self.check(0, args[0], "train-vit-14", *args[1:])
                self.assertNotRegex(r.stdout + r.stderr, "[\x00-\x08\x0e-\x1f\x7f-\x9f\u202e]")

    def test_submit_says_three_lines(self):
        r = self.check(0, "submit", self.file("job.yaml", JOB))
        self.assertEqual(r.stdout, "ana~hello submitted\nWaiting: Waiting for a GPU.\n"
                                   "Follow it with: drover logs -f hello\n")
        self.assertEqual(self.server.submitted, [JOB])
        self.assertEqual(self.server.log[-2][2]["Content-Type"], "text/yaml")

    def test_submit_renames_and_sets_parameters(self):
        path = self.file("job.yaml", JOB)
        self.check(0, "submit", path, "--name", "other", "-p", "epochs=20", "-p", "note=a: b", "-p", "empty=")
        text = self.server.submitted[-1]
        self.assertIn("name: other\n", text)
        self.assertIn("  epochs: 20\n", text)
        self.assertRegex(text, "  note: [\"']a: b[\"']\n")
        r = self.check(0, "submit", path, "--suffix", "-o", "name")
        self.assertRegex(r.stdout, r"^ana~hello-[0-9a-f]{4}\n$")
        self.check(0, "submit", "-", stdin=JOB.replace("hello", "from-stdin"))

    def test_submit_conflict_is_5(self):
        self.check(5, "submit", self.file("job.yaml", JOB.replace("hello", "train-vit-14")))

    def test_submit_errors_name_the_place(self):
        r = self.check(1, "submit", self.file("bad.yaml", JOB + "unknownKey: 1\n"))
        self.assertRegex(r.stderr, r'bad\.yaml:3:1: There is no key "unknownKey" here\.')
        self.check(1, "submit", "missing.yaml")
        self.check(1, "submit", self.file("bad2.yaml", "a: [\n"), "--name", "x")
        self.check(1, "submit", self.file("list.yaml", "- a\n"), "--name", "x")

    def test_wait_tells_how_it_ended(self):
        path = self.file("job.yaml", JOB)
        r = self.check(0, "submit", path, "--wait")
        self.assertEqual(r.stdout, "ana~hello submitted\n")
        self.assertRegex(r.stderr, r"(?s)Waiting: Waiting for a GPU\..*Running: a100-01.*ana~hello Succeeded")
        self.server.script, self.server.exit_code = ["WAITING", "FAILED"], 3
        r = self.check(8, "submit", path, "--wait", "--name", "f1")
        self.assertIn("exit 3: UserCommandFailed", r.stderr)
        self.assertIn("Try: Read the log.", r.stderr)
        self.check(3, "submit", path, "--wait", "--propagate-exit-code", "--name", "f2")
        self.server.exit_code = -210
        self.check(8, "submit", path, "--wait", "--propagate-exit-code", "--name", "f3")
        self.server.script = ["STOPPED"]
        self.check(8, "submit", path, "--wait", "--name", "f4")
        self.server.script = ["RUNNING"]
        self.check(7, "submit", path, "--wait", "--wait-timeout", "1", "--name", "f5")
        self.check(0, "submit", path, "--name", "f6")
        self.check(7, "wait", "f6", "--wait-timeout", "1")
        self.check(3, "wait", "nothing")

    def test_follow_prints_the_log_and_the_end(self):
        self.server.logs["ana~hello"] = b"one\ntwo\n"
        r = self.check(0, "submit", self.file("job.yaml", JOB), "--follow")
        self.assertEqual(r.stdout, "ana~hello submitted\none\ntwo\n")

    def test_wait_lives_through_an_absent_server(self):
        self.server.script = ["RUNNING"]
        self.check(0, "submit", self.file("job.yaml", JOB))
        self.server.fault["/api/v2/jobs/ana~hello"] = "drop"
        p = subprocess.Popen([DROVER, "wait", "hello"], env=self.env, stderr=subprocess.PIPE, text=True)
        line = p.stderr.readline()
        self.assertIn("Trying again", line)
        self.server.scripts["ana~hello"] = ["SUCCEEDED"]
        self.server.fault.clear()
        _, rest = p.communicate(timeout=30)
        self.assertEqual(p.returncode, 0, rest)

    def test_logs_are_every_byte(self):
        data = bytes(range(256)) * 300 + b"\r\nlast line without end"
        self.server.logs["ana~train-vit-14"] = data
        for args in (["logs", "train-vit-14"], ["logs", "train-vit-14", "-f", "--attempt", "0"]):
            r = subprocess.run([DROVER, *args], env=self.env, capture_output=True, timeout=60)
            self.assertEqual((r.returncode, r.stdout), (0, data), r.stderr)

    def test_logs_follow_goes_on_after_a_lost_connection(self):
        data = b"".join(b"line %d\n" % i for i in range(500))
        self.server.script = ["RUNNING", "RUNNING", "SUCCEEDED"]
        self.check(0, "submit", self.file("job.yaml", JOB))
        self.server.logs["ana~hello"] = data
        self.server.break_at = 1000
        r = subprocess.run([DROVER, "logs", "-f", "hello"], env=self.env, capture_output=True, timeout=60)
        self.assertEqual((r.returncode, r.stdout), (0, data), r.stderr)
        self.assertIn(b"broke the connection", r.stderr)

    def test_logs_go_on_where_the_server_broke_off(self):
        """It puts out who reads slowly, in a pager for one."""
        data = self.server.logs["ana~train-vit-14"] = b"".join(b"line %d\n" % i for i in range(500))
        self.server.break_at = 1000
        r = subprocess.run([DROVER, "logs", "train-vit-14"], env=self.env, capture_output=True, timeout=60)
        self.assertEqual((r.returncode, r.stdout, r.stderr), (0, data, b""))

    def test_logs_follow_awaits_a_log_that_is_not_made_yet(self):
        self.server.script = ["RUNNING"] * 6 + ["SUCCEEDED"]  # every request is a look
        self.check(0, "submit", self.file("job.yaml", JOB))
        self.server.logs["ana~hello"] = b"one\ntwo\n"
        self.server.logless = 2
        self.assertEqual(self.check(0, "logs", "-f", "hello").stdout, "one\ntwo\n")
        self.assertEqual(self.server.logless, 0)

    def test_stop_says_what_became_of_it(self):
        for state, said in (("RUNNING", "is being stopped"), ("STOPPED", "is stopped"),
                            ("SUCCEEDED", "had ended already: Succeeded")):
            self.server.script = [state]
            self.check(0, "submit", self.file("job.yaml", JOB), "--name", "stop-" + state.lower())
            r = self.check(0, "stop", "stop-" + state.lower())
            self.assertEqual(r.stderr, "ana~stop-%s %s.\n" % (state.lower(), said))

    def test_half_a_command_names_its_other_half(self):
        self.assertIn("context is one of: context list, context use.", self.check(2, "context").stderr)

    def test_a_file_is_named_once(self):
        self.login()
        r = self.check(1, "submit", "none.yaml")
        self.assertEqual(r.stderr.count("none.yaml"), 1, r.stderr)

    def test_version_is_an_option_too(self):
        self.assertEqual(self.check(0, "--version").stdout, self.check(0, "version").stdout)

    def test_logs_follow_of_several_tasks(self):
        self.server.script = ["RUNNING"] * 8 + ["SUCCEEDED"]
        self.server.tasks, self.server.logless, self.server.break_at = 3, 2, 500
        self.check(0, "submit", self.file("job.yaml", JOB))
        want = []
        for i in range(3):
            lines = ["line %d of %d" % (n, i) for n in range(100)]
            self.server.logs["ana~hello", i] = ("\n".join(lines) + ("" if i == 1 else "\n")).encode()
            want += ["main-%d | %s" % (i, line) for line in lines]
        got = self.check(0, "logs", "-f", "hello").stdout.splitlines()
        self.assertEqual(sorted(got), sorted(want))
        for i in range(3):  # each task's in its order
            mine = [line for line in got if line.startswith("main-%d" % i)]
            self.assertEqual(mine, want[i * 100:i * 100 + 100])
        one = self.check(0, "logs", "-f", "hello", "--index", "2").stdout
        self.assertEqual(one.encode(), self.server.logs["ana~hello", 2])
        self.server.script, self.server.exit_code = ["RUNNING", "FAILED"], 1
        self.check(8, "submit", self.file("job.yaml", JOB), "--name", "f", "--follow")

    def test_logs_follow_of_a_failed_job_is_8(self):
        self.server.script, self.server.exit_code = ["FAILED"], 1
        self.check(0, "submit", self.file("job.yaml", JOB))
        self.check(8, "logs", "-f", "hello")
        self.check(0, "logs", "hello")
        self.check(3, "logs", "hello", "--role", "none")

    def test_a_terminal_gets_no_escape_of_the_log(self):
        evil = "plain\x1b]0;title\x07\x1b[2J\x1b]52;c;eA==\x07\u202eflip\x9b31m 50%\r60%\r\nwide 漢字\n".encode()
        self.server.logs["ana~train-vit-14"] = evil + b"\xff\xc0\xaf\n"
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(DROVER, ["drover", "logs", "train-vit-14"], {**self.env, "TERM": "xterm-256color"})
        seen = b""
        while True:
            try:
                piece = os.read(fd, 4096)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        self.assertNotIn(b"\x1b", seen)
        text = seen.decode()
        self.assertNotRegex(text, "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e]")
        self.assertIn("<U+202E>flip", text)
        self.assertIn("50%\r\n60%\r\nwide 漢字\r\n", text)
        self.assertIn("\\xff\\xc0\\xaf", text)

    def test_stop(self):
        r = self.drover("stop", "train-vit-14", "none")
        self.assertEqual(r.returncode, 3)
        self.assertIn("ana~train-vit-14 is being stopped.", r.stderr)
        self.assertEqual(self.server.stopped, ["ana~train-vit-14"])

    def test_nodes_events_config(self):
        self.assertIn("a100-01", self.check(0, "nodes").stdout)
        self.assertNotIn("quarantined", self.check(0, "nodes").stdout)
        self.server.data["nodes"][1]["gpus"].update(total=6, quarantined=2)
        rows = self.check(0, "nodes").stdout.splitlines()
        self.assertEqual([r.split()[0] for r in rows if "2 quarantined" in r], ["a100-02"])
        self.assertIn("NodeLost", self.check(0, "events", "train-vit-14").stdout)
        self.assertEqual(self.check(0, "config", "train-vit-14").stdout, "name: x\n")


class BadServers(Cli):
    def setUp(self):
        super().setUp()
        self.login()

    def test_refused_is_6(self):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        r = self.check(6, "jobs", "-a", DROVER_URL="http://127.0.0.1:%d" % port, DROVER_TOKEN=TOKEN)
        self.assertIn("cannot be reached", r.stderr)
        self.check(6, "jobs", "-a", DROVER_URL="http://no-such-host.invalid", DROVER_TOKEN=TOKEN)

    def test_a_server_that_hangs_is_7(self):
        self.server.fault["/api"] = "hang"
        self.check(7, "jobs", "-a", "--timeout", "1")
        self.check(7, "logs", "ana~x", "--timeout", "1")

    def test_statuses(self):
        for status, exit_status in ((400, 1), (401, 4), (403, 4), (404, 3), (409, 5), (429, 5), (500, 1), (503, 6),
                                    (504, 7), (507, 5)):
            self.server.fault["/api"] = status
            r = self.check(exit_status, "jobs", "-a")
            self.assertIn("status %d as ordered" % status, r.stderr)
            self.check(exit_status, "stop", "a~b")

    def test_garbage_is_1_and_harmless(self):
        for kind in ("html", "cut", "binary", "deep", "null", "wrong", "bare500", "redirect"):
            self.server.fault["/api"] = kind
            for args in (["jobs", "-a"], ["job", "a~b"], ["nodes"], ["events", "a~b"], ["jobs", "-a", "-o", "yaml"]):
                r = self.drover(*args)
                if r.returncode == 0:  # a null or a list of the wrong things is a value, too
                    self.assertIn("yaml", args)
                else:
                    self.assertEqual(r.returncode, 1, (kind, args, r.stderr))
                    self.assertRegex(r.stderr, r"^drover: .+\n")
                self.assertNotIn("\x1b", r.stdout + r.stderr)
        self.server.fault["/api"] = "escape"
        r = self.check(3, "job", "a~b")
        self.assertIn("no \\x1b[31mjob\\x1b[0m <U+202E> here", r.stderr)

    def test_a_broken_connection_is_6(self):
        self.server.fault["/api"] = "drop"
        self.check(6, "jobs", "-a")


class Table(Cli):
    """Everything that the command table makes."""

    def commands(self):
        out = self.check(0, "help").stdout
        return [m.group(1).strip() for m in re.finditer(r"^  (\S+(?: \S+)?) {2,}\S", out, re.M)]

    def test_every_command_has_help_and_is_in_the_manual(self):
        names = self.commands()
        self.assertGreater(len(names), 15)
        manual = self.check(0, "man").stdout
        for name in names:
            r = self.check(0, *name.split(), "--help")
            self.assertIn("Usage: drover %s " % name, r.stdout)
            self.assertEqual(len(re.findall(r"^  drover " + name, r.stdout, re.M)), 3, name)
            self.assertIn(".Ss drover %s" % name, manual)
            self.assertEqual(r.stdout, self.check(0, "help", *name.split()).stdout)

    def test_manual_is_clean_mdoc(self):
        if not shutil.which("man"):
            return
        r = subprocess.run(["man", "--warnings", "-l", "-"], input=self.check(0, "man").stdout, text=True,
                           capture_output=True, timeout=60, env={**self.env, "MANPAGER": "cat"})
        self.assertEqual((r.returncode, r.stderr), (0, ""))

    def complete(self, *words):
        script = self.check(0, "completion", "bash").stdout
        script += 'COMP_WORDS=(drover "$@"); COMP_CWORD=$#; _drover; printf "%s\\n" "${COMPREPLY[@]}"\n'
        r = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, timeout=60,
                           env={**self.env, "PATH": os.environ["DROVER_BIN"] + ":" + self.env["PATH"]})
        self.assertEqual(r.stderr, "")
        return r.stdout.split()

    def test_bash_completion(self):
        self.login()
        self.assertEqual(self.complete("jo"), ["jobs", "job"])
        self.assertEqual(self.complete("context", ""), ["list", "use"])
        self.assertEqual(self.complete("users", ""), ["import", "invite", "undo"])  # a verb, and the first word of others
        self.assertEqual(self.complete("context", "use", ""), ["lab"])
        self.assertIn("--follow", self.complete("logs", "--f"))
        self.assertEqual(self.complete("logs", "ana~train-vit-1"), ["ana~train-vit-14"])
        self.file("some.yaml", "")
        self.assertEqual(self.complete("completion", "b"), ["bash"])
        # Names that the server knows now, also as values of options; never one that a shell would read otherwise.
        nodes = [n["name"] for n in self.server.data["nodes"]]
        self.assertEqual(self.complete("node", "drain", ""), nodes)
        self.server.data["nodes"][0]["name"] = "$(touch owned)"
        self.assertEqual(self.complete("node", "drain", ""), nodes[1:])
        self.assertFalse(os.path.exists(self.home + "/owned"))
        self.assertEqual(self.complete("jobs", "--context", ""), ["lab"])
        self.assertEqual(self.complete("jobs", "-o", "j"), ["json"])
        self.assertEqual(self.complete("users", "import", "--action", "d"), ["disable", "delete"])
        self.check(2, "completion", "names", "horses")

    def test_shells_accept_their_scripts(self):
        for shell in ("bash", "zsh", "fish"):
            script = self.check(0, "completion", shell).stdout
            self.assertIn("submit", script)
            if shutil.which(shell):
                r = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True, timeout=60)
                self.assertEqual((r.returncode, r.stderr), (0, ""), shell)


    def names(self):
        """Every verb of the table, as the help lists them."""
        found = [re.match(r"  ([a-z-]+(?: [a-z-]+)?)  +[A-Z]", line) or re.match(r"  ([a-z-]+(?: [a-z-]+)?) [A-Z]", line)
                 for line in self.check(0, "help").stdout.splitlines()]
        return [m.group(1) for m in found if m]

    def test_every_verb_is_in_help_manual_and_completions_and_refuses_what_it_has_not(self):
        names = self.names()
        self.assertGreater(len(names), 100)
        manual = self.check(0, "man").stdout
        shells = {shell: self.check(0, "completion", shell).stdout for shell in ("bash", "zsh", "fish")}
        for name in names:
            words = name.split()
            text = self.check(0, *words, "--help").stdout
            self.assertTrue(text.startswith("drover %s - " % name), name)
            self.assertEqual(len(re.findall(r"(?m)^  drover %s" % re.escape(name), text)), 3, name)
            self.assertRegex(manual, r"(?m)^\.Ss drover %s( |$)" % re.escape(name))
            self.assertIn('    "%s")' % name, shells["bash"])
            self.assertIn('    ("%s")' % name, shells["zsh"])
            self.assertRegex(shells["fish"], r"(?m)-a %s\b" % re.escape(words[-1]))
            for option in re.findall(r"(?m)^  (?:-., )? *--([a-z-]+)", text):
                for script in (manual.replace("\\-", "-"), shells["bash"], shells["zsh"]):
                    self.assertIn(option, script)
            self.check(2, *words, "--no-such-option")

    def test_manual_pages_are_true(self):
        source = os.environ.get("DROVER_SOURCE") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
        pages = {}
        for page in ("drover.7", "drover-job.5"):
            with open(os.path.join(source, "packaging", "man", page), encoding="utf-8") as f:
                pages[page] = f.read()
        with open(os.path.join(source, "jobs", "protocol_extras.c"), encoding="utf-8") as f:
            table = re.search(r"spec_object extension = \{.*?\{\.key = NULL\}", f.read(), re.S).group(0)
        keys = re.findall(r'\.key = "(\w+)"', table)
        self.assertGreater(len(keys), 8)
        said = pages["drover-job.5"].split(".Ss extras.drover")[1].split(".Sh EXAMPLES")[0]
        for key in keys:
            self.assertRegex(said, r"(?m)^\.It Cm.*\b%s\b" % key)
        names = self.names()
        for words in re.findall(r"Ic drover ([a-z]+)", pages["drover.7"] + pages["drover-job.5"]):
            self.assertIn(words, names)

    def test_watch_prints_what_changed_and_only_of_lists(self):
        self.login()
        self.check(2, "stop", "x", "--watch")
        p = subprocess.Popen([DROVER, "nodes", "-o", "name", "-w"], env=self.env, cwd=self.home, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        try:
            first = [n["name"] for n in self.server.data["nodes"]]
            self.assertEqual([p.stdout.readline().strip() for _ in first], first)
            self.server.data["nodes"].append({**self.server.data["nodes"][0], "name": "new-node"})
            self.assertEqual(p.stdout.readline(), "new-node\n")
            # That the server is away is said once, until it is back.
            self.server.fault["/api/v2/nodes"] = "drop"
            self.assertIn("drover: ", p.stderr.readline())
            asked, end = len(self.server.log), time.monotonic() + 30
            while len(self.server.log) < asked + 4 and time.monotonic() < end:
                time.sleep(0.05)
            self.server.data["nodes"].append({**self.server.data["nodes"][0], "name": "newer-node"})
            self.server.fault.clear()
            self.assertEqual(p.stdout.readline(), "newer-node\n")
        finally:
            p.send_signal(2)
            p.wait(30)
            p.stdout.close()
            rest = p.stderr.read()
            p.stderr.close()
        self.assertEqual((p.returncode, rest), (130, ""))

    def test_top_adds_up_what_jobs_make_of_their_gpus(self):
        self.login()
        job = [{"username": "ana", "name": n, "virtualCluster": "vision"} for n in ("idle", "busy", "silent")]
        self.server.gpus = {"jobs": job, "nodes": [
            {"name": "n1", "utilization": [90, 100, 5, None], "memory": [50, 71, 80, None],
             "wrong": [None, None, None, None], "job": [1, 1, 0, None]},
            {"name": "n2", "utilization": [80, None, 30], "memory": [60, None, 1], "wrong": ["degraded", None, None],
             "job": [1, 2, -1]}]}
        self.assertEqual(self.check(0, "top", "-o", "csv").stdout.splitlines(), [
            "job,user,vc,gpus,use,memory,used,nodes,wrong", 'ana~busy,ana,vision,3,90,60,2.7,"n1, n2",yes',
            "ana~idle,ana,vision,1,5,80,0.1,n1,no", "ana~silent,ana,vision,1,,,,n2,no"])
        self.assertEqual(json.loads(self.check(0, "top", "-o", "json").stdout), self.server.gpus)

    def test_wait_for_a_state(self):
        self.login()
        self.server.script = ["WAITING", "RUNNING", "RUNNING", "RUNNING", "SUCCEEDED"]
        self.check(0, "submit", self.file("job.yaml", JOB))
        self.assertIn("Running", self.check(0, "wait", "hello", "--for=state=running,failed").stderr)
        self.check(8, "wait", "hello", "--for", "failed")
        self.check(0, "wait", "hello", "--for=succeeded")
        self.check(2, "wait", "hello", "--for=state=asleep")
        # The answer that ended the wait is what counts, not what became of the job since.
        self.server.scripts["ana~hello"] = ["RUNNING", "SUCCEEDED"]
        self.check(0, "wait", "hello", "--for=running")

    def test_scancel_stops_what_was_meant(self):
        self.login()
        jobs = self.server.data["jobs"]
        live = [j for j in jobs if j["state"] in ("WAITING", "RUNNING", "STOPPING")]
        own = [j["username"] + "~" + j["name"] for j in live if j["username"] == "ana"]
        other = [j for j in live if j["username"] != "ana"][0]
        self.assertGreater(len(own), 1)
        for option in ("-u", "-p", "-n", "-t"):
            for value in ("", ",", " "):
                self.check(2, "scancel", option, value)
                self.check(2, "squeue", option, value)
        # Nobody else's, unless it says so; and more than one reply holds.
        self.server.page = 1
        self.check(0, "scancel", "-n", other["name"] + "-not")
        self.check(0, "scancel", "-t", "PD,R,CG")
        self.assertEqual(self.server.stopped, own)
        del self.server.stopped[:]
        self.check(0, "scancel", "-u", other["username"], "-n", other["name"])
        self.assertEqual(self.server.stopped, [other["username"] + "~" + other["name"]])
        self.assertIn(" of %d jobs" % len(live), self.check(0, "squeue").stderr)
        self.assertEqual(len(self.check(0, "squeue", "--noheader", "-j", other["name"]).stdout.splitlines()),
                         len([j for j in live if j["name"] == other["name"]]))
        self.server.fault["/api/v2/jobs/%s/executionType" % own[0]] = 403
        self.assertIn(own[0] + ": ", self.drover("scancel", "--me").stderr)


class Colour(Cli):
    def coloured(self, *args, **env):
        self.login()
        r = self.drover("jobs", "--all", *args, **env)
        self.assertEqual(r.returncode, 0, r.stderr)
        return "\x1b[" in r.stdout

    def test_precedence(self):
        self.assertFalse(self.coloured())
        self.assertTrue(self.coloured(CLICOLOR_FORCE="1"))
        self.assertFalse(self.coloured(CLICOLOR_FORCE="1", NO_COLOR="1"))
        self.assertTrue(self.coloured(CLICOLOR_FORCE="1", NO_COLOR=""))
        self.assertTrue(self.coloured("--color", "always", NO_COLOR="1"))
        self.assertFalse(self.coloured("--no-color", CLICOLOR_FORCE="1"))
        self.assertFalse(self.coloured(CLICOLOR_FORCE="0"))


if __name__ == "__main__":
    unittest.main()
