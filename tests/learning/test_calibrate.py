"""Calibration: stated probabilities become the shares that were right."""

import itertools

import numpy as np
import pytest

from aisle.learning.calibrate import fit, fit_temperature


def test_a_curve_learns_the_share_that_was_right_and_never_falls():
    rng = np.random.default_rng(1)
    stated = rng.uniform(0.3, 1.0, 4000)
    cases = [(float(p), bool(rng.random() < p**2)) for p in stated]
    known, share = zip(*fit(cases), strict=True)
    assert np.abs(np.array(share) - np.array(known) ** 2).max() < 0.15
    assert all(a <= b for a, b in itertools.pairwise(share))


def test_a_bin_without_errors_does_not_claim_certainty():
    assert max(share for _, share in fit([(0.99, True)] * 600)) < 1


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_overconfidence(factor):
    rng = np.random.default_rng(2)
    choices = []
    for _ in range(3000):
        logits = rng.normal(0, 1.5, 3)
        share = np.exp(logits) / np.exp(logits).sum()
        choices.append(([float(x * factor) for x in logits], int(rng.choice(3, p=share))))
    assert fit_temperature(choices) == pytest.approx(factor, rel=0.12)


def test_nothing_known_changes_nothing():
    assert fit([]) == []
    assert fit_temperature([]) == 1.0
