# SPDX-License-Identifier: Apache-2.0
"""What diffusers draws of a case. Weights are upcast to f32, which likeness computes in too.

Where diffusers has no door for what a case asks, its parts are put together here: prompts of several chunks and weights (encoded by its text
encoder, cut and weighed by tools/golden/prompt.py), and what is not masked, which likeness puts back from the picture.
`Scheduler.from_config(pipe.scheduler.config)` is how a user of diffusers changes the sampler.

Pictures are kept in build/parity/peer/ under a hash of the case, of the versions and of the code that made them.
"""
import hashlib
import json
import sys
from pathlib import Path

import diffusers
import numpy as np
import tomesd
import torch
import transformers
from diffusers import AutoencoderKL, ControlNetModel, DiffusionPipeline
from PIL import Image
from safetensors.torch import load_file
from transformers import CLIPTextModel

import checkpoints
from checkpoints import ROOT, WORK

sys.path.insert(0, str(ROOT / "tools/golden"))
import prompt as webui  # noqa: E402
from text import encode  # noqa: E402

CLASSES = {"ddim": "DDIM", "euler": "EulerDiscrete", "euler-a": "EulerAncestralDiscrete", "dpmpp-2m": "DPMSolverMultistep", "ddpm": "DDPM",
           "pndm": "PNDM", "lms": "LMSDiscrete", "heun": "HeunDiscrete", "dpm2": "KDPM2Discrete", "dpm2-a": "KDPM2AncestralDiscrete",
           "dpmpp-2m-sde": "DPMSolverMultistep", "dpmpp-sde": "DPMSolverSDE", "unipc": "UniPCMultistep", "deis": "DEISMultistep", "lcm": "LCM",
           "tcd": "TCD"}
FLAGS = {"karras": "use_karras_sigmas", "exponential": "use_exponential_sigmas", "beta": "use_beta_sigmas"}
VERSIONS = f"diffusers {diffusers.__version__}, torch {torch.__version__}"
MADE_BY = [Path(__file__), Path(checkpoints.__file__), checkpoints.SHARED / "tools/make_checkpoint.py", ROOT / "tools/golden/prompt.py", ROOT / "tools/golden/text.py"]

# diffusers 0.42 asks for `text_model` when it skips layers; transformers 5 has its members in CLIPTextModel itself.
if not hasattr(CLIPTextModel, "text_model"):
    CLIPTextModel.text_model = property(lambda self: self)


def scheduler(case, config):
    more = {FLAGS[case["schedule"]]: True} if case["schedule"] in FLAGS else {}
    more |= {"pndm": {"skip_prk_steps": True}, "dpmpp-2m-sde": {"algorithm_type": "sde-dpmsolver++"},
             "dpmpp-sde": {"noise_sampler_seed": case["seed"]}}.get(case["sampler"], {})
    return getattr(diffusers, CLASSES[case["sampler"]] + "Scheduler").from_config(config, **more)


def family(case):
    return case["checkpoint"].partition("-")[0]


def class_of(case):
    """Of the pipeline."""
    xl, init, mask, control = family(case).startswith("sdxl"), case["strength"], case["mask"], case["controls"]
    kind = ("ControlNet" if control else "") + ("Inpaint" if mask else "Img2Img" if init else "")
    return getattr(diffusers, f"StableDiffusion{'XL' if xl else ''}{kind}Pipeline")


def as_named_here(path, text_encoder):
    """The LoRA's tensors; diffusers 0.42 looks for the text encoder's under names that it has with transformers 4 only."""
    tensors = load_file(path)
    if hasattr(dict(text_encoder.named_modules()).get("encoder"), "layers"):
        tensors = {key.replace("text_model.", "").replace("te_text_model_", "te_"): t for key, t in tensors.items()}
    return tensors


def control_picture(case, control):
    if control["type"] != "canny":
        return Image.open(control["picture"])
    import cv2
    edges = cv2.Canny(np.asarray(Image.open(control["picture"]).convert("RGB")), 100, 200)
    return Image.fromarray(np.repeat(edges[..., None], 3, 2))


def control_arguments(case):
    one = lambda values: values if len(values) > 1 else values[0]
    column = lambda key: one([control[key] for control in case["controls"]])
    pictures = one([control_picture(case, control) for control in case["controls"]])
    return {"control_image" if case["strength"] else "image": pictures, "controlnet_conditioning_scale": column("weight"),
            "control_guidance_start": column("start"), "control_guidance_end": column("end")}


