"""Tracks: born at the gate, told as seen from a shelf, gone with their session."""

from dataclasses import replace

import numpy as np
import pytest
from vision_store import store

from aisle.fusion.synchronizer import TICK_NS
from aisle.fusion.windows import TRACK, VIEWS
from aisle.vision.floor_map import FloorMap
from aisle.vision.newcomers import Seat
from aisle.vision.tracks import MOST_PEOPLE, Tracks

START = 1_000_000 * TICK_NS


class Drifting:
    """Everybody moves one decimetre along x each tick; a right hand is 0.2 m ahead of its head."""

    memory, look, appearance = 3, 2, 4

    def step(self, inputs):
        place = inputs["place"] + np.array([0.1, 0.0], np.float32)
        hands = np.zeros((*place.shape[:2], 2, 3), np.float32)
        hands[..., :2] = place[:, :, None]
        hands[:, :, 1, 0] += 0.2
        hands[..., 2] = 1.0
        return {
            "head": place,
            "hands": hands,
            "sure": np.full(place.shape[:2], 0.75, np.float32),
            "person": np.zeros((1, 1), np.float32),
            "points": np.zeros((1, 1, 2), np.float32),
            "next_ground": inputs["ground"],
            "next_known": inputs["known"],
            "next_memory": inputs["memory"] + 1,
            "next_look": inputs["look"],
            "next_appearance": inputs["appearance"],
            "next_place": place,
            "next_pace": inputs["pace"],
        }


@pytest.fixture
def walls():
    return store()


class Seated(Tracks):
    """Tracks of people who are put down anywhere at once, for a follower that sees no heads."""

    def put(self, session, place, people):
        for number in range(people):
            seat = Seat(session, number, people, "door", START)
            self._follow(seat, np.array(place), np.zeros(2))


@pytest.fixture
def tracks(walls):
    return Seated(FloorMap(walls), Drifting(), {"door": walls.gates["door"].pose})


def floor_map(walls):
    pictures = {c.id: np.zeros((c.height, c.width, 3), np.uint8) for c in walls.cameras.values()}
    return FloorMap(walls).picture(pictures)


def place_before(shelf, along, out):
    """In `map`, from the middle of a shelf's front."""
    return tuple((shelf.pose @ (shelf.size_m[0] / 2 + along, -out, 0.0, 1.0))[:2])


def test_a_track_is_told_as_seen_from_the_shelf(tracks, walls):
    shelf = walls.shelves["g1/s0"]
    tracks.put("a", place_before(shelf, -0.5, 0.6), 1)
    for tick in range(3):
        tracks.look(START + tick * TICK_NS, *floor_map(walls))
    found = tracks.window(["a", "b"], shelf, START + 2 * TICK_NS)
    assert found.shape == (2, VIEWS, TRACK)
    assert not found[1].any()
    assert not found[0, :-3].any()
    np.testing.assert_allclose(found[0, -3:, 0], [-0.4, -0.3, -0.2], atol=1e-4)
    np.testing.assert_allclose(found[0, -3:, 1], 0.6, atol=1e-4)
    np.testing.assert_allclose(found[0, -3:, 2], 0.75)


def reaching(shelf, along, up, head, sure):
    """A hand at a shelf whose arm comes from a head in `map`, seen along y."""
    hand = shelf.pose @ (shelf.size_m[0] / 2 + along, 0.0, up, 1.0)
    return np.array([[sure, *hand[:3], *head, 0.0, 1.0, 0.4, 0.1]], np.float32)


