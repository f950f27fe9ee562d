#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The verbs of `drover` that list and change things other than jobs, against a real server: what they say, what they
change, and how they fail."""
import json
import os
import subprocess
import unittest

import droverlib
from droverlib import TIME_SCALE, binary, job_yaml


class Verbs(unittest.TestCase):
    def setUp(self):
        self.server = droverlib.Server()
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.admin = droverlib.Client(self.server).login()
        self.drover("login", "http://%s:%d" % self.server.address, "-u", droverlib.ADMIN, "--password-file",
                    os.path.join(self.server.folder, "password"))

    def drover(self, *args, status=0):
        """(standard output, standard error) of a run that ends with this status."""
        home = self.server.folder
        done = subprocess.run([binary("drover"), *args], capture_output=True, check=False, timeout=60 * TIME_SCALE, cwd=home,
                              env={"XDG_CONFIG_HOME": home, "HOME": home, "LANG": "C.UTF-8", "TZ": "UTC"})
        out, err = done.stdout.decode(), done.stderr.decode()
        self.assertEqual(done.returncode, status, (args, out, err))
        return out, err

    def listed(self, *args):
        return json.loads(self.drover(*args, "-o", "json")[0])

    def names(self, *args):
        return self.drover(*args, "-o", "name")[0].split()

    def file(self, name, text):
        with open(os.path.join(self.server.folder, name), "w", encoding="utf-8") as f:
            f.write(text)
        return name

    def test_virtual_clusters(self):
        self.assertIn("is set", self.drover("vc", "set", "vision", "--cpus", "4", "--description", "CVPR", "--read", "own")[1])
        vision = self.listed("vcs")["vision"]
        self.assertEqual((vision["cpus"], vision["description"], vision["read"]), (4, "CVPR", "own"))
        sku = json.loads(self.admin.request("GET", "/api/v2/cluster/sku-types").body)
        model = next(name for name, unit in sku.items() if unit["gpu"])
        self.drover("vc", "set", "vision", "--gpus", model + "=2", "--borrow", "1")
        vision = self.listed("vcs")["vision"]
        self.assertEqual([(g["sku"], g["gpus"]) for g in vision["guarantee"]], [(model, 2)])
        self.assertEqual((vision["borrow"], vision["cpus"]), (1, 4), "what is not named stays")
        self.assertEqual(sorted(self.names("vcs")), ["default", "vision"])
        table = self.drover("vcs", "-o", "csv")[0].splitlines()
        self.assertEqual(table[0], "vc,status,guarantee,used,borrowed,free,jobs,read,description,userCap,parent")
        self.assertIn("vision,Running,%s 2,0,0," % model, "\n".join(table))
        self.drover("vc", "stop", "vision")
        self.assertEqual(self.listed("vcs")["vision"]["status"], "Stopped")
        self.drover("vc", "start", "vision")
        self.assertEqual(self.listed("vcs")["vision"]["status"], "Running")
        for bad in ("x", "=2", model + "=", model + "=two", model + "=2x"):
            self.assertIn("SKU=COUNT", self.drover("vc", "set", "vision", "--gpus", bad, status=2)[1])
        self.drover("vc", "set", "vision", "--borrow", "-1", status=2)
        # One of several fails: the others are done, and the status tells.
        err = self.drover("vc", "delete", "none", "vision", status=3)[1]
        self.assertIn("none", err)
        self.assertEqual(self.names("vcs"), ["default"])

    def test_nodes(self):
        node = self.names("nodes")[0]
        for verb, state in (("cordon", "cordoned"), ("drain", "draining"), ("uncordon", "up")):
            self.drover("node", verb, node)
            self.assertEqual([n["state"] for n in self.listed("nodes") if n["name"] == node], [state])
        self.drover("node", "cordon", "no-such-node", status=3)
        self.assertIn("cordon", self.drover("node", status=2)[1])

    def test_storages_and_groups(self):
        os.mkdir(os.path.join(self.server.folder, "shared"))
        path = os.path.join(self.server.folder, "shared")
        self.drover("storage", "set", "data", "--kind", "local", "--path", path, "--read-only")
        shown = json.loads(self.admin.request("GET", "/api/v2/storages/data").body)
        self.assertEqual((shown["data"], shown["readOnly"], shown["share"]), ({"path": path}, True, True))
        self.drover("storage", "set", "data", "--kind", "local", "--path", path, "--own-folders")
        shown = json.loads(self.admin.request("GET", "/api/v2/storages/data").body)
        self.assertEqual((shown["readOnly"], shown["share"]), (False, False))
        self.drover("group", "add", "vision", "--vcs", "default", "--storages", "data", "--description", "CVPR")
        self.drover("group", "add", "vision", status=5)
        self.admin.json("POST", "/api/v2/users", {"username": "ana", "password": "a long password"}, (201,))
        self.assertIn("ana is a member", self.drover("group", "join", "vision", "ana")[1])
        ana = droverlib.Client(self.server).login("ana", "a long password")
        self.assertEqual([s["name"] for s in ana.json("GET", "/api/v2/storages")["storages"]], ["data"])
        self.drover("group", "set", "vision", "--storages", "", "--admin", "no")
        self.assertEqual(ana.json("GET", "/api/v2/storages")["storages"], [])
        row = next(line for line in self.drover("groups", "-o", "csv")[0].splitlines() if line.startswith("vision,"))
        self.assertEqual(row, "vision,no,default,,,CVPR")
        self.drover("group", "leave", "vision", "ana")
        self.assertNotIn("vision", ana.json("GET", "/api/v2/users/ana")["grouplist"])
        self.drover("group", "delete", "vision")
        self.assertNotIn("vision", self.names("groups"))
        self.assertEqual(self.names("storages"), ["data"])
        self.drover("storage", "delete", "data")
        self.assertEqual(self.names("storages"), [])

    def test_templates(self):
        text = job_yaml("kept", "exit 0")
        self.drover("template", "save", "mnist", self.file("job.yaml", text), "--title", "Digits")
        self.drover("template", "save", "mnist", "job.yaml", status=5)
        self.assertEqual(self.drover("template", "show", "mnist")[0], text)
        self.drover("template", "set", "mnist", self.file("newer.yaml", text.replace("exit 0", "exit 1")))
        self.drover("template", "set", "mnist", "--visibility", "public")
        self.assertIn("exit 1", self.drover("template", "show", "mnist")[0])
        shown = self.listed("templates")[0]
        self.assertEqual((shown["name"], shown["visibility"], shown["title"]), ("mnist", "public", "Digits"))
        self.assertIn("missing.yaml", self.drover("template", "save", "x", "missing.yaml", status=1)[1])
        self.drover("template", "delete", "mnist")
        self.drover("template", "show", "mnist", status=3)

    def test_tokens(self):
        secret = self.drover("token", "create", "--days", "30", "--read-only")[0].strip()
        program = droverlib.Client(self.server, secret)
        self.assertEqual(program.request("GET", "/api/v2/jobs").status, 200)
        self.assertEqual(program.request("POST", "/api/v2/jobs", job_yaml("x", "exit 0"), "text/yaml").status, 403)
        mine = [t for t in self.listed("tokens")["details"] if t["application"]]
        self.assertTrue(mine[0]["readOnly"] and mine[0]["expires"] and secret.endswith(mine[0]["hint"].lstrip(".…")))
        self.assertNotIn(secret, self.drover("tokens", "-o", "wide")[0])
        self.drover("token", "revoke", mine[0]["id"])
        self.assertEqual(program.request("GET", "/api/v2/jobs").status, 401)
        self.drover("token", "create", "--days", "x", status=2)

    def test_users(self):
        self.file("pw", "a long password\n")
        self.assertIn("ana is made", self.drover("user", "add", "ana", "--password-file", "pw", "--email", "ana@x.org",
                                                "--days", "30")[1])
        self.drover("user", "add", "ana", "--password-file", "pw", status=5)
        self.drover("user", "add", "b o", "--password-file", "pw", status=1)
        self.drover("user", "add", "cy", "--password-file", "missing", status=1)
        self.assertEqual(sorted(self.names("users")), ["admin", "ana"])
        table = self.drover("users", "-o", "csv")[0].splitlines()
        self.assertEqual(table[0], "user,admin,disabled,expires,email,groups,manages,vcs,storages")
        self.assertRegex(table[2], r"^ana,no,no,20..-..-..T.*Z,ana@x.org,default,,default,$")
        self.drover("group", "add", "vision")
        self.drover("user", "set", "ana", "--groups", "default,vision", "--days", "0", "--email", "a@x.org")
        shown = self.listed("user", "show", "ana")
        self.assertEqual((shown["grouplist"], shown["expires"], shown["email"]), (["default", "vision"], None, "a@x.org"))
        self.assertIn("username: ana", self.drover("user", "show", "ana")[0])
        self.drover("user", "show", "nobody", status=3)
        self.assertEqual(self.names("group", "members", "vision"), ["ana"])
        self.drover("user", "set", "ana", "--admin", "perhaps", status=2)
        ana = droverlib.Client(self.server).login("ana", "a long password")
        self.drover("user", "set", "ana", "--disabled", "yes")
        self.assertEqual(ana.request("GET", "/api/v2/jobs").status, 401)
        self.drover("user", "set", "ana", "--disabled", "no", "--password-file", self.file("pw2", "another password"))
        droverlib.Client(self.server).login("ana", "another password")
        self.drover("passwd", "ana", "--password-file", "pw")
        droverlib.Client(self.server).login("ana", "a long password")
        self.drover("passwd", "nobody", "--password-file", "pw", status=3)
        self.drover("user", "delete", droverlib.ADMIN, status=1)
        self.drover("user", "delete", "ana")
        self.assertEqual(self.names("users"), ["admin"])
        # One's own password: the one until now is asked for, and the login ends.
        self.drover("passwd", "--old-password-file", "pw", "--password-file", "pw2", status=4)
        self.drover("passwd", "--old-password-file", "password", "--password-file", "pw2")
        self.drover("users", status=4)
        droverlib.Client(self.server).login(droverlib.ADMIN, "another password")

    def test_the_audit_log(self):
        self.drover("group", "add", "vision")
        self.drover("group", "add", "vision", status=5)

        def refused():
            return self.listed("audit", "--code", "ConflictGroupError", "--user", droverlib.ADMIN)["data"]
        record = droverlib.wait_until(refused, "the refused call has its record")[0]
        self.assertEqual((record["method"], record["status"]), ("POST", 409))
        table = self.drover("audit", "--route", "/api/v2/groups", "--status", "201", "-n", "1", "-o", "csv")[0].splitlines()
        self.assertEqual(table[0], "record,time,user,method,object,status,code,calls,ip,route,request")
        self.assertRegex(table[1], r"^\d+,20.*Z,admin,POST,/api/v2/groups,201,,1,127\.0\.0\.1,/api/v2/groups,[0-9a-f-]{36}$")
        self.assertEqual(len(table), 2)
        first = int(table[1].split(",")[0])
        self.assertNotIn(first, [r["id"] for r in self.listed("audit", "--before", str(first), "--days", "1")["data"]])
        self.assertEqual(self.listed("audit", "-u", "a b&c=d")["data"], [])
        for bad in (("--days", "0"), ("--limit", "x"), ("--method", "BREW"), ("--before", "0")):
            self.drover("audit", *bad, status=2)

    def test_the_site(self):
        self.assertIn("name: Drover", self.drover("settings")[0])
        wish = self.listed("settings")
        wish["name"] = "The lab"
        self.drover("settings", "set", self.file("site.json", json.dumps(wish)))
        self.assertEqual(self.listed("settings"), wish)
        self.assertIn("bad.json:1", self.drover("settings", "set", self.file("bad.json", "{"), status=1)[1])
        self.drover("settings", "set", "missing.json", status=1)
        self.drover("settings", "set", self.file("x.json", '{"name": "x", "links": [{"title": "t", "url": "javascript:x"}]}'),
                    status=1)
        self.assertEqual(self.listed("settings")["name"], "The lab")
        self.assertIn("simulated", self.names("skus"))
        self.assertEqual(self.drover("alerts", "-o", "csv")[0].split(), ["alert,severity,node,since,summary"])

    def test_tags_and_what_a_node_runs(self):
        node = self.names("nodes")[0]
        for name in ("one", "two"):
            self.admin.submit(job_yaml(name, "sleep 600"))
        self.admin.wait("admin~one", ("RUNNING",))
        self.assertIn("admin~two has the tag", self.drover("tag", "base line", "one", "admin~two")[1])
        self.assertEqual(self.admin.job("admin~two")["tags"], ["base line"])
        self.drover("untag", "base line", "one", "none", "two", status=3)
        self.assertEqual([self.admin.job("admin~" + n)["tags"] for n in ("one", "two")], [[], []])
        self.assertIn("one", self.names("node", "tasks", node))
        self.assertIn("RUNNING", self.drover("node", "tasks", node, "-o", "csv")[0])
        self.drover("node", "label", node, "rack=b2", "zone=east")
        self.assertEqual(self.listed("node", "show", node)["labels"], {"rack": "b2", "zone": "east"})
        self.assertIn("rack: b2", self.drover("node", "show", node)[0])
        self.drover("node", "label", node, "rack", status=2)
        self.drover("node", "label", node)
        self.assertEqual(self.listed("node", "show", node)["labels"], {})

    def test_inviting_once_more(self):
        self.admin.request("POST", "/api/v2/users/import?invite=sheet", "username\nbo\n", "text/csv")
        link = self.drover("users", "invite", "bo")[0].strip()
        self.assertRegex(link, r"/#/invite/[0-9a-f]{48}$")
        self.drover("users", "invite", droverlib.ADMIN, status=5)
        self.drover("users", "invite", "nobody", status=3)

    def test_archive(self):
        name = self.admin.submit(job_yaml("old", "exit 0"))
        self.admin.wait(name)
        self.assertIn("its name is free", self.drover("archive", "old")[1])
        self.assertEqual(self.admin.submit(job_yaml("old", "sleep 600")), name)
        self.drover("archive", "old", status=5)  # it runs
        self.drover("archive", "never", status=3)

    def test_the_habits_of_slurm(self):
        script = self.file("train.sh", "#!/bin/sh -u\n#SBATCH --cpus-per-task=1 --mem=64M -t 10\n#SBATCH --export=SEED=7\n"
                                       "echo $SLURM_JOB_NAME $SLURM_NTASKS $SEED \"$@\"\nexit ${1#--}\n")
        # The job's own exit code comes back, as sbatch --wait gives it, and its arguments are not ours.
        out = self.drover("sbatch", "--wait", script, "--3", "a b", status=3)[0]
        self.assertRegex(out, r"^Submitted batch job admin~train-sh-[0-9a-f]{4}\n$")
        self.assertEqual(self.drover("logs", out.split()[3])[0], "train-sh 1 7 --3 a b\n")
        name = self.drover("sbatch", "--parsable", "-J", "later", self.file("sleep.sh", "#!/bin/sh\nsleep 600\n"))[0].strip()
        self.admin.wait(name, ("RUNNING",))
        lines = self.drover("squeue", "--me")[0].splitlines()
        self.assertEqual(lines[0].split(), ["JOBID", "PARTITION", "NAME", "USER", "ST", "TIME", "NODES", "NODELIST(REASON)"])
        row = lines[1].split()
        self.assertEqual([*row[:5], row[6], row[7]], [name, "default", name.split("~")[1][:8], "admin", "R", "1",
                                                      self.names("nodes")[0]])
        self.assertRegex(row[5], r"^\d+:\d\d$")
        self.assertEqual(len(lines), 2)
        self.assertEqual(self.drover("squeue", "--noheader", "-t", "F")[0].split()[4], "F")
        self.assertEqual(self.drover("scancel", "-u", "admin", "-t", "R"), ("", ""))
        self.admin.wait(name)
        self.assertEqual(self.drover("squeue", "--noheader")[0], "")
        # Things that are shown whole: the server's own answer.
        for verb, path in ((("attempts", name), "jobs/%s/job-attempts" % name), (("use", name), "jobs/%s/metrics" % name),
                           (("vc", "show", "default"), "virtual-clusters/default"),
                           (("group", "show", "default"), "groups/default"), (("audit", "chain"), "audit/chain")):
            shown, told = self.listed(*verb), self.admin.json("GET", "/api/v2/" + path)
            self.assertEqual(type(shown), type(told), verb)
            self.assertEqual(list(shown), list(told)) if isinstance(told, dict) else self.assertEqual(shown, told)
        self.drover("storage", "show", "none", status=3)
        self.drover("scancel", "never", status=3)
        self.drover("scancel", status=2)
        self.drover("squeue", "-t", "XX", status=2)
        self.assertIn("x.sh:2: --array is not yet supported",
                      self.drover("sbatch", self.file("x.sh", "#!/bin/sh\n#SBATCH -a 1-3\ntrue\n"), status=1)[1])
        self.assertIn("--begin is not yet", self.drover("sbatch", "--begin=now", script, status=2)[1])
        self.assertIn("x.sh:2: --mail-user", self.drover("sbatch", self.file(
            "x.sh", "#!/bin/sh\n#SBATCH --mail-user=bo@x.org\ntrue\n"), status=1)[1])


if __name__ == "__main__":
    unittest.main()
