from dataclasses import replace
from typing import Any

import pytest
from ledger_samples import SECOND, OpenLedger, change, enter, leave, make_store, predict
from sqlalchemy import event

from aisle.receipts import Ledger, LedgerConfig, LedgerError
from aisle.records import (
    Action,
    Change,
    ChangeState,
    GateEvent,
    Prediction,
    Receipt,
    ReceiptState,
)


def items(receipt: Receipt | None) -> dict[str, int]:
    assert receipt is not None
    return {line.product: line.quantity for line in receipt.lines}


def closed(ledger: Ledger, *changes: Prediction) -> Receipt:
    """Run session `a` through these predictions and close it."""
    ledger.gate(enter())
    for prediction in changes:
        ledger.apply(prediction)
    ledger.gate(leave())
    return ledger.apply(predict(60, final=True))[-1]


def test_a_visit_goes_from_an_empty_receipt_to_a_closed_one(ledger: Ledger) -> None:
    (opened,) = ledger.gate(enter(at=1))
    (first,) = ledger.apply(predict(3, change(2, "cola", 2)))
    (second,) = ledger.apply(predict(5, change(4, "bread")))
    assert ledger.gate(leave(at=9)) == []
    (last,) = ledger.apply(predict(11, final=True))

    assert opened == Receipt("a", 1, ReceiptState.OPEN, SECOND, "EUR", (), "enter")
    assert (first.revision, first.cause, items(first)) == (2, "a/2", {"cola": 2})
    assert (second.revision, second.cause, second.stamp_ns) == (3, "a/4", 5 * SECOND)
    assert (last.revision, last.cause, last.state) == (4, "final", ReceiptState.CLOSED)
    assert last.total_minor == 2 * 150 + 320
    assert [line.name for line in last.lines] == ["Cola", "Bread"]
    assert ledger.receipt("a") == last
    assert ledger.open_sessions() == []


def test_each_change_of_a_prediction_is_a_revision_of_its_own(ledger: Ledger) -> None:
    ledger.gate(enter())
    made = ledger.apply(predict(9, change(2), change(3, "bread"), change(4), gaps=("dark",)))
    assert [receipt.cause for receipt in made] == ["a/2", "a/3", "a/4", "gap"]
    assert [receipt.revision for receipt in made] == [2, 3, 4, 5]


def test_returns_take_units_off_the_line(ledger: Ledger) -> None:
    back = change(4, action=Action.RETURN)
    assert items(closed(ledger, predict(5, change(2, quantity=3), back))) == {"cola": 2}


def test_a_line_that_was_all_returned_is_not_on_the_receipt(ledger: Ledger) -> None:
    receipt = closed(ledger, predict(5, change(2), change(4, action=Action.RETURN)))
    assert (receipt.lines, receipt.state) == ((), ReceiptState.CLOSED)


def test_a_later_state_under_the_same_id_replaces_the_earlier(ledger: Ledger) -> None:
    ledger.gate(enter())
    tentative = change(2, quantity=2, state=ChangeState.TENTATIVE, probability=0.6)
    (shown,) = ledger.apply(predict(3, tentative))
    (firm,) = ledger.apply(predict(4, change(2, "bread", probability=0.9)))
    assert (items(shown), shown.lines[0].confidence) == ({"cola": 2}, 0.6)
    assert (items(firm), firm.lines[0].confidence) == ({"bread": 1}, 0.9)


def test_a_confirmation_that_shows_nothing_new_is_no_revision(ledger: Ledger) -> None:
    ledger.gate(enter())
    ledger.apply(predict(3, change(2, state=ChangeState.TENTATIVE)))
    assert ledger.apply(predict(4, change(2))) == []
    assert ledger.changes("a")[0].state == ChangeState.CONFIRMED


def test_a_withdrawn_change_leaves_nothing_behind(ledger: Ledger) -> None:
    ledger.gate(enter())
    doubtful = change(2, "", probability=0.3, state=ChangeState.TENTATIVE)
    ledger.apply(predict(3, doubtful, change(3, probability=0.5)))
    withdrawn = [
        replace(item, state=ChangeState.WITHDRAWN)
        for item in (doubtful, change(3, probability=0.5))
    ]
    ledger.apply(predict(4, *withdrawn))
    receipt = ledger.apply(predict(60, final=True))[-1]
    assert (receipt.lines, receipt.review_reasons) == ((), ())
    assert receipt.state == ReceiptState.CLOSED


