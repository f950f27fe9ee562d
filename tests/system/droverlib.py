# SPDX-License-Identifier: MIT
"""What the system tests share: a real droverd on a temporary data folder, a REST client, raw sockets, waiting.

Only processes that belong to the test's own data folder are ever signalled: by the pid files in it, by its run
folders in a command line, or by the task marker DROVER_TASK_ATTEMPT of an attempt that it holds.
"""
import collections
import glob
import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse

import schemas

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BIN = os.environ.get("DROVER_BIN", os.path.join(ROOT, "build", "dev", "bin"))
#: Never below /tmp: tasks have a /tmp of their own, and write what tests look for beside the server's folder.
SCRATCH = os.path.join(os.path.dirname(BIN), "scratch")
if os.path.realpath(SCRATCH).startswith(("/tmp/", "/var/tmp/")):
    # Nor in root's home, which other users cannot pass.
    SCRATCH = os.path.expanduser("~/.cache/drover-tests") if os.getuid() else "/var/cache/drover-tests"
#: Sanitized builds are slower: whatever takes long is multiplied by this.
TIME_SCALE = float(os.environ.get("DROVER_TIME_SCALE", "1"))
#: Deadlines, which only a failure waits for, are multiplied by this: a machine may be busy for a while.
PATIENCE = 3 * TIME_SCALE
ADMIN, PASSWORD = "admin", "correct horse battery staple"
FINAL = ("SUCCEEDED", "FAILED", "STOPPED")

Reply = collections.namedtuple("Reply", "status headers body")


def binary(name):
    """The path of a built program; fails loudly where there is none."""
    path = os.path.join(BIN, name)
    if not os.access(path, os.X_OK):
        raise RuntimeError("no %s in %s: build first, or set DROVER_BIN" % (name, BIN))
    return path


def wait_until(probe, what, timeout=10.0, step=0.02):
    """Call `probe` until it gives something true, and return that; TimeoutError after `timeout` seconds."""
    end = time.monotonic() + timeout * PATIENCE
    while True:
        value = probe()
        if value:
            return value
        if time.monotonic() > end:
            raise TimeoutError("not within %g s: %s" % (timeout * PATIENCE, what))
        time.sleep(step)


def scratch_folder(prefix):
    """A new folder for a test's files, which is the caller's to remove."""
    os.makedirs(SCRATCH, exist_ok=True)
    return tempfile.mkdtemp(prefix=prefix, dir=SCRATCH)


# --- processes -------------------------------------------------------------------------------

def read_pid(path):
    """The pid in a pid file, or 0."""
    try:
        with open(path, encoding="ascii") as f:
            return int(f.read().split()[0])
    except (OSError, ValueError, IndexError):
        return 0


def alive(pid):
    """Whether the process exists and is not a zombie."""
    try:
        with open("/proc/%d/stat" % pid, encoding="ascii", errors="replace") as f:
            return f.read().rsplit(")", 1)[1].split()[0] not in "ZX"
    except (OSError, IndexError):
        return False


def _proc_file(pid, name):
    try:
        with open("/proc/%s/%s" % (pid, name), "rb") as f:
            return f.read()
    except OSError:
        return b""


def _exe_name(pid):
    try:
        return os.path.basename(os.readlink("/proc/%s/exe" % pid)).split(" ")[0]
    except OSError:
        return ""


def processes():
    """{pid: (program name, command line, environment block)} of every live process."""
    found = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if alive(int(pid)):
            found[int(pid)] = (_exe_name(pid), _proc_file(pid, "cmdline"), _proc_file(pid, "environ"))
    return found


def task_processes(snapshot=None):
    """{task attempt id: [pids]} by the marker in the environment; the shims themselves are not counted."""
    marked = {}
    for pid, (exe, _, environ) in (processes() if snapshot is None else snapshot).items():
        if exe in ("drover-shim", "drover-spawner"):
            continue
        for variable in environ.split(b"\0"):
            if variable.startswith(b"DROVER_TASK_ATTEMPT="):
                marked.setdefault(variable.split(b"=", 1)[1].decode("ascii", "replace"), []).append(pid)
    return marked


def inner_pid(pid):
    """The number that a process goes by in its own pid namespace; 0 when it is gone."""
    status = _proc_file(pid, "status").decode("ascii", "replace")
    numbers = [line.split()[-1] for line in status.splitlines() if line.startswith("NSpid:")]
    return int(numbers[0]) if numbers else 0


