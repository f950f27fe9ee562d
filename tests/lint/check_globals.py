# SPDX-License-Identifier: MIT
"""No mutable variable at file scope, nor a static one inside a function: state belongs to an object that somebody made.
What has a reason to be there stands in tests/lint/allowed. Tests are exempt."""
import re

from csource import items
from lint import Allowed

LOCAL = re.compile(r"(?:^|[;{}])\s*static\s+([^;={(]+)", re.S)


def mutable(head):
    """Whether a declaration's head (without initialiser) declares something that can change."""
    if re.match(r"\s*extern\b", head):
        return False
    head = re.sub(r"\[[^\]]*\]", "", head)
    if re.search(r"\bsig_atomic_t\b", head):
        return False
    pointer = head.rfind("*")
    return not re.search(r"\bconst\b", head[pointer + 1:])


def findings(path, text):
    for item in items(text):
        # In a header, a bare `some_fn name;` declares functions; a variable there would not link (-fno-common).
        if path.endswith(".h") and item.kind == "variable" and not item.head.strip().startswith("static"):
            continue
        if item.kind == "variable" and mutable(item.head):
            yield item.first, item.name
        if item.kind == "function":
            for match in LOCAL.finditer(item.body):
                head = match.group(1)
                if mutable(head):
                    name = re.findall(r"\w+", re.sub(r"\[[^\]]*\]", "", head))[-1]
                    start = match.start(1)
                    yield item.body_line + item.body.count("\n", 0, start), name


def check(tree):
    allowed = Allowed(tree, "globals")
    for path in tree.c_files():
        if path.startswith("tests/"):
            continue
        for line, name in findings(path, tree.text(path)):
            if (path, name) not in allowed:
                yield path, line, "%s is a mutable variable with static life" % name
    yield from allowed.stale()


PLANTED = [
    ({"a.c": "static int count;\nint other = 3;\nstatic const char *name = \"x\";\n"}, ["a.c:1", "a.c:2", "a.c:3"]),
    ({"a.c": "int f(void)\n{\n    static int n;\n    static const int m = 2;\n    return n + m;\n}\n"}, ["a.c:3"]),
    ({"a.c": "static struct x {\n    int a;\n} one;\n"}, ["a.c:1"]),
    ({"a.c": "static int (*handler)(int);\n", "a.h": "static int n;\nrule_fn one, two;\n"}, ["a.c:1", "a.h:1"]),
    ({"a.c": "static int count;\n", Allowed.PATH: "globals a.c count it counts\nglobals b.c gone not there\n"},
     [Allowed.PATH + ":2"]),
    ({"a.c": "static const char *const names[] = {\"a\"};\nstatic const struct x table[3] = {{1}};\nstruct y {\n    int a;\n};\n"
             "enum z { A, B };\nextern const int e;\nstatic volatile sig_atomic_t stop;\nint f(int a, int b);\ntypedef int t;\n"
             "int g(void)\n{\n    int a = 1;\n    return a;\n}\n"}, []),
]
