"""Which strips of shelves are worth looking at again: most show the same as a moment ago."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from aisle.fusion.synchronizer import TICK_NS

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

STILL_LEVELS = 12.0
"""A strip in which no block differs by more than this, of 255, from how it was when last looked at
shows the same. In a bag of `corner` seven of ten strips differed by 8 at most from one tick to the
next, one of seven by more than 16."""
AFTERWARDS = 2
"""Ticks for which a strip is still looked at after it changed."""
ANYWAY = 4
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
        self._looked_ns, self._changed_ns = 0, 0

    def due(self, tick_ns: int, strip: Image) -> bool:
        """Whether to look at the strip of a tick."""
        size = strip.shape[1] // _BLOCK_PX, strip.shape[0] // _BLOCK_PX
        blocks = cv2.resize(strip, size, interpolation=cv2.INTER_AREA).astype(np.int16)
        if self._blocks is None or np.abs(blocks - self._blocks).max() > STILL_LEVELS:
            self._changed_ns = tick_ns
        elif (
            tick_ns - self._changed_ns > AFTERWARDS * TICK_NS
            and tick_ns - self._looked_ns < ANYWAY * TICK_NS
        ):
            return False
        self._blocks, self._looked_ns = blocks, tick_ns
        return True
