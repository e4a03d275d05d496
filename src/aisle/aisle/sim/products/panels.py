"""The printed faces of a package: front, back, sides."""

from __future__ import annotations

from random import Random

from PIL import Image, ImageDraw

from aisle.sim.products.colours import INK, WHITE, Colour, light, luminance, mix, readable
from aisle.sim.products.grounds import ground
from aisle.sim.products.letters import (
    PLAIN_FONT,
    Box,
    bar_code,
    fact_table,
    fit_text,
    small_print,
)
from aisle.sim.products.motifs import draw_motif
from aisle.sim.products.style import Style

_WIDE = 1.35
"""A face so much wider than high has its picture beside its words."""
_SLIVER = 16
"""Faces with fewer pixels across bear no print."""


def inner(box: Box, x0: float, y0: float, x1: float, y1: float) -> Box:
    """The part of a box between these shares of its width and height."""
    width, height = box[2] - box[0], box[3] - box[1]
    return box[0] + x0 * width, box[1] + y0 * height, box[0] + x1 * width, box[1] + y1 * height


def wrap_panel(
    style: Style, id_: str, faces: tuple[float, float], printed: Box, size: tuple[int, int]
) -> Image.Image:
    """The label all around.

    Args:
        style: The product's design.
        id_: For the bar code.
        faces: Shares of front (and back) and right (and left).
        printed: Shares of the front's size between which it is printed on.
        size: Width and height in pixels, of which the width may be rounded to an even number.
    """
    width, height = size
    front, side = faces
    half = ground(style, round((front + side) * width), height)
    bare = half.copy()
    draw_front(half, style, inner((0.0, 0.0, front * width, height), *printed))
    image = Image.new("RGB", (2 * half.width, height))
    image.paste(half, (0, 0))
    rng = Random(f"print {style.seed}")
    if side < 0.01:
        image.paste(bare, (half.width, 0))
        _draw_back(image, style, id_, (half.width, 0.0, 2.0 * half.width, height), rng)
        return image
    image.paste(half, (half.width, 0))
    for start, number in ((0, id_), (half.width, "")):
        face = (start + front * width, 0.0, float(start + half.width), float(height))
        _draw_side(image, style, number, face, rng)
    return image


def draw_front(image: Image.Image, style: Style, face: Box) -> None:
    """Brand, picture, flavour, sort and contents on one face; nothing on a sliver."""
    width, height = face[2] - face[0], face[3] - face[1]
    if min(width, height) < _SLIVER:
        return
    if width > _WIDE * height:
        brand, picture = inner(face, 0.03, 0.07, 0.6, 0.45), inner(face, 0.63, 0.08, 0.97, 0.92)
        words = inner(face, 0.03, 0.5, 0.6, 0.92)
    elif style.brand_below:
        brand, picture = inner(face, 0.0, 0.66, 1.0, 0.9), inner(face, 0.08, 0.3, 0.92, 0.66)
        words = inner(face, 0.05, 0.05, 0.95, 0.28)
    else:
        brand, picture = inner(face, 0.0, 0.07, 1.0, 0.31), inner(face, 0.08, 0.33, 0.92, 0.67)
        words = inner(face, 0.05, 0.69, 0.95, 0.92)
    draw_picture(image, style, picture)
    draw_brand(image, style, brand)
    draw_words(image, style, words)
    net = inner(face, 0.62, 0.93, 0.97, 0.985)
    fit_text(image, net, style.net, PLAIN_FONT, readable(INK, local_colour(image, net)))


def local_colour(image: Image.Image, box: Box) -> Colour:
    """The mean colour under a box."""
    x0, y0 = max(0, int(box[0])), max(0, int(box[1]))
    x1, y1 = min(image.width, max(x0 + 1, int(box[2]))), min(image.height, max(y0 + 1, int(box[3])))
    pixel = image.resize((1, 1), Image.Resampling.BOX, (x0, y0, x1, y1), reducing_gap=1.0).getpixel(
        (0, 0)
    )
    assert isinstance(pixel, tuple)
    return int(pixel[0]), int(pixel[1]), int(pixel[2])


