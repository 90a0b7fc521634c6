# SPDX-License-Identifier: Apache-2.0
"""What is measured of a swapped picture beside the renderer's right answer. Pictures are u8 RGB [H,W,3], masks the renderer's classes [H,W]."""
import cv2
import numpy as np

from face import ARC, session, umeyama

FACE = (1, 2, 3, 4, 5, 6, 10, 11, 12, 13, 19)  # skin, brows, eyes, glasses, nose, mouth, lips, beard
SKIN, NEAR = (1, 10), (7, 8, 14)  # NEAR: ears and neck, which are neither face nor something else
CELL = 16
SEEN = 8  # levels of 255 by which a change is counted


class Eyes:
    """Networks that look. The embedder and the landmarker of the pack have a part in the loop, MobileFaceNet has none."""

    def __init__(self, pack, shared, probe):
        self.stranger = session(shared / "embedder/MobileFaceNet.onnx")
        self.own, self.landmarker, self.agegender = (session(pack / f"{name}.onnx") for name in ("embedder", "landmarker", "agegender"))
        self.probe = probe

    def vector(self, picture, points, own=False):
        crop = cv2.warpAffine(picture, umeyama(points.astype(float), ARC * 112), (112, 112)).astype(np.float32)
        net, x = (self.own, crop / 127.5 - 1) if own else (self.stranger, (crop - 127.5) / 128)
        e = net.run(None, {net.get_inputs()[0].name: x.transpose(2, 0, 1)[None]})[0][0].astype(float)
        return e / np.linalg.norm(e)

    def square(self, picture, box, side, scale):
        """Of the box's middle, its longer side times scale is the crop's; [1,3,S,S] 0...255 and the matrix."""
        k = side / (scale * max(box[2] - box[0], box[3] - box[1]))
        m = np.array([[k, 0, side / 2 - k * (box[0] + box[2]) / 2], [0, k, side / 2 - k * (box[1] + box[3]) / 2]])
        return cv2.warpAffine(picture, m, (side, side)).astype(np.float32).transpose(2, 0, 1)[None], m

    def landmarks(self, picture, box):
        """[68,2] in the picture."""
        x, m = self.square(picture, box, 256, 256 / 195)
        points = self.landmarker.run(None, {self.landmarker.get_inputs()[0].name: x / 255})[0][0, :, :2] * 4
        return (points - m[:, 2]) / m[0, 0]

    def years(self, picture, box):
        x = self.square(picture, box, 96, 1.5)[0]
        return float(self.agegender.run(None, {self.agegender.get_inputs()[0].name: x})[0][0, 2] * 100)

    def pose(self, points):
        """Yaw, pitch, roll."""
        return normal(points[None])[0] @ self.probe


def normal(points):
    """[N,68,2] -> [N,137]: mean 0, size 1, and a constant."""
    p = points - points.mean(1, keepdims=True)
    p = p / np.sqrt((p ** 2).mean((1, 2), keepdims=True))
    return np.concatenate([p.reshape(len(p), -1), np.ones((len(p), 1))], 1)


def pose_probe(labels, dense):
    """Weights [137,3] that read yaw, pitch and roll off 68 points: least squares on the renderer's labels."""
    a = normal(dense)
    return np.linalg.solve(a.T @ a + 1e-3 * np.eye(a.shape[1]), a.T @ labels)


def expression(p):
    """What faces do, in distances of the eyes: mouth's opening and width, the eyes' openings, the brows over the eyes."""
    unit = np.linalg.norm(p[36:42].mean(0) - p[42:48].mean(0))
    far = lambda a, b: np.linalg.norm(p[a] - p[b]) / unit
    over = lambda brow, eye: np.linalg.norm(p[brow].mean(0) - p[eye].mean(0)) / unit
    return np.array([far(62, 66), far(48, 54), (far(37, 41) + far(38, 40)) / 2, (far(43, 47) + far(44, 46)) / 2,
                     over(slice(17, 22), slice(36, 42)), over(slice(22, 27), slice(42, 48))])


def linear(picture):
    v = picture / 255.
    return np.where(v <= .04045, v / 12.92, ((v + .055) / 1.055) ** 2.4)


