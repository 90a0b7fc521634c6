# SPDX-License-Identifier: Apache-2.0
"""The UNet learns to go where the words point.

Its teacher is the UNet of before, steered by sense.py: at each step of a drawing the gradient of what the prompt asks for is added to
the guess of the noise (classifier guidance, Dhariwal and Nichol 2021). Such drawings are made once, of plain prompts; then the UNet learns to
guess at their latents what teacher and gradient said together. There is no noise in that answer, but it differs little from what the UNet
says already (by 0.001 of 1): a step that is large beside that drifts, so the rate is low and the training long.

    steer.py --only K      makes the K-th part of the drawings, several at a time by several processes; without it all, and trains
"""
import numpy as np
import torch
from diffusers import DDPMScheduler, DPMSolverMultistepScheduler
from attention import NarrowAttention
from common import EMA, Muon, RUN, Run, descend, load_weights, quick, sheet
from data import cached, faces
from plain import plainly
from sense import NAMES, Sense, shown
from text import vary
from unet import BETAS, PROMPTS, Prompter, SIDE, White, draw, make_unet, turns
from vae import final_vae

GUIDANCE, BATCH = 4., 16
STRENGTH = 8.  # of the gradient where guidance has been at work; 20 breaks faces


def prompts(sets, count, rng, alone=.8):
    """Plain prompts about one person of the sets, the rare ones often, and captions of scenes and groups; and the class [count] of each
    attribute that they name, else -1."""
    said, classes = [], {k: np.full(count, -1) for k in NAMES}
    known, often, others = [shown(f) for f in sets], [turns(f) for f in sets], [np.where(f["people"] != 1)[0] for f in sets]
    while len(said) < count:
        s = rng.integers(len(sets))
        if rng.random() > alone:
            i = rng.choice(others[s])
            classes["people"][len(said)] = known[s]["people"][i]
            said.append(vary(sets[s].captions[i], rng))
            continue
        i = int(rng.choice(len(often[s]), p=often[s] / often[s].sum()))
        plain = plainly(sets[s], i, rng)
        if plain:
            for k in plain[1] | {"people"}:
                classes[k][len(said)] = known[s][k][i]
            said.append(plain[0])
    return said, classes


class Teacher:
    """What the UNet guesses of a latent's noise: without words, and with them and with the gradient of what they ask for."""

    def __init__(self, strength=STRENGTH):
        self.unet, self.sense = load_weights("unet", "ema", make_unet()), load_weights("sense", "ema", Sense())
        self.unet.set_attn_processor(NarrowAttention())
        self.strength, self.bars = strength, DDPMScheduler(**BETAS).alphas_cumprod

    def pull(self, z, t, classes):
        """Gradient [N,4,h,w] of the logarithm of the chance that z shows the classes."""
        with torch.enable_grad():
            z = z.detach().requires_grad_(True)
            out = self.sense(z, t)
            total = sum(torch.nn.functional.cross_entropy(o, torch.from_numpy(classes[k]), ignore_index=-1, reduction="sum")
                        for k, o in out.items())
            return -torch.autograd.grad(total, z)[0]

    @torch.no_grad()
    def __call__(self, z, t, empty, context, classes):
        both = torch.cat([empty, context])
        with quick():
            e0, e1 = self.unet(torch.cat([z, z]), t, both).sample.float().chunk(2)
        steps = torch.full((len(z),), int(t))
        return e0, e1 - self.strength / GUIDANCE * (1 - self.bars[t]).sqrt() * self.pull(z, steps, classes)


