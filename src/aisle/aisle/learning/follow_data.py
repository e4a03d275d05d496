"""What a training step of the follower is fed: clips in pieces, padded to one shape.

A clip is turned, mirrored and coloured anew each time, cameras fail, tracks are born late and not
quite at the gate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from aisle.learning.follow_loss import Tick, nearest_own
from aisle.learning.walks import Walk
from aisle.receipt_model.appearance import PLANES
from aisle.receipt_model.follower import Follower, State, born
from aisle.vision.floor_map import CELL_M

Rng = np.random.Generator
LOST_M = 1.0
"""A track that is farther than this from its person has lost it."""


@dataclass(frozen=True)
class FollowConfig:
    """How to train; written into the log."""

    seed: int = 1
    steps: int = 4000
    lanes: int = 4
    """Clips at a time."""
    ticks: int = 16
    """Between two steps; memory goes on, what is learnt goes back no further."""
    rate: float = 2e-3
    warm_up: int = 100
    decay: float = 0.01
    average: float = 0.998
    """Decay of the averaged weights, which are the ones checked."""
    noise_m: float = 0.25
    """Standard deviation of where a track is born."""
    late: int = 2
    """Ticks at most from the passage at the gate to the track's birth."""
    rescue: float = 0.5
    """Share of lost tracks that are put back to their people between steps: who is lost learns
    to find, but hardly to follow."""
    middle: float = 0.3
    """Share of clips that begin in the middle, with an unknown store full of people."""
    dark: float = 0.01
    """Share of ticks without any picture."""
    check_every: int = 500


def augmented(walk: Walk, rng: Rng) -> Walk:
    """The same clip in a store that is turned or mirrored, in other colours."""
    pictures, seen = walk.pictures, walk.seen
    head, hands, gate = walk.head.copy(), walk.hands.copy(), walk.gate.copy()
    for axis in (0, 1):
        if rng.random() < 0.5:
            pictures, seen = np.flip(pictures, 3 - axis), np.flip(seen, 3 - axis)
            for points in (head, hands, gate):
                points[..., axis] = seen.shape[3 - axis] * CELL_M - points[..., axis]
            hands = hands[:, :, ::-1].copy()
    if rng.random() < 0.5:
        pictures, seen = pictures.swapaxes(2, 3), seen.swapaxes(2, 3)
        for points in (head, hands, gate):
            points[..., :2] = points[..., 1::-1].copy()
        hands = hands[:, :, ::-1]
    gain = rng.uniform(0.75, 1.25, 3)
    table = np.clip(np.arange(256)[:, None] * gain, 0, 255).astype(np.uint8)
    order = rng.permutation(3)
    coloured = np.stack([table[pictures[..., c], c] for c in order], -1)
    return replace(
        walk, pictures=coloured, seen=np.ascontiguousarray(seen), head=head, hands=hands, gate=gate
    )


def clips(folder: Path) -> list[Path]:
    """The clips of a folder in the order of their numbers.

    Raises:
        ValueError: There are none.
    """
    found = sorted(folder.glob("walk-*.npz"))
    if not found:
        raise ValueError(f"{folder}: no clips of walks")
    return found


@dataclass(frozen=True)
class Piece:
    """What a step learns from, padded."""

    state: State
    """Before the ticks."""
    seat: Tensor
    """[B, S, 2] of the tracks."""
    ticks: list[Tick]


