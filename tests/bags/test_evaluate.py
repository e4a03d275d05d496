import json

import pytest

from aisle.bags.evaluate import Evaluation, evaluate, summary
from aisle.bags.replay import ReplayResult
from aisle.bags.truth import TrueEvent, TrueSession
from aisle.records import (
    Action,
    Change,
    ChangeState,
    Prediction,
    Receipt,
    ReceiptLine,
    ReceiptState,
)

S = 1_000_000_000
TENTATIVE, CONFIRMED = ChangeState.TENTATIVE, ChangeState.CONFIRMED


def event(at: float, product: str, quantity: int = 1) -> TrueEvent:
    return TrueEvent(int(at * S), Action.TAKE, product, quantity)


def change(name, at, product, quantity=1, state=CONFIRMED, probability=0.9) -> Change:
    return Change(name, state, int(at * S), Action.TAKE, product, quantity, probability, "g1/s1")


def receipt(session, revision, state, lines, cause, at=0.0) -> Receipt:
    items = tuple(ReceiptLine(p, p, n, 100, sure) for p, n, sure in lines)
    return Receipt(session, revision, state, int(at * S), "EUR", items, cause)


def two_sessions() -> tuple[dict[str, TrueSession], ReplayResult]:
    """`s` is right after a wrong guess; `t` missed a unit and has one too many of another."""
    truth = {
        "s": TrueSession("s", {"cola": 1}, (event(10, "cola"),)),
        "t": TrueSession("t", {"rice": 2}, (event(20, "rice", 2),)),
    }
    result = ReplayResult()
    tentative = change("s/1", 10, "soap", state=TENTATIVE, probability=0.5)
    better = change("s/1", 10, "cola", state=TENTATIVE, probability=0.6)
    firm = change("s/1", 10, "cola", probability=0.8)
    for at, one in ((10.5, tentative), (11.0, better), (12.0, firm)):
        result.add(int(at * S), [Prediction(0, "s", (one,))], [
            receipt("s", int(at * 2), ReceiptState.OPEN, [(one.product, 1, 0.8)], "s/1"),
        ])  # fmt: skip
    wrong = (change("t/1", 20, "rice"), change("t/2", 21, "soap"))
    result.add(22 * S, [Prediction(0, "t", wrong, final=True)], [])
    result.add(30 * S, [], [
        receipt("s", 50, ReceiptState.CLOSED, [("cola", 1, 0.8)], "final"),
        receipt("t", 3, ReceiptState.REVIEW, [("rice", 1, 0.9), ("soap", 1, 0.7)], "final"),
        receipt("u", 1, ReceiptState.OPEN, [], "enter"),
    ])  # fmt: skip
    return truth, result


def test_figures_of_two_sessions_by_hand():
    found = summary(evaluate("bag", *two_sessions()))
    assert found["sessions"] == 2
    items = found["items"]
    assert (items["right"], items["extra"], items["missing"]) == (2, 1, 1)
    assert items["precision"] == items["recall"] == items["f1"] == pytest.approx(2 / 3)
    assert found["exact"]["right"] == 1
    assert found["exact"]["share"] == 0.5
    assert found["states"] == {"CLOSED": 1, "REVIEW": 1}
    assert found["exact_without_review"] == {
        "right": 1, "of": 1, "share": 1.0, "interval": pytest.approx((0.2065, 1.0), abs=1e-4),
    }  # fmt: skip
    assert found["errors"] == {"wrong product": 1}
    assert found["wrong_receipts"][0]["true_and_ours"] == {"rice": [2, 1], "soap": [0, 1]}


def test_a_change_is_shown_when_it_is_first_right_and_confirmed_later():
    found = summary(evaluate("bag", *two_sessions()))
    for name, delay in (("shown", 1.0), ("confirmed", 2.0)):
        assert found[f"latency_{name}_s"] == {
            "cases": 1, "median": delay, "p95": delay,
            "median_interval": (delay, delay), "p95_interval": (delay, delay),
        }  # fmt: skip


def test_times_of_another_clock_give_no_latencies():
    truth, result = two_sessions()
    result.updates = [(ns + 10**18, receipt) for ns, receipt in result.updates]
    result.predictions = [(ns + 10**18, prediction) for ns, prediction in result.predictions]
    found = summary(evaluate("bag", truth, result))
    assert found["latency_shown_s"] is None
    assert "another clock" in found["warnings"][0]


def test_lines_and_changes_are_judged_by_what_they_stated():
    found = evaluate("bag", *two_sessions())
    assert sorted(found.lines) == [(0.7, False), (0.8, True), (0.9, False)]
    assert found.changes == [(0.8, True), (0.9, True), (0.9, False)]


def test_hand_overs_and_wrong_shelves_are_counted_by_themselves():
    truth = {
        "s": TrueSession("s", {}, (
            event(10, "cola"),
            TrueEvent(20 * S, Action.RETURN, "cola", 1, counterpart="t"),
        )),
        "t": TrueSession("t", {}, (
            TrueEvent(20 * S, Action.TAKE, "cola", 1, counterpart="s"),
            TrueEvent(30 * S, Action.RETURN, "cola", 1, foreign=True),
            TrueEvent(40 * S, Action.TAKE, "soap", 1, foreign=True),
        )),
    }  # fmt: skip
    result = ReplayResult()
    back = Change("t/1", CONFIRMED, 30 * S, Action.RETURN, "cola", 1, 0.9, "g1/s1", foreign=True)
    result.add(50 * S, [Prediction(0, "t", (back,))], [])
    found = summary(evaluate("bag", truth, result))
    assert (found["hand_overs"]["right"], found["hand_overs"]["of"]) == (0, 1)
    assert (found["put_back_elsewhere"]["right"], found["put_back_elsewhere"]["of"]) == (1, 1)


def test_review_of_lines_is_weighed_beside_review_of_receipts():
    found = summary(evaluate("bag", *two_sessions()))
    at = {point["threshold"]: point for point in found["review_curve_lines"]}
    assert (at[0.0]["kept"], at[0.0]["right"]) == (3, pytest.approx(1 / 3))
    assert (at[0.8]["kept"], at[0.8]["right"]) == (2, 0.5)
    assert {point["threshold"]: point["kept"] for point in found["review_curve"]}[0.8] == 1


def test_a_session_without_a_receipt_is_wrong_and_an_unknown_closed_one_too():
    truth = {"s": TrueSession("s", {}, ())}
    result = ReplayResult()
    result.add(1, [], [receipt("x", 2, ReceiptState.CLOSED, [("cola", 1, 1.0)], "final")])
    found = summary(evaluate("bag", truth, result))
    assert found["sessions"] == 2
    assert found["exact"]["right"] == 0
    assert found["items"]["extra"] == 1
    assert found["states"] == {"CLOSED": 1, "NONE": 1}


def test_evaluations_add_up_and_become_json():
    total = Evaluation()
    for name in ("one", "two"):
        total.add(evaluate(name, *two_sessions()))
    found = summary(total)
    assert found["sessions"] == 4
    assert found["items"]["right"] == 4
    assert found["events"]["of"] == 4
    assert json.loads(json.dumps(found))["sessions"] == 4


def test_nothing_at_all_gives_figures_too():
    found = summary(Evaluation())
    assert found["items"]["f1"] == 1.0
    assert found["exact"]["share"] is None
    assert found["latency_shown_s"] is None
