"""The networks that look, as the stack loads them."""

import json

import numpy as np
import pytest

from aisle.fusion.runtime import ModelError
from aisle.fusion.windows import FEATURES
from aisle.vision import networks
from aisle.vision.fronts import ROWS as FRONT_ROWS
from aisle.vision.meetings import CLOSE, SPAN, STRIP_PX, WIDE, Meeting
from aisle.vision.networks import FOLLOWER, MANIFEST, STRIPS, load_vision
from aisle.vision.strips import COLUMN_PX, ROWS

torch = pytest.importorskip("torch")

from aisle.learning.assemble import assemble  # noqa: E402
from aisle.learning.encode import EncodeConfig  # noqa: E402
from aisle.learning.run import Run  # noqa: E402
from aisle.receipt_model.change import StripChange  # noqa: E402
from aisle.receipt_model.encoder import StripEncoder  # noqa: E402
from aisle.receipt_model.follower import Follower  # noqa: E402
from aisle.receipt_model.meeting import MeetingNet  # noqa: E402
from aisle.receipt_model.reach import FrontReach  # noqa: E402


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Networks that have learnt nothing, as two runs leave them."""
    runs = tmp_path_factory.mktemp("runs")
    made = {
        "encoder": StripEncoder,
        "change": StripChange,
        "reach": FrontReach,
        "meeting": MeetingNet,
        "follower": Follower,
    }
    for name, network in made.items():
        run = Run(runs / name, network, EncodeConfig())
        run.save()
        run.log(step=0, check={"top1": 0.0})
    assemble(*(runs / name for name in made), runs / "vision")
    return runs / "vision"


@pytest.fixture
def copy(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_columns_of_strips_of_all_widths_come_in_their_order(folder):
    vision, rng = load_vision(folder), np.random.default_rng(1)
    widths = (3, 5, 3, 1)
    strips = [rng.integers(0, 256, (ROWS, n * COLUMN_PX, 3), np.uint8) for n in widths]
    slopes = [rng.normal(size=(n, 2)).astype(np.float32) for n in widths]
    together = vision.encoder.columns(strips, slopes)
    for strip, slope, (feature, state) in zip(strips, slopes, together, strict=True):
        assert feature.shape == (strip.shape[1] // COLUMN_PX, FEATURES)
        assert state.shape == (len(feature), 3)
        ((alone, said),) = vision.encoder.columns([strip], [slope])
        np.testing.assert_allclose(feature, alone, atol=1e-5)
        np.testing.assert_allclose(state, said, atol=1e-5)
    assert vision.encoder.columns([], []) == []
    befores = [255 - strip for strip in strips]
    together = vision.encoder.changes(befores, strips, slopes)
    for before, strip, slope, change in zip(befores, strips, slopes, together, strict=True):
        (alone,) = vision.encoder.changes([before], [strip], [slope])
        assert change.shape == (len(slope), 2)
        assert (change[:, 1] > 0).all()
        np.testing.assert_allclose(change, alone, atol=1e-5)
    assert vision.encoder.changes([], [], []) == []


def test_hands_in_fronts_of_all_widths_come_in_their_order(folder):
    encoder, rng = load_vision(folder).encoder, np.random.default_rng(3)
    fronts = [rng.integers(0, 256, (FRONT_ROWS, width, 3), np.uint8) for width in (96, 48, 96)]
    empty = [255 - front for front in fronts]
    together = encoder.hands(fronts, empty)
    for front, without, hands in zip(fronts, empty, together, strict=True):
        (alone,) = encoder.hands([front], [without])
        np.testing.assert_allclose(hands, alone, atol=1e-4)
    assert encoder.hands([], []) == []


def test_meetings_of_one_and_of_three_cameras_are_seen_alike_alone_and_together(folder):
    witness, rng = load_vision(folder).witness, np.random.default_rng(1)

    def meeting(views):
        wide, close = (rng.integers(0, 256, (views, *n, 3), np.uint8) for n in (WIDE, CLOSE))
        strips = np.zeros((views, ROWS, STRIP_PX, 3), np.uint8)
        slopes = np.zeros((views, STRIP_PX // COLUMN_PX, 2), np.float32)
        return Meeting(wide, close, ("a", "b", "c")[:views], strips, slopes)

    some = [meeting(views) for views in (1, 3, 2)]
    together = witness.see(some)
    for one, seen in zip(some, together, strict=True):
        np.testing.assert_allclose(witness.see([one])[0], seen, atol=1e-4)
    ticks = [[together[0], None, *together] + [None] * (SPAN - 5), [None] * SPAN]
    odds = witness.say(ticks)
    np.testing.assert_allclose(odds.sum(1), 1, atol=1e-5)
    np.testing.assert_allclose(witness.say(ticks[:1])[0], odds[0], atol=1e-5)


def test_many_strips_go_through_in_parts_that_say_the_same(folder, monkeypatch):
    encoder, rng = load_vision(folder).encoder, np.random.default_rng(2)
    strips = [rng.integers(0, 256, (ROWS, 4 * COLUMN_PX, 3), np.uint8) for _ in range(5)]
    slopes = [np.zeros((4, 2), np.float32)] * 5
    whole = encoder.columns(strips, slopes)
    monkeypatch.setattr(networks, "_MOST_PIXELS", 2 * ROWS * 4 * COLUMN_PX)
    for one, other in zip(whole, encoder.columns(strips, slopes), strict=True):
        np.testing.assert_allclose(one[0], other[0], atol=1e-5)
        np.testing.assert_allclose(one[1], other[1], atol=1e-5)


def test_the_manifest_says_how_they_were_trained(folder):
    manifest = load_vision(folder).manifest
    assert manifest["encoder"] == {"steps": 0, "seconds": 0, "check": {"top1": 0.0}}


def test_missing_changed_and_damaged_files_are_one_sentence(copy):
    with pytest.raises(ModelError, match=f"no {MANIFEST}"):
        load_vision(copy / "nowhere")
    data = (copy / FOLLOWER).read_bytes()
    (copy / FOLLOWER).write_bytes(data[:-1])
    with pytest.raises(ModelError, match="does not match the hash"):
        load_vision(copy)
    (copy / FOLLOWER).unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        load_vision(copy)


def test_a_file_that_is_no_model_is_refused(copy):
    import hashlib

    (copy / STRIPS).write_bytes(b"not a model")
    manifest = json.loads((copy / MANIFEST).read_text())
    manifest["sha256"][STRIPS] = hashlib.sha256(b"not a model").hexdigest()
    (copy / MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(ModelError, match="not a model that can be loaded"):
        load_vision(copy)


def test_looks_on_other_planes_are_others_and_a_follower_on_fewer_is_refused(folder, monkeypatch):
    before = load_vision(folder).look_digest
    monkeypatch.setattr(networks, "PLANES_M", (1.6, 1.0, 1.3, 0.5))
    assert load_vision(folder).look_digest != before
    monkeypatch.setattr(networks, "PLANES_M", (1.6, 1.0))
    with pytest.raises(ModelError, match="takes 4 planes and not 2"):
        load_vision(folder)


def test_a_manifest_that_is_none_is_refused(copy):
    (copy / MANIFEST).write_text("[]")
    with pytest.raises(ModelError, match="not a manifest"):
        load_vision(copy)


def test_networks_that_a_model_was_not_trained_with_are_refused(folder):
    digests = json.loads((folder / MANIFEST).read_text())["sha256"]
    assert load_vision(folder, digests).manifest["sha256"] == digests
    with pytest.raises(ModelError, match="trained with other networks"):
        load_vision(folder, digests | {STRIPS: "0" * 64})
