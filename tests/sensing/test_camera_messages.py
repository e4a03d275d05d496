"""Messages of cameras to records and back: nothing is copied, nothing is believed."""

import array
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.bags import convert_images as convert
from aisle.bags.messages import MessageError, bag_types
from aisle.bags.store_io import BagReader, BagWriter
from aisle.records import CameraFrame
from aisle.sensing.camera_calibration import calibration_of
from aisle.sensing.camera_codec import encode_jpeg
from aisle.store.types import Camera

TYPES = bag_types()
STAMP_NS = 12_345_678_901
Y, X = np.mgrid[:48, :64]
PICTURE = np.stack([X * 4, Y * 5, 255 - X * 4], axis=2).astype(np.uint8)
CAMERA = Camera("c1", np.eye(4), 64, 48, 1.2, distortion=(0.1, -0.02, 0.0, 0.001, 0.0))


def header(frame="c1_optical_frame"):
    stamp = TYPES.make("builtin_interfaces/msg/Time", sec=12, nanosec=345_678_901)
    return TYPES.make("std_msgs/msg/Header", stamp=stamp, frame_id=frame)


def image(pixels=PICTURE, encoding="rgb8", step=None, **fields):
    """An Image whose rows are `step` bytes apart."""
    flat = pixels.reshape(len(pixels), -1)
    step = step or flat.shape[1]
    rows = np.full((len(pixels), step), 0xEE, np.uint8)
    rows[:, : flat.shape[1]] = flat
    fields = {"height": len(pixels), "width": pixels.shape[1], "data": rows.reshape(-1), **fields}
    return TYPES.make(
        convert.IMAGE, header=header(), encoding=encoding, is_bigendian=0, step=step, **fields
    )


def compressed(data=None):
    data = encode_jpeg(PICTURE, "rgb8", 95) if data is None else data
    octets = np.frombuffer(data, np.uint8)
    return TYPES.make(convert.COMPRESSED, header=header(), format="jpeg", data=octets)


def through_bytes(name, message):
    return TYPES.read(TYPES.write(message, name), name)


@pytest.mark.parametrize("step", [192, 193, 256])
@pytest.mark.parametrize(
    ("encoding", "meant"), [("rgb8", "rgb8"), ("bgr8", "bgr8"), ("8UC3", "bgr8")]
)
def test_images_are_read_where_they_lie_and_padding_is_left_out(encoding, meant, step):
    message = through_bytes(convert.IMAGE, image(encoding=encoding, step=step))
    frame = convert.image_from_message(message)
    assert (frame.camera, frame.stamp_ns, frame.encoding) == ("c1", STAMP_NS, meant)
    np.testing.assert_array_equal(frame.image, PICTURE)
    assert np.shares_memory(frame.image, message.data)


@pytest.mark.parametrize("step", [64, 100])
@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
def test_grey_images_are_read(encoding, step):
    frame = convert.image_from_message(image(PICTURE[:, :, 0], encoding, step))
    assert frame.encoding == "mono8"
    np.testing.assert_array_equal(frame.image, PICTURE[:, :, 0])


def test_the_arrays_of_generated_classes_are_read_without_a_copy():
    message = image()
    message.data = array.array("B", PICTURE.tobytes())
    frame = convert.image_from_message(message)
    assert np.shares_memory(frame.image, np.frombuffer(message.data, np.uint8))


def test_the_last_row_needs_no_padding():
    message = image(step=200)
    message.data = message.data[:-8]
    np.testing.assert_array_equal(convert.image_from_message(message).image, PICTURE)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"encoding": "rgb16"}, "encoding 'rgb16' is none of"),
        ({"encoding": "bayer_rggb8"}, "bayer_rggb8"),
        ({"encoding": ""}, "encoding is empty"),
        ({"width": 0}, "width is 0"),
        ({"height": 0}, "height is 0"),
        ({"height": 49}, "needs 9408"),
        ({"height": 47}, "needs 9024"),
        ({"width": 65}, "step is 192"),
        ({"width": 1, "height": 1_000_000_000}, "height is 1000000000"),
        ({"width": 8_000, "height": 8_192, "step": 24_000}, "too large"),
        ({"step": 0}, "step is 0"),
        ({"step": 2**32 - 1}, "step is 4294967295"),
        ({"data": np.zeros(0, np.uint8)}, "data has 0 bytes"),
        ({"data": np.zeros(9216, np.float32)}, "float32, no bytes"),
        ({"data": "text"}, "no bytes"),
        ({"header": header("map")}, "frame 'map' is no <camera>_optical_frame"),
        ({"header": header("_optical_frame")}, "is no <camera>"),
        ({"header": None}, "malformed"),
    ],
)
def test_an_image_that_cannot_be_is_refused_with_the_reason(fields, says):
    message = replace(image(), **fields)
    with pytest.raises(MessageError, match=says):
        convert.image_from_message(message)


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8", "mono8"])
def test_compressed_images_survive_the_wire(encoding):
    pixels = {"rgb8": PICTURE, "bgr8": PICTURE[:, :, ::-1], "mono8": PICTURE[:, :, 0]}[encoding]
    frame = CameraFrame("c1", STAMP_NS, pixels, encoding)
    message = through_bytes(convert.COMPRESSED, convert.compressed_to_message(frame, 95, TYPES))
    stored = "mono8" if encoding == "mono8" else "bgr8"
    assert message.format == f"{encoding}; jpeg compressed {stored}"
    read = convert.compressed_from_message(message)
    assert (read.camera, read.stamp_ns) == ("c1", STAMP_NS)
    assert read.encoding == ("mono8" if encoding == "mono8" else "rgb8")
    expected = PICTURE[:, :, 0] if encoding == "mono8" else PICTURE
    assert np.abs(read.image.astype(int) - expected).mean() < 3.0


