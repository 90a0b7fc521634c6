# SPDX-License-Identifier: Apache-2.0
"""What is compared: groups of cases, each a row of docs/parity.md. A case says what differs from CASE."""
from pathlib import Path

from diffusers.schedulers import AysSchedules

import checkpoints
from peer import CLASSES, FLAGS

PROMPT = "portrait photo of an old fisherman, weathered skin, soft light"
LONG = ", ".join([PROMPT] * 9)  # two chunks
CASE = dict(checkpoint="sd15-f32", layout="folder", prompt=PROMPT, negative="blurry, plastic skin", sampler="ddim", schedule="normal",
            size=(64, 64), steps=8, guidance=7.5, seed=42, clip_skip=0, strength=0, init=None, mask=None, vae=None, guidance_rescale=0,
            token_merging=0, sigmas=None, controls=[], loras=[], in_prompt=False)
PAIRS = [("ddim", "normal"), ("euler", "normal"), ("euler", "karras"), ("euler-a", "normal"), ("dpmpp-2m", "normal"),
         ("dpmpp-2m", "karras")]
NO_SCHEDULE = ("ddim", "ddpm", "pndm", "euler-a", "lcm", "tcd")  # diffusers has no other for them
KEEPS_ZERO = ("ddim", "ddpm", "euler", "euler-a", "dpmpp-2m", "unipc", "lcm", "tcd")  # rescale_betas_zero_snr of diffusers
FAMILIES = {"sd15": "SD 1.5", "sd21": "SD 2.1, v", "sdxl": "SDXL"}


class Group:
    """what: what varies; effect: the peer's pictures must differ from the ones without this key; most: by how much a byte may differ."""

    def __init__(self, name, what, cases, effect=None, most=1):
        self.name, self.what, self.effect, self.most = name, what, effect, most
        self.cases = [CASE | case for case in cases]


def pairs(pairs=PAIRS, **more):
    return [dict(sampler=a, schedule=b, **more) for a, b in pairs]


def schedules_of(sampler):
    return ["normal"] if sampler in NO_SCHEDULE else ["normal", *FLAGS]


def from_picture(strength, size=(64, 64), **more):
    return dict(init=str(checkpoints.picture("init", size)), strength=strength, size=size, **more)


def masked(strength, size=(96, 64), **more):
    return from_picture(strength, size, mask=str(checkpoints.picture("mask", size)), **more)


def control(family, number=0, type="none", weight=1., start=0., end=1., size=(64, 64)):
    return dict(type=type, picture=str(checkpoints.picture("edges" if type == "canny" else f"hint{number}", size)),
                model=str(checkpoints.control(family, number)), weight=weight, start=start, end=end)


def lora(family, *kinds_and_weights, **more):
    return dict(checkpoint=f"{family}-f32", loras=[(str(checkpoints.lora(family, kind)), weight) for kind, weight in kinds_and_weights], **more)


def family_groups():
    groups = []
    for family, title in FAMILIES.items():
        for dtype in ("f32", "f16", "bf16"):
            few = PAIRS if family == "sd15" or dtype == "f32" else PAIRS[1::4]
            for layout in ("folder", "file"):
                groups.append(Group(f"{title}, {dtype} {layout}", ", ".join(dict.fromkeys(a for a, _ in few)),
                                    pairs(few, checkpoint=f"{family}-{dtype}", layout=layout)))
        groups.append(Group(f"{title}, fp8 file", "e4m3 and e5m2; the reference has the same numbers in f32",
                            [dict(checkpoint=f"{family}-{dtype}", layout="file", sampler="euler") for dtype in checkpoints.FP8]))
        groups.append(Group(f"{title}, .ckpt", "`torch.save` of f32 and f16 under `state_dict`",
                            [dict(checkpoint=f"{family}-{dtype}", layout="ckpt", sampler="euler") for dtype in ("f32", "f16")]))
    return groups


