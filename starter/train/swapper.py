# SPDX-License-Identifier: Apache-2.0
"""The swapper: inswapper_128's contract (target 1x3x128x128 RGB 0..1, source 1x512, out 1x3x128x128; emap `buff2fs`).

The renderer draws identity B with A's look and shot, so the answer is known: L1, and a critic that sharpens. The swapper is also the
refiner: a quarter of the targets are faces that the tiny Stable Diffusion drew again (drawn.py), with the crisp render as
the answer and the face's own embedding as the source; many of the others are degraded too.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from common import ARCFACE_112, ARCFACE_128, Critic, EMA, Muon, RUN, Run, advance, crops, degrade, gradient_l1, light, load_weights, \
    point_weight, psnr, quick, sheet, to_float, to_u8
from data import cached, chunks, faces
from drawn import drawn
from embedder import Embedder, embed
from vae import final_vae

MARGIN = 16
PASSES = 2  # how often the program asks, from the second time on about the answer of before


def emap():
    """[512,512] orthogonal: what takes an embedding to the network's source space, as in inswapper."""
    g = torch.Generator().manual_seed(128)
    q, r = torch.linalg.qr(torch.randn(512, 512, generator=g, dtype=torch.float64))
    return (q * torch.sign(torch.diagonal(r))).float()


def to_source(e, m):
    return F.normalize(F.normalize(e) @ m)


class Styled(nn.Module):
    """Residual block whose two convolutions are modulated by the source: instance norm, then scale and shift."""

    def __init__(self, c, style):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(c, c, 3, padding=1), nn.Conv2d(c, c, 3, padding=1)
        self.style1, self.style2 = nn.Linear(style, 2 * c), nn.Linear(style, 2 * c)
        nn.init.zeros_(self.conv2.weight)

    @staticmethod
    def modulate(x, s):
        scale, shift = s[:, :, None, None].chunk(2, 1)
        m = x.mean((2, 3), keepdim=True)
        d = x - m
        return d * torch.rsqrt((d * d).mean((2, 3), keepdim=True) + 1e-5) * (1 + scale) + shift

    def forward(self, x, s):
        y = F.leaky_relu(self.modulate(self.conv1(x), self.style1(s)), .2)
        return x + self.modulate(self.conv2(y), self.style2(s)) * .5


