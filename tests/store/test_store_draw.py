import pytest
from matplotlib.colors import to_rgb
from store_samples import SOUND

from aisle.store.coverage import coverage
from aisle.store.draw import draw_store
from aisle.store.draw_coverage import UNSEEN, Seen
from aisle.store.floor import FloorPlan
from aisle.store.geometry3d import StoreGeometry
from aisle.store.load import read_store_files
from aisle.store.model import with_slot_change


@pytest.fixture
def written(monkeypatch):
    """What is written into pictures while the test runs."""
    from matplotlib.axes import Axes

    found = []
    text = Axes.text

    def spy(self, x, y, s, **options):
        found.append(s)
        return text(self, x, y, s, **options)

    monkeypatch.setattr(Axes, "text", spy)
    return found


def test_every_slot_and_frame_is_named_in_the_picture(tmp_path, written):
    files = read_store_files(SOUND)
    store = with_slot_change(files.store, "lemonade", "g1/s1", ("g1/s1/p2",), 1)
    draw_store(store, files.floor_plan, tmp_path / "shop.png")
    assert (tmp_path / "shop.png").read_bytes().startswith(b"\x89PNG")
    everything = " ".join(written).replace("\n", " ")
    for name in ("Oat Crunch Bar 40 g", "Crisps, small", "350 g", "f1 (fridge)", "drinks", "p3"):
        assert name in everything
    assert everything.count("Lemonade 330 ml") == 2


def test_a_store_without_floor_plan_and_poses_is_drawn(tmp_path):
    from dataclasses import replace

    store = read_store_files(SOUND).store
    lost = replace(
        store,
        shelves={id_: replace(shelf, pose=None) for id_, shelf in store.shelves.items()},
        plates={id_: replace(plate, pose=None) for id_, plate in store.plates.items()},
    )
    draw_store(lost, FloorPlan(), tmp_path / "lost.png")
    assert (tmp_path / "lost.png").stat().st_size > 1000


def test_slots_are_marked_with_what_cameras_see_of_them(tmp_path, written):
    files = read_store_files(SOUND)
    geometry = StoreGeometry()
    seen = Seen(coverage(files.store, files.robot, geometry=geometry), geometry, 50)
    assert [slot for slot in files.store.slots if seen.is_poor(slot)] == list(
        seen.coverage.poor(50)
    )
    assert seen.colour("f1/s1/96385074") == to_rgb(UNSEEN)
    draw_store(files.store, files.floor_plan, tmp_path / "shop.png", seen)
    everything = " ".join(written)
    assert "53 px cam1" in everything
    assert "unseen" in everything
    assert (tmp_path / "shop.png").read_bytes().startswith(b"\x89PNG")
