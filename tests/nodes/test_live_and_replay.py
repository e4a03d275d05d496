"""The nodes and a replay decide the same from the same messages in the same order."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from till import Till

from aisle.bags.checkout import StoreCheckout
from aisle.bags.convert_images import coded_from_message, compressed_to_message
from aisle.bags.messages import bag_types
from aisle.bags.replay import replay
from aisle.bags.store_io import BagWriter
from aisle.fusion.maker import FusionMaker
from aisle.fusion.runtime import load_runtime
from aisle.receipts import receipt_json
from aisle.records import CameraFrame, GateEvent, GateKind, ReceiptState, WeightBatch
from aisle.sim.scenario import Scenario
from aisle.sim.simulation import simulate
from aisle.store.load import load_store
from toy_model import write_toy_model
from toy_vision import ToyVision, watched

SECOND = 1_000_000_000
SCENARIO = Scenario(
    shoppers=3, together=2, stay_s=(10, 14), action_s=3.0, between_s=(1.0, 2.0), lead_s=3.0
)
IDLE_S = 4.0
"""What the fusion's node takes for the end."""


@pytest.fixture(scope="module")
def store(store_dir):
    return load_store(store_dir)[0]


@pytest.fixture(scope="module")
def arrivals(store):
    """Pairs of arrival and record: a run with all that once was decided in two places.

    Somebody is inside before the scales are heard, passages come before the store model and come
    twice, all scales fall silent before the last two leave, and speak again 6 s after.
    """
    pairs = [(a.arrival_ns, a.record) for a in simulate(store, SCENARIO, 3).arrivals()]
    first_ns = pairs[0][0]
    exit_ns = max(record.stamp_ns for _, record in pairs if isinstance(record, GateEvent))
    enter = GateEvent(first_ns - 5 * SECOND, "entry", GateKind.ENTER, "inside")
    leave = GateEvent(exit_ns - SECOND // 2, "exit", GateKind.EXIT, "inside")
    found = [(first_ns - 1, (first_ns - 1, store))]
    for arrival_ns, record in [(first_ns - 3, enter), *pairs, (exit_ns + 1, leave)]:
        if isinstance(record, GateEvent):
            found += [(arrival_ns, record), (arrival_ns + 1, record)]
        elif record.end_ns < exit_ns - 2 * SECOND:
            found.append((arrival_ns, record))
            if record.end_ns > exit_ns - 6 * SECOND:
                later = replace(record, stamp_ns=record.stamp_ns + 12 * SECOND)
                found.append((arrival_ns + 12 * SECOND, later))
    return sorted(found, key=lambda pair: pair[0])


def write_bag(path, arrivals):
    with BagWriter(path) as writer:
        for log_ns, record in arrivals:
            if isinstance(record, GateEvent):
                writer.gate(record, log_ns)
            elif isinstance(record, WeightBatch):
                writer.weights(record, log_ns)
            elif isinstance(record, CameraFrame):
                writer.picture(record, 85, log_ns)
            else:
                writer.store(record[1], record[0], log_ns)


def run_live(till, arrivals):
    """Push all records; where nothing comes for long, do as the node does."""
    before_ns = arrivals[0][0]
    for arrival_ns, record in arrivals:
        if arrival_ns - before_ns > IDLE_S * SECOND:
            assert till.fusion.leaving
            till.finish()
            assert not till.fusion.leaving
        before_ns = arrival_ns
        if isinstance(record, tuple):
            till.store(*record)
        else:
            till.push(record)
    till.finish()


def test_live_and_replay_give_the_same_receipts(store, toy_model, arrivals, tmp_path):
    write_bag(tmp_path / "bag", arrivals)
    till = Till(tmp_path, store, FusionMaker(load_runtime(toy_model)).make)
    run_live(till, arrivals)
    result = replay(tmp_path / "bag", model=toy_model)
    assert [prediction for _, prediction in result.predictions] == till.said
    assert {name: receipt_json(receipt) for name, receipt in result.receipts.items()} == {
        name: receipt_json(receipt) for name, receipt in till.receipts.items()
    }
    assert set(till.receipts) == {"inside", "shopper-1", "shopper-2", "shopper-3"}
    assert all(receipt.state is not ReceiptState.OPEN for receipt in till.receipts.values())
    assert any(receipt.lines for receipt in till.receipts.values())
    reasons = till.receipts["inside"].review_reasons
    assert any("s were not seen" in reason for reason in reasons)
    assert any("at the end" in reason for reason in reasons)
    assert till.fusion.counters["repeated_gate_events"] == 8


def pictures(store, first_ns, last_ns):
    """Pairs of arrival and frame: each camera shows noise, and another colour every 3 s.

    One falls silent for a while, one sends a picture of another size.
    """
    rng = np.random.default_rng(1)
    for number, stamp_ns in enumerate(range(first_ns, last_ns, SECOND // 5)):
        for index, camera in enumerate(store.cameras.values()):
            if index == 0 and 40 <= number < 60:
                continue
            size = (camera.height, camera.width, 3)
            colour = np.array([60 * (number // 15 % 4), 90, 60 * (index + 1)])
            image = (colour + rng.integers(0, 20, size)).astype(np.uint8)
            cut = image[:-10] if index == 1 and number == 30 else image
            yield stamp_ns + 30_000_000, CameraFrame(camera.id, stamp_ns, cut)


def heard(record):
    """A record as a node gets it: a picture has been a JPEG."""
    if not isinstance(record, CameraFrame):
        return record
    return coded_from_message(compressed_to_message(record, 85, bag_types()))


def test_live_and_replay_see_the_same(store, arrivals, tmp_path):
    store = watched(store)
    scales = [(ns, (r[0], store) if isinstance(r, tuple) else r) for ns, r in arrivals]
    until_ns = next(b for (a, _), (b, _) in pairwise(scales) if b - a > IDLE_S * SECOND)
    scales = [pair for pair in scales if pair[0] < until_ns]
    both = [*scales, *pictures(store, scales[0][0], scales[-1][0])]
    both.sort(key=lambda pair: pair[0])
    write_bag(tmp_path / "bag", both)
    runtime = load_runtime(write_toy_model(tmp_path / "sees.onnx", sight=True))

    till = Till(tmp_path, store, FusionMaker(runtime, vision=ToyVision()).make)
    run_live(till, [(ns, heard(record)) for ns, record in both])
    (tmp_path / "again").mkdir()
    checkout = StoreCheckout(tmp_path / "again", FusionMaker(runtime, vision=ToyVision()))
    result = replay(tmp_path / "bag", checkout=checkout)
    checkout.close()

    assert [prediction for _, prediction in result.predictions] == till.said
    assert {name: receipt_json(receipt) for name, receipt in result.receipts.items()} == {
        name: receipt_json(receipt) for name, receipt in till.receipts.items()
    }
    assert any(receipt.lines for receipt in till.receipts.values())
    counters = till.fusion.counters
    assert counters["wrong_size"] == 1
    assert counters["cameras_bad"] >= 1
    assert {f"fusion/{name}": n for name, n in counters.items() if n}.items() <= (
        result.counters.items()
    )
