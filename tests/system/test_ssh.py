# SPDX-License-Identifier: MIT
"""Debian's ssh and scp, unchanged, in a running task: by what `drover ssh-config` prints, through sshd within the task."""
import hashlib
import os
import re
import subprocess
import unittest

import droverlib
import jobcase
import machine
from droverlib import PATIENCE, wait_until

HOST = "drover-open-main-0"


class SshCase(jobcase.JobCase):
    def setUp(self):
        machine.need(self, "openssh")
        super().setUp()
        self.submit_open()
        self.config = self.path("ssh_config")
        with open(self.config, "wb") as f:
            f.write(self.drover("ssh-config", "open").stdout)

    def begin(self, program, *args, **more):
        """ssh or scp by our configuration alone; it is killed with the test."""
        env = {"PATH": os.environ["PATH"], "HOME": self.server.folder, "LC_ALL": "C.UTF-8", "TERM": "xterm"}
        p = subprocess.Popen([program, "-F", self.config, *args], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             stdin=more.pop("stdin", subprocess.PIPE), **more)
        for pipe in (p.stdin, p.stdout, p.stderr):
            if pipe:
                self.addCleanup(pipe.close)
        self.addCleanup(p.wait)
        self.addCleanup(p.kill)
        return p

    def ssh(self, *args, status=0, data=b"", program="ssh"):
        p = self.begin(program, *args)
        out, err = p.communicate(data, timeout=60 * PATIENCE)
        self.assertEqual(p.returncode, status, (args, out[-500:], err))
        return out

    def inside(self):
        """The numbers of the task's processes."""
        return droverlib.task_processes().get(self.attempt, [])

    def kept(self):
        """The task goes on, ends well, and nothing of it is left."""
        self.open_gate("open")
        self.assertEqual(self.client.wait(self.full)["jobStatus"]["state"], "SUCCEEDED")
        self.gone(self.attempt)


