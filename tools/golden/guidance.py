#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goldens of guidance and of variation seeds, on the tiny checkpoint of checkpoint.py.

    guidance.py    writes tests/golden/guidance.safetensors (needs torch, diffusers; CPU, one thread, a minute)

    guide SAMPLER STEPS GUIDANCE RESCALE START END MODE    the latents of a picture of 64x64
    perturb SAMPLER STEPS GUIDANCE RESCALE PERTURBED       the same, by StableDiffusionPAGPipeline
    free B1 B2 S1 S2 WxH                                   5 steps of dpmpp-2m with enable_freeu
    vary STRENGTH OTHER                                    first noise [4,8,8], as modules/rng.py of WebUI 1.10 varies it by seed OTHER

Rescaled guidance is StableDiffusionPipeline's own. Intervals (the rule of diffusers' guiders) and CFG++ (WebUI's ddim_cfgpp, the
authors' Euler forms) are written here, over diffusers' UNet and schedulers.
"""
import torch
from diffusers import StableDiffusionPAGPipeline, StableDiffusionPipeline
from safetensors.torch import save_file

import checkpoint
from diffuse import SEED, context, scheduler

OUT = checkpoint.ROOT / "tests/golden/guidance.safetensors"


def pipeline(nets, s, steps, guidance, rescale, kind=StableDiffusionPipeline, freeu=None, size=(64, 64), **more):
    pipe = kind(vae=nets[2], text_encoder=None, tokenizer=None, unet=nets[1], scheduler=s, safety_checker=None,
                                   feature_extractor=None, requires_safety_checker=False)
    pipe.set_progress_bar_config(disable=True)
    if freeu:
        b1, b2, s1, s2 = freeu
        pipe.enable_freeu(s1=s1, s2=s2, b1=b1, b2=b2)
    return pipe(prompt_embeds=context("golden.positive", 77), negative_prompt_embeds=context("golden.negative", 77), width=size[0], height=size[1],
                num_inference_steps=steps, guidance_scale=guidance, guidance_rescale=rescale,
                generator=torch.Generator().manual_seed(SEED), output_type="latent", **more).images


def plus_plus(s, i, x, noise, negative, g):
    """One step: x₀ by the guided noise, and the negative prompt's noise put back."""
    if hasattr(s, "sigmas"):
        sigma, to = s.sigmas[i], s.sigmas[i + 1]
        up = torch.zeros(())
        if "Ancestral" in type(s).__name__:
            up = (to**2 * (sigma**2 - to**2) / sigma**2)**0.5
        return x - sigma * noise + (to**2 - up**2)**0.5 * negative + up * torch.randn(x.shape, generator=g)
    t = int(s.timesteps[i])
    a, to = s.alphas_cumprod[t], s.alphas_cumprod[max(t - 1000 // len(s.timesteps), 0)]
    return to**0.5 * (x - (1 - a)**0.5 * noise) / a**0.5 + (1 - to)**0.5 * negative


def by_hand(nets, s, steps, guidance, start, end, mode):
    s.set_timesteps(steps)
    g = torch.Generator().manual_seed(SEED)
    x = torch.randn(1, 4, 8, 8, generator=g) * s.init_noise_sigma
    prompts = context("golden.negative", 77), context("golden.positive", 77)
    for i, t in enumerate(s.timesteps):
        seen = s.scale_model_input(x, t)
        negative, positive = [nets[1](seen, t, p).sample for p in prompts]
        scale = guidance / 12.5 if mode == "cfg++" else guidance
        holds = int(start * steps) <= i < int(end * steps)
        noise = negative + scale * (positive - negative) if holds else positive
        if mode == "cfg++":
            x = plus_plus(s, i, x, noise, negative if holds else positive, g)
            if hasattr(s, "sigmas"):  # what its step() would do
                s._step_index += 1
        else:
            x = s.step(noise, t, x).prev_sample
    return x


def guide(nets, sampler, steps=6, guidance=7.5, rescale=0, start=0, end=1, mode="plain"):
    s = scheduler(sampler, "normal", "own")
    latents = pipeline(nets, s, steps, guidance, rescale) if rescale else by_hand(nets, s, steps, guidance, start, end, mode)
    return {f"guide {sampler} {steps} {guidance:g} {rescale:g} {start:g} {end:g} {mode}": latents[0].contiguous()}


def perturb(nets, sampler, guidance, rescale, scale, steps=5):
    latents = pipeline(nets, scheduler(sampler, "normal", "own"), steps, guidance, rescale, StableDiffusionPAGPipeline, pag_scale=scale)
    return {f"perturb {sampler} {steps} {guidance:g} {rescale:g} {scale:g}": latents[0].contiguous()}


def free(factors, size):
    latents = pipeline(checkpoint.models(), scheduler("dpmpp-2m", "normal", "own"), 5, 7.5, 0, freeu=factors, size=size)
    return {"free %g %g %g %g %dx%d" % (*factors, *size): latents[0].contiguous()}


def slerp(val, low, high):
    """modules/rng.py"""
    low_norm = low / torch.norm(low, dim=1, keepdim=True)
    high_norm = high / torch.norm(high, dim=1, keepdim=True)
    dot = (low_norm * high_norm).sum(1)
    if dot.mean() > 0.9995:
        return low * val + high * (1 - val)
    omega = torch.acos(dot)
    so = torch.sin(omega)
    return (torch.sin((1.0 - val) * omega) / so).unsqueeze(1) * low + (torch.sin(val * omega) / so).unsqueeze(1) * high


def vary(strength, other):
    noise, subnoise = (torch.randn(4, 8, 8, generator=torch.Generator().manual_seed(seed)) for seed in (SEED, other))
    return {f"vary {strength:g} {other}": slerp(strength, noise, subnoise)}


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    nets = checkpoint.models()
    out = {}
    for rescale in (0.7, 1):
        out |= guide(nets, "dpmpp-2m", rescale=rescale)
    out |= guide(nets, "euler", start=0.3, end=0.8)
    out |= guide(nets, "ddim", end=0.5)
    for sampler in ("ddim", "euler", "euler-a"):
        out |= guide(nets, sampler, mode="cfg++")
    for guidance, rescale, scale in ((7.5, 0, 3), (1, 0, 3), (5, 0.7, 1.5)):
        out |= perturb(checkpoint.models(), "euler", guidance, rescale, scale)
    for size in ((64, 64), (72, 88), (136, 64)):
        out |= free((1.5, 1.6, 0.9, 0.2), size)
    for strength, other in ((0.3, 7), (1, 7), (0.25, SEED)):
        out |= vary(strength, other)
    save_file(out, OUT)
    print(*out, sep="\n")


if __name__ == "__main__":
    main()
