#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goldens of what is reused from step to step, on the tiny checkpoint of checkpoint.py.

    reuse.py    writes tests/golden/reuse.safetensors (needs torch, diffusers, tomesd; CPU, one thread, a minute)

    merge SAMPLER STEPS GUIDANCE RATIO WxH      latents with tomesd.apply_patch(ratio=RATIO, use_rand=False), as the WebUI applies it
    cache SAMPLER STEPS GUIDANCE EVERY RATIO    the same of a picture of 64x64 with DeepCache: as the package horseee/DeepCache does with
                                                cache_interval EVERY and cache_branch_id 0, written here over diffusers' UNet: conv_in
                                                and the last layer run in every step, the rest in each EVERY-th
"""
import tomesd
import torch
from safetensors.torch import save_file

import checkpoint
from diffuse import SEED, context, scheduler
from guidance import pipeline

OUT = checkpoint.ROOT / "tests/golden/reuse.safetensors"


class DeepCache:
    def __init__(self, unet, every):
        self.unet, self.every, self.call = unet, every, 0
        block = unet.up_blocks[-1]
        self.resnet, self.attention = block.resnets[-1], block.attentions[-1]
        self.deep = None

    def __call__(self, x, t, prompts):
        x = x.expand(len(prompts), -1, -1, -1)
        whole = self.call % self.every == 0
        self.call += 1
        if whole:
            hook = self.resnet.register_forward_pre_hook(self.keep)
            noise = self.unet(x, t, prompts).sample
            hook.remove()
            return noise
        u = self.unet
        time = u.time_embedding(u.time_proj(t.expand(len(prompts))).to(x.dtype))
        h = self.resnet(torch.cat([self.deep, u.conv_in(x)], 1), time)
        h = self.attention(h, encoder_hidden_states=prompts).sample
        return u.conv_out(u.conv_act(u.conv_norm_out(h)))

    def keep(self, module, inputs):
        self.deep = inputs[0][:, : -self.unet.config.block_out_channels[0]]


def merging(ratio):
    """The tiny networks with tokens merged in the UNet."""
    nets = checkpoint.models()
    if ratio:
        tomesd.apply_patch(nets[1], ratio=ratio, use_rand=False)
    return nets


def cache(sampler, guidance, every, ratio, steps=7):
    s = scheduler(sampler, "normal", "own")
    s.set_timesteps(steps)
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(SEED)) * s.init_noise_sigma
    prompts = torch.cat([context("golden.negative", 77), context("golden.positive", 77)][guidance <= 1 :])
    unet = DeepCache(merging(ratio)[1], every)
    for t in s.timesteps:
        noise = unet(s.scale_model_input(x, t), t, prompts)
        if guidance > 1:
            noise = noise[:1] + guidance * (noise[1:] - noise[:1])
        x = s.step(noise, t, x).prev_sample
    return {f"cache {sampler} {steps} {guidance:g} {every} {ratio:g}": x[0].contiguous()}


def merge(sampler, guidance, ratio, size, steps=5):
    latents = pipeline(merging(ratio), scheduler(sampler, "normal", "own"), steps, guidance, 0, size=size)
    return {"merge %s %d %g %g %dx%d" % (sampler, steps, guidance, ratio, *size): latents[0].contiguous()}


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    out = {}
    for case in (("euler", 7.5, 0.5, (64, 64)), ("ddim", 1, 0.75, (64, 96)), ("dpmpp-2m", 7.5, 0.3, (72, 88)), ("euler", 7.5, 0.75, (136, 64)),
                 ("euler", 7.5, 0.05, (64, 64))):
        out |= merge(*case)
    for case in (("dpmpp-2m", 7.5, 3, 0), ("ddim", 7.5, 2, 0), ("euler", 1, 4, 0), ("euler", 7.5, 3, 0.5)):
        out |= cache(*case)
    save_file(out, OUT)
    print(*out, sep="\n")


if __name__ == "__main__":
    main()
