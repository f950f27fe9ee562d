#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""summary.py SKIPS BROKEN REPORT...: adds up ctest's JUnit reports and ends with `N passed, N failed`.

A skipped test counts as failed unless SKIPS names it; BROKEN is the number of failed parts that are no ctest. A report
that is not there is a failure, too.
"""
import os
import sys
import xml.etree.ElementTree as ElementTree


def allowed_skips(path):
    with open(path, encoding="utf-8") as f:
        rows = [line.split(None, 1) for line in f if line.strip() and not line.startswith("#")]
    return {row[0]: row[1].strip() if len(row) > 1 else "" for row in rows}


def main():
    allowed = allowed_skips(sys.argv[1])
    passed, failed = 0, int(sys.argv[2])
    for path in sys.argv[3:]:
        if not os.path.exists(path):
            print("no report: " + path)
            failed += 1
            continue
        for case in ElementTree.parse(path).getroot().iter("testcase"):
            name, status = case.get("name"), case.get("status")
            if status == "run":
                passed += 1
            elif case.find("skipped") is not None and allowed.get(name):
                print("skipped, as tests/skips allows: %s (%s)" % (name, allowed[name]))
            else:
                print("%s: %s (%s)" % ("SKIPPED WITHOUT LEAVE" if status == "notrun" else "FAILED", name,
                                       os.path.relpath(os.path.dirname(path))))
                failed += 1
    print("%d passed, %d failed" % (passed, failed))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