def test_repeats_do_nothing_and_are_counted(ledger: Ledger) -> None:
    prediction = predict(3, change(2), gaps=("dark",))
    ledger.gate(enter())
    ledger.apply(prediction)
    before = ledger.receipt("a")
    assert ledger.apply(prediction) == []
    assert ledger.gate(enter()) == []
    assert ledger.receipt("a") == before
    assert ledger.counters["repeated_changes"] == 1
    assert ledger.counters["repeated_gate_events"] == 1


def test_an_older_state_that_comes_again_does_not_undo_a_newer_one(ledger: Ledger) -> None:
    ledger.gate(enter())
    old = predict(3, change(2, state=ChangeState.TENTATIVE))
    ledger.apply(old)
    ledger.apply(predict(4, change(2, state=ChangeState.WITHDRAWN)))
    assert ledger.apply(old) == []
    assert items(ledger.receipt("a")) == {}
    assert ledger.counters["stale_changes"] == 1


def test_a_session_that_began_with_a_stamp_far_ahead_is_closed_all_the_same(
    open_ledger: OpenLedger,
) -> None:
    ledger = open_ledger(LedgerConfig(enter_limit_s=60, max_open_s=600, final_limit_s=10))
    ledger.apply(predict(9_000_000, change(2)))
    assert ledger.tick(SECOND) == []
    assert ledger.tick(60 * SECOND) == []
    opened = ledger.tick(61 * SECOND)
    assert items(opened[-1]) == {"cola": 1}
    assert ledger.tick(600 * SECOND) == []
    (last,) = ledger.tick(661 * SECOND)
    assert (last.state, last.stamp_ns) == (ReceiptState.REVIEW, 601 * SECOND)


@pytest.mark.parametrize("message", [enter("a", 9_000_000), leave("a", 9_000_000)])
def test_passages_stamped_far_ahead_keep_no_receipt_open_either(
    open_ledger: OpenLedger, message: GateEvent
) -> None:
    ledger = open_ledger(LedgerConfig(max_open_s=600, final_limit_s=60))
    for passage in (message, enter()):
        ledger.gate(passage)
    made = [r for now in range(10, 1000, 10) for r in ledger.tick(now * SECOND)]
    assert made[-1].state == ReceiptState.REVIEW


def test_a_limit_found_before_the_clock_was_set_back_counts_anew(open_ledger: OpenLedger) -> None:
    ledger = open_ledger(LedgerConfig(enter_limit_s=60, final_limit_s=10))
    ledger.apply(predict(9_000_000, change(2)))
    assert ledger.tick(5000 * SECOND) == []
    assert ledger.tick(100 * SECOND) == []
    assert ledger.tick(159 * SECOND) == []
    assert ledger.tick(160 * SECOND)


def test_of_two_states_with_one_stamp_the_one_further_on_holds(ledger: Ledger) -> None:
    ledger.gate(enter())
    ledger.apply(predict(3, change(2, state=ChangeState.WITHDRAWN)))
    assert ledger.apply(predict(3, change(2))) == []
    assert ledger.apply(predict(3, change(2, "bread", state=ChangeState.WITHDRAWN))) == []
    assert (ledger.counters["stale_changes"], ledger.counters["conflicting_changes"]) == (1, 1)


def test_the_second_of_two_exits_is_counted_without_effect(ledger: Ledger) -> None:
    ledger.gate(enter())
    ledger.gate(leave(at=50))
    assert ledger.gate(leave(at=90)) == []
    assert ledger.counters["duplicate_exits"] == 1
    (late,) = ledger.tick(1) + ledger.tick(80 * SECOND)
    assert late.stamp_ns == 80 * SECOND


def test_a_second_enter_is_counted_without_effect(ledger: Ledger) -> None:
    ledger.gate(enter(at=1))
    assert ledger.gate(enter(at=9)) == []
    assert ledger.counters["duplicate_enters"] == 1


