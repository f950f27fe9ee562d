#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs apps.mjs against a real droverd with a job's web app, which is served on an origin of its own and then on the portal's.
DROVER_BIN names the binaries."""
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SYSTEM = os.path.join(HERE, "..", "system")
sys.path.insert(0, SYSTEM)
import droverlib  # noqa: E402


def play(mode, config):
    with droverlib.Server(config) as server:
        client = droverlib.Client(server).login()
        app = shutil.copy(os.path.join(SYSTEM, "webapp.py"), server.folder)  # a clone below /tmp is not the task's /tmp
        command = "exec %s -B %s $PAI_CONTAINER_HOST_http_PORT_LIST" % (sys.executable, app)
        client.submit(droverlib.job_yaml("shown", command, extra="extras: {drover: {apps: [{name: web}]}}\n"))
        url = "http://%s:%d/" % server.address
        done = subprocess.run(["node", os.path.join(HERE, "apps.mjs"), url, droverlib.ADMIN,
                               os.path.join(server.folder, "password"), mode], check=False)
        if done.returncode:
            sys.stderr.write("--- end of the server's log\n%s\n" % server.log_tail())
        return done.returncode


def main():
    return play("apart", {"apps": {"listen": "127.0.0.1:0"}}) or play("sandboxed", {})


if __name__ == "__main__":
    sys.exit(main())
