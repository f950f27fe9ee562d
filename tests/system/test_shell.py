# SPDX-License-Identifier: MIT
"""Shells and commands in running tasks: in the task's namespaces, limits, user, variables and folder, byte by byte, with
exit codes, resize and signals; nobody's but the owner's; and nothing of them is left, whatever dies."""
import hashlib
import json
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import termios
import fcntl
import unittest

import droverlib
import jobcase
from droverlib import PATIENCE, wait_until

SHELL = "/api/v2/jobs/%s/attempts/0/taskRoles/main/taskIndex/0/attempts/0/shell"
UPGRADE = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
           "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}


STATUS = re.compile("^(?:Uid|Gid|Groups|NoNewPrivs|CapBnd|CapPrm|CapEff|CapInh|CapAmb|Umask):.*$", re.M)
NAMESPACES = ("mnt", "pid", "ipc", "net", "user", "uts")


def check_place(test, attempt, execute):
    """That what `execute` runs is where the task attempt's command is, with the same rights. `execute` gives the bytes
    that a line prints. The command's status, as the host has it."""
    pid = min(p for p in droverlib.task_processes()[attempt]
              if b"../script" in droverlib.processes().get(p, ("", b"", b""))[1])
    theirs = [os.readlink("/proc/%d/ns/%s" % (pid, n)) for n in NAMESPACES]
    ours = execute("for n in %s; do readlink /proc/self/ns/$n; done" % " ".join(NAMESPACES)).decode().split()
    test.assertEqual(ours, theirs)
    with open("/proc/%d/limits" % pid, "rb") as f:
        test.assertEqual(execute("cat /proc/self/limits"), f.read())
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        status = STATUS.findall(f.read())
    test.assertEqual(STATUS.findall(execute("cat /proc/self/status").decode()), status)
    test.assertEqual(execute("pwd").decode().strip(), os.readlink("/proc/%d/cwd" % pid))
    with open("/proc/%d/environ" % pid, "rb") as f:
        want = set(f.read().split(b"\0")) - {b""}
    test.assertEqual(want - set(execute("env -0").split(b"\0")), set())
    with open("/proc/%d/cgroup" % pid, encoding="ascii") as f:
        want = {line for line in f if "/drover" in line}
    test.assertEqual({line + "\n" for line in execute("cat /proc/self/cgroup").decode().splitlines()
                      if "/drover" in line}, want)
    # No more descriptors than its own three and that of the listing.
    test.assertEqual(execute("ls /proc/self/fd").split(), [b"0", b"1", b"2", b"3"])
    return status


