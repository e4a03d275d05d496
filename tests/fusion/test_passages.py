"""Gate events: each counts once, what is refused counts later, and no session is left hanging."""

import pytest
from fusion_samples import (
    Steps,
    at,
    batches,
    changes,
    enter,
    finals,
    fusion_of,
    gaps,
    in_order,
    leave,
    push_all,
    small_store,
)

from aisle.fusion.fusion import Fusion, FusionConfig
from aisle.fusion.passages import NEVER_ENTERED
from aisle.records import GateEvent, GateKind


@pytest.fixture(scope="module")
def store():
    return small_store()


def plate(store):
    """A plate on which a product stands alone."""
    return next(slot.plates[0] for slot in store.slots.values() if len(slot.plates) == 1)


def test_a_refused_event_counts_when_it_comes_again_and_is_right(store):
    fusion = fusion_of(store)
    found = push_all(fusion, in_order(batches(store, 0, 3), [enter("a", 1)]))
    far = GateEvent(at(500), "north", GateKind.EXIT, "a")
    assert fusion.push(far) == []
    assert fusion.counters["gate_events_from_the_future"] == 1
    found += push_all(fusion, in_order(batches(store, 3, 9), [leave("a", 4)]))
    assert finals(found) == ["a"]
    assert "repeated_gate_events" not in fusion.counters


def test_each_passage_counts_once_and_the_first_to_arrive(store):
    fusion = fusion_of(store)
    events = [enter("a", 1), enter("a", 1), enter("a", 2), leave("a", 5), leave("a", 4.9)]
    found = push_all(fusion, in_order(batches(store, 0, 4.6), events[:3]))
    found += push_all(fusion, [*events[3:], *batches(store, 4.6, 12), *events])
    assert finals(found) == ["a"]
    assert next(p.stamp_ns for p in found if p.final) == at(8)
    assert fusion.counters["repeated_gate_events"] == 8
    assert fusion.memory.gates == []


def test_waiting_events_and_open_sessions_are_bounded(store):
    fusion = Fusion(store, Steps(), FusionConfig(max_sessions=3))
    push_all(fusion, batches(store, 0, 2))
    push_all(fusion, [enter(f"s{n}", 3 + n / 10) for n in range(5)])
    assert fusion.counters["gate_events_refused"] == 2
    push_all(fusion, batches(store, 2, 5))
    push_all(fusion, [enter("s3", 3.3), *batches(store, 5, 6)])
    assert list(fusion.memory.sessions) == ["s0", "s1", "s2"]
    assert fusion.counters["entries_refused"] == 1
    found = push_all(fusion, in_order(batches(store, 6, 12), [leave("s3", 7), leave("s0", 7)]))
    assert sorted(finals(found)) == ["s0", "s3"]
    assert gaps(found, "s3") == [NEVER_ENTERED]
    push_all(fusion, [leave(f"x{n}", 12 + n / 10) for n in range(3)])
    push_all(fusion, batches(store, 12, 14))
    assert len(fusion.memory.closed) == 3


def test_a_session_that_entered_before_the_first_reading_was_not_seen_from_its_beginning(store):
    fusion = fusion_of(store)
    early = [enter("early", -5), enter("soon", -0.2)]
    found = push_all(fusion, [*early, *batches(store, 0, 3)])
    assert gaps(found, "early") == ["weights: the first 5.0 s were not seen"]
    assert gaps(found, "soon") == []


def test_changes_of_a_session_that_an_earlier_fusion_may_know_are_numbered_apart(store):
    take = [(plate(store), 4.0, 0.3)]
    first, second = fusion_of(store), fusion_of(store)
    known = push_all(first, in_order(batches(store, 0, 8, take), [enter("a", 1)]))
    assert list(changes(known)) == ["a/1"]
    again = [(plate(store), 12.0, 0.3)]
    later = push_all(second, [enter("a", 1), *in_order(batches(store, 9, 16, again))])
    later += push_all(second, in_order(batches(store, 16, 30), [enter("b", 17)]))
    since_ns = next(batches(store, 9, 10)).stamp_ns
    assert list(changes(later)) == [f"a/{since_ns}-1"]
    assert gaps(later, "a") == ["weights: the first 8.0 s were not seen"]
    assert gaps(later, "b") == []


