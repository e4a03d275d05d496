"""A camera's calibration file, as ROS's `camera_calibration` writes it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aisle.store.problems import Report
from aisle.store.yaml_file import read_yaml

RULE = "calibration"
MODEL = "plumb_bob"
_Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Section(BaseModel):
    # Rectification and projection belong to stereo pairs; what else a tool writes is passed over.
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class _CameraMatrix(_Section):
    rows: Literal[3]
    cols: Literal[3]
    data: Annotated[list[_Finite], Field(min_length=9, max_length=9)]


class _Coefficients(_Section):
    rows: Literal[1]
    cols: Literal[4, 5]
    data: Annotated[list[_Finite], Field(min_length=4, max_length=5)]


class _File(_Section):
    image_width: Annotated[int, Field(ge=1, le=100_000)]
    image_height: Annotated[int, Field(ge=1, le=100_000)]
    distortion_model: str
    camera_matrix: _CameraMatrix
    distortion_coefficients: _Coefficients


@dataclass(frozen=True)
class Calibration:
    """What was measured of a lens, in pixels."""

    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    distortion: tuple[float, float, float, float, float]


def read_calibration(
    directory: Path, name: str, size: tuple[int, int], report: Report
) -> Calibration | None:
    """The calibration in a file of a store's folder, or None after reported errors.

    Args:
        directory: The store's folder.
        name: Name of the file.
        size: Width and height of the camera's images, which the file must be for.
        report: Gets `calibration` and what is wrong with any YAML file.
    """
    file = read_yaml(directory / name, name, RULE, report)
    if file is None:
        return None
    try:
        found = _File.model_validate(file.data)
    except ValidationError as error:
        file.report(error, RULE, report)
        return None
    mistakes = _mistakes(found, size)
    for field, message in mistakes.items():
        report.error(name, file.line(field), RULE, message)
    if mistakes:
        return None
    fx, _, cx, _, fy, cy, *_ = found.camera_matrix.data
    k1, k2, p1, p2, *more = found.distortion_coefficients.data
    return Calibration((fx, fy), (cx, cy), (k1, k2, p1, p2, more[0] if more else 0.0))


def _mistakes(found: _File, size: tuple[int, int]) -> dict[str, str]:
    """What is wrong with numbers that are well-formed, by field."""
    mistakes = {}
    for field, value, wanted in (
        ("image_width", found.image_width, size[0]),
        ("image_height", found.image_height, size[1]),
    ):
        if value != wanted:
            mistakes[field] = f"{field} {value} is not the camera's {wanted}: calibrate at its size"
    if found.distortion_model != MODEL:
        mistakes["distortion_model"] = f"the lens model must be {MODEL}"
    if len(found.distortion_coefficients.data) != found.distortion_coefficients.cols:
        mistakes["distortion_coefficients"] = "there are more or fewer numbers than cols says"
    fx, skew, _, zero, fy, _, *last = found.camera_matrix.data
    if min(fx, fy) <= 0.0:
        mistakes["camera_matrix"] = "the focal lengths must be positive: 0 means not calibrated"
    elif [skew, zero, *last] != [0.0, 0.0, 0.0, 0.0, 1.0]:
        mistakes["camera_matrix"] = "the matrix must be fx 0 cx, 0 fy cy, 0 0 1"
    return mistakes
