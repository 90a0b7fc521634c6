#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden answers of the networks that tell expressions, on faces cut out of photos and brought to 64² by Pillow's LANCZOS.

    python tools/golden/expression.py SHARED_DATA tests/golden

    expression.tsv            photo, its face's square, name and probability by each family
    expression_ferplus.onnx   a tiny network of FER+'s contract: with t = 7 · mean ÷ 255 of what goes in, logit k is 2 k t − k²

Reference: Python onnxruntime on the real mini-XCEPTION with oarriaga's steps (OpenCV's grey, ÷ 255, − ½, · 2), and on that tiny network with
FER+'s (grey as it is, softmax).
"""
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

SIDE = 64
FACES = [("fr_obama.jpg", 324, 85, 333), ("fr_biden.jpg", 387, 185, 355), ("fr_obama2.jpg", 143, 238, 393), ("human_person-vlado.jpg", 502, 86, 199),
         ("fairface_race_Asian.jpg", 208, 214, 841), ("fairface_race_Black.jpg", 197, 117, 413), ("human_ai-face.jpg", 16, 3, 222)]
FERPLUS = ["neutral", "happy", "surprised", "sad", "angry", "disgusted", "afraid", "contemptuous"]
FER = ["angry", "disgusted", "afraid", "happy", "sad", "surprised", "neutral"]


def grey_of(data, photo, x, y, side):
    """[1,1,64,64] f32, whole numbers 0…255."""
    pixels = np.asarray(Image.open(data / "photos" / photo).convert("RGB"), np.float32)[y:y + side, x:x + side]
    planes = [np.asarray(Image.fromarray(np.ascontiguousarray(p)).resize((SIDE, SIDE), Image.LANCZOS)) for p in pixels.transpose(2, 0, 1)]
    red, green, blue = np.floor(np.stack(planes).clip(0, 255) + .5)
    return np.round(.299 * red + .587 * green + .114 * blue)[None, None].astype(np.float32)


def ferplus(path):
    k = np.arange(8, dtype=np.float32)
    constants = [numpy_helper.from_array(v, n) for n, v in (("w", (2 * k * 7 / 255)[:, None]), ("b", -k * k))]
    nodes = [helper.make_node("ReduceMean", ["Input3"], ["mean"], axes=[2, 3], keepdims=0),
             helper.make_node("Gemm", ["mean", "w", "b"], ["Plus692_Output_0"], transB=1)]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "ferplus", [value("Input3", TensorProto.FLOAT, [1, 1, SIDE, SIDE])],
                              [value("Plus692_Output_0", TensorProto.FLOAT, [1, 8])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    return onnxruntime.InferenceSession(str(path))


def main():
    data, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    tiny = ferplus(out / "expression_ferplus.onnx")
    real = onnxruntime.InferenceSession(str(data / "converted/emotion_mini_xception.onnx"))
    lines = ["# made by tools/golden/expression.py: photo, x, y, side, mini-XCEPTION's name and probability, the tiny FER+'s"]
    for face in FACES:
        grey = grey_of(data, *face)
        chance = real.run(None, {"input": (grey / 255 - .5) * 2})[0][0]
        logits = tiny.run(None, {"Input3": grey})[0][0].astype(np.float64)
        soft = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        lines.append("\t".join([*map(str, face), FER[chance.argmax()], f"{chance.max():.6f}", FERPLUS[soft.argmax()], f"{soft.max():.6f}"]))
    (out / "expression.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
