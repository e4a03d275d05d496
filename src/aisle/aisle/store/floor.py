"""floor_plan.geojson: walls, zones and gates, seen from above, in metres of `map`."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from shapely import LineString, Polygon, is_valid_reason
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from aisle.store.problems import Report
from aisle.store.textfile import read_text, shorten

FILE = "floor_plan.geojson"
KINDS: dict[str, tuple[type[BaseGeometry], ...]] = {
    "wall": (LineString, Polygon),
    "zone": (Polygon,),
    "gate": (LineString,),
}
_FAR_M = 10_000.0


@dataclass(frozen=True)
class Feature:
    """One feature of a floor plan."""

    kind: str
    """`wall`, `zone` or `gate`."""
    id: str
    """May be empty for a wall."""
    shape: BaseGeometry
    line: int = 0

    @property
    def outline(self) -> NDArray[np.float64]:
        """[points, 2] of the line, or of the outer ring of a polygon, in `map`."""
        ring = self.shape.exterior if isinstance(self.shape, Polygon) else self.shape
        return np.asarray(ring.coords, dtype=float)[:, :2]


@dataclass(frozen=True)
class FloorPlan:
    """All features, in file order."""

    features: tuple[Feature, ...] = ()

    def of(self, kind: str) -> list[Feature]:
        """Features of one kind."""
        return [feature for feature in self.features if feature.kind == kind]


def read_floor_plan(directory: Path, report: Report) -> FloorPlan:
    """The floor plan; features with mistakes are reported and left out."""
    text = read_text(directory / FILE, FILE, report)
    if text is None:
        return FloorPlan()
    try:
        data = json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        report.error(FILE, error.lineno, "malformed-json", f"broken JSON: {error.msg}")
        return FloorPlan()
    except _ConstantError as error:
        at = re.search(rf"[\s,:\[]{error}", text)
        line = text.count("\n", 0, at.start() + 1) + 1 if at else 0
        report.error(FILE, line, "malformed-json", f"broken JSON: {error} is no number")
        return FloorPlan()
    except (ValueError, RecursionError) as error:
        report.error(FILE, 0, "malformed-json", f"broken JSON: {str(error) or 'too deep'}")
        return FloorPlan()
    found = data.get("features") if isinstance(data, dict) else None
    if not isinstance(found, list) or data.get("type") != "FeatureCollection":
        report.error(FILE, 1, "geojson", "not a FeatureCollection with a list of features")
        return FloorPlan()
    starts = [match.start() for match in re.finditer(r'"type"\s*:\s*"Feature"', text)]
    features: list[Feature] = []
    ids: set[tuple[str, str]] = set()
    for i, item in enumerate(found):
        line = text.count("\n", 0, starts[i]) + 1 if i < len(starts) else 0
        feature = _feature(item, line, report)
        if feature is None:
            continue
        if feature.id and (feature.kind, feature.id) in ids:
            report.error(FILE, line, "geojson", f"{feature.kind} '{feature.id}' comes twice")
            continue
        ids.add((feature.kind, feature.id))
        features.append(feature)
    return FloorPlan(tuple(features))


class _ConstantError(Exception):
    """NaN or an infinity in the text, as Python's JSON reader would accept it."""


def _refuse(constant: str) -> float:
    raise _ConstantError(constant)


def _feature(item: Any, line: int, report: Report) -> Feature | None:
    try:
        return _parse(item, line)
    except _FeatureError as error:
        report.error(FILE, line, "geojson", str(error))
        return None


class _FeatureError(Exception):
    pass


def _parse(item: Any, line: int) -> Feature:
    if not isinstance(item, dict) or item.get("type") != "Feature":
        raise _FeatureError("the list of features holds something else")
    properties = item.get("properties")
    properties = properties if isinstance(properties, dict) else {}
    kind, id_ = properties.get("kind"), properties.get("id", "")
    if not isinstance(kind, str) or kind not in KINDS:
        raise _FeatureError(f"kind '{shorten(str(kind))}' is none of {', '.join(KINDS)}")
    if not isinstance(id_, str) or (kind != "wall" and not id_):
        raise _FeatureError(f"a {kind} needs an id, as text")
    name = f"{kind} {shorten(id_)}".strip()
    try:
        geometry = shape(item["geometry"])
        outline = geometry.bounds
    except (ShapelyError, ArithmeticError, ValueError, TypeError, AttributeError, LookupError) as e:
        raise _FeatureError(f"{name}: broken geometry: {shorten(str(e), 100)}") from e
    if not isinstance(geometry, KINDS[kind]):
        names = " or ".join(one.__name__ for one in KINDS[kind])
        raise _FeatureError(f"{name} must be a {names}")
    if geometry.is_empty or not geometry.is_valid:
        raise _FeatureError(f"{name}: {shorten(is_valid_reason(geometry), 100)}")
    if not all(abs(value) < _FAR_M for value in outline):
        raise _FeatureError(f"{name} lies 10 km away: coordinates are metres in map")
    return Feature(kind, id_, geometry, line)
