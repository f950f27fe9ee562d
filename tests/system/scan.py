#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Scanners of others against the API, logged in: wapiti and sqlmap over every operation of its description, testssl.sh
over its TLS. For `./dev nightly`; `scan.py [wapiti|sqlmap|testssl]` runs one.

Scanners know links and parameters, not OpenAPI: a bridge gives each operation an address at which the parameters of its
path and query and the members of its body are all fields of one query, and asks the server in their place, with a
token. Before they are believed, each must find the hole that droverd-holes has for it (holes.py).
DROVER_SCAN_SECONDS bounds each run of a scanner (1800), and one that needs more has failed: it has not seen everything.
DROVER_SCAN_LEVEL is sqlmap's (2)."""
import copy
import csv
import glob
import html
import http.client
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import urllib.parse

import droverlib
import samples
from test_tls import make_certificate

HERE = os.path.dirname(os.path.abspath(__file__))
SECONDS = int(os.environ.get("DROVER_SCAN_SECONDS", "1800"))
LEVEL = os.environ.get("DROVER_SCAN_LEVEL", "2")
#: The operations in which droverd-holes has a hole for a scanner.
PLANTED = "GET /jobs"
#: A stream has no end to wait for.
ENDLESS = ("GET /stream",)
#: Values of query parameters whose type says too little; those without any are left out of a plain call.
QUERY = {"keyword": "there", "limit": "10", "offset": "0", "path": "", "tail-mode": "false", "order": "jobName,ASC", "cursor": "",
         "username": "admin", "vc": "default", "state": "SUCCEEDED", "tagsContain": "t", "tagsNotContain": "none",
         "jobPriority": "default", "archived": "false", "withTotalCount": "true", "nodes": "", "default": "false",
         "actor": "admin", "ip": "127.0.0.1", "method": "POST", "route": "/api/v2/groups", "status": "201", "code": "",
         "since": "1", "until": "", "before": "", "dryRun": "true", "mode": "", "send": "", "allowAdmin": "false"}
#: Not its tests of a web server's own files, nor those that need an address elsewhere.
WAPITI_MODULES = "xss,sql,file,exec,crlf,redirect,backup"


class Operation:
    """One operation as fields of a query."""

    def __init__(self, number, route, operation, params):
        self.number, self.route = number, route
        self.method, self.path = route.split(" ")
        self.media, self.body = "application/json", None
        self.fields, self.kinds, self.query = {}, {}, []
        for parameter in operation.get("parameters", ()):
            name = parameter["name"]
            if parameter["in"] == "path":  # what is there stays there for the other operations
                self.fields[name] = "none" if route.startswith("DELETE") else params.get(name, "none")
            else:
                self.query.append(name)
                value = QUERY.get(name, samples.sample(parameter["schema"]))
                self.fields[name] = value if isinstance(value, str) else json.dumps(value)  # "false", not "False"
        content = operation.get("requestBody", {}).get("content", {})
        if "text/yaml" in content or "text/csv" in content:
            self.media = "text/yaml" if "text/yaml" in content else "text/csv"
            self.fields["body"] = (droverlib.job_yaml("there", "exit 0") if "text/yaml" in content
                                   else "username,email\nann,ann@example.org\n")
        elif "application/json" in content:
            self.body = samples.body(route, operation)
            self.flatten("", self.body)
        elif content:  # an archive: what scanners write is none
            self.media, self.fields["body"] = next(iter(content)), "none"

    def flatten(self, prefix, value):
        if isinstance(value, dict):
            for key, inner in value.items():
                self.flatten(prefix + "." + key if prefix else key, inner)
            return
        name = "body:" + prefix
        self.kinds[name] = type(value)
        self.fields[name] = value if isinstance(value, str) else json.dumps(value)

    def link(self):
        return "/op/%d?%s" % (self.number, urllib.parse.urlencode(self.fields))

    def request(self, fields):
        """(method, path, body) for these fields."""
        quoted = {k: urllib.parse.quote(v, safe="~") for k, v in fields.items()}
        path = samples.fill(self.path, quoted)
        path = path if path in ("/healthz", "/readyz") else samples.API + path
        query = {k: fields[k] for k in self.query if fields.get(k)}
        if query:
            path += "?" + urllib.parse.urlencode(query)
        if "body" in self.fields:
            return self.method, path, fields.get("body", "")
        body = copy.deepcopy(self.body)
        if isinstance(body, list):  # whole, as it is: the list of a call that takes many
            return self.method, path, fields.get("body:", "")
        for name in self.kinds:
            self.put(body, name[len("body:"):].split("."), name, fields.get(name, ""))
        return self.method, path, None if body is None else json.dumps(body)

    def put(self, body, steps, name, text):
        for step in steps[:-1]:
            body = body[step]
        try:
            value = text if self.kinds[name] is str else json.loads(text)
        except ValueError:
            value = text
        body[steps[-1]] = value


