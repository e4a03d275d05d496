"""Scores of receipts against the truth, with intervals. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

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


def bootstrap_f1(sessions: Sequence[Counts], seed: int = 0) -> tuple[float, float]:
    """Return the 95 % percentile interval of the pooled F1, resampling whole sessions."""
    if not sessions:
        return 0.0, 1.0
    table = np.array([(c.right, c.extra, c.missing) for c in sessions], dtype=np.float64)
    draw = np.random.default_rng(seed)
    weights = draw.multinomial(len(table), np.full(len(table), 1 / len(table)), RESAMPLES)
    right, extra, missing = (weights @ table).T
    both = 2 * right + extra + missing
    f1 = np.where(both > 0, 2 * right / np.maximum(both, 1), 1.0)
    low, high = np.quantile(f1, (0.025, 0.975))
    return float(low), float(high)


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


BIN_EDGES = (0.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0)


def calibration(
    stated: Sequence[float], right: Sequence[bool], edges: Sequence[float] = BIN_EDGES
) -> tuple[list[Bin], float]:
    """Compare stated probabilities with what came true.

    Returns:
        The bins that are not empty, and the expected calibration error: the mean over all cases
        of the distance between stated probability and share right in the case's bin.
    """
    probability, hit = np.asarray(stated, dtype=np.float64), np.asarray(right, dtype=np.float64)
    where = np.clip(np.searchsorted(edges, probability, side="right") - 1, 0, len(edges) - 2)
    bins, error = [], 0.0
    for number in range(len(edges) - 1):
        chosen = where == number
        count = int(chosen.sum())
        if count == 0:
            continue
        mean, share = float(probability[chosen].mean()), float(hit[chosen].mean())
        bins.append(Bin(edges[number], edges[number + 1], count, mean, share))
        error += count / len(probability) * abs(mean - share)
    return bins, error


@dataclass(frozen=True)
class ReviewPoint:
    """What happens when receipts less sure than a threshold go to a person."""

    threshold: float
    reviewed: float
    """Share of receipts that go to a person."""
    right: float
    """Share of the others that are exactly right; 1 when there are none."""


REVIEW_THRESHOLDS = (0.0, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)


def review_curve(
    confidence: Sequence[float],
    right: Sequence[bool],
    thresholds: Sequence[float] = REVIEW_THRESHOLDS,
) -> list[ReviewPoint]:
    """Trade review against right receipts; `confidence` is that of a receipt's weakest line."""
    points = []
    for threshold in thresholds:
        kept = [hit for sure, hit in zip(confidence, right, strict=True) if sure >= threshold]
        reviewed = 1 - len(kept) / len(right) if right else 0.0
        points.append(ReviewPoint(threshold, reviewed, sum(kept) / len(kept) if kept else 1.0))
    return points


@dataclass(frozen=True)
class Spread:
    """Median and 95th percentile of some seconds."""

    cases: int
    median: float
    p95: float


def spread(seconds: Sequence[float]) -> Spread | None:
    """Return median and 95th percentile, or None for no cases."""
    if not seconds:
        return None
    median, p95 = np.quantile(np.asarray(seconds, dtype=np.float64), (0.5, 0.95))
    return Spread(len(seconds), float(median), float(p95))
