# SPDX-License-Identifier: MIT
"""Synchronous data-parallel SGD over a ring of tasks, in the standard library (Python 3.9 or later).

The tasks are chief-0, worker-0, worker-1, ...; each listens on the port it was given under the
label `ring` and connects to the next one's. In every step each task takes its shard of the batch:

    chief -> worker-0 -> worker-1 -> chief      the sum of the gradients grows on its way round
    chief -> worker-0 -> worker-1               the whole sum goes round once more

and all apply it. Numbers travel as the eight bytes of a double and are added in the order of the
ring, so the chief, which afterwards trains alone over the same shards, must get the same bits.
It exits with 1 if it does not. Only one sum is on its way at a time: no deadlock, no reordering.
"""
import argparse
import math
import os
import random
import socket
import struct
import sys
import time

FEATURES = 8


def dataset(points, seed):
    """`points` pairs (features with a constant 1, label 0 or 1) from a noisy linear rule."""
    rng = random.Random(seed)
    truth = [rng.uniform(-2.0, 2.0) for _ in range(FEATURES + 1)]
    data = []
    for _ in range(points):
        x = [rng.gauss(0.0, 1.0) for _ in range(FEATURES)] + [1.0]
        score = sum(w * v for w, v in zip(truth, x)) + rng.gauss(0.0, 0.5)
        data.append((x, 1.0 if score > 0 else 0.0))
    return data


def sigmoid(z):
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, z))))


def shard_sum(weights, data, step, batch, rank, size):
    """[sum of losses, sum of gradients...] over the shard `rank` of `size` of this step's batch."""
    total = [0.0] * (len(weights) + 1)
    for k in range(rank, batch, size):
        x, y = data[(step * batch + k) % len(data)]
        p = sigmoid(sum(w * v for w, v in zip(weights, x)))
        total[0] -= math.log(p if y else 1.0 - p)
        for i, v in enumerate(x):
            total[i + 1] += (p - y) * v
    return total


def add(a, b):
    return [x + y for x, y in zip(a, b)]


def train(opt, reduce, report):
    """Run all steps; `reduce(weights, step)` gives the sum over all shards. Weights and loss of the last step."""
    weights = [0.0] * (FEATURES + 1)
    loss = 0.0
    for step in range(opt.steps):
        total = reduce(weights, step)
        loss = total[0] / opt.batch
        weights = [w - opt.rate * g / opt.batch for w, g in zip(weights, total[1:])]
        if report and (step + 1) % opt.log_every == 0:
            print("step %4d/%d  loss %.12f" % (step + 1, opt.steps, loss), flush=True)
    return weights, loss


class Ring:
    """This task's place in the ring, and its two connections."""

    def __init__(self, env, timeout):
        self.size = 1 + int(env["PAI_TASK_ROLE_TASK_COUNT_worker"])
        role = env["PAI_CURRENT_TASK_ROLE_NAME"]
        index = int(env["PAI_CURRENT_TASK_ROLE_CURRENT_TASK_INDEX"])
        self.rank = 0 if role == "chief" else 1 + index
        self.deadline = time.monotonic() + timeout
        self.greeting = env["PAI_JOB_NAME"].encode()[:200]
        listener = socket.create_server(self._address(env, self.rank))
        self.next = self._connect(self._address(env, (self.rank + 1) % self.size))
        self.previous = self._accept(listener)
        listener.close()

    @staticmethod
    def _address(env, rank):
        task = "chief_0" if rank == 0 else "worker_%d" % (rank - 1)
        port = env["PAI_PORT_LIST_%s_ring" % task].split(",")[0]
        return env["PAI_HOST_IP_%s" % task], int(port)

    def _connect(self, address):
        while True:
            try:
                s = socket.create_connection(address, timeout=5)
                break
            except OSError as e:
                if time.monotonic() > self.deadline:
                    sys.exit("dist: no answer from %s:%d: %s" % (address[0], address[1], e))
                time.sleep(0.05)  # the next task may not have started yet
        s.settimeout(60)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.sendall(struct.pack("!BI", len(self.greeting), self.rank) + self.greeting)
        return s

    def _accept(self, listener):
        """The connection of the previous task; anybody else's is closed."""
        while True:
            listener.settimeout(max(0.1, self.deadline - time.monotonic()))
            s, peer = listener.accept()
            s.settimeout(60)
            try:
                length, rank = struct.unpack("!BI", self._take(s, 5))
                if rank == (self.rank - 1) % self.size and self._take(s, length) == self.greeting:
                    return s
            except (OSError, EOFError):
                pass
            print("closing a stranger's connection from %s" % peer[0], flush=True)
            s.close()

    @staticmethod
    def _take(s, count):
        data = b""
        while len(data) < count:
            part = s.recv(count - len(data))
            if not part:
                raise EOFError("the previous task went away")
            data += part
        return data

    def receive(self, count):
        return list(struct.unpack("!%dd" % count, self._take(self.previous, 8 * count)))

    def send(self, numbers):
        self.next.sendall(struct.pack("!%dd" % len(numbers), *numbers))

    def all_sum(self, own):
        """The sum of every task's `own`, added in the order of the ring."""
        if self.rank == 0:
            self.send(own)
            total = self.receive(len(own))
            self.send(total)
            return total
        self.send(add(self.receive(len(own)), own))
        total = self.receive(len(own))
        if self.rank + 1 < self.size:
            self.send(total)
        return total


def options():
    p = argparse.ArgumentParser(description="Data-parallel SGD over a ring of tasks.")
    p.add_argument("--steps", type=int, default=200)
    p.add_argument("--batch", type=int, default=96)
    p.add_argument("--rate", type=float, default=0.5)
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--log-every", type=int, default=50)
    p.add_argument("--start-timeout", type=float, default=60.0)
    return p.parse_args()


def main():
    opt = options()
    data = dataset(20 * opt.batch, opt.seed)
    ring = Ring(os.environ, opt.start_timeout)
    print("task %d of %d joined the ring" % (ring.rank, ring.size), flush=True)

    def together(weights, step):
        return ring.all_sum(shard_sum(weights, data, step, opt.batch, ring.rank, ring.size))

    def alone(weights, step):
        total = shard_sum(weights, data, step, opt.batch, 0, ring.size)
        for rank in range(1, ring.size):
            total = add(total, shard_sum(weights, data, step, opt.batch, rank, ring.size))
        return total

    weights, loss = train(opt, together, ring.rank == 0)
    print("final loss %.17g" % loss, flush=True)
    if ring.rank != 0:
        return 0
    check_weights, check_loss = train(opt, alone, False)
    print("single-process loss %.17g" % check_loss, flush=True)
    if (weights, loss) != (check_weights, check_loss):
        print("the runs differ", flush=True)
        return 1
    print("equal to the single-process run, bit for bit", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
