"""store.urdf.xacro: where everything stands. Links, joints and the macros' `aisle` elements."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from aisle.store.geometry import Matrix, Vector3, pose_from_rpy
from aisle.store.names import frame_name, is_device_id, is_part, is_plate_id, is_shelf_id
from aisle.store.problems import Report
from aisle.store.textfile import parse_number, read_text, shorten
from aisle.store.xacro_file import XacroError, expand

FILE = "store.urdf.xacro"
ROOT = "map"
_FAR_M = 100_000.0
_ROW = "*"
_JOINTS = ("fixed", "revolute", "prismatic", "continuous")
_SIZES = {"gondola": 3, "fridge": 3, "shelf": 3, "plate": 2, "camera": 0, "gate": 0}


@dataclass(frozen=True)
class Joint:
    """How a link hangs on another: `origin` is the child's pose in the parent at position 0."""

    name: str
    kind: str
    parent: str
    child: str
    origin: Matrix
    axis: Vector3 = (1.0, 0.0, 0.0)
    limits: tuple[float, float] | None = None
    """Radians or metres."""


@dataclass(frozen=True)
class Part:
    """What an `aisle` element says of a link."""

    kind: str
    """`gondola`, `fridge`, `shelf`, `plate`, `camera` or `gate`."""
    id: str
    size: tuple[float, ...]
    """Metres; three numbers, two for a plate, none for cameras and gates."""


@dataclass(frozen=True)
class Robot:
    """A store's URDF."""

    text: str
    """Expanded XML, for `robot_description`."""
    joints: dict[str, Joint]
    """By child link."""
    parts: dict[str, Part]
    """By id."""
    poses: dict[str, Matrix]
    """Pose in `map` of every link, doors closed."""
    lines: dict[str, int] = field(default_factory=dict)
    """Line in the xacro file by id, where it can be told."""

    def line(self, id_: str) -> int:
        """Line of the xacro file that makes a part, 0 where it cannot be told."""
        return self.lines.get(id_, 0)


def read_robot(directory: Path, report: Report) -> Robot | None:
    """The store's URDF, or None after reported errors."""
    source = read_text(directory / FILE, FILE, report)
    if source is None:
        return None
    if "<!DOCTYPE" in source:
        line = source.count("\n", 0, source.index("<!DOCTYPE")) + 1
        report.error(FILE, line, "xacro", "a document type is not allowed")
        return None
    try:
        text, warnings = expand(directory / FILE)
    except XacroError as error:
        rule = "malformed-xml" if error.malformed else "xacro"
        line = error.line or _line_of(source, str(error)) or _line_of_call(source, error)
        report.error(FILE, line, rule, str(error))
        return None
    for warning in warnings:
        report.warn(FILE, _line_of(source, warning), "xacro", warning)
    return parse_urdf(text, source, report)


def parse_urdf(text: str, source: str, report: Report) -> Robot | None:
    """Reads an expanded URDF.

    Args:
        text: The XML.
        source: The xacro text it came from, to find lines.
        report: Gets all mistakes.

    Returns:
        The robot without what was wrong, or None when nothing could be read.
    """
    try:
        root = ET.fromstring(text)  # noqa: S314 - entities are gone after xacro
    except ET.ParseError as error:
        report.error(FILE, 0, "malformed-xml", f"not well-formed XML: {error}")
        return None
    reader = _Reader(source, report)
    links = reader.links(root)
    if ROOT not in links:
        report.error(FILE, 0, "urdf", "there is no link 'map'")
        return None
    joints = reader.joints(root, links)
    poses = reader.poses(links, joints)
    parts = reader.parts(root, links)
    return Robot(text, joints, parts, poses, {id_: reader.part_line(id_) for id_ in parts})


def _line_of(source: str, message: str) -> int:
    """First line that holds a quoted text or a macro of a message; 0 when there is none."""
    quoted = re.findall(r"'(.{2,})'", message) + re.findall(r"['\"]([^'\"\n]{2,})['\"]", message)
    for text in [*quoted, *re.findall(r"xacro:\w+", message)]:
        at = source.find(text)
        if at >= 0:
            return source.count("\n", 0, at) + 1
    return 0


def _line_of_call(source: str, error: XacroError) -> int:
    """First call of the macro that failed; for a missing parameter, the first one without it."""
    missing = re.search(r"Undefined parameters \[([a-z_]+)", str(error))
    lacking = missing.group(1) if missing else None
    for call in re.finditer(rf"<xacro:{re.escape(error.macro)}\s[^>]*>", source):
        if error.macro and (lacking is None or f"{lacking}=" not in call.group()):
            return source.count("\n", 0, call.start()) + 1
    return 0


