#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What torch computes for every abstract operator of runtime/graph.h: tests/golden/graph.txt.

One line per case: name, rank, dimensions, numbers (f32, 9 digits). Operands are not stored: operand number s of a case holds
fill(s, shape), the same integers in tests/runtime/test_operators.c. Needs torch, diffusers and tomesd; run from anywhere.
"""
import math
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from diffusers.models.embeddings import get_timestep_embedding
from tomesd.merge import bipartite_soft_matching_random2d

OUT = Path(__file__).resolve().parents[2] / "tests/golden/graph.txt"


def fill(seed, *shape):
    i = np.arange(math.prod(shape), dtype=np.int64)
    return torch.from_numpy((((i * 7919 + seed * 104729) % 2003) / 1001 - 1).astype(np.float32).reshape(shape))


def attention(q, k, v, heads, causal=False):
    split = lambda x: x.unflatten(2, (heads, -1)).transpose(1, 2)
    return F.scaled_dot_product_attention(split(q), split(k), split(v), is_causal=causal).transpose(1, 2).flatten(2)


def geglu(x):
    a, b = x.chunk(2, -1)
    return a * F.gelu(b)


def merged(x, gone):
    merge, unmerge = bipartite_soft_matching_random2d(x, 5, 6, 2, 2, gone, no_rand=True)
    return unmerge(merge(2 * x))


image, tokens = fill(1, 2, 4, 6, 5), fill(1, 2, 7, 8)
cases = {
    "conv3": F.conv2d(image, fill(2, 6, 4, 3, 3), fill(3, 6), padding=1),
    "conv3_down": F.conv2d(F.pad(image, (0, 1, 0, 1)), fill(2, 6, 4, 3, 3), stride=2),
    "conv1": F.conv2d(image, fill(2, 6, 4, 1, 1), fill(3, 6)),
    "linear": F.linear(tokens, fill(2, 5, 8), fill(3, 5)),
    "linear_rows": F.linear(fill(1, 2, 8), fill(2, 5, 8)),
    "mix_tokens": fill(2, 5, 7) @ tokens,
    "group_norm": F.group_norm(image, 2, fill(2, 4), fill(3, 4), 1e-5),
    "layer_norm": F.layer_norm(tokens, (8,), fill(2, 8), fill(3, 8), 1e-5),
    "attention": attention(4 * tokens, 4 * tokens, tokens, 2),
    "attention_cross": attention(tokens, fill(2, 2, 3, 8), fill(3, 2, 3, 8), 2),
    "attention_causal": attention(4 * tokens, 4 * tokens, tokens, 2, True),
    "silu": F.silu(4 * tokens),
    "gelu": F.gelu(4 * tokens),
    "quick_gelu": 4 * tokens * torch.sigmoid(1.702 * 4 * tokens),
    "tanh": torch.tanh(4 * tokens),
    "geglu": geglu(4 * tokens),
    "add": image + fill(2, 2, 4, 1, 1),
    "mul": tokens * fill(2, 8),
    "scale": tokens * 0.18215,
    "concat": torch.cat([image, fill(2, 2, 3, 6, 5)], 1),
    "slice": tokens[:, :, 2:5],
    "clip": tokens.clip(-0.5, 0.25),
    "upsample2": F.interpolate(image, scale_factor=2, mode="nearest"),
    "upsample2_like": F.interpolate(image, size=(11, 9), mode="nearest"),
    "tokens_of_image": image.flatten(2).transpose(1, 2),
    "image_of_tokens": fill(2, 2, 30, 3).transpose(1, 2).unflatten(2, (6, 5)),
    "as_pixels": fill(1, 2, 8)[:, :, None, None],
    "gather": fill(1, 9, 4)[torch.tensor([[0, 8, 3], [2, 2, 7]])],
    "merge_tokens": merged(fill(1, 2, 30, 8), 13),
    "merge_all_tokens": merged(fill(1, 2, 30, 8), 24),
    "time_embedding": get_timestep_embedding(torch.tensor([981.0, 1.0]), 16, flip_sin_to_cos=True, downscale_freq_shift=0),
}

with OUT.open("w") as out:
    for name, y in cases.items():
        numbers = " ".join(f"{v:.9g}" for v in y.flatten().tolist())
        print(name, y.ndim, *y.shape, numbers, file=out)
