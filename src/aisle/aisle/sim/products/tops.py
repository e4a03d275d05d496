"""What an overhead camera sees first: lids, caps, folded tops; and the unprinted parts."""

from __future__ import annotations

from PIL import Image, ImageDraw

from aisle.sim.products.colours import (
    INK,
    WHITE,
    Colour,
    dark,
    light,
    luminance,
    mix,
    readable,
    rgb,
)
from aisle.sim.products.grounds import fade, ground
from aisle.sim.products.letters import fit_text
from aisle.sim.products.motifs import draw_motif
from aisle.sim.products.panels import draw_brand, draw_front, draw_words, inner
from aisle.sim.products.regions import printed_part
from aisle.sim.products.style import Style

_SILVER = rgb("#c4c8cc")
_CAPPED = frozenset({"bottle", "pet", "sleeve", "flask", "canister", "jar", "stick"})


def top_panel(style: Style, shape: str, main: bool, size: tuple[int, int]) -> Image.Image:
    """The picture of the top.

    Args:
        style: The product's design.
        shape: The package.
        main: True where the top is the package's front.
        size: Width and height in pixels; the lower edge lies towards the front.
    """
    face = (0.0, 0.0, float(size[0]), float(size[1]))
    if main:
        image = ground(style, *size)
        draw_front(image, style, inner(face, *printed_part(shape)))
        if shape == "bar":
            _seams(image, style)
        return image
    if shape in ("can", "tin"):
        return _metal_lid(style, shape, size)
    if shape == "cup":
        return _foil_lid(style, size)
    if shape in _CAPPED:
        return _cap_top(style, shape, size)
    if shape == "gable":
        return _roof(style, size)
    if shape == "blister":
        return _window(style, size)
    return _folded(style, shape, size)


def cap_colour(style: Style, shape: str) -> Colour:
    """The side of a cap or a lid, a packet's fold, a gable's fin."""
    if shape == "gable":
        return style.paper
    return style.cap


def cap_panel(style: Style, shape: str, size: tuple[int, int]) -> Image.Image:
    """The side of a cap: its colour, ribbed where a hand turns it."""
    colour = cap_colour(style, shape)
    image = fade(*size, light(colour, 0.12), dark(colour, 0.18))
    if shape in ("bottle", "pet", "jar", "sleeve"):
        draw = ImageDraw.Draw(image)
        for x in range(0, size[0], 6):
            draw.line((x, 0, x, size[1]), fill=dark(colour, 0.3), width=2)
    return image


def body_panel(style: Style, shape: str, size: tuple[int, int]) -> Image.Image:
    """Glass with what is in it, metal, bare plastic or paper."""
    if shape in ("can", "tin"):
        return fade(*size, light(_SILVER, 0.4), dark(_SILVER, 0.25))
    if shape in ("bottle", "pet", "jar"):
        colour = style.contents if shape == "pet" else dark(style.contents, 0.12)
        image = fade(*size, light(colour, 0.22), dark(colour, 0.15))
        draw = ImageDraw.Draw(image)
        for share in (0.18, 0.68):
            x = share * size[0]
            draw.rectangle((x, 0, x + 0.03 * size[0], size[1]), fill=light(colour, 0.5))
        return image
    if shape == "flask":
        return fade(*size, light(style.accent, 0.15), style.accent)
    if shape == "blister":
        return fade(*size, rgb("#eef3f6"), rgb("#c6d2d9"))
    return fade(*size, style.paper, dark(style.paper, 0.15))


def _metal_lid(style: Style, shape: str, size: tuple[int, int]) -> Image.Image:
    """A lid with a ring pull; some brands colour the lid, all the ring."""
    metal = mix(_SILVER, style.brand_colour, 0.75) if style.lockup in ("oval", "slant") else _SILVER
    image = fade(*size, light(metal, 0.35), dark(metal, 0.12))
    draw = ImageDraw.Draw(image)
    face = (0.0, 0.0, float(size[0]), float(size[1]))
    rings = (0.04, 0.09, 0.14) if shape == "can" else (0.05, 0.12, 0.2, 0.28)
    for i, edge in enumerate(rings):
        colour = dark(metal, 0.3) if i % 2 == 0 else light(metal, 0.5)
        draw.ellipse(inner(face, edge, edge, 1 - edge, 1 - edge), outline=colour, width=3)
    tab = style.accent if style.accent != WHITE else style.brand_colour
    if shape == "can":
        draw.ellipse(inner(face, 0.3, 0.52, 0.7, 0.86), outline=dark(metal, 0.45), width=4)
        draw.rounded_rectangle(
            inner(face, 0.4, 0.16, 0.6, 0.58), 18, fill=tab, outline=dark(tab, 0.4), width=3
        )
        draw.ellipse(inner(face, 0.44, 0.2, 0.56, 0.34), fill=dark(metal, 0.2))
        draw.ellipse(inner(face, 0.46, 0.46, 0.54, 0.54), fill=light(metal, 0.4))
    else:
        draw.ellipse(inner(face, 0.36, 0.1, 0.64, 0.4), outline=tab, width=12)
        draw.rounded_rectangle(inner(face, 0.44, 0.06, 0.56, 0.16), 6, fill=tab)
        fit_text(
            image, inner(face, 0.22, 0.56, 0.78, 0.7), style.brand, style.font, dark(metal, 0.55)
        )
    return image


