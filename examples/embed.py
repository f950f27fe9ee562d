#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Put the programs of the examples into their YAML files.

A task has no copy of this repository, so a job brings its program along: the YAML's commands
write it with a here-document and run it. The .py file is the source; this tool copies it in.

    examples/embed.py            rewrite the YAML files
    examples/embed.py --check    exit with 1 if one of them is out of date
"""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
PAIRS = [("train/train.yaml", "train/train.py"), ("distributed.yaml", "distributed/dist.py")]


def embedded(yaml, program, name):
    """`yaml` with the body of the here-document that writes file `name` replaced by `program`."""
    pattern = re.compile(r"^( *)cat > %s <<'(\w+)'\n.*?^ *\2\n" % re.escape(name), re.M | re.S)
    match = pattern.search(yaml)
    if not match:
        sys.exit("embed: no here-document for %s" % name)
    indent, mark = match.groups()
    if "<%" in program or mark in program or "\t" in program or not program.isascii():
        sys.exit("embed: %s holds a template mark, the end mark, a tab or non-ASCII text" % name)
    body = "".join(indent + line + "\n" if line else "\n" for line in program.splitlines())
    return yaml[:match.start()] + "%scat > %s <<'%s'\n%s%s%s\n" % (indent, name, mark, body, indent, mark) \
        + yaml[match.end():]


def main():
    stale = 0
    for yaml_name, program_name in PAIRS:
        path = os.path.join(HERE, yaml_name)
        with open(path, encoding="utf-8") as f:
            old = f.read()
        with open(os.path.join(HERE, program_name), encoding="utf-8") as f:
            new = embedded(old, f.read(), os.path.basename(program_name))
        if new == old:
            continue
        stale += 1
        if "--check" in sys.argv[1:]:
            print("%s is out of date: run examples/embed.py" % yaml_name)
        else:
            with open(path, "w", encoding="utf-8") as f:
                f.write(new)
    return 1 if stale and "--check" in sys.argv[1:] else 0


if __name__ == "__main__":
    sys.exit(main())
