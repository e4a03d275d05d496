"""Watches over scales: readings that never change, and zero points that were set by hand."""

from __future__ import annotations

import json
import math
from collections import deque
from pathlib import Path

import numpy as np

from aisle.files import write_atomic
from aisle.records import WeightBatch

HISTORY = 600
"""Readings kept of each plate for a tare."""
DEFAULT_TARE_SAMPLES = 20


class FrozenWatch:
    """Finds plates of one controller whose readings have been identical for too long.

    A living load cell always shows some noise; a scale that repeats one number has stopped
    measuring although its connection is up. Missed samples (NaN) neither prove nor disprove.
    """

    def __init__(self, limit_s: float) -> None:
        self._limit_ns = limit_s * 1e9 or math.inf
        self._plates: tuple[str, ...] = ()
        self._values = np.zeros(0, np.float32)
        self._since = np.zeros(0, np.int64)
        self.frozen: tuple[str, ...] = ()
        """Plates that stand still now."""

    def add(self, batch: WeightBatch) -> None:
        """Look at one batch of the controller."""
        if batch.plates != self._plates:
            self._plates = batch.plates
            self._values = np.full(len(batch.plates), np.nan, np.float32)
            self._since = np.full(len(batch.plates), batch.end_ns, np.int64)
        low = np.fmin.reduce(batch.kilograms, axis=0)
        high = np.fmax.reduce(batch.kilograms, axis=0)
        moved = ~np.isnan(low) & ((low != high) | (low != self._values))
        self._values = np.where(moved, high, self._values)
        self._since[moved] = batch.end_ns
        # A clock that was set back does not give a frozen plate more time than the limit.
        self._since = np.minimum(self._since, batch.end_ns)
        still = (batch.end_ns - self._since > self._limit_ns) & ~np.isnan(self._values)
        self.frozen = tuple(batch.plates[column] for column in np.flatnonzero(still))


class Tare:
    """Zero points of the plates of one controller, kept in a file.

    Args:
        path: JSON file, plate id to kilograms; None keeps the zero points in memory.

    Raises:
        ValueError: the file is not such a table.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._history: deque[tuple[tuple[str, ...], np.ndarray]] = deque()
        self._kept = 0
        self.offsets = _read(path) if path and path.exists() else {}

    def apply(self, batch: WeightBatch) -> WeightBatch:
        """Remember the raw readings and return the batch relative to the zero points."""
        self._history.append((batch.plates, batch.kilograms))
        self._kept += len(batch.kilograms)
        while self._kept - len(self._history[0][1]) >= HISTORY:
            self._kept -= len(self._history.popleft()[1])
        if not self.offsets:
            return batch
        zero = np.array([self.offsets.get(plate, 0.0) for plate in batch.plates], np.float32)
        return WeightBatch(
            batch.controller,
            batch.stamp_ns,
            batch.period_ns,
            batch.plates,
            batch.kilograms - zero,
            batch.status,
        )

    def set_zero(self, plate: str, samples: int = DEFAULT_TARE_SAMPLES) -> float:
        """Make the mean of the plate's last readings its zero, durably.

        Returns:
            The kilograms that were on the plate before, relative to the old zero.

        Raises:
            ValueError: the plate is unknown, or has too few readings; the text says which.
            OSError: the file cannot be written; the old zero stays.
        """
        if not 1 <= samples <= HISTORY:
            raise ValueError(f"samples must be 1 to {HISTORY}, is {samples}")
        columns = [
            kilograms[:, plates.index(plate)]
            for plates, kilograms in self._history
            if plate in plates
        ]
        if not columns:
            raise ValueError(f"no readings of a plate '{plate}' here yet")
        readings = np.concatenate(columns)
        readings = readings[np.isfinite(readings)][-samples:]
        if len(readings) < samples:
            raise ValueError(f"only {len(readings)} good readings of '{plate}', {samples} needed")
        mean = float(np.mean(readings, dtype=np.float64))
        offsets = {**self.offsets, plate: mean}
        if self._path:
            write_atomic(self._path, json.dumps(offsets, indent=1, sort_keys=True).encode())
        before = mean - self.offsets.get(plate, 0.0)
        self.offsets = offsets
        return before


def _read(path: Path) -> dict[str, float]:
    try:
        table = json.loads(path.read_text())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a tare file: {error}") from error
    if not isinstance(table, dict) or not all(
        isinstance(value, (int, float)) and math.isfinite(value) for value in table.values()
    ):
        raise ValueError(f"{path}: not a tare file: plate ids with kilograms are expected")
    return {str(plate): float(value) for plate, value in table.items()}
