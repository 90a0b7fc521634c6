# SPDX-License-Identifier: Apache-2.0
"""The forensic classifier: a face's crop (256² RGB 0..1, box times 1.3) -> probability that the face was put in afterwards.

Honest pictures are renders, renders after the VAE and its upscaler; swapped ones are made of pairs in several ways, at several
strengths. The ways of UNSEEN are never trained on and are what REPORT.md is about. Everything is resized and compressed alike.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from common import ARCFACE_128, EMA, Muon, RUN, Run, blur, crops, degrade, descend, light, load_weights, quick, sheet, \
    similarity, to_float, to_u8, warp
from data import cached, chunks, faces
from embedder import Block
from swapper import Pairs, Swapper, emap, swapped, to_source, vae_soft
from vae import final_vae

SIDE = 128  # at which it works; the contract's 256² are averaged
SEEN, UNSEEN = ("swapper", "render", "self"), ("hull", "photo", "pyramid")


class Forensic(nn.Module):
    """[N,3,256,256] 0..1 -> [N,1] 0..1."""

    def __init__(self):
        super().__init__()
        # what is too fine for the picture's content speaks first: differences from the local mean beside the colours
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), nn.Conv2d(24, 32, 3, 1, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU())
        self.body = nn.Sequential(Block(32, 48, 2), Block(48, 64, 2), Block(64, 64, 1), Block(64, 96, 2))
        self.out = nn.Linear(96 * 2, 1)

    def logit(self, x):
        """x at SIDE²."""
        x = x * 2 - 1
        f = self.body(self.stem(torch.cat([x, (x - F.avg_pool2d(x, 3, 1, 1)) * 8], 1)))
        return self.out(torch.cat([f.mean((2, 3)), f.amax((2, 3))], 1))

    def forward(self, x):
        return self.logit(F.avg_pool2d(x, 2)).sigmoid()


def oval(n, rng, soft):
    """[n,1,128,128] masks in the swap template, their size and softness varied."""
    i = (torch.arange(128) + .5) / 128
    cy, rx, ry = .53 + rng.normal(0, .02, n), .30 * np.exp(rng.normal(0, .12, n)), .36 * np.exp(rng.normal(0, .12, n))
    t = lambda v: torch.from_numpy(v).float()[:, None, None]
    d = ((i[None, None] - .5) / t(rx)) ** 2 + ((i[None, :, None] - t(cy)) / t(ry)) ** 2
    return blur((d < 1).float()[:, None], soft)


def box(n, rng):
    """FaceFusion's box mask: blur 0.3."""
    m = torch.zeros(n, 1, 128, 128)
    b = int(rng.uniform(8, 22))
    m[..., b:-b, b:-b] = 1
    return blur(m, b / 2.)


def paste(whole, face, mask, to_crop):
    """face [N,3,128,128] laid over whole [N,3,S,S] through mask; to_crop [N,2,3]."""
    full = np.concatenate([to_crop, np.tile(np.array([[[0, 0, 1]]], np.float32), (len(to_crop), 1, 1))], 1)
    back = np.linalg.inv(full).astype(np.float32)[:, :2]
    a = warp(mask, back, whole.shape[-1], "bilinear") * warp(torch.ones_like(mask), back, whole.shape[-1], "bilinear")
    return whole * (1 - a) + warp(face, back, whole.shape[-1]) * a


def tone(face, like, mask):
    """Mean and deviation of the colours inside the mask as in `like`."""
    w = mask / mask.sum((2, 3), keepdim=True)
    mean, other = (face * w).sum((2, 3), keepdim=True), (like * w).sum((2, 3), keepdim=True)
    dev = lambda v, m: ((v - m) ** 2 * w).sum((2, 3), keepdim=True).sqrt() + 1e-4
    return ((face - mean) / dev(face, mean) * dev(like, other) + other).clamp(0, 1)


