"""How a store changes while it runs, and its frames as plain transforms. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aisle.store.geometry import (
    Matrix,
    Quaternion,
    Vector3,
    pose_from_rotation_vector,
    quaternion_from_pose,
    translation,
)
from aisle.store.planogram import slot_id
from aisle.store.types import Slot, Store
from aisle.store.urdf import Joint, Robot


class ChangeError(ValueError):
    """A change names what the store does not have."""


def with_slot_change(
    store: Store,
    product: str,
    shelf: str,
    plates: tuple[str, ...],
    quantity: int,
    confidence: float = 1.0,
) -> Store:
    """The store after someone put units of a product on a shelf, or took them from it.

    Where the product belongs there, only its count changes (when it is known, and never below 0).
    Elsewhere, also on plates of the same shelf where it does not belong, a put-back makes or fills
    a `misplaced` slot, and taking its last unit removes the slot. Taking a product from a shelf
    where none is known to stand changes nothing.

    Args:
        store: The store before.
        product: Product id.
        shelf: Shelf id.
        plates: Plates of that shelf that it was put on; empty when that is not known.
        quantity: Units put there (positive) or taken from there (negative).
        confidence: How sure the change is, 0 to 1.

    Returns:
        A store with the next revision, or the same object when nothing changes.

    Raises:
        ChangeError: When product, shelf or a plate is unknown.
    """
    if not product:
        raise ChangeError("the change names no product")
    _check(store, product, shelf, plates)
    slot = _find(store, product, shelf, plates)
    elsewhere = slot is not None and slot.plates and plates and not set(slot.plates) & set(plates)
    if slot is None or (elsewhere and quantity > 0):
        return _put_misplaced(store, product, shelf, plates, quantity, confidence)
    if slot.count is None or quantity == 0:
        return store
    count = max(0, slot.count + quantity)
    if slot.misplaced and count == 0:
        return _with_slots(store, {id_: s for id_, s in store.slots.items() if id_ != slot.id})
    changed = replace(slot, count=count)
    if slot.misplaced and quantity > 0:
        # A second unit need not stand where the first one does.
        where = _in_order(store, shelf, (*slot.plates, *plates))
        changed = replace(changed, plates=where, confidence=min(slot.confidence, confidence))
    return _with_slots(store, {**store.slots, slot.id: changed})


def _put_misplaced(
    store: Store,
    product: str,
    shelf: str,
    plates: tuple[str, ...],
    quantity: int,
    confidence: float,
) -> Store:
    if quantity <= 0:
        return store
    id_ = f"{slot_id(shelf, product)}/misplaced"
    before = store.slots.get(id_)
    units = quantity + (before.count or 0 if before else 0)
    where = _in_order(store, shelf, (*plates, *(before.plates if before else ())))
    slot = Slot(id_, product, shelf, where, None, 1, units, confidence, misplaced=True)
    return _with_slots(store, {**store.slots, id_: slot})


def set_slot(
    store: Store,
    shelf: str,
    product: str,
    plates: tuple[str, ...],
    area: tuple[float, float, float, float] | None = None,
    facings: int = 1,
) -> Store:
    """The store after a change of the planogram: plates, or an area, now hold one product.

    What stood on these plates loses them, and is gone when it has none left. A slot that the
    product has on this shelf moves here. With an empty product the place is cleared. A product
    without a place was misplaced on this shelf, and is gone from there.

    Args:
        store: The store before.
        shelf: Shelf id.
        product: Product id, or empty.
        plates: Neighbouring plates of the shelf.
        area: x0, y0, x1, y1 in the shelf frame, instead of plates.
        facings: Units side by side.

    Returns:
        A store with the next revision.

    Raises:
        ChangeError: When something is unknown or out of range, or the place is not one place.
    """
    _check(store, product, shelf, plates)
    if product and not plates and area is None:
        return _without_misplaced(store, shelf, product)
    if bool(plates) == (area is not None):
        raise ChangeError("a slot needs either plates or an area")
    if facings < 1:
        raise ChangeError(f"facings {facings} is less than 1")
    placed = _in_order(store, shelf, plates)
    order = [store.shelves[shelf].plates.index(plate) for plate in placed]
    if order and order[-1] - order[0] != len(order) - 1:
        raise ChangeError(f"plates {' '.join(placed)} are not neighbours")
    if area is not None and not _is_area(area):
        raise ChangeError(f"area {area} is not x0, y0, x1, y1 in metres")
    slots: dict[str, Slot] = {}
    for slot in store.slots.values():
        if slot.shelf == shelf:
            if product and slot.product == product:
                continue
            left = tuple(plate for plate in slot.plates if plate not in placed)
            overlaps = area is not None and slot.area is not None and _overlap(slot.area, area)
            if overlaps or (slot.plates and not left):
                continue
            slot = replace(slot, plates=left)
        slots[slot.id] = slot
    if product:
        id_ = slot_id(shelf, product)
        slots[id_] = Slot(id_, product, shelf, placed, area, facings)
    return _with_slots(store, slots)


def _without_misplaced(store: Store, shelf: str, product: str) -> Store:
    gone = [
        slot.id
        for slot in store.slots.values()
        if slot.misplaced and slot.shelf == shelf and slot.product == product
    ]
    if not gone:
        raise ChangeError(
            f"product '{product}' is not known to be misplaced on shelf {shelf}; "
            "where it belongs, name the plates or the area"
        )
    return _with_slots(store, {id_: s for id_, s in store.slots.items() if id_ not in gone})


def slot_box(store: Store, slot: Slot) -> tuple[Matrix, Vector3] | None:
    """Pose in `map` and size of the room that a slot takes: the middle of its floor; x, y, z.

    None when the store does not know where its shelf is, or where any of its plates are.
    """
    shelf = store.shelves[slot.shelf]
    if shelf.pose is None:
        return None
    if slot.area is not None:
        x0, y0, x1, y1 = slot.area
    else:
        boxes = []
        inverse = np.linalg.inv(shelf.pose)
        for plate in (store.plates[id_] for id_ in slot.plates):
            if plate.pose is not None:
                x, y = (inverse @ plate.pose)[:2, 3]
                width, depth = plate.size_m
                boxes.append((x - width / 2, y - depth / 2, x + width / 2, y + depth / 2))
        if not boxes:
            return None
        corners = np.array(boxes)
        x0, y0 = corners[:, :2].min(axis=0).tolist()
        x1, y1 = corners[:, 2:].max(axis=0).tolist()
    pose = shelf.pose @ translation((x0 + x1) / 2, (y0 + y1) / 2, 0.0)
    return pose, (x1 - x0, y1 - y0, shelf.size_m[2])


@dataclass(frozen=True)
class Transform:
    """Pose of a child frame in its parent: metres and a unit quaternion (x, y, z, w)."""

    parent: str
    child: str
    xyz: Vector3
    quaternion: Quaternion


def static_transforms(robot: Robot) -> list[Transform]:
    """Transforms that never change, for `/tf_static`: all fixed joints of the URDF."""
    return [
        _transform(joint, joint.origin) for joint in robot.joints.values() if joint.kind == "fixed"
    ]


def joint_transforms(robot: Robot, positions: dict[str, float]) -> list[Transform]:
    """Transforms of all joints that move (doors), for `/tf`.

    Args:
        robot: The store's URDF.
        positions: Radians or metres by joint name; 0 where absent; held within the limits.
    """
    return [
        _transform(joint, joint_pose(joint, positions.get(joint.name, 0.0)))
        for joint in robot.joints.values()
        if joint.kind != "fixed"
    ]


def joint_pose(joint: Joint, position: float) -> Matrix:
    """Pose of a joint's child in its parent.

    Args:
        joint: A joint of the URDF.
        position: Radians or metres, held within the limits; a fixed joint passes over it.

    Raises:
        ChangeError: The position is not finite.
    """
    if joint.kind == "fixed":
        return joint.origin
    if not np.isfinite(position):
        raise ChangeError(f"position of joint {joint.name} is not finite")
    if joint.limits is not None:
        position = min(max(position, joint.limits[0]), joint.limits[1])
    pose: Matrix = joint.origin @ _motion(joint, position)
    return pose


def _motion(joint: Joint, position: float) -> Matrix:
    axis = np.array(joint.axis) / np.linalg.norm(joint.axis)
    if joint.kind == "prismatic":
        x, y, z = (axis * position).tolist()
        return translation(x, y, z)
    x, y, z = (axis * position).tolist()
    return pose_from_rotation_vector((0.0, 0.0, 0.0), (x, y, z))


def _transform(joint: Joint, pose: Matrix) -> Transform:
    x, y, z = (float(value) for value in pose[:3, 3])
    return Transform(joint.parent, joint.child, (x, y, z), quaternion_from_pose(pose))


def _check(store: Store, product: str, shelf: str, plates: tuple[str, ...]) -> None:
    if product and product not in store.products:
        raise ChangeError(f"there is no product '{product}'")
    if shelf not in store.shelves:
        raise ChangeError(f"there is no shelf '{shelf}'")
    for plate in plates:
        if plate not in store.plates or store.plates[plate].shelf != shelf:
            raise ChangeError(f"shelf {shelf} has no plate '{plate}'")


def _find(store: Store, product: str, shelf: str, plates: tuple[str, ...]) -> Slot | None:
    """The slot of a product on a shelf: one on these plates first, then where it belongs."""
    here = [s for s in store.slots.values() if s.shelf == shelf and s.product == product]
    wanted = set(plates)
    return min(here, key=lambda s: (not wanted & set(s.plates), s.misplaced), default=None)


def _is_area(area: tuple[float, float, float, float]) -> bool:
    return bool(np.isfinite(area).all()) and area[0] < area[2] and area[1] < area[3]


def _overlap(
    one: tuple[float, float, float, float], two: tuple[float, float, float, float]
) -> bool:
    beside = one[2] <= two[0] or two[2] <= one[0]
    behind = one[3] <= two[1] or two[3] <= one[1]
    return not (beside or behind)


def _in_order(store: Store, shelf: str, plates: tuple[str, ...]) -> tuple[str, ...]:
    wanted = set(plates)
    return tuple(plate for plate in store.shelves[shelf].plates if plate in wanted)


def _with_slots(store: Store, slots: dict[str, Slot]) -> Store:
    return replace(store, slots=slots, revision=store.revision + 1)
