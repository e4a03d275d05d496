"""Geometry of the report's pictures: what goes where, in pixels. The template draws it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aisle.bags.evidence import Curve
from aisle.store.layout import shelf_layout
from aisle.store.types import Fixture, Shelf, Store

CHART_W, CHART_H = 540, 190
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 12, 26
MOST_POINTS = 180
FLOOR_W, FLOOR_H = 250, 170
RACK_W = 420


@dataclass(frozen=True)
class Tick:
    """A position in pixels and its text."""

    at: float
    text: str


@dataclass(frozen=True)
class Line:
    """One curve: broken where samples are missing."""

    plate: str
    pieces: list[str]
    """SVG points."""
    colour: int
    """0 to 5; -1 for a plate that only moved at the same time."""
    change_g: float | None


@dataclass(frozen=True)
class Chart:
    """Weights over time around a change."""

    lines: list[Line]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    zero_y: float
    event_x: float
    evidence: tuple[float, float]
    """Left edge and width of the time that the change rests on."""
    truths: list[float] = field(default_factory=list)
    """Where true events lie."""


def chart(
    curves: Sequence[Curve],
    evidence_s: tuple[float, float],
    truths_s: Sequence[float] = (),
) -> Chart | None:
    """Lay out curves; None when there is nothing to see.

    Args:
        curves: Of one change.
        evidence_s: First and last time that the change rests on, relative to it.
        truths_s: Times of true events, relative to the change.
    """
    known = [curve.grams[~np.isnan(curve.grams)] for curve in curves]
    values = np.concatenate(known) if known else np.zeros(0)
    if not len(values):
        return None
    x0 = min(float(curve.seconds[0]) for curve in curves)
    x1 = max(float(curve.seconds[-1]) for curve in curves)
    y0, y1 = min(float(values.min()), -20.0), max(float(values.max()), 20.0)
    room = 0.08 * (y1 - y0)
    y0, y1 = y0 - room, y1 + room

    def px(x: float) -> float:
        clipped = min(max(x, x0), x1)
        return LEFT + (clipped - x0) / max(x1 - x0, 1e-9) * (CHART_W - LEFT - RIGHT)

    def py(y: float) -> float:
        return TOP + (y1 - y) / (y1 - y0) * (CHART_H - TOP - BOTTOM)

    lines, colour = [], 0
    for curve in curves:
        lines.append(
            Line(
                curve.plate,
                _pieces(curve, px, py),
                colour % 6 if curve.evidence else -1,
                curve.change_g,
            )
        )
        colour += curve.evidence
    left, right = px(evidence_s[0]), px(evidence_s[1])
    return Chart(
        lines,
        [Tick(px(x), f"{x:+g} s" if x else "0") for x in ticks(x0, x1, 7)],
        [Tick(py(y), f"{y:+g} g" if y else "0") for y in ticks(y0, y1, 5)],
        py(0.0),
        px(0.0),
        (left, max(right - left, 1.0)),
        [px(x) for x in truths_s if x0 <= x <= x1],
    )


def _pieces(curve: Curve, px: Callable[[float], float], py: Callable[[float], float]) -> list[str]:
    step = max(1, len(curve.seconds) // MOST_POINTS)
    pieces: list[str] = []
    points: list[str] = []
    for start in range(0, len(curve.seconds), step):
        part = curve.grams[start : start + step]
        if np.isnan(part).all():
            if points:
                pieces.append(" ".join(points))
            points = []
            continue
        x = float(curve.seconds[start : start + step].mean())
        points.append(f"{px(x):.1f},{py(float(np.nanmean(part))):.1f}")
    if points:
        pieces.append(" ".join(points))
    return pieces


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most `most` round numbers between two bounds."""
    raw = (high - low) / max(most - 1, 1)
    scale = 10.0 ** math.floor(math.log10(raw))
    step = next(m * scale for m in (1, 2, 5, 10) if m * scale >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(n * step, 10) for n in range(first, last + 1)]


@dataclass(frozen=True)
class Footprint:
    """A fixture from above."""

    id: str
    outline: str
    """SVG points."""
    front: tuple[float, float, float, float]
    """x1, y1, x2, y2 of the side where shoppers stand."""
    at: tuple[float, float]
    chosen: bool