def test_numbers_go_on_after_a_restart_with_its_state(store):
    take, again = (plate(store), 4.0, 0.3), (plate(store), 15.0, 0.3)
    first, second = fusion_of(store), fusion_of(store)
    push_all(first, in_order(batches(store, 0, 8, [take]), [enter("a", 1)]))
    second.restore(first.snapshot(), "away")
    found = push_all(second, batches(store, 9, 19, [take, again]))
    assert list(changes(found)) == ["a/2"]


def test_a_passage_that_waits_for_its_time_outlives_the_fusion(store):
    first, second = fusion_of(store), fusion_of(store)
    push_all(first, in_order(batches(store, 0, 4), [enter("a", 1)]))
    first.push(leave("a", 4.1))
    second.restore(first.snapshot(), "away")
    second.push(leave("a", 4.1))
    found = push_all(second, batches(store, 5, 12))
    assert finals(found) == ["a"]
    assert second.counters["repeated_gate_events"] == 1


def test_who_leaves_without_having_entered_gets_an_answer_once(store):
    fusion = fusion_of(store)
    events = [leave("lost", 2), enter("lost", 2.1), leave("lost", 3)]
    found = push_all(fusion, in_order(batches(store, 0, 12), events))
    assert [(p.session, p.final, p.gaps) for p in found] == [("lost", True, (NEVER_ENTERED,))]
    assert fusion.counters["exits_without_session"] == 1
    assert fusion.memory.sessions == {}


def test_a_silence_of_all_scales_decides_the_same_whether_or_not_anybody_noticed(store):
    """Live, a clock on the wall ends the wait; in a replay, the next reading does."""
    before = in_order(batches(store, 0, 6), [enter("a", 1), enter("b", 2), enter("c", 2)])
    events = [leave("a", 6.5), leave("b", 8.0), enter("d", 9.5), leave("c", 10.2)]
    after = [*batches(store, 12, 20)]
    told, noticed, noticed_late = fusion_of(store), fusion_of(store), fusion_of(store)
    expected = push_all(told, [*before, *events, *after])
    assert sorted(finals(expected)) == ["a", "b", "c"]
    found = push_all(noticed, [*before, *events[:1]]) + noticed.finish()
    found += push_all(noticed, events[1:]) + noticed.finish() + push_all(noticed, after)
    assert found == expected
    found = push_all(noticed_late, [*before, *events]) + noticed_late.finish()
    assert found + push_all(noticed_late, after) == expected


def test_a_stamp_that_is_only_wrong_ends_no_silence(store):
    fusion = fusion_of(store)
    push_all(fusion, in_order(batches(store, 0, 6), [enter("a", 1), leave("a", 5.5)]))
    wild = next(batches(store, 1000, 1001))
    assert fusion.push(wild) == []
    assert fusion.leaving
    found = push_all(fusion, batches(store, 6, 12))
    assert finals(found) == ["a"]
    assert gaps(found, "a") == []


def test_an_exit_from_the_future_that_comes_before_the_first_reading_does_not_stop_time(store):
    fusion = fusion_of(store)
    fusion.push(GateEvent(at(86_400), "north", GateKind.EXIT, "a"))
    found = push_all(fusion, in_order(batches(store, 0, 4), [enter("a", 1)])) + fusion.finish()
    assert fusion.counters["gate_events_from_the_future"] == 1
    found += push_all(fusion, in_order(batches(store, 5, 12), [leave("a", 7)]))
    assert finals(found) == ["a"]
    assert fusion.sync.closed_ns < at(12)


def test_an_exit_from_the_future_in_a_restored_state_does_not_stop_time(store):
    first, second = fusion_of(store), fusion_of(store)
    push_all(first, in_order(batches(store, 0, 4), [enter("a", 1)]))
    first.memory.sessions["a"].exit_ns = at(86_400)
    second.restore(first.snapshot(), "away")
    push_all(second, batches(store, 5, 9))
    assert second.finish() == []
    assert second.sync.closed_ns < at(9)


def test_the_final_prediction_holds_all_changes_and_gaps_of_the_session(store):
    fusion = fusion_of(store)
    found = push_all(fusion, [enter("a", -5)])
    found += push_all(fusion, in_order(batches(store, 0, 20, [(plate(store), 4.0, 0.3)])))
    assert len(changes(found)) == 1
    found += push_all(fusion, in_order(batches(store, 20, 30), [leave("a", 21)]))
    final = found[-1]
    assert final.final
    assert final.changes == tuple(changes(found[:-1]).values())
    assert final.gaps == ("weights: the first 5.0 s were not seen",)
