# SPDX-License-Identifier: Apache-2.0
"""The restorer: GFPGAN's contract (512² RGB -1..1 in ffhq_512's alignment, in and out), worked out at 256².

Its pictures are renders that went through VAE and upscaler at the size that a face has in a drawn picture, two thirds of them with
their own identity swapped in, half of those after somebody else's: what the loop will hand over; and, one in five, degraded renders. The
answer is the render: L1, edges, what the embedder sees, and a critic of patches.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from common import (ARCFACE_112, ARCFACE_128, Critic, EMA, FFHQ, Muon, RUN, Run, advance, crops, degrade, gradient_l1, light,
                    load_weights, point_weight, psnr, quick, sheet, similarity, to_float, to_u8)
from data import cached, chunks, faces
from embedder import Embedder, embed
from forensic import box, paste
from hourglass import Hourglass, conv
from swapper import Swapper, emap, swapped, to_source
from upscaler import Upscaler
from vae import final_vae

SIDE, WORKED, MARGIN = 512, 256, 32
SHARP = .8  # the critic's share of the gradient


class Restorer(nn.Module):
    """[N,3,H,W] -1..1 -> the same, H and W divisible by 64. What it adds is as fine as half the size can be: faces come enlarged."""

    def __init__(self):
        super().__init__()
        # differences from the local mean beside the colours, as loud: in them is what is to be mended
        self.first, self.body = conv(96, 64), Hourglass((64, 96, 112, 112))
        self.last = nn.Conv2d(64, 48, 3, 1, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def added(self, x):
        """At the size at which it works."""
        x = torch.cat([x, (x - F.avg_pool2d(x, 5, 1, 2, count_include_pad=False)) * 6], 1)
        return F.pixel_shuffle(self.last(self.body(self.first(F.pixel_unshuffle(x, 4)))), 4)

    def forward(self, x):
        return (x + F.interpolate(self.added(F.avg_pool2d(x, 2)), scale_factor=2., mode="bilinear")).clamp(-1, 1)


def fine(name):
    """Crisp crops [N,SIDE + MARGIN,...] u8 of renders as large as the crop."""
    f = faces(name)
    wide = (FFHQ * SIDE + MARGIN / 2) / (SIDE + MARGIN)
    return cached(f"{name}_ffhq.npy", lambda: chunks(len(f), lambda i: to_u8(crops(f.batch(i), f.points()[i], wide, SIDE + MARGIN)), 16))


class Loop:
    """Crisp crops [1,3,SIDE + MARGIN,...] as the loop makes such faces."""

    def __init__(self, crisp):
        self.crisp, self.vae, self.upscaler = crisp, final_vae(), load_weights("upscaler", "ema", Upscaler())
        self.swapper, self.embedder, self.m = load_weights("swapper", "ema", Swapper()), load_weights("embedder", "ema", Embedder()), emap()
        self.points = (FFHQ * SIDE + MARGIN / 2)[None]
        self.to_swap = similarity(self.points, ARCFACE_128[None] * 128)

    def melted(self, x, rng):
        """Small through the VAE, its latents not quite right, enlarged by the upscaler."""
        k = int(rng.integers(10, 25)) * 8
        z = self.vae.encode(F.interpolate(x, size=k, mode="bicubic", antialias=True).clamp(0, 1) * 2 - 1).latent_dist.mean
        z = z + torch.randn_like(z) * z.std() * rng.uniform(0, .35)
        y = self.upscaler((self.vae.decode(z).sample / 2 + .5).clamp(0, 1))
        return F.interpolate(y, size=SIDE + MARGIN, mode="bicubic").clamp(0, 1)

    def refined(self, x, people, rng):
        """The identities of these crops swapped in, one after the other."""
        face = crops(x, self.points, ARCFACE_128, 128)
        for k in people:
            e = embed(self.embedder, crops(to_float(self.crisp[k:k + 1]), self.points, ARCFACE_112, 112))
            face = swapped(self.swapper, face, to_source(e, self.m))
        return paste(x, face, box(1, rng), self.to_swap)

    @torch.no_grad()
    def __call__(self, i):
        rng, k, n = np.random.default_rng(int(i[0])), int(i[0]), len(self.crisp)
        x = self.melted(to_float(self.crisp[i]), rng)
        if k % 3:  # somebody else's and then its own: what swaps do wrong is there, and yet the answer is known
            x = self.refined(x, [k] if k % 3 == 1 else [(k + 3) % n, k], rng)
        return to_u8(x)


def pair(name):
    """Crops [N,SIDE + MARGIN,...] u8: as the loop makes such faces, and crisp."""
    torch.manual_seed(7)
    return cached(f"{name}_loop.npy", lambda: chunks(len(fine(name)), Loop(fine(name)), 1)), fine(name)


def coarse(x, rng):
    """As a small face comes: down by 2 to 6, degraded, up again."""
    k = int(x.shape[-1] / rng.uniform(2, 6) / 2) * 2
    small = F.interpolate(x, size=k, mode="bilinear", antialias=True)
    return F.interpolate(degrade(small, rng, .03), size=x.shape[-1], mode="bicubic").clamp(0, 1)


def crispness(x):
    return float(gradient_l1(F.avg_pool2d(x, 2), torch.zeros(())))


@torch.no_grad()
def quality(model, save=None):
    """Of unseen people, before and after: PSNR to the render, crispness as a share of its, cosine to whom it shows."""
    half, rng, count = MARGIN // 2, np.random.default_rng(4), 32
    soft, crisp = (to_float(p[:count, half:-half, half:-half]) for p in pair("fine_test"))
    embedder, at = load_weights("embedder", "ema", Embedder()), np.tile(FFHQ[None] * SIDE, (count, 1, 1))
    e = lambda x: embed(embedder, crops(x, at, ARCFACE_112, 112))
    said, rows = {}, []
    for name, x in (("drawn", soft), ("coarse", torch.cat([coarse(y, rng) for y in crisp[:, None]]))):
        out = torch.cat([model(v * 2 - 1) / 2 + .5 for v in x[:, None]])
        for when, v in (("before", x), ("after", out)):
            said[f"{name} {when}"] = [round(psnr(v, crisp), 2), round(crispness(v) / crispness(crisp), 3),
                                      round(float((e(v) * e(crisp)).sum(1).mean()), 3)]
        rows += [x[:6], out[:6]]
    if save:
        sheet(torch.cat([*rows, crisp[:6]]), save, 6)
    return said


def batch_of(pairs, count, rng):
    """Given and answer [count,3,WORKED,WORKED], lit and mirrored alike."""
    xs, ys, sizes = [], [], np.array([len(p[0]) for p in pairs])
    for k in range(count):
        soft, crisp = pairs[rng.choice(len(pairs), p=sizes / sizes.sum())]
        i, (top, left) = rng.integers(len(crisp)), rng.integers(0, MARGIN + 1, 2)
        x, y = (to_float(p[i:i + 1, top:top + SIDE, left:left + SIDE]) for p in (soft, crisp))
        x = coarse(y, rng) if k % 5 == 4 else x
        x, y = light(F.avg_pool2d(torch.cat([x, y], 3), 2), rng).chunk(2, 3)
        flip = rng.random() < .5
        xs.append(x.flip(-1) if flip else x)
        ys.append(y.flip(-1) if flip else y)
    return torch.cat(xs), torch.cat(ys)


def main():
    run = Run("restorer", 40, sets="fine,fineB", batch=8, peak=.008)
    pairs = [pair(n) for n in run.args.sets.split(",")]
    model, embedder = Restorer(), load_weights("embedder", "ema", Embedder())
    ema, opt, critic = EMA(model, .998), Muon(model, edges=("last",)), Critic()
    state, more = dict(model=model, ema=ema, opt=opt, critic=critic), True
    run.load(state)
    run.say(f"restorer {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M weights, {sum(len(p[0]) for p in pairs)} renders")
    at = np.tile(FFHQ[None] * WORKED, (run.args.batch, 1, 1))
    w, some = point_weight(at, WORKED, 14., 4.), run.args.batch // 2
    look = lambda x: embedder.look(crops(x[:some], at[:some], ARCFACE_112, 112) * 2 - 1)
    while more:
        run.rate(opt, run.args.peak, warm=60, floor=.03, flat=.3)
        x, y = batch_of(pairs, run.args.batch, run.rng)
        with quick():
            out = x + model.added(x * 2 - 1) / 2
            (seen, who), (wanted, whose) = look(out), look(y)
        out = out.float()
        loss = ((out - y).abs() * w).mean() + gradient_l1(out, y, w)
        # what the embedder sees where tells features that are whose from those that are anybody's
        same = F.l1_loss(seen.float(), wanted.float()) + .5 * (1 - F.cosine_similarity(who.float(), whose.float())).mean()
        doubt = critic.backward(2 * loss + .2 * same, out, y, SHARP * (run.share() > .3))  # what it asks for it must have learnt first
        advance(model, opt, ema)
        more = run.tick(len(x), state, loss=loss, same=same, doubt=doubt)
        if run.step % 500 == 0 or not more:
            run.say(f"restorer unseen {quality(ema.model, RUN / 'logs/restorer.png')}")


if __name__ == "__main__":
    main()
