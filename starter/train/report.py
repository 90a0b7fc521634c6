# SPDX-License-Identifier: Apache-2.0
"""Measures a pack on people and captions that no training saw, and writes starter/REPORT.md.

    report.py PACK [OUT.md [PICTURES]]

The files of the pack are used as they are: the program ($LIKENESS, default build/likeness) draws, diffusers tries the companions, onnxruntime
runs the networks. The real SCRFD and YuNet
are asked too where LIKENESS_SHARED has them. PICTURES: the folder of the contact sheets, default docs/pictures.
"""
import json, os, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
import cv2
import numpy as np
import onnx
import onnxruntime
import torch
import torch.nn.functional as F
from PIL import Image
import agegender, features, forensic, landmarks, parser, restorer
from common import ARCFACE_112, ARCFACE_128, HALF, ROOT, RUN, SIDE, blur, crops, degrade, framing, load_weights, point_weight, psnr, \
    sheet, similarity, to_float, to_u8, warp
from data import SETS, faces, portraits
from detector import CANVAS, decode, iou
from drawn import softened
from embedder import aligned, embed, verification
from judge import Judge, SIDE as JUDGED, WORDS, accuracy
from swapper import Pairs, crispness, swapped, test_refine, test_swap, to_source
from upscaler import pictures as upscale_pictures

LIKENESS = os.environ.get("LIKENESS", str(ROOT / "build/likeness"))
PEOPLE, STYLED = 240, 96
NOBODY = ["a lighthouse by the sea", "a mountain lake", "a house with a garden", "a tree on a meadow", "a city skyline",
          "a beach at sunset", "a forest", "desert dunes", "a sailing boat on the sea", "a night sky with a full moon",
          "snowy mountains", "a castle on a hill", "a stone bridge", "a street with shops", "an orange cat", "a brown dog",
          "a bird on a branch", "a horse in a field", "flowers in a vase", "a red car on a road", "a bowl of fruit"]
STYLE_WORDS = dict(bald="a bald head", short="short {} hair", curly="curly {} hair", afro="a {} afro", bob="a {} bob", long="long straight {} hair",
                   wavy="long wavy {} hair", ponytail="a {} ponytail", bun="a {} bun", braids="{} braids", locs="{} locs")
LOOKS = dict(neutral="calm", smile="smiling", laugh="laughing", serious="serious", surprised="surprised", sad="sad", angry="angry")


class Net:
    """An ONNX file called with torch tensors."""

    def __init__(self, path):
        o = onnxruntime.SessionOptions()
        o.intra_op_num_threads, o.log_severity_level = 1, 3
        self.session = onnxruntime.InferenceSession(str(path), o, providers=["CPUExecutionProvider"])
        self.names = [i.name for i in self.session.get_inputs()]
        self.single = self.session.get_inputs()[0].shape[0] == 1

    def __call__(self, *x):
        if self.single and len(x[0]) > 1:
            parts = [self(*(v[i:i + 1] for v in x)) for i in range(len(x[0]))]
            return torch.cat(parts) if torch.is_tensor(parts[0]) else [torch.cat(p) for p in zip(*parts)]
        out = [torch.from_numpy(v) for v in self.session.run(None, {n: v.numpy() for n, v in zip(self.names, x)})]
        return out[0] if len(out) == 1 else out

    def eval(self):
        return self


def find(net, x, side=None, limit=.5):
    """Detections per picture. side: of a canvas that the picture fills by 60 %; else it fills the starter's own canvas."""
    out = []
    for p in x:
        k = (side * .6 if side else CANVAS) / p.shape[-1]
        q = F.interpolate(p[None], scale_factor=k, mode="bilinear", antialias=True)[0].clamp(0, 1)
        canvas = torch.zeros(3, side or CANVAS, side or CANVAS)
        canvas[:, :q.shape[1], :q.shape[2]] = q
        y = net((canvas[None] * 255 - 127.5) / 128)
        out.append([(s, b / k, q / k) for s, b, q in decode((y[0:3], y[3:6], y[6:9]), limit)])
    return out


