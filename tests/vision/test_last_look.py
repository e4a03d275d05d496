"""Strips are looked at when they show something else, a little longer, and now and then anyway."""

import numpy as np
import pytest
from vision_store import ByColour, plain, store

from aisle.fusion.synchronizer import TICK_NS
from aisle.fusion.windows import GAIN
from aisle.vision.last_look import AFTERWARDS, ANYWAY, STILL_LEVELS, LastLook
from aisle.vision.shelf_sight import ShelfSight
from aisle.vision.strips import COLUMN_PX, ROWS, ShelfStrips


def noisy(rng, level=90, sigma=6.0):
    strip = level + rng.normal(0, sigma, (ROWS, 10 * COLUMN_PX, 3))
    return np.clip(strip, 0, 255).astype(np.uint8)


def looked(last, strips):
    return [n for n, strip in enumerate(strips) if last.due(n * TICK_NS, strip)]


def test_what_stays_the_same_is_looked_at_a_little_longer_and_then_rarely():
    rng = np.random.default_rng(0)
    due = looked(LastLook(), [noisy(rng) for _ in range(40)])
    first = list(range(AFTERWARDS + 1))
    assert due[: len(first)] == first
    assert set(np.diff(due[len(first) - 1 :])) == {ANYWAY}


@pytest.mark.parametrize("place", range(0, 10 * COLUMN_PX, 8))
def test_a_small_thing_that_comes_is_looked_at_at_once_and_so_is_its_going(place):
    rng = np.random.default_rng(place)
    last = LastLook()
    looked(last, [noisy(rng) for _ in range(AFTERWARDS + 2)])
    other = noisy(rng)
    other[24:32, place : place + 8] = 90 + int(2 * STILL_LEVELS)
    assert last.due(5 * TICK_NS, other)
    assert last.due(6 * TICK_NS, noisy(rng))


def test_what_changes_slowly_is_looked_at_before_it_is_very_different():
    last, shown = LastLook(), 0
    for level in range(60, 160):
        strip = np.full((ROWS, 10 * COLUMN_PX, 3), level, np.uint8)
        shown = level if last.due(level * TICK_NS, strip) else shown
        assert level - shown <= STILL_LEVELS


def test_a_camera_that_was_away_is_looked_at_at_once():
    rng = np.random.default_rng(0)
    last = LastLook()
    looked(last, [noisy(rng) for _ in range(AFTERWARDS + 2)])
    assert last.due(1000 * TICK_NS, noisy(rng))


def test_an_encoder_is_not_asked_again_about_what_stays_the_same():
    walls = store()
    asked = []

    class Counting(ByColour):
        def columns(self, strips, slopes):
            asked.append(len(strips))
            return super().columns(strips, slopes)

    sight = ShelfSight(ShelfStrips(walls), list(walls.shelves), Counting())
    pictures = {name: plain(camera, (200, 50, 0)) for name, camera in walls.cameras.items()}
    glances = [sight.look(tick * TICK_NS, pictures) for tick in range(AFTERWARDS + 4)]
    assert asked[0] > 0
    assert asked[AFTERWARDS + 1 :] == [0, 0, 0]
    for shelf, first in glances[0].items():
        np.testing.assert_array_equal(glances[-1][shelf].feature, first.feature)
    sight.forget()
    sight.look(100 * TICK_NS, pictures)
    assert asked[-1] == asked[0]


class Erring(ByColour):
    """Sees goods come where nothing happens, at some ticks."""

    wrong = False

    def changes(self, before, after, slopes):
        found = super().changes(before, after, slopes)
        return [change + np.float32([0.1 * self.wrong, 0]) for change in found]


def test_two_wrong_looks_at_what_stays_the_same_leave_no_error_behind():
    walls, encoder = store(), Erring()
    sight = ShelfSight(ShelfStrips(walls), list(walls.shelves), encoder)
    pictures = {name: plain(camera, (200, 50, 0)) for name, camera in walls.cameras.items()}
    levels = []
    for tick in range(80):
        encoder.wrong = tick in (ANYWAY + AFTERWARDS, 2 * ANYWAY + AFTERWARDS)
        glances = sight.look(tick * TICK_NS, pictures)
        levels.append(max(glance.state[:, GAIN].max() for glance in glances.values()))
    assert max(levels) > 0.05
    assert levels[-1] < 0.01
