"""JPEG and PNG pictures to arrays and back; what comes from outside is refused before it can harm.

A header may claim any size. Nothing is allocated for it before it has been held against a limit
and against the number of bytes that are there to fill it.
"""

from __future__ import annotations

import io
import struct
from array import array
from typing import cast

import numpy as np
import simplejpeg
from numpy.typing import NDArray
from PIL import Image

Picture = NDArray[np.uint8]
Data = bytes | bytearray | memoryview | Picture | array  # type: ignore[type-arg]
"""Where bytes lie."""

MAX_PIXELS = 4096 * 4096
MAX_BYTES = 64 * 1024 * 1024
MAX_SCANS = 64
"""Passes of a progressive JPEG; thousands of them cost minutes and a few kilobytes."""
JPEG_PIXELS_PER_BYTE = 512
"""At least one bit for each block of 8x8 pixels."""
DEFLATE_RATIO = 1032
"""Most bytes that one byte of a PNG can become."""

_JPEG, _PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"
_SCAN, _END = b"\xff\xda", b"\xff\xd9"
_TAIL = 4096
"""Bytes before its padding with zeros among which a JPEG's end must be."""
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""By colour type."""
_ORDERS = {"rgb8": "RGB", "bgr8": "BGR", "mono8": "GRAY"}


class DecodeError(ValueError):
    """Bytes that are no picture, or one that is not taken; the text says why."""


def decode(data: Data, *, shrink: int = 1, max_pixels: int = MAX_PIXELS) -> Picture:
    """Return a picture.

    Args:
        data: All bytes of a JPEG, or of a PNG with 8 bits a channel.
        shrink: 1, 2, 4 or 8: the picture at this fraction of its size (rounded up). A JPEG is
            decoded at it, which saves most of the work.
        max_pixels: Pictures that are larger, before they shrink, are refused.

    Returns:
        [height, width, 3] with red first, or [height, width] of a grey picture.

    Raises:
        DecodeError: It is neither, too large, damaged or cut off.
    """
    if shrink not in (1, 2, 4, 8):
        raise ValueError(f"shrink must be 1, 2, 4 or 8, is {shrink}")
    raw = memoryview(cast(bytes, data)).cast("B")
    shape = header(raw, max_pixels=max_pixels)
    return (_jpeg if _is_jpeg(raw) else _png)(raw, shape, shrink)


def header(data: Data, *, max_pixels: int = MAX_PIXELS) -> tuple[int, ...]:
    """Return the shape of a picture that has not been decoded: as `decode` gives it.

    Raises:
        DecodeError: What can be seen without decoding: it is neither, too large, or has no end.
    """
    raw = memoryview(cast(bytes, data)).cast("B")
    if len(raw) > MAX_BYTES:
        raise DecodeError(f"{len(raw)} bytes are too many, at most {MAX_BYTES} are taken")
    if _is_jpeg(raw):
        return _jpeg_header(raw, max_pixels)
    if bytes(raw[:8]) == _PNG:
        return _png_header(raw, max_pixels)
    raise DecodeError("neither JPEG nor PNG")


def _is_jpeg(raw: memoryview) -> bool:
    return bytes(raw[:3]) == _JPEG


def encode_jpeg(image: Picture, encoding: str, quality: int) -> bytes:
    """Return a JPEG.

    Args:
        image: [height, width, 3], or [height, width] for `mono8`.
        encoding: `rgb8`, `bgr8` or `mono8`.
        quality: 1 to 100.

    Raises:
        ValueError: The array is no such image.
    """
    order = _ORDERS[encoding]
    pixels = image[:, :, None] if order == "GRAY" else image
    coded: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels),
        quality=quality,
        colorspace=order,
        colorsubsampling="Gray" if order == "GRAY" else "420",
    )
    return coded


def _check_size(width: int, height: int, max_pixels: int, most: float) -> None:
    if not (width > 0 and height > 0):
        raise DecodeError(f"the picture is {width}x{height}")
    if width * height > max_pixels:
        raise DecodeError(f"{width}x{height} is too large, at most {max_pixels} pixels are taken")
    if width * height > most:
        raise DecodeError(f"the bytes cannot hold the {width}x{height} pixels that they announce")


def _jpeg_header(raw: memoryview, max_pixels: int) -> tuple[int, ...]:
    try:
        height, width, colors, _ = simplejpeg.decode_jpeg_header(raw)
    except ValueError as error:
        raise DecodeError(f"damaged JPEG: {error}") from None
    _check_size(width, height, max_pixels, JPEG_PIXELS_PER_BYTE * len(raw))
    if colors not in ("Gray", "YCbCr", "RGB"):
        raise DecodeError(f"a JPEG with colours {colors} is not taken")
    whole = bytes(raw)
    if whole.count(_SCAN) > MAX_SCANS:
        raise DecodeError(f"a JPEG in more than {MAX_SCANS} scans is not taken")
    if _END not in whole.rstrip(b"\0")[-_TAIL:]:
        raise DecodeError("damaged JPEG: it has no end")
    return (height, width) if colors == "Gray" else (height, width, 3)


def _jpeg(raw: memoryview, shape: tuple[int, ...], shrink: int) -> Picture:
    grey = len(shape) == 2
    try:
        image: Picture = simplejpeg.decode_jpeg(
            raw,
            colorspace="GRAY" if grey else "RGB",
            min_height=-(-shape[0] // shrink),
            min_width=-(-shape[1] // shrink),
        )
    except ValueError as error:
        raise DecodeError(f"damaged JPEG: {error}") from None
    return image[:, :, 0] if grey else image


def _png_header(raw: memoryview, max_pixels: int) -> tuple[int, ...]:
    if len(raw) < 33 or bytes(raw[12:16]) != b"IHDR":
        raise DecodeError("damaged PNG: no header")
    width, height, bits, colors = struct.unpack_from(">IIBB", raw, 16)
    if bits != 8 or colors not in _PNG_CHANNELS:
        raise DecodeError(f"a PNG with {bits} bits a channel and colour type {colors} is not taken")
    _check_size(width, height, max_pixels, DEFLATE_RATIO * len(raw) / _PNG_CHANNELS[colors])
    return (height, width) if colors == 0 else (height, width, 3)


def _png(raw: memoryview, shape: tuple[int, ...], shrink: int) -> Picture:
    height, width = shape[:2]
    try:
        # Not OpenCV: bytes can be made over which its reader of PNG never ends.
        with Image.open(io.BytesIO(raw), formats=["PNG"]) as found:
            if found.size != (width, height):
                raise ValueError("a second header")
            image = np.asarray(found.convert("L" if len(shape) == 2 else "RGB"))
    except Exception as error:  # Pillow does not say what a damaged chunk may raise
        raise DecodeError(f"damaged PNG: {error or type(error).__name__}") from None
    if shrink == 1:
        return image
    size = -(-width // shrink), -(-height // shrink)
    small: Picture = np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX))
    return small
