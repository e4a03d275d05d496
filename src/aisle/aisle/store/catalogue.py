"""catalogue.csv and images/: what a product is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aisle.store.gtin import check_digit, is_gtin, looks_like_gtin
from aisle.store.money import minor_digits, parse_price
from aisle.store.names import is_product_id
from aisle.store.problems import Report
from aisle.store.textfile import FILE_RULES, Row, read_table, shorten
from aisle.store.types import Product

FILE = "catalogue.csv"
COLUMNS = ("id", "name", "price", "weight_kg", "width_m", "depth_m", "height_m")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
_HEAVY_KG = 25.0
_MAX_KG = 1000.0
_LONG_M = 2.0
_SHORT_M = 0.002
_GUESSED_DENSITY = 500.0
"""Kilograms per cubic metre of a product whose size is unknown."""


@dataclass(frozen=True)
class Catalogue:
    """The usable products, and what could not be used."""

    products: dict[str, Product]
    """By id, in file order."""
    rejected: frozenset[str] = frozenset()
    """Ids of rows with mistakes."""
    complete: bool = True
    """False when rows could not even be read, so that any product may be missing."""

    def may_have(self, id_: str) -> bool:
        """True unless the catalogue surely lacks this product."""
        return not self.complete or id_ in self.products or id_ in self.rejected


def read_catalogue(directory: Path, currency: str, report: Report) -> Catalogue:
    """The products of a store, with the images of `images/<id>/`.

    Args:
        directory: The store's folder.
        currency: Decides how many decimals a price may have.
        report: Gets all mistakes; a row with an error is left out.
    """
    products: dict[str, Product] = {}
    images = _images(directory, report)
    first_line: dict[str, int] = {}
    rejected: set[str] = set()
    for row in read_table(directory / FILE, FILE, COLUMNS, (), report):
        product = _product(row, currency, images.get(row["id"], ()), report)
        if product is None:
            rejected.add(row["id"])
            continue
        if product.id in products:
            message = f"product {product.id} is already on line {first_line[product.id]}"
            row.error(report, "repeated-product", message)
            continue
        products[product.id] = product
        first_line[product.id] = row.line
    if not report.failed:
        for folder in sorted(images.keys() - products.keys()):
            message = "the folder is no product of the catalogue"
            report.warn(f"images/{shorten(folder)}", 0, "image-without-product", message)
    unread = any(p.file == FILE and p.rule in FILE_RULES for p in report.problems)
    return Catalogue(products, frozenset(rejected), complete=not unread)


def guess_size(weight_kg: float, widest_m: float = 0.3) -> tuple[float, float, float]:
    """Width, depth and height, in millimetre steps, of a product of which only the weight is known.

    A cube of half the density of water, or a column where that is wider than `widest_m`.
    """
    volume = weight_kg / _GUESSED_DENSITY
    side = max(0.01, min(volume ** (1 / 3), widest_m))
    return round(side, 3), round(side, 3), max(0.01, round(volume / side**2, 3))


def _images(directory: Path, report: Report) -> dict[str, tuple[Path, ...]]:
    try:
        return {
            folder.name: tuple(
                sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
            )
            for folder in sorted((directory / "images").iterdir())
            if folder.is_dir()
        }
    except FileNotFoundError:
        return {}
    except OSError as error:
        report.error("images", 0, "unreadable", f"cannot be read: {error.strerror}")
        return {}


def _product(row: Row, currency: str, images: tuple[Path, ...], report: Report) -> Product | None:
    good = _check_id(row, report)
    if not row["name"]:
        row.error(report, "missing-name", f"product {shorten(row['id'])} has no name")
        good = False
    price = parse_price(row["price"], currency)
    if price is None:
        message = (
            f"price '{shorten(row['price'])}' is not a price in {currency} "
            f"(up to {minor_digits(currency)} decimals, not negative)"
        )
        row.error(report, "bad-number", message)
    weight = row.number("weight_kg", report, 0.0001, _MAX_KG)
    if weight is not None and weight > _HEAVY_KG:
        row.warn(report, "implausible-weight", f"weight_kg {weight:g}: one unit of {row['name']}?")
    sizes = _size(row, weight, report)
    if not good or price is None or weight is None or sizes is None:
        return None
    return Product(row["id"], row["name"], weight, sizes, price, images)


def _check_id(row: Row, report: Report) -> bool:
    id_ = row["id"]
    if not is_product_id(id_):
        message = f"id '{shorten(id_)}' must be 1 to 64 letters, digits, '.', '_' or '-'"
        row.error(report, "bad-id", message)
        return False
    if looks_like_gtin(id_) and not is_gtin(id_):
        message = f"{id_} is no GTIN: its last digit should be {check_digit(id_[:-1])}"
        row.error(report, "gtin-check-digit", message)
        return False
    return True


def _size(row: Row, weight: float | None, report: Report) -> tuple[float, float, float] | None:
    columns = COLUMNS[-3:]
    if not any(row[column] for column in columns):
        row.warn(report, "missing-size", f"{shorten(row['name'])} has no size: taken from weight")
        return None if weight is None else guess_size(weight)
    values = [row.number(column, report, 0.0001, 100.0) for column in columns]
    sizes = [value for value in values if value is not None]
    if len(sizes) < len(columns):
        return None
    if max(sizes) > _LONG_M or min(sizes) < _SHORT_M:
        message = f"{' x '.join(f'{size:g}' for size in sizes)} m for {shorten(row['name'])}?"
        row.warn(report, "implausible-size", message)
    return sizes[0], sizes[1], sizes[2]
