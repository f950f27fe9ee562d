#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Forged tokens. Each forgery has a row in the database that is good, as if it had been issued: what is tried is whether
the token itself passes. Those that were issued and then lost their right are tried on the same server."""
import base64
import hashlib
import hmac
import json
import os
import sqlite3
import subprocess
import time
import unittest
import uuid

import attacks
import droverlib
from attacks import attack

HS256 = {"alg": "HS256", "typ": "JWT"}
LIBJWT = "libjwt"
PASSWORD = "a long password"


def b64(data):
    if not isinstance(data, bytes):
        data = json.dumps(data, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def sign(text, key, name="sha256"):
    return b64(hmac.new(key, text.encode(), name).digest())


class Forger:
    """Makes tokens for one server, with its key and an admin's claims."""

    def __init__(self, server):
        self.key = attacks.token_key(server)
        self.now = int(time.time())
        self.rsa = os.path.join(server.folder, "rsa.pem")
        subprocess.run(["openssl", "genrsa", "-out", self.rsa, "2048"], check=True, capture_output=True)

    def claims(self, **change):
        claims = {"application": False, "exp": self.now + 3600, "iat": self.now - 10, "iss": "drover",
                  "jti": str(uuid.uuid4()), "jobSpecific": False, "username": droverlib.ADMIN}
        claims.update(change)
        return {k: v for k, v in claims.items() if v is not None}

    def token(self, header=None, claims=None, key=None, signature=None, digest="sha256"):
        text = "%s.%s" % (b64(header or HS256), b64(claims if claims is not None else self.claims()))
        return "%s.%s" % (text, sign(text, self.key if key is None else key, digest) if signature is None else signature)

    def rs256(self, header):
        text = "%s.%s" % (b64(header), b64(self.claims()))
        made = subprocess.run(["openssl", "dgst", "-sha256", "-sign", self.rsa], input=text.encode(), check=True,
                              capture_output=True).stdout
        return "%s.%s" % (text, b64(made))

    def public_pem(self):
        return subprocess.run(["openssl", "rsa", "-in", self.rsa, "-pubout"], check=True, capture_output=True).stdout

    def raw_claims(self, extra):
        """Claims as text, with a member written once more."""
        return (json.dumps(self.claims(), separators=(",", ":"))[:-1] + "," + extra + "}").encode()


def header(**members):
    return {k: v for k, v in dict(HS256, **members).items() if v is not None}


def algorithms():
    none = "algorithm"
    for name in ("none", "None", "NONE", "nOnE", ""):
        yield attack(none, "%r, no signature" % name, lambda f, n=name: f.token(header(alg=n), signature=""), LIBJWT)
        yield attack(none, "%r, signed" % name, lambda f, n=name: f.token(header(alg=n)), LIBJWT)
    yield attack(none, "missing", lambda f: f.token({"typ": "JWT"}), LIBJWT)
    yield attack(none, "a number", lambda f: f.token(header(alg=256)), LIBJWT)
    yield attack(none, "HS512 with our key", lambda f: f.token(header(alg="HS512"), digest="sha512"))
    yield attack(none, "HS384 with our key", lambda f: f.token(header(alg="HS384"), digest="sha384"))
    yield attack(none, "HS512 in name only", lambda f: f.token(header(alg="HS512")), LIBJWT)
    yield attack(none, "RS256 with our key", lambda f: f.token(header(alg="RS256")), LIBJWT)
    yield attack(none, "RS256 with a key of its own", lambda f: f.rs256(header(alg="RS256")), LIBJWT)
    yield attack(none, "ES256 with our key", lambda f: f.token(header(alg="ES256")), LIBJWT)
    yield attack(none, "key confusion: HS256 with a public key", lambda f: f.token(key=f.public_pem()), LIBJWT)


