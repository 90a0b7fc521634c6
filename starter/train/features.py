# SPDX-License-Identifier: Apache-2.0
"""What a pack's LoRA, ControlNet and inpainting UNet do, measured on unseen renders and shown, through diffusers."""
import numpy as np
import torch
from diffusers import ControlNetModel, StableDiffusionControlNetPipeline, StableDiffusionInpaintPipeline, UNet2DConditionModel
from common import SIDE, psnr, to_float
from companions import TRIGGER
from control import hints, kept
from data import portraits
from unet import GUIDANCE

COUNT = 8


def draw(pipe, prompts, **given):
    """[N,3,SIDE,SIDE]: seeds 8000 onwards, twenty steps."""
    g = [torch.Generator().manual_seed(8000 + k) for k in range(len(prompts))]
    pipe.set_progress_bar_config(disable=True)
    return pipe(prompts, height=SIDE, width=SIDE, num_inference_steps=20, guidance_scale=GUIDANCE, generator=g, output_type="pt", **given).images.float()


def colour(x):
    """Mean difference of the strongest and the weakest of red, green and blue."""
    return round(float((x.amax(1) - x.amin(1)).mean()), 3)


def measure(pipe, pack):
    """Of those companions that the pack has: numbers, rows of COUNT pictures for the sheet, and what the rows are."""
    pictures, _, f = portraits("sd_test")
    at = np.where(f["people"] == 1)[0][:COUNT]
    y, captions = to_float(pictures[at]), [f.captions[i] for i in at]
    plain = draw(pipe, captions)
    said, rows, words = {}, [plain], ["drawn from captions of unseen renders"]
    if (pack / "lora/pencil.safetensors").exists():
        pipe.load_lora_weights(str(pack / "lora"), weight_name="pencil.safetensors")
        x = draw(pipe, [f"{TRIGGER} of {c}" for c in captions])
        pipe.unload_lora_weights()
        said["LoRA, colourfulness"] = dict(without=colour(plain), drawing=colour(x))
        rows, words = rows + [x], words + ["the same with the LoRA"]
    if (pack / "canny").exists():
        asked = hints(pictures[at])
        control = ControlNetModel.from_pretrained(str(pack / "canny"), torch_dtype=torch.float32)
        x = draw(StableDiffusionControlNetPipeline(**pipe.components, controlnet=control, requires_safety_checker=False), captions,
                 image=asked)
        said["ControlNet, share of the asked edges drawn"] = dict(without=kept(asked, plain), controlled=kept(asked, x), renders=kept(asked, y))
        rows, words = rows + [asked, x], words + ["edges of the renders", "drawn by them"]
    if (pack / "inpaint").exists():
        unet = UNet2DConditionModel.from_pretrained(str(pack / "inpaint"), torch_dtype=torch.float32)
        hole = torch.zeros(COUNT, 1, SIDE, SIDE)
        hole[..., SIDE // 4:SIDE * 3 // 4, SIDE // 4:SIDE * 3 // 4] = 1
        x = draw(StableDiffusionInpaintPipeline(**(pipe.components | dict(unet=unet)), requires_safety_checker=False), captions, image=y,
                 mask_image=hole, strength=1.)
        rim = psnr(x * (1 - hole) + y * hole, y)
        said["Inpainting, PSNR"] = dict(around_the_hole=round(rim, 2), whole=round(psnr(x, y), 2))
        rows, words = rows + [y * (1 - hole) + .5 * hole, x], words + ["renders with a hole", "filled"]
    return said, torch.cat(rows), "; ".join(words)
