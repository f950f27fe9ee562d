# SPDX-License-Identifier: MIT
"""The contract with OpenPAI's REST API v2: contract/*.json names each of its 68 routes with its rights, its success, the
errors that its documents or code name, and cases that are played over real HTTP, in order. Each error is met by a case
with its status and code, or "otherwise" says what happens in its place (docs/COMPAT.md). "fields" are OpenPAI's names
and types; ours may be more, and droverlib holds every answer against the API's description as well.

Types: str int num bool obj any, state; with "?" also null; [T] a list of T; {"*": T} a map of T; {...} these members.
"""
import glob
import json
import os
import re
import unittest
import urllib.parse

import droverlib

ROUTES = 68
PASSWORD = "a long password"
STATES = ("WAITING", "RUNNING", "STOPPING", "STOPPED", "SUCCEEDED", "FAILED", "UNKNOWN")
GUEST = "Guest is not allowed to do this operation."
INVALID = "Your token is invalid."
NOT_ADMIN = "Non-admin is not allow to do this operation."
APPLICATION = "Applications are not allowed to do this operation."
JOB = """protocolVersion: 2
name: %s
type: job
secrets: {token: hush-hush}
prerequisites: [{type: dockerimage, name: image, uri: none}]
taskRoles: {main: {dockerImage: image, commands: ["%s"], resourcePerInstance: {cpu: 1, memoryMB: 64, gpu: 0}}}
"""
SIMPLE = {"str": str, "int": int, "num": (int, float), "bool": bool, "obj": dict}


def load():
    """All routes, in the order of the files' names."""
    rows = []
    for path in sorted(glob.glob(os.path.join(os.path.dirname(os.path.abspath(__file__)), "contract", "*.json"))):
        with open(path, encoding="utf-8") as f:
            rows += json.load(f)
    return rows


def wrong(value, wanted, at=""):
    """What is not as the contract says, as a text; None when all is well."""
    if isinstance(wanted, list):
        if not isinstance(value, list):
            return "%s is no list" % at
        if not wanted:
            return "%s is not empty" % at if value else None
        return next(filter(None, (wrong(v, wanted[0], "%s/%d" % (at, i)) for i, v in enumerate(value))), None)
    if isinstance(wanted, dict):
        if not isinstance(value, dict):
            return "%s is no object" % at
        if "*" in wanted:
            return next(filter(None, (wrong(v, wanted["*"], "%s/%s" % (at, k)) for k, v in value.items())), None)
        missing = [k for k in wanted if k not in value]
        if missing:
            return "%s lacks %s" % (at, ", ".join(missing))
        return next(filter(None, (wrong(value[k], w, "%s/%s" % (at, k)) for k, w in wanted.items())), None)
    if wanted.endswith("?"):
        if value is None:
            return None
        wanted = wanted[:-1]
    if wanted == "any":
        return None
    if wanted == "state":
        return None if value in STATES else "%s is no state: %r" % (at, value)
    fits = isinstance(value, SIMPLE[wanted]) and (wanted in ("bool", "str", "obj") or not isinstance(value, bool))
    return None if fits else "%s is no %s: %r" % (at, wanted, value)


