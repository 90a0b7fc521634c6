# SPDX-License-Identifier: Apache-2.0
"""The embedder: ArcFace's contract (112² RGB, x/127.5 - 1, to 512) in a small plain ResNet.

Two teachers: CosFace over thousands of identities of a few pictures each, and regression of every identity's geometry and eye
colour from the same embedding. A batch shows everybody twice, so that one step sees what two pictures of a person share. Of the
pairs of the swapper it sees B's photo and the answer, B with another's skin, hair and age: those are not who somebody is.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from common import ARCFACE_112, EMA, Muon, Run, crops, degrade, light, quick, to_float, to_u8
from data import cached, chunks, faces

GEOMETRY = 42


class Block(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.BatchNorm2d(b)
        self.conv2, self.bn2 = nn.Conv2d(b, b, 3, 1, 1, bias=False), nn.BatchNorm2d(b)
        self.act1, self.act2 = nn.PReLU(b), nn.PReLU(b)
        self.skip = None if a == b and stride == 1 else nn.Sequential(
            nn.Conv2d(a, b, 1, stride, bias=False), nn.BatchNorm2d(b))

    def forward(self, x):
        y = self.bn2(self.conv2(self.act1(self.bn1(self.conv1(x)))))
        return self.act2(y + (x if self.skip is None else self.skip(x)))


class Embedder(nn.Module):
    """[N,3,112,112] f32 -1..1 -> [N,512]."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 24, 3, 2, 1, bias=False), nn.BatchNorm2d(24), nn.PReLU(24))
        self.body = nn.Sequential(Block(24, 32, 2), Block(32, 32, 1), Block(32, 64, 2), Block(64, 64, 1),
                                  Block(64, 128, 2), Block(128, 128, 1))
        self.squeeze = nn.Sequential(nn.Conv2d(128, 48, 1, bias=False), nn.BatchNorm2d(48), nn.PReLU(48))
        self.out, self.norm = nn.Linear(48 * 49, 512, bias=False), nn.BatchNorm1d(512)

    def look(self, x):
        """The features [N,48,7,7] that say who it is, and the embedding."""
        features = self.squeeze(self.body(self.stem(x)))
        return features, self.norm(self.out(features.flatten(1)))

    def forward(self, x):
        return self.look(x)[1]


def aligned(name, suffix="", size=112, template=ARCFACE_112, margin=16):
    """Crops [N,size+margin,...] u8 with room to move, and the set; single people only."""
    f = faces(name, suffix)
    keep = np.where(f["people"] == 1)[0]
    wide = (template * size + margin / 2) / (size + margin)
    points = f.points()
    pictures = cached(f"{name}{suffix}_arc{size}.npy", lambda: chunks(
        len(keep), lambda i: to_u8(crops(f.batch(keep[i]), points[keep[i]], wide, size + margin))))
    return pictures, keep, f


def shake(x, size, rng):
    """[N,3,S,S] -> [N,3,size,size]: random shift, turn and scale of a few percent, mirrored at random."""
    n, s = len(x), x.shape[-1]
    a, k = rng.normal(0, .04, n), np.exp(rng.normal(0, .03, n)) * size / s
    m = np.stack([np.stack([np.cos(a) * k, -np.sin(a) * k, rng.normal(0, .02, n)], -1),
                  np.stack([np.sin(a) * k, np.cos(a) * k, rng.normal(0, .02, n)], -1)], 1)
    flip = rng.random(n) < .5
    m[flip, :, 0] *= -1
    grid = F.affine_grid(torch.from_numpy(m).float(), (n, 3, size, size), align_corners=False)
    return F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False), flip


def embed(model, x):
    """Normalised embeddings of crops 0..1."""
    with torch.no_grad():
        return F.normalize(model(x * 2 - 1))


def verification(model, name="identity_test", change=None):
    """Accuracy and threshold at equal error over pairs of unseen identities."""
    pictures, keep, f = aligned(name)
    x = to_float(pictures)[:, :, 8:-8, 8:-8]
    x = change(x) if change else x
    e = torch.cat([embed(model, x[i:i + 100]) for i in range(0, len(x), 100)])
    who = torch.from_numpy(f["identity"][keep])
    c, same = e @ e.T, who[:, None] == who[None]
    upper = torch.ones_like(c).triu(1).bool()
    pos, neg = c[same & upper].sort().values, c[~same & upper].sort().values
    best = min(((float((pos < t).float().mean()), float((neg >= t).float().mean()), float(t))
                for t in torch.linspace(-.2, .9, 221)), key=lambda r: abs(r[0] - r[1]))
    return dict(error=round((best[0] + best[1]) / 2, 4), threshold=round(best[2], 3), same=round(float(pos.mean()), 3),
                other=round(float(neg.mean()), 3), far_001=round(float((pos > neg[int(len(neg) * .999)]).float().mean()), 3))


@torch.no_grad()
def answers(model, pictures):
    """What the model says of aligned() pictures."""
    return torch.cat([model(to_float(pictures[i:i + 100])[:, :, 8:-8, 8:-8] * 2 - 1) for i in range(0, len(pictures), 100)])


