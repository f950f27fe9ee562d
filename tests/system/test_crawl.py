#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Without a login: a crawl with a word list over all routes and over what is none. What docs/DESIGN.md 4 allows answers;
everything else is one and the same 401, byte for byte but for the request's id. Nothing tells a version: not headers,
bodies, static files, nor the pages that libmicrohttpd writes by itself."""
import html.parser
import itertools
import os
import platform
import re
import socket
import unittest

import droverlib
import schemas

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
API = "/api/v2"
#: docs/DESIGN.md 4, "before login"; HEAD goes with GET. The page's own files are found by reading it.
ALLOWED = {("GET", "/"), ("GET", "/healthz"), ("GET", "/readyz"), ("GET", API + "/"), ("GET", API + "/info"),
           ("GET", API + "/authn/info"), ("POST", API + "/authn/basic/login"), ("POST", API + "/session"),
           ("POST", API + "/invitation")}
#: For {x} of a path: something that exists, and something that does not.
REAL = {"user": droverlib.ADMIN, "job": "admin~there", "vc": "default", "group": "default", "attempt": "0",
        "index": "0", "taskAttempt": "0", "role": "main", "log": "all"}
WORDS = """.env .git/config .htaccess .well-known/security.txt actuator admin api api/v1 api/v2/admin api/v3 assets
    assets/ assets/index.js backup cgi-bin/test config config.yaml console dashboard data debug debug/pprof docs
    drover.db favicon.ico graphql health index.html.bak index.php info jobs login logs main.js.map manifest.json
    metrics nodes openapi.json phpinfo.php portal private rest-server rest-server/api/v2 robots.txt run secret.key
    server-status setup sitemap.xml static status storage swagger swagger.json swagger-ui.html test token tokens
    users v2 version version.txt wp-login.php ws""".split()
PARTS = "admin api all config count debug export id info keys list log me new password search state status version".split()


def pattern(text):
    return re.compile(re.escape(text.encode()), re.I)


#: What must be nowhere: names and versions of libraries, of the system and of this machine, and our own version.
TELLTALES = [pattern(t) for t in ("libmicrohttpd", "microhttpd", "GnuTLS", "sqlite", "Debian", "droverd/", "gcc",
                                  "0.9.75", platform.release(), socket.gethostname()) if len(t) > 3] + [re.compile(rb"(?i)^(server|x-powered-by|via):", re.M),
                                                      re.compile(rb"(?i)drover[^\n]{0,20}\b\d+\.\d+\.\d+")]


class Links(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.found = set()

    def handle_starttag(self, tag, attrs):
        self.found.update("/" + v.lstrip("./") for k, v in attrs if k in ("src", "href") and v)


class Crawl(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = droverlib.Server()
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.__exit__, None, None, None)
        admin = droverlib.Client(cls.server).login()
        admin.submit(droverlib.job_yaml("there", "exit 0"))
        admin.wait("admin~there")
        cls.node = admin.json("GET", API + "/nodes")[0]["name"]
        cls.client = droverlib.Client(cls.server)
        cls.client.described = False
        cls.told = []  # every byte that anybody was told without a login

    def ask(self, method, path, body=None):
        """(status, head and body as bytes, without the id and the date)."""
        reply = self.client.request(method, path, body)
        head = b"".join(b"%s: %s\n" % (k.encode(), v.encode()) for k, v in sorted(reply.headers.items())
                        if k not in ("date", "x-request-id"))
        request_id = reply.headers.get("x-request-id", "none").encode()
        text = head + b"\n" + reply.body.replace(request_id, b"ID")
        self.told.append((method + " " + path, text))
        return reply.status, text

    def files(self):
        """The login page's files: what it names, what these name, and so on."""
        seen, todo = set(), {"/index.html"}
        while todo:
            path = todo.pop()
            seen.add(path)
            reply = self.client.request("GET", path)
            self.assertEqual(reply.status, 200, path)
            self.told.append(("GET " + path, reply.body))
            if path.endswith(".html"):
                links = Links()
                links.feed(reply.body.decode())
                found = links.found
            else:
                found = {"/assets/" + name.decode() for name in re.findall(rb"[\w.-]+-[\w-]{8}\.(?:js|css)\b", reply.body)}
            todo |= {f for f in found if f not in seen}
        return seen

    def paths(self):
        """Routes with real and with unknown names, their parents and children, the alias, and words."""
        real = dict(REAL, node=self.node)
        found = set()
        for path in schemas.of(droverlib.binary("droverd")).document["paths"]:
            for values in (real, {}):
                filled = re.sub(r"\{(\w+)\}", lambda m: values.get(m.group(1), "none-such"), path)
                found.update((filled, filled + "/", filled + "/x", filled.rsplit("/", 1)[0] or "/x"))
        found.update("/rest-server" + p for p in list(found) if p.startswith(API))
        found.update("/" + w for w in WORDS)
        found.update("%s/%s/%s" % (API, a, b) for a, b in itertools.product(PARTS, PARTS))
        found.update("%s/%s" % (API, w) for w in WORDS + PARTS)
        return sorted(found)

    def test_everything_else_is_the_same_401(self):
        files = self.files()
        self.assertTrue(files)
        allowed = ALLOWED | {("GET", path) for path in files}
        reference, calls = {}, 0
        for path in self.paths():
            plain = path.replace("/rest-server/api", "/api", 1)
            for method in METHODS:
                asked = "GET" if method == "HEAD" else method
                # A slash at the end is no other route.
                if {(asked, plain), (asked, plain.rstrip("/")), (asked, plain + "/")} & allowed:
                    continue
                calls += 1
                status, text = self.ask(method, path)
                self.assertEqual(status, 401, "%s %s" % (method, path))
                # A HEAD has no body; its head is that of the others.
                kind = method == "HEAD"
                self.assertEqual(reference.setdefault(kind, text), text, "%s %s" % (method, path))
        self.assertEqual(reference[True].split(b"\n\n")[0], reference[False].split(b"\n\n")[0])
        # With a body, well formed or not, large or not, it is no other.
        for path, body in itertools.product(("/api/v2/jobs", "/api/v2/users", "/none"), ("{}", "{", "x" * 100000)):
            status, text = self.ask("POST", path, body)
            self.assertEqual((status, text), (401, reference[False]))
        print("%d paths, %d calls, one answer" % (len(self.paths()), calls))

    def test_what_is_allowed_answers(self):
        for method, path in sorted(ALLOWED):
            status, _ = self.ask(method, path, None if method == "GET" else {})
            self.assertIn(status, (200, 400), path)
        for path in sorted(self.files()):
            self.assertEqual(self.ask("GET", path)[0], 200, path)

    def test_nothing_tells_a_version(self):
        self.files()
        self.test_what_is_allowed_answers()
        self.ask("GET", "/none")
        raw = {"no HTTP": b"hello\r\n\r\n", "no version": b"GET /\r\n\r\n", "bad version": b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
               "no host": b"GET / HTTP/1.1\r\n\r\n", "no colon": b"GET / HTTP/1.1\r\nHost x\r\n\r\n",
               "long path": b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
               "long field": b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 70000 + b"\r\n\r\n",
               "many fields": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 9000 + b"\r\n",
               "unknown method": b"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", "bad length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
               "bad chunk": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
               "huge length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n"}
        for name, data in raw.items():
            status, answer, _ = droverlib.raw_exchange(self.server.address, data)
            self.assertNotEqual(status // 100, 2, name)
            self.told.append((name, answer))
        self.assertGreater(len(self.told), 20)
        for where, text in self.told:
            for telltale in TELLTALES:
                found = telltale.search(text)
                self.assertIsNone(found, "%s tells %r" % (where, found and text[max(0, found.start() - 40):found.end() + 20]))


if __name__ == "__main__":
    unittest.main()
