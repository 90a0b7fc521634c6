# SPDX-License-Identifier: Apache-2.0
"""Reads edges off latents under some noise: what control.py is told of the UNet's guesses, as practise.py is by sense.py.

Edges alone say little of latents (a twentieth of their variance: Canny does not tell which side is light), latents say nearly all of edges.
"""
import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from diffusers import DDPMScheduler
from diffusers.models.embeddings import get_timestep_embedding
from common import EMA, Muon, Run, descend, quick
from data import cached, chunks, portraits
from sense import READS, noised
from unet import BETAS, White, levels, raw_latents


def edges(u8, low=100, high=200):
    """Canny edges [H,W] of [H,W,3] u8, as the program's `canny` has them: 255 on 0."""
    return cv2.Canny(np.ascontiguousarray(u8), low, high)


def outlines(name):
    """[N,1,96,96] u8: 1 where a picture of portraits(name) has an edge, at half its size."""
    pictures = portraits(name)[0]
    some = lambda i: F.max_pool2d(torch.from_numpy(np.stack([edges(pictures[k]) for k in i])[:, None]).float(), 2).clamp(max=1).byte().numpy()
    return cached(f"{name}_outlines.npy", lambda: chunks(len(pictures), some))


class Trace(nn.Module):
    """White latents [N,4,h,w] noised to steps t [N] -> logits [N,1,4h,4w] of edges."""

    def __init__(self, width=96):
        super().__init__()
        self.stem, self.time = nn.Conv2d(4, width, 3, 1, 1), nn.Sequential(nn.Linear(64, 128), nn.SiLU(), nn.Linear(128, width))
        self.body = nn.ModuleList([nn.Sequential(nn.GroupNorm(8, width), nn.SiLU(), nn.Conv2d(width, width, 3, 1, 1), nn.SiLU(),
                                                 nn.Conv2d(width, width, 3, 1, 1)) for _ in range(3)])
        self.last = nn.Conv2d(width, 16, 3, 1, 1)

    def forward(self, z, t):
        h = self.stem(z) + self.time(get_timestep_embedding(t, 64))[:, :, None, None]
        for b in self.body:
            h = h + b(h)
        return F.pixel_shuffle(self.last(F.silu(h)), 4)


@torch.no_grad()
def quality(model, z, wanted, bars):
    """Of unseen pictures, little and much noise: share of edges that are read, and of what is read that is an edge."""
    said = []
    for t in (50, 400):
        steps = torch.full((len(z),), t)
        read = model(noised(z, steps, bars, torch.randn(z.shape, generator=torch.Generator().manual_seed(t))), steps) > 0
        both = (read & wanted).sum()
        said.append([round(float(both / n.sum()), 3) for n in (wanted, read)])
    return said


def main():
    run = Run("trace", 8, batch=48)
    white, bars = White(), DDPMScheduler(**BETAS).alphas_cumprod
    z, test = (white(torch.from_numpy(np.array(raw_latents(n)[0])).float()) for n in ("sdA", "sd_test"))
    wanted, unseen = outlines("sdA"), torch.from_numpy(np.array(outlines("sd_test"))) > 0
    model = Trace()
    ema, opt = EMA(model, .99), Muon(model, edges=("stem", "time", "last"))
    state, more = dict(model=model, ema=ema, opt=opt), True
    run.load(state)
    while more:
        run.rate(opt, .01, warm=40)
        i = run.rng.integers(0, len(z), run.args.batch)
        t = levels(len(i), run.rng, most=READS)
        x, y = z[i], torch.from_numpy(wanted[i]).float()
        with quick():
            out = model(noised(x, t, bars, torch.randn_like(x)), t)
        loss = F.binary_cross_entropy_with_logits(out.float(), y)
        descend(loss, model, opt, ema)
        more = run.tick(len(i), state, loss=loss)
        if run.step % 300 == 0 or not more:
            run.say(f"trace unseen {quality(ema.model, test, unseen, bars)}")


if __name__ == "__main__":
    main()
