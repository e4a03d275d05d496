"""Weight samples on a common time grid: 16 bins a second, each the mean of its samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aisle.records import WeightBatch

SECOND = 1_000_000_000
BIN_NS = 62_500_000
BINS = 80
"""Bins in a window: 5 s."""


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
        valid = np.isfinite(batch.kilograms)
        values = np.where(valid, batch.kilograms, 0.0)
        starts = np.flatnonzero(np.diff(bins, prepend=bins[0] - 1))
        rows = bins[starts] % self._keep
        fresh = bins[starts] > self._newest - self._keep
        self._sum[rows[fresh]] += np.add.reduceat(values, starts, axis=0)[fresh]
        self._count[rows[fresh]] += np.add.reduceat(valid, starts, axis=0, dtype=np.int32)[fresh]

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
        count = self._count[bins % self._keep] * known[:, None]
        valid = count > 0
        mean = self._sum[bins % self._keep] / np.maximum(count, 1)
        last = np.where(valid, np.arange(BINS)[:, None], 0)
        np.maximum.accumulate(last, axis=0, out=last)
        first = np.argmax(valid, axis=0)
        index = np.maximum(last, first[None, :])
        filled = np.take_along_axis(mean, index, axis=0)
        base = np.take_along_axis(mean, first[None, :], axis=0)
        early = np.where(valid[:8], mean[:8], np.nan)
        with np.errstate(all="ignore"):
            level = np.where(valid[:8].any(axis=0), _nanmean(early), base[0])
        return (filled - level).astype(np.float32), valid


def _nanmean(values: NDArray[np.float64]) -> NDArray[np.float64]:
    count = np.isfinite(values).sum(axis=0)
    return np.asarray(np.nansum(values, axis=0) / np.maximum(count, 1))
