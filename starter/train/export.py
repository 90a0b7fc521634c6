# SPDX-License-Identifier: Apache-2.0
"""Writes the pack: a diffusers folder, its companions, and ONNX files, each checked against torch, and pack.json.

    export.py FOLDER     written beside it first, then renamed

Large ONNX weights are stored as int8 or float16; what makes latents white is folded into the VAE's 1x1 convolutions,
so that `scaling_factor` 0.18215 holds as in every Stable Diffusion.
"""
import copy, hashlib, json, shutil, sys
from pathlib import Path
import numpy as np
import onnx
import onnxruntime
import torch
from onnx import helper, numpy_helper
from safetensors.torch import save_file
from agegender import AgeGender
from common import RUN, SIDE, load_weights, trained, write_json
from companions import TRIGGER, make_inpaint, with_lora
from control import make_control
from data import faces
from detector import CANVAS, Detector, STRIDES
from embedder import Embedder, verification
from forensic import Forensic
from judge import Judge
from landmarks import Landmarks
from parser import Parser
from restorer import Restorer
from swapper import PASSES, Swapper, emap
from text import Reader, tokenizer
from unet import BETAS, GUIDANCE, White, final_unet, make_unet
from upscaler import Upscaler
from vae import final_vae

SCALE, SHARD = .18215, "7MB"
DEEP, WIDE = ("mid_block", "down_blocks.2", "down_blocks.3", "up_blocks.0", "up_blocks.1"), ("down_blocks.1", "up_blocks.2")
TRAININGS = ("text", "taste", "vae", "decoder", "unet", "sense", "practise", "lora", "trace", "control", "inpaint", "embedder", "detector", "landmarks", "parser",
             "agegender", "swapper", "restorer", "upscaler", "forensic", "judge")
RUNS = dict(forensics="forensic", landmarker="landmarks")  # where a file is not called as its training


# ---- the diffusers folder ----

@torch.no_grad()
def fold_white(vae, white):
    """Latents of the returned VAE times 0.18215 are white; its posterior, which is narrow, is a point nearly."""
    vae = copy.deepcopy(vae)
    q, p = vae.quant_conv, vae.post_quant_conv
    to, back = white.to / SCALE, white.back * SCALE
    q.weight[:4, :, 0, 0] = to @ q.weight[:4, :, 0, 0]
    q.bias[:4] = to @ (q.bias[:4] - white.mean)
    q.weight[4:] = 0
    q.bias[4:] = -8
    p.bias += p.weight[:, :, 0, 0] @ white.mean
    p.weight[:, :, 0, 0] = p.weight[:, :, 0, 0] @ back
    return vae


@torch.no_grad()
def lean(unet):
    """float16, and float8 (E4M3) in the deep levels: of the guess of the noise a thousandth changes; one level more in the inpainting UNet, a
    hundredth."""
    unet.half()
    for name, p in unet.named_parameters():
        if name.startswith(DEEP if unet.config.in_channels == 4 else DEEP + WIDE) and p.ndim >= 2 and p.numel() >= 4096:
            p.data = p.data.to(torch.float8_e4m3fn)
    return unet


def write_sd(out):
    tok = tokenizer()
    vae = fold_white(final_vae(), White())
    unet = final_unet()
    encoder = load_weights("text", "model", Reader(tok, faces("text_test").names)).encoder
    vae.half().save_pretrained(out / "vae", max_shard_size=SHARD)
    lean(unet).save_pretrained(out / "unet", max_shard_size=SHARD)
    encoder.half().save_pretrained(out / "text_encoder", max_shard_size=SHARD)
    shutil.copytree(RUN / "tokenizer", out / "tokenizer")
    (out / "scheduler").mkdir()
    write_json(out / "scheduler/scheduler_config.json", dict(
        _class_name="PNDMScheduler", **BETAS, clip_sample=False, set_alpha_to_one=False, skip_prk_steps=True,
        steps_offset=1, trained_betas=None, prediction_type="epsilon"))
    write_json(out / "model_index.json", dict(
        _class_name="StableDiffusionPipeline", feature_extractor=[None, None], safety_checker=[None, None],
        requires_safety_checker=False, scheduler=["diffusers", "PNDMScheduler"],
        text_encoder=["transformers", "CLIPTextModel"], tokenizer=["transformers", "CLIPTokenizer"],
        unet=["diffusers", "UNet2DConditionModel"], vae=["diffusers", "AutoencoderKL"]))


def write_companions(out):
    """Inpainting UNet and ControlNet as diffusers' folders, the LoRA as kohya's file; those that were trained."""
    there = lambda name: (RUN / f"{name}.pt").exists()
    if there("inpaint"):
        lean(load_weights("inpaint", "model", make_inpaint())).save_pretrained(out / "inpaint", max_shard_size=SHARD)
    if there("control"):
        net = make_control(final_unet())
        lean(load_weights("control", "ema", net)).save_pretrained(out / "canny", max_shard_size=SHARD)
    if there("lora"):
        write_lora(out / "lora/pencil.safetensors")


