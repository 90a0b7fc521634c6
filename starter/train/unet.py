# SPDX-License-Identifier: Apache-2.0
"""The tiny UNet: SD 1.x topology, epsilon prediction, cached latents and contexts.

Few samples must do, so: the network starts as the identity (its first guess of the noise is its input, which is right
where there is most noise), residual branches start at zero, the face counts more than the backdrop, and steps with
much noise, where the words are decided, count more than plain epsilon loss lets them: weight min(SNR,15)/SNR * sqrt(1+1/SNR).
"""
import copy
import numpy as np
import torch
from diffusers import DDPMScheduler, DPMSolverMultistepScheduler, UNet2DConditionModel
from attention import NarrowAttention
from common import EMA, Muon, RUN, Run, SIDE, descend, load_weights, point_weight, quick, sheet, to_float
from data import cached, chunks, faces, portraits
from plain import plainly
from text import LENGTH, Reader, WIDTH as CONTEXT, encode, mirror, nothing, tokenizer, vary
from vae import make_vae

GUIDANCE = 4.5  # of drawings; practise.py gives words their weight, and faces stay cleaner than with more
LEVEL = 3.  # of the constants beside the input, in deviations of the input
LATENTS = 9000  # of each set
WIDTHS, GROUPS, VARIANTS = (64, 128, 128, 64), 16, 3
BETAS = dict(num_train_timesteps=1000, beta_start=.00085, beta_end=.012, beta_schedule="scaled_linear")
PROMPTS = ["a young woman with long blonde hair and round glasses, smiling, blue background",
           "an old man with a grey beard, serious, in a studio", "portrait of a young man with an afro and dark skin, in a library",
           "a little girl with red braids, laughing, in a meadow", "a middle-aged woman with a black bob, pale skin, red background",
           "a man with a brown beard and square glasses wearing a green hoodie", "an elderly woman with white hair, smiling, at the beach",
           "a young man with a blue cap, surprised, yellow background", "a woman wearing a green headscarf, brown skin",
           "a bald man with a moustache, purple background", "a boy with a beanie in the snow", "a woman with long curly pink hair and hoop earrings",
           "a man with locs looking to the left, street at night", "two women", "a man with a beard on the left and a girl on the right",
           "photo of a woman", "a lighthouse by the sea", "a cat", "a castle", "a beach at sunset"]


def make_unet():
    unet = UNet2DConditionModel(
        sample_size=SIDE // 8, in_channels=4, out_channels=4, layers_per_block=1, block_out_channels=WIDTHS,
        norm_num_groups=GROUPS, cross_attention_dim=CONTEXT, attention_head_dim=8,
        down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
        up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3)
    start_as_identity(unet)
    return unet


@torch.no_grad()
def start_as_identity(unet):
    """Zero residual branches; channels 4c, 4c+1 carry +x_c, -x_c through the last skip, and silu(x) - silu(-x) = x.

    Group norm would hide how strong the input's noise is, and a 3 % error of that is a mosaic at the end: so channels
    4c+2, 4c+3 hold the constants +LEVEL, -LEVEL, which keep the norm of their group nearly the same for every input.
    """
    for name, m in unet.named_modules():
        if name.endswith((".conv2", ".proj_out")):
            m.weight.zero_()
            m.bias.zero_()
    last, first = unet.up_blocks[3].resnets[-1].conv_shortcut, unet.conv_in
    own = 4 * 4
    for m in (first, last):
        m.weight[:own].zero_()
        m.bias[:own].zero_()
    unet.conv_out.weight.mul_(.1)
    unet.conv_out.weight[:, :own].zero_()
    unet.conv_out.bias.zero_()
    unet.conv_norm_out.weight[:own] = ((1 + LEVEL ** 2) / 2) ** .5
    for c in range(4):
        for k, sign in ((4 * c, 1.), (4 * c + 1, -1.)):
            first.weight[k, c, 1, 1] = sign
            last.weight[k, unet.config.block_out_channels[0] + k] = 1.
            unet.conv_out.weight[c, k, 1, 1] = sign
            first.bias[k + 2], last.bias[k + 2] = sign, sign * LEVEL


def final_unet():
    """The UNet, with its practice where it has had some."""
    return load_weights("practise" if (RUN / "practise.pt").exists() else "unet", "ema", make_unet())


def emphasis(a):
    """Weight of the error at levels of noise whose pictures have a share a of the variance: see above."""
    snr = a / (1 - a)
    return snr.clamp(max=15.) / snr * (1 + 1 / snr).sqrt()


def levels(n, rng, least=0, most=1000):
    """Steps of the noise [n], evenly spread: every batch sees all of them."""
    return torch.from_numpy(least + (rng.permutation(n) + rng.random(n)) / n * (most - least)).long()


