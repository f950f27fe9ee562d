#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Raw HTTP. Two kinds of attack: those that hide a second request from whoever stands in front (its witness is a group
that only the second request makes), and those that must not be answered as if they were well formed."""
import json
import socket
import unittest

import attacks
import droverlib
from attacks import attack

LIBRARY = "libmicrohttpd"
#: So long nothing comes, then the sending side is closed: a server that waits for more then ends, too.
QUIET_S = 0.15

SMUGGLED = "smuggled"  # a second request hides in it
ANSWERED = "answered"  # it must not be answered with a 2xx


def post(*lines, body=b"", line_end=b"\r\n"):
    """A request that changes nothing, with these header lines (bytes or str), its body, and the smuggled one behind it."""
    return lambda c: c.head("POST /api/v2/tokens/application", *lines, line_end=line_end) + body + c.evil()


def inside(*lines, before=b"", after=b""):
    """The same, with the smuggled request as the body, or a part of it."""
    def make(c):
        body = before + c.evil() + after
        filled = [line.replace(b"LENGTH", b"%d" % len(body)) if isinstance(line, bytes)
                  else line.replace("LENGTH", str(len(body))) for line in lines]
        return c.head("POST /api/v2/tokens/application", *filled) + body
    return make


def get(*lines, target="/api/v2/session", version="HTTP/1.1", method="GET", host=True):
    return lambda c: c.head("%s %s" % (method, target), *lines, version=version, host=host)


def lengths():
    json_type = "Content-Type: application/json"
    for name, first, second in (("nought, then long", "0", "LENGTH"), ("twice the same", "LENGTH", "LENGTH"),
                                ("long, then nought", "LENGTH", "0")):
        yield attack("lengths", "two: " + name, (SMUGGLED, inside(json_type, "Content-Length: " + first,
                                                                  "Content-Length: " + second)),
                     None if first == "0" else "the first one counts, and is right")
    for name, line in (("blank before the colon", "Content-Length : LENGTH"), ("tab before the colon", "Content-Length\t: LENGTH"),
                       ("underscore", "Content_Length: LENGTH"), ("vertical tab", "\x0bContent-Length: LENGTH"),
                       ("a quote", "\"Content-Length\": LENGTH")):
        yield attack("lengths", name, (SMUGGLED, inside(json_type, line)))
    for value in ("0, LENGTH", "LENGTH, 0", "+LENGTH", "-1", "0xLENGTH", "0x0", "LENGTH.0", "LENGTH LENGTH", "1e3", "",
                  "LENGTHx", "\u0660", "99999999999999999999"):
        yield attack("lengths", "of %r" % value, (SMUGGLED, inside(json_type, "Content-Length: " + value)), LIBRARY)
    yield attack("lengths", "of a GET, twice", (SMUGGLED, lambda c: c.head(
        "GET /api/v2/session", "Content-Length: 0", "Content-Length: %d" % len(c.evil())) + c.evil()))
    yield attack("lengths", "of a DELETE, twice", (SMUGGLED, lambda c: c.head(
        "DELETE /api/v2/jobs/none/tag", "Content-Length: 0", "Content-Length: %d" % len(c.evil())) + c.evil()))
    yield attack("lengths", "of a HEAD, twice", (SMUGGLED, lambda c: c.head(
        "HEAD /api/v2/session", "Content-Length: 0", "Content-Length: %d" % len(c.evil())) + c.evil()))


def transfers():
    last = b"0\r\n\r\n"
    for name, lines in (("after a length", ("Content-Length: LENGTH", "Transfer-Encoding: chunked")),
                        ("before a length", ("Transfer-Encoding: chunked", "Content-Length: LENGTH")),
                        ("twice", ("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")),
                        ("and identity", ("Transfer-Encoding: chunked", "Transfer-Encoding: identity", "Content-Length: LENGTH"))):
        yield attack("transfer", name, (SMUGGLED, inside(*lines, before=last)))
    for value in ("xchunked", "chunked, identity", "identity, chunked", "gzip, chunked", "chunked;q=1", "\"chunked\"",
                  "chunked\x0b", "\x0bchunked", "chunke", "identity"):
        yield attack("transfer", "of %r" % value, (SMUGGLED, inside("Transfer-Encoding: " + value, before=last)),
                     LIBRARY)
        yield attack("transfer", "of %r with a length" % value, (
            SMUGGLED, inside("Content-Length: 5", "Transfer-Encoding: " + value, before=last)))
    for line in ("Transfer-Encoding : chunked", "Transfer_Encoding: chunked", "X: y\n Transfer-Encoding: chunked",
                 "Transfer-Encoding\x00: chunked"):
        yield attack("transfer", "%r with a length" % line, (SMUGGLED, inside("Content-Length: 5", line, before=last)),
                     LIBRARY if "\x00" in line else None)
    yield attack("transfer", "in HTTP/1.0", (SMUGGLED, lambda c: c.head(
        "POST /api/v2/tokens/application", "Transfer-Encoding: chunked", "Connection: keep-alive",
        version="HTTP/1.0") + last + c.evil()))


def lines():
    """For who is in front a line goes on to its CRLF; the library ends it at a bare LF or CR."""
    for name, end in (("LF", b"\n"), ("CR", b"\r")):
        yield attack("lines", "a bare %s ends the head" % name, (SMUGGLED, lambda c, e=end: c.head(
            "GET /api/v2/session", b"X: y" + e + e + c.evil())), None if name == "LF" else LIBRARY)
        yield attack("lines", "a bare %s hides a length" % name, (SMUGGLED, inside(
            "Content-Type: application/json", b"X: y" + end + b"Content-Length: 0")))
        yield attack("lines", "bare %s throughout" % name, (ANSWERED, lambda c, e=end: c.head(
            "GET /api/v2/session", "Connection: close", line_end=e)), None if name == "LF" else LIBRARY)
        yield attack("lines", "a bare %s behind the request line" % name, (ANSWERED, lambda c, e=end: c.head(
            "GET /api/v2/session", "Connection: close").replace(b"HTTP/1.1\r\n", b"HTTP/1.1" + e, 1)))
        yield attack("lines", "a bare %s behind a field" % name, (ANSWERED, lambda c, e=end: c.head(
            "GET /api/v2/session", b"X: y" + e + b"Z: y", "Connection: close")))
        yield attack("lines", "a bare %s as the empty line" % name, (ANSWERED, lambda c, e=end: c.head(
            "GET /api/v2/session", "Connection: close")[:-2] + e), None if name == "LF" else LIBRARY)
    yield attack("lines", "folded", (ANSWERED, get("X: y\r\n folded", "Connection: close")))
    yield attack("lines", "folded with a tab", (ANSWERED, get("X: y\r\n\tfolded", "Connection: close")))
    yield attack("lines", "a folded length", (SMUGGLED, inside("Content-Type: application/json", "Content-Length:\r\n LENGTH")))
    yield attack("lines", "the first line folded", (ANSWERED, lambda c: c.head("GET /api/v2/session").replace(
        b"\r\nHost", b"\r\n X: y\r\nHost", 1)))
    yield attack("lines", "NUL in a value", (ANSWERED, get(b"X: y\0z", "Connection: close")))
    yield attack("lines", "NUL hides a length", (SMUGGLED, inside("Content-Length: 0\0LENGTH", "Content-Type: application/json")))
    yield attack("lines", "NUL behind a value", (ANSWERED, get(b"X: y\0", "Connection: close")))
    yield attack("lines", "NUL in a name", (ANSWERED, get(b"X\0Y: y", "Connection: close")), LIBRARY)
    yield attack("lines", "NUL behind the version", (ANSWERED, lambda c: c.head("GET /api/v2/session", "Connection: close").replace(
        b"HTTP/1.1\r", b"HTTP/1.1\0\r", 1)))
    yield attack("lines", "no colon", (ANSWERED, get("X y", "Connection: close")), LIBRARY)
    yield attack("lines", "no name", (ANSWERED, get(": y", "Connection: close")))
    yield attack("lines", "blank in a name", (ANSWERED, get("X Y: z", "Connection: close")))
    yield attack("lines", "control character in a value", (ANSWERED, get("X: y\x01z", "Connection: close")))


def chunks():
    """The body's end is a matter of taste: nothing that stands behind it may be read as a request."""
    head = ("Content-Type: application/json", "Transfer-Encoding: chunked")
    bodies = (("well formed", b"2\r\n{}\r\n0\r\n\r\n", None), ("bare LF", b"2\n{}\n0\n\n", None),
              ("an extension", b"2;a=b\r\n{}\r\n0\r\n\r\n", None),
              ("LF in an extension", b"2;\n{}\r\n0\r\n\r\n", None),
              ("a quoted extension", b"2;a=\"\r\n\"\r\n{}\r\n0\r\n\r\n", LIBRARY),
              ("blank behind the size", b"2 \r\n{}\r\n0\r\n\r\n", LIBRARY),
              ("signed size", b"+2\r\n{}\r\n0\r\n\r\n", LIBRARY), ("0x", b"0x2\r\n{}\r\n0\r\n\r\n", LIBRARY),
              ("a negative size", b"-2\r\n{}\r\n0\r\n\r\n", LIBRARY),
              ("no size", b"\r\n{}\r\n0\r\n\r\n", LIBRARY),
              ("2^64 and 2", b"10000000000000002\r\n{}\r\n0\r\n\r\n", LIBRARY),
              ("seventeen digits", b"00000000000000002\r\n{}\r\n0\r\n\r\n", None),
              ("a huge chunk", b"FFFFFFFFFFFFFFF0\r\n{}\r\n0\r\n\r\n", LIBRARY),
              ("a chunk of 2 GiB", b"7FFFFFFF\r\n{}\r\n0\r\n\r\n", LIBRARY),
              ("longer than its size", b"2\r\n{}x\r\n0\r\n\r\n", LIBRARY),
              ("no line end behind the chunk", b"2\r\n{}0\r\n\r\n", LIBRARY),
              ("a NUL in the size", b"2\0\r\n{}\r\n0\r\n\r\n", LIBRARY),
              ("a trailer", b"2\r\n{}\r\n0\r\nX: y\r\n\r\n", None),
              ("a length as trailer", b"2\r\n{}\r\n0\r\nContent-Length: 900\r\n\r\n", None),
              ("a host as trailer", b"2\r\n{}\r\n0\r\nHost: y\r\n\r\n", None),
              ("a bare LF ends the trailer", b"2\r\n{}\r\n0\r\nX: y\n\n", None),
              ("many noughts", b"2\r\n{}\r\n000\r\n\r\n", None))
    for name, body, by in bodies:
        yield attack("chunks", name, (SMUGGLED, post(*head, body=body)), by)
    yield attack("chunks", "a request in an extension", (SMUGGLED, lambda c: c.head(
        "POST /api/v2/tokens/application", *head) + b"2;" + c.evil() + b"\r\n{}\r\n0\r\n\r\n"), LIBRARY)
    yield attack("chunks", "a request in a trailer", (SMUGGLED, lambda c: c.head(
        "POST /api/v2/tokens/application", *head) + b"2\r\n{}\r\n0\r\nX: y\n\n" + c.evil() + b"\r\n"))