@dataclass(frozen=True)
class Floor:
    """All fixtures from above."""

    width: float
    height: float
    footprints: list[Footprint]


def floor(store: Store, chosen: str) -> Floor:
    """Lay out the fixtures of a store from above, north up, with one chosen."""
    corners = {fixture.id: _corners(fixture) for fixture in store.fixtures.values()}
    if not corners:
        return Floor(FLOOR_W, 20.0, [])
    every = np.concatenate(list(corners.values()))
    low, high = every.min(axis=0) - 0.4, every.max(axis=0) + 0.4
    scale = float(min(FLOOR_W / (high[0] - low[0]), FLOOR_H / (high[1] - low[1])))
    found = []
    for name, points in corners.items():
        x = (points[:, 0] - low[0]) * scale
        y = (high[1] - points[:, 1]) * scale
        outline = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        front = (float(x[0]), float(y[0]), float(x[1]), float(y[1]))
        middle = (float(x.mean()), float(y.mean()))
        found.append(Footprint(name, outline, front, middle, name == chosen))
    return Floor(float((high[0] - low[0]) * scale), float((high[1] - low[1]) * scale), found)


def _corners(fixture: Fixture) -> NDArray[np.float64]:
    width, depth, _ = fixture.size_m
    flat = np.array([[0, 0, 0, 1], [width, 0, 0, 1], [width, depth, 0, 1], [0, depth, 0, 1]])
    corners: NDArray[np.float64] = (fixture.pose @ flat.T).T[:, :2]
    return corners


@dataclass(frozen=True)
class Cell:
    """One plate of a rack's front."""

    plate: str
    x: float
    y: float
    width: float
    height: float
    products: str
    colour: int
    """0 to 5 for a plate of the change, -1 for others."""


@dataclass(frozen=True)
class Board:
    """One shelf of a rack's front."""

    name: str
    y: float
    chosen: bool


@dataclass(frozen=True)
class Rack:
    """The front of a fixture as a shopper sees it."""

    id: str
    width: float
    height: float
    cells: list[Cell]
    boards: list[Board]
    holds: list[str]
    """Products that belong on the plates of the change."""


def rack(store: Store, fixture_id: str, shelf_id: str, plates: Sequence[str]) -> Rack | None:
    """Lay out the front of a fixture with the plates of a change; None for an unknown fixture."""
    fixture = store.fixtures.get(fixture_id)
    if fixture is None:
        return None
    shelves = sorted((store.shelves[name] for name in fixture.shelves), key=_height, reverse=True)
    names: dict[str, list[str]] = {p: [] for shelf in shelves for p in shelf.plates}
    for slot in store.slots.values():
        for plate in slot.plates:
            misplaced = " (left there by a shopper)" if slot.misplaced else ""
            names.setdefault(plate, []).append(store.products[slot.product].name + misplaced)
    cells, boards, row = [], [], 34.0
    right = 0.0
    for number, shelf in enumerate(shelves):
        layout = shelf_layout(store, shelf.id)
        top = number * row + 4
        boards.append(Board(shelf.id.rpartition("/")[2], top + row - 8, shelf.id == shelf_id))
        for plate, centre, width in zip(layout.plates, layout.centre, layout.width, strict=True):
            left = float(centre - width / 2)
            right = max(right, left + float(width))
            colour = list(plates).index(plate) % 6 if plate in plates else -1
            here = ", ".join(names[plate]) or "no product"
            cells.append(Cell(plate, left, top, float(width), row - 8, here, colour))
    scale = (RACK_W - 30) / max(right, fixture.size_m[0])
    cells = [
        Cell(c.plate, 28 + c.x * scale, c.y, c.width * scale - 1.5, c.height, c.products, c.colour)
        for c in cells
    ]
    holds = dict.fromkeys(name for plate in plates for name in names.get(plate, ()))
    return Rack(fixture_id, RACK_W, len(shelves) * row + 4, cells, boards, list(holds))


def _height(shelf: Shelf) -> float:
    return float(shelf.pose[2, 3]) if shelf.pose is not None else -1.0
