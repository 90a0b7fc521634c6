# SPDX-License-Identifier: Apache-2.0
"""The ControlNet for Canny edges: diffusers' form, without transformers, the UNet frozen.

The loss of noise hardly asks for edges, and a ControlNet learns nothing from it for many thousand steps. So two things are asked of the
picture that the UNet guesses instead: to be near to the render, however much noise there was, and to have its edges, as trace.py reads them.
"""
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import ControlNetModel, DDPMScheduler
from torch import nn
from attention import NarrowAttention
from common import EMA, Muon, RUN, Run, advance, load_weights, quick, sheet, to_float, to_u8
from data import portraits
from sense import READS, noised
from text import WIDTH as CONTEXT, vary
from trace import Trace, edges, outlines
from unet import BETAS, GROUPS, Prompter, White, WIDTHS, ddim, final_unet, levels, raw_latents, turns
from vae import final_vae

FIRST, SEEN = 200, .5  # the least noise that it learns at; weight of what is read of edges


@torch.no_grad()
def make_control(unet):
    """Convolutions alone, as in the small ControlNets of SDXL: what is to be seen the words tell the UNet itself. The layers that look at
    edges begin as loud as those that look at latents, or nothing of edges would get through for thousands of steps."""
    net = ControlNetModel(
        down_block_types=("DownBlock2D",) * len(WIDTHS), mid_block_type="UNetMidBlock2D", block_out_channels=WIDTHS, layers_per_block=1,
        norm_num_groups=GROUPS, cross_attention_dim=CONTEXT, attention_head_dim=8, conditioning_embedding_out_channels=(8, 16, 32, 64))
    own = net.state_dict()
    net.load_state_dict({k: v for k, v in unet.state_dict().items() if k in own}, strict=False)
    hint = net.controlnet_cond_embedding
    for m in hint.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, a=.5)
            nn.init.zeros_(m.bias)
    return net


def controlled(net, unet, z, t, context, hint):
    down, mid = net(z, t, context, controlnet_cond=hint, return_dict=False)
    return unet(z, t, context, down_block_additional_residuals=down, mid_block_additional_residual=mid).sample


def hints(pictures, rng=None):
    """[N,3,S,S] 0..1: edges of pictures u8, as the program has them, or of other thresholds too."""
    between = lambda: (100, 200) if rng is None else sorted(rng.uniform(40, 220, 2))
    return to_float(np.stack([np.repeat(edges(p, *between())[..., None], 3, 2) for p in pictures]))


def kept(asked, drawn):
    """Share of the asked edges [N,3,S,S] that lie within two pixels of an edge of the drawn pictures."""
    near = lambda v: F.max_pool2d(v[:, :1], 5, 1, 2)
    return round(float((asked[:, :1] * near(hints(to_u8(drawn)))).sum() / asked[:, :1].sum()), 3)


def quality(predict, unet, prompter, vae, white, path):
    """Of unseen people: which share of the asked edges is drawn, with it and without."""
    pictures, _, f = portraits("sd_test")
    at = np.where(f["people"] == 1)[0][:12]
    asked, both = hints(pictures[at]), []
    c, twice = prompter([""] * len(at) + [f.captions[i] for i in at]), torch.cat([asked, asked])
    noise, steps = torch.randn(len(at), 4, 24, 24, generator=torch.Generator().manual_seed(3)), np.linspace(981, 0, 13).round().astype(int)
    for guess in (lambda z, t: predict(z, t, c, twice), lambda z, t: unet(z, t, c).sample):
        with quick():
            z = ddim(guess, noise, steps)
        with torch.no_grad():
            both.append((vae.decode(white.raw(z)).sample / 2 + .5).clamp(0, 1))
    sheet(torch.cat([asked, *both, to_float(pictures[at])]), path, len(at))
    return [kept(asked, x) for x in both]


def main():
    run = Run("control", 45, batch=24, peak=.006)
    white, bars, prompter, vae = White(), DDPMScheduler(**BETAS).alphas_cumprod, Prompter(), final_vae()
    pictures, _, f = portraits("sdA")
    z0, wanted, often = white(torch.from_numpy(np.array(raw_latents("sdA")[0])).float()), outlines("sdA"), turns(f)
    trace, unet = load_weights("trace", "ema", Trace()), final_unet()
    unet.set_attn_processor(NarrowAttention())
    net = make_control(unet).requires_grad_(True).train()
    predict = lambda z, t, c, hint: controlled(net, unet, z, t, c, hint)
    ema, opt = EMA(net, .98), Muon(net, run.args.peak, edges=("conv_in", "conv_out", "time_embedding"))
    state, more = dict(model=net, ema=ema, opt=opt), True
    run.load(state)
    run.say(f"control {sum(p.numel() for p in net.parameters()) / 1e6:.2f} M weights")
    while more:
        run.rate(opt, run.args.peak, warm=40, floor=.03, flat=.3)
        i = run.rng.choice(len(often), run.args.batch, p=often / often.sum())
        c = prompter([vary(f.captions[k], run.rng) if run.rng.random() < .7 else "" for k in i])
        t = levels(len(i), run.rng, FIRST)
        x, noise = z0[i], torch.randn(len(i), 4, 24, 24)
        a = bars[t][:, None, None, None]
        z = noised(x, t, bars, noise)
        with quick():
            e = predict(z, t, c, hints(pictures[i], run.rng)).float()
        guess = (z - (1 - a).sqrt() * e) / a.sqrt()
        far = ((guess - x) ** 2).mean((1, 2, 3)).clamp(max=4.).mean()
        soft = torch.randint(READS // 4, READS, (len(i),))  # under noise that hides how a guess differs from a latent
        with quick():
            read = trace(noised(guess, soft, bars, torch.randn_like(x)), soft)
        drawn = F.binary_cross_entropy_with_logits(read.float(), torch.from_numpy(wanted[i]).float())
        (far + SEEN * drawn).backward()
        advance(net, opt, ema)
        more = run.tick(len(i), state, every=50, far=far, drawn=drawn)
        if run.step % 300 == 0 or not more:
            run.say(f"control unseen, edges drawn with and without it {quality(predict, unet, prompter, vae, white, RUN / 'logs/control.png')}")


if __name__ == "__main__":
    main()
