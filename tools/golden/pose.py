#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Golden poses: 68 landmarks of turned heads as a camera sees them, and OpenCV's solvePnP of them.

    python tools/golden/pose.py tests/golden        writes pose.tsv

The fourteen points that src/stages/find/pose.c has a model of are turned by R = Rz(roll)·Ry(yaw)·Rx(pitch), moved by a pixel's noise and seen from
eight head's widths away; solvePnP (iterative) fits the same model to them. A line: yaw, pitch, roll of that fit in degrees, then the x and y of the fourteen.
"""
import pathlib
import sys

import cv2
import numpy as np

# x to the picture's right, y down, z to the viewer
MODEL = np.array([[6.825897, 6.760612, 4.402142], [1.330353, 7.122144, 6.903745], [-1.330353, 7.122144, 6.903745], [-6.825897, 6.760612, 4.402142],
                  [5.311432, 5.485328, 3.987654], [1.789930, 5.393625, 4.413414], [-1.789930, 5.393625, 4.413414], [-5.311432, 5.485328, 3.987654],
                  [2.005628, 1.409845, 6.165652], [-2.005628, 1.409845, 6.165652], [2.774015, -2.080775, 5.048531], [-2.774015, -2.080775, 5.048531],
                  [0, -3.116408, 6.097667], [0, -7.415691, 4.070434]]) * [-1, -1, 1]
TO_CAMERA = np.diag([1, 1, -1.])  # its z goes away from it
AWAY, FOCUS = 110, 1500  # model units (heads are some 14 wide), pixels


def rotation(yaw, pitch, roll):
    """yaw > 0 to the picture's right, pitch > 0 up, roll > 0 clockwise."""
    y, p, r = np.radians([yaw, pitch, roll])
    rx = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    ry = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    rz = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return rz @ ry @ rx


def angles(r):
    roll = np.arctan2(r[1, 0], r[0, 0])
    x, y = np.cos(roll) * r[0, 2] + np.sin(roll) * r[1, 2], np.cos(roll) * r[1, 2] - np.sin(roll) * r[0, 2]
    return np.degrees([np.arctan2(x, r[2, 2]), np.arcsin(-y), roll])


def main():
    rng = np.random.default_rng(7)
    camera = np.array([[FOCUS, 0, 256], [0, FOCUS, 256], [0, 0, 1.]])
    lines = ["# made by tools/golden/pose.py: yaw, pitch, roll by solvePnP, then 14 points"]
    for _ in range(24):
        turn = rng.uniform([-50, -25, -40], [50, 25, 40])
        seen = MODEL @ rotation(*turn).T @ TO_CAMERA + [0, 0, AWAY]
        points = seen[:, :2] / seen[:, 2:] * FOCUS + 256 + rng.normal(0, 1, (len(MODEL), 2))
        _, rvec, tvec = cv2.solvePnP(MODEL @ TO_CAMERA, points, camera, None)
        fitted = TO_CAMERA @ cv2.Rodrigues(rvec)[0] @ TO_CAMERA
        lines.append("\t".join(f"{v:.3f}" for v in [*angles(fitted), *points.ravel()]))
    (pathlib.Path(sys.argv[1]) / "pose.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
