"""Plate curves around the changes of a bag's receipts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from aisle.bags.reading import Arrived
from aisle.records import Change, WeightBatch
from aisle.store.types import Store

BEFORE_NS = 4_000_000_000
AFTER_NS = 5_000_000_000
LATE_NS = 10_000_000_000
"""Batches arrive later than others by less than this."""
STIRRED_KG = 0.012
"""A plate of the same shelf that moved more than this is shown too."""
MOST_OTHERS = 4


@dataclass(frozen=True)
class Curve:
    """Weight on one plate around a change."""

    plate: str
    seconds: NDArray[np.float64]
    """Relative to the change."""
    grams: NDArray[np.float64]
    """Relative to the beginning of the curve; NaN where a sample was missed."""
    evidence: bool
    """Whether the change rests on this plate; otherwise it only moved at the same time."""

    @property
    def change_g(self) -> float | None:
        """Medians shortly after against shortly before the change; None when either is missing.

        Not the end against the beginning: what is soon put back would be nothing.
        """
        before, after = (
            self.grams[(self.seconds >= start) & (self.seconds < end)]
            for start, end in (_BEFORE_S, _AFTER_S)
        )
        if np.isnan(before).all() or np.isnan(after).all():
            return None
        return float(np.nanmedian(after) - np.nanmedian(before))


_BEFORE_S, _AFTER_S = (-1.7, -0.7), (0.7, 1.7)
_BASE = 60
"""Samples at the beginning of a curve that are its zero."""


@dataclass
class Request:
    """Curves wanted for one change; `collect` fills in the samples."""

    change: Change
    controllers: tuple[str, ...]
    start_ns: int
    end_ns: int
    batches: list[WeightBatch] = field(default_factory=list)


def requests(store: Store, changes: Iterable[Change]) -> list[Request]:
    """Return what is needed to draw the changes that rest on plates."""
    found = []
    for change in changes:
        plates = _plates(store, change)
        names = dict.fromkeys(store.plates[plate].controller for plate in plates)
        if names:
            start, end = change.stamp_ns - BEFORE_NS, change.stamp_ns + AFTER_NS
            found.append(Request(change, tuple(names), start, end))
    return found


def _plates(store: Store, change: Change) -> tuple[str, ...]:
    own = tuple(plate for plate in change.plates if plate in store.plates)
    shelf = store.shelves.get(change.shelf)
    return own or (shelf.plates if shelf else ())


def collect(wanted: Sequence[Request], records: Iterable[Arrived]) -> None:
    """Keep the weights that the requests ask for; one pass over a bag."""
    waiting = sorted(wanted, key=lambda request: request.start_ns)
    first = 0
    for arrived in records:
        batch = arrived.record
        if not isinstance(batch, WeightBatch):
            continue
        while first < len(waiting) and waiting[first].end_ns + LATE_NS < batch.stamp_ns:
            first += 1
        for request in islice(waiting, first, None):
            if request.start_ns > batch.end_ns:
                break
            if batch.stamp_ns <= request.end_ns and batch.controller in request.controllers:
                request.batches.append(batch)


def curves(store: Store, request: Request) -> list[Curve]:
    """Return the curves of a change's plates, and of others on the shelf that moved with them."""
    change = request.change
    own = _plates(store, change)
    shelf = store.shelves.get(change.shelf)
    rest = [plate for plate in (shelf.plates if shelf else ()) if plate not in own]
    found = [_curve(store, request, plate, evidence=True) for plate in own]
    others = [_curve(store, request, plate, evidence=False) for plate in rest]
    moved = [c for c in others if c is not None and _range(c) > STIRRED_KG * 1000]
    moved.sort(key=_range, reverse=True)
    return [c for c in found if c is not None] + moved[:MOST_OTHERS]


def _range(curve: Curve) -> float:
    with_values = curve.grams[~np.isnan(curve.grams)]
    return float(np.ptp(with_values)) if len(with_values) else 0.0


def _curve(store: Store, request: Request, plate: str, *, evidence: bool) -> Curve | None:
    controller = store.plates[plate].controller
    times, values = [], []
    for batch in request.batches:
        if batch.controller == controller and plate in batch.plates:
            samples = batch.stamp_ns + batch.period_ns * np.arange(len(batch.kilograms))
            times.append((samples - request.change.stamp_ns) / 1e9)
            values.append(batch.kilograms[:, batch.plates.index(plate)].astype(np.float64))
    if not times:
        return None
    seconds, kilograms = np.concatenate(times), np.concatenate(values)
    order = np.argsort(seconds, kind="stable")
    seconds, kilograms = seconds[order], kilograms[order]
    first = kilograms[:_BASE]
    base = float(np.nanmedian(first)) if not np.isnan(first).all() else np.nan
    return Curve(plate, seconds, (kilograms - base) * 1000, evidence)
