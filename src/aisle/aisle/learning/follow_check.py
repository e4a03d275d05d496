"""How well tracks follow the right people, on clips that were never trained on.

Three methods answer: the follower, whoever stands nearest to the last place (`nearest_blobs`), and
a track that never leaves the gate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter
from scipy.optimize import linear_sum_assignment

from aisle.learning.walks import Walk
from aisle.receipt_model.follower import TICK_S, Follower, born
from aisle.vision.floor_map import CELL_M, HEADS

Array = NDArray[np.float32]
RIGHT_M = 0.5
"""A head within this of the right person is right."""
_SWITCH_TICKS = 3
"""A track belongs to somebody else when it has been with him for so long."""
_BLOB_M = 0.35
_STEP_M = 0.7
"""A blob farther than this from a track is somebody else."""

Method = Callable[[Walk, NDArray[np.int32], Array], Array]
"""From a clip, the tick at which each track is born [P] and where [P, 2], to heads [T, P, 2]."""


@dataclass
class Score:
    """What a method got right; sums over clips."""

    errors: list[float] = field(default_factory=list)
    """Metres from each person in an open session to the nearest of the session's tracks, for each
    tick."""
    switches: dict[int, int] = field(default_factory=lambda: defaultdict(int))
    """Tracks that went over to another session's person, by the number of people there."""
    minutes: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    """Time, by the number of people there."""
    tracks: int = 0
    clips: int = 0

    def add(self, walk: Walk, born_at: NDArray[np.int32], heads: Array) -> None:
        """Count one clip."""
        self.clips += 1
        self.tracks += int((born_at < len(heads)).sum())
        here = ~np.isnan(walk.head[..., 0]) & walk.open
        alive = walk.open & (np.arange(len(heads))[:, None] >= born_at)
        away = np.linalg.norm(heads[:, :, None] - walk.head[:, None, :, :2], axis=-1)
        same = walk.session[:, None] == walk.session
        own = np.where(same & here[:, None] & alive[:, :, None], away, np.inf)
        other = np.where(~same & here[:, None] & alive[:, :, None], away, np.inf)
        for tick, people in np.argwhere(here & np.isfinite(own).any(1)):
            self.errors.append(float(own[tick, :, people].min()))
        for count in here.sum(1).tolist():
            self.minutes[count] += TICK_S / 60
        gone = (other.min(2) < RIGHT_M) & (own.min(2) > RIGHT_M) & np.isfinite(own.min(2))
        for track in range(gone.shape[1]):
            self._switches(gone[:, track], own[:, track].min(1) < RIGHT_M, here.sum(1))

    def _switches(
        self, gone: NDArray[np.bool_], right: NDArray[np.bool_], people: NDArray[np.int64]
    ) -> None:
        """Count how often one track changes from right to somebody else."""
        was_right, run = False, 0
        for tick, wrong in enumerate(gone):
            run = run + 1 if wrong else 0
            if right[tick]:
                was_right = True
            elif run >= _SWITCH_TICKS and was_right:
                self.switches[int(people[tick])] += 1
                was_right = False

    def summary(self) -> dict[str, float | int | dict[str, list[float]]]:
        """Figures with their sample sizes."""
        errors = np.array(self.errors or [np.nan])
        return {
            "median_m": round(float(np.median(errors)), 3),
            "p95_m": round(float(np.quantile(errors, 0.95)), 3),
            "right": round(float((errors < RIGHT_M).mean()), 4),
            "person_ticks": len(self.errors),
            "tracks": self.tracks,
            "clips": self.clips,
            "switches_and_minutes": {
                str(count): [self.switches[count], round(self.minutes[count], 2)]
                for count in sorted(self.minutes)
                if count > 1
            },
        }


def births(walk: Walk, noise_m: float, rng: np.random.Generator) -> tuple[NDArray[np.int32], Array]:
    """When and where tracks are born: at the gate; in the first tick, where they are by then.

    Returns:
        Ticks [P], T for whoever is never seen, and places [P, 2].
    """
    ticks = len(walk.pictures)
    at = np.maximum(walk.opens[walk.session], 0).astype(np.int32)
    place = walk.gate[walk.session].copy()
    early = walk.opens[walk.session] < 0
    place[early] = walk.head[0, early, :2]
    at[np.isnan(place).any(1) | (at >= ticks)] = ticks
    return at, place + rng.normal(0, noise_m, place.shape).astype(np.float32)


def followed(follower: Follower) -> Method:
    """The follower as a method."""

    def method(walk: Walk, born_at: NDArray[np.int32], place: Array) -> Array:
        ticks, people = walk.open.shape
        state = follower.begin(1, people, *walk.seen.shape[2:])
        seat = torch.from_numpy(walk.seat)[None]
        heads = np.zeros((ticks, people, 2), np.float32)
        with torch.no_grad():
            for tick in range(ticks):
                begins = torch.from_numpy(born_at == tick)[None]
                state = born(state, begins, torch.from_numpy(place)[None])
                alive = torch.from_numpy((born_at <= tick) & walk.open[tick])[None].float()
                picture = torch.from_numpy(walk.pictures[tick])[None]
                seen = torch.from_numpy(walk.seen[tick])[None]
                state, tracks = follower.step(state, picture, seen, alive, seat)
                heads[tick] = tracks.head[0].numpy()
        return heads

    return method


def at_the_gate(walk: Walk, born_at: NDArray[np.int32], place: Array) -> Array:
    """Tracks that stay where they were born."""
    return np.broadcast_to(place, (len(walk.pictures), *place.shape)).copy()


def nearest_blobs(walk: Walk, born_at: NDArray[np.int32], place: Array) -> Array:
    """What differs from the clip's median picture, each track taking the nearest blob.

    It may look into the future for that median, which the follower may not.
    """
    last = place.copy()
    heads = np.zeros((len(walk.pictures), *place.shape), np.float32)
    ground = np.median(walk.pictures[::8, HEADS], 0)
    for tick, picture in enumerate(walk.pictures[:, HEADS]):
        spots = _blobs(np.abs(picture - ground).max(-1) * (walk.seen[tick, HEADS] > 0))
        alive = np.flatnonzero((born_at <= tick) & walk.open[tick])
        if len(spots) and len(alive):
            away = np.linalg.norm(last[alive][:, None] - spots[None], axis=-1)
            for row, column in zip(*linear_sum_assignment(away.clip(max=_STEP_M)), strict=True):
                if away[row, column] < _STEP_M:
                    last[alive[row]] = spots[column]
        heads[tick] = last
    return heads


def _blobs(other: NDArray[np.floating]) -> Array:
    """[N, 2] metres of the middles of what differs."""
    smooth = cv2.GaussianBlur(other.astype(np.float32), (0, 0), 0.15 / CELL_M)
    top = maximum_filter(smooth, round(2 * _BLOB_M / CELL_M) + 1)
    rows, columns = np.nonzero((smooth == top) & (smooth > 20))
    return ((np.stack([columns, rows], 1) + 0.5) * CELL_M).astype(np.float32)


def check(method: Method, walks: Iterable[Walk], noise_m: float = 0.15) -> Score:
    """Let a method follow everybody in some clips, from the gate to the exit."""
    score = Score()
    for number, walk in enumerate(walks):
        born_at, place = births(walk, noise_m, np.random.default_rng((7, number)))
        score.add(walk, born_at, method(walk, born_at, np.nan_to_num(place)))
    return score
