"""What lies behind a label's words: patterns over a whole panel."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from PIL import Image, ImageDraw, ImageOps

from aisle.sim.products.colours import Colour, dark, light, luminance, mix
from aisle.sim.products.style import Style


def ground(style: Style, width: int, height: int) -> Image.Image:
    """The style's pattern, without any words: RGB, `width` x `height` pixels."""
    image = Image.new("RGB", (width, height), style.paper)
    return _GROUNDS[style.ground](image, style, Random(f"ground {style.seed}"))


def fade(width: int, height: int, upper: Colour, lower: Colour) -> Image.Image:
    """A vertical gradient."""
    grey = Image.linear_gradient("L").resize((width, height))
    return ImageOps.colorize(grey, upper, lower)


def _tint(style: Style, share: float = 0.16) -> Colour:
    """A second tone of the paper."""
    paper = style.paper
    return light(paper, 1.6 * share) if luminance(paper) < 0.5 else dark(paper, share)


def _plain(image: Image.Image, style: Style, rng: Random) -> Image.Image:
    return image


def _fade(image: Image.Image, style: Style, rng: Random) -> Image.Image:
    ends = [style.paper, mix(style.paper, rng.choice((style.second, style.brand_colour)), 0.65)]
    if rng.random() < 0.5:
        ends.reverse()
    return fade(image.width, image.height, ends[0], ends[1])


def _stripes(image: Image.Image, style: Style, rng: Random) -> Image.Image:
    draw = ImageDraw.Draw(image)
    count = rng.choice((12, 16, 24))
    colour = rng.choice((_tint(style), mix(style.paper, style.second, 0.6)))
    wide = image.width / count
    for i in range(count):
        draw.rectangle((i * wide, 0, (i + 0.5) * wide, image.height), fill=colour)
    return image


def _slants(image: Image.Image, style: Style, rng: Random) -> Image.Image:
    draw = ImageDraw.Draw(image)
    count, lean = rng.choice((6, 8)), rng.choice((-1, 1)) * image.height * 0.6
    wide = image.width / count
    for i in range(-count, 2 * count):
        x = i * wide
        corners = [
            (x, 0),
            (x + wide / 2, 0),
            (x + wide / 2 + lean, image.height),
            (x + lean, image.height),
        ]
        draw.polygon(corners, fill=_tint(style, 0.2))
    return image


def _burst(image: Image.Image, style: Style, rng: Random) -> Image.Image:
    draw = ImageDraw.Draw(image)
    far = 2 * max(image.size)
    colour = rng.choice((_tint(style, 0.2), mix(style.paper, style.second, 0.45)))
    for middle in (0.2, 0.7):
        x, y = middle * image.width, 0.55 * image.height
        half = 0.25 * image.width
        layer = Image.new("L", image.size, 0)
        rays = ImageDraw.Draw(layer)
        for i in range(0, 36, 2):
            box = (x - far, y - far, x + far, y + far)
            rays.pieslice(box, i * 10, i * 10 + 10, fill=255)
        clip = (int(x - half), 0, int(x + half), image.height)
        draw.bitmap((clip[0], 0), layer.crop(clip), fill=colour)
    return image


def _waves(image: Image.Image, style: Style, rng: Random) -> Image.Image:
    draw = ImageDraw.Draw(image)
    cycles, high = rng.choice((2, 4, 6)), 0.07 * image.height
    colours = (mix(style.paper, style.second, 0.55), style.second, style.brand_colour)
    base = rng.uniform(0.5, 0.7)
    for i, colour in enumerate(colours):
        level = (base + 0.13 * i) * image.height
        points = [
            (x, level + high * math.sin(2 * math.pi * cycles * x / image.width + 1.3 * i))
            for x in range(0, image.width + 8, 8)
        ]
        draw.polygon([*points, (image.width, image.height), (0, image.height)], fill=colour)
    return image


def _dots(image: Image.Image, style: Style, rng: Random) -> Image.Image:
    draw = ImageDraw.Draw(image)
    step = image.width / rng.choice((14, 20, 28))
    colour = rng.choice((_tint(style, 0.2), mix(style.paper, style.second, 0.6)))
    for row in range(int(image.height / step) + 2):
        for i in range(int(image.width / step) + 2):
            x, y = (i + 0.5 * (row % 2)) * step, row * step
            draw.ellipse(
                (x - 0.27 * step, y - 0.27 * step, x + 0.27 * step, y + 0.27 * step), fill=colour
            )
    return image


def _halves(image: Image.Image, style: Style, rng: Random) -> Image.Image:
    draw = ImageDraw.Draw(image)
    level = rng.uniform(0.42, 0.62) * image.height
    draw.rectangle((0, level, image.width, image.height), fill=style.second)
    draw.rectangle((0, level - 3, image.width, level + 3), fill=style.brand_colour)
    return image


def _frame(image: Image.Image, style: Style, rng: Random) -> Image.Image:
    draw = ImageDraw.Draw(image)
    for edge, colour in ((0.1, style.second), (0.06, style.brand_colour)):
        for upper in (0.0, 1.0 - edge):
            band = (0, upper * image.height, image.width, (upper + edge) * image.height)
            draw.rectangle(band, fill=colour)
    return image


def _checks(image: Image.Image, style: Style, rng: Random) -> Image.Image:
    draw = ImageDraw.Draw(image)
    step = image.width / rng.choice((24, 32))
    colour = mix(style.paper, style.second, 0.5)
    for row in range(int(0.3 * image.height / step) + 1):
        y = image.height - (row + 1) * step
        for i in range(row % 2, int(image.width / step) + 1, 2):
            draw.rectangle((i * step, y, (i + 1) * step, y + step), fill=colour)
    return image


def _arcs(image: Image.Image, style: Style, rng: Random) -> Image.Image:
    draw = ImageDraw.Draw(image)
    colours = (style.second, _tint(style, 0.25), mix(style.paper, style.brand_colour, 0.6))
    for middle in (0.0, 0.5, 1.0):
        for i, colour in enumerate(colours):
            r = (0.62 - 0.14 * i) * image.height
            x, y = middle * image.width, image.height * 1.02
            draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)
    return image


def _hills(image: Image.Image, style: Style, rng: Random) -> Image.Image:
    scene = fade(image.width, image.height, light(style.paper, 0.25), style.paper)
    draw = ImageDraw.Draw(scene)
    for i in range(9):
        r = rng.uniform(0.25, 0.5) * image.height
        x = (i + rng.uniform(-0.3, 0.3)) / 8 * image.width
        y = image.height * 1.15
        colour = mix(style.second, style.brand_colour, rng.random())
        draw.ellipse((x - 1.4 * r, y - r, x + 1.4 * r, y + r), fill=colour)
    return scene


_GROUNDS: dict[str, Callable[[Image.Image, Style, Random], Image.Image]] = {
    "plain": _plain, "fade": _fade, "stripes": _stripes, "slants": _slants, "burst": _burst,
    "waves": _waves, "dots": _dots, "halves": _halves, "frame": _frame, "checks": _checks,
    "arcs": _arcs, "hills": _hills,
}  # fmt: skip