def draw_brand(image: Image.Image, style: Style, box: Box) -> None:
    """The brand's name in its lockup."""
    draw = ImageDraw.Draw(image)
    colour, on = style.brand_colour, readable(style.second, style.brand_colour)
    text = inner(box, 0.1, 0.2, 0.9, 0.8)
    if style.lockup == "plain":
        under = local_colour(image, text)
        edge = INK if luminance(under) > 0.4 else WHITE
        letters = readable(colour, under)
        fit_text(image, inner(box, 0.05, 0.08, 0.95, 0.92), style.brand, style.font, letters,
                 None if letters == edge else mix(under, letters, 0.15))  # fmt: skip
        return
    if style.lockup == "band":
        draw.rectangle(box, fill=colour)
    elif style.lockup == "oval":
        draw.ellipse(inner(box, 0.02, -0.08, 0.98, 1.08), fill=style.second)
        draw.ellipse(inner(box, 0.05, -0.02, 0.95, 1.02), fill=colour)
        text = inner(box, 0.16, 0.24, 0.84, 0.76)
    elif style.lockup == "slant":
        x0, y0, x1, y1 = inner(box, 0.0, 0.0, 1.0, 1.0)
        lean = 0.18 * (y1 - y0)
        draw.polygon(
            [(x0, y0 + lean), (x1, y0 - lean), (x1, y1 - lean), (x0, y1 + lean)], fill=colour
        )
    elif style.lockup == "plaque":
        outer = inner(box, 0.04, 0.0, 0.96, 1.0)
        draw.rounded_rectangle(
            outer, 0.2 * (box[3] - box[1]), fill=colour, outline=style.second, width=4
        )
    else:
        x0, y0, x1, y1 = inner(box, 0.02, 0.08, 0.98, 0.92)
        notch = 0.3 * (y1 - y0)
        middle = (y0 + y1) / 2
        points = [
            (x0, y0),
            (x1, y0),
            (x1 - notch, middle),
            (x1, y1),
            (x0, y1),
            (x0 + notch, middle),
        ]
        draw.polygon(points, fill=colour)
        text = inner(box, 0.14, 0.24, 0.86, 0.76)
    fit_text(image, text, style.brand, style.font, on)


def draw_words(image: Image.Image, style: Style, box: Box) -> None:
    """Flavour and sort, on a strip where the style has one."""
    flavour, noun = style.words
    upper, lower = inner(box, 0.0, 0.0, 1.0, 0.56), inner(box, 0.06, 0.62, 0.94, 1.0)
    if not flavour:
        upper, lower, flavour, noun = box, box, noun, ""
    if style.strip:
        draw = ImageDraw.Draw(image)
        draw.rectangle(inner(upper, -0.02, -0.04, 1.02, 1.04), fill=style.accent)
        ink = readable(WHITE, style.accent)
        fit_text(image, inner(upper, 0.05, 0.14, 0.95, 0.86), flavour, style.text_font, ink)
    else:
        _outlined(
            image, upper, flavour, style, readable(style.brand_colour, local_colour(image, upper))
        )
    _outlined(image, lower, noun, style, readable(INK, local_colour(image, lower)))


def _outlined(image: Image.Image, box: Box, text: str, style: Style, colour: Colour) -> None:
    under = local_colour(image, box)
    fit_text(image, box, text, style.text_font, colour, mix(under, colour, 0.08))


