"""Plates that overload, fail or fall silent while their controller speaks."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.fusion.plate_health import PlateHealth
from aisle.records import PlateStatus, WeightBatch

SECOND = 1_000_000_000
PERIOD_NS = SECOND // 60
STEP_NS = 12 * PERIOD_NS
PLATES = ("g1/s1/p1", "g1/s1/p2", "g1/s1/p3")


def batch(number, status=(0, 0, 0), missing=(), plates=PLATES):
    kilograms = np.ones((12, len(plates)), np.float32)
    kilograms[:, list(missing)] = np.nan
    return WeightBatch(
        "g1", 100 * SECOND + number * STEP_NS, PERIOD_NS, plates, kilograms,
        np.array(status, np.uint8),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (PlateStatus.MISSING, "no reading"),
        (PlateStatus.OVERLOAD, "overload"),
        (PlateStatus.UNDERLOAD, "underload"),
        (PlateStatus.FAULT, "fault"),
        (77, "no reading"),
    ],
)
def test_a_status_that_lasts_is_told_once_and_so_is_its_end(status, reason):
    health = PlateHealth(2.0)
    found = [c for k in range(30) for c in health.add(batch(k, (0, status * (5 <= k < 25), 0)))]
    lost, healed = found
    assert (lost.plate, lost.reason, lost.good) == (PLATES[1], reason, False)
    assert lost.since_ns == batch(5).stamp_ns
    assert 2.0 < (lost.stamp_ns - lost.since_ns) / SECOND < 2.4
    assert lost.text == f"g1/s1/p2: {reason} for 2.2 s"
    assert (healed.plate, healed.reason, healed.good) == (PLATES[1], reason, True)
    assert healed.stamp_ns == batch(25).stamp_ns
    assert health.bad == {}
    assert health.counters == {"plates_bad": 1, "plates_good_again": 1}


def test_readings_that_are_missing_count_whatever_the_status_says():
    health = PlateHealth(2.0)
    found = [c for k in range(20) for c in health.add(batch(k, missing=(0, 2)))]
    assert [c.plate for c in found] == [PLATES[0], PLATES[2]]
    assert set(health.bad) == {PLATES[0], PLATES[2]}


def test_a_push_or_lost_samples_are_not_told():
    health = PlateHealth(2.0)
    bad = [k % 10 for k in range(200)]
    assert not any(health.add(batch(k, (2, 0, 0) if bad[k] else (0, 0, 0))) for k in range(200))
    holed = batch(0)
    holed.kilograms[:11] = np.nan
    assert not any(health.add(holed) for _ in range(20))


def test_time_that_begins_anew_begins_the_limit_anew():
    health = PlateHealth(2.0)
    for k in range(1000, 1005):
        assert not health.add(batch(k, (2, 0, 0)))
    found = [c for k in range(20) for c in health.add(batch(k, (2, 0, 0)))]
    assert [c.since_ns for c in found] == [batch(0).stamp_ns]


def test_other_plates_on_a_controller_begin_good():
    health = PlateHealth(2.0)
    for k in range(20):
        health.add(batch(k, (2, 0, 0)))
    assert health.bad
    health.add(batch(20, plates=PLATES[::-1]))
    assert health.bad == {}


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), max_size=60))
def test_bad_are_those_whose_last_good_batch_is_longer_ago_than_the_limit(history):
    health, told = PlateHealth(1.0), set()
    for k, bad in enumerate(history):
        for change in health.add(batch(k, [2 * b for b in bad])):
            (told.discard if change.good else told.add)(change.plate)
        for column, plate in enumerate(PLATES):
            run = 0
            while run <= k and history[k - run][column]:
                run += 1
            lasts = run * STEP_NS - PERIOD_NS > SECOND
            assert (plate in health.bad) == (plate in told) == lasts


def test_a_large_store_costs_next_to_nothing():
    plates = tuple(f"g1/s1/p{k}" for k in range(70))
    health, bad = PlateHealth(), np.zeros(70, int)
    bad[[3, 50]] = 2
    batches = [batch(k, bad, (7,), plates) for k in range(500)]
    before = time.process_time()
    for one in batches:
        health.add(one)
    used = time.process_time() - before
    # 500 batches are 20 s of a store with 5 controllers.
    assert used < 0.01 * 20


@pytest.mark.parametrize("wired", [{}, {"g1": PLATES[::-1]}, {"g2": PLATES}])
def test_plates_of_a_controller_that_is_gone_or_rewired_are_not_bad_any_more(wired):
    health = PlateHealth(2.0)
    for k in range(20):
        health.add(batch(k, missing=(1,)))
    health.keep({"g1": PLATES})
    assert list(health.bad) == [PLATES[1]]
    health.keep(wired)
    assert health.bad == {}
    assert [c.plate for k in range(20, 40) for c in health.add(batch(k, missing=(1,)))] == [
        PLATES[1]
    ]
