"""What stands still in a store: floor, walls, gates, gondolas, fridges, their boards and labels."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from aisle.sim.render.triangles import SIGNS, TILES, Colour, Triangles
from aisle.sim.scene import Matrix
from aisle.store.types import Fixture, Shelf, Store

_WALL_M = 0.5
_ROOM_M = 1.5
"""How far the floor goes beyond what stands on it."""
_TILE_M = 0.6
_SIGN_PIXELS_PER_M = 420
_STRIP_M = 0.035
_BOARD_M = 0.02

_STEEL: Colour = (0.72, 0.74, 0.76)
_WHITE: Colour = (0.93, 0.94, 0.95)
_DARK: Colour = (0.22, 0.23, 0.25)
_PLATE: Colour = (0.45, 0.47, 0.49)
_WALL: Colour = (0.88, 0.87, 0.83)
_GATE: Colour = (0.16, 0.45, 0.42)
_BACKS: tuple[Colour, ...] = ((0.82, 0.81, 0.77), (0.70, 0.72, 0.72), (0.66, 0.60, 0.52))
_BOARDS: tuple[Colour, ...] = ((0.86, 0.86, 0.84), (0.62, 0.50, 0.36), (0.50, 0.52, 0.54))


class Furniture:
    """The standing store as triangles, and the pictures on them.

    Attributes:
        vertices: [V, 12], see `triangles`.
        faces: [F, 3].
        tiles: [512, 512, 3] one floor pattern of four tiles.
        signs: [H, W, 3] price strips, one below the other.
        doors: Door frame and pane of each fridge, in the door's own frame (x along it from the
            hinge, y into the fridge).
    """

    def __init__(self, store: Store, seed: int) -> None:
        self._rng = np.random.default_rng([seed, 11])
        self._store = store
        self._out = Triangles()
        self._board = _BOARDS[int(self._rng.integers(len(_BOARDS)))]
        self._back = _BACKS[int(self._rng.integers(len(_BACKS)))]
        self.tiles = self._draw_tiles()
        boards = [s for s in store.shelves.values() if s.pose is not None]
        self._row = {shelf.id: i for i, shelf in enumerate(boards)}
        self.signs = self._draw_signs(boards)
        self._floor()
        for gate in store.gates.values():
            for y in (0.45, -0.45):
                self._out.box(gate.pose, (-0.05, y - 0.02, 0), (0.05, y + 0.02, 1.0), _GATE)
        for fixture in store.fixtures.values():
            self._fixture(fixture)
        self.vertices, self.faces = self._out.arrays()
        self.doors = {f.id: _door(f) for f in store.fixtures.values() if f.kind == "fridge"}

    def _floor(self) -> None:
        """A grid of floor that is darker beside what stands on it, and low walls around it."""
        low, high = extent(self._store)
        low, high = low - _ROOM_M, high + _ROOM_M
        steps = np.maximum(1, np.ceil((high - low) / 0.25)).astype(int)
        xs, ys = (np.linspace(low[i], high[i], steps[i] + 1) for i in (0, 1))
        light = self._floor_light(xs, ys)
        still = np.eye(4)
        tint = tuple(float(v) for v in self._rng.uniform(0.86, 1.0, 3))
        for i in range(steps[0]):
            for j in range(steps[1]):
                at = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
                corners = [(xs[a], ys[b], 0.0) for a, b in at]
                uv = [(x / (2 * _TILE_M), y / (2 * _TILE_M)) for x, y, _ in corners]
                shades = [float(light[a, b]) for a, b in at]
                self._out.rectangle(still, corners, (tint[0], tint[1], tint[2]), shades, uv, TILES)
        (x0, y0), (x1, y1) = low, high
        for p, q in (
            ((x0, y1), (x1, y1)), ((x1, y0), (x0, y0)), ((x0, y0), (x0, y1)), ((x1, y1), (x1, y0)),
        ):  # fmt: skip
            corners = [(*p, 0.0), (*q, 0.0), (*q, _WALL_M), (*p, _WALL_M)]
            self._out.rectangle(still, corners, _WALL, (0.7, 0.7, 1.0, 1.0))

    def _floor_light(self, xs: NDArray[np.float64], ys: NDArray[np.float64]) -> NDArray[np.float64]:
        grid = np.stack([*np.meshgrid(xs, ys, indexing="ij"), np.zeros((len(xs), len(ys)))], -1)
        light = np.ones(grid.shape[:2])
        for fixture in self._store.fixtures.values():
            own = (grid - fixture.pose[:3, 3]) @ fixture.pose[:3, :3]
            width, depth, _ = fixture.size_m
            gap = np.hypot(
                np.maximum(0, np.maximum(-own[..., 0], own[..., 0] - width)),
                np.maximum(0, np.maximum(-own[..., 1], own[..., 1] - depth)),
            )
            light = np.minimum(light, 0.55 + 0.45 * np.clip(gap / 0.6, 0, 1) ** 0.7)
        return light

    def _fixture(self, fixture: Fixture) -> None:
        width, depth, height = fixture.size_m
        pose, out = fixture.pose, self._out
        fridge = fixture.kind == "fridge"
        back = _WHITE if fridge else self._back
        out.box(pose, (0, depth - 0.02, 0), (width, depth, height), _WHITE if fridge else _STEEL)
        out.box(pose, (0, 0.02, 0), (width, depth - 0.02, 0.11), _DARK)
        shelves = [self._store.shelves[s] for s in fixture.shelves]
        placed = [s for s in shelves if s.pose is not None]
        up = np.linalg.inv(pose)
        levels = sorted(float((up @ s.pose)[2, 3]) for s in placed if s.pose is not None)
        for i, level in enumerate([0.11, *levels]):
            top = levels[i] - _BOARD_M if i < len(levels) else height
            under = 1.0 if i == len(levels) and not fridge else 0.42
            y = depth - 0.021
            corners = [(0.0, y, level), (width, y, level), (width, y, top), (0.0, y, top)]
            out.rectangle(pose, corners, back, (0.5, 0.5, under, under))
        for shelf in placed:
            self._shelf(shelf, depth)
        if fridge:
            out.box(pose, (-0.02, 0, 0), (0.0, depth, height), _WHITE)
            out.box(pose, (width, 0, 0), (width + 0.02, depth, height), _WHITE)
            out.box(pose, (0, 0, height - 0.04), (width, depth, height), _WHITE)
        else:
            for x in (-0.01, width - 0.02):
                out.box(pose, (x, depth - 0.05, 0), (x + 0.03, depth - 0.02, height), _STEEL)

    def _shelf(self, shelf: Shelf, depth: float) -> None:
        """A board with its price strip and its plates."""
        if shelf.pose is None:
            return
        width, deep, _ = shelf.size_m
        deep = min(deep, depth - 0.021)
        dark = 0.95 if is_open_above(self._store, shelf) else 0.5
        light = (1.0, 1.0, dark, dark)
        out, pose = self._out, shelf.pose
        out.box(
            pose, (0, 0, -_BOARD_M), (width, deep, 0), _DARK if shelf.plates else self._board, light
        )
        rows = max(1, len(self._row))
        row = self._row[shelf.id]
        v0, v1 = row / rows, (row + 1) / rows
        right = width / self._sign_width()
        uv = ((0.0, v1), (right, v1), (right, v0), (0.0, v0))
        y, low, high = -0.004, -_STRIP_M, 0.004
        corners = [(0, y, low), (width, y, low), (width, y, high), (0, y, high)]
        out.rectangle(pose, corners, (1.12, 1.12, 1.12), uv=uv, surface=SIGNS)
        lip = [(0, y, high), (width, y, high), (width, 0, high), (0, 0, high)]
        out.rectangle(pose, lip, _WHITE)
        for name in shelf.plates:
            plate = self._store.plates[name]
            if plate.pose is not None:
                w, d = plate.size_m[0] / 2 - 0.002, plate.size_m[1] / 2 - 0.001
                corners = [(-w, -d, 0.0015), (w, -d, 0.0015), (w, d, 0.0015), (-w, d, 0.0015)]
                out.rectangle(plate.pose, corners, _PLATE, light)

    def _sign_width(self) -> float:
        return max([s.size_m[0] for s in self._store.shelves.values()] or [1.0])

    def _draw_tiles(self) -> NDArray[np.uint8]:
        rng, size = self._rng, 512
        picture = np.full((size, size, 3), rng.uniform(185, 215, 3), np.float32)
        coarse = rng.normal(0, 1, (32, 32)).astype(np.float32)
        cloud = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
        picture += 5 * cloud[..., None] + rng.normal(0, 3, (size, size, 1))
        half = size // 2
        for i in range(2):
            for j in range(2):
                picture[i * half : (i + 1) * half, j * half : (j + 1) * half] += rng.normal(0, 4)
                seam = picture[i * half : i * half + 3], picture[:, j * half : j * half + 3]
                for line in seam:
                    line[:] *= 0.78
        return np.clip(picture, 0, 255).astype(np.uint8)

    def _draw_signs(self, boards: list[Shelf]) -> NDArray[np.uint8]:
        """One strip a board, with a small card below each slot."""
        tall = 16
        wide = int(np.ceil(self._sign_width() * _SIGN_PIXELS_PER_M))
        picture = np.full((max(1, len(boards)) * tall, wide, 3), 178, np.uint8)
        for shelf in boards:
            top = self._row[shelf.id] * tall
            for slot in self._store.slots_of_shelf[shelf.id]:
                middle = self._middle_of(slot.plates, slot.area, shelf)
                if middle is None:
                    continue
                x = round((middle - 0.03) * _SIGN_PIXELS_PER_M)
                card = picture[top + 1 : top + tall - 1, max(0, x) : x + 25]
                card[:] = (252, 250, 240)
                if self._rng.random() < 0.2:
                    card[:] = (255, 222, 70)
                card[2:9, 12:22] = (40, 40, 45)
                card[4:7, 15:17] = card[0, 0] if card.size else 0
                card[3:5, 2:10] = (120, 120, 120)
                card[7:8, 2:9] = (140, 140, 140)
                card[11:12, 2:20] = (90, 90, 90)
        return picture

    def _middle_of(
        self,
        plates: tuple[str, ...],
        area: tuple[float, float, float, float] | None,
        shelf: Shelf,
    ) -> float | None:
        """Where along its shelf a slot is; None where it is not known."""
        if area is not None:
            return (area[0] + area[2]) / 2
        poses = [self._store.plates[p].pose for p in plates]
        if shelf.pose is None or not poses or any(p is None for p in poses):
            return None
        inverse = np.linalg.inv(shelf.pose)
        return float(np.mean([(inverse @ p)[0, 3] for p in poses if p is not None]))


def is_open_above(store: Store, shelf: Shelf) -> bool:
    """Whether no other board of its fixture and no lid keeps the light from a shelf."""
    fixture = store.fixtures[shelf.fixture]
    heights = [
        float(pose[2, 3])
        for name in fixture.shelves
        if (pose := store.shelves[name].pose) is not None
    ]
    if fixture.kind == "fridge" or shelf.pose is None:
        return False
    return float(shelf.pose[2, 3]) >= max(heights)


def extent(store: Store) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """[2] lowest and [2] highest x and y of fixtures and gates."""
    points = [gate.pose[:2, 3] for gate in store.gates.values()]
    for fixture in store.fixtures.values():
        width, depth, _ = fixture.size_m
        corners = np.array([[0, 0, 0], [width, 0, 0], [width, depth, 0], [0, depth, 0]])
        points.extend((corners @ fixture.pose[:3, :3].T + fixture.pose[:3, 3])[:, :2])
    if not points:
        return np.zeros(2), np.zeros(2)
    return np.min(points, axis=0), np.max(points, axis=0)


def door_pose(fixture: Fixture, angle: float) -> Matrix:
    """[4, 4] of a door that turns outwards about its left edge."""
    c, s = np.cos(angle), np.sin(angle)
    hinge = np.array([[c, s, 0, 0], [-s, c, 0, -0.02], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    return np.asarray(fixture.pose @ hinge)


def _door(fixture: Fixture) -> tuple[Triangles, Triangles]:
    """Frame with handle, and pane."""
    width, _, height = fixture.size_m
    still, edge = np.eye(4), 0.045
    frame, pane = Triangles(), Triangles()
    for low, high in (
        ((0, -0.02, 0.1), (edge, 0.015, height)),
        ((width - edge, -0.02, 0.1), (width, 0.015, height)),
        ((edge, -0.02, 0.1), (width - edge, 0.015, 0.1 + edge)),
        ((edge, -0.02, height - edge), (width - edge, 0.015, height)),
        ((width - 0.035, -0.06, 0.9), (width - 0.015, -0.02, 1.4)),
    ):
        frame.box(still, low, high, (0.3, 0.31, 0.33))
    x0, x1, z0, z1 = edge, width - edge, 0.1 + edge, height - edge
    for y, corners in (
        (-0.005, [(x0, z0), (x1, z0), (x1, z1), (x0, z1)]),
        (0.005, [(x1, z0), (x0, z0), (x0, z1), (x1, z1)]),
    ):
        pane.rectangle(still, [(x, y, z) for x, z in corners], (0.8, 0.9, 0.95))
    return frame, pane