def headers():
    for name, change in (
            ("kid: a path", {"kid": "../../../../dev/null"}), ("kid: SQL", {"kid": "x' UNION SELECT 'k"}),
            ("kid: a command", {"kid": "|id"}), ("jku", {"jku": "http://127.0.0.1/keys"}),
            ("jwk", {"jwk": {"kty": "oct", "k": "AAAA"}}), ("x5u", {"x5u": "http://127.0.0.1/x"}),
            ("crit", {"crit": ["b64"], "b64": False}), ("cty", {"cty": "JWT"}), ("no typ", {"typ": None})):
        yield attack("header", name, lambda f, c=change: f.token(header(**c)))
    yield attack("header", "other order", lambda f: f.token({"typ": "JWT", "alg": "HS256"}))
    yield attack("header", "blanks", lambda f: f.token(b'{"alg": "HS256", "typ": "JWT"}'))
    yield attack("header", "typ: another", lambda f: f.token(header(typ="JWE")), LIBJWT)
    yield attack("header", "alg twice", lambda f: f.token(b'{"alg":"HS256","alg":"none","typ":"JWT"}'), LIBJWT)


def signatures():
    def bent(f, change):
        text, _, signature = f.token().rpartition(".")
        return text + "." + change(signature)
    for name, change in (("none", lambda s: ""), ("cut", lambda s: s[:-1]), ("longer", lambda s: s + "A"),
                         ("flipped", lambda s: ("A" if s[0] != "A" else "B") + s[1:]), ("half", lambda s: s[:22]),
                         ("padded", lambda s: s + "="), ("twice", lambda s: s + "." + s)):
        yield attack("signature", name, lambda f, c=change: bent(f, c), LIBJWT)
    yield attack("signature", "empty key", lambda f: f.token(key=b""), LIBJWT)
    yield attack("signature", "key of zeros", lambda f: f.token(key=bytes(32)), LIBJWT)


def claims():
    changes = (("exp: a string", {"exp": "9999999999"}), ("exp: past", {"exp": 1}), ("exp: missing", {"exp": None}),
               ("exp: null", {"exp": False}), ("exp: 2^63", {"exp": 2 ** 63}), ("exp: a fraction", {"exp": 1e10 + .5}),
               ("exp: an array", {"exp": [9999999999]}), ("nbf: to come", {"nbf": 2 ** 33}),
               ("iat: to come", {"iat": 2 ** 33}), ("iat: missing", {"iat": None}), ("iss: another", {"iss": "Drover"}),
               ("iss: an array", {"iss": ["drover"]}), ("aud: another", {"aud": "another"}),
               ("aud: an array", {"aud": ["drover", "x"]}), ("admin", {"admin": True}), ("role", {"role": "admin"}),
               ("groups", {"groups": ["admingroup"]}), ("sub", {"sub": "root"}), ("username: another", {"username": "ann"}),
               ("username: of nobody", {"username": "nobody"}))
    for name, change in changes:
        yield attack("claims", name, lambda f, c=change: f.token(claims=f.claims(**c)))
    for name, change in (("username: a number", {"username": 1}), ("username: an array", {"username": ["admin"]}),
                         ("username: missing", {"username": None}), ("jti: missing", {"jti": None})):
        yield attack("claims", name, lambda f, c=change: f.token(claims=f.claims(**c)), "the type of what is copied")
    for name, extra in (("username twice", '"username":"root"'), ("exp twice", '"exp":1'), ("iss twice", '"iss":"x"'),
                        ("username twice, escaped", '"usern\\u0061me":"root"')):
        yield attack("twice", name, lambda f, x=extra: f.token(claims=f.raw_claims(x)))


