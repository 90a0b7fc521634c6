# SPDX-License-Identifier: Apache-2.0
"""The UNet practises: it draws, is told what its drawing shows, and learns through the whole drawing how to have come nearer to the prompt.

A UNet that learns from noise alone hears faintly what words say of hair and hats, because little of its loss depends on it. Here all of the
loss is what a reader of latents (sense.py) sees of what was asked, and the gradient goes back through every step of a short drawing (DRaFT:
Clark et al. 2024). Only the guess with the prompt is followed back, as if what guidance adds did not depend on the latent: two thirds of
the time. What the UNet says of renders under noise is held where it was. Hair, skin and glasses are asked of people whom no render shows
with them, or the renderer's habits would be learnt for the words' meaning.
"""
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler
from attention import NarrowAttention
from common import EMA, Muon, RUN, Run, advance, load_weights, quick, sheet
from data import faces
from plain import plainly
from sense import NAMES, READS, Sense, latents, noised, shown
from text import nothing, vary
from unet import BETAS, GUIDANCE, PROMPTS, Prompter, White, draw, emphasis, levels, make_unet
from vae import final_vae

FIRST, STEPS, LAST = 951, 6, 351  # noise where the program begins, and where the layout is settled and what is guessed is read
STRESS = dict(style=2.)  # weights of what is wrong most often
HELD, SETTLED = 300., 600  # weight of the distance to what the UNet said before, and the step above which it is a fifth of that


class Asked:
    """Prompts: people of several sets with the hair of others of their gender and age and anybody's skin and glasses, each style of hair about
    equally often; and captions of anything at all."""

    def __init__(self, names, rng):
        self.f = faces(names[0])
        self.f.labels = np.concatenate([faces(n).labels for n in names])
        self.captions = [c for n in names for c in faces(n).captions]
        self.everyone = shown(self.f)["people"]
        alone, who = self.f["people"] == 1, self.f["gender"] * 4 + self.f["age"]
        for columns, like in ((("hair-style", "hair"), who), (("skin",), alone), (("glasses",), alone)):
            for group in np.unique(like[alone]):
                rows = np.where(alone & (like == group))[0]
                cells = np.ix_(rows, [self.f.columns[c] for c in columns])
                self.f.labels[cells] = self.f.labels[cells][rng.permutation(len(rows))]
        self.classes = shown(self.f)
        kind = np.where(self.f["hat"] > 0, 100 + self.f["hat"], self.classes["style"] + 20 * self.f["gender"])
        _, which, count = np.unique(kind, return_inverse=True, return_counts=True)
        self.often = np.where(alone, 1 / count[which].clip(30), 0.)
        self.often /= self.often.sum()

    def __call__(self, n, rng):
        """Prompts, and the classes [n] of what they name, -1 where nothing is said. One in six is a caption of anything at all."""
        said, classes = [], {k: np.full(n, -1) for k in NAMES}
        for row in range(n):
            if rng.random() < 1 / 6:
                k = int(rng.integers(len(self.captions)))
                text, named, classes["people"][row] = vary(self.captions[k], rng), set(), self.everyone[k]
            else:
                k = int(rng.choice(len(self.often), p=self.often))
                text, named = plainly(self.f, k, rng)
                named |= {"hat"} if self.f["glasses"][k] else {"hat", "glasses"}  # nobody wears what is not said
                classes["people"][row] = 1
            said.append(text)
            for name in named:
                classes[name][row] = self.classes[name][k]
        return said, classes


