"""Pictures for the encoder: what is cut out is what the label says."""

import math
from dataclasses import replace

import numpy as np
import pytest

from aisle.learning import looks as module
from aisle.learning.array_files import load, save
from aisle.learning.column_labels import BLOCKED, EMPTY, UNSEEN, label_columns, truth_map
from aisle.learning.looks import Looks, look_at_store
from aisle.sim.render.device import RenderingError, open_device
from aisle.sim.render.sensor import CameraModel, CameraQuality
from aisle.store.generate import generate_store
from aisle.store.geometry import translation
from aisle.store.spec import StoreSpec
from aisle.store.types import Camera, Shelf, Store
from aisle.vision.catalogue import catalogue_picture
from aisle.vision.strips import COLUMN_PX, ROWS, ShelfStrips, strip_width

SMALL = StoreSpec(
    gondolas=1, shelves=(1,), plates=(4,), plate_width_m=(0.2, 0.2), assortment=8, cameras=1,
    camera_pixels=(320, 240), span=((1, 1.0),), empty_plates=0.0, first_board_m=0.8,
)  # fmt: skip


def column(*parts):
    """[ROWS, COLUMN_PX] of (share, what) from the top."""
    shown = np.full((ROWS, COLUMN_PX), EMPTY, np.int16)
    row = 0
    for share, what in parts:
        shown[row : row + round(share * ROWS)] = what
        row += round(share * ROWS)
    return shown


@pytest.mark.parametrize(
    ("parts", "label", "weight"),
    [
        ([], EMPTY, 1.0),
        ([(0.5, 2)], 2, 1.0),
        ([(0.125, 2)], 2, 0.5),
        ([(0.5, BLOCKED), (0.25, 1)], BLOCKED, 1.0),
        ([(0.5, 0), (0.25, BLOCKED)], 0, 1.0),
    ],
)
def test_a_column_is_what_it_shows_most(parts, label, weight):
    got, counts = label_columns(column(*parts), 3)
    assert (got.tolist(), counts.tolist()) == ([label], [weight])


@pytest.mark.parametrize(
    "parts", [[(0.5, 0), (0.5, 1)], [(0.05, 1)], [(0.5, UNSEEN), (0.5, 1)], [(1.0, UNSEEN)]]
)
def test_a_mixed_or_hidden_column_does_not_count(parts):
    assert label_columns(column(*parts), 3)[1].tolist() == [0.0]


def test_columns_are_judged_one_by_one():
    shown = np.hstack([column((1.0, 1)), column(), column((1.0, BLOCKED))])
    assert label_columns(shown, 2)[0].tolist() == [1, EMPTY, BLOCKED]


def watched_shelf(distortion):
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack([[1, 0, 0], [0, -math.sin(0.6), -math.cos(0.6)],
                                    [0, math.cos(0.6), -math.sin(0.6)]])  # fmt: skip
    pose[:3, 3] = 0.7, -0.9, 1.9
    camera = Camera("c", pose, 200, 150, 1.3, distortion=distortion)
    shelf = Shelf("g/s", "g", (1.2, 0.4, 0.3), translation(0.0, 0.0, 1.0), ())
    return Store("s", "EUR", {}, {}, {"g/s": shelf}, {}, {}, {}, {}, {"c": camera})