def sampler_groups():
    groups = [Group(f"{sampler}, ε", ", ".join(schedules_of(sampler)), pairs([(sampler, b) for b in schedules_of(sampler)]))
              for sampler in CLASSES]
    groups += [Group("all samplers but pndm, v", "normal and karras", [case for sampler in CLASSES if sampler != "pndm" for case in pairs(
        [(sampler, b) for b in schedules_of(sampler)[:2]], checkpoint="sd15-f32@v")]),
        Group("zero terminal SNR, v", ", ".join(KEEPS_ZERO), pairs([(sampler, "normal") for sampler in KEEPS_ZERO], checkpoint="sd15-f32@vz")),
        Group("SD 2.1, ε; SDXL, v", "euler, dpmpp-2m karras",
              [case for name in ("sd21-f32@epsilon", "sdxl-f32@v") for case in pairs(PAIRS[1::4], checkpoint=name)]),
        Group("align-your-steps", "10 steps, euler, the last one to 0 as in ComfyUI; SD 1.5, SDXL's own",
              [dict(sampler="euler", schedule="align-your-steps", steps=10, checkpoint=f"{family}-f32", sigmas=AysSchedules[which][:-1] + [0.])
               for family, which in (("sd15", "StableDiffusionSigmas"), ("sdxl", "StableDiffusionXLSigmas"))], most=2),
        Group("given sigmas", "`--sigmas`, euler", [dict(sampler="euler", sigmas=[14.6, 6.3, 3.8, 2.2, 1.3, .8, .4, 0.])]),
        Group("timestep_spacing", "leading, trailing, linspace in scheduler_config.json",
              [case for spacing in ("leading", "trailing", "linspace") for case in pairs(
                  [PAIRS[0], PAIRS[1], PAIRS[4]], checkpoint=f"sd15-f32@{spacing}")]),
        Group("steps", "1, 2, 30, 50, 100", [dict(steps=n, sampler=a, schedule=b) for n, (a, b) in (
            (1, PAIRS[1]), (1, PAIRS[4]), (2, PAIRS[5]), (30, PAIRS[2]), (50, PAIRS[3]), (100, PAIRS[4]))]),
        Group("guidance", "0, 1 (no negative prompt), 1.5, 15", [dict(guidance=g, sampler=a) for g, a in (
            (0, "ddim"), (1, "euler"), (1.5, "dpmpp-2m"), (15, "euler"))]),
        Group("guidance rescale", "0.7, 1", [dict(guidance_rescale=x) for x in (.7, 1)]),
        Group("token merging", "0.75, 72×88, SD 1.5; 0.5, SD 2.1; tomesd with use_rand=False in the reference",
              [dict(token_merging=r, checkpoint=f"{family}-f32", size=size, sampler="euler") for r, family, size in (
                  (.75, "sd15", (72, 88)), (.5, "sd21", (64, 64)))], "token_merging"),
        Group("seeds", "0, 1, 2³²−1, 2³²+5, 2⁵³−1", [dict(seed=s, sampler="euler-a") for s in (0, 1, 2**32 - 1, 2**32 + 5, 2**53 - 1)]),
        Group("sizes", "64×96, 72×88, 136×200 (latents that do not halve evenly), 512×512, 512×768, 768×768", [
            dict(size=size, steps=steps, sampler=a, schedule=b) for size, steps, (a, b) in (
                ((64, 96), 8, PAIRS[0]), ((72, 88), 8, PAIRS[1]), ((136, 200), 4, PAIRS[5]), ((512, 512), 2, PAIRS[4]),
                ((512, 768), 2, PAIRS[2]), ((768, 768), 2, PAIRS[0]))]),
        Group("sizes, SD 2.1 and SDXL", "72×104, 104×72, 256×192", [
            dict(checkpoint=f"{family}-f32", sampler=a, size=size, steps=4) for family in ("sd21", "sdxl")
            for a, size in (("ddim", (72, 104)), ("euler", (104, 72)), ("dpmpp-2m", (256, 192)))])]
    return groups


def text_groups():
    return [
        Group("prompts", "one letter, empty negative prompt; accents, quotes, ellipsis, ligature; Chinese and an emoji", [
            dict(prompt=p, negative=n) for p, n in (
                ("a", ""), ("naïve café über Zürich, it's 100% \"ok\"  …", "ﬁne ½ lines"), ("一位老渔夫 📷", ""))]),
        Group("no negative prompt", "SD 2.1, SDXL (whose conditioning then is zeros)",
              [dict(checkpoint=f"{family}-f32", sampler="euler", negative=None) for family in ("sd21", "sdxl")]),
        Group("clip skip", "1, 2, 3, in both prompts, as the WebUI does; diffusers' pipeline leaves the negative prompt whole, so it is given both encoded",
              [dict(clip_skip=k, sampler="euler") for k in (1, 2, 3)]),
        Group("long and weighted prompts", "two chunks in the prompt, in the negative one, with clip skip; emphasis and `BREAK`: chunks and weights of "
              "`tools/golden/prompt.py`, which diffusers has not", [
                  dict(prompt=p, negative=n, clip_skip=k, sampler="euler") for p, n, k in (
                      (LONG, "", 0), ("a boat", LONG, 0), (LONG, "(blurry:1.4)", 2),
                      ("portrait of an (old (fisherman:1.3)), [weathered] skin BREAK soft light", "blurry, (plastic:1.2) skin", 0))])]


def file_groups():
    return [
        Group("--vae", "another VAE folder over a folder and over a single file", [
            dict(vae=str(checkpoints.vae())), from_picture(.5, vae=str(checkpoints.vae()), layout="file")]),
        Group("LoRA, kohya", "attention of UNet and text encoder, alpha; weights 1, −0.5", [lora("sd15", ("kohya", w)) for w in (1, -.5)], "loras"),
        Group("LoRA, kohya with convolutions", "LoCon; over folder and single file", [lora("sd15", ("locon", .7)), lora("sd15", ("locon", .7), layout="file")], "loras"),
        Group("LoRA, PEFT", "diffusers' form of today, over SD 1.5 and 2.1", [lora("sd15", ("peft", .8)), lora("sd21", ("peft", .8))], "loras"),
        Group("LoRA, old diffusers", "`attn1.processor.to_q_lora`", [lora("sd15", ("old", .9))], "loras"),
        Group("LoRA, two at once", "kohya 0.6 and PEFT 0.4; by options and as `<lora:…>` in the prompt",
              [lora("sd15", ("kohya", .6), ("peft", .4), sampler=a, in_prompt=p) for a, p in (("euler", False), ("dpmpp-2m", True))], "loras"),
        Group("LoRA, SDXL", "kohya, of the UNet", [lora("sdxl", ("unet", 1), sampler="euler")], "loras")]


