"""Hand-overs in the memory of a fusion: what the giver loses the taker gets."""

from dataclasses import replace

import numpy as np
import pytest

from aisle.fusion.hand_overs import hand_over
from aisle.fusion.memory import Memory, Session
from aisle.fusion.outbox import Outbox
from aisle.fusion.windows import FEATURES
from aisle.records import Action, ChangeState
from aisle.vision.hand_overs import HandOver

LOOKS = {
    name: np.eye(FEATURES, dtype=np.float32)[i] for i, name in enumerate(("tea", "oats", "rice"))
}
STAMP = 50_000_000_000


def seen(*products, sessions=("a", "b"), gives=(0.9, 0.05)):
    columns = np.stack([LOOKS[product] for product in products])
    return HandOver(STAMP, sessions, gives, columns, np.ones(len(columns)), ("top",))


@pytest.fixture
def memory():
    sessions = {name: Session(name, 0) for name in ("a", "b")}
    sessions["a"].apply(Action.TAKE, "tea", 2, 0.25)
    sessions["a"].apply(Action.TAKE, "oats", 1, 0.5)
    return Memory(sessions)


def test_what_was_given_leaves_the_giver_and_comes_to_the_taker(memory):
    out = Outbox()
    assert hand_over(memory, LOOKS, seen("tea"), out)
    a, b = memory.sessions["a"], memory.sessions["b"]
    assert a.carried["tea"].quantity == 1
    assert a.carried["oats"].quantity == 1
    assert (b.carried["tea"].quantity, b.carried["tea"].unit_kg) == (1, 0.25)
    (given,), (got,) = (tuple(out.changes[name].values()) for name in ("a", "b"))
    assert (given.action, given.counterpart) == (Action.RETURN, "b")
    assert (got.action, got.counterpart) == (Action.TAKE, "a")
    for change in (given, got):
        assert (change.product, change.quantity, change.stamp_ns) == ("tea", 1, STAMP)
        assert change.state is ChangeState.CONFIRMED
        assert 0.8 < change.probability <= 0.95
        assert (change.shelf, change.cameras) == ("", ("top",))


def given(memory, what, looks=LOOKS):
    """Who gave whom what, and how sure that is."""
    out = Outbox()
    if not hand_over(memory, looks, what, out):
        assert not out.changes
        return None
    changes = [change for some in out.changes.values() for change in some.values()]
    (giver,) = (change for change in changes if change.action is Action.RETURN)
    (taker,) = (change for change in changes if change.action is Action.TAKE)
    assert giver.product == taker.product
    return taker.counterpart, giver.counterpart, giver.product, giver.probability


def test_what_is_seen_most_is_given_and_less_surely_the_more_is_seen_of_others(memory):
    *said, doubtful = given(memory, seen("oats", "oats", "oats", "tea", "tea"))
    assert said == ["a", "b", "oats"]
    assert doubtful < 0.7


def test_what_stands_behind_the_two_and_is_not_carried_says_nothing(memory):
    assert given(memory, seen("rice", "rice", "tea"))[2] == "tea"


def test_columns_that_show_no_product_do_not_count(memory):
    what = replace(seen("oats", "oats", "tea"), shows=np.array([0.0, 0.0, 1.0]))
    assert given(memory, what)[2] == "tea"


def test_a_product_without_pictures_is_given_when_nothing_else_is_likelier(memory):
    memory.sessions["a"].apply(Action.TAKE, "plain", 2, 0.1)
    assert given(memory, seen("rice"))[2] == "plain"
    assert given(memory, seen("tea"))[2] == "tea"
    assert given(memory, seen("tea"), {}) is not None


def test_who_has_what_was_seen_gave_it_where_the_arms_do_not_tell(memory):
    memory.sessions["b"].apply(Action.TAKE, "rice", 1, 0.4)
    assert given(memory, seen("rice", gives=(0.55, 0.4)))[:3] == ("b", "a", "rice")
    assert given(memory, seen("tea", gives=(0.4, 0.55)))[:3] == ("a", "b", "tea")


def test_who_carries_nothing_or_has_left_gives_nothing(memory):
    memory.sessions["c"] = Session("c", 0)
    assert given(memory, seen("tea", sessions=("b", "c"))) is None
    assert given(memory, seen("tea", sessions=("a", "gone"))) is None
    assert memory.sessions["a"].carried["tea"].quantity == 2