class Peer:
    """One checkpoint at a time."""

    def __init__(self):
        self.name, self.pipe, self.made = None, None, 0
        torch.set_grad_enabled(False)
        for library in (diffusers, transformers):
            library.utils.logging.set_verbosity_error()
            library.utils.logging.disable_progress_bar()
        self.code = hashlib.sha256(b"".join(path.read_bytes() for path in MADE_BY)).hexdigest()
        (WORK / "peer").mkdir(parents=True, exist_ok=True)

    def draw(self, case):
        """[H,W,3] u8 as int"""
        key = hashlib.sha256(json.dumps([case, VERSIONS, self.code], sort_keys=True, default=str).encode()).hexdigest()
        kept = WORK / "peer" / f"{key[:32]}.png"
        if not kept.exists():
            Image.fromarray(self.make(case)).save(kept)
            self.made += 1
        return np.asarray(Image.open(kept)).astype(int)

    def open(self, case):
        if self.name != case["checkpoint"]:
            self.pipe = None
            self.pipe = DiffusionPipeline.from_pretrained(checkpoints.make(case["checkpoint"]), torch_dtype=torch.float32)
            self.name, self.vae, self.config = case["checkpoint"], self.pipe.vae, self.pipe.scheduler.config
        more = {}
        if case["controls"]:
            nets = [ControlNetModel.from_pretrained(control["model"], torch_dtype=torch.float32) for control in case["controls"]]
            more["controlnet"] = nets if len(nets) > 1 else nets[0]
        pipe = class_of(case)(**self.pipe.components, **more)
        pipe.set_progress_bar_config(disable=True)
        pipe.vae = AutoencoderKL.from_pretrained(case["vae"]) if case["vae"] else self.vae
        pipe.scheduler = scheduler(case, self.config)
        return pipe

    def make(self, case):
        pipe = self.open(case)
        for number, (path, weight) in enumerate(case["loras"]):
            pipe.load_lora_weights(as_named_here(path, pipe.text_encoder), adapter_name=f"lora{number}")
        if case["loras"]:
            pipe.set_adapters([f"lora{number}" for number in range(len(case["loras"]))], [weight for _, weight in case["loras"]])
        if case["token_merging"]:
            tomesd.apply_patch(pipe, ratio=case["token_merging"], use_rand=False)
        picture = np.asarray(pipe(**self.arguments(pipe, case)).images[0])
        tomesd.remove_patch(pipe)
        if case["loras"]:
            pipe.unload_lora_weights()
        if case["mask"]:
            keep = np.asarray(Image.open(case["mask"]))[..., None] < 128
            picture = np.where(keep, np.asarray(Image.open(case["init"]).convert("RGB")), picture)
        return picture

    def arguments(self, pipe, case):
        width, height = case["size"]
        asked = dict(prompt=case["prompt"], negative_prompt=case["negative"], num_inference_steps=case["steps"],
                     guidance_scale=case["guidance"], generator=torch.Generator().manual_seed(case["seed"]))
        asked = self.encoded(pipe, case, asked)
        if case["sampler"] == "tcd":
            asked["eta"] = .3  # the scheduler's own; the pipeline's is 0
        if case["guidance_rescale"]:
            asked["guidance_rescale"] = case["guidance_rescale"]
        if case["sigmas"]:
            asked["sigmas"] = case["sigmas"]
            del asked["num_inference_steps"]
        if case["strength"]:
            asked |= dict(image=Image.open(case["init"]), strength=case["strength"])
        if case["mask"]:
            asked |= dict(mask_image=Image.open(case["mask"]))
        if case["controls"]:
            asked |= control_arguments(case)
        if not case["strength"] or case["mask"]:
            asked |= dict(width=width, height=height)
        return asked

    def encoded(self, pipe, case, asked):
        """diffusers knows neither chunks nor weights, and skips layers in the prompt only."""
        if family(case).startswith("sdxl"):
            return asked
        chunks = {which: webui.chunks(asked[which] or "", pipe.tokenizer) for which in ("prompt", "negative_prompt")}
        most = max(map(len, chunks.values()))
        if case["clip_skip"] or most > 1 or any(weight != 1 for lists in chunks.values() for _, weight in lists[0]):
            asked |= {which + "_embeds": encode(pipe.text_encoder, lists + [[]] * (most - len(lists)), case["clip_skip"])[None]
                      for which, lists in chunks.items()}
            asked = {key: value for key, value in asked.items() if key not in chunks}
        return asked
