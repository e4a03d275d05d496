"""What really happened in simulations: how full the store was, and how confusing.

Counted in the scripts as they were written, not in the chances of a scenario: not everything that
is drawn can be done.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aisle.sim.script import Deed, DeedKind, GestureKind, Script

LOOK_S = 12.0
"""Who puts back, within this, what he has just taken from the same shelf, looked at it."""
BESIDE_S = 2.0
"""Deeds of two at one shelf, less than this apart, are hard to tell apart."""

LOOK, ELSEWHERE, HAND_OVER = "look and put back", "put back elsewhere", "hand over"
TWO = "two at one shelf"


@dataclass
class Happenings:
    """Counts over simulations; they add up."""

    simulations: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    """Actions by kind; each in the first of the confusing kinds that fits, or else as it is."""
    at_once: Counter[int] = field(default_factory=Counter)
    """Actions by the number of sessions in the store."""

    def add(self, other: Happenings) -> None:
        """Take in other simulations."""
        self.simulations += other.simulations
        self.kinds.update(other.kinds)
        self.at_once.update(other.at_once)

    @property
    def actions(self) -> int:
        """All actions; taking something, looking at it and putting it back is one."""
        return sum(self.kinds.values())

    @property
    def confusing(self) -> int:
        """Actions of the kinds that confuse, those that swap places left out."""
        return sum(self.kinds[kind] for kind in (LOOK, ELSEWHERE, HAND_OVER, TWO))

    def summary(self) -> dict[str, Any]:
        """Return plain data, for JSON and for the page."""
        return {
            "simulations": self.simulations,
            "actions": self.actions,
            "confusing": self.confusing,
            "kinds": dict(self.kinds.most_common()),
            "at_once": {str(count): n for count, n in sorted(self.at_once.items())},
        }


def happenings(script: Script) -> Happenings:
    """Count what one script lets happen.

    A swap of places leaves no trace of its own in a script; what the two take afterwards counts
    as any other take.
    """
    found = Happenings(1)
    deeds = sorted(script.deeds, key=lambda deed: deed.start_s)
    looked = _looked(deeds)
    beside = _beside(deeds)
    for number, deed in enumerate(deeds):
        if number in looked and deed.kind is DeedKind.RETURN:
            continue
        if deed.kind is DeedKind.RETURN and deed.foreign:
            kind = ELSEWHERE
        elif number in looked:
            kind = LOOK
        elif number in beside:
            kind = TWO
        else:
            kind = deed.kind.value
        _count(found, script, kind, deed.start_s)
    for gesture in script.gestures:
        if gesture.kind is GestureKind.HAND_OVER and gesture.session != gesture.counterpart:
            _count(found, script, HAND_OVER, gesture.start_s)
    return found


def _count(found: Happenings, script: Script, kind: str, at_s: float) -> None:
    found.kinds[kind] += 1
    found.at_once[sum(visit.enter_s <= at_s <= visit.exit_s for visit in script.visits)] += 1


def _looked(deeds: list[Deed]) -> set[int]:
    """Indices of takes that were soon undone, and of the returns that undid them."""
    last: dict[tuple[str, int], int] = {}
    found: set[int] = set()
    for number, deed in enumerate(deeds):
        person = deed.session, deed.number
        before = last.get(person)
        if deed.kind is DeedKind.RETURN and before is not None:
            taken = deeds[before]
            same = _goods(taken) == _goods(deed) and deed.start_s - taken.end_s <= LOOK_S
            if taken.kind is DeedKind.TAKE and same:
                found |= {before, number}
        last[person] = number
    return found


def _goods(deed: Deed) -> tuple[object, ...]:
    return deed.shelf, deed.product, deed.quantity, deed.units


def _beside(deeds: Iterable[Deed]) -> set[int]:
    """Indices of deeds beside which another session's hand was at the same shelf."""
    recent: dict[str, list[tuple[int, Deed]]] = {}
    found: set[int] = set()
    for number, deed in enumerate(deeds):
        near = [
            (i, other)
            for i, other in recent.get(deed.shelf, ())
            if deed.start_s - other.end_s < BESIDE_S
        ]
        for i, other in near:
            if other.session != deed.session:
                found |= {i, number}
        recent[deed.shelf] = [*near, (number, deed)]
    return found