def test_more_returned_than_taken_is_billed_as_nothing_and_reviewed(ledger: Ledger) -> None:
    receipt = closed(ledger, predict(5, change(2, action=Action.RETURN), change(3, "bread")))
    assert items(receipt) == {"bread": 1}
    assert receipt.state == ReceiptState.REVIEW
    assert receipt.review_reasons == ("Cola (cola) returned 1 more than taken",)


def test_a_product_that_the_model_cannot_name_is_reviewed(ledger: Ledger) -> None:
    receipt = closed(ledger, predict(5, change(2, ""), change(3)))
    assert (items(receipt), receipt.state) == ({"cola": 1}, ReceiptState.REVIEW)
    assert "could name: 1" in receipt.review_reasons[0]


def test_an_unknown_product_is_reviewed_and_counted(ledger: Ledger) -> None:
    receipt = closed(ledger, predict(5, change(2, "ghost", 2)))
    assert (receipt.lines, receipt.state) == ((), ReceiptState.REVIEW)
    assert receipt.review_reasons == ("ghost is not in the catalogue (taken minus returned 2)",)
    assert ledger.counters["unknown_products"] == 1


def test_confidence_is_the_product_of_the_changes_of_a_line(ledger: Ledger) -> None:
    receipt = closed(ledger, predict(5, change(2, probability=0.9), change(3, probability=0.9)))
    assert receipt.lines[0].confidence == 0.81
    assert receipt.state == ReceiptState.CLOSED


def test_a_doubtful_line_is_reviewed_when_the_receipt_closes(ledger: Ledger) -> None:
    ledger.gate(enter())
    (shown,) = ledger.apply(predict(3, change(2, probability=0.7)))
    (last,) = ledger.apply(predict(60, final=True))
    assert (shown.state, shown.review_reasons) == (ReceiptState.OPEN, ())
    assert last.state == ReceiptState.REVIEW
    assert last.review_reasons == ("Cola (cola) x 1 has confidence 0.70, below 0.80",)


def test_a_doubtful_return_of_the_last_unit_is_reviewed_too(ledger: Ledger) -> None:
    back = change(3, action=Action.RETURN, probability=0.5)
    assert closed(ledger, predict(5, change(2), back)).state == ReceiptState.REVIEW


def test_gaps_are_reasons_for_review_once_each(ledger: Ledger) -> None:
    receipt = closed(ledger, predict(3, gaps=("g1 silent",)), predict(4, gaps=("g1 silent", "g2")))
    assert receipt.review_reasons == ("g1 silent", "g2")
    assert (receipt.state, receipt.revision) == (ReceiptState.REVIEW, 4)


def test_gap_texts_are_bounded(open_ledger: OpenLedger) -> None:
    ledger = open_ledger(LedgerConfig(max_gaps=2))
    receipt = closed(ledger, predict(3, gaps=("one", "two", "three", "x" * 10_000)))
    assert receipt.review_reasons == ("one", "two")
    assert ledger.counters["gaps_left_out"] == 2


def test_a_closed_receipt_is_immutable_and_late_news_are_kept_and_counted(ledger: Ledger) -> None:
    receipt = closed(ledger, predict(3, change(2)))
    assert ledger.apply(predict(70, change(2), change(9, "bread"))) == []
    assert ledger.apply(predict(70, change(2), change(9, "bread"))) == []
    assert ledger.apply(predict(60, final=True)) == []
    assert ledger.receipt("a") == receipt
    counters = ledger.counters
    assert (counters["late_changes"], counters["late_predictions"]) == (2, 1)
    assert counters["repeated_predictions"] == 2


def test_a_price_is_the_one_in_force_when_the_line_first_appeared(ledger: Ledger) -> None:
    ledger.set_catalogue(make_store(cola=999, bread=320), from_ns=10 * SECOND)
    receipt = closed(ledger, predict(5, change(4)), predict(13, change(12), change(13, "bread")))
    assert [line.unit_price_minor for line in receipt.lines] == [150, 320]
    ledger.gate(enter("b", 20))
    (other,) = ledger.apply(predict(23, change(22, session="b"), session="b"))
    assert other.lines[0].unit_price_minor == 999


