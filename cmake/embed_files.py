#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""embed_files.py FOLDER OUT.c [FUNCTION]: writes every file below FOLDER as a row of a table as in
server/http/static_files.h, which FUNCTION (static_files) returns.

The output depends on names and bytes only, so the same portal gives the same binary.
"""
import gzip
import hashlib
import os
import re
import sys

MIME = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/vnd.microsoft.icon",
    ".woff2": "font/woff2",
    ".wasm": "application/wasm",
    ".txt": "text/plain; charset=utf-8",
    ".map": "application/json",
    ".sh": "text/x-shellscript",
    ".so": "application/octet-stream",
}
# Vite puts a hash of at least eight characters into the names below assets/: such a name never changes its bytes.
HASHED = re.compile(r"^/assets/.+-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$")
COMPRESSIBLE = re.compile(r"^text/|javascript|json|svg")


def literal(data):
    """The bytes as C string literals of 32 bytes a line; octal escapes never swallow what follows."""
    if not data:
        return '    ""'
    lines = []
    for i in range(0, len(data), 32):
        lines.append('    "' + "".join("\\%03o" % b for b in data[i:i + 32]) + '"')
    return "\n".join(lines)


def files_below(folder):
    found = []
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in names:
            path = os.path.join(parent, name)
            if name.startswith(".") or name.endswith((".gz", ".br")):
                continue
            found.append(("/" + os.path.relpath(path, folder).replace(os.sep, "/"), path))
    return sorted(found)


def row(index, url, path, out):
    with open(path, "rb") as f:
        data = f.read()
    ext = os.path.splitext(url)[1]
    if ext not in MIME:
        raise SystemExit("embed_files.py: no media type for " + url)
    mime = MIME[ext]
    packed = gzip.compress(data, 9, mtime=0) if COMPRESSIBLE.search(mime) else b""
    if len(packed) >= len(data):
        packed = b""
    out.write("static const unsigned char data_%d[] =\n%s;\n" % (index, literal(data)))
    if packed:
        out.write("static const unsigned char gzip_%d[] =\n%s;\n" % (index, literal(packed)))
    return ('    {.path = "%s", .mime = "%s", .etag = "\\"%s\\"", .data = data_%d, .len = %d, .gzip = %s, '
            ".gzip_len = %d, .immutable = %d},\n"
            % (url, mime, hashlib.sha256(data).hexdigest()[:16], index, len(data),
               "gzip_%d" % index if packed else "NULL", len(packed), 1 if HASHED.match(url) else 0))


def main():
    folder, target = sys.argv[1:3]
    function = sys.argv[3] if len(sys.argv) > 3 else "static_files"
    os.makedirs(os.path.dirname(target), exist_ok=True)
    temporary = target + ".tmp"
    with open(temporary, "w", encoding="ascii") as out:
        out.write("/* Made by cmake/embed_files.py; do not edit. */\n#include \"server/http/static_files.h\"\n\n")
        rows = [row(i, url, path, out) for i, (url, path) in enumerate(files_below(folder))]
        # A last empty row keeps the array legal when there is no file at all.
        out.write("\nstatic const struct static_file files[] = {\n%s    {.path = NULL},\n};\n\n" % "".join(rows))
        out.write("const struct static_file *%s(size_t *count);\n"
                  "const struct static_file *%s(size_t *count)\n{\n"
                  "    *count = sizeof files / sizeof *files - 1;\n    return files;\n}\n" % (function, function))
    os.replace(temporary, target)


if __name__ == "__main__":
    main()
