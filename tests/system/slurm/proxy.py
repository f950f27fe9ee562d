# SPDX-License-Identifier: MIT
"""A scripted HTTP proxy in front of slurmrestd: passes on, or does what a broken network, daemon or stranger would.

    with Proxy(cluster.url) as p:
        p.fault("lost", "POST", "/job/submit", times=5)   the next five submissions arrive; their answers do not
        p.fault("html")                                   everything, until p.heal()
        with p.refusing(): ...                            nobody listens
        p.seen                                            [(method, path, fault or "")] of what came
"""
import contextlib
import http.client
import http.server
import json
import re
import socket
import struct
import threading
import urllib.parse

#: What "huge" sends at most, in bytes, if it is let.
HUGE, BLOCK = 1 << 30, b" " * 65536


def _reset(handler):
    """Ends the connection with an RST."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.connection.close()


def _send(handler, status, data, kind="application/json", **headers):
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(data)))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(data)


def _pass_on(handler):
    """The true answer."""
    status, kind, data = handler.upstream()
    _send(handler, status, data, kind)


def _hang(handler):
    """Reads the request, and says nothing until the proxy heals; then ends the connection."""
    handler.proxy.healed.wait()
    _reset(handler)


def _cut(handler):
    """Half of the true answer, then an RST."""
    status, kind, data = handler.upstream()
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data[:len(data) // 2])
    handler.wfile.flush()
    _reset(handler)


def _lost(handler):
    """The request arrives and is done; the answer is dropped."""
    handler.upstream()
    _reset(handler)


def _html(handler):
    """What a gateway's error page looks like."""
    _send(handler, 200, b"<!DOCTYPE html><html><body><h1>It works!</h1></body></html>\n", "text/html")


def _busy(handler):
    _send(handler, 429, b"slow down\n", "text/plain", Retry_After="1")


def _error(handler):
    _send(handler, 500, b'{"meta":{},"errors":[{"error_number":-1,"error":"Unspecified error"}]}')


def _redirect(handler):
    """To a place that must never be asked."""
    _send(handler, 302, b"", Location="http://127.0.0.1:9/stolen")


