"""Training of the network that finds hands which reach into fixtures.

    python -m aisle.learning.reach_train --data reaches --held-out reaches_held_out --out run

It can be stopped and goes on where it was; the log is JSON lines.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from aisle.learning.array_files import Library
from aisle.learning.columns import lit
from aisle.learning.compute import PRECISIONS, Compute
from aisle.learning.reaches import Reaches
from aisle.learning.run import Run
from aisle.receipt_model.reach import CELL_M, STRIDE, FrontReach
from aisle.vision.fronts import BESIDE_M, HIGH_M, PX_PER_M, ROWS
from aisle.vision.reaching import peaks

Rng = np.random.Generator
Floats = NDArray[np.float32]

_NEAR_CELLS = 1.0
"""Standard deviation around a hand within which a cell is not wholly wrong."""
_FOUND_M = 0.2
"""So near to the hand, it is found."""
_EASY = 2.0
"""The surer the right answer, the less it counts, to this power (focal loss)."""


@dataclass(frozen=True)
class ReachTrainConfig:
    """How to train."""

    seed: int = 1
    steps: int = 6000
    batch: int = 24
    width: int = 96
    """Pixels of a piece of a front."""
    hands: float = 0.75
    """Share of pieces with a hand in them."""
    rate: float = 2e-3
    warm_up: int = 100
    decay: float = 0.02
    average: float = 0.998
    check_every: int = 500


@dataclass(frozen=True)
class Batch:
    """Pieces of fronts, and for each hand in them its cell and the rest."""

    now: Tensor
    empty: Tensor
    """[B, 3, ROWS, width] RGB from 0 to 255."""
    heat: Tensor
    """[B, h, w] 1 in a hand's cell, falling off around it."""
    at: Tensor
    """[N, 3] row of the batch, row and column of the cell."""
    hand: Tensor
    """[N, 2]"""
    head: Tensor
    """[N, 2]; NaN where it is not seen."""


class Trainer(Run[FrontReach, ReachTrainConfig]):
    """The network in training."""

    def __init__(
        self, directory: Path, config: ReachTrainConfig, compute: Compute | None = None
    ) -> None:
        super().__init__(directory, FrontReach, config, (0.9, 0.999), compute)

    def learn(self, batch: Batch) -> dict[str, float]:
        """One step."""
        batch = self.compute.moved(batch)
        with self.compute.cast():
            said = self.network(batch.now, batch.empty)
        heat, hand, head = (part.float() for part in said)
        parts = losses(heat, hand, head, batch)
        self.descend(parts["total"])
        return {name: float(value.detach()) for name, value in parts.items()}


def losses(heat: Tensor, hand: Tensor, head: Tensor, batch: Batch) -> dict[str, Tensor]:
    """The parts of the loss; `total` is their weighted sum.

    Focal loss of where hands are (Lin et al. 2017, with the softened wrong cells of Zhou et al.
    2019); of places, how far off hands are and the negative logarithm of a Laplace density for
    heads, both in cells.
    """
    sure, unsure = F.logsigmoid(heat), F.logsigmoid(-heat)
    right = batch.heat == 1
    easy = torch.where(right, unsure.exp(), sure.exp()) ** _EASY
    worth = torch.where(right, torch.ones_like(heat), (1 - batch.heat) ** 4)
    count = max(len(batch.at), 1)
    found = -(easy * worth * torch.where(right, sure, unsure)).sum() / count
    row = batch.at.unbind(1)
    off = ((hand[row] - batch.hand).abs() / CELL_M).sum() / count
    known = batch.head.isfinite().all(1)
    said, true = head[row][known], batch.head[known]
    away = (said[:, :2] - true).abs().sum(1) / said[:, 2] + 2 * (said[:, 2] / CELL_M).log()
    parts = {"heat": found, "hand": off, "head": away.sum() / count}
    return {**parts, "total": found + 0.2 * off + 0.2 * parts["head"]}


