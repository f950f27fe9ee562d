# SPDX-License-Identifier: MIT
"""The screen in a real terminal: tmux with keys sent, and a pseudo-terminal whose every byte is looked at."""
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest
import fcntl
import termios

from fake_server import TOKEN, FakeServer

BIN = os.environ["DROVER_BIN"]
DROVER = os.path.join(BIN, "drover")
DROVERD = os.path.join(BIN, "droverd")
SOURCE = os.environ["DROVER_SOURCE"]


# A GPU of the virtual cluster "lab", until somebody stops it.
HOLD = """protocolVersion: 2
name: hold
type: job
prerequisites: [{name: image, type: dockerimage, uri: "drover/any"}]
taskRoles:
  main:
    dockerImage: image
    resourcePerInstance: {cpu: 1, memoryMB: 64, gpu: 1}
    commands: [sleep 600]
defaults: {virtualCluster: lab}
"""


def wait_for(what, look, seconds=30):
    """Looks until `what` (a regular expression) is in what `look` gives; returns it."""
    end = time.monotonic() + seconds
    seen = ""
    while time.monotonic() < end:
        seen = look()
        if re.search(what, seen):
            return seen
        time.sleep(0.02)
    raise AssertionError("never saw %r; the last was:\n%s" % (what, seen))


class Screen(unittest.TestCase):
    def setUp(self):
        self.home = tempfile.mkdtemp(prefix="drover-tui-")
        self.addCleanup(shutil.rmtree, self.home, ignore_errors=True)
        self.env = {"PATH": os.environ["PATH"], "HOME": self.home, "LC_ALL": "C.UTF-8", "TZ": "UTC",
                    "TERM": "screen-256color", "TMUX_TMPDIR": self.home}

    def tmux(self, *args):
        return subprocess.run(["tmux", "-f", "/dev/null", *args], env=self.env, capture_output=True, text=True,
                              timeout=30, check=True).stdout

    def start(self, *args, size=(100, 30), view="jobs", **env):
        """Begins with this view; None: with the one of the role."""
        begin = ["--view", view] if view else []
        words = ["env"] + ["%s=%s" % item for item in env.items()] + [DROVER, "tui", *begin, *args]
        command = " ".join("'%s'" % w for w in words) + "; echo \"ended with $?\"; cat"
        self.tmux("new-session", "-d", "-s", "t", "-x", str(size[0]), "-y", str(size[1]), command)
        self.addCleanup(lambda: subprocess.run(["tmux", "kill-server"], env=self.env, capture_output=True))

    def look(self):
        return self.tmux("capture-pane", "-p", "-t", "t")

    def keys(self, *keys):
        for key in keys:
            self.tmux("send-keys", "-t", "t", key)

    def see(self, what, seconds=30):
        return wait_for(what, self.look, seconds)


