#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A virtual machine with another kernel and control groups of version 2 alone, on this machine's own files: what it
sees of them it cannot change (an overlay in its memory takes the writes). Without arguments it runs there, as root, the
tests that depend on what a machine gives to tasks; `vm.py COMMAND...` runs a shell command instead. It prints what that
prints and ends with its status.

The kernel is Debian's for clouds, fetched as a package and unpacked into build/vm, never installed. The processor is
emulated, because a machine for builds is often a virtual one itself: everything takes about ten times as long.
"""
import glob
import os
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
KEPT = os.path.join(ROOT, "build", "vm")
QEMU = "qemu-system-x86_64"
VIRTIOFSD = ("/usr/lib/qemu/virtiofsd", "/usr/libexec/virtiofsd")
BUSYBOX = "/bin/busybox"
MEMORY = "3072M"
#: In the order in which they need each other.
MODULES = ("virtio_ring", "virtio", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "fuse", "virtiofs",
           "overlay")
#: The first program: the host's files below an overlay, the kernel's file systems, and the command.
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
for m in %(modules)s; do insmod /modules/$m.ko || echo "no module $m"; done
mkdir -p /host /rw
mount -t virtiofs -o ro host /host && mount -t tmpfs -o size=75%% rw /rw || poweroff -f
mkdir /rw/upper /rw/work /rw/root
mount -t overlay -o lowerdir=/host,upperdir=/rw/upper,workdir=/rw/work overlay /rw/root || poweroff -f
cd /rw/root
# Whoever adds a user to the host meanwhile must not pull the file from under a useradd here.
touch etc/passwd etc/shadow etc/group etc/gshadow
mount -t proc proc proc
mount -t sysfs sys sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t devtmpfs dev dev
mkdir -p dev/pts dev/shm
mount -t devpts -o mode=620,ptmxmode=666 devpts dev/pts
mount -t tmpfs -o mode=1777 shm dev/shm
mount -t tmpfs -o mode=1777 tmp tmp
mount -t tmpfs -o mode=0755 run run
ln -s /proc/self/fd dev/fd; ln -s fd/0 dev/stdin; ln -s fd/1 dev/stdout; ln -s fd/2 dev/stderr
ip link set lo up
cp /command run/command
exec switch_root /rw/root /bin/sh -c '/bin/bash /run/command </dev/null; echo "%(mark)s $?"; sync; echo o >/proc/sysrq-trigger; sleep 60'
"""
MARK = "vm-status"
SECONDS = 3600
#: What the machine gives (the engine's own tests on each level), and what a task and its image can do with it.
TESTS = """
cd %(root)s/tests/system || exit 1
export DROVER_TIME_SCALE=10 PYTHONDONTWRITEBYTECODE=1 DROVER_BIN=%(bin)s
failed=0
[ "$(cat /sys/fs/cgroup/cgroup.controllers)" ] || { echo "no control groups of version 2"; exit 1; }
for level in full cgroups namespaces; do
    for test in run stop adopt; do
        DROVER_TEST_ISOLATION=$level ../../build/dev/tests/unit_engines_test_local_$test || failed=1
    done
done
for test in isolation hostile; do
    python3 -B test_$test.py -v || failed=1
done
bash vm_systemd.sh $DROVER_BIN || failed=1
exit $failed
"""


def newc(path, mode, data=b""):
    """One file of an initramfs (cpio's format newc)."""
    name = path.encode() + b"\0"
    head = b"070701" + b"".join(b"%08x" % n for n in (
        0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name), 0))
    return head + name + b"\0" * (-(len(head) + len(name)) % 4) + data + b"\0" * (-len(data) % 4)


