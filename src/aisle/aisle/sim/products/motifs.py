"""Small pictures for labels: fruit, leaves, nuts, drops. Each fits a circle."""

from __future__ import annotations

import math
from collections.abc import Callable

from aisle.sim.products.colours import Colour, dark, light, rgb
from aisle.sim.products.strokes import BROWN, GREEN, Draw, ball, disk, leaf, polygon


def draw_motif(d: Draw, name: str, x: float, y: float, r: float, colour: Colour) -> None:
    """Draws a motif around (x, y), at most about `r` pixels out; an unknown name is a ball."""
    MOTIFS.get(name, _round)(d, x, y, r, colour)


def _round(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    ball(d, x, y + 0.15 * r, 0.82 * r, colour)
    d.line((x, y - 0.55 * r, x + 0.12 * r, y - r), fill=BROWN, width=max(1, int(r * 0.12)))
    leaf(d, x + 0.42 * r, y - 0.78 * r, 0.36 * r, -0.06, GREEN)


def _pear(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    disk(d, x, y - 0.3 * r, 0.42 * r, dark(colour, 0.12), 0.55 * r)
    ball(d, x, y + 0.35 * r, 0.64 * r, colour)
    disk(d, x - 0.04 * r, y - 0.25 * r, 0.36 * r, colour, 0.5 * r)
    d.line((x, y - 0.75 * r, x + 0.1 * r, y - r), fill=BROWN, width=max(1, int(r * 0.12)))


def _citrus(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    disk(d, x, y, r, dark(colour, 0.08))
    disk(d, x, y, 0.88 * r, light(colour, 0.85))
    for i in range(8):
        start = i * 45 + 4
        box = (x - 0.8 * r, y - 0.8 * r, x + 0.8 * r, y + 0.8 * r)
        d.pieslice(box, start, start + 37, fill=light(colour, 0.12))


def _kiwi(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    disk(d, x, y, r, BROWN)
    disk(d, x, y, 0.9 * r, rgb("#8fc23a"))
    for i in range(12):
        a = i / 12 * 2 * math.pi
        disk(d, x + 0.48 * r * math.cos(a), y + 0.48 * r * math.sin(a), 0.07 * r, (30, 26, 18))
    disk(d, x, y, 0.28 * r, rgb("#eef0c8"))


def _berry(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    for row, count in enumerate((3, 4, 3, 2, 1)):
        for i in range(count):
            px = x + (i - (count - 1) / 2) * 0.42 * r
            ball(d, px, y - 0.45 * r + row * 0.3 * r, 0.26 * r, colour)
    for angle in (-0.34, -0.25, -0.16):
        leaf(d, x, y - 0.78 * r, 0.3 * r, angle, GREEN)


def _cherry(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    for side, low in ((-0.45, 0.45), (0.45, 0.55)):
        ends = (x + side * r, y + low * r - 0.3 * r, x + 0.15 * r, y - 0.9 * r)
        d.line(ends, fill=GREEN, width=max(1, int(r * 0.09)))
        ball(d, x + side * r, y + low * r, 0.43 * r, colour)
    leaf(d, x + 0.45 * r, y - 0.8 * r, 0.34 * r, 0.03, GREEN)


def _grapes(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    for row, count in enumerate((4, 3, 2, 1)):
        for i in range(count):
            px = x + (i - (count - 1) / 2) * 0.46 * r
            ball(d, px, y - 0.35 * r + row * 0.38 * r, 0.26 * r, colour)
    leaf(d, x + 0.2 * r, y - 0.75 * r, 0.36 * r, -0.08, GREEN)


def _leaf(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    green = GREEN if colour[1] < max(colour) else dark(colour, 0.15)
    leaf(d, x - 0.25 * r, y + 0.1 * r, 0.7 * r, -0.32, green)
    leaf(d, x + 0.3 * r, y + 0.25 * r, 0.62 * r, -0.1, light(green, 0.15))


def _sprig(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    d.line((x, y + r, x, y - r), fill=dark(colour, 0.4), width=max(1, int(r * 0.1)))
    for i in range(5):
        level = y + (0.7 - 0.38 * i) * r
        leaf(d, x - 0.34 * r, level, 0.36 * r, -0.4, colour)
        leaf(d, x + 0.34 * r, level, 0.36 * r, -0.1, dark(colour, 0.15))


def _chili(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    red = rgb("#d21f1a")
    box = (x - 1.3 * r, y - 1.1 * r, x + 0.7 * r, y + 0.8 * r)
    d.arc(box, -20, 110, fill=red, width=max(2, int(0.42 * r)))
    leaf(d, x + 0.55 * r, y - 0.6 * r, 0.32 * r, -0.2, GREEN)


def _flame(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    points = [(0, -1), (0.3, -0.35), (0.65, 0.1), (0.5, 0.75), (0, 1), (-0.5, 0.75), (-0.6, 0.0)]
    polygon(d, x, y, r, [*points, (-0.25, -0.2)], light(rgb("#e8561d"), 0.05))
    polygon(d, x, y + 0.3 * r, 0.55 * r, points, rgb("#f7c531"))


def _rings(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    for i, share in enumerate((1.0, 0.78, 0.56, 0.34)):
        disk(d, x, y, share * r, light(colour, 0.2 if i % 2 == 0 else 0.75))


def _tomato(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    ball(d, x, y + 0.08 * r, 0.9 * r, rgb("#d92a1c"))
    for i in range(5):
        leaf(d, x, y - 0.55 * r, 0.36 * r, i / 5 - 0.25, GREEN)


def _crystal(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    for px, py, size in ((-0.35, 0.25, 0.55), (0.4, -0.1, 0.48), (-0.05, -0.55, 0.38)):
        hexagon = [(math.cos(a * math.pi / 3), math.sin(a * math.pi / 3)) for a in range(6)]
        polygon(d, x + px * r, y + py * r, size * r, hexagon, light(colour, 0.55))
        polygon(d, x + px * r, y + py * r, 0.6 * size * r, hexagon, light(colour, 0.85))


def _ear(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    gold = rgb("#d79a2b")
    d.line((x, y + r, x, y - 0.6 * r), fill=dark(gold, 0.2), width=max(1, int(r * 0.09)))
    for i in range(4):
        level = y + (0.35 - 0.36 * i) * r
        leaf(d, x - 0.26 * r, level, 0.3 * r, -0.36, gold)
        leaf(d, x + 0.26 * r, level, 0.3 * r, -0.14, light(gold, 0.2))


def _comb(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    hexagon = [(math.cos(a * math.pi / 3), math.sin(a * math.pi / 3)) for a in range(6)]
    for i in range(7):
        a = math.pi / 6 + i * math.pi / 3
        px, py = (0.0, 0.0) if i == 6 else (0.62 * math.cos(a), 0.62 * math.sin(a))
        polygon(d, x + px * r, y + py * r, 0.36 * r, hexagon, dark(colour, 0.3))
        polygon(d, x + px * r, y + py * r, 0.29 * r, hexagon, light(colour, 0.3 if i % 2 else 0.05))


def _square(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    brown = rgb("#5a3018") if colour[0] < 200 else dark(colour, 0.2)
    for px in (-0.42, 0.42):
        for py in (-0.42, 0.42):
            cx, cy = x + px * r, y + py * r
            d.rectangle(
                (cx - 0.4 * r, cy - 0.4 * r, cx + 0.4 * r, cy + 0.4 * r), fill=dark(brown, 0.3)
            )
            d.rectangle(
                (cx - 0.36 * r, cy - 0.36 * r, cx + 0.28 * r, cy + 0.28 * r),
                fill=light(brown, 0.16),
            )


def _nut(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    for px, py, angle in ((-0.4, 0.2, -0.3), (0.4, 0.25, -0.17), (0.0, -0.4, -0.24)):
        leaf(d, x + px * r, y + py * r, 0.56 * r, angle, dark(colour, 0.35))
        leaf(d, x + px * r, y + py * r, 0.48 * r, angle, light(colour, 0.1))


def _coconut(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    box = (x - r, y - r, x + r, y + r)
    d.pieslice(box, 0, 180, fill=BROWN)
    disk(d, x, y, r, BROWN, 0.42 * r)
    disk(d, x, y, 0.86 * r, (255, 255, 250), 0.34 * r)
    disk(d, x, y + 0.05 * r, 0.55 * r, rgb("#dfe6df"), 0.2 * r)


def _flower(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    for i in range(6):
        a = i / 6 * 2 * math.pi
        disk(
            d, x + 0.58 * r * math.cos(a), y + 0.58 * r * math.sin(a), 0.36 * r, light(colour, 0.45)
        )
    disk(d, x, y, 0.34 * r, rgb("#e9b11f"))


def _drop(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    polygon(d, x, y, r, [(0, -1), (0.5, 0.05), (-0.5, 0.05)], colour)
    ball(d, x, y + 0.35 * r, 0.6 * r, colour)


def _spiral(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    width = max(2, int(0.16 * r))
    points = [
        (x + r * t * math.cos(13 * t), y + r * t * math.sin(13 * t))
        for t in (i / 40 for i in range(4, 41))
    ]
    d.line(points, fill=dark(colour, 0.2), width=width, joint="curve")


def _maple(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    for i in range(5):
        leaf(
            d,
            x + 0.4 * r * math.cos(i * 0.9 - 3.4),
            y + 0.4 * r * math.sin(i * 0.9 - 3.4),
            0.55 * r,
            (i * 0.9 - 3.4) / 6.283,
            colour,
        )
    d.line((x, y, x, y + r), fill=dark(colour, 0.3), width=max(1, int(r * 0.1)))


def _grain(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    for i in range(9):
        a = i * 2.4
        px, py = 0.28 * math.sqrt(i) * math.cos(a), 0.28 * math.sqrt(i) * math.sin(a)
        leaf(d, x + px * r, y + py * r, 0.22 * r, a / 6.0, light(colour, 0.45))


def _bean(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    brown = rgb("#4a2a16")
    for px, py in ((-0.4, 0.25), (0.42, 0.2), (0.0, -0.42)):
        disk(d, x + px * r, y + py * r, 0.4 * r, brown, 0.5 * r)
        line = (x + px * r, y + (py - 0.42) * r, x + px * r, y + (py + 0.42) * r)
        d.line(line, fill=light(brown, 0.5), width=max(1, int(r * 0.1)))


def _bubbles(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    for px, py, size in ((-0.3, 0.3, 0.6), (0.5, 0.0, 0.4), (0.05, -0.6, 0.3), (-0.6, -0.4, 0.22)):
        disk(d, x + px * r, y + py * r, size * r, light(colour, 0.55))
        disk(
            d, x + (px - 0.3 * size) * r, y + (py - 0.3 * size) * r, 0.3 * size * r, (255, 255, 255)
        )


def _bolt(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    points = [(0.25, -1), (-0.6, 0.15), (-0.08, 0.15), (-0.3, 1), (0.6, -0.25), (0.06, -0.25)]
    polygon(d, x, y, r, points, rgb("#f6c915"))


def _mountain(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    polygon(d, x, y, r, [(-1, 0.7), (-0.35, -0.6), (0.3, 0.7)], dark(colour, 0.25))
    polygon(d, x, y, r, [(-0.4, 0.7), (0.3, -0.9), (1, 0.7)], colour)
    polygon(d, x, y, r, [(0.08, -0.4), (0.3, -0.9), (0.52, -0.4), (0.3, -0.2)], (255, 255, 255))


def _bowl(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    d.pieslice((x - r, y - 0.8 * r, x + r, y + 0.9 * r), 0, 180, fill=dark(colour, 0.35))
    disk(d, x, y + 0.02 * r, r, light(colour, 0.75), 0.34 * r)
    for i in range(7):
        px, py = 0.62 * math.cos(i * 0.9), 0.18 * math.sin(i * 0.9)
        disk(
            d, x + px * r, y + py * r, 0.17 * r, light(colour, 0.1) if i % 2 else dark(colour, 0.1)
        )


def _slice(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    gold = rgb("#f0bd4a")
    for px, py in ((-0.35, -0.25), (0.3, 0.05), (-0.2, 0.42)):
        disk(d, x + px * r, y + py * r, 0.56 * r, dark(gold, 0.22), 0.42 * r)
        disk(d, x + px * r, y + py * r, 0.5 * r, gold, 0.36 * r)


def _triangle(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    gold = rgb("#e9a932")
    for px, py, size in ((-0.3, 0.2, 0.7), (0.4, 0.1, 0.62), (0.0, -0.35, 0.6)):
        points = [(0, -0.8), (0.8, 0.6), (-0.8, 0.6)]
        polygon(d, x + px * r, y + py * r, size * r, points, dark(gold, 0.25))
        polygon(d, x + px * r, y + py * r, 0.85 * size * r, points, gold)


def _cookie(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    dough = rgb("#cf9653")
    disk(d, x, y, r, dark(dough, 0.2))
    disk(d, x, y, 0.92 * r, dough)
    for i in range(8):
        a = i * 2.4
        px, py = 0.26 * math.sqrt(i + 0.4) * math.cos(a), 0.26 * math.sqrt(i + 0.4) * math.sin(a)
        disk(d, x + px * r, y + py * r, 0.12 * r, dark(colour, 0.3))


def _fish(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    silver = rgb("#7f9fb5")
    polygon(d, x, y, r, [(0.4, 0), (1.0, -0.42), (1.0, 0.42)], dark(silver, 0.2))
    disk(d, x - 0.15 * r, y, 0.78 * r, silver, 0.38 * r)
    disk(d, x - 0.62 * r, y - 0.08 * r, 0.09 * r, (20, 20, 20))


def _paw(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    brown = dark(colour, 0.35)
    disk(d, x, y + 0.35 * r, 0.5 * r, brown, 0.42 * r)
    for px, py in ((-0.62, -0.15), (-0.22, -0.55), (0.22, -0.55), (0.62, -0.15)):
        disk(d, x + px * r, y + py * r, 0.2 * r, brown, 0.26 * r)


def _heart(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    for px in (-0.42, 0.42):
        disk(d, x + px * r, y - 0.3 * r, 0.5 * r, colour)
    polygon(d, x, y, r, [(-0.86, -0.05), (0.86, -0.05), (0, 0.95)], colour)


def _star(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    points = []
    for i in range(10):
        size, a = (1.0 if i % 2 == 0 else 0.45), i / 10 * 2 * math.pi - math.pi / 2
        points.append((size * math.cos(a), size * math.sin(a)))
    polygon(d, x, y, r, points, light(colour, 0.2))


def _cross(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    d.rounded_rectangle((x - 0.3 * r, y - r, x + 0.3 * r, y + r), 0.15 * r, fill=colour)
    d.rounded_rectangle((x - r, y - 0.3 * r, x + r, y + 0.3 * r), 0.15 * r, fill=colour)


def _dots(d: Draw, x: float, y: float, r: float, colour: Colour) -> None:
    for i in range(14):
        a = i * 2.4
        px, py = 0.26 * math.sqrt(i) * math.cos(a), 0.26 * math.sqrt(i) * math.sin(a)
        disk(d, x + px * r, y + py * r, 0.15 * r, dark(colour, 0.1))


MOTIFS: dict[str, Callable[[Draw, float, float, float, Colour], None]] = {
    "round": _round, "peach": _round, "pear": _pear, "citrus": _citrus, "kiwi": _kiwi,
    "berry": _berry, "cherry": _cherry, "grapes": _grapes, "leaf": _leaf, "sprig": _sprig,
    "chili": _chili, "flame": _flame, "rings": _rings, "tomato": _tomato, "crystal": _crystal,
    "ear": _ear, "comb": _comb, "square": _square, "nut": _nut, "coconut": _coconut,
    "flower": _flower, "drop": _drop, "spiral": _spiral, "maple": _maple, "grain": _grain,
    "bean": _bean, "bubbles": _bubbles, "bolt": _bolt, "mountain": _mountain, "bowl": _bowl,
    "slice": _slice, "triangle": _triangle, "cookie": _cookie, "fish": _fish, "paw": _paw,
    "heart": _heart, "star": _star, "cross": _cross, "dots": _dots,
}  # fmt: skip
