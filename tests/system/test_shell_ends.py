# SPDX-License-Identifier: MIT
"""A shell in a pane of tmux follows its size; when the server restarts or is silent, its user is told within seconds, by
drover and by ssh alike, and has the terminal back as it was."""
import os
import shutil
import signal
import subprocess
import tempfile
import unittest

import droverlib
from droverlib import PATIENCE, wait_until
from test_shell import ShellCase
from test_ssh import HOST, SshCase


def silence(case):
    """Stops the server in its tracks, as if its machine were gone: connections stay, and nothing comes."""
    pid = case.server.pid
    os.kill(pid, signal.SIGSTOP)
    return pid


class TmuxTest(ShellCase):
    def setUp(self):
        super().setUp()
        self.drover("whoami")
        folder = tempfile.mkdtemp(prefix="drover-tmux-")
        self.addCleanup(shutil.rmtree, folder)
        self.tmux_env = dict(self.environment(), TMUX_TMPDIR=folder, TERM="screen-256color")
        self.addCleanup(self.tmux, "kill-server", check=False)
        self.before = len(self.inside())
        script = ("stty -g >%s; %s shell open; echo \"ended with $?\"; stty -g >%s; exec cat"
                  % (self.path("before"), droverlib.binary("drover"), self.path("after")))
        self.tmux("new-session", "-d", "-s", "t", "-x", "100", "-y", "30", script)

    def tmux(self, *args, check=True):
        return subprocess.run(["tmux", "-f", "/dev/null", *args], env=self.tmux_env, capture_output=True, text=True,
                              timeout=30 * PATIENCE, check=check).stdout

    def see(self, *words):
        """The pane's text once all the words are in it."""
        def look():
            seen = self.tmux("capture-pane", "-p", "-J", "-t", "t:0.0")
            return seen if all(w in seen for w in words) else ""
        return wait_until(look, "the pane shows %r" % (words,), 60)

    def type(self, line):
        self.tmux("send-keys", "-t", "t:0.0", "-l", line)
        self.tmux("send-keys", "-t", "t:0.0", "Enter")

    def size(self):
        """Rows and columns of the pane, once the shell says them, too."""
        want = self.tmux("display-message", "-p", "-t", "t:0.0", "#{pane_height} #{pane_width}").strip()
        self.type("until [ \"$(stty size)\" = '%s' ]; do sleep 0.05; done; echo \"is <$(stty size)>\"" % want)
        self.see("is <%s>" % want)
        return want

    def given_back(self):
        """The terminal is as it was before."""
        self.see("ended with 6")
        wait_until(lambda: os.path.exists(self.path("after")) and os.path.getsize(self.path("after")), "stty has spoken")
        with open(self.path("before"), encoding="ascii") as b, open(self.path("after"), encoding="ascii") as a:
            self.assertEqual(a.read(), b.read())
        self.type("typed")
        self.see("typed\ntyped\n")  # once by the terminal's echo, once by cat

    def test_resize(self):
        sizes = [self.size()]
        self.tmux("split-window", "-d", "-v", "-l", "12", "-t", "t:0.0", "cat")
        sizes.append(self.size())
        self.tmux("split-window", "-d", "-h", "-l", "40", "-t", "t:0.0", "cat")
        sizes.append(self.size())
        self.tmux("resize-pane", "-t", "t:0.0", "-x", "45", "-y", "9")
        sizes.append(self.size())
        self.assertEqual(sizes[3], "9 45")
        self.assertEqual(len(set(sizes)), 4, sizes)
        self.type("exit 6")
        self.given_back()
        self.kept()

    def test_server_restarts(self):
        self.type("echo up-$((40+2)); printf 'in the middle'; exec sleep 1000")
        self.see("up-42", "in the middle")
        self.server.kill()
        self.see("\ndrover: The connection to the server was lost")
        self.given_back()
        self.gone_to(self.before)
        self.server.start()
        self.client = droverlib.Client(self.server).login()
        self.kept()

    def test_server_is_silent(self):
        self.type("echo up-$((40+2)); exec sleep 1000")
        self.see("up-42")
        pid = silence(self)
        self.type("typed into nothing")
        self.see("\ndrover: The server was not heard of for 15 s")
        self.given_back()
        os.kill(pid, signal.SIGCONT)
        self.gone_to(self.before)
        self.kept()


class SshEndTest(SshCase):
    def goes(self, how, said):
        before = len(self.inside())
        p = self.begin("ssh", "-tt", HOST, "echo ready; exec sleep 1000")
        self.assertEqual(p.stdout.readline(), b"ready\r\n")
        result = how()
        err = p.communicate(timeout=60 * PATIENCE)[1]
        self.assertEqual(p.returncode, 255, err)
        self.assertIn(said, err)
        return before, result

    def test_server_restarts(self):
        before, _ = self.goes(self.server.kill, b"drover: The connection to the server was lost")
        wait_until(lambda: len(self.inside()) <= before, "its processes end", 20)
        self.server.start()
        self.client = droverlib.Client(self.server).login()
        self.kept()

    def test_server_is_silent(self):
        before, pid = self.goes(lambda: silence(self), b"drover: The server was not heard of for 15 s")
        os.kill(pid, signal.SIGCONT)
        wait_until(lambda: len(self.inside()) <= before, "its processes end", 20)
        self.kept()


if __name__ == "__main__":
    unittest.main()
