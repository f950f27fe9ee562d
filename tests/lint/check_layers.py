# SPDX-License-Identifier: MIT
"""Includes go downwards only (docs/DESIGN.md 2), and a few libraries have one home."""
import re

BELOW = {
    "base": [],
    "store": ["base"],
    "inventory": ["base", "store"],
    "jobs": ["base", "store", "inventory"],
    "scheduler": ["base", "store", "inventory", "jobs"],
    "engines": ["base", "store", "inventory", "jobs"],
    "metrics": ["base", "store", "inventory", "jobs"],
    "auth": ["base", "store", "inventory", "jobs"],
    "provision": ["base", "store", "inventory", "jobs"],
    "core": ["base", "store", "inventory", "jobs", "scheduler", "engines", "metrics", "auth", "provision"],
    "server": ["base", "store", "inventory", "jobs", "scheduler", "engines", "metrics", "auth", "provision", "core"],
    "sim": ["base", "store", "inventory", "jobs", "scheduler", "engines", "metrics", "auth", "provision", "core"],
    "tui": ["base"],
    "tools": ["base"],
}
# Header (as a prefix) -> where it may be included. Tests look from outside and may include anything.
HOMES = {
    "sqlite3.h": ["store/"],
    "yaml.h": ["base/"],
    "jwt.h": ["auth/", "engines/slurm/"],
    "curl/": ["tui/", "engines/", "metrics/", "auth/", "server/"],
    "microhttpd.h": ["server/"],
    "ncurses": ["tui/"],
    "curses.h": ["tui/"],
    "panel.h": ["tui/"],
}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+([<"])([^>"]+)[>"]', re.M)
PARSE = re.compile(r"\bcJSON_Parse\w*\s*\(")


def includes(text):
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match.group(1), match.group(2)


def own_include(path, name):
    folder = path.split("/")[0]
    target = name.split("/")[0]
    if "/" not in name or name.startswith("."):
        return "include from the root: \"folder/file.h\", not \"%s\"" % name
    if folder in BELOW and target != folder and target not in BELOW[folder]:
        return "%s/ may not include %s/" % (folder, target)
    return None


def system_include(path, name):
    for prefix, homes in HOMES.items():
        if name.startswith(prefix) and not any(path.startswith(h) for h in homes):
            return "<%s> may be included in %s only" % (name, ", ".join(homes))
    return None


def check(tree):
    for path in tree.c_files():
        if path.startswith("web/"):
            yield path, 1, "web/ is a client in TypeScript: no C here"
        if path.startswith("tests/"):
            continue
        text = tree.text(path)
        for line, kind, name in includes(text):
            message = own_include(path, name) if kind == '"' else system_include(path, name)
            if message:
                yield path, line, message
        for match in PARSE.finditer(text):
            if not path.startswith("base/json"):
                yield path, text.count("\n", 0, match.start()) + 1, "JSON is parsed by base/json.h only"


PLANTED = [
    ({"base/a.c": '#include "store/store.h"\n'}, ["base/a.c:1"]),
    ({"inventory/a.c": '#include <stdio.h>\n#include "jobs/job.h"\n'}, ["inventory/a.c:2"]),
    ({"scheduler/a.c": '#include "engines/engine.h"\n'}, ["scheduler/a.c:1"]),
    ({"core/a.c": '#include "server/loop.h"\n'}, ["core/a.c:1"]),
    ({"tui/a.c": '#include "jobs/job.h"\n'}, ["tui/a.c:1"]),
    ({"jobs/a.c": "#include <sqlite3.h>\n"}, ["jobs/a.c:1"]),
    ({"server/a.c": "#include <ncurses.h>\n"}, ["server/a.c:1"]),
    ({"server/a.c": "void f(void)\n{\n    cJSON_Parse(x);\n}\n"}, ["server/a.c:3"]),
    ({"jobs/a.c": '#include "job.h"\n'}, ["jobs/a.c:1"]),
    ({"web/a.c": "\n"}, ["web/a.c:1"]),
    ({"store/db.c": '#include <sqlite3.h>\n#include "base/err.h"\n', "tests/system/a.c": "#include <sqlite3.h>\n"}, []),
]
