# SPDX-License-Identifier: Apache-2.0
"""The 68 points: 2dfan4's contract (256² RGB 0..1, box scaled to 195 pixels and centred; out: x, y in units of a 64² heat
map with a score, and the heat maps). The place of a point is its map's mean, so it is trained by distance alone.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from common import EMA, Muon, Run, degrade, descend, light, quick, to_float, to_u8, warp
from data import cached, chunks, faces
from hourglass import Hourglass, conv

SIDE, MAPS, MARGIN = 256, 64, 32
# In a mirror every point is another's: jaw, brows, nose, eyes, mouth.
TWINS = [*range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
         54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65]


class Landmarks(nn.Module):
    """[N,3,256,256] 0..1 -> points [N,68,3] (x, y in 0..64, score 0..1), heat maps [N,68,64,64]."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.AvgPool2d(2), conv(3, 24, 2, 5))
        self.body = Hourglass((24, 48, 80, 112))
        self.maps = nn.Conv2d(24, 68, 1)
        self.score = nn.Linear(24, 68)

    def forward(self, x):
        f = self.body(self.stem(x * 2 - 1))
        maps = self.maps(f).flatten(2).softmax(2)
        i = torch.arange(MAPS, dtype=x.dtype, device=x.device) + .5
        square = maps.view(-1, 68, MAPS, MAPS)
        points = torch.stack([square.sum(2) @ i, square.sum(3) @ i, self.score(f.mean((2, 3))).sigmoid()], 2)
        return points, square


def crops(name):
    """Pictures u8 [N,256+MARGIN,...] u8 and points [N,68,2] in them."""
    f = faces(name)
    keep = np.where(f["people"] == 1)[0]
    box = f.boxes()[keep]
    k = 195 / np.maximum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1])
    to = (SIDE + MARGIN) / 2 - k[:, None] * (box[:, :2] + box[:, 2:]) / 2
    m = np.concatenate([np.eye(2)[None] * k[:, None, None], to[..., None]], 2).astype(np.float32)
    pictures = cached(f"{name}_fan.npy", lambda: chunks(len(keep), lambda i: to_u8(warp(f.batch(keep[i]), m[i], SIDE + MARGIN))))
    at = f.columns["dense_0"]
    dense = f.labels[keep, at:at + 136].reshape(-1, 68, 2)
    return pictures, np.einsum("nij,nkj->nki", m[:, :, :2], dense) + m[:, None, :, 2], f.labels[keep], f


def shaken(pictures, points, rng):
    """Windows of 256² turned, scaled, moved and mirrored by little, points with them."""
    n, half, x = len(pictures), (SIDE + MARGIN) / 2, to_float(pictures)
    a, k = rng.normal(0, .15, n), np.exp(rng.normal(0, .08, n))
    r = np.stack([np.stack([np.cos(a) * k, -np.sin(a) * k], -1), np.stack([np.sin(a) * k, np.cos(a) * k], -1)], 1)
    flip = rng.random(n) < .5
    r[flip] = np.array([[-1, 0], [0, 1]]) @ r[flip]
    to = SIDE / 2 + rng.normal(0, 8, (n, 2)) - np.einsum("nij,j->ni", r, [half, half])
    m = np.concatenate([r, to[..., None]], 2).astype(np.float32)
    p = np.einsum("nij,nkj->nki", r, points) + to[:, None]
    p[flip] = p[flip][:, TWINS]
    return warp(x, m, SIDE), torch.from_numpy(p.astype(np.float32))


def quality(model, name="parts_test"):
    """Mean error in percent of the distance between the eyes in front view, all and by turn of the head; and of the five."""
    pictures, points, labels, f = crops(name)
    half = MARGIN // 2
    with torch.no_grad():
        out = torch.cat([model(to_float(pictures[i:i + 25, half:-half, half:-half]))[0] for i in range(0, len(pictures), 25)])
    e = np.linalg.norm(out[..., :2].numpy() * (SIDE / MAPS) - (points - half), axis=2)
    yaw = labels[:, f.columns["yaw"]]
    apart = np.linalg.norm(points[:, 36:42].mean(1) - points[:, 42:48].mean(1), axis=1) / np.maximum(np.cos(np.radians(yaw)), .5)
    e = 100 * e / apart[:, None]
    turn = np.abs(yaw)
    return dict(mean=round(float(e.mean()), 2), inner=round(float(e[:, 17:].mean()), 2), front=round(float(e[turn < 20].mean()), 2),
                turned=round(float(e[turn >= 40].mean()), 2))


def main():
    run = Run("landmarks", 14)
    parts = [crops(n) for n in ("parts", "sdA")]
    pictures, points = [p[0] for p in parts], np.concatenate([p[1] for p in parts])
    first, n = len(pictures[0]), len(points)
    model = Landmarks()
    ema, opt = EMA(model, .997), Muon(model, edges=("stem", "maps", "score"))
    state, more = dict(model=model, ema=ema, opt=opt), True
    run.load(state)
    run.say(f"landmarks {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M weights, {n} pictures")
    while more:
        run.rate(opt, .012, warm=60, flat=.3)
        i = run.rng.integers(0, n, 12)
        x, p = shaken(np.stack([pictures[0][k] if k < first else pictures[1][k - first] for k in i]), points[i], run.rng)
        x = degrade(light(x, run.rng), run.rng, .05)
        with quick():
            out, maps = model(x)
        error = (out[..., :2].float() - p * (MAPS / SIDE)).norm(dim=2)
        spread = -(maps.float() * (maps.float() + 1e-9).log()).sum((2, 3)).mean()  # a map of one point is narrow
        sure = F.binary_cross_entropy(out[..., 2].float().clamp(1e-4, 1 - 1e-4), torch.exp(-error.detach() / 2))
        descend(error.mean() + .05 * spread + .05 * sure, model, opt, ema)
        more = run.tick(len(i), state, error=error.mean(), spread=spread)
        if run.step % 600 == 0 or not more:
            run.say(f"landmarks unseen {quality(ema.model)}")


if __name__ == "__main__":
    main()
