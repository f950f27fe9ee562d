# SPDX-License-Identifier: MIT
"""Commits read `area: imperative subject` in at most 60 characters and say their problem (docs/STYLE.md)."""
import os
import re
import subprocess

SUBJECT = re.compile(r"^[a-z][a-z0-9/._-]*(, [a-z][a-z0-9/._-]*)*: \S")
LIMIT = 60


def message_faults(subject, body):
    if not SUBJECT.match(subject):
        yield "subject is not `area: what it does`"
    if len(subject) > LIMIT:
        yield "subject has %d characters, at most %d" % (len(subject), LIMIT)
    if subject.endswith("."):
        yield "subject ends with a full stop"
    if not re.search(r"^Problem: \S", body, re.M):
        yield "body has no `Problem:` paragraph"


def history(root):
    out = subprocess.run(["git", "-C", root, "log", "--no-merges", "-n", "500", "--format=%h%x00%s%x00%b%x01"],
                         capture_output=True, text=True, check=True).stdout
    for record in out.split("\x01"):
        fields = record.strip("\n").split("\0")
        if len(fields) == 3:
            yield fields


def check(tree):
    planted = [p for p in tree.paths if p.endswith(".commit")]
    for path in planted:
        subject, _, body = tree.text(path).partition("\n")
        for fault in message_faults(subject, body):
            yield path, 1, fault
    if os.path.exists(os.path.join(tree.root, ".git")):
        for short, subject, body in history(tree.root):
            for fault in message_faults(subject, body):
                yield "commit " + short, 1, fault + ": " + subject


PLANTED = [
    ({"a.commit": "Fix things\n\nProblem: x.\n"}, ["a.commit:1"]),
    ({"a.commit": "jobs: " + "x" * 60 + "\n\nProblem: x.\n"}, ["a.commit:1"]),
    ({"a.commit": "jobs: parse ports\n\nNo reason given.\n"}, ["a.commit:1"]),
    ({"a.commit": "jobs: parse ports\n\nProblem: ports were ignored.\n\nThey are parsed.\n"}, []),
]
