"""Messages that cannot be right, and disks that are full: counted, named, and the rest goes on."""

import array
import math
from functools import partial

import pytest
from aisle_msgs.msg import GateEvent as GateMessage
from aisle_msgs.msg import ReceiptPrediction, ReceiptUpdate, WeightReadings
from aisle_msgs.srv import GetReceipt

from aisle.bags.convert import gate_to_message, prediction_to_message, weights_to_message
from aisle.records import GateEvent, GateKind, Prediction, ReceiptState, WeightBatch
from aisle.sim.scenario import Scenario
from aisle.sim.simulation import simulate
from aisle.store.load import load_store
from aisle_nodes.fusion_node import FusionNode
from aisle_nodes.interfaces import (
    GATE_EVENTS,
    GATE_QOS,
    GET_RECEIPT,
    PREDICTIONS,
    RECEIPT_QOS,
    TYPES,
    UPDATES,
    WEIGHTS_OUT,
    weights_topic,
)
from aisle_nodes.receipt_node import ReceiptNode
from aisle_nodes.store_model_node import StoreModelNode

SCENARIO = Scenario(shoppers=1, stay_s=(10, 12), action_s=3.0, lead_s=3.0)
LEDGER = "sqlite:///{}/ledger.db"


@pytest.fixture(scope="module")
def store(store_dir):
    return load_store(store_dir)[0]


@pytest.fixture(scope="module")
def records(store):
    return [arrival.record for arrival in simulate(store, SCENARIO, 3).arrivals()]


class Checkout:
    """Store model, fusion and ledger, fed by the test in place of the drivers."""

    def __init__(self, graph, store_dir, store, toy_model, folder):
        self.graph, self.folder = graph, folder
        graph.start(StoreModelNode, store=str(store_dir))
        graph.start(FusionNode, model=str(toy_model), state_dir=str(folder / "fusion"))
        graph.start(ReceiptNode, database=LEDGER.format(folder / "ledger"))
        self.updates = graph.listen(ReceiptUpdate, UPDATES, RECEIPT_QOS)
        self.weights = {
            name: graph.talk(WeightReadings, weights_topic(name), WEIGHTS_OUT)
            for name in store.controllers
        }
        self.gate = graph.talk(GateMessage, GATE_EVENTS, GATE_QOS, listeners=2)
        self.sent = dict.fromkeys(store.controllers, 0)

    def send(self, record):
        """Send a record, and wait for the fusion to have it now and then: order is kept."""
        if isinstance(record, GateEvent):
            self.gate.publish(gate_to_message(record, TYPES))
        else:
            self.weights[record.controller].publish(weights_to_message(record, TYPES))
        self.graph.executor.spin_once(timeout_sec=0.0)
        self.graph.executor.spin_once(timeout_sec=0.0)

    def state(self, session):
        states = [update.state for update in self.updates if update.session == session]
        return ReceiptState(states[-1]) if states else None


@pytest.fixture
def checkout(graph, store_dir, store, toy_model, tmp_path):
    return Checkout(graph, store_dir, store, toy_model, tmp_path)


def wrong_weights(batch):
    """Return messages each wrong in one way, with the counter that each must raise."""

    def edited(**fields):
        message = weights_to_message(batch, TYPES)
        for name, value in fields.items():
            setattr(message, name, value)
        return message

    nothing = array.array("f", [])
    plates = [f"g9/s9/p{n}" for n in range(len(batch.plates))]
    infinite = array.array("f", [math.inf] * batch.kilograms.size)
    missing = array.array("f", [math.nan] * batch.kilograms.size)
    return [
        (edited(kilograms=nothing), "malformed_weights"),
        (edited(samples=0), "malformed_weights"),
        (edited(controller="somebody else"), "malformed_weights"),
        (edited(plates=plates[:-1] + plates[:1]), "malformed_weights"),
        (edited(plates=plates), "unknown_plates"),
        (edited(kilograms=infinite), "batches_with_missed_samples"),
        (edited(kilograms=missing), "time_backwards"),
    ]


def test_bad_messages_are_counted_and_the_receipt_closes(checkout, graph, records, store):
    events = [record for record in records if isinstance(record, GateEvent)]
    enter, leave = events
    expected = {}
    for number, record in enumerate(records):
        checkout.send(record)
        if number == 40:
            batch = next(r for r in records[number + 1 :] if isinstance(r, WeightBatch))
            for message, counter in wrong_weights(batch):
                checkout.weights[batch.controller].publish(message)
                expected[counter] = expected.get(counter, 0) + 1
            checkout.gate.publish(GateMessage(kind=7, session="x", gate="g"))
            checkout.gate.publish(GateMessage(session=""))
            nobody = GateEvent(batch.stamp_ns, "g", GateKind.EXIT, "nobody")
            checkout.gate.publish(gate_to_message(nobody, TYPES))
    checkout.gate.publish(gate_to_message(leave, TYPES))
    checkout.gate.publish(gate_to_message(enter, TYPES))
    graph.until(lambda: checkout.state(enter.session) not in (None, ReceiptState.OPEN), 20)
    expected |= {"malformed_gate_events": 2, "exits_without_session": 1, "repeated_gate_events": 2}

    def reached(name, least):
        return graph.counter("fusion_node", name) >= least

    for name, least in expected.items():
        graph.until(partial(reached, name, least))


def test_predictions_that_cannot_be_right_change_no_receipt(checkout, graph, records):
    enter = next(record for record in records if isinstance(record, GateEvent))
    checkout.send(enter)
    graph.until(lambda: checkout.state(enter.session) is ReceiptState.OPEN)
    predictions = graph.talk(ReceiptPrediction, PREDICTIONS, RECEIPT_QOS)
    predictions.publish(ReceiptPrediction(session=""))
    unknown = prediction_to_message(Prediction(enter.stamp_ns, "ghost", (), True), TYPES)
    predictions.publish(unknown)
    graph.until(lambda: graph.counter("receipt_node", "malformed_predictions") == 1)
    assert {update.session for update in checkout.updates} == {enter.session}
    answer = graph.call(GetReceipt, GET_RECEIPT, session=enter.session)
    assert answer.found
    assert answer.receipt == checkout.updates[-1]
    answer = graph.call(GetReceipt, GET_RECEIPT, session="ghost")
    assert not answer.found
    assert "ghost" in answer.message


def test_full_disk_under_the_fusion_holds_lines_back_and_loses_none(checkout, graph, records):
    """A folder that is none stands for the full disk."""
    enter = next(record for record in records if isinstance(record, GateEvent))
    state = checkout.folder / "fusion"
    state.mkdir(exist_ok=True)
    away = checkout.folder / "away"
    half = len(records) // 2
    for number, record in enumerate(records):
        checkout.send(record)
        if number == half:
            state.rename(away)
            state.write_text("not a folder")
    graph.until(lambda: "cannot be written" in graph.diagnostics["fusion_node"][1])
    assert checkout.state(enter.session) is ReceiptState.OPEN
    state.unlink()
    away.rename(state)
    graph.until(lambda: checkout.state(enter.session) not in (None, ReceiptState.OPEN), 20)
    graph.until(lambda: graph.diagnostics["fusion_node"][1] == "ok")
    revisions = [u.revision for u in checkout.updates if u.session == enter.session]
    assert revisions == list(range(1, len(revisions) + 1))
