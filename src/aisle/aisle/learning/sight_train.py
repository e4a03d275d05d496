"""Training of the receipt transformer with cameras, on shards of `aisle.learning.sights`.

    python -m aisle.learning.sight_train --help

It begins with the weights of a run of `aisle train`, which knows scales. Parts of what a window
has are taken away while learning, so that the model does with what there is.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from aisle.fusion.decode import DecodeConfig
from aisle.fusion.runtime import SHIPPED_MODEL
from aisle.fusion.windows import Arrays
from aisle.learning.calibrate import Choice, calibrated, fit, fit_temperature
from aisle.learning.collect import Sample
from aisle.learning.compute import Compute
from aisle.learning.export import export
from aisle.learning.labels import Label
from aisle.learning.loss import Batch, all_logits, make_batch
from aisle.learning.receipt_run import BATCHES, ReceiptRun, batches, check
from aisle.learning.shards import Shards
from aisle.learning.variations import VariationConfig, as_met, without_cameras, without_scales
from aisle.learning.whose_train import WhoseConfig, learn_whose
from aisle.receipt_model.network import NetworkConfig, ReceiptTransformer
from aisle.vision.networks import MANIFEST

_CHECKED = 1500
"""Windows of the check, about."""


@dataclass(frozen=True)
class SightConfig:
    """How to train; written into the manifest."""

    seed: int = 1
    steps: int = 5000
    batch: int = 96
    rate: float = 1e-3
    known: float = 0.1
    """Share of the rate with which that is learnt on that a run with scales knows: it has met far
    more stores than there are pictures of."""
    warm_up: int = 200
    decay: float = 0.05
    average: float = 0.998
    check_every: int = 500
    own_every: int = 500
    variation: VariationConfig = field(default_factory=VariationConfig)


def new_network() -> ReceiptTransformer:
    """A receipt transformer that takes what cameras see."""
    return ReceiptTransformer(NetworkConfig(sight=True))


class Library:
    """The samples of a folder of shards, the newest too; each shard is read once."""

    def __init__(self, url: str) -> None:
        self._shards, self._read = Shards(url), set[str]()
        self.samples: list[Sample] = []

    def refresh(self) -> int:
        """Read what is new; how many samples there are.

        Raises:
            ValueError: There is none.
        """
        for name in self._shards.names():
            if name not in self._read:
                self._read.add(name)
                self.samples.extend(self._shards.read(name))
        if not self.samples:
            raise ValueError("no shards; `aisle.learning.sights` makes them")
        return len(self.samples)


class SightTrainer(ReceiptRun[SightConfig]):
    """The receipt transformer with cameras in training."""

    def __init__(
        self, directory: Path, config: SightConfig, scales: Path | None,
        compute: Compute | None = None,
    ) -> None:  # fmt: skip
        """Resume what the directory holds; else begin with the weights of a run with scales."""
        self._known = 1.0 if scales is None else config.known
        super().__init__(directory, new_network, config, compute=compute)
        if self.step == 0 and scales is not None:
            state = torch.load(scales / "checkpoint.pt", weights_only=True)["average"]
            self.network.load_state_dict(state, strict=False)
            self.average.load_state_dict(state, strict=False)

    def choose(self, found: dict[str, dict[str, float]]) -> None:
        """Keep the averaged weights if no check of this run went better: they are the model.

        After some thousand steps windows that are learnt from get better and others worse.
        """
        loss = sum(found[kind]["loss"] for kind in _CHOSEN_BY)
        if not self._best.is_file() or loss < torch.load(self._best, weights_only=True)["loss"]:
            state = {"loss": loss, "step": self.step, "average": self.learnt.state_dict()}
            part = self._best.with_suffix(".part")
            torch.save(state, part)
            part.replace(self._best)

    def chosen(self) -> tuple[ReceiptTransformer, int]:
        """The model, and at which step it was chosen; what there is now where none was."""
        if not self._best.is_file():
            return self.learnt, self.step
        state = torch.load(self._best, weights_only=True)
        network = new_network()
        network.load_state_dict(state["average"])
        return network, int(state["step"])

    @property
    def _best(self) -> Path:
        return self.directory / "best.pt"

    def groups(self) -> list[dict[str, Any]]:
        """See `Run.groups`: what sees, and the rest."""
        new, old = list[nn.Parameter](), list[nn.Parameter]()
        for name, value in self.network.named_parameters():
            (new if name.startswith("sight.") else old).append(value)
        return [{"params": new, "share": 1.0}, {"params": old, "share": self._known}]


@torch.no_grad()
def session_temperature(network: ReceiptTransformer, checked: list[Batch]) -> tuple[float, int]:
    """What divides the logits of whose a change is, fitted; and on how many changes."""
    network.eval()
    choices: list[Choice] = []
    for batch in checked:
        session = network(**batch.inputs)[3]
        count = batch.inputs["session_mask"].sum(1).long()
        for row in (batch.is_change & (count > 1)).nonzero()[:, 0].tolist():
            logits = session[row, batch.candidate[row], : count[row]]
            choices.append((logits.tolist(), int(batch.session[row])))
    return fit_temperature(choices), len(choices)


@torch.no_grad()
def stated_and_right(
    network: ReceiptTransformer, checked: list[Batch]
) -> list[tuple[float, bool]]:  # fmt: skip
    """How likely the model says its answer is, and whether it is right.

    Of windows in which a fusion would say it: something happened, and nothing is to be withdrawn.
    """
    network.eval()
    found: list[tuple[float, bool]] = []
    for batch in checked:
        outputs = network(**batch.inputs)
        likely = all_logits(outputs).softmax(1)
        changes, wrong = likely[:, 1:].tensor_split([outputs[1].flatten(1).shape[1]], 1)
        best = changes.argmax(1)
        right = batch.target.gather(1, 1 + best[:, None])[:, 0]
        stated = changes.gather(1, best[:, None])[:, 0]
        doubt = wrong.sum(1)
        said = (likely[:, 0] <= 1 - DecodeConfig.something) & (doubt < DecodeConfig.withdraw)
        said &= doubt <= stated
        found += zip(stated[said].tolist(), right[said].tolist(), strict=True)
    return found


_CHOSEN_BY = ("all", "no_scales")
_Pairs = list[tuple[Arrays, Label]]
_KINDS: dict[str, Callable[[list[Sample]], _Pairs]] = {
    "all": lambda some: [(s.arrays, s.label) for s in some],
    "no_cameras": lambda some: [(without_cameras(s.arrays), s.label) for s in some],
    "no_scales": lambda some: [
        (without_scales(s.arrays), s.unweighed) for s in some if s.unweighed
    ],
}


def _checks(held_out: Library, size: int) -> dict[str, list[Batch]]:
    """Held-out windows with cameras: whole, and with a modality taken away."""
    seen = [s for s in held_out.samples if "column_mask" in s.arrays]
    seen = seen[:: max(1, len(seen) // _CHECKED)]
    found = {}
    for kind, take in _KINDS.items():
        some = take(seen)
        found[kind] = [
            make_batch(some[i : i + size], sight=True) for i in range(0, len(some), size)
        ]
    return found


def train(
    directory: Path, shards: str, held_out: str, config: SightConfig, scales: Path | None,
    minutes: float = math.inf, compute: Compute | None = None,
) -> SightTrainer:  # fmt: skip
    """Train until `config.steps`, or until `minutes` have passed in this run; again to go on.

    Args:
        directory: Of checkpoint, log and model.
        shards: Folder or URL to learn from; it may still be growing.
        held_out: Folder or URL to check on, of other seeds.
        config: How to train.
        scales: Run of `aisle train` to begin with.
        minutes: At most.
        compute: Where; on the CPU when None.

    Raises:
        ValueError: A folder has no shards.
    """
    torch.set_num_threads(1)
    trainer = SightTrainer(directory, config, scales, compute)
    library, others = Library(shards), Library(held_out)
    library.refresh()
    others.refresh()
    checks = _checks(others, config.batch)
    rng = np.random.default_rng((config.seed, trainer.step))
    begun, before, saved = time.monotonic(), trainer.seconds, time.monotonic()
    mean: dict[str, float] = {}
    while trainer.step < config.steps and time.monotonic() - begun < 60 * minutes:
        if trainer.step % 50 < BATCHES:
            library.refresh()
        drawn = rng.integers(0, len(library.samples), BATCHES * config.batch)
        varied = [as_met(library.samples[i], config.variation, rng) for i in drawn]
        for batch in batches([(v.arrays, v.label) for v in varied], rng, sight=True):
            for name, value in trainer.learn(batch).items():
                mean[name] = 0.98 * mean.get(name, value) + 0.02 * value
        trainer.seconds = before + time.monotonic() - begun
        if trainer.step % config.check_every < BATCHES:
            found = {kind: check(trainer.learnt, some) for kind, some in checks.items()}
            trainer.choose(found)
            trainer.log(
                step=trainer.step, seconds=round(trainer.seconds), samples=len(library.samples),
                train={k: round(v, 4) for k, v in mean.items()}, check=found,
            )  # fmt: skip
        if trainer.step % config.own_every < BATCHES:
            trainer.export_own()
        if time.monotonic() - saved > 60:
            trainer.save()
            saved = time.monotonic()
    trainer.save()
    return trainer


def main() -> None:
    """Train the receipt transformer with cameras; goes on where it was stopped."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--scales", type=Path, help="run of `aisle train` to begin with")
    parser.add_argument(
        "--vision", type=Path, required=True, help="the networks with which shards were made"
    )
    parser.add_argument("--shards", required=True, help="folder or URL of shards to learn from")
    parser.add_argument("--held-out", required=True, help="folder or URL of shards for the check")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=SightConfig.steps)
    parser.add_argument("--minutes", type=float, default=math.inf, help="at most, in this run")
    parser.add_argument(
        "--whose", type=int, default=WhoseConfig.steps,
        help="steps at the end in which only whose a change is, is learnt anew; 0 for none",
    )  # fmt: skip
    parser.add_argument(
        "--calibration", type=int, default=120, help="development sessions with scales; 0 for none"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes of the calibration")
    parser.add_argument("--device", default="cpu", help="as torch names it, `cuda` for a GPU")
    args = parser.parse_args()
    config, compute = SightConfig(steps=args.steps), Compute(args.device)
    vision = json.loads((args.vision / MANIFEST).read_text())
    for folder in (args.shards, args.held_out):
        Shards(folder, vision["sha256"])
    trainer = train(
        args.out, args.shards, args.held_out, config, args.scales, args.minutes, compute
    )
    held_out = Library(args.held_out)
    held_out.refresh()
    checks = _checks(held_out, config.batch)
    network, step = trainer.chosen()
    if args.whose:
        library = Library(args.shards)
        library.refresh()
        whose = WhoseConfig(config.seed, args.whose)
        learn_whose(network, library.samples, whose, config.variation, trainer.log)
    temperature, choices = session_temperature(network, checks["all"])
    seen = stated_and_right(network, checks["no_scales"])
    for name in (MANIFEST, *vision["sha256"]):
        shutil.copy(args.vision / name, args.out / name)
    manifest = {
        "vision": vision["sha256"],
        "session_temperature_seen": temperature, "session_choices_seen": choices,
        "calibration_seen": fit(seen), "calibration_windows_seen": len(seen),
        "check": {kind: check(network, some) for kind, some in checks.items()},
        "network": asdict(trainer.network.config), "training": asdict(config),
        "steps": trainer.step, "chosen_at_step": step, "seconds": round(trainer.seconds),
        "whose_steps": args.whose,
        "data": "aisle.learning.sights: rendered stores, no recordings",
    }  # fmt: skip
    model = args.out / SHIPPED_MODEL
    export(network, model, manifest)
    if args.calibration:
        found = calibrated(model, args.calibration, args.workers, trainer.log)
        export(network, model, manifest | found)


if __name__ == "__main__":
    main()
