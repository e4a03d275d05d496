"""The small files of an AutoCheckout recording: where things stand, and what the products are."""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aisle.store.catalogue import guess_size
from aisle.store.geometry import Matrix, pose_from_rotation_vector
from aisle.store.problems import Report
from aisle.store.textfile import Row, read_table, read_text, shorten
from aisle.store.types import Product

MAX_INDEX = 127
"""Largest number of a gondola, shelf or plate."""
PlaceId = tuple[int, int, int]
"""Gondola, shelf, plate, from 1."""
_MAX_GRAMS = 100_000.0
_MAX_DOLLARS = 1_000_000.0

_Index = Annotated[int, Field(ge=1, le=MAX_INDEX)]
_Metres = Annotated[float, Field(ge=-10_000, le=10_000, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class _Vector(_Part):
    x: _Metres
    y: _Metres
    z: _Metres

    def values(self) -> tuple[float, float, float]:
        return self.x, self.y, self.z


class _Transform(_Part):
    translation: _Vector
    rotation: _Vector


class Coordinates(_Part):
    """Pose in the parent's frame and extent."""

    transform: _Transform
    dim_x: _Metres
    dim_y: _Metres
    dim_z: _Metres

    @property
    def pose(self) -> Matrix:
        """4x4; `rotation` is a rotation vector in radians."""
        return pose_from_rotation_vector(
            self.transform.translation.values(), self.transform.rotation.values()
        )

    @property
    def size(self) -> tuple[float, float, float]:
        """Metres."""
        return self.dim_x, self.dim_y, self.dim_z


class _GondolaId(_Part):
    id: _Index


class _ShelfId(_Part):
    gondola_id: _GondolaId
    shelf_index: _Index


class _PlateId(_Part):
    shelf_id: _ShelfId
    plate_index: _Index


class _Gondola(_Part):
    id: _GondolaId
    coordinates: Coordinates


class _Shelf(_Part):
    id: _ShelfId
    coordinates: Coordinates


class _Plate(_Part):
    id: _PlateId
    coordinates: Coordinates


class _Gondolas(_Part):
    gondolas: Annotated[list[_Gondola], Field(min_length=1)]


class _Shelves(_Part):
    shelves: list[_Shelf]


class _Plates(_Part):
    plates: list[_Plate]


@dataclass(frozen=True)
class Geometry:
    """Coordinates of everything by its numbers."""

    gondolas: dict[int, Coordinates]
    shelves: dict[tuple[int, int], Coordinates]
    plates: dict[PlaceId, Coordinates]


_File = TypeVar("_File", bound=BaseModel)


def read_geometry(directory: Path, report: Report) -> Geometry | None:
    """Where gondolas, shelves and plates are, or None after reported errors."""
    gondolas = _read(directory, "gondolas.json", _Gondolas, report)
    shelves = _read(directory, "shelves.json", _Shelves, report)
    plates = _read(directory, "plates.json", _Plates, report)
    if gondolas is None or shelves is None or plates is None:
        return None
    return Geometry(
        {one.id.id: one.coordinates for one in gondolas.gondolas},
        {(one.id.gondola_id.id, one.id.shelf_index): one.coordinates for one in shelves.shelves},
        {
            (one.id.shelf_id.gondola_id.id, one.id.shelf_id.shelf_index, one.id.plate_index):
            one.coordinates
            for one in plates.plates
        },
    )  # fmt: skip


def _read(directory: Path, name: str, kind: type[_File], report: Report) -> _File | None:
    text = read_text(directory / name, name, report)
    if text is None:
        return None
    try:
        return kind.model_validate(json.loads(text))
    except json.JSONDecodeError as error:
        report.error(name, error.lineno, "malformed-json", f"broken JSON: {error.msg}")
    except ValidationError as error:
        detail = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in detail["loc"])
        report.error(name, 0, "malformed-json", f"{where}: {detail['msg']}")
    except (ValueError, RecursionError) as error:
        report.error(name, 0, "malformed-json", f"broken JSON: {str(error) or 'too deep'}")
    return None


def read_products(directory: Path, report: Report) -> dict[str, Product]:
    """Products by name, with made-up ids and guessed sizes; unusable rows are only warned of."""
    products: dict[str, Product] = {}
    ids: set[str] = set()
    name = "products.csv"
    for row in read_table(directory / name, name, ("name", "weight_g", "price"), (), report):
        mistakes = Report()
        grams = row.number("weight_g", mistakes, 0.1, _MAX_GRAMS)
        dollars = row.number("price", mistakes, 0.0, _MAX_DOLLARS)
        if grams is None or dollars is None or not row["name"]:
            message = "; ".join(p.message for p in mistakes.problems) or "no name"
            row.warn(report, "bad-number", f"product left out: {message}")
        elif row["name"] in products:
            row.warn(report, "repeated-product", f"'{shorten(row['name'])}' comes twice")
        else:
            kilograms = round(grams / 1000.0, 6)
            id_ = _slug(row["name"], ids)
            ids.add(id_)
            size = guess_size(kilograms)
            products[row["name"]] = Product(id_, row["name"], kilograms, size, round(dollars * 100))
    if products:
        message = "no sizes are given: they are guessed from the weights"
        report.warn(name, 0, "missing-size", message)
    return products


def _slug(name: str, taken: set[str]) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode("ascii")
    base = re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")[:56].strip("-") or "product"
    slug, number = base, 1
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug


def read_places(directory: Path, report: Report) -> dict[tuple[str, int, int], list[PlaceId]]:
    """Plates by product name, gondola and shelf, in file order; bad rows are only warned of."""
    places: dict[tuple[str, int, int], list[PlaceId]] = {}
    name = "planogram.csv"
    columns = ("name", "gondola", "shelf", "plate")
    for row in read_table(directory / name, name, columns, (), report):
        numbers = [_index(row, column) for column in columns[1:]]
        gondola, shelf, plate = (number or 0 for number in numbers)
        if None in numbers or not row["name"]:
            row.warn(report, "bad-number", f"row left out: numbers from 1 to {MAX_INDEX} expected")
            continue
        found = places.setdefault((row["name"], gondola, shelf), [])
        if (gondola, shelf, plate) in found:
            row.warn(report, "repeated-plate", "the row is already there")
        else:
            found.append((gondola, shelf, plate))
    return places


def _index(row: Row, column: str) -> int | None:
    text = row[column]
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 3 else 0
    return number if 1 <= number <= MAX_INDEX else None
