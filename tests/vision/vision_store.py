"""A store of bare walls of shelves and cameras, for tests of what is cut out of pictures."""

import cv2
import numpy as np

from aisle.fusion.windows import FEATURES
from aisle.store.geometry import pose_from_rpy, translation
from aisle.store.placement import looking
from aisle.store.types import Camera, Fixture, Gate, Shelf, Store
from aisle.vision.strips import COLUMN_PX

LENS = (-0.12, 0.02, 0.0005, -0.0005, 0.0)
WIDTH_M = 1.1


def camera(name, place, target, size=(800, 600), fov=1.1):
    pose = looking(np.array(place, dtype=float), np.array(target, dtype=float))
    return Camera(name, pose, *size, fov, distortion=LENS)


def store(yaw=0.0, cameras=None, posed=True):
    """One gondola with two shelves, turned by `yaw` around the origin, before two cameras.

    Seen from the gondola's front, `left` hangs to the left, `right` to the right.
    """
    turn = pose_from_rpy((0.0, 0.0, 0.0), (0.0, 0.0, yaw))
    pose = turn @ translation(-WIDTH_M / 2, 1.2, 0.0)
    shelves = {}
    for i, (z, room) in enumerate(((0.5, 0.3), (1.0, 0.9))):
        at = pose @ translation(0, 0, z) if posed else None
        shelves[f"g1/s{i}"] = Shelf(f"g1/s{i}", "g1", (WIDTH_M, 0.4, room), at, ())
    fixture = Fixture("g1", "gondola", (WIDTH_M, 0.43, 1.9), pose, tuple(shelves))
    hung = {"left": (-0.7, -0.6, 2.4), "right": (0.7, -0.3, 2.4)} if cameras is None else cameras
    target = turn @ (0.0, 1.2, 0.9, 1.0)
    found = {
        name: camera(name, (turn @ (*place, 1.0))[:3], target[:3]) for name, place in hung.items()
    }
    gate = Gate("door", "both", turn @ translation(0.0, -1.5, 0.0))
    return Store("walls", "EUR", {}, {"g1": fixture}, shelves, {}, {}, {}, {"door": gate}, found)


def dotted(camera, pixel, radius=5):
    """A black picture with a red dot."""
    picture = np.zeros((camera.height, camera.width, 3), np.uint8)
    # Sixteenths of a pixel.
    middle_px = round(pixel[0] * 16), round(pixel[1] * 16)
    cv2.circle(picture, middle_px, radius * 16, (255, 0, 0), -1, shift=4)
    return picture


def middle(picture):
    """x and y of the middle of what is red, or None."""
    weight = picture[..., 0].astype(float)
    if not weight.any():
        return None
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]]
    return np.array([(weight * x).sum(), (weight * y).sum()]) / weight.sum()


def plain(camera, colour):
    return np.full((camera.height, camera.width, 3), colour, np.uint8)


class ByColour:
    """Red is the first feature, green the second; blue is somebody in front."""

    def columns(self, strips, slopes):
        found = []
        for strip in strips:
            parts = strip.reshape(len(strip), -1, COLUMN_PX, 3).mean((0, 2)) / 255
            feature = np.zeros((len(parts), FEATURES), np.float32)
            feature[:, 0] = parts[:, 0] > parts[:, 1]
            feature[:, 1] = 1 - feature[:, 0]
            state = np.zeros((len(parts), 3), np.float32)
            state[:, 1] = parts[:, 2] > 0.5
            found.append((feature, state))
        return found

    def changes(self, before, after, slopes):
        """Nothing comes, nothing goes."""
        return [np.tile(np.float32([0, 0.01]), (len(slope), 1)) for slope in slopes]

    def hands(self, now, empty):
        """Nobody reaches in."""
        return [np.zeros((0, 6), np.float32)] * len(now)
