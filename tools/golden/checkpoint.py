#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tiny Stable Diffusion checkpoint that tests and goldens share, without a weight in the repository.

Every weight is a pure function of its diffusers name and its index (`values` below), computed alike here and in
tests/support/checkpoint.c. So diffusers and transformers can be run on it here, likeness in the tests, on the same numbers.
Topology of SD 1.x (four levels, two layers, attention on three), widths of a few channels, the full vocabulary.

    checkpoint.py                     writes tests/golden/sd_tiny.tsv: part, diffusers name, LDM name, shape, LDM shape, crc32 of f32 bytes
    checkpoint.py --shapes            writes tests/golden/sd15_shapes.tsv: part, diffusers name and shape of SD 1.5's text encoder and UNet
    checkpoint.py --write DIR         writes the checkpoint as DIR/ (diffusers folder) and DIR.safetensors (LDM) [--dtype f32|f16|bf16]

Other golden scripts import `models(dtype)`: text encoder, UNet and VAE, filled, rounded to dtype and upcast to float32.
The LDM names come from shared/tools/make_checkpoint.py (LIKENESS_SHARED, default ../shared).
"""
import argparse, importlib.util, json, math, os, sys, zlib
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("LIKENESS_SHARED", ROOT.parent / "shared"))
TSV = ROOT / "tests/golden/sd_tiny.tsv"
SHAPES = ROOT / "tests/golden/sd15_shapes.tsv"

TEXT = dict(vocab_size=49408, hidden_size=32, intermediate_size=128, num_hidden_layers=3, num_attention_heads=2,
            max_position_embeddings=77, hidden_act="quick_gelu", bos_token_id=49406, eos_token_id=49407, pad_token_id=1,
            projection_dim=32)
UNET = dict(sample_size=8, in_channels=4, out_channels=4, layers_per_block=2, block_out_channels=(16, 32, 32, 32),
            norm_num_groups=8, cross_attention_dim=32, attention_head_dim=2,
            down_block_types=("CrossAttnDownBlock2D",) * 3 + ("DownBlock2D",),
            up_block_types=("UpBlock2D",) + ("CrossAttnUpBlock2D",) * 3)
VAE = dict(in_channels=3, out_channels=3, latent_channels=4, layers_per_block=2, block_out_channels=(16, 16, 32, 32),
           norm_num_groups=8, sample_size=64, down_block_types=("DownEncoderBlock2D",) * 4,
           up_block_types=("UpDecoderBlock2D",) * 4, scaling_factor=0.18215)
PARTS = ("text_encoder", "unet", "vae")


def fnv1a64(text):
    h = 0xcbf29ce484222325
    for b in text.encode():
        h = (h ^ b) * 0x100000001b3 & 0xffffffffffffffff
    return h


def values(name, shape):
    """f32 [shape]: splitmix64 seeded by the name -> 24 bits -> u in [-1,1); vectors 1+0.1u (weight) or 0.05u (bias),
    matrices u*sqrt(3/fan_in), which has variance 1/fan_in. The scale is rounded to f32, so the f64 product is exact."""
    n = math.prod(shape)
    with np.errstate(over="ignore"):
        z = np.uint64(fnv1a64(name)) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9e3779b97f4a7c15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xbf58476d1ce4e5b9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94d049bb133111eb)
        z ^= z >> np.uint64(31)
    u = (z >> np.uint64(40)).astype(np.float64) / 8388608 - 1
    if len(shape) == 1:
        base, scale = (1.0, 0.1) if name.endswith("weight") else (0.0, 0.05)
    else:
        base, scale = 0.0, math.sqrt(3 / math.prod(shape[1:]))
    return (base + float(np.float32(scale)) * u).astype(np.float32).reshape(shape)


def canonical(part, name):
    """The name as SD 1.x folders have it: transformers 5 dropped `text_model.` inside, older ones have it."""
    return "text_model." + name if part == "text_encoder" and not name.startswith("text_model.") else name


def models(dtype="f32"):
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel
    kind = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[dtype]
    nets = (CLIPTextModel(CLIPTextConfig(**TEXT)), UNet2DConditionModel(**UNET), AutoencoderKL(**VAE))
    for part, net in zip(PARTS, nets):
        net.eval().requires_grad_(False)
        for name, parameter in net.named_parameters():
            w = torch.from_numpy(values(canonical(part, name), tuple(parameter.shape)))
            parameter.copy_(w.to(kind).float())
    return nets


def ldm_tensors(nets):
    """[(part, diffusers name, LDM name, tensor, LDM tensor)]"""
    spec = importlib.util.spec_from_file_location("make_checkpoint", SHARED / "tools/make_checkpoint.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    rows = []
    for part, net in zip(PARTS, nets):
        own = {k: v for k, v in net.state_dict().items() if "position_ids" not in k}
        ldm = {"text_encoder": lambda: make.clip_to_ldm(own, "cond_stage_model.transformer."),
               "unet": lambda: make.unet_to_ldm(own, len(UNET["block_out_channels"]), UNET["layers_per_block"]),
               "vae": lambda: make.vae_to_ldm(own, len(VAE["block_out_channels"]))}[part]()
        assert len(own) == len(ldm)
        rows += [(part, canonical(part, a), b, v, w) for (a, v), (b, w) in zip(own.items(), ldm.items())]
    return rows


def write_tsv():
    lines = []
    for part, name, ldm, tensor, ldm_tensor in sorted(ldm_tensors(models()), key=lambda row: row[:2]):
        crc = zlib.crc32(tensor.numpy().astype("<f4").tobytes())
        shapes = [",".join(map(str, t.shape)) for t in (tensor, ldm_tensor)]
        lines.append("\t".join([part, name, ldm, *shapes, f"{crc:08x}"]))
    TSV.write_text("\n".join(lines) + "\n")


def write_shapes():
    import torch
    from diffusers import UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel
    with torch.device("meta"):
        nets = (CLIPTextModel(CLIPTextConfig(hidden_size=768, intermediate_size=3072, num_hidden_layers=12, num_attention_heads=12)),
                UNet2DConditionModel(cross_attention_dim=768))
    lines = [f"{part}\t{canonical(part, name)}\t{','.join(map(str, p.shape))}" for part, net in zip(PARTS, nets) for name, p in net.named_parameters()]
    SHAPES.write_text("\n".join(lines) + "\n")


def write_checkpoint(folder, dtype):
    import torch
    from safetensors.torch import save_file
    kind = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}[dtype]
    nets = [net.to(kind) for net in models(dtype)]
    for part, net in zip(PARTS, nets):
        net.save_pretrained(f"{folder}/{part}")
    index = {"_class_name": "StableDiffusionPipeline", "unet": ["diffusers", "UNet2DConditionModel"],
             "vae": ["diffusers", "AutoencoderKL"], "text_encoder": ["transformers", "CLIPTextModel"]}
    Path(folder, "model_index.json").write_text(json.dumps(index, indent=2))
    save_file({ldm: w.contiguous() for _, _, ldm, _, w in ldm_tensors(nets)}, folder.rstrip("/") + ".safetensors")
    Path(folder.rstrip("/") + ".json").write_text(json.dumps({
        "unet": {k: UNET[k] for k in ("attention_head_dim", "norm_num_groups")},
        "vae": {k: VAE[k] for k in ("norm_num_groups", "scaling_factor")},
        "text_encoder": {k: TEXT[k] for k in ("num_attention_heads", "hidden_act")}}, indent=2))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", metavar="DIR")
    parser.add_argument("--shapes", action="store_true")
    parser.add_argument("--dtype", default="f32", choices=["f32", "f16", "bf16"])
    arguments = parser.parse_args()
    if arguments.write:
        write_checkpoint(arguments.write, arguments.dtype)
    elif arguments.shapes:
        write_shapes()
    else:
        write_tsv()
