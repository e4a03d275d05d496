"""Pictures to bytes and back; what is damaged or lies about its size is refused."""

import struct
import tracemalloc
import zlib
from array import array

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.sensing.camera_codec import DecodeError, decode, encode_jpeg, header

MEGABYTE = 2**20


def picture(height=48, width=64):
    """A smooth picture whose colours tell left from right, up from down, red from blue."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 255 // width, y * 255 // height, 255 - x * 255 // width], 2).astype("u1")


def png(image, **changes):
    """A PNG; OpenCV takes colours as BGR."""
    return bytearray(cv2.imencode(".png", image)[1].tobytes())


def with_png_header(data, width, height, bits=8, colors=2):
    struct.pack_into(">IIBB", data, 16, width, height, bits, colors)
    struct.pack_into(">I", data, 29, zlib.crc32(data[12:29]))
    return bytes(data)


def with_jpeg_size(data, width, height):
    data = bytearray(data)
    struct.pack_into(">HH", data, data.index(b"\xff\xc0") + 5, height, width)
    return bytes(data)


JPEG = encode_jpeg(picture(), "rgb8", 95)
PNG = bytes(png(picture()[:, :, ::-1]))


def chunk(name, data=b""):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def close(one, two):
    return np.abs(one.astype(int) - two).mean() < 3.0


@pytest.mark.parametrize("encoding", ["rgb8", "bgr8"])
def test_colors_keep_their_order_through_a_jpeg(encoding):
    image = picture() if encoding == "rgb8" else picture()[:, :, ::-1]
    assert close(decode(encode_jpeg(image, encoding, 95)), picture())


def test_grey_stays_grey():
    grey = picture()[:, :, 0]
    assert close(decode(encode_jpeg(grey, "mono8", 95)), grey)
    np.testing.assert_array_equal(decode(png(grey)), grey)


def test_a_png_is_read_exactly_and_without_its_transparency():
    np.testing.assert_array_equal(decode(PNG), picture())
    opaque = np.concatenate([picture()[:, :, ::-1], np.full((48, 64, 1), 7, np.uint8)], axis=2)
    np.testing.assert_array_equal(decode(png(opaque)), picture())


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview, lambda data: array("B", data)])
def test_bytes_may_lie_anywhere(wrap):
    assert decode(wrap(JPEG)).shape == (48, 64, 3)


@pytest.mark.parametrize("shrink", [1, 2, 4, 8])
@pytest.mark.parametrize(
    "data", [encode_jpeg(picture(50, 66), "rgb8", 90), png(picture(50, 66))], ids=len
)
def test_a_shrunk_picture_shows_the_same(shrink, data):
    small = decode(data, shrink=shrink)
    assert small.shape == (-(-50 // shrink), -(-66 // shrink), 3)
    assert small[2, 1].astype(int) == pytest.approx(decode(data)[2 * shrink, shrink], abs=30)


@pytest.mark.parametrize("data", [JPEG, PNG])
def test_a_header_says_what_shape_the_picture_will_have(data):
    assert header(data) == decode(data).shape


def test_a_jpeg_in_a_buffer_that_is_larger_is_taken():
    assert header(JPEG + bytes(10_000)) == decode(JPEG + bytes(10_000)).shape


def test_a_jpeg_without_its_end_is_refused_undecoded():
    with pytest.raises(DecodeError, match="no end"):
        header(JPEG[:-2])


@given(st.integers(0, len(JPEG) - 1))
def test_a_jpeg_that_was_cut_off_is_refused(length):
    with pytest.raises(DecodeError):
        decode(JPEG[:length])


@given(st.integers(0, len(PNG) - 30))
def test_a_png_that_was_cut_off_is_refused(length):
    with pytest.raises(DecodeError):
        decode(PNG[:length])


@given(st.sampled_from([JPEG, PNG]), st.data())
def test_flipped_bytes_give_a_picture_or_an_error(data, draw):
    spoiled = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 5))):
        spoiled[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    try:
        image = decode(spoiled, max_pixels=100_000)
    except DecodeError:
        return
    assert image.dtype == np.uint8
    assert image.shape[0] * image.shape[1] <= 100_000


@given(st.binary(max_size=200), st.sampled_from([b"", JPEG[:3], JPEG[:200], PNG[:8], PNG[:33]]))
def test_any_bytes_give_a_picture_or_an_error(data, start):
    try:
        decode(start + data)
    except DecodeError:
        return


@pytest.mark.parametrize(
    ("bomb", "says"),
    [
        (with_png_header(png(picture()), 1, 1_000_000_000), "too large"),
        (with_png_header(png(picture()), 2**31 - 1, 2**31 - 1), "too large"),
        (with_png_header(png(picture()), 4000, 4000), "cannot hold"),
        (with_jpeg_size(JPEG, 65500, 65500), "too large"),
        (with_jpeg_size(JPEG, 1, 65500), "JPEG"),
        (with_jpeg_size(JPEG, 4000, 4000), "cannot hold"),
        (with_png_header(png(picture()), 0, 48), "0x48"),
    ],
)
def test_a_header_that_lies_is_refused_before_memory_is_taken(bomb, says):
    tracemalloc.start()
    try:
        with pytest.raises(DecodeError, match=says):
            decode(bomb)
        assert tracemalloc.get_traced_memory()[1] < MEGABYTE
    finally:
        tracemalloc.stop()


def test_the_limit_is_the_callers():
    with pytest.raises(DecodeError, match="64x48 is too large, at most 3071 pixels"):
        decode(JPEG, max_pixels=3071)
    assert decode(JPEG, max_pixels=3072).size


def test_a_jpeg_with_endless_scans_is_refused():
    settings = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]
    data = cv2.imencode(".jpg", picture(), settings)[1].tobytes()
    assert decode(data).shape == (48, 64, 3)
    last = data.rindex(b"\xff\xda")
    with pytest.raises(DecodeError, match="scans"):
        decode(data[:last] + data[last:-2] * 100 + data[-2:])


@pytest.mark.parametrize(
    "data",
    [b"", b"GIF89a" + bytes(50), bytes(100), cv2.imencode(".bmp", picture())[1].tobytes(),
     cv2.imencode(".webp", picture())[1].tobytes(), cv2.imencode(".tiff", picture())[1].tobytes()],
)  # fmt: skip
def test_other_formats_are_refused(data):
    with pytest.raises(DecodeError, match="neither JPEG nor PNG"):
        decode(data)


@pytest.mark.parametrize("name", [b"iCCP", b"tRNS", b"gAMA", b"cHRM", b"pHYs", b"acTL", b"fcTL"])
@pytest.mark.parametrize("before", [b"IDAT", b"IEND"])
@pytest.mark.parametrize("content", [b"", b"x", b"x\0", bytes(3)])
def test_a_side_chunk_without_its_content_gives_a_picture_or_an_error(name, before, content):
    at = PNG.index(before) - 4
    try:
        image = decode(PNG[:at] + chunk(name, content) + PNG[at:])
    except DecodeError:
        return
    np.testing.assert_array_equal(image, picture())


def test_sixteen_bits_are_refused():
    with pytest.raises(DecodeError, match="16 bits"):
        decode(png(np.zeros((4, 4), np.uint16)))


def test_too_many_bytes_are_refused():
    with pytest.raises(DecodeError, match="too many"):
        decode(JPEG + bytes(64 * MEGABYTE))
