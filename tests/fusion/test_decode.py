"""What the model says that is no number never reaches a receipt."""

import numpy as np
import pytest
from fusion_samples import Steps, batches, changes, enter, in_order, leave, push_all, small_store

from aisle.fusion.fusion import Fusion
from aisle.fusion.runtime import OUTPUTS


class Broken(Steps):
    """Steps whose output `name` holds `value` in all rows but those of one shelf."""

    def __init__(self, name, value, healthy=""):
        super().__init__()
        self.name, self.value, self.healthy = name, value, healthy

    def run(self, windows):
        outputs = super().run(windows)
        for row, window in enumerate(windows):
            if window.shelf != self.healthy and outputs[self.name].size:
                outputs[self.name][row, ...] = self.value
        return outputs


@pytest.fixture(scope="module")
def store():
    return small_store()


@pytest.fixture(scope="module")
def records(store):
    """One take from each of two shelves at one time."""
    plates = {slot.shelf: slot.plates[0] for slot in store.slots.values()}
    assert len(plates) == 2
    taken = [(plate, 4.0, 0.3) for plate in plates.values()]
    return in_order(batches(store, 0, 14, taken), [enter("a", 1), leave("a", 9)])


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", [n for n in OUTPUTS if n != "withdraw_logits"])
def test_a_row_with_something_that_is_no_number_says_nothing(store, records, name, value):
    healthy = next(iter(store.shelves))
    fusion = Fusion(store, Broken(name, value, healthy))
    found = push_all(fusion, records)
    assert [change.shelf for change in changes(found).values()] == [healthy]
    assert [p.session for p in found if p.final] == ["a"]
    assert fusion.counters["model_outputs_not_finite"] > 0
    for change in changes(found).values():
        assert np.isfinite(change.probability)


def test_a_withdrawal_that_is_no_number_takes_nothing_back(store, records):
    fusion = Fusion(store, Broken("withdraw_logits", np.nan))
    found = push_all(fusion, records)
    assert len(changes(found)) == 2
    assert fusion.counters["model_outputs_not_finite"] > 0


@pytest.mark.parametrize("log_mass", [200.0, -200.0])
def test_a_mass_that_nothing_has_is_no_answer(store, records, log_mass):
    fusion = Fusion(store, Broken("log_mass", log_mass))
    assert changes(push_all(fusion, records)) == {}
    fusion.snapshot()


def test_sound_answers_are_not_counted(store, records):
    fusion = Fusion(store, Steps())
    assert len(changes(push_all(fusion, records))) == 2
    assert "model_outputs_not_finite" not in fusion.counters
