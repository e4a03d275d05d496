"""What is kept of each shelf: the clearer camera counts, by tick, and change is noticed."""

import numpy as np
import pytest
from vision_store import ByColour, plain, store

from aisle.fusion.synchronizer import TICK_NS
from aisle.fusion.windows import BLOCKED, FEATURES, GAIN, OFF, SEEN, VIEWS
from aisle.vision import last_look
from aisle.vision.shelf_sight import REMEMBERED, UNKNOWN_M, ShelfSight
from aisle.vision.strips import COLUMN_PX, ShelfStrips

SHELF = "g1/s1"
START = 1_000_000 * TICK_NS


@pytest.fixture(autouse=True)
def sharp_eyes(monkeypatch):
    """One level of colour tells one amount of goods from another here."""
    monkeypatch.setattr(last_look, "STILL_LEVELS", 0.0)


@pytest.fixture
def walls():
    return store()


@pytest.fixture
def sight(walls):
    return ShelfSight(ShelfStrips(walls), list(walls.shelves), ByColour())


def show(sight, walls, tick, **colours):
    pictures = {name: plain(walls.cameras[name], colour) for name, colour in colours.items()}
    sight.keep(sight.look(START + tick * TICK_NS, pictures))


RED, GREEN, BLUE = (200, 50, 0), (50, 200, 0), (50, 50, 250)


def test_ticks_without_a_picture_are_not_seen(sight, walls):
    show(sight, walls, 0, left=RED)
    show(sight, walls, 2, left=RED)
    feature, state = sight.window(SHELF, START + 2 * TICK_NS)
    assert feature.shape[1:] == (VIEWS, FEATURES)
    seen = state[..., SEEN].max(0)
    assert seen[-1] == seen[-3] == 1
    assert seen[-2] == 0
    assert not seen[:-3].any()
    assert not feature[:, -2].any()


def test_where_one_camera_is_blocked_the_other_one_counts(sight, walls):
    show(sight, walls, 0, left=BLUE, right=RED)
    feature, state = sight.window(SHELF, START)
    both = np.minimum(*(view.px_per_dm for view in ShelfStrips(walls).views(SHELF))) > 0
    assert both.any()
    assert (feature[both, -1, 0] > 0.95).all()
    assert (state[both, -1, BLOCKED] < 0.1).all()


def test_a_shelf_that_looks_different_has_changed_and_one_that_was_only_blocked_has_not(
    sight, walls
):
    for tick in range(10):
        show(sight, walls, tick, left=RED, right=RED)
    assert sight.changed(START + 9 * TICK_NS) == []
    for tick in range(10, 14):
        show(sight, walls, tick, left=BLUE, right=BLUE)
    assert sight.changed(START + 13 * TICK_NS) == []
    for tick in range(14, 18):
        show(sight, walls, tick, left=GREEN, right=GREEN)
    assert SHELF in sight.changed(START + 17 * TICK_NS)


def test_after_a_window_only_the_last_clear_sight_is_left_and_after_forgetting_nothing(
    sight, walls
):
    show(sight, walls, 0, left=RED)
    show(sight, walls, 1, left=GREEN)
    feature, state = sight.window(SHELF, START + (VIEWS + 1) * TICK_NS)
    seen = state[:, 0, SEEN] > 0
    assert seen.any()
    assert (feature[seen, 0].argmax(-1) == np.argmax(GREEN)).all()
    assert not state[:, 1:].any()
    sight.forget()
    assert not sight.window(SHELF, START + TICK_NS)[1].any()


def test_what_was_hidden_for_longer_than_a_window_is_compared_with_how_it_looked_before(
    sight, walls
):
    for tick in range(4):
        show(sight, walls, tick, left=RED, right=RED)
    for tick in range(4, 50):
        show(sight, walls, tick, left=BLUE, right=BLUE)
    assert sight.changed(START + 49 * TICK_NS) == []
    show(sight, walls, 50, left=GREEN, right=GREEN)
    assert SHELF in sight.changed(START + 50 * TICK_NS)
    feature, state = sight.window(SHELF, START + 50 * TICK_NS)
    seen = state[:, 0, SEEN] > 0
    assert (feature[seen, 0].argmax(-1) == np.argmax(RED)).all()
    for tick in range(51, 80):
        show(sight, walls, tick, left=GREEN, right=GREEN)
    assert sight.changed(START + 79 * TICK_NS) == []


def test_a_shelf_without_cameras_has_no_window(walls):
    blind = ShelfSight(ShelfStrips(walls, cameras=()), list(walls.shelves), ByColour())
    assert blind.look(START, {}) == {}
    assert blind.window(SHELF, START) is None
    assert blind.changed(START) == []


class Goods(ByColour):
    """The bluer a strip, the more goods there are, in centimetres; nobody is ever in front."""

    def columns(self, strips, slopes):
        found = super().columns(strips, slopes)
        for _, state in found:
            state[:] = 0
        return found

    def changes(self, before, after, slopes):
        return [
            np.stack([(b - a.astype(np.float32))[:, ::COLUMN_PX, 2].mean(0) / 100,
                      np.full(len(slope), 0.01, np.float32)], -1)
            for a, b, slope in zip(before, after, slopes, strict=True)
        ]  # fmt: skip


