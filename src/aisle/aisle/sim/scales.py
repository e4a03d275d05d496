"""The physics of shelf scales: what plates read while hands take, return, push and bump.

Signals are kilograms at the controller's rate, [samples, plates]. Every block of a controller is
drawn from its own generator, so any block can be made without those before it.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from aisle.sim.scenario import Scales
from aisle.sim.script import Deed, DeedKind
from aisle.store.layout import ShelfLayout

Array = NDArray[np.float64]
Rng = np.random.Generator

NOISE: dict[str, Any] = json.loads((files("aisle.sim") / "noise.json").read_text())
_WARM_UP_S = 1.0
_CREEP_SHARE = 0.0015
_SETTLED_S = 300.0


@dataclass(frozen=True)
class Wave:
    """One contribution to what plates read: `gain * shape(t - start_s)`."""

    shape: str
    """`step`, `bump`, `ring` or `burst`."""
    start_s: float
    duration_s: float
    """Rise of a step, length of a bump, decay time of a ring, half width of a burst."""
    gain_kg: Array
    """[plates], of the shelf where it is made, of the controller where it is played."""
    hz: float = 0.0
    phase: float = 0.0

    @property
    def end_s(self) -> float:
        """From here on a step only creeps and the others are over."""
        factor = {"step": 1.0, "bump": 1.0, "ring": 6.0, "burst": 6.0}[self.shape]
        return self.start_s + factor * self.duration_s


def footprint(layout: ShelfLayout, x: float, width: float, rng: Rng) -> Array:
    """Share of a product's weight on each plate, [plates], sum 1.

    The share follows the overlap of the product with the plate, unevenly: nothing stands flat.
    """
    left = np.maximum(layout.centre - layout.width / 2, x - width / 2)
    right = np.minimum(layout.centre + layout.width / 2, x + width / 2)
    share = np.clip(right - left, 0.0, None)
    if share.sum() <= 1e-6:
        share = (np.abs(layout.centre - x) == np.abs(layout.centre - x).min()).astype(float)
    share = share * np.exp(rng.normal(0, 0.35, len(share)))
    share[share < 0.02 * share.sum()] = 0.0
    return np.asarray(share / share.sum())


def _near(layout: ShelfLayout, x: float, reach: float) -> Array:
    return np.asarray(np.exp(-0.5 * ((layout.centre - x) / reach) ** 2))


def waves_of(deed: Deed, layout: ShelfLayout, rng: Rng) -> list[Wave]:
    """What one deed does to the plates of its shelf ([plates of the shelf] gains)."""
    share = footprint(layout, deed.x_m, deed.width_m, rng)
    if deed.kind is DeedKind.TOUCH:
        return _touch(deed, layout, share, rng)
    sign = -1.0 if deed.kind is DeedKind.TAKE else 1.0
    step = sign * deed.weight_kg * share + _leak(deed.weight_kg, share, rng)
    rise = min(float(rng.uniform(0.05, 0.4)), deed.duration_s)
    at = deed.end_s - rise
    waves = [Wave("step", at, rise, step)]
    waves += _push(deed.start_s, max(deed.duration_s, 0.2), layout, deed.x_m, 0.7, rng)
    if sign > 0:
        hit = deed.weight_kg * share * rng.uniform(0.1, 1.2)
        waves.append(Wave("bump", at + 0.6 * rise, float(rng.uniform(0.05, 0.14)), hit))
    ring = deed.weight_kg * share * rng.uniform(0.02, 0.25)
    ring = ring + deed.weight_kg * 0.03 * rng.random() * _near(layout, deed.x_m, 0.2)
    decay = float(rng.uniform(0.06, 0.3))
    hz, phase = float(rng.uniform(5, 13)), float(rng.uniform(0, 2 * math.pi))
    waves.append(Wave("ring", at + rise, decay, ring, hz, phase))
    if rng.random() < 0.35:
        waves.append(_shift(deed.end_s - rise, layout, deed.x_m, 0.06 * deed.weight_kg, rng))
    return waves


def _leak(weight: float, share: Array, rng: Rng) -> Array:
    """One to two percent of a step shows on the neighbours, of either sign."""
    near = np.convolve((share > 0).astype(float), [1.0, 1.0, 1.0], mode="same") > 0
    return np.asarray(weight * rng.normal(0, 0.008, len(share)) * near)


def _push(
    start: float, duration: float, layout: ShelfLayout, x: float, chance: float, rng: Rng
) -> list[Wave]:
    """A hand leans on what it touches: a few bumps of either sign, mostly down."""
    waves: list[Wave] = []
    while rng.random() < chance and len(waves) < 4:
        force = float(np.exp(rng.normal(math.log(0.03), 1.0))) * rng.choice([1.0, 1.0, -0.6])
        length = float(rng.uniform(0.08, 0.6))
        at = start + float(rng.uniform(-0.2, duration))
        where = x + float(rng.normal(0, 0.04))
        waves.append(Wave("bump", at, length, min(force, 0.8) * _near(layout, where, 0.07)))
        chance *= 0.75
    return waves


def _shift(at: float, layout: ShelfLayout, x: float, weight: float, rng: Rng) -> Wave:
    """Neighbouring goods slide: weight moves from one plate to the next and stays there."""
    gain = np.zeros(len(layout.centre))
    index = int(np.abs(layout.centre - x).argmin())
    other = index + int(rng.choice([-1, 1]))
    if 0 <= other < len(gain):
        moved = weight * float(rng.uniform(-1, 1))
        gain[index], gain[other] = moved, -moved
    return Wave("step", at, float(rng.uniform(0.1, 0.5)), gain)


def sway(at: float, layout: ShelfLayout, rng: Rng) -> Wave:
    """A slow shift of a few grams that nobody's goods made, [plates of the shelf] gains.

    Somebody leans on the furniture, the floor gives, goods settle: a whole shelf or one place,
    over and gone or for good. Sizes as in the quiet seconds of the recording in `noise.json`.
    """
    plates = len(layout.centre)
    if rng.random() < 0.6:
        each = float(np.exp(rng.normal(math.log(0.0003), 0.8)))
        gain = each * np.exp(rng.normal(0, 0.7, plates)) * rng.choice([1, 1, 1, 1, -1], plates)
    else:
        size = float(np.exp(rng.normal(math.log(0.0025), 0.7)))
        gain = size * _near(layout, float(rng.choice(layout.centre)), 0.06)
    gain = np.clip(gain * rng.choice([-1.0, 1.0]), -0.02, 0.02)
    if rng.random() < 0.5:
        return Wave("step", at, float(rng.uniform(0.1, 2.0)), gain)
    return Wave("bump", at, float(np.exp(rng.uniform(math.log(0.4), math.log(8.0)))), gain)


def _touch(deed: Deed, layout: ShelfLayout, share: Array, rng: Rng) -> list[Wave]:
    waves = _push(deed.start_s, deed.duration_s, layout, deed.x_m, 0.97, rng)
    if deed.weight_kg > 0:
        rise = 0.2 * deed.duration_s
        moved = footprint(layout, deed.x_m + rng.normal(0, 0.012), deed.width_m, rng)
        waves.append(Wave("step", deed.start_s, rise, -deed.weight_kg * share))
        waves.append(Wave("step", deed.end_s - rise, rise, deed.weight_kg * moved))
    elif rng.random() < 0.4:
        waves.append(_shift(deed.end_s, layout, deed.x_m, float(rng.uniform(0, 0.03)), rng))
    return waves


class FixtureScales:
    """All plates of one controller: waves, noise, drift, faults."""

    def __init__(
        self, shelves: list[NDArray[np.int64]], plates: int, rate_hz: float, scales: Scales,
        seed: tuple[int, ...], bursts_s: list[float],
    ) -> None:  # fmt: skip
        """Set up one controller.

        Args:
            shelves: Columns, in the controller's messages, of the plates of each shelf.
            plates: Number of columns.
            rate_hz: Samples a second.
            scales: Faults and factors.
            seed: Entropy for this controller.
            bursts_s: Times at which the whole fixture vibrates.
        """
        rng = np.random.default_rng(seed)
        self.rate_hz, self.seed, self.scales = rate_hz, seed, scales
        fit, self.plates = NOISE, plates
        log_sd = np.full(plates, fit["sd_kg"]["shelf_log_median"], dtype=float)
        for columns in shelves:
            log_sd[columns] += rng.normal(0, fit["sd_kg"]["shelf_log_sd"])
        log_sd += rng.normal(0, fit["sd_kg"]["plate_log_sd"], plates)
        self.sd = np.minimum(np.exp(log_sd), fit["sd_kg"]["max"]) * scales.noise
        loud = np.log(np.maximum(self.sd / max(scales.noise, 1e-9), 1e-12))
        loud -= math.log(fit["resonance"]["quiet_sd_kg"])
        loud /= math.log(fit["resonance"]["loud_sd_kg"] / fit["resonance"]["quiet_sd_kg"])
        quiet, top = fit["resonance"]["quiet_share"], fit["resonance"]["loud_share"]
        self.resonant = np.clip(quiet + (top - quiet) * loud, quiet, top)
        self.hz = float(rng.uniform(*fit["resonance"]["hz"]))
        self.sign = rng.choice([1.0, 1.0, 1.0, -1.0], plates)
        drift = fit["drift_kg_per_9s"]
        self.drift = np.exp(rng.normal(drift["log_median"], drift["log_sd"], plates)) / 9.0
        self.drift_rate = rng.uniform(2 * math.pi / 600, 2 * math.pi / 60, plates)
        self.drift_phase = rng.uniform(0, 2 * math.pi, plates)
        self.load = rng.uniform(0.3, 4.0, plates)
        heavy = rng.random(plates) < scales.overload
        self.load[heavy] = rng.uniform(19.0, 19.9, int(heavy.sum()))
        self.stuck = rng.random(plates) < scales.stuck_plates
        self.dead = rng.random(plates) < scales.dead_plates
        self.waves: list[Wave] = []
        for at in bursts_s:
            gain = self.sd * float(np.exp(rng.normal(math.log(4), 0.5)))
            self.waves.append(
                Wave("burst", at, float(rng.uniform(0.15, 0.8)), gain * self.sign, self.hz)
            )

    def sort(self) -> None:
        """Call once after adding waves."""
        self.waves.sort(key=lambda wave: wave.start_s)

    def block(self, first: int, count: int) -> NDArray[np.float32]:
        """Samples `first` to `first + count`, [count, plates]; NaN where a plate is dead."""
        rng = np.random.default_rng((*self.seed, 7, first))
        t = (first + np.arange(count)) / self.rate_hz
        signal = self.load + self._noise(rng, count)
        # The integral of a slow sine: bounded, and steep enough to match the fitted drift.
        turn = np.cos(np.outer(t, self.drift_rate) + self.drift_phase)
        signal += self.drift / self.drift_rate * turn
        for wave in self.waves:
            if wave.start_s > t[-1] + 3:
                break
            _add(wave, t, signal)
        signal = np.round(signal / NOISE["quantum_kg"]) * NOISE["quantum_kg"]
        signal[:, self.stuck] = self.load[self.stuck]
        signal[:, self.dead] = np.nan
        return np.asarray(signal, dtype=np.float32)

    def _noise(self, rng: Rng, count: int) -> Array:
        """White noise and a ringing at the fixture's own frequency, [count, plates]."""
        warm = int(_WARM_UP_S * self.rate_hz)
        white = rng.standard_normal((count + warm, self.plates + 1))
        radius = math.exp(-1 / (NOISE["resonance"]["decay_s"] * self.rate_hz))
        angle = 2 * math.pi * self.hz / self.rate_hz
        ringing = lfilter([1.0], [1.0, -2 * radius * math.cos(angle), radius**2], white, axis=0)
        ringing = ringing[warm:] / (ringing[warm:].std(axis=0) + 1e-12)
        shared = NOISE["shared"]
        common = ringing[:, -1:] * self.sign
        ringing = math.sqrt(shared) * common + math.sqrt(1 - shared) * ringing[:, :-1]
        mix = np.sqrt(1 - self.resonant) * white[warm:, :-1] + np.sqrt(self.resonant) * ringing
        slow = np.repeat(rng.normal(0, NOISE["envelope_log_sd"], count // 60 + 2), 60)[:count]
        return np.asarray(mix * self.sd * np.exp(slow)[:, None])


def _add(wave: Wave, t: Array, signal: Array) -> None:
    """Add one wave to `signal` [samples, plates] at times `t`, touching only where it acts."""
    if wave.shape == "step":
        if t[0] > wave.end_s + _SETTLED_S:
            signal += (1 + _CREEP_SHARE) * wave.gain_kg
            return
        begin = int(np.searchsorted(t, wave.start_s))
        x = np.clip((t[begin:] - wave.start_s) / max(wave.duration_s, 1e-3), 0, 1)
        creep = _CREEP_SHARE * (1 - np.exp(-np.clip(t[begin:] - wave.end_s, 0, None) / 120))
        shape = x * x * (3 - 2 * x) + creep
    else:
        early = 3 * wave.duration_s if wave.shape == "burst" else 0.0
        begin = int(np.searchsorted(t, wave.start_s - early))
        end = int(np.searchsorted(t, wave.end_s))
        if end <= begin:
            return
        s = t[begin:end] - wave.start_s
        if wave.shape == "bump":
            shape = np.sin(math.pi * np.clip(s / wave.duration_s, 0, 1)) ** 2
        elif wave.shape == "ring":
            shape = np.exp(-s / wave.duration_s) * np.sin(2 * math.pi * wave.hz * s + wave.phase)
        else:
            envelope = np.exp(-0.5 * (s / wave.duration_s) ** 2)
            shape = envelope * np.sin(2 * math.pi * wave.hz * s)
        signal[begin:end] += np.outer(shape, wave.gain_kg)
        return
    signal[begin:] += np.outer(shape, wave.gain_kg)
