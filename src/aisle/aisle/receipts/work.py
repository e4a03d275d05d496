"""What one message changed in a session, collected to be written at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from aisle.receipts.session import Session
from aisle.records import Change, Receipt, SlotChange


@dataclass
class Tracker:
    """Collects the changes of one session; make it before the first change."""

    session: Session
    receipts: list[tuple[int, Receipt]] = field(default_factory=list)
    """New revisions with their place among all sessions' revisions."""
    slots: list[tuple[int, SlotChange]] = field(default_factory=list)
    """New slot changes with their place among all sessions' slot changes."""
    new_ids: dict[str, None] = field(default_factory=dict)
    changed_ids: dict[str, None] = field(default_factory=dict)
    changed_products: dict[str, None] = field(default_factory=dict)
    new_gaps: int = 0
    """How many of the session's last gaps are new."""
    old_products: int = field(init=False)
    """How many of the session's first products were there before."""

    def __post_init__(self) -> None:
        self.old_products = len(self.session.items)

    def touch(self, change: Change, replaced: Change | None) -> None:
        """Note that a change was put into the session in place of another one, or of none."""
        if replaced is None:
            self.new_ids[change.id] = None
        elif change.id not in self.new_ids:
            self.changed_ids[change.id] = None
        for product in (change.product, replaced.product if replaced else ""):
            if product in self.session.items:
                self.changed_products[product] = None
