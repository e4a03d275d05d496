import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from render_scene import at, look, person, scene, store, units

from aisle.sim.render.body import Bodies
from aisle.sim.render.device import RenderingError, open_device
from aisle.sim.render.lens import project
from aisle.sim.render.picture import picture
from aisle.sim.render.renderer import Renderer
from aisle.sim.render.sensor import CameraModel, CameraQuality
from aisle.sim.scene import Unit
from aisle.store.camera import project as calibrated

HAND = np.array([0.5, 1.02, 1.2])


@pytest.fixture(scope="module")
def renderer():
    try:
        open_device().release()
    except RenderingError as error:
        pytest.skip(str(error))
    return Renderer(store(), look, texture_px=32)


def anew(name, moment):
    renderer = Renderer(store(), look, texture_px=32)
    frame = renderer.render(name, moment, truth=True)
    renderer.close()
    return frame


def middle_of(mask):
    ys, xs = np.nonzero(mask)
    return np.array([(xs.min() + xs.max()) / 2, (ys.min() + ys.max()) / 2])


def number_of(frame, name):
    return next(number for number, known in frame.names.items() if known == name)


@pytest.mark.parametrize("yaw", [0.0, 0.6])
@pytest.mark.parametrize("place", [(0.5, 0.3, 1.0), (0.1, 0.5, 0.4), (0.9, 0.2, 1.3)])
def test_a_unit_is_where_the_pinhole_camera_puts_it(renderer, place, yaw):
    unit = Unit("p1#held", "p1", at(*place, yaw), "s1")
    frame = renderer.render("a", scene(moved=(unit,)), truth=True)
    corners = look(store().products["p1"]).mesh.vertices @ unit.pose[:3, :3].T + unit.pose[:3, 3]
    expected = project(store().cameras["a"], corners.astype(float))
    ys, xs = np.nonzero(frame.ids == number_of(frame, "p1#held"))
    low, high = expected[:, :2].min(0), expected[:, :2].max(0)
    assert np.abs([xs.min() - low[0], ys.min() - low[1]]).max() < 1.5
    assert np.abs([xs.max() - high[0], ys.max() - high[1]]).max() < 1.5


LENS = {"focal_px": (231.0, 208.0), "centre_px": (148.0, 131.0)}
BENT = (-0.2, 0.04, 2e-3, -1e-3, 0.0)


@pytest.mark.parametrize("place", [(0.5, 0.3, 1.0), (0.0, 0.5, 1.3), (1.05, 0.3, 0.9)])
def test_a_unit_is_delivered_where_the_calibration_puts_it(renderer, place):
    camera = replace(store().cameras["a"], **LENS, distortion=BENT)
    model = CameraModel(camera, CameraQuality())
    unit = Unit("p1#held", "p1", at(*place), "s1")
    drawn = Renderer(store(), look, {"a": model.ideal}, texture_px=32)
    with_it, without = (
        model.apply(drawn.render("a", moment).rgb, 0).astype(int)
        for moment in (scene(moved=(unit,)), scene())
    )
    drawn.close()
    corners = look(store().products["p1"]).mesh.vertices.astype(float)
    # Edges are bent, so that the outermost point may lie between corners.
    share = np.linspace(0.0, 1.0, 9)[:, None, None, None]
    points = (share * corners[:, None] + (1 - share) * corners).reshape(-1, 3)
    points = points @ unit.pose[:3, :3].T + unit.pose[:3, 3]
    pixels, _ = calibrated(camera, points)
    assert np.abs(pixels - project(store().cameras["a"], points)[:, :2]).max() > 5
    ys, xs = np.nonzero(np.abs(with_it - without).sum(2) > 30)
    assert np.abs([xs.min(), ys.min()] - pixels.min(0)).max() < 1.5
    assert np.abs([xs.max(), ys.max()] - pixels.max(0)).max() < 1.5


def test_a_standing_unit_is_where_the_pinhole_camera_puts_it(renderer):
    frame = renderer.render("a", scene(), truth=True)
    unit = next(u for u in units() if u.id == "p4#g1/s22")
    top = unit.pose @ [0.0, 0.0, 0.16, 1.0]
    x, y, _ = project(store().cameras["a"], top[:3])
    assert frame.names[int(frame.ids[round(y), round(x)])] == unit.id


