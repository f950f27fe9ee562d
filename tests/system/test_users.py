#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Users and tokens over REST: what an admin may, what a user may, and what ends with a password."""
import json
import time
import unittest

import droverlib


class Users(unittest.TestCase):
    def setUp(self):
        self.server = droverlib.Server()
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.admin = droverlib.Client(self.server).login()

    def call(self, client, method, path, body=None):
        """(status, JSON) of a call."""
        reply = client.request(method, "/api/v2" + path, body)
        return reply.status, json.loads(reply.body)

    def add(self, name, password="a-good-phrase-7", **more):
        return self.call(self.admin, "POST", "/users", {"username": name, "password": password, **more})

    def user(self, name, password="a-good-phrase-7"):
        return droverlib.Client(self.server).login(name, password)

    def test_an_admin_adds_changes_and_removes(self):
        self.assertEqual(self.add("ana", email="ana@example.org")[0], 201)
        self.assertEqual(self.add("ana")[1]["code"], "ConflictUserError")
        names = [u["username"] for u in self.call(self.admin, "GET", "/users")[1]]
        self.assertIn("ana", names)
        self.assertEqual(self.call(self.admin, "PUT", "/users", {"patch": True, "data": {
            "username": "ana", "email": "new@example.org"}})[0], 201)
        self.assertEqual(self.call(self.admin, "GET", "/users/ana")[1]["email"], "new@example.org")
        self.assertEqual(self.call(self.admin, "DELETE", "/users/ana")[0], 200)
        self.assertEqual(self.call(self.admin, "GET", "/users/ana")[1]["code"], "NoUserError")
        self.assertEqual(self.call(self.admin, "DELETE", "/users/ana")[1]["code"], "NoUserError")

    def test_an_open_session_is_no_way_to_guess_the_password(self):
        self.add("ana")
        ana = self.user("ana")
        seen = []
        for i in range(20):
            reply = ana.request("PUT", "/api/v2/users/me", {"patch": True, "data": {
                "username": "ana", "oldPassword": "a-wrong-guess-%d" % i, "newPassword": "another-phrase-8"}})
            seen.append(reply.status)
            if reply.status == 429:
                self.assertGreater(int(reply.headers["retry-after"]), 0)
        self.assertEqual(set(seen), {400, 429})
        self.assertLess(seen.count(400), 15)  # so many reached the hash: 5, then one after 1, 2, 4 ... s
        # Nothing was changed; and the delay ends.
        right = {"username": "ana", "password": "a-good-phrase-7"}
        droverlib.wait_until(lambda: ana.request("POST", "/api/v2/session", right).status == 200, "the password is as before",
                             60)

    def test_bad_members_are_named(self):
        for body, words in (
                ({"username": "a b", "password": "a-good-phrase-7"}, "user name"),
                ({"username": "ana", "password": "short"}, "password"),
                ({"username": "ana"}, "\"password\" is missing"),
                ({"username": "ana", "password": "a-good-phrase-7", "token_version": 1}, "token_version"),
                ({"username": "ana", "password": "a-good-phrase-7", "email": "nobody"}, "e-mail"),
                ({"username": "ana", "password": "a-good-phrase-7", "admin": "yes"}, "admin"),
                ({"username": "ana", "password": "a-good-phrase-7", "userDiskMB": -1}, "userDiskMB"),
                ({"username": "ana", "password": "a-good-phrase-7", "virtualCluster": ["no"]}, "no")):
            status, reply = self.call(self.admin, "POST", "/users", body)
            self.assertEqual(status, 400, body)
            self.assertIn(words.lower(), reply["message"].lower())
        self.assertEqual(self.call(self.admin, "GET", "/users/ana")[0], 404)

    def test_a_user_may_only_change_themselves(self):
        self.add("ana")
        self.add("bo")
        ana = self.user("ana")
        for method, path, body in (
                ("POST", "/users", {"username": "eve", "password": "a-good-phrase-7"}),
                ("PUT", "/users", {"patch": True, "data": {"username": "bo", "email": ""}}),
                ("DELETE", "/users/bo", None),
                ("PUT", "/users/ana/admin", {"admin": True}),
                ("PUT", "/users/bo/email", {"email": "x@example.org"}),
                ("PUT", "/users/bo/password", {"oldPassword": "a-good-phrase-7", "newPassword": "another-phrase-8"}),
                ("PUT", "/users/me", {"patch": True, "data": {"username": "bo", "email": ""}})):
            status, reply = self.call(ana, method, path, body)
            self.assertEqual((status, reply["code"]), (403, "ForbiddenUserError"), (method, path))
        status, _ = self.call(ana, "PUT", "/users/me", {"patch": True, "data": {
            "username": "ana", "email": "ana@example.org"}})
        self.assertEqual(status, 201)
        for gift in ({"admin": True}, {"userDiskMB": 0}):
            self.assertEqual(self.call(ana, "PUT", "/users/me", {"patch": True, "data": {"username": "ana", **gift}})[0],
                             400, gift)
        self.assertFalse(self.call(self.admin, "GET", "/users/ana")[1]["admin"])

    def test_a_new_password_ends_logins_but_not_application_tokens(self):
        self.add("ana")
        ana, other = self.user("ana"), self.user("ana")
        program = droverlib.Client(self.server, self.call(ana, "POST", "/tokens/application")[1]["token"])
        self.assertEqual(self.call(program, "GET", "/tokens/check")[1]["application"], True)
        self.assertEqual(self.call(program, "GET", "/tokens")[1]["code"], "ForbiddenUserError")
        change = {"oldPassword": "wrong-phrase-1", "newPassword": "another-phrase-8"}
        self.assertEqual(self.call(ana, "PUT", "/users/ana/password", change)[1]["code"], "IncorrectPasswordError")
        self.assertEqual(self.call(ana, "PUT", "/users/ana/password", {"newPassword": "another-phrase-8"})[0], 400)
        change["oldPassword"] = "a-good-phrase-7"
        self.assertEqual(self.call(ana, "PUT", "/users/ana/password", change)[0], 201)
        for client in (ana, other):
            self.assertEqual(self.call(client, "GET", "/jobs")[0], 401)
        self.assertEqual(self.call(program, "GET", "/jobs")[0], 200)
        self.assertEqual(self.call(self.user("ana", "another-phrase-8"), "GET", "/jobs")[0], 200)

    def test_tokens_are_listed_by_id_and_revoked_at_once(self):
        self.add("ana")
        self.add("bo")
        ana, bo = self.user("ana"), self.user("bo")
        made = self.call(ana, "POST", "/tokens/application")[1]
        listed = self.call(ana, "GET", "/tokens")[1]
        self.assertIn(made["id"], listed["tokens"])
        self.assertNotIn(made["token"], str(listed))
        self.assertEqual(self.call(bo, "DELETE", "/tokens/" + made["id"])[0], 403)
        self.assertEqual(self.call(ana, "DELETE", "/tokens/" + made["id"])[0], 200)
        program = droverlib.Client(self.server, made["token"])
        self.assertEqual(self.call(program, "GET", "/jobs")[0], 401)

    def test_application_tokens_may_end_and_may_only_read(self):
        self.add("ana")
        ana = self.user("ana")
        made = self.call(ana, "POST", "/tokens/application", {"readOnly": True, "expires": 32503680000000})[1]
        listed = [t for t in self.call(ana, "GET", "/tokens")[1]["details"] if t["id"] == made["id"]][0]
        self.assertEqual((listed["readOnly"], listed["expires"], listed["hint"]),
                         (True, 32503680000000, made["token"][-6:]))
        program = droverlib.Client(self.server, made["token"])
        self.assertEqual(self.call(program, "GET", "/jobs")[0], 200)
        status, reply = self.call(program, "PUT", "/jobs/ana~x/tag", {"value": "t"})
        self.assertEqual((status, reply["message"]), (403, "This token may only read."))
        for wish in ({"expires": 1000}, {"scope": "all"}, {"readOnly": "yes"}):
            self.assertEqual(self.call(ana, "POST", "/tokens/application", wish)[0], 400, wish)
        # Login and token end with the user, also where the server remembers who called a moment ago.
        end = int(time.time() * 1000) + 1500
        self.call(self.admin, "PUT", "/users", {"patch": True, "data": {"username": "ana", "expires": end}})
        self.assertEqual(self.call(program, "GET", "/jobs")[0], 200)
        droverlib.wait_until(lambda: self.call(program, "GET", "/jobs")[0] == 401, "the user has ended")
        self.assertGreaterEqual(time.time() * 1000, end)

    def test_admins_cannot_be_removed_nor_lock_themselves_out(self):
        self.add("ana", admin=True)
        self.assertEqual(self.call(self.admin, "DELETE", "/users/ana")[1]["code"], "RemoveAdminError")
        self.assertEqual(self.call(self.admin, "PUT", "/users/%s/admin" % droverlib.ADMIN, {"admin": False})[0], 403)
        self.assertEqual(self.call(self.admin, "PUT", "/users/ana/admin", {"admin": False})[0], 201)
        self.assertEqual(self.call(self.admin, "DELETE", "/users/ana")[0], 200)

    def test_a_removed_user_is_nobody_at_once(self):
        self.add("ana")
        ana = self.user("ana")
        self.call(self.admin, "DELETE", "/users/ana")
        self.assertEqual(self.call(ana, "GET", "/jobs")[0], 401)

    def test_extensions_are_for_their_user_and_admins(self):
        self.add("ana", extension={"notes": ["secret-canary"]})
        self.add("bo")
        bo, ana = self.user("bo"), self.user("ana")
        self.assertEqual(self.call(bo, "GET", "/users/ana")[1]["extension"], {})
        self.assertEqual(self.call(ana, "GET", "/users/ana")[1]["extension"], {"notes": ["secret-canary"]})


if __name__ == "__main__":
    unittest.main()
