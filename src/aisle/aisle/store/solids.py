"""What stands in a store as solid bodies: its URDF's visuals, and products as the planogram says.

Boxes, cylinders and spheres; meshes of a URDF are passed over. A store that has no URDF yet (a
generated one) gets the furniture that the macros in `urdf/` draw.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from aisle.store.geometry import Matrix, Vector3, pose_from_rpy, translation
from aisle.store.model import joint_pose, slot_box
from aisle.store.names import frame_name
from aisle.store.textfile import parse_number
from aisle.store.types import Fixture, Slot, Store
from aisle.store.urdf import ROOT, Robot

Colour = tuple[float, float, float, float]

_STEEL: Colour = (0.75, 0.77, 0.8, 1.0)
_GLASS: Colour = (0.7, 0.85, 0.95, 0.35)
_BOARD: Colour = (0.55, 0.42, 0.3, 1.0)
_PLATE: Colour = (0.2, 0.22, 0.25, 1.0)
_PRODUCT: Colour = (0.85, 0.6, 0.35, 1.0)
_KINDS = {"gondola": "fixture", "fridge": "fixture", "shelf": "board"}
_BAR_M = 0.045
_FRONT_GAP_M = 0.01
_MOST_ROWS = 8


@dataclass(frozen=True)
class Solid:
    """One body; equal bodies have equal `same` keys."""

    id: str
    """Of the fixture, shelf, plate, gate or slot, or the URDF's link; further bodies of the same
    one are `<id>#2`, `<id>#3`."""
    kind: str
    """`fixture`, `board`, `plate`, `door`, `product`, `camera`, `gate` or `other`."""
    shape: str
    """`box`, `cylinder` (along z) or `sphere`."""
    size_m: Vector3
    """Extent along the body's own x, y, z."""
    pose: Matrix
    """The body's middle in `map`."""
    colour: Colour = _STEEL
    """Red, green, blue, opacity: 0 to 1."""

    @property
    def clear(self) -> bool:
        """Whether one sees through it."""
        return self.colour[3] < 0.5

    @property
    def same(self) -> tuple[object, ...]:
        """A key that changes when the body does."""
        return self.id, self.kind, self.shape, self.size_m, self.pose.tobytes(), self.colour


def solids(
    store: Store, robot: Robot | None = None, doors: Mapping[str, float] | None = None
) -> list[Solid]:
    """All bodies of a store.

    Args:
        store: Where products come from, and the furniture when there is no URDF.
        robot: The store's URDF.
        doors: Opening angle of a fixture's door in radians; doors are closed where absent.

    Returns:
        Furniture first, then one block of products for each slot whose place is known and that is
        not known to be empty.
    """
    angles = dict(doors or {})
    found = _furniture(store, angles) if robot is None else _visuals(robot, angles)
    for slot in store.slots.values():
        block = None if slot.count == 0 else product_block(store, slot)
        if block is not None:
            pose, size = block
            found.append(Solid(slot.id, "product", "box", size, pose, _PRODUCT))
    return found


def product_block(store: Store, slot: Slot) -> tuple[Matrix, Vector3] | None:
    """Middle pose in `map` and size of the block that a slot's units make.

    The facings stand side by side in the middle of the slot, from a centimetre behind its front
    edge backwards as many rows as there is room (or as its count fills). Products that share their
    plates stand beside each other in the order of the planogram. None where the place is unknown.
    """
    found = slot_box(store, slot)
    if found is None:
        return None
    pose, (width, depth, room) = found
    place, sharing = 0, 1
    if slot.plates:
        together = [s.id for s in store.slots_of_shelf[slot.shelf] if s.plates == slot.plates]
        place, sharing = together.index(slot.id), len(together)
    unit = store.products[slot.product].size_m
    share = width / sharing
    facings = 1 if slot.misplaced else max(1, min(slot.facings, int(share / unit[0] + 1e-6)))
    rows = min(_MOST_ROWS, max(1, int((depth - _FRONT_GAP_M) / unit[1] + 1e-6)))
    if slot.count is not None:
        facings, rows = min(facings, max(1, slot.count)), min(rows, math.ceil(slot.count / facings))
    size = facings * unit[0], max(1, rows) * unit[1], min(unit[2], room)
    x = (place + 0.5) * share - width / 2
    y = _FRONT_GAP_M + (size[1] - depth) / 2
    return pose @ translation(x, y, size[2] / 2), size


def _furniture(store: Store, doors: dict[str, float]) -> list[Solid]:
    """Fixtures, boards and plates as the macros in `urdf/` draw them."""
    found: list[Solid] = []
    for fixture in store.fixtures.values():
        found += _fixture(fixture, doors.get(fixture.id, 0.0))
    for shelf in store.shelves.values():
        if shelf.pose is not None:
            width, depth, _ = shelf.size_m
            pose = shelf.pose @ translation(width / 2, depth / 2, -0.01)
            found.append(Solid(shelf.id, "board", "box", (width, depth, 0.02), pose, _BOARD))
    for plate in store.plates.values():
        if plate.pose is not None:
            size = plate.size_m[0] - 0.004, plate.size_m[1], 0.01
            pose = plate.pose @ translation(0.0, 0.0, -0.005)
            found.append(Solid(plate.id, "plate", "box", size, pose, _PLATE))
    for gate in store.gates.values():
        for i, side in enumerate((0.45, -0.45)):
            pose = gate.pose @ translation(0.0, side, 0.5)
            found.append(Solid(_numbered(gate.id, i), "gate", "box", (0.1, 0.04, 1.0), pose))
    return found


