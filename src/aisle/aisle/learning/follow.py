"""Training of the follower on clips of walks: backwards through a dozen ticks at a time.

    python -m aisle.learning.follow --walks walks --held-out unseen --appear appear --out run

What people look like is known already (`aisle.learning.appear`) and stays as it is. It can be
stopped and goes on where it was; the log is JSON lines.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from aisle.learning.appear import learnt
from aisle.learning.follow_check import Score, at_the_gate, check, followed, nearest_blobs
from aisle.learning.follow_data import FollowConfig, Lane, clips, cut, gathered
from aisle.learning.follow_loss import losses
from aisle.learning.run import Run
from aisle.learning.walks import Walk
from aisle.receipt_model.appearance import Appearance
from aisle.receipt_model.follower import Follower, born


class Trainer(Run[Follower, FollowConfig]):
    """The follower in training, on clips that go on from step to step.

    Args:
        directory: See `Run`.
        walks: Folder of clips.
        config: How to train.
        appearance: What people look like.

    Raises:
        ValueError: The run began with another appearance.
    """

    def __init__(
        self, directory: Path, walks: Path, config: FollowConfig, appearance: Appearance
    ) -> None:
        def network() -> Follower:
            follower = Follower()
            follower.appear.load_state_dict(appearance.state_dict())
            follower.appear.requires_grad_(False)
            return follower

        super().__init__(directory, network, config)
        known = self.network.appear.state_dict()
        if any(not torch.equal(known[name], w) for name, w in appearance.state_dict().items()):
            raise ValueError(
                f"{directory}: this run began with another run of aisle.learning.appear"
            )
        self.rng = np.random.default_rng((config.seed, self.step))
        self.lanes = [Lane(walks, self.network, config, self.rng) for _ in range(config.lanes)]

    def learn(self) -> dict[str, float]:
        """One step on the next ticks of all lanes; means of the losses' parts."""
        piece = gathered(self.lanes, self.config, self.rng)
        state, ticks = piece.state, piece.ticks
        sums: dict[str, Tensor] = {}
        for tick in ticks:
            state = born(state, tick.begins, tick.gate)
            state, tracks = self.network.step(state, tick.picture, tick.seen, tick.open, piece.seat)
            for name, value in losses(tracks, tick).items():
                sums[name] = sums[name] + value if name in sums else value
        self.descend(sums["total"] / len(ticks))
        for b, lane in enumerate(self.lanes):
            lane.keep(cut(state, lane, b))
        return {name: float(value.detach()) / len(ticks) for name, value in sums.items()}


def train(
    directory: Path, walks: Path, held_out: Path, config: FollowConfig, appearance: Appearance,
    until: float = math.inf,
) -> Trainer:  # fmt: skip
    """Train until `config.steps` or the time `until` (`time.time`); call again to go on.

    Args:
        directory: Where checkpoint and log are.
        walks: Folder of clips to train on; it may still be growing.
        held_out: Folder of clips to check on.
        config: How to train.
        appearance: What people look like.
        until: When to stop.

    Raises:
        ValueError: A folder has no clips.
    """
    torch.set_num_threads(1)
    trainer = Trainer(directory, walks, config, appearance)
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
    parser.add_argument("--appear", type=Path, required=True, help="a run of aisle.learning.appear")
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoint and log")
    parser.add_argument("--steps", type=int, default=FollowConfig.steps)
    parser.add_argument("--seed", type=int, default=FollowConfig.seed)
    parser.add_argument("--minutes", type=float, default=math.inf, help="stop after so long")
    options = parser.parse_args()
    config = FollowConfig(seed=options.seed, steps=options.steps)
    until = time.time() + 60 * options.minutes
    trainer = train(
        options.out, options.walks, options.held_out, config, learnt(options.appear), until
    )
    trainer.log(event="ended", config=asdict(config))
    for name, method in (("gate", at_the_gate), ("blobs", nearest_blobs)):
        score = check(method, (Walk.load(path) for path in clips(options.held_out)))
        trainer.log(baseline=name, check=score.summary())


if __name__ == "__main__":
    main()
