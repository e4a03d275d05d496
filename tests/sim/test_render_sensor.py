import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from aisle.sim.render.sensor import CameraModel, CameraQuality
from aisle.store.camera import intrinsics, project, rays
from aisle.store.types import Camera

CAMERA = Camera("a", np.eye(4), 320, 240, math.radians(75))
BENT = replace(CAMERA, distortion=(-0.09, 0.01, 5e-4, -4e-4, 0.0))
MEASURED = replace(BENT, focal_px=(214.0, 205.0), centre_px=(151.3, 127.8))


def grey(model, value=120):
    return np.full((model.ideal.height, model.ideal.width, 3), value, np.uint8)


def test_a_camera_without_faults_changes_nothing():
    model = CameraModel(CAMERA, CameraQuality())
    picture = np.random.default_rng(0).integers(0, 256, (240, 320, 3)).astype(np.uint8)
    assert model.ideal == CAMERA
    assert np.array_equal(model.apply(picture, 0), picture)


def test_no_lens_is_invented():
    measured = replace(MEASURED, distortion=CAMERA.distortion)
    assert CameraModel(CAMERA, seed=5).ideal == CAMERA
    assert CameraModel(measured, seed=5).ideal == measured


def test_the_same_seed_and_number_give_the_same_bytes_and_others_do_not():
    first, again, other = (CameraModel(CAMERA, seed=s) for s in (3, 3, 4))
    assert first.quality == again.quality != other.quality
    picture = grey(first)
    assert np.array_equal(first.apply(picture, 5), again.apply(picture, 5))
    assert not np.array_equal(first.apply(picture, 5), first.apply(picture, 6))


@pytest.mark.parametrize("camera", [BENT, MEASURED])
def test_distortion_is_that_of_opencv(camera):
    model = CameraModel(camera, CameraQuality())
    ideal = grey(model, 0)
    rays = np.array([[x, y, 1.0] for x in (-0.6, -0.2, 0.3, 0.65) for y in (-0.45, 0.1, 0.4)])
    k = intrinsics(model.ideal)
    for x, y in np.round((rays @ k.T)[:, :2]).astype(int):
        ideal[y - 2 : y + 3, x - 2 : x + 3] = 255
    delivered = model.apply(ideal, 0)[..., 0]
    at = np.round(rays @ k.T)[:, :2]
    exact = np.column_stack([(at - k[:2, 2]) / np.diag(k)[:2], np.ones(len(at))])
    expected, _ = cv2.projectPoints(
        exact, np.zeros(3), np.zeros(3), intrinsics(camera), np.array(camera.distortion)
    )
    for x, y in expected[:, 0]:
        window = delivered[round(y) - 5 : round(y) + 6, round(x) - 5 : round(x) + 6].astype(float)
        rows, columns = np.mgrid[round(y) - 5 : round(y) + 6, round(x) - 5 : round(x) + 6]
        centre = np.array([(columns * window).sum(), (rows * window).sum()]) / window.sum()
        assert np.abs(centre - (x, y)).max() < 0.35


@pytest.mark.parametrize("camera", [BENT, MEASURED])
def test_the_ideal_picture_holds_every_corner_of_a_bent_one(camera):
    model = CameraModel(camera, CameraQuality())
    assert model.ideal.width > camera.width
    assert np.diag(intrinsics(model.ideal)) == pytest.approx(np.diag(intrinsics(camera)))
    assert not any(model.ideal.distortion)
    assert model.apply(grey(model), 0).min() == 120


@pytest.mark.parametrize("light", [30, 200])
def test_noise_is_as_strong_as_stated(light):
    model = CameraModel(CAMERA, CameraQuality(shot_noise=5.0, read_noise=2.0))
    noise = model.apply(grey(model, light), 1).astype(float) - light
    expected = math.sqrt(2.0**2 + 5.0**2 * light / 255)
    assert noise.std() == pytest.approx(expected, rel=0.15)
    assert abs(noise.mean()) < 0.3


def test_corners_are_darker_and_gain_and_white_balance_hold():
    quality = CameraQuality(gain=1.2, white=(1.1, 1.0, 0.9), vignetting=0.3)
    delivered = CameraModel(CAMERA, quality).apply(grey(CameraModel(CAMERA, quality), 100), 0)
    assert delivered[120, 160] == pytest.approx([132, 120, 108], abs=2)
    assert delivered[0, 0] == pytest.approx(0.7 * np.array([132, 120, 108]), abs=3)


def test_what_moved_is_blurred_and_the_rest_is_not():
    model = CameraModel(CAMERA, CameraQuality(motion_px=4.0))
    before, now = grey(model), grey(model)
    before[50:60, 50:60] = 255
    now[50:60, 55:65] = 255
    delivered = model.apply(now, 0, before=before)
    assert 120 < delivered[55, 52, 0] < 255
    assert np.array_equal(delivered[100:], now[100:])


def test_compression_leaves_colours_in_order():
    model = CameraModel(CAMERA, CameraQuality(jpeg=80))
    picture = grey(model)
    picture[:] = (200, 100, 40)
    assert np.abs(model.apply(picture, 0).astype(int) - (200, 100, 40)).max() < 6


def test_a_wide_lens_that_almost_turns_back_is_exact_up_to_its_corners():
    wide = Camera("w", np.eye(4), 160, 120, math.radians(120), distortion=(-0.11, 0.01, 0, 0, 0))
    model = CameraModel(wide, CameraQuality())
    ideal = grey(model, 0)
    corner = rays(wide, np.array([[0.0, 0.0]]))[1][0]
    x, y = np.round(project(model.ideal, 3 * corner[None])[0][0]).astype(int)
    ideal[max(0, y - 1) : y + 2, max(0, x - 1) : x + 2] = 255
    assert model.apply(ideal, 0)[0, 0, 0] > 200


def test_a_lens_that_turns_back_inside_the_picture_is_refused():
    with pytest.raises(ValueError, match="turns back"):
        CameraModel(replace(CAMERA, distortion=(-0.4, 0.0, 0.0, 0.0, 0.0)), CameraQuality())


def test_a_picture_of_the_wrong_size_is_refused():
    model = CameraModel(BENT, CameraQuality())
    with pytest.raises(ValueError, match="rendered with `ideal` it would be"):
        model.apply(np.zeros((240, 320, 3), np.uint8), 0)
