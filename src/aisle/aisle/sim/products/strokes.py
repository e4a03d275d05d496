"""Strokes of which the motifs are made. Everything in pixels."""

from __future__ import annotations

import math

from PIL import ImageDraw

from aisle.sim.products.colours import Colour, dark, light, rgb

Draw = ImageDraw.ImageDraw
GREEN = rgb("#3f8f34")
BROWN = rgb("#5b3a1e")


def disk(d: Draw, x: float, y: float, rx: float, colour: Colour, ry: float | None = None) -> None:
    """A circle, or an ellipse where `ry` is given."""
    ry = rx if ry is None else ry
    d.ellipse((x - rx, y - ry, x + rx, y + ry), fill=colour)


def polygon(
    d: Draw, x: float, y: float, r: float, points: list[tuple[float, float]], colour: Colour
) -> None:
    """A polygon through points in units of `r` around (x, y)."""
    d.polygon([(x + r * px, y + r * py) for px, py in points], fill=colour)


def leaf(d: Draw, x: float, y: float, r: float, angle: float, colour: Colour) -> None:
    """A pointed leaf of length 2 r; `angle` in turns, 0 is to the right."""
    points = []
    for i in range(13):
        t = i / 12 * 2 * math.pi
        px, py = math.cos(t), 0.42 * math.sin(t) * (1 - 0.35 * math.cos(t))
        c, s = math.cos(2 * math.pi * angle), math.sin(2 * math.pi * angle)
        points.append((px * c - py * s, px * s + py * c))
    polygon(d, x, y, r, points, colour)
    dx, dy = r * math.cos(2 * math.pi * angle), r * math.sin(2 * math.pi * angle)
    d.line((x - dx, y - dy, x + dx, y + dy), fill=light(colour, 0.4), width=max(1, int(r * 0.09)))


def ball(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    """A ball with a light spot."""
    disk(d, x, y, r, dark(colour, 0.25))
    disk(d, x - 0.05 * r, y - 0.06 * r, 0.9 * r, colour)
    disk(d, x - 0.35 * r, y - 0.4 * r, 0.24 * r, light(colour, 0.65))
