"""Samples of one controller, as they come, into batches on an even grid."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aisle.records import PlateStatus, WeightBatch


class Batcher:
    """Lays samples of one controller on a grid of a fixed period, some samples to a batch.

    A grid begins anew with each batch, so that a clock which drifts against the period does no
    harm. A sample that is missing inside a batch is a row of NaN; a silence longer than a batch
    is no batch at all.

    Args:
        controller: Name of the controller.
        plates: Plate ids by channel.
        rate_hz: Samples a second.
        samples: Samples in a batch.
    """

    def __init__(
        self, controller: str, plates: tuple[str, ...], rate_hz: float, samples: int
    ) -> None:
        self._controller = controller
        self._plates = plates
        self._period_s = 1.0 / rate_hz
        self._samples = samples
        self._block = self._empty()
        self._filled = 0
        self._start_s = 0.0
        self.last_s = -np.inf
        """Time of the newest sample."""

    def push(
        self, seconds: float, channels: NDArray[np.int64], grams: NDArray[np.float64]
    ) -> list[WeightBatch]:
        """Takes one sample, later than the last one; returns the batches that it closed.

        Args:
            seconds: Unix time of the sample.
            channels: [readings] channel of each reading.
            grams: [readings].
        """
        closed = []
        step = round((seconds - self._start_s) / self._period_s) if self._filled else 0
        index = max(step, self._filled)
        if index >= self._samples:
            closed.append(self._close(self._samples))
            index = 0
        if self._filled == 0:
            self._start_s = seconds
        self._block[index, channels] = grams / 1000.0
        self._filled = index + 1
        self.last_s = seconds
        if self._filled == self._samples:
            closed.append(self._close(self._samples))
        return closed

    def finish(self) -> list[WeightBatch]:
        """The batch that is not full, if any, as long as it is."""
        return [self._close(self._filled)] if self._filled else []

    def _empty(self) -> NDArray[np.float32]:
        return np.full((self._samples, len(self._plates)), np.nan, dtype=np.float32)

    def _close(self, samples: int) -> WeightBatch:
        kilograms = self._block[:samples]
        silent = np.isnan(kilograms).all(axis=0)
        batch = WeightBatch(
            controller=self._controller,
            # Microseconds are what a float can hold of a Unix time.
            stamp_ns=round(self._start_s * 1e6) * 1000,
            period_ns=round(self._period_s * 1e9),
            plates=self._plates,
            kilograms=kilograms,
            status=np.where(silent, PlateStatus.MISSING, PlateStatus.OK).astype(np.uint8),
        )
        self._block = self._empty()
        self._filled = 0
        return batch
