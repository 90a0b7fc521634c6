# SPDX-License-Identifier: Apache-2.0
"""A classifier of attributes, trained apart from everything else, that says for REPORT.md what a drawn portrait shows.

Half of what it learns from has been through the VAE, as every drawn picture has: one that knows crisp renders alone calls an afro short hair
as soon as its curls are soft.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from common import EMA, Muon, Run, degrade, descend, quick, to_float
from data import portraits
from embedder import Block, shake
from text import apart

SIDE = 128  # enough to judge by
WORDS = dict(
    gender=["woman", "man"], age=["child", "young", "middle-aged", "old"],
    hair=["black", "brown", "blonde", "red", "grey", "white", "blue", "pink"],
    style=["bald", "short", "curly", "afro", "bob", "long", "wavy", "ponytail", "bun", "braids", "locs"],
    skin=["pale", "light", "olive", "tan", "brown", "dark"], glasses=["no", "yes"], beard=["no", "yes"],
    hat=["none", "cap", "beanie", "brim", "headscarf"],
    expression=["neutral", "smile", "laugh", "serious", "surprised", "sad", "angry"],
    background=["blue", "green", "red", "yellow", "purple", "grey", "orange", "pink", "teal"])
# Styles that a picture does not tell apart are one: buzz and cropped hair are short, curls are curls at any length.
STYLES = dict(bald=0, buzz=1, short=1, curly=2, afro=3, bob=4, long=5, wavy=6, ponytail=7, bun=8, braids=9, locs=10) | {
    "side-part": 1, "slicked": 1, "spiky": 1, "long-curly": 6}


class Judge(nn.Module):
    """[N,3,SIDE,SIDE] 0..1 -> logits per attribute."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 32, 5, 2, 2, bias=False), nn.BatchNorm2d(32), nn.ReLU(), Block(32, 48, 2),
                                  Block(48, 96, 2), Block(96, 96, 1), Block(96, 128, 2))
        self.heads = nn.ModuleDict({k: nn.Linear(128 * 9, len(v)) for k, v in WORDS.items()})

    def forward(self, x):
        f = self.body(x * 2 - 1)
        f = F.adaptive_avg_pool2d(f, 3).flatten(1)
        return {k: h(f) for k, h in self.heads.items()}


def truth(f):
    """Class per attribute of people who are alone; -1 where the picture does not say."""
    t = {k: f[k].astype(int) for k in ("gender", "age", "skin", "background", "hair", "hat", "expression")}
    style = np.array([STYLES[n] for n in f.names["hair-style"]])[np.maximum(f["hair-style"].astype(int), 0)]
    t["style"] = np.where(t["hat"] > 0, -1, style)
    t["hair"] = np.where((style == 0) | (t["hat"] == 4), -1, t["hair"])
    t |= dict(glasses=f["glasses"] > 0, beard=np.where(f["beard"] == 1, -1, f["beard"] > 1))  # stubble is neither
    return {k: np.where(f["people"] == 1, t[k], -1).astype(int) for k in WORDS}


def accuracy(model, name="sd_test", through=None):
    """Share right per attribute, of renders or of what has become of them (`through`, a function of the set's name)."""
    pictures, _, f = portraits(name, SIDE)
    x, t = to_float(through(name) if through else pictures), truth(f)
    with torch.no_grad():
        out = [model(x[i:i + 50]) for i in range(0, len(x), 50)]
    return {k: round(float(np.mean((np.concatenate([o[k].argmax(1).numpy() for o in out]) == t[k])[t[k] >= 0])), 3) for k in t}


def train(name, minutes, seed=0, through=None):
    """through: a set's name to what the VAE makes of its first pictures; those have half of the turns, and are seen so in most."""
    run = Run(name, minutes, seed, sets="sdA,sdB")
    parts = [portraits(n, SIDE) for n in run.args.sets.split(",")]
    soft = [through(n) if through else [] for n in run.args.sets.split(",")]
    pictures, counts = [p[0] for p in parts], np.cumsum([0] + [len(p[0]) for p in parts])
    t = {k: np.concatenate([truth(p[2])[k] for p in parts]) for k in WORDS}
    model = Judge().to(memory_format=torch.channels_last)
    ema, opt = EMA(model, .99), Muon(model, edges=("body.0", "heads"))
    state, more = dict(model=model, ema=ema, opt=opt), True
    run.load(state)
    look = torch.compile(model)  # with the channels last two thirds of the time
    while more:
        run.rate(opt, .015, warm=30)
        i = run.rng.integers(0, counts[-1], 32)
        part = np.searchsorted(counts, i, "right") - 1
        if through:
            i = np.where(run.rng.random(32) < .5, counts[part] + run.rng.integers(0, [len(soft[p]) for p in part]), i)
        source = [soft if run.rng.random() < .8 and k - counts[p] < len(soft[p]) else pictures for p, k in zip(part, i)]
        x = to_float(np.stack([s[p][k - counts[p]] for s, p, k in zip(source, part, i)]))
        x = degrade(shake(x, SIDE, run.rng)[0], run.rng, .05)
        with quick():
            out = look(x.contiguous(memory_format=torch.channels_last))
        loss = sum(apart(o.float(), torch.from_numpy(t[k][i])) for k, o in out.items())
        descend(loss, model, opt, ema)
        more = run.tick(32, state, loss=loss)
    run.say(f"{name} unseen {accuracy(ema.model)}" + (f", through the VAE {accuracy(ema.model, through=through)}" if through else ""))


if __name__ == "__main__":
    from drawn import softened  # here, because the VAE is not there yet where taste.py trains
    train("judge", 40, through=softened)