# ---- caches ----

class White:
    """Raw latents [N,4,h,w] to white ones, and back: of mean 0, deviation 1, and no channel says what another has said, or
    noise would hide what only their difference tells. export.py folds it into the VAE."""

    def __init__(self):
        z = raw_latents("sdA")[0].astype(np.float64).transpose(1, 0, 2, 3).reshape(4, -1)
        size, axes = np.linalg.eigh(np.cov(z))
        single = lambda v: torch.from_numpy(v.astype(np.float32))
        self.mean, self.to, self.back = single(z.mean(1)), single((axes * size ** -.5) @ axes.T), single((axes * size ** .5) @ axes.T)

    def __call__(self, z):
        return torch.einsum("ij,njhw->nihw", self.to, z - self.mean[:, None, None])

    def raw(self, z):
        return torch.einsum("ij,njhw->nihw", self.back, z) + self.mean[:, None, None]


def raw_latents(name):
    """[2,N,4,SIDE/8,SIDE/8] f16: posterior means of the first N <= LATENTS pictures and of their mirror images."""
    vae = load_weights("vae", "ema", make_vae())
    pictures, _, f = portraits(name)

    @torch.no_grad()
    def both(i):
        x = to_float(pictures[i]) * 2 - 1
        with quick():
            z = torch.stack([vae.encode(x).latent_dist.mean, vae.encode(x.flip(-1)).latent_dist.mean], 1)
        return z.half().numpy()
    return cached(f"{name}_latents.npy", lambda: chunks(min(len(f), LATENTS), both)).transpose(1, 0, 2, 3, 4)


def contexts(name):
    """[2,VARIANTS,N,77,CONTEXT] f16: the text encoder's output for varied captions, the last of them plain, and for those of the
    mirror images."""
    tok = tokenizer()
    f = faces(name)
    encoder = load_weights("text", "model", Reader(tok, faces("text_test").names)).encoder
    rng = np.random.default_rng(5)

    @torch.no_grad()
    def some(i):
        out = []
        for variant in range(VARIANTS):
            plain = [plainly(f, k, rng) if variant == VARIANTS - 1 else None for k in i]
            said = [p[0] if p else vary(f.captions[k], rng) for p, k in zip(plain, i)]
            out += [encoder(encode(tok, said)).last_hidden_state.half(), encoder(encode(tok, [mirror(s) for s in said])).last_hidden_state.half()]
        return torch.stack(out, 1).numpy()
    c = cached(f"{name}_contexts.npy", lambda: chunks(min(len(f), LATENTS), some))
    return c.reshape(len(c), VARIANTS, 2, LENGTH, CONTEXT).transpose(2, 1, 0, 3, 4)


def turns(f):
    """How often each of the first LATENTS pictures of a set has its turn, 1 on average: one person's style of hair, or hat, the
    more often the fewer have it, by the square root."""
    kind = np.where(f["people"] != 1, 0, np.where(f["hat"] > 0, 100 + f["hat"], 1 + f["hair-style"])).astype(int)[:LATENTS]
    _, which, count = np.unique(kind, return_inverse=True, return_counts=True)
    often = np.where(kind == 0, 1., (count[which] / np.median(count)) ** -.5)
    return often / often.mean()


class Prompter:
    """Prompts to contexts with the frozen encoder."""

    def __init__(self):
        self.tok = tokenizer()
        self.encoder = load_weights("text", "model", Reader(self.tok, faces("text_test").names)).encoder

    @torch.no_grad()
    def __call__(self, prompts):
        return self.encoder(encode(self.tok, prompts)).last_hidden_state


# ---- sampling ----

