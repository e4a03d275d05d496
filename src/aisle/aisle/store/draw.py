"""A picture of a store: the floor plan from above and the front of every fixture."""

from __future__ import annotations

import math
import textwrap
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Polygon as Outline
from matplotlib.patches import Rectangle

from aisle.store.draw_coverage import POOR, Seen, draw_views, letters_on, scale_bar
from aisle.store.floor import FloorPlan
from aisle.store.types import Fixture, Shelf, Slot, Store

_INCHES_PER_METRE = 5.2
_FONT = 6.4
_FLOOR_INCHES = 7.0
_NARROW_M = 0.08
_KINDS = {"gondola": "#d9d2c5", "fridge": "#cfe3ee"}
_SLOT_COLOURS = matplotlib.colormaps["tab20"].colors[1::2]  # type: ignore[attr-defined]


def draw_store(store: Store, plan: FloorPlan, out: Path, seen: Seen | None = None) -> None:
    """Draws a store to a PNG file.

    Plates without a product are hatched grey, plates without a frame are hatched red at the right
    end of their shelf. Slots that a shopper made are outlined in red. With what cameras see, slots
    and floor are coloured by it, and slots that none sees well enough are outlined in red.

    Args:
        store: What to draw.
        plan: Walls, zones and gates.
        out: File to write.
        seen: What the cameras see, or None.
    """
    fixtures = list(store.fixtures.values())
    columns = min(3, max(1, len(fixtures)))
    rows = math.ceil(len(fixtures) / columns)
    width = max((_drawn_width(store, fixture) for fixture in fixtures), default=1.0) + 0.15
    low = min((_lowest(store, fixture) for fixture in fixtures), default=0.0)
    high = max((fixture.size_m[2] for fixture in fixtures), default=1.0) + 0.12
    inches = rows * (high - low) * _INCHES_PER_METRE
    size = max(9.0, columns * width * _INCHES_PER_METRE), inches + _FLOOR_INCHES
    figure = Figure(figsize=size, dpi=120, layout="constrained")
    parts = figure.subfigures(2, 1, height_ratios=[_FLOOR_INCHES, inches], squeeze=False)
    _draw_floor(parts[0, 0].add_subplot(), store, plan, seen)
    for i, fixture in enumerate(fixtures):
        axes = parts[1, 0].add_subplot(rows, columns, i + 1)
        _draw_front(axes, store, fixture, seen)
        axes.set_xlim(-0.08, width - 0.07)
        axes.set_ylim(low, high)
    figure.savefig(out, format="png")


def _draw_floor(axes: Axes, store: Store, plan: FloorPlan, seen: Seen | None) -> None:
    if seen is not None:
        draw_views(axes, store, plan, seen)
        scale_bar(axes)
    for feature in plan.features:
        outline = feature.outline
        if feature.kind == "zone":
            axes.add_patch(Outline(outline, color="#f6f4ee", zorder=0))
            x, y = outline.min(axis=0)
            axes.text(x, y, f" {feature.id}", color="#8a8470", va="bottom")
            continue
        x, y = outline.T
        colour, thick = ("#444444", 2.5) if feature.kind == "wall" else ("#2a8f4d", 4.0)
        axes.plot(x, y, color=colour, linewidth=thick, solid_capstyle="butt", zorder=2)
    for fixture in store.fixtures.values():
        _draw_footprint(axes, fixture)
    for gate in store.gates.values():
        x, y = gate.pose[:2, 3]
        ahead = gate.pose[:2, 0] * 0.35
        arrow = {"arrowstyle": "->", "color": "#2a8f4d", "lw": 1.5}
        axes.annotate("", (x + ahead[0], y + ahead[1]), (x - ahead[0], y - ahead[1]),
                      arrowprops=arrow)  # fmt: skip
        axes.annotate(gate.id, (x, y), (4, 4), textcoords="offset points", color="#1d6b39")
    for camera in store.cameras.values():
        x, y = camera.pose[:2, 3]
        axes.plot(x, y, marker="^", color="#b03060")
        axes.annotate(camera.id, (x, y), (4, -10), textcoords="offset points", color="#b03060")
    axes.set_aspect("equal")
    axes.set_xlabel("x of map, m")
    axes.set_ylabel("y of map, m")
    title = (
        f"{store.name}: {len(store.fixtures)} fixtures, {len(store.plates)} plates, "
        f"{len(store.slots)} slots, {len(store.products)} products\n"
        "orange: front; grey hatching: plate without product; red: plate without frame"
    )
    if seen is not None:
        title += f"\nred outline: less than {seen.threshold:g} pixels for 10 cm; dotted: views"
    axes.set_title(title, fontsize=10)


