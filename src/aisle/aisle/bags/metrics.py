"""Scores of receipts against the truth, with intervals. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, gammaincinv

Z95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""
RESAMPLES = 2000


@dataclass(frozen=True)
class Counts:
    """Units of products: on both receipts, only on ours, only on the true one."""

    right: int = 0
    extra: int = 0
    missing: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.right + other.right, self.extra + other.extra, self.missing + other.missing
        )

    @property
    def precision(self) -> float:
        """Share of our units that are right; 1 when there are none."""
        found = self.right + self.extra
        return self.right / found if found else 1.0

    @property
    def recall(self) -> float:
        """Share of the true units that we found; 1 when there are none."""
        true = self.right + self.missing
        return self.right / true if true else 1.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 1 when there is nothing on either side."""
        both = 2 * self.right + self.extra + self.missing
        return 2 * self.right / both if both else 1.0


def compare(truth: Mapping[str, int], ours: Mapping[str, int]) -> Counts:
    """Count the overlap of two receipts (units by product), unit by unit."""
    right = sum(min(count, ours.get(product, 0)) for product, count in truth.items())
    return Counts(right, sum(ours.values()) - right, sum(truth.values()) - right)


def wilson(hits: int, total: int) -> tuple[float, float]:
    """Return the 95 % Wilson interval of a share; (0, 1) for no cases."""
    if total == 0:
        return 0.0, 1.0
    share, square = hits / total, Z95 * Z95
    centre = (share + square / (2 * total)) / (1 + square / total)
    spread = math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    spread *= Z95 / (1 + square / total)
    return max(0.0, centre - spread), min(1.0, centre + spread)


def poisson(count: int) -> tuple[float, float]:
    """Return the exact 95 % interval of a Poisson mean of which one count is known (Garwood)."""
    low = float(gammaincinv(count, 0.025)) if count else 0.0
    return low, float(gammaincinv(count + 1, 0.975))


Table = NDArray[np.float64]

FEW_GROUPS = 10
"""With fewer groups than this, a bootstrap of whole groups says little."""


def grouped(rows: Sequence[Sequence[float]], groups: Sequence[Hashable]) -> Table:
    """Add up the rows of each group; rows stay as they are where groups are few.

    Shoppers who were in the store together share errors: resampling them one by one would state
    too narrow an interval.

    Args:
        rows: One for each session.
        groups: To which each belongs; as many.
    """
    table = np.array(rows, dtype=np.float64)
    names = list(dict.fromkeys(groups))
    if len(names) < FEW_GROUPS:
        return table
    number = {name: i for i, name in enumerate(names)}
    found = np.zeros((len(names), table.shape[1]))
    np.add.at(found, [number[group] for group in groups], table)
    return found


