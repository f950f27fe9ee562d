# SPDX-License-Identifier: MIT
"""A scripted server for the client's tests: the demo's recorded replies over HTTP, and faults on demand.

    with FakeServer() as server:  # server.url, server.log (what arrived), server.fault[path prefix] = "hang" ...
"""
import json
import os
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SOURCE = os.environ.get("DROVER_SOURCE") or os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
TOKEN = "eyJhbGciOiJIUzI1NiJ9.e30.c2ln"

GARBAGE = {
    "html": (200, "text/html", b"<html>hello</html>"),
    "cut": (200, "application/json", b'{"jobStatus": {"state": "RUN'),
    "binary": (200, "application/json", bytes(range(256)) * 20),
    "deep": (200, "application/json", b"[" * 200000),
    "null": (200, "application/json", b"null"),
    "wrong": (200, "application/json", b'{"data": [1, "x", null]}'),
    "bare500": (500, "text/plain", b"\x1b]0;owned\x07boom"),
    "escape": (404, "application/problem+json",
               json.dumps({"code": "NoJobError", "message": "no \x1b[31mjob\x1b[0m \u202e here"}).encode()),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, value, mime="application/json", headers=()):
        body = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", mime)
        self.send_header("Content-Length", str(len(body)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def error(self, status, code, message, place=None):
        value = {"code": code, "message": message, "status": status, "errors": []}
        if place:
            value["errors"] = [{"pointer": "/", "line": place[0], "column": place[1], "detail": message}]
        self.reply(status, value, "application/problem+json")

    def fault(self):
        """Plays the fault that was asked for this path; True when it was one."""
        for prefix, kind in list(self.server.owner.fault.items()):
            if not self.path.startswith(prefix):
                continue
            if kind == "hang":
                self.server.owner.stop.wait(60)
                self.close_connection = True
            elif kind == "slow":  # late, but an answer
                self.server.owner.stop.wait(2)
                return False
            elif kind == "drop":
                self.close_connection = True
                self.connection.shutdown(2)
            elif kind == "redirect":
                self.reply(302, b"", headers=[("Location", "http://127.0.0.1:1/")])
            elif isinstance(kind, int):
                self.error(kind, "", "status %d as ordered" % kind)
            else:
                status, mime, body = GARBAGE[kind]
                self.reply(status, body, mime)
            return True
        return False

    def do_GET(self):
        self.handle_any("GET")

    def do_POST(self):
        self.handle_any("POST")

    def do_PUT(self):
        self.handle_any("PUT")

    def do_DELETE(self):
        self.handle_any("DELETE")

    def handle_any(self, method):
        owner = self.server.owner
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        owner.log.append((method, self.path, dict(self.headers), body))
        try:
            if not self.fault():
                self.route(method, urllib.parse.urlsplit(self.path), body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def route(self, method, url, body):
        owner = self.server.owner
        path = url.path
        query = {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()}
        if (method, path) == ("POST", "/api/v2/authn/basic/login"):
            return self.login(json.loads(body))
        if self.headers.get("Authorization") != "Bearer " + TOKEN or owner.revoked:
            return self.error(401, "UnauthorizedUserError", "Your token is invalid.")
        if (method, path) == ("DELETE", "/api/v2/authn/basic/logout"):
            owner.revoked = True
            return self.reply(200, {"message": "logged out"})
        if path == "/api/v2/session":
            return self.reply(200, owner.data["session"])
        if path == "/api/v2/nodes":
            return self.reply(200, owner.data["nodes"])
        if path == "/api/v2/gpus" and owner.gpus:
            return self.reply(200, owner.gpus)
        if path == "/api/v2/jobs" and method == "GET":
            return self.jobs(query)
        if path == "/api/v2/jobs":
            return self.submit(body)
        if path.startswith("/api/v2/jobs/"):
            return self.job(method, path[len("/api/v2/jobs/"):].split("/"), query, body)
        recorded = owner.data["replies"].get("%s %s" % (method, urllib.parse.unquote(path)))
        if recorded is not None:
            return self.reply(200, recorded)
        return self.error(404, "NoApiError", "There is no such route.")

    def login(self, given):
        if given != {"username": "ana", "password": "correct horse"}:
            return self.error(400, "IncorrectPasswordError", "The user name or the password is wrong.")
        self.server.owner.revoked = False
        return self.reply(200, {"user": "ana", "token": TOKEN, "admin": True, "hasGitHubPAT": False})

    def jobs(self, query):
        rows = self.server.owner.data["jobs"]
        for field, key in (("username", "username"), ("virtualCluster", "vc"), ("state", "state")):
            if key in query:
                rows = [r for r in rows if r[field] in query[key].split(",")]
        if "keyword" in query:
            rows = [r for r in rows if query["keyword"] in r["name"] + " " + r["username"] + " " + r["virtualCluster"]]
        total = len(rows)
        offset = int(query.get("offset", query.get("cursor", 0)))
        end = offset + min(int(query.get("limit", 5000)), self.server.owner.page)
        rows = rows[offset:end]
        cursor = str(end) if end < total else None
        self.reply(200, {"nextCursor": cursor, "totalCount": total, "data": rows} if query.get("withTotalCount") else rows)

    def submit(self, body):
        owner = self.server.owner
        text = body.decode()
        names = [line[6:].split("#")[0].strip() for line in text.splitlines() if line.startswith("name: ")]
        if "unknownKey" in text:
            return self.error(400, "InvalidProtocolError", 'There is no key "unknownKey" here.', (3, 1))
        if not names:
            return self.error(400, "InvalidProtocolError", "The job has no name.")
        full = "ana~" + names[0]
        if full in owner.data["details"]:
            return self.error(409, "ConflictJobError", "There is a job %s already." % full)
        owner.submitted.append(text)
        owner.play(full)
        return self.reply(202, {"status": 202, "message": "submitted", "name": full, "jobId": "x"})

    def job(self, method, parts, query, body):
        owner = self.server.owner
        full = urllib.parse.unquote(parts[0])
        detail = owner.detail(full)
        if detail is None:
            return self.error(404, "NoJobError", "Job %s is not found." % full)
        if len(parts) == 1 or (parts[1] == "attempts" and len(parts) == 3):
            return self.reply(200, detail)
        if parts[1] == "config":
            return self.reply(200, b"name: x\n", "text/yaml")
        if parts[1] == "profile" and full in owner.profiles:
            return self.reply(200, owner.profiles[full])
        if parts[1] == "events":
            return self.reply(200, {"totalCount": 1, "data": [
                {"type": "Warning", "reason": "NodeLost", "message": "The node went away.", "taskroleName": "main",
                 "taskIndex": 0, "lastTimestamp": "2026-11-21T14:00:00.000Z", "count": 2}]})
        if parts[1] == "executionType" and method == "PUT" and json.loads(body) == {"value": "STOP"}:
            owner.stopped.append(full)
            return self.reply(202, {"status": 202, "message": "stopping"})
        if parts[-2] == "logs":
            return self.logs(full, int(parts[6]), query)
        return self.error(404, "NoApiError", "There is no such route.")

    def broken_reply(self, data, part):
        """All is announced, a part comes."""
        self.server.owner.break_at = 0
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data[:part])
        self.close_connection = True
        self.connection.shutdown(2)

    def logs(self, full, index, query):
        owner = self.server.owner
        if owner.logless > 0:
            owner.logless -= 1
            return self.error(404, "NoTaskLogError", "The log of this task attempt is not there.")
        data = owner.log_bytes(full, index)
        offset = int(query.get("offset", 0))
        size = [("X-Drover-Log-Size", str(len(data)))]
        if query.get("tailMode") == "true":
            return self.reply(200, data[-16384:], "text/plain; charset=utf-8", size)
        if query.get("follow") != "true":
            if owner.break_at > offset:
                return self.broken_reply(data[offset:], owner.break_at - offset)
            return self.reply(200, data[offset:], "text/plain; charset=utf-8", size)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(offset, len(data), 7):
            piece = data[at:at + 7]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            if owner.break_at and at >= owner.break_at:
                owner.break_at = 0
                self.close_connection = True
                self.connection.shutdown(2)
                return None
        self.wfile.write(b"0\r\n\r\n")
        return None


class FakeServer:
    def __init__(self):
        with open(os.path.join(SOURCE, "tui", "demo", "demo.json"), encoding="utf-8") as f:
            self.data = json.load(f)
        with open(os.path.join(SOURCE, "tui", "demo", "cluster.json"), encoding="utf-8") as f:
            self.data["replies"].update(json.load(f)["replies"])
        self.page = 5000  # jobs in one reply
        self.log, self.submitted, self.stopped = [], [], []
        self.fault = {}
        self.revoked = False
        self.break_at = 0
        self.logless = 0  # so many looks find no log yet
        self.logs = {}
        self.profiles = {}  # by full name
        self.gpus = None
        self.scripts = {}
        # What a submitted job does: one state a look.
        self.script = ["WAITING", "RUNNING", "SUCCEEDED"]
        self.exit_code = 0
        self.tasks = 1
        self.stop = threading.Event()

    def play(self, full):
        self.scripts[full] = list(self.script)

    def log_bytes(self, full, index):
        return self.logs.get((full, index)) or self.logs.get(full, self.data["logs"].get(full, self.data["logs"]["*"]).encode())

    def detail(self, full):
        if full not in self.scripts:
            return self.data["details"].get(full)
        script = self.scripts[full]
        state = script.pop(0) if len(script) > 1 else script[0]
        done = state in ("SUCCEEDED", "FAILED", "STOPPED")
        code = self.exit_code if done else None
        spec = {"code": code, "phrase": "UserCommandFailed", "reason": "The command failed.",
                "solution": ["Read the log."]} if state == "FAILED" else None
        return {"name": full, "jobId": "x", "jobStatus": {
            "username": full.split("~")[0], "state": state, "attemptId": 0, "virtualCluster": "default",
            "submissionTime": 1795269731000, "launchedTime": None if state == "WAITING" else 1795269732000,
            "completedTime": 1795269740000 if done else None, "appExitCode": code, "appExitSpec": spec,
            "waitReason": "Waiting for a GPU." if state == "WAITING" else None},
            "taskRoles": {"main": {"taskStatuses": [
                {"taskIndex": i, "attemptId": 0, "taskState": state, "node": "a100-01", "containerExitCode": code}
                for i in range(self.tasks)]}}}

    def __enter__(self):
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.owner = self
        self.url = "http://127.0.0.1:%d" % self.http.server_address[1]
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        return self

    def __exit__(self, *args):
        self.stop.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()
