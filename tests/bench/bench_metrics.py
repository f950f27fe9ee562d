#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench_metrics.py: what it takes to keep the series of 1,000 GPUs, 12 figures each (series.c): samples per CPU-second,
sealed and stored with their rollups, and bytes per sample, against what Gorilla would take for the same samples.

Medians over the runs. Target: 1.5 bytes per sample, all that the database holds."""
import json
import os
import statistics
import subprocess
import sys

import benchlib

GPUS = int(os.environ.get("DROVER_BENCH_GPUS", "1000"))
QUARTERS = int(os.environ.get("DROVER_BENCH_QUARTERS", "12"))  # of an hour
TARGET = 1.5


def run():
    """One run; what the program says, and by how much the database grew."""
    program = os.path.join(benchlib.FLOOR, "series")
    if not os.access(program, os.X_OK):
        raise SystemExit("no %s: build release first, or set DROVER_FLOOR" % program)
    with benchlib.scratch() as folder:
        path = os.path.join(folder, "bench.db")
        out = subprocess.run([program, path, str(GPUS), str(QUARTERS)], check=True, capture_output=True, text=True,
                             timeout=600)
        return dict(json.loads(out.stdout), file_bytes=os.path.getsize(path))


def main():
    print("# %s; %d GPUs x 12 figures, each 5 s for %g hours; %d runs" % (
        benchlib.machine(), GPUS, QUARTERS / 4, benchlib.REPEATS))
    runs = [run() for _ in range(benchlib.REPEATS)]
    one = runs[0]  # sizes are the same each time
    sealed, stored, base = (one[key] / one["samples"] for key in ("sealed_bytes", "file_bytes", "gorilla_bytes"))
    seal, store = (statistics.median(r[key] for r in runs) for key in ("seal_s", "store_s"))
    print("samples per CPU-second: %.0f (sealed alone %.0f)" % (one["samples"] / (seal + store), one["samples"] / seal))
    print("bytes per sample: sealed %.3f, the whole database %.3f, Gorilla %.3f" % (sealed, stored, base))
    print("that is %.1f MB a day of samples, %.2f %% of a CPU" % (
        sealed * GPUS * 12 * 86400 / 5 / 1e6, 100 * (seal + store) / (QUARTERS * 900)))
    if stored > TARGET:
        print("above the target of %.1f bytes" % TARGET)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
