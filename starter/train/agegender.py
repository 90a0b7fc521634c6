# SPDX-License-Identifier: Apache-2.0
"""Age and gender: genderage's contract (96² crop of the box times 1.5, RGB 0..255 -> two logits, female and male, and
age / 100).
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from common import EMA, Muon, Run, degrade, descend, light, quick, to_float, to_u8, warp
from data import cached, chunks, faces
from embedder import Block, shake

SIDE, MARGIN = 96, 12


class AgeGender(nn.Module):
    """[N,3,96,96] 0..255 -> [N,3]."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 24, 3, 2, 1, bias=False), nn.BatchNorm2d(24), nn.ReLU(), Block(24, 32, 2),
                                  Block(32, 64, 2), Block(64, 64, 1), Block(64, 96, 2))
        self.out = nn.Linear(96 * 9, 3)

    def forward(self, x):
        f = self.body(x / 127.5 - 1)
        y = self.out(F.adaptive_avg_pool2d(f, 3).flatten(1))
        return torch.cat([y[:, :2], y[:, 2:].sigmoid()], 1)


def cut(name, suffix=""):
    """Crops [N,96+MARGIN,...] u8, gender, years and the set."""
    f = faces(name, suffix)
    keep = np.where(f["people"] == 1)[0]
    box, size = f.boxes()[keep], SIDE + MARGIN
    k = SIDE / (1.5 * np.maximum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]))
    to = size / 2 - k[:, None] * (box[:, :2] + box[:, 2:]) / 2
    m = np.concatenate([np.eye(2)[None] * k[:, None, None], to[..., None]], 2).astype(np.float32)
    pictures = cached(f"{name}{suffix}_age.npy", lambda: chunks(len(keep), lambda i: to_u8(warp(f.batch(keep[i]), m[i], size))))
    return pictures, f["gender"][keep].astype(int), f["years"][keep], keep, f


def look(model, pictures):
    """Gender and years of crops u8 [N,108,108,3]."""
    half = MARGIN // 2
    x = to_float(pictures[:, half:-half, half:-half]) * 255
    with torch.no_grad():
        out = torch.cat([model(x[i:i + 100]) for i in range(0, len(x), 100)])
    return out[:, :2].argmax(1).numpy(), out[:, 2].numpy() * 100


def quality(model, name="sd_test"):
    pictures, gender, years, _, _ = cut(name)
    g, y = look(model, pictures)
    return dict(gender=round(float((g == gender).mean()), 3), years=round(float(np.abs(y - years).mean()), 2))


def main():
    run = Run("agegender", 8, sets="sdA,sdB,parts", peak=.012)
    parts = [cut(n) for n in run.args.sets.split(",")]
    pictures, counts = [p[0] for p in parts], np.cumsum([0] + [len(p[0]) for p in parts])
    gender, years = (torch.from_numpy(np.concatenate([p[k] for p in parts])) for k in (1, 2))
    model = AgeGender()
    ema, opt = EMA(model, .997), Muon(model, edges=("body.0", "out"))
    state, more = dict(model=model, ema=ema, opt=opt), True
    run.load(state)
    while more:
        run.rate(opt, run.args.peak, warm=60, flat=.3)
        i = run.rng.integers(0, counts[-1], 32)
        part = np.searchsorted(counts, i, "right") - 1
        x, _ = shake(to_float(np.stack([pictures[p][k - counts[p]] for p, k in zip(part, i)])), SIDE, run.rng)
        x = degrade(light(x, run.rng), run.rng, .05)
        with quick():
            out = model(x * 255)
        who, age = F.cross_entropy(out[:, :2].float(), gender[i]), (out[:, 2].float() * 100 - years[i]).abs().mean()
        descend(2 * who + .1 * age, model, opt, ema)
        more = run.tick(len(i), state, gender=who, years=age)
        if run.step % 400 == 0 or not more:
            run.say(f"agegender unseen {quality(ema.model)}")


if __name__ == "__main__":
    main()