class ShellCase(jobcase.JobCase):
    def setUp(self):
        super().setUp()
        self.submit_open()

    def environment(self):
        return {"PATH": os.environ["PATH"], "HOME": self.server.folder, "LC_ALL": "C.UTF-8", "TERM": "xterm"}

    def begin(self, *args, **more):
        """The client, still running; it is killed with the test."""
        self.drover("whoami")
        p = subprocess.Popen([droverlib.binary("drover"), *args], env=self.environment(), **more)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        return p

    def execute(self, command, status=0, data=b""):
        """What `drover exec` of a line prints."""
        p = self.begin("exec", "open", command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = p.communicate(data, timeout=60 * PATIENCE)
        self.assertEqual(p.returncode, status, (command, out[-500:], err))
        return out

    def inside(self):
        """Numbers of the processes of shells: they have the task's mark and our line."""
        return droverlib.task_processes().get(self.attempt, [])

    def gone_to(self, count):
        wait_until(lambda: len(self.inside()) <= count, "the shell's processes end", 20)

    def kept(self):
        """Whether the task goes on."""
        self.assertEqual(self.client.state(self.full), "RUNNING")
        self.open_gate("open")
        self.assertEqual(self.client.wait(self.full)["jobStatus"]["state"], "SUCCEEDED")
        self.gone(self.attempt)


class PlaceTest(ShellCase):
    def test_same_place(self):
        check_place(self, self.attempt, self.execute)
        self.kept()

    def test_exit_codes(self):
        for code in (0, 1, 6, 77, 255):
            self.execute("exit %d" % code, status=code)
        self.execute("kill -9 $$", status=137)
        self.assertEqual(self.drover("exec", "open", "--", "printf", "%s|", "a b", "c'd", "$HOME").stdout, b"a b|c'd|$HOME|")
        self.execute("/no/such/program", status=127)
        self.kept()

    def test_bytes(self):
        data = os.urandom(1 << 20) * 100
        digest = hashlib.sha256(data).hexdigest()
        self.assertEqual(self.execute("sha256sum", data=data).split()[0].decode(), digest)
        self.assertEqual(hashlib.sha256(self.execute("cat", data=data)).hexdigest(), digest)
        self.kept()


class EndTest(ShellCase):
    def terminal(self, *args):
        """The client on a terminal of ours; the terminal and the process."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        p = self.begin(*args, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
                       preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(theirs)
        self.addCleanup(os.close, ours)
        return ours, p

    def read_until(self, fd, what):
        seen = b""
        while not re.search(what, seen):
            self.assertTrue(select.select([fd], [], [], 20 * PATIENCE)[0], (what, seen))
            seen += os.read(fd, 65536)
        return seen

    def test_terminal(self):
        fd, p = self.terminal("shell", "open")
        os.write(fd, b"stty size; echo $TERM-$((6*7))\n")
        self.assertIn(b"30 100", self.read_until(fd, rb"xterm-42"))
        fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 41, 133, 0, 0))

        def resized():
            os.write(fd, b"stty size; echo did-$((2+3))\n")
            return b"41 133" in self.read_until(fd, rb"did-5\r\n")
        wait_until(resized, "the new size is there", 20 * PATIENCE, 0.1)
        os.write(fd, b"PS1='a''t>'\n")
        self.read_until(fd, rb"at>")
        os.write(fd, b"echo cat-$((1+1)); cat; echo over-$((1+2))\n")
        self.read_until(fd, rb"cat-2\r\n")  # bash has given the terminal back: what is typed now is the command's
        os.write(fd, b"line\n")
        self.read_until(fd, rb"line\r\nline\r\n")
        os.write(fd, b"\3")
        self.read_until(fd, rb"\^C[\s\S]*at>")  # what is typed before its prompt is thrown away
        os.write(fd, b"echo again-$((3+4))\n")
        self.read_until(fd, rb"again-7")
        os.write(fd, b"exit 9\n")
        self.assertEqual(p.wait(20 * PATIENCE), 9)
        self.kept()

    def test_signal(self):
        p = self.begin("exec", "open", "trap 'echo got; exit 5' INT; echo ready; while :; do sleep 0.1; done",
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        self.assertEqual(p.stdout.readline(), b"ready\n")
        p.send_signal(signal.SIGINT)
        self.assertEqual(p.wait(20 * PATIENCE), 5)
        self.kept()

    def sleeper(self):
        before = len(self.inside())
        p = self.begin("exec", "open", "echo ready; exec sleep 1000", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.PIPE)
        self.assertEqual(p.stdout.readline(), b"ready\n")
        return p, before

    def test_lost_client(self):
        p, before = self.sleeper()
        p.kill()
        self.gone_to(before)
        self.kept()

    def server_goes(self, how, said):
        p, before = self.sleeper()
        how()
        out = p.communicate(timeout=60 * PATIENCE)
        self.assertEqual(p.returncode, 6, out)
        self.assertIn(said, out[1])
        self.gone_to(before)
        self.server.start()
        self.client = droverlib.Client(self.server).login()
        self.kept()

    def test_server_stops(self):
        self.server_goes(self.server.stop, b"shutting down")

    def test_server_dies(self):
        self.server_goes(self.server.kill, b"lost")

    def test_spawner_dies(self):
        p, before = self.sleeper()
        self.server.kill_spawner()
        self.assertEqual(self.client.state(self.full), "RUNNING")
        self.assertIsNone(p.poll())
        p.kill()
        self.gone_to(before)
        self.kept()

    def test_task_ends(self):
        p, _ = self.sleeper()
        self.kept()
        self.assertEqual(p.wait(60 * PATIENCE), 137)
        self.gone_to(0)


class RightsTest(ShellCase):
    def ask(self, client, path=None, **more):
        return client.request("GET", (path or SHELL % self.full) + "?command=true", headers=dict(UPGRADE, **more)).status

    def test_refused(self):
        self.client.json("POST", "/api/v2/users", {"username": "eve", "password": "correct horse battery", "email": "",
                                                   "virtualCluster": ["default"]}, expect=(201,))
        eve = droverlib.Client(self.server).login("eve", "correct horse battery")
        self.assertEqual(self.ask(eve), 403)
        gone = droverlib.Client(self.server).login()
        gone.json("DELETE", "/api/v2/authn/basic/logout")
        self.assertEqual(self.ask(gone), 401)
        self.assertEqual(self.ask(droverlib.Client(self.server)), 401)
        self.assertEqual(self.client.request("GET", SHELL % self.full).status, 400)
        self.assertEqual(self.ask(self.client, **{"Sec-WebSocket-Key": "short"}), 400)
        self.assertEqual(self.ask(self.client, **{"Sec-WebSocket-Version": "8"}), 400)
        self.assertEqual(self.ask(self.client, SHELL % "admin~none"), 404)
        self.kept()
        self.assertEqual(self.ask(self.client), 409)

    def test_session(self):
        """The portal's cookie opens a shell for a page of the portal's own origin, and for nobody who does not say so."""
        body = json.dumps({"username": droverlib.ADMIN, "password": droverlib.PASSWORD})
        cookie = droverlib.Client(self.server).request("POST", "/api/v2/session", body).headers["set-cookie"]
        host = "%s:%d" % self.server.address
        with_cookie = {"Cookie": cookie.split(";")[0]}
        def status(**more):
            return self.ask(droverlib.Client(self.server), **dict(with_cookie, **more))
        self.assertEqual(status(Origin="http://" + host), 101)
        self.assertEqual(status(), 403)
        for origin in ("null", "http://evil.example", "http://127.0.0.1", "http://%s.evil.example" % host, host):
            self.assertEqual(status(Origin=origin), 403, origin)
        self.assertEqual(status(Origin="http://" + host, **{"Sec-Fetch-Site": "same-site"}), 403)

    def shell_of(self, token):
        """A shell with that token, begun."""
        env = dict(self.environment(), DROVER_URL="http://%s:%d" % self.server.address, DROVER_TOKEN=token)
        p = subprocess.Popen([droverlib.binary("drover"), "exec", self.full, "echo ready; exec sleep 1000"], env=env,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for cleanup in (p.stdout.close, p.stderr.close, p.wait, p.kill):
            self.addCleanup(cleanup)
        self.assertEqual(p.stdout.readline(), b"ready\n")
        return p

    def test_login_ends(self):
        """Who may not begin a shell any more does not keep one: a token revoked, a user disabled, an admin no more."""
        before = len(self.inside())
        def users(method, **data):
            self.client.json(method, "/api/v2/users", data, expect=(200, 201))
        for name in ("eve", "bob"):
            users("POST", username=name, password="correct horse battery", email="", admin=True, virtualCluster=["default"])
        gone = droverlib.Client(self.server).login()
        shells = [self.shell_of(c.token) for c in (
            gone, droverlib.Client(self.server).login("eve", "correct horse battery"),
            droverlib.Client(self.server).login("bob", "correct horse battery"), self.client)]
        gone.json("DELETE", "/api/v2/authn/basic/logout")
        users("PUT", patch=True, data={"username": "eve", "disabled": True})
        users("PUT", patch=True, data={"username": "bob", "admin": False})
        for p in shells[:3]:
            self.assertEqual(p.wait(60 * PATIENCE), 4)
            self.assertIn(b"login", p.stderr.read())
        self.gone_to(before + 1)
        self.assertIsNone(shells[3].poll(), "another login's goes on")
        def ends():
            page = self.client.json("GET", "/api/v2/audit?limit=50")
            return [r["actor"] for r in page["data"] if r["route"].endswith("/shell") and r["status"] == 401]
        wait_until(lambda: sorted(ends()) == ["admin", "bob", "eve"], "the records are there")
        self.kept()

    def test_audit(self):
        self.execute("exit 3", status=3)
        def ends():
            page = self.client.json("GET", "/api/v2/audit?limit=50")
            found = [r for r in page["data"] if r["route"].endswith("/shell")]
            return found if len(found) == 2 else None
        end, start = wait_until(ends, "both records are there")
        self.assertEqual((start["status"], end["status"]), (101, 200))
        self.assertEqual((start["actor"], start["object"]), ("admin", SHELL % self.full))
        self.kept()

    def test_limit(self):
        many = [self.begin("exec", "open", "echo ready; exec sleep 1000", stdin=subprocess.DEVNULL,
                           stdout=subprocess.PIPE) for _ in range(8)]
        for p in many:
            self.assertEqual(p.stdout.readline(), b"ready\n")
        self.execute("true", status=5)
        many[0].kill()
        many[0].wait()
        wait_until(lambda: self.begin("exec", "open", "true", stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                   .wait(20 * PATIENCE) == 0, "there is room again", 20, 0.2)
        self.kept()


class UnprivilegedPlaceTest(PlaceTest):
    UID = 12345


class UnprivilegedEndTest(EndTest):
    UID = 12345


if __name__ == "__main__":
    unittest.main()
