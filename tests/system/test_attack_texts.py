#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""JSON and YAML: 300 hostile texts (hostile.py), each in a request that would be good but for it. None makes a group or
a job, none costs more than a moment of the server's time, and each refusal says what is wrong."""
import json
import os
import unittest

import attacks
import droverlib
import hostile

#: Of the server's own time for all texts together; a text at the limit of its size may cost a few milliseconds.
CPU_S = 300 * 0.02


class Texts(attacks.Corpus, unittest.TestCase):
    def attacks(self):
        return hostile.json_texts() + hostile.yaml_texts()

    def prepare(self, server):
        self.server = server
        self.client = droverlib.Client(server).login()
        self.client.described = False
        # Both carriers are good: what they are refused for is what they carry.
        self.assertEqual(self.post("json", hostile.group().replace("NAME", "good").encode()).status, 201)
        self.assertEqual(self.post("yaml", hostile.job(value="1").replace("NAME", "good").encode()).status, 202)

    def post(self, kind, text):
        if kind == "json":
            return self.client.request("POST", "/api/v2/groups", text)
        return self.client.request("POST", "/api/v2/jobs", text, "text/yaml")

    def through(self, a):
        """Not refused: what runs the server out of memory got through, too."""
        reply = self.post(a.family.split()[0], a.what)
        if reply.status not in (400, 413):
            return True
        self.assertGreater(len(json.loads(reply.body)["message"]), 10)
        return False

    def cpu(self):
        with open("/proc/%d/stat" % self.server.pid, encoding="ascii") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_all_together_cost_little(self):
        with droverlib.Server() as server:
            self.prepare(server)
            before = self.cpu()
            for a in self.attacks():
                self.through(a)
            spent = self.cpu() - before
        print("%d texts, %.0f ms of the server's time" % (len(self.attacks()), spent * 1000))
        self.assertLess(spent, CPU_S * droverlib.TIME_SCALE)

    def test_the_list_is_always_the_same(self):
        self.assertEqual(self.attacks(), self.attacks())
        self.assertEqual(len(self.attacks()), 300)
        self.assertEqual(len({a.what for a in self.attacks()}), 300, "two texts are the same")


if __name__ == "__main__":
    unittest.main()
