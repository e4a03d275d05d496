"""Catalogue images: what a web shop would show of a product."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aisle.files import write_atomic
from aisle.sim.products.look import look_of
from aisle.sim.scene import Look, Mesh
from aisle.store.types import Product

Picture = NDArray[np.uint8]
IMAGE_SIZE = 128
VIEWS = {
    "front": (0.0, 8.0),
    "corner": (35.0, 30.0),
    "above": (0.0, 45.0),
    "top": (0.0, 82.0),
}
"""Turn to the right and height of the viewer, in degrees; cameras see shelves as `above` does."""
_FINE = 2
_MARGIN = 0.9
_LIGHT = np.array([-0.35, -0.65, 0.85])
_AMBIENT = 0.62


def catalogue_images(look: Look, size: int = IMAGE_SIZE) -> list[Picture]:
    """Views of one product on white, in the order of `VIEWS`: [size, size, 3] RGB each."""
    return [draw_look(look, turn, height, size) for turn, height in VIEWS.values()]


def write_images(products: Iterable[Product], directory: Path) -> int:
    """Draws the catalogue images of products into a store's folder.

    Args:
        products: They need no images yet.
        directory: The store's folder; the files are `images/<id>/<view>.jpg`.

    Returns:
        The number of files written.

    Raises:
        OSError: A file could not be written.
    """
    written = 0
    for product in products:
        for view, picture in zip(VIEWS, catalogue_images(look_of(product)), strict=True):
            data = io.BytesIO()
            Image.fromarray(picture).save(data, "JPEG", quality=90)
            write_atomic(directory / "images" / product.id / f"{view}.jpg", data.getvalue())
            written += 1
    return written


def draw_look(look: Look, turn_deg: float, height_deg: float, size: int) -> Picture:
    """One product from one side, parallel projection, filling the image.

    Args:
        look: What to draw.
        turn_deg: How far the viewer stands to the right of the front.
        height_deg: How far the viewer looks down; 90 is straight from above.
        size: Pixels each way.
    """
    pixels = _FINE * size
    mesh = look.mesh
    towards, right, up = _axes(math.radians(turn_deg), math.radians(height_deg))
    seen = mesh.vertices.astype(float) @ np.stack([right, up, towards], axis=1)
    low, high = seen[:, :2].min(axis=0), seen[:, :2].max(axis=0)
    scale = _MARGIN * pixels / float((high - low).max())
    points = (seen[:, :2] - (low + high) / 2) * [scale, -scale] + pixels / 2
    shade = _shade(mesh, towards)
    image = np.full((pixels, pixels, 3), 255.0)
    depth = np.full((pixels, pixels), -np.inf)
    for face in mesh.faces:
        corners = points[face]
        attributes = np.column_stack([seen[face, 2], mesh.uv[face], shade[face]])
        _fill(image, depth, corners, attributes, look.texture)
    mean = image.reshape(size, _FINE, size, _FINE, 3).mean(axis=(1, 3))
    picture: Picture = np.round(mean).astype(np.uint8)
    return picture


def _axes(turn: float, height: float) -> tuple[NDArray[np.float64], ...]:
    """Directions to the viewer, to the right and up in the picture."""
    towards = np.array(
        [
            math.sin(turn) * math.cos(height),
            -math.cos(turn) * math.cos(height),
            math.sin(height),
        ]
    )
    right = np.array([math.cos(turn), math.sin(turn), 0.0])
    return towards, right, np.cross(towards, right)


def _shade(mesh: Mesh, towards: NDArray[np.float64]) -> NDArray[np.float64]:
    """Brightness at each vertex: a lamp beside the viewer."""
    lamp = _LIGHT / np.linalg.norm(_LIGHT) + towards
    shade: NDArray[np.float64] = mesh.normals @ (lamp / np.linalg.norm(lamp))
    return _AMBIENT + (1.05 - _AMBIENT) * np.clip(shade, 0.0, 1.0)


def _fill(
    image: NDArray[np.float64],
    depth: NDArray[np.float64],
    corners: NDArray[np.float64],
    attributes: NDArray[np.float64],
    texture: Picture,
) -> None:
    """Draws one triangle where it lies before what has been drawn; back faces are left out."""
    (ax, ay), (bx, by), (cx, cy) = corners
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if area > -1e-9:  # rows grow downwards, so a front face turns clockwise
        return
    x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int), 0)
    x1, y1 = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 1, image.shape[0])
    y, x = np.mgrid[y0:y1, x0:x1] + 0.5
    b = ((x - ax) * (cy - ay) - (y - ay) * (cx - ax)) / area
    c = ((y - ay) * (bx - ax) - (x - ax) * (by - ay)) / area
    weights = np.stack([1.0 - b - c, b, c], axis=-1)
    value = weights @ attributes
    old = depth[y0:y1, x0:x1]
    inside = (weights >= -1e-9).all(axis=-1) & (value[..., 0] > old)
    old[inside] = value[inside, 0]
    side = texture.shape[0]
    column = np.clip((value[inside, 1] * side).astype(int), 0, side - 1)
    row = np.clip((value[inside, 2] * side).astype(int), 0, side - 1)
    colour = texture[row, column] * value[inside, 3, None]
    image[y0:y1, x0:x1][inside] = np.minimum(colour, 255.0)
