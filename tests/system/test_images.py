# SPDX-License-Identifier: MIT
"""The store of images: what comes in, as what, and what does not."""
import os
import shutil
import subprocess
import tarfile
import unittest

import droverlib
import failpoints
import jobcase
import machine
import oci
import rootfs
from droverlib import wait_until

NAME = "debian:12-slim"  # what droverlib's jobs run in


class ImageCase(jobcase.JobCase):
    def source(self, name):
        return os.path.join(self.server.folder, name)

    def write(self, name, data):
        with open(self.source(name), "wb") as f:
            f.write(data)
        return self.source(name)

    def get(self, uri=NAME):
        return self.client.json("GET", "/api/v2/images/" + uri.replace("/", "+").replace(":", "="), expect=(200, 404))

    def begin(self, source, uri=NAME, expect=(202,), **more):
        return self.client.json("POST", "/api/v2/images", dict(more, uri=uri, source=source), expect)

    def end(self, uri=NAME):
        """The image once its import has ended."""
        def probe():
            found = self.get(uri)
            return found if found.get("state") in ("ready", "failed") else None
        return wait_until(probe, "the import of %s ends" % uri, 60)

    def imported(self, source, uri=NAME, **more):
        self.begin(source, uri, **more)
        image = self.end(uri)
        self.assertEqual(image["state"], "ready", image)
        return image

    def refused(self, source, words, uri=NAME, **more):
        self.begin(source, uri, **more)
        image = self.end(uri)
        self.assertEqual(image["state"], "failed", image)
        self.assertRegex(image["problem"], words)
        self.assertEqual([n for n in os.listdir(os.path.join(self.server.data, "images"))], [], "nothing half-stored")

    def root(self, name):
        """Where an image's file is in the store."""
        return os.path.join(self.server.data, "images", NAME.replace(":", "="), "rootfs", name)

    def content(self, name):
        with open(self.root(name), encoding="ascii") as f:
            return f.read()

    def remove(self, uri=NAME, expect=(200,)):
        return self.client.json("DELETE", "/api/v2/images/" + uri.replace("/", "+").replace(":", "="), expect=expect)


SH = ("bin/sh", b"#!/no\n")


