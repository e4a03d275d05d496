"""The packages' meshes: one function a shape, from its outer size."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from aisle.sim.products.regions import Regions, Size, faces_of, regions_of
from aisle.sim.products.surface import Array, Region, Ring, Surface
from aisle.sim.scene import Mesh


def mesh_of(shape: str, size: Size) -> Mesh:
    """The mesh of a package.

    Args:
        shape: A key of `SHAPES`.
        size: Width, depth, height in metres, which the mesh fills exactly.

    Raises:
        KeyError: There is no such shape.
    """
    surface = Surface()
    SHAPES[shape](surface, regions_of(shape, size), size)
    return surface.mesh()


def _ring(size: Size, r: float, z: float, n: float = 2.0) -> Ring:
    return Ring(r * size[0] / 2, r * size[1] / 2, z * size[2], n)


def _turned(
    surface: Surface, size: Size, parts: list[tuple[Region, list[tuple[float, float]]]]
) -> None:
    """Strips through (radius, height) pairs, as shares of the size."""
    for region, profile in parts:
        surface.strip(region, [_ring(size, r, z) for r, z in profile])


def _can(s: Surface, regions: Regions, size: Size) -> None:
    neck = 0.82
    body = [(0.8, 0.0), (1.0, 0.05), (1.0, 0.9), (neck, 0.985)]
    rim = [(neck, 0.985), (neck, 1.0), (neck - 0.07, 1.0), (neck - 0.09, 0.97)]
    _turned(s, size, [(regions.wrap, body), (regions.body, rim)])
    s.lid(regions.top, _ring(size, neck - 0.09, 0.97))
    s.lid(regions.base, _ring(size, 0.8, 0.0), up=False)


def _tin(s: Surface, regions: Regions, size: Size) -> None:
    foot = [(1.0, 0.0), (1.0, 0.02), (0.97, 0.03)]
    rim = [(0.97, 0.97), (1.0, 0.98), (1.0, 1.0), (0.93, 1.0), (0.92, 0.98)]
    label = [(0.97, 0.03), (0.97, 0.97)]
    _turned(s, size, [(regions.body, foot), (regions.wrap, label), (regions.body, rim)])
    s.lid(regions.top, _ring(size, 0.92, 0.98))
    s.lid(regions.base, _ring(size, 1.0, 0.0), up=False)


def _canister(s: Surface, regions: Regions, size: Size) -> None:
    label = [(0.96, 0.0), (0.96, 0.87)]
    edge = [(0.96, 0.87), (1.0, 0.87)]
    side = [(1.0, 0.87), (1.0, 1.0)]
    _turned(s, size, [(regions.wrap, label), (regions.cap, edge), (regions.cap, side)])
    s.lid(regions.top, _ring(size, 1.0, 1.0))
    s.lid(regions.base, _ring(size, 0.96, 0.0), up=False)


def _jar(s: Surface, regions: Regions, size: Size) -> None:
    foot = [(0.86, 0.0), (0.98, 0.05), (1.0, 0.13)]
    shoulder = [(1.0, 0.68), (0.96, 0.77), (0.82, 0.83)]
    lid = [(0.82, 0.83), (0.9, 0.83)]
    side = [(0.9, 0.83), (0.9, 1.0)]
    label = [(1.0, 0.13), (1.0, 0.68)]
    parts = [(regions.body, foot), (regions.wrap, label), (regions.body, shoulder)]
    _turned(s, size, [*parts, (regions.cap, lid), (regions.cap, side)])
    s.lid(regions.top, _ring(size, 0.9, 1.0))
    s.lid(regions.base, _ring(size, 0.86, 0.0), up=False)


def _bottle(s: Surface, regions: Regions, size: Size) -> None:
    foot = [(0.94, 0.0), (1.0, 0.03), (1.0, 0.12)]
    neck = [(1.0, 0.5), (0.96, 0.57), (0.6, 0.67), (0.37, 0.76), (0.33, 0.9)]
    label, cap = [(1.0, 0.12), (1.0, 0.5)], [(0.4, 0.9), (0.4, 1.0)]
    parts = [(regions.body, foot), (regions.wrap, label), (regions.body, neck)]
    _turned(s, size, [*parts, (regions.cap, cap)])
    s.lid(regions.top, _ring(size, 0.4, 1.0))
    s.lid(regions.cap, _ring(size, 0.4, 0.9), up=False)
    s.lid(regions.base, _ring(size, 0.94, 0.0), up=False)


def _pet(s: Surface, regions: Regions, size: Size) -> None:
    foot = [(0.82, 0.0), (1.0, 0.05), (0.97, 0.2)]
    neck = [(0.97, 0.62), (1.0, 0.68), (0.75, 0.82), (0.38, 0.91)]
    label, cap = [(0.97, 0.2), (0.97, 0.62)], [(0.46, 0.91), (0.46, 1.0)]
    parts = [(regions.body, foot), (regions.wrap, label), (regions.body, neck)]
    _turned(s, size, [*parts, (regions.cap, cap)])
    s.lid(regions.top, _ring(size, 0.46, 1.0))
    s.lid(regions.cap, _ring(size, 0.46, 0.91), up=False)
    s.lid(regions.base, _ring(size, 0.82, 0.0), up=False)


def _sleeve(s: Surface, regions: Regions, size: Size) -> None:
    body = [(0.86, 0.02), (1.0, 0.08), (0.93, 0.4), (1.0, 0.68), (0.66, 0.82)]
    cap = [(0.7, 0.84), (0.7, 1.0)]
    foot, neck = [(0.8, 0.0), (0.86, 0.02)], [(0.66, 0.82), (0.7, 0.84)]
    parts = [(regions.body, foot), (regions.wrap, body), (regions.cap, neck)]
    _turned(s, size, [*parts, (regions.cap, cap)])
    s.lid(regions.top, _ring(size, 0.7, 1.0))
    s.lid(regions.base, _ring(size, 0.8, 0.0), up=False)


def _flask(s: Surface, regions: Regions, size: Size) -> None:
    width, depth, height = size
    square = 3.5
    r = 0.34 * min(width, depth) + 0.08 * width
    r = min(r, 0.46 * depth)

    def level(share: float, z: float) -> Ring:
        return Ring(share * width / 2, share * depth / 2, z * height, square)

    s.strip(regions.body, [level(0.94, 0.0), level(1.0, 0.06)])
    s.strip(regions.wrap, [level(1.0, 0.06), level(1.0, 0.64)])
    shoulder = [level(1.0, 0.64), level(0.93, 0.73), Ring(r, r, 0.83 * height, 2.2)]
    s.strip(regions.body, shoulder)
    s.strip(regions.cap, [Ring(r, r, 0.83 * height, 2.2), Ring(0.9 * r, 0.9 * r, height, 2.2)])
    s.lid(regions.top, Ring(0.9 * r, 0.9 * r, height, 2.2))
    s.lid(regions.base, level(0.94, 0.0), up=False)


def _cup(s: Surface, regions: Regions, size: Size) -> None:
    wall, under = [(0.74, 0.0), (0.95, 0.94)], [(0.95, 0.94), (1.0, 0.95)]
    rim = [(1.0, 0.95), (1.0, 1.0)]
    _turned(s, size, [(regions.wrap, wall), (regions.cap, under), (regions.cap, rim)])
    s.lid(regions.top, _ring(size, 1.0, 1.0))
    s.lid(regions.base, _ring(size, 0.74, 0.0), up=False)


def _stick(s: Surface, regions: Regions, size: Size) -> None:
    wall, cap = [(1.0, 0.0), (1.0, 0.62)], [(1.0, 0.62), (0.95, 0.64), (0.95, 1.0)]
    _turned(s, size, [(regions.wrap, wall), (regions.cap, cap)])
    s.lid(regions.top, _ring(size, 0.95, 1.0))
    s.lid(regions.base, _ring(size, 1.0, 0.0), up=False)


def _tube(s: Surface, regions: Regions, size: Size) -> None:
    x, y, height = size[0] / 2, size[1] / 2, size[2]
    r = min(0.72 * x, 0.8 * y)
    s.strip(regions.cap, [Ring(r, r, 0.0), Ring(r, r, 0.13 * height)])
    s.lid(regions.base, Ring(r, r, 0.0), up=False)
    s.strip(regions.cap, [Ring(r, r, 0.13 * height), Ring(0.84 * x, y, 0.14 * height)])
    rings = [(0.84, 1.0, 0.14), (0.86, 0.9, 0.35), (0.93, 0.5, 0.7), (0.98, 0.12, 0.94)]
    levels = [Ring(a * x, b * y, z * height) for a, b, z in rings]
    s.strip(regions.wrap, [*levels, Ring(x, 0.06 * y, height, 4.0)])
    s.lid(regions.body, Ring(x, 0.06 * y, height, 4.0))


def _pouch(s: Surface, regions: Regions, size: Size) -> None:
    x, y, height = size[0] / 2, size[1] / 2, size[2]
    rings = [(0.9, 1.0, 0.0), (0.93, 0.97, 0.14), (0.97, 0.66, 0.6), (1.0, 0.16, 0.91)]
    levels = [Ring(a * x, b * y, z * height, 2.4) for a, b, z in rings]
    top = Ring(x, 0.05 * y, height, 4.0)
    s.strip(regions.wrap, [*levels, top])
    s.lid(regions.body, top)
    s.lid(regions.base, levels[0], up=False)


def _block(
    s: Surface,
    faces: tuple[Region, Region, Region, Region],
    ends: tuple[Region, Region],
    low: tuple[float, float, float],
    high: tuple[float, float, float],
) -> None:
    """A cuboid: front, right, back and left; top and base."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    around = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
    for i, region in enumerate(faces):
        (ax, ay), (bx, by) = around[i], around[(i + 1) % 4]
        s.quad(region, [(ax, ay, z0), (bx, by, z0), (bx, by, z1), (ax, ay, z1)])
    s.quad(ends[0], [(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)])
    s.quad(ends[1], [(x0, y1, z0), (x1, y1, z0), (x1, y0, z0), (x0, y0, z0)])


