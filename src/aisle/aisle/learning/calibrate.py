"""Calibration: what share of changes with a stated probability is right, on development data.

Development stores are generated from seeds that neither training nor benchmarks use. One shopper
at a time: the curve is about what happened; whose it was has a probability of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from scipy.optimize import isotonic_regression

from aisle.bags.evaluate import evaluate
from aisle.bags.truth import truth_of
from aisle.learning.benchmark import SUITES, MakeMethod, run, spread
from aisle.sim.simulation import simulate
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec

_BIN = 60
"""Changes in a bin, at least."""


def development_cases(
    model: Path, sessions: int, workers: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> list[tuple[float, bool]]:  # fmt: skip
    """Stated probability and rightness of each change over development sessions."""
    found: list[tuple[float, bool]] = []
    for number, cases in enumerate(spread(partial(_case, model), range(sessions), workers)):
        found += cases
        progress(number + 1)
    return found


def _case(model: Path, number: int) -> list[tuple[float, bool]]:
    store = generate_store(np.random.default_rng((1 << 41, number)), StoreSpec(name="development"))
    suite = SUITES[("calm", "overlapping")[number % 2]]
    simulation = simulate(store, suite, (1 << 41) + number)
    result = run(MakeMethod("model", model)(store), simulation)
    return evaluate(str(number), truth_of(simulation), result).changes


def fit(cases: Sequence[tuple[float, bool]]) -> list[list[float]]:
    """A rising curve from stated to true probability, as points to interpolate between.

    Each bin's share is drawn towards its stated probability as by one right and one wrong case,
    so that a bin without errors does not claim certainty.
    """
    if not cases:
        return []
    ordered = sorted(cases)
    stated = np.array([p for p, _ in ordered])
    right = np.array([hit for _, hit in ordered], dtype=float)
    parts = max(1, len(ordered) // _BIN)
    centre = np.array([part.mean() for part in np.array_split(stated, parts)])
    weight = np.array([len(part) for part in np.array_split(right, parts)], dtype=float)
    hits = np.array([part.sum() for part in np.array_split(right, parts)])
    share = isotonic_regression((hits + 0.5) / (weight + 1), weights=weight).x
    return [[round(float(x), 5), round(float(y), 5)] for x, y in zip(centre, share, strict=True)]
