# SPDX-License-Identifier: MIT
"""Bad input: a 4xx in under 100 ms with a message that names the place, and nothing stored."""
import json
import time
import unittest

import droverlib

LIMIT_S = 0.1 * droverlib.TIME_SCALE
GOOD = droverlib.job_yaml("bad-input", "exit 0")
ALIAS_BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    "a%d: &a%d [%s]\n" % (i, i, ", ".join(["*a%d" % (i - 1)] * 9)) for i in range(1, 12))


class BadInputTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = droverlib.Server()
        cls.server.__enter__()
        cls.addClassCleanup(cls.server.clean_up)
        cls.token = droverlib.Client(cls.server).login().token

    def refused(self, exchange, status, *words):
        """`exchange()` gives (status, body, seconds): it is refused fast, says why, and no row is stored."""
        before = self.server.row_counts()
        took = []
        for _ in range(20):  # until one is fast: other tests share the machine
            code, body, seconds = exchange()
            self.assertIn(code, status, body[:2000])
            took.append(seconds)
            if seconds < LIMIT_S:
                break
        self.assertLess(min(took), LIMIT_S)
        self.assertEqual(self.server.row_counts(), before, "a refused request stored rows")
        text = body.decode("utf-8", "replace")
        for word in words:
            self.assertIn(word, text)
        return text

    def submit(self, body, content_type="text/yaml"):
        def exchange():
            client = droverlib.Client(self.server, self.token)
            begin = time.monotonic()
            r = client.request("POST", "/api/v2/jobs", body, content_type)
            seconds = time.monotonic() - begin
            client.close()
            self.assertEqual(r.headers.get("content-type", "").split(";")[0], "application/problem+json")
            return r.status, r.body, seconds
        return exchange

    def raw(self, data):
        def exchange():
            status, answer, seconds = droverlib.raw_exchange(self.server.address, data)
            return status, answer.partition(b"\r\n\r\n")[2], seconds
        return exchange

    def head(self, line, *more):
        lines = (line, "Host: localhost", "Authorization: Bearer " + self.token) + more
        return "\r\n".join(lines).encode() + b"\r\n\r\n"

    # --- the job's YAML and JSON ---

    def place(self, text, pointer=None, line=None):
        """The error list names this place."""
        errors = json.loads(text).get("errors") or []
        if pointer is not None:
            self.assertIn(pointer, [e.get("pointer") for e in errors], text)
        if line is not None:
            self.assertIn(line, [e.get("line") for e in errors], text)

    def test_unknown_top_level_key(self):
        text = self.refused(self.submit(GOOD + "taskRolez: {}\n"), (400,), "taskRolez")
        self.place(text, pointer="/taskRolez", line=GOOD.count("\n") + 1)

    def test_duplicate_key(self):
        text = self.refused(self.submit(GOOD + "name: again\n"), (400,), "duplicate")
        self.place(text, line=GOOD.count("\n") + 1)

    def test_duplicate_key_in_json(self):
        self.refused(self.submit('{"protocolVersion": 2, "name": "a", "name": "b"}', "application/json"),
                     (400,), "duplicate")

    def test_200_kb_of_brackets(self):
        self.place(self.refused(self.submit("[" * 200000), (400, 413)), line=1)

    def test_200_kb_of_brackets_in_json(self):
        self.refused(self.submit("[" * 200000, "application/json"), (400, 413))

    def test_alias_bomb(self):
        self.refused(self.submit(ALIAS_BOMB), (400,), "alias")

    def test_alias_of_itself(self):
        self.refused(self.submit("extras: &x [*x]\n" + GOOD), (400,), "alias")

    def test_missing_image_name(self):
        text = self.refused(self.submit(GOOD.replace("    dockerImage: image\n", "")), (400,), "dockerImage")
        self.assertTrue(any("/taskRoles/main" in (e.get("pointer") or "") for e in json.loads(text)["errors"]), text)

    def test_prerequisite_without_a_name(self):
        text = self.refused(self.submit(GOOD.replace("- name: image\n    type", "- type")), (400,))
        self.assertTrue(any("/prerequisites/0" in (e.get("pointer") or "") for e in json.loads(text)["errors"]), text)

    def test_unknown_image_name(self):
        text = self.refused(self.submit(GOOD.replace("dockerImage: image", "dockerImage: nothere")), (400,), "nothere")
        self.place(text, pointer="/taskRoles/main/dockerImage")

    def test_wrong_type(self):
        text = self.refused(self.submit(GOOD.replace("instances: 1", "instances: many")), (400,), "instances")
        self.place(text, pointer="/taskRoles/main/instances")

    def test_foreign_tag(self):
        self.refused(self.submit(GOOD + "extras: !!python/object:os.system {}\n"), (400,), "tag")

    def test_2_mb_body(self):
        self.refused(self.submit("# " + "x" * (2 << 20)), (413,))

    def test_nul_and_bad_utf8(self):
        self.refused(self.submit(GOOD.encode() + b"description: \xff\xfe\n"), (400,))
        self.refused(self.submit('{"name": "a\\u0000b"}', "application/json"), (400,))

    # --- HTTP ---

    def test_two_content_lengths(self):
        body = GOOD.encode()
        data = self.head("POST /api/v2/jobs HTTP/1.1", "Content-Type: text/yaml",
                         "Content-Length: %d" % len(body), "Content-Length: 1") + body
        self.refused(self.raw(data), (400,), "Content-Length")

    def test_content_length_with_transfer_encoding(self):
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GOOD), GOOD.encode())
        data = self.head("POST /api/v2/jobs HTTP/1.1", "Content-Type: text/yaml",
                         "Content-Length: %d" % len(body), "Transfer-Encoding: chunked") + body
        self.refused(self.raw(data), (400,), "Transfer-Encoding")

    def test_a_smuggled_request_is_not_run(self):
        inner = self.head("POST /api/v2/jobs HTTP/1.1", "Content-Type: text/yaml",
                          "Content-Length: %d" % len(GOOD)) + GOOD.encode()
        data = self.head("POST /api/v2/jobs HTTP/1.1", "Content-Type: text/yaml", "Content-Length: 0",
                         "Content-Length: %d" % len(inner)) + inner
        before = self.server.row_counts()
        status, answer, _ = droverlib.raw_exchange(self.server.address, data)
        self.assertEqual(status, 400, answer)
        self.assertEqual(answer.count(b"HTTP/1.1 "), 1, answer)
        self.assertEqual(self.server.row_counts(), before)

    def test_paths(self):
        for path in ("/api/v2/jobs/../../../etc/passwd", "/api/v2/jobs/%2e%2e/%2e%2e/etc/passwd",
                     "/api/v2/jobs/a%00b", "/%00", "/..", "/api/v2/jobs/a%2fb", "/api/v2/jobs/%zz", "/assets/..%2f..%2fx",
                     "//etc/passwd", "/api/v2/jobs/admin~x%0d%0aX-Evil:1"):
            with self.subTest(path=path):
                self.refused(self.raw(self.head("GET %s HTTP/1.1" % path, "Connection: close")), (400, 404), '"message"')


if __name__ == "__main__":
    unittest.main()