def luma(picture):
    return picture @ np.array([.299, .587, .114])


def cells(picture, keep):
    """[N,CELL*CELL,...]: the cells of the picture that lie wholly in keep."""
    h, w = (n // CELL * CELL for n in keep.shape)
    cut = lambda v: v[:h, :w].reshape(h // CELL, CELL, w // CELL, CELL, -1).swapaxes(1, 2).reshape((h // CELL) * (w // CELL), CELL * CELL, -1)
    return cut(picture)[cut(keep).all((1, 2))]


def light(picture, truth, keep):
    """Stops: of brightness, and of colour beside it; medians over cells of skin."""
    a, b = (cells(linear(v), keep).mean(1) for v in (picture, truth))
    grey = lambda v: v @ np.array([.2126, .7152, .0722])
    stops = np.log2(grey(a) / grey(b))
    return np.median(np.abs(stops)), np.median(np.sqrt(((np.log2((a + 1e-4) / (b + 1e-4)) - stops[:, None]) ** 2).mean(1)))


def texture(picture, keep):
    """Energy of a band of 1-2 and one of 3-7 px, over brightness: medians over cells of skin."""
    y = luma(picture)
    narrow, wide = cv2.blur(y, (3, 3)), cv2.blur(y, (7, 7))
    brightness = cells(y, keep).mean((1, 2)) + 1e-3
    return [np.median(cells(band, keep).std((1, 2)) / brightness) for band in (y - narrow, narrow - wide)]


def seam(before, after, alpha):
    """Step across the edges of alpha (where it begins, and at a half) over the mean of those 2 and 3 px off, after less before; 1/255."""
    def steps(y, inside, axis):
        d = np.abs(np.diff(y, axis=axis))
        across = np.diff(inside.astype(int), axis=axis) != 0
        off = sum(np.roll(d, s, axis) for s in (-3, -2, 2, 3)) / 4
        rim = np.zeros_like(across)
        rim[4:-4, 4:-4] = True
        return (d - off)[across & rim]
    worst = 0.
    for level in (1 / 255, .5):
        inside = alpha > level
        value = [np.concatenate([steps(luma(v), inside, axis) for axis in (0, 1)]) for v in (before, after)]
        worst = max(worst, float(value[1].mean() - value[0].mean()))
    return worst


def spill(before, after, a, ab):
    """Pixels of what is no face, per hundred of the face, that were changed."""
    changed = np.abs(after.astype(int) - before).max(2) > SEEN
    other = ~np.isin(a, FACE + NEAR) & ~np.isin(ab, FACE + NEAR)
    return 100 * (changed & other).sum() / np.isin(a, FACE).sum()


def measure(eyes, one, picture, alpha):
    """{measure: value} of one way to swap. one: see run; alpha None: not composed."""
    p, q = eyes.landmarks(picture, one.box), one.landmarks
    keep = np.isin(one.mask_a, SKIN) & np.isin(one.mask_ab, SKIN)
    face = np.isin(one.mask_a, FACE) | np.isin(one.mask_ab, FACE)
    stops, tint = light(picture, one.truth, keep)
    fine, coarse = np.log2(np.array(texture(picture, keep)) / texture(one.truth, keep))
    unit = np.linalg.norm(q[36:42].mean(0) - q[42:48].mean(0))
    return dict(
        stranger=eyes.vector(picture, one.points) @ one.stranger, own=eyes.vector(picture, one.points, True) @ one.own,
        pose=np.linalg.norm(eyes.pose(p) - eyes.pose(q)), landmarks=100 * np.sqrt(((p[17:] - q[17:]) ** 2).sum(1).mean()) / unit,
        expression=100 * np.abs(expression(p) - expression(q)).mean(), light=stops, tint=tint,
        seam=np.nan if alpha is None else seam(one.target, picture, alpha), fine=fine, fine_off=abs(fine), coarse=coarse, coarse_off=abs(coarse),
        age=abs(eyes.years(picture, one.box) - one.years), spill=spill(one.target, picture, one.mask_a, one.mask_ab),
        off=np.abs(picture.astype(int) - one.truth)[face].mean())
