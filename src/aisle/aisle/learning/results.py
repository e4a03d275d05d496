"""Results of benchmarks as files: what `aisle bench --out` writes and the page is made from.

A file holds all figures of `aisle.bags.evaluate.summary`; read back are those that the page shows.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

FORMAT = "aisle-bench/1"


class ResultsError(ValueError):
    """A file that holds no results; the message names the file, the field and the rule."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, allow_inf_nan=False)


Interval = tuple[float, float]


class Items(_Part):
    """Units of products on receipts."""

    precision: float
    recall: float
    f1: float
    f1_interval: Interval


class Share(_Part):
    """So many of so many were right."""

    right: int = Field(ge=0)
    of: int = Field(ge=0)
    share: float | None
    interval: Interval


class Seconds(_Part):
    """Delays."""

    cases: int = Field(ge=1)
    median: float
    p95: float
    median_interval: Interval
    p95_interval: Interval


class Bin(_Part):
    """Cases of about one stated probability."""

    low: float
    high: float
    cases: int = Field(ge=1)
    stated: float
    right: float
    interval: Interval


class Calibration(_Part):
    """Stated against true."""

    cases: int = Field(ge=0)
    error: float
    error_interval: Interval
    bins: tuple[Bin, ...]


class Review(_Part):
    """What a review threshold does."""

    threshold: float
    reviewed: float
    right: float
    kept: int = Field(ge=0)
    interval: Interval


class Figures(_Part):
    """How one method did."""

    sessions: int = Field(ge=0)
    items: Items
    exact: Share
    exact_without_review: Share
    events: Share
    put_back_elsewhere: Share
    hand_overs: Share
    errors: dict[str, int]
    latency_shown_s: Seconds | None
    latency_confirmed_s: Seconds | None
    calibration_changes: Calibration
    calibration_lines: Calibration
    review_curve: tuple[Review, ...]
    review_curve_lines: tuple[Review, ...]
    store_s: float = Field(ge=0)
    wall_s: float = Field(ge=0)


class Happened(_Part):
    """What the simulations were like (`aisle.learning.happenings`)."""

    simulations: int = Field(ge=0)
    actions: int = Field(ge=0)
    confusing: int = Field(ge=0)
    kinds: dict[str, int]
    at_once: dict[str, int]


class Result(_Part):
    """One suite, run by one or more methods."""

    suite: str
    about: str
    store: str
    seed: int
    modalities: tuple[str, ...]
    """What the methods were given."""
    happened: Happened
    methods: dict[str, Figures]


class _File(_Part):
    format: Literal["aisle-bench/1"]
    results: tuple[Result, ...]


def document(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what a file of results holds, as plain data."""
    return {"format": FORMAT, "results": list(results)}


def read_results(path: Path) -> list[dict[str, Any]]:
    """Read a file of results, with all that it holds.

    Raises:
        ResultsError: It cannot be read, or is none.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ResultsError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ResultsError(f"{path}: not JSON: {error}") from error
    try:
        _File.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the whole"
        raise ResultsError(f"{path}: {where}: {first['msg']}") from error
    found: list[dict[str, Any]] = data["results"]
    return found


def parsed(results: Sequence[dict[str, Any]]) -> list[Result]:
    """Return what the page shows of results that are of this version."""
    return [Result.model_validate(result) for result in results]
