"""What the fusion remembers between ticks: passages, sessions, what it has said.

All of it serializes to JSON, so that a restarted fusion goes on where it was.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pydantic import TypeAdapter, ValidationError

from aisle.records import Action, Change, GateEvent, Prediction, SlotChange
from aisle.store.types import Slot

MAX_GAPS = 100
"""Reasons kept for one session; one is enough for review."""

MAX_CLEARED = 200
"""Twice as many as the store model tells again."""


@dataclass
class Carried:
    """Units of one product that a session holds."""

    quantity: int
    unit_kg: float
    """Weight of one unit as measured when it was taken; 0 when it was not measured."""


@dataclass
class Session:
    """One shopper or group between entry and exit."""

    id: str
    enter_ns: int
    group_size: int = 1
    exit_ns: int | None = None
    carried: dict[str, Carried] = field(default_factory=dict)
    touched: dict[str, int] = field(default_factory=dict)
    """Stamp of the last change by fixture."""
    changes: dict[str, Change] = field(default_factory=dict)
    gaps: list[str] = field(default_factory=list)
    since_ns: int | None = None
    """The first stamp that the fusion saw, where the session entered before it."""
    told_ns: int = 0
    """Stamp of its last prediction. The next one's is newer, even when clocks were set back: the
    newer stamp says which of two states of a change holds."""
    gate: str = ""
    """Where it came in."""

    def next_id(self) -> str:
        """Id of the next change: `<session>/<number>`, or `<session>/<since>-<number>`."""
        number = len(self.changes) + 1
        return f"{self.id}/{number if self.since_ns is None else f'{self.since_ns}-{number}'}"

    def note_gap(self, gap: str) -> None:
        """Keep why the session was not fully seen; not without end."""
        if len(self.gaps) < MAX_GAPS:
            self.gaps.append(gap)

    def apply(self, action: Action, product: str, quantity: int, unit_kg: float) -> int:
        """Add to or take from what the session carries, never below nothing; units that moved."""
        if not product or not quantity:
            return 0
        held = self.carried.get(product)
        if action is Action.TAKE:
            if held is None:
                self.carried[product] = Carried(quantity, unit_kg)
            else:
                held.quantity += quantity
                held.unit_kg = unit_kg or held.unit_kg
            return quantity
        if held is None:
            return 0
        moved = min(quantity, held.quantity)
        held.quantity -= moved
        if held.quantity == 0:
            del self.carried[product]
        return moved


@dataclass
class Commit:
    """A change that the model has said, while it lies in the window of its shelf."""

    change_id: str
    session: str
    stamp_ns: int
    action: Action
    product: str
    quantity: int
    probability: float
    committed_ns: int
    unit_kg: float
    restored_kg: float = 0.0
    """Unit weight that a return took out of the session, to give back on withdrawal."""
    carried: int = 0
    """Units that really came into or went out of what the session carries."""
    stray: int = 0
    """Misplaced units that really came to (positive) or went from the shelf."""
    stray_plates: tuple[str, ...] = ()
    """Where they stood or stand."""


@dataclass
class ShelfMemory:
    """One shelf: commits in its window, and since when something has been in doubt there."""

    commits: list[Commit] = field(default_factory=list)
    doubt_since_ns: int | None = None
    heard: tuple[str, int, int] = ("", 0, 0)
    """The last sure answer, how many ticks in a row gave it, and the last of these ticks."""
    stray: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    """Misplaced products: quantity and plates."""

    def note_stray(
        self, product: str, units: int, plates: tuple[str, ...]
    ) -> tuple[int, tuple[str, ...]]:
        """Keep account of misplaced units that came (positive) or went; never below nothing.

        Returns:
            The units that really came or went, and the plates on which they count.
        """
        before, known = self.stray.get(product, (0, ()))
        after, plates = max(before + units, 0), known or plates
        if after:
            self.stray[product] = after, plates
        else:
            self.stray.pop(product, None)
        return after - before, plates

    def look_away(self) -> None:
        """Forget what the window showed: the next one has other readings."""
        self.commits.clear()
        self.doubt_since_ns, self.heard = None, ("", 0, 0)


@dataclass
class Memory:
    """All that outlives a tick."""

    sessions: dict[str, Session] = field(default_factory=dict)
    shelves: dict[str, ShelfMemory] = field(default_factory=dict)
    gates: list[GateEvent] = field(default_factory=list)
    """Passages that wait for their time, by stamp."""
    tick_ns: int = 0
    """The last tick that was decided."""
    cleared: list[str] = field(default_factory=list)
    """Causes of the last operators' words that were heeded: they are told again after restarts."""
    closed: list[str] = field(default_factory=list)
    """Sessions that ended last: a passage of theirs that comes again opens nothing."""

    def shelf(self, shelf: str) -> ShelfMemory:
        """The memory of a shelf, made when first needed."""
        return self.shelves.setdefault(shelf, ShelfMemory())

    def note_misplaced(self, slots: Iterable[Slot]) -> None:
        """Take over the misplaced products of a store model, where nothing better is known."""
        for slot in slots:
            if slot.misplaced:
                stray = self.shelf(slot.shelf).stray
                units, plates = stray.get(slot.product, (0, ()))
                plates = tuple(dict.fromkeys((*plates, *slot.plates)))
                stray[slot.product] = units + (slot.count or 1), plates

    def clear_stray(self, change: SlotChange) -> None:
        """A person says that a misplaced product is gone from a shelf; once for each cause."""
        if change.cause in self.cleared or change.quantity > 0:
            return
        self.cleared = [*self.cleared, change.cause][-MAX_CLEARED:]
        self.shelf(change.shelf).stray.pop(change.product, None)

    def note_told(self, predictions: list[Prediction]) -> list[Prediction]:
        """Keep the stamps of what is said of open sessions; what is said."""
        for prediction in predictions:
            if prediction.session in self.sessions:
                self.sessions[prediction.session].told_ns = prediction.stamp_ns
        return predictions

    def move_time(self, step_ns: int, now_ns: int) -> None:
        """Clocks were set by `step_ns`, to `now_ns`: what is remembered goes with them.

        A passage that already has a stamp of the new time keeps it.
        """
        self.tick_ns += step_ns
        for session in self.sessions.values():
            session.enter_ns += step_ns
            if session.exit_ns is not None:
                session.exit_ns += step_ns
            session.touched = {name: at + step_ns for name, at in session.touched.items()}
        for shelf in self.shelves.values():
            shelf.look_away()
        moved = [
            replace(e, stamp_ns=e.stamp_ns + step_ns) if e.stamp_ns > now_ns - step_ns // 2 else e
            for e in self.gates
        ]
        self.gates = sorted(moved, key=lambda e: e.stamp_ns)

    def to_json(self) -> bytes:
        """All of it; `from_json` reads it back."""
        return _SNAPSHOT.dump_json(_Snapshot(1, self))

    @classmethod
    def from_json(cls, data: bytes) -> Memory:
        """The inverse of `to_json`.

        Raises:
            ValueError: The data is not what `to_json` of this version writes.
        """
        try:
            snapshot = _SNAPSHOT.validate_json(data)
        except ValidationError as error:
            raise ValueError(f"not a fusion state: {error.errors()[0]['msg']}") from error
        if snapshot.version != 1:
            raise ValueError(f"not a fusion state: version {snapshot.version}")
        return snapshot.memory


@dataclass
class _Snapshot:
    version: int
    memory: Memory


_SNAPSHOT = TypeAdapter(_Snapshot)
