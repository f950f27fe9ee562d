# SPDX-License-Identifier: MIT
"""A small but real training: a three-armed spiral, told apart by a multilayer perceptron.

Standard library only (Python 3.9 or later). Everything random comes from (seed, step), so a
training that was stopped and resumed ends with exactly the weights of one that was not.

  checkpoints   DIR/step-NNNNNNNN.ckpt, written every --checkpoint-every steps: a line with the
                SHA-256 of what follows, then JSON. Written aside, synced, renamed; the newest
                three are kept. A damaged one is skipped with a message.
                DIR is --checkpoint-dir, else $DROVER_CHECKPOINT_DIR, else $HOME/.drover-train.
                A training that reached its last step removes them: the next one starts afresh.
  SIGTERM       checkpoint, then exit 143.
  TensorBoard   scalars loss and accuracy under --logdir (default $PAI_WORK_DIR/tensorboard).
"""
import argparse
import fcntl
import hashlib
import json
import math
import os
import random
import signal
import socket
import struct
import sys
import time
from operator import mul

CLASSES = 3
TEST_SHARE = 4  # one point in four is kept for the test


# --- data ------------------------------------------------------------------------------------

def spiral(points, seed):
    """`points` labelled points [(x, y), class] of a noisy spiral with CLASSES arms."""
    rng = random.Random("spiral:%d" % seed)
    data = []
    for i in range(points):
        arm = i % CLASSES
        r = 0.05 + 0.95 * rng.random()
        angle = 2 * math.pi * arm / CLASSES + 7.0 * r + rng.gauss(0.0, 0.15)
        data.append(([r * math.cos(angle), r * math.sin(angle)], arm))
    rng.shuffle(data)
    cut = points // TEST_SHARE
    return data[cut:], data[:cut]


# --- model -----------------------------------------------------------------------------------

class Model:
    """Fully connected tanh layers and a softmax, trained with Adam; all state is plain lists."""

    def __init__(self, sizes, seed):
        rng = random.Random("weights:%d" % seed)
        self.weights = []
        for fan_in, fan_out in zip(sizes, sizes[1:]):
            scale = math.sqrt(2.0 / (fan_in + fan_out))
            # The last number of a row is the bias.
            self.weights.append([[rng.gauss(0.0, scale) for _ in range(fan_in)] + [0.0]
                                 for _ in range(fan_out)])
        self.mean = [[[0.0] * len(row) for row in layer] for layer in self.weights]
        self.var = [[[0.0] * len(row) for row in layer] for layer in self.weights]

    def forward(self, x):
        """The activations of every layer, each with the constant 1 of the bias; then the probabilities."""
        acts = [x + [1.0]]
        for layer in self.weights[:-1]:
            below = acts[-1]
            acts.append([math.tanh(sum(map(mul, row, below))) for row in layer] + [1.0])
        logits = [sum(map(mul, row, acts[-1])) for row in self.weights[-1]]
        top = max(logits)
        exps = [math.exp(z - top) for z in logits]
        total = sum(exps)
        return acts, [e / total for e in exps]

    def gradient(self, batch):
        """Mean cross-entropy of the batch and its gradient, shaped as the weights."""
        grads = [[[0.0] * len(row) for row in layer] for layer in self.weights]
        loss = 0.0
        for x, label in batch:
            acts, probs = self.forward(x)
            loss -= math.log(max(probs[label], 1e-12))
            delta = probs
            delta[label] -= 1.0
            for depth in range(len(self.weights) - 1, -1, -1):
                below = acts[depth]
                for row, d in zip(grads[depth], delta):
                    row[:] = [g + d * a for g, a in zip(row, below)]
                if depth:
                    columns = list(zip(*self.weights[depth]))[:-1]
                    delta = [sum(map(mul, column, delta)) * (1.0 - a * a)
                             for column, a in zip(columns, below)]
        scale = 1.0 / len(batch)
        return loss * scale, [[[g * scale for g in row] for row in layer] for layer in grads]

    def adam(self, grads, step, rate):
        """One Adam update; `step` counts from 1."""
        rate *= math.sqrt(1.0 - 0.999 ** step) / (1.0 - 0.9 ** step)
        for layer, mean, var, grad in zip(self.weights, self.mean, self.var, grads):
            for row, m, v, g in zip(layer, mean, var, grad):
                m[:] = [0.9 * mi + 0.1 * gi for mi, gi in zip(m, g)]
                v[:] = [0.999 * vi + 0.001 * gi * gi for vi, gi in zip(v, g)]
                row[:] = [w - rate * mi / (math.sqrt(vi) + 1e-8) for w, mi, vi in zip(row, m, v)]

    def accuracy(self, data):
        """The share of the points whose most probable class is the right one."""
        right = 0
        for x, label in data:
            probs = self.forward(x)[1]
            right += probs.index(max(probs)) == label
        return right / len(data)


