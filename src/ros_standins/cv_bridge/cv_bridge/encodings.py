"""What the encodings of images mean."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

_GENERIC = re.compile(r"(8U|8S|16U|16S|32S|32F|64F)(?:C([0-9]+))?")
_DTYPES = {
    "8U": "uint8",
    "8S": "int8",
    "16U": "uint16",
    "16S": "int16",
    "32S": "int32",
    "32F": "float32",
    "64F": "float64",
}
_NAMES = {name: kind for kind, name in _DTYPES.items()}
_COLOR = re.compile(r"(mono|rgb|bgr|rgba|bgra|bayer_(?:rggb|bggr|gbrg|grbg))(8|16)")
_PACKED = ("yuv422", "yuv422_yuy2", "uyvy", "yuyv")


class CvBridgeError(TypeError):
    """A message or an array has a type or an encoding that does not fit."""


@dataclass(frozen=True)
class Encoding:
    """Type of a channel, number of channels, and their order when they are colours."""

    name: str
    dtype: str
    channels: int
    colors: str | None

    @property
    def kind(self) -> str:
        """The type without colours, such as ``8UC3``."""
        return f"{_NAMES[self.dtype]}C{self.channels}"


def parse(name: str) -> Encoding:
    """Return what an encoding means.

    Raises:
        CvBridgeError: It is unknown.
    """
    color = _COLOR.fullmatch(name)
    if color is not None:
        colors, bits = color.groups()
        single = colors == "mono" or colors.startswith("bayer")
        return Encoding(name, f"uint{bits}", 1 if single else len(colors), colors)
    if name in _PACKED:
        return Encoding(name, "uint8", 2, name)
    generic = _GENERIC.fullmatch(name)
    if generic is not None:
        kind, channels = generic.groups()
        return Encoding(name, _DTYPES[kind], int(channels or 1), None)
    raise CvBridgeError(f"Unrecognized image encoding [{name}]")


def kind_of(array: np.ndarray) -> str:
    """Return the type of an array without colours, such as ``8UC3``.

    Raises:
        CvBridgeError: No image has such values or dimensions.
    """
    kind = _NAMES.get(array.dtype.newbyteorder("=").name)
    if kind is None or array.ndim not in (2, 3):
        raise CvBridgeError(f"no image has type {array.dtype} and {array.ndim} dimensions")
    return f"{kind}C{1 if array.ndim == 2 else array.shape[2]}"