def _foil_lid(style: Style, size: tuple[int, int]) -> Image.Image:
    image = ground(style, *size)
    face = (0.0, 0.0, float(size[0]), float(size[1]))
    draw = ImageDraw.Draw(image)
    draw.ellipse(inner(face, 0.0, 0.0, 1.0, 1.0), outline=rgb("#d3d7da"), width=8)
    draw_motif(
        draw, style.motif, 0.5 * size[0], 0.7 * size[1], 0.22 * size[0], style.picture_colour
    )
    draw_brand(image, style, inner(face, 0.12, 0.16, 0.88, 0.38))
    draw_words(image, style, inner(face, 0.2, 0.4, 0.8, 0.56))
    return image


def _cap_top(style: Style, shape: str, size: tuple[int, int]) -> Image.Image:
    colour = cap_colour(style, shape)
    image = Image.new("RGB", size, colour)
    draw = ImageDraw.Draw(image)
    face = (0.0, 0.0, float(size[0]), float(size[1]))
    draw.ellipse(inner(face, 0.02, 0.02, 0.98, 0.98), outline=dark(colour, 0.3), width=5)
    ink = readable(style.second, colour)
    if shape in ("jar", "canister"):
        draw.ellipse(inner(face, 0.09, 0.09, 0.91, 0.91), outline=ink, width=4)
        fit_text(image, inner(face, 0.16, 0.2, 0.84, 0.42), style.brand, style.font, ink)
        x, y, r = 0.5 * size[0], 0.66 * size[1], 0.2 * size[0]
        if sum(abs(a - b) for a, b in zip(style.picture_colour, colour, strict=True)) < 160:
            ground_colour = (
                light(colour, 0.8) if luminance(style.picture_colour) < 0.6 else dark(colour, 0.6)
            )
            draw.ellipse((x - 1.1 * r, y - 1.1 * r, x + 1.1 * r, y + 1.1 * r), fill=ground_colour)
        draw_motif(draw, style.motif, x, y, r, style.picture_colour)
    else:
        fit_text(image, inner(face, 0.28, 0.25, 0.72, 0.75), style.brand[:1], style.font, ink)
    return image


def _roof(style: Style, size: tuple[int, int]) -> Image.Image:
    """Both slopes of a gable top, front below, each read from its own side."""
    width, half = size[0], size[1] // 2
    slope = ground(style, width, half)
    face = (0.0, 0.0, float(width), float(half))
    draw_brand(slope, style, inner(face, 0.04, 0.08, 0.96, 0.55))
    draw_words(slope, style, inner(face, 0.12, 0.6, 0.88, 0.95))
    image = Image.new("RGB", size)
    image.paste(slope, (0, half))
    image.paste(slope, (0, 0))
    return image


def _window(style: Style, size: tuple[int, int]) -> Image.Image:
    """What is seen through a blister's bubble."""
    image = fade(*size, rgb("#f2f6f8"), rgb("#cfd9df"))
    draw = ImageDraw.Draw(image)
    width, height = size
    count = 2 if style.net.startswith("2 ") else 4
    for i in range(count):
        x, half = (i + 0.5) * width / count, 0.3 * width / count
        if style.words[1] == "Batteries":
            draw.rectangle(
                (x - 0.3 * half, 0.05 * height, x + 0.3 * half, 0.1 * height), fill=_SILVER
            )
            draw.rectangle((x - half, 0.1 * height, x + half, 0.94 * height), fill=INK)
            draw.rectangle((x - half, 0.1 * height, x + half, 0.4 * height), fill=style.contents)
        else:
            stem = 0.4 * half
            draw.rounded_rectangle(
                (x - stem, 0.05 * height, x + stem, 0.95 * height), stem, fill=style.accent
            )
            head = (x - 0.8 * half, 0.06 * height, x + 0.8 * half, 0.26 * height)
            draw.rectangle(head, fill=WHITE, outline=style.accent, width=3)
    draw.line(
        (0.1 * width, 0.03 * height, 0.1 * width, 0.97 * height), fill=(255, 255, 255), width=4
    )
    return image


def _folded(style: Style, shape: str, size: tuple[int, int]) -> Image.Image:
    """The top of a box, a brick, a packet: brand, flavour, and the fold."""
    image = ground(style, *size)
    face = (0.0, 0.0, float(size[0]), float(size[1]))
    draw = ImageDraw.Draw(image)
    if shape == "packet":  # the fold covers the middle
        for upper in (0.02, 0.67):
            draw_brand(image, style, inner(face, 0.1, upper, 0.9, upper + 0.31))
    elif size[0] > 1.6 * size[1]:
        draw_brand(image, style, inner(face, 0.02, 0.12, 0.48, 0.88))
        draw_words(image, style, inner(face, 0.52, 0.12, 0.98, 0.88))
    else:
        draw_brand(image, style, inner(face, 0.04, 0.08, 0.96, 0.4))
        right = 0.54 if shape == "brick" else 0.92  # the cap stands beside the words
        draw_words(image, style, inner(face, 0.08, 0.5, right, 0.88))
    if shape == "box":
        draw.rectangle(face, outline=dark(style.paper, 0.25), width=4)
    elif shape == "brick":
        draw.line(
            (0, 0.46 * size[1], size[0], 0.46 * size[1]), fill=dark(style.paper, 0.3), width=4
        )
    return image


def _seams(image: Image.Image, style: Style) -> None:
    """Crimped ends of a flow pack."""
    draw = ImageDraw.Draw(image)
    end = int(0.06 * image.width)
    for x0 in (0, image.width - end):
        draw.rectangle((x0, 0, x0 + end, image.height), fill=light(style.paper, 0.3))
        for x in range(x0, x0 + end, 6):
            draw.line((x, 0, x, image.height), fill=dark(style.paper, 0.25), width=2)