def test_who_reaches_in_is_whose_head_the_arm_leads_to(tracks, walls):
    shelf = walls.shelves["g1/s0"]
    for name, along in (("a", -0.3), ("b", 0.3)):
        tracks.put(name, place_before(shelf, along - 0.1, 0.5), 1)  # They drift by 0.1 m.
    hands = {"g1": reaching(shelf, 0.1, 0.1, place_before(shelf, -0.3, 0.5), 0.8)}
    tracks.look(START, *floor_map(walls), hands)
    (a, b) = tracks.window(["a", "b"], shelf, START)[:, -1]
    np.testing.assert_allclose(a[6:8], [0.1, 0.0], atol=1e-4)
    assert 0.7 < a[8] <= 0.8
    assert not b[6:].any()
    # From the shelf above it is below the opening, and from another fixture nowhere.
    above = tracks.window(["a"], walls.shelves["g1/s1"], START)[0, -1]
    np.testing.assert_allclose(above[6:8], [0.1, 0.4], atol=1e-4)
    elsewhere = replace(shelf, fixture="g2")
    assert not tracks.window(["a"], elsewhere, START)[0, -1, 6:].any()


def test_a_group_in_one_line_of_sight_has_the_hand_together(tracks, walls):
    shelf = walls.shelves["g1/s0"]
    head = place_before(shelf, 0.0, 0.5)
    tracks.put("a", place_before(shelf, -0.1, 0.5), 3)
    tracks.look(START, *floor_map(walls), {"g1": reaching(shelf, 0.1, 0.1, head, 0.8)})
    found = tracks.window(["a"], shelf, START)[0, -1]
    assert 0.75 < found[8] <= 0.8


def test_of_two_hands_the_surer_one_at_the_shelf_counts(tracks, walls):
    shelf = walls.shelves["g1/s0"]
    head = place_before(shelf, 0.0, 0.5)
    tracks.put("a", place_before(shelf, -0.1, 0.5), 1)
    places = ((0.0, 0.9, 0.9), (0.2, 0.1, 0.6), (0.3, 0.1, 0.3))
    some = [reaching(shelf, along, up, head, sure) for along, up, sure in places]
    tracks.look(START, *floor_map(walls), {"g1": np.concatenate(some)})
    found = tracks.window(["a"], shelf, START)[0, -1]
    np.testing.assert_allclose(found[6:8], [0.2, 0.0], atol=1e-4)


def test_of_a_group_the_nearest_counts(tracks, walls):
    shelf = walls.shelves["g1/s0"]
    tracks.put("a", place_before(shelf, 2.0, 3.0), 1)
    tracks.put("b", place_before(shelf, 0.0, 2.0), 2)
    tracks.look(START, *floor_map(walls))
    found = tracks.window(["b", "a"], shelf, START)
    assert found[0, -1, 1] == pytest.approx(2.0, abs=1e-4)
    assert found[1, -1, 1] == pytest.approx(3.0, abs=1e-4)


def test_who_has_left_is_forgotten_and_the_others_keep_their_place(tracks, walls):
    shelf = walls.shelves["g1/s0"]
    tracks.put("a", place_before(shelf, 0.0, 1.0), 3)
    tracks.put("b", place_before(shelf, 0.0, 2.0), 1)
    tracks.keep({"b": None})
    tracks.look(START, *floor_map(walls))
    found = tracks.window(["a", "b"], shelf, START)
    assert not found[0].any()
    assert found[1, -1, 1] == pytest.approx(2.0, abs=1e-4)


def test_a_crowd_is_followed_as_so_many_and_an_empty_store_not_at_all(tracks, walls):
    tracks.look(START, *floor_map(walls))
    assert not tracks.window(["a"], walls.shelves["g1/s0"], START).any()
    tracks.begin(START, "a", "door", 10_000)
    # Nobody sees this gate, so all of them are followed from there.
    tracks.look(START, *floor_map(walls))
    assert [seat.number for seat in tracks._seats] == list(range(MOST_PEOPLE))


def test_the_first_of_a_session_is_followed_from_where_he_has_got_to_by_then(tracks, walls):
    tracks.begin(START - 750_000_000, "a", "door", 1)
    tracks.look(START, *floor_map(walls))
    tracks.look(START + TICK_NS, *floor_map(walls))
    (seen,) = tracks._said[-1].people["a"]
    ahead = (walls.gates["door"].pose @ (0.9, 0.0, 0.0, 1.0))[:2]
    # He walks 0.9 m in that time, and drifts by 0.1 m.
    np.testing.assert_allclose(seen.head, ahead + np.array([0.1, 0.0]), atol=0.02)
