# SPDX-License-Identifier: MIT
"""What hostile jobs try (S20), by families, and what each family's guard is.

An entry is what bob's job runs; it ends by itself within seconds and has got through when it prints BREACH, or when its
`probe` says so afterwards. %(name)s are things of the victim (a job of ann's) and of the server.
"""
import collections
import subprocess

import droverlib

Entry = collections.namedtuple("Entry", "commands probe", defaults=(None,))
Guard = collections.namedtuple("Guard", "users isolation off", defaults=(None,))

#: What stands between a task and the rest when nothing is switched off.
ALL = Guard(True, "full")


def _python(text):
    return Entry("python3 -c '%s'" % text)


def _connect(path):
    return _python("import socket; s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET); "
                   's.connect("%s"); print("BREACH")' % path)


def _shell(*lines):
    return [Entry("%s && echo BREACH" % line) for line in lines]


def _through_the_server(make):
    """A trick in the working folder, which the server is then asked to hand out as a file (as it does an honest one)."""
    def probe(rig, name, _attempt):
        def read(path):
            return rig.client("bob").request("GET", "/api/v2/jobs/%s/attempts/0/taskRoles/main/taskIndex/0/attempts/0"
                                             "/files/content?path=%s&limit=100" % (name, path))
        honest = read("honest")
        if honest.status != 200 or honest.body != b"text\n":
            raise AssertionError("honest files are not served: %s" % (honest,))
        return read("trick").status == 200
    return Entry("echo text > honest; " + make, probe)


def _left(how):
    """Processes that outlive their job: once it has ended, none may carry its mark."""
    def probe(_rig, _name, attempt):
        return bool(droverlib.task_processes().get(attempt))
    return Entry("%s & while [ ! -e there ]; do sleep 0.02; done" % how, probe)


_LIVE = "touch there; exec sleep 86400"

FAMILIES = {
    "another user's job": _shell(
        "cat %(victim)s/work/secret", "cat %(victim)s/stdout", "cat %(victim)s/script", "ls %(victim)s/tmp",
        "echo x >> %(victim)s/work/secret", "grep -z SECRET /proc/%(pid)d/environ", "kill -0 %(pid)d",
        "ls /proc/%(pid)d/root/", "cat /proc/%(pid)d/cwd/secret", "grep . /proc/%(pid)d/maps") + [
        _python('import ctypes; ctypes.CDLL(None).ptrace(0x4206, %(pid)d, None, None) or print("BREACH")'),
        _python('open("/proc/%(pid)d/mem", "rb"); print("BREACH")'),
        _connect("%(victim)s/ctl")],
    "the server's files, sockets and keys": _shell(
        "head -c 16 %(data)s/drover.db | grep SQLite", "cat %(data)s/*key* | grep -q .", "ls %(data)s | grep drover.db",
        "echo x >> %(data)s/spawner.log", "mv %(data)s/spawner.lock %(data)s/mine", "kill -0 %(server)d",
        "grep -z CANARY /proc/%(server)d/environ", "env | grep CANARY", "env | grep FAILPOINTS") + [
        _connect("%(data)s/spawner.sock")],
    "other GPUs": _shell(
        "mknod mine c %(major)d %(minor)d && (exec 3<>mine)") + [
        _python('import os; os.open("%(gpu)s", os.O_RDWR); print("BREACH")'),
        _python('import os; os.open("/dev/gpu1", os.O_RDWR); print("BREACH")')],
    "inherited descriptors": _shell(
        "ls /proc/self/fd | sort -n | tail -1 | grep -v '^[0-3]$'", "ls -l /proc/$$/fd | grep %(leak)s") + [
        _python('import os; print("BREACH" if b"leaked" in os.pread(%(fd)d, 16, 0) else "")'),
        _python('import os; [os.write(f, b"x") and print("BREACH") for f in range(3, 1024) if os.path.exists('
                '"/proc/self/fd/%%d" %% f)]')],
    "tricks in logs and outputs": _shell(
        "ln -sf /etc/shadow ../stdout", "rm ../all && ln %(data)s/drover.db ../all", "rm -f ../exit && mkfifo ../exit",
        "rm -f ../stderr && mknod ../stderr c 1 5", "echo 'code=0' > ../exit", "mv ../shim ../mine") + [
        _through_the_server("ln -s %(data)s/drover.db trick"),
        _through_the_server("ln %(data)s/drover.db trick"),
        _through_the_server("mkfifo trick"),
        _through_the_server("ln -s /dev/zero trick")],
    "a fork bomb": [
        _python("import threading; threading.stack_size(65536); e = threading.Event(); "
                "[threading.Thread(target=e.wait, daemon=True).start() for _ in range(%(bomb)d)]; "
                'print("BREACH")')],
    "leftover processes": [
        _left("setsid sh -c '%s'" % _LIVE),
        _left("(setsid sh -c '(setsid sh -c \"%s\") & exit' &)" % _LIVE),
        _left("setsid sh -c 'trap \"\" TERM HUP INT; touch there; while :; do sleep 60; done'"),
        _left("setsid sh -c 'touch there; kill -STOP $$'")],
}
#: Never through, at any level: no program gives rights.
ALWAYS = _shell("grep NoNewPrivs /proc/self/status | grep 0")

#: What is switched off for each family: all that guards against it, and nothing else.
OFF = {
    "another user's job": Guard(False, "rlimits"),
    "the server's files, sockets and keys": Guard(False, "rlimits"),
    "tricks in logs and outputs": Guard(False, "rlimits"),
    "other GPUs": Guard(False, "rlimits"),
    "a fork bomb": Guard(True, "namespaces"),
    "inherited descriptors": Guard(True, "full", "descriptors"),
    "leftover processes": Guard(False, "rlimits", "tree"),
}

#: Threads that one task may not have (engines/local/local_guard.c allows 4,096).
BOMB = 4500


def bomb_goes_off():
    """Whether this machine itself lets a user have so many threads."""
    command = ["/bin/sh", "-c", FAMILIES["a fork bomb"][0].commands % {"bomb": BOMB}]
    try:
        return b"BREACH" in subprocess.run(command, capture_output=True, timeout=60, check=False).stdout
    except subprocess.TimeoutExpired:
        return False


def text(entry, things):
    """The command line of an entry, which never fails."""
    return "(%s) 2>&1 || true" % (entry.commands % things)
