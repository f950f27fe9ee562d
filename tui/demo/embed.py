#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""embed.py FILE OUT.c: the file's bytes as the C function demo_data()."""
import os
import sys


def main():
    source, target = sys.argv[1:3]
    with open(source, "rb") as f:
        data = f.read()
    lines = ['    "' + "".join("\\%03o" % b for b in data[i:i + 32]) + '"' for i in range(0, len(data), 32)]
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target + ".tmp", "w", encoding="ascii") as out:
        out.write("/* Made by tui/demo/embed.py; do not edit. */\n#include \"tui/demo/demo_data.h\"\n\n"
                  "static const char data[] =\n%s;\n\nconst char *demo_data(size_t *len)\n{\n"
                  "    *len = sizeof data - 1;\n    return data;\n}\n" % "\n".join(lines))
    os.replace(target + ".tmp", target)


if __name__ == "__main__":
    main()