def _sides(wrap: Region, size: Size) -> tuple[Region, Region, Region, Region]:
    front, _ = faces_of("box", size)
    cuts = (0.0, front, 0.5, 0.5 + front, 1.0)
    a, b, c, d = (wrap.part(cuts[i], cuts[i + 1]) for i in range(4))
    return a, b, c, d


def _box(s: Surface, regions: Regions, size: Size) -> None:
    x, y, height = size[0] / 2, size[1] / 2, size[2]
    ends = (regions.top, regions.base)
    _block(s, _sides(regions.wrap, size), ends, (-x, -y, 0.0), (x, y, height))


def _brick(s: Surface, regions: Regions, size: Size) -> None:
    x, y, height = size[0] / 2, size[1] / 2, size[2]
    body = height - min(0.014, 0.08 * height)
    ends = (regions.top, regions.base)
    _block(s, _sides(regions.wrap, size), ends, (-x, -y, 0.0), (x, y, body))
    r = 0.3 * min(x, y) + 0.002
    low, high = (Ring(r, r, z, cx=0.4 * x, cy=-0.35 * y) for z in (body, height))
    s.strip(regions.cap, [low, high])
    s.lid(regions.cap.part(0.3, 0.7), high)


def _gable(s: Surface, regions: Regions, size: Size) -> None:
    x, y, height = size[0] / 2, size[1] / 2, size[2]
    eaves, ridge = 0.78 * height, 0.93 * height
    for i, region in enumerate(_sides(regions.wrap, size)):
        around = [(-x, -y), (x, -y), (x, y), (-x, y)]
        (ax, ay), (bx, by) = around[i], around[(i + 1) % 4]
        s.quad(region, [(ax, ay, 0.0), (bx, by, 0.0), (bx, by, eaves), (ax, ay, eaves)])
    s.quad(regions.base, [(-x, y, 0.0), (x, y, 0.0), (x, -y, 0.0), (-x, -y, 0.0)])
    front, back = regions.top.part(0, 1, 0.5, 1), regions.top.part(0, 1, 0, 0.5)
    s.quad(front, [(-x, -y, eaves), (x, -y, eaves), (x, 0.0, ridge), (-x, 0.0, ridge)])
    s.quad(back, [(x, y, eaves), (-x, y, eaves), (-x, 0.0, ridge), (x, 0.0, ridge)])
    s.quad(regions.body, [(x, -y, eaves), (x, y, eaves), (x, 0.0, ridge)])
    s.quad(regions.body, [(-x, y, eaves), (-x, -y, eaves), (-x, 0.0, ridge)])
    thin = 0.02 * y
    fin = (regions.cap,) * 4
    _block(s, fin, (regions.cap,) * 2, (-x, -thin, ridge - 0.01 * height), (x, thin, height))


