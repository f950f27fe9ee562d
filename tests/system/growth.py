# SPDX-License-Identifier: MIT
"""What must not grow under a load that goes on: resident memory, descriptors and threads of a process."""
import collections
import os
import statistics
import time

Sample = collections.namedtuple("Sample", "at resident descriptors threads")

#: What is told, how, and by what it may be more in the last quarter of the time than in the second and still be noise:
#: of the allocator, caches, the ring of events; of connections and tasks that happen to be there. (Memory is scaled.)
WATCHED = (("resident", "resident MB", 8), ("descriptors", "descriptors", 60), ("threads", "threads", 0))


def look(pid):
    """A process now."""
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        values = dict(line.split(":", 1) for line in f)
    return Sample(time.monotonic(), int(values["VmRSS"].split()[0]) / 1024, len(os.listdir("/proc/%d/fd" % pid)),
                  int(values["Threads"]))


def per_hour(samples, name):
    """The slope of the line through the samples."""
    times = [s.at for s in samples]
    return statistics.linear_regression(times, [getattr(s, name) for s in samples]).slope * 3600


def judge(samples, scale=1.0):
    """(text, faults): medians of the second quarter and the last, and the slope from the one to the other."""
    quarter = len(samples) // 4
    early, late = samples[quarter:2 * quarter], samples[-quarter:]
    told, faults = [], []
    for name, words, allowed in WATCHED:
        was, now = (statistics.median(getattr(s, name) for s in part) for part in (early, late))
        told.append("%s %.1f, then %.1f (%+.2f an hour)" % (words, was, now, per_hour(samples[quarter:], name)))
        if now - was > allowed * (scale if name == "resident" else 1):
            faults.append(told[-1])
    return "; ".join(told), faults
