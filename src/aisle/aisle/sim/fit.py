"""Fit the simulator's noise to a recording in which nobody touches a shelf for some seconds."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import detrend, welch

from aisle.bags.autocheckout import read_weights
from aisle.records import WeightBatch
from aisle.sim.scales import NOISE

Array = NDArray[np.float64]
_STUCK_KG = 0.00005


def fit_noise(batches: Iterable[WeightBatch], seconds: float, source: str) -> dict[str, Any]:
    """Parameters as in `noise.json`.

    Args:
        batches: Of all controllers, from the beginning of the quiet time.
        seconds: Length of the quiet time.
        source: Where the recording comes from, kept with the figures.

    Raises:
        ValueError: There is not enough signal to fit.
    """
    signals, shelves, rate = _signals(batches, seconds)
    flat = detrend(signals, axis=0)
    sd = flat.std(axis=0)
    live = sd > _STUCK_KG
    if live.sum() < 8:
        raise ValueError("fewer than 8 plates give a signal in the quiet time")
    flat, signals, sd, shelf = flat[:, live], signals[:, live], sd[live], shelves[live]
    log_sd = np.log(sd)
    means = np.array([log_sd[shelf == s].mean() for s in np.unique(shelf)])
    rest = np.concatenate(
        [log_sd[shelf == s] - log_sd[shelf == s].mean() for s in np.unique(shelf)]
    )
    hz, power = welch(flat, fs=rate, nperseg=128, axis=0)
    band = (hz >= 6) & (hz < 13)
    share = power[band].sum(axis=0) / power.sum(axis=0)
    white = float(band.mean())
    resonant = np.clip((share - white) / (1 - white), 0, 1)
    quiet, loud = sd < np.quantile(sd, 0.5), sd > np.quantile(sd, 0.9)
    peaks = hz[power[:, loud].argmax(axis=0)]
    second = int(rate)
    drift = np.abs(signals[-second:].mean(axis=0) - signals[:second].mean(axis=0))
    drift = np.maximum(drift * 9.0 / max(seconds - 1, 1), 1e-6)
    loudness = flat[: len(flat) // second * second].reshape(-1, second, flat.shape[1]).std(axis=1)
    resonance = {
        **NOISE["resonance"],
        "quiet_share": round(float(np.median(resonant[quiet])), 3),
        "loud_share": round(float(np.median(resonant[loud])), 3),
        "quiet_sd_kg": round(float(np.median(sd[quiet])), 6),
        "loud_sd_kg": round(float(np.median(sd[loud])), 6),
        "hz": [round(float(q), 1) for q in np.quantile(peaks, [0.1, 0.9])],
    }
    return {
        "source": source,
        "sd_kg": {
            "shelf_log_median": round(float(np.median(means)), 3),
            "shelf_log_sd": round(float(means.std()), 3),
            "plate_log_sd": round(float(rest.std()), 3),
            "max": round(float(sd.max()), 4),
        },
        "resonance": resonance,
        "shared": round(_shared(flat, shelf), 3),
        "envelope_log_sd": round(float(np.log(loudness / sd).std()), 3),
        "drift_kg_per_9s": {
            "log_median": round(float(np.median(np.log(drift))), 3),
            "log_sd": round(float(np.log(drift).std()), 3),
        },
        "quantum_kg": _quantum(signals),
        "stamp_jitter_s": NOISE["stamp_jitter_s"],
    }


def _signals(batches: Iterable[WeightBatch], seconds: float) -> tuple[Array, NDArray[Any], float]:
    """[samples, plates] of all controllers, the shelf of each plate, samples a second."""
    parts: dict[str, list[Array]] = {}
    names: dict[str, tuple[str, ...]] = {}
    period, start = 0, None
    for batch in batches:
        start = batch.stamp_ns if start is None else start
        if batch.stamp_ns > start + seconds * 1e9:
            break
        parts.setdefault(batch.controller, []).append(batch.kilograms.astype(np.float64))
        names[batch.controller] = batch.plates
        period = batch.period_ns
    if not parts:
        raise ValueError("no readings")
    whole = {c: np.concatenate(p) for c, p in parts.items()}
    count = min(len(signal) for signal in whole.values())
    joined = np.concatenate([whole[c][:count] for c in whole], axis=1)
    shelves = [plate.rsplit("/", 1)[0] for c in whole for plate in names[c]]
    known = np.isfinite(joined).all(axis=0)
    return joined[:, known], np.array(shelves)[known], 1e9 / period


def _shared(flat: Array, shelf: NDArray[Any]) -> float:
    """Median correlation of the sizes of plates of one shelf."""
    found = []
    for name in np.unique(shelf):
        part = flat[:, shelf == name]
        count = part.shape[1]
        if count > 1:
            found += list(np.asarray(np.corrcoef(part.T))[np.triu_indices(count, 1)])
    return float(np.median(found)) if found else 0.0


def _quantum(signals: Array) -> float:
    """The smallest step between readings that is not rounding."""
    steps = np.abs(np.diff(signals, axis=0))
    steps = steps[steps > 2e-5]
    if not len(steps):
        return float(NOISE["quantum_kg"])
    smallest = float(np.quantile(steps, 0.02))
    return round(smallest, 1 - math.floor(math.log10(smallest)) + 1)


def main() -> None:
    """`python -m aisle.sim.fit DIRECTORY`: fit to a recording in the AutoCheckout form."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--seconds", type=float, default=9.0, help="quiet time at the beginning")
    parser.add_argument("--source", default="", help="where the recording comes from")
    arguments = parser.parse_args()
    batches = read_weights(arguments.directory)
    fitted = fit_noise(batches, arguments.seconds, arguments.source or arguments.directory.name)
    print(json.dumps(fitted, indent=1))


if __name__ == "__main__":
    main()
