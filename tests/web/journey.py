#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the browser tests that need a real droverd, on a folder of its own. DROVER_BIN names the binaries."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
import droverlib  # noqa: E402


def play(server, script):
    """Runs a script of this folder and does to the server what it asks for; its exit status."""
    url = "http://%s:%d/" % server.address
    command = ["node", os.path.join(HERE, script), url, droverlib.ADMIN, os.path.join(server.folder, "password")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as node:
        for line in node.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            if line == "!kill\n":
                server.kill()
            elif line == "!start\n":
                server.start(port=server.address[1])
    return node.returncode


def main():
    with droverlib.Server() as server:
        for script in ("journey.mjs", "account.mjs", "kept.mjs", "restart.mjs"):
            if play(server, script):
                sys.stderr.write("--- end of the server's log\n%s\n" % server.log_tail())
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
