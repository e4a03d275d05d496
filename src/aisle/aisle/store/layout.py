"""Where the plates of a shelf lie along it: one place for the simulator and the tokenizer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.store.types import Store


@dataclass(frozen=True)
class ShelfLayout:
    """Plates of one shelf from left to right, in the shelf's frame (metres)."""

    plates: tuple[str, ...]
    centre: NDArray[np.float64]
    """[plates] x of the centre; where a pose is missing, plates are laid side by side."""
    width: NDArray[np.float64]
    """[plates]"""
    has_pose: NDArray[np.bool_]
    """[plates] False where `centre` is only the order of the plates, not a measured place."""


def shelf_layout(store: Store, shelf_id: str) -> ShelfLayout:
    """The layout of a shelf; empty arrays for a shelf without plates.

    Raises:
        KeyError: The store has no such shelf.
    """
    shelf = store.shelves[shelf_id]
    plates = [store.plates[plate] for plate in shelf.plates]
    width = np.array([plate.size_m[0] for plate in plates], dtype=np.float64)
    centre = np.cumsum(width) - width / 2 if plates else np.zeros(0)
    has_pose = np.zeros(len(plates), dtype=bool)
    if shelf.pose is not None:
        inverse = np.linalg.inv(shelf.pose)
        for index, plate in enumerate(plates):
            if plate.pose is not None:
                centre[index] = (inverse @ plate.pose)[0, 3]
                has_pose[index] = True
    return ShelfLayout(shelf.plates, centre, width, has_pose)