def _packet(s: Surface, regions: Regions, size: Size) -> None:
    x, y, height = size[0] / 2, size[1] / 2, size[2]
    body = 0.9 * height
    ends = (regions.top, regions.base)
    _block(s, _sides(regions.wrap, size), ends, (-x, -y, 0.0), (x, y, body))
    fold = (regions.cap,) * 4
    _block(s, fold, (regions.cap,) * 2, (-0.94 * x, -0.3 * y, body), (0.94 * x, 0.3 * y, height))


def _pillow(corners: int) -> tuple[Array, Array, Array]:
    """A filled bag's half: across and along 0..1, thickness 0..1 with seams at the ends of along.

    Each [corners, corners]; rows go along, columns across; an odd number, so that 1 is reached.
    """
    across, along = np.meshgrid(np.linspace(0, 1, corners), np.linspace(0, 1, corners))
    inner = np.clip((along - 0.06) / 0.88, 0.0, 1.0)
    bulge = (1 - np.abs(2 * across - 1) ** 2.5) * (1 - np.abs(2 * inner - 1) ** 3.0)
    return across, along, bulge / bulge.max()


def _bag(s: Surface, regions: Regions, size: Size) -> None:
    width, depth, height = size
    across, along, bulge = _pillow(7)
    pinch = 1 - 0.08 * bulge.max(axis=1, keepdims=True)
    x = (across - 0.5) * width * pinch
    for side, region in ((-1, regions.wrap.part(0.0, 0.5)), (1, regions.wrap.part(0.5, 1.0))):
        points = np.stack([-side * x, side * bulge * depth / 2, along * height], axis=2)
        s.sheet(region, points)


