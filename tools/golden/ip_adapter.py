#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goldens of IP-Adapters: what transformers and diffusers 0.42.1 make of the tiny checkpoints of checkpoint.py, a tiny image encoder and
tiny adapters, all filled by names.

    ip_adapter.py       writes tests/golden/ip_adapter.safetensors, ip_adapter_sd_plain.bin (torch.save, f16), and what tests write their
                        files from: vision_tiny.tsv, adapter_FAMILY_KIND_tiny.tsv (as sd_tiny.tsv)

A tensor's name is its case, which tests/stages/test_diffuse_adapter.c parses:

    vision pixels | vector | states | nothing                   the image processor, and the encoder; nothing: states of pixels that are 0
    token FAMILY KIND none|picture                              what an adapter's projection makes
    draw FAMILY KIND[+KIND] SAMPLER SCHEDULE WxH STEPS GUIDANCE START END     …/latents, …/rows; weights 0.8, -0.5
"""
import os
import zlib

import numpy as np
import torch
from diffusers import StableDiffusionPipeline, StableDiffusionXLPipeline
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

import checkpoint
from diffuse import SEED, context, init_picture, scheduler

GOLDEN = checkpoint.ROOT / "tests/golden"
VISION = dict(hidden_size=32, intermediate_size=64, num_hidden_layers=3, num_attention_heads=2, image_size=56, patch_size=14, projection_dim=24,
              hidden_act="gelu")
WEIGHTS = (0.8, -0.5)
FACEIDS = ("faceid", "faceidplus", "faceidplusv2")
FACE, RANK, HIDDEN, HEADS, QUERIES = 512, 4, 48, 2, 5


def vision():
    net = CLIPVisionModelWithProjection(CLIPVisionConfig(**VISION)).eval().requires_grad_(False)
    for name, parameter in net.named_parameters():
        parameter.copy_(torch.from_numpy(checkpoint.values(name, tuple(parameter.shape))))
    return net


def write_tsv(name, tensors):
    lines = []
    for key, tensor in sorted(tensors.items()):
        shape = ",".join(map(str, tensor.shape))
        lines.append("\t".join(["unet", key, key, shape, shape, f"{zlib.crc32(tensor.numpy().astype('<f4').tobytes()):08x}"]))
    (GOLDEN / f"{name}_tiny.tsv").write_text("\n".join(lines) + "\n")


def projection(kind, width):
    """{name: shape} of image_proj; width: numbers of the UNet's text."""
    both = lambda name, *shape: {name + ".weight": shape, name + ".bias": shape[:1]}
    if kind == "plain":
        return both("proj", 4 * width, VISION["projection_dim"]) | both("norm", width)
    if kind == "full":
        wide = VISION["hidden_size"]
        return both("proj.0", wide, wide) | both("proj.2", width, wide) | both("proj.3", width)
    face = both("proj.0", 2 * FACE, FACE) | both("proj.2", 4 * width, 2 * FACE) | both("norm", width)
    if kind == "faceid":
        return face
    if kind in FACEIDS:
        return face | resampler("perceiver_resampler.", width, width)
    return {"latents": (1, QUERIES, HIDDEN)} | resampler("", HIDDEN, width)


def resampler(at, inner, width):
    both = lambda name, *shape: {at + name + ".weight": shape, at + name + ".bias": shape[:1]}
    out = both("proj_in", inner, VISION["hidden_size"]) | both("proj_out", width, inner) | both("norm_out", width)
    for i in range(4):
        layer = f"layers.{i}."
        out |= both(layer + "0.norm1", inner) | both(layer + "0.norm2", inner) | both(layer + "1.0", inner)
        out |= {at + layer + "0.to_q.weight": (64 * HEADS, inner), at + layer + "0.to_kv.weight": (2 * 64 * HEADS, inner),
                at + layer + "0.to_out.weight": (inner, 64 * HEADS), at + layer + "1.1.weight": (4 * inner, inner),
                at + layer + "1.3.weight": (inner, 4 * inner)}
    return out


