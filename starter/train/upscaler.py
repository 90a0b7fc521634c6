# SPDX-License-Identifier: Apache-2.0
"""The x2 upscaler: the contract of RRDBNet x2plus (any even size; RGB 0..1) and its blocks, few, on top of cubic interpolation.

Half of each batch are portraits that went through the VAE and must come out as the crisp render of twice the size, so the
upscaler also takes away the VAE's softness; the other half are plain scaled-down renders, some blurred or JPEG-coded.
A critic sharpens what L1 leaves soft.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from common import Critic, EMA, Muon, RUN, Run, SIDE, advance, degrade, gradient_l1, moved, point_weight, psnr, quick, sheet, to_float, to_u8
from data import cached, chunks, portraits
from vae import final_vae

FEATURES, GROW, BLOCKS, CROP = 32, 16, 3, 32


class Dense(nn.Module):
    """Residual dense block; tensor names as in Real-ESRGAN."""

    def __init__(self, nf=FEATURES, gc=GROW):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(nf, gc, 3, 1, 1), nn.Conv2d(nf + gc, gc, 3, 1, 1)
        self.conv3, self.conv4 = nn.Conv2d(nf + 2 * gc, gc, 3, 1, 1), nn.Conv2d(nf + 3 * gc, gc, 3, 1, 1)
        self.conv5 = nn.Conv2d(nf + 4 * gc, nf, 3, 1, 1)
        nn.init.zeros_(self.conv5.weight)

    def forward(self, x):
        act = lambda v: F.leaky_relu(v, .2)
        a = act(self.conv1(x))
        b = act(self.conv2(torch.cat([x, a], 1)))
        c = act(self.conv3(torch.cat([x, a, b], 1)))
        d = act(self.conv4(torch.cat([x, a, b, c], 1)))
        return self.conv5(torch.cat([x, a, b, c, d], 1)) * .2 + x


class RRDB(nn.Module):
    def __init__(self):
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = Dense(), Dense(), Dense()

    def forward(self, x):
        return self.rdb3(self.rdb2(self.rdb1(x))) * .2 + x


def phases():
    """[12,1,5,5]: the four phases of cubic interpolation by 2 (a = -0.75, as torch's), each channel by itself."""
    line = torch.tensor([[-.0351562, .2617188, .8789062, -.1054688, 0.], [0., -.1054688, .8789062, .2617188, -.0351562]])
    return torch.einsum("py,qx->pqyx", line, line).reshape(4, 1, 5, 5).repeat(3, 1, 1, 1)


class Upscaler(nn.Module):
    """[N,3,H,W] 0..1 -> [N,3,2H,2W]: cubic interpolation, plus what residual blocks at half the size add to it."""

    def __init__(self):
        super().__init__()
        nf = FEATURES
        self.register_buffer("cubic", phases())
        self.conv_first = nn.Conv2d(12, nf, 3, 1, 1)
        self.body = nn.Sequential(*[RRDB() for _ in range(BLOCKS)])
        self.conv_body = nn.Conv2d(nf, nf, 3, 1, 1)
        self.conv_up = nn.Conv2d(nf, 4 * nf, 3, 1, 1)
        self.conv_hr, self.conv_last = nn.Conv2d(nf, nf, 3, 1, 1), nn.Conv2d(nf, 12, 3, 1, 1)
        nn.init.zeros_(self.conv_last.weight)
        nn.init.zeros_(self.conv_last.bias)

    def forward(self, x):
        act = lambda v: F.leaky_relu(v, .2)
        f = self.conv_first(F.pixel_unshuffle(x, 2))
        f = f + self.conv_body(self.body(f))
        f = act(self.conv_hr(act(F.pixel_shuffle(self.conv_up(f), 2))))
        base = F.conv2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), self.cubic, groups=3)
        return F.pixel_shuffle(base + self.conv_last(f), 2)


def pictures(name):
    """Crisp pictures of 2·SIDE u8, the same after the VAE at SIDE u8, points in the crisp ones."""
    crisp, points, f = portraits(name, 2 * SIDE)
    vae = final_vae()

    @torch.no_grad()
    def trip(i):
        x = F.interpolate(to_float(crisp[i]), size=SIDE, mode="bicubic", antialias=True).clamp(0, 1)
        z = vae.encode(x * 2 - 1).latent_dist.mean
        z = z + torch.randn_like(z) * z.std() * .1
        return to_u8(vae.decode(z).sample / 2 + .5)
    return crisp, cached(f"{name}_soft.npy", lambda: chunks(len(f), trip)), points, f


def quality(model, save=None):
    crisp, soft, _, _ = pictures("up_test")
    y, v = to_float(crisp[:60]), to_float(soft[:60])
    small = F.interpolate(y, size=SIDE, mode="bicubic", antialias=True).clamp(0, 1)
    cubic = lambda x: F.interpolate(x, scale_factor=2., mode="bicubic").clamp(0, 1)
    with torch.no_grad():
        up = lambda x: torch.cat([model(x[i:i + 10]) for i in range(0, len(x), 10)]).clamp(0, 1)
        a, b = up(small), up(v)
    if save:
        sheet(torch.cat([cubic(v[:6]), b[:6], y[:6], a[:6]]), save, 6)
    return dict(plain=round(psnr(a, y), 2), plain_cubic=round(psnr(cubic(small), y), 2), soft=round(psnr(b, y), 2),
                soft_cubic=round(psnr(cubic(v), y), 2))


def main():
    run = Run("upscaler", 15, batch=12)
    crisp, soft, points, f = pictures("up")
    model = Upscaler()
    ema, opt = EMA(model, .998), Muon(model, edges=("conv_first", "conv_last"))
    critic = Critic()
    state = dict(model=model, ema=ema, opt=opt, critic=critic)
    run.load(state)
    run.say(f"upscaler {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M weights")
    more = True
    while more:
        run.rate(opt, .01, warm=60, floor=.03, flat=.3)
        n = run.args.batch
        i = run.rng.integers(0, len(crisp), n)
        at = np.clip(run.rng.normal(SIDE / 2, SIDE / 6, (n, 2)) - CROP / 2, 0, SIDE - CROP).astype(int)
        cut = lambda p, k: np.stack([p[j, k * y:k * (y + CROP), k * x:k * (x + CROP)] for j, (y, x) in zip(i, at)])
        y, v = to_float(cut(crisp, 2)), to_float(cut(soft, 1))
        plain = F.interpolate(y, size=CROP, mode="bicubic", antialias=True).clamp(0, 1)
        plain = degrade(plain, run.rng, .02) if run.rng.random() < .5 else plain
        x = torch.cat([v[:n // 2], plain[n // 2:]])
        w = point_weight(moved(points[i], 2 * at), 2 * CROP, 10., 2.)
        with quick():
            out = model(x).float()
        loss = ((out - y).abs() * w).mean() + .5 * gradient_l1(out, y, w)
        doubt = critic.backward(loss, out, y, .4 * (run.share() > .25))
        advance(model, opt, ema)
        more = run.tick(n, state, loss=loss, doubt=doubt)
        if run.step % 500 == 0 or not more:
            run.say(f"upscaler unseen {quality(ema.model, RUN / 'logs/upscaler.png')}")


if __name__ == "__main__":
    main()
