#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden perceptual hash of the picture of tests/data/test_phash.c.

    python tools/golden/phash.py

Reference: PIL's LANCZOS to 32×32, PIL's luma weights, the cosine transform by its definition, in float64.
"""
import numpy as np
from PIL import Image

y, x, c = np.mgrid[:80, :96, :3].astype(np.float64)
picture = np.floor(127.5 + 100 * np.sin(0.002 * x * x + c) * np.cos(0.07 * y + 0.02 * x)).astype(np.uint8)
small = np.asarray(Image.fromarray(picture).resize((32, 32), Image.LANCZOS), np.float64)
wave = np.cos(np.outer(np.arange(1, 9), 2 * np.arange(32) + 1) * np.pi / 64)
low = (wave @ (small @ [0.299, 0.587, 0.114]) @ wave.T).ravel()
bits = low > np.median(low)
print(f"{sum(int(b) << i for i, b in enumerate(bits)):016x}")
