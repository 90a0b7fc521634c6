# SPDX-License-Identifier: Apache-2.0
"""The UNet learns to go where the words point.

Its teacher is the UNet of before, steered by sense.py: at each step of a drawing the gradient of what the prompt asks for is added to
the guess of the noise (classifier guidance, Dhariwal and Nichol 2021). Such drawings are made once, of plain prompts; then low ranks of the
UNet's attention layers learn to guess at their latents what teacher and gradient said together. There is no noise in that answer, but it
differs little from what the UNet says already (by 0.001 of 1): a step that is large beside that drifts, so the rate is low.

    steer.py --only K      makes the K-th part of the drawings, several at a time by several processes; without it all, and trains
"""
import numpy as np
import torch
from diffusers import DDPMScheduler, DPMSolverMultistepScheduler
from attention import NarrowAttention
from common import EMA, RUN, Run, descend, load_weights, quick, sheet
from companions import with_lora
from data import cached, faces
from plain import plainly
from sense import NAMES, Sense, shown
from text import vary
from unet import BETAS, GUIDANCE, PROMPTS, Prompter, SIDE, White, draw, make_unet, turns
from vae import final_vae

BATCH = 16
STRENGTH = 8.  # of the gradient where guidance has been at work; 20 breaks faces
EAGER = 1.5  # times the push is asked for, of which some is learnt
LOWEST = 600  # step of the noise: below it the layout is settled, the gradient is small, and nothing is pushed or learnt


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
    """What the UNet guesses of a latent's noise, without words and with them, and where the gradient of what they ask for would push the latter."""

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
        if t < LOWEST or not self.strength:
            return e0, e1, torch.zeros_like(z)
        steps = torch.full((len(z),), int(t))
        return e0, e1, -self.strength / GUIDANCE * (1 - self.bars[t]).sqrt() * self.pull(z, steps, classes)


def walk(teacher, prompter, said, classes, steps, seed, last=0):
    """Draws as the program does down to noise `last`, pushed: the latent, and at each step its time, the latent, and what the teacher says of it."""
    s = DPMSolverMultistepScheduler(**BETAS, algorithm_type="dpmsolver++", solver_order=2, timestep_spacing="leading",
                                    steps_offset=1, final_sigmas_type="zero")
    s.set_timesteps(steps)
    z = torch.randn(len(said), 4, SIDE // 8, SIDE // 8, generator=torch.Generator().manual_seed(seed))
    empty, context, seen = prompter([""] * len(said)), prompter(said), []
    for t in s.timesteps[s.timesteps >= last]:
        e0, e1, push = teacher(z, t, empty, context, classes)
        seen.append((int(t), z, e0, e1, push))
        z = s.step(e0 + GUIDANCE * (e1 + push - e0), t, z).prev_sample
    return z, context, seen


def walks(part, count, sets):
    """The part-th `count` drawings: times [M], contexts [count/BATCH,BATCH,77,C], and latents, guesses and pushes [M,4,BATCH,4,h,w], M the steps of
    all with the number of its batch beside the time. Parts may be made by several processes at once."""
    name = f"steer{part}"
    if not (RUN / f"data/{name}_guesses.npy").exists():
        rng, teacher, prompter = np.random.default_rng((part, 7)), Teacher(), Prompter()
        times, contexts, guesses = [], [], []
        for b in range(count // BATCH):
            said, classes = prompts(sets, BATCH, rng)
            _, context, seen = walk(teacher, prompter, said, classes, int(rng.integers(12, 21)), int(rng.integers(1 << 31)), LOWEST)
            times += [(t, b) for t, *_ in seen]
            contexts.append(context.half().numpy())
            guesses += [torch.stack(v).half().numpy() for _, *v in seen]
        cached(f"{name}_times.npy", lambda: np.array(times))
        cached(f"{name}_contexts.npy", lambda: np.stack(contexts))
        cached(f"{name}_guesses.npy", lambda: np.stack(guesses))
    return [cached(f"{name}_{what}.npy", None) for what in ("times", "contexts", "guesses")]


def some(part, step, who):
    """Of drawings `who` at steps `step` of a part: time, context, latent, the guesses without and with words, and the push."""
    times, contexts, guesses = part
    single = lambda v: torch.from_numpy(v.astype(np.float32))
    return torch.from_numpy(times[step, 0]), single(contexts[times[step, 1], who]), *single(guesses[step, :, who]).unbind(1)


@torch.no_grad()
def learnt(guess, part):
    """How much of the push is in the guess, and how much else, as a share of its length: of the part's last batch, which is not trained on."""
    along = size = whole = 0.
    for step in np.where(part[0][:, 1] == part[0][:, 1].max())[0]:
        t, c, z, _, e1, push = some(part, np.full(BATCH, step), np.arange(BATCH))
        with quick():
            d = guess(z, t, c).sample.float() - e1
        along, size, whole = along + float((d * push).sum()), size + float((push ** 2).sum()), whole + float((d ** 2).sum())
    return round(along / size, 3), round(max(0., whole / size - (along / size) ** 2) ** .5, 3)


def merged(low):
    """The UNet with what the low ranks have learnt."""
    unet = load_weights("unet", "ema", make_unet())
    layers = {"lora_unet_" + name.replace(".", "_"): m for name, m in unet.named_modules()}
    with torch.no_grad():
        for name, layer in low.items():
            layers[name].weight += layer.up.weight @ layer.down.weight
    return unet


def main():
    run = Run("steer", 40, sets="sdA,sdB", parts=2, count=400, batch=16, rank=8, peak=7e-4, only=-1)
    sets = [faces(n) for n in run.args.sets.split(",")]
    if run.args.only >= 0:
        walks(run.args.only, run.args.count, sets)
        return
    parts = [walks(k, run.args.count, sets) for k in range(run.args.parts)]
    unet, prompter = load_weights("unet", "ema", make_unet()), Prompter()
    unet.set_attn_processor(NarrowAttention())
    low = with_lora(unet, run.args.rank)
    learned = [p for p in low.parameters() if p.requires_grad]
    ema, opt = EMA(low, .98), torch.optim.Adam(learned, run.args.peak, (.9, .99))
    state, more = dict(model=low, mean=ema, opt=opt), True
    run.load(state)
    nothing, sizes = prompter([""])[0], np.array([len(p[0]) for p in parts])
    guess = torch.compile(unet)
    while more:
        run.rate(opt, run.args.peak, warm=20, floor=.05, flat=.4)
        n = run.args.batch
        part = parts[run.rng.choice(len(parts), p=sizes / sizes.sum())]
        t, c, z, e0, e1, push = some(part, run.rng.choice(np.where(part[0][:, 1] < part[0][:, 1].max())[0], n), run.rng.integers(0, BATCH, n))
        silent = torch.from_numpy(run.rng.random(n) < .1)
        c = torch.where(silent[:, None, None], nothing, c)
        answer = torch.where(silent[:, None, None, None], e0, e1 + EAGER * push)
        with quick():
            e = guess(z, t, c).sample.float()
        loss = 1000 * ((e - answer) ** 2).mean()
        descend(loss, low, opt, ema)
        more = run.tick(n, state, loss=loss)
        if run.step % 200 == 0 or not more:
            run.say(f"steer learnt {learnt(guess, parts[0])}")
    steered = merged(ema.model)
    run.save(state | dict(ema=steered))
    sheet(draw(steered, final_vae(), prompter, PROMPTS, White()), RUN / "logs/steer.png", 10, 2)


if __name__ == "__main__":
    main()
