"""Training of the strip encoder: columns shall find their product in the store's catalogue.

Each step takes strips of a few stores, and asks for each column which of these stores' products it
shows. Products that look alike stand in the same catalogue, so the hard questions are among them.
The check asks the same of stores that are never trained on, over their whole catalogues.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import torch

from aisle.learning.columns import Batch, BatchConfig, check, losses, make_batch
from aisle.learning.compute import PRECISIONS, Compute
from aisle.learning.looks import Looks, load
from aisle.learning.run import Run
from aisle.receipt_model.encoder import StripEncoder

_MOST_SCALE = math.log(60.0)


@dataclass(frozen=True)
class EncodeConfig:
    """How to train."""

    seed: int = 1
    steps: int = 4000
    batch: BatchConfig = field(default_factory=BatchConfig)
    rate: float = 2e-3
    warm_up: int = 100
    decay: float = 0.02
    average: float = 0.998
    """Decay of the averaged weights, which are checked and exported."""
    check_every: int = 250
    check_strips: int = 60
    """Of each store, while training; at the end all are checked."""


class Trainer(Run[StripEncoder, EncodeConfig]):
    """The strip encoder in training."""

    def __init__(
        self, directory: Path, config: EncodeConfig, compute: Compute | None = None
    ) -> None:
        super().__init__(directory, StripEncoder, config, (0.9, 0.999), compute)

    def learn(self, batch: Batch) -> dict[str, float]:
        """One step."""
        self.network.train()
        parts = losses(self.network, self.compute.moved(batch), self.compute)
        self.descend(parts["total"])
        with torch.no_grad():
            self.network.scale.clamp_(max=_MOST_SCALE)
        return {name: float(value.detach()) for name, value in parts.items()}


class Library:
    """The stores of a directory, the newest too; each file is read once."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._known: dict[Path, Looks] = {}

    def stores(self) -> list[Looks]:
        """All that there are now.

        Raises:
            ValueError: There is none.
        """
        for path in sorted(self.directory.glob("looks-*.npz")):
            if path not in self._known:
                self._known[path] = load(path)
        if not self._known:
            raise ValueError(f"{self.directory}: no looks-*.npz; `aisle.learning.looks` makes them")
        return list(self._known.values())

    def products(self) -> set[str]:
        """Ids of all products of the stores read so far."""
        return {str(name) for looks in self._known.values() for name in looks.products}


def train(
    data: Path, held_out: Path, out: Path, config: EncodeConfig, minutes: float,
    compute: Compute | None = None,
) -> Trainer:  # fmt: skip
    """Train until `config.steps`, or until `minutes` have passed in this run.

    Raises:
        ValueError: A directory has no pictures, or both hold the same products.
    """
    torch.set_num_threads(1)
    trainer, library, others = Trainer(out, config, compute), Library(data), Library(held_out)
    stores = library.stores()
    others.stores()
    begun = time.monotonic()
    before, saved = trainer.seconds, begun
    mean: dict[str, float] = {}
    while trainer.step < config.steps and time.monotonic() - begun < 60 * minutes:
        rng = np.random.default_rng((config.seed, trainer.step, 5))
        for name, value in trainer.learn(make_batch(rng, stores, config.batch)).items():
            mean[name] = 0.98 * mean.get(name, value) + 0.02 * value
        trainer.seconds = before + time.monotonic() - begun
        if trainer.step % config.check_every == 0:
            stores = library.stores()
            found = check(trainer.learnt, others.stores(), config.check_strips)
            trainer.log(
                step=trainer.step, seconds=round(trainer.seconds), stores=len(stores),
                scale=round(float(trainer.network.scale.detach().exp()), 1),
                train={k: round(v, 4) for k, v in mean.items()},
                check={k: round(v, 4) for k, v in found.items()},
            )  # fmt: skip
        if time.monotonic() - saved > 60:
            trainer.save()
            saved = time.monotonic()
    trainer.save()
    if others.products() & library.products():
        raise ValueError("products of the check were trained on")
    found = check(trainer.learnt, others.stores(), None)
    trainer.log(event="finished", step=trainer.step, check=found, config=asdict(config))
    return trainer


def main() -> None:
    """Train the strip encoder on rendered shelves; goes on where it was stopped."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True, help="what aisle.learning.looks wrote")
    parser.add_argument("--held-out", type=Path, required=True, help="other stores, for the check")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=EncodeConfig.steps)
    parser.add_argument("--minutes", type=float, default=math.inf, help="at most, in this run")
    parser.add_argument("--device", default="cpu", help="as torch names it, `cuda` for a GPU")
    parser.add_argument(
        "--precision", choices=PRECISIONS, default="float32", help="bfloat16 is mixed precision"
    )
    args = parser.parse_args()
    config, compute = EncodeConfig(steps=args.steps), Compute(args.device, args.precision)
    train(args.data, args.held_out, args.out, config, args.minutes, compute)


if __name__ == "__main__":
    main()
