"""The same messages give the same receipts in any order that the topics may deliver."""

import random
import tempfile
from collections import defaultdict
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from ledger_samples import make_store
from visits import Message, feed, interleave, repeat_some, visit

from aisle.receipts import Ledger, LedgerConfig, receipt_json
from aisle.records import Change, Prediction, SlotChange

# A power cut is not what is tested here.
CONFIG = LedgerConfig(synchronous="NORMAL")


def run(
    messages: list[Message], restarts: frozenset[int] = frozenset()
) -> tuple[dict[str, list[bytes]], dict[str, SlotChange]]:
    """Return all revisions of each session in order, and the slot changes by cause."""
    made: dict[str, list[bytes]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "ledger.db")
        ledger = Ledger(path, config=CONFIG)
        ledger.set_catalogue(make_store(cola=150, bread=320))
        for index, message in enumerate(messages):
            if index in restarts:
                ledger.close()
                ledger = Ledger(path, config=CONFIG)
            for receipt in feed(ledger, message):
                made[receipt.session].append(receipt_json(receipt))
        for session, revisions in made.items():
            newest = ledger.receipt(session)
            assert newest is not None
            assert receipt_json(newest) == revisions[-1]
            assert newest.revision == len(revisions)
        slots = {slot.cause: slot for _, slot in ledger.slot_changes()}
        ledger.close()
    return made, slots


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), restarts=st.frozensets(st.integers(0, 60), max_size=3))
def test_every_revision_is_the_same_for_any_interleaving_with_repeats_and_restarts(
    seed: int, restarts: frozenset[int]
) -> None:
    rng = random.Random(seed)
    visits = [visit(rng, session, rng.randint(0, 6)) for session in ("a", "b")]
    in_order = [message for gate, predictions in visits for message in (*gate, *predictions)]
    streams = [stream for gate, predictions in visits for stream in (gate, predictions)]
    shuffled = repeat_some(rng, interleave(rng, streams), 0.4)
    expected, actual = run(in_order), run(shuffled, restarts)
    assert actual == expected
    assert set(expected[0]) == {"a", "b"}
    assert all(b'"cause":"final"' in revisions[-1] for revisions in expected[0].values())


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_sum_of_slot_changes_is_what_the_confirmed_foreign_changes_say(seed: int) -> None:
    rng = random.Random(seed)
    gate, predictions = visit(rng, "a", 8)
    _, slots = run([*gate, *predictions])
    newest: dict[str, Change] = {}
    for message in predictions:
        assert isinstance(message, Prediction)
        newest |= {item.id: item for item in message.changes}
    expected: dict[str, int] = defaultdict(int)
    for item in newest.values():
        if item.foreign and item.state == 1 and item.product:
            expected[item.product] += item.quantity if item.action == 1 else -item.quantity
    actual: dict[str, int] = defaultdict(int)
    for slot in slots.values():
        actual[slot.product] += slot.quantity
    assert {k: v for k, v in actual.items() if v} == {k: v for k, v in expected.items() if v}
