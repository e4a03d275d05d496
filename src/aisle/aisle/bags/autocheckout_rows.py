"""The rows of `weights.csv.gz` of an AutoCheckout recording, as arrays, a block at a time."""

from __future__ import annotations

import gzip
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aisle.bags.autocheckout_files import MAX_INDEX

FILE = "weights.csv.gz"
COLUMNS = 5
_BLOCK_BYTES = 4 * 1024 * 1024
_MAX_GRAMS = 1e6
_MAX_SECONDS = 1e11

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Good rows in file order."""

    seconds: NDArray[np.float64]
    """[rows] Unix time."""
    grams: NDArray[np.float64]
    """[rows]."""
    places: Places
    """[rows, 3] gondola, shelf and plate, from 1."""

    def select(self, which: NDArray[np.bool_]) -> Rows:
        """Some of the rows."""
        return Rows(self.seconds[which], self.grams[which], self.places[which])


def read_rows(directory: Path, counts: Counter[str]) -> Iterator[Rows]:
    """All good rows of a recording, some megabytes at a time.

    Args:
        directory: Holds `weights.csv.gz` with the columns timestamp, reading, gondola, shelf,
            plate after a header line.
        counts: Gets `rows` (all), `malformed` (left out) and `truncated` (1 when the file ends
            in the middle; what comes before is used).

    Raises:
        FileNotFoundError: When there is no such file.
    """
    rest = b""
    header = True
    for block in _blocks(directory / FILE, counts):
        whole, _, rest = (rest + block).rpartition(b"\n")
        if header and whole:
            whole = whole.partition(b"\n")[2]
            header = False
        if whole:
            yield _parse(whole, counts)
        if len(rest) > _BLOCK_BYTES:
            # No line is that long: skip what is no text.
            counts["malformed"] += 1
            counts["rows"] += 1
            rest = b""
    if rest and not header and not counts["truncated"]:
        yield _parse(rest, counts)


def _blocks(path: Path, counts: Counter[str]) -> Iterator[bytes]:
    """The unpacked file in blocks; what comes before a broken end is given as well."""
    with gzip.open(path, "rb") as file:
        block = bytearray()
        while True:
            try:
                # A longer read would lose what comes before the broken end.
                piece = file.read1(_BLOCK_BYTES)
            except (EOFError, zlib.error, gzip.BadGzipFile):
                counts["truncated"] += 1
                piece = b""
            block += piece
            if len(block) >= _BLOCK_BYTES or (block and not piece):
                yield bytes(block)
                block.clear()
            if not piece:
                return


def read_samples(directory: Path, counts: Counter[str]) -> Iterator[Rows]:
    """As `read_rows`, but no time of sampling is torn between two blocks."""
    held: Rows | None = None
    for rows in read_rows(directory, counts):
        if held is not None:
            rows = Rows(
                np.concatenate([held.seconds, rows.seconds]),
                np.concatenate([held.grams, rows.grams]),
                np.concatenate([held.places, rows.places]),
            )
        if not len(rows.seconds):
            continue
        newest = rows.seconds == rows.seconds.max()
        held = rows.select(newest)
        yield rows.select(~newest)
    if held is not None:
        yield held


def _parse(text: bytes, counts: Counter[str]) -> Rows:
    table = _parse_fast(text)
    if table is None:
        table = _parse_lines(text)
    total = text.count(b"\n") + 1
    places = table[:, 2:]
    with np.errstate(invalid="ignore"):
        good = (
            np.isfinite(table).all(axis=1)
            & (np.abs(table[:, 1]) < _MAX_GRAMS)
            & (table[:, 0] > 0)
            & (table[:, 0] < _MAX_SECONDS)
            & ((places >= 1) & (places <= MAX_INDEX) & (places == np.floor(places))).all(axis=1)
        )
    counts["rows"] += total
    counts["malformed"] += total - int(good.sum())
    kept = table[good]
    return Rows(kept[:, 0], kept[:, 1], kept[:, 2:].astype(np.int64))


def _parse_fast(text: bytes) -> NDArray[np.float64] | None:
    """All lines at once; None when any line is not five plain numbers."""
    data = np.frombuffer(text, dtype=np.uint8)
    plain = np.zeros(256, dtype=bool)
    plain[list(b"0123456789.-,\n")] = True
    if not plain[data].all():
        return None
    ends = np.concatenate([np.flatnonzero(data == ord("\n")), [len(data)]])
    commas = np.searchsorted(np.flatnonzero(data == ord(",")), ends)
    if (np.diff(commas, prepend=0) != COLUMNS - 1).any():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            numbers = np.fromstring(text.replace(b"\n", b",").decode("ascii"), sep=",")
        except (ValueError, DeprecationWarning):
            return None
    return numbers.reshape(-1, COLUMNS) if len(numbers) == COLUMNS * len(ends) else None


def _parse_lines(text: bytes) -> NDArray[np.float64]:
    """Line by line; a bad line becomes a row of NaN."""
    table = np.full((text.count(b"\n") + 1, COLUMNS), np.nan)
    for i, line in enumerate(text.split(b"\n")):
        cells = line.split(b",")
        if len(cells) == COLUMNS:
            try:
                table[i] = [float(cell) for cell in cells]
            except ValueError:
                continue
    return table