@pytest.mark.parametrize(("centimetres", "changed"), [(2, False), (6, True)])
def test_goods_that_came_are_a_change_though_the_shelf_looks_the_same(walls, centimetres, changed):
    sight = ShelfSight(ShelfStrips(walls), [SHELF], Goods())
    last = REMEMBERED + 3
    for tick in range(last):
        show(sight, walls, tick, left=(200, 50, 5))
    assert sight.changed(START + (last - 1) * TICK_NS) == []
    show(sight, walls, last, left=(200, 50, 5 + centimetres))
    assert sight.changed(START + last * TICK_NS) == [SHELF] * changed
    _, state = sight.window(SHELF, START + last * TICK_NS)
    seen = state[:, -1, SEEN] > 0
    np.testing.assert_allclose(state[seen, -1, GAIN], centimetres / 100, atol=0.004)
    np.testing.assert_allclose(state[seen, -2, GAIN], 0, atol=1e-6)
    for tick in range(last + 1, last + REMEMBERED + 3):
        show(sight, walls, tick, left=(200, 50, 5 + centimetres))
        _, state = sight.window(SHELF, START + tick * TICK_NS)
        before = (tick - last) < VIEWS - 1 and tick - last < REMEMBERED
        # It stays until it is what the next thing is compared with; then it never was.
        risen = np.full(VIEWS, centimetres / 100 * before)
        risen[: VIEWS - 1 - (tick - last)] = 0
        np.testing.assert_allclose(state[seen, :, GAIN], risen[None].repeat(seen.sum(), 0),
                                   atol=0.004)  # fmt: skip


def test_what_happens_while_the_first_thing_is_being_settled_is_told_apart(walls):
    """One thing comes, another 3 s later: the level rises twice, and never falls."""
    sight = ShelfSight(ShelfStrips(walls), [SHELF], Goods())
    first, second = REMEMBERED + 3, REMEMBERED + 15
    for tick in range(second + REMEMBERED - 2):
        blue = 5 + 6 * (tick >= first) + 6 * (tick >= second)
        show(sight, walls, tick, left=(200, 50, blue))
        _, state = sight.window(SHELF, START + tick * TICK_NS)
        seen = state[:, -1, SEEN] > 0
        level = state[seen, :, GAIN]
        assert (np.diff(level, axis=1) > -0.004).all()
    np.testing.assert_allclose(level[:, -1], 0.06, atol=0.004)
    assert (level[:, 1:3] < 0.004).all()


def test_what_has_nothing_to_be_compared_with_is_unknown(walls):
    sight = ShelfSight(ShelfStrips(walls), [SHELF], Goods())
    show(sight, walls, 0, left=RED)
    _, state = sight.window(SHELF, START)
    seen = state[:, -1, SEEN] > 0
    assert not state[seen, -1, GAIN].any()
    np.testing.assert_allclose(state[seen, -1, OFF], UNKNOWN_M)


def test_of_two_cameras_the_surer_one_counts_for_more(walls):
    class Unequal(Goods):
        def changes(self, before, after, slopes):
            off = (0.1, 0.001)
            return [
                np.tile(np.float32([0.05 * (i % 2), off[i % 2]]), (len(slope), 1))
                for i, slope in enumerate(slopes)
            ]

    sight = ShelfSight(ShelfStrips(walls), [SHELF], Unequal())
    for tick in range(REMEMBERED + 1):
        show(sight, walls, tick, left=RED, right=RED)
    _, state = sight.window(SHELF, START + REMEMBERED * TICK_NS)
    both = np.minimum(*(view.px_per_dm for view in ShelfStrips(walls).views(SHELF))) > 0
    assert both.any()
    assert (state[both, -1, GAIN] > 0.04).all()
    assert (state[both, -1, OFF] < 0.01).all()


def test_errors_do_not_add_up_over_an_hour(walls):
    class Noisy(Goods):
        rng = np.random.default_rng(1)

        def changes(self, before, after, slopes):
            found = super().changes(before, after, slopes)
            for change in found:
                change[:, 0] += self.rng.laplace(0, 0.003, len(change))
            return found

    sight = ShelfSight(ShelfStrips(walls), [SHELF], Noisy())
    picture = {"left": plain(walls.cameras["left"], RED)}
    for tick in range(4 * 3600):
        sight.keep(sight.look(START + tick * TICK_NS, picture))
    _, state = sight.window(SHELF, START + tick * TICK_NS)
    # No more than what each glance is off by itself.
    assert np.abs(state[..., GAIN]).std() < 0.007
    assert sight.changed(START + tick * TICK_NS) == []


def test_what_went_while_a_camera_was_lost_is_not_told_twice(walls):
    sight = ShelfSight(ShelfStrips(walls), [SHELF], Goods())
    for tick in range(140):
        colour = (200, 50, 25 if tick < 50 else 15)
        cameras = ("left",) if 30 <= tick < 90 else ("left", "right")
        show(sight, walls, tick, **dict.fromkeys(cameras, colour))
        _, state = sight.window(SHELF, START + tick * TICK_NS)
        seen = state[:, -1, SEEN] > 0
        went = -0.1 if 50 <= tick < 50 + REMEMBERED else 0.0
        # Both cameras see the columns in the middle; those that only the lost one sees tell later.
        middle = seen[: len(seen) // 3].nonzero()[0]
        np.testing.assert_allclose(state[middle, -1, GAIN], went, atol=0.006, err_msg=str(tick))


def test_a_camera_that_somebody_stands_before_says_nothing_of_what_came_or_went(walls):
    class Fooled(ByColour):
        """Whoever is blocked is very sure that much has gone."""

        def changes(self, before, after, slopes):
            return [
                np.tile(np.float32([-0.2, 0.001] if a[..., 2].mean() > 128 else [0, 0.05]),
                        (len(slope), 1))
                for a, slope in zip(after, slopes, strict=True)
            ]  # fmt: skip

    sight = ShelfSight(ShelfStrips(walls), [SHELF], Fooled())
    for tick in range(120):
        left, right = (BLUE, RED) if tick // 30 % 2 else (RED, BLUE)
        show(sight, walls, tick, left=left, right=right)
        _, state = sight.window(SHELF, START + tick * TICK_NS)
        assert not state[..., GAIN].any()
