# SPDX-License-Identifier: MIT
"""Functions fit a screen, files fit a head (docs/STYLE.md): functions warn at 60 and fail at 80 lines, .c files fail
above 600 lines, headers above 200, and a function takes at most five parameters. Tables are data and have no limit of
their own."""
from csource import items
from lint import Allowed

FUNCTION_WARN, FUNCTION_FAIL, SOURCE_FAIL, HEADER_FAIL, PARAMETERS = 60, 80, 600, 200, 5


def functions(tree):
    for path in tree.c_files():
        for item in items(tree.text(path)):
            if item.kind == "function":
                yield path, item, item.last - item.first + 1


def check(tree):
    allowed = Allowed(tree, "sizes")
    for path in tree.c_files():
        lines = tree.text(path).count("\n")
        limit = HEADER_FAIL if path.endswith(".h") else SOURCE_FAIL
        if lines > limit:
            yield path, limit + 1, "%d lines, at most %d" % (lines, limit)
        for item in items(tree.text(path)):
            if item.kind not in ("function", "prototype") or item.parameters() <= PARAMETERS:
                continue
            if (path, item.name) not in allowed:
                yield path, item.first, "%s takes %d parameters, at most %d" % (item.name, item.parameters(), PARAMETERS)
    for path, item, lines in functions(tree):
        if lines > FUNCTION_FAIL:
            yield path, item.first, "%s has %d lines, at most %d" % (item.name, lines, FUNCTION_FAIL)
    yield from allowed.stale()


def warnings(tree):
    for path, item, lines in functions(tree):
        if FUNCTION_WARN < lines <= FUNCTION_FAIL:
            yield path, item.first, "%s has %d lines, aim at %d" % (item.name, lines, FUNCTION_WARN)


def _function(lines):
    return "int f(void)\n{\n" + "    x();\n" * (lines - 3) + "}\n"


PLANTED = [
    ({"a.c": _function(81), "b.c": _function(80)}, ["a.c:1"]),
    ({"a.c": "\n" * 601, "b.c": "\n" * 600}, ["a.c:601"]),
    ({"a.h": "\n" * 201, "b.h": "\n" * 200}, ["a.h:201"]),
    ({"a.h": "int f(int a, int b, int c, int d, int e, int g);\nint h(int a, int (*b)(int, int), int c, int d, int e);\n"}, ["a.h:1"]),
    ({"a.c": "int f(int a, int b, int c, int d, int e, int g)\n{\n    return 0;\n}\n", Allowed.PATH: "sizes a.c f a callback\n"}, []),
    ({"a.c": "static const int t[] = {\n" + "    1,\n" * 100 + "};\n"}, []),
]
