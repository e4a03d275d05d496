"""Pictures of products: reading them safely, and checking those of a store.

The files lie in `images/<product>/` of a store's folder; `aisle.store.catalogue` lists them.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from aisle.store.catalogue import IMAGE_SUFFIXES
from aisle.store.problems import Report
from aisle.store.textfile import shorten
from aisle.store.types import Product, Store

Picture = NDArray[np.uint8]

MAX_BYTES = 4 * 1024 * 1024
MAX_SIDE_PX = 4096
MIN_SIDE_PX = 48
"""With less, labels of products that look alike cannot be told apart."""
MAX_SCANS = 64
"""Passes of a progressive JPEG; thousands of them cost minutes and a few kilobytes."""
_SCAN = b"\xff\xda"
_FORMATS = ("JPEG", "PNG", "WEBP")
_WHITE = (255, 255, 255)


class ImageError(ValueError):
    """A file that is no picture, or one that is not taken; the text says why."""


def read_image(path: Path) -> Picture:
    """The picture of a product: [height, width, 3] RGB, upright, on white where it is clear.

    Raises:
        ImageError: It is no JPEG, PNG or WebP, damaged, or larger than 4096x4096 or 4 MiB.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ImageError(f"larger than {MAX_BYTES // 2**20} MiB")
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror}") from None
    if path.suffix.lower() not in IMAGE_SUFFIXES:
        raise ImageError(f"none of {', '.join(IMAGE_SUFFIXES)}")
    try:
        with Image.open(io.BytesIO(data), formats=_FORMATS) as found:
            if max(found.size) > MAX_SIDE_PX:
                raise ImageError(f"{found.width}x{found.height} is too large")
            if found.format == "JPEG" and data.count(_SCAN) > MAX_SCANS:
                raise ImageError(f"a JPEG in more than {MAX_SCANS} scans is not taken")
            upright = ImageOps.exif_transpose(found).convert("RGBA")
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError("neither JPEG nor PNG nor WebP") from None
    except Exception as error:  # Pillow does not say what a damaged file may raise
        raise ImageError(f"damaged: {shorten(str(error), 80) or type(error).__name__}") from None
    ground = Image.new("RGBA", upright.size, _WHITE)
    return np.asarray(Image.alpha_composite(ground, upright).convert("RGB"))


def check_images(store: Store, report: Report) -> None:
    """Warns of pictures that cannot be used, and of products of which there is none.

    A store without cameras needs no pictures; of one that has some all the same, each product
    without is named.
    """
    for product in store.products.values():
        for path in product.images:
            _check(product, path, report)
    bare = [product for product in store.products.values() if not product.images]
    if len(bare) < len(store.products):
        for product in bare:
            message = f"{shorten(product.name)} has no picture: add some, or cameras cannot tell it"
            report.warn(f"images/{product.id}", 0, "product-without-images", message)
    elif bare and store.cameras:
        message = f"none of the {len(bare)} products has pictures: cameras cannot tell them apart"
        report.warn("images", 0, "product-without-images", message)


def _check(product: Product, path: Path, report: Report) -> None:
    name = f"images/{product.id}/{shorten(path.name)}"
    try:
        height, width, _ = read_image(path).shape
    except ImageError as error:
        report.warn(name, 0, "image-unreadable", str(error))
        return
    if min(width, height) < MIN_SIDE_PX:
        message = f"{width}x{height} is too small, at least {MIN_SIDE_PX} pixels each way are used"
        report.warn(name, 0, "image-too-small", message)
