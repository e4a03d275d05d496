"""Sightings: what was seen once makes the same windows again, and others with other followers."""

from collections import Counter
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from aisle.fusion.eyes import Eyes, Looked
from aisle.fusion.windows import BLOCKED, FEATURES, SEEN, STATES
from aisle.learning.collect import Teacher, samples_of
from aisle.learning.sightings import (
    RecalledEyes,
    Sightings,
    path_of,
    read,
    record,
    stores_in,
    unseen_frames,
    write,
)
from aisle.learning.sights import store_samples
from aisle.learning.walks import Walk, kept_walk, kept_walks
from aisle.learning.when_seen import WhenSeen
from aisle.records import Action
from aisle.sim.cameras import SimulatedCameras
from aisle.sim.scenario import Actions, Cue, Guest, Scenario
from aisle.sim.simulation import SECOND, simulate
from aisle.store.generate import generate_store
from aisle.store.spec import StoreSpec
from aisle.vision.shelf_sight import Glance
from toy_vision import ByColour, WhereTheyCameIn, watched

TICK = SECOND // 4


@pytest.fixture(scope="module")
def store():
    spec = StoreSpec(gondolas=1, shelves=(2,), plates=(5,), frameless=0.0)
    made = watched(generate_store(np.random.default_rng(3), spec))
    slow = {name: replace(c, rate_hz=4.0) for name, c in made.cameras.items()}
    return replace(made, cameras=slow)


@pytest.fixture(scope="module")
def simulation(store):
    cues = (Cue(who=1, do="take"), Cue(who=1, do="take"))
    scenario = Scenario(walk=True, cast=(Guest(enter_s=1.0),), cues=cues, lead_s=1.0)
    return simulate(store, scenario, 4)


@pytest.fixture(scope="module")
def sightings(simulation):
    found = record(simulation, SimpleNamespace(encoder=ByColour()))
    assert any(looked.hands for looked in found.looked.values())
    return found


def same(one, other):
    assert one.of_what == other.of_what
    assert one.looked.keys() == other.looked.keys()
    for tick, looked in one.looked.items():
        again = other.looked[tick]
        assert looked.glances.keys() == again.glances.keys()
        for name, glance in looked.glances.items():
            assert again.glances[name].tick_ns == tick
            np.testing.assert_allclose(again.glances[name].feature, glance.feature, atol=1e-3)
            np.testing.assert_allclose(again.glances[name].state, glance.state, atol=1e-3)
        assert looked.hands.keys() == again.hands.keys()
        for name, hands in looked.hands.items():
            np.testing.assert_allclose(again.hands[name], hands, atol=1e-6)
        assert (looked.floor is None) == (again.floor is None)
        if looked.floor is not None:
            for a, b in zip(looked.floor, again.floor, strict=True):
                np.testing.assert_array_equal(a, b)


def test_sightings_come_back_from_a_file(tmp_path, sightings):
    glance = Glance(5, np.ones((3, FEATURES), np.float32), np.zeros((3, STATES), np.float32))
    some = [sightings, Sightings({5: Looked({"a": glance}, None), 9: Looked({}, None)}, "x")]
    write(path_of(tmp_path, 3, 7), "digest", some)
    (tmp_path / "sightings-x.npz").write_bytes(b"")
    assert stores_in(tmp_path) == [(3, 7)]
    for one, other in zip(some, read(path_of(tmp_path, 3, 7), "digest"), strict=True):
        same(one, other)
    with pytest.raises(ValueError, match="other networks"):
        read(path_of(tmp_path, 3, 7), "other")


def test_a_file_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "a.npz", **{"encoder": np.array("d"), "0/tick": np.zeros(2)})
    with pytest.raises(ValueError, match="not sightings"):
        read(tmp_path / "a.npz", "d")


def test_windows_of_recalled_sights_are_those_of_the_pictures(store, simulation, sightings):
    looks = {}
    keep = (1.0, 1.0)
    cameras = SimulatedCameras(simulation)
    try:
        eyes = Eyes(store, ByColour(), WhereTheyCameIn(), looks)
        drawn = list(samples_of(simulation, None, keep, eyes, cameras.frames()))
    finally:
        cameras.close()
    recalled = RecalledEyes(store, WhereTheyCameIn(), looks, sightings)
    again = list(samples_of(simulation, None, keep, recalled, unseen_frames(simulation)))
    assert len(drawn) == len(again) > 20
    for one, other in zip(drawn, again, strict=True):
        assert (one.label.kind, one.label.mark) == (other.label.kind, other.label.mark)
        for name, array in one.arrays.items():
            np.testing.assert_allclose(other.arrays[name], array, atol=1e-3, err_msg=name)


def looked_from(simulation, hidden):
    """Every shelf clear at each tick but those for which `hidden` says so."""
    found = {}
    for number in range(round(simulation.duration_s * 4)):
        tick = simulation.start_ns + number * TICK
        glances = {}
        for shelf in simulation.store.shelves.values():
            state = np.zeros((40, STATES), np.float32)
            state[:, SEEN] = 1
            state[:, BLOCKED] = hidden(tick)
            glances[shelf.id] = Glance(tick, np.zeros((40, FEATURES), np.float32), state)
        found[tick] = Looked(glances, None)
    return found


@pytest.fixture(scope="module")
def bare():
    spec = StoreSpec(gondolas=1, shelves=(2,), plates=(5,), bare_shelves=1.0)
    store = generate_store(np.random.default_rng(3), spec)
    actions = Actions(take=0.5, look_and_put_back=0.5)
    scenario = Scenario(walk=True, shoppers=1, stay_s=(30.0, 35.0), lead_s=4.0, actions=actions)
    return simulate(store, scenario, 2)


