# SPDX-License-Identifier: Apache-2.0
"""Two small companions of the tiny Stable Diffusion, each in its community's form, so that those features can be seen:

    companions.py --what lora       a drawing style: kohya's LoRA of rank 4 for all attention layers; say "pencil drawing"
    companions.py --what inpaint    an inpainting UNet: nine channels (latents, mask, latents of the rest), taught further from the plain one
"""
import sys
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler, UNet2DConditionModel
from torch import nn
from attention import NarrowAttention
from common import Muon, RUN, Run, SIDE, blur, load_weights, quick, sheet, to_float
from data import cached, chunks, faces, portraits
from unet import BETAS, PROMPTS, Prompter, White, contexts, ddim, emphasis, final_unet, levels, make_unet, raw_latents
from vae import final_vae, make_vae

RANK, PICTURES = 4, 2500
TRIGGER = "pencil drawing"


# ---- LoRA ----

class Low(nn.Module):
    """A linear layer and its low-rank change."""

    def __init__(self, inner, rank):
        super().__init__()
        self.inner = inner
        self.down, self.up = nn.Linear(inner.in_features, rank, bias=False), nn.Linear(rank, inner.out_features, bias=False)
        nn.init.normal_(self.down.weight, std=1 / rank)
        nn.init.zeros_(self.up.weight)

    def forward(self, x):
        return self.inner(x) + self.up(self.down(x))


def with_lora(unet, rank=RANK):
    """Puts a Low round every projection of every attention, which alone can learn then; returns them by kohya's names."""
    unet.requires_grad_(False)
    found = {}
    for name, m in list(unet.named_modules()):
        if name.endswith((".to_q", ".to_k", ".to_v", ".to_out.0", ".ff.net.0.proj", ".ff.net.2")):
            parent = unet.get_submodule(name.rpartition(".")[0])
            low = Low(m, rank)
            setattr(parent, name.rpartition(".")[2], low) if not name.rpartition(".")[2].isdigit() else \
                parent.__setitem__(int(name.rpartition(".")[2]), low)
            found["lora_unet_" + name.replace(".", "_")] = low
    return nn.ModuleDict(found)


def pencil(x):
    """A drawing of the picture: strokes where it changes (colour dodge), soft tone, warm paper."""
    g = (x * torch.tensor([.3, .59, .11])[:, None, None]).sum(1, keepdim=True)
    lines = (g / blur(g, 2.2).clamp(min=.02)).clamp(max=1.) ** 3
    tone = .72 + .28 * g
    paper = torch.tensor([.98, .96, .92])[:, None, None]
    ink = torch.tensor([.16, .15, .18])[:, None, None]
    a = (lines * tone).clamp(0, 1)
    return paper * a + ink * (1 - a)


# ---- inpainting ----

def make_inpaint():
    """The UNet with five more channels going in, which count for nothing at first."""
    unet = UNet2DConditionModel.from_config(dict(make_unet().config, in_channels=4 + 5))
    plain = final_unet().state_dict()
    plain["conv_in.weight"] = F.pad(plain["conv_in.weight"], (0, 0, 0, 0, 0, 5))
    unet.load_state_dict(plain)
    return unet


