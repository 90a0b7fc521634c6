#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goldens of live previews, on the tiny checkpoint of checkpoint.py.

    preview.py    writes tests/golden/preview.safetensors (needs torch, diffusers; CPU, one thread, a minute)

    fit                         the least-squares map [5,3] from smooth random latents to what diffusers' VAE decodes, by numpy
    tiny                        [3,64,48]: what diffusers' AutoencoderTiny decodes of the latent golden.latent [4,8,6]
    seen SAMPLER STEPS EVERY    x0 of every EVERY-th step, [n,4,8,8]: what diffusers' scheduler makes of its latent and noise
"""
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderTiny
from safetensors.torch import save_file

import checkpoint
from diffuse import SEED, context, scheduler

GOLDEN = checkpoint.ROOT / "tests/golden"
OUT = GOLDEN / "preview.safetensors"
SIDE = 32


def fit(vae):
    noise = torch.randn(1, 4, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    smooth = F.avg_pool2d(noise, 5, 1, 2, count_include_pad=False)
    z = (smooth - smooth.mean((2, 3), keepdim=True)) / smooth.std((2, 3), keepdim=True, unbiased=False)
    picture = vae.decode(z / vae.config.scaling_factor).sample.clamp(-1, 1)
    want = F.avg_pool2d(picture, picture.shape[-1] // SIDE)[0].flatten(1).T.double().numpy()
    rows = torch.cat([z[0].flatten(1), torch.ones(1, SIDE * SIDE)]).T.double().numpy()
    return {"fit": torch.from_numpy(np.linalg.lstsq(rows, want, rcond=None)[0]).float().contiguous()}


def tiny():
    """Its weights, f16, are written too: as TAESD names them, and as diffusers does."""
    torch.manual_seed(0)
    net = AutoencoderTiny(encoder_block_out_channels=(4,) * 4, decoder_block_out_channels=(4,) * 4)
    weights = {name: (2 * tensor).half().contiguous() for name, tensor in net.state_dict().items() if name.startswith("decoder.")}
    net.load_state_dict(weights, strict=False)
    save_file(weights, GOLDEN / "taesd_diffusers.safetensors")
    renamed = {}
    for name, tensor in weights.items():
        number, tail = name.removeprefix("decoder.layers.").split(".", 1)
        renamed[f"{int(number) + 1}.{tail}"] = tensor
    save_file(renamed, GOLDEN / "taesd_tiny.safetensors")
    latent = 3 * torch.from_numpy(checkpoint.values("golden.latent", (4, 8, 6)))[None]
    return {"tiny": (net.decode(latent).sample[0] / 2 + 0.5).clamp(0, 1).contiguous()}


def seen(nets, sampler, steps, every):
    s = scheduler(sampler, "normal", "own")
    s.set_timesteps(steps)
    x = torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(SEED)) * s.init_noise_sigma
    out = []
    for i, t in enumerate(s.timesteps):
        noise = nets[1](s.scale_model_input(x, t), t, context("golden.positive", 77)).sample
        if hasattr(s, "sigmas"):
            sigma = s.sigmas[i]
            keep, share = (1, sigma) if sampler == "euler" else ((sigma**2 + 1) ** -0.5, sigma * (sigma**2 + 1) ** -0.5)
        else:
            keep, share = s.alphas_cumprod[t] ** 0.5, (1 - s.alphas_cumprod[t]) ** 0.5
        if (i + 1) % every == 0:
            out.append((x - share * noise) / keep)
        x = s.step(noise, t, x).prev_sample
    return {f"seen {sampler} {steps} {every}": torch.cat(out).contiguous()}


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    nets = checkpoint.models()
    out = fit(nets[2]) | tiny()
    for sampler in ("euler", "ddim", "dpmpp-2m"):
        out |= seen(nets, sampler, 4, 2)
    save_file(out, OUT)
    print(*out, sep="\n")


if __name__ == "__main__":
    main()
