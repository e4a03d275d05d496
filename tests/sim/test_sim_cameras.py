"""What simulated cameras deliver: the same again, in order, with the faults asked for."""

import itertools
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from render_scene import camera, look

from aisle.sim.cameras import SimulatedCameras, shots
from aisle.sim.scenario import Cameras, Cue, Guest, Scenario
from aisle.sim.simulation import SECOND, simulate
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec

EYES = {
    "a": replace(camera("a", (0.5, -1.5, 2.4), (0.5, 1.0, 0.9)), width=160, height=120),
    "b": replace(camera("b", (1.8, -1.2, 2.4), (0.9, 0.9, 0.8)), width=160, height=120),
}


@cache
def store():
    spec = StoreSpec(gondolas=1, shelves=(2,), plates=(5,), frameless=0.0)
    return replace(generate_store(np.random.default_rng(3), spec), cameras=EYES)


def simulation(seed=1, **faults):
    scenario = Scenario(
        walk=True, cast=(Guest(enter_s=1.0),), cues=(Cue(who=1, do="take"),),
        lead_s=1.0, cameras=Cameras(**{"clock_offset_s": 0.0, **faults}),
    )  # fmt: skip
    return simulate(store(), scenario, seed)


def by_camera(taken):
    found = {name: [] for name in EYES}
    for shot in taken:
        found[shot.camera].append(shot)
    return found


def test_cameras_expose_together_at_their_rate_and_deliver_soon_after():
    taken = list(shots(simulation(dropped_frames=0, late_frames=0)))
    assert [s.taken_ns for s in taken] == sorted(s.taken_ns for s in taken)
    a, b = by_camera(taken).values()
    assert [s.taken_ns for s in a] == [s.taken_ns for s in b]
    assert set(np.diff([s.taken_ns for s in a])) == {SECOND // 10}
    assert all(20_000_000 <= s.arrival_ns - s.taken_ns <= 50_000_000 for s in taken)
    assert all(s.stamp_ns == s.taken_ns for s in taken)


def test_some_frames_are_lost_and_some_are_late_but_none_overtakes():
    run = simulation(dropped_frames=0.2, late_frames=0.2)
    found = by_camera(shots(run))["a"]
    expected = run.duration_s * 10
    assert 0.65 * expected < len(found) < 0.95 * expected
    delays = np.array([s.arrival_ns - s.taken_ns for s in found]) / SECOND
    assert 0.1 < (delays > 0.1).mean() < 0.6
    assert delays.max() < 0.5
    assert (np.diff([s.arrival_ns for s in found]) > 0).all()


def test_a_camera_can_fall_silent_for_a_while():
    found = by_camera(shots(simulation(silent=(("b", 3.0, 5.0),))))
    begin = simulation().start_ns
    gone = [s for s in found["b"] if 3.0 <= (s.taken_ns - begin) / SECOND < 5.0]
    assert not gone
    assert len(found["a"]) - len(found["b"]) >= 18


def test_clocks_are_off_by_the_same_all_day_and_differ():
    found = by_camera(shots(simulation(clock_offset_s=0.2)))
    offsets = {name: {s.stamp_ns - s.taken_ns for s in of} for name, of in found.items()}
    assert all(len(of) == 1 for of in offsets.values())
    (a,), (b,) = offsets.values()
    assert a != b
    assert max(abs(a), abs(b)) <= SECOND // 5


@pytest.mark.parametrize("from_s", [0.0, 2.34, 5.0])
def test_a_picture_has_the_same_fate_wherever_one_begins(from_s):
    run = simulation(dropped_frames=0.1, late_frames=0.3, clock_offset_s=0.1)
    begin = run.start_ns + from_s * SECOND
    whole = [s for s in shots(run) if s.taken_ns >= begin]
    assert list(shots(run, from_s=from_s)) == whole
    assert list(shots(run, ["b"], from_s)) == [s for s in whole if s.camera == "b"]


def test_frames_come_in_order_of_arrival_and_again_the_same():
    run = simulation(late_frames=0.3)
    first = SimulatedCameras(run, look_for=look_of_any)
    taken = list(itertools.islice(first.frames(from_s=2.0), 24))
    assert [f.arrival_ns for f in taken] == sorted(f.arrival_ns for f in taken)
    assert {f.frame.camera for f in taken} == set(EYES)
    assert all(f.frame.image.shape == (120, 160, 3) for f in taken)
    again = SimulatedCameras(run, ["b"], look_for=look_of_any)
    alone = list(itertools.islice(again.frames("b", from_s=2.0), 8))
    both = [f for f in taken if f.frame.camera == "b"]
    for left, right in zip(alone, both, strict=False):
        assert (left.arrival_ns, left.frame.stamp_ns) == (right.arrival_ns, right.frame.stamp_ns)
        np.testing.assert_array_equal(left.frame.image, right.frame.image)
    first.close()
    again.close()


def test_a_shopper_is_in_the_pictures():
    run = simulation(dropped_frames=0, late_frames=0)
    cameras = SimulatedCameras(run, ["a"], look_for=look_of_any)
    taken = list(cameras.shots())
    (visit,) = run.script.visits
    middle = round((visit.enter_s + visit.exit_s) * 5)
    empty, full = cameras.draw(taken[0]), cameras.draw(taken[middle])
    assert (np.abs(empty.astype(int) - full).max(axis=2) > 30).mean() > 0.01
    noisy = [cameras.deliver(taken[0], empty).image for _ in range(2)]
    np.testing.assert_array_equal(*noisy)
    other = cameras.deliver(taken[1], empty).image
    assert (other != noisy[0]).any()
    cameras.close()


def test_a_scenario_without_bodies_has_no_pictures():
    plain = simulate(store(), Scenario(shoppers=1), 1)
    with pytest.raises(ValueError, match="walk: true"):
        SimulatedCameras(plain, look_for=look_of_any)


def look_of_any(product):
    return look(replace(product, id="p1"))
