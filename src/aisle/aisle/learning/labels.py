"""What the right answer to a window is, given the truth and what has been said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aisle.fusion.memory import Commit
from aisle.fusion.windows import CHOICES, MARKS, MAX_QUANTITY, WINDOW_NS, Window, possible
from aisle.records import Action
from aisle.sim.simulation import TruthEvent

SECOND = 1_000_000_000
SOONEST_NS = SECOND // 10
"""An event younger than this need not be known yet."""
LATEST_NS = round(4.3 * SECOND)
"""An event older than this can no longer be told from the window's beginning."""
MATCH_NS = round(2.5 * SECOND)

Effect = tuple[TruthEvent, NDArray[np.float64]]


@dataclass(frozen=True)
class Label:
    """The right answer: `kind` is `none`, `change` or `withdraw`."""

    kind: str
    candidate: int = 0
    choice: int = 0
    """Index in 0..CHOICES-1: take 1..4, return 1..4."""
    commits: tuple[int, ...] = ()
    """All wrong commits: withdrawing any of them is right."""
    session: int = 0
    mark: int = 0
    delta: NDArray[np.float32] | None = None
    """[plates] kilograms that the event added to each plate."""
    mass_kg: float = 0.0
    """Of what was moved."""


def open_events(window: Window, effects: Sequence[Effect]) -> tuple[list[Effect], list[int]]:
    """Events of the window that no commit accounts for, and commits that no event accounts for."""
    oldest, newest = window.tick_ns - LATEST_NS, window.tick_ns - SOONEST_NS
    near = [
        e for e in effects
        if oldest - MATCH_NS < e[0].stamp_ns <= newest + SECOND and e[0].shelf == window.shelf
    ]  # fmt: skip
    free = set(range(len(near)))
    wrong: list[int] = []
    for k, commit in enumerate(window.commits):
        match = [i for i in free if _same(near[i][0], commit)]
        if match:
            free.remove(min(match, key=lambda i: abs(near[i][0].stamp_ns - commit.stamp_ns)))
        else:
            wrong.append(k)
    missed = [
        near[i] for i in sorted(free)
        if oldest < near[i][0].stamp_ns <= newest and near[i][0].session in window.sessions
    ]  # fmt: skip
    wrong = [k for k in wrong if window.commits[k].stamp_ns > oldest]
    return missed, wrong


def _same(event: TruthEvent, commit: Commit) -> bool:
    return (
        event.product == commit.product
        and event.action == commit.action
        and event.quantity == commit.quantity
        and abs(event.stamp_ns - commit.stamp_ns) < MATCH_NS
    )


def label(window: Window, effects: Sequence[Effect]) -> Label:
    """First take back something wrong, then say the earliest event that has not been said."""
    missed, wrong = open_events(window, effects)
    if wrong:
        return Label("withdraw", commits=tuple(wrong))
    if not missed:
        return Label("none")
    return change_label(window, missed[0])


def answerable(window: Window, right: Label) -> bool:
    """Whether the network can give this answer: see `aisle.fusion.windows.possible`."""
    return right.kind != "change" or bool(possible(window.arrays)[right.candidate, right.choice])


def change_label(window: Window, effect: Effect) -> Label:
    """The answer that says one event."""
    event, gain = effect
    names = {product: i for i, product in enumerate(window.candidates)}
    offset = 0 if event.action is Action.TAKE else MAX_QUANTITY
    age = (window.tick_ns - event.stamp_ns) / WINDOW_NS
    return Label(
        "change",
        candidate=names.get(event.product, 0),
        choice=min(offset + min(event.quantity, MAX_QUANTITY) - 1, CHOICES - 1),
        session=window.sessions.index(event.session),
        mark=int(np.clip((1 - age) * MARKS, 0, MARKS - 1)),
        delta=gain.astype(np.float32),
        mass_kg=event.weight_kg,
    )
