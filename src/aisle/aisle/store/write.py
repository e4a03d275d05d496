"""Writes a store's folder, so that `aisle.store.load` reads the same store back.

Lengths are rounded to a micrometre, angles to 1e-12 rad, weights to a microgram. Slots that are
`misplaced` and confidences are not part of the files: the planogram says where things belong.
"""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
from io import StringIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import quoteattr

import numpy as np

from aisle.store import catalogue, floor, planogram, rig, urdf
from aisle.store.camera import intrinsics
from aisle.store.geometry import Matrix, pose_from_rpy, rpy_from_pose
from aisle.store.money import format_price
from aisle.store.rig import CameraRig, ControllerRig, GateRig, Rig, dump_rig
from aisle.store.types import Camera, Fixture, Plate, Shelf, Store

_WALL_MARGIN_M = 1.2
_GATE_WIDTH_M = 0.9
_OPTICAL_TO_BODY = np.linalg.inv(pose_from_rpy((0.0, 0.0, 0.0), (-np.pi / 2, 0.0, -np.pi / 2)))


def write_store(store: Store, directory: Path, room_m: tuple[float, float] | None = None) -> Path:
    """Writes all files of a store into a folder, which is made where it is absent.

    Args:
        store: Its fixtures must have ids that the formats allow.
        directory: Files of the same names are replaced; images are copied into `images/`.
        room_m: Width and depth of the room, whose corner is the origin; without it, walls are
            drawn at some distance around all that stands in the store.

    Returns:
        The folder.

    Raises:
        ValueError: When the formats cannot say what the store says.
    """
    directory.mkdir(parents=True, exist_ok=True)
    files = {
        rig.FILE: _rig(store),
        urdf.FILE: _urdf(store),
        catalogue.FILE: _catalogue(store),
        planogram.FILE: _planogram(store),
        floor.FILE: _floor_plan(store, room_m),
    }
    for name, text in files.items():
        (directory / name).write_text(text, encoding="utf-8")
    for product in store.products.values():
        for image in product.images:
            target = directory / "images" / product.id / image.name
            if image.resolve() != target.resolve():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(image, target)
    return directory


def number(value: float, digits: int = 6) -> str:
    """Plain decimal text without trailing zeros and without minus zero."""
    text = f"{value:.{digits}f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _rig(store: Store) -> str:
    controllers = {}
    for id_, controller in store.controllers.items():
        capacities = {store.plates[plate].capacity_kg for plate in controller.plates}
        if len(capacities) != 1:
            raise ValueError(f"controller {id_}: plates of different capacity")
        controllers[id_] = ControllerRig(
            plates=list(controller.plates),
            rate_hz=controller.rate_hz,
            samples_per_message=controller.samples_per_message,
            capacity_kg=capacities.pop(),
        )
    cameras = {id_: _camera(camera) for id_, camera in store.cameras.items()}
    gates = {id_: GateRig.model_validate({"kind": gate.kind}) for id_, gate in store.gates.items()}
    return dump_rig(
        Rig(
            name=store.name,
            currency=store.currency,
            controllers=controllers,
            cameras=cameras,
            gates=gates,
        )
    )


def _camera(camera: Camera) -> CameraRig:
    size = {"width": camera.width, "height": camera.height, "rate_hz": camera.rate_hz}
    if camera.focal_px is None:
        lens = {"horizontal_fov_rad": camera.horizontal_fov_rad}
    else:
        k = intrinsics(camera)
        lens = {"fx": k[0, 0], "fy": k[1, 1], "cx": k[0, 2], "cy": k[1, 2]}
    return CameraRig.model_validate({**size, **lens, "distortion": camera.distortion})


def _urdf(store: Store) -> str:
    lines = [
        '<?xml version="1.0"?>',
        f'<robot name="{re.sub(r"[^A-Za-z0-9_]+", "_", store.name)}" xmlns:xacro="http://www.ros.org/wiki/xacro">',
        '  <xacro:include filename="$(find aisle_bringup)/urdf/aisle.urdf.xacro"/>',
        '  <link name="map"/>',
    ]
    for gate in store.gates.values():
        lines.append(_macro("gate", {"id": gate.id}, gate.pose, ()))
    for camera in store.cameras.values():
        lines.append(_macro("camera", {"id": camera.id}, camera.pose @ _OPTICAL_TO_BODY, ()))
    for fixture in store.fixtures.values():
        lines.append("")
        lines.append(_macro(fixture.kind, {"id": fixture.id}, fixture.pose, fixture.size_m))
        for id_ in fixture.shelves:
            lines.extend(_shelf(store, fixture, store.shelves[id_]))
    return "\n".join([*lines, "</robot>", ""])


