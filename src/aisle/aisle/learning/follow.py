"""Training of the follower on clips of walks: backwards through a dozen ticks at a time.

    python -m aisle.learning.follow --walks walks --held-out unseen --out run --steps 4000

It can be stopped and goes on where it was; the log is JSON lines.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aisle.learning.follow_check import Score, at_the_gate, check, followed, nearest_blobs
from aisle.learning.follow_data import FollowConfig, Lane, clips, cut, gathered
from aisle.learning.follow_loss import losses
from aisle.learning.walks import Walk
from aisle.receipt_model.follower import Follower, FollowerConfig, born


class Trainer:
    """State of one training run in a directory."""

    def __init__(self, directory: Path, walks: Path, config: FollowConfig) -> None:
        self.directory, self.config = directory, config
        directory.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(config.seed)
        self.follower, self.average = Follower(FollowerConfig()), Follower(FollowerConfig())
        self.average.load_state_dict(self.follower.state_dict())
        self.optimizer = torch.optim.AdamW(
            self.follower.parameters(), lr=config.rate, weight_decay=config.decay,
            betas=(0.9, 0.98),
        )  # fmt: skip
        self.step, self.seconds = 0, 0.0
        if self.checkpoint.is_file():
            self._resume()
        self.rng = np.random.default_rng((config.seed, self.step))
        self.lanes = [Lane(walks, self.follower, config, self.rng) for _ in range(config.lanes)]

    @property
    def checkpoint(self) -> Path:
        """Everything needed to resume."""
        return self.directory / "checkpoint.pt"

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True)
        self.follower.load_state_dict(state["follower"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.step, self.seconds = int(state["step"]), float(state["seconds"])
        self.log(event="resumed", step=self.step)

    def save(self) -> None:
        """Write the checkpoint atomically."""
        part = self.checkpoint.with_suffix(".part")
        torch.save(
            {
                "follower": self.follower.state_dict(), "average": self.average.state_dict(),
                "optimizer": self.optimizer.state_dict(), "step": self.step,
                "seconds": self.seconds,
            }, part,
        )  # fmt: skip
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

    def learn(self) -> dict[str, float]:
        """One step on the next ticks of all lanes; means of the losses' parts."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        state, seat, ticks = gathered(self.lanes, self.config, self.rng)
        sums: dict[str, Tensor] = {}
        for tick in ticks:
            state = born(state, tick.begins, tick.gate)
            state, tracks = self.follower.step(state, tick.picture, tick.seen, tick.open, seat)
            for name, value in losses(tracks, tick).items():
                sums[name] = sums[name] + value if name in sums else value
        self.optimizer.zero_grad(set_to_none=True)
        (sums["total"] / len(ticks)).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.follower.parameters(), 1.0)
        self.optimizer.step()
        for b, lane in enumerate(self.lanes):
            lane.keep(cut(state, lane, b))
        self.step += 1
        keep = min(self.config.average, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            pairs = zip(self.average.parameters(), self.follower.parameters(), strict=True)
            for mean, value in pairs:
                mean.lerp_(value, 1 - keep)
        return {name: float(value.detach()) / len(ticks) for name, value in sums.items()}


def train(
    directory: Path, walks: Path, held_out: Path, config: FollowConfig, until: float = math.inf
) -> Trainer:
    """Train until `config.steps` or the time `until` (`time.time`); call again to go on.

    Args:
        directory: Where checkpoint and log are.
        walks: Folder of clips to train on; it may still be growing.
        held_out: Folder of clips to check on.
        config: How to train.
        until: When to stop.

    Raises:
        ValueError: A folder has no clips.
    """
    torch.set_num_threads(1)
    trainer = Trainer(directory, walks, config)
    mean: dict[str, float] = {}
    begun, saved = time.monotonic() - trainer.seconds, time.monotonic()
    while trainer.step < config.steps and time.time() < until:
        for name, value in trainer.learn().items():
            mean[name] = 0.95 * mean.get(name, value) + 0.05 * value
        trainer.seconds = time.monotonic() - begun
        if trainer.step % 50 == 0:
            rounded = {name: round(value, 3) for name, value in mean.items()}
            trainer.log(step=trainer.step, seconds=round(trainer.seconds), train=rounded)
        if trainer.step % config.check_every == 0:
            _log_check(trainer, held_out)
        if time.monotonic() - saved > 60:
            trainer.save()
            saved = time.monotonic()
    trainer.save()
    if trainer.step % config.check_every:
        _log_check(trainer, held_out)
    return trainer


def _log_check(trainer: Trainer, held_out: Path) -> None:
    summary = checked(trainer.average, clips(held_out)).summary()
    trainer.log(step=trainer.step, check=summary)


def checked(follower: Follower, paths: list[Path]) -> Score:
    """How well a follower does on clips, one after the other."""
    return check(followed(follower.eval()), (Walk.load(path) for path in paths))


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--walks", type=Path, required=True, help="folder of clips to train on")
    parser.add_argument("--held-out", type=Path, required=True, help="folder of clips to check on")
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint and log")
    parser.add_argument("--steps", type=int, default=FollowConfig.steps)
    parser.add_argument("--seed", type=int, default=FollowConfig.seed)
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long")
    options = parser.parse_args()
    config = FollowConfig(seed=options.seed, steps=options.steps)
    until = time.time() + 60 * options.minutes
    trainer = train(options.out, options.walks, options.held_out, config, until)
    trainer.log(event="ended", config=asdict(config))
    for name, method in (("gate", at_the_gate), ("blobs", nearest_blobs)):
        score = check(method, (Walk.load(path) for path in clips(options.held_out)))
        trainer.log(baseline=name, check=score.summary())


if __name__ == "__main__":
    main()
