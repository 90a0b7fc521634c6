# SPDX-License-Identifier: Apache-2.0
"""The tiny VAE: f8, 4 channels, trained on 64² crops that keep the 8-pixel grid of whole pictures.

Loss: L1 + L1 of gradients, eyes and mouth weighted x4, light KL; what looks alike (taste.py) and a critic, so that the latents
keep which hair and skin it was where they cannot keep every strand. With --decoder the encoder stays frozen and the
decoder learns from slightly noised latents, as diffusion will hand them over, with a critic; latents are cached first.
"""
import sys
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from common import Critic, EMA, Muon, RUN, Run, SIDE, advance, gradient_l1, load_weights, moved, point_weight, psnr, quick, sheet, to_float
from data import portraits
from taste import Taste

WIDTHS = (32, 48, 64, 96)
SPAN = SIDE // 2 - 32  # how far windows of the decoder's training move, in steps of two pixels


def make_vae():
    return AutoencoderKL(in_channels=3, out_channels=3, latent_channels=4, layers_per_block=1, block_out_channels=WIDTHS,
                         norm_num_groups=8, sample_size=SIDE, scaling_factor=0.18215,
                         down_block_types=("DownEncoderBlock2D",) * 4, up_block_types=("UpDecoderBlock2D",) * 4)


