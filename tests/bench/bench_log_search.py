#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_log_search.py: searching a log of 2 GB, plain and packed, against grep over the plain file. "first" is the
answer with the first hits of an expression that is found now and then; "all" is the one line at the end, so the whole
log. Shown is the median of some runs in turns; the target is first hits in under a second.

DROVER_BENCH_LOG_MB makes it smaller."""
import json
import os
import statistics
import subprocess
import sys
import time
import urllib.parse

import benchlib
import droverlib
from bench_submit import JOB

MB = int(os.environ.get("DROVER_BENCH_LOG_MB", "2048"))
BLOCK = 1 << 20
FIRST, ALL = "loss=(nan|inf)", "the last line of them all"


def fill(path):
    """Lines such as a training writes; one in 100,000 or so is a hit, and the last is the only one of its kind."""
    with open(path, "wb") as f:
        step = 0
        for _ in range(MB):
            lines = []
            while sum(map(len, lines[-1:])) * len(lines) < BLOCK:
                step += 1
                lines.append(b"2026-11-27 12:%02d:%02d step=%d loss=%s lr=%.6f tokens/s=%d rank=%d\n" % (
                    step // 60 % 60, step % 60, step, b"nan" if step % 100003 == 0 else b"%d.%04d" % (
                        step * 7919 % 9, step * 104729 % 10000), 0.001 / (1 + step % 977), 31000 + step * 31 % 4001,
                    step % 8))
            f.write(b"".join(lines))
        f.write(ALL.encode() + b"\n")


def grep(path, expression, most):
    begin = time.monotonic()
    out = subprocess.run(["grep", "-n", "-E", "-m", str(most), expression, path], env={"LC_ALL": "C"},
                         capture_output=True, check=True).stdout
    return time.monotonic() - begin, out.count(b"\n")


def search(client, full, expression, whole):
    """(seconds until there were hits, hits); `whole`: goes on to the log's end."""
    begin, cursor, hits, first = time.monotonic(), "", 0, 0.0
    while cursor is not None:
        found = json.loads(client.request("GET", "/api/v2/jobs/%s/logs/search?log=all&limit=%d&q=%s%s" % (
            full, 10, urllib.parse.quote(expression), cursor and "&cursor=" + cursor)).body)
        hits += len(found["hits"])
        if hits and not first:
            first = time.monotonic() - begin
        if hits and not whole:
            break
        cursor = found["cursor"]
    return (time.monotonic() - begin if whole else first), hits


def measure(kind, client, full, plain):
    """Prints the two lines of one kind; whether the target was missed."""
    late = False
    for what, expression, whole in (("first", FIRST, False), ("all", ALL, True)):
        runs = [(search(client, full, expression, whole), grep(plain, expression, 10)) for _ in range(benchlib.REPEATS)]
        assert all(r[0][1] and r[1][1] for r in runs), "something was not found"
        ours, floor = (statistics.median(r[i][0] for r in runs) for i in (0, 1))
        print("%-8s %-6s %9.3f %9.3f %7.2f" % (kind, what, ours, floor, floor / ours), flush=True)
        late |= what == "first" and ours >= 1.0
    return late


def main():
    with droverlib.Server({"gpus": 1, "logPackSeconds": 0}) as server:
        admin = droverlib.Client(server).login()
        full = admin.submit(JOB % ("searched", "echo done"))
        admin.wait(full)
        run = os.path.join(server.data, "run")
        plain = os.path.join(run, os.listdir(run)[0], "all")
        fill(plain)
        print("# %s; a log of %d MB; seconds" % (benchlib.machine(), os.path.getsize(plain) >> 20))
        print("%-8s %-6s %9s %9s %7s" % ("log", "hits", "product", "grep", "ratio"))
        late = measure("plain", admin, full, plain)
        copy = os.path.join(server.folder, "copy")
        os.link(plain, copy)  # for grep; the packer leaves a file with two names alone
        server.stop()
        os.unlink(plain)
        subprocess.run(["cp", "--reflink=auto", copy, plain], check=True)
        os.chmod(plain, 0o600)
        server.config["logPackSeconds"] = 1
        server.write_config()
        server.start()
        begin = time.monotonic()
        droverlib.wait_until(lambda: not os.path.exists(plain), "the log is packed", 600)
        print("# packed to %.1f %% within %.0f s" % (100 * os.path.getsize(plain + ".zst") / os.path.getsize(copy),
                                                     time.monotonic() - begin))
        admin.login()
        late |= measure("packed", admin, full, copy)
        print("# afterwards: %s" % benchlib.machine())
        return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main())