class Bridge(http.server.ThreadingHTTPServer):
    """Serves the operations; `/` links to each."""

    daemon_threads = True

    def __init__(self, server):
        super().__init__(("127.0.0.1", 0), Handler)
        self.server = server
        client = droverlib.Client(server).login()
        self.token = client.token
        self.params = samples.prepare(client)
        client.json("PUT", samples.API + "/jobs/admin~there/tag", {"value": "t"})
        self.operations = [Operation(i, route, operation, self.params)
                           for i, (route, operation) in enumerate(samples.operations()) if route not in ENDLESS]
        self.by_number = {o.number: o for o in self.operations}
        self.asked = 0
        self.failures = {}  # of the server: {route: status}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def good(self):
        """How many operations a plain call of is well taken."""
        return sum(1 for o in self.operations if self.ask(o, o.fields).status < 300)

    def url(self, path="/"):
        return "http://127.0.0.1:%d%s" % (self.server_address[1], path)

    def handle_error(self, request, client_address):
        """Scanners hang up as they like."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def index(self, only=None):
        return "<html><body>%s</body></html>" % "".join(
            '<a href="%s">%s</a>\n' % (html.escape(o.link()), html.escape(o.route)) for o in self.operations
            if only in (None, o.route))

    def ask(self, operation, fields):
        """The server's answer to these fields. A scanner may have called what ends the login: then with another."""
        method, path, body = operation.request(fields)
        for _ in range(2):
            client = droverlib.Client(self.server, self.token)
            client.described = False
            reply = client.request(method, path, body, operation.media)
            if reply.status != 401:
                break
            self.token = droverlib.Client(self.server).login().token
        return reply


