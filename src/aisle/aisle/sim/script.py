"""What happens in a simulated store: deeds at shelves, gestures, ways through the store.

Times are seconds from the start of the simulation. A script drawn without `walk` has visits and
deeds alone, which is all that scales need; with `walk` it also says who walks where, which unit
each hand takes and where it puts it, so that a choreography can be made of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class DeedKind(Enum):
    """What a hand does at a shelf."""

    TAKE = "take"
    RETURN = "return"
    TOUCH = "touch"


@dataclass(frozen=True)
class Place:
    """Where a unit stands on a shelf: the middle of its base in the shelf's frame."""

    x_m: float
    y_m: float
    z_m: float
    yaw: float


@dataclass(frozen=True)
class Deed:
    """One thing that a hand does at a shelf."""

    start_s: float
    duration_s: float
    session: str
    kind: DeedKind
    shelf: str
    x_m: float
    """Centre of the product (or of the hand) along the shelf, in the shelf's frame."""
    width_m: float
    product: str = ""
    quantity: int = 0
    weight_kg: float = 0.0
    """Total that leaves or joins the shelf; not negative."""
    foreign: bool = False
    number: int = 0
    """Who of the group."""
    units: tuple[str, ...] = ()
    """Ids of the units taken, put back or touched; empty without `walk`."""
    places: tuple[Place, ...] = ()
    """Of each unit on the shelf: before a take, after a return, during a touch."""
    hands: tuple[str, ...] = ()
    """`left`, `right` of each unit; one unit may be in both: `both`."""

    @property
    def end_s(self) -> float:
        """When the hand has gone and the effect is complete."""
        return self.start_s + self.duration_s


class GestureKind(Enum):
    """What hands do away from shelves."""

    BAG = "bag"
    UNBAG = "unbag"
    HAND_OVER = "hand_over"
    OPEN_DOOR = "open_door"


@dataclass(frozen=True)
class Gesture:
    """One thing that hands do away from the shelves."""

    start_s: float
    duration_s: float
    session: str
    number: int
    kind: GestureKind
    units: tuple[str, ...] = ()
    product: str = ""
    weight_kg: float = 0.0
    hand: str = "right"
    counterpart: str = ""
    """Session that is handed something; may be the giver's own."""
    counterpart_number: int = 0
    counterpart_hand: str = "right"
    fixture: str = ""

    @property
    def end_s(self) -> float:
        """When it is complete; a unit changes hands in the middle."""
        return self.start_s + self.duration_s


@dataclass(frozen=True)
class DoorMove:
    """A fridge's door turns to an angle."""

    start_s: float
    duration_s: float
    fixture: str
    angle: float


@dataclass(frozen=True)
class Visit:
    """One shopper's stay, or that of a group that pays together."""

    session: str
    enter_s: float
    exit_s: float
    group_size: int
    bags: tuple[str, ...] = ()
    """Of each of the group: `basket`, `tote` or nothing."""


@dataclass(frozen=True)
class Track:
    """Where one person's feet are, from coming into sight to going out of it."""

    session: str
    number: int
    points: tuple[tuple[float, float, float], ...]
    """Time, x and y in `map`; in a straight line between them."""


@dataclass(frozen=True)
class Script:
    """All that happens, in order of time."""

    visits: tuple[Visit, ...]
    deeds: tuple[Deed, ...]
    duration_s: float
    carried: dict[str, tuple[str, ...]]
    """What each session carried on entering (only in training scenarios)."""
    gestures: tuple[Gesture, ...] = ()
    doors: tuple[DoorMove, ...] = ()
    tracks: tuple[Track, ...] = ()
    stock_seed: int = 0
    """Of how the units stand on the shelves in the beginning."""
