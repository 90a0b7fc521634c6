# SPDX-License-Identifier: Apache-2.0
"""Which pictures each training sees. Seeds of training and test sets differ, so no person is in both.

Portraits of the tiny Stable Diffusion are framed (common.framing) at SIDE²; swapper crops at 128²; all cached as .npy.
"""
import numpy as np
from common import RUN, SIDE, Faces, framing, render, to_u8, warp

SD = dict(kind="portrait", scenes=.08, groups=.07, max_yaw=40)
SETS = {
    "sdA": dict(SD, count=7000, size=SIDE * 5 // 4, seed=101),
    "sdB": dict(SD, count=7000, size=SIDE * 5 // 4, seed=102),
    "sd_test": dict(SD, count=400, size=SIDE * 5 // 4, seed=9101),
    "text": dict(SD, count=60000, seed=103, words=True),
    "text_test": dict(SD, count=1000, seed=9103, words=True),
    "identity": dict(kind="identity", count=24000, shots=6, size=144, seed=114),
    "identity_test": dict(kind="identity", count=800, shots=8, size=144, seed=9104),
    "pairs": dict(kind="pair", count=5000, size=192, seed=105),
    "pairs_test": dict(kind="pair", count=200, size=192, seed=9105),
    "wide": dict(kind="wide", count=3500, size=256, seed=106),
    "scenes": dict(kind="portrait", count=700, size=160, seed=108, scenes=1.0),
    "wide_test": dict(kind="wide", count=400, size=256, seed=9106),
    "up": dict(kind="portrait", count=900, size=SIDE * 9 // 4, seed=107, scenes=.10, groups=.10, max_yaw=30),
    "up_test": dict(kind="portrait", count=100, size=SIDE * 9 // 4, seed=9107, scenes=.10, groups=.10, max_yaw=30),
    "fine": dict(kind="portrait", count=600, size=640, seed=113, scenes=0, max_yaw=30),
    "fineB": dict(kind="portrait", count=800, size=512, seed=123, scenes=0, max_yaw=30),
    "fine_test": dict(kind="portrait", count=40, size=640, seed=9113, scenes=0, max_yaw=30),
    "parts": dict(kind="portrait", count=3500, size=192, seed=109, scenes=0, max_yaw=60, masks=True),
    "parts_test": dict(kind="portrait", count=200, size=192, seed=9109, scenes=0, max_yaw=60, masks=True),
    "turned_test": dict(kind="turned", count=200, size=192, seed=9110),
    "aged_test": dict(kind="aged", count=200, size=192, seed=9111),
    "relit_test": dict(kind="relit", count=200, size=192, seed=9112),
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


def portraits(name, size=SIDE):
    """Framed pictures [N,size,size,3] u8, the points [N,3,5,2] of their faces in pixels (zeros: no such face), and the set."""
    f = faces(name)
    m = framing(f.points(), f["people"] == 1, f.size, size)
    pictures = cached(f"{name}_frame{size}.npy", lambda: chunks(len(f), lambda i: to_u8(warp(f.batch(i), m[i], size))))
    points = np.stack([f.points(k) for k in range(3)], 1)
    there = np.abs(points).sum((2, 3), keepdims=True) > 0
    points = np.einsum("nij,nfkj->nfki", m[:, :, :2], points) + m[:, None, None, :, 2]
    return pictures, np.where(there, points, 0).astype(np.float32), f


def framed_boxes(f, size=SIDE):
    """Boxes [N,3,4] of the faces in the pictures of portraits()."""
    m = framing(f.points(), f["people"] == 1, f.size, size)
    boxes = np.stack([f.boxes(k) for k in range(3)], 1)
    there = np.abs(boxes).sum(2, keepdims=True) > 0
    moved = boxes * m[:, None, 0, :1] + np.tile(m[:, None, :, 2], (1, 3, 2))
    return np.where(there, moved, 0).astype(np.float32)
