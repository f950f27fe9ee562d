#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs curves.mjs and loss.mjs against a real droverd whose GPUs are those of the stand-in for NVIDIA's library (tests/nvml), and lets
them be as busy as a script asks for. DROVER_BIN names the binaries."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
import droverlib  # noqa: E402
import gpus  # noqa: E402


def scenario(busy, idle):
    """Two GPUs of 80 GiB, the first as busy as that."""
    return ["count 2", "gpu 0 memory 81920 %d" % (busy * 512), "gpu 1 memory 81920 1024", "gpu 0 util %d 9" % busy,
            "gpu 1 util %d 0" % idle, "gpu 0 energy 5500", "gpu 1 energy 100"]


def play(server, script):
    """Runs a script of this folder; its exit status."""
    url = "http://%s:%d/" % server.address
    command = ["node", os.path.join(HERE, script), url, droverlib.ADMIN, os.path.join(server.folder, "password"), *sys.argv[1:]]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as node:
        for line in node.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            if line.startswith("!busy "):
                server.play(*scenario(*(int(number) for number in line.split()[1:])))
    return node.returncode


def main():
    with gpus.Server(scenario(93, 17)) as server:
        for script in ("curves.mjs", "loss.mjs"):
            if play(server, script):
                sys.stderr.write("--- end of the server's log\n%s\n" % server.log_tail())
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
