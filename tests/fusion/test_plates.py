"""Plates that fail: always told, and a reason for review only of those who had to do with it."""

from dataclasses import replace

import pytest
from fusion_samples import (
    at,
    batches,
    changes,
    enter,
    fusion_of,
    gaps,
    in_order,
    leave,
    push_all,
    small_store,
)

from aisle.fusion.fusion import StoreAt


@pytest.fixture(scope="module")
def store():
    return small_store(gondolas=2)


@pytest.fixture(scope="module")
def places(store):
    """A plate that fails and one with a product beside it, and one on the other gondola."""
    first, second = store.fixtures
    found = {}
    for slot in store.slots.values():
        found.setdefault(store.shelves[slot.shelf].fixture, []).append(slot.plates[0])
    fails, beside = list(dict.fromkeys(found[first]))[:2]
    return fails, beside, found[second][0]


def run(store, events, end_s, taken=(), bad=()):
    fusion = fusion_of(store)
    return fusion, push_all(fusion, in_order(batches(store, 0, end_s, taken, bad=bad), events))


def test_a_plate_that_fails_concerns_only_who_acts_at_its_fixture(store, places):
    fails, beside, far = places
    taken = [(far, 4.0, 0.3), (beside, 15.0, 0.3)]
    fusion, found = run(
        store, [enter("a", 1), leave("a", 8), enter("b", 13), enter("c", 2)], 20, taken,
        [(fails, 6.0, 99.0)],
    )  # fmt: skip
    assert len(changes(found)) == 2
    assert list(fusion.bad_plates) == [fails]
    assert fusion.counters["plates_bad"] == 1
    assert {p.session for p in found if p.changes} == {"a", "c"}
    # Who acted elsewhere, and who came when it was bad already, are not concerned.
    assert {p.session for p in found if p.gaps} == {"c"}


def test_who_acts_beside_a_plate_that_fails_has_a_gap_once(store, places):
    fails, beside, _ = places
    _, found = run(
        store, [enter("a", 1), enter("b", 1.5)], 20, [(beside, 8.0, 0.3)], [(fails, 7.0, 14.0)]
    )
    (actor,) = {p.session for p in found if p.changes}
    assert [gap.split(" for ")[0] for gap in gaps(found, actor)] == [f"{fails}: overload"]
    assert gaps(found, "b" if actor == "a" else "a") == []


def test_who_is_alone_is_concerned_though_nothing_was_seen(store, places):
    _, found = run(store, [enter("a", 1)], 12, (), [(places[0], 6.0, 9.0)])
    assert len(gaps(found, "a")) == 1


@pytest.mark.parametrize("bad", [(0.0, 99.0), (6.0, 7.5)])
def test_a_plate_that_was_never_good_or_bad_for_a_moment_is_no_gap(store, places, bad):
    fusion, found = run(store, [enter("a", 1)], 12, (), [(places[0], *bad)])
    assert gaps(found, "a") == []
    assert bool(fusion.bad_plates) == (bad[1] > 12)


def test_a_loose_contact_does_not_send_every_receipt_into_review(store, places):
    bad = [(places[0], begin, begin + 4.0) for begin in range(5, 60, 8)]
    events = [
        event
        for n in range(5)
        for event in (enter(f"s{n}", 3 + 11 * n), leave(f"s{n}", 11 + 11 * n))
    ]
    fusion, found = run(store, events, 62, (), bad)
    assert sorted({p.session for p in found if p.final}) == [f"s{n}" for n in range(5)]
    assert {p.session for p in found if p.gaps} == {"s0"}
    assert fusion.counters["plates_bad"] == 7


def test_bad_plates_of_a_controller_that_was_removed_are_named_no_more(store, places):
    fails = places[0]
    name = store.plates[fails].controller
    fusion, _ = run(store, [], 8, bad=[(fails, 2.0, 99.0)])
    assert list(fusion.bad_plates) == [fails]
    kept = {n: c for n, c in store.controllers.items() if n != name}
    fusion.push(StoreAt(at(7), replace(store, controllers=kept)))
    push_all(fusion, batches(store, 8, 12, controllers=list(kept)))
    assert fusion.bad_plates == {}
