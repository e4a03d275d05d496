"""The last lesson of a receipt transformer with cameras: whose a change is, and nothing else.

Over a run, whose a change is gets worse on stores held out while all else gets better: tracks of
few stores are soon learnt by heart. So in the end what compares tracks with places is learnt anew,
from changes with several sessions in the store; what says it without cameras goes along slowly.
What happened is answered as before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812

from aisle.learning.collect import Sample
from aisle.learning.loss import make_batch
from aisle.learning.variations import VariationConfig, as_met
from aisle.receipt_model.network import ReceiptTransformer

_ANEW = "sight.pair"
_ALONG = ("session_candidate", "session_head", "session_bias", "session_held")
_LOGGED_EVERY = 200


@dataclass(frozen=True)
class WhoseConfig:
    """How to train; written into the manifest."""

    seed: int = 1
    steps: int = 1200
    batch: int = 64
    rate: float = 2e-3
    known: float = 0.1
    """Share of the rate with which that is learnt on that a run with scales knows."""
    warm_up: int = 50
    decay: float = 0.02


def learn_whose(
    network: ReceiptTransformer, samples: Sequence[Sample], config: WhoseConfig,
    variation: VariationConfig, log: Callable[..., None],
) -> None:  # fmt: skip
    """Learn anew whose a change is, in place.

    Args:
        network: With sight.
        samples: Windows; those with one session, or without a change, are left out.
        config: How to train.
        variation: Of the windows.
        log: Told the mean loss now and then.

    Raises:
        ValueError: No window has several sessions.
    """
    assert network.sight is not None
    some = [s for s in samples if _is_asked(s)]
    if not some:
        raise ValueError("no window shows a change with several sessions in the store")
    torch.manual_seed(config.seed)
    rng = np.random.default_rng((config.seed, 29))
    network.sight.pair1.reset_parameters()
    network.sight.pair2.reset_parameters()
    groups = [
        {"params": [p for name, p in network.named_parameters() if name.startswith(names)]}
        for names in (_ANEW, _ALONG)
    ]
    optimizer = torch.optim.AdamW(groups, lr=config.rate, weight_decay=config.decay)
    network.train()
    mean = math.nan
    for step in range(config.steps):
        done = step / config.steps
        rate = config.rate * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        rate *= min((step + 1) / config.warm_up, 1.0)
        for group, share in zip(optimizer.param_groups, (1.0, config.known), strict=True):
            group["lr"] = rate * share
        drawn = rng.integers(len(some), size=config.batch)
        varied = [as_met(some[i], variation, rng) for i in drawn]
        batch = make_batch([(v.arrays, v.label) for v in varied], sight=True)
        rows = batch.is_change.nonzero()[:, 0]
        if not len(rows):
            continue
        session = network(**batch.inputs)[3][rows, batch.candidate[rows]]
        loss = F.cross_entropy(session, batch.session[rows])
        network.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        value = float(loss.detach())
        mean = value if math.isnan(mean) else 0.98 * mean + 0.02 * value
        if (step + 1) % _LOGGED_EVERY == 0:
            log(event="whose", whose_step=step + 1, loss=round(mean, 4))
    network.eval()


def _is_asked(sample: Sample) -> bool:
    several = "column_mask" in sample.arrays and len(sample.arrays["session_mask"]) > 1
    return several and sample.label.kind == "change"
