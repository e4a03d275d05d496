"""receipt_node: what changed on the shelves goes out with whatever let it through."""

from aisle_msgs.msg import GateEvent as GateMessage
from aisle_msgs.msg import ReceiptPrediction, StoreModel
from aisle_msgs.msg import SlotChange as SlotChangeMessage
from aisle_msgs.srv import GetReceipt

from aisle.bags.convert import gate_to_message, prediction_to_message
from aisle.bags.convert_store import store_to_message
from aisle.records import Action, Change, ChangeState, GateEvent, GateKind, Prediction
from aisle.store.load import load_store
from aisle_nodes.interfaces import (
    GATE_EVENTS,
    GATE_QOS,
    GET_RECEIPT,
    PREDICTIONS,
    RECEIPT_QOS,
    SLOT_CHANGES,
    SLOT_QOS,
    STORE_MODEL,
    STORE_QOS,
    TYPES,
)
from aisle_nodes.receipt_node import ReceiptNode


def test_slot_changes_that_waited_for_the_gate_go_out_with_it(graph, store_dir, tmp_path):
    store, _ = load_store(store_dir)
    slot = next(iter(store.slots.values()))
    graph.start(ReceiptNode, database=str(tmp_path / "ledger.db"))
    told = graph.listen(SlotChangeMessage, SLOT_CHANGES, SLOT_QOS)
    model = graph.talk(StoreModel, STORE_MODEL, STORE_QOS)
    model.publish(store_to_message(store, 1, TYPES))
    foreign = Change(
        id="a/1",
        state=ChangeState.CONFIRMED,
        stamp_ns=5,
        action=Action.RETURN,
        product=slot.product,
        quantity=1,
        probability=0.9,
        shelf=slot.shelf,
        evidence_ns=(4, 5),
        foreign=True,
    )
    predictions = graph.talk(ReceiptPrediction, PREDICTIONS, RECEIPT_QOS)
    predictions.publish(prediction_to_message(Prediction(6, "a", (foreign,)), TYPES))
    node = graph.nodes[-1]
    graph.until(lambda: node.diagnostics.stream(PREDICTIONS).count == 1)
    assert not told
    gates = graph.talk(GateMessage, GATE_EVENTS, GATE_QOS)
    gates.publish(gate_to_message(GateEvent(2, "north", GateKind.ENTER, "a"), TYPES))
    graph.until(lambda: told)
    assert told[0].cause == "a/1"


def test_cleanup_leaves_nothing_that_could_be_asked(graph, tmp_path):
    node = graph.start(ReceiptNode, database=str(tmp_path / "ledger.db"))
    for _ in range(2):
        running = [len(list(found)) for found in (node.publishers, node.services)]
        node.trigger_deactivate()
        node.trigger_cleanup()
        assert not [service for service in node.services if service.srv_type is GetReceipt]
        assert node.start()
        assert [len(list(found)) for found in (node.publishers, node.services)] == running
    answer = graph.call(GetReceipt, GET_RECEIPT, session="a")
    assert not answer.found
