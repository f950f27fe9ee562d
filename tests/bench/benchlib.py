# SPDX-License-Identifier: MIT
"""What the HTTP benchmarks share: the product, its floor beside it, wrk, and the table of results.

Product and floor are measured in turns, so that whatever else the machine does hits both; the result is the ratio of
the medians in one run.
"""
import contextlib
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tests", "system"))

import droverlib  # noqa: E402

FLOOR = os.environ.get("DROVER_FLOOR", os.path.join(os.path.dirname(droverlib.BIN), "bench"))
SECONDS = int(os.environ.get("DROVER_BENCH_SECONDS", "3"))
REPEATS = int(os.environ.get("DROVER_BENCH_REPEATS", "3"))
CONNECTIONS = (1, 64)
UNIT = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60000.0}


def machine():
    with open("/proc/loadavg", encoding="ascii") as f:
        load = " ".join(f.read().split()[:3])
    return "%d cores, load %s" % (os.cpu_count(), load)


def _milliseconds(text):
    number, unit = re.match(r"([\d.]+)(us|ms|s|m)$", text).groups()
    return float(number) * UNIT[unit]


def wrk(address, connections, script=None, path="/", headers=()):
    """One run of wrk; {rate, p50, p99 (ms), bad: replies that were no 2xx or socket errors}."""
    command = ["wrk", "-t1", "-c%d" % connections, "-d%gs" % SECONDS, "--latency"]
    for header in headers:
        command += ["-H", header]
    if script:
        command += ["-s", script]
    command.append("http://%s:%d%s" % (address[0], address[1], path))
    out = subprocess.run(command, check=True, capture_output=True, text=True, timeout=SECONDS + 60).stdout
    bad = sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", out))
    for errors in re.findall(r"Socket errors: (.*)", out):
        bad += sum(int(n) for n in re.findall(r"\d+", errors))
    return {"rate": float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1)),
            "p50": _milliseconds(re.search(r"\s50%\s+(\S+)", out).group(1)),
            "p99": _milliseconds(re.search(r"\s99%\s+(\S+)", out).group(1)), "bad": bad}


@contextlib.contextmanager
def floor(name, *arguments):
    """Runs a floor program; gives its (host, port)."""
    program = os.path.join(FLOOR, name)
    if not os.access(program, os.X_OK):
        raise SystemExit("no %s: build release first, or set DROVER_FLOOR" % program)
    process = subprocess.Popen([program, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline().strip()
        if not line.startswith("listening on http://"):
            raise SystemExit("%s does not start" % name)
        host, port = line.rsplit("/", 1)[1].rsplit(":", 1)
        yield host, int(port)
    finally:
        process.stdin.close()
        process.wait(timeout=30)
        process.stdout.close()


def check_floor(base, folder):
    """Where a reference floor lies beside the project, says how ours compares with it in what both do: bare GETs of 200
    bytes at 64 connections."""
    source = os.path.join(ROOT, "..", "shared", "tools", "floor", "mhd.c")
    if not os.path.exists(source) or not shutil.which("cc"):
        print("# no reference floor here to compare ours with")
        return
    program = os.path.join(folder, "mhd")
    subprocess.run(["cc", "-O2", "-o", program, source, "-lmicrohttpd", "-lpthread"], check=True)
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    process = subprocess.Popen([program, str(port), "2"])
    try:
        droverlib.wait_until(lambda: _listens(port), "the reference floor listens")
        runs = [(wrk(base, 64, path="/bare")["rate"], wrk(("127.0.0.1", port), 64)["rate"]) for _ in range(REPEATS)]
    finally:
        process.terminate()
        process.wait(timeout=30)
    ours, theirs = (statistics.median(column) for column in zip(*runs))
    print("# bare GETs a second: floor %.0f, reference floor %.0f, ratio %.2f%s" % (
        ours, theirs, ours / theirs, "" if ours >= 0.8 * theirs else ": BELOW 0.80, this floor is not to be trusted"))


def _listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def scratch():
    os.makedirs(droverlib.SCRATCH, exist_ok=True)
    # Beside the product's: on the same file system, in the same state.
    folder = tempfile.mkdtemp(prefix="drover-bench-", dir=droverlib.SCRATCH)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def copy_database(data, folder):
    """A copy of a stopped server's database, with what its write-ahead log still holds."""
    target = os.path.join(folder, "floor.db")
    for suffix in ("", "-wal"):
        source = os.path.join(data, "drover.db" + suffix)
        if os.path.exists(source):
            shutil.copyfile(source, target + suffix)
    return target


def compare(what, product, base, targets):
    """Measures product(connections) and base(connections) in turns and prints the table. The exit status: 1 when a
    ratio is below its target {connections: ratio}, or a reply was bad."""
    print("# %s; %g s a run, %d runs each; rates per second, times in ms" % (machine(), SECONDS, REPEATS))
    print("%-8s %6s %10s %10s %7s %9s %9s %9s %9s" % (what, "conns", "product", "floor", "ratio", "p50", "p50 floor",
                                                       "p99", "p99 floor"))
    failed = 0
    for connections in CONNECTIONS:
        runs = [(product(connections), base(connections)) for _ in range(REPEATS)]
        ours = {k: statistics.median(r[0][k] for r in runs) for k in runs[0][0]}
        theirs = {k: statistics.median(r[1][k] for r in runs) for k in runs[0][1]}
        bad = sum(r[0]["bad"] + r[1]["bad"] for r in runs)
        ratio = ours["rate"] / theirs["rate"] if theirs["rate"] else 0.0
        print("%-8s %6d %10.0f %10.0f %7.2f %9.2f %9.2f %9.2f %9.2f" % (
            what, connections, ours["rate"], theirs["rate"], ratio, ours["p50"], theirs["p50"], ours["p99"],
            theirs["p99"]), flush=True)
        if bad:
            print("%d replies were errors" % bad)
            failed = 1
        if ratio < targets.get(connections, 0.0):
            print("below the target of %.2f" % targets[connections])
            failed = 1
    print("# load afterwards: %s" % machine())
    return failed
