#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""threadless.py BUILD: a pattern for ctest of the unit tests whose programs can start no thread.

There is nothing that the thread sanitizer could find in them; they are two thirds of what unit tests take under it. A
program that links what starts threads has the function among its undefined symbols, whether a test gets there or not.
Of a script the label "threadless" says that the programs it calls are such.
"""
import json
import os
import re
import subprocess
import sys

STARTS = re.compile(r"\b(pthread_create|thrd_create|timer_create)\b")


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def threadless(test):
    program = test.get("command", [""])[0]
    labels = next((p["value"] for p in test.get("properties", []) if p["name"] == "LABELS"), [])
    return "threadless" in labels or (
        os.path.dirname(program) == os.path.abspath(os.path.join(sys.argv[1], "tests"))
        and not STARTS.search(output("nm", "--dynamic", "--undefined-only", program)))


def main():
    tests = json.loads(output("ctest", "--test-dir", sys.argv[1], "-L", "unit", "--show-only=json-v1"))["tests"]
    names = [re.escape(test["name"]) for test in tests if threadless(test)]
    print("^(%s)$" % "|".join(names))


if __name__ == "__main__":
    main()
