#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Users in batches over REST: dry run, import, invitations by mail and on paper, undo, and tables that are none."""
import json
import os
import re
import subprocess
import time
import unittest

import droverlib
from droverlib import TIME_SCALE, binary, wait_until
from mailserver import MailServer

PHRASE = "a-good-phrase-7"
OPENPAI = "username,password,email,admin,virtual cluster\r\n"


class Import(unittest.TestCase):
    def start(self, **config):
        self.server = droverlib.Server(config)
        self.server.__enter__()
        self.addCleanup(self.server.__exit__, None, None, None)
        self.admin = droverlib.Client(self.server).login()
        return self.server

    def table(self, text, query="", client=None):
        reply = (client or self.admin).request("POST", "/api/v2/users/import" + ("?" + query if query else ""),
                                               text, "text/csv")
        return reply.status, json.loads(reply.body)

    def users(self):
        return json.loads(self.admin.request("GET", "/api/v2/users").body)

    def accept(self, link, password=PHRASE):
        secret = link.rsplit("/", 1)[1]
        reply = droverlib.Client(self.server).request("POST", "/api/v2/invitation",
                                                      {"invitation": secret, "password": password})
        return reply.status, json.loads(reply.body)

    def test_openpais_table_with_passwords(self):
        self.start()
        text = OPENPAI + 'ana,%s,ana@example.org,false,"default"\r\nbo,%s,,,\r\n' % (PHRASE, PHRASE)
        status, dry = self.table(text, "dryRun=true")
        self.assertEqual((status, dry["applied"], dry["create"], dry["errors"]), (200, False, 2, []))
        self.assertEqual(len(self.users()), 1)  # nothing was changed
        status, real = self.table(text)
        self.assertTrue(real["applied"], real)
        self.assertNotIn(PHRASE, json.dumps(real))
        self.assertEqual(self.users()[1]["email"], "ana@example.org")
        droverlib.Client(self.server).login("bo", PHRASE)

    def test_every_error_is_named_and_nothing_is_written(self):
        self.start()
        self.table(OPENPAI + "old,%s,,,\n" % PHRASE)
        text = ("username,password,email,admin,virtual cluster,groups,expires,action\n"
                "ok,%s,,,,,,\n"                      # 2
                "a b,%s,,,,,,\n"                     # 3 name
                "weak,short,,,,,,\n"                 # 4 password
                "mail,%s,nobody,,,,,\n"              # 5 email
                "boss,%s,,true,,,,\n"                # 6 admin
                "vc,%s,,,none,,,\n"                  # 7 virtual cluster
                "group,%s,,,,none,,\n"               # 8 groups
                "day,%s,,,,,2027-02-30,\n"           # 9 expires
                "ok,%s,,,,,,\n"                      # 10 twice
                "old,%s,,,,,,\n"                     # 11 there already
                "gone,,,,,,,delete\n"                # 12 not there
                "admin,,,,,,,delete\n"               # 13 an admin
                "short,%s\n"                         # 14 too few fields
                ",%s,,,,,,\n"                        # 15 no name
                "root,%s,,,,admingroup,,\n"          # 16 admins by the back door
                "nopass,,,,,,,\n"                    # 17 neither password nor invitation
                "what,,,,,,,promote\n") .replace("%s", PHRASE)
        status, report = self.table(text)
        self.assertEqual((status, report["applied"]), (200, False))
        want = {3: "username", 4: "password", 5: "email", 6: "admin", 7: "virtualCluster", 8: "groups", 9: "expires",
                10: "username", 11: "username", 12: "username", 13: "username", 14: "", 15: "username", 16: "groups",
                17: "password", 18: "action"}
        self.assertEqual({e["line"]: e["field"] for e in report["errors"] if e["line"] != 18 or e["field"] == "action"},
                         want)
        codes = {e["line"]: e["code"] for e in report["errors"]}
        self.assertEqual((codes[11], codes[12], codes[13], codes[6], codes[7]),
                         ("ConflictUserError", "NoUserError", "RemoveAdminError", "ForbiddenUserError",
                          "NoVirtualClusterError"))
        self.assertNotIn("ok", [u["username"] for u in self.users()])
        # The same checks for the dry run and the real one.
        self.assertEqual(self.table(text, "dryRun=true")[1]["errors"], report["errors"])
        # The good rows alone.
        report = self.table(text, "mode=rows")[1]
        self.assertTrue(report["applied"])
        self.assertEqual([u["username"] for u in report["users"]], ["ok"])
        # Admins, where it is allowed.
        report = self.table("username,password,admin\nboss,%s,yes\n" % PHRASE, "allowAdmin=true")[1]
        self.assertTrue(report["applied"])
        self.assertTrue([u for u in self.users() if u["username"] == "boss"][0]["admin"])

    def test_undo_leaves_the_users_as_before(self):
        self.start()
        self.assertTrue(self.table("username;password;email;expires\nana;%s;ana@example.org;2040-01-31\nbo;%s;;\n"
                                   % (PHRASE, PHRASE))[1]["applied"])
        self.admin.request("POST", "/api/v2/groups", {"groupname": "team"})
        self.admin.request("PUT", "/api/v2/users/ana/extension", {"extension": {"k": 1}})
        before = self.users()
        report = self.table("username,password,email,groups,expires,action\n"
                            "ana,another-phrase-8,-,team,never,update\n"
                            "bo,,,,,disable\n"
                            "cy,%s,,,,create\n" % PHRASE)[1]
        self.assertTrue(report["applied"], report)
        changed = {u["username"]: u for u in self.users()}
        self.assertEqual((changed["ana"]["email"], changed["ana"]["grouplist"], changed["ana"]["expires"]),
                         ("", ["default", "team"], None))
        self.assertTrue(changed["bo"]["disabled"])
        undo = "/api/v2/user-imports/%s/undo" % report["importId"]
        reply = self.admin.request("POST", undo)
        self.assertEqual((reply.status, json.loads(reply.body)["users"]), (200, 3), reply.body)
        self.assertEqual(self.users(), before)
        droverlib.Client(self.server).login("ana", PHRASE)  # the old password, too
        self.assertEqual(self.admin.request("POST", undo).status, 409)
        self.assertEqual(self.admin.request("POST", "/api/v2/user-imports/none/undo").status, 404)
        # A deleted user comes back; an import that somebody built on is not undone.
        report = self.table("username,action\nana,delete\n")[1]
        self.assertEqual(self.admin.request("POST", "/api/v2/user-imports/%s/undo" % report["importId"]).status, 200)
        self.assertEqual(self.users(), before)
        report = self.table("username,email,action\nana,x@example.org,update\n")[1]
        self.admin.request("PUT", "/api/v2/users/ana/email", {"email": "y@example.org"})
        self.assertEqual(self.admin.request("POST", "/api/v2/user-imports/%s/undo" % report["importId"]).status, 409)

    def test_invitations_on_paper(self):
        self.start()
        report = self.table("username\nana\nbo\n", "invite=sheet")[1]
        links = {u["username"]: u["invitation"] for u in report["users"]}
        refused = droverlib.Client(self.server).request("POST", "/api/v2/authn/basic/login",
                                                        {"username": "ana", "password": "!"})
        self.assertEqual(refused.status, 400)
        self.assertEqual(self.accept(links["ana"], "short")[0], 400)
        self.assertEqual(self.accept(links["ana"]), (201, {"user": "ana"}))
        droverlib.Client(self.server).login("ana", PHRASE)
        self.assertEqual(self.accept(links["ana"], "another-phrase-8")[0], 400)  # once
        self.assertEqual(self.accept("/" + "0" * 48)[0], 400)
        with open(os.path.join(self.server.data, "drover.db"), "rb") as f:
            self.assertNotIn(links["bo"].rsplit("/", 1)[1].encode(), f.read())

    def test_invitations_by_mail(self):
        mails = MailServer(refuse=["bo@example.org"])
        self.addCleanup(mails.stop)
        self.start(smtpUrl="smtp://127.0.0.1:%d" % mails.port, smtpFrom="drover@example.org",
                   publicUrl="https://drover.example.org/")
        report = self.table("username,email\nana,\n", "invite=mail")[1]
        self.assertEqual(report["errors"][0]["field"], "email")
        report = self.table("username,email\nana,ana@example.org\nbo,bo@example.org\ncy,cy@example.org\n",
                            "invite=mail")[1]
        self.assertTrue(report["applied"])
        self.assertNotIn("invitation", json.dumps(report))  # the secret is in the mail alone
        wait_until(lambda: len(mails.mails) == 2, "two mails came")
        to, mail = mails.mails[0]
        self.assertEqual((to, mail["To"], mail["From"]), (["ana@example.org"], "ana@example.org",
                                                          "drover@example.org"))
        link = re.search(r"https://drover\.example\.org/#/invite/[0-9a-f]+", mail.get_content()).group()
        self.assertIn("ana", mail.get_content())
        self.assertEqual(self.accept(link), (201, {"user": "ana"}))
        wait_until(lambda: "mail_failed" in self.server.log_tail(), "the refused address is in the log")
        self.assertNotIn(link.rsplit("/", 1)[1], self.server.log_tail(100000))

    def test_the_command_line(self):
        self.start()
        home = self.server.folder

        def drover(*args):
            done = subprocess.run([binary("drover"), *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                  env={"XDG_CONFIG_HOME": home, "HOME": home, "LANG": "C.UTF-8"}, check=False,
                                  timeout=30 * TIME_SCALE)
            return done.returncode, done.stdout.decode(), done.stderr.decode()

        def path(name, text=None):
            full = os.path.join(home, name)
            if text is not None:
                with open(full, "w", encoding="utf-8") as f:
                    f.write(text)
            return full
        url = "http://%s:%d" % self.server.address
        self.assertEqual(drover("login", url, "-u", droverlib.ADMIN, "--password-file", path("password"))[0], 0)
        bad = path("bad.csv", "username,password\nana,%s\na b,%s\n" % (PHRASE, PHRASE))
        code, _, err = drover("users", "import", bad, "--dry-run", "--result", path("result.csv"))
        self.assertEqual(code, 1)
        self.assertIn("bad.csv:3: username: ", err)
        with open(path("result.csv"), encoding="utf-8") as f:
            result = f.read()
        self.assertIn("2,ana,create,checked", result)
        self.assertIn("3,,,refused,username,InvalidParametersError", result)
        self.assertNotIn(PHRASE, result)
        broken = path("broken.csv", 'username\n"ana\n')
        code, _, err = drover("users", "import", broken)
        self.assertEqual(code, 2 if "usage" in err else 1, err)
        self.assertIn("broken.csv:2", err)
        good = path("good.csv", "username\nana\nbo\n")
        code, out, err = drover("users", "import", good, "--invite", "sheet", "--sheet", path("slips.txt"))
        self.assertEqual(code, 0, err)
        self.assertIn("2 to create", out)
        self.assertEqual(os.stat(path("slips.txt")).st_mode & 0o777, 0o600)
        with open(path("slips.txt"), encoding="utf-8") as f:
            link = re.search(re.escape(url) + r"/#/invite/[0-9a-f]+", f.read()).group()
        undo = re.search(r"users undo (\S+)", out).group(1)
        self.assertEqual(self.accept(link)[0], 201)
        code, _, err = drover("users", "undo", undo)  # somebody has built on it
        self.assertEqual(code, 5, err)
        code, out, err = drover("users", "import", path("third.csv", "username\ncy\n"), "--invite", "sheet")
        code, out, err = drover("users", "undo", re.search(r"users undo (\S+)", out).group(1))
        self.assertEqual((code, out), (0, "1 users are as they were before.\n"), err)

    def test_invited_once_more(self):
        self.start()
        _, report = self.table("username\nbo\n", "invite=sheet")
        first = report["users"][0]["invitation"]
        again = self.admin.json("POST", "/api/v2/users/bo/invitation", expect=(201,))
        self.assertEqual((again["username"], again["mailed"]), ("bo", False))
        self.assertEqual(self.accept(first)[0], 400)  # the former link has ended
        for path, status in (("bo/invitation?invite=mail", 400), ("bo/invitation?invite=x", 400), ("no/invitation", 404),
                             ("admin/invitation", 409)):
            self.assertEqual(self.admin.request("POST", "/api/v2/users/" + path).status, status, path)
        self.assertEqual(self.accept(again["invitation"])[0], 201)
        self.assertEqual(self.admin.request("POST", "/api/v2/users/bo/invitation").status, 409)

    def test_invited_once_more_by_mail(self):
        mail = MailServer()
        self.addCleanup(mail.stop)
        self.start(smtpUrl="smtp://127.0.0.1:%d" % mail.port, smtpFrom="drover@lab.example", publicUrl="https://lab.example")
        self.table("username,email\nbo,bo@x.org\ncy,\n", "invite=sheet")
        again = self.admin.json("POST", "/api/v2/users/bo/invitation?invite=mail", expect=(201,))
        self.assertEqual((again["mailed"], again["invitation"]), (True, None))
        wait_until(lambda: mail.mails, "the mail is out")
        link = re.search(r"https://lab.example/#/invite/[0-9a-f]+", mail.mails[0][1].get_content()).group()
        self.assertEqual(self.accept(link)[0], 201)
        self.assertEqual(self.admin.request("POST", "/api/v2/users/cy/invitation?invite=mail").status, 400)  # no address

    def test_mail_needs_a_configuration(self):
        self.start()
        status, reply = self.table("username,email\nana,ana@example.org\n", "invite=mail")
        self.assertEqual((status, reply["code"]), (400, "InvalidParametersError"))

    def test_only_admins_import(self):
        self.start()
        self.table(OPENPAI + "ana,%s,,,\n" % PHRASE)
        ana = droverlib.Client(self.server).login("ana", PHRASE)
        self.assertEqual(self.table("username\nbo\n", "invite=sheet", ana)[0], 403)

    def rows_of_users(self):
        """All that the database keeps of users, hashes included: by table, the rows."""
        db = self.server.database()
        try:
            return {table: sorted(db.execute("SELECT * FROM " + table)) for table in ("user", "group_member", "invitation")}
        finally:
            db.close()

    def test_five_thousand_rows(self):
        self.start()
        self.admin.json("POST", "/api/v2/groups", {"groupname": "team"}, (201,))
        # Some are there before, with all that an import may change.
        text = "username,email,expires,groups\n" + "".join(
            "user%04d,old%04d@example.org,2040-01-31,team\n" % (i, i) for i in range(400))
        self.assertTrue(self.table(text, "invite=sheet")[1]["applied"])
        before = self.rows_of_users()
        self.assertEqual([len(before[t]) for t in ("user", "invitation")], [401, 400])
        text = "username,email,virtual cluster,expires,groups,action\n" + "".join(
            "user%04d,user%04d@example.org,default,never,default,%s\n"
            % (i, i, "create" if i >= 400 else ("update", "disable", "delete")[i % 3]) for i in range(5000))
        begin = time.monotonic()
        status, report = self.table(text, "invite=sheet&dryRun=true")
        dry = time.monotonic() - begin
        self.assertEqual((status, report["create"], report["errorCount"]), (200, 4600, 0), report["errors"][:3])
        self.assertEqual(self.rows_of_users(), before)
        begin = time.monotonic()
        report = self.table(text, "invite=sheet")[1]
        real = time.monotonic() - begin
        self.assertTrue(report["applied"])
        self.assertEqual(len(self.users()), 1 + 5000 - report["delete"])
        begin = time.monotonic()
        self.assertEqual(self.admin.request("POST", "/api/v2/user-imports/%s/undo" % report["importId"]).status, 200)
        undo = time.monotonic() - begin
        self.assertEqual(self.rows_of_users(), before)
        print("5,000 rows: dry run %.2f s, import by invitation %.2f s, undo %.2f s" % (dry, real, undo))

    def test_tables_that_are_none_are_refused_at_once(self):
        self.start()
        big = b"username,email\n" + b"a,b\n" * (100 << 18)  # 100 MiB
        cases = {
            "NUL": (b"username\na\0b\n", 400), "unclosed quote": (b'username\n"ana\nbo\n' + b"x" * 1000000, 400),
            "columns": (b"username," + b"x," * 10000 + b"\n", 400), "no UTF-8": (b"username\n\xff\n", 400),
            "rows": (b"username\n" + b"a\n" * 20000, 400), "unknown column": (b"username,shell\na,b\n", 400),
            "no head": (b"", 400), "100 MB": (big, 413)}
        for name, (text, want) in cases.items():
            begin = time.monotonic()
            status, answer, _ = droverlib.raw_exchange(
                self.server.address, b"POST /api/v2/users/import HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "
                + self.admin.token.encode() + b"\r\nContent-Type: text/csv\r\nContent-Length: "
                + str(len(text)).encode() + b"\r\n\r\n" + text)
            self.assertEqual(status, want, (name, answer[:500]))
            print("%-16s refused in %.2f s" % (name, time.monotonic() - begin))
        self.assertEqual(len(self.users()), 1)


if __name__ == "__main__":
    unittest.main()