class Real:
    """Detectors made by others for photographs, from LIKENESS_SHARED; each says in which share of pictures it finds a face."""

    def __init__(self, folder):
        self.scrfd = Net(folder / "scrfd_2.5g_bnkps_640.onnx")
        self.yunet = cv2.FaceDetectorYN.create(str(folder / "yunet_n_dynamic.onnx"), "", (384, 384), .6)

    def yunet_finds(self, p):
        canvas = np.zeros((384, 384, 3), np.uint8)  # faces that fill the whole picture are not what it was made for
        canvas[64:320, 64:320] = cv2.resize(to_u8(p[None])[0], (256, 256), interpolation=cv2.INTER_AREA)[..., ::-1]
        return self.yunet.detect(canvas)[1] is not None

    def __call__(self, x):
        return {"found by SCRFD": share(find(self.scrfd, x, 640)), "found by YuNet": share(map(self.yunet_finds, x))}


def share(of):
    return round(float(np.mean([bool(v) for v in of])), 3)


def sentences(count, rng, styled=False):
    """Prompts with what they state: [(text, {attribute: class})]; all about the style of the hair if `styled`."""
    out = []
    for n in range(count):
        a = {k: int(rng.integers(len(v))) for k, v in WORDS.items()}
        woman = a["gender"] == 0
        styles = [k for k in STYLE_WORDS if k not in (("bald",) if woman else ("bob", "ponytail", "bun", "braids", "wavy"))]
        style = styles[rng.integers(len(styles))]
        a["style"] = WORDS["style"].index(style)
        # grey and white hair is of the old in the renderer's world, dyed hair of the young; beards are of men
        if a["age"] == 3:
            a["hair"] = 4 + n % 2
        elif a["hair"] in (4, 5) or (a["hair"] > 5 and a["age"] != 1):
            a["hair"] = n % 4
        said = {"gender", "age", "expression", *rng.choice(["skin", "style", "glasses", "hat", "background"], 3, replace=False)}
        if styled:
            said = said - {"hat"} | {"style"}
        elif "hat" in said and a["hat"]:
            said -= {"style"}
        noun = [["girl", "boy"], ["young woman", "young man"], ["middle-aged woman", "middle-aged man"], ["old woman", "old man"]][a["age"]][a["gender"]]
        has = []
        if "style" in said:
            has.append(STYLE_WORDS[style].format(WORDS["hair"][a["hair"]]))
            said |= {"hair"} if style != "bald" else set()
        if "skin" in said:
            has.append(f"{WORDS['skin'][a['skin']]} skin")
        if not woman and a["age"] and rng.random() < .35:
            has.append("a beard")
            a["beard"] = 1
            said |= {"beard"}
        if "glasses" in said:
            a["glasses"] = 1
            has.append("glasses")
        wears = f" wearing a {dict(brim='sun hat').get(WORDS['hat'][a['hat']], WORDS['hat'][a['hat']])}" if "hat" in said and a["hat"] and (woman or a["hat"] < 4) else ""
        if not wears:
            said -= {"hat"}
        text = f"portrait of a {LOOKS[WORDS['expression'][a['expression']]]} {noun}" + (" with " + " and ".join(has) if has else "") + wears
        text += f", {WORDS['background'][a['background']]} background" if "background" in said else ""
        out.append((text.replace("a angry", "an angry"), {k: a[k] for k in said}))
    return out


def pipeline(folder):
    from diffusers import DPMSolverMultistepScheduler, StableDiffusionPipeline
    pipe = StableDiffusionPipeline.from_pretrained(str(folder), torch_dtype=torch.float32)
    pipe.scheduler = DPMSolverMultistepScheduler.from_config(pipe.scheduler.config, algorithm_type="dpmsolver++", solver_order=2)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def draw(pack, prompts, seed):
    """[N,3,SIDE,SIDE]: what the program draws with the pack, seeds `seed` onwards; one process for each core."""
    def one(k):
        file = f"{folder}/{k}.png"
        subprocess.run([LIKENESS, "draw", prompts[k], "--seed", str(seed + k), "--threads", "1", "--quiet", "-o", file], check=True,
                       env=os.environ | dict(LIKENESS_MODELS=str(pack.resolve()), LIKENESS_STATE=f"{folder}/state"))
        return np.asarray(Image.open(file).convert("RGB"))
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        return to_float(np.stack(list(pool.map(one, range(len(prompts))))))