def _draw_footprint(axes: Axes, fixture: Fixture) -> None:
    width, depth, _ = fixture.size_m
    flat = np.array([[0, 0, 0, 1], [width, 0, 0, 1], [width, depth, 0, 1], [0, depth, 0, 1]])
    corners = (fixture.pose @ flat.T).T[:, :2]
    axes.add_patch(
        Outline(corners, facecolor=_KINDS.get(fixture.kind, "#dddddd"), edgecolor="black", zorder=3)
    )
    # The front is drawn thick: that is where shoppers stand.
    axes.plot(*corners[:2].T, color="#c0702a", linewidth=3, zorder=4)
    x, y = corners.mean(axis=0)
    axes.text(x, y, fixture.id, ha="center", va="center", zorder=5)


def _frameless(store: Store, shelf: Shelf) -> list[str]:
    return [plate for plate in shelf.plates if store.plates[plate].pose is None]


def _drawn_width(store: Store, fixture: Fixture) -> float:
    """Width of a front with the plates that hang over for want of a frame."""
    extra = [
        sum(store.plates[plate].size_m[0] for plate in _frameless(store, store.shelves[shelf]))
        for shelf in fixture.shelves
    ]
    return fixture.size_m[0] + max(extra, default=0.0)


def _lowest(store: Store, fixture: Fixture) -> float:
    """Where the picture of a front may begin: a little below its lowest board."""
    poses = [store.shelves[shelf].pose for shelf in fixture.shelves]
    heights = [float(pose[2, 3] - fixture.pose[2, 3]) for pose in poses if pose is not None]
    return min(heights, default=0.1) - 0.1


def _draw_front(axes: Axes, store: Store, fixture: Fixture, seen: Seen | None) -> None:
    width, _, height = fixture.size_m
    colour = _KINDS.get(fixture.kind, "#dddddd")
    axes.add_patch(Rectangle((0, 0), width, height, facecolor="#fbfaf7", edgecolor=colour, lw=3))
    inverse = np.linalg.inv(fixture.pose)
    unplaced = 0.0
    for id_ in fixture.shelves:
        shelf = store.shelves[id_]
        if shelf.pose is None:
            left, bottom = width + 0.05, unplaced
            unplaced += shelf.size_m[2]
        else:
            left, bottom, _ = (float(v) for v in (inverse @ shelf.pose)[[0, 2, 1], 3])
        axes.add_patch(Rectangle((left, bottom - 0.02), shelf.size_m[0], 0.02, color="#7a6248"))
        axes.text(left - 0.01, bottom, id_.rpartition("/")[2], ha="right", va="bottom",
                  fontsize=_FONT + 1)  # fmt: skip
        spans = _draw_plates(axes, store, shelf, left, bottom)
        for i, slot in enumerate(store.slots_of_shelf[id_]):
            _draw_slot(axes, store, slot, _slot_box(shelf, slot, spans, left, bottom), i, seen)
    axes.text(0, height + 0.03, f"{fixture.id} ({fixture.kind})", fontsize=11)
    axes.set_aspect("equal")
    axes.set_axis_off()