class Cases:
    """Whole pictures of side 192 with a face, honest or swapped in a named way."""

    def __init__(self, name):
        self.p, self.a, self.b, self.ab = Pairs(name), faces(name, "_a"), faces(name, "_b"), faces(name, "_ab")
        self.swapper, self.m, self.vae = load_weights("swapper", "ema", Swapper()), emap(), final_vae()
        self.to_crop = similarity(self.a.points(), np.tile(ARCFACE_128[None] * 128, (len(self.a), 1, 1)).astype(np.float32))
        at = self.a.boxes()
        k = 256 / (1.3 * np.maximum(at[:, 2] - at[:, 0], at[:, 3] - at[:, 1]))
        to = 128 - k[:, None] * (at[:, :2] + at[:, 2:]) / 2
        self.crop = np.concatenate([np.eye(2)[None] * k[:, None, None], to[..., None]], 2).astype(np.float32)

    def __len__(self):
        return len(self.a)

    def faked(self, way, i, x, rng):
        m, face = self.to_crop[i], warp(x, self.to_crop[i], 128)
        if way in ("swapper", "hull"):
            with quick():
                y = swapped(self.swapper, face, to_source(self.p.e_b[i], self.m)).float()
            mask = box(len(i), rng) if way == "swapper" else oval(len(i), rng, 2.)
            return paste(x, tone(y, face, mask) if way == "hull" else y, mask * rng.uniform(.7, 1), m)
        if way == "render":
            return paste(x, warp(self.ab.batch(i), m, 128), oval(len(i), rng, rng.uniform(1, 8)), m)
        if way == "self":
            y = light(F.interpolate(blur(face, rng.uniform(.2, 1.2)), scale_factor=1.), rng)
            return paste(x, y, oval(len(i), rng, rng.uniform(1, 8)), m + rng.normal(0, .6, (len(i), 2, 3)) * np.array([0, 0, 1]))
        y = crops(self.b.batch(i), self.b.points()[i], ARCFACE_128, 128)
        mask = oval(len(i), rng, 3.)
        if way == "photo":
            return paste(x, tone(y, face, mask), mask, m)
        # pyramid: coarse frequencies are mixed softly, fine ones sharply (Burt and Adelson 1983)
        y = tone(y, face, mask)
        low = lambda v: blur(v, 5.)
        soft = blur(mask, 8.)
        mixed = low(face) * (1 - soft) + low(y) * soft + (face - low(face)) * (1 - mask) + (y - low(y)) * mask
        return paste(x, mixed, blur(torch.ones_like(mask), 4.) * (blur(mask, 10.) > .02), m)

    def batch(self, i, way, rng, fate):
        """Crops [N,3,256,256] of pictures i; way None: honest. The seed `fate` says what befalls them before and after: about
        a third went through the VAE first, all are resized, most are compressed."""
        x, fate = self.a.batch(i), np.random.default_rng(fate)
        if fate.random() < .35:
            x = vae_soft(self.vae, F.interpolate(x, size=256, mode="bicubic").clamp(0, 1), fate)
            x = F.interpolate(x, size=192, mode="bilinear", antialias=True)
        if way:
            x = self.faked(way, i, x, rng).clamp(0, 1)
        x = warp(x, self.crop[i], 256)
        k = int(256 * fate.uniform(.5, 1))
        x = F.interpolate(F.interpolate(x, size=k, mode="bilinear", antialias=True), size=256, mode="bilinear")
        return degrade(x, fate, .01) if fate.random() < .6 else x

    def twice(self, i, turn):
        """[n,2,SIDE,SIDE,3] u8: the same pictures honest and swapped in one of the ways seen, of one fate: only the swap tells
        them apart."""
        rng = np.random.default_rng((turn, int(i[0])))
        way, fate = SEEN[rng.integers(len(SEEN))], rng.integers(1 << 32)
        return np.stack([to_u8(F.avg_pool2d(self.batch(i, w, rng, fate), 2)) for w in (None, way)], 1)


def auc(honest, swapped):
    """Chance that a swapped picture is more suspect than an honest one."""
    return float(np.mean(np.concatenate(swapped)[:, None] > np.concatenate(honest)[None]))


def scores(model, cases, way, seed):
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        return [model(cases.batch(np.arange(i, min(i + 8, len(cases))), way, rng, rng.integers(1 << 32)))[:, 0].numpy()
                for i in range(0, len(cases), 8)]


def quality(model, cases):
    honest = scores(model, cases, None, 1)
    return {way: round(auc(honest, scores(model, cases, way, 2)), 3) for way in SEEN + UNSEEN}


def main():
    run = Run("forensic", 15, batch=32)
    cases, test = Cases("pairs"), Cases("pairs_test")
    turns = [cached(f"pairs_forensic{k}.npy", lambda: chunks(len(cases), lambda i: cases.twice(i, k), 6)) for k in range(2)]
    model = Forensic()
    ema, opt = EMA(model, .997), Muon(model, edges=("stem", "out"))
    state, more = dict(model=model, ema=ema, opt=opt), True
    run.load(state)
    half = run.args.batch // 2
    while more:
        run.rate(opt, .012, warm=60, flat=.3)
        turn = turns[run.rng.integers(len(turns))]
        x = to_float(turn[run.rng.integers(0, len(turn), half)].reshape(-1, 2 * SIDE, SIDE, 3))
        if run.rng.random() < .5:
            x = x.flip(-1)
        x = degrade(light(x, run.rng), run.rng, .01) if run.rng.random() < .5 else light(x, run.rng)
        x = x.reshape(-1, 3, 2, SIDE, SIDE).transpose(1, 2).flatten(0, 1)
        with quick():
            out = model.logit(x)
        out = out.float().view(-1, 2)
        # Which of two pictures of one fate is the swapped one is learnt far sooner than whether a picture is.
        loss = F.softplus(out[:, 0] - out[:, 1]).mean() + .5 * (F.softplus(out[:, 0]) + F.softplus(-out[:, 1])).mean()
        descend(loss, model, opt, ema)
        more = run.tick(len(x), state, loss=loss, told=(out[:, 1] > out[:, 0]).float().mean())
        if run.step % 400 == 0 or not more:
            run.say(f"forensic unseen people {quality(ema.model, test)}")
    sheet(torch.cat([test.batch(np.arange(8), w, np.random.default_rng(3), 3) for w in (None, *SEEN, *UNSEEN)]), RUN / "logs/forensic.png", 8)


if __name__ == "__main__":
    main()