def test_an_overview_is_decoded_small():
    assert convert.compressed_from_message(compressed(), shrink=4).image.shape == (12, 16, 3)


def test_a_compressed_image_that_was_cut_off_is_refused():
    data = encode_jpeg(PICTURE, "rgb8", 95)
    with pytest.raises(MessageError, match="damaged JPEG"):
        convert.compressed_from_message(compressed(data[: len(data) // 2]))
    with pytest.raises(MessageError, match="neither JPEG nor PNG"):
        convert.compressed_from_message(compressed(b""))


def test_calibrations_survive_the_wire():
    calibration = calibration_of(CAMERA)
    message = through_bytes(
        convert.CAMERA_INFO, convert.camera_info_to_message(calibration, STAMP_NS, TYPES)
    )
    assert message.header == header()
    read = convert.camera_info_from_message(message)
    for name in ("k", "r", "p"):
        np.testing.assert_array_equal(getattr(read, name), getattr(calibration, name))
    assert (read.camera, read.width, read.height) == ("c1", 64, 48)
    assert (read.model, read.distortion) == ("plumb_bob", CAMERA.distortion)
    assert read.k[0, 0] == pytest.approx(32 / np.tan(0.6))


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"k": np.zeros(9)}, "not calibrated"),
        ({"k": -np.eye(3).reshape(-1)}, "positive focal lengths"),
        ({"k": np.full(9, np.nan)}, "finite"),
        ({"k": np.zeros(4)}, "malformed"),
        ({"d": np.zeros(3)}, "'plumb_bob' of 3"),
        ({"d": np.array([np.inf] * 5)}, "d is inf"),
        ({"distortion_model": "fisheye"}, "'fisheye' of 5"),
        ({"width": 0}, "width is 0"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(fields, says):
    message = convert.camera_info_to_message(calibration_of(CAMERA), STAMP_NS, TYPES)
    with pytest.raises(MessageError, match=says):
        convert.camera_info_from_message(replace(message, **fields))


READERS = [
    (convert.IMAGE, convert.image_from_message, image()),
    (convert.COMPRESSED, convert.compressed_from_message, compressed()),
    (convert.COMPRESSED, convert.coded_from_message, compressed()),
    (
        convert.CAMERA_INFO,
        convert.camera_info_from_message,
        convert.camera_info_to_message(calibration_of(CAMERA), STAMP_NS, TYPES),
    ),
]
ANYTHING = st.one_of(
    st.none(), st.integers(), st.floats(), st.text(), st.binary(), st.lists(st.floats())
)


@settings(max_examples=100)
@given(st.sampled_from(READERS), st.data())
def test_a_field_that_holds_anything_gives_a_record_or_a_message_error(reader, data):
    _, read, message = reader
    field = data.draw(st.sampled_from(sorted(vars(message))))
    with suppress(MessageError):
        read(replace(message, **{field: data.draw(ANYTHING)}))


@settings(max_examples=100)
@given(st.sampled_from(READERS), st.data())
def test_flipped_bytes_give_a_record_or_a_message_error(reader, data):
    name, read, message = reader
    raw = bytearray(TYPES.write(message, name))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, min(len(raw), 200) - 1))] = data.draw(st.integers(0, 255))
    with suppress(MessageError):
        read(TYPES.read(bytes(raw), name))


def test_pictures_come_back_from_a_bag(tmp_path):
    topic = "/camera/c1/image_raw"
    frame = CameraFrame("c1", STAMP_NS, PICTURE)
    with BagWriter(tmp_path / "bag") as writer:
        writer.write(topic, convert.IMAGE, image(), 1)
        message = convert.compressed_to_message(frame, 90, TYPES)
        writer.write(f"{topic}/compressed", convert.COMPRESSED, message, 2)
    with BagReader(tmp_path / "bag") as reader:
        raw, small = list(reader.messages())
        np.testing.assert_array_equal(convert.image_from_message(reader.decode(raw)).image, PICTURE)
        assert convert.compressed_from_message(reader.decode(small)).image.shape == (48, 64, 3)