class SshTest(SshCase):
    def exec(self, line):
        return self.drover("exec", "open", line).stdout

    def test_same_place(self):
        look = ("pwd; umask; id; env | grep -E '^(PAI|DROVER|HOME|PATH|TMPDIR|LD_|CUDA)' | sort;"
                "for n in mnt pid ipc net user uts; do readlink /proc/self/ns/$n; done; cat /proc/self/limits")
        self.assertEqual(self.ssh(HOST, look), self.exec(look))
        self.assertEqual(self.ssh(HOST, "echo $SHELL"), b"/bin/bash\n")
        self.assertNotIn(b"DROVER_SSH", self.ssh(HOST, "env"))
        self.kept()

    def test_exit_codes(self):
        for code in (0, 1, 77, 254):
            self.ssh(HOST, "exit %d" % code, status=code)
        self.assertEqual(self.ssh(HOST, "printf '%s|' \"a b\" 'c$d'; printf e >&2"), b"a b|c$d|")
        self.assertEqual(self.ssh(HOST, "cat", data=b"\0\xff" * 50000), b"\0\xff" * 50000)
        self.ssh("-tt", HOST, "tty && stty size && exit 9", status=9)
        self.kept()

    def test_scp(self):
        data = os.urandom(1 << 20) * 100
        with open(self.path("big"), "wb") as f:
            f.write(data)
        digest = hashlib.sha256(data).hexdigest()
        self.ssh("-q", self.path("big"), HOST + ":there", program="scp")
        self.assertEqual(self.exec("sha256sum <there").split()[0].decode(), digest)
        self.ssh("-q", HOST + ":there", self.path("back"), program="scp")
        with open(self.path("back"), "rb") as f:
            self.assertEqual(hashlib.sha256(f.read()).hexdigest(), digest)
        self.kept()

    def test_host_key(self):
        first = self.ssh(HOST, "cat ../tmp/.drover-ssh/key.pub 2>/dev/null; ls ../tmp/.drover-ssh")
        self.assertIn(b"key\n", first)
        hosts = self.path(".config/drover/ssh/hosts")
        [name] = os.listdir(hosts)
        with open(os.path.join(hosts, name), encoding="ascii") as f:
            known = f.read()
        self.ssh(HOST, "true")
        with open(os.path.join(hosts, name), encoding="ascii") as f:
            self.assertEqual(f.read(), known, "it stays the task's")
        self.assertEqual(os.stat(self.path(".config/drover/ssh/key/id_ed25519")).st_mode & 0o777, 0o600)
        self.kept()

    def test_another_key(self):
        """sshd lets in nobody but whom the server let in."""
        other = self.path("other")
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other], check=True)
        with open(self.config, "r+", encoding="ascii") as f:
            text = f.read().replace(self.path(".config/drover/ssh/key/id_ed25519"), other)
            f.seek(0)
            f.write(text)
        self.ssh(HOST, "true", status=255)
        self.kept()

    def own_key(self, name):
        """A key pair that nothing of ours made, which ssh shows instead of ours; the path of the private one."""
        path = self.path(name)
        subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-C", "ana's own", "-f", path], check=True)
        self.show(path)
        return path

    def show(self, key):
        with open(self.config, encoding="ascii") as f:
            text = re.sub(r"IdentityFile .*", 'IdentityFile "%s"' % key, f.read())
        with open(self.config, "w", encoding="ascii") as f:
            f.write(text)

    def test_stored_keys(self):
        """Keys that the owner keeps come in, until they are removed: by the client's verbs, and as OpenPAI's portal does."""
        path = self.own_key("own")
        self.ssh(HOST, "true", status=255)
        self.drover("ssh-key", "add", "my desk", path, status=1)  # the private one
        self.drover("ssh-key", "add", "my desk", path + ".pub")
        self.assertEqual(self.ssh(HOST, "echo in"), b"in\n")
        line = subprocess.run(["ssh-keygen", "-l", "-f", path], check=True, capture_output=True, text=True).stdout.split()[1]
        self.assertEqual([(k["title"], k["fingerprint"]) for k in self.client.json("GET", "/api/v2/ssh-keys")],
                         [("my desk", line)])
        self.assertIn(line.encode(), self.drover("ssh-keys").stdout)
        self.drover("ssh-key", "delete", "my desk")
        self.drover("ssh-key", "delete", "my desk", status=3)
        self.ssh(HOST, "true", status=255)
        with open(path + ".pub", encoding="ascii") as f:
            public = f.read()
        def extension(value, expect):
            self.client.json("PUT", "/api/v2/users/me", {"patch": True, "data": {"username": "admin", "extension": {
                "sshKeys": [{"title": "laptop", "value": value, "time": 5}]}}}, expect=(expect,))
        extension("command=\"sh\" " + public, 400)
        self.ssh(HOST, "true", status=255)
        extension(public, 201)
        self.assertEqual(self.ssh(HOST, "echo in"), b"in\n")
        self.kept()

    def test_key_of_plugin(self):
        """The key of the job's own plugin ssh comes in; into another job it does not."""
        path = self.own_key("own")
        with open(path + ".pub", encoding="ascii") as f:
            plugin = ("extras:\n  com.microsoft.pai.runtimeplugin:\n    - {plugin: ssh, parameters: {jobssh: true, userssh: "
                      "{type: custom, value: \"%s\"}}}\n" % f.read().strip())
        full = self.submit_gated("keyed", ["echo end"], extra=plugin)
        self.client.wait(full, ("RUNNING",))
        with open(self.config, "ab") as f:
            f.write(self.drover("ssh-config", "keyed").stdout)
        self.own_key("other")
        self.ssh("drover-keyed-main-0", "true", status=255)
        self.show(path)
        self.assertEqual(self.ssh("drover-keyed-main-0", "echo in"), b"in\n")
        self.ssh(HOST, "true", status=255)
        reply = self.client.request("GET", "/api/v2/jobs/%s/ssh" % full)
        self.assertEqual(reply.status, 404)
        self.assertIn(b"drover ssh-config", reply.body)
        self.open_gate("keyed")
        self.client.wait(full)
        self.kept()

    def test_ends(self):
        before = len(self.inside())
        p = self.begin("ssh", "-tt", HOST, "echo ready; exec sleep 1000", stdin=subprocess.DEVNULL)
        self.assertEqual(p.stdout.readline(), b"ready\r\n")
        p.kill()
        wait_until(lambda: len(self.inside()) <= before, "its processes end", 20)
        p = self.begin("ssh", HOST, "echo ready; exec sleep 1000", stdin=subprocess.DEVNULL)
        self.assertEqual(p.stdout.readline(), b"ready\n")
        self.kept()
        self.assertEqual(p.wait(60 * PATIENCE), 255)
        self.assertEqual(self.inside(), [])
        self.ssh(HOST, "true", status=255)

    def test_audit(self):
        self.ssh(HOST, "true")
        def ends():
            page = self.client.json("GET", "/api/v2/audit?limit=50")
            found = [r for r in page["data"] if r["route"].endswith("/shell")]
            return found if len(found) == 2 else None
        self.assertEqual([r["status"] for r in wait_until(ends, "both records are there")], [200, 101])
        self.kept()

    def test_refused(self):
        ask = ("/api/v2/jobs/%s/attempts/0/taskRoles/main/taskIndex/0/attempts/0/shell?ssh=" % self.full)
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
        for key in ("", "ssh-ed25519", "ssh-ed25519%20AAAA", "ssh-dss%20AAAA", "command=%22sh%22%20ssh-ed25519%20AAAA"):
            self.assertEqual(self.client.request("GET", ask + key, headers=upgrade).status, 400, key)
        self.drover("ssh-config", "none", status=3)
        self.assertEqual(self.drover("ssh-config").stdout, self.drover("ssh-config", self.full).stdout)
        self.kept()
        self.drover("ssh-config", "open", status=5)
        self.assertEqual(self.drover("ssh-config").stdout, b"")


class UnprivilegedSshTest(SshTest):
    UID = 12345


if __name__ == "__main__":
    unittest.main()