class StoreTest(ImageCase):
    def test_a_folder(self):
        folder = rootfs.busybox(self.source("root"))
        os.mkfifo(os.path.join(folder, "fifo"))
        os.symlink("/etc/passwd", os.path.join(folder, "absolute"))
        image = self.imported(folder)
        self.assertGreater(image["bytes"], 500000)
        self.assertEqual(self.content("etc/image"), "busybox\n")
        self.assertEqual(os.readlink(self.root("absolute")), "/etc/passwd")
        self.assertFalse(os.path.lexists(self.root("fifo")), "special files are left out")
        self.assertEqual([i["uri"] for i in self.client.json("GET", "/api/v2/images")], [NAME])

    def test_a_ready_image_is_listed_once_and_the_next_may_begin(self):
        self.server.stop()
        points = failpoints.Folder(self.server.folder)
        points.arm("image.in-place", "delay 1000")
        self.server.env.update(points.env)
        self.server.start()
        folder = rootfs.busybox(self.source("root"))
        self.begin(folder)

        def ready():
            images = self.client.json("GET", "/api/v2/images")
            self.assertEqual([i["uri"] for i in images], [NAME])
            return images[0]["state"] == "ready"
        wait_until(ready, "the image is ready", 60)
        self.assertEqual(points.fired(), ["image.in-place"])
        self.imported(folder, uri="other:1")

    def test_tars(self):
        for mode in ("", "gz", "xz"):
            with self.subTest(mode):
                path = self.source("root.tar" + mode)
                with tarfile.open(path, "w:" + mode) as archive:
                    archive.add(self.source("root") if os.path.isdir(self.source("root"))
                                else rootfs.busybox(self.source("root")), ".")
                self.imported(path)
                self.assertEqual(self.content("etc/image"), "busybox\n")
                self.remove()
                self.assertEqual(self.client.json("GET", "/api/v2/images"), [])

    def layout(self, name="layout"):
        layout = oci.Layout(self.source(name))
        layout.image([oci.tar([("bin", None), SH, ("etc", None), ("etc/a", b"one"), ("etc/b", b"one"), ("etc/c", b"one"),
                               ("old", None), ("old/x", b"x"), ("kind", b"file"), ("dev", None),
                               ("dev/null", ("device", 1, 3))]),
                      oci.tar([("etc/b", b"two"), ("etc/.wh.a", b""), ("old", None), ("old/.wh..wh..opq", b""),
                               ("old/y", b"y"), ("kind", None), ("kind/in", b"z"), ("hard", ("hard", "etc/c"))])],
                     env=["PATH=/opt/bin:/bin", "FLAVOUR=plain"])
        return layout

    def check_layers(self):
        self.assertEqual((self.content("etc/b"), self.content("etc/c"), self.content("hard")), ("two", "one", "one"))
        self.assertFalse(os.path.lexists(self.root("etc/a")), "a whiteout")
        self.assertEqual(os.listdir(self.root("old")), ["y"], "an opaque folder")
        self.assertEqual(self.content("kind/in"), "z", "a folder where a file was")
        self.assertEqual(os.listdir(self.root("dev")), [], "no devices")

    def test_layouts(self):
        layout = self.layout()
        self.imported(layout.folder)
        self.check_layers()
        self.remove()
        self.imported(layout.packed(self.source("layout.tar")))
        self.check_layers()

    def test_one_of_several(self):
        layout = self.layout()
        layout.image([oci.tar([("bin", None), SH, ("etc", None), ("etc/b", b"other")])], ref="other")
        layout.image([oci.tar([SH])], ref="foreign", machine="s390x")
        self.refused(layout.folder, "holds 2 images for this machine")
        self.refused(layout.folder, "no image|0 images of that name", ref="foreign")
        self.imported(layout.folder, ref="other")
        self.assertEqual(self.content("etc/b"), "other")

    def test_what_is_no_image(self):
        layout = self.layout()
        manifest = layout.image([oci.tar([SH])], ref="bad")
        with open(os.path.join(layout.folder, "blobs/sha256", manifest["layers"][0]["digest"][7:]), "ab") as f:
            f.write(b"\0")
        self.refused(layout.folder, "is damaged", ref="bad")
        bad = {
            "absolute": ([("/etc/x", b"")], "absolute path"),
            "dots": ([("a/../../x", b"")], r'with "\.\."'),
            "through a link": ([("a", ("link", "/")), ("a/x", b"")], "behind a link"),
            "hard link out": ([("x", ("hard", "../../drover.db"))], "hard link"),
            "no shell": ([("etc/x", b"")], "shell"),
        }
        for name, (members, words) in bad.items():
            with self.subTest(name):
                self.refused(self.write("bad.tar", oci.tar(members)), words)
        for data in (b"", b"no tar at all", os.urandom(10240)):
            self.refused(self.write("bad.tar", data), "cannot be read|holds no root")
        os.mkfifo(self.source("fifo"))
        self.refused(self.source("fifo"), "no file and no folder")
        self.refused(self.source("nothing"), "cannot find")
        self.refused(self.server.data, "own data")
        self.refused(self.server.folder, "own data")
        self.refused("/", "own data")

    def test_requests(self):
        self.begin("relative", expect=(400,))
        for uri in ("", "../x", "a//b", "/a", "a/", "a b", ".a", "a/.b", "x" * 201, "a+b", "a=b"):
            with self.subTest(uri):
                self.begin("/srv", uri=uri, expect=(400,))
        self.client.json("POST", "/api/v2/images", {"uri": "a", "source": "/srv", "more": 1}, (400,))
        self.remove("a/b:c", expect=(404,))
        folder = rootfs.busybox(self.source("root"))
        self.imported(folder, uri="lab/base:1@x")
        self.assertEqual(self.begin(folder, uri="lab/base:1@x", expect=(409,))["code"], "ConflictImageError")
        self.client.json("POST", "/api/v2/users", {"username": "ann", "password": "a long password"}, (201,))
        ann = droverlib.Client(self.server).login("ann", "a long password")
        self.assertEqual(ann.json("GET", "/api/v2/images")[0]["uri"], "lab/base:1@x")
        ann.json("POST", "/api/v2/images", {"uri": "a", "source": "/srv"}, (403,))
        ann.json("DELETE", "/api/v2/images/lab+base=1@x", expect=(403,))

    def test_what_a_kill_leaves_is_removed(self):
        part = os.path.join(self.server.data, "images", ".import-7")
        self.server.kill()
        os.makedirs(os.path.join(part, "rootfs", "bin"))
        self.server.start()
        wait_until(lambda: not os.path.exists(part), "the rest of an import is removed")

    def test_a_stop_breaks_an_import_off(self):
        big = self.source("big")
        with open(big, "wb") as f:
            f.truncate(8 << 30)  # takes seconds; nothing of the server's stop waits for it
        os.makedirs(self.source("root/bin"))
        os.link(big, self.source("root/bin/sh"))
        self.begin(self.source("root"))
        self.assertEqual(self.server.stop(), 0)

    def test_the_verbs(self):
        folder = rootfs.busybox(self.source("root"))
        env = dict(os.environ, XDG_CONFIG_HOME=self.server.folder, HOME=self.server.folder)
        password = os.path.join(self.server.folder, "password")

        def drover(*args):
            return subprocess.run([droverlib.binary("drover")] + list(args), env=env, stdin=subprocess.DEVNULL,
                                  capture_output=True, text=True, timeout=60 * droverlib.TIME_SCALE, check=False)
        self.assertEqual(drover("login", "http://%s:%d" % self.server.address, "-u", droverlib.ADMIN,
                                "--password-file", password).returncode, 0)
        done = drover("image", "import", "lab/base:1", folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("Imported lab/base:1", done.stdout)
        self.assertEqual(drover("image", "list", "-o", "csv").stdout.splitlines()[1].split(",")[:2], ["lab/base:1", "ready"])
        self.assertNotEqual(drover("image", "import", "lab/base:1", folder).returncode, 0)
        failed = drover("image", "import", "lab/base:2", "/nowhere")
        self.assertNotEqual(failed.returncode, 0)
        self.assertIn("cannot find", failed.stderr)
        self.assertEqual(drover("image", "remove", "lab/base:1").returncode, 0)


class RunTest(ImageCase):
    def setUp(self):
        machine.need(self, "namespaces", "bwrap")
        super().setUp()

    def run_in(self, commands):
        full = self.client.submit(droverlib.job_yaml("inside", commands, memory=256))
        self.client.wait(full, timeout=60)
        return self.client.log(full).decode()

    def test_a_job_has_the_image_and_its_environment(self):
        members = [("bin", None), ("etc", None), ("opt", None), ("opt/bin", None)]
        with open(rootfs.BUSYBOX, "rb") as f:
            members += [("bin/sh", f.read()), ("opt/bin/env", ("link", "/bin/sh"))]
        layout = oci.Layout(self.source("layout"))
        layout.image([oci.tar(members)], env=["PATH=/opt/bin:/bin", "FLAVOUR=plain", "DROVER_NONCE=mine", "LD_PRELOAD=/x.so"])
        self.imported(layout.folder)
        out = self.run_in("env")
        self.assertIn("PATH=/opt/bin:/bin\n", out)
        self.assertIn("FLAVOUR=plain\n", out)
        self.assertNotIn("DROVER_NONCE=mine", out, "the server's own variables are its own")

    def test_links_of_an_image_lead_nowhere_else(self):
        """Its /etc, /dev and /tmp are links to a folder of the host: nothing is written or mounted there."""
        victim = self.source("victim")
        names = ["etc", "tmp", "dev", "proc", "sys"]
        folder = rootfs.busybox(self.source("root"))
        for name in names:
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
            os.symlink(os.path.join(victim, name), os.path.join(folder, name))
            for top in ("/", folder):
                os.makedirs(os.path.join(top, victim[1:], name))
        self.imported(folder)
        self.assertIn("done", self.run_in("echo x > /etc/new; echo x > /tmp/new; echo done"))
        self.assertEqual([(d, f) for d, _, f in os.walk(victim) if f], [])

    def test_an_image_without_place_for_a_task_fails_it_and_says_where(self):
        """Its /tmp is a file: no folder can be mounted there, on whatever node and however often it is tried."""
        folder = rootfs.busybox(self.source("root"))
        os.rmdir(os.path.join(folder, "tmp"))
        with open(os.path.join(folder, "tmp"), "w", encoding="ascii") as f:
            f.write("x")
        self.imported(folder)
        full = self.client.submit(droverlib.job_yaml("inside", ["exit 0"], memory=256))
        detail = self.client.wait(full, timeout=60)
        self.assertEqual(detail["jobStatus"]["state"], "FAILED")
        self.assertEqual(detail["jobStatus"]["appExitCode"], -200)
        self.assertIn("no place for /tmp", str(detail))

    def test_an_image_in_use_stays(self):
        self.imported(rootfs.busybox(self.source("root")))
        full = self.client.submit(droverlib.job_yaml("long", "echo ready; exec sleep 600", memory=256))
        wait_until(lambda: self.client.state(full) == "RUNNING" and b"ready" in self.client.log(full), "it runs", 30)
        self.assertIn("Tasks run in", self.remove(expect=(409,))["message"])
        self.client.stop(full)
        self.client.wait(full)
        wait_until(lambda: self.client.request("DELETE", "/api/v2/images/" + NAME.replace(":", "=")).status == 200,
                   "it is removed once nothing runs in it")


if __name__ == "__main__":
    unittest.main()