@torch.no_grad()
def draw(unet, vae, prompter, prompts, white, seed=0, steps=20, guidance=GUIDANCE, negative=""):
    """dpmpp-2m, as the program's default; pictures [N,3,SIDE,SIDE] 0..1."""
    s = DPMSolverMultistepScheduler(**BETAS, algorithm_type="dpmsolver++", solver_order=2, timestep_spacing="leading",
                                    steps_offset=1, final_sigmas_type="zero")
    s.set_timesteps(steps)
    g = torch.Generator().manual_seed(seed)
    z = torch.randn(len(prompts), 4, SIDE // 8, SIDE // 8, generator=g)
    ctx = torch.cat([prompter([negative] * len(prompts)), prompter(prompts)])
    for t in s.timesteps:
        e0, e1 = unet(torch.cat([z, z]), t, ctx).sample.chunk(2)
        z = s.step(e0 + guidance * (e1 - e0), t, z).prev_sample
    return vae.decode(white.raw(z)).sample / 2 + .5


@torch.no_grad()
def ddim(predict, z, at, guidance=GUIDANCE):
    """Latents z, as noisy as step at[0] has them, after DDIM's steps to at[-1]; predict(z twice, t) guesses the noise without the prompt
    and with it."""
    bars = DDPMScheduler(**BETAS).alphas_cumprod
    for t, after in zip(at, at[1:]):
        e0, e1 = predict(torch.cat([z, z]), torch.full((2 * len(z),), int(t))).float().chunk(2)
        e, a, b = e0 + guidance * (e1 - e0), bars[t], bars[after] if after else torch.tensor(1.)
        z = b.sqrt() * (z - (1 - a).sqrt() * e) / a.sqrt() + (1 - b).sqrt() * e
    return z


def main():
    run = Run("unet", 78, sets="sdA,sdB", batch=32, peak=.012)
    names = run.args.sets.split(",")
    white = White()
    z = torch.stack([white(torch.from_numpy(np.concatenate([raw_latents(n)[k] for n in names])).float()) for k in (0, 1)])
    ctx = [contexts(n) for n in names]  # memory-mapped: 3 GB
    counts = np.cumsum([0] + [c.shape[2] for c in ctx])
    prompter = Prompter()
    empty = torch.cat([prompter([""])] + [prompter([nothing(run.rng)]) for _ in range(60)])
    sets = [portraits(n) for n in names]
    weight = point_weight(np.concatenate([s[1][:LATENTS] for s in sets]) / 8, SIDE // 8, 1.2 * SIDE / 128, 2.)
    weight = weight / weight.mean()
    often = np.concatenate([turns(s[2]) for s in sets])
    often /= often.sum()
    run.say(f"unet {z.shape[1]} pictures, to white latents {white.to.numpy().round(2).tolist()}")

    unet = make_unet()
    unet.set_attn_processor(NarrowAttention())
    ema = EMA(unet, .995)
    opt = Muon(unet, run.args.peak, edges=("conv_in", "conv_out", "time_embedding"))
    was = copy.deepcopy(unet)
    state = dict(model=unet, ema=ema, opt=opt, was=was)
    run.load(state)
    if not run.step:
        was.load_state_dict(ema.model.state_dict())
    bars = DDPMScheduler(**BETAS).alphas_cumprod
    vae = load_weights("vae", "ema", make_vae())
    run.say(f"unet {sum(p.numel() for p in unet.parameters()) / 1e6:.1f} M weights")
    guess = torch.compile(unet)  # a fifth faster
    n, more, shown = z.shape[1], True, run.spent
    while more:
        run.rate(opt, run.args.peak, warm=60, floor=.03, flat=.4)
        i = run.rng.choice(n, run.args.batch, p=often)
        flip = run.rng.integers(0, 2, run.args.batch)
        x0, w = z[flip, i], weight[i].clone()
        mirrored = torch.from_numpy(flip == 1)
        w[mirrored] = w[mirrored].flip(-1)
        part = np.searchsorted(counts, i, "right") - 1
        # Every other caption is a plain one.
        c = np.stack([ctx[p][m, min(run.rng.integers(VARIANTS + 1), VARIANTS - 1), k - counts[p]] for p, m, k in zip(part, flip, i)])
        c = torch.from_numpy(c.astype(np.float32))
        drop = run.rng.random(run.args.batch) < .1
        silent = np.where(run.rng.random(len(i)) < .5, 0, run.rng.integers(0, len(empty), len(i)))
        c = torch.where(torch.from_numpy(drop)[:, None, None], empty[torch.from_numpy(silent)], c)
        t = levels(run.args.batch, run.rng)
        a = bars[t][:, None, None, None]
        noise = torch.randn_like(x0)
        with quick():
            e = guess(a.sqrt() * x0 + (1 - a).sqrt() * noise, t, c).sample.float()
        plain = (e - noise) ** 2
        loss = (plain * emphasis(a) * w).mean()
        descend(loss, unet, opt, ema)
        more = run.tick(len(i), state, loss=loss, eps=plain.mean())
        if run.spent - shown > 480 or not more:
            shown = run.spent
            sheet(draw(ema.model, vae, prompter, PROMPTS, white), RUN / "logs" / f"unet_{int(run.spent / 60):03d}.png", 10, 2)
    # A short training forgets what it seldom sees; half way between before and after both are known (Wortsman et al. 2022).
    if run.before:
        with torch.no_grad():
            for p, q in zip(ema.model.parameters(), was.parameters()):
                p.lerp_(q, .5)
        run.save(state)


if __name__ == "__main__":
    main()
