# SPDX-License-Identifier: MIT
"""Every source says its licence in its first three lines."""
import re

SUFFIXES = (".c", ".h", ".py", ".sh", ".cmake", ".ts", ".tsx", ".mjs", ".css", "CMakeLists.txt", ".bash")
LINE = re.compile(r"SPDX-License-Identifier: MIT\b")


def is_script(tree, path):
    return "." not in path.split("/")[-1] and tree.text(path).startswith("#!")


def check(tree):
    for path in tree.paths:
        if path.startswith("tests/fuzz/corpus/"):
            continue
        if path.endswith(SUFFIXES) or is_script(tree, path):
            if not any(LINE.search(line) for line in tree.text(path).split("\n")[:3]):
                yield path, 1, "no line SPDX-License-Identifier: MIT"


PLANTED = [
    ({"a.c": "int x;\n", "b.py": "#!/usr/bin/env python3\n", "c": "#!/bin/bash\n", "d.ts": "\n"}, ["a.c:1", "b.py:1", "c:1", "d.ts:1"]),
    ({"a.c": "/* SPDX-License-Identifier: MIT */\n", "c": "#!/bin/bash\n# SPDX-License-Identifier: MIT\n", "README.md": "\n"}, []),
]