class _Reader:
    def __init__(self, source: str, report: Report) -> None:
        self._report = report
        self._by_id: dict[tuple[str, ...], list[int]] = {}
        for number, line in enumerate(source.splitlines(), start=1):
            attributes = dict(re.findall(r"\b(fixture|shelf|id|name)\s*=\s*[\"']([^\"']*)", line))
            names = [attributes.get(key, "") for key in ("fixture", "shelf", "id", "name")]
            key = tuple(name for name in names if name)
            if "id" not in attributes and "name" not in attributes:
                key = (*key, _ROW)
            self._by_id.setdefault(key, []).append(number)

    def part_line(self, name: str, again: bool = False) -> int:
        """Line of the macro call for an id, a frame or a joint, or for what it is part of.

        With `again`, the line of the second call for the same thing.
        """
        parts = tuple(re.split("[/_]", re.sub("_(joint|door|optical|frame).*", "", name)))
        keys = (name,), parts, (*parts[:2], _ROW), parts[:2], parts[:1]
        lines: list[int] = next((self._by_id[key] for key in keys if key in self._by_id), [0])
        return lines[min(int(again), len(lines) - 1)]

    def _error(self, rule: str, name: str, message: str, again: bool = False) -> None:
        self._report.error(FILE, self.part_line(name, again), rule, message)

    def links(self, root: ET.Element) -> set[str]:
        links: set[str] = set()
        for element in root.iter("link"):
            name = element.get("name", "")
            if not is_device_id(name):
                message = f"link '{shorten(name)}': lower-case letters, digits and single '_' only"
                self._error("urdf", name, message)
            elif name in links:
                self._error("repeated-frame", name, f"link {name} comes twice", again=True)
            links.add(name)
        return links

    def joints(self, root: ET.Element, links: set[str]) -> dict[str, Joint]:
        joints: dict[str, Joint] = {}
        for element in root.iter("joint"):
            joint = self._joint(element, links)
            if joint is None:
                continue
            if joint.child in joints or joint.child == ROOT:
                message = f"link {joint.child} has a second parent, {joint.parent}"
                self._error("urdf", joint.child, message, again=True)
                continue
            joints[joint.child] = joint
        return joints

    def _joint(self, element: ET.Element, links: set[str]) -> Joint | None:
        name, kind = element.get("name", ""), element.get("type", "")
        ends = []
        for end in ("parent", "child"):
            found = element.find(end)
            link = found.get("link", "") if found is not None else ""
            if link not in links:
                message = f"joint {shorten(name)}: {end} link '{shorten(link)}' does not exist"
                self._error("urdf", name, message)
            ends.append(link)
        origin = element.find("origin")
        xyz = self._vector(origin, "xyz", name)
        rpy = self._vector(origin, "rpy", name)
        if kind not in _JOINTS:
            message = (
                f"joint {shorten(name)}: type '{shorten(kind)}' is none of {', '.join(_JOINTS)}"
            )
            self._error("urdf", ends[1], message)
            return None
        if xyz is None or rpy is None or not links.issuperset(ends):
            return None
        axis = self._vector(element.find("axis"), "xyz", name, (1.0, 0.0, 0.0))
        if axis is None or not np.linalg.norm(axis) > 0.0:
            self._error("urdf", ends[1], f"joint {shorten(name)}: the axis has no direction")
            return None
        limit = element.find("limit")
        limits = None
        if limit is not None and kind in ("revolute", "prismatic"):
            low, high = (parse_number(limit.get(key, "0")) for key in ("lower", "upper"))
            if low is None or high is None or low > high:
                self._error("urdf", ends[1], f"joint {shorten(name)}: wrong limits")
                return None
            limits = low, high
        return Joint(name, kind, ends[0], ends[1], pose_from_rpy(xyz, rpy), axis, limits)

    def _vector(
        self, element: ET.Element | None, key: str, joint: str, default: Vector3 = (0.0, 0.0, 0.0)
    ) -> Vector3 | None:
        text = element.get(key) if element is not None else None
        if text is None:
            return default
        numbers = [parse_number(part) for part in text.split()]
        values = [value for value in numbers if value is not None and abs(value) < _FAR_M]
        if len(numbers) != 3 or len(values) != 3:
            message = f"joint {shorten(joint)}: {key} '{shorten(text)}' is not three numbers"
            self._error("urdf", joint.removesuffix("_joint"), message)
            return None
        return values[0], values[1], values[2]

    def poses(self, links: set[str], joints: dict[str, Joint]) -> dict[str, Matrix]:
        """Poses in map, from the root outwards, so that depth and cycles do no harm."""
        children: dict[str, list[Joint]] = {}
        for joint in joints.values():
            children.setdefault(joint.parent, []).append(joint)
        poses: dict[str, Matrix] = {ROOT: np.eye(4)}
        queue = [ROOT]
        while queue:
            parent = queue.pop()
            for joint in children.get(parent, ()):
                poses[joint.child] = poses[parent] @ joint.origin
                queue.append(joint.child)
        loose = links - poses.keys()
        for link in sorted(loose):
            if link in joints and joints[link].parent in loose - {link}:
                continue  # its parent is reported
            message = f"link {shorten(link)} hangs on no chain of joints from map"
            self._error("frame-not-in-map", link, message)
        return poses

    def parts(self, root: ET.Element, links: set[str]) -> dict[str, Part]:
        parts: dict[str, Part] = {}
        for element in root.iter("aisle"):
            kind, id_ = element.get("kind", ""), element.get("id", "")
            size = self._size(element.get("size", ""), _SIZES.get(kind, 0))
            if kind not in _SIZES:
                message = f"aisle element: kind '{shorten(kind)}' is none of {', '.join(_SIZES)}"
            elif not _is_id(kind, id_):
                message = f"{kind} id '{shorten(id_)}': lower-case letters and digits only"
            elif id_ in parts:
                message = f"{kind} {id_} comes twice"
            elif frame_name(id_) not in links:
                message = f"{kind} {id_} has no link {frame_name(id_)}"
            elif size is None:
                text = shorten(element.get("size", ""))
                message = f"{kind} {id_}: size '{text}' is not {_SIZES[kind]} positive numbers"
            else:
                parts[id_] = Part(kind, id_, size)
                continue
            self._error("urdf", id_, message, again=id_ in parts)
        return parts

    @staticmethod
    def _size(text: str, length: int) -> tuple[float, ...] | None:
        values = [parse_number(part) for part in text.split()]
        good = tuple(value for value in values if value is not None and 0.0 < value < _FAR_M)
        return good if len(values) == len(good) == length else None


def _is_id(kind: str, id_: str) -> bool:
    if kind == "shelf":
        return is_shelf_id(id_)
    if kind == "plate":
        return is_plate_id(id_)
    if kind in ("camera", "gate"):
        return is_device_id(id_)
    return is_part(id_)
