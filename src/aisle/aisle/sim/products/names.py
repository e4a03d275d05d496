"""What a product's name says: brand, flavour, sort and contents; and names for new brands."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import Random

from aisle.sim.products.sorts import FLAVOURS, SORT_OF_NOUN
from aisle.store.invented import KINDS

_STARTS = (
    "B Br D Dr F Fl G Gr K Kl L M N P Pl Qu R S Sk Sn T Tr V W Z".split()  # noqa: SIM905
)
_VOWELS = "a e i o u a e i o oo ai eo ua".split()  # noqa: SIM905
_MIDDLES = "b d g k l lb lm m n nd nt p r rd rv s sk t v z".split()  # noqa: SIM905
_ENDS = ("", "", "", "r", "s", "l", "lo", "ta", "mi", "no", "va")
_AMOUNT = re.compile(r"\s(\d+(?:[.,]\d+)?)\s?(g|kg|ml|l|pcs)$", re.IGNORECASE)
_FLAVOUR_WORDS = sorted(
    {flavour for kind in KINDS for flavour in kind.flavours}
    | {flavour for flavours in FLAVOURS.values() for flavour in flavours},
    key=len,
    reverse=True,
)
_NOUNS = sorted(SORT_OF_NOUN, key=len, reverse=True)


@dataclass(frozen=True)
class Label:
    """A product's name in parts; parts that the name does not have are empty."""

    brand: str
    flavour: str
    noun: str
    """A key of `SORT_OF_NOUN` where it is known, else all that is left of the name."""
    net: str
    """For example `330 ml`."""

    @property
    def line(self) -> tuple[str, str]:
        """What products of one line share."""
        return self.brand, self.noun


def read_label(name: str) -> Label:
    """Takes a name such as `Lumbro Cherry Cola 330 ml` apart; any text gives a label."""
    text = " ".join(name.split())
    net = ""
    if found := _AMOUNT.search(text):
        net = f"{found[1]} {found[2]}"
        text = text[: found.start()]
    noun = next((noun for noun in _NOUNS if text == noun or text.endswith(f" {noun}")), "")
    if not noun:
        return Label("", "", text, net)
    rest = text.removesuffix(noun).strip()
    flavours: list[str] = []
    while rest:
        flavour = next((f for f in _FLAVOUR_WORDS if rest == f or rest.endswith(f" {f}")), "")
        if not flavour:
            break
        flavours.insert(0, flavour)
        rest = rest.removesuffix(flavour).strip()
    return Label(rest, " ".join(flavours), noun, net)


def brand_name(rng: Random) -> str:
    """A pronounceable name of five to eight letters that means nothing."""
    while True:
        name = rng.choice(_STARTS) + rng.choice(_VOWELS) + rng.choice(_MIDDLES)
        name += rng.choice(_VOWELS[:9]) + rng.choice(_ENDS)
        if 5 <= len(name) <= 8:
            return name
