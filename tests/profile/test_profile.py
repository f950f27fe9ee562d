#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Forty jobs of small worlds (worlds.py), of a fresh seed at each run: at least 36 of them must be found to be of their
kind, with their bottleneck, their period within 10 % (none where nothing repeats) and, from a third of the run on, the
time that is left within 20 %. DROVER_PROFILE_SEED=N runs the forty of one seed, DROVER_PROFILE_SEEDS=N so many seeds
after another and shows how they went."""
import collections
import os
import random
import subprocess
import sys
import unittest

import logs
import worlds

PROGRAM = os.path.join(os.environ.get("DROVER_BUILD", "build/dev"), "tests", "profile_cases")
LEAST = 36
MOMENTS = (1 / 3, 1 / 2, 2 / 3, 5 / 6)


def text_of(name, sample, log, begun, last, now):
    def row(values):
        return " ".join("-" if v is None else "%.7g" % v for v in values)
    count = len(sample["gpus"][0]["busy"])
    lines = ["case %s %d %d %d %.1f" % (name, sample["period"] * 1000, count, len(sample["gpus"]), sample["limit"])]
    for gpu in sample["gpus"]:
        for i, key in enumerate(("busy", "moved", "held", "power")):
            lines.append("gpu %d %s" % (i, row(gpu[key])))
    for i, key in enumerate(("cpu", "wait")):
        if key in sample["host"]:
            lines.append("host %d %s" % (i, row(sample["host"][key])))
    lines.append("log %d %d %d %d" % (begun * 1000, last * 1000, now * 1000, len(log)))
    return "\n".join(lines).encode() + b"\n" + log


class Case:
    """One world, as it was made and as it was found."""

    def __init__(self, name, number, seed):
        rng = random.Random("%s %d %s" % (name, number, seed))
        self.name, self.world = name, worlds.make(name, rng)
        world = self.world
        world.rng = rng
        self.period = rng.choice((1, 2, 5))
        self.style = logs.of(world)
        until = 0.95 * world.seconds
        if world.kind == "interactive" and not worlds.works(world, self.period, until):
            world.kind = "idle"  # for so long that its work is out of sight
        if worlds.period_of(world, self.period, until) and rng.random() < 0.15:
            world.log, self.style = [], None  # a program that says nothing
        if world.bottleneck != "cpu" and rng.random() < 0.2:
            world.tell_host = False
        size = sum(len(text) for _, text in world.log)
        block = rng.choice((0, 0, min(8192, size // 100)))
        self.texts = []
        for share in MOMENTS + (0.95,):
            now = share * (world.end or world.seconds) if share != 0.95 else until
            log, last = logs.until(world, now, block)
            sample = worlds.sampled(world, self.period, until, rng) if share == 0.95 else {
                "period": 1, "gpus": [{k: [] for k in ("busy", "moved", "held", "power")}], "host": {}, "limit": 0}
            self.texts.append(text_of(name, sample, log, 0, last, now))
        self.truth = worlds.period_of(world, self.period, until)
        self.repeats = []  # beside epochs: steps, and bursts of workers that began together
        if world.kind == "training":
            t = world.training
            first, last = t.steps[len(t.steps) // 3], t.steps[len(t.steps) // 3 + 20]
            self.repeats = [(last[0] - first[0]) / 20,
                            t.loader.decode * max(1, t.loader.workers / world.host.cores)]

    def left(self, share):
        """What is really left at a share of the run; None: its log does not tell."""
        end = self.world.end
        return (1 - share) * end if end and self.style else None

    def judge(self, answers):
        """What is wrong."""
        wrong = []
        words = answers[-1].split()
        if words[1] != self.world.kind:
            wrong.append("kind %s" % words[1])
        if words[2] != self.world.bottleneck:
            wrong.append("bottleneck %s" % words[2])
        period = float(words[3])
        if self.truth:
            if abs(period / self.truth - 1) > 0.1:
                wrong.append("period %.1f of %.1f" % (period, self.truth))
        elif period and len(self.world.cycles) < 4 and not any(abs(period / r - 1) <= 0.1 for r in self.repeats):
            wrong.append("period %.1f where there is none but %s" % (period, ["%.1f" % r for r in self.repeats]))
        for share, answer in zip(MOMENTS, answers):
            told, left = float(answer.split()[7]) / 1000, self.left(share)
            if left and (told < 0 or abs(told / left - 1) > 0.2):
                wrong.append("left %.0f of %.0f at %.2f" % (told, left, share))
        if not self.style or self.world.kind == "hung":
            if float(words[7]) >= 0:
                wrong.append("left %s where nothing tells" % words[7])
        return wrong


def run(seed, out):
    """How many of forty are right."""
    cases = [Case(name, i, seed) for name, count in worlds.PLAN for i in range(count)]
    answers = subprocess.run([PROGRAM], input=b"".join(t for c in cases for t in c.texts), stdout=subprocess.PIPE,
                             check=True, timeout=300).stdout.decode().splitlines()
    each = len(MOMENTS) + 1
    assert len(answers) == each * len(cases), "%d answers" % len(answers)
    right, misses = 0, collections.Counter()
    for i, case in enumerate(cases):
        wrong = case.judge(answers[i * each:(i + 1) * each])
        right += not wrong
        for w in wrong:
            misses[w.split()[0]] += 1
        if wrong:
            out.write("seed %s %s (%s, %s s): %s\n    %s\n" % (
                seed, case.name, case.style, case.world.seconds, "; ".join(wrong), answers[i * each + each - 1]))
    out.write("seed %s: %d of %d right\n" % (seed, right, len(cases)))
    return right, misses


class ProfileTest(unittest.TestCase):
    def test_forty(self):
        seed = os.environ.get("DROVER_PROFILE_SEED") or str(random.SystemRandom().randrange(10**9))
        right, _ = run(seed, sys.stderr)
        self.assertGreaterEqual(right, LEAST, "DROVER_PROFILE_SEED=%s runs them again" % seed)


def many(count):
    """Distribution over so many seeds."""
    spread, misses = collections.Counter(), collections.Counter()
    for seed in range(count):
        right, wrong = run("many %s" % (seed + int(os.environ.get("DROVER_PROFILE_FIRST", 0))), sys.stdout)
        spread[right] += 1
        misses += wrong
        sys.stdout.flush()
    print("right: seeds", sorted(spread.items()), "misses", dict(misses))
    return min(spread) < LEAST


if __name__ == "__main__":
    if os.environ.get("DROVER_PROFILE_SEEDS"):
        sys.exit(many(int(os.environ["DROVER_PROFILE_SEEDS"])))
    unittest.main()