class Crops:
    """Batches of aligned-grid crops with their weights."""

    def __init__(self, names, rng):
        parts = [portraits(n) for n in names]
        self.pictures = np.concatenate([np.asarray(p[0]) for p in parts])
        self.points = np.concatenate([p[1] for p in parts])
        self.rng = rng

    def __call__(self, count, size):
        i = self.rng.integers(0, len(self.pictures), count)
        at = self.rng.integers(0, (SIDE - size) // 8 + 1, (count, 2)) * 8
        x = np.stack([self.pictures[k, y:y + size, l:l + size] for k, (y, l) in zip(i, at)])
        w = point_weight(moved(self.points[i], at), size, 5.)
        x = to_float(x) * 2 - 1
        flip = torch.from_numpy(self.rng.random(count) < .5)
        x[flip], w[flip] = x[flip].flip(-1), w[flip].flip(-1)
        return x, w, i, at, flip


def loss_of(y, x, w):
    """Pixels, edges, and the mean colours of 4- and 8-pixel blocks, which fix hues early."""
    d = y - x
    coarse = F.avg_pool2d(d, 4)
    return (d.abs() * w).mean() + gradient_l1(y, x, w) + 2 * coarse.abs().mean() + 3 * F.avg_pool2d(coarse, 2).abs().mean()


def test_sheet(vae, name):
    pictures, _, _ = portraits("sd_test")
    x = to_float(pictures[:24])
    with torch.no_grad():
        y = vae.decode(vae.encode(x * 2 - 1).latent_dist.mean).sample / 2 + .5
    sheet(torch.cat([x[:12], y[:12], x[12:], y[12:]]), RUN / "logs" / f"{name}.png", 12)
    return psnr(x, y)


def train_joint():
    run = Run("vae", 60, sets="sdA,sdB", kl=2e-3, peak=.01, taste=.06)
    vae, critic, taste = make_vae(), Critic(), Taste()
    # A linear probe asks the latents for the mean colour of each cell: a short way for the gradient, so hues come early.
    probe = torch.nn.Conv2d(4, 3, 1)
    ema, opt = EMA(vae, .998), Muon(torch.nn.ModuleDict(dict(vae=vae, probe=probe)), edges=("conv_in", "conv_out", "quant", "probe"))
    state = dict(model=vae, ema=ema, critic=critic, probe=probe, opt=opt)
    run.load(state)
    data = Crops(run.args.sets.split(","), run.rng)
    more = True
    while more:
        run.rate(opt, run.args.peak, warm=50, floor=.03)
        whole = run.step % 8 == 7
        x, w, *_ = data(3 if whole else 10, SIDE if whole else 64)
        with quick():
            d = vae.encode(x).latent_dist
            loose = d.std + .1 * torch.rand(len(x), 1, 1, 1)  # what diffusion hands over is never exact
            y = vae.decode(d.mean + torch.randn_like(d.mean) * loose).sample
            guess = probe(d.mean)
            far = taste(y / 2 + .5, x / 2 + .5).mean()
        y = y.float()
        kl = .5 * (d.mean ** 2 + d.var - 1 - d.logvar).mean()
        hue = (guess - F.avg_pool2d(x, 8)).abs().mean()
        (2 * hue + run.args.kl * kl).backward(retain_graph=True)
        rec = loss_of(y, x, w)
        doubt = critic.backward(rec + run.args.taste * far.float(), y, x, .4 * (run.share() > .2))
        advance(vae, opt, ema)
        more = run.tick(len(x), state, rec=rec, far=far, kl=kl, hue=hue, std=d.std.mean(), doubt=doubt)
        if run.step % 400 == 0 or not more:
            run.say(f"vae test psnr {test_sheet(ema.model, 'vae'):.2f}")


def final_vae():
    """The VAE with the decoder of the second training, where that has run."""
    return load_weights("decoder" if (RUN / "decoder.pt").exists() else "vae", "ema", make_vae())


def decode_window(vae, z, at, size=32):
    """Whole picture up to half of its size, then only windows [size,size] at `at` of it: [N,3,2·size,2·size] with full context."""
    d = vae.decoder
    h = d.mid_block(d.conv_in(vae.post_quant_conv(z)))
    h = d.up_blocks[1](d.up_blocks[0](h))
    h = torch.stack([f[:, y:y + size, x:x + size] for f, (y, x) in zip(h, at)])
    h = d.up_blocks[3](d.up_blocks[2](h))
    return d.conv_out(d.conv_act(d.conv_norm_out(h)))


def seen(at, size=64, rim=4):
    """[N,1,size,size] bool: where windows have their neighbours, which is not at their rims inside the picture."""
    i = torch.arange(size)
    line = lambda v: (i >= rim * (v > 0)) & (i < size - rim * (v < SPAN))
    return torch.stack([line(y)[:, None] & line(x)[None] for y, x in at])[:, None]


def train_decoder():
    """Encoder frozen; latents carry a little noise, as diffusion hands them over."""
    from unet import LATENTS, raw_latents
    run = Run("decoder", 24, sets="sdA,sdB", decoder=1)
    vae = load_weights("vae", "ema", make_vae())
    learn = torch.nn.ModuleDict(dict(post_quant_conv=vae.post_quant_conv, decoder=vae.decoder)).requires_grad_(True).train()
    names = run.args.sets.split(",")
    z = np.concatenate([raw_latents(n) for n in names], 1)
    sets = [portraits(n) for n in names]
    pictures, counts = [s[0][:LATENTS] for s in sets], np.cumsum([0] + [min(LATENTS, len(s[0])) for s in sets])
    points = np.concatenate([s[1][:LATENTS] for s in sets])
    std = torch.from_numpy(z[0, :500].astype(np.float32)).std((0, 2, 3))[:, None, None]
    ema, opt, n, more = EMA(vae, .998), Muon(learn, edges=("conv_in", "conv_out", "quant")), 8, True
    critic = Critic()
    state = dict(model=vae, ema=ema, opt=opt, critic=critic)
    run.load(state)
    while more:
        run.rate(opt, .008, warm=50, floor=.02)
        i, flip = run.rng.integers(0, counts[-1], n), run.rng.integers(0, 2, n)
        # Windows gather on the face, the middle of the picture; a third of them see to its borders.
        at = np.clip(run.rng.normal(SPAN / 2, SPAN / 4, (n, 2)).round(), 0, SPAN).astype(int)
        at = np.where(run.rng.random((n, 1)) < .35, run.rng.choice([0, SPAN // 2, SPAN], (n, 2)), at)
        k = np.searchsorted(counts, i, "right") - 1
        whole = to_float(np.stack([pictures[b][j - counts[b]] for b, j in zip(k, i)])) * 2 - 1
        w = point_weight(points[i], SIDE, 5.)
        m = flip == 1
        whole[m], w[m] = whole[m].flip(-1), w[m].flip(-1)
        cut = lambda v: torch.stack([p[:, 2 * y:2 * y + 64, 2 * x:2 * x + 64] for p, (y, x) in zip(v, at)])
        x, w = cut(whole), cut(w)
        latent = torch.from_numpy(z[flip, i].astype(np.float32))
        latent = latent + torch.randn_like(latent) * std * torch.rand(n, 1, 1, 1) * .2
        with quick():
            y = decode_window(vae, latent, at)
        y = torch.where(seen(at), y.float(), x)
        rec = loss_of(y, x, w)
        doubt = critic.backward(rec, y, x, .6 * (run.share() > .3))
        advance(vae, opt, ema)
        more = run.tick(n, state, rec=rec, doubt=doubt)
        if run.step % 500 == 0 or not more:
            run.say(f"decoder test psnr {test_sheet(ema.model, 'decoder'):.2f}")


if __name__ == "__main__":
    train_decoder() if "--decoder" in sys.argv else train_joint()
