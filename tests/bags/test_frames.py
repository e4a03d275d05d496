import base64
import math
from dataclasses import replace

import numpy as np
import pytest
from bag_samples import at, tiny_store, write_live_bag
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.bags import convert_images, frames
from aisle.bags.frames import Shots, shots
from aisle.bags.messages import bag_types
from aisle.bags.replay import recorded
from aisle.bags.report import views, write_report
from aisle.bags.store_io import BagReader, BagWriter, RawMessage
from aisle.records import Action, CameraFrame, Change, ChangeState
from aisle.sensing.camera_codec import decode
from aisle.store.camera import project
from aisle.store.solids import product_block
from aisle.store.types import Camera

START = 10**18
TAKE = START + 5 * 10**9
WIDTH, HEIGHT = 320, 240


def looking(name: str, eye: tuple[float, ...], target: tuple[float, ...]) -> Camera:
    ahead = np.subtract(target, eye) / np.linalg.norm(np.subtract(target, eye))
    right = np.cross(ahead, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.column_stack([right, np.cross(ahead, right), ahead])
    pose[:3, 3] = eye
    return Camera(name, pose, WIDTH, HEIGHT, math.radians(70))


def watched():
    """The tiny store with a camera behind who stands at its gondola, and one over the gondola."""
    store = tiny_store()
    there = at(1, 2, 0, 0.3)

    def place(x, y, z):
        return tuple((there @ [x, y, z, 1.0])[:3])

    behind = looking("behind", place(0.3, -1.6, 2.0), place(0.3, 0.2, 0.9))
    above = looking("above", place(0.3, -0.4, 4.6), place(0.3, 0.1, 0.9))
    away = looking("away", place(0.3, -1.6, 2.0), place(0.3, -4.0, 0.9))
    return replace(store, cameras={c.id: c for c in (behind, above, away)})


def picture(number: int) -> np.ndarray:
    """Grey by number, red to the right and green to the bottom."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[..., 0] = np.linspace(0, 255, WIDTH)
    image[..., 1] = np.linspace(0, 255, HEIGHT)[:, None]
    image[..., 2] = number
    return image


CHANGE = Change("s/1", ChangeState.CONFIRMED, TAKE, Action.TAKE, "cola", 1, 0.9, "g1/s1",
                plates=("g1/s1/p1", "g1/s1/p2"))  # fmt: skip


def filmed(path, cameras=("behind", "above"), hold=(), size=(HEIGHT, WIDTH), broken=(), topic=None):
    """A bag with a picture of each camera ten times a second for 8 s; its blue is the number."""
    with BagWriter(path) as writer:
        for number in range(80):
            stamp = START + number * 10**8
            for camera in cameras:
                if (camera, number) in hold:
                    continue
                image = picture(number)[: size[0], : size[1]]
                message = convert_images.compressed_to_message(
                    CameraFrame(camera, stamp, image), 95, bag_types()
                )
                if (camera, number) in broken:
                    message.data = message.data[:200]
                own = f"/rig/camera/{topic or camera}/image_raw/compressed"
                writer.write(own, convert_images.COMPRESSED, message, stamp + 3 * 10**9)
    return path


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return filmed(tmp_path_factory.mktemp("film") / "bag")


def seen(bag, *changes, store=None, namespace=None):
    with BagReader(bag) as reader:
        return shots(reader, store or watched(), changes, namespace)


def pixels(shot):
    head, _, data = shot.uri.partition(",")
    assert head == "data:image/jpeg;base64"
    found = decode(base64.b64decode(data))
    assert found.shape == (shot.height, shot.width, 3)
    return found


def test_each_camera_shows_the_pictures_nearest_to_the_moments(film):
    found = seen(film, CHANGE)["s/1"]
    assert found.missing == ""
    assert sorted(row[0].camera for row in found.rows) == ["above", "behind"]
    for row in found.rows:
        assert [shot.seconds for shot in row] == [-1.0, 0.1, 0.7]
        numbers = [np.median(pixels(shot)[..., 2]) for shot in row]
        assert numbers == pytest.approx([40, 51, 57], abs=3)


def test_the_outline_lies_on_the_products_in_the_piece(film):
    store = watched()
    pose, _ = product_block(store, store.slots["a"])
    for row in seen(film, CHANGE)["s/1"].rows:
        shot = row[0]
        points = np.array([[float(v) for v in p.split(",")] for p in shot.outline.split()])
        x, y = points.mean(axis=0)
        assert 0 < x < shot.width
        assert 0 < y < shot.height
        red, green, _ = pixels(shot)[round(y), round(x)].tolist()
        where = project(store.cameras[shot.camera], pose[None, :3, 3])[0][0]
        expected = where / [WIDTH - 1, HEIGHT - 1] * 255
        assert [red, green] == pytest.approx(expected.tolist(), abs=12)
        assert shot.width <= frames.SHOT_PX[0]
        assert shot.height <= frames.SHOT_PX[1]


def test_what_is_missing_is_said(tmp_path):
    silent = {(camera, n) for camera in ("behind", "above") for n in range(30, 48)}
    bag = filmed(tmp_path / "bag", hold=silent, broken={("behind", 51)})
    found = seen(bag, CHANGE)["s/1"]
    assert {len(row) for row in found.rows} == {1, 2}
    assert "No picture of behind around -1.0 s." in found.missing
    assert "No picture of above around -1.0 s." in found.missing
    assert "A picture of behind is not usable: " in found.missing


def test_pictures_of_another_size_than_the_rig_says_are_not_shown(tmp_path):
    found = seen(filmed(tmp_path / "bag", size=(HEIGHT, 200)), CHANGE)["s/1"]
    assert found.rows == ()
    assert "it is 200x240, by the rig 320x240" in found.missing


def test_a_change_without_a_known_or_seen_place_has_no_pictures(film):
    lost = replace(CHANGE, id="s/2", shelf="nowhere")
    blind = replace(watched(), cameras={"away": watched().cameras["away"]})
    assert seen(film, lost) == {"s/2": Shots(missing="No pictures: the place is not known.")}
    assert seen(film, CHANGE, store=blind) == {
        "s/1": Shots(missing="No pictures: no camera sees this place.")
    }


def test_a_product_where_it_does_not_belong_is_shown_there(film):
    foreign = replace(CHANGE, product="soap", foreign=True)
    there = seen(film, foreign)["s/1"].rows[0][0]
    assert there.outline != seen(film, CHANGE)["s/1"].rows[0][0].outline
    nameless = replace(CHANGE, product="")
    assert len(seen(film, nameless)["s/1"].rows) == 2


def test_a_bag_without_pictures_says_nothing(tmp_path):
    bag = write_live_bag(tmp_path / "bag")
    assert seen(bag, CHANGE) == {}


def test_pictures_on_another_cameras_topic_are_not_shown(tmp_path):
    bag = filmed(tmp_path / "bag", cameras=("behind",), topic="above")
    assert seen(bag, CHANGE)["s/1"].rows == ()


def test_a_namespace_hides_other_rigs(film):
    assert seen(film, CHANGE, namespace="/rig/")["s/1"].missing == ""
    assert seen(film, CHANGE, namespace="other")["s/1"].rows == ()


def test_the_number_of_changes_with_pictures_is_bounded(film, monkeypatch):
    monkeypatch.setattr(frames, "MOST_CHANGES", 1)
    later = replace(CHANGE, id="s/2", stamp_ns=TAKE + 1)
    found = seen(film, later, CHANGE)
    assert found["s/1"].rows
    assert found["s/2"] == Shots(missing="Only the first 1 changes are shown with pictures.")


@given(st.binary(max_size=60))
@settings(deadline=None)
def test_any_bytes_in_place_of_a_picture_are_survived(payload):
    topic, kind = "/camera/behind/image_raw/compressed", convert_images.COMPRESSED

    class Bag:
        types = {topic: kind}  # noqa: RUF012 (as in BagReader)
        decode = staticmethod(lambda message: bag_types().read(message.payload, message.type))
        messages = staticmethod(lambda names: [RawMessage(topic, kind, TAKE, payload)])

    assert shots(Bag(), watched(), [CHANGE])["s/1"].rows == ()


def test_the_page_shows_the_pictures_unless_told_not_to(tmp_path):
    bag = write_live_bag(tmp_path / "live", watched(), picture)
    write_report(bag, tmp_path / "with.html", recorded_only=True)
    write_report(bag, tmp_path / "without.html", recorded_only=True, frames=False)
    page = (tmp_path / "with.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 12
    assert "Shoppers can be seen" in page
    assert "http" not in page
    without = (tmp_path / "without.html").read_text()
    assert "data:" not in without
    assert "Shoppers can be seen" not in without
    result = recorded(bag)
    found = [v for view in views(bag, result, None, None, frames=False) for v in view.views]
    assert [view.seen for view in found] == [Shots(), Shots()]


def test_a_hand_over_is_shown_whole_by_the_cameras_that_saw_it(film, tmp_path):
    given = replace(
        CHANGE, id="s/2", action=Action.RETURN, shelf="", plates=(), counterpart="other",
        cameras=("above", "behind", "gone"),
    )  # fmt: skip
    found = seen(film, given)["s/2"]
    assert found.missing == ""
    assert [row[0].camera for row in found.rows] == ["above", "behind"]
    for shot in found.rows[0]:
        assert shot.width / shot.height == pytest.approx(WIDTH / HEIGHT, abs=0.02)
        assert shot.outline == ""
    unknown = seen(film, replace(given, cameras=("gone",)))["s/2"]
    assert not unknown.rows
    assert "no camera is named" in unknown.missing
