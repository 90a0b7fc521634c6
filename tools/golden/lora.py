#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goldens of LoRAs: what diffusers with PEFT, and LyCORIS, make of the tiny checkpoints of checkpoint.py.

    lora.py          writes tests/golden/lora.safetensors (needs torch, diffusers, peft, lycoris_lora; CPU, one thread, a minute)

A tensor's name is CASE|file|KEY, a tensor of the LoRA file; CASE|want|PART|NAME, that weight of the checkpoint merged;
CASE|probe|PART|NAME, of a large one each row's product with numbers of its name; or CASE|latents, drawn with it. CASE is
FAMILY PROGRAM FORM WEIGHT. Numbers of the files are functions of their keys (checkpoint.values).
"""
import os

import numpy as np
import torch
from diffusers import StableDiffusionPipeline
from safetensors.torch import save_file

import checkpoint
import diffuse
import families

del families.CLIPTextModel.text_model  # its help for diffusers misleads the loader of LoRAs
OUT = checkpoint.ROOT / "tests/golden/lora.safetensors"
RANK, ALPHA = 2, 3.0

LINEAR = ["down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_q", "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_k",
          "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_v", "down_blocks.0.attentions.0.transformer_blocks.0.attn1.to_out.0",
          "mid_block.attentions.0.transformer_blocks.0.attn2.to_k", "up_blocks.3.attentions.2.transformer_blocks.0.attn2.to_v"]
MORE = ["down_blocks.0.attentions.1.transformer_blocks.0.ff.net.0.proj", "down_blocks.0.attentions.1.transformer_blocks.0.ff.net.2",
        "down_blocks.0.resnets.1.time_emb_proj"]
CONV = ["down_blocks.0.attentions.0.proj_in", "down_blocks.0.resnets.0.conv1", "down_blocks.0.downsamplers.0.conv"]
XL_LINEAR = ["down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q", "down_blocks.2.attentions.1.transformer_blocks.1.attn2.to_v",
             "mid_block.attentions.0.transformer_blocks.1.ff.net.0.proj", "up_blocks.0.attentions.1.transformer_blocks.0.attn1.to_out.0"]
TEXT = [f"text_model.encoder.layers.0.{n}" for n in ("self_attn.k_proj", "self_attn.v_proj", "self_attn.q_proj", "self_attn.out_proj", "mlp.fc1", "mlp.fc2")]


def numbers(key, *shape, gain=1.0):
    """f16, as most files have them."""
    return (gain * torch.from_numpy(checkpoint.values("lora." + key + ".weight", shape))).half()


def module(net, name):
    """transformers 5 has no text_model."""
    try:
        return net.get_submodule(name)
    except AttributeError:
        return net.get_submodule(name.removeprefix("text_model."))


def is_there(net, name):
    return any(name == other for other, _ in net.named_modules())


def factors(net, name):
    """down [r,I(,k,k)] and up [O,r(,1,1)]"""
    w = module(net, name).weight
    down = numbers(name + ".down", RANK, *w.shape[1:], gain=.7)
    return down, numbers(name + ".up", w.shape[0], RANK, *(1,) * (w.ndim - 2), gain=.7)


# ---- files that diffusers reads ----

def under(name):
    return name.replace(".", "_")


XL_LDM = {"down_blocks.1.attentions.0": "input_blocks.4.1", "down_blocks.2.attentions.1": "input_blocks.8.1", "mid_block.attentions.0": "middle_block.1",
          "up_blocks.0.attentions.1": "output_blocks.1.1"}
LDM = {"down_blocks.0.attentions.0": "input_blocks.1.1", "down_blocks.0.attentions.1": "input_blocks.2.1", "down_blocks.0.resnets.0.conv1": "input_blocks.1.0.in_layers.2",
       "down_blocks.0.resnets.1.time_emb_proj": "input_blocks.2.0.emb_layers.1", "down_blocks.0.downsamplers.0.conv": "input_blocks.3.0.op",
       "mid_block.attentions.0": "middle_block.1", "up_blocks.3.attentions.2": "output_blocks.11.1"}


def ldm(name, table=LDM):
    head = next(h for h in table if name.startswith(h))
    return table[head] + name[len(head):]


def places(nets):
    """[(network, its kohya prefix, its PEFT prefix, its weights that LoRAs change)]"""
    unet = XL_LINEAR if "text_encoder_2" in nets else LINEAR + MORE + CONV
    out = [(nets["unet"], "lora_unet_", "unet.", [n for n in unet if is_there(nets["unet"], n)])]
    if "text_encoder_2" in nets:
        out.append((nets["text_encoder_2"], "lora_te2_", "text_encoder_2.", TEXT + ["text_projection"]))
    if "text_encoder" in nets:
        out.append((nets["text_encoder"], "lora_te1_" if "text_encoder_2" in nets else "lora_te_", "text_encoder.", TEXT))
    return out


def kohya(nets, name_of=lambda n: n):
    out = {}
    for net, prefix, _, names in places(nets):
        for name in names:
            key = prefix + under(name_of(name) if prefix == "lora_unet_" else name)
            out[key + ".lora_down.weight"], out[key + ".lora_up.weight"] = factors(net, name)
            out[key + ".alpha"] = torch.tensor(ALPHA).half()
    return out


def peft(nets):
    out = {}
    for net, _, prefix, names in places(nets):
        for name in names:
            out[f"{prefix}{name}.lora_A.weight"], out[f"{prefix}{name}.lora_B.weight"] = factors(net, name)
    return out


def old(nets):
    """diffusers up to 0.16: attention alone."""
    text, unet = nets["text_encoder"], nets["unet"]
    out = {}
    for name in LINEAR:
        head, tail = name.removesuffix(".0").rsplit(".", 1)
        for what, t in zip(("down", "up"), factors(unet, name)):
            out[f"unet.{head}.processor.{tail}_lora.{what}.weight"] = t
    for name in TEXT[:4]:
        for what, t in zip(("down", "up"), factors(text, name)):
            out[f"text_encoder.{name}.lora_linear_layer.{what}.weight"] = t
    return out


# ---- drawing and merging ----

def pipeline(family, nets):
    pipe = families.pipe_of(family, nets, diffuse.scheduler("ddim", "normal", "own"))
    pipe.register_modules(text_encoder=nets.get("text_encoder"))
    pipe.set_progress_bar_config(disable=True)
    return pipe


def draw(family, nets, pipe=None):
    pipe = pipe or pipeline(family, nets)
    return pipe(**families.conditioning(family), num_inference_steps=3, guidance_scale=7.5, generator=torch.Generator().manual_seed(diffuse.SEED),
                output_type="latent", width=64, height=64).images[0].contiguous()


def changed(family, nets):
    """{PART|NAME: merged weight} of all that is not as in the checkpoint."""
    plain, out = places(checkpoint.family_models(family)), {}
    for (net, _, prefix, names), (before, *_) in zip(places(nets), plain):
        part = prefix[:-1].replace("text_encoder", "text")
        for name in names:
            m = module(net, name)
            m = getattr(m, "base_layer", m)
            for tail in ("weight", "bias"):
                was, now = getattr(module(before, name), tail), getattr(m, tail)
                if was is not None and not torch.equal(was, now):
                    out[f"{part}|{name}.{tail}"] = now.detach().clone().contiguous()
    return out


def probe(name, w):
    w = w.flatten(1).double()
    return (w @ torch.from_numpy(checkpoint.values("probe." + name, (1, w.shape[1]))[0]).double()).float()


def golden(case, tensors, want, latents=None):
    small = {k: v for k, v in want.items() if v.numel() <= 512}
    return {f"{case}|file|{k}": v for k, v in tensors.items()} | {f"{case}|want|{k}": v for k, v in small.items()} | \
        {f"{case}|probe|{k}": probe(k.split("|")[1], v) for k, v in want.items() if k not in small} | \
        ({} if latents is None else {f"{case}|latents": latents})


def with_diffusers(case, make, weight, kept=None, drawn=False):
    """kept: names the same numbers otherwise, in the golden file."""
    family = case.split()[0]
    nets = checkpoint.family_models(family)
    tensors = make(nets)
    pipe = pipeline(family, nets)
    path = "/tmp/golden_lora.safetensors"
    save_file({k: v.clone().contiguous() for k, v in tensors.items()}, path, metadata={"format": "pt"})
    pipe.load_lora_weights(path, adapter_name="a")
    pipe.set_adapters("a", weight)
    unfused = None if family == "refiner" else draw(family, nets, pipe)  # which draws from pictures alone
    pipe.set_adapters("a", 1.0)
    pipe.fuse_lora(lora_scale=weight)
    want = changed(family, nets)
    print(case, len(tensors), "tensors,", len(want), "weights change")
    assert len(want) >= 8
    if unfused is not None:
        apart = (draw(family, nets, pipe) - unfused).abs().max().item() / unfused.std().item()
        print("    fused and unfused apart by", apart)
        assert apart < 1e-4
    return golden(case, kept(nets) if kept else tensors, want, unfused if drawn else None)


def with_peft(case):
    """DoRA, whose lengths diffusers 0.42 leaves out of files."""
    from peft import LoraConfig, inject_adapter_in_model
    nets = checkpoint.family_models("sd")
    tensors = peft(nets)
    for net, _, prefix, names in places(nets):
        weights = {name: module(net, name).weight for name in names}
        inject_adapter_in_model(LoraConfig(r=RANK, lora_alpha=RANK, use_dora=True, target_modules=[n.removeprefix("text_model.") for n in names]), net, "a")
        for name, w in weights.items():
            layer, key = module(net, name), prefix + name
            tensors[key + ".lora_magnitude_vector"] = (w.flatten(1).norm(dim=1) * 1.2).reshape(layer.lora_magnitude_vector["a"].weight.shape).half()
            layer.lora_A["a"].weight.copy_(tensors[key + ".lora_A.weight"])
            layer.lora_B["a"].weight.copy_(tensors[key + ".lora_B.weight"])
            layer.lora_magnitude_vector["a"].weight.copy_(tensors[key + ".lora_magnitude_vector"])
            layer.merge()
    want = changed("sd", nets)
    print(case, len(tensors), "tensors,", len(want), "weights change")
    return golden(case, tensors, want)


# ---- LyCORIS ----

def loha(name, w, tucker):
    o, i, k = w.shape[0], w.shape[1], w.shape[2:]
    t = {"alpha": torch.tensor(ALPHA).half()}
    for n in "12":
        t[f"hada_w{n}_a"] = numbers(name + f".w{n}a", *((RANK, o) if tucker else (o, RANK)))
        t[f"hada_w{n}_b"] = numbers(name + f".w{n}b", RANK, i if tucker else w[0].numel())
        if tucker:
            t[f"hada_t{n}"] = numbers(name + f".t{n}", RANK, RANK, *k, gain=2)
    return t


def lokr(name, w, form):
    """w1 of [4,4]."""
    o, i, k = w.shape[0] // 4, w.shape[1] // 4, w.shape[2:]
    t = {"alpha": torch.tensor(ALPHA).half()}
    if "a" in form:
        t |= {"lokr_w1_a": numbers(name + ".w1a", 4, RANK), "lokr_w1_b": numbers(name + ".w1b", RANK, 4)}
    else:
        t["lokr_w1"] = numbers(name + ".w1", 4, 4)
    if "t" in form:
        t |= {"lokr_w2_a": numbers(name + ".w2a", RANK, o), "lokr_w2_b": numbers(name + ".w2b", RANK, i), "lokr_t2": numbers(name + ".t2", RANK, RANK, *k)}
    elif "b" in form:
        t |= {"lokr_w2_a": numbers(name + ".w2a", o, RANK), "lokr_w2_b": numbers(name + ".w2b", RANK, i * int(np.prod(k)))}
    else:
        t["lokr_w2"] = numbers(name + ".w2", o, i, *k)
    return t


def lokr_difference(t):
    from lycoris.functional.lokr import kron_weight
    scale = ALPHA / RANK if "w1_b" in t or "w2_b" in t else 1
    return kron_weight(*(t.get(k) for k in ("w1", "w1_a", "w1_b", "w2", "w2_a", "w2_b", "t2")), scale=scale)


def locon(name, w):
    return {"lora_up.weight": numbers(name + ".up", w.shape[0], RANK, 1, 1), "lora_down.weight": numbers(name + ".down", RANK, w.shape[1], 1, 1),
            "lora_mid.weight": numbers(name + ".mid", RANK, RANK, *w.shape[2:]), "alpha": torch.tensor(ALPHA).half()}


def full(name, w, bias):
    t = {"diff": numbers(name + ".diff", *w.shape, gain=.3)}
    return t | ({"diff_b": numbers(name + ".diff_b", *bias.shape, gain=.3)} if bias is not None else {})


def dora(name, w, form):
    """LoHa whose lengths are per output (LyCORIS' wd_on_out) or per input."""
    norm = w.flatten(1).norm(dim=1).reshape(-1, *(1,) * (w.ndim - 1)) if form == "out" else w.transpose(0, 1).flatten(1).norm(dim=1).reshape(1, -1, *(1,) * (w.ndim - 2))
    return loha(name, w, False) | {"dora_scale": (norm * 1.1).half()}


ATT, FF, C3 = LINEAR[0], MORE[0], CONV[1]
LYCORIS = {
    "loha": {ATT: lambda n, m: loha(n, m.weight, False), C3: lambda n, m: loha(n, m.weight, True), CONV[2]: lambda n, m: loha(n, m.weight, False),
             TEXT[4]: lambda n, m: loha(n, m.weight, False)},
    "lokr": {ATT: lambda n, m: lokr(n, m.weight, ""), FF: lambda n, m: lokr(n, m.weight, "b"), LINEAR[1]: lambda n, m: lokr(n, m.weight, "ab"),
             LINEAR[2]: lambda n, m: lokr(n, m.weight, "a"), C3: lambda n, m: lokr(n, m.weight, "t"), CONV[2]: lambda n, m: lokr(n, m.weight, "")},
    "locon": {C3: lambda n, m: locon(n, m.weight), CONV[2]: lambda n, m: locon(n, m.weight)},
    "full": {ATT: lambda n, m: full(n, m.weight, None), C3: lambda n, m: full(n, m.weight, m.bias), TEXT[0]: lambda n, m: full(n, m.weight, m.bias)},
    "dora": {ATT: lambda n, m: dora(n, m.weight, "out"), LINEAR[1]: lambda n, m: dora(n, m.weight, "in"), FF: lambda n, m: dora(n, m.weight, "in"),
             C3: lambda n, m: dora(n, m.weight, "out"), CONV[2]: lambda n, m: dora(n, m.weight, "in")},
    "ia3": {ATT: lambda n, m: {"weight": numbers(n + ".ia3", m.weight.shape[0], gain=.3), "on_input": torch.tensor(0)},
            C3: lambda n, m: {"weight": numbers(n + ".ia3", 1, m.weight.shape[0], 1, 1), "on_input": torch.tensor(0)},
            CONV[2]: lambda n, m: {"weight": numbers(n + ".ia3", 1, m.weight.shape[1], 1, 1), "on_input": torch.tensor(1)}},
}


def with_lycoris(form, weight):
    from lycoris.modules import get_module, make_module
    from lycoris.modules.ia3 import _ia3_weight
    from lycoris.functional.general import weight_decompose
    nets = checkpoint.family_models("sd")
    tensors, merged = {}, []
    for name, make in LYCORIS[form].items():
        net, prefix = (nets["text_encoder"], "lora_te_") if name in TEXT else (nets["unet"], "lora_unet_")
        m, key = module(net, name), prefix + under(name)
        tensors |= {f"{key}.{k}": v for k, v in make(name, m).items()}
        wide = {k: v.float() if v.dtype == torch.float16 else v for k, v in tensors.items()}
        if form == "lokr":  # whose modules do not factor matrices as small as these
            merged.append((m, m.weight + weight * lokr_difference({k.removeprefix(key + ".lokr_"): v for k, v in wide.items()}), None))
            continue
        if form == "ia3":
            merged.append((m, _ia3_weight(m.weight, wide[key + ".weight"], bool(wide[key + ".on_input"]), weight, False), None))
            continue
        lengths = wide.pop(key + ".dora_scale", None)
        kind, parameters = get_module(wide, key)
        lyco = make_module(kind, parameters, key, m)
        if form in ("loha", "dora"):  # LoHa's get_merged_weight takes alpha/rank twice; its forward, as here, once
            merged.append((m, m.weight + weight * lyco.get_weight(m.weight.shape), None))
        else:
            merged.append((m, *lyco.get_merged_weight(weight, m.weight.shape)))
        if lengths is not None:  # modules made from a file take lengths for those of outputs
            merged[-1] = (m, weight_decompose(merged[-1][1], lengths, 1, lengths.shape[0] > 1), None)
    for m, w, b in merged:
        m.weight.copy_(w)
        if b is not None:
            m.bias.copy_(b)
    want = changed("sd", nets)
    case = f"sd lycoris {form} {weight:g}"
    print(case, len(tensors), "tensors,", len(want), "weights change")
    return golden(case, tensors, want, draw("sd", nets) if form == "lokr" else None)


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    out = with_diffusers("sd diffusers kohya 0.8", kohya, .8, drawn=True)
    out |= with_diffusers("sd diffusers ldm -0.5", kohya, -.5, lambda nets: kohya(nets, ldm))  # SDXL's names, which diffusers takes for SDXL only
    out |= with_diffusers("sd diffusers peft 0.7", peft, .7)
    out |= with_diffusers("sd diffusers old 1.3", old, 1.3)
    out |= with_diffusers("sdxl diffusers kohya 0.9", lambda nets: kohya(nets, lambda n: ldm(n, XL_LDM)), .9, drawn=True)
    out |= with_diffusers("sdxl diffusers peft -0.6", peft, -.6)
    out |= with_diffusers("refiner diffusers peft 0.8", peft, .8)
    out |= with_peft("sd peft dora 1")
    for form in LYCORIS:
        out |= with_lycoris(form, 1. if form == "dora" else .6)
    save_file({k: v.clone().contiguous() for k, v in out.items()}, OUT)
    print(len(out), "tensors,", os.path.getsize(OUT), "bytes")


if __name__ == "__main__":
    main()