def adapter(unet, kind):
    """{"image_proj": …, "ip_adapter": …}, numbered as diffusers' attention processors."""
    width, shapes = unet.config.cross_attention_dim, {}
    for number, name in enumerate(unet.attn_processors):
        attention = unet.get_submodule(name.removesuffix(".processor"))
        inner = attention.to_q.weight.shape[0]
        if "attn2" in name:
            shapes |= {f"{number}.to_k_ip.weight": (inner, width), f"{number}.to_v_ip.weight": (inner, width)}
        if kind in FACEIDS:
            for which in ("q", "k", "v", "out"):
                into = width if "attn2" in name and which in "kv" else inner
                shapes |= {f"{number}.to_{which}_lora.down.weight": (RANK, into), f"{number}.to_{which}_lora.up.weight": (inner, RANK)}
    fill = lambda prefix, shapes: {k: torch.from_numpy(checkpoint.values(prefix + k, s)) for k, s in shapes.items()}
    return {"image_proj": fill("image_proj.", projection(kind, width)), "ip_adapter": fill("ip_adapter.", shapes)}


def flat(adapter):
    return {f"{part}.{key}": tensor for part, tensors in adapter.items() for key, tensor in tensors.items()}


def reference():
    return Image.fromarray(init_picture(90, 70))


def face():
    e = torch.from_numpy(checkpoint.values("golden.face", (1, FACE)))
    return e / e.norm()


