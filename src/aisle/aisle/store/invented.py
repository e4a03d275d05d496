"""Invented products for generated stores: generic names, made-up GTINs, sizes that fit a weight."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain, count

import numpy as np

from aisle.store.gtin import check_digit
from aisle.store.types import Product


@dataclass(frozen=True)
class Kind:
    """A sort of product: what it is called and what a gram of it takes up and costs."""

    noun: str
    unit: str
    """`g` or `ml`, for the name only."""
    flavours: tuple[str, ...]
    weight_g: tuple[float, float]
    """Range in which the kind is likely."""
    density: float
    """Grams per cubic centimetre of the outer box."""
    cents_per_100g: float


_FRUIT = (
    "Apple", "Berry", "Cherry", "Lemon", "Mango", "Orange", "Peach", "Pear", "Plum", "Grape",
    "Lime", "Papaya", "Kiwi", "Apricot", "Raspberry", "Blueberry",
)  # fmt: skip
_SAVOURY = (
    "Sea Salt", "Paprika", "Garden Herb", "Chili Lime", "Smoky", "Onion", "Pepper", "Rosemary",
    "Tomato", "Garlic", "Mustard", "Curry",
)  # fmt: skip
_SWEET = (
    "Oat", "Honey", "Cocoa", "Almond", "Hazelnut", "Coconut", "Vanilla", "Caramel", "Peanut",
    "Cinnamon", "Date", "Maple", "Sesame", "Raisin",
)  # fmt: skip
_PLAIN = (
    "Classic", "Soft", "Extra", "Mild", "Fresh", "Gentle", "Pure", "Daily", "Light", "Strong",
    "Fine", "Country",
)  # fmt: skip

KINDS = (
    Kind("Chewing Gum", "g", (*_FRUIT, "Mint", "Cool Mint"), (5, 40), 0.55, 450),
    Kind("Lip Balm", "g", (*_FRUIT, *_PLAIN), (5, 30), 0.7, 1900),
    Kind("Crunch Bar", "g", _SWEET, (20, 70), 0.45, 330),
    Kind("Protein Bar", "g", _SWEET, (35, 90), 0.7, 480),
    Kind("Potato Chips", "g", _SAVOURY, (30, 220), 0.06, 210),
    Kind("Tortilla Chips", "g", _SAVOURY, (50, 320), 0.09, 190),
    Kind("Rice Crackers", "g", _SAVOURY, (60, 180), 0.15, 230),
    Kind("Fruit Gums", "g", _FRUIT, (60, 300), 0.5, 160),
    Kind("Chocolate", "g", _SWEET, (60, 220), 0.8, 220),
    Kind("Trail Mix", "g", _SWEET, (80, 400), 0.45, 240),
    Kind("Instant Noodles", "g", _SAVOURY, (60, 140), 0.2, 180),
    Kind("Soup Cup", "g", _SAVOURY, (50, 120), 0.18, 290),
    Kind("Muesli", "g", _SWEET, (250, 900), 0.35, 70),
    Kind("Yogurt Drink", "ml", _FRUIT, (100, 380), 0.9, 90),
    Kind("Soap Bar", "g", _PLAIN, (80, 200), 0.9, 150),
    Kind("Toothpaste", "ml", (*_PLAIN, "Mint"), (60, 160), 0.6, 310),
    Kind("Iced Tea", "ml", _FRUIT, (250, 620), 0.95, 45),
    Kind("Sparkling Water", "ml", (*_FRUIT, *_PLAIN), (330, 800), 0.95, 22),
    Kind("Juice", "ml", _FRUIT, (200, 1100), 0.95, 38),
    Kind("Spring Water", "ml", _PLAIN, (500, 3000), 0.95, 14),
    Kind("Washing Liquid", "ml", _PLAIN, (600, 3000), 0.9, 42),
    Kind("Flour", "g", _PLAIN, (500, 2600), 0.65, 12),
    Kind("Tomato Sauce", "g", _SAVOURY, (180, 800), 0.8, 62),
    Kind("Fruit Spread", "g", _FRUIT, (200, 520), 0.8, 95),
    Kind("Pet Snack", "g", _SAVOURY, (40, 600), 0.4, 150),
)


class ProductMaker:
    """Makes products with unique ids and names for one store.

    Args:
        rng: Source of all draws.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._names: set[str] = set()
        self._ids: set[str] = set()

    def kind_for(self, grams: float) -> Kind:
        """A kind that is likely at this weight; the nearest one where none is."""
        fitting = [kind for kind in KINDS if kind.weight_g[0] <= grams <= kind.weight_g[1]]
        if fitting:
            return fitting[int(self._rng.integers(len(fitting)))]
        return min(KINDS, key=lambda kind: abs(math.log(grams / kind.weight_g[0])))

    def make(self, kind: Kind, grams: float, room_m: tuple[float, float, float]) -> Product:
        """A new product of a kind.

        Args:
            kind: What it is.
            grams: Weight of one unit with its packing.
            room_m: Largest width, depth and height.

        Returns:
            Product with weight rounded to 10 mg and sizes rounded to a millimetre.
        """
        return Product(
            id=self._gtin(),
            name=self._name(kind, grams),
            weight_kg=round(grams / 1000.0, 5),
            size_m=self._size(kind, grams, room_m),
            price_minor=self._price(kind, grams),
        )

    def _gtin(self) -> str:
        # Prefix 20 to 29 is free for numbers inside one store, so it can be no real article.
        while True:
            body = f"2{int(self._rng.integers(10**11)):011d}"
            if body not in self._ids:
                self._ids.add(body)
                return body + str(check_digit(body))

    def _name(self, kind: Kind, grams: float) -> str:
        step = 1 if grams < 20 else 5 if grams < 250 else 10 if grams < 700 else 50
        net = max(1, int(grams * 0.97 / step) * step)
        flavours = kind.flavours
        first = int(self._rng.integers(len(flavours)))
        turned = flavours[first:] + flavours[:first]
        second = (f"{other} " for other in turned)
        numbered = (f"No. {n} " for n in count(2))
        for extra in chain(("",), second, numbered):
            for flavour in turned:
                name = f"{flavour} {extra}{kind.noun} {net} {kind.unit}"
                if extra != f"{flavour} " and name not in self._names:
                    self._names.add(name)
                    return name
        raise AssertionError("the numbers never end")

    def _size(
        self, kind: Kind, grams: float, room_m: tuple[float, float, float]
    ) -> tuple[float, float, float]:
        volume = grams / kind.density * 1e-6
        side = volume ** (1 / 3)
        width = min(side * self._rng.uniform(0.6, 1.3), 0.98 * room_m[0])
        depth = min(side * self._rng.uniform(0.5, 1.2), 0.98 * room_m[1])
        height = min(volume / (width * depth), 0.95 * room_m[2])
        # What does not fit upwards goes back into the shelf, as far as there is room.
        depth = min(max(depth, volume / (width * height)), 0.98 * room_m[1])
        return (
            max(round(width, 3), 0.001),
            max(round(depth, 3), 0.001),
            max(round(height, 3), 0.001),
        )

    def _price(self, kind: Kind, grams: float) -> int:
        cents = kind.cents_per_100g * grams / 100.0 * self._rng.uniform(0.7, 1.5)
        return max(19, round(cents / 10.0) * 10 - 1)