def test_predictions_before_the_gate_event_wait_for_it(ledger: Ledger) -> None:
    assert ledger.apply(predict(3, change(2))) == []
    assert ledger.apply(predict(3, change(2))) == []
    assert ledger.apply(predict(60, final=True)) == []
    made = ledger.gate(enter())
    assert [receipt.cause for receipt in made] == ["enter", "a/2", "final"]
    assert made[-1].state == ReceiptState.CLOSED
    assert ledger.counters["repeated_predictions"] == 1


def test_a_session_never_seen_at_the_gate_is_kept_and_reviewed(ledger: Ledger) -> None:
    assert ledger.tick(3 * SECOND) == []
    ledger.apply(predict(3, change(2)))
    assert ledger.tick(7 * SECOND) == []
    opened, line = ledger.tick(8 * SECOND)
    assert (opened.revision, opened.stamp_ns) == (1, 3 * SECOND)
    assert "no gate event" in line.review_reasons[0]
    assert items(line) == {"cola": 1}
    assert ledger.counters["unknown_sessions"] == 1
    (last,) = ledger.apply(predict(60, final=True))
    assert (last.state, items(last)) == (ReceiptState.REVIEW, {"cola": 1})


def test_a_gate_event_that_comes_after_all_clears_the_reason(ledger: Ledger) -> None:
    ledger.apply(predict(3, change(2)))
    ledger.tick(1)
    ledger.tick(9 * SECOND)
    (cleared,) = ledger.gate(enter(at=1))
    assert (cleared.cause, cleared.review_reasons) == ("enter", ())


def test_an_exit_without_a_final_prediction_closes_into_review(ledger: Ledger) -> None:
    ledger.gate(enter())
    ledger.apply(predict(3, change(2)))
    ledger.gate(leave(at=50))
    assert ledger.tick(20 * SECOND) + ledger.tick(79 * SECOND) == []
    (last,) = ledger.tick(81 * SECOND)
    assert (last.cause, last.stamp_ns, last.state) == ("exit", 80 * SECOND, ReceiptState.REVIEW)
    assert last.review_reasons == ("no final prediction within 30 s of the exit",)
    assert ledger.tick(200 * SECOND) == []


def test_limits_do_not_run_while_the_ledger_is_away(open_ledger: OpenLedger) -> None:
    first = open_ledger()
    first.gate(enter())
    first.gate(leave(at=50))
    first.tick(55 * SECOND)
    second = open_ledger()
    assert second.tick(500 * SECOND) == []
    assert second.apply(predict(60, final=True))[0].state == ReceiptState.CLOSED


def test_a_clock_that_has_not_started_starts_no_limit(open_ledger: OpenLedger) -> None:
    first = open_ledger()
    first.gate(enter())
    first.gate(leave(at=50))
    second = open_ledger()
    assert second.tick(0) + second.tick(500 * SECOND) + second.tick(529 * SECOND) == []
    (last,) = second.tick(530 * SECOND)
    assert last.state == ReceiptState.REVIEW


def test_a_session_open_for_too_long_is_reviewed(open_ledger: OpenLedger) -> None:
    ledger = open_ledger(LedgerConfig(max_open_s=100))
    ledger.gate(enter(at=1))
    assert ledger.tick(1) + ledger.tick(100 * SECOND) == []
    (last,) = ledger.tick(101 * SECOND)
    assert last.review_reasons == ("open for longer than 100 s",)


def test_a_clock_that_jumps_back_closes_nothing(ledger: Ledger) -> None:
    ledger.gate(enter())
    ledger.gate(leave(at=50))
    assert ledger.tick(60 * SECOND) + ledger.tick(10 * SECOND) + ledger.tick(79 * SECOND) == []


def test_without_a_catalogue_all_waits_for_one(open_ledger: OpenLedger) -> None:
    ledger = open_ledger(catalogue=False)
    ledger.gate(enter())
    ledger.apply(predict(3, change(2)))
    assert ledger.tick(1) + ledger.tick(40 * SECOND) == []
    assert "catalogue" in ledger.status().message
    made = ledger.set_catalogue(make_store(cola=150))
    assert [receipt.revision for receipt in made] == [1, 2]
    assert items(made[-1]) == {"cola": 1}


