"""Pictures of the changes of a bag: before, as it happened, and after, from two cameras.

Each is a piece of a camera's picture around the place on the shelf, as a data URI.
"""

from __future__ import annotations

import base64
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from aisle.bags import convert, convert_images
from aisle.bags.messages import MessageError
from aisle.bags.reading import camera_of_topic
from aisle.bags.store_io import BagReader, RawMessage, topic_prefix
from aisle.records import CameraFrame, Change
from aisle.sensing.camera_codec import encode_jpeg
from aisle.store.camera import in_image, project
from aisle.store.coverage import coverage
from aisle.store.geometry import Matrix, Vector3
from aisle.store.geometry3d import Open3DMissing
from aisle.store.solids import product_block
from aisle.store.types import Camera, Slot, Store

Array = NDArray[np.float64]

MOMENTS_NS = (-1_000_000_000, 100_000_000, 700_000_000)
"""Relative to a change: the hand leaves the shelf when it happens, and shows what it holds after.
"""
NEAR_NS = 350_000_000
"""A picture shows a moment when it was taken no further from it."""
MOST_CHANGES = 100
"""With pictures: bounds the memory and the page, which grows by about 100 kB for each."""
SHOT_PX = (300, 260)
"""Width and height of a picture at most."""
_ENLARGED = 2.0
_MOST_VIEWS = 2
_AROUND_M = ((-0.42, 0.42), (-0.6, 0.0), (-0.3, 0.45))
"""How far a piece reaches beyond the products: along the shelf, to the shopper, down and up."""
_STANDS_M, _CHEST_M = 0.45, 1.2
"""How far before the products a shopper stands, and the height of the chest."""
_LEAST_PX = 48
_QUALITY = 80


@dataclass(frozen=True)
class Shot:
    """One picture of a change."""

    camera: str
    seconds: float
    """Relative to the change."""
    uri: str
    """`data:image/jpeg;base64,...`"""
    width: int
    height: int
    outline: str
    """Where the products stand: SVG points in pixels of this picture."""


@dataclass(frozen=True)
class Shots:
    """What there is to see of a change."""

    rows: tuple[tuple[Shot, ...], ...] = ()
    """One for each camera, in order of time."""
    missing: str = ""
    """What is not shown and why, as a sentence; empty where nothing is missing."""


@dataclass(frozen=True)
class _View:
    """A piece of a camera's picture."""

    camera: Camera
    piece: tuple[int, int, int, int]
    """x0, y0, x1, y1 in pixels of the camera."""
    outline: Array
    """[N, 2] around the products, in pixels of the camera."""


@dataclass
class _Request:
    change: Change
    views: list[_View]
    missing: str = ""
    nearest: dict[tuple[str, int], tuple[int, RawMessage]] = field(default_factory=dict)
    """By camera and moment: how far away the nearest picture was taken, and its message."""


def shots(
    reader: BagReader, store: Store, changes: Iterable[Change], namespace: str | None = None
) -> dict[str, Shots]:
    """Pictures by the changes' ids; nothing at all where the bag holds no pictures.

    Args:
        reader: The bag; read once.
        store: With its cameras.
        changes: What to show; in order of time, the first `MOST_CHANGES` get pictures.
        namespace: Only topics below it.
    """
    if convert_images.COMPRESSED not in reader.types.values():
        return {}
    ordered = sorted(changes, key=lambda change: change.stamp_ns)
    wanted = _requests(store, ordered[:MOST_CHANGES])
    _collect(wanted, reader, namespace)
    found = {request.change.id: _cut(request, reader) for request in wanted}
    late = Shots(missing=f"Only the first {MOST_CHANGES} changes are shown with pictures.")
    return {**found, **{change.id: late for change in ordered[MOST_CHANGES:]}}


