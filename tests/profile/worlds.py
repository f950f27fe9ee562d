# SPDX-License-Identifier: MIT
"""Small worlds of jobs, simulated event by event: loaders with workers, cores and a disc, GPUs whose kernels are bound
by arithmetic, by memory or by their launches, ranks that wait for each other, people at notebooks, requests that come
as they please. What a driver would tell of them is sampled out of the world, with gaps and noise, and what they print
is printed as frameworks do. The labels are what the world was made of; nothing here knows how anybody classifies it.

A label of a bottleneck is the resource without which the world would be at least a third faster; worlds in which two
are about as scarce are made again."""
import math


class Gpu:
    """A model of board: what it draws when idle and at most, and how much memory it has."""

    def __init__(self, rng):
        self.idle, self.limit, self.memory = rng.choice(
            [(26.0, 165.0, 24), (38.0, 300.0, 32), (56.0, 400.0, 80), (68.0, 700.0, 80), (75.0, 700.0, 141)])
        self.idle *= rng.uniform(0.9, 1.1)

    def draw(self, activity):
        """Watts: leaving the lowest state costs something by itself, the rest is what switches."""
        if activity <= 0:
            return self.idle
        span = self.limit - self.idle
        return min(self.limit, self.idle + span * (0.05 + 0.95 * min(1.0, activity)))


class Track:
    """What happened second by second to one GPU: time in which a kernel ran, memory moved, units switched."""

    def __init__(self, seconds):
        self.busy, self.moved, self.active = ([0.0] * seconds for _ in range(3))
        self.held = [0.0] * seconds  # GiB

    def run(self, start, end, busy, moved, active):
        second, last = int(start), min(end, len(self.busy))
        while start < last:
            share = min(last, second + 1) - start
            self.busy[second] += share * busy
            self.moved[second] += share * moved
            self.active[second] += share * active
            second += 1
            start = second

    def hold(self, start, gib):
        for second in range(max(int(start), 0), len(self.held)):
            self.held[second] = gib


class Host:
    """Core-seconds used and time in which somebody waited for a disc, by second."""

    def __init__(self, seconds, cores):
        self.cores = cores
        self.cpu, self.wait = [0.0] * seconds, [0.0] * seconds

    def spend(self, to, start, end, amount=1.0):
        second, last = int(start), min(end, len(to))
        while start < last:
            to[second] += (min(last, second + 1) - start) * amount
            second += 1
            start = second


class World:
    def __init__(self, name, seconds, gpus, cores, rng):
        self.name, self.seconds, self.rng = name, seconds, rng
        self.board = Gpu(rng)
        self.tracks = [Track(seconds) for _ in range(gpus)]
        self.host = Host(seconds, cores)
        self.kind = self.bottleneck = None
        self.cycles = []  # starts of what repeats, when it can be seen
        self.log = []  # (time, text)
        self.end = None  # when the work would end by itself
        self.tell_host = True

    def say(self, time, text):
        self.log.append((time, text))


# ---- training ----

class Kernels:
    """One step on one GPU: arithmetic and bytes to move, cut into so many kernels, each of which somebody launches."""

    def __init__(self, arithmetic, moving, count, launch, least=3e-6):
        self.arithmetic, self.moving, self.count, self.launch = arithmetic, moving, count, launch
        self.least = least  # no kernel is shorter, whatever it does

    def times(self):
        """(whole, share of it with a kernel, share of it that memory moved, how much of the board switched)"""
        kernel = max(self.arithmetic, self.moving, self.least * self.count)
        whole = max(kernel, self.launch * self.count)
        switched = (0.85 * self.arithmetic + 0.38 * self.moving) / whole
        return whole, kernel / whole, min(0.97, self.moving / whole * 0.95), min(1.0, switched)

    def without(self, what):
        k = Kernels(self.arithmetic, self.moving, self.count, self.launch, self.least)
        setattr(k, what, getattr(k, what) / 100)
        return k.times()[0]


