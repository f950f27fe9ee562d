#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_submit.py: durable submissions a second over HTTP, against bare libmicrohttpd with a group commit of the same
rows (floor/submit_floor.c). The jobs wait: the only GPU is taken, so that nothing is launched. Target: half of the
floor at 64 connections."""
import os
import sys

import benchlib
import droverlib

JOB = """protocolVersion: 2
name: %s
type: job
prerequisites:
  - protocolVersion: 2
    name: i
    type: dockerimage
    uri: bench
taskRoles:
  main:
    instances: 1
    dockerImage: i
    resourcePerInstance:
      gpu: 1
      cpu: 1
      memoryMB: 64
    commands:
      - %s
"""
SCRIPT = """local n = 0
local head = {["Content-Type"] = "text/yaml", ["Authorization"] = "Bearer %s"}
local body = [==[%s]==]
function request()
  n = n + 1
  return wrk.format("POST", "/api/v2/jobs", head, (body:gsub("@NAME@", "%s-" .. n)))
end
"""


def main():
    with benchlib.scratch() as folder, droverlib.Server({"gpus": 1}) as server:
        admin = droverlib.Client(server).login()
        runs = [0]

        def script():
            runs[0] += 1
            path = os.path.join(folder, "post.lua")
            with open(path, "w", encoding="ascii") as f:
                f.write(SCRIPT % (admin.token, JOB % ("@NAME@", "sleep 1"), "b%d" % runs[0]))
            return path

        for name, command in (("blocker", "sleep 3600"), ("template", "sleep 1")):
            admin.submit(JOB % (name, command))
        admin.wait("admin~blocker", ("RUNNING",))
        with benchlib.floor("submit_floor", benchlib.copy_database(server.data, folder)) as base:
            benchlib.check_floor(base, folder)
            return benchlib.compare("submit", lambda c: benchlib.wrk(server.address, c, script()),
                                    lambda c: benchlib.wrk(base, c, script()), {64: 0.5})


if __name__ == "__main__":
    sys.exit(main())
