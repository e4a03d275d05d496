"""Invented assortments: brands with lines of products that differ in one word."""

from __future__ import annotations

from random import Random

from aisle.sim.products.names import brand_name
from aisle.sim.products.sorts import FLAVOURS, SORTS, Format, Sort
from aisle.store.gtin import check_digit
from aisle.store.types import Product

_SORTS_OF_BRAND = (1, 1, 2, 2, 3)
_LINE_LENGTH = (2, 3, 4, 4, 5, 6)


def product_line(seed: int, count: int) -> tuple[Product, ...]:
    """Invented products in the sizes and weights that such products have.

    A line (one brand, one sort, one size) has two to six flavours which look alike and weigh the
    same. The first products of a longer assortment are the shorter one's.

    Args:
        seed: The same seed gives the same products.
        count: How many, at least 1; names and GTINs differ.

    Returns:
        Catalogue entries without images; how they look follows from these entries alone
        (`look_of`).
    """
    rng = Random(f"assortment {seed}")
    products: list[Product] = []
    names: set[str] = set()
    brands: set[str] = set()
    numbers: set[str] = set()
    waiting: list[Sort] = []
    while len(products) < count:
        brand = brand_name(rng)
        if brand in brands:
            continue
        brands.add(brand)
        for _ in range(rng.choice(_SORTS_OF_BRAND)):
            if not waiting:  # every sort comes once before one comes again
                waiting = list(SORTS)
                rng.shuffle(waiting)
            for product in _line(rng, brand, waiting.pop()):
                if product.name not in names and product.id not in numbers:
                    names.add(product.name)
                    numbers.add(product.id)
                    products.append(product)
    return tuple(products[:count])


def _line(rng: Random, brand: str, sort: Sort) -> list[Product]:
    format_ = rng.choice(sort.formats)
    flavours = rng.sample(FLAVOURS[sort.flavours], rng.choice(_LINE_LENGTH))
    price = _price(rng, sort, format_)
    weight = round(format_.gross_g / 1000 * rng.uniform(0.995, 1.005), 4)
    width, depth, height = (side / 1000 for side in format_.size_mm)
    return [
        Product(
            id=_gtin(rng),
            name=f"{brand} {flavour} {sort.noun} {format_.net} {sort.unit}",
            weight_kg=weight,
            size_m=(width, depth, height),
            price_minor=price,
        )
        for flavour in flavours
    ]


def _price(rng: Random, sort: Sort, format_: Format) -> int:
    cents = sort.cents_per_100 * format_.net / 100 * rng.uniform(0.8, 1.4)
    return max(29, round(cents / 10) * 10 - 1)


def _gtin(rng: Random) -> str:
    # Prefix 20 to 29 is free for numbers inside one store, so it can be no real article.
    body = f"2{rng.randrange(10**11):011d}"
    return body + str(check_digit(body))
