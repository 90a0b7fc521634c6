# SPDX-License-Identifier: Apache-2.0
"""What every training shares: rendered data, alignment, degradation, averaging, checkpoints and logs.

Pictures travel as float32 [N,3,H,W], 0..1 RGB. All state lies under $STARTER_RUN (default build/starter), so a run
that was stopped goes on where its last checkpoint was (`--resume`).
"""
import argparse, copy, io, json, math, os, subprocess, time
os.environ.setdefault("OMP_NUM_THREADS", "1")
from pathlib import Path
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
RUN = Path(os.environ.get("STARTER_RUN", ROOT / "build/starter"))
FACES = os.environ.get("STARTER_FACES", str(ROOT / "build/starter/faces/starter-faces"))

# Five points (eyes, nose, mouth corners) as fractions of an aligned crop.
ARCFACE_112 = np.array([[.34191607, .46157411], [.65653393, .45983393], [.500225, .64050536],
                        [.37097589, .82469196], [.63151696, .82325089]], np.float32)
ARCFACE_128 = np.array([[.36167656, .40387734], [.63696719, .40235469], [.50019687, .56044219],
                        [.38710391, .72160547], [.61507734, .72034453]], np.float32)
FFHQ = np.array([[.37691676, .46864664], [.62285697, .46912813], [.50123859, .61331904], [.39308822, .72541100],
                 [.61150205, .72490465]], np.float32)
CLASSES = ["gender", "age", "skin", "hair-style", "hair", "beard", "glasses", "hat", "hat-colour", "earrings", "clothes",
           "clothes-colour", "expression", "light", "place", "background", "front", "scene", "eyes"]


# ---- data ----

def render(name, kind, count, seed, **options):
    """Renders a set into RUN/data/name unless it is there; returns its folder."""
    out = RUN / "data" / name
    if (out / "done").exists():
        return out
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [FACES, "set", "--kind", kind, "--count", str(count), "--seed", str(seed),
               "--threads", os.environ.get("STARTER_THREADS", "1")]
    for key, value in options.items():
        command += ["--" + key.replace("_", "-")] + ([] if value is True else [str(value)])
    subprocess.run(command + ["--out", str(out)], check=True)
    (out / "done").touch()
    return out