def _draw_plates(
    axes: Axes, store: Store, shelf: Shelf, left: float, bottom: float
) -> dict[str, tuple[float, float]]:
    """Draws the plates of a shelf; returns left and right end of each in the picture."""
    used = {plate for slot in store.slots_of_shelf[shelf.id] for plate in slot.plates}
    spans: dict[str, tuple[float, float]] = {}
    end = left + shelf.size_m[0]
    for id_ in shelf.plates:
        plate = store.plates[id_]
        width = plate.size_m[0]
        if plate.pose is None or shelf.pose is None:
            x, edge, hatch = end, "#c03030", "xx"
            end += width
        else:
            x = left + float((np.linalg.inv(shelf.pose) @ plate.pose)[0, 3]) - width / 2
            edge, hatch = "#999999", "" if id_ in used else "///"
        spans[id_] = x, x + width
        axes.add_patch(Rectangle((x + 0.003, bottom), width - 0.006, 0.014, color="#333b45"))
        if hatch:
            box = Rectangle((x + 0.004, bottom + 0.014), width - 0.008, shelf.size_m[2] * 0.8,
                            fill=False, edgecolor=edge, hatch=hatch, lw=0.4)  # fmt: skip
            axes.add_patch(box)
        axes.text(x + width / 2, bottom - 0.01, id_.rpartition("/")[2], ha="center", va="center",
                  color="white", fontsize=_FONT - 1.4)  # fmt: skip
    return spans


def _slot_box(
    shelf: Shelf, slot: Slot, spans: dict[str, tuple[float, float]], left: float, bottom: float
) -> tuple[float, float, float, float]:
    """Left, bottom, width and height of a slot in the picture."""
    if slot.area is not None:
        x0, x1 = left + slot.area[0], left + slot.area[2]
    elif slot.plates:
        x0, x1 = min(spans[p][0] for p in slot.plates), max(spans[p][1] for p in slot.plates)
    else:
        x0, x1 = left, left + shelf.size_m[0]
    return x0 + 0.005, bottom + 0.016, x1 - x0 - 0.01, shelf.size_m[2] * 0.8


def _draw_slot(
    axes: Axes,
    store: Store,
    slot: Slot,
    box: tuple[float, float, float, float],
    index: int,
    seen: Seen | None,
) -> None:
    x, y, width, height = box
    sharing = [other for other in store.slots_of_shelf[slot.shelf] if _overlap(slot, other)]
    if len(sharing) > 1:
        # Products that share plates are drawn one above the other.
        height /= len(sharing)
        y += height * sharing.index(slot)
    marked = slot.misplaced or (seen is not None and seen.is_poor(slot.id))
    edge, thick = (POOR, 1.8) if marked else ("#888888", 0.5)
    colour = _SLOT_COLOURS[index % 10] if seen is None else seen.colour(slot.id)
    axes.add_patch(
        Rectangle((x, y), width, height * 0.97, facecolor=colour, edgecolor=edge, lw=thick)
    )
    product = store.products[slot.product]
    upright = width < _NARROW_M and width < height
    length, room = (height, width) if upright else (width, height)
    letters = max(5, int(length * _INCHES_PER_METRE * 72 / (_FONT * 0.6)))
    facings = f" x{slot.facings}" if slot.facings > 1 else ""
    last = [f"{product.weight_kg * 1000:.4g} g{facings}"]
    if seen is not None:
        last.append(seen.label(slot.id))
    lines = max(1, int(room * _INCHES_PER_METRE * 72 / (_FONT * 1.25)) - len(last))
    text = "\n".join([*textwrap.wrap(product.name, letters)[:lines], *last])
    axes.text(x + width / 2, y + height / 2, text, ha="center", va="center", fontsize=_FONT,
              color="black" if seen is None else letters_on(colour),
              rotation=90 if upright else 0, clip_on=True)  # fmt: skip


def _overlap(one: Slot, two: Slot) -> bool:
    if one.area is not None or two.area is not None:
        return one is two
    return bool(set(one.plates) & set(two.plates))