def conv(a, b, size=3):
    return nn.Sequential(nn.Conv2d(a, b, size, padding=size // 2), nn.LeakyReLU(.2))


class Plain(nn.Module):
    """Residual block without a source: draws what the styled ones have decided."""

    def __init__(self, c):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(c, c, 3, padding=1), nn.Conv2d(c, c, 3, padding=1)
        nn.init.zeros_(self.conv2.weight)
        nn.init.zeros_(self.conv2.bias)

    def forward(self, x):
        return x + self.conv2(F.leaky_relu(self.conv1(x), .2))


class Swapper(nn.Module):
    """target [N,3,128,128] 0..1, source [N,512] -> [N,3,128,128] 0..1."""

    def __init__(self, style=160):
        super().__init__()
        self.source = nn.Sequential(nn.Linear(512, style), nn.LeakyReLU(.2), nn.Linear(style, style), nn.LeakyReLU(.2))
        self.in64 = conv(12, 32)                                     # 64²
        self.in32 = nn.Sequential(nn.PixelUnshuffle(2), conv(128, 72), conv(72, 72))   # 32²
        self.in16 = nn.Sequential(nn.PixelUnshuffle(2), conv(288, 112, 1), conv(112, 112))  # 16²
        self.mid16 = nn.ModuleList([Styled(112, style) for _ in range(3)])
        self.up32 = nn.Sequential(nn.Conv2d(112, 288, 1), nn.PixelShuffle(2))
        self.join32 = conv(144, 72, 1)
        self.mid32 = nn.ModuleList([Styled(72, style) for _ in range(3)])
        self.up64 = nn.Sequential(nn.Conv2d(72, 128, 1), nn.PixelShuffle(2))
        self.join64 = conv(64, 32, 1)
        self.mid64 = Styled(32, style)
        self.fine64 = nn.Sequential(Plain(32), Plain(32))
        self.out = nn.Sequential(conv(32, 32), nn.Conv2d(32, 12, 3, padding=1))
        nn.init.zeros_(self.out[1].weight)
        nn.init.zeros_(self.out[1].bias)

    def forward(self, target, source):
        s = self.source(source * 22.6)
        x = F.pixel_unshuffle(target, 2)
        a = self.in64(x * 2 - 1)
        b = self.in32(a)
        c = self.in16(b)
        for m in self.mid16:
            c = m(c, s)
        b = self.join32(torch.cat([self.up32(c), b], 1))
        for m in self.mid32:
            b = m(b, s)
        a = self.mid64(self.join64(torch.cat([self.up64(b), a], 1)), s)
        return F.pixel_shuffle(x + self.out(self.fine64(a)), 2).clamp(0, 1)


def swapped(model, target, source):
    """What the program makes of the target."""
    for _ in range(PASSES):
        target = model(target, source)
    return target


class Pairs:
    """Crops with room to move: target a, answer ab (in a's alignment), and embeddings of b's photo."""

    def __init__(self, name):
        f, b = faces(name, "_a"), faces(name, "_b")
        ab = faces(name, "_ab")
        n = len(f)
        size = 128 + MARGIN
        wide = (ARCFACE_128 * 128 + MARGIN / 2) / size
        cut = lambda s, points: lambda i: to_u8(crops(s.batch(i), points[i], wide, size))
        self.a = cached(f"{name}_a128.npy", lambda: chunks(n, cut(f, f.points())))
        self.ab = cached(f"{name}_ab128.npy", lambda: chunks(n, cut(ab, f.points())))
        embedder = load_weights("embedder", "ema", Embedder())
        e112 = lambda s: lambda i: embed(embedder, crops(s.batch(i), s.points()[i], ARCFACE_112, 112)).numpy()
        self.e_b = torch.from_numpy(np.array(cached(f"{name}_eb.npy", lambda: chunks(n, e112(b)))))
        self.e_a = torch.from_numpy(np.array(cached(f"{name}_ea.npy", lambda: chunks(n, e112(f)))))
        soft = lambda i: embed(embedder, degrade(crops(f.batch(i), f.points()[i], ARCFACE_112, 112), np.random.default_rng(int(i[0])))).numpy()
        self.e_soft = torch.from_numpy(np.array(cached(f"{name}_es.npy", lambda: chunks(n, soft, 16))))
        self.same = f["identity"] == b["identity"]
        self.photo = b

    def __len__(self):
        return len(self.a)


@torch.no_grad()
def vae_soft(vae, x, rng):
    """A crop of a picture twice the VAE's size, as the loop sees it: down by 2, through the VAE, up by 2."""
    s = x.shape[-1]
    k = int(round(s * rng.uniform(.5, .72) / 8)) * 8
    small = F.interpolate(x, size=k, mode="bicubic", antialias=True).clamp(0, 1)
    with quick():
        z = vae.encode(small * 2 - 1).latent_dist.mean
        z = z + torch.randn_like(z) * z.std() * rng.uniform(0, .3)
        y = vae.decode(z).sample.float() / 2 + .5
    return F.interpolate(y, size=s, mode="bicubic").clamp(0, 1)


class Drawn:
    """What the tiny Stable Diffusion made of a face, the crisp face, and embeddings of both."""

    def __init__(self, name, count=640):
        self.soft, self.crisp = drawn(name, count, 128, MARGIN)
        embedder, half = load_weights("embedder", "ema", Embedder()), MARGIN // 2
        e = lambda p: torch.cat([embed(embedder, to112(to_float(p[i:i + 64])[..., half:-half, half:-half])) for i in range(0, len(p), 64)])
        self.e_soft, self.e_crisp = e(self.soft), e(self.crisp)

    def __len__(self):
        return len(self.soft)


def batch_of(p, d, rng, count, m, vae):
    """target, source, answer, weight; the embedding that the answer should have; and where it is another's."""
    i, k = rng.integers(0, len(p), count - count // 4), rng.integers(0, len(d), count // 4)
    own = torch.from_numpy(rng.random(len(i)) < .1)
    answer, target = to_float(p.ab[i]), to_float(p.a[i])
    answer[own] = target[own]
    soft = torch.from_numpy(rng.random(len(i)) < .5)[:, None]
    wanted = torch.where(own[:, None], torch.where(soft, p.e_a[i], p.e_soft[i]), p.e_b[i])
    r = rng.random()
    target = vae_soft(vae, target, rng) if r < .3 else degrade(target, rng) if r < .75 else target
    target, answer = torch.cat([target, to_float(d.soft[k])]), torch.cat([answer, to_float(d.crisp[k])])
    clear = torch.from_numpy(rng.random(len(k)) < .6)[:, None]
    wanted = torch.cat([wanted, torch.where(clear, d.e_crisp[k], d.e_soft[k])])
    source = to_source(wanted + torch.randn_like(wanted) * .005, m)
    # The same light, small shake and mirror for both.
    y, x = rng.integers(2, MARGIN - 1, 2)
    both = torch.cat(light(torch.cat([target, answer], 3), rng).chunk(2, 3), 1)[..., y:y + 128, x:x + 128]
    if rng.random() < .5:
        both = both.flip(-1)
    points = np.tile(ARCFACE_128[None] * 128, (count, 1, 1))
    other = torch.cat([~own & ~torch.from_numpy(p.same[i]), torch.zeros(len(k), dtype=torch.bool)])
    return both[:, :3], source, both[:, 3:], point_weight(points, 128, 9., 3.), wanted, other


def crispness(x, w):
    """Weighted mean of the absolute differences of neighbours, eyes and mouth first."""
    return float(gradient_l1(x, torch.zeros_like(x), w))


def test_refine(model, m, save=None):
    """Drawn faces with their own embedding: PSNR against the render and crispness as a share of the render's."""
    d, half = Drawn("up_test", 80), MARGIN // 2
    soft, crisp = (to_float(v)[..., half:-half, half:-half] for v in (d.soft, d.crisp))
    with torch.no_grad():
        out = torch.cat([swapped(model, soft[i:i + 1], to_source(d.e_soft[i:i + 1], m)) for i in range(len(soft))])
    w = point_weight(np.tile(ARCFACE_128[None] * 128, (len(soft), 1, 1)), 128, 9., 3.)
    if save:
        sheet(torch.cat([soft[:10], out[:10], crisp[:10], soft[10:20], out[10:20], crisp[10:20]]), save, 10, 2)
    share = lambda v: round(crispness(v, w) / crispness(crisp, w), 3)
    return dict(psnr=round(psnr(out, crisp), 2), psnr_before=round(psnr(soft, crisp), 2), crisp=share(out), crisp_before=share(soft))


def test_swap(model, m, name="pairs_test", save=None):
    """Gain of cosine to the source identity, PSNR against the rendered answer."""
    p = Pairs(name)
    embedder = load_weights("embedder", "ema", Embedder())
    other = ~torch.from_numpy(p.same)
    half = MARGIN // 2
    x, y = (to_float(q)[..., half:-half, half:-half] for q in (p.a, p.ab))
    with torch.no_grad():
        out = torch.cat([swapped(model, x[i:i + 50], to_source(p.e_b[i:i + 50], m)) for i in range(0, len(x), 50)])
    before, after, best = (embed(embedder, to112(v)) for v in (x, out, y))
    cos = lambda e: float((e * p.e_b).sum(1)[other].mean())
    if save:
        soft = degrade(x[:8], np.random.default_rng(3))
        with torch.no_grad():
            fixed = swapped(model, soft, to_source(p.e_a[:8], m))
        b = crops(p.photo.batch(slice(0, 8)), p.photo.points()[:8], ARCFACE_128, 128)
        sheet(torch.cat([x[:8], b, out[:8], y[:8], soft, fixed]), save, 8, 2)
    return dict(before=round(cos(before), 3), after=round(cos(after), 3), answer=round(cos(best), 3), psnr=round(psnr(out[other], y[other]), 2),
                untouched_psnr=round(psnr(x[other], y[other]), 2))


def to112(x, jitter=0., rng=None):
    """Crops in the arcface_128 template, resampled to arcface_112; jitter keeps training from fooling the embedder."""
    n = len(x)
    points = np.tile(ARCFACE_128[None] * 128, (n, 1, 1)).astype(np.float32)
    return crops(x, points, ARCFACE_112, 112, jitter, rng)


def main():
    run = Run("swapper", 50, batch=12)
    model, m = Swapper(), emap()
    p, d = Pairs("pairs"), Drawn("up")
    vae = final_vae()
    ema, opt = EMA(model, .998), Muon(model, edges=("in64", "out.1"))
    critic = Critic()
    state = dict(model=model, ema=ema, opt=opt, critic=critic)
    run.load(state)
    run.say(f"swapper {sum(q.numel() for q in model.parameters()) / 1e6:.2f} M weights, {len(p)} pairs")
    embedder, more = load_weights("embedder", "ema", Embedder()), True
    while more:
        run.rate(opt, .006, warm=100, floor=.03, flat=.3)
        target, source, answer, w, wanted, other = batch_of(p, d, run.rng, run.args.batch, m, vae)
        with quick():
            if run.rng.random() < .4:  # a second pass mends the first one's answer
                with torch.no_grad():
                    target = model(target, source).float()
            out = model(target, source).float()
        loss = ((out - answer).abs() * w).mean() + gradient_l1(out, answer, w)
        # Identity counts only until the output is as near to the source as the rendered answer is: beyond lies caricature.
        # Both are shaken and lit alike, so that the embedder cannot be fooled by a tint.
        def look(v):
            r = np.random.default_rng(run.step)
            with quick():
                features, e = embedder.look(to112(light(v, r), .008, r) * 2 - 1)
            return features.float(), F.cosine_similarity(e.float(), wanted)
        with torch.no_grad():
            asked, enough = look(answer)
        features, near = look(out)
        who = (F.relu(enough - near) * other).sum() / len(out)
        seen = F.l1_loss(features, asked)
        # With more of the cosine come strokes and tints that only the embedder takes for somebody; what it sees where has no such freedom.
        doubt = critic.backward(2 * loss + .1 * who + .2 * seen, out, answer, .3 * (run.share() > .7))
        advance(model, opt, ema)
        more = run.tick(len(target), state, loss=loss, who=who, seen=seen, doubt=doubt)
        if run.step % 250 == 0 or not more:
            run.say(f"swapper unseen {test_swap(ema.model, m, save=RUN / 'logs/swapper.png')}")
            run.say(f"swapper drawn {test_refine(ema.model, m, RUN / 'logs/refine.png')}")


if __name__ == "__main__":
    main()
