"""Suites: what they promise is what happens in them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aisle.learning.happenings import Happenings, happenings
from aisle.learning.suites import SUITES
from aisle.sim.products.names import read_label
from aisle.sim.scenario import load_scenario
from aisle.sim.script import Deed, DeedKind, Gesture, GestureKind, Script, Visit
from aisle.sim.shoppers import write_script
from aisle.store.generate import generate_store

SCENARIOS = Path(__file__).resolve().parents[2] / "config" / "scenarios"


def happened(name: str, simulations: int) -> Happenings:
    suite, total = SUITES[name], Happenings()
    store = suite.store(1)
    for number in range(simulations):
        rng = np.random.default_rng((5, number))
        total.add(happenings(write_script(store, suite.scenario(number), rng)))
    return total


def test_two_in_five_actions_of_confusing_confuse():
    found = happened("confusing", 4)
    assert found.actions > 150
    assert found.confusing >= 0.4 * found.actions


def test_three_to_six_are_in_a_busy_store():
    found = happened("busy", 4)
    assert sum(found.at_once[count] for count in (3, 4, 5, 6)) >= 0.9 * found.actions
    assert max(found.at_once) == 6
    assert found.at_once[3] > 0


def deed(start, session, kind, product="cola", shelf="g1/s1", foreign=False) -> Deed:
    return Deed(start, 0.5, session, kind, shelf, 0.2, 0.1, product, 1, 0.3, foreign)


def test_each_action_is_counted_once_by_what_makes_it_confusing():
    take, back = DeedKind.TAKE, DeedKind.RETURN
    deeds = (
        deed(10, "a", take),  # looked at ...
        deed(13, "a", back),  # ... and put back: one action
        deed(20, "a", take),
        deed(60, "a", back),  # long after: an ordinary return
        deed(70, "a", take, shelf="g2/s1"),  # two at one shelf
        deed(71, "b", take, shelf="g2/s1"),
        deed(80, "b", back, foreign=True),
    )
    visits = (Visit("a", 0, 75, 1), Visit("b", 0, 100, 1))
    gestures = (
        Gesture(50, 1, "b", 0, GestureKind.HAND_OVER, counterpart="a"),
        Gesture(55, 1, "b", 0, GestureKind.HAND_OVER, counterpart="b"),
    )
    found = happenings(Script(visits, deeds, 110.0, {}, gestures))
    assert found.kinds == {
        "look and put back": 1, "take": 1, "return": 1, "two at one shelf": 2,
        "put back elsewhere": 1, "hand over": 1,
    }  # fmt: skip
    assert (found.actions, found.confusing) == (7, 5)
    assert found.at_once == {2: 6, 1: 1}


def test_simulations_suffice_for_the_sessions():
    assert SUITES["calm"].simulations(100) == 100
    assert SUITES["confusing"].simulations(9) == 3
    busy = SUITES["busy"]
    assert [busy.simulations(n) for n in (1, 3, 4, 12, 18, 19)] == [1, 1, 2, 3, 4, 5]


def test_new_products_have_brands_of_their_own_and_other_weights():
    suite = SUITES["new_products"]
    store = suite.store(1)
    plain = replace(suite, new_products=False).store(1)
    factors: dict[tuple[str, str], set[float]] = {}
    for product in store.products.values():
        old = plain.products[product.id]
        new = read_label(product.name)
        assert new.brand != read_label(old.name).brand
        assert new.brand.startswith(("C", "H", "J", "Sh", "Th", "X", "Y"))
        assert (new.flavour, new.noun, new.net) == tuple(
            getattr(read_label(old.name), part) for part in ("flavour", "noun", "net")
        )
        factors.setdefault(new.line, set()).add(round(product.weight_kg / old.weight_kg, 2))
    assert len(store.products) > 40
    assert all(max(found) - min(found) <= 0.02 for found in factors.values()), "one line, one size"
    assert len(set().union(*factors.values())) > 10


@pytest.mark.parametrize(
    ("file", "suite"),
    [
        ("calm", "scales_only"),
        ("busy", "busy"),
        ("confusing", "confusing"),
        ("together", "together"),
    ],
)
def test_scenario_files_are_those_of_the_suites(file, suite):
    ours = SUITES[suite].scenarios[-1]
    number = {"shoppers": ours.shoppers, "together": ours.together, "name": ours.name}
    file = load_scenario(SCENARIOS / f"{file}.yaml")
    # Stuck plates and lost messages: only what a suite adds may differ.
    assert file.model_copy(update=number | {"scales": ours.scales}) == ours


def test_the_stores_of_suites_are_always_the_same_and_not_those_of_training():
    suite = SUITES["calm"]
    assert suite.store(1).slots == suite.store(1).slots
    assert suite.store(1).slots != suite.store(2).slots
    assert suite.store(1).slots != generate_store(np.random.default_rng(1), suite.spec).slots
