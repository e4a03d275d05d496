"""The fusion with cameras: shelves without plates are asked about, lost cameras are reported."""

from dataclasses import replace

import numpy as np
import pytest
from vision_store import ByColour, plain, store

from aisle.fusion.eyes import Eyes
from aisle.fusion.fusion import NO_CAMERA, Fusion, StoreAt
from aisle.fusion.windows import ALL_SHAPES, CHOICES, FEATURES, MARKS, TRACK, VIEWS, collate
from aisle.records import Action, CameraFrame, GateEvent, GateKind, WeightBatch
from aisle.store.geometry import translation
from aisle.store.types import Controller, Gate, Plate, Product, Slot

SECOND = 1_000_000_000
START = 1_000 * SECOND
PERIOD = SECOND // 10
RED, GREEN, BLUE = (200, 50, 0), (50, 200, 0), (50, 50, 250)
LOOKS = {"tea": np.eye(1, FEATURES, 0, dtype=np.float32)[0]}


@pytest.fixture
def walls():
    bare = store()
    products = {name: Product(name, name, 0.2, (0.1, 0.1, 0.1), 100) for name in ("tea", "oats")}
    slots = {
        "a": Slot("a", "tea", "g1/s1", (), (0.0, 0.0, 0.5, 0.3)),
        "b": Slot("b", "oats", "g1/s1", (), (0.5, 0.0, 1.1, 0.3)),
    }
    return replace(bare, products=products, slots=slots)


class TakesWhatTurnsGreen:
    """Says that tea was taken where the columns of tea's place look like something else."""

    def __init__(self):
        self.manifest, self.sight, self.windows = {}, True, []

    def run(self, windows):
        self.windows += windows
        batch = collate([window.arrays for window in windows], sight=True)
        count, candidates = batch["candidate_mask"].shape
        commits = batch["commit_mask"].shape[1]
        outputs = {
            "none_logit": np.full((count, 1), 20, np.float32),
            "candidate_logits": np.full((count, candidates, CHOICES), -20, np.float32),
            "withdraw_logits": np.full((count, commits), -20, np.float32),
            "session_logits": np.zeros((count, candidates, batch["session_mask"].shape[1])),
            "event_logits": np.eye(1, MARKS, MARKS - 1, dtype=np.float32).repeat(count, 0),
            "log_mass": np.full(count, np.log(0.2), np.float32),
            "plate_delta": np.zeros((count, batch["plate_mask"].shape[1]), np.float32),
        }
        for row, window in enumerate(windows):
            if "tea" not in window.candidates or window.commits:
                continue
            tea = window.candidates.index("tea")
            place = window.arrays["candidate_columns"][tea] > 0.5
            alike = window.arrays["column_feature"][place] @ window.arrays["candidate_look"][tea]
            if place.any() and alike[:, -1].mean() < 0.1 and alike.max() > 0.9:
                outputs["candidate_logits"][row, tea, 0] = 40
        return outputs


def frames(walls, begin_s, end_s, colour, cameras=("left", "right")):
    """Pictures ten times a second; each differs from the one before, as real ones do."""
    for number in range(round(begin_s * 10), round(end_s * 10)):
        for name in cameras:
            image = plain(walls.cameras[name], colour)
            image[0, 0] = number % 251
            yield CameraFrame(name, START + number * PERIOD, image)


def passage(kind, seconds):
    return GateEvent(START + round(seconds * SECOND), "door", kind, "ada")


def visit(walls, **after):
    """Red shelves turn green at the third second."""
    yield from frames(walls, 0, 1, RED)
    yield passage(GateKind.ENTER, 1.0)
    yield from frames(walls, 1, 3, RED)
    yield from frames(walls, 3, 6, GREEN, **after)
    yield passage(GateKind.EXIT, 6.0)
    yield from frames(walls, 6, 10, GREEN, **after)


def run(walls, records, sight=True, manifest=None):
    runtime = TakesWhatTurnsGreen()
    runtime.manifest = manifest or {}
    eyes = Eyes(walls, ByColour(), None, LOOKS) if sight else None
    fusion = Fusion(walls, runtime, eyes=eyes)
    found = [prediction for record in records for prediction in fusion.push(record)]
    return fusion, runtime, found + fusion.finish()