def _requests(store: Store, changes: Sequence[Change]) -> list[_Request]:
    places = {change.id: place for change in changes if (place := _place(store, change))}
    store = replace(store, slots={**store.slots, **{slot.id: slot for slot in places.values()}})
    try:
        seen = coverage(store)
    except Open3DMissing as error:
        return [_Request(change, [], f"No pictures: {error}.") for change in changes]
    requests = []
    for change in changes:
        if change.counterpart and not change.shelf:
            requests.append(_between_people(store, change))
            continue
        slot = places.get(change.id)
        block = product_block(store, slot) if slot else None
        if slot is None or block is None:
            requests.append(_Request(change, [], "No pictures: the place is not known."))
            continue
        cameras = [store.cameras[sight.camera] for sight in seen.views(slot.id)]
        views = [view for camera in _best(cameras, *block) if (view := _view(camera, *block))]
        why = "" if views else "No pictures: no camera sees this place."
        requests.append(_Request(change, views, why))
    return requests


def _between_people(store: Store, change: Change) -> _Request:
    """A hand-over has no place on a shelf: all that its cameras show."""
    known = [store.cameras[name] for name in change.cameras if name in store.cameras]
    views = [_View(c, (0, 0, c.width, c.height), np.zeros((0, 2))) for c in known[:_MOST_VIEWS]]
    return _Request(change, views, "" if views else "No pictures: no camera is named.")


def _place(store: Store, change: Change) -> Slot | None:
    """The slot of a change, or one that is made up where its product does not belong."""
    slots = store.slots_of_shelf.get(change.shelf, ())
    touched = [slot for slot in slots if set(slot.plates) & set(change.plates)]
    own = [slot for slot in slots if slot.product == change.product]
    both = [slot for slot in touched if slot in own]
    shelf = store.shelves.get(change.shelf)
    plates = tuple(id_ for id_ in (shelf.plates if shelf else ()) if id_ in change.plates)
    if not both and plates and change.product in store.products:
        made = Slot(f"{change.shelf}/{change.id}", change.product, change.shelf, plates, count=0)
        return replace(made, misplaced=True)
    return next(iter(both or own or touched), None)


def _best(cameras: Sequence[Camera], pose: Matrix, size: Vector3) -> list[Camera]:
    """Of cameras that see a place, in order: the first, and the one that looks past the shopper.

    Who stands in front of a shelf hides the hand from a camera behind. So the second one is that
    whose line of sight to the products' front leaves the line from there to the chest the most,
    of those that have the chest in the picture.
    """
    front = (pose @ [0.0, -size[1] / 2, 0.0, 1.0])[:3]
    chest = (pose @ [0.0, -size[1] / 2 - _STANDS_M, 0.0, 1.0])[:3]
    chest[2] = _CHEST_M

    def hidden(camera: Camera) -> float:
        way = camera.pose[:3, 3] - front
        return float(way @ (chest - front) / np.linalg.norm(way))

    beside = [c for c in cameras if in_image(c, project(c, chest[None])[0])[0]]
    both = [*cameras[:1], *sorted(beside, key=hidden)[:1]]
    return list({camera.id: camera for camera in both}.values())


def _view(camera: Camera, pose: Matrix, size: Vector3) -> _View | None:
    """What to cut out of a camera's pictures around a block of products; None when it is nothing.

    Args:
        camera: The camera.
        pose: The block's middle in `map`, y away from the shopper.
        size: Its size.
    """
    half = np.array(size) / 2
    low = np.array([reach[0] for reach in _AROUND_M]) - half
    high = np.array([reach[1] for reach in _AROUND_M]) + half
    room = _project(camera, pose, low, high)
    outline = _project(camera, pose, -half, half)
    if not len(room) or len(outline) < 3:
        return None
    last = np.array([camera.width, camera.height])
    x0, y0 = np.clip(np.floor(room.min(axis=0)), 0, last).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(room.max(axis=0)) + 1, 0, last).astype(int).tolist()
    if min(x1 - x0, y1 - y0) < _LEAST_PX:
        return None
    hull = cv2.convexHull(outline.astype(np.float32))[:, 0].astype(np.float64)
    return _View(camera, (x0, y0, x1, y1), hull)


