"""Sorts of groceries: how they are packed, in which sizes, what they weigh and cost."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from aisle.store.invented import KINDS


@dataclass(frozen=True)
class Format:
    """One size of one package."""

    shape: str
    net: int
    """Grams or millilitres, as printed."""
    size_mm: tuple[int, int, int]
    """Width, depth, height."""
    gross_g: float
    """With its contents."""


def _formats(*rows: tuple[str, int, int, int, int, float]) -> tuple[Format, ...]:
    return tuple(Format(shape, net, (w, d, h), gross) for shape, net, w, d, h, gross in rows)


_CAN = _formats(
    ("can", 330, 66, 66, 116, 345), ("can", 250, 53, 53, 134, 264), ("can", 500, 66, 66, 168, 519),
    ("can", 150, 53, 53, 90, 161), ("can", 330, 58, 58, 146, 344),
)  # fmt: skip
_PET = _formats(
    ("pet", 500, 66, 66, 222, 525), ("pet", 750, 74, 74, 252, 782), ("pet", 1500, 90, 90, 318, 1541)
)
_GLASS = _formats(("bottle", 330, 61, 61, 228, 572), ("bottle", 250, 56, 56, 202, 430))
_OIL = _formats(("bottle", 500, 66, 66, 265, 872), ("bottle", 750, 74, 74, 298, 1290))
_SMALL = _formats(("sleeve", 100, 44, 44, 92, 111), ("sleeve", 250, 56, 56, 152, 270))
_GABLE = _formats(("gable", 1000, 75, 75, 240, 1062), ("gable", 500, 70, 70, 158, 542))
_BRICK = _formats(("brick", 200, 48, 38, 118, 214), ("brick", 1000, 72, 66, 222, 1051))
_TIN = _formats(("tin", 400, 74, 74, 110, 466), ("tin", 200, 66, 66, 78, 243))
_FLAT_TIN = _formats(("tin", 140, 84, 84, 37, 172), ("tin", 200, 98, 98, 38, 246))
_JAR = _formats(("jar", 340, 74, 74, 104, 556), ("jar", 250, 66, 66, 92, 421))
_BIG_JAR = _formats(("jar", 500, 82, 82, 132, 788), ("jar", 400, 78, 78, 118, 642))
_SPICE = _formats(("jar", 45, 46, 46, 104, 148), ("canister", 80, 52, 52, 112, 96))
_CANISTER = _formats(("canister", 250, 76, 76, 132, 281), ("canister", 400, 88, 88, 158, 452))
_COFFEE_JAR = _formats(
    ("jar", 100, 74, 74, 128, 352),
    ("jar", 200, 86, 86, 158, 604),
    ("canister", 120, 76, 76, 132, 168),
)
_CUP = _formats(("cup", 150, 74, 74, 82, 159), ("cup", 500, 96, 96, 110, 522))
_DRY_CUP = _formats(("cup", 65, 96, 96, 108, 82), ("cup", 55, 84, 84, 98, 69))
_BAG = _formats(("bag", 150, 200, 85, 280, 160), ("bag", 75, 160, 65, 225, 82))
_SWEETS = _formats(("bag", 200, 142, 52, 196, 207), ("pouch", 120, 118, 52, 168, 128))
_PASTA = _formats(("bag", 500, 142, 72, 232, 508), ("box", 500, 94, 52, 196, 534))
_POUCH = _formats(("pouch", 150, 132, 56, 188, 158), ("pouch", 400, 168, 78, 234, 412))
_COFFEE = _formats(("packet", 250, 86, 56, 148, 258), ("pouch", 500, 142, 86, 258, 517))
_WET = _formats(("pouch", 85, 96, 24, 138, 90), ("pouch", 100, 102, 30, 146, 106))
_SACK = _formats(
    ("packet", 1000, 104, 68, 178, 1012), ("packet", 2500, 142, 96, 232, 2496),
    ("packet", 500, 82, 56, 142, 507),
)  # fmt: skip
_BOX = _formats(("box", 375, 192, 64, 282, 446), ("box", 500, 196, 76, 302, 581))
_BISCUIT = _formats(("box", 200, 148, 48, 212, 239), ("box", 125, 158, 36, 102, 152))
_TEA = _formats(("box", 40, 148, 66, 78, 72), ("box", 50, 122, 72, 88, 84))
_MINTS = _formats(("box", 18, 52, 14, 76, 25), ("canister", 64, 56, 56, 86, 92))
_GUM = _formats(("bar", 14, 74, 20, 13, 15.6), ("box", 27, 62, 22, 84, 33))
_BAR = _formats(
    ("bar", 25, 122, 32, 16, 26.4), ("bar", 45, 148, 38, 22, 47), ("bar", 60, 154, 46, 25, 62.5)
)
_SLAB = _formats(("box", 100, 158, 78, 12, 112), ("box", 200, 182, 88, 16, 219))
_STICK = _formats(("stick", 5, 17, 17, 68, 9.2), ("stick", 3, 14, 14, 58, 6.1))
_TUBE = _formats(("tube", 75, 54, 38, 158, 99), ("tube", 50, 46, 33, 132, 66))
_SMALL_TUBE = _formats(("tube", 30, 40, 28, 108, 39), ("tube", 100, 62, 42, 172, 121))
_FLASK = _formats(("flask", 300, 76, 44, 198, 341), ("flask", 500, 86, 54, 226, 556))
_SQUEEZE = _formats(("flask", 400, 72, 58, 188, 466), ("flask", 250, 62, 52, 158, 299))
_CANNED_CARE = _formats(("flask", 1500, 148, 92, 268, 1624), ("flask", 750, 112, 68, 242, 823))
_BLISTER = _formats(("blister", 4, 84, 22, 132, 64), ("blister", 2, 76, 26, 196, 31))
_SOAP = _formats(("box", 100, 92, 34, 60, 106), ("box", 125, 84, 58, 40, 133))
_TISSUES = _formats(("box", 80, 208, 112, 82, 186), ("box", 60, 118, 114, 126, 168))
_MEDIC = _formats(("box", 20, 92, 24, 74, 17.5), ("box", 10, 58, 20, 92, 11.8))


@dataclass(frozen=True)
class Sort:
    """One sort: what stands in a product's name, and what it is sold in."""

    noun: str
    unit: str
    formats: tuple[Format, ...]
    flavours: str
    """`fruit`, `savoury`, `sweet` or `plain`."""
    motif: str
    """What is pictured where the flavour is no picture itself."""
    contents: str
    """Colour of what is seen through glass, or of the bare package: `#rrggbb`, or `flavour`."""
    cents_per_100: float

    @cached_property
    def shapes(self) -> tuple[str, ...]:
        """The packages in which it comes, the usual one first."""
        return tuple(dict.fromkeys(format_.shape for format_ in self.formats))


