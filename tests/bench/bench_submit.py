#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_submit.py: durable submissions a second over HTTP, against bare libmicrohttpd with a group commit of the same
rows (floor/submit_floor.c). The jobs wait: the only GPU is taken, so that nothing is launched. Target: half of the
floor at 64 connections."""
import contextlib
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


@contextlib.contextmanager
def product():
    """A new server whose only GPU is taken: (server, its admin). One for each run: it takes 200,000 live jobs and no
    more, and product and floor shall begin with a database of the same size."""
    with droverlib.Server({"gpus": 1}) as server:
        admin = droverlib.Client(server).login()
        for name, command in (("blocker", "sleep 3600"), ("template", "sleep 1")):
            admin.submit(JOB % (name, command))
        admin.wait("admin~blocker", ("RUNNING",))
        yield server, admin


def main():
    with benchlib.scratch() as folder, product() as (pattern, admin):
        script = os.path.join(folder, "post.lua")

        def write_script(token):
            with open(script, "w", encoding="ascii") as f:
                f.write(SCRIPT % (token, JOB % ("@NAME@", "sleep 1"), "bench"))

        def run_product(connections):
            with product() as (server, user):
                write_script(user.token)
                return benchlib.wrk(server.address, connections, script)

        def run_floor(connections):
            write_script(admin.token)
            with benchlib.floor("submit_floor", benchlib.copy_database(pattern.data, folder)) as base:
                return benchlib.wrk(base, connections, script)

        with benchlib.floor("submit_floor", benchlib.copy_database(pattern.data, folder)) as base:
            benchlib.check_floor(base, folder)
        return benchlib.compare("submit", run_product, run_floor, {64: 0.5})


if __name__ == "__main__":
    sys.exit(main())
