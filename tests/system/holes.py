#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""holes.py FILE OUT: writes a source of the table with its guards taken out. The build links these copies in place of
the real ones into bin/droverd-holes: a server that the attack corpora must get into, or they would prove nothing about
the one that they do not get into (test_attack_*.py), and in which the nightly's scanners must find the two holes meant
for them. A text that is not there exactly once is an error: whoever changes the source moves the hole.
`holes.py --list` prints the sources."""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# (family, file, text, the same without its guard)
HOLES = (
    # whatever algorithm the token names
    ("tokens", "auth/jwt.c",
     "    if (strnlen(token, JWT_MAX + 1) > JWT_MAX || strncmp(token, HEADER \".\", sizeof(HEADER)) != 0)\n"
     "        return NULL;\n    payload = token + sizeof(HEADER);\n",
     "    payload = strchr(token, '.');\n    if (strnlen(token, JWT_MAX + 1) > JWT_MAX || !payload)\n        return NULL;\n"
     "    payload++;\n"),
    ("tokens", "auth/jwt.c", "signature != 43 || ", ""),
    ("tokens", "auth/jwt.c", " && jwt_get_alg(jwt) == JWT_ALG_HS256", ""),
    # whatever it claims
    ("tokens", "auth/jwt.c", "json_only_keys(o, known_claims, NULL) ? \"claims\" : ", ""),
    ("tokens", "auth/jwt.c", "        return \"iss\";\n", "        (void)issuer;\n"),
    ("tokens", "auth/jwt.c", "        return \"time\";\n", "        c->exp = INT64_MAX;\n"),
    ("tokens", "auth/jwt.c", "return why ? why : check_times(out, nbf, now_s);", "return why;"),
    ("tokens", "server/api/authenticate.c", " || strcmp(out->user, hit.claims.username) != 0", ""),
    # what a token was good for once
    ("revocation", "auth/identity_cache.c", "return en->generation == c->generation && now_ms", "return now_ms"),
    ("revocation", "auth/identity_cache.c", "en->read_ms < KEPT_MS &&", "en->read_ms < 600 * 1000 &&"),
    # framing as the library takes it
    ("http", "server/http/guard.c", "    if (v != GUARD_OK)\n        err_set(",
     "    if (v != GUARD_OK && v != GUARD_METHOD && v != GUARD_PATH)\n        v = GUARD_OK;\n"
     "    if (v != GUARD_OK)\n        err_set("),
    ("http", "server/http/guard.c", "if (path && (*c == '/' || *c == '\\\\'))\n        return 0;", ""),
    ("http", "server/http/guard.c", "if (used == 0 || c < 0x20 || c == 0x7f)", "if (used == 0)"),
    ("http", "server/http/route.c", "        m++;\n    return m;\n", "        m++;\n    return m < HTTP_METHOD_COUNT ? m : HTTP_GET;\n"),
    ("http", "server/http/dispatch.c", "    r->close = r->framing.chunked;\n", ""),
    # JSON as cJSON takes it
    ("json", "base/json_gate.c", "if (gate_check(&g) == 0) {", "{"),
    ("json", "base/json_gate.c", "            (void)err_set(e, ERR_INTERNAL, \"out of memory\");\n    }\n    keyset_fini",
     "            (void)err_set(e, ERR_INVALID_PARAMETERS, \"cJSON refuses it\");\n    }\n    keyset_fini"),
    # YAML as libyaml takes it
    ("yaml", "base/doc_parse.c", "    if (added == 0)\n", "    if (false)\n"),
    ("yaml", "base/doc_parse.c", "    if (ev->data.scalar.tag)\n", "    if (false)\n"),
    ("yaml", "base/doc_parse.c", "    if (map ? ev->data.mapping_start.tag != NULL : ev->data.sequence_start.tag != NULL)\n",
     "    if (false)\n"),
    ("yaml", "base/doc_parse.c", "    if (!d->quoted && strcmp(d->text, \"<<\") == 0)\n", "    if (false)\n"),
    ("yaml", "base/doc_parse.c", "    if (doc_prescan(text, len, e))\n", "    if (false)\n"),
    ("yaml", "base/doc_parse.c", "    if (p->root)\n        return doc_fail_mark", "    if (false)\n        return doc_fail_mark"),
    ("yaml", "base/doc_parse.c", "    if (++p->aliases > p->limits.aliases)\n", "    if (false)\n"),
    ("yaml", "base/doc_parse.c", "    if (memchr(text, '\\0', len))\n", "    if (false)\n"),
    ("yaml", "base/doc_parse.c", "    if (n > p->limits.nodes || p->nodes > p->limits.nodes - n)\n", "    if (false)\n"),
    ("yaml", "base/doc_parse.c", "#define DOC_DEPTH 32\n", "#define DOC_DEPTH 50\n"),
    ("yaml", "base/doc_parse.c", "if (!d->quoted && doc_scalar_resolve(d))\n", "if (!d->quoted && doc_scalar_resolve(d) && false)\n"),
    # members that nobody asked for
    ("fields", "base/json_get.c", "        if (!*k)\n            return json_fail(e, m->string, \"unknown member\");\n", ""),
    # for sqlmap: a keyword that becomes SQL
    ("sqlmap", "jobs/jobs_store_list.c",
     "    query_where(q, \"(j.name LIKE ? ESCAPE '\\\\' OR j.user LIKE ? ESCAPE '\\\\' OR j.vc LIKE ? ESCAPE '\\\\')\");\n"
     "    for (int i = 0; i < 3; i++)\n        query_contains(q, keyword);\n",
     "    query_where(q, \"(j.name LIKE '\");\n    query_sql_fragment(q, keyword);\n    query_sql(q, \"')\");\n"),
    # for wapiti: an error that becomes a page
    ("wapiti", "server/http/reply.c", "\"application/problem+json\"", "\"text/html\""),
)


def planted(name):
    """The source with all its holes."""
    with open(os.path.join(ROOT, name), encoding="utf-8") as f:
        source = f.read()
    for family, where, text, hole in HOLES:
        if where != name:
            continue
        if source.count(text) != 1:
            raise SystemExit("%s has %d places for this hole of %s:\n%s" % (name, source.count(text), family, text))
        source = source.replace(text, hole)
    return source


def main():
    if sys.argv[1] == "--list":
        print("\n".join(sorted({where for _, where, _, _ in HOLES})))
        return
    with open(sys.argv[2], "w", encoding="utf-8") as f:
        f.write(planted(sys.argv[1]))


if __name__ == "__main__":
    main()
