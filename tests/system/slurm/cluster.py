# SPDX-License-Identifier: MIT
"""A whole Slurm of Debian for tests: munged, slurmctld, a slurmd a node and slurmrestd, on loopback, in a folder.

No service of this machine is touched: programs and plugins are copies of what ./dev unpacks, the munge key and its
socket are the cluster's own, ports come from the kernel. The nodes are many slurmd on one host; their GPUs are device
nodes like /dev/null, which Slurm gives out as it does real ones. No control groups: Slurm enforces no memory here.
There is no slurmdbd, so QOS and history are not to be had.

    with Cluster() as c:
        c.url, c.key_file, c.shared, c.partition     what a configuration of droverd needs
        c.kill("slurmctld"); c.restart("slurmctld"); c.kill("n2")
"""
import base64
import contextlib
import glob
import hashlib
import hmac
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

import droverlib  # noqa: E402
import machine  # noqa: E402

#: Packages that ./dev unpacks below build/debian.
PACKAGES = ("munge", "slurmctld", "slurmd", "slurmrestd", "slurm-client", "slurm-wlm-basic-plugins",
            "slurm-wlm-jwt-plugin", "libjwt0")
DEBIAN = os.path.join(droverlib.ROOT, "build", "debian")
#: System accounts that each Debian has. slurmrestd may be neither root nor SlurmUser.
SLURM_USER, REST_USER, JOB_USER = "daemon", "www-data", "nobody"
API = "/slurm/v0.0.38"


def needed(case):
    """For setUpClass: skips what only root can do; fails loudly where the programs are not unpacked."""
    for name in ("root", "devices"):
        there, why = machine.NEEDS[name]
        if not there():
            sys.stderr.write("SKIPPED %s: %s\n" % (case.__name__, why))
            raise unittest.SkipTest(why)
    lacking = [p for p in PACKAGES if not os.path.isdir(os.path.join(DEBIAN, p))]
    if lacking:
        raise AssertionError("no %s in %s: ./dev test fetches them" % (", ".join(lacking), DEBIAN))


