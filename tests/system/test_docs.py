# SPDX-License-Identifier: MIT
"""The commands in the docs: those of the README are run, and every ./dev command named anywhere exists."""
import glob
import os
import pty
import re
import select
import signal
import subprocess
import tempfile
import time
import unittest

import droverlib
from droverlib import BIN, ROOT, TIME_SCALE

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.M | re.S)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as f:
        return f.read()


def commands(block):
    """The lines of a block, without their comments."""
    return [line for line in (re.sub(r"\s+#.*", "", row) for row in block.splitlines()) if line.strip()]


def run_in_terminal(line, env, steps, timeout=20):
    """Runs a command in a pseudo-terminal, types the keys of each step once its text was shown; (exit status, what was
    shown). `steps` are pairs (text, keys)."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execvpe("/bin/sh", ["sh", "-c", line], dict(env, TERM="xterm-256color", LINES="24", COLUMNS="80"))
    shown, looked, steps, end = b"", 0, list(steps), time.monotonic() + timeout * TIME_SCALE
    while time.monotonic() < end:
        if select.select([fd], [], [], 0.1)[0]:
            try:
                shown += os.read(fd, 65536)
            except OSError:  # the terminal's other side is closed
                break
        if steps and steps[0][0] in shown[looked:]:
            os.write(fd, steps.pop(0)[1])
            looked = len(shown)
    else:
        os.kill(pid, signal.SIGKILL)
    os.close(fd)
    return os.waitpid(pid, 0)[1], shown


class DocsTest(unittest.TestCase):
    def setUp(self):
        self.blocks = BLOCK.findall(read("README.md"))
        self.assertEqual(len(self.blocks), 2)

    def test_first_job_of_the_readme(self):
        with droverlib.Server() as server:
            env = dict(os.environ, HOME=server.folder, XDG_CONFIG_HOME=os.path.join(server.folder, "config"),
                       PATH=BIN + ":" + os.environ["PATH"])
            login = ["drover", "login", "http://%s:%d" % server.address, "-u", droverlib.ADMIN,
                     "--password-file", os.path.join(server.folder, "password")]
            subprocess.run(login, env=env, check=True, timeout=30 * TIME_SCALE, stdout=subprocess.DEVNULL)
            for line in commands(self.blocks[0]):
                with self.subTest(line):
                    if line.split()[:2] == ["drover", "tui"]:
                        status, shown = run_in_terminal(line, env, [(b"overview", b":jobs\r"), (b"hello", b"q")])
                        self.assertEqual((status, b"hello" in shown), (0, True), shown[-2000:])
                        continue
                    done = subprocess.run(["bash", "-c", line], cwd=ROOT, env=env, stdin=subprocess.DEVNULL,
                                          capture_output=True, timeout=60 * TIME_SCALE)
                    self.assertEqual(done.returncode, 0, done.stderr[-2000:])
                    self.assertIn(b"hello" if " logs " not in line else b"Hello", done.stdout)

    def test_own_server_of_the_readme(self):
        lines = commands(self.blocks[1])
        with tempfile.TemporaryDirectory(prefix="drover-docs-") as folder:
            env = dict(os.environ, PATH=BIN + ":" + os.environ["PATH"])
            script = "\n".join(lines).replace("/var/lib/drover", folder + "/data").replace(":7780", ":0")
            self.assertIn("droverd serve", lines[-1])
            script = "set -e\n" + script.replace("droverd serve", "exec droverd serve")
            with subprocess.Popen(["bash", "-c", script], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
                first = server.stdout.readline()
                server.terminate()
                self.assertRegex(first, rb"^listening on http://127\.0\.0\.1:\d+$")
                self.assertEqual(server.wait(timeout=20 * TIME_SCALE), 0)
            # The spawner outlives the server; it must not write into the folder while that is removed.
            data = os.fsencode(folder + "/data")
            droverlib.end_all(lambda: [pid for pid, (_, cmdline, _) in droverlib.processes().items()
                                       if data in cmdline])

    def test_dev_commands_exist(self):
        known = set(re.findall(r"^cmd_([a-z]+)\(\)", read("dev"), re.M))
        texts = ["README.md", "CONTRIBUTING.md", "SECURITY.md"]
        texts += [os.path.relpath(p, ROOT) for p in glob.glob(os.path.join(ROOT, "docs", "*.md"))]
        for path in texts:
            for name in re.findall(r"\./dev ([a-z]+)\b", read(path)):
                self.assertIn(name, known, path)

    def test_links_lead_somewhere(self):
        for path in ["README.md", "CONTRIBUTING.md", "SECURITY.md"]:
            for target in re.findall(r"\]\(([^)#:]+)\)", read(path)):
                self.assertTrue(os.path.exists(os.path.join(ROOT, target)), "%s names %s" % (path, target))


if __name__ == "__main__":
    unittest.main()