def measure_draw(pack, nets, real):
    rng = np.random.default_rng(77)
    asked = sentences(PEOPLE, rng) + sentences(STYLED, rng, True)
    x = draw(pack, [a[0] for a in asked], 1000)
    nobody = draw(pack, NOBODY * 2, 5000)
    up = torch.cat([nets["upscaler"](p[None]) for p in x]).clamp(0, 1)
    found, found_up = find(nets["detector"], x), find(nets["detector"], up)
    judge = load_weights("judge", "ema", Judge())
    with torch.no_grad():
        seen = {k: v.argmax(1).numpy() for k, v in judge(F.interpolate(x, size=JUDGED, mode="bilinear", antialias=True)).items()}
    asks = lambda k: [i for i, (_, a) in enumerate(asked) if k in a]
    hit = lambda k, rows: round(float(np.mean([seen[k][i] == asked[i][1][k] for i in rows])), 3) if rows else None
    right = {k: hit(k, asks(k)) for k in WORDS}
    smiling = [i for i in asks("expression")]
    right["smile"] = round(float(np.mean([(seen["expression"][i] in (1, 2)) == (asked[i][1]["expression"] in (1, 2)) for i in smiling])), 3)
    near = np.mean([abs(seen["skin"][i] - asked[i][1]["skin"]) <= 1 for i in asks("skin")])
    by = {f"found, {name}": round(float(np.mean([bool(found_up[i]) for i in asks(k) if asked[i][1][k] == c])), 3)
          for k, names in (("gender", WORDS["gender"]), ("skin", WORDS["skin"])) for c, name in enumerate(names)}
    for c, name in enumerate(WORDS["style"]):
        rows = [i for i in asks("style") if asked[i][1]["style"] == c]
        wrong = np.bincount([k for k in seen["style"][rows] if k != c], minlength=1)
        by[f"style, {name}"] = f"{hit('style', rows)} of {len(rows)}" + (f", else {WORDS['style'][wrong.argmax()]}" if wrong.any() else "")
    sheet(torch.cat([x[:48]]), RUN / "logs/report_people.png", 8, 2)
    sheet(nobody[:16], RUN / "logs/report_nobody.png", 8, 2)
    d = dict(by, prompts=len(asked), found=share(found), found_after_upscaling=share(found_up),
             false_alarms_without_people=share(find(nets["detector"], nobody)), skin_within_one_tone=round(float(near), 3))
    if real:
        pictures, _, f = portraits("sd_test")
        d |= dict(drawn=real(up), renders=real(to_float(pictures[np.where(f["people"] == 1)[0][:PEOPLE]])), without_people=real(nobody))
    of, soft = accuracy(judge), accuracy(judge, through=softened)
    return d, {k: dict(drawn=right[k], judge=of.get(k, ""), soft=soft.get(k, "")) for k in right}, up, found_up


def draw_beside(pack, upscaler, path, count=24):
    """Pictures of the renderer's own captions, each row above the renders of the same captions."""
    pictures, _, f = portraits("up_test", 2 * SIDE)
    x = torch.cat([upscaler(p[None]) for p in draw(pack, f.captions[:count], 7000)]).clamp(0, 1)
    y = to_float(pictures[:count])
    save_sheet(torch.cat([v[i:i + 8] for i in range(0, count, 8) for v in (x, y)]), path)


