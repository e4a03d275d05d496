"""Weight samples on a common time grid: 16 bins a second, each the mean of its samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aisle.records import WeightBatch

SECOND = 1_000_000_000
BIN_NS = 62_500_000
BINS = 80
"""Bins in a window: 5 s."""
_BASE = 8
"""Bins at a window's beginning whose mean is its zero."""


class SignalGrid:
    """The last seconds of one controller, as means over bins of `BIN_NS`.

    The grid is aligned to multiples of `BIN_NS` of the stamps' clock, so it does not depend on
    when the first message came.
    """

    def __init__(self, plates: int, keep_bins: int = 4 * BINS) -> None:
        self._keep = keep_bins
        self._sum = np.zeros((keep_bins, plates), dtype=np.float64)
        self._count = np.zeros((keep_bins, plates), dtype=np.int32)
        self._newest = -1

    def add(self, batch: WeightBatch) -> None:
        """Sort the samples of a batch into their bins; NaN counts as missed."""
        stamps = batch.stamp_ns + batch.period_ns * np.arange(len(batch.kilograms), dtype=np.int64)
        bins = stamps // BIN_NS
        self._advance(int(bins[-1]))
        starts = np.flatnonzero(np.diff(bins, prepend=bins[0] - 1))
        fresh = bins[starts] > self._newest - self._keep
        rows = (bins[starts] % self._keep)[fresh]
        valid = np.isfinite(batch.kilograms)
        if valid.all():
            counts = np.diff(starts, append=len(bins))[:, None]
            sums = np.add.reduceat(batch.kilograms, starts, axis=0, dtype=np.float64)
        else:
            counts = np.add.reduceat(valid, starts, axis=0, dtype=np.int32)
            values = np.where(valid, batch.kilograms, 0.0)
            sums = np.add.reduceat(values, starts, axis=0, dtype=np.float64)
        self._sum[rows] += sums[fresh]
        self._count[rows] += counts[fresh]

    def _advance(self, newest: int) -> None:
        if self._newest < 0 or newest - self._newest >= self._keep:
            self._sum[:] = 0
            self._count[:] = 0
        elif newest > self._newest:
            rows = np.arange(self._newest + 1, newest + 1) % self._keep
            self._sum[rows] = 0
            self._count[rows] = 0
        self._newest = max(self._newest, newest)

    def window(self, end_bin: int) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """The `BINS` bins before `end_bin`.

        Returns:
            Kilograms [BINS, plates] relative to each plate's first valid bins, holding the last
            value where samples are missing, and which bins had samples [BINS, plates].
        """
        bins = np.arange(end_bin - BINS, end_bin)
        known = (bins <= self._newest) & (bins > self._newest - self._keep)
        rows = bins % self._keep
        count = self._count[rows]
        if not known.all():
            count = count * known[:, None]
        valid = count > 0
        mean = self._sum[rows] / np.maximum(count, 1)
        if valid.all():
            return (mean - mean[:_BASE].mean(axis=0)).astype(np.float32), valid
        last = np.where(valid, np.arange(BINS)[:, None], 0)
        np.maximum.accumulate(last, axis=0, out=last)
        first = np.argmax(valid, axis=0)
        filled = np.take_along_axis(mean, np.maximum(last, first[None, :]), axis=0)
        early = valid[:_BASE]
        level = np.where(early, mean[:_BASE], 0.0).sum(axis=0) / np.maximum(early.sum(axis=0), 1)
        level = np.where(early.any(axis=0), level, filled[0])
        return (filled - level).astype(np.float32), valid
