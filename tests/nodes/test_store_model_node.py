"""store_model_node: the store, its frames, what moved; all of it once, also after a restart."""

from aisle_msgs.msg import SlotChange as SlotChangeMessage
from aisle_msgs.msg import StoreModel
from aisle_msgs.srv import SetSlot
from tf2_msgs.msg import TFMessage

from aisle.bags.convert import slot_change_to_message
from aisle.bags.convert_store import store_from_message
from aisle.records import SlotChange
from aisle.store.load import load_store
from aisle_nodes.interfaces import (
    SET_SLOT,
    SLOT_CHANGES,
    SLOT_QOS,
    STORE_MODEL,
    STORE_QOS,
    TYPES,
    latched,
)
from aisle_nodes.store_model_node import StoreModelNode


def slots_of(message):
    return {(slot.shelf, slot.product): slot for slot in message.slots}


def elsewhere(store):
    """A product, and a shelf with plates where it does not stand."""
    product = next(iter(store.products))
    homes = {slot.shelf for slot in store.slots.values() if slot.product == product}
    shelf = next(s for s in store.shelves.values() if s.plates and s.id not in homes)
    return product, shelf


def test_put_back_elsewhere_is_followed_once_and_survives_a_restart(graph, store_dir, tmp_path):
    store, _ = load_store(store_dir)
    parameters = {"store": str(store_dir), "state_dir": str(tmp_path)}
    node = graph.start(StoreModelNode, **parameters)
    models = graph.listen(StoreModel, STORE_MODEL, STORE_QOS)
    changes = graph.talk(SlotChangeMessage, SLOT_CHANGES, SLOT_QOS)
    graph.until(lambda: models)
    assert store_from_message(models[0])[1].slots.keys() == store.slots.keys()

    product, shelf = elsewhere(store)
    change = SlotChange(0, "a/1", product, shelf.id, shelf.plates[:1], 1, 0.9)
    for cause in ("a/1", "a/1"):
        message = slot_change_to_message(change, TYPES)
        message.cause = cause
        changes.publish(message)
    message.product, message.cause = "no such product", "a/2"
    changes.publish(message)
    graph.until(lambda: graph.counter("store_model_node", "refused_slot_changes") == 1)
    assert len(models) == 2
    slot = slots_of(models[1])[shelf.id, product]
    assert (slot.misplaced, slot.count) == (True, 1)
    assert models[1].revision == models[0].revision + 1

    graph.stop(node)
    graph.start(StoreModelNode, **parameters)
    graph.until(lambda: len(models) == 3)
    assert models[2] == models[1], "the same model with the same stamp and revision"
    graph.until(lambda: changes.get_subscription_count() == 1)
    assert len(models) == 3, "the change comes again as a latched message and does nothing"


def test_planogram_is_changed_by_the_service(graph, store_dir):
    store, _ = load_store(store_dir)
    graph.start(StoreModelNode, store=str(store_dir))
    models = graph.listen(StoreModel, STORE_MODEL, STORE_QOS)
    product, shelf = elsewhere(store)
    plates = list(shelf.plates[:2])
    answer = graph.call(SetSlot, SET_SLOT, shelf=shelf.id, product=product, plates=plates)
    assert answer.success, answer.message
    graph.until(lambda: models and models[-1].revision == answer.revision)
    assert slots_of(models[-1])[shelf.id, product].plates == plates
    answer = graph.call(SetSlot, SET_SLOT, shelf=shelf.id, plates=plates)
    assert answer.success
    graph.until(lambda: models[-1].revision == answer.revision)
    assert not [slot for slot in models[-1].slots if set(slot.plates) & set(plates)]
    answer = graph.call(SetSlot, SET_SLOT, shelf=shelf.id, product="none", plates=plates)
    assert not answer.success
    assert "none" in answer.message


def test_a_stray_put_right_by_hand_is_told_and_stays_gone(graph, store_dir, tmp_path):
    store, _ = load_store(store_dir)
    parameters = {"store": str(store_dir), "state_dir": str(tmp_path)}
    node = graph.start(StoreModelNode, **parameters)
    models = graph.listen(StoreModel, STORE_MODEL, STORE_QOS)
    told = graph.listen(SlotChangeMessage, SLOT_CHANGES, SLOT_QOS)
    product, shelf = elsewhere(store)
    change = SlotChange(0, "a/1", product, shelf.id, shelf.plates[:1], 1, 0.9)
    graph.talk(SlotChangeMessage, SLOT_CHANGES, SLOT_QOS, listeners=2).publish(
        slot_change_to_message(change, TYPES)
    )
    graph.until(lambda: models and (shelf.id, product) in slots_of(models[-1]))
    answer = graph.call(SetSlot, SET_SLOT, shelf=shelf.id, product=product)
    assert answer.success, answer.message
    graph.until(lambda: len(told) == 2)
    assert (told[1].product, told[1].shelf, told[1].quantity) == (product, shelf.id, -1)
    assert told[1].cause.startswith("operator/")
    graph.until(lambda: models[-1].revision == answer.revision)
    assert (shelf.id, product) not in slots_of(models[-1])

    graph.stop(node)
    models.clear()
    graph.start(StoreModelNode, **parameters)
    graph.until(lambda: len(told) == 3)
    assert told[2] == told[1], "who was away hears it, under the same cause"
    graph.until(lambda: models)
    assert models[-1].revision == answer.revision
    answer = graph.call(SetSlot, SET_SLOT, shelf=shelf.id, product=product)
    assert not answer.success
    assert "not known to be misplaced" in answer.message


def test_late_joiner_gets_the_static_frames(graph, store_dir):
    graph.start(StoreModelNode, store=str(store_dir))
    got = graph.listen(TFMessage, "/tf_static", latched(1))
    graph.until(lambda: got)
    frames = {transform.child_frame_id for transform in got[0].transforms}
    store, _ = load_store(store_dir)
    assert {plate.replace("/", "_") for plate in store.plates} <= frames