def fields():
    close = "Connection: close"
    host = "host"
    yield attack(host, "twice", (ANSWERED, get("Host: y", close)))
    yield attack(host, "missing", (ANSWERED, get(close, host=False)), LIBRARY)
    for value in ("", "a b", "a/b", "a@b", "a,b", "\u00e4", "a\"b", "x" * 300, "a%00b", "<a>"):
        yield attack(host, "of %r" % value[:20], (ANSWERED, get("Host: " + value, close, host=False)))
    for name in ("Cookie", "Content-Type", "Origin", "Sec-Fetch-Site", "X-Drover-Csrf", "Last-Event-ID"):
        yield attack("repeated", name, (ANSWERED, get("%s: a" % name, "%s: b" % name, close)))
    yield attack("repeated", "Authorization", (ANSWERED, get("Authorization: Bearer x", close)))
    yield attack("sizes", "65 fields", (ANSWERED, get(*["A%d: b" % i for i in range(65)], close)))
    yield attack("sizes", "1,000 fields", (ANSWERED, get(*["A: b"] * 1000, close)))
    yield attack("sizes", "a field of 64 KB", (ANSWERED, get("A: " + "b" * 65536, close)), LIBRARY)
    yield attack("sizes", "a path of 64 KB", (ANSWERED, get(close, target="/" + "a" * 65536)), LIBRARY)


