# SPDX-License-Identifier: MIT
"""A test case with a cluster and a droverd that drives it, both for all tests of the class."""
import collections
import os
import re
import sys
import unittest

import cluster  # the first: it finds what lies one folder up
import proxy
import checker
import droverlib
from droverlib import wait_until


class SlurmCase(unittest.TestCase):
    #: The cluster's size; whether slurmrestd is behind a proxy; droverd's configuration beside that.
    NODES, GPUS, PROXIED, CONFIG = 4, 8, False, {}

    @classmethod
    def setUpClass(cls):
        cluster.needed(cls)
        cls.cluster = cluster.Cluster(nodes=cls.NODES, gpus=cls.GPUS)
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start()
        c = cls.cluster
        cls.proxy = proxy.Proxy(c.url) if cls.PROXIED else None
        if cls.proxy:
            cls.addClassCleanup(cls.proxy.close)
        site = {"url": cls.proxy.url if cls.proxy else c.url, "keyFile": c.key_file, "user": c.user, "runAs": c.job_user,
                "partition": c.partition, "folder": c.shared, "scontrol": c.scontrol}
        cls.server = droverlib.Server(dict({"slurm": site}, **cls.CONFIG))
        cls.addClassCleanup(cls.server.clean_up)
        cls.server.init()
        cls.server.start()
        cls.client = droverlib.Client(cls.server).login()
        try:
            wait_until(lambda: cls.nodes_up() == cls.NODES, "droverd knows all nodes", 20)
        except TimeoutError:
            cls.tell()
            raise
        #: Whoever runs a job may write here.
        cls.notes = c.path("notes")
        os.mkdir(cls.notes)
        os.chmod(cls.notes, 0o1777)
        cls.witness = os.path.join(cls.notes, "witness")

    @classmethod
    def nodes_up(cls):
        return sum(1 for n in cls.client.json("GET", "/api/v2/nodes") if n["state"] == "up")

    @classmethod
    def tell(cls):
        sys.stderr.write("--- end of the server's log\n%s\n%s" % (cls.server.log_tail(), cls.cluster.logs()))

    def run(self, result=None):
        """What both sides had to say is shown where a test fails."""
        before = len(result.failures) + len(result.errors)
        super().run(result)
        if len(result.failures) + len(result.errors) > before and hasattr(self, "server"):
            self.tell()

    def tearDown(self):
        """Nothing of one test holds what the next one needs."""
        left = ["%s~%s" % (j["username"], j["name"]) for j in self.client.json("GET", "/api/v2/jobs?limit=5000")
                if j["state"] not in droverlib.FINAL]
        for full in left:
            self.client.stop(full)
        for full in left:
            self.client.wait(full, timeout=60)

    def note(self, name):
        return os.path.join(self.notes, name)

    def submit(self, name, commands, **more):
        return self.client.submit(droverlib.job_yaml(name, commands, **more))

    def ends(self, full, state="SUCCEEDED", timeout=60):
        """Waits for the job's end, which must be that one; its detail."""
        detail = self.client.wait(full, timeout=timeout)
        self.assertEqual(detail["jobStatus"]["state"], state,
                         "%s\n%s" % (detail["jobStatus"], self.client.event_lines(full)))
        return detail

    def runs(self, full, timeout=30):
        return self.client.wait(full, ("RUNNING",) + droverlib.FINAL, timeout)

    @staticmethod
    def tasks(detail):
        """All task statuses, by role and index."""
        return [t for role in sorted(detail["taskRoles"]) for t in detail["taskRoles"][role]["taskStatuses"]]

    def ours(self):
        """{task attempt's id: [Slurm's jobs]} of all that Slurm remembers of Drover's."""
        found = collections.defaultdict(list)
        for job in self.cluster.jobs().values():
            match = re.match(r"drover-(.+)$", job["name"])
            if match:
                found[match.group(1)].append(job)
        return found

    def starts(self):
        """{job: number of starts that it witnessed itself}."""
        return collections.Counter(w.job for w in checker.read_witness(self.witness))