def initramfs(modules, command):
    with open(BUSYBOX, "rb") as f:
        parts = [newc("bin", 0o40755), newc("modules", 0o40755), newc("proc", 0o40755), newc("bin/busybox", 0o100755, f.read())]
    for name in MODULES:
        found = glob.glob(os.path.join(modules, "kernel", "**", name + ".ko"), recursive=True)
        with open(found[0], "rb") as f:
            parts.append(newc("modules/%s.ko" % name, 0o100644, f.read()))
    init = INIT % {"modules": " ".join(MODULES), "mark": MARK}
    parts += [newc("init", 0o100755, init.encode()), newc("command", 0o100755, command.encode()), newc("TRAILER!!!", 0)]
    return b"".join(parts)


def kernel():
    """The kernel and the folder of its modules, fetched when they are not there."""
    def there():
        found = sorted(glob.glob(os.path.join(KEPT, "boot", "vmlinuz-*")))
        return found[-1] if found else None
    if not there():
        os.makedirs(KEPT, exist_ok=True)
        names = subprocess.run(["apt-cache", "depends", "linux-image-cloud-amd64"], check=True, capture_output=True, text=True)
        name = [line.split()[-1] for line in names.stdout.splitlines() if "Depends:" in line][0]
        with tempfile.TemporaryDirectory(dir=KEPT) as folder:
            subprocess.run(["apt-get", "download", "-q", name], check=True, cwd=folder, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            subprocess.run(["dpkg", "-x"] + glob.glob(os.path.join(folder, "*.deb")) + [KEPT], check=True)
    image = there()
    return image, os.path.join(KEPT, "lib", "modules", os.path.basename(image)[len("vmlinuz-"):])


def share(socket):
    """Serves this machine's files at the socket."""
    daemon = [p for p in VIRTIOFSD if os.path.exists(p)]
    if not daemon:
        sys.exit("vm.py: there is no virtiofsd (a part of qemu-system-common)")
    served = subprocess.Popen([daemon[0], "--socket-path=" + socket, "-o", "source=/,sandbox=chroot,cache=always,xattr"],
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not os.path.exists(socket) and served.poll() is None:
        time.sleep(0.01)
    return served


def boot(image, ram, socket):
    """The machine, its console being the process's output."""
    return subprocess.Popen(
        [QEMU, "-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2", "-m", MEMORY, "-nodefaults", "-nographic",
         "-no-reboot", "-object", "memory-backend-memfd,id=m,size=%s,share=on" % MEMORY, "-numa", "node,memdev=m",
         "-chardev", "socket,id=fs,path=" + socket, "-device", "vhost-user-fs-pci,chardev=fs,tag=host",
         "-serial", "stdio", "-kernel", image, "-initrd", ram, "-append",
         "console=ttyS0 quiet panic=-1 cgroup_no_v1=all"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


def listen(machine):
    """Passes the console on; the status that the command ended with, None when the machine did not say one."""
    status = None
    for line in machine.stdout:
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text.startswith(MARK + " "):
            status = int(text.split()[1])
        else:
            print(text, flush=True)
    return status


def run(command, timeout):
    """Runs a shell text in the machine; its status, or None."""
    image, modules = kernel()
    with tempfile.TemporaryDirectory(prefix="drover-vm-") as folder:
        socket, ram = os.path.join(folder, "fs.sock"), os.path.join(folder, "initramfs")
        with open(ram, "wb") as f:
            f.write(initramfs(modules, command))
        served = share(socket)
        machine = boot(image, ram, socket)
        timer = threading.Timer(timeout, machine.kill)
        timer.start()
        try:
            return listen(machine)
        finally:
            timer.cancel()
            for process in (machine, served):
                process.kill()
                process.wait()


def main():
    tests = TESTS % {"root": ROOT, "bin": os.environ.get("DROVER_BIN", os.path.join(ROOT, "build", "dev", "bin"))}
    status = run(" ".join(sys.argv[1:]) or tests, SECONDS)
    if status is None:
        print("vm.py: the machine ended, or was ended, before its command")
    return 125 if status is None else status


if __name__ == "__main__":
    sys.exit(main())