def make_batch(rng: Rng, library: list[Reaches], config: ReachTrainConfig) -> Batch:
    """Draw pieces of fronts from everywhere, in other light and colours, some turned round."""
    now, empty, at, hands, heads = [], [], [], [], []
    heat = np.zeros((config.batch, ROWS // STRIDE, config.width // STRIDE), np.float32)
    for row in range(config.batch):
        pictures, hand, head = _piece(rng, library[int(rng.integers(len(library)))], config)
        now.append(pictures[0])
        empty.append(pictures[1])
        for one, its in zip(hand, head, strict=True):
            cell = _cell(one, heat.shape[1:])
            at.append((row, *cell))
            heat[row] = np.maximum(heat[row], _bump(cell, heat.shape[1:]))
            hands.append(one)
            heads.append(its)
    return Batch(
        lit(rng, np.stack(now), 0.06, 0.02), lit(rng, np.stack(empty), 0.06, 0.02),
        torch.from_numpy(heat),
        torch.from_numpy(np.array(at, np.int64).reshape(-1, 3)),
        torch.from_numpy(np.array(hands, np.float32).reshape(-1, 2)),
        torch.from_numpy(np.array(heads, np.float32).reshape(-1, 2)),
    )  # fmt: skip


def _cell(place: Floats, shape: tuple[int, ...]) -> tuple[int, int]:
    row, column = int((HIGH_M - place[1]) / CELL_M), int(place[0] / CELL_M)
    return min(max(row, 0), shape[0] - 1), min(max(column, 0), shape[1] - 1)


def _bump(cell: tuple[int, int], shape: tuple[int, ...]) -> Floats:
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    square = (rows - cell[0]) ** 2 + (columns - cell[1]) ** 2
    found: Floats = np.exp(-square / (2 * _NEAR_CELLS**2)).astype(np.float32)
    return found


def _piece(
    rng: Rng, reaches: Reaches, config: ReachTrainConfig
) -> tuple[list[NDArray[np.uint8]], Floats, Floats]:
    """A pair of pieces, padded in black where a front is narrower; hands and heads in it."""
    some = rng.random() < config.hands
    number = int(rng.choice(reaches.of) if some else rng.integers(len(reaches.width)))
    end = int(reaches.width[: number + 1].sum())
    wide = int(reaches.width[number])
    here = reaches.of == number
    shift = np.array([BESIDE_M, 0.0], np.float32)
    hand, head = reaches.hand[here] + shift, reaches.head[here] + shift
    low, high = min(wide - config.width, 0), max(wide - config.width, 0)
    start = int(rng.integers(low, high + 1))
    if some:
        # The piece has one of the hands in it.
        middle = round(float(rng.choice(hand[:, 0])) * PX_PER_M)
        start = int(np.clip(start, middle - config.width + STRIDE, middle - STRIDE))
    begin, stop = max(start, 0), min(start + config.width, wide)
    found = []
    for picture in (reaches.now, reaches.empty):
        piece = np.zeros((ROWS, config.width, 3), np.uint8)
        first = end - wide
        piece[:, begin - start : stop - start] = picture[:, first + begin : first + stop]
        found.append(piece)
    metres = config.width / PX_PER_M
    moved = np.array([start / PX_PER_M, 0.0], np.float32)
    hand, head = hand - moved, head - moved
    if rng.random() < 0.5:
        found = [piece[:, ::-1] for piece in found]
        hand, head = (np.stack([metres - p[:, 0], p[:, 1]], 1) for p in (hand, head))
    order = rng.permutation(3) if rng.random() < 0.5 else np.arange(3)
    inside = (hand[:, 0] > 0) & (hand[:, 0] < metres)
    return [piece[..., order] for piece in found], hand[inside], head[inside]


@torch.no_grad()
def check(network: FrontReach, library: list[Reaches]) -> dict[str, float]:
    """How many hands are found in whole fronts that were never trained on, and whose they are.

    `hands` in all views, and the share of them within `_FOUND_M` of a peak that is sure by 0.5 or
    more (`found`), by 0.2 or more (`guessed`); peaks as sure as that which are near no hand, over
    `hands` (`false`, `false_guessed`). Of hands within `_FOUND_M` of any peak in fronts in which
    hands of several people reach in (`several`): the share for which the right one of their heads
    is nearest to where the peak has it (`right`).
    """
    network.eval()
    counts = dict.fromkeys(("hands", "found", "guessed", "false", "false_guessed"), 0)
    several, right = 0, 0
    for now, empty, hand, head in (front for reaches in library for front in _fronts(reaches)):
        pictures = (torch.from_numpy(p.transpose(2, 0, 1).copy())[None] for p in (now, empty))
        said = peaks(*(part[0].numpy() for part in network(*pictures)))
        apart = np.hypot(*(said[:, None, 1:3] - hand[None]).transpose(2, 0, 1))
        counts["hands"] += len(hand)
        for least, name, false in ((0.5, "found", "false"), (0.2, "guessed", "false_guessed")):
            near = (apart < _FOUND_M) & (said[:, :1] >= least)
            counts[name] += int(near.any(0).sum())
            counts[false] += int(((said[:, 0] >= least) & ~near.any(1)).sum())
        heads = np.unique(head[np.isfinite(head).all(1)], axis=0)
        if len(heads) > 1:
            for i in np.flatnonzero((apart < _FOUND_M).any(0) & np.isfinite(head).all(1)):
                peak = said[apart[:, i].argmin()]
                nearest = heads[np.hypot(*(heads - peak[3:5]).T).argmin()]
                several += 1
                right += int(np.array_equal(nearest, head[i]))
    hands = max(counts.pop("hands"), 1)
    rates = {name: value / hands for name, value in counts.items()}
    return {"hands": hands, **rates, "several": several, "right": right / max(several, 1)}


def _fronts(reaches: Reaches) -> Iterator[tuple[Any, Any, Floats, Floats]]:
    """Each front with its hands and heads, along from its left edge."""
    ends = np.cumsum(reaches.width)
    shift = np.array([BESIDE_M, 0.0], np.float32)
    for i, (end, wide) in enumerate(zip(ends.tolist(), reaches.width.tolist(), strict=True)):
        part, here = slice(end - wide, end), reaches.of == i
        hand, head = reaches.hand[here] + shift, reaches.head[here] + shift
        yield reaches.now[:, part], reaches.empty[:, part], hand, head


def train(
    data: Path, held_out: Path, out: Path, config: ReachTrainConfig, minutes: float = math.inf,
    compute: Compute | None = None,
) -> Trainer:  # fmt: skip
    """Train until `config.steps`, or until `minutes` have passed in this run.

    Raises:
        ValueError: A directory has no pictures.
    """
    torch.set_num_threads(1)
    trainer = Trainer(out, config, compute)
    library, others = (Library(folder, Reaches, "reaches") for folder in (data, held_out))
    library.stores()
    held = others.stores()

    def look() -> dict[str, Any]:
        found = {k: round(v, 4) for k, v in check(trainer.learnt, held).items()}
        return {"stores": len(library.stores()), "check": found}

    def learn(rng: Rng) -> dict[str, float]:
        return trainer.learn(make_batch(rng, library.stores(), config))

    trainer.go(learn, look, minutes)
    found = check(trainer.learnt, held)
    trainer.log(event="finished", step=trainer.step, check=found, config=asdict(config))
    return trainer


def main() -> None:
    """Train on rendered fronts; goes on where it was stopped."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True, help="of aisle.learning.reaches")
    parser.add_argument("--held-out", type=Path, required=True, help="other stores, for the check")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=ReachTrainConfig.steps)
    parser.add_argument("--minutes", type=float, default=math.inf, help="at most, in this run")
    parser.add_argument("--device", default="cpu", help="as torch names it, `cuda` for a GPU")
    parser.add_argument(
        "--precision", choices=PRECISIONS, default="float32", help="bfloat16 is mixed precision"
    )
    args = parser.parse_args()
    config, compute = ReachTrainConfig(steps=args.steps), Compute(args.device, args.precision)
    train(args.data, args.held_out, args.out, config, args.minutes, compute)


if __name__ == "__main__":
    main()