def test_on_a_bare_shelf_an_event_counts_from_the_first_clear_sight_on(bare):
    events = [event for event, _ in bare.effects]
    assert {event.action for event in events} == {Action.TAKE, Action.RETURN}
    at_once = WhenSeen(bare, looked_from(bare, lambda tick: False)).effects
    assert [replace(e, stamp_ns=0) for e, _ in at_once] == [replace(e, stamp_ns=0) for e in events]
    for (event, _), true in zip(at_once, events, strict=True):
        assert 0 <= event.stamp_ns - true.stamp_ns < TICK


def test_what_is_undone_before_anybody_sees_it_never_was(bare):
    returned = next(e for e, _ in bare.effects if e.action is Action.RETURN)
    pair = [
        e for e, _ in bare.effects
        if e.product == returned.product and abs(e.stamp_ns - returned.stamp_ns) < 15 * SECOND
    ]  # fmt: skip
    assert [e.action for e in pair] == [Action.TAKE, Action.RETURN]
    first, last = pair[0].stamp_ns, pair[1].stamp_ns
    hide = looked_from(bare, lambda tick: first - 3 * SECOND < tick < last + SECOND)
    told = [e for e, _ in WhenSeen(bare, hide).effects]
    assert not any(e.product == returned.product and e.stamp_ns <= last + 2 * SECOND for e in told)
    others = [e for e, _ in bare.effects if not first <= e.stamp_ns <= last + SECOND]
    assert len(told) >= len(others) > 0
    at_once = [e for e, _ in WhenSeen(bare, looked_from(bare, lambda tick: False)).effects]
    assert sum(e.product == returned.product for e in at_once) >= 2


def test_what_is_never_seen_is_not_told(bare):
    assert WhenSeen(bare, looked_from(bare, lambda tick: True)).effects == ()


def test_without_scales_what_is_not_seen_yet_is_no_answer(store, simulation):
    events = [event for event, _ in simulation.effects]
    before = events[0].stamp_ns - SECOND
    hide = looked_from(simulation, lambda tick: before < tick < events[0].stamp_ns + 2 * SECOND)
    when = WhenSeen(simulation, hide)
    assert when.effects == tuple(simulation.effects)
    found = list(samples_of(simulation, None, (1.0, 1.0), seen=when))
    kinds = Counter(
        (s.label.kind, None if s.unweighed is None else s.unweighed.kind) for s in found
    )
    assert kinds["change", "none"]
    assert kinds["change", "change"]
    for sample in found:
        if sample.unweighed is not None and sample.unweighed.kind == "change":
            assert not sample.unweighed.delta.any()


def test_a_recording_ends_when_it_ends_whoever_answers(simulation):
    ends = []
    for model in (None, Teacher(simulation.effects, np.random.default_rng(0))):
        seen = []

        class Watching(RecalledEyes):
            def looked(self, tick_ns, seen=seen):
                seen.append(tick_ns)
                return Looked({}, None)

        eyes = Watching(simulation.store, WhereTheyCameIn(), {}, Sightings({}, ""))
        list(samples_of(simulation, model, (0.0, 0.0), eyes, unseen_frames(simulation)))
        ends.append(seen)
    assert ends[0] == ends[1]
    assert ends[0]


def test_sightings_of_another_simulation_are_refused(sightings, simulation, monkeypatch):
    monkeypatch.setattr("aisle.learning.sights.simulations", lambda *_: [simulation])
    vision = SimpleNamespace(follower=WhereTheyCameIn(), looks_of=lambda _: {})
    assert store_samples(1, 0, vision, [sightings], None)
    with pytest.raises(ValueError, match="was another one"):
        store_samples(1, 0, vision, [replace(sightings, of_what="other")], None)


def test_a_file_that_was_cut_off_is_refused(tmp_path, sightings):
    path = path_of(tmp_path, 1, 1)
    write(path, "d", [sightings])
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="cut off"):
        read(path, "d")


def test_clips_of_walks_come_of_sightings(simulation, sightings, tmp_path, monkeypatch):
    monkeypatch.setattr("aisle.learning.walks.simulations", lambda *_: [simulation] * 2)
    write(path_of(tmp_path / "kept", 3, 7), "digest", [sightings] * 2)
    first = next(kept_walks(tmp_path / "walks", tmp_path / "kept"))
    second = list(kept_walks(tmp_path / "walks", tmp_path / "kept"))
    assert [path.stem for path, _ in (first, *second)] == ["walk-s3-00007-0", "walk-s3-00007-1"]
    assert list(kept_walks(tmp_path / "walks", tmp_path / "kept")) == []
    path, walk = first
    again = Walk.load(path)
    np.testing.assert_array_equal(again.pictures, walk.pictures)
    ticks = sorted(tick for tick, looked in sightings.looked.items() if looked.floor is not None)
    assert len(walk.pictures) == (ticks[-1] - ticks[0]) // TICK + 1
    before = walk.pictures[0]
    for row, picture in enumerate(walk.pictures):
        looked = sightings.looked.get(ticks[0] + row * TICK)
        if looked is not None and looked.floor is not None:
            before = looked.floor[0]
        np.testing.assert_array_equal(picture, before)
    assert np.isfinite(walk.head[walk.opens[0] + 4 : walk.closes[0] - 4]).all()
    with pytest.raises(ValueError, match="another simulation"):
        kept_walk(simulation, replace(sightings, of_what="other"))
    two = {
        tick: replace(looked, floor=looked.floor and tuple(part[:2] for part in looked.floor))
        for tick, looked in sightings.looked.items()
    }
    with pytest.raises(ValueError, match="of 2 planes"):
        kept_walk(simulation, replace(sightings, looked=two))
