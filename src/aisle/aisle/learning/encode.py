"""Training of the strip encoder: columns shall find their product in the store's catalogue.

Each step takes strips of a few stores, and asks for each column which of these stores' products it
shows. Products that look alike stand in the same catalogue, so the hard questions are among them.
The check asks the same of stores that are never trained on, over their whole catalogues.
"""

from __future__ import annotations

import argparse
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch

from aisle.learning.array_files import Library
from aisle.learning.columns import Batch, BatchConfig, check, losses, make_batch
from aisle.learning.compute import PRECISIONS, Compute
from aisle.learning.looks import Looks
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


def train(
    data: Path, held_out: Path, out: Path, config: EncodeConfig, minutes: float,
    compute: Compute | None = None,
) -> Trainer:  # fmt: skip
    """Train until `config.steps`, or until `minutes` have passed in this run.

    Raises:
        ValueError: A directory has no pictures, or both hold the same products.
    """
    torch.set_num_threads(1)
    trainer = Trainer(out, config, compute)
    library, others = (Library(folder, Looks, "looks") for folder in (data, held_out))
    library.stores()
    others.stores()

    def look() -> dict[str, Any]:
        found = check(trainer.learnt, others.stores(), config.check_strips)
        return {
            "stores": len(library.stores()),
            "scale": round(float(trainer.network.scale.detach().exp()), 1),
            "check": {k: round(v, 4) for k, v in found.items()},
        }

    trainer.go(
        lambda rng: trainer.learn(make_batch(rng, library.stores(), config.batch)), look, minutes
    )
    if _products(others) & _products(library):
        raise ValueError("products of the check were trained on")
    found = check(trainer.learnt, others.stores(), None)
    trainer.log(event="finished", step=trainer.step, check=found, config=asdict(config))
    return trainer


def _products(library: Library[Looks]) -> set[str]:
    return {str(name) for looks in library.stores() for name in looks.products}


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
