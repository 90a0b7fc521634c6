# SPDX-License-Identifier: Apache-2.0
"""Faces as the tiny Stable Diffusion really draws them, with the crisp render as the known answer.

A framed render of twice the drawn size is halved, encoded, noised to step 80 ... 320 of 1000, denoised in two steps by the trained UNet with
its own caption, decoded and enlarged: the features melt as in a drawn picture, yet stay where the render has them.
"""
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import DDPMScheduler
from common import ARCFACE_128, RUN, SIDE, crops, load_weights, quick, to_float, to_u8
from data import cached, chunks, portraits
from unet import BETAS, Prompter, White, ddim, final_unet
from upscaler import Upscaler
from vae import final_vae

GUIDANCE = 3.
SOFT = 2600  # pictures of each set that softened() gives


def softened(name, size=128):
    """[SOFT,size,size,3] u8: the first portraits of a set as the VAE gives them back."""
    pictures, vae = portraits(name)[0][:SOFT], final_vae()

    @torch.no_grad()
    def some(i):
        with quick():
            x = vae.decode(vae.encode(to_float(pictures[i]) * 2 - 1).latent_dist.mean).sample.float() / 2 + .5
        return to_u8(F.interpolate(x, size=size, mode="bilinear", antialias=True))
    return cached(f"{name}_soft{size}.npy", lambda: chunks(len(pictures), some))


class Redraw:
    """[N,3,2·SIDE,2·SIDE] 0..1 and captions -> the same drawn again."""

    def __init__(self):
        self.vae, self.unet = final_vae(), final_unet()
        self.upscaler, self.words = load_weights("upscaler", "ema", Upscaler()), Prompter()
        self.white, self.bars = White(), DDPMScheduler(**BETAS).alphas_cumprod

    @torch.no_grad()
    def __call__(self, x, captions, rng):
        small = F.interpolate(x, scale_factor=.5, mode="bicubic", antialias=True).clamp(0, 1)
        z = self.white(self.vae.encode(small * 2 - 1).latent_dist.mean)
        start = int(rng.integers(80, 320))
        a = self.bars[start]
        z = a.sqrt() * z + (1 - a).sqrt() * torch.randn_like(z)
        c = self.words([""] * len(x) + captions)
        z = ddim(lambda z, t: self.unet(z, t, c).sample, z, (start, start // 2, 0), GUIDANCE)
        y = self.vae.decode(self.white.raw(z)).sample / 2 + .5
        return self.upscaler(y.clamp(0, 1)).clamp(0, 1)


def drawn(name, count, size, margin, template=ARCFACE_128, fine=2 * SIDE):
    """Crops in the template with room to move: drawn u8, crisp u8, [N,size+margin,...]; crisp ones of portraits of side `fine`."""
    pictures, points, f = portraits(name, 2 * SIDE)
    whole, points = portraits(name, fine)[0], points[:, 0]
    people = np.where(f["people"] == 1)[0][:count]
    wide = (template * size + margin / 2) / (size + margin)
    cut = lambda x, k: to_u8(crops(x, points[people[k]] * (x.shape[-1] / (2 * SIDE)), wide, size + margin))

    def both(k):
        # The captions are those of the pictures: nothing else tells the UNet what the noise has hidden.
        y = redraw(to_float(pictures[people[k]]), [f.captions[i] for i in people[k]], np.random.default_rng(int(k[0])))
        return np.stack([cut(y, k), cut(to_float(whole[people[k]]), k)], 1)
    path = f"{name}_drawn{size}.npy"
    redraw = None if (RUN / "data" / path).exists() else Redraw()
    torch.manual_seed(7)
    two = cached(path, lambda: chunks(len(people), both, 16))
    return two[:, 0], two[:, 1]