@pytest.mark.parametrize("standing", [True, False])
def test_depth_is_right_within_a_centimetre(renderer, standing):
    unit = units()[12] if standing else Unit("p1#held", "p1", at(0.5, 0.3, 1.0), "s1")
    frame = renderer.render("a", scene(moved=() if standing else (unit,)), truth=True)
    inside = frame.ids == number_of(frame, unit.id)
    top = unit.pose @ [0.0, 0.0, 0.16, 1.0]
    x, y, depth = project(store().cameras["a"], top[:3])
    assert inside[round(y), round(x)]
    assert frame.depth[round(y), round(x)] == pytest.approx(depth, abs=0.01)


def test_the_floor_is_as_far_as_it_should_be(renderer):
    frame = renderer.render("a", scene(), truth=True)
    x, y, depth = project(store().cameras["a"], np.array([0.5, 0.4, 0.0]))
    assert frame.depth[round(y), round(x)] == pytest.approx(depth, abs=0.01)


def test_the_kept_picture_equals_one_painted_anew(renderer):
    taken = replace(units()[14], pose=at(0.4, 0.4, 1.1, 0.3), holder="s1")
    put = replace(units()[3], pose=at(0.62, 1.2, 0.9, 0.4))
    person_ = person(right_hand=HAND)
    last = scene(person_, moved=(taken, put), f1=0.8)
    for step in (scene(), scene(person_, moved=(taken,)), scene(f1=1.2), last):
        seen = [renderer.render(name, step, truth=True) for name in ("a", "b")]
    for name, kept in zip(("a", "b"), seen, strict=True):
        new = anew(name, last)
        assert np.array_equal(kept.rgb, new.rgb)
        assert np.array_equal(kept.depth, new.depth)
        for pixel in ((60, 100), (120, 160), (200, 80)):
            assert kept.names.get(int(kept.ids[pixel])) == new.names.get(int(new.ids[pixel]))


def test_the_same_scene_gives_the_same_bytes(renderer):
    busy = scene(person(1, right_hand=HAND), person(2, position=(1.5, 0.2), bag="basket"), f1=0.5)
    first = anew("b", busy).rgb
    assert np.array_equal(first, anew("b", busy).rgb)
    assert np.array_equal(first, renderer.render("b", busy).rgb)


def test_what_is_taken_is_no_longer_on_the_shelf(renderer):
    unit = next(u for u in units() if u.id == "p4#g1/s22")
    x, y, _ = project(store().cameras["a"], (unit.pose @ [0.0, 0.0, 0.16, 1.0])[:3])
    before = renderer.render("a", scene(), truth=True)
    after = renderer.render(
        "a", replace(scene(), units=tuple(u for u in units() if u.id != unit.id))
    )
    difference = np.abs(before.rgb.astype(int) - after.rgb).sum(2)
    assert difference[round(y), round(x)] > 30
    assert (difference > 0).mean() < 0.05


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize(
    ("place", "bend"), [((0.45, 1.0, 1.5), 0.0), ((0.6, 0.95, 1.0), 0.0), ((0.85, 0.85, 0.5), 0.9)]
)
def test_a_hand_is_drawn_where_it_is(renderer, side, place, bend):
    hand = np.array(place)
    who = person(bend=bend, **{f"{side}_hand": hand})
    pixels = {}
    for name in ("a", "b"):
        frame = renderer.render(name, replace(scene(who), units=()), truth=True)
        mask = frame.ids == number_of(frame, f"s1/0/{side}")
        if mask.sum() > 20:
            pixels[name] = (mask, frame.depth[mask])
    assert pixels, "no camera sees the hand"
    for name, (mask, depth) in pixels.items():
        x, y, z = project(store().cameras[name], hand)
        ys, xs = np.nonzero(mask)
        nearest = np.hypot(xs - x, ys - y).min()
        assert nearest < 4
        assert abs(np.median(depth) - z) < 0.12


