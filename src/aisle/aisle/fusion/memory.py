"""What the fusion remembers between ticks: open sessions, what they carry, what it has said.

All of it serializes to JSON, so that a restarted fusion goes on where it was.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from aisle.records import Action, Change, ChangeState

MAX_GAPS = 100
"""Reasons kept for one session; one is enough for review."""


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

    def next_id(self) -> str:
        """Id of the next change, `<session>/<number>`."""
        return f"{self.id}/{len(self.changes) + 1}"

    def note_gap(self, gap: str) -> None:
        """Keep why the session was not fully seen; not without end."""
        if len(self.gaps) < MAX_GAPS:
            self.gaps.append(gap)

    def apply(self, action: Action, product: str, quantity: int, unit_kg: float) -> None:
        """Add to or take from what the session carries; never below nothing."""
        if not product:
            return
        held = self.carried.get(product)
        if action is Action.TAKE:
            if held is None:
                self.carried[product] = Carried(quantity, unit_kg)
            else:
                held.quantity += quantity
                held.unit_kg = unit_kg or held.unit_kg
        elif held is not None:
            held.quantity -= quantity
            if held.quantity <= 0:
                del self.carried[product]


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


@dataclass
class ShelfMemory:
    """One shelf: commits in its window, and since when something has been in doubt there."""

    commits: list[Commit] = field(default_factory=list)
    doubt_since_ns: int | None = None
    heard: tuple[str, int, int] = ("", 0, 0)
    """The last sure answer, how many ticks in a row gave it, and the last of these ticks."""
    stray: dict[str, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    """Misplaced products: quantity and plates."""


@dataclass
class Memory:
    """All sessions and shelves."""

    sessions: dict[str, Session] = field(default_factory=dict)
    shelves: dict[str, ShelfMemory] = field(default_factory=dict)
    tick_ns: int = 0
    """The last tick that was decided."""
    closed: list[str] = field(default_factory=list)
    """Sessions that ended last: a passage of theirs that comes again opens nothing."""

    def shelf(self, shelf: str) -> ShelfMemory:
        """The memory of a shelf, made when first needed."""
        return self.shelves.setdefault(shelf, ShelfMemory())

    def to_json(self) -> dict[str, Any]:
        """Plain data for `json.dumps`."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Memory:
        """The inverse of `to_json`.

        Raises:
            ValueError: The data is not what `to_json` writes.
        """
        try:
            sessions = {k: _session(v) for k, v in data["sessions"].items()}
            shelves = {k: _shelf(v) for k, v in data["shelves"].items()}
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"not a fusion state: {error}") from error
        closed = [str(name) for name in data.get("closed", [])]
        return cls(sessions, shelves, int(data.get("tick_ns", 0)), closed)


def _session(data: dict[str, Any]) -> Session:
    carried = {k: Carried(**v) for k, v in data.pop("carried").items()}
    changes = {k: _change(v) for k, v in data.pop("changes").items()}
    return Session(carried=carried, changes=changes, **data)


def _change(data: dict[str, Any]) -> Change:
    for name in ("plates", "cameras", "evidence_ns"):
        data[name] = tuple(data[name])
    data["state"], data["action"] = ChangeState(data["state"]), Action(data["action"])
    return Change(**data)


def _shelf(data: dict[str, Any]) -> ShelfMemory:
    commits = [Commit(**{**c, "action": Action(c["action"])}) for c in data["commits"]]
    stray = {k: (n, tuple(plates)) for k, (n, plates) in data["stray"].items()}
    return ShelfMemory(commits, data["doubt_since_ns"], stray=stray)
