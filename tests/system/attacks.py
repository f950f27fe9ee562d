# SPDX-License-Identifier: MIT
"""What the attack corpora share (test_attack_*.py). A corpus is a list of attacks in named families. Two things must
hold: none gets through the server, and on a server without its guards (bin/droverd-holes, see holes.py) at least one of
each family does. `by` marks an attack that something refuses beside our guards - a library, the database, another
check - and says what: it must not get through there either. A family of nothing but such is shown as what it is."""
import collections
import hashlib
import os

import droverlib

HOLED = "droverd-holes"

#: `what` is whatever the corpus needs to make the attack.
Attack = collections.namedtuple("Attack", "family name what by")


def attack(family, name, what, by=None):
    return Attack(family, name, what, by)


class Corpus:
    """Mixed into a unittest.TestCase, which gives attacks(), prepare(server) and through(attack)."""

    config = None

    def attacks(self):
        """The list, always the same."""
        raise NotImplementedError

    def prepare(self, server):
        """Once for a server that runs."""

    def through(self, a):
        """Whether the attack got what it wanted."""
        raise NotImplementedError

    def play(self, program):
        """Those that got through."""
        with droverlib.Server(self.config, program=program) as server:
            self.prepare(server)
            got = [a for a in self.attacks() if self.through(a)]
            self.assertEqual(droverlib.Client(server).request("GET", "/healthz").status, 200)
        return got

    def test_none_gets_through(self):
        got = self.play("droverd")
        self.assertEqual([], ["%s: %s" % (a.family, a.name) for a in got])

    def test_each_family_gets_through_without_guards(self):
        attacks = self.attacks()
        self.assertEqual(len({(a.family, a.name) for a in attacks}), len(attacks), "two of one name")
        got = self.play(HOLED)
        counts = collections.Counter(a.family for a in got)
        for family in sorted({a.family for a in attacks}):
            members = [a for a in attacks if a.family == family]
            marked = {a.by for a in members if a.by}
            print("%-16s %3d attacks, %3d get through without guards%s"
                  % (family, len(members), counts[family],
                     "; %d refused by %s" % (sum(1 for a in members if a.by), ", ".join(sorted(marked))) if marked else ""))
            if any(not a.by for a in members):
                self.assertGreater(counts[family], 0, "%s is not live" % family)
        self.assertEqual([], ["%s: %s" % (a.family, a.name) for a in got if a.by], "marked as refused by something else")
        print("%d attacks in all" % len(attacks))


def token_key(server):
    """The server's own key for tokens: a sub-key of DATA/secret.key (libsodium's crypto_kdf)."""
    with open(os.path.join(server.data, "secret.key"), encoding="ascii") as f:
        master = bytes.fromhex(f.read().strip())
    return hashlib.blake2b(key=master, digest_size=32, salt=(1).to_bytes(8, "little") + bytes(8),
                           person=b"drvr-jwt" + bytes(8)).digest()