def revocations():
    """Each gives the calls that end the right, and the path that it is lost for. `me` is the user's own client."""
    def by_admin(method, path, body=None):
        return lambda admin, me, user: admin.json(method, path % user if "%" in path else path,
                                                  body(user) if body else None, (200, 201))

    def own_password(admin, me, user):
        droverlib.Client(me.server).login(user, PASSWORD).json(
            "PUT", "/api/v2/users/me", {"patch": True, "data": {
                "username": user, "oldPassword": PASSWORD, "newPassword": "another password"}}, (201,))

    def revoked(admin, me, user):
        other = droverlib.Client(me.server).login(user, PASSWORD)
        newest_first = [t["id"] for t in other.json("GET", "/api/v2/tokens")["details"]]
        for token_id in reversed(newest_first):  # the one in use last
            other.json("DELETE", "/api/v2/tokens/" + token_id)

    users = "/api/v2/users"
    patch = lambda **data: lambda user: {"patch": True, "data": dict(data, username=user)}  # noqa: E731
    for name, end, path in (
            ("own password changed", own_password, "/api/v2/session"),
            ("password set by an admin", by_admin("PUT", users + "/%s/password", lambda u: {"newPassword": PASSWORD + "!"}),
             "/api/v2/session"),
            ("admin right taken", by_admin("PUT", users + "/%s/admin", lambda u: {"admin": False}), "/api/v2/audit"),
            ("removed", by_admin("DELETE", users + "/%s"), "/api/v2/session"),
            ("disabled", by_admin("PUT", users, patch(disabled=True)), "/api/v2/session"),
            ("expired", by_admin("PUT", users, patch(expires=1000)), "/api/v2/session"),
            ("logged out", lambda admin, me, user: me.json("DELETE", "/api/v2/authn/basic/logout"), "/api/v2/session"),
            ("revoked", revoked, "/api/v2/session")):
        yield attack("revocation", name, (end, path))


def unissued():
    """Signed well, but no row of the database knows them."""
    for name, change in (("of the admin", {}), ("of another", {"username": "ann"}),
                         ("an application's", {"application": True, "exp": None})):
        yield attack("unissued", name, lambda f, c=change: f.token(claims=f.claims(**c)), "the database")


FORGERIES = [*algorithms(), *headers(), *signatures(), *claims()]
UNISSUED = list(unissued())
ALL = FORGERIES + UNISSUED + list(revocations())


class Tokens(attacks.Corpus, unittest.TestCase):
    def attacks(self):
        return ALL

    def prepare(self, server):
        self.server = server
        self.admin = droverlib.Client(server).login()
        forger = Forger(server)
        self.tokens = {a.name + a.family: a.what(forger) for a in FORGERIES}
        good = forger.token()
        known = {good, *self.tokens.values()}
        self.tokens.update((a.name + a.family, a.what(forger)) for a in UNISSUED)
        rows = [(str(uuid.uuid4()), droverlib.ADMIN, hashlib.sha256(token.encode()).digest(), "browser",
                 1000 * (forger.now - 10), 1000 * (forger.now + 3600)) for token in known]
        server.stop()
        db = sqlite3.connect(os.path.join(server.data, "drover.db"))
        with db:
            db.executemany("INSERT INTO token(id, user, hash, kind, issued_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?)", rows)
        db.close()
        server.start()
        # The forger is able: so what it forges fails for the reason meant.
        self.assertEqual(droverlib.Client(server, good).request("GET", "/api/v2/session").status, 200)
        self.users = 0

    def through(self, a):
        if a.family == "revocation":
            return self.revoked(a)
        client = droverlib.Client(self.server, self.tokens[a.name + a.family])
        client.described = False  # what a server with holes says of a nonsensical token is nobody's business
        reply = client.request("GET", "/api/v2/session")
        self.assertIn(reply.status, (200, 401), a.name)
        return reply.status == 200

    def revoked(self, a):
        end, path = a.what
        self.users += 1
        user = "user%d" % self.users
        self.admin.json("POST", "/api/v2/users", {"username": user, "password": PASSWORD, "admin": path.endswith("audit")},
                        (201,))
        me = droverlib.Client(self.server).login(user, PASSWORD)
        self.assertEqual(me.request("GET", path).status, 200)
        end(self.admin, me, user)
        return me.request("GET", path).status == 200


if __name__ == "__main__":
    unittest.main()
