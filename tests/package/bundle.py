# SPDX-License-Identifier: MIT
"""Unpacks an OCI image layout into a bundle that runc runs: what a container engine would do, and no more."""
import hashlib
import json
import os
import subprocess
import tarfile


def blob(layout, descriptor):
    """A blob's bytes, which must be what the descriptor says."""
    algorithm, digest = descriptor["digest"].split(":")
    with open(os.path.join(layout, "blobs", algorithm, digest), "rb") as f:
        data = f.read()
    if hashlib.sha256(data).hexdigest() != digest or len(data) != descriptor["size"]:
        raise AssertionError("blob %s is not what its descriptor says" % digest)
    return data


def image(layout):
    """(config, [paths of layers]) of a layout's only image."""
    with open(os.path.join(layout, "oci-layout"), encoding="ascii") as f:
        if json.load(f) != {"imageLayoutVersion": "1.0.0"}:
            raise AssertionError("no layout of version 1.0.0")
    with open(os.path.join(layout, "index.json"), encoding="utf-8") as f:
        descriptor, = json.load(f)["manifests"]
    manifest = json.loads(blob(layout, descriptor))
    layers = []
    for layer in manifest["layers"]:
        blob(layout, layer)
        layers.append(os.path.join(layout, "blobs", *layer["digest"].split(":")))
    return json.loads(blob(layout, manifest["config"])), layers


def ids(root, user):
    with open(os.path.join(root, "etc/passwd"), encoding="ascii") as f:
        for fields in (line.split(":") for line in f):
            if fields[0] == user:
                return int(fields[2]), int(fields[3])
    raise AssertionError("no user " + user)


def make(layout, folder):
    """Makes the bundle in `folder` (as root); the image's config. The network is the machine's."""
    config, layers = image(layout)
    root = os.path.join(folder, "rootfs")
    os.makedirs(root)
    for layer in layers:
        with tarfile.open(layer) as archive:
            archive.extractall(root, numeric_owner=True)
    subprocess.run(["runc", "spec", "--bundle", folder], check=True)
    path = os.path.join(folder, "config.json")
    with open(path, encoding="utf-8") as f:
        spec = json.load(f)
    uid, gid = ids(root, config["config"]["User"])
    spec["root"]["readonly"] = False
    spec["process"].update(terminal=False, user={"uid": uid, "gid": gid}, env=config["config"]["Env"],
                           cwd=config["config"]["WorkingDir"], args=config["config"]["Entrypoint"] + config["config"]["Cmd"])
    for rights in spec["process"]["capabilities"]:
        spec["process"]["capabilities"][rights] = []
    spec["linux"]["namespaces"] = [n for n in spec["linux"]["namespaces"] if n["type"] not in ("network", "cgroup")]
    spec["mounts"] = [m for m in spec["mounts"] if m["type"] != "cgroup"]
    with open(path, "w", encoding="utf-8") as f:
        json.dump(spec, f)
    return config
