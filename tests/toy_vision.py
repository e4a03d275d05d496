"""Networks that look, for tests of the plumbing: what they say is plain, quick, always the same."""

from dataclasses import replace

import numpy as np

from aisle.fusion.eyes import Eyes
from aisle.fusion.windows import FEATURES
from aisle.store.placement import looking
from aisle.store.types import Camera
from aisle.vision.fronts import PX_PER_M
from aisle.vision.strips import COLUMN_PX


class ByColour:
    """The mean colour of a column is what it looks like; nothing is empty or blocked.

    Whatever stands before a fixture reaches into it.
    """

    def columns(self, strips, slopes):
        found = []
        for strip in strips:
            colours = strip.reshape(len(strip), -1, COLUMN_PX, 3).mean((0, 2))
            found.append((of_colours(colours), np.zeros((len(colours), 3), np.float32)))
        return found

    def changes(self, before, after, slopes):
        return [np.tile(np.float32([0, 0.01]), (len(slope), 1)) for slope in slopes]

    def hands(self, now, empty):
        """One in the middle of each front, from a head above it."""
        middles = [front.shape[1] / PX_PER_M / 2 for front in now]
        return [np.array([[0.8, x, 1.0, x, 1.4, 0.1]], np.float32) for x in middles]


class WhereTheyCameIn:
    """People stay where they came in; no heads are seen."""

    memory, look, appearance = 2, 3, 4

    def step(self, inputs):
        place = inputs["place"]
        hands = np.zeros((1, place.shape[1], 2, 3), np.float32)
        hands[..., :2] = place[:, :, None]
        kept = {f"next_{name}": array for name, array in inputs.items()}
        sure = np.ones(place.shape[:2], np.float32)
        heads = {"person": np.zeros((1, 1), np.float32), "points": np.zeros((1, 1, 2), np.float32)}
        return {**kept, **heads, "head": place, "hands": hands, "sure": sure}


class ToyVision:
    """Looks like `aisle.vision.networks.Vision`."""

    def looks(self, store, pictures):
        seen = {name: pictures(product) for name, product in store.products.items()}
        return {
            name: of_colours(np.mean([p.mean((0, 1)) for p in photos], 0)[None])[0]
            for name, photos in seen.items()
            if photos
        }

    def eyes(self, store, looks):
        return Eyes(store, ByColour(), WhereTheyCameIn(), looks)


def of_colours(colours):
    """[N, FEATURES] of length one from [N, 3]."""
    feature = np.zeros((len(colours), FEATURES), np.float32)
    feature[:, :3] = colours + 1.0
    return feature / np.linalg.norm(feature, axis=1, keepdims=True)


def watched(store):
    """The store with a small camera before each fixture."""
    cameras = {}
    for fixture in store.fixtures.values():
        width = fixture.size_m[0]
        eye, target = fixture.pose @ (width / 2, -1.5, 2.5, 1), fixture.pose @ (width / 2, 0, 1, 1)
        name = f"eye_{fixture.id}"
        pose = looking(eye[:3], target[:3])
        cameras[name] = Camera(name, pose, 320, 240, 1.3, rate_hz=5.0)
    return replace(store, cameras=cameras)
