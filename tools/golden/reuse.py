#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goldens of what is reused from step to step, on the tiny checkpoint of checkpoint.py.

    reuse.py    writes tests/golden/reuse.safetensors (needs torch, diffusers; CPU, one thread, a minute)

    cache SAMPLER STEPS GUIDANCE EVERY    the latents of a picture of 64x64 with DeepCache: as the package horseee/DeepCache does with
                                          cache_interval EVERY and cache_branch_id 0, written here over diffusers' UNet: conv_in and the
                                          last layer run in every step, the rest in each EVERY-th
"""
import torch
from safetensors.torch import save_file

import checkpoint
from diffuse import SEED, context, scheduler

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


def cache(nets, sampler, steps, guidance, every):
    s = scheduler(sampler, "normal", "own")
    s.set_timesteps(steps)
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(SEED)) * s.init_noise_sigma
    prompts = torch.cat([context("golden.negative", 77), context("golden.positive", 77)][guidance <= 1 :])
    unet = DeepCache(nets[1], every)
    for t in s.timesteps:
        noise = unet(s.scale_model_input(x, t), t, prompts)
        if guidance > 1:
            noise = noise[:1] + guidance * (noise[1:] - noise[:1])
        x = s.step(noise, t, x).prev_sample
    return {f"cache {sampler} {steps} {guidance:g} {every}": x[0].contiguous()}


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    nets = checkpoint.models()
    out = {}
    for sampler, guidance, every in (("dpmpp-2m", 7.5, 3), ("ddim", 7.5, 2), ("euler", 1, 4)):
        out |= cache(nets, sampler, 7, guidance, every)
    save_file(out, OUT)
    print(*out, sep="\n")


if __name__ == "__main__":
    main()
