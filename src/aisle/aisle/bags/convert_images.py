"""Messages of cameras (`sensor_msgs`) to records and back.

As in `aisle.bags.convert`, a reader returns a sound record or raises `MessageError`.
"""

from __future__ import annotations

import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aisle.bags.convert import finite, header_message, items, stamp, text, untrusted, whole
from aisle.bags.fields import MAX_SIDE
from aisle.bags.messages import MessageError, MessageTypes
from aisle.records import CameraCalibration, CameraFrame, CodedFrame
from aisle.sensing.camera_calibration import CalibrationError, check_calibration
from aisle.sensing.camera_codec import MAX_PIXELS, DecodeError, decode, encode_jpeg, header
from aisle.store.names import optical_frame

IMAGE = "sensor_msgs/msg/Image"
COMPRESSED = "sensor_msgs/msg/CompressedImage"
CAMERA_INFO = "sensor_msgs/msg/CameraInfo"

_FRAME_SUFFIX = optical_frame("")
_CHANNELS = {"rgb8": 3, "bgr8": 3, "mono8": 1, "8UC3": 3, "8UC1": 1}
_MEANT = {"8UC3": "bgr8", "8UC1": "mono8"}
"""What OpenCV's programs mean where they tell only the type."""


def camera_of(frame_id: str) -> str:
    """Return the camera whose optical frame this is.

    Raises:
        MessageError: It is no camera's optical frame.
    """
    name = text(frame_id, "header.frame_id")
    if not name.endswith(_FRAME_SUFFIX) or name == _FRAME_SUFFIX:
        raise MessageError(f"frame '{name}' is no <camera>{_FRAME_SUFFIX}")
    return name.removesuffix(_FRAME_SUFFIX)


def _bytes(values: Any) -> NDArray[np.uint8]:
    """View a byte field without a copy."""
    if not isinstance(values, (array.array, bytes, bytearray, memoryview, np.ndarray)):
        raise MessageError("data holds no bytes")
    if isinstance(values, np.ndarray):
        if values.dtype != np.uint8:
            raise MessageError(f"data holds {values.dtype}, no bytes")
        return values.reshape(-1)
    return np.frombuffer(values, np.uint8) if len(values) else np.zeros(0, np.uint8)


@untrusted
def image_from_message(message: Any) -> CameraFrame:
    """Return the frame of an `Image`; its pixels lie in the message's memory.

    Raises:
        MessageError: The encoding is not taken, sizes do not agree, or a field is out of bounds.
    """
    encoding = text(message.encoding, "encoding")
    channels = _CHANNELS.get(encoding)
    if channels is None:
        raise MessageError(f"encoding '{encoding}' is none of {', '.join(_CHANNELS)}")
    width = whole(message.width, "width", 1, MAX_SIDE)
    height = whole(message.height, "height", 1, MAX_SIDE)
    if width * height > MAX_PIXELS:
        raise MessageError(f"{width}x{height} is too large, at most {MAX_PIXELS} pixels are taken")
    row = width * channels
    step = whole(message.step, "step", row, row + MAX_SIDE)
    data = _bytes(message.data)
    # The last row may come without its padding.
    if not step * (height - 1) + row <= len(data) <= step * height:
        raise MessageError(
            f"data has {len(data)} bytes, {width}x{height} {encoding} "
            f"with step {step} needs {step * height}"
        )
    shape = (height, width, channels)[: 2 if channels == 1 else 3]
    strides = (step, channels, 1)[: len(shape)]
    return CameraFrame(
        camera=camera_of(message.header.frame_id),
        stamp_ns=stamp(message.header.stamp),
        image=np.ndarray(shape, np.uint8, data, strides=strides),
        encoding=_MEANT.get(encoding, encoding),
    )


@untrusted
def compressed_from_message(message: Any, shrink: int = 1) -> CameraFrame:
    """Return the decoded frame of a `CompressedImage`, JPEG or PNG, whatever its format says.

    Args:
        message: The message.
        shrink: 1, 2, 4 or 8, see `aisle.sensing.camera_codec.decode`.

    Raises:
        MessageError: It cannot be decoded, or a field is out of bounds.
    """
    try:
        image = decode(_bytes(message.data), shrink=shrink)
    except DecodeError as error:
        raise MessageError(str(error)) from None
    return CameraFrame(
        camera=camera_of(message.header.frame_id),
        stamp_ns=stamp(message.header.stamp),
        image=image,
        encoding="mono8" if image.ndim == 2 else "rgb8",
    )


@untrusted
def coded_from_message(message: Any) -> CodedFrame:
    """Return the frame of a `CompressedImage`, JPEG or PNG, without decoding it.

    Raises:
        MessageError: It can be seen not to be decodable, or a field is out of bounds.
    """
    data = _bytes(message.data)
    try:
        shape = header(data)
    except DecodeError as error:
        raise MessageError(str(error)) from None
    camera = camera_of(message.header.frame_id)
    return CodedFrame(camera, stamp(message.header.stamp), bytes(data), shape)


def compressed_to_message(frame: CameraFrame, quality: int, types: MessageTypes) -> Any:
    """Return a `CompressedImage` with a JPEG, its format written as `image_transport` does."""
    data = encode_jpeg(frame.image, frame.encoding, quality)
    stored = "mono8" if frame.encoding == "mono8" else "bgr8"
    return types.make(
        COMPRESSED,
        header=header_message(frame.stamp_ns, optical_frame(frame.camera), types),
        format=f"{frame.encoding}; jpeg compressed {stored}",
        data=types.octets(np.frombuffer(data, np.uint8)),
    )


def camera_info_to_message(
    calibration: CameraCalibration, stamp_ns: int, types: MessageTypes
) -> Any:
    """Return a `CameraInfo` for the frame with this stamp, of the whole image without binning."""
    region = {"x_offset": 0, "y_offset": 0, "height": 0, "width": 0, "do_rectify": False}
    return types.make(
        CAMERA_INFO,
        header=header_message(stamp_ns, optical_frame(calibration.camera), types),
        height=calibration.height,
        width=calibration.width,
        distortion_model=calibration.model,
        d=np.array(calibration.distortion, np.float64),
        k=calibration.k.reshape(-1),
        r=calibration.r.reshape(-1),
        p=calibration.p.reshape(-1),
        binning_x=0,
        binning_y=0,
        roi=types.make("sensor_msgs/msg/RegionOfInterest", **region),
    )


@untrusted
def camera_info_from_message(message: Any) -> CameraCalibration:
    """Return the calibration that a `CameraInfo` holds.

    Raises:
        MessageError: The camera is not calibrated, or a field is out of bounds.
    """
    calibration = CameraCalibration(
        camera=camera_of(message.header.frame_id),
        width=whole(message.width, "width", 1, MAX_SIDE),
        height=whole(message.height, "height", 1, MAX_SIDE),
        model=text(message.distortion_model, "distortion_model"),
        distortion=tuple(finite(value, "d") for value in items(message.d, "d", 14)),
        k=np.array(message.k, np.float64).reshape(3, 3),
        r=np.array(message.r, np.float64).reshape(3, 3),
        p=np.array(message.p, np.float64).reshape(3, 4),
    )
    try:
        return check_calibration(calibration)
    except CalibrationError as error:
        raise MessageError(f"camera_info: {error}") from None
