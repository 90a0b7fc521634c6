#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goldens of the other families: what diffusers draws and encodes with the tiny checkpoints of checkpoint.FAMILIES.

    families.py         writes tests/golden/families.safetensors (needs torch, diffusers, transformers; CPU, one thread, two minutes)

A tensor's name is its case, which tests/stages/test_diffuse_families.c and test_text_families.c parse:

    draw  FAMILY DTYPE PREDICTION SAMPLER SCHEDULE SPACING WxH STEPS GUIDANCE STRENGTH   …/latents, and …/rows with f32 weights
    hand  DTYPE SAMPLER SPACING STEPS SWITCH                                             SDXL, then its refiner: …/latents
    text  FAMILY SKIP N                                                                  …/states, …/pooled of PROMPTS[N]

PREDICTION: epsilon, v, or vz (v with zero terminal SNR). Conditioning is a function of names, as in diffuse.py.
"""
import os

import numpy as np
import torch
from diffusers import (AutoencoderKL, StableDiffusionImg2ImgPipeline, StableDiffusionPipeline, StableDiffusionXLImg2ImgPipeline,
                       StableDiffusionXLPipeline)
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPTextModel, CLIPTokenizer

import checkpoint
import diffuse

OUT = checkpoint.ROOT / "tests/golden/families.safetensors"
PROMPTS = ("a young woman with red hair and round glasses, smiling", "", "lighthouse " * 100)
if not hasattr(CLIPTextModel, "text_model"):  # diffusers 0.42 with transformers 5
    CLIPTextModel.text_model = property(lambda self: self)


def scheduler(prediction, sampler, schedule, spacing):
    s = diffuse.scheduler(sampler, schedule, spacing)
    return type(s).from_config(s.config, prediction_type="epsilon" if prediction == "epsilon" else "v_prediction",
                               rescale_betas_zero_snr=prediction == "vz")


def is_xl(family):
    return "text_2" in checkpoint.FAMILIES.get(family, {})


def pipe_of(family, nets, s, init=False):
    parts = dict(vae=nets["vae"], unet=nets["unet"], scheduler=s, text_encoder=None, tokenizer=None)
    if not is_xl(family):
        cls = StableDiffusionImg2ImgPipeline if init else StableDiffusionPipeline
        return cls(**parts, safety_checker=None, feature_extractor=None, requires_safety_checker=False)
    parts |= dict(text_encoder=nets.get("text_encoder"), text_encoder_2=nets["text_encoder_2"], tokenizer_2=None, add_watermarker=False)
    if family == "refiner" or init:
        return StableDiffusionXLImg2ImgPipeline(**parts, requires_aesthetics_score=family == "refiner")
    return StableDiffusionXLPipeline(**parts)


def conditioning(family):
    asked = dict(prompt_embeds=diffuse.context("golden.positive", 77), negative_prompt_embeds=diffuse.context("golden.negative", 77))
    if is_xl(family):
        asked |= {which + "_embeds": 2 * torch.from_numpy(checkpoint.values(name, (1, 24)))
                  for which, name in (("pooled_prompt", "golden.pooled"), ("negative_pooled_prompt", "golden.pooled_negative"))}
    return asked


def draw(family, nets, dtype, prediction, sampler, schedule="normal", spacing="own", size=(64, 64), steps=6, guidance=7.5, strength=0):
    pipe = pipe_of(family, nets, scheduler(prediction, sampler, schedule, spacing), init=bool(strength))
    pipe.set_progress_bar_config(disable=True)
    asked = conditioning(family) | dict(num_inference_steps=steps, guidance_scale=guidance, output_type="latent",
                                        generator=torch.Generator().manual_seed(diffuse.SEED))
    if strength:
        asked |= dict(image=Image.fromarray(diffuse.init_picture(*size)), strength=strength)
    else:
        asked |= dict(width=size[0], height=size[1])
    latents = pipe(**asked).images
    name = (f"draw {family} {dtype} {prediction} {sampler} {schedule} {spacing} {size[0]}x{size[1]} {steps} {guidance:g} {strength:g}")
    print(name, "std", latents.std().item(), "largest", latents.abs().max().item(), flush=True)
    out = {name + "/latents": latents[0].contiguous()}
    if dtype == "f32":
        picture = nets["vae"].decode(latents / nets["vae"].config.scaling_factor).sample
        pixels = (pipe.image_processor.postprocess(picture, output_type="np")[0] * 255).round().astype(np.uint8)
        out[name + "/rows"] = torch.from_numpy(pixels[::8].copy())
    return out


def hand(base, refiner, sampler, spacing, steps, switch):
    """SDXL up to `switch`, then the refiner, both on one generator."""
    g = torch.Generator().manual_seed(diffuse.SEED)
    make = lambda: scheduler("epsilon", sampler, "normal", spacing)
    first, second = pipe_of("sdxl", base, make()), pipe_of("refiner", refiner, make())
    for pipe in (first, second):
        pipe.set_progress_bar_config(disable=True)
    latents = first(**conditioning("sdxl"), num_inference_steps=steps, guidance_scale=7.5, width=64, height=64, denoising_end=switch,
                    output_type="latent", generator=g).images
    latents = second(**conditioning("refiner"), image=latents, num_inference_steps=steps, guidance_scale=7.5, denoising_start=switch,
                     output_type="latent", generator=g, original_size=(64, 64), target_size=(64, 64)).images
    name = f"hand f32 {sampler} {spacing} {steps} {switch:g}"
    print(name, "std", latents.std().item(), flush=True)
    return {name + "/latents": latents[0].contiguous()}


def texts(family):
    nets = checkpoint.family_models(family)
    tokenizer = CLIPTokenizer.from_pretrained(str(checkpoint.SHARED / "data/tokenizer/sd15"))
    padded = CLIPTokenizer.from_pretrained(str(checkpoint.SHARED / "data/tokenizer/sd15"), pad_token="!")
    out = {}
    if family == "sd2":
        pipe = StableDiffusionPipeline(vae=nets["vae"], unet=nets["unet"], scheduler=scheduler("v", "ddim", "normal", "own"), safety_checker=None,
                                       feature_extractor=None, requires_safety_checker=False, text_encoder=nets["text_encoder"], tokenizer=padded)
    else:
        pipe = StableDiffusionXLPipeline(vae=nets["vae"], unet=nets["unet"], scheduler=scheduler("epsilon", "euler", "normal", "own"),
                                         text_encoder=nets.get("text_encoder"), tokenizer=tokenizer if "text_encoder" in nets else None,
                                         text_encoder_2=nets["text_encoder_2"], tokenizer_2=padded, add_watermarker=False)
    for skip, n in ((0, 0), (1, 0), (0, 1), (0, 2)):
        if family == "sd2":
            states = pipe.encode_prompt(PROMPTS[n], "cpu", 1, False, clip_skip=skip or None)[0]
            pooled = None
        else:
            states, _, pooled, _ = pipe.encode_prompt(PROMPTS[n], device="cpu", num_images_per_prompt=1, do_classifier_free_guidance=False,
                                                      clip_skip=skip or None)
        out[f"text {family} {skip} {n}/states"] = states[0].contiguous()
        if pooled is not None:
            out[f"text {family} {skip} {n}/pooled"] = pooled[0].contiguous()
    return out


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    out = {}
    nets = checkpoint.family_models("sd2")
    for prediction in ("epsilon", "v"):
        for pair in diffuse.PAIRS:
            out |= draw("sd2", nets, "f32", prediction, *pair)
    out |= draw("sd2", nets, "f32", "v", "ddim", strength=0.6)
    for pair in diffuse.PAIRS:
        out |= draw("sd2", nets, "f32", "vz", *pair, spacing="trailing", guidance=3)
    for family in ("sdxl", "distilled", "small"):
        nets = checkpoint.family_models(family)
        for pair in diffuse.PAIRS if family == "sdxl" else (("ddim", "normal"), ("euler", "karras")):
            out |= draw(family, nets, "f32", "epsilon", *pair)
    nets = checkpoint.family_models("sdxl")
    out |= draw("sdxl", nets, "f32", "epsilon", "euler", spacing="leading", size=(72, 88), steps=4)
    out |= draw("sdxl", nets, "f32", "epsilon", "euler-a", spacing="trailing", steps=1, guidance=0)
    out |= draw("sdxl", nets, "f32", "vz", "euler", spacing="trailing", guidance=3)
    out |= draw("sdxl", nets, "f32", "epsilon", "dpmpp-2m", strength=0.5)
    refiner = checkpoint.family_models("refiner")
    out |= draw("refiner", refiner, "f32", "epsilon", "ddim", strength=0.7)
    for sampler, spacing, steps, switch in (("euler", "leading", 10, 0.8), ("ddim", "own", 7, 0.5), ("dpmpp-2m", "own", 10, 0.6),
                                            ("euler-a", "own", 5, 0.7)):
        out |= hand(nets, refiner, sampler, spacing, steps, switch)
    for dtype in ("f16", "bf16", "f8e4m3", "f8e5m2"):
        for family, prediction in (("sd2", "v"), ("sdxl", "epsilon"), ("distilled", "epsilon"), ("small", "epsilon")):
            out |= draw(family, checkpoint.family_models(family, dtype), dtype, prediction, "euler")
    for family in ("sd2", "sdxl", "refiner"):
        out |= texts(family)
    save_file(out, OUT)
    print(len(out), "tensors,", os.path.getsize(OUT), "bytes")


if __name__ == "__main__":
    main()
