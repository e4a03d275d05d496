"""What flows between the parts of the stack, without ROS: arrays, identifiers, nanoseconds.

Each record mirrors one interface of `aisle_msgs`. Stamps are acquisition times in integer
nanoseconds since the epoch of the clock in use; nothing here reads the wall clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

MAX_NAME = 128
"""Longest name of a session or gate, characters: the ids of its changes stay storable too."""


class PlateStatus(IntEnum):
    """State of one plate over one message."""

    OK = 0
    MISSING = 1
    """No reading; kilograms are NaN."""
    OVERLOAD = 2
    UNDERLOAD = 3
    FAULT = 4


@dataclass(frozen=True)
class WeightBatch:
    """Several samples of all plates of one controller."""

    controller: str
    stamp_ns: int
    """Acquisition time of the first sample."""
    period_ns: int
    plates: tuple[str, ...]
    kilograms: NDArray[np.float32]
    """[samples, plates]; a missed sample is NaN, never 0."""
    status: NDArray[np.uint8]
    """[plates], `PlateStatus`."""

    @property
    def end_ns(self) -> int:
        """Stamp of the last sample."""
        return self.stamp_ns + (len(self.kilograms) - 1) * self.period_ns


@dataclass(frozen=True)
class CameraFrame:
    """One picture of one camera. Who gets it only reads it: it may lie in a message's memory."""

    camera: str
    stamp_ns: int
    """When the picture was taken, not when it came."""
    image: NDArray[np.uint8]
    """[height, width, 3], or [height, width] for `mono8`."""
    encoding: str = "rgb8"
    """`rgb8`, `bgr8` or `mono8`: what the channels are."""

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """[height, width, 3], red first: a view without a copy."""
        if self.encoding == "bgr8":
            return self.image[:, :, ::-1]
        if self.encoding == "mono8":
            return np.broadcast_to(self.image[:, :, None], (*self.image.shape, 3))
        return self.image


@dataclass(frozen=True, eq=False)
class CodedFrame:
    """One picture of one camera as it came; it is decoded only if it is looked at.

    A camera gives more pictures than are looked at, and to decode one costs more than to take it.
    """

    camera: str
    stamp_ns: int
    """When the picture was taken, not when it came."""
    data: bytes
    """JPEG or PNG, of which `aisle.sensing.camera_codec.header` had nothing to say."""
    shape: tuple[int, ...]
    """[height, width, 3], or [height, width] of a grey picture."""


Frame = CameraFrame | CodedFrame


@dataclass(frozen=True)
class CameraCalibration:
    """How a camera maps directions of its optical frame to pixels (`sensor_msgs/CameraInfo`).

    Pixel (0, 0) has its centre at (0.0, 0.0).
    """

    camera: str
    width: int
    height: int
    model: str
    """Distortion: `plumb_bob`, `rational_polynomial` or `equidistant`."""
    distortion: tuple[float, ...]
    k: NDArray[np.float64]
    """[3, 3], pixels of the image as it comes."""
    r: NDArray[np.float64]
    """[3, 3] rotation to the rectified frame."""
    p: NDArray[np.float64]
    """[3, 4], pixels of the rectified image."""


class GateKind(IntEnum):
    """Direction of a passage."""

    ENTER = 0
    EXIT = 1


@dataclass(frozen=True)
class GateEvent:
    """Someone passed a gate."""

    stamp_ns: int
    gate: str
    kind: GateKind
    session: str
    group_size: int = 1


class Action(IntEnum):
    """What a change does to a session's receipt."""

    TAKE = 0
    RETURN = 1

    @property
    def opposite(self) -> Action:
        """What undoes it."""
        return Action.RETURN if self is Action.TAKE else Action.TAKE


class ChangeState(IntEnum):
    """How firm a change is; a later prediction may move it on under the same id."""

    TENTATIVE = 0
    CONFIRMED = 1
    WITHDRAWN = 2


@dataclass(frozen=True)
class Change:
    """One change of one session's receipt."""

    id: str
    """Unique and stable, `<session>/<name>`: the same id in a later prediction replaces it."""
    state: ChangeState
    stamp_ns: int
    """When it happened, as well as the model can tell."""
    action: Action
    product: str
    """Product id, or empty for a product that the model cannot name."""
    quantity: int
    probability: float
    """Calibrated probability that action, product, quantity and session are all right."""
    shelf: str
    counterpart: str = ""
    """The other session of a hand-over, or empty."""
    plates: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    evidence_ns: tuple[int, int] = (0, 0)
    """First and last stamp of the input that the change rests on."""
    foreign: bool = False
    """True for a return of a product to a shelf where it does not belong."""


@dataclass(frozen=True)
class Prediction:
    """What the fusion says of one session at one tick."""

    stamp_ns: int
    session: str
    changes: tuple[Change, ...]
    final: bool = False
    """True once for each session: after its exit, when nothing more can come. It holds all changes
    and gaps of the session, those of earlier predictions too."""
    gaps: tuple[str, ...] = ()
    """Why the session was not fully seen ("weights/g1 silent for 4.2 s"), for people to read."""


class ReceiptState(IntEnum):
    """Life of a receipt."""

    OPEN = 0
    CLOSED = 1
    REVIEW = 2
    """Closed for the shopper, waiting for a person to look at it."""


@dataclass(frozen=True)
class ReceiptLine:
    """One product on a receipt."""

    product: str
    name: str
    quantity: int
    unit_price_minor: int
    confidence: float


@dataclass(frozen=True)
class Receipt:
    """A session's receipt at one revision (`ReceiptUpdate` on the wire)."""

    session: str
    revision: int
    """Counts up by one with each change; 1 is the empty receipt at the gate."""
    state: ReceiptState
    stamp_ns: int
    currency: str
    lines: tuple[ReceiptLine, ...]
    cause: str
    """Id of the change that led to this revision, or `enter`, `exit`, `final`, `gap`."""
    review_reasons: tuple[str, ...] = ()

    @property
    def total_minor(self) -> int:
        """Sum of the lines in minor units."""
        return sum(line.quantity * line.unit_price_minor for line in self.lines)


OPERATOR = "operator/"
"""How the causes begin of what a person said."""


@dataclass(frozen=True)
class SlotChange:
    """A product now stands, or no longer stands, where the planogram does not put it."""

    stamp_ns: int
    cause: str
    """Id of the change that caused it, `<id>#2`, `<id>#3` for later corrections of the same change;
    a repeated cause is applied once."""
    product: str
    shelf: str
    plates: tuple[str, ...]
    quantity: int
    """Positive: units put there; negative: units taken from there."""
    confidence: float

    @property
    def by_operator(self) -> bool:
        """Whether a person said so, not a receipt."""
        return self.cause.startswith(OPERATOR)


Record = WeightBatch | CameraFrame | CodedFrame | GateEvent | SlotChange
"""What the fusion takes in beside store models, in order of arrival."""
