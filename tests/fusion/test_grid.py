import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisle.fusion.grid import BIN_NS, BINS, SignalGrid
from aisle.records import WeightBatch

PERIOD_NS = 16_666_667


def batch(stamp_ns, kilograms):
    kilograms = np.asarray(kilograms, dtype=np.float32)
    status = np.zeros(kilograms.shape[1], dtype=np.uint8)
    plates = tuple(f"g1/s1/p{i}" for i in range(kilograms.shape[1]))
    return WeightBatch("g1", stamp_ns, PERIOD_NS, plates, kilograms, status)


def test_a_bin_holds_the_mean_of_its_samples():
    grid = SignalGrid(1)
    samples = np.arange(600, dtype=np.float32)[:, None] / 1000
    for first in range(0, 600, 12):
        grid.add(batch(first * PERIOD_NS, samples[first : first + 12]))
    signal, valid = grid.window(BINS + 20)
    stamps = np.arange(600) * PERIOD_NS
    means = [samples[stamps // BIN_NS == b].mean() for b in range(20, BINS + 20)]
    assert valid.all()
    assert signal[:, 0] == pytest.approx(np.array(means) - np.mean(means[:8]), abs=1e-5)


def test_a_missed_sample_is_not_zero():
    grid = SignalGrid(2)
    samples = np.full((600, 2), 5.0, dtype=np.float32)
    samples[100:200, 0] = np.nan
    for first in range(0, 600, 12):
        grid.add(batch(first * PERIOD_NS, samples[first : first + 12]))
    signal, valid = grid.window(BINS)
    assert np.abs(signal).max() < 1e-6
    assert not valid[:, 0].all()
    assert valid[:, 1].all()


def test_a_plate_without_any_reading_stays_flat_and_is_marked():
    grid = SignalGrid(1)
    for first in range(0, 600, 12):
        grid.add(batch(first * PERIOD_NS, np.full((12, 1), np.nan)))
    signal, valid = grid.window(BINS)
    assert not valid.any()
    assert (signal == 0).all()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.integers(0, 10**12))
def test_how_samples_are_cut_into_messages_does_not_matter(sizes, start_ns):
    total = sum(sizes)
    samples = np.random.default_rng(total).random((total, 3)).astype(np.float32)
    cut, whole = SignalGrid(3), SignalGrid(3)
    first = 0
    for size in sizes:
        cut.add(batch(start_ns + first * PERIOD_NS, samples[first : first + size]))
        first += size
    for i in range(total):
        whole.add(batch(start_ns + i * PERIOD_NS, samples[i : i + 1]))
    end = (start_ns + total * PERIOD_NS) // BIN_NS
    for ours, theirs in zip(cut.window(end), whole.window(end), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-6)
