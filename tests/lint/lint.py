#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""lint.py CHECK...: runs checks over the tree; `lint.py` alone lists them.

Each check is a module check_NAME.py with `check(tree)`, which yields (path, line, message), and with PLANTED, a list
of (files, expected): small trees with what the check must find in them, as "path:line" (empty: nothing). The planted
trees run first, every time, so a check that has lost its teeth fails like the code it should have caught.
"""
import importlib
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SKIPPED = ("build/", "node_modules/", ".git/")


class Tree:
    """The files to look at: what git tracks or would track, or every file where there is no git."""

    def __init__(self, root):
        self.root = root
        self.paths = sorted(p for p in self._list() if not any(s in p + "/" for s in SKIPPED))
        self._texts = {}

    def _list(self):
        if os.path.isdir(os.path.join(self.root, ".git")):
            out = subprocess.run(["git", "-C", self.root, "ls-files", "-z", "--cached", "--others",
                                  "--exclude-standard"], check=True, capture_output=True).stdout
            names = {p for p in out.decode().split("\0") if p}
            return [p for p in names if os.path.isfile(os.path.join(self.root, p))]
        found = []
        for parent, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if f + "/" not in SKIPPED]
            found += [os.path.relpath(os.path.join(parent, n), self.root) for n in names]
        return found

    def named(self, *suffixes):
        return [p for p in self.paths if p.endswith(suffixes)]

    def c_files(self):
        return self.named(".c", ".h")

    def text(self, path):
        if path not in self._texts:
            with open(os.path.join(self.root, path), encoding="utf-8", errors="replace") as f:
                self._texts[path] = f.read()
        return self._texts[path]

    def absolute(self, path):
        return os.path.join(self.root, path)


class Allowed:
    """Exceptions with a reason: tests/lint/allowed, one `check path name reason` a line. Those of a check that no
    finding asked for are findings themselves, so the list cannot outlive what it excuses."""

    PATH = "tests/lint/allowed"

    def __init__(self, tree, check):
        self.rows, self.faults = {}, []
        for number, line in enumerate(tree.text(self.PATH).splitlines() if self.PATH in tree.paths else [], 1):
            fields = line.split(None, 3)
            if not fields or line.startswith("#"):
                continue
            if len(fields) < 4:
                self.faults.append((self.PATH, number, "check, path, name and reason are needed"))
            elif fields[0] == check:
                self.rows[fields[1], fields[2]] = number
        self.unused = dict(self.rows)

    def __contains__(self, key):
        self.unused.pop(key, None)
        return key in self.rows

    def stale(self):
        for (path, name), number in self.unused.items():
            yield self.PATH, number, "%s %s needs no exception any more" % (path, name)
        yield from self.faults


def planted(module):
    """Messages about planted trees in which the check did not find exactly what it should."""
    for number, (files, expected) in enumerate(module.PLANTED):
        with tempfile.TemporaryDirectory() as folder:
            for path, text in files.items():
                target = os.path.join(folder, path)
                os.makedirs(os.path.dirname(target), exist_ok=True)
                with open(target, "w", encoding="utf-8") as f:
                    f.write(text)
            found = sorted({"%s:%d" % (path, line) for path, line, _ in module.check(Tree(folder))})
        if found != sorted(expected):
            yield "planted tree %d: found %s, expected %s" % (number, found, sorted(expected))


def run(name):
    module = importlib.import_module("check_" + name)
    blunt = list(planted(module))
    for message in blunt:
        print("%s: the check itself is broken: %s" % (name, message))
    findings = sorted(set(module.check(Tree(ROOT))))
    for path, line, message in findings:
        print("%s:%d: %s [%s]" % (path, line, message, name))
    warn = getattr(module, "warnings", None)
    for path, line, message in sorted(warn(Tree(ROOT))) if warn else ():
        print("%s:%d: warning: %s [%s]" % (path, line, message, name))
    print("%s: %d planted trees, %d findings" % (name, len(module.PLANTED), len(findings)))
    return bool(blunt or findings)


def main():
    sys.dont_write_bytecode = True
    sys.path.insert(0, HERE)
    sys.modules["lint"] = sys.modules[__name__]
    names = sys.argv[1:]
    if not names:
        print("\n".join(sorted(f[6:-3] for f in os.listdir(HERE) if f.startswith("check_"))))
        return 0
    return max(run(name) for name in names)


if __name__ == "__main__":
    sys.exit(main())
