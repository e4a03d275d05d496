"""planogram.csv: what stands where."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aisle.store.catalogue import Catalogue
from aisle.store.names import is_part, parent_id
from aisle.store.problems import Report
from aisle.store.textfile import Row, parse_number, read_table, shorten
from aisle.store.types import Plate, Product, Shelf, Slot

FILE = "planogram.csv"
COLUMNS = ("product", "fixture", "shelf", "plates", "facings")
OPTIONAL = ("area", "count", "duplicate")
_MOST = 100_000
_SLACK_M = 0.01


@dataclass(frozen=True)
class Places:
    """What a planogram may refer to."""

    catalogue: Catalogue
    shelves: dict[str, Shelf]
    plates: dict[str, Plate]


def slot_id(shelf: str, product: str) -> str:
    """Id of the slot of a product on a shelf."""
    return f"{shelf}/{product}"


def read_planogram(directory: Path, places: Places, report: Report) -> dict[str, Slot]:
    """Slots by id, in file order.

    Args:
        directory: The store's folder.
        places: Products, shelves and plates that exist.
        report: Gets all mistakes; a row with an error is left out.
    """
    slots: dict[str, Slot] = {}
    lines: dict[str, int] = {}
    shelf_of: dict[str, tuple[str, int]] = {}
    for row in read_table(directory / FILE, FILE, COLUMNS, OPTIONAL, report):
        slot = _slot(row, places, report)
        if slot is None:
            continue
        if slot.id in slots:
            message = f"line {lines[slot.id]} already puts {slot.product} on {slot.shelf}"
            row.error(report, "repeated-slot", f"{message}: list all its plates there")
            continue
        shelf, line = shelf_of.setdefault(slot.product, (slot.shelf, row.line))
        if shelf != slot.shelf and row["duplicate"].lower() != "yes":
            message = f"{slot.product} also stands on {shelf} (line {line})"
            advice = "if that is meant, write 'yes' into the column duplicate"
            row.error(report, "product-placed-twice", f"{message}; {advice}")
        slots[slot.id] = slot
        lines[slot.id] = row.line
    return slots


def slot_lines(directory: Path) -> dict[str, int]:
    """The line of the planogram that makes each slot."""
    rows = read_table(directory / FILE, FILE, COLUMNS, OPTIONAL, Report())
    return {slot_id(f"{r['fixture']}/{r['shelf']}", r["product"]): r.line for r in rows}


def _slot(row: Row, places: Places, report: Report) -> Slot | None:
    before = len(report.problems)
    product = places.catalogue.products.get(row["product"])
    if not places.catalogue.may_have(row["product"]):
        message = f"product '{shorten(row['product'])}' is not in the catalogue"
        row.error(report, "unknown-product", message)
    if row["duplicate"].lower() not in ("", "yes", "no"):
        row.error(report, "bad-flag", f"duplicate '{shorten(row['duplicate'])}' is not yes or no")
    facings = _whole(row, "facings", 1, report)
    count = _whole(row, "count", 0, report) if row["count"] else None
    shelf = _shelf(row, places, report)
    if shelf is None:
        return None
    plates = _plates(row, shelf, places.plates, report)
    area = _area(row, shelf, report)
    if not row["plates"] and not row["area"]:
        row.error(report, "no-place", "the row says neither plates nor area")
    if row["plates"] and row["area"]:
        row.error(report, "plates-and-area", "the row says both plates and area: choose one")
    if (
        product is None
        or facings is None
        or any(p.severity == "error" for p in report.problems[before:])
    ):
        return None
    slot = Slot(slot_id(shelf.id, product.id), product.id, shelf.id, plates, area, facings, count)
    _check_width(row, slot, product, places, report)
    return slot


def _whole(row: Row, column: str, low: int, report: Report) -> int | None:
    value = row.number(column, report, low, _MOST)
    if value is not None and not value.is_integer():
        row.error(report, "bad-number", f"{column} {shorten(row[column])} is not a whole number")
        return None
    return None if value is None else int(value)


def _shelf(row: Row, places: Places, report: Report) -> Shelf | None:
    for column in ("fixture", "shelf"):
        if not is_part(row[column]):
            message = f"{column} '{shorten(row[column])}' must be a letter, then letters or digits"
            row.error(report, "bad-id", f"{message}, all lower case")
            return None
    shelf = places.shelves.get(f"{row['fixture']}/{row['shelf']}")
    if shelf is None:
        message = f"there is no shelf {row['fixture']}/{row['shelf']}"
        row.error(report, "unknown-shelf", message)
    return shelf


def _plates(row: Row, shelf: Shelf, plates: dict[str, Plate], report: Report) -> tuple[str, ...]:
    """The row's plates from left to right."""
    found: list[str] = []
    for name in row["plates"].split():
        plate = name if "/" in name else f"{shelf.id}/{name}"
        if parent_id(plate) != shelf.id:
            message = f"plate {shorten(plate)} does not belong to shelf {shelf.id}"
            row.error(report, "plate-on-other-shelf", message)
        elif plate not in plates:
            row.error(report, "unknown-plate", f"there is no plate {shorten(plate)}")
        elif plate in found:
            row.error(report, "repeated-plate", f"plate {plate} comes twice")
        else:
            found.append(plate)
    order = {plate: i for i, plate in enumerate(shelf.plates)}
    found.sort(key=lambda plate: order[plate])
    if found and order[found[-1]] - order[found[0]] != len(found) - 1:
        between = shelf.plates[order[found[0]] : order[found[-1]] + 1]
        gaps = " ".join(plate.rpartition("/")[2] for plate in between if plate not in found)
        message = f"the plates are not neighbours: {gaps} stands between them"
        row.error(report, "plates-not-contiguous", message)
    return tuple(found)


def _area(row: Row, shelf: Shelf, report: Report) -> tuple[float, float, float, float] | None:
    if not row["area"]:
        return None
    numbers = [parse_number(text) for text in row["area"].split()]
    values = [value for value in numbers if value is not None]
    if len(values) != 4 or len(numbers) != 4:
        message = f"area '{shorten(row['area'])}' is not four numbers 'x0 y0 x1 y1'"
        row.error(report, "bad-area", message)
        return None
    x0, y0, x1, y1 = values
    width, depth, _ = shelf.size_m
    inside = min(x0, y0) >= -_SLACK_M and x1 <= width + _SLACK_M and y1 <= depth + _SLACK_M
    if not (x0 < x1 and y0 < y1 and inside):
        message = f"area {shorten(row['area'])} is not inside shelf {shelf.id}"
        row.error(report, "bad-area", f"{message} ({width:g} x {depth:g} m)")
        return None
    return x0, y0, x1, y1


def _check_width(row: Row, slot: Slot, product: Product, places: Places, report: Report) -> None:
    if slot.area is not None:
        room = slot.area[2] - slot.area[0]
    else:
        room = sum(places.plates[plate].size_m[0] for plate in slot.plates)
    need = slot.facings * product.size_m[0]
    if need > room * 1.1 + _SLACK_M:
        message = f"{slot.facings} x {product.size_m[0]:g} m do not fit into {room:.3g} m"
        row.warn(report, "too-wide", message)
