"""From single samples with a device's own pace to batches with acquisition stamps."""

from __future__ import annotations

import math

import numpy as np

from aisle.records import PlateStatus, WeightBatch
from aisle.sensing.serial_lines import Sample
from aisle.store.types import Controller

MAX_LOST = 600
"""Samples; a longer hole begins a new stream rather than being filled with NaN."""


class StampEstimator:
    """Acquisition stamps of a steady source from its counter and jittery arrival times.

    The transport only ever delays, so the smallest (arrival - counter * period) is the best
    estimate of the source's origin. It may grow by `drift` (a share of the elapsed time), to
    follow a source that is slower than its nominal rate.
    """

    def __init__(self, period_ns: int, drift: float = 0.02) -> None:
        self._period_ns = period_ns
        self._drift = drift
        self._origin_ns: int | None = None
        self._last = 0

    def stamp(self, count: int, arrival_ns: int) -> int:
        """Return the stamp of sample `count`, which arrived at `arrival_ns`."""
        seen = arrival_ns - count * self._period_ns
        if self._origin_ns is None:
            self._origin_ns = seen
        slack = int(max(0, count - self._last) * self._period_ns * self._drift)
        self._origin_ns = min(self._origin_ns + slack, seen)
        self._last = count
        return self._origin_ns + count * self._period_ns


class Batcher:
    """Collects the samples of one controller into `WeightBatch`es.

    A sample that the device's counter says was lost becomes a row of NaN; a counter that repeats
    is dropped. A counter that goes back or jumps far begins a new stream: the rows collected so
    far are sent short. Samples of a device without counter are stamped with their arrival.
    """

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._period_ns = round(1e9 / controller.rate_hz)
        self.lost = 0
        self.repeated = 0
        self.restart()

    def restart(self) -> None:
        """Forget the counter and the samples that are not sent, after the device was lost."""
        self._stamps = StampEstimator(self._period_ns)
        self._kilograms: list[tuple[float, ...]] = []
        self._status: list[tuple[PlateStatus, ...]] = []
        self._first_ns = 0
        self._count = 0
        self._sequence: int | None = None

    def add(self, sample: Sample, arrival_ns: int) -> list[WeightBatch]:
        """Add a sample with as many values as the controller has plates.

        Returns:
            The batches that are full now.
        """
        step = self._step(sample.sequence)
        if step == 0:
            self.repeated += 1
            return []
        batches = []
        if not 0 < step <= MAX_LOST:
            batches = self._flush()
            self.restart()
            step = 1
        self.lost += step - 1
        plates = len(self._controller.plates)
        lost = Sample((math.nan,) * plates, (PlateStatus.MISSING,) * plates)
        for one in [lost] * (step - 1) + [sample]:
            batches += self._append(one, arrival_ns, counted=sample.sequence is not None)
        self._sequence = sample.sequence
        return batches

    def _step(self, sequence: int | None) -> int:
        if sequence is None or self._sequence is None:
            return 1
        step = (sequence - self._sequence) % 2**32
        return step if step < 2**31 else -1

    def _append(self, sample: Sample, arrival_ns: int, *, counted: bool) -> list[WeightBatch]:
        stamp = self._stamps.stamp(self._count, arrival_ns) if counted else arrival_ns
        self._count += 1
        if not self._kilograms:
            self._first_ns = stamp
        self._kilograms.append(sample.kilograms)
        self._status.append(sample.status)
        full = len(self._kilograms) >= self._controller.samples_per_message
        return self._flush() if full else []

    def _flush(self) -> list[WeightBatch]:
        if not self._kilograms:
            return []
        batch = WeightBatch(
            controller=self._controller.id,
            stamp_ns=self._first_ns,
            period_ns=self._period_ns,
            plates=self._controller.plates,
            kilograms=np.array(self._kilograms, np.float32),
            status=worst_status(np.array(self._status, np.uint8)),
        )
        self._kilograms, self._status = [], []
        return [batch]


def worst_status(status: np.ndarray) -> np.ndarray:
    """Return one status for each plate from those of its samples, [samples, plates] uint8.

    The worst of the samples that were read; MISSING when none was.
    """
    missing = status == PlateStatus.MISSING
    worst: np.ndarray = np.where(missing, PlateStatus.OK, status).max(axis=0)
    return np.where(missing.all(axis=0), PlateStatus.MISSING, worst).astype(np.uint8)
