# SPDX-License-Identifier: MIT
"""Web apps of jobs through the proxy: bytes exact both ways, WebSockets, nobody else's, and no way from an app to the
portal: not by its cookies, not by its API."""
import base64
import hashlib
import http.client
import json
import os
import re
import shutil
import socket
import sys
import unittest
import urllib.parse

import droverlib
import jobcase
from droverlib import PATIENCE, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
APPS = "extras: {drover: {apps: [{name: web}, {name: files, port: files}, {name: none, port: none}]}}\n"


BOARD = """extras:
  drover: {tensorboardIdleSeconds: 1}
  com.microsoft.pai.runtimeplugin:
    - {plugin: cmd, parameters: {preCommands: ["export PATH=%s:$PATH", "echo no > queue.py; echo no > socket.py"]}}
    - {plugin: tensorboard}
"""
TENSORBOARD = """#!%(python)s
import http.server, os, signal, socket, struct, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path.endswith("/reset"):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return os.close(self.connection.detach())
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.path.encode())
def note(what):
    with open("%(starts)s", "a") as f:
        f.write(what)
def stop(*_):
    note("stop ")
    os._exit(0)
signal.signal(signal.SIGTERM, stop)
if not os.path.exists("%(starts)s"):
    time.sleep(1.5)  # its start takes longer than it may rest
note("start ")
port = int(sys.argv[sys.argv.index("--port") + 1])
http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


class AppsCase(jobcase.JobCase):
    def setUp(self):
        super().setUp()
        self.big = os.urandom(1 << 20) * 20
        with open(self.path("big"), "wb") as f:
            f.write(self.big)
        app = shutil.copy(os.path.join(HERE, "webapp.py"), self.server.folder)  # a clone below /tmp is not the task's /tmp
        self.full = self.submit("shown", ["cd %s" % self.server.folder,
                                          "%s -m http.server --bind 127.0.0.1 $PAI_CONTAINER_HOST_files_PORT_LIST "
                                          "> /dev/null 2>&1 &" % sys.executable,
                                          "exec %s -B %s $PAI_CONTAINER_HOST_http_PORT_LIST %s"
                                          % (sys.executable, app, self.server.folder)],
                                ports={"files": 1, "none": 1}, extra=APPS)
        self.apps = wait_until(self.ready, "the apps answer", 30)

    def ready(self):
        apps = {a["name"]: a for a in self.client.json("GET", "/api/v2/jobs/" + self.full)["apps"]}
        return apps if apps["web"]["ready"] and apps["files"]["ready"] else None

    def link(self, name="web", client=None):
        """Where a link leads: host and port to connect to, Host, path."""
        reply = (client or self.client).json("POST", "/api/v2/jobs/%s/apps/%s" % (self.full, name),
                                                expect=(201,))
        url = urllib.parse.urlsplit(reply["url"])
        return url.netloc or "%s:%d" % self.server.address, "%s?%s" % (url.path, url.query)

    def call(self, method, path, host=None, headers=None, body=None):
        """One call as a browser makes it, to whatever the host's name: all are this machine."""
        host = host or "%s:%d" % self.server.address
        c = http.client.HTTPConnection("127.0.0.1", int(host.rsplit(":", 1)[1]), timeout=20 * PATIENCE)
        self.addCleanup(c.close)
        c.request(method, path, body, dict({"Host": host}, **(headers or {})))
        reply = c.getresponse()
        return reply, reply.read()

    def enter(self, name="web", client=None, site="same-site"):
        """Follows a link: host, the app's path, and the Cookie header that opens it."""
        host, path = self.link(name, client)
        reply, _ = self.call("GET", path, host, {"Sec-Fetch-Site": site})
        self.assertEqual(reply.status, 303)
        cookie = reply.headers["Set-Cookie"]
        self.assertIn("; HttpOnly; SameSite=", cookie)
        self.assertEqual(self.call("GET", path, host)[0].status, 401)  # once
        return host, reply.headers["Location"], {"Cookie": cookie.split(";")[0]}, cookie

    def web_socket(self, host, path, headers):
        """A socket that has switched; its head."""
        s = socket.create_connection(("127.0.0.1", int(host.rsplit(":", 1)[1])), 20 * PATIENCE)
        self.addCleanup(s.close)
        lines = ["GET %s HTTP/1.1" % path, "Host: " + host, "Connection: keep-alive, Upgrade", "Upgrade: websocket",
                 "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        lines += ["%s: %s" % h for h in headers.items()]
        s.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        f = s.makefile("rb")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = f.read(1)
            self.assertTrue(byte, head)
            head += byte
        return s, f, head

    def echo(self, s, f, data):
        mask = b"\1\2\3\4"
        masked = bytes(a ^ b for a, b in zip(data, (mask * (len(data) // 4 + 1))[:len(data)]))
        s.sendall(b"\x82\xfe" + len(data).to_bytes(2, "big") + mask + masked)
        self.assertEqual(f.read(4 + len(data)), b"\x82\x7e" + len(data).to_bytes(2, "big") + data)


class OwnOriginTest(AppsCase):
    CONFIG = {"apps": {"listen": "127.0.0.1:0"}}

    def test_app(self):
        host, path, opened, cookie = self.enter()
        self.assertNotEqual(host, "%s:%d" % self.server.address)
        self.assertIn("Path=/jobs/%s/apps/web/;" % self.full, cookie)
        self.tensorboard_rests()
        self.bytes_both_ways(host, path, opened)
        self.heads(host, path, opened)
        self.sites(host, path, opened)
        self.stock_server()
        s, f, head = self.web_socket(host, path + "ws", dict(opened, Origin="http://" + host))
        self.assertIn(b" 101 ", head)
        self.assertIn(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", head)
        for size in (126, 4000, 65535):
            self.echo(s, f, os.urandom(size))
        reply, body = self.call("GET", urllib.parse.urlsplit(self.apps["none"]["url"]).path, host, opened)
        self.assertEqual((reply.status, json.loads(body)["code"]), (401, "UnauthorizedUserError"))
        none_host, none_path, none_opened, _ = self.enter("none")
        reply, body = self.call("GET", none_path, none_host, none_opened)
        self.assertEqual((reply.status, json.loads(body)["code"]), (502, "BadGatewayError"))
        self.bounded(host, path, opened)
        self.others(host, path, opened)
        self.ends(host, path, opened, f)

    def tensorboard_rests(self):
        """The plugin's TensorBoard (a stand-in) begins with the first request, and is stopped and begun again."""
        folder = os.path.join(self.server.folder, "bin")
        os.mkdir(folder)
        with open(os.open(os.path.join(folder, "tensorboard"), os.O_WRONLY | os.O_CREAT, 0o755), "w", encoding="ascii") as f:
            f.write(TENSORBOARD % {"python": sys.executable, "starts": self.path("starts")})
        shown, self.full = self.full, self.client.submit(droverlib.job_yaml("board", ["sleep 600"], ports={"http": 2},
                                                                               extra=BOARD % folder))

        def is_ready():
            return self.client.json("GET", "/api/v2/jobs/" + self.full)["apps"][0]["ready"]

        def turns():
            if not os.path.exists(self.path("starts")):
                return []
            with open(self.path("starts"), encoding="ascii") as f:
                return f.read().split()
        wait_until(is_ready, "somebody listens", 30)
        self.assertEqual(turns(), [])  # whoever only looks starts nothing
        host, path, opened, _ = self.enter("tensorboard")
        for turn in range(2):
            reply, body = self.call("GET", path + "data/runs?x=1", host, opened)
            self.assertEqual((reply.status, body), (200, ("%sdata/runs?x=1" % path).encode()))
            self.assertEqual(turns(), ["start", "stop"] * turn + ["start"])
            self.assertEqual(self.call("GET", path + "reset", host, opened)[0].status, 502)
            wait_until(lambda: turns()[-1] == "stop", "it is stopped", 30)
            self.assertTrue(is_ready())
        self.client.stop(self.full)
        self.full = shown

    def bytes_both_ways(self, host, path, opened):
        reply, body = self.call("GET", path + "big", host, opened)
        self.assertEqual((reply.status, reply.headers["Content-Length"]), (200, str(len(self.big))))
        self.assertEqual(hashlib.sha256(body).digest(), hashlib.sha256(self.big).digest())
        sent = os.urandom(3 << 20)
        for method in ("POST", "PUT"):
            reply, body = self.call(method, path + "take?a=1&b=%2F", host, opened, sent)
            told = json.loads(body)
            self.assertEqual((told["method"], told["path"], told["sha256"]),
                             (method, "/take?a=1&b=%2F", hashlib.sha256(sent).hexdigest()))
        reply, body = self.call("HEAD", path + "big", host, opened)
        self.assertEqual((reply.status, reply.headers["Content-Length"], body), (200, str(len(self.big)), b""))

    def heads(self, host, path, opened):
        """No login reaches the app, nothing of one connection the other, no cookie of an app more than its place."""
        sent = {"Cookie": "drover=secret; a=1; %s; __Host-drover=secret; b=2" % opened["Cookie"],
                "Authorization": "Bearer secret", "X-Forwarded-For": "6.6.6.6", "Connection": "X-Mine", "X-Mine": "1"}
        reply, body = self.call("GET", path + "x", host, sent)
        told = {k.lower(): v for k, v in json.loads(body)["headers"]}
        self.assertEqual(told["cookie"], "a=1; b=2")
        self.assertEqual((told["host"], told["x-forwarded-for"], told["x-forwarded-prefix"]),
                         (host, "127.0.0.1", path[:-1]))
        self.assertNotIn("secret", body.decode())
        for name in ("authorization", "x-mine", "upgrade", "expect", "te"):
            self.assertNotIn(name, told)
        self.assertEqual((reply.headers["X-Hop"], reply.headers["X-End"]), (None, "2"))
        self.assertIsNone(reply.headers["Content-Security-Policy"])
        reply, _ = self.call("GET", path + "cookies", host, opened)
        self.assertEqual(reply.headers.get_all("Set-Cookie"), ["own=1; Path=%s" % path])
        reply, _ = self.call("GET", path + "moved", host, opened)
        self.assertEqual((reply.status, reply.headers["Location"]), (302, path + "here"))
        self.assertEqual(self.call("GET", path + "head", host, opened)[0].status, 502)
        self.assertEqual(self.call("GET", path[:-1], host, opened)[0].headers["Location"], path)

    def sites(self, host, path, opened):
        """Neither may another page use the app's cookie, nor an app's page the portal's."""
        for site, mode, status in (("same-origin", "cors", 200), ("none", "navigate", 200), ("cross-site", "navigate", 200),
                                   ("same-site", "cors", 403), ("cross-site", "no-cors", 403)):
            fetch = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": "document"}
            self.assertEqual(self.call("GET", path, host, dict(opened, **fetch))[0].status, status, (site, mode))
        evil = dict(opened, Origin="http://evil.example")
        self.assertEqual(self.call("POST", path, host, evil, b"x")[0].status, 403)
        self.assertIn(b" 403 ", self.web_socket(host, path, evil)[2])
        reply, _ = self.call("POST", "/api/v2/session", body=json.dumps(
            {"username": droverlib.ADMIN, "password": droverlib.PASSWORD}), headers={"Content-Type": "application/json"})
        portal = {"Cookie": reply.headers["Set-Cookie"].split(";")[0]}
        self.assertEqual(self.call("GET", "/api/v2/jobs", headers=portal)[0].status, 200)
        for site, status in (("same-origin", 200), ("none", 200), ("same-site", 403), ("cross-site", 403)):
            fetch = dict(portal, **{"Sec-Fetch-Site": site})
            self.assertEqual(self.call("GET", "/api/v2/jobs", headers=fetch)[0].status, status, site)
        # The portal's own cookie opens no app, on either port; nor is anything of the portal on the apps' port.
        self.assertEqual(self.call("GET", path, host, portal)[0].status, 401)
        both = {"Cookie": "%s; %s" % (portal["Cookie"], opened["Cookie"])}
        self.assertEqual(self.call("GET", path, headers=both)[0].status, 404)
        for other in ("/", "/index.html", "/api/v2/info", "/metrics"):
            self.assertEqual(self.call("GET", other, host, both)[0].status, 401, other)

    def stock_server(self):
        host, path, opened, _ = self.enter("files")
        reply, body = self.call("GET", path, host, opened)
        self.assertEqual((reply.status, re.findall(b'href="big"', body)), (200, [b'href="big"']))
        reply, body = self.call("GET", path + "big", host, dict(opened, Range="bytes=0-"))
        self.assertEqual(hashlib.sha256(body).digest(), hashlib.sha256(self.big).digest())
        reply, _ = self.call("GET", path + "run-folder", host, opened)
        self.assertEqual(reply.status, 404)

    def bounded(self, host, path, opened):
        """A browser that reads nothing holds the app, not the server's memory."""
        s = socket.socket()
        self.addCleanup(s.close)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        s.connect(("127.0.0.1", int(host.rsplit(":", 1)[1])))
        s.sendall(("GET %sendless HTTP/1.1\r\nHost: %s\r\nCookie: %s\r\n\r\n" % (path, host, opened["Cookie"])).encode())

        def sent():
            try:
                with open(self.path("sent"), encoding="ascii") as f:
                    return int(f.read() or 0)
            except OSError:
                return 0
        seen = []

        def stands():
            seen.append(sent())
            return len(seen) > 10 and seen[-1] and seen[-10] == seen[-1]
        wait_until(stands, "the app has to wait", 30, 0.05)
        self.assertLess(seen[-1], 64 << 20)  # what the kernel's buffers took, and 128 KB of ours

    def others(self, host, path, opened):
        self.client.json("POST", "/api/v2/users", {"username": "eve", "password": "eve is not ana", "email": "e@x.org"},
                         expect=(201,))
        eve = droverlib.Client(self.server).login("eve", "eve is not ana")
        reply = eve.request("POST", "/api/v2/jobs/%s/apps/web" % self.full)
        self.assertEqual(reply.status, 403)
        self.assertEqual(self.client.request("POST", "/api/v2/jobs/%s/apps/nix" % self.full).status, 404)
        # Another's job is shown without an origin, and nothing opens one place with the cookie of another.
        self.assertEqual(self.call("GET", path.replace("/web/", "/files/"), host, opened)[0].status, 401)
        printed = self.drover("app", "shown", "web").stdout.decode().strip()
        self.assertRegex(printed, "^http://%s%s.drover-enter.ticket=[0-9a-f]{64}$" % (re.escape(host), re.escape(path)))
        self.assertEqual(self.drover("app", "shown").stdout.decode().split()[:1], ["NAME"])

    def ends(self, host, path, opened, f):
        """With the login, and with the job; streams and sockets too."""
        drip = http.client.HTTPConnection("127.0.0.1", int(host.rsplit(":", 1)[1]), timeout=20 * PATIENCE)
        self.addCleanup(drip.close)
        other = droverlib.Client(self.server).login()
        o_host, o_path, o_opened, _ = self.enter(client=other)
        drip.request("GET", o_path + "drip", headers=dict(o_opened, Host=o_host))
        reply = drip.getresponse()
        self.assertEqual(reply.read(4), b"000\n")
        other.json("DELETE", "/api/v2/authn/basic/logout")
        with self.assertRaises(http.client.IncompleteRead):
            reply.read()
        self.assertEqual(self.call("GET", o_path, o_host, o_opened)[0].status, 401)
        self.assertEqual(self.call("GET", path, host, opened)[0].status, 200)
        self.client.json("PUT", "/api/v2/jobs/%s/executionType" % self.full, {"value": "STOP"}, expect=(202,))
        self.assertEqual(f.read(), b"")
        self.client.wait(self.full)
        wait_until(lambda: self.call("GET", path, host, opened)[0].status == 404, "the app is gone", 10)
        self.assertEqual(self.client.request("POST", "/api/v2/jobs/%s/apps/web" % self.full).status, 404)
        self.assertEqual(self.server.stop(), 0)


class PortalOriginTest(AppsCase):
    """Without a port of their own: on the portal's, without an origin."""

    def test_app(self):
        host, path, opened, cookie = self.enter()
        self.assertEqual(host, "%s:%d" % self.server.address)
        fetch = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
        reply, body = self.call("GET", path + "big", host, dict(opened, **fetch))
        self.assertEqual(reply.headers.get_all("Content-Security-Policy"), ["sandbox allow-scripts allow-forms"])
        self.assertEqual(hashlib.sha256(body).digest(), hashlib.sha256(self.big).digest())
        # No script, style or call of the portal's own pages is ever an app's.
        fetch = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}
        self.assertEqual(self.call("GET", path, host, dict(opened, **fetch))[0].status, 403)
        s, f, head = self.web_socket(host, path, dict(opened, Origin="null"))
        self.assertIn(b" 101 ", head)
        self.echo(s, f, os.urandom(1000))
        self.assertEqual(self.call("GET", "/healthz")[0].status, 200)
        self.assertEqual(self.server.stop(), 0)


class WholeHostTest(AppsCase):
    """Each app on a host of its own: all of it is the app's."""
    CONFIG = {"apps": {"listen": "127.0.0.1:0", "publicUrl": "http://*.apps.localhost"}}

    def link(self, name="web", client=None):
        host, path = super().link(name, client)
        with open(self.server.log_path, encoding="utf-8") as f:
            port = re.search(r"apps of jobs are served on 127.0.0.1 port (\d+)", f.read()).group(1)
        return "%s:%s" % (host, port), path

    def test_app(self):
        host, path, opened, cookie = self.enter(site="none")
        uuid = self.client.json("GET", "/api/v2/jobs/" + self.full)["jobId"]
        self.assertEqual(host.rsplit(":", 1)[0], "web--%s.apps.localhost" % uuid)
        self.assertIn("; Path=/; HttpOnly; SameSite=Lax", cookie)
        for where, seen in ((path + "x", "/x"), ("/static/y?z", "/static/y?z")):
            reply, body = self.call("GET", where, host, opened)
            self.assertEqual((reply.status, json.loads(body)["path"]), (200, seen))
            self.assertIsNone(reply.headers["Content-Security-Policy"])
        other = host.replace("web--", "files--")
        self.assertEqual(self.call("GET", path, other, opened)[0].status, 401)
        reply, _ = self.call("GET", "/cookies", host, opened)
        self.assertEqual(reply.headers.get_all("Set-Cookie"), ["own=1; Path=/"])
        self.assertEqual(self.server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
