"""Samples become batches with acquisition stamps; lost ones become NaN, never 0."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.records import PlateStatus
from aisle.sensing.batching import MAX_LOST, Batcher, StampEstimator
from aisle.sensing.serial_lines import Sample
from aisle.store.types import Controller

PERIOD = 100_000_000
CONTROLLER = Controller("c", ("p1", "p2"), rate_hz=10.0, samples_per_message=4)


def ok(sequence, weight=1.0):
    return Sample((weight, 2.0), (PlateStatus.OK, PlateStatus.OK), sequence)


def test_batch_is_full_after_samples_per_message():
    batcher = Batcher(CONTROLLER)
    got = [batch for k in range(9) for batch in batcher.add(ok(k, k), k * PERIOD)]
    assert [batch.stamp_ns for batch in got] == [0, 4 * PERIOD]
    assert got[1].kilograms[:, 0].tolist() == [4, 5, 6, 7]
    assert got[1].plates == ("p1", "p2")
    assert got[1].period_ns == PERIOD


def test_lost_lines_become_rows_of_nan_at_their_time():
    batcher = Batcher(CONTROLLER)
    batcher.add(ok(7), 0)
    (batch,) = batcher.add(ok(10), 3 * PERIOD)
    assert np.isnan(batch.kilograms[1:3]).all()
    assert not np.isnan(batch.kilograms[[0, 3]]).any()
    assert batch.status.tolist() == [PlateStatus.OK, PlateStatus.OK]
    assert batcher.lost == 2


def test_counter_wraps_repeats_and_restarts():
    batcher = Batcher(CONTROLLER)
    batcher.add(ok(2**32 - 1), 0)
    assert batcher.add(ok(0), PERIOD) == []
    assert batcher.lost == 0
    batcher.add(ok(0), PERIOD)
    assert batcher.repeated == 1
    (short,) = batcher.add(ok(0xF0000000), 2 * PERIOD)
    assert len(short.kilograms) == 2
    assert batcher.lost == 0


def test_long_hole_begins_a_new_stream():
    batcher = Batcher(CONTROLLER)
    batcher.add(ok(0), 0)
    (short,) = batcher.add(ok(MAX_LOST + 5), 60 * PERIOD)
    assert len(short.kilograms) == 1
    assert batcher.lost == 0


def test_status_is_the_worst_of_the_samples_that_were_read():
    batcher = Batcher(CONTROLLER)
    nan = float("nan")
    missing, over = PlateStatus.MISSING, PlateStatus.OVERLOAD
    batcher.add(Sample((nan, nan), (missing, over), 0), 0)
    batcher.add(Sample((nan, 1.0), (missing, PlateStatus.OK), 1), PERIOD)
    batcher.add(Sample((nan, nan), (missing, missing), 2), 2 * PERIOD)
    (batch,) = batcher.add(Sample((nan, 1.0), (missing, PlateStatus.OK), 3), 3 * PERIOD)
    assert batch.status.tolist() == [missing, over]


@given(st.lists(st.integers(0, 60_000_000), min_size=30, max_size=80), st.floats(-0.01, 0.01))
def test_stamps_follow_the_source_and_not_the_jitter(delays, rate_error):
    """With delays of up to 60 ms and a rate off by up to 1 %, stamps lag by the delay at most."""
    estimator = StampEstimator(PERIOD)
    true = [round(k * PERIOD * (1 + rate_error)) for k in range(len(delays))]
    stamps = [estimator.stamp(k, t + d) for k, (t, d) in enumerate(zip(true, delays, strict=True))]
    errors = np.array(stamps) - np.array(true)
    assert errors.max() <= 60_000_000
    assert errors.min() >= -1000


def test_stamps_of_a_device_without_counter_are_arrivals():
    batcher = Batcher(Controller("c", ("p",), rate_hz=10.0, samples_per_message=1))
    one = Sample((1.0,), (PlateStatus.OK,))
    stamps = [batcher.add(one, at)[0].stamp_ns for at in (0, 90_000_000, 250_000_000)]
    assert stamps == pytest.approx([0, 90_000_000, 250_000_000])
