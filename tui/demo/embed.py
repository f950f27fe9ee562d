#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""embed.py FILE... OUT.c: the members of the files' objects, as one object, as the C function demo_data()."""
import json
import os
import sys


def main():
    *sources, target = sys.argv[1:]
    whole = {}
    for source in sources:
        with open(source, encoding="utf-8") as f:
            for key, value in json.load(f).items():
                whole[key] = {**whole[key], **value} if key in whole else value
    data = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
    lines = ['    "' + "".join("\\%03o" % b for b in data[i:i + 32]) + '"' for i in range(0, len(data), 32)]
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(target + ".tmp", "w", encoding="ascii") as out:
        out.write("/* Made by tui/demo/embed.py; do not edit. */\n#include \"tui/demo/demo_data.h\"\n\n"
                  "static const char data[] =\n%s;\n\nconst char *demo_data(size_t *len)\n{\n"
                  "    *len = sizeof data - 1;\n    return data;\n}\n" % "\n".join(lines))
    os.replace(target + ".tmp", target)


if __name__ == "__main__":
    main()