def kernels_of(kind, rng, scale=1.0):
    if kind == "arithmetic":
        step = rng.uniform(0.5, 1.6) * scale
        return Kernels(step, step * rng.uniform(0.3, 0.6), rng.uniform(500, 3000), 7e-6)
    if kind == "memory":
        step = rng.uniform(0.5, 1.6)
        return Kernels(step * rng.uniform(0.15, 0.5), step, rng.uniform(500, 3000), 7e-6)
    step = rng.uniform(0.5, 1.0)  # small: each of them is over before the next is launched
    launch = rng.uniform(7e-6, 12e-6)
    return Kernels(step * rng.uniform(0.04, 0.12), step * rng.uniform(0.03, 0.1), step / launch, launch,
                   launch * rng.uniform(0.3, 0.72))


class Loader:
    """Workers that read and decode batches ahead of who wants them, two each, as frameworks' loaders do."""

    def __init__(self, world, workers, decode, read):
        self.world, self.workers, self.decode, self.read = world, workers, decode, read
        self.free = [0.0] * workers
        self.disk = 0.0
        self.taken = []

    def begin(self, now):
        self.free = [now] * self.workers
        self.taken = []

    def batch(self):
        """When batch number len(taken) is there."""
        rng, host, i = self.world.rng, self.world.host, len(self.taken)
        worker = i % self.workers
        start = self.free[worker]
        if i >= 2 * self.workers:
            start = max(start, self.taken[i - 2 * self.workers])
        read = self.read * rng.lognormvariate(0, 0.15)
        self.disk = max(self.disk, start) + read
        if read > 0:
            host.spend(host.wait, start, self.disk)
        work = self.decode * rng.lognormvariate(0, 0.2)
        slow = max(1.0, self.workers / host.cores)
        done = self.disk + work * slow if self.read else start + work * slow
        host.spend(host.cpu, done - work * slow, done, 1 / slow)
        self.free[worker] = done
        return done

    def rate(self):
        """Batches a second, at best."""
        lanes = min(self.workers, self.world.host.cores)
        return min(lanes / self.decode, 1 / self.read if self.read else math.inf)


class Training:
    """Epochs of steps; between epochs an evaluation, a checkpoint, workers that start anew."""

    def __init__(self, world, kernels, loader, scale=None):
        self.world, self.kernels, self.loader = world, kernels, loader
        self.scale = scale or [1.0] * len(world.tracks)  # how much work each rank has, compared
        self.steps = []  # (time at its end, epoch, step in it)
        self.epochs, self.per_epoch = 1, 1
        self.pause = (0.0, 0.0)  # checkpoint (GPU idle), evaluation
        self.drift = world.rng.uniform(-0.05, 0.05)

    def step(self, now, jitter, factor=1.0):
        whole, busy, moved, active = self.kernels.times()
        ends = [now + whole * s * jitter * factor for s in self.scale]
        last = max(ends)
        for track, end, s in zip(self.world.tracks, ends, self.scale):
            if s <= 0:
                continue  # nobody uses it
            track.run(now, end, busy, moved, active)
            if last > end:  # the others are waited for in a kernel that spins
                track.run(end, last, 1.0, 0.01, 0.06)
        self.world.host.spend(self.world.host.cpu, now, last, 1.0)
        return last + 0.002

    def go(self, start):
        world, rng = self.world, self.world.rng
        now = start
        for epoch in range(self.epochs):
            if self.visible:
                world.cycles.append(now)
            begun = now
            self.loader.begin(now)
            for step in range(self.per_epoch):
                ready = self.loader.batch()
                now = max(now, ready)
                self.loader.taken.append(now)
                slower = 1 + self.drift * now / world.seconds
                now = self.step(now, rng.lognormvariate(0, 0.03) * slower)
                self.steps.append((now, epoch, step + 1))
                if now > world.seconds:
                    world.end = None
            self.marks.append((begun, now, epoch))
            now += self.pause[0] * rng.uniform(0.9, 1.1)
            if self.pause[1]:
                stop = now + self.pause[1] * rng.uniform(0.95, 1.05)
                whole, busy, moved, active = self.kernels.times()
                for track, s in zip(world.tracks, self.scale):
                    if s > 0:
                        track.run(now, stop, 0.5 * busy, 0.4 * moved, 0.4 * active)
                now = stop
        return now


