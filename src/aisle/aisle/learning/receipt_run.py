"""What both trainings of the receipt transformer have: a step, a check, the model so far."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from aisle.fusion.windows import Arrays
from aisle.learning.export import export
from aisle.learning.labels import Label
from aisle.learning.loss import Batch, all_logits, losses, make_batch
from aisle.learning.run import C, Run
from aisle.receipt_model.network import ReceiptTransformer

Pair = tuple[Arrays, Label]
BATCHES = 4
"""Batches that are drawn together, and steps between two looks at anything else."""
OWN = "own.onnx"
"""The model so far, for the simulations: twice as fast as torch on a few windows at a time."""


class ReceiptRun(Run[ReceiptTransformer, C]):
    """The receipt transformer in training."""

    def learn(self, batch: Batch) -> dict[str, float]:
        """One step."""
        self.network.train()
        batch = self.compute.moved(batch)
        parts = losses(self.network(**batch.inputs), batch)
        self.descend(parts["total"])
        return {name: float(value.detach()) for name, value in parts.items()}

    def export_own(self) -> Path:
        """Write the averaged weights for the simulations."""
        return export(self.learnt, self.directory / OWN, {})


def batches(chosen: Sequence[Pair], rng: np.random.Generator, *, sight: bool) -> Iterator[Batch]:
    """`BATCHES` batches of windows of about the same size, so that padding is small."""
    ordered = sorted(chosen, key=_size)
    size = len(ordered) // BATCHES
    for i in rng.permutation(BATCHES):
        yield make_batch(ordered[i * size : (i + 1) * size], sight=sight)


def _size(pair: Pair) -> tuple[int, int]:
    return len(pair[0].get("column_mask", ())), len(pair[0]["plate_mask"])


@torch.no_grad()
def check(network: ReceiptTransformer, checked: Sequence[Batch]) -> dict[str, float]:
    """How a network does on windows that are never trained on.

    Loss and share of right answers, of right changes, and among several sessions of changes whose
    session is right; `changes` and `several` are the numbers of cases.
    """
    network.eval()
    total, right, change, change_right, several, whose, loss = 0, 0, 0, 0, 0, 0, 0.0
    for batch in checked:
        outputs = network(**batch.inputs)
        best = all_logits(outputs).argmax(1, keepdim=True)
        hit = batch.target.gather(1, best)[:, 0]
        total += len(hit)
        right += int(hit.sum())
        change += int(batch.is_change.sum())
        change_right += int((hit & batch.is_change).sum())
        loss += float(losses(outputs, batch)["answer"]) * len(hit)
        rows = (batch.is_change & (batch.inputs["session_mask"].sum(1) > 1)).nonzero()[:, 0]
        said = outputs[3][rows, batch.candidate[rows]].argmax(1)
        several += len(rows)
        whose += int((said == batch.session[rows]).sum())
    return {
        "loss": round(loss / total, 4), "right": round(right / total, 4),
        "change_right": round(change_right / max(change, 1), 4), "changes": change,
        "whose": round(whose / max(several, 1), 4), "several": several,
    }  # fmt: skip
