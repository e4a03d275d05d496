"""Paints the standing store: furniture, units on shelves, doors that are shut."""

from __future__ import annotations

import cv2
import moderngl
import numpy as np
from numpy.typing import NDArray

from aisle.sim.render.device import Programs
from aisle.sim.render.furniture import Furniture, door_pose
from aisle.sim.render.lens import Rectangle, rectangles
from aisle.sim.render.standing import Standing
from aisle.sim.render.stock import Looks
from aisle.sim.render.views import SUPER, View
from aisle.sim.scene import Matrix
from aisle.store.types import Store

_NOTHING = (0.45, 0.44, 0.42, 1.0)
"""Colour of what lies beyond the walls."""
_UNSEEN = (0.0, 1000.0, 0.0, 1.0)
"""Number and depth of it."""
_GLASS = (0.75, 0.88, 0.92, 0.16)
_FRAME = (0.3, 0.31, 0.33, 1.0)


class Painter:
    """Holds what is built in on the device and paints rectangles of pictures of it."""

    def __init__(
        self, context: moderngl.Context, store: Store, looks: Looks, standing: Standing, seed: int
    ) -> None:
        self._context = context
        self._store = store
        self._looks = looks
        self._standing = standing
        furniture = Furniture(store, seed)
        self._tiles = self._texture(furniture.tiles, repeat=True)
        self._signs = self._texture(furniture.signs, repeat=False)
        self._built = self._buffers(furniture.vertices, furniture.faces)
        self._doors = {
            name: [self._buffers(*part.arrays()) for part in parts]
            for name, parts in furniture.doors.items()
        }

    def paint(
        self,
        view: View,
        area: Rectangle,
        canvas: moderngl.Framebuffer,
        colours: Programs,
        numbers: Programs,
    ) -> None:
        """Paint a rectangle of a view's picture, its numbers and its depth.

        Args:
            view: Whose.
            area: In its pixels.
            canvas: Of `SUPER` times its size.
            colours: The variant that draws colours.
            numbers: The variant that draws numbers and depth.
        """
        x0, y0, x1, y1 = area
        standing = self._standing
        shown = np.flatnonzero(standing.alive)
        boxes = rectangles(view.camera, standing.corners[shown])
        beside = (boxes[:, 0] >= x1) | (boxes[:, 2] <= x0) | (boxes[:, 1] >= y1)
        shown = shown[~(beside | (boxes[:, 3] <= y0))]

        width, height = x1 - x0, y1 - y0
        big = (SUPER * x0, SUPER * y0, SUPER * width, SUPER * height)
        self._draw(canvas, big, _NOTHING, colours, view, shown)
        wide = np.empty((big[3], big[2], 4), np.uint8)
        canvas.read_into(wide, big, components=4)
        small = cv2.resize(wide, (width, height), interpolation=cv2.INTER_AREA)
        view.rgb[y0:y1, x0:x1] = small[..., :3]

        at = (x0, y0, width, height)
        self._draw(view.behind_target, at, _UNSEEN, numbers, view, shown)
        truth = np.empty((height, width, 2), np.float32)
        view.behind_target.read_into(truth, at, components=2, dtype="f4")
        view.truth[y0:y1, x0:x1] = truth

    def _draw(
        self,
        target: moderngl.Framebuffer,
        area: tuple[int, int, int, int],
        empty: tuple[float, float, float, float],
        programs: Programs,
        view: View,
        shown: NDArray[np.intp],
    ) -> None:
        self._context.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        target.use()
        target.scissor = area
        target.clear(*empty, viewport=area)
        programs.set_all("to_clip", view.to_clip)
        self._tiles.use(1)
        self._signs.use(2)
        programs.set("store", "tiles", 1)
        programs.set("store", "signs", 2)
        vertices, faces = self._built
        names = ("in_position", "in_normal", "in_colour", "in_surface")
        programs.array("store", [(vertices, "3f 3f 3f 3f", names)], faces).render()
        self._looks.draw(programs, self._standing.rows[shown], self._standing.kinds[shown])
        for name in sorted(self._standing.shut):
            self.draw_door(target, programs, name, door_pose(self._store.fixtures[name], 0.0))
        target.scissor = (0, 0, *target.size)

    def draw_door(
        self, target: moderngl.Framebuffer, programs: Programs, fixture: str, pose: Matrix
    ) -> None:
        """Draw a door's frame, then its pane, which hides nothing."""
        programs.set("glass", "pose", pose.T.astype("f4").tobytes())
        frame, pane = self._doors[fixture]
        programs.set("glass", "tint", _FRAME)
        self._part(programs, frame).render()
        if programs.has("glass", "tint"):
            programs.set("glass", "tint", _GLASS)
            self._context.enable(moderngl.BLEND)
            self._context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
            target.depth_mask = False
            self._part(programs, pane).render()
            target.depth_mask = True
            self._context.disable(moderngl.BLEND)

    def _part(
        self, programs: Programs, part: tuple[moderngl.Buffer, moderngl.Buffer]
    ) -> moderngl.VertexArray:
        names = ("in_position", "in_normal", "in_colour", "in_surface")
        return programs.array("glass", [(part[0], "3f 3f 3f 3f", names)], part[1])

    def _texture(self, picture: NDArray[np.uint8], *, repeat: bool) -> moderngl.Texture:
        height, width = picture.shape[:2]
        texture = self._context.texture((width, height), 3, picture.tobytes(), alignment=1)
        texture.build_mipmaps()
        texture.filter = (moderngl.LINEAR_MIPMAP_LINEAR, moderngl.LINEAR)
        texture.repeat_x = texture.repeat_y = repeat
        return texture

    def _buffers(
        self, vertices: NDArray[np.float32], faces: NDArray[np.int32]
    ) -> tuple[moderngl.Buffer, moderngl.Buffer]:
        return self._context.buffer(vertices.tobytes()), self._context.buffer(faces.tobytes())
