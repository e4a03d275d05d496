from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from bag_samples import tiny_store

from aisle.bags.checkout import StoreCheckout
from aisle.bags.evaluate import evaluate, summary
from aisle.bags.reading import INPUTS, read_records
from aisle.bags.replay import recorded, replay
from aisle.bags.simulated import write_simulation
from aisle.bags.store_io import BagReader, BagWriter
from aisle.bags.truth import read_truth
from aisle.receipts import receipt_json
from aisle.records import (
    Action,
    Change,
    ChangeState,
    GateEvent,
    GateKind,
    Prediction,
    ReceiptState,
)
from aisle.sim.scenario import Scenario
from aisle.sim.simulation import simulate
from aisle.store.generate import generate_store
from aisle.store.model import with_slot_change
from aisle.store.spec import StoreSpec


@pytest.fixture(scope="module")
def simulated(tmp_path_factory) -> Path:
    """Two shoppers in a small store."""
    store = generate_store(np.random.default_rng(5), StoreSpec(gondolas=1))
    scenario = Scenario(shoppers=2, stay_s=(12.0, 15.0), lead_s=3.0, action_s=4.0)
    path = tmp_path_factory.mktemp("checkout") / "bag"
    write_simulation(path, simulate(store, scenario, seed=3))
    return path


@pytest.fixture(scope="module")
def replayed(simulated):
    return replay(simulated, out=simulated.parent / "out")


def test_every_shopper_gets_a_receipt_that_closes(simulated, replayed):
    truth = read_truth(simulated)
    assert set(replayed.receipts) == set(truth) == {"shopper-1", "shopper-2"}
    assert all(r.state != ReceiptState.OPEN for r in replayed.receipts.values())
    found = summary(evaluate("bag", truth, replayed))
    assert found["sessions"] == 2
    assert found["events"]["of"] >= 2


def test_a_second_replay_gives_the_same_bytes(simulated, replayed, tmp_path):
    again = replay(simulated, out=tmp_path / "again")
    assert [receipt_json(r) for r in again.receipts.values()] == [
        receipt_json(r) for r in replayed.receipts.values()
    ]
    first = simulated.parent / "out" / "bag_0.mcap"
    assert (tmp_path / "again" / "bag_0.mcap").read_bytes() == first.read_bytes()


def test_what_a_replay_wrote_is_read_back_as_it_was(simulated, replayed):
    again = recorded(simulated.parent / "out")
    assert [receipt_json(r) for r in again.receipts.values()] == [
        receipt_json(r) for r in replayed.receipts.values()
    ]


class Foreign:
    """A fusion that reports a soap put back on the rice's shelf, and notes the stores it gets."""

    eyes = None

    def __init__(self, store) -> None:
        self.stores, self.counters = [store], {"late": 0, "gaps": 3}

    def push(self, record):
        if isinstance(record, GateEvent):
            change = Change("s/1", ChangeState.CONFIRMED, 9, Action.RETURN, "soap", 1, 0.875,
                            "g1/s2", foreign=True)  # fmt: skip
            lost = replace(change, id="s/2", shelf="nowhere")
            return [Prediction(10, "s", (change, lost))]
        self.stores.append(record.store)
        return []

    def finish(self):
        return []


class MakesForeign:
    sight, counters, warnings = False, {"unreadable": 2}, ("blind",)

    def make(self, store):
        return Foreign(store)


def test_a_put_back_elsewhere_changes_no_store_model(tmp_path):
    joined = StoreCheckout(tmp_path, MakesForeign())
    joined.store(1, tiny_store())
    predictions, receipts = joined.push(GateEvent(5, "gate", GateKind.ENTER, "s"))
    assert len(predictions) == 1
    assert receipts[0].session == "s"
    assert len(joined._intake.fusion.stores) == 1
    assert joined.counters["fusion/gaps"] == 3
    assert "fusion/late" not in joined.counters
    assert joined.counters["fusion/unreadable"] == 2
    assert joined.warnings == ("blind",)
    joined.close()


def test_changed_store_models_in_a_bag_decide_nothing(simulated, replayed, tmp_path):
    """As the nodes publish them after put-backs: live, replay and replay of either are one."""
    changed = tmp_path / "changed"
    with BagReader(simulated) as reader, BagWriter(changed) as writer:
        for arrived in read_records(reader, set(INPUTS), Counter()):
            record = arrived.record
            if isinstance(record, tuple):
                stamp_ns, store = record
                writer.store(store, stamp_ns, arrived.log_ns)
            elif isinstance(record, GateEvent):
                writer.gate(record, arrived.log_ns)
                shelf = store.shelves[store.plates[next(iter(store.plates))].shelf]
                moved = next(p for p in store.products if p not in {
                    slot.product for slot in store.slots_of_shelf[shelf.id]})  # fmt: skip
                store = with_slot_change(store, moved, shelf.id, shelf.plates[:1], 1, 0.9)
                writer.store(store, record.stamp_ns, arrived.log_ns)
            else:
                writer.weights(record, arrived.log_ns)
    again = replay(changed)
    assert len(again.stores) > 1
    assert [receipt_json(r) for r in again.receipts.values()] == [
        receipt_json(r) for r in replayed.receipts.values()
    ]
