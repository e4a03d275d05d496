"""Training of the network that sees things handed over.

    python -m aisle.learning.meeting_train --data meetings --held-out meetings_held_out --out run

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
from torch.nn import functional as F  # noqa: N812

from aisle.learning.array_files import Library
from aisle.learning.compute import PRECISIONS, Compute
from aisle.learning.meetings import AROUND, Clips
from aisle.learning.run import Run
from aisle.receipt_model.encoder import StripEncoder
from aisle.receipt_model.meeting import MeetingNet
from aisle.vision.meetings import SPAN

Rng = np.random.Generator

_HALF = SPAN // 2
_SHIFTS = tuple(range(-(AROUND - _HALF), AROUND - _HALF + 1))
"""By how many ticks the middle of what is judged may be off the middle of a clip."""
_NEAR = (-1, 0, 1)
"""The same where something is handed over: it takes about a second."""


@dataclass(frozen=True)
class MeetingTrainConfig:
    """How to train."""

    seed: int = 1
    steps: int = 3000
    batch: int = 24
    views: int = 2
    """Of those that a clip has."""
    given: float = 0.5
    """Share of clips in which something is handed over."""
    rate: float = 2e-3
    warm_up: int = 100
    decay: float = 0.05
    average: float = 0.995
    check_every: int = 250


@dataclass(frozen=True)
class Batch:
    """Meetings of `SPAN` ticks."""

    wide: Tensor
    """[B, SPAN, V, 3, *WIDE] uint8"""
    close: Tensor
    """[B, SPAN, V, 3, *CLOSE] uint8"""
    shown: Tensor
    """[B, SPAN, V]"""
    gives: Tensor
    """[B]"""


class Trainer(Run[MeetingNet, MeetingTrainConfig]):
    """The network in training."""

    def __init__(
        self, directory: Path, config: MeetingTrainConfig, compute: Compute | None = None
    ) -> None:
        super().__init__(directory, MeetingNet, config, (0.9, 0.99), compute)

    def learn(self, batch: Batch) -> dict[str, float]:
        """One step."""
        batch = self.compute.moved(batch)
        with self.compute.cast():
            gives = judge(self.network, batch)
        loss = F.cross_entropy(gives.float(), batch.gives)
        self.descend(loss)
        return {"gives": float(loss.detach())}


def judge(network: MeetingNet, batch: Batch) -> Tensor:
    """Logits [B, GIVES] of whole meetings."""
    size = batch.shown.shape[:2]
    every = (part.flatten(0, 1) for part in (batch.wide, batch.close, batch.shown))
    return network.say(network.see(*every).view(*size, -1))


def make_batch(rng: Rng, library: list[Clips], config: MeetingTrainConfig) -> Batch:
    """Draw meetings from everywhere, in other light and colours, turned round and mirrored."""
    ends = np.cumsum([len(clips.gives) for clips in library])
    given = np.concatenate([clips.gives > 0 for clips in library])
    chosen = [
        int(rng.choice(np.flatnonzero(given == (rng.random() < config.given))))
        for _ in range(config.batch)
    ]
    found = []
    for index in chosen:
        store = int(np.searchsorted(ends, index, side="right"))
        clip = index - int(ends[store]) + len(library[store].gives)
        shift = int(rng.choice(_NEAR if given[index] else _SHIFTS))
        found.append(_meeting(rng, library[store], clip, shift, config.views))
    return _stacked(found)


def _meeting(rng: Rng, clips: Clips, clip: int, shift: int, views: int) -> tuple[Any, ...]:
    """One meeting as `Batch` has them, in numpy."""
    gives = int(clips.gives[clip])
    ticks = slice(AROUND + shift - _HALF, AROUND + shift + _HALF + 1)
    order = rng.permutation(clips.shown.shape[2])[:views]
    wide, close = (part[clip, ticks][:, order] for part in (clips.wide, clips.close))
    shown = clips.shown[clip, ticks][:, order].astype(np.float32)
    if rng.random() < 0.5:
        wide, close = wide[..., ::-1, :], close[..., ::-1, :]
        gives = (0, 2, 1)[gives]
    if rng.random() < 0.5:
        wide, close = wide[:, :, ::-1], close[:, :, ::-1]
    gain = np.exp(rng.normal(0, 0.2)) * np.exp(rng.normal(0, 0.1, 3))
    bright = np.clip(np.arange(256)[:, None] * gain, 0, 255).astype(np.uint8)
    channels = rng.permutation(3)
    # [SPAN, V, 3, rows, columns], as torch wants pictures.
    lit = [
        np.stack([bright[part[..., c], i] for i, c in enumerate(channels)], 2)
        for part in (wide, close)
    ]
    return *lit, shown, gives


def _stacked(found: list[tuple[Any, ...]]) -> Batch:
    wide, close, shown, gives = zip(*found, strict=True)
    return Batch(
        torch.from_numpy(np.stack(wide)), torch.from_numpy(np.stack(close)),
        torch.from_numpy(np.stack(shown)), torch.tensor(gives),
    )  # fmt: skip


@torch.no_grad()
def check(network: MeetingNet, library: list[Clips]) -> dict[str, float]:
    """What is seen in clips of stores that were never trained on.

    `given`: of things handed over, the share for which giver and taker are seen, surer than 0.5;
    `given_guessed`: surer than 0.2; `false` and `false_guessed`: of meetings in which nothing is
    handed over, the share in which something is seen to be, as surely.
    """
    network.eval()
    right: list[float] = []
    wrong: list[float] = []
    loss = 0.0
    for clips in library:
        for first in range(0, len(clips.gives), 16):
            rows = range(first, min(first + 16, len(clips.gives)))
            batch = _stacked([_plain(clips, clip) for clip in rows])
            gives = judge(network, batch)
            loss += float(F.cross_entropy(gives, batch.gives, reduction="sum"))
            for sure, true in zip(gives.softmax(1), batch.gives.tolist(), strict=True):
                (right if true else wrong).append(float(sure[true] if true else 1 - sure[0]))
    found = {"handed": len(right), "others": len(wrong)}
    shares = {
        f"{name}{more}": float(np.mean(np.array(some) > least)) if some else 0.0
        for name, some in (("given", right), ("false", wrong))
        for more, least in (("", 0.5), ("_guessed", 0.2))
    }
    return {**found, **shares, "loss": loss / max(len(right) + len(wrong), 1)}


def _plain(clips: Clips, clip: int) -> tuple[Any, ...]:
    ticks = slice(AROUND - _HALF, AROUND + _HALF + 1)
    wide, close = (part[clip, ticks].transpose(0, 1, 4, 2, 3) for part in (clips.wide, clips.close))
    shown = clips.shown[clip, ticks].astype(np.float32)
    return wide, close, shown, int(clips.gives[clip])


def train(
    data: Path, held_out: Path, out: Path, config: MeetingTrainConfig, minutes: float = math.inf,
    compute: Compute | None = None, encoder: StripEncoder | None = None,
) -> Trainer:  # fmt: skip
    """Train until `config.steps`, or until `minutes` have passed in this run.

    A new run begins with what `encoder` has learnt, if there is one.

    Raises:
        ValueError: A directory has no clips.
    """
    torch.set_num_threads(1)
    trainer = Trainer(out, config, compute)
    if encoder is not None and trainer.step == 0:
        trainer.network.begin_with(encoder)
        trainer.average.begin_with(encoder)
    library, others = (Library(folder, Clips, "meetings") for folder in (data, held_out))
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
    """Train on rendered meetings; goes on where it was stopped."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True, help="of aisle.learning.meetings")
    parser.add_argument("--held-out", type=Path, required=True, help="other stores, for the check")
    parser.add_argument("--encoder", type=Path, help="run of aisle.learning.encode to begin with")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=MeetingTrainConfig.steps)
    parser.add_argument("--minutes", type=float, default=math.inf, help="at most, in this run")
    parser.add_argument("--device", default="cpu", help="as torch names it, `cuda` for a GPU")
    parser.add_argument(
        "--precision", choices=PRECISIONS, default="float32", help="bfloat16 is mixed precision"
    )
    args = parser.parse_args()
    config, compute = MeetingTrainConfig(steps=args.steps), Compute(args.device, args.precision)
    encoder = None
    if args.encoder is not None:
        encoder = StripEncoder()
        state = torch.load(args.encoder / "checkpoint.pt", "cpu", weights_only=True)
        encoder.load_state_dict(state["average"])
    train(args.data, args.held_out, args.out, config, args.minutes, compute, encoder)


if __name__ == "__main__":
    main()
