"""The samples of one child frame; stamps are nanoseconds."""

from __future__ import annotations

import bisect
from dataclasses import dataclass

from .exceptions import ExtrapolationException
from .rigid import Rigid


@dataclass(frozen=True)
class Sample:
    """Where a child frame stood in its parent at a stamp."""

    stamp: int
    parent: str
    rigid: Rigid


def seconds(stamp: int) -> str:
    """Write a stamp as the error texts do."""
    return f"{stamp / 1e9:.6f}"


class StaticCache:
    """One sample that holds at any time."""

    def __init__(self) -> None:
        self._sample: Sample | None = None

    def insert(self, sample: Sample) -> bool:
        """Replace the sample."""
        self._sample = sample
        return True

    def at(self, stamp: int) -> Sample:
        """Return the sample with ``stamp``."""
        assert self._sample is not None
        return Sample(stamp, self._sample.parent, self._sample.rigid)

    def latest(self) -> tuple[int, str | None]:
        """Return 0 (no time limits it) and the parent."""
        return 0, None if self._sample is None else self._sample.parent

    def clear(self) -> None:
        """Keep the sample."""

    def stamps(self) -> tuple[int, int, int]:
        """Return oldest stamp, newest stamp and number of samples."""
        return 0, 0, 1


class TimeCache:
    """The samples of the last ``length`` nanoseconds before the newest."""

    def __init__(self, length: int) -> None:
        self._length = length
        self._stamps: list[int] = []
        self._samples: list[Sample] = []

    def insert(self, sample: Sample) -> bool:
        """Add a sample; one with the same stamp is replaced.

        Returns:
            False when the sample is too old to be kept.
        """
        if self._stamps and sample.stamp + self._length < self._stamps[-1]:
            return False
        index = bisect.bisect_left(self._stamps, sample.stamp)
        if index < len(self._stamps) and self._stamps[index] == sample.stamp:
            self._samples[index] = sample
            return True
        self._stamps.insert(index, sample.stamp)
        self._samples.insert(index, sample)
        keep = bisect.bisect_left(self._stamps, self._stamps[-1] - self._length)
        del self._stamps[:keep], self._samples[:keep]
        return True

    def at(self, stamp: int) -> Sample:
        """Return the sample at ``stamp``, between its neighbours; 0 means the newest.

        Raises:
            ExtrapolationException: The stamp lies outside.
        """
        if not self._stamps:
            raise ExtrapolationException("Unable to lookup transform, cache is empty")
        first, last = self._stamps[0], self._stamps[-1]
        if stamp == 0:
            return self._samples[-1]
        index = bisect.bisect_left(self._stamps, stamp)
        if index < len(self._stamps) and self._stamps[index] == stamp:
            return self._samples[index]
        if len(self._stamps) == 1:
            raise ExtrapolationException(
                f"Lookup would require extrapolation at time {seconds(stamp)}, "
                f"but only time {seconds(last)} is in the buffer"
            )
        if stamp > last:
            raise ExtrapolationException(
                "Lookup would require extrapolation into the future.  "
                f"Requested time {seconds(stamp)} but the latest data is at time {seconds(last)}"
            )
        if stamp < first:
            raise ExtrapolationException(
                "Lookup would require extrapolation into the past.  "
                f"Requested time {seconds(stamp)} but the earliest data is at time {seconds(first)}"
            )
        return _between(self._samples[index - 1], self._samples[index], stamp)

    def latest(self) -> tuple[int, str | None]:
        """Return stamp and parent of the newest sample; no parent when empty."""
        return (self._stamps[-1], self._samples[-1].parent) if self._stamps else (0, None)

    def clear(self) -> None:
        """Forget all samples."""
        self._stamps.clear()
        self._samples.clear()

    def stamps(self) -> tuple[int, int, int]:
        """Return oldest stamp, newest stamp and number of samples."""
        if not self._stamps:
            return 0, 0, 0
        return self._stamps[0], self._stamps[-1], len(self._stamps)


def _between(old: Sample, new: Sample, stamp: int) -> Sample:
    if old.parent != new.parent:
        return old
    ratio = (stamp - old.stamp) / (new.stamp - old.stamp)
    return Sample(stamp, old.parent, old.rigid.towards(new.rigid, ratio))