def _bar(s: Surface, regions: Regions, size: Size) -> None:
    width, depth, height = size
    across, along, bulge = _pillow(7)
    filled = np.clip(1.6 * bulge.T, 0.0, 1.0)  # turned: the seams are left and right
    x, y = (across - 0.5) * width, (along - 0.5) * depth
    for side, region in ((1, regions.top), (-1, regions.base)):
        s.sheet(region, np.stack([side * x, y, (1 + side * filled) * height / 2], axis=2))


def _blister(s: Surface, regions: Regions, size: Size) -> None:
    x, y, height = size[0] / 2, size[1] / 2, size[2]
    card = y - min(0.0015, 0.2 * y)
    front, back = regions.wrap.part(0.0, 0.5), regions.wrap.part(0.5, 1.0)
    edge = regions.cap
    _block(s, (front, edge, back, edge), (edge, edge), (-x, card, 0.0), (x, y, height))
    bubble = (regions.top, regions.body, regions.body, regions.body)
    low, high = (-0.76 * x, -y, 0.08 * height), (0.76 * x, card, 0.56 * height)
    _block(s, bubble, (regions.body, regions.body), low, high)


SHAPES: dict[str, Callable[[Surface, Regions, Size], None]] = {
    "can": _can,
    "tin": _tin,
    "canister": _canister,
    "jar": _jar,
    "bottle": _bottle,
    "pet": _pet,
    "sleeve": _sleeve,
    "flask": _flask,
    "cup": _cup,
    "stick": _stick,
    "tube": _tube,
    "pouch": _pouch,
    "box": _box,
    "brick": _brick,
    "gable": _gable,
    "packet": _packet,
    "bag": _bag,
    "bar": _bar,
    "blister": _blister,
}