def token(key, user, lifespan_s=600):
    """What `scontrol token` would print, made by hand: HS256 over exp, iat and sun."""
    now = int(time.time())
    words = [json.dumps(part, separators=(",", ":")).encode()
             for part in ({"alg": "HS256", "typ": "JWT"}, {"exp": now + lifespan_s, "iat": now, "sun": user})]
    signed = b".".join(base64.urlsafe_b64encode(w).rstrip(b"=") for w in words)
    mac = hmac.new(key, signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode()


class Cluster:
    """Attributes: folder, url, key_file (of JWTs), scontrol (a program that finds this cluster), shared (a folder that
    all nodes see), partition, user (SlurmUser), job_user, env (for Slurm's programs), programs (their folder)."""

    def __init__(self, folder=None, nodes=4, gpus=8, cpus=32, memory_mb=64000, extra=""):
        # Every user must be able to enter it, which homes need not allow; its path must fit a Unix socket's address.
        self.folder = folder or tempfile.mkdtemp(prefix="drover-slurm-", dir="/tmp")
        self.nodes = ["n%d" % i for i in range(1, nodes + 1)]
        self.gpus, self.cpus, self.memory_mb, self.extra = gpus, cpus, memory_mb, extra
        self.partition, self.user, self.job_user = "drover", SLURM_USER, JOB_USER
        self.programs = self.path("programs", "bin")
        self.key_file = self.path("etc", "jwt_hs256.key")
        self.shared = self.path("shared")
        self.scontrol = self.path("scontrol")
        self.env = {"SLURM_CONF": self.path("etc", "slurm.conf"), "PATH": self.programs + ":/usr/sbin:/usr/bin:/sbin:/bin",
                    "LD_LIBRARY_PATH": self.path("programs", "plugins"), "LC_ALL": "C.UTF-8"}
        self.ports, self.held, self.running = {}, [], {}

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            sys.stderr.write(self.logs())
            self.stop()
            raise
        return self

    def __exit__(self, *exc):
        if exc[0] is not None:
            sys.stderr.write(self.logs())
        self.stop()

    def path(self, *names):
        return os.path.join(self.folder, *names)

    @property
    def url(self):
        return "http://127.0.0.1:%d" % self.ports["slurmrestd"]

    def logs(self, size=1500):
        """The ends of the daemons' logs."""
        text = []
        for path in sorted(glob.glob(self.path("log", "*"))):
            with open(path, "rb") as f:
                text.append("--- %s\n%s" % (os.path.basename(path), f.read()[-size:].decode("utf-8", "replace")))
        return "\n".join(text) + "\n"

    # --- its parts ---

    def start(self):
        """Everything, until all nodes are idle."""
        self._install()
        self._take_ports()
        self._configure()
        self._run("munged")
        droverlib.wait_until(lambda: os.path.exists(self.path("munge", "socket")), "munged listens")
        for name in ["slurmctld", *self.nodes, "slurmrestd"]:
            self._run(name)
        droverlib.wait_until(self.ready, "all nodes are idle", 30, 0.05)

    def stop(self):
        """Ends daemons and jobs and removes the folder."""
        for name in list(self.running):
            self.kill(name)
        droverlib.end_all(self.own_processes)
        for s in self.held:
            s.close()
        self.held = []
        shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self, name, number=signal.SIGKILL):
        """Ends one daemon by its pid: "slurmctld", "slurmrestd", "munged" or a node's name. Steps of jobs live on."""
        process = self.running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(number)
        process.wait(30 * droverlib.PATIENCE)

    def restart(self, name):
        """Starts what was killed; does not wait until it serves (see `ready` and `serves`)."""
        self._run(name)

    def ready(self):
        """Whether slurmrestd answers and says that all nodes are up."""
        states = self.node_states()
        return len(states) == len(self.nodes) and all(s in ("idle", "mixed", "allocated") for s in states.values())

    def serves(self):
        """Whether slurmctld answers through slurmrestd."""
        with contextlib.suppress(OSError, ValueError):
            status, reply = self.call("GET", "/ping")
            return status == 200 and [p["ping"] for p in reply["pings"]] == ["UP"]
        return False

    def node_states(self):
        """{node: state}; empty where nobody answers."""
        with contextlib.suppress(OSError, ValueError):
            status, reply = self.call("GET", "/nodes")
            if status == 200:
                return {n["name"]: n["state"] for n in reply["nodes"]}
        return {}

    def undrain(self):
        """Gives back all nodes that an admin, or Slurm itself, has drained."""
        for n in self.call("GET", "/nodes")[1]["nodes"]:
            if "DRAIN" in n["state_flags"]:
                self.tool("scontrol", "update", "NodeName=" + n["name"], "State=UNDRAIN")

    def own_processes(self):
        """Pids of all that belongs to this cluster: what has its configuration in its environment, and all children."""
        marker, snapshot = os.fsencode("SLURM_CONF=" + self.env["SLURM_CONF"]), droverlib.processes()
        own = {pid for pid, (_, _, environ) in snapshot.items() if marker in environ.split(b"\0")}
        children = {}
        for pid in snapshot:
            with contextlib.suppress(OSError, IndexError, ValueError):
                with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
                    children.setdefault(int(f.read().rsplit(")", 1)[1].split()[1]), []).append(pid)
        todo = list(own)
        while todo:
            new = [pid for pid in children.get(todo.pop(), ()) if pid not in own]
            own.update(new)
            todo += new
        return sorted(own - {os.getpid()})

    # --- asking it ---

    def call(self, method, path, body=None, user=None, lifespan_s=600):
        """(status, JSON) of slurmrestd's answer below its version's path, as `user` (else SlurmUser)."""
        with open(self.key_file, "rb") as f:
            word = token(f.read(), self.user, lifespan_s)
        connection = http.client.HTTPConnection("127.0.0.1", self.ports["slurmrestd"], timeout=15 * droverlib.PATIENCE)
        try:
            connection.request(method, API + path, None if body is None else json.dumps(body),
                               {"Content-Type": "application/json", "X-SLURM-USER-NAME": user or self.user,
                                "X-SLURM-USER-TOKEN": word})
            r = connection.getresponse()
            return r.status, json.loads(r.read())
        except http.client.HTTPException as e:
            raise ConnectionError("%s %s: %r" % (method, path, e)) from e
        finally:
            connection.close()

    def jobs(self):
        """{Slurm's id: job} of all jobs that slurmctld remembers."""
        status, reply = self.call("GET", "/jobs")
        if status != 200:
            raise ConnectionError("GET /jobs: %d" % status)
        return {j["job_id"]: j for j in reply["jobs"]}

    def tool(self, *words):
        """What one of Slurm's programs prints."""
        return subprocess.run(words, env=self.env, cwd="/", check=True, capture_output=True, text=True,
                              timeout=30 * droverlib.PATIENCE).stdout

    # --- how it is made ---

    def _install(self):
        os.chmod(self.folder, 0o755)
        for name, mode, owner in (("etc", 0o755, None), ("log", 0o1777, None), ("run", 0o1777, None), ("dev", 0o755, None),
                                  ("spool", 0o755, None), ("state", 0o700, SLURM_USER), ("munge", 0o755, None),
                                  ("shared", 0o755, None), ("programs/bin", 0o755, None), ("programs/plugins", 0o755, None)):
            os.makedirs(self.path(name))
            os.chmod(self.path(name), mode)
            if owner:
                shutil.chown(self.path(name), owner)
        os.chmod(self.path("programs"), 0o755)
        for package in PACKAGES:
            found = os.path.join(DEBIAN, package, "usr")
            for path in glob.glob(os.path.join(found, "sbin", "*")) + glob.glob(os.path.join(found, "bin", "*")):
                name = os.path.basename(path)
                shutil.copy(path, os.path.join(self.programs, name[:-len("-wlm")] if name.endswith("-wlm") else name))
            for path in (glob.glob(os.path.join(found, "lib", "*", "slurm-wlm", "*.so"))
                         + glob.glob(os.path.join(found, "lib", "*", "*.so.0"))):
                if not os.path.basename(path).startswith("mpi_pmix"):  # each start tries it, and it lacks its library
                    shutil.copy(path, self.path("programs", "plugins"))
        for i in range(self.gpus):
            path = self.path("dev", "gpu%d" % i)
            os.mknod(path, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
            os.chmod(path, 0o666)

    def _take_ports(self):
        """Of the kernel's choice. Bound here as long as the cluster lives, they are nobody else's, while a daemon that
        sets SO_REUSEADDR may listen on them, also after a restart."""
        for name in ["slurmctld", *self.nodes, "slurmrestd"]:
            s = socket.socket()
            self.held.append(s)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            s.bind(("127.0.0.1", 0))
            self.ports[name] = s.getsockname()[1]

    def _write(self, name, data, mode, owner=None):
        path = self.path("etc", name)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT, mode), "wb") as f:
            f.write(data if isinstance(data, bytes) else data.encode())
        os.chmod(path, mode)
        if owner:
            shutil.chown(path, owner)

    def _configure(self):
        host = socket.gethostname().split(".")[0]
        gres = " Gres=gpu:%d" % self.gpus if self.gpus else ""
        self._write("munge.key", secrets.token_bytes(128), 0o400)
        self._write("jwt_hs256.key", secrets.token_bytes(32), 0o600, SLURM_USER)
        self._write("gres.conf", "Name=gpu File=%s\n" % self.path("dev", "gpu[0-%d]" % (self.gpus - 1)) if self.gpus else "",
                    0o644)
        self._write("cgroup.conf", "CgroupPlugin=cgroup/v1\n", 0o644)  # else slurmd looks for version 2, and ends
        lines = ["ClusterName=loop", "SlurmctldHost=%s(127.0.0.1)" % host, "SlurmctldPort=%d" % self.ports["slurmctld"],
                 "SlurmUser=" + SLURM_USER, "SlurmdUser=root", "PluginDir=" + self.path("programs", "plugins"),
                 "AuthType=auth/munge", "AuthInfo=socket=" + self.path("munge", "socket"), "CredType=cred/munge",
                 "AuthAltTypes=auth/jwt", "AuthAltParameters=jwt_key=" + self.key_file,
                 "CommunicationParameters=NoInAddrAny,NoCtldInAddrAny",  # loopback alone
                 "StateSaveLocation=" + self.path("state"), "SlurmdSpoolDir=" + self.path("spool", "%n"),
                 "SlurmctldPidFile=" + self.path("run", "slurmctld.pid"), "SlurmdPidFile=" + self.path("run", "%n.pid"),
                 "ProctrackType=proctrack/linuxproc", "TaskPlugin=task/none", "JobAcctGatherType=jobacct_gather/linux",
                 "AccountingStorageType=accounting_storage/none", "MpiDefault=none", "ReturnToService=2",
                 "SlurmdParameters=config_overrides",  # more CPUs than this machine has
                 "SelectType=select/cons_tres", "SelectTypeParameters=CR_Core_Memory", "DefMemPerCPU=100",
                 "SchedulerParameters=batch_sched_delay=0,sched_min_interval=0",  # at once, not within 3 s
                 "PreemptType=preempt/partition_prio", "PreemptMode=REQUEUE", "JobRequeue=1", "MaxJobCount=50000",
                 "MessageTimeout=4",  # so long slurmrestd looks for a slurmctld that is away (as a rule 10 s)
                 "SlurmctldTimeout=60", "SlurmdTimeout=20", "KillWait=2", "GresTypes=gpu"]
        lines += ["NodeName=%s NodeHostname=%s NodeAddr=127.0.0.1 Port=%d CPUs=%d RealMemory=%d%s State=UNKNOWN"
                  % (n, host, self.ports[n], self.cpus, self.memory_mb, gres) for n in self.nodes]
        lines += ["PartitionName=drover Nodes=ALL Default=YES MaxTime=INFINITE State=UP PriorityTier=10",
                  "PartitionName=native Nodes=ALL MaxTime=INFINITE State=UP PriorityTier=100 PreemptMode=OFF", self.extra]
        self._write("slurm.conf", "\n".join(lines) + "\n", 0o644)
        with open(self.scontrol, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\nexport SLURM_CONF=%s LD_LIBRARY_PATH=%s\nexec %s \"$@\"\n"
                    % (self.env["SLURM_CONF"], self.env["LD_LIBRARY_PATH"], os.path.join(self.programs, "scontrol")))
        os.chmod(self.scontrol, 0o755)

    def _command(self, name):
        def program(name):
            return os.path.join(self.programs, name)
        if name == "munged":
            return [program("munged"), "-F", "--force", "--num-threads=4", "--key-file=" + self.path("etc", "munge.key"),
                    "--socket=" + self.path("munge", "socket"), "--pid-file=" + self.path("munge", "pid"),
                    "--log-file=" + self.path("log", "munged.log"), "--seed-file=" + self.path("munge", "seed")]
        if name == "slurmctld":
            return [program("slurmctld"), "-D"]  # becomes SlurmUser by itself
        if name == "slurmrestd":
            return ["setpriv", "--reuid", REST_USER, "--regid", "nogroup", "--clear-groups", program("slurmrestd"), "-t", "8",
                    "-a", "rest_auth/jwt", "-s", "v0.0.36,v0.0.37,v0.0.38",  # those of slurmdbd end it where there is none
                    "127.0.0.1:%d" % self.ports["slurmrestd"]]
        return [program("slurmd"), "-D", "-N", name, "-d", program("slurmstepd")]

    def _run(self, name):
        env = dict(self.env, **({"SLURM_JWT": "daemon"} if name == "slurmrestd" else {}))
        if name in self.nodes:
            os.makedirs(self.path("spool", name), exist_ok=True)
        with open(self.path("log", name + ".out"), "ab") as log:
            self.running[name] = subprocess.Popen(self._command(name), env=env, cwd="/", start_new_session=True,
                                                  stdin=subprocess.DEVNULL, stdout=log, stderr=log)
