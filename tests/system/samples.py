# SPDX-License-Identifier: MIT
"""A good call for each operation of the API's description: what its schema asks for, and a few values where types say
too little. For tests that call every operation without naming it."""
import re

import droverlib
import schemas

API = "/api/v2"
PASSWORD = "a long password"
#: Values for members, by name.
VALUES = {"username": "ann", "password": PASSWORD, "newPassword": PASSWORD, "email": "ann@example.org", "groupname": "team",
          "virtualCluster": ["default"], "grouplist": ["team"], "vcStatus": "running", "kind": "local", "name": "thing",
          "config": droverlib.job_yaml("kept", "exit 0"), "visibility": "private", "logo": None, "state": "uncordon",
          "value": "start"}
#: Of nothing that any test asks for.
SILENCE = {"matchers": [{"name": "node_name", "value": "nowhere"}], "startsAt": "2026-01-01T00:00:00Z",
           "endsAt": "2999-01-01T00:00:00Z", "createdBy": "ann", "comment": "x"}
BODIES = {  # whole bodies, by route
    "PUT /virtual-clusters/{vc}": {"userCap": 0},
    "PUT /storages/{storage}": {"kind": "local", "data": {"path": "/srv/nothing"}},
    "PUT /jobs/{job}/executionType": {"value": "START"},
    "PUT /groups/{group}/extension": {"extension": {}},
    "PUT /users/me": {"patch": True, "data": {"username": "admin", "email": "a@example.org"}},
    "PUT /users": {"patch": True, "data": {"username": "ann", "email": "a@example.org"}},
    "PUT /groups": {"patch": True, "data": {"groupname": "team", "description": "d"}},
    "POST /invitation": {"invitation": "x", "password": PASSWORD},
    "POST /images": {"uri": "lab/thing:1", "source": "/srv/nothing"},  # taken; that nothing is there is seen later
    "POST /authn/basic/login": {"username": droverlib.ADMIN, "password": droverlib.PASSWORD},
    "POST /session": {"username": droverlib.ADMIN, "password": droverlib.PASSWORD},
    "PUT /ssh-keys/{title}": {"value": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKb1nvoLqSHI2E230WMIP9sS+GRBgzHZnwP6oXdZJa1E"},
    "POST /silences": SILENCE,
    "POST /alertmanager/api/v2/silences": SILENCE,
    "POST /maintenance": {"all": True, "start": 1, "end": 2},  # over long ago: refused when all else is good
    "PUT /maintenance/{maintenance}": {"all": True, "start": 1, "end": 2},
    "PUT /nodes/{node}/labels": {"labels": {}},
    "PUT /users/me/webhooks/{webhook}": {"url": "https://hooks.example.com/x", "kinds": ["failed"]},
    "PUT /webhooks/{webhook}": {"url": "https://hooks.example.com/x", "kinds": ["failed"]},
    "PUT /nodes/{node}/state": {"value": "uncordon"},
}
#: Values for {x} of a path; "node" is the server's own.
PARAMS = {"user": "ann", "group": "team", "job": "admin~there", "vc": "default", "key1": "a", "key2": "b", "key3": "c",
          "key4": "d", "storage": "thing", "attempt": "0", "role": "main", "index": "0", "taskAttempt": "0", "log": "all", "webhook": "hook",
          "maintenance": "1"}


def description():
    return schemas.of(droverlib.binary("droverd")).document


def resolve(schema):
    while "$ref" in schema:
        schema = description()["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return schema


def sample(schema, name=""):
    """A value of the schema: what is required, with VALUES where types say too little."""
    if name in VALUES:
        return VALUES[name]
    schema = resolve(schema)
    if "enum" in schema:
        return schema["enum"][0]
    if "oneOf" in schema or "anyOf" in schema:
        return sample((schema.get("oneOf") or schema["anyOf"])[0])
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind == "object":
        return {key: sample(schema["properties"][key], key) for key in schema.get("required", ())}
    return {"string": "x", "integer": 0, "number": 0, "boolean": False, "array": []}[kind]


def operations():
    """(route, operation) of all, "GET /jobs" and its description; paths without their prefix."""
    for path, methods in sorted(description()["paths"].items()):
        for method, operation in sorted(methods.items()):
            yield "%s %s" % (method.upper(), path[len(API):] if path.startswith(API) else path), operation


def json_schema(operation):
    """The schema of a JSON body, or None."""
    content = operation.get("requestBody", {}).get("content", {})
    return content["application/json"]["schema"] if "application/json" in content else None


def body(route, operation):
    """A good JSON body of an operation that takes one."""
    return BODIES.get(route) or sample(json_schema(operation))


def prepare(client):
    """Makes what the samples name, as an admin; the values of a path's parameters."""
    client.json("POST", API + "/groups", {"groupname": "team"}, (201,))
    client.json("POST", API + "/users", {"username": "ann", "password": PASSWORD}, (201,))
    client.submit(droverlib.job_yaml("there", "exit 0"))
    client.wait("admin~there")
    client.json("PUT", API + "/storages/thing", BODIES["PUT /storages/{storage}"], (201,))
    client.json("POST", API + "/templates", {"name": "thing", "config": VALUES["config"]}, (201,))
    return dict(PARAMS, node=client.json("GET", API + "/nodes")[0]["name"],
                template=client.json("GET", API + "/templates")[0]["name"])


def fill(path, values):
    """The path with something for each {x}."""
    return re.sub(r"\{(\w+)\}", lambda m: values.get(m.group(1), "none"), path)
