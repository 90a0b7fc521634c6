#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Goldens of inpainting and ControlNet: what diffusers 0.42.1 draws with the tiny checkpoint of checkpoint.py and companions of it.

    control.py          writes tests/golden/control.safetensors, control_tiny.tsv, control_small_tiny.tsv and control_sdxl_tiny.tsv (the ControlNets' tensors, as sd_tiny.tsv)
    control.py --annotators
                        writes tests/golden/annotators.safetensors: OpenCV's Canny(100, 200), and the WebUI's scribble_xdog by OpenCV's blur, of
                        pictures made from numbers; and a person of points drawn as controlnet_aux does, by OpenCV;
                        control_depth.onnx and control_pose.onnx, made-up networks of the form of Depth Anything and DWPose, and what their
                        programs' preprocessing makes them see (needs onnx, onnxruntime, OpenCV)

A tensor's name is its case, which tests/stages/test_diffuse_control.c parses:

    mask CHANNELS SAMPLER SCHEDULE WxH STEPS GUIDANCE STRENGTH                    …/latents
    control N START END SAMPLER SCHEDULE WxH STEPS GUIDANCE STRENGTH              …/latents; N ControlNets of weights 0.8, -0.5
    guess N …, prompt N …                                                         the same in guess mode; and with its weights, but in all rows
    small N …                                                     the same with a ControlNet without transformers
    ranges 2 START END …                                                          the second one from 0 to START
    masked CHANNELS START END …                                                   mask and one ControlNet
    xl N START END …                                                              the same with SDXL and a ControlNet of SDXL

Weights, conditioning, pictures and masks are functions of names and coordinates. The UNet of 9 channels differs by its conv_in only.
"""
import os
import sys
import zlib

import numpy as np
import torch
from diffusers import (ControlNetModel, StableDiffusionControlNetImg2ImgPipeline, StableDiffusionControlNetInpaintPipeline,
                       StableDiffusionControlNetPipeline, StableDiffusionInpaintPipeline, StableDiffusionXLControlNetPipeline, UNet2DConditionModel)
from PIL import Image
from safetensors.torch import save_file

import checkpoint
from diffuse import SEED, context, init_picture, scheduler

GOLDEN = checkpoint.ROOT / "tests/golden"
HINT = (8, 8, 16, 16)
WEIGHTS = (0.8, -0.5)


def fill(net):
    net.eval().requires_grad_(False)
    for name, parameter in net.named_parameters():
        parameter.copy_(torch.from_numpy(checkpoint.values(name, tuple(parameter.shape))))
    return net


def control_net(more={}, small=False):
    c = checkpoint.UNET | more
    if small:
        c |= dict(down_block_types=("DownBlock2D",) * len(c["block_out_channels"]))
    extra = {key: c[key] for key in ("use_linear_projection", "transformer_layers_per_block", "addition_embed_type", "addition_time_embed_dim",
                                     "projection_class_embeddings_input_dim") if key in c}
    return fill(ControlNetModel(
        in_channels=4, block_out_channels=c["block_out_channels"], layers_per_block=c["layers_per_block"],
        norm_num_groups=c["norm_num_groups"], cross_attention_dim=c["cross_attention_dim"], attention_head_dim=c["attention_head_dim"],
        down_block_types=c["down_block_types"], mid_block_type="UNetMidBlock2D" if small else "UNetMidBlock2DCrossAttn", conditioning_embedding_out_channels=HINT, **extra))


def ldm_name(name):
    head, _, tail = name.rpartition(".")
    part = head.split(".")
    if head.startswith("controlnet_cond_embedding"):
        n = {"conv_in": 0, "conv_out": 14}.get(part[1])
        return f"control_model.input_hint_block.{2 * int(part[2]) + 2 if n is None else n}.{tail}"
    if head.startswith("controlnet_down_blocks"):
        return f"control_model.zero_convs.{part[1]}.0.{tail}"
    return f"control_model.middle_block_out.0.{tail}" if head == "controlnet_mid_block" else None


def write_tsv(net, name="control"):
    own = net.state_dict()
    make = checkpoint.make_checkpoint()
    copied = {k: v for k, v in own.items() if not k.startswith("controlnet")}
    ldm = dict(zip(copied, make.unet_to_ldm(copied, len(net.config.block_out_channels), 2)))
    lines = []
    for key, tensor in sorted(own.items()):
        other = ldm_name(key) or ldm[key].replace("model.diffusion_model.", "control_model.")
        shape = ",".join(map(str, tensor.shape))
        lines.append("\t".join(["unet", key, other, shape, shape, f"{zlib.crc32(tensor.numpy().astype('<f4').tobytes()):08x}"]))
    (GOLDEN / f"{name}_tiny.tsv").write_text("\n".join(lines) + "\n")


def mask_picture(width, height):
    y, x = np.mgrid[0:height, 0:width]
    return ((x // 12 + y // 20) % 3 != 0).astype(np.uint8) * 255


def hint_picture(width, height, k):
    return ((init_picture(width, height).astype(int) + 91 * k) % 256).astype(np.uint8)


def run(pipe, name, **asked):
    pipe.set_progress_bar_config(disable=True)
    latents = pipe(prompt_embeds=context("golden.positive", 77), negative_prompt_embeds=context("golden.negative", 77),
                   generator=torch.Generator().manual_seed(SEED), output_type="latent", **asked).images
    print(name, "largest latent", latents.abs().max().item())
    return {name + "/latents": latents[0].contiguous()}


def parts(unet, vae, sampler, schedule):
    return dict(vae=vae, text_encoder=None, tokenizer=None, unet=unet, scheduler=scheduler(sampler, schedule, "own"),
                safety_checker=None, feature_extractor=None, requires_safety_checker=False)


def inpaint(unet, vae, sampler, schedule, size=(64, 64), steps=5, guidance=7.5, strength=0.8):
    width, height = size
    pipe = StableDiffusionInpaintPipeline(**parts(unet, vae, sampler, schedule))
    name = f"mask {unet.config.in_channels} {sampler} {schedule} {width}x{height} {steps} {guidance:g} {strength:g}"
    return run(pipe, name, image=Image.fromarray(init_picture(width, height)), mask_image=Image.fromarray(mask_picture(width, height)),
               width=width, height=height, num_inference_steps=steps, guidance_scale=guidance, strength=strength)


class Soft(ControlNetModel):
    """With the weights of guess mode in every row."""
    def forward(self, *inputs, guess_mode=False, **more):
        return super().forward(*inputs, guess_mode=True, **more)


def controlled(nets, control, n, sampler, schedule, start=0., end=1., size=(64, 64), steps=5, guidance=7.5, strength=0., kind="control"):
    width, height = size
    hints = [Image.fromarray(hint_picture(width, height, k)) for k in range(n)]
    if kind == "prompt":
        control.__class__ = Soft
    pipe = (StableDiffusionControlNetImg2ImgPipeline if strength else StableDiffusionControlNetPipeline)(**parts(nets[1], nets[2], sampler, schedule), controlnet=[control] * n if n > 1 else control)
    one = lambda values: list(values[:n]) if n > 1 else values[0]
    starts, ends = ([start, 0.], [end, start]) if kind == "ranges" else ([start] * n, [end] * n)
    asked = dict(controlnet_conditioning_scale=one(WEIGHTS), control_guidance_start=one(starts), control_guidance_end=one(ends),
                 guess_mode=kind == "guess", num_inference_steps=steps, guidance_scale=guidance, width=width, height=height)
    asked |= dict(image=Image.fromarray(init_picture(width, height)), control_image=one(hints), strength=strength) if strength else \
        dict(image=one(hints))
    name = f"{kind} {n} {start:g} {end:g} {sampler} {schedule} {width}x{height} {steps} {guidance:g} {strength:g}"
    out = run(pipe, name, **asked)
    control.__class__ = ControlNetModel
    return out


def masked(unet, vae, control, sampler, start=0., end=1., size=(64, 64), steps=5, guidance=7.5, strength=0.8):
    width, height = size
    pipe = StableDiffusionControlNetInpaintPipeline(**parts(unet, vae, sampler, "normal"), controlnet=control)
    name = f"masked {unet.config.in_channels} {start:g} {end:g} {sampler} normal {width}x{height} {steps} {guidance:g} {strength:g}"
    return run(pipe, name, image=Image.fromarray(init_picture(width, height)), mask_image=Image.fromarray(mask_picture(width, height)),
               control_image=Image.fromarray(hint_picture(width, height, 0)), controlnet_conditioning_scale=WEIGHTS[0],
               control_guidance_start=start, control_guidance_end=end, width=width, height=height, num_inference_steps=steps,
               guidance_scale=guidance, strength=strength)


def controlled_xl(nets, control, sampler, schedule, start=0., end=1., size=(64, 64), steps=5, guidance=7.5):
    width, height = size
    pipe = StableDiffusionXLControlNetPipeline(
        vae=nets["vae"], text_encoder=nets["text_encoder"], text_encoder_2=nets["text_encoder_2"], tokenizer=None, tokenizer_2=None,
        unet=nets["unet"], controlnet=control, scheduler=scheduler(sampler, schedule, "own"), add_watermarker=False)
    pooled = {which + "_embeds": 2 * torch.from_numpy(checkpoint.values(name, (1, 24)))
              for which, name in (("pooled_prompt", "golden.pooled"), ("negative_pooled_prompt", "golden.pooled_negative"))}
    name = f"xl 1 {start:g} {end:g} {sampler} {schedule} {width}x{height} {steps} {guidance:g} 0"
    return run(pipe, name, image=Image.fromarray(hint_picture(width, height, 0)), controlnet_conditioning_scale=WEIGHTS[0],
               control_guidance_start=start, control_guidance_end=end, num_inference_steps=steps, guidance_scale=guidance,
               width=width, height=height, **pooled)


def pictures():
    """Gradients, discs and noise, where hysteresis and thinning have work, and a drawing: [96,128,3] u8 each."""
    y, x = np.mgrid[0:96, 0:128].astype(np.float64)
    discs = 128 + 100 * np.sin(x / 9) * np.cos(y / 7) + 40 * ((x - 60) ** 2 + (y - 50) ** 2 < 900)
    noise = (checkpoint.values("golden.noise.weight", (96, 128)).astype(np.float64) * 8 + 1) * 90
    out = {"discs": np.stack([discs, discs * .8 + 20, 255 - discs], 2), "noise": np.stack([noise, noise + x, noise - y], 2)}
    ink = (abs((x - 40) ** 2 + (y - 48) ** 2 - 900) < 130) | (abs(x - y - 30) < 2)
    out["lines"] = np.stack([np.where(ink, 20 + x, 240 - y / 3), np.where(ink, 30, 230), np.where(ink, 90, 250)], 2)
    return {k: np.clip(v, 0, 255).astype(np.uint8) for k, v in out.items()}


def xdog(picture):
    """In wide integers: the WebUI's 8 bits turn differences of 128 and more dark again."""
    import cv2
    fine, coarse = (cv2.GaussianBlur(picture.astype(np.float32), (0, 0), sigma) for sigma in (.5, 5.))
    dog = (255 - np.min(coarse - fine, axis=2)).clip(0, 255).astype(np.uint8)
    return (2 * (255 - dog.astype(int)) > 32).astype(np.uint8) * 255


LIMBS = [(2, 3), (2, 6), (3, 4), (4, 5), (6, 7), (7, 8), (2, 9), (9, 10), (10, 11), (2, 12), (12, 13), (13, 14), (2, 1), (1, 15), (15, 17), (1, 16), (16, 18)]
COLOURS = [(255, 0, 0), (255, 85, 0), (255, 170, 0), (255, 255, 0), (170, 255, 0), (85, 255, 0), (0, 255, 0), (0, 255, 85), (0, 255, 170),
           (0, 255, 255), (0, 170, 255), (0, 85, 255), (0, 0, 255), (85, 0, 255), (170, 0, 255), (255, 0, 255), (255, 0, 170), (255, 0, 85)]


def skeleton(body, face, width, height):
    """As controlnet_aux draws one person with OpenCV; points NaN where they are not seen."""
    import cv2
    canvas = np.zeros((height, width, 3), np.uint8)
    for (a, b), colour in zip(LIMBS, COLOURS):
        (x0, y0), (x1, y1) = body[a - 1], body[b - 1]
        if np.isnan([x0, x1]).any():
            continue
        length, angle = np.hypot(x0 - x1, y0 - y1), np.degrees(np.arctan2(y0 - y1, x0 - x1))
        polygon = cv2.ellipse2Poly((int((x0 + x1) / 2), int((y0 + y1) / 2)), (int(length / 2), 4), int(angle), 0, 360, 1)
        cv2.fillConvexPoly(canvas, polygon, [int(c * .6) for c in colour])
    for points, radius, colours in ((body, 4, COLOURS), (face, 3, [(255,) * 3] * 70)):
        for (x, y), colour in zip(points, colours):
            if not np.isnan(x):
                cv2.circle(canvas, (int(x), int(y)), radius, colour, thickness=-1)
    return canvas


def network(name, inputs, outputs, nodes, constants):
    """Written to tests/golden/NAME.onnx, and ready to run."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper
    info = lambda ports: [helper.make_tensor_value_info(n, TensorProto.FLOAT, shape) for n, shape in ports.items()]
    graph = helper.make_graph([helper.make_node(op, i, o, **more) for op, i, o, more in nodes], name, info(inputs), info(outputs),
                              [numpy_helper.from_array(v, k) for k, v in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, GOLDEN / f"{name}.onnx")
    return onnxruntime.InferenceSession(GOLDEN / f"{name}.onnx", providers=["CPUExecutionProvider"])


def depth(picture):
    """Depth Anything's: the side that needs the smaller change becomes 518, both multiples of 14, bicubic; ImageNet's mean and deviation;
    stretched to 0 … 255."""
    import cv2
    net = network("control_depth", {"pixel_values": [1, 3, "height", "width"]}, {"predicted_depth": [1, "h", "w"]},
                  [("Conv", ["pixel_values", "w"], ["y"], {}), ("Squeeze", ["y", "one"], ["predicted_depth"], {})],
                  {"w": np.float32([.2, .5, -.3]).reshape(1, 3, 1, 1), "one": np.int64([1])})
    height, width = picture.shape[:2]
    scale = min(518 / width, 518 / height, key=lambda s: abs(1 - s))
    size = [int(np.round(scale * side / 14)) * 14 for side in (width, height)]
    x = cv2.resize(picture / 255, size, interpolation=cv2.INTER_CUBIC)
    x = ((x - (.485, .456, .406)) / (.229, .224, .225)).transpose(2, 0, 1)[None].astype(np.float32)
    y = cv2.resize(net.run(None, {"pixel_values": x})[0][0], (width, height), interpolation=cv2.INTER_LINEAR)
    return np.round((y - y.min()) / (y.max() - y.min()) * 255).astype(np.uint8)


def blobs():
    """[120,100,3] u8: a colour each in three places"""
    y, x = np.mgrid[0:120, 0:100].astype(np.float64)
    return np.stack([250 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / 300) for u, v in ((31, 22), (72, 88), (55, 47))], 2).astype(np.uint8)


def pose(picture, points=133):
    """rtmlib's RTMPose with the whole picture as its box, RGB: [points,3] x, y, score."""
    import cv2
    h, w = 64, 48
    net = network("control_pose", {"input": [1, 3, h, w]}, {"simcc_x": [1, points, 2 * w], "simcc_y": [1, points, 2 * h]},
                  [("Conv", ["input", "w", "b"], ["y"], {})] + [node for axis, side, over in (("x", w, 2), ("y", h, 3)) for node in (
                      ("ReduceMax", ["y"], ["m" + axis], dict(axes=[over], keepdims=0)), ("Unsqueeze", ["m" + axis, "last"], ["u" + axis], {}),
                      ("Tile", ["u" + axis, "twice"], ["t" + axis], {}), ("Reshape", ["t" + axis, "shape" + axis], ["simcc_" + axis], {}))],
                  {"w": abs(checkpoint.values("golden.pose.w", (points, 3, 1, 1))) / 4, "b": checkpoint.values("golden.pose.b", (points,)) * 8,
                   "last": np.int64([3]), "twice": np.int64([1, 1, 1, 2]), "shapex": np.int64([1, points, 2 * w]), "shapey": np.int64([1, points, 2 * h])})
    height, width = picture.shape[:2]
    centre, scale = np.array([width, height]) / 2, np.array([width, height]) * 1.25
    scale = np.array([scale[0], scale[0] * h / w]) if scale[0] > scale[1] * w / h else np.array([scale[1] * w / h, scale[1]])
    k = w / scale[0]
    warp = np.float64([[k, 0, w / 2 - k * centre[0]], [0, k, h / 2 - k * centre[1]]])
    x = cv2.warpAffine(picture, warp, (w, h), flags=cv2.INTER_LINEAR)
    x = ((x - (123.675, 116.28, 103.53)) / (58.395, 57.12, 57.375)).transpose(2, 0, 1)[None].astype(np.float32)
    along = [a[0] for a in net.run(None, {"input": x})]
    at = np.stack([a.argmax(1) for a in along], 1) / 2
    return np.concatenate([at / (w, h) * scale + centre - scale / 2, np.minimum(*(a.max(1) for a in along))[:, None]], 1)


def annotators():
    import cv2
    out = {}
    for name, picture in pictures().items():
        out[name + "/picture"] = torch.from_numpy(picture)
        out[name + "/canny"] = torch.from_numpy(cv2.Canny(picture, 100, 200))
        out[name + "/scribble"] = torch.from_numpy(xdog(picture))
        for kind in ("canny", "scribble"):
            print(name, kind, "white", (out[f"{name}/{kind}"] > 0).float().mean().item())
    out["discs/depth"] = torch.from_numpy(depth(pictures()["discs"]))
    seen = pose(blobs())
    out["blobs/picture"], out["blobs/pose"] = torch.from_numpy(blobs()), torch.from_numpy(seen.astype(np.float32))
    print("pose: seen", (seen[:, 2] > .3).sum(), "of", len(seen), "in", len(np.unique(seen[:, :2], axis=0)), "places")
    points = (checkpoint.values("golden.pose", (88, 2)).astype(np.float64) / np.sqrt(1.5) + 1) / 2 * (180, 150) + (5, 5)
    points[[4, 17, 30]] = np.nan
    out["pose/points"] = torch.from_numpy(points.astype(np.float32))
    out["pose/drawn"] = torch.from_numpy(skeleton(points[:18].astype(np.float32), points[18:].astype(np.float32), 192, 160))
    save_file(out, GOLDEN / "annotators.safetensors")


def main():
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    if "--annotators" in sys.argv:
        return annotators()
    nets, control, out = checkpoint.models(), control_net(), {}
    write_tsv(control)
    _, plain, vae = nets
    nine = fill(UNet2DConditionModel(**checkpoint.UNET | dict(in_channels=9)))
    for unet in (plain, nine):
        out |= inpaint(unet, vae, "ddim", "normal")
        out |= inpaint(unet, vae, "euler", "karras", size=(64, 96))
        out |= inpaint(unet, vae, "euler-a", "normal", strength=1)
        out |= inpaint(unet, vae, "dpmpp-2m", "karras", strength=0.6)
        out |= inpaint(unet, vae, "dpmpp-2m", "normal", guidance=1, strength=1)
    out |= controlled(nets, control, 1, "ddim", "normal")
    out |= controlled(nets, control, 1, "euler", "karras", size=(72, 88), steps=3)
    out |= controlled(nets, control, 2, "dpmpp-2m", "normal")
    out |= controlled(nets, control, 1, "euler-a", "normal", start=.2, end=.7)
    out |= controlled(nets, control, 2, "ddim", "normal", start=.4, end=1, guidance=1)
    out |= controlled(nets, control, 1, "euler", "normal", steps=8, strength=.6, end=.5)
    out |= controlled(nets, control, 1, "ddim", "normal", kind="guess")
    out |= controlled(nets, control, 2, "euler-a", "normal", end=.6, kind="guess", size=(72, 88), steps=3)
    out |= controlled(nets, control, 1, "dpmpp-2m", "normal", kind="guess", guidance=1)
    out |= controlled(nets, control, 1, "ddim", "normal", kind="prompt")
    out |= controlled(nets, control, 2, "euler", "normal", start=.4, end=.8, kind="ranges")
    out |= masked(plain, vae, control, "ddim")
    out |= masked(nine, vae, control, "euler", end=.6)
    out |= masked(plain, vae, control, "dpmpp-2m", size=(72, 88), strength=1)
    control = control_net(small=True)
    write_tsv(control, "control_small")
    out |= controlled(nets, control, 1, "ddim", "normal", kind="small")
    out |= controlled(nets, control, 2, "dpmpp-2m", "karras", kind="small", size=(72, 88), steps=3)
    nets, control = checkpoint.family_models("sdxl"), control_net(checkpoint.XL)
    write_tsv(control, "control_sdxl")
    out |= controlled_xl(nets, control, "euler", "normal")
    out |= controlled_xl(nets, control, "ddim", "normal", size=(72, 88), steps=3, end=.7)
    out |= controlled_xl(nets, control, "dpmpp-2m", "karras", guidance=1)
    save_file(out, GOLDEN / "control.safetensors")
    print(len(out), "tensors,", os.path.getsize(GOLDEN / "control.safetensors"), "bytes")


if __name__ == "__main__":
    main()
