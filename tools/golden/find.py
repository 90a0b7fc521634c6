#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden numbers of finding and telling apart: the families of detectors, landmarkers, embedders and of what tells gender and expression.

    python tools/golden/find.py SHARED_DATA tests/golden

Reference: Python onnxruntime on the real networks of SHARED_DATA, and the families' own steps in numpy: Pytorch_Retinaface's priors and
variances, OpenCV's FaceDetectorYN itself for YuNet, UltraFace's run script, OpenSeeFace's tracker. Families without a real network here
have a tiny one of their contract, which is written too; its numbers follow from the colours of what it is shown.
"""
import pathlib
import sys

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from face import IOU, PASSES, SCORE, detect as scrfd, noise, numbers, of_any_size, overlap, read, sample, session, trimmed

INSIDE = .6
PHOTOS = ("fr_obama_and_biden.jpg", "human_ai-face.jpg", "human_solvay1927.jpg", "human_stock-group-1.jpg")

# ---- detectors ----

PIXELS = {  # BGR?, mean in the network's order, factor
    "scrfd": (False, (127.5, 127.5, 127.5), 1 / 128),
    "retinaface": (True, (104, 117, 123), 1),
    "yunet": (True, (0, 0, 0), 1),
    "yoloface": (False, (0, 0, 0), 1 / 255),
    "ultraface": (False, (127, 127, 127), 1 / 128),
}


def canvas(image, side, width, height):
    """As face.letterbox, in a canvas of that shape; of 0×0, trimmed; u8 RGB."""
    h, w = image.shape[:2]
    most_w, most_h = min(side, width or side), min(side, height or side)
    if h / w > most_h / most_w:
        nh, nw = most_h, int(most_h / (h / w))
    else:
        nw, nh = most_w, int(most_w * (h / w))
    width, height = (width, height) if width else trimmed(nw, nh)
    out = np.zeros((height, width, 3), np.uint8)
    out[:nh, :nw] = cv2.resize(image, (nw, nh))
    return out, nw / w, nh / h


def tensor(family, picture):
    bgr, mean, factor = PIXELS[family]
    x = picture[..., ::-1] if bgr else picture
    return ((x.astype(np.float32) - np.float32(mean)) * np.float32(factor)).transpose(2, 0, 1)[None]


def retinaface(network, picture):
    outputs = network.run(None, {network.get_inputs()[0].name: tensor("retinaface", picture)})
    d, score, p = (next(o for o in outputs if o.shape[2] == n)[0] for n in (4, 2, 10))
    h, w = picture.shape[:2]
    priors = [(x * s + s / 2, y * s + s / 2, m) for s, ms in ((8, (16, 32)), (16, (64, 128)), (32, (256, 512)))
              for y in range(-(-h // s)) for x in range(-(-w // s)) for m in ms]
    priors = np.array(priors)
    centre, m = priors[:, :2], priors[:, 2:]
    middle, half = centre + .1 * m * d[:, :2], m * np.exp(.2 * d[:, 2:]) / 2
    points = centre[:, None] + .1 * m[:, None] * p.reshape(-1, 5, 2)
    return score[:, 1], np.hstack([middle - half, middle + half]), points


def yunet(path, picture):
    h, w = picture.shape[:2]
    detector = cv2.FaceDetectorYN.create(str(path), "", (w, h), SCORE, 1.0, 5000)
    found = detector.detect(np.ascontiguousarray(picture[..., ::-1]))[1]
    found = np.zeros((0, 15)) if found is None else found
    # OpenCV has the person's right eye first, which is the picture's left one: the order is ours.
    return found[:, 14], np.hstack([found[:, :2], found[:, :2] + found[:, 2:4]]), found[:, 4:14].reshape(-1, 5, 2)


def yoloface(network, picture):
    y = network.run(None, {network.get_inputs()[0].name: tensor("yoloface", picture)})[0][0]
    v8 = 20 in y.shape
    y = y.T if y.shape[0] in (16, 20) else y
    score = y[:, 4] if v8 else y[:, 4] * y[:, 15]
    points = y[:, 5:].reshape(-1, 5, 3)[..., :2] if v8 else y[:, 5:15].reshape(-1, 5, 2)
    return score, np.hstack([y[:, :2] - y[:, 2:4] / 2, y[:, :2] + y[:, 2:4] / 2]), points


def ultraface(network, picture):
    score, box = network.run(None, {network.get_inputs()[0].name: tensor("ultraface", picture)})
    h, w = picture.shape[:2]
    return score[0][:, 1], box[0] * [w, h, w, h], np.zeros((len(box[0]), 5, 2))


def same(a, b):
    area = lambda r: (r[2] - r[0] + 1) * (r[3] - r[1] + 1)
    p, q = a[1], b[1]
    both = max(0, min(p[2], q[2]) - max(p[0], q[0]) + 1) * max(0, min(p[3], q[3]) - max(p[1], q[1]) + 1)
    return both > IOU * (area(p) + area(q) - both) or (a[3] != b[3] and both > INSIDE * min(area(p), area(q)))


def detect(look, image, shape):
    found = []
    for side in PASSES:
        picture, sx, sy = canvas(image, side, *shape)
        score, box, points = look(picture)
        for i in np.flatnonzero(score >= SCORE):
            found.append((min(1, score[i]), box[i] / [sx, sy, sx, sy], points[i] / [sx, sy], side))
    found.sort(key=lambda f: (-f[0], f[1][0]))
    kept = []
    for f in found:
        if not any(same(k, f) for k in kept):
            kept.append(f)
    return sorted(kept, key=lambda f: f[1][0] + f[1][2])


def yolo_network(out, name, version):
    """Mean colours of 32 px squares → one anchor each: its place, and numbers from the colours."""
    value, width = helper.make_tensor_value_info, 20 if version == 8 else 16
    rng = np.random.default_rng(version)
    w = rng.normal(0, 12, (width, 3)).astype(np.float32)
    b = rng.normal(0, 8, width).astype(np.float32)
    w[2:4], b[2:4] = rng.uniform(20, 40, (2, 3)), (45, 60)
    strong = [4] if version == 8 else [4, 15]
    w[strong], b[strong] = (14, -14, 0), -1.4 if version == 8 else -.5
    place = np.zeros((1, width, 20, 20), np.float32)
    y, x = np.mgrid[:20, :20] * 32 + 16
    where = [(0, 1)] + [(5 + i * (3 if version == 8 else 2), 6 + i * (3 if version == 8 else 2)) for i in range(5)]
    for i, j in where:
        place[0, i], place[0, j] = x, y
    rows = np.zeros((1, width, 1, 1), np.float32)
    rows[0, strong] = 1  # through a sigmoid
    nodes = [helper.make_node("AveragePool", ["images"], ["p"], kernel_shape=[32, 32], strides=[32, 32]),
             helper.make_node("Conv", ["p", "w", "b"], ["c"]),
             helper.make_node("Add", ["c", "place"], ["a"]),
             helper.make_node("Sigmoid", ["c"], ["s"]),
             helper.make_node("Where", ["rows", "s", "a"], ["y"]),
             helper.make_node("Reshape", ["y", "shape"], ["output0" if version == 8 else "flat"])]
    if version == 5:
        nodes.append(helper.make_node("Transpose", ["flat"], ["output0"], perm=[0, 2, 1]))
    constants = [numpy_helper.from_array(v, n) for n, v in (
        ("w", w[:, :, None, None]), ("b", b), ("place", place.astype(np.float16)), ("rows", rows.astype(bool)),
        ("shape", np.array([1, width, 400])))]
    nodes.insert(0, helper.make_node("Cast", ["place"], ["placef"], to=TensorProto.FLOAT))
    nodes[3].input[1] = "placef"
    shape = [1, 20, 400] if version == 8 else [1, 400, 16]
    graph = helper.make_graph(nodes, name, [value("images", 1, [1, 3, 640, 640])], [value("output0", 1, shape)], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(out / name))


def detectors(data, out):
    yolo_network(out, "find_yolo8.onnx", 8)
    yolo_network(out, "find_yolo5.onnx", 5)
    real = data / "detector"
    networks = [("retinaface", real / "retinaface_mobilenet0.25_640.onnx", (640, 640)),
                ("yunet", real / "yunet_n_dynamic.onnx", (0, 0)), ("yunet", real / "yunet_n_640_640.onnx", (0, 0)),
                ("ultraface", real / "ultraface_RFB-320.onnx", (320, 240)),
                ("yoloface", out / "find_yolo8.onnx", (640, 640)), ("yoloface", out / "find_yolo5.onnx", (640, 640))]
    lines = ["# made by tools/golden/find.py: network file, family; photo name count; face score box points"]
    for family, path, shape in networks:
        lines.append(f"network\t{path.name}\t{family}")
        opened = real / "yunet_n_dynamic.onnx" if family == "yunet" else session(path)  # both files hold the same weights
        for name in PHOTOS:
            faces = detect(lambda picture: globals()[family](opened, picture), read(data / "photos" / name), shape)
            lines.append(f"photo\t{name}\t{len(faces)}")
            lines += ["face\t" + numbers([f[0], *f[1], *f[2].ravel()]) for f in faces]
            print(path.name, name, len(faces))
    (out / "find.tsv").write_text("\n".join(lines) + "\n")

    lines = ["# made by tools/golden/find.py: letterbox family width height side canvas; then index value of its tensor"]
    rng = np.random.default_rng(2)
    for family in PIXELS:
        for w, h, side, cw, ch in ((800, 600, 640, 640, 640), (500, 900, 128, 320, 240)):
            x = tensor(family, canvas(noise(w, h), side, cw, ch)[0]).ravel()
            lines.append(f"letterbox\t{family}\t{w}\t{h}\t{side}\t{cw}\t{ch}")
            lines += [f"value\t{i}\t{x[i]:.9g}" for i in rng.choice(x.size, 60, replace=False)]
    (out / "find_tensors.tsv").write_text("\n".join(lines) + "\n")


def agreed(data, out):
    """Faces of the photos that SCRFD, RetinaFace and YuNet all see."""
    real = data / "detector"
    first, second = session(of_any_size(real / "scrfd_2.5g_bnkps_640.onnx")), session(real / "retinaface_mobilenet0.25_640.onnx")
    lines = ["# made by tools/golden/find.py: photo name, faces seen by scrfd, retinaface, yunet and by all three; face box of these, scrfd's"]
    for path in sorted((data / "photos").iterdir()):
        image = read(path)
        seen = [scrfd(first, image), detect(lambda p: retinaface(second, p), image, (640, 640)),
                detect(lambda p: yunet(real / "yunet_n_dynamic.onnx", p), image, (0, 0))]
        common = [f for f in seen[0] if all(any(overlap(f[1], g[1]) > IOU for g in faces) for faces in seen[1:])]
        lines.append("\t".join(["photo", path.name, *(str(len(faces)) for faces in (*seen, common))]))
        lines += ["face\t" + numbers(f[1]) for f in common]
    (out / "find_agreed.tsv").write_text("\n".join(lines) + "\n")


# ---- landmarkers ----

def wave(name, tensor, shape, middle, height):
    """Nodes: middle + height · sin(0.37 i + t) in that shape, t the weighted mean colour."""
    n = int(np.prod(shape))
    constant = lambda key, v: helper.make_node("Constant", [], [name + key], value=numpy_helper.from_array(v))
    return [constant("n", np.array(float(n), np.float32)), constant("0", np.array(0., np.float32)), constant("1", np.array(1., np.float32)),
            constant("k", np.array(.37, np.float32)), constant("h", np.array(height, np.float32)), constant("m", np.array(middle, np.float32)),
            constant("s", np.array(shape)),
            helper.make_node("Range", [name + "0", name + "n", name + "1"], [name + "r"]),
            helper.make_node("Mul", [name + "r", name + "k"], [name + "a"]),
            helper.make_node("Add", [name + "a", tensor], [name + "b"]),
            helper.make_node("Sin", [name + "b"], [name + "c"]),
            helper.make_node("Mul", [name + "c", name + "h"], [name + "d"]),
            helper.make_node("Add", [name + "d", name + "m"], [name + "e"]),
            helper.make_node("Reshape", [name + "e", name + "s"], [name])]


def landmark_network(out, name, shape, outputs):
    """Mean colour of the crop → waves; outputs: name → shape, middle, height."""
    axes, value = [1, 2] if shape[3] == 3 else [2, 3], helper.make_tensor_value_info
    nodes = [helper.make_node("ReduceMean", ["input"], ["mean"], axes=axes, keepdims=0), helper.make_node("MatMul", ["mean", "w"], ["t"]),
             helper.make_node("Reshape", ["t", "one"], ["t1"])]
    for key, (size, middle, height) in outputs.items():
        nodes += wave(key, "t1", size, middle, height)
    scale = .01 if name == "find_2d106det.onnx" else 2
    constants = [numpy_helper.from_array(np.array([[1], [-2], [.5]], np.float32) * np.float32(scale), "w"), numpy_helper.from_array(np.array([1]), "one")]
    graph = helper.make_graph(nodes, name, [value("input", 1, shape)], [value(k, 1, v[0]) for k, v in outputs.items()], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(out / name))


IMAGENET = (np.array([.485, .456, .406]) * 255, 1 / (np.array([.229, .224, .225]) * 255))
LANDMARKS = {  # side, edge of the box, up, mean, factor
    "2dfan4": (256, None, 0, 0, 1 / 255), "pfld": (112, 1.2, 0, 0, 1 / 255), "pfld98": (112, 1.2, 0, 0, 1 / 255),
    "2d106det": (192, 1.5, 0, 0, 1), "liveportrait": (224, 1.5, .1, 0, 1 / 255), "mesh": (192, 1.5, 0, 0, 1 / 255),
    "mesh478": (256, 1.5, 0, 0, 1 / 255), "openseeface": (224, None, 0, *IMAGENET)}


def placed(family, box):
    """sx, tx, sy, ty: picture → crop."""
    side, edge, up = LANDMARKS[family][:3]
    x0, y0, x1, y1 = box
    w, h = x1 - x0, y1 - y0
    if family == "2dfan4":
        k = 195 / max(w, h)
        return k, (256 - (x0 + x1) * k) * .5, k, (256 - (y0 + y1) * k) * .5
    if family == "openseeface":
        left, top, kx, ky = x0 - .1 * w, y0 - .125 * h, side / (1.2 * w), side / (1.25 * h)
        return kx, (.5 - left) * kx - .5, ky, (.5 - top) * ky - .5
    if family.startswith("pfld"):
        size = edge * min(w, h)
        k, left, top = side / size, (x0 + x1 - size) / 2, (y0 + y1 - size) / 2
        return k, (.5 - left) * k - .5, k, (.5 - top) * k - .5
    size = edge * max(w, h)
    k = side / size
    return k, side / 2 - k * (x0 + x1) / 2, k, side / 2 - k * ((y0 + y1) / 2 - up * size)


def crop_points(family, outputs):
    """Points in crop pixels, score."""
    if family == "openseeface":
        t = outputs[0][0].reshape(198, -1)
        at, logit = t[:66].argmax(1), lambda p: np.log(np.clip(p, 1e-7, 1 - 1e-7) / (1 - np.clip(p, 1e-7, 1 - 1e-7))) / 16
        i = np.arange(66)
        y = 223 * (at // 28) / 27 + 223 * logit(t[66 + i, at].astype(float))
        x = 223 * (at % 28) / 27 + 223 * logit(t[132 + i, at].astype(float))
        return np.stack([x, y], 1), t[i, at].mean()
    if family == "2dfan4":
        return outputs[0][0][:, :2] / 64 * 256, np.interp(outputs[1].max((2, 3)).mean(), [0, .9], [0, 1])
    p = {"liveportrait": -1}.get(family, 0)
    v = outputs[p].reshape(-1, 3 if "mesh" in family else 2)[:, :2].astype(float)
    if family == "2d106det":
        return (v + 1) * 96, 1
    if "mesh" in family:
        return v, 1 / (1 + np.exp(-outputs[1].item()))
    return v * LANDMARKS[family][0], 1


def landmarkers(data, out):
    waves = {
        "2dfan4": ([1, 3, 256, 256], {"points": ([1, 68, 3], 32, 20), "maps": ([1, 68, 64, 64], .4, .3)}),
        "pfld": ([1, 3, 112, 112], {"output": ([1, 136], .5, .4)}), "pfld98": ([1, 3, 112, 112], {"output": ([1, 196], .5, .4)}),
        "2d106det": ([1, 3, 192, 192], {"fc1": ([1, 212], 0, .8)}),
        "liveportrait": ([1, 3, 224, 224], {"a": ([1, 214], .5, .4), "b": ([1, 262], .5, .4), "c": ([1, 406], .5, .4)}),
        "mesh": ([1, 192, 192, 3], {"points": ([1, 1, 1, 1404], 96, 80), "face": ([1, 1, 1, 1], 0, 3)}),
        "mesh478": ([1, 3, 256, 256], {"points": ([1, 1434], 128, 100), "face": ([1, 1], 0, 3)})}
    for family, (shape, outputs) in waves.items():
        landmark_network(out, f"find_{family}.onnx", shape, outputs)
    image, box = read(data / "photos/fr_obama.jpg"), (373.6, 85, 607.1, 418.2)
    rng = np.random.default_rng(5)
    lines = ["# made by tools/golden/find.py: landmarker file family turns box; values of its tensor; score; points i x y"]
    for family, turns in [(f, 0) for f in LANDMARKS] + [("openseeface", 1), ("2dfan4", 2), ("2d106det", 3)]:
        side, mean, factor = LANDMARKS[family][0], *LANDMARKS[family][3:]
        # The face lies: turned back counter-clockwise by rot90, it stands.
        view, (x0, y0, x1, y1) = image, box
        for _ in range(turns):
            (x0, y0, x1, y1), view = (y0, view.shape[1] - 1 - x1, y1, view.shape[1] - 1 - x0), np.rot90(view)
        sx, tx, sy, ty = placed(family, (x0, y0, x1, y1))
        v, u = np.mgrid[:side, :side].astype(float)
        crop = sample(view.astype(float), (u - tx) / sx, (v - ty) / sy)
        firm = np.abs(crop - np.floor(crop) - .5) > .01  # no rounding decides
        last = family == "mesh"
        x = (np.rint(crop) - mean) * factor
        x, firm = (x, firm) if last else (x.transpose(2, 0, 1), firm.transpose(2, 0, 1))
        path = data / "landmark/opensee_lm_model0_opt.onnx" if family == "openseeface" else out / f"find_{family}.onnx"
        network = session(path)
        points, score = crop_points(family, network.run(None, {network.get_inputs()[0].name: x[None].astype(np.float32)}))
        points = (points - [tx, ty]) / [sx, sy]
        for _ in range(turns):  # and lies again
            points = np.stack([view.shape[0] - 1 - points[:, 1], points[:, 0]], 1)
            view = np.rot90(view, -1)
        lines.append(f"landmarker\t{path.name}\t{family}\t{turns}\t" + "\t".join(str(b) for b in box))
        lines += [f"value\t{i}\t{x.ravel()[i]:.9g}" for i in rng.choice(np.flatnonzero(firm), 40, replace=False)]
        lines.append(f"score\t{score:.6g}\t{len(points)}")
        lines += [f"point\t{i}\t{points[i, 0]:.7g}\t{points[i, 1]:.7g}" for i in sorted(rng.choice(len(points), 24, replace=False))]
    (out / "find_landmarks.tsv").write_text("\n".join(lines) + "\n")


# ---- embedders ----

def embed_network(out, name, size, key, outputs):
    """Mean colours of quarters → a vector; a second output, if any, is its length."""
    value, rng = helper.make_tensor_value_info, np.random.default_rng(size)
    nodes = [helper.make_node("AveragePool", [key], ["p"], kernel_shape=[56, 56], strides=[56, 56]),
             helper.make_node("Flatten", ["p"], ["f"]), helper.make_node("Cast", ["w"], ["wf"], to=TensorProto.FLOAT),
             helper.make_node("MatMul", ["f", "wf"], [outputs[0]])]
    if len(outputs) > 1:
        nodes.append(helper.make_node("ReduceL2", [outputs[0]], [outputs[1]], axes=[1]))
    graph = helper.make_graph(nodes, name, [value(key, 1, [1, 3, 112, 112])],
                              [value(k, 1, s) for k, s in zip(outputs, ([1, size], [1, 1]))],
                              [numpy_helper.from_array(rng.normal(0, 1, (12, size)).astype(np.float16), "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, str(out / name))


def embedders(out):
    embed_network(out, "find_sface.onnx", 128, "data", ["fc1"])
    embed_network(out, "find_embedder.onnx", 512, "input", ["feature", "norm"])
    y, x = np.mgrid[:112, :112]
    picture = np.stack([x * 2, y * 2, (x + y) // 2 + 40], 2).astype(np.uint8)  # RGB, a crop already
    network = session(out / "find_embedder.onnx")
    answer = lambda x: network.run(None, {"input": x.transpose(2, 0, 1)[None].astype(np.float32)})[0][0]
    vectors = [("find_sface.onnx", "sface", cv2.FaceRecognizerSF.create(str(out / "find_sface.onnx"), "").feature(picture[..., ::-1].copy())[0]),
               ("find_embedder.onnx", "arcface", answer((picture - 127.5) / 127.5)), ("find_embedder.onnx", "cosface", answer((picture - 127.5) / 127.5)),
               ("find_embedder.onnx", "adaface", answer((picture[..., ::-1] / 255 - .5) / .5))]
    lines = ["# made by tools/golden/find.py: embedder file family; then index value of its unit vector"]
    for name, family, e in vectors:
        e = e / np.linalg.norm(e)
        lines.append(f"embedder\t{name}\t{family}")
        lines += [f"value\t{i}\t{e[i]:.7g}" for i in range(0, len(e), 7)]
    (out / "find_embedders.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    data, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    detectors(data, out)
    agreed(data, out)
    landmarkers(data, out)
    embedders(out)
