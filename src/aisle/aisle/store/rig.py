"""rig.yaml: the devices of a store. What stands where is in the other files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aisle.store.names import is_device_id, is_plate_id
from aisle.store.problems import Report
from aisle.store.textfile import read_text, shorten

FILE = "rig.yaml"
_MAX_DEPTH = 20


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ControllerRig(_Section):
    """One scale controller."""

    plates: Annotated[list[str], Field(min_length=1, max_length=4096)]
    """Plate ids by channel."""
    rate_hz: Annotated[float, Field(gt=0, le=10_000)] = 60.0
    samples_per_message: Annotated[int, Field(ge=1, le=1000)] = 12
    capacity_kg: Annotated[float, Field(gt=0, le=10_000)] = 20.0
    driver: dict[str, str | int | float | bool] = {}
    """Settings of the device, for the node that reads it: free keys, plain values."""


class CameraRig(_Section):
    """One camera."""

    width: Annotated[int, Field(ge=1, le=100_000)]
    height: Annotated[int, Field(ge=1, le=100_000)]
    horizontal_fov_rad: Annotated[float, Field(gt=0, lt=3.1415)]
    driver: dict[str, str | int | float | bool] = {}


class GateRig(_Section):
    """One gate."""

    kind: Literal["entry", "exit", "both"]
    driver: dict[str, str | int | float | bool] = {}


class Rig(_Section):
    """The whole file."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    controllers: dict[str, ControllerRig] = {}
    cameras: dict[str, CameraRig] = {}
    gates: dict[str, GateRig] = {}


@dataclass(frozen=True)
class RigFile:
    """A rig with the lines of its fields."""

    rig: Rig
    lines: dict[tuple[str | int, ...], int]

    def line(self, *path: str | int) -> int:
        """Line of a field, or of the nearest field around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 0)


def read_rig(directory: Path, report: Report) -> RigFile | None:
    """The rig, or None after reported errors."""
    text = read_text(directory / FILE, FILE, report)
    if text is None:
        return None
    try:
        for event in yaml.parse(text, yaml.SafeLoader):
            if isinstance(event, yaml.AliasEvent):
                # Aliases can blow a small file up to gigabytes, and nothing here needs them.
                line = event.start_mark.line + 1 if event.start_mark else 0
                report.error(FILE, line, "malformed-yaml", "anchors and aliases are not allowed")
                return None
        node = yaml.compose(text, yaml.SafeLoader)
        lines = _lines(node, report)
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        message = getattr(error, "problem", None) or shorten(str(error) or "too deep", 200)
        report.error(
            FILE, mark.line + 1 if mark else 0, "malformed-yaml", f"broken YAML: {message}"
        )
        return None
    try:
        found = RigFile(Rig.model_validate(data), lines)
    except ValidationError as error:
        _report(error, lines, report)
        return None
    _check_ids(found, report)
    return found


def _report(
    error: ValidationError, lines: dict[tuple[str | int, ...], int], report: Report
) -> None:
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        path = detail["loc"]
        at = path
        while at and at not in lines:
            at = at[:-1]
        field = ".".join(str(part) for part in path) or "the file"
        message = f"{shorten(field, 80)}: {detail['msg'].lower()}"
        report.error(FILE, lines.get(at, 0), "rig-field", message)


def _check_ids(found: RigFile, report: Report) -> None:
    for section in ("controllers", "cameras", "gates"):
        for id_ in getattr(found.rig, section):
            if not is_device_id(id_):
                message = f"'{shorten(id_)}' must be lower-case letters, digits and single '_'"
                report.error(FILE, found.line(section, id_), "bad-id", message)
    owner: dict[str, str] = {}
    for name, controller in found.rig.controllers.items():
        for channel, plate in enumerate(controller.plates):
            line = found.line("controllers", name, "plates", channel)
            if not is_plate_id(plate):
                message = f"plate '{shorten(plate)}' must be like g1/s2/p3"
                report.error(FILE, line, "bad-id", message)
            elif plate in owner:
                message = f"plate {plate} is already on controller {owner[plate]}"
                report.error(FILE, line, "plate-on-two-controllers", message)
            owner[plate] = name


def _lines(node: yaml.Node | None, report: Report) -> dict[tuple[str | int, ...], int]:
    """Line of each field by its path; reports keys that come twice."""
    lines: dict[tuple[str | int, ...], int] = {}

    def visit(node: yaml.Node, path: tuple[str | int, ...]) -> None:
        lines.setdefault(path, node.start_mark.line + 1)
        if len(path) > _MAX_DEPTH:
            raise ValueError("nested too deeply")
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                inner = (*path, str(key.value))
                if inner in lines:
                    message = f"key '{shorten(str(key.value))}' comes twice"
                    report.error(FILE, key.start_mark.line + 1, "rig-field", message)
                lines[inner] = key.start_mark.line + 1
                visit(value, inner)
        elif isinstance(node, yaml.SequenceNode):
            for i, value in enumerate(node.value):
                visit(value, (*path, i))

    if node is not None:
        visit(node, ())
    return lines


def dump_rig(rig: Rig) -> str:
    """The text of rig.yaml that `read_rig` reads back."""
    data: dict[str, Any] = rig.model_dump(exclude_defaults=False)
    for section in ("controllers", "cameras", "gates"):
        for device in data[section].values():
            if not device["driver"]:
                del device["driver"]
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=96))
