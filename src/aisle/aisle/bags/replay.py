"""A bag through fusion and ledger in one process, without ROS.

Records go in by order of arrival and in the form that the topics carry, so a replay decides what
the nodes decided.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from aisle.bags import convert, convert_images, convert_store
from aisle.bags.messages import bag_types
from aisle.bags.reading import INPUTS, Arrived, has_pictures, read_records, store_topics
from aisle.bags.store_io import BagError, BagReader, BagWriter
from aisle.records import (
    CodedFrame,
    GateEvent,
    Prediction,
    Receipt,
    Record,
    SlotChange,
    WeightBatch,
)
from aisle.store.types import Store

if TYPE_CHECKING:
    from aisle.fusion.maker import FusionMaker
    from aisle.fusion.runtime import RuntimeKind

Outcome = tuple[list[Prediction], list[Receipt]]
"""The predictions and the new revisions that one record led to."""


class Checkout(Protocol):
    """Fusion and ledger as a replay uses them; `aisle.bags.checkout` is the real one."""

    def store(self, stamp_ns: int, store: Store) -> Outcome:
        """Take in a store model."""

    def push(self, record: Record) -> Outcome:
        """Take in a record, also one that comes before the first store model."""

    def finish(self) -> Outcome:
        """Nothing more will come."""

    @property
    def sight(self) -> bool:
        """Whether pictures are of any use; when not, they are not read."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know of what was missing."""

    @property
    def counters(self) -> dict[str, int]:
        """What was counted on the way."""

    def close(self) -> None:
        """Release files."""


@dataclass
class ReplayResult:
    """What came out of a bag."""

    receipts: dict[str, Receipt] = field(default_factory=dict)
    """The last revision of each session, in order of opening."""
    updates: list[tuple[int, Receipt]] = field(default_factory=list)
    """Every revision with the arrival time of the record that led to it."""
    predictions: list[tuple[int, Prediction]] = field(default_factory=list)
    counters: dict[str, int] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    stores: list[tuple[int, Store]] = field(default_factory=list)
    """Store models with the stamps from which they hold."""
    wall_s: float = 0.0
    store_s: float = 0.0
    """Time that passed in the store: from the first to the last arrival."""

    def add(self, log_ns: int, predictions: list[Prediction], receipts: list[Receipt]) -> None:
        """Note what one record led to."""
        self.predictions += [(log_ns, prediction) for prediction in predictions]
        self.updates += [(log_ns, receipt) for receipt in receipts]
        for receipt in receipts:
            self.receipts[receipt.session] = receipt


def replay(
    bag: Path,
    *,
    model: Path | None = None,
    runtime: RuntimeKind = "onnx",
    store: Store | None = None,
    catalogue: Path | None = None,
    speed: float | None = None,
    namespace: str | None = None,
    out: Path | None = None,
    on_update: Callable[[Receipt], None] | None = None,
    checkout: Checkout | None = None,
) -> ReplayResult:
    """Run a bag through fusion and a ledger of its own.

    Args:
        bag: The bag's directory or file.
        model: ONNX file; the shipped model when None.
        runtime: What runs the model; see `aisle.fusion.runtime.open_runtime`.
        store: Takes the place of the store models in the bag.
        catalogue: Folder of a store's files, whose pictures show the products.
        speed: Multiple of real time; as fast as possible when None.
        namespace: Where a bag holds several rigs, the one to take.
        out: Bag to write with predictions and updates.
        on_update: Called with each new revision as it comes.
        checkout: Fusion and ledger; new ones when None.

    Raises:
        BagError: The bag cannot be read, or holds no store model and none was given.
        ModelError: The model cannot be loaded.
        EngineError: TensorRT was asked for, and cannot be used here.
    """
    result, counters = ReplayResult(), Counter[str]()
    began = time.monotonic()
    with ExitStack() as stack:
        reader = stack.enter_context(BagReader(bag))
        _check_store(reader, store, namespace)
        if checkout is None:
            maker = _maker(model, runtime, catalogue, has_pictures(reader, namespace))
            checkout = _new_checkout(stack, maker)
        run = _Run(checkout, result, counters, on_update)
        if store is not None:
            types = bag_types()
            message = convert_store.store_to_message(store, 0, types)
            run.take_store(convert_store.store_from_message(message))
        names = set(INPUTS) - ({convert_store.STORE} if store is not None else set())
        names -= set() if checkout.sight else {convert_images.COMPRESSED}
        records = read_records(reader, names, counters, namespace)
        for arrived in _paced(records, speed):
            run.take(arrived)
        if not result.stores:
            raise BagError(f"{bag} holds no usable store model{_reasons(counters)}")
        run.finish()
        result.counters = {**counters, **checkout.counters}
        result.warnings = [*reader.warnings, *checkout.warnings]
    result.wall_s = time.monotonic() - began
    if out is not None:
        write_result(out, result)
    return result