def first_lines():
    close = "Connection: close"
    for method in ("TRACE", "CONNECT", "get", "Get", "BREW", "PROPFIND", "GET\x01", "G", "DEBUG"):
        yield attack("methods", repr(method), (ANSWERED, get(close, method=method)))
    for version in ("HTTP/2.0", "HTTP/1.2", "HTTP/1.10", "http/1.1", "HTTP/0.9", "HTTP/1.1x", "XTTP/1.1", "HTTP/1,1"):
        yield attack("versions", version, (ANSWERED, get(close, version=version)),
                     None if version in ("HTTP/1.2", "HTTP/1.10", "HTTP/1.1x", "HTTP/1,1") else LIBRARY)
    yield attack("versions", "HTTP/2 preface", (ANSWERED, lambda c: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + c.head(
        "GET /api/v2/session", close)), LIBRARY)
    yield attack("paths", "an encoded slash", (ANSWERED, get(close, target="/api%2fv2/session")))
    yield attack("paths", "an encoded slash, upper case", (ANSWERED, get(close, target="/api/v2%2Fsession")))
    # What stands behind a NUL is there for who is in front, and not for a C string.
    for target in ("/api/v2/session%00", "/api/v2/session%00/x", "/api/v2/session%00.css", "/api/v2/users/admin%00x",
                   "/api/v2/users/admin%00/../../x", "/api/v2/session?x=%00"):
        yield attack("paths", target, (ANSWERED, get(close, target=target)))
    for target in ("/api/v2/../v2/session", "/api/v2/%2e%2e/v2/session", "/api/v2/./session", "/api/v2/users/admin%0a",
                   "/api/v2/users/admin%7f", "/api/v2%5csession", "/api/v2/%c0%afsession", "/api/v2/sess%69on%0d%0a",
                   "/api/v2/%zz", "/api/v2/%", "http://x/api/v2/session", "//x/api/v2/session", "*", "api/v2/session",
                   "/api/v2/session;x=y", "/api/v2/session\t", "/api/v2\\session"):
        yield attack("paths", target, (ANSWERED, get(close, target=target)), "no route of that name")


