#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goldens of whole drawings, from prompt to picture, that take more than one call of diffusers' pipelines with the tiny checkpoint of checkpoint.py.

    drawing.py          writes tests/golden/drawing.safetensors (needs torch, diffusers, transformers; CPU, one thread, a minute)

Each is every 8th row of the 8-bit picture, by its name in tests/pipeline/test_drawing.c:

    hires, hires control     64x64, latents enlarged (bilinear) to 96x96, drawn again with the same seed; with a ControlNet on one colour
    init 1                   image-to-image with strength 1
    masked 4, masked 9       of a picture of 96x64 the part 64x64 around the mask, painted and put back
"""
import numpy as np
import torch
from diffusers import (StableDiffusionControlNetImg2ImgPipeline, StableDiffusionControlNetPipeline, StableDiffusionImg2ImgPipeline,
                       StableDiffusionInpaintPipeline, StableDiffusionPipeline, UNet2DConditionModel)
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPTokenizer

import checkpoint
import control
import diffuse
import families  # lets diffusers 0.42 read transformers 5

PROMPT, NEGATIVE = "a red house by the sea", "blurred"
ASKED = dict(prompt=PROMPT, negative_prompt=NEGATIVE, guidance_scale=7.5)
COLOUR = (200, 30, 90)


def make(cls, nets, unet=None, **more):
    text, plain, vae = nets
    pipe = cls(vae=vae, text_encoder=text, tokenizer=CLIPTokenizer.from_pretrained(str(checkpoint.SHARED / "data/tokenizer/sd15")), unet=unet or plain,
               scheduler=diffuse.scheduler("euler", "normal", "own"), safety_checker=None, feature_extractor=None, requires_safety_checker=False, **more)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def generator():
    return torch.Generator().manual_seed(diffuse.SEED)


def picture(pipe, **asked):
    return (pipe(**ASKED, generator=generator(), output_type="np", **asked).images[0] * 255).round().astype(np.uint8)


def hires(nets, net=None):
    first, second, hint, small = StableDiffusionPipeline, StableDiffusionImg2ImgPipeline, {}, {}
    if net:
        first, second = StableDiffusionControlNetPipeline, StableDiffusionControlNetImg2ImgPipeline
        hint, small = dict(control_image=Image.new("RGB", (96, 96), COLOUR)), dict(image=Image.new("RGB", (64, 64), COLOUR))
    more = dict(controlnet=net) if net else {}
    latents = make(first, nets, **more)(**ASKED, **small, width=64, height=64, num_inference_steps=6, generator=generator(), output_type="latent").images
    larger = torch.nn.functional.interpolate(latents, size=(12, 12), mode="bilinear")
    sizes = dict(width=96, height=96, controlnet_conditioning_scale=1.) if net else {}
    return picture(make(second, nets, **more), image=larger, **hint, **sizes, strength=.6, num_inference_steps=10)


def masked(nets, unet):
    whole = diffuse.init_picture(96, 64)
    mask = np.zeros((64, 96), np.uint8)
    mask[16:48, 40:72] = 255
    part = slice(0, 64), slice(24, 88)
    drawn = picture(make(StableDiffusionInpaintPipeline, nets, unet), image=Image.fromarray(whole[part]), mask_image=Image.fromarray(mask[part]),
                    width=64, height=64, num_inference_steps=6, strength=.8)
    out = whole.copy()
    out[part] = np.where(mask[part][..., None] > 0, drawn, whole[part])
    return out


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    nets = checkpoint.models()
    nine = control.fill(UNet2DConditionModel(**checkpoint.UNET | dict(in_channels=9)))
    out = {"hires": hires(nets), "hires control": hires(nets, control.control_net()),
           "init 1": picture(make(StableDiffusionImg2ImgPipeline, nets), image=Image.fromarray(diffuse.init_picture(64, 64)), strength=1.,
                             num_inference_steps=6),
           "masked 4": masked(nets, nets[1]), "masked 9": masked(nets, nine)}
    for name, pixels in out.items():
        print(name, pixels.shape, pixels.mean())
    save_file({name: torch.from_numpy(pixels[::8].copy()) for name, pixels in out.items()}, checkpoint.ROOT / "tests/golden/drawing.safetensors")


if __name__ == "__main__":
    main()