def put_back(x, face, m):
    """Crops written back into their pictures with a soft rim: x [N,3,S,S], face [N,3,128,128], m [N,2,3] picture to crop."""
    full = np.concatenate([m, np.tile(np.array([[[0, 0, 1]]], np.float32), (len(m), 1, 1))], 1)
    back = np.linalg.inv(full).astype(np.float32)[:, :2]
    rim = torch.zeros(1, 1, 128, 128)
    rim[..., 16:-10, 18:-18] = 1
    w = warp(torch.cat([face, blur(rim, 5.).expand(len(x), 1, -1, -1)], 1), back, x.shape[-1])
    inside = warp(torch.ones(len(x), 1, 128, 128), back, x.shape[-1])
    alpha = w[:, 3:] * inside
    return x * (1 - alpha) + w[:, :3] * alpha


def dense(nets, x, box):
    """68 points [N,68,2] in the pixels of x [N,3,S,S], as the program sees them in boxes [N,4]."""
    k = 195 / np.maximum(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1])
    to = 128 - k[:, None] * (box[:, :2] + box[:, 2:]) / 2
    crop = np.concatenate([np.eye(2)[None] * k[:, None, None], to[..., None]], 2).astype(np.float32)
    p = nets["landmarker"](warp(x, crop, 256))[0][..., :2].numpy() * 4
    return ((p - to[:, None]) / k[:, None, None]).astype(np.float32)


def five(p):
    """The five of 68 points [N,68,2] by which faces are aligned."""
    return np.stack([p[:, 36:42].mean(1), p[:, 42:48].mean(1), p[:, 30], p[:, 48], p[:, 54]], 1)


def measure_swap_drawn(nets, up, found, m):
    """Drawn faces with their own identity and with that of unseen people; pictures for the sheet."""
    f = faces("identity_test")
    keep = [i for i, v in enumerate(found) if v]
    if not keep:
        return dict(faces=0), None
    who = np.random.default_rng(8).integers(0, len(f), len(keep))
    e = nets["embedder"](crops(f.batch(who), f.points()[who], ARCFACE_112, 112) * 2 - 1)
    points = five(dense(nets, up[keep], np.stack([max(found[i], key=lambda d: d[0])[1] for i in keep])))
    face = crops(up[keep], points, ARCFACE_128, 128)
    own = nets["embedder"](crops(up[keep], points, ARCFACE_112, 112) * 2 - 1)
    out, fixed = (swapped(nets["swapper"], face, to_source(v, m)) for v in (e, own))
    inner = np.tile(ARCFACE_128[None] * 128, (len(keep), 1, 1)).astype(np.float32)
    again = nets["embedder"](crops(out, inner, ARCFACE_112, 112) * 2 - 1)
    cos = lambda a: round(float(F.cosine_similarity(a, e).mean()), 3)
    w = point_weight(inner, 128, 9., 3.)
    to_crop = similarity(points, np.tile(ARCFACE_128[None] * 128, (len(keep), 1, 1)).astype(np.float32))
    k = slice(0, 8)
    rows = [up[keep[k]], put_back(up[keep[k]], fixed[k], to_crop[k]),
            F.interpolate(crops(f.batch(who[k]), f.points()[who[k]], ARCFACE_128, 128), size=2 * SIDE, mode="bicubic").clamp(0, 1),
            put_back(up[keep[k]], out[k], to_crop[k])]
    return dict(faces=len(keep), cosine_to_other_before=cos(own), cosine_to_other_after=cos(again),
                own_identity_crispness_gain=round(crispness(fixed, w) / crispness(face, w), 3)), torch.cat(rows)


def by_group(f, rows, measure):
    """The measure of the rows of each gender and skin tone, and how far the worst of either lies behind the best."""
    said, spread = {}, {}
    for k in ("gender", "skin"):
        values = {name: measure(rows[f[k][rows] == c]) for c, name in enumerate(WORDS[k])}
        said |= values
        spread[k] = round(max(values.values()) - min(values.values()), 3)
    return said | {f"between best and worst {k}": v for k, v in spread.items()}


