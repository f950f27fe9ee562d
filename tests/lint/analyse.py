#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""analyse.py tidy|cppcheck BUILD: runs clang-tidy or cppcheck over BUILD/compile_commands.json.

A file that passed is not looked at again until it, a header of ours that it includes, its compile command, the tool or
the tool's configuration changes: the cache below build/lint-cache/ holds one empty file per content hash. A planted bad
file runs first, so that a tool that finds nothing any more is noticed.

Clang's analyzer follows the paths through a function and takes nearly all of clang-tidy's time; it is spent on the
product, and ends for a function at BRIEF_NODES steps: a small part of the time. Tests run under the sanitizers, and get the
other checks. In ./dev nightly the analyzer looks at tests, too, and goes as far as it would by itself (225,000 steps).
"""
import concurrent.futures
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CACHE = os.path.join(ROOT, "build", "lint-cache")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+"([^"]+)"', re.M)
BRIEF_NODES = 2000
PLANTED = """#include <stdlib.h>
int main(int argc, char **argv)
{
    char *p = malloc(4);
    (void)argv;
    free(p);
    if (argc > 1)
        free(p);
    return 0;
}
"""


def tidy_command(entry, folder):
    checks = []
    if not os.environ.get("DROVER_NIGHTLY"):
        if entry["file"].startswith(os.path.join(ROOT, "tests", "")):
            checks = ["--checks=-clang-analyzer-*"]
        else:
            config = ["-Xclang", "-analyzer-config", "-Xclang", "max-nodes=%d" % BRIEF_NODES]
            checks = ["--extra-arg=" + argument for argument in config]
    return ["clang-tidy", "--quiet", "--config-file=" + os.path.join(ROOT, ".clang-tidy"), *checks, "-p", folder,
            "--extra-arg=-Wno-unknown-warning-option", entry["file"]]


def cppcheck_command(entry, folder):
    del folder
    return ["cppcheck", "--quiet", "--enable=warning,performance,portability", "--inline-suppr", "--std=c11",
            "--language=c", "--error-exitcode=1", "--suppress=missingInclude",
            # Designated initialisers of nested structs are taken for side effects.
            "--suppress=unknownEvaluationOrder", "-DcJSON_ArrayForEach(e,a)=for(e=(a)->child;e;e=e->next)",
            "--template={file}:{line}: {message} [{id}]", "-D_GNU_SOURCE", "-D__linux__", "-I" + ROOT, entry["file"]]


TOOLS = {"tidy": tidy_command, "cppcheck": cppcheck_command}
VERSION = {"tidy": ["clang-tidy", "--version"], "cppcheck": ["cppcheck", "--version"]}


def ours(path):
    """The file and every header of ours that it reaches."""
    seen, waiting = set(), [path]
    while waiting:
        current = waiting.pop()
        if current in seen or not os.path.isfile(current):
            continue
        seen.add(current)
        with open(current, encoding="utf-8", errors="replace") as f:
            names = INCLUDE.findall(f.read())
        waiting += [os.path.join(base, n) for n in names for base in (ROOT, os.path.dirname(current))]
    return sorted(seen)


def content_hash(entry, salt):
    digest = hashlib.sha256(salt)
    # Wherever the tree lies: a cache that was copied to another one holds there.
    digest.update(json.dumps(shlex.split(entry.get("command", "").replace(ROOT, ""))).encode())
    for path in ours(entry["file"]):
        with open(path, "rb") as f:
            digest.update(os.path.relpath(path, ROOT).encode() + b"\0" + hashlib.sha256(f.read()).digest())
    return digest.hexdigest()


def analyse(tool, entry, folder):
    """0 and nothing, or 1 and what the tool says."""
    done = subprocess.run(TOOLS[tool](entry, folder), capture_output=True, text=True)
    noise = re.compile(r"^\d+ warnings? (generated|treated)|^Suppressed |^Use -header-filter", re.M)
    said = "\n".join(line for line in (done.stdout + done.stderr).splitlines() if line and not noise.match(line))
    return done.returncode != 0, said


def sharp(tool):
    """Whether the tool finds the planted double free."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "planted.c")
        with open(path, "w", encoding="utf-8") as f:
            f.write(PLANTED)
        entry = {"directory": folder, "file": path, "command": "cc -c " + path}
        with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as f:
            json.dump([entry], f)
        return analyse(tool, entry, folder)[0]


def main():
    tool, build = sys.argv[1], os.path.abspath(sys.argv[2])
    if not sharp(tool):
        print(tool + ": does not find the planted double free")
        return 1
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as f:
        entries = list({e["file"]: e for e in json.load(f)
                        if not os.path.abspath(e["file"]).startswith(os.path.join(ROOT, "build"))}.values())
    with open(os.path.join(ROOT, ".clang-tidy"), "rb") as f:
        salt = f.read() + subprocess.run(VERSION[tool], capture_output=True).stdout
    calls = json.dumps([TOOLS[tool]({"file": f}, "") for f in ("", os.path.join(ROOT, "tests", ""))])
    salt += calls.replace(ROOT, "").encode()
    cache = os.path.join(CACHE, tool)
    os.makedirs(cache, exist_ok=True)
    hashes = {e["file"]: content_hash(e, salt) for e in entries}
    todo = [e for e in entries if not os.path.exists(os.path.join(cache, hashes[e["file"]]))]
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("DROVER_JOBS", os.cpu_count() or 2))) as pool:
        for entry, (bad, said) in zip(todo, pool.map(lambda e: analyse(tool, e, build), todo)):
            if bad:
                failed += 1
                print(said)
            else:
                open(os.path.join(cache, hashes[entry["file"]]), "w").close()
    for old in set(os.listdir(cache)) - set(hashes.values()):
        if len(os.listdir(cache)) > 4 * len(hashes):
            os.unlink(os.path.join(cache, old))
    print("%s: %d files, %d looked at, %d with findings" % (tool, len(entries), len(todo), failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
