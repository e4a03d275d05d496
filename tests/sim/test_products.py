"""Assortments, meshes and labels of drawn products."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.sim.products import look
from aisle.sim.products.letters import bar_modules
from aisle.sim.products.line import product_line
from aisle.sim.products.look import look_of, shape_of
from aisle.sim.products.names import read_label
from aisle.sim.products.regions import lies
from aisle.sim.products.shapes import SHAPES, mesh_of
from aisle.sim.products.sorts import SORTS, fits
from aisle.sim.products.style import style_of
from aisle.store.gtin import is_gtin
from aisle.store.types import Product

PRODUCTS = product_line(3, 320)
SIZES = {
    format_.shape: tuple(side / 1000 for side in format_.size_mm)
    for sort in SORTS
    for format_ in sort.formats
}


def product(name, size=(0.07, 0.07, 0.12), id_="2000000000008"):
    return Product(id_, name, 0.3, size, 100)


def lines(products):
    found = {}
    for one in products:
        label = read_label(one.name)
        found.setdefault((*label.line, label.net), []).append(one)
    return found


def test_an_assortment_has_as_many_different_products_as_asked_for():
    assert len({one.id for one in PRODUCTS}) == len({one.name for one in PRODUCTS}) == 320
    assert all(is_gtin(one.id) and len(one.id) == 13 for one in PRODUCTS)
    assert product_line(3, 320) == PRODUCTS
    assert product_line(3, 40) == PRODUCTS[:40]
    assert product_line(4, 40) != PRODUCTS[:40]


def test_weights_and_sizes_are_those_of_groceries():
    assert min(one.weight_kg for one in PRODUCTS) >= 0.006
    assert max(one.weight_kg for one in PRODUCTS) <= 2.6
    for one in PRODUCTS:
        assert 50 < one.weight_kg / np.prod(one.size_m) < 1800 or shape_of(one) == "bag"
        assert max(one.size_m) <= 0.33


def test_every_package_occurs():
    assert {shape_of(one) for one in product_line(3, 900)} == SHAPES.keys() == SIZES.keys()


def test_a_line_has_flavours_of_the_same_weight_in_the_same_package():
    several = [line for line in lines(PRODUCTS).values() if len(line) > 1]
    assert len(several) > 60
    for line in several:
        assert len({(one.weight_kg, one.size_m, shape_of(one)) for one in line}) == 1
        assert len({read_label(one.name).flavour for one in line}) == len(line)


def test_different_lines_share_weights_too():
    weights = Counter(round(line[0].weight_kg, 2) for line in lines(PRODUCTS).values())
    assert sum(count > 1 for count in weights.values()) >= 8


def test_every_format_fits_its_shape():
    for sort in SORTS:
        for format_ in sort.formats:
            assert fits(format_.shape, tuple(side / 1000 for side in format_.size_mm))


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mesh_fills_its_size_and_stands_on_its_origin(shape):
    mesh = mesh_of(shape, SIZES[shape])
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    np.testing.assert_allclose(high - low, SIZES[shape], rtol=0.01)
    np.testing.assert_allclose((low + high)[:2], 0.0, atol=1e-6)
    assert low[2] == pytest.approx(0.0, abs=1e-9)
    assert 12 <= len(mesh.faces) <= 310
    assert mesh.uv.min() >= 0.0
    assert mesh.uv.max() <= 1.0


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mesh_looks_outwards(shape):
    mesh = mesh_of(shape, SIZES[shape])
    corners = mesh.vertices[mesh.faces].astype(float)
    across = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    volume = np.einsum("ij,ij->i", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])).sum() / 6
    assert 0.3 < volume / np.prod(SIZES[shape]) <= 1.001
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1.0, atol=1e-5)
    agreement = np.einsum("ij,ikj->ik", across, mesh.normals[mesh.faces])
    assert (agreement[np.linalg.norm(across, axis=1) > 1e-9] > 0).all()


@pytest.mark.parametrize("shape", SHAPES)
def test_a_mesh_has_no_holes_but_under_its_cap(shape):
    mesh = mesh_of(shape, SIZES[shape])
    _, corner = np.unique(np.round(mesh.vertices, 6), axis=0, return_inverse=True)
    edges = Counter()
    for face in corner.reshape(-1)[mesh.faces]:
        for a, b in pairwise([*face, face[0]]):
            if a != b:
                edges[a, b] += 1
    open_edges = sum(count != edges[b, a] for (a, b), count in list(edges.items()))
    # A cap that stands on a larger face needs no underside.
    assert open_edges == (16 if shape in ("bottle", "pet", "brick") else 0)


def test_what_faces_the_front_shows_the_front():
    for shape in SHAPES:
        size = SIZES[shape]
        mesh = mesh_of(shape, size)
        main = [0.0, 0.0, 1.0] if lies(shape, size) else [0.0, -1.0, 0.0]
        facing = (mesh.normals[mesh.faces].mean(axis=1) @ main > 0.7).any()
        assert facing, shape


def test_a_look_depends_on_the_catalogue_entry_alone():
    one = PRODUCTS[17]
    kept = look_of(one)
    assert kept is look_of(one)
    look._look.cache_clear()
    fresh = look_of(one)
    assert fresh is not kept
    assert kept.texture.dtype == np.uint8
    assert kept.texture.shape == (256, 256, 3)
    np.testing.assert_array_equal(kept.texture, fresh.texture)
    np.testing.assert_array_equal(kept.mesh.vertices, fresh.mesh.vertices)


def test_products_of_different_lines_look_different_and_those_of_a_line_alike():
    chosen = [line[:2] for line in lines(PRODUCTS).values() if len(line) > 1][:16]
    small = [
        [look_of(one).texture[::4, ::4].astype(float).reshape(-1) for one in line]
        for line in chosen
    ]
    within = [np.abs(a - b).mean() for a, b in small]
    between = [np.abs(a[0] - b[0]).mean() for i, a in enumerate(small) for b in small[:i]]
    assert min(within) > 0.2
    assert min(between) > 15
    assert np.median(within) < 0.6 * np.median(between)


def test_the_flavour_shows_on_the_top_or_the_label():
    cherry, lemon = (look_of(product(f"Novali {f} Cola 330 ml")) for f in ("Cherry", "Lemon"))
    changed = np.abs(cherry.texture.astype(int) - lemon.texture).max(axis=2) > 20
    assert 0.005 < changed.mean() < 0.95


@pytest.mark.parametrize(
    ("name", "size", "shape"),
    [
        ("Cherry Cola 330 ml", (0.066, 0.066, 0.116), "can"),
        ("Apple Juice 1000 ml", (0.075, 0.075, 0.24), "gable"),
        ("Sea Salt Potato Chips 145 g", (0.19, 0.08, 0.27), "bag"),
        ("Sea Salt Potato Chips 145 g", (0.12, 0.15, 0.09), "box"),
        ("tea-bags", (0.1, 0.1, 0.02), "box"),
        ("Something new 500 ml", (0.065, 0.065, 0.24), "bottle"),
    ],
)
def test_the_package_follows_from_sort_and_size(name, size, shape):
    assert shape_of(product(name, size)) == shape


def test_a_name_is_taken_apart():
    label = read_label("Lumbro Chili Lime Tortilla Chips 150 g")
    assert (label.brand, label.flavour) == ("Lumbro", "Chili Lime")
    assert (label.noun, label.net) == ("Tortilla Chips", "150 g")
    assert read_label("Apple Berry Juice 1 l").flavour == "Apple Berry"
    assert read_label("tea-bags").noun == "tea-bags"


def test_a_product_without_a_brand_gets_a_house_brand():
    label = read_label("Apple Juice 200 ml")
    assert style_of(label, "1").brand == style_of(label, "1").brand != ""


@settings(max_examples=25, deadline=None)
@given(
    name=st.one_of(st.text(max_size=60), st.sampled_from([one.name for one in PRODUCTS])),
    size=st.tuples(*[st.floats(0.0001, 100.0, allow_nan=False)] * 3),
    id_=st.text("0123456789abc", min_size=1, max_size=14),
)
def test_any_catalogue_entry_can_be_drawn(name, size, id_):
    drawn = look_of(product(name, size, id_))
    assert drawn.texture.shape == (256, 256, 3)
    assert np.isfinite(drawn.mesh.vertices).all()
    assert np.isfinite(drawn.mesh.normals).all()


def test_a_bar_code_is_an_ean13_symbol():
    modules = bar_modules("4006381333931")
    assert len(modules) == 95
    assert modules[:3] == modules[-3:] == "101"
    assert modules[3:45] == "000110101001110101111011110100010010110011"
    with pytest.raises(ValueError, match="no GTIN-13"):
        bar_modules("4006381333932")
