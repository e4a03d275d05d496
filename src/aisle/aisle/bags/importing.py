"""Recordings of other systems as bags."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from aisle.bags.autocheckout import read_store, read_weights
from aisle.bags.store_io import BagError, BagWriter
from aisle.records import GateEvent, GateKind
from aisle.store.problems import Problem
from aisle.store.types import Store

GATE = "gate"


@dataclass(frozen=True)
class ImportResult:
    """What was imported, and what was not."""

    store: Store
    problems: list[Problem]
    counts: Counter[str]
    """Rows of the recording by what became of them."""
    batches: int
    seconds: float


def import_autocheckout(
    directory: Path, out: Path, store_out: Path | None = None, session: str = "shopper-1"
) -> ImportResult:
    """Write a recording of the AutoCheckout contest as a bag: one shopper, from first to last.

    The store model comes first, then the shopper's entry with the first sample, the weights, and
    the exit with the last sample.

    Args:
        directory: The recording.
        out: Bag to write.
        store_out: Where to write the store's files too.
        session: The shopper's session.

    Raises:
        StoreError: The recording's store is broken.
        BagError: There are no weights, or the bag cannot be written.
    """
    store, problems = read_store(directory)
    counts: Counter[str] = Counter()
    batches = read_weights(directory, counts)
    try:
        first = next(batches, None)
    except FileNotFoundError as error:
        raise BagError(f"{directory}: {error}") from error
    if first is None:
        raise BagError(f"{directory} holds no weights")
    number, last_ns = 0, first.stamp_ns
    with BagWriter(out) as writer:
        writer.store(store, first.stamp_ns, first.stamp_ns)
        writer.gate(GateEvent(first.stamp_ns, GATE, GateKind.ENTER, session), first.stamp_ns)
        for batch in chain([first], batches):
            last_ns = max(last_ns, batch.end_ns)
            writer.weights(batch, last_ns)
            number += 1
        writer.gate(GateEvent(last_ns, GATE, GateKind.EXIT, session), last_ns)
    if store_out is not None:
        from aisle.store.write import write_store

        write_store(store, store_out)
    return ImportResult(store, problems, counts, number, (last_ns - first.stamp_ns) / 1e9)
