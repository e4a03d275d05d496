"""Training windows with cameras, varied: parts taken away, and others that might as well be.

What is right stays right: so the model does with what there is, and learns no shelf by heart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from aisle.fusion.windows import FEATURES, GAIN, SEEN, SIGHT_SHAPES, Arrays
from aisle.learning.collect import Sample
from aisle.learning.labels import Label

Rng = np.random.Generator
_ALONG = {
    "plate_signal": 0, "plate_valid": 0, "plate_static": 0, "plate_mask": 0, "candidate_plates": 1,
    "column_feature": 0, "column_state": 0, "column_static": 0, "column_mask": 0,
    "candidate_columns": 1,
}  # fmt: skip
"""Axes that run along the shelf."""
_SIGNED = {"plate_static": [0], "column_static": [0], "session_track": [0, 3, 6]}
"""Numbers that are places along the shelf, from its middle."""


@dataclass(frozen=True)
class VariationConfig:
    """How often, as shares of windows, and how much."""

    no_cameras: float = 0.1
    no_tracks: float = 0.05
    camera_lost: float = 0.05
    no_scales: float = 0.15
    no_plates: float = 0.15
    no_looks: float = 0.05
    some_looks: float = 0.1
    turned: float = 0.7
    """Windows whose products are others."""
    track_m: float = 0.04
    """How far bodies and hands are moved, standard deviation; not where a hand reaches in, which is
    seen at the shelf itself."""
    fewer: float = 0.3
    """Share of products that nobody touches, at most, of which the window is not told."""
    look: float = 0.03
    """How much each number of a feature is off, standard deviation, as those after it."""
    gain: float = 0.15
    """How much more or less goods seem to have come or gone everywhere, logarithm."""
    area: float = 0.08
    """How much larger or smaller a product seems to be, logarithm."""


def without_cameras(arrays: Arrays) -> Arrays:
    """Nothing is seen, as in a store without cameras."""
    return {name: a for name, a in arrays.items() if name not in SIGHT_SHAPES}


def without_scales(arrays: Arrays) -> Arrays:
    """The shelf's scales say nothing, as when their controller is dead."""
    gone = {"plate_signal", "plate_valid"}
    # How rough a signal is tells of steps in it; a dead controller's is as smooth as can be.
    static = arrays["plate_static"].copy()
    static[:, 3] = -1.0
    found = {name: np.zeros_like(a) if name in gone else a for name, a in arrays.items()}
    return found | {"plate_static": static}


def without_plates(arrays: Arrays) -> Arrays:
    """The shelf has no plates."""
    gone = {"plate_signal", "plate_valid", "plate_static", "plate_mask", "candidate_plates"}
    return {name: np.zeros_like(a) if name in gone else a for name, a in arrays.items()}


def weakened(sample: Sample, config: VariationConfig, rng: Rng) -> Sample:
    """A sample from which parts may be missing; what is right stays.

    Nobody is asked about a shelf that is neither seen nor weighed.
    """
    arrays, right = sample.arrays, sample.label
    if "column_mask" not in arrays:
        return sample
    draw = rng.random(4)
    weighed = bool(arrays["plate_valid"].any())
    if draw[0] < config.no_cameras and weighed:
        return replace(sample, arrays=without_cameras(arrays))
    seen = bool(arrays["column_state"][..., SEEN].any())
    if draw[0] > 1 - config.no_scales - config.no_plates and seen:
        if sample.unweighed is None:
            return sample
        take = without_scales if draw[0] > 1 - config.no_scales else without_plates
        arrays, right = take(arrays), sample.unweighed
        weighed = False
        if right.delta is not None:
            right = replace(right, delta=np.zeros_like(right.delta))
    if draw[1] < config.no_tracks:
        arrays = arrays | {"session_track": np.zeros_like(arrays["session_track"])}
    if draw[2] < config.camera_lost and weighed:
        arrays = _half_seen(arrays, rng)
    look = arrays["candidate_look"]
    if draw[3] < config.no_looks:
        arrays = arrays | {"candidate_look": np.zeros_like(look)}
    elif draw[3] < config.no_looks + config.some_looks:
        arrays = arrays | {"candidate_look": look * (rng.random((len(look), 1)) < 0.7)}
    return replace(sample, arrays=arrays, label=right)


