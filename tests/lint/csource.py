# SPDX-License-Identifier: MIT
"""A small view of C source for the checks: text without comments and literals, and the declarations at file scope.

This is no parser. It leans on what clang-format guarantees here and on our style (no K&R definitions, no macros that
make declarations), which the compiler's warnings and the format check enforce.
"""
import re

# One alternation, tried left to right at each place: comments, then literals.
TOKEN = re.compile(r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'", re.S)
DIRECTIVE = re.compile(r"^[ \t]*#(?:\\\n|[^\n])*", re.M)


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def code_only(text):
    """The text with comments blanked and literals emptied; lines and columns stay where they were."""
    def replace(match):
        token = match.group(0)
        if token[0] == "/":
            return _blank(token)
        return token[0] + _blank(token[1:-1]) + token[-1]
    return TOKEN.sub(replace, text)


def comment_lines(text):
    """(set of lines on which a comment ends, set of lines that a comment touches), 1-based."""
    ends, touched = set(), set()
    for match in TOKEN.finditer(text):
        if match.group(0)[0] == "/":
            first = text.count("\n", 0, match.start()) + 1
            last = first + match.group(0).count("\n")
            ends.add(last)
            touched.update(range(first, last + 1))
    return ends, touched


class Item:
    """One declaration or definition at file scope: kind is function, prototype, variable, type or other."""

    def __init__(self, kind, name, head, first, last, body, body_line):
        self.kind = kind
        self.name = name
        self.head = head          # text up to the body, initialiser or semicolon
        self.first = first        # line of its first token
        self.last = last          # line of its last token
        self.body = body          # text between the braces of a function
        self.body_line = body_line

    def parameters(self):
        """Number of parameters of a function or prototype."""
        start = self.head.index("(", self.head.index(self.name))
        inner = self.head[start + 1:_closing(self.head, start, "(", ")")]
        if inner.strip() in ("", "void"):
            return 0
        depth, count = 0, 1
        for c in inner:
            depth += (c in "([") - (c in ")]")
            count += c == "," and depth == 0
        return count


def _closing(text, start, opening, closing):
    depth = 0
    for i in range(start, len(text)):
        if text[i] == opening:
            depth += 1
        elif text[i] == closing:
            depth -= 1
            if depth == 0:
                return i
    return len(text) - 1


ATTRIBUTE = re.compile(r"__attribute__\s*\(\(.*?\)\)(?=\s*(?:$|[;{=]|__attribute__|[a-z]))", re.S)
ASSERTION = re.compile(r"^_Static_assert\b")


def _classify(head, has_initialiser, has_body):
    plain = ATTRIBUTE.sub(" ", head).strip()
    if plain.startswith("typedef") or ASSERTION.match(plain):
        return "type", ""
    if has_initialiser:
        match = re.search(r"([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*$", plain)
        return "variable", match.group(1) if match else ""
    match = re.match(r"[^(]*\(\s*\*\s*(?:const\s+)?([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*\)\s*\(", plain)
    if match and not has_body:
        return "variable", match.group(1)
    match = re.search(r"([A-Za-z_]\w*)\s*\(", plain)
    if match:
        return ("function" if has_body else "prototype"), match.group(1)
    if re.match(r"(?:struct|union|enum)\s+\w*\s*$", plain):
        return "type", ""
    match = re.search(r"([A-Za-z_]\w*)\s*(?:\[[^\]]*\]\s*)*$", plain)
    return "variable", match.group(1) if match else ""


def items(text):
    """The file-scope items of C source, in order."""
    code = DIRECTIVE.sub(lambda m: _blank(m.group(0)), code_only(text))
    found = []
    i, start = 0, None
    while i < len(code):
        c = code[i]
        if start is None:
            if not c.isspace() and c != ";":
                start = i
            else:
                i += 1
            continue
        if c == "(":
            i = _closing(code, i, "(", ")") + 1
        elif c in "{;=":
            i, item = _item(code, start, i)
            found.append(item)
            start = None
        else:
            i += 1
    return found


def _item(code, start, i):
    """The item whose head runs from start to i; returns the place behind it, too."""
    head, stop = code[start:i], code[i]
    is_type = re.match(r"(?:static\s+)?(?:const\s+)?(?:struct|union|enum)\b[^()=]*$", head) is not None
    first = code.count("\n", 0, start) + 1
    body, body_line = "", 0
    kind, name = _classify(head, stop == "=", stop == "{" and not is_type)
    if stop == "{" and is_type:
        # A type with its members; what follows up to the semicolon may declare a variable.
        end = _closing(code, i, "{", "}")
        semicolon = code.find(";", end)
        semicolon = len(code) - 1 if semicolon < 0 else semicolon
        declarator = code[end + 1:semicolon].split("=")[0].strip()
        kind, name = ("variable", declarator) if declarator and not declarator.startswith("__") else ("type", "")
        if code.find("=", end, semicolon) >= 0:
            semicolon = _end_of_initialiser(code, code.find("=", end, semicolon))
        i = semicolon
    elif stop == "{":
        end = _closing(code, i, "{", "}")
        body, body_line = code[i + 1:end], code.count("\n", 0, i) + 1
        i = end
    elif stop == "=":
        i = _end_of_initialiser(code, i)
    last = code.count("\n", 0, i) + 1
    return i + 1, Item(kind, name, head, first, last, body, body_line)


def _end_of_initialiser(code, i):
    while i < len(code) and code[i] != ";":
        if code[i] == "{":
            i = _closing(code, i, "{", "}")
        i += 1
    return i