def measure_identity(net):
    """Verification of unseen people, whole and by group: error at the threshold of all."""
    whole = verification(net)
    pictures, keep, f = aligned("identity_test")
    e = embed(net, to_float(pictures)[:, :, 8:-8, 8:-8])
    who = f["identity"][keep]

    def right(rows):
        i = np.searchsorted(keep, rows)
        c, same = (e[i] @ e[i].T).numpy(), who[i][:, None] == who[i][None]
        upper = np.triu(np.ones_like(same), 1)
        return round(float(((c[same & upper] >= whole["threshold"]).mean() + (c[~same & upper] < whole["threshold"]).mean()) / 2), 3)
    return dict(renders=whole, degraded=verification(net, change=lambda x: degrade(x, np.random.default_rng(2))),
                right=by_group(f, keep, right))


def probe_pose():
    """Weights [137,3] that read yaw, pitch and roll off 68 normalised points, from the renderer's own truth. The ridge keeps them
    small: points that the landmarker is a little wrong about are read with 1.7 degrees of error, and with 15 where it is 1e-3."""
    f = faces("parts")
    at = f.columns["dense_0"]
    a = normal(f.labels[:, at:at + 136].reshape(-1, 68, 2))
    y = np.stack([f[k] for k in ("yaw", "pitch", "roll")], 1)
    return np.linalg.solve(a.T @ a + 10 * np.eye(a.shape[1]), a.T @ y)


def normal(points):
    """[N,68,2] -> [N,137] with mean 0 and size 1, and a constant."""
    p = points - points.mean(1, keepdims=True)
    p = p / np.sqrt((p ** 2).mean((1, 2), keepdims=True))
    return np.concatenate([p.reshape(len(p), -1), np.ones((len(p), 1))], 1)


def measure_swap_keeps(nets, m):
    """What a swap leaves as it was: expression as the judge sees it; and pose, read off 68 points of the swap and of the rendered
    answer, which has the target's pose and the other's features (features alone move such a reading by some degrees)."""
    p, a = Pairs("pairs_test"), faces("pairs_test", "_a")
    rows, half = np.where(~p.same)[0], 8
    x = a.batch(rows)
    face = to_float(p.a[rows])[..., half:-half, half:-half]
    out = swapped(nets["swapper"], face, to_source(p.e_b[rows], m))
    to_crop = similarity(a.points()[rows], np.tile(ARCFACE_128[None] * 128, (len(rows), 1, 1)).astype(np.float32))
    y, answer = put_back(x, out, to_crop), put_back(x, to_float(p.ab[rows])[..., half:-half, half:-half], to_crop)
    pose, look = probe_pose(), lambda v: normal(dense(nets, v, a.boxes()[rows]))
    shift = np.abs(look(y) @ pose - look(answer) @ pose)
    frame = framing(a.points()[rows], np.ones(len(rows), bool), a.size, JUDGED)
    judge = load_weights("judge", "ema", Judge())
    seen = [judge(warp(v, frame, JUDGED))["expression"].argmax(1).numpy() for v in (x, y, answer)]
    asked = a["expression"][rows].astype(int)
    e = nets["embedder"](crops(out, np.tile(ARCFACE_128[None] * 128, (len(rows), 1, 1)).astype(np.float32), ARCFACE_112, 112) * 2 - 1)
    cosine = F.cosine_similarity(e, p.e_b[rows]).numpy()
    return dict(pose_shift_degrees=dict(zip(("yaw", "pitch", "roll"), shift.mean(0).round(2).tolist())),
                expression_right_before=round(float((seen[0] == asked).mean()), 3), expression_right_after=round(float((seen[1] == asked).mean()), 3),
                expression_the_same=round(float((seen[0] == seen[1]).mean()), 3), expression_the_same_in_the_answer=round(float((seen[0] == seen[2]).mean()), 3),
                cosine=by_group(a, rows, lambda r: round(float(cosine[np.isin(rows, r)].mean()), 3)))


class Parse:
    """The parser's file behind the interface of parser.quality."""

    def __init__(self, net):
        self.net = net

    def small(self, x):
        return torch.cat([F.avg_pool2d(self.net(F.interpolate(x[i:i + 1], scale_factor=4)), 4) for i in range(len(x))])