class Journeys(Screen):
    def test_find_a_failed_job_and_read_why(self):
        self.start("--demo")
        self.see(r"▸ +● Running +ana~train-vit-14")
        self.keys("/", "state:failed speech", "Enter")
        self.see(r"jobs ‹state:failed speech› \[1/1\]")
        self.keys("Enter")
        self.see(r"jobs › job mia~asr-wav2vec-40")
        self.see(r"Try: A smaller batch\.")
        self.keys("l")
        self.see(r"CUDA out of memory")
        self.keys("Escape")
        self.see(r"jobs › job mia")
        self.keys("Escape", "Escape")
        self.see(r"jobs \[1/40\]")
        self.keys("q")
        self.see(r"ended with 0")

    def test_stop_needs_more_than_one_key(self):
        self.start("--demo")
        self.see("ana~train-vit-14")
        self.keys("Space", "Space", "s")
        self.see(r"Stop 2 jobs of 2 users\?")
        self.keys("Enter")  # the focus is on Cancel
        self.see("Nothing was stopped")
        self.keys("s", "2", "Tab", "Enter")
        self.see(r"2 jobs are being stopped")
        self.see(r"Stopping +ana~train-vit-14")

    def test_admins_begin_with_the_cluster(self):
        self.start("--demo", view=None)
        self.see(r"jobs › overview")
        self.see(r"2 firing, 1 silenced")
        self.keys("Enter")
        self.see(r"overview › gpus \[1/8 nodes\]")
        self.keys("Enter")
        self.see(r"gpus › node a100-01 \[1/8 GPUs\]")
        self.keys("Enter")
        self.see(r"node › job ana~train-vit-14")
        self.keys("Escape", "Escape", "Escape", "Escape")
        self.see(r"jobs \[1/40\]")

    def test_a_refused_quota_can_be_mended(self):
        self.start("--demo")
        self.see("ana~train-vit-14")
        self.keys(":", "vcs", "Enter")
        self.see(r"└ vision")
        self.keys("End", "e", "0", "Enter", "Enter", "Enter", "Enter")
        self.see(r"The guarantees need 56 GPUs more")
        self.keys("BTab", "BTab", "BTab", "C-u", "a100=12", "Enter", "Enter", "Enter", "Enter")
        self.see(r"The quota of speech is changed")
        self.see(r"guarantee: a100=12")

    def test_read_only_and_ascii(self):
        self.start("--demo", "--readonly", "--ascii")
        seen = self.see("ana~train-vit-14")
        self.assertTrue(seen.isascii(), seen)
        self.assertNotIn("stop", seen)
        self.keys("s", ":", "quit", "Enter")
        self.see("ended with 0")

    def test_small_and_smaller(self):
        self.start("--demo", size=(80, 24))
        self.see("ana~train-vit-14")
        self.tmux("resize-window", "-t", "t", "-x", "50", "-y", "10")
        self.see("drover needs 60x16; this is 50x10")
        self.tmux("resize-window", "-t", "t", "-x", "60", "-y", "16")
        self.see("ana~train-vit-14")
        self.keys("Down", "q")
        self.see("ended with 0")

    def test_no_locale_is_no_reason_not_to_start(self):
        self.start("--demo", LC_ALL="C")
        self.assertTrue(self.see("ana~train-vit-14").isascii())


