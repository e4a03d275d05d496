import array
import copy
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from bag_samples import tiny_store
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.bags import convert, convert_poses, convert_store
from aisle.bags.messages import bag_types
from aisle.records import (
    Action,
    Change,
    ChangeState,
    GateEvent,
    GateKind,
    Prediction,
    Receipt,
    ReceiptLine,
    ReceiptState,
    SlotChange,
    WeightBatch,
)
from aisle.store.camera import project
from aisle.store.geometry import translation
from aisle.store.types import Camera, Gate

TYPES = bag_types()


def batch() -> WeightBatch:
    kilograms = np.array([[0.5, np.nan], [0.25, -1.0], [1e-3, 20.0]], dtype=np.float32)
    return WeightBatch("g1", 12_345_678_901, 16_666_667, ("g1/s1/p1", "g1/s1/p2"), kilograms,
                       np.array([0, 1], dtype=np.uint8))  # fmt: skip


def through_bytes(name: str, message: object) -> object:
    return TYPES.read(TYPES.write(message, name), name)


def test_weights_survive_the_wire():
    message = through_bytes(convert.WEIGHTS, convert.weights_to_message(batch(), TYPES))
    read = convert.weights_from_message(message)
    np.testing.assert_array_equal(read.kilograms, batch().kilograms)
    np.testing.assert_array_equal(read.status, batch().status)
    assert (read.controller, read.stamp_ns, read.period_ns, read.plates) == (
        "g1", 12_345_678_901, 16_666_667, ("g1/s1/p1", "g1/s1/p2"))  # fmt: skip


def test_weights_are_read_without_a_copy_from_both_kinds_of_arrays():
    message = convert.weights_to_message(batch(), TYPES)
    assert np.shares_memory(convert.weights_from_message(message).kilograms, message.kilograms)
    message.kilograms = array.array("f", message.kilograms.tobytes())
    message.status = array.array("B", bytes(message.status))
    read = convert.weights_from_message(message)
    assert np.shares_memory(read.kilograms, np.frombuffer(message.kilograms, np.float32))


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("samples", 2, "3 samples|2 samples"),
        ("samples", 0, "samples is 0"),
        ("kilograms", np.zeros(5, np.float32), "kilograms has 5 values"),
        ("kilograms", array.array("d", [0.0] * 6), "elements of 8 bytes"),
        ("kilograms", "no numbers", "malformed"),
        ("status", np.zeros(3, np.uint8), "status has 3 values for 2 plates"),
        ("plates", ["a", "a"], "named twice"),
        ("plates", [], "names no plates"),
        ("plates", ["a", "b" * 1000], "1000 characters"),
        ("plates", ["a", "b\x1b[2J"], "control characters"),
        ("plates", [f"p{i}" for i in range(5000)], "at most 4096"),
        ("controller", "", "controller is empty"),
        ("controller", "g\udc80", "not UTF-8"),
    ],
)
def test_a_broken_weight_message_is_refused_with_the_reason(field, value, says):
    message = convert.weights_to_message(batch(), TYPES)
    setattr(message, field, value)
    with pytest.raises(convert.MessageError, match=says):
        convert.weights_from_message(message)


@pytest.mark.parametrize(("sec", "nanosec"), [(0, 0), (-1, 5), (61, 0), (0, 2_000_000_000)])
def test_a_period_that_is_none_is_refused(sec, nanosec):
    message = convert.weights_to_message(batch(), TYPES)
    message.period.sec, message.period.nanosec = sec, nanosec
    with pytest.raises(convert.MessageError, match="period"):
        convert.weights_from_message(message)


def test_an_infinite_reading_is_a_missed_one_and_an_unknown_status_a_fault():
    message = convert.weights_to_message(batch(), TYPES)
    message.kilograms = np.array([np.inf, 1, -np.inf, 2, 3, 4], np.float32)
    message.status = np.array([0, 77], np.uint8)
    read = convert.weights_from_message(message)
    assert np.isnan(read.kilograms[[0, 1], 0]).all()
    assert read.status.tolist() == [0, 4]


@pytest.mark.parametrize("session", ["shopper-1", "operators", "x" * 128])
def test_gate_events_survive_the_wire(session):
    event = GateEvent(5_000_000_007, "entrance", GateKind.EXIT, session, 3)
    message = through_bytes(convert.GATE, convert.gate_to_message(event, TYPES))
    assert convert.gate_from_message(message) == event


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("kind", 2),
        ("session", ""),
        ("session", "x" * 129),
        ("session", "operator"),
        ("session", "operator/1"),
        ("group_size", 0),
        ("gate", "x" * 129),
    ],
)
def test_a_broken_gate_event_is_refused(field, value):
    message = convert.gate_to_message(GateEvent(1, "g", GateKind.ENTER, "s"), TYPES)
    setattr(message, field, value)
    with pytest.raises(convert.MessageError, match=field):
        convert.gate_from_message(message)


def prediction() -> Prediction:
    change = Change("s/1", ChangeState.CONFIRMED, 7, Action.RETURN, "cola", 2, 0.75, "g1/s1", "t",
                    ("g1/s1/p1",), ("cam1",), (3, 9), True)  # fmt: skip
    return Prediction(11, "s", (change, replace(change, id="s/2")), True, ("weights/g1 silent",))


