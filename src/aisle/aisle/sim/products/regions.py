"""Where the parts of a package lie on its texture, and in which proportions."""

from __future__ import annotations

from dataclasses import dataclass

from aisle.sim.products.surface import Region

Size = tuple[float, float, float]
"""Width, depth, height in metres."""


@dataclass(frozen=True)
class Regions:
    """Where on the texture the parts of a package have their pictures."""

    wrap: Region
    """The label all around, or the front and the back side by side."""
    top: Region
    base: Region
    cap: Region
    """The side of a lid or a cap."""
    body: Region
    """What has no print: glass, metal, a fin."""


UPRIGHT = Regions(
    wrap=Region(0.0, 0.0, 1.0, 0.625),
    top=Region(0.0, 0.625, 0.375, 1.0),
    base=Region(0.375, 0.625, 0.625, 0.8125),
    cap=Region(0.625, 0.625, 1.0, 0.8125),
    body=Region(0.375, 0.8125, 1.0, 1.0),
)
LYING = Regions(
    wrap=Region(0.0, 0.5, 1.0, 0.75),
    top=Region(0.0, 0.0, 1.0, 0.5),
    base=Region(0.0, 0.75, 0.75, 1.0),
    cap=Region(0.75, 0.75, 1.0, 0.875),
    body=Region(0.75, 0.875, 1.0, 1.0),
)


def lies(shape: str, size: Size) -> bool:
    """True where the largest face, with the main picture, looks up."""
    return shape == "bar" or (shape == "box" and size[2] < 0.6 * size[1])


def regions_of(shape: str, size: Size) -> Regions:
    """The texture's layout for a package."""
    return LYING if lies(shape, size) else UPRIGHT


def faces_of(shape: str, size: Size) -> tuple[float, float]:
    """Shares of the wrap that the front and the right side have; back and left are the same.

    In the wrap they come in the order front, right, back, left.
    """
    width, depth, _ = size
    share = 0.5 * width / (width + depth)
    if shape in ("bag", "blister", "bar"):
        return 0.5, 0.0
    if shape in ("box", "brick", "gable", "packet"):
        return share, 0.5 - share
    front = min(max(share + 0.08, 0.3), 0.49)
    return front, 0.5 - front


def printed_part(shape: str) -> tuple[float, float, float, float]:
    """Left, upper, right and lower end of what the front has to print on, as shares of it."""
    return _PRINTED.get(shape, (0.0, 0.0, 1.0, 1.0))


def wrap_height(shape: str, size: Size) -> float:
    """Metres of the label's height, for the proportions of its picture."""
    low, high = _LABELS.get(shape, (0.0, 1.0))
    return max((high - low) * size[2], 1e-3)


_LABELS = {
    "canister": (0.0, 0.87),
    "jar": (0.13, 0.68),
    "bottle": (0.12, 0.5),
    "pet": (0.2, 0.62),
    "sleeve": (0.02, 0.8),
    "flask": (0.06, 0.64),
    "stick": (0.0, 0.62),
    "tin": (0.03, 0.97),
    "tube": (0.14, 1.0),
    "gable": (0.0, 0.78),
    "packet": (0.0, 0.9),
}
"""Lower and upper end of the label as shares of the height."""
_PRINTED = {
    "bag": (0.08, 0.05, 0.92, 0.95),
    "pouch": (0.04, 0.05, 0.96, 0.97),
    "tube": (0.05, 0.06, 0.95, 0.97),
    "bar": (0.07, 0.0, 0.93, 1.0),
    "blister": (0.0, 0.0, 1.0, 0.43),
}
