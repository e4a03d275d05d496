"""Training of what people look like: to be known again wherever else on the floor map they stand.

    python -m aisle.learning.appear --walks walks --held-out unseen --out appear

It can be stopped and goes on where it was; the log is JSON lines.
"""

from __future__ import annotations

import argparse
import itertools
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from aisle.learning.follow_data import augmented, clips
from aisle.learning.run import Run
from aisle.learning.walks import Walk
from aisle.receipt_model.appearance import Appearance, floats, looked
from aisle.receipt_model.follower import STRIDE, centres
from aisle.vision.floor_map import CELL_M

Rng = np.random.Generator

_BODY_M = 0.2
"""Around a head, what counts as that person's."""
_CONTRAST = 10.0
_NEVER = -1e6
_EMPTY_OF = 15
"""Moments whose median is the empty store."""
_UNKNOWN = 0.3
"""Share of clips in which the empty store is not known."""
_CLOSE_M = 1.0
_TRIES = 20
"""Clips that may be drawn for each one that is learnt from."""


@dataclass(frozen=True)
class AppearConfig:
    """How to train; written into the log."""

    seed: int = 1
    steps: int = 2500
    clips: int = 3
    """In a step."""
    moments: int = 8
    """Of each clip."""
    shelf: int = 24
    """Clips in memory: to read one takes as long as to learn from it."""
    fresh: float = 0.25
    """How often another clip takes the place of the oldest."""
    rate: float = 2e-3
    warm_up: int = 100
    decay: float = 0.01
    average: float = 0.995
    """Decay of the averaged weights, which are the ones checked."""
    check_every: int = 500


@dataclass(frozen=True)
class Moments:
    """Some moments of one clip."""

    looked: Tensor
    """[M, LOOKED, H, W]"""
    head: Tensor
    """[M, P, 2] metres; NaN where there is nobody."""
    visible: Tensor
    """[M, P] bool: somebody stands there, and on some plane the place is seen."""


def moments(walk: Walk, count: int, rng: Rng, vary: bool = True) -> Moments | None:
    """Moments of a clip at which two people or more are there; None when there are too few.

    Args:
        walk: The clip.
        count: How many.
        rng: Chooses them.
        vary: Turn, mirror and colour the clip, and sometimes forget the empty store. (In use people
            who stood there first are part of it for a while, which is not taught.)
    """
    there = np.flatnonzero((~np.isnan(walk.head[..., 0])).sum(1) > 1)
    if len(there) < count:
        return None
    chosen = np.sort(rng.choice(there, count, replace=False))
    empty = np.linspace(0, len(walk.pictures) - 1, min(len(walk.pictures), _EMPTY_OF)).astype(int)
    used = np.concatenate([chosen, empty])
    some = replace(
        walk, pictures=walk.pictures[used], seen=walk.seen[used], head=walk.head[used],
        hands=walk.hands[used],
    )  # fmt: skip
    if vary:
        some = augmented(some, rng)
    pictures, seen = (
        torch.from_numpy(np.ascontiguousarray(array)) for array in (some.pictures, some.seen)
    )
    colours, visible = floats(pictures, seen)
    unseen = visible[count:].repeat_interleave(3, 1) == 0
    often = colours[count:].masked_fill(unseen, torch.nan).nanmedian(0, keepdim=True).values
    ground = often.nan_to_num().expand(count, -1, -1, -1)
    known = visible[count:].amax(0, keepdim=True).expand(count, -1, -1, -1)
    if vary and rng.random() < _UNKNOWN:
        known = torch.zeros_like(known)
    shown, _ = looked(colours[:count], visible[:count], ground, known)
    head = torch.from_numpy(some.head[:count, :, :2])
    return Moments(shown, head, _visible(seen[:count], head))


def _visible(seen: Tensor, head: Tensor) -> Tensor:
    """As `Moments.visible`, from [M, planes, H, W]."""
    cells = (head.nan_to_num() / CELL_M).long()
    height, width = seen.shape[2:]
    rows, columns = cells[..., 1].clamp(0, height - 1), cells[..., 0].clamp(0, width - 1)
    each = torch.arange(len(cells))[:, None]
    size = torch.tensor([width, height]) * CELL_M
    inside = ((head >= 0) & (head < size)).all(-1)  # Not so where there is nobody, either.
    return (seen.amax(1)[each, rows, columns] > 0) & inside


