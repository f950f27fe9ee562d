#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is written about drover-sim is true: the manual page is clean and has every option of --help; its examples run;
so do those of docs/SIM.md, which has a word for each step and expectation that the runner knows."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SIM = os.path.join(os.environ["DROVER_BIN"], "drover-sim")


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def sim(*arguments, **more):
    return subprocess.run([SIM, *arguments], capture_output=True, text=True, timeout=60, check=False, **more)


class Manual(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="drover-manual-")
        self.addCleanup(shutil.rmtree, self.folder)

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as f:
            f.write(text)
        return os.path.join(self.folder, name)

    def test_help_and_page_have_the_same_options(self):
        told = re.findall(r"^  --(\S+)", sim("--help").stdout, re.M)
        self.assertGreater(len(told), 15)
        page = [o.replace("\\-", "-") for o in re.findall(r"^\.It Fl \\-(\S+)", sim("--man").stdout, re.M)]
        self.assertEqual(told, page)
        for option in told:  # one that getopt does not know is refused in other words
            self.assertNotIn("unknown", sim("--" + option, "1").stderr, option)
        self.assertEqual(sim("--nonsense").returncode, 2)

    def test_page_is_clean_mdoc(self):
        if not shutil.which("man"):
            return
        r = subprocess.run(["man", "--warnings", "-l", "-"], input=sim("--man").stdout, text=True, capture_output=True,
                           timeout=60, check=False, env={**os.environ, "MANPAGER": "cat"})
        self.assertEqual((r.returncode, r.stderr), (0, ""))

    def test_examples_of_the_page_run(self):
        page = sim("--man").stdout.replace("\\-", "-")
        self.write("two.json", re.search(r"\.Bd -literal\n(.*?)\.Ed", page, re.S).group(1))
        self.write("mine.json", self.blocks()[1])
        commands = re.findall(r"^\.It Li drover-sim (.*)$", page, re.M)
        self.assertEqual(len(commands), 4)
        for command in commands:
            if "--cluster" in command:  # the page's cluster is smaller than the trace before
                self.write("trace.csv", read("tests", "unit", "sim", "data", "hand.csv"))
            words, _, target = command.partition(" > ")
            r = sim(*words.split(), cwd=self.folder)
            self.assertEqual((r.returncode, r.stderr), (0, ""), command)
            if target:
                self.write(target, r.stdout)

    def blocks(self):
        blocks = re.findall(r"^```json\n(.*?)^```", read("docs", "SIM.md"), re.S | re.M)
        self.assertEqual(len(blocks), 2)
        return blocks

    def test_examples_of_the_document_run(self):
        cluster, scenarios = self.blocks()
        trace = os.path.join(ROOT, "tests", "unit", "sim", "data", "hand.csv")
        r = sim("--trace", trace, "--cluster", self.write("c.json", cluster), "--policy", "mine,shape")
        self.assertEqual((r.returncode, r.stderr), (0, ""))
        self.assertIn("policy mine: 9 ran", r.stdout)
        r = sim("--scenarios", self.write("s.json", scenarios))
        self.assertEqual(r.stdout, "ok   lent-and-taken-back\n1 passed, 0 failed\n")
        self.assertEqual(r.returncode, 0)

    def test_document_has_every_word_of_scenarios(self):
        told = read("docs", "SIM.md")
        words = re.findall(r'\{"(\w+)", step_', read("sim", "scenario.c"))
        words += re.findall(r'^    \{"(\w+)", \w+\},$', read("sim", "scenario_expect.c"), re.M)
        self.assertGreater(len(words), 20)
        for word in words:
            self.assertIn("`%s`" % word, told)

    def test_scenarios_without_names_fail(self):
        r = sim("--scenarios", self.write("s.json", self.blocks()[1].replace('"job": "loan", ', "", 1)))
        self.assertEqual(r.returncode, 1)
        self.assertIn("step 1: a submission names its job and vc", r.stdout)


if __name__ == "__main__":
    sys.exit(unittest.main())
