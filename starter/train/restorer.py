# SPDX-License-Identifier: Apache-2.0
"""The restorer: GFPGAN's contract (512² RGB -1..1 in ffhq_512's alignment, in and out), worked out at 128².

Half of the pictures are degraded renders, half went through the VAE and the upscaler at the size that a face has in a drawn
picture: what the loop will hand over. The answer is the render. L1, edges, and a critic of patches.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from common import (Critic, EMA, FFHQ, Muon, RUN, Run, advance, crops, degrade, gradient_l1, load_weights, point_weight, psnr, quick, sheet,
                    to_float, to_u8)
from data import cached, chunks, faces
from hourglass import Hourglass
from upscaler import Upscaler
from vae import final_vae

SIDE, WINDOW, MARGIN = 512, 192, 32


class Restorer(nn.Module):
    """[N,3,H,W] -1..1 -> the same, H and W divisible by 32."""

    def __init__(self):
        super().__init__()
        self.first, self.body = nn.Conv2d(48, 64, 3, 1, 1), Hourglass((64, 80, 96, 112), norm=False)
        self.last = nn.Conv2d(64, 48, 3, 1, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(self, x):
        f = self.body(F.leaky_relu(self.first(F.pixel_unshuffle(x, 4)), .2))
        return (x + F.pixel_shuffle(self.last(f), 4)).clamp(-1, 1)


def fine(name):
    """Crisp crops [N,512+MARGIN,...] u8 of renders as large as the crop."""
    f = faces(name)
    wide = (FFHQ * SIDE + MARGIN / 2) / (SIDE + MARGIN)
    return cached(f"{name}_ffhq.npy", lambda: chunks(len(f), lambda i: to_u8(crops(f.batch(i), f.points()[i], wide, SIDE + MARGIN)), 16))


def coarse(x, rng):
    """As a small face comes: down by 2 to 6, degraded, up again."""
    k = int(x.shape[-1] / rng.uniform(2, 6) / 2) * 2
    small = F.interpolate(x, size=k, mode="bilinear", antialias=True)
    return F.interpolate(degrade(small, rng, .03), size=x.shape[-1], mode="bicubic").clamp(0, 1)


@torch.no_grad()
def melted(name):
    """fine(name) as the loop draws such faces: small through the VAE, its latents not quite right, enlarged by the upscaler. u8."""
    def one(i):
        rng = np.random.default_rng(int(i[0]))
        k = int(rng.integers(10, 25)) * 8
        y = F.interpolate(to_float(fine(name)[i]), size=k, mode="bicubic", antialias=True).clamp(0, 1)
        z = vae.encode(y * 2 - 1).latent_dist.mean
        z = z + torch.randn_like(z) * z.std() * rng.uniform(0, .35)
        y = upscaler((vae.decode(z).sample / 2 + .5).clamp(0, 1))
        return to_u8(F.interpolate(y, size=SIDE + MARGIN, mode="bicubic").clamp(0, 1))
    vae, upscaler = final_vae(), load_weights("upscaler", "ema", Upscaler())
    torch.manual_seed(7)
    return cached(f"{name}_melted.npy", lambda: chunks(len(fine(name)), one, 1))


def quality(model, save=None):
    soft, crisp = melted("fine_test"), fine("fine_test")
    half, rng = MARGIN // 2, np.random.default_rng(4)
    y = to_float(crisp[:24, half:-half, half:-half])
    v = torch.cat([to_float(soft[:12, half:-half, half:-half]), *[coarse(y[i:i + 1], rng) for i in range(12, 24)]])
    with torch.no_grad():
        out = torch.cat([model(v[i:i + 1] * 2 - 1) / 2 + .5 for i in range(len(v))])
    if save:
        sheet(torch.cat([v[::6], out[::6], y[::6]]), save, 4)
    return dict(melted=round(psnr(out[:12], y[:12]), 2), melted_before=round(psnr(v[:12], y[:12]), 2),
                coarse=round(psnr(out[12:], y[12:]), 2), coarse_before=round(psnr(v[12:], y[12:]), 2))


def main():
    run = Run("restorer", 20, batch=6)
    crisp, soft = fine("fine"), melted("fine")
    model = Restorer()
    ema, opt, critic = EMA(model, .998), Muon(model, edges=("first", "last")), Critic()
    state, more = dict(model=model, ema=ema, opt=opt, critic=critic), True
    run.load(state)
    run.say(f"restorer {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M weights, {len(crisp)} renders")
    while more:
        run.rate(opt, .004, warm=60, floor=.03, flat=.3)
        xs, ys, at = [], [], []
        for k in range(run.args.batch):
            top, left = np.clip(run.rng.normal((SIDE + MARGIN - WINDOW) / 2, 90, 2), 0, SIDE + MARGIN - WINDOW).astype(int)
            cut = lambda v: v[..., top:top + WINDOW, left:left + WINDOW]
            i = run.rng.integers(len(crisp))
            y = cut(to_float(crisp[i:i + 1]))
            x = cut(to_float(soft[i:i + 1])) if k % 2 else coarse(y, run.rng)
            flip = run.rng.random() < .5
            xs.append(x.flip(-1) if flip else x)
            ys.append(y.flip(-1) if flip else y)
            p = FFHQ * SIDE + MARGIN / 2 - np.array([left, top])
            at.append(np.stack([WINDOW - p[:, 0], p[:, 1]], 1) if flip else p)
        x, y = torch.cat(xs), torch.cat(ys)
        w = point_weight(np.stack(at), WINDOW, 30., 2.)
        with quick():
            out = model(x * 2 - 1)
        out = out.float() / 2 + .5
        loss = ((out - y).abs() * w).mean() + gradient_l1(out, y, w)
        doubt = critic.backward(loss, out, y, .6 * (run.share() > .3))
        advance(model, opt, ema)
        more = run.tick(len(x), state, loss=loss, doubt=doubt)
        if run.step % 400 == 0 or not more:
            run.say(f"restorer unseen {quality(ema.model, RUN / 'logs/restorer.png')}")


if __name__ == "__main__":
    main()