FLAVOURS = {
    theme: next(kind.flavours for kind in KINDS if kind.noun == noun)
    for theme, noun in (
        ("fruit", "Juice"), ("savoury", "Potato Chips"), ("sweet", "Muesli"), ("plain", "Flour")
    )
}  # fmt: skip

SORTS = (
    Sort("Cola", "ml", (*_CAN, *_PET), "fruit", "bubbles", "#2a1208", 32),
    Sort("Lemonade", "ml", (*_CAN, *_GLASS), "fruit", "bubbles", "flavour", 34),
    Sort("Energy Drink", "ml", _CAN, "fruit", "bolt", "flavour", 62),
    Sort("Malt Drink", "ml", (*_GLASS, *_CAN), "plain", "ear", "#7a3d0c", 41),
    Sort("Sparkling Water", "ml", (*_PET, *_CAN), "fruit", "bubbles", "#cfe8f2", 22),
    Sort("Spring Water", "ml", _PET, "plain", "mountain", "#d5ecf5", 14),
    Sort("Iced Tea", "ml", (*_PET, *_BRICK), "fruit", "leaf", "#c0722a", 45),
    Sort("Juice", "ml", (*_BRICK, *_GABLE, *_GLASS), "fruit", "citrus", "flavour", 38),
    Sort("Oat Drink", "ml", (*_GABLE, *_BRICK), "sweet", "ear", "#f3ead6", 24),
    Sort("Milk", "ml", _GABLE, "plain", "drop", "#fdfdf8", 16),
    Sort("Yogurt", "g", _CUP, "fruit", "drop", "#fdfdf8", 49),
    Sort("Pudding", "g", _CUP, "sweet", "drop", "#f2d9a8", 62),
    Sort("Yogurt Drink", "ml", _SMALL, "fruit", "drop", "#fdfdf8", 90),
    Sort("Smoothie", "ml", (*_SMALL, *_GLASS), "fruit", "berry", "flavour", 110),
    Sort("Soup", "g", _TIN, "savoury", "bowl", "#d9d9d6", 58),
    Sort("Beans", "g", _TIN, "savoury", "bean", "#d9d9d6", 36),
    Sort("Peeled Fruit", "g", _TIN, "fruit", "peach", "#d9d9d6", 52),
    Sort("Fish Fillets", "g", _FLAT_TIN, "savoury", "fish", "#d9d9d6", 155),
    Sort("Tomato Sauce", "g", (*_BIG_JAR, *_JAR), "savoury", "tomato", "#b02a17", 62),
    Sort("Pickles", "g", _BIG_JAR, "savoury", "leaf", "#8a9a3b", 72),
    Sort("Fruit Spread", "g", _JAR, "fruit", "berry", "flavour", 95),
    Sort("Nut Butter", "g", _JAR, "sweet", "nut", "#8f5a2a", 140),
    Sort("Spice Mix", "g", _SPICE, "savoury", "leaf", "flavour", 560),
    Sort("Cocoa Powder", "g", _CANISTER, "plain", "bean", "#5b331b", 170),
    Sort("Instant Coffee", "g", _COFFEE_JAR, "plain", "bean", "#3a2114", 420),
    Sort("Ground Coffee", "g", _COFFEE, "plain", "bean", "#3a2114", 150),
    Sort("Potato Chips", "g", _BAG, "savoury", "slice", "#e8b84a", 210),
    Sort("Tortilla Chips", "g", _BAG, "savoury", "triangle", "#e0a030", 190),
    Sort("Rice Crackers", "g", (*_BAG, *_POUCH), "savoury", "slice", "#e9d3a5", 230),
    Sort("Popcorn", "g", _BAG, "sweet", "bubbles", "#f2e3b5", 180),
    Sort("Fruit Gums", "g", _SWEETS, "fruit", "berry", "flavour", 160),
    Sort("Trail Mix", "g", _POUCH, "sweet", "nut", "#8f5a2a", 220),
    Sort("Pasta", "g", _PASTA, "plain", "spiral", "#e8c56a", 42),
    Sort("Rice", "g", (*_SACK, *_POUCH), "plain", "grain", "#f3efe2", 36),
    Sort("Flour", "g", _SACK, "plain", "ear", "#f5efe0", 12),
    Sort("Sugar", "g", _SACK, "plain", "crystal", "#ffffff", 17),
    Sort("Muesli", "g", (*_BOX, *_POUCH), "sweet", "ear", "#c99a55", 70),
    Sort("Corn Flakes", "g", _BOX, "sweet", "bowl", "#e3a53c", 62),
    Sort("Biscuits", "g", _BISCUIT, "sweet", "cookie", "#c98b4a", 110),
    Sort("Crackers", "g", _BISCUIT, "savoury", "square", "#dcb36a", 130),
    Sort("Tea", "g", _TEA, "fruit", "leaf", "#7a4a20", 480),
    Sort("Instant Noodles", "g", (*_DRY_CUP, *_WET), "savoury", "bowl", "#f0dca0", 180),
    Sort("Soup Cup", "g", _DRY_CUP, "savoury", "bowl", "#f0dca0", 290),
    Sort("Chocolate", "g", _SLAB, "sweet", "square", "#4d2a18", 135),
    Sort("Crunch Bar", "g", _BAR, "sweet", "nut", "#6b3d1f", 330),
    Sort("Protein Bar", "g", _BAR, "sweet", "bolt", "#6b3d1f", 480),
    Sort("Chewing Gum", "g", _GUM, "fruit", "leaf", "#ffffff", 450),
    Sort("Mints", "g", _MINTS, "fruit", "crystal", "#ffffff", 520),
    Sort("Fruit Puree", "g", _WET, "fruit", "berry", "flavour", 120),
    Sort("Pet Snack", "g", (*_WET, *_POUCH), "savoury", "paw", "#a86b3c", 150),
    Sort("Ketchup", "g", _SQUEEZE, "savoury", "tomato", "#b81d14", 55),
    Sort("Salad Dressing", "ml", (*_SQUEEZE, *_GLASS), "savoury", "leaf", "#eadfae", 88),
    Sort("Cooking Oil", "ml", _OIL, "plain", "drop", "#c9b22e", 105),
    Sort("Vinegar", "ml", (*_OIL, *_GLASS), "fruit", "drop", "#8c3b23", 48),
    Sort("Lip Balm", "g", _STICK, "fruit", "heart", "#ffffff", 3900),
    Sort("Toothpaste", "ml", _TUBE, "plain", "star", "#ffffff", 310),
    Sort("Hand Cream", "ml", _SMALL_TUBE, "sweet", "flower", "#ffffff", 520),
    Sort("Shampoo", "ml", _FLASK, "fruit", "drop", "flavour", 110),
    Sort("Dish Soap", "ml", _FLASK, "fruit", "bubbles", "flavour", 38),
    Sort("Washing Liquid", "ml", _CANNED_CARE, "plain", "bubbles", "flavour", 42),
    Sort("Soap Bar", "g", _SOAP, "sweet", "flower", "#ffffff", 150),
    Sort("Tissues", "pcs", _TISSUES, "plain", "flower", "#ffffff", 210),
    Sort("Plasters", "pcs", _MEDIC, "plain", "cross", "#ffffff", 1300),
    Sort("Batteries", "pcs", _BLISTER, "plain", "bolt", "#c9a227", 9900),
    Sort("Toothbrush", "pcs", _BLISTER, "plain", "star", "#5fb0e0", 9900),
)

