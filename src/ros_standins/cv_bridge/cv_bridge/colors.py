"""From one order of colours to another."""

from __future__ import annotations

from typing import Any

import numpy as np

from .encodings import CvBridgeError, Encoding, parse

Array = np.ndarray[Any, Any]


def convert(image: Array, source: str, target: str) -> Array:
    """Return ``image`` in another encoding.

    Args:
        image: Height x width, or height x width x channels.
        source: Encoding of ``image``.
        target: Encoding wanted.

    Raises:
        CvBridgeError: The conversion makes no sense.
        NotImplementedError: It needs what the stand-in leaves out (Bayer, YUV).
    """
    have, want = parse(source), parse(target)
    if have == want:
        return image
    if have.colors is None or want.colors is None:
        _check_plain(have, want)
        return image.astype(want.dtype)
    return _depth(_colors(image, have, want), have, want)


def _check_plain(have: Encoding, want: Encoding) -> None:
    if want.colors is not None:
        raise CvBridgeError(
            f"[{have.name}] is not a color format. but [{want.name}] is. "
            "The conversion does not make sense"
        )
    if have.channels != want.channels:
        raise CvBridgeError(
            f"[{have.name}] and [{want.name}] do not have the same number of channels"
        )


def _colors(image: Array, have: Encoding, want: Encoding) -> Array:
    source, target = str(have.colors), str(want.colors)
    for encoding in (have, want):
        if encoding.colors not in ("mono", "rgb", "bgr", "rgba", "bgra"):
            raise NotImplementedError(f"cv_bridge: {encoding.name} is left out of this stand-in")
    if source == target:
        return image
    if source == "mono":
        planes = dict.fromkeys("rgb", image)
    elif target == "mono":
        return _gray(image, source)
    else:
        planes = {color: image[:, :, index] for index, color in enumerate(source)}
    opaque = np.full(image.shape[:2], np.iinfo(image.dtype).max, image.dtype)
    return np.stack([planes.get(color, opaque) for color in target], axis=-1)


def _gray(image: Array, source: str) -> Array:
    import cv2

    code: int = getattr(cv2, f"COLOR_{source.upper()}2GRAY")
    gray: Array = cv2.cvtColor(image, code)
    return gray


def _depth(image: Array, have: Encoding, want: Encoding) -> Array:
    if have.dtype == want.dtype:
        return image
    if want.dtype == "uint16":
        return image.astype(np.uint16) * np.uint16(257)
    return np.rint(image * (255.0 / 65535.0)).astype(np.uint8)