def test_an_open_session_goes_on_after_a_restart(open_ledger: OpenLedger) -> None:
    first = open_ledger()
    first.gate(enter())
    first.apply(predict(3, change(2), change(3, "ghost"), gaps=("dark",)))
    second = open_ledger(catalogue=False)
    assert second.republish() == first.open_sessions() == second.open_sessions()
    (line,) = second.apply(predict(5, change(4, quantity=2)))
    assert (line.revision, items(line)) == (5, {"cola": 3})
    assert line.review_reasons[0] == "dark"


def test_updates_tell_what_changed_since(ledger: Ledger) -> None:
    ledger.gate(enter("a"))
    ledger.gate(enter("b"))
    place = ledger.updates()[-1][0]
    ledger.apply(predict(3, change(2)))
    ((_, receipt),) = ledger.updates(place)
    assert (receipt.session, receipt.revision) == ("a", 2)


def test_republishing_after_a_restart_leaves_out_all_but_the_last_closed(ledger: Ledger) -> None:
    for session in ("a", "b", "c"):
        ledger.gate(enter(session))
    for session in ("b", "a"):
        ledger.apply(predict(9, session=session, final=True))
    assert [receipt.session for receipt in ledger.republish(closed=1)] == ["c", "a"]


@pytest.mark.parametrize(
    "broken",
    [
        replace(change(2), id="b/2"),
        replace(change(2), id="a/"),
        replace(change(2), quantity=0),
        replace(change(2), quantity=10**9),
        replace(change(2), probability=float("nan")),
        replace(change(2), probability=1.5),
        replace(change(2), product="nul\0"),
        replace(change(2), shelf="\ud800"),
        replace(change(2), plates=("x" * 1000,)),
        replace(change(2), stamp_ns=-1),
        replace(change(2), evidence_ns=(0, 2**70)),
        replace(change(2), id="a/\ud800"),
    ],
)
def test_a_malformed_change_sends_its_session_into_review(ledger: Ledger, broken: Change) -> None:
    receipt = closed(ledger, predict(5, broken, change(3)))
    assert (items(receipt), receipt.state) == ({"cola": 1}, ReceiptState.REVIEW)
    assert receipt.review_reasons[0].startswith("malformed change")
    assert ledger.counters["malformed_changes"] == 1


@pytest.mark.parametrize("session", ["", "x" * 300, "nul\0", "\ud800"])
def test_a_message_without_a_usable_session_is_refused_and_counted(
    ledger: Ledger, session: str
) -> None:
    assert ledger.apply(predict(3, session=session)) == ledger.gate(enter(session)) == []
    assert ledger.apply(replace(predict(3), stamp_ns=2**63)) == []
    assert ledger.counters["malformed_messages"] == 3
    assert ledger.updates() == []


def test_ids_of_one_session_may_look_like_those_of_another(ledger: Ledger) -> None:
    for session in ("a", "a/1"):
        ledger.gate(enter(session))
        ledger.apply(predict(3, replace(change(2), id="a/1/2"), session=session))
        assert items(ledger.receipt(session)) == {"cola": 1}


@pytest.mark.parametrize(
    "bad",
    [
        {"review_threshold": 1.1},
        {"enter_limit_s": 0.0},
        {"max_open_s": float("nan")},
        {"synchronous": "OFF"},
    ],
)
def test_limits_outside_their_bounds_are_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        LedgerConfig(**bad)


@pytest.mark.parametrize("url", ["sqlite://", "nonsense://x", "a://b:c:d", "sqlite:///:memory:"])
def test_an_url_that_is_no_ledger_is_refused(url: str) -> None:
    with pytest.raises(LedgerError, match=r"ledger"):
        Ledger(url)


def test_the_cost_of_a_change_does_not_grow_with_the_session(ledger: Ledger) -> None:
    rows = 0

    def count(_c: object, _cursor: object, _s: str, _p: object, context: Any, *_: object) -> None:
        nonlocal rows
        rows += len(context.compiled_parameters or [()])

    event.listen(ledger.engine, "after_cursor_execute", count)
    ledger.gate(enter())
    costs = []
    for number in range(300):
        rows = 0
        ledger.apply(predict(number + 2, change(number)))
        costs.append(rows)
    assert set(costs[1:]) == {costs[1]}
    assert costs[1] <= 5