def draw_picture(image: Image.Image, style: Style, box: Box) -> None:
    """What the style shows of its flavour."""
    draw = ImageDraw.Draw(image)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    width, height = box[2] - box[0], box[3] - box[1]
    r, colour, motif = min(width, height) / 2, style.picture_colour, style.motif
    rng = Random(f"picture {style.seed}")
    if style.picture in ("disk", "initial") or _lost(image, box, colour):
        rim = light(colour, 0.55) if luminance(style.paper) < 0.6 else mix(WHITE, colour, 0.2)
        draw.ellipse((x - 1.02 * r, y - 1.02 * r, x + 1.02 * r, y + 1.02 * r), fill=style.second)
        draw.ellipse((x - 0.95 * r, y - 0.95 * r, x + 0.95 * r, y + 0.95 * r), fill=rim)
    if style.picture == "initial":
        fit_text(image, inner((x - r, y - r, x + r, y + r), 0.25, 0.2, 0.75, 0.8), style.brand[:1],
                 style.font, readable(style.brand_colour, rim))  # fmt: skip
        draw_motif(draw, motif, x + 0.62 * r, y + 0.6 * r, 0.36 * r, colour)
    elif style.picture == "trio":
        for dx, dy, size in ((-0.55, 0.2, 0.55), (0.55, 0.25, 0.55), (0.0, -0.25, 0.68)):
            draw_motif(draw, motif, x + dx * r, y + dy * r, size * r, colour)
    elif style.picture == "row":
        count = max(1, min(5, round(width / (0.9 * r))))
        for i in range(count):
            draw_motif(
                draw,
                motif,
                box[0] + (i + 0.5) * width / count,
                y,
                min(0.46 * width / count, 0.7 * r),
                colour,
            )
    elif style.picture == "scatter":
        for i in range(9):
            px, py = (
                box[0] + rng.uniform(0.1, 0.9) * width,
                box[1] + rng.uniform(0.15, 0.85) * height,
            )
            draw_motif(draw, motif, px, py, (0.22 + 0.03 * i) * r, colour)
    else:
        draw_motif(draw, motif, x, y, (0.72 if style.picture == "disk" else 0.95) * r, colour)


def _lost(image: Image.Image, box: Box, colour: Colour) -> bool:
    """True when a picture of this colour could hardly be seen on what lies there."""
    under = local_colour(image, box)
    return sum(abs(a - b) for a, b in zip(under, colour, strict=True)) < 130


def _draw_side(image: Image.Image, style: Style, id_: str, face: Box, rng: Random) -> None:
    if min(face[2] - face[0], face[3] - face[1]) < _SLIVER:
        return
    draw = ImageDraw.Draw(image)
    draw_brand(image, style, inner(face, 0.05, 0.08, 0.95, 0.24))
    if id_:
        small_print(draw, inner(face, 0.1, 0.32, 0.9, 0.66), _print_colour(style), rng)
        bar_code(draw, inner(face, 0.1, 0.72, 0.9, 0.94), id_)
    else:
        fact_table(draw, inner(face, 0.1, 0.34, 0.9, 0.74), rng)
        small_print(draw, inner(face, 0.1, 0.8, 0.9, 0.94), _print_colour(style), rng)


def _draw_back(image: Image.Image, style: Style, id_: str, face: Box, rng: Random) -> None:
    draw = ImageDraw.Draw(image)
    draw_brand(image, style, inner(face, 0.1, 0.1, 0.9, 0.26))
    draw_words(image, style, inner(face, 0.15, 0.3, 0.85, 0.46))
    fact_table(draw, inner(face, 0.1, 0.52, 0.48, 0.9), rng)
    small_print(draw, inner(face, 0.53, 0.52, 0.9, 0.72), _print_colour(style), rng)
    bar_code(draw, inner(face, 0.55, 0.76, 0.9, 0.9), id_)


def base_panel(style: Style, id_: str, size: tuple[int, int]) -> Image.Image:
    """What is printed underneath."""
    image = Image.new("RGB", size, mix(style.paper, WHITE, 0.3))
    face = (0.0, 0.0, float(size[0]), float(size[1]))
    rng = Random(f"base {style.seed}")
    small_print(
        ImageDraw.Draw(image), inner(face, 0.08, 0.12, 0.55, 0.88), _print_colour(style), rng
    )
    bar_code(ImageDraw.Draw(image), inner(face, 0.6, 0.25, 0.95, 0.75), id_)
    return image


def _print_colour(style: Style) -> Colour:
    return mix(style.paper, readable(INK, style.paper), 0.7)
