"""Which strips of shelves are worth looking at again: most show the same as a moment ago."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

STILL_LEVELS = 12.0
"""A strip in which no block differs by more than this, of 255, from how it was when last looked at
shows the same. In `corner`, noise and compression made up to 8 in seven of ten strips, people 30
and more in one of seven."""
AFTERWARDS = 2
"""Ticks for which a strip is still looked at after it changed."""
ANYWAY = 8
"""Ticks after which a strip is looked at although it shows the same, so that no error stays."""
_BLOCK_PX = 8


class LastLook:
    """What a view's strip was like when last looked at, and what was said of it."""

    columns: tuple[Floats, Floats]
    """As `aisle.vision.shelf_sight.Encoder.columns` gives it."""
    level: Floats
    """[columns, 2] metres of goods, more than when all began, and how far off that may be."""

    def __init__(self) -> None:
        self._blocks: NDArray[np.int16] | None = None
        self._age, self._still = 0, 0

    def due(self, strip: Image) -> bool:
        """Whether to look at a strip; called at each tick that has one."""
        size = strip.shape[1] // _BLOCK_PX, strip.shape[0] // _BLOCK_PX
        blocks = cv2.resize(strip, size, interpolation=cv2.INTER_AREA).astype(np.int16)
        before, self._age, self._still = self._blocks, self._age + 1, self._still + 1
        if before is None or np.abs(blocks - before).max() > STILL_LEVELS:
            self._still = 0
        elif self._still > AFTERWARDS and self._age < ANYWAY:
            return False
        self._blocks, self._age = blocks, 0
        return True
