"""`StoreModel` messages to stores and back.

A message holds what fusion and receipts need: no images. Lengths keep 64 bits; weights,
rates, capacities and confidences are 32-bit floats on the wire. Of a camera's lens it holds what
`aisle.store.camera.intrinsics` makes of it.
"""

from __future__ import annotations

import math
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
from aisle.bags.convert_poses import (
    place,
    place_fields,
    pose_from_message,
    pose_to_message,
    single,
    size_from_message,
    size_message,
)
from aisle.bags.fields import MAX_SIDE
from aisle.bags.messages import MessageTypes
from aisle.store.camera import intrinsics
from aisle.store.model import slot_box
from aisle.store.names import optical_frame
from aisle.store.types import Camera, Controller, Fixture, Gate, Plate, Product, Shelf, Slot, Store

STORE = "aisle_msgs/msg/StoreModel"
MAP_FRAME = "map"
MAX_CAMERAS = 256
MAX_SHELVES_M = 5000.0
"""All shelves of a store in a row: cameras keep a map of each piece."""
_Entry = TypeVar("_Entry", Product, Fixture, Shelf, Plate, Slot, Controller, Camera, Gate)


def _slot_to_message(store: Store, slot: Slot, types: MessageTypes) -> Any:
    pose, size = slot_box(store, slot) or (None, (0.0, 0.0, 0.0))
    return types.make(
        "aisle_msgs/msg/Slot",
        id=slot.id,
        product=slot.product,
        shelf=slot.shelf,
        plates=list(slot.plates),
        area=types.floats(np.asarray(slot.area or (), dtype=np.float32)),
        **place_fields(pose, types),
        size=size_message(size, types),
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
        **place_fields(plate.pose, types),
        size=size_message(plate.size_m, types),
        capacity=plate.capacity_kg,
    )


def _shelf_to_message(shelf: Shelf, types: MessageTypes) -> Any:
    return types.make(
        "aisle_msgs/msg/Shelf",
        id=shelf.id,
        fixture=shelf.fixture,
        **place_fields(shelf.pose, types),
        size=size_message(shelf.size_m, types),
    )


def _product_to_message(product: Product, types: MessageTypes) -> Any:
    return types.make(
        "aisle_msgs/msg/Product",
        id=product.id,
        name=product.name,
        weight=product.weight_kg,
        size=size_message(product.size_m, types),
        price_minor=product.price_minor,
    )


def _fixture_to_message(fixture: Fixture, types: MessageTypes) -> Any:
    return types.make(
        "aisle_msgs/msg/Fixture",
        id=fixture.id,
        kind=fixture.kind,
        pose=pose_to_message(fixture.pose, types),
        size=size_message(fixture.size_m, types),
    )


def _controller_to_message(controller: Controller, types: MessageTypes) -> Any:
    return types.make(
        "aisle_msgs/msg/Controller",
        id=controller.id,
        rate=controller.rate_hz,
        samples_per_message=controller.samples_per_message,
    )


def _camera_to_message(camera: Camera, types: MessageTypes) -> Any:
    (fx, _, cx), (_, fy, cy), _ = intrinsics(camera).tolist()
    return types.make(
        "aisle_msgs/msg/Camera",
        id=camera.id,
        frame=optical_frame(camera.id),
        pose=pose_to_message(camera.pose, types),
        width=camera.width,
        height=camera.height,
        fx=fx,
        fy=fy,
        cx=cx,
        cy=cy,
        distortion=np.array(camera.distortion, np.float64),
        rate=camera.rate_hz,
    )


def _gate_to_message(gate: Gate, types: MessageTypes) -> Any:
    pose = pose_to_message(gate.pose, types)
    return types.make("aisle_msgs/msg/Gate", id=gate.id, kind=gate.kind, pose=pose)


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
        cameras=[_camera_to_message(item, types) for item in store.cameras.values()],
        gates=[_gate_to_message(item, types) for item in store.gates.values()],
    )


def _product(message: Any) -> Product:
    name = text(message.id, "product id")
    return Product(
        id=name,
        name=text(message.name, "product name", empty=True),
        weight_kg=single(message.weight, f"product {name}: weight"),
        size_m=size_from_message(message.size, f"product {name}"),
        price_minor=whole(message.price_minor, f"product {name}: price", -(2**53), 2**53),
    )


def _plate(message: Any) -> Plate:
    name = text(message.id, "plate id")
    return Plate(
        id=name,
        shelf=text(message.shelf, f"plate {name}: shelf"),
        controller=text(message.controller, f"plate {name}: controller", empty=True),
        channel=whole(message.channel, f"plate {name}: channel", 0, MAX_PLATES),
        size_m=size_from_message(message.size, f"plate {name}")[:2],
        pose=place(message, f"plate {name}"),
        capacity_kg=single(message.capacity, f"plate {name}: capacity"),
    )


