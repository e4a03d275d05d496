from aisle.bags.matching import match
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


def test_the_other_shopper_was_billed():
    truth = {
        "s": TrueSession("s", {"a": 1}, (event(1, "a"),)),
        "t": TrueSession("t", {}, ()),
    }
    result = match(truth, {"t": [change(1, 1, "a")]})
    assert result.errors == {"wrong session": 1}


def test_sessions_whose_events_are_unknown_are_left_out():
    truth = {"s": TrueSession("s", {"a": 1}, None)}
    result = match(truth, {"s": [change(1, 1, "b")]})
    assert (result.events, result.changes, dict(result.errors)) == ([], [], {})