def bootstrap(table: Table, statistic: Callable[[Table], Table], seed: int = 0) -> Table:
    """Return a statistic of `RESAMPLES` resamples of the rows, [RESAMPLES].

    Args:
        table: [rows, k]; what the statistic needs must add up over rows.
        statistic: From sums, [n, k], to values, [n].
        seed: The same seed gives the same resamples.
    """
    draw = np.random.default_rng(seed)
    chances = np.full(len(table), 1 / len(table))
    parts = [
        draw.multinomial(len(table), chances, size=100) @ table for _ in range(RESAMPLES // 100)
    ]
    return statistic(np.concatenate(parts))


def bootstrap_f1(
    sessions: Sequence[Counts], groups: Sequence[Hashable] | None = None, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % percentile interval of the pooled F1.

    Args:
        sessions: Of each session.
        groups: See `grouped`; each session by itself when None.
        seed: Of the resampling.
    """
    if not sessions:
        return 0.0, 1.0
    rows = [(c.right, c.extra, c.missing) for c in sessions]
    table = grouped(rows, range(len(rows)) if groups is None else groups)
    low, high = np.quantile(bootstrap(table, _f1, seed), (0.025, 0.975))
    return float(low), float(high)


def _f1(sums: Table) -> Table:
    both = sums @ np.array([2.0, 1.0, 1.0])
    return np.where(both > 0, 2 * sums[:, 0] / np.maximum(both, 1), 1.0)


@dataclass(frozen=True)
class Bin:
    """Cases whose stated probability lies in [low, high)."""

    low: float
    high: float
    cases: int
    stated: float
    """Their mean stated probability."""
    right: float
    """The share of them that is right."""
    interval: tuple[float, float]
    """Of that share."""


BIN_EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


def calibration(
    stated: Sequence[float], right: Sequence[bool], edges: Sequence[float] = BIN_EDGES
) -> tuple[list[Bin], float]:
    """Compare stated probabilities with what came true.

    Returns:
        The bins that are not empty, and the expected calibration error: the mean over all cases
        of the distance between stated probability and share right in the case's bin.
    """
    probability, hit, where = _binned(stated, right, edges)
    bins, error = [], 0.0
    for number in range(len(edges) - 1):
        chosen = where == number
        count = int(chosen.sum())
        if count == 0:
            continue
        mean, hits = float(probability[chosen].mean()), int(hit[chosen].sum())
        low, high = edges[number], edges[number + 1]
        bins.append(Bin(low, high, count, mean, hits / count, wilson(hits, count)))
        error += count / len(probability) * abs(mean - hits / count)
    return bins, error


def _binned(
    stated: Sequence[float], right: Sequence[bool], edges: Sequence[float]
) -> tuple[Table, Table, NDArray[np.int64]]:
    probability, hit = np.asarray(stated, dtype=np.float64), np.asarray(right, dtype=np.float64)
    where = np.searchsorted(edges, probability, side="right") - 1
    return probability, hit, np.clip(where, 0, len(edges) - 2)


def calibration_interval(
    stated: Sequence[float], right: Sequence[bool], edges: Sequence[float] = BIN_EDGES
) -> tuple[float, float]:
    """Return the 95 % basic bootstrap interval of the expected calibration error.

    Chance alone adds to the error of a resample what it adds to the error itself; the basic
    interval takes that off. It is therefore not always around the error, but may end below it.
    """
    if not len(stated):
        return 0.0, 1.0
    probability, hit, where = _binned(stated, right, edges)
    table = np.zeros((len(probability), len(edges) - 1))
    table[np.arange(len(probability)), where] = probability - hit

    def error(sums: Table) -> Table:
        found: Table = np.abs(sums).sum(axis=1) / len(table)
        return found

    known = float(error(table.sum(axis=0, keepdims=True))[0])
    low, high = np.quantile(bootstrap(table, error), (0.025, 0.975))
    return max(0.0, 2 * known - float(high)), min(1.0, max(0.0, 2 * known - float(low)))


@dataclass(frozen=True)
class ReviewPoint:
    """What happens when whatever is less sure than a threshold goes to a person.

    Of receipts or of lines; a receipt is as sure as its weakest line.
    """

    threshold: float
    reviewed: float
    """Share that goes to a person."""
    right: float
    """Share of the others that is right; 1 when there are none."""
    kept: int
    """How many others there are."""
    interval: tuple[float, float]
    """Of the share that is right."""


REVIEW_THRESHOLDS = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def review_curve(
    confidence: Sequence[float],
    right: Sequence[bool],
    thresholds: Sequence[float] = REVIEW_THRESHOLDS,
) -> list[ReviewPoint]:
    """Trade review against what is wrong among the rest."""
    points = []
    for threshold in thresholds:
        kept = [hit for sure, hit in zip(confidence, right, strict=True) if sure >= threshold]
        reviewed = 1 - len(kept) / len(right) if right else 0.0
        hits = sum(kept)
        share = hits / len(kept) if kept else 1.0
        points.append(ReviewPoint(threshold, reviewed, share, len(kept), wilson(hits, len(kept))))
    return points


@dataclass(frozen=True)
class Spread:
    """Median and 95th percentile of some seconds, each with its 95 % interval."""

    cases: int
    median: float
    p95: float
    median_interval: tuple[float, float]
    p95_interval: tuple[float, float]
    """Ends at the largest of the cases where they are too few to say more."""


def spread(seconds: Sequence[float]) -> Spread | None:
    """Return median and 95th percentile, or None for no cases.

    The intervals are those of order statistics: ranks between which the quantile lies by the
    binomial distribution, whatever the seconds are distributed like.
    """
    if not seconds:
        return None
    ordered = np.sort(np.asarray(seconds, dtype=np.float64))
    median, p95 = (float(value) for value in np.quantile(ordered, (0.5, 0.95)))
    return Spread(
        len(ordered), median, p95, _quantile_interval(ordered, 0.5),
        _quantile_interval(ordered, 0.95),
    )  # fmt: skip


def _quantile_interval(ordered: Table, share: float) -> tuple[float, float]:
    below = bdtr(np.arange(len(ordered)), len(ordered), share)
    low, high = (int(rank) for rank in np.searchsorted(below, (0.025, 0.975)))
    return float(ordered[max(low - 1, 0)]), float(ordered[min(high, len(ordered) - 1)])
