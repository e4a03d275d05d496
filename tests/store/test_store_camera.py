import math

import cv2
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from store_samples import HERE, assert_same_store, copy_of_sound

from aisle.store.camera import (
    in_image,
    intrinsics,
    pixels_per_metre,
    project,
    rays,
    sees_its_corners,
)
from aisle.store.geometry import pose_from_rpy
from aisle.store.load import load_store
from aisle.store.types import Camera
from aisle.store.write import write_store

DOWN = pose_from_rpy((1.0, 2.0, 2.5), (math.pi, 0.0, 0.0))
"""Looks straight down; image x along x of map, image y against y of map."""
WARPED = (-0.28, 0.09, 0.001, -0.0007, -0.01)

small = st.floats(-0.02, 0.02)
cameras = st.builds(
    Camera,
    id=st.just("cam"),
    pose=st.builds(
        pose_from_rpy,
        st.tuples(*[st.floats(-5, 5)] * 3),
        st.tuples(*[st.floats(-3, 3)] * 3),
    ),
    width=st.integers(64, 2000),
    height=st.integers(64, 2000),
    horizontal_fov_rad=st.floats(0.3, 1.7),
    focal_px=st.none() | st.tuples(st.floats(300, 900), st.floats(300, 900)),
    centre_px=st.none() | st.tuples(st.floats(200, 900), st.floats(200, 900)),
    distortion=st.tuples(st.floats(-0.3, 0.2), st.floats(-0.05, 0.1), small, small, small),
)


@settings(max_examples=60, deadline=None)
@given(camera=cameras, seed=st.integers(0, 2**32), depth=st.floats(0.1, 20))
def test_rays_and_projection_undo_each_other(camera, seed, depth):
    assume(sees_its_corners(camera))
    shares = np.random.default_rng(seed).random((20, 2))
    pixels = shares * [camera.width, camera.height] - 0.5
    origin, directions = rays(camera, pixels)
    assume(np.isfinite(directions).all())
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0)
    again, depths = project(camera, origin + depth * directions)
    np.testing.assert_allclose(again, pixels, atol=1e-5)
    assert (depths > 0).all()


