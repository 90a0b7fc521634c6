#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goldens of diffusion: what diffusers 0.42.1 draws with the tiny checkpoint of checkpoint.py.

    diffuse.py          writes tests/golden/diffuse.safetensors (needs torch, diffusers; CPU, one thread, a minute)
    diffuse.py --quiet  writes tests/golden/diffuse_quiet.safetensors

A tensor's name is its case, which tests/stages/test_diffuse.c parses, so that both sides share one table:

    walk  SAMPLER SCHEDULE SPACING STEPS START                                a sampler alone, on a made-up network
    draw  DTYPE SAMPLER SCHEDULE SPACING WxH STEPS GUIDANCE TOKENS STRENGTH   …/latents, and …/rows: every 8th row of the 8-bit picture
    code  mean | tiled                                                        the VAE alone

Conditioning, noise and the picture to start from are functions of names (checkpoint.values) and of the seed.
"""
import os
import sys

import numpy as np
import torch
from diffusers import (DDIMScheduler, DPMSolverMultistepScheduler, EulerAncestralDiscreteScheduler, EulerDiscreteScheduler,
                       StableDiffusionImg2ImgPipeline, StableDiffusionPipeline)
from PIL import Image
from safetensors.torch import save_file

import checkpoint

OUT = checkpoint.ROOT / "tests/golden/diffuse.safetensors"
QUIET = checkpoint.ROOT / "tests/golden/diffuse_quiet.safetensors"
SEED = 42
CLASSES = {"ddim": DDIMScheduler, "euler": EulerDiscreteScheduler, "euler-a": EulerAncestralDiscreteScheduler,
           "dpmpp-2m": DPMSolverMultistepScheduler}
PAIRS = [("ddim", "normal"), ("euler", "normal"), ("euler", "karras"), ("euler-a", "normal"), ("dpmpp-2m", "normal"),
         ("dpmpp-2m", "karras")]
# The scheduler_config.json of SD 1.5: it says nothing of spacing, so each class takes its own.
CONFIG = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, steps_offset=1,
              clip_sample=False, set_alpha_to_one=False, prediction_type="epsilon")


def scheduler(sampler, schedule, spacing):
    config = dict(CONFIG)
    if spacing != "own":
        config["timestep_spacing"] = spacing
    if schedule == "karras":
        config["use_karras_sigmas"] = True
    return CLASSES[sampler].from_config(config)


def walk(sampler, schedule, spacing, steps, start):
    """The network is ε = 0.3·input + t/1000; 64 numbers; start > 0 noises a clean latent first."""
    s = scheduler(sampler, schedule, spacing)
    s.set_timesteps(steps)
    g = torch.Generator().manual_seed(SEED)
    times = s.timesteps[start:]
    if start:
        if hasattr(s, "set_begin_index"):
            s.set_begin_index(start)
        clean = torch.from_numpy(checkpoint.values("golden.clean", (8, 8)).reshape(1, 64))
        x = s.add_noise(clean, torch.randn(1, 64, generator=g), times[:1])
    else:
        x = torch.randn(1, 64, generator=g) * s.init_noise_sigma
    for t in times:
        noise = 0.3 * s.scale_model_input(x, t) + t.float() * 0.001
        more = {"generator": g} if sampler == "euler-a" else {}
        x = s.step(noise, t, x, **more).prev_sample
    return {f"walk {sampler} {schedule} {spacing} {steps} {start}": x[0].contiguous()}


def init_picture(width, height):
    y, x, c = np.mgrid[0:height, 0:width, 0:3]
    return ((3 * x + 5 * y + 60 * c) % 256).astype(np.uint8)


def context(name, tokens):
    return 6 * torch.from_numpy(checkpoint.values(name, (tokens, 32)))[None]


def draw(nets, dtype, sampler, schedule, spacing="own", size=(64, 64), steps=6, guidance=7.5, tokens=77, strength=0,
         make=scheduler, **more):
    """make: of the scheduler; more: for the pipeline."""
    _, unet, vae = nets
    width, height = size
    parts = dict(vae=vae, text_encoder=None, tokenizer=None, unet=unet, scheduler=make(sampler, schedule, spacing),
                 safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    asked = dict(prompt_embeds=context("golden.positive", tokens), negative_prompt_embeds=context("golden.negative", tokens),
                 num_inference_steps=steps, guidance_scale=guidance, generator=torch.Generator().manual_seed(SEED), output_type="latent", **more)
    if strength:
        pipe = StableDiffusionImg2ImgPipeline(**parts)
        asked |= dict(image=Image.fromarray(init_picture(width, height)), strength=strength)
    else:
        pipe = StableDiffusionPipeline(**parts)
        asked |= dict(width=width, height=height)
    pipe.set_progress_bar_config(disable=True)
    latents = pipe(**asked).images
    picture = vae.decode(latents / vae.config.scaling_factor).sample
    pixels = (pipe.image_processor.postprocess(picture, output_type="np")[0] * 255).round().astype(np.uint8)
    name = f"draw {dtype} {sampler} {schedule} {spacing} {width}x{height} {steps} {guidance:g} {tokens} {strength:g}"
    print(name, "largest latent", latents.abs().max().item(), "pixels", pixels.min(), pixels.max())
    return {name + "/latents": latents[0].contiguous(), name + "/rows": torch.from_numpy(pixels[::8].copy())}


def code(nets):
    vae = nets[2]
    picture = torch.from_numpy(init_picture(64, 96)).permute(2, 0, 1)[None] / 255 * 2 - 1
    return {"code mean": vae.encode(picture).latent_dist.mode()[0].mul(vae.config.scaling_factor).contiguous()}


def quiet():
    """Convolutions made so small that the variances under the norms are about as large as the norms' epsilons, which then decide."""
    _, unet, vae = checkpoint.models()
    for net in (unet, vae):
        parameters = dict(net.named_parameters())
        for name, parameter in parameters.items():
            if parameters[name.removesuffix("bias") + "weight" if name.endswith("bias") else name].ndim == 4:
                parameter *= 2.0**-9
    sample = torch.from_numpy(checkpoint.values("golden.sample", (4, 8, 8)))[None]
    latent = torch.from_numpy(checkpoint.values("golden.latent", (4, 2, 2)))[None]
    picture = torch.from_numpy(checkpoint.values("golden.picture", (3, 16, 16)))[None]
    return {"noise": unet(sample, torch.tensor([500.0]), context("golden.positive", 77)).sample[0] * 512,
            "picture": vae.decode(latent).sample[0] * 512, "moments": vae._encode(picture)[0] * 512}


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    if "--quiet" in sys.argv:
        save_file({name: tensor.contiguous() for name, tensor in quiet().items()}, QUIET)
        return
    out = {}
    for pair in PAIRS:
        for spacing in ("own", "linspace", "leading", "trailing"):
            for steps, start in ((1, 0), (2, 0), (5, 2), (14, 0), (20, 0), (50, 0), (50, 31)):
                out |= walk(*pair, spacing, steps, start)
    for dtype in ("f32", "f16", "bf16"):
        nets = checkpoint.models(dtype)
        for pair in PAIRS:
            out |= draw(nets, dtype, *pair)
    nets = checkpoint.models()
    out |= draw(nets, "f32", "ddim", "normal", size=(64, 96))
    out |= draw(nets, "f32", "euler", "normal", size=(72, 88), steps=3)
    out |= draw(nets, "f32", "dpmpp-2m", "karras", size=(136, 200), steps=2)
    out |= draw(nets, "f32", "ddim", "normal", guidance=1)
    out |= draw(nets, "f32", "euler-a", "normal", steps=1)
    out |= draw(nets, "f32", "dpmpp-2m", "normal", steps=20, tokens=154)
    out |= draw(nets, "f32", "euler", "karras", spacing="leading")
    out |= draw(nets, "f32", "dpmpp-2m", "normal", spacing="leading", steps=5)
    for pair, strength in zip(PAIRS, (0.8, 0.5, 0.6, 0.35, 0.6, 1)):
        out |= draw(nets, "f32", *pair, strength=strength)
    out |= code(nets)
    save_file(out, OUT)
    print(len(out), "tensors,", os.path.getsize(OUT), "bytes")


if __name__ == "__main__":
    main()
