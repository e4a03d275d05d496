"""What a product looks like, from its catalogue entry alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from PIL import Image, ImageChops

from aisle.sim.products.names import read_label
from aisle.sim.products.panels import base_panel, wrap_panel
from aisle.sim.products.regions import Size, faces_of, lies, printed_part, regions_of, wrap_height
from aisle.sim.products.shapes import SHAPES, mesh_of
from aisle.sim.products.sorts import SORT_OF_NOUN, fits
from aisle.sim.products.style import Style, style_of
from aisle.sim.products.surface import TEXTURE_SIZE, Region
from aisle.sim.products.tops import body_panel, cap_panel, top_panel
from aisle.sim.scene import Look
from aisle.store.types import Product

_FINE = 2
"""Panels are drawn so many times finer than the texture and then scaled down."""
_FLAT = frozenset({"box", "brick", "gable", "packet", "bag", "blister", "bar"})
"""Shapes whose wrap begins at the front's left edge, not at the middle of the left side."""


def look_of(product: Product) -> Look:
    """Mesh and label of any product of any catalogue; the same entry always looks the same.

    The package follows from the sort in the name (`aisle.sim.products.sorts`) as far as the size
    allows it, the design from brand and sort, the colours from the flavour; the id gives the bar
    code. Looks are kept, so that a second call costs nothing; do not write into them.
    """
    return _look(product.id, product.name, product.size_m)


def shape_of(product: Product) -> str:
    """The package in which a product is drawn, one of `aisle.sim.products.shapes.SHAPES`."""
    return _shape(product.name, product.size_m)


@lru_cache(maxsize=512)
def _look(id_: str, name: str, size_m: Size) -> Look:
    shape = _shape(name, size_m)
    style = style_of(read_label(name), id_)
    texture = np.array(_texture(style, id_, shape, size_m))
    texture.setflags(write=False)
    return Look(mesh_of(shape, size_m), texture)


def _shape(name: str, size_m: Size) -> str:
    label = read_label(name)
    sort = SORT_OF_NOUN.get(label.noun)
    liquid = label.net.endswith(("ml", "l"))
    general = ("bottle", "flask", "brick") if liquid else ("bar", "canister", "pouch")
    usual = sort.shapes if sort else ()
    exact = [
        format_.shape
        for format_ in (sort.formats if sort else ())
        if np.allclose(np.array(format_.size_mm) / 1000, size_m, atol=5e-4)
    ]
    for shape in (*exact, *usual, *general):
        if shape in SHAPES and fits(shape, size_m):
            return shape
    return "box"


def _texture(style: Style, id_: str, shape: str, size_m: Size) -> Image.Image:
    """The whole texture, TEXTURE_SIZE pixels each way."""
    regions = regions_of(shape, size_m)
    main = lies(shape, size_m)
    texture = Image.new("RGB", (TEXTURE_SIZE, TEXTURE_SIZE), style.paper)
    faces = faces_of(shape, size_m)
    around = _way_around(shape, size_m) / wrap_height(shape, size_m)
    wrap = wrap_panel(style, id_, faces, printed_part(shape), _pixels(regions.wrap, around))
    if shape not in _FLAT:
        wrap = ImageChops.offset(wrap, round((0.25 - faces[0] / 2) * wrap.width), 0)
    _place(texture, regions.wrap, wrap)
    proportion = _top_proportion(shape, size_m)
    _place(texture, regions.top, top_panel(style, shape, main, _pixels(regions.top, proportion)))
    base = base_panel(style, id_, _pixels(regions.base, size_m[0] / size_m[1]))
    _place(texture, regions.base, base)
    for region, panel in ((regions.cap, cap_panel), (regions.body, body_panel)):
        _place(texture, region, panel(style, shape, _pixels(region, 2.0)))
    return texture


def _way_around(shape: str, size_m: Size) -> float:
    width, depth, _ = size_m
    if shape in ("bag", "blister", "bar"):
        return 2 * width
    if shape in _FLAT:
        return 2 * (width + depth)
    return float(np.pi * np.hypot(width, depth) / np.sqrt(2))


def _top_proportion(shape: str, size_m: Size) -> float:
    """Width over height of what the top's region shows."""
    width, depth, height = size_m
    if shape == "gable":
        return width / (2 * float(np.hypot(depth / 2, 0.15 * height)))
    if shape == "blister":
        return 0.76 * width / (0.48 * height)
    return width / depth


def _pixels(region: Region, proportion: float) -> tuple[int, int]:
    """Size of a panel with a true proportion (width over height) and about the region's area."""
    area = (region.u1 - region.u0) * (region.v1 - region.v0) * (_FINE * TEXTURE_SIZE) ** 2
    proportion = min(max(proportion, 0.15), 12.0)
    return max(8, round((area * proportion) ** 0.5)), max(8, round((area / proportion) ** 0.5))


def _place(texture: Image.Image, region: Region, panel: Image.Image) -> None:
    x0, y0, x1, y1 = (round(share * TEXTURE_SIZE) for share in region)
    fitted = panel.resize((x1 - x0, y1 - y0), Image.Resampling.BOX)
    texture.paste(fitted, (x0, y0))
