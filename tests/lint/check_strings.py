# SPDX-License-Identifier: MIT
"""Nothing names a package registry or a folder of one machine: a clone works wherever it is, behind any mirror."""
import re

# Written in pieces, so that this file does not find itself.
HOSTS = ["registry" + r"\.npmjs", r"\bnpm" + r"js\.(?:org|com)", r"\bpypi" + r"\.org", "pkg" + r"\.dev\b",
         r"deb\.debian" + r"\.org", "proxy" + r"\.golang"]
PLACES = [r"(?<![\w.])/work" + r"/(?:main|shared|plan|fresh)\b", r"(?<![\w.])/home" + r"/(?!user\b|\$)[a-z]+/",
          r"(?<![\w.])/root" + r"/\.(?:pyenv|npm|cache)"]
PATTERN = re.compile("|".join(HOSTS + PLACES))
RESOLVED = re.compile(r'"resolved":\s*"https?:')


def check(tree):
    for path in tree.paths:
        if path.endswith((".png", ".ico", ".woff2")) or path.startswith("tests/fuzz/corpus/"):
            continue
        pattern = RESOLVED if path.endswith("package-lock.json") else PATTERN
        text = tree.text(path)
        for match in pattern.finditer(text):
            yield path, text.count("\n", 0, match.start()) + 1, "names a registry or this machine: " + match.group(0)


PLANTED = [
    ({"a.md": "see\nhttps://npm" + "js.org/x\n", "b.sh": "cd /work" + "/main\n"}, ["a.md:2", "b.sh:1"]),
    ({"web/package-lock.json": '{\n"resolved": "https:' + '//a.example/x.tgz"}\n'}, ["web/package-lock.json:2"]),
    ({"a.md": "the workings of /workshop/main\n"}, []),
]