def face_picture():
    """As insightface's norm_crop cuts it out of a picture of 250x240 whose face lies where the template has it, 7 to the right and 11 down. Curved:
    scaled to a quarter, a straight ramp would end between two bytes everywhere."""
    y, x, c = np.mgrid[11:235, 7:231, 0:3]
    return Image.fromarray((((x * x + 3 * y * y) // 16 + 60 * c) % 256).astype(np.uint8))


def states_of(picture):
    """Of nothing and of the picture."""
    net, pixels = vision(), processor()(picture, return_tensors="pt").pixel_values
    return [net(p, output_hidden_states=True).hidden_states[-2] for p in (torch.zeros_like(pixels), pixels)]


def look_at_face(pipe, kind, states):
    """What diffusers' users set by hand: states [rows,tokens,numbers] of the encoder, and the shortcut of PlusV2."""
    layer = pipe.unet.encoder_hid_proj.image_projection_layers[0]
    layer.clip_embeds = states[:, None]
    layer.shortcut = kind == "faceidplusv2"


def processor():
    return CLIPImageProcessor(size=VISION["image_size"], crop_size=VISION["image_size"])


def look():
    net = vision()
    pixels = processor()(reference(), return_tensors="pt").pixel_values
    seen, nothing = (net(p, output_hidden_states=True) for p in (pixels, torch.zeros_like(pixels)))
    write_tsv("vision", net.state_dict())
    return {"vision pixels": pixels[0], "vision vector": seen.image_embeds[0], "vision states": seen.hidden_states[-2][0],
            "vision nothing": nothing.hidden_states[-2][0]}


def pipeline(family, sampler, schedule):
    nets = checkpoint.family_models(family)
    more = dict(image_encoder=vision(), feature_extractor=processor(), scheduler=scheduler(sampler, schedule, "own"))
    if family == "sd":
        return StableDiffusionPipeline(vae=nets["vae"], text_encoder=None, tokenizer=None, unet=nets["unet"], safety_checker=None,
                                       requires_safety_checker=False, **more)
    return StableDiffusionXLPipeline(vae=nets["vae"], text_encoder=nets["text_encoder"], text_encoder_2=nets["text_encoder_2"], tokenizer=None,
                                     tokenizer_2=None, unet=nets["unet"], add_watermarker=False, **more)


def pooled():
    return {which + "_embeds": 2 * torch.from_numpy(checkpoint.values(name, (1, 24)))
            for which, name in (("pooled_prompt", "golden.pooled"), ("negative_pooled_prompt", "golden.pooled_negative"))}


def draw(family, kinds, sampler="ddim", schedule="normal", size=(64, 64), steps=5, guidance=7.5, start=0., end=1.):
    width, height = size
    pipe = pipeline(family, sampler, schedule)
    pipe.set_progress_bar_config(disable=True)
    adapters = [adapter(pipe.unet, kind) for kind in kinds]
    pipe.load_ip_adapter(adapters, subfolder=[None] * len(kinds), weight_name=[None] * len(kinds), image_encoder_folder=None)

    def weigh(at):
        on = at / steps >= start and (at + 1) / steps <= end
        pipe.set_ip_adapter_scale([w if on else 0. for w in WEIGHTS[:len(kinds)]])

    def follow(pipe, at, time, kept):
        weigh(at + 1)
        return kept

    asked = dict(prompt_embeds=context("golden.positive", 77), negative_prompt_embeds=context("golden.negative", 77),
                 generator=torch.Generator().manual_seed(SEED), output_type="latent", num_inference_steps=steps, guidance_scale=guidance,
                 width=width, height=height, callback_on_step_end=follow)
    if kinds[0] in FACEIDS:
        one = face()[None]
        asked["ip_adapter_image_embeds"] = [torch.cat([torch.zeros_like(one), one]) if guidance > 1 else one]
        if kinds[0] in FACEIDS[1:]:
            look_at_face(pipe, kinds[0], torch.cat(states_of(face_picture())[guidance <= 1 :]))
    else:
        asked["ip_adapter_image"] = [reference()] * len(kinds)
    weigh(0)
    latents = pipe(**asked, **(pooled() if family == "sdxl" else {})).images
    picture = pipe.vae.decode(latents / pipe.vae.config.scaling_factor).sample
    pixels = (pipe.image_processor.postprocess(picture, output_type="np")[0] * 255).round().astype(np.uint8)
    name = f"draw {family} {'+'.join(kinds)} {sampler} {schedule} {width}x{height} {steps} {guidance:g} {start:g} {end:g}"
    print(name, "largest latent", latents.abs().max().item())
    return {name + "/latents": latents[0].contiguous(), name + "/rows": torch.from_numpy(pixels[::8].copy())}


def project(family, kind, seen):
    """What goes in is as in diffusers' pipelines."""
    pipe = pipeline(family, "ddim", "normal")
    own = adapter(pipe.unet, kind)
    write_tsv(f"adapter_{family}_{kind}", flat(own))
    if (family, kind) == ("sd", "plain"):
        torch.save({part: {k: v.half() for k, v in tensors.items()} for part, tensors in own.items()}, GOLDEN / "ip_adapter_sd_plain.bin")
    pipe.load_ip_adapter(own, subfolder=None, weight_name=None, image_encoder_folder=None)
    reads = {"plain": (torch.zeros(1, 24), seen["vision vector"][None])} | dict.fromkeys(FACEIDS, (torch.zeros(1, FACE), face()))
    out = {}
    for which, x, states in zip(("none", "picture"), reads.get(kind, (seen["vision nothing"][None], seen["vision states"][None])),
                                states_of(face_picture())):
        if kind in FACEIDS[1:]:
            look_at_face(pipe, kind, states)
        out[f"token {family} {kind} {which}"] = pipe.unet.encoder_hid_proj([x[:, None]])[0][0, 0].contiguous()
    return out


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    out = look()
    for family, kinds in (("sd", ("plain", "plus", "full") + FACEIDS), ("sdxl", ("plain", "plus") + FACEIDS)):
        for kind in kinds:
            out |= project(family, kind, out)
            out |= draw(family, [kind])
    out |= draw("sd", ["plain"], "euler", "karras", size=(72, 88), steps=3)
    out |= draw("sd", ["plain", "plus"], "dpmpp-2m", "normal")
    out |= draw("sd", ["plus"], guidance=1)
    out |= draw("sd", ["plain"], "euler-a", "normal", start=.2, end=.7)
    out |= draw("sd", ["faceid"], "dpmpp-2m", "karras", guidance=1)
    out |= draw("sd", ["faceidplusv2"], "euler", "normal", guidance=1)
    out |= draw("sdxl", ["plain"], "euler", "normal", size=(72, 88), steps=3, end=.7)
    save_file({k: v.contiguous() for k, v in out.items()}, GOLDEN / "ip_adapter.safetensors")
    print(len(out), "tensors,", os.path.getsize(GOLDEN / "ip_adapter.safetensors"), "bytes")


if __name__ == "__main__":
    main()
