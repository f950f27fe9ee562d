# SPDX-License-Identifier: MIT
"""Folders that become the root of a task: a busybox, made at once, and a Debian, which takes debootstrap a minute."""
import os
import re
import shutil
import subprocess

import droverlib

BUSYBOX = "/bin/busybox"
KEPT = os.path.join(os.path.dirname(droverlib.BIN), "images")


def busybox(folder):
    """Makes `folder` a small system: one static program under its many names."""
    for name in ("bin", "etc", "root", "tmp"):
        os.makedirs(os.path.join(folder, name))
    shutil.copy(BUSYBOX, os.path.join(folder, "bin", "busybox"))
    names = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for name in names:
        if name != "busybox":
            os.symlink("busybox", os.path.join(folder, "bin", name))
    with open(os.path.join(folder, "etc", "passwd"), "w", encoding="ascii") as f:
        f.write("root:x:0:0:root:/root:/bin/sh\n")
    with open(os.path.join(folder, "etc", "image"), "w", encoding="ascii") as f:
        f.write("busybox\n")
    return folder


def _mirror():
    """Where apt has its packages from: debootstrap would ask another place."""
    for name in ["sources.list"] + sorted("sources.list.d/" + n for n in os.listdir("/etc/apt/sources.list.d")):
        try:
            with open("/etc/apt/" + name, encoding="utf-8") as f:
                found = re.search(r"^(?:URIs: *|deb +(?:\[[^]]*\] +)?)(https?://\S+/debian)/?(?: |$)", f.read(), re.M)
        except OSError:
            continue
        if found:
            return [found.group(1)]
    return []


def debian():
    """A Debian made by debootstrap, once for the build folder."""
    folder = os.path.join(KEPT, "debian", "rootfs")
    if not os.path.isdir(folder):
        made = folder + ".part"
        shutil.rmtree(made, ignore_errors=True)
        os.makedirs(os.path.dirname(made), exist_ok=True)
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", made] + _mirror(), check=True,
                       stdout=subprocess.DEVNULL)
        with open(os.path.join(made, "etc", "image"), "w", encoding="ascii") as f:
            f.write("debian\n")
        os.rename(made, folder)
    return folder
