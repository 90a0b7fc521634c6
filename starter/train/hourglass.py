# SPDX-License-Identifier: Apache-2.0
"""The network behind landmarks, face parser and restorer: down to a quarter or less, residual blocks, up again with skips."""
import torch
import torch.nn.functional as F
from torch import nn


def conv(a, b, stride=1, size=3):
    return nn.Sequential(nn.Conv2d(a, b, size, stride, size // 2, bias=False), nn.BatchNorm2d(b), nn.ReLU())


class Residual(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.body = nn.Sequential(conv(c, c), nn.Conv2d(c, c, 3, 1, 1, bias=False), nn.BatchNorm2d(c))
        nn.init.zeros_(self.body[2].weight)

    def forward(self, x):
        return F.relu(x + self.body(x))


class Hourglass(nn.Module):
    """[N,widths[0],H,W] -> the same shape; H and W divisible by 2 to the number of further widths."""

    def __init__(self, widths, blocks=1):
        super().__init__()
        pairs = list(zip(widths, widths[1:]))
        many = lambda c: nn.Sequential(*[Residual(c) for _ in range(blocks)])
        self.before = nn.ModuleList([many(a) for a, _ in pairs])
        self.down = nn.ModuleList([conv(a, b, 2) for a, b in pairs])
        self.middle = many(widths[-1])
        self.up = nn.ModuleList([conv(b, a, size=1) for a, b in pairs])
        self.after = nn.ModuleList([many(a) for a, _ in pairs])

    def forward(self, x):
        skips = []
        for before, down in zip(self.before, self.down):
            x = before(x)
            skips.append(x)
            x = down(x)
        x = self.middle(x)
        for up, after, skip in zip(reversed(self.up), reversed(self.after), reversed(skips)):
            x = after(F.interpolate(up(x), scale_factor=2., mode="nearest") + skip)
        return x