def _reasons(counters: Counter[str]) -> str:
    found = [name for name in counters if name.startswith("malformed: ")]
    return f" ({found[0]})" if found else ""


def _check_store(reader: BagReader, store: Store | None, namespace: str | None) -> None:
    topics = store_topics(reader)
    if store is None and not topics:
        raise BagError(f"{reader.path} holds no store model; name the store's directory")
    if namespace is None and len(topics) > 1:
        raise BagError(f"{reader.path} holds several rigs ({', '.join(topics)}); name a namespace")


@lru_cache(maxsize=1)
def _maker(
    model: Path | None, kind: RuntimeKind, catalogue: Path | None, cameras: bool
) -> FusionMaker:
    from aisle.fusion.maker import FusionMaker  # loads the inference library
    from aisle.fusion.runtime import open_runtime

    networks = model.parent if model is not None else None
    return FusionMaker(open_runtime(kind, model), catalogue, cameras=cameras, networks=networks)


def _new_checkout(stack: ExitStack, maker: FusionMaker) -> Checkout:
    from aisle.bags.checkout import StoreCheckout  # loads the inference library

    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="aisle-replay-"))
    checkout = StoreCheckout(Path(folder), maker)
    stack.callback(checkout.close)
    return checkout


class _Run:
    def __init__(
        self,
        checkout: Checkout,
        result: ReplayResult,
        counters: Counter[str],
        on_update: Callable[[Receipt], None] | None,
    ) -> None:
        self.checkout, self.result, self.counters = checkout, result, counters
        self.on_update = on_update
        self.first_ns: int | None = None
        self.last_ns = 0

    def take(self, arrived: Arrived) -> None:
        record, self.last_ns = arrived.record, arrived.log_ns
        if self.first_ns is None:
            self.first_ns = arrived.log_ns
        self.result.store_s = (arrived.log_ns - self.first_ns) / convert.SECOND
        if isinstance(record, tuple):
            self.take_store(record)
        elif isinstance(record, (WeightBatch, CodedFrame, GateEvent, SlotChange)):
            self._note(*self.checkout.push(record))

    def take_store(self, found: tuple[int, Store]) -> None:
        self.result.stores.append(found)
        self._note(*self.checkout.store(*found))

    def finish(self) -> None:
        self._note(*self.checkout.finish())

    def _note(self, predictions: list[Prediction], receipts: list[Receipt]) -> None:
        self.result.add(self.last_ns, predictions, receipts)
        if self.on_update is not None:
            for receipt in receipts:
                self.on_update(receipt)


def _paced(records: Iterator[Arrived], speed: float | None) -> Iterator[Arrived]:
    """Pass records on at a multiple of real time, or at once."""
    first_ns, began = None, time.monotonic()
    for arrived in records:
        if speed is not None:
            first_ns = arrived.log_ns if first_ns is None else first_ns
            due = began + (arrived.log_ns - first_ns) / convert.SECOND / speed
            time.sleep(max(0.0, due - time.monotonic()))
        yield arrived


def write_result(out: Path, result: ReplayResult) -> None:
    """Write the store models, predictions and updates of a replay as a bag.

    Raises:
        BagError: `out` exists already, or cannot be written.
    """
    with BagWriter(out) as writer:
        first_ns = min((ns for ns, _ in (*result.predictions, *result.updates)), default=0)
        for stamp_ns, store in result.stores:
            writer.store(store, stamp_ns, max(stamp_ns, first_ns))
        for log_ns, prediction in result.predictions:
            writer.prediction(prediction, log_ns)
        for log_ns, receipt in result.updates:
            writer.receipt(receipt, log_ns)


def recorded(bag: Path, namespace: str | None = None) -> ReplayResult:
    """Return the predictions and updates that a bag holds, as if it had been replayed.

    Raises:
        BagError: The bag cannot be read, or holds no updates.
    """
    result, counters = ReplayResult(), Counter[str]()
    names = {convert.PREDICTION, convert.UPDATE, convert_store.STORE}
    first_ns, last_ns = None, 0
    with BagReader(bag) as reader:
        for arrived in read_records(reader, names, counters, namespace):
            first_ns, last_ns = first_ns or arrived.log_ns, arrived.log_ns
            record = arrived.record
            if isinstance(record, Prediction):
                result.add(arrived.log_ns, [record], [])
            elif isinstance(record, Receipt):
                result.add(arrived.log_ns, [], [record])
            elif isinstance(record, tuple):
                result.stores.append(record)
        result.warnings = reader.warnings
    if not result.updates:
        raise BagError(f"{bag} holds no receipts that were made while it was recorded")
    result.counters = dict(counters)
    result.store_s = (last_ns - (first_ns or 0)) / convert.SECOND
    return result
