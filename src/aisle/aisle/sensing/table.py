"""Recorded readings in a CSV table: `stamp,<plate>,<plate>,...`, seconds and kilograms.

One row for each sampling instant, in order of time; an empty field or `nan` is a missed sample.
The file may be compressed (`.gz`). Plates of several controllers may share the table.
"""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO

import numpy as np

from aisle.records import PlateStatus, WeightBatch
from aisle.sensing.batching import worst_status
from aisle.store.types import Controller


class TableError(ValueError):
    """A table that cannot be read; the text names the file, the line and the rule."""


def read_table(path: Path, controllers: Sequence[Controller]) -> Iterator[WeightBatch]:
    """Read the batches of some controllers, in order of time.

    A controller with no plate in the table gives nothing; a plate that is not in the table, or
    that has no reading, is MISSING.

    Raises:
        TableError: at the line that breaks a rule, when the reader gets there.
    """
    with _open(path) as file:
        rows = csv.reader(file)
        header = _next_row(path, rows, 1)
        if not header or header[0] != "stamp" or len(set(header)) != len(header):
            raise TableError(f"{path}: line 1: must be 'stamp' and plate ids, each once")
        known = [c for c in controllers if set(c.plates) & set(header)]
        if not known:
            raise TableError(f"{path}: line 1: no plate of {[c.id for c in controllers]}")
        size = max(controller.samples_per_message for controller in known)
        readings = _readings(path, rows, len(header))
        while block := list(islice(readings, size)):
            stamps, values = zip(*block, strict=True)
            table = np.array(values, np.float32)
            for controller in known:
                yield from _batches(controller, header[1:], stamps, table)


def _batches(
    controller: Controller, plates: list[str], stamps: Sequence[float], table: np.ndarray
) -> Iterator[WeightBatch]:
    column = {plate: i for i, plate in enumerate(plates)}
    kilograms = np.full((len(table), len(controller.plates)), np.nan, np.float32)
    for i, plate in enumerate(controller.plates):
        if plate in column:
            kilograms[:, i] = table[:, column[plate]]
    status = np.where(np.isnan(kilograms), PlateStatus.MISSING, PlateStatus.OK).astype(np.uint8)
    step = controller.samples_per_message
    for first in range(0, len(table), step):
        rows = slice(first, first + step)
        yield WeightBatch(
            controller=controller.id,
            stamp_ns=round(stamps[first] * 1e9),
            period_ns=round(1e9 / controller.rate_hz),
            plates=controller.plates,
            kilograms=kilograms[rows],
            status=worst_status(status[rows]),
        )


def _readings(
    path: Path, rows: Iterator[list[str]], width: int
) -> Iterator[tuple[float, list[float]]]:
    line, before = 1, -math.inf
    while (row := _next_row(path, rows, line + 1)) is not None:
        line += 1
        if not row:
            continue
        if len(row) != width:
            raise TableError(f"{path}: line {line}: {len(row)} fields, the header has {width}")
        try:
            stamp, *values = (float(field) if field.strip() else math.nan for field in row)
        except ValueError:
            raise TableError(f"{path}: line {line}: a field is not a number") from None
        if not before < stamp < 1e10:
            raise TableError(f"{path}: line {line}: the stamp must be later than {before}")
        before = stamp
        yield stamp, [value if math.isfinite(value) else math.nan for value in values]


def _next_row(path: Path, rows: Iterator[list[str]], line: int) -> list[str] | None:
    try:
        return next(rows, None)
    except (csv.Error, UnicodeDecodeError, EOFError, OSError) as error:
        raise TableError(f"{path}: line {line}: {error}") from None


def _open(path: Path) -> IO[str]:
    try:
        if path.suffix == ".gz":
            return gzip.open(path, "rt", encoding="utf-8", newline="")
        return path.open(encoding="utf-8", newline="")
    except OSError as error:
        raise TableError(f"{path}: {error.strerror or error}") from None
