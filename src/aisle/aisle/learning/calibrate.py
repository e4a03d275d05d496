"""Calibration on development data: stores from seeds that neither training nor benchmarks use.

Two questions, each calibrated by itself: what happened (one shopper at a time: what share of
changes with a stated probability is right) and whose it was (several shoppers at once).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression, minimize_scalar
from scipy.special import logsumexp

from aisle.bags.evaluate import evaluate
from aisle.bags.truth import truth_of
from aisle.fusion.fusion import Fusion
from aisle.fusion.runtime import load_runtime
from aisle.fusion.windows import Arrays, Window
from aisle.learning.benchmark import MakeMethod, run, spread
from aisle.learning.labels import label
from aisle.learning.suites import SUITES
from aisle.sim.simulation import simulate
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec

_BIN = 60
"""Changes in a bin, at least."""


def calibrated(
    model: Path, sessions: int, workers: int, log: Callable[..., None]
) -> dict[str, Any]:  # fmt: skip
    """What a manifest says of how sure a model may be: development sessions decide.

    Args:
        model: ONNX file.
        sessions: Of one shopper at a time; a sixth as many of several.
        workers: Processes.
        log: Called with `event`, `done` and `of` as it goes on.
    """
    several = sessions // 6
    cases = development_cases(
        model, sessions, workers, lambda done: log(event="calibrating", done=done, of=sessions)
    )
    choices = session_choices(
        model, several, workers,
        lambda done: log(event="calibrating sessions", done=done, of=several),
    )  # fmt: skip
    return {
        "calibration": fit(cases), "calibration_changes": len(cases),
        "session_temperature": fit_temperature(choices), "session_choices": len(choices),
    }  # fmt: skip


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
    suite = SUITES[("scales_only", "overlapping")[number % 2]]
    simulation = simulate(store, suite.scenario(0), (1 << 41) + number)
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


Choice = tuple[list[float], int]
"""The model's logit for each open session, and which of them it really was."""


def session_choices(
    model: Path, sessions: int, workers: int = 1,
    progress: Callable[[int], None] = lambda done: None,
) -> list[Choice]:  # fmt: skip
    """Whose each event was, over development sessions of several shoppers at once."""
    found: list[Choice] = []
    for number, choices in enumerate(spread(partial(_choices, model), range(sessions), workers)):
        found += choices
        progress(number + 1)
    return found


def _choices(model: Path, number: int) -> list[Choice]:
    number += 1 << 20
    store = generate_store(np.random.default_rng((1 << 41, number)), StoreSpec(name="development"))
    simulation = simulate(store, SUITES["together"].scenario(0), (1 << 41) + number)
    found: list[Choice] = []

    def observe(windows: list[Window], outputs: Arrays) -> None:
        for row, window in enumerate(windows):
            right = label(window, simulation.effects)
            if right.kind == "change" and len(window.sessions) > 1:
                logits = outputs["session_logits"][row, right.candidate, : len(window.sessions)]
                found.append(([float(x) for x in logits], right.session))

    fusion = Fusion(simulation.store, load_runtime(model), observer=observe)
    for arrival in simulation.arrivals():
        fusion.push(arrival.record)
    return found


def fit_temperature(choices: Sequence[Choice]) -> float:
    """The temperature of the softmax over sessions under which the truth is likeliest.

    Between a third and ten; 1 without choices. (Guo et al., On Calibration of Modern Neural
    Networks, 2017.)
    """
    if not choices:
        return 1.0

    def surprise(log_temperature: float) -> float:
        temperature = math.exp(log_temperature)
        return sum(
            float(logsumexp(np.array(logits) / temperature)) - logits[right] / temperature
            for logits, right in choices
        )

    found = minimize_scalar(surprise, bounds=(math.log(1 / 3), math.log(10)), method="bounded")
    return round(math.exp(float(found.x)), 4)
