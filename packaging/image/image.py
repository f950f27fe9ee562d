#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A container image of the server as an OCI layout, made without a container engine and without root.

    image.py [--level N] OUT VERSION SERVER.deb CLIENT.deb

Two layers: a small Debian system, gathered from the files of packages that are installed here (each file checked against
its package's sums; whole programs of PACKAGES, and of the rest the libraries that programs need), and Drover, from its own
two packages. Files are sorted and have fixed times, so that the same packages make the same digests: Drover's the time
SOURCE_DATE_EPOCH, Debian's that of Debian 12 itself, for another commit's image to share that layer.
"""
import argparse
import datetime
import glob
import gzip
import hashlib
import io
import json
import os
import platform
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
#: What tasks find in the container, and what makes it a system.
PACKAGES = ("base-files", "bash", "coreutils", "dash", "findutils", "grep", "gzip", "libpython3.11-minimal",
            "libpython3.11-stdlib", "mawk", "procps", "python3-minimal", "python3.11-minimal", "sed", "tar")
#: Of packages and of Drover's own, these are not for a container.
LEFT_OUT = re.compile(r"usr/share/(?:man|info|locale|lintian|bug|menu|pixmaps|applications|base-files)/"
                      r"|usr/share/doc/(?!.*/copyright$)(?!drover-client/examples/)"
                      r"|usr/share/(?:bash-completion|zsh|fish)/|(?:usr/)?lib/(?:systemd|sysusers\.d|tmpfiles\.d)/"
                      r"|etc/(?!debian_version$|os-release$)")
MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")
USER, USER_ID = "drover", 7780
MACHINES = {"x86_64": "amd64", "aarch64": "arm64"}
PASSWD = """root:x:0:0:root:/root:/usr/sbin/nologin
%s:x:%d:%d:Drover job server:/var/lib/drover:/bin/bash
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
"""
GROUP = """root:x:0:
tty:x:5:
%s:x:%d:
nogroup:x:65534:
"""
DEBIAN_EPOCH = 1686355200
STATUS = "Package: %s\nStatus: install ok installed\nArchitecture: %s\nVersion: %s\n\n"
SERVE = ["serve", "--data", "/var/lib/drover", "--config", "/etc/drover/droverd.yaml"]


def output(*argv):
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, text=True, env=dict(os.environ, LC_ALL="C.UTF-8")).stdout


class Layer:
    """The members of a tar by path, without a leading slash."""

    def __init__(self, epoch):
        self.epoch = epoch
        self.members = {}

    def _add(self, path, kind, mode, data=b"", target="", owner=0):
        info = tarfile.TarInfo(path)
        info.type, info.mode, info.mtime, info.size, info.linkname = kind, mode, self.epoch, len(data), target
        info.uid = info.gid = owner
        self.members[path] = (info, data)

    def folder(self, path, mode=0o755, owner=0):
        self._add(path, tarfile.DIRTYPE, mode, owner=owner)

    def file(self, path, data, mode=0o644):
        self._parents(path)
        self._add(path, tarfile.REGTYPE, mode, data)

    def link(self, path, target):
        self._parents(path)
        self._add(path, tarfile.SYMTYPE, 0o777, target=target)

    def _parents(self, path):
        parent = os.path.dirname(path)
        if parent and parent not in self.members:
            self._parents(parent)
            self.folder(parent)

    def copy(self, source, path):
        """A file or link of this machine; no bit of it makes anybody another user."""
        st = os.lstat(source)
        if stat.S_ISLNK(st.st_mode):
            self.link(path, os.readlink(source))
        elif stat.S_ISREG(st.st_mode):
            with open(source, "rb") as f:
                self.file(path, f.read(), 0o755 if st.st_mode & 0o111 else 0o644)

    def tar(self):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=tarfile.GNU_FORMAT) as archive:
            for path in sorted(self.members):
                info, data = self.members[path]
                archive.addfile(info, io.BytesIO(data))
        return out.getvalue()


def merged(path):
    """Where a path of a package is on a system whose /bin is /usr/bin."""
    path = path.lstrip("/")
    return "usr/" + path if path.split("/")[0] in MERGED else path


class Packages:
    """What dpkg knows of this machine's packages."""

    INFO = "/var/lib/dpkg/info"

    def __init__(self):
        self.used = set()  # those that something was taken from
        self._sums = {}

    def _lines(self, package, kind):
        machine = MACHINES[platform.machine()]
        for name in ("%s.%s" % (package, kind), "%s:%s.%s" % (package, machine, kind)):
            try:
                with open(os.path.join(self.INFO, name), encoding="utf-8") as f:
                    return f.read().splitlines()
            except FileNotFoundError:
                pass
        sys.exit("image.py: lacking here: the package " + package)

    def use(self, package):
        if package not in self.used:
            self.used.add(package)
            pairs = (line.split("  ", 1) for line in self._lines(package, "md5sums"))
            self._sums[package] = {merged(name): digest for digest, name in pairs}

    def files(self, package):
        self.use(package)
        return [p for p in self._lines(package, "list") if p.startswith("/")]

    def check(self, package, path):
        """A file that its package did not bring like that is not taken."""
        want = self._sums[package].get(merged(path))
        if want and not os.path.islink(path):
            with open(path, "rb") as f:
                if hashlib.md5(f.read(), usedforsecurity=False).hexdigest() != want:
                    sys.exit("image.py: %s is not as the package %s has it" % (path, package))

    def owners(self, paths):
        """{path: package} of files of whatever packages."""
        names = {}
        for path in paths:
            for name in {path, os.path.realpath(path)}:
                names[name] = path
                if name.startswith("/usr/"):
                    names[name[len("/usr"):]] = path
        found = subprocess.run(["dpkg-query", "-S", *sorted(names)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                               text=True, check=False).stdout
        owners = {}
        for line in found.splitlines():
            package, name = line.split(": ", 1)
            if name in names:
                owners[names[name]] = package.split(":")[0]
        for path in paths:
            if path not in owners:
                sys.exit("image.py: no package has " + path)
        return owners

    def versions(self):
        out = output("dpkg-query", "-W", "-f", "${Package} ${Architecture} ${Version}\n", *sorted(self.used))
        return [line.split() for line in out.splitlines()]


def is_program(data):
    return data[:4] == b"\x7fELF"


def libraries(paths):
    """{name that programs ask for: file} of all that these programs load, and their loader."""
    found = {}
    run = subprocess.run(["ldd", *paths], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    for line in run.stdout.splitlines():
        match = re.match(r"\t(?:\S+ => )?(/\S+) \(0x", line)
        if match:
            found[merged(match.group(1))] = match.group(1)
        elif "not found" in line:
            sys.exit("image.py: lacking here: " + line.strip())
    return found


def add_package(layer, packages, package):
    """All files of a package that are for a container; its programs."""
    programs = []
    for path in packages.files(package):
        name = merged(path)
        if LEFT_OUT.match(name) or not os.path.lexists(path) or (os.path.isdir(path) and not os.path.islink(path)):
            continue
        if name in MERGED or os.path.dirname(name) == "" and os.path.islink(path):
            continue
        packages.check(package, path)
        layer.copy(path, name)
        if name in layer.members and is_program(layer.members[name][1]):
            programs.append(path)
    return programs


def add_libraries(layer, packages, programs):
    found = libraries(programs)
    owners = packages.owners(found.values())
    for name, path in sorted(found.items()):
        package = owners[path]
        packages.use(package)
        real = os.path.realpath(path)
        packages.check(package, real)
        layer.copy(real, merged(real))
        if merged(real) != name:
            layer.link(name, os.path.relpath("/" + merged(real), os.path.dirname("/" + name)))
        copyright_file = "/usr/share/doc/%s/copyright" % package
        if os.path.exists(copyright_file):
            layer.file(copyright_file[1:], open(copyright_file, "rb").read())


def add_system(layer, packages):
    """What makes the gathered files a system: folders, users, certificates, what dpkg would know."""
    for name in MERGED[:2] + ("lib", "lib64"):
        layer.folder("usr/" + name)
        layer.link(name, "usr/" + name)
    for name in ("dev", "proc", "sys", "run", "root", "etc", "var", "var/lib", "home"):
        layer.folder(name, 0o700 if name == "root" else 0o755)
    for name in ("tmp", "var/tmp"):
        layer.folder(name, 0o1777)
    layer.link("usr/bin/awk", "mawk")
    layer.file("etc/passwd", (PASSWD % (USER, USER_ID, USER_ID)).encode())
    layer.file("etc/group", (GROUP % (USER, USER_ID)).encode())
    layer.file("etc/nsswitch.conf", b"passwd: files\ngroup: files\nhosts: files dns\n")
    for path in packages.files("libc-bin"):
        if path.startswith("/usr/lib/locale/C.utf8/") and os.path.isfile(path):
            layer.copy(path, path[1:])
    # Debian's own list; what this machine trusts besides stays here.
    certificates = sorted(p for p in packages.files("ca-certificates") if p.endswith(".crt"))
    layer.file("etc/ssl/certs/ca-certificates.crt", b"".join(open(p, "rb").read() for p in certificates))
    # As scanners of images look for them.
    for package, machine, version in packages.versions():
        layer.file("var/lib/dpkg/status.d/" + package, (STATUS % (package, machine, version)).encode())


def debian(drover_programs):
    layer, packages = Layer(DEBIAN_EPOCH), Packages()
    programs = list(drover_programs)
    for package in PACKAGES:
        programs += add_package(layer, packages, package)
    add_libraries(layer, packages, programs)
    add_system(layer, packages)
    return layer


def drover(epoch, root):
    layer = Layer(epoch)
    for parent, folders, files in os.walk(root):
        folders.sort()
        for name in files:
            path = os.path.join(parent, name)
            member = merged(os.path.relpath(path, root))
            if not LEFT_OUT.match(member):
                layer.copy(path, member)
    with open(os.path.join(HERE, "droverd.yaml"), "rb") as f:
        layer.file("etc/drover/droverd.yaml", f.read())
    layer.folder("var")
    layer.folder("var/lib")
    layer.folder("var/lib/drover", 0o700, USER_ID)
    return layer


class Layout:
    """An OCI image layout in a new folder."""

    def __init__(self, folder):
        self.folder = folder
        os.makedirs(os.path.join(folder, "blobs", "sha256"))
        self.write("oci-layout", {"imageLayoutVersion": "1.0.0"})

    def write(self, name, value):
        with open(os.path.join(self.folder, name), "wb") as f:
            f.write(value if isinstance(value, bytes) else self.json(value))

    @staticmethod
    def json(value):
        return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()

    def blob(self, kind, value):
        """Stores a blob; its descriptor."""
        data = value if isinstance(value, bytes) else self.json(value)
        digest = hashlib.sha256(data).hexdigest()
        self.write("blobs/sha256/" + digest, data)
        return {"mediaType": "application/vnd.oci.image." + kind, "digest": "sha256:" + digest, "size": len(data)}


def config(version, epoch, diff_ids):
    created = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "created": created, "architecture": MACHINES[platform.machine()], "os": "linux",
        "config": {
            "User": USER, "Entrypoint": ["droverd"], "Cmd": SERVE, "WorkingDir": "/var/lib/drover", "StopSignal": "SIGTERM",
            "Env": ["PATH=/usr/local/bin:/usr/bin:/usr/sbin", "LANG=C.UTF-8", "HOME=/var/lib/drover"],
            "ExposedPorts": {"7780/tcp": {}}, "Volumes": {"/var/lib/drover": {}},
            "Labels": {
                "org.opencontainers.image.title": "drover-server", "org.opencontainers.image.version": version,
                "org.opencontainers.image.description": "Job server for GPU clusters",
                "org.opencontainers.image.licenses": "MIT", "org.opencontainers.image.created": created}},
        "rootfs": {"type": "layers", "diff_ids": diff_ids},
        "history": [{"created": created, "created_by": "packaging/image/image.py", "comment": what}
                    for what in ("Debian", "Drover")]}


def write_image(options, epoch, layers):
    out, version = os.path.realpath(options.out), options.version
    made = out + ".part"
    shutil.rmtree(made, ignore_errors=True)
    layout, tars = Layout(made), [layer.tar() for layer in layers]
    diff_ids = ["sha256:" + hashlib.sha256(t).hexdigest() for t in tars]
    manifest = {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": layout.blob("config.v1+json", config(version, epoch, diff_ids)),
        "layers": [layout.blob("layer.v1.tar+gzip", gzip.compress(t, options.level, mtime=0)) for t in tars]}
    found = dict(layout.blob("manifest.v1+json", manifest), annotations={"org.opencontainers.image.ref.name": version},
                 platform={"architecture": MACHINES[platform.machine()], "os": "linux"})
    layout.write("index.json", {"schemaVersion": 2, "manifests": [found]})
    shutil.rmtree(out, ignore_errors=True)
    os.rename(made, out)
    print("%s %s" % (out, found["digest"]))


def main():
    parser = argparse.ArgumentParser(description="Makes an OCI layout of the server.")
    parser.add_argument("--level", type=int, default=6, help="of compression, 1 to 9")
    parser.add_argument("out")
    parser.add_argument("version")
    parser.add_argument("debs", nargs="+")
    options = parser.parse_args()
    epoch = int(os.environ["SOURCE_DATE_EPOCH"])
    with tempfile.TemporaryDirectory(prefix="drover-image-") as root:
        for deb in options.debs:
            subprocess.run(["dpkg-deb", "-x", deb, root], check=True)
        programs = sorted(glob.glob(os.path.join(root, "usr/bin/*")))
        layers = [debian(programs), drover(epoch, root)]
    write_image(options, epoch, layers)


if __name__ == "__main__":
    main()
