"""The store for RViz and Foxglove: markers of what stands in it, points coloured by coverage."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from geometry_msgs.msg import Point
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from aisle.bags.convert import time_message
from aisle.bags.convert_poses import pose_to_message
from aisle.bags.convert_store import MAP_FRAME
from aisle.store.camera import rays
from aisle.store.coverage import visible_px
from aisle.store.geometry import Matrix, translation
from aisle.store.geometry3d import Open3DMissing, StoreGeometry
from aisle.store.solids import Solid, solids
from aisle.store.types import Camera, Store
from aisle.store.urdf import Robot
from aisle_nodes.diagnostics import Level
from aisle_nodes.interfaces import STORE_MARKERS, STORE_QOS, STORE_SURFACE, TYPES

POINTS_PER_M2 = 1500.0
_SHAPES = {"box": Marker.CUBE, "cylinder": Marker.CYLINDER, "sphere": Marker.SPHERE}
_VIEW_M = 0.6
_LETTERS_M = 0.035
_VIEW_COLOUR = (0.69, 0.19, 0.38, 1.0)
_GATE_COLOUR = (0.16, 0.56, 0.3, 1.0)
_MISPLACED = (0.82, 0.13, 0.13, 1.0)
_LETTERS = (1.0, 1.0, 1.0, 1.0)

Key = tuple[str, str]
"""Namespace and name of a marker."""


class StoreMarkers:
    """Publishes `store/markers` at once, and `store/surface` as soon as somebody listens.

    Args:
        node: A lifecycle node with diagnostics.
        robot: The store's URDF.
    """

    def __init__(self, node: Any, robot: Robot) -> None:
        self._robot = robot
        self._diagnostics = node.diagnostics
        self._markers = node.create_lifecycle_publisher(MarkerArray, STORE_MARKERS, STORE_QOS)
        self._surface = node.create_lifecycle_publisher(PointCloud2, STORE_SURFACE, STORE_QOS)
        self._ids: dict[Key, int] = {}
        self._shown: set[Key] = set()
        self._geometry: StoreGeometry | None = None
        self._waiting: tuple[Store, Sequence[Solid], Header] | None = None

    def show(self, store: Store, stamp_ns: int, doors: Mapping[str, float] | None = None) -> None:
        """Shows a store as it stands now: what moved, what was put elsewhere, doors that turned.

        Args:
            store: The store.
            stamp_ns: Time from which it stands so.
            doors: Opening angle of a fixture's door in radians; doors are closed where absent.
        """
        header = Header(stamp=time_message(stamp_ns, TYPES), frame_id=MAP_FRAME)
        bodies = solids(store, self._robot, doors)
        found = markers(store, bodies)
        message = MarkerArray()
        for key, marker in found.items():
            marker.ns, marker.header = key[0], header
            marker.id = self._ids.setdefault(key, len(self._ids))
            message.markers.append(marker)
        for key in sorted(self._shown - found.keys()):
            gone = Marker(header=header, ns=key[0], id=self._ids[key], action=Marker.DELETE)
            message.markers.append(gone)
        self._shown = set(found)
        self._markers.publish(message)
        self._waiting = store, bodies, header

    def refresh(self) -> None:
        """Publishes the surface if it has changed and somebody listens; casting rays has a cost."""
        if self._waiting is None or not self._surface.get_subscription_count():
            return
        (store, bodies, header), self._waiting = self._waiting, None
        try:
            if self._geometry is None:
                self._geometry = StoreGeometry()
            self._geometry.update(bodies)
        except Open3DMissing as error:
            text = f"{STORE_SURFACE} is not published: {error}"
            self._diagnostics.problem("surface", Level.WARN, text)
            return
        points, normals, _ = self._geometry.sample(POINTS_PER_M2)
        px = visible_px(store, self._geometry, points, normals)
        self._surface.publish(point_cloud(points, px, header))


def markers(store: Store, bodies: Sequence[Solid]) -> dict[Key, Marker]:
    """All markers of a store by namespace and name, without header and number."""
    found: dict[Key, Marker] = {}
    for solid in bodies:
        slot = store.slots.get(solid.id)
        colour = _MISPLACED if slot is not None and slot.misplaced else solid.colour
        shape = _SHAPES[solid.shape]
        found[f"{solid.kind}s", solid.id] = _marker(shape, solid.pose, solid.size_m, colour)
        if slot is not None:
            above = solid.pose @ translation(0.0, 0.0, solid.size_m[2] / 2 + _LETTERS_M)
            name = store.products[slot.product].name
            found["names", solid.id] = _text(above, name)
    for camera in store.cameras.values():
        found["views", camera.id] = _view(camera)
        found["names", camera.id] = _text(camera.pose, camera.id)
    for gate in store.gates.values():
        arrow = _marker(Marker.ARROW, gate.pose, (0.6, 0.06, 0.06), _GATE_COLOUR)
        found["ways", gate.id] = arrow
        found["names", gate.id] = _text(gate.pose @ translation(0.0, 0.0, 1.1), gate.id)
    return found


def point_cloud(
    points: NDArray[np.float64], px_per_dm: NDArray[np.float64], header: Header
) -> PointCloud2:
    """A cloud with the fields x, y, z, rgb and px_per_dm.

    Args:
        points: [N, 3] in the header's frame.
        px_per_dm: [N]; 0 where no camera looks. The colours are those of `aisle store show`.
        header: Of the message.
    """
    from aisle.store.draw_coverage import colours_of  # matplotlib is slow to import

    names = ("x", "y", "z", "rgb", "px_per_dm")
    table = np.zeros(len(points), dtype=[(name, np.float32) for name in names])
    table["x"], table["y"], table["z"] = points.T
    red, green, blue = (colours_of(px_per_dm) * 255).round().astype(np.uint32).T
    # RViz and Foxglove read colours from the bits of a 32-bit float.
    table["rgb"] = (red << 16 | green << 8 | blue).view(np.float32)
    table["px_per_dm"] = px_per_dm
    fields = [
        PointField(name=name, offset=4 * i, datatype=PointField.FLOAT32, count=1)
        for i, name in enumerate(names)
    ]
    cloud = PointCloud2(header=header, height=1, width=len(points), fields=fields, is_dense=True)
    cloud.point_step = table.dtype.itemsize
    cloud.row_step = cloud.point_step * len(points)
    # The setter takes an array as it is; it would look at each byte of anything else.
    cloud.data = array("B", table.tobytes())
    return cloud


def _marker(shape: int, pose: Matrix, size: Sequence[float], colour: Sequence[float]) -> Marker:
    marker = Marker(type=shape, action=Marker.ADD, pose=pose_to_message(pose, TYPES))
    marker.scale.x, marker.scale.y, marker.scale.z = (float(side) for side in size)
    red, green, blue, alpha = (float(part) for part in colour)
    marker.color = ColorRGBA(r=red, g=green, b=blue, a=alpha)
    return marker


def _text(pose: Matrix, text: str) -> Marker:
    marker = _marker(Marker.TEXT_VIEW_FACING, pose, (0.0, 0.0, _LETTERS_M), _LETTERS)
    marker.text = text
    return marker


def _view(camera: Camera) -> Marker:
    """The edges of a camera's view, some way out."""
    right, bottom = camera.width - 1.0, camera.height - 1.0
    corners = np.array([[0.0, 0.0], [right, 0.0], [right, bottom], [0.0, bottom]])
    origin, ways = rays(camera, corners)
    ends = origin + _VIEW_M * ways
    marker = _marker(Marker.LINE_LIST, np.eye(4), (0.008, 0.0, 0.0), _VIEW_COLOUR)
    for i in range(4):
        for start, end in ((origin, ends[i]), (ends[i], ends[(i + 1) % 4])):
            marker.points += [
                Point(x=float(p[0]), y=float(p[1]), z=float(p[2])) for p in (start, end)
            ]
    return marker
