"""A store's fusion gets eyes where model, cameras and Open3D are there; what is missing is said."""

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from aisle.fusion.maker import FusionMaker
from aisle.fusion.runtime import ModelError
from aisle.store.generate import generate_store
from aisle.store.geometry3d import Open3DMissing
from aisle.store.spec import StoreSpec
from aisle.store.write import write_store
from aisle.vision import networks
from toy_vision import ToyVision, watched

SIGHT, NO_SIGHT = (SimpleNamespace(sight=sight, manifest={}) for sight in (True, False))
SPEC = StoreSpec(gondolas=1, shelves=(2,), plates=(4,), frameless=0.0)


@pytest.fixture(scope="module")
def store():
    return watched(generate_store(np.random.default_rng(5), SPEC))


@pytest.fixture
def catalogue(store, tmp_path):
    """A folder with pictures of two products, of a third only damaged ones."""
    folder = write_store(store, tmp_path / "shop")
    for number, name in enumerate(list(store.products)[:3]):
        image = folder / "images" / name / "front.png"
        image.parent.mkdir(parents=True)
        cv2.imwrite(str(image), np.full((60, 60, 3), 20 + 50 * number, np.uint8))
    image.write_bytes(image.read_bytes()[:50])
    return folder


def test_a_model_without_sight_makes_no_eyes_and_loads_no_networks(store, catalogue, monkeypatch):
    monkeypatch.setattr(networks, "load_vision", lambda *_: pytest.fail("they were loaded"))
    maker = FusionMaker(NO_SIGHT, catalogue)
    assert maker.make(store).eyes is None
    assert (maker.sight, maker.warnings) == (False, ())


def test_networks_that_cannot_be_loaded_are_an_error_at_once(tmp_path):
    with pytest.raises(ModelError, match=r"no vision\.json"):
        FusionMaker(SIGHT, networks=tmp_path)
    assert not FusionMaker(SIGHT, networks=tmp_path, cameras=False).sight


def test_cameras_are_not_used_where_nobody_publishes_them(store):
    maker = FusionMaker(SIGHT, cameras=False, vision=ToyVision())
    assert maker.make(store).eyes is None
    assert "the store's cameras are not used" in maker.warnings[0]
    maker.make(replace(store, cameras={}))
    assert maker.warnings == ()


def test_products_look_as_their_pictures_do_and_damaged_ones_are_named(store, catalogue):
    maker = FusionMaker(SIGHT, catalogue, vision=ToyVision())
    eyes = maker.make(store).eyes
    first, second, third = list(store.products)[:3]
    assert set(eyes.looks) == {first, second}
    assert eyes.cameras == tuple(store.cameras)
    assert maker.counters["unreadable_catalogue_pictures"] == 1
    assert f"{third}/front.png: damaged" in maker.warnings[0]


def test_a_store_without_cameras_needs_no_pictures(store):
    maker = FusionMaker(SIGHT, vision=ToyVision())
    assert maker.make(replace(store, cameras={})).eyes is None
    assert maker.warnings == ()


@pytest.mark.parametrize(
    ("folder", "said"),
    [(None, "no `catalogue`"), ("nowhere", "missing-file"), (".", "no pictures")],
)
def test_without_pictures_cameras_still_see_that_something_changed(store, tmp_path, folder, said):
    write_store(store, tmp_path / "shop")
    path = folder and tmp_path / "shop" / folder
    maker = FusionMaker(SIGHT, path, vision=ToyVision())
    eyes = maker.make(store).eyes
    assert eyes.looks == {}
    assert said in " ".join(maker.warnings)


def test_without_open3d_there_are_no_eyes_and_a_sentence(store):
    class Blind(ToyVision):
        def eyes(self, store, looks):
            raise Open3DMissing("Open3D cannot be used")

    maker = FusionMaker(SIGHT, vision=Blind())
    assert maker.make(store).eyes is None
    assert "the store's cameras are not used: Open3D cannot be used" in maker.warnings


def test_what_is_missing_is_said_of_the_last_store_only(store):
    maker = FusionMaker(SIGHT, vision=ToyVision())
    maker.make(store)
    assert maker.warnings
    maker.make(replace(store, cameras={}))
    assert maker.warnings == ()