class Contract(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = droverlib.Server()
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        admin = droverlib.Client(cls.server).login()
        folder = os.path.join(cls.server.folder, "data-folder")
        os.mkdir(folder)
        admin.json("PUT", "/api/v2/storages/data", {"kind": "local", "data": {"path": folder}}, (201,))
        admin.json("PUT", "/api/v2/virtual-clusters/lab", {"description": "nobody's"}, (201,))
        admin.json("POST", "/api/v2/groups", {"groupname": "team", "extension": {"acls": {"storageConfigs": ["data"]}}},
                   (201,))
        cls.clients = {"admin": admin, "nobody": droverlib.Client(cls.server), "bad": droverlib.Client(cls.server, "x.y.z")}
        for user in ("ann", "bob"):
            admin.json("POST", "/api/v2/users", {"username": user, "password": PASSWORD}, (201,))
            cls.clients[user] = droverlib.Client(cls.server).login(user, PASSWORD)
        admin.json("PUT", "/api/v2/users/ann/group", {"groupname": "team"}, (201,))
        ann = cls.clients["ann"]
        cls.clients["temporary"] = droverlib.Client(cls.server).login("ann", PASSWORD)
        cls.clients["application"] = droverlib.Client(
            cls.server, ann.json("POST", "/api/v2/tokens/application")["token"])
        ann.submit(JOB % ("done", "echo it is done"))
        ann.submit(JOB % ("live", "sleep 300"))
        ann.wait("ann~done", ("SUCCEEDED",))
        ann.wait("ann~live", ("RUNNING",))
        cls.saved = {"password": PASSWORD}

    def fill(self, value):
        """{name} is a saved value, {job:NAME} the config of a job."""
        if isinstance(value, dict):
            return {k: self.fill(v) for k, v in value.items()}
        if not isinstance(value, str):
            return value
        value = re.sub(r"\{job:([\w-]+)\}", lambda m: JOB % (m.group(1), "true"), value)
        return re.sub(r"\{(\w+)\}", lambda m: self.saved.get(m.group(1), m.group(0)), value)

    def send(self, who, method, path, case):
        body, media = None, "application/json"
        if "json" in case:
            body = json.dumps(self.fill(case["json"]))
        elif "form" in case:
            body, media = urllib.parse.urlencode(self.fill(case["form"])), "application/x-www-form-urlencoded"
        elif "yaml" in case:
            body, media = self.fill(case["yaml"]), "text/yaml"
        path = self.fill(path)
        if not path.startswith(("/rest-server", "/api/")):
            path = "/api/v2" + path
        return self.clients[who].request(method, path, body, media, case.get("headers"))

    def refused(self, reply, status, code, message=None):
        self.assertEqual(reply.status, status, reply.body)
        body = json.loads(reply.body)
        self.assertEqual(body["code"], code, body)
        self.assertTrue(body["message"])
        if message:
            self.assertEqual(body["message"], message)

    def play(self, row, case):
        method, path = row["route"].split(" ")
        reply = self.send(case["as"], case.get("method", method), case.get("path", path), case)
        if "code" in case:
            self.refused(reply, case["status"], case["code"])
            return
        self.assertEqual(reply.status, case["status"], reply.body[:2000])
        media = case.get("media", "text/plain" if "text" in case else "application/json")
        self.assertTrue(reply.headers["content-type"].startswith(media), reply.headers)
        text = reply.body.decode()
        self.assertEqual(case.get("text", text), text)
        self.assertIn(case.get("contains", ""), text)
        if "lacks" in case:
            self.assertNotIn(case["lacks"], text)
        if "fields" in case:
            self.assertIsNone(wrong(json.loads(text), case["fields"]), text[:2000])
        for name, member in case.get("save", {}).items():
            self.saved[name] = json.loads(text)[member]

    def gates(self, row):
        """The refusals that come from the route's level of rights, with OpenPAI's messages to the letter."""
        method, path = row["route"].split(" ")
        path = (row["cases"][0].get("path", path) if row["cases"] else path)
        path = re.sub(r"\{\w+\}", "x", path).replace("/*", "/x")
        case = {"json": {}} if method in ("POST", "PUT") else {"headers": {"Content-Type": "application/json"}}
        if row["auth"] == "none":
            return
        self.refused(self.send("nobody", method, path, case), 401, "UnauthorizedUserError", GUEST)
        self.refused(self.send("bad", method, path, case), 401, "UnauthorizedUserError", INVALID)
        if row["auth"] == "no-api":
            self.refused(self.send("admin", method, path, case), 404, "NoApiError")
        if row["auth"] == "admin":
            self.refused(self.send("ann", method, path, case), 403, "ForbiddenUserError", NOT_ADMIN)
        if row["auth"] == "manager":  # an admin, or ours: a VC admin; the message names the virtual cluster
            self.refused(self.send("ann", method, path, case), 403, "ForbiddenUserError")
        if row["auth"] in ("admin", "manager", "not-application"):
            self.refused(self.send("application", method, path, case), 403, "ForbiddenUserError", APPLICATION)

    def complete(self, row):
        """Each success and error of OpenPAI's is met by a case, or "otherwise" says why not."""
        met = {(c["status"], c.get("code")) for c in row["cases"]}
        otherwise = row.get("otherwise", {})
        if (row["success"], None) not in met:
            self.assertIn(str(row["success"]), otherwise)
        for status, code in row["errors"]:
            if (status, code) not in met:
                self.assertIn("%d %s" % (status, code), otherwise)
            else:
                self.assertNotIn("%d %s" % (status, code), otherwise)

    def test_every_route(self):
        rows = load()
        self.assertEqual(len({row["route"] for row in rows}), ROUTES)
        self.assertEqual(len(rows), ROUTES)
        cases = 0
        for row in rows:
            with self.subTest(row["route"]):
                self.complete(row)
                self.gates(row)
            for case in row["cases"]:
                with self.subTest(row["route"], case=case):
                    self.play(row, case)
                    cases += 1
        print("%d routes, %d cases" % (len(rows), cases))


if __name__ == "__main__":
    unittest.main()
