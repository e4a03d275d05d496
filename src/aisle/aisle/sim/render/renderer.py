"""Draws scenes as overhead cameras see them.

The standing store is painted once for each camera, at twice the resolution, and kept with its
depth; where something on a shelf changes, only that rectangle is painted again. Each frame then
costs what moves: people, what they hold, doors that are open.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import moderngl
import numpy as np
from numpy.typing import NDArray

from aisle.sim.render.compose import lay_over, merged
from aisle.sim.render.device import Programs, open_device
from aisle.sim.render.lens import Rectangle, rectangles
from aisle.sim.render.moving import FIRST_HELD, Moving
from aisle.sim.render.painter import Painter
from aisle.sim.render.standing import Standing
from aisle.sim.render.stock import Looks
from aisle.sim.render.views import Canvases, View
from aisle.sim.scene import Look, Scene
from aisle.store.types import Camera, Product, Store


@dataclass(frozen=True)
class Frame:
    """What one camera sees of one scene."""

    rgb: NDArray[np.uint8]
    """[H, W, 3]"""
    depth: NDArray[np.float32] | None = None
    """[H, W] metres along the optical axis, 1000 where there is nothing; only with `truth`."""
    ids: NDArray[np.uint16] | None = None
    """[H, W] what is seen, as keys of `names`; 0 is furniture. Only with `truth`."""
    names: Mapping[int, str] = field(default_factory=dict)
    """Unit ids, `<session>/<number>` for bodies and bags, with `/left` and `/right` for hands."""


class Renderer:
    """Draws one store for its cameras.

    Args:
        store: Geometry and products; all products that scenes hold must be in it.
        look_for: What a product looks like.
        cameras: Ideal cameras by id; None takes the store's. Distortion is not drawn, see
            `CameraModel`.
        seed: Of what the store itself looks like (tiles, colours of boards).
        texture_px: Side to which product textures are brought.
        samples: Edge smoothing of what moves, for a GPU; 0 is off.
        device: EGL device number, None takes the system's first choice.

    Raises:
        RenderingError: there is no EGL here; the text names the packages.
    """

    def __init__(
        self,
        store: Store,
        look_for: Callable[[Product], Look],
        cameras: Mapping[str, Camera] | None = None,
        *,
        seed: int = 0,
        texture_px: int = 256,
        samples: int = 0,
        device: int | None = None,
    ) -> None:
        self._context = context = open_device(device)
        context.front_face = "cw"  # Pictures have their first row at the bottom of clip space.
        self._samples = samples
        self._looks = Looks(context, store.products, look_for, texture_px)
        self._standing = Standing(store, self._looks.kinds, self._looks.corners)
        self._moving = Moving(context, store, self._looks.kinds, self._looks.corners)
        self._painter = Painter(context, store, self._looks, self._standing, seed)
        self._programs: dict[tuple[bool, bool], Programs] = {}
        self._canvases: dict[tuple[int, int], Canvases] = {}
        chosen = store.cameras if cameras is None else cameras
        self._views = {name: View(context, camera) for name, camera in chosen.items()}

    @property
    def cameras(self) -> dict[str, Camera]:
        """The ideal cameras by id."""
        return {name: view.camera for name, view in self._views.items()}

    def render(self, camera: str, scene: Scene, *, truth: bool = False) -> Frame:
        """One camera's picture.

        Args:
            camera: Its id.
            scene: What there is to see.
            truth: Also give depth and ids, which costs a second pass.
        """
        view = self._views[camera]
        with self._context:  # Another renderer's may be current.
            self._bring_up(view, scene)
            boxes, bodies = self._moving.areas(view.camera)
            areas = merged(boxes)
            rgb = self._colours(view, bodies, areas)
            if not truth:
                return Frame(rgb)
            both = self._truth(view, bodies, areas)
        names = {i: name for i, name in enumerate(self._standing.names) if name}
        names.update(self._moving.names)
        depth = np.ascontiguousarray(both[..., 1])
        return Frame(rgb, depth, both[..., 0].astype(np.uint16), names)

    def visible(self, camera: str, scene: Scene) -> dict[str, int]:
        """How many pixels of each held unit, each hand and each body one camera sees.

        What it does not see is not in the answer. A body's pixels do not include its hands.
        """
        view = self._views[camera]
        with self._context:
            self._bring_up(view, scene)
            boxes, bodies = self._moving.areas(view.camera)
            numbers = self._truth(view, bodies, merged(boxes))[..., 0]
        found, counts = np.unique(numbers[numbers >= FIRST_HELD], return_counts=True)
        names = self._moving.names
        return {names[int(n)]: int(c) for n, c in zip(found, counts, strict=True)}

    def close(self) -> None:
        """Give back what the device holds; nothing can be rendered afterwards."""
        self._context.release()

    def _colours(
        self, view: View, bodies: NDArray[np.bool_], areas: list[Rectangle]
    ) -> NDArray[np.uint8]:
        """[H, W, 3] what moves over what stands."""
        rgb = view.rgb.copy()
        if areas:
            canvas = self._canvas(view)
            canvas.moving.use()
            canvas.moving.clear()
            self._draw_moving(canvas.moving, view, bodies, truth=False)
            finished = canvas.finished()
            for x0, y0, x1, y1 in areas:
                over = np.empty((y1 - y0, x1 - x0, 4), np.uint8)
                finished.read_into(over, (x0, y0, x1 - x0, y1 - y0), components=4)
                lay_over(rgb, over, (x0, y0, x1, y1))
        return rgb

    def _truth(
        self, view: View, bodies: NDArray[np.bool_], areas: list[Rectangle]
    ) -> NDArray[np.float32]:
        """[H, W, 2] number of the thing and depth, of what stands and what moves."""
        both = view.truth.copy()
        if areas:
            target = self._canvas(view).truth
            target.use()
            target.clear()
            self._draw_moving(target, view, bodies, truth=True)
            for x0, y0, x1, y1 in areas:
                over = np.empty((y1 - y0, x1 - x0, 2), np.float32)
                target.read_into(over, (x0, y0, x1 - x0, y1 - y0), components=2, dtype="f4")
                np.copyto(both[y0:y1, x0:x1], over, where=over[..., 1:] > 0)
        return both

    def _bring_up(self, view: View, scene: Scene) -> None:
        """Make the device hold the scene, and the view's standing picture show it."""
        self._standing.update(scene)
        self._moving.update(scene)
        stale = self._standing.stale
        areas: list[Rectangle] = []
        if view.painted < 0:
            areas = [(0, 0, *view.size)]
        elif view.painted < len(stale):
            areas = merged(rectangles(view.camera, np.array(stale[view.painted :])))
        for area in areas:
            colours = self._variant(truth=False, over=False)
            numbers = self._variant(truth=True, over=False)
            self._painter.paint(view, area, self._canvas(view).store, colours, numbers)
        view.painted = len(stale)
        started = [other for other in self._views.values() if other.painted >= 0]
        if all(other.painted == len(stale) for other in started):
            stale.clear()
            for other in started:
                other.painted = 0

    def _draw_moving(
        self,
        target: moderngl.Framebuffer,
        view: View,
        bodies: NDArray[np.bool_],
        *,
        truth: bool,
    ) -> None:
        """Draw into a framebuffer that is in use: shadows, then people and things, then glass."""
        context, programs = self._context, self._variant(truth=truth, over=True)
        context.enable_only(moderngl.DEPTH_TEST | moderngl.CULL_FACE | moderngl.BLEND)
        context.blend_func = moderngl.ONE, moderngl.ONE_MINUS_SRC_ALPHA
        programs.set_all("to_clip", view.to_clip)
        view.behind.use(3)
        programs.set_all("behind", 3)
        if not truth:
            target.depth_mask = False
            self._moving.draw_shadows(programs)
            target.depth_mask = True
        context.disable(moderngl.BLEND)
        self._moving.draw_people(programs, bodies)
        self._looks.draw(programs, self._moving.rows, self._moving.kinds)
        for name, pose in self._moving.open_doors.items():
            self._painter.draw_door(target, programs, name, pose)

    def _canvas(self, view: View) -> Canvases:
        if view.size not in self._canvases:
            self._canvases[view.size] = Canvases(self._context, view.size, self._samples)
        return self._canvases[view.size]

    def _variant(self, *, truth: bool, over: bool) -> Programs:
        if (truth, over) not in self._programs:
            self._programs[truth, over] = Programs(self._context, truth=truth, over=over)
        return self._programs[truth, over]