def kill_and_wait(pid, number=signal.SIGKILL, timeout=10.0):
    """Signal a process and wait until it is gone. No pid (0) is nothing to do."""
    if pid <= 1:
        return
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    wait_until(lambda: not alive(pid), "process %d ends" % pid, timeout)


def own_group(controller):
    """Our group's folder in the tree of a controller of version 1, or "" for version 2; None where it is not there."""
    with open("/proc/self/cgroup", encoding="ascii") as f:
        own = {name: path for _, names, path in (line.rstrip("\n").split(":", 2) for line in f)
               for name in names.split(",")}
    with open("/proc/self/mountinfo", encoding="utf-8") as f:
        for fields in (line.split() for line in f):
            kind, options = fields[fields.index("-") + 1], fields[-1].split(",")
            if controller in own and (kind == "cgroup2" if not controller else kind == "cgroup" and controller in options):
                root = "" if fields[3] == "/" else fields[3]
                if own[controller].startswith(root):
                    return fields[4] + own[controller][len(root):]
    return None


def groups(data):
    """The control groups of a data folder (engines/local/spawner_probe.c names them), inner ones first."""
    st = os.stat(data)
    found = []
    for controller in ("", "memory", "pids", "cpu", "devices"):
        own = own_group(controller)
        for folder, _, _ in os.walk(os.path.join(own, "drover.%x.%x" % (st.st_dev, st.st_ino)) if own else "", topdown=False):
            found.append(folder)
    return found


# --- the server ------------------------------------------------------------------------------

def end_all(find, timeout=10.0):
    """Kill what find() names, until it names nothing."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        pids = find()
        if not pids:
            return
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.02)


def give_away(folder, uid):
    """Makes a folder and all in it that user's (None: leaves it as it is)."""
    for parent, folders, files in os.walk(folder) if uid is not None else ():
        for name in [""] + folders + files:
            os.chown(os.path.join(parent, name), uid, uid, follow_symlinks=False)


