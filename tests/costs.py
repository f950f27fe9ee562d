#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""costs.py REPORT...: writes tests/costs from ctest's JUnit reports, those of one whole ./dev test together."""
import os
import sys
import xml.etree.ElementTree as ElementTree

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "costs")
LEAST = 15


def main():
    longest = {}
    for report in sys.argv[1:]:
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            longest[case.get("name")] = max(longest.get(case.get("name"), 0), round(float(case.get("time"))))
    with open(PATH, "w", encoding="utf-8") as f:
        f.write("# Seconds that tests take beside others, those of %d or more: `tests/costs.py build/*/junit-*.xml`.\n" % LEAST)
        for name, seconds in sorted(longest.items()):
            if seconds >= LEAST:
                f.write("%s %d\n" % (name, seconds))


if __name__ == "__main__":
    sys.exit(main())
