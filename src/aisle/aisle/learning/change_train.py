"""Training of the network that compares two pictures of a shelf.

    python -m aisle.learning.change_train --data changes --held-out changes_held_out --out run

It can be stopped and goes on where it was; the log is JSON lines.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aisle.learning.array_files import Library
from aisle.learning.changes import Changes
from aisle.learning.columns import lit
from aisle.learning.compute import PRECISIONS, Compute
from aisle.learning.run import Run
from aisle.receipt_model.change import StripChange
from aisle.vision.strips import COLUMN_PX

Rng = np.random.Generator

CHANGED_M = 0.01
"""From so much goods on a column has changed."""
SEEN_M = 0.02
"""What is said to be less is no change."""


@dataclass(frozen=True)
class ChangeTrainConfig:
    """How to train."""

    seed: int = 1
    steps: int = 6000
    batch: int = 48
    columns: int = 14
    """Of a piece of a strip."""
    rate: float = 2e-3
    warm_up: int = 100
    decay: float = 0.02
    average: float = 0.998
    check_every: int = 500


@dataclass(frozen=True)
class Batch:
    """Pairs of pieces of strips."""

    before: Tensor
    after: Tensor
    """[B, 3, ROWS, columns * COLUMN_PX] RGB from 0 to 255."""
    slope: Tensor
    """[B, columns, 2]"""
    gain: Tensor
    """[B, columns] metres, as in `Changes`."""
    clear: Tensor
    """[B, columns]"""


class Trainer(Run[StripChange, ChangeTrainConfig]):
    """The network in training."""

    def __init__(
        self, directory: Path, config: ChangeTrainConfig, compute: Compute | None = None
    ) -> None:
        super().__init__(directory, StripChange, config, (0.9, 0.999), compute)

    def learn(self, batch: Batch) -> dict[str, float]:
        """One step."""
        batch = self.compute.moved(batch)
        with self.compute.cast():
            gain, off = self.network(batch.before, batch.after, batch.slope)
        total = loss(gain.float(), off.float(), batch)
        self.descend(total)
        return {"loss": float(total.detach())}


def loss(gain: Tensor, off: Tensor, batch: Batch) -> Tensor:
    """Negative logarithm of a Laplace density, in units of a centimetre."""
    away = (gain - batch.gain).abs() / off + (100 * off).log()
    return (away * batch.clear).sum() / batch.clear.sum().clamp(min=1)


def make_batch(rng: Rng, library: list[Changes], config: ChangeTrainConfig) -> Batch:
    """Draw pieces of strips from everywhere, in other light and colours, some turned round."""
    parts = [_piece(rng, library[int(rng.integers(len(library)))], config.columns)
             for _ in range(config.batch)]  # fmt: skip
    before, after, slope, gain, clear = (np.stack(part) for part in zip(*parts, strict=True))
    strips = [lit(rng, strip, 0.06, 0.02) for strip in (before, after)]
    return Batch(*strips, *(torch.from_numpy(part) for part in (slope, gain, clear)))


def _piece(rng: Rng, changes: Changes, columns: int) -> tuple[np.ndarray, ...]:
    """One pair of pieces, padded in black where a strip is shorter."""
    ends = np.cumsum(changes.columns)
    strip = int(rng.integers(len(ends)))
    end = int(ends[strip])
    begin = end - int(changes.columns[strip])
    start = int(rng.integers(begin - columns // 2, end - columns // 2))
    low, high = max(start, begin), min(start + columns, end)
    here = slice(low - start, high - start)
    found = []
    for picture in (changes.before, changes.after):
        piece = np.zeros((picture.shape[0], columns * COLUMN_PX, 3), np.uint8)
        wide = slice(here.start * COLUMN_PX, here.stop * COLUMN_PX)
        piece[:, wide] = picture[:, low * COLUMN_PX : high * COLUMN_PX]
        found.append(piece)
    slope = np.zeros((columns, 2), np.float32)
    gain, clear = (np.zeros(columns, np.float32) for _ in range(2))
    slope[here], gain[here] = changes.slope[low:high], changes.gain[low:high]
    clear[here] = changes.clear[low:high]
    if rng.random() < 0.5:
        found, gain = found[::-1], -gain
    if rng.random() < 0.5:
        found = [piece[:, ::-1] for piece in found]
        slope, gain, clear = slope[::-1] * np.array([-1, 1], np.float32), gain[::-1], clear[::-1]
    order = rng.permutation(3)
    return (*(piece[..., order] for piece in found), slope, gain.copy(), clear.copy())


@torch.no_grad()
def check(network: StripChange, library: list[Changes]) -> dict[str, float]:
    """How well changes are told on strips that were never trained on; clear columns alone count.

    `changed` columns: how far off the network is (`off_m`; `size_m` is what they changed by), and
    how many are told with the right sign as at least `SEEN_M` (`told`). `still` columns: the same
    (`still_off_m`), and how many are told to have changed (`false`).
    """
    network.eval()
    gains, said = [], []
    for changes in library:
        ends = np.cumsum(changes.columns)
        for end, count in zip(ends.tolist(), changes.columns.tolist(), strict=True):
            part = slice(end - count, end)
            wide = slice(part.start * COLUMN_PX, end * COLUMN_PX)
            strips = (
                torch.from_numpy(np.ascontiguousarray(p[:, wide].transpose(2, 0, 1)))[None]
                for p in (changes.before, changes.after)
            )
            gain, _ = network(*strips, torch.from_numpy(changes.slope[None, part]))
            clear = changes.clear[part] > 0
            gains.append(changes.gain[part][clear])
            said.append(gain[0].numpy()[clear])
    true, found = np.concatenate(gains), np.concatenate(said)
    changed = np.abs(true) > CHANGED_M
    still = np.abs(true) < 1e-6
    told = (np.abs(found) > SEEN_M) & (np.sign(found) == np.sign(true))
    off = np.abs(found - true)
    return {
        "changed": int(changed.sum()), "off_m": float(off[changed].mean()),
        "size_m": float(np.abs(true[changed]).mean()), "told": float(told[changed].mean()),
        "still": int(still.sum()), "still_off_m": float(off[still].mean()),
        "false": float((np.abs(found[still]) > SEEN_M).mean()),
    }  # fmt: skip


def train(
    data: Path, held_out: Path, out: Path, config: ChangeTrainConfig, minutes: float = math.inf,
    compute: Compute | None = None,
) -> Trainer:  # fmt: skip
    """Train until `config.steps`, or until `minutes` have passed in this run.

    Raises:
        ValueError: A directory has no pictures.
    """
    torch.set_num_threads(1)
    trainer = Trainer(out, config, compute)
    library, others = (Library(folder, Changes, "changes") for folder in (data, held_out))
    library.stores()
    held = others.stores()

    def look() -> dict[str, Any]:
        found = {k: round(v, 4) for k, v in check(trainer.learnt, held).items()}
        return {"stores": len(library.stores()), "check": found}

    trainer.go(lambda rng: trainer.learn(make_batch(rng, library.stores(), config)), look, minutes)
    found = check(trainer.learnt, held)
    trainer.log(event="finished", step=trainer.step, check=found, config=asdict(config))
    return trainer


def main() -> None:
    """Train on pairs of rendered shelves; goes on where it was stopped."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True, help="of aisle.learning.changes")
    parser.add_argument("--held-out", type=Path, required=True, help="other stores, for the check")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=ChangeTrainConfig.steps)
    parser.add_argument("--minutes", type=float, default=math.inf, help="at most, in this run")
    parser.add_argument("--device", default="cpu", help="as torch names it, `cuda` for a GPU")
    parser.add_argument(
        "--precision", choices=PRECISIONS, default="float32", help="bfloat16 is mixed precision"
    )
    args = parser.parse_args()
    config, compute = ChangeTrainConfig(steps=args.steps), Compute(args.device, args.precision)
    train(args.data, args.held_out, args.out, config, args.minutes, compute)


if __name__ == "__main__":
    main()