def at_heads(appearance: Tensor, shown: Moments) -> Tensor:
    """[M, P, size] around where each person's head really is, from [M, N, size]."""
    height, width = (cells // STRIDE for cells in shown.looked.shape[2:])
    points = centres(height, width).flatten(0, 1)
    away = ((points[None, None] - shown.head.nan_to_num()[:, :, None]) ** 2).sum(-1)
    weight = (-away / (2 * _BODY_M**2)).softmax(-1)
    return F.normalize(weight @ appearance, dim=-1)


def told_apart(looks: Tensor, visible: Tensor) -> Tensor:
    """How badly each person is known again from any moment in any other one of a clip.

    For each person of one moment a choice among the people of the other; both see him.

    Args:
        looks: [M, P, size] as `at_heads` gives them.
        visible: [M, P]
    """
    # [moment, person, moment, person]
    logits = _CONTRAST * torch.einsum("mpc,nqc->mpnq", looks, looks)
    logits = logits.masked_fill(~visible[None, None], _NEVER)
    count, people = visible.shape
    both = visible[:, :, None] & visible.T[None] & (visible.sum(-1) > 1)
    both = both & ~torch.eye(count, dtype=torch.bool)[:, None]
    right = torch.arange(people)[:, None].expand(people, count)
    wrong = F.cross_entropy(
        logits.flatten(0, 2), right.expand(count, people, count).flatten(), reduction="none"
    )
    return (wrong * both.flatten()).sum() / both.sum().clamp(min=1)


def pairs_told(looks: Tensor, shown: Moments, session: Iterable[int]) -> tuple[list[bool], ...]:
    """Whether two people of different sessions are known again in another moment.

    Each pair in each two moments that see both: whether they are more like themselves than like
    each other, which chance says of half. The second list has those who are within a metre of
    each other in one of the moments.
    """
    like = torch.einsum("mpc,nqc->mnpq", looks, looks).numpy()
    visible, head, of = shown.visible.numpy(), shown.head.numpy(), list(session)
    told: tuple[list[bool], ...] = [], []
    for one, other in itertools.combinations(range(len(of)), 2):
        if of[one] == of[other]:
            continue
        seen = np.flatnonzero(visible[:, one] & visible[:, other])
        for a, b in itertools.combinations(seen.tolist(), 2):
            s = like[a, b]
            right = bool(s[one, one] + s[other, other] > s[one, other] + s[other, one])
            told[0].append(right)
            apart = np.linalg.norm(head[[a, b], one] - head[[a, b], other], axis=-1)
            if apart.min() < _CLOSE_M:
                told[1].append(right)
    return told


def check(network: Appearance, paths: Iterable[Path], count: int = 12) -> dict[str, float | int]:
    """How many pairs of people in clips are told apart, and of those who stand close together."""
    told: tuple[list[bool], ...] = [], []
    with torch.no_grad():
        for number, path in enumerate(paths):
            walk, rng = Walk.load(path), np.random.default_rng((7, number))
            shown = moments(walk, count, rng, vary=False)
            if shown is not None:
                looks = at_heads(network(shown.looked), shown)
                for all_, some in zip(told, pairs_told(looks, shown, walk.session), strict=True):
                    all_ += some
    right = (float(np.mean(some)) if some else math.nan for some in told)
    told_all, told_close = (round(share, 4) for share in right)
    return {"told": told_all, "pairs": len(told[0]), "told_close": told_close,
            "close_pairs": len(told[1])}  # fmt: skip


class Trainer(Run[Appearance, AppearConfig]):
    """What people look like, in training."""

    def __init__(self, directory: Path, walks: Path, config: AppearConfig) -> None:
        super().__init__(directory, Appearance, config)
        self._folder = walks
        self._clips: list[Walk] = []

    def learn(self, rng: Rng) -> dict[str, float]:
        """One step on moments of some clips."""
        lost: list[Tensor] = []
        for _ in range(_TRIES * self.config.clips):
            shown = moments(self._clip(rng), self.config.moments, rng)
            if shown is not None:
                looks = at_heads(self.network(shown.looked), shown)
                lost.append(told_apart(looks, shown.visible))
                if len(lost) == self.config.clips:
                    break
        if not lost:
            raise ValueError(f"{self._folder}: hardly a clip shows two people at once")
        loss = torch.stack(lost).mean()
        self.descend(loss)
        return {"apart": float(loss.detach())}

    def _clip(self, rng: Rng) -> Walk:
        """One of those in memory, or a fresh one."""
        if len(self._clips) < self.config.shelf or rng.random() < self.config.fresh:
            # Each time anew: clips may be made while others are learnt from.
            paths = clips(self._folder)
            self._clips.append(Walk.load(paths[int(rng.integers(len(paths)))]))
            del self._clips[: -self.config.shelf]
        return self._clips[int(rng.integers(len(self._clips)))]


def learnt(directory: Path) -> Appearance:
    """What a run has learnt so far.

    Raises:
        ValueError: There is no such run.
    """
    path = directory / "checkpoint.pt"
    if not path.is_file():
        raise ValueError(f"{directory}: no run of aisle.learning.appear")
    network = Appearance()
    network.load_state_dict(torch.load(path, "cpu", weights_only=True)["average"])
    return network.eval()


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--walks", type=Path, required=True, help="folder of clips to train on")
    parser.add_argument("--held-out", type=Path, required=True, help="folder of clips to check on")
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint and log")
    parser.add_argument("--steps", type=int, default=AppearConfig.steps)
    parser.add_argument("--seed", type=int, default=AppearConfig.seed)
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long")
    options = parser.parse_args()
    torch.set_num_threads(1)
    trainer = Trainer(
        options.out, options.walks, AppearConfig(seed=options.seed, steps=options.steps)
    )
    held_out = clips(options.held_out)
    trainer.go(
        trainer.learn, lambda: {"check": check(trainer.learnt.eval(), held_out)}, options.minutes
    )
    trainer.log(event="ended", config=asdict(trainer.config))


if __name__ == "__main__":
    main()
