"""rig.yaml: the devices of a store. What stands where is in the other files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from aisle.store.names import is_device_id, is_plate_id
from aisle.store.problems import Report
from aisle.store.textfile import shorten
from aisle.store.yaml_file import YamlFile, read_yaml

FILE = "rig.yaml"
RULE = "rig-field"
_YAML_NAME = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*\.ya?ml$"
_LENS = ("horizontal_fov_rad", "fx", "fy", "cx", "cy", "calibration")


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


_Coefficient = Annotated[float, Field(ge=-1e6, le=1e6)]


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
    """One camera: its lens is an angle of view, or measured numbers, or a calibration file."""

    width: Annotated[int, Field(ge=1, le=100_000)]
    height: Annotated[int, Field(ge=1, le=100_000)]
    horizontal_fov_rad: Annotated[float, Field(gt=0, lt=3.1415)] | None = None
    fx: Annotated[float, Field(gt=0, le=1e6)] | None = None
    fy: Annotated[float, Field(gt=0, le=1e6)] | None = None
    cx: Annotated[float, Field(ge=-1e6, le=1e6)] | None = None
    cy: Annotated[float, Field(ge=-1e6, le=1e6)] | None = None
    calibration: Annotated[str, Field(pattern=_YAML_NAME)] | None = None
    """File of `camera_calibration` in the store's folder."""
    distortion: tuple[_Coefficient, _Coefficient, _Coefficient, _Coefficient, _Coefficient] = (
        0.0, 0.0, 0.0, 0.0, 0.0,
    )  # fmt: skip
    """k1, k2, p1, p2, k3 of the lens model `plumb_bob`."""
    rate_hz: Annotated[float, Field(gt=0, le=1000)] = 10.0
    driver: dict[str, str | int | float | bool] = {}

    @model_validator(mode="after")
    def _one_lens(self) -> CameraRig:
        measured = [value is not None for value in (self.fx, self.fy, self.cx, self.cy)]
        if any(measured) and not all(measured):
            raise ValueError("fx, fy, cx and cy go together")
        ways = [self.horizontal_fov_rad is not None, measured[0], self.calibration is not None]
        if sum(ways) != 1:
            raise ValueError("give one of horizontal_fov_rad, fx fy cx cy, calibration")
        if self.calibration and any(self.distortion):
            raise ValueError("distortion comes from the calibration file")
        return self


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

    @property
    def has_drivers(self) -> bool:
        """Whether any device says how it is read: the rig of a real store."""
        return (
            any(controller.driver for controller in self.controllers.values())
            or any(camera.driver for camera in self.cameras.values())
            or any(gate.driver for gate in self.gates.values())
        )


@dataclass(frozen=True)
class RigFile:
    """A rig with the lines of its fields."""

    rig: Rig
    file: YamlFile

    def line(self, *path: str | int) -> int:
        """Line of a field, or of the nearest field around it."""
        return self.file.line(*path)


def read_rig(directory: Path, report: Report) -> RigFile | None:
    """The rig, or None after reported errors."""
    file = read_yaml(directory / FILE, FILE, RULE, report)
    if file is None:
        return None
    try:
        found = RigFile(Rig.model_validate(file.data), file)
    except ValidationError as error:
        file.report(error, RULE, report)
        return None
    _check_ids(found, report)
    return found


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


def dump_rig(rig: Rig) -> str:
    """The text of rig.yaml that `read_rig` reads back."""
    data: dict[str, Any] = rig.model_dump()
    for section in ("controllers", "cameras", "gates"):
        for device in data[section].values():
            if not device["driver"]:
                del device["driver"]
    for camera in data["cameras"].values():
        for field in [name for name in _LENS if camera[name] is None]:
            del camera[field]
        if not any(camera["distortion"]):
            del camera["distortion"]
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=96))
