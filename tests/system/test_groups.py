#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Groups over REST: OpenPAI's routes and shapes, what they grant, and what happens to the rights of members."""
import json
import os
import sqlite3
import unittest

import droverlib

PHRASE = "a-good-phrase-7"


class Groups(unittest.TestCase):
    def setUp(self):
        self.server = droverlib.Server()
        self.addCleanup(self.server.clean_up)
        self.server.init()
        # Virtual clusters beside "default"; the API that makes them has tests of its own.
        db = sqlite3.connect(os.path.join(self.server.data, "drover.db"))
        with db:
            db.execute("INSERT INTO virtual_cluster(name, created_ms) VALUES ('gpu', 1), ('cpu', 1)")
        db.close()
        self.server.start()
        self.admin = droverlib.Client(self.server).login()
        self.ok("POST", "/users", {"username": "ana", "password": PHRASE})

    def call(self, client, method, path, body=None):
        """(status, JSON) of a call."""
        reply = client.request(method, "/api/v2" + path, body)
        return reply.status, json.loads(reply.body)

    def ok(self, method, path, body=None, status=201):
        got, reply = self.call(self.admin, method, path, body)
        self.assertEqual(got, status, reply)
        return reply

    def group(self, name, **acls):
        self.ok("POST", "/groups", {"groupname": name, "extension": {"acls": acls}})

    def user(self, name="ana"):
        return self.ok("GET", "/users/" + name, status=200)

    def test_the_shape_is_openpais(self):
        self.ok("POST", "/groups", {"groupname": "team", "description": "d", "externalName": "x", "extension": {
            "note": {"a": [1]}, "acls": {"admin": False, "virtualClusters": ["gpu"], "storageConfigs": ["b", "a"]}}})
        group = {"groupname": "team", "description": "d", "externalName": "x", "extension": {
            "note": {"a": [1]}, "acls": {"admin": False, "virtualClusters": ["gpu"], "managedVirtualClusters": [],
                                         "storageConfigs": ["b", "a"]}}}
        self.assertEqual(self.ok("GET", "/groups/team", status=200), group)
        self.assertEqual(self.ok("GET", "/group/team", status=200), group)
        listed = self.ok("GET", "/group", status=200)
        self.assertEqual([g["groupname"] for g in listed], ["admingroup", "default", "team"])
        self.assertEqual(listed[2], group)
        self.assertEqual(self.ok("GET", "/user/ana", status=200), self.user())

    def test_members_get_what_is_granted_and_lose_it(self):
        self.group("team", virtualClusters=["gpu"], managedVirtualClusters=["cpu"], storageConfigs=["s2", "s1"])
        self.ok("PUT", "/users/ana/group", {"groupname": "team"})
        ana = self.user()
        self.assertEqual(ana["grouplist"], ["default", "team"])
        self.assertEqual(ana["virtualCluster"], ["default", "cpu", "gpu"])
        self.assertEqual(ana["managedVirtualCluster"], ["cpu"])
        self.assertEqual(ana["storageConfig"], ["s2", "s1"])
        self.assertEqual([u for u in self.ok("GET", "/users", status=200) if u["username"] == "ana"], [ana])
        self.assertEqual(self.ok("GET", "/groups/team/userlist", status=200),
                         [{"username": "ana", "clusterAdmin": False}])
        self.ok("DELETE", "/users/ana/group", {"groupname": "team"})
        self.assertEqual(self.user()["virtualCluster"], ["default"])
        self.ok("PUT", "/users/ana/grouplist", {"grouplist": ["team"]})
        self.ok("DELETE", "/groups/team", status=200)
        self.assertEqual(self.user()["grouplist"], ["default"])

    def test_a_job_needs_the_right_to_its_virtual_cluster(self):
        ana = droverlib.Client(self.server).login("ana", PHRASE)

        def submit(name, vc):
            text = droverlib.job_yaml(name, "/bin/true", extra="defaults:\n  virtualCluster: %s\n" % vc)
            reply = ana.request("POST", "/api/v2/jobs", text, "text/yaml")
            return reply.status, json.loads(reply.body)
        self.assertEqual(submit("one", "default")[0], 202)
        status, reply = submit("two", "gpu")
        self.assertEqual((status, reply["code"]), (403, "ForbiddenUserError"))
        self.assertEqual(reply["message"], "User ana is not allowed to do operation in gpu")
        status, reply = submit("two", "none")
        self.assertEqual((status, reply["code"]), (400, "NoVirtualClusterError"))
        self.ok("PUT", "/users/ana/virtualcluster", {"virtualCluster": ["gpu"]})
        self.assertNotEqual(submit("two", "gpu")[0], 403)
        self.ok("PUT", "/users/ana/virtualcluster", {"virtualCluster": []})
        self.assertEqual(submit("three", "gpu")[0], 403)

    def test_a_group_makes_admins_and_unmakes_them_at_once(self):
        self.group("ops", admin=True)
        ana = droverlib.Client(self.server).login("ana", PHRASE)
        new = {"username": "bo", "password": PHRASE}
        self.assertEqual(self.call(ana, "POST", "/users", new)[0], 403)
        self.ok("PUT", "/users/ana/group", {"groupname": "ops"})
        self.assertTrue(self.user()["admin"])
        self.assertEqual(self.call(ana, "POST", "/users", new)[0], 201)
        self.ok("PUT", "/groups/ops/extension/acls/admin", {"data": False})
        self.assertEqual(self.call(ana, "POST", "/users", new)[0], 403)
        for method, path, body in (
                ("PUT", "/users/%s/grouplist" % droverlib.ADMIN, {"grouplist": []}),
                ("PUT", "/users/%s/virtualcluster" % droverlib.ADMIN, {"virtualCluster": []}),
                ("DELETE", "/groups/admingroup", None)):
            self.assertEqual(self.call(self.admin, method, path, body)[0], 403, path)

    def test_old_routes_change_one_member(self):
        self.group("team", virtualClusters=["gpu"])
        self.ok("PUT", "/groups/team/description", {"description": "new"})
        self.ok("PUT", "/groups/team/externalname", {"externalname": "ext"})
        self.ok("PUT", "/groups/team/extension", {"extension": {"a": {"x": 1, "y": 2}}})
        self.ok("PUT", "/groups/team/extension/a/x", {"data": [3]})
        self.ok("PUT", "/groups/team/extension/acls/storageConfigs", {"data": ["s"]})
        self.ok("PUT", "/groups", {"patch": True, "data": {"groupname": "team", "extension": {"b": 1}}})
        group = self.ok("GET", "/groups/team", status=200)
        self.assertEqual((group["description"], group["externalName"]), ("new", "ext"))
        self.assertEqual(group["extension"], {"a": {"x": [3], "y": 2}, "b": 1, "acls": {
            "admin": False, "virtualClusters": ["gpu"], "managedVirtualClusters": [], "storageConfigs": ["s"]}})
        self.ok("PUT", "/users/ana/extension", {"extension": {"a": 1}})
        self.ok("PUT", "/users/ana/extension", {"extension": {"b": 2}})
        self.assertEqual(self.user()["extension"], {"a": 1, "b": 2})

    def test_bad_calls_are_named(self):
        self.group("team")
        invalid, no_vc = (400, "InvalidParametersError"), (400, "NoVirtualClusterError")
        no_group, no_user = (404, "NoGroupError"), (404, "NoUserError")
        for method, path, body, want in (
                ("POST", "/groups", {"groupname": "team"}, (409, "ConflictGroupError")),
                ("POST", "/groups", {"groupname": "a b"}, invalid),
                ("POST", "/groups", {"groupname": "t2", "members": ["ana"]}, invalid),
                ("POST", "/groups", {"groupname": "t2", "extension": {"acls": {"virtualClusters": ["no"]}}}, no_vc),
                ("POST", "/groups", {"groupname": "t2", "extension": {"acls": {"root": True}}}, invalid),
                ("PUT", "/groups", {"data": {"groupname": "team"}}, invalid),
                ("GET", "/groups/none", None, no_group),
                ("GET", "/groups/none/userlist", None, no_group),
                ("DELETE", "/groups/none", None, no_group),
                ("PUT", "/users/ana/group", {"groupname": "none"}, no_group),
                ("PUT", "/users/none/group", {"groupname": "team"}, no_user),
                ("PUT", "/users/ana/grouplist", {"grouplist": ["none"]}, no_group),
                ("PUT", "/users/ana/grouplist", {"grouplist": "team"}, invalid),
                ("PUT", "/users/ana/virtualcluster", {"virtualCluster": ["none"]}, no_vc),
                ("POST", "/users", {"username": "bo", "password": PHRASE, "virtualCluster": ["none"]}, no_vc)):
            status, reply = self.call(self.admin, method, path, body)
            self.assertEqual((status, reply["code"]), want, (method, path, body))
        self.assertEqual(self.call(self.admin, "GET", "/users/bo")[0], 404)  # all of it or nothing

    def test_a_disabled_or_expired_user_is_nobody(self):
        ana = droverlib.Client(self.server).login("ana", PHRASE)
        for change in ({"disabled": True}, {"expires": 1000}):
            self.assertEqual(self.call(ana, "GET", "/jobs")[0], 200)
            self.ok("PUT", "/users", {"patch": True, "data": dict(change, username="ana")})
            self.assertEqual(self.call(ana, "GET", "/jobs")[0], 401)
            again = self.call(droverlib.Client(self.server), "POST", "/authn/basic/login",
                              {"username": "ana", "password": PHRASE})
            self.assertEqual(again[1]["code"], "IncorrectPasswordError")
            self.ok("PUT", "/users", {"patch": True, "data": {"username": "ana", "disabled": False, "expires": None}})


if __name__ == "__main__":
    unittest.main()