@torch.no_grad()
def fold(model, a, middle):
    """Makes an embedding e be a @ (e - middle), in the last layer and its norm."""
    norm, scale = model.norm, model.norm.weight / (model.norm.running_var + model.norm.eps).sqrt()
    model.out.weight.copy_(a @ (scale[:, None] * model.out.weight))
    norm.bias.copy_(a @ (norm.bias - scale * norm.running_mean - middle))
    norm.running_mean.zero_()
    norm.running_var.fill_(1.)
    norm.weight.fill_((1 + norm.eps) ** .5)


def calm(model, pictures, who, like, most=96):
    """Takes away what all embeddings share and stills their noise: of the axes of differences between people the `most` widest remain,
    each as strong as it says something of the person (Wiener's v / (v + n), n: the variance within a person's pictures). Then turns
    all as one, which changes no cosine, to where those `like` of the model before lie, so that swappers understand them."""
    raw, who = answers(model, pictures), torch.from_numpy(who)
    e, shots = F.normalize(raw - raw.mean(0)).double(), torch.bincount(who).double()
    middle = torch.zeros(len(shots), 512, dtype=e.dtype).index_add_(0, who, e) / shots[:, None]
    off = e - middle[who]
    within = off.T @ off / (len(e) - len(shots))
    v, axes = torch.linalg.eigh(torch.cov(middle.T) - within * (1 / shots).mean())
    n = (axes * (within @ axes)).sum(0)
    still = (axes * torch.where(v >= v[-most], v.clamp(min=0) / (v.clamp(min=0) + n), 0.)) @ axes.T
    u, _, w = torch.linalg.svd(F.normalize(like).double().T @ F.normalize(e @ still))
    fold(model, (u @ w @ still).float(), raw.mean(0))


def main():
    run = Run("embedder", 45, batch=64)
    parts = [aligned("identity"), aligned("pairs", "_b"), aligned("pairs", "_ab")]
    f = parts[0][2]
    pictures, labels = np.concatenate([p[0] for p in parts]), np.concatenate([g.labels[keep] for _, keep, g in parts])
    who = np.concatenate([g["identity"][keep] + (k > 0) * len(labels) for k, (_, keep, g) in enumerate(parts)])
    who = np.unique(who, return_inverse=True)[1]
    order, shots = np.argsort(who), np.bincount(who)
    first, people = np.cumsum(shots) - shots, len(shots)
    at = f.columns["face_width"]
    mole = f.columns["mole_x"] - at
    geometry = torch.from_numpy(labels[:, at:at + GEOMETRY])
    eyes, gender = (torch.from_numpy(labels[:, f.columns[c]]).long() for c in ("eyes", "identity_gender"))

    model = Embedder()
    asks = nn.ModuleDict(dict(heads=nn.Linear(512, GEOMETRY + 5 + 2), classes=nn.Linear(512, people, bias=False)))
    both = nn.ModuleDict(dict(model=model, asks=asks))
    opt = Muon(both, edges=("stem", "asks"))
    ema = EMA(model, .995)
    state = dict(model=model, asks=asks, ema=ema, opt=opt)
    run.load(state)
    before = answers(ema.model, pictures)
    if run.step == 0:
        asks["classes"].weight.data.zero_().index_add_(0, torch.from_numpy(who), F.normalize(before))
    run.say(f"embedder {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M weights, {len(pictures)} pictures of {people} people")
    half, more = run.args.batch // 2, True
    while more:
        run.rate(opt, .01, warm=200, flat=.3)
        shown = run.rng.choice(people, half, replace=False)
        one = run.rng.integers(0, shots[shown])
        other = (one + run.rng.integers(1, shots[shown])) % shots[shown]
        i = order[np.concatenate([first[shown] + one, first[shown] + other])]
        x, flip = shake(to_float(pictures[i]), 112, run.rng)
        x = torch.cat([degrade(light(v, run.rng), run.rng, .04) for v in x.chunk(2)])
        y = torch.from_numpy(who[i])
        with quick():
            e = model(x * 2 - 1)
        e = F.normalize(e.float())
        margin = .3 * min(1., run.share() * 3)
        logits = 24 * (e @ F.normalize(asks["classes"].weight).T - margin * F.one_hot(y, people))
        ids = F.cross_entropy(logits, y)
        # Each of two pictures is to find the other among all of the batch.
        c = 16 * e @ e.T - 99 * torch.eye(len(e))
        twins = F.cross_entropy(c, (torch.arange(len(e)) + half) % len(e))
        h = asks["heads"](e * 8)
        g = geometry[i].clone()
        g[torch.from_numpy(flip), mole] *= -1
        shape = F.mse_loss(h[:, :GEOMETRY], g)
        extra = F.cross_entropy(h[:, GEOMETRY:-2], eyes[i]) + F.cross_entropy(h[:, -2:], gender[i])
        loss = ids + twins + 4 * shape + .5 * extra
        loss.backward()
        opt.step()
        opt.zero_grad(set_to_none=True)
        ema.update(model)
        more = run.tick(len(i), state, ids=ids, twins=twins, shape=shape, extra=extra)
        if run.step % 300 == 0 or not more:
            run.say(f"embedder unseen {verification(ema.model)}")
    calm(ema.model, pictures, who, before)
    run.save(state)
    run.say(f"embedder stilled {verification(ema.model)}")


if __name__ == "__main__":
    main()