def picture_groups():
    sd15 = [from_picture(s, sampler=a, schedule=b) for (a, b), s in zip(PAIRS * 2, (.8, .5, .6, .35, .6, 1, .3, .75, .2, .9, .15, .4))]
    others = [from_picture(s, checkpoint=f"{family}-f32", sampler=a, schedule=b) for family in ("sd21", "sdxl")
              for (a, b), s in ((PAIRS[0], .6), (PAIRS[1], .8), (PAIRS[5], .5))]
    mask = [(.8, PAIRS[0]), (1, PAIRS[1]), (.6, PAIRS[5])]
    masks = lambda family: [masked(s, checkpoint=f"{family}-f32", sampler=a, schedule=b) for s, (a, b) in mask]
    return [
        Group("from a picture", "six samplers and schedules twice, strength 0.15 … 1", sd15, "strength"),
        Group("from a picture, further samplers", "the other twelve, strength 0.6", [from_picture(.6, sampler=a) for a in list(CLASSES)[4:]], "strength"),
        Group("from a picture, SD 2.1 and SDXL", "strength 0.5 … 0.8", others, "strength"),
        Group("mask, UNet of 4 channels", "96×64, ddim, euler, dpmpp-2m karras; SD 1.5, SDXL", masks("sd15") + masks("sdxl")[:2], "mask"),
        Group("mask, UNet of 9 channels", "the same with inpainting checkpoints", masks("sd15inpaint") + masks("sdxlinpaint")[:2], "mask"),
        Group("ControlNet", "SD 1.5: ddim, euler karras, dpmpp-2m; weight 0.6; steps 0.2 … 0.7; edges found by `canny` (OpenCV's in the reference)",
              pairs([PAIRS[0], PAIRS[2], PAIRS[4]], controls=[control("sd15")])
              + [dict(controls=[control("sd15", weight=.6, start=.2, end=.7)], sampler="euler"),
                 dict(controls=[control("sd15", type="canny", size=(96, 128))], size=(96, 128), sampler="euler")], "controls"),
        Group("ControlNet, two", "weights 0.8 and −0.5", [dict(controls=[control("sd15", 0, weight=.8), control("sd15", 1, weight=-.5)], sampler=a) for a in ("ddim", "euler")], "controls"),
        Group("ControlNet from a picture", "strength 0.6", [from_picture(.6, controls=[control("sd15")], sampler="euler")], "controls"),
        Group("ControlNet, SD 2.1 and SDXL", "euler", [dict(checkpoint=f"{family}-f32", controls=[control(family)], sampler="euler") for family in ("sd21", "sdxl")], "controls")]


def full_groups():
    return [Group("SD 1.5, f16 file", "256×256, 4 steps, DPM++ 2M Karras", [dict(
        checkpoint="full-f16", layout="file", size=(256, 256), steps=4, sampler="dpmpp-2m", schedule="karras")]),
        Group("SD 1.5, f16 folder", "512×512, 2 steps, Euler", [dict(checkpoint="full-f16", size=(512, 512), steps=2, sampler="euler")])]


def groups(section):
    if section == "full":
        return full_groups()
    return family_groups() + sampler_groups() + text_groups() + file_groups() + picture_groups()


def request(case):
    """The case as likeness is asked for it."""
    asked = {"likeness": 1, "task": "draw", "model": str(checkpoints.path_of(case["checkpoint"], case["layout"])),
             "prompt": case["prompt"], "size": "%dx%d" % case["size"], "seed": case["seed"], "guidance": case["guidance"],
             "sampler": case["sampler"], "clip_skip": case["clip_skip"], "guidance_rescale": case["guidance_rescale"]}
    if case["sigmas"] and case["schedule"] == "normal":
        asked["sigmas"] = ",".join(map(str, case["sigmas"]))
    else:
        asked |= {"steps": case["steps"], "schedule": case["schedule"]}
    asked |= {key: case[key] for key in ("negative", "init", "mask", "vae", "controls") if case[key]}
    if case["token_merging"]:
        asked["token_merging"] = case["token_merging"]
    if case["strength"]:
        asked["strength"] = case["strength"]
    if case["mask"]:
        asked["mask_blur"] = 0
    if case["loras"] and case["in_prompt"]:
        asked["prompt"] += "".join(f" <lora:{Path(path).stem}:{weight}>" for path, weight in case["loras"])
    elif case["loras"]:
        asked["lora"] = [f"{path}:{weight}" for path, weight in case["loras"]]
    return asked
