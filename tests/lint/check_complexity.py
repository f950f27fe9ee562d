# SPDX-License-Identifier: MIT
"""McCabe complexity of each function, by pmccabe: at most 15."""
import subprocess

LIMIT = 15


def check(tree):
    files = [p for p in tree.c_files() if p.endswith(".c")]
    if not files:
        return
    out = subprocess.run(["pmccabe"] + files, cwd=tree.root, capture_output=True, text=True, check=True).stdout
    for row in out.splitlines():
        fields = row.split("\t")
        # modified, traditional, statements, first line, lines, file(line): function; a switch counts once per case.
        if len(fields) == 6 and int(fields[1]) > LIMIT:
            path, name = fields[5].split("(")[0], fields[5].split(": ")[1]
            yield path, int(fields[3]), "%s has complexity %s, at most %d" % (name, fields[1], LIMIT)


PLANTED = [
    ({"a.c": "int f(int a)\n{\n" + "    if (a)\n        a++;\n" * 15 + "    return a;\n}\n"}, ["a.c:1"]),
    ({"a.c": "int f(int a)\n{\n" + "    if (a)\n        a++;\n" * 14 + "    return a;\n}\n"}, []),
]
