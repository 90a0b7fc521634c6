# SPDX-License-Identifier: Apache-2.0
"""The UNet learns to go where the words point.

Its teacher is the UNet of before, and where noise is strong the gradient of what the prompt asks for, which sense.py reads, is added to the
teacher's guess (classifier guidance, Dhariwal and Nichol 2021). Both are known without noise, so far fewer samples are needed than for
learning from pictures. Latents are of renders, under noise; where it is strong half of the words are another picture's, because that is what
a drawing that goes wrong looks like.
"""
import numpy as np
import torch
from diffusers import DDPMScheduler
from attention import NarrowAttention
from common import EMA, Muon, RUN, Run, descend, load_weights, quick, sheet
from data import faces
from plain import plainly
from sense import NAMES, Sense, latents, noised, shown
from text import nothing, vary
from unet import BETAS, GUIDANCE, LATENTS, PROMPTS, Prompter, White, draw, emphasis, make_unet
from vae import final_vae

STRENGTH = 8.  # of the gradient where guidance has been at work; 20 breaks faces
EAGER = 1.5  # times the push is asked for, of which some is learnt
LOWEST = 600  # step of the noise: below it the layout is settled, the gradient is small, and nothing is pushed


class Words:
    """What is said of pictures of several sets: captions, of which half are plain, and the class of each attribute that they name."""

    def __init__(self, names):
        self.sets = [faces(n) for n in names]
        self.known = [shown(f) for f in self.sets]
        self.counts = np.cumsum([0] + [min(len(f), LATENTS) for f in self.sets])

    def __call__(self, pictures, rng):
        said, classes = [], {k: np.full(len(pictures), -1) for k in NAMES}
        for n, i in enumerate(pictures):
            s = int(np.searchsorted(self.counts, i, "right")) - 1
            k = i - self.counts[s]
            plain = plainly(self.sets[s], k, rng) if rng.random() < .7 else None
            text, named = plain or (vary(self.sets[s].captions[k], rng), set())
            said.append(text)
            for name in named | {"people"}:
                classes[name][n] = self.known[s][name][k]
        return said, classes


class Teacher:
    """What the UNet of before guesses of a latent's noise, and where the gradient of what the words ask for would push that."""

    def __init__(self):
        self.unet, self.sense = load_weights("unet", "ema", make_unet()), load_weights("sense", "ema", Sense())
        self.unet.set_attn_processor(NarrowAttention())
        self.spread = (1 - DDPMScheduler(**BETAS).alphas_cumprod).sqrt()

    def pull(self, z, t, classes):
        """Gradient [N,4,h,w] of the logarithm of the chance that z shows the classes."""
        z = z.detach().requires_grad_(True)
        total = sum(torch.nn.functional.cross_entropy(o, torch.from_numpy(classes[k]), ignore_index=-1, reduction="sum")
                    for k, o in self.sense(z, t).items())
        return -torch.autograd.grad(total, z)[0]

    def __call__(self, z, t, context, classes):
        with quick(), torch.no_grad():
            guess = self.unet(z, t, context).sample.float()
        push, much = torch.zeros_like(z), t >= LOWEST
        if much.any():
            pull = self.pull(z[much], t[much], {k: c[much.numpy()] for k, c in classes.items()})
            push[much] = -STRENGTH / GUIDANCE * self.spread[t[much]][:, None, None, None] * pull
        return guess, push


class Lessons:
    """Latents under noise, what is said of them, and the teacher's answer."""

    def __init__(self, names, white, teacher, prompter, bars):
        self.z, _, self.often = latents(names, white)
        self.words, self.teacher, self.prompter, self.bars = Words(names), teacher, prompter, bars

    def __call__(self, n, rng):
        """z, t, context, guess, push"""
        i, flip = rng.choice(len(self.often), n, p=self.often), rng.integers(0, 2, n)
        t = torch.from_numpy((rng.permutation(n) + rng.random(n)) / n * 1000).long()
        other = rng.choice(len(self.often), n, p=self.often)
        said, classes = self.words(np.where((t.numpy() >= LOWEST) & (rng.random(n) < .5), other, i), rng)
        for k in np.where(rng.random(n) < .1)[0]:
            said[k] = nothing(rng)
            for c in classes.values():
                c[k] = -1
        x = self.z[flip, i]
        z, context = noised(x, t, self.bars, torch.randn_like(x)), self.prompter(said)
        return z, t, context, *self.teacher(z, t, context, classes)


@torch.no_grad()
def learnt(unet, lessons):
    """How much of the push of lessons that are not trained on is in the guess, how much else beside it, as a share of its length, and the mean
    square of that where nothing is pushed."""
    along = size = whole = low = 0.
    for z, t, c, guess, push in lessons:
        with quick():
            d = unet(z, t, c).sample.float() - guess
        much = t >= LOWEST
        along, size, whole = along + float((d * push).sum()), size + float((push ** 2).sum()), whole + float((d[much] ** 2).sum())
        low += float((d[~much] ** 2).mean()) / len(lessons)
    return round(along / size, 3), round(max(0., whole / size - (along / size) ** 2) ** .5, 3), round(low, 5)


def main():
    run = Run("steer", 60, sets="sdA,sdB", batch=32, peak=.0015)
    white, bars, prompter, teacher = White(), DDPMScheduler(**BETAS).alphas_cumprod, Prompter(), Teacher()
    ask = Lessons(run.args.sets.split(","), white, teacher, prompter, bars)
    unseen = Lessons(["sd_test"], white, teacher, prompter, bars)
    exam = [unseen(32, np.random.default_rng(k)) for k in range(4)]
    unet = load_weights("unet", "ema", make_unet()).requires_grad_(True)
    unet.set_attn_processor(NarrowAttention())
    ema, opt = EMA(unet, .99), Muon(unet, run.args.peak, adam=run.args.peak / 6, edges=("conv_in", "conv_out", "time_embedding"))
    state, more = dict(model=unet, ema=ema, opt=opt), True
    run.load(state)
    guess = torch.compile(unet)
    run.say(f"steer begins with {learnt(unet, exam)}")
    while more:
        run.rate(opt, run.args.peak, warm=60, floor=.0, flat=.3)
        z, t, c, answer, push = ask(run.args.batch, run.rng)
        with quick():
            e = guess(z, t, c).sample.float()
        loss = ((e - answer - EAGER * push) ** 2 * emphasis(bars[t])[:, None, None, None]).mean()
        descend(loss, unet, opt, ema)
        more = run.tick(len(z), state, loss=100 * loss)
        if run.step % 200 == 0 or not more:
            run.say(f"steer learnt {learnt(ema.model, exam)}")
    sheet(draw(ema.model, final_vae(), prompter, PROMPTS, white), RUN / "logs/steer.png", 10, 2)


if __name__ == "__main__":
    main()
