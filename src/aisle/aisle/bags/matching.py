"""Which change of a receipt stands for which true event, and what kind of error is left.

Both are split into units first, so that a take of two told as two takes is right. Pairs are the
nearest in time, first those that agree in all, then those that differ in one thing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from aisle.bags.truth import TrueEvent, TrueSession
from aisle.records import Action, Change, ChangeState

WINDOW_NS = 5_000_000_000
"""A change further from an event than this does not stand for it."""


@dataclass(frozen=True)
class Unit:
    """One unit of an event or of a change; `parent` is its index."""

    parent: int
    session: str
    action: Action
    product: str
    stamp_ns: int


@dataclass
class Matching:
    """The result: indices are those of `events` and `changes`."""

    events: list[tuple[str, TrueEvent]]
    """Session and event."""
    changes: list[tuple[str, Change]]
    """Session and change, without withdrawn ones."""
    right: dict[int, set[int]] = field(default_factory=dict)
    """Changes that stand for an event, where all units of the event were found."""
    change_right: list[bool] = field(default_factory=list)
    """For each change, whether all its units stand for true ones."""
    errors: Counter[str] = field(default_factory=Counter)
    """Units by kind of error."""


def match(truth: Mapping[str, TrueSession], changes: Mapping[str, Sequence[Change]]) -> Matching:
    """Match the changes of sessions to the true events of sessions.

    Args:
        truth: True sessions; those without events are left out, with their changes.
        changes: The last version of each change by session.
    """
    known = {name: s.events for name, s in truth.items() if s.events is not None}
    result = Matching(
        [(name, event) for name, events in known.items() for event in events],
        [
            (name, change)
            for name, listed in changes.items()
            if name in known or name not in truth
            for change in listed
            if change.state != ChangeState.WITHDRAWN
        ],
    )
    true = [
        Unit(i, name, event.action, event.product, event.stamp_ns)
        for i, (name, event) in enumerate(result.events)
        for _ in range(event.quantity)
    ]
    ours = [
        Unit(i, name, change.action, change.product, change.stamp_ns)
        for i, (name, change) in enumerate(result.changes)
        for _ in range(change.quantity)
    ]
    agree = _pair(true, ours, [lambda unit: (unit.session, unit.action, unit.product)])
    _settle(result, true, ours, [(i, j) for _, i, j in agree])
    return result


Key = Callable[[Unit], object]


def _pair(
    true: Sequence[Unit], ours: Sequence[Unit], keys: Sequence[Key]
) -> list[tuple[int, int, int]]:
    """Pair units that agree in some key within the window, nearest in time first.

    Returns:
        Number of the key, index of the true unit and of ours.
    """
    near = []
    for number, key in enumerate(keys):
        alike: dict[object, list[int]] = {}
        for j, unit in enumerate(ours):
            alike.setdefault(key(unit), []).append(j)
        near += [
            (abs(unit.stamp_ns - ours[j].stamp_ns), number, i, j)
            for i, unit in enumerate(true)
            for j in alike.get(key(unit), ())
            if abs(unit.stamp_ns - ours[j].stamp_ns) <= WINDOW_NS
        ]
    used_true: set[int] = set()
    used_ours: set[int] = set()
    pairs = []
    for _, number, i, j in sorted(near):
        if i not in used_true and j not in used_ours:
            used_true.add(i)
            used_ours.add(j)
            pairs.append((number, i, j))
    return pairs


_DIFFERENCES: tuple[tuple[str, Key], ...] = (
    ("wrong product", lambda unit: (unit.session, unit.action)),
    ("wrong session", lambda unit: (unit.action, unit.product)),
)


def _settle(
    result: Matching,
    true: list[Unit],
    ours: list[Unit],
    right: list[tuple[int, int]],
) -> None:
    """Fill `result` from the right pairs, and name what is left."""
    found = Counter(true[i].parent for i, _ in right)
    used = Counter(ours[j].parent for _, j in right)
    for i, j in right:
        event = true[i].parent
        if found[event] == result.events[event][1].quantity:
            result.right.setdefault(event, set()).add(ours[j].parent)
    result.change_right = [
        used[index] == change.quantity for index, (_, change) in enumerate(result.changes)
    ]
    paired_true, paired_ours = {i for i, _ in right}, {j for _, j in right}
    left_true = [u for i, u in enumerate(true) if i not in paired_true]
    left_ours = [u for j, u in enumerate(ours) if j not in paired_ours]
    pairs = _pair(left_true, left_ours, [key for _, key in _DIFFERENCES])
    for number, i, _ in pairs:
        kind = _DIFFERENCES[number][0]
        result.errors[_name(kind, result.events[left_true[i].parent][1])] += 1
    gone_true, gone_ours = {i for _, i, _ in pairs}, {j for _, _, j in pairs}
    left_true = [u for i, u in enumerate(left_true) if i not in gone_true]
    left_ours = [u for j, u in enumerate(left_ours) if j not in gone_ours]
    for unit in left_true:
        kind = "too few" if found[unit.parent] else f"missed {unit.action.name.lower()}"
        result.errors[_name(kind, result.events[unit.parent][1])] += 1
    for unit in left_ours:
        kind = "too many" if used[unit.parent] else f"false {unit.action.name.lower()}"
        given = result.changes[unit.parent][1].counterpart
        result.errors[f"{kind} (hand-over)" if given else kind] += 1


def _name(kind: str, event: TrueEvent) -> str:
    if event.counterpart:
        return f"{kind} (hand-over)"
    if event.foreign:
        returned = event.action is Action.RETURN
        return f"{kind} (put back elsewhere)" if returned else f"{kind} (misplaced product)"
    return kind


def hand_overs(matching: Matching) -> list[bool]:
    """Return for each true hand-over whether both receipts have it: one less here, one more there.

    A hand-over is two events of one moment, each the other's counterpart; with the events of one
    side unknown it does not count. It is right when both are; whether the changes name each other
    is not asked.
    """
    sides: dict[tuple[object, ...], list[bool]] = {}
    for index, (session, event) in enumerate(matching.events):
        if event.counterpart:
            giver, taker = session, event.counterpart
            if event.action is Action.TAKE:
                giver, taker = taker, giver
            key = event.stamp_ns, giver, taker, event.product
            sides.setdefault(key, []).append(index in matching.right)
    return [all(found) for found in sides.values() if len(found) > 1]