def mirrored(sample: Sample) -> Sample:
    """The same in a store that is seen in a mirror: left is right."""
    arrays = dict(sample.arrays)
    for name, axis in _ALONG.items():
        if name in arrays:
            arrays[name] = np.flip(arrays[name], axis)
    for name, numbers in _SIGNED.items():
        if name in arrays:
            arrays[name] = arrays[name].copy()
            arrays[name][..., numbers] *= -1
    blind = sample.unweighed
    return Sample(arrays, _mirrored(sample.label), None if blind is None else _mirrored(blind))


def _mirrored(right: Label) -> Label:
    return right if right.delta is None else replace(right, delta=right.delta[::-1].copy())


def turned(sample: Sample, rng: Rng) -> Sample:
    """Other products that are as like and unlike each other: all features turned alike."""
    turn = np.linalg.qr(rng.normal(size=(FEATURES, FEATURES)))[0].astype(np.float32)
    arrays = sample.arrays
    names = ("column_feature", "candidate_look")
    return replace(sample, arrays=arrays | {name: arrays[name] @ turn for name in names})


def with_fewer_products(sample: Sample, share: float, rng: Rng) -> Sample:
    """A sample without some of the products that nobody touches or carries: as in another store."""
    arrays = sample.arrays
    gone = rng.random(len(arrays["candidate_mask"])) < rng.random() * share
    for right in (sample.label, sample.unweighed):
        if right is not None and right.kind == "change":
            gone[right.candidate] = False
    unnamed, held = arrays["candidate_static"][:, 7] > 0, arrays["candidate_static"][:, 5] > 0
    said = arrays["commit_candidate"].any(0)
    mask = np.where(gone & ~unnamed & ~held & ~said, 0, arrays["candidate_mask"])
    return replace(sample, arrays=arrays | {"candidate_mask": mask.astype(np.float32)})


def roughened(sample: Sample, config: VariationConfig, rng: Rng) -> Sample:
    """A sample whose columns look a little different, and hold a little more or less."""
    arrays = sample.arrays
    feature, state, area = (
        arrays[name] for name in ("column_feature", "column_state", "candidate_area")
    )
    off = rng.normal(0, config.look, (len(feature), 1, FEATURES))
    off = off + rng.normal(0, config.look / 2, feature.shape)
    state = state.copy()
    state[..., GAIN] *= np.exp(rng.normal(0, config.gain))
    return replace(
        sample,
        arrays=arrays
        | {
            "column_feature": (feature + off * state[..., SEEN, None]).astype(np.float32),
            "column_state": state,
            "candidate_area": (area * np.exp(rng.normal(0, config.area, area.shape))).astype(
                np.float32
            ),
        },
    )


def varied(sample: Sample, config: VariationConfig, rng: Rng) -> Sample:
    """A sample that might as well be: seen in a mirror, of other products, with rougher tracks."""
    if "column_mask" not in sample.arrays:
        return sample
    if rng.random() < 0.5:
        sample = mirrored(sample)
    if rng.random() < config.turned:
        sample = turned(sample, rng)
    sample = roughened(with_fewer_products(sample, config.fewer, rng), config, rng)
    track = sample.arrays["session_track"]
    off = rng.normal(0, config.track_m, (len(track), 1, 2)) + rng.normal(
        0, config.track_m / 2, (*track.shape[:2], 2)
    )
    off = np.tile(off, 2)
    moved = track.copy()
    seen = track[..., [2]] > 0
    moved[..., [0, 1, 3, 4]] += (off * seen).astype(np.float32)
    return replace(sample, arrays=sample.arrays | {"session_track": moved})


def _half_seen(arrays: Arrays, rng: Rng) -> Arrays:
    """One side of the shelf is in no camera's sight."""
    count = len(arrays["column_mask"])
    seen = np.arange(count) < rng.integers(count + 1)
    seen = seen if rng.random() < 0.5 else ~seen
    wide = seen[:, None, None]
    static = arrays["column_static"].copy()
    static[~seen, 1] = 0
    return arrays | {
        "column_feature": arrays["column_feature"] * wide,
        "column_state": arrays["column_state"] * wide,
        "column_static": static,
    }


def as_met(sample: Sample, config: VariationConfig, rng: Rng) -> Sample:
    """A sample varied, then with parts taken away."""
    return weakened(varied(sample, config, rng), config, rng)
