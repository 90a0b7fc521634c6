#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goldens of what SDXL is told of sizes: what diffusers 0.42 draws with the tiny SDXL and its refiner of checkpoint.py.

    sizes.py            writes tests/golden/sizes.safetensors (needs torch, diffusers; CPU, one thread, half a minute)

A tensor's name is its case, which tests/stages/test_diffuse_sizes.c parses; width before height and left before top, 0 0 for a size
that is not said:

    FAMILY  ORIGINAL CROP TARGET SCORE  ORIGINAL CROP TARGET SCORE      of the prompt, of the negative one → latents [4,8,8]
"""
import torch
from PIL import Image
from safetensors.torch import save_file

import checkpoint
import diffuse
import families

# original, crop, target, score: of the prompt, of the negative one. diffusers' text-to-image takes the negative ones only where both sizes are said.
CASES = [
    ("sdxl", ((128, 96), (5, 7), (72, 80), 6), ((128, 96), (5, 7), (72, 80), 2.5)),
    ("sdxl", ((0, 0), (0, 9), (0, 0), 6), ((24, 32), (3, 0), (40, 48), 2.5)),
    ("refiner", ((128, 96), (5, 7), (0, 0), 7.5), ((32, 24), (1, 2), (0, 0), 1.25)),
    ("refiner", ((0, 0), (0, 0), (0, 0), 3), ((0, 0), (0, 0), (0, 0), 4)),
]


def turned(pair):
    """diffusers' order; None: not said."""
    return tuple(reversed(pair)) if any(pair) else None


def draw(family, positive, negative):
    nets = checkpoint.family_models(family)
    pipe = families.pipe_of(family, nets, families.scheduler("epsilon", "euler", "normal", "own"))
    pipe.set_progress_bar_config(disable=True)
    asked = {}
    for prefix, (original, crop, target, score) in (("", positive), ("negative_", negative)):
        asked |= {prefix + "original_size": turned(original), prefix + "target_size": turned(target),
                  prefix + "crops_coords_top_left": tuple(reversed(crop))}
        if family == "refiner":
            asked[prefix + "aesthetic_score"] = score
    if family == "refiner":
        asked |= dict(image=Image.fromarray(diffuse.init_picture(64, 64)), strength=0.7)
    else:
        asked |= dict(width=64, height=64)
    latents = pipe(**families.conditioning(family), **asked, num_inference_steps=5, guidance_scale=7.5, output_type="latent",
                   generator=torch.Generator().manual_seed(diffuse.SEED)).images[0]
    numbers = " ".join(" ".join(f"{n:g}" for n in (*original, *crop, *target, score)) for original, crop, target, score in (positive, negative))
    print(family, numbers, "largest", latents.abs().max().item())
    return {f"{family} {numbers}": latents.contiguous()}


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    out = {}
    for case in CASES:
        out |= draw(*case)
    save_file(out, checkpoint.ROOT / "tests/golden/sizes.safetensors")


if __name__ == "__main__":
    main()
