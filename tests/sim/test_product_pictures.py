"""Catalogue images of drawn products."""

import numpy as np
import pytest
from PIL import Image

from aisle.sim.products.line import product_line
from aisle.sim.products.look import look_of
from aisle.sim.products.pictures import IMAGE_SIZE, VIEWS, catalogue_images, draw_look, write_images
from aisle.sim.scene import Look, Mesh

PRODUCTS = product_line(5, 3)


def square(colour):
    """One square that looks to the front, its texture's left half in another colour."""
    texture = np.zeros((8, 8, 3), np.uint8)
    texture[:, :4] = colour
    corners = np.array([[-1, 0, 0], [1, 0, 0], [1, 0, 2], [-1, 0, 2]], np.float32)
    mesh = Mesh(
        corners,
        np.tile(np.array([0, -1, 0], np.float32), (4, 1)),
        np.array([[0, 1], [1, 1], [1, 0], [0, 0]], np.float32),
        np.array([[0, 1, 2], [0, 2, 3]], np.int32),
    )
    return Look(mesh, texture)


def test_the_texture_is_neither_mirrored_nor_turned():
    texture_left = draw_look(square((200, 0, 0)), 0.0, 0.0, 40)
    left, right = texture_left[20, 12], texture_left[20, 28]
    assert left[0] > 120
    assert right.max() < 10
    assert (texture_left[0, 0] == 255).all()


def test_what_is_behind_is_not_seen():
    assert (draw_look(square((200, 0, 0)), 180.0, 0.0, 40) == 255).all()


def test_a_product_has_a_picture_for_each_view():
    pictures = catalogue_images(look_of(PRODUCTS[0]))
    assert [picture.shape for picture in pictures] == [(IMAGE_SIZE, IMAGE_SIZE, 3)] * len(VIEWS)
    for picture in pictures:
        filled = (picture < 250).any(axis=2)
        rows, columns = np.flatnonzero(filled.any(axis=1)), np.flatnonzero(filled.any(axis=0))
        assert max(np.ptp(rows), np.ptp(columns)) == pytest.approx(0.9 * IMAGE_SIZE, abs=3)


def test_images_are_written_where_the_catalogue_looks_for_them(tmp_path):
    assert write_images(PRODUCTS[:2], tmp_path) == 2 * len(VIEWS)
    for product in PRODUCTS[:2]:
        folder = tmp_path / "images" / product.id
        assert sorted(path.stem for path in folder.iterdir()) == sorted(VIEWS)
        assert Image.open(folder / "front.jpg").size == (IMAGE_SIZE, IMAGE_SIZE)
    first = (tmp_path / "images" / PRODUCTS[0].id / "top.jpg").read_bytes()
    write_images(PRODUCTS[:1], tmp_path)
    assert (tmp_path / "images" / PRODUCTS[0].id / "top.jpg").read_bytes() == first