ALL = [*lengths(), *transfers(), *lines(), *chunks(), *fields(), *first_lines()]


class RawHttp(attacks.Corpus, unittest.TestCase):
    def attacks(self):
        return ALL

    def prepare(self, server):
        self.server = server
        self.admin = droverlib.Client(server).login()
        self.count = 0
        self.assertEqual(self.exchange(self.head("GET /api/v2/session", "Connection: close")), 200)
        self.count += 1
        self.exchange(self.evil())
        self.assertTrue(self.witness(), "the smuggled request works where it is none")

    def head(self, line, *fields, version="HTTP/1.1", line_end=b"\r\n", host=True):
        parts = ["%s %s" % (line, version)] + ["Host: x"] * host + ["Authorization: Bearer " + self.admin.token]
        parts = [p if isinstance(p, bytes) else p.encode() for p in parts + list(fields)]
        return line_end.join(parts) + 2 * line_end

    def evil(self):
        body = json.dumps({"groupname": "smuggled%d" % self.count}).encode()
        return self.head("POST /api/v2/groups", "Content-Type: application/json", "Content-Length: %d" % len(body),
                         "Connection: close") + body

    def witness(self):
        return self.admin.request("GET", "/api/v2/groups/smuggled%d" % self.count).status == 200

    def exchange(self, data):
        """The status of the first answer; returns when the server has closed the connection."""
        answer = b""
        with socket.create_connection(self.server.address, timeout=QUIET_S) as s:
            try:
                s.sendall(data)
                waiting = True
                while True:
                    try:
                        part = s.recv(65536)
                    except socket.timeout:
                        if not waiting:
                            raise
                        waiting = False
                        s.shutdown(socket.SHUT_WR)
                        s.settimeout(10 * droverlib.TIME_SCALE)
                        continue
                    if not part:
                        break
                    answer += part
            except (ConnectionResetError, BrokenPipeError):
                pass
        return int(answer.split(b" ", 2)[1]) if answer.startswith(b"HTTP/1.") else 0

    def through(self, a):
        kind, make = a.what
        self.count += 1
        status = self.exchange(make(self))
        if kind == SMUGGLED:
            return self.witness()
        return 200 <= status < 300


if __name__ == "__main__":
    unittest.main()
