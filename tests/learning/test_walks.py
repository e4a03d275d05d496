"""Clips show what they claim: somebody stands under each head."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.learning import walks
from aisle.learning.walk_plans import Outages, walk_scenario, walk_store
from aisle.learning.walks import Walk, drawing, record, write_walks
from aisle.sim.scenario import Scenario
from aisle.store.generate import generate_store
from aisle.store.placement import looking
from aisle.store.spec import StoreSpec
from aisle.store.types import Camera
from aisle.vision.floor_map import CELL_M, PLANES_M


@pytest.fixture(scope="module")
def clip():
    spec = StoreSpec(gondolas=2, shelves=(1,), plates=(4,), plate_width_m=(0.2, 0.2), slots=4)
    store = generate_store(np.random.default_rng(4), spec)
    places = [fixture.pose[:3, 3] for fixture in store.fixtures.values()]
    middle = np.append(np.mean(places, axis=0)[:2], 0.0)
    pose = looking(middle + np.array([0.0, 0.0, 4.5]), middle)
    store = replace(store, cameras={"above": Camera("above", pose, 240, 180, 1.6)})
    scenario = Scenario(
        walk=True, shoppers=2, together=2, stay_s=(8.0, 9.0), action_s=2.0, lead_s=0.5
    )
    return record(store, scenario, 3)


def test_somebody_is_seen_under_each_head(clip):
    other = np.abs(clip.pictures[:, 0] - np.median(clip.pictures[:, 0], 0)).max(-1)
    under, anywhere = [], []
    height, width = clip.seen.shape[2:]
    for tick, person in np.argwhere(~np.isnan(clip.head[..., 0])):
        column, row = (clip.head[tick, person, :2] / CELL_M).astype(int)
        if 1 <= column < width - 1 and 1 <= row < height - 1 and clip.seen[tick, 0, row, column]:
            under.append(other[tick, row - 1 : row + 2, column - 1 : column + 2].max())
            anywhere.append(np.median(other[tick][clip.seen[tick, 0] > 0]))
    assert len(under) > 30
    assert np.mean(np.array(under) > np.array(anywhere) + 15) > 0.9


def test_sessions_open_at_the_gate_and_hands_are_within_reach(clip):
    for session, tick in enumerate(clip.opens):
        if tick >= 0:
            person = list(clip.session).index(session)
            assert np.linalg.norm(clip.head[tick, person, :2] - clip.gate[session]) < 0.6
    far = np.linalg.norm(clip.hands - clip.head[:, :, None], axis=-1)
    assert np.nanmax(far) < 1.4
    assert clip.open.any(0).all()
    assert set(np.round(clip.seat * 4).astype(int).ravel()) <= {0, 1, 2}


def test_the_drawing_shows_all_planes_the_highest_first(clip):
    pictures = np.zeros_like(clip.pictures)
    pictures[:] = np.round(np.array(PLANES_M) * 100).astype(np.uint8)[:, None, None, None]
    nobody = replace(clip, pictures=pictures, head=clip.head * np.nan)
    sheet = drawing(nobody, 0, zoom=2)
    height, width = clip.seen.shape[2:]
    assert sheet.shape == (2 * height, 2 * len(PLANES_M) * width, 3)
    assert sheet[0, :: 2 * width, 0].tolist() == [160, 130, 100, 70]
    tick = len(clip.pictures) // 2
    parts = np.split(drawing(clip, tick, zoom=2), len(PLANES_M), axis=1)
    plain = np.split(drawing(replace(clip, head=clip.head * np.nan), tick, zoom=2), 4, axis=1)
    marks = [np.argwhere((a != b).any(-1)) for a, b in zip(parts, plain, strict=True)]
    # Circles around heads are alike on all planes but that of hands.
    np.testing.assert_array_equal(marks[0], marks[1])
    np.testing.assert_array_equal(marks[0], marks[3])
    assert 0 < len(marks[2]) < len(marks[0])


def test_a_clip_comes_back_from_its_file_and_nothing_else_does(clip, tmp_path):
    clip.save(tmp_path / "walk.npz")
    again = Walk.load(tmp_path / "walk.npz")
    for part in fields(Walk):
        np.testing.assert_array_equal(getattr(again, part.name), getattr(clip, part.name))
    whole = (tmp_path / "walk.npz").read_bytes()
    np.savez(tmp_path / "other.npz", head=np.zeros(3))
    np.savez(tmp_path / "objects.npz", head=np.array([{}], object))
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.npz").write_text("no clip")
    for name in ("other", "objects", "cut", "text", "absent"):
        with pytest.raises(ValueError, match=name):
            Walk.load(tmp_path / f"{name}.npz")
    replace(clip, pictures=clip.pictures[:, :2], seen=clip.seen[:, :2]).save(tmp_path / "old.npz")
    with pytest.raises(ValueError, match=r"old\.npz: a clip of 2 planes"):
        Walk.load(tmp_path / "old.npz")


def test_writing_goes_on_where_it_ended(clip, tmp_path, monkeypatch):
    monkeypatch.setattr(walks, "walk_store", lambda rng: None)
    monkeypatch.setattr(walks, "record", lambda store, scenario, seed: clip)
    minutes = 2 * len(clip.pictures) * 0.25 / 60
    assert [path.stem for path, _ in write_walks(tmp_path, minutes / 2, 1)] == ["walk-000000"]
    assert [path.stem for path, _ in write_walks(tmp_path, minutes, 1)] == ["walk-000001"]
    assert list(write_walks(tmp_path, minutes, 1)) == []


def test_drawn_stores_have_cameras_of_one_width():
    store = walk_store(np.random.default_rng(2))
    assert len(store.cameras) >= 3
    assert {camera.width for camera in store.cameras.values()} == {320}
    assert walk_scenario(np.random.default_rng(2)).walk


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_no_picture_is_older_than_a_tick(seed):
    outages = Outages(("a", "b"), 40, np.random.default_rng(seed))
    last = {}
    for tick in range(40):
        fresh = {name: np.full((1, 1, 3), tick, np.uint8) for name in ("a", "b")}
        for image in outages.views(tick, fresh, last).values():
            assert tick - int(image[0, 0, 0]) in (0, 1)
        last = fresh
