"""The store as typed records: where things stand (geometry), what stands there, what it is.

Frames follow REP-103 (metres, kilograms, radians); poses are in `map`, which lies at floor level.
A `Store` is immutable: a change of what stands where makes a new `Store` with a higher revision.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class Product:
    """One catalogue entry. `id` is the GTIN where there is one, otherwise any unique slug."""

    id: str
    name: str
    weight_kg: float
    size_m: tuple[float, float, float]
    """Width (along the shelf), depth, height of one unit."""
    price_minor: int
    """Unit price in minor units of the store's currency (cents)."""
    images: tuple[Path, ...] = ()


@dataclass(frozen=True)
class Plate:
    """One weighing plate. `pose` is None when the store model has no frame for it."""

    id: str
    """`<fixture>/<shelf>/<plate>`, for example `g1/s2/p3`; unique in the store."""
    shelf: str
    controller: str
    channel: int
    """Index in the controller's messages."""
    size_m: tuple[float, float]
    """Width along the shelf and depth."""
    pose: Matrix | None
    """4x4, plate centre in `map`; x along the shelf."""
    capacity_kg: float = 20.0


@dataclass(frozen=True)
class Shelf:
    """One board of a fixture. `pose` is its front left corner in `map`; x runs along the shelf."""

    id: str
    """`<fixture>/<shelf>`, for example `g1/s2`."""
    fixture: str
    size_m: tuple[float, float, float]
    pose: Matrix | None
    plates: tuple[str, ...]
    """Plate ids from left to right; empty for a shelf without scales."""


@dataclass(frozen=True)
class Fixture:
    """A gondola or a fridge."""

    id: str
    kind: str
    size_m: tuple[float, float, float]
    pose: Matrix
    shelves: tuple[str, ...]


@dataclass(frozen=True)
class Slot:
    """A product on a shelf: on `plates`, or in `area` where the shelf has no plates."""

    id: str
    product: str
    shelf: str
    plates: tuple[str, ...]
    area: tuple[float, float, float, float] | None = None
    """x0, y0, x1, y1 in the shelf frame, metres."""
    facings: int = 1
    count: int | None = None
    """Units believed to stand there; None when unknown."""
    confidence: float = 1.0
    misplaced: bool = False
    """True where a shopper left a product that the planogram puts elsewhere."""


@dataclass(frozen=True)
class Controller:
    """A device that reports several plates in one message."""

    id: str
    plates: tuple[str, ...]
    """Plate ids by channel."""
    rate_hz: float = 60.0
    samples_per_message: int = 12


@dataclass(frozen=True)
class Camera:
    """An overhead camera: optical frame (z forward), image size in pixels and lens.

    `aisle.store.camera` turns it into projections and rays.
    """

    id: str
    pose: Matrix
    width: int
    height: int
    horizontal_fov_rad: float
    """Angle between the left and the right edge of an image without distortion."""
    focal_px: tuple[float, float] | None = None
    """fx and fy where they were measured; otherwise they follow from `horizontal_fov_rad`."""
    centre_px: tuple[float, float] | None = None
    """cx and cy where they were measured; otherwise the middle of the image."""
    distortion: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0)
    """k1, k2, p1, p2, k3 of the lens model `plumb_bob`."""
    rate_hz: float = 10.0


@dataclass(frozen=True)
class Gate:
    """An entry or exit gate."""

    id: str
    kind: str
    """`entry`, `exit` or `both`."""
    pose: Matrix


@dataclass(frozen=True)
class Store:
    """All that is known of a store at one revision."""

    name: str
    currency: str
    products: dict[str, Product]
    fixtures: dict[str, Fixture]
    shelves: dict[str, Shelf]
    plates: dict[str, Plate]
    slots: dict[str, Slot]
    controllers: dict[str, Controller]
    gates: dict[str, Gate] = field(default_factory=dict)
    cameras: dict[str, Camera] = field(default_factory=dict)
    revision: int = 1

    @cached_property
    def slots_of_shelf(self) -> dict[str, tuple[Slot, ...]]:
        """Slots by shelf id, in a stable order; every shelf has an entry."""
        found: dict[str, list[Slot]] = {shelf: [] for shelf in self.shelves}
        for slot in self.slots.values():
            found[slot.shelf].append(slot)
        return {shelf: tuple(slots) for shelf, slots in found.items()}
