"""Identifiers and the frames that belong to them.

A plate `g1/s2/p3` stands on shelf `g1/s2` of fixture `g1`; its TF frame is `g1_s2_p3`.
"""

from __future__ import annotations

import re

_PART = r"[a-z][a-z0-9]*"
_FRAME = re.compile(r"[a-z][a-z0-9_]*")
_FIXTURE = re.compile(_PART)
_SHELF = re.compile(f"{_PART}/{_PART}")
_PLATE = re.compile(f"{_PART}/{_PART}/{_PART}")
_PRODUCT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def frame_name(id_: str) -> str:
    """TF frame and URDF link of a fixture, shelf, plate, camera or gate."""
    return id_.replace("/", "_")


def optical_frame(camera: str) -> str:
    """Frame of a camera's images: z forward, x right, y down."""
    return f"{camera}_optical_frame"


def door_joint(fixture: str) -> str:
    """Joint of a fridge's door."""
    return f"{frame_name(fixture)}_door_joint"


def is_part(text: str) -> bool:
    """True for one part of an id (`g1`): a lower-case letter, then letters and digits.

    Parts have no underscore, so that no two ids share a frame.
    """
    return _FIXTURE.fullmatch(text) is not None


def is_shelf_id(text: str) -> bool:
    """True for `<fixture>/<shelf>`."""
    return _SHELF.fullmatch(text) is not None


def is_plate_id(text: str) -> bool:
    """True for `<fixture>/<shelf>/<plate>`."""
    return _PLATE.fullmatch(text) is not None


def is_device_id(text: str) -> bool:
    """True for the id of a controller, camera or gate: legal in topic and frame names."""
    return _FRAME.fullmatch(text) is not None and "__" not in text and not text.endswith("_")


def is_product_id(text: str) -> bool:
    """True for a GTIN or a slug that is safe as a folder name."""
    return _PRODUCT.fullmatch(text) is not None


def parent_id(id_: str) -> str:
    """Shelf of a plate, fixture of a shelf."""
    return id_.rpartition("/")[0]
