# SPDX-License-Identifier: Apache-2.0
"""Which pictures each training sees. Seeds of training and test sets differ, so no person is in both.

Portraits of the tiny Stable Diffusion are framed (common.frame) at 128²; swapper crops at 128²; all cached as .npy.
"""
import numpy as np
from common import FRAME_EYES, FRAME_MOUTH, RUN, Faces, frame, render, similarity, to_u8

SETS = {
    "sdA": dict(kind="portrait", count=3000, size=160, seed=101, scenes=.10, max_yaw=14),
    "sdB": dict(kind="portrait", count=11000, size=160, seed=102, scenes=.10, max_yaw=14),
    "sd_test": dict(kind="portrait", count=400, size=160, seed=9101, scenes=.10, max_yaw=14),
    "text": dict(kind="portrait", count=50000, size=16, seed=103, scenes=.12, max_yaw=14),
    "text_test": dict(kind="portrait", count=1000, size=16, seed=9103, scenes=.12, max_yaw=14),
    "identity": dict(kind="identity", count=8400, shots=12, size=144, seed=104),
    "identity_test": dict(kind="identity", count=800, shots=8, size=144, seed=9104),
    "pairs": dict(kind="pair", count=3500, size=192, seed=105),
    "pairs_test": dict(kind="pair", count=200, size=192, seed=9105),
    "wide": dict(kind="wide", count=2500, size=256, seed=106),
    "scenes": dict(kind="portrait", count=700, size=160, seed=108, scenes=1.0),
    "wide_test": dict(kind="wide", count=400, size=256, seed=9106),
    "up": dict(kind="portrait", count=900, size=288, seed=107, scenes=.10, max_yaw=14),
    "up_test": dict(kind="portrait", count=100, size=288, seed=9107, scenes=.10, max_yaw=14),
}


def faces(name, suffix=""):
    return Faces(render(name, **SETS[name]), suffix)


def cached(path, make):
    """np.load(path), made first where it is missing; memory-mapped."""
    path = RUN / "data" / path
    if not path.exists():
        np.save(path.with_suffix(".tmp.npy"), make())
        path.with_suffix(".tmp.npy").rename(path)
    return np.load(path, mmap_mode="r")


def chunks(n, make, size=64):
    return np.concatenate([make(np.arange(i, min(i + size, n))) for i in range(0, n, size)])


def portraits(name, size=128):
    """Framed pictures [N,size,size,3] u8, their points [N,5,2] in pixels, and the set itself."""
    f = faces(name)
    person, points = f["has_person"], f.points()
    pictures = cached(f"{name}_frame{size}.npy", lambda: chunks(
        len(f), lambda i: to_u8(frame(f.batch(i), points[i], person[i], size))))
    return pictures, framed_points(points, person, size), f


def framed_points(points, person, size):
    """Where the five points lie after framing: the same matrix as common.frame, applied to the points."""
    eyes, mouth = points[:, :2].mean(1), points[:, 3:].mean(1)
    length = np.linalg.norm(mouth - eyes, axis=1, keepdims=True) + 1e-9
    across = points[:, 1] - points[:, 0]
    across = across / (np.linalg.norm(across, axis=1, keepdims=True) + 1e-9)
    down = np.stack([-across[:, 1], across[:, 0]], -1)
    src = np.stack([eyes, eyes + down * length, eyes + across * length], 1)
    fe, fm = FRAME_EYES * size, FRAME_MOUTH * size
    dst = np.stack([fe, fm, fe + np.array([fm[1] - fe[1], 0])])[None].repeat(len(points), 0)
    m = similarity(src.astype(np.float32), dst.astype(np.float32))
    out = np.einsum("nij,nkj->nki", m[:, :, :2], points) + m[:, None, :, 2]
    return np.where(person[:, None, None] > 0, out, 0).astype(np.float32)