def _project(camera: Camera, pose: Matrix, low: Array, high: Array) -> Array:
    """[N, 2] Pixels of the corners of a box in the frame of `pose`, as far as the lens has them."""
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1).T
    pixels, _ = project(camera, corners @ pose[:3, :3].T + pose[:3, 3])
    known: Array = pixels[np.isfinite(pixels).all(axis=1)]
    return known


def _collect(requests: Sequence[_Request], reader: BagReader, namespace: str | None) -> None:
    """Keep the messages with the pictures nearest to each moment; one pass over the bag."""
    wanted: dict[str, list[tuple[int, int, _Request]]] = {}
    for request in requests:
        for view in request.views:
            for i, moment in enumerate(MOMENTS_NS):
                entry = request.change.stamp_ns + moment, i, request
                wanted.setdefault(view.camera.id, []).append(entry)
    for listed in wanted.values():
        listed.sort(key=lambda entry: entry[0])
    prefix = topic_prefix(namespace)
    for message in reader.messages({convert_images.COMPRESSED}):
        if message.topic.startswith(prefix):
            _offer(wanted, reader, message)


def _offer(
    wanted: Mapping[str, list[tuple[int, int, _Request]]], reader: BagReader, message: RawMessage
) -> None:
    try:
        header = reader.decode(message).header
        camera, stamp_ns = _header(header)
    except MessageError:
        return
    if camera_of_topic(message.topic) != camera:
        return
    listed = wanted.get(camera, [])
    first = bisect_left(listed, stamp_ns - NEAR_NS, key=lambda entry: entry[0])
    for moment_ns, i, request in listed[first:]:
        if moment_ns > stamp_ns + NEAR_NS:
            return
        away = abs(stamp_ns - moment_ns)
        known = request.nearest.get((camera, i))
        if known is None or away < known[0]:
            request.nearest[camera, i] = away, message


@convert.untrusted
def _header(header: Any) -> tuple[str, int]:
    return convert_images.camera_of(header.frame_id), convert.stamp(header.stamp)


def _cut(request: _Request, reader: BagReader) -> Shots:
    """Decode and cut what was kept."""
    rows, missing = [], [request.missing] if request.missing else []
    for view in request.views:
        row = []
        for i, moment in enumerate(MOMENTS_NS):
            near = request.nearest.get((view.camera.id, i))
            if near is None:
                missing.append(f"No picture of {view.camera.id} around {moment / 1e9:+.1f} s.")
                continue
            try:
                frame = convert_images.compressed_from_message(reader.decode(near[1]))
                row.append(_shot(view, frame, request.change.stamp_ns))
            except MessageError as error:
                missing.append(f"A picture of {view.camera.id} is not usable: {error}.")
        if row:
            rows.append(tuple(row))
    return Shots(tuple(rows), " ".join(missing))


def _shot(view: _View, frame: CameraFrame, change_ns: int) -> Shot:
    height, width = frame.image.shape[:2]
    if (width, height) != (view.camera.width, view.camera.height):
        rig = f"{view.camera.width}x{view.camera.height}"
        raise MessageError(f"it is {width}x{height}, by the rig {rig}")
    x0, y0, x1, y1 = view.piece
    scale = min(_ENLARGED, SHOT_PX[0] / (x1 - x0), SHOT_PX[1] / (y1 - y0))
    size = max(1, round((x1 - x0) * scale)), max(1, round((y1 - y0) * scale))
    way = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_LINEAR
    piece = cv2.resize(frame.rgb[y0:y1, x0:x1], size, interpolation=way)
    data = base64.b64encode(encode_jpeg(np.asarray(piece, np.uint8), "rgb8", _QUALITY)).decode()
    points = (view.outline - (x0, y0) + 0.5) * scale
    outline = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    seconds = (frame.stamp_ns - change_ns) / 1e9
    return Shot(view.camera.id, seconds, f"data:image/jpeg;base64,{data}", *size, outline)
