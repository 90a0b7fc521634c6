# SPDX-License-Identifier: Apache-2.0
"""The detector: SCRFD's contract with key points (strides 8/16/32, two anchors, nine outputs) in a small network.

A face is learned by the anchors whose size (16 ... 512 pixels) is within a factor of 1.7 of its own, at the cells near
its middle. Pictures: wide shots, framed and close-up portraits, scenes without people; scaled, letterboxed, blurred,
and passed through the VAE, because the pictures to be searched are drawn by it.
"""
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from common import EMA, Muon, Run, degrade, descend, light, load_weights, quick, to_float, to_u8
from data import cached, chunks, faces, framed_boxes, portraits
from vae import make_vae

CANVAS = 192  # side of the exported network's input
STRIDES, ANCHORS = (8, 16, 32), ((16, 32), (64, 128), (256, 512))


def conv(a, b, stride=1, size=3):
    return nn.Sequential(nn.Conv2d(a, b, size, stride, size // 2, bias=False), nn.BatchNorm2d(b), nn.ReLU())


class Detector(nn.Module):
    """[1,3,H,W] f32, (x-127.5)/128 RGB -> score x3 [n,1], box x3 [n,4], points x3 [n,10]; distances in strides."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(conv(3, 12, 2), conv(12, 24, 2), conv(24, 24))
        self.c8 = nn.Sequential(conv(24, 40, 2), conv(40, 40), conv(40, 40))
        self.c16 = nn.Sequential(conv(40, 56, 2), conv(56, 56), conv(56, 56))
        self.c32 = nn.Sequential(conv(56, 64, 2), conv(64, 64), conv(64, 64))
        self.lateral = nn.ModuleList([conv(40, 40, size=1), conv(56, 40, size=1), conv(64, 40, size=1)])
        self.smooth = nn.ModuleList([conv(40, 40), conv(40, 40), conv(40, 48)])
        self.score = nn.ModuleList([nn.Conv2d(c, 2, 3, padding=1) for c in (40, 40, 48)])
        self.box = nn.ModuleList([nn.Conv2d(c, 8, 3, padding=1) for c in (40, 40, 48)])
        self.near = nn.ModuleList([conv(c, c) for c in (40, 40, 48)])
        self.point = nn.ModuleList([nn.Conv2d(c, 20, 3, padding=1) for c in (40, 40, 48)])
        self.scale = nn.Parameter(torch.ones(3))
        for s in self.score:
            nn.init.constant_(s.bias, -4.)

    def forward(self, x):
        a = self.c8(self.stem(x))
        b = self.c16(a)
        c = self.c32(b)
        c_ = self.lateral[2](c)
        b_ = self.lateral[1](b) + F.interpolate(c_, scale_factor=2., mode="nearest")
        a_ = self.lateral[0](a) + F.interpolate(b_, scale_factor=2., mode="nearest")
        out = [[], [], []]
        for k, f in enumerate((a_, b_, c_)):
            f = self.smooth[k](f)
            for o, head, width in zip(out, (self.score, self.box, self.point), (1, 4, 10)):
                y = head[k](self.near[k](f) if width == 10 else f)
                y = y * self.scale[k] if width == 4 else y
                y = y.permute(0, 2, 3, 1).reshape(x.shape[0], -1, width)
                o.append(y)
        return out


def centres(size, stride):
    """[(size/stride)^2 * 2, 2]: anchor middles x, y in pixels."""
    n = size // stride
    y, x = torch.meshgrid(torch.arange(n), torch.arange(n), indexing="ij")
    return (torch.stack([x, y], -1).reshape(-1, 1, 2).expand(-1, 2, 2).reshape(-1, 2) * stride).float()


def assign(boxes, size):
    """boxes [K,4] of one picture -> per stride: index of the face [n], -1 none, -2 neither."""
    out = []
    for stride, anchors in zip(STRIDES, ANCHORS):
        c = centres(size, stride)
        owner = torch.full((len(c),), -1)
        for k, (x0, y0, x1, y1) in enumerate(boxes):
            side = max(x1 - x0, y1 - y0)
            middle = torch.tensor([(x0 + x1) / 2, (y0 + y1) / 2])
            far = ((c - middle).abs().amax(1)) / stride
            inside = (c[:, 0] > x0) & (c[:, 0] < x1) & (c[:, 1] > y0) & (c[:, 1] < y1)
            for j, anchor in enumerate(anchors):
                fit = abs(np.log2(side / anchor))
                mine = torch.zeros(len(c), dtype=torch.bool)
                mine[j::2] = True
                if fit < .77:
                    owner[mine & (far <= 1.01) & inside] = k
                    owner[mine & (far > 1.01) & (far <= 1.6) & inside & (owner < 0)] = -2
                elif fit < .9:  # no further: an anchor that nothing teaches draws a second, wrong box
                    owner[mine & (far <= 1.6) & inside & (owner < 0)] = -2
        out.append(owner)
    return out


class Pictures:
    """Batches of square canvases with their faces."""

    def __init__(self, rng):
        self.rng, self.sets = rng, []
        wide = faces("wide")
        self.sets.append((wide.pictures, [wide.boxes(k) for k in range(3)], [wide.points(k) for k in range(3)], .45))
        for name, share in (("sdA", .22), ("identity", .1), ("scenes", .08)):
            f = faces(name)
            self.sets.append((f.pictures, [f.boxes(k) for k in range(3)], [f.points(k) for k in range(3)], share))
        self.sets.append((*round_trip(600), .15))

    def one(self, size):
        r = self.rng
        pictures, boxes, points, _ = self.sets[r.choice(len(self.sets), p=[s[3] for s in self.sets])]
        i = int(r.integers(len(pictures)))
        x = to_float(pictures[i][None])
        b = np.stack([b[i] for b in boxes])
        p = np.stack([q[i] for q in points])
        keep = b[:, 2] > b[:, 0]
        b, p = b[keep], p[keep]
        side = x.shape[-1]
        below = int(b[0, 3]) + 1 if len(b) == 1 else side
        if below < side * .75 and r.random() < .08:  # clothes and backdrop alone
            x, b, p = x[..., below:, :side - below], b[:0], p[:0]
        elif r.random() < .12 and len(b) == 1:  # close-up: the face fills the frame
            w = max(b[0, 2] - b[0, 0], b[0, 3] - b[0, 1]) * r.uniform(1.05, 1.5)
            left, top = (b[0, :2] + b[0, 2:]) / 2 - w / 2 + r.normal(0, .05, 2) * w
            left, top, w = int(max(left, 0)), int(max(top, 0)), int(w)
            x = x[..., top:top + w, left:left + w]
            b, p = b - np.array([left, top, left, top]), p - np.array([left, top])
        k = size / max(x.shape[-2:]) * (1. if r.random() < .4 else r.uniform(.35, 1.))
        if r.random() < .3:
            k = min(k, 1.)
        x = F.interpolate(x, scale_factor=float(k), mode="bilinear", antialias=True, recompute_scale_factor=True)[..., :size, :size]
        if r.random() < .5:
            x = degrade(x, r, .06)
        x = light(x, r)
        if r.random() < .05:
            x = x.mean(1, keepdim=True).expand(-1, 3, -1, -1)
        b, p = b * k, p * k
        h, w = x.shape[-2:]
        if r.random() < .5:
            x = x.flip(-1)
            b = np.stack([w - b[:, 2], b[:, 1], w - b[:, 0], b[:, 3]], 1)
            p = np.stack([w - p[:, [1, 0, 2, 4, 3], 0], p[:, [1, 0, 2, 4, 3], 1]], -1)
        canvas = torch.zeros(3, size, size)
        dx, dy = (0, 0) if r.random() < .5 else (int(r.integers(0, size - w + 1)), int(r.integers(0, size - h + 1)))
        canvas[:, dy:dy + h, dx:dx + w] = x[0]
        return (canvas * 255 - 127.5) / 128, b + np.array([dx, dy, dx, dy]), p + np.array([dx, dy])

    def __call__(self, count, size):
        return [self.one(size) for _ in range(count)]


def round_trip(count):
    """Framed portraits after the VAE: pictures u8, boxes and points of three faces."""
    vae = load_weights("vae", "ema", make_vae())
    pictures, points, f = portraits("sdB")

    @torch.no_grad()
    def trip(i):
        z = vae.encode(to_float(pictures[i]) * 2 - 1).latent_dist.mean
        z = z + torch.randn_like(z) * z.std() * .15
        return to_u8(vae.decode(z).sample / 2 + .5)
    soft = cached("detector_soft.npy", lambda: chunks(count, trip))
    boxes = framed_boxes(f)[:count]
    return soft, [boxes[:, k] for k in range(3)], [points[:count, k] for k in range(3)]


def iou_loss(p, t):
    """p, t [n,4] distances left, top, right, bottom."""
    p = p.clamp(min=1e-3)
    inter = (torch.min(p[:, 0], t[:, 0]) + torch.min(p[:, 2], t[:, 2])).clamp(min=0) * \
            (torch.min(p[:, 1], t[:, 1]) + torch.min(p[:, 3], t[:, 3])).clamp(min=0)
    area = lambda d: (d[:, 0] + d[:, 2]) * (d[:, 1] + d[:, 3])
    return 1 - inter / (area(p) + area(t) - inter + 1e-6) + .05 * F.smooth_l1_loss(p, t, reduction="none").mean(1)


def loss_of(out, batch, size):
    scores, boxes, points = out
    bce, pull, mark, n = 0., 0., 0., 1e-6
    for k, stride in enumerate(STRIDES):
        c = centres(size, stride)
        owner = torch.stack([assign(b, size)[k] for _, b, _ in batch])
        target = (owner >= 0).float()
        s = scores[k][..., 0]
        prob = s.sigmoid()
        focal = F.binary_cross_entropy_with_logits(s, target, reduction="none") * (prob - target).abs() ** 2
        bce = bce + (focal * torch.where(target > 0, 2., 1.) * (owner != -2)).sum()
        which, cell = torch.where(owner >= 0)
        if len(which):
            t = torch.tensor(np.stack([batch[i][1][owner[i, j]] for i, j in zip(which.tolist(), cell.tolist())])).float()
            q = torch.tensor(np.stack([batch[i][2][owner[i, j]] for i, j in zip(which.tolist(), cell.tolist())])).float()
            m = c[cell]
            d = torch.cat([m - t[:, :2], t[:, 2:] - m], 1) / stride
            pull = pull + iou_loss(boxes[k][which, cell], d).sum()
            off = (q - m[:, None]).flatten(1) / stride
            reach = (d.sum(1) / 2)[:, None]
            mark = mark + ((points[k][which, cell] - off).abs() / reach).mean(1).sum()
            n += len(which)
    return bce / max(n, 1), pull / n, mark / n


def decode(out, limit=.5):
    """Detections of one picture after NMS (IoU 0.4): [(score, box, points)]."""
    found = []
    scores, boxes, points = out
    for k, stride in enumerate(STRIDES):
        s = scores[k][0, :, 0]
        at = torch.where(s > limit)[0]
        n = round((len(s) / 2) ** .5)
        for a in at.tolist():
            m = torch.tensor([a // 2 % n, a // 2 // n]).float() * stride
            b, p = boxes[k][0, a] * stride, points[k][0, a].view(5, 2) * stride
            found.append((float(s[a]), torch.cat([m - b[:2], m + b[2:]]).numpy(), (p + m).numpy()))
    found.sort(key=lambda f: -f[0])
    kept = []
    for f in found:
        if all(iou(f[1], g[1]) < .4 for g in kept):
            kept.append(f)
    return kept


def iou(a, b):
    w, h = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    inter = max(w, 0) * max(h, 0)
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter + 1e-9)


def detect(model, x, limit=.5):
    """x [N,3,S,S] 0..1, S a multiple of 32 -> per picture decode()."""
    out = []
    with torch.no_grad():
        for i in range(len(x)):
            s, b, p = model((x[i:i + 1] * 255 - 127.5) / 128)
            out.append(decode(([v.sigmoid() for v in s], b, p), limit))
    return out


def quality(model, count=150):
    """Recall, false alarms and error of points on unseen wide pictures and portraits."""
    hits = total = alarms = 0
    errors = {}
    for name in ("wide_test", "sd_test"):
        f = faces(name)
        n = min(count, len(f))
        x = F.pad(f.batch(slice(0, n)), (0, -f.size % 32) * 2)
        for i, found in enumerate(detect(model, x)):
            truth = [(f.boxes(k)[i], f.points(k)[i]) for k in range(3) if f.boxes(k)[i][2] > 0]
            total += len(truth)
            used = set()
            for b, p in truth:
                best = max(range(len(found)), key=lambda j: iou(found[j][1], b), default=None)
                if best is not None and iou(found[best][1], b) > .4:
                    hits += 1
                    used.add(best)
                    errors.setdefault(name, []).append(np.linalg.norm(found[best][2] - p, axis=1).mean() / np.linalg.norm(p[0] - p[1]))
            alarms += len(found) - len(used)
    return dict(recall=round(hits / total, 4), faces=total, false_alarms=alarms,
                points_percent={k: round(100 * float(np.mean(v)), 2) for k, v in errors.items()})


def main():
    run = Run("detector", 17)
    model = Detector()
    ema, opt = EMA(model, .997), Muon(model, edges=("stem.0", "score", "box", "point", "scale"))
    state = dict(model=model, ema=ema)
    run.load(state)
    data, more = Pictures(run.rng), True
    run.say(f"detector {sum(p.numel() for p in model.parameters()) / 1e6:.2f} M weights")
    while more:
        run.rate(opt, .012, warm=60)
        size = int(run.rng.choice([128, 160, 192, 256], p=[.25, .25, .2, .3]))
        batch = data(max(2, 8 * 128 * 128 // (size * size)), size)
        with quick():
            out = model(torch.stack([b[0] for b in batch]))
        bce, pull, mark = loss_of([[v.float() for v in o] for o in out], batch, size)
        descend(bce + pull + 25 * mark, model, opt, ema, 5.)  # alignment lives from the points
        more = run.tick(len(batch), state, bce=bce, box=pull, points=mark)
        if run.step % 800 == 0 or not more:
            run.say(f"detector unseen {quality(ema.model)}")


if __name__ == "__main__":
    main()
