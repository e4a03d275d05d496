from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_samples import FULL_RACK, SOUND, assert_same_store

from aisle.store.generate import StoreSpec, generate_store
from aisle.store.geometry import pose_from_rpy
from aisle.store.load import load_store
from aisle.store.problems import StoreError
from aisle.store.types import Camera
from aisle.store.write import write_store

specs = st.builds(
    StoreSpec,
    name=st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1),
    currency=st.sampled_from(["EUR", "JPY", "KWD"]),
    gondolas=st.integers(1, 2),
    fridges=st.integers(0, 1),
    shelves=st.just((1, 2)),
    plates=st.sampled_from([(1,), (3, 5), (7,)]),
    plate_width_m=st.sampled_from([(0.1, 0.1), (0.07, 0.3)]),
    shared_plates=st.sampled_from([0.0, 0.6]),
    frameless=st.sampled_from([0.0, 0.7]),
    bare_shelves=st.sampled_from([0.0, 0.4]),
    doubled=st.sampled_from([0.0, 0.2]),
    weight_kg=st.just((0.005, 3.0)),
    rate_hz=st.sampled_from([60.0, 12.5]),
)


@settings(max_examples=10, deadline=None)
@given(spec=specs, seed=st.integers(0, 2**32))
def test_what_is_written_loads_as_the_same_store(tmp_path_factory, spec, seed):
    store = generate_store(np.random.default_rng(seed), spec)
    loaded, problems = load_store(write_store(store, tmp_path_factory.mktemp("store")))
    assert_same_store(loaded, store)
    assert {problem.rule for problem in problems} <= {"plate-without-frame"}


def test_cameras_images_and_turned_fixtures_survive(tmp_path):
    store = generate_store(np.random.default_rng(4), StoreSpec(gondolas=1, shelves=(1,)))
    pose = pose_from_rpy((0.3, -0.2, 2.5), (-2.5, 0.3, 1.2))
    front = tmp_path / "front.png"
    front.write_bytes(b"picture")
    first, *rest = store.products.values()
    store = replace(
        store,
        cameras={"cam1": Camera("cam1", pose, 1280, 720, 1.2)},
        products={first.id: replace(first, images=(front,)), **{p.id: p for p in rest}},
    )
    loaded, _ = load_store(write_store(store, tmp_path / "store"))
    np.testing.assert_allclose(loaded.cameras["cam1"].pose, pose, atol=1e-6)
    (image,) = loaded.products[first.id].images
    assert image == tmp_path / "store" / "images" / first.id / "front.png"
    assert image.read_bytes() == b"picture"


def test_a_store_written_twice_is_the_same_text(tmp_path):
    store, _ = load_store(SOUND)
    first = write_store(store, tmp_path / "first")
    again, _ = load_store(first)
    second = write_store(again, tmp_path / "second")
    names = {path.relative_to(first) for path in first.rglob("*") if path.is_file()}
    assert Path("catalogue.csv") in names
    assert any(name.parts[0] == "images" for name in names)
    for name in names:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_plates_of_any_order_and_place_survive(tmp_path):
    store, problems = load_store(SOUND)
    assert problems == []
    assert store.shelves["f1/s1"].plates == ("f1/s1/p1", "f1/s1/p2")
    assert store.controllers["right"].plates == ("f1/s1/p2", "f1/s1/p1")
    assert store.plates["f1/s1/p1"].channel == 1
    assert store.plates["f1/s1/p1"].capacity_kg == 10
    # The fridge is turned by half a turn about its front left corner at (2, -1).
    np.testing.assert_allclose(store.plates["f1/s1/p1"].pose[:3, 3], [1.875, -1.2, 0.5], atol=1e-9)
    np.testing.assert_allclose(store.cameras["cam1"].pose[:3, 2], [0, 0, -1], atol=1e-9)
    loaded, _ = load_store(write_store(store, tmp_path))
    assert_same_store(loaded, store)


def test_what_the_formats_cannot_say_is_refused(tmp_path):
    store, _ = load_store(SOUND)
    plate = replace(store.plates["g1/s1/p1"], capacity_kg=5.0)
    with pytest.raises(ValueError, match="capacity"):
        write_store(replace(store, plates={**store.plates, plate.id: plate}), tmp_path)


def test_the_shipped_store_is_usable():
    store, problems = load_store(FULL_RACK)
    assert len(store.fixtures) == 5
    assert {len(f.shelves) for f in store.fixtures.values()} == {5, 6}
    assert {len(s.plates) for s in store.shelves.values()} == {9, 12}
    assert 110 <= len(store.slots) <= 130
    assert {len(slot.plates) for slot in store.slots.values()} == {1, 2, 3, 4, 6}
    assert any(plate.pose is None for plate in store.plates.values())
    assert {problem.rule for problem in problems} == {"plate-without-frame"}
    assert {gate.kind for gate in store.gates.values()} == {"entry", "exit"}


def test_an_absent_folder_is_a_store_error(tmp_path):
    with pytest.raises(StoreError, match="not a folder"):
        load_store(tmp_path / "nowhere")
