import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisle.bags import metrics
from aisle.bags.metrics import Counts

RECEIPTS = st.dictionaries(st.sampled_from("abcd"), st.integers(1, 4))


def test_receipts_overlap_unit_by_unit():
    counts = metrics.compare({"cola": 2, "soap": 1}, {"cola": 3, "rice": 1})
    assert counts == Counts(right=2, extra=2, missing=1)
    assert counts.precision == pytest.approx(2 / 4)
    assert counts.recall == pytest.approx(2 / 3)
    assert counts.f1 == pytest.approx(4 / 7)


def test_an_empty_receipt_for_an_empty_hand_is_perfect():
    assert metrics.compare({}, {}).f1 == 1.0
    assert metrics.compare({"a": 1}, {}).f1 == 0.0
    assert metrics.compare({}, {"a": 1}).precision == 0.0


@given(RECEIPTS, RECEIPTS)
def test_f1_is_the_harmonic_mean_and_symmetric(true, ours):
    counts, swapped = metrics.compare(true, ours), metrics.compare(ours, true)
    assert counts.f1 == pytest.approx(swapped.f1)
    if counts.right:
        assert counts.f1 == pytest.approx(2 / (1 / counts.precision + 1 / counts.recall), abs=1e-12)


def test_wilson_interval_matches_published_values():
    # Newcombe 1998, table I: 81 of 263 gives 0.2553 to 0.3662; 0 of 20 gives 0 to 0.1611.
    assert metrics.wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert metrics.wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert metrics.wilson(0, 0) == (0.0, 1.0)


def test_bootstrap_covers_the_score_and_is_repeatable():
    sessions = [Counts(4, 0, 0)] * 60 + [Counts(2, 2, 2)] * 40
    low, high = metrics.bootstrap_f1(sessions)
    assert low < 0.8 < high
    assert metrics.bootstrap_f1(sessions) == (low, high)
    # Var of one session's share is 0.06, so 100 sessions give about 0.8 +- 1.96 * sqrt(0.06 / 100).
    assert high - low == pytest.approx(2 * 1.96 * math.sqrt(0.06 / 100), rel=0.15)
    assert metrics.bootstrap_f1([Counts(3, 0, 0)] * 5) == (1.0, 1.0)


def test_shoppers_who_were_there_together_count_as_one_draw():
    right, wrong = Counts(5, 0, 0), Counts(0, 5, 5)
    sessions = [right] * 300 + [wrong] * 300
    low, high = metrics.bootstrap_f1(sessions)
    low_6, high_6 = metrics.bootstrap_f1(sessions, [i // 6 for i in range(600)])
    # Groups of six that are alike say as much as a sixth of the sessions: sqrt(6) times as wide.
    assert (high_6 - low_6) / (high - low) == pytest.approx(math.sqrt(6), rel=0.1)
    few = [i // 300 for i in range(600)]
    assert metrics.bootstrap_f1(sessions, few) == (low, high)


def test_poisson_interval_matches_published_values():
    # Garwood 1936: 0 events give 0 to 3.69, 10 events 4.80 to 18.39.
    assert metrics.poisson(0) == pytest.approx((0.0, 3.6889), abs=5e-5)
    assert metrics.poisson(10) == pytest.approx((4.7954, 18.3904), abs=5e-5)


def test_the_interval_of_a_calibration_error_tells_doubt_from_chance():
    def stated(count: int, share: float) -> tuple[list[float], list[bool]]:
        return [0.85] * count, [i < share * count for i in range(count)]

    low, high = metrics.calibration_interval(*stated(1000, 0.6))
    # 0.25 too sure, give or take 1.96 * sqrt(0.6 * 0.4 / 1000).
    assert (low, high) == pytest.approx((0.25 - 0.0304, 0.25 + 0.0304), abs=0.004)
    assert metrics.calibration_interval(*stated(1000, 0.85))[0] == 0.0
    assert metrics.calibration_interval([], []) == (0.0, 1.0)


def test_calibration_by_hand():
    stated = [0.55, 0.58, 0.97, 0.97, 0.97, 0.97, 1.0]
    right = [True, False, True, True, True, False, True]
    bins, error = metrics.calibration(stated, right)
    assert [(b.low, b.cases) for b in bins] == [(0.5, 2), (0.95, 4), (0.99, 1)]
    assert bins[1].stated == pytest.approx(0.97)
    assert bins[1].right == pytest.approx(0.75)
    assert bins[1].interval == metrics.wilson(3, 4)
    assert error == pytest.approx((2 * abs(0.565 - 0.5) + 4 * abs(0.97 - 0.75) + 0.0) / 7)
    assert metrics.calibration([], []) == ([], 0.0)


def test_review_curve_by_hand():
    points = metrics.review_curve([0.4, 0.7, 0.9, 0.95], [False, True, False, True], (0, 0.5, 0.92))
    assert [(p.reviewed, p.right) for p in points] == [
        (0.0, 0.5),
        (0.25, pytest.approx(2 / 3)),
        (0.75, 1.0),
    ]
    assert [(p.kept, p.interval) for p in points] == [
        (4, metrics.wilson(2, 4)),
        (3, metrics.wilson(2, 3)),
        (1, metrics.wilson(1, 1)),
    ]


def test_spread_of_seconds():
    assert metrics.spread([]) is None
    found = metrics.spread([float(n) for n in range(101)])
    assert (found.cases, found.median, found.p95) == (101, 50.0, 95.0)
    # Ranks between which the quantile of 101 cases lies: 41st to 61st, 91st to the last.
    assert found.median_interval == (40.0, 60.0)
    assert found.p95_interval == (90.0, 100.0)
    assert metrics.spread([7.0]).p95_interval == (7.0, 7.0)


@given(st.lists(st.floats(0, 100), min_size=1, max_size=60))
def test_an_interval_of_seconds_holds_what_it_is_of(seconds):
    found = metrics.spread(seconds)
    for value, (low, high) in (
        (found.median, found.median_interval),
        (found.p95, found.p95_interval),
    ):
        assert min(seconds) <= low <= value + 1e-9
        assert low <= high
        assert value - 1e-9 <= high <= max(seconds)
