# SPDX-License-Identifier: Apache-2.0
"""The network behind landmarks, face parser and restorer: down to a quarter or less, residual blocks, up again with skips."""
import torch.nn.functional as F
from torch import nn


def conv(a, b, stride=1, size=3, norm=True):
    after = [nn.BatchNorm2d(b), nn.ReLU()] if norm else [nn.LeakyReLU(.2)]
    return nn.Sequential(nn.Conv2d(a, b, size, stride, size // 2, bias=not norm), *after)


class Residual(nn.Module):
    def __init__(self, c, norm):
        super().__init__()
        after = [nn.BatchNorm2d(c)] if norm else []
        self.body = nn.Sequential(conv(c, c, norm=norm), nn.Conv2d(c, c, 3, 1, 1, bias=not norm), *after)
        last = self.body[-1]
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.after = nn.ReLU() if norm else nn.Identity()  # without a norm to bring sums back above zero, a ReLU dies for good

    def forward(self, x):
        return self.after(x + self.body(x))


class Hourglass(nn.Module):
    """[N,widths[0],H,W] -> the same shape; H and W divisible by 2 to the number of further widths. norm: of batches."""

    def __init__(self, widths, blocks=1, norm=True):
        super().__init__()
        pairs = list(zip(widths, widths[1:]))
        many = lambda c: nn.Sequential(*[Residual(c, norm) for _ in range(blocks)])
        self.before = nn.ModuleList([many(a) for a, _ in pairs])
        self.down = nn.ModuleList([conv(a, b, 2, norm=norm) for a, b in pairs])
        self.middle = many(widths[-1])
        self.up = nn.ModuleList([conv(b, a, size=1, norm=norm) for a, b in pairs])
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
