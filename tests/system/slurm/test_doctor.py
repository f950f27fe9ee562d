#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `droverd doctor` says of a Slurm that is well, and of each thing that a site gets wrong."""
import os
import re
import shutil
import subprocess
import unittest

import cluster
import droverlib
import proxy
from droverlib import wait_until

ALL = ["slurm token", "slurm", "slurm version", "slurm clock", "slurm rights", "slurm nodes", "slurm folder", "scontrol"]


class Doctor(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cluster.needed(cls)
        cls.cluster = cluster.Cluster(nodes=2, gpus=2)
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start()
        cls.proxy = proxy.Proxy(cls.cluster.url)
        cls.addClassCleanup(cls.proxy.close)
        cls.server = droverlib.Server()
        cls.addClassCleanup(cls.server.clean_up)
        cls.server.init()

    def found(self, status=1, **change):
        """{check: (verdict, text)} of the doctor's lines about Slurm, with that changed in the configuration."""
        c = self.cluster
        site = {"url": self.proxy.url, "keyFile": c.key_file, "user": c.user, "runAs": c.job_user,
                "partition": c.partition, "folder": c.shared, "scontrol": c.scontrol}
        site.update(change)
        self.server.config["slurm"] = {k: v for k, v in site.items() if v is not None}
        self.server.write_config()
        run = subprocess.run([droverlib.binary("droverd"), "doctor", "--data", self.server.data, "--config",
                              os.path.join(self.server.folder, "config.yaml")], stdout=subprocess.PIPE, text=True,
                             check=False, timeout=60 * droverlib.PATIENCE, env=self.server.env)
        lines = re.findall(r"^(ok|warn|FAIL) +(%s)  +(.*)$" % "|".join(sorted(ALL, key=len, reverse=True)), run.stdout, re.M)
        self.assertEqual(([name for _, name, _ in lines], run.returncode), (ALL, status), run.stdout)
        return {name: (verdict, text) for verdict, name, text in lines}

    def fails(self, name, words, **change):
        """That check fails with these words, and those that stand on it are not looked at."""
        found = self.found(**change)
        self.assertEqual(found[name][0], "FAIL", found)
        self.assertRegex(found[name][1], words)
        return found

    def file(self, name, data, mode):
        path = os.path.join(self.server.folder, name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as f:
            f.write(data)
        os.chmod(path, mode)
        return path

    def test_all_is_well(self):
        found = self.found(status=0)
        # The shared folder is a disk of this machine, and so are the nodes.
        self.assertEqual({n for n, (verdict, _) in found.items() if verdict != "ok"} - {"slurm folder"}, set(), found)
        self.assertEqual(found["slurm version"][1], "Slurm 22.05.8, API v0.0.38")
        self.assertEqual(found["slurm nodes"][1], "2 can be used")
        # A token of the site's does as well.
        given = self.cluster.tool("scontrol", "token", "username=" + self.cluster.user, "lifespan=600")
        found = self.found(status=0, keyFile=None, tokenFile=self.file("token", given.encode(), 0o600))
        self.assertEqual(found["slurm rights"][0], "ok", found)

    def test_the_token(self):
        self.fails("slurm token", "AuthAltParameters", keyFile="/nowhere/key")
        with open(self.cluster.key_file, "rb") as f:
            key = f.read()
        self.fails("slurm token", "chmod 600", keyFile=self.file("open", key, 0o604))
        found = self.fails("slurm", "same key here and there", keyFile=self.file("other", os.urandom(32), 0o600))
        self.assertEqual(found["slurm nodes"], ("warn", "not looked at, as the cluster does not answer"))
        nobody = self.cluster.tool("scontrol", "token", "username=games", "lifespan=600")
        self.fails("slurm rights", "must be SlurmUser or root", keyFile=None, user="games",
                   tokenFile=self.file("games", nobody.encode(), 0o600))

    def test_the_daemons(self):
        p = self.proxy
        self.addCleanup(p.heal)
        with p.refusing():
            self.fails("slurm", "does slurmrestd run")
        for fault, words in (("html", "is no slurmrestd"), ("garbage", "is no slurmrestd"), ("huge", "."), ("cut", "."),
                             ("redirect", "answers 302 at"), ("wrong types", ".")):
            p.fault(fault)
            self.fails("slurm", words)
            p.heal()
        self.assertLess(p.swallowed, 64 << 20)
        # Each check reads an answer of the wrong types without harm.
        for path, name in (("/diag", "slurm clock"), ("/nodes", "slurm nodes")):
            p.fault("wrong types", path=path)
            self.assertNotEqual(self.found(status=0 if path == "/diag" else 1)[name][0], "ok")
            p.heal()
        self.cluster.kill("slurmctld")
        try:
            self.fails("slurm", "slurmrestd answers, slurmctld does not")
        finally:
            self.cluster.restart("slurmctld")
            wait_until(self.cluster.ready, "slurmctld is back", 30)

    def test_nodes_and_folders(self):
        self.fails("slurm nodes", "no node; `sinfo`", partition="nowhere")
        self.cluster.tool("scontrol", "update", "NodeName=n1", "State=DRAIN", "Reason=test")
        found = self.found(status=0)
        self.assertEqual(found["slurm nodes"][0], "warn")
        self.assertIn("1 of 2 can be used; `scontrol show node n1`", found["slurm nodes"][1])
        self.cluster.tool("scontrol", "update", "NodeName=n1", "State=UNDRAIN")
        self.fails("slurm rights", "no user drover-nobody here", runAs="drover-nobody")
        self.fails("scontrol", "No such file", scontrol="/nowhere/scontrol")
        self.assertEqual(self.found(status=0, scontrol=None)["scontrol"][0], "warn")
        self.fails("slurm folder", "is no folder", folder="/nowhere/drover")
        closed = self.cluster.path("closed")
        os.makedirs(os.path.join(closed, "inner"), exist_ok=True)
        self.addCleanup(shutil.rmtree, closed)
        os.chmod(closed, 0o700)
        self.fails("slurm folder", "cannot pass %s on the way" % closed, folder=os.path.join(closed, "inner"))
        os.chmod(closed, 0o777)
        self.fails("slurm folder", "everybody may replace", folder=closed)


if __name__ == "__main__":
    unittest.main()
