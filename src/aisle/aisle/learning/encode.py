"""Training of the strip encoder: columns shall find their product in the store's catalogue.

Each step takes strips of a few stores, and asks for each column which of these stores' products it
shows. Products that look alike stand in the same catalogue, so the hard questions are among them.
The check asks the same of stores that are never trained on, over their whole catalogues.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from aisle.learning.columns import Batch, BatchConfig, check, losses, make_batch
from aisle.learning.export_encoder import export_encoder
from aisle.learning.looks import Looks, load
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


class Trainer:
    """State of one training run in a directory."""

    def __init__(self, directory: Path, config: EncodeConfig) -> None:
        torch.manual_seed(config.seed)
        directory.mkdir(parents=True, exist_ok=True)
        self.directory, self.config = directory, config
        self.encoder = StripEncoder()
        self.average = deepcopy(self.encoder)
        self.optimizer = torch.optim.AdamW(
            self.encoder.parameters(), config.rate, weight_decay=config.decay
        )
        self.step, self.seconds = 0, 0.0
        if self.checkpoint.is_file():
            state = torch.load(self.checkpoint, weights_only=True)
            self.encoder.load_state_dict(state["encoder"])
            self.average.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
            self.step, self.seconds = int(state["step"]), float(state["seconds"])
            self.log(event="resumed", step=self.step)

    @property
    def checkpoint(self) -> Path:
        """Everything needed to resume."""
        return self.directory / "checkpoint.pt"

    def save(self) -> None:
        """Write the checkpoint atomically."""
        state = {
            "encoder": self.encoder.state_dict(), "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(), "step": self.step, "seconds": self.seconds,
        }  # fmt: skip
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)

    def log(self, **values: Any) -> None:
        """One line in `log.jsonl` and on the terminal."""
        line = json.dumps(values)
        with (self.directory / "log.jsonl").open("a") as file:
            file.write(line + "\n")
        print(line, flush=True)

    def rate(self) -> float:
        """Warm-up, then a cosine down to a fiftieth."""
        config = self.config
        if self.step < config.warm_up:
            return config.rate * (self.step + 1) / config.warm_up
        done = min((self.step - config.warm_up) / max(config.steps - config.warm_up, 1), 1.0)
        return config.rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))

    def learn(self, batch: Batch) -> dict[str, float]:
        """One step."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        self.encoder.train()
        parts = losses(self.encoder, batch)
        self.optimizer.zero_grad(set_to_none=True)
        parts["total"].backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.encoder.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        keep = min(self.config.average, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            self.encoder.scale.clamp_(max=_MOST_SCALE)
            news = self.encoder.state_dict()
            for name, mean in self.average.state_dict().items():
                if mean.is_floating_point():
                    mean.lerp_(news[name], 1 - keep)
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


def train(data: Path, held_out: Path, out: Path, config: EncodeConfig, minutes: float) -> Trainer:
    """Train until `config.steps`, or until `minutes` have passed in this run.

    Raises:
        ValueError: A directory has no pictures, or both hold the same products.
    """
    torch.set_num_threads(1)
    trainer, library, others = Trainer(out, config), Library(data), Library(held_out)
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
            found = check(trainer.average, others.stores(), config.check_strips)
            trainer.log(
                step=trainer.step, seconds=round(trainer.seconds), stores=len(stores),
                scale=round(float(trainer.encoder.scale.detach().exp()), 1),
                train={k: round(v, 4) for k, v in mean.items()},
                check={k: round(v, 4) for k, v in found.items()},
            )  # fmt: skip
        if time.monotonic() - saved > 60:
            trainer.save()
            saved = time.monotonic()
    trainer.save()
    if others.products() & library.products():
        raise ValueError("products of the check were trained on")
    found = check(trainer.average, others.stores(), None)
    trainer.log(event="finished", step=trainer.step, check=found)
    export_encoder(
        trainer.average, out, {"training": asdict(config), "steps": trainer.step, "check": found}
    )
    return trainer


def main() -> None:
    """Train the strip encoder on rendered shelves; goes on where it was stopped."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True, help="what aisle.learning.looks wrote")
    parser.add_argument("--held-out", type=Path, required=True, help="other stores, for the check")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=EncodeConfig.steps)
    parser.add_argument("--minutes", type=float, default=math.inf, help="at most, in this run")
    args = parser.parse_args()
    config = EncodeConfig(steps=args.steps)
    train(args.data, args.held_out, args.out, config, args.minutes)


if __name__ == "__main__":
    main()
