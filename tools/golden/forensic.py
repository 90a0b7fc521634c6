#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden numbers of the networks that judge: Meso4 on its four crops, and tiny networks of the contracts.

    python tools/golden/forensic.py SHARED_DATA tests/golden

Reference: Python onnxruntime on Meso4_DF and Meso4_F2F, with MesoNet's own steps (RGB ÷ 255 at 256²); crops of another size are
brought to it by Pillow's LANCZOS in floats, then rounded. The tiny networks look at the mean colour only, so that tests know their answers by formula:

    judge_probability.onnx  [1,3,256,256] 0…1        sigmoid(8 (R − B))
    judge_vit_nsfw.onnx     [1,3,224,224] −1…1       logits 0, 4 R + 2
    judge_open_nsfw.onnx    [1,224,224,3] BGR − mean  softmax(0, R ÷ 50)
    judge_genderage.onnx    [1,3,96,96] 0…255        B − R, R − B, 0.2 + (R − B) ÷ 255
"""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image


def sized(image, side=256):
    """[3,side,side] f32, whole numbers 0…255. Pillow rounds between the two passes of a resize unless it works in floats."""
    if image.size == (side, side):
        return np.asarray(image, np.float32).transpose(2, 0, 1)
    planes = [np.asarray(Image.fromarray(p).resize((side, side), Image.LANCZOS)) for p in np.asarray(image, np.float32).transpose(2, 0, 1)]
    return np.floor(np.stack(planes).clip(0, 255) + .5)


def meso(data, out):
    lines = ["# made by tools/golden/forensic.py: network, crop, chance that the face is not real"]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    for network in ("Meso4_DF", "Meso4_F2F"):
        session = onnxruntime.InferenceSession(str(data / f"converted/{network}.onnx"), options)
        for path in sorted((data / "forensic").glob("*.jpg")):
            x = sized(Image.open(path).convert("RGB"))[None] / 255
            real = session.run(None, {session.get_inputs()[0].name: x})[0][0, 0]
            lines.append(f"{network}\t{path.name}\t{1 - float(real):.7f}")
    (out / "forensic.tsv").write_text("\n".join(lines) + "\n")


def network(out, name, shape, axes, weights, bias, last=None):
    """mean over axes [1,3] → Gemm → last."""
    value, k = helper.make_tensor_value_info, len(bias)
    nodes = [helper.make_node("ReduceMean", ["input"], ["mean"], axes=axes, keepdims=0),
             helper.make_node("Gemm", ["mean", "w", "b"], ["y" if last else "output"], transB=1)]
    if last:
        nodes.append(helper.make_node(last, ["y"], ["output"]))
    constants = [numpy_helper.from_array(np.array(v, np.float32), n) for n, v in (("w", weights), ("b", bias))]
    graph = helper.make_graph(nodes, name, [value("input", TensorProto.FLOAT, shape)],
                              [value("output", TensorProto.FLOAT, [1, k])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(out / f"judge_{name}.onnx"))


def main():
    data, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    meso(data, out)
    network(out, "probability", [1, 3, 256, 256], [2, 3], [[8, 0, -8]], [0], "Sigmoid")
    network(out, "vit_nsfw", [1, 3, 224, 224], [2, 3], [[0, 0, 0], [4, 0, 0]], [0, 2])
    network(out, "open_nsfw", [1, 224, 224, 3], [1, 2], [[0, 0, 0], [0, 0, 0.02]], [0, 0], "Softmax")
    network(out, "genderage", [1, 3, 96, 96], [2, 3], [[-1, 0, 1], [1, 0, -1], [1 / 255, 0, -1 / 255]], [0, 0, 0.2])


if __name__ == "__main__":
    main()
