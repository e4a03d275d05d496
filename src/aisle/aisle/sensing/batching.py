"""From single samples with a device's own pace to batches with acquisition stamps."""

from __future__ import annotations

import math

import numpy as np

from aisle.records import PlateStatus, WeightBatch
from aisle.sensing.serial_lines import Sample
from aisle.store.types import Controller

MAX_LOST = 600
"""Samples; a longer hole begins a new stream rather than being filled with NaN."""
STEP_NS = 250_000_000
"""A clock that gains or loses more than this between two readings was set."""


class ClockWatch:
    """Finds that a clock was set, by comparing it with a steady one."""

    def __init__(self) -> None:
        self.steps = 0
        """How often the clock was set."""
        self._ahead_ns: int | None = None

    def step_ns(self, now_ns: int, steady_s: float) -> int:
        """Return by how much the clock was set since the last reading; 0 when it was not.

        Args:
            now_ns: The clock.
            steady_s: A steady clock, read at the same moment.
        """
        ahead = now_ns - round(steady_s * 1e9)
        step = 0 if self._ahead_ns is None else ahead - self._ahead_ns
        self._ahead_ns = ahead
        if abs(step) <= STEP_NS:
            return 0
        self.steps += 1
        return step


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

    def follow(self, step_ns: int) -> None:
        """Go with the clock of the arrival times, which was set by `step_ns`."""
        if self._origin_ns is not None:
            self._origin_ns += step_ns


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

    def follow(self, step_ns: int) -> list[WeightBatch]:
        """Go with the clock of the arrival times, which was set by `step_ns`.

        Returns:
            The samples from before, so that no batch holds both.
        """
        self._stamps.follow(step_ns)
        return self._flush()

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
