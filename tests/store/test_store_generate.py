from collections import Counter
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import yaml
from pydantic import TypeAdapter
from store_samples import FULL_RACK, assert_same_store

from aisle.store.coverage import ENOUGH_PX, coverage
from aisle.store.generate import StoreSpec, generate_store
from aisle.store.gtin import is_gtin
from aisle.store.load import check_store, read_store_files
from aisle.store.write import write_store

CORNER = FULL_RACK.parent / "corner"
COLD = ("Milk", "Yogurt", "Pudding", "Smoothie", "Oat Drink", "Juice", "Cola", "Lemonade")
ODD = StoreSpec(
    gondolas=2,
    fridges=1,
    shelves=(2, 4),
    plates=tuple(range(3, 17)),
    plate_width_m=(0.07, 0.3),
    plate_depth_m=(0.25, 0.5),
    span=((1, 0.5), (2, 0.3), (8, 0.2)),
    shared_plates=0.5,
    median_weight_kg=0.2,
    weight_spread=1.3,
    weight_kg=(0.005, 3.0),
    empty_plates=0.1,
    frameless=0.5,
    bare_shelves=0.2,
    doubled=0.1,
    unplaced_products=7,
)


def make(seed: int, spec: StoreSpec | None = None):
    return generate_store(np.random.default_rng(seed), spec)


@pytest.mark.parametrize("spec", [StoreSpec(), ODD], ids=["usual", "odd"])
@pytest.mark.parametrize("seed", range(5))
def test_every_reference_in_a_generated_store_resolves(seed, spec):
    store = make(seed, spec)
    for shelf in store.shelves.values():
        assert shelf.id in store.fixtures[shelf.fixture].shelves
        assert all(store.plates[plate].shelf == shelf.id for plate in shelf.plates)
    for controller in store.controllers.values():
        for channel, plate in enumerate(controller.plates):
            found = store.plates[plate].controller, store.plates[plate].channel
            assert found == (controller.id, channel)
    assert sum(len(c.plates) for c in store.controllers.values()) == len(store.plates)
    for slot in store.slots.values():
        order = [store.shelves[slot.shelf].plates.index(plate) for plate in slot.plates]
        assert order == list(range(order[0], order[0] + len(order))) if order else slot.area
        assert slot.product in store.products


@pytest.mark.parametrize("seed", range(5))
def test_products_have_gtins_own_names_and_fit_their_places(seed):
    store = make(seed, ODD)
    products = list(store.products.values())
    assert all(is_gtin(product.id) for product in products)
    assert len({product.name for product in products}) == len(products)
    assert all(0.005 <= product.weight_kg <= 3.0 for product in products)
    home = {slot.product: slot for slot in reversed(store.slots.values())}
    for slot in home.values():
        shelf = store.shelves[slot.shelf]
        width, depth, height = store.products[slot.product].size_m
        assert depth <= shelf.size_m[1]
        assert height <= shelf.size_m[2]
        if slot.plates:
            assert width <= sum(store.plates[plate].size_m[0] for plate in slot.plates)


def test_the_usual_store_resembles_a_real_one():
    stores = [make(seed) for seed in range(12)]
    spans = Counter(len(slot.plates) for store in stores for slot in store.slots.values())
    total = spans.total()
    assert 0.45 < spans[2] / total < 0.7
    assert 0.25 < spans[3] / total < 0.45
    assert set(spans) <= {1, 2, 3, 4, 6}
    weights = [
        [store.products[slot.product].weight_kg for slot in slots]
        for store in stores
        for slots in store.slots_of_shelf.values()
    ]
    close = [abs(a - b) < 0.005 for shelf in weights for a, b in pairwise(shelf)]
    assert 0.25 < np.mean(close) < 0.45
    assert 0.1 < np.median(np.concatenate(weights)) < 0.18
    plates = [plate for store in stores for plate in store.plates.values()]
    assert any(plate.pose is None for plate in plates)
    held = {(i, p) for i, s in enumerate(stores) for slot in s.slots.values() for p in slot.plates}
    framed = sum(plate.pose is not None for plate in plates)
    assert 0.8 * framed < len(held) < framed


def test_options_make_what_they_say():
    stores = [make(seed, ODD) for seed in range(4)]
    slots = [slot for store in stores for slot in store.slots.values()]
    kinds = {fixture.kind for store in stores for fixture in store.fixtures.values()}
    assert kinds == {"gondola", "fridge"}
    assert max(Counter(slot.plates for slot in slots if slot.plates).values()) >= 2
    assert any(slot.area for slot in slots)
    assert max(Counter(slot.product for slot in slots).values()) >= 2
    for store in stores:
        placed = {slot.product for slot in store.slots.values()}
        assert len(store.products) >= len(placed) + 7
    assert not any(slot.area for slot in make(1).slots.values())


