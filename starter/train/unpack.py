# SPDX-License-Identifier: Apache-2.0
"""The way back from a pack to checkpoints, so that trainings go on from committed weights: unpack.py PACK

Writes a checkpoint of every network of the pack, and of the judge beside it, under $STARTER_RUN where none is there yet; a training
with --resume starts from it, at the beginning of its schedule.
"""
import json, math, shutil, sys
from pathlib import Path
import onnx
import torch
from onnx import numpy_helper
from safetensors.torch import load_file
from torch import nn
from agegender import AgeGender
from common import RUN
from companions import make_inpaint, with_lora
from control import make_control
from data import faces
from detector import CANVAS, Detector
from embedder import Embedder
from export import RUNS, SCALE
from forensic import Forensic
from judge import Judge
from landmarks import Landmarks
from parser import Parser
from restorer import Restorer
from swapper import Swapper
from text import Reader, tokenizer
from unet import make_unet
from upscaler import Upscaler
from vae import make_vae


def from_folder(model, folder):
    parts = [load_file(f) for f in sorted(folder.glob("*.safetensors"))]
    model.load_state_dict({k: v.float() for p in parts for k, v in p.items()}, strict=False)
    return model


def layers_of(model, example):
    """Layers with weights in the order in which they run."""
    order = []
    hooks = [m.register_forward_hook(lambda m, i, o: order.append(m)) for m in model.modules()
             if isinstance(m, (nn.Conv2d, nn.Linear, nn.PReLU, nn.modules.batchnorm._BatchNorm))]
    with torch.no_grad():
        model.eval()(*example)
    for h in hooks:
        h.remove()
    return order


@torch.no_grad()
def from_onnx(model, example, path):
    """Weights of the nodes of an exported network, layer by layer; a norm that was folded into its layer does nothing more."""
    graph = onnx.load(str(path)).graph
    values = {t.name: torch.from_numpy(numpy_helper.to_array(t).astype("float32")) for t in graph.initializer}
    for n in graph.node:  # how export.py stores weights
        if n.op_type in ("Cast", "Mul", "Identity") and all(i in values for i in n.input):
            values[n.output[0]] = values[n.input[0]] * (values[n.input[1]] if n.op_type == "Mul" else 1)
    nodes = [n for n in graph.node if n.op_type in ("Conv", "Gemm", "MatMul", "PRelu", "BatchNormalization")
             and n.input[1] in values and n.input[1] not in (b for b, _ in model.named_buffers())]
    folded = None  # the bias of the layer before a norm
    for layer in layers_of(model, example):
        if isinstance(layer, nn.modules.batchnorm._BatchNorm) and (not nodes or nodes[0].op_type != "BatchNormalization"):
            layer.weight.fill_((1 + layer.eps) ** .5)
            layer.bias.copy_(folded)
            continue
        node, *nodes = nodes
        given = [values[i] for i in node.input[1:]]
        weight = given[0].T if node.op_type == "MatMul" else given[0]
        layer.weight.copy_(weight.reshape(layer.weight.shape))
        folded = given[1] if len(given) > 1 else None
        if node.op_type == "BatchNormalization":
            layer.running_mean.copy_(given[2])
            layer.running_var.copy_(given[3])
        if getattr(layer, "bias", None) is not None:
            layer.bias.copy_(given[1])
    assert not nodes, f"{path} has {len(nodes)} layers more than its network"
    return model


@torch.no_grad()
def detector(path):
    """Its scales of boxes are constants that three products take."""
    model, graph = from_onnx(Detector(), (torch.rand(1, 3, CANVAS, CANVAS),), path), onnx.load(str(path)).graph
    known = {n.output[0]: numpy_helper.to_array(n.attribute[0].t) for n in graph.node if n.op_type == "Constant"}
    known |= {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    scales = [float(known[i]) for n in graph.node if n.op_type == "Mul" for i in n.input if i in known and known[i].size == 1]
    model.scale.copy_(torch.tensor(scales))
    return model


@torch.no_grad()
def unfold_scale(vae):
    """Latents of deviation 1 again, for which the light KL of vae.py is meant; export.py had folded 0.18215 in."""
    q, p = vae.quant_conv, vae.post_quant_conv
    q.weight[:4] *= SCALE
    q.bias[:4] *= SCALE
    q.bias[4:] += 2 * math.log(SCALE)
    p.weight /= SCALE
    return vae


@torch.no_grad()
def lora(layers, path):
    tensors = load_file(path)
    for name, layer in layers.items():
        layer.down.weight.copy_(tensors[f"{name}.lora_down.weight"])
        layer.up.weight.copy_(tensors[f"{name}.lora_up.weight"])
    return layers


def write(name, before, **models):
    path, run = RUN / f"{name}.pt", dict(step=0, seen=0, spent=0., before=before.get(name, {}))
    if not path.exists():
        torch.save({k: m.state_dict() for k, m in models.items()} | dict(run=run), path)


def main():
    pack = Path(sys.argv[1])
    before = json.loads((pack / "pack.json").read_text()).get("trained", {})
    RUN.mkdir(parents=True, exist_ok=True)
    if not (RUN / "tokenizer").exists():
        shutil.copytree(pack / "sd/tokenizer", RUN / "tokenizer")
    reader = Reader(tokenizer(), faces("text_test").names)  # its classifiers, which a pack lacks, stay as they begin
    from_folder(reader.encoder, pack / "sd/text_encoder")
    write("text", before, model=reader)
    vae, unet = unfold_scale(from_folder(make_vae(), pack / "sd/vae")), from_folder(make_unet(), pack / "sd/unet")
    write("vae", before, model=vae, ema=vae)
    both = [before.get(n, {}) for n in ("unet", "practise")]
    before["unet"] = {k: round(sum(b.get(k, 0) for b in both), 1) for k in both[0]}
    write("unet", before, model=unet, ema=unet)
    if (pack / "inpaint").exists():
        write("inpaint", before, model=from_folder(make_inpaint(), pack / "inpaint"))
    if (pack / "canny").exists():
        control = from_folder(make_control(unet), pack / "canny")
        write("control", before, model=control, ema=control)
    if (pack / "lora/pencil.safetensors").exists():
        write("lora", before, model=lora(with_lora(unet), pack / "lora/pencil.safetensors"))
    found = detector(pack / "detector.onnx")
    write("detector", before, model=found, ema=found)
    picture = lambda side: torch.rand(2, 3, side, side)
    for file, make, example in (
            ("embedder", Embedder, (picture(112),)), ("swapper", Swapper, (picture(128), torch.rand(2, 512))),
            ("upscaler", Upscaler, (picture(128),)), ("landmarker", Landmarks, (picture(256),)), ("parser", Parser, (picture(512),)),
            ("agegender", AgeGender, (picture(96),)), ("restorer", Restorer, (picture(512),)), ("forensics", Forensic, (picture(256),))):
        if (pack / f"{file}.onnx").exists():
            model = from_onnx(make(), example, pack / f"{file}.onnx")
            write(RUNS.get(file, file), before, model=model, ema=model)
    if (weights := pack.resolve().with_name("judge.safetensors")).exists():
        judge = Judge()
        judge.load_state_dict(load_file(weights), strict=False)
        write("judge", before, model=judge, ema=judge)


if __name__ == "__main__":
    main()
