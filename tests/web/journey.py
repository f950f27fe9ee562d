#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the browser journey against a real droverd on a folder of its own. DROVER_BIN names the binaries."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "system"))
import droverlib  # noqa: E402


def main():
    with droverlib.Server() as server:
        url = "http://%s:%d/" % server.address
        password = os.path.join(server.folder, "password")
        node = subprocess.run(["node", os.path.join(HERE, "journey.mjs"), url, droverlib.ADMIN, password], timeout=280)
        if node.returncode:
            sys.stderr.write("--- end of the server's log\n%s\n" % server.log_tail())
        return node.returncode


if __name__ == "__main__":
    sys.exit(main())
