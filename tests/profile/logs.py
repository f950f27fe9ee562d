# SPDX-License-Identifier: MIT
"""What a world's program prints, in the words of frameworks: bars that a carriage return redraws, lines of loggers,
dictionaries. Each writer is given the world after it has run, and gives (time, text) in order."""
import math
import time as clock

BASE = 1795860000  # of the wall clock, when a world begins


def stamp(at, form="%Y-%m-%d %H:%M:%S"):
    return clock.strftime(form, clock.gmtime(BASE + at))


def loss(done, rng):
    return 0.3 + 4.0 * math.exp(-4 * done) + rng.uniform(-0.02, 0.02)


def span(seconds):
    seconds = int(seconds)
    if seconds >= 3600:
        return "%d:%02d:%02d" % (seconds // 3600, seconds // 60 % 60, seconds % 60)
    return "%02d:%02d" % (seconds // 60, seconds % 60)


def bar(done, total, began, now, rest=""):
    """As tqdm draws it."""
    gone = max(now - began, 1e-3)
    rate = done / gone
    full = int(10 * done / total)
    pace = "%5.2fit/s" % rate if rate >= 1 else "%5.2fs/it" % (1 / max(rate, 1e-9))
    return "%3d%%|%-10s| %d/%d [%s<%s, %s%s]" % (100 * done // total, "█" * full, done, total, span(gone),
                                               span((total - done) / max(rate, 1e-9)), pace, rest)


class Run:
    """A training as its log sees it."""

    def __init__(self, world):
        t = world.training
        self.world, self.rng = world, world.rng
        self.epochs, self.per, self.steps, self.marks = t.epochs, t.per_epoch, t.steps, t.marks
        self.total = self.epochs * self.per
        self.every = max(1, self.per // 60)

    def lines(self):
        """(time, epoch from 0, step from 1, step of all, epoch's begin), each so many steps and at ends of epochs."""
        begun = {epoch: at for at, _, epoch in self.marks}
        for now, epoch, step in self.steps:
            if step % self.every == 0 or step == self.per:
                yield now, epoch, step, epoch * self.per + step, begun[epoch]

    def validation(self, out, now, total=20, words="Validating"):
        if self.world.training.pause[0] < 5:
            return
        for i in range(0, total + 1, 5):
            out.append((now + 0.5 * i / total, "\r%s: %s" % (words, bar(i, total, now, now + 0.5 * i / total + 0.01))))
        out.append((now + 1, "\n"))


def hugging_face(run):
    out = [(1, "Loading checkpoint shards: 100%|██████████| 3/3 [00:05<00:00,  1.75s/it]\n"),
           (2, "Map: 100%|██████████| 5000/5000 [00:01<00:00, 4312.11 examples/s]\n"),
           (run.world.first, "\r  0%%|          | 0/%d [00:00<?, ?it/s]" % run.total)]
    for now, epoch, step, all_, _ in run.lines():
        out.append((now, "\r" + bar(all_, run.total, run.world.first, now)))
        if step % (run.every * 4) == 0 or step == run.per:
            out.append((now, "\n{'loss': %.4f, 'grad_norm': %.3f, 'learning_rate': %.6e, 'epoch': %.2f}\n" % (
                loss(all_ / run.total, run.rng), run.rng.uniform(0.3, 2), 5e-5 * (1 - all_ / run.total),
                all_ / run.per)))
        if step == run.per:
            run.validation(out, now, words="")
            out.append((now + 1.5, "{'eval_loss': %.4f, 'eval_runtime': 1.2, 'epoch': %.1f}\n" % (
                loss(all_ / run.total, run.rng), epoch + 1)))
    return out


def bars_of_epochs(run):
    out = []
    for now, epoch, step, all_, begun in run.lines():
        out.append((now, "\rEpoch %d/%d: " % (epoch + 1, run.epochs) + bar(
            step, run.per, begun, now, ", loss=%.3f" % loss(all_ / run.total, run.rng))))
        if step == run.per:
            out.append((now, "\n"))
            run.validation(out, now)
    return out


def keras(run):
    out = []
    for now, epoch, step, all_, begun in run.lines():
        if step == run.every:
            out.append((begun, "Epoch %d/%d\n" % (epoch + 1, run.epochs)))
        full = int(30 * step / run.per)
        rest = (now - begun) / step * (run.per - step)
        if step < run.per:
            out.append((now, "\r%*d/%d [%s>%s] - ETA: %s - loss: %.4f - accuracy: %.4f" % (
                len(str(run.per)), step, run.per, "=" * full, "." * (29 - full),
                "%ds" % rest if rest < 60 else "%d:%02d" % (rest // 60, rest % 60),
                loss(all_ / run.total, run.rng), 0.5 + 0.4 * all_ / run.total)))
        else:
            out.append((now, "\r%d/%d [%s] - %ds %dms/step - loss: %.4f - accuracy: 0.91 - val_loss: %.4f\n" % (
                step, run.per, "=" * 30, now - begun, 1000 * (now - begun) / run.per,
                loss(all_ / run.total, run.rng), loss(all_ / run.total, run.rng))))
    return out


def lightning(run):
    out = [(1, "GPU available: True (cuda), used: True\n"),
           (2, "trainer: {max_epochs: %d, precision: bf16-mixed}\n" % run.epochs),
           (run.world.first - 1, "Sanity Checking DataLoader 0: 100%|██████████| 2/2 [00:00<00:00,  3.10it/s]\n")]
    for now, epoch, step, all_, begun in run.lines():
        out.append((now, "\rEpoch %d: " % epoch + bar(
            step, run.per, begun, now, ", v_num=3, train_loss=%.3f" % loss(all_ / run.total, run.rng))))
        if step == run.per:
            out.append((now, "\n"))
            run.validation(out, now, words="Validation DataLoader 0")
    return out


def megatron(run):
    out, last, before = [(1, "using world size: 8, data-parallel size: 8\n")], run.world.first, 0
    for now, _, _, all_, _ in run.lines():
        out.append((now, " [%s] iteration %8d/%8d | consumed samples: %12d | elapsed time per iteration (ms): %.1f | "
                    "learning rate: %.3E | global batch size:   256 | lm loss: %.6E | loss scale: 1.0 | grad norm: "
                    "%.3f | number of skipped iterations:   0 |\n" % (
                        stamp(now), all_, run.total, all_ * 256, 1000 * (now - last) / max(1, all_ - before),
                        1.5e-4, loss(all_ / run.total, run.rng), run.rng.uniform(0.5, 2))))
        last, before = now, all_
    return out


def deepspeed(run):
    out = []
    for now, epoch, step, all_, begun in run.lines():
        if step == run.every:
            out.append((begun, "Beginning of Epoch %d/%d, Total Micro Batches %d\n" % (
                epoch + 1, run.epochs, run.per)))
        out.append((now, "[%s,%03d] [INFO] [logging.py:96:log_dist] [Rank 0] step=%d, skipped=0, lr=[9.65e-06], "
                    "mom=[(0.9, 0.95)]\n" % (stamp(now), run.rng.randrange(1000), all_)))
        out.append((now, "[%s,%03d] [INFO] [timer.py:199:stop] epoch=%d/micro_step=%d/global_step=%d, "
                    "RunningAvgSamplesPerSec=%.2f, CurrSamplesPerSec=%.2f, MemAllocated=4.32GB, "
                    "MaxMemAllocated=12.07GB\n" % (stamp(now), run.rng.randrange(1000), epoch, step, all_,
                                                  run.rng.uniform(90, 100), run.rng.uniform(80, 110))))
    return out


def tutorial(run):
    return [(now, "Epoch [%d/%d], Step [%d/%d], Loss: %.4f\n" % (
        epoch + 1, run.epochs, step, run.per, loss(all_ / run.total, run.rng)))
            for now, epoch, step, all_, _ in run.lines()]


def imagenet(run):
    out = [(1, "Namespace(arch='resnet50', epochs=%d, batch_size=256, lr=0.1)\n" % run.epochs)]
    width = len(str(run.per))
    for now, epoch, step, all_, begun in run.lines():
        pace = (now - begun) / step
        out.append((now, "Epoch: [%d][%*d/%d]\tTime  %.3f (%6.3f)\tData  0.012 ( 0.020)\tLoss %.4e (%.4e)\tAcc@1  "
                    "10.55 (  9.75)\n" % (epoch, width, step, run.per, pace, pace, loss(all_ / run.total, run.rng),
                                          loss(all_ / run.total, run.rng))))
        if step == run.per:
            out.append((now + 0.5, "Test: [ 10/20]\tTime  0.1 ( 0.1)\tLoss 1.2 (1.2)\n"))
    return out


def nano(run):
    out = [(1, "Overriding: max_iters = %d\n" % run.total)]
    for now, _, _, all_, _ in run.lines():
        out.append((now, "iter %d: loss %.4f, time %.2fms, mfu %.2f%%\n" % (
            all_, loss(all_ / run.total, run.rng), 1000 * run.rng.uniform(0.9, 1.1), 30)))
    return out


def logger(run):
    return [(now, "%s,%03d - train - INFO - epoch=%d step=%d/%d loss=%.4f lr=0.0001\n" % (
        stamp(now), run.rng.randrange(1000), epoch + 1, all_, run.total, loss(all_ / run.total, run.rng)))
            for now, epoch, step, all_, _ in run.lines()]


def ours(run):
    return [(now, "drover: step %d/%d loss %.4f\n" % (all_, run.total, loss(all_ / run.total, run.rng)))
            for now, _, _, all_, _ in run.lines()]


STYLES = [hugging_face, bars_of_epochs, keras, lightning, megatron, deepspeed, tutorial, imagenet, nano, logger, ours]
NOISE = ["/usr/lib/python3/site-packages/torch/utils/data.py:557: UserWarning: 8 worker processes in total (1/2)\n",
         "Downloading model.safetensors: 100%|██████████| 440/440 [00:03<00:00, 130MB/s]\n",
         "[NCCL INFO] Channel 00/02 : 0 1 2 3\n", "step aside: tokenizer 3/4 of the vocabulary\n"]


def of(world):
    """Fills world.log. The name of its style, or None."""
    rng = world.rng
    if world.kind == "dense":
        world.log = [(now, "\rPredicting: " + bar(i, world.count, world.first, now)) for now, i in world.marks
                     if i % max(1, world.count // 300) == 0]
        return "predicting"
    if world.kind not in ("training", "hung"):
        return None
    style = rng.choice(STYLES)
    lines = style(Run(world))
    lines += [(rng.uniform(0, world.first), rng.choice(NOISE)) for _ in range(rng.randrange(0, 4))]
    lines.sort(key=lambda line: line[0])
    if world.kind == "hung":
        lines = [line for line in lines if line[0] < world.stops]
    world.log = lines
    return style.__name__


def until(world, at, block):
    """The bytes of the log at a time, of a program that writes blocks of so many (0: each line), and when it last
    wrote."""
    out, written, waiting, held = [], 0.0, [], 0
    for now, text in world.log:
        if now > at:
            break
        waiting.append(text)
        held += len(text)
        if held >= block:
            out += waiting
            waiting, held, written = [], 0, now
    return "".join(out).encode(), written
