"""Colours of labels, and what a flavour looks like."""

from __future__ import annotations

import colorsys
from random import Random

Colour = tuple[int, int, int]
WHITE: Colour = (252, 252, 250)
INK: Colour = (26, 24, 28)


def rgb(text: str) -> Colour:
    """`#rrggbb` as numbers."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """A colour from hue (in turns), saturation and value, 0..1."""
    r, g, b = colorsys.hsv_to_rgb(hue % 1.0, saturation, value)
    return round(255 * r), round(255 * g), round(255 * b)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """`share` of the other colour in one."""
    r, g, b = (round(a + (c - a) * share) for a, c in zip(one, other, strict=True))
    return r, g, b


def light(colour: Colour, share: float = 0.5) -> Colour:
    """Towards white."""
    return mix(colour, (255, 255, 255), share)


def dark(colour: Colour, share: float = 0.5) -> Colour:
    """Towards black."""
    return mix(colour, (0, 0, 0), share)


def luminance(colour: Colour) -> float:
    """How bright it seems, 0..1 (weights of ITU-R BT.601)."""
    return (0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]) / 255


def readable(wish: Colour, ground: Colour) -> Colour:
    """The wished colour where it can be read on the ground, otherwise white or ink."""
    if abs(luminance(wish) - luminance(ground)) > 0.33:
        return wish
    return INK if luminance(ground) > 0.55 else WHITE


FLAVOUR_LOOKS: dict[str, tuple[Colour, str]] = {
    name: (rgb(colour), motif)
    for name, colour, motif in (
        ("Apple", "#7dbb2b", "round"), ("Berry", "#8a1f6b", "berry"),
        ("Cherry", "#b3122e", "cherry"), ("Lemon", "#f4d21f", "citrus"),
        ("Mango", "#f79a1c", "round"), ("Orange", "#f2761a", "citrus"),
        ("Peach", "#f5a37c", "round"), ("Pear", "#b9c83c", "pear"), ("Plum", "#5d2a72", "round"),
        ("Grape", "#6a3fa0", "grapes"), ("Lime", "#6cc02e", "citrus"),
        ("Papaya", "#f0653f", "pear"), ("Kiwi", "#8a9c28", "kiwi"),
        ("Apricot", "#f4a93b", "round"), ("Raspberry", "#d81e5b", "berry"),
        ("Blueberry", "#3a4fa8", "berry"), ("Mint", "#2fb59a", "leaf"),
        ("Cool Mint", "#3aa7d8", "leaf"), ("Sea Salt", "#3f86c6", "crystal"),
        ("Paprika", "#d23a1e", "chili"), ("Garden Herb", "#4d9a3a", "leaf"),
        ("Chili Lime", "#a9bf1f", "chili"), ("Smoky", "#6b3a2a", "flame"),
        ("Onion", "#b98ac0", "rings"), ("Pepper", "#3a3a3e", "dots"),
        ("Rosemary", "#5f8f6d", "sprig"), ("Tomato", "#d9301f", "tomato"),
        ("Garlic", "#d8cfae", "drop"), ("Mustard", "#d9a514", "flower"),
        ("Curry", "#e0a21b", "flame"), ("Oat", "#d9b87a", "ear"), ("Honey", "#eba91c", "comb"),
        ("Cocoa", "#5a3018", "square"), ("Almond", "#c58a55", "nut"),
        ("Hazelnut", "#8d5524", "nut"), ("Coconut", "#5fb7b0", "coconut"),
        ("Vanilla", "#efdc9a", "flower"), ("Caramel", "#c9761d", "drop"),
        ("Peanut", "#d9a441", "nut"), ("Cinnamon", "#9a4a22", "spiral"),
        ("Date", "#7a3f2d", "nut"), ("Maple", "#d2562a", "maple"), ("Sesame", "#cdb98a", "grain"),
        ("Raisin", "#583050", "grapes"), ("Classic", "#b01f2a", ""), ("Soft", "#e59ac0", ""),
        ("Extra", "#20242e", ""), ("Mild", "#9cc7e8", ""), ("Fresh", "#25b0c4", ""),
        ("Gentle", "#c3a6dc", ""), ("Pure", "#e8ecef", ""), ("Daily", "#2c62b8", ""),
        ("Light", "#8fd0c0", ""), ("Strong", "#8c1420", ""), ("Fine", "#c7a54b", ""),
        ("Country", "#3d7f46", ""),
    )
}  # fmt: skip
"""Colour and picture by flavour; no picture where the word means nothing that one can see."""


def flavour_look(flavour: str) -> tuple[Colour, str]:
    """Colour and motif of a flavour; of two flavours, the first one's. Any text has a colour."""
    if flavour in FLAVOUR_LOOKS:
        return FLAVOUR_LOOKS[flavour]
    for name in sorted(FLAVOUR_LOOKS, key=len, reverse=True):
        if flavour.startswith(f"{name} "):
            return FLAVOUR_LOOKS[name]
    rng = Random(f"flavour {flavour}")
    return hsv(rng.random(), rng.uniform(0.5, 0.9), rng.uniform(0.5, 0.9)), ""
