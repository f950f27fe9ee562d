# SPDX-License-Identifier: MIT
"""The server's failpoints (base/failpoint.h): their table, and the folder that arms them."""
import collections
import os
import re
import tempfile

import droverlib

Point = collections.namedtuple("Point", "name who can_fail")

HEADER = os.path.join(droverlib.ROOT, "base", "failpoint.h")
#: Points that the start of a server passes, not its work.
AT_START = ("loop.after-load",)
#: Points that no work on jobs passes: those of `droverd init`, of imports of images, and of packing logs
#: (tests/unit/engines/test_log_packer.c).
BESIDE_JOBS = ("store.migration", "image.in-place", "pack.before-sync", "pack.before-rename", "pack.after-rename",
               "pack.after-remove")


def table():
    """Every point, as the header has it."""
    with open(HEADER, encoding="utf-8") as f:
        rows = re.findall(r'^    POINT\(\w+, "([\w.-]+)", "(\w+)", ([01])\)', f.read(), re.M)
    if not rows:
        raise RuntimeError("no table in %s" % HEADER)
    return [Point(name, who, can == "1") for name, who, can in rows]


def cases(actions=("abort", "error", "delay")):
    """(point, action) for every point and each action that means something there."""
    return [(p, a) for p in table() for a in actions if a != "error" or p.can_fail]


class Folder:
    """A folder for DROVER_FAILPOINTS."""

    def __init__(self, parent):
        self.path = os.path.join(parent, "failpoints")
        os.mkdir(self.path)

    @property
    def env(self):
        return {"DROVER_FAILPOINTS": self.path}

    def arm(self, name, action):
        """Arms the point for whoever comes by next."""
        self.put(name, action)

    def put(self, name, text):
        """A file of the folder, at once."""
        handle, temp = tempfile.mkstemp(dir=self.path, prefix=".arm-")
        with os.fdopen(handle, "w", encoding="ascii") as f:
            f.write(text + "\n")
        os.rename(temp, os.path.join(self.path, name))

    def armed(self, name):
        return os.path.exists(os.path.join(self.path, name))

    def disarm(self, name):
        try:
            os.unlink(os.path.join(self.path, name))
        except FileNotFoundError:
            pass

    def _hits(self, field):
        try:
            with open(os.path.join(self.path, "fired"), encoding="ascii") as f:
                return [line.split()[field] for line in f]
        except FileNotFoundError:
            return []

    def fired(self):
        """The names of the points that were hit, in order."""
        return self._hits(0)

    def pids(self):
        """The processes that hit them, in the same order; one in namespaces of its own knows only its number there."""
        return [int(pid) for pid in self._hits(-1)]
