"""Shelves as their scales show them, also where several controllers read one shelf."""

from dataclasses import replace

import numpy as np
import pytest
from fusion_samples import (
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

from aisle.fusion.fusion import StoreAt
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
