from dataclasses import replace

from aisle.bags.matching import hand_overs, match
from aisle.bags.truth import TrueEvent, TrueSession
from aisle.records import Action, Change, ChangeState

S = 1_000_000_000
TAKE, RETURN = Action.TAKE, Action.RETURN


def event(at: float, product: str, quantity: int = 1, action=TAKE, foreign=False) -> TrueEvent:
    return TrueEvent(int(at * S), action, product, quantity, foreign=foreign)


def change(number, at, product, quantity=1, action=TAKE, state=ChangeState.CONFIRMED) -> Change:
    return Change(f"s/{number}", state, int(at * S), action, product, quantity, 0.9, "g1/s1")


def matched(events, changes):
    truth = {"s": TrueSession("s", {}, tuple(events))}
    return match(truth, {"s": list(changes)})


def test_everything_right_leaves_no_errors():
    result = matched([event(1, "a"), event(9, "a", 2)], [change(1, 1.3, "a"), change(2, 9, "a", 2)])
    assert result.right == {0: {0}, 1: {1}}
    assert result.change_right == [True, True]
    assert not result.errors


def test_a_take_of_two_told_as_two_takes_is_right():
    result = matched([event(5, "a", 2)], [change(1, 4.6, "a"), change(2, 5.2, "a")])
    assert result.right == {0: {0, 1}}
    assert result.change_right == [True, True]


def test_every_kind_of_error_has_its_name():
    assert matched([event(1, "a")], []).errors == {"missed take": 1}
    assert matched([event(1, "a", action=RETURN)], []).errors == {"missed return": 1}
    assert matched([], [change(1, 1, "a")]).errors == {"false take": 1}
    assert matched([], [change(1, 1, "a", action=RETURN)]).errors == {"false return": 1}
    assert matched([event(1, "a")], [change(1, 1, "b")]).errors == {"wrong product": 1}
    assert matched([event(1, "a", 2)], [change(1, 1, "a")]).errors == {"too few": 1}
    assert matched([event(1, "a")], [change(1, 1, "a", 2)]).errors == {"too many": 1}
    assert matched(
        [event(1, "a", action=RETURN, foreign=True)], [change(1, 1, "b", action=RETURN)]
    ).errors == {"wrong product (put back elsewhere)": 1}
    assert matched([event(1, "a")], [change(1, 1, "a", action=RETURN)]).errors == {
        "missed take": 1,
        "false return": 1,
    }


def test_a_change_far_from_the_event_does_not_stand_for_it():
    result = matched([event(1, "a")], [change(1, 30, "a")])
    assert result.errors == {"missed take": 1, "false take": 1}
    assert result.change_right == [False]


def test_the_nearest_in_time_are_paired():
    result = matched([event(1, "a"), event(4, "a")], [change(1, 3.8, "a"), change(2, 0.9, "a")])
    assert result.right == {0: {1}, 1: {0}}


def test_a_withdrawn_change_counts_for_nothing():
    result = matched([], [change(1, 1, "a", state=ChangeState.WITHDRAWN)])
    assert not result.errors
    assert result.change_right == []


def handed(at: float, product: str, giver="s", taker="t") -> dict[str, TrueSession]:
    gave = replace(event(at, product, action=RETURN), counterpart=taker)
    got = replace(event(at, product), counterpart=giver)
    return {giver: TrueSession(giver, {}, (gave,)), taker: TrueSession(taker, {product: 1}, (got,))}


def test_a_hand_over_is_right_when_both_receipts_have_it():
    truth = handed(5, "a")
    less, more = change(1, 5.2, "a", action=RETURN), change(2, 5.4, "a")
    assert hand_overs(match(truth, {"s": [less], "t": [more]})) == [True]
    assert hand_overs(match(truth, {"s": [less], "t": []})) == [False]
    assert hand_overs(match(truth, {"s": [], "t": [more]})) == [False]
    swapped = match(truth, {"s": [more], "t": [less]})
    assert hand_overs(swapped) == [False]
    assert swapped.errors == {"wrong session (hand-over)": 2}


def test_a_hand_over_of_which_one_side_is_unknown_does_not_count():
    truth = handed(5, "a")
    truth["t"] = TrueSession("t", {"a": 1}, None)
    assert hand_overs(match(truth, {"s": [change(1, 5, "a", action=RETURN)]})) == []


def test_errors_of_hand_overs_and_misplaced_products_have_their_own_names():
    assert match(handed(5, "a"), {}).errors == {
        "missed return (hand-over)": 1,
        "missed take (hand-over)": 1,
    }
    invented = replace(change(1, 1, "a"), counterpart="t")
    assert matched([], [invented]).errors == {"false take (hand-over)": 1}
    stray = event(1, "a", foreign=True)
    assert matched([stray], []).errors == {"missed take (misplaced product)": 1}


def test_the_other_shopper_was_billed():
    truth = {
        "s": TrueSession("s", {"a": 1}, (event(1, "a"),)),
        "t": TrueSession("t", {}, ()),
    }
    result = match(truth, {"t": [change(1, 1, "a")]})
    assert result.errors == {"wrong session": 1}


def test_of_two_explanations_of_an_error_the_nearer_in_time_is_named():
    truth = {
        "s": TrueSession("s", {"a": 1}, (event(10, "a"),)),
        "t": TrueSession("t", {"b": 1}, (event(12, "b"),)),
    }
    swapped = {"s": [change(1, 12.1, "b")], "t": [change(2, 10.1, "a")]}
    assert match(truth, swapped).errors == {"wrong session": 2}
    confused = {"s": [change(1, 10.1, "b")], "t": [change(2, 12.1, "a")]}
    assert match(truth, confused).errors == {"wrong product": 2}


def test_sessions_whose_events_are_unknown_are_left_out():
    truth = {"s": TrueSession("s", {"a": 1}, None)}
    result = match(truth, {"s": [change(1, 1, "b")]})
    assert (result.events, result.changes, dict(result.errors)) == ([], [], {})