class Servers(Screen):
    def start_on(self, server, *args):
        self.start(*args, DROVER_URL=server.url, DROVER_TOKEN=TOKEN)

    def test_a_server_that_goes_and_comes_back(self):
        with FakeServer() as server:
            self.start_on(server, "-a")
            self.see("ana~train-vit-14")
            server.fault["/api"] = "drop"
            self.see(r"broke the connection", 20)
            self.see(r"\d+ s old", 20)
            self.keys("Down", "Enter")  # it goes on answering keys
            self.see(r"jobs › job")
            self.keys("Escape")
            server.fault.clear()
            wait_for(r"\? help(?s:.)*$", self.look, 20)
            self.assertNotRegex(self.look(), r"\d s old")

    def test_a_slow_server_delays_no_key(self):
        with FakeServer() as server:
            self.start_on(server, "-a")
            self.see("ana~train-vit-14")
            server.fault["/api"] = "hang"  # until the server ends: nothing that waits for an answer gets one
            asked = len(server.log)
            wait_for("asked", lambda: "asked" if len(server.log) > asked else "")
            self.keys("?")
            self.see("keys of jobs", 20)

    def test_garbage_is_said_and_survived(self):
        with FakeServer() as server:
            server.fault["/api"] = "binary"
            self.start_on(server, "-a")
            self.see("unusable")
            server.fault["/api"] = "deep"
            self.keys(":", "job ana~x", "Enter")
            self.see("unusable|Asking")
            server.fault.clear()
            self.keys("Escape")
            self.see("ana~train-vit-14")

    def test_lists_of_a_server_that_is_slow_or_talks_garbage(self):
        with FakeServer() as server:
            self.start_on(server, "-a")
            self.see("ana~train-vit-14")
            server.fault["/api/v2/users"] = "slow"
            self.keys(":", "users", "Enter")
            self.see(r"users \[0/0\](?s:.)*Asking the server", 1.5)
            self.keys("?")
            self.see("keys of users", 1.5)  # no key waits for the answer
            self.keys("?")
            self.see(r"users \[1/9\](?s:.)*student-03")
            for garbage in ("html", "cut", "binary", "null", "deep", "bare500"):
                server.fault["/api/v2/audit"] = garbage
                self.keys(":", "audit", "Enter")
                self.see("boom|500" if garbage == "bare500" else "unusable")
                self.keys("Escape")
                self.see(r"jobs \[1/40\]")
            server.fault.clear()
            self.keys(":", "audit", "Enter")
            self.see(r"audit \[1/6\]")

    def test_an_expired_token_is_said(self):
        with FakeServer() as server:
            self.start(DROVER_URL=server.url, DROVER_TOKEN="old")
            self.see("Your token is invalid")

    def drover(self, *args):
        return subprocess.run([DROVER, *args], env=self.env, check=True, timeout=60, capture_output=True, text=True)

    def serve(self, data, listen="127.0.0.1:0"):
        """Starts droverd; its URL."""
        self.server = subprocess.Popen([DROVERD, "serve", "--data", data, "--config", self.home + "/c.yaml", "--listen",
                                        listen], env=self.env, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                                       text=True)
        return self.server.stdout.readline().split()[-1]

    def end_server(self, how=signal.SIGTERM):
        self.server.send_signal(how)
        self.server.wait(30)
        self.server.stdout.close()

    def stop_twenty(self):
        """Marks 20 waiting jobs and stops them with their number typed."""
        with open(self.home + "/wait.yaml", "w", encoding="utf-8") as f:
            with open(SOURCE + "/examples/hello.yaml", encoding="utf-8") as hello:
                f.write(hello.read().replace("env |", "sleep 600; env |"))
        for i in range(20):
            self.drover("submit", self.home + "/wait.yaml", "--name", "many-%02d" % i)
        self.keys(":", "jobs", "Enter", "/", "many", "Enter")
        self.see(r"jobs ‹many› \[1/20\]")
        self.tmux("send-keys", "-t", "t", "-N", "20", "Space")
        self.see("20 marked")
        self.keys("s")
        self.see(r"Stop 20 jobs of 1 user\?")
        self.keys("20", "Tab", "Enter")
        self.see("20 jobs are being stopped")
        wait_for("^20$", lambda: str(self.look().count("■ Stopped")))
        self.keys("Escape")

    def import_users(self):
        """A preview with a refused row, then the good ones for good, which the server then has."""
        with open(self.home + "/u.csv", "w", encoding="utf-8") as f:
            f.write("username,password,email\nstudent-1,correct horse 1,s1@lab.example\n"
                    "student-2,correct horse 2,not an address\nstudent-3,correct horse 3,s3@lab.example\n")
        self.keys(":", "import " + self.home + "/u.csv", "Enter")
        self.see(r"2 good, 1 refused(?s:.)*3 +refused +email: ")
        self.keys("w")
        self.see("1 row is refused")
        self.keys("o")
        self.see("good rows only(?s:.)*student-1 +would be created")
        self.keys("w", "2", "Tab", "Enter")
        self.see(r"Done: 2 good, 1 refused(?s:.)*student-3 +created")
        self.assertIn("student-3", self.drover("users", "-o", "name").stdout)
        self.keys(":", "users", "Enter")
        self.see("student-1(?s:.)*student-3")
        self.keys("g", "x")  # the admin itself: the server refuses, in its words
        self.see("Disable user root")
        self.keys("Tab", "Enter")
        self.see("root: .*admin")
        self.keys("j", "x", "Tab", "Enter")
        self.see(r"student-1 +no +yes")
        self.keys("e")
        self.see(r"edit user student-1(?s:.)*Disabled +yes")
        self.keys("Down", "Down", "Down", "Enter", "w")
        self.see(r"Disabled: no(?s:.)*was yes")
        self.keys("Tab", "Enter")
        self.see(r"student-1 +no +no")

    def real_server(self, config=""):
        """Serves until the test ends, with root logged in; its URL and its folder."""
        with open(self.home + "/pw", "w", encoding="utf-8") as f:
            f.write("a password for the test\n")
        with open(self.home + "/c.yaml", "w", encoding="utf-8") as f:
            f.write("unknownImage: host\n" + config)
        data = self.home + "/data"
        subprocess.run([DROVERD, "init", "--data", data, "--admin", "root", "--password-file", self.home + "/pw"],
                       check=True, env=self.env, timeout=60, capture_output=True)
        url = self.serve(data)
        self.addCleanup(self.end_server)
        self.drover("login", url, "-u", "root", "--password-file", self.home + "/pw")
        return url, data

    def end_job(self, name):
        """Stops it and waits until it has ended: no task outlives the test."""
        self.drover("stop", name)
        subprocess.run([DROVER, "wait", name], env=self.env, timeout=60, capture_output=True)

    def test_an_admin_s_day(self):
        """Finds a stuck job, reads why, raises the quota, opens a shell in the job, drains the node."""
        self.real_server("gpus: 4\n")
        sku = re.search(r"^(\S+)", self.drover("skus", "-o", "name").stdout).group(1)
        self.drover("vc", "set", "lab", "--gpus", sku + "=1")
        with open(self.home + "/job.yaml", "w", encoding="utf-8") as f:
            f.write(HOLD)
        for name in ("hold", "stuck"):  # the guarantee is enough for the first
            self.drover("submit", self.home + "/job.yaml", "--name", name)
            self.addCleanup(self.end_job, name)
        self.start(view=None, size=(120, 30))
        self.see(r"WAITING LONGEST +1 in all")
        self.keys("End")
        self.see(r"▸ +◔ root~stuck")
        self.keys("Enter")
        self.see(r"job root~stuck")
        self.see(r"Waiting.*quota|lab (uses|has)|guarantee")
        self.keys("t")
        self.see(r"does not run and no debug reservation keeps it")
        self.keys(":", "vcs", "Enter")
        self.see(r"vcs \[1/2\]")
        self.keys("Down", "e")
        self.see(r"Guarantee +%s=1" % sku)
        self.keys("C-u", sku + "=9", "Enter", "Enter", "Enter", "Enter")
        self.see(r"lab cannot be promised 9 GPUs")
        self.keys("BTab", "BTab", "BTab", "C-u", sku + "=2", "Enter", "Enter", "Enter", "Enter")
        self.see(r"The quota of lab is changed")
        self.keys("Enter", "/", " stuck", "Enter")
        self.see(r"● Running +root~stuck")
        self.keys("Enter")
        self.see(r"job root~stuck(?s:.)*● Running")
        self.keys("t")
        self.see(r"A shell in root~stuck")
        self.keys("echo in-the-task-$((40+2))", "Enter")
        self.see(r"in-the-task-42")
        self.keys("exit 0", "Enter")
        self.see(r"jobs › .*job root~stuck")
        self.keys(":", "nodes", "Enter")
        self.see(r"nodes \[1/1\]")
        self.keys("D")
        self.see(r"Drain node")
        self.keys("Enter")  # the focus is on Cancel
        self.see(r"Nothing was drained")
        self.keys("D", "Tab", "Enter")
        self.see(r"draining")
        self.keys("Enter")
        self.see(r"node \S+ \[1/4 GPUs\]")
        self.keys("q")
        self.see("ended with 0")

    def test_a_real_server(self):
        url, data = self.real_server()
        self.drover("submit", SOURCE + "/examples/hello.yaml", "--wait")
        self.start()
        self.see(r"✔ Succeeded +root~hello")
        # A job that comes later comes by itself, through the event stream.
        subprocess.run([DROVER, "submit", SOURCE + "/examples/hello.yaml", "--name", "later", "--wait"], env=self.env,
                       check=True, timeout=60, capture_output=True)
        self.see(r"✔ Succeeded +root~later", 10)
        self.keys("l")
        self.see(r"log root~later main-0 .* ended")
        self.keys("g")
        self.see(r"Hello from root~later")
        self.keys("Escape", ":", "nodes", "Enter")
        self.see(r"nodes \[1/1\]")
        self.stop_twenty()
        self.import_users()
        self.keys(":", "audit", "Enter", "/", "method:DELETE", "Enter")
        self.see("No row fits")
        self.keys("Escape")
        self.see("POST +/api/v2/users/im")
        # Killed, it is missed and said; back at the same place, it is found again.
        self.end_server(signal.SIGKILL)
        self.see("cannot be reached|broke the connection", 20)
        self.see(r"\d+ s old", 20)
        self.keys("j")
        self.serve(data, url.split("/")[-1])
        wait_for(r"\? help(?s:.)*$", self.look, 20)
        self.keys(":", "users", "Enter")
        self.see("student-3")
        self.keys("q")
        self.see("ended with 0")


