#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Debian packages and the image of the release build: what is in them, lintian, install, upgrade under a running job,
remove and purge in a folder that dpkg takes for a machine's root, and the image's server under runc.

tests/package/inside.sh does the same on a Debian of its own, from the previous commit's package on (`./dev nightly packages`).
"""
import glob
import hashlib
import http.client
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
import unittest

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, "system"), os.path.join(os.path.dirname(TESTS), "packaging", "image")]
import bundle  # noqa: E402
import droverlib  # noqa: E402
import image  # noqa: E402
from droverlib import ROOT, wait_until  # noqa: E402

BUILD = os.environ.get("DROVER_RELEASE", os.path.join(ROOT, "build", "release"))
NIGHTLY = "DROVER_NIGHTLY" in os.environ
OLD, NEW = "0.0.1~test1", "0.0.1~test2"
EPOCH = "1700000000"
PROGRAMS = {"drover-server": {"droverd", "drover-holder", "drover-keeper", "drover-shim", "drover-sim", "drover-spawner",
                              "drover-unpack", "drover-warden"},
            "drover-client": {"drover"}}
MORE = {"drover-server": {"etc/drover/droverd.yaml", "etc/drover/users.map", "lib/systemd/system/droverd.service",
                          "lib/systemd/system/drover-spawner.service", "lib/systemd/system/drover-tasks.service",
                          "usr/lib/sysusers.d/drover.conf", "usr/lib/tmpfiles.d/drover.conf", "usr/share/drover/exits.yaml",
                          "usr/share/man/man5/droverd.yaml.5.gz", "usr/share/man/man8/droverd.8.gz",
                          "usr/share/doc/drover-server/OPERATIONS.md", "usr/share/doc/drover-server/copyright",
                          "usr/share/doc/drover-server/examples/prometheus.yml"},
        "drover-client": {"usr/share/bash-completion/completions/drover", "usr/share/zsh/vendor-completions/_drover",
                          "usr/share/fish/vendor_completions.d/drover.fish", "usr/share/doc/drover-client/copyright",
                          "usr/share/doc/drover-client/examples/train/train.yaml"}}
PLAIN = dict(os.environ, LC_ALL="C.UTF-8", PATH="/usr/sbin:/usr/bin:/sbin:/bin")


def run(*argv, env=None, code=0):
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=dict(PLAIN, **(env or {})), timeout=120 * droverlib.PATIENCE, text=True)
    if done.returncode != code:
        raise AssertionError("%s: exit %d, wanted %d\n%s" % (" ".join(argv), done.returncode, code, done.stdout[-4000:]))
    return done.stdout


def setUpModule():
    global FOLDER, DEBS  # pylint: disable=global-statement
    if not os.access(os.path.join(BUILD, "bin", "droverd"), os.X_OK):
        raise RuntimeError("no release build in %s: ./dev build first" % BUILD)
    FOLDER = droverlib.scratch_folder("drover-package-")
    unittest.addModuleCleanup(shutil.rmtree, FOLDER, ignore_errors=True)
    os.chmod(FOLDER, 0o755)
    out = run(os.path.join(ROOT, "packaging", "package.sh"), BUILD, os.path.join(FOLDER, "new"), NEW,
              env={"SOURCE_DATE_EPOCH": EPOCH, "DROVER_PACKAGE_COMPRESSION": "gzip"})
    DEBS = {os.path.basename(path).split("_")[0]: path for path in out.split()}


class Contents(unittest.TestCase):
    def members(self, package):
        """{path: TarInfo} of a package's files."""
        data = subprocess.run(["dpkg-deb", "--fsys-tarfile", DEBS[package]], check=True, stdout=subprocess.PIPE).stdout
        path = os.path.join(FOLDER, package + ".tar")
        with open(path, "wb") as f:
            f.write(data)
        with tarfile.open(path) as archive:
            return {m.name[2:]: m for m in archive if m.name not in (".", "./")}

    def test_files(self):
        self.assertEqual(set(DEBS), set(PROGRAMS))
        for package, programs in PROGRAMS.items():
            members = self.members(package)
            with self.subTest(package):
                self.assertEqual({os.path.basename(p) for p in members if p.startswith("usr/bin/")}, programs)
                self.assertEqual(MORE[package] - set(members), set())
                pages = {os.path.basename(p).rsplit(".", 2)[0] for p in members if p.startswith("usr/share/man/man")}
                self.assertEqual(programs - pages, set(), "programs without a manual page")
                for name, m in members.items():
                    self.assertEqual((m.uid, m.gid, m.mtime), (0, 0, int(EPOCH)), name)
                    if not m.issym():
                        self.assertIn(m.mode, (0o755,) if m.isdir() or name.startswith("usr/bin/") else (0o644,), name)

    def test_nothing_tells_where_it_was_built(self):
        for package in PROGRAMS:
            folder = os.path.join(FOLDER, package)
            run("dpkg-deb", "-x", DEBS[package], folder)
            for parent, _, files in os.walk(folder):
                for name in files:
                    with open(os.path.join(parent, name), "rb") as f:
                        self.assertNotIn(ROOT.encode() + b"/", f.read(), name)

    def test_what_it_needs(self):
        needs = run("dpkg-deb", "-f", DEBS["drover-server"], "Depends")
        for name in ("libc6 (>= 2.3", "libmicrohttpd12 ", "libsqlite3-0 ", "systemd-sysusers", "init-system-helpers"):
            self.assertIn(name, needs)
        self.assertEqual(run("dpkg-deb", "-I", DEBS["drover-server"], "conffiles").split(),
                         ["/etc/drover/droverd.yaml", "/etc/drover/users.map"])

    def test_the_page_of_the_configuration_has_every_key(self):
        with open(os.path.join(ROOT, "server/config.c"), encoding="utf-8") as f:
            keys = set(re.findall(r'^    \{"(\w+)", set_\w+\},$', f.read(), re.M))
        self.assertGreater(len(keys), 30)
        with open(os.path.join(ROOT, "packaging/man/droverd.yaml.5"), encoding="utf-8") as f:
            told = {word for line in re.findall(r"^\.It Ic (.*)$", f.read(), re.M) for word in re.findall(r"[a-z]\w+", line)}
        self.assertEqual(keys - told, set())

    def test_later_commits_have_higher_versions(self):
        folder = os.path.join(FOLDER, "versions")
        os.makedirs(os.path.join(folder, "packaging"))
        shutil.copy(os.path.join(ROOT, "packaging", "version.sh"), os.path.join(folder, "packaging"))
        with open(os.path.join(folder, "CMakeLists.txt"), "w", encoding="ascii") as f:
            f.write("project(drover VERSION 7.8.9 LANGUAGES C)\n")

        def version(second, tag=None):
            date = "2026-01-02T03:04:%02d+0000" % second
            git = ("git", "-C", folder, "-c", "user.name=x", "-c", "user.email=x@example.org")
            run(*git, "commit", "-q", "--allow-empty", "-m", "x", env={"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date})
            if tag:
                run(*git, "tag", tag)
            return run(script).strip()
        script = os.path.join(folder, "packaging", "version.sh")
        self.assertEqual(run(script, env={"GIT_CEILING_DIRECTORIES": FOLDER}), "7.8.9\n", "an archive of the sources")
        run("git", "-C", folder, "init", "-q")
        found = [version(5), version(6), version(7, "v7.8.9"), version(8)]
        self.assertRegex(found[0], r"^7\.8\.9~git20260102\.030405\.[0-9a-f]{8}$")
        self.assertEqual(found[2], "7.8.9")
        for older, newer in zip(found, found[1:]):
            run("dpkg", "--compare-versions", older, "lt", newer)

    def test_lintian(self):
        out = run("lintian", "--fail-on", "error,warning", "--no-tag-display-limit",
                  *(["--allow-root"] if os.getuid() == 0 else []), *DEBS.values())
        self.assertNotRegex(out, r"(?m)^[EW]:")


class Life(unittest.TestCase):
    """dpkg on a root of its own; scripts run outside it (DPKG_ROOT), for there is no system in it."""

    def setUp(self):
        self.root = os.path.join(FOLDER, "root")
        self.addCleanup(shutil.rmtree, self.root, ignore_errors=True)
        for name in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "var/log", "etc", "tmp"):
            os.makedirs(self.path(name))
        for name, text in (("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n"), ("etc/group", "root:x:0:\n"), ("etc/shadow", ""),
                           ("etc/gshadow", ""), ("var/lib/dpkg/status", "")):
            with open(self.path(name), "w", encoding="ascii") as f:
                f.write(text)

    def path(self, name):
        return os.path.join(self.root, name)

    def dpkg(self, *args):
        # What it needs is not in this root; the chroot of the nightly has it.
        return run("dpkg", "--root=" + self.root, "--force-script-chrootless", "--force-depends", "--force-confold", *args)

    def old(self):
        """The same package as an earlier version."""
        folder = os.path.join(FOLDER, "old")
        run("dpkg-deb", "-R", DEBS["drover-server"], folder)
        self.addCleanup(shutil.rmtree, folder)
        control = os.path.join(folder, "DEBIAN", "control")
        with open(control, encoding="utf-8") as f:
            text = f.read()
        self.assertIn("Version: %s\n" % NEW, text)
        with open(control, "w", encoding="utf-8") as f:
            f.write(text.replace("Version: %s\n" % NEW, "Version: %s\n" % OLD))
        run("dpkg-deb", "--root-owner-group", "-Znone", "-b", folder, folder + ".deb")
        return folder + ".deb"

    def uid(self, name):
        with open(self.path("etc/passwd"), encoding="ascii") as f:
            return {line.split(":")[0]: int(line.split(":")[2]) for line in f}.get(name)

    def version(self):
        return run("dpkg-query", "--admindir=" + self.path("var/lib/dpkg"), "-W", "-f", "${db:Status-Status} ${Version}",
                   "drover-server")

    def start(self, uid):
        """The installed server by hand, as its user, with a spawner of its own."""
        droverlib.BIN = self.path("usr/bin")
        server = droverlib.Server(folder=self.path("var/lib/drover"), uid=uid)
        self.addCleanup(setattr, droverlib, "BIN", droverlib.BIN)
        self.addCleanup(server.clean_up)
        server.init()
        droverlib.give_away(server.data, uid)
        server.start()
        return server

    def running_job(self, server):
        """A job that ends when it finds a file; its name, the pid of its shell, and the file."""
        file = os.path.join(server.folder, "go")
        client = droverlib.Client(server).login()
        name = client.submit(droverlib.job_yaml("long", "while ! test -e %s; do sleep 0.1; done; echo ended" % file))
        client.wait(name, ("RUNNING",))
        shims = server.shims()
        self.assertEqual(len(shims), 1)
        return name, shims, file

    def installed(self):
        out = self.dpkg("-i", self.old())
        self.assertIn("droverd init", out, "it says what is to be done first")
        self.assertEqual(self.version(), "installed " + OLD)
        self.assertEqual(os.listdir(self.path("var/lib/drover")), [], "no account, so no password")
        uid = self.uid("drover")
        st = os.stat(self.path("var/lib/drover"))
        self.assertEqual((st.st_uid, stat.S_IMODE(st.st_mode)), (uid, 0o700))
        self.assertGreater(uid, 0)
        self.assertGreaterEqual(self.uid("drover-jobs"), 1000, "what the spawner takes")
        enabled = self.path("etc/systemd/system/multi-user.target.wants")
        self.assertEqual(sorted(os.listdir(enabled)), ["drover-spawner.service", "droverd.service"])
        return uid

    @unittest.skipUnless(os.getuid() == 0, "needs root")
    def test_install_upgrade_remove_purge(self):
        uid = self.installed()
        server = self.start(uid)
        name, shims, file = self.running_job(server)
        with open(self.path("etc/drover/droverd.yaml"), "a", encoding="utf-8") as f:
            f.write("logLevel: debug\n")
        self.assertNotIn("droverd init", self.dpkg("-i", DEBS["drover-server"]))
        self.assertEqual(self.version(), "installed " + NEW)
        with open(self.path("etc/drover/droverd.yaml"), encoding="utf-8") as f:
            self.assertTrue(f.read().endswith("logLevel: debug\n"), "the site's own configuration stays")
        self.assertEqual(server.shims(), shims, "the job runs on while the files are replaced")
        server.stop()
        server.start()
        self.assertEqual(os.readlink("/proc/%d/exe" % server.pid), self.path("usr/bin/droverd"), "the new file")
        client = droverlib.Client(server).login()
        self.assertEqual((client.state(name), server.shims()), ("RUNNING", shims))
        with open(file, "w", encoding="ascii"):
            pass
        self.assertEqual(client.wait(name)["jobStatus"]["state"], "SUCCEEDED")
        self.assertEqual(client.log(name), b"ended\n")
        server.stop()
        self.gone()

    def gone(self):
        self.dpkg("-r", "drover-server")
        self.assertEqual(glob.glob(self.path("usr/bin/*")), [])
        self.assertTrue(os.path.exists(self.path("var/lib/drover/drover.db")), "data outlive a removal")
        self.assertTrue(os.path.exists(self.path("etc/drover/droverd.yaml")))
        self.dpkg("-P", "drover-server")
        left = [os.path.join(parent, name) for parent, folders, files in os.walk(self.root) for name in folders + files
                if "drover" in name]
        self.assertEqual(left, [])


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.layout = os.path.join(FOLDER, "image")
        run(os.path.join(ROOT, "packaging", "image", "image.py"), "--level", "1", cls.layout, NEW, DEBS["drover-server"],
            DEBS["drover-client"], env={"SOURCE_DATE_EPOCH": EPOCH})

    def test_what_it_says_of_itself(self):
        config, layers = bundle.image(self.layout)
        self.assertEqual(len(layers), 2)
        self.assertEqual(config["config"]["Entrypoint"], ["droverd"])
        self.assertEqual(config["config"]["User"], "drover")
        self.assertEqual(config["config"]["Labels"]["org.opencontainers.image.version"], NEW)
        for layer, epoch in zip(layers, (image.DEBIAN_EPOCH, int(EPOCH))):
            with tarfile.open(layer) as archive:
                names = []
                for m in archive:
                    names.append(m.name)
                    self.assertEqual(m.mtime, epoch, m.name)
                    self.assertFalse(m.mode & 0o6000, m.name)
                    self.assertFalse(m.isdev(), m.name)
                self.assertEqual(names, sorted(names))

    @unittest.skipUnless(os.getuid() == 0, "needs root")
    def test_its_server_runs_an_example(self):
        box = Container(self.layout, os.path.join(FOLDER, "bundle"))
        self.addCleanup(box.end)
        self.assertGreater(box.init(), 0, "whom it runs as")
        box.start()
        env = {"HOME": box.folder, "XDG_CONFIG_HOME": box.folder}
        program = os.path.join(BUILD, "bin", "drover")
        run(program, "login", box.url, "-u", droverlib.ADMIN, "--password-file", box.password, env=env)
        examples = os.path.join(box.root, "usr/share/doc/drover-client/examples")
        example = "train/train.yaml" if NIGHTLY else "hello.yaml"
        name = run(program, "submit", os.path.join(examples, example), "--wait", "-o", "name", env=env).split()[0]
        job = json.loads(run(program, "job", name, "-o", "json", env=env))
        self.assertEqual(job["jobStatus"]["state"], "SUCCEEDED", job)


if NIGHTLY:
    class SameAgain(unittest.TestCase):
        """The same programs make the same packages and the same image, byte for byte."""

        def test_packages_and_image(self):
            found = []
            for name in ("once", "again"):
                folder = os.path.join(FOLDER, name)
                out = run(os.path.join(ROOT, "packaging", "package.sh"), "--image", BUILD, folder, NEW,
                          env={"SOURCE_DATE_EPOCH": EPOCH}).splitlines()
                contents = [out[-1].split()[1]]
                for path in sorted(out[:-1]):
                    with open(path, "rb") as f:
                        contents.append(hashlib.sha256(f.read()).hexdigest())
                found.append(contents)
            self.assertEqual(len(found[0]), 3)
            self.assertEqual(found[0], found[1])


class Container:
    """The image's server under runc, on a port of the kernel's choice of this machine's loopback."""

    def __init__(self, layout, folder):
        os.makedirs(folder)
        os.chmod(folder, 0o755)
        self.folder, self.root = folder, os.path.join(folder, "rootfs")
        self.config = bundle.make(layout, folder)
        self.runs = os.path.join(folder, "runc")
        self.name = "drover-test-%d" % os.getpid()
        self.password = os.path.join(folder, "password")
        self.process = None
        self.url = None

    def arguments(self, *args):
        path = os.path.join(self.folder, "config.json")
        with open(path, encoding="utf-8") as f:
            spec = json.load(f)
        spec["process"]["args"] = self.config["config"]["Entrypoint"] + list(args)
        with open(path, "w", encoding="utf-8") as f:
            json.dump(spec, f)
        return spec["process"]["user"]["uid"]

    def command(self, *args):
        return ["runc", "--root", self.runs, *args]

    def init(self):
        uid = self.arguments("init", "--data", "/var/lib/drover", "--admin", droverlib.ADMIN, "--password-file",
                             "/run/password")
        inside = os.path.join(self.root, "run/password")
        for path, owner in ((inside, uid), (self.password, 0)):
            with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="ascii") as f:
                f.write(droverlib.PASSWORD + "\n")
            os.chown(path, owner, owner)
        run(*self.command("run", "--bundle", self.folder, self.name))
        os.unlink(inside)
        return uid

    def start(self):
        self.arguments(*self.config["config"]["Cmd"], "--listen", "127.0.0.1:0")
        listen = os.path.join(self.root, "var/lib/drover/listen")
        self.process = subprocess.Popen(self.command("run", "--bundle", self.folder, self.name), env=PLAIN,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

        def listening():
            if self.process.poll() is not None:
                raise RuntimeError("it ended with %d:\n%s" % (self.process.returncode, self.process.stdout.read()))
            if os.path.exists(listen):
                with open(listen, encoding="ascii") as f:
                    return f.read().strip()
            return None
        line = wait_until(listening, "the image's server listens", 20)
        port = int(line.rsplit(":", 1)[1])
        self.url = "http://127.0.0.1:%d" % port
        wait_until(lambda: self.answer(port, "/readyz") == 200, "the image's server is ready", 20)

    @staticmethod
    def answer(port, path):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10 * droverlib.PATIENCE)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def end(self):
        """The container with all in it, and its folder."""
        subprocess.run(self.command("delete", "--force", self.name), stdout=subprocess.DEVNULL,
                       stderr=subprocess.DEVNULL, check=False)
        if self.process:
            self.process.wait(20 * droverlib.PATIENCE)
            self.process.stdout.close()
        shutil.rmtree(self.folder, ignore_errors=True)


if __name__ == "__main__":
    unittest.main()
