# SPDX-License-Identifier: Apache-2.0
"""What is drawn with: checkpoints of shared/tools/make_checkpoint.py, variants of them, and what goes beside (VAE, ControlNets, LoRAs, pictures).

A checkpoint is called FAMILY-DTYPE or FAMILY-DTYPE@VARIANT and lies in build/parity/ as a diffusers folder, as a single file of LDM's names
with its sidecar (NAME.json), and, where it is asked for, as NAME.ckpt. Everything is made once, from seeds.

FAMILY   sd15, sd21 (v), sdxl; sd15inpaint, sdxlinpaint: of nine channels; full: SD 1.5 at full size
DTYPE    f32, f16, bf16; f8e4m3, f8e5m2: only of the single file, the folder has the same numbers in f32
VARIANT  epsilon, v, vz (v, zero terminal SNR); leading, trailing, linspace: timestep_spacing
"""
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL, ControlNetModel, UNet2DConditionModel
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel, CLIPTextModelWithProjection

ROOT = Path(__file__).resolve().parents[2]
SHARED = Path(os.environ.get("LIKENESS_SHARED", ROOT.parent / "shared"))
WORK = ROOT / "build/parity"
FP8 = {"f8e4m3": torch.float8_e4m3fn, "f8e5m2": torch.float8_e5m2}
VARIANTS = {"epsilon": {"prediction_type": "epsilon"}, "v": {"prediction_type": "v_prediction"},
            "vz": {"prediction_type": "v_prediction", "rescale_betas_zero_snr": True},
            **{spacing: {"timestep_spacing": spacing} for spacing in ("leading", "trailing", "linspace")}}
RANK, ALPHA = 4, 6.0


def edit(path, change):
    """Writes JSON anew, not through a hard link."""
    config = json.loads(path.read_text()) if path.exists() else {}
    path.unlink(missing_ok=True)
    path.write_text(json.dumps(config | change, indent=2))


def sidecar(folder):
    """What shapes cannot tell, as docs/models.md describes it: NAME.json beside NAME.safetensors."""
    keep = {"text_encoder": ("num_attention_heads", "hidden_act"), "unet": ("attention_head_dim", "norm_num_groups"),
            "vae": ("norm_num_groups", "scaling_factor")}
    if (folder / "text_encoder_2").exists():
        keep["text_encoder_2"] = keep["text_encoder"]
    configs = {part: json.loads((folder / part / "config.json").read_text()) for part in keep}
    text = {part: {key: configs[part][key] for key in keys} for part, keys in keep.items()}
    scheduler = json.loads((folder / "scheduler/scheduler_config.json").read_text())
    keys = ("prediction_type", "rescale_betas_zero_snr", "timestep_spacing")
    text["scheduler"] = {key: scheduler[key] for key in keys if key in scheduler}
    edit(Path(f"{folder}.json"), text)


def pad_with_zero(tokenizer):
    """SD 2.x and SDXL's second encoder pad with token 0, which single files are taken to do."""
    for name in ("special_tokens_map.json", "tokenizer_config.json"):
        edit(tokenizer / name, {"pad_token": "!"})


def make_base(family, dtype, folder):
    base, _, more = family.partition("inpaint")
    asked = ["--family", {"full": "sd15"}.get(base, base), "--dtype", dtype, "--tokenizer", SHARED / "data/tokenizer/sd15",
             "--scale", "full" if base == "full" else "tiny"] + (["--inpaint"] if family.endswith("inpaint") else [])
    subprocess.run([sys.executable, SHARED / "tools/make_checkpoint.py", folder, *asked], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    for tokenizer in {"sd21": ["tokenizer"], "sdxl": ["tokenizer_2"]}.get(base, []):
        pad_with_zero(folder / tokenizer)


def make_fp8(family, dtype, folder):
    """The file's weights rounded; the folder has what became of them."""
    source = make(f"{family}-f32")
    shutil.copytree(source, folder)
    tensors = load_file(f"{source}.safetensors")
    save_file({key: t.to(FP8[dtype]) for key, t in tensors.items()}, f"{folder}.safetensors")
    for path in folder.rglob("*.safetensors"):
        rounded = {key: t.to(FP8[dtype]).float() for key, t in load_file(path).items()}
        path.unlink()
        save_file(rounded, path, metadata={"format": "pt"})


def make_variant(source, variant, folder):
    shutil.copytree(source, folder, copy_function=os.link)
    os.link(f"{source}.safetensors", f"{folder}.safetensors")
    edit(folder / "scheduler/scheduler_config.json", VARIANTS[variant])


def make(name):
    """The folder."""
    folder = WORK / name
    if Path(f"{folder}.json").exists():  # the last that is written
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    Path(f"{folder}.safetensors").unlink(missing_ok=True)
    base, _, variant = name.partition("@")
    family, _, dtype = base.partition("-")
    if variant:
        make_variant(make(base), variant, folder)
    elif dtype in FP8:
        make_fp8(family, dtype, folder)
    else:
        make_base(family, dtype, folder)
    sidecar(folder)
    return folder


def path_of(name, layout):
    """What --model is given."""
    folder = make(name)
    if layout == "folder":
        return folder
    if layout == "ckpt" and not Path(f"{folder}.ckpt").exists():  # as a trainer saves it
        torch.save({"state_dict": load_file(f"{folder}.safetensors"), "global_step": 1}, f"{folder}.ckpt")
    return Path(f"{folder}.{'ckpt' if layout == 'ckpt' else 'safetensors'}")


def vae():
    """Another VAE for SD 1.5."""
    folder = WORK / "vae"
    if not folder.exists():
        torch.manual_seed(7)
        AutoencoderKL.from_config(AutoencoderKL.load_config(make("sd15-f32") / "vae")).save_pretrained(folder)
    return folder


def control(family, number):
    """A ControlNet of the family; its own output layers are not zero, as after training."""
    folder = WORK / f"control-{family}-{number}"
    if not folder.exists():
        torch.manual_seed(100 + number)
        unet = UNet2DConditionModel.from_pretrained(make(f"{family}-f32") / "unet")
        net = ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=(8, 8, 16, 16))
        for name, weight in net.named_parameters():
            if name.startswith("controlnet_"):
                torch.nn.init.normal_(weight, std=.2)
        net.save_pretrained(folder)
    return folder


