"""One shopping session and its receipt, without a database."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import Enum

from aisle.receipts.catalogue import Catalogue, Tag
from aisle.records import Action, Change, ChangeState, Receipt, ReceiptLine, ReceiptState

NO_GATE_EVENT = "no gate event: the session was never seen entering"
_DOUBT_UNIT = 1e-9
_LEAST_PROBABILITY = 1e-6
_Body = tuple[ReceiptState, tuple[ReceiptLine, ...], tuple[str, ...]]


@dataclass
class Entry:
    """A change as the ledger holds it."""

    change: Change
    version_ns: int
    """Stamp of the prediction that brought it."""
    slots: int = 0
    """How many slot changes it has caused."""


class Verdict(Enum):
    """What a change means beside the one that is held under its id."""

    NEW = "new"
    UPDATED = "updated"
    REPEATED = "repeated"
    STALE = "stale"
    CONFLICT = "conflict"


def judge(held: Entry | None, change: Change, version_ns: int) -> Verdict:
    """Say what to do with a change: only NEW and UPDATED have an effect.

    The prediction with the newer stamp wins, and at the same stamp the state that is further on,
    so that a repeat in any order cannot undo what came after it.
    """
    if held is None:
        return Verdict.NEW
    if held.change == change:
        return Verdict.REPEATED
    if version_ns != held.version_ns:
        return Verdict.UPDATED if version_ns > held.version_ns else Verdict.STALE
    if change.state != held.change.state:
        return Verdict.UPDATED if change.state > held.change.state else Verdict.STALE
    return Verdict.CONFLICT


def _doubt(change: Change) -> int:
    # Whole numbers, so that sums do not depend on the order in which changes come and go.
    return round(-math.log(max(change.probability, _LEAST_PROBABILITY)) / _DOUBT_UNIT)


_NAME = 80
"""Letters of a name in a reason for review, so that a reason fits into a message."""


@dataclass
class Item:
    """All that a session did with one product."""

    product: str
    tag: Tag | None = None
    """Name and price from the moment the line first appeared; None for an unknown product."""
    net: int = 0
    """Takes minus returns."""
    live: int = 0
    """Changes that are not withdrawn."""
    doubt: int = 0
    """Sum of their negative log probabilities, in 1e-9."""

    def add(self, change: Change, sign: int) -> None:
        """Count a change in (`sign` 1) or out (-1)."""
        amount = change.quantity if change.action == Action.TAKE else -change.quantity
        self.net += sign * amount
        self.live += sign
        self.doubt += sign * _doubt(change)

    @property
    def confidence(self) -> float:
        """Product of the changes' probabilities, to six decimals."""
        return round(math.exp(-self.doubt * _DOUBT_UNIT), 6)

    def line(self) -> ReceiptLine | None:
        """Return the line of the bill, or None when nothing is to be paid."""
        if self.tag is None or self.net <= 0:
            return None
        tag = self.tag
        return ReceiptLine(self.product, tag.name, self.net, tag.price_minor, self.confidence)

    @property
    def _called(self) -> str:
        """For people, who find it by name on the shelf and by number in the till."""
        return self.product if self.tag is None else f"{self.tag.name[:_NAME]} ({self.product})"

    def reasons(self, threshold: float) -> list[str]:
        """Say why a person should look; the threshold is for the confidence."""
        if not self.live:
            return []
        found = []
        if self.tag is None:
            found.append(
                f"{self.product} is not in the catalogue (taken minus returned {self.net})"
            )
        if self.net < 0:
            found.append(f"{self._called} returned {-self.net} more than taken")
        if threshold and self.confidence < threshold:
            found.append(
                f"{self._called} x {max(self.net, 0)} has confidence {self.confidence:.2f},"
                f" below {threshold:.2f}"
            )
        return found


@dataclass
class Session:
    """A session's receipt and what it rests on."""

    id: str
    first_ns: int
    """Stamp of the first message about it."""
    state: ReceiptState = ReceiptState.OPEN
    revision: int = 0
    """0 while it waits for its gate event."""
    opened_ns: int = 0
    enter_ns: int | None = None
    exit_ns: int | None = None
    group_size: int = 1
    currency: str = ""
    close_reason: str = ""
    """Why it closed without a final prediction, or empty."""
    gaps: list[str] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    items: dict[str, Item] = field(default_factory=dict)
    """By product, in the order of first appearance."""
    unnamed: int = 0
    """Changes, not withdrawn, whose product the model could not name."""
    shown: _Body | None = None
    """What the newest revision showed."""

    def put(self, change: Change, version_ns: int, catalogue: Catalogue) -> Verdict:
        """Apply a change that `accept_change` returned; see `judge`."""
        held = self.entries.get(change.id)
        verdict = judge(held, change, version_ns)
        if verdict not in (Verdict.NEW, Verdict.UPDATED):
            return verdict
        if held:
            self._count(held.change, -1, catalogue)
        self.entries[change.id] = Entry(change, version_ns, held.slots if held else 0)
        self._count(change, 1, catalogue)
        return verdict

    def restore(self, entry: Entry) -> None:
        """Take an entry from the database; the items' tags are there already."""
        self.entries[entry.change.id] = entry
        self._count(entry.change, 1, None)

    def _count(self, change: Change, sign: int, catalogue: Catalogue | None) -> None:
        if change.state == ChangeState.WITHDRAWN:
            return
        if not change.product:
            self.unnamed += sign
            return
        item = self.items.setdefault(change.product, Item(change.product))
        if item.tag is None and catalogue is not None:
            item.tag = catalogue.tag(change.product, change.stamp_ns)
        item.add(change, sign)

    def close(self, reason: str, threshold: float) -> None:
        """Close into review when there is any reason to, among them `reason` unless empty."""
        self.close_reason = reason
        reasons = self.review_reasons(threshold)
        self.state = ReceiptState.REVIEW if reasons else ReceiptState.CLOSED

    def review_reasons(self, threshold: float) -> tuple[str, ...]:
        """List why a person should look, in an order that depends on nothing but the state."""
        found = [NO_GATE_EVENT] if self.enter_ns is None else []
        found += self.gaps
        if self.unnamed:
            found.append(f"changes without a product that the model could name: {self.unnamed}")
        for product in sorted(self.items):
            found += self.items[product].reasons(threshold)
        return (*found, self.close_reason) if self.close_reason else tuple(found)

    def _body(self, threshold: float) -> _Body:
        # Until the receipt closes, doubtful lines are no reason for review: they may firm up.
        effective = 0.0 if self.state == ReceiptState.OPEN else threshold
        lines = tuple(line for item in self.items.values() if (line := item.line()))
        return self.state, lines, self.review_reasons(effective)

    def mark_shown(self) -> None:
        """Take the state of an open session as what its newest revision showed."""
        self.shown = self._body(0.0)

    def revise(self, cause: str, stamp_ns: int, threshold: float) -> Receipt | None:
        """Return the next revision, or None when there is nothing new to see."""
        body = self._body(threshold)
        if body == self.shown:
            return None
        self.shown = body
        self.revision += 1
        state, lines, reasons = body
        return Receipt(
            self.id, self.revision, state, stamp_ns, self.currency, lines, cause, reasons
        )
