"""What is kept for each camera, and the canvases that cameras of one size share."""

from __future__ import annotations

import moderngl
import numpy as np

from aisle.sim.render.lens import to_clip
from aisle.store.types import Camera

SUPER = 2
"""The standing store is painted at this many times the resolution."""


class View:
    """One camera's finished picture of the standing store.

    Attributes:
        rgb: [H, W, 3].
        truth: [H, W, 2] number of the thing, and depth in metres.
        behind: The same on the device; `behind_target` draws into it.
        painted: How much of the log of changes the picture shows; -1 is nothing at all.
    """

    def __init__(self, context: moderngl.Context, camera: Camera) -> None:
        self.camera = camera
        self.size = camera.width, camera.height
        self.to_clip = to_clip(camera).T.tobytes()
        self.rgb = np.zeros((camera.height, camera.width, 3), np.uint8)
        self.truth = np.zeros((camera.height, camera.width, 2), np.float32)
        self.behind = context.texture(self.size, 2, dtype="f4")
        self.behind.filter = (moderngl.NEAREST, moderngl.NEAREST)
        depth = context.depth_renderbuffer(self.size)
        self.behind_target = context.framebuffer([self.behind], depth)
        self.painted = -1


class Canvases:
    """Where pictures of one size are drawn before they are read."""

    def __init__(self, context: moderngl.Context, size: tuple[int, int], samples: int) -> None:
        double = (SUPER * size[0], SUPER * size[1])
        self._context = context
        self._samples = samples
        self.store = context.framebuffer(
            [context.renderbuffer(double)], context.depth_renderbuffer(double)
        )
        self.moving = context.framebuffer(
            [context.renderbuffer(size, samples=samples)],
            context.depth_renderbuffer(size, samples=samples),
        )
        self.truth = context.framebuffer(
            [context.texture(size, 2, dtype="f4")], context.depth_renderbuffer(size)
        )
        self._resolved = context.framebuffer([context.renderbuffer(size)]) if samples else None

    def finished(self) -> moderngl.Framebuffer:
        """What moves, with one sample for each pixel."""
        if self._resolved is None:
            return self.moving
        self._context.copy_framebuffer(self._resolved, self.moving)
        return self._resolved
