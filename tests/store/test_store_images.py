import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from store_samples import SOUND

from aisle.store import images
from aisle.store.images import ImageError, check_images, read_image
from aisle.store.load import load_store
from aisle.store.problems import Report

FRONT = (SOUND / "images/lemonade/front.jpg").read_bytes()


def saved(path, image, **options):
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", ["png", "webp"])
def test_clear_ground_becomes_white(tmp_path, suffix):
    image = Image.new("RGBA", (60, 50), (255, 0, 0, 0))
    image.paste((0, 0, 255, 255), (0, 0, 30, 50))
    found = read_image(saved(tmp_path / f"a.{suffix}", image, lossless=True))
    assert found.shape == (50, 60, 3)
    assert found.dtype == np.uint8
    assert found[0, 0].tolist() == [0, 0, 255]
    assert found[0, 59].tolist() == [255, 255, 255]


def test_a_photo_taken_sideways_is_turned(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path / "a.jpg", Image.new("RGB", (80, 60)), exif=exif)
    assert read_image(path).shape == (80, 60, 3)


def test_what_is_no_usable_picture_is_refused_with_its_reason(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ImageError, match="neither"):
        read_image(tmp_path / "a.png")
    with pytest.raises(ImageError, match="cannot be read"):
        read_image(tmp_path / "absent.png")
    with pytest.raises(ImageError, match="none of"):
        read_image(saved(tmp_path / "a.gif", Image.new("L", (60, 60))))
    with pytest.raises(ImageError, match="5000x60 is too large"):
        read_image(saved(tmp_path / "wide.png", Image.new("L", (5000, 60))))
    monkeypatch.setattr(images, "MAX_BYTES", 100)
    with pytest.raises(ImageError, match="larger"):
        read_image(saved(tmp_path / "b.png", Image.effect_noise((60, 60), 50)))


def test_a_jpeg_of_thousands_of_passes_is_refused(tmp_path):
    data = io.BytesIO()
    Image.new("RGB", (64, 64)).save(data, "JPEG", progressive=True)
    whole = data.getvalue()
    scan = whole.rindex(b"\xff\xda")
    (tmp_path / "a.jpg").write_bytes(whole[:scan] + 100 * whole[scan:-2] + whole[-2:])
    with pytest.raises(ImageError, match="scans"):
        read_image(tmp_path / "a.jpg")


@given(st.integers(0, len(FRONT)), st.binary(max_size=40), st.integers(0, len(FRONT)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_damaged_bytes_give_a_picture_or_a_reason(tmp_path, at, new, end):
    path = tmp_path / "a.jpg"
    path.write_bytes((FRONT[:at] + new + FRONT[at + len(new) :])[:end])
    try:
        found = read_image(path)
    except ImageError:
        return
    assert found.shape[2] == 3


def test_only_cameras_need_pictures():
    store, _ = load_store(SOUND)
    bare = {id_: replace(product, images=()) for id_, product in store.products.items()}
    with_cameras, without = Report(), Report()
    check_images(replace(store, products=bare), with_cameras)
    check_images(replace(store, products=bare, cameras={}), without)
    assert [p.file for p in with_cameras.problems] == ["images"]
    assert without.problems == []
