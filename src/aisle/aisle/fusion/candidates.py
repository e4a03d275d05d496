"""Products that may have moved on a shelf: what the model can name, and what is cut."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from aisle.fusion.memory import Session, ShelfMemory

MAX_CANDIDATES = 48
"""Products that one window can name; of more, the least plausible are cut."""
_MOVED_KG = 0.002
"""A plate that changed by more may have lost or got something."""


@dataclass(frozen=True)
class Candidate:
    """A product that may have moved on this shelf."""

    product: str
    plates: tuple[str, ...]
    stands: bool
    stray: bool


def candidates(
    standing: Sequence[Candidate],
    memory: ShelfMemory,
    sessions: Sequence[Session],
    known: Collection[str],
) -> list[Candidate]:
    """All candidates: what cannot be named, what stands here, was left here, is carried, was said.

    Args:
        standing: By the store model.
        memory: What was left and said here.
        sessions: Open sessions.
        known: Products of the store; others have no weight that could be compared.
    """
    found = {"": Candidate("", (), False, False)}
    for candidate in standing:
        found[candidate.product] = candidate
    for product, (_, plates) in memory.stray.items():
        if product not in found and product in known:
            found[product] = Candidate(product, plates, True, True)
    carried = (product for session in sessions for product in reversed(session.carried))
    said = (commit.product for commit in memory.commits)
    for product in (*carried, *said):
        if product not in found and product in known:
            found[product] = Candidate(product, (), False, False)
    return list(found.values())


def most_plausible(
    found: Sequence[Candidate],
    moved_kg: Mapping[str, float],
    memory: ShelfMemory,
    sessions: Sequence[Session],
) -> list[Candidate]:
    """As many candidates as there is room for, in the order in which they came.

    Kept first: the one without a name, what was said of this window, what stands or was left on
    plates that changed, the largest change first, what was left here, what is carried, the last
    taken first, and then the rest.

    Args:
        found: All candidates.
        moved_kg: By how much each plate of the shelf changed in the window.
        memory: What was said here.
        sessions: Open sessions.
    """
    said = {commit.product for commit in memory.commits}
    carried: dict[str, int] = {}
    for session in sessions:
        for age, product in enumerate(reversed(session.carried)):
            carried[product] = min(age, carried.get(product, age))

    def rank(candidate: Candidate) -> tuple[int, float]:
        product = candidate.product
        if not product or product in said:
            return 0, 0.0
        moved = max((moved_kg.get(plate, 0.0) for plate in candidate.plates), default=0.0)
        if moved > _MOVED_KG:
            return 1, -moved
        if candidate.stray:
            return 2, 0.0
        return (3, carried[product]) if product in carried else (4, 0.0)

    kept = {candidate.product for candidate in sorted(found, key=rank)[:MAX_CANDIDATES]}
    return [candidate for candidate in found if candidate.product in kept]
