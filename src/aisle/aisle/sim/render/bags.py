"""What people carry their shopping in: a wire basket, a cloth bag. Origin: where it hangs."""

from __future__ import annotations

import numpy as np

from aisle.sim.render.triangles import Triangles, Vector
from aisle.sim.scene import Look, Mesh


def bag_looks() -> dict[str, Look]:
    """Looks by the names that `Person.bag` uses."""
    return {"basket": _basket(), "tote": _tote()}


def _open_box(low: Vector, high: Vector, taper: float, handle: tuple[float, float]) -> Mesh:
    """Four walls seen from both sides, a bottom, and straps up to the hand.

    The upper half of the texture is the outside, the lower half the inside.
    """
    (x0, y0, z0), (x1, y1, z1) = low, high
    u0, v0, u1, v1 = x0 + taper, y0 + taper, x1 - taper, y1 - taper
    bottom = [(u0, v0, z0), (u1, v0, z0), (u1, v1, z0), (u0, v1, z0)]
    rim = [(x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)]
    out, still, white = Triangles(), np.eye(4), (1.0, 1.0, 1.0)
    outside = ((0.0, 0.5), (1.0, 0.5), (1.0, 0.0), (0.0, 0.0))
    inside = ((0.0, 1.0), (1.0, 1.0), (1.0, 0.5), (0.0, 0.5))
    for k in range(4):
        a, b, c, d = bottom[k], bottom[(k + 1) % 4], rim[(k + 1) % 4], rim[k]
        out.rectangle(still, [a, b, c, d], white, uv=outside)
        out.rectangle(still, [b, a, d, c], white, uv=inside)
    out.rectangle(still, bottom, white, uv=inside)
    out.rectangle(still, bottom[::-1], white, uv=outside)
    (bar, wide) = handle
    for x in (-bar, bar):
        strap = [(x - wide, 0.012, 0.0), (x + wide, 0.012, 0.0)]
        foot = [(x + wide, y1, z1), (x - wide, y1, z1)]
        out.rectangle(still, [*strap, *foot], white, uv=outside)
        out.rectangle(still, [*foot[::-1], *strap[::-1]], white, uv=outside)
        strap = [(x + wide, -0.012, 0.0), (x - wide, -0.012, 0.0)]
        foot = [(x - wide, y0, z1), (x + wide, y0, z1)]
        out.rectangle(still, [*strap, *foot], white, uv=outside)
        out.rectangle(still, [*foot[::-1], *strap[::-1]], white, uv=outside)
    vertices, faces = out.arrays()
    return Mesh(vertices[:, :3], vertices[:, 3:6], vertices[:, 9:11], faces)


def _basket() -> Look:
    mesh = _open_box((-0.2, -0.13, -0.34), (0.2, 0.13, -0.13), 0.03, (0.03, 0.03))
    texture = np.full((64, 64, 3), (176, 30, 38), np.uint8)
    texture[32:] = (105, 20, 26)
    texture[4:60:8] = (60, 12, 16)
    texture[:, 3::8] = texture[:, 3::8] // 2
    return Look(mesh, texture)


def _tote() -> Look:
    mesh = _open_box((-0.18, -0.06, -0.55), (0.18, 0.06, -0.22), 0.015, (0.08, 0.015))
    texture = np.full((64, 64, 3), (214, 200, 168), np.uint8)
    texture[32:] = (120, 110, 90)
    texture[10:24, 22:42] = (52, 92, 70)
    return Look(mesh, texture)