# ---- LoRAs ----

def touched(net, *, attention, convolutions=False):
    """{name: module} of what LoRAs are trained on."""
    return {name: m for name, m in net.named_modules()
            if attention and name.endswith(("to_q", "to_k", "to_v", "to_out.0", "q_proj", "k_proj", "v_proj", "out_proj"))
            or convolutions and name.endswith(("resnets.0.conv1", "downsamplers.0.conv", "proj_in", "ff.net.2", "fc1"))}


def factors(weight):
    """down [r,I(,k,k)], up [O,r(,1,1)]; ΔW is a third of W in size."""
    down = torch.randn(RANK, *weight.shape[1:])
    up = torch.randn(weight.shape[0], RANK, *(1,) * (weight.ndim - 2))
    return down * weight.std() / 3, up / RANK


def text_name(name):
    return name if name.startswith("text_model.") else "text_model." + name


def kohya(nets, convolutions):
    out = {}
    for prefix, net in nets.items():
        for name, m in touched(net, attention=True, convolutions=convolutions).items():
            key = f"lora_{prefix}_" + (name if prefix == "unet" else text_name(name)).replace(".", "_")
            out[key + ".lora_down.weight"], out[key + ".lora_up.weight"] = factors(m.weight)
            out[key + ".alpha"] = torch.tensor(ALPHA)
    return out


def peft(nets):
    out = {}
    for prefix, net in nets.items():
        for name, m in touched(net, attention=True, convolutions=True).items():
            key = f"unet.{name}" if prefix == "unet" else f"text_encoder.{text_name(name)}"
            out[key + ".lora_A.weight"], out[key + ".lora_B.weight"] = factors(m.weight)
    return out


def old(nets):
    """diffusers up to 0.16: attention alone."""
    out = {}
    for prefix, net in nets.items():
        for name, m in touched(net, attention=True).items():
            if prefix == "unet":
                head, tail = name.removesuffix(".0").rsplit(".", 1)
                keys = [f"unet.{head}.processor.{tail}_lora.{what}.weight" for what in ("down", "up")]
            else:
                keys = [f"text_encoder.{text_name(name)}.lora_linear_layer.{what}.weight" for what in ("down", "up")]
            out |= dict(zip(keys, factors(m.weight)))
    return out


LORAS = {"kohya": lambda nets: kohya(nets, False), "locon": lambda nets: kohya(nets, True), "peft": peft, "old": old,
         "unet": lambda nets: kohya({"unet": nets["unet"]}, False)}


def lora(family, kind):
    path = WORK / f"lora-{family}-{kind}.safetensors"
    if not path.exists():
        folder = make(f"{family}-f32")
        torch.manual_seed(list(LORAS).index(kind))
        nets = {"unet": UNet2DConditionModel.from_pretrained(folder / "unet")}
        if family != "sdxl":
            nets["te"] = CLIPTextModel.from_pretrained(folder / "text_encoder")
        else:
            nets["te1"] = CLIPTextModel.from_pretrained(folder / "text_encoder")
            nets["te2"] = CLIPTextModelWithProjection.from_pretrained(folder / "text_encoder_2")
        save_file({key: t.half().contiguous() for key, t in LORAS[kind](nets).items()}, path)
    return path


# ---- pictures ----

def picture(kind, size):
    """A PNG: `init`, to start from; `mask`, of blocks that latents can have; `hint0`, `hint1`, to follow; `edges`, to find edges in."""
    path = WORK / f"{kind}-{size[0]}x{size[1]}.png"
    y, x = np.mgrid[:size[1], :size[0]].astype(np.float64)
    if kind == "mask":
        pixels = np.where((x // 24 + y // 16) % 2 == 0, 255, 0).astype(np.uint8)
    elif kind == "init" or kind == "edges":
        disc = (x - 30)**2 + (y - 30)**2 < 300
        pixels = np.stack([np.sin(x / 9 + c) * np.cos(y / 7 - c) * 90 + 128 + (90 if kind == "edges" else 30) * disc for c in range(3)], -1)
    else:
        pixels = np.stack([(3 * x + 5 * y + 60 * c + 91 * int(kind[-1])) % 256 for c in range(3)], -1)
    Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(path)
    return path