class Bytes(Screen):
    """What goes to the terminal, byte by byte."""

    def open(self, *args, **env):
        pid, fd = pty.fork()
        if pid == 0:
            os.execve(DROVER, ["drover", "tui", "--view", "jobs", *args], {**self.env, "TERM": "xterm-256color", **env})
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.addCleanup(os.close, fd)
        self.pid, self.fd = pid, fd
        return fd

    def read(self, quiet):
        """Everything until nothing came for `quiet` seconds."""
        seen = b""
        while select.select([self.fd], [], [], quiet)[0]:
            try:
                piece = os.read(self.fd, 65536)
            except OSError:
                break
            if not piece:
                break
            seen += piece
        return seen

    def end(self):
        os.write(self.fd, b"q")
        seen = self.read(5)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), 0)
        return seen

    def test_idle_writes_nothing_and_the_end_restores(self):
        self.open("--demo")
        first = self.read(1)
        self.assertIn(b"\x1b[?1049h", first)
        self.assertEqual(self.read(3), b"")
        os.write(self.fd, b"j")
        moved = self.read(0.5)
        self.assertTrue(0 < len(moved) < 1200, len(moved))
        self.assertIn(b"\x1b[?1049l", self.end())

    def test_ctrl_c_ends_it(self):
        self.open("--demo")
        self.read(0.5)
        os.write(self.fd, b"\x03")
        self.assertIn(b"\x1b[?1049l", self.read(5))
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1]), 0)

    def test_no_colour_where_none_is_wanted(self):
        for env in ({"NO_COLOR": "1"}, {"CLICOLOR": "0"}):
            self.open("--demo", **env)
            seen = self.read(0.7)
            self.assertIn(b"train-vit-14", seen)
            self.assertNotRegex(seen, rb"\x1b\[[0-9;]*(3[0-8]|38;5;)[0-9;]*m")
            self.end()

    def test_no_foreign_escape_gets_through(self):
        with FakeServer() as server:
            evil = "x\x1b]0;owned\x07\x1b[2Jy\x9b5n\u202ez"
            for job in server.data["jobs"][:5]:
                job["name"] = evil
                job["waitReason"] = job["exitPhrase"] = evil
            server.data["details"]["ana~" + evil] = server.data["details"]["ana~train-vit-14"]
            server.logs["ana~" + evil] = (evil + "\n").encode() * 50
            self.open("-a", DROVER_URL=server.url, DROVER_TOKEN=TOKEN)
            replies = server.data["replies"]
            for row in replies["GET /api/v2/users"] + replies["GET /api/v2/audit"]["data"]:
                row.update({k: evil for k in row if k in ("username", "email", "actor", "object", "code", "ip")})
            replies["GET /api/v2/alerts"][0]["annotations"] = {"summary": evil, "description": evil}
            for vc in replies["GET /api/v2/virtual-clusters"].values():
                vc.update(description=evil, guarantee=[{"sku": evil, "gpus": 1}])
            for node in replies["GET /api/v2/gpus"]["nodes"]:
                node["name"] = node["model"] = evil
            for holder in replies["GET /api/v2/gpus"]["jobs"]:
                holder["name"] = evil
            seen = self.read(1.5)
            for view in (b"overview", b"vcs", b"gpus"):
                os.write(self.fd, b":" + view + b"\r")
                seen += self.read(0.7)
            for view in (b"users", b"audit", b"alerts"):
                os.write(self.fd, b":" + view + b"\r")
                seen += self.read(0.7)
                os.write(self.fd, b"d")
                seen += self.read(0.7)
            os.write(self.fd, b":jobs\r")
            seen += self.read(0.7)
            os.write(self.fd, b"l")
            seen += self.read(1.5)
            self.assertIn(b"\\x1b]0;owned", seen)
            seen += self.end()
        # Curses' own set: CSI sequences of xterm, character sets, keypad modes; nothing else begins with ESC.
        rest = re.sub(rb"\x1b(\[[0-9;?]*[A-HJKPXdhlmrt]|[()][0B]|[=>78M])", b"", seen)
        self.assertNotIn(b"\x1b", rest, re.findall(rb"\x1b.{0,12}", rest)[:5])
        self.assertNotIn("\u202e", seen.decode(errors="replace"))
        self.assertNotIn("\x9b", seen.decode(errors="replace"))