def loader_of(kind, world, whole):
    """A loader that is fast enough, or not, for steps that take so long, and why."""
    rng, cores = world.rng, world.host.cores
    slow = rng.uniform(1.6, 4.0)
    if kind == "enough":
        workers = max(2, cores // 2)
        return Loader(world, workers, whole * workers / rng.uniform(2.0, 6.0), 0.0)
    if kind == "cores":
        workers = cores + rng.randrange(0, cores + 1)
        return Loader(world, workers, whole * slow * cores, 0.0)
    if kind == "workers":
        workers = rng.randrange(1, max(2, cores // 4))
        return Loader(world, workers, whole * slow * workers, 0.0)
    workers = max(2, cores // 2)
    return Loader(world, workers, whole * workers / 8, whole * slow)


def training(name, rng, kernels="arithmetic", loader="enough", scale=None):
    gpus = len(scale) if scale else rng.choice([2, 4] if name == "hung" else [1, 1, 2, 4])
    cores = rng.choice([8, 12, 16])
    probe = World(name, 1, gpus, cores, rng)
    work = kernels_of(kernels, rng, 1.0 if loader == "enough" else 0.3)
    whole = work.times()[0] * max(scale or [1.0])
    plan = loader_of(loader, probe, whole)
    step = max(whole + 0.002, 1 / plan.rate())
    seconds = rng.randrange(1500, 3000)
    world = World(name, seconds, gpus, cores, rng)
    world.board = probe.board
    plan.world = world
    t = Training(world, work, plan, scale)
    t.visible = rng.random() < 0.6
    t.marks = []
    first = rng.uniform(0.01, 0.04) * seconds  # imports, downloads, compiling
    if t.visible:
        t.epochs = rng.randrange(8, 14)
        t.pause = (rng.uniform(14, 35), rng.choice([0.0, rng.uniform(8, 25)]))
    else:
        t.epochs = rng.choice([1, 2])
        t.pause = (rng.uniform(0.5, 1.5), 0.0)
    t.per_epoch = max(4, int(((seconds - first) / t.epochs - sum(t.pause)) / step))
    world.host.spend(world.host.cpu, 1, first, 1.0)
    for i, track in enumerate(world.tracks):
        if not scale or scale[i] > 0:
            track.hold(first * 0.7, world.board.memory * 0.1)
            track.hold(first + 5, world.board.memory * rng.uniform(0.35, 0.9))
    world.end = t.go(first)
    world.kind, world.bottleneck = "training", {
        ("arithmetic", "enough"): "none", ("memory", "enough"): "memory", ("small", "enough"): "small-kernels",
        ("arithmetic", "cores"): "cpu", ("arithmetic", "workers"): "input", ("arithmetic", "disk"): "input",
    }[(kernels, loader)]
    if scale:
        world.bottleneck = "imbalance"
    world.training, world.first = t, first
    return world


def check(world):
    """Whether what the label names is by a third the scarcest thing of this world."""
    t = world.training
    k, rate = t.kernels, t.loader.rate()
    if sum(t.pause) > 0.2 * (sum(t.pause) + t.per_epoch / min(rate, 1 / k.times()[0])):
        return False  # pauses would be worth more
    whole = k.times()[0]
    if world.bottleneck in ("cpu", "input"):
        return 1 / rate > 1.33 * whole
    if 1 / rate > 0.75 * whole:
        return False
    if world.bottleneck == "memory":
        return k.without("moving") < 0.75 * whole
    if world.bottleneck == "small-kernels":
        return k.without("launch") < 0.75 * whole
    if world.bottleneck == "imbalance":
        return sum(t.scale) / len(t.scale) < 0.75 * max(t.scale)
    return k.without("arithmetic") < 0.75 * whole


def hung(name, rng):
    """Training of some ranks that stops in the middle: all wait in a collective (kernels that spin), or the host does."""
    world = training(name, rng)
    at = rng.randrange(world.seconds // 3, world.seconds * 2 // 3)
    spins = rng.random() < 0.6
    for track in world.tracks:
        for column in (track.busy, track.moved, track.active):
            for second in range(at, world.seconds):
                column[second] = 0.0
        if spins:
            track.run(at, world.seconds, 1.0, 0.0, 0.05)
    for second in range(at, world.seconds):
        world.host.cpu[second] = world.rng.uniform(0.0, 0.02) + (len(world.tracks) if spins else 0.0) * 1.0
        world.host.wait[second] = 0.0
    world.host.cpu[at:] = [min(c, world.host.cores) for c in world.host.cpu[at:]]
    world.kind, world.bottleneck, world.cycles, world.end, world.stops = "hung", "hang", [], None, at
    return world


# ---- others ----

def dense(name, rng):
    """A batch of things to infer, from the first to the last, without pause."""
    world = World(name, rng.randrange(1500, 3000), rng.choice([1, 2]), 8, rng)
    work = kernels_of("arithmetic", rng)
    first = rng.uniform(15, 50)
    count = int((world.seconds - first) / work.times()[0])
    now = first
    whole, busy, moved, active = work.times()
    world.marks = []
    for track in world.tracks:
        track.hold(first * 0.5, world.board.memory * rng.uniform(0.3, 0.8))
    for i in range(count):
        stop = now + whole * rng.lognormvariate(0, 0.05)
        for track in world.tracks:
            track.run(now, stop, busy, moved, active)
        world.host.spend(world.host.cpu, now, stop, 1.2)
        now = stop
        world.marks.append((now, i + 1))
    world.end, world.count, world.first = now, count, first
    world.kind, world.bottleneck = "dense", "none"
    return world


def inference(name, rng):
    """Requests by chance, more at some times than at others, answered a few at once."""
    world = World(name, rng.randrange(1500, 2400), 1, 8, rng)
    service = rng.uniform(0.3, 2.0)
    load = rng.uniform(0.1, 0.45)
    first, now, pace, free = 40.0, 40.0, 0.0, 0.0
    for track in world.tracks:
        track.hold(20, world.board.memory * rng.uniform(0.5, 0.92))
    active = rng.uniform(0.2, 0.6)
    while now < world.seconds:
        pace = 0.98 * pace + rng.gauss(0, 0.08)
        now += rng.expovariate(load / service * math.exp(max(-1.0, min(1.0, pace))))
        start = max(now, free)
        free = start + service * rng.lognormvariate(0, 0.5)
        for track in world.tracks:
            track.run(start, free, 0.95, 0.5, active)
        world.host.spend(world.host.cpu, start, free, 0.6)
        world.say(free, 'INFO:     10.0.%d.%d:%d - "POST /v1/completions HTTP/1.1" 200 OK\n' % (
            rng.randrange(256), rng.randrange(256), rng.randrange(1024, 65536)))
    if rng.random() < 0.4:
        world.log = []  # an access log that is elsewhere
    world.say(first, "Application startup complete.\n")
    world.log.sort()
    world.kind, world.bottleneck = "inference", "none"
    return world


def interactive(name, rng):
    """Somebody thinks, runs a cell, thinks. What cells leave behind stays in memory until the kernel is restarted."""
    world = World(name, rng.randrange(2700, 3600), 1, 8, rng)
    now, held = rng.uniform(20, 90), 0.4
    world.tracks[0].hold(now, held)
    while now < world.seconds:
        span = rng.lognormvariate(math.log(8), 0.9)
        held = 0.4 if rng.random() < 0.15 else min(world.board.memory * 0.9, held + rng.expovariate(0.4))
        world.tracks[0].hold(now, held)
        if rng.random() < 0.8:
            world.tracks[0].run(now, now + span, rng.uniform(0.3, 1.0), rng.uniform(0.1, 0.5), rng.uniform(0.1, 0.8))
        world.host.spend(world.host.cpu, now, now + span, 1.0)
        now += span + rng.lognormvariate(math.log(110), 0.8)
    if rng.random() < 0.5:
        world.say(2, "[I 10:31:02.412 ServerApp] Jupyter Server 2.7.2 is running at:\n")
    world.kind, world.bottleneck = "interactive", "none"
    return world


def idle(name, rng):
    """A GPU that somebody has and does not use."""
    world = World(name, rng.randrange(1800, 3600), rng.choice([1, 2, 4]), 8, rng)
    if rng.random() < 0.5:
        for track in world.tracks:
            track.hold(30, world.board.memory * rng.uniform(0.02, 0.5))
        world.tracks[0].run(31, 33, 0.6, 0.2, 0.2)
    world.host.spend(world.host.cpu, 0, world.seconds, rng.uniform(0.0, 0.5))
    world.kind, world.bottleneck = "idle", "none"
    return world


# ---- what a driver tells ----

def sampled(world, period, until, rng):
    """What is sampled each `period` seconds until then: {figure: values} by GPU and of the host, None where missing."""
    count = min(720, int(until // period))
    first = until - count * period
    times = [first + (i + 1) * period for i in range(count)]
    gaps = set()
    for _ in range(rng.randrange(0, 3)):  # a driver that is asked and says nothing for a while
        begin = rng.randrange(count)
        gaps.update(range(begin, begin + rng.randrange(1, 6)))
    gaps.update(i for i in range(count) if rng.random() < 0.01)
    rows = []
    for track in world.tracks:
        row = {"busy": [], "moved": [], "held": [], "power": []}
        warm = 0.0
        for i, time in enumerate(times):
            second = max(0, min(world.seconds - 1, int(time) - 1))
            if i in gaps:
                for values in row.values():
                    values.append(None)
                continue
            watts = world.board.draw(track.active[second])
            if track.busy[second] > 0 and track.active[second] <= 0:
                watts = world.board.draw(0.01)
            warm = 0.7 * warm + 0.3 * track.active[second]
            watts *= (1 + 0.03 * warm) * rng.gauss(1, 0.012)  # a hot board leaks, and the sensor is none of the best
            row["busy"].append(round(100 * min(1.0, track.busy[second])))
            row["moved"].append(round(100 * min(1.0, track.moved[second])))
            row["held"].append(track.held[second] * 2**30)
            row["power"].append(min(world.board.limit * 1.02, watts))
        rows.append(row)
    host = {"cpu": [], "wait": []}
    for i, time in enumerate(times):  # sums over the period, as counters give them
        lo, hi = max(0, int(time - period)), max(1, min(world.seconds, int(time)))
        span = max(1, hi - lo)
        host["cpu"].append(None if i in gaps else
                           min(100.0, 100 * sum(world.host.cpu[lo:hi]) / span / world.host.cores))
        host["wait"].append(None if i in gaps else min(100.0, 100 * sum(
            min(1.0, w) for w in world.host.wait[lo:hi]) / span))
    return {"period": period, "gpus": rows, "host": host if world.tell_host else {}, "limit": world.board.limit,
            "memory": world.board.memory * 2**30}


# ---- forty of them ----

PLAN = [("none", 6), ("cpu", 4), ("workers", 3), ("disk", 3), ("memory", 3), ("small", 4), ("unused", 2), ("slow", 3),
        ("hung", 4), ("dense", 2), ("inference", 2), ("interactive", 2), ("idle", 2)]


def make(name, rng):
    while True:
        if name == "unused":
            ranks = rng.choice([2, 4, 8])
            used = rng.randrange(1, ranks // 2 + 1)
            world = training(name, rng, scale=[1.0] * used + [0.0] * (ranks - used))
        elif name == "slow":
            ranks = rng.choice([2, 4])
            scale = [1.0] * ranks
            scale[rng.randrange(ranks)] = rng.uniform(2.2, 3.5)
            world = training(name, rng, scale=scale)
        elif name in ("none", "cpu", "workers", "disk", "memory", "small"):
            world = training(name, rng, "arithmetic" if name in ("none", "cpu", "workers", "disk") else name,
                             {"cpu": "cores", "workers": "workers", "disk": "disk"}.get(name, "enough"))
        else:
            world = globals()[name](name, rng)
        if world and (world.kind != "training" or check(world)):
            return world


def works(world, period, until):
    """Whether anything is computed in the samples until then."""
    return any(track.busy[second] > 0.05 for track in world.tracks
               for second in range(max(0, int(until - 720 * period)), min(world.seconds, int(until))))


def period_of(world, period, until):
    """The mean length of what repeats, when at least five of it have been seen whole; None: nothing can be seen."""
    starts = [s for s in world.cycles if s <= until and s > until - 720 * period]
    if len(starts) < 6:
        return None
    return (starts[-1] - starts[0]) / (len(starts) - 1)
