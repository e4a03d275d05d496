"""One sheet with the pictures of all products of a store."""

from __future__ import annotations

import math
from pathlib import Path

from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont, ImageOps

from aisle.store.images import ImageError, read_image
from aisle.store.types import Product, Store

THUMB_PX = 64
_COLUMNS = 6
_ACROSS = 4
_MARGIN = 8
_TEXT_PX = 13
_LINES = 2
_WHITE = (255, 255, 255)
_WRONG = "#d02020"


def draw_sheet(store: Store, out: Path) -> None:
    """Draws all products with their pictures to a PNG file: thumbnails, name and id.

    What cannot be read is crossed out; a product without pictures has an empty frame.

    Raises:
        OSError: The file cannot be written.
    """
    products = list(store.products.values())
    most = max([1, *(len(product.images) for product in products)])
    across = min(most, _ACROSS)
    cell = across * THUMB_PX, math.ceil(most / across) * THUMB_PX + (_LINES + 1) * _TEXT_PX
    rows = math.ceil(len(products) / _COLUMNS)
    size = _COLUMNS * (cell[0] + _MARGIN) + _MARGIN, rows * (cell[1] + _MARGIN) + _MARGIN
    sheet = Image.new("RGB", size, _WHITE)
    for i, product in enumerate(products):
        left = _MARGIN + i % _COLUMNS * (cell[0] + _MARGIN)
        top = _MARGIN + i // _COLUMNS * (cell[1] + _MARGIN)
        _draw_product(sheet, product, (left, top), across)
    sheet.save(out, format="PNG")


def _draw_product(sheet: Image.Image, product: Product, at: tuple[int, int], across: int) -> None:
    draw = ImageDraw.Draw(sheet)
    left, top = at
    for i, path in enumerate(product.images):
        x, y = left + i % across * THUMB_PX, top + i // across * THUMB_PX
        try:
            thumb = ImageOps.pad(
                Image.fromarray(read_image(path)), (THUMB_PX, THUMB_PX), color=_WHITE
            )
        except ImageError:
            draw.line((x, y, x + THUMB_PX, y + THUMB_PX), fill=_WRONG, width=2)
            draw.line((x, y + THUMB_PX, x + THUMB_PX, y), fill=_WRONG, width=2)
        else:
            sheet.paste(thumb, (x, y))
    rows = math.ceil(max(1, len(product.images)) / across)
    if not product.images:
        draw.rectangle((left, top, left + THUMB_PX - 1, top + THUMB_PX - 1), outline=_WRONG)
    font = ImageFont.truetype(findfont("DejaVu Sans"), _TEXT_PX - 3)
    text = "\n".join([*_wrapped(product.name, font, across * THUMB_PX), product.id])
    draw.multiline_text((left, top + rows * THUMB_PX), text, fill="#202020", font=font, spacing=1)


def _wrapped(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """At most two lines that fit; what does not fit is cut off."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    kept = lines[:_LINES]
    while font.getlength(kept[-1]) > width:
        kept[-1] = kept[-1][:-1]
    return kept