def test_a_number_of_slots_can_be_asked_for():
    store = make(3, StoreSpec(gondolas=1, slots=4, unplaced_products=2))
    assert len(store.slots) == 4
    assert len(store.products) == 6


def test_the_same_seed_gives_the_same_store():
    assert_same_store(make(9), make(9), metres=0.0)
    assert make(9).products.keys() != make(10).products.keys()


@pytest.mark.parametrize(
    "wrong",
    [
        {"gondolas": 0},
        {"shelves": ()},
        {"plates": (0,)},
        {"span": ((1, -1.0),)},
        {"weight_kg": (0.0, 1.0)},
        {"plate_width_m": (0.0, 0.1)},
        {"name": ""},
    ],
)
def test_a_spec_that_cannot_be_built_is_refused(wrong):
    with pytest.raises(ValueError, match=r"must|needs"):
        StoreSpec(**wrong)


def test_the_shipped_store_is_what_its_seed_makes(tmp_path):
    text = (FULL_RACK / "spec.yaml").read_text()
    fields = yaml.safe_load(text)
    seed = int(text.split("--seed ")[1].split()[0])
    spec = StoreSpec(**{k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()})
    for path in write_store(make(seed, spec), tmp_path).iterdir():
        assert path.read_text() == (FULL_RACK / path.name).read_text(), path.name


@pytest.fixture(scope="module")
def corner():
    return read_store_files(CORNER)


def test_every_slot_of_corner_without_plates_has_30_pixels_for_10_cm(corner):
    store = corner.store
    assert len(store.cameras) >= 4
    assert 55 <= len(store.products) <= 65
    bare = [slot.id for slot in store.slots.values() if not slot.plates]
    assert 15 <= len(bare) < len(store.slots)
    for doors in ({}, {"f4": 2.0}):
        found = coverage(store, corner.robot, doors)
        assert found.placed.all()
        assert min(found.best(slot).px_per_dm for slot in bare) >= ENOUGH_PX
        assert found.poor(23) == ()
    assert check_store(CORNER) == []


def test_corner_is_what_its_seed_makes(tmp_path):
    spec = TypeAdapter(StoreSpec).validate_python(
        yaml.safe_load((CORNER / "spec.yaml").read_text())
    )
    store = make(3, spec)
    write_store(store, tmp_path, spec.room_m)
    for path in tmp_path.iterdir():
        assert path.read_text() == (CORNER / path.name).read_text(), path.name


def test_corner_is_a_room_with_a_fridge_and_two_gates(corner):
    store = corner.store
    (wall,) = corner.floor_plan.of("wall")
    assert np.ptp(wall.outline, axis=0).tolist() == [4.0, 5.0]
    assert {gate.kind for gate in store.gates.values()} == {"entry", "exit"}
    assert {fixture.kind for fixture in store.fixtures.values()} == {"gondola", "fridge"}
    chilled = {store.products[s.product].name for s in store.slots.values() if s.shelf[:2] == "f4"}
    assert all(any(word in name for word in COLD) for name in chilled)
    for fixture in store.fixtures.values():
        width, depth, _ = fixture.size_m
        middle = fixture.pose @ [width / 2, depth / 2, 0, 1]
        front = fixture.pose @ [width / 2, -0.5, 0, 1]
        assert (np.abs(middle[:2] - [2, 2.5]) <= [2, 2.5]).all()
        assert np.linalg.norm(front[:2] - [2, 2.5]) < np.linalg.norm(middle[:2] - [2, 2.5])


def test_cameras_leave_the_rest_of_a_store_as_it_was():
    plain = StoreSpec(gondolas=1, shelves=(2,), plates=(4,), bare_shelves=0.5)
    bare, seen = make(4, plain), make(4, replace(plain, cameras=2, overviews=1))
    assert_same_store(replace(seen, cameras={}), bare)
    assert list(seen.cameras) == ["cam1", "cam2", "cam3"]
    assert seen.cameras["cam3"].horizontal_fov_rad == 1.7
    found = coverage(seen)
    one = coverage(replace(seen, cameras={"cam1": seen.cameras["cam1"]}))
    assert np.minimum(found.best_px, ENOUGH_PX).sum() >= np.minimum(one.best_px, ENOUGH_PX).sum()


def test_a_room_that_is_too_small_is_refused():
    with pytest.raises(ValueError, match="do not fit"):
        make(1, StoreSpec(gondolas=9, room_m=(3.0, 3.0)))