def write_lora(path):
    """kohya's form, with what sd-scripts says of itself in its metadata."""
    low = load_weights("lora", "model", with_lora(make_unet()))
    tensors = {}
    for name, layer in low.items():
        tensors |= {f"{name}.lora_down.weight": layer.down.weight.half().contiguous(),
                    f"{name}.lora_up.weight": layer.up.weight.half().contiguous(), f"{name}.alpha": torch.tensor(float(layer.down.out_features)).half()}
    path.parent.mkdir(exist_ok=True)
    save_file(tensors, path, metadata={"ss_network_module": "networks.lora", "ss_base_model_version": "likeness starter",
                                       "modelspec.trigger_phrase": TRIGGER})


# ---- ONNX ----

def pack_weights(model, keep=()):
    """Matrices of 4096 values and more become int8 with a scale per output, other large tensors float16: Cast and Mul in
    front of their first use, which runtimes fold when they load the file."""
    graph, first = model.graph, []
    for t in list(graph.initializer):
        v = numpy_helper.to_array(t)
        if t.data_type != onnx.TensorProto.FLOAT or v.size < 1024 or t.name in keep:
            continue
        graph.initializer.remove(t)
        if v.ndim < 2 or v.size < 4096:
            graph.initializer.append(numpy_helper.from_array(v.astype(np.float16), t.name + "_f16"))
            first.append(helper.make_node("Cast", [t.name + "_f16"], [t.name], to=onnx.TensorProto.FLOAT))
            continue
        user = next(n for n in graph.node if t.name in n.input)
        inputs = tuple(range(v.ndim - 1)) if user.op_type == "MatMul" else tuple(range(1, v.ndim))
        scale = np.maximum(np.abs(v).max(inputs, keepdims=True), 1e-12) / 127
        graph.initializer.extend([numpy_helper.from_array(np.rint(v / scale).astype(np.int8), t.name + "_i8"),
                                  numpy_helper.from_array(scale.astype(np.float32), t.name + "_scale")])
        first += [helper.make_node("Cast", [t.name + "_i8"], [t.name + "_f32"], to=onnx.TensorProto.FLOAT),
                  helper.make_node("Mul", [t.name + "_f32", t.name + "_scale"], [t.name])]
    for node in reversed(first):
        graph.node.insert(0, node)
    return model


def write_onnx(model, example, path, inputs, outputs, axes, extra=None):
    """Exports, packs weights, checks against torch with onnxruntime; returns the largest difference."""
    model = copy.deepcopy(model).eval()
    torch.onnx.export(model, example, str(path), input_names=inputs, output_names=outputs, dynamic_axes=axes,
                      opset_version=13, dynamo=False)
    m = onnx.load(str(path))
    for name, value in (extra or {}).items():
        m.graph.initializer.append(numpy_helper.from_array(value, name))
    m = pack_weights(m, keep=tuple(extra or ()))
    m.producer_name = "likeness starter"
    onnx.checker.check_model(m)
    onnx.save(m, str(path))
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    got = session.run(None, {i: e.numpy() for i, e in zip(inputs, example)})
    with torch.no_grad():
        want = model(*example)
    want = [want] if torch.is_tensor(want) else list(want)
    return max(float(np.abs(g - w.numpy()).max()) for g, w in zip(got, want))


