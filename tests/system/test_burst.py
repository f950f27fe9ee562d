# SPDX-License-Identifier: MIT
"""R20: ten submissions a second of jobs that end at once: none is lost or waits for ever, and nothing of the server
grows. Twenty seconds here, three hours in ./dev nightly, or DROVER_BURST=SECONDS."""
import os
import sys
import time
import unittest

import droverlib
import growth
import jobcase
import others
from droverlib import wait_until

NIGHTLY = bool(os.environ.get("DROVER_NIGHTLY"))
SECONDS = float(os.environ.get("DROVER_BURST", 3 * 3600 if NIGHTLY else 20))
PER_SECOND = 10
SAMPLES = 40


class GrowthTest(unittest.TestCase):
    """What the others rely on sees a leak, and only that."""

    def judged(self, name, each):
        still = growth.Sample(0.0, 20.0, 30, 16)
        return growth.judge([still._replace(**{"at": float(i), name: getattr(still, name) + i * each})
                             for i in range(SAMPLES)])[1]

    def test_what_grows_is_told(self):
        for name, each in (("resident", 1.0), ("descriptors", 4), ("threads", 1)):
            self.assertEqual([fault.split(" ")[0] for fault in self.judged(name, each)], [name])
        self.assertEqual(self.judged("resident", 0.1), [])


class BurstTest(jobcase.JobCase):
    def test_ten_a_second_that_end_at_once(self):
        count = int(SECONDS * PER_SECOND)
        pid, samples, refused, seconds = self.server.pid, [], 0, []
        begin = time.monotonic()
        for i in range(count):
            # By the clock, so that a slow answer does not make the load less; who is behind catches up.
            time.sleep(max(0.0, begin + i / PER_SECOND - time.monotonic()))
            if i * SAMPLES // count >= len(samples):
                samples.append(growth.look(pid))
            asked = time.monotonic()
            refused += not self.try_to_submit(i)
            seconds.append(time.monotonic() - asked)
        took = time.monotonic() - begin
        wait_until(lambda: self.total("SUCCEEDED") == len(self.acked), "all that were accepted have succeeded", 60, 0.2)
        drained = time.monotonic() - begin - took
        samples.append(growth.look(pid))
        told, grown = growth.judge(samples, droverlib.TIME_SCALE)
        sys.stderr.write("%d submissions in %.0f s, %d refused, p99 %.1f ms; the last ended %.1f s later; %s\n" % (
            count, took, refused, others.p99(seconds) * 1000, drained, told))
        self.assertEqual(grown, [])
        self.assertEqual(self.server.pid, pid, "it was started again")
        self.checked()

    def try_to_submit(self, number):
        """Whether it was accepted."""
        yaml = droverlib.job_yaml("burst-%d" % number, "exit 0")
        r = self.client.request("POST", "/api/v2/jobs", yaml, "text/yaml")
        self.assertIn(r.status, (202, 429, 503), r.body)
        if r.status == 202:
            self.acknowledged("admin~burst-%d" % number, yaml)
        return r.status == 202

    def total(self, state):
        return self.client.json("GET", "/api/v2/jobs?limit=0&withTotalCount=true&state=" + state)["totalCount"]


if __name__ == "__main__":
    unittest.main()