def _fixture(fixture: Fixture, angle: float) -> list[Solid]:
    width, depth, height = fixture.size_m
    if fixture.kind != "fridge":
        parts = [((width, 0.02, height), (width / 2, depth - 0.01, height / 2))]
        return _boxes(fixture.id, "fixture", fixture.pose, parts, _STEEL)
    parts = [
        ((width, 0.04, height), (width / 2, depth - 0.02, height / 2)),
        ((0.02, depth, height), (-0.01, depth / 2, height / 2)),
        ((0.02, depth, height), (width + 0.01, depth / 2, height / 2)),
        ((width, depth, 0.04), (width / 2, depth / 2, height - 0.02)),
    ]
    hinge = fixture.pose @ translation(0.0, -0.02, 0.0)
    hinge = hinge @ pose_from_rpy((0.0, 0.0, 0.0), (0.0, 0.0, -min(max(angle, 0.0), 2.0)))
    pane = [((width, 0.01, height), (width / 2, 0.0, height / 2))]
    bar = _BAR_M
    frame = [
        ((bar, 0.02, height), (bar / 2, 0.0, height / 2)),
        ((bar, 0.02, height), (width - bar / 2, 0.0, height / 2)),
        ((width, 0.02, bar), (width / 2, 0.0, bar / 2)),
        ((width, 0.02, bar), (width / 2, 0.0, height - bar / 2)),
    ]
    door = f"{fixture.id}_door"
    return [
        *_boxes(fixture.id, "fixture", fixture.pose, parts, _STEEL),
        *_boxes(door, "door", hinge, pane, _GLASS),
        *_boxes(door, "door", hinge, frame, _STEEL, first=1),
    ]


def _boxes(
    id_: str,
    kind: str,
    pose: Matrix,
    parts: list[tuple[Vector3, Vector3]],
    colour: Colour,
    first: int = 0,
) -> list[Solid]:
    return [
        Solid(_numbered(id_, i), kind, "box", size, pose @ translation(*middle), colour)
        for i, (size, middle) in enumerate(parts, start=first)
    ]


def _numbered(id_: str, index: int) -> str:
    return f"{id_}#{index + 1}" if index else id_


def _visuals(robot: Robot, doors: dict[str, float]) -> list[Solid]:
    """All visuals of a URDF that are boxes, cylinders or spheres."""
    root = ET.fromstring(robot.text)  # noqa: S314 - entities are gone after xacro
    colours = {
        element.get("name", ""): colour
        for element in root.iter("material")
        if (colour := _colour(element)) is not None
    }
    parts = {frame_name(part.id): part for part in robot.parts.values()}
    poses = _link_poses(robot, doors)
    found: list[Solid] = []
    for link in root.iter("link"):
        name = link.get("name", "")
        if name not in poses:
            continue
        part = parts.get(name)
        kind = _KINDS.get(part.kind, part.kind) if part else "other"
        if name.removesuffix("_door") in robot.parts and name.endswith("_door"):
            kind = "door"
        shapes = [body for visual in link.iter("visual") if (body := _shape(visual)) is not None]
        for i, (shape, size, origin, visual) in enumerate(shapes):
            material = visual.find("material")
            colour = None if material is None else _colour(material)
            if colour is None and material is not None:
                colour = colours.get(material.get("name", ""))
            id_ = _numbered(part.id if part else name, i)
            found.append(Solid(id_, kind, shape, size, poses[name] @ origin, colour or _STEEL))
    return found


def _link_poses(robot: Robot, doors: dict[str, float]) -> dict[str, Matrix]:
    """Pose in `map` of every link that hangs on it, with the doors as they stand."""
    poses = {ROOT: np.eye(4)}

    def pose_of(link: str) -> Matrix | None:
        if link not in poses:
            joint = robot.joints.get(link)
            parent = None if joint is None or link not in robot.poses else pose_of(joint.parent)
            if joint is None or parent is None:
                return None
            angle = doors.get(joint.parent, 0.0) if joint.child == f"{joint.parent}_door" else 0.0
            poses[link] = parent @ joint_pose(joint, angle)
        return poses[link]

    for link in robot.joints:
        pose_of(link)
    return poses


def _shape(visual: ET.Element) -> tuple[str, Vector3, Matrix, ET.Element] | None:
    geometry = visual.find("geometry")
    shape = None if geometry is None or not len(geometry) else geometry[0]
    if shape is None or shape.tag not in ("box", "cylinder", "sphere"):
        return None
    if shape.tag == "box":
        size = _numbers(shape.get("size"))
    else:
        across = _numbers(shape.get("radius"), 1)
        length = _numbers(shape.get("length"), 1) if shape.tag == "cylinder" else across
        if across is None or length is None:
            return None
        along = length[0] if shape.tag == "cylinder" else 2 * across[0]
        size = (2 * across[0], 2 * across[0], along)
    origin = visual.find("origin")
    xyz = _numbers(origin.get("xyz", "0 0 0")) if origin is not None else (0.0, 0.0, 0.0)
    rpy = _numbers(origin.get("rpy", "0 0 0")) if origin is not None else (0.0, 0.0, 0.0)
    if size is None or xyz is None or rpy is None or min(size) <= 0.0:
        return None
    pose = pose_from_rpy((xyz[0], xyz[1], xyz[2]), (rpy[0], rpy[1], rpy[2]))
    return shape.tag, (size[0], size[1], size[2]), pose, visual


def _numbers(text: str | None, count: int = 3) -> tuple[float, ...] | None:
    values = [parse_number(part) for part in (text or "").split()]
    good = tuple(value for value in values if value is not None)
    return good if len(good) == len(values) == count else None


def _colour(material: ET.Element) -> Colour | None:
    element = material.find("color")
    values = None if element is None else _numbers(element.get("rgba"), 4)
    return None if values is None else (values[0], values[1], values[2], values[3])