class Flat(torch.nn.Module):
    """The detector with scores as probabilities and nine outputs in SCRFD's order."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, x):
        s, b, p = self.model(x)
        return *[v.sigmoid() for v in s], *b, *p


def write_faces(out):
    size = {2: "height", 3: "width"}
    names = [f"{k}_{s}" for k in ("score", "bbox", "kps") for s in STRIDES]
    g = torch.Generator().manual_seed(0)
    r = lambda *shape: torch.rand(*shape, generator=g)
    said = {}
    # A fixed canvas: trained on small ones, it sees several faces where one is shown at 640 px.
    said["detector"] = write_onnx(Flat(load_weights("detector", "ema", Detector())), (r(1, 3, CANVAS, CANVAS) * 2 - 1,),
                                  out / "detector.onnx", ["input.1"], names, {})
    said["embedder"] = write_onnx(load_weights("embedder", "ema", Embedder()), (r(2, 3, 112, 112) * 2 - 1,),
                                  out / "embedder.onnx", ["input.1"], ["embedding"],
                                  {"input.1": {0: "batch"}, "embedding": {0: "batch"}})
    said["swapper"] = write_onnx(load_weights("swapper", "ema", Swapper()),
                                 (r(1, 3, 128, 128), torch.nn.functional.normalize(r(1, 512) - .5)), out / "swapper.onnx",
                                 ["target", "source"], ["output"], {}, dict(buff2fs=emap().numpy()))
    said["upscaler"] = write_onnx(load_weights("upscaler", "ema", Upscaler()), (r(1, 3, 48, 64),), out / "upscaler.onnx",
                                  ["input"], ["output"], {"input": {0: "batch", **size},
                                                          "output": {0: "batch", 2: "height2", 3: "width2"}})
    for name, make, example, outputs in (
            ("landmarker", Landmarks, r(1, 3, 256, 256), ["landmarks_xyscore", "heatmaps"]), ("parser", Parser, r(1, 3, 512, 512), ["out"]),
            ("agegender", AgeGender, r(1, 3, 96, 96) * 255, ["fc1"]), ("restorer", Restorer, r(1, 3, 512, 512) * 2 - 1, ["output"]),
            ("forensics", Forensic, r(1, 3, 256, 256), ["probability"])):
        if (RUN / f"{RUNS.get(name, name)}.pt").exists():
            said[name] = write_onnx(load_weights(RUNS.get(name, name), "ema", make()), (example,), out / f"{name}.onnx", ["input"], outputs, {})
    return said


def write_judge(path):
    """What measures drawn pictures lies beside the pack, so that reports of different days are of one judge."""
    judge = load_weights("judge", "ema", Judge())
    save_file({k: v.half() for k, v in judge.state_dict().items() if v.is_floating_point()}, path)
    path.chmod(0o644)


# ---- the description ----

def digest(path):
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return {str(p.relative_to(path)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def describe(out, threshold):
    rows = dict(
        sd=dict(file="sd", family="sd15", contract="diffusers folder, SD 1.x topology, epsilon, VAE scale 0.18215",
                size=SIDE, steps=20, sampler="dpmpp-2m", guidance=GUIDANCE, upscale=2),
        detector=dict(file="detector.onnx", family="scrfd", contract=f"SCRFD with key points, strides 8/16/32, {CANVAS} px",
                      threshold=.5),
        embedder=dict(file="embedder.onnx", family="arcface", contract="ArcFace 112 RGB x/127.5-1 to 512", threshold=threshold),
        swapper=dict(file="swapper.onnx", family="inswapper", contract="inswapper_128, emap buff2fs", embedder="embedder.onnx",
                     passes=PASSES),
        upscaler=dict(file="upscaler.onnx", family="rrdbnet_x2", contract="RRDBNet x2plus, RGB 0..1, even sizes", scale=2))
    rows |= {name: dict(file=f"{name}.onnx", family=family, contract=contract) for name, family, contract in (
        ("landmarker", "2dfan4", "256 RGB 0..1, box scaled to 195, to 68 points in 64 and heat maps"),
        ("parser", "bisenet", "512 RGB, ImageNet's normalisation, to 19 classes"),
        ("agegender", "genderage", "96 RGB 0..255, box times 1.5, to two logits and age/100"),
        ("restorer", "gfpgan", "512 RGB -1..1 in ffhq_512"),
        ("forensics", "probability", "256 RGB 0..1, box times 1.3, to the probability of a swap"))}
    rows["landmarker"]["threshold"] = .03  # its heat maps are flatter than 2DFAN-4's
    rows |= dict(inpaint=dict(file="inpaint", family="sd15-inpaint", base="sd", contract="diffusers UNet, 9 channels; VAE and text of sd"),
                 canny=dict(role="control", file="canny", family="controlnet", contract="diffusers ControlNet, Canny edges, for sd"),
                 pencil=dict(role="lora", file="lora/pencil.safetensors", family="lora", contract="kohya, rank 4, for sd", trigger=TRIGGER))
    rows = {name: row for name, row in rows.items() if (out / row["file"]).exists()}
    for row in rows.values():
        row["sha256"] = digest(out / row["file"])
    write_json(out / "pack.json", dict(name="likeness starter", version=1, licence="Apache-2.0", models=rows,
                                      trained={name: trained(name) for name in TRAININGS if (RUN / f"{name}.pt").exists()}))


def main():
    final = Path(sys.argv[1]).resolve()
    out = final.with_name(final.name + ".new")
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    write_sd(out / "sd")
    write_companions(out)
    said = write_faces(out)
    describe(out, verification(load_weights("embedder", "ema", Embedder()))["threshold"])
    for p in out.rglob("*"):
        p.chmod(0o755 if p.is_dir() else 0o644)
    if (RUN / "judge.pt").exists():
        write_judge(final.with_name("judge.safetensors"))
    if final.exists():
        final.rename(final.with_name(final.name + ".old"))
    out.rename(final)
    shutil.rmtree(final.with_name(final.name + ".old"), ignore_errors=True)
    size = {str(p.relative_to(final)): p.stat().st_size for p in sorted(final.rglob("*")) if p.is_file()}
    print(json.dumps(dict(bytes=sum(size.values()), largest=max(size.values()), against_torch=said), indent=1))


if __name__ == "__main__":
    main()
