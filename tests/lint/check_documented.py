# SPDX-License-Identifier: MIT
"""Every public prototype has a comment: above it, behind it, or above the unbroken group of prototypes it is in. Every
header and source opens with what it is for."""
import re

from csource import comment_lines, items

# The licence line, perhaps the libraries of a one-file program, then words in the same comment or the next.
OPENING = re.compile(r"(?:/\* SPDX-License-Identifier: MIT(?: \*/\n(?:// link:.*\n)?\n?/\*|\n \*\n \*)"
                     r"|// SPDX-License-Identifier: MIT\n(?:// link:.*\n)?\n?/[*/]) \S")


def undocumented(text):
    ends, touched = comment_lines(text)
    lines = text.split("\n")
    covered = set()  # last lines of prototypes and types that have a comment
    for item in items(text):
        above = item.first - 1
        blank = above < 1 or not lines[above - 1].strip()
        behind = any(n in touched for n in range(item.first, item.last + 1))
        if behind or (not blank and (above in ends or above in covered)):
            covered.add(item.last)
        elif item.kind == "prototype":
            yield item


def check(tree):
    for path in tree.c_files():
        text = tree.text(path)
        if path.endswith(".h"):
            for item in undocumented(text):
                yield path, item.first, "%s has no comment" % item.name
        if not OPENING.match(re.sub(r"^// link:.*\n", "", text)):
            yield path, 1, "does not open with its licence line and its purpose"


_TOP = "/* SPDX-License-Identifier: MIT\n *\n * Purpose.\n */\n"
PLANTED = [
    ({"a.h": _TOP + "\nint bare(void);\n"}, ["a.h:6"]),
    ({"a.h": _TOP + "\nstruct a;\n\n/* One. */\nint one(void);\nint two(int a,\n        int b);\nint three(void);\n\nint bare(void);\n"}, ["a.h:14"]),
    ({"a.h": _TOP + "\nint one(void); /* Behind. */\nint two(void);\n\nint bare(int (*f)(void));\n"}, ["a.h:9"]),
    ({"a.h": "/* SPDX-License-Identifier: MIT */\n", "b.h": "/* SPDX-License-Identifier: MIT */\n/* Purpose. */\n"}, ["a.h:1"]),
    ({"a.h": _TOP + "\n/* One. */\nstruct a {\n    int b;\n};\nint one(struct a *a);\n\nstruct c;\nint bare(void);\n"}, ["a.h:13"]),
    ({"a.h": _TOP + "\n/* One, with attribute. */\nint one(const char *f, ...) __attribute__((format(printf, 1, 2)));\n"
      "\nstruct s {\n    int (*member)(void);\n};\n\nextern const int x;\n"}, []),
]
