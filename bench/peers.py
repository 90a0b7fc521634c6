#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The programs that likeness is measured against, one per process, with the words of bench/measure.h.

    peers.py ENGINE WORK SPEC.json

WORK: unet | vae | text | draw | portrait | swap | faces. SPEC: what tools/bench writes: checkpoint, size, batch, steps, threads, inputs, output;
for faces picture, face, detector, embedder, swapper, upscaler; for facefusion's steps landmarker, parser, agegender too. Of the first run the result is written to `output`: f32, or a picture."""
import json
import os
import pathlib
import resource
import sys
import time

import numpy


def arrays_of(spec):
    """The inputs of a network, in the order of bench_network."""
    flat, at, out = numpy.fromfile(spec["inputs"], numpy.float32), 0, []
    for shape in spec["shapes"]:
        n = int(numpy.prod(shape))
        out.append(flat[at:at + n].reshape(shape))
        at += n
    return out


class Torch:
    """diffusers on torch, in f32 or in bfloat16, on spec["device"]."""

    def __init__(self, work, spec, dtype="float32"):
        import torch
        from diffusers import AutoencoderKL, UNet2DConditionModel
        from transformers import CLIPTextModel
        torch.set_num_threads(spec["threads"])
        self.torch, self.work = torch, work
        kind = {"unet": UNet2DConditionModel, "vae": AutoencoderKL, "text": CLIPTextModel}[work]
        folder = "text_encoder" if work == "text" else work
        self.model = kind.from_pretrained(spec["checkpoint"], subfolder=folder, torch_dtype=getattr(torch, dtype)).eval().to(spec["device"])
        self.inputs = [torch.from_numpy(x).to(self.model.device, self.model.dtype) for x in arrays_of(spec)]
        if work == "text":  # ours begins behind the table of tokens: its first rows become the inputs
            self.model.get_input_embeddings().weight.data[:77] = self.inputs[0][0]
            self.inputs = [torch.arange(77, device=self.model.device)[None]]

    def module(self):
        """From tensors to a tensor."""
        model, work, torch = self.model, self.work, self.torch
        if len(self.inputs) == 4:  # SDXL: ours begins behind the sinusoids of the sizes
            model.get_aug_embed = lambda emb, encoder_hidden_states, added_cond_kwargs: model.add_embedding(added_cond_kwargs)

        class Plain(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.model = model

            def forward(self, *inputs):
                added = {"added_cond_kwargs": inputs[3]} if len(inputs) == 4 else {}
                return (model.decode if work == "vae" else model)(*inputs[:3], return_dict=False, **added)[0]
        return Plain()

    def run(self):
        with self.torch.inference_mode():
            return self.module()(*self.inputs).float().cpu().numpy()


class TorchBf16(Torch):
    def __init__(self, work, spec):
        super().__init__(work, spec, "bfloat16")


class TorchCompiled(Torch):
    """What torch's own pages advise: compiled by inductor (in the first run), channels last; f16 on a GPU."""

    def __init__(self, work, spec, dtype=None):
        super().__init__(work, spec, dtype or ("float32" if spec["device"] == "cpu" else "float16"))
        if work != "text":
            self.model.to(memory_format=self.torch.channels_last)
        self.compiled = self.torch.compile(super().module().eval())

    def module(self):
        return self.compiled


class TorchBest(TorchCompiled):
    """And in bfloat16, which is its quickest where the processor has it."""

    def __init__(self, work, spec):
        super().__init__(work, spec, "bfloat16")


class OpenVino:
    """OpenVINO's runtime, the network converted from diffusers; f32, or what it takes by itself."""

    def __init__(self, work, spec, hint="f32"):
        import openvino
        source = Torch(work, spec)
        model = openvino.convert_model(source.module().eval(), example_input=tuple(source.inputs))
        options = {"INFERENCE_NUM_THREADS": spec["threads"], "PERFORMANCE_HINT": "LATENCY"}
        if hint:
            options["INFERENCE_PRECISION_HINT"] = hint
        self.inputs = [x.numpy() for x in source.inputs]
        del source
        self.model = openvino.compile_model(model, "CPU", options)

    def run(self):
        return self.model(self.inputs)[0]


class OpenVinoOwn(OpenVino):
    def __init__(self, work, spec):
        super().__init__(work, spec, None)


class StableDiffusionCpp:
    """stable-diffusion.cpp draws; a step is the time between two of its progress calls, of batch 2 by guidance."""

    def __init__(self, work, spec):
        from stable_diffusion_cpp import StableDiffusion
        self.spec, self.stamps = spec, []
        self.model = StableDiffusion(model_path=spec["single_file"], n_threads=spec["threads"], wtype="default", verbose=False)

    def run(self):
        self.stamps = []
        side = self.spec["size"]
        self.model.generate_image(prompt="a portrait", width=side, height=side, sample_steps=3, cfg_scale=7.5, seed=1,
                                  progress_callback=lambda step, steps, seconds: self.stamps.append((time.monotonic(), time.process_time())))
        return None

    def times(self):
        (wall, busy), (wall_end, busy_end) = self.stamps[-2:]
        return wall_end - wall, busy_end - busy


class Diffusers:
    """A whole drawing by diffusers, as a user writes it, to a PNG."""

    def __init__(self, work, spec):
        import torch
        from diffusers import StableDiffusionPipeline
        torch.set_num_threads(spec["threads"])
        self.torch, self.spec = torch, spec
        self.pipe = StableDiffusionPipeline.from_pretrained(spec["checkpoint"], torch_dtype=torch.float32 if spec["device"] == "cpu" else torch.float16, safety_checker=None)
        self.pipe.to(spec["device"])
        self.pipe.set_progress_bar_config(disable=True)
        self.pipe.tokenizer.model_max_length = 77  # a checkpoint of random weights does not say

    def draw(self):
        side = self.spec["size"]
        return self.pipe(self.spec["prompt"], height=side, width=side, num_inference_steps=self.spec["steps"],
                         generator=self.torch.Generator("cpu").manual_seed(1)).images[0]

    def run(self):
        self.draw().save(self.spec["output"])


ARCFACE = numpy.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]], numpy.float32)


