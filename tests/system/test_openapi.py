#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The API's description: served, the same as printed, and the check that all tests' answers go through does fail."""
import copy
import json
import subprocess
import unittest

import droverlib
import samples
import scan
import schemas


class Description(unittest.TestCase):
    def test_served_as_printed(self):
        with droverlib.Server() as server:
            anonymous = droverlib.Client(server).request("GET", "/api/v2/openapi.json")
            self.assertEqual(anonymous.status, 401)
            client = droverlib.Client(server).login()
            served = client.request("GET", "/api/v2/openapi.json")
            self.assertEqual(served.status, 200)
            printed = subprocess.run([droverlib.binary("droverd"), "openapi"], check=True, capture_output=True).stdout
            self.assertEqual(served.body, printed.rstrip(b"\n"))
            again = client.request("GET", "/api/v2/openapi.json", headers={"If-None-Match": served.headers["etag"]})
            self.assertEqual((again.status, again.body), (304, b""))

    def test_is_openapi_3_1(self):
        document = schemas.of(droverlib.binary("droverd")).document
        self.assertEqual(document["openapi"], "3.1.0")
        for name in document["components"]["schemas"]:
            schemas.jsonschema.Draft202012Validator.check_schema(document["components"]["schemas"][name])


    def test_each_operation_can_be_scanned(self):
        """The nightly's scanners get an address for each; whatever it takes, there is a call to make of it."""
        for number, (route, operation) in enumerate(samples.operations()):
            asked = scan.Operation(number, route, operation, samples.PARAMS)
            method, path, body = asked.request(asked.fields)
            self.assertEqual(method, route.split(" ")[0])
            self.assertNotIn("{", path)
            self.assertEqual(body is not None, "requestBody" in operation, route)
            self.assertTrue(asked.link().startswith("/op/%d?" % number))


class TheCheckFails(unittest.TestCase):
    """Each kind of mismatch, planted."""

    headers = {"content-type": "application/json"}
    good = {"status": 200, "message": "Logged out."}

    def check(self, path="/api/v2/session", status=200, headers=None, **change):
        body = {k: v for k, v in dict(copy.copy(self.good), **change).items() if v is not None}
        schemas.of(droverlib.binary("droverd")).check("DELETE", path, status, headers or self.headers,
                                                      json.dumps(body).encode())

    def test_good(self):
        self.check()
        self.check("/rest-server/api/v2/session")

    def test_bad(self):
        for case in ({"message": 7}, {"message": None}, {"surplus": 1}, {"status": 204},
                     {"headers": {"content-type": "text/plain"}}):
            with self.subTest(case), self.assertRaises(schemas.Mismatch):
                self.check(**case)

    def test_error_bodies_too(self):
        with self.assertRaises(schemas.Mismatch):
            self.check(status=403, headers={"content-type": "application/problem+json"})

    def test_undescribed_path_is_not_judged(self):
        self.check("/nowhere", surplus=1)


if __name__ == "__main__":
    unittest.main()