def test_a_shelf_without_plates_is_asked_about_when_it_looks_different(walls):
    _, runtime, found = run(walls, visit(walls))
    changes = {change.id: change for p in found for change in p.changes}
    assert [(c.action, c.product, c.shelf) for c in changes.values()] == [
        (Action.TAKE, "tea", "g1/s1")
    ]
    assert found[-1].final
    assert found[-1].gaps == ()
    assert {window.shelf for window in runtime.windows} == {"g1/s0", "g1/s1"}


def test_what_is_only_seen_is_as_sure_as_what_was_only_seen_before(walls):
    weighed = {"calibration": [[0.0, 0.0], [1.0, 0.9]]}
    seen = {"calibration_seen": [[0.0, 0.0], [1.0, 0.5]]}
    for manifest, sure in ((weighed | seen, 0.5), (weighed, 0.9)):
        _, _, found = run(walls, visit(walls), manifest=manifest)
        stated = [change.probability for prediction in found for change in prediction.changes]
        assert stated
        assert stated == pytest.approx([sure] * len(stated))


def test_windows_have_the_shapes_that_a_model_with_sight_takes(walls):
    _, runtime, _ = run(walls, visit(walls))
    window = next(w for w in runtime.windows if w.shelf == "g1/s1")
    batch = collate([window.arrays], sight=True)
    assert set(batch) == set(ALL_SHAPES)
    assert window.arrays["column_feature"].shape == (18, VIEWS, FEATURES)
    assert window.arrays["session_track"].shape == (1, VIEWS, TRACK)
    on = window.arrays["candidate_columns"]
    tea, oats = (window.candidates.index(name) for name in ("tea", "oats"))
    np.testing.assert_allclose(on[tea].sum() * 0.0625, 0.5, atol=1e-5)
    np.testing.assert_allclose(on[oats].sum() * 0.0625, 0.6, atol=1e-5)
    assert (on[tea] + on[oats] < 1 + 1e-5).all()
    assert window.arrays["candidate_look"][tea].any()
    assert not window.arrays["candidate_look"][oats].any()


class Nobody:
    """Follows nobody."""

    memory = look = appearance = 1

    def step(self, inputs):
        raise AssertionError("nobody is followed here")


def test_a_store_too_large_to_follow_anybody_in_is_named_and_its_shelves_are_seen(walls):
    far = Gate("far", "exit", translation(900.0, 900.0, 0.0))
    eyes = Eyes(replace(walls, gates={**walls.gates, "far": far}), ByColour(), Nobody(), LOOKS)
    assert "too large" in eyes.trouble
    assert eyes.shelves == set(walls.shelves)
    eyes.use(walls)
    assert eyes.trouble == ""


def test_the_same_pictures_say_the_same_again(walls):
    _, _, first = run(walls, visit(walls))
    _, _, second = run(walls, visit(walls))
    assert first == second


def test_a_camera_that_falls_silent_is_named_and_no_gap(walls):
    fusion, _, found = run(walls, visit(walls, cameras=("left",)))
    assert not any(p.gaps for p in found)
    lost = fusion.eyes.bad_cameras["right"]
    assert lost.reason == "silent"
    assert lost.stamp_ns - lost.since_ns < 2 * SECOND
    changes = {change.id: change for p in found for change in p.changes}
    assert [change.product for change in changes.values()] == ["tea"]