def walk(teacher, prompter, said, classes, steps, seed):
    """Draws as the program does: the latent, and at each step its time, the latent, and the teacher's two guesses."""
    s = DPMSolverMultistepScheduler(**BETAS, algorithm_type="dpmsolver++", solver_order=2, timestep_spacing="leading",
                                    steps_offset=1, final_sigmas_type="zero")
    s.set_timesteps(steps)
    z = torch.randn(len(said), 4, SIDE // 8, SIDE // 8, generator=torch.Generator().manual_seed(seed))
    empty, context, seen = prompter([""] * len(said)), prompter(said), []
    for t in s.timesteps:
        e0, e1 = teacher(z, t, empty, context, classes)
        seen.append((int(t), z, e0, e1))
        z = s.step(e0 + GUIDANCE * (e1 - e0), t, z).prev_sample
    return z, context, seen


def walks(part, count, sets):
    """The part-th `count` drawings: times [M], contexts [count/BATCH,BATCH,77,C], and latents and guesses [M,3,BATCH,4,h,w], M the steps of all
    with the number of its batch beside the time. Parts may be made by several processes at once."""
    name = f"steer{part}"
    if not (RUN / f"data/{name}_guesses.npy").exists():
        rng, teacher, prompter = np.random.default_rng((part, 7)), Teacher(), Prompter()
        times, contexts, guesses = [], [], []
        for b in range(count // BATCH):
            said, classes = prompts(sets, BATCH, rng)
            _, context, seen = walk(teacher, prompter, said, classes, int(rng.integers(12, 21)), int(rng.integers(1 << 31)))
            times += [(t, b) for t, *_ in seen]
            contexts.append(context.half().numpy())
            guesses += [torch.stack(v).half().numpy() for _, *v in seen]
        cached(f"{name}_times.npy", lambda: np.array(times))
        cached(f"{name}_contexts.npy", lambda: np.stack(contexts))
        cached(f"{name}_guesses.npy", lambda: np.stack(guesses))
    return [cached(f"{name}_{what}.npy", None) for what in ("times", "contexts", "guesses")]


def main():
    run = Run("steer", 40, sets="sdA,sdB", parts=2, count=480, batch=32, peak=.00015, only=-1)
    sets = [faces(n) for n in run.args.sets.split(",")]
    if run.args.only >= 0:
        walks(run.args.only, run.args.count, sets)
        return
    parts = [walks(k, run.args.count, sets) for k in range(run.args.parts)]
    bars, prompter, vae, white = DDPMScheduler(**BETAS).alphas_cumprod, Prompter(), final_vae(), White()
    nothing, sizes = prompter([""])[0], np.array([len(p[0]) for p in parts])
    unet = make_unet()
    unet.load_state_dict(load_weights("unet", "ema", make_unet()).state_dict())
    unet.requires_grad_(True).train().set_attn_processor(NarrowAttention())
    ema, opt = EMA(unet, .99), Muon(unet, run.args.peak, run.args.peak / 4, edges=("conv_in", "conv_out", "time_embedding"))
    state, more, shown = dict(model=unet, ema=ema, opt=opt), True, 0.
    run.load(state)
    guess = torch.compile(unet)
    while more:
        run.rate(opt, run.args.peak, warm=30, floor=.03, flat=.3)
        n = run.args.batch
        times, contexts, guesses = parts[run.rng.choice(len(parts), p=sizes / sizes.sum())]
        step, who = run.rng.integers(0, len(times), n), run.rng.integers(0, BATCH, n)
        t = torch.from_numpy(times[step, 0])
        z, e0, e1 = (torch.from_numpy(guesses[step, k, who].astype(np.float32)) for k in range(3))
        c = torch.from_numpy(contexts[times[step, 1], who].astype(np.float32))
        silent = torch.from_numpy(run.rng.random(n) < .15)
        c = torch.where(silent[:, None, None], nothing, c)
        answer = torch.where(silent[:, None, None, None], e0, e1)
        with quick():
            e = guess(z, t, c).sample.float()
        a = bars[t][:, None, None, None]
        k = (1 + (1 - a) / a).sqrt().clamp(max=8.)
        loss = ((e - answer) ** 2 * k).mean()
        descend(loss, unet, opt, ema)
        more = run.tick(n, state, loss=loss)
        if run.spent - shown > 480 or not more:
            shown = run.spent
            sheet(draw(ema.model, vae, prompter, PROMPTS, white), RUN / "logs" / f"steer_{int(run.spent / 60):03d}.png", 10, 2)


if __name__ == "__main__":
    main()
