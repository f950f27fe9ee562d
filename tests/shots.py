#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Takes the pictures of docs/shots/: the portal in chromium, the terminal interface in tmux, both on one server with a
few jobs in different states. `./dev shots` runs it."""
import html
import os
import re
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "system"))
import droverlib  # noqa: E402
from droverlib import ROOT, job_yaml, wait_until  # noqa: E402

SHOTS = os.path.join(ROOT, "docs", "shots")
COLUMNS, ROWS = 110, 30
BASIC = ["#000000", "#d55e00", "#009e73", "#e69f00", "#4a9ede", "#cc79a7", "#56b4e9", "#d0d0d0"]
BRIGHT = ["#7a7a7a", "#ff8c42", "#2fd8a4", "#f0e442", "#7cc0f8", "#e8a3c8", "#8fd6ff", "#ffffff"]
SGR = re.compile(r"\x1b\[([0-9;]*)m")


def indexed(n):
    """A colour of the 256 colour palette."""
    if n < 16:
        return (BASIC + BRIGHT)[n]
    if n >= 232:
        return "#" + "%02x" % (8 + 10 * (n - 232)) * 3
    steps = [0, 95, 135, 175, 215, 255]
    return "#%02x%02x%02x" % (steps[(n - 16) // 36], steps[(n - 16) // 6 % 6], steps[(n - 16) % 6])


def apply(style, codes):
    """Changes the style by one SGR sequence."""
    codes = [int(c or 0) for c in codes.split(";")]
    while codes:
        code = codes.pop(0)
        if code == 0:
            style.clear()
        elif code in (38, 48) and codes[:1] == [5]:
            style["fg" if code == 38 else "bg"] = indexed(codes[1])
            del codes[:2]
        elif 30 <= code <= 37 or 40 <= code <= 47:
            style["fg" if code < 40 else "bg"] = BASIC[code % 10]
        elif 90 <= code <= 97 or 100 <= code <= 107:
            style["fg" if code < 100 else "bg"] = BRIGHT[code % 10]
        elif code in (39, 49):
            style.pop("fg" if code == 39 else "bg", None)
        else:
            style[{1: "bold", 2: "dim", 4: "line", 7: "swap", 22: "plain", 24: "noline", 27: "noswap"}.get(code, "x")] = True
            for off, names in (("plain", "bold dim"), ("noline", "line"), ("noswap", "swap")):
                if style.pop(off, None):
                    for name in names.split():
                        style.pop(name, None)


def css(style):
    fg, bg = style.get("fg", "#d8dee4"), style.get("bg", "#10151a")
    if style.get("swap"):
        fg, bg = bg, fg
    return "color:%s;background:%s%s%s%s" % (fg, bg, ";font-weight:bold" if style.get("bold") else "",
                                            ";opacity:.7" if style.get("dim") else "",
                                            ";text-decoration:underline" if style.get("line") else "")


def page(screen):
    """What tmux captured, as a page that looks like it."""
    style, parts = {}, []
    for i, piece in enumerate(SGR.split(screen)):
        if i % 2:
            apply(style, piece)
        elif piece:
            parts.append('<span style="%s">%s</span>' % (css(style), html.escape(piece)))
    return ('<!doctype html><meta charset="utf-8"><body style="margin:0;background:#10151a">'
            '<pre style="margin:12px;font:15px/19px DejaVu Sans Mono,monospace">%s</pre>' % "".join(parts))


def terminal(env, folder, name, keys, shown):
    """Runs `drover tui` in a terminal of its own, types, and takes its picture once `shown` is to be seen."""
    tmux = ["tmux", "-L", "drover-shots-%d" % os.getpid(), "-f", "/dev/null"]
    start = ["new-session", "-d", "-x", str(COLUMNS), "-y", str(ROWS), droverlib.binary("drover") + " tui"]
    subprocess.run(tmux + start, env=dict(env, TERM="xterm-256color", LANG="C.UTF-8"), check=True)

    def screen():
        return subprocess.run(tmux + ["capture-pane", "-e", "-p"], check=True, capture_output=True, text=True).stdout

    try:
        wait_until(lambda: "train" in screen(), "the list is shown")
        for key in keys:
            subprocess.run(tmux + ["send-keys", key], check=True)
        wait_until(lambda: shown in SGR.sub("", screen()), "the terminal shows " + shown)
        path = os.path.join(folder, name + ".html")
        with open(path, "w", encoding="utf-8") as f:
            f.write(page(screen()))
    finally:
        subprocess.run(tmux + ["kill-server"], check=False)
    subprocess.run(["chromium", "--headless=new", "--no-sandbox", "--hide-scrollbars", "--force-color-profile=srgb",
                    "--user-data-dir=" + os.path.join(folder, "profile"),
                    "--window-size=%d,%d" % (COLUMNS * 9 + 40, ROWS * 19 + 24),
                    "--screenshot=" + os.path.join(SHOTS, name + ".png"), "file://" + path],
                   check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)


def submit_jobs(client, drover):
    """Jobs that succeeded, failed, run and wait."""
    drover("submit", os.path.join(ROOT, "examples", "hello.yaml"), "--wait")
    client.wait(client.submit(job_yaml("preprocess", "echo no such shard, part-0007 >&2; exit 3")))
    trained = drover("submit", os.path.join(ROOT, "examples", "train", "train.yaml"), "--wait", "-o", "name")
    client.wait(client.submit(job_yaml("serve", "for i in $(seq 600); do echo request $i; sleep 1; done", gpu=2)),
                ("RUNNING",))
    client.submit(job_yaml("finetune", "sleep 600", gpu=4))
    return trained.split()[0]


def main():
    os.makedirs(SHOTS, exist_ok=True)
    folder = tempfile.mkdtemp(prefix="drover-shots-")
    try:
        with droverlib.Server({"gpus": 4}) as server:
            url, password = "http://%s:%d/" % server.address, os.path.join(server.folder, "password")
            env = dict(os.environ, HOME=folder, XDG_CONFIG_HOME=os.path.join(folder, "config"))

            def drover(*args):
                return subprocess.run([droverlib.binary("drover"), *args], env=env, check=True, text=True,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=120).stdout

            drover("login", url, "-u", droverlib.ADMIN, "--password-file", password)
            trained = submit_jobs(droverlib.Client(server).login(), drover)
            subprocess.run(["node", os.path.join(HERE, "web", "shots.mjs"), url, droverlib.ADMIN, password, SHOTS,
                            trained], check=True, timeout=120)
            terminal(env, folder, "tui-jobs", [], "finetune")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print("\n".join(sorted(os.path.join("docs/shots", n) for n in os.listdir(SHOTS))))


if __name__ == "__main__":
    main()
