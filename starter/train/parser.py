# SPDX-License-Identifier: Apache-2.0
"""The face parser: BiSeNet's contract (512² RGB with ImageNet's mean and deviation -> 19 logits at 512²), worked out at 128².

Crops follow ffhq_512's template, shaken. Beards are skin and hands background, as in CelebAMask-HQ.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from common import EMA, FFHQ, Muon, Run, degrade, descend, light, quick, sheet, similarity, to_float, to_u8, warp, RUN
from data import cached, chunks, faces
from hourglass import Hourglass, conv

SIDE, CLASSES, MARGIN = 128, 19, 24
MEAN, STD = torch.tensor([.485, .456, .406])[:, None, None], torch.tensor([.229, .224, .225])[:, None, None]
FOLD = np.array([*range(19), 1, 0])
TWINS = torch.tensor([0, 1, 3, 2, 5, 4, 6, 8, 7, *range(9, 19)])  # left and right are the person's own
COLOURS = torch.tensor([[40, 40, 40], [240, 190, 150], [120, 60, 20], [150, 80, 30], [40, 120, 240], [80, 160, 255], [60, 60, 200],
                        [250, 140, 140], [250, 110, 110], [255, 230, 0], [220, 150, 110], [255, 255, 255], [220, 60, 80], [250, 90, 110],
                        [200, 150, 120], [255, 200, 0], [70, 180, 90], [140, 90, 200], [0, 200, 200]]) / 255


class Parser(nn.Module):
    """[N,3,512,512] normalised -> [N,19,512,512]."""

    def __init__(self):
        super().__init__()
        self.stem = conv(3, 24, size=5)
        self.body = Hourglass((24, 40, 64, 96, 112))
        self.out = nn.Conv2d(24, CLASSES, 1)

    def small(self, x):
        """[N,3,128,128] -> [N,19,128,128]."""
        return self.out(self.body(self.stem(x)))

    def forward(self, x):
        return F.interpolate(self.small(F.avg_pool2d(x, 4)), scale_factor=4., mode="bilinear")


def cut(name):
    """Crops [N,128+MARGIN,...] u8 and their classes u8."""
    f = faces(name)
    size = SIDE + MARGIN
    wide = ((FFHQ * SIDE + MARGIN / 2) / size)[None] * size
    m = similarity(f.points(), np.tile(wide, (len(f), 1, 1)).astype(np.float32))
    pictures = cached(f"{name}_parse.npy", lambda: chunks(len(f), lambda i: to_u8(warp(f.batch(i), m[i], size))))

    def classes(i):
        x = torch.from_numpy(FOLD[f.masks[i]]).float()[:, None]
        return warp(x, m[i], size, mode="nearest")[:, 0].to(torch.uint8).numpy()
    return pictures, cached(f"{name}_classes.npy", lambda: chunks(len(f), classes)), f


def quality(model, name="parts_test", save=None):
    """Intersection over union per class that is there, and the share of pixels that are right."""
    pictures, classes, _ = cut(name)
    half = MARGIN // 2
    x, y = to_float(pictures[:, half:-half, half:-half]), torch.from_numpy(classes[:, half:-half, half:-half].astype(int))
    with torch.no_grad():
        out = torch.cat([model.small((x[i:i + 25] - MEAN) / STD).argmax(1) for i in range(0, len(x), 25)])
    if save:
        sheet(torch.cat([x[:10], COLOURS[out[:10]].permute(0, 3, 1, 2), COLOURS[y[:10]].permute(0, 3, 1, 2)]), save, 10)
    iou = [float(((out == c) & (y == c)).sum() / ((out == c) | (y == c)).sum()) for c in range(CLASSES) if (y == c).any()]
    face = [float(((out == c) & (y == c)).sum() / ((out == c) | (y == c)).sum()) for c in (1, 2, 3, 4, 5, 10, 12, 13, 17)]
    return dict(pixels=round(float((out == y).float().mean()), 4), mean_iou=round(float(np.mean(iou)), 3), face_iou=round(float(np.mean(face)), 3))


def main():
    run = Run("parser", 14)
    pictures, classes, _ = cut("parts")
    model = Parser()
    ema, opt = EMA(model, .997), Muon(model, edges=("stem", "out"))
    state, more = dict(model=model, ema=ema, opt=opt), True
    run.load(state)
    share = np.bincount(classes[:400].ravel(), minlength=CLASSES) / classes[:400].size
    weight = torch.from_numpy(1 / np.sqrt(np.maximum(share, 1e-4))).float()
    run.say(f"parser {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M weights, {len(pictures)} pictures")
    while more:
        run.rate(opt, .012, warm=60, flat=.3)
        i = run.rng.integers(0, len(pictures), 8)
        a, k = run.rng.normal(0, .12), float(np.exp(run.rng.normal(0, .08)))
        c, s, half = np.cos(a) * k, np.sin(a) * k, (SIDE + MARGIN) / 2
        to = SIDE / 2 + run.rng.normal(0, 4, 2) - np.array([c * half - s * half, s * half + c * half])
        m = np.tile(np.array([[c, -s, to[0]], [s, c, to[1]]], np.float32)[None], (len(i), 1, 1))
        x = degrade(light(warp(to_float(pictures[i]), m, SIDE), run.rng), run.rng, .05)
        y = warp(torch.from_numpy(classes[i].astype(np.float32))[:, None], m, SIDE, mode="nearest")[:, 0].long()
        if run.rng.random() < .5:
            x, y = x.flip(-1), TWINS[y.flip(-1)]
        with quick():
            out = model.small((x - MEAN) / STD)
        loss = F.cross_entropy(out.float(), y, weight)
        descend(loss, model, opt, ema)
        more = run.tick(len(i), state, loss=loss)
        if run.step % 600 == 0 or not more:
            run.say(f"parser unseen {quality(ema.model, save=RUN / 'logs/parser.png')}")


if __name__ == "__main__":
    main()