def _shelf(store: Store, fixture: Fixture, shelf: Shelf) -> list[str]:
    if shelf.pose is None:
        return []
    names = {"fixture": fixture.id, "id": shelf.id.rpartition("/")[2]}
    in_fixture = np.linalg.inv(fixture.pose) @ shelf.pose
    lines = ["  " + _macro("shelf", names, in_fixture, shelf.size_m)]
    in_shelf = np.linalg.inv(shelf.pose)
    plates = [store.plates[id_] for id_ in shelf.plates]
    framed = [(plate, in_shelf @ plate.pose) for plate in plates if plate.pose is not None]
    names = {"fixture": fixture.id, "shelf": names["id"]}
    if framed and _is_row(framed):
        size = framed[0][0].size_m
        attributes = {**names, "count": str(len(framed))}
        lines.append("    " + _macro("plate_row", attributes, None, size))
        return lines
    for plate, pose in framed:
        attributes = {**names, "id": plate.id.rpartition("/")[2]}
        lines.append("    " + _macro("plate", attributes, pose, plate.size_m))
    return lines


def _is_row(framed: list[tuple[Plate, Matrix]]) -> bool:
    """True when the macro `plate_row` makes just these plates."""
    width, depth = framed[0][0].size_m
    for i, (plate, pose) in enumerate(framed):
        expected = np.eye(4)
        expected[:3, 3] = (i + 0.5) * width, depth / 2, 0.0
        named = plate.id.endswith(f"/p{i + 1}") and plate.size_m == (width, depth)
        if not named or not np.allclose(pose, expected, rtol=0.0, atol=1e-9):
            return False
    return True


def _macro(
    macro: str, attributes: dict[str, str], pose: Matrix | None, size: tuple[float, ...]
) -> str:
    if pose is not None:
        attributes = {**attributes, "xyz": " ".join(number(float(v)) for v in pose[:3, 3])}
        rpy = [number(_angle(angle), 12) for angle in rpy_from_pose(pose)]
        if rpy != ["0", "0", "0"]:
            attributes["rpy"] = " ".join(rpy)
    for name, value in zip(("width", "depth", "height"), size, strict=False):
        attributes = {**attributes, name: number(value)}
    text = " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())
    return f"  <xacro:{macro} {text}/>"


def _angle(angle: float) -> float:
    """Half a turn to the left and half a turn to the right are written as the same."""
    return angle + 2 * math.pi if angle < -math.pi + 1e-9 else angle


def _table(columns: tuple[str, ...], rows: list[list[str]]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([list(columns), *rows])
    return text.getvalue()


def _catalogue(store: Store) -> str:
    rows = [
        [
            product.id,
            product.name,
            format_price(product.price_minor, store.currency),
            number(product.weight_kg, 9),
            *(number(value) for value in product.size_m),
        ]
        for product in store.products.values()
    ]
    return _table(catalogue.COLUMNS, rows)


def _planogram(store: Store) -> str:
    slots = [slot for slot in store.slots.values() if not slot.misplaced]
    rows: list[dict[str, str]] = []
    seen: set[str] = set()
    for slot in slots:
        fixture, shelf = slot.shelf.split("/")
        rows.append(
            {
                "product": slot.product,
                "fixture": fixture,
                "shelf": shelf,
                "plates": " ".join(plate.rpartition("/")[2] for plate in slot.plates),
                "facings": str(slot.facings),
                "area": " ".join(number(value) for value in slot.area or ()),
                "count": "" if slot.count is None else str(slot.count),
                "duplicate": "yes" if slot.product in seen else "",
            }
        )
        seen.add(slot.product)
    used = [column for column in planogram.OPTIONAL if any(row[column] for row in rows)]
    columns = (*planogram.COLUMNS, *used)
    return _table(columns, [[row[column] for column in columns] for row in rows])


def _floor_plan(store: Store, room_m: tuple[float, float] | None) -> str:
    """Walls around all that stands in the store, a zone inside them, and the gates' passages."""
    corners = [_corners(fixture) for fixture in store.fixtures.values()]
    points = np.concatenate([*corners, *(gate.pose[None, :2, 3] for gate in store.gates.values())])
    (x0, y0), (x1, y1) = points.min(axis=0) - _WALL_MARGIN_M, points.max(axis=0) + _WALL_MARGIN_M
    if room_m is not None:
        x0, y0, x1, y1 = 0.0, 0.0, *room_m
    ring = [[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]]
    features = [
        _feature("wall", "outer", "LineString", ring),
        _feature("zone", "sales_floor", "Polygon", [ring]),
    ]
    for gate in store.gates.values():
        ends = [(gate.pose @ [0.0, side * _GATE_WIDTH_M / 2, 0.0, 1.0])[:2] for side in (-1, 1)]
        features.append(_feature("gate", gate.id, "LineString", [list(end) for end in ends]))
    body = ",\n  ".join(json.dumps(feature) for feature in features)
    return f'{{"type": "FeatureCollection", "features": [\n  {body}\n]}}\n'


def _corners(fixture: Fixture) -> Matrix:
    width, depth, _ = fixture.size_m
    flat = np.array([[0, 0, 0, 1], [width, 0, 0, 1], [width, depth, 0, 1], [0, depth, 0, 1]])
    placed: Matrix = (fixture.pose @ flat.T).T[:, :2]
    return placed


def _feature(kind: str, id_: str, geometry: str, coordinates: Any) -> dict[str, Any]:
    rounded = np.round(np.asarray(coordinates, dtype=float), 3).tolist()
    return {
        "type": "Feature",
        "properties": {"kind": kind, "id": id_},
        "geometry": {"type": geometry, "coordinates": rounded},
    }
