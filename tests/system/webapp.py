# SPDX-License-Identifier: MIT
"""A job's web app, for test_apps.py and web/apps.py: tells what it was sent, sends what it is asked for, echoes a WebSocket, and
has a page that tries what a hostile one would.

    python3 webapp.py PORT FOLDER
"""
import base64
import hashlib
import http.server
import json
import os
import sys
import time

FOLDER = sys.argv[2] if len(sys.argv) > 2 else "."
#: Its script asks the app, the WebSocket, and then what is the portal's (the query names its address).
PAGE = b"""<!doctype html><title>app</title><pre id="seen"></pre><script>
async function attempt(what) {
  try { return await what(); } catch (error) { return "refused: " + error.name; }
}
const echo = () => new Promise((done, fail) => {
  const socket = new WebSocket(new URL("ws", location.href.replace(/^http/, "ws")));
  socket.onopen = () => socket.send("ping");
  socket.onmessage = (event) => { done(event.data); socket.close(); };
  socket.onerror = () => fail(new Error("socket"));
});
(async () => {
  const portal = new URLSearchParams(location.search).get("portal");
  const api = (init) => attempt(async () => (await fetch(portal + "api/v2/jobs", { credentials: "include", ...init })).type);
  document.querySelector("#seen").textContent = JSON.stringify({
    app: await attempt(async () => (await (await fetch("x")).json()).method),
    echo: await attempt(echo),
    cookies: await attempt(async () => document.cookie),
    storage: await attempt(async () => String(localStorage.length)),
    read: await api({}),
    write: await api({ method: "POST", headers: { "Content-Type": "text/yaml" }, body: "x" }),
    opener: String(window.opener),
  });
})();
</script>"""
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, body, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        path = self.path.split("?")[0]
        if self.headers.get("Upgrade"):
            self.web_socket()
        elif path == "/big":
            with open(os.path.join(FOLDER, "big"), "rb") as f:
                self.answer(f.read())
        elif path == "/page":
            self.answer(PAGE, Content_Type="text/html")
        elif path == "/moved":
            self.answer(b"", 302, Location="/here")
        elif path == "/cookies":
            self.send_response(200)
            for cookie in ("own=1; Path=/; Domain=example.com", "drover=stolen", "__Host-drover=stolen; Secure; Path=/"):
                self.send_header("Set-Cookie", cookie)
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif path == "/drip":  # never ends by itself
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for i in range(100000):
                self.wfile.write(b"4\r\n%03d\n\r\n" % (i % 1000))
                time.sleep(0.02)
        elif path == "/endless":  # as fast as it is taken
            self.send_response(200)
            self.end_headers()
            self.close_connection = True
            sent = 0
            while True:
                self.wfile.write(b"x" * 65536)
                sent += 65536
                with open(os.path.join(FOLDER, "sent"), "w", encoding="ascii") as f:
                    f.write(str(sent))
        elif path == "/head":  # more of a head than goes through
            self.answer(b"", X_Long="y" * 20000)
        else:
            self.tell(b"")

    do_HEAD = do_GET

    def do_POST(self):
        self.tell(self.rfile.read(int(self.headers.get("Content-Length", 0))))

    do_PUT = do_DELETE = do_POST

    def tell(self, body):
        self.answer(json.dumps({"method": self.command, "path": self.path, "headers": self.headers.items(),
                                "sha256": hashlib.sha256(body).hexdigest()}).encode(),
                    Content_Type="application/json", Connection="keep-alive, X-Hop", X_Hop="1", X_End="2")

    def web_socket(self):
        """Echoes frames as they are, masks off, until one of them is a close."""
        accept = base64.b64encode(hashlib.sha1(self.headers["Sec-WebSocket-Key"].encode() + GUID).digest()).decode()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept)
        self.end_headers()
        self.close_connection = True
        while True:
            head = self.rfile.read(2)
            if len(head) < 2:
                return
            size = head[1] & 127
            size = int.from_bytes(self.rfile.read({126: 2, 127: 8}[size]), "big") if size > 125 else size
            mask = self.rfile.read(4)
            data = bytes(a ^ b for a, b in zip(self.rfile.read(size), (mask * (size // 4 + 1))[:size]))
            length = bytes([size]) if size < 126 else b"\x7e" + size.to_bytes(2, "big")
            self.wfile.write(head[:1] + length + data)
            if head[0] & 15 == 8:
                return

    def log_message(self, format, *args):  # pylint: disable=redefined-builtin
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