@pytest.mark.parametrize("lens", [(0.0,) * 5, (-0.15, 0.02, 5e-4, -5e-4, 0.0)])
def test_names_are_cut_where_colours_are_cut(lens):
    store = watched_shelf(lens)
    camera, shelf = store.cameras["c"], store.shelves["g/s"]
    model = CameraModel(camera, CameraQuality())
    size = model.ideal.height, model.ideal.width
    y, x = np.mgrid[: size[0], : size[1]]
    # Which pixel it was, as a colour that survives interpolation.
    ideal = np.stack([x, y, np.zeros_like(x)], -1).astype(np.uint8)
    strips = ShelfStrips(store)
    strip = strips.strip(strips.views("g/s")[0], model.apply(ideal, 0)).astype(int)
    where = truth_map(model.ideal, shelf)
    assert where.shape == (ROWS, strip_width(shelf))
    inside = (where >= 0) & (strip[..., :2] > 1).all(-1)
    assert inside.mean() > 0.8
    off = np.stack([where % size[1], where // size[1]], -1) - strip[..., :2]
    assert np.abs(off[inside]).max() <= 2


@pytest.fixture(scope="module")
def store_looks():
    try:
        open_device().release()
    except RenderingError as error:
        pytest.skip(str(error))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "looks_spec", lambda rng: SMALL)
        return look_at_store(5, 0, 2)


def test_a_rendered_store_shows_goods_that_are_in_its_catalogue(store_looks):
    looks = store_looks
    columns = int(looks.columns.sum())
    assert looks.strips.shape == (ROWS, columns * COLUMN_PX, 3)
    assert len(looks.label) == len(looks.weight) == len(looks.px_per_dm) == columns
    sure = looks.weight > 0
    assert sure.mean() > 0.5
    assert looks.label[sure].max() < len(looks.products) == len(looks.catalogue)
    assert (looks.label[sure] >= 0).any()


def test_a_columns_colours_are_its_products(store_looks):
    looks = store_looks
    goods = [picture[0][(picture[0] < 245).any(-1)] for picture in looks.catalogue]
    mean = np.array([pixels.mean(0) for pixels in goods])
    mean /= np.linalg.norm(mean, axis=1, keepdims=True)
    own, other = [], []
    for i in np.flatnonzero((looks.weight == 1) & (looks.label >= 0)):
        pixels = looks.strips[:, i * COLUMN_PX : (i + 1) * COLUMN_PX].reshape(-1, 3)
        colour = pixels.mean(0) / np.linalg.norm(pixels.mean(0))
        likeness = mean @ colour
        own.append(likeness[looks.label[i]])
        other.append(np.delete(likeness, looks.label[i]).mean())
    assert np.mean(own) > np.mean(other)


def test_a_file_holds_all_and_nothing_else_is_read(store_looks, tmp_path):
    path = tmp_path / "looks.npz"
    save(store_looks, path)
    again = load(Looks, path)
    for name, value in vars(store_looks).items():
        assert np.array_equal(getattr(again, name), value)
    assert [p.name for p in tmp_path.iterdir()] == ["looks.npz"]
    np.savez(path, strips=store_looks.strips)
    with pytest.raises(ValueError, match="catalogue"):
        load(Looks, path)


def test_random_stores_can_be_built():
    for seed in range(4):
        spec = module.looks_spec(np.random.default_rng(seed))
        store = generate_store(np.random.default_rng(seed), replace(spec, cameras=0, assortment=20))
        assert len(store.products) > 10


@pytest.mark.parametrize(("width", "height"), [(40, 80), (120, 240)])
def test_a_catalogue_picture_has_the_scale_of_strips(width, height):
    photo = np.full((300, 300, 3), 255, np.uint8)
    photo[20 : 20 + height, 30 : 30 + width] = 90
    picture = catalogue_picture(photo, (0.1, 0.08, 0.2))
    ys, xs = np.nonzero((picture < 245).any(-1))
    assert picture.shape == (ROWS, ROWS, 3)
    assert abs(np.ptp(xs) + 1 - 25.6) < 1.5
    assert abs(np.ptp(ys) + 1 - 51.2) < 1.5


def test_a_large_product_fits_and_a_blank_photo_stays_blank():
    photo = np.full((100, 60, 3), 90, np.uint8)
    assert (catalogue_picture(photo, (0.3, 0.1, 0.5))[0] == 255).all()
    assert (catalogue_picture(np.full_like(photo, 255), (0.1, 0.1, 0.1)) == 255).all()