SORT_OF_NOUN = {sort.noun: sort for sort in SORTS}

ROUND = frozenset({"can", "tin", "canister", "jar", "bottle", "pet", "sleeve", "cup", "stick"})
_SLENDER = {
    "can": (1.2, 3.2), "tin": (0.3, 1.9), "canister": (0.9, 3.0), "jar": (0.8, 2.4),
    "bottle": (2.4, 5.5), "pet": (2.2, 5.0), "sleeve": (1.5, 3.5), "cup": (0.6, 1.8),
    "stick": (2.5, 6.5), "flask": (1.5, 4.5), "tube": (1.8, 6.0), "pouch": (0.9, 3.5),
    "bag": (0.9, 3.5), "gable": (1.4, 4.5), "brick": (1.2, 4.5), "packet": (1.0, 3.2),
    "bar": (0.05, 0.45), "blister": (1.2, 8.0), "box": (0.0, 1e9),
}  # fmt: skip
"""Height over the mean of width and depth between which a shape looks right."""
_FLATTEST = {"pouch": 0.75, "bag": 0.8, "blister": 0.5, "bar": 0.75}
"""Largest depth over width."""


def fits(shape: str, size_m: tuple[float, float, float]) -> bool:
    """True when a package of this size may have this shape."""
    width, depth, height = size_m
    low, high = _SLENDER[shape]
    if not low <= 2 * height / (width + depth) <= high:
        return False
    if shape in ROUND and not 0.8 <= depth / width <= 1.25:
        return False
    return depth / width <= _FLATTEST.get(shape, 1e9)