@pytest.mark.parametrize("seed", range(14))
def test_palms_reach_what_is_within_reach_whatever_the_body(seed):
    for target in ([0.45, 0.2, 1.0], [0.5, -0.1, 1.5], [0.4, 0.0, 0.4], [0.7, 0.4, 1.2]):
        who = person(position=(0.0, 0.0), heading=0.0, seed=seed, right_hand=np.array(target))
        assert Bodies().mesh(who).palms[1] == pytest.approx(target, abs=1e-6)


def test_feet_stand_on_the_floor_and_stay_below_the_body():
    for bend in (0.0, 0.5, 1.0):
        mesh = Bodies().mesh(person(position=(3.0, 2.0), bend=bend))
        assert abs(mesh.vertices[:, 2].min()) < 0.05
        lowest = mesh.vertices[mesh.vertices[:, 2] < 0.1]
        assert np.abs(lowest[:, :2].mean(0) - [3.0, 2.0]).max() < 0.2


def test_visible_counts_what_is_held_and_hides_what_is_behind(renderer):
    hand = np.array([0.5, 0.75, 1.3])
    held = Unit("p1#held", "p1", at(0.5, 0.8, 1.25), "s1")
    seen = renderer.visible("a", scene(person(right_hand=hand), moved=(held,)))
    assert seen["p1#held"] > 50
    assert seen["s1/0"] > 1000
    behind = Unit("p1#held", "p1", at(0.5, 1.6, 0.4), "s1")
    assert "p1#held" not in renderer.visible("a", scene(moved=(behind,)))


def test_visible_agrees_with_the_ids_of_the_picture(renderer):
    busy = scene(person(right_hand=HAND), moved=(Unit("p1#h", "p1", at(0.5, 0.5, 1.0), "s1"),))
    frame = renderer.render("b", busy, truth=True)
    for name, count in renderer.visible("b", busy).items():
        assert (frame.ids == number_of(frame, name)).sum() == count


def test_a_view_that_was_not_drawn_for_a_while_catches_up(renderer):
    moved = [replace(units()[14], pose=at(0.1 * i, 0.4, 1.1), holder="s1") for i in range(3)]
    for unit in moved:
        renderer.render("a", scene(moved=(unit,)))
    for name in ("b", "a"):
        new = anew(name, scene(moved=(moved[2],)))
        assert np.array_equal(renderer.render(name, scene(moved=(moved[2],))).rgb, new.rgb)


def test_people_of_different_seeds_look_different(renderer):
    pictures = [renderer.render("a", scene(person(n))).rgb.astype(int) for n in (1, 2, 3)]
    for first, second in ((0, 1), (1, 2), (0, 2)):
        assert (np.abs(pictures[first] - pictures[second]).sum(2) > 40).sum() > 500


def test_an_open_door_is_drawn_and_what_is_behind_it_can_be_seen(renderer):
    shut, opened = renderer.render("b", scene()), renderer.render("b", scene(f1=1.4), truth=True)
    assert (np.abs(shut.rgb.astype(int) - opened.rgb).sum(2) > 30).sum() > 300
    unit = next(u for u in units() if u.id == "p4#f1/s22")
    x, y, _ = project(store().cameras["b"], (unit.pose @ [0.0, -0.04, 0.1, 1.0])[:3])
    assert opened.names[int(opened.ids[round(y), round(x)])] == unit.id


def test_a_sheet_shows_all_cameras():
    try:
        sheet = picture(store(), scene(person(right_hand=HAND)), look)
    except RenderingError as error:
        pytest.skip(str(error))
    assert sheet.shape == (240, 640, 3)
    assert sheet[:, :320].std() > 10
    assert sheet[:, 320:].std() > 10


def test_a_store_without_cameras_has_no_sheet():
    with pytest.raises(ValueError, match="small has no cameras"):
        picture(replace(store(), cameras={}), scene(), look)


def test_where_there_is_no_egl_the_message_names_the_packages():
    code = (
        "import os; os.environ['GLCONTEXT_LINUX_LIBEGL'] = 'libNoSuchEGL.so'\n"
        "from aisle.sim.render.device import RenderingError, open_device\n"
        "try:\n    open_device()\nexcept RenderingError as error:\n    print(error)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for package in ("libegl1", "libgl1-mesa-dri", "libegl-mesa0"):
        assert package in ran.stdout
