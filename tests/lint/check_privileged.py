# SPDX-License-Identifier: MIT
"""How much code runs as root where the spawner does (docs/DESIGN.md 1.10): whole files, comments, headers and
all. drover-spawner's own stays within the 1,500 lines of DESIGN 1.10; the keeper, which is root until its task's command
runs, the warden, which is until its shell does, and what they share with unprivileged programs have bounds of their own
that may only go down."""
import re

PROGRAMS = "engines/CMakeLists.txt"
# Of a program's sources those of this name, with their headers; None: those of neither name. And the most lines.
BOUNDS = [("drover-spawner", r"engines/local/spawner\w*", 1500),
          ("drover-keeper", r"engines/local/keeper\w*", 1270),
          ("drover-warden", r"engines/local/warden\w*", 690),
          ("shared", None, 3902)]
VARIABLE = re.compile(r"^set\((\w+)\s+([^)]*)\)", re.M)


def sources(text, program):
    """The sources of a program, as paths from the root."""
    variables = dict(VARIABLE.findall(text))
    match = re.search(r"^drover_program\(%s SOURCES\s+([^)]*)\)" % re.escape(program), text, re.M)
    if not match:
        return None
    words = re.sub(r"\bLINK\b.*", "", match.group(1), flags=re.S)
    words = re.sub(r"\$\{(DROVER_\w+)\}", lambda m: variables.get(m.group(1), ""), words)
    words = words.replace("${CMAKE_SOURCE_DIR}/", "/")
    return {w[1:] if w.startswith("/") else "engines/" + w for w in words.split()}


def with_headers(tree, paths):
    """They, and of the headers that they include, over any number of steps, those that are ours."""
    found, wait = set(), [p for p in paths if p in tree.paths]
    while wait:
        path = wait.pop()
        if path in found:
            continue
        found.add(path)
        wait += [p for p in re.findall(r'^#include "([^"]+)"', tree.text(path), re.M) if p in tree.paths]
    return found


def check(tree):
    if PROGRAMS not in tree.paths:
        return
    files = {}
    for program, _, _ in BOUNDS[:-1]:
        named = sources(tree.text(PROGRAMS), program)
        if named is None:
            yield PROGRAMS, 1, "there is no program %s with its sources" % program
            return
        missing = sorted(p for p in named if p not in tree.paths)
        if missing:
            yield PROGRAMS, 1, "%s of %s is not there" % (missing[0], program)
        files[program] = with_headers(tree, named)
    everything = set().union(*files.values())
    own = [re.compile(name + r"\.[ch]$") for _, name, _ in BOUNDS if name]
    for program, name, most in BOUNDS:
        counted = [p for p in everything if (re.match(name + r"\.[ch]$", p) if name else
                                             not any(o.match(p) for o in own))]
        lines = sum(tree.text(p).count("\n") for p in counted)
        if lines > most:
            yield PROGRAMS, 1, "%s: %d lines run as root, %d are allowed" % (program, lines, most)


def _tree(lines, more=""):
    """A small tree whose spawner has so many lines."""
    return {PROGRAMS: "set(DROVER_BASE ${CMAKE_SOURCE_DIR}/base/a.c)\ndrover_program(drover-spawner SOURCES local/spawner_main.c"
                      " %s ${DROVER_BASE})\ndrover_program(drover-keeper SOURCES local/keeper_main.c LINK x)\n"
                      "drover_program(drover-warden SOURCES local/warden_main.c)\n" % more,
            "engines/local/spawner_main.c": '#include "engines/local/spawner.h"\n' + "\n" * (lines - 3),
            "engines/local/spawner.h": "\n\n", "engines/local/keeper_main.c": "\n", "engines/local/warden_main.c": "\n", "base/a.c": "\n"}


PLANTED = [
    (_tree(1500), []),
    (_tree(1501), [PROGRAMS + ":1"]),
    (_tree(10, "local/gone.c"), [PROGRAMS + ":1"]),
    (dict(_tree(10), **{"base/a.c": '#include "base/b.h"\n', "base/b.h": "\n" * 3902}), [PROGRAMS + ":1"]),
    ({PROGRAMS: "drover_program(drover-spawner SOURCES local/spawner_main.c)\n"}, [PROGRAMS + ":1"]),
]
