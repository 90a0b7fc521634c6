#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden numbers for alignment, crop, paste-back and mask blur, as a C header.

    python tools/golden/affine.py > tests/data/golden_affine.h

Reference: numpy in float64 (Umeyama by SVD, sampling by its definition) and OpenCV (warpAffine, which rounds
coordinates to 1/32 pixel, and GaussianBlur).
"""
import cv2
import numpy as np

W, H, N = 16, 12, 8  # picture, crop side
FROM = np.array([[30.3, 41.2], [68.9, 35.5], [52.1, 60.7], [38.0, 80.4], [72.2, 75.1]])
TO = np.array([[.34191607, .46157411], [.65653393, .45983393], [.500225, .64050536], [.37097589, .82469196],
               [.63151696, .82325089]]) * 112
TURN = np.array([[0.9, -0.35, 0.4], [0.35, 0.9, -3.3]])
SMALL = TURN * 0.45


def picture(w, h):
    y, x, c = np.mgrid[:h, :w, :3].astype(np.float64)
    return 0.5 + 0.4 * np.sin(0.3 * x + c) * np.cos(0.25 * y)


def umeyama(p, q):
    p0, q0 = p.mean(0), q.mean(0)
    u, s, vt = np.linalg.svd((q - q0).T @ (p - p0) / len(p))
    d = np.diag([1, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    scale = np.trace(np.diag(s) @ d) / (p - p0).var(0).sum()
    r = scale * u @ d @ vt
    return np.hstack([r, (q0 - r @ p0)[:, None]])


def invert(m):
    return np.linalg.inv(np.vstack([m, [0, 0, 1]]))[:2]


def bilinear(image, x, y, clamp):
    x0, y0, out = int(np.floor(x)), int(np.floor(y)), 0
    h, w = image.shape[:2]
    for j in (0, 1):
        for i in (0, 1):
            weight = (x - x0 if i else 1 - x + x0) * (y - y0 if j else 1 - y + y0)
            u, v = x0 + i, y0 + j
            if clamp:
                u, v = min(max(u, 0), w - 1), min(max(v, 0), h - 1)
            if 0 <= u < w and 0 <= v < h:
                out = out + weight * image[v, u]
    return out


def taps(covered):
    return 1 if covered < 1.5 else int(covered + 0.5)


def footprint(m, x, y, k):
    for i in range(k * k):
        u, v = x + (i % k + 0.5) / k - 0.5, y + (i // k + 0.5) / k - 0.5
        yield m @ [u, v, 1]


def crop(image, m, k):
    back, out = invert(m), np.zeros((N, N, 3))
    for y in range(N):
        for x in range(N):
            out[y, x] = sum(bilinear(image, u, v, False) for u, v in footprint(back, x, y, k)) / k**2
    return out


def paste(canvas, face, mask, m):
    out, k = canvas.copy(), taps(np.sqrt(abs(np.linalg.det(m[:, :2]))))
    h, w = mask.shape
    for y in range(canvas.shape[0]):
        for x in range(canvas.shape[1]):
            weight, total = 0, 0
            for u, v in footprint(m, x, y, k):
                if -1 < u < w and -1 < v < h:
                    a = bilinear(mask, u, v, False)
                    weight, total = weight + a, total + a * bilinear(face, u, v, True)
            if weight > 0:
                out[y, x] = (1 - weight / k**2) * canvas[y, x] + total / k**2
    return out


def array(name, values, kind="float"):
    v = np.asarray(values).ravel()
    print(f"static const {kind} {name}[{len(v)}] = {{")
    for i in range(0, len(v), 10):
        print("    " + ", ".join(f"{x:.9g}" if kind == "double" else f"{x:.7g}" for x in v[i:i + 10]) + ",")
    print("};\n")


def main():
    print("// SPDX-License-Identifier: Apache-2.0\n/* Made by tools/golden/affine.py (numpy, OpenCV "
          f"{cv2.__version__}); do not edit. */\n// clang-format off\n")
    array("points_from", FROM)
    array("points_to", TO)
    array("similarity", umeyama(FROM.astype(np.float32).astype(float), TO.astype(np.float32).astype(float)), "double")
    image = picture(W, H)
    array("turn", TURN, "double")
    array("small", SMALL, "double")
    array("turned", crop(image, TURN, 1))
    array("turned_cv2", cv2.warpAffine(image.astype(np.float32), TURN, (N, N), flags=cv2.INTER_LINEAR, borderValue=0))
    array("shrunk", crop(image, SMALL, taps(1 / np.sqrt(np.linalg.det(SMALL[:, :2])))))
    y, x = np.mgrid[:N, :N]
    mask = np.clip(1.2 - ((x - 3.5)**2 + (y - 3.5)**2) / 12, 0, 1)
    array("mask_values", mask)
    face = 1 - picture(N, N)
    array("pasted", paste(image, face, mask, TURN))
    array("pasted_small", paste(image, face, mask, TURN * 2.2))
    dots = np.zeros((7, 9), np.float32)
    dots[0, 0] = dots[3, 4] = dots[6, 5] = 1
    array("blurred", cv2.GaussianBlur(dots, (0, 0), 1.3, borderType=cv2.BORDER_REPLICATE))


if __name__ == "__main__":
    main()