def drawing(unet, context, empty, bars, rng):
    """What the UNet guesses [N,4,24,24] at LAST of the latents that a drawing by DPM-Solver++ 2M leads to, a gradient behind it."""
    between = np.linspace(FIRST, LAST, STEPS).round().astype(int)
    between[1:-1] += rng.integers(-30, 31, STEPS - 2)
    n = len(context)
    z, before, last = torch.randn(n, 4, 24, 24), None, 1.
    alpha, sigma = bars.sqrt(), (1 - bars).sqrt()
    level = torch.log(alpha / sigma)
    for k, t in enumerate(between):
        steps = torch.full((n,), int(t))
        with quick(), torch.no_grad():
            silent = unet(z, steps, empty.expand(n, -1, -1)).sample.float()
        with quick():
            e = unet(z, steps, context).sample.float()
        e = e + (GUIDANCE - 1) * (e - silent).detach()
        guess = (z - sigma[t] * e) / alpha[t]
        if k == STEPS - 1:
            return guess
        to = between[k + 1]
        h = level[to] - level[t]
        mean = guess if before is None else guess + h / (2 * last) * (guess - before)
        z, before, last = sigma[to] / sigma[t] * z - alpha[to] * torch.expm1(-h) * mean, guess, h


def mistakes(sense, guess, classes, bars):
    """Cross entropies of what is asked and what is read, per drawing, under noise that hides how a guess differs from a latent; and in which
    share of those who were asked for it a style is right."""
    t = torch.randint(READS // 4, READS, (len(guess),))
    with quick():
        out = sense(noised(guess, t, bars, torch.randn_like(guess)), t)
    each = [STRESS.get(k, 1.) * F.cross_entropy(o.float(), torch.from_numpy(classes[k]), ignore_index=-1, reduction="sum") for k, o in out.items()]
    right = out["style"].argmax(1).numpy() == classes["style"]
    return sum(each) / len(guess), right.sum() / max(1, (classes["style"] >= 0).sum())


class Held:
    """How far the UNet's guesses of renders under noise have gone from the teacher's."""

    def __init__(self, names, white, teacher, prompter, bars):
        self.z, _, self.often = latents(names, white)
        self.teacher, self.prompter, self.bars = teacher, prompter, bars

    def __call__(self, unet, said, rng):
        n = len(said)
        i, flip = rng.choice(len(self.often), n, p=self.often), rng.integers(0, 2, n)
        t = levels(n, rng)
        z, context = self.z[flip, i], self.prompter([nothing(rng) if rng.random() < .3 else s for s in said])
        z = noised(z, t, self.bars, torch.randn_like(z))
        with quick():
            e = unet(z, t, context).sample.float()
            with torch.no_grad():
                was = self.teacher(z, t, context).sample.float()
        return ((e - was) ** 2 * (emphasis(self.bars[t]) * torch.where(t < SETTLED, 1., .2))[:, None, None, None]).mean()


def main():
    run = Run("practise", 60, sets="sdA,sdB", batch=16, peak=.0015)
    white, bars, prompter = White(), DDPMScheduler(**BETAS).alphas_cumprod, Prompter()
    names, sense = run.args.sets.split(","), load_weights("sense", "ema", Sense())
    teacher, unet = (load_weights("unet", "ema", make_unet()) for _ in range(2))
    for u in (teacher, unet.requires_grad_(True)):
        u.set_attn_processor(NarrowAttention())
    asked, held = Asked(names, run.rng), Held(names, white, teacher, prompter, bars)
    ema, opt = EMA(unet, .98), Muon(unet, run.args.peak, adam=run.args.peak / 6, edges=("conv_in", "conv_out", "time_embedding"))
    state, more, empty = dict(model=unet, ema=ema, opt=opt), True, prompter([""])
    run.load(state)
    while more:
        run.rate(opt, run.args.peak, warm=20, floor=.0, flat=.3)
        said, classes = asked(run.args.batch, run.rng)
        loss, style = mistakes(sense, drawing(unet, prompter(said), empty, bars, run.rng), classes, bars)
        loss.backward()
        far = held(unet, asked(run.args.batch // 2, run.rng)[0], run.rng)
        (HELD * far).backward()
        advance(unet, opt, ema)
        more = run.tick(run.args.batch, state, every=20, loss=loss, style=style, far=1000 * far)
    sheet(draw(ema.model, final_vae(), prompter, PROMPTS, white), RUN / "logs/practise.png", 10, 2)


if __name__ == "__main__":
    main()
