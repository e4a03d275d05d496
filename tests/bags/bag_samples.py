"""A store small enough to check by hand."""

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from aisle.bags.store_io import BagWriter
from aisle.bags.truth import TrueEvent, TrueSession, write_truth
from aisle.records import (
    Action,
    CameraFrame,
    Change,
    ChangeState,
    GateEvent,
    GateKind,
    Prediction,
    Receipt,
    ReceiptLine,
    ReceiptState,
    WeightBatch,
)
from aisle.store.types import Controller, Fixture, Plate, Product, Shelf, Slot, Store


def at(x: float, y: float, z: float, turn: float = 0.0) -> np.ndarray:
    pose = np.eye(4)
    pose[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    pose[:3, 3] = x, y, z
    return pose


def tiny_store() -> Store:
    """One gondola: a shelf with four plates (one without a pose), a shelf without plates."""
    plates = {
        f"g1/s1/p{i + 1}": Plate(
            f"g1/s1/p{i + 1}", "g1/s1", "g1", i, (0.25, 0.4),
            None if i == 3 else at(1.0 + 0.25 * i, 2.2, 0.8, 0.3), 20.0,
        )
        for i in range(4)
    }  # fmt: skip
    return Store(
        name="tiny",
        currency="EUR",
        products={
            "cola": Product("cola", "Cola 0.5 l", 0.53, (0.07, 0.07, 0.22), 199),
            "soap": Product("soap", "Soap", 0.125, (0.06, 0.09, 0.03), 249),
            "rice": Product("rice", "Rice 1 kg", 1.01, (0.1, 0.06, 0.2), 329),
        },
        fixtures={
            "g1": Fixture("g1", "gondola", (1.0, 0.45, 1.8), at(1, 2, 0, 0.3), ("g1/s1", "g1/s2"))
        },
        shelves={
            "g1/s1": Shelf("g1/s1", "g1", (1.0, 0.4, 0.03), at(1, 2, 0.8, 0.3), tuple(plates)),
            "g1/s2": Shelf("g1/s2", "g1", (1.0, 0.4, 0.03), at(1, 2, 1.2, 0.3), ()),
        },
        plates=plates,
        slots={
            "a": Slot("a", "cola", "g1/s1", ("g1/s1/p1", "g1/s1/p2"), facings=3, count=12),
            "b": Slot("b", "soap", "g1/s1", ("g1/s1/p3",)),
            "c": Slot("c", "rice", "g1/s2", (), (0.0, 0.0, 0.5, 0.25), 2, None, 0.5, True),
        },
        controllers={"g1": Controller("g1", tuple(plates), 60.0, 12)},
    )


def write_bag(path: Path, seconds: int) -> Path:
    """Write a bag of the tiny store: noise on its plates, one shopper who passes the gates."""
    draw = np.random.default_rng(3)
    store, period = tiny_store(), 16_666_667
    with BagWriter(path) as writer:
        writer.store(store, 10**18, 10**18)
        writer.gate(GateEvent(10**18 + 5, "gate", GateKind.ENTER, "shopper-1"), 10**18 + 10**6)
        plates = store.controllers["g1"].plates
        for number in range(seconds * 5):
            stamp = 10**18 + number * 12 * period
            kilograms = draw.normal(2.0, 0.002, (12, len(plates))).astype(np.float32)
            kilograms[3, 1] = np.nan
            batch = WeightBatch(
                "g1", stamp, period, plates, kilograms, np.zeros(len(plates), np.uint8)
            )
            writer.weights(batch, batch.end_ns + 10**7)
        last = 10**18 + seconds * 10**9
        writer.gate(GateEvent(last, "gate", GateKind.EXIT, "shopper-1"), last + 10**6)
    return path


def write_live_bag(
    path: Path,
    store: Store | None = None,
    picture: Callable[[int], np.ndarray] | None = None,
) -> Path:
    """Write a bag of the tiny store as if it had been recorded live, with truth beside it.

    The shopper takes a cola, of 530 g, from two plates after 5 s; the receipt says so, and sure.
    A soap that was not there is withdrawn, and a rice that was taken is missed. Where the store
    has cameras, `picture` draws what they see, ten times a second, by number.
    """
    store, period, start = store or tiny_store(), 16_666_667, 10**18
    take = start + 5 * 10**9
    with BagWriter(path) as writer:
        writer.store(store, start, start)
        writer.gate(GateEvent(start, "gate", GateKind.ENTER, "shopper-1"), start)
        plates = store.controllers["g1"].plates
        for number in range(60):
            stamp = start + number * 12 * period
            kilograms = np.full((12, len(plates)), 2.0, dtype=np.float32)
            taken = stamp + period * np.arange(12) >= take
            kilograms[taken, 0] -= 0.3
            kilograms[taken, 1] -= 0.23
            batch = WeightBatch(
                "g1", stamp, period, plates, kilograms, np.zeros(len(plates), np.uint8)
            )
            writer.weights(batch, batch.end_ns)
        for number, camera in product(range(80), store.cameras if picture else ()):
            stamp = start + number * 10**8
            writer.picture(CameraFrame(camera, stamp, picture(number)), 95, stamp + 3 * 10**8)
        state, evidence = ChangeState.CONFIRMED, (take - 10**9, take + 10**9)
        cola = Change("shopper-1/1", state, take, Action.TAKE, "cola", 1, 0.93, "g1/s1", "",
                      plates[:2], (), evidence)  # fmt: skip
        soap = replace(cola, id="shopper-1/2", product="soap", state=ChangeState.WITHDRAWN)
        prediction = Prediction(take, "shopper-1", (cola, soap))
        writer.prediction(prediction, take + 10**9)
        line = ReceiptLine("cola", "Cola <0.5 l>", 1, 199, 0.93)
        bill = Receipt("shopper-1", 1, ReceiptState.OPEN, start, "EUR", (), "enter")
        writer.receipt(bill, start)
        shown = replace(bill, revision=2, lines=(line,), cause="shopper-1/1", stamp_ns=take)
        writer.receipt(shown, take + 10**9)
        reasons = ("weights/g1 silent for 4.2 s",)
        last = replace(shown, revision=3, state=ReceiptState.REVIEW, review_reasons=reasons)
        writer.receipt(last, take + 6 * 10**9)
    events = (
        TrueEvent(take, Action.TAKE, "cola", 1, "g1/s1"),
        TrueEvent(take + 10**9, Action.TAKE, "rice", 1, "g1/s2"),
    )
    receipt = {"cola": 1, "rice": 1}
    write_truth(path, {"shopper-1": TrueSession("shopper-1", receipt, events, start)})
    return path