class Server:
    """One droverd on its own data folder. `with Server() as s:` starts it, and leaves nothing behind. With `uid` (as
    root only) it runs as that user, who owns its folder."""

    def __init__(self, config=None, folder=None, wrapper=(), env=None, uid=None, program="droverd"):
        self.program = program
        self.folder = scratch_folder("drover-sys-")
        self.data = folder or os.path.join(self.folder, "data")
        # Ports of their own for servers of tests that run at the same time.
        first = 15000 + os.getpid() % 85 * 200
        self.config = {"unknownImage": "host", "gpus": 4, "portRange": "%d-%d" % (first, first + 199),
                       "userRate": 0, "addressRate": 0}  # tests ask as fast as they can
        self.config.update(config or {})
        self.wrapper = list(wrapper)
        self.uid = uid
        if uid is not None:
            self.wrapper += ["setpriv", "--reuid", str(uid), "--regid", str(uid), "--clear-groups"]
        self.env = dict(os.environ, **(env or {}))
        # Sanitized programs write what they find into files of their own, wherever their stderr goes.
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS"):
            self.env[name] = ":".join(filter(None, [self.env.get(name), "log_path=%s/sanitizer" % self.folder]))
        self.process = None
        self.address = None
        self.tls = None  # an ssl.SSLContext where clients are to speak TLS
        self.log_path = os.path.join(self.folder, "droverd.log")

    def __enter__(self):
        try:
            self.init()
            self.start()
        except BaseException:
            self.clean_up()
            raise
        return self

    def __exit__(self, *exc):
        if exc[0] is not None:
            sys.stderr.write("--- end of the server's log\n%s\n" % self.log_tail())
        self.clean_up()

    def init(self):
        """`droverd init`, with the admin's password from a file."""
        password = os.path.join(self.folder, "password")
        with open(os.open(password, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as f:
            f.write(PASSWORD + "\n")
        subprocess.run([binary(self.program), "init", "--data", self.data, "--admin", ADMIN,
                        "--password-file", password], check=True, timeout=30 * PATIENCE, stdout=subprocess.DEVNULL)
        self.write_config()
        if self.uid is not None:
            os.chmod(self.folder, 0o755)
            give_away(self.folder, self.uid)

    def write_config(self):
        """Writes `config`, for the next start."""
        with open(os.path.join(self.folder, "config.yaml"), "w", encoding="utf-8") as f:
            f.write("".join("%s: %s\n" % (k, json.dumps(v)) for k, v in self.config.items()))

    def start(self, timeout=15.0, ready=True, port=0):
        """Start it and wait until it is ready (or, with ready=False, until it listens). Port 0: the kernel chooses."""
        listen = os.path.join(self.data, "listen")
        if os.path.exists(listen):
            os.unlink(listen)
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                self.wrapper + [binary(self.program), "serve", "--data", self.data, "--config",
                                os.path.join(self.folder, "config.yaml"), "--listen", "127.0.0.1:%d" % port],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env)

        def listening():
            if self.process.poll() is not None:
                raise RuntimeError("droverd ended with %d:\n%s" % (self.process.returncode, self.log_tail()))
            try:
                with open(listen, encoding="ascii") as f:
                    line = f.read()
            except OSError:
                return None
            return line.strip()

        line = wait_until(listening, "droverd listens", timeout)
        host, port = line.rsplit("/", 1)[-1].rsplit(":", 1)
        self.address = (host, int(port))
        if ready:
            wait_until(lambda: self.probe("/readyz") == 200, "droverd is ready", timeout)

    def probe(self, path):
        """The status of a GET, or 0 when there is no answer."""
        try:
            return Client(self).request("GET", path).status
        except OSError:
            return 0

    @property
    def pid(self):
        """droverd's own pid, also where a wrapper started it."""
        return read_pid(os.path.join(self.data, "droverd.pid")) if self.wrapper else self.process.pid

    def spawner_pid(self):
        return read_pid(os.path.join(self.data, "spawner.pid"))

    def log_tail(self, size=4000):
        try:
            with open(self.log_path, "rb") as f:
                return f.read()[-size:].decode("utf-8", "replace")
        except OSError:
            return ""

    def kill(self):
        """kill -9 of droverd alone."""
        if self.process is None:
            return
        if self.process.poll() is None:
            try:
                os.kill(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait(timeout=30 * PATIENCE)

    def stop(self, timeout=15.0):
        """Orderly end by SIGTERM; its exit status."""
        os.kill(self.pid, signal.SIGTERM)
        return self.process.wait(timeout=timeout * PATIENCE)

    def kill_spawner(self):
        """kill -9 of the spawner; waits until droverd has started another. Its new pid."""
        old = wait_until(self.spawner_pid, "there is a spawner")
        kill_and_wait(old)
        return self.renewed_spawner(old)

    def renewed_spawner(self, old):
        """Waits until droverd has started another spawner than `old`; its pid."""
        def renewed():
            new = self.spawner_pid()
            return new if new and new != old and alive(new) else 0
        return wait_until(renewed, "the spawner is started again")

    def shims(self, attempt=""):
        """Pids of the shims that live, or of that one attempt's."""
        needle = os.fsencode(os.path.join(self.data, "run", attempt))
        return [pid for pid, (exe, cmdline, _) in processes().items() if exe == "drover-shim" and needle in cmdline]

    def own_processes(self):
        """Pids of everything that belongs to this data folder."""
        run = os.path.join(self.data, "run")
        attempts = {name.encode() for name in os.listdir(run)} if os.path.isdir(run) else set()
        needle = os.fsencode(self.data)
        pids = []
        for pid, (_, cmdline, environ) in processes().items():
            marker = [v.split(b"=", 1)[1] for v in environ.split(b"\0") if v.startswith(b"DROVER_TASK_ATTEMPT=")]
            if pid != os.getpid() and (needle in cmdline or attempts.intersection(marker)):
                pids.append(pid)
        return pids

    def clean_up(self):
        """End all that is left of this server, its spawner and its tasks, and remove the folders. Fails when a
        sanitizer had something to report."""
        if self.sanitizer_reports() and self.process and not self.wrapper:
            try:
                self.process.wait(10)  # let it write the whole report
            except subprocess.TimeoutExpired:
                pass
        self.kill()
        end_all(self.own_processes)
        reports = self.sanitizer_reports()
        for group in groups(self.data) if os.path.isdir(self.data) else ():
            try:
                os.rmdir(group)
            except OSError:
                pass  # a process that was just killed is in it still
        shutil.rmtree(self.data, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        if reports:
            raise AssertionError("a sanitizer reports:\n" + "\n".join(r[:8000] for r in reports))

    def sanitizer_reports(self):
        reports = []
        for path in glob.glob(os.path.join(self.folder, "sanitizer.*")):
            with open(path, encoding="utf-8", errors="replace") as f:
                reports.append(f.read())
        # The spawner and the shims have an environment of their own, and the spawner's log as stderr.
        for path in (os.path.join(self.data, "spawner.log"), self.log_path):
            try:
                with open(path, encoding="utf-8", errors="replace") as f:
                    text = f.read()
            except OSError:
                continue
            if "Sanitizer" in text or "runtime error:" in text:
                reports.append(text)
        return reports

    # --- its database, read from outside ---

    def database(self):
        """A consistent copy in memory, taken by the backup API over a read-only connection that never checkpoints."""
        uri = "file:%s?mode=ro" % urllib.parse.quote(os.path.join(self.data, "drover.db"))
        source = sqlite3.connect(uri, uri=True, timeout=10)
        try:
            source.execute("PRAGMA wal_autocheckpoint=0")
            copy = sqlite3.connect(":memory:")
            source.backup(copy)
            return copy
        finally:
            source.close()

    def row_counts(self):
        """{table: rows} of every table but the audit log, which tells of refused calls, too."""
        db = self.database()
        try:
            tables = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type='table' AND name <> 'audit'")]
            return {t: db.execute('SELECT count(*) FROM "%s"' % t).fetchone()[0] for t in tables}
        finally:
            db.close()


# --- HTTP ------------------------------------------------------------------------------------

class IdleEnd(ConnectionError):
    """The server had closed the kept connection before the request came."""


class Client:
    """A REST client of one thread. Connects anew after the server was restarted. Every answer is held against the
    API's description (schemas.py). `source`: the address it calls from, where that is to be another than the rest's."""

    def __init__(self, server, token=None, source=None):
        self.server = server
        self.token = token
        self.source = (source, 0) if source else None
        # Replies must be as the API's description says; those of a server with holes need not.
        self.described = getattr(server, "program", "droverd") == "droverd"
        self.connection = None
        self.peer = None

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None

    __del__ = close

    def request(self, method, path, body=None, content_type="application/json", headers=None):
        """One exchange; OSError when there was no whole answer. A request is never sent twice, but a GET that met
        the end of an idle connection."""
        try:
            return self._exchange(method, path, body, content_type, headers)
        except IdleEnd:
            return self._exchange(method, path, body, content_type, headers)

    def _exchange(self, method, path, body, content_type, headers):
        reused = self.connection is not None and self.peer == self.server.address
        if not reused:
            self.close()
            self.peer = self.server.address
            self.connection = (http.client.HTTPSConnection(*self.peer, timeout=15 * PATIENCE,
                                                           context=self.server.tls, source_address=self.source)
                               if self.server.tls else
                               http.client.HTTPConnection(*self.peer, timeout=15 * PATIENCE,
                                                          source_address=self.source))
        all_headers = dict(headers or {})
        if self.token:
            all_headers["Authorization"] = "Bearer " + self.token
        if body is not None:
            all_headers["Content-Type"] = content_type
            if not isinstance(body, (bytes, str)):
                body = json.dumps(body)
        if isinstance(body, str):
            body = body.encode()
        try:
            self.connection.request(method, path, body=body, headers=all_headers)
            r = self.connection.getresponse()
            data = r.read()
        except (OSError, http.client.HTTPException) as e:
            self.close()
            idle = reused and method == "GET" and isinstance(e, (http.client.RemoteDisconnected, ConnectionResetError))
            raise (IdleEnd if idle else ConnectionError)("%s %s: %r" % (method, path, e)) from e
        if r.will_close:
            self.close()
        reply = Reply(r.status, {k.lower(): v for k, v in r.getheaders()}, data)
        if self.described:
            schemas.of(binary("droverd")).check(method, path, *reply)
        return reply

    def json(self, method, path, body=None, expect=(200, 202)):
        """One exchange whose answer must be JSON with one of the expected statuses."""
        r = self.request(method, path, body)
        if r.status not in expect:
            raise AssertionError("%s %s: %d %s" % (method, path, r.status, r.body[:2000].decode("utf-8", "replace")))
        return json.loads(r.body)

    def login(self, user=ADMIN, password=PASSWORD, **more):
        self.token = self.json("POST", "/api/v2/authn/basic/login",
                               dict({"username": user, "password": password}, **more))["token"]
        return self

    def submit(self, yaml):
        """Submit a job; "user~name"."""
        r = self.request("POST", "/api/v2/jobs", yaml, "text/yaml")
        if r.status != 202:
            raise AssertionError("submit: %d %s" % (r.status, r.body[:2000].decode("utf-8", "replace")))
        return json.loads(r.body)["name"]

    def job(self, name):
        return self.json("GET", "/api/v2/jobs/" + name)

    def state(self, name):
        return self.job(name)["jobStatus"]["state"]

    def stop(self, name):
        return self.json("PUT", "/api/v2/jobs/%s/executionType" % name, {"value": "STOP"})

    def wait(self, name, states=FINAL, timeout=20.0):
        """Wait until the job is in one of the states; its detail."""
        seen = {}

        def probe():
            seen.update(self.job(name))
            return seen["jobStatus"]["state"] in states
        try:
            wait_until(probe, "%s is %s" % (name, "/".join(states)), timeout, 0.05)
        except TimeoutError as e:
            raise TimeoutError("%s; it is now: %s\nevents: %s" % (e, json.dumps(seen, indent=1), self.event_lines(name))) from e
        return seen

    def event_lines(self, name):
        """The job's events as text, one a line: what a failed test shows."""
        r = self.request("GET", "/api/v2/jobs/%s/events" % name)
        return r.body.decode("utf-8", "replace")

    def log(self, name, role="main", index=0, kind="all"):
        """The whole log of a task's current attempt, as bytes."""
        detail = self.job(name)
        attempt = detail["jobStatus"]["attemptId"]
        task_attempt = detail["taskRoles"][role]["taskStatuses"][index]["attemptId"]
        r = self.request("GET", "/api/v2/jobs/%s/attempts/%d/taskRoles/%s/taskIndex/%d/attempts/%d/logs/%s"
                         % (name, attempt, role, index, task_attempt, kind))
        if r.status != 200:
            raise AssertionError("log of %s: %d %s" % (name, r.status, r.body[:500]))
        return r.body


def raw_exchange(address, data, timeout=5.0, limit=1 << 20):
    """Send bytes, read until the peer closes, a complete answer stands or `timeout`: (status, answer, seconds)."""
    begin = time.monotonic()
    answer = b""
    with socket.create_connection(address, timeout=timeout * PATIENCE) as s:
        try:
            s.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it answered and closed before it had read all
        try:
            while len(answer) < limit and not _complete(answer):
                part = s.recv(65536)
                if not part:
                    break
                answer += part
        except (ConnectionResetError, socket.timeout):
            pass
    seconds = time.monotonic() - begin
    try:
        status = int(answer.split(b" ", 2)[1])
    except (IndexError, ValueError):
        status = 0
    return status, answer, seconds


def _complete(answer):
    head, mark, body = answer.partition(b"\r\n\r\n")
    if not mark:
        return False
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
    return False


# --- jobs ------------------------------------------------------------------------------------

def job_yaml(name, commands, cpu=1, memory=64, gpu=0, instances=1, retry=0, ports=None, extra=""):
    """A job of one role `main`, as YAML text. `commands` is a string or a list of strings.

    The server keeps a job's text in its own form; this writes that form, so that both have the same hash (a test
    holds it to that). Commands must therefore be plain scalars of YAML."""
    if isinstance(commands, str):
        commands = [commands]
    for c in commands:
        if ": " in c or " #" in c or c in ("true", "false") or c[0] in "'\"[{&*!|>%@`#-?:":
            raise ValueError("not a plain scalar: %s" % c)
    lines = ["protocolVersion: 2", "name: %s" % name, "type: job", "jobRetryCount: %d" % retry, "prerequisites:",
             "  - name: image", "    type: dockerimage", "    uri: debian:12-slim", "taskRoles:", "  main:",
             "    instances: %d" % instances, "    dockerImage: image", "    resourcePerInstance:",
             "      cpu: %d" % cpu, "      memoryMB: %d" % memory, "      gpu: %d" % gpu]
    if ports:
        lines += ["      ports:"] + ["        %s: %d" % item for item in ports.items()]
    lines += ["    commands:"] + ["      - " + c for c in commands]
    return "\n".join(lines) + "\n" + extra


def witness_command(path):
    """A shell line that records the start of this attempt, in one appending write."""
    return ("printf '%%s %%s %%s %%s\\n' \"$PAI_JOB_NAME\" \"$DROVER_TASK_ATTEMPT\" \"$$\" "
            "\"$(cat /proc/sys/kernel/random/uuid)\" >> %s" % path)