def holes(n, rng):
    """[n,1,SIDE,SIDE]: what is to be painted: boxes, ovals, half of the picture, all of it."""
    m = torch.zeros(n, 1, SIDE, SIDE)
    y, x = torch.meshgrid(torch.arange(SIDE * 1.), torch.arange(SIDE * 1.), indexing="ij")
    for k in range(n):
        kind = rng.random()
        cx, cy, rx, ry = (rng.uniform(a, b) * SIDE for a, b in ((.15, .85), (.15, .85), (.11, .44), (.11, .44)))
        if kind < .45:
            m[k, 0] = ((x - cx).abs() < rx) & ((y - cy).abs() < ry)
        elif kind < .9:
            m[k, 0] = ((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 < 1
        else:
            m[k, 0] = 1
    return m


# ---- training ----

def latents_of(name, make):
    """[PICTURES,4,SIDE/8,SIDE/8] f16 of changed portraits of sdA."""
    vae = load_weights("vae", "ema", make_vae())
    pictures, _, _ = portraits("sdA")

    @torch.no_grad()
    def some(i):
        with quick():
            return vae.encode(make(to_float(pictures[i]), i) * 2 - 1).latent_dist.mean.half().numpy()
    return cached(f"sdA_{name}.npy", lambda: chunks(PICTURES, some))


class Sample:
    """Latents, contexts and what each companion adds."""

    def __init__(self, what, rng):
        self.what, self.rng, self.prompter, self.white = what, rng, Prompter(), White()
        self.set = faces("sdA")
        self.z, self.ctx = raw_latents("sdA")[0], contexts("sdA")[0]
        if what == "lora":
            self.z = latents_of("pencil", lambda x, i: pencil(x))
        if what == "inpaint":
            hole = np.random.default_rng(6)
            self.masks = cached("sdA_holes.npy", lambda: holes(PICTURES, hole).to(torch.uint8).numpy())
            self.rest = latents_of("rest", lambda x, i: x * (1 - torch.from_numpy(np.array(self.masks[i])).float()) + .5 * torch.from_numpy(np.array(self.masks[i])).float())

    def scaled(self, z):
        return self.white(torch.from_numpy(z.astype(np.float32)))

    def __call__(self, n):
        i = self.rng.integers(0, PICTURES, n)
        c = torch.from_numpy(self.ctx[self.rng.integers(0, len(self.ctx), n), i].astype(np.float32))
        if self.what == "lora":
            c = self.prompter([f"{TRIGGER} of {self.set.captions[k]}" if self.rng.random() < .5 else f"{self.set.captions[k]}, {TRIGGER}" for k in i])
        extra = None
        if self.what == "inpaint":
            mask = F.interpolate(torch.from_numpy(np.array(self.masks[i])).float(), size=SIDE // 8)
            extra = torch.cat([mask, self.scaled(self.rest[i])], 1)
        return self.scaled(self.z[i]), c, extra


@torch.no_grad()
def show(predict, sample, vae, path):
    """Twenty steps of DDIM with guidance for sixteen prompts; predict(z, t, context, extra)."""
    g = torch.Generator().manual_seed(3)
    prompts = [f"{TRIGGER} of {p}" for p in PROMPTS[:16]] if sample.what == "lora" else PROMPTS[:16]
    x0, c, extra = sample(16)
    c = sample.prompter(prompts) if sample.what == "lora" else c
    c, twice = torch.cat([sample.prompter([""] * 16), c]), torch.cat([extra, extra]) if extra is not None else None
    z = ddim(lambda z, t: predict(z, t, c, twice), torch.randn(16, 4, SIDE // 8, SIDE // 8, generator=g), [*range(981, 0, -49), 0])
    y = vae.decode(sample.white.raw(z)).sample / 2 + .5
    truth = vae.decode(sample.white.raw(x0)).sample / 2 + .5
    sheet(torch.cat([y, truth]), path, 16, 1)


def build(what):
    """The network to learn, and how noise is predicted."""
    if what == "inpaint":
        net = make_inpaint()
        net.set_attn_processor(NarrowAttention())
        return net, lambda z, t, c, extra: net(torch.cat([z, extra], 1), t, c).sample
    unet = final_unet()
    unet.set_attn_processor(NarrowAttention())
    return with_lora(unet), lambda z, t, c, extra: unet(z, t, c).sample


def main():
    what = sys.argv[sys.argv.index("--what") + 1]
    run = Run(what, dict(lora=8, inpaint=25)[what], what=what, batch=24)
    sample, (net, predict) = Sample(what, run.rng), build(what)
    learned = [p for p in net.parameters() if p.requires_grad]
    opt = torch.optim.AdamW(learned, 1e-3, weight_decay=0) if what == "lora" else Muon(net, edges=("conv_in", "conv_out", "time_embedding"))
    state, more, shown = dict(model=net, opt=opt), True, 0.
    run.load(state)
    bars, vae = DDPMScheduler(**BETAS).alphas_cumprod, final_vae()
    run.say(f"{what} {sum(p.numel() for p in learned) / 1e6:.2f} M weights")
    while more:
        run.rate(opt, 2e-3 if what == "lora" else .004, warm=60, floor=.03, flat=.3)
        x0, c, extra = sample(run.args.batch)
        silent = torch.from_numpy(run.rng.random(len(x0)) < .1)
        c = torch.where(silent[:, None, None], sample.prompter([""]), c)
        t = levels(len(x0), run.rng)
        a, noise = bars[t][:, None, None, None], torch.randn_like(x0)
        with quick():
            e = predict(a.sqrt() * x0 + (1 - a).sqrt() * noise, t, c, extra).float()
        loss = ((e - noise) ** 2 * emphasis(a)).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.)
        opt.step()
        opt.zero_grad(set_to_none=True)
        more = run.tick(len(x0), state, loss=loss)
        if run.spent - shown > 600 or not more:
            shown = run.spent
            show(predict, sample, vae, RUN / "logs" / f"{what}.png")


if __name__ == "__main__":
    main()
