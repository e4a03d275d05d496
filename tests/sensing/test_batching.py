"""Samples become batches with acquisition stamps; lost ones become NaN, never 0."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.records import PlateStatus
from aisle.sensing.batching import MAX_LOST, STEP_NS, Batcher, ClockWatch, StampEstimator
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


def test_a_clock_that_was_set_is_told_from_one_that_is_read_late_or_slewed():
    watch = ClockWatch()
    hour = 3600 * 10**9
    assert watch.step_ns(hour, 10.0) == 0
    assert watch.step_ns(hour + 7 * 10**9, 17.0) == 0
    assert watch.step_ns(hour + 8 * 10**9 + STEP_NS, 18.0) == 0
    assert watch.step_ns(8 * 10**9, 18.0) == pytest.approx(-hour, abs=STEP_NS)
    assert watch.step_ns(9 * 10**9, 19.0) == 0
    assert watch.step_ns(10 * 10**9 + hour, 20.0) == pytest.approx(hour, abs=1000)
    assert watch.steps == 2


@pytest.mark.parametrize("step_ns", [-7200 * 10**9, -(10**9), 10**9, 50 * 365 * 86400 * 10**9])
@pytest.mark.parametrize("counted", [True, False])
def test_stamps_go_with_a_clock_that_was_set_and_no_batch_holds_both(step_ns, counted):
    batcher, start = Batcher(CONTROLLER), 10**13
    for k in range(6):
        batcher.add(ok(k if counted else None), start + k * PERIOD)
    (short,) = batcher.follow(step_ns)
    assert (short.stamp_ns, len(short.kilograms)) == (start + 4 * PERIOD, 2)
    (first,) = [
        batch
        for k in range(6, 10)
        for batch in batcher.add(ok(k if counted else None), start + step_ns + k * PERIOD)
    ]
    assert first.stamp_ns == start + step_ns + 6 * PERIOD
    assert len(first.kilograms) == 4
    assert batcher.lost == 0


def test_a_step_between_two_batches_sends_nothing():
    batcher = Batcher(CONTROLLER)
    for k in range(4):
        batcher.add(ok(k), k * PERIOD)
    assert batcher.follow(-PERIOD) == []
