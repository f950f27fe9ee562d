#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Hostile texts: 150 of JSON and 150 of YAML, made from a seed, always the same list. Each stands in an otherwise good
request: a group, a job. `hostile.py FOLDER` writes them as files."""
import json
import os
import random
import sys

import attacks
from attacks import attack

SEED = 20261126
COUNT = 150
CJSON, LIBYAML = "cJSON", "libyaml"

BAD_UTF8 = {"overlong slash": b"\xc0\xaf", "overlong NUL": b"\xc0\x80", "lone tail": b"\x80", "cut": b"\xe2\x82",
            "surrogate": b"\xed\xa0\x80", "above the last": b"\xf4\x90\x80\x80", "never a byte": b"\xff",
            "five bytes": b"\xf8\x88\x80\x80\x80", "Latin-1": b"\xe9 "}


class Maker:
    """Numbers the names, so that each text would make a group or a job of its own."""

    def __init__(self, kind):
        self.kind = kind
        self.random = random.Random("%d %s" % (SEED, kind))
        self.texts = []

    def word(self):
        return "".join(self.random.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(self.random.randint(3, 9)))

    def add(self, family, name, text, by=None):
        """`text` has NAME where the name of what it makes stands."""
        text = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
        number = len(self.texts)
        text = text.replace(b"NAME", b"%s%d" % (self.kind.encode(), number))
        self.texts.append(attack("%s %s" % (self.kind, family), "%d, %s" % (number, name), text, by))

    def fill(self, more):
        """Exactly COUNT of them: the rest by more()."""
        if len(self.texts) >= COUNT:
            raise ValueError("%d texts of %s" % (len(self.texts), self.kind))
        while len(self.texts) < COUNT:
            more()
        return self.texts


# --- JSON: a group ---

def group(value="1", text="d"):
    return '{"groupname":"NAME","description":"%s","extension":{"k":%s}}' % (text, value)


def json_duplicates(m):
    for first, second in (("groupname", "groupname"), ("description", "description"), ("groupname", "group\\u006eame"),
                          ("\\u0067roupname", "groupname"), ("description", "\\u0064escription")):
        m.add("duplicates", "%s, %s" % (first, second), '{"%s":"NAME","%s":"x","groupname2":1}'.replace(
            ',"groupname2":1', "") % (first, second) if first != "description" else
            '{"groupname":"NAME","%s":"a","%s":"b"}' % (first, second))
    m.add("duplicates", "extension", '{"groupname":"NAME","extension":{},"extension":{"k":1}}')
    for depth in (1, 2, 5, 20):
        word = m.word()
        inner = '{"%s":1,"%s":2}' % (word, word)
        m.add("duplicates", "%d levels in" % depth, group('{"a":' * depth + inner + "}" * depth))
    many = ",".join('"k%d":1' % i for i in range(2000))
    m.add("duplicates", "behind 2,000 others", group('{%s,"k%d":2}' % (many, m.random.randrange(2000))))
    m.add("duplicates", "the empty name", group('{"":1,"":2}'))
    m.add("duplicates", "a quote in the name", group('{"\\"":1,"\\u0022":2}'))


def json_numbers(m):
    accepted = ("01", "-01", "00", "1.", "1.e3", "0.", "1e400", "-1e400", "1e99999", "-00.5", "007.25", "-", "1-", "1" * 70)
    refused = ("+1", ".5", "1e", "1e+", "0x10", "NaN", "Infinity", "-Infinity", "1_000", "1,5", "1e5.5", "--1", "0b1", "1f",
               "\u0661")
    for text in accepted:
        m.add("numbers", text[:12], group(text))
    for text in refused:
        m.add("numbers", text[:12], group(text), CJSON)


def json_escapes(m):
    for text in ("\\u0000", "a\\u0000b", "\\u0000\\u0000"):
        m.add("escapes", text, group(text="NAME%s" % text))
        m.add("escapes", text + " in a name", group('{"%s":1}' % text))
    for text in ("\\ud800", "\\udc00", "\\ud800x", "\\udc00\\ud800", "\\ud800\\ud800", "\\x41", "\\u12", "\\'", "\\0", "\\a"):
        m.add("escapes", text, group(text=text), CJSON)
    for text in ("\\u{41}", "\\u00zz"):
        m.add("escapes", text, group(text=text))
    m.add("escapes", "NUL in the group's name", '{"groupname":"NAME\\u0000x"}')


def json_bytes(m):
    for name, bad in BAD_UTF8.items():
        m.add("bytes", name, group(text="@").encode().replace(b"@", bad))
        m.add("bytes", name + " in a name", group('{"@":1}').encode().replace(b"@", bad))
    for byte in (1, 8, 9, 10, 13, 27, 31):
        m.add("bytes", "control character %d" % byte, group(text="a%cb" % byte))
    m.add("bytes", "NUL in a string", group(text="a\0b"))
    m.add("bytes", "NUL behind the value", group() + "\0")
    m.add("bytes", "UTF-16", group().encode("utf-16"), CJSON)
    m.add("bytes", "byte order mark", b"\xef\xbb\xbf" + group().encode())


def json_trailing(m):
    for text in ("x", "{}", ",", "]", "}", "null", "//", "/* */", "\n{}", ",{}", ";", '"', "\x0b", "\u00a0", "1"):
        m.add("trailing", repr(text), group() + text)
    for name, text in (("a comment", "/* c */" + group()), ("a comma in an object", '{"groupname":"NAME",}'),
                       ("a comma in an array", group("[1,]")), ("single quotes", "{'groupname':'NAME'}"),
                       ("no quotes", '{groupname:"NAME"}'), ("an array", '["NAME"]'), ("two commas", group("[1,,2]"))):
        m.add("syntax", name, text, CJSON if name != "an array" else "it is no object")


def json_depth(m):
    for depth in (31, 33, 64, 100, 400, 900):
        m.add("depth", "%d arrays" % depth, group("[" * depth + "]" * depth))
        m.add("depth", "%d objects" % depth, group('{"a":' * depth + "1" + "}" * depth))
    m.add("depth", "2,000 arrays", group("[" * 2000 + "]" * 2000), CJSON)
    m.add("depth", "60,000 brackets", "[" * 60000, CJSON)


def json_cut(m):
    whole = group('{"%s":[1,true,null,"%s"]}' % (m.word(), m.word()))
    at = m.random.randrange(whole.index("NAME") + 4, len(whole))
    m.add("cut", "after %d bytes" % at, whole[:at], CJSON)


def json_texts():
    m = Maker("json")
    for make in (json_duplicates, json_numbers, json_escapes, json_bytes, json_trailing, json_depth):
        make(m)
    return m.fill(lambda: json_cut(m))


# --- YAML: a job ---

JOB = """protocolVersion: 2
name: NAME
type: job
prerequisites:
  - {name: image, type: dockerimage, uri: none}
