"""Frozen scales are found; a tare averages, persists and never half-writes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.records import PlateStatus, WeightBatch
from aisle.sensing.health import FrozenWatch, Tare

SECOND = 1_000_000_000


def batch(at_s, kilograms, plates=("p1", "p2")):
    values = np.array(kilograms, np.float32)
    status = np.full(len(plates), PlateStatus.OK, np.uint8)
    return WeightBatch("c", int(at_s * SECOND), SECOND // 10, plates, values, status)


def test_identical_readings_for_too_long_are_frozen_until_they_move():
    watch = FrozenWatch(5.0)
    for second in range(8):
        watch.add(batch(second, [[1.0, second], [1.0, 2.0]]))
    assert watch.frozen == ("p1",)
    watch.add(batch(8, [[1.0001, 0.0], [1.0, 0.0]]))
    assert watch.frozen == ()


def test_missed_samples_do_not_unfreeze():
    watch = FrozenWatch(5.0)
    for second in range(8):
        value = np.nan if second % 2 else 1.0
        watch.add(batch(second, [[value, second], [value, 0.0]]))
    assert watch.frozen == ("p1",)


def test_a_clock_that_is_set_back_hides_no_frozen_plate():
    watch = FrozenWatch(5.0)
    for second in (7200, *range(8)):
        watch.add(batch(second, [[1.0, second], [1.0, 2.0]]))
    assert watch.frozen == ("p1",)


def test_limit_zero_never_reports():
    watch = FrozenWatch(0.0)
    for second in range(0, 10_000, 1000):
        watch.add(batch(second, [[1.0, 1.0]]))
    assert watch.frozen == ()


def test_tare_averages_the_last_good_readings_and_survives_a_restart(tmp_path):
    path = tmp_path / "state" / "tare.json"
    tare = Tare(path)
    tare.apply(batch(0, [[9.0, 0.0]] * 5))
    tare.apply(batch(1, [[1.0, 0.0], [np.nan, 0.0], [1.2, 0.0]] * 10))
    assert tare.set_zero("p1", 20) == pytest.approx(1.1)
    again = Tare(path)
    assert again.apply(batch(2, [[1.5, 7.0]])).kilograms == pytest.approx(np.array([[0.4, 7.0]]))
    assert np.isnan(again.apply(batch(3, [[np.nan, 0.0]])).kilograms[0, 0])


def test_second_tare_returns_what_was_on_the_plate_and_does_not_add_up():
    tare = Tare()
    tare.apply(batch(0, [[1.0, 0.0]] * 20))
    tare.set_zero("p1")
    tare.apply(batch(1, [[1.5, 0.0]] * 20))
    assert tare.set_zero("p1") == pytest.approx(0.5)
    assert tare.offsets["p1"] == pytest.approx(1.5)


def test_tare_that_cannot_be_done_says_why(tmp_path):
    tare = Tare()
    with pytest.raises(ValueError, match="no readings of a plate 'p1'"):
        tare.set_zero("p1")
    tare.apply(batch(0, [[1.0, np.nan]] * 30))
    with pytest.raises(ValueError, match="only 0 good readings"):
        tare.set_zero("p2")
    with pytest.raises(ValueError, match="1 to 600"):
        tare.set_zero("p1", 601)
    (tmp_path / "file").write_text("")
    tare = Tare(tmp_path / "file" / "tare.json")
    tare.apply(batch(0, [[1.0, 0.0]] * 30))
    with pytest.raises(OSError, match="file"):
        tare.set_zero("p1")
    assert tare.offsets == {}


@given(st.binary(max_size=60))
def test_damaged_tare_file_is_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("tare") / "tare.json"
    path.write_bytes(data)
    try:
        offsets = Tare(path).offsets
    except ValueError:
        return
    assert all(np.isfinite(value) for value in offsets.values())