def _slot(message: Any) -> Slot:
    name = text(message.id, "slot id")
    area = [single(value, f"slot {name}: area") for value in items(message.area, "area", 4)]
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
        confidence=share(single(message.confidence, "confidence"), f"slot {name}: confidence"),
        misplaced=bool(message.misplaced),
    )


def _fixture(message: Any, shelves: dict[str, list[str]]) -> Fixture:
    name = text(message.id, "fixture id")
    return Fixture(
        id=name,
        kind=text(message.kind, f"fixture {name}: kind"),
        size_m=size_from_message(message.size, f"fixture {name}"),
        pose=pose_from_message(message.pose, f"fixture {name}"),
        shelves=tuple(shelves[name]),
    )


def _shelf(message: Any, plates: dict[str, list[str]]) -> Shelf:
    name = text(message.id, "shelf id")
    return Shelf(
        id=name,
        fixture=text(message.fixture, f"shelf {name}: fixture"),
        size_m=size_from_message(message.size, f"shelf {name}"),
        pose=place(message, f"shelf {name}"),
        plates=tuple(plates[name]),
    )


def _controller(message: Any, plates: dict[str, list[Plate]]) -> Controller:
    name = text(message.id, "controller id")
    own = sorted(plates[name], key=lambda plate: plate.channel)
    if [plate.channel for plate in own] != list(range(len(own))):
        raise MessageError(f"controller {name}: its plates do not fill the channels from 0 on")
    rate = single(message.rate, f"controller {name}: rate")
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


def _camera(message: Any) -> Camera:
    name = text(message.id, "camera id")
    if message.frame != optical_frame(name):
        raise MessageError(f"camera {name}: frame is not {optical_frame(name)}")
    focal, centre = (
        (finite(getattr(message, x), name), finite(getattr(message, y), name))
        for x, y in (("fx", "fy"), ("cx", "cy"))
    )
    width = whole(message.width, f"camera {name}: width", 1, MAX_SIDE)
    rate = single(message.rate, f"camera {name}: rate")
    if min(focal) <= 0:
        raise MessageError(f"camera {name}: focal length is {min(focal)}")
    if not 0 < rate <= 1000:
        raise MessageError(f"camera {name}: rate is {rate}, allowed are 0 to 1000")
    k1, k2, p1, p2, k3 = (finite(v, f"camera {name}: distortion") for v in message.distortion)
    return Camera(
        id=name,
        pose=pose_from_message(message.pose, f"camera {name}"),
        width=width,
        height=whole(message.height, f"camera {name}: height", 1, MAX_SIDE),
        horizontal_fov_rad=2 * math.atan(width / 2 / focal[0]),
        focal_px=focal,
        centre_px=centre,
        distortion=(k1, k2, p1, p2, k3),
        rate_hz=rate,
    )


def _gate(message: Any) -> Gate:
    name = text(message.id, "gate id")
    if message.kind not in ("entry", "exit", "both"):
        raise MessageError(f"gate {name}: kind is {message.kind!r}, not entry, exit or both")
    return Gate(name, message.kind, pose_from_message(message.pose, f"gate {name}"))


def _by_id(entries: list[_Entry], kind: str) -> dict[str, _Entry]:
    found = {entry.id: entry for entry in entries}
    if len(found) < len(entries):
        raise MessageError(f"two {kind} have the same id")
    return found


def _check(store: Store) -> None:
    """Raise unless the parts of a store lead to each other and can be held in memory."""
    length_m = sum(shelf.size_m[0] for shelf in store.shelves.values())
    if length_m > MAX_SHELVES_M:
        raise MessageError(f"shelves are {length_m:.0f} m long, at most {MAX_SHELVES_M:.0f} m")
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
    cameras = [_camera(item) for item in items(message.cameras, "cameras", MAX_CAMERAS)]
    store = Store(
        name=text(message.name, "name"),
        currency=text(message.currency, "currency"),
        products=_by_id([_product(m) for m in items(message.products, "products")], "products"),
        fixtures=_by_id(fixtures, "fixtures"),
        shelves=shelves,
        plates=plates,
        slots=_by_id([_slot(item) for item in items(message.slots, "slots")], "slots"),
        controllers=_by_id(controllers, "controllers"),
        cameras=_by_id(cameras, "cameras"),
        gates=_by_id([_gate(item) for item in items(message.gates, "gates")], "gates"),
        revision=whole(message.revision, "revision", 0, 2**32 - 1),
    )
    _check(store)
    return stamp(message.header.stamp), store
