#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The matrix: every route of the table of rights, called as every role over real HTTP, against what its cell says.

The table comes from `droverd rights`. Routes whose level depends on an object need a sample below; a new one without
a sample fails here, as a route without a level fails the build.
"""
import http.client
import json
import subprocess
import unittest

import droverlib
from droverlib import TIME_SCALE, binary, job_yaml, wait_until

PHRASE = "a-good-phrase-7"
#: Column of the table for each caller of the matrix.
ROLES = {"none": "none", "user": "user", "other": "other user", "vc-admin": "VC admin", "admin": "admin",
         "application": "application token", "expired": "none", "disabled": "none"}
#: Levels whose cells differ by what the caller is to the object.
BY_OBJECT = ("self", "own", "job-read", "job-change", "job-stop", "vc-manage")
#: Routes that end the login they are called with: each call gets a login of its own.
ENDS_LOGIN = ("DELETE /api/v2/authn/basic/logout", "DELETE /api/v2/session")
JOB = "/api/v2/jobs/{job}"
TASK = JOB + "/attempts/{attempt}/taskRoles/{role}/taskIndex/{index}/attempts"
#: Bodies for routes with an object: harmless where they are let through.
BODIES = {
    "PUT /api/v2/users/me": {"patch": True, "data": {"username": "ana", "email": "ana@example.org"}},
    "PUT /api/v2/users/{user}/password": {"newPassword": "x"},
    "PUT /api/v2/users/{user}/email": {"email": "ana@example.org"},
    "PUT /api/v2/users/{user}/extension": {"extension": {}},
    "DELETE /api/v2/tokens/{token}": None,
    "GET " + JOB: None,
    "DELETE " + JOB: None,  # refused, because the job runs
    "GET " + JOB + "/attempts/{attempt}": None,
    "GET " + JOB + "/code": None,
    "GET " + JOB + "/code/files": None,
    "GET " + JOB + "/config": None,
    "GET " + JOB + "/job-attempts": None,
    "GET " + JOB + "/job-attempts/{attempt}": None,
    "GET " + JOB + "/events": None,
    "GET " + JOB + "/explain": None,
    "GET " + JOB + "/metrics": None,
    "GET " + JOB + "/scalars": None,
    "GET " + JOB + "/profile": None,
    "POST " + JOB + "/apps/{app}": None,  # refused, because it has none
    "PUT " + JOB + "/executionType": {"value": "START"},  # revives nothing
    "PUT " + JOB + "/hold": None,  # refused, because the job runs
    "DELETE " + JOB + "/hold": None,
    "GET " + JOB + "/reservation": None,  # refused, because it has none
    "PUT " + JOB + "/snooze": {"minutes": 1, "reason": "why"},
    "PUT " + JOB + "/reservation": {"minutes": 1},  # refused, because it has none
    "DELETE " + JOB + "/reservation": None,
    "PUT " + JOB + "/tag": {"value": "t"},
    "DELETE " + JOB + "/tag": {"value": "t"},
    "GET " + TASK: None,
    "GET " + JOB + "/logs/search": None,  # a request without a pattern, refused after the rights
    "GET " + TASK + "/{taskAttempt}/logs": None,
    "GET " + TASK + "/{taskAttempt}/logs/{log}": None,
    "GET " + TASK + "/{taskAttempt}/files": None,
    "GET " + TASK + "/{taskAttempt}/files/content": None,  # a request without a path, refused after the rights
    "GET " + TASK + "/{taskAttempt}/shell": None,  # a request without an upgrade, refused after the rights
    "PUT /api/v2/virtual-clusters/{vc}": {"userCap": 0},
}
#: Values for {x} of a path; what is not here is a name that nothing has.
PARAMS = {"attempt": "0", "index": "0", "taskAttempt": "0", "role": "main", "log": "all"}


def table():
    """[(method and path, level, {column: cell})] of `droverd rights`."""
    text = subprocess.run([binary("droverd"), "rights"], check=True, timeout=30 * TIME_SCALE,
                          stdout=subprocess.PIPE).stdout.decode()
    rows, head = [], None
    for line in text.splitlines():
        fields = [f.strip() for f in line.strip("|").split("|")]
        if fields[0] == "route":
            head = fields
        elif head and line.startswith("| ") and len(fields) == len(head):
            rows.append((fields[0].replace("`", ""), fields[1], dict(zip(head[2:], fields[2:]))))
    return rows


class Rights(unittest.TestCase):
    def setUp(self):
        self.server = droverlib.Server()
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.admin = droverlib.Client(self.server).login()
        for vc, read in (("open", "open"), ("own", "own")):
            self.ok("PUT", "/virtual-clusters/" + vc, {"read": read, "cpus": 4})
        self.ok("POST", "/groups", {"groupname": "team", "extension": {"acls": {"virtualClusters": ["open", "own"]}}})
        self.ok("POST", "/groups", {"groupname": "heads", "extension": {"acls": {
            "managedVirtualClusters": ["open", "own"]}}})
        for user, group in (("ana", "team"), ("bo", "team"), ("vic", "heads"), ("exa", "team"), ("dis", "team")):
            self.ok("POST", "/users", {"username": user, "password": PHRASE, "grouplist": [group]})
        self.clients = {"none": droverlib.Client(self.server), "admin": self.admin}
        for role, user in (("user", "ana"), ("other", "bo"), ("vc-admin", "vic"), ("expired", "exa"),
                           ("disabled", "dis")):
            self.clients[role] = self.login(user)
        made = json.loads(self.clients["user"].request("POST", "/api/v2/tokens/application").body)
        self.clients["application"] = droverlib.Client(self.server, made["token"])
        self.ok("PUT", "/users", {"patch": True, "data": {"username": "exa", "expires": 1000}})
        self.ok("PUT", "/users", {"patch": True, "data": {"username": "dis", "disabled": True}})

    def login(self, user):
        if user == droverlib.ADMIN:
            return droverlib.Client(self.server).login()
        return droverlib.Client(self.server).login(user, PHRASE)

    def ok(self, method, path, body=None):
        reply = self.admin.request(method, "/api/v2" + path, body)
        self.assertIn(reply.status, (200, 201, 202), (method, path, reply.body))
        return json.loads(reply.body)

    def submit(self, role, name, vc):
        text = job_yaml(name, "sleep 600", extra="defaults:\n  virtualCluster: %s\n" % vc)
        reply = self.clients[role].request("POST", "/api/v2/jobs", text, "text/yaml")
        self.assertEqual(reply.status, 202, reply.body)
        return json.loads(reply.body)["name"]

    def status(self, client, method, path, body):
        """The status alone: live streams have no end to read to."""
        connection = http.client.HTTPConnection(*self.server.address, timeout=15 * TIME_SCALE)
        headers = {"Authorization": "Bearer " + client.token} if client.token else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(body)
        try:
            connection.request(method, path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    def path(self, route, values):
        """The route's path with something for each {x}."""
        parts = route.split(" ", 1)[1].split("/")
        return "/".join(values.get(p[1:-1], PARAMS.get(p[1:-1], "none-such")) if p.startswith("{") else p
                        for p in parts)

    def call(self, route, level, role, values):
        method = route.split(" ", 1)[0]
        client = self.clients[role]
        if level in BY_OBJECT:
            body = BODIES[route]  # a new route with an object needs its line there
        else:
            body = None if method == "GET" else {}
        if "{token}" in route:
            reply = self.clients["user"].request("POST", "/api/v2/tokens/application")
            values = dict(values, token=json.loads(reply.body)["id"])
        if route in ENDS_LOGIN and ROLES[role] != "none" and role != "application":
            client = self.login({"user": "ana", "other": "bo", "vc-admin": "vic", "admin": droverlib.ADMIN}[role])
        if route in ENDS_LOGIN and role == "application":
            made = json.loads(self.clients["user"].request("POST", "/api/v2/tokens/application").body)
            client = droverlib.Client(self.server, made["token"])
        return self.status(client, method, self.path(route, values), body)

    def test_every_cell(self):
        jobs = {vc: self.submit("user", "job-" + vc, vc) for vc in ("open", "own")}
        rows, wrong, cells = table(), [], 0
        self.assertGreater(len(rows), 60)
        for route, level, cell_of in rows:
            for vc in ("open", "own") if "{job}" in route else ("open",):
                values = {"job": jobs[vc], "vc": vc if level == "vc-manage" else "none-such"}
                if level in BY_OBJECT:
                    values["user"] = "ana"
                for role, column in ROLES.items():
                    cell = cell_of[column]
                    may = cell == "yes" or (cell == "policy" and vc == "open")
                    got = self.call(route, level, role, values)
                    cells += 1
                    refused = got == (401 if column == "none" else 403)
                    if (may and got in (401, 403, 429)) or (not may and not refused) or got == 500:
                        wrong.append("%s as %s in %s: %d, table says %s" % (route, role, vc, got, cell))
        self.assertEqual(wrong, [], "%d of %d cells are wrong:\n%s" % (len(wrong), cells, "\n".join(wrong)))
        print("%d routes, %d cells, 0 wrong" % (len(rows), cells))

    def test_lists_leave_out_what_is_not_to_be_read(self):
        for vc in ("open", "own"):
            self.submit("user", "job-" + vc, vc)

        def names(role):
            reply = self.clients[role].request("GET", "/api/v2/jobs?withTotalCount=true")
            listed = json.loads(reply.body)
            self.assertEqual(listed["totalCount"], len(listed["data"]))
            return sorted(j["name"] for j in listed["data"])
        self.assertEqual(names("other"), ["job-open"])
        for role in ("user", "vc-admin", "admin", "application"):
            self.assertEqual(names(role), ["job-open", "job-own"], role)
        # The policy counts from the next request on.
        self.ok("PUT", "/virtual-clusters/own", {"read": "open"})
        self.assertEqual(names("other"), ["job-open", "job-own"])

    def test_live_events_leave_out_the_same(self):
        def stream(role):
            connection = http.client.HTTPConnection(*self.server.address, timeout=15 * TIME_SCALE)
            self.addCleanup(connection.close)
            connection.request("GET", "/api/v2/stream",
                               headers={"Authorization": "Bearer " + self.clients[role].token})
            return connection.getresponse()

        def seen(reply, last):
            """Names of jobs in the events up to the first one of `last`."""
            names = []
            while last not in names:
                line = reply.readline()
                self.assertTrue(line, "the stream ended")
                if line.startswith(b"data: {"):
                    names.append(json.loads(line[6:])["name"])
            return set(names)
        other, head = stream("other"), stream("vc-admin")
        self.submit("user", "hidden", "own")
        self.submit("user", "shown", "open")
        self.assertEqual(seen(other, "shown"), {"shown"})
        self.assertEqual(seen(head, "shown"), {"hidden", "shown"})

    def test_a_vc_admin_stops_jobs_there_and_sets_caps_within_the_promise(self):
        there, elsewhere = self.submit("user", "there", "own"), self.submit("user", "elsewhere", "default")
        head = self.clients["vc-admin"]
        stop = {"value": "STOP"}
        self.assertEqual(head.request("PUT", "/api/v2/jobs/%s/executionType" % elsewhere, stop).status, 403)
        self.assertEqual(head.request("PUT", "/api/v2/jobs/%s/executionType" % there, stop).status, 202)
        wait_until(lambda: self.admin.job(there)["jobStatus"]["state"] == "STOPPED", "the job is stopped")
        # An ended job of another user is its VC admin's, too, but not to put away.
        self.assertEqual(head.request("PUT", "/api/v2/jobs/%s/executionType" % there, stop).status, 202)
        self.assertEqual(head.request("DELETE", "/api/v2/jobs/" + there).status, 403)
        for body, status in (({"userCap": 0}, 201), ({"userCap": 1}, 403), ({"cpus": 9}, 403), ({"read": "open"}, 403)):
            self.assertEqual(head.request("PUT", "/api/v2/virtual-clusters/own", body).status, status, body)
        self.assertEqual(head.request("PUT", "/api/v2/virtual-clusters/default", {"userCap": 0}).status, 403)
        # The role ends with the membership.
        self.ok("DELETE", "/users/vic/group", {"groupname": "heads"})
        self.assertEqual(head.request("PUT", "/api/v2/virtual-clusters/own", {"userCap": 0}).status, 403)


if __name__ == "__main__":
    unittest.main()