def measure_age(net):
    pictures, gender, years, keep, f = agegender.cut("sd_test")
    g, y = agegender.look(net, pictures)
    error = np.abs(y - years)
    group = lambda r: round(float(error[np.isin(keep, r)].mean()), 2)
    return dict(gender_right=round(float((g == gender).mean()), 3), years_of_error=round(float(error.mean()), 2), by_group=by_group(f, keep, group))


def measure_others(nets):
    """The networks that the pack may lack."""
    said = {}
    if "landmarker" in nets:
        said["68 points, percent of the distance between the eyes"] = landmarks.quality(nets["landmarker"])
    if "parser" in nets:
        said["Face parser"] = parser.quality(Parse(nets["parser"]))
    if "agegender" in nets:
        said["Age and gender"] = measure_age(nets["agegender"])
    if "restorer" in nets:
        said["Restorer: PSNR, crispness, cosine"] = restorer.quality(nets["restorer"])
    if "forensics" in nets:
        said["Forensics, area under the curve by kind of swap"] = forensic.quality(nets["forensics"], forensic.Cases("pairs_test")) | dict(
            never_trained_on=", ".join(forensic.UNSEEN))
    return said


def save_sheet(x, path):
    """Rows of eight, as small a JPEG as still shows the features."""
    u = to_u8(x)
    rows = np.concatenate([np.concatenate(list(u[i:i + 8]), 1) for i in range(0, len(u), 8)])
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rows).resize((1280, 160 * len(u) // 8), Image.LANCZOS).save(path, "JPEG", quality=84)


def measure_detector(nets, count=200):
    """Faces and their five points: the detector's own, and what the program makes of them with the landmarker."""
    net, result = nets["detector"], {}
    for name in ("wide_test", "sd_test"):
        f = faces(name)
        n = min(count, len(f))
        hits = total = alarms = empty = 0
        errors, seen = [], []
        for i, found in enumerate(find(net, f.batch(slice(0, n)))):
            truth = [(f.boxes(k)[i], f.points(k)[i]) for k in range(3) if f.boxes(k)[i][2] > 0]
            empty += not truth
            total += len(truth)
            used = set()
            for b, p in truth:
                j = max(range(len(found)), key=lambda j: iou(found[j][1], b), default=None)
                if j is not None and iou(found[j][1], b) > .4:
                    hits, _ = hits + 1, used.add(j)
                    errors.append(np.linalg.norm(found[j][2] - p, axis=1).mean() / np.linalg.norm(p[0] - p[1]))
                    if f["people"][i] == 1:
                        seen.append((i, found[j][1]))
            alarms += len(found) - len(used)
        rows, boxes = np.array([i for i, _ in seen]), np.stack([b for _, b in seen])
        at = f.columns["dense_0"]
        truth = five(f.labels[rows, at:at + 136].reshape(-1, 68, 2))
        off = np.linalg.norm(five(dense(nets, f.batch(rows), boxes)) - truth, axis=2).mean(1) / np.linalg.norm(truth[:, 0] - truth[:, 1], axis=1)
        result[name] = dict(pictures=n, without_people=empty, faces=total, recall=round(hits / total, 3), false_alarms=alarms,
                            points_error_percent_of_eye_distance=round(100 * float(np.mean(errors)), 1),
                            points_error_with_the_landmarker=round(100 * float(np.mean(off)), 2))
    return result


def measure_vae(pipe):
    pictures, _, _ = portraits("sd_test")
    x, k = to_float(pictures[:120]), pipe.vae.config.scaling_factor
    with torch.no_grad():
        z = torch.cat([pipe.vae.encode(x[i:i + 20] * 2 - 1).latent_dist.mean for i in range(0, 120, 20)])
        y = torch.cat([pipe.vae.decode(z[i:i + 20]).sample for i in range(0, 120, 20)]) / 2 + .5
    return dict(psnr=round(psnr(y, x), 2), scaled_latent_deviation=[round(v, 3) for v in (z * k).std((0, 2, 3)).tolist()])


def measure_upscaler(net):
    crisp, soft, _, _ = upscale_pictures("up_test")
    y, v = to_float(crisp), to_float(soft)
    small = F.interpolate(y, size=SIDE, mode="bicubic", antialias=True).clamp(0, 1)
    cubic = lambda x: F.interpolate(x, scale_factor=2., mode="bicubic").clamp(0, 1)
    up = lambda x: torch.cat([net(p[None]) for p in x]).clamp(0, 1)
    return dict(renders=round(psnr(up(small), y), 2), renders_bicubic=round(psnr(cubic(small), y), 2),
                after_vae=round(psnr(up(v), y), 2), after_vae_bicubic=round(psnr(cubic(v), y), 2))


def processor():
    said = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
    name = " ".join(v.strip() for k, v in said.items() if k.strip() == "model name")
    return f"{name} ({torch.backends.cpu.get_cpu_capability()}{', BF16' if HALF == torch.bfloat16 else ''})"


def table(head, rows):
    line = lambda r: "| " + " | ".join(str(v) for v in r) + " |"
    return "\n".join([line(head), line(["---"] * len(head)), *map(line, rows)])


def flat(d, prefix=""):
    for k, v in d.items():
        name = f"{prefix}{k}".replace("_", " ")
        if isinstance(v, dict):
            yield from flat(v, f"{name}: ")
        else:
            yield name, v


def goals(parts, attributes):
    """Rows of what the project asks of the pack: words, goal, value, whether it is met."""
    drawn, who, swap = parts["Drawn pictures"], parts["Identity, unseen people"], parts["Swap"]
    rows = [("a person asked for, a face found", ">= 0.97", drawn["found_after_upscaling"]),
            ("no person asked for, a face found", "<= 0.03", drawn["false_alarms_without_people"])]
    rows += [(f"attribute: {k}", ">= 0.8", attributes[k]["drawn"])
             for k in ("skin", "hair", "style", "glasses", "beard", "smile", "age", "hat")]
    rows += [(f"{what} {found}", ">= 0.9", share) for what, key in (("drawn faces", "drawn"), ("rendered faces", "renders"))
             for found, share in drawn.get(key, {}).items()]
    rows += [("unseen people told apart", ">= 0.97", round(1 - who["renders"]["error"], 3)),
             ("the same, worst gender behind best", "<= 0.05", who["right"]["between best and worst gender"]),
             ("the same, worst skin tone behind best", "<= 0.05", who["right"]["between best and worst skin"]),
             ("five points that faces are aligned by, % of the eye distance, portraits", "<= 3", parts["Detector"]["sd_test"]["points_error_with_the_landmarker"]),
             (f"swapped renders: cosine to the identity (the rendered answer: {swap['renders']['answer']})", ">= 0.6", swap["renders"]["after"]),
             ("swapped drawn faces: cosine to the identity", ">= 0.6", swap["drawn"].get("cosine_to_other_after", 0))]
    if swap["kept"]:
        rows += [("swap turns the head, degrees of yaw", "<= 2", swap["kept"]["pose_shift_degrees"]["yaw"]),
                 (f"swap keeps the expression (the rendered answer: {swap['kept']['expression_the_same_in_the_answer']})", ">= 0.9", swap["kept"]["expression_the_same"])]
    for head, words, goal, value in (
            ("68 points", "68 points, % of the eye distance, front", "<= 3", lambda d: d["front"]),
            ("Forensics", "forensic AUC, mean of kinds never trained on", ">= 0.9", lambda d: round(float(np.mean([d[k] for k in forensic.UNSEEN])), 3)),
            ("Age and gender", "age, years of error", "<= 6", lambda d: d["years_of_error"])):
        rows += [(words, goal, value(d)) for name, d in parts.items() if name.startswith(head)]
    met = lambda goal, v: v >= float(goal[3:]) if goal[0] == ">" else v <= float(goal[3:])
    return [(words, goal, v, "met" if met(goal, v) else "**not met**") for words, goal, v in rows]


def main():
    pack = Path(sys.argv[1])
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "starter/REPORT.md"
    sheets = Path(sys.argv[3]) if len(sys.argv) > 3 else ROOT / "docs/pictures"
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))
    nets = {p.stem: Net(p) for p in sorted(pack.glob("*.onnx"))}
    described = json.loads((pack / "pack.json").read_text())
    folder = Path(os.environ.get("LIKENESS_SHARED", ROOT.parent / "shared")) / "data/detector"
    real = Real(folder) if folder.exists() else None
    m = next(onnx.numpy_helper.to_array(t) for t in onnx.load(str(pack / "swapper.onnx")).graph.initializer if t.name == "buff2fs")
    m, pipe = torch.from_numpy(np.array(m)), pipeline(pack / "sd")
    with torch.no_grad():
        drawn, attributes, up, found = measure_draw(pack, nets, real)
        draw_beside(pack, nets["upscaler"], sheets / "drawn-beside-renders.jpg")
        other, rows = measure_swap_drawn(nets, up, found, m)
        if rows is not None:
            save_sheet(rows, sheets / "starter.jpg")
        companions, shown, words = features.measure(pipe, pack)
        save_sheet(shown, sheets / "companions.jpg")
        parts = {
            "Drawn pictures": drawn,
            "Identity, unseen people": measure_identity(nets["embedder"]),
            "Swap": dict(renders=test_swap(nets["swapper"], m), renders_drawn_again=test_refine(nets["swapper"], m), drawn=other,
                         kept=measure_swap_keeps(nets, m) if "landmarker" in nets else {}),
            "Detector": measure_detector(nets), "VAE": measure_vae(pipe), "Upscaler, PSNR": measure_upscaler(nets["upscaler"]),
        } | measure_others(nets) | companions
    size = sum(p.stat().st_size for p in pack.rglob("*") if p.is_file())
    data = [(n, s["kind"], s["count"], s.get("size", "words"), s["seed"]) for n, s in SETS.items()]
    text = ["# Starter pack: what it was trained on and what it does", "",
            "Written by `starter/train/report.py` from measurements; nothing here is by hand. All pictures come from `starter/faces`;",
            "test sets (seeds 91xx) share no person and no picture with the training sets. Pack: "
            f"{size / 1e6:.1f} MB, licence Apache-2.0.", "",
            "## Goals", "", table(["asked", "goal", "measured", ""], goals(parts, attributes)), "",
            "## Beside the renderer", "", "![drawn above, rendered below](../docs/pictures/drawn-beside-renders.jpg)", "",
            "Captions of unseen renders, the first that come: above what the pack draws and enlarges, below the render that has the caption.", "",
            "## Faces", "", "![drawn, refined, another's face, swapped](../docs/pictures/starter.jpg)", "",
            "Rows: drawn and enlarged; the same with its own identity swapped in; faces of unseen people; swapped to them.", "",
            "## Companions", "", f"![{words}](../docs/pictures/companions.jpg)", "", f"Rows: {words}.", "",
            "## Attributes", "", f"Share of {PEOPLE + STYLED} drawn prompts in which a classifier trained apart sees what was asked; and how often it is right about renders, and about",
            "renders that have been through the VAE, as every drawn picture has.", "",
            table(["attribute", "drawn", "renders", "through the VAE"], [(k, *v.values()) for k, v in attributes.items()]), "",
            "## Data", "",
            table(["set", "kind", "records", "side", "seed"], data), "", "## Trainings", "",
            f"Minutes, of one core or of both (docs/starter-training.md), {processor()}, torch {torch.__version__.split('+')[0]}.", "",
            table(["network", "steps", "samples", "minutes"], [(name, *v.values()) for name, v in described["trained"].items()]), ""]
    for head, d in parts.items():
        text += [f"## {head}", "", table(["measure", "value"], flat(d)), ""]
    out.write_text("\n".join(text))
    print(json.dumps(parts, indent=1))


if __name__ == "__main__":
    main()