class Faces:
    """A rendered set: memory-mapped pictures, labels by column name, captions."""

    def __init__(self, folder, suffix=""):
        folder = Path(folder)
        lines = (folder / "labels.tsv").read_text().splitlines()
        self.columns = {l.split("\t")[1]: int(l.split("\t")[0]) for l in lines if l and l[0] != "#"}
        self.names = {l[1:].split("\t")[0]: l.split("\t")[1:] for l in lines if l and l[0] == "#"}
        self.labels = np.fromfile(folder / f"labels{suffix}.f32", np.float32).reshape(-1, len(self.columns))
        # The renderer counts from corners of pixels, resampling from their middles.
        for column, at in self.columns.items():
            if column.rstrip("0123456789").rstrip("_").rstrip("0123456789") in ("box", "point", "dense"):
                self.labels[:, at] -= .5 * (self.labels[:, at] != 0)
        self.captions = (folder / "captions.txt").read_text().splitlines()
        if (folder / f"images{suffix}.u8").exists():  # sets of words alone have none
            raw = np.memmap(folder / f"images{suffix}.u8", np.uint8, "r")
            self.size = math.isqrt(len(raw) // len(self.labels) // 3)
            self.pictures = raw.reshape(len(self.labels), self.size, self.size, 3)

        if (folder / f"masks{suffix}.u8").exists():
            self.masks = np.memmap(folder / f"masks{suffix}.u8", np.uint8, "r").reshape(self.pictures.shape[:3])

    def __len__(self):
        return len(self.labels)

    def __getitem__(self, column):
        return self.labels[:, self.columns[column]]

    def some(self, column):
        """[N,3]: the column of each of three people."""
        return np.stack([self[f"{column}{k or ''}"] for k in range(3)], 1)

    def points(self, person=0):
        """[N,5,2] pixels."""
        at = self.columns[f"point{person or ''}_0"]
        return self.labels[:, at:at + 10].reshape(-1, 5, 2)

    def boxes(self, person=0):
        at = self.columns[f"box{person or ''}_0"]
        return self.labels[:, at:at + 4]

    def batch(self, index):
        return to_float(self.pictures[index])


def to_float(u8):
    """[N,H,W,3] u8 -> [N,3,H,W] f32 0..1."""
    return torch.from_numpy(np.array(u8)).permute(0, 3, 1, 2).float().div_(255)


def to_u8(x):
    return (x.clamp(0, 1) * 255 + .5).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()


# ---- alignment ----

def similarity(src, dst):
    """Least squares similarity that takes src [N,5,2] to dst [N,5,2]: matrices [N,2,3] (Umeyama without reflection)."""
    ms, md = src.mean(1, keepdims=True), dst.mean(1, keepdims=True)
    s, d = src - ms, dst - md
    n = (s ** 2).sum((1, 2)) + 1e-9
    a = (s * d).sum((1, 2)) / n
    b = (s[..., 0] * d[..., 1] - s[..., 1] * d[..., 0]).sum(1) / n
    m = np.stack([np.stack([a, -b], -1), np.stack([b, a], -1)], 1)
    t = md[:, 0] - np.einsum("nij,nj->ni", m, ms[:, 0])
    return np.concatenate([m, t[..., None]], 2).astype(np.float32)


def warp(x, m, size, mode="bicubic"):
    """x [N,C,H,W] sampled so that pixel p of x lands on m·p of the [size,size] result; edges repeat."""
    n, _, h, w = x.shape
    full = np.concatenate([m, np.tile(np.array([[[0, 0, 1]]], np.float32), (n, 1, 1))], 1)
    inv = torch.from_numpy(np.linalg.inv(full).astype(np.float32)[:, :2])
    i = torch.arange(size, dtype=torch.float32)
    grid = torch.stack([i[None].expand(size, size), i[:, None].expand(size, size), torch.ones(size, size)], -1)
    p = torch.einsum("nij,hwj->nhwi", inv, grid)
    p = (2 * p + 1) / torch.tensor([w, h], dtype=torch.float32) - 1

    y = F.grid_sample(x, p, mode=mode, padding_mode="border", align_corners=False)
    return y.clamp(0, 1) if mode == "bicubic" else y


def crops(x, points, template, size, jitter=0., rng=None):
    """Aligned crops [N,3,size,size]; jitter moves the points by a share of the crop."""
    dst = np.tile(template[None] * size, (len(points), 1, 1)).astype(np.float32)
    if jitter:
        k = len(points)
        turn = rng.normal(0, jitter * 2, k)
        scale = np.exp(rng.normal(0, jitter * 2, k))
        r = np.stack([np.stack([np.cos(turn), -np.sin(turn)], -1), np.stack([np.sin(turn), np.cos(turn)], -1)], 1)
        dst = np.einsum("nij,nkj->nki", r * scale[:, None, None], dst - size / 2) + size / 2
        dst = dst + rng.normal(0, jitter * size, (k, 1, 2)) + rng.normal(0, jitter * size * .3, dst.shape)
    return warp(x, similarity(points.astype(np.float32), dst.astype(np.float32)), size)


SIDE = 192  # of the pictures that the tiny Stable Diffusion draws; its latents have SIDE / 8

# Its portraits are framed, so that few pictures teach much: the middle of the eyes and the
# middle of the mouth lie at these heights, in the middle of the picture. Heads stay as tilted as they were.
FRAME_EYES, FRAME_MOUTH = .425, .63


def framing(points, alone, side, size):
    """Matrices [N,2,3] from pixels of pictures [side,side] to framed ones [size,size]; points [N,5,2] of the person.
    Pictures that do not show one person alone are only resized."""
    eyes, mouth = points[:, :2].mean(1), points[:, 3:].mean(1)
    k = (FRAME_MOUTH - FRAME_EYES) * size / (np.linalg.norm(mouth - eyes, axis=1) + 1e-9)
    middle = (eyes + mouth) / 2
    k = np.where(alone, k, size / side)
    to = np.where(alone[:, None], np.array([.5, (FRAME_EYES + FRAME_MOUTH) / 2]) * size - k[:, None] * middle, (size / side - 1) / 2)
    eye = np.eye(2)[None] * k[:, None, None]
    return np.concatenate([eye, to[..., None]], 2).astype(np.float32)


# ---- degradation ----

def blur(x, sigma):
    if sigma < .15:
        return x
    r = max(1, int(3 * sigma + .5))
    k = torch.exp(-torch.arange(-r, r + 1.) ** 2 / (2 * sigma * sigma))
    k = (k / k.sum()).repeat(x.shape[1], 1)
    x = F.conv2d(F.pad(x, (r, r, 0, 0), mode="replicate"), k[:, None, None, :], groups=x.shape[1])
    return F.conv2d(F.pad(x, (0, 0, r, r), mode="replicate"), k[:, None, :, None], groups=x.shape[1])


def jpeg(x, rng, low=45, high=95):
    out = []
    for u in to_u8(x):
        b = io.BytesIO()
        Image.fromarray(u).save(b, "JPEG", quality=int(rng.integers(low, high)))
        out.append(np.asarray(Image.open(b)))
    return to_float(np.stack(out))


def degrade(x, rng, noise=.03):
    """Mild blur, down-and-up scaling, noise, JPEG: each with chance 1/2, one setting per batch."""
    s = x.shape[-1]
    if rng.random() < .5:
        x = blur(x, rng.uniform(.3, 1.6))
    if rng.random() < .5:
        k = int(s * rng.uniform(.4, .95))
        x = F.interpolate(F.interpolate(x, size=k, mode="bilinear", antialias=True), size=s, mode="bicubic")
    if rng.random() < .5:
        x = x + torch.randn_like(x) * rng.uniform(0, noise)
    if rng.random() < .5:
        x = jpeg(x, rng)
    return x.clamp(0, 1)


def light(x, rng):
    """Random gain, gamma, white balance, contrast and saturation per picture: guidance draws harsher than the renderer does."""
    n = len(x)
    factor = lambda spread, shape=(n, 1, 1, 1): torch.from_numpy(np.exp(rng.normal(0, spread, shape))).float()
    x = (x.clamp(1e-4, 1) ** factor(.15) * factor(.06, (n, 3, 1, 1)) * factor(.1)).clamp(0, 1)
    grey = x.mean(1, keepdim=True)
    middle = grey.mean((2, 3), keepdim=True)
    return (middle + (grey - middle + (x - grey) * factor(.2)) * factor(.2)).clamp(0, 1)


def gradient_l1(a, b, weight=None):
    """L1 of horizontal and vertical differences; weight [N,1,H,W]."""
    d = a - b
    x, y = (d[..., 1:] - d[..., :-1]).abs(), (d[..., 1:, :] - d[..., :-1, :]).abs()
    if weight is not None:
        x, y = x * weight[..., 1:], y * weight[..., 1:, :]
    return x.mean() + y.mean()


def point_weight(points, size, sigma, gain=3.):
    """[N,1,size,size]: 1 + gain near eyes, nose and mouth of every face. points [N,faces,5,2] or [N,5,2], in pixels of that
    size; faces that are not there are zeros."""
    i = torch.arange(size) + .5
    p = torch.from_numpy(np.ascontiguousarray(points)).float().reshape(len(points), -1, 5, 2)
    there = (p.abs().sum((2, 3)) > 0).float()[:, :, None, None, None]
    p = torch.cat([p, p[:, :, 3:].mean(2, keepdim=True)], 2)
    gx = torch.exp(-((i - p[..., 0:1]) ** 2) / (2 * sigma * sigma))
    gy = torch.exp(-((i - p[..., 1:2]) ** 2) / (2 * sigma * sigma))
    w = torch.einsum("nfkh,nfkw->nfkhw", gy, gx) * there
    return 1 + gain * w.amax((1, 2))[:, None]


def moved(points, corner):
    """points [N,faces,5,2] of windows whose corners (y, x) [N,2] these are; faces that are not there stay zeros."""
    there = np.abs(points).sum((2, 3), keepdims=True) > 0
    return np.where(there, points - corner[:, None, None, ::-1], 0)


def psnr(a, b):
    return float(-10 * torch.log10(((a.clamp(0, 1) - b.clamp(0, 1)) ** 2).mean((1, 2, 3)) + 1e-10).mean())


# ---- training ----

# Products are in bfloat16 where the processor has instructions for it: half the time of a step, the same losses.
HALF = torch.bfloat16 if "avx512_bf16" in Path("/proc/cpuinfo").read_text() else torch.float32


def quick():
    return torch.autocast("cpu", torch.bfloat16, enabled=HALF == torch.bfloat16)


def descend(loss, model, opt, ema, most=1.):
    """One step down the gradient of a loss, its norm at most `most`."""
    loss.backward()
    advance(model, opt, ema, most)


def advance(model, opt, ema, most=1.):
    """One step along the gradients that are there."""
    torch.nn.utils.clip_grad_norm_(model.parameters(), most)
    opt.step()
    opt.zero_grad(set_to_none=True)
    ema.update(model)


class EMA:
    """Average of weights: what is exported. The decay warms up so that early steps are soon forgotten."""

    def __init__(self, model, decay=.999):
        self.model, self.decay, self.step = copy.deepcopy(model).eval().requires_grad_(False), decay, 0

    @torch.no_grad()
    def update(self, model):
        self.step += 1
        d = min(self.decay, (1 + self.step) / (10 + self.step))
        a, b = list(self.model.parameters()), [p.detach() for p in model.parameters()]
        torch._foreach_mul_(a, d)
        torch._foreach_add_(a, b, alpha=1 - d)
        for x, y in zip(self.model.buffers(), model.buffers()):
            x.copy_(y)


class Muon(torch.optim.Optimizer):
    """Adam for vectors, edges and embeddings; for weight matrices momentum whose singular values are made equal by four
    Newton-Schulz steps (K. Jordan, 2024). Where samples are dear and matrices small it needs far fewer of them."""

    def __init__(self, model, lr=.02, adam=2e-3, edges=("conv_in", "conv_out")):
        inner, other = [], []
        for name, p in model.named_parameters():
            (inner if p.ndim >= 2 and not any(e in name for e in edges) else other).append(p)
        super().__init__([dict(params=inner, kind="muon", scale=1.), dict(params=other, kind="adam", scale=adam / lr)],
                         dict(lr=lr))

    @staticmethod
    def even(g):
        x = g.flatten(1)
        tall = x.shape[0] > x.shape[1]
        x = ((x.T if tall else x) / (x.norm() + 1e-7)).to(HALF)
        for _ in range(4):
            a = x @ x.T
            x = torch.addmm(x, torch.addmm(a, a, a, beta=-4.7750, alpha=2.0315), x, beta=3.4445)
        return (x.T if tall else x).float().view_as(g) * max(1., g.shape[0] / g[0].numel()) ** .5

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                s = self.state[p]
                if not s:
                    s["m"], s["v"], s["t"] = torch.zeros_like(p), torch.zeros_like(p), 0
                s["t"] += 1
                if group["kind"] == "muon":
                    s["m"].lerp_(p.grad, .05)
                    p.mul_(1 - group["lr"] * .01)
                    p.add_(self.even(p.grad.lerp(s["m"], .95)), alpha=-group["lr"])
                else:
                    s["m"].lerp_(p.grad, .1)
                    s["v"].lerp_(p.grad ** 2, .01)
                    m, v = s["m"] / (1 - .9 ** s["t"]), s["v"] / (1 - .99 ** s["t"])
                    p.add_(m / (v.sqrt() + 1e-8), alpha=-group["lr"])


class Critic(torch.nn.Module):
    """Tells small patches of renders from those that a network made: hinge loss.

    L1 leaves soft what cannot be known; the critic asks for a sharp guess instead.
    """

    def __init__(self, width=32):
        super().__init__()
        layer = lambda a, b, stride: [torch.nn.Conv2d(a, b, 3, stride, 1), torch.nn.LeakyReLU(.2)]
        self.body = torch.nn.Sequential(*layer(3, width, 1), *layer(width, 2 * width, 2), *layer(2 * width, 3 * width, 2),
                                        torch.nn.Conv2d(3 * width, 1, 3, 1, 1))
        self.opt = torch.optim.Adam(self.body.parameters(), 1e-3, (.5, .99))

    def forward(self, x):
        with quick():
            return self.body(x).float()

    def backward(self, loss, made, real, share):
        """Gradients of loss, which `made` leads to, and the critic's with `share` of their strength at the picture."""
        own, = torch.autograd.grad(loss, made, retain_graph=True)
        seen = made.detach().requires_grad_(True)
        pull, = torch.autograd.grad(-self(seen).mean(), seen)
        made.backward(own + share * own.norm() / (pull.norm() + 1e-12) * pull)
        self.opt.zero_grad(set_to_none=True)
        wrong = F.relu(1 - self(real)).mean() + F.relu(1 + self(made.detach())).mean()
        wrong.backward()
        self.opt.step()
        return wrong


class Run:
    """One training: arguments, clock, learning rate, log, checkpoints.

    The schedule follows the clock (`--minutes`), not a number of steps: warm-up, then cosine to `floor`.
    """

    def __init__(self, name, minutes, seed=0, **extra):
        p = argparse.ArgumentParser()
        p.add_argument("--minutes", type=float, default=minutes)
        p.add_argument("--seed", type=int, default=seed)
        p.add_argument("--resume", action="store_true")
        for key, value in extra.items():
            p.add_argument("--" + key.replace("_", "-"), type=type(value), default=value)
        self.args = p.parse_args()
        torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
        torch.manual_seed(self.args.seed)
        self.rng = np.random.default_rng(self.args.seed)
        self.name, self.step, self.seen, self.spent = name, 0, 0, 0.
        self.before = {}  # the same numbers of the trainings that made the pack which this one began with
        self.sums, self.count, self.last = {}, 0, time.time()
        (RUN / "logs").mkdir(parents=True, exist_ok=True)
        self.path = RUN / f"{name}.pt"
        self.log_file = open(RUN / "logs" / f"{name}.log", "a" if self.args.resume else "w")
        self.saved = time.time()

    def say(self, text):
        line = f"{time.strftime('%H:%M:%S')} {text}"
        print(line, flush=True)
        print(line, file=self.log_file, flush=True)

    def share(self):
        """How much of the time is used, 0..1."""
        return min(1., self.spent / (self.args.minutes * 60))

    def rate(self, optimizer, peak, warm=200, floor=.02, flat=.0):
        """flat: share of the time at the peak before the cosine begins."""
        t = max(0., (self.share() - flat) / (1 - flat))
        lr = peak * min(1, (self.step + 1) / warm) * (floor + (1 - floor) * .5 * (1 + math.cos(math.pi * t)))
        for g in optimizer.param_groups:
            g["lr"] = lr * g.get("scale", 1.)
        return lr

    def tick(self, batch, state=None, every=100, save_minutes=4, **losses):
        """Counts a step; returns False when the time is used."""
        now = time.time()
        self.spent += min(now - self.last, 60)
        self.last = now
        self.step += 1
        self.seen += batch
        self.count += 1
        for k, v in losses.items():
            self.sums[k] = self.sums.get(k, 0.) + float(v.detach() if torch.is_tensor(v) else v)
        if self.step % every == 0:
            text = " ".join(f"{k} {v / self.count:.4f}" for k, v in self.sums.items())
            self.say(f"{self.name} step {self.step} seen {self.seen} min {self.spent / 60:.1f} "
                     f"rate {self.seen / max(self.spent, 1e-9):.1f}/s {text}")
            self.sums, self.count = {}, 0
        if state and (now - self.saved > save_minutes * 60 or self.share() >= 1):
            self.save(state)
        return self.share() < 1

    def save(self, state):
        self.saved = time.time()
        data = {k: (v.state_dict() if hasattr(v, "state_dict") else v.model.state_dict()) for k, v in state.items()}
        data["run"] = dict(step=self.step, seen=self.seen, spent=self.spent, before=self.before)
        torch.save(data, self.path.with_suffix(".tmp"))
        os.replace(self.path.with_suffix(".tmp"), self.path)

    def load(self, state):
        if not self.args.resume or not self.path.exists():
            return
        data = torch.load(self.path, map_location="cpu")
        for k, v in state.items():
            if k not in data:
                continue
            (v if hasattr(v, "load_state_dict") else v.model).load_state_dict(data[k])
            if isinstance(v, EMA):
                v.step = data["run"]["step"]
        self.step, self.seen, self.spent = (data["run"][k] for k in ("step", "seen", "spent"))
        self.before = data["run"].get("before", {})
        torch.manual_seed(self.args.seed + self.step)  # or it would see again what it has seen
        self.rng = np.random.default_rng((self.args.seed, self.step))
        self.say(f"{self.name} goes on at step {self.step}")


def trained(name):
    """Steps, samples and minutes of all trainings that led to these weights."""
    run = torch.load(RUN / f"{name}.pt", map_location="cpu")["run"]
    before = run.get("before", {})
    return dict(steps=run["step"] + before.get("steps", 0), samples=run["seen"] + before.get("samples", 0),
                minutes=round(run["spent"] / 60 + before.get("minutes", 0), 1))


def load_weights(name, key, model):
    """Weights of a finished or running training."""
    model.load_state_dict(torch.load(RUN / f"{name}.pt", map_location="cpu")[key])
    return model.eval().requires_grad_(False)


def sheet(x, path, columns=8, scale=1):
    """Writes [N,3,H,W] 0..1 as one PNG."""
    u = to_u8(x)
    n, h, w, _ = u.shape
    rows = -(-n // columns)
    out = np.zeros((rows * h, columns * w, 3), np.uint8)
    for i in range(n):
        out[i // columns * h:(i // columns + 1) * h, i % columns * w:(i % columns + 1) * w] = u[i]
    im = Image.fromarray(out)
    if scale != 1:
        im = im.resize((im.width * scale, im.height * scale), Image.NEAREST)
    im.save(path)


def write_json(path, data):
    Path(path).write_text(json.dumps(data, indent=2) + "\n")
