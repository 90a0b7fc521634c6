#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Conditions that change from step to step and that stand beside each other, for tests/stages/test_diffuse_conditions.c.

    conditions.py       writes tests/golden/conditions.safetensors: latents [4,8,8] of each row of CASES (needs torch, diffusers)

diffusers' UNet and schedulers, with the sum of composable diffusion (and the WebUI's AND) in the place of plain guidance:
noise = negative + sum(guidance * weight * (positive - negative)).
"""
import torch
from safetensors.torch import save_file

import checkpoint
import diffuse

STEPS = 6
# name: sampler, schedule, guidance, [(context, weight, from, to)], [(negative context, from, to)]; steps from ≤ i < to
CASES = {
    "one": ("dpmpp-2m", "normal", 7.5, [("positive", 1, 0, 6)], [("negative", 0, 6)]),
    "schedule": ("euler", "karras", 7.5, [("positive", 1, 0, 2), ("other", 1, 2, 6)], [("negative", 0, 3), ("third", 3, 6)]),
    "turns": ("ddim", "normal", 5, [("positive" if i % 2 else "other", 1, i, i + 1) for i in range(6)], [("negative", 0, 6)]),
    "and": ("euler-a", "normal", 4, [("positive", 1, 0, 6), ("other", 0.5, 0, 6), ("third", -0.25, 0, 4), ("negative", -0.25, 4, 6)],
            [("negative", 0, 6)]),
    "and unguided": ("euler", "normal", 1, [("positive", 0.7, 0, 6), ("other", 0.6, 0, 6)], [("negative", 0, 6)]),
}


def draw(unet, sampler, schedule, guidance, positive, negative):
    s = diffuse.scheduler(sampler, schedule, "own")
    s.set_timesteps(STEPS)
    g = torch.Generator().manual_seed(diffuse.SEED)
    x = torch.randn(1, 4, 8, 8, generator=g) * s.init_noise_sigma
    context = lambda name: diffuse.context(f"golden.{name}", 77)
    for i, t in enumerate(s.timesteps):
        z = s.scale_model_input(x, t)
        noise = lambda name: unet(z, t, context(name)).sample
        base = noise(next(name for name, start, end in negative if start <= i < end))
        sum_ = base.clone()
        for name, weight, start, end in positive:
            if start <= i < end:
                sum_ += guidance * weight * (noise(name) - base)
        more = {"generator": g} if sampler == "euler-a" else {}
        x = s.step(sum_, t, x, **more).prev_sample
    return x[0].contiguous()


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    unet = checkpoint.models()[1]
    save_file({name: draw(unet, *case) for name, case in CASES.items()}, checkpoint.ROOT / "tests/golden/conditions.safetensors")


if __name__ == "__main__":
    main()