class Plain(Screen):
    def plain(self, text, *args, **env):
        r = subprocess.run([DROVER, "tui", *args], env={**self.env, **env}, input=text, text=True,
                           capture_output=True, timeout=60)
        self.assertEqual(r.returncode, 0, r.stderr)
        self.assertNotIn("\x1b", r.stdout)
        return r.stdout

    def test_lines(self):
        out = self.plain("list sweep\nopen 1\nlog 1\nnonsense\nquit\n", "--plain", "--demo")
        self.assertIn("20 of 40 jobs, newest first.", out)
        self.assertIn("1. ana~train-vit-14: Running for 8m", out)
        self.assertRegex(out, r"> 1\. mia~sweep-19|1\. \w+~sweep-\d+: ")
        self.assertIn("Commands: list", out)

    def test_lists_are_lines_too(self):
        out = self.plain("users\nmembers nlp\nreports by:user days:7\nreports x:1\nmembers\naudit status:x\n",
                         "--plain", "--demo")
        self.assertIn("9 in all.", out)
        self.assertRegex(out, r"8\. student-03: admin no, disabled yes, expires 3 d ago, email student-03@lab.example, "
                              r"groups default, course-ml\n")
        self.assertIn("1. li: admin no\n", out)
        self.assertRegex(out, r"2\. nlp: gpuHours 2844.00, ")
        self.assertIn('"x:1" is nothing that this list can be asked.', out)
        self.assertIn("Say whose.", out)
        self.assertIn("status must be a number", out)

    def test_stop_asks(self):
        out = self.plain("stop 1\nno\nstop 1\nyes\nlist\n", "--plain", "--demo")
        self.assertIn("Stop ana~train-vit-14? Type yes to confirm: Nothing was stopped.", out)
        self.assertIn("ana~train-vit-14 is being stopped.", out)
        self.assertIn("1. ana~train-vit-14: Stopping", out)
        self.assertIn("read-only", self.plain("stop 1\n", "--plain", "--demo", "--readonly"))

    def test_the_cluster_in_lines(self):
        out = self.plain("overview\nnode a100-07\ngpus a100-06\ndrain a100-01\nno\ndrain a100-01\nyes\nnodes draining\n"
                         "quota speech guarantee a100=80\nyes\nquota speech cap 6\nyes\nquota speech\nshell 1\n",
                         "--plain", "--demo")
        self.assertIn("GPUs a100: 64, of them 34 busy, 2 held and idle, 19 free, 9 out; 2 faulty.", out)
        self.assertIn("Virtual cluster vision (below research): uses 13 of its 16 GPUs", out)
        self.assertIn("6 jobs wait.\nkim~finetune-bert-1 in default waits for 1h37m.", out)
        self.assertIn("Alert critical: GpuFailed: GPU 3 of a100-07", out)
        self.assertIn("degrees, free; failed: Xid 79", out)
        self.assertIn("GPU 5 is quarantined.", out)
        self.assertIn("Drain a100-01? Type yes to confirm: Nothing was changed.", out)
        self.assertRegex(out, r"a100-01 is draining(?s:.)*a100-07 is draining")
        self.assertIn("Error: The guarantees need 56 GPUs more of a100 than the 16 that are left.", out)
        self.assertIn("The quota is changed.", out)
        self.assertIn("Say: quota VC guarantee SKU=N", out)
        self.assertIn("A recording has no tasks", out)
        self.assertIn("read-only", self.plain("drain a100-01\n", "--plain", "--demo", "--readonly"))

    def test_a_dumb_terminal_gets_lines(self):
        self.assertIn("plain mode", self.plain("quit\n", "--demo", TERM="dumb"))

    def test_a_pipe_cannot_be_a_screen(self):
        r = subprocess.run([DROVER, "tui", "--demo"], env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                           text=True, timeout=60)
        self.assertEqual(r.returncode, 2)
        self.assertIn("--plain", r.stderr)


if __name__ == "__main__":
    unittest.main()
