# SPDX-License-Identifier: MIT
"""Every answer of the tests' servers against the API's description: check() is called by droverlib's client.

The description is what `droverd openapi` prints. It is taken more strictly than a client would: an object that lists
its properties has no others, so that a field that nobody described fails the test that met it.
"""
import collections
import hashlib
import json
import re
import subprocess
import sys

try:
    import jsonschema
except ImportError:  # another Python than Debian's, which has python3-jsonschema
    sys.path.append("/usr/lib/python3/dist-packages")
    import jsonschema

ALIAS, PREFIX = "/rest-server/api/v2", "/api/v2"
#: Of a longer list only so many items at each end are looked at: the rest is of the same making.
LIST_ENDS = 20
#: Validations remembered, by body: tests ask the same thing again and again.
SEEN_MAX = 4096


class Mismatch(AssertionError):
    """An answer that the description does not allow."""


def _close(node):
    """Objects that list properties have no others."""
    if isinstance(node, dict):
        if "properties" in node and "additionalProperties" not in node:
            node["additionalProperties"] = False
        for key, value in node.items():
            if key == "properties":
                for schema in value.values():
                    _close(schema)
            elif key != "required":
                _close(value)
    elif isinstance(node, list):
        for item in node:
            _close(item)


def _shorten(value):
    if isinstance(value, list):
        if len(value) > 2 * LIST_ENDS:
            value = value[:LIST_ENDS] + value[-LIST_ENDS:]
        return [_shorten(item) for item in value]
    if isinstance(value, dict):
        return {key: _shorten(item) for key, item in value.items()}
    return value


class Description:
    """The OpenAPI document, ready to judge answers."""

    def __init__(self, text):
        self.document = json.loads(text)
        _close(self.document["components"]["schemas"])
        self.validators = {}
        self.seen = collections.OrderedDict()
        # Patterns with fewer parameters first: /users/me before /users/{user}.
        self.paths = []
        for path in sorted(self.document["paths"], key=lambda p: (p.count("{"), p)):
            pattern = re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))
            self.paths.append((re.compile(pattern + r"\Z"), path))

    def operation(self, method, path):
        """(path of the description, operation), or (None, None)."""
        path = path.split("?", 1)[0]
        if path.startswith(ALIAS + "/"):
            path = path[len(ALIAS) - len(PREFIX):]
        method = "get" if method == "HEAD" else method.lower()
        for pattern, name in self.paths:
            if pattern.match(path) and method in self.document["paths"][name]:
                return name, self.document["paths"][name][method]
        return None, None

    def validator(self, ref):
        if ref not in self.validators:
            schema = {"$ref": ref, "components": self.document["components"]}
            self.validators[ref] = jsonschema.Draft202012Validator(schema)
        return self.validators[ref]

    def _content(self, operation, status, media, what):
        """The schema's $ref for an answer of this status and type; None where no body is described."""
        answer = operation["responses"].get(str(status))
        if answer is None and status >= 400:
            answer = self.document["components"]["responses"]["Problem"]
        if answer is None:
            raise Mismatch("%s: status %d is not described; name it in the route's .reply (server/api/routes.c)"
                           % (what, status))
        content = answer.get("content")
        if not content:
            return None
        if media not in content and status >= 400:  # a row may describe one error of its own beside Problem
            content = self.document["components"]["responses"]["Problem"]["content"]
        if media not in content:
            raise Mismatch("%s: answers %s, described is %s" % (what, media or "no body", ", ".join(content)))
        return content[media]["schema"]["$ref"]

    def check(self, method, path, status, headers, body):
        """Raise Mismatch when the answer is not as described. Answers to paths of no API are not looked at."""
        name, operation = self.operation(method, path)
        if operation is None:
            return
        what = "%s %s: %d" % (method, path, status)
        media = headers.get("content-type", "").split(";")[0].strip().lower()
        ref = self._content(operation, status, media, what)
        if method == "HEAD":
            return
        if ref is None:
            if body:
                raise Mismatch("%s: a body, and none is described" % what)
            return
        if not media.endswith("json"):
            return
        key = (name, ref, hashlib.sha256(body).digest())
        if key in self.seen:
            return
        errors = sorted(self.validator(ref).iter_errors(_shorten(json.loads(body))), key=lambda e: len(e.path))
        if errors:
            best = jsonschema.exceptions.best_match(errors) or errors[0]
            raise Mismatch("%s is not as %s describes it (server/api/schema/): at /%s: %s\n%s"
                           % (what, ref.rsplit("/", 1)[-1], "/".join(map(str, best.absolute_path)), best.message,
                              body[:1000].decode("utf-8", "replace")))
        self.seen[key] = True
        if len(self.seen) > SEEN_MAX:
            self.seen.popitem(last=False)


_loaded = {}


def of(droverd):
    """The description that this droverd prints; asked for once."""
    if droverd not in _loaded:
        text = subprocess.run([droverd, "openapi"], check=True, capture_output=True, timeout=120).stdout
        _loaded[droverd] = Description(text)
    return _loaded[droverd]
