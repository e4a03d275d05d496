"""Words on labels: text fitted into boxes, small print, bar codes."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from random import Random

from PIL import Image, ImageDraw, ImageFont

from aisle.sim.products.colours import INK, Colour
from aisle.store.gtin import is_gtin

Box = tuple[float, float, float, float]
"""Left, upper, right, lower, in pixels."""

FONTS = (
    "DejaVuSans-Bold", "DejaVuSerif-Bold", "DejaVuSans-BoldOblique", "DejaVuSansMono-Bold",
    "STIXGeneralBol", "STIXGeneralBolIta", "DejaVuSerif-BoldItalic",
)  # fmt: skip
"""Fonts that matplotlib ships (DejaVu and STIX, both free to use and to pass on)."""
PLAIN_FONT = "DejaVuSans-Bold"
_REFERENCE = 100
_TURNED = 1.9
"""A box so much higher than wide has its text turned by a quarter."""


@lru_cache(maxsize=1)
def _folder() -> Path:
    import matplotlib  # only for the place of its fonts

    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@lru_cache(maxsize=512)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    layout = ImageFont.Layout.BASIC
    return ImageFont.truetype(_folder() / f"{name}.ttf", size, layout_engine=layout)


@lru_cache(maxsize=4096)
def _extent(name: str, text: str) -> tuple[float, float]:
    left, upper, right, lower = _font(name, _REFERENCE).getbbox(text)
    return max(right - left, 1.0), max(lower - upper, 1.0)


def fit_text(
    image: Image.Image, box: Box, text: str, font: str, colour: Colour, edge: Colour | None = None
) -> None:
    """Draws one line as large as the box allows, in its middle; a slim box turns it.

    Args:
        image: RGB, drawn on.
        box: Where; text under 4 pixels of height is left out.
        text: Empty text draws nothing.
        font: One of `FONTS`.
        colour: Of the letters.
        edge: Colour of an outline, if there is one.
    """
    width, height = box[2] - box[0], box[3] - box[1]
    if not text or width < 4 or height < 4:
        return
    across, high = _extent(font, text)
    turned = height > _TURNED * width and across > 1.5 * high
    room = (height, width) if turned else (width, height)
    size = int(_REFERENCE * min(room[0] / across, room[1] / high))
    if size < 4:
        return
    stroke = 0 if edge is None else max(1, size // 18)
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    if not turned:
        draw = ImageDraw.Draw(image)
        _line(draw, (x, y), text, _font(font, size), colour, edge, stroke)
        return
    patch = image.crop((int(box[0]), int(box[1]), int(box[2]), int(box[3])))
    patch = patch.transpose(Image.Transpose.ROTATE_270)
    middle = (patch.width / 2, patch.height / 2)
    _line(ImageDraw.Draw(patch), middle, text, _font(font, size), colour, edge, stroke)
    image.paste(patch.transpose(Image.Transpose.ROTATE_90), (int(box[0]), int(box[1])))


def _line(
    draw: ImageDraw.ImageDraw,
    middle: tuple[float, float],
    text: str,
    font: ImageFont.FreeTypeFont,
    colour: Colour,
    edge: Colour | None,
    stroke: int,
) -> None:
    left, upper, right, lower = font.getbbox(text)
    at = middle[0] - (left + right) / 2, middle[1] - (upper + lower) / 2
    draw.text(at, text, font=font, fill=colour, stroke_width=stroke, stroke_fill=edge)


def small_print(draw: ImageDraw.ImageDraw, box: Box, colour: Colour, rng: Random) -> None:
    """Lines of words too small to read."""
    step = max(5.0, (box[3] - box[1]) / 14)
    y = box[1]
    while y + 0.5 * step <= box[3]:
        x, end = box[0], box[2] - rng.random() * 0.25 * (box[2] - box[0])
        while x < end:
            word = rng.uniform(1.0, 4.0) * step
            draw.rectangle((x, y, min(x + word, box[2]), y + 0.42 * step), fill=colour)
            x += word + 0.5 * step
        y += step


def fact_table(draw: ImageDraw.ImageDraw, box: Box, rng: Random) -> None:
    """A framed table of facts on white."""
    draw.rectangle(box, fill=(250, 250, 248), outline=INK, width=2)
    if box[2] - box[0] < 16:
        return
    rows = max(3, min(9, int((box[3] - box[1]) / 10)))
    step = (box[3] - box[1]) / rows
    for i in range(rows):
        y = box[1] + i * step
        if i:
            draw.line((box[0], y, box[2], y), fill=(120, 120, 120), width=1)
        width = box[2] - box[0]
        long = rng.uniform(0.3, 0.55) * width
        upper, lower = y + 0.3 * step, y + 0.7 * step
        draw.rectangle((box[0] + 4, upper, box[0] + 4 + long, lower), fill=INK)
        draw.rectangle((box[2] - 0.2 * width, upper, box[2] - 0.05 * width, lower), fill=INK)


_LEFT = "0001101 0011001 0010011 0111101 0100011 0110001 0101111 0111011 0110111 0001011".split()  # noqa: SIM905
_PARITY = "LLLLLL LLGLGG LLGGLG LLGGGL LGLLGG LGGLLG LGGGLL LGLGLG LGLGGL LGGLGL".split()  # noqa: SIM905


def bar_modules(number: str) -> str:
    """The 95 modules of an EAN-13 symbol, `1` for a bar (GS1 General Specifications, 5.2).

    Raises:
        ValueError: Not a GTIN-13.
    """
    if len(number) != 13 or not is_gtin(number):
        raise ValueError(f"{number} is no GTIN-13")
    first, left, right = int(number[0]), number[1:7], number[7:]
    swap = str.maketrans("01", "10")
    bars = "101"
    for digit, parity in zip(left, _PARITY[first], strict=True):
        code = _LEFT[int(digit)]
        bars += code if parity == "L" else code.translate(swap)[::-1]
    return bars + "01010" + "".join(_LEFT[int(d)].translate(swap) for d in right) + "101"


def bar_code(draw: ImageDraw.ImageDraw, box: Box, number: str) -> None:
    """An EAN-13 symbol on white; anything but a GTIN-13 draws nothing."""
    if len(number) != 13 or not is_gtin(number):
        return
    draw.rectangle(box, fill=(255, 255, 255))
    margin = 0.06 * (box[2] - box[0])
    x0, wide = box[0] + margin, (box[2] - box[0] - 2 * margin) / 95
    high = box[3] - box[1]
    for i, module in enumerate(bar_modules(number)):
        if module == "1":
            x = x0 + i * wide
            bar = (x, box[1] + 0.1 * high, x + max(wide - 1, 0), box[3] - 0.15 * high)
            draw.rectangle(bar, fill=(0, 0, 0))
