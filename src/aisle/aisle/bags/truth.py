"""What really happened, beside a bag: `truth.json` in the bag's directory.

`docs/formats.md` describes the file. It comes from a simulator or from a person who watched.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from aisle.records import Action, GateEvent, GateKind

FILE = "truth.json"
FORMAT = "aisle-truth/1"


class TruthError(ValueError):
    """A truth file that cannot be used; the text names the file and the rule."""


@dataclass(frozen=True)
class TrueEvent:
    """One take or return, when its effect was complete."""

    stamp_ns: int
    action: Action
    product: str
    quantity: int
    shelf: str = ""
    plates: tuple[str, ...] = ()
    foreign: bool = False
    """A return to a shelf where the product does not belong, or a take from there."""
    counterpart: str = ""
    """The other session of a hand-over: a return for who gives, a take for who gets."""


@dataclass(frozen=True)
class TrueSession:
    """What one session really did."""

    session: str
    receipt: dict[str, int]
    """Units by product that it carried out; no zeros."""
    events: tuple[TrueEvent, ...] | None = None
    """In order of time; None where only the receipt is known."""
    enter_ns: int | None = None
    exit_ns: int | None = None


Truth = dict[str, TrueSession]
"""Sessions by id, in order of entry."""


class _SimulatedEvent(Protocol):
    @property
    def stamp_ns(self) -> int: ...
    @property
    def session(self) -> str: ...
    @property
    def action(self) -> Action: ...
    @property
    def product(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def shelf(self) -> str: ...
    @property
    def plates(self) -> tuple[str, ...]: ...
    @property
    def foreign(self) -> bool: ...
    @property
    def counterpart(self) -> str: ...


class Simulated(Protocol):
    """What a simulation tells of itself."""

    @property
    def gate_events(self) -> tuple[GateEvent, ...]:
        """Entries and exits."""

    @property
    def truth(self) -> tuple[_SimulatedEvent, ...]:
        """Takes and returns in order of time."""

    def receipts(self) -> dict[str, dict[str, int]]:
        """Units by product that each session carries out."""


def truth_of(simulation: Simulated) -> Truth:
    """Return the truth of a simulation."""
    gates = {(event.session, event.kind): event.stamp_ns for event in simulation.gate_events}
    events: dict[str, list[TrueEvent]] = {}
    for event in simulation.truth:
        events.setdefault(event.session, []).append(
            TrueEvent(
                event.stamp_ns, event.action, event.product, event.quantity, event.shelf,
                event.plates, event.foreign, event.counterpart,
            )
        )  # fmt: skip
    return {
        session: TrueSession(
            session,
            dict(receipt),
            tuple(events.get(session, ())),
            gates.get((session, GateKind.ENTER)),
            gates.get((session, GateKind.EXIT)),
        )
        for session, receipt in simulation.receipts().items()
    }


def event_json(event: TrueEvent) -> dict[str, Any]:
    """Return an event as it stands in the file."""
    hand_over = {"counterpart": event.counterpart} if event.counterpart else {}
    return {
        "stamp_ns": event.stamp_ns,
        "action": event.action.name.lower(),
        "product": event.product,
        "quantity": event.quantity,
        "shelf": event.shelf,
        "plates": list(event.plates),
        "foreign": event.foreign,
        **hand_over,
    }


def session_json(session: TrueSession) -> dict[str, Any]:
    """Return a session as it stands in the file."""
    lines = [{"product": p, "quantity": n} for p, n in sorted(session.receipt.items())]
    events = session.events
    return {
        "session": session.session,
        "enter_ns": session.enter_ns,
        "exit_ns": session.exit_ns,
        "receipt": lines,
        "events": None if events is None else [event_json(event) for event in events],
    }


def write_truth(bag: Path, truth: Truth) -> None:
    """Write `truth.json` into a bag's directory; the same truth gives the same bytes."""
    data = {"format": FORMAT, "sessions": [session_json(session) for session in truth.values()]}
    text = json.dumps(data, indent=1, ensure_ascii=False) + "\n"
    (bag / FILE).write_text(text, encoding="utf-8")


def read_truth(bag: Path) -> Truth | None:
    """Read the truth beside a bag, or None where there is none.

    Args:
        bag: The bag's directory, or a file in it.

    Raises:
        TruthError: The file breaks a rule.
    """
    file = (bag if bag.is_dir() else bag.parent) / FILE
    if not file.exists():
        return None
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if data["format"] != FORMAT:
            raise TruthError(f"{file}: format is {data['format']!r}, not {FORMAT!r}")
        sessions = [parse_session(entry) for entry in data["sessions"]]
    except TruthError:
        raise
    except KeyError as error:
        raise TruthError(f"{file}: {error} is missing") from error
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise TruthError(f"{file}: {error}") from error
    truth = {session.session: session for session in sessions}
    if len(truth) < len(sessions):
        raise TruthError(f"{file}: a session stands there twice")
    return truth


def parse_session(entry: dict[str, Any]) -> TrueSession:
    """Return a session from what `session_json` made.

    Raises:
        KeyError, TypeError, ValueError: The entry breaks a rule.
    """
    receipt: dict[str, int] = {}
    for line in entry["receipt"]:
        product = str(line["product"])
        receipt[product] = receipt.get(product, 0) + _whole(line["quantity"], "quantity")
    events = entry.get("events")
    enter, leave = entry.get("enter_ns"), entry.get("exit_ns")
    return TrueSession(
        str(entry["session"]),
        {product: count for product, count in receipt.items() if count},
        None if events is None else tuple(parse_event(event) for event in events),
        None if enter is None else _whole(enter, "enter_ns"),
        None if leave is None else _whole(leave, "exit_ns"),
    )


def parse_event(entry: dict[str, Any]) -> TrueEvent:
    """Return an event from what `event_json` made.

    Raises:
        KeyError, TypeError, ValueError: The entry breaks a rule.
    """
    action = str(entry["action"]).upper()
    if action not in Action.__members__:
        raise ValueError(f"action is {entry['action']!r}, not 'take' or 'return'")
    return TrueEvent(
        _whole(entry["stamp_ns"], "stamp_ns"),
        Action[action],
        str(entry["product"]),
        _whole(entry["quantity"], "quantity"),
        str(entry.get("shelf", "")),
        tuple(str(plate) for plate in entry.get("plates", ())),
        bool(entry.get("foreign", False)),
        str(entry.get("counterpart", "")),
    )


def _whole(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{name} is {value!r}, not a whole number from 0 on")
    return value
