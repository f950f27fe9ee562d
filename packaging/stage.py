#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a package holds beside what the build tree has ready: manual pages, completions, changelog and copyright, into a
tree that is being installed. `stage.py COMPONENT BIN PREFIX`; run by the install step of packaging/CMakeLists.txt.

DROVER_PACKAGE_VERSION and SOURCE_DATE_EPOCH are the changelog's version and time; without the first (an install that is
no package) there is no changelog.
"""
import email.utils
import glob
import gzip
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
COMPLETIONS = {"bash": "share/bash-completion/completions/drover", "zsh": "share/zsh/vendor-completions/_drover",
               "fish": "share/fish/vendor_completions.d/drover.fish"}
CLIENT_PAGES = ("drover.7", "drover-job.5")  # what whoever submits jobs reads
HELPERS = ("drover-holder", "drover-keeper", "drover-unpack", "drover-warden")  # started by no hand: one page for all
CHANGELOG = """%s (%s) unstable; urgency=medium

  * Packaged from the sources of this version; their history tells what is new.

 -- The Drover authors <nobody@drover.invalid>  %s
"""


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o644)


def packed(path, data):
    write(path + ".gz", gzip.compress(data, 9, mtime=0))


def read(path):
    with open(path, "rb") as f:
        return f.read()


def printed(*argv):
    env = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"}
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, env=env).stdout


def man(prefix, name, data):
    packed(os.path.join(prefix, "share/man/man" + name[-1], name), data)


def pages(prefix, of_client):
    for page in sorted(glob.glob(os.path.join(HERE, "man", "*.[1-8]"))):
        if (os.path.basename(page) in CLIENT_PAGES) == of_client:
            man(prefix, os.path.basename(page), read(page))


def server(bin_folder, prefix):
    pages(prefix, of_client=False)
    man(prefix, "drover-sim.1", printed(os.path.join(bin_folder, "drover-sim"), "--man"))
    for name in HELPERS:
        link = os.path.join(prefix, "share/man/man8", name + ".8.gz")
        if not os.path.lexists(link):
            os.symlink("drover-shim.8.gz", link)


def client(bin_folder, prefix):
    program = os.path.join(bin_folder, "drover")
    man(prefix, "drover.1", printed(program, "man"))
    pages(prefix, of_client=True)
    for shell, path in COMPLETIONS.items():
        write(os.path.join(prefix, path), printed(program, "completion", shell))


def main():
    component, bin_folder, prefix = sys.argv[1:]
    package = "drover-" + component
    doc = os.path.join(prefix, "share/doc", package)
    {"server": server, "client": client}[component](bin_folder, prefix)
    write(os.path.join(doc, "copyright"), read(os.path.join(HERE, "debian", "copyright")))
    overrides = os.path.join(HERE, "debian", component, "lintian-overrides")
    if os.path.exists(overrides):
        path = os.path.join(prefix, "share/lintian/overrides", package)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        shutil.copyfile(overrides, path)
    version = os.environ.get("DROVER_PACKAGE_VERSION")
    if version:
        when = email.utils.formatdate(int(os.environ["SOURCE_DATE_EPOCH"]))
        packed(os.path.join(doc, "changelog"), (CHANGELOG % (package, version, when)).encode())


if __name__ == "__main__":
    main()
