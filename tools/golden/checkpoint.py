#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The tiny Stable Diffusion checkpoints that tests and goldens share, without a weight in the repository.

Every weight is a pure function of its diffusers name and its index (`values` below), computed alike here and in
tests/support/checkpoint.c. So diffusers and transformers can be run on it here, likeness in the tests, on the same numbers.
Topology of SD 1.x (four levels, two layers, attention on three), widths of a few channels, the full vocabulary.

    checkpoint.py                     writes tests/golden/sd_tiny.tsv: part, diffusers name, LDM name, shape, LDM shape, crc32 of f32 bytes;
                                      and FAMILY_tiny.tsv for each of FAMILIES: text encoders and UNet alone, the VAE is that of sd_tiny.tsv
    checkpoint.py --shapes            writes tests/golden/sd15_shapes.tsv: part, diffusers name and shape of SD 1.5's text encoder and UNet
    checkpoint.py --write DIR         writes the checkpoint as DIR/ (diffusers folder) and DIR.safetensors (LDM) [--dtype f32|f16|bf16]

Other golden scripts import `models(dtype)`: text encoder, UNet and VAE, filled, rounded to dtype and upcast to float32.
The LDM names come from shared/tools/make_checkpoint.py (LIKENESS_SHARED, default ../shared).
"""
import argparse, importlib.util, json, math, os, re, sys, zlib
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("LIKENESS_SHARED", ROOT.parent / "shared"))
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
PARTS = ("text_encoder", "unet", "vae", "text_encoder_2")

# Other families: what differs from the above. SDXL's second text encoder has a projection that is no square, so that a transposed one
# is noticed. `distilled` is of the form of SSD-1B, `small` of tiny-sd.
TEXT_2 = TEXT | dict(hidden_size=16, intermediate_size=64, hidden_act="gelu", projection_dim=24, pad_token_id=0)
XL = dict(block_out_channels=(16, 32, 32), attention_head_dim=(1, 2, 4), use_linear_projection=True, transformer_layers_per_block=(1, 1, 2),
          down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
          up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
          addition_embed_type="text_time", addition_time_embed_dim=8, projection_class_embeddings_input_dim=6 * 8 + 24)
XL_TEXT = TEXT | dict(hidden_size=16, intermediate_size=64)
FAMILIES = {
    "sd2": dict(text=TEXT | dict(hidden_act="gelu", pad_token_id=0),
                unet=dict(layers_per_block=1, attention_head_dim=(1, 2, 4, 4), use_linear_projection=True)),
    "sdxl": dict(text=XL_TEXT, text_2=TEXT_2, unet=XL),
    "refiner": dict(text_2=TEXT_2 | dict(hidden_size=32, intermediate_size=128),
                    unet=XL | dict(block_out_channels=(16, 32, 32, 32), attention_head_dim=(1, 2, 4, 4), layers_per_block=1,
                                   transformer_layers_per_block=2,
                                   down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
                                   up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
                                   projection_class_embeddings_input_dim=5 * 8 + 24)),
    "distilled": dict(text=XL_TEXT, text_2=TEXT_2,
                      unet=XL | dict(mid_block_type="UNetMidBlock2D", reverse_transformer_layers_per_block=[[2, 1, 3], [1, 2, 1], 1])),
    "small": dict(text=TEXT, unet=dict(layers_per_block=1, mid_block_type=None, block_out_channels=(16, 32, 32),
                                       down_block_types=("CrossAttnDownBlock2D",) * 3, up_block_types=("CrossAttnUpBlock2D",) * 3)),
    "inpaint": dict(text=TEXT, unet=dict(in_channels=9, layers_per_block=1, block_out_channels=(16, 32),
                                         down_block_types=("CrossAttnDownBlock2D",) * 2, up_block_types=("CrossAttnUpBlock2D",) * 2)),
}
XL_SCALE = 0.13025
TYPES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16", "f8e4m3": "float8_e4m3fn", "f8e5m2": "float8_e5m2"}


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
    """The name as folders have it: transformers 5 dropped `text_model.` inside, older ones have it."""
    inside = part.startswith("text_encoder") and not name.startswith(("text_model.", "text_projection."))
    return "text_model." + name if inside else name


def seed(part, name):
    """The second text encoder has the names of the first, but shall have other weights."""
    return ("2." if part == "text_encoder_2" else "") + canonical(part, name)


def family_models(family, dtype="f32"):
    """{part: network}, weights rounded to dtype and upcast."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection
    kind, said = getattr(torch, TYPES[dtype]), FAMILIES.get(family, dict(text=TEXT, unet={}))
    nets = {"unet": UNet2DConditionModel(**UNET | said["unet"]),
            "vae": AutoencoderKL(**VAE | (dict(scaling_factor=XL_SCALE) if "text_2" in said else {}))}
    if "text" in said:
        nets["text_encoder"] = CLIPTextModel(CLIPTextConfig(**said["text"]))
    if "text_2" in said:
        nets["text_encoder_2"] = CLIPTextModelWithProjection(CLIPTextConfig(**said["text_2"]))
    for part, net in nets.items():
        net.eval().requires_grad_(False)
        for name, parameter in net.named_parameters():
            w = torch.from_numpy(values(seed(part, name), tuple(parameter.shape)))
            parameter.copy_(w.to(kind).float())
    return nets


