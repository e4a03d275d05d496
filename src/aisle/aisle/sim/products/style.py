"""How a line of products is designed: drawn from its brand and its sort, the same for ever."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from aisle.sim.products.colours import (
    INK,
    WHITE,
    Colour,
    dark,
    flavour_look,
    hsv,
    light,
    luminance,
    mix,
    rgb,
)
from aisle.sim.products.letters import FONTS
from aisle.sim.products.names import Label, brand_name
from aisle.sim.products.sorts import SORT_OF_NOUN

GROUNDS = (
    "plain", "fade", "stripes", "slants", "burst", "waves", "dots", "halves", "frame", "checks",
    "arcs", "hills",
)  # fmt: skip
LOCKUPS = ("band", "oval", "plain", "slant", "plaque", "ribbon")
PICTURES = ("single", "trio", "scatter", "disk", "row", "initial")
_METALS = (rgb("#c9a64e"), rgb("#c7ccd1"), rgb("#b87345"))
_OTHER_BRANDS = 4
"""How many house brands share the products of one sort that are sold without a brand."""


@dataclass(frozen=True)
class Style:
    """The design of one product: its line's, with what its flavour changes."""

    brand: str
    words: tuple[str, str]
    """Flavour and sort, in the order in which they are printed; the first may be empty."""
    net: str
    brand_colour: Colour
    second: Colour
    paper: Colour
    """Main colour of the ground."""
    accent: Colour
    """Of the strip behind the flavour."""
    cap: Colour
    """Of caps, lids and rings."""
    picture_colour: Colour
    motif: str
    contents: Colour
    font: str
    text_font: str
    ground: str
    lockup: str
    picture: str
    brand_below: bool
    strip: bool
    """True where the flavour stands on a strip of the accent colour."""
    seed: str
    """Of all small variation within the line."""


def style_of(label: Label, id_: str) -> Style:
    """The design of a product.

    A line's flavours differ in one of three ways: in the main colour, in the colour of strip, cap
    and picture, or in nothing but the word.

    Args:
        label: The product's name in parts.
        id_: Decides the brand where the name has none.
    """
    brand = label.brand or _house_brand(label.noun, id_)
    own = Random(f"brand {brand}")
    rng = Random(f"line {brand} {label.noun}")
    brand_colour, second = _brand_colours(own)
    flavour_colour, flavour_motif = flavour_look(label.flavour or label.noun)
    sort = SORT_OF_NOUN.get(label.noun)
    sort_motif = sort.motif if sort else rng.choice(("star", "flower", "drop", "leaf", "dots"))
    differs = rng.choices(("paper", "accent", "word"), (0.45, 0.4, 0.15))[0]
    tone = rng.choice(("full", "full", "dark", "pastel"))
    paper = _paper(rng, brand_colour)
    accent, motif, picture_colour = flavour_colour, flavour_motif or sort_motif, flavour_colour
    if differs == "paper":
        paper = {"full": flavour_colour, "dark": dark(flavour_colour, 0.45)}.get(
            tone, light(flavour_colour, 0.6)
        )
        accent = dark(flavour_colour, 0.3) if luminance(flavour_colour) > 0.4 else second
    if differs == "word":
        accent, motif, picture_colour = second, sort_motif, second
    contents = flavour_colour
    if sort and sort.contents != "flavour":
        contents = rgb(sort.contents)
    return Style(
        brand=brand,
        words=(label.flavour, label.noun),
        net=label.net,
        brand_colour=brand_colour,
        second=second,
        paper=paper,
        accent=accent,
        cap=accent if rng.random() < 0.65 else brand_colour,
        picture_colour=picture_colour,
        motif=motif,
        contents=contents,
        font=own.choice(FONTS),
        text_font=rng.choice(FONTS),
        ground=rng.choice(GROUNDS),
        lockup=rng.choice(LOCKUPS),
        picture=rng.choice(PICTURES),
        brand_below=rng.random() < 0.22,
        strip=differs == "accent" or rng.random() < 0.35,
        seed=f"{brand} {label.noun}",
    )


def _house_brand(noun: str, id_: str) -> str:
    number = Random(f"house {id_}").randrange(_OTHER_BRANDS)
    return brand_name(Random(f"house {noun} {number}"))


def _brand_colours(rng: Random) -> tuple[Colour, Colour]:
    hue = rng.random()
    main = hsv(hue, rng.uniform(0.6, 0.92), rng.uniform(0.35, 0.85))
    if rng.random() < 0.12:
        main = rng.choice((INK, rgb("#3a2a20"), rgb("#20304a")))
    shift = rng.choice((0.5, 0.42, 0.33, 0.08, -0.1))
    second = hsv(hue + shift, rng.uniform(0.4, 0.82), rng.uniform(0.7, 0.97))
    if rng.random() < 0.3:
        second = rng.choice((*_METALS, WHITE))
    return main, second


def _paper(rng: Random, brand_colour: Colour) -> Colour:
    """The ground of a line whose flavours do not decide it."""
    kraft = rgb("#c9a877")
    choices = (
        WHITE, rgb("#f6eedb"), kraft, light(brand_colour, 0.72), brand_colour,
        dark(brand_colour, 0.5), mix(brand_colour, (128, 128, 128), 0.45), INK,
    )  # fmt: skip
    return rng.choices(choices, (5, 3, 2, 3, 5, 2, 1, 1.5))[0]