def _huge(handler):
    """JSON without end, until the peer has enough; how much it took is added to `swallowed`."""
    handler.send_response(200)
    handler.send_header("Content-Type", "application/json")
    handler.end_headers()
    handler.close_connection = True
    with contextlib.suppress(OSError):
        handler.wfile.write(b'{"jobs":[')
        for _ in range(HUGE // len(BLOCK)):
            handler.wfile.write(BLOCK)
            handler.proxy.swallowed += len(BLOCK)


def _twisted(value):
    """The same JSON with each leaf of another type, and lists for objects at the ends."""
    if isinstance(value, dict):
        return {k: _twisted(v) for k, v in value.items()}
    if isinstance(value, list):
        return {"0": _twisted(value[0])} if value else 7
    if isinstance(value, bool) or value is None:
        return [value]
    return {"number": value} if isinstance(value, str) else "x%s" % value


def _wrong_types(handler):
    status, kind, data = handler.upstream()
    _send(handler, status, json.dumps(_twisted(json.loads(data))).encode(), kind)


def _garbage(handler):
    """No JSON, cut within a UTF-8 sequence, with a NUL."""
    _send(handler, 200, b'{"jobs":[{"job_id":\xff\xc3\x00')


def _backwards(handler):
    """Jobs are shown as waiting, wherever they are."""
    status, kind, data = handler.upstream()
    reply = json.loads(data)
    for job in reply.get("jobs", ()):
        job.update({"job_state": "PENDING", "nodes": "", "batch_host": "", "start_time": 0, "end_time": 0})
    _send(handler, status, json.dumps(reply).encode(), kind)


def _missing(handler):
    """Slurm does not know the job, nor any."""
    if re.search(r"/job/\d+$", handler.plain_path()):
        _send(handler, 500, b'{"meta":{},"errors":[{"error_number":2017,"error":"Invalid job id specified"}],"jobs":[]}')
    else:
        status, kind, data = handler.upstream()
        _send(handler, status, json.dumps(dict(json.loads(data), jobs=[])).encode(), kind)


FAULTS = {"": _pass_on, "reset": _reset, "hang": _hang, "cut": _cut, "lost": _lost, "html": _html, "busy": _busy,
          "error": _error, "redirect": _redirect, "huge": _huge, "wrong types": _wrong_types, "garbage": _garbage,
          "backwards": _backwards, "missing": _missing}


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    proxy = None

    def plain_path(self):
        return urllib.parse.urlsplit(self.path).path

    def upstream(self):
        """(status, type, bytes) of slurmrestd's answer to this request."""
        connection = http.client.HTTPConnection(self.proxy.peer, timeout=60)
        try:
            headers = {k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection", "expect")}
            connection.request(self.command, self.path, self.body or None, headers)
            r = connection.getresponse()
            return r.status, r.getheader("Content-Type", "application/json"), r.read()
        finally:
            connection.close()

    def answer(self):
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        name = self.proxy.choose(self.command, self.plain_path())
        try:
            FAULTS[name](self)
        except (OSError, http.client.HTTPException):
            with contextlib.suppress(OSError):
                _reset(self)

    do_GET = do_POST = do_DELETE = answer

    def handle_one_request(self):
        with contextlib.suppress(OSError, ValueError):
            return super().handle_one_request()
        self.close_connection = True
        return None

    def finish(self):
        with contextlib.suppress(OSError, ValueError):
            super().finish()

    def log_message(self, *args):
        pass


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def shutdown_request(self, request):
        with contextlib.suppress(OSError):
            super().shutdown_request(request)

    def handle_error(self, *args):
        pass


class Proxy:
    """`url`: where it listens; `seen`: what came; `swallowed`: bytes that "huge" got rid of."""

    def __init__(self, upstream):
        self.peer = urllib.parse.urlsplit(upstream).netloc
        self.lock, self.healed = threading.Lock(), threading.Event()
        self.rules, self.seen, self.swallowed = [], [], 0
        self.server, self.port = None, 0
        # Bound as long as the proxy is there: while it refuses, the port is nobody else's.
        self.held = socket.socket()
        self.held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.held.bind(("127.0.0.1", 0))
        self.port = self.held.getsockname()[1]
        self._listen()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.port

    def _listen(self):
        self.server = _Server(("127.0.0.1", self.port), type("Handler", (_Handler,), {"proxy": self}))
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self):
        self.heal()
        if self.server:
            self.server.shutdown()
            self.server.server_close()
        self.held.close()

    def fault(self, name, method="", path="", times=None):
        """From now on, the next `times` requests (None: all) with that method and this in their path ("" = any) meet
        the fault. Of several rules that fit, the first one counts."""
        if name not in FAULTS:
            raise KeyError(name)
        with self.lock:
            self.healed.clear()
            self.rules.append([name, method, path, times])

    def heal(self):
        """Passes everything on; what hangs is cut."""
        with self.lock:
            self.rules = []
            self.healed.set()

    def choose(self, method, path):
        """The fault that a request meets."""
        with self.lock:
            name = ""
            for rule in self.rules:
                if rule[1] in ("", method) and rule[2] in path and rule[3] != 0:
                    name = rule[0]
                    rule[3] = rule[3] and rule[3] - 1
                    break
            self.seen.append((method, path, name))
            return name

    def count(self, name):
        """How many requests met that fault."""
        with self.lock:
            return sum(1 for s in self.seen if s[2] == name)

    @contextlib.contextmanager
    def refusing(self):
        """Nobody listens within; kept connections last until their next request."""
        self.server.shutdown()
        self.server.server_close()
        self.server = None
        with self.lock:
            self.rules.insert(0, ["reset", "", "", None])
        try:
            yield
        finally:
            with self.lock:
                self.rules.pop(0)
            self._listen()
