# SPDX-License-Identifier: MIT
"""The reader of event files against files of a writer that shares nothing with it: every way to write a scalar, files
that grow byte by byte, and 200 damaged ones, of which no record may be lost whose own bytes are sound."""
import json
import math
import os
import random
import struct
import subprocess
import tempfile
import time
import unittest

import eventgen as gen

DUMP = os.path.join(os.environ["DROVER_BUILD"], "tests", "event_dump")
DAMAGED = 200
SEED = 78


def single(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


class Events(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="drover-events-")
        self.addCleanup(self.folder.cleanup)

    def dump_all(self, files, piece=0):
        """What the reader finds in each of the files, given as bytes."""
        lines = []
        for i, data in enumerate(files):
            path = os.path.join(self.folder.name, "%d" % i)
            with open(path, "wb") as f:
                f.write(data)
            lines.append("%d %s\n" % (piece and piece + i % 5, path))
        run = subprocess.run([DUMP], input="".join(lines), capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(run.returncode, 0, run.stderr[-3000:])
        return [json.loads(line) for line in run.stdout.splitlines()]

    def dump(self, data, piece=0):
        return self.dump_all([data], piece)[0]

    def points(self, found, tag):
        return [tuple(p) for p in found["tags"][tag]["points"]]

    # --- every way to write a scalar ---

    def test_simple_values(self):
        found = self.dump(gen.file_of(*(gen.event(s, 1700000000 + s, gen.summary(
            gen.simple("loss", 1 / (s + 1)), gen.simple("lr", 0.5))) for s in range(20))))
        self.assertEqual(self.points(found, "loss"),
                         [(s, (1700000000 + s) * 1000, single(1 / (s + 1))) for s in range(20)])
        self.assertEqual(found["tags"]["lr"]["count"], 20)
        self.assertEqual((found["records"], found["damaged"]), (21, 0))
        self.assertEqual(found["tags"]["loss"]["min"], single(1 / 20))
        self.assertEqual(found["tags"]["loss"]["max"], 1)

    def test_tensors(self):
        ways = ("content", "packed", "alone", "double", "packed-double", "alone-double")
        found = self.dump(gen.file_of(*(gen.event(s, 1700000000, gen.summary(
            *(gen.tensor(how, 0.1 * s, how, "scalars" if s == 1 else None) for how in ways))) for s in range(1, 4))))
        for how in ways:
            want = [0.1 * s if "double" in how else single(0.1 * s) for s in range(1, 4)]
            self.assertEqual([p[2] for p in self.points(found, how)], want, how)

    def test_metadata_comes_once(self):
        """The tag's first record says what it holds; where that was lost, a tensor of one number is taken for a
        scalar, and what belongs to another plugin stays out."""
        found = self.dump(gen.file_of(
            gen.event(1, 1, gen.summary(gen.tensor("a", 1.0, plugin="scalars"), gen.tensor("h", 1.0, plugin="hparams"))),
            gen.event(2, 2, gen.summary(gen.tensor("a", 2.0), gen.tensor("h", 2.0), gen.tensor("lost", 2.0)))))
        self.assertEqual(sorted(found["tags"]), ["a", "lost"])
        self.assertEqual([p[2] for p in self.points(found, "a")], [1, 2])

    def test_other_tensors_are_no_scalars(self):
        vector = gen.message(1, b"v") + gen.message(8, gen.number(1, 1) + gen.message(2, gen.message(2, gen.number(1, 2)))
                                                    + gen.message(4, struct.pack("<ff", 1, 2)))
        text = gen.message(1, b"t") + gen.message(8, gen.number(1, 7) + gen.message(8, b"words"))
        histogram = gen.message(1, b"h") + gen.message(5, b"\x09" + bytes(8))
        found = self.dump(gen.file_of(gen.event(1, 1, gen.summary(vector, text, histogram, gen.simple("s", 1)))))
        self.assertEqual(list(found["tags"]), ["s"])
        self.assertEqual(found["damaged"], 0)

    def test_unknown_fields_and_any_order(self):
        value = gen.real(2, 3.5) + gen.number(77, 5) + gen.message(78, b"new") + gen.message(1, b"tag")
        data = gen.summary(value) + gen.number(99, 1) + gen.number(2, 41) + gen.double(1, 1700000000.25)
        found = self.dump(gen.file_of(data))
        self.assertEqual(self.points(found, "tag"), [(41, 1700000000250, 3.5)])

    def test_not_finite_and_steps(self):
        values = [math.nan, math.inf, -math.inf, 2.0]
        found = self.dump(gen.file_of(*(gen.event(s - 2, math.nan, gen.summary(gen.simple("x", v)))
                                        for s, v in enumerate(values))))["tags"]["x"]
        self.assertEqual(found["points"], [[-2, 0, None], [-1, 0, None], [0, 0, None], [1, 0, 2.0]])
        self.assertEqual((found["count"], found["notFinite"], found["min"], found["max"]), (4, 3, 2, 2))

    def test_no_step_keeps_all(self):
        found = self.dump(gen.file_of(*(gen.event(0, 1 + s, gen.summary(gen.simple("x", s))) for s in range(9))))
        self.assertEqual([p[2] for p in self.points(found, "x")], list(range(9)))

    def test_session_start_voids_what_comes_later(self):
        found = self.dump(b"".join([gen.file_of()] + [gen.scalars(s, {"x": s}) for s in range(10)] +
                                   [gen.record(gen.session_start(5))] + [gen.scalars(s, {"x": -s}) for s in (5, 6)]))
        self.assertEqual([p[2] for p in self.points(found, "x")], [0, 1, 2, 3, 4, -5, -6])

    # --- bounds ---

    def test_a_thousand_points_of_many(self):
        data = gen.file_of() + b"".join(gen.scalars(s, {"x": s}) for s in range(1, 20002))
        found = self.dump(data)["tags"]["x"]
        self.assertEqual(found["count"], 20001)
        self.assertLessEqual(len(found["points"]), 1001)
        self.assertGreaterEqual(len(found["points"]), 500)
        self.assertEqual((found["points"][0][0], found["points"][-1][0]), (1, 20001))
        steps = {b[0] - a[0] for a, b in zip(found["points"][:-2], found["points"][1:])}
        self.assertEqual(len(steps), 1, "one stride")

    def test_tags_are_bounded(self):
        data = gen.file_of() + b"".join(gen.scalars(1, {"tag%d" % i: i}) for i in range(700))
        data += gen.scalars(2, {"t" * 512: 1, "t" * 513: 1, "nul\0": 1, "tag3": 9})
        found = self.dump(data)
        self.assertEqual(len(found["tags"]), 500)
        self.assertEqual(found["leftOut"], 200 + 3)
        self.assertEqual(found["tags"]["tag3"]["count"], 2)
        self.assertLess(found["memory"], 1 << 20)

    def test_most_memory(self):
        """500 tags with all their points: what one file may cost."""
        tags = {"t%03d" % i: i for i in range(500)}
        one = gen.record(gen.event(1, 1, gen.summary(*(gen.simple(t, v) for t, v in tags.items()))))
        found = self.dump(gen.file_of() + one * 3000)
        self.assertEqual(found["tags"]["t007"]["count"], 3000)
        self.assertLess(found["memory"], 13 << 20)

    # --- a file that grows ---

    def test_read_while_it_grows(self):
        """Seen after every few bytes, it gives the same as read at once."""
        rng = random.Random(SEED)
        data = gen.file_of() + b"".join(gen.scalars(s, {"loss": rng.random(), "tag/%d" % (s % 7): s})
                                        for s in range(300))
        whole = self.dump(data)
        for piece in (1, 7, 100):
            self.assertEqual(self.dump(data, piece), whole)

    def test_a_half_written_record_waits(self):
        data = gen.file_of() + gen.scalars(1, {"x": 1})
        last = gen.scalars(2, {"x": 2})
        for cut in range(len(last)):
            found = self.dump(data + last[:cut])
            self.assertEqual((found["offset"], found["damaged"]), (len(data), 0))
            self.assertEqual(found["tags"]["x"]["count"], 1)

    def test_large_record_between(self):
        """A graph of some megabytes, which holds no scalar."""
        data = gen.file_of(gen.event(0, 1, gen.message(4, bytes(3 << 20)))) + gen.scalars(1, {"x": 1})
        self.assertEqual(self.dump(data, 300000)["tags"]["x"]["count"], 1)

    # --- damage ---

    def damaged(self, rng):
        """A file with damage: (its bytes, the steps of the records whose bytes are all there in a row)."""
        whole = {}
        parts = [(None, gen.record(gen.version()))]
        for step in range(1, rng.randint(3, 60)):
            if rng.random() < 0.1:
                parts.append((None, gen.record(gen.event(step, 1, gen.message(4, rng.randbytes(rng.randint(0, 5000)))))))
            values = {"x": step, "y": 0.5} if rng.random() < 0.5 else {"x": step}
            whole[step] = gen.scalars(step, values)
            parts.append((step, whole[step]))
        kinds = (self.flip, self.cut, self.drop, self.insert, self.zero, self.length)
        for _ in range(rng.randint(1, 6)):
            rng.choice(kinds)(rng, parts)
        data = b"".join(p for _, p in parts)
        sound = {step for step, record in whole.items() if record in data}
        self.assertLessEqual({step for step, _ in parts if step is not None}, sound)
        return data, sound

    @staticmethod
    def pick(rng, parts):
        return rng.randrange(len(parts))

    def flip(self, rng, parts):
        """Bits of a record turn."""
        i = self.pick(rng, parts)
        data = bytearray(parts[i][1])
        if data:
            for _ in range(rng.randint(1, 3)):
                data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            if bytes(data) != parts[i][1]:
                parts[i] = (None, bytes(data))

    def cut(self, rng, parts):
        """A record loses some of its bytes, at its end or within."""
        i = self.pick(rng, parts)
        data = parts[i][1]
        if data:
            at = rng.randrange(len(data))
            parts[i] = (None, data[:at] + data[at + rng.randint(1, len(data)):])

    def drop(self, rng, parts):
        """The file ends early."""
        i = rng.randrange(len(parts) // 2, len(parts))
        if parts[i][1]:
            parts[i] = (None, parts[i][1][:rng.randrange(len(parts[i][1]))])
            del parts[i + 1:]

    def insert(self, rng, parts):
        """Anything stands between two records, or within one."""
        i, junk = self.pick(rng, parts), rng.randbytes(rng.randint(1, 300))
        data = parts[i][1]
        if rng.random() < 0.5 or not data:
            parts.insert(i, (None, junk))
        else:
            at = rng.randrange(1, max(2, len(data)))
            parts[i] = (None, data[:at] + junk + data[at:])

    def zero(self, rng, parts):
        """A block that a machine which lost power never wrote."""
        i = self.pick(rng, parts)
        for k in range(i, min(i + rng.randint(1, 4), len(parts))):
            parts[k] = (None, bytes(len(parts[k][1])))

    def length(self, rng, parts):
        """A length with the right checksum that is not the data's: beyond the file's end, or beyond all bounds."""
        i = self.pick(rng, parts)
        wrong = rng.choice((rng.randint(1, 4000), 1 << 20, (64 << 20) + 1, 1 << 40, (1 << 64) - 1, 64 << 20))
        parts[i] = (None, gen.head(wrong) + parts[i][1][12:])

    def test_damage_costs_only_what_it_hits(self):
        rng = random.Random(SEED)
        made = [self.damaged(rng) for _ in range(DAMAGED)]
        lost = touched = 0
        for n, (found, (data, sound)) in enumerate(zip(self.dump_all([d for d, _ in made]), made)):
            steps = {p[0] for p in found["tags"].get("x", {"points": []})["points"]}
            lost += len(sound - steps)
            self.assertEqual(sound - steps, set(), "file %d of seed %d" % (n, SEED))
            self.assertEqual(steps - sound, set(), "file %d: what is damaged is not believed" % n)
            touched += found["damaged"] > 0 or found["offset"] < len(data)
        self.assertGreater(touched, DAMAGED * 9 // 10, "the damage is real")
        print("%d damaged files of seed %d: %d sound records, %d lost; %d files with damage seen" %
              (DAMAGED, SEED, sum(len(s) for _, s in made), lost, touched))

    def test_damage_in_a_growing_file(self):
        """The same files as they grow: in the end the same records."""
        rng = random.Random(SEED)
        made = [self.damaged(rng) for _ in range(60)]
        for n, (found, (_, sound)) in enumerate(zip(self.dump_all([d for d, _ in made], 97), made)):
            steps = {p[0] for p in found["tags"].get("x", {"points": []})["points"]}
            self.assertEqual(sound - steps, set(), "file %d of seed %d" % (n, SEED))

    def test_flaw_inside_a_sound_record(self):
        """Checksums are right and the message is none: what stands before the flaw and in other records counts."""
        broken = gen.event(2, 1, gen.message(5, gen.message(1, gen.simple("x", 2)) + b"\x0a\xff\xff\xff\xff\x0f"))
        found = self.dump(gen.file_of(gen.event(1, 1, gen.summary(gen.simple("x", 1))), broken) + gen.scalars(3, {"x": 3}))
        self.assertEqual([p[0] for p in self.points(found, "x")], [1, 2, 3])
        self.assertEqual(found["damaged"], 1)

    def test_a_file_made_to_be_slow_is_given_up(self):
        """Each twelve bytes are a length with the right checksum, of megabytes of data that are wrong."""
        one = gen.head(1 << 20)
        began = time.monotonic()
        found = self.dump(one * ((3 << 20) // len(one)))
        self.assertTrue(found["givenUp"])
        self.assertEqual(found["records"], 0)
        self.assertLess(time.monotonic() - began, 60)


if __name__ == "__main__":
    unittest.main(verbosity=1)
