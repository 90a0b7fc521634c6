# SPDX-License-Identifier: Apache-2.0
"""What makes pictures alike to the eye: distances of features of a second judge, which shares nothing with the report's but
its form. It was asked for hair style, wrinkles (age), beards and looks, so texture counts that L1 would rather blur.
"""
import torch.nn.functional as F
from torch import nn
from common import load_weights
from judge import Judge, train


class Taste(nn.Module):
    """Mean squared difference of features that are scaled to length 1 at every place, summed over five depths (as LPIPS)."""

    def __init__(self):
        super().__init__()
        self.layers = load_weights("taste", "ema", Judge()).body

    def forward(self, made, real):
        """[N,3,H,W] 0..1 twice -> [N] distances."""
        a, b, far = made * 2 - 1, real * 2 - 1, 0.
        for k, layer in enumerate(self.layers):
            a, b = layer(a), layer(b)
            if k >= 2:
                far = far + ((F.normalize(a) - F.normalize(b)) ** 2).sum(1).mean((1, 2))
        return far


if __name__ == "__main__":
    train("taste", 5, seed=1)
