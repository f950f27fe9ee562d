# SPDX-License-Identifier: MIT
"""Team storages: who may see and mount them, by group; and what is refused at submission."""
import json
import os
import unittest

import droverlib

JOB = """protocolVersion: 2
name: %s
type: job
prerequisites: [{type: dockerimage, name: image, uri: none}]
taskRoles: {main: {dockerImage: image, commands: [%s], resourcePerInstance: {cpu: 1, memoryMB: 64, gpu: 0}}}
extras: {storages: %s}
"""


class Storages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = droverlib.Server()
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.admin = droverlib.Client(cls.server).login()
        cls.folders = {}
        for name in ("team", "extra"):
            cls.folders[name] = os.path.join(cls.server.folder, name)
            os.mkdir(cls.folders[name])
            os.chmod(cls.folders[name], 0o777)
            cls.put(name, {"kind": "local", "data": {"path": cls.folders[name]}})
        cls.put("far", {"kind": "s3", "data": {"endpoint": "s3.example", "bucket": "b"}})
        cls.admin.json("POST", "/api/v2/groups", {
            "groupname": "team", "description": "", "externalName": "",
            "extension": {"acls": {"storageConfigs": ["team", "extra", "far"]}}}, (201,))
        cls.users = {}
        for user in ("ann", "bob", "cyd"):
            cls.admin.json("POST", "/api/v2/users", {"username": user, "password": "a long password"}, (201,))
            cls.users[user] = droverlib.Client(cls.server).login(user, "a long password")
        cls.admin.json("PUT", "/api/v2/users/ann/group", {"groupname": "team"}, (201,))

    @classmethod
    def put(cls, name, body, expect=201):
        return cls.admin.json("PUT", "/api/v2/storages/" + name, body, (expect,))

    def call(self, user, method, path, status=200, body=None, content_type="application/json"):
        client = self.admin if user == "admin" else self.users[user]
        reply = client.request(method, "/api/v2" + path, body, content_type)
        self.assertEqual(reply.status, status, reply.body)
        return json.loads(reply.body)

    def submit(self, user, name, storages, status=202, command="'true'"):
        return self.call(user, "POST", "/jobs", status, JOB % (name, command, json.dumps(storages)), "text/yaml")

    def names(self, user, query=""):
        return [s["name"] for s in self.call(user, "GET", "/storages" + query)["storages"]]

    def test_groups_say_who_sees_what(self):
        self.assertEqual(self.names("ann"), ["extra", "far", "team"])
        self.assertEqual(self.names("ann", "?default=true"), ["team"])
        self.assertEqual(self.names("bob"), [])
        self.assertLessEqual({"extra", "far", "team"}, set(self.names("admin")))
        self.assertEqual(self.call("ann", "GET", "/storages/team")["data"], {"path": self.folders["team"]})
        self.assertEqual(self.call("bob", "GET", "/storages/team", 403)["code"], "ForbiddenUserError")
        self.assertEqual(self.call("ann", "GET", "/storages/none", 404)["code"], "NoStorageError")
        self.assertEqual([c["name"] for c in self.call("ann", "GET", "/storage/config")], ["extra", "far", "team"])
        self.assertEqual(self.call("ann", "GET", "/storage/server/far")["data"]["bucket"], "b")
        self.call("bob", "GET", "/storage/config/team", 403)

    def test_submission_asks_who_may(self):
        wish = [{"name": "team", "mountPath": "/mnt/t"}]
        self.assertEqual(self.submit("bob", "stranger", wish, 403)["code"], "ForbiddenUserError")
        self.assertEqual(self.submit("ann", "unknown", [{"name": "none"}], 404)["code"], "NoStorageError")
        self.assertIn("not mounted", self.submit("ann", "far", [{"name": "far"}], 400)["message"])
        self.submit("bob", "far", [{"name": "far"}], 403)
        for path in ("relative", "/", "/mnt/../etc", "/etc/x", "/mnt", "/mnt//x", "/usr"):
            self.assertEqual(self.submit("ann", "bad", [{"name": "team", "mountPath": path}], 400)["code"],
                             "InvalidProtocolError")
        self.submit("ann", "twice", [{"name": "team", "mountPath": "/a"}, {"name": "extra", "mountPath": "/a"}], 400)
        self.submit("bob", "no-defaults", [])

    def run_job(self, user, name, storages, command):
        self.submit(user, name, storages, command="'%s'" % command)
        return self.users[user].wait("%s~%s" % (user, name))

    def test_a_second_job_reads_what_the_first_wrote_at_the_mount_path(self):
        wish = [{"name": "team", "mountPath": "/mnt/shared"}]
        first = self.run_job("ann", "writes", wish, "echo of the team > /mnt/shared/note")
        node = self.admin.json("GET", "/api/v2/nodes")[0]
        if "namespaces" not in node["isolation"]:  # nothing can be shown at another path: refused, and said so
            self.assertEqual(first["jobStatus"]["state"], "FAILED")
            return
        self.assertEqual(first["jobStatus"]["state"], "SUCCEEDED", first["jobStatus"])
        with open(os.path.join(self.folders["team"], "note"), encoding="utf-8") as f:
            self.assertEqual(f.read(), "of the team\n")
        self.assertFalse(os.path.exists("/mnt/shared/note"), "the mount is the task's alone")
        self.run_job("ann", "reads", wish, "cat /mnt/shared/note")
        self.assertIn(b"of the team", self.users["ann"].log("ann~reads"))
        # an empty list: the defaults at their usual paths
        self.run_job("ann", "reads-default", [], "cat /mnt/team/note")
        self.assertIn(b"of the team", self.users["ann"].log("ann~reads-default"))

    def test_a_storage_may_be_read_only(self):
        self.put("fixed", {"kind": "local", "data": {"path": self.folders["extra"]}, "readOnly": True})
        self.admin.json("POST", "/api/v2/groups", {"groupname": "readers",
                                                   "extension": {"acls": {"storageConfigs": ["fixed"]}}}, (201,))
        self.admin.json("PUT", "/api/v2/users/cyd/group", {"groupname": "readers"}, (201,))
        job = self.run_job("cyd", "tries", [{"name": "fixed"}], "touch /mnt/fixed/x")
        self.assertEqual(job["jobStatus"]["state"], "FAILED")
        self.assertEqual(os.listdir(self.folders["extra"]), [])

    def test_only_admins_change_them(self):
        body = {"kind": "nfs", "data": {"server": "nas", "path": "/export"}, "hostPath": "/srv/nas", "readOnly": True}
        self.call("ann", "PUT", "/storages/nas", 403, body)
        self.put("nas", body)
        shown = self.call("admin", "GET", "/storages/nas")
        self.assertEqual((shown["type"], shown["kind"], shown["readOnly"], shown["mounted"]),
                         ("nfs", "nfs", True, True))
        for bad in ({"kind": "ftp", "data": {}}, {"kind": "nfs", "data": {"server": "x"}}, {"kind": "nfs"},
                    {"kind": "local", "data": {"path": "/a/../b"}}, {"kind": "local", "data": {"path": "/"}},
                    {"kind": "local", "data": {"path": "/a"}, "hostPath": "/b"},
                    {"kind": "nfs", "data": {"server": "x", "path": "/y", "password": "z"}}, dict(body, more=1)):
            self.put("bad", bad, 400)
        self.put("a%20b", body, 400)
        self.call("ann", "DELETE", "/storages/nas", 403)
        self.call("admin", "DELETE", "/storages/nas")
        self.call("admin", "DELETE", "/storages/nas", 404)
        self.call("admin", "GET", "/storages/nas", 404)


if __name__ == "__main__":
    unittest.main()