def models(dtype="f32"):
    nets = family_models("sd", dtype)
    return tuple(nets[part] for part in PARTS[:3])


def make_checkpoint():
    """shared/tools/make_checkpoint.py"""
    spec = importlib.util.spec_from_file_location("make_checkpoint", SHARED / "tools/make_checkpoint.py")
    make = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make)
    return make


def fused(make, own, prefix):
    """[(diffusers name, LDM name, tensor, LDM tensor)] of OpenCLIP, where q, k and v share an LDM name: each row is its third."""
    rows = []
    for name, tensor in own.items():
        ldm = make.clip_to_openclip({name: tensor} if "self_attn" not in name or "out_proj" in name else
                                    {re.sub("[qkv]_proj", letter + "_proj", name): tensor for letter in "qkv"}, prefix)
        (other, whole), = ldm.items()
        rows.append((name, other, tensor, whole[:len(whole) // 3] if "in_proj" in other else whole))
    return rows


def ldm_tensors(nets, family="sd"):
    """[(part, diffusers name, LDM name, tensor, LDM tensor)]"""
    make, rows = make_checkpoint(), []
    unet = UNET | FAMILIES.get(family, dict(unet={}))["unet"]
    xl = "text_encoder_2" in nets
    for part, net in nets.items():
        own = {k: v for k, v in net.state_dict().items() if "position_ids" not in k}
        prefix = {"text_encoder": "cond_stage_model.model." if family == "sd2" else
                  "conditioner.embedders.0.transformer." if xl else "cond_stage_model.transformer.",
                  "text_encoder_2": "conditioner.embedders.%d.model." % ("text_encoder" in nets)}.get(part)
        if part == "text_encoder_2" or (part == "text_encoder" and family == "sd2"):
            rows += [(part, canonical(part, row[0]), *row[1:]) for row in fused(make, own, prefix)]
            continue
        ldm = {"text_encoder": lambda: make.clip_to_ldm(own, prefix),
               "unet": lambda: make.unet_to_ldm(own, len(unet["block_out_channels"]), unet["layers_per_block"]),
               "vae": lambda: make.vae_to_ldm(own, len(VAE["block_out_channels"]))}[part]()
        assert len(own) == len(ldm)
        rows += [(part, canonical(part, a), b, v, w) for (a, v), (b, w) in zip(own.items(), ldm.items())]
    return rows


def write_tsv(family):
    lines, order = [], {part: i for i, part in enumerate(PARTS)}
    for part, name, ldm, tensor, ldm_tensor in sorted(ldm_tensors(family_models(family), family), key=lambda row: (order[row[0]], row[1])):
        if family != "sd" and part == "vae":
            continue
        crc = zlib.crc32(tensor.numpy().astype("<f4").tobytes())
        shapes = [",".join(map(str, t.shape)) for t in (tensor, ldm_tensor)]
        lines.append("\t".join([part, name, ldm, *shapes, f"{crc:08x}"]))
    (ROOT / f"tests/golden/{family}_tiny.tsv").write_text("\n".join(lines) + "\n")


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
    nets = {part: net.to(kind) for part, net in family_models("sd", dtype).items()}
    for part, net in nets.items():
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
        for family in ("sd", *FAMILIES):
            write_tsv(family)