def test_predictions_survive_the_wire():
    message = through_bytes(convert.PREDICTION, convert.prediction_to_message(prediction(), TYPES))
    assert convert.prediction_from_message(message) == prediction()


@pytest.mark.parametrize(
    ("field", "value"),
    [("probability", 1.5), ("probability", float("nan")), ("state", 3), ("action", 9), ("id", "")],
)
def test_a_broken_change_is_refused(field, value):
    message = convert.prediction_to_message(prediction(), TYPES)
    setattr(message.changes[1], field, value)
    with pytest.raises(convert.MessageError, match=field):
        convert.prediction_from_message(message)


def slot_change() -> SlotChange:
    return SlotChange(11, "s/1#2", "cola", "g1/s1", ("g1/s1/p1",), -2, 0.75)


def test_slot_changes_survive_the_wire():
    message = through_bytes(
        convert.SLOT_CHANGE, convert.slot_change_to_message(slot_change(), TYPES)
    )
    assert convert.slot_change_from_message(message) == slot_change()


def receipt() -> Receipt:
    lines = (ReceiptLine("cola", "Cola", 2, 199, 0.5), ReceiptLine("", "", 1, 0, 0.25))
    return Receipt("s", 4, ReceiptState.REVIEW, 99, "EUR", lines, "final", ("unnamed product",))


def test_receipts_survive_the_wire():
    message = through_bytes(convert.UPDATE, convert.receipt_to_message(receipt(), TYPES))
    assert message.total_minor == 398
    assert convert.receipt_from_message(message) == receipt()


def test_a_receipt_whose_total_is_not_its_lines_is_refused():
    message = convert.receipt_to_message(receipt(), TYPES)
    message.total_minor = 1
    with pytest.raises(convert.MessageError, match="total_minor is 1, the lines make 398"):
        convert.receipt_from_message(message)


def watched_store():
    """The tiny store with a camera."""
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[:3, 3] = 0.5, 1.0, 2.4
    lens = (-0.12, 0.02, 0.0005, -0.0005, 0.0)
    camera = Camera("cam1", pose, 800, 600, 0.9, distortion=lens, rate_hz=12.5)
    gate = Gate("door", "both", translation(1.0, -2.0, 0.0))
    return replace(tiny_store(), cameras={"cam1": camera}, gates={"door": gate})


def test_a_camera_sees_the_same_after_the_wire():
    store = watched_store()
    message = through_bytes(convert_store.STORE, convert_store.store_to_message(store, 12, TYPES))
    assert message.cameras[0].frame == "cam1_optical_frame"
    read, camera = convert_store.store_from_message(message)[1].cameras["cam1"], store.cameras
    points = np.random.default_rng(1).uniform([0, 0.5, 0], [1, 1.5, 1.5], (50, 3))
    for found, expected in zip(project(read, points), project(camera["cam1"], points), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-9)
    assert (read.width, read.height, read.rate_hz) == (800, 600, 12.5)
    assert read.horizontal_fov_rad == pytest.approx(0.9)


def test_a_gate_is_where_it_was_after_the_wire():
    message = convert_store.store_to_message(watched_store(), 12, TYPES)
    read = convert_store.store_from_message(through_bytes(convert_store.STORE, message))[1]
    assert list(read.gates) == ["door"]
    assert read.gates["door"].kind == "both"
    np.testing.assert_allclose(read.gates["door"].pose, translation(1.0, -2.0, 0.0), atol=1e-12)


def test_a_store_survives_the_wire():
    store = tiny_store()
    message = through_bytes(convert_store.STORE, convert_store.store_to_message(store, 12, TYPES))
    stamp, read = convert_store.store_from_message(message)
    assert stamp == 12
    for name in ("fixtures", "shelves", "plates"):
        for key, entry in getattr(store, name).items():
            other = getattr(read, name)[key]
            if entry.pose is None:
                assert other.pose is None
            else:
                np.testing.assert_allclose(other.pose, entry.pose, atol=1e-9)
            assert replace(other, pose=None) == replace(entry, pose=None)
    assert read.slots == store.slots
    assert read.controllers == store.controllers
    assert read.products == store.products


