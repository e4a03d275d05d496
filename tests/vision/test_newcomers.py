"""Newcomers: whom a passage at a gate is of, and who comes in without one."""

import numpy as np

from aisle.fusion.synchronizer import TICK_NS
from aisle.store.geometry import translation
from aisle.vision.newcomers import Newcomers

START = 1_000_000 * TICK_NS
GATE = {"in": translation(5.0, 2.0, 0.0)}
LATE = 3
"""Ticks after which a passage counts."""


def walk(newcomers, came, sessions, ticks, clutter=(), sure=0.6):
    """Let people walk in along x, 0.3 m a tick, each from a tick on, and follow whom it finds.

    Args:
        newcomers: Under test.
        came: Tick at which each person is in the gate.
        sessions: By tick of the first passage, name and how many people.
        ticks: How many.
        clutter: Places that are taken for heads all the time.
        sure: How likely each head is one.

    Returns:
        Session, number, and which person stood there, in the order in which they were found.
    """
    found, followed = [], []
    for tick in range(ticks):
        for at, (name, people) in sessions.items():
            if tick == at + LATE:
                newcomers.begin(START + at * TICK_NS, name, "in", people)
        places = np.array([[5.0 + 0.3 * (tick - at), 2.0] for at in came])
        of = [session for session, _, _ in found]
        here = np.concatenate([places, np.array(clutter, float).reshape(-1, 2)])
        heads = here[here[:, 0] > 4.2]
        seen = newcomers.see(
            START + tick * TICK_NS, heads, np.full(len(heads), sure), places[followed], of
        )
        for seat, place, pace in seen:
            assert np.hypot(*pace) <= 1.2 + 1e-9
            who = int(np.hypot(*(places - place).T).argmin())
            followed.append(who)
            found.append((seat.session, seat.number, who))
    return found


def test_a_late_passage_is_of_whoever_was_in_the_gate_and_not_of_who_is_there_now():
    found = walk(Newcomers(GATE), [2, 6], {2: ("a", 1), 6: ("b", 1)}, 14)
    assert found == [("a", 0, 0), ("b", 0, 1)]


def test_who_comes_in_without_a_passage_is_of_the_group_whose_first_came_in_last():
    sessions = {2: ("a", 2), 10: ("b", 2)}
    found = walk(Newcomers(GATE), [2, 6, 10, 14], sessions, 24)
    assert found == [("a", 0, 0), ("a", 1, 1), ("b", 0, 2), ("b", 1, 3)]


def test_somebody_alone_may_come_in_within_a_group():
    sessions = {2: ("a", 2), 8: ("b", 1)}
    found = walk(Newcomers(GATE), [2, 8, 14], sessions, 24)
    assert found == [("a", 0, 0), ("b", 0, 1), ("a", 1, 2)]


def test_what_is_seldom_somebody_is_nobody_of_a_group():
    assert walk(Newcomers(GATE), [2, 6], {2: ("a", 2)}, 20, sure=0.4) == [("a", 0, 0)]


def test_who_walks_away_from_beside_one_of_a_group_is_the_one_that_is_awaited():
    newcomers = Newcomers(GATE)
    newcomers.begin(START, "a", "in", 2)
    stays = np.array([[7.0, 2.0]])
    first = newcomers.see(START + 3 * TICK_NS, stays, np.ones(1), np.zeros((0, 2)), [])
    assert [seat.number for seat, _, _ in first] == [0]
    found = []
    for tick in range(4, 16):
        away = stays + np.array([0.6 + 0.2 * (tick - 4), 0.0])
        heads = np.concatenate([stays, away])
        stamp_ns = START + tick * TICK_NS
        for seat, place, _ in newcomers.see(stamp_ns, heads, np.full(2, 0.7), stays, ["a"]):
            found.append((seat.session, seat.number, float(place[0] - away[0, 0])))
    assert found == [("a", 1, 0.0)]


def test_who_is_in_nobodys_group_is_not_followed():
    assert walk(Newcomers(GATE), [2, 8], {2: ("a", 1)}, 20) == [("a", 0, 0)]


def test_what_stands_at_the_gate_is_nobody_of_a_group():
    found = walk(Newcomers(GATE), [2, 10], {2: ("a", 2)}, 20, clutter=[(5.3, 2.6)])
    assert found == [("a", 0, 0), ("a", 1, 1)]


def test_the_group_of_a_session_that_has_ended_is_awaited_no_more():
    newcomers = Newcomers(GATE)
    walk(newcomers, [2], {2: ("a", 2)}, 8)
    newcomers.keep({})
    assert walk(newcomers, [0], {}, 12) == []


def test_without_heads_the_first_is_expected_straight_ahead_and_a_group_at_a_blind_gate_with_him():
    newcomers = Newcomers(GATE, blind=["in"])
    newcomers.begin(START, "a", "in", 2)
    nobody = np.zeros((0, 2))
    found = newcomers.see(START + 4 * TICK_NS, nobody, np.zeros(0), nobody, [])
    assert [(seat.session, seat.number) for seat, _, _ in found] == [("a", 0), ("a", 1)]
    np.testing.assert_allclose([place for _, place, _ in found], [[6.2, 2.0]] * 2)
    np.testing.assert_allclose([pace for _, _, pace in found], [[1.2, 0.0]] * 2)
