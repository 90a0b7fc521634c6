# SPDX-License-Identifier: Apache-2.0
"""How others put a swapped crop back: insightface's inswapper (paste_back) and OpenCV's seamlessClone. All pictures are u8 RGB.

Each answers the picture and how much of every pixel is the crop's (alpha, 0...1), which only says where a seam may lie.
"""
import cv2
import numpy as np


def warped(crop, to_crop, shape):
    """The crop at its place in a picture of that shape, and where it lies: 255."""
    back, size = cv2.invertAffineTransform(to_crop), shape[1::-1]
    there = cv2.warpAffine(np.full(crop.shape[:2], 255, np.float32), back, size)
    return cv2.warpAffine(crop, back, size), np.where(there > 20, 255, there).astype(np.float32)


def eroded(there):
    """insightface's: a tenth of the crop's side off each border; and that side."""
    rows, columns = np.where(there == 255)
    side = int(np.sqrt(np.ptp(rows) * np.ptp(columns)))
    return cv2.erode(there, np.ones((max(side // 10, 10),) * 2, np.uint8)), side


def box_paste(picture, crop, to_crop):
    mask, side = eroded(warped(crop, to_crop, picture.shape)[1])
    alpha = cv2.GaussianBlur(mask, (2 * max(side // 20, 5) + 1,) * 2, 0) / 255
    return masked(picture, crop, to_crop, alpha)


def masked(picture, crop, to_crop, alpha):
    """Pasted as it is under somebody's mask."""
    mixed = alpha[..., None] * warped(crop, to_crop, picture.shape)[0] + (1 - alpha[..., None]) * picture
    return mixed.astype(np.uint8), alpha


def clone(picture, crop, to_crop, mask):
    fake, there = warped(crop, to_crop, picture.shape)
    mask = np.where((mask == 255) & (there == 255), 255, 0).astype(np.uint8)
    x, y, w, h = cv2.boundingRect(mask)
    # Its centre is that of the mask's rectangle: nothing moves.
    return cv2.seamlessClone(fake, picture, mask, (x + w // 2, y + h // 2), cv2.NORMAL_CLONE), mask / 255.


def clone_box(picture, crop, to_crop):
    return clone(picture, crop, to_crop, eroded(warped(crop, to_crop, picture.shape)[1])[0])


def clone_hull(picture, crop, to_crop, points):
    """points [N,2]: whose convex hull is replaced, as tutorials do it."""
    mask = cv2.fillConvexPoly(np.zeros(picture.shape[:2], np.uint8), cv2.convexHull(np.rint(points).astype(np.int32)), 255)
    return clone(picture, crop, to_crop, mask)
