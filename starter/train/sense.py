# SPDX-License-Identifier: Apache-2.0
"""Reads attributes off latents under some noise: what practise.py is told of its drawings.

A UNet that learns from noise alone hears faintly what words say of hair and hats, because little of its loss depends on it; a classifier
of the same latents learns nothing else, and knows it after a tenth of the samples. Noise hides how a guess differs from a latent.
"""
import numpy as np
import torch
from torch import nn
from diffusers import DDPMScheduler
from diffusers.models.embeddings import get_timestep_embedding
from common import EMA, Muon, Run, descend, quick
from data import faces
from embedder import Block
from judge import WORDS, truth
from text import apart
from unet import BETAS, LATENTS, White, levels, raw_latents, turns

READS = 500  # steps of the noise below which it reads
BANDS = 5  # of those, in which quality() says how much is read
NAMES = WORDS | dict(people=["nobody", "one", "several"])


def shown(f):
    """The judge's classes of every picture, and whether anybody is in it."""
    return truth(f) | dict(people=np.minimum(f["people"], 2).astype(int))


class Sense(nn.Module):
    """White latents [N,4,24,24] noised to steps t [N] -> logits per attribute."""

    def __init__(self):
        super().__init__()
        self.stem, self.time = nn.Conv2d(4, 96, 3, 1, 1), nn.Sequential(nn.Linear(64, 128), nn.SiLU(), nn.Linear(128, 96))
        self.body = nn.Sequential(Block(96, 96, 1), Block(96, 128, 2), Block(128, 192, 2), Block(192, 192, 1))
        self.heads = nn.ModuleDict({k: nn.Linear(192 * 9, len(v)) for k, v in NAMES.items()})

    def forward(self, z, t):
        h = self.stem(z) + self.time(get_timestep_embedding(t, 64))[:, :, None, None]
        f = nn.functional.adaptive_avg_pool2d(self.body(h), 3).flatten(1)
        return {k: head(f) for k, head in self.heads.items()}


def latents(names, white):
    """[2,N,4,24,24] f32 of pictures and their mirror images, and the classes of their attributes."""
    z = np.concatenate([raw_latents(n) for n in names], 1)
    sets = [faces(n) for n in names]
    classes = [shown(f) for f in sets]
    classes = {k: np.concatenate([c[k][:LATENTS] for c in classes]) for k in NAMES}
    often = np.concatenate([turns(f) for f in sets])
    return torch.stack([white(torch.from_numpy(v).float()) for v in z]), classes, often / often.sum()


def noised(z, t, bars, noise):
    a = bars[t][:, None, None, None]
    return a.sqrt() * z + (1 - a).sqrt() * noise


@torch.no_grad()
def quality(model, z, classes, bars):
    """Share right per attribute in each band of noise, of people seen never before."""
    said = {k: [] for k in NAMES}
    for band in range(BANDS):
        g = torch.Generator().manual_seed(band)
        t = torch.randint(READS * band // BANDS, READS * (band + 1) // BANDS, (z.shape[1],), generator=g)
        out = model(noised(z[0], t, bars, torch.randn(z[0].shape, generator=g)), t)
        for k, o in out.items():
            known = classes[k] >= 0
            said[k].append(round(float((o.argmax(1).numpy() == classes[k])[known].mean()), 2))
    return said


def main():
    run = Run("sense", 20, sets="sdA,sdB", batch=48)
    white, bars = White(), DDPMScheduler(**BETAS).alphas_cumprod
    z, classes, often = latents(run.args.sets.split(","), white)
    test = latents(["sd_test"], white)[:2]
    model = Sense()
    ema, opt = EMA(model, .99), Muon(model, edges=("stem", "time", "heads"))
    state, more = dict(model=model, ema=ema, opt=opt), True
    run.load(state)
    while more:
        run.rate(opt, .015, warm=40)
        i = run.rng.choice(len(often), run.args.batch, p=often)
        flip = run.rng.integers(0, 2, len(i))
        t = levels(len(i), run.rng, most=READS)
        x = z[flip, i]
        with quick():
            out = model(noised(x, t, bars, torch.randn_like(x)), t)
        loss = sum(apart(o.float(), torch.from_numpy(classes[k][i])) for k, o in out.items())
        descend(loss, model, opt, ema)
        more = run.tick(len(i), state, loss=loss)
        if run.step % 500 == 0 or not more:
            run.say(f"sense unseen {quality(ema.model, *test, bars)}")


if __name__ == "__main__":
    main()
