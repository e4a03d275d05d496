"""Hand-overs seen between two sessions: once, at the surest tick, with giver and taker."""

import numpy as np
import pytest
from vision_store import store

from aisle.fusion.synchronizer import SECOND, TICK_NS
from aisle.fusion.windows import FEATURES
from aisle.vision.hand_overs import HandOverSight
from aisle.vision.meetings import SPAN, STRIP_PX
from aisle.vision.strips import COLUMN_PX

LATER = SPAN // 2
"""Ticks until a tick is judged; two more show that it was the surest."""
START = 1_000_000 * TICK_NS


class Telling:
    """Says of each tick what was written down for it; counts how often it was asked."""

    def __init__(self, odds):
        self.odds, self.asked = odds, 0

    def see(self, meetings):
        self.asked += 1
        return np.full((len(meetings), 1), self.asked, np.float32)

    def say(self, seen):
        ticks = [int(one[SPAN // 2][0]) - 1 for one in seen]
        return np.array([self.odds.get(tick, (1.0, 0.0, 0.0)) for tick in ticks], np.float32)


class Columns:
    """Sees the same in each column: half of them a product."""

    def columns(self, strips, slopes):
        found = []
        for strip, slope in zip(strips, slopes, strict=True):
            assert strip.shape[1] == len(slope) * COLUMN_PX
            feature = np.ones((len(slope), FEATURES), np.float32)
            state = np.tile(np.float32([0.25, 0.25, 0.1]), (len(slope), 1))
            found.append((feature, state))
        return found


@pytest.fixture
def walls():
    return store()


def shown(tick, left=1.0, right=0.0):
    """Odds of what is handed over at a tick, and seen a tick before and after it as well."""
    if right:
        left = 0.0
    beside = (1 - 0.98 * (left + right), 0.98 * left, 0.98 * right)
    return {tick - 1: beside, tick: (1 - left - right, left, right), tick + 1: beside}


def run(walls, odds, people, ticks=20):
    telling = Telling(odds)
    sight = HandOverSight(walls, telling, Columns())
    pictures = {c.id: np.zeros((c.height, c.width, 3), np.uint8) for c in walls.cameras.values()}
    found = []
    for tick in range(ticks):
        for seen in sight.look(START + tick * TICK_NS, pictures, people):
            found.append((tick, seen))
    return telling, found


def two(one="a", other="b", apart=0.7):
    return [((one, 0), np.array([-0.3, 0.5])), ((other, 0), np.array([apart - 0.3, 0.5]))]


def test_a_hand_over_is_said_once_at_its_surest_tick(walls):
    odds = {4: (0.04, 0.96, 0.0), 5: (0.0, 0.9, 0.1), 6: (0.02, 0.98, 0.0)}
    _, ((tick, seen),) = run(walls, odds, two())
    assert tick == 5 + LATER + 2
    assert seen.stamp_ns == START + 5 * TICK_NS
    assert seen.sessions == ("a", "b")
    assert seen.gives == pytest.approx((0.9467, 0.0333), abs=1e-4)
    assert seen.cameras
    # Five ticks in each camera.
    assert len(seen.columns) == 5 * len(seen.cameras) * STRIP_PX // COLUMN_PX
    np.testing.assert_allclose(seen.shows, 0.5)


def test_who_is_on_the_right_may_give_and_names_say_who_is_on_the_left(walls):
    for people in (two(), two("b", "a")):
        _, ((_, seen),) = run(walls, shown(5, right=1.0), people)
        assert seen.sessions == ("a", "b")
        assert seen.gives == pytest.approx((0.0, 1.0), abs=0.02)


def test_two_of_one_session_and_two_far_from_each_other_are_not_looked_at(walls):
    sure = shown(5)
    same = [(("a", 0), np.array([-0.3, 0.5])), (("a", 1), np.array([0.4, 0.5]))]
    telling, found = run(walls, sure, same)
    assert not found
    assert not telling.asked
    assert not run(walls, sure, two(apart=2.0))[1]


def test_what_is_unsure_is_not_said_and_one_thing_at_a_time(walls):
    assert not run(walls, shown(5, left=0.8), two())[1]
    # One tick alone is a mistake.
    assert not run(walls, {5: (0.0, 1.0, 0.0)}, two())[1]
    soon = {**shown(5), **shown(8), **shown(12)}
    _, found = run(walls, soon, two())
    assert [seen.stamp_ns for _, seen in found] == [START + t * TICK_NS for t in (5, 12)]
    assert SECOND == 4 * TICK_NS


class Beside(Telling):
    """Of several pairs the first is the surest."""

    def say(self, seen):
        odds = super().say(seen)
        odds[1:] = 0.98 * odds[1:] + 0.02 * np.float32([1, 0, 0])
        return odds


def test_who_hands_something_to_one_does_not_to_another_beside_him(walls):
    sight = HandOverSight(walls, Beside(shown(5)), Columns())
    pictures = {c.id: np.zeros((c.height, c.width, 3), np.uint8) for c in walls.cameras.values()}
    people = [*two(), (("c", 0), np.array([0.0, 1.25]))]
    found = []
    for tick in range(20):
        found += sight.look(START + tick * TICK_NS, pictures, people)
    assert [seen.sessions for seen in found] == [("a", "b")]


def test_people_who_part_are_judged_by_what_was_seen_and_then_forgotten(walls):
    telling = Telling(shown(3))
    sight = HandOverSight(walls, telling, Columns())
    pictures = {c.id: np.zeros((c.height, c.width, 3), np.uint8) for c in walls.cameras.values()}
    found = []
    for tick in range(20):
        people = two() if tick < 5 else two(apart=3.0)
        found += sight.look(START + tick * TICK_NS, pictures, people)
    assert len(found) == 1
    assert telling.asked == 5
    assert not sight._pairs


def test_without_pictures_nobody_is_looked_at(walls):
    telling = Telling({})
    assert HandOverSight(walls, telling, Columns()).look(START, {}, two()) == []
    assert not telling.asked


def test_clocks_that_were_set_back_make_it_forget(walls):
    sight = HandOverSight(walls, Telling(shown(3)), Columns())
    pictures = {c.id: np.zeros((c.height, c.width, 3), np.uint8) for c in walls.cameras.values()}
    for tick in range(5):
        sight.look(START + tick * TICK_NS, pictures, two())
    sight.forget()
    assert not any(sight.look(START + t * TICK_NS, pictures, two()) for t in range(5, 8))
