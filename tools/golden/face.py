#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden numbers of the face stages: detection, embedding, swap and super-resolution.

    python tools/golden/face.py SHARED_DATA tests/golden

Reference: Python onnxruntime on the real networks of SHARED_DATA, with insightface's steps around them written in numpy
and OpenCV: SCRFD.detect at 640 and 128 under one NMS (SCRFD.autodetect), norm_crop by Umeyama and cv2.warpAffine, ArcFace's
preprocessing; super-resolution in float64 by onnx's reference evaluator. One step is FaceFusion's: boxes are scaled back by each axis's own ratio; and canvases
are cut to the picture's shape. The swap is numpy alone, on a tiny
network of inswapper's contract that is written here too (without emap: the test adds it by the formula below).
"""
import pathlib
import sys

import cv2
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from PIL import Image, ImageOps

PASSES, SCORE, IOU = (640, 128), 0.5, 0.4
ARC = np.array([[.34191607, .46157411], [.65653393, .45983393], [.500225, .64050536], [.37097589, .82469196],
                [.63151696, .82325089]])
INSWAPPER = np.array([[.36167656, .40387734], [.63696719, .40235469], [.50019687, .56044219], [.38710391, .72160547],
                      [.61507734, .72034453]])


def session(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(path if isinstance(path, bytes) else str(path), options)


def of_any_size(path):
    """The model of a detector for 640×640, for canvases of other shapes."""
    model = onnx.load(str(path))
    graph = model.graph
    shapes = {v.name: [d.dim_value for d in v.type.tensor_type.shape.dim] for v in graph.value_info}
    constants = {c.name: numpy_helper.to_array(c) for c in graph.initializer}
    for node in graph.node:
        if node.op_type == "Resize" and len(node.input) == 4:
            factors = constants[node.input[3]] / shapes[node.input[0]]
            graph.initializer.append(numpy_helper.from_array(factors.astype(np.float32), node.output[0] + ":factors"))
            node.input[:] = [*node.input[:2], node.output[0] + ":factors"]
    for dimension in [*graph.input[0].type.tensor_type.shape.dim[2:], *(o.type.tensor_type.shape.dim[-2] for o in graph.output)]:
        dimension.Clear()
    del graph.value_info[:]
    return model.SerializeToString()


def read(path):
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode != "RGB":
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (255,) * 4), image).convert("RGB")
    return np.asarray(image)


# ---- detection ----

def trimmed(width, height):
    """A canvas as large as the picture in it, in whole cells; insightface's square where it is small."""
    return tuple(max(128, -(-n // 32) * 32) for n in (width, height))


def letterbox(image, side, canvas=None):
    """canvas: the side of a square; None: as above."""
    h, w = image.shape[:2]
    if h > w:
        nh, nw = side, int(side / (h / w))
    else:
        nw, nh = side, int(side * (h / w))
    cw, ch = (canvas, canvas) if canvas else trimmed(nw, nh)
    out = np.zeros((ch, cw, 3), np.uint8)
    out[:nh, :nw] = cv2.resize(image, (nw, nh))
    return ((out.astype(np.float32) - 127.5) / 128).transpose(2, 0, 1)[None], nw / w, nh / h


def detect(network, image):
    found = []
    for side in PASSES:
        tensor, sx, sy = letterbox(image, side)
        outputs = network.run(None, {network.get_inputs()[0].name: tensor})
        for k, stride in enumerate((8, 16, 32)):
            scores, columns = outputs[k].reshape(-1), tensor.shape[3] // stride
            for j in np.flatnonzero(scores >= SCORE):
                x, y = (j // 2) % columns * stride, (j // 2) // columns * stride
                box = outputs[k + 3].reshape(-1, 4)[j] * stride * [-1, -1, 1, 1] + [x, y, x, y]
                points = outputs[k + 6].reshape(-1, 5, 2)[j] * stride + [x, y]
                found.append((scores[j], box / [sx, sy, sx, sy], points / [sx, sy]))
    found.sort(key=lambda f: -f[0])
    kept = []
    for f in found:
        if all(overlap(f[1], k[1]) <= IOU for k in kept):
            kept.append(f)
    return sorted(kept, key=lambda f: f[1][0] + f[1][2])


def overlap(a, b):
    area = lambda r: (r[2] - r[0] + 1) * (r[3] - r[1] + 1)
    both = max(0, min(a[2], b[2]) - max(a[0], b[0]) + 1) * max(0, min(a[3], b[3]) - max(a[1], b[1]) + 1)
    return both / (area(a) + area(b) - both)


# ---- embedding ----

def umeyama(p, q):
    p0, q0 = p.mean(0), q.mean(0)
    u, s, vt = np.linalg.svd((q - q0).T @ (p - p0) / len(p))
    d = np.diag([1, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    r = np.trace(np.diag(s) @ d) / (p - p0).var(0).sum() * u @ d @ vt
    return np.hstack([r, (q0 - r @ p0)[:, None]])


def embed(network, image, points):
    crop = cv2.warpAffine(image, umeyama(points.astype(float), ARC * 112), (112, 112))
    tensor = ((crop.astype(np.float32) - 127.5) / 128).transpose(2, 0, 1)[None]
    e = network.run(None, {network.get_inputs()[0].name: tensor})[0][0].astype(float)
    return e / np.linalg.norm(e)


def numbers(values, digits=6):
    return "\t".join(f"{v:.{digits}g}" for v in np.ravel(values))


def faces_of(data, out):
    detector = session(of_any_size(data / "detector/scrfd_2.5g_bnkps_640.onnx"))
    embedder = session(data / "embedder/MobileFaceNet.onnx")
    lines = ["# made by tools/golden/face.py: photo name count; face score box points; embedding of the largest face"]
    for path in sorted((data / "photos").iterdir()):
        image = read(path)
        faces = detect(detector, image)
        lines.append(f"photo\t{path.name}\t{len(faces)}")
        lines += ["face\t" + numbers([f[0], *f[1], *f[2].ravel()]) for f in faces]
        if faces:
            largest = max(faces, key=lambda f: (f[1][2] - f[1][0]) * (f[1][3] - f[1][1]))
            lines.append(f"embedding\t{faces.index(largest)}\t" + numbers(embed(embedder, image, largest[2]), 5))
    (out / "faces.tsv").write_text("\n".join(lines) + "\n")


# ---- tensors ----

def noise(w, h):
    y, x, c = np.mgrid[:h, :w, :3]
    return ((x * 7 + y * 13 + c * 29 + x * y) & 255).astype(np.uint8)


def tensors(out):
    lines = ["# made by tools/golden/face.py: letterbox width height side canvas; then index value of its tensor"]
    rng = np.random.default_rng(1)
    for w, h, side, canvas in ((640, 480, 640, 640), (1920, 1080, 640, 640), (970, 2204, 640, 640), (1434, 2333, 128, 640),
                               (800, 900, 128, 128), (200, 150, 640, 640)):
        tensor = letterbox(noise(w, h), side, canvas)[0].ravel()
        lines.append(f"letterbox\t{w}\t{h}\t{side}\t{canvas}")
        inside = np.flatnonzero(tensor != tensor.min())
        lines += [f"value\t{i}\t{tensor[i]:.9g}" for i in rng.choice(inside, 60, replace=False)]
    (out / "face_tensors.tsv").write_text("\n".join(lines) + "\n")


# ---- networks of the contracts ----

MARK = 0.123456  # a bias that tests find in the file to break it


def store(out, name, graph):
    """The bare GraphProto: the test puts the ModelProto around it, and emap into it."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    (out / name).write_bytes(graph.SerializeToString())


def swap_network(out):
    rng = np.random.default_rng(7)
    w = {"w1": rng.normal(0, 0.3, (8, 3, 3, 3)), "film": rng.normal(0, 2.0, (512, 8)), "w2": rng.normal(0, 0.4, (3, 8, 3, 3))}
    w = {k: v.astype(np.float16) for k, v in w.items()}
    bias = np.full(3, MARK, np.float32)
    value = helper.make_tensor_value_info
    nodes = [helper.make_node("Cast", [k], [k + "f"], to=TensorProto.FLOAT) for k in w]
    nodes += [
        helper.make_node("Conv", ["target", "w1f"], ["a"], pads=[1] * 4),
        helper.make_node("MatMul", ["source", "filmf"], ["s"]),
        helper.make_node("Reshape", ["s", "shape"], ["s4"]),
        helper.make_node("Mul", ["a", "s4"], ["m"]),
        helper.make_node("Tanh", ["m"], ["t"]),
        helper.make_node("Conv", ["t", "w2f", "bias"], ["o"], pads=[1] * 4),
        helper.make_node("Sigmoid", ["o"], ["output"]),
    ]
    constants = [numpy_helper.from_array(v, k) for k, v in w.items()]
    constants += [numpy_helper.from_array(bias, "bias"), numpy_helper.from_array(np.array([1, 8, 1, 1]), "shape")]
    store(out, "swap_tiny.graph", helper.make_graph(
        nodes, "swap_tiny", [value("target", 1, [1, 3, 128, 128]), value("source", 1, [1, 512])],
        [value("output", 1, [1, 3, 128, 128])], constants))
    return {k: v.astype(np.float64) for k, v in w.items()}, bias


def upscale_network(out):
    """Sees 2 px far, N = 2."""
    rng = np.random.default_rng(9)
    w1, w2 = rng.normal(0, 0.3, (6, 3, 3, 3)).astype(np.float32), rng.normal(0, 0.3, (12, 6, 3, 3)).astype(np.float32)
    bias, value = np.full(12, MARK, np.float32), helper.make_tensor_value_info
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"], pads=[1] * 4),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("Conv", ["r", "w2", "bias"], ["b"], pads=[1] * 4),
        helper.make_node("DepthToSpace", ["b"], ["y"], blocksize=2),
    ]
    store(out, "upscale_tiny.graph", helper.make_graph(
        nodes, "upscale_tiny", [value("x", 1, [1, 3, "h", "w"])], [value("y", 1, [1, 3, "H", "W"])],
        [numpy_helper.from_array(w1, "w1"), numpy_helper.from_array(w2, "w2"), numpy_helper.from_array(bias, "bias")]))
    return w1.astype(float), w2.astype(float), bias


def conv(x, w):  # [I,H,W], [O,I,3,3] → [O,H,W], zero padding 1
    p = np.pad(x, ((0, 0), (1, 1), (1, 1)))
    h, v = x.shape[1:]
    return sum(np.einsum("oi,ihw->ohw", w[:, :, a, b], p[:, a:a + h, b:b + v]) for a in range(3) for b in range(3))


# ---- the swap in numpy ----

def emap():
    i, k = np.mgrid[:512, :512]
    return ((i * 37 + k * 101 + i * k) % 257 - 128) / 128


def identity():
    i = np.arange(512)
    return ((i * 29 + 11) % 127 - 63) / 64


def smooth(w, h):
    y, x, c = np.mgrid[:h, :w, :3]
    return ((x * 3 + y * 5 + c * 11 + x * y // 16) % 128) / 128


def source(e, matrix):
    e = e / np.linalg.norm(e)
    e = e @ matrix
    return e / np.linalg.norm(e)


def run_swap(weights, bias, crop, vector):  # crop [128,128,3]
    a = conv(crop.transpose(2, 0, 1), weights["w1"]) * (vector @ weights["film"])[:, None, None]
    out = conv(np.tanh(a), weights["w2"]) + bias[:, None, None]
    return (1 / (1 + np.exp(-out))).transpose(1, 2, 0)


def sample(image, x, y):  # bilinear, zero outside; x, y arrays
    x0, y0, out = np.floor(x).astype(int), np.floor(y).astype(int), 0
    h, w = image.shape[:2]
    for j in (0, 1):
        for i in (0, 1):
            weight = (x - x0 if i else 1 - x + x0) * (y - y0 if j else 1 - y + y0)
            inside = (x0 + i >= 0) & (x0 + i < w) & (y0 + j >= 0) & (y0 + j < h)
            out = out + (weight * inside)[..., None] * image[np.clip(y0 + j, 0, h - 1), np.clip(x0 + i, 0, w - 1)]
    return out


def upscaled(network, image, pad=16):  # [h,w,3] → [2h,2w,3]
    w1, w2, bias = network
    x = np.pad(image, ((pad, pad), (pad, pad), (0, 0)), "reflect").transpose(2, 0, 1)
    y = conv(np.maximum(conv(x, w1), 0), w2) + bias[:, None, None]
    c, h, w = y.shape  # DepthToSpace, DCR: channel = (block row · 2 + block column) · 3 + c
    y = y.reshape(2, 2, 3, h, w).transpose(3, 0, 4, 1, 2).reshape(2 * h, 2 * w, 3)
    return np.clip(y[2 * pad:-2 * pad, 2 * pad:-2 * pad], 0, 1)


def exact(path, x):
    """The first output of a network in float64, which no processor's choice of kernels moves."""
    model = onnx.load(str(path))
    single = [*model.graph.initializer, *(a.t for n in model.graph.node for a in n.attribute if n.op_type == "Constant")]
    for t in single:
        if t.data_type == TensorProto.FLOAT:
            t.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(t).astype(np.float64), t.name))
    for v in [*model.graph.input, *model.graph.output]:
        v.type.tensor_type.elem_type = TensorProto.DOUBLE
    del model.graph.value_info[:]
    return ReferenceEvaluator(model).run(None, {model.graph.input[0].name: x})[0]


def refine(out, data):
    weights, bias = swap_network(out)
    upscaler = upscale_network(out)
    vector, picture = source(identity(), emap()), smooth(200, 180)
    lines = ["# made by tools/golden/face.py: case name boost scale left top side; then index value of the crop"]
    rng = np.random.default_rng(3)

    def emit(head, image):
        flat = image.ravel()
        lines.append(head)
        lines.extend(f"value\t{i}\t{flat[i]:.9g}" for i in rng.choice(flat.size, 80, replace=False))

    # The face's points are the template times `scale` px, from (left, top): the crop is sampled at left + x / enlargement.
    for name, boost, scale, left, top in (("plain", 1, 128, 20, 30), ("boost", 2, 128, 20, 30), ("rim", 1, 128, -30, 90),
                                          ("upscaled", 1, 64, 50, 40)):
        side = 128 * boost
        y, x = np.mgrid[:side, :side].astype(float)
        x, y = left + x * scale / side, top + y * scale / side
        if name == "upscaled":
            crop = sample(upscaled(upscaler, picture), (x + 0.5) * 2 - 0.5, (y + 0.5) * 2 - 0.5)
        else:
            crop = sample(picture, x, y)
        result = np.empty_like(crop)
        for a in range(boost):
            for b in range(boost):
                result[b::boost, a::boost] = run_swap(weights, bias, crop[b::boost, a::boost], vector)
        emit(f"case\t{name}\t{boost}\t{scale}\t{left}\t{top}\t{side}", result)

    emit("case\tupscale\t0\t0\t0\t0\t0", upscaled(upscaler, smooth(70, 50)))
    image = np.pad(smooth(48, 40), ((16, 16), (16, 16), (0, 0)), "reflect")
    large = exact(data / "converted/ntire22_team04_rlfn_x4.onnx", image.transpose(2, 0, 1)[None])[0].transpose(1, 2, 0)
    emit("case\trlfn\t0\t0\t0\t0\t0", np.clip(large[64:-64, 64:-64], 0, 1))
    (out / "refine.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    data, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    faces_of(data, out)
    tensors(out)
    refine(out, data)
