#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goldens of the samplers: a made-up network walked by diffusers' schedulers, by k-diffusion where diffusers has none.

    sampler.py    writes tests/golden/samplers.safetensors (needs torch, diffusers, torchsde, scipy, k-diffusion; CPU, a minute)

A tensor's name is its case, which tests/stages/test_diffuse_samplers.c parses:

    walk SAMPLER SCHEDULE SPACING STEPS START ETA    ETA −1: the sampler's own
    draw …                                           a picture of the tiny checkpoint, as in diffuse.py

The network is diffuse.py's, ε = 0.3·input + t/1000 on 64 numbers; START > 0 noises a clean latent first. The walks of ddim, euler,
euler-a and dpmpp-2m with the schedules normal and karras are in diffuse.py. Schedules that diffusers does not have are WebUI's (modules/sd_schedulers.py of
1.10), written again here, and walked by EulerDiscreteScheduler, which takes given σ.
"""
import importlib
import inspect
import os
import sys
import types

import diffusers
import numpy as np
import torch
from safetensors.torch import save_file

import checkpoint
from diffuse import CONFIG, SEED, draw

# k_diffusion/__init__.py pulls in what training needs; its samplers need one function of its utils.
package, utils = types.ModuleType("k_diffusion"), types.ModuleType("k_diffusion.utils")
package.__path__ = importlib.util.find_spec("k_diffusion").submodule_search_locations
utils.append_dims = lambda x, n: x[(...,) + (None,) * (n - x.ndim)]
package.utils = utils
sys.modules |= {"k_diffusion": package, "k_diffusion.utils": utils}
k_diffusion = importlib.import_module("k_diffusion.sampling")

OUT = checkpoint.ROOT / "tests/golden/samplers.safetensors"
CLASSES = {"ddim": ("DDIMScheduler", {}), "ddpm": ("DDPMScheduler", {}), "pndm": ("PNDMScheduler", {"skip_prk_steps": True}),
           "lms": ("LMSDiscreteScheduler", {}), "heun": ("HeunDiscreteScheduler", {}), "euler": ("EulerDiscreteScheduler", {}),
           "dpm2": ("KDPM2DiscreteScheduler", {}), "dpm2-a": ("KDPM2AncestralDiscreteScheduler", {}),
           "dpmpp-2m": ("DPMSolverMultistepScheduler", {}),
           "dpmpp-2m-sde": ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
           "dpmpp-sde": ("DPMSolverSDEScheduler", {"noise_sampler_seed": SEED}), "unipc": ("UniPCMultistepScheduler", {}),
           "deis": ("DEISMultistepScheduler", {}), "lcm": ("LCMScheduler", {}), "tcd": ("TCDScheduler", {})}
K_DIFFUSION = {"euler-a": k_diffusion.sample_euler_ancestral, "dpmpp-2s-a": k_diffusion.sample_dpmpp_2s_ancestral,
               "dpmpp-3m-sde": k_diffusion.sample_dpmpp_3m_sde, "dpm2-a": k_diffusion.sample_dpm_2_ancestral}
OWN_TIMES = ("ddim", "ddpm", "pndm", "lcm", "tcd")
FLAGS = {"karras": "use_karras_sigmas", "exponential": "use_exponential_sigmas", "beta": "use_beta_sigmas"}
GIVEN = [14.6, 9, 4.25, 1.5, 0.7, 0.2, 0]
ALIGN_YOUR_STEPS = [14.615, 6.475, 3.861, 2.697, 1.886, 1.396, 0.963, 0.652, 0.399, 0.152, 0.029]


def scheduler(sampler, schedule="normal", spacing="own"):
    name, more = CLASSES[sampler]
    config = CONFIG | more
    if spacing != "own":
        config["timestep_spacing"] = spacing
    if schedule in FLAGS:
        config[FLAGS[schedule]] = True
    return getattr(diffusers, name).from_config(config)


def noise_of(x, t):
    return 0.3 * x + t.float() * 0.001


def begin(s, steps, start, g):
    """The latent before call start, as the pipelines make it."""
    if not start:
        return torch.randn(1, 64, generator=g) * s.init_noise_sigma
    clean = torch.from_numpy(checkpoint.values("golden.clean", (8, 8)).reshape(1, 64))
    return s.add_noise(clean, torch.randn(1, 64, generator=g), s.timesteps[start * s.order:][:1])


def follow(s, steps, start, eta=-1):
    if hasattr(s, "set_begin_index"):
        s.set_begin_index(start * s.order)
    g = torch.Generator().manual_seed(SEED)
    x = begin(s, steps, start, g)
    more = {"generator": g} if "generator" in inspect.signature(s.step).parameters else {}
    if eta >= 0:
        more["eta"] = eta
    for t in s.timesteps[start * s.order:]:
        x = s.step(noise_of(s.scale_model_input(x, t), t), t, x, **more).prev_sample
    return x


def webui_sigmas(schedule, n):
    table = scheduler("euler").alphas_cumprod
    table = ((1 - table) / table).sqrt().double().numpy()
    if schedule == "sgm-uniform":  # Denoiser.t_to_sigma interpolates log σ
        sigmas = np.exp(np.interp(np.linspace(999, 0, n + 1)[:-1], np.arange(1000), np.log(table)))
    elif schedule == "simple":
        sigmas = [table[-(1 + int(i * (len(table) / n)))] for i in range(n)]
    elif schedule == "align-your-steps":
        knots = np.array(ALIGN_YOUR_STEPS)
        sigmas = np.exp(np.interp(np.linspace(0, 1, n), np.linspace(0, 1, len(knots)), np.log(knots)))
    else:
        return GIVEN
    return [*map(float, sigmas), 0.0]


def k_walk(sampler, schedule, spacing, steps, eta):
    s = scheduler("euler", spacing=spacing)
    s.set_timesteps(steps)
    if schedule == "karras":  # over the whole table, as the WebUI does
        whole = scheduler("dpmpp-2m", "karras")
        whole.set_timesteps(steps)
        s.sigmas = whole.sigmas
        s.timesteps = torch.tensor([time_of(s, sigma) for sigma in s.sigmas[:-1]])
    told = dict(zip(s.sigmas.tolist(), s.timesteps))
    g = torch.Generator().manual_seed(SEED)
    x = torch.randn(1, 64, generator=g) * s.init_noise_sigma

    def model(x, sigma):
        t = told.get(sigma.item(), None)
        t = torch.tensor(time_of(s, sigma)) if t is None else t
        return x - sigma * noise_of(x / (sigma**2 + 1)**0.5, t)

    more = {} if eta < 0 else {"eta": eta}
    return K_DIFFUSION[sampler](model, x, s.sigmas, disable=True, noise_sampler=lambda *_: torch.randn(1, 64, generator=g), **more)


def time_of(s, sigma):
    table = ((1 - s.alphas_cumprod) / s.alphas_cumprod).sqrt().numpy()
    return float(s._sigma_to_t(np.array(sigma.item()), np.log(table)))


def diffusers_walk(sampler, schedule, spacing, steps, start, eta):
    s = scheduler(sampler, schedule, spacing)
    if schedule in ("normal", *FLAGS):
        s.set_timesteps(steps)
    else:
        s.set_timesteps(sigmas=webui_sigmas(schedule, steps))
    return follow(s, steps, start, eta)


def walk(sampler, schedule="normal", spacing="own", steps=20, start=0, eta=-1):
    name = f"walk {sampler} {schedule} {spacing} {steps} {start} {eta:g}"
    x = diffusers_walk(sampler, schedule, spacing, steps, start, eta) if sampler in CLASSES and not (sampler == "dpm2-a" and eta >= 0) \
        else k_walk(sampler, schedule, spacing, steps, eta)
    assert x.isfinite().all(), name
    return {name: x[0].contiguous()}


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    out = {}
    for sampler in CLASSES:
        if sampler in ("lcm", "tcd"):
            for steps, start in ((1, 0), (4, 0), (8, 3), (50, 0)):
                out |= walk(sampler, steps=steps, start=start)
            continue
        if sampler not in ("ddim", "euler", "dpmpp-2m"):
            for steps, start in ((1, 0), (2, 0), (5, 2), (14, 0), (50, 0), (50, 31)):
                out |= walk(sampler, steps=steps, start=start)
            for spacing in ("linspace", "leading", "trailing"):
                for steps, start in ((7, 0), (20, 11)):
                    out |= walk(sampler, "normal", spacing, steps, start)
        if sampler not in OWN_TIMES:
            for schedule in FLAGS:
                for steps, start in ((1, 0), (2, 0), (14, 0), (20, 11), (50, 0)):
                    out |= walk(sampler, schedule, "own", steps, start)
            out |= walk(sampler, "karras", "leading", 7)
    for sampler in K_DIFFUSION:
        for schedule in ("normal", "karras"):
            if sampler != "dpm2-a":
                for steps in (2, 14, 50):
                    out |= walk(sampler, schedule, "own", steps)
        if sampler != "dpmpp-3m-sde":
            out |= walk(sampler, steps=9, eta=0.5)
    for schedule in ("sgm-uniform", "simple", "align-your-steps"):
        for steps in (1, 10, 23):
            out |= walk("euler", schedule, steps=steps)
    out |= walk("euler", "given", steps=len(GIVEN) - 1)
    for sampler, eta in (("ddim", 0.5), ("ddim", 1), ("tcd", 0), ("tcd", 0.8)):
        out |= walk(sampler, steps=10, start=3, eta=eta)
    nets = checkpoint.models()
    for i, sampler in enumerate(name for name in CLASSES if name not in ("ddim", "euler", "dpmpp-2m")):
        schedule = "normal" if sampler in OWN_TIMES else [*FLAGS][i % 3]
        more = {"eta": 0.3} if sampler == "tcd" else {}
        out |= draw(nets, "f32", sampler, "normal", make=scheduler, **more)
        out |= draw(nets, "f32", sampler, schedule, strength=0.6, make=scheduler, **more)
    save_file(out, OUT)
    print(len(out), "tensors,", os.path.getsize(OUT), "bytes")


if __name__ == "__main__":
    main()