class Clock:
    """The parts of a run: since the last one, on the clock and of the processor."""

    def __init__(self):
        self.parts, self.last = {}, (time.monotonic(), time.process_time())

    def end(self, name):
        here = time.monotonic(), time.process_time()
        so_far = self.parts.get(name, (0, 0))
        self.parts[name] = tuple(s + a - b for s, a, b in zip(so_far, here, self.last))
        self.last = here


class Insightface:
    """A swap as insightface's examples do it, in Python, onnxruntime and OpenCV: detect at 640, embed the largest face of `face`,
    swap the largest face of `picture`, paste it by the eroded and blurred box, write a JPEG."""

    def __init__(self, work, spec):
        import cv2
        import onnx
        import onnxruntime
        cv2.setNumThreads(spec["threads"])
        self.cv2, self.spec, self.onnxruntime = cv2, spec, onnxruntime
        self.detector, self.embedder, self.swapper, self.upscaler = (
            self.session(spec[role]) for role in ("detector", "embedder", "swapper", "upscaler"))
        self.emap = next(onnx.numpy_helper.to_array(t) for t in onnx.load(spec["swapper"]).graph.initializer if t.name == "buff2fs")

    def session(self, path):
        options = self.onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.spec["threads"]
        options.log_severity_level = 3
        providers = ["CPUExecutionProvider"] if self.spec["device"] == "cpu" else ["CUDAExecutionProvider", "CPUExecutionProvider"]
        return self.onnxruntime.InferenceSession(path, options, providers=providers)

    def largest(self, image):
        """Five points of the largest face, and its box."""
        cv2, side = self.cv2, 640
        h, w = image.shape[:2]
        scale = side / max(h, w)
        canvas = numpy.zeros((side, side, 3), numpy.uint8)
        small = cv2.resize(image, (int(w * scale), int(h * scale)))
        canvas[:small.shape[0], :small.shape[1]] = small
        blob = cv2.dnn.blobFromImage(canvas, 1 / 128, (side, side), (127.5,) * 3, swapRB=True)
        out = self.detector.run(None, {self.detector.get_inputs()[0].name: blob})
        boxes, points, scores = [], [], []
        for k, stride in enumerate((8, 16, 32)):
            score = out[k].reshape(-1)
            at = numpy.flatnonzero(score >= 0.5)
            centre = numpy.stack([at // 2 % (side // stride), at // 2 // (side // stride)], -1) * stride
            box = out[k + 3].reshape(-1, 4)[at] * stride
            boxes.append(numpy.hstack([centre - box[:, :2], centre + box[:, 2:]]))
            points.append(out[k + 6].reshape(-1, 5, 2)[at] * stride + centre[:, None])
            scores.append(score[at])
        boxes, points, scores = (numpy.concatenate(x) for x in (boxes, points, scores))
        if not len(scores):
            sys.exit("peers.py: no face is found, so this would be less work than likeness does: take more --steps, or another picture")
        kept = cv2.dnn.NMSBoxes([(x0, y0, x1 - x0, y1 - y0) for x0, y0, x1, y1 in boxes.tolist()], scores.tolist(), 0.5, 0.4)
        best = max(kept, key=lambda i: numpy.prod(boxes[i, 2:] - boxes[i, :2]))
        return (points[best] / scale).astype(numpy.float32), boxes[best] / scale

    def crop(self, image, points, side):
        cv2 = self.cv2
        shift = (8.0 if side % 112 else 0) * side / 128
        template = ARCFACE * (side / 112 if side % 112 == 0 else side / 128) + [shift, 0]
        matrix = cv2.estimateAffinePartial2D(points, template.astype(numpy.float32), method=cv2.LMEDS)[0]
        return cv2.warpAffine(image, matrix, (side, side)), matrix

    def paste(self, image, fake, matrix):
        cv2 = self.cv2
        h, w = image.shape[:2]
        back = cv2.invertAffineTransform(matrix)
        fake = cv2.warpAffine(fake, back, (w, h))
        mask = cv2.warpAffine(numpy.full((128, 128), 255, numpy.float32), back, (w, h))
        mask[mask > 20] = 255
        rows, columns = numpy.where(mask == 255)
        size = int(numpy.sqrt((rows.max() - rows.min()) * (columns.max() - columns.min())))
        k = max(size // 10, 10)
        mask = cv2.erode(mask, numpy.ones((k, k), numpy.uint8))
        k = 2 * max(size // 20, 5) + 1
        mask = cv2.GaussianBlur(mask, (k, k), 0)[..., None] / 255
        return (mask * fake + (1 - mask) * image.astype(numpy.float32)).astype(numpy.uint8)

    def embed(self, image, points):
        """What the swapper takes of a face."""
        crop, _ = self.crop(image, points, 112)
        blob = self.cv2.dnn.blobFromImage(crop, 1 / 127.5, (112, 112), (127.5,) * 3, swapRB=True)
        vector = self.embedder.run(None, {self.embedder.get_inputs()[0].name: blob})[0]
        vector = vector / numpy.linalg.norm(vector) @ self.emap
        return vector / numpy.linalg.norm(vector)

    def swap(self, image, points, vector):
        """A crop with the other face, and how it lies in the picture."""
        crop, matrix = self.crop(image, points, 128)
        fake = self.swapper.run(None, {"target": self.cv2.dnn.blobFromImage(crop, 1 / 255, (128, 128), (0,) * 3, swapRB=True), "source": vector})[0]
        return numpy.clip(fake[0].transpose(1, 2, 0)[..., ::-1] * 255, 0, 255), matrix

    def enlarge(self, image):
        """Twofold; the network takes even sides."""
        h, w = image.shape[:2]
        even = self.cv2.copyMakeBorder(image, 0, h % 2, 0, w % 2, self.cv2.BORDER_REFLECT_101)
        blob = self.cv2.dnn.blobFromImage(even, 1 / 255, even.shape[1::-1], (0,) * 3, swapRB=True)
        large = self.upscaler.run(None, {self.upscaler.get_inputs()[0].name: blob})[0]
        return numpy.clip(large[0].transpose(1, 2, 0)[..., ::-1] * 255, 0, 255).astype(numpy.uint8)[:2 * h, :2 * w]

    def swapped(self, image, clock):
        """The picture with the face of the photo."""
        face = self.cv2.imread(self.spec["face"])
        clock.end("read")
        points, _ = self.largest(face)
        clock.end("find")
        vector = self.embed(face, points)
        clock.end("embed")
        points, _ = self.largest(image)
        clock.end("find")
        fake = self.swap(image, points, vector)
        clock.end("change")
        pasted = self.paste(image, *fake)
        clock.end("blend")
        return pasted

    def run(self):
        clock = Clock()
        image = self.cv2.imread(self.spec["picture"])
        self.cv2.imwrite(self.spec["output"], self.swapped(image, clock))
        clock.end("leave")
        self.parts = clock.parts


class FaceFusion(Insightface):
    """A swap with the steps FaceFusion takes for `--face-swapper-pixel-boost 256x256 --face-mask-types box region`: each photo's face is found, its
    68 points move the five, it is embedded and its age and gender are told; four runs of the swapper make the crop's 256 px; the picture is kept
    outside a blurred box and the parser's skin. Same networks and libraries as the one above."""
    BOOST, REGIONS = 2, (1, 2, 3, 4, 5, 6, 10, 11, 12, 13)  # times the swapper's side; skin, brows, eyes, glasses, nose, mouth, lips

    def __init__(self, work, spec):
        super().__init__(work, spec)
        self.landmarker, self.parser, self.agegender = (self.session(spec[role]) for role in ("landmarker", "parser", "agegender"))

    def crop_of_box(self, box, scale, image, side):
        """A square crop in which the box's longer side is `scale` px, and how it lies."""
        k = scale / max(box[2:] - box[:2])
        matrix = numpy.float32([[k, 0, side / 2 - k * (box[0] + box[2]) / 2], [0, k, side / 2 - k * (box[1] + box[3]) / 2]])
        return self.cv2.warpAffine(image, matrix, (side, side)), matrix

    def blob(self, crop, factor=1 / 255, mean=0):
        return self.cv2.dnn.blobFromImage(crop, factor, crop.shape[1::-1], (mean,) * 3, swapRB=True)

    def look(self, image, clock):
        """Five points of the largest face, by 68, and its vector."""
        _, box = self.largest(image)
        crop, matrix = self.crop_of_box(box, 195, image, 256)
        dense = self.landmarker.run(None, {self.landmarker.get_inputs()[0].name: self.blob(crop)})[0][0, :, :2] * 4
        dense = self.cv2.transform(dense[None], self.cv2.invertAffineTransform(matrix))[0]
        points = numpy.float32([dense[36:42].mean(0), dense[42:48].mean(0), dense[30], dense[48], dense[54]])
        clock.end("find")
        vector = self.embed(image, points)
        clock.end("embed")
        crop, _ = self.crop_of_box(box, 64, image, 96)
        self.agegender.run(None, {self.agegender.get_inputs()[0].name: self.blob(crop, 1)})
        clock.end("judge")
        return points, vector

    def boosted(self, crop, vector):
        """Each network's crop takes every BOOST-th pixel of each BOOST-th row; the answers lie between each other again."""
        k, out = self.BOOST, numpy.empty(crop.shape, numpy.float32)
        for y in range(k):
            for x in range(k):
                fake = self.swapper.run(None, {"target": self.blob(crop[y::k, x::k]), "source": vector})[0]
                out[y::k, x::k] = numpy.clip(fake[0].transpose(1, 2, 0)[..., ::-1] * 255, 0, 255)
        return out

    def mask(self, crop):
        side, cv2 = crop.shape[0], self.cv2
        edge = int(side * .3 / 2)
        box = numpy.zeros((side, side), numpy.float32)
        box[edge // 2:-(edge // 2), edge // 2:-(edge // 2)] = 1
        box = cv2.GaussianBlur(box, (0, 0), edge / 2)
        large = cv2.resize(crop, (512, 512))[..., ::-1].astype(numpy.float32) / 255
        large = ((large - (.485, .456, .406)) / (.229, .224, .225)).transpose(2, 0, 1)[None].astype(numpy.float32)
        classes = self.parser.run(None, {self.parser.get_inputs()[0].name: large})[0][0].argmax(0)
        region = cv2.resize(numpy.isin(classes, self.REGIONS).astype(numpy.float32), (side, side))
        region = (cv2.GaussianBlur(region.clip(0, 1), (0, 0), 5).clip(.5, 1) - .5) * 2
        return numpy.minimum(box, region)

    def put_back(self, image, fake, mask, matrix):
        """Only where the crop lies."""
        side, cv2 = fake.shape[0], self.cv2
        back = cv2.invertAffineTransform(matrix)
        corners = cv2.transform(numpy.float32([[[0, 0], [side, 0], [side, side], [0, side]]]), back)[0]
        low = numpy.maximum(numpy.floor(corners.min(0)).astype(int), 0)
        high = numpy.minimum(numpy.ceil(corners.max(0)).astype(int), image.shape[1::-1])
        back[:, 2] -= low
        size = tuple(int(v) for v in high - low)
        mask = cv2.warpAffine(mask, back, size).clip(0, 1)[..., None]
        fake = cv2.warpAffine(fake, back, size, borderMode=cv2.BORDER_REPLICATE)
        out = image.copy()
        window = out[low[1]:high[1], low[0]:high[0]]
        window[:] = window * (1 - mask) + fake * mask
        return out

    def swapped(self, image, clock):
        face = self.cv2.imread(self.spec["face"])
        clock.end("read")
        _, vector = self.look(face, clock)
        points, _ = self.look(image, clock)
        crop, matrix = self.crop(image, points, 128 * self.BOOST)
        fake = self.boosted(crop, vector)
        clock.end("change")
        out = self.put_back(image, fake, self.mask(crop), matrix)
        clock.end("blend")
        return out


class Faces(Insightface):
    """The parts of that one by one, divided as `likeness bench` divides them. What each took goes to `output`: seconds, and the processor's."""

    def __init__(self, work, spec):
        super().__init__(work, spec)
        self.image = self.cv2.imread(spec["picture"])
        self.points, _ = self.largest(self.image)
        self.vector = self.embed(self.image, self.points)
        self.fake = self.swap(self.image, self.points, self.vector)

    def run(self):
        parts = {"detect": lambda: self.largest(self.image), "embed": lambda: self.embed(self.image, self.points),
                 "swap": lambda: self.swap(self.image, self.points, self.vector), "blend": lambda: self.paste(self.image, *self.fake),
                 "upscale": lambda: self.enlarge(self.image)}
        took = {}
        for name, part in parts.items():
            wall, busy = time.monotonic(), time.process_time()
            part()
            took[name] = {"seconds": time.monotonic() - wall, "processor": time.process_time() - busy}
        pathlib.Path(self.spec["output"]).write_text(json.dumps(took))


class Portrait:
    """A drawing by diffusers, enlarged, its largest face swapped, to a PNG: what a user of both would write."""

    def __init__(self, work, spec):
        self.drawing, self.faces, self.output = Diffusers(work, spec), Insightface(work, spec), spec["output"]

    def run(self):
        drawn = numpy.ascontiguousarray(numpy.asarray(self.drawing.draw())[..., ::-1])
        self.faces.cv2.imwrite(self.output, self.faces.swapped(self.faces.enlarge(drawn), Clock()))


ENGINES = {"torch": Torch, "torch-bf16": TorchBf16, "torch-compiled": TorchCompiled, "torch-best": TorchBest, "openvino": OpenVino, "openvino-own": OpenVinoOwn, "stable-diffusion.cpp": StableDiffusionCpp,
           "diffusers": Diffusers, "insightface": Insightface, "facefusion": FaceFusion, "faces": Faces, "diffusers+insightface": Portrait}


def main():
    spec = json.loads(pathlib.Path(sys.argv[3]).read_text())
    engine = ENGINES[sys.argv[1]](sys.argv[2], spec)
    words = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is none of ours
    print("ready", file=words)
    first = True
    for _ in sys.stdin:
        wall, busy = time.monotonic(), time.process_time()
        result = engine.run()
        wall, busy = time.monotonic() - wall, time.process_time() - busy
        if hasattr(engine, "times"):
            wall, busy = engine.times()
        parts = "".join(f" {name}={a:.4f}:{b:.4f}" for name, (a, b) in getattr(engine, "parts", {}).items())
        print(f"{wall:.4f} {busy:.4f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}{parts}", file=words)
        if first and result is not None:
            result.astype(numpy.float32).tofile(spec["output"])
        first = False


if __name__ == "__main__":
    main()