# --- checkpoints -----------------------------------------------------------------------------

class Checkpoints:
    """The checkpoints of one training in one folder, locked against a second training."""
    KEEP = 3

    def __init__(self, folder, recipe):
        os.makedirs(folder, exist_ok=True)
        self.folder = folder
        self.recipe = recipe  # what must be equal for a checkpoint to fit
        self.lock = open(os.path.join(folder, "lock"), "a")
        fcntl.flock(self.lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # BlockingIOError: taken

    def _paths(self):
        names = sorted(n for n in os.listdir(self.folder) if n.startswith("step-") and n.endswith(".ckpt"))
        return [os.path.join(self.folder, n) for n in reversed(names)]

    def save(self, step, model, lost):
        """Store the state after `step` durably; `lost` is the running mean of the loss."""
        body = json.dumps({"step": step, "recipe": self.recipe, "loss": lost, "weights": model.weights,
                           "mean": model.mean, "var": model.var}).encode()
        path = os.path.join(self.folder, "step-%08d.ckpt" % step)
        with open(path + ".tmp", "wb") as f:
            f.write(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
            f.flush()
            os.fsync(f.fileno())
        os.rename(path + ".tmp", path)
        fd = os.open(self.folder, os.O_RDONLY)
        os.fsync(fd)
        os.close(fd)
        for old in self._paths()[self.KEEP:]:
            os.unlink(old)
        return path

    def load(self, model):
        """Fill `model` from the newest sound checkpoint: its step and loss, or 0 and None if there is none."""
        for path in self._paths():
            try:
                with open(path, "rb") as f:
                    digest, body = f.readline().strip(), f.read()
                if hashlib.sha256(body).hexdigest().encode() != digest:
                    raise ValueError("its checksum does not match")
                state = json.loads(body)
                if state["recipe"] != self.recipe:
                    raise ValueError("it belongs to another recipe")
                model.weights, model.mean, model.var = state["weights"], state["mean"], state["var"]
                return state["step"], state["loss"]
            except (OSError, ValueError, KeyError) as e:
                print("skipping checkpoint %s: %s" % (os.path.basename(path), e))
        return 0, None

    def clear(self):
        for path in self._paths():
            os.unlink(path)


# --- TensorBoard event files -----------------------------------------------------------------

def crc32c_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ 0x82F63B78 if n & 1 else n >> 1
        table.append(n)
    return table


CRC_TABLE = crc32c_table()


def masked_crc32c(data):
    """CRC-32C, rotated and offset as TFRecord wants it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(n):
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def field_bytes(number, data):
    """A length-delimited protobuf field."""
    return varint(number << 3 | 2) + varint(len(data)) + data


class EventFile:
    """Writes scalars in TensorBoard's format: TFRecords that hold Event messages."""

    def __init__(self, folder):
        os.makedirs(folder, exist_ok=True)
        name = "events.out.tfevents.%010d.%s.%d" % (time.time(), socket.gethostname(), os.getpid())
        self.file = open(os.path.join(folder, name), "wb")
        self._event(0, field_bytes(3, b"brain.Event:2"))

    def _event(self, step, payload):
        event = struct.pack("<Bd", 1 << 3 | 1, time.time()) + varint(2 << 3) + varint(step) + payload
        length = struct.pack("<Q", len(event))
        self.file.write(length + struct.pack("<I", masked_crc32c(length)) +
                        event + struct.pack("<I", masked_crc32c(event)))
        self.file.flush()

    def scalars(self, step, values):
        """One Event with a Summary of tag -> simple_value."""
        summary = b"".join(
            field_bytes(1, field_bytes(1, tag.encode()) + struct.pack("<Bf", 2 << 3 | 5, value))
            for tag, value in values.items())
        self._event(step, field_bytes(5, summary))


# --- the training ----------------------------------------------------------------------------

def options():
    p = argparse.ArgumentParser(description="Train a small classifier, resuming from its newest checkpoint.")
    p.add_argument("--steps", type=int, default=2500)
    p.add_argument("--checkpoint-every", type=int, default=100)
    p.add_argument("--log-every", type=int, default=100)
    p.add_argument("--points", type=int, default=900)
    p.add_argument("--hidden", type=int, default=24)
    p.add_argument("--batch", type=int, default=32)
    p.add_argument("--rate", type=float, default=0.005)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--checkpoint-dir", default=os.environ.get("DROVER_CHECKPOINT_DIR") or
                   os.path.join(os.environ.get("HOME", "."), ".drover-train"))
    p.add_argument("--logdir", default=os.path.join(os.environ.get("PAI_WORK_DIR", "."), "tensorboard"))
    return p.parse_args()


def main():
    opt = options()
    stopping = []
    signal.signal(signal.SIGTERM, lambda number, frame: stopping.append(number))

    recipe = {"points": opt.points, "hidden": opt.hidden, "batch": opt.batch, "rate": opt.rate, "seed": opt.seed}
    try:
        checkpoints = Checkpoints(opt.checkpoint_dir, recipe)
    except BlockingIOError:
        print("another training is using %s: keeping checkpoints in the work folder" % opt.checkpoint_dir)
        checkpoints = Checkpoints(os.path.join(os.environ.get("PAI_WORK_DIR", "."), "checkpoints"), recipe)
    train, test = spiral(opt.points, opt.seed)
    model = Model([2, opt.hidden, opt.hidden, CLASSES], opt.seed)
    start, mean_loss = checkpoints.load(model)
    print("resuming after step %d" % start if start else "starting at step 0", flush=True)
    events = EventFile(opt.logdir)

    step = start
    while step < opt.steps and not stopping:
        step += 1
        rng = random.Random("batch:%d:%d" % (opt.seed, step))
        loss, grads = model.gradient(rng.sample(train, opt.batch))
        model.adam(grads, step, opt.rate)
        mean_loss = loss if mean_loss is None else 0.95 * mean_loss + 0.05 * loss
        if step % opt.log_every == 0 or step == opt.steps:
            accuracy = model.accuracy(test)
            events.scalars(step, {"loss": mean_loss, "accuracy": accuracy})
            print("step %5d/%d  loss %.4f  accuracy %.3f" % (step, opt.steps, mean_loss, accuracy), flush=True)
        if step % opt.checkpoint_every == 0:
            checkpoints.save(step, model, mean_loss)

    if step < opt.steps:
        checkpoints.save(step, model, mean_loss)
        print("stopped after step %d: checkpoint written" % step, flush=True)
        return 143
    digest = hashlib.sha256(json.dumps(model.weights).encode()).hexdigest()
    print("done: %d steps, test accuracy %.3f, weights %s" % (step, model.accuracy(test), digest[:16]), flush=True)
    checkpoints.clear()
    return 0


if __name__ == "__main__":
    sys.exit(main())
