"""Shelves as their scales show them, also where several controllers read one shelf."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from fusion_samples import (
    PERIOD,
    SECOND,
    START,
    Steps,
    at,
    batches,
    changes,
    enter,
    fusion_of,
    gaps,
    in_order,
    push_all,
    small_store,
)

from aisle.fusion.config import FusionConfig
from aisle.fusion.fusion import StoreAt
from aisle.fusion.shelves import Shelves
from aisle.store.types import Controller


def split(store):
    """The same store with the plates of each shelf read by two controllers in turn."""
    order = [plate for controller in store.controllers.values() for plate in controller.plates]
    halves = {"even": tuple(order[::2]), "odd": tuple(order[1::2])}
    wired = {p: (name, i) for name, half in halves.items() for i, p in enumerate(half)}
    plates = {
        name: replace(plate, controller=wired[name][0], channel=wired[name][1])
        for name, plate in store.plates.items()
    }
    controllers = {name: Controller(name, half) for name, half in halves.items()}
    return replace(store, plates=plates, controllers=controllers)


@pytest.fixture(scope="module")
def store():
    return small_store()


def takes(store):
    alone = [slot.plates[0] for slot in store.slots.values() if len(slot.plates) == 1]
    return [(plate, 4.0 + 3 * n, 0.3) for n, plate in enumerate(dict.fromkeys(alone))]


def test_it_does_not_matter_which_controller_reads_a_plate(store):
    models, found = [Steps(), Steps()], []
    for model, same in zip(models, (store, split(store)), strict=True):
        records = in_order(batches(same, 0, 20, takes(same)), [enter("a", 1)])
        found.append(push_all(fusion_of(same, model), records))
    assert len(changes(found[0])) == len(takes(store))
    assert found[0] == found[1]
    assert models[0].windows
    for whole, halves in zip(models[0].windows, models[1].windows, strict=True):
        assert (whole.shelf, whole.plates) == (halves.shelf, halves.plates)
        for name, array in whole.arrays.items():
            # A mean over other columns may be rounded otherwise.
            np.testing.assert_allclose(array, halves.arrays[name], atol=1e-6)


def test_plates_of_a_dead_controller_are_not_valid_and_the_rest_of_the_shelf_goes_on(store):
    model, halves = Steps(), split(store)
    take = next(t for t in takes(halves) if halves.plates[t[0]].controller == "even")
    fusion = fusion_of(halves, model)
    push_all(fusion, in_order(batches(halves, 0, 3), [enter("a", 1)]))
    found = push_all(fusion, batches(halves, 3, 14, [(take[0], 10.0, 0.3)], ["even"]))
    (change,) = changes(found).values()
    assert change.plates == (take[0],)
    assert any("odd" in gap for gap in gaps(found, "a"))
    for window in model.windows:
        valid = dict(zip(window.plates, window.arrays["plate_valid"], strict=True))
        for plate, row in valid.items():
            assert row.all() == (halves.plates[plate].controller == "even")
            assert row.any() == row.all()


def test_a_plate_without_a_controller_is_never_valid(store):
    take = takes(store)[0]
    lost = next(p for p in store.shelves[store.plates[take[0]].shelf].plates if p != take[0])
    name = store.plates[lost].controller
    controller = store.controllers[name]
    fewer = replace(controller, plates=tuple(p for p in controller.plates if p != lost))
    broken = replace(store, controllers={**store.controllers, name: fewer})
    model = Steps()
    push_all(fusion_of(broken, model), in_order(batches(broken, 0, 9, [take]), [enter("a", 1)]))
    for window in model.windows:
        valid = dict(zip(window.plates, window.arrays["plate_valid"], strict=True))
        assert valid[take[0]].any()
        assert not valid[lost].any()
    assert model.windows


def test_rewired_plates_are_followed_and_their_readings_begin_anew(store):
    model, halves = Steps(), split(store)
    fusion = fusion_of(store, model)
    push_all(fusion, in_order(batches(store, 0, 6), [enter("a", 1)]))
    fusion.push(StoreAt(at(5), halves))
    push_all(fusion, batches(store, 6, 8))
    assert set(fusion.store.controllers) == {"even", "odd"}
    found = push_all(fusion, batches(halves, 8, 20, [(takes(halves)[0][0], 15.0, 0.3)]))
    assert len(changes(found)) == 1


NO_WOBBLE = np.zeros(4)


def shown(store, shelf, move, noise_kg=NO_WOBBLE, loose=(), seed=1):
    """Whether a shelf counts as changed: `move(seconds)` is what its first plate shows too much.

    `noise_kg` is the deviation of each plate's readings, of the whole plates alike.
    """
    rng = np.random.default_rng(seed)
    shelves = Shelves(store, FusionConfig(), Counter())
    plates = store.shelves[shelf].plates
    for batch in batches(store, 0, 6):
        seconds = (batch.stamp_ns - START + PERIOD * np.arange(len(batch.kilograms))) / SECOND
        for plate, deviation in zip(plates, noise_kg, strict=True):
            column = batch.plates.index(plate)
            batch.kilograms[:, column] += rng.normal(0, deviation, len(seconds))
        batch.kilograms[:, batch.plates.index(plates[0])] += move(seconds)
        shelves.add(batch, 1000)
    return shelf in shelves.changed(at(6), loose)


def with_weights(store, weights_kg):
    """The store with the products of a shelf as heavy as said, all others a kilogram."""
    heavy = {name: replace(p, weight_kg=1.0) for name, p in store.products.items()}
    for shelf, weight_kg in weights_kg.items():
        for slot in store.slots_of_shelf[shelf]:
            heavy[slot.product] = replace(heavy[slot.product], weight_kg=weight_kg)
    return replace(store, products=heavy)


def step(kilograms):
    return lambda seconds: np.where(seconds > 4, -kilograms, 0.0)


@pytest.fixture(scope="module")
def shelf(store):
    return next(iter(store.shelves))


@pytest.mark.parametrize("weight_kg", [0.006, 0.05, 1.0])
def test_six_grams_that_leave_a_quiet_plate_are_always_asked_about(store, shelf, weight_kg):
    light = with_weights(store, {shelf: weight_kg})
    assert shown(light, shelf, step(0.006), np.full(4, 0.0005))


@pytest.mark.parametrize("units", [1, -2])
@pytest.mark.parametrize("weight_kg", [0.006, 0.05, 0.6])
def test_noise_hides_no_product_of_its_shelf(store, shelf, weight_kg, units):
    same = with_weights(store, {shelf: weight_kg})
    for share in (0.0, 0.02, 0.1, 0.5, 2.0):
        assert shown(same, shelf, step(units * weight_kg), np.full(4, share * weight_kg))


def test_noise_and_an_offset_are_no_change(store, shelf):
    heavy = with_weights(store, {shelf: 0.5})
    loud = np.full(4, 0.008)
    assert sum(shown(heavy, shelf, lambda t: 3.0 + 0 * t, loud, seed=s) for s in range(9)) <= 1
    assert shown(heavy, shelf, step(0.5), loud)


def test_slow_wobble_is_noise_of_its_plate_and_not_of_the_next(store, shelf):
    heavy = with_weights(store, {shelf: 0.5})
    assert not shown(heavy, shelf, lambda t: 0.005 * np.sin(7 * t))
    assert shown(heavy, shelf, step(0.006), np.array([0.0, 0.05, 0.05, 0.05]))


def test_what_is_carried_or_misplaced_may_come_to_a_shelf_of_heavy_products(store, shelf):
    light = with_weights(store, {shelf: 0.5})
    product = next(iter(light.products.values()))
    named = replace(light, products={**light.products, "sweet": replace(product, weight_kg=0.006)})
    loud = np.full(4, 0.002)
    assert sum(shown(named, shelf, step(0.002), loud, seed=s) for s in range(9)) <= 1
    assert all(shown(named, shelf, step(-0.006), loud, ["sweet", "x"], s) for s in range(9))


def test_a_controller_without_plates_stops_nothing(store):
    wired = {**store.controllers, "spare": Controller("spare", ())}
    spare = replace(store, controllers=wired)
    shelves = Shelves(spare, FusionConfig(), Counter())
    assert shelves.changed(at(10), ()) == {}
