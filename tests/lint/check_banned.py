# SPDX-License-Identifier: MIT
"""Functions that have no safe use here (docs/STYLE.md), SQL outside store/, and descriptors that leak into children."""
import re

from csource import code_only

REASON = {
    "sprintf": "snprintf or buf_addf",
    "vsprintf": "vsnprintf or buf_vaddf",
    "strcpy": "buf or snprintf",
    "strcat": "buf",
    "strncpy": "snprintf: strncpy may leave no NUL",
    "strncat": "buf",
    "strtok": "strcspn, or a scanner",
    "gets": "getline",
    "atoi": "strtol with its checks",
    "atol": "strtol with its checks",
    "atof": "strtod with its checks",
    "sscanf": "a scanner with limits",
    "system": "posix_spawn with an argument vector",
    "popen": "posix_spawn with an argument vector",
    "fork": "posix_spawn (only engines/local may fork)",
    "vfork": "posix_spawn (only engines/local may vfork)",
    "localtime": "gmtime_r, clock_iso",
    "gmtime": "gmtime_r, clock_iso",
    "ctime": "clock_iso",
    "asctime": "clock_iso",
    "tmpnam": "mkstemp",
    "mktemp": "mkstemp, mkdtemp",
    "rand": "id_random",
    "random": "id_random",
    "alloca": "an arena",
    "setjmp": "a return value",
    "longjmp": "a return value",
}
ALLOWED = {"fork": ["engines/local/", "tests/"], "vfork": ["engines/local/"]}
CALL = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(REASON))
EXEC = re.compile(r"\bsqlite3_exec\s*\(")
# Calls that make a descriptor, and the flag that keeps it out of children.
CLOEXEC = re.compile(r"\b(open|openat|pipe2|socket|accept4|memfd_create|epoll_create1|eventfd|timerfd_create|signalfd"
                     r"|inotify_init1|dup3|mkostemp)\s*\(")
NO_FLAG = re.compile(r"(?<![\w.>])(pipe|accept|dup|creat|epoll_create|inotify_init|mkstemp|tmpfile)\s*\(")


def argument_text(code, start):
    depth = 0
    for i in range(start, len(code)):
        depth += (code[i] == "(") - (code[i] == ")")
        if depth == 0:
            return code[start:i]
    return code[start:]


def check(tree):
    for path in tree.c_files():
        code = code_only(tree.text(path))

        def line(match):
            return code.count("\n", 0, match.start()) + 1

        for match in CALL.finditer(code):
            name = match.group(1)
            if not any(path.startswith(p) for p in ALLOWED.get(name, [])):
                yield path, line(match), "%s is banned: use %s" % (name, REASON[name])
        for match in EXEC.finditer(code):
            if not path.startswith(("store/", "tests/")):
                yield path, line(match), "sqlite3_exec belongs to store/"
        if path.startswith("tests/"):
            continue
        for match in CLOEXEC.finditer(code):
            if "CLOEXEC" not in argument_text(code, match.end() - 1):
                yield path, line(match), "%s without a CLOEXEC flag" % match.group(1)
        for match in NO_FLAG.finditer(code):
            yield path, line(match), "%s cannot set close-on-exec: use the call that takes flags" % match.group(1)


PLANTED = [
    ({"a.c": "void f(void)\n{\n    sprintf(b, s);\n    strtok(b, s);\n    x = atoi(s);\n}\n"}, ["a.c:3", "a.c:4", "a.c:5"]),
    ({"a.c": "void f(void)\n{\n    system(s);\n    popen(s, t);\n    fork();\n}\n"}, ["a.c:3", "a.c:4", "a.c:5"]),
    ({"jobs/a.c": "void f(void)\n{\n    sqlite3_exec(d, s, 0, 0, 0);\n}\n"}, ["jobs/a.c:3"]),
    ({"a.c": "void f(void)\n{\n    open(p,\n         O_RDONLY);\n    pipe(x);\n}\n"}, ["a.c:3", "a.c:5"]),
    ({"a.c": '/* system( */\nvoid f(void)\n{\n    log("strcpy(");\n    v->open(p);\n    open(p, O_CLOEXEC);\n    snprintf(b, n, s);\n'
             "    my_system(x);\n}\n"}, ["a.c:5"]),
    ({"engines/local/a.c": "void f(void)\n{\n    fork();\n}\n"}, []),
]