def in_json(text):
    """The bytes of a text inside a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1].encode(errors="surrogateescape")


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: a scanner would wait 40 ms for the second of two

    def log_message(self, format, *args):  # noqa: A002
        pass

    def do_GET(self):  # noqa: N802
        url = urllib.parse.urlsplit(self.path)
        parts = url.path.strip("/").split("/")
        if parts[0] == "op" and len(parts) == 2 and parts[1].isdigit() and int(parts[1]) in self.server.by_number:
            self.pass_on(self.server.by_number[int(parts[1])],
                         dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True)))
            return
        only = PLANTED if parts[0] == "planted" else None
        known = parts[0] in ("", "planted")
        self.answer(200 if known else 404, "text/html", self.server.index(only).encode() if known else b"no")

    def do_POST(self):  # noqa: N802
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.do_GET()

    def pass_on(self, operation, fields):
        bridge = self.server
        bridge.asked += 1
        reply = bridge.ask(operation, fields)
        if reply.status >= 500:
            bridge.failures[operation.route] = reply.status
        # The same call has the same answer: a scanner that compares answers would find its "true" and "false" by chance.
        body = reply.body.replace(reply.headers.get("x-request-id", "none").encode(), b"ID")
        for value in fields.values():  # the name of an image comes back as it is read, and is to be known again
            if "=" in value or "+" in value:
                body = body.replace(in_json(value.replace("+", "/").replace("=", ":")), in_json(value))
        self.answer(reply.status, reply.headers.get("content-type", "text/plain"), body)

    def answer(self, status, media, body):
        self.send_response(status)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def run(command, folder, seconds):
    """Runs a scanner in a folder of its own, with its home there; its output. One that takes longer has failed."""
    env = dict(os.environ, HOME=folder, XDG_DATA_HOME=folder, XDG_CONFIG_HOME=folder, TERM="dumb")
    with open(os.path.join(folder, "output"), "w+", encoding="utf-8", errors="replace") as out:
        try:
            subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=env, cwd=folder,
                           timeout=seconds)
        except subprocess.TimeoutExpired as e:
            raise SystemExit("%s was not through after %d s" % (command[0], seconds)) from e
        out.seek(0)
        return out.read()


def wapiti(bridge, planted, folder):
    """What wapiti finds: a list of texts."""
    report = os.path.join(folder, "report.json")
    start = bridge.url("/planted/" if planted else "/")
    output = run(["wapiti", "-u", start, "--scope", "domain", "-d", "1", "--flush-session", "--no-bugreport", "-v", "0",
                  "-m", "xss" if planted else WAPITI_MODULES, "--max-links-per-page", "500",
                  "-t", "10", "--store-session", folder, "-f", "json", "-o", report], folder, SECONDS)
    try:
        with open(report, encoding="utf-8") as f:
            found = json.load(f)
    except (OSError, ValueError) as e:
        raise SystemExit("wapiti made no report (%s):\n%s" % (e, output[-2000:])) from e
    return ["%s: %s %s" % (kind, hit.get("path"), hit.get("info")) for part in ("vulnerabilities", "anomalies")
            for kind, hits in found.get(part, {}).items() for hit in hits]


def sqlmap(bridge, planted, folder):
    """What sqlmap finds: a list of texts."""
    targets = os.path.join(folder, "targets")
    with open(targets, "w", encoding="utf-8") as f:
        f.writelines(bridge.url(o.link()) + "\n" for o in bridge.operations
                     if o.fields and (not planted or o.route == PLANTED))
    command = ["sqlmap", "-m", targets, "--batch", "--dbms", "SQLite", "--technique", "BEUS", "--threads", "4",
               "--level", LEVEL, "--risk", "2", "--disable-coloring", "--output-dir", folder, "--ignore-code", "*",
               "--flush-session", "--results-file", os.path.join(folder, "results.csv")]
    output = run(command + (["-p", "keyword"] if planted else []), folder, SECONDS)
    if "starting @" not in output:
        raise SystemExit("sqlmap did not run:\n" + output[-2000:])
    found = []
    for path in glob.glob(os.path.join(folder, "results*.csv")):
        with open(path, encoding="utf-8", newline="") as f:
            found += ["%s: %s" % (row["Parameter"], row["Target URL"][:200]) for row in csv.DictReader(f)
                      if row.get("Parameter")]
    print("  %d parameters were tested" % output.count("testing for SQL injection on GET parameter"))
    return found


def scan(name, scanner):
    """First the hole, then the server. 0 or 1."""
    for program in ("droverd-holes", "droverd"):
        planted = program != "droverd"
        with droverlib.Server(program=program) as server, tempfile.TemporaryDirectory(prefix="drover-scan-") as folder:
            bridge = Bridge(server)
            good = bridge.good()
            found = scanner(bridge, planted, folder)
            bridge.shutdown()
        print("%s on %s: %d operations (%d take a plain call), %d requests, %d findings" % (
            name, program, 1 if planted else len(bridge.operations), good, bridge.asked, len(found)), flush=True)
        if planted and not found:
            print("%s does not find what it is to find" % name)
            return 1
    for text in sorted(set(found)) + ["%s answered %d" % item for item in bridge.failures.items()]:
        print("  " + text)
    return 1 if found or bridge.failures else 0


def testssl():
    """Findings of testssl.sh that no line of testssl.allow excuses. 0 or 1."""
    with open(os.path.join(HERE, "testssl.allow"), encoding="utf-8") as f:
        names = [line.split(None, 1)[0] for line in f if line.strip() and not line.startswith("#")]
    allowed = {name.rstrip("?") for name in names}
    with tempfile.TemporaryDirectory(prefix="drover-scan-") as folder:
        certificate, key = make_certificate(folder, "scanned", 90)
        server = droverlib.Server({"tlsCertificate": certificate, "tlsKey": key})
        try:
            server.init()
            server.start(ready=False)
            report = os.path.join(folder, "report.json")
            output = run(["testssl", "--quiet", "--color", "0", "--warnings", "batch", "--jsonfile", report, "--severity", "LOW",
                          "127.0.0.1:%d" % server.address[1]], folder, SECONDS)
        finally:
            server.clean_up()
        if not os.path.exists(report):
            raise SystemExit("testssl.sh made no report:\n" + output[-2000:])
        with open(report, encoding="utf-8") as f:
            findings = json.load(f)
    bad = [f for f in findings if f["severity"] in ("LOW", "MEDIUM", "HIGH", "CRITICAL", "FATAL") and f["id"] not in allowed]
    unused = sorted(set(names) - {f["id"] for f in findings} - {name for name in names if name.endswith("?")})
    print("testssl: %d findings, %d excused, %d not" % (len(findings), len(findings) - len(bad), len(bad)))
    for f in bad:
        print("  %s %s: %s" % (f["severity"], f["id"], f["finding"]))
    for name in unused:
        print("  testssl.allow excuses %s, which is no finding any more" % name)
    return 1 if bad or unused else 0


def main():
    parts = {"wapiti": lambda: scan("wapiti", wapiti), "sqlmap": lambda: scan("sqlmap", sqlmap), "testssl": testssl}
    names = sys.argv[1:] or list(parts)
    return max(parts[name]() for name in names)


if __name__ == "__main__":
    sys.exit(main())
