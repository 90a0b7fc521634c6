# SPDX-License-Identifier: Apache-2.0
"""A classifier of attributes, trained apart from everything else, that says for REPORT.md what a drawn portrait shows."""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from common import EMA, Muon, Run, degrade, quick, to_float
from data import portraits
from embedder import Block, shake

WORDS = dict(gender=["woman", "man"], hair=["black", "brown", "blonde", "red", "grey", "white"],
             skin=["pale", "light", "olive", "tan", "brown", "dark"], glasses=["no", "yes"], smile=["no", "yes"],
             background=["blue", "green", "red", "yellow", "purple", "grey", "orange", "pink", "teal"])


class Judge(nn.Module):
    """[N,3,128,128] 0..1 -> logits per attribute."""

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(3, 24, 5, 2, 2, bias=False), nn.BatchNorm2d(24), nn.ReLU(), Block(24, 32, 2),
                                  Block(32, 64, 2), Block(64, 64, 1), Block(64, 96, 2))
        self.heads = nn.ModuleDict({k: nn.Linear(96 * 4, len(v)) for k, v in WORDS.items()})

    def forward(self, x):
        f = self.body(x * 2 - 1)
        f = F.adaptive_avg_pool2d(f, 2).flatten(1)
        return {k: h(f) for k, h in self.heads.items()}


def truth(f):
    """Class per attribute; -1 where the picture does not say."""
    t = {k: f[k].astype(int) for k in ("gender", "skin", "background")}
    t["hair"] = np.where(f["hair-style"] == 0, -1, f["hair"]).astype(int)
    t["glasses"] = np.where(f["glasses"] < 0, -1, f["glasses"] > 0).astype(int)
    t["smile"] = np.where(f["expression"] < 0, -1, (f["expression"] == 1) | (f["expression"] == 2)).astype(int)
    return t


def accuracy(model, name="sd_test", change=None):
    pictures, _, f = portraits(name)
    x, t = to_float(pictures), truth(f)
    x = change(x) if change else x
    with torch.no_grad():
        out = [model(x[i:i + 50]) for i in range(0, len(x), 50)]
    return {k: round(float(np.mean((np.concatenate([o[k].argmax(1).numpy() for o in out]) == t[k])[t[k] >= 0])), 3) for k in t}


def main():
    run = Run("judge", 3)
    parts = [portraits(n) for n in ("sdA", "sdB")]
    pictures = [p[0] for p in parts]
    t = {k: np.concatenate([truth(p[2])[k] for p in parts]) for k in WORDS}
    first, n = len(pictures[0]), len(pictures[0]) + len(pictures[1])
    model = Judge()
    ema, opt = EMA(model, .99), Muon(model, edges=("body.0", "heads"))
    state, more = dict(model=model, ema=ema, opt=opt), True
    while more:
        run.rate(opt, .015, warm=30)
        i = run.rng.integers(0, n, 32)
        x = to_float(np.stack([pictures[0][k] if k < first else pictures[1][k - first] for k in i]))
        x = degrade(shake(x, 128, run.rng)[0], run.rng, .05)
        with quick():
            out = model(x)
        loss = sum(F.cross_entropy(o.float(), torch.from_numpy(t[k][i]), ignore_index=-1) for k, o in out.items())
        loss.backward()
        opt.step()
        opt.zero_grad(set_to_none=True)
        ema.update(model)
        more = run.tick(32, state, loss=loss)
    run.say(f"judge unseen {accuracy(ema.model)}")


if __name__ == "__main__":
    main()
