# SPDX-License-Identifier: MIT
"""Writes OCI image layouts (image-spec 1.0) and tars, good ones and bad ones."""
import gzip
import hashlib
import io
import json
import os
import platform
import tarfile

MACHINE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), "unknown")
NOTE = "org.opencontainers.image.ref.name"


def tar(members):
    """The bytes of a tar. A member is (name, what): bytes of a file, None for a folder, ("link", target) for a symbolic
    link, ("hard", target) for a hard link, ("device", major, minor)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, what in members:
            info = tarfile.TarInfo(name)
            info.mode = 0o755
            if what is None:
                info.type = tarfile.DIRTYPE
            elif isinstance(what, bytes):
                info.size = len(what)
            elif what[0] == "device":
                info.type, info.devmajor, info.devminor = tarfile.CHRTYPE, what[1], what[2]
            else:
                info.type = tarfile.SYMTYPE if what[0] == "link" else tarfile.LNKTYPE
                info.linkname = what[1]
            archive.addfile(info, io.BytesIO(what) if isinstance(what, bytes) else None)
    return out.getvalue()


class Layout:
    """A layout in a new folder."""

    def __init__(self, folder):
        self.folder = folder
        self.manifests = []
        os.makedirs(os.path.join(folder, "blobs", "sha256"))
        self.write("oci-layout", json.dumps({"imageLayoutVersion": "1.0.0"}).encode())

    def write(self, name, data):
        with open(os.path.join(self.folder, name), "wb") as f:
            f.write(data)

    def blob(self, data, kind):
        """Stores a blob; its descriptor."""
        digest = hashlib.sha256(data).hexdigest()
        self.write("blobs/sha256/" + digest, data)
        return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + digest, "size": len(data)}

    def image(self, layers, env=(), ref=None, machine=MACHINE):
        """Adds an image of these layers (tars), lowest first."""
        config = {"architecture": machine, "os": "linux", "config": {"Env": list(env)},
                  "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(x).hexdigest() for x in layers]}}
        manifest = {"schemaVersion": 2, "config": self.blob(json.dumps(config).encode(), "config.v1+json"),
                    "layers": [self.blob(gzip.compress(x), "layer.v1.tar+gzip") for x in layers]}
        found = self.blob(json.dumps(manifest).encode(), "manifest.v1+json")
        found["platform"] = {"architecture": machine, "os": "linux"}
        if ref:
            found["annotations"] = {NOTE: ref}
        self.manifests.append(found)
        self.write("index.json", json.dumps({"schemaVersion": 2, "manifests": self.manifests}).encode())
        return manifest

    def packed(self, path):
        """The layout as one tar."""
        with tarfile.open(path, "w") as archive:
            for name in ("oci-layout", "index.json", "blobs"):
                archive.add(os.path.join(self.folder, name), name)
        return path
