#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Mass assignment: every write of the API's description, with a body that is good, and in it a member that nobody asked
for - a right, a state, an id, an owner - at each level whose members the description lists. Each is refused, and for
that member. A new route with a body is tried without being named here (samples.py)."""
import json
import re
import unittest

import attacks
import droverlib
import samples
from attacks import attack
from samples import API

#: What somebody might hope for.
HOPES = {"admin": True, "isAdmin": True, "role": "admin", "id": "x", "owner": "ann", "user": "ann", "state": "RUNNING",
         "createdTime": 1, "password_hash": "x", "tokenVersion": 0, "quota": 1000, "virtualClusters": ["default"],
         "__proto__": {"admin": True}, "constructor": {}, "Admin": True, "username ": "ann", "$ref": "#"}
#: Refused for another reason even when the member is let through.
OTHERWISE = {"PUT /virtual-clusters/{vc}/status": "default is not stopped", "POST /maintenance": "it is over",
             "PUT /maintenance/{maintenance}": "there is none"}


def levels(schema, body, at=()):
    """Paths of the objects in the body whose members the description lists."""
    schema = samples.resolve(schema)
    if not isinstance(body, dict) or "properties" not in schema:
        return
    if schema.get("additionalProperties") is not True:
        yield at, set(schema["properties"])
    for key, value in body.items():
        if key in schema["properties"]:
            yield from levels(schema["properties"][key], value, at + (key,))


def with_member(body, at, key, value):
    body = json.loads(json.dumps(body))
    inner = body
    for step in at:
        inner = inner[step]
    inner[key] = value
    return body


class Fields(attacks.Corpus, unittest.TestCase):
    def attacks(self):
        found = []
        for route, operation in samples.operations():
            schema = samples.json_schema(operation)
            if not schema or route == "POST /jobs":  # a job is YAML, which JSON is, too
                continue
            body = samples.body(route, operation)
            for at, known in levels(schema, body):
                for hope, value in HOPES.items():
                    if hope not in known:
                        found.append(attack(re.sub(r"^/([a-z-]+).*", r"\1", route.split(" ")[1]),
                                            "%s %s%s" % (route, "".join(a + "." for a in at), hope),
                                            (route, with_member(body, at, hope, value), hope), OTHERWISE.get(route)))
        for key in ("owner", "state", "id", "token_version", "password_hash"):
            found.append(attack("jobs", "a job's %s" % key, ("yaml", droverlib.job_yaml("x", "exit 0", extra=key + ": x\n"), key),
                                "the job's schema"))
            found.append(attack("users", "a table's %s" % key, ("csv", "username,email,%s\nnew,,1\n" % key, key),
                                "the table's columns"))
        return found

    def prepare(self, server):
        self.client = droverlib.Client(server).login()
        self.client.described = False
        self.params = samples.prepare(self.client)
        self.server = server
        invited = self.client.request("POST", API + "/users/import?invite=sheet", "username\ninvited\n", "text/csv")
        self.secret = json.loads(invited.body)["users"][0]["invitation"].rsplit("/", 1)[1]

    def send(self, a):
        route, body, _ = a.what
        if route == "yaml":
            return self.client.request("POST", API + "/jobs", body, "text/yaml")
        if route == "csv":
            return self.client.request("POST", API + "/users/import", body, "text/csv")
        method, path = route.split(" ")
        if route == "POST /invitation":
            body = dict(body, invitation=self.secret)  # which is good, until it is taken
        return self.client.request(method, API + samples.fill(path, self.params), body)

    def through(self, a):
        reply = self.send(a)
        if self.server.program == "droverd":
            # Refused for this member and nothing else.
            self.assertIn(reply.status, (400, 422), "%s: %s" % (a.name, reply.body[:300]))
            self.assertIn(a.what[2].strip().encode(), reply.body.replace(b"~1", b"/"), a.name)
            self.assertRegex(reply.body, b"[Uu]nknown|is no column", a.name)
        return reply.status // 100 == 2


if __name__ == "__main__":
    unittest.main()
