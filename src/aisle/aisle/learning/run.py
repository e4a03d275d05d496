"""What every training run needs: a directory with a checkpoint and a log, a rate, an average."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from aisle.learning.compute import Compute

_SAVE_S = 60.0


class RunConfig(Protocol):
    """What a run must know."""

    @property
    def seed(self) -> int:
        """Of the network's first weights."""

    @property
    def steps(self) -> int:
        """In all."""

    @property
    def rate(self) -> float:
        """The highest."""

    @property
    def warm_up(self) -> int:
        """Steps until then."""

    @property
    def decay(self) -> float:
        """Of weights."""

    @property
    def average(self) -> float:
        """Decay of the averaged weights."""

    @property
    def check_every(self) -> int:
        """Steps from check to check."""


N = TypeVar("N", bound=nn.Module)
C = TypeVar("C", bound=RunConfig)


class Run(Generic[N, C]):
    """A network in training, resumed from its directory where that holds a checkpoint.

    `average` has the averaged weights; `learnt` are the same for checks and files.
    """

    def __init__(
        self,
        directory: Path,
        network: Callable[[], N],
        config: C,
        betas: tuple[float, float] = (0.9, 0.98),
        compute: Compute | None = None,
    ) -> None:
        self.directory, self.config = directory, config
        self.compute = compute or Compute()
        directory.mkdir(parents=True, exist_ok=True)
        torch.manual_seed(config.seed)
        self.network = network().to(self.compute.device)
        self.average = deepcopy(self.network)
        self.optimizer = torch.optim.AdamW(
            self.groups(), lr=config.rate, weight_decay=config.decay, betas=betas
        )
        self.step, self.seconds, self.runs = 0, 0.0, 0
        self._board: SummaryWriter | None = None
        if self.checkpoint.is_file():
            self._resume()

    def groups(self) -> list[dict[str, Any]]:
        """Parameters, and what `share` of the rate they learn with."""
        return [{"params": list(self.network.parameters()), "share": 1.0}]

    @property
    def checkpoint(self) -> Path:
        """Everything needed to resume."""
        return self.directory / "checkpoint.pt"

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, "cpu", weights_only=True)
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        try:
            self.optimizer.load_state_dict(state["optimizer"])
        except ValueError as error:
            raise ValueError(f"{self.checkpoint}: of another kind of run: {error}") from error
        for group, wanted in zip(self.optimizer.param_groups, self.groups(), strict=True):
            group |= {"share": wanted["share"], "weight_decay": self.config.decay}
        self.step, self.seconds = int(state["step"]), float(state["seconds"])
        self.runs = int(state["runs"])
        self.log(event="resumed", step=self.step)

    @property
    def learnt(self) -> N:
        """The averaged weights on the CPU, to check and to export."""
        return self.average if self.compute.device == "cpu" else deepcopy(self.average).cpu()

    def save(self) -> None:
        """Write the checkpoint atomically."""
        state = {
            "network": self.network.state_dict(), "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(), "step": self.step,
            "seconds": self.seconds, "runs": self.runs,
        }  # fmt: skip
        part = self.checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(self.checkpoint)

    def log(self, **values: Any) -> None:
        """One line in `log.jsonl` and on the terminal; what has a step is for TensorBoard too."""
        line = json.dumps(values)
        with (self.directory / "log.jsonl").open("a") as file:
            file.write(line + "\n")
        print(line, flush=True)
        if "step" in values:
            if self._board is None:
                self._board = SummaryWriter(str(self.directory / "tensorboard"))
            for name, value in _numbers("", values):
                self._board.add_scalar(name, value, int(values["step"]))
            self._board.flush()

    def rate(self) -> float:
        """Warm-up, then a cosine down to a fiftieth."""
        config = self.config
        if self.step < config.warm_up:
            return config.rate * (self.step + 1) / config.warm_up
        done = min((self.step - config.warm_up) / max(config.steps - config.warm_up, 1), 1.0)
        return config.rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))

    def descend(self, loss: Tensor) -> None:
        """One step down a loss; the averaged weights follow."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate() * group["share"]
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        keep = min(self.config.average, (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            # Running means of normalisations belong to it as well as parameters.
            values = self.network.state_dict()
            for name, mean in self.average.state_dict().items():
                if mean.is_floating_point():
                    mean.lerp_(values[name], 1 - keep)

    def go(
        self, learn: Callable[[np.random.Generator], dict[str, float]],
        look: Callable[[], dict[str, Any]], minutes: float,
    ) -> None:  # fmt: skip
        """Learn until `config.steps`, or until `minutes` have passed; call again to go on.

        Args:
            learn: One step, which calls `descend`, with draws of its own. Returns what is to be
                logged as a running mean.
            look: What else is to be logged every `check_every` steps.
            minutes: At most, in this call.
        """
        begun, before = time.monotonic(), self.seconds
        saved, mean = begun, dict[str, float]()
        while self.step < self.config.steps and time.monotonic() - begun < 60 * minutes:
            rng = np.random.default_rng((self.config.seed, self.step, 5))
            for name, value in learn(rng).items():
                mean[name] = 0.98 * mean.get(name, value) + 0.02 * value
            self.seconds = before + time.monotonic() - begun
            if self.step % self.config.check_every == 0:
                rounded = {name: round(value, 4) for name, value in mean.items()}
                self.log(step=self.step, seconds=round(self.seconds), train=rounded, **look())
            if time.monotonic() - saved > _SAVE_S:
                self.save()
                saved = time.monotonic()
        self.save()


def _numbers(path: str, value: Any) -> Iterator[tuple[str, float]]:
    """All numbers in nested mappings, by their path."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _numbers(f"{path}/{name}" if path else str(name), part)
    elif isinstance(value, int | float) and not isinstance(value, bool) and path != "step":
        yield path, float(value)
