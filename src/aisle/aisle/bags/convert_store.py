"""`StoreModel` messages to stores and back.

A message holds what fusion and receipts need: no images, gates or cameras. Lengths keep 64 bits;
weights, rates, capacities and confidences are 32-bit floats on the wire.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, TypeVar

import numpy as np

from aisle.bags.convert import (
    MAX_PLATES,
    MAX_QUANTITY,
    MessageError,
    finite,
    header_message,
    items,
    share,
    stamp,
    text,
    texts,
    untrusted,
    whole,
)
from aisle.bags.messages import MessageTypes
from aisle.store.geometry import quaternion_from_pose
from aisle.store.model import slot_box
from aisle.store.types import Controller, Fixture, Matrix, Plate, Product, Shelf, Slot, Store

STORE = "aisle_msgs/msg/StoreModel"
MAP_FRAME = "map"
_Entry = TypeVar("_Entry", Product, Fixture, Shelf, Plate, Slot, Controller)


def _single(value: Any, name: str) -> float:
    """Return a 32-bit field as the shortest decimal that gives it: 0.53, not 0.5299999713."""
    return float(str(np.float32(finite(value, name))))


def pose_to_message(pose: Matrix | None, types: MessageTypes) -> Any:
    """Return a `geometry_msgs/Pose`; the identity for None."""
    matrix = np.eye(4) if pose is None else pose
    x, y, z, w = quaternion_from_pose(matrix)
    px, py, pz = (float(value) for value in matrix[:3, 3])
    return types.make(
        "geometry_msgs/msg/Pose",
        position=types.make("geometry_msgs/msg/Point", x=px, y=py, z=pz),
        orientation=types.make("geometry_msgs/msg/Quaternion", x=x, y=y, z=z, w=w),
    )


def _place_fields(pose: Matrix | None, types: MessageTypes) -> dict[str, Any]:
    """The fields of a thing whose place may be unknown."""
    return {"has_pose": pose is not None, "pose": pose_to_message(pose, types)}


def pose_from_message(message: Any, name: str) -> Matrix:
    """Return a 4x4 matrix.

    Raises:
        MessageError: A number is not finite, or the quaternion has no direction.
    """
    p, q = message.position, message.orientation
    x, y, z, w = (finite(value, f"{name} orientation") for value in (q.x, q.y, q.z, q.w))
    norm = float(np.hypot(np.hypot(x, y), np.hypot(z, w)))
    if not 1e-3 < norm < 1e3:
        raise MessageError(f"{name} has a quaternion of length {norm:g}")
    x, y, z, w = x / norm, y / norm, z / norm, w / norm
    matrix = np.eye(4)
    matrix[:3, :3] = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    matrix[:3, 3] = [finite(value, f"{name} position") for value in (p.x, p.y, p.z)]
    return matrix


def _place(message: Any, name: str) -> Matrix | None:
    """The inverse of `_place_fields`."""
    return pose_from_message(message.pose, name) if message.has_pose else None


def _size_message(size: tuple[float, ...], types: MessageTypes) -> Any:
    x, y, z = (*size, 0.0)[:3]
    return types.make("geometry_msgs/msg/Vector3", x=float(x), y=float(y), z=float(z))


def _size(message: Any, name: str) -> tuple[float, float, float]:
    x, y, z = (finite(value, f"{name} size") for value in (message.x, message.y, message.z))
    if min(x, y, z) < 0:
        raise MessageError(f"{name} has a negative size")
    return x, y, z


def _slot_to_message(store: Store, slot: Slot, types: MessageTypes) -> Any:
    pose, size = slot_box(store, slot) or (None, (0.0, 0.0, 0.0))
    return types.make(
        "aisle_msgs/msg/Slot",
        id=slot.id,
        product=slot.product,
        shelf=slot.shelf,
        plates=list(slot.plates),
        area=types.floats(np.asarray(slot.area or (), dtype=np.float32)),
        **_place_fields(pose, types),
        size=_size_message(size, types),
        facings=slot.facings,
        count=-1 if slot.count is None else slot.count,
        confidence=slot.confidence,
        misplaced=slot.misplaced,
    )


def _plate_to_message(plate: Plate, types: MessageTypes) -> Any:
    return types.make(
        "aisle_msgs/msg/Plate",
        id=plate.id,
        shelf=plate.shelf,
        controller=plate.controller,
        channel=plate.channel,
        **_place_fields(plate.pose, types),
        size=_size_message(plate.size_m, types),
        capacity=plate.capacity_kg,
    )


def _shelf_to_message(shelf: Shelf, types: MessageTypes) -> Any:
    return types.make(
        "aisle_msgs/msg/Shelf",
        id=shelf.id,
        fixture=shelf.fixture,
        **_place_fields(shelf.pose, types),
        size=_size_message(shelf.size_m, types),
    )


def _product_to_message(product: Product, types: MessageTypes) -> Any:
    return types.make(
        "aisle_msgs/msg/Product",
        id=product.id,
        name=product.name,
        weight=product.weight_kg,
        size=_size_message(product.size_m, types),
        price_minor=product.price_minor,
    )


def _fixture_to_message(fixture: Fixture, types: MessageTypes) -> Any:
    return types.make(
        "aisle_msgs/msg/Fixture",
        id=fixture.id,
        kind=fixture.kind,
        pose=pose_to_message(fixture.pose, types),
        size=_size_message(fixture.size_m, types),
    )


def _controller_to_message(controller: Controller, types: MessageTypes) -> Any:
    return types.make(
        "aisle_msgs/msg/Controller",
        id=controller.id,
        rate=controller.rate_hz,
        samples_per_message=controller.samples_per_message,
    )


def store_to_message(store: Store, stamp_ns: int, types: MessageTypes) -> Any:
    """Return a `StoreModel` that holds from `stamp_ns` on; plates go shelf by shelf, in order."""
    plates = [store.plates[plate] for shelf in store.shelves.values() for plate in shelf.plates]
    return types.make(
        STORE,
        header=header_message(stamp_ns, MAP_FRAME, types),
        name=store.name,
        revision=store.revision,
        currency=store.currency,
        products=[_product_to_message(item, types) for item in store.products.values()],
        fixtures=[_fixture_to_message(item, types) for item in store.fixtures.values()],
        shelves=[_shelf_to_message(item, types) for item in store.shelves.values()],
        plates=[_plate_to_message(item, types) for item in plates],
        slots=[_slot_to_message(store, item, types) for item in store.slots.values()],
        controllers=[_controller_to_message(item, types) for item in store.controllers.values()],
    )


def _product(message: Any) -> Product:
    name = text(message.id, "product id")
    return Product(
        id=name,
        name=text(message.name, "product name", empty=True),
        weight_kg=_single(message.weight, f"product {name}: weight"),
        size_m=_size(message.size, f"product {name}"),
        price_minor=whole(message.price_minor, f"product {name}: price", -(2**53), 2**53),
    )


def _plate(message: Any) -> Plate:
    name = text(message.id, "plate id")
    return Plate(
        id=name,
        shelf=text(message.shelf, f"plate {name}: shelf"),
        controller=text(message.controller, f"plate {name}: controller", empty=True),
        channel=whole(message.channel, f"plate {name}: channel", 0, MAX_PLATES),
        size_m=_size(message.size, f"plate {name}")[:2],
        pose=_place(message, f"plate {name}"),
        capacity_kg=_single(message.capacity, f"plate {name}: capacity"),
    )


def _slot(message: Any) -> Slot:
    name = text(message.id, "slot id")
    area = [_single(value, f"slot {name}: area") for value in items(message.area, "area", 4)]
    if area and len(area) != 4:
        raise MessageError(f"slot {name}: area has {len(area)} numbers, not 4")
    count = whole(message.count, f"slot {name}: count", -1, MAX_QUANTITY)
    return Slot(
        id=name,
        product=text(message.product, f"slot {name}: product"),
        shelf=text(message.shelf, f"slot {name}: shelf"),
        plates=texts(message.plates, f"slot {name}: plates"),
        area=(area[0], area[1], area[2], area[3]) if area else None,
        facings=whole(message.facings, f"slot {name}: facings", 0, MAX_QUANTITY),
        count=None if count < 0 else count,
        confidence=share(_single(message.confidence, "confidence"), f"slot {name}: confidence"),
        misplaced=bool(message.misplaced),
    )


def _fixture(message: Any, shelves: dict[str, list[str]]) -> Fixture:
    name = text(message.id, "fixture id")
    return Fixture(
        id=name,
        kind=text(message.kind, f"fixture {name}: kind"),
        size_m=_size(message.size, f"fixture {name}"),
        pose=pose_from_message(message.pose, f"fixture {name}"),
        shelves=tuple(shelves[name]),
    )


def _shelf(message: Any, plates: dict[str, list[str]]) -> Shelf:
    name = text(message.id, "shelf id")
    return Shelf(
        id=name,
        fixture=text(message.fixture, f"shelf {name}: fixture"),
        size_m=_size(message.size, f"shelf {name}"),
        pose=_place(message, f"shelf {name}"),
        plates=tuple(plates[name]),
    )


def _controller(message: Any, plates: dict[str, list[Plate]]) -> Controller:
    name = text(message.id, "controller id")
    own = sorted(plates[name], key=lambda plate: plate.channel)
    if [plate.channel for plate in own] != list(range(len(own))):
        raise MessageError(f"controller {name}: its plates do not fill the channels from 0 on")
    rate = _single(message.rate, f"controller {name}: rate")
    if not 0 < rate <= 10_000:
        raise MessageError(f"controller {name}: rate is {rate}, allowed are 0 to 10000")
    return Controller(
        id=name,
        plates=tuple(plate.id for plate in own),
        rate_hz=rate,
        samples_per_message=whole(
            message.samples_per_message, f"controller {name}: samples_per_message", 1, 10_000
        ),
    )


def _by_id(entries: list[_Entry], kind: str) -> dict[str, _Entry]:
    found = {entry.id: entry for entry in entries}
    if len(found) < len(entries):
        raise MessageError(f"two {kind} have the same id")
    return found


def _check_references(store: Store) -> None:
    """Raise unless every reference between the parts of a store leads somewhere."""
    for shelf in store.shelves.values():
        if shelf.fixture not in store.fixtures:
            raise MessageError(f"shelf {shelf.id} is on unknown fixture {shelf.fixture}")
    for plate in store.plates.values():
        if plate.shelf not in store.shelves:
            raise MessageError(f"plate {plate.id} is on unknown shelf {plate.shelf}")
        if plate.controller and plate.controller not in store.controllers:
            raise MessageError(f"plate {plate.id} has unknown controller {plate.controller}")
    for slot in store.slots.values():
        unknown = [plate for plate in slot.plates if plate not in store.plates]
        if slot.product not in store.products:
            raise MessageError(f"slot {slot.id} holds unknown product {slot.product}")
        if slot.shelf not in store.shelves or unknown:
            raise MessageError(f"slot {slot.id} is on an unknown shelf or plate")


@untrusted
def store_from_message(message: Any) -> tuple[int, Store]:
    """Return the stamp from which a `StoreModel` holds, and the store.

    Raises:
        MessageError: A field is out of bounds, or parts do not fit together.
    """
    if message.header.frame_id != MAP_FRAME:
        raise MessageError(f"poses are in frame {message.header.frame_id!r}, not {MAP_FRAME!r}")
    plates = _by_id([_plate(item) for item in items(message.plates, "plates")], "plates")
    on_shelf, on_fixture = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    of_controller = defaultdict[str, list[Plate]](list)
    for plate in plates.values():
        on_shelf[plate.shelf].append(plate.id)
        of_controller[plate.controller].append(plate)
    shelves = _by_id([_shelf(m, on_shelf) for m in items(message.shelves, "shelves")], "shelves")
    for shelf in shelves.values():
        on_fixture[shelf.fixture].append(shelf.id)
    fixtures = [_fixture(item, on_fixture) for item in items(message.fixtures, "fixtures")]
    controllers = [_controller(m, of_controller) for m in items(message.controllers, "controllers")]
    store = Store(
        name=text(message.name, "name"),
        currency=text(message.currency, "currency"),
        products=_by_id([_product(m) for m in items(message.products, "products")], "products"),
        fixtures=_by_id(fixtures, "fixtures"),
        shelves=shelves,
        plates=plates,
        slots=_by_id([_slot(item) for item in items(message.slots, "slots")], "slots"),
        controllers=_by_id(controllers, "controllers"),
        revision=whole(message.revision, "revision", 0, 2**32 - 1),
    )
    _check_references(store)
    return stamp(message.header.stamp), store
