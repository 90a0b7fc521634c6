#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden crops of restorers, swappers and masks, family by family.

    python tools/golden/refine.py tests/golden

Writes tiny networks of the exact contracts to tests/golden/refine/*.onnx and what Python onnxruntime makes of them with
FaceFusion's steps around it, written in numpy and OpenCV: estimateAffinePartial2D to the family's template, warpAffine, means and
deviations, the embedding through its converter, the source's face in pixels; resize, argmax and GaussianBlur of the masks.
Pictures stay float32, where FaceFusion rounds them to bytes.
"""
import pathlib
import sys

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

TEMPLATES = {
    "arcface_112_v1": [[.35473214, .45658929], [.64526786, .45658929], [.5, .61154464], [.37913393, .776875], [.62086607, .776875]],
    "arcface_112_v2": [[.34191607, .46157411], [.65653393, .45983393], [.500225, .64050536], [.37097589, .82469196],
                       [.63151696, .82325089]],
    "arcface_128": [[.36167656, .40387734], [.63696719, .40235469], [.50019687, .56044219], [.38710391, .72160547],
                    [.61507734, .72034453]],
    "ffhq_512": [[.37691676, .46864664], [.62285697, .46912813], [.50123859, .61331904], [.39308822, .725411], [.61150205, .72490465]],
    "mtcnn_512": [[.36562865, .46733799], [.63305391, .46585885], [.50019127, .61942959], [.39032951, .77598822],
                  [.61178945, .77476328]],
}
SKIN = [1, 2, 3, 4, 5, 6, 10, 11, 12, 13]
value, node = helper.make_tensor_value_info, helper.make_node
rng = np.random.default_rng(11)


# ---- networks ----

def weights(name, shape, size):
    return numpy_helper.from_array((rng.normal(0, size, shape)).astype(np.float32), name)


def conv(name, x, y, w, pad=1):
    return node("Conv", [x, w], [y], pads=[pad] * 4, name=name)


def store(folder, name, nodes, inputs, outputs, constants):
    graph = helper.make_graph(nodes, name, inputs, outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(folder / f"{name}.onnx"))


def restorers(folder):
    def plain(side, name):
        store(folder, name, [conv("c1", "input", "a", "w1"), node("Tanh", ["a"], ["t"]), conv("c2", "t", "b", "w2"),
                             node("Tanh", ["b"], ["output"])],
              [value("input", 1, [1, 3, side, side])], [value("output", 1, [1, 3, side, side])],
              [weights("w1", (4, 3, 3, 3), 0.3), weights("w2", (3, 4, 3, 3), 0.3)])
    plain(512, "restore")
    plain(256, "restore_256")
    store(folder, "restore_same", [node("Identity", ["input"], ["output"])], [value("input", 1, [1, 3, 512, 512])],
          [value("output", 1, [1, 3, 512, 512])], [])
    store(folder, "restore_smooth", [node("AveragePool", ["input"], ["output"], kernel_shape=[9, 9], pads=[4] * 4)],
          [value("input", 1, [1, 3, 512, 512])], [value("output", 1, [1, 3, 512, 512])], [])
    store(folder, "restore_gone", [node("Mul", ["input", "nothing"], ["output"])], [value("input", 1, [1, 3, 512, 512])],
          [value("output", 1, [1, 3, 512, 512])], [numpy_helper.from_array(np.zeros(1, np.float32), "nothing")])
    store(folder, "restore_weight",
          [conv("c1", "input", "a", "w1"), node("Cast", ["weight"], ["wf"], to=TensorProto.FLOAT), node("Mul", ["a", "wf"], ["m"]),
           node("Tanh", ["m"], ["output"]), node("ReduceMean", ["a"], ["codes"], axes=[2, 3], keepdims=0)],
          [value("input", 1, ["batch", 3, 512, 512]), value("weight", TensorProto.DOUBLE, [1])],
          [value("codes", 1, ["batch", 3]), value("output", 1, ["batch", 3, 512, 512])], [weights("w1", (3, 3, 3, 3), 0.5)])


def swappers(folder):
    def vector(name, side, last, extra=()):
        nodes = [conv("c1", "target", "a", "w1"), node("MatMul", ["source", "film"], ["s"]), node("Reshape", ["s", "shape"], ["s4"]),
                 node("Add", ["a", "s4"], ["m"]), node("Tanh", ["m"], ["t"]), conv("c2", "t", "o", "w2"), node(last, ["o"], ["output"])]
        outputs = [value("output", 1, [1, 3, side, side])]
        if extra:
            nodes.append(node("ReduceMean", ["a"], ["mask"], axes=[1], keepdims=1))
            outputs.insert(0, value("mask", 1, [1, 1, side, side]))
        store(folder, name, nodes, [value("source", 1, [1, 512]), value("target", 1, [1, 3, side, side])], outputs,
              [weights("w1", (4, 3, 3, 3), 0.2), weights("film", (512, 4), 0.5), weights("w2", (3, 4, 3, 3), 0.3),
               numpy_helper.from_array(np.array([1, 4, 1, 1]), "shape")])
    vector("swap_signed", 256, "Tanh", ("mask",))
    vector("swap_plain", 256, "Sigmoid")
    vector("swap_512", 512, "Sigmoid")
    store(folder, "converter", [node("MatMul", ["input", "down"], ["a"]), node("Tanh", ["a"], ["b"]), node("MatMul", ["b", "up"], ["output"])],
          [value("input", 1, ["n", 512])], [value("output", 1, ["n", 512])],
          [weights("down", (512, 8), 0.05), weights("up", (8, 512), 0.05)])
    for name, side, last in (("swap_uniface", 256, "Tanh"), ("swap_blendswap", 112, "Sigmoid")):
        store(folder, name,
              [conv("c1", "target", "a", "w1"), conv("c2", "source", "b", "ws"), node("GlobalAveragePool", ["b"], ["g"]),
               node("Mul", ["a", "g"], ["m"]), node(last, ["m"], ["output"])],
              [value("target", 1, [1, 3, 256, 256]), value("source", 1, [1, 3, side, side])], [value("output", 1, [1, 3, 256, 256])],
              [weights("w1", (3, 3, 3, 3), 0.3), weights("ws", (3, 3, 3, 3), 0.5)])


def masks(folder):
    store(folder, "parser", [conv("c1", "input", "output", "w1"), node("Identity", ["output"], ["aux"])],
          [value("input", 1, [1, 3, 512, 512])], [value("output", 1, [1, 19, 512, 512]), value("aux", 1, [1, 19, 512, 512])],
          [weights("w1", (19, 3, 3, 3), 0.2)])
    store(folder, "occluder",
          [node("Transpose", ["input"], ["x"], perm=[0, 3, 1, 2]), node("Mul", ["x", "sign"], ["a"]),
           node("ReduceMean", ["a"], ["b"], axes=[1], keepdims=1), node("Add", ["b", "half"], ["c"]),
           node("Transpose", ["c"], ["output"], perm=[0, 2, 3, 1])],
          [value("input", 1, ["n", 256, 256, 3])], [value("output", 1, ["n", 256, 256, 1])],
          [numpy_helper.from_array(np.array([4, -3, 2], np.float32).reshape(1, 3, 1, 1), "sign"),
           numpy_helper.from_array(np.float32(0.2), "half")])


def occluders_of_tests(folder):
    """Says that the crop's left half is occluded."""
    half = np.zeros((1, 256, 256, 1), np.float32)
    half[:, :, 128:] = 1
    store(folder, "occluder_left",
          [node("ReduceMean", ["input"], ["a"], axes=[3], keepdims=1), node("Mul", ["a", "none"], ["b"]), node("Add", ["b", "half"], ["output"])],
          [value("input", 1, ["n", 256, 256, 3])], [value("output", 1, ["n", 256, 256, 1])],
          [numpy_helper.from_array(np.float32(0), "none"), numpy_helper.from_array(half[:, :1], "half")])


def upscalers(folder):
    """Takes sides that are multiples of 8 only, N = 2."""
    store(folder, "upscale_window",
          [node("SpaceToDepth", ["x"], ["a"], blocksize=8), node("DepthToSpace", ["a"], ["b"], blocksize=8),
           conv("c1", "b", "c", "w1"), node("DepthToSpace", ["c"], ["y"], blocksize=2)],
          [value("x", 1, [1, 3, "h", "w"])], [value("y", 1, [1, 3, "H", "W"])], [weights("w1", (12, 3, 3, 3), 0.2)])


# ---- FaceFusion's steps ----

def waves(w, h, phase):
    y, x, c = np.mgrid[:h, :w, :3].astype(np.float64)
    return (0.5 + 0.3 * np.sin(0.05 * x + 0.03 * y + c + phase) + 0.15 * np.sin(0.11 * x - 0.07 * y + 2 * c)).astype(np.float32)


def identity():
    i = np.arange(512)
    e = ((i * 29 + 11) % 127 - 63) / 64
    return (e / np.linalg.norm(e)).astype(np.float32)


def warp(image, points, template, side):
    to = np.array(TEMPLATES[template]) * side
    matrix = cv2.estimateAffinePartial2D(points, to, method=cv2.RANSAC, ransacReprojThreshold=100)[0]
    return cv2.warpAffine(image, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE, flags=cv2.INTER_LINEAR)


def run(folder, name, **inputs):
    network = onnxruntime.InferenceSession(str(folder / f"{name}.onnx"), providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in network.get_outputs()], network.run(None, inputs)))


def planes(crop, mean, deviation):
    return ((crop - np.float32(mean)) / np.float32(deviation)).transpose(2, 0, 1)[None].astype(np.float32)


HALF, IMAGENET, PLAIN = ([.5] * 3, [.5] * 3), ([.485, .456, .406], [.229, .224, .225]), ([0] * 3, [1] * 3)
RESTORERS = [  # case, family, file, template, side, weight
    ("gfpgan", "gfpgan", "restore", "ffhq_512", 512, None), ("restoreformer", "restoreformer", "restore", "ffhq_512", 512, None),
    ("codeformer", "codeformer", "restore_weight", "ffhq_512", 512, 0.7), ("gpen", "gpen", "restore", "ffhq_512", 512, None),
    ("gpen_256", "gpen", "restore_256", "arcface_128", 256, None),
]
SWAPPERS = [  # family, file, template, side, mean and deviation, signed answer, source
    ("hyperswap", "swap_signed", "arcface_128", 256, HALF, True, "unit"),
    ("simswap", "swap_plain", "arcface_112_v1", 256, IMAGENET, False, "converted"),
    ("simswap_512", "swap_512", "arcface_112_v1", 512, PLAIN, False, "converted"),
    ("ghost", "swap_signed", "arcface_112_v1", 256, HALF, True, "raw"),
    ("hififace", "swap_signed", "mtcnn_512", 256, HALF, True, "converted"),
    ("uniface", "swap_uniface", "ffhq_512", 256, HALF, True, ("ffhq_512", 256)),
    ("blendswap", "swap_blendswap", "ffhq_512", 256, PLAIN, False, ("arcface_112_v2", 112)),
]
NORM = 22  # of the embedding as the embedder answered it


def source(folder, kind, photo, points):
    e = identity()[None]
    if isinstance(kind, tuple):
        return warp(photo, points, *kind).transpose(2, 0, 1)[None]
    if kind == "unit":
        return e
    converted = run(folder, "converter", input=e * np.float32(NORM))["output"]
    return converted if kind == "raw" else converted / np.linalg.norm(converted)


def soften(mask):
    return (cv2.GaussianBlur(mask.clip(0, 1), (0, 0), 5).clip(0.5, 1) - 0.5) * 2


def region(folder, crop):
    classes = run(folder, "parser", input=planes(cv2.resize(crop, (512, 512)), *IMAGENET))["output"][0].argmax(0)
    return soften(cv2.resize(np.isin(classes, SKIN).astype(np.float32), crop.shape[1::-1]))


def occlusion(folder, crop):
    mask = run(folder, "occluder", input=cv2.resize(crop[:, :, ::-1], (256, 256))[None])["output"][0].clip(0, 1)
    return soften(cv2.resize(mask, crop.shape[1::-1]))


def main(out):
    folder = out / "refine"
    folder.mkdir(exist_ok=True)
    restorers(folder), swappers(folder), masks(folder), occluders_of_tests(folder), upscalers(folder)
    lines = ["# made by tools/golden/refine.py: what case family file side, points of the face, of the source; sampled values"]
    picture, photo = waves(400, 360, 0), waves(300, 300, 2)
    jitter = rng.normal(0, 2, (5, 2))
    of_source = np.array(TEMPLATES["ffhq_512"]) * 200 + [40, 50] + rng.normal(0, 2, (5, 2))

    def numbers(values):
        return "\t".join(f"{v:.9g}" for v in np.ravel(values))

    def emit(head, image):
        flat = image.ravel()
        lines.append(head)
        lines.extend(f"value\t{i}\t{flat[i]:.9g}" for i in rng.choice(flat.size, 60, replace=False))

    def emit_case(what, case, family, file, side, points, before, after):
        lines.append(f"case\t{what}\t{case}\t{family}\t{file}\t{side}")
        lines.append("points\t" + numbers(points))
        lines.append("source\t" + numbers(of_source))
        emit("before", before), emit("after", after)

    for case, family, file, template, side, weight in RESTORERS:
        points = np.array(TEMPLATES[template]) * 180 + [90, 70] + jitter
        crop = warp(picture, points, template, side)
        inputs = {"input": planes(crop, *HALF)} | ({"weight": np.array([weight])} if weight else {})
        answer = run(folder, file, **inputs)["output"][0].clip(-1, 1)
        emit_case("restore", case, family, file, side, points, crop, (answer.transpose(1, 2, 0) + 1) / 2)
    for family, file, template, side, (mean, deviation), signed, kind in SWAPPERS:
        points = np.array(TEMPLATES[template]) * 150 + [90, 70] + jitter
        crop = warp(picture, points, template, side)
        answer = run(folder, file, target=planes(crop, mean, deviation), source=source(folder, kind, photo, of_source))["output"][0]
        after = answer.transpose(1, 2, 0)
        emit_case("swap", family, family, file, side, points, crop, (after * .5 + .5 if signed else after).clip(0, 1))
    for side in (512, 256, 200):
        crop = waves(side, side, 1)
        for what, made in (("region", region(folder, crop)), ("occlusion", occlusion(folder, crop))):
            lines.append(f"case\tmask\t{what}\t{'bisenet' if what == 'region' else 'xseg'}\t{'parser' if what == 'region' else 'occluder'}\t{side}")
            inside = np.zeros_like(made)
            inside[20:-20, 20:-20] = 1  # OpenCV's Gaussian mirrors the rim, ours repeats it
            flat = made.ravel()
            lines.append("after")
            lines.extend(f"value\t{i}\t{flat[i]:.9g}" for i in rng.choice(np.flatnonzero(inside), 60, replace=False))
    (out / "refine_families.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
