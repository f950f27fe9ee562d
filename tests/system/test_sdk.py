# SPDX-License-Identifier: MIT
"""OpenPAI's own JavaScript client library (tests/sdk) against a real server, as its users use it."""
import json
import os
import shutil
import subprocess
import unittest

import droverlib

SDK = os.path.join(droverlib.ROOT, "tests", "sdk")


class Sdk(unittest.TestCase):
    def test_the_library_works_unchanged(self):
        node = shutil.which("node")
        self.assertTrue(node, "node is needed: ./dev test gets it")
        self.assertTrue(os.path.isdir(os.path.join(SDK, "node_modules")), "run npm ci in tests/sdk: ./dev test does")
        with droverlib.Server() as server:
            url = "http://%s:%d" % server.address
            done = subprocess.run([node, "sdk.mjs", url, droverlib.ADMIN, droverlib.PASSWORD, "by-sdk"], cwd=SDK,
                                  capture_output=True, text=True, timeout=90 * droverlib.TIME_SCALE)
            self.assertEqual(done.returncode, 0, done.stderr[-3000:])
            seen = json.loads(done.stdout)
        self.assertEqual(seen["info"]["authnMethod"], "basic")
        self.assertEqual((seen["login"]["user"], seen["login"]["admin"]), ("admin", True))
        self.assertIn("default", seen["virtualClusters"])
        self.assertEqual(seen["virtualCluster"], seen["virtualClusters"]["default"])
        self.assertEqual(seen["storages"], {"storages": []})
        self.assertEqual([u["username"] for u in seen["users"]], ["admin"])
        self.assertEqual(seen["user"]["username"], "admin")
        self.assertEqual(seen["submitted"]["status"], 202)
        self.assertEqual((seen["list"]["totalCount"], seen["list"]["data"][0]["name"]), (1, "by-sdk"))
        self.assertEqual(seen["job"]["jobStatus"]["state"], "RUNNING")
        self.assertEqual(seen["attempt"]["jobStatus"]["attemptId"], 0)
        self.assertEqual(seen["config"]["taskRoles"]["main"]["commands"], ["sleep 300"])
        self.assertGreater(seen["events"]["totalCount"], 0)
        self.assertEqual(seen["task"]["taskRoleName"], "main")
        self.assertEqual([l["name"] for l in seen["logs"]["locations"]], ["stdout", "stderr", "all"])
        self.assertEqual(seen["tagged"]["status"], 200)
        self.assertEqual(seen["untagged"]["status"], 200)
        self.assertEqual(seen["stopped"]["status"], 202)
        self.assertEqual(seen["end"], "STOPPED")
        self.assertTrue(seen["tokens"]["tokens"])
        self.assertEqual(seen["refused"]["code"], "NoJobError")


if __name__ == "__main__":
    unittest.main()