def _shelves(message, count):
    """More shelves, 100 m each."""
    more = [copy.deepcopy(message.shelves[0]) for _ in range(count)]
    for number, shelf in enumerate(more):
        shelf.id, shelf.size.x = f"more{number}", 100.0
    return more


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda m: setattr(m.header, "frame_id", "odom"), "frame 'odom'"),
        (lambda m: setattr(m.plates[0], "channel", 7), "channels"),
        (lambda m: setattr(m.plates[0], "shelf", "nowhere"), "unknown shelf nowhere"),
        (lambda m: setattr(m.slots[0], "product", "nothing"), "unknown product nothing"),
        (lambda m: setattr(m.slots[0], "plates", ["x"]), "unknown shelf or plate"),
        (lambda m: setattr(m.slots[0], "area", np.zeros(3, np.float32)), "area has 3 numbers"),
        (lambda m: setattr(m.products[0], "weight", float("nan")), "weight is nan"),
        (lambda m: vars(m.fixtures[0].pose.orientation).update(z=0.0, w=0.0), "of length 0"),
        (lambda m: m.products.append(m.products[0]), "two products"),
        (lambda m: setattr(m.controllers[0], "rate", 0.0), "rate is 0"),
        (lambda m: setattr(m.cameras[0], "rate", 0.0), "camera cam1: rate is 0"),
        (lambda m: setattr(m.cameras[0], "fy", 0.0), "camera cam1: focal length is 0"),
        (lambda m: setattr(m.cameras[0], "frame", "map"), "frame is not cam1_optical_frame"),
        (lambda m: setattr(m.cameras[0], "width", 0), "camera cam1: width is 0"),
        (lambda m: setattr(m.cameras[0], "distortion", np.full(5, np.inf)), "distortion is inf"),
        (lambda m: m.cameras.append(m.cameras[0]), "two cameras"),
        (lambda m: setattr(m.gates[0], "kind", "window"), "gate door: kind is 'window'"),
        (lambda m: m.gates.append(m.gates[0]), "two gates"),
        (lambda m: setattr(m.fixtures[0].pose.position, "x", 1e6), "position is 1e"),
        (lambda m: setattr(m.gates[0].pose.position, "y", -1001.0), "gate door position is -1001"),
        (lambda m: setattr(m.cameras[0].pose.position, "z", 2e3), "camera cam1 position is 2000"),
        (lambda m: setattr(m.fixtures[0].size, "x", 101.0), "size is 101, at most 100"),
        (lambda m: setattr(m.shelves[0].size, "x", 1e9), "size is 1e"),
        (lambda m: setattr(m.cameras[0], "width", 8193), "width is 8193"),
        (lambda m: setattr(m.cameras[0], "height", 65536), "height is 65536"),
        (lambda m: m.cameras.extend(m.cameras[:1] * 256), "cameras has 257 entries"),
        (lambda m: m.shelves.extend(_shelves(m, 60)), "shelves are 60.. m long, at most 5000"),
    ],
)
def test_a_broken_store_is_refused_with_the_reason(spoil, says):
    message = convert_store.store_to_message(watched_store(), 12, TYPES)
    spoil(message)
    with pytest.raises(convert.MessageError, match=says):
        convert_store.store_from_message(message)


@given(
    st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(
        lambda q: sum(v * v for v in q) > 0.01
    )
)
def test_every_rotation_survives_as_a_quaternion(parts):
    message = TYPES.make(
        "geometry_msgs/msg/Pose",
        position=TYPES.make("geometry_msgs/msg/Point", x=1.0, y=2.0, z=3.0),
        orientation=TYPES.make(
            "geometry_msgs/msg/Quaternion", **dict(zip("xyzw", parts, strict=True))
        ),
    )
    matrix = convert_poses.pose_from_message(message, "pose")
    again = convert_poses.pose_from_message(convert_poses.pose_to_message(matrix, TYPES), "pose")
    np.testing.assert_allclose(again, matrix, atol=1e-9)


READERS = {
    convert.WEIGHTS: (convert.weights_from_message, convert.weights_to_message(batch(), TYPES)),
    convert.GATE: (
        convert.gate_from_message,
        convert.gate_to_message(GateEvent(1, "g", GateKind.ENTER, "s"), TYPES),
    ),
    convert.PREDICTION: (
        convert.prediction_from_message,
        convert.prediction_to_message(prediction(), TYPES),
    ),
    convert.SLOT_CHANGE: (
        convert.slot_change_from_message,
        convert.slot_change_to_message(slot_change(), TYPES),
    ),
    convert.UPDATE: (
        convert.receipt_from_message,
        convert.receipt_to_message(receipt(), TYPES),
    ),
    convert_store.STORE: (
        convert_store.store_from_message,
        convert_store.store_to_message(watched_store(), 1, TYPES),
    ),
}
ANYTHING = st.one_of(
    st.none(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.floats()),
    st.lists(st.text()),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(READERS)), st.data())
def test_a_field_that_holds_anything_gives_a_record_or_a_message_error(name, data):
    read, message = READERS[name]
    field = data.draw(st.sampled_from(sorted(vars(message))))
    spoiled = replace(message, **{field: data.draw(ANYTHING)})
    with suppress(convert.MessageError):
        read(spoiled)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(sorted(READERS)), st.data())
def test_flipped_bytes_give_a_record_or_a_message_error(name, data):
    read, message = READERS[name]
    raw = bytearray(TYPES.write(message, name))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(raw)))
    for payload in (bytes(raw), bytes(raw[:cut])):
        with suppress(convert.MessageError):
            read(TYPES.read(payload, name))


@pytest.mark.parametrize("kind", [IndexError, KeyError, AttributeError, ZeroDivisionError])
def test_whatever_a_reader_trips_over_is_a_malformed_message(kind):
    @convert.untrusted
    def read():
        raise kind("x")

    with pytest.raises(convert.MessageError, match="malformed"):
        read()
