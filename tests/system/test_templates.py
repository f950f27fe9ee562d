# SPDX-License-Identifier: MIT
"""Templates: who sees and changes them; a user submits another's. Settings of the site, live."""
import json
import unittest

import droverlib

CONFIG = """protocolVersion: 2
name: shared
type: job
secrets: {token: hush-hush}
prerequisites: [{type: dockerimage, name: image, uri: none}]
taskRoles:
  main: {dockerImage: image, commands: ["echo <% $secrets.token %>"], resourcePerInstance: {cpu: 1, memoryMB: 64, gpu: 0}}
"""
PLAIN = CONFIG.replace("secrets: {token: hush-hush}\n", "").replace("echo <% $secrets.token %>", "true")


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = droverlib.Server()
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        cls.clients = {"admin": droverlib.Client(cls.server).login()}
        admin = cls.clients["admin"]
        admin.json("POST", "/api/v2/groups", {"groupname": "team"}, (201,))
        for user in ("ann", "bob", "eve"):
            admin.json("POST", "/api/v2/users", {"username": user, "password": "a long password"}, (201,))
            cls.clients[user] = droverlib.Client(cls.server).login(user, "a long password")
        for user in ("ann", "bob"):
            admin.json("PUT", "/api/v2/users/%s/group" % user, {"groupname": "team"}, (201,))

    def call(self, user, method, path, status=200, body=None, content_type="application/json"):
        reply = self.clients[user].request(method, "/api/v2" + path, body, content_type)
        self.assertEqual(reply.status, status, reply.body)
        return json.loads(reply.body)


class Templates(Case):
    def add(self, user, name, status=201, **more):
        return self.call(user, "POST", "/templates", status, dict({"name": name, "config": PLAIN}, **more))

    def names(self, user):
        return {t["name"] for t in self.call(user, "GET", "/templates")}

    def test_visibility(self):
        self.add("ann", "mine")
        self.add("ann", "ours", visibility="group", group="team")
        self.add("ann", "all", visibility="public", title="For all", description="Try it.")
        seen = {"ann": {"mine", "ours", "all"}, "bob": {"ours", "all"}, "eve": {"all"},
                "admin": {"mine", "ours", "all"}}
        for user, want in seen.items():
            self.assertEqual(self.names(user) & {"mine", "ours", "all"}, want)
            for name in ("mine", "ours", "all"):
                self.call(user, "GET", "/templates/" + name, 200 if name in want else 404)
        # who does not see it hears the same as of one that is not there
        self.assertEqual(self.call("eve", "DELETE", "/templates/mine", 404)["code"], "NoTemplateError")
        self.assertEqual(self.call("bob", "DELETE", "/templates/ours", 403)["code"], "ForbiddenUserError")
        self.call("bob", "PUT", "/templates/all", 403, {"title": "taken over"})
        self.call("ann", "PUT", "/templates/ours", 201, {"visibility": "private"})
        self.assertNotIn("ours", self.names("bob"))
        self.call("ann", "PUT", "/templates/mine", 201, {"visibility": "group", "group": "team"})
        self.assertIn("mine", self.names("bob"))
        self.call("admin", "DELETE", "/templates/mine")
        self.call("ann", "GET", "/templates/mine", 404)

    def test_another_user_submits_it(self):
        self.add("ann", "to-share", visibility="group", group="team")
        config = self.call("bob", "GET", "/templates/to-share")["config"]
        self.assertEqual(self.call("bob", "POST", "/jobs", 202, config, "text/yaml")["name"], "bob~shared")
        self.clients["bob"].wait("bob~shared", ("SUCCEEDED",))

    def test_secrets_are_not_shared(self):
        self.add("ann", "secret", config=CONFIG, visibility="public")
        config = self.call("bob", "GET", "/templates/secret")["config"]
        self.assertNotIn("hush-hush", config)
        self.assertIn("******", config)
        db = "\n".join(self.server.database().iterdump())
        self.assertNotIn("hush-hush", db)
        self.call("bob", "POST", "/jobs", 400, config, "text/yaml")

    def test_what_is_refused(self):
        self.add("ann", "twice")
        self.assertEqual(self.add("bob", "twice", 409)["code"], "ConflictTemplateError")
        refusal = self.add("ann", "bad", 400, config=PLAIN + "what: is this\n")
        self.assertEqual((refusal["code"], refusal["errors"][0]["line"]), ("InvalidProtocolError", 7))
        for more in ({"visibility": "all"}, {"visibility": "group"}, {"group": "team"}, {"title": "x" * 129}, {"owner": "eve"},
                     {"name": ".x"}, {"name": "a/b"}, {"name": ""}, {"config": 1}):
            self.call("ann", "POST", "/templates", 400, dict({"name": "bad", "config": PLAIN}, **more))
        self.assertEqual(self.add("eve", "bad", 404, visibility="group", group="team")["code"], "NoGroupError")
        self.call("ann", "POST", "/templates", 400, {"name": "bad"})
        self.call("ann", "PUT", "/templates/twice", 400, {"name": "other"})
        self.call("ann", "PUT", "/templates/none", 404, {"title": "x"})
        self.assertNotIn("bad", self.names("admin"))


class Settings(Case):
    def test_settings_are_live(self):
        self.assertEqual(self.call("bob", "GET", "/settings"), {"name": "Drover", "logo": None, "menu": [], "links": []})
        connection = self.clients["bob"]
        stream = droverlib.http.client.HTTPConnection(*self.server.address, timeout=15 * droverlib.TIME_SCALE)
        self.addCleanup(stream.close)
        stream.request("GET", "/api/v2/stream", headers={"Authorization": "Bearer " + connection.token})
        reply = stream.getresponse()
        self.assertEqual(reply.status, 200)
        wish = {"name": "The lab", "menu": [{"title": "Wiki", "url": "https://wiki.example/a?b=c"}],
                "links": [{"title": "Help", "url": "/help.html"}], "logo": "data:image/png;base64,iVBORw0KGgo="}
        self.call("admin", "PUT", "/settings", 200, wish)
        while True:
            line = reply.readline()
            self.assertTrue(line, "the stream ended")
            if line.strip() == b"event: settings":
                break
        self.assertEqual(self.call("bob", "GET", "/settings"), wish)
        self.call("admin", "PUT", "/settings", 200, {"name": "Again"})
        self.assertEqual(self.call("bob", "GET", "/settings"), {"name": "Again", "logo": None, "menu": [], "links": []})

    def test_only_addresses_pass(self):
        self.call("bob", "PUT", "/settings", 403, {"name": "x"})
        for url in ("javascript:alert(1)", "JAVASCRIPT:alert(1)", " javascript:alert(1)", "java\tscript:alert(1)", "//evil.example",
                    "/\\evil.example", "data:text/html,x", "vbscript:x", "ftp://x", "", "x", "https://a b", "https://a\nb"):
            for key in ("menu", "links"):
                self.call("admin", "PUT", "/settings", 400, {"name": "x", key: [{"title": "t", "url": url}]})
        for bad in ({}, {"name": ""}, {"name": "x" * 65}, {"name": "x", "more": 1}, {"name": "x", "menu": {}},
                    {"name": "x", "links": [{"title": "t"}]}, {"name": "x", "menu": [{"title": "t", "url": "/"}] * 21},
                    {"name": "x", "logo": "https://x/y.png"}, {"name": "x", "logo": "data:text/html;base64,QQ=="},
                    {"name": "x", "logo": "data:image/png;base64,<script>"}):
            self.call("admin", "PUT", "/settings", 400, bad)


if __name__ == "__main__":
    unittest.main()
