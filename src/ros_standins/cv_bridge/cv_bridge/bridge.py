"""Between image messages and arrays."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from .colors import Array, convert
from .encodings import CvBridgeError, kind_of, parse

_FORMATS = frozenset(
    ("bmp", "dib", "jp2", "jpe", "jpeg", "jpg", "pbm", "pgm", "png", "ppm", "ras", "sr", "tif")
) | {"tiff"}


class CvBridge:
    """Converts images; OpenCV is needed only for compressed images and for grey from colour."""

    def imgmsg_to_cv2(self, img_msg: Image, desired_encoding: str = "passthrough") -> Array:
        """Return the pixels of a message.

        Args:
            img_msg: An image; rows may be longer than their pixels.
            desired_encoding: Encoding of the result; ``passthrough`` keeps that of the message.

        Returns:
            Height x width, or height x width x channels, in the machine's byte order.

        Raises:
            CvBridgeError: The encoding is unknown, cannot be converted, or the data is too short.
        """
        encoding = parse(img_msg.encoding)
        dtype = np.dtype(encoding.dtype).newbyteorder(">" if img_msg.is_bigendian else "<")
        height, width, step = img_msg.height, img_msg.width, img_msg.step
        row = width * encoding.channels * dtype.itemsize
        data = np.frombuffer(img_msg.data, np.uint8)
        if step < row or data.size < step * height:
            raise CvBridgeError(
                f"{data.size} bytes with step {step} hold no {width}x{height} {encoding.name}"
            )
        rows = np.ascontiguousarray(data[: step * height].reshape(height, step)[:, :row])
        shape = (height, width) if encoding.channels == 1 else (height, width, encoding.channels)
        image = rows.view(dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
        if desired_encoding == "passthrough":
            return image
        return convert(image, encoding.name, desired_encoding)

    def cv2_to_imgmsg(
        self, cvim: Array, encoding: str = "passthrough", header: Header | None = None
    ) -> Image:
        """Return a message with the pixels of an array.

        Args:
            cvim: Height x width, or height x width x channels.
            encoding: What the channels are; ``passthrough`` tells only their type.
            header: Stamp and frame.

        Raises:
            TypeError: ``cvim`` is no array.
            CvBridgeError: ``encoding`` does not fit the array.
        """
        image = _checked(cvim)
        kind = kind_of(image)
        if encoding != "passthrough" and parse(encoding).kind != kind:
            raise CvBridgeError(
                f"encoding specified as {encoding}, but image has incompatible type {kind}"
            )
        message = Image() if header is None else Image(header=header)
        message.height, message.width = image.shape[:2]
        message.encoding = kind if encoding == "passthrough" else encoding
        message.is_bigendian = int(image.dtype.byteorder == ">")
        data = array.array("B")
        flat = np.ascontiguousarray(image).reshape(-1)
        data.frombytes(flat.view(np.uint8).data)  # the only copy
        message.data = data
        message.step = len(message.data) // message.height if message.height else 0
        return message

    def compressed_imgmsg_to_cv2(
        self, cmprs_img_msg: CompressedImage, desired_encoding: str = "passthrough"
    ) -> Array:
        """Return the pixels of a compressed image; colours come as BGR unless asked otherwise.

        Raises:
            CvBridgeError: The data is no image, or cannot be converted.
        """
        import cv2

        data = np.frombuffer(cmprs_img_msg.data, np.uint8)
        image: Any = cv2.imdecode(data, cv2.IMREAD_UNCHANGED) if data.size else None
        if image is None:
            raise CvBridgeError(f"the data is no {cmprs_img_msg.format or 'compressed'} image")
        decoded: Array = image
        if desired_encoding == "passthrough":
            return decoded
        return convert(decoded, "mono8" if decoded.ndim == 2 else "bgr8", desired_encoding)

    def cv2_to_compressed_imgmsg(self, cvim: Array, dst_format: str = "jpg") -> CompressedImage:
        """Return a compressed image; colours are taken as BGR.

        Raises:
            TypeError: ``cvim`` is no array.
            CvBridgeError: The format is unknown or cannot hold the array.
        """
        import cv2

        image = _checked(cvim)
        if dst_format not in _FORMATS:
            raise CvBridgeError(f"'{dst_format}' is not a known image format")
        try:
            done, data = cv2.imencode(f".{dst_format}", image)
        except cv2.error as error:
            raise CvBridgeError(str(error)) from error
        if not done:
            raise CvBridgeError(f"the image cannot be written as '{dst_format}'")
        return CompressedImage(format=dst_format, data=array.array("B", data.tobytes()))

    def encoding_to_dtype_with_channels(self, encoding: str) -> tuple[str, int]:
        """Return the type and the number of the channels.

        Raises:
            CvBridgeError: The encoding is unknown.
        """
        parsed = parse(encoding)
        return parsed.dtype, parsed.channels

    def encoding_to_cvtype2(self, encoding: str) -> int:
        """Refuse: OpenCV's integer codes differ between its versions."""
        raise NotImplementedError("CvBridge.encoding_to_cvtype2 is left out of this stand-in")


def _checked(cvim: Any) -> Array:
    if not isinstance(cvim, np.ndarray):
        raise TypeError("Your input type is not a numpy array")
    return cvim
