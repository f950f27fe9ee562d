# SPDX-License-Identifier: MIT
"""clang-format 14 agrees with every C file; text has no tabs where we do not want them, no trailing blanks, and ends
with one newline."""
import os
import re
import subprocess

SUFFIXES = (".c", ".h", ".py", ".sh", ".cmake", ".txt", ".md", ".ts", ".tsx", ".css", ".yaml", ".json")
STYLE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", ".clang-format")
FINDING = re.compile(r"^(.+?):(\d+):\d+: (?:error|warning): code should be clang-formatted")


def clang_format(tree):
    files = tree.c_files()
    if not files:
        return
    command = ["clang-format", "--dry-run", "--style=file:" + STYLE, "--ferror-limit=1"]
    out = subprocess.run(command + files, cwd=tree.root, capture_output=True, text=True).stderr
    seen = set()
    for row in out.splitlines():
        match = FINDING.match(row)
        if match and match.group(1) not in seen:
            seen.add(match.group(1))
            yield match.group(1), int(match.group(2)), "run ./dev fmt"


def check(tree):
    yield from clang_format(tree)
    for path in tree.named(*SUFFIXES):
        if path.startswith(("tests/fuzz/corpus/", "tests/unit/")) and not path.endswith((".c", ".h")):
            continue
        text = tree.text(path)
        for number, line in enumerate(text.split("\n"), 1):
            if line.rstrip() != line:
                yield path, number, "trailing blank"
        if text and (not text.endswith("\n") or text.endswith("\n\n")):
            yield path, text.count("\n"), "does not end with one newline"


PLANTED = [
    ({"a.c": "int f(void)\n{\n  return 1;\n}\n"}, ["a.c:2"]),
    ({"a.c": "int f(void)\n{\n    return 1;\n}\n", "a.md": "a \n", "b.md": "a"}, ["a.md:1", "b.md:0"]),
]
