from dataclasses import replace

from ledger_samples import SECOND, OpenLedger, change, enter, predict

from aisle.receipts import Ledger, slot_change
from aisle.records import Action, ChangeState, SlotChange


def quantities(ledger: Ledger) -> list[tuple[str, str, int]]:
    return [(slot.cause, slot.product, slot.quantity) for _, slot in ledger.slot_changes()]


PUT = change(2, quantity=2, action=Action.RETURN, foreign=True)


def test_a_return_where_the_product_does_not_belong_puts_it_there(ledger: Ledger) -> None:
    ledger.gate(enter())
    ledger.apply(predict(3, PUT))
    expected = SlotChange(3 * SECOND, "a/2", "cola", "g1/s1", ("g1/s1/p1",), 2, 0.99)
    ((place, slot),) = ledger.slot_changes()
    assert (place, replace(slot, confidence=0.99)) == (1, expected)
    assert ledger.slot_changes(since=place) == []


def test_a_take_of_a_product_that_does_not_belong_there_fetches_it_away() -> None:
    slot = slot_change(replace(PUT, action=Action.TAKE))
    assert slot is not None
    assert slot.quantity == -2


def test_only_confirmed_foreign_changes_of_named_products_count() -> None:
    assert slot_change(replace(PUT, state=ChangeState.TENTATIVE)) is None
    assert slot_change(replace(PUT, foreign=False)) is None
    assert slot_change(replace(PUT, product="")) is None


def test_a_withdrawn_change_is_reversed_under_a_cause_of_its_own(ledger: Ledger) -> None:
    ledger.gate(enter())
    ledger.apply(predict(3, PUT))
    ledger.apply(predict(4, replace(PUT, state=ChangeState.WITHDRAWN)))
    assert quantities(ledger) == [("a/2", "cola", 2), ("a/2#2", "cola", -2)]


def test_a_corrected_change_is_reversed_and_done_anew(open_ledger: OpenLedger) -> None:
    first = open_ledger()
    first.gate(enter())
    first.apply(predict(3, PUT))
    second = open_ledger()
    second.apply(predict(4, replace(PUT, product="bread")))
    assert quantities(second) == [("a/2", "cola", 2), ("a/2#2", "cola", -2), ("a/2#3", "bread", 2)]


def test_repeats_and_new_probabilities_cause_nothing(ledger: Ledger) -> None:
    ledger.gate(enter())
    ledger.apply(predict(3, PUT))
    ledger.apply(predict(3, PUT))
    ledger.apply(predict(4, replace(PUT, probability=0.7)))
    assert quantities(ledger) == [("a/2", "cola", 2)]