def weights(begin_s, end_s):
    """A controller without plates that matter, five times a second."""
    for number in range(round(begin_s * 5), round(end_s * 5)):
        kilograms = np.zeros((12, 1), np.float32)
        stamp = START + number * SECOND // 5
        yield WeightBatch("c1", stamp, SECOND // 60, ("p1",), kilograms, np.zeros(1, np.uint8))


def scaled(walls):
    """The same store with a plate on a shelf."""
    shelf = walls.shelves["g1/s0"]
    return replace(
        walls,
        controllers={"c1": Controller("c1", ("p1",))},
        plates={"p1": Plate("p1", shelf.id, "c1", 0, (0.1, 0.1), None)},
        shelves={**walls.shelves, shelf.id: replace(shelf, plates=("p1",))},
    )


def by_time(*parts):
    records = [record for part in parts for record in part]
    return sorted(records, key=lambda r: getattr(r, "end_ns", r.stamp_ns))


def test_a_store_without_any_camera_left_tells_each_session_once(walls):
    walls = scaled(walls)
    passages = [passage(GateKind.ENTER, 1.0), passage(GateKind.EXIT, 8.0)]
    seen = [frames(walls, 0, 3, RED), frames(walls, 3, 5, RED, cameras=("left",))]
    fusion, _, found = run(walls, by_time(weights(0, 14), passages, *seen))
    assert [gap for p in found for gap in p.gaps if not p.final] == [NO_CAMERA]
    assert found[-1].gaps == (NO_CAMERA,)
    assert set(fusion.eyes.bad_cameras) == {"left", "right"}


def test_cameras_whose_clock_is_wrong_are_named_and_scales_go_on(walls):
    walls = scaled(walls)
    late = [replace(f, stamp_ns=f.stamp_ns - 60 * SECOND) for f in frames(walls, 0, 9, RED)]
    passages = [passage(GateKind.ENTER, 1.0), passage(GateKind.EXIT, 5.0)]
    ordered = sorted(
        [*weights(0, 9), *passages, *late],
        key=lambda r: r.stamp_ns + 60 * SECOND * isinstance(r, CameraFrame),
    )
    fusion, _, found = run(walls, ordered)
    assert {c: b.reason for c, b in fusion.eyes.bad_cameras.items()} == {
        "left": "clock behind",
        "right": "clock behind",
    }
    assert fusion.sync.epoch == 0
    assert found[-1].final
    assert found[-1].gaps == (NO_CAMERA,)


def test_all_cameras_lost_is_a_gap_where_there_is_nothing_else(walls):
    held = by_time(
        frames(walls, 0, 4, RED),
        [passage(GateKind.ENTER, 1.0), passage(GateKind.EXIT, 8.0)],
        frames(walls, 6, 13, RED),
    )
    _, _, found = run(walls, held)
    assert found[-1].gaps == ("camera/*: 2.00 s missing",)


def test_without_sight_pictures_are_left_out_and_counted(walls):
    fusion, runtime, _ = run(walls, visit(walls), sight=False)
    assert fusion.counters["frames_left_out"] == 200
    assert runtime.windows == []


def test_pictures_that_cannot_be_used_stop_nothing(walls):
    def spoilt():
        for record in visit(walls):
            if isinstance(record, CameraFrame) and record.camera == "right":
                yield replace(record, image=record.image[:7, :5])
            else:
                yield record

    fusion, _, found = run(walls, spoilt())
    changes = {change.id: change for p in found for change in p.changes}
    assert [change.product for change in changes.values()] == ["tea"]
    assert "right" in fusion.eyes.bad_cameras


def test_nobody_in_the_store_nothing_is_looked_at(walls):
    class Counting(ByColour):
        calls = 0

        def columns(self, strips, slopes):
            self.calls += 1
            return super().columns(strips, slopes)

    encoder = Counting()
    fusion = Fusion(walls, TakesWhatTurnsGreen(), eyes=Eyes(walls, encoder, None, {}))
    for frame in frames(walls, 0, 3, RED):
        fusion.push(frame)
    assert encoder.calls == 0


def renewed(walls, **changes):
    """A visit in the middle of which a new store model comes."""
    for record in visit(walls):
        yield record
        if isinstance(record, CameraFrame) and record.stamp_ns == START + SECOND // 2:
            yield StoreAt(record.stamp_ns, replace(walls, revision=2, **changes))


def test_cameras_go_on_when_a_store_model_comes(walls):
    fusion, _, found = run(walls, renewed(walls))
    changes = {change.id: change for p in found for change in p.changes}
    assert [change.product for change in changes.values()] == ["tea"]
    assert "unknown_stream" not in fusion.counters


def test_shelves_come_and_go_with_a_store_model(walls):
    left = {"g1/s1": walls.shelves["g1/s1"]}
    _, runtime, found = run(walls, renewed(walls, shelves=left))
    assert {window.shelf for window in runtime.windows} == {"g1/s1"}
    assert found[-1].final
    fewer = replace(walls, shelves=left)
    _, runtime, _ = run(fewer, renewed(fewer, shelves=walls.shelves))
    assert {window.shelf for window in runtime.windows} == {"g1/s0", "g1/s1"}
