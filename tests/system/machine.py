# SPDX-License-Identifier: MIT
"""What this machine lets a test do, found without Drover's help: where something lacks, a test says so and skips."""
import functools
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from unittest import mock

import droverlib


def _runs(*command):
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                              timeout=60, check=False).returncode == 0
    except OSError:
        return False


@functools.lru_cache(None)
def cgroups():
    """Whether groups that limit memory and processes can be made here (version 1, or a part of 2 handed to us)."""
    two = droverlib.own_group("")
    if two and os.access(two, os.W_OK):
        with open(os.path.join(two, "cgroup.controllers"), encoding="ascii") as f:
            if {"memory", "pids"} <= set(f.read().split()):
                return True
    for controller in ("memory", "pids"):
        group = droverlib.own_group(controller)
        try:
            os.rmdir(tempfile.mkdtemp(prefix="drover-try-", dir=group or "/nowhere"))
        except OSError:
            return False
    return True


@functools.lru_cache(None)
def namespaces():
    """Whether mounts and processes can be kept apart, as root or in a user namespace."""
    flags = ["--mount", "--pid", "--ipc", "--fork", "--mount-proc"]
    return _runs("unshare", *flags, "true") or _runs("unshare", "--user", "--map-root-user", *flags, "true")


@functools.lru_cache(None)
def devices():
    """Whether a character device can be made and opened: a stand-in for a GPU."""
    folder = tempfile.mkdtemp(prefix="drover-try-")
    path = os.path.join(folder, "null")
    try:
        os.mknod(path, 0o666 | 0o020000, os.makedev(1, 3))
        os.close(os.open(path, os.O_RDWR))
        return True
    except OSError:
        return False
    finally:
        shutil.rmtree(folder)


def stand_ins():
    """The numbers of two character devices that anybody may open and that no task has by itself: stand-ins for GPUs.
    Which there are depends on the kernel."""
    with open("/proc/misc", encoding="ascii") as f:
        minors = {name: int(minor) for minor, name in (line.split() for line in f)}
    there = [(10, minors[name]) for name in ("fuse", "kvm", "userfaultfd", "vga_arbiter") if name in minors]
    if len(there) < 2:
        raise RuntimeError("no two devices to try with: %s" % minors)
    return there[:2]


def stand_in_devices(test):
    """A folder with these two as gpu0 and gpu1, for as long as the test."""
    folder = droverlib.scratch_folder("devices-")
    test.addCleanup(shutil.rmtree, folder)
    os.chmod(folder, 0o755)
    for i, numbers in enumerate(stand_ins()):
        path = os.path.join(folder, "gpu%d" % i)
        os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(*numbers))
        os.chmod(path, 0o666)
    return folder


def root():
    return os.geteuid() == 0


#: What a test may need -> (whether it is there, the words where it is not)
NEEDS = {
    "root": (root, "only root can be several users"),
    "cgroups": (cgroups, "no control groups can be made here"),
    "namespaces": (namespaces, "no namespaces can be made here"),
    "devices": (devices, "no devices can be made here"),
    "openssh": (lambda: shutil.which("ssh") and os.access("/usr/sbin/sshd", os.X_OK), "there is no openssh"),
    "bwrap": (lambda: os.access("/usr/bin/bwrap", os.X_OK), "there is no bubblewrap"),
    "runc": (lambda: root() and os.access("/usr/sbin/runc", os.X_OK), "there is no runc, or no root to run it"),
}


def need(case, *names):
    """Skips the test, saying why, unless the machine has all that it needs."""
    for name in names:
        there, why = NEEDS[name]
        if not there():
            sys.stderr.write("SKIPPED %s: %s\n" % (case.id(), why))
            case.skipTest(why)


def open_to_all(case):
    """Other users are to run our programs. Where a folder above them is closed (a clone in somebody's home), the test
    works with copies in /srv."""
    def closed(path):
        return os.path.exists(path) and not os.stat(path).st_mode & 0o001 or path != "/" and closed(os.path.dirname(path))

    if not closed(os.path.realpath(droverlib.BIN)) and not closed(os.path.realpath(droverlib.SCRATCH)):
        return
    folder = tempfile.mkdtemp(prefix="drover-test-", dir="/srv")
    case.addCleanup(shutil.rmtree, folder)
    os.chmod(folder, 0o755)
    shutil.copytree(droverlib.BIN, os.path.join(folder, "bin"))
    for name in ("bin", "scratch"):
        patch = mock.patch.object(droverlib, name.upper(), os.path.join(folder, name))
        patch.start()
        case.addCleanup(patch.stop)
