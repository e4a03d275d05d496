"""A person says that a misplaced product was put right: the fusion heeds it, once, in its time."""

from dataclasses import replace

import pytest
from fusion_samples import Steps, at, batches, in_order, push_all, small_store

from aisle.fusion.fusion import Fusion
from aisle.fusion.intake import Intake
from aisle.records import SlotChange
from aisle.store.types import Slot


@pytest.fixture(scope="module")
def store():
    return small_store()


def gone(store, seconds, cause="operator/1-1-1"):
    product = next(iter(store.products))
    shelf = next(iter(store.shelves))
    return SlotChange(at(seconds), cause, product, shelf, (), -1, 1.0)


def begun(store):
    fusion = Fusion(store, Steps())
    change = gone(store, 0)
    fusion.memory.shelf(change.shelf).stray[change.product] = (1, ())
    return fusion


def strays(fusion):
    return {name for shelf in fusion.memory.shelves.values() for name in shelf.stray}


def test_a_product_that_was_put_right_is_no_candidate_any_more(store):
    fusion = begun(store)
    push_all(fusion, in_order([gone(store, 2)], batches(store, 0, 2.8)))
    assert strays(fusion)
    push_all(fusion, batches(store, 2.8, 4))
    assert not strays(fusion)


def test_what_is_told_again_after_a_restart_does_not_undo_what_happened_since(store):
    fusion = begun(store)
    change = gone(store, 1)
    push_all(fusion, in_order([change], batches(store, 0, 3)))
    restarted = Fusion(store, Steps())
    restarted.restore(fusion.snapshot(), "restarted")
    restarted.memory.shelf(change.shelf).stray[change.product] = (1, ())
    push_all(restarted, in_order([replace(change, stamp_ns=at(4))], batches(store, 3, 8)))
    assert strays(restarted)


def test_words_that_come_before_the_store_model_wait_and_those_of_receipts_are_known(store):
    intake = Intake(lambda _: begun(store))
    intake.push(gone(store, 0))
    intake.push(gone(store, 0, cause="shopper-1/1"))
    intake.store(at(0), store)
    for batch in batches(store, 0, 3):
        intake.push(batch)
    assert intake.fusion.memory.cleared == ["operator/1-1-1"]
    assert not strays(intake.fusion)


def left_behind(store, product, shelf):
    plates = tuple(name for name, plate in store.plates.items() if plate.shelf == shelf)[:1]
    slots = [
        Slot("m1", product, shelf, plates, count=2, misplaced=True),
        Slot("m2", product, shelf, (), misplaced=True),
    ]
    return replace(store, slots={**store.slots, **{slot.id: slot for slot in slots}}), plates


def test_misplaced_products_of_the_first_store_model_are_strays_from_the_start(store):
    change = gone(store, 2)
    with_strays, plates = left_behind(store, change.product, change.shelf)
    fusion = Fusion(with_strays, Steps())
    assert fusion.store == store
    assert fusion.memory.shelf(change.shelf).stray == {change.product: (3, plates)}
    push_all(fusion, in_order([change], batches(store, 0, 4)))
    assert not strays(fusion)


def test_a_restored_state_knows_better_than_the_store_model_what_is_misplaced(store):
    change = gone(store, 2)
    with_strays, _ = left_behind(store, change.product, change.shelf)
    fusion = Fusion(with_strays, Steps())
    fusion.restore(Fusion(store, Steps()).snapshot(), "restarted")
    assert not strays(fusion)