class Lane:
    """One clip after the other, in pieces of some ticks."""

    def __init__(self, folder: Path, follower: Follower, config: FollowConfig, rng: Rng) -> None:
        self._folder, self._follower, self._config, self._rng = folder, follower, config, rng
        self._next()

    def _next(self) -> None:
        config, rng = self._config, self._rng
        # Each time anew: clips may be made while others are learnt from.
        paths = clips(self._folder)
        path = paths[int(rng.integers(len(paths)))]
        self.walk = walk = augmented(Walk.load(path), rng)
        ticks, people = walk.open.shape
        last = max(ticks - config.ticks, 1)
        self.at = int(rng.integers(last if rng.random() < config.middle else config.ticks)) % last
        self.open = walk.open.copy()
        self.begins = np.zeros((ticks, people), bool)
        self.birth = np.zeros((people, 2), np.float32)
        for person, session in enumerate(walk.session):
            first = int(walk.opens[session])
            place = walk.gate[session]
            if first < self.at:
                known = self.open[self.at, person] and not np.isnan(walk.head[self.at, person, 0])
                self.open[:, person] &= known
                first, place = self.at, walk.head[self.at, person, :2] if known else place
            else:
                first = min(first + int(rng.integers(config.late + 1)), ticks - 1)
                self.open[:first, person] = False
            self.begins[first, person] = self.open[first, person]
            self.birth[person] = place + rng.normal(0, config.noise_m, 2)
        height, width = walk.seen.shape[2:]
        self.state = self._follower.begin(1, people, height, width)

    def window(self) -> slice:
        """The next ticks; begins another clip when this one has too few left."""
        if self.at + self._config.ticks > len(self.walk.pictures):
            self._next()
        found = slice(self.at, self.at + self._config.ticks)
        self.at = found.stop
        return found

    def keep(self, state: State) -> None:
        """Go on from a state; some of the tracks that are lost get back to their people."""
        walk, rng, tick = self.walk, self._rng, self.at - 1
        head = torch.from_numpy(walk.head[None, tick, :, :2])
        far = nearest_own(state.place, head, walk.session[None])
        back = (far > LOST_M) & far.isfinite() & ~head[..., 0].isnan()
        back &= torch.from_numpy(rng.random(back.shape) < self._config.rescue)
        noise = torch.from_numpy(rng.normal(0, self._config.noise_m, head.shape))
        self.state = born(state, back, head.nan_to_num() + noise.float())


def gathered(lanes: list[Lane], config: FollowConfig, rng: Rng) -> Piece:
    """The next ticks of all lanes."""
    windows = [lane.window() for lane in lanes]
    people = max(lane.open.shape[1] for lane in lanes)
    height, width = (max(lane.walk.seen.shape[2 + i] for lane in lanes) for i in (0, 1))
    parts = [_padded(lane.state, people, height, width) for lane in lanes]
    state = State(*(torch.cat(tensors) for tensors in zip(*parts, strict=True)))
    seat = np.zeros((len(lanes), people, 2), np.float32)
    for b, lane in enumerate(lanes):
        seat[b, : len(lane.walk.session)] = lane.walk.seat
    ticks = [
        _tick(lanes, [window.start + t for window in windows], people, height, width)
        for t in range(config.ticks)
    ]
    dark = rng.random((config.ticks, len(lanes))) < config.dark
    for tick, lost in zip(ticks, torch.from_numpy(dark), strict=True):
        tick.picture[lost], tick.seen[lost] = 0, 0
    return Piece(state, torch.from_numpy(seat), ticks)


def _tick(lanes: list[Lane], at: list[int], people: int, height: int, width: int) -> Tick:
    """One tick of each lane, padded."""
    count = len(lanes)
    picture = np.zeros((count, PLANES, height, width, 3), np.uint8)
    seen = np.zeros((count, PLANES, height, width), np.uint8)
    open_ = np.zeros((count, people), np.float32)
    begins = np.zeros((count, people), bool)
    gate = np.zeros((count, people, 2), np.float32)
    session = np.full((count, people), -1, np.int32)
    head = np.full((count, people, 2), np.nan, np.float32)
    hands = np.full((count, people, 2, 3), np.nan, np.float32)
    for b, (lane, tick) in enumerate(zip(lanes, at, strict=True)):
        walk, own = lane.walk, len(lane.walk.session)
        _, h, w = walk.seen.shape[1:]
        picture[b, :, :h, :w], seen[b, :, :h, :w] = walk.pictures[tick], walk.seen[tick]
        open_[b, :own], begins[b, :own] = lane.open[tick], lane.begins[tick]
        gate[b, :own], session[b, :own] = lane.birth, walk.session
        head[b, :own], hands[b, :own] = walk.head[tick, :, :2], walk.hands[tick]
    tensor = torch.from_numpy
    return Tick(
        tensor(picture), tensor(seen), tensor(open_), tensor(begins), tensor(gate), session,
        tensor(head), tensor(hands),
    )  # fmt: skip


def _padded(state: State, people: int, height: int, width: int) -> State:
    """A state with more tracks and cells."""
    room = 0, width - state.ground.shape[-1], 0, height - state.ground.shape[-2]
    more = 0, 0, 0, people - state.place.shape[1]
    grids = [F.pad(tensor, room) for tensor in state[:2]]
    return State(*grids, *(F.pad(tensor, more) for tensor in state[2:]))


def cut(state: State, lane: Lane, b: int) -> State:
    """One lane's part of a padded state."""
    (_, people), (height, width) = lane.open.shape, lane.walk.seen.shape[2:]
    grids = [tensor[b : b + 1, :, :height, :width].detach() for tensor in state[:2]]
    return State(*grids, *(tensor[b : b + 1, :people].detach() for tensor in state[2:]))