taskRoles:
  main:
    dockerImage: image
    commands: ["exit 0"]
    resourcePerInstance: {cpu: 1, memoryMB: 64, gpu: 0}
"""


def job(extra="", value=None):
    return JOB + ("extras: {k: %s}\n" % value if value is not None else extra)


def yaml_duplicates(m):
    for line in ("name: other", "type: job", "protocolVersion: 2", '"name": other', "'name': other", "\"na\\x6de\": x"):
        m.add("duplicates", line, job(line + "\n"))
    m.add("duplicates", "in a role", job().replace("    dockerImage: image\n", "    dockerImage: image\n" * 2))
    m.add("duplicates", "in a flow map", job(value="{a: 1, a: 2}"))
    m.add("duplicates", "two roles", job().replace("  main:\n", "  main: {}\n  main:\n"))
    for depth in (2, 5, 20):
        word = m.word()
        m.add("duplicates", "%d levels in" % depth, job(value="{a: " * depth + "{%s: 1, %s: 2}" % (word, word) + "}" * depth))
    m.add("duplicates", "behind 500 others", job(value="{%s, k%d: 2}" % (
        ", ".join("k%d: 1" % i for i in range(500)), m.random.randrange(500))))
    m.add("duplicates", "by an alias", job(value="{&a x: 1, *a : 2}"))


def yaml_tags(m):
    for tag in ("!!python/object/apply:os.system", "!!python/name:os.system", "!!binary", "!!str", "!!int", "!!float",
                "!!null", "!!set", "!!omap", "!!timestamp", "!x", "!", "!<tag:yaml.org,2002:str>", "!ruby/object:X",
                "!!java.net.URL", "!!js/function"):
        m.add("tags", tag, job(value="%s x" % tag))
    m.add("tags", "of a list", job(value="!!seq [1]"))
    m.add("tags", "of a map", job(value="!!map {a: 1}"))
    m.add("tags", "of a key", job(value="{!!str a: 1}"))
    m.add("tags", "%TAG", "%TAG ! tag:x,2026:\n---\n" + job())
    m.add("tags", "many %TAG", "".join("%%TAG !%d! tag:x:%d\n" % (i, i) for i in range(300)) + "---\n" + job())
    m.add("tags", "undeclared", job(value="!e!x y"), LIBYAML)


def yaml_aliases(m):
    for width, levels in ((9, 9), (9, 5), (2, 30), (50, 4), (3, 12)):
        bomb = "extras:\n  a0: &a0 [%s]\n" % ", ".join(["x"] * width)
        for i in range(1, levels):
            bomb += "  a%d: &a%d [%s]\n" % (i, i, ", ".join(["*a%d" % (i - 1)] * width))
        m.add("aliases", "%d times %d" % (width, levels), job(bomb))
    for count in (101, 150, 500):
        m.add("aliases", "%d of them" % count, job("extras: {a: &a x, b: [%s]}\n" % ", ".join(["*a"] * count)))
    m.add("aliases", "big ones", job("extras: {a: &a [%s], b: [%s]}\n" % (
        ", ".join(["x"] * 200), ", ".join(["*a"] * 90))))
    for name, text in (("of itself", "extras: &x {a: *x}\n"), ("of its list", "extras: {a: &x [*x]}\n"),
                       ("without an anchor", "extras: {a: *nothere}\n"), ("before its anchor", "extras: {a: *x, b: &x 1}\n"),
                       ("as a key", "extras: {a: &x y, *x : 1}\n")):
        m.add("aliases", name, job(text))
    for text in ("<<: {a: 1}", "<<: [{a: 1}]", "&b a: 1\n  <<: {c: 1}", "<<: x"):
        m.add("merge keys", text.replace("\n", " "), job("extras:\n  %s\n" % text))


def yaml_documents(m):
    other = job().replace("NAME", "other")
    for name, text in (("two", job() + "---\n" + other), ("an empty one behind", job() + "---\n"),
                       ("ended and begun", job() + "...\n---\n" + other), ("a scalar behind", job() + "--- x\n"),
                       ("three", "---\n" + job() + "---\na: 1\n---\nb: 1\n"), ("an empty one before", "---\n---\n" + job())):
        m.add("documents", name, text)
    m.add("documents", "none", "", "an empty text is no job")
    m.add("documents", "a comment", "# " + m.word() + "\n", "an empty text is no job")
    m.add("documents", "%YAML 3.0", "%YAML 3.0\n---\n" + job(), LIBYAML)


def yaml_bytes(m):
    for name, bad in BAD_UTF8.items():
        m.add("bytes", name, job("extras: {k: \"@\"}\n").encode().replace(b"@", bad), LIBYAML)
    for byte in (0, 1, 7, 8, 11, 12, 27, 127):
        m.add("bytes", "control character %d" % byte, job("extras: {k: \"a%cb\"}\n" % byte), LIBYAML)
    m.add("bytes", "NUL escaped", job('extras: {k: "a\\0b"}\n'))
    m.add("bytes", "NUL escaped as \\x", job('extras: {k: "a\\x00b"}\n'))
    m.add("bytes", "NUL escaped in a key", job('extras: {"a\\0b": 1}\n'))
    m.add("bytes", "NUL escaped in the name", job().replace("name: NAME", 'name: "NAME\\0x"'))
    m.add("bytes", "byte order mark inside", job('extras: {k: "a\ufeffb"}\n'))
    m.add("bytes", "UTF-16", job().encode("utf-16"), LIBYAML)
    m.add("bytes", "UTF-32", job().encode("utf-32"), LIBYAML)
    m.add("bytes", "C1 control characters", job('extras: {k: "a\u0080\u009fb"}\n'), LIBYAML)


def yaml_limits(m):
    limit = "limits of memory, which stand"
    for depth in (33, 64, 100, 1000):
        m.add("depth", "%d lists" % depth, job(value="[" * depth + "]" * depth), limit if depth > 50 else None)
        m.add("depth", "%d maps" % depth, job(value="{a: " * depth + "1" + "}" * depth),
              limit if depth > 50 else None)
    m.add("depth", "200,000 brackets", "[" * 200000, limit)
    m.add("depth", "100,000 dashes", "- " * 100000, limit)
    m.add("depth", "100,000 question marks", "? " * 100000, limit)
    m.add("values", "20,000", job(value="[%s]" % ", ".join(["0"] * 20000)))
    m.add("values", "11,000 keys", job(value="{%s}" % ", ".join("k%d: 0" % i for i in range(11000))))
    m.add("size", "300 KB", job() + "# " + "x" * 300000 + "\n", limit)
    m.add("size", "a scalar of 300 KB", job(value="x" * 300000), limit)
    for number in ("1e999", "-1e999", "9" * 400):
        m.add("numbers", number[:10], job(value=number))


def yaml_syntax(m):
    for text in ("[1", "{a: 1", "'a", '"a', "{a: 1]", "[1}", "@x", "`x", "%x", "{? [a] : 1}", "\"\\q\"", "[a, b: c: d]", "&", "*"):
        m.add("syntax", text, job(value=text), LIBYAML)
    m.add("syntax", "a tab as indentation", job("extras:\n\tk: 1\n"), LIBYAML)
    m.add("syntax", "a list as key", job("extras:\n  ? [a]\n  : 1\n"), "the shape of what is kept")
    m.add("syntax", "no key", job("extras: {: 1}\n"), "the shape of what is kept")


def yaml_cut(m):
    """Cut within a quoted string: whatever is there, it has no end."""
    whole = job("extras: {k: \"%s\"}\n" % " ".join(m.word() for _ in range(5)))
    at = m.random.randrange(whole.index('k: "') + 5, len(whole) - 4)
    m.add("cut", "after %d bytes" % at, whole[:at], LIBYAML)


def yaml_texts():
    m = Maker("yaml")
    for make in (yaml_duplicates, yaml_tags, yaml_aliases, yaml_documents, yaml_bytes, yaml_limits, yaml_syntax):
        make(m)
    return m.fill(lambda: yaml_cut(m))


def main():
    os.makedirs(sys.argv[1], exist_ok=True)
    for a in json_texts() + yaml_texts():
        number = a.name.split(",", 1)[0]
        with open(os.path.join(sys.argv[1], "%s-%03d" % (a.family.replace(" ", "-"), int(number))), "wb") as f:
            f.write(a.what)


if __name__ == "__main__":
    main()
