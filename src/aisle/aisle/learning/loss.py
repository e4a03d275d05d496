"""The training loss: one softmax over all answers, and what helps to learn it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from aisle.fusion.windows import CHOICES, Arrays, collate
from aisle.learning.labels import Label


@dataclass(frozen=True)
class Batch:
    """Collated inputs and targets as tensors; B windows."""

    inputs: dict[str, Tensor]
    target: Tensor
    """[B, 1 + C * CHOICES + K] bool: the right answers among (none, candidates x choices, commits);
    more than one only where several commits are wrong."""
    is_change: Tensor
    """[B] bool"""
    candidate: Tensor
    session: Tensor
    mark: Tensor
    delta: Tensor
    """[B, plates] kilograms."""
    mass: Tensor
    """[B] kilograms, absolute."""


def make_batch(samples: list[tuple[Arrays, Label]], *, sight: bool = False) -> Batch:
    """Collate samples, for a network with sight or without; an empty list is an error."""
    arrays = collate([a for a, _ in samples], sight=sight)
    labels = [right for _, right in samples]
    candidates = arrays["candidate_mask"].shape[1]
    delta = np.zeros(arrays["plate_mask"].shape, np.float32)
    answers = 1 + candidates * CHOICES + arrays["commit_mask"].shape[1]
    target = np.zeros((len(labels), answers), bool)
    for row, right in enumerate(labels):
        target[row, 0] = right.kind == "none"
        if right.kind == "change":
            target[row, 1 + right.candidate * CHOICES + right.choice] = True
        for commit in right.commits:
            target[row, 1 + candidates * CHOICES + commit] = True
        if right.delta is not None:
            delta[row, : len(right.delta)] = right.delta
    return Batch(
        {name: torch.from_numpy(a) for name, a in arrays.items()},
        torch.from_numpy(target),
        torch.tensor([right.kind == "change" for right in labels]),
        torch.tensor([right.candidate for right in labels], dtype=torch.long),
        torch.tensor([right.session for right in labels], dtype=torch.long),
        torch.tensor([right.mark for right in labels], dtype=torch.long),
        torch.from_numpy(delta),
        torch.tensor([right.mass_kg for right in labels]),
    )


def all_logits(outputs: tuple[Tensor, ...]) -> Tensor:
    """[B, 1 + C * CHOICES + K]."""
    none, candidates, withdraws = outputs[:3]
    return torch.cat([none, candidates.flatten(1), withdraws], 1)


def losses(outputs: tuple[Tensor, ...], batch: Batch) -> dict[str, Tensor]:
    """The parts of the loss; `total` is their weighted sum."""
    _, _, _, session, event, log_mass, delta = outputs
    likely = all_logits(outputs).log_softmax(1)
    right = likely.masked_fill(~batch.target, -torch.inf).logsumexp(1)
    parts = {"answer": -right.mean()}
    rows = batch.is_change.nonzero()[:, 0]
    count = max(len(rows), 1)
    chosen = session[rows, batch.candidate[rows]]
    parts["session"] = F.cross_entropy(chosen, batch.session[rows], reduction="sum") / count
    parts["event"] = F.cross_entropy(event[rows], batch.mark[rows], reduction="sum") / count
    true = batch.delta[rows]
    scale = 0.003 + 0.02 * true.abs().amax(1, keepdim=True)
    off = F.smooth_l1_loss(delta[rows] / scale, true / scale, reduction="sum")
    parts["delta"] = off / (count * delta.shape[1])
    mass = (batch.mass[rows] + 1e-3).log()
    parts["mass"] = F.smooth_l1_loss(log_mass[rows], mass, beta=0.02, reduction="sum") / count
    parts["total"] = (
        parts["answer"] + 0.3 * parts["session"] + 0.2 * parts["event"]
        + 0.2 * parts["delta"] + 0.3 * parts["mass"]
    )  # fmt: skip
    return parts