@settings(max_examples=30, deadline=None)
@given(camera=cameras, seed=st.integers(0, 2**32))
def test_projection_is_that_of_opencv(camera, seed):
    points = np.random.default_rng(seed).uniform([-1, -1, 1], [1, 1, 4], (20, 3))
    pixels, depth = project(camera, points @ camera.pose[:3, :3].T + camera.pose[:3, 3])
    k1, k2, p1, p2, k3 = camera.distortion
    wanted, _ = cv2.projectPoints(
        points, np.zeros(3), np.zeros(3), intrinsics(camera), np.array([k1, k2, p1, p2, k3])
    )
    known = np.isfinite(pixels).all(axis=1)
    np.testing.assert_allclose(pixels[known], wanted[known, 0], rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(depth, points[:, 2], atol=1e-9)


def test_a_camera_above_sees_x_to_the_right_and_y_upwards():
    camera = Camera("cam", DOWN, 640, 480, math.pi / 2)
    pixels, depth = project(camera, np.array([[1.0, 2.0, 0.0], [1.5, 2.0, 0.0], [1.0, 2.5, 0.0]]))
    np.testing.assert_allclose(pixels, [[319.5, 239.5], [383.5, 239.5], [319.5, 175.5]], atol=1e-9)
    np.testing.assert_allclose(depth, 2.5)


def test_the_angle_of_view_reaches_from_edge_to_edge():
    camera = Camera("cam", DOWN, 640, 480, math.radians(75))
    _, directions = rays(camera, np.array([[-0.5, 239.5], [639.5, 239.5]]))
    angle = math.acos(float(directions[0] @ directions[1]))
    assert math.degrees(angle) == pytest.approx(75)


def test_a_patch_below_the_camera_counts_focal_length_over_distance():
    camera = Camera("cam", DOWN, 640, 480, 0.0, focal_px=(417.0, 417.0), centre_px=(320, 240))
    up = np.array([[0.0, 0.0, 1.0]])
    assert pixels_per_metre(camera, np.array([[1.0, 2.0, 0.0]]), up) == pytest.approx(417 / 2.5)
    aside, normal = np.array([[1.0, 2.8, 0.5]]), np.array([[0.0, -1.0, 0.0]])
    # By the cosine law of a patch: f^2 cos(patch) / (d^2 cos(axis)^3).
    distance = math.hypot(0.8, 2.0)
    by_hand = 417 * math.sqrt((0.8 / distance) / (2.0 / distance) ** 3) / distance
    assert pixels_per_metre(camera, aside, normal) == pytest.approx(by_hand)
    assert pixels_per_metre(camera, aside, -normal) == 0.0


@pytest.mark.parametrize("distortion", [(0.0,) * 5, WARPED])
def test_the_size_of_a_patch_is_its_area_in_the_image(distortion):
    camera = Camera("cam", pose_from_rpy((0, 0, 2.5), (-2.6, 0.2, 0.4)), 1280, 720, 1.3,
                    distortion=distortion)  # fmt: skip
    centre, side = np.array([0.3, 0.9, 0.8]), 1e-4
    right, up = np.array([0.8, -0.6, 0.0]), np.array([0.0, 0.0, 1.0])
    corners = [centre + side * (a * right + b * up) for a, b in ((0, 0), (1, 0), (1, 1), (0, 1))]
    pixels, _ = project(camera, np.array(corners))
    area = cv2.contourArea((pixels - pixels[0]).astype(np.float32))
    normal = np.cross(right, up)[None]
    assert in_image(camera, pixels).all()
    found = pixels_per_metre(camera, centre[None], normal)
    assert found == pytest.approx(math.sqrt(area) / side, rel=2e-3)


def test_what_lies_behind_or_where_the_lens_folds_has_no_pixel():
    camera = Camera("cam", DOWN, 640, 480, 1.2, distortion=(-0.3, 0.0, 0.0, 0.0, 0.0))
    far = math.sqrt(1 / 0.9) + 0.01
    points = np.array([[1.0, 2.0, 3.0], [1.0 + far, 2.0, 1.5], [1.0, 2.0, 2.5]])
    pixels, _ = project(camera, points)
    assert np.isnan(pixels).all()
    assert not in_image(camera, pixels).any()
    assert (pixels_per_metre(camera, points, np.tile([0.0, 0.0, 1.0], (3, 1))) == 0).all()


def test_a_pixel_that_the_lens_cannot_make_has_no_ray():
    camera = Camera("cam", DOWN, 640, 480, 2.2, distortion=(-0.3, 0.0, 0.0, 0.0, 0.0))
    _, directions = rays(camera, np.array([[0.0, 0.0], [319.5, 239.5]]))
    assert np.isnan(directions[0]).all()
    np.testing.assert_allclose(directions[1], [0, 0, -1], atol=1e-12)
    assert not sees_its_corners(camera)


def test_a_measured_lens_survives_writing_and_reading(tmp_path):
    shop = copy_of_sound(tmp_path)
    case = HERE / "broken" / "calibration_wrong_size"
    text = (case / "cam1.yaml").read_text().replace("image_width: 640", "image_width: 1280")
    (shop / "cam1.yaml").write_text(text)
    (shop / "rig.yaml").write_text((case / "rig.yaml").read_text())
    store, problems = load_store(shop)
    assert problems == []
    camera = store.cameras["cam1"]
    assert intrinsics(camera).tolist() == [[901.5, 0, 640.2], [0, 899.9, 355.1], [0, 0, 1]]
    assert camera.distortion == (-0.11, 0.02, 0.001, -0.0005, 0.0)
    assert camera.horizontal_fov_rad == pytest.approx(2 * math.atan(640 / 901.5))
    loaded, _ = load_store(write_store(store, tmp_path / "again"))
    assert_same_store(loaded, store)
