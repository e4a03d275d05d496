"""Hand-overs: what one session gives another leaves the one receipt and comes to the other."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.memory import Memory
from aisle.fusion.outbox import Outbox
from aisle.fusion.synchronizer import SECOND
from aisle.records import Action, Change, ChangeState
from aisle.vision.hand_overs import HandOver

Floats = NDArray[np.float32]

_ALIKE = 10.0
"""How much it counts that a column and a product are alike, as the encoder learnt it."""
_EVIDENCE_NS = SECOND
"""A hand-over is seen from so long before its stamp until so long after it."""


def hand_over(
    memory: Memory, looks: Mapping[str, Floats], seen: HandOver, out: Outbox
) -> bool:  # fmt: skip
    """Say a hand-over: who gave what, of all that either carries; whether there is anything.

    Args:
        memory: The sessions.
        looks: Features of products by their catalogue images.
        seen: What was seen.
        out: Where to say it.
    """
    one, other = (memory.sessions.get(name) for name in seen.sessions)
    if one is None or other is None:
        return False
    votes = _votes(looks, seen)
    # What has no pictures may be anything.
    unknown = 1.0 / max(len(looks), 1)
    likely = {
        (giver.id, product): gives * votes.get(product, unknown)
        for giver, gives in ((one, seen.gives[0]), (other, seen.gives[1]))
        for product in sorted(giver.carried)
    }
    if not likely:
        return False
    best = max(likely, key=lambda key: likely[key])
    product = best[1]
    giver, taker = (one, other) if best[0] == one.id else (other, one)
    probability = sum(seen.gives) * likely[best] / max(sum(likely.values()), 1e-9)
    unit_kg = giver.carried[product].unit_kg
    for session, counterpart, action in (
        (giver, taker, Action.RETURN), (taker, giver, Action.TAKE),
    ):  # fmt: skip
        session.apply(action, product, 1, unit_kg)
        change = Change(
            id=session.next_id(), state=ChangeState.CONFIRMED, stamp_ns=seen.stamp_ns,
            action=action, product=product, quantity=1, probability=min(probability, 1.0),
            shelf="", counterpart=counterpart.id, cameras=seen.cameras,
            evidence_ns=(max(seen.stamp_ns - _EVIDENCE_NS, 0), seen.stamp_ns + _EVIDENCE_NS),
        )  # fmt: skip
        out.change(session, change)
    return True


def _votes(looks: Mapping[str, Floats], seen: HandOver) -> dict[str, float]:
    """How likely what was seen between the two shows each product of the catalogue.

    Each column may show any of them: what stands behind the two, too.
    """
    if not looks or not len(seen.columns):
        return {}
    alike = _ALIKE * seen.columns @ np.stack(list(looks.values())).T
    odds = np.exp(alike - alike.max(1, keepdims=True))
    odds /= odds.sum(1, keepdims=True)
    mean = (seen.shows[:, None] * odds).sum(0) / max(float(seen.shows.sum()), 1e-6)
    return dict(zip(looks, mean.tolist(), strict=True))
