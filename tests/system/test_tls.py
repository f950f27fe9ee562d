#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""TLS by the server itself: versions, cookies and headers, a certificate renewed under load, what is refused."""
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest

import droverlib


def make_certificate(folder, name, days=30):
    """A certificate for 127.0.0.1 that signs itself: (certificate, key)."""
    paths = [os.path.join(folder, name + end) for end in (".crt", ".key")]
    request = os.path.join(folder, name + ".csr")
    extensions = os.path.join(folder, name + ".ext")
    with open(extensions, "w", encoding="ascii") as f:
        f.write("subjectAltName=IP:127.0.0.1\n")
    for command in (["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                     "-subj", "/CN=" + name, "-keyout", paths[1], "-out", request],
                    ["x509", "-req", "-in", request, "-signkey", paths[1], "-days", str(days),
                     "-extfile", extensions, "-out", paths[0]]):
        subprocess.run(["openssl"] + command, check=True, capture_output=True)
    os.chmod(paths[1], 0o600)
    return paths


class Tls(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="drover-tls-")
        self.addCleanup(self.folder.cleanup)
        self.certificate, self.key = make_certificate(self.folder.name, "first")

    def serve(self, **config):
        server = droverlib.Server(dict({"tlsCertificate": self.certificate, "tlsKey": self.key}, **config))
        server.tls = ssl.create_default_context(cafile=self.certificate)
        self.addCleanup(server.clean_up)
        server.init()
        return server

    def handshake(self, server, context):
        with socket.create_connection(server.address, timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                return secure.version(), secure.cipher()[0], secure.getpeercert(binary_form=True)

    def test_a_client_that_wants_another_handshake_is_hung_up(self):
        server = self.serve()
        server.start()
        with subprocess.Popen(["openssl", "s_client", "-tls1_2", "-connect", "127.0.0.1:%d" % server.address[1]],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as client:
            client.stdin.write(b"R\n")  # its command; taken when the first handshake is done
            client.stdin.flush()
            said = client.stdout.read()  # to its end, which is not ours: its input stays open
        self.assertIn(b"RENEGOTIATING", said)
        self.assertEqual(said.count(b"Server certificate"), 1, said)

    def test_versions_cookies_headers(self):
        server = self.serve()
        server.start()
        client = droverlib.Client(server).login()
        name = client.submit(droverlib.job_yaml("secure", "exit 0"))
        self.assertEqual(client.wait(name)["jobStatus"]["state"], "SUCCEEDED")
        opened = client.request("POST", "/api/v2/session",
                                {"username": droverlib.ADMIN, "password": droverlib.PASSWORD})
        cookie = opened.headers["set-cookie"]
        self.assertTrue(cookie.startswith("__Host-drover="), cookie)
        for mark in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
            self.assertIn(mark, cookie)
        self.assertRegex(opened.headers["strict-transport-security"], r"max-age=31536000")
        with open(os.path.join(server.data, "listen"), encoding="ascii") as f:
            self.assertTrue(f.read().startswith("https://"))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = ssl.create_default_context(cafile=self.certificate)
            context.minimum_version = context.maximum_version = version
            _, cipher, _ = self.handshake(server, context)
            self.assertRegex(cipher, "GCM|CHACHA20")

    def test_old_and_weak_are_refused(self):
        server = self.serve()
        server.start()
        for version, ciphers in ((ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"),
                                 (ssl.TLSVersion.TLSv1_2, "AES128-SHA:AES256-SHA:AES128-GCM-SHA256"),
                                 (ssl.TLSVersion.TLSv1_2, "ECDHE-ECDSA-AES128-SHA:ECDHE-ECDSA-AES128-SHA256")):
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.set_ciphers(ciphers)
            context.minimum_version = context.maximum_version = version
            with self.subTest(ciphers), self.assertRaises((ssl.SSLError, ConnectionError)):
                self.handshake(server, context)
        # Plain HTTP on the TLS port: no answer that a page could use.
        _, answer, _ = droverlib.raw_exchange(server.address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertFalse(answer.startswith(b"HTTP/1.1 2"))

    def test_a_renewed_certificate(self):
        server = self.serve()
        server.start()
        client = droverlib.Client(server).login()
        second = make_certificate(self.folder.name, "second")
        context = ssl.create_default_context(cafile=self.certificate)
        context.load_verify_locations(second[0])
        before = self.handshake(server, context)[2]
        # Half a renewal: the key does not fit yet. The old pair stays.
        os.replace(second[0], self.certificate)
        os.kill(server.pid, signal.SIGHUP)
        droverlib.wait_until(lambda: b"tls_reload" in server.log_tail().encode(), "the reload was tried")
        self.assertEqual(self.handshake(server, context)[2], before)
        os.replace(second[1], self.key)
        os.kill(server.pid, signal.SIGHUP)
        droverlib.wait_until(lambda: self.handshake(server, context)[2] != before, "the new certificate is served")
        self.assertEqual(client.request("GET", "/api/v2/tokens/check").status, 200)  # the old connection goes on

    def refused(self, words, **config):
        server = self.serve(**config)
        with self.assertRaisesRegex(RuntimeError, words):
            server.start()

    def test_what_does_not_start(self):
        other = make_certificate(self.folder.name, "other")
        expired = make_certificate(self.folder.name, "expired", days=-1)
        self.refused("is not the key of", tlsKey=other[1])
        self.refused("has expired", tlsCertificate=expired[0], tlsKey=expired[1])
        self.refused("tlsKey", tlsKey="")
        self.refused("No such file", tlsCertificate="/nonexistent.pem")
        os.chmod(self.key, 0o644)
        self.refused("mode 0600")

    def test_plain_http_stays_at_home(self):
        server = droverlib.Server()
        self.addCleanup(server.clean_up)
        server.init()
        run = subprocess.run([droverlib.binary("droverd"), "serve", "--data", server.data, "--listen", "0.0.0.0:0"],
                             capture_output=True, text=True, timeout=60)
        self.assertEqual(run.returncode, 1)
        self.assertIn("loopback only", run.stderr)


if __name__ == "__main__":
    unittest.main()
